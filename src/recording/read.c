/* Messages of a recording become samples of its streams. */
#include "recording/recording__open.h"

#include "etude/base64.h"
#include "etude/hash.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define NS_MAX 9.2e18
// Of a device's stamp, on either side of 1970: beyond it is damage, and differences would overflow.
#define STAMP_NS_MAX (INT64_MAX / 4)
#define PICTURE_BYTES_MAX ((size_t)256 << 20) // that are unpacked

/* ---- a query ---- */

static void begin_taps(struct et_recording *r)
{
    for (size_t i = 0; i < r->n_taps; i++) {
        r->taps[i].n_bad = 0;
        r->taps[i].stamp.has_last = false;
    }
    r->tap = NULL;
}

static enum et_status mark_asked(struct et_recording *r, const struct et_recording_query *query,
                                 struct et_err *err)
{
    const bool is_all = !query || !query->streams;
    for (size_t i = 0; i < r->binding.n_streams; i++)
        r->is_asked[i] = is_all;
    for (size_t i = 0; !is_all && i < query->n_streams; i++) {
        if (query->streams[i] >= r->binding.n_streams)
            return et_fail(err, ET_EARG, (int64_t)i, "the recording has no stream %zu",
                           query->streams[i]);
        r->is_asked[query->streams[i]] = true;
    }
    for (size_t i = 0; i < r->n_tap_of; i++) {
        const struct et__tap *tap = r->tap_of[i] ? &r->taps[r->tap_of[i] - 1] : NULL;
        r->is_wanted[i] = false;
        for (size_t k = 0; tap && k < tap->n_streams; k++)
            r->is_wanted[i] = r->is_wanted[i] || r->is_asked[tap->streams[k]];
    }
    return ET_OK;
}

enum et_status et_recording_query(struct et_recording *recording,
                                  const struct et_recording_query *query, struct et_err *err)
{
    struct et_recording *r = recording;
    assert(r && r->binding.profile);
    // Channels that came up while reading have no tap, and are not wanted.
    const size_t n = r->source->info.n_channels;
    free(r->is_wanted);
    r->is_wanted = calloc(n + 1, sizeof *r->is_wanted);
    r->has_query = false;
    if (!r->is_wanted)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a query");
    enum et_status st = mark_asked(r, query, err);
    if (st != ET_OK)
        return st;
    begin_taps(r);
    const struct et__range range = {.is_wanted = r->is_wanted,
                                    .from_ns = query ? query->from_ns : 0,
                                    .to_ns = query ? query->to_ns : 0,
                                    .in_file_order = query && query->in_file_order};
    st = r->source->ops->query(r->source, &range, err);
    r->has_query = st == ET_OK;
    return st;
}

/* ---- a message ---- */

static void note_bad(struct et__tap *tap, const struct et__raw *raw, const char *text)
{
    if (tap->n_bad++ > 0)
        return;
    tap->bad_ns = raw->t_arrival_ns;
    (void)snprintf(tap->trouble, sizeof tap->trouble, "messages left out, the first: %.120s", text);
}

/* The count of a counter that wraps, in ns, as many turns on as the time since the last message
 * says: late messages and long gaps are told apart by it. A counter that begins again from 0 before
 * half of its turn is over has begun again. */
static int64_t unwrap(struct et__stamp *stamp, int64_t count, int64_t t_arrival_ns)
{
    const double turn_ns = (double)((int64_t)1 << stamp->n_bits) * stamp->scale_ns;
    double ns = (double)count * stamp->scale_ns;
    if (stamp->has_last) {
        const double passed_ns = (double)t_arrival_ns - (double)stamp->t_arrival_ns;
        const double turns = round(((double)stamp->last_ns + passed_ns - ns) / turn_ns);
        ns += turns > 0 ? turns * turn_ns : 0;
    }
    stamp->has_last = fabs(ns) < NS_MAX;
    stamp->last_ns = stamp->has_last ? (int64_t)ns : 0;
    stamp->t_arrival_ns = t_arrival_ns;
    return stamp->last_ns;
}

static int64_t stamp_of(struct et__tap *tap, const struct et__raw *raw)
{
    struct et__stamp *stamp = &tap->stamp;
    // A sender's own stamp, where the recorder kept it apart from its own.
    if (stamp->i_path == SIZE_MAX || !tap->program)
        return raw->t_publish_ns != raw->t_arrival_ns ? raw->t_publish_ns : 0;
    const struct et_message_values *v = et_message_values(tap->program, stamp->i_path);
    if (v->n == 0)
        return 0;
    if (stamp->scale_ns == 0)
        return v->integers[0];
    if (stamp->n_bits > 0)
        return unwrap(stamp, v->integers[0], raw->t_arrival_ns);
    const double ns = (double)v->integers[0] * stamp->scale_ns;
    return fabs(ns) < NS_MAX ? (int64_t)ns : 0;
}

