#include "format/parquet/parquet__journal.h"
#include "format/parquet/parquet__writer.h"

#include <assert.h>
#include <stdlib.h>

// What is less goes to the file together with what follows.
#define TAIL_BYTES ((size_t)1 << 20)
#define DIRECT_BYTES ((size_t)256 << 10)

/* ---- opening ---- */

enum et_status et__writer_check_options(const struct et_parquet_writer_options *options,
                                        struct et_err *err)
{
    const enum et_parquet_codec codec = options->codec;
    if (codec != ET_PARQUET_NONE && codec != ET_PARQUET_SNAPPY && codec != ET_PARQUET_GZIP &&
        codec != ET_PARQUET_ZSTD)
        return et_fail(err, ET_EARG, -1, "codec %d (%s) is not written", (int)codec,
                       et__codec_name((int32_t)codec));
    for (size_t i = 0; i < options->n_metadata; i++)
        if (!options->metadata[i].key || !options->metadata[i].value)
            return et_fail(err, ET_EARG, (int64_t)i, "metadata %zu lack their key or value", i);
    return ET_OK;
}

enum et_status et__writer_open(struct et_parquet_writer **writer, struct et_arena *arena,
                               const struct et__parquet_meta *meta,
                               const struct et_parquet_writer_options *options, struct et_err *err)
{
    *writer = NULL;
    struct et_parquet_writer *w = calloc(1, sizeof *w);
    if (!w) {
        et_arena_close(arena);
        return et_fail(err, ET_ENOMEM, -1, "no memory for a writer");
    }
    w->arena = arena;
    w->meta = *meta;
    w->options = *options;
    w->options.metadata = NULL; // they are in the schema's header already
    w->groups = et_buf(ET__PARQUET_FOOTER_BYTES_MAX);
    w->group = et_buf(ET__PARQUET_FOOTER_BYTES_MAX);
    w->tail = et_buf(2 * TAIL_BYTES);
    w->page = et_buf(2 * ET__PARQUET_PAGE_BYTES_MAX);
    w->packed = et_buf(4 * ET__PARQUET_PAGE_BYTES_MAX);
    w->head = et_buf(TAIL_BYTES);
    w->dictionary = et__dictionary_out();
    const enum et_status st = et__codec_open(&w->codec, err);
    if (st != ET_OK) {
        et_parquet_writer_close(w);
        return st;
    }
    *writer = w;
    return ET_OK;
}

void et_parquet_writer_close(struct et_parquet_writer *writer)
{
    struct et_parquet_writer *w = writer;
    if (!w)
        return;
    et_file_close(w->file);
    et_file_close(w->journal);
    et__codec_close(w->codec);
    et__dictionary_free(&w->dictionary);
    struct et_buf *const bufs[] = {&w->groups, &w->group, &w->tail, &w->page, &w->packed, &w->head};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        et_buf_free(bufs[i]);
    et_arena_close(w->arena);
    free(w);
}

/* The metadata of a new file, made as those of an old one are read: written and read back. */
static enum et_status make_meta(const struct et_parquet_node *nodes, size_t n_nodes,
                                const struct et_parquet_writer_options *options,
                                struct et_arena **arena, struct et__parquet_meta *meta,
                                struct et_err *err)
{
    struct et_buf buf = et_buf(ET__PARQUET_FOOTER_BYTES_MAX);
    *arena = NULL;
    et__parquet_meta_write_new(&buf, nodes, n_nodes, options->metadata, options->n_metadata);
    enum et_status st = et_buf_check(&buf, "the schema", err);
    if (st == ET_OK)
        st = et_arena_open(arena, et__parquet_arena_bytes(buf.n), err);
    if (st == ET_OK) {
        const char *bytes = et_arena_copy(*arena, buf.p, buf.n);
        st = bytes ? et__parquet_meta_read(meta, (struct et_str){bytes, buf.n}, 0,
                                           ET__PARQUET_MAGIC_BYTES, *arena, err)
                   : et_arena_fail(*arena, "the schema", err);
    }
    et_buf_free(&buf);
    if (st != ET_OK) {
        et_arena_close(*arena);
        *arena = NULL;
    }
    return st;
}

