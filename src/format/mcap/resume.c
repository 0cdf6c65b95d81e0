/* An unfinished file, taken up where its writer left it. */
#include "format/mcap/mcap__writer.h"

#include <stdlib.h>

#define READ_BYTES ((size_t)1 << 20)

struct resuming {
    struct et_mcap_writer *w;
    struct et_mcap_scan *scan;
    int64_t end; // behind the last whole record
    bool is_data_over;
    // the chunk that is gone through, or whose message indexes are; its messages are the marks of
    // the writer's open slot
    bool is_open;
    const char *records; // its first record
    struct et__chunk_entry chunk;
    struct et_buf channels, index_ats;
    char compression[8];
    struct et_err *err;
};

// The chunk held to its end: it counts.
static void count_chunk(struct resuming *r)
{
    struct et__slot *slot = r->w->open;
    for (size_t i = 0; i < slot->n_marks; i++)
        et__count_message(r->w, slot->marks[i].channel_id, slot->marks[i].t_ns);
    slot->n_marks = 0;
    slot->start_ns = slot->end_ns = 0;
    et__index_chunk(r->w, &r->chunk);
    r->is_open = false;
}

static enum et_status end_chunk(struct resuming *r)
{
    if (!r->is_open)
        return ET_OK;
    enum et_status st = et_buf_check(&r->channels, "the index of a chunk", r->err);
    if (st == ET_OK)
        st = et_buf_check(&r->index_ats, "the index of a chunk", r->err);
    if (st != ET_OK)
        return st;
    r->chunk.channels = (const void *)r->channels.p;
    r->chunk.index_ats = (const void *)r->index_ats.p;
    count_chunk(r);
    return ET_OK;
}

/* The last chunk held, and the file ends among the message indexes behind it: they are made anew,
 * and wait in the writer's open slot. */
static enum et_status remake_indexes(struct resuming *r)
{
    struct et__slot *slot = r->w->open;
    slot->n_ids = r->w->n_ids;
    const enum et_status st = et__make_indexes(r->w, slot, r->err);
    if (st != ET_OK)
        return st;
    r->end = r->chunk.at + r->chunk.n_bytes;
    r->chunk.channels = slot->channels;
    r->chunk.index_ats = slot->index_ats;
    r->chunk.n_channels = slot->n_channels;
    r->chunk.index_bytes = slot->indexes.n;
    count_chunk(r);
    return ET_OK;
}

static void begin_chunk(struct resuming *r, const struct et_mcap_record *record)
{
    const struct et_str compression = record->as.chunk.compression;
    r->w->open->n_marks = 0;
    r->records = NULL;
    et_buf_clear(&r->channels);
    et_buf_clear(&r->index_ats);
    // The scan knows only names that are shorter.
    const size_t n = compression.n < sizeof r->compression ? compression.n : 0;
    memcpy(r->compression, n ? compression.p : "", n);
    r->is_open = true;
    r->chunk = (struct et__chunk_entry){
        .start_ns = record->as.chunk.start_ns,
        .end_ns = record->as.chunk.end_ns,
        .at = record->at,
        .n_bytes = ET__MCAP_HEAD_BYTES + (int64_t)record->content.n,
        .compression = {r->compression, n},
        .n_stored = record->as.chunk.n_stored,
        .n_records = record->as.chunk.n_bytes,
    };
}

static void add_index(struct resuming *r, const struct et_mcap_record *record)
{
    const int64_t first = r->chunk.at + r->chunk.n_bytes;
    if (!r->is_open || record->content.n < 2)
        return; // of no chunk: nobody needs it
    const uint16_t channel = et__u16(record->content.p);
    const uint64_t at = (uint64_t)(record->at - first);
    et_buf_put(&r->channels, &channel, sizeof channel);
    et_buf_put(&r->index_ats, &at, sizeof at);
    r->chunk.n_channels++;
    r->chunk.index_bytes = at + ET__MCAP_HEAD_BYTES + record->content.n;
}

