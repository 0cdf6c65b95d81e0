// Robots of other programs are driven by an operator's hands, and by nothing else.
#include "drive_rig.h"
#include "support.h"
#include "tap.h"

#include "etude/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;
static struct rig rig;

// A machine that is busy elsewhere is no robot that is silent, nor an operator who is away.
#define ARMED "armed: true\nteleop: {watchdog_ms: 800}\n"
#define AWAY_S 1.6 // longer than both
#define SPEED 1.0  // rad/s, unless the settings say otherwise

static double apart(struct et_vec3 a, struct et_vec3 b)
{
    return et_vec3_norm(et_vec3_sub(a, b));
}

static bool begin(const char *kind, const char *settings)
{
    err = (struct et_err){0};
    if (!CHECK(rig_open(&rig, kind)))
        exit(tap_end());
    CHECK_OK(rig_drive(&rig, settings, &err));
    if (!rig.source)
        printf("# %s\n", err.text);
    return rig.source;
}

static void check_limits(const struct drive_seen *seen)
{
    static const double LOWER[] = {-3.0892,      -1.5882,      -2.618,      -1.0472,
                                   -1.972222054, -1.614429558, -1.614429558};
    static const double UPPER[] = {2.6704,      2.2515,      2.618,      2.0944,
                                   1.972222054, 1.614429558, 1.614429558};
    for (size_t i = 0; i < 7; i++) {
        const bool is_roll = i == 1;
        CHECK(seen->told[i] >= LOWER[i] - 1e-6 && seen->told[i] <= UPPER[i] + 1e-6);
        CHECK(seen->told[7 + i] >= (is_roll ? -UPPER[1] : LOWER[i]) - 1e-6 &&
              seen->told[7 + i] <= (is_roll ? -LOWER[1] : UPPER[i]) + 1e-6);
    }
}

static void a_unitree_goes_where_the_hand_goes(void)
{
    char text[ET_SOURCE_WORDS_BYTES];
    if (!begin("unitree", ARMED))
        return;
    const struct drive_seen before = rig_see(&rig);
    CHECK_EQ(before.n_commands, 0);
    if (CHECK(rig_take_over(&rig))) {
        const struct et_vec3 from[2] = {rig_hand(&rig, ET_LEFT), rig_hand(&rig, ET_RIGHT)};
        const struct et_vec3 way = {0.06, 0.02, 0.05};
        rig_run(&rig, 1.5, way);
        rig_wait(&rig, 0.7);
        for (int side = 0; side < 2; side++)
            CHECK(apart(rig_hand(&rig, (enum et_side)side), et_vec3_add(from[side], way)) < 0.012);
        const struct drive_seen seen = rig_see(&rig);
        CHECK(seen.n_commands > 100);
        CHECK_EQ(seen.n_wrong_crc, 0);
        CHECK_EQ(seen.n_wrong, 0);
        CHECK(seen.first_jump < 1e-4); // no jump at the start
        CHECK_EQ(seen.mode_machine, 5);
        CHECK_NEAR(seen.kp, 60, 1e-6);
        CHECK_NEAR(seen.weight, 1, 1e-6);
        CHECK(seen.most_weight_step < 2.7); // of a ramp of 0.4 s
        CHECK(seen.most_step < 1.05 * SPEED);
        check_limits(&seen);
        CHECK(rig.n_commands > 100);
        CHECK_EQ(rig.n_command_bytes, 1004);
        et_source_say(rig.source, text);
        printf("# %s\n", text);
        CHECK(strstr(text, "pose to command") != NULL);
    }
    printf("# %s\n", rig.words);
    // The end is orderly: the weight goes back while the joints stay.
    et_source_close(rig.source);
    rig.source = NULL;
    const struct drive_seen after = rig_see(&rig);
    CHECK_NEAR(after.weight, 0, 1e-6);
    CHECK_EQ(after.n_wrong_crc, 0);
    rig_close(&rig);
}

