#include "format/mcap/mcap__writer.h"

#include <stdlib.h>

#define OUT_BYTES ((size_t)1 << 18) // that gather before they are written
#define FILL_MIN 32                 // a block of less cannot hold a record
#define INDEX_BYTES_MAX ((size_t)2 << 30)
#define CHUNK_BYTES ((size_t)1 << 20)
#define SLOTS_MORE 2 // than threads: one is filled, one waits to be worked
#define LIBRARY "libetude " ET_VERSION

/* ---- failures ---- */

// After the disk or memory has failed, every call says so again.
static enum et_status check(struct et_mcap_writer *w, enum et_status st, struct et_err *err)
{
    if (st == ET_OK || st == ET_EARG)
        return st;
    w->is_broken = true;
    w->trouble = err ? *err : (struct et_err){.status = st, .at = -1};
    return st;
}

static enum et_status is_fit(const struct et_mcap_writer *w, struct et_err *err)
{
    if (!w->is_broken)
        return ET_OK;
    return et_fail(err, w->trouble.status, w->trouble.at, "%s: writing has failed before: %.200s",
                   w->path, w->trouble.text);
}

enum et_status et__write_bytes(struct et_mcap_writer *w, const void *p, size_t n,
                               struct et_err *err)
{
    if (n == 0)
        return ET_OK;
    return w->options.sink.put ? w->options.sink.put(w->options.sink.ctx, p, n, err)
                               : et_file_write_at(w->file, w->n_written, p, n, err);
}

static enum et_status sync_file(struct et_mcap_writer *w, struct et_err *err)
{
    return w->file && w->options.should_sync ? et_file_sync(w->file, err) : ET_OK;
}

enum et_status et__write_out(struct et_mcap_writer *w, struct et_err *err)
{
    enum et_status st = et_buf_check(&w->out, "records that wait", err);
    if (st == ET_OK)
        st = et__write_bytes(w, w->out.p, w->out.n, err);
    if (st != ET_OK)
        return st;
    w->crc = et__mcap_crc(w->crc, w->out.p, w->out.n);
    w->n_written += (int64_t)w->out.n;
    et_buf_clear(&w->out);
    return ET_OK;
}

static enum et_status write_when_much(struct et_mcap_writer *w, struct et_err *err)
{
    return w->out.n >= OUT_BYTES || w->out.status != ET_OK ? et__write_out(w, err) : ET_OK;
}

// After what went to `target`: a full chunk ends elsewhere.
static enum et_status write_target(struct et_mcap_writer *w, struct et_err *err)
{
    return w->options.without_chunks ? write_when_much(w, err) : ET_OK;
}

/* ---- opening ---- */

static enum et_status make(struct et_mcap_writer *w, const char *path, struct et_err *err)
{
    struct et_mcap_write_options *o = &w->options;
    w->n_threads = o->pool ? et_pool_threads(o->pool) : 1;
    w->n_slots = w->n_threads > 1 ? w->n_threads + SLOTS_MORE : 1;
    w->slots = calloc(w->n_slots, sizeof *w->slots);
    w->open = w->slots;
    w->encoders = calloc(w->n_threads, sizeof(struct et__mcap_encoder *));
    w->of_channel = malloc(ET_MCAP_CHANNELS_MAX * sizeof *w->of_channel);
    w->of_schema = malloc(ET_MCAP_CHANNELS_MAX * sizeof *w->of_schema);
    w->counts = calloc(ET_MCAP_CHANNELS_MAX, sizeof *w->counts);
    if (!w->slots || !w->encoders || !w->of_channel || !w->of_schema || !w->counts)
        return et_fail(err, ET_ENOMEM, -1, "no memory for writing an MCAP file");
    memset(w->of_channel, 0xff, ET_MCAP_CHANNELS_MAX * sizeof *w->of_channel);
    memset(w->of_schema, 0xff, ET_MCAP_CHANNELS_MAX * sizeof *w->of_schema);
    for (size_t i = 0; i < w->n_slots; i++) {
        w->slots[i].records = et_buf(2 * ET_MCAP_CHUNK_BYTES_MAX);
        w->slots[i].stored = et_buf(4 * ET_MCAP_CHUNK_BYTES_MAX);
        w->slots[i].indexes = et_buf(4 * ET_MCAP_CHUNK_BYTES_MAX);
    }
    w->out = et_buf(4 * ET_MCAP_CHUNK_BYTES_MAX);
    w->chunk_indexes = et_buf(INDEX_BYTES_MAX);
    w->attachment_indexes = et_buf(INDEX_BYTES_MAX);
    w->metadata_indexes = et_buf(INDEX_BYTES_MAX);
    const enum et_status st = et_arena_open(&w->arena, INDEX_BYTES_MAX, err);
    w->path = st == ET_OK ? et_arena_copy(w->arena, path, strlen(path)) : NULL;
    return st != ET_OK || w->path ? st : et_arena_fail(w->arena, "a path", err);
}

