/* A policy at work: what is seen into a chunk, chunks into the next action. */
#include "etude/policy.h"

#include "etude/random.h"
#include "learn/learn__blas.h"
#include "learn/learn__checkpoint.h"
#include "learn/learn__policy_remote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)16 << 30)
#define STATE "observation.state"
#define SCENE "observation.environment_state"

struct et_policy {
    struct et__remote *remote; // behind a URL: nothing but `info` is filled
    struct et_arena *arena;
    struct et_policy_info info;
    struct et_policy_options options;
    const char *robots[ET__RECIPE_ROBOTS_MAX]; // their ids
    struct et__saved saved;
    struct et__net net;
    struct et__engine engine;
    struct et__body body; // the robot that it moves
    float *touch, *seen, *noise;
    uint8_t *scaled; // a picture
    float *pictures[ET__RECIPE_CAMERAS_MAX];
    float *chunks; // n_steps of them, each n_steps × n_out: a ring by the step they were made at
    float *alone;  // one that et_policy_chunk gives as it is
    float *here;   // n_out: the joints as they are, where changes are given
    int64_t *made; // at which step; −1: not of this attempt
    float *blend;  // n_out
    double *joints;
    float *command; // that was asked for last
    bool has_command;
    float *past;       // n_history × n_joints, as the recipe wants it
    float *known;      // joints of the n_known last moments that were seen, the latest first
    int64_t *known_at; // at which step
    size_t n_known;    // n_history + 1 at most
    size_t phase, task;
    int64_t step, since; // of the attempt; at which the phase began
    uint64_t key;
};

/* ---- opening ---- */

static void name_inputs(struct et_policy *p, struct et_policy_input *inputs)
{
    const struct et__recipe *r = &p->saved.recipe;
    size_t n = 0;
    inputs[n++] =
        (struct et_policy_input){.feature = STATE, .names = r->joints, .n_values = r->n_joints};
    if (r->n_scene)
        inputs[n++] = (struct et_policy_input){
            .feature = SCENE, .names = r->scene, .n_values = r->n_scene, .has_gaps = r->has_gaps};
    for (size_t i = 0; i < r->n_touches; i++)
        inputs[n++] =
            (struct et_policy_input){.feature = r->touches[i].feature, .n_values = r->touches[i].n};
    const struct et__recipe_pictures *pictures = &r->pictures;
    p->info.i_first_picture = n;
    for (size_t i = 0; i < pictures->n_cameras; i++)
        inputs[n++] = (struct et_policy_input){.feature = pictures->features[i],
                                               .n_values = 3 * (size_t)pictures->width_px *
                                                           (size_t)pictures->height_px,
                                               .width_px = pictures->width_px,
                                               .height_px = pictures->height_px};
    p->info.inputs = inputs;
    p->info.n_inputs = n;
}

static void describe(struct et_policy *p, const char *folder)
{
    const struct et__saved *s = &p->saved;
    p->info.kind = p->net.kind->name;
    p->info.path = folder;
    const struct et__recipe_robot *robots = s->recipe.robots;
    p->info.robots = p->robots;
    p->info.n_robots = s->recipe.n_robots;
    for (size_t i = 0; i < s->recipe.n_robots; i++)
        p->robots[i] = robots[i].id;
    p->info.robot = s->recipe.n_robots > 0 ? robots[p->body.i_robot].id : NULL;
    p->info.dataset = s->dataset;
    p->info.joints = s->recipe.joints;
    p->info.n_joints = s->recipe.n_joints;
    p->info.phases = s->recipe.phases;
    p->info.n_phases = s->recipe.knows_phase ? s->recipe.n_phases : 0;
    p->info.tasks = s->tasks;
    p->info.n_tasks = s->n_tasks;
    p->info.rate_hz = s->settings.rate_hz;
    p->info.n_steps = p->net.shape.n_steps;
    p->info.n_trained = s->step;
    p->info.ensemble = p->options.has_ensemble ? p->options.ensemble : s->settings.ensemble;
    p->info.is_privileged = s->recipe.n_scene > 0;
    for (size_t i = 0; i < p->net.params.n_items; i++)
        p->info.n_parameters += (int64_t)p->net.params.items[i].n;
}

static struct et__net_view view_of(const struct et_policy *p)
{
    const size_t n_own = p->saved.recipe.n_own;
    struct et__net_view view = {
        .seen = p->seen, .own = p->seen, .around = p->seen + n_own, .noise = p->noise};
    for (size_t i = 0; i < p->saved.recipe.pictures.n_cameras; i++)
        view.pictures[i] = p->pictures[i];
    return view;
}

