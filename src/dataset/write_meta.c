/* The metadata of a dataset, all of it made from the journal. */
#include "dataset/dataset__write.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define LINE_ARENA_BYTES ((size_t)2 << 30)
#define STREAM_BYTES ((size_t)1 << 20)

/* ---- files ---- */

enum et_status et__meta_path(const char *root, const char *name, char path[ET_PATH_BYTES_MAX],
                             struct et_err *err)
{
    const int n = snprintf(path, ET_PATH_BYTES_MAX, "%s/%s", root, name);
    if (n < 0 || n >= ET_PATH_BYTES_MAX)
        return et_fail(err, ET_EIO, -1, "%.200s… is too long for a path", root);
    char *slash = strrchr(path, '/');
    *slash = 0;
    const enum et_status st = et_dir_make(path, err);
    *slash = '/';
    return st;
}

enum et_status et__meta_replace(const char *root, const char *name, struct et_buf *buf,
                                struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    enum et_status st = et_buf_check(buf, name, err);
    if (st == ET_OK)
        st = et__meta_path(root, name, path, err);
    return st == ET_OK ? et_file_replace(path, buf->p, buf->n, err) : st;
}

enum et_status et__part_begin(struct et__part *part, const char *root, const char *name,
                              struct et_err *err)
{
    const enum et_status st = et__meta_path(root, name, part->path, err);
    if (st != ET_OK)
        return st;
    const int n = snprintf(part->part, sizeof part->part, "%s" ET_FILE_PART_SUFFIX, part->path);
    if (n < 0 || (size_t)n >= sizeof part->part)
        return et_fail(err, ET_EIO, -1, "%.200s… is too long for a path", part->path);
    return et_path_remove(part->part, err);
}

enum et_status et__part_end(const struct et__part *part, struct et_err *err)
{
    return et_file_rename(part->part, part->path, err);
}

enum et_status et__stream_open(struct et__stream *stream, const char *root, const char *name,
                               struct et_err *err)
{
    memset(stream, 0, sizeof *stream);
    stream->buf = et_buf(ET__JSON_BYTES_MAX);
    const enum et_status st = et__part_begin(&stream->part, root, name, err);
    return st == ET_OK ? et_file_open(&stream->file, stream->part.part, ET_FILE_CREATE, err) : st;
}

enum et_status et__stream_flush(struct et__stream *stream, struct et_err *err)
{
    enum et_status st = et_buf_check(&stream->buf, stream->part.path, err);
    if (st == ET_OK && stream->buf.n > 0)
        st = et_file_write_at(stream->file, stream->at, stream->buf.p, stream->buf.n, err);
    stream->at += (int64_t)stream->buf.n;
    et_buf_clear(&stream->buf);
    return st;
}

enum et_status et__stream_line(struct et__stream *stream, struct et_err *err)
{
    et_buf_putc(&stream->buf, '\n');
    return stream->buf.n >= STREAM_BYTES ? et__stream_flush(stream, err)
                                         : et_buf_check(&stream->buf, stream->part.path, err);
}

enum et_status et__stream_close(struct et__stream *stream, enum et_status st, struct et_err *err)
{
    if (st == ET_OK)
        st = et__stream_flush(stream, err);
    if (st == ET_OK)
        st = et_file_sync(stream->file, err);
    et_file_close(stream->file);
    et_buf_free(&stream->buf);
    return st == ET_OK ? et__part_end(&stream->part, err) : st;
}

enum et_status et__provenance_write(const char *root, const struct et_provenance *provenance,
                                    struct et_err *err)
{
    struct et_buf buf = et_buf(ET__JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &buf, .indent = 2};
    et_provenance_json(&w, provenance);
    et_buf_putc(&buf, '\n');
    const enum et_status st = et__meta_replace(root, "meta/etude/provenance.json", &buf, err);
    et_buf_free(&buf);
    return st;
}

/* ---- the journal ---- */

enum et_status et__journal_each(const char *root, et__each_line each, void *ctx, struct et_err *err)
{
    struct et__journal *journal = NULL;
    struct et_arena *arena = NULL;
    struct et__journal_line line;

    enum et_status st = et_arena_open(&arena, LINE_ARENA_BYTES, err);
    if (st == ET_OK)
        st = et__journal_open(&journal, root, err);
    const struct et_arena_mark mark = arena ? et_arena_mark(arena) : (struct et_arena_mark){0};
    while (st == ET_OK && (st = et__journal_next(journal, arena, &line, err)) == ET_OK) {
        st = each(ctx, &line, arena, err);
        if (st == ET_ECORRUPT)
            (void)et_err_context(err, "%s, line at %lld", ET__JOURNAL_PATH, (long long)line.at);
        et_arena_rewind(arena, mark);
    }
    et__journal_close(journal);
    et_arena_close(arena);
    return st == ET_END ? ET_OK : st;
}

