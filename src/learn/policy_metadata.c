/* What a served policy says of itself: written by the server, read by who asks it.
 *
 * openpi's messages here have no lists of texts: names stand in one text, a line each. */
#include "etude/openpi.h"
#include "learn/learn__policy_remote.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION 1
#define INPUTS "inputs"
#define SHAPE "/shape"
#define NAMES "/names"
#define GAPS "/has_gaps"
#define VALUES_MAX 1000000 // of an input of numbers
#define SIDE_MAX 8192      // of a picture, px
#define NAMES_MAX 100000
#define INPUTS_MAX 64
#define RATE_HZ_MAX 10000.0
#define STEPS_MAX 100000

/* ---- writing ---- */

struct writer {
    struct et_arena *arena;
    struct et_tensor *arrays;
    struct et_openpi_text *texts;
    const char **maps;
    size_t n_arrays, n_texts, n_maps;
    bool is_full;
};

static void put_text(struct writer *w, const char *name, const char *text)
{
    if (text && name)
        w->texts[w->n_texts++] = (struct et_openpi_text){name, text};
    w->is_full = w->is_full || !name;
}

static void put_lines(struct writer *w, const char *name, const char *const *lines, size_t n)
{
    size_t n_bytes = 1;
    for (size_t i = 0; i < n; i++)
        n_bytes += strlen(lines[i]) + 1;
    char *text = et_arena_alloc(w->arena, n_bytes), *to = text;
    if (!text || !name) {
        w->is_full = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        for (const char *p = lines[i]; *p; p++)
            *to++ = *p == '\n' ? ' ' : *p; // an instruction may have several
        if (i + 1 < n || !lines[i][0])     // an empty last line has to be ended to be one
            *to++ = '\n';
    }
    *to = 0;
    put_text(w, name, text);
}

