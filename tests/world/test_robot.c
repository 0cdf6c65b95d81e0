/* robot.yaml: what a file of everything becomes, and where every mistake is said to be. */
#include "world/world__robot.h"

#include "support.h"
#include "tap.h"

#include <stdio.h>
#include <sys/stat.h>

#define ARENA_BYTES ((size_t)4 << 20)
#define TEXT_BYTES 8192

static struct et_err err;
static struct et_arena *arena;

// Line 1 is "robot: 1"; the mistakes below count from there.
static const char MADE[] = "robot: 1\n"
                           "text: two arms of one joint\n"
                           "source: {page: 7}\n"
                           "profile: generic\n"
                           "base: root\n"
                           "trunk: {site: imu, gyro: g, accelerometer: a}\n"
                           "joints:\n"
                           "  - {name: waist_yaw, part: waist, joint: j0, maker_index: 4}\n"
                           "  - {name: left_elbow, part: left_arm, joint: j1, home: -1.5,\n"
                           "     maker: L1, maker_scale: -57.3, maker_index: 1}\n"
                           "  - {name: left_gripper, part: left_hand, joint: f1, actuator: g1,\n"
                           "     maker_index: 2}\n"
                           "  - {name: right_elbow, part: right_arm, joint: j2, maker_index: 3}\n"
                           "  - {name: right_gripper, part: right_hand, joint: f2, "
                           "maker_index: 0}\n"
                           "hands:\n"
                           "  left: {tcp: t1, body: h1, fingers: [a1, b1], force: f, torque: t,\n"
                           "    touch: [s1, s2], pressure: [p1, p2, p3, p4, p5, p6, p7, p8],\n"
                           "    field_m2: 2e-4, open_m: .1, close_m: -.02, actuator_scale: .5}\n"
                           "  right: {tcp: t2, body: h2, fingers: [a2, b2], open_m: .08,\n"
                           "    close_m: 0}\n"
                           "postures:\n"
                           "  waist_yaw: {joint: waist_yaw, scale: -1}\n"
                           "cameras:\n"
                           "  head: eye\n";

static const char *written(const char *folder, const char *text, size_t n)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/robot.yaml", folder);
    (void)mkdir(temp_path(folder), 0700);
    write_file(temp_path(path), text, n);
    return temp_path(folder);
}

static const struct et__robot *load(const char *wanted, enum et_status *st)
{
    const struct et__robot *robot = NULL;
    err = (struct et_err){0};
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    *st = et__robot_load(wanted, arena, &robot, &err);
    CHECK((*st == ET_OK) == (robot != NULL));
    return robot;
}

static void reads_what_joints_are(void)
{
    enum et_status st;
    const struct et__robot *r = load(written("made", MADE, sizeof MADE - 1), &st);
    if (!CHECK(st == ET_OK)) {
        printf("#   %s\n", err.text);
        return;
    }
    CHECK_STR(r->id, "made");
    CHECK_HAS(r->path, "made/robot.yaml");
    CHECK_HAS(r->mjcf, "made/robot.xml");
    CHECK_STR(r->profile, "generic");
    CHECK_STR(r->trunk, "imu");
    CHECK(r->orientation == NULL);
    CHECK_EQ(r->n_joints, 5);
    const struct et__robot_joint *elbow = &r->joints[1];
    CHECK_STR(elbow->name, "left_elbow");
    CHECK_STR(elbow->maker, "L1");
    CHECK_STR(elbow->actuator, "j1");
    CHECK(elbow->part == ET_PART_LEFT_ARM && elbow->home == -1.5);
    CHECK(elbow->maker_scale == -57.3 && elbow->maker_index == 1);
    CHECK_STR(r->joints[3].maker, "right_elbow");
    CHECK(r->joints[3].maker_scale == 1 && r->joints[3].home == 0);
    et_arena_close(arena);
}

static void reads_what_hands_are(void)
{
    enum et_status st;
    const struct et__robot *r = load(written("made", MADE, sizeof MADE - 1), &st);
    if (!CHECK(st == ET_OK))
        return;
    const struct et__robot_hand *left = &r->hands[0], *right = &r->hands[1];
    CHECK_STR(left->fingers[1], "b1");
    CHECK_STR(left->touch[1], "s2");
    CHECK_STR(left->pressure[7], "p8");
    CHECK(left->field_m2 == 2e-4 && left->open_m == .1 && left->close_m == -.02);
    CHECK(left->actuator_scale == .5 && right->actuator_scale == 1);
    CHECK(left->first_joint == 1 && left->n_joints == 1 && left->i_hand == 2);
    CHECK(right->first_joint == 3 && right->n_joints == 1 && right->i_hand == 4);
    CHECK(!right->force && !right->touch[0] && !right->pressure[0]);
    CHECK_EQ(r->n_postures, 1);
    CHECK(r->postures[0].i_joint == 0 && r->postures[0].scale == -1);
    CHECK_STR(r->cameras[0].place, "head");
    CHECK_STR(r->cameras[0].camera, "eye");
    et_arena_close(arena);
}

