/* The push decoder: every unit's fate is kept until it is known, every picture by its unit. */
#include "format__units.h"
#include "format__video.h"

#include <stdlib.h>

#define REORDER_MAX 16 // pictures that a decoder holds back; no codec here reorders more
#define UNITS_KEPT 64  // whose fate is remembered
#define UNITS_PENDING (REORDER_MAX + 8) // later than so many, no picture comes any more
#define HELD_MAX (2 * REORDER_MAX + 4)

enum fate {
    PENDING, // in the decoder
    HELD,
    GONE,  // had a picture that was dropped for later ones
    BLANK, // has no picture
    BROKEN
};

// Why a unit is broken.
enum cause { NO_START, LOST, UNIT_LOST, DAMAGED, LEADING };

struct unit {
    int64_t number;
    enum fate fate;
    bool is_start;
    enum cause cause;
    int64_t cause_at; // number of the unit where it began
};

struct et_video_stream {
    enum et_unit_codec coding;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *decoded, *found;
    struct et__av_listener listener;
    struct et__converter to_rgb;
    uint8_t *deep; // luma of a picture of more than 8 bits, brought down
    struct unit units[UNITS_KEPT];
    uint64_t n_units; // ever put; unit i is units[i % UNITS_KEPT]
    struct {
        AVFrame *frame;
        int64_t number;
    } held[HELD_MAX]; // n_held, the oldest first
    size_t n_held;
    bool has_found, is_ended;
    bool is_broken; // until the next start
    enum cause cause;
    int64_t cause_at; // the first unit that is broken, once has_cause
    bool has_cause;
    bool skips_leading; // decoding began at the last start
    struct et__h264_count count;
};

static enum et_status no_memory(struct et_err *err)
{
    return et_fail(err, ET_ENOMEM, -1, "no memory to decode a video");
}

/* ---- opening ---- */

static enum et_status open_codec(struct et_video_stream *s, struct et_err *err)
{
    static const enum AVCodecID IDS[] = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_VP9,
                                         AV_CODEC_ID_AV1};
    const AVCodec *const found = avcodec_find_decoder(IDS[s->coding]);
    if (!found)
        return et_fail(err, ET_EUNSUPPORTED, -1, "this FFmpeg has no decoder for %s",
                       avcodec_get_name(IDS[s->coding]));
    s->codec = avcodec_alloc_context3(found);
    s->packet = av_packet_alloc();
    s->decoded = av_frame_alloc();
    s->found = av_frame_alloc();
    if (!s->codec || !s->packet || !s->decoded || !s->found)
        return no_memory(err);
    s->codec->thread_count = 1;
    s->codec->max_pixels = ET_VIDEO_PIXELS_MAX;
    s->codec->opaque = &s->listener;
    // Streams that do not say how far they reorder are held back as far as their level allows;
    // otherwise H.264's decoder guesses, and drops pictures where it guessed too low.
    s->codec->strict_std_compliance = FF_COMPLIANCE_STRICT;
    const int result = avcodec_open2(s->codec, found, NULL);
    return result < 0 ? et__av_fail(err, ET_EUNSUPPORTED, result, "a decoder does not open")
                      : ET_OK;
}

enum et_status et_video_stream_open(struct et_video_stream **stream, enum et_unit_codec codec,
                                    struct et_err *err)
{
    et__av_begin();
    struct et_video_stream *s = calloc(1, sizeof *s);
    *stream = NULL;
    if (!s)
        return no_memory(err);
    s->coding = codec;
    s->is_broken = true;
    const enum et_status st = open_codec(s, err);
    if (st != ET_OK) {
        et_video_stream_close(s);
        return st;
    }
    *stream = s;
    return ET_OK;
}

static void drop_held(struct et_video_stream *s, size_t i)
{
    av_frame_free(&s->held[i].frame);
    s->n_held--;
    memmove(&s->held[i], &s->held[i + 1], (s->n_held - i) * sizeof *s->held);
}

