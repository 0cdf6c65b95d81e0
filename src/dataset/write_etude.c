/* meta/etude/: what became of every episode, in lines that other programs may read. */
#include "dataset/dataset__write.h"

static void put_member(struct et_json_writer *w, const struct et_value *line, const char *key)
{
    et_json_key(w, key);
    et_json_value(w, et_value_get(line, key));
}

enum et_status et__etude_put(struct et__etude *lists, const struct et__journal_line *line,
                             struct et_err *err)
{
    if (line->kind == ET__JOURNAL_SPEC)
        return ET_OK;

    const bool is_kept = line->kind == ET__JOURNAL_EPISODE;
    struct et__stream *stream = is_kept ? &lists->episodes : &lists->rejected;
    struct et_json_writer w = {.buf = &stream->buf};
    et_json_open_map(&w);
    if (is_kept) {
        et_json_put_int(&w, "episode_index", line->index);
        et_json_put_int(&w, "length", line->n_rows);
        put_member(&w, line->value, "tasks");
    }
    put_member(&w, line->value, "source_id");
    put_member(&w, line->value, "grade");
    if (et_value_get(line->value, "latency"))
        put_member(&w, line->value, "latency");
    put_member(&w, line->value, "findings");
    et_json_close_map(&w);
    return et__stream_line(stream, err);
}

enum et_status et__etude_open(struct et__etude *lists, const char *root, struct et_err *err)
{
    memset(lists, 0, sizeof *lists);
    const enum et_status st =
        et__stream_open(&lists->episodes, root, "meta/etude/episodes.jsonl", err);
    return st == ET_OK ? et__stream_open(&lists->rejected, root, "meta/etude/rejected.jsonl", err)
                       : st;
}

enum et_status et__etude_close(struct et__etude *lists, enum et_status st, struct et_err *err)
{
    st = et__stream_close(&lists->episodes, st, err);
    return et__stream_close(&lists->rejected, st, err);
}
