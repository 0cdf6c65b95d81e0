/* A policy's network as a file of ONNX, in the units of what its recipe makes of a moment. */
#include "etude/policy_exchange.h"
#include "learn/learn__checkpoint.h"
#include "learn/learn__onnx.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)16 << 30)
#define TEXT_BYTES ((size_t)1 << 20)
#define STATE "observation.state"
#define SCENE "observation.environment_state"
#define ACTION "action"
#define NOTES 9

struct exported {
    struct et_arena *arena;
    struct et__saved saved;
    struct et__net net;
    float *values, *clips;
};

/* ---- what stands in the numbers ---- */

static void put(struct et_buf *text, const char *what, size_t n)
{
    if (n > 0)
        et_buf_printf(text, "%s%s %zu", text->n ? ", " : "", what, n);
}

/* In the order of et__recipe_see. */
static void describe_own(const struct et__recipe *r, struct et_buf *text)
{
    put(text, "joints", r->n_joints);
    put(text, "asked - joints", r->sees_command ? r->n_joints : 0);
    put(text, "joints - joints before", r->n_joints * r->n_history);
    put(text, "touches", r->n_touch);
    put(text, "left hand", r->knows_hands ? 9 : 0);
    put(text, "right hand", r->knows_hands ? 9 : 0);
    put(text, "seconds in phase", r->knows_phase);
    put(text, "phase", r->knows_phase ? r->n_phases : 0);
    put(text, "task", r->n_tasks > 1 ? r->n_tasks : 0);
    put(text, "robot", r->n_robots > 1 ? r->n_robots : 0);
}

static void describe_out(const struct et__recipe *r, struct et_buf *text)
{
    put(text, r->gives_changes ? "changes of joints" : "joints", r->n_joints);
    put(text, r->gives_changes ? "left hand from itself" : "left hand", r->knows_hands ? 9 : 0);
    put(text, r->gives_changes ? "right hand from itself" : "right hand", r->knows_hands ? 9 : 0);
    put(text, "phase", r->knows_phase ? r->n_phases : 0);
}

// What is done to a camera's picture before it comes in.
static void describe_pictures(const struct et__recipe_pictures *p, struct et_buf *text)
{
    if (p->n_cameras == 0)
        return;
    et_buf_printf(text, "%d x %d", p->width_px, p->height_px);
    if (p->scaled_width_px != p->width_px || p->scaled_height_px != p->height_px)
        et_buf_printf(text, ", scaled to %d x %d", p->scaled_width_px, p->scaled_height_px);
    if (p->seen_width_px != p->scaled_width_px || p->seen_height_px != p->scaled_height_px)
        et_buf_printf(text, ", the middle %d x %d", p->seen_width_px, p->seen_height_px);
}

static const char *kept(struct et_arena *arena, struct et_buf *text)
{
    const struct et_str s = et_buf_str(text);
    const char *copy = text->status == ET_OK ? et_arena_copy(arena, s.p, s.n) : NULL;
    et_buf_free(text);
    return copy;
}

static const char *lines(struct et_arena *arena, const char *const *names, size_t n)
{
    struct et_buf text = et_buf(TEXT_BYTES);
    for (size_t i = 0; i < n; i++)
        et_buf_printf(&text, "%s%s", i ? "\n" : "", names[i]);
    return kept(arena, &text);
}

static size_t take_notes(const struct exported *x, struct et_onnx_note notes[NOTES],
                         struct et_err *err)
{
    const struct et__recipe *r = &x->saved.recipe;
    struct et_buf own = et_buf(TEXT_BYTES), out = et_buf(TEXT_BYTES);
    struct et_buf pictures = et_buf(TEXT_BYTES);
    size_t n = 0;
    describe_own(r, &own);
    describe_out(r, &out);
    describe_pictures(&r->pictures, &pictures);
    const char *robot = r->n_robots == 1 ? r->robots[0].id : NULL;
    const bool is_cut = r->pictures.seen_width_px != r->pictures.width_px ||
                        r->pictures.seen_height_px != r->pictures.height_px;
    const bool is_derived = r->sees_command || r->n_touch || r->knows_hands || r->knows_phase ||
                            r->n_robots > 1 || r->n_history || r->gives_changes || is_cut;
    const struct et_onnx_note all[NOTES] = {
        {"etude.rate_hz", et_arena_printf(x->arena, "%.17g", x->saved.settings.rate_hz)},
        {"etude." STATE, kept(x->arena, &own)},
        {"etude." ACTION, kept(x->arena, &out)},
        {"etude.pictures", kept(x->arena, &pictures)},
        {"etude.is_derived", is_derived ? "yes" : "no"},
        {"etude.joints", lines(x->arena, r->joints, r->n_joints)},
        {"etude.phases", lines(x->arena, r->phases, r->knows_phase ? r->n_phases : 0)},
        {"etude.tasks", lines(x->arena, x->saved.tasks, x->saved.n_tasks)},
        {"etude.robot", robot ? robot : ""}};
    for (size_t i = 0; i < NOTES; i++) {
        if (!all[i].text) {
            (void)et_arena_fail(x->arena, "what a policy says of itself", err);
            return SIZE_MAX;
        }
        if (all[i].text[0])
            notes[n++] = all[i];
    }
    return n;
}