void et_video_stream_close(struct et_video_stream *stream)
{
    if (!stream)
        return;
    while (stream->n_held > 0)
        drop_held(stream, stream->n_held - 1);
    avcodec_free_context(&stream->codec);
    av_packet_free(&stream->packet);
    av_frame_free(&stream->decoded);
    av_frame_free(&stream->found);
    et__converter_free(&stream->to_rgb);
    free(stream->deep);
    free(stream);
}

void et_video_stream_begin(struct et_video_stream *stream)
{
    avcodec_flush_buffers(stream->codec);
    while (stream->n_held > 0)
        drop_held(stream, stream->n_held - 1);
    stream->n_units = 0;
    stream->is_ended = false;
    stream->is_broken = true;
    stream->cause = NO_START;
    stream->has_cause = false;
    stream->count.has_last = false;
}

/* ---- fates ---- */

static uint64_t oldest(const struct et_video_stream *s)
{
    return s->n_units > UNITS_KEPT ? s->n_units - UNITS_KEPT : 0;
}

static struct unit *find_unit(struct et_video_stream *s, int64_t number)
{
    for (uint64_t i = s->n_units; i > oldest(s); i--) {
        struct unit *unit = &s->units[(i - 1) % UNITS_KEPT];
        if (unit->number == number)
            return unit;
        if (unit->number < number)
            break;
    }
    return NULL;
}

static void drop_number(struct et_video_stream *s, int64_t number)
{
    for (size_t i = 0; i < s->n_held; i++)
        if (s->held[i].number == number) {
            drop_held(s, i);
            return;
        }
}

/* Nothing is given from this unit on until the next start. */
static void break_at(struct et_video_stream *s, int64_t number, enum cause cause)
{
    bool is_over = false;
    for (uint64_t i = oldest(s); i < s->n_units && !is_over; i++) {
        struct unit *unit = &s->units[i % UNITS_KEPT];
        is_over = unit->is_start && unit->number > number;
        if (unit->number < number || is_over || unit->fate == BLANK || unit->fate == BROKEN)
            continue;
        drop_number(s, unit->number);
        unit->fate = BROKEN;
        unit->cause = cause;
        unit->cause_at = number;
    }
    if (is_over)
        return;
    s->is_broken = true;
    s->cause = cause;
    s->cause_at = number;
    s->has_cause = true;
}

void et_video_stream_lost(struct et_video_stream *stream)
{
    if (stream->is_broken)
        return;
    stream->is_broken = true;
    stream->cause = UNIT_LOST;
    stream->has_cause = false;
}

/* Pictures wait for those of units before them, and may be asked for in the order of units. */
static void make_room(struct et_video_stream *s)
{
    const size_t n_reordered =
        s->codec->has_b_frames < REORDER_MAX ? (size_t)s->codec->has_b_frames : REORDER_MAX;
    while (s->n_held > 2 * n_reordered + 1) {
        struct unit *unit = find_unit(s, s->held[0].number);
        if (unit)
            unit->fate = GONE;
        drop_held(s, 0);
    }
}

static enum et_status hold(struct et_video_stream *s, struct et_err *err)
{
    AVFrame *const f = s->decoded;
    struct unit *unit = find_unit(s, f->pts);
    if (f->flags & AV_FRAME_FLAG_CORRUPT || f->decode_error_flags)
        break_at(s, f->pts, DAMAGED);
    else if (unit && unit->fate == PENDING) {
        make_room(s);
        AVFrame *const kept = av_frame_alloc();
        if (!kept)
            return no_memory(err);
        av_frame_move_ref(kept, f);
        s->held[s->n_held].frame = kept;
        s->held[s->n_held++].number = kept->pts;
        unit->fate = HELD;
    }
    av_frame_unref(f);
    return ET_OK;
}

