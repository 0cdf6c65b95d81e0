// Whoever leads the virtual robot, its hand goes where theirs does, while their clutch is held:
// real bytes of each device go through its source, and what the source puts moves the arm.
#include "dxl_bus.h"
#include "mxtp_made.h"
#include "osc_made.h"
#include "record/record__operator_input.h"
#include "source_udp.h"
#include "support.h"

#include "etude/world_arm.h"

#include <fcntl.h>
#include <linux/input.h>
#include <math.h>
#include <sys/stat.h>

#define MS INT64_C(1000000)
#define STEP_NS (10 * MS)
#define N_LIVES 2

struct rig;

struct ear {
    struct rig *rig;
    struct live *live;
};

struct rig {
    struct et_world *world;
    struct et_world_arms *arms;
    struct et_teleop *teleop;
    struct et__operator_input lead;
    double lower[ET_TELEOP_JOINTS_MAX], upper[ET_TELEOP_JOINTS_MAX], joints[ET_TELEOP_JOINTS_MAX];
    struct et_world_arm about[2];
    struct et_pose from[2]; // of the robot's hands, at begin()
    struct ear ears[N_LIVES];
    int pad_fd;
    int64_t t_ns;
    size_t n_heard;
};

/* ---- the robot ---- */

static struct et_pose pose(void *ctx, const double *joints, size_t i_hand)
{
    return et_world_arm_pose(((struct rig *)ctx)->arms, joints, (enum et_side)i_hand);
}

static double solve(void *ctx, double *joints, size_t i_hand, const struct et_pose *goal)
{
    return et_world_arm_solve(((struct rig *)ctx)->arms, joints, (enum et_side)i_hand, goal, 6).m;
}

static void open_robot(struct rig *rig)
{
    struct et_teleop_robot robot = {
        .lower = rig->lower, .upper = rig->upper, .pose = pose, .solve = solve, .ctx = rig};
    CHECK_OK(et_world_open(&rig->world, &(struct et_world_options){.skill = "press_button"}, &err));
    CHECK_OK(et_world_reset(rig->world, 1, ET_TIER_CONTROLLED, &err));
    CHECK_OK(et_world_arms_open(&rig->arms, rig->world, &err));
    const struct et_world_joint *joints = et_world_joints(rig->world, &robot.n_joints);
    for (size_t i = 0; i < robot.n_joints; i++) {
        rig->lower[i] = joints[i].lower;
        rig->upper[i] = joints[i].upper;
        rig->joints[i] = joints[i].home;
    }
    for (size_t i = 0; i < 2; i++) {
        const struct et_world_arm arm = et_world_arm(rig->arms, (enum et_side)i);
        rig->about[i] = arm;
        robot.arms[i] = (struct et_teleop_arm){arm.first_joint, arm.n_joints, arm.i_hand,
                                               arm.open_m, arm.closed_m};
    }
    CHECK_OK(et_teleop_open(&rig->teleop, &robot, NULL, &err));
    et_teleop_begin(rig->teleop, rig->joints);
}

/* Who leads it, by the settings of a station. */
static void read_how(struct rig *rig, struct et_arena *arena, const char *station,
                     const char *settings)
{
    struct et_live_source sources[4];
    struct et__operator_robot robot = {.n = {0}};
    const struct et_value *beside = NULL, *own = NULL;
    size_t n;
    const struct et_world_joint *joints = et_world_joints(rig->world, &n);
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < rig->about[side].n_joints; i++)
            robot.names[side][robot.n[side]++] = joints[rig->about[side].first_joint + i].name;
    CHECK_OK(et_yaml_parse(et_str(station), "station.yaml", arena, &beside, &err));
    CHECK_OK(et_yaml_parse(et_str(settings), "station.yaml", arena, &own, &err));
    for (size_t i = 0; i < et_value_count(beside); i++) {
        const struct et_value *one = et_value_at(beside, i);
        const char *kind = et_value_text(et_value_get(one, "kind"), "");
        sources[i] = (struct et_live_source){beside->as.many.keys[i].p, et_source_kind(kind), one};
    }
    const struct et_source_options options = {.device = "robot",
                                              .settings = own,
                                              .path = "station.yaml",
                                              .station = sources,
                                              .n_station = et_value_count(beside)};
    CHECK_OK(et__operator_read(&rig->lead.how, &options, &robot, &err));
}

/* ---- hearing ---- */