static void robots_of_ros_2_go_where_the_hand_goes(void)
{
    static const struct {
        const char *kind, *way;
    } ROBOTS[] = {{"trajectory", "joint_trajectory"}, {"array", "array"}, {"joints", "joints"}};
    for (size_t i = 0; i < sizeof ROBOTS / sizeof *ROBOTS; i++) {
        char settings[128];
        (void)snprintf(settings, sizeof settings, ARMED "way: %s\n", ROBOTS[i].way);
        if (!begin(ROBOTS[i].kind, settings))
            return;
        if (CHECK(rig_take_over(&rig))) {
            const struct et_vec3 from = rig_hand(&rig, ET_RIGHT), way = {0.04, 0.03, -0.05};
            rig_run(&rig, 1.5, way);
            rig_wait(&rig, 0.7);
            CHECK(apart(rig_hand(&rig, ET_RIGHT), et_vec3_add(from, way)) < 0.012);
            const struct drive_seen seen = rig_see(&rig);
            CHECK(seen.n_commands > 50);
            CHECK_EQ(seen.n_wrong, 0);
            CHECK(seen.first_jump < 1e-9);
        }
        rig_close(&rig);
    }
}

static void nothing_is_sent_to_a_robot_that_is_not_armed(void)
{
    if (!begin("unitree", ""))
        return;
    CHECK(rig_until(&rig, "drive ready"));
    rig.is_clutched = false;
    rig_wait(&rig, 0.4);
    rig.is_clutched = true;
    rig_run(&rig, 0.5, (struct et_vec3){0.1, 0, 0});
    CHECK_EQ(rig_see(&rig).n_commands, 0);
    CHECK_HAS(rig.words, "not `armed: true`");
    rig_close(&rig);
}

static void nothing_is_sent_before_the_robot_was_seen(void)
{
    if (!CHECK(rig_open(&rig, "unitree")))
        return;
    rig_order(&rig, "silent 1");
    CHECK_OK(rig_drive(&rig, ARMED, &err));
    rig_wait(&rig, 0.5);
    rig.is_clutched = true;
    rig_run(&rig, 0.5, (struct et_vec3){0.1, 0, 0});
    CHECK_EQ(rig_see(&rig).n_commands, 0);
    CHECK(strstr(rig.words, "ready") == NULL);
    CHECK_EQ(et_source_state(rig.source), ET_SOURCE_WAITING);
    rig_close(&rig);
}

static void a_robot_that_falls_silent_is_told_nothing(void)
{
    if (!begin("unitree", ARMED))
        return;
    CHECK(rig_take_over(&rig));
    rig_forget(&rig);
    rig_order(&rig, "silent 1");
    rig_run(&rig, AWAY_S, (struct et_vec3){0.1, 0, 0});
    CHECK_HAS(rig.words, "drive silent");
    const struct drive_seen silent = rig_see(&rig);
    CHECK(silent.since_last_s > 0.25); // stale after 0.8 s
    // Back again it is not moved until it is taken over anew.
    rig_order(&rig, "silent 0");
    rig_run(&rig, 0.5, (struct et_vec3){0.1, 0, 0});
    CHECK_EQ(rig_see(&rig).n_commands, silent.n_commands);
    rig_forget(&rig);
    rig.is_clutched = false;
    rig_wait(&rig, 0.2);
    rig.is_clutched = true;
    CHECK(rig_until(&rig, "drive driving"));
    CHECK(rig_see(&rig).most_step < 1.05 * SPEED);
    rig_close(&rig);
}