static void put_header(struct et_mcap_writer *w)
{
    et_buf_put(&w->out, ET__MCAP_MAGIC, ET__MCAP_MAGIC_BYTES);
    const size_t begin = et__mcap_record_begin(&w->out, ET_MCAP_HEADER);
    et__mcap_put_text(&w->out, w->options.profile);
    et__mcap_put_text(&w->out, w->options.library);
    et__mcap_record_end(&w->out, begin, w->options.with_padding);
}

enum et_status et__mcap_writer_make(struct et_mcap_writer **writer, const char *path,
                                    const struct et_mcap_write_options *options, struct et_err *err)
{
    *writer = NULL;
    struct et_mcap_writer *w = calloc(1, sizeof *w);
    if (!w)
        return et_fail(err, ET_ENOMEM, -1, "no memory for writing an MCAP file");
    if (options)
        w->options = *options;
    if (!w->options.library.p)
        w->options.library = ET_STR(LIBRARY);
    if (w->options.chunk_bytes == 0)
        w->options.chunk_bytes = CHUNK_BYTES;
    enum et_status st = ET_OK;
    if (w->options.chunk_bytes > ET_MCAP_CHUNK_BYTES_MAX || w->options.level < 0 ||
        w->options.level > 19 || !et_str_is_utf8(w->options.profile) ||
        !et_str_is_utf8(w->options.library))
        st = et_fail(err, ET_EARG, -1, "%.200s: options out of range", path);
    if (st == ET_OK)
        st = make(w, path, err);
    if (st == ET_OK)
        *writer = w;
    else
        et_mcap_writer_close(w);
    return st;
}

enum et_status et_mcap_create(struct et_mcap_writer **writer, const char *path,
                              const struct et_mcap_write_options *options, struct et_err *err)
{
    enum et_status st = et__mcap_writer_make(writer, path, options, err);
    struct et_mcap_writer *w = *writer;
    if (st == ET_OK && !w->options.sink.put)
        st = et_file_open(&w->file, path, ET_FILE_CREATE, err);
    if (st == ET_OK) {
        put_header(w);
        st = et__write_out(w, err);
    }
    if (st != ET_OK) {
        et_mcap_writer_close(w);
        *writer = NULL;
    }
    return st;
}

void et_mcap_writer_close(struct et_mcap_writer *w)
{
    if (!w)
        return;
    const enum et_status ended = et__end_slots(w, NULL); // threads may be at work on its memory
    (void)ended;
    for (size_t i = 0; w->slots && i < w->n_slots; i++) {
        et_buf_free(&w->slots[i].records);
        et_buf_free(&w->slots[i].stored);
        et_buf_free(&w->slots[i].indexes);
        free(w->slots[i].marks);
        free(w->slots[i].channels);
        free(w->slots[i].index_ats);
    }
    for (size_t i = 0; w->encoders && i < w->n_threads; i++)
        et__mcap_encoder_close(w->encoders[i]);
    et_buf_free(&w->out);
    et_buf_free(&w->chunk_indexes);
    et_buf_free(&w->attachment_indexes);
    et_buf_free(&w->metadata_indexes);
    free(w->slots);
    free(w->encoders);
    free(w->of_channel);
    free(w->of_schema);
    free(w->counts);
    et_arena_close(w->arena);
    et_file_close(w->file);
    free(w);
}

