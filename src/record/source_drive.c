/* A robot that an operator drives, through DDS, as its profile says.
 *
 * What happens when:
 *
 *     waiting     no measured joints, or none that are fresh: nothing is sent
 *     ready       they are heard; nothing is sent. Whoever presses a clutch takes the robot over
 *     taking      it is told to stay where it is, with a weight that grows where it has one
 *     driving     it follows; the clutch is to be let go of and pressed again for that
 *     releasing   it is told to stay, and the weight goes back: when the source ends, or somebody
 *                 else commands, too
 *
 * Whatever an operator, a device or the laws of teleoperation say, what is sent starts where the
 * robot was measured, keeps its limits and goes no faster than is allowed: `guard` is the last to
 * look, and trusts nobody. */
#include "record/record__drive.h"
#include "record/record__follower.h"
#include "record/record__sources.h"

#include "etude/clock.h"
#include "etude/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)256 << 20)
#define RETRY_NS ET_NS_PER_S
#define LOOK_NS (ET_NS_PER_S / 10) // at who else is there
#define DT_S_MAX 0.05
#define SPEED_SHARE 0.5
#define SPEED_RAD_S 1.0
#define TRACKING_RAD 0.4
#define TRACKING_S 0.25
#define BEYOND_RAD 0.02 // outside of its limits a joint is not taken over
#define BUFFER_BYTES ((uint64_t)1 << 20)
#define LATENCIES 1024
#define APART_NS (4 * (ET_NS_PER_S / 1000)) // commands beyond the rate: a flood of poses is none
#define PEERS_MAX 64

// clang-format off
#define STAGES(X)             \
    X(WAITING,   "waiting")   \
    X(READY,     "ready")     \
    X(TAKING,    "taking")    \
    X(DRIVING,   "driving")   \
    X(RELEASING, "releasing")

static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema YES = {.type = ET_SCHEMA_BOOL};
static const struct et_schema DOMAIN = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = 232};
static const struct et_schema TEXTS = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_max = PEERS_MAX};
static const struct et_schema TRACKING = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.01, .max = 10};
static const struct et_schema_field FIELDS[] = {
    {"profile",      &TEXT,                true},
    {"way",          &TEXT,                false},
    {"model",        &TEXT,                false},
    ET__OPERATOR_FIELDS,
    {"armed",        &YES,                 false},
    {"domain",       &DOMAIN,              false},
    {"interface",    &TEXT,                false},
    {"peers",        &TEXTS,               false},
    {"messages",     &TEXT,                false},
    {"shared",       &YES,                 false},
    {"record",       &YES,                 false},
    {"tracking_rad", &TRACKING,            false},
    {"teleop",       &et__follower_settings, false},
    {NULL,           NULL,                 false},
};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
// clang-format on

enum stage {
#define X(name, text) name,
    STAGES(X)
#undef X
};

struct live_drive {
    struct et_source_options options;
    struct et_feed *feed;
    struct et_arena *arena;
    const struct et_profile *profile;
    const struct et_drive *drive;
    struct et__operator_how lead;
    bool is_armed, may_share, should_record;
    double tracking_rad;
    struct et__dds_net where;
    struct et__drive_net net;
    struct et__drive_robot robot;
    struct et__follower *follower;
    uint16_t stream;
    enum stage stage;
    enum et_teleop_state state; // as it was told last
    bool is_emergency;
    double target[ET_DRIVE_JOINTS_MAX]; // as the follower has it
    double sent[ET_DRIVE_JOINTS_MAX];   // last
    double speed[ET_DRIVE_JOINTS_MAX];  // at most, a second
    double share;                       // of the weight: 0 let go … 1
    int64_t period_ns, t_next_ns, t_retry_ns, t_look_ns;
    int64_t t_sent_ns, t_step_ns; // 0: none was sent since it was taken
    int64_t t_astray_ns;          // since when joints are not where they were told; 0: they are
    int64_t t_pose_ns;            // of a pose that no command has used yet; 0: none
    int64_t t_hurried_ns;         // of the last command that a pose has sent
    int64_t latencies_ns[LATENCIES];
    size_t n_latencies;
    bool has_told_net, has_told_type, has_told_others, has_told_alone, has_told_unarmed,
        has_told_limits, has_told_refused;
    uint64_t n_bad_told;
};

