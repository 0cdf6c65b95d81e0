/* What a reader knows of a file: from the summary, or from going through all of it. */
#include "format/mcap/mcap__reader.h"

#include <stdio.h>
#include <stdlib.h>

#define SUMMARY_BYTES_MAX ((int64_t)1 << 30)
#define RAW_BYTES ((int64_t)1 << 20) // of a block of records outside of chunks

static enum et_status add_block(struct et_mcap_reader *r, const struct et__block *block,
                                struct et_err *err)
{
    struct et__block *grown =
        et__mcap_grow(r->arena, r->blocks, r->n_blocks, &r->cap_blocks, sizeof *grown);
    if (!grown)
        return et_arena_fail(r->arena, "the index of chunks", err);
    r->blocks = grown;
    grown[r->n_blocks++] = *block;
    return ET_OK;
}

static enum et_status add_place(struct et_mcap_reader *r, bool is_attachment, int64_t at,
                                int64_t n_bytes, struct et_err *err)
{
    struct et__place **list = is_attachment ? &r->attachments : &r->metadata;
    size_t *n = is_attachment ? &r->n_attachments : &r->n_metadata;
    size_t *cap = is_attachment ? &r->cap_attachments : &r->cap_metadata;
    struct et__place *grown = et__mcap_grow(r->arena, *list, *n, cap, sizeof *grown);
    if (!grown)
        return et_arena_fail(r->arena, "the index", err);
    *list = grown;
    grown[(*n)++] = (struct et__place){at, n_bytes};
    return ET_OK;
}

// The name of a compression, kept as long as the reader.
static enum et_status name_compression(struct et_mcap_reader *r, struct et_str name,
                                       struct et_err *err)
{
    if (!r->info.compression)
        r->info.compression = et_arena_copy(r->arena, name.n ? name.p : "", name.n);
    return r->info.compression ? ET_OK : et_arena_fail(r->arena, "the index", err);
}

/* ---- the summary ---- */

struct summary {
    struct et_mcap_reader *r;
    int64_t at, end; // of its bytes
    const char *bytes;
    bool has_statistics;
    uint64_t n_messages, n_chunks;
    int64_t first_at; // of the data behind the header
};

static bool is_within(const struct summary *s, uint64_t at, uint64_t n)
{
    return at >= ET__MCAP_MAGIC_BYTES && at <= (uint64_t)s->at && n <= (uint64_t)s->at - at &&
           n >= ET__MCAP_HEAD_BYTES;
}

static enum et_status bad_index(struct et_mcap_reader *r, int64_t at, const char *text)
{
    et__mcap_remark(r, ET_MCAP_INDEX, at, 0, text);
    return ET_AGAIN;
}

static enum et_status take_chunk_index(struct summary *s, const struct et_mcap_record *record,
                                       struct et_err *err)
{
    struct et_mcap_reader *r = s->r;
    if (!is_within(s, record->as.chunk_index.chunk_at, record->as.chunk_index.chunk_bytes) ||
        record->as.chunk_index.start_ns > record->as.chunk_index.end_ns)
        return bad_index(r, record->at, "an index of a chunk that cannot be");
    struct et__block block = {.at = (int64_t)record->as.chunk_index.chunk_at,
                              .n_bytes = (int64_t)record->as.chunk_index.chunk_bytes,
                              .start_ns = record->as.chunk_index.start_ns,
                              .end_ns = record->as.chunk_index.end_ns};
    const size_t n = record->as.chunk_index.n_indexes;
    if (n) {
        uint16_t *channels =
            et_arena_copy(r->arena, record->as.chunk_index.index_channels, n * sizeof *channels);
        if (!channels)
            return et_arena_fail(r->arena, "the index of chunks", err);
        block.channels = channels;
        block.n_channels = n;
    }
    enum et_status st = name_compression(r, record->as.chunk_index.compression, err);
    return st == ET_OK ? add_block(r, &block, err) : st;
}

static enum et_status take_statistics(struct summary *s, const struct et_mcap_record *record,
                                      struct et_err *err)
{
    struct et_mcap_reader *r = s->r;
    s->has_statistics = true;
    s->n_messages = record->as.statistics.n_messages;
    s->n_chunks = record->as.statistics.n_chunks;
    if (s->n_messages > INT64_MAX)
        return bad_index(r, record->at, "statistics that cannot be");
    r->info.n_messages = (int64_t)s->n_messages;
    r->info.start_ns = record->as.statistics.start_ns;
    r->info.end_ns = record->as.statistics.end_ns;
    r->counts = et_arena_array(r->arena, ET_MCAP_CHANNELS_MAX, sizeof *r->counts);
    if (!r->counts)
        return et_arena_fail(r->arena, "the statistics", err);
    for (size_t i = 0; i < record->as.statistics.n_counts; i++) {
        const uint16_t id = record->as.statistics.channels[i];
        r->counts[id] = (int64_t)(record->as.statistics.counts[i] & INT64_MAX);
    }
    r->has_counts = true;
    return ET_OK;
}

