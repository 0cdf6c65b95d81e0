#include "format/parquet/parquet__meta.h"

#include <assert.h>

// The least that a ColumnChunk with what we need of it takes, for believing a list's count.
#define CHUNK_BYTES_MIN 12

size_t et__parquet_arena_bytes(size_t n_bytes)
{
    // The bytes themselves; a chunk's struct is less than four times its bytes, a row group's, in a
    // journal, eight times. The schema is bounded by ET_PARQUET_NODES_MAX nodes with a path each.
    return 14 * n_bytes + ((size_t)64 << 20);
}

/* ---- row groups ---- */

// start + n, or −1 when that is no place before `end`.
static int64_t end_of(int64_t start, int64_t n, int64_t end)
{
    if (start < ET__PARQUET_MAGIC_BYTES || n < 0 || start > end || n > end - start)
        return -1;
    return start + n;
}

/* What a ColumnChunk and its ColumnMetaData say, before it is held against the file. */
struct raw_chunk {
    int32_t type, codec;
    int64_t n_levels, n_bytes, data_offset, dictionary_offset;
    int64_t index[3][2]; // offset and length of: offset index, column index, Bloom filter
    bool has_meta, has_data_offset, is_foreign;
};

static void read_chunk_meta(struct et__thrift_in *in, int type, struct raw_chunk *c)
{
    int id = 0, of;
    if (!et__thrift_struct(in, type))
        return;
    c->has_meta = true;
    while (et__thrift_field(in, &id, &of)) {
        switch (id) {
        case 1:
            c->type = et__thrift_int32(in, of);
            break;
        case 4:
            c->codec = et__thrift_int32(in, of);
            break;
        case 5:
            c->n_levels = et__thrift_int64(in, of);
            break;
        case 7:
            c->n_bytes = et__thrift_int64(in, of);
            break;
        case 9:
            c->data_offset = et__thrift_int64(in, of);
            c->has_data_offset = true;
            break;
        case 11:
            c->dictionary_offset = et__thrift_int64(in, of);
            break;
        case 14:
            c->index[2][0] = et__thrift_int64(in, of);
            break;
        case 15:
            c->index[2][1] = et__thrift_int64(in, of);
            break;
        default:
            et__thrift_skip(in, of);
        }
    }
}

static struct raw_chunk read_chunk(struct et__thrift_in *in)
{
    struct raw_chunk c = {.type = -1, .n_levels = -1, .n_bytes = -1};
    int id = 0, type;
    while (et__thrift_field(in, &id, &type)) {
        switch (id) {
        case 1: // file_path
            c.is_foreign = et__thrift_binary(in, type).n > 0 || c.is_foreign;
            break;
        case 3:
            read_chunk_meta(in, type, &c);
            break;
        case 4:
            c.index[0][0] = et__thrift_int64(in, type);
            break;
        case 5:
            c.index[0][1] = et__thrift_int64(in, type);
            break;
        case 6:
            c.index[1][0] = et__thrift_int64(in, type);
            break;
        case 7:
            c.index[1][1] = et__thrift_int64(in, type);
            break;
        case 8: // crypto_metadata
            c.is_foreign = true;
            et__thrift_skip(in, type);
            break;
        default:
            et__thrift_skip(in, type);
        }
    }
    return c;
}

/* Checks a chunk against its leaf and the file, and adds it to its group. Returns what is wrong. */
static const char *accept_chunk(const struct raw_chunk *c, const struct et_parquet_leaf *leaf,
                                int64_t data_end, struct et__parquet_chunk *chunk,
                                struct et__parquet_group *group)
{
    chunk->is_foreign = c->is_foreign;
    if (c->is_foreign)
        return NULL;
    if (!c->has_meta || !c->has_data_offset)
        return "it does not say where its pages are";
    if (c->type != (int32_t)leaf->type)
        return "its type is not the schema's";
    if (c->n_levels < 0)
        return "it has a negative number of values";
    chunk->codec = c->codec;
    chunk->n_levels = c->n_levels;
    chunk->n_bytes = c->n_bytes;
    chunk->start = c->data_offset;
    if (c->dictionary_offset > 0 && c->dictionary_offset < chunk->start)
        chunk->start = c->dictionary_offset;

