/* The virtual centre, live, in real time: a robot that its scripted trainer moves, attempt after
 * attempt, each with its marks, as a trainer with a button gives them; or one that follows an
 * operator, and begins anew when an attempt has ended. */
#include "record/record__follower.h"
#include "record/record__live_cameras.h"
#include "record/record__sources.h"

#include "etude/clock.h"
#include "etude/world_record.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_NS (ET_WORLD_TICKS * ET_WORLD_TICK_NS)
#define LEAD_STEPS 50             // the robot stands still: before an attempt is told of, and after
#define LATE_NS ET_NS_PER_S       // behind by more, its time is let go
#define PACE_NS (5 * ET_NS_PER_S) // that a pace is of
#define PACE_LOW 0.9
#define STYLE "careful"

// clang-format off
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema YES = {.type = ET_SCHEMA_BOOL};
static const char *const TIERS[] = {"controlled", "displaced", "varied", "cluttered", "disturbed",
                                    NULL};
static const struct et_schema TIER = {.type = ET_SCHEMA_STRING, .choices = TIERS};
static const struct et_schema SEED = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = 1e15};
static const struct et_schema ATTEMPTS = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = 1e6};
static const struct et_schema_field FIELDS[] = {
    {"skill",    &TEXT,     true},
    {"robot",    &TEXT,     false},
    {"tier",     &TIER,     false},
    {"trainer",  &TEXT,     false},
    {"seed",     &SEED,     false},
    {"attempts", &ATTEMPTS, false},
    {"cameras",  &YES,      false},
    {"judge",    &YES,      false},
    {"teleop",   &et__follower_settings, false},
    ET__OPERATOR_FIELDS,
    {NULL,       NULL,      false},
};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
// clang-format on

enum stage { LEAD, PLAY, TAIL };

struct live_world {
    struct et_source_options options;
    struct et_feed *feed;
    struct et_arena *arena;
    struct et_world *world;
    struct et_trainer *trainer;
    struct et__live_cameras *cameras; // NULL: there are none
    enum et_status cameras_status;    // of opening them: told when it is polled
    struct et_err cameras_err;
    struct et_world_record *record;
    double *action;
    size_t n_joints;
    enum et_tier tier;
    uint64_t seed;
    int64_t n_attempts, i_attempt; // n 0: without end
    bool is_over;                  // but pictures may be under way
    enum stage stage;
    int n_steps; // of the stage
    int64_t t_next_ns;
    struct et__operator_how lead;  // whom the robot follows; no device: its trainer
    struct et__follower *follower; // NULL: there is no operator
    enum et_teleop_state state;    // of it, as it was told last
    bool should_judge;             // a success that lasts is marked as one
    bool is_attempt, must_begin_anew;
    unsigned n_done;
    int64_t t_pace_ns; // since when steps are counted
    int n_pace;        // steps since
    double pace;       // of real time, over the last 5 s; 0: not known yet
    bool is_slow;      // told
    int n_successful;  // steps, one behind the other
};

static const char *text(const struct live_world *w, const char *key, const char *otherwise)
{
    return et_value_text(et_value_get(w->options.settings, key), otherwise);
}

/* ---- an attempt ---- */

static enum et_status end_attempt(struct live_world *w, struct et_err *err)
{
    struct et_world_outcome outcome = {0};
    struct et_world_record *record = w->record;
    w->record = NULL;
    if (!record)
        return ET_OK;
    outcome.is_success = et_world_success(w->world, &outcome.missing);
    return et_world_record_finish(record, &outcome, err);
}

static enum et_status open_follower(struct live_world *w, struct et_err *err)
{
    const struct et_teleop_options how =
        et__follower_options(et_value_get(w->options.settings, "teleop"));
    const enum et_status st = et__follower_open_world(&w->follower, w->world, &how, err);
    if (st == ET_OK)
        et__follower_lead(w->follower, &w->lead);
    return st;
}

// What the sensors see now, and the cameras.
static enum et_status show(struct live_world *w, struct et_err *err)
{
    const enum et_status st = et_world_record_step(w->record, err);
    if (st == ET_OK && w->cameras && !w->options.only_look)
        et__live_cameras_step(w->cameras, w->world);
    return st;
}

