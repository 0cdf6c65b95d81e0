#include "dataset/dataset__write.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

// An episode's table and its statistics.
#define EPISODE_ARENA_BYTES ((size_t)8 << 30)

void et__next_file(int64_t *chunk, int64_t *file, int64_t chunk_files)
{
    if (*file == chunk_files - 1) {
        *file = 0;
        (*chunk)++;
    } else {
        (*file)++;
    }
}

enum et_status et__data_remove(const char *path, struct et_err *err)
{
    char journal[ET_PATH_BYTES_MAX + 16];
    (void)snprintf(journal, sizeof journal, "%s.journal", path);
    const enum et_status st = et_path_remove(path, err);
    return st == ET_OK ? et_path_remove(journal, err) : st;
}

enum et_status et__writer_path(struct et_dataset_writer *w, const char *template,
                               const struct et__path_fields *fields, char path[ET_PATH_BYTES_MAX],
                               struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(w->arena);
    const char *whole = et__path_expand(w->arena, w->root, template, fields);
    const char *folder = whole ? et_path_dir(w->arena, whole) : NULL;
    enum et_status st = ET_OK;
    if (!whole || !folder)
        st = et_arena_fail(w->arena, "a path", err);
    else if (strlen(whole) >= ET_PATH_BYTES_MAX)
        st = et_fail(err, ET_EIO, -1, "%.200s… is too long for a path", whole);
    else
        memcpy(path, whole, strlen(whole) + 1);
    if (st == ET_OK)
        st = et_dir_make(folder, err);
    et_arena_rewind(w->arena, mark);
    return st;
}

/* ---- creating ---- */

enum et_status et__check_free(const char *path, struct et_arena *arena, struct et_err *err)
{
    enum et_path_kind kind = ET_PATH_NONE;
    const char *const *names;
    size_t n_names = 0;

    enum et_status st = et_path_kind(path, &kind, err);
    if (st == ET_OK && kind == ET_PATH_DIR)
        st = et_dir_list(path, arena, &names, &n_names, err);
    if (st != ET_OK)
        return st;
    if (n_names > 0 || (kind != ET_PATH_NONE && kind != ET_PATH_DIR))
        return et_fail(err, ET_EEXISTS, -1, "%.200s exists already%s", path,
                       n_names > 0 ? " and is not empty" : "");
    return ET_OK;
}

static enum et_status make_cameras(struct et_dataset_writer *w, struct et_err *err)
{
    const struct et__spec *spec = w->spec;
    for (size_t i = 0; i < spec->n_fields; i++)
        w->n_cameras += spec->fields[i].is_video;
    w->cameras = et_arena_array(w->arena, w->n_cameras, sizeof *w->cameras);
    if (!w->cameras)
        return et_arena_fail(w->arena, "the cameras", err);
    size_t n = 0;
    for (size_t i = 0; i < spec->n_fields; i++)
        if (spec->fields[i].is_video)
            w->cameras[n++].i_field = i;
    return ET_OK;
}

// The journal's first line is written and read back, so that repairing sees what the writer saw.
static enum et_status make_spec(struct et_dataset_writer *w, const struct et_dataset_spec *given,
                                struct et_err *err)
{
    const struct et_value *value = NULL;
    enum et_status st = et__spec_put(&w->line, given, err);
    if (st == ET_OK)
        st = et_json_parse(et_buf_str(&w->line), NULL, w->arena, &value, err);
    if (st == ET_OK)
        st = et__spec_read(value, w->arena, &w->spec, err);
    if (st == ET_OK && w->spec->modality) {
        const struct et_arena_mark mark = et_arena_mark(w->arena);
        st = et_json_parse(et_str(w->spec->modality), NULL, w->arena, &value, err);
        et_arena_rewind(w->arena, mark);
        if (st != ET_OK) {
            (void)et_err_context(err, "modality_json");
            st = ET_EARG;
        }
    }
    return st;
}

