/* What a skill is about, as numbers; and arms that do not quite do what they are asked for. */
#include "etude/world.h"

#include "support.h"
#include "tap.h"
#include "world/world__world.h"

#include <math.h>
#include <stdlib.h>

#define N_MAX 400
#define JOINTS_MAX 64
#define N_STEPS 40

static struct et_err err;

static struct et_world *open_world(const char *skill, double disturbance_rad)
{
    const struct et_world_options options = {.skill = skill, .disturbance_rad = disturbance_rad};
    struct et_world *world = NULL;
    CHECK_OK(et_world_open(&world, &options, &err));
    if (!world)
        exit(1);
    return world;
}

/* ---- what it is about ---- */

static struct et_pose pose_at(const double *position, const double *wxyz)
{
    return (struct et_pose){{position[0], position[1], position[2]},
                            {wxyz[1], wxyz[2], wxyz[3], wxyz[0]}};
}

static struct et_pose object(const struct et_world *world, const char *name)
{
    for (size_t i = 0; i < et_world_n_objects(world); i++)
        if (strcmp(et_world_object(world, i).name, name) == 0)
            return et_world_object(world, i).pose;
    CHECK(false);
    return (struct et_pose){.rotation.w = 1};
}

static void check_3(const double *got, struct et_vec3 wanted)
{
    CHECK_NEAR(got[0], wanted.x, 1e-9);
    CHECK_NEAR(got[1], wanted.y, 1e-9);
    CHECK_NEAR(got[2], wanted.z, 1e-9);
}

static void numbers_are_those_of_the_objects_as_the_base_sees_them(void)
{
    static const char *const WANTED[] = {"block_grasp.x",  "block_grasp.y",  "block_grasp.z",
                                         "block_grasp.zx", "block_grasp.zy", "block_grasp.zz",
                                         "block_grasp.xx", "block_grasp.xy", "block_grasp.xz"};
    struct et_world *world = open_world("take_block", 0);
    double values[N_MAX];
    size_t n;
    const char *const *names = et_world_task_names(world, &n);
    CHECK_EQ(n, 9);
    for (size_t i = 0; i < n && i < 9; i++)
        CHECK_STR(names[i], WANTED[i]);
    for (uint64_t seed = 1; seed < 6; seed++) {
        CHECK_OK(et_world_reset(world, seed, ET_TIER_VARIED, &err));
        et_world_task(world, values);
        // The site hangs on the block; the base stands in the room.
        const int site = mj_name2id(world->model, mjOBJ_SITE, "block_grasp");
        const struct et_pose on_block =
            pose_at(world->model->site_pos + 3 * site, world->model->site_quat + 4 * site);
        const struct et_pose base =
            pose_at(world->data->xpos + 3 * world->base, world->data->xquat + 4 * world->base);
        const struct et_pose seen =
            et_pose_mul(et_pose_inverse(base), et_pose_mul(object(world, "block"), on_block));
        check_3(values, seen.position);
        check_3(values + 3, et_quat_rotate(seen.rotation, (struct et_vec3){0, 0, 1}));
        check_3(values + 6, et_quat_rotate(seen.rotation, (struct et_vec3){1, 0, 0}));
        CHECK(values[0] > 0.1); // before the robot
    }
    et_world_close(world);
}

static bool has_name(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void joints_tell_their_position_and_objects_are_told_once(void)
{
    struct et_world *world = open_world("pull_drawer", 0);
    double values[N_MAX];
    size_t n;
    const char *const *names = et_world_task_names(world, &n);
    CHECK_EQ(n, 10);
    CHECK(has_name(names, n, "drawer_handle.xz") && has_name(names, n, "drawer.position"));
    CHECK(!has_name(names, n, "cabinet.x")); // its drawer's handle says where it is
    CHECK_OK(et_world_reset(world, 3, ET_TIER_CONTROLLED, &err));
    const int joint = mj_name2id(world->model, mjOBJ_JOINT, "drawer");
    world->data->qpos[world->model->jnt_qposadr[joint]] = 0.125;
    et_world_task(world, values);
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], "drawer.position") == 0)
            CHECK_NEAR(values[i], 0.125, 0);
    et_world_close(world);
}