static void on_put(void *ctx, const struct et_feed_sample *sample)
{
    struct ear *ear = ctx;
    struct rig *rig = ear->rig;
    struct et_feed_sample now = *sample;
    struct et_teleop_input input;
    now.t_arrival_ns = rig->t_ns; // the kernel's time of a datagram is not the test's
    if (!et__operator_hear(&rig->lead, et_feed_stream(ear->live->feed, sample->stream), &now,
                           &input))
        return;
    et_teleop_input(rig->teleop, &input);
    rig->n_heard++;
}

static void listen_to(struct rig *rig, size_t i, struct live *live)
{
    rig->ears[i] = (struct ear){rig, live};
    live->t_ns = rig->t_ns;
    CHECK_EQ(live->st, ET_OK);
    CHECK_OK(et_feed_listen(live->feed, &(struct et_feed_listener){on_put, &rig->ears[i]}, &err));
}

/* A gamepad on a pipe, or a pedal. */
static void open_pad(struct rig *rig, size_t i, const char *device, const char *kind,
                     const char *more)
{
    char settings[500], name[32];
    static int n_pipes;
    (void)snprintf(name, sizeof name, "pad%d.pipe", n_pipes++);
    const char *path = temp_path(name);
    CHECK(mkfifo(path, 0600) == 0);
    rig->pad_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    (void)snprintf(settings, sizeof settings, "{device: %s, rate: 50%s}", path, more);
    listen_to(rig, i, live_open_as(device, kind, settings, false));
}

static void report(struct rig *rig, uint16_t type, uint16_t code, int32_t value)
{
    struct input_event events[2] = {{.type = type, .code = code, .value = value},
                                    {.type = EV_SYN, .code = SYN_REPORT}};
    for (size_t i = 0; i < 2; i++) {
        events[i].input_event_sec = rig->t_ns / 1000000000;
        events[i].input_event_usec = rig->t_ns % 1000000000 / 1000;
    }
    CHECK_EQ(write(rig->pad_fd, events, sizeof events), sizeof events);
}

static void open_rig(struct rig *rig)
{
    *rig = (struct rig){.t_ns = 1000 * INT64_C(1000000000), .pad_fd = -1};
    open_robot(rig);
}

static void close_rig(struct rig *rig)
{
    for (size_t i = 0; i < N_LIVES; i++)
        if (rig->ears[i].live)
            live_close(rig->ears[i].live);
    if (rig->pad_fd >= 0)
        (void)close(rig->pad_fd);
    et_teleop_close(rig->teleop);
    et_world_arms_close(rig->arms);
    et_world_close(rig->world);
}

// Time goes on; those of `ears` (bits) are polled.
static void step(struct rig *rig, unsigned ears)
{
    rig->t_ns += STEP_NS;
    for (size_t i = 0; i < N_LIVES; i++) {
        struct live *live = rig->ears[i].live;
        if (!live || !(ears >> i & 1))
            continue;
        live->t_ns = rig->t_ns;
        live_poll(live);
    }
    et_teleop_step(rig->teleop, rig->t_ns, rig->joints);
}

static void steps(struct rig *rig, unsigned ears, int n)
{
    for (int i = 0; i < n; i++)
        step(rig, ears);
}

static void begin(struct rig *rig)
{
    for (size_t i = 0; i < 2; i++)
        rig->from[i] = et_world_arm_pose(rig->arms, rig->joints, (enum et_side)i);
}

static struct et_vec3 moved(struct rig *rig, enum et_side side)
{
    const struct et_pose now = et_world_arm_pose(rig->arms, rig->joints, side);
    return et_vec3_sub(now.position, rig->from[side].position);
}

static bool has_moved(struct rig *rig, enum et_side side, double x, double y, double z)
{
    const struct et_vec3 m = moved(rig, side);
    const bool is_so = fabs(m.x - x) < 0.008 && fabs(m.y - y) < 0.008 && fabs(m.z - z) < 0.008;
    if (!is_so)
        printf("# moved %.4f %.4f %.4f\n", m.x, m.y, m.z);
    return is_so;
}

static enum et_teleop_state state(const struct rig *rig)
{
    return et_teleop_status(rig->teleop).state;
}

/* ---- a suit that sends VMC ---- */

struct person {
    struct et_vec3 place;    // of the hips, on the robot's axes
    double heading_rad;      // to the left
    struct et_vec3 hands[2]; // as the person sees them, from the hips
    double bent_rad;         // each of a finger's joints
    bool has_fingers;
};

