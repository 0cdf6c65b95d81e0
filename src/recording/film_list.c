/* The messages of a camera's video, listed: where decoding can begin, and what is missing. */
#include "recording/recording__film.h"

#define LOOK_BACK_NS INT64_C(1000000000) // at first; four times as far each time nothing is found
#define STEPS_OF_ONE 0.9                 // of a count that goes by one

bool et__film_codec(enum et_picture_coding coding, enum et_unit_codec *codec)
{
    static const struct {
        enum et_picture_coding coding;
        enum et_unit_codec codec;
    } CODECS[] = {{ET_PICTURE_H264, ET_UNIT_H264},
                  {ET_PICTURE_H265, ET_UNIT_H265},
                  {ET_PICTURE_VP9, ET_UNIT_VP9},
                  {ET_PICTURE_AV1, ET_UNIT_AV1}};
    for (size_t i = 0; i < sizeof CODECS / sizeof *CODECS; i++) {
        if (CODECS[i].coding != coding)
            continue;
        *codec = CODECS[i].codec;
        return true;
    }
    return false;
}

static enum et_status query(struct et__film *film, int64_t from_ns, int64_t last_ns,
                            struct et_err *err)
{
    const struct et_recording_query what = {.streams = &film->i_stream,
                                            .n_streams = 1,
                                            .from_ns = from_ns,
                                            .to_ns = last_ns < INT64_MAX ? last_ns + 1 : 0};
    film->is_reading = false;
    return et_recording_query(film->recording, &what, err);
}

/* Looks at messages one after the other. Some senders put parameters into messages of their own,
 * right before the key frame: decoding begins at the first of those. */
struct looking {
    enum et_unit_codec codec;
    size_t n_apart;        // messages without a picture right before the next one
    int64_t apart_ns;      // arrival of the first of them
    bool is_start_of_them; // the message at hand is a key frame whose parameters they are
};

static void look(const struct et__film *film, struct looking *l, const struct et_sample *sample,
                 struct et__listed *to)
{
    struct et_video_unit unit = {0};
    if (sample->picture.coding == film->coding)
        et_video_unit_look(l->codec, sample->picture.bytes, &unit);
    *to = (struct et__listed){.t_arrival_ns = sample->t_arrival_ns,
                              .t_device_ns = sample->t_device_ns,
                              .sequence = sample->sequence,
                              .has_sequence = sample->has_sequence,
                              .is_of_video = sample->picture.coding == film->coding,
                              .has_picture = unit.has_picture,
                              .is_parameters = !unit.has_picture && unit.has_parameters,
                              .is_key = unit.is_start,
                              .is_leading = unit.is_leading};
    to->is_start = unit.is_start && unit.has_parameters;
    l->is_start_of_them = unit.is_start && !unit.has_parameters && l->n_apart > 0;
    if (!unit.has_picture && l->n_apart++ == 0)
        l->apart_ns = sample->t_arrival_ns;
}

/* Arrival of the key frame to begin at for a range that begins at `t_ns`: the last but one before
 * it, since what leads the last one may need that. What cannot be decoded is nowhere. */
static enum et_status find_begin(struct et__film *film, int64_t t_ns, int64_t *begin_ns,
                                 struct et_err *err)
{
    const int64_t start_ns = et_recording_info(film->recording)->start_ns;
    struct looking l = {0};
    (void)et__film_codec(film->coding, &l.codec);
    *begin_ns = t_ns;
    for (int64_t back_ns = LOOK_BACK_NS; t_ns > start_ns; back_ns *= 4) {
        const bool is_all = back_ns >= t_ns - start_ns;
        int64_t found[2] = {0, 0};
        int n_found = 0;
        struct et_sample sample;
        struct et__listed listed;
        l.n_apart = 0;
        enum et_status st = query(film, is_all ? start_ns : t_ns - back_ns, t_ns, err);
        while (st == ET_OK && (st = et_recording_next(film->recording, &sample, err)) == ET_OK) {
            look(film, &l, &sample, &listed);
            if (listed.is_start || l.is_start_of_them) {
                found[0] = found[1];
                found[1] = listed.is_start ? listed.t_arrival_ns : l.apart_ns;
                n_found++;
            }
            l.n_apart = listed.has_picture ? 0 : l.n_apart;
        }
        if (st != ET_END)
            return st;
        if (n_found > 1 || (n_found == 1 && is_all)) {
            *begin_ns = n_found > 1 ? found[0] : found[1];
            return ET_OK;
        }
        if (is_all)
            return ET_OK;
    }
    return ET_OK;
}

/* Marks what follows a gap in the senders' count, where that counts messages by one. */
static void mark_losses(struct et__film *film)
{
    struct et__listed *list = (struct et__listed *)(void *)film->list.p;
    size_t n_steps = 0, n_ones = 0;
    for (size_t i = 1; i < film->n; i++) {
        if (!list[i].has_sequence || !list[i - 1].has_sequence)
            continue;
        n_steps++;
        n_ones += list[i].sequence - list[i - 1].sequence == 1;
    }
    if (n_steps == 0 || (double)n_ones < STEPS_OF_ONE * (double)n_steps)
        return;
    for (size_t i = 1; i < film->n; i++) {
        const uint32_t step = list[i].sequence - list[i - 1].sequence;
        list[i].is_behind_loss = list[i].has_sequence && list[i - 1].has_sequence && step > 1 &&
                                 step < UINT32_C(1) << 31;
    }
}

enum et_status et__film_list(struct et__film *film, int64_t t_first_ns, int64_t t_last_ns,
                             struct et_err *err)
{
    struct looking l = {0};
    struct et_sample sample;
    struct et__listed listed;
    int64_t begin_ns;
    (void)et__film_codec(film->coding, &l.codec);
    film->list = et_buf(ET_VIDEO_FRAMES_MAX * sizeof listed);
    enum et_status st = find_begin(film, t_first_ns, &begin_ns, err);
    if (st == ET_OK)
        st = query(film, begin_ns, t_last_ns, err);
    while (st == ET_OK && (st = et_recording_next(film->recording, &sample, err)) == ET_OK) {
        look(film, &l, &sample, &listed);
        et_buf_put(&film->list, &listed, sizeof listed);
        st = et_buf_check(&film->list, "the messages of a camera", err);
        if (st == ET_OK && l.is_start_of_them)
            ((struct et__listed *)(void *)film->list.p)[film->n - l.n_apart].is_start = true;
        l.n_apart = listed.has_picture ? 0 : l.n_apart;
        film->n_before += listed.t_arrival_ns < t_first_ns;
        film->n++;
    }
    if (st != ET_END)
        return st;
    mark_losses(film);
    return ET_OK;
}

size_t et__film_find(const struct et__film *film, int64_t t_arrival_ns)
{
    size_t low = 0, high = film->n;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (et__film_at(film, mid)->t_arrival_ns < t_arrival_ns)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

enum et_status et__film_query(struct et__film *film, size_t i, struct et_err *err)
{
    const int64_t t_ns = et__film_at(film, i)->t_arrival_ns;
    size_t n_skipped = i - et__film_find(film, t_ns); // that arrived at the same time before it
    struct et_sample sample;
    enum et_status st = query(film, t_ns, et__film_at(film, film->n - 1)->t_arrival_ns, err);
    for (; n_skipped > 0 && st == ET_OK; n_skipped--)
        st = et_recording_next(film->recording, &sample, err);
    return st;
}