/* ---- mistakes ---- */

struct mistake {
    const char *from, *to, *says;
};

static const struct mistake MISTAKES[] = {
    {"robot: 1", "robot: 2", "robot.yaml:1:8: robot"},
    {"base: root\n", "", "base"},
    {"base: root", "bass: root", "robot.yaml:5:1: "},
    {"base: root", "base: \"a\\tb\"", "robot.yaml:5:7: "},
    {"profile: generic", "profile: Über", "robot.yaml:4:10: profile is 1 to 256 of a-z"},
    {"part: waist", "part: legs", "robot.yaml:8:29: "},
    {"part: waist", "part: right_hand", "robot.yaml:9:30: the left_arm's joints stand before"},
    {"name: waist_yaw", "name: Waist", "robot.yaml:8:12: name is 1 to 256"},
    {"name: right_elbow", "name: left_elbow", "robot.yaml:13:12: the joint left_elbow is named"},
    {"joint: j2", "joint: j1", "robot.yaml:13:49: j1 is left_elbow already"},
    {"joint: j2,", "joint: j2, actuator: g1,",
     "robot.yaml:13:63: the actuator g1 drives left_gripper"},
    {"actuator: g1", "actuator: j0", "the actuator j0 drives waist_yaw already"},
    {"joint: f2", "joint: g1", "robot.yaml:14:5: the actuator g1 drives left_gripper"},
    {"maker: L1", "maker: waist_yaw", "robot.yaml:9:5: waist_yaw and left_elbow are both called"},
    {"maker_index: 3", "maker_index: 2", "robot.yaml:13:5: left_gripper and right_elbow both"},
    {"maker_index: 3", "maker_index: 5", "robot.yaml:13:66: maker_index 5, but there are 5"},
    {"maker_index: 3", "maker_index: -1", "robot.yaml:13:66: "},
    {"maker_scale: -57.3", "maker_scale: 0", "robot.yaml:10:30: maker_scale must not be 0"},
    {"maker_scale: -57.3", "maker_scale: .nan", "robot.yaml:10:30: "},
    {"home: -1.5", "home: 1e9", "robot.yaml:9:57: "},
    {"home: -1.5", "home: .nan", "robot.yaml:9:57: "},
    {"open_m: .1,", "open_m: .nan,", "robot.yaml:18:29: "},
    {"part: left_hand", "part: left_arm", "robot.yaml:8:3: left_hand has one joint"},
    {"open_m: .1,", "open_m: 0,", "robot.yaml:18:29: open_m must be above 0"},
    {"close_m: -.02", "close_m: .01", "robot.yaml:18:42: close_m must be 0 or below"},
    {"field_m2: 2e-4, ", "", "robot.yaml:17:32: pressure needs field_m2"},
    {"touch: [s1, s2]", "touch: [s1]", "robot.yaml:17:12: "},
    {"fingers: [a2, b2], ", "", "fingers"},
    {"actuator_scale: .5", "actuator_scale: 0", "robot.yaml:18:64: actuator_scale must not be 0"},
    {"  right: {", "  wrong: {", "robot.yaml:19:3: "},
    {"{joint: waist_yaw,", "{joint: waist,", "robot.yaml:22:22: no joint of that name above"},
    {"scale: -1", "scale: 0", "robot.yaml:22:40: scale must not be 0"},
    {"  waist_yaw: {j", "  waist_roll: {j", "robot.yaml:22:3: "},
    {"head: eye", "head.left: eye", "robot.yaml:24:3: a camera's place"},
    {"head: eye", "head: \"\"", "robot.yaml:24:9: "},
    {"joints:", "joints: &a", "robot.yaml:7:9: "},
};

static void tells_where_a_mistake_is(void)
{
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        const struct mistake *m = &MISTAKES[i];
        const char *at = strstr(MADE, m->from);
        char text[TEXT_BYTES];
        if (!CHECK(at != NULL))
            continue;
        const int n = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - MADE), MADE, m->to,
                               at + strlen(m->from));
        enum et_status st;
        (void)load(written("wrong", text, (size_t)n), &st);
        CHECK_EQ(st, ET_ECORRUPT);
        CHECK_HAS(err.text, m->says);
        et_arena_close(arena);
    }
}