enum et_status et__writer_begin_journal(struct et_parquet_writer *writer, const char *path,
                                        struct et_err *err)
{
    struct et_parquet_writer *w = writer;
    struct et_buf buf = et_buf(ET__PARQUET_FOOTER_BYTES_MAX),
                  head = et_buf(ET__PARQUET_FOOTER_BYTES_MAX);
    et__parquet_meta_write(&head, &w->meta, 0, 0, (struct et_str){NULL, 0});
    enum et_status st = et_buf_check(&head, "a journal", err);
    if (st == ET_OK)
        et__journal_put(&buf, et_buf_str(&head));
    for (size_t i = 0; st == ET_OK && i < w->n_groups; i++)
        et__journal_put(&buf, w->meta.groups[i].raw);
    if (st == ET_OK)
        st = et_buf_check(&buf, "a journal", err);
    w->journal_path = et__journal_path(w->arena, path);
    if (st == ET_OK && !w->journal_path)
        st = et_arena_fail(w->arena, "a journal's path", err);
    if (st == ET_OK)
        st = et_file_replace(w->journal_path, buf.p, buf.n, err);
    if (st == ET_OK)
        st = et_file_open(&w->journal, w->journal_path, ET_FILE_UPDATE, err);
    w->journal_end = (int64_t)buf.n;
    et_buf_free(&head);
    et_buf_free(&buf);
    return st;
}

/* A journal that another file of this name left must not be taken for the new one's. */
static enum et_status remove_old_journal(const char *path, struct et_arena *arena,
                                         struct et_err *err)
{
    enum et_path_kind kind;
    enum et_status st = et_path_kind(path, &kind, err);
    if (st != ET_OK)
        return st;
    if (kind != ET_PATH_NONE)
        return et_fail(err, ET_EEXISTS, -1, "%.200s exists already", path);
    const char *journal = et__journal_path(arena, path);
    return journal ? et_path_remove(journal, err) : et_arena_fail(arena, "a journal's path", err);
}

/* Nothing stays of what was begun; the failure that led here is the one to tell. */
static void undo_create(const char *path, const char *journal_path)
{
    enum et_status st = et_path_remove(path, NULL);
    if (journal_path)
        st = et_path_remove(journal_path, NULL);
    (void)st;
}

enum et_status et_parquet_create(struct et_parquet_writer **writer, const char *path,
                                 const struct et_parquet_node *nodes, size_t n_nodes,
                                 const struct et_parquet_writer_options *options,
                                 struct et_err *err)
{
    assert(writer && path);
    static const struct et_parquet_writer_options NONE = {0};
    struct et__parquet_meta meta;
    struct et_arena *arena = NULL;
    struct et_parquet_writer *w = NULL;
    bool was_created = false;

    *writer = NULL;
    options = options ? options : &NONE;
    enum et_status st = et__writer_check_options(options, err);
    if (st == ET_OK)
        st = et__parquet_schema_check(nodes, n_nodes, err);
    if (st == ET_OK)
        st = make_meta(nodes, n_nodes, options, &arena, &meta, err);
    if (st == ET_OK)
        st = et__writer_open(&w, arena, &meta, options, err);
    if (st != ET_OK)
        return st;
    assert(w);

    st = remove_old_journal(path, w->arena, err);
    if (st == ET_OK)
        st = et_file_open(&w->file, path, ET_FILE_CREATE, err);
    was_created = st == ET_OK;
    if (st == ET_OK && options->has_journal)
        st = et__writer_begin_journal(w, path, err);
    if (st == ET_OK)
        st = et_file_write_at(w->file, 0, ET__PARQUET_MAGIC, ET__PARQUET_MAGIC_BYTES, err);
    w->committed_end = w->flushed_end = ET__PARQUET_MAGIC_BYTES;
    if (st == ET_OK) {
        *writer = w;
        return ET_OK;
    }
    if (was_created)
        undo_create(path, w->journal_path);
    et_parquet_writer_close(w);
    return st;
}

/* ---- looking ---- */

size_t et_parquet_writer_n_leaves(const struct et_parquet_writer *writer)
{
    return writer->meta.n_leaves;
}

int64_t et_parquet_writer_n_rows(const struct et_parquet_writer *writer)
{
    return writer->n_rows;
}

size_t et_parquet_writer_n_groups(const struct et_parquet_writer *writer)
{
    return writer->n_groups;
}

int64_t et_parquet_writer_bytes(const struct et_parquet_writer *writer)
{
    return et__writer_end(writer);
}

/* ---- bytes ---- */

int64_t et__writer_end(const struct et_parquet_writer *writer)
{
    return writer->flushed_end + (int64_t)writer->tail.n;
}

