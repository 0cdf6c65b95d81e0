/* The index of an MP4: where each coded picture lies, and when it is shown. */
#include "format__video.h"

#include <libavutil/mathematics.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// ---- from samples to frames ------------------------------------------------------------------

enum et_status et__index_add(struct et__index *index, const struct et__sample *sample, int64_t at,
                             struct et_err *err)
{
    struct et__mp4 *mp4 = index->mp4;

    if (mp4->n_samples >= ET_VIDEO_FRAMES_MAX)
        return et__mp4_fail(mp4, err, ET_ELIMIT, at, "more than %d pictures", ET_VIDEO_FRAMES_MAX);
    if (sample->n_bytes > ET__SAMPLE_BYTES_MAX)
        return et__mp4_fail(mp4, err, ET_ELIMIT, at, "picture %d has %u bytes, more than %d",
                            mp4->n_samples, sample->n_bytes, ET__SAMPLE_BYTES_MAX);
    if (llabs(sample->pts) > et__ticks_max(mp4))
        return et__mp4_fail(mp4, err, ET_ECORRUPT, at, "picture %d has an impossible time",
                            mp4->n_samples);
    et_buf_put(&mp4->store, sample, sizeof *sample);
    mp4->n_samples++;
    return et_buf_check(&mp4->store, "a video's index", err);
}

/* Moves media times to the presentation's time line; marks what is not shown with i_frame −1. */
static enum et_status apply_edit(struct et__index *index, struct et_err *err)
{
    struct et__mp4 *mp4 = index->mp4;
    const uint32_t from = index->movie_timescale, to = mp4->timescale;
    const int64_t delay = av_rescale(index->edit_delay, to, from);
    const int64_t length = av_rescale_rnd(index->edit_for, to, from, AV_ROUND_UP);

    if (delay < 0 || delay > et__ticks_max(mp4) || length < 0)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, -1, "the edit list has an impossible time");
    for (int32_t i = 0; i < mp4->n_samples; i++) {
        struct et__sample *const s = &mp4->samples[i];
        const int64_t t = s->pts - index->edit_from;
        const bool is_shown = !index->has_edit || (t >= 0 && (length == 0 || t < length));
        s->i_frame = is_shown ? 0 : -1;
        s->pts = t + delay;
    }
    return ET_OK;
}

static int by_time(const void *a, const void *b, void *samples)
{
    const struct et__sample *s = samples;
    const int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
    if (s[i].pts != s[j].pts)
        return s[i].pts < s[j].pts ? -1 : 1;
    return i < j ? -1 : 1;
}

/* Numbers the frames by the time they are shown. */
static enum et_status order_frames(struct et__mp4 *mp4, struct et_err *err)
{
    bool is_sorted = true;

    mp4->order = calloc((size_t)mp4->n_samples + 1, sizeof *mp4->order);
    if (!mp4->order)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a video's index");
    for (int32_t i = 0; i < mp4->n_samples; i++) {
        mp4->order[i] = i;
        is_sorted = is_sorted && (i == 0 || mp4->samples[i - 1].pts <= mp4->samples[i].pts);
    }
    if (!is_sorted)
        qsort_r(mp4->order, (size_t)mp4->n_samples, sizeof *mp4->order, by_time, mp4->samples);

    for (int32_t rank = 0; rank < mp4->n_samples; rank++) {
        const int32_t i = mp4->order[rank];
        if (i - rank > mp4->delay)
            mp4->delay = i - rank;
        if (mp4->samples[i].i_frame < 0)
            continue;
        mp4->n_keys += mp4->samples[i].is_key;
        mp4->samples[i].i_frame = mp4->n_frames;
        mp4->order[mp4->n_frames++] = i;
    }
    return ET_OK;
}

/* The rate over the whole file. A rate that is whole, or whole × 1000 / 1001, is taken for it when
 * the file's ticks cannot tell them apart. */
