/* What chance decides before an episode, and what disturbs it: seen from inside. */
#include "world/world__world.h"

#include "stage.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define SEEDS 40

static struct et_err err;

static double lowest(const struct et_world *w, int body)
{
    static const double DOWN[3] = {0, 0, -1};
    return -et__probe_extent(w, body, DOWN);
}

static void a_thing_of_another_size_stands_where_it_stood(void)
{
    struct stage s;
    double least = 2, most = 0;
    if (!open_stage(&s, "take_block", NULL))
        return;
    struct et_world *w = s.world;
    const int block = mj_name2id(w->model, mjOBJ_BODY, "block");
    const int geom = w->model->body_geomadr[block];
    const double size = w->pristine->geom_size[3 * geom];
    CHECK_OK(et_world_reset(w, 1, ET_TIER_DISPLACED, &err));
    CHECK_EQ(w->model->geom_size[3 * geom], size); // not before its tier
    const double low = lowest(w, block);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        CHECK_OK(et_world_reset(w, seed, ET_TIER_VARIED, &err));
        const double factor = w->model->geom_size[3 * geom] / size;
        CHECK(factor >= 0.8 && factor <= 1.2);
        CHECK_NEAR(w->model->geom_size[3 * geom + 2] / w->pristine->geom_size[3 * geom + 2], factor,
                   1e-12);
        CHECK_NEAR(lowest(w, block), low, 0.0005);
        least = fmin(least, factor);
        most = fmax(most, factor);
    }
    CHECK(least < 0.85 && most > 1.15);
    close_stage(&s);
}

static double force_on_all(const struct et_world *w)
{
    return mju_norm(w->data->xfrc_applied, 6 * w->model->nbody);
}

static void an_episode_begins_undisturbed(void)
{
    struct stage s;
    if (!open_stage(&s, "take_block", NULL))
        return;
    struct et_world *w = s.world;
    const int body = mj_name2id(w->model, mjOBJ_BODY, "passer_by");
    const double *person = w->data->mocap_pos + 3 * w->model->body_mocapid[body];
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        CHECK_OK(et_world_reset(w, seed, ET_TIER_DISTURBED, &err));
        CHECK(w->push.body < 0 && force_on_all(w) == 0);
        double before[3];
        mju_copy3(before, person);
        CHECK_OK(et_world_step(w, w->action, &err));
        CHECK(mju_dist3(before, person) < 0.01); // no faster than people walk
    }
    close_stage(&s);
}

static void hands_and_the_trunk_are_pushed_and_let_go(void)
{
    struct stage s;
    size_t n_trunk = 0, n_hand = 0;
    if (!open_stage(&s, "take_block", NULL))
        return;
    struct et_world *w = s.world;
    const int palms[2] = {w->hands[ET__LEFT].palm, w->hands[ET__RIGHT].palm};
    CHECK_OK(et_world_reset(w, 3, ET_TIER_DISTURBED, &err));
    for (size_t i = 0; i < 6000; i++) {
        const int last = w->push.body;
        CHECK_OK(et_world_step(w, w->action, &err));
        const int now = w->push.body;
        CHECK(force_on_all(w) < 15);
        if (last >= 0 && now < 0)
            CHECK_EQ(force_on_all(w), 0.0);
        if (last >= 0 || now < 0)
            continue;
        const bool is_hand = now == palms[0] || now == palms[1];
        n_hand += is_hand;
        n_trunk += !is_hand && et__hangs_on(w->model, palms[0], now) &&
                   et__hangs_on(w->model, palms[1], now);
    }
    CHECK(n_trunk > 2 && n_hand > 5 && n_trunk + n_hand < 50);
    close_stage(&s);
}

static void late_sensors_are_a_step_behind_the_worlds_time(void)
{
    struct stage s;
    if (!open_stage(&s, "take_block", NULL))
        return;
    struct et_world *w = s.world;
    for (int tier = 0; tier < ET_N_TIERS; tier++) {
        CHECK_OK(et_world_reset(w, 1, (enum et_tier)tier, &err));
        for (int i = 0; i < 3; i++)
            CHECK_OK(et_world_step(w, w->action, &err));
        CHECK_EQ(et_world_time_ns(w), 3 * ET_WORLD_STEP_NS);
        CHECK_EQ(et_world_observe(w)->t_ns, (tier < ET_TIER_DISTURBED ? 3 : 2) * ET_WORLD_STEP_NS);
    }
    close_stage(&s);
}

