#include "format/mcap/mcap__record.h"

#include <stdlib.h>

static const char *const NAMES[] = {
    NULL,       "Header",        "Footer",        "Schema",     "Channel",         "Message",
    "Chunk",    "MessageIndex",  "ChunkIndex",    "Attachment", "AttachmentIndex", "Statistics",
    "Metadata", "MetadataIndex", "SummaryOffset", "DataEnd",
};

const char *et_mcap_op_name(int op)
{
    return op >= ET_MCAP_HEADER && op <= ET_MCAP_DATA_END ? NAMES[op] : "a record";
}

void *et__mcap_regrow(void *old, size_t n_used, size_t n)
{
    void *grown = malloc(n);
    if (!grown)
        return NULL;
    if (n_used)
        memcpy(grown, old, n_used);
    free(old);
    return grown;
}

/* ---- fields ---- */

static const char *take(struct et__mcap_fields *f, uint64_t n, const char *what)
{
    const char *p = f->p;
    if (f->what)
        return NULL;
    if (n > (uint64_t)(f->end - f->p)) {
        f->what = what;
        return NULL;
    }
    f->p += n;
    return p;
}

uint64_t et__mcap_field_uint(struct et__mcap_fields *f, size_t n_bytes, const char *what)
{
    const char *p = take(f, n_bytes, what);
    uint64_t x = 0;
    if (p)
        memcpy(&x, p, n_bytes); // little-endian, as this machine
    return x;
}

int64_t et__mcap_field_time(struct et__mcap_fields *f, const char *what)
{
    const uint64_t t = et__mcap_field_uint(f, 8, what);
    if (t > INT64_MAX) {
        f->what = f->what ? f->what : what;
        return 0;
    }
    return (int64_t)t;
}

struct et_str et__mcap_field_bytes(struct et__mcap_fields *f, size_t n_length, const char *what)
{
    const uint64_t n = et__mcap_field_uint(f, n_length, what);
    const char *p = take(f, n, what);
    return p ? (struct et_str){p, (size_t)n} : (struct et_str){NULL, 0};
}

struct et_str et__mcap_field_text(struct et__mcap_fields *f, const char *what)
{
    const struct et_str text = et__mcap_field_bytes(f, 4, what);
    if (!f->what && !et_str_is_utf8(text))
        f->what = what;
    return text;
}

/* A map of texts, into the arena. */
static enum et_status take_pairs(struct et__mcap_fields *f, struct et_arena *arena,
                                 const char *what, const struct et_mcap_pair **pairs,
                                 size_t *n_pairs)
{
    struct et__mcap_fields map = {0};
    const struct et_str bytes = et__mcap_field_bytes(f, 4, what);
    size_t n = 0;
    *n_pairs = 0;
    *pairs = NULL;
    map.p = bytes.p;
    map.end = bytes.n ? bytes.p + bytes.n : bytes.p;
    for (; !f->what && map.p < map.end && !map.what; n++) {
        (void)et__mcap_field_text(&map, what);
        (void)et__mcap_field_text(&map, what);
    }
    if (map.what || n > ET__MCAP_PAIRS_MAX)
        f->what = f->what ? f->what : what;
    if (f->what || n == 0)
        return ET_OK;
    struct et_mcap_pair *list = et_arena_array(arena, n, sizeof *list);
    if (!list)
        return ET_ENOMEM;
    map.p = bytes.p;
    for (size_t i = 0; i < n; i++) {
        list[i].key = et__mcap_field_text(&map, what);
        list[i].value = et__mcap_field_text(&map, what);
    }
    *pairs = list;
    *n_pairs = n;
    return ET_OK;
}

/* A map of u16 to u64, into the arena. */
static enum et_status take_counts(struct et__mcap_fields *f, struct et_arena *arena,
                                  const char *what, const uint16_t **keys, const uint64_t **values,
                                  size_t *n)
{
    const struct et_str bytes = et__mcap_field_bytes(f, 4, what);
    *n = 0;
    if (!f->what && bytes.n % 10 != 0)
        f->what = what;
    if (f->what || bytes.n == 0)
        return ET_OK;
    uint16_t *k = et_arena_array(arena, bytes.n / 10, sizeof *k);
    uint64_t *v = et_arena_array(arena, bytes.n / 10, sizeof *v);
    if (!k || !v)
        return ET_ENOMEM;
    for (size_t i = 0; i < bytes.n / 10; i++) {
        k[i] = et__u16(bytes.p + 10 * i);
        v[i] = et__u64(bytes.p + 10 * i + 2);
    }
    *keys = k;
    *values = v;
    *n = bytes.n / 10;
    return ET_OK;
}

/* ---- records of the data section ---- */

