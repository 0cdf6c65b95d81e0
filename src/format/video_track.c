/* The moov box: which track is the video, its codec, its edits, and the tables of its samples. */
#include "format__video.h"

#include <stdlib.h>

#define EDITS_MAX 64
#define VISUAL_ENTRY_BYTES 78 // a sample description's fixed part, before its boxes

// ---- sample tables ---------------------------------------------------------------------------

/* A table of (how many samples, value) as stts and ctts have it. */
struct runs {
    struct et__table table;
    uint32_t i, n_left;
    uint32_t value;
};

/* The next sample's value. False: the table is at its end. */
static bool next_in_run(struct runs *runs)
{
    while (runs->n_left == 0 && runs->i < runs->table.n) {
        const uint8_t *const entry = runs->table.p + (size_t)runs->i * 8;
        runs->n_left = et__be32(entry);
        runs->value = et__be32(entry + 4);
        runs->i++;
    }
    if (runs->n_left == 0)
        return false;
    runs->n_left--;
    return true;
}

struct sample_tables {
    uint32_t n_samples;
    uint32_t same_bytes; // 0: sizes has them
    bool has_wide_places, has_keys, has_shifts;
    struct et__table sizes, chunks, places, keys;
    struct runs times, shifts;

    uint32_t i_chunk, i_chunk_run, n_left_in_chunk, i_key;
    uint64_t place;
};

static enum et_status missing(const struct et__mp4 *mp4, const struct et__box *in, const char *what,
                              struct et_err *err)
{
    return et__mp4_fail(mp4, err, ET_ECORRUPT, in->at, "the index has no %s", what);
}

static enum et_status find_sizes(const struct et__mp4 *mp4, const struct et__box *stbl,
                                 struct sample_tables *t, struct et_err *err)
{
    struct et__box box;

    if (!et__box_find(mp4, stbl, ET__TYPE('s', 't', 's', 'z'), &box)) {
        if (et__box_find(mp4, stbl, ET__TYPE('s', 't', 'z', '2'), &box))
            return et__mp4_fail(mp4, err, ET_EUNSUPPORTED, box.at, "compact sizes (stz2)");
        return missing(mp4, stbl, "sizes (stsz)", err);
    }
    if (box.n < 12)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, box.at, "the sizes (stsz) are cut");
    t->same_bytes = et__be32(box.p + 4);
    t->n_samples = et__be32(box.p + 8);
    if (t->same_bytes == 0)
        return et__box_table(mp4, &box, 12, 4, &t->sizes, err);

    // One size for all takes no room in the index, so the file's length is the bound.
    if ((int64_t)t->n_samples > mp4->n_file_bytes / t->same_bytes)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, box.at,
                            "%u pictures of %u bytes do not fit a file of %lld bytes", t->n_samples,
                            t->same_bytes, (long long)mp4->n_file_bytes);
    return ET_OK;
}

static enum et_status find_tables(const struct et__mp4 *mp4, const struct et__box *stbl,
                                  struct sample_tables *t, struct et_err *err)
{
    struct et__box box;

    enum et_status st = find_sizes(mp4, stbl, t, err);
    if (st != ET_OK)
        return st;

    if (!et__box_find(mp4, stbl, ET__TYPE('s', 't', 't', 's'), &box))
        return missing(mp4, stbl, "times (stts)", err);
    st = et__box_table(mp4, &box, 8, 8, &t->times.table, err);
    if (st != ET_OK)
        return st;

    t->has_shifts = et__box_find(mp4, stbl, ET__TYPE('c', 't', 't', 's'), &box);
    if (t->has_shifts)
        st = et__box_table(mp4, &box, 8, 8, &t->shifts.table, err);
    if (st != ET_OK)
        return st;

    if (!et__box_find(mp4, stbl, ET__TYPE('s', 't', 's', 'c'), &box))
        return missing(mp4, stbl, "chunks (stsc)", err);
    st = et__box_table(mp4, &box, 8, 12, &t->chunks, err);
    if (st != ET_OK)
        return st;

    t->has_wide_places = et__box_find(mp4, stbl, ET__TYPE('c', 'o', '6', '4'), &box);
    if (!t->has_wide_places && !et__box_find(mp4, stbl, ET__TYPE('s', 't', 'c', 'o'), &box))
        return missing(mp4, stbl, "places (stco)", err);
    st = et__box_table(mp4, &box, 8, t->has_wide_places ? 8 : 4, &t->places, err);
    if (st != ET_OK)
        return st;