    const int64_t end = end_of(chunk->start, c->n_bytes, data_end);
    if (end < 0)
        return "it lies outside the file's data";
    group->n_bytes += c->n_bytes;
    group->end = end > group->end ? end : group->end;
    for (size_t i = 0; i < 3; i++) {
        const int64_t at = c->index[i][0], index_end = end_of(at, c->index[i][1], data_end);
        if (at > 0 && index_end > group->end)
            group->end = index_end;
        if (at > 0 && (index_end < 0 || c->index[i][1] == 0))
            group->has_open_end = true;
    }
    return NULL;
}

static void read_chunks(const struct et__parquet_meta *meta, struct et__thrift_in *in, int type,
                        int64_t data_end, struct et__parquet_group *group)
{
    const size_t n = et__thrift_list(in, type, ET__THRIFT_STRUCT, 1);
    if (n != meta->n_leaves)
        et__thrift_bad(in, "a row group does not have the schema's number of columns");
    for (size_t i = 0; i < n && !in->bad; i++) {
        const struct raw_chunk c = read_chunk(in);
        const char *wrong = accept_chunk(&c, &meta->leaves[i], data_end, &group->chunks[i], group);
        if (wrong)
            et__thrift_bad(in, wrong);
    }
}

/* One RowGroup; it may be an element of a list, so that nothing need be known of its length. */
static enum et_status read_group(const struct et__parquet_meta *meta, struct et__thrift_in *in,
                                 int64_t data_end, struct et__parquet_group *group,
                                 struct et_arena *arena, struct et_err *err)
{
    const char *start = (const char *)in->p;
    bool has_chunks = false;
    int id = 0, type;

    *group = (struct et__parquet_group){.n_rows = -1, .end = ET__PARQUET_MAGIC_BYTES};
    group->chunks = et_arena_array(arena, meta->n_leaves, sizeof *group->chunks);
    if (!group->chunks)
        return et_arena_fail(arena, "the footer", err);
    while (et__thrift_field(in, &id, &type)) {
        if (id == 1 && !has_chunks) {
            read_chunks(meta, in, type, data_end, group);
            has_chunks = true;
        } else if (id == 3) {
            group->n_rows = et__thrift_int64(in, type);
        } else {
            et__thrift_skip(in, type);
        }
    }
    if (!has_chunks || group->n_rows < 0)
        et__thrift_bad(in, "a row group lacks its columns or its number of rows");
    for (size_t i = 0; i < meta->n_leaves && !in->bad; i++) {
        const struct et__parquet_chunk *chunk = &group->chunks[i];
        if (!chunk->is_foreign && meta->leaves[i].max_rep == 0 && chunk->n_levels != group->n_rows)
            et__thrift_bad(in, "a column has another number of values than its row group has rows");
        if (!chunk->is_foreign && chunk->n_levels < group->n_rows)
            et__thrift_bad(in, "a column has fewer values than its row group has rows");
    }
    group->raw = (struct et_str){start, (size_t)((const char *)in->p - start)};
    return et__thrift_check(in, "the footer", err);
}

enum et_status et__parquet_group_read(const struct et__parquet_meta *meta, struct et_str bytes,
                                      int64_t base, int64_t data_end,
                                      struct et__parquet_group *group, struct et_arena *arena,
                                      struct et_err *err)
{
    struct et__thrift_in in = et__thrift_in(bytes.p, bytes.n, base);
    return read_group(meta, &in, data_end, group, arena, err);
}