static enum et_status read_values(const struct et_policy *p, const char *folder,
                                  const float **values, struct et_err *err)
{
    float *read = et_arena_array(p->arena, p->net.params.n_values, sizeof *read);
    *values = read;
    return read ? et__policy_read_values(folder, &p->net, read, err)
                : et_arena_fail(p->arena, "a policy's parameters", err);
}

static enum et_status make_engine(struct et_policy *p, const char *folder, struct et_err *err)
{
    const float *values = p->options.like ? p->options.like->engine.params : NULL;
    const enum et_status st = values ? ET_OK : read_values(p, folder, &values, err);
    if (st != ET_OK)
        return st;
    struct et__engine measure = et__engine_measure(false);
    const struct et__net_view view = view_of(p);
    (void)p->net.kind->act(p->net.model, &measure, &view);
    const size_t n = et__engine_measured(&measure);
    p->engine =
        (struct et__engine){.kernels = &et__kernels_cpu,
                            .params = values,
                            .base = aligned_alloc(64, (n * sizeof(et__real) + 63) / 64 * 64 + 64),
                            .cap = n};
    if (!p->engine.base)
        return et_fail(err, ET_ENOMEM, -1, "no memory to act");
    if (p->options.like) {
        p->engine.turned = p->options.like->engine.turned;
        return ET_OK;
    }
    p->engine.turned = et_arena_array(p->arena, p->net.params.n_values, sizeof *p->engine.turned);
    if (!p->engine.turned)
        return et_arena_fail(p->arena, "a policy's weights", err);
    p->engine.is_turning = true; // of what is seen here nothing is kept
    (void)p->net.kind->act(p->net.model, &p->engine, &view);
    p->engine.is_turning = false;
    return ET_OK;
}

static enum et_status make_buffers(struct et_policy *p, struct et_err *err)
{
    const struct et__recipe *r = &p->saved.recipe;
    const size_t n_steps = p->net.shape.n_steps;
    struct et_policy_input *inputs = et_arena_array(
        p->arena, 2 + ET__RECIPE_TOUCHES_MAX + ET__RECIPE_CAMERAS_MAX, sizeof *inputs);
    p->touch = et_arena_array(p->arena, r->n_touch, sizeof *p->touch);
    p->seen = et_arena_array(p->arena, r->n_in, sizeof *p->seen);
    p->noise = et_arena_array(p->arena, n_steps * r->n_out, sizeof *p->noise);
    p->chunks = et_arena_array(p->arena, n_steps * n_steps * r->n_out, sizeof *p->chunks);
    p->alone = et_arena_array(p->arena, n_steps * r->n_out, sizeof *p->alone);
    p->made = et_arena_array(p->arena, n_steps, sizeof *p->made);
    p->blend = et_arena_array(p->arena, r->n_out, sizeof *p->blend);
    p->here = et_arena_array(p->arena, r->n_out, sizeof *p->here);
    p->joints = et_arena_array(p->arena, r->n_joints, sizeof *p->joints);
    p->command = et_arena_array(p->arena, r->n_joints, sizeof *p->command);
    p->past = et_arena_array(p->arena, r->n_history * r->n_joints, sizeof *p->past);
    p->known = et_arena_array(p->arena, (r->n_history + 1) * r->n_joints, sizeof *p->known);
    p->known_at = et_arena_array(p->arena, r->n_history + 1, sizeof *p->known_at);
    const struct et__recipe_pictures *pictures = &r->pictures;
    const size_t n_seen = (size_t)pictures->seen_width_px * (size_t)pictures->seen_height_px;
    bool has_pictures = true;
    p->scaled = et_arena_array(
        p->arena, (size_t)pictures->scaled_width_px * (size_t)pictures->scaled_height_px, 3);
    for (size_t i = 0; i < pictures->n_cameras; i++) {
        p->pictures[i] = et_arena_array(p->arena, 3 * n_seen, sizeof(float));
        has_pictures = has_pictures && p->pictures[i];
    }
    if (!has_pictures || !p->scaled || !inputs || !p->touch || !p->seen || !p->noise ||
        !p->chunks || !p->alone || !p->made || !p->blend || !p->here || !p->joints || !p->command ||
        !p->past || !p->known || !p->known_at)
        return et_arena_fail(p->arena, "a policy", err);
    name_inputs(p, inputs);
    return ET_OK;
}

