/* A camera's video is decoded: from the key frame before a picture, or on from the last one. */
#include "recording/recording__film.h"

// Reading on over so many messages is cheaper than beginning anew at a later key frame.
#define MESSAGES_NEAR 8

enum et_status et__film_open(struct et__film *film, const struct et_frames_range *range,
                             struct et_err *err)
{
    enum et_unit_codec codec = ET_UNIT_H264;
    (void)et__film_codec(film->coding, &codec);
    const enum et_status st = et_video_stream_open(&film->stream, codec, err);
    return st == ET_OK ? et__film_list(film, range->t_first_ns, range->t_last_ns, err) : st;
}

void et__film_close(struct et__film *film)
{
    et_video_stream_close(film->stream);
    et_buf_free(&film->list);
    *film = (struct et__film){0};
}

/* The decoder's number of a message: from the range's first on, so that texts say the caller's. */
static int64_t number_of(const struct et__film *film, size_t i)
{
    return (int64_t)i - (int64_t)film->n_before;
}

/* Where decoding begins for message i. Pictures that lead a key frame need the one before it.
 * False: there is no key frame before it. */
static bool find_start(const struct et__film *film, size_t i, size_t *i_start)
{
    bool may_be_last = !et__film_at(film, i)->is_leading;
    for (size_t k = i + 1; k > 0; k--) {
        const struct et__listed *listed = et__film_at(film, k - 1);
        if (listed->is_start && may_be_last) {
            *i_start = k - 1;
            return true;
        }
        may_be_last = may_be_last || listed->is_key;
    }
    return false;
}

static enum et_status begin_at(struct et__film *film, size_t i, struct et_err *err)
{
    et_video_stream_begin(film->stream);
    const enum et_status st = et__film_query(film, i, err);
    film->is_reading = st == ET_OK;
    film->i_begun = film->i_next = i;
    return st;
}

static enum et_status recording_changed(const struct et__film *film, size_t i, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, number_of(film, i), "the recording changed while it was read");
}

/* Gives the decoder the next message. */
static enum et_status feed(struct et__film *film, struct et_err *err)
{
    struct et_sample sample;
    if (film->i_next == film->n)
        return et_video_stream_end(film->stream, err);
    const size_t i = film->i_next++;
    const struct et__listed *listed = et__film_at(film, i);
    const enum et_status st = et_recording_next(film->recording, &sample, err);
    film->is_reading = st == ET_OK;
    if (st == ET_END)
        return recording_changed(film, i, err);
    if (st != ET_OK)
        return st;
    if (sample.t_arrival_ns != listed->t_arrival_ns) {
        film->is_reading = false;
        return recording_changed(film, i, err);
    }
    // H.264 and H.265 know by themselves what is missing.
    if (listed->is_behind_loss &&
        (film->coding == ET_PICTURE_VP9 || film->coding == ET_PICTURE_AV1))
        et_video_stream_lost(film->stream);
    if (sample.picture.coding != film->coding)
        return ET_OK;
    return et_video_stream_put(film->stream, sample.picture.bytes, number_of(film, i), err);
}

/* Brings the decoder to where message i can be decoded. */
static enum et_status approach(struct et__film *film, size_t i, struct et_err *err)
{
    size_t i_start = 0;
    const bool is_ahead = film->is_reading && i >= film->i_next;
    if (is_ahead && i <= film->i_next + MESSAGES_NEAR)
        return ET_OK;
    if (!find_start(film, i, &i_start))
        return et_fail(err, ET_ECORRUPT, number_of(film, i),
                       "picture %lld cannot be decoded: the recording has no key frame before it",
                       (long long)number_of(film, i));
    if (is_ahead && i_start <= film->i_next)
        return ET_OK;
    return begin_at(film, i_start, err);
}

enum et_status et__film_decode(struct et__film *film, size_t i, struct et_frame *frame,
                               struct et_err *err)
{
    struct et_err inner = {0};
    size_t i_start = 0;
    if (!et__film_at(film, i)->has_picture)
        return et_fail(err, et__film_at(film, i)->is_parameters ? ET_ENOTFOUND : ET_ECORRUPT,
                       number_of(film, i), "message %lld holds no picture",
                       (long long)number_of(film, i));
    enum et_status st = film->is_reading
                            ? et_video_stream_find(film->stream, number_of(film, i), frame, &inner)
                            : ET_ENOTFOUND;
    const bool was_late = st == ET_ECORRUPT && et__film_at(film, i)->is_leading &&
                          find_start(film, i, &i_start) && i_start < film->i_begun;
    if (st == ET_ENOTFOUND || was_late) {
        if (was_late)
            film->is_reading = false;
        st = approach(film, i, err);
        if (st != ET_OK)
            return st;
        st = ET_END;
    }
    while (st == ET_END || (st == ET_ENOTFOUND && film->i_next <= i)) {
        const bool was_over = film->i_next == film->n;
        st = feed(film, err);
        if (st != ET_OK)
            return st;
        st = et_video_stream_find(film->stream, number_of(film, i), frame, &inner);
        if (was_over && st == ET_END)
            break;
    }
    if (st == ET_OK)
        return st;
    return et_fail(err, st == ET_ENOMEM || st == ET_EUNSUPPORTED ? st : ET_ECORRUPT,
                   number_of(film, i), "%s", inner.text);
}