enum et_status et__writer_flush(struct et_parquet_writer *writer, struct et_err *err)
{
    struct et_parquet_writer *w = writer;
    if (w->tail.n == 0)
        return ET_OK;
    const enum et_status st = et_file_write_at(w->file, w->flushed_end, w->tail.p, w->tail.n, err);
    if (st != ET_OK)
        return st;
    w->flushed_end += (int64_t)w->tail.n;
    et_buf_clear(&w->tail);
    return ET_OK;
}

enum et_status et__writer_put(struct et_parquet_writer *writer, const void *p, size_t n,
                              struct et_err *err)
{
    struct et_parquet_writer *w = writer;
    enum et_status st = ET_OK;
    if (n >= DIRECT_BYTES || w->tail.n + n > TAIL_BYTES)
        st = et__writer_flush(w, err);
    if (st != ET_OK)
        return st;
    if (n < DIRECT_BYTES) {
        et_buf_put(&w->tail, p, n);
        return et_buf_check(&w->tail, "pages to be written", err);
    }
    st = et_file_write_at(w->file, w->flushed_end, p, n, err);
    if (st == ET_OK)
        w->flushed_end += (int64_t)n;
    return st;
}

/* ---- leaves ---- */

/* The leaf's turn, and as many rows as the leaves before it. */
static enum et_status check_turn(const struct et_parquet_writer *w, size_t leaf, int64_t n_rows,
                                 struct et_err *err)
{
    if (w->is_failed)
        return et_fail(err, ET_EARG, -1, "a writer that failed can only be closed");
    if (leaf >= w->meta.n_leaves || leaf != w->n_leaves)
        return et_fail(err, ET_EARG, (int64_t)leaf, "column %zu is written where %zu comes next",
                       leaf, w->n_leaves);
    if (n_rows < 0 || (w->n_leaves > 0 && n_rows != w->group_rows))
        return et_fail(err, ET_EARG, n_rows,
                       "column %s has %lld rows where the columns before have %lld",
                       w->meta.leaves[leaf].path, (long long)n_rows, (long long)w->group_rows);
    const enum et_parquet_type type = w->meta.leaves[leaf].type;
    if (type == ET_PARQUET_INT96 || type == ET_PARQUET_FIXED)
        return et_fail(err, ET_EARG, -1, "column %s has a type that is not written",
                       w->meta.leaves[leaf].path);
    return ET_OK;
}

static enum et_status check_texts(const struct et__leaf_values *v,
                                  const struct et_parquet_leaf *leaf, struct et_err *err)
{
    const struct et_str *texts = v->values;
    for (int64_t i = 0; leaf->type == ET_PARQUET_BYTES && i < v->n_values; i++)
        if (texts[i].n > ET__PARQUET_PAGE_BYTES_MAX / 2)
            return et_fail(err, ET_ELIMIT, i, "column %s: value %lld has %zu bytes, too many",
                           leaf->path, (long long)i, texts[i].n);
    return ET_OK;
}

static enum et_status write_checked(struct et_parquet_writer *w, const struct et__leaf_values *v,
                                    struct et_err *err)
{
    enum et_status st = check_texts(v, &w->meta.leaves[v->leaf], err);
    if (st != ET_OK)
        return st; // nothing was done
    if (w->n_leaves == 0) {
        et_buf_clear(&w->group);
        w->out = et__thrift_out(&w->group);
        et__thrift_put_struct(&w->out, 0);
        et__thrift_put_list(&w->out, 1, ET__THRIFT_STRUCT, w->meta.n_leaves);
        w->group_rows = v->n_rows;
        w->unpacked_bytes = w->packed_bytes = 0;
    }
    st = et__chunk_write(w, v, err);
    w->n_leaves++;
    w->is_failed = st != ET_OK;
    return st;
}

enum et_status et_parquet_write_rows(struct et_parquet_writer *writer, size_t leaf,
                                     const void *values, int64_t n_rows, size_t width,
                                     struct et_err *err)
{
    enum et_status st = check_turn(writer, leaf, n_rows, err);
    if (st != ET_OK)
        return st;
    const struct et_parquet_leaf *own = &writer->meta.leaves[leaf];
    if (own->max_rep > 1 || width == 0 || (own->max_rep == 0 && width != 1) ||
        (n_rows > 0 && width > (size_t)INT64_MAX / 16 / (size_t)n_rows))
        return et_fail(err, ET_EARG, -1, "column %s does not take rows of %zu values", own->path,
                       width);
    const int64_t n = n_rows * (int64_t)width;
    const struct et__leaf_values v = {.leaf = leaf,
                                      .values = values,
                                      .n_rows = n_rows,
                                      .n_levels = n,
                                      .n_values = n,
                                      .width = width};
    return write_checked(writer, &v, err);
}