static int64_t device_time(struct et__tap *tap, const struct et__raw *raw)
{
    const int64_t ns = stamp_of(tap, raw);
    return ns >= -STAMP_NS_MAX && ns <= STAMP_NS_MAX ? ns : 0;
}

/* Reads the next message that can be decoded. */
static enum et_status next_message(struct et_recording *r, struct et_err *err)
{
    for (;;) {
        const enum et_status st = r->source->ops->next(r->source, &r->raw, err);
        if (st != ET_OK)
            return st;
        const size_t i = r->raw.i_channel;
        if (i >= r->n_tap_of || !r->tap_of[i])
            continue;
        struct et__tap *tap = &r->taps[r->tap_of[i] - 1];
        if (tap->program) {
            struct et_err inner = {0};
            const enum et_status run = et_message_run(tap->program, r->raw.bytes, &inner);
            if (run == ET_ENOMEM)
                return et_fail(err, ET_ENOMEM, -1, "no memory for a message");
            if (run != ET_OK) {
                note_bad(tap, &r->raw, inner.text);
                continue;
            }
        }
        r->tap = tap;
        r->i_in_tap = 0;
        r->is_noted = false;
        r->t_device_ns = device_time(tap, &r->raw);
        r->has_sequence = tap->i_sequence != SIZE_MAX || r->raw.sequence != 0;
        r->sequence = r->raw.sequence;
        if (tap->i_sequence != SIZE_MAX) {
            const struct et_message_values *v = et_message_values(tap->program, tap->i_sequence);
            r->has_sequence = v->n > 0;
            r->sequence = v->n > 0 ? (uint32_t)v->integers[0] : 0;
        }
        return ET_OK;
    }
}

/* ---- numbers ---- */

static uint64_t hash_names(const struct et_message_values *names)
{
    uint64_t hash = names->n;
    for (size_t i = 0; i < names->n; i++)
        hash = hash * 0x9E3779B97F4A7C15u + et_hash64(names->views[i].p, names->views[i].n);
    return hash ? hash : 1;
}

/* Names may come in another order, or be others', from message to message. False: the stream's are
 * not all there. */
static bool find_columns(struct et__lane *lane, const struct et_message_values *names)
{
    const struct et_rule *rule = lane->bound->rule;
    const uint64_t hash = hash_names(names);
    if (hash == lane->names_hash)
        return !lane->is_left_out;
    lane->names_hash = hash;
    lane->is_left_out = true;
    for (size_t i = 0; i < rule->n_names; i++) {
        size_t k = 0;
        while (k < names->n && !et_str_is(names->views[k], rule->names[i]))
            k++;
        if (k == names->n)
            return false;
        lane->columns[i] = k;
    }
    lane->is_left_out = false;
    return true;
}

/* The values of all paths, one after the other. NULL: no memory. */
static const double *join_paths(const struct et_message_program *program, struct et__lane *lane,
                                size_t *n)
{
    const struct et__field *field = lane->field;
    *n = 0;
    for (size_t k = 0; k < field->n_paths; k++)
        *n += et_message_values(program, field->paths[k])->n;
    if (field->n_paths == 1)
        return et_message_values(program, field->paths[0])->numbers;
    if (*n > lane->raw_cap || !lane->raw) {
        free(lane->raw);
        lane->raw = malloc((*n ? *n : 1) * sizeof *lane->raw);
        lane->raw_cap = lane->raw ? *n : 0;
    }
    if (!lane->raw)
        return NULL;
    size_t at = 0;
    for (size_t k = 0; k < field->n_paths; k++) {
        const struct et_message_values *v = et_message_values(program, field->paths[k]);
        if (v->n > 0)
            memcpy(lane->raw + at, v->numbers, v->n * sizeof *lane->raw);
        at += v->n;
    }
    return lane->raw;
}

/* False: the message has not what the stream takes. */
static bool take_values(struct et_recording *r, struct et__lane *lane)
{
    const struct et__tap *tap = r->tap;
    const struct et_bound_stream *bound = lane->bound;
    const double *from = r->raw.values;
    size_t n = from ? r->source->info.channels[r->raw.i_channel].n_values : 0;
    if (tap->program) {
        from = join_paths(tap->program, lane, &n);
        if (lane->field->i_names != SIZE_MAX && bound->rule->names &&
            !find_columns(lane, et_message_values(tap->program, lane->field->i_names)))
            return false;
    }
    if (!from)
        return false;
    for (size_t i = 0; i < bound->stream.n_values; i++) {
        if (lane->columns[i] >= n)
            return false;
        lane->values[i] = from[lane->columns[i]] * bound->scale[i] + bound->offset[i];
    }
    return true;
}