static void garbage_from_the_robot_is_no_state(void)
{
    static const char *const GARBAGE[] = {"nan", "crc"};
    for (size_t i = 0; i < 2; i++) {
        if (!begin("unitree", ARMED))
            return;
        CHECK(rig_take_over(&rig));
        rig_forget(&rig);
        rig_order(&rig, "%s 1", GARBAGE[i]);
        rig_run(&rig, AWAY_S, (struct et_vec3){0.1, 0, 0});
        CHECK_HAS(rig.words, "drive silent");
        CHECK_HAS(rig.words, i == 0 ? "left_elbow" : "checksum");
        CHECK(rig_see(&rig).since_last_s > 0.25);
        rig_close(&rig);
    }
    if (!begin("array", ARMED "way: array\n"))
        return;
    CHECK(rig_take_over(&rig));
    rig_order(&rig, "short 1");
    rig_run(&rig, AWAY_S, (struct et_vec3){0.1, 0, 0});
    CHECK_HAS(rig.words, "drive silent");
    CHECK_HAS(rig.words, "right_joint_1");
    rig_close(&rig);
}

static void the_emergency_stop_holds_whatever_the_hand_does(void)
{
    if (!begin("unitree", ARMED))
        return;
    CHECK(rig_take_over(&rig));
    rig_run(&rig, 0.4, (struct et_vec3){0.05, 0, 0});
    et_source_tell(rig.source, &(struct et_source_news){.is_emergency = true});
    rig_wait(&rig, 0.1);
    const struct drive_seen before = rig_see(&rig);
    rig_run(&rig, 0.5, (struct et_vec3){0.1, 0, 0.1});
    rig.is_clutched = false;
    rig_wait(&rig, 0.2);
    rig.is_clutched = true;
    rig_run(&rig, 0.5, (struct et_vec3){-0.1, 0, 0.1});
    const struct drive_seen after = rig_see(&rig);
    CHECK(after.n_commands > before.n_commands); // it is held, not let fall
    for (size_t i = 0; i < rig.n_joints; i++)
        CHECK_NEAR(after.told[i], before.told[i], 1e-6);
    CHECK_NEAR(after.weight, 1, 1e-6);
    CHECK_HAS(rig.words, "teleop stopped");
    // Taken back, it still wants the clutch let go of.
    et_source_tell(rig.source, &(struct et_source_news){.is_emergency = false});
    rig_wait(&rig, 0.2);
    CHECK_NEAR(rig_see(&rig).told[0], before.told[0], 1e-6);
    rig_close(&rig);
}

static void an_operator_who_goes_leaves_the_robot_where_it_is(void)
{
    if (!begin("unitree", ARMED))
        return;
    CHECK(rig_take_over(&rig));
    rig_run(&rig, 0.3, (struct et_vec3){0.05, 0, 0});
    rig.is_away = true;
    rig_wait(&rig, AWAY_S);
    CHECK_HAS(rig.words, "teleop held");
    const struct drive_seen before = rig_see(&rig);
    rig_run(&rig, 0.3, (struct et_vec3){0.2, 0, 0});
    rig.is_away = false;
    rig_wait(&rig, 0.3);
    const struct drive_seen after = rig_see(&rig);
    for (size_t i = 0; i < rig.n_joints; i++)
        CHECK_NEAR(after.told[i], before.told[i], 1e-6);
    rig_close(&rig);
}

static void joints_keep_their_limits_and_speed_however_far_the_hand_goes(void)
{
    if (!begin("unitree", "armed: true\ntracking_rad: 10\nteleop: {watchdog_ms: 800, speed_rad_s: "
                          "2, scale: 10}\n"))
        return;
    CHECK(rig_take_over(&rig));
    static const struct et_vec3 WAYS[] = {{0.5, 0.5, 0.5}, {-1, -1, -1}, {1, 0, -1}, {0, 1, 1}};
    for (size_t i = 0; i < 4; i++) {
        const double t_s = 0.7;
        rig_run(&rig, t_s, WAYS[i]);
        const struct drive_seen seen = rig_see(&rig);
        check_limits(&seen);
        CHECK(seen.most_step < 1.05 * 2);
        CHECK_EQ(seen.n_wrong_crc, 0);
    }
    rig_close(&rig);
}