static void take_schema(struct et__mcap_fields *f, struct et_mcap_record *r)
{
    r->as.schema.id = (uint16_t)et__mcap_field_uint(f, 2, "its id");
    r->as.schema.name = et__mcap_field_text(f, "its name");
    r->as.schema.encoding = et__mcap_field_text(f, "its encoding");
    r->as.schema.data = et__mcap_field_bytes(f, 4, "its data");
}

static enum et_status take_channel(struct et__mcap_fields *f, struct et_mcap_record *r,
                                   struct et_arena *arena)
{
    struct et_mcap_channel *channel = &r->as.channel;
    channel->id = (uint16_t)et__mcap_field_uint(f, 2, "its id");
    channel->schema_id = (uint16_t)et__mcap_field_uint(f, 2, "its schema's id");
    channel->topic = et__mcap_field_text(f, "its topic");
    channel->encoding = et__mcap_field_text(f, "its encoding");
    return take_pairs(f, arena, "its metadata", &channel->metadata, &channel->n_metadata);
}

static void take_message(struct et__mcap_fields *f, struct et_mcap_record *r)
{
    struct et_mcap_message *message = &r->as.message;
    message->channel_id = (uint16_t)et__mcap_field_uint(f, 2, "its channel");
    message->sequence = (uint32_t)et__mcap_field_uint(f, 4, "its sequence");
    message->log_time_ns = et__mcap_field_time(f, "its log time");
    message->publish_time_ns = et__mcap_field_time(f, "its publish time");
    message->data = (struct et_str){f->p, (size_t)(f->end - f->p)};
    message->at = r->at;
}

static void take_attachment(struct et__mcap_fields *f, struct et_mcap_record *r)
{
    struct et_mcap_attachment *attachment = &r->as.attachment;
    attachment->log_time_ns = et__mcap_field_time(f, "its log time");
    attachment->create_time_ns = et__mcap_field_time(f, "its create time");
    attachment->name = et__mcap_field_text(f, "its name");
    attachment->media_type = et__mcap_field_text(f, "its media type");
    attachment->data = et__mcap_field_bytes(f, 8, "its data");
    (void)et__mcap_field_uint(f, 4, "its CRC");
}

bool et__mcap_attachment_holds(struct et_str content)
{
    struct et_mcap_record ignored = {0};
    struct et__mcap_fields f = {content.p, content.p + content.n, NULL};
    take_attachment(&f, &ignored);
    const uint32_t crc = f.what ? 0 : et__u32(f.p - 4);
    return f.what ? false
                  : crc == 0 || crc == et__mcap_crc(0, content.p, (size_t)(f.p - 4 - content.p));
}

static void take_chunk(struct et__mcap_fields *f, struct et_mcap_record *r)
{
    r->as.chunk.start_ns = et__mcap_field_time(f, "its start");
    r->as.chunk.end_ns = et__mcap_field_time(f, "its end");
    r->as.chunk.n_bytes = et__mcap_field_uint(f, 8, "its size");
    r->as.chunk.crc = (uint32_t)et__mcap_field_uint(f, 4, "its CRC");
    r->as.chunk.compression = et__mcap_field_text(f, "its compression");
    r->as.chunk.n_stored = et__mcap_field_uint(f, 8, "its length");
}

/* ---- records of the summary ---- */

static enum et_status take_chunk_index(struct et__mcap_fields *f, struct et_mcap_record *r,
                                       struct et_arena *arena)
{
    r->as.chunk_index.start_ns = et__mcap_field_time(f, "its start");
    r->as.chunk_index.end_ns = et__mcap_field_time(f, "its end");
    r->as.chunk_index.chunk_at = et__mcap_field_uint(f, 8, "its chunk's offset");
    r->as.chunk_index.chunk_bytes = et__mcap_field_uint(f, 8, "its chunk's length");
    const enum et_status st =
        take_counts(f, arena, "its message indexes", &r->as.chunk_index.index_channels,
                    &r->as.chunk_index.index_ats, &r->as.chunk_index.n_indexes);
    r->as.chunk_index.index_bytes = et__mcap_field_uint(f, 8, "its message indexes' length");
    r->as.chunk_index.compression = et__mcap_field_text(f, "its compression");
    r->as.chunk_index.n_stored = et__mcap_field_uint(f, 8, "its compressed size");
    r->as.chunk_index.n_bytes = et__mcap_field_uint(f, 8, "its uncompressed size");
    return st;
}