/* ---- pictures and words ---- */

static struct et_str view_at(const struct et_message_program *program, size_t i_path)
{
    if (i_path == SIZE_MAX)
        return (struct et_str){"", 0};
    const struct et_message_values *v = et_message_values(program, i_path);
    return v->n > 0 ? v->views[0] : (struct et_str){"", 0};
}

static int64_t integer_at(const struct et_message_program *program, size_t i_path)
{
    if (i_path == SIZE_MAX)
        return 0;
    const struct et_message_values *v = et_message_values(program, i_path);
    return v->n > 0 ? v->integers[0] : 0;
}

static bool has(struct et_str text, const char *part)
{
    const size_t n = strlen(part);
    for (size_t i = 0; i + n <= text.n; i++)
        if (strncasecmp(text.p + i, part, n) == 0)
            return true;
    return false;
}

/* "h264", "H.265", "libx264", "hevc_nvenc", "libvpx-vp9", "libsvtav1": formats' and encoders'
 * names. */
static enum et_picture_coding video_coding_of(struct et_str format)
{
    static const struct {
        const char *word;
        enum et_picture_coding coding;
    } WORDS[] = {{"264", ET_PICTURE_H264},  {"avc", ET_PICTURE_H264}, {"265", ET_PICTURE_H265},
                 {"hevc", ET_PICTURE_H265}, {"vp9", ET_PICTURE_VP9},  {"av1", ET_PICTURE_AV1}};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (has(format, WORDS[i].word))
            return WORDS[i].coding;
    return ET_PICTURE_NONE;
}

/* Bytes say more than the words that go with them, which drivers fill as they like. */
static enum et_picture_coding coding_of(struct et_str bytes, struct et_str format)
{
    static const unsigned char JPEG[] = {0xFF, 0xD8, 0xFF}, PNG[] = {0x89, 'P', 'N', 'G'};
    if (bytes.n >= sizeof JPEG && memcmp(bytes.p, JPEG, sizeof JPEG) == 0)
        return ET_PICTURE_JPEG;
    if (bytes.n >= sizeof PNG && memcmp(bytes.p, PNG, sizeof PNG) == 0)
        return ET_PICTURE_PNG;
    if (has(format, "compressedDepth"))
        return ET_PICTURE_DEPTH;
    return bytes.n > 0 ? video_coding_of(format) : ET_PICTURE_NONE;
}

/* JSON has bytes in base64. What is none is no picture. */
static struct et_str unpack(struct et_recording *r, struct et_str text)
{
    size_t n = 0;
    r->unpacked.limit = PICTURE_BYTES_MAX;
    et_buf_clear(&r->unpacked);
    char *bytes = et_buf_reserve(&r->unpacked, ET_BASE64_BYTES(text.n) + 1);
    return bytes && et_base64_get(text, bytes, &n) ? (struct et_str){bytes, n}
                                                   : (struct et_str){"", 0};
}

static bool take_picture(struct et_recording *r, const struct et__lane *lane,
                         struct et_picture *picture)
{
    const struct et__picture_paths *p = &lane->field->picture;
    const struct et_message_program *program = r->tap->program;
    if (!program) {
        *picture = r->raw.picture;
        return picture->coding != ET_PICTURE_NONE;
    }
    *picture = (struct et_picture){.bytes = view_at(program, p->data)};
    if (p->is_base64)
        picture->bytes = unpack(r, picture->bytes);
    if (p->pixels == SIZE_MAX) {
        struct et_str format = view_at(program, p->format);
        picture->coding = coding_of(picture->bytes, format);
        // "16UC1; compressedDepth png": what the pixels were before.
        if (picture->coding == ET_PICTURE_DEPTH && et_str_cut(&format, ';', &picture->pixels))
            picture->pixels = et_str_trim(picture->pixels);
        return picture->coding != ET_PICTURE_NONE;
    }
    const int64_t width = integer_at(program, p->width), height = integer_at(program, p->height);
    picture->coding = ET_PICTURE_RAW;
    picture->pixels = view_at(program, p->pixels);
    picture->step_bytes = integer_at(program, p->step);
    if (width < 1 || height < 1 || width > 65536 || height > 65536 || picture->step_bytes < 1 ||
        picture->step_bytes > (int64_t)picture->bytes.n / height)
        return false;
    picture->width_px = (int)width;
    picture->height_px = (int)height;
    return true;
}

/* "kind: detail"; the kind alone where there is no detail, or no room for one. */
static struct et_str joined(struct et_recording *r, struct et_str kind, struct et_str detail)
{
    if (kind.n == 0 || detail.n == 0 || kind.n + 2 + detail.n > sizeof r->text)
        return kind;
    memcpy(r->text, kind.p, kind.n);
    memcpy(r->text + kind.n, ": ", 2);
    memcpy(r->text + kind.n + 2, detail.p, detail.n);
    return (struct et_str){r->text, kind.n + 2 + detail.n};
}