static void a_robot_that_is_held_fast_gives_way(void)
{
    if (!begin("unitree", ARMED "tracking_rad: 0.1\n"))
        return;
    CHECK(rig_take_over(&rig));
    rig_order(&rig, "stuck 1");
    rig_run(&rig, 1.2, (struct et_vec3){0.15, 0, 0.15});
    CHECK_HAS(rig.words, "drive tracking");
    rig_wait(&rig, 0.6);
    const struct drive_seen seen = rig_see(&rig);
    for (size_t i = 0; i < rig.n_joints; i++)
        CHECK(fabs(seen.told[i] - seen.q[i]) < 0.02);
    rig_close(&rig);
}

static void a_joint_beyond_its_limits_is_not_taken_over(void)
{
    if (!begin("unitree", ARMED))
        return;
    rig_order(&rig, "put 18 2.2"); // of 2.0944
    CHECK(rig_until(&rig, "drive ready"));
    rig.is_clutched = false;
    rig_wait(&rig, 0.4);
    rig.is_clutched = true;
    rig_wait(&rig, 0.5);
    CHECK_EQ(rig_see(&rig).n_commands, 0);
    CHECK_HAS(rig.words, "left_elbow stands at 2.2");
    rig_close(&rig);
}

static void two_do_not_command_one_robot(void)
{
    struct et_feed *feed;
    struct rig other = {0};
    if (!begin("unitree", ARMED))
        return;
    CHECK(rig_take_over(&rig));
    rig_forget(&rig);
    // Another one comes: the first lets go.
    other.domain = rig.domain;
    other.is_g1 = true;
    CHECK_OK(et_feed_open(&feed, NULL, &err));
    CHECK_OK(rig_drive(&other, ARMED, &err));
    CHECK(rig_until(&rig, "drive releasing"));
    CHECK_HAS(rig.words, "somebody else writes rt/arm_sdk");
    rig_wait(&rig, 0.6);
    CHECK_NEAR(rig_see(&rig).weight, 0, 1e-6);
    rig_stop_driving(&other);
    et_feed_close(feed);
    rig_close(&rig);
}

static void a_robot_that_nobody_hears_is_not_taken_over(void)
{
    if (!begin("unitree", ARMED))
        return;
    rig_order(&rig, "stop_commands");
    CHECK(rig_until(&rig, "drive ready"));
    rig_wait(&rig, 0.4);
    rig.is_clutched = true;
    rig_wait(&rig, 0.4);
    CHECK_HAS(rig.words, "nobody hears rt/arm_sdk");
    rig_close(&rig);
}

static void another_type_on_the_topic_is_told(void)
{
    if (!begin("other", ARMED "way: array\n"))
        return;
    rig_wait(&rig, 0.8);
    CHECK_HAS(rig.words,
              "is written as unitree_hg/msg/LowState, not as sensor_msgs/msg/JointState");
    CHECK(strstr(rig.words, "ready") == NULL);
    rig_close(&rig);
}

