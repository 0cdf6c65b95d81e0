/* robomimic and mimicgen: many demonstrations in a file, laid one after the other on one line of
 * time, with a second between them. Each is an episode; the ends of mimicgen's subtasks are
 * segments. */
#include "recording/recording__hdf5.h"

#include "etude/json.h"

#include <stdlib.h>

#define RATE_HZ 20 // where the file does not say
#define RATE_HZ_MAX 10000
#define GAP_NS 1000000000
#define SIGNALS "datagen_info/subtask_term_signals"

static bool takes(const char *topic, const struct et_hdf5_object *object, void *ctx)
{
    (void)object, (void)ctx;
    return strcmp(topic, "next_obs") != 0 && strcmp(topic, SIGNALS) != 0;
}

// "demo_10" stands behind "demo_9".
static int64_t number_in(const char *name)
{
    const char *digits = name + strlen(name);
    int64_t n = -1;
    while (digits > name && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    return et_str_to_int64(et_str(digits), &n) ? n : -1;
}

static int by_number(const void *x, const void *y)
{
    const char *const *a = x, *const *b = y;
    const int64_t i = number_in(*a), k = number_in(*b);
    return i != k ? (i < k ? -1 : 1) : strcmp(*a, *b);
}

/* ---- what the file says of itself ---- */

static const char *pair_of(const struct et__hdf5_source *s, const char *key)
{
    const struct et_recording_info *info = &s->rows.base.info;
    for (size_t i = 0; i < info->n_metadata; i++)
        if (strcmp(info->metadata[i].key, key) == 0)
            return info->metadata[i].value;
    return NULL;
}

// JSON in an attribute; NULL: none, or it cannot be read.
static const struct et_value *json_of(struct et__hdf5_source *s, const char *key)
{
    static const struct et_json_options OPTIONS = {.allow_nan = true};
    const struct et_value *value = NULL;
    const char *text = pair_of(s, key);
    if (!text || et_json_parse(et_str(text), &OPTIONS, s->rows.base.arena, &value, NULL) != ET_OK)
        return NULL;
    return value;
}

static enum et_status take_rate(struct et__hdf5_source *s, struct et_err *err)
{
    const struct et_value *env = json_of(s, "env_args");
    const struct et_value *kwargs = et_value_get(env, "env_kwargs");
    const double rate_hz = et_value_real(et_value_get(kwargs, "control_freq"), -1);
    const struct et_value *problem = json_of(s, "problem_info");
    s->rows.base.info.task = et_value_text(et_value_get(problem, "language_instruction"), NULL);
    s->rate_hz = rate_hz;
    if (rate_hz >= 0.1 && rate_hz <= RATE_HZ_MAX)
        return ET_OK;
    s->rate_hz = RATE_HZ;
    return et__rows_remark(&s->rows, false, "data",
                           "env_args has no control_freq: 20 Hz is assumed", 1, err);
}

static enum et_status take_mask(struct et__hdf5_source *s, const char *name, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    struct et_buf all = et_buf(ET_HDF5_TEXT_BYTES_MAX);
    const char *const *texts;
    size_t n;
    const char *path = et__hdf5_join(arena, "mask", name);
    const char *key = et_arena_printf(arena, "mask.%s", name);
    if (!path || !key)
        return et_arena_fail(arena, "a recording's metadata", err);
    enum et_status st = et_hdf5_read_texts(s->file, path, arena, &texts, &n, err);
    if (st == ET_ECORRUPT || st == ET_EUNSUPPORTED)
        return et__rows_remark(&s->rows, false, path, "a filter key that cannot be read", 1, err);
    for (size_t i = 0; st == ET_OK && i < n; i++)
        et_buf_printf(&all, "%s%s", i ? " " : "", texts[i]);
    if (st == ET_OK)
        st = et_buf_check(&all, "a filter key", err);
    if (st == ET_OK)
        st = et__rows_pair(&s->rows, key, et_buf_text(&all), err);
    et_buf_free(&all);
    return st;
}

static enum et_status take_masks(struct et__hdf5_source *s, struct et_err *err)
{
    const struct et_hdf5_object *objects;
    size_t n;
    enum et_status st = et_hdf5_list(s->file, "mask", s->rows.base.arena, &objects, &n, err);
    if (st == ET_ENOTFOUND || st == ET_ECORRUPT)
        return ET_OK;
    for (size_t i = 0; st == ET_OK && i < n; i++)
        if (objects[i].kind == ET_HDF5_TEXTS)
            st = take_mask(s, objects[i].name, err);
    return st;
}

/* ---- subtasks ---- */

struct edge {
    const char *name;
    int64_t row;
};

static int by_row(const void *x, const void *y)
{
    const struct edge *a = x, *b = y;
    return a->row != b->row ? (a->row < b->row ? -1 : 1) : strcmp(a->name, b->name);
}

// The first row where the signal rises; −1: it never does. A signal that is up at once counts.
static enum et_status find_edge(struct et__hdf5_source *s, const char *path, int64_t n_rows,
                                int64_t *edge, struct et_err *err)
{
    double *values = malloc((size_t)n_rows * sizeof *values + 1);
    int64_t row = -1;
    if (!values)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording's segments");
    if (et_hdf5_read_doubles(s->file, path, 0, n_rows, values, NULL) == ET_OK)
        for (int64_t i = 0; i < n_rows && row < 0; i++)
            row = values[i] > 0.5 ? i : -1;
    free(values);
    *edge = row;
    return ET_OK;
}

static enum et_status take_subtasks(struct et__hdf5_source *s, const struct et__part *part,
                                    struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    const struct et_hdf5_object *objects;
    size_t n, n_edges = 0;
    const char *group = et__hdf5_join(arena, part->prefix, SIGNALS);
    if (!group)
        return et_arena_fail(arena, "a recording's segments", err);
    enum et_status st = et_hdf5_list(s->file, group, arena, &objects, &n, err);
    if (st == ET_ENOTFOUND || st == ET_ECORRUPT)
        return ET_OK;
    if (st != ET_OK)
        return st;
    struct edge *edges = et_arena_array(arena, n, sizeof *edges);
    if (!edges)
        return et_arena_fail(arena, "a recording's segments", err);
    for (size_t i = 0; i < n; i++) {
        const char *path = et__hdf5_join(arena, group, objects[i].name);
        if (!path)
            return et_arena_fail(arena, "a recording's segments", err);
        if (objects[i].kind != ET_HDF5_NUMBERS || objects[i].n_row_values != 1 ||
            objects[i].n_rows > part->n_steps)
            continue;
        edges[n_edges].name = objects[i].name;
        st = find_edge(s, path, objects[i].n_rows, &edges[n_edges].row, err);
        if (st != ET_OK)
            return st;
        n_edges += edges[n_edges].row >= 0;
    }
    if (n_edges > 0)
        qsort(edges, n_edges, sizeof *edges, by_row);
    int64_t first = 0;
    for (size_t i = 0; st == ET_OK && i < n_edges; i++) {
        const struct et_span span = {
            .name = edges[i].name,
            .t_first_ns = part->t_first_ns + et__rows_time(first, s->rate_hz),
            .t_last_ns = part->t_first_ns + et__rows_time(edges[i].row, s->rate_hz)};
        st = et__rows_span(&s->rows, &span, err);
        first = edges[i].row;
    }
    return st;
}

/* ---- demonstrations ---- */

static enum et_status take_demo(struct et__hdf5_source *s, const char *name, int64_t *t_ns,
                                struct et_err *err)
{
    struct et__part *part;
    const char *prefix = et__hdf5_join(s->rows.base.arena, "data", name);
    if (!prefix)
        return et_arena_fail(s->rows.base.arena, "a recording's episodes", err);
    enum et_status st = et__hdf5_add_part(s, prefix, &part, err);
    if (st != ET_OK)
        return st;
    part->t_first_ns = *t_ns;
    st = et__hdf5_walk(s, part, &(struct et__walk){.group = "", .takes = takes}, err);
    if (st == ET_OK)
        st = et__hdf5_check_rows(s, part, "actions", err);
    if (st != ET_OK)
        return st;
    if (part->n_steps == 0) {
        s->n_parts--;
        return et__rows_remark(&s->rows, false, prefix, "an empty demonstration", 1, err);
    }
    const struct et_span span = {.is_episode = true,
                                 .name = name,
                                 .t_first_ns = *t_ns,
                                 .t_last_ns = *t_ns + et__rows_time(part->n_steps - 1, s->rate_hz)};
    *t_ns = span.t_last_ns + GAP_NS;
    st = et__rows_span(&s->rows, &span, err);
    return st == ET_OK ? take_subtasks(s, part, err) : st;
}

static enum et_status take_demos(struct et__hdf5_source *s, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    const struct et_hdf5_object *objects;
    size_t n, n_names = 0;
    int64_t t_ns = 0;
    enum et_status st = et_hdf5_list(s->file, "data", arena, &objects, &n, err);
    if (st != ET_OK)
        return st;
    const char **names = et_arena_array(arena, n, sizeof *names);
    if (!names)
        return et_arena_fail(arena, "a recording's episodes", err);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        if (objects[i].kind == ET_HDF5_GROUP && !objects[i].is_soft)
            names[n_names++] = objects[i].name;
        else if (objects[i].kind == ET_HDF5_OTHER)
            st = et__rows_remark(&s->rows, true, objects[i].name, objects[i].trouble, 1, err);
    }
    if (n_names > 0)
        qsort(names, n_names, sizeof *names, by_number);
    for (size_t i = 0; st == ET_OK && i < n_names; i++)
        st = take_demo(s, names[i], &t_ns, err);
    return st;
}

enum et_status et__hdf5_open_robomimic(struct et__hdf5_source *s, struct et_err *err)
{
    s->rows.base.info.format = "HDF5 (robomimic)";
    enum et_status st = et__hdf5_take_attributes(s, "data", "", err);
    if (st == ET_OK)
        st = take_rate(s, err);
    if (st == ET_OK)
        st = take_masks(s, err);
    if (st == ET_OK)
        st = take_demos(s, err);
    return st == ET_OK ? et__hdf5_finish(s, err) : st;
}
