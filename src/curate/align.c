#include "curate/curate__align.h"

#include "etude/clock.h"
#include "etude/frames.h"

#include <assert.h>
#include <stdlib.h>

#define MARKS_MAX 1000000
#define ARENA_BYTES_MAX ((size_t)1 << 30)
// Of fitting one topic's clock: about 80 bytes a sample, so 50 minutes at 1 kHz.
#define FIT_BYTES_MAX ((size_t)256 << 20)
#define PIECE 4096
#define PROGRESS_SAMPLES 4096
// Of a video: by how many messages, and how far, a stamp falls behind those before it.
#define REORDER_MAX 16
#define REORDER_NS_MAX INT64_C(1000000000)

// Messages that lie further from the others than any recording lasts were stamped by a clock that
// was not set: by a simulation's before its first tick, by a computer's before it had the time.
#define STRAY_NS (7 * 24 * 3600 * ET_NS_PER_S)
#define STRAYS_MAX 0.1 // of all messages: more are no strays
#define SITTINGS_MAX 16

/* ---- strays ---- */

/* A stretch of arrivals, each near the ones before it. */
struct sitting {
    int64_t t_first_ns, t_last_ns;
    int64_t n;
};

struct sittings {
    struct sitting items[SITTINGS_MAX];
    size_t n;
    int64_t n_samples;
};

static bool is_near(const struct sitting *sitting, int64_t t_ns)
{
    return (double)t_ns >= (double)sitting->t_first_ns - (double)STRAY_NS &&
           (double)t_ns <= (double)sitting->t_last_ns + (double)STRAY_NS;
}

static void add_arrival(struct sittings *s, int64_t t_ns)
{
    size_t i = 0;
    s->n_samples++;
    while (i < s->n && !is_near(&s->items[i], t_ns))
        i++;
    if (i == SITTINGS_MAX)
        return; // it counts as a stray
    struct sitting *to = &s->items[i];
    if (i == s->n) {
        *to = (struct sitting){t_ns, t_ns, 0};
        s->n++;
    }
    to->t_first_ns = t_ns < to->t_first_ns ? t_ns : to->t_first_ns;
    to->t_last_ns = t_ns > to->t_last_ns ? t_ns : to->t_last_ns;
    to->n++;
}

/* The sitting that nearly all messages are of; NULL: there are no strays, or nothing but. */
static const struct sitting *main_sitting(const struct sittings *s)
{
    const struct sitting *best = &s->items[0];
    for (size_t i = 1; i < s->n; i++)
        best = s->items[i].n > best->n ? &s->items[i] : best;
    const int64_t n_strays = s->n_samples - best->n;
    return n_strays > 0 && (double)n_strays <= STRAYS_MAX * (double)s->n_samples ? best : NULL;
}

/* ---- reading ---- */

struct reading {
    struct et__aligned *a;
    const struct et_curate_options *options;
    struct et_err *err;
    struct sittings sittings;
    int64_t n_told;
};

static bool is_picture(const struct et_stream *stream)
{
    return stream->quantity == ET_QUANTITY_IMAGE || stream->quantity == ET_QUANTITY_DEPTH;
}

static bool is_video(enum et_picture_coding coding)
{
    return coding == ET_PICTURE_H264 || coding == ET_PICTURE_H265 || coding == ET_PICTURE_VP9 ||
           coding == ET_PICTURE_AV1;
}

static bool is_words(const struct et_stream *stream)
{
    return stream->quantity == ET_QUANTITY_EVENT || stream->quantity == ET_QUANTITY_TEXT;
}

/* The first picture that says its size says that of all; of a video, the first key frame. */
static void look_at_picture(struct et__aligned_stream *stream, const struct et_picture *picture,
                            struct et_arena *arena)
{
    if (et_picture_size(picture, &stream->width_px, &stream->height_px))
        stream->has_size = true;
    if (stream->coding != ET_PICTURE_NONE)
        return;
    stream->coding = picture->coding;
    stream->has_size = stream->has_size || picture->coding == ET_PICTURE_FRAME;
    if (picture->coding == ET_PICTURE_FRAME) {
        stream->video_path = et_arena_copy(arena, picture->path, strlen(picture->path));
        stream->first_frame = picture->i_frame;
    }
}