int64_t et_mcap_writer_bytes(const struct et_mcap_writer *w)
{
    return w->n_written + (w->is_running ? 0 : (int64_t)w->out.n);
}

/* ---- chunks ---- */

// Where schemas, channels and messages go: the open chunk, or the file.
static struct et_buf *target(struct et_mcap_writer *w)
{
    return w->options.without_chunks ? &w->out : &w->open->records;
}

// The open chunk is full, or must be closed.
static enum et_status end_chunk(struct et_mcap_writer *w, struct et_err *err)
{
    const struct et__slot *slot = w->open;
    const enum et_status st = et_buf_check(&slot->records, "a chunk", err);
    if (st != ET_OK)
        return st;
    return slot->records.n > 0 ? et__feed_slot(w, err) : ET_OK;
}

static enum et_status end_chunks(struct et_mcap_writer *w, struct et_err *err)
{
    const enum et_status st = w->options.without_chunks ? ET_OK : end_chunk(w, err);
    return st == ET_OK ? et__end_slots(w, err) : st;
}

/* ---- schemas and channels ---- */

static struct et_str copy(struct et_arena *arena, struct et_str text, bool *is_full)
{
    const char *p = et_arena_copy(arena, text.n ? text.p : "", text.n);
    *is_full = *is_full || !p;
    return (struct et_str){p, text.n};
}

static void *grow(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    void *grown = et_arena_array(arena, 2 * *cap + 16, size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, items, n * size);
    *cap = 2 * *cap + 16;
    return grown;
}

static bool is_same_schema(const struct et_mcap_schema *a, const struct et_mcap_schema *b)
{
    return et_str_eq(a->name, b->name) && et_str_eq(a->encoding, b->encoding) &&
           et_str_eq(a->data, b->data);
}

enum et_status et__keep_schema(struct et_mcap_writer *w, const struct et_mcap_schema *schema,
                               struct et_err *err)
{
    if (schema->id == 0 || !et_str_is_utf8(schema->name) || !et_str_is_utf8(schema->encoding) ||
        schema->data.n > ET_MCAP_CHUNK_BYTES_MAX / 2)
        return et_fail(err, ET_EARG, schema->id, "schema %u: no schema can be like that",
                       schema->id);
    const int32_t place = w->of_schema[schema->id];
    if (place >= 0)
        return is_same_schema(&w->schemas[place], schema)
                   ? ET_END
                   : et_fail(err, ET_EARG, schema->id, "schema %u is another one already",
                             schema->id);
    struct et_mcap_schema *grown =
        grow(w->arena, w->schemas, w->n_schemas, &w->cap_schemas, sizeof *grown);
    bool is_full = !grown;
    if (!is_full) {
        w->schemas = grown;
        grown[w->n_schemas] =
            (struct et_mcap_schema){.id = schema->id,
                                    .name = copy(w->arena, schema->name, &is_full),
                                    .encoding = copy(w->arena, schema->encoding, &is_full),
                                    .data = copy(w->arena, schema->data, &is_full)};
    }
    if (is_full)
        return check(w, et_arena_fail(w->arena, "the schemas", err), err);
    w->of_schema[schema->id] = (int32_t)w->n_schemas++;
    return ET_OK;
}

enum et_status et_mcap_add_schema(struct et_mcap_writer *w, const struct et_mcap_schema *schema,
                                  struct et_err *err)
{
    enum et_status st = is_fit(w, err);
    if (st == ET_OK)
        st = et__keep_schema(w, schema, err);
    if (st != ET_OK)
        return st == ET_END ? ET_OK : st;
    et__mcap_put_schema(target(w), schema, w->options.with_padding && w->options.without_chunks);
    st = write_target(w, err);
    return check(w, st, err);
}