/* The definition level from which each repetition level's list has an element. */
static void levels_of_lists(const struct et__parquet_meta *meta, const struct et_parquet_leaf *leaf,
                            uint8_t def_at[ET_PARQUET_DEPTH_MAX + 2])
{
    int def = leaf->max_def, rep = leaf->max_rep;
    for (int i = leaf->node; i >= 0; i = meta->nodes[i].parent) {
        if (meta->nodes[i].repetition == ET_PARQUET_REPEATED)
            def_at[rep--] = (uint8_t)def;
        def -= meta->nodes[i].repetition != ET_PARQUET_REQUIRED;
    }
    def_at[0] = 0;
}

/* Levels must be what some nested rows have: a level that goes on with a list is in it, and so was
 * the one before. */
static enum et_status check_levels(const struct et__parquet_meta *meta,
                                   const struct et_parquet_leaf *leaf,
                                   const struct et_parquet_batch *batch, struct et_err *err)
{
    uint8_t def_at[ET_PARQUET_DEPTH_MAX + 2] = {0};
    int64_t n_rows = 0, n_values = 0;
    levels_of_lists(meta, leaf, def_at);
    for (int64_t i = 0; i < batch->n_levels; i++) {
        const int rep = leaf->max_rep > 0 ? batch->rep[i] : 0;
        const int def = leaf->max_def > 0 ? batch->def[i] : 0;
        const int before = i > 0 && leaf->max_def > 0 ? batch->def[i - 1] : 0;
        if (rep > leaf->max_rep || def > leaf->max_def || (i == 0 && rep != 0) ||
            (rep > 0 && (def < def_at[rep] || before < def_at[rep])))
            return et_fail(
                err, ET_EARG, i,
                "column %s: level %lld (repetition %d, definition %d) cannot stand there",
                leaf->path, (long long)i, rep, def);
        n_rows += rep == 0;
        n_values += def == leaf->max_def;
    }
    if (n_rows != batch->n_rows || n_values != batch->n_values)
        return et_fail(err, ET_EARG, -1,
                       "column %s: its levels make %lld rows and %lld values, not %lld and %lld",
                       leaf->path, (long long)n_rows, (long long)n_values, (long long)batch->n_rows,
                       (long long)batch->n_values);
    return ET_OK;
}

enum et_status et_parquet_write_leaf(struct et_parquet_writer *writer, size_t leaf,
                                     const struct et_parquet_batch *batch, struct et_err *err)
{
    enum et_status st = check_turn(writer, leaf, batch->n_rows, err);
    if (st != ET_OK)
        return st;
    const struct et_parquet_leaf *own = &writer->meta.leaves[leaf];
    if (batch->n_levels < 0 || (batch->n_levels > 0 && ((own->max_def > 0 && !batch->def) ||
                                                        (own->max_rep > 0 && !batch->rep))))
        return et_fail(err, ET_EARG, -1, "column %s lacks its levels", own->path);
    st = check_levels(&writer->meta, own, batch, err);
    if (st != ET_OK)
        return st;
    struct et__leaf_values v = {.leaf = leaf,
                                .values = batch->values,
                                .n_rows = batch->n_rows,
                                .n_levels = batch->n_levels,
                                .n_values = batch->n_values,
                                .def = own->max_def > 0 ? batch->def : NULL,
                                .rep = own->max_rep > 0 ? batch->rep : NULL};
    if (own->max_rep == 0 && v.n_values == v.n_rows)
        v.width = 1; // no nulls: a rectangle
    return write_checked(writer, &v, err);
}

/* ---- row groups ---- */