static enum et_status add_mark(struct reading *r, struct et_str text)
{
    struct et__aligned *a = r->a;
    if (a->n_marks == a->cap_marks) {
        const size_t cap = a->cap_marks ? 2 * a->cap_marks : 64;
        struct et_mark *marks = et_arena_array(a->arena, cap, sizeof *marks);
        if (!marks || cap > 2 * (size_t)MARKS_MAX)
            return et_fail(r->err, ET_ELIMIT, -1, "more than %d events", MARKS_MAX);
        if (a->n_marks > 0)
            memcpy(marks, a->marks, a->n_marks * sizeof *marks);
        a->marks = marks;
        a->cap_marks = cap;
    }
    const char *copy = et_arena_copy(a->arena, text.p, text.n < 256 ? text.n : 256);
    if (!copy)
        return et_arena_fail(a->arena, "the events", r->err);
    a->marks[a->n_marks++].text = copy;
    return ET_OK;
}

static enum et_status take(struct reading *r, const struct et_sample *sample)
{
    struct et__aligned *a = r->a;
    const struct et_stream *stream = &a->binding->streams[sample->i_stream].stream;
    const struct et__spool_time time = {.t_arrival_ns = sample->t_arrival_ns,
                                        .t_device_ns = sample->t_device_ns,
                                        .sequence = sample->sequence,
                                        .has_sequence = sample->has_sequence};
    struct et__aligned_stream *to = &a->streams[sample->i_stream];
    if (is_picture(stream) && !to->has_size)
        look_at_picture(to, &sample->picture, a->arena);
    enum et_status st = ET_OK;
    if (stream->quantity == ET_QUANTITY_EVENT)
        st = add_mark(r, sample->text);
    to->has_device = to->has_device || sample->t_device_ns != 0;
    a->n_samples++;
    return st == ET_OK ? et__spool_add(a->spool, sample->i_stream, &time, sample->values, r->err)
                       : st;
}

/* How far the reading is, by time: bytes of a recording lie evenly enough in it. */
static bool tell(struct reading *r, int64_t t_ns)
{
    const struct et_recording_info *info = r->a->info;
    if (!r->options->progress || r->a->n_samples - r->n_told < PROGRESS_SAMPLES)
        return true;
    r->n_told = r->a->n_samples;
    const double span = (double)(info->end_ns - info->start_ns);
    const double part = span > 0 ? (double)(t_ns - info->start_ns) / span : 0;
    const double done = part < 0 ? 0 : part > 1 ? 1 : part;
    return r->options->progress(r->options->progress_ctx, (int64_t)(done * (double)info->n_bytes),
                                info->n_bytes, 0);
}

static enum et_status read_range(struct reading *r, const struct et_recording_query *query)
{
    struct et__aligned *a = r->a;
    struct et_sample sample;
    enum et_status st = et_recording_query(a->recording, query, r->err);
    while (st == ET_OK && (st = et_recording_next(a->recording, &sample, r->err)) == ET_OK) {
        st = take(r, &sample);
        if (!query)
            add_arrival(&r->sittings, sample.t_arrival_ns);
        if (st == ET_OK && !tell(r, sample.t_arrival_ns))
            st = et_fail(r->err, ET_ECANCELLED, -1, "cancelled");
    }
    return st == ET_END ? ET_OK : st;
}