/* Takes all that the decoder has to give. *is_fine: it had no complaint. */
static enum et_status drain(struct et_video_stream *s, bool *is_fine, struct et_err *err)
{
    for (;;) {
        const int result = avcodec_receive_frame(s->codec, s->decoded);
        if (result == AVERROR(ENOMEM))
            return no_memory(err);
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
            return ET_OK;
        *is_fine = *is_fine && result == 0;
        const enum et_status st = result == 0 ? hold(s, err) : ET_OK;
        if (st != ET_OK)
            return st;
    }
}

/* ---- units in ---- */

static enum et_status decode(struct et_video_stream *s, struct et_str bytes, struct unit *unit,
                             struct et_err *err)
{
    bool is_fine = true;
    const enum fate before = unit->fate;
    if (av_new_packet(s->packet, (int)bytes.n) < 0)
        return no_memory(err);
    memcpy(s->packet->data, bytes.p, bytes.n);
    s->packet->pts = s->packet->dts = unit->number;
    s->packet->flags = unit->is_start ? AV_PKT_FLAG_KEY : 0;
    s->listener.n_missing = 0;
    const int result = avcodec_send_packet(s->codec, s->packet);
    av_packet_unref(s->packet);
    if (result == AVERROR(ENOMEM))
        return no_memory(err);
    const enum et_status st = drain(s, &is_fine, err);
    if (st != ET_OK || before == BLANK)
        return st;
    if (result < 0 || !is_fine)
        break_at(s, unit->number, DAMAGED);
    else if (s->listener.n_missing > 0)
        break_at(s, unit->number, LOST);
    return ET_OK;
}

static struct unit *add_unit(struct et_video_stream *s, int64_t number)
{
    struct unit *unit = &s->units[s->n_units++ % UNITS_KEPT];
    *unit = (struct unit){.number = number};
    if (s->n_units > UNITS_PENDING) {
        struct unit *old = &s->units[(s->n_units - 1 - UNITS_PENDING) % UNITS_KEPT];
        old->fate = old->fate == PENDING ? BLANK : old->fate;
    }
    return unit;
}

static void mark_broken(struct et_video_stream *s, struct unit *unit)
{
    if (!s->has_cause)
        s->cause_at = unit->number;
    s->has_cause = true;
    unit->fate = BROKEN;
    unit->cause = s->cause;
    unit->cause_at = s->cause_at;
}

enum et_status et_video_stream_put(struct et_video_stream *stream, struct et_str bytes,
                                   int64_t number, struct et_err *err)
{
    struct et_video_stream *s = stream;
    struct et_video_unit look;
    uint32_t last = 0, now = 0;
    if (s->is_ended || (s->n_units > 0 && s->units[(s->n_units - 1) % UNITS_KEPT].number >= number))
        return et_fail(err, ET_EARG, number, "units are put in the order of their numbers");
    et_video_unit_look(s->coding, bytes, &look);
    struct unit *unit = add_unit(s, number);
    unit->is_start = look.is_start;
    unit->fate = look.has_picture ? PENDING : BLANK;
    if (bytes.n == 0 || bytes.n > ET_UNIT_BYTES_MAX)
        return ET_OK;
    const bool follows =
        s->coding != ET_UNIT_H264 || et__h264_follows(&s->count, bytes, &last, &now);
    if (look.is_start) {
        s->skips_leading = s->is_broken;
        s->is_broken = false;
    } else if (look.has_picture && !follows && !s->is_broken) {
        break_at(s, number, LOST);
        return ET_OK;
    }
    if (look.is_leading && s->skips_leading) {
        unit->fate = BROKEN;
        unit->cause = LEADING;
        unit->cause_at = number;
        return ET_OK;
    }
    if (look.has_picture && s->is_broken) {
        mark_broken(s, unit);
        return ET_OK;
    }
    return decode(s, bytes, unit, err);
}

