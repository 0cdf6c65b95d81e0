/* Samples that every file begins with again. */
#include "record/record__keep.h"

#include <stdlib.h>

/* ---- what a stream is ---- */

static bool ends(const char *text, const char *ending)
{
    return et_str_ends(et_str(text), ending);
}

bool et__is_latched(const struct et_feed_stream *s)
{
    // Numbers are those of rmw_qos_durability_policy_e; later versions of rosbag2 write names.
    if (s->qos && (strstr(s->qos, "durability: 1\n") || ends(s->qos, "durability: 1") ||
                   strstr(s->qos, "durability: transient_local")))
        return true;
    return ends(s->topic, "/tf_static") || ends(s->topic, "/robot_description");
}

// A message that is read from its front; `is_short` once something is asked for that is not there.
struct reading {
    struct et_str bytes;
    size_t at;
    bool is_short;
};

static struct et_str take(struct reading *r, size_t n)
{
    if (r->is_short || n > r->bytes.n - r->at) {
        r->is_short = true;
        return (struct et_str){NULL, 0};
    }
    r->at += n;
    return (struct et_str){r->bytes.p + r->at - n, n};
}

/* ---- CDR: little-endian, aligned from behind its header of four bytes ---- */

static void align(struct reading *r, size_t to)
{
    (void)take(r, (to - r->at % to) % to);
}

static uint32_t take_u32(struct reading *r)
{
    uint32_t x = 0;
    align(r, sizeof x);
    const struct et_str bytes = take(r, sizeof x);
    if (bytes.n)
        memcpy(&x, bytes.p, sizeof x);
    return x;
}

static struct et_str take_text(struct reading *r)
{
    const uint32_t n = take_u32(r);
    struct et_str text = take(r, n);
    if (text.n && text.p[text.n - 1] == 0)
        text.n--;
    return text;
}

static void take_stamp(struct reading *r)
{
    (void)take_u32(r);
    (void)take_u32(r);
}

struct film {
    struct et_str format, data;
};

// foxglove_msgs/msg/CompressedVideo: timestamp, frame_id, data, format.
static void read_compressed_video(struct reading *r, struct film *film)
{
    take_stamp(r);
    (void)take_text(r);
    const uint32_t n = take_u32(r);
    film->data = take(r, n);
    film->format = take_text(r);
}

// sensor_msgs/msg/CompressedImage: header, format, data.
static void read_compressed_image(struct reading *r, struct film *film)
{
    take_stamp(r);
    (void)take_text(r);
    film->format = take_text(r);
    const uint32_t n = take_u32(r);
    film->data = take(r, n);
}

// ffmpeg_image_transport_msgs/msg/FFMPEGPacket: header, size, encoding, pts, flags, order, data.
static void read_ffmpeg_packet(struct reading *r, struct film *film)
{
    take_stamp(r);
    (void)take_text(r);
    (void)take_u32(r);
    (void)take_u32(r);
    film->format = take_text(r);
    align(r, 8);
    (void)take(r, 8 + 2);
    const uint32_t n = take_u32(r);
    film->data = take(r, n);
}

/* ---- protobuf ---- */

static uint64_t take_varint(struct reading *r)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < 10; i++) {
        const struct et_str byte = take(r, 1);
        if (!byte.n)
            return 0;
        x |= (uint64_t)(byte.p[0] & 0x7f) << (7 * i);
        if (!(byte.p[0] & 0x80))
            return x;
    }
    r->is_short = true;
    return 0;
}

// foxglove.CompressedVideo: data is its third field, format the fourth.
static void read_proto_video(struct reading *r, struct film *film)
{
    while (!r->is_short && r->at < r->bytes.n) {
        const uint64_t tag = take_varint(r);
        switch (tag & 7) {
        case 0:
            (void)take_varint(r);
            break;
        case 1:
            (void)take(r, 8);
            break;
        case 2: {
            const uint64_t n = take_varint(r);
            const struct et_str field = take(r, n <= r->bytes.n ? (size_t)n : SIZE_MAX);
            if (tag >> 3 == 3)
                film->data = field;
            else if (tag >> 3 == 4)
                film->format = field;
            break;
        }
        case 5:
            (void)take(r, 4);
            break;
        default:
            r->is_short = true;
        }
    }
}

