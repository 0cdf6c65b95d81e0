#include "format/mcap/mcap__reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_BYTES_MAX ((size_t)256 << 20)
#define MEMORY_BYTES ((size_t)256 << 20)

static const char *const FAULTS[ET_MCAP_N_FAULTS] = {"cut",   "crc",   "damage", "chunk",
                                                     "index", "twice", "orphan"};

const char *et_mcap_fault_name(enum et_mcap_fault fault)
{
    return FAULTS[fault];
}

void et__mcap_remark(struct et_mcap_reader *r, enum et_mcap_fault fault, int64_t at,
                     int64_t n_bytes, const char *text)
{
    struct et_mcap_remark *remark = &r->remarks[fault];
    if (remark->n++ == 0) {
        remark->fault = fault;
        remark->at = at;
        (void)snprintf(remark->text, sizeof remark->text, "%s", text);
    }
    remark->n_bytes += n_bytes;
    size_t n = 0;
    for (size_t i = 0; i < ET_MCAP_N_FAULTS; i++)
        if (r->remarks[i].n > 0)
            r->listed[n++] = r->remarks[i];
    r->info.remarks = r->listed;
    r->info.n_remarks = n;
}

void *et__mcap_grow(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    const size_t more = 2 * *cap + 16;
    void *grown = et_arena_array(arena, more, size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, items, n * size);
    *cap = more;
    return grown;
}

/* ---- schemas and channels ---- */

static struct et_str copy(struct et_arena *arena, struct et_str text, bool *is_full)
{
    const char *p = et_arena_copy(arena, text.n ? text.p : "", text.n);
    *is_full = *is_full || !p;
    return (struct et_str){p, text.n};
}

enum et_status et__ids_add_schema(struct et_mcap_reader *r, const struct et_mcap_schema *schema,
                                  int64_t at, struct et_err *err)
{
    struct et__ids *ids = &r->ids;
    if (schema->id == 0)
        return ET_OK; // the spec: not to be used
    if (ids->of_schema[schema->id] >= 0) {
        const struct et_mcap_schema *known = &ids->schemas[ids->of_schema[schema->id]];
        if (!et_str_eq(known->name, schema->name) || !et_str_eq(known->data, schema->data) ||
            !et_str_eq(known->encoding, schema->encoding))
            et__mcap_remark(r, ET_MCAP_TWICE, at, 0, "a schema's id is used for another one too");
        return ET_OK;
    }
    struct et_mcap_schema *grown =
        et__mcap_grow(r->arena, ids->schemas, ids->n_schemas, &ids->cap_schemas, sizeof *grown);
    bool is_full = !grown;
    if (!is_full) {
        ids->schemas = grown;
        ids->of_schema[schema->id] = (int32_t)ids->n_schemas;
        grown[ids->n_schemas++] =
            (struct et_mcap_schema){.id = schema->id,
                                    .name = copy(r->arena, schema->name, &is_full),
                                    .encoding = copy(r->arena, schema->encoding, &is_full),
                                    .data = copy(r->arena, schema->data, &is_full)};
    }
    return is_full ? et_arena_fail(r->arena, "the schemas", err) : ET_OK;
}

static bool is_same_channel(const struct et_mcap_channel *a, const struct et_mcap_channel *b)
{
    if (a->schema_id != b->schema_id || !et_str_eq(a->topic, b->topic) ||
        !et_str_eq(a->encoding, b->encoding) || a->n_metadata != b->n_metadata)
        return false;
    for (size_t i = 0; i < a->n_metadata; i++)
        if (!et_str_eq(a->metadata[i].key, b->metadata[i].key) ||
            !et_str_eq(a->metadata[i].value, b->metadata[i].value))
            return false;
    return true;
}

enum et_status et__ids_add_channel(struct et_mcap_reader *r, const struct et_mcap_channel *channel,
                                   int64_t at, struct et_err *err)
{
    struct et__ids *ids = &r->ids;
    if (ids->of_channel[channel->id] >= 0) {
        if (!is_same_channel(&ids->channels[ids->of_channel[channel->id]], channel))
            et__mcap_remark(r, ET_MCAP_TWICE, at, 0, "a channel's id is used for another one too");
        return ET_OK;
    }
    struct et_mcap_channel *grown =
        et__mcap_grow(r->arena, ids->channels, ids->n_channels, &ids->cap_channels, sizeof *grown);
    struct et_mcap_pair *pairs = et_arena_array(r->arena, channel->n_metadata, sizeof *pairs);
    bool is_full = !grown || !pairs;
    for (size_t i = 0; !is_full && i < channel->n_metadata; i++) {
        pairs[i].key = copy(r->arena, channel->metadata[i].key, &is_full);
        pairs[i].value = copy(r->arena, channel->metadata[i].value, &is_full);
    }
    if (!is_full) {
        ids->channels = grown;
        ids->of_channel[channel->id] = (int32_t)ids->n_channels;
        grown[ids->n_channels++] =
            (struct et_mcap_channel){.id = channel->id,
                                     .schema_id = channel->schema_id,
                                     .topic = copy(r->arena, channel->topic, &is_full),
                                     .encoding = copy(r->arena, channel->encoding, &is_full),
                                     .metadata = pairs,
                                     .n_metadata = channel->n_metadata};
    }
    return is_full ? et_arena_fail(r->arena, "the channels", err) : ET_OK;
}