static enum et_status open_spool(struct reading *r, const char *folder)
{
    struct et__aligned *a = r->a;
    const size_t n = a->binding->n_streams;
    size_t *width = et_arena_array(a->arena, n, sizeof *width);
    a->streams = et_arena_array(a->arena, n, sizeof *a->streams);
    if (!width || !a->streams)
        return et_arena_fail(a->arena, "the streams of a recording", r->err);
    for (size_t i = 0; i < n; i++)
        width[i] = a->binding->streams[i].stream.n_values;
    return et__spool_open(&a->spool, folder, width, n, r->err);
}

/* Once; where there are strays, once more without them. */
static enum et_status read_all(struct reading *r, const char *folder)
{
    struct et__aligned *a = r->a;
    enum et_status st = open_spool(r, folder);
    if (st == ET_OK)
        st = read_range(r, NULL);
    const struct sitting *sitting =
        st == ET_OK && a->info->has_clock ? main_sitting(&r->sittings) : NULL;
    if (sitting) {
        const struct et_recording_query query = {.from_ns = sitting->t_first_ns,
                                                 .to_ns = sitting->t_last_ns + 1};
        et__spool_close(a->spool);
        a->spool = NULL;
        a->n_strays = r->sittings.n_samples - sitting->n;
        a->n_samples = 0;
        a->n_marks = 0;
        r->n_told = 0;
        st = open_spool(r, folder);
        if (st == ET_OK)
            st = read_range(r, &query);
    }
    if (st == ET_OK)
        st = et__spool_seal(a->spool, r->err);
    a->info = et_recording_info(a->recording);
    return st;
}

/* ---- clocks ---- */

/* The raw times of a stream as arrays. */
struct raw_times {
    int64_t *t_arrival_ns, *t_device_ns;
    uint32_t *sequence;
    bool has_sequence;
};

static enum et_status read_times(struct et__aligned *a, size_t i, struct et_arena *arena,
                                 struct raw_times *raw, struct et_err *err)
{
    const size_t n = et__spool_n(a->spool, i);
    struct et__spool_time *piece = et_arena_array(arena, PIECE, sizeof *piece);
    raw->t_arrival_ns = et_arena_array(arena, n, sizeof *raw->t_arrival_ns);
    raw->t_device_ns = et_arena_array(arena, n, sizeof *raw->t_device_ns);
    raw->sequence = et_arena_array(arena, n, sizeof *raw->sequence);
    raw->has_sequence = true;
    if (!piece || !raw->t_arrival_ns || !raw->t_device_ns || !raw->sequence)
        return et_arena_fail(arena, "the times of a stream", err);
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t m = n - first < PIECE ? n - first : PIECE;
        const enum et_status st = et__spool_times(a->spool, i, first, m, piece, err);
        if (st != ET_OK)
            return st;
        for (size_t k = 0; k < m; k++) {
            const size_t at = first + k;
            const int64_t t = piece[k].t_arrival_ns;
            // A recorder's clock that was set back would be arrivals that fall.
            raw->t_arrival_ns[at] =
                at > 0 && raw->t_arrival_ns[at - 1] > t ? raw->t_arrival_ns[at - 1] : t;
            raw->t_device_ns[at] = piece[k].t_device_ns;
            raw->sequence[at] = piece[k].sequence;
            raw->has_sequence = raw->has_sequence && piece[k].has_sequence;
        }
    }
    // Some senders leave the count at one number.
    raw->has_sequence = raw->has_sequence && n > 1 && raw->sequence[0] != raw->sequence[1];
    return ET_OK;
}

/* Copies a model out of the scratch arena. */
static const struct et_clock_model *keep_model(const struct et_clock_model *model,
                                               struct et_arena *arena)
{
    struct et_clock_model *kept = et_arena_copy(arena, model, sizeof *model);
    struct et_clock_run *runs = et_arena_array(arena, model->n_runs, sizeof *runs);
    if (!kept || !runs)
        return NULL;
    for (size_t i = 0; i < model->n_runs; i++) {
        runs[i] = model->runs[i];
        const size_t n = runs[i].n_knots;
        struct et_clock_knot *knots = et_arena_array(arena, n, sizeof *knots);
        if (!knots)
            return NULL;
        if (n > 0)
            memcpy(knots, model->runs[i].knots, n * sizeof *knots);
        runs[i].knots = knots;
    }
    kept->runs = runs;
    return kept;
}