/* By its id, or by its profile's, which a dataset knows. */
static bool is_robot(const char *id, const char *wanted)
{
    struct et_world_arms *arms = NULL;
    bool is_same = id && strcmp(id, wanted) == 0;
    if (id && !is_same && et_world_arms_open_robot(&arms, id, NULL) == ET_OK)
        is_same = strcmp(et_world_arms_robot(arms), wanted) == 0;
    et_world_arms_close(arms);
    return is_same;
}

/* The one that is wanted, or the first. A policy of one robot has no choice. */
static enum et_status choose_robot(struct et_policy *p, struct et_err *err)
{
    const struct et__recipe *r = &p->saved.recipe;
    if (p->options.like)
        return et__body_open(&p->body, r, p->options.like->body.i_robot, err);
    const char *wanted = r->n_robots > 1 ? p->options.robot : NULL;
    if (!wanted)
        return et__body_open(&p->body, r, 0, err);
    for (size_t i = 0; i < r->n_robots; i++)
        if (is_robot(r->robots[i].id, wanted))
            return et__body_open(&p->body, r, i, err);
    return et_fail(err, ET_ENOTFOUND, -1, "it has not learned to move %.60s", wanted);
}

static enum et_status open_all(struct et_policy *p, const char *path, struct et_err *err)
{
    const struct et_policy *like = p->options.like;
    const char *folder = like ? like->info.path : NULL;
    enum et_status st = et__blas_open(err);
    if (st == ET_OK)
        st = et_arena_open(&p->arena, ARENA_BYTES, err);
    if (st == ET_OK && like)
        p->saved = like->saved;
    if (st == ET_OK && !like)
        st = et__policy_find(path, p->arena, &folder, err);
    if (st == ET_OK && !like)
        st = et__policy_read(folder, p->arena, &p->saved, err);
    if (st != ET_OK)
        return st;
    const struct et__recipe *r = &p->saved.recipe;
    const struct et__net_shape shape = {.n_own = r->n_own,
                                        .n_around = r->n_around,
                                        .n_out = r->n_out,
                                        .n_steps = (size_t)p->saved.settings.chunk,
                                        .n_cameras = (int)r->pictures.n_cameras,
                                        .height_px = r->pictures.seen_height_px,
                                        .width_px = r->pictures.seen_width_px};
    st = et__net_make(&p->net, &shape, &p->saved.settings, p->arena, err);
    if (st == ET_OK)
        st = make_buffers(p, err);
    if (st == ET_OK)
        st = make_engine(p, folder, err);
    if (st == ET_OK)
        st = choose_robot(p, err);
    if (st != ET_OK)
        return et_err_context(err, "%.200s", folder);
    describe(p, folder);
    et_policy_begin(p, 0, 0);
    return ET_OK;
}

enum et_status et_policy_open(struct et_policy **policy, const char *path,
                              const struct et_policy_options *options, struct et_err *err)
{
    *policy = NULL;
    struct et_policy *p = calloc(1, sizeof *p);
    if (!p)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a policy");
    if (options)
        p->options = *options;
    const bool is_remote = !p->options.like && et__remote_is(path);
    if (p->options.n_open_loop == 0 && !is_remote)
        p->options.n_open_loop = 1;
    const enum et_status st = is_remote
                                  ? et__remote_open(&p->remote, path, &p->options, &p->info, err)
                                  : open_all(p, path, err);
    if (st != ET_OK)
        et_policy_close(p);
    else
        *policy = p;
    return st;
}

void et_policy_close(struct et_policy *p)
{
    if (!p)
        return;
    et__remote_close(p->remote);
    et__body_close(&p->body);
    free(p->engine.base);
    et_arena_close(p->arena);
    free(p);
}

const struct et_policy_info *et_policy_info(const struct et_policy *p)
{
    return &p->info;
}

/* ---- acting ---- */

void et_policy_begin(struct et_policy *p, uint64_t seed, size_t i_task)
{
    if (p->remote) {
        et__remote_begin(p->remote, seed, i_task);
        return;
    }
    p->step = p->since = 0;
    p->phase = p->saved.recipe.first_phase;
    p->task = i_task;
    p->has_command = false;
    p->n_known = 0;
    p->key = et_random_key(seed, 0xac7);
    for (size_t i = 0; i < p->net.shape.n_steps; i++)
        p->made[i] = -1;
}

void et_policy_follow(struct et_policy *p, size_t n)
{
    p->options.n_open_loop = n;
    if (p->remote)
        et__remote_follow(p->remote, n);
}

