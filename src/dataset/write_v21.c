/* The metadata files of LeRobot v2.1, and GR00T's modality.json beside them. */
#include "dataset/dataset__write.h"

struct v21 {
    const struct et__spec *spec;
    struct et__stream episodes, stats;
};

static enum et_status put_episode(struct et__stream *stream, const struct et__journal_line *line,
                                  struct et_err *err)
{
    struct et_json_writer w = {.buf = &stream->buf};
    et_json_open_map(&w);
    et_json_put_int(&w, "episode_index", line->index);
    et_json_key(&w, "tasks");
    et_json_value(&w, et_value_get(line->value, "tasks"));
    et_json_put_int(&w, "length", line->n_rows);
    et_json_close_map(&w);
    return et__stream_line(stream, err);
}

static enum et_status put_stats(struct v21 *v21, const struct et__journal_line *line,
                                struct et_arena *arena, struct et_err *err)
{
    struct et_json_writer w = {.buf = &v21->stats.buf};
    struct et__stats *stats;
    const enum et_status st = et__stats_unpack(line->stats, v21->spec, arena, &stats, err);
    if (st != ET_OK)
        return st;
    et_json_open_map(&w);
    et_json_put_int(&w, "episode_index", line->index);
    et_json_key(&w, "stats");
    et_json_open_map(&w);
    for (size_t i = 0; i < v21->spec->n_fields; i++) {
        if (stats[i].n == 0)
            continue;
        et_json_key(&w, v21->spec->fields[i].name);
        et__stats_put(&w, &v21->spec->fields[i], &stats[i], false); // v2.1 knows no quantiles
    }
    et_json_close_map(&w);
    et_json_close_map(&w);
    return et__stream_line(&v21->stats, err);
}

static enum et_status put_line(void *ctx, const struct et__journal_line *line,
                               struct et_arena *arena, struct et_err *err)
{
    struct v21 *v21 = ctx;
    if (line->kind != ET__JOURNAL_EPISODE)
        return ET_OK;
    const enum et_status st = put_episode(&v21->episodes, line, err);
    return st == ET_OK ? put_stats(v21, line, arena, err) : st;
}

static enum et_status write_tasks(const char *root, const struct et__summary *summary,
                                  struct et_err *err)
{
    struct et__stream stream;
    enum et_status st = et__stream_open(&stream, root, "meta/tasks.jsonl", err);
    for (size_t i = 0; st == ET_OK && i < summary->tasks.n; i++) {
        struct et_json_writer w = {.buf = &stream.buf};
        et_json_open_map(&w);
        et_json_put_int(&w, "task_index", (int64_t)i);
        et_json_put_text(&w, "task", summary->tasks.texts[i]);
        et_json_close_map(&w);
        st = et__stream_line(&stream, err);
    }
    return et__stream_close(&stream, st, err);
}

static enum et_status write_modality(const char *root, const char *text, struct et_err *err)
{
    struct et_buf buf = et_buf(ET__JSON_BYTES_MAX);
    et_buf_puts(&buf, text);
    const enum et_status st = et__meta_replace(root, "meta/modality.json", &buf, err);
    et_buf_free(&buf);
    return st;
}

enum et_status et__v21_write(const char *root, const struct et__spec *spec,
                             const struct et__summary *summary, struct et_err *err)
{
    struct v21 v21 = {.spec = spec};
    enum et_status st = et__stream_open(&v21.episodes, root, "meta/episodes.jsonl", err);
    if (st == ET_OK)
        st = et__stream_open(&v21.stats, root, "meta/episodes_stats.jsonl", err);
    if (st == ET_OK)
        st = et__journal_each(root, put_line, &v21, err);
    st = et__stream_close(&v21.episodes, st, err);
    st = et__stream_close(&v21.stats, st, err);
    if (st == ET_OK)
        st = write_tasks(root, summary, err);
    if (st == ET_OK && spec->modality)
        st = write_modality(root, spec->modality, err);
    return st;
}