static bool is_same_channel(const struct et_mcap_channel *a, const struct et_mcap_channel *b)
{
    bool is_same = a->schema_id == b->schema_id && et_str_eq(a->topic, b->topic) &&
                   et_str_eq(a->encoding, b->encoding) && a->n_metadata == b->n_metadata;
    for (size_t i = 0; is_same && i < a->n_metadata; i++)
        is_same = et_str_eq(a->metadata[i].key, b->metadata[i].key) &&
                  et_str_eq(a->metadata[i].value, b->metadata[i].value);
    return is_same;
}

static bool is_channel(const struct et_mcap_writer *w, const struct et_mcap_channel *channel)
{
    bool is_good = et_str_is_utf8(channel->topic) && et_str_is_utf8(channel->encoding) &&
                   (channel->schema_id == 0 || w->of_schema[channel->schema_id] >= 0) &&
                   channel->n_metadata <= ET__MCAP_PAIRS_MAX;
    size_t n_bytes = channel->topic.n + channel->encoding.n;
    for (size_t i = 0; is_good && i < channel->n_metadata; i++) {
        n_bytes += channel->metadata[i].key.n + channel->metadata[i].value.n;
        is_good = et_str_is_utf8(channel->metadata[i].key) &&
                  et_str_is_utf8(channel->metadata[i].value) &&
                  n_bytes < ET_MCAP_CHUNK_BYTES_MAX / 2;
    }
    return is_good && n_bytes < ET_MCAP_CHUNK_BYTES_MAX / 2;
}

enum et_status et__keep_channel(struct et_mcap_writer *w, const struct et_mcap_channel *channel,
                                struct et_err *err)
{
    if (!is_channel(w, channel))
        return et_fail(err, ET_EARG, channel->id,
                       "channel %u: a text that is no UTF-8, or a schema that is not there",
                       channel->id);
    const int32_t place = w->of_channel[channel->id];
    if (place >= 0)
        return is_same_channel(&w->channels[place], channel)
                   ? ET_END
                   : et_fail(err, ET_EARG, channel->id, "channel %u is another one already",
                             channel->id);
    struct et_mcap_channel *grown =
        grow(w->arena, w->channels, w->n_channels, &w->cap_channels, sizeof *grown);
    struct et_mcap_pair *pairs = et_arena_array(w->arena, channel->n_metadata, sizeof *pairs);
    bool is_full = !grown || !pairs;
    for (size_t i = 0; !is_full && i < channel->n_metadata; i++) {
        pairs[i].key = copy(w->arena, channel->metadata[i].key, &is_full);
        pairs[i].value = copy(w->arena, channel->metadata[i].value, &is_full);
    }
    if (!is_full) {
        w->channels = grown;
        grown[w->n_channels] = *channel;
        grown[w->n_channels].topic = copy(w->arena, channel->topic, &is_full);
        grown[w->n_channels].encoding = copy(w->arena, channel->encoding, &is_full);
        grown[w->n_channels].metadata = pairs;
    }
    if (is_full)
        return check(w, et_arena_fail(w->arena, "the channels", err), err);
    w->of_channel[channel->id] = (int32_t)w->n_channels++;
    w->n_ids = channel->id >= w->n_ids ? (size_t)channel->id + 1 : w->n_ids;
    return ET_OK;
}

enum et_status et_mcap_add_channel(struct et_mcap_writer *w, const struct et_mcap_channel *channel,
                                   struct et_err *err)
{
    enum et_status st = is_fit(w, err);
    if (st == ET_OK)
        st = et__keep_channel(w, channel, err);
    if (st != ET_OK)
        return st == ET_END ? ET_OK : st;
    et__mcap_put_channel(target(w), channel, w->options.with_padding && w->options.without_chunks);
    st = write_target(w, err);
    return check(w, st, err);
}