static int by_schema_id(const void *a, const void *b)
{
    return ((const struct et_mcap_schema *)a)->id - ((const struct et_mcap_schema *)b)->id;
}

static int by_channel_id(const void *a, const void *b)
{
    return ((const struct et_mcap_channel *)a)->id - ((const struct et_mcap_channel *)b)->id;
}

const struct et_mcap_schema *et_mcap_schema(const struct et_mcap_reader *r, uint16_t id)
{
    const int32_t place = r->ids.of_schema[id];
    return place < 0 ? NULL : &r->ids.schemas[place];
}

const struct et_mcap_channel *et_mcap_channel(const struct et_mcap_reader *r, uint16_t id)
{
    const int32_t place = r->ids.of_channel[id];
    return place < 0 ? NULL : &r->ids.channels[place];
}

// Sorts them by id, and looks for channels whose schema is not there.
static enum et_status finish_ids(struct et_mcap_reader *r, struct et_err *err)
{
    struct et__ids *ids = &r->ids;
    int64_t *counts = et_arena_array(r->arena, ids->n_channels, sizeof *counts);
    if (!counts)
        return et_arena_fail(r->arena, "the channels", err);
    if (ids->n_schemas)
        qsort(ids->schemas, ids->n_schemas, sizeof *ids->schemas, by_schema_id);
    if (ids->n_channels)
        qsort(ids->channels, ids->n_channels, sizeof *ids->channels, by_channel_id);
    for (size_t i = 0; i < ids->n_schemas; i++)
        ids->of_schema[ids->schemas[i].id] = (int32_t)i;
    for (size_t i = 0; i < ids->n_channels; i++) {
        const struct et_mcap_channel *channel = &ids->channels[i];
        if (r->has_counts)
            counts[i] = r->counts[channel->id];
        if (channel->schema_id && !et_mcap_schema(r, channel->schema_id)) {
            char text[160];
            (void)snprintf(text, sizeof text, "channel %u, %.80s: its schema %u is not there",
                           channel->id, channel->topic.p, channel->schema_id);
            et__mcap_remark(r, ET_MCAP_ORPHAN, -1, 0, text);
        }
    }
    for (size_t i = 0; i < ids->n_channels; i++)
        ids->of_channel[ids->channels[i].id] = (int32_t)i;
    r->counts = counts;
    r->info.schemas = ids->schemas;
    r->info.n_schemas = ids->n_schemas;
    r->info.channels = ids->channels;
    r->info.n_channels = ids->n_channels;
    r->info.n_messages_of = r->has_counts ? counts : NULL;
    r->info.n_attachments = (int64_t)r->n_attachments;
    r->info.n_metadata = (int64_t)r->n_metadata;
    return ET_OK;
}

/* ---- opening ---- */

static enum et_status read_index(struct et_mcap_reader *r, bool must_scan, struct et_err *err)
{
    enum et_status st = must_scan ? ET_AGAIN : et__mcap_read_summary(r, err);
    if (st == ET_AGAIN) {
        // What a useless summary has left is found again; but its schemas and channels stand for
        // those of a chunk that is lost.
        r->n_blocks = r->n_attachments = r->n_metadata = 0;
        r->has_counts = r->info.has_index = false;
        st = et__mcap_read_all(r, err);
    }
    return st == ET_OK ? finish_ids(r, err) : st;
}

