/* Fragments: the moof boxes of a file that grows. */
#include "format__video.h"

enum {
    TFHD_HAS_BASE = 0x1,
    TFHD_HAS_DESCRIPTION = 0x2,
    TFHD_HAS_DURATION = 0x8,
    TFHD_HAS_BYTES = 0x10,
    TFHD_HAS_FLAGS = 0x20,
    TRUN_HAS_OFFSET = 0x1,
    TRUN_HAS_FIRST_FLAGS = 0x4,
    TRUN_HAS_DURATION = 0x100,
    TRUN_HAS_BYTES = 0x200,
    TRUN_HAS_FLAGS = 0x400,
    TRUN_HAS_SHIFT = 0x800,
    SAMPLE_IS_NOT_KEY = 0x10000,
};

/* A track's part of a fragment. */
struct part {
    int64_t base;
    uint64_t place; // of the next sample's bytes
    uint32_t duration, bytes, flags;
};

/* Takes the next four bytes of a box; 0 and box->p NULL when it is at its end. */
static uint32_t take(struct et__box *box)
{
    if (!box->p || box->n < 4) {
        box->p = NULL;
        return 0;
    }
    const uint32_t value = et__be32(box->p);
    box->p += 4;
    box->n -= 4;
    return value;
}

static bool read_head(const struct et__index *index, struct et__box tfhd, int64_t moof_at,
                      struct part *part, uint32_t *track_id)
{
    const uint32_t flags = take(&tfhd) & 0xffffff;
    *track_id = take(&tfhd);
    *part = (struct part){moof_at, 0, index->trex_duration, index->trex_bytes, index->trex_flags};
    if (flags & TFHD_HAS_BASE) {
        const uint64_t high = take(&tfhd);
        part->base = (int64_t)(high << 32 | take(&tfhd));
    }
    if (flags & TFHD_HAS_DESCRIPTION)
        (void)take(&tfhd);
    if (flags & TFHD_HAS_DURATION)
        part->duration = take(&tfhd);
    if (flags & TFHD_HAS_BYTES)
        part->bytes = take(&tfhd);
    if (flags & TFHD_HAS_FLAGS)
        part->flags = take(&tfhd);
    part->place = (uint64_t)part->base;
    return tfhd.p != NULL && part->base >= 0;
}

static enum et_status cut_box(const struct et__mp4 *mp4, const struct et__box *box,
                              struct et_err *err)
{
    return et__mp4_fail(mp4, err, ET_ECORRUPT, box->at, "a fragment's box is cut at byte %lld",
                        (long long)box->at);
}

/* The samples of one run. ET_END: their bytes are not all in the file. */
static enum et_status read_run(struct et__index *index, const struct et__box *trun,
                               struct part *part, struct et_err *err)
{
    struct et__mp4 *mp4 = index->mp4;
    struct et__box rest = *trun;

    const uint32_t flags = take(&rest) & 0xffffff, n = take(&rest);
    if (flags & TRUN_HAS_OFFSET)
        part->place = (uint64_t)(part->base + (int32_t)take(&rest));
    uint32_t first_flags = part->flags;
    if (flags & TRUN_HAS_FIRST_FLAGS)
        first_flags = take(&rest);

    for (uint32_t i = 0; i < n; i++) {
        const uint32_t duration = flags & TRUN_HAS_DURATION ? take(&rest) : part->duration;
        const uint32_t bytes = flags & TRUN_HAS_BYTES ? take(&rest) : part->bytes;
        uint32_t sample_flags = i == 0 ? first_flags : part->flags;
        if (flags & TRUN_HAS_FLAGS)
            sample_flags = take(&rest);
        const int64_t shift = flags & TRUN_HAS_SHIFT ? (int32_t)take(&rest) : 0;
        if (!rest.p)
            return cut_box(mp4, trun, err);
        if (part->place > (uint64_t)mp4->n_file_bytes ||
            bytes > (uint64_t)mp4->n_file_bytes - part->place)
            return ET_END;
        const struct et__sample sample = {
            .offset = (int64_t)part->place,
            .pts = index->next_dts + shift,
            .n_bytes = bytes,
            .is_key = !(sample_flags & SAMPLE_IS_NOT_KEY),
        };
        const enum et_status st = et__index_add(index, &sample, trun->at, err);
        if (st != ET_OK)
            return st;
        index->next_dts += duration;
        mp4->last_ticks = duration;
        part->place += bytes;
    }
    return rest.p ? ET_OK : cut_box(mp4, trun, err);
}

/* The time that a fragment begins at, where it says so. */
static enum et_status read_time(struct et__index *index, const struct et__box *traf,
                                struct et_err *err)
{
    struct et__box tfdt;
    if (!et__box_find(index->mp4, traf, ET__TYPE('t', 'f', 'd', 't'), &tfdt))
        return ET_OK;

    const bool is_wide = tfdt.n > 0 && tfdt.p[0] == 1;
    if (tfdt.n < (is_wide ? 12u : 8u))
        return cut_box(index->mp4, &tfdt, err);
    const uint64_t dts = is_wide ? et__be64(tfdt.p + 4) : et__be32(tfdt.p + 4);
    if (dts > (uint64_t)et__ticks_max(index->mp4))
        return et__mp4_fail(index->mp4, err, ET_ECORRUPT, tfdt.at,
                            "a fragment has an impossible time");
    index->next_dts = (int64_t)dts;
    return ET_OK;
}

static enum et_status read_traf(struct et__index *index, const struct et__box *traf,
                                int64_t moof_at, struct et_err *err)
{
    struct et__box rest = *traf, box;
    uint32_t track_id;
    struct part part;

    if (!et__box_find(index->mp4, traf, ET__TYPE('t', 'f', 'h', 'd'), &box) ||
        !read_head(index, box, moof_at, &part, &track_id))
        return cut_box(index->mp4, traf, err);
    if (track_id != index->track_id)
        return ET_OK;

    enum et_status st = read_time(index, traf, err);
    if (st != ET_OK)
        return st;
    while ((st = et__box_next(index->mp4, &rest, &box, err)) == ET_OK) {
        if (box.type != ET__TYPE('t', 'r', 'u', 'n'))
            continue;
        st = read_run(index, &box, &part, err);
        if (st != ET_OK)
            return st == ET_END ? ET_AGAIN : st;
    }
    return st == ET_END ? ET_OK : st;
}

enum et_status et__index_moof(struct et__index *index, const struct et__box *moof, int64_t moof_at,
                              struct et_err *err)
{
    struct et__mp4 *mp4 = index->mp4;
    const int32_t n_before = mp4->n_samples;
    const int64_t last_ticks = mp4->last_ticks;
    struct et__box rest = *moof, box;
    enum et_status st;

    while ((st = et__box_next(mp4, &rest, &box, err)) == ET_OK) {
        if (box.type != ET__TYPE('t', 'r', 'a', 'f'))
            continue;
        st = read_traf(index, &box, moof_at, err);
        if (st != ET_OK)
            break;
    }
    if (st == ET_END)
        return ET_OK;

    // The fragment is not whole: it counts for nothing.
    mp4->n_samples = n_before;
    mp4->store.n = (size_t)n_before * sizeof(struct et__sample);
    mp4->last_ticks = last_ticks;
    return st == ET_AGAIN ? ET_END : st;
}
