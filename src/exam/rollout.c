/* A policy in a world: what is seen by names, what is asked for between two actions. */
#include "etude/rollout.h"

#include "etude/arena.h"
#include "etude/world_camera.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define STATE "observation.state"
#define SCENE "observation.environment_state"
#define TOUCH "observation.touch."
#define IMAGES "observation.images."
#define STEP_S (1e-9 * (double)ET_WORLD_STEP_NS)

/* Where an input's numbers come from. */
enum source { FROM_JOINTS, FROM_TASK, FROM_TOUCH, FROM_CAMERA };

struct input {
    enum source source;
    size_t n;
    size_t *places; // of each value in the source; SIZE_MAX: it is not there
    float missing;  // what is said of those
    float *values;
    uint8_t *picture;
    size_t i_camera;
};

struct et_rollout {
    struct et_arena *arena;
    struct et_world *world;
    struct et_policy *policy;
    const struct et_policy_info *info;
    struct input *inputs;
    struct et_policy_view *views;
    struct et_world_renderer *renderer; // NULL: the policy sees no pictures
    double *task;                       // of the world, as many as it has
    size_t i_task;                      // of the policy
    size_t n_joints;                    // of the policy
    size_t *joints;                     // of the world's, in the policy's; as many as it has
    double *wanted;                     // n_joints: the policy's
    double *from, *to, *action;         // of the world's
    size_t n_moved;                     // how many those are
    double between;                     // steps of the world from an action to the next
    int64_t n_steps, n_actions;         // of this attempt, so far
    size_t n_held;
    struct et_rollout_state state;
};

/* ---- opening ---- */

static enum et_status full(const struct et_rollout *r, struct et_err *err)
{
    return et_arena_fail(r->arena, "a rollout", err);
}

static size_t find_name(const char *const *names, size_t n, const char *wanted)
{
    for (size_t i = 0; wanted && i < n; i++)
        if (strcmp(names[i], wanted) == 0)
            return i;
    return SIZE_MAX;
}

/* All of the world's are the policy's; a policy of several robots may have more. */
static enum et_status find_joints(struct et_rollout *r, struct et_err *err)
{
    const struct et_world_joint *joints = et_world_joints(r->world, &r->n_moved);
    if (r->n_moved != r->info->n_joints && r->info->n_robots < 2)
        return et_fail(err, ET_EARG, -1, "the policy moves %zu joints, %.60s has %zu",
                       r->info->n_joints, et_world_robot(r->world), r->n_moved);
    r->joints = et_arena_array(r->arena, r->n_moved, sizeof *r->joints);
    if (!r->joints)
        return full(r, err);
    for (size_t i = 0; i < r->n_moved; i++) {
        r->joints[i] = find_name(r->info->joints, r->info->n_joints, joints[i].name);
        if (r->joints[i] == SIZE_MAX || (r->info->n_robots < 2 && r->joints[i] != i))
            return et_fail(err, ET_EARG, -1, "joint %zu of the policy is %.60s, of %.60s %.60s", i,
                           i < r->info->n_joints ? r->info->joints[i] : "none",
                           et_world_robot(r->world), joints[i].name);
    }
    return ET_OK;
}

/* What of the task the policy knows; of several skills' policy not all of it is here. */
static enum et_status bind_task(const struct et_rollout *r, const struct et_policy_input *wanted,
                                struct input *input, struct et_err *err)
{
    size_t n, n_found = 0;
    const char *const *names = et_world_task_names(r->world, &n);
    for (size_t i = 0; i < wanted->n_values; i++) {
        input->places[i] = wanted->names ? find_name(names, n, wanted->names[i])
                           : i < n       ? i
                                         : SIZE_MAX;
        n_found += input->places[i] != SIZE_MAX;
    }
    return n_found == n ? ET_OK
                        : et_fail(err, ET_EARG, -1,
                                  "the policy was trained for another skill than %.60s: it knows "
                                  "%zu of its %zu numbers",
                                  et_world_skill(r->world)->id, n_found, n);
}

/* All cameras are of the first one's size. */
static enum et_status bind_camera(struct et_rollout *r, const struct et_policy_input *wanted,
                                  struct input *input, struct et_err *err)
{
    const size_t n_before = strlen(IMAGES);
    const bool is_one = strncmp(wanted->feature, IMAGES, n_before) == 0;
    const char *place = is_one ? wanted->feature + n_before : wanted->feature;
    const struct et_world_renderer_options options = {.width = (size_t)wanted->width_px,
                                                      .height = (size_t)wanted->height_px};
    input->source = FROM_CAMERA;
    input->picture = et_arena_alloc(r->arena, wanted->n_values);
    if (!input->picture)
        return full(r, err);
    for (; input->i_camera < et_world_n_cameras(r->world); input->i_camera++)
        if (strcmp(et_world_camera(r->world, input->i_camera), place) == 0)
            return r->renderer ? ET_OK
                               : et_world_renderer_open(&r->renderer, r->world, &options, err);
    return et_fail(err, ET_EARG, -1,
                   "the policy wants a camera \"%.60s\", which %.60s does not have", place,
                   et_world_robot(r->world));
}