enum et_status et_mcap_open(struct et_mcap_reader **reader, const char *path,
                            const struct et_mcap_open_options *options, struct et_err *err)
{
    const struct et_mcap_open_options none = {0}, *o = options ? options : &none;
    struct et_mcap_scan *scan = NULL; // says whether it is one of ours at all

    *reader = NULL;
    enum et_status st = et_mcap_scan_open(&scan, path, err);
    et_mcap_scan_close(scan);
    if (st != ET_OK)
        return st;
    struct et_mcap_reader *r = calloc(1, sizeof *r);
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory for reading %.200s", path);
    r->memory_bytes = o->memory_bytes ? o->memory_bytes : MEMORY_BYTES;
    r->info.n_messages = -1;
    st = et_file_open(&r->file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(r->file, &r->info.n_bytes, err);
    if (st == ET_OK)
        st = et_arena_open(&r->arena, INDEX_BYTES_MAX, err);
    if (st == ET_OK) {
        r->ids.of_channel = et_arena_array(r->arena, ET_MCAP_CHANNELS_MAX, sizeof(int32_t));
        r->ids.of_schema = et_arena_array(r->arena, ET_MCAP_CHANNELS_MAX, sizeof(int32_t));
        if (!r->ids.of_channel || !r->ids.of_schema)
            st = et_arena_fail(r->arena, "the channels", err);
    }
    if (st == ET_OK) {
        memset(r->ids.of_channel, 0xff, ET_MCAP_CHANNELS_MAX * sizeof *r->ids.of_channel);
        memset(r->ids.of_schema, 0xff, ET_MCAP_CHANNELS_MAX * sizeof *r->ids.of_schema);
        st = read_index(r, o->must_scan, err);
    }
    if (st == ET_OK)
        st = et_mcap_query(r, NULL, err);
    if (st == ET_OK) {
        *reader = r;
        return ET_OK;
    }
    if (st == ET_ECORRUPT || st == ET_ELIMIT)
        (void)et_err_context(err, "%.200s", path);
    et_mcap_close(r);
    return st;
}

void et_mcap_close(struct et_mcap_reader *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->cap_open; i++) {
        free(r->open[i].file_bytes);
        free(r->open[i].chunk_bytes);
        free(r->open[i].entries);
        free(r->open[i].scratch);
    }
    free(r->open);
    free(r->order);
    et__mcap_codec_close(r->codec);
    et_file_close(r->file);
    et_arena_close(r->arena);
    free(r);
}

const struct et_mcap_info *et_mcap_info(const struct et_mcap_reader *reader)
{
    return &reader->info;
}

/* ---- attachments and metadata ---- */

static enum et_status read_place(struct et_mcap_reader *r, const struct et__place *place, int op,
                                 struct et_arena *arena, struct et_mcap_record *record,
                                 struct et_err *err)
{
    char *bytes = place->n_bytes >= ET__MCAP_HEAD_BYTES
                      ? et_arena_alloc(arena, (size_t)place->n_bytes)
                      : NULL;
    if (!bytes)
        return et_arena_fail(arena, et_mcap_op_name(op), err);
    enum et_status st = et_file_read_exact(r->file, place->at, bytes, (size_t)place->n_bytes, err);
    if (st != ET_OK)
        return st;
    if ((unsigned char)bytes[0] != op ||
        et__u64(bytes + 1) != (uint64_t)place->n_bytes - ET__MCAP_HEAD_BYTES)
        return et_fail(err, ET_ECORRUPT, place->at, "no %s at %lld, where the index has one",
                       et_mcap_op_name(op), (long long)place->at);
    *record = (struct et_mcap_record){
        .op = op,
        .at = place->at,
        .content = {bytes + ET__MCAP_HEAD_BYTES, (size_t)place->n_bytes - ET__MCAP_HEAD_BYTES}};
    return et__mcap_parse(record, arena, err);
}

enum et_status et_mcap_attachment(struct et_mcap_reader *r, size_t i, struct et_arena *arena,
                                  struct et_mcap_attachment *attachment, struct et_err *err)
{
    struct et_mcap_record record;
    if (i >= r->n_attachments)
        return et_fail(err, ET_EARG, (int64_t)i, "there is no attachment %zu", i);
    const enum et_status st =
        read_place(r, &r->attachments[i], ET_MCAP_ATTACHMENT, arena, &record, err);
    if (st != ET_OK)
        return st;
    if (!et__mcap_attachment_holds(record.content))
        return et_fail(err, ET_ECORRUPT, record.at, "Attachment at %lld: its CRC does not hold",
                       (long long)record.at);
    *attachment = record.as.attachment;
    return ET_OK;
}

enum et_status et_mcap_metadata(struct et_mcap_reader *r, size_t i, struct et_arena *arena,
                                struct et_mcap_metadata *metadata, struct et_err *err)
{
    struct et_mcap_record record;
    if (i >= r->n_metadata)
        return et_fail(err, ET_EARG, (int64_t)i, "there is no metadata record %zu", i);
    const enum et_status st = read_place(r, &r->metadata[i], ET_MCAP_METADATA, arena, &record, err);
    if (st == ET_OK)
        *metadata = record.as.metadata;
    return st;
}