    t->has_keys = et__box_find(mp4, stbl, ET__TYPE('s', 't', 's', 's'), &box);
    return t->has_keys ? et__box_table(mp4, &box, 8, 4, &t->keys, err) : ET_OK;
}

/* Goes to the chunk of the next sample. False: there is none. */
static bool next_chunk(struct sample_tables *t)
{
    while (t->n_left_in_chunk == 0) {
        if (t->i_chunk >= t->places.n || t->chunks.n == 0)
            return false;
        // Runs name their first chunk, counted from 1.
        while (t->i_chunk_run + 1 < t->chunks.n &&
               et__be32(t->chunks.p + (size_t)(t->i_chunk_run + 1) * 12) <= t->i_chunk + 1)
            t->i_chunk_run++;
        t->n_left_in_chunk = et__be32(t->chunks.p + (size_t)t->i_chunk_run * 12 + 4);
        t->place = t->has_wide_places ? et__be64(t->places.p + (size_t)t->i_chunk * 8)
                                      : et__be32(t->places.p + (size_t)t->i_chunk * 4);
        t->i_chunk++;
    }
    return true;
}

static bool is_key(struct sample_tables *t, uint32_t i)
{
    if (!t->has_keys)
        return true;
    while (t->i_key < t->keys.n && et__be32(t->keys.p + (size_t)t->i_key * 4) < i + 1)
        t->i_key++;
    return t->i_key < t->keys.n && et__be32(t->keys.p + (size_t)t->i_key * 4) == i + 1;
}

static enum et_status read_samples(struct et__index *index, const struct et__box *stbl,
                                   struct et_err *err)
{
    struct et__mp4 *mp4 = index->mp4;
    struct sample_tables t = {0};

    enum et_status st = find_tables(mp4, stbl, &t, err);
    for (uint32_t i = 0; st == ET_OK && i < t.n_samples; i++) {
        if (!next_in_run(&t.times))
            return et__mp4_fail(mp4, err, ET_ECORRUPT, t.times.table.at,
                                "the index has sizes of %u pictures and times of %u", t.n_samples,
                                i);
        if (!next_chunk(&t))
            return et__mp4_fail(mp4, err, ET_ECORRUPT, t.places.at,
                                "the index has sizes of %u pictures and places of %u", t.n_samples,
                                i);
        const uint32_t n = t.same_bytes ? t.same_bytes : et__be32(t.sizes.p + (size_t)i * 4);
        if (t.place > (uint64_t)mp4->n_file_bytes || n > (uint64_t)mp4->n_file_bytes - t.place)
            return et__mp4_fail(mp4, err, ET_ECORRUPT, mp4->n_file_bytes,
                                "the file ends at byte %lld, before picture %u of %u does: it was "
                                "cut",
                                (long long)mp4->n_file_bytes, i, t.n_samples);
        // The shift is signed in version 1, and older writers put negative ones in version 0.
        const int64_t shift = t.has_shifts && next_in_run(&t.shifts) ? (int32_t)t.shifts.value : 0;
        const struct et__sample sample = {
            .offset = (int64_t)t.place,
            .pts = index->next_dts + shift,
            .n_bytes = n,
            .is_key = is_key(&t, i),
        };
        st = et__index_add(index, &sample, stbl->at, err);
        index->next_dts += t.times.value;
        mp4->last_ticks = t.times.value;
        t.place += n;
        t.n_left_in_chunk--;
    }
    return st;
}

// ---- sample description ----------------------------------------------------------------------

/* What is decoded here, with the box that holds its parameters. */
static const struct {
    char fourcc[5];
    enum AVCodecID codec;
    uint32_t config;
} CODECS[] = {
    {"av01", AV_CODEC_ID_AV1, ET__TYPE('a', 'v', '1', 'C')},
    {"avc1", AV_CODEC_ID_H264, ET__TYPE('a', 'v', 'c', 'C')},
    {"avc3", AV_CODEC_ID_H264, ET__TYPE('a', 'v', 'c', 'C')},
    {"hvc1", AV_CODEC_ID_HEVC, ET__TYPE('h', 'v', 'c', 'C')},
    {"hev1", AV_CODEC_ID_HEVC, ET__TYPE('h', 'v', 'c', 'C')},
};

