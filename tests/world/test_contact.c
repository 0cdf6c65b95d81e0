/* How hard a robot touches: by its trainer's hands, and where it is driven into things. */
#include "world/world__world.h"

#include "support.h"
#include "tap.h"

#include "etude/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define JOINTS_MAX 64

static struct et_err err;
static struct et_world *world;
static const struct et_world_joint *joints;
static size_t n_joints;
static double action[JOINTS_MAX];

static void open_world(const char *skill, bool measures_contact)
{
    CHECK_OK(et_world_open(
        &world, &(struct et_world_options){.skill = skill, .measures_contact = measures_contact},
        &err));
    if (!world)
        exit(1);
    joints = et_world_joints(world, &n_joints);
    CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
    for (size_t i = 0; i < n_joints; i++)
        action[i] = joints[i].home;
}

static void want(const char *name, double value)
{
    for (size_t i = 0; i < n_joints; i++)
        if (strcmp(joints[i].name, name) == 0) {
            action[i] = value;
            return;
        }
    CHECK(false);
}

static void most(struct et_world_contact *all, struct et_world_contact now)
{
    all->hand_n = fmax(all->hand_n, now.hand_n);
    all->body_n = fmax(all->body_n, now.body_n);
}

static struct et_world_contact run(double seconds)
{
    struct et_world_contact all = {0};
    for (double t = 0; t < seconds; t += 0.01) {
        CHECK_OK(et_world_step(world, action, &err));
        most(&all, et_world_contact(world));
    }
    return all;
}

static struct et_world_contact play(const char *skill, bool measures_contact)
{
    struct et_trainer *trainer = NULL;
    struct et_world_contact all = {0};
    open_world(skill, measures_contact);
    CHECK_OK(et_trainer_open(&trainer, world, NULL, &err));
    CHECK_OK(et_trainer_begin(trainer, 1, &err));
    while (et_trainer_act(trainer, action, &err) == ET_OK) {
        CHECK_OK(et_world_step(world, action, &err));
        most(&all, et_world_contact(world));
    }
    CHECK(et_world_success(world, NULL));
    et_trainer_close(trainer);
    et_world_close(world);
    return all;
}

/* A trainer touches with hands alone. */
static void hands_press_and_nothing_else_is_touched(void)
{
    const struct et_world_contact all = play("press_button", true);
    printf("# %.1f N\n", all.hand_n);
    CHECK(all.hand_n > 1 && all.hand_n < 500);
    CHECK_NEAR(all.body_n, 0, 0);
}

static void who_does_not_measure_is_told_nothing(void)
{
    CHECK_NEAR(play("press_button", false).hand_n, 0, 0);
}

static void fingers_that_close_on_nothing_touch_nothing(void)
{
    open_world("press_button", true);
    for (size_t i = 0; i < n_joints; i++)
        if (joints[i].part == ET_PART_LEFT_HAND || joints[i].part == ET_PART_RIGHT_HAND)
            action[i] = joints[i].lower;
    const struct et_world_contact all = run(1);
    CHECK_NEAR(all.hand_n + all.body_n, 0, 0);
    et_world_close(world);
}

/* Bent forward, an elbow on the table. */
static void what_is_no_hand_is_told_apart(void)
{
    static const struct {
        const char *name;
        double value;
    } JOINTS[] = {{"waist_lift", -0.14},          {"waist_yaw", -0.4},
                  {"waist_pitch", 0.37},          {"left_shoulder_pitch", -2.13},
                  {"left_shoulder_roll", 0.45},   {"left_shoulder_yaw", -0.89},
                  {"left_elbow", -1.78},          {"right_shoulder_pitch", -0.34},
                  {"right_shoulder_roll", -0.41}, {"right_shoulder_yaw", -1.33},
                  {"right_elbow", -1.02}};
    open_world("press_button", true);
    for (size_t i = 0; i < sizeof JOINTS / sizeof *JOINTS; i++)
        want(JOINTS[i].name, JOINTS[i].value);
    const struct et_world_contact all = run(2);
    printf("# hands %.1f N, body %.1f N\n", all.hand_n, all.body_n);
    CHECK(all.body_n > 50);
    CHECK(et__probe_robot(world).body_n <= all.body_n); // the last tick's is no more than the most
    CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
    CHECK_NEAR(et_world_contact(world).body_n, 0, 0);
    et_world_close(world);
}

static void hands_are_where_the_model_has_them(void)
{
    struct et_pose hands[2], before[2];
    open_world("press_button", false);
    et_world_hands(world, before);
    CHECK(before[0].position.y > before[1].position.y); // left is left
    want("waist_lift", 0.2);
    (void)run(2);
    et_world_hands(world, hands);
    for (int side = 0; side < 2; side++)
        CHECK_NEAR(hands[side].position.z - before[side].position.z, 0.2, 0.03);
    et_world_close(world);
}

int main(void)
{
    RUN(hands_press_and_nothing_else_is_touched);
    RUN(who_does_not_measure_is_told_nothing);
    RUN(fingers_that_close_on_nothing_touch_nothing);
    RUN(what_is_no_hand_is_told_apart);
    RUN(hands_are_where_the_model_has_them);
    return tap_end();
}