static void describe_times(struct et__aligned_stream *stream)
{
    const size_t n = stream->n;
    int64_t first = n ? stream->t_ns[0] : 0, last = first;
    for (size_t k = 1; k < n; k++) {
        stream->is_disordered = stream->is_disordered || stream->t_ns[k] < stream->t_ns[k - 1];
        first = stream->t_ns[k] < first ? stream->t_ns[k] : first;
        last = stream->t_ns[k] > last ? stream->t_ns[k] : last;
    }
    if (last > first)
        stream->rate_hz = (double)(n - 1) / ((double)(last - first) * 1e-9);
}

/* Encoders send pictures in the order of decoding, which is no fault of the clock: stamps are put
 * into the order in which they were made. order[k] is the message that the k-th is of. */
static size_t *undo_reordering(int64_t *t_device_ns, size_t n, struct et_arena *arena)
{
    size_t *order = et_arena_array(arena, n, sizeof *order);
    for (size_t i = 0; order && i < n; i++) {
        const int64_t t = t_device_ns[i];
        size_t at = i;
        for (; at > 0 && i - at < REORDER_MAX && t_device_ns[at - 1] > t &&
               t_device_ns[at - 1] - t < REORDER_NS_MAX;
             at--) {
            t_device_ns[at] = t_device_ns[at - 1];
            order[at] = order[at - 1];
        }
        t_device_ns[at] = t;
        order[at] = i;
    }
    return order;
}

static enum et_status fit_clock(const struct et__aligned_stream *stream,
                                const struct et_curate_options *options, struct raw_times *raw,
                                struct et_arena *scratch, struct et_clock_model *model,
                                int64_t *t_ns, struct et_err *err)
{
    const size_t n = stream->n;
    const struct et_clock_pairs pairs = {.t_device_ns =
                                             stream->has_device ? raw->t_device_ns : NULL,
                                         .t_arrival_ns = raw->t_arrival_ns,
                                         .sequence = raw->has_sequence ? raw->sequence : NULL,
                                         .n = n};
    if (!is_video(stream->coding) || !stream->has_device)
        return et_clock_fit(&pairs, &options->clock, scratch, model, t_ns, err);
    const size_t *order = undo_reordering(raw->t_device_ns, n, scratch);
    int64_t *t_ordered_ns = et_arena_array(scratch, n, sizeof *t_ordered_ns);
    if (!order || !t_ordered_ns)
        return et_arena_fail(scratch, "the times of a stream", err);
    const enum et_status st =
        et_clock_fit(&pairs, &options->clock, scratch, model, t_ordered_ns, err);
    for (size_t k = 0; st == ET_OK && k < n; k++)
        t_ns[order[k]] = t_ordered_ns[k];
    return st;
}

static enum et_status fit(struct et__aligned *a, size_t i, const struct et_curate_options *options,
                          struct et_arena *scratch, struct et_err *err)
{
    struct et__aligned_stream *stream = &a->streams[i];
    struct raw_times raw = {0};
    int64_t *t_ns = et_arena_array(a->arena, stream->n, sizeof *t_ns);
    enum et_status st = t_ns ? read_times(a, i, scratch, &raw, err)
                             : et_arena_fail(a->arena, "the times of a stream", err);
    if (st != ET_OK)
        return st;
    stream->t_ns = t_ns;
    if (!a->info->has_clock) {
        memcpy(t_ns, raw.t_arrival_ns, stream->n * sizeof *t_ns);
        describe_times(stream);
        return ET_OK;
    }
    struct et_clock_model model;
    st = fit_clock(stream, options, &raw, scratch, &model, t_ns, err);
    if (st != ET_OK) {
        (void)et_err_context(err, "%.120s: %.60s", a->info->path,
                             a->info->channels[a->binding->streams[i].i_channel].topic);
        return st;
    }
    stream->clock = keep_model(&model, a->arena);
    describe_times(stream);
    return stream->clock ? ET_OK : et_arena_fail(a->arena, "a clock", err);
}