static enum et_status open_writer(struct et_dataset_writer *w, const char *path,
                                  const struct et_dataset_spec *spec, struct et_err *err)
{
    enum et_status st = et_arena_open(&w->arena, ET__WRITER_ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    w->root = et__copy_text(w->arena, et_str(path));
    if (!w->root)
        return et_arena_fail(w->arena, "the dataset's path", err);
    st = make_spec(w, spec, err);
    if (st == ET_OK)
        st = et__tasks_from_spec(&w->tasks, w->spec, w->arena, err);
    if (st == ET_OK)
        st = et__check_free(path, w->arena, err);
    if (st == ET_OK)
        st = make_cameras(w, err);
    if (st == ET_OK)
        st = et__quantiles_open(&w->quantiles, w->spec, err);
    if (st == ET_OK)
        st = et__journal_create(&w->journal, &w->journal_end, w->root, et_buf_str(&w->line), err);
    return st;
}

enum et_status et_dataset_create(struct et_dataset_writer **writer, const char *path,
                                 const struct et_dataset_spec *spec, struct et_err *err)
{
    assert(writer && path && spec);
    *writer = NULL;
    struct et_dataset_writer *w = calloc(1, sizeof *w);
    if (!w)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a dataset writer");
    w->line = et_buf(ET__JOURNAL_LINE_BYTES_MAX);
    w->stats = et_buf(ET__JOURNAL_LINE_BYTES_MAX);
    const enum et_status st = open_writer(w, path, spec, err);
    if (st != ET_OK) {
        et_dataset_writer_close(w);
        return st;
    }
    *writer = w;
    return ET_OK;
}

void et_dataset_writer_close(struct et_dataset_writer *w)
{
    if (!w)
        return;
    et_parquet_writer_close(w->data);
    for (size_t i = 0; i < w->n_cameras && w->cameras; i++)
        et_video_writer_close(w->cameras[i].writer);
    et__quantiles_close(w->quantiles);
    et_file_close(w->journal);
    et_buf_free(&w->line);
    et_buf_free(&w->stats);
    et_arena_close(w->arena);
    free(w);
}

struct et_dataset_totals et_dataset_writer_totals(const struct et_dataset_writer *w)
{
    return w->totals;
}

const struct et__spec *et__writer_spec(const struct et_dataset_writer *w)
{
    return w->spec;
}

/* ---- adding and finishing ---- */

enum et_status et__writer_check(const struct et_dataset_writer *w, struct et_err *err)
{
    if (w->is_broken)
        return et_fail(err, ET_EIO, -1, "the disk failed before; %.200s can only be closed",
                       w->root);
    return ET_OK;
}

enum et_status et_dataset_add(struct et_dataset_writer *w, const struct et_new_episode *episode,
                              struct et_err *err)
{
    struct et_arena *arena = NULL;
    struct et__prepared prepared = {0};

    enum et_status st = et__writer_check(w, err);
    if (st == ET_OK)
        st = et_arena_open(&arena, EPISODE_ARENA_BYTES, err);
    if (st == ET_OK)
        st = et__prepare(w->spec, episode, arena, &prepared, err);
    if (st == ET_OK)
        st = et__add_prepared(w, episode, &prepared, arena, err);
    et_arena_close(arena);
    return st;
}

enum et_status et_dataset_reject(struct et_dataset_writer *w,
                                 const struct et_rejected_episode *episode, struct et_err *err)
{
    enum et_status st = et__writer_check(w, err);
    if (st != ET_OK)
        return st;
    et_buf_clear(&w->line);
    struct et_json_writer json = {.buf = &w->line};
    et_json_open_map(&json);
    et_json_put_text(&json, "line", "rejected");
    const struct et__verdict verdict = {.source_id = episode->source_id,
                                        .grade = episode->grade,
                                        .findings = episode->findings,
                                        .n_findings = episode->n_findings};
    et__verdict_put(&json, &verdict);
    et_json_close_map(&json);
    st = et_buf_check(&w->line, "a line of the journal", err);
    if (st == ET_OK)
        st = et__journal_append(w->journal, &w->journal_end, et_buf_str(&w->line),
                                w->spec->should_sync, err);
    if (st == ET_OK)
        w->totals.n_rejected++;
    else
        w->is_broken = w->is_broken || st == ET_EIO;
    return st;
}

// Ends the files that still grow.
static enum et_status finish_files(struct et_dataset_writer *w, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (w->data)
        st = et_parquet_writer_finish(w->data, err);
    w->data = NULL;
    for (size_t i = 0; st == ET_OK && i < w->n_cameras; i++)
        st = et__camera_finish(&w->cameras[i], err);
    return st;
}

enum et_status et_dataset_finish(struct et_dataset_writer *w,
                                 const struct et_provenance *provenance,
                                 struct et_dataset_totals *totals, struct et_err *err)
{
    assert(w);
    enum et_status st = et__writer_check(w, err);
    // First, so that a finish that is cut short can be repaired with it.
    if (st == ET_OK && provenance)
        st = et__provenance_write(w->root, provenance, err);
    if (st == ET_OK)
        st = finish_files(w, err);
    if (st == ET_OK)
        st = et__metadata_write(w->root, w->spec, w->quantiles, err);
    if (totals)
        *totals = w->totals;
    et_dataset_writer_close(w);
    return st;
}