static const struct person PERSON = {.place = {0, 0, 0.9},
                                     .hands = {{0.3, 0.2, 0.2}, {0.3, -0.2, 0.2}}};

// Robot's axes to Unity's.
static void to_unity(struct et_vec3 v, double pose7[7])
{
    pose7[0] = -v.y;
    pose7[1] = v.z;
    pose7[2] = v.x;
    pose7[3] = pose7[4] = pose7[5] = 0;
    pose7[6] = 1;
}

static void put_bone(struct osc_made *o, const char *name, const double pose7[7])
{
    const size_t opened = osc_open(o);
    osc_pose(o, "/VMC/Ext/Bone/Pos", name, pose7);
    osc_close(o, opened);
}

static void put_arm(struct osc_made *o, const struct person *p, int side)
{
    static const char *const SIDES[] = {"Left", "Right"};
    const double s = side ? -1 : 1;
    // Chest, shoulder and arm stand still; the hand is where it is from them.
    const struct et_vec3 links[] = {{0, 0.2 * s, 0.3}, {0.1, 0.05 * s, -0.2}, {0.1, 0, 0}};
    static const char *const NAMES[] = {"UpperArm", "LowerArm"};
    char name[64];
    double pose7[7];
    struct et_vec3 at = links[2]; // of the chest
    for (int i = 0; i < 2; i++) {
        to_unity(links[i], pose7);
        (void)snprintf(name, sizeof name, "%s%s", SIDES[side], NAMES[i]);
        put_bone(o, name, pose7);
        at = et_vec3_add(at, links[i]);
    }
    to_unity(et_vec3_sub(p->hands[side], at), pose7);
    (void)snprintf(name, sizeof name, "%sHand", SIDES[side]);
    put_bone(o, name, pose7);
    static const char *const FINGERS[] = {"IndexProximal", "IndexIntermediate", "LittleProximal",
                                          "LittleIntermediate"};
    for (int i = 0; i < 4 && p->has_fingers; i++) {
        to_unity((struct et_vec3){0.03, 0, 0}, pose7);
        pose7[5] = sin(p->bent_rad / 2);
        pose7[6] = cos(p->bent_rad / 2);
        (void)snprintf(name, sizeof name, "%s%s", SIDES[side], FINGERS[i]);
        put_bone(o, name, pose7);
    }
}

static void send_vmc(const struct sender *sender, const struct person *p)
{
    struct osc_made o = {.n = 0};
    double pose7[7];
    osc_bundle(&o);
    to_unity(p->place, pose7);
    pose7[4] = -sin(p->heading_rad / 2); // Unity's up, left-handed
    pose7[6] = cos(p->heading_rad / 2);
    put_bone(&o, "Hips", pose7);
    to_unity((struct et_vec3){0.1, 0, 0}, pose7);
    put_bone(&o, "Chest", pose7);
    put_arm(&o, p, 0);
    put_arm(&o, p, 1);
    send_bytes(sender, o.bytes, o.n);
}

/* ---- a suit that sends MXTP02 ---- */

static void put_segment(struct mxtp_made *m, uint32_t id, struct et_vec3 at, double heading_rad)
{
    const double values[] = {at.x, at.y, at.z, cos(heading_rad / 2), 0, 0, sin(heading_rad / 2)};
    mxtp_u32(m, id);
    for (size_t i = 0; i < 7; i++)
        mxtp_f32(m, values[i]);
}

static void send_mxtp(const struct sender *sender, const struct person *p)
{
    static uint32_t counter;
    counter++;
    const struct mxtp_head head = {2, counter, counter * 10, 0, true, 0, 0};
    const struct et_quat turn = et_quat_from_axis_angle((struct et_vec3){0, 0, 1}, p->heading_rad);
    struct mxtp_made m = mxtp_begin(&head);
    put_segment(&m, 1, p->place, p->heading_rad);
    put_segment(&m, 11, et_vec3_add(p->place, et_quat_rotate(turn, p->hands[1])), p->heading_rad);
    put_segment(&m, 15, et_vec3_add(p->place, et_quat_rotate(turn, p->hands[0])), p->heading_rad);
    mxtp_end(&m, 3);
    send_bytes(sender, m.bytes, m.n);
}

typedef void send_fn(const struct sender *sender, const struct person *person);