/* ---- messages ---- */

// The record, in one piece.
static char *put_message(char *to, const struct et_mcap_message *message)
{
    const uint64_t n = ET__MCAP_MESSAGE_BYTES + message->data.n;
    to[0] = ET_MCAP_MESSAGE;
    memcpy(to + 1, &n, 8);
    memcpy(to + 9, &message->channel_id, 2);
    memcpy(to + 11, &message->sequence, 4);
    memcpy(to + 15, &message->log_time_ns, 8);
    memcpy(to + 23, &message->publish_time_ns, 8);
    if (message->data.n)
        memcpy(to + 31, message->data.p, message->data.n);
    return to + 31 + message->data.n;
}

static bool make_room(struct et__slot *slot)
{
    if (slot->n_marks < slot->cap_marks)
        return true;
    const size_t cap = 2 * slot->cap_marks + 1024;
    struct et__mark *grown =
        et__mcap_regrow(slot->marks, slot->n_marks * sizeof *grown, cap * sizeof *grown);
    if (!grown)
        return false;
    slot->marks = grown;
    slot->cap_marks = cap;
    return true;
}

bool et__mark_message(struct et__slot *slot, int64_t t_ns, uint32_t offset, uint16_t channel_id)
{
    if (!make_room(slot))
        return false;
    slot->start_ns = slot->n_marks == 0 || t_ns < slot->start_ns ? t_ns : slot->start_ns;
    slot->end_ns = slot->n_marks == 0 || t_ns > slot->end_ns ? t_ns : slot->end_ns;
    slot->marks[slot->n_marks++] = (struct et__mark){t_ns, offset, channel_id};
    return true;
}

void et__count_message(struct et_mcap_writer *w, uint16_t channel_id, int64_t t_ns)
{
    w->start_ns = w->n_messages == 0 || t_ns < w->start_ns ? t_ns : w->start_ns;
    w->end_ns = w->n_messages == 0 || t_ns > w->end_ns ? t_ns : w->end_ns;
    w->n_messages++;
    w->counts[channel_id]++;
}

enum et_status et_mcap_write(struct et_mcap_writer *w, const struct et_mcap_message *message,
                             struct et_err *err)
{
    enum et_status st = is_fit(w, err);
    if (st != ET_OK)
        return st;
    const int64_t t_ns = message->log_time_ns;
    if (w->of_channel[message->channel_id] < 0 || t_ns < 0 || message->publish_time_ns < 0 ||
        message->data.n > ET_MCAP_CHUNK_BYTES_MAX / 2)
        return et_fail(err, ET_EARG, message->channel_id,
                       "channel %u: it is not there, or a time below 0, or a message of %zu bytes",
                       message->channel_id, message->data.n);
    struct et__slot *slot = w->open;
    struct et_buf *buf = target(w);
    const size_t begin = buf->n, n_bytes = 31 + message->data.n;
    char *to = et_buf_reserve(buf, n_bytes);
    if (!to || (!w->options.without_chunks &&
                !et__mark_message(slot, t_ns, (uint32_t)begin, message->channel_id)))
        return check(w, et_fail(err, ET_ENOMEM, -1, "no memory for a chunk"), err);
    (void)put_message(to, message);
    buf->n += n_bytes;
    et__count_message(w, message->channel_id, t_ns);
    if (w->options.without_chunks)
        return check(w, write_when_much(w, err), err);
    return buf->n >= w->options.chunk_bytes ? check(w, end_chunk(w, err), err) : ET_OK;
}

/* ---- attachments and metadata ---- */

static uint64_t place_of(const struct et_mcap_writer *w)
{
    return (uint64_t)w->n_written + w->out.n;
}