static bool take_text(struct et_recording *r, const struct et__lane *lane, struct et_str *text)
{
    const struct et_message_program *program = r->tap->program;
    const struct et__field *field = lane->field;
    if (!program)
        return false;
    if (field->n_paths == 0) {
        *text = view_at(program, field->i_text);
        if (field->i_detail != SIZE_MAX)
            *text = joined(r, *text, view_at(program, field->i_detail));
        return true;
    }
    const struct et_message_values *v = et_message_values(program, field->paths[0]);
    if (v->n == 0)
        return false;
    *text =
        (struct et_str){r->text, (size_t)snprintf(r->text, sizeof r->text, "%.15g", v->numbers[0])};
    return true;
}

/* ---- samples ---- */

static bool is_picture(enum et_quantity quantity)
{
    return quantity == ET_QUANTITY_IMAGE || quantity == ET_QUANTITY_DEPTH;
}

/* False: the message has nothing for this stream. */
static bool take(struct et_recording *r, size_t i_stream, struct et_sample *sample)
{
    struct et__lane *lane = &r->lanes[i_stream];
    const enum et_quantity quantity = lane->bound->stream.quantity;
    *sample = (struct et_sample){.i_stream = i_stream,
                                 .t_arrival_ns = r->raw.t_arrival_ns,
                                 .t_device_ns = r->t_device_ns,
                                 .sequence = r->sequence,
                                 .has_sequence = r->has_sequence};
    if (is_picture(quantity))
        return take_picture(r, lane, &sample->picture);
    if (quantity == ET_QUANTITY_EVENT || quantity == ET_QUANTITY_TEXT)
        return take_text(r, lane, &sample->text);
    sample->values = lane->values;
    return take_values(r, lane);
}

static const char *why_not(const struct et__lane *lane)
{
    return is_picture(lane->bound->stream.quantity)
               ? "its bytes are no picture that is known, or too few"
               : "it has not all values that the profile's rule takes";
}

enum et_status et_recording_next(struct et_recording *recording, struct et_sample *sample,
                                 struct et_err *err)
{
    struct et_recording *r = recording;
    assert(r && sample);
    if (!r->has_query)
        return et_fail(err, ET_EARG, -1, "no query was begun");
    for (;;) {
        while (r->tap && r->i_in_tap < r->tap->n_streams) {
            const size_t i_stream = r->tap->streams[r->i_in_tap++];
            if (!r->is_asked[i_stream])
                continue;
            if (take(r, i_stream, sample))
                return ET_OK;
            const struct et__lane *lane = &r->lanes[i_stream];
            if (lane->field->n_paths > 1 && !lane->raw)
                return et_fail(err, ET_ENOMEM, -1, "no memory for a message");
            if (r->unpacked.status == ET_ENOMEM)
                return et_fail(err, ET_ENOMEM, -1, "no memory for a picture");
            // Another publisher of the topic has other joints: that is no fault.
            if (!r->is_noted && (lane->field->i_names == SIZE_MAX || !lane->is_left_out))
                note_bad(r->tap, &r->raw, why_not(lane));
            r->is_noted = r->is_noted || !lane->is_left_out;
        }
        const enum et_status st = next_message(r, err);
        if (st != ET_OK) {
            r->tap = NULL;
            return st;
        }
    }
}

/* ---- as it lies ---- */

enum et_status et_recording_messages(struct et_recording *r, int64_t from_ns, struct et_err *err)
{
    const size_t n = r->source->info.n_channels;
    free(r->is_wanted);
    r->is_wanted = calloc(n + 1, sizeof *r->is_wanted);
    r->has_query = false;
    if (!r->is_wanted)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a query");
    for (size_t i = 0; i < n; i++) {
        if (r->source->info.channels[i].is_row)
            return et_fail(err, ET_EUNSUPPORTED, -1, "%s: %s has rows, not messages", r->info.path,
                           r->info.format);
        r->is_wanted[i] = true;
    }
    const struct et__range range = {.is_wanted = r->is_wanted, .from_ns = from_ns};
    return r->source->ops->query(r->source, &range, err);
}

enum et_status et_recording_next_message(struct et_recording *r,
                                         struct et_recorded_message *message, struct et_err *err)
{
    const enum et_status st = r->source->ops->next(r->source, &r->raw, err);
    if (st == ET_OK)
        *message = (struct et_recorded_message){.i_channel = r->raw.i_channel,
                                                .t_arrival_ns = r->raw.t_arrival_ns,
                                                .t_publish_ns = r->raw.t_publish_ns,
                                                .sequence = r->raw.sequence,
                                                .bytes = r->raw.bytes};
    return st;
}
