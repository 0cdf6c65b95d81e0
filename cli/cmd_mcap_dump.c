/* etude mcap dump-json: a file's records as JSON, in the form of the official conformance cases
 * (every integer a decimal string, fields as sorted pairs). */
#include "cli.h"

#include "etude/mcap_scan.h"

#define BUFFER_BYTES ((size_t)4 << 30)
#define FLUSH_BYTES ((size_t)1 << 20)

/* ---- out ---- */

struct dump {
    const struct cli_args *args;
    struct et_buf buf;
    struct et_json_writer w;
};

static void field_uint(struct et_json_writer *w, const char *name, uint64_t x)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)x);
    et_json_open_list(w);
    et_json_text(w, name);
    et_json_text(w, text);
    et_json_close_list(w);
}

static void field_text(struct et_json_writer *w, const char *name, struct et_str text)
{
    et_json_open_list(w);
    et_json_text(w, name);
    et_json_str(w, text);
    et_json_close_list(w);
}

static void field_bytes(struct et_json_writer *w, const char *name, struct et_str bytes)
{
    char text[4];
    et_json_open_list(w);
    et_json_text(w, name);
    et_json_open_list(w);
    for (size_t i = 0; i < bytes.n; i++) {
        (void)snprintf(text, sizeof text, "%u", (unsigned char)bytes.p[i]);
        et_json_text(w, text);
    }
    et_json_close_list(w);
    et_json_close_list(w);
}

static void field_pairs(struct et_json_writer *w, const char *name,
                        const struct et_mcap_pair *pairs, size_t n)
{
    et_json_open_list(w);
    et_json_text(w, name);
    et_json_open_map(w);
    for (size_t i = 0; i < n; i++) {
        et_json_key_str(w, pairs[i].key);
        et_json_str(w, pairs[i].value);
    }
    et_json_close_map(w);
    et_json_close_list(w);
}

static void field_counts(struct et_json_writer *w, const char *name, const uint16_t *keys,
                         const uint64_t *values, size_t n)
{
    char key[8], value[24];
    et_json_open_list(w);
    et_json_text(w, name);
    et_json_open_map(w);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(key, sizeof key, "%u", keys[i]);
        (void)snprintf(value, sizeof value, "%llu", (unsigned long long)values[i]);
        et_json_key(w, key);
        et_json_text(w, value);
    }
    et_json_close_map(w);
    et_json_close_list(w);
}

static void put_schema(struct et_json_writer *w, const struct et_mcap_schema *schema)
{
    field_bytes(w, "data", schema->data);
    field_text(w, "encoding", schema->encoding);
    field_uint(w, "id", schema->id);
    field_text(w, "name", schema->name);
}

static void put_channel(struct et_json_writer *w, const struct et_mcap_channel *channel)
{
    field_uint(w, "id", channel->id);
    field_text(w, "message_encoding", channel->encoding);
    field_pairs(w, "metadata", channel->metadata, channel->n_metadata);
    field_uint(w, "schema_id", channel->schema_id);
    field_text(w, "topic", channel->topic);
}

static void put_message(struct et_json_writer *w, const struct et_mcap_message *message)
{
    field_uint(w, "channel_id", message->channel_id);
    field_bytes(w, "data", message->data);
    field_uint(w, "log_time", (uint64_t)message->log_time_ns);
    field_uint(w, "publish_time", (uint64_t)message->publish_time_ns);
    field_uint(w, "sequence", message->sequence);
}

static void put_statistics(struct et_json_writer *w, const struct et_mcap_record *r)
{
    field_uint(w, "attachment_count", r->as.statistics.n_attachments);
    field_uint(w, "channel_count", r->as.statistics.n_channels);
    field_counts(w, "channel_message_counts", r->as.statistics.channels, r->as.statistics.counts,
                 r->as.statistics.n_counts);
    field_uint(w, "chunk_count", r->as.statistics.n_chunks);
    field_uint(w, "message_count", r->as.statistics.n_messages);
    field_uint(w, "message_end_time", (uint64_t)r->as.statistics.end_ns);
    field_uint(w, "message_start_time", (uint64_t)r->as.statistics.start_ns);
    field_uint(w, "metadata_count", r->as.statistics.n_metadata);
    field_uint(w, "schema_count", r->as.statistics.n_schemas);
}