/* ---- the network ---- */

static enum et_status write_it(const struct exported *x, const char *path, struct et_err *err)
{
    const struct et__recipe *r = &x->saved.recipe;
    const struct et__normal *normal = x->saved.normal;
    struct et_onnx_note notes[NOTES];
    const struct et__onnx_numbers inputs[2] = {{.name = STATE,
                                                .n = (int)r->n_own,
                                                .mean = normal->in_mean,
                                                .scale = normal->in_scale,
                                                .clip = x->clips},
                                               {.name = SCENE,
                                                .n = (int)r->n_around,
                                                .mean = normal->in_mean + r->n_own,
                                                .scale = normal->in_scale + r->n_own,
                                                .clip = x->clips}};
    struct et__onnx_camera cameras[ET__RECIPE_CAMERAS_MAX];
    for (size_t i = 0; i < r->pictures.n_cameras; i++)
        cameras[i] = (struct et__onnx_camera){.name = r->pictures.features[i],
                                              .mean = r->pictures.mean[i],
                                              .deviation = r->pictures.deviation[i]};
    const struct et__onnx_sight sight = {
        .eye = r->pictures.n_cameras ? x->net.kind->eye(x->net.model) : NULL, .cameras = cameras};
    const size_t n_inputs = r->n_around ? 2 : 1, n_notes = take_notes(x, notes, err);
    const struct et__onnx_file file = {.path = path,
                                       .params = &x->net.params,
                                       .values = x->values,
                                       .notes = notes,
                                       .n_notes = n_notes,
                                       .actions = ACTION,
                                       .mean = normal->out_mean,
                                       .deviation = normal->out_deviation};
    if (n_notes == SIZE_MAX)
        return ET_ENOMEM;
    // Each kind's network stands first in what it makes.
    if (x->net.kind == &et__net_mlp)
        return et__onnx_mlp(x->net.model, inputs, n_inputs, &sight, &file, err);
    if (x->net.kind == &et__net_act)
        return et__onnx_act(x->net.model,
                            &(struct et__onnx_act_inputs){
                                .state = inputs[0], .environment = inputs[1], .sight = sight},
                            &file, err);
    if (x->net.kind == &et__net_flow)
        return et__onnx_flow_steps(x->net.model,
                                   &(struct et__onnx_flow_inputs){.condition = inputs,
                                                                  .n_condition = n_inputs,
                                                                  .sight = sight},
                                   &file, err);
    return et_fail(err, ET_EUNSUPPORTED, -1, "a policy %.40s is not exported", x->net.kind->name);
}

static enum et_status read_it(struct exported *x, const char *policy, struct et_err *err)
{
    const char *folder = NULL;
    enum et_status st = et_arena_open(&x->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et__policy_find(policy, x->arena, &folder, err);
    if (st == ET_OK)
        st = et__policy_read(folder, x->arena, &x->saved, err);
    if (st != ET_OK)
        return st;
    const struct et__recipe *r = &x->saved.recipe;
    const struct et__net_shape shape = {.n_own = r->n_own,
                                        .n_around = r->n_around,
                                        .n_out = r->n_out,
                                        .n_steps = (size_t)x->saved.settings.chunk,
                                        .n_cameras = (int)r->pictures.n_cameras,
                                        .height_px = r->pictures.seen_height_px,
                                        .width_px = r->pictures.seen_width_px};
    st = et__net_make(&x->net, &shape, &x->saved.settings, x->arena, err);
    if (st != ET_OK)
        return st;
    x->values = et_arena_array(x->arena, x->net.params.n_values, sizeof *x->values);
    x->clips = et_arena_array(x->arena, r->n_in, sizeof *x->clips);
    if (!x->values || !x->clips)
        return et_arena_fail(x->arena, "a policy's parameters", err);
    for (size_t i = 0; i < r->n_in; i++)
        x->clips[i] = x->saved.normal->most;
    return et__policy_read_values(folder, &x->net, x->values, err);
}

enum et_status et_policy_export(const char *policy, const char *onnx, struct et_err *err)
{
    struct exported x = {0};
    enum et_status st = read_it(&x, policy, err);
    if (st != ET_OK && err)
        (void)et_err_context(err, "%.200s", policy);
    if (st == ET_OK && x.saved.recipe.n_robots > 1)
        st = et_fail(err, ET_EUNSUPPORTED, -1,
                     "%.200s moves %zu robots, and a graph is one robot's: not exported", policy,
                     x.saved.recipe.n_robots);
    if (st == ET_OK)
        st = write_it(&x, onnx, err);
    et_arena_close(x.arena);
    return st;
}