struct suit {
    const char *kind, *more;
    send_fn *send;
};

static const struct suit SUITS[] = {{"vmc", "", send_vmc}, {"xsens", ", unit: m", send_mxtp}};

static void send_steps(struct rig *rig, const struct suit *suit, const struct sender *sender,
                       const struct person *person, int n)
{
    for (int i = 0; i < n; i++) {
        suit->send(sender, person);
        step(rig, 3);
    }
}

static struct sender open_suit(struct rig *rig, struct et_arena **arena, const struct suit *suit,
                               const char *settings)
{
    struct sender sender;
    char station[300];
    open_rig(rig);
    CHECK_OK(et_arena_open(arena, 1 << 20, &err));
    (void)snprintf(station, sizeof station,
                   "{dev: {kind: %s}, pad: {kind: gamepad}, "
                   "pedal: {kind: keys, mark: {KEY_A: clutch}}}",
                   suit->kind);
    read_how(rig, *arena, station, settings);
    listen_to(rig, 0, live_open_udp(suit->kind, suit->more, &sender));
    return sender;
}

static void a_suit_leads_by_where_its_wrists_are(void)
{
    for (size_t k = 0; k < 2; k++) {
        struct rig rig;
        struct et_arena *arena;
        const struct suit *suit = &SUITS[k];
        struct sender sender = open_suit(&rig, &arena, suit, "{operator: dev, clutch: pad}");
        struct person person = PERSON;
        person.heading_rad = 1.2;
        open_pad(&rig, 1, "pad", "gamepad", "");
        report(&rig, EV_KEY, BTN_TL, 0);
        report(&rig, EV_ABS, ABS_X, 100); // a report that changes something is heard
        send_steps(&rig, suit, &sender, &person, 5);
        begin(&rig);
        person.hands[0].x += 0.1;
        send_steps(&rig, suit, &sender, &person, 30);
        CHECK(has_moved(&rig, ET_LEFT, 0, 0, 0)); // nobody holds the clutch
        report(&rig, EV_KEY, BTN_TL, 1);
        send_steps(&rig, suit, &sender, &person, 3);
        CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
        // Forward and up, for the person; who goes through the room meanwhile, and turns round.
        for (int i = 0; i < 50; i++) {
            person.hands[0].x += 0.002;
            person.hands[0].z += 0.001;
            person.hands[1].x += 0.002;
            person.place.x += 0.02;
            person.heading_rad += 0.03;
            send_steps(&rig, suit, &sender, &person, 1);
        }
        send_steps(&rig, suit, &sender, &person, 40);
        CHECK(has_moved(&rig, ET_LEFT, 0.1, 0, 0.05));
        CHECK(has_moved(&rig, ET_RIGHT, 0, 0, 0)); // whose clutch nobody holds
        report(&rig, EV_KEY, BTN_TL, 0);
        send_steps(&rig, suit, &sender, &person, 2);
        person.hands[0].y += 0.2;
        send_steps(&rig, suit, &sender, &person, 30);
        CHECK(has_moved(&rig, ET_LEFT, 0.1, 0, 0.05));
        CHECK_EQ(state(&rig), ET_TELEOP_IDLE);
        close_rig(&rig);
        et_arena_close(arena);
        (void)close(sender.fd);
    }
}

static void who_falls_silent_is_not_followed(void)
{
    for (size_t k = 0; k < 2; k++) { // the suit, then its clutch
        struct rig rig;
        struct et_arena *arena;
        struct sender sender = open_suit(&rig, &arena, &SUITS[0], "{operator: dev, clutch: pad}");
        struct person person = PERSON;
        open_pad(&rig, 1, "pad", "gamepad", "");
        report(&rig, EV_ABS, ABS_X, 20000);
        send_steps(&rig, &SUITS[0], &sender, &person, 5);
        report(&rig, EV_KEY, BTN_TR, 1);
        send_steps(&rig, &SUITS[0], &sender, &person, 30);
        CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
        begin(&rig);
        for (int i = 0; i < 20; i++) {
            if (k == 1) {
                person.hands[1].x += 0.005;
                send_vmc(&sender, &person);
            }
            step(&rig, k == 0 ? 2 : 1);
        }
        CHECK_EQ(state(&rig), ET_TELEOP_HELD);
        CHECK_EQ(et_teleop_status(rig.teleop).n_watchdog, 1);
        begin(&rig);
        person.hands[1].x += 0.05;
        send_steps(&rig, &SUITS[0], &sender, &person, 10); // all is heard again, and held
        CHECK_EQ(state(&rig), ET_TELEOP_HELD);
        CHECK(has_moved(&rig, ET_RIGHT, 0, 0, 0));
        report(&rig, EV_KEY, BTN_TR, 0);
        send_steps(&rig, &SUITS[0], &sender, &person, 2);
        CHECK_EQ(state(&rig), ET_TELEOP_IDLE);
        close_rig(&rig);
        et_arena_close(arena);
        (void)close(sender.fd);
    }
}