/* The furniture above a place of the floor, as high as a person; 0: none. */
static double furniture_at(const struct et_world *w, const double at[3])
{
    static const double DOWN[3] = {0, 0, -1};
    const double from[3] = {at[0], at[1], 1.9};
    const int person = mj_name2id(w->model, mjOBJ_BODY, "passer_by");
    int geom;
    const double depth = mj_ray(w->model, w->data, from, DOWN, NULL, 1, person, &geom);
    return depth >= 0 && depth < 1.7 ? 1.9 - depth : 0;
}

static void the_person_walks_where_there_is_room(void)
{
    static const char *const SKILLS[] = {"load_conveyor", "fill_shelf", "press_button"};
    for (size_t k = 0; k < sizeof SKILLS / sizeof *SKILLS; k++) {
        const struct et_world_options options = {.skill = SKILLS[k]};
        struct et_world *w;
        double action[64];
        size_t n;
        if (!CHECK(et_world_open(&w, &options, &err) == ET_OK))
            continue;
        const struct et_world_joint *joints = et_world_joints(w, &n);
        const int body = mj_name2id(w->model, mjOBJ_BODY, "passer_by");
        const double *at = w->data->mocap_pos + 3 * w->model->body_mocapid[body];
        for (size_t i = 0; i < n; i++)
            action[i] = joints[i].home;
        for (uint64_t seed = 1; seed <= 3; seed++) {
            double least = 10, most = -10;
            CHECK_OK(et_world_reset(w, seed, ET_TIER_DISTURBED, &err));
            for (int i = 0; i < 600; i++) {
                CHECK_OK(et_world_step(w, action, &err));
                least = fmin(least, at[0]);
                most = fmax(most, at[0]);
                if (!CHECK(furniture_at(w, at) == 0))
                    break;
            }
            CHECK(most - least > 0.5); // and does walk
        }
        et_world_close(w);
    }
}

static void nothing_was_pressed_before(void)
{
    struct stage s;
    if (!open_stage(&s, "take_block", NULL))
        return;
    struct et_world *w = s.world;
    CHECK_OK(et_world_reset(w, 1, ET_TIER_CONTROLLED, &err));
    for (int i = 0; i < w->model->njnt; i++)
        if (w->model->jnt_type[i] >= mjJNT_SLIDE)
            CHECK_EQ(w->joint_max[i], w->data->qpos[w->model->jnt_qposadr[i]]);
    close_stage(&s);
}

static void a_snapshot_undoes_what_broke_and_what_was_seen(void)
{
    struct stage s;
    if (!open_stage(&s, "take_block", NULL))
        return;
    struct et_world *w = s.world;
    void *snapshot = malloc(et_world_snapshot_bytes(w));
    for (int tier = 0; tier < ET_N_TIERS; tier += ET_N_TIERS - 1) {
        CHECK_OK(et_world_reset(w, 5, (enum et_tier)tier, &err));
        for (int i = 0; i < 10; i++)
            CHECK_OK(et_world_step(w, w->action, &err));
        const struct et_world_state *seen = et_world_observe(w);
        const double imu = seen->imu[9], position = seen->position[3];
        const int64_t t_ns = seen->t_ns;
        et_world_save(w, snapshot);
        w->data->qvel[0] = (double)NAN;
        CHECK_EQ(et_world_step(w, w->action, &err), ET_ECORRUPT);
        et_world_restore(w, snapshot);
        seen = et_world_observe(w);
        CHECK(seen->imu[9] == imu && seen->position[3] == position && seen->t_ns == t_ns);
        CHECK_OK(et_world_step(w, w->action, &err));
    }
    free(snapshot);
    close_stage(&s);
}

int main(void)
{
    use_test_skills();
    RUN(a_thing_of_another_size_stands_where_it_stood);
    RUN(an_episode_begins_undisturbed);
    RUN(hands_and_the_trunk_are_pushed_and_let_go);
    RUN(late_sensors_are_a_step_behind_the_worlds_time);
    RUN(the_person_walks_where_there_is_room);
    RUN(nothing_was_pressed_before);
    RUN(a_snapshot_undoes_what_broke_and_what_was_seen);
    return tap_end();
}