void et__index_attachment(struct et_mcap_writer *w, const struct et_mcap_attachment *a, uint64_t at,
                          uint64_t n_bytes)
{
    struct et_buf *index = &w->attachment_indexes;
    const size_t entry = et__mcap_record_begin(index, ET_MCAP_ATTACHMENT_INDEX);
    et__mcap_put_uint(index, at, 8);
    et__mcap_put_uint(index, n_bytes, 8);
    et__mcap_put_uint(index, (uint64_t)a->log_time_ns, 8);
    et__mcap_put_uint(index, (uint64_t)a->create_time_ns, 8);
    et__mcap_put_uint(index, a->data.n, 8);
    et__mcap_put_text(index, a->name);
    et__mcap_put_text(index, a->media_type);
    et__mcap_record_end(index, entry, w->options.with_padding);
    w->n_attachments++;
}

void et__index_metadata(struct et_mcap_writer *w, struct et_str name, uint64_t at, uint64_t n_bytes)
{
    const size_t entry = et__mcap_record_begin(&w->metadata_indexes, ET_MCAP_METADATA_INDEX);
    et__mcap_put_uint(&w->metadata_indexes, at, 8);
    et__mcap_put_uint(&w->metadata_indexes, n_bytes, 8);
    et__mcap_put_text(&w->metadata_indexes, name);
    et__mcap_record_end(&w->metadata_indexes, entry, w->options.with_padding);
    w->n_metadata++;
}

static void put_attachment(struct et_mcap_writer *w, const struct et_mcap_attachment *a)
{
    const uint64_t at = place_of(w);
    const size_t begin = et__mcap_record_begin(&w->out, ET_MCAP_ATTACHMENT);
    et__mcap_put_uint(&w->out, (uint64_t)a->log_time_ns, 8);
    et__mcap_put_uint(&w->out, (uint64_t)a->create_time_ns, 8);
    et__mcap_put_text(&w->out, a->name);
    et__mcap_put_text(&w->out, a->media_type);
    et__mcap_put_uint(&w->out, a->data.n, 8);
    et_buf_putstr(&w->out, a->data);
    const size_t first = begin + ET__MCAP_HEAD_BYTES;
    if (w->out.status == ET_OK)
        et__mcap_put_uint(&w->out, et__mcap_crc(0, w->out.p + first, w->out.n - first), 4);
    et__mcap_record_end(&w->out, begin, w->options.with_padding);
    et__index_attachment(w, a, at, w->out.n - begin);
}

enum et_status et_mcap_write_attachment(struct et_mcap_writer *w,
                                        const struct et_mcap_attachment *attachment,
                                        struct et_err *err)
{
    enum et_status st = is_fit(w, err);
    if (st != ET_OK)
        return st;
    if (attachment->log_time_ns < 0 || attachment->create_time_ns < 0 ||
        !et_str_is_utf8(attachment->name) || !et_str_is_utf8(attachment->media_type) ||
        attachment->data.n > ET_MCAP_CHUNK_BYTES_MAX / 2)
        return et_fail(err, ET_EARG, -1, "an attachment that cannot be");
    st = end_chunks(w, err);
    if (st == ET_OK) {
        put_attachment(w, attachment);
        st = write_when_much(w, err);
    }
    return check(w, st, err);
}

enum et_status et_mcap_write_metadata(struct et_mcap_writer *w,
                                      const struct et_mcap_metadata *metadata, struct et_err *err)
{
    enum et_status st = is_fit(w, err);
    if (st != ET_OK)
        return st;
    bool is_good = et_str_is_utf8(metadata->name) && metadata->n_pairs <= ET__MCAP_PAIRS_MAX;
    for (size_t i = 0; is_good && i < metadata->n_pairs; i++)
        is_good =
            et_str_is_utf8(metadata->pairs[i].key) && et_str_is_utf8(metadata->pairs[i].value);
    if (!is_good)
        return et_fail(err, ET_EARG, -1, "metadata with a text that is no UTF-8");
    st = end_chunks(w, err);
    if (st != ET_OK)
        return check(w, st, err);
    const uint64_t at = place_of(w);
    const size_t begin = et__mcap_record_begin(&w->out, ET_MCAP_METADATA);
    et__mcap_put_text(&w->out, metadata->name);
    et__mcap_put_pairs(&w->out, metadata->pairs, metadata->n_pairs);
    et__mcap_record_end(&w->out, begin, w->options.with_padding);
    et__index_metadata(w, metadata->name, at, w->out.n - begin);
    return check(w, write_when_much(w, err), err);
}