static enum et_status take_record(struct summary *s, const struct et_mcap_record *record,
                                  struct et_err *err)
{
    struct et_mcap_reader *r = s->r;
    switch (record->op) {
    case ET_MCAP_SCHEMA:
        return et__ids_add_schema(r, &record->as.schema, record->at, err);
    case ET_MCAP_CHANNEL:
        return et__ids_add_channel(r, &record->as.channel, record->at, err);
    case ET_MCAP_CHUNK_INDEX:
        return take_chunk_index(s, record, err);
    case ET_MCAP_STATISTICS:
        return take_statistics(s, record, err);
    case ET_MCAP_ATTACHMENT_INDEX:
        return is_within(s, record->as.attachment_index.at, record->as.attachment_index.n_bytes)
                   ? add_place(r, true, (int64_t)record->as.attachment_index.at,
                               (int64_t)record->as.attachment_index.n_bytes, err)
                   : bad_index(r, record->at, "an index of an attachment that cannot be");
    case ET_MCAP_METADATA_INDEX:
        return is_within(s, record->as.metadata_index.at, record->as.metadata_index.n_bytes)
                   ? add_place(r, false, (int64_t)record->as.metadata_index.at,
                               (int64_t)record->as.metadata_index.n_bytes, err)
                   : bad_index(r, record->at, "an index of metadata that cannot be");
    default:
        return ET_OK;
    }
}

static enum et_status read_records(struct summary *s, struct et_err *err)
{
    struct et_arena *arena = NULL;
    enum et_status st = et_arena_open(&arena, (size_t)64 << 20, err);
    const struct et_arena_mark mark = arena ? et_arena_mark(arena) : (struct et_arena_mark){0};
    for (int64_t at = s->at; st == ET_OK && at < s->end;) {
        const char *p = s->bytes + (at - s->at);
        const uint64_t left = (uint64_t)(s->end - at);
        const uint64_t n = left >= ET__MCAP_HEAD_BYTES ? et__u64(p + 1) : UINT64_MAX;
        if (left < ET__MCAP_HEAD_BYTES || n > left - ET__MCAP_HEAD_BYTES) {
            st = bad_index(s->r, at, "a record beyond the summary's end");
            break;
        }
        struct et_mcap_record record = {
            .op = (unsigned char)p[0], .at = at, .content = {p + ET__MCAP_HEAD_BYTES, (size_t)n}};
        struct et_err bad = {0};
        et_arena_rewind(arena, mark);
        st = et__mcap_parse(&record, arena, &bad);
        if (st == ET_ECORRUPT)
            st = bad_index(s->r, at, bad.text);
        else if (st != ET_OK)
            st = et_fail(err, st, at, "%s", bad.text);
        if (st == ET_OK)
            st = take_record(s, &record, err);
        at += ET__MCAP_HEAD_BYTES + (int64_t)n;
    }
    et_arena_close(arena);
    return st;
}

/* ---- what the index does not speak of ---- */

static int by_place(const void *a, const void *b)
{
    const int64_t x = ((const struct et__place *)a)->at, y = ((const struct et__place *)b)->at;
    return (x > y) - (x < y);
}

/* Goes over the heads of the records between what is indexed. ET_AGAIN: there is a message, or a
 * chunk, or no record at all; only going through everything finds it. */
static enum et_status look_between(const struct summary *s, int64_t at, int64_t end,
                                   struct et_err *err)
{
    while (at < end) {
        char head[ET__MCAP_HEAD_BYTES];
        const int64_t left = end - at;
        if (left < ET__MCAP_HEAD_BYTES)
            return bad_index(s->r, at, "bytes between the chunks that are no record");
        const enum et_status st = et_file_read_exact(s->r->file, at, head, sizeof head, err);
        if (st != ET_OK)
            return st;
        const uint64_t n = et__u64(head + 1);
        if (n > (uint64_t)(left - ET__MCAP_HEAD_BYTES))
            return bad_index(s->r, at, "bytes between the chunks that are no record");
        if (head[0] == ET_MCAP_MESSAGE || head[0] == ET_MCAP_CHUNK_OP)
            return ET_AGAIN; // allowed by the spec, and not found by any index
        at += ET__MCAP_HEAD_BYTES + (int64_t)n;
    }
    return ET_OK;
}