size_t et_policy_phase(const struct et_policy *p)
{
    if (p->remote)
        return et__remote_phase(p->remote);
    return p->saved.recipe.knows_phase ? p->phase : SIZE_MAX;
}

static bool are_finite(const float *values, size_t n, bool has_gaps)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]) && !(has_gaps && isnan(values[i])))
            return false;
    return true;
}

static enum et_status check_views(const struct et_policy *p, const struct et_policy_view *views,
                                  struct et_err *err)
{
    for (size_t i = 0; i < p->info.i_first_picture; i++)
        if (!are_finite(views[i].values, p->info.inputs[i].n_values, p->info.inputs[i].has_gaps))
            return et_fail(err, ET_ECORRUPT, -1, "%.60s has a value that is no number",
                           p->info.inputs[i].feature);
    return ET_OK;
}

/* ---- where joints were ---- */

static void remember(struct et_policy *p, const float *joints)
{
    const size_t n = p->saved.recipe.n_joints, n_most = p->saved.recipe.n_history + 1;
    if (n_most == 1 || !are_finite(joints, n, false))
        return;
    if (p->n_known == 0 || p->known_at[0] != p->step) {
        p->n_known += p->n_known < n_most;
        memmove(p->known + n, p->known, (p->n_known - 1) * n * sizeof *p->known);
        memmove(p->known_at + 1, p->known_at, (p->n_known - 1) * sizeof *p->known_at);
    }
    memcpy(p->known, joints, n * sizeof *joints);
    p->known_at[0] = p->step;
}

/* Between two moments that were seen joints went evenly; before the first they stood. */
static void find_past(const struct et_policy *p)
{
    const size_t n = p->saved.recipe.n_joints;
    size_t i = 0; // the latest that is not after what is looked for
    for (size_t k = 0; k < p->saved.recipe.n_history; k++) {
        const int64_t then = p->step - 1 - (int64_t)k;
        while (i < p->n_known && p->known_at[i] > then)
            i++;
        const float *before = p->known + (i < p->n_known ? i : p->n_known - 1) * n;
        const float *after = i < p->n_known && i > 0 ? before - n : before;
        const double share = before == after ? 0
                                             : (double)(then - p->known_at[i]) /
                                                   (double)(p->known_at[i - 1] - p->known_at[i]);
        for (size_t j = 0; j < n; j++)
            p->past[k * n + j] = before[j] + (float)share * (after[j] - before[j]);
    }
}

/* Runs the network on what is seen: a chunk into `to`, in the robot's units. */
static enum et_status make_chunk(struct et_policy *p, const struct et_policy_view *views, float *to,
                                 struct et_err *err)
{
    const struct et__recipe *r = &p->saved.recipe;
    const struct et__normal *normal = &p->saved.normal[p->body.i_robot];
    const size_t n = p->net.shape.n_steps * r->n_out, i_touch = r->n_scene ? 2 : 1;
    enum et_status st = check_views(p, views, err);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; !p->has_command && i < r->n_joints; i++)
        p->command[i] = views[0].values[i];
    p->has_command = true;
    float *touch = p->touch;
    for (size_t i = 0; i < r->n_touches; touch += r->touches[i++].n)
        memcpy(touch, views[i_touch + i].values, r->touches[i].n * sizeof *touch);
    remember(p, views[0].values);
    find_past(p);
    const struct et__moment now = {.joints = views[0].values,
                                   .past = p->past,
                                   .command = p->command,
                                   .scene = r->n_scene ? views[1].values : NULL,
                                   .touch = p->touch,
                                   .phase = p->phase,
                                   .task = p->task,
                                   .phase_s = (double)(p->step - p->since) / p->info.rate_hz};
    et__recipe_see(r, &p->body, &now, p->seen);
    et__normal_see(normal, p->seen, r->n_in);
    for (size_t i = 0; i < r->pictures.n_cameras; i++) {
        const uint8_t *rgb = views[p->info.i_first_picture + i].picture;
        st = et__recipe_look(&r->pictures, i, rgb, p->scaled, p->pictures[i], err);
        if (st != ET_OK)
            return st;
    }
    for (size_t i = 0; p->net.kind->acts_by_chance && i < n; i++)
        p->noise[i] = (float)et_random_normal(et_random_key(p->key, (uint64_t)p->step), i);
    const struct et__net_view view = view_of(p);
    const float *out = p->net.kind->act(p->net.model, &p->engine, &view);
    for (size_t i = 0; i < n; i++)
        to[i] = out[i] * normal->out_deviation[i % r->n_out] + normal->out_mean[i % r->n_out];
    if (r->gives_changes) {
        et__recipe_goal(r, &p->body, now.joints, p->phase, p->here);
        for (size_t i = 0; i < r->n_joints; i++)
            p->here[i] = isnan(p->here[i]) ? 0 : p->here[i]; // of another robot
        for (size_t i = 0; i < n; i += r->n_out)
            et__recipe_unchange(r, p->here, to + i);
    }
    return are_finite(to, n, false)
               ? ET_OK
               : et_fail(err, ET_ECORRUPT, -1, "the policy gave what is no number");
}