static void an_arm_has_joints_and_not_too_many(void)
{
    char text[TEXT_BYTES];
    const char *at = strstr(MADE, "  - {name: left_gripper");
    int n = (int)(at - MADE);
    memcpy(text, MADE, (size_t)n);
    for (int i = 0; i < ET__ARM_JOINTS_MAX; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "  - {name: more_%d, part: left_arm, joint: m%d, maker_index: %d}\n", i, i,
                      5 + i);
    n += snprintf(text + n, sizeof text - (size_t)n, "%s", at);
    enum et_status st;
    (void)load(written("many", text, (size_t)n), &st);
    CHECK_EQ(st, ET_ECORRUPT);
    CHECK_HAS(err.text, "left_arm has 1 to 8 joints, not 9");
    et_arena_close(arena);
}

/* ---- where robots are ---- */

static void a_robot_that_is_nowhere_lists_those_there_are(void)
{
    enum et_status st;
    (void)load("no-such", &st);
    CHECK_EQ(st, ET_ENOTFOUND);
    CHECK_HAS(err.text, "no robot \"no-such\"");
    CHECK_HAS(err.text, "etude-one");
    CHECK_HAS(err.text, "h1-2");
    et_arena_close(arena);
    (void)load("./no-such", &st);
    CHECK_EQ(st, ET_ENOTFOUND);
    CHECK_HAS(err.text, "./no-such/robot.yaml");
    et_arena_close(arena);
    (void)load("..", &st);
    CHECK_EQ(st, ET_ENOTFOUND);
    et_arena_close(arena);
}

static void a_robot_is_named_by_its_folder(void)
{
    enum et_status st;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/robot.yaml", written("made", MADE, sizeof MADE - 1));
    const struct et__robot *r = load(path, &st);
    CHECK_EQ(st, ET_OK);
    CHECK(r && strcmp(r->id, "made") == 0);
    et_arena_close(arena);
    (void)snprintf(path, sizeof path, "%s///", temp_path("made"));
    r = load(path, &st);
    CHECK_EQ(st, ET_OK);
    CHECK(r && strcmp(r->id, "made") == 0);
    et_arena_close(arena);
    (void)load(written("Not Ours", MADE, sizeof MADE - 1), &st);
    CHECK_EQ(st, ET_ECORRUPT);
    CHECK_HAS(err.text, "a robot's folder is named with");
    et_arena_close(arena);
}

/* ---- what nobody should have written ---- */

static void parse_any(const void *text, size_t n)
{
    struct et_arena *own = NULL;
    struct et__robot robot = {0};
    struct et_err why = {0};
    if (!CHECK(et_arena_open(&own, ARENA_BYTES, &why) == ET_OK))
        return;
    const struct et_str view = {text, n};
    if (et__robot_parse("robot.yaml", view, own, &robot, &why) != ET_OK)
        CHECK(why.status == ET_ECORRUPT && strstr(why.text, "robot.yaml"));
    et_arena_close(own);
}

static void survives_a_cut_at_every_byte(void)
{
    for (size_t n = 0; n < sizeof MADE; n++)
        parse_any(MADE, n);
}

static void survives_a_flip_of_every_byte(void)
{
    char text[sizeof MADE];
    for (size_t i = 0; i < sizeof MADE - 1; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(text, MADE, sizeof text);
            text[i] = (char)(text[i] ^ 1 << bit);
            parse_any(text, sizeof text - 1);
        }
}

static void says_when_the_memory_is_not_enough(void)
{
    size_t enough = 0;
    for (size_t n = 0; n < 65536 && !enough; n += 64) {
        struct et_arena *small = NULL;
        struct et__robot robot = {0};
        struct et_err why = {0};
        if (!CHECK(et_arena_open(&small, n + 1, &why) == ET_OK))
            return;
        const struct et_str view = {MADE, sizeof MADE - 1};
        const enum et_status st = et__robot_parse("robot.yaml", view, small, &robot, &why);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        enough = st == ET_OK ? n : 0;
        et_arena_close(small);
    }
    CHECK(enough > 0);
}

int main(void)
{
    RUN(reads_what_joints_are);
    RUN(reads_what_hands_are);
    RUN(tells_where_a_mistake_is);
    RUN(an_arm_has_joints_and_not_too_many);
    RUN(a_robot_that_is_nowhere_lists_those_there_are);
    RUN(a_robot_is_named_by_its_folder);
    RUN(survives_a_cut_at_every_byte);
    RUN(survives_a_flip_of_every_byte);
    RUN(says_when_the_memory_is_not_enough);
    return tap_end();
}