static enum et_status check_cover(const struct summary *s, struct et_err *err)
{
    const struct et_mcap_reader *r = s->r;
    const size_t n = r->n_blocks + r->n_attachments + r->n_metadata;
    struct et__place *places = malloc((n + 1) * sizeof *places);
    if (!places)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the index");
    size_t k = 0;
    for (size_t i = 0; i < r->n_blocks; i++)
        places[k++] = (struct et__place){r->blocks[i].at, r->blocks[i].n_bytes};
    for (size_t i = 0; i < r->n_attachments; i++)
        places[k++] = r->attachments[i];
    for (size_t i = 0; i < r->n_metadata; i++)
        places[k++] = r->metadata[i];
    if (n)
        qsort(places, n, sizeof *places, by_place);
    places[n] = (struct et__place){s->at, 0};
    int64_t at = ET__MCAP_MAGIC_BYTES;
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i <= n; i++) {
        if (places[i].at < at)
            st = bad_index(s->r, places[i].at, "two records of the index overlap");
        else
            st = look_between(s, at, places[i].at, err);
        at = places[i].at + places[i].n_bytes;
    }
    free(places);
    return st;
}

/* ---- header and footer ---- */

static enum et_status read_header(struct et_mcap_reader *r, struct et_err *err)
{
    struct et_mcap_scan *scan = NULL;
    struct et_mcap_record record;
    enum et_status st = et_mcap_scan_open(&scan, et_file_path(r->file), err);
    if (st == ET_OK && et_mcap_scan_next(scan, &record, NULL) == ET_OK &&
        record.op == ET_MCAP_HEADER) {
        const struct et_str profile = record.as.header.profile, library = record.as.header.library;
        r->info.profile.p = et_arena_copy(r->arena, profile.n ? profile.p : "", profile.n);
        r->info.library.p = et_arena_copy(r->arena, library.n ? library.p : "", library.n);
        r->info.profile.n = profile.n;
        r->info.library.n = library.n;
        if (!r->info.profile.p || !r->info.library.p)
            st = et_arena_fail(r->arena, "the header", err);
    }
    et_mcap_scan_close(scan);
    return st;
}

// Loads the bytes of the summary. ET_AGAIN: no footer, no summary, or one that does not hold.
static enum et_status load(struct summary *s, char **bytes, struct et_err *err)
{
    struct et_mcap_reader *r = s->r;
    char end[ET__MCAP_END_BYTES];
    const int64_t n_bytes = r->info.n_bytes;
    if (n_bytes < ET__MCAP_MAGIC_BYTES + ET__MCAP_END_BYTES)
        return ET_AGAIN;
    enum et_status st =
        et_file_read_exact(r->file, n_bytes - ET__MCAP_END_BYTES, end, sizeof end, err);
    if (st != ET_OK)
        return st;
    if (memcmp(end + ET__MCAP_FOOTER_BYTES, ET__MCAP_MAGIC, ET__MCAP_MAGIC_BYTES) != 0 ||
        end[0] != ET_MCAP_FOOTER || et__u64(end + 1) != 20)
        return ET_AGAIN;
    r->info.is_finished = true;
    const uint64_t at = et__u64(end + 9);
    s->end = n_bytes - ET__MCAP_END_BYTES;
    if (at == 0)
        return ET_AGAIN;
    if (at < ET__MCAP_MAGIC_BYTES || at > (uint64_t)s->end ||
        s->end - (int64_t)at > SUMMARY_BYTES_MAX)
        return bad_index(r, s->end, "the footer's summary is not in the file");
    s->at = (int64_t)at;
    const size_t n = (size_t)(s->end - s->at);
    *bytes = malloc(n + ET__MCAP_FOOTER_BYTES);
    if (!*bytes)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a summary of %zu bytes", n);
    st = et_file_read_exact(r->file, s->at, *bytes, n + ET__MCAP_FOOTER_BYTES, err);
    if (st != ET_OK)
        return st;
    const uint32_t crc = et__u32(end + 25);
    if (crc && crc != et__mcap_crc(0, *bytes, n + ET__MCAP_HEAD_BYTES + 16)) {
        et__mcap_remark(r, ET_MCAP_CRC, s->at, 0, "the summary's CRC does not hold");
        return ET_AGAIN;
    }
    s->bytes = *bytes;
    return ET_OK;
}