static enum et_status begin_attempt(struct live_world *w, struct et_err *err)
{
    const uint64_t seed = w->seed + (uint64_t)w->i_attempt;
    const struct et_world_record_options how = {
        .seed = seed, .tier = w->tier, .t0_ns = w->options.now_ns(w->options.ctx), .feed = w->feed};
    enum et_status st = end_attempt(w, err);
    if (st == ET_OK)
        st = et_world_reset(w->world, seed, w->tier, err);
    if (st == ET_OK)
        st = et_trainer_begin(w->trainer, seed, err);
    if (st == ET_OK)
        st = et_world_record_open(&w->record, w->options.device, w->world, &how, err);
    if (st == ET_OK && w->cameras)
        st = et__live_cameras_begin(w->cameras, seed, w->tier, how.t0_ns, err);
    if (st == ET_OK)
        st = show(w, err);
    const struct et_world_state *state = et_world_observe(w->world);
    for (size_t i = 0; i < w->n_joints && st == ET_OK; i++)
        w->action[i] = state->command[(ET_WORLD_TICKS - 1) * w->n_joints + i];
    w->stage = LEAD;
    w->n_steps = w->n_successful = 0;
    w->must_begin_anew = false;
    if (st == ET_OK && w->lead.device && !w->follower)
        st = open_follower(w, err);
    if (st == ET_OK && w->follower)
        et__follower_begin(w->follower, w->action);
    return st;
}

static void mark(struct live_world *w, const char *word)
{
    (void)et_feed_event(w->feed, "mark", w->options.device, word, NULL);
}

// The robot follows; what holds it, and a success that lasts half a second, is told.
static void follow(struct live_world *w)
{
    et__follower_step(w->follower, et_world_observe(w->world), w->action);
    const enum et_teleop_state state = et__follower_status(w->follower).state;
    if (state != w->state)
        (void)et_feed_event(w->feed, "teleop", w->options.device, et_teleop_state_text(state),
                            NULL);
    w->state = state;
    const bool is_there = w->is_attempt && et_world_success(w->world, NULL);
    w->n_successful = is_there ? w->n_successful + 1 : 0;
    if (w->should_judge && w->n_successful == LEAD_STEPS)
        mark(w, "success");
}

// What the trainer does next; the world goes on in any case.
static enum et_status act(struct live_world *w, struct et_err *err)
{
    if (w->follower) {
        follow(w);
        return ET_OK;
    }
    w->n_steps++;
    if (w->stage == LEAD && w->n_steps == LEAD_STEPS)
        mark(w, "start");
    if (w->stage == LEAD && w->n_steps == 2 * LEAD_STEPS)
        w->stage = PLAY;
    if (w->stage != PLAY)
        return ET_OK;
    const enum et_status st = et_trainer_act(w->trainer, w->action, err);
    if (st != ET_END)
        return st;
    mark(w, et_world_success(w->world, NULL) ? "success" : "failure");
    w->stage = TAIL;
    w->n_steps = 0;
    return ET_OK;
}

static enum et_status step(struct live_world *w, struct et_err *err)
{
    enum et_status st = act(w, err);
    if (st == ET_OK)
        st = et_world_step(w->world, w->action, err);
    if (st == ET_OK)
        st = et_world_record_phase(w->record, et_trainer_state(w->trainer).i_phase, err);
    if (st == ET_OK)
        st = show(w, err);
    const bool is_over = w->follower ? w->must_begin_anew : w->stage == TAIL;
    if (st != ET_OK || !is_over || w->n_steps < LEAD_STEPS)
        return st;
    w->i_attempt++;
    w->is_over = w->n_attempts > 0 && w->i_attempt >= w->n_attempts;
    return w->is_over ? end_attempt(w, err) : begin_attempt(w, err);
}

/* ---- the source ---- */

static void close_world(void *self)
{
    struct live_world *w = self;
    et_world_record_abandon(w->record);
    et__follower_close(w->follower);
    et__live_cameras_close(w->cameras);
    et_trainer_close(w->trainer);
    et_world_close(w->world);
    et_arena_close(w->arena);
    free(w->action);
    free(w);
}