/* ---- the summary ---- */

struct summing {
    struct et__etude lists; // reading the journal once does for both
    const struct et__spec *spec;
    struct et__summary *summary;
    struct et_arena *arena;
};

static void merge(struct et_moments *moments, const struct et__stats *stats, size_t s)
{
    const struct et_moments one = {.n = stats->count,
                                   .mean = stats->mean[s],
                                   .m2 = stats->std[s] * stats->std[s] * (double)stats->count,
                                   .min = stats->min[s],
                                   .max = stats->max[s]};
    et_moments_merge(moments, &one);
}

/* Of pictures only samples of each episode are known, so quantiles over all are LeRobot's bounds
 * (compute_stats.py:615): the least of the lower ones, the largest of the upper ones. */
static void bound_quantiles(struct et__field_summary *field, const struct et__stats *stats)
{
    for (size_t q = 0; q < ET__N_QUANTILES; q++) {
        for (size_t s = 0; s < stats->n; s++) {
            const double x = stats->quantiles[q * stats->n + s];
            double *bound = &field->stats.quantiles[q * stats->n + s];
            const bool is_further = ET__LEVELS[q] <= 0.5 ? x < *bound : x > *bound;
            if (field->n_with_quantiles == 0 || is_further)
                *bound = x;
        }
    }
    field->n_with_quantiles++;
}

static enum et_status sum_stats(struct summing *summing, const struct et__journal_line *line,
                                struct et_arena *arena, struct et_err *err)
{
    struct et__stats *all;
    const enum et_status st = et__stats_unpack(line->stats, summing->spec, arena, &all, err);
    for (size_t i = 0; st == ET_OK && i < summing->spec->n_fields; i++) {
        const struct et__stats *stats = &all[i];
        struct et__field_summary *sum = &summing->summary->fields[i];
        if (stats->n == 0)
            continue;
        for (size_t s = 0; s < stats->n; s++)
            merge(&sum->moments[s], stats, s);
        sum->n_with_stats++;
        sum->stats.count += stats->count;
        if (stats->quantiles)
            bound_quantiles(sum, stats);
    }
    return st;
}

static void sum_videos(struct summing *summing, const struct et__journal_line *line)
{
    const struct et_value *videos = et_value_get(line->value, "videos");
    for (size_t i = 0; i < line->n_videos; i++) {
        const int i_field = et__spec_find(summing->spec, line->videos[i].key);
        if (i_field < 0)
            continue;
        struct et__field_summary *sum = &summing->summary->fields[i_field];
        const struct et_value *video = et_value_get(videos, line->videos[i].key);
        if (et_value_bool(et_value_get(video, "is_encoded"), false))
            sum->has_encoded = true;
        else
            sum->has_copied = true;
        if (sum->first_chunk < 0) {
            sum->first_chunk = line->videos[i].chunk;
            sum->first_file = line->videos[i].file;
        }
    }
}

static enum et_status sum_line(void *ctx, const struct et__journal_line *line,
                               struct et_arena *arena, struct et_err *err)
{
    struct summing *summing = ctx;
    struct et__summary *summary = summing->summary;
    enum et_status st = et__etude_put(&summing->lists, line, err);
    if (line->kind == ET__JOURNAL_REJECTED)
        summary->n_rejected++;
    if (line->kind != ET__JOURNAL_EPISODE)
        return st;

    for (size_t i = 0; st == ET_OK && i < line->n_tasks; i++) {
        int64_t number;
        st = et__tasks_add(&summary->tasks, line->tasks[i], summing->arena, &number, err);
    }
    summary->n_episodes++;
    summary->n_rows += line->n_rows;
    if (st == ET_OK)
        st = sum_stats(summing, line, arena, err);
    sum_videos(summing, line);
    return st;
}

static enum et_status begin_summary(struct summing *summing, struct et_err *err)
{
    const struct et__spec *spec = summing->spec;
    struct et__summary *summary = summing->summary;
    struct et_arena *arena = summing->arena;
    summary->fields = et_arena_array(arena, spec->n_fields, sizeof *summary->fields);
    if (!summary->fields)
        return et_arena_fail(arena, "the statistics", err);
    for (size_t i = 0; i < spec->n_fields; i++) {
        struct et__field_summary *sum = &summary->fields[i];
        const size_t n = spec->fields[i].n_stats;
        double *all = et_arena_array(arena, n * (4 + ET__N_QUANTILES), sizeof *all);
        sum->moments = et_arena_array(arena, n, sizeof *sum->moments);
        if (!all || !sum->moments)
            return et_arena_fail(arena, "the statistics", err);
        sum->first_chunk = sum->first_file = -1;
        sum->stats = (struct et__stats){.min = all,
                                        .max = all + n,
                                        .mean = all + 2 * n,
                                        .std = all + 3 * n,
                                        .quantiles = all + 4 * n};
    }
    return et__tasks_from_spec(&summary->tasks, spec, arena, err);
}