/* A summary must repeat every schema and channel; where it does not, they are in the chunks. */
static bool has_all_ids(const struct summary *s)
{
    const struct et_mcap_reader *r = s->r;
    for (size_t i = 0; i < r->n_blocks; i++)
        for (size_t k = 0; k < r->blocks[i].n_channels; k++)
            if (!et_mcap_channel(r, r->blocks[i].channels[k]))
                return false;
    for (size_t i = 0; i < r->ids.n_channels; i++)
        if (r->ids.channels[i].schema_id && !et_mcap_schema(r, r->ids.channels[i].schema_id))
            return false;
    return r->ids.n_channels > 0 || r->n_blocks == 0;
}

enum et_status et__mcap_read_summary(struct et_mcap_reader *r, struct et_err *err)
{
    struct summary s = {.r = r};
    char *bytes = NULL;
    enum et_status st = read_header(r, err);
    if (st == ET_OK)
        st = load(&s, &bytes, err);
    if (st == ET_OK)
        st = read_records(&s, err);
    if (st == ET_OK && s.has_statistics && s.n_chunks != r->n_blocks)
        st = r->n_blocks == 0 ? ET_AGAIN : bad_index(r, s.at, "not every chunk has an index");
    // Without an index of chunks only the statistics can say that there is nothing to be found.
    const bool is_empty = s.has_statistics && s.n_messages == 0;
    if (st == ET_OK && ((r->n_blocks == 0 && !is_empty) || !has_all_ids(&s)))
        st = ET_AGAIN;
    if (st == ET_OK)
        st = check_cover(&s, err);
    for (size_t i = 0; st == ET_OK && !s.has_statistics && i < r->n_blocks; i++) {
        const struct et__block *block = &r->blocks[i];
        if (block->end_ns == 0)
            continue; // a chunk without messages
        r->info.start_ns = r->info.end_ns == 0 || block->start_ns < r->info.start_ns
                               ? block->start_ns
                               : r->info.start_ns;
        r->info.end_ns = block->end_ns > r->info.end_ns ? block->end_ns : r->info.end_ns;
    }
    if (st == ET_OK) {
        r->info.has_index = true;
        r->info.n_chunks = (int64_t)r->n_blocks;
        if (!r->info.profile.p)
            et__mcap_remark(r, ET_MCAP_DAMAGE, ET__MCAP_MAGIC_BYTES, 0, "no Header that holds");
    }
    free(bytes);
    return st;
}

/* ---- all of the file ---- */

struct all {
    struct et_mcap_reader *r;
    struct et_mcap_scan *scan;
    struct et__block block; // of the chunk, or of records outside, that is being gone over
    int64_t n_messages;     // in it
    bool has_block;
    int64_t start_ns, end_ns, total;
};

static enum et_status end_block(struct all *a, int64_t end, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (a->has_block && a->n_messages > 0) {
        if (a->block.is_raw)
            a->block.n_bytes = end - a->block.at;
        st = add_block(a->r, &a->block, err);
    }
    a->has_block = false;
    a->n_messages = 0;
    return st;
}

// n_bytes 0: messages outside of chunks, up to wherever they end.
static void begin_block(struct all *a, int64_t at, int64_t n_bytes)
{
    a->block =
        (struct et__block){.at = at, .n_bytes = n_bytes, .is_raw = n_bytes == 0, .is_told = true};
    a->has_block = true;
    a->n_messages = 0;
}

static enum et_status take_message(struct all *a, const struct et_mcap_record *record)
{
    struct et_mcap_reader *r = a->r;
    const int64_t t_ns = record->as.message.log_time_ns;
    if (r->ids.of_channel[record->as.message.channel_id] < 0) {
        et__mcap_remark(r, ET_MCAP_ORPHAN, record->at, 0,
                        "a message of a channel that is not there");
        return ET_OK;
    }
    r->counts[record->as.message.channel_id]++;
    a->block.start_ns = a->n_messages == 0 || t_ns < a->block.start_ns ? t_ns : a->block.start_ns;
    a->block.end_ns = a->n_messages == 0 || t_ns > a->block.end_ns ? t_ns : a->block.end_ns;
    a->start_ns = a->total == 0 || t_ns < a->start_ns ? t_ns : a->start_ns;
    a->end_ns = a->total == 0 || t_ns > a->end_ns ? t_ns : a->end_ns;
    a->n_messages++;
    a->total++;
    return ET_OK;
}