static enum et_status bind(struct et_rollout *r, size_t i, struct et_err *err)
{
    const struct et_policy_input *wanted = &r->info->inputs[i];
    struct input *input = &r->inputs[i];
    if (wanted->width_px > 0) {
        const enum et_status st = bind_camera(r, wanted, input, err);
        r->views[i].picture = input->picture;
        return st;
    }
    input->n = wanted->n_values;
    input->places = et_arena_array(r->arena, input->n, sizeof *input->places);
    input->values = et_arena_array(r->arena, input->n, sizeof *input->values);
    if (!input->places || !input->values)
        return full(r, err);
    r->views[i].values = input->values;
    for (size_t k = 0; k < input->n; k++)
        input->places[k] = k;
    input->missing = wanted->has_gaps ? NAN : 0;
    if (strcmp(wanted->feature, STATE) == 0) {
        input->source = FROM_JOINTS;
        for (size_t k = 0; k < input->n; k++)
            input->places[k] = SIZE_MAX;
        for (size_t k = 0; k < r->n_moved; k++)
            input->places[r->joints[k]] = k;
        return ET_OK;
    }
    if (strcmp(wanted->feature, SCENE) == 0) {
        input->source = FROM_TASK;
        return bind_task(r, wanted, input, err);
    }
    const bool is_left = strcmp(wanted->feature, TOUCH "left_fingers") == 0;
    const bool is_right = strcmp(wanted->feature, TOUCH "right_fingers") == 0;
    if ((!is_left && !is_right) || input->n != ET_WORLD_TOUCH_VALUES / 2)
        return et_fail(err, ET_EARG, -1, "the policy wants %.60s, which the world does not have",
                       wanted->feature);
    input->source = FROM_TOUCH;
    for (size_t k = 0; k < input->n; k++)
        input->places[k] = k + (is_right ? ET_WORLD_TOUCH_VALUES / 2 : 0);
    return ET_OK;
}

/* The policy's task that this skill is; SIZE_MAX: it was taught another, or none by name. */
static size_t task_of(const struct et_rollout *r)
{
    const struct et_skill *skill = et_world_skill(r->world);
    const char *const told[] = {skill->instruction_en, skill->instruction_fr,
                                skill->instruction_zh};
    for (size_t i = 0; i < 3; i++) {
        const size_t found = find_name(r->info->tasks, r->info->n_tasks, told[i]);
        if (found != SIZE_MAX)
            return found;
    }
    return SIZE_MAX;
}

/* Who was taught one task, or none by name, does what it can. */
static enum et_status find_task(struct et_rollout *r, struct et_err *err)
{
    const size_t found = task_of(r);
    r->i_task = found == SIZE_MAX ? 0 : found;
    if (found != SIZE_MAX || r->info->n_tasks < 2)
        return ET_OK;
    return et_fail(err, ET_EARG, -1,
                   "the policy was taught %zu tasks, and %.60s is none of them (etude policy info)",
                   r->info->n_tasks, et_world_skill(r->world)->id);
}