static void every_skill_is_about_something(void)
{
    struct et_arena *arena = NULL;
    const struct et_share_file *files = NULL;
    size_t n_files = 0, most = 0;
    CHECK_OK(et_arena_open(&arena, (size_t)16 << 20, &err));
    CHECK_OK(et_skill_list(arena, &files, &n_files, &err));
    CHECK(n_files > 20);
    for (size_t k = 0; k < n_files; k++) {
        struct et_world *world = open_world(files[k].id, 0);
        double values[N_MAX], again[N_MAX];
        size_t n;
        const char *const *names = et_world_task_names(world, &n);
        most = n > most ? n : most;
        if (!CHECK(n > 0 && n <= N_MAX))
            printf("#   %s: %zu\n", files[k].id, n);
        for (size_t i = 0; i < n; i++)
            CHECK(!has_name(names, i, names[i]));
        CHECK_OK(et_world_reset(world, 9, ET_TIER_CONTROLLED, &err));
        et_world_task(world, values);
        for (size_t i = 0; i < n; i++) {
            CHECK(isfinite(values[i]));
            const size_t length = strlen(names[i]);
            if (length > 3 && strcmp(names[i] + length - 3, ".zx") == 0)
                CHECK_NEAR(hypot(hypot(values[i], values[i + 1]), values[i + 2]), 1, 1e-9);
        }
        et_world_task(world, again); // to look changes nothing
        CHECK(memcmp(values, again, n * sizeof *values) == 0);
        et_world_close(world);
    }
    printf("# %zu skills, %zu numbers at most\n", n_files, most);
    et_arena_close(arena);
}

static void numbers_do_not_depend_on_the_seeds_before(void)
{
    struct et_world *one = open_world("take_block", 0), *other = open_world("take_block", 0);
    double a[N_MAX], b[N_MAX];
    size_t n;
    (void)et_world_task_names(one, &n);
    for (int tier = 0; tier < ET_N_TIERS; tier++) {
        CHECK_OK(et_world_reset(one, 9, (enum et_tier)tier, &err));
        et_world_task(one, b);
        CHECK_OK(et_world_reset(one, 5, (enum et_tier)tier, &err));
        CHECK_OK(et_world_reset(other, 5, (enum et_tier)tier, &err));
        et_world_task(one, a);
        CHECK(memcmp(a, b, n * sizeof *a) != 0);
        et_world_task(other, b);
        CHECK(memcmp(a, b, n * sizeof *a) == 0);
    }
    et_world_close(one);
    et_world_close(other);
}

/* ---- arms astray ---- */

/* Positions and commands of an episode's steps, the newest tick of each. */
struct run {
    double position[N_STEPS][JOINTS_MAX], command[N_STEPS][JOINTS_MAX];
};

static void go_on(struct et_world *world, struct run *run, size_t first)
{
    size_t n;
    const struct et_world_joint *joints = et_world_joints(world, &n);
    for (size_t k = first; k < N_STEPS; k++) {
        double action[JOINTS_MAX];
        for (size_t i = 0; i < n; i++)
            action[i] = joints[i].home + 0.05 * sin(0.1 * (double)k + (double)i);
        CHECK_OK(et_world_step(world, action, &err));
        const struct et_world_state *s = et_world_observe(world);
        memcpy(run->position[k], s->position + (ET_WORLD_TICKS - 1) * n, n * sizeof *action);
        memcpy(run->command[k], s->command + (ET_WORLD_TICKS - 1) * n, n * sizeof *action);
    }
}