static enum et_status read_codec(struct et__mp4 *mp4, const struct et__box *entry,
                                 struct et_err *err)
{
    const struct et__box inside = {0, entry->p + VISUAL_ENTRY_BYTES, entry->n - VISUAL_ENTRY_BYTES,
                                   entry->at + VISUAL_ENTRY_BYTES};
    struct et__box config;

    for (size_t i = 0; i < sizeof CODECS / sizeof *CODECS; i++) {
        if (strcmp(CODECS[i].fourcc, mp4->fourcc) != 0)
            continue;
        if (!et__box_find(mp4, &inside, CODECS[i].config, &config))
            return missing(mp4, entry, "parameters of the codec", err);
        mp4->codec = CODECS[i].codec;
        et_buf_put(&mp4->config, config.p, config.n);
        return et_buf_check(&mp4->config, "a codec's parameters", err);
    }
    return ET_OK;
}

static enum et_status read_description(struct et__mp4 *mp4, const struct et__box *stbl,
                                       struct et_err *err)
{
    struct et__box stsd, entry;
    struct et__table table;

    if (!et__box_find(mp4, stbl, ET__TYPE('s', 't', 's', 'd'), &stsd))
        return missing(mp4, stbl, "description (stsd)", err);
    const enum et_status st = et__box_table(mp4, &stsd, 8, 8, &table, err);
    if (st != ET_OK)
        return st;
    if (table.n > 1)
        return et__mp4_fail(mp4, err, ET_EUNSUPPORTED, stsd.at,
                            "%u descriptions of pictures in one track", table.n);

    struct et__box rest = {0, table.p, stsd.n - 8, table.at};
    if (table.n == 0 || et__box_next(mp4, &rest, &entry, err) != ET_OK ||
        entry.n < VISUAL_ENTRY_BYTES)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, stsd.at, "the description (stsd) is cut");
    for (int i = 0; i < 4; i++)
        mp4->fourcc[i] = (char)(entry.type >> (24 - 8 * i));
    mp4->width_px = et__be16(entry.p + 24);
    mp4->height_px = et__be16(entry.p + 26);
    if (mp4->width_px == 0 || mp4->height_px == 0)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, entry.at, "a picture of %d × %d pixels",
                            mp4->width_px, mp4->height_px);
    if (mp4->width_px > ET_VIDEO_SIDE_PX_MAX || mp4->height_px > ET_VIDEO_SIDE_PX_MAX)
        return et__mp4_fail(mp4, err, ET_ELIMIT, entry.at, "a picture of %d × %d pixels",
                            mp4->width_px, mp4->height_px);
    return read_codec(mp4, &entry, err);
}

// ---- track -----------------------------------------------------------------------------------

/* The edit list: emptiness first, then one part of the media at its own pace. */
static enum et_status read_edits(struct et__index *index, const struct et__box *trak,
                                 struct et_err *err)
{
    struct et__mp4 *mp4 = index->mp4;
    struct et__box edts, elst;
    struct et__table table;

    if (!et__box_find(mp4, trak, ET__TYPE('e', 'd', 't', 's'), &edts) ||
        !et__box_find(mp4, &edts, ET__TYPE('e', 'l', 's', 't'), &elst))
        return ET_OK;
    const bool is_wide = elst.n > 0 && elst.p[0] == 1;
    const enum et_status st = et__box_table(mp4, &elst, 8, is_wide ? 20 : 12, &table, err);
    if (st != ET_OK)
        return st;
    if (table.n > EDITS_MAX)
        return et__mp4_fail(mp4, err, ET_EUNSUPPORTED, elst.at, "an edit list of %u parts",
                            table.n);

    for (uint32_t i = 0; i < table.n; i++) {
        const uint8_t *const p = table.p + (size_t)i * (is_wide ? 20 : 12);
        const int64_t length = is_wide ? (int64_t)et__be64(p) : et__be32(p);
        const int64_t from = is_wide ? (int64_t)et__be64(p + 8) : (int32_t)et__be32(p + 4);
        const uint32_t pace = et__be32(p + (is_wide ? 16 : 8));
        if (length < 0 || length > INT64_C(1) << 60 || from > et__ticks_max(mp4))
            return et__mp4_fail(mp4, err, ET_ECORRUPT, elst.at,
                                "the edit list has an impossible time");
        if (index->has_edit || (from >= 0 && pace != 0x10000))
            return et__mp4_fail(mp4, err, ET_EUNSUPPORTED, elst.at,
                                "an edit list that cuts the video up or changes its pace");
        if (from < 0) {
            index->edit_delay += length;
            continue;
        }
        index->has_edit = true;
        index->edit_from = from;
        index->edit_for = length;
    }
    return ET_OK;
}