// The arms' joints by name, for settings that map others to them.
static enum et_status read_lead(struct live_world *w, struct et_err *err)
{
    struct et__operator_robot robot = {.n = {0}};
    const struct et_world_joint *joints = et_world_joints(w->world, &w->n_joints);
    for (size_t i = 0; i < w->n_joints; i++) {
        const size_t side = joints[i].part == ET_PART_RIGHT_ARM;
        const bool is_arm = side || joints[i].part == ET_PART_LEFT_ARM;
        if (is_arm && robot.n[side] < ET_TELEOP_ARM_JOINTS_MAX)
            robot.names[side][robot.n[side]++] = joints[i].name;
    }
    return et__operator_read(&w->lead, &w->options, &robot, err);
}

static struct et_world_options world_options(const struct live_world *w)
{
    return (struct et_world_options){.skill = text(w, "skill", NULL),
                                     .robot = text(w, "robot", NULL),
                                     .has_litter = w->tier >= ET_TIER_CLUTTERED};
}

/* Before anybody is polled: OpenGL takes half a second to open, in which all would wait. A machine
 * without it is told of like a device that is away. */
static void open_cameras(struct live_world *w)
{
    const struct et__live_cameras_options how = {.world = world_options(w), .feed = w->feed};
    if (et_value_bool(et_value_get(w->options.settings, "cameras"), true))
        w->cameras_status = et__live_cameras_open(&w->cameras, &how, &w->cameras_err);
}

static enum et_status open_all(struct live_world *w, struct et_err *err)
{
    const struct et_world_options how = world_options(w);
    const struct et_trainer_style *style;
    enum et_status st = et_arena_open(&w->arena, (size_t)1 << 28, err);
    if (st == ET_OK)
        st = et_trainer_style_load(text(w, "trainer", STYLE), w->arena, &style, err);
    if (st == ET_OK)
        st = et_world_open(&w->world, &how, err);
    if (st == ET_OK)
        st = read_lead(w, err);
    if (st != ET_OK)
        return st;
    w->action = calloc(w->n_joints + 1, sizeof *w->action);
    return w->action ? et_trainer_open(&w->trainer, w->world, style, err)
                     : et_fail(err, ET_ENOMEM, -1, "no memory for the actions");
}

static enum et_status open_world(void **self, const struct et_source_options *options,
                                 struct et_feed *feed, struct et_err *err)
{
    *self = NULL;
    struct live_world *w = calloc(1, sizeof *w);
    if (!w)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a world");
    w->options = *options;
    w->feed = feed;
    const bool is_tier = et_tier_find(text(w, "tier", "controlled"), &w->tier);
    assert(is_tier); // by the schema
    w->seed = (uint64_t)et_value_int(et_value_get(options->settings, "seed"), 1);
    w->n_attempts = et_value_int(et_value_get(options->settings, "attempts"), 0);
    w->should_judge = et_value_bool(et_value_get(options->settings, "judge"), true);
    const enum et_status st =
        text(w, "skill", NULL)
            ? open_all(w, err)
            : et_fail(err, ET_ECORRUPT, -1, "%s: which skill? (skill)", options->device);
    if (st != ET_OK) {
        close_world(w);
        return st;
    }
    open_cameras(w);
    *self = w;
    return ET_OK;
}

static enum et_status start(struct live_world *w, struct et_err *err)
{
    if (w->cameras_status != ET_OK && err)
        *err = w->cameras_err;
    if (w->cameras_status != ET_OK)
        return w->cameras_status;
    const enum et_status st = begin_attempt(w, err);
    w->t_pace_ns = w->options.now_ns(w->options.ctx);
    w->t_next_ns = w->t_pace_ns + STEP_NS;
    w->is_over = w->options.only_look;
    return st;
}

// A machine that is too slow for the world makes time go slower in it: that is told, once.
static void look_at_pace(struct live_world *w, int64_t t_now_ns)
{
    char text[128];
    w->n_pace++;
    if (t_now_ns - w->t_pace_ns < PACE_NS)
        return;
    w->pace = (double)(w->n_pace * STEP_NS) / (double)(t_now_ns - w->t_pace_ns);
    w->n_pace = 0;
    w->t_pace_ns = t_now_ns;
    if (w->pace < PACE_LOW && !w->is_slow) {
        (void)snprintf(text, sizeof text,
                       "the world goes at %.2f of real time: this machine is too slow for it",
                       w->pace);
        (void)et_feed_event(w->feed, "source.warning", w->options.device, text, NULL);
    }
    w->is_slow = w->pace < PACE_LOW;
}