static enum et_status open_all(struct et_rollout *r, struct et_err *err)
{
    size_t n_task;
    (void)et_world_task_names(r->world, &n_task);
    const double between = 1 / (r->info->rate_hz * STEP_S);
    enum et_status st = et_arena_open(&r->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = find_joints(r, err);
    if (st == ET_OK && !(between >= 1 - 1e-6))
        st = et_fail(err, ET_EARG, -1, "%g actions a second are more than the world takes, %g",
                     r->info->rate_hz, 1 / STEP_S);
    if (st == ET_OK)
        st = find_task(r, err);
    if (st != ET_OK)
        return st;
    r->between = between;
    r->n_joints = r->info->n_joints;
    r->inputs = et_arena_array(r->arena, r->info->n_inputs, sizeof *r->inputs);
    r->views = et_arena_array(r->arena, r->info->n_inputs, sizeof *r->views);
    r->task = et_arena_array(r->arena, n_task, sizeof *r->task);
    r->wanted = et_arena_array(r->arena, r->n_joints, sizeof *r->wanted);
    r->from = et_arena_array(r->arena, r->n_moved, sizeof *r->from);
    r->to = et_arena_array(r->arena, r->n_moved, sizeof *r->to);
    r->action = et_arena_array(r->arena, r->n_moved, sizeof *r->action);
    if (!r->inputs || !r->views || !r->task || !r->wanted || !r->from || !r->to || !r->action)
        return full(r, err);
    for (size_t i = 0; st == ET_OK && i < r->info->n_inputs; i++)
        st = bind(r, i, err);
    return st;
}

enum et_status et_rollout_open(struct et_rollout **rollout, struct et_world *world,
                               struct et_policy *policy, struct et_err *err)
{
    *rollout = NULL;
    struct et_rollout *r = calloc(1, sizeof *r);
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a rollout");
    r->world = world;
    r->policy = policy;
    r->info = et_policy_info(policy);
    const enum et_status st = open_all(r, err);
    if (st != ET_OK)
        et_rollout_close(r);
    else
        *rollout = r;
    return st;
}

void et_rollout_close(struct et_rollout *r)
{
    if (!r)
        return;
    et_world_renderer_close(r->renderer);
    et_arena_close(r->arena);
    free(r);
}

/* ---- an attempt ---- */

enum et_status et_rollout_begin(struct et_rollout *r, uint64_t seed, enum et_tier tier,
                                uint64_t chance, struct et_err *err)
{
    const enum et_status st = et_world_reset(r->world, seed, tier, err);
    if (st != ET_OK)
        return st;
    et_policy_begin(r->policy, chance, r->i_task);
    const struct et_world_state *s = et_world_observe(r->world);
    memcpy(r->to, s->command + (ET_WORLD_TICKS - 1) * r->n_moved, r->n_moved * sizeof *r->to);
    r->n_held = 0;
    r->n_steps = r->n_actions = 0;
    r->state = (struct et_rollout_state){.i_phase = et_policy_phase(r->policy)};
    return ET_OK;
}

static enum et_status look(struct et_rollout *r, struct et_err *err)
{
    const struct et_world_state *s = et_world_observe(r->world);
    const double *const sources[] = {
        [FROM_JOINTS] = s->position + (ET_WORLD_TICKS - 1) * r->n_moved,
        [FROM_TASK] = r->task,
        [FROM_TOUCH] = s->touch + (ET_WORLD_TICKS - 1) * ET_WORLD_TOUCH_VALUES};
    et_world_task(r->world, r->task);
    for (size_t i = 0; i < r->info->n_inputs; i++) {
        const struct input *input = &r->inputs[i];
        if (input->source == FROM_CAMERA) {
            const enum et_status st =
                et_world_render(r->renderer, input->i_camera, input->picture, err);
            if (st != ET_OK)
                return st;
            continue;
        }
        for (size_t k = 0; k < input->n; k++)
            input->values[k] = input->places[k] == SIZE_MAX
                                   ? input->missing
                                   : (float)sources[input->source][input->places[k]];
    }
    return ET_OK;
}

static void judge(struct et_rollout *r)
{
    const double limit_s = et_world_skill(r->world)->limit_s;
    r->state.seconds = 1e-9 * (double)et_world_time_ns(r->world);
    r->n_held = et_world_success(r->world, &r->state.missing) ? r->n_held + 1 : 0;
    r->state.is_success = (double)r->n_held * STEP_S >= ET_ROLLOUT_HELD_S - 1e-9;
    r->state.is_over = r->state.is_success || r->state.seconds >= limit_s;
}

enum et_status et_rollout_step(struct et_rollout *r, struct et_err *err)
{
    enum et_status st = ET_OK;
    enum et_rollout_fault fault = ET_ROLLOUT_NONE;
    if (r->state.is_over)
        return ET_END;
    // Of an action that is due between two steps of the world, the first step behind it is the one.
    if ((double)r->n_steps > (double)r->n_actions * r->between - 1e-6) {
        memcpy(r->from, r->to, r->n_moved * sizeof *r->to);
        st = look(r, err);
        if (st == ET_OK) {
            st = et_policy_act(r->policy, r->views, r->wanted, err);
            fault = st == ET_ECORRUPT ? ET_ROLLOUT_POLICY : ET_ROLLOUT_SERVER;
        }
        for (size_t i = 0; st == ET_OK && i < r->n_moved; i++)
            r->to[i] = r->wanted[r->joints[i]];
        r->state.i_phase = et_policy_phase(r->policy);
        r->n_actions++;
    }
    r->n_steps++;
    const double since = (double)r->n_steps - (double)(r->n_actions - 1) * r->between;
    const double share = fmin(since / r->between, 1);
    for (size_t i = 0; i < r->n_moved; i++)
        r->action[i] = r->from[i] + share * (r->to[i] - r->from[i]);
    if (st == ET_OK) {
        fault = ET_ROLLOUT_WORLD;
        st = et_world_step(r->world, r->action, err);
    }
    if (st != ET_OK) {
        r->state.is_over = true;
        r->state.is_success = false;
        r->state.fault = fault;
        return st;
    }
    judge(r);
    return r->state.is_over ? ET_END : ET_OK;
}

struct et_rollout_state et_rollout_state(const struct et_rollout *r)
{
    return r->state;
}