static void put_chunk_index(struct et_json_writer *w, const struct et_mcap_record *r)
{
    field_uint(w, "chunk_length", r->as.chunk_index.chunk_bytes);
    field_uint(w, "chunk_start_offset", r->as.chunk_index.chunk_at);
    field_uint(w, "compressed_size", r->as.chunk_index.n_stored);
    field_text(w, "compression", r->as.chunk_index.compression);
    field_uint(w, "message_end_time", (uint64_t)r->as.chunk_index.end_ns);
    field_uint(w, "message_index_length", r->as.chunk_index.index_bytes);
    field_counts(w, "message_index_offsets", r->as.chunk_index.index_channels,
                 r->as.chunk_index.index_ats, r->as.chunk_index.n_indexes);
    field_uint(w, "message_start_time", (uint64_t)r->as.chunk_index.start_ns);
    field_uint(w, "uncompressed_size", r->as.chunk_index.n_bytes);
}

static void put_attachment_index(struct et_json_writer *w, const struct et_mcap_record *r)
{
    field_uint(w, "create_time", (uint64_t)r->as.attachment_index.create_time_ns);
    field_uint(w, "data_size", r->as.attachment_index.data_bytes);
    field_uint(w, "length", r->as.attachment_index.n_bytes);
    field_uint(w, "log_time", (uint64_t)r->as.attachment_index.log_time_ns);
    field_text(w, "media_type", r->as.attachment_index.media_type);
    field_text(w, "name", r->as.attachment_index.name);
    field_uint(w, "offset", r->as.attachment_index.at);
}

static void put_other(struct et_json_writer *w, const struct et_mcap_record *r)
{
    if (r->op == ET_MCAP_HEADER) {
        field_text(w, "library", r->as.header.library);
        field_text(w, "profile", r->as.header.profile);
    } else if (r->op == ET_MCAP_FOOTER) {
        field_uint(w, "summary_crc", r->as.footer.crc);
        field_uint(w, "summary_offset_start", r->as.footer.offsets_at);
        field_uint(w, "summary_start", r->as.footer.summary_at);
    } else if (r->op == ET_MCAP_ATTACHMENT) {
        field_uint(w, "create_time", (uint64_t)r->as.attachment.create_time_ns);
        field_bytes(w, "data", r->as.attachment.data);
        field_uint(w, "log_time", (uint64_t)r->as.attachment.log_time_ns);
        field_text(w, "media_type", r->as.attachment.media_type);
        field_text(w, "name", r->as.attachment.name);
    } else if (r->op == ET_MCAP_METADATA) {
        field_pairs(w, "metadata", r->as.metadata.pairs, r->as.metadata.n_pairs);
        field_text(w, "name", r->as.metadata.name);
    } else if (r->op == ET_MCAP_METADATA_INDEX) {
        field_uint(w, "length", r->as.metadata_index.n_bytes);
        field_text(w, "name", r->as.metadata_index.name);
        field_uint(w, "offset", r->as.metadata_index.at);
    } else if (r->op == ET_MCAP_SUMMARY_OFFSET) {
        field_uint(w, "group_length", r->as.summary_offset.n_bytes);
        field_uint(w, "group_opcode", r->as.summary_offset.op);
        field_uint(w, "group_start", r->as.summary_offset.at);
    } else if (r->op == ET_MCAP_DATA_END) {
        field_uint(w, "data_section_crc", r->as.data_end.crc);
    }
}

static void put_record(struct et_json_writer *w, const struct et_mcap_record *r)
{
    et_json_open_map(w);
    et_json_put_text(w, "type", et_mcap_op_name(r->op));
    et_json_key(w, "fields");
    et_json_open_list(w);
    if (r->op == ET_MCAP_SCHEMA)
        put_schema(w, &r->as.schema);
    else if (r->op == ET_MCAP_CHANNEL)
        put_channel(w, &r->as.channel);
    else if (r->op == ET_MCAP_MESSAGE)
        put_message(w, &r->as.message);
    else if (r->op == ET_MCAP_STATISTICS)
        put_statistics(w, r);
    else if (r->op == ET_MCAP_CHUNK_INDEX)
        put_chunk_index(w, r);
    else if (r->op == ET_MCAP_ATTACHMENT_INDEX)
        put_attachment_index(w, r);
    else
        put_other(w, r);
    et_json_close_list(w);
    et_json_close_map(w);
}

// What was put so far goes out, so that a large file needs no memory.
static bool put_out(struct dump *d, size_t limit)
{
    if (d->buf.n < limit)
        return d->buf.status == ET_OK;
    const bool is_good =
        d->buf.status == ET_OK && fwrite(d->buf.p, 1, d->buf.n, stdout) == d->buf.n;
    et_buf_clear(&d->buf);
    return is_good;
}