static const struct {
    const char *type; // its name ends so
    const char *message_encoding;
    void (*read)(struct reading *r, struct film *film);
} FILMS[] = {{"/CompressedVideo", "cdr", read_compressed_video},
             {".CompressedVideo", "protobuf", read_proto_video},
             {"/CompressedImage", "cdr", read_compressed_image},
             {"/FFMPEGPacket", "cdr", read_ffmpeg_packet}};
#define N_FILMS (sizeof FILMS / sizeof *FILMS)

// Which one it may be; N_FILMS: none.
static size_t film_of(const struct et_feed_stream *s)
{
    size_t i = 0;
    while (i < N_FILMS && !(ends(s->type, FILMS[i].type) &&
                            strcmp(s->message_encoding, FILMS[i].message_encoding) == 0))
        i++;
    return i;
}

static bool has_word(struct et_str text, const char *word)
{
    return text.n && memmem(text.p, text.n, word, strlen(word));
}

// Formats' and encoders' names: "h264", "libx265", "hevc_nvenc".
static bool codec_of(struct et_str format, enum et_unit_codec *codec)
{
    static const struct {
        const char *word;
        enum et_unit_codec codec;
    } WORDS[] = {{"264", ET_UNIT_H264},  {"avc", ET_UNIT_H264}, {"265", ET_UNIT_H265},
                 {"hevc", ET_UNIT_H265}, {"vp9", ET_UNIT_VP9},  {"av1", ET_UNIT_AV1}};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (has_word(format, WORDS[i].word)) {
            *codec = WORDS[i].codec;
            return true;
        }
    return false;
}

bool et__film_unit(const struct et_feed_stream *stream, struct et_str bytes,
                   enum et_unit_codec *codec, struct et_str *unit)
{
    const size_t i = film_of(stream);
    struct film film = {0};
    struct reading r = {.bytes = bytes};
    if (i == N_FILMS)
        return false;
    if (strcmp(FILMS[i].message_encoding, "cdr") == 0) {
        if (bytes.n < 4 || bytes.p[1] != 1)
            return false;
        r.bytes = (struct et_str){bytes.p + 4, bytes.n - 4};
    }
    FILMS[i].read(&r, &film);
    *unit = film.data;
    return !r.is_short && film.data.n > 0 && codec_of(film.format, codec);
}

/* ---- keeping ---- */

static void forget(struct et__keep *keep, struct et__keep_sample **at, size_t *n_bytes_all)
{
    struct et__keep_sample *gone = *at;
    *at = gone->next;
    keep->n--;
    keep->n_bytes -= gone->n;
    *n_bytes_all -= gone->n;
    free(gone);
    if (!keep->oldest)
        keep->newest = NULL;
}

void et__keep_close(struct et__keep *keep, size_t *n_bytes_all)
{
    while (keep->oldest)
        forget(keep, &keep->oldest, n_bytes_all);
    keep->how = ET__KEEP_UNKNOWN;
}

static bool append(struct et__keep *keep, const struct et_feed_sample *sample, bool is_parameters,
                   size_t *n_bytes_all)
{
    if (*n_bytes_all + sample->n_bytes > ET__KEEP_BYTES_MAX)
        return false;
    struct et__keep_sample *kept = malloc(sizeof *kept + sample->n_bytes);
    if (!kept)
        return false;
    *kept = (struct et__keep_sample){.t_arrival_ns = sample->t_arrival_ns,
                                     .t_device_ns = sample->t_device_ns,
                                     .number = sample->number,
                                     .is_parameters = is_parameters,
                                     .n = sample->n_bytes};
    if (sample->n_bytes)
        memcpy(kept->bytes, sample->bytes, sample->n_bytes);
    if (keep->newest)
        keep->newest->next = kept;
    else
        keep->oldest = kept;
    keep->newest = kept;
    keep->n++;
    keep->n_bytes += kept->n;
    *n_bytes_all += kept->n;
    return true;
}