static enum et_status see_message(struct resuming *r, const struct et_mcap_record *record)
{
    const struct et_mcap_message *m = &record->as.message;
    if (r->w->of_channel[m->channel_id] < 0 || m->log_time_ns < 0)
        return et_fail(r->err, ET_ECORRUPT, record->at, "Message at %lld: of channel %u, %s",
                       (long long)record->at, m->channel_id,
                       m->log_time_ns < 0 ? "at a time below 0" : "which is not there");
    if (!record->is_in_chunk) {
        et__count_message(r->w, m->channel_id, m->log_time_ns);
        return ET_OK;
    }
    const size_t offset = (size_t)(record->content.p - ET__MCAP_HEAD_BYTES - r->records);
    return et__mark_message(r->w->open, m->log_time_ns, (uint32_t)offset, m->channel_id)
               ? ET_OK
               : et_fail(r->err, ET_ENOMEM, record->at, "no memory for a chunk");
}

static enum et_status take_record(struct resuming *r, const struct et_mcap_record *record)
{
    const uint64_t at = (uint64_t)record->at, n_bytes = ET__MCAP_HEAD_BYTES + record->content.n;
    enum et_status st = ET_OK;
    if (!record->is_in_chunk && record->op != ET_MCAP_MESSAGE_INDEX)
        st = end_chunk(r);
    if (st != ET_OK)
        return st;
    switch (record->op) {
    case ET_MCAP_SCHEMA:
        st = et__keep_schema(r->w, &record->as.schema, r->err);
        break;
    case ET_MCAP_CHANNEL:
        st = et__keep_channel(r->w, &record->as.channel, r->err);
        break;
    case ET_MCAP_MESSAGE:
        st = see_message(r, record);
        break;
    case ET_MCAP_CHUNK_OP:
        // Its records may be there, and the file end within what stands behind them.
        if (et__u64(record->content.p - 8) != record->content.n)
            return et_fail(r->err, ET_ECORRUPT, record->at,
                           "Chunk at %lld: the file ends within it", (long long)record->at);
        begin_chunk(r, record);
        break;
    case ET_MCAP_MESSAGE_INDEX:
        add_index(r, record);
        break;
    case ET_MCAP_ATTACHMENT:
        et__index_attachment(r->w, &record->as.attachment, at, n_bytes);
        break;
    case ET_MCAP_METADATA:
        et__index_metadata(r->w, record->as.metadata.name, at, n_bytes);
        break;
    default:
        break; // the header, and what is nobody's
    }
    return st == ET_END ? ET_OK : st;
}

/* Everything up to the first thing that is wrong. ET_END: the file is finished. ET_ECORRUPT: what
 * is wrong. */
static enum et_status go_through(struct resuming *r)
{
    for (;;) {
        struct et_mcap_record record;
        enum et_status st = et_mcap_scan_next(r->scan, &record, r->err);
        if (st != ET_OK)
            return st;
        if (r->is_data_over)
            continue; // the summary is made anew
        r->is_data_over = record.op == ET_MCAP_DATA_END;
        // What the scan gives next of a chunk tells whether it held: it counts then.
        if (!record.is_in_chunk)
            r->end = record.at;
        else if (!r->records)
            r->records = record.content.p - ET__MCAP_HEAD_BYTES;
        st = take_record(r, &record);
        if (st != ET_OK)
            return st == ET_EARG ? et_fail(r->err, ET_ECORRUPT, record.at,
                                           "%s at %lld: contradicts what came before",
                                           et_mcap_op_name(record.op), (long long)record.at)
                                 : st;
        if (!record.is_in_chunk && record.op != ET_MCAP_CHUNK_OP && !r->is_data_over)
            r->end = record.at + ET__MCAP_HEAD_BYTES + (int64_t)record.content.n;
    }
}