static enum et_status write_journal(struct et_parquet_writer *w, struct et_err *err)
{
    struct et_buf record = et_buf(ET__PARQUET_FOOTER_BYTES_MAX);
    if (!w->journal)
        return ET_OK;
    et__journal_put(&record, et_buf_str(&w->group));
    enum et_status st = et_buf_check(&record, "a journal's record", err);
    if (st == ET_OK)
        st = et_file_write_at(w->journal, w->journal_end, record.p, record.n, err);
    if (st == ET_OK && w->options.should_sync)
        st = et_file_sync(w->journal, err);
    if (st == ET_OK) {
        w->journal_end += (int64_t)record.n;
    } else {
        // What the caller is told was not committed must not be found later.
        const enum et_status undone = et_file_truncate(w->journal, w->journal_end, NULL);
        (void)undone;
    }
    et_buf_free(&record);
    return st;
}

/* The end of the RowGroup: its sizes, and its number where 16 bits hold it. */
static void end_group(struct et_parquet_writer *w)
{
    struct et__thrift_out *out = &w->out;
    et__thrift_put_int(out, 2, ET__THRIFT_I64, w->unpacked_bytes);
    et__thrift_put_int(out, 3, ET__THRIFT_I64, w->group_rows);
    et__thrift_put_int(out, 5, ET__THRIFT_I64, w->committed_end);
    et__thrift_put_int(out, 6, ET__THRIFT_I64, w->packed_bytes);
    if (w->n_groups <= INT16_MAX)
        et__thrift_put_int(out, 7, ET__THRIFT_I16, (int64_t)w->n_groups);
    et__thrift_put_end(out);
}

enum et_status et_parquet_writer_commit(struct et_parquet_writer *writer, struct et_err *err)
{
    struct et_parquet_writer *w = writer;
    if (w->is_failed)
        return et_fail(err, ET_EARG, -1, "a writer that failed can only be closed");
    if (w->n_leaves != w->meta.n_leaves)
        return et_fail(err, ET_EARG, (int64_t)w->n_leaves,
                       "a row group with %zu of %zu columns cannot be committed", w->n_leaves,
                       w->meta.n_leaves);
    end_group(w);
    et_buf_putstr(&w->groups, et_buf_str(&w->group));
    enum et_status st = et_buf_check(&w->group, "a row group's description", err);
    if (st == ET_OK)
        st = et_buf_check(&w->groups, "the footer", err);
    // The data first: a record speaks of what is there.
    if (st == ET_OK)
        st = et__writer_flush(w, err);
    if (st == ET_OK && w->options.should_sync)
        st = et_file_sync(w->file, err);
    if (st == ET_OK)
        st = write_journal(w, err);
    w->is_failed = st != ET_OK;
    if (st != ET_OK)
        return st;
    w->committed_end = w->flushed_end;
    w->n_groups++;
    w->n_rows += w->group_rows;
    w->n_leaves = 0;
    return ET_OK;
}

static enum et_status write_footer(struct et_parquet_writer *w, struct et_err *err)
{
    struct et_buf footer = et_buf(ET__PARQUET_FOOTER_BYTES_MAX + ET__PARQUET_TAIL_BYTES);
    et__parquet_meta_write(&footer, &w->meta, w->n_rows, w->n_groups, et_buf_str(&w->groups));
    const size_t n_bytes = footer.n;
    const uint32_t n = (uint32_t)n_bytes;
    et_buf_put(&footer, &n, sizeof n);
    et_buf_put(&footer, ET__PARQUET_MAGIC, ET__PARQUET_MAGIC_BYTES);
    enum et_status st = et_buf_check(&footer, "the footer", err);
    if (st == ET_OK && n_bytes > ET__PARQUET_FOOTER_BYTES_MAX)
        st = et_fail(err, ET_ELIMIT, -1, "a footer of %zu bytes is too long", n_bytes);
    if (st == ET_OK)
        st = et_file_write_at(w->file, w->committed_end, footer.p, footer.n, err);
    if (st == ET_OK)
        st = et_file_sync(w->file, err);
    et_buf_free(&footer);
    return st;
}

enum et_status et_parquet_writer_finish(struct et_parquet_writer *writer, struct et_err *err)
{
    struct et_parquet_writer *w = writer;
    enum et_status st = ET_OK;
    if (w->is_failed)
        st = et_fail(err, ET_EARG, -1, "a writer that failed can only be closed");
    else if (w->n_leaves > 0)
        st = et_fail(err, ET_EARG, -1, "a row group was begun and not committed");
    if (st == ET_OK)
        st = write_footer(w, err);
    if (st == ET_OK && w->journal)
        st = et_file_remove(w->journal_path, err);
    et_parquet_writer_close(w);
    return st;
}