/* Streams of one topic have the same times, but where each is another publisher's. */
static enum et_status have_same_times(struct et__aligned *a, size_t i, size_t k,
                                      struct et_arena *scratch, bool *is_same, struct et_err *err)
{
    const size_t n = a->streams[i].n;
    const struct et_arena_mark mark = et_arena_mark(scratch);
    struct et__spool_time *of_i = et_arena_array(scratch, PIECE, sizeof *of_i);
    struct et__spool_time *of_k = et_arena_array(scratch, PIECE, sizeof *of_k);
    enum et_status st = of_i && of_k ? ET_OK : et_arena_fail(scratch, "the times of a stream", err);
    *is_same = true;
    for (size_t first = 0; first < n && st == ET_OK && *is_same; first += PIECE) {
        const size_t m = n - first < PIECE ? n - first : PIECE;
        st = et__spool_times(a->spool, i, first, m, of_i, err);
        if (st == ET_OK)
            st = et__spool_times(a->spool, k, first, m, of_k, err);
        *is_same = st == ET_OK && memcmp(of_i, of_k, m * sizeof *of_i) == 0;
    }
    et_arena_rewind(scratch, mark);
    return st;
}

/* The stream before i that has its times; NULL: none. */
static enum et_status find_twin(struct et__aligned *a, size_t i, struct et_arena *scratch,
                                const struct et__aligned_stream **twin, struct et_err *err)
{
    *twin = NULL;
    for (size_t k = 0; k < i && !*twin; k++) {
        bool is_same = false;
        if (a->streams[k].n != a->streams[i].n ||
            a->binding->streams[k].i_channel != a->binding->streams[i].i_channel)
            continue;
        const enum et_status st = have_same_times(a, i, k, scratch, &is_same, err);
        if (st != ET_OK)
            return st;
        *twin = is_same ? &a->streams[k] : NULL;
    }
    return ET_OK;
}

static enum et_status fit_all(struct et__aligned *a, const struct et_curate_options *options,
                              struct et_err *err)
{
    struct et_arena *scratch = NULL;
    enum et_status st = et_arena_open(&scratch, FIT_BYTES_MAX, err);
    a->t_first_ns = INT64_MAX;
    a->t_last_ns = INT64_MIN;
    for (size_t i = 0; i < a->binding->n_streams && st == ET_OK; i++) {
        struct et__aligned_stream *stream = &a->streams[i];
        stream->n = et__spool_n(a->spool, i);
        const struct et__aligned_stream *twin = NULL;
        if (stream->n == 0)
            continue;
        st = find_twin(a, i, scratch, &twin, err);
        if (st != ET_OK)
            break;
        if (twin) {
            stream->t_ns = twin->t_ns;
            stream->clock = twin->clock;
            stream->is_disordered = twin->is_disordered;
            stream->rate_hz = twin->rate_hz;
        } else {
            const struct et_arena_mark mark = et_arena_mark(scratch);
            st = fit(a, i, options, scratch, err);
            et_arena_rewind(scratch, mark);
        }
        for (size_t k = 0; st == ET_OK && k < stream->n; k++) {
            a->t_first_ns = stream->t_ns[k] < a->t_first_ns ? stream->t_ns[k] : a->t_first_ns;
            a->t_last_ns = stream->t_ns[k] > a->t_last_ns ? stream->t_ns[k] : a->t_last_ns;
        }
    }
    et_arena_close(scratch);
    return st;
}

/* Events were listed as they came; now each has its time. */
static void time_marks(struct et__aligned *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->binding->n_streams; i++) {
        if (a->binding->streams[i].stream.quantity != ET_QUANTITY_EVENT)
            continue;
        for (size_t k = 0; k < a->streams[i].n && n < a->n_marks; k++)
            a->marks[n++].t_ns = a->streams[i].t_ns[k];
    }
}