static double opening(const struct rig *rig, enum et_side side)
{
    const struct et_world_arm *arm = &rig->about[side];
    return (rig->joints[arm->i_hand] - arm->closed_m) / (arm->open_m - arm->closed_m);
}

static void a_pedal_is_a_clutch_and_fingers_are_a_grip(void)
{
    struct rig rig;
    struct et_arena *arena;
    struct sender sender = open_suit(&rig, &arena, &SUITS[0], "{operator: dev, clutch: pedal}");
    struct person person = PERSON;
    person.has_fingers = true;
    open_pad(&rig, 1, "pedal", "keys", ", mark: {KEY_A: clutch}");
    report(&rig, EV_KEY, KEY_A, 1);
    report(&rig, EV_KEY, KEY_A, 0);
    send_steps(&rig, &SUITS[0], &sender, &person, 5);
    report(&rig, EV_KEY, KEY_A, 1);
    send_steps(&rig, &SUITS[0], &sender, &person, 5);
    const struct et_teleop_status status = et_teleop_status(rig.teleop);
    CHECK(status.is_following[0] && status.is_following[1]); // it is both arms' clutch
    person.bent_rad = 1.3;
    send_steps(&rig, &SUITS[0], &sender, &person, 60);
    CHECK_NEAR(opening(&rig, ET_LEFT), 0, 0.01);
    person.bent_rad = 0.1;
    send_steps(&rig, &SUITS[0], &sender, &person, 60);
    CHECK_NEAR(opening(&rig, ET_RIGHT), 1, 0.01);
    close_rig(&rig);
    et_arena_close(arena);
    (void)close(sender.fd);
}

static void without_fingers_the_clutchs_triggers_are_the_grip(void)
{
    struct rig rig;
    struct et_arena *arena;
    struct sender sender =
        open_suit(&rig, &arena, &SUITS[1], "{operator: dev, clutch: pad, grip: triggers}");
    struct person person = PERSON;
    open_pad(&rig, 1, "pad", "gamepad", "");
    report(&rig, EV_ABS, ABS_Z, 0);
    report(&rig, EV_ABS, ABS_RZ, 255);
    send_steps(&rig, &SUITS[1], &sender, &person, 5);
    report(&rig, EV_KEY, BTN_TL, 1);
    report(&rig, EV_KEY, BTN_TR, 1);
    send_steps(&rig, &SUITS[1], &sender, &person, 60);
    CHECK_NEAR(opening(&rig, ET_LEFT), 1, 0.01);
    CHECK_NEAR(opening(&rig, ET_RIGHT), 0, 0.01);
    close_rig(&rig);
    et_arena_close(arena);
    (void)close(sender.fd);
}

/* ---- a gamepad alone ---- */