static void a_type_that_nobody_defines_is_told(void)
{
    size_t n;
    if (!CHECK(rig_open(&rig, "array")))
        return;
    char *text = read_file(temp_path("fr3.yaml"), &n);
    for (char *at = text; (at = strstr(at, "Float64MultiArray")); at++)
        memcpy(at, "Float64Multi4rray", 17);
    write_file(temp_path("fr3.yaml"), text, n);
    free(text);
    CHECK_EQ(rig_drive(&rig, ARMED "way: array\n", &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "Float64Multi4rray");
    rig_stop_driving(&rig);
    rig_close(&rig);
}

static void a_network_that_is_not_there_is_waited_for(void)
{
    if (!CHECK(rig_open(&rig, "unitree")))
        return;
    rig.interface = "nothing0";
    CHECK_OK(rig_drive(&rig, ARMED, &err));
    rig_wait(&rig, 0.2);
    CHECK_HAS(rig.words, "no interface nothing0; it is waited for");
    CHECK_EQ(et_source_state(rig.source), ET_SOURCE_WAITING);
    rig_close(&rig);
}

// All motors by their own gains: legs and waist stay, arms follow, and all go slack in the end.
static void a_unitree_without_its_own_controller_is_held_as_a_whole(void)
{
    if (!begin("lowcmd", ARMED "way: lowcmd\n"))
        return;
    if (CHECK(rig_take_over(&rig))) {
        const struct et_vec3 from = rig_hand(&rig, ET_RIGHT), way = {0.05, 0, 0.05};
        rig_run(&rig, 1.2, way);
        rig_wait(&rig, 0.7);
        CHECK(apart(rig_hand(&rig, ET_RIGHT), et_vec3_add(from, way)) < 0.012);
        const struct drive_seen seen = rig_see(&rig);
        CHECK_EQ(seen.n_wrong_crc, 0);
        CHECK_EQ(seen.n_wrong, 0);
        CHECK_NEAR(seen.kp, 80, 1e-6);
        CHECK(seen.first_jump < 1e-4);
        CHECK(seen.most_weight_step < 2.7);
        CHECK(seen.n_legs == 15 && seen.legs_moved < 1e-4);
    }
    et_source_close(rig.source);
    rig.source = NULL;
    CHECK_NEAR(rig_see(&rig).kp, 0, 1e-6);
    rig_close(&rig);
}

static void what_does_not_fit_is_told_with_its_place(void)
{
    static const struct {
        const char *settings, *words;
    } WRONG[] = {
        {"way: nowhere\n", "no way \"nowhere\"; the first is arm_sdk"},
        {"armed: 1\n", "armed"},
        {"teleop: {speed_rad_s: 100}\n", "speed_rad_s"},
        {"peers: [\"<x>\"]\n", "names no place"},
    };
    if (!CHECK(rig_open(&rig, "unitree")))
        return;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        CHECK_EQ(rig_drive(&rig, WRONG[i].settings, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, WRONG[i].words);
        CHECK_HAS(err.text, "station.yaml:6:");
        rig_stop_driving(&rig);
    }
    // A profile that says nothing of it, and a model that is not this robot's.
    write_file(temp_path("g1.yaml"), "", 0);
    size_t n;
    char *text = read_file(source_path("share/profiles/generic.yaml"), &n);
    write_file(temp_path("g1.yaml"), text, n);
    free(text);
    CHECK_EQ(rig_drive(&rig, "", &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "station.yaml:1:10: the profile g1 does not say how the robot is driven");
    rig_stop_driving(&rig);
    rig_close(&rig);
}

int main(void)
{
    RUN(a_unitree_goes_where_the_hand_goes);
    RUN(robots_of_ros_2_go_where_the_hand_goes);
    RUN(nothing_is_sent_to_a_robot_that_is_not_armed);
    RUN(nothing_is_sent_before_the_robot_was_seen);
    RUN(a_robot_that_falls_silent_is_told_nothing);
    RUN(garbage_from_the_robot_is_no_state);
    RUN(the_emergency_stop_holds_whatever_the_hand_does);
    RUN(an_operator_who_goes_leaves_the_robot_where_it_is);
    RUN(joints_keep_their_limits_and_speed_however_far_the_hand_goes);
    RUN(a_robot_that_is_held_fast_gives_way);
    RUN(a_joint_beyond_its_limits_is_not_taken_over);
    RUN(two_do_not_command_one_robot);
    RUN(a_robot_that_nobody_hears_is_not_taken_over);
    RUN(another_type_on_the_topic_is_told);
    RUN(a_type_that_nobody_defines_is_told);
    RUN(a_network_that_is_not_there_is_waited_for);
    RUN(a_unitree_without_its_own_controller_is_held_as_a_whole);
    RUN(what_does_not_fit_is_told_with_its_place);
    return tap_end();
}