enum et_status et_mcap_flush(struct et_mcap_writer *w, struct et_err *err)
{
    enum et_status st = is_fit(w, err);
    if (st == ET_OK)
        st = end_chunks(w, err);
    if (st == ET_OK)
        st = et__write_out(w, err);
    if (st == ET_OK)
        st = sync_file(w, err);
    return check(w, st, err);
}

enum et_status et_mcap_fill(struct et_mcap_writer *w, size_t n, struct et_err *err)
{
    if (n < FILL_MIN || (n & (n - 1)) != 0)
        return et_fail(err, ET_EARG, -1, "%s: filled up to a multiple of %zu bytes", w->path, n);
    enum et_status st = et_mcap_flush(w, err);
    const size_t n_over = (size_t)w->n_written & (n - 1);
    if (st != ET_OK || n_over == 0)
        return st;
    size_t n_left = n - n_over;
    n_left += n_left < ET__MCAP_HEAD_BYTES ? n : 0;
    const size_t begin = et__mcap_record_begin(&w->out, ET_MCAP_FILLER);
    char *zeros = et_buf_reserve(&w->out, n_left - ET__MCAP_HEAD_BYTES);
    if (zeros) {
        memset(zeros, 0, n_left - ET__MCAP_HEAD_BYTES);
        w->out.n += n_left - ET__MCAP_HEAD_BYTES;
    }
    et__mcap_record_end(&w->out, begin, false);
    return check(w, et__write_out(w, err), err);
}

/* ---- the end ---- */

static void put_statistics(struct et_mcap_writer *w)
{
    struct et_buf *buf = &w->out;
    size_t n_counts = 0;
    for (size_t i = 0; i < w->n_ids; i++)
        n_counts += w->counts[i] > 0;
    const size_t begin = et__mcap_record_begin(buf, ET_MCAP_STATISTICS);
    et__mcap_put_uint(buf, w->n_messages, 8);
    et__mcap_put_uint(buf, w->n_schemas, 2);
    et__mcap_put_uint(buf, w->n_channels, 4);
    et__mcap_put_uint(buf, w->n_attachments, 4);
    et__mcap_put_uint(buf, w->n_metadata, 4);
    et__mcap_put_uint(buf, w->n_chunks, 4);
    et__mcap_put_uint(buf, (uint64_t)w->start_ns, 8);
    et__mcap_put_uint(buf, (uint64_t)w->end_ns, 8);
    et__mcap_put_uint(buf, n_counts * 10, 4);
    for (size_t i = 0; i < w->n_ids; i++) {
        if (w->counts[i] == 0)
            continue;
        et__mcap_put_uint(buf, i, 2);
        et__mcap_put_uint(buf, w->counts[i], 8);
    }
    et__mcap_record_end(buf, begin, w->options.with_padding);
}

/* A group of the summary: what was put since `at`. */
static void end_group(const struct et_mcap_writer *w, struct et__group *groups, size_t *n, int op,
                      uint64_t at)
{
    if (place_of(w) > at)
        groups[(*n)++] = (struct et__group){(int64_t)at, (int64_t)(place_of(w) - at), op};
}

enum { N_GROUPS_MAX = 6 };