static void take_attachment_index(struct et__mcap_fields *f, struct et_mcap_record *r)
{
    r->as.attachment_index.at = et__mcap_field_uint(f, 8, "its offset");
    r->as.attachment_index.n_bytes = et__mcap_field_uint(f, 8, "its length");
    r->as.attachment_index.log_time_ns = et__mcap_field_time(f, "its log time");
    r->as.attachment_index.create_time_ns = et__mcap_field_time(f, "its create time");
    r->as.attachment_index.data_bytes = et__mcap_field_uint(f, 8, "its data's size");
    r->as.attachment_index.name = et__mcap_field_text(f, "its name");
    r->as.attachment_index.media_type = et__mcap_field_text(f, "its media type");
}

static enum et_status take_statistics(struct et__mcap_fields *f, struct et_mcap_record *r,
                                      struct et_arena *arena)
{
    r->as.statistics.n_messages = et__mcap_field_uint(f, 8, "its message count");
    r->as.statistics.n_schemas = (uint16_t)et__mcap_field_uint(f, 2, "its schema count");
    r->as.statistics.n_channels = (uint32_t)et__mcap_field_uint(f, 4, "its channel count");
    r->as.statistics.n_attachments = (uint32_t)et__mcap_field_uint(f, 4, "its attachment count");
    r->as.statistics.n_metadata = (uint32_t)et__mcap_field_uint(f, 4, "its metadata count");
    r->as.statistics.n_chunks = (uint32_t)et__mcap_field_uint(f, 4, "its chunk count");
    r->as.statistics.start_ns = et__mcap_field_time(f, "its start");
    r->as.statistics.end_ns = et__mcap_field_time(f, "its end");
    return take_counts(f, arena, "its counts", &r->as.statistics.channels, &r->as.statistics.counts,
                       &r->as.statistics.n_counts);
}

static void take_small(struct et__mcap_fields *f, struct et_mcap_record *r)
{
    if (r->op == ET_MCAP_HEADER) {
        r->as.header.profile = et__mcap_field_text(f, "its profile");
        r->as.header.library = et__mcap_field_text(f, "its library");
    } else if (r->op == ET_MCAP_FOOTER) {
        r->as.footer.summary_at = et__mcap_field_uint(f, 8, "its summary's offset");
        r->as.footer.offsets_at = et__mcap_field_uint(f, 8, "its offsets' offset");
        r->as.footer.crc = (uint32_t)et__mcap_field_uint(f, 4, "its CRC");
    } else if (r->op == ET_MCAP_METADATA_INDEX) {
        r->as.metadata_index.at = et__mcap_field_uint(f, 8, "its offset");
        r->as.metadata_index.n_bytes = et__mcap_field_uint(f, 8, "its length");
        r->as.metadata_index.name = et__mcap_field_text(f, "its name");
    } else if (r->op == ET_MCAP_SUMMARY_OFFSET) {
        r->as.summary_offset.op = (uint8_t)et__mcap_field_uint(f, 1, "its opcode");
        r->as.summary_offset.at = et__mcap_field_uint(f, 8, "its offset");
        r->as.summary_offset.n_bytes = et__mcap_field_uint(f, 8, "its length");
    } else if (r->op == ET_MCAP_DATA_END) {
        r->as.data_end.crc = (uint32_t)et__mcap_field_uint(f, 4, "its CRC");
    }
}

enum et_status et__mcap_parse(struct et_mcap_record *r, struct et_arena *arena, struct et_err *err)
{
    struct et__mcap_fields f = {r->content.p, r->content.p + r->content.n, NULL};
    enum et_status st = ET_OK;
    memset(&r->as, 0, sizeof r->as);
    switch (r->op) {
    case ET_MCAP_SCHEMA:
        take_schema(&f, r);
        break;
    case ET_MCAP_CHANNEL:
        st = take_channel(&f, r, arena);
        break;
    case ET_MCAP_MESSAGE:
        take_message(&f, r);
        break;
    case ET_MCAP_CHUNK_OP:
        take_chunk(&f, r);
        break;
    case ET_MCAP_ATTACHMENT:
        take_attachment(&f, r);
        break;
    case ET_MCAP_METADATA:
        r->as.metadata.name = et__mcap_field_text(&f, "its name");
        st = take_pairs(&f, arena, "its metadata", &r->as.metadata.pairs, &r->as.metadata.n_pairs);
        break;
    case ET_MCAP_CHUNK_INDEX:
        st = take_chunk_index(&f, r, arena);
        break;
    case ET_MCAP_ATTACHMENT_INDEX:
        take_attachment_index(&f, r);
        break;
    case ET_MCAP_STATISTICS:
        st = take_statistics(&f, r, arena);
        break;
    default:
        take_small(&f, r);
    }
    if (st != ET_OK)
        return et_arena_fail(arena, et_mcap_op_name(r->op), err);
    return f.what ? et_fail(err, ET_ECORRUPT, r->at, "%s at %lld: %s does not fit it",
                            et_mcap_op_name(r->op), (long long)r->at, f.what)
                  : ET_OK;
}