static void a_gamepads_sticks_lead(void)
{
    struct rig rig;
    struct et_arena *arena;
    open_rig(&rig);
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    read_how(&rig, arena, "{dev: {kind: gamepad}}", "{operator: dev, pad: {m_s: 0.1}}");
    open_pad(&rig, 0, "dev", "gamepad", "");
    report(&rig, EV_ABS, ABS_Y, -32768); // up: forward
    steps(&rig, 1, 20);
    begin(&rig);
    CHECK(has_moved(&rig, ET_RIGHT, 0, 0, 0));
    report(&rig, EV_KEY, BTN_TR, 1);
    steps(&rig, 1, 101);
    report(&rig, EV_ABS, ABS_Y, 0);
    steps(&rig, 1, 30);
    CHECK(has_moved(&rig, ET_RIGHT, 0.1, 0, 0)); // 0.1 m/s for a second, held still by the thumb
    CHECK(has_moved(&rig, ET_LEFT, 0, 0, 0));
    report(&rig, EV_ABS, ABS_RY, -32768); // up
    report(&rig, EV_ABS, ABS_X, -32768);  // left
    steps(&rig, 1, 50);
    report(&rig, EV_ABS, ABS_RY, 0);
    report(&rig, EV_ABS, ABS_X, 0);
    steps(&rig, 1, 30);
    CHECK(has_moved(&rig, ET_RIGHT, 0.1, 0.05, 0.05));
    // Turning, until all clutches are let go.
    report(&rig, EV_KEY, BTN_THUMBR, 1);
    report(&rig, EV_KEY, BTN_THUMBR, 0);
    report(&rig, EV_ABS, ABS_RX, -32768); // to the left
    steps(&rig, 1, 50);
    report(&rig, EV_ABS, ABS_RX, 0);
    steps(&rig, 1, 30);
    CHECK(has_moved(&rig, ET_RIGHT, 0.1, 0.05, 0.05));
    const struct et_pose now = et_world_arm_pose(rig.arms, rig.joints, ET_RIGHT);
    const struct et_quat turned =
        et_quat_mul(now.rotation, et_quat_conj(rig.from[ET_RIGHT].rotation));
    CHECK_NEAR(2 * atan2(turned.z, turned.w), 0.4, 0.05); // half a second of 0.8 rad/s
    report(&rig, EV_ABS, ABS_Z, 0);
    report(&rig, EV_ABS, ABS_RZ, 255);
    steps(&rig, 1, 60);
    CHECK_NEAR(opening(&rig, ET_RIGHT), 0, 0.01);
    report(&rig, EV_KEY, BTN_TR, 0);
    steps(&rig, 1, 2);
    report(&rig, EV_KEY, BTN_TR, 1);
    report(&rig, EV_ABS, ABS_Y, 32767);
    steps(&rig, 1, 51);
    report(&rig, EV_ABS, ABS_Y, 0);
    steps(&rig, 1, 30);
    CHECK(has_moved(&rig, ET_RIGHT, 0.05, 0.05, 0.05)); // it moves again
    report(&rig, EV_ABS, ABS_Y, 32767);
    steps(&rig, 1, 5);
    steps(&rig, 0, 20); // nobody polls it: it is gone
    CHECK_EQ(state(&rig), ET_TELEOP_HELD);
    close_rig(&rig);
    et_arena_close(arena);
}

/* ---- an exoskeleton ---- */

static const char SERVOS[] = "joints: [{id: 11, name: one}, {id: 12, name: two}, {id: 13, name: "
                             "three}]";

// A turn of the bus and of the robot: 20 ms.
static void bus_step(struct rig *rig, struct bus *bus)
{
    struct live *live = rig->ears[0].live;
    rig->t_ns += STEP_NS;
    live->t_ns = rig->t_ns;
    live_poll(live);
    bus_serve(bus);
    const int64_t limit_ns = live->t_next_ns;
    live->t_ns += MS;
    for (int i = 0; i < 50 && live->t_next_ns == limit_ns; i++) {
        struct pollfd wait = {.fd = et_source_fd(live->source), .events = POLLIN};
        if (!CHECK(poll(&wait, 1, BUS_WAIT_MS) == 1))
            return;
        live_poll(live);
    }
    step(rig, 2);
}

static void bus_steps(struct rig *rig, struct bus *bus, int n)
{
    for (int i = 0; i < n; i++)
        bus_step(rig, bus);
}