// Takes the moments over into the statistics; exact quantiles where there are numbers.
static void end_summary(struct summing *summing, const struct et__quantiles *quantiles)
{
    for (size_t i = 0; i < summing->spec->n_fields; i++) {
        const struct et__field *field = &summing->spec->fields[i];
        struct et__field_summary *sum = &summing->summary->fields[i];
        const size_t n = field->n_stats;
        if (sum->n_with_stats == 0)
            continue;
        sum->stats.n = n;
        for (size_t s = 0; s < n; s++) {
            sum->stats.min[s] = sum->moments[s].min;
            sum->stats.max[s] = sum->moments[s].max;
            sum->stats.mean[s] = sum->moments[s].mean;
            sum->stats.std[s] = et_moments_std(&sum->moments[s]);
        }
        for (size_t q = 0; field->n_values > 0 && q < ET__N_QUANTILES; q++)
            memcpy(sum->stats.quantiles + q * n, et__quantiles_get(quantiles, i, q),
                   n * sizeof(double));
        if (sum->n_with_quantiles < sum->n_with_stats)
            sum->stats.quantiles = NULL;
    }
}

static enum et_status summarize(struct summing *summing, const char *root,
                                struct et__quantiles *ready, struct et_err *err)
{
    struct et__quantiles *own = NULL;
    enum et_status st = begin_summary(summing, err);
    if (st == ET_OK) {
        st = et__etude_open(&summing->lists, root, err);
        if (st == ET_OK)
            st = et__journal_each(root, sum_line, summing, err);
        st = et__etude_close(&summing->lists, st, err);
    }
    if (st == ET_OK && !ready)
        st = et__quantiles_open(&own, summing->spec, err);
    if (st == ET_OK)
        st = et__quantiles_finish(ready ? ready : own, root, ready != NULL, err);
    if (st == ET_OK)
        end_summary(summing, ready ? ready : own);
    et__quantiles_close(own);
    return st;
}

/* ---- statistics over everything ---- */

enum et_status et__stats_json_write(const char *root, const struct et__spec *spec,
                                    const struct et__summary *summary, struct et_err *err)
{
    struct et_buf buf = et_buf(ET__JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &buf, .indent = 4};
    et_json_open_map(&w);
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (summary->fields[i].stats.n == 0)
            continue;
        et_json_key(&w, spec->fields[i].name);
        et__stats_put(&w, &spec->fields[i], &summary->fields[i].stats, true);
    }
    et_json_close_map(&w);
    const enum et_status st = et__meta_replace(root, "meta/stats.json", &buf, err);
    et_buf_free(&buf);
    return st;
}

/* ---- all of it ---- */

static enum et_status write_all(const char *root, const struct et__spec *spec,
                                const struct et__summary *summary, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (spec->layout == ET_LAYOUT_V21)
        st = et__v21_write(root, spec, summary, err);
    if (st == ET_OK && spec->layout == ET_LAYOUT_V30)
        st = et__tasks_parquet_write(root, summary, err);
    if (st == ET_OK && spec->layout == ET_LAYOUT_V30 && summary->n_episodes > 0)
        st = et__episodes_parquet_write(root, spec, summary, err);
    if (st == ET_OK && (spec->layout == ET_LAYOUT_V30 || spec->modality))
        st = et__stats_json_write(root, spec, summary, err);
    return st == ET_OK ? et__info_write(root, spec, summary, err) : st;
}

enum et_status et__metadata_write(const char *root, const struct et__spec *spec,
                                  struct et__quantiles *ready, struct et_err *err)
{
    struct et__summary summary = {0};
    struct summing summing = {.spec = spec, .summary = &summary};
    char path[ET_PATH_BYTES_MAX];

    enum et_status st = et_arena_open(&summing.arena, ET__WRITER_ARENA_BYTES, err);
    if (st == ET_OK)
        st = summarize(&summing, root, ready, err);
    if (st == ET_OK)
        st = write_all(root, spec, &summary, err);
    et_arena_close(summing.arena);
    if (st == ET_OK)
        st = et__meta_path(root, ET__JOURNAL_PATH, path, err);
    return st == ET_OK ? et_file_remove(path, err) : st;
}