static enum et_status dump_streamed(struct dump *d, const char *path, struct et_err *err)
{
    struct et_mcap_scan *scan = NULL;
    struct et_mcap_record record;
    enum et_status st = et_mcap_scan_open(&scan, path, err);
    if (st == ET_OK) {
        et_json_open_map(&d->w);
        et_json_key(&d->w, "records");
        et_json_open_list(&d->w);
    }
    while (st == ET_OK && (st = et_mcap_scan_next(scan, &record, err)) == ET_OK) {
        const bool is_shown = record.op != ET_MCAP_CHUNK_OP && record.op != ET_MCAP_MESSAGE_INDEX &&
                              record.op <= ET_MCAP_DATA_END;
        if (is_shown)
            put_record(&d->w, &record);
        if (!put_out(d, FLUSH_BYTES))
            st = et_fail(err, ET_EIO, -1, CLI_UNWRITTEN);
    }
    if (st == ET_END) {
        et_json_close_list(&d->w);
        et_json_close_map(&d->w);
    }
    et_mcap_scan_close(scan);
    return st == ET_END ? ET_OK : st;
}

/* The statistics record, which a reader keeps no copy of. */
static enum et_status find_statistics(const char *path, struct et_json_writer *w,
                                      struct et_err *err)
{
    struct et_mcap_scan *scan = NULL;
    struct et_mcap_record record;
    enum et_status st = et_mcap_scan_open(&scan, path, err);
    while (st == ET_OK && (st = et_mcap_scan_next(scan, &record, err)) == ET_OK)
        if (record.op == ET_MCAP_STATISTICS)
            put_record(w, &record);
    et_mcap_scan_close(scan);
    return st == ET_END ? ET_OK : st;
}

static enum et_status dump_indexed(struct dump *d, const char *path, struct et_err *err)
{
    struct et_mcap_reader *reader = NULL;
    enum et_status st = et_mcap_open(&reader, path, NULL, err);
    if (st != ET_OK)
        return st;
    const struct et_mcap_info *info = et_mcap_info(reader);
    struct et_mcap_record record = {.op = ET_MCAP_SCHEMA};
    et_json_open_map(&d->w);
    et_json_key(&d->w, "schemas");
    et_json_open_list(&d->w);
    for (size_t i = 0; i < info->n_schemas; i++) {
        record.as.schema = info->schemas[i];
        put_record(&d->w, &record);
    }
    et_json_close_list(&d->w);
    et_json_key(&d->w, "channels");
    et_json_open_list(&d->w);
    record.op = ET_MCAP_CHANNEL;
    for (size_t i = 0; i < info->n_channels; i++) {
        record.as.channel = info->channels[i];
        put_record(&d->w, &record);
    }
    et_json_close_list(&d->w);
    et_json_key(&d->w, "messages");
    et_json_open_list(&d->w);
    record.op = ET_MCAP_MESSAGE;
    while ((st = et_mcap_next(reader, &record.as.message, err)) == ET_OK) {
        put_record(&d->w, &record);
        if (!put_out(d, FLUSH_BYTES)) {
            st = et_fail(err, ET_EIO, -1, CLI_UNWRITTEN);
            break;
        }
    }
    et_json_close_list(&d->w);
    et_json_key(&d->w, "statistics");
    et_json_open_list(&d->w);
    if (st == ET_END)
        st = find_statistics(path, &d->w, err);
    et_json_close_list(&d->w);
    et_json_close_map(&d->w);
    for (size_t i = 0; i < info->n_remarks; i++)
        cli_problem(d->args, "%s", info->remarks[i].text);
    et_mcap_close(reader);
    return st;
}

int cmd_mcap_dump(const struct cli_args *args)
{
    struct et_err err = {0};
    struct dump d = {.args = args, .buf = et_buf(BUFFER_BYTES)};
    d.w.buf = &d.buf;
    enum et_status st = cli_has(args, "indexed") ? dump_indexed(&d, args->words[0], &err)
                                                 : dump_streamed(&d, args->words[0], &err);
    if (st == ET_OK) {
        et_buf_putc(&d.buf, '\n');
        if (!put_out(&d, 0))
            st = et_fail(&err, ET_EIO, -1, CLI_UNWRITTEN);
    } else {
        (void)put_out(&d, 0); // what was read before
    }
    et_buf_free(&d.buf);
    return st == ET_OK ? CLI_DONE : cli_fail(args, &err);
}