static void an_exoskeleton_leads_joint_by_joint(void)
{
    struct rig rig;
    struct et_arena *arena;
    struct bus *bus = bus_open();
    char settings[400];
    open_rig(&rig);
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    read_how(&rig, arena,
             "{dev: {kind: dynamixel, joints: [{name: one}, {name: two}, {name: three}]}, "
             "pad: {kind: gamepad}}",
             "{operator: dev, clutch: pad, joints: [{from: one, to: left_shoulder_pitch, sign: "
             "-1}, {from: two, to: left_elbow, scale: 0.5}, {from: three, grip: left, open: "
             "3.1416, closed: 1.5708}]}");
    (void)snprintf(settings, sizeof settings, "{port: %s, rate: 50, timeout_ms: 1000, %s}",
                   bus->port, SERVOS);
    listen_to(&rig, 0, live_open("dynamixel", settings, false));
    open_pad(&rig, 1, "pad", "gamepad", "");
    report(&rig, EV_ABS, ABS_X, 100);
    bus_steps(&rig, bus, 10);
    const double *arm = rig.joints + rig.about[ET_LEFT].first_joint;
    double from[2] = {arm[rig.lead.how.joints[0].i], arm[rig.lead.how.joints[1].i]};
    for (int i = 0; i < 20; i++) {
        bus->servos[0].position -= 10;
        bus_step(&rig, bus);
    }
    CHECK_EQ(arm[rig.lead.how.joints[0].i], from[0]); // nobody holds the clutch
    report(&rig, EV_KEY, BTN_TL, 1);
    bus_steps(&rig, bus, 5);
    CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
    for (int i = 0; i < 50; i++) {
        bus->servos[0].position -= 4;
        bus->servos[1].position += 4;
        bus_step(&rig, bus);
    }
    bus_steps(&rig, bus, 20);
    const double rad = 200 * 2 * M_PI / 4096;
    CHECK_NEAR(arm[rig.lead.how.joints[0].i] - from[0], rad, 0.003);
    CHECK_NEAR(arm[rig.lead.how.joints[1].i] - from[1], 0.5 * rad, 0.003);
    CHECK_NEAR(opening(&rig, ET_LEFT), 1, 0.01);
    bus->servos[2].position = 2048 + 1024; // a quarter of a turn: closed
    bus_steps(&rig, bus, 60);
    CHECK_NEAR(opening(&rig, ET_LEFT), 0, 0.01);
    from[0] = arm[rig.lead.how.joints[0].i];
    report(&rig, EV_KEY, BTN_TL, 0);
    bus_steps(&rig, bus, 2);
    bus->servos[0].position += 100;
    bus_steps(&rig, bus, 10);
    CHECK_EQ(arm[rig.lead.how.joints[0].i], from[0]);
    report(&rig, EV_KEY, BTN_TL, 1);
    bus_steps(&rig, bus, 2);
    CHECK_EQ(state(&rig), ET_TELEOP_MOVING);
    steps(&rig, 2, 20); // its cable is pulled
    CHECK_EQ(state(&rig), ET_TELEOP_HELD);
    close_rig(&rig);
    bus_close(bus);
    et_arena_close(arena);
}

/* ---- bytes that are wrong ---- */

// Any bytes at all are nobody's input, or one that is within its bounds.
static void damaged_messages_move_nothing(void)
{
    static const struct et_feed_stream STREAMS[] = {
        {.topic = "/dev/pose", .type = "tf2_msgs/msg/TFMessage", .device = "dev"},
        {.topic = "/dev/joint_states", .type = "sensor_msgs/msg/JointState", .device = "dev"},
        {.topic = "/dev", .type = "etude_msgs/msg/Device", .device = "dev"}};
    static const enum et__operator_kind KINDS[] = {ET__OPERATOR_MOTION, ET__OPERATOR_JOINTS,
                                                   ET__OPERATOR_PAD};
    struct rng rng = {5};
    for (size_t k = 0; k < 3; k++) {
        struct et__operator_input in = {.how = {.kind = KINDS[k], .device = "dev"}};
        struct et_teleop_input to;
        unsigned char bytes[400] = {0, 1, 0, 0};
        for (int i = 0; i < 20000; i++) {
            const size_t n = rng_next(&rng) % sizeof bytes;
            for (size_t j = 4; j < n; j++) // many small numbers, so that counts are some
                bytes[j] = rng_next(&rng) % 3 ? 0 : (unsigned char)rng_next(&rng);
            const struct et_feed_sample sample = {
                .t_arrival_ns = i + 1, .n_bytes = (uint32_t)n, .bytes = bytes};
            (void)et__operator_hear(&in, &STREAMS[k], &sample, &to);
            CHECK(in.n_bodies <= ET__OPERATOR_BODIES_MAX);
        }
        const struct et_feed_stream other = {.topic = "/x", .type = STREAMS[k].type, .device = "x"};
        CHECK(!et__operator_hear(&in, &other, &(struct et_feed_sample){.n_bytes = 0}, &to));
    }
}

int main(void)
{
    RUN(a_suit_leads_by_where_its_wrists_are);
    RUN(who_falls_silent_is_not_followed);
    RUN(a_pedal_is_a_clutch_and_fingers_are_a_grip);
    RUN(without_fingers_the_clutchs_triggers_are_the_grip);
    RUN(a_gamepads_sticks_lead);
    RUN(an_exoskeleton_leads_joint_by_joint);
    RUN(damaged_messages_move_nothing);
    return tap_end();
}
