/* Chunks, from a filled slot to the file: compressed on any thread, written in order. */
#include "format/mcap/mcap__writer.h"

#include <stdlib.h>

#define JOIN_BYTES ((size_t)1 << 16) // from here on joining CRCs is quicker than computing them

/* ---- on any thread ---- */

enum et_status et__make_indexes(const struct et_mcap_writer *w, struct et__slot *slot,
                                struct et_err *err)
{
    const size_t n_ids = slot->n_ids;
    uint32_t *counts = calloc(n_ids + 1, sizeof *counts);
    et_buf_clear(&slot->indexes);
    slot->n_channels = 0;
    if (!counts)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the index of a chunk");
    for (size_t i = 0; i < slot->n_marks; i++)
        counts[slot->marks[i].channel_id]++;
    // Room for every channel's record first; then the entries go to their places.
    size_t n_bytes = 0;
    enum et_status st = ET_OK;
    for (size_t id = 0; st == ET_OK && id < n_ids; id++) {
        if (counts[id] == 0)
            continue;
        if (slot->n_channels == slot->cap_channels) {
            const size_t cap = 2 * slot->cap_channels + 16;
            uint16_t *channels = et__mcap_regrow(
                slot->channels, slot->n_channels * sizeof *channels, cap * sizeof *channels);
            slot->channels = channels ? channels : slot->channels;
            uint64_t *ats =
                et__mcap_regrow(slot->index_ats, slot->n_channels * sizeof *ats, cap * sizeof *ats);
            slot->index_ats = ats ? ats : slot->index_ats;
            slot->cap_channels = channels && ats ? cap : slot->cap_channels;
            if (!channels || !ats) {
                st = et_fail(err, ET_ENOMEM, -1, "no memory for the index of a chunk");
                break;
            }
        }
        slot->channels[slot->n_channels] = (uint16_t)id;
        slot->index_ats[slot->n_channels++] = slot->indexes.n;
        const size_t begin = et__mcap_record_begin(&slot->indexes, ET_MCAP_MESSAGE_INDEX);
        et__mcap_put_uint(&slot->indexes, id, 2);
        et__mcap_put_uint(&slot->indexes, (uint64_t)counts[id] * 16, 4);
        n_bytes = (size_t)counts[id] * 16;
        counts[id] = (uint32_t)slot->indexes.n; // where its next entry goes
        if (et_buf_reserve(&slot->indexes, n_bytes))
            slot->indexes.n += n_bytes;
        et__mcap_record_end(&slot->indexes, begin, w->options.with_padding);
    }
    if (st == ET_OK)
        st = et_buf_check(&slot->indexes, "the index of a chunk", err);
    for (size_t i = 0; st == ET_OK && i < slot->n_marks; i++) {
        const struct et__mark *mark = &slot->marks[i];
        char *to = slot->indexes.p + counts[mark->channel_id];
        const uint64_t offset = mark->offset;
        memcpy(to, &mark->t_ns, 8);
        memcpy(to + 8, &offset, 8);
        counts[mark->channel_id] += 16;
    }
    free(counts);
    return st;
}

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct et_mcap_writer *w = ctx;
    struct et__slot *slot = &w->slots[i % w->n_slots];
    enum et_status st = ET_OK;
    slot->crc = et__mcap_crc(0, slot->records.p, slot->records.n);
    if (w->options.compression != ET_MCAP_NONE)
        st = et__mcap_compress(&w->encoders[worker], w->options.compression, w->options.level,
                               et_buf_str(&slot->records), &slot->stored, err);
    if (st == ET_OK && !w->options.without_message_index)
        st = et__make_indexes(w, slot, err);
    slot->stored_crc = w->options.compression == ET_MCAP_NONE
                           ? slot->crc
                           : et__mcap_crc(0, slot->stored.p, slot->stored.n);
    slot->indexes_crc = et__mcap_crc(0, slot->indexes.p, slot->indexes.n);
    return st;
}

/* ---- in order, on one thread at a time ---- */

static struct et_str name_of(enum et_mcap_compression compression)
{
    return et_str(compression == ET_MCAP_ZSTD ? "zstd" : compression == ET_MCAP_LZ4 ? "lz4" : "");
}