static void find_rate(struct et__mp4 *mp4)
{
    int64_t n = mp4->n_frames - 1, ticks = mp4->last_ticks;

    mp4->fps_num = 0;
    mp4->fps_den = 1;
    if (n > 0)
        ticks = mp4->samples[mp4->order[n]].pts - mp4->samples[mp4->order[0]].pts;
    else
        n = 1;
    if (ticks <= 0 || mp4->n_frames == 0)
        return;

    const double rate = (double)n * mp4->timescale / (double)ticks;
    const double whole[2] = {1, 1.001};
    for (int i = 0; i < 2; i++) {
        const double near = nearbyint(rate * whole[i]) / whole[i];
        if (near < 1 || near > 100000)
            continue;
        if (fabs((double)n * mp4->timescale / near - (double)ticks) <= 1.5) {
            const int num = (int)nearbyint(near * whole[i]) * (i == 0 ? 1 : 1000);
            (void)av_reduce(&mp4->fps_num, &mp4->fps_den, num, i == 0 ? 1 : 1001, INT32_MAX);
            return;
        }
    }
    (void)av_reduce(&mp4->fps_num, &mp4->fps_den, n * (int64_t)mp4->timescale, ticks, 1000000);
}

static enum et_status finish(struct et__index *index, struct et_err *err)
{
    struct et__mp4 *mp4 = index->mp4;

    mp4->samples = (struct et__sample *)(void *)mp4->store.p;
    enum et_status st = apply_edit(index, err);
    if (st == ET_OK)
        st = order_frames(mp4, err);
    if (st != ET_OK)
        return st;
    if (mp4->n_frames == 0)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, -1, "no pictures in the video");
    find_rate(mp4);
    return ET_OK;
}

// ---- the file's top level --------------------------------------------------------------------

/* Says what a file is that does not begin as an MP4 does. */
static enum et_status refuse(const struct et__mp4 *mp4, const uint8_t head[16], struct et_err *err)
{
    if (memcmp(head, "\x1a\x45\xdf\xa3", 4) == 0)
        return et__mp4_fail(mp4, err, ET_EUNSUPPORTED, 0, "a Matroska or WebM file, not an MP4");
    if (memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "AVI ", 4) == 0)
        return et__mp4_fail(mp4, err, ET_EUNSUPPORTED, 0, "an AVI file, not an MP4");
    return et__mp4_fail(mp4, err, ET_ECORRUPT, 0,
                        "not a video file: it does not begin as an MP4 does");
}

static bool can_begin(uint32_t type)
{
    static const uint32_t TYPES[] = {
        ET__TYPE('f', 't', 'y', 'p'), ET__TYPE('s', 't', 'y', 'p'), ET__TYPE('m', 'o', 'o', 'v'),
        ET__TYPE('m', 'd', 'a', 't'), ET__TYPE('f', 'r', 'e', 'e'), ET__TYPE('s', 'k', 'i', 'p'),
        ET__TYPE('w', 'i', 'd', 'e'),
    };
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (type == TYPES[i])
            return true;
    return false;
}

/* The head of a top-level box. ET_END: the file ends inside it, or what is there is none. */
static enum et_status next_top(const struct et__mp4 *mp4, int64_t at, struct et__box *box,
                               int64_t *n, struct et_err *err)
{
    uint8_t head[16] = {0};
    size_t got = 0;

    const enum et_status st = et_file_read_at(mp4->file, at, head, sizeof head, &got, err);
    if (st != ET_OK)
        return st;
    if (got == 0 && at == 0)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, 0, "the file is empty");
    if (at == 0 && !can_begin(et__be32(head + 4)))
        return refuse(mp4, head, err);
    if (got < 8)
        return ET_END;

    uint64_t length = et__be32(head);
    int64_t head_bytes = 8;
    if (length == 0)
        length = (uint64_t)(mp4->n_file_bytes - at);
    if (length == 1 && got == 16) {
        length = et__be64(head + 8);
        head_bytes = 16;
    }
    if (length < (uint64_t)head_bytes || et__be32(head + 4) == 0)
        return ET_END;
    *box = (struct et__box){.type = et__be32(head + 4), .at = at + head_bytes};
    *n = length > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)length;
    return ET_OK;
}

/* Brings a box's content into memory. ET_END: the file ends before it does. */
static enum et_status load(const struct et__mp4 *mp4, struct et__box *box, int64_t end,
                           struct et_buf *bytes, struct et_err *err)
{
    const int64_t n = end - box->at;

