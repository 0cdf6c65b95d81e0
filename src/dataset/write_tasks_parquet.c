/* meta/tasks.parquet. LeRobot reads it through pandas and takes the texts from its index
 * (dataset_reader.py:377), so the key "pandas" must say which column that is. */
#include "dataset/dataset__write.h"

#include <stdio.h>

static void put_column(struct et_json_writer *w, const char *name, const char *pandas_type,
                       const char *numpy_type)
{
    et_json_open_map(w);
    et_json_put_text(w, "name", name);
    et_json_put_text(w, "field_name", name);
    et_json_put_text(w, "pandas_type", pandas_type);
    et_json_put_text(w, "numpy_type", numpy_type);
    et_json_key(w, "metadata");
    if (name) {
        et_json_null(w);
    } else {
        et_json_open_map(w);
        et_json_put_text(w, "encoding", "UTF-8");
        et_json_close_map(w);
    }
    et_json_close_map(w);
}

static void put_pandas(struct et_json_writer *w)
{
    et_json_open_map(w);
    et_json_key(w, "index_columns");
    et_json_open_list(w);
    et_json_text(w, "task");
    et_json_close_list(w);
    et_json_key(w, "column_indexes");
    et_json_open_list(w);
    put_column(w, NULL, "unicode", "object");
    et_json_close_list(w);
    et_json_key(w, "columns");
    et_json_open_list(w);
    put_column(w, "task_index", "int64", "int64");
    put_column(w, "task", "unicode", "object");
    et_json_close_list(w);
    et_json_key(w, "attributes");
    et_json_open_map(w);
    et_json_close_map(w);
    et_json_key(w, "creator");
    et_json_open_map(w);
    et_json_put_text(w, "library", "etude");
    et_json_put_text(w, "version", et_version());
    et_json_close_map(w);
    et_json_put_text(w, "pandas_version", "2.2.0");
    et_json_close_map(w);
}

static enum et_status write_rows(struct et_parquet_writer *file, const struct et__summary *summary,
                                 struct et_err *err)
{
    const size_t n = summary->tasks.n;
    struct et_arena *arena = NULL;
    enum et_status st = et_arena_open(&arena, ET__WRITER_ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    int64_t *numbers = et_arena_array(arena, n, sizeof *numbers);
    struct et_str *texts = et_arena_array(arena, n, sizeof *texts);
    uint8_t *def = et_arena_alloc(arena, n);
    if (!numbers || !texts || !def) {
        st = et_arena_fail(arena, "the table of tasks", err);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        numbers[i] = (int64_t)i;
        texts[i] = et_str(summary->tasks.texts[i]);
        def[i] = 1;
    }
    st = et_parquet_write_rows(file, 0, numbers, (int64_t)n, 1, err);
    if (st == ET_OK) {
        const struct et_parquet_batch batch = {.n_rows = (int64_t)n,
                                               .n_levels = (int64_t)n,
                                               .n_values = (int64_t)n,
                                               .def = def,
                                               .values = texts};
        st = et_parquet_write_leaf(file, 1, &batch, err);
    }
    if (st == ET_OK)
        st = et_parquet_writer_commit(file, err);
out:
    et_arena_close(arena);
    return st;
}

enum et_status et__tasks_parquet_write(const char *root, const struct et__summary *summary,
                                       struct et_err *err)
{
    struct et_parquet_node nodes[2];
    struct et_parquet_writer *file = NULL;
    struct et__part part;
    size_t n_nodes = 0;
    struct et_buf pandas = et_buf(ET__JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &pandas};

    put_pandas(&w);
    (void)et_parquet_add_column(nodes, 2, &n_nodes, "task_index", ET_PARQUET_INT64,
                                ET_PARQUET_PLAIN, 0);
    (void)et_parquet_add_column(nodes, 2, &n_nodes, "task", ET_PARQUET_BYTES, ET_PARQUET_STRING, 0);
    const struct et_parquet_metadata metadata = {"pandas", et_buf_text(&pandas)};
    const struct et_parquet_writer_options options = {
        .codec = ET_PARQUET_SNAPPY, .use_dictionary = true, .metadata = &metadata, .n_metadata = 1};
    enum et_status st = et_buf_check(&pandas, "the table of tasks", err);
    if (st == ET_OK)
        st = et__part_begin(&part, root, "meta/tasks.parquet", err);
    if (st == ET_OK)
        st = et_parquet_create(&file, part.part, nodes, n_nodes, &options, err);
    if (st == ET_OK && summary->tasks.n > 0)
        st = write_rows(file, summary, err);
    if (st == ET_OK)
        st = et_parquet_writer_finish(file, err);
    else
        et_parquet_writer_close(file);
    et_buf_free(&pandas);
    return st == ET_OK ? et__part_end(&part, err) : st;
}