/* What all chunks that reach to now say of it, the oldest with the most weight. */
static void blend_chunks(struct et_policy *p)
{
    const size_t n_steps = p->net.shape.n_steps, n_out = p->saved.recipe.n_out;
    const bool is_newest_only = p->info.ensemble < 0;
    double weight = 1, sum = 0;
    memset(p->blend, 0, n_out * sizeof *p->blend);
    for (int64_t age = (int64_t)n_steps - 1; age >= 0; age--) {
        const int64_t made = p->step - age;
        const size_t slot = (size_t)(made < 0 ? 0 : made) % n_steps;
        if (made < 0 || p->made[slot] != made)
            continue;
        const float *step = p->chunks + (slot * n_steps + (size_t)age) * n_out;
        if (is_newest_only) {
            memset(p->blend, 0, n_out * sizeof *p->blend);
            sum = 0;
        }
        for (size_t i = 0; i < n_out; i++)
            p->blend[i] += (float)weight * step[i];
        sum += weight;
        weight *= is_newest_only ? 1 : exp(-p->info.ensemble);
    }
    for (size_t i = 0; i < n_out; i++)
        p->blend[i] /= (float)sum;
}

/* One step of what a network gave is done. */
static void do_step(struct et_policy *p, const float *goal, double *action)
{
    const struct et__recipe *r = &p->saved.recipe;
    size_t phase;
    et__recipe_do(r, &p->body, goal, p->joints, &phase);
    for (size_t i = 0; i < r->n_joints; i++) {
        action[i] = p->joints[i];
        p->command[i] = (float)p->joints[i];
    }
    p->step++;
    if (phase != p->phase && r->knows_phase)
        p->since = p->step;
    p->phase = r->knows_phase ? phase : p->phase;
}

enum et_status et_policy_act(struct et_policy *p, const struct et_policy_view *views,
                             double *action, struct et_err *err)
{
    if (p->remote)
        return et__remote_act(p->remote, views, action, err);
    const size_t n_steps = p->net.shape.n_steps, n_out = p->saved.recipe.n_out;
    const size_t slot = (size_t)p->step % n_steps;
    const size_t every = p->options.n_open_loop < n_steps ? p->options.n_open_loop : n_steps;
    enum et_status st = ET_OK;
    remember(p, views[0].values);
    if ((size_t)p->step % every == 0 || !p->has_command) {
        st = make_chunk(p, views, p->chunks + slot * n_steps * n_out, err);
        p->made[slot] = st == ET_OK ? p->step : -1;
    }
    if (st == ET_OK) {
        blend_chunks(p);
        if (!are_finite(p->blend, n_out,
                        false)) // what is large enough adds up to more than there is
            st = et_fail(err, ET_ECORRUPT, -1, "the policy gave what is no number");
    }
    if (st != ET_OK) {
        for (size_t i = 0; i < p->info.n_joints; i++)
            action[i] = p->has_command ? (double)p->command[i] : (double)NAN;
        return st;
    }
    do_step(p, p->blend, action);
    return ET_OK;
}

enum et_status et_policy_chunk(struct et_policy *p, const struct et_policy_view *views,
                               double *actions, struct et_err *err)
{
    if (p->remote)
        return et_fail(err, ET_EUNSUPPORTED, -1, "a policy behind a URL gives steps, not chunks");
    const struct et__recipe *r = &p->saved.recipe;
    const size_t n_steps = p->net.shape.n_steps;
    enum et_status st = make_chunk(p, views, p->alone, err);
    for (size_t i = 0; st == ET_OK && i < n_steps; i++) {
        if (i < p->options.n_open_loop) {
            do_step(p, p->alone + i * r->n_out, actions + i * r->n_joints);
            continue;
        }
        size_t phase;
        et__recipe_do(r, &p->body, p->alone + i * r->n_out, actions + i * r->n_joints, &phase);
    }
    return st;
}
