#include "recording/recording__rows.h"

#include <math.h>
#include <stdlib.h>

// Room for one more of `size` bytes; NULL: the arena is full.
static void *grown(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    const size_t more = *cap ? *cap * 2 : 16;
    void *to = et_arena_array(arena, more, size);
    if (!to)
        return NULL;
    if (n > 0)
        memcpy(to, items, n * size);
    *cap = more;
    return to;
}

enum et_status et__rows_remark(struct et__rows *rows, bool is_loss, const char *where,
                               const char *text, int64_t n, struct et_err *err)
{
    struct et_recording_info *info = &rows->base.info;
    struct et_arena *arena = rows->base.arena;
    for (size_t i = 0; i < info->n_remarks; i++) {
        struct et_recording_remark *m = &rows->remarks[i];
        if (strcmp(m->where, where) == 0 && strcmp(m->text, text) == 0) {
            m->n += n;
            return ET_OK;
        }
    }
    if (info->n_remarks >= ET__ROWS_REMARKS_MAX - 1) {
        where = "";
        text = "more remarks than are kept";
        if (info->n_remarks == ET__ROWS_REMARKS_MAX) {
            rows->remarks[info->n_remarks - 1].n += n;
            rows->remarks[info->n_remarks - 1].is_loss |= is_loss;
            return ET_OK;
        }
    }
    void *to =
        grown(arena, rows->remarks, info->n_remarks, &rows->cap_remarks, sizeof *rows->remarks);
    char *kept_where = et_arena_copy(arena, where, strlen(where));
    char *kept_text = et_arena_copy(arena, text, strlen(text));
    if (!to || !kept_where || !kept_text)
        return et_arena_fail(arena, "a recording's remarks", err);
    info->remarks = rows->remarks = to;
    rows->remarks[info->n_remarks++] = (struct et_recording_remark){
        .is_loss = is_loss, .where = kept_where, .text = kept_text, .n = n};
    return ET_OK;
}

enum et_status et__rows_span(struct et__rows *rows, const struct et_span *span, struct et_err *err)
{
    struct et_recording_info *info = &rows->base.info;
    struct et_arena *arena = rows->base.arena;
    if (info->n_spans == ET__ROWS_SPANS_MAX)
        return et__rows_remark(rows, false, "", "more episodes and segments than are kept", 1, err);
    void *to = grown(arena, rows->spans, info->n_spans, &rows->cap_spans, sizeof *rows->spans);
    char *name = et_arena_copy(arena, span->name, strlen(span->name));
    if (!to || !name)
        return et_arena_fail(arena, "a recording's episodes", err);
    info->spans = rows->spans = to;
    rows->spans[info->n_spans] = *span;
    rows->spans[info->n_spans++].name = name;
    return ET_OK;
}

enum et_status et__rows_pair(struct et__rows *rows, const char *key, const char *value,
                             struct et_err *err)
{
    struct et_recording_info *info = &rows->base.info;
    struct et_arena *arena = rows->base.arena;
    if (info->n_metadata == ET__ROWS_PAIRS_MAX)
        return et__rows_remark(rows, false, "", "more metadata than is kept", 1, err);
    void *to = grown(arena, rows->pairs, info->n_metadata, &rows->cap_pairs, sizeof *rows->pairs);
    char *kept_key = et_arena_copy(arena, key, strlen(key));
    char *kept_value = et_arena_copy(arena, value, strlen(value));
    if (!to || !kept_key || !kept_value)
        return et_arena_fail(arena, "a recording's metadata", err);
    info->metadata = rows->pairs = to;
    rows->pairs[info->n_metadata++] = (struct et_pair){kept_key, kept_value};
    return ET_OK;
}

static int by_time(const void *x, const void *y)
{
    const struct et_span *a = x, *b = y;
    if (a->t_first_ns != b->t_first_ns)
        return a->t_first_ns < b->t_first_ns ? -1 : 1;
    if (a->is_episode != b->is_episode)
        return a->is_episode ? -1 : 1;
    if (a->t_last_ns != b->t_last_ns)
        return a->t_last_ns > b->t_last_ns ? -1 : 1;
    return strcmp(a->name, b->name);
}

void et__rows_sort_spans(struct et__rows *rows)
{
    if (rows->base.info.n_spans > 1)
        qsort(rows->spans, rows->base.info.n_spans, sizeof *rows->spans, by_time);
}

int64_t et__rows_time(int64_t i, double rate_hz)
{
    return (int64_t)llround((double)i * 1e9 / rate_hz);
}