/* Several topics of events would be mixed up above: only the first one's are marks. */
static size_t n_event_streams(const struct et__aligned *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->binding->n_streams; i++)
        n += a->binding->streams[i].stream.quantity == ET_QUANTITY_EVENT;
    return n;
}

enum et_status et__align_open(struct et__aligned *aligned, struct et_recording *recording,
                              const char *folder, const struct et_curate_options *options,
                              struct et_err *err)
{
    struct et__aligned *a = aligned;
    *a = (struct et__aligned){.recording = recording,
                              .info = et_recording_info(recording),
                              .binding = et_recording_binding(recording)};
    struct reading r = {.a = a, .options = options, .err = err};
    enum et_status st = et_arena_open(&a->arena, ARENA_BYTES_MAX, err);
    if (st == ET_OK && n_event_streams(a) > 1)
        st = et_fail(err, ET_EUNSUPPORTED, -1,
                     "the profile %.60s takes events from more than one topic of this recording",
                     a->binding->profile->id);
    if (st == ET_OK)
        st = read_all(&r, folder);
    if (st == ET_OK)
        st = fit_all(a, options, err);
    if (st == ET_OK)
        time_marks(a);
    else
        et__align_close(a);
    return st;
}

void et__align_close(struct et__aligned *aligned)
{
    et__spool_close(aligned->spool);
    et_arena_close(aligned->arena);
    *aligned = (struct et__aligned){0};
}

/* ---- thinned tracks ---- */

static bool speaks_of_motion(const struct et_stream *stream)
{
    return !stream->is_command &&
           (stream->quantity == ET_QUANTITY_POSITION || stream->quantity == ET_QUANTITY_WRENCH ||
            stream->quantity == ET_QUANTITY_TOUCH || stream->quantity == ET_QUANTITY_PRESSURE);
}

static enum et_status thin(struct et__aligned *a, size_t i, double rate_hz, struct et_arena *arena,
                           struct et_track *track, struct et_err *err)
{
    const struct et__aligned_stream *stream = &a->streams[i];
    const double ratio = rate_hz > 0 ? stream->rate_hz / rate_hz : 1;
    const size_t step = ratio > 1.5 ? (size_t)(ratio + 0.5) : 1;
    const size_t n = (stream->n + step - 1) / step, width = a->binding->streams[i].stream.n_values;
    int64_t *t_ns = et_arena_array(arena, n, sizeof *t_ns);
    double *values = et_arena_array(arena, n, width * sizeof *values);
    if (!t_ns || !values)
        return et_arena_fail(arena, "the tracks of a recording", err);
    for (size_t k = 0; k < n; k++) {
        t_ns[k] = stream->t_ns[k * step];
        if (k > 0 && t_ns[k] < t_ns[k - 1])
            t_ns[k] = t_ns[k - 1];
    }
    *track = (struct et_track){
        .stream = a->binding->streams[i].stream, .n_samples = n, .t_ns = t_ns, .values = values};
    return et__spool_every(a->spool, i, step, n, values, err);
}

enum et_status et__align_thin(struct et__aligned *aligned, double rate_hz, struct et_arena *arena,
                              const struct et_track **tracks, size_t *n_tracks, struct et_err *err)
{
    struct et__aligned *a = aligned;
    struct et_track *to = et_arena_array(arena, a->binding->n_streams, sizeof *to);
    enum et_status st = to ? ET_OK : et_arena_fail(arena, "the tracks of a recording", err);
    *n_tracks = 0;
    for (size_t i = 0; i < a->binding->n_streams && st == ET_OK; i++)
        if (speaks_of_motion(&a->binding->streams[i].stream) && a->streams[i].n > 0)
            st = thin(a, i, rate_hz, arena, &to[(*n_tracks)++], err);
    *tracks = to;
    return st;
}