static enum et_status take_outside(struct all *a, const struct et_mcap_record *record,
                                   struct et_err *err)
{
    const int64_t n_bytes = ET__MCAP_HEAD_BYTES + (int64_t)record->content.n;
    enum et_status st = ET_OK;
    // What is read with the messages shall not be much more than they are.
    const bool is_large = !et__mcap_is_of_chunk(record->op) && n_bytes > RAW_BYTES / 16;
    if (a->has_block && (!a->block.is_raw || is_large || record->at - a->block.at > RAW_BYTES))
        st = end_block(a, record->at, err);
    if (st != ET_OK)
        return st;
    if (record->op == ET_MCAP_CHUNK_OP) {
        st = end_block(a, record->at, err);
        begin_block(a, record->at, n_bytes);
        a->r->info.n_chunks++;
        return st == ET_OK ? name_compression(a->r, record->as.chunk.compression, err) : st;
    }
    if (!a->has_block && record->op == ET_MCAP_MESSAGE)
        begin_block(a, record->at, 0);
    if (record->op == ET_MCAP_ATTACHMENT)
        return add_place(a->r, true, record->at, n_bytes, err);
    if (record->op == ET_MCAP_METADATA)
        return add_place(a->r, false, record->at, n_bytes, err);
    a->r->info.is_finished = a->r->info.is_finished || record->op == ET_MCAP_FOOTER;
    return ET_OK;
}

static enum et_status take(struct all *a, const struct et_mcap_record *record, struct et_err *err)
{
    enum et_status st = record->is_in_chunk ? ET_OK : take_outside(a, record, err);
    if (st != ET_OK)
        return st;
    if (record->op == ET_MCAP_SCHEMA)
        return et__ids_add_schema(a->r, &record->as.schema, record->at, err);
    if (record->op == ET_MCAP_CHANNEL)
        return et__ids_add_channel(a->r, &record->as.channel, record->at, err);
    if (record->op == ET_MCAP_MESSAGE)
        return take_message(a, record);
    return ET_OK;
}

static enum et_mcap_fault fault_of(const char *text)
{
    return strstr(text, "CRC")                                          ? ET_MCAP_CRC
           : strstr(text, "file ends") || strstr(text, "closing magic") ? ET_MCAP_CUT
           : strncmp(text, "Chunk", 5) == 0                             ? ET_MCAP_CHUNK
                                                                        : ET_MCAP_DAMAGE;
}

/* Something is wrong at bad->at. In a chunk, what came before it stays, and what the scan still
 * finds in it; one whose CRC does not hold gives nothing. */
static enum et_status go_over(struct all *a, const struct et_err *bad, struct et_err *err)
{
    const bool is_in_chunk = a->has_block && !a->block.is_raw && bad->at == a->block.at;
    int64_t n_skipped = 0;
    enum et_status st = is_in_chunk ? ET_OK : end_block(a, bad->at, err);
    if (st == ET_OK)
        st = et_mcap_scan_resync(a->scan, &n_skipped, err);
    if (st == ET_OK || st == ET_END)
        et__mcap_remark(a->r, fault_of(bad->text), bad->at, n_skipped, bad->text);
    return st;
}

enum et_status et__mcap_read_all(struct et_mcap_reader *r, struct et_err *err)
{
    struct all a = {.r = r};
    struct et_mcap_record record;
    r->info.n_chunks = 0;
    r->counts = et_arena_array(r->arena, ET_MCAP_CHANNELS_MAX, sizeof *r->counts);
    if (!r->counts)
        return et_arena_fail(r->arena, "the index", err);
    enum et_status st = r->info.profile.p ? ET_OK : read_header(r, err);
    if (st == ET_OK)
        st = et_mcap_scan_open(&a.scan, et_file_path(r->file), err);
    while (st == ET_OK) {
        struct et_err bad = {0};
        st = et_mcap_scan_next(a.scan, &record, &bad);
        if (st == ET_OK)
            st = take(&a, &record, err);
        else if (st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT)
            st = go_over(&a, &bad, err);
        else if (st != ET_END)
            st = et_fail(err, st, bad.at, "%s", bad.text);
    }
    if (st == ET_END)
        st = end_block(&a, r->info.n_bytes, err);
    et_mcap_scan_close(a.scan);
    r->has_counts = true;
    r->info.n_messages = a.total;
    r->info.start_ns = a.start_ns;
    r->info.end_ns = a.end_ns;
    return st;
}