static enum et_status read_groups(struct et__parquet_meta *meta, struct et__thrift_in *in, int type,
                                  int64_t data_end, struct et_arena *arena, struct et_err *err)
{
    if (!meta->nodes || meta->groups)
        et__thrift_bad(in, "its row groups come before the schema or twice");
    const size_t min_bytes = 1 + CHUNK_BYTES_MIN * meta->n_leaves;
    const size_t n = et__thrift_list(in, type, ET__THRIFT_STRUCT, min_bytes);
    enum et_status st = et__thrift_check(in, "the footer", err);
    if (st != ET_OK)
        return st;
    meta->groups = et_arena_array(arena, n, sizeof *meta->groups);
    if (!meta->groups)
        return et_arena_fail(arena, "the footer", err);

    int64_t first_row = 0;
    for (size_t i = 0; i < n; i++) {
        struct et__parquet_group *group = &meta->groups[i];
        st = read_group(meta, in, data_end, group, arena, err);
        if (st != ET_OK)
            return st;
        group->first_row = first_row;
        if (group->n_rows > INT64_MAX - first_row)
            return et_fail(err, ET_ECORRUPT, in->base + (in->p - in->start),
                           "the footer's row groups have more rows than can be counted");
        first_row += group->n_rows;
    }
    meta->n_groups = n;
    return ET_OK;
}

/* ---- keys ---- */

static enum et_status read_pairs(struct et__parquet_meta *meta, struct et__thrift_in *in, int type,
                                 struct et_arena *arena, struct et_err *err)
{
    const char *start = (const char *)in->p;
    const size_t n = et__thrift_list(in, type, ET__THRIFT_STRUCT, 2);
    if (meta->pairs)
        et__thrift_bad(in, "its metadata come twice");
    meta->pairs = et_arena_array(arena, in->bad ? 0 : n, sizeof *meta->pairs);
    if (!meta->pairs)
        return et_arena_fail(arena, "the footer", err);
    for (size_t i = 0; i < n && !in->bad; i++) {
        int id = 0, of;
        while (et__thrift_field(in, &id, &of)) {
            if (id == 1)
                meta->pairs[i].key = et__thrift_binary(in, of);
            else if (id == 2)
                meta->pairs[i].value = et__thrift_binary(in, of);
            else
                et__thrift_skip(in, of);
        }
    }
    meta->n_pairs = n;
    meta->raw_pairs = (struct et_str){start, (size_t)((const char *)in->p - start)};
    return ET_OK; // a failure is sticky in *in
}

/* ---- the whole ---- */

static enum et_status read_field(struct et__parquet_meta *meta, struct et__thrift_in *in, int id,
                                 int type, int64_t data_end, struct et_arena *arena,
                                 struct et_err *err)
{
    const char *start = (const char *)in->p;
    enum et_status st = ET_OK;
    switch (id) {
    case 1:
        meta->version = et__thrift_int32(in, type);
        break;
    case 2:
        st = et__parquet_schema_read(meta, in, type, arena, err);
        meta->raw_schema = (struct et_str){start, (size_t)((const char *)in->p - start)};
        break;
    case 3:
        meta->n_rows = et__thrift_int64(in, type);
        break;
    case 4:
        st = read_groups(meta, in, type, data_end, arena, err);
        break;
    case 5:
        st = read_pairs(meta, in, type, arena, err);
        break;
    case 6:
        meta->created_by = et__thrift_binary(in, type);
        break;
    case 7:
        et__thrift_skip(in, type);
        if (type != ET__THRIFT_LIST)
            et__thrift_bad(in, "a field that should be a list is none");
        meta->raw_orders = (struct et_str){start, (size_t)((const char *)in->p - start)};
        break;
    case 8:
        return et_fail(err, ET_EUNSUPPORTED, in->base, "the file is encrypted");
    default:
        et__thrift_skip(in, type);
    }
    return st;
}

enum et_status et__parquet_meta_read(struct et__parquet_meta *meta, struct et_str bytes,
                                     int64_t base, int64_t data_end, struct et_arena *arena,
                                     struct et_err *err)
{
    struct et__thrift_in in = et__thrift_in(bytes.p, bytes.n, base);
    enum et_status st = ET_OK;
    int64_t n_rows = 0;
    int id = 0, type;