static bool is_done(const struct live_world *w)
{
    return w->is_over && (!w->cameras || et__live_cameras_n_under_way(w->cameras) == 0);
}

// The next step, if it is due.
static enum et_status go_on(struct live_world *w, struct et_err *err)
{
    const int64_t t_now_ns = w->options.now_ns(w->options.ctx);
    if (t_now_ns < w->t_next_ns)
        return ET_OK;
    const enum et_status st = step(w, err);
    look_at_pace(w, t_now_ns);
    w->t_next_ns += STEP_NS;
    if (w->t_next_ns < t_now_ns - LATE_NS)
        w->t_next_ns = t_now_ns;
    return st;
}

static enum et_status poll_world(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct live_world *w = self;
    if (!w->record && !w->is_over) {
        *t_next_ns = w->options.now_ns(w->options.ctx);
        return start(w, err);
    }
    enum et_status st = w->cameras ? et__live_cameras_take(w->cameras, err) : ET_OK;
    if (st == ET_OK && !w->is_over)
        st = go_on(w, err);
    *t_next_ns = w->is_over ? INT64_MAX : w->t_next_ns; // its last pictures say themselves
    return st == ET_OK && is_done(w) ? ET_END : st;
}

static int fd_world(void *self)
{
    const struct live_world *w = self;
    return w->cameras ? et__live_cameras_fd(w->cameras) : -1;
}

static enum et_source_state state_world(void *self)
{
    const struct live_world *w = self;
    return is_done(w) ? ET_SOURCE_OVER : ET_SOURCE_LIVE;
}

static void hear_operator(void *self, const struct et_feed_stream *stream,
                          const struct et_feed_sample *sample)
{
    struct live_world *w = self;
    if (w->follower)
        (void)et__follower_hear(w->follower, stream, sample, w->action);
}

// When an attempt has ended, the next one finds everything in its place again.
static void tell_world(void *self, const struct et_source_news *news)
{
    struct live_world *w = self;
    if (!w->follower)
        return;
    if (news->n_done != w->n_done) {
        w->must_begin_anew = true;
        w->n_steps = 0;
    }
    w->n_done = news->n_done;
    w->is_attempt = news->is_attempt;
    et__follower_stop(w->follower, news->is_emergency);
}

static enum et_source_deadman deadman_of(void *self)
{
    const struct live_world *w = self;
    return !w->follower                             ? ET_SOURCE_DEADMAN_NONE
           : et__follower_is_following(w->follower) ? ET_SOURCE_DEADMAN_HELD
                                                    : ET_SOURCE_DEADMAN_RELEASED;
}

static void say_world(void *self, char *text, size_t n)
{
    struct live_world *w = self;
    char pace[48] = "";
    if (w->is_slow)
        (void)snprintf(pace, sizeof pace, "; %.1f of real time", w->pace);
    if (!w->follower) {
        (void)snprintf(text, n, "attempt %lld%s", (long long)w->i_attempt + 1, pace);
        return;
    }
    const struct et_teleop_status s = et__follower_status(w->follower);
    if (s.latency_max_ns == 0) { // there was no pose yet
        (void)snprintf(text, n, "%s%s", et_teleop_state_text(s.state), pace);
        return;
    }
    (void)snprintf(text, n, "%s; pose to joints p50 %.2f ms, p99 %.2f ms, max %.2f ms%s",
                   et_teleop_state_text(s.state), (double)s.latency_p50_ns / 1e6,
                   (double)s.latency_p99_ns / 1e6, (double)s.latency_max_ns / 1e6, pace);
}

const struct et_source_kind et__source_world = {.name = "world",
                                                .text = "the virtual centre: a robot at a skill",
                                                .settings = &SETTINGS,
                                                .marks_itself = true,
                                                .open = open_world,
                                                .fd = fd_world,
                                                .poll = poll_world,
                                                .state = state_world,
                                                .close = close_world,
                                                .tell = tell_world,
                                                .hear = hear_operator,
                                                .deadman = deadman_of,
                                                .say = say_world};