// Behind what is wrong: is it what a kill leaves, or damage with more behind it?
static enum et_status judge_end(struct resuming *r)
{
    const struct et_err wrong = *r->err;
    struct et_mcap_record record;
    int64_t n_skipped;
    enum et_status st = et_mcap_scan_resync(r->scan, &n_skipped, r->err);
    if (st == ET_OK)
        st = et_mcap_scan_next(r->scan, &record, r->err);
    if (st == ET_END || st == ET_ECORRUPT)
        return ET_OK;
    if (st != ET_OK)
        return st;
    return et_fail(r->err, ET_ECORRUPT, wrong.at, "%s: %.200s; there is more behind it", r->w->path,
                   wrong.text);
}

static enum et_status read_crc(struct et_mcap_writer *w, int64_t end, struct et_err *err)
{
    char *p = malloc(READ_BYTES);
    enum et_status st =
        p ? ET_OK : et_fail(err, ET_ENOMEM, -1, "no memory for reading %s", w->path);
    for (int64_t at = 0; at < end && st == ET_OK; at += (int64_t)READ_BYTES) {
        const size_t n = end - at < (int64_t)READ_BYTES ? (size_t)(end - at) : READ_BYTES;
        st = et_file_read_exact(w->file, at, p, n, err);
        if (st == ET_OK)
            w->crc = et__mcap_crc(w->crc, p, n);
    }
    free(p);
    return st;
}

static enum et_status resume(struct resuming *r, int64_t *n_cut)
{
    struct et_mcap_writer *w = r->w;
    int64_t n_bytes = 0;
    enum et_status st = et_mcap_scan_open(&r->scan, w->path, r->err);
    if (st != ET_OK)
        return st;
    st = go_through(r);
    if (st == ET_END)
        return et_fail(r->err, ET_EEXISTS, -1, "%s: is finished", w->path);
    if (st != ET_ECORRUPT)
        return st;
    const bool is_held = r->is_open && r->err->at != r->chunk.at;
    st = r->is_data_over ? ET_OK : judge_end(r);
    if (st == ET_OK && is_held)
        st = remake_indexes(r);
    if (st == ET_OK && r->end <= ET__MCAP_MAGIC_BYTES)
        st = et_fail(r->err, ET_ECORRUPT, 0, "%s: not even its first record is whole", w->path);
    if (st == ET_OK)
        st = et_file_open(&w->file, w->path, ET_FILE_UPDATE, r->err);
    if (st == ET_OK)
        st = read_crc(w, r->end, r->err);
    if (st == ET_OK)
        st = et_file_size(w->file, &n_bytes, r->err);
    if (st == ET_OK && n_bytes > r->end)
        st = et_file_truncate(w->file, r->end, r->err);
    if (st != ET_OK)
        return st;
    w->n_written = r->end;
    *n_cut = n_bytes - r->end;
    if (is_held) {
        et_buf_put(&w->out, w->open->indexes.p, w->open->indexes.n);
        et_buf_clear(&w->open->indexes);
    }
    return et__write_out(w, r->err);
}

enum et_status et_mcap_resume(struct et_mcap_writer **writer, const char *path,
                              const struct et_mcap_write_options *options, int64_t *n_cut,
                              struct et_err *err)
{
    struct et_err mine = {0};
    struct resuming r = {.err = err ? err : &mine}; // what is wrong is looked at
    *n_cut = 0;
    if (options && options->sink.put) {
        *writer = NULL;
        return et_fail(err, ET_EARG, -1, "%s: cannot go on with a sink", path);
    }
    enum et_status st = et__mcap_writer_make(writer, path, options, err);
    if (st != ET_OK)
        return st;
    r.w = *writer;
    r.channels = r.index_ats = et_buf(ET_MCAP_CHUNK_BYTES_MAX);
    st = resume(&r, n_cut);
    et_mcap_scan_close(r.scan);
    et_buf_free(&r.channels);
    et_buf_free(&r.index_ats);
    if (st != ET_OK) {
        et_mcap_writer_close(*writer);
        *writer = NULL;
    }
    return st;
}