/* ---- an episode's samples ---- */

/* Samples first … last − 1 hold all that lies in the time; some of them may lie outside of it. */
static void find_range(const struct et__aligned_stream *stream, int64_t t_first_ns,
                       int64_t t_last_ns, size_t *first, size_t *last)
{
    *first = stream->n;
    *last = 0;
    if (!stream->is_disordered) {
        size_t low = 0, high = stream->n;
        while (low < high) {
            const size_t mid = low + (high - low) / 2;
            if (stream->t_ns[mid] < t_first_ns)
                low = mid + 1;
            else
                high = mid;
        }
        *first = low;
        for (high = stream->n; low < high;) {
            const size_t mid = low + (high - low) / 2;
            if (stream->t_ns[mid] <= t_last_ns)
                low = mid + 1;
            else
                high = mid;
        }
        *last = low;
    } else {
        for (size_t k = 0; k < stream->n; k++) {
            if (stream->t_ns[k] < t_first_ns || stream->t_ns[k] > t_last_ns)
                continue;
            *first = k < *first ? k : *first;
            *last = k + 1;
        }
    }
    *first = *first < *last ? *first : *last;
}

struct place {
    int64_t t_ns;
    size_t k;
};

static int by_time(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    return x->k < y->k ? -1 : x->k > y->k;
}

/* Which of the samples first … last − 1 lie in the time, in its order; NULL: the arena is full. */
static struct place *make_order(const struct et__aligned_stream *stream, size_t first, size_t last,
                                int64_t t_first_ns, int64_t t_last_ns, struct et_arena *arena,
                                size_t *n)
{
    struct place *order = et_arena_array(arena, last - first, sizeof *order);
    *n = 0;
    for (size_t k = first; order && k < last; k++)
        if (stream->t_ns[k] >= t_first_ns && stream->t_ns[k] <= t_last_ns)
            order[(*n)++] = (struct place){stream->t_ns[k], k};
    if (order && stream->is_disordered && *n > 1)
        qsort(order, *n, sizeof *order, by_time);
    return order;
}

/* Times of one stream's samples in an episode. */
struct stretch {
    size_t first, last, n;
    struct place *order; // n
    int64_t *t_ns, *t_device_ns, *t_arrival_ns;
};

static enum et_status take_stretch(struct et__aligned *a, size_t i, int64_t t_first_ns,
                                   int64_t t_last_ns, struct et_arena *arena, struct stretch *s,
                                   struct et_err *err)
{
    const struct et__aligned_stream *stream = &a->streams[i];
    *s = (struct stretch){0};
    if (stream->n > 0)
        find_range(stream, t_first_ns, t_last_ns, &s->first, &s->last);
    s->order = make_order(stream, s->first, s->last, t_first_ns, t_last_ns, arena, &s->n);
    s->t_ns = et_arena_array(arena, s->n, sizeof *s->t_ns);
    s->t_device_ns = et_arena_array(arena, s->n, sizeof *s->t_device_ns);
    s->t_arrival_ns = et_arena_array(arena, s->n, sizeof *s->t_arrival_ns);
    struct et__spool_time *times = et_arena_array(arena, s->last - s->first, sizeof *times);
    if (!s->order || !s->t_ns || !s->t_device_ns || !s->t_arrival_ns || !times)
        return et_arena_fail(arena, "an episode", err);
    const enum et_status st =
        et__spool_times(a->spool, i, s->first, s->last - s->first, times, err);
    for (size_t k = 0; st == ET_OK && k < s->n; k++) {
        s->t_ns[k] = s->order[k].t_ns;
        s->t_device_ns[k] = times[s->order[k].k - s->first].t_device_ns;
        s->t_arrival_ns[k] = times[s->order[k].k - s->first].t_arrival_ns;
    }
    return st;
}