    *meta = (struct et__parquet_meta){.version = 1};
    while (st == ET_OK && et__thrift_field(&in, &id, &type))
        st = read_field(meta, &in, id, type, data_end, arena, err);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < meta->n_groups; i++)
        n_rows += meta->groups[i].n_rows;
    if (!meta->nodes)
        et__thrift_bad(&in, "it has no schema");
    if (meta->n_rows != n_rows)
        et__thrift_bad(&in, "its number of rows is not that of its row groups together");
    return et__thrift_check(&in, "the footer", err);
}

/* ---- writing ---- */

// A list value that was read as raw bytes, as a field again.
static void put_raw_list(struct et__thrift_out *out, int id, struct et_str raw)
{
    if (raw.n == 0)
        return;
    et__thrift_put_field(out, id, ET__THRIFT_LIST);
    et_buf_putstr(out->buf, raw);
}

void et__parquet_meta_write(struct et_buf *buf, const struct et__parquet_meta *meta, int64_t n_rows,
                            size_t n_groups, struct et_str groups)
{
    struct et__thrift_out out = et__thrift_out(buf);
    et__thrift_put_struct(&out, 0);
    et__thrift_put_int(&out, 1, ET__THRIFT_I32, meta->version);
    put_raw_list(&out, 2, meta->raw_schema);
    et__thrift_put_int(&out, 3, ET__THRIFT_I64, n_rows);
    et__thrift_put_list(&out, 4, ET__THRIFT_STRUCT, n_groups);
    et_buf_putstr(buf, groups);
    put_raw_list(&out, 5, meta->raw_pairs);
    if (meta->created_by.p)
        et__thrift_put_binary(&out, 6, meta->created_by.p, meta->created_by.n);
    put_raw_list(&out, 7, meta->raw_orders);
    et__thrift_put_end(&out);
}

void et__parquet_meta_write_new(struct et_buf *buf, const struct et_parquet_node *nodes,
                                size_t n_nodes, const struct et_parquet_metadata *metadata,
                                size_t n_metadata)
{
    static const char CREATED_BY[] = "etude version " ET_VERSION;
    struct et__thrift_out out = et__thrift_out(buf);
    size_t n_leaves = 0;

    et__thrift_put_struct(&out, 0);
    et__thrift_put_int(&out, 1, ET__THRIFT_I32, 2);
    et__parquet_schema_write(&out, 2, nodes, n_nodes);
    et__thrift_put_int(&out, 3, ET__THRIFT_I64, 0);
    et__thrift_put_list(&out, 4, ET__THRIFT_STRUCT, 0);
    if (n_metadata > 0)
        et__thrift_put_list(&out, 5, ET__THRIFT_STRUCT, n_metadata);
    for (size_t i = 0; i < n_metadata; i++) {
        et__thrift_put_struct(&out, 0);
        et__thrift_put_binary(&out, 1, metadata[i].key, strlen(metadata[i].key));
        et__thrift_put_binary(&out, 2, metadata[i].value, strlen(metadata[i].value));
        et__thrift_put_end(&out);
    }
    et__thrift_put_binary(&out, 6, CREATED_BY, sizeof CREATED_BY - 1);

    // Readers believe minimum and maximum only where a column's order is stated: by its type.
    for (size_t i = 0; i < n_nodes; i++)
        n_leaves += nodes[i].is_leaf;
    et__thrift_put_list(&out, 7, ET__THRIFT_STRUCT, n_leaves);
    for (size_t i = 0; i < n_leaves; i++) {
        et__thrift_put_struct(&out, 0);
        et__thrift_put_struct(&out, 1);
        et__thrift_put_end(&out);
        et__thrift_put_end(&out);
    }
    et__thrift_put_end(&out);
}