/* Several writers latch on one topic, each its own (/tf_static), and a feed does not tell them
 * apart: so the last ones that differ are kept. */
static void put_latched(struct et__keep *keep, const struct et_feed_sample *sample,
                        size_t *n_bytes_all)
{
    struct et__keep_sample *before = NULL;
    for (struct et__keep_sample **at = &keep->oldest; *at; before = *at, at = &(*at)->next)
        if ((*at)->n == sample->n_bytes &&
            memcmp((*at)->bytes, sample->bytes, sample->n_bytes) == 0) {
            if (keep->newest == *at)
                keep->newest = before;
            forget(keep, at, n_bytes_all);
            break;
        }
    if (sample->n_bytes > ET__LATCHED_BYTES_MAX)
        return;
    while (keep->n >= ET__LATCHED_MAX ||
           (keep->n && keep->n_bytes + sample->n_bytes > ET__LATCHED_BYTES_MAX))
        forget(keep, &keep->oldest, n_bytes_all);
    (void)append(keep, sample, false, n_bytes_all);
}

// A film begins anew: what came before it goes, but for parameters that it lacks.
static void begin_film(struct et__keep *keep, bool has_parameters, size_t *n_bytes_all)
{
    struct et__keep_sample **at = &keep->oldest;
    keep->newest = NULL;
    while (*at)
        if (has_parameters || !(*at)->is_parameters) {
            forget(keep, at, n_bytes_all);
        } else {
            keep->newest = *at;
            at = &(*at)->next;
        }
}

static void put_film(struct et__keep *keep, const struct et_feed_stream *stream,
                     const struct et_feed_sample *sample, size_t *n_bytes_all)
{
    enum et_unit_codec codec;
    struct et_str unit;
    struct et_video_unit about = {0};
    if (et__film_unit(stream, (struct et_str){sample->bytes, sample->n_bytes}, &codec, &unit))
        et_video_unit_look(codec, unit, &about);
    const bool is_parameters = !about.has_picture && about.has_parameters;
    if (about.is_start)
        begin_film(keep, about.has_parameters, n_bytes_all);
    else if (!keep->n && !is_parameters)
        return; // no start is known
    const bool is_long =
        keep->n && sample->t_arrival_ns - keep->oldest->t_arrival_ns > ET__FILM_NS_MAX;
    if (is_long || keep->n >= ET__FILM_FRAMES_MAX ||
        keep->n_bytes + sample->n_bytes > ET__FILM_BYTES_MAX ||
        !append(keep, sample, is_parameters, n_bytes_all)) {
        et__keep_close(keep, n_bytes_all);
        keep->how = ET__KEEP_FILM;
    }
}

bool et__keep_has(const struct et__keep *keep, struct et_str bytes)
{
    const struct et__keep_sample *kept = keep->how == ET__KEEP_LATCHED ? keep->oldest : NULL;
    while (kept && !et_str_eq((struct et_str){kept->bytes, kept->n}, bytes))
        kept = kept->next;
    return kept;
}

enum et__keep_how et__keep_how(struct et__keep *keep, const struct et_feed_stream *stream)
{
    if (keep->how == ET__KEEP_UNKNOWN)
        keep->how = et__is_latched(stream)       ? ET__KEEP_LATCHED
                    : film_of(stream) != N_FILMS ? ET__KEEP_FILM
                                                 : ET__KEEP_NOTHING;
    return keep->how;
}

void et__keep_put(struct et__keep *keep, const struct et_feed_stream *stream,
                  const struct et_feed_sample *sample, size_t *n_bytes_all)
{
    if (et__keep_how(keep, stream) == ET__KEEP_LATCHED)
        put_latched(keep, sample, n_bytes_all);
    else if (keep->how == ET__KEEP_FILM)
        put_film(keep, stream, sample, n_bytes_all);
}