static enum et_status take_track(struct et__aligned *a, size_t i, const struct stretch *s,
                                 struct et_arena *arena, struct et_track *track, struct et_err *err)
{
    const struct et__aligned_stream *stream = &a->streams[i];
    const size_t width = a->binding->streams[i].stream.n_values, n = s->last - s->first;
    double *raw = et_arena_array(arena, n, width * sizeof *raw);
    if (!raw)
        return et_arena_fail(arena, "an episode", err);
    enum et_status st = et__spool_values(a->spool, i, s->first, n, raw, err);
    double *values = raw;
    if (st == ET_OK && stream->is_disordered) {
        values = et_arena_array(arena, s->n, width * sizeof *values);
        if (!values)
            return et_arena_fail(arena, "an episode", err);
        for (size_t k = 0; k < s->n; k++)
            memcpy(&values[k * width], &raw[(s->order[k].k - s->first) * width],
                   width * sizeof *values);
    }
    *track = (struct et_track){.stream = a->binding->streams[i].stream,
                               .n_samples = s->n,
                               .t_ns = s->t_ns,
                               .t_device_ns = stream->has_device ? s->t_device_ns : NULL,
                               .t_arrival_ns = s->t_arrival_ns,
                               .values = values,
                               .clock = stream->clock,
                               .i_clock_first = s->first};
    return st;
}

static void take_video(const struct et__aligned *a, size_t i, const struct stretch *s,
                       struct et_video_ref *video)
{
    const struct et__aligned_stream *stream = &a->streams[i];
    const struct et_recorded_stream *recorded = &a->binding->streams[i];
    const bool is_file = stream->coding == ET_PICTURE_FRAME;
    *video = (struct et_video_ref){.stream = recorded->stream,
                                   .source = a->info->channels[recorded->i_channel].topic,
                                   .path = is_file ? stream->video_path : a->info->path,
                                   .is_present = s->n > 0,
                                   .first_frame = is_file ? stream->first_frame + (int64_t)s->first
                                                          : (int64_t)s->first,
                                   .n_frames = (int64_t)s->n,
                                   .width_px = stream->width_px,
                                   .height_px = stream->height_px,
                                   .rate_hz = stream->rate_hz,
                                   .trouble = s->n > 0 ? NULL : "no pictures in this time",
                                   .is_recorded = !is_file,
                                   .profile = a->binding->profile->path,
                                   .device = a->binding->device,
                                   .t_ns = s->t_ns,
                                   .t_device_ns = stream->has_device ? s->t_device_ns : NULL,
                                   .t_arrival_ns = s->t_arrival_ns,
                                   .clock = stream->clock,
                                   .i_clock_first = s->first};
}

enum et_status et__align_episode(struct et__aligned *aligned, int64_t t_first_ns, int64_t t_last_ns,
                                 struct et_arena *arena, struct et_episode *episode,
                                 struct et_err *err)
{
    struct et__aligned *a = aligned;
    const size_t n = a->binding->n_streams;
    struct et_track *tracks = et_arena_array(arena, n, sizeof *tracks);
    struct et_video_ref *videos = et_arena_array(arena, n, sizeof *videos);
    enum et_status st = tracks && videos ? ET_OK : et_arena_fail(arena, "an episode", err);
    episode->tracks = tracks;
    episode->videos = videos;
    episode->time_kind = a->info->has_clock ? ET_TIME_MEASURED : ET_TIME_MISSING;
    episode->rate_hz = a->info->rate_hz;
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        const struct et_stream *stream = &a->binding->streams[i].stream;
        struct stretch s;
        if (is_words(stream) || a->streams[i].n == 0)
            continue;
        st = take_stretch(a, i, t_first_ns, t_last_ns, arena, &s, err);
        if (st == ET_OK && is_picture(stream))
            take_video(a, i, &s, &videos[episode->n_videos++]);
        else if (st == ET_OK)
            st = take_track(a, i, &s, arena, &tracks[episode->n_tracks++], err);
    }
    return st;
}