static void put_numbers(struct writer *w, const char *name, const int64_t *values, size_t n)
{
    int64_t *kept = et_arena_array(w->arena, n + 1, sizeof *kept);
    if (!kept || !name) {
        w->is_full = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        kept[i] = values[i];
    kept[n] = (int64_t)n; // its shape
    w->arrays[w->n_arrays++] = (struct et_tensor){.name = name,
                                                  .type = ET_TENSOR_I64,
                                                  .shape = kept + n,
                                                  .n_dims = 1,
                                                  .n_values = (int64_t)n,
                                                  .bytes = kept};
}

static void put_number(struct writer *w, const char *name, double value)
{
    double *kept = et_arena_alloc(w->arena, sizeof *kept);
    w->is_full = w->is_full || !kept || !name;
    if (!kept || !name)
        return;
    *kept = value;
    w->arrays[w->n_arrays++] =
        (struct et_tensor){.name = name, .type = ET_TENSOR_F64, .n_values = 1, .bytes = kept};
}

static void put_input(struct writer *w, const struct et_policy_input *input)
{
    const int64_t sizes[] = {input->height_px, input->width_px, 3}, n = (int64_t)input->n_values;
    const char *map = et_arena_printf(w->arena, INPUTS "/%s", input->feature);
    const char *shape = et_arena_printf(w->arena, INPUTS "/%s" SHAPE, input->feature);
    const char *names = et_arena_printf(w->arena, INPUTS "/%s" NAMES, input->feature);
    w->maps[w->n_maps++] = map ? map : INPUTS;
    if (input->width_px > 0)
        put_numbers(w, shape, sizes, 3);
    else
        put_numbers(w, shape, &n, 1);
    if (input->names)
        put_lines(w, names, input->names, input->n_values);
    if (input->has_gaps)
        put_number(w, et_arena_printf(w->arena, INPUTS "/%s" GAPS, input->feature), 1);
}

enum et_status et__metadata_make(const struct et_policy_info *info, size_t n_steps,
                                 struct et_arena *arena, struct et_openpi_message *message,
                                 struct et_err *err)
{
    enum { TEXTS = 7, ARRAYS = 6 };
    struct writer w = {.arena = arena};
    w.arrays = et_arena_array(arena, ARRAYS + 2 * info->n_inputs, sizeof *w.arrays);
    w.texts = et_arena_array(arena, TEXTS + info->n_inputs, sizeof *w.texts);
    w.maps = et_arena_array(arena, 1 + info->n_inputs, sizeof *w.maps);
    if (!w.arrays || !w.texts || !w.maps)
        return et_arena_fail(arena, "what a policy says of itself", err);
    put_number(&w, "etude_policy", VERSION);
    put_text(&w, "kind", info->kind);
    put_text(&w, "robot", info->robot);
    put_text(&w, "dataset", info->dataset);
    put_number(&w, "rate_hz", info->rate_hz);
    put_number(&w, "chunk", (double)info->n_steps);
    put_number(&w, "steps", (double)n_steps);
    put_number(&w, "parameters", (double)info->n_parameters);
    put_number(&w, "trained_steps", (double)info->n_trained);
    put_number(&w, "is_privileged", info->is_privileged);
    put_lines(&w, "joints", info->joints, info->n_joints);
    put_lines(&w, "phases", info->phases, info->n_phases);
    put_lines(&w, "tasks", info->tasks, info->n_tasks);
    if (info->n_robots > 1)
        put_lines(&w, "robots", info->robots, info->n_robots);
    w.maps[w.n_maps++] = INPUTS;
    for (size_t i = 0; i < info->n_inputs && !w.is_full; i++)
        put_input(&w, &info->inputs[i]);
    if (w.is_full)
        return et_arena_fail(arena, "what a policy says of itself", err);
    *message = (struct et_openpi_message){.arrays = w.arrays,
                                          .n_arrays = w.n_arrays,
                                          .texts = w.texts,
                                          .n_texts = w.n_texts,
                                          .maps = w.maps,
                                          .n_maps = w.n_maps};
    return ET_OK;
}

/* ---- reading ---- */

static enum et_status wrong(const char *what, struct et_err *err)
{
    return et_fail(err, ET_ECORRUPT, -1, "what the server says of its policy: %.100s", what);
}

/* The lines of a text, the last one ended or not; none of "" and of no text. */
static enum et_status take_lines(const struct et_openpi_message *m, const char *name,
                                 struct et_arena *arena, const char *const **lines, size_t *n,
                                 struct et_err *err)
{
    const char *text = et_openpi_text(m, name);
    char *copy = et_arena_copy(arena, text ? text : "", text ? strlen(text) : 0);
    *n = 0;
    for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
        ++*n;
    if (*n > NAMES_MAX)
        return wrong("too many names", err);
    const char **to = et_arena_array(arena, *n, sizeof *to);
    if (!copy || !to)
        return et_arena_fail(arena, "a policy's names", err);
    for (size_t i = 0; i < *n; i++) {
        to[i] = copy;
        char *end = strchr(copy, '\n');
        if (end)
            *end = 0;
        copy = end ? end + 1 : copy + strlen(copy);
    }
    *lines = to;
    return ET_OK;
}

static bool is_between(double x, double least, double most)
{
    return x >= least && x <= most;
}

static enum et_status take_shape(const struct et_tensor *shape, struct et_policy_input *input,
                                 struct et_err *err)
{
    int64_t sizes[3] = {0};
    if (shape->type != ET_TENSOR_I64 || shape->n_dims != 1 ||
        (shape->n_values != 1 && shape->n_values != 3))
        return wrong("an input's shape is none", err);
    memcpy(sizes, shape->bytes, (size_t)shape->n_values * sizeof sizes[0]);
    if (shape->n_values == 1) {
        input->n_values = (size_t)sizes[0];
        return sizes[0] >= 1 && sizes[0] <= VALUES_MAX ? ET_OK
                                                       : wrong("an input's size is none", err);
    }
    if (sizes[0] < 1 || sizes[1] < 1 || sizes[0] > SIDE_MAX || sizes[1] > SIDE_MAX || sizes[2] != 3)
        return wrong("a picture's size is none", err);
    input->height_px = (int)sizes[0];
    input->width_px = (int)sizes[1];
    input->n_values = 3 * (size_t)sizes[0] * (size_t)sizes[1];
    return ET_OK;
}

static enum et_status take_input(const struct et_openpi_message *m, const struct et_tensor *shape,
                                 struct et_arena *arena, struct et_policy_input *input,
                                 struct et_err *err)
{
    const char *begin = shape->name + strlen(INPUTS "/");
    const char *feature = et_arena_copy(arena, begin, strlen(begin) - strlen(SHAPE));
    const char *names = et_arena_printf(arena, INPUTS "/%s" NAMES, feature ? feature : "");
    size_t n = 0;
    if (!feature || !names)
        return et_arena_fail(arena, "a policy's inputs", err);
    *input = (struct et_policy_input){.feature = feature};
    enum et_status st = take_shape(shape, input, err);
    if (st == ET_OK && et_openpi_text(m, names))
        st = take_lines(m, names, arena, &input->names, &n, err);
    const char *gaps = et_arena_printf(arena, INPUTS "/%s" GAPS, feature);
    if (!gaps)
        return et_arena_fail(arena, "a policy's inputs", err);
    input->has_gaps = et_openpi_number(m, gaps, 0) > 0;
    if (st == ET_OK && input->names && n != input->n_values)
        return wrong("an input has not as many names as values", err);
    return st;
}

static bool is_shape(const char *name)
{
    const size_t n = strlen(name), n_head = strlen(INPUTS "/"), n_tail = strlen(SHAPE);
    return n > n_head + n_tail && strncmp(name, INPUTS "/", n_head) == 0 &&
           strcmp(name + n - n_tail, SHAPE) == 0;
}

/* Numbers first, as et_policy_info has it. */
static enum et_status take_inputs(const struct et_openpi_message *m, struct et_arena *arena,
                                  struct et_policy_info *info, struct et_err *err)
{
    struct et_policy_input *inputs = et_arena_array(arena, INPUTS_MAX, sizeof *inputs), input;
    if (!inputs)
        return et_arena_fail(arena, "a policy's inputs", err);
    info->inputs = inputs;
    info->n_inputs = 0;
    for (int pictures = 0; pictures < 2; pictures++) {
        for (size_t i = 0; i < m->n_arrays; i++) {
            if (!is_shape(m->arrays[i].name) || info->n_inputs == INPUTS_MAX)
                continue;
            const enum et_status st = take_input(m, &m->arrays[i], arena, &input, err);
            if (st != ET_OK)
                return st;
            if ((input.width_px > 0) == (pictures > 0))
                inputs[info->n_inputs++] = input;
        }
        if (!pictures)
            info->i_first_picture = info->n_inputs;
    }
    return info->n_inputs ? ET_OK : wrong("it names no inputs", err);
}

static enum et_status take_names(const struct et_openpi_message *m, struct et_arena *arena,
                                 struct et_policy_info *info, struct et_err *err)
{
    enum et_status st = take_lines(m, "joints", arena, &info->joints, &info->n_joints, err);
    if (st == ET_OK)
        st = take_lines(m, "phases", arena, &info->phases, &info->n_phases, err);
    if (st == ET_OK)
        st = take_lines(m, "robots", arena, &info->robots, &info->n_robots, err);
    return st == ET_OK ? take_lines(m, "tasks", arena, &info->tasks, &info->n_tasks, err) : st;
}

enum et_status et__metadata_read(const struct et_openpi_message *m, struct et_arena *arena,
                                 bool *is_ours, struct et_policy_info *info, struct et_err *err)
{
    const double version = et_openpi_number(m, "etude_policy", 0);
    *is_ours = version > 0;
    *info = (struct et_policy_info){.kind = "remote", .n_trained = -1, .ensemble = -1};
    if (!*is_ours)
        return ET_OK;
    if (version > VERSION)
        return et_fail(err, ET_EUNSUPPORTED, -1, "the server is of a later version than this");
    const double n_steps = et_openpi_number(m, "chunk", 0);
    info->rate_hz = et_openpi_number(m, "rate_hz", 0);
    if (!is_between(n_steps, 1, STEPS_MAX) || !is_between(info->rate_hz, 1e-3, RATE_HZ_MAX))
        return wrong("its rate, or its chunk, is none", err);
    const char *const texts[] = {"kind", "robot", "dataset"};
    const char **const to[] = {&info->kind, &info->robot, &info->dataset};
    for (size_t i = 0; i < 3; i++) {
        const char *text = et_openpi_text(m, texts[i]);
        if (text && !(*to[i] = et_arena_copy(arena, text, strlen(text))))
            return et_arena_fail(arena, "a policy's texts", err);
    }
    info->n_steps = (size_t)n_steps;
    const double n_parameters = et_openpi_number(m, "parameters", 0);
    const double n_trained = et_openpi_number(m, "trained_steps", -1);
    info->n_parameters = is_between(n_parameters, 0, 1e15) ? (int64_t)n_parameters : 0;
    info->n_trained = is_between(n_trained, 0, 1e15) ? (int64_t)n_trained : -1;
    info->is_privileged = et_openpi_number(m, "is_privileged", 0) > 0;
    const enum et_status st = take_names(m, arena, info, err);
    if (st == ET_OK && info->n_joints == 0)
        return wrong("it names no joints", err);
    return st == ET_OK ? take_inputs(m, arena, info, err) : st;
}
