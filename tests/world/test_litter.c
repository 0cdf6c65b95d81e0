/* What lies about from the tier cluttered on: near the skill's things, on something, in nothing. */
#include "support.h"
#include "tap.h"
#include "world/world__world.h"

#include <math.h>

static struct et_err err;

static struct et_world *open_world(const char *skill, bool has_litter)
{
    const struct et_world_options options = {.skill = skill, .has_litter = has_litter};
    struct et_world *world = NULL;
    CHECK_OK(et_world_open(&world, &options, &err));
    return world;
}

static double way_to_objects(const struct et_world *w, int body)
{
    const double *p = w->data->xpos + 3 * body;
    double least = (double)INFINITY;
    for (size_t i = 0; i < w->skill->n_objects; i++) {
        const double *at = w->data->xpos + 3 * w->objects[i];
        least = fmin(least, hypot(p[0] - at[0], p[1] - at[1]));
    }
    return least;
}

static void it_lies_near_things_and_in_nothing(void)
{
    struct et_world *w = open_world("insert_peg", true);
    size_t n_laid = 0;
    if (!w)
        return;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        CHECK_OK(et_world_reset(w, seed, ET_TIER_CLUTTERED, &err));
        for (size_t i = 0; i < ET__N_LITTER; i++) {
            const int body = w->litter[i];
            if (!CHECK(body > 0) || w->data->xpos[3 * body] < -1)
                continue; // there was no place
            n_laid++;
            const double way = way_to_objects(w, body);
            CHECK(way > 0.08 && way < 0.45);
            CHECK(et__probe_stands(w, body));
            CHECK(w->data->xmat[9 * body + 8] > 0.99); // upright
        }
        for (int i = 0; i < w->data->ncon; i++)
            CHECK(w->data->contact[i].dist > -0.003);
    }
    CHECK(n_laid > 40);
    et_world_close(w);
}

static void it_lies_behind_the_robot_before(void)
{
    struct et_world *w = open_world("insert_peg", true);
    for (int tier = ET_TIER_CONTROLLED; w && tier < ET_TIER_CLUTTERED; tier++) {
        CHECK_OK(et_world_reset(w, 3, (enum et_tier)tier, &err));
        for (size_t i = 0; i < ET__N_LITTER; i++)
            CHECK(w->data->xpos[3 * w->litter[i]] < -3);
    }
    et_world_close(w);
}

// What is drawn is what the tier before draws; and the same seed lays it the same.
static void all_else_is_as_without(void)
{
    struct et_world *with = open_world("insert_peg", true),
                    *without = open_world("insert_peg", false);
    if (!with || !without)
        return;
    CHECK(without->litter[0] == -1 && with->model->nbody == without->model->nbody + ET__N_LITTER);
    CHECK_OK(et_world_reset(without, 7, ET_TIER_VARIED, &err));
    double places[2][3 * ET__N_LITTER];
    for (int k = 0; k < 2; k++) {
        CHECK_OK(et_world_reset(with, 7, ET_TIER_CLUTTERED, &err));
        for (size_t i = 0; i < ET__N_LITTER; i++)
            mju_copy3(places[k] + 3 * i, with->data->xpos + 3 * with->litter[i]);
        for (size_t i = 0; i < with->skill->n_objects; i++) {
            const double *a = with->data->xpos + 3 * with->objects[i];
            const double *b = without->data->xpos + 3 * without->objects[i];
            CHECK(hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]) < 1e-4);
        }
    }
    CHECK(memcmp(places[0], places[1], sizeof places[0]) == 0);
    et_world_close(with);
    et_world_close(without);
}

static void a_skill_with_clutter_of_its_own_has_none(void)
{
    struct et_world *w = open_world("take_bottle", true);
    CHECK(w && w->litter[0] == -1);
    et_world_close(w);
}

int main(void)
{
    RUN(it_lies_near_things_and_in_nothing);
    RUN(it_lies_behind_the_robot_before);
    RUN(all_else_is_as_without);
    RUN(a_skill_with_clutter_of_its_own_has_none);
    return tap_end();
}