static const char *stage_text(enum stage stage)
{
    static const char *const TEXTS_OF[] = {
#define X(name, text) text,
        STAGES(X)
#undef X
    };
    return TEXTS_OF[stage];
}

/* ---- what is told ---- */

static void tell(const struct live_drive *w, const char *word)
{
    (void)et_feed_event(w->feed, "drive", w->options.device, word, NULL);
}

static void warn_once(const struct live_drive *w, bool *has_told, const char *fmt, ...)
    ET_PRINTF(3, 4);
static void warn_once(const struct live_drive *w, bool *has_told, const char *fmt, ...)
{
    char text[512];
    va_list args;
    if (*has_told)
        return;
    *has_told = true;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)et_feed_event(w->feed, "source.warning", w->options.device, text, NULL);
}

static void go(struct live_drive *w, enum stage stage)
{
    w->stage = stage;
    tell(w, stage_text(stage));
}

// The first damaged state is told, and then each time ten times as many.
static void tell_of_bad(struct live_drive *w)
{
    bool has_told = false;
    if (w->robot.n_bad <= 10 * w->n_bad_told && w->n_bad_told > 0)
        return;
    if (w->robot.n_bad == 0)
        return;
    w->n_bad_told = w->robot.n_bad;
    warn_once(w, &has_told, "%llu states of %s are not to be used; the last: %s",
              (unsigned long long)w->robot.n_bad, w->drive->state.topic, w->robot.why);
}

/* ---- sending ---- */

static void note_latency(struct live_drive *w, int64_t t_ns)
{
    if (w->t_pose_ns > 0)
        w->latencies_ns[w->n_latencies++ % LATENCIES] = t_ns - w->t_pose_ns;
    w->t_pose_ns = 0;
}