void et__index_chunk(struct et_mcap_writer *w, const struct et__chunk_entry *chunk)
{
    struct et_buf *buf = &w->chunk_indexes;
    w->n_chunks++;
    if (w->options.without_chunk_index)
        return;
    const size_t begin = et__mcap_record_begin(buf, ET_MCAP_CHUNK_INDEX);
    et__mcap_put_uint(buf, (uint64_t)chunk->start_ns, 8);
    et__mcap_put_uint(buf, (uint64_t)chunk->end_ns, 8);
    et__mcap_put_uint(buf, (uint64_t)chunk->at, 8);
    et__mcap_put_uint(buf, (uint64_t)chunk->n_bytes, 8);
    et__mcap_put_uint(buf, chunk->n_channels * 10, 4);
    for (size_t i = 0; i < chunk->n_channels; i++) {
        et__mcap_put_uint(buf, chunk->channels[i], 2);
        et__mcap_put_uint(buf, (uint64_t)(chunk->at + chunk->n_bytes) + chunk->index_ats[i], 8);
    }
    et__mcap_put_uint(buf, chunk->index_bytes, 8);
    et__mcap_put_text(buf, chunk->compression);
    et__mcap_put_uint(buf, chunk->n_stored, 8);
    et__mcap_put_uint(buf, chunk->n_records, 8);
    et__mcap_record_end(buf, begin, w->options.with_padding);
}

// Bytes that are too many to be copied once more, or to be looked at for the data's CRC.
static enum et_status write_through(struct et_mcap_writer *w, const void *p, size_t n, uint32_t crc,
                                    struct et_err *err)
{
    enum et_status st = et__write_out(w, err);
    if (st == ET_OK)
        st = et__write_bytes(w, p, n, err);
    if (st != ET_OK)
        return st;
    w->crc = n < JOIN_BYTES ? et__mcap_crc(w->crc, p, n) : et__mcap_crc_join(w->crc, crc, n);
    w->n_written += (int64_t)n;
    return ET_OK;
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct et_mcap_writer *w = ctx;
    struct et__slot *slot = &w->slots[i % w->n_slots];
    const struct et_buf *bytes =
        w->options.compression == ET_MCAP_NONE ? &slot->records : &slot->stored;
    const int64_t at = w->n_written + (int64_t)w->out.n;
    const struct et_str compression = name_of(w->options.compression);
    const uint64_t n_content = 8 + 8 + 8 + 4 + 4 + compression.n + 8 + bytes->n;

    et_buf_putc(&w->out, ET_MCAP_CHUNK_OP);
    et__mcap_put_uint(&w->out, n_content, 8);
    et__mcap_put_uint(&w->out, (uint64_t)slot->start_ns, 8);
    et__mcap_put_uint(&w->out, (uint64_t)slot->end_ns, 8);
    et__mcap_put_uint(&w->out, slot->records.n, 8);
    et__mcap_put_uint(&w->out, slot->crc, 4);
    et__mcap_put_text(&w->out, compression);
    et__mcap_put_uint(&w->out, bytes->n, 8);
    enum et_status st = write_through(w, bytes->p, bytes->n, slot->stored_crc, err);
    const bool has_index = !w->options.without_message_index;
    const struct et__chunk_entry entry = {.start_ns = slot->start_ns,
                                          .end_ns = slot->end_ns,
                                          .at = at,
                                          .n_bytes = ET__MCAP_HEAD_BYTES + (int64_t)n_content,
                                          .channels = slot->channels,
                                          .index_ats = slot->index_ats,
                                          .n_channels = has_index ? slot->n_channels : 0,
                                          .index_bytes = has_index ? slot->indexes.n : 0,
                                          .compression = compression,
                                          .n_stored = bytes->n,
                                          .n_records = slot->records.n};
    if (st == ET_OK)
        et__index_chunk(w, &entry);
    if (st == ET_OK && has_index)
        st = write_through(w, slot->indexes.p, slot->indexes.n, slot->indexes_crc, err);
    et_buf_clear(&slot->records);
    slot->n_marks = 0;
    slot->start_ns = slot->end_ns = 0; // of a chunk without messages
    return st == ET_OK ? et_buf_check(&w->chunk_indexes, "the index of chunks", err) : st;
}

/* ---- on the writer's thread ---- */

enum et_status et__feed_slot(struct et_mcap_writer *w, struct et_err *err)
{
    w->open->n_ids = w->n_ids;
    if (!w->is_running) {
        w->job = (struct et_pool_job){
            .window = w->n_slots, .work = work, .take = take, .ctx = w, .is_fed = true};
        const enum et_status st = et_pool_begin(w->options.pool, &w->job, err);
        if (st != ET_OK)
            return st;
        w->is_running = true;
    }
    const enum et_status st = et_pool_feed(w->options.pool, &w->job, w->n_fed, err);
    w->open = &w->slots[++w->n_fed % w->n_slots];
    return st;
}

enum et_status et__end_slots(struct et_mcap_writer *w, struct et_err *err)
{
    if (!w->is_running)
        return ET_OK;
    w->is_running = false;
    w->n_fed = 0;
    w->open = w->slots;
    return et_pool_end(w->options.pool, &w->job, err);
}