/* The timescale in a box's head: mdhd and mvhd begin alike. */
static bool read_timescale(const struct et__box *head, uint32_t *timescale)
{
    const size_t at = head->n > 0 && head->p[0] == 1 ? 20 : 12;
    if (head->n < at + 4)
        return false;
    *timescale = et__be32(head->p + at);
    return *timescale > 0 && *timescale <= INT32_MAX;
}

/* The kind of a track, from its handler. */
static uint32_t handler(const struct et__mp4 *mp4, const struct et__box *trak, struct et__box *mdia)
{
    struct et__box hdlr;
    if (!et__box_find(mp4, trak, ET__TYPE('m', 'd', 'i', 'a'), mdia) ||
        !et__box_find(mp4, mdia, ET__TYPE('h', 'd', 'l', 'r'), &hdlr) || hdlr.n < 12)
        return 0;
    return et__be32(hdlr.p + 8);
}

static enum et_status read_track(struct et__index *index, const struct et__box *trak,
                                 const struct et__box *mdia, struct et_err *err)
{
    struct et__mp4 *mp4 = index->mp4;
    struct et__box tkhd, mdhd, minf, stbl;

    if (!et__box_find(mp4, trak, ET__TYPE('t', 'k', 'h', 'd'), &tkhd) || tkhd.n < 24)
        return missing(mp4, trak, "track head (tkhd)", err);
    index->track_id = et__be32(tkhd.p + (tkhd.p[0] == 1 ? 20 : 12));
    if (!et__box_find(mp4, mdia, ET__TYPE('m', 'd', 'h', 'd'), &mdhd) ||
        !read_timescale(&mdhd, &mp4->timescale))
        return missing(mp4, mdia, "unit of time (mdhd)", err);
    if (!et__box_find(mp4, mdia, ET__TYPE('m', 'i', 'n', 'f'), &minf) ||
        !et__box_find(mp4, &minf, ET__TYPE('s', 't', 'b', 'l'), &stbl))
        return missing(mp4, mdia, "sample table (stbl)", err);

    enum et_status st = read_edits(index, trak, err);
    if (st == ET_OK)
        st = read_description(mp4, &stbl, err);
    if (st == ET_OK)
        st = read_samples(index, &stbl, err);
    return st;
}

/* Defaults of the fragments' samples. */
static void read_mvex(struct et__index *index, const struct et__box *moov)
{
    struct et__box mvex, trex;

    index->mp4->is_fragmented = et__box_find(index->mp4, moov, ET__TYPE('m', 'v', 'e', 'x'), &mvex);
    while (et__box_next(index->mp4, &mvex, &trex, NULL) == ET_OK) {
        if (trex.type != ET__TYPE('t', 'r', 'e', 'x') || trex.n < 24 ||
            et__be32(trex.p + 4) != index->track_id)
            continue;
        index->trex_duration = et__be32(trex.p + 12);
        index->trex_bytes = et__be32(trex.p + 16);
        index->trex_flags = et__be32(trex.p + 20);
    }
}

enum et_status et__index_moov(struct et__index *index, const struct et__box *moov,
                              struct et_err *err)
{
    const struct et__mp4 *mp4 = index->mp4;
    struct et__box rest = *moov, box, mvhd, mdia;
    bool has_video = false;
    enum et_status st;

    if (!et__box_find(mp4, moov, ET__TYPE('m', 'v', 'h', 'd'), &mvhd) ||
        !read_timescale(&mvhd, &index->movie_timescale))
        return missing(mp4, moov, "movie head (mvhd)", err);
    while ((st = et__box_next(mp4, &rest, &box, err)) == ET_OK) {
        const uint32_t kind =
            box.type == ET__TYPE('t', 'r', 'a', 'k') ? handler(mp4, &box, &mdia) : 0;
        if (kind == ET__TYPE('s', 'o', 'u', 'n'))
            index->mp4->has_audio = true;
        if (kind != ET__TYPE('v', 'i', 'd', 'e') || has_video)
            continue;
        has_video = true;
        st = read_track(index, &box, &mdia, err);
        if (st != ET_OK)
            return st;
    }
    if (st != ET_END)
        return st;
    if (!has_video)
        return et__mp4_fail(mp4, err, ET_EUNSUPPORTED, moov->at, "no video stream in it");
    read_mvex(index, moov);
    return ET_OK;
}