static double within(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

/* What may be sent: from where it was sent to last, no faster than is allowed, within limits. */
static void guard(struct live_drive *w, const double *joints, double dt_s)
{
    for (size_t i = 0; i < w->drive->n_commanded; i++) {
        const struct et_drive_joint *joint = &w->drive->joints[i];
        const double most = w->speed[i] * within(dt_s, 0, DT_S_MAX);
        const double to = isfinite(joints[i]) ? joints[i] : w->sent[i];
        w->sent[i] =
            within(w->sent[i] + within(to - w->sent[i], -most, most), joint->lower, joint->upper);
    }
}

static void send(struct live_drive *w, const double *joints, int64_t t_ns)
{
    guard(w, joints, w->t_sent_ns > 0 ? (double)(t_ns - w->t_sent_ns) / 1e9 : 0);
    if (!et__drive_robot_command(&w->robot, w->sent, w->share) ||
        !et__drive_net_put(&w->net, w->robot.command.bytes, w->robot.command.n_bytes)) {
        warn_once(w, &w->has_told_refused, "a command could not be sent");
        return;
    }
    w->robot.n_commands++;
    w->t_sent_ns = et_clock_monotonic_ns();
    note_latency(w, w->t_sent_ns);
    if (w->should_record)
        (void)et_feed_put(w->feed,
                          &(struct et_feed_sample){.t_arrival_ns = w->t_sent_ns,
                                                   .stream = w->stream,
                                                   .n_bytes = (uint32_t)w->robot.command.n_bytes,
                                                   .bytes = w->robot.command.bytes});
}

/* ---- the stages ---- */

static bool is_fresh(const struct live_drive *w, int64_t t_ns)
{
    return w->robot.t_state_ns > 0 &&
           t_ns - w->robot.t_state_ns <= (int64_t)(w->drive->stale_s * 1e9);
}

static void begin(struct live_drive *w, const double *joints)
{
    et__follower_begin(w->follower, joints);
    memcpy(w->target, joints, w->drive->n_commanded * sizeof *w->target);
    w->t_astray_ns = 0;
}

// Somebody holds a clutch.
static bool is_wanted(const struct live_drive *w)
{
    const struct et_teleop_status status = et__follower_status(w->follower);
    return status.is_following[0] || status.is_following[1];
}

// Why the robot is not to be taken over now, if so.
static bool may_take(struct live_drive *w)
{
    if (!w->is_armed)
        warn_once(w, &w->has_told_unarmed, "the robot is not taken over: it is not `armed: true`");
    else if (et__drive_net_n_readers(&w->net) == 0)
        warn_once(w, &w->has_told_alone, "the robot is not taken over: nobody hears %s",
                  w->drive->command.topic);
    else if (w->net.n_others > 0 && !w->may_share)
        warn_once(w, &w->has_told_others, "the robot is not taken over: somebody else writes %s",
                  w->drive->command.topic);
    else if (!w->is_emergency) {
        for (size_t i = 0; i < w->drive->n_commanded; i++) {
            const struct et_drive_joint *joint = &w->drive->joints[i];
            const double q = w->robot.measured[i];
            if (q >= joint->lower - BEYOND_RAD && q <= joint->upper + BEYOND_RAD)
                continue;
            warn_once(w, &w->has_told_limits,
                      "the robot is not taken over: %s stands at %.3f, beyond its limits",
                      joint->name, q);
            return false;
        }
        return true;
    }
    return false;
}

static void take_over(struct live_drive *w)
{
    for (size_t i = 0; i < w->drive->n_commanded; i++)
        w->sent[i] =
            within(w->robot.measured[i], w->drive->joints[i].lower, w->drive->joints[i].upper);
    begin(w, w->sent);
    w->t_sent_ns = 0;
    w->has_told_others = w->has_told_alone = w->has_told_limits = false;
    go(w, TAKING);
}

// Where joints are for long not where they were told, something holds them.
static void look_at_tracking(struct live_drive *w, int64_t t_ns)
{
    double most = 0;
    for (size_t i = 0; i < w->drive->n_commanded; i++)
        if (w->drive->joints[i].follows)
            most = fmax(most, fabs(w->robot.measured[i] - w->sent[i]));
    if (most <= w->tracking_rad) {
        w->t_astray_ns = 0;
        return;
    }
    if (w->t_astray_ns == 0)
        w->t_astray_ns = t_ns;
    if (t_ns - w->t_astray_ns < (int64_t)(TRACKING_S * 1e9))
        return;
    double joints[ET_DRIVE_JOINTS_MAX];
    for (size_t i = 0; i < w->drive->n_commanded; i++)
        joints[i] = w->drive->joints[i].follows ? w->robot.measured[i] : w->sent[i];
    begin(w, joints); // gives way, and the clutch is to be let go of
    tell(w, "tracking");
}

static void tell_of_state(struct live_drive *w)
{
    const enum et_teleop_state state = et__follower_status(w->follower).state;
    if (state != w->state)
        (void)et_feed_event(w->feed, "teleop", w->options.device, et_teleop_state_text(state),
                            NULL);
    w->state = state;
}

static void ramp(struct live_drive *w, double to, double whole_s, double dt_s)
{
    const double most = whole_s > 0 ? dt_s / whole_s : 1;
    w->share += within(to - w->share, -most, most);
}

static void step_by_stage(struct live_drive *w, int64_t t_ns, double dt_s)
{
    const bool is_shared = w->net.n_others > 0 && !w->may_share;
    et__follower_step(w->follower, NULL, w->target);
    if ((w->stage == TAKING || w->stage == DRIVING) && is_shared) {
        warn_once(w, &w->has_told_others, "somebody else writes %s: the robot is let go of",
                  w->drive->command.topic);
        go(w, RELEASING);
    }
    switch (w->stage) {
    case WAITING:
        begin(w, w->robot.measured);
        go(w, READY);
        break;
    case READY:
        if (is_wanted(w) && may_take(w))
            take_over(w);
        break;
    case TAKING:
        if (!w->is_emergency)
            ramp(w, 1, w->drive->take_s, dt_s);
        send(w, w->sent, t_ns);
        if (w->share >= 1 && !w->is_emergency) {
            begin(w, w->sent);
            go(w, DRIVING);
        }
        break;
    case DRIVING:
        look_at_tracking(w, t_ns);
        send(w, w->target, t_ns);
        break;
    case RELEASING:
        ramp(w, 0, w->drive->release_s, dt_s);
        send(w, w->sent, t_ns);
        if (w->share <= 0)
            go(w, WAITING);
        break;
    }
    tell_of_state(w);
}

static void hear_state(void *ctx, const struct et__dds_sample *sample)
{
    struct live_drive *w = ctx;
    (void)et__drive_robot_hear(&w->robot, (struct et_str){sample->bytes, sample->n_bytes},
                               sample->t_arrival_ns);
}

static void look(struct live_drive *w, int64_t t_ns)
{
    if (t_ns < w->t_look_ns)
        return;
    w->t_look_ns = t_ns + LOOK_NS;
    et__drive_net_look(&w->net);
    if (w->net.has_other_type)
        warn_once(w, &w->has_told_type, "%s is written as %s, not as %s: it is not heard",
                  w->drive->state.topic, w->net.other_type, w->drive->state.type);
    tell_of_bad(w);
}

static void step(struct live_drive *w, int64_t t_ns)
{
    const double dt_s =
        within(w->t_step_ns > 0 ? (double)(t_ns - w->t_step_ns) / 1e9 : 0, 0, DT_S_MAX);
    w->t_step_ns = t_ns;
    et__drive_net_take(&w->net, hear_state, w);
    et__follower_others(w->follower, w->robot.measured + w->drive->n_commanded);
    look(w, t_ns);
    if (is_fresh(w, t_ns)) {
        step_by_stage(w, t_ns, dt_s);
        return;
    }
    // A robot that is not seen is not moved.
    if (w->stage != WAITING) {
        tell(w, "silent");
        go(w, WAITING);
    }
}

/* ---- opening ---- */

static const struct et_value *setting(const struct live_drive *w, const char *key)
{
    return et_value_get(w->options.settings, key);
}

static enum et_status fail_at(const struct live_drive *w, const char *key, const char *text,
                              struct et_err *err)
{
    const struct et_value *value = setting(w, key);
    const struct et_value *place = value ? value : w->options.settings;
    return et_yaml_fail(err, w->options.path, et_value_place(place), "%s", text);
}

// Beside the file that names it.
static const char *beside(const struct live_drive *w, const char *file, const char *name)
{
    const char *slash = file && name[0] != '/' ? strrchr(file, '/') : NULL;
    return et_arena_printf(w->arena, "%.*s%s", slash ? (int)(slash + 1 - file) : 0,
                           slash ? file : "", name);
}

static enum et_status find_way(struct live_drive *w, struct et_err *err)
{
    const char *wanted = et_value_text(setting(w, "way"), NULL);
    char text[300];
    for (size_t i = 0; i < w->profile->n_drives && !w->drive; i++)
        if (!wanted || strcmp(w->profile->drives[i].name, wanted) == 0)
            w->drive = &w->profile->drives[i];
    if (w->drive)
        return ET_OK;
    if (w->profile->n_drives == 0)
        (void)snprintf(text, sizeof text,
                       "the profile %.64s does not say how the robot is driven (drive, in "
                       "doc/profile.md)",
                       w->profile->id);
    else
        (void)snprintf(text, sizeof text,
                       "the profile %.64s knows no way \"%.64s\"; the first is %s", w->profile->id,
                       wanted, w->profile->drives[0].name);
    return fail_at(w, wanted ? "way" : "profile", text, err);
}

static enum et_status find_profile(struct live_drive *w, struct et_err *err)
{
    struct et_err inner = {0};
    const char *wanted = et_value_text(setting(w, "profile"), NULL);
    if (!wanted)
        return et_fail(err, ET_ECORRUPT, -1, "%s: which profile? (profile)", w->options.device);
    if (strchr(wanted, '/') || et_str_ends(et_str(wanted), ".yaml"))
        wanted = beside(w, w->options.path, wanted);
    if (!wanted)
        return et_arena_fail(w->arena, "a profile's path", err);
    const enum et_status st = et_profile_find(wanted, NULL, w->arena, &w->profile, &inner);
    if (st == ET_ENOTFOUND)
        return fail_at(w, "profile", inner.text, err);
    if (st != ET_OK) {
        if (err)
            *err = inner;
        return st;
    }
    return find_way(w, err);
}

static void describe_hands(const struct et_drive *d, struct et_world_arms_model *about)
{
    for (size_t side = 0; side < ET_DRIVE_ARMS; side++) {
        const struct et_drive_arm *arm = &d->arms[side];
        about->hands[side] =
            (struct et_world_arms_hand){.first_joint = arm->first_joint,
                                        .n_joints = arm->n_joints,
                                        .i_hand = arm->i_hand,
                                        .open = arm->open,
                                        .closed = arm->closed,
                                        .body = arm->body,
                                        .point = {arm->point[0], arm->point[1], arm->point[2]}};
    }
}

static enum et_status open_arms(const struct live_drive *w, struct et_world_arms **arms,
                                struct et_err *err)
{
    const struct et_drive *d = w->drive;
    struct et_world_arms_joint joints[ET_DRIVE_JOINTS_MAX];
    const char *own = et_value_text(setting(w, "model"), NULL);
    const char *path = own                ? beside(w, w->options.path, own)
                       : w->profile->urdf ? beside(w, w->profile->path, w->profile->urdf)
                                          : NULL;
    if (!path)
        return fail_at(w, "profile", "which model of the robot? (model: its MJCF or URDF)", err);
    for (size_t i = 0; i < d->n_joints; i++)
        joints[i] = (struct et_world_arms_joint){d->joints[i].name, d->joints[i].maker,
                                                 d->joints[i].lower, d->joints[i].upper};
    struct et_world_arms_model about = {.path = path,
                                        .joints = joints,
                                        .n_joints = d->n_commanded,
                                        .others = joints + d->n_commanded,
                                        .n_others = d->n_joints - d->n_commanded,
                                        .base = d->base};
    describe_hands(d, &about);
    return et_world_arms_open_model(arms, &about, err);
}

/* No joint goes faster than either its share of what it can, or what is allowed to all. */
static enum et_status open_follower(struct live_drive *w, struct et_err *err)
{
    double lower[ET_DRIVE_JOINTS_MAX], upper[ET_DRIVE_JOINTS_MAX], most[ET_DRIVE_JOINTS_MAX];
    struct et_teleop_options how = et__follower_options(setting(w, "teleop"));
    how.speed_share = how.speed_share > 0 ? how.speed_share : SPEED_SHARE;
    how.speed_rad_s = how.speed_rad_s > 0 ? how.speed_rad_s : SPEED_RAD_S;
    for (size_t i = 0; i < w->drive->n_commanded; i++) {
        const struct et_drive_joint *joint = &w->drive->joints[i];
        lower[i] = joint->lower;
        upper[i] = joint->upper;
        most[i] = fmin(joint->speed_max, how.speed_rad_s / how.speed_share); // NaN: the other
        w->speed[i] = most[i] * how.speed_share;
    }
    struct et__follower_robot robot = {.name = w->options.device,
                                       .n_joints = w->drive->n_commanded,
                                       .lower = lower,
                                       .upper = upper,
                                       .speed_max = most,
                                       .has_clearance = true};
    const enum et_status st = open_arms(w, &robot.arms, err);
    return st == ET_OK ? et__follower_open(&w->follower, &robot, &how, err) : st;
}

static enum et_status announce(struct live_drive *w, struct et_err *err)
{
    char dds_name[ET__DDS_NAME_BYTES], name[ET__DDS_NAME_BYTES];
    et__dds_name_of_topic(w->drive->command.topic, dds_name);
    et__dds_topic_name(dds_name, name);
    const struct et_feed_stream stream = {.topic = name,
                                          .type = w->drive->command.type,
                                          .schema = et_buf_str(&w->robot.schema),
                                          .schema_encoding = "ros2msg",
                                          .message_encoding = "cdr",
                                          .device = w->options.device,
                                          .rate_hz = w->drive->rate_hz};
    return w->should_record ? et_feed_add(w->feed, &stream, &w->stream, err) : ET_OK;
}

static enum et_status take_net(struct live_drive *w, struct et_err *err)
{
    const struct et_value *peers = setting(w, "peers");
    const char *interface = et_value_text(setting(w, "interface"), NULL);
    char **list = et_arena_array(w->arena, PEERS_MAX, sizeof *list);
    if (!list)
        return et_arena_fail(w->arena, "settings", err);
    enum et_status st = et__dds_check_place(setting(w, "interface"), w->options.path, err);
    for (size_t i = 0; i < et_value_count(peers) && st == ET_OK; i++) {
        const struct et_value *peer = et_value_at(peers, i);
        st = et__dds_check_place(peer, w->options.path, err);
        list[i] = et_arena_copy(w->arena, peer->as.string.p, peer->as.string.n);
        if (st == ET_OK && !list[i])
            st = et_arena_fail(w->arena, "settings", err);
    }
    w->where = (struct et__dds_net){
        .domain = (uint32_t)et_value_int(setting(w, "domain"), 0),
        .interface = interface ? et_arena_copy(w->arena, interface, strlen(interface)) : NULL,
        .peers = list,
        .n_peers = et_value_count(peers),
        .receive_buffer_bytes = BUFFER_BYTES};
    return st;
}

// ET_AGAIN where there is no such interface yet, which is waited for.
static enum et_status join(struct live_drive *w, struct et_err *err)
{
    struct et_err why = {0};
    w->t_retry_ns = w->options.now_ns(w->options.ctx) + RETRY_NS;
    const enum et_status st = et__drive_net_open(&w->net, &w->where, w->drive, &why);
    if (st == ET_AGAIN)
        warn_once(w, &w->has_told_net, "%s; it is waited for", why.text);
    else if (st != ET_OK && err)
        *err = why;
    return st;
}

// Who leads; texts stay the settings', which outlive the source.
static enum et_status read_lead(struct live_drive *w, struct et_err *err)
{
    struct et__operator_robot robot = {.n = {0}};
    for (size_t side = 0; side < ET_DRIVE_ARMS; side++)
        for (size_t i = 0; i < w->drive->arms[side].n_joints && i < ET_TELEOP_ARM_JOINTS_MAX; i++)
            robot.names[side][robot.n[side]++] =
                w->drive->joints[w->drive->arms[side].first_joint + i].name;
    if (!setting(w, "operator"))
        return fail_at(w, "profile", "whom does the robot follow? (operator)", err);
    return et__operator_read(&w->lead, &w->options, &robot, err);
}

static enum et_status open_all(struct live_drive *w, struct et_err *err)
{
    enum et_status st = et_arena_open(&w->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = find_profile(w, err);
    if (st == ET_OK)
        st = take_net(w, err);
    const char *messages = et_value_text(setting(w, "messages"), NULL);
    if (st == ET_OK)
        st = et__drive_robot_open(&w->robot, w->profile, w->drive,
                                  messages ? beside(w, w->options.path, messages) : NULL, err);
    if (st == ET_OK)
        st = read_lead(w, err);
    if (st == ET_OK)
        st = open_follower(w, err);
    if (st == ET_OK)
        et__follower_lead(w->follower, &w->lead);
    if (st == ET_OK)
        st = announce(w, err);
    if (st != ET_OK || w->options.only_look)
        return st;
    w->may_share = w->drive->may_share || et_value_bool(setting(w, "shared"), false);
    w->period_ns = (int64_t)(1e9 / w->drive->rate_hz);
    st = join(w, err);
    return st == ET_AGAIN ? ET_OK : st;
}

/* ---- the kind ---- */

/* The robot is let go of before the last word: whoever closes waits for it, no longer than
 * release_s, and not at all where the robot is silent. */
static void let_go(struct live_drive *w)
{
    int64_t t_ns = et_clock_monotonic_ns();
    const int64_t t_end_ns = t_ns + (int64_t)(w->drive->release_s * 1e9) + ET_NS_PER_S;
    if (w->stage != TAKING && w->stage != DRIVING && w->stage != RELEASING)
        return;
    if (w->stage != RELEASING)
        go(w, RELEASING);
    while (w->stage == RELEASING && t_ns < t_end_ns) {
        step(w, t_ns);
        et_clock_wait_until(t_ns + w->period_ns);
        t_ns = et_clock_monotonic_ns();
    }
}

static void close_drive(void *self)
{
    struct live_drive *w = self;
    if (w->net.participant > 0)
        let_go(w);
    et__drive_net_close(&w->net);
    et__drive_robot_close(&w->robot);
    et__follower_close(w->follower);
    et_arena_close(w->arena);
    free(w);
}

static enum et_status open_drive(void **self, const struct et_source_options *options,
                                 struct et_feed *feed, struct et_err *err)
{
    *self = NULL;
    struct live_drive *w = calloc(1, sizeof *w);
    if (!w)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a robot to drive");
    w->options = *options;
    w->options.device = options->device ? options->device : "drive";
    w->feed = feed;
    w->is_armed = et_value_bool(setting(w, "armed"), false);
    w->should_record = et_value_bool(setting(w, "record"), true);
    w->tracking_rad = et_value_real(setting(w, "tracking_rad"), TRACKING_RAD);
    const enum et_status st = open_all(w, err);
    if (st != ET_OK) {
        close_drive(w);
        return st;
    }
    *self = w;
    return ET_OK;
}

static enum et_status poll_drive(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct live_drive *w = self;
    const int64_t t_ns = w->options.now_ns(w->options.ctx);
    if (w->options.only_look)
        return ET_OK;
    if (w->net.participant <= 0) {
        *t_next_ns = w->t_retry_ns;
        if (t_ns < w->t_retry_ns)
            return ET_OK;
        const enum et_status st = join(w, err);
        *t_next_ns = st == ET_OK ? t_ns : w->t_retry_ns;
        return st < ET_OK ? st : ET_OK;
    }
    if (t_ns >= w->t_next_ns) {
        step(w, t_ns);
        w->t_next_ns += w->period_ns;
        if (w->t_next_ns <= t_ns) // late: what was missed is not made up for
            w->t_next_ns = t_ns + w->period_ns;
    }
    *t_next_ns = w->t_next_ns;
    return ET_OK;
}

static int fd_drive(void *self)
{
    (void)self;
    return -1;
}

static enum et_source_state state_drive(void *self)
{
    const struct live_drive *w = self;
    return w->stage == WAITING ? ET_SOURCE_WAITING : ET_SOURCE_LIVE;
}

/* A pose is followed at once, beyond the rate. */
static void hear_operator(void *self, const struct et_feed_stream *stream,
                          const struct et_feed_sample *sample)
{
    struct live_drive *w = self;
    if (w->options.only_look)
        return;
    if (!et__follower_hear(w->follower, stream, sample, w->target) || w->stage != DRIVING)
        return;
    const int64_t t_ns = et_clock_monotonic_ns();
    w->t_pose_ns = sample->t_arrival_ns;
    if (t_ns - w->t_hurried_ns < APART_NS || !is_fresh(w, t_ns))
        return;
    w->t_hurried_ns = t_ns;
    send(w, w->target, t_ns);
    w->t_next_ns = t_ns + w->period_ns;
}

static void tell_drive(void *self, const struct et_source_news *news)
{
    struct live_drive *w = self;
    w->is_emergency = news->is_emergency;
    et__follower_stop(w->follower, news->is_emergency);
}

static enum et_source_deadman deadman_of(void *self)
{
    const struct live_drive *w = self;
    return w->stage == DRIVING && et__follower_is_following(w->follower)
               ? ET_SOURCE_DEADMAN_HELD
               : ET_SOURCE_DEADMAN_RELEASED;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void say_drive(void *self, char *text, size_t n)
{
    const struct live_drive *w = self;
    const size_t n_known = w->n_latencies < LATENCIES ? w->n_latencies : LATENCIES;
    int64_t sorted[LATENCIES];
    if (w->stage != DRIVING || n_known == 0) {
        (void)snprintf(text, n, "%s%s", stage_text(w->stage),
                       w->stage == READY && !w->is_armed ? ", not armed"
                       : w->stage == READY               ? ": press a clutch to take it over"
                                                         : "");
        return;
    }
    memcpy(sorted, w->latencies_ns, n_known * sizeof *sorted);
    qsort(sorted, n_known, sizeof *sorted, compare);
    (void)snprintf(text, n, "%s; pose to command p50 %.2f ms, p99 %.2f ms, max %.2f ms",
                   et_teleop_state_text(w->state), (double)sorted[n_known / 2] / 1e6,
                   (double)sorted[(n_known - 1) * 99 / 100] / 1e6,
                   (double)sorted[n_known - 1] / 1e6);
}

const struct et_source_kind et__source_drive = {.name = "drive",
                                                .text = "a robot that an operator drives, by DDS",
                                                .settings = &SETTINGS,
                                                .open = open_drive,
                                                .fd = fd_drive,
                                                .poll = poll_drive,
                                                .state = state_drive,
                                                .close = close_drive,
                                                .say = say_drive,
                                                .hear = hear_operator,
                                                .tell = tell_drive,
                                                .deadman = deadman_of};