static struct run *run_episode(struct et_world *world, uint64_t seed)
{
    struct run *run = calloc(1, sizeof *run);
    CHECK_OK(et_world_reset(world, seed, ET_TIER_CONTROLLED, &err));
    go_on(world, run, 0);
    return run;
}

static bool are_same(const struct run *a, const struct run *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void every_fourth_episode_is_as_it_was_and_others_go_astray(void)
{
    struct et_world *clean = open_world("take_block", 0), *astray = open_world("take_block", 0.05);
    struct et_world *again = open_world("take_block", 0.05);
    size_t n_astray = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct run *a = run_episode(clean, seed), *b = run_episode(astray, seed);
        struct run *c = run_episode(again, seed);
        CHECK(are_same(b, c)); // the seed's, and nothing else's
        CHECK(memcmp(a->command, b->command, sizeof a->command) == 0); // what was asked for
        CHECK(are_same(a, b) == (seed % 4 == 0));
        double most = 0;
        for (size_t k = 0; k < N_STEPS; k++)
            for (size_t i = 0; i < JOINTS_MAX; i++)
                most = fmax(most, fabs(a->position[k][i] - b->position[k][i]));
        n_astray += most > 0.005;
        CHECK(most < 0.4);
        free(a);
        free(b);
        free(c);
    }
    CHECK(n_astray >= 6);
    et_world_close(clean);
    et_world_close(astray);
    et_world_close(again);
}

static void a_snapshot_of_an_arm_astray_goes_on_bit_by_bit(void)
{
    struct et_world *world = open_world("take_block", 0.05),
                    *other = open_world("take_block", 0.05);
    void *snapshot = malloc(et_world_snapshot_bytes(world));
    struct run *whole = run_episode(world, 7), part = *whole;
    CHECK_OK(et_world_reset(world, 7, ET_TIER_CONTROLLED, &err));
    for (size_t k = 0; k < 15; k++) {
        size_t n;
        double action[JOINTS_MAX];
        const struct et_world_joint *joints = et_world_joints(world, &n);
        for (size_t i = 0; i < n; i++)
            action[i] = joints[i].home + 0.05 * sin(0.1 * (double)k + (double)i);
        CHECK_OK(et_world_step(world, action, &err));
    }
    et_world_save(world, snapshot);
    for (int turn = 0; turn < 3; turn++) {
        struct et_world *which = turn == 2 ? other : world; // and in a world that is the same
        if (turn == 2)
            CHECK_OK(et_world_reset(other, 7, ET_TIER_CONTROLLED, &err));
        if (turn > 0)
            et_world_restore(which, snapshot);
        memset(&part.position[15], 0, (N_STEPS - 15) * sizeof part.position[0]);
        go_on(which, &part, 15);
        CHECK(are_same(whole, &part));
    }
    free(snapshot);
    free(whole);
    et_world_close(world);
    et_world_close(other);
}

static void what_is_no_disturbance_is_refused(void)
{
    static const double NONE[] = {-0.01, 1.001 * ET_WORLD_DISTURBANCE_MAX_RAD, (double)INFINITY,
                                  (double)NAN};
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++) {
        const struct et_world_options options = {.skill = "take_block", .disturbance_rad = NONE[i]};
        struct et_world *world = NULL;
        CHECK_EQ(et_world_open(&world, &options, &err), ET_EARG);
        CHECK(!world && strstr(err.text, "disturbance"));
    }
}

int main(void)
{
    RUN(every_skill_is_about_something);
    RUN(joints_tell_their_position_and_objects_are_told_once);
    use_test_skills();
    RUN(numbers_are_those_of_the_objects_as_the_base_sees_them);
    RUN(numbers_do_not_depend_on_the_seeds_before);
    RUN(every_fourth_episode_is_as_it_was_and_others_go_astray);
    RUN(a_snapshot_of_an_arm_astray_goes_on_bit_by_bit);
    RUN(what_is_no_disturbance_is_refused);
    return tap_end();
}