    if (end > mp4->n_file_bytes)
        return ET_END;
    if (n > ET__INDEX_BYTES_MAX)
        return et__mp4_fail(mp4, err, ET_ELIMIT, box->at, "an index of %lld bytes is too long",
                            (long long)n);
    et_buf_clear(bytes);
    void *to = et_buf_reserve(bytes, (size_t)n + 1);
    if (!to)
        return et_buf_check(bytes, "a video's index", err);
    box->p = to;
    box->n = (size_t)n;
    return et_file_read_exact(mp4->file, box->at, to, (size_t)n, err);
}

/* The sentence for a file whose boxes end before its index was found. */
static enum et_status no_index(const struct et__mp4 *mp4, int64_t at, struct et_err *err)
{
    return et__mp4_fail(mp4, err, ET_ECORRUPT, at,
                        "no index (moov) before byte %lld of %lld: a recording that was cut",
                        (long long)at, (long long)mp4->n_file_bytes);
}

/* Walks the top-level boxes. What follows the last whole fragment of an unfinished file is left
 * alone: a kill may have left anything there. */
static enum et_status walk(struct et__index *index, struct et_buf *bytes, struct et_err *err)
{
    struct et__mp4 *mp4 = index->mp4;
    bool has_moov = false;
    int64_t at = 0;

    for (int i = 0; at < mp4->n_file_bytes || at == 0; i++) {
        struct et__box box = {0};
        int64_t n = 0;
        if (i == ET__BOXES_MAX)
            return et__mp4_fail(mp4, err, ET_ELIMIT, at, "more than %d boxes", ET__BOXES_MAX);

        enum et_status st = next_top(mp4, at, &box, &n, err);
        const bool is_moov = st == ET_OK && box.type == ET__TYPE('m', 'o', 'o', 'v');
        const bool is_moof = st == ET_OK && box.type == ET__TYPE('m', 'o', 'o', 'f');
        if ((is_moov && !has_moov) || (is_moof && has_moov))
            st = load(mp4, &box, at + n, bytes, err);
        if (st == ET_OK && is_moov && !has_moov)
            st = et__index_moov(index, &box, err);
        if (st == ET_OK && is_moof && has_moov)
            st = et__index_moof(index, &box, at, err);
        if (st == ET_ECORRUPT && is_moof && mp4->n_samples > 0)
            st = ET_END;
        if (st == ET_END)
            break;
        if (st != ET_OK)
            return st;
        has_moov = has_moov || is_moov;
        at += n;
    }
    return has_moov ? ET_OK : no_index(mp4, at < mp4->n_file_bytes ? at : mp4->n_file_bytes, err);
}

static void name(struct et__mp4 *mp4, const char *path)
{
    const int n = snprintf(mp4->path, sizeof mp4->path, "%s", path);
    if (n >= (int)sizeof mp4->path) // the end of a path says more than its beginning
        (void)snprintf(mp4->path, sizeof mp4->path, "…%s", path + n - (int)sizeof mp4->path + 4);
}

enum et_status et__mp4_open(struct et__mp4 *mp4, const char *path, struct et_err *err)
{
    struct et__index index = {.mp4 = mp4, .movie_timescale = 1};
    struct et_buf bytes = et_buf(ET__INDEX_BYTES_MAX + 1);

    *mp4 = (struct et__mp4){.timescale = 1};
    mp4->store = et_buf(sizeof(struct et__sample) * ((size_t)ET_VIDEO_FRAMES_MAX + 1));
    mp4->config = et_buf(1 << 20);
    name(mp4, path);

    enum et_status st = et_file_open(&mp4->file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(mp4->file, &mp4->n_file_bytes, err);
    if (st == ET_OK)
        st = walk(&index, &bytes, err);
    if (st == ET_OK)
        st = finish(&index, err);
    et_buf_free(&bytes);
    if (st != ET_OK)
        et__mp4_close(mp4);
    return st;
}

void et__mp4_close(struct et__mp4 *mp4)
{
    et_file_close(mp4->file);
    et_buf_free(&mp4->store);
    et_buf_free(&mp4->config);
    free(mp4->order);
    *mp4 = (struct et__mp4){0};
}