static void put_summary(struct et_mcap_writer *w, struct et__group *groups, size_t *n)
{
    const struct et_mcap_write_options *o = &w->options;
    uint64_t at = place_of(w);
    for (size_t i = 0; !o->without_schemas && i < w->n_schemas; i++)
        et__mcap_put_schema(&w->out, &w->schemas[i], o->with_padding);
    end_group(w, groups, n, ET_MCAP_SCHEMA, at);
    at = place_of(w);
    for (size_t i = 0; !o->without_channels && i < w->n_channels; i++)
        et__mcap_put_channel(&w->out, &w->channels[i], o->with_padding);
    end_group(w, groups, n, ET_MCAP_CHANNEL, at);
    at = place_of(w);
    if (!o->without_statistics)
        put_statistics(w);
    end_group(w, groups, n, ET_MCAP_STATISTICS, at);
    const struct {
        const struct et_buf *bytes;
        int op;
        bool is_left_out;
    } INDEXES[] = {
        {&w->chunk_indexes, ET_MCAP_CHUNK_INDEX, o->without_chunk_index},
        {&w->attachment_indexes, ET_MCAP_ATTACHMENT_INDEX, o->without_attachment_index},
        {&w->metadata_indexes, ET_MCAP_METADATA_INDEX, o->without_metadata_index},
    };
    for (size_t i = 0; i < 3; i++) {
        at = place_of(w);
        if (!INDEXES[i].is_left_out)
            et_buf_putstr(&w->out, et_buf_str(INDEXES[i].bytes));
        end_group(w, groups, n, INDEXES[i].op, at);
    }
}

static enum et_status put_end(struct et_mcap_writer *w, struct et_err *err)
{
    struct et__group groups[N_GROUPS_MAX];
    size_t n_groups = 0;
    // The data's CRC is over everything before this record.
    enum et_status st = et__write_out(w, err);
    if (st != ET_OK)
        return st;
    const size_t begin = et__mcap_record_begin(&w->out, ET_MCAP_DATA_END);
    et__mcap_put_uint(&w->out, w->crc, 4);
    et__mcap_record_end(&w->out, begin, false);
    st = et__write_out(w, err);
    if (st != ET_OK)
        return st;
    const int64_t summary_at = w->n_written;
    put_summary(w, groups, &n_groups);
    const int64_t offsets_at = (int64_t)place_of(w);
    for (size_t i = 0; !w->options.without_summary_offsets && i < n_groups; i++) {
        const size_t record = et__mcap_record_begin(&w->out, ET_MCAP_SUMMARY_OFFSET);
        et__mcap_put_uint(&w->out, (uint64_t)groups[i].op, 1);
        et__mcap_put_uint(&w->out, (uint64_t)groups[i].at, 8);
        et__mcap_put_uint(&w->out, (uint64_t)groups[i].n_bytes, 8);
        et__mcap_record_end(&w->out, record, w->options.with_padding);
    }
    const bool has_offsets = !w->options.without_summary_offsets && n_groups > 0;
    const size_t footer = et__mcap_record_begin(&w->out, ET_MCAP_FOOTER);
    et__mcap_put_uint(&w->out, n_groups ? (uint64_t)summary_at : 0, 8);
    et__mcap_put_uint(&w->out, has_offsets ? (uint64_t)offsets_at : 0, 8);
    const uint64_t n_content = 20;
    if (w->out.status == ET_OK)
        memcpy(w->out.p + footer + 1, &n_content, 8);
    et__mcap_put_uint(&w->out, et__mcap_crc(0, w->out.p, w->out.n), 4);
    et_buf_put(&w->out, ET__MCAP_MAGIC, ET__MCAP_MAGIC_BYTES);
    return et__write_out(w, err);
}

enum et_status et_mcap_finish(struct et_mcap_writer *w, struct et_err *err)
{
    enum et_status st = is_fit(w, err);
    if (st == ET_OK)
        st = end_chunks(w, err);
    if (st == ET_OK)
        st = et_buf_check(&w->chunk_indexes, "the index of chunks", err);
    if (st == ET_OK)
        st = et_buf_check(&w->attachment_indexes, "the index of attachments", err);
    if (st == ET_OK)
        st = et_buf_check(&w->metadata_indexes, "the index of metadata", err);
    if (st == ET_OK)
        st = put_end(w, err);
    if (st == ET_OK)
        st = sync_file(w, err);
    et_mcap_writer_close(w);
    return st;
}