enum et_status et_video_stream_end(struct et_video_stream *stream, struct et_err *err)
{
    bool is_fine = true;
    if (stream->is_ended)
        return ET_OK;
    (void)avcodec_send_packet(stream->codec, NULL);
    stream->is_ended = true;
    return drain(stream, &is_fine, err);
}

/* ---- pictures out ---- */

static enum et_status tell_broken(const struct unit *unit, struct et_err *err)
{
    static const char *const WHY[] = {
        "there is no key frame before", "a picture that the first refers to is missing",
        "messages before the first are missing", "the first is damaged",
        "it refers to pictures before the key frame"};
    if (unit->cause == LEADING)
        return et_fail(err, ET_ECORRUPT, unit->number, "picture %lld cannot be decoded: %s",
                       (long long)unit->number, WHY[unit->cause]);
    return et_fail(err, ET_ECORRUPT, unit->number,
                   "picture %lld cannot be decoded, nor any from %lld to the next key frame: %s",
                   (long long)unit->number, (long long)unit->cause_at, WHY[unit->cause]);
}

/* True when a unit before this one is not known yet: it may turn out to be damaged, and this one
 * with it. */
static bool must_wait(const struct et_video_stream *s, int64_t number)
{
    if (s->is_ended)
        return false;
    for (uint64_t i = oldest(s); i < s->n_units; i++) {
        const struct unit *unit = &s->units[i % UNITS_KEPT];
        if (unit->number < number && unit->fate == PENDING)
            return true;
    }
    return false;
}

static enum et_status give(struct et_video_stream *s, int64_t number, struct et_frame *frame,
                           struct et_err *err)
{
    size_t i = 0;
    while (i < s->n_held && s->held[i].number != number)
        i++;
    av_frame_unref(s->found);
    if (i == s->n_held || av_frame_ref(s->found, s->held[i].frame) < 0)
        return no_memory(err);
    *frame = (struct et_frame){
        .i_frame = number, .width_px = s->found->width, .height_px = s->found->height};
    const enum et_status st = et__frame_luma(s->found, &s->deep, frame, err);
    s->has_found = st == ET_OK;
    return st;
}

enum et_status et_video_stream_find(struct et_video_stream *stream, int64_t number,
                                    struct et_frame *frame, struct et_err *err)
{
    struct et_video_stream *s = stream;
    const struct unit *unit = find_unit(s, number);
    s->has_found = false;
    if (!unit || unit->fate == GONE)
        return et_fail(err, ET_ENOTFOUND, number, "picture %lld is not at hand", (long long)number);
    if (unit->fate == BROKEN)
        return tell_broken(unit, err);
    if (unit->fate == BLANK || (unit->fate == PENDING && s->is_ended))
        return et_fail(err, ET_ECORRUPT, number, "unit %lld gives no picture", (long long)number);
    if (unit->fate == PENDING || must_wait(s, number))
        return ET_END;
    return give(s, number, frame, err);
}

enum et_status et_video_stream_rgb(struct et_video_stream *stream, int width_px, int height_px,
                                   uint8_t *rgb, struct et_err *err)
{
    if (!stream->has_found)
        return et_fail(err, ET_EARG, -1, "no picture was found");
    return et__frame_rgb(&stream->to_rgb, stream->found, width_px, height_px, rgb, err);
}

enum et_status et_video_unit_size(enum et_unit_codec codec, struct et_str bytes, int *width_px,
                                  int *height_px, struct et_err *err)
{
    struct et_video_stream *stream;
    struct et_frame frame;
    enum et_status st = et_video_stream_open(&stream, codec, err);
    if (st != ET_OK)
        return st;
    st = et_video_stream_put(stream, bytes, 0, err);
    if (st == ET_OK)
        st = et_video_stream_end(stream, err);
    if (st == ET_OK)
        st = et_video_stream_find(stream, 0, &frame, err);
    if (st == ET_OK) {
        *width_px = frame.width_px;
        *height_px = frame.height_px;
    }
    et_video_stream_close(stream);
    return st;
}
