/* Trainers look where they go: over what stands in the way, but not past what is to be pushed. */
#include "world/world__trainer.h"

#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define JOINTS_MAX 64
#define LIGHTLY_N 15.0

static struct et_err err;

struct stage {
    struct et_world *world;
    struct et_trainer *trainer;
};

static bool open_stage(struct stage *s, const char *skill, const char *robot)
{
    const struct et_world_options options = {.skill = skill, .robot = robot};
    *s = (struct stage){0};
    return CHECK(et_world_open(&s->world, &options, &err) == ET_OK) &&
           CHECK(et_trainer_open(&s->trainer, s->world, NULL, &err) == ET_OK) &&
           CHECK(et_world_reset(s->world, 1, ET_TIER_CONTROLLED, &err) == ET_OK) &&
           CHECK(et_trainer_begin(s->trainer, 1, &err) == ET_OK);
}

static void close_stage(struct stage *s)
{
    et_trainer_close(s->trainer);
    et_world_close(s->world);
}

// How hard the robot touches what can not move, at most.
static double play(struct stage *s)
{
    const int wall = mj_name2id(s->world->model, mjOBJ_BODY, "wall");
    double action[JOINTS_MAX], most = 0;
    s->world->is_watched = true;
    while (et_trainer_act(s->trainer, action, &err) == ET_OK) {
        CHECK_OK(et_world_step(s->world, action, &err));
        if (s->world->hit.body == wall)
            most = fmax(most, s->world->hit.force_n);
    }
    return most;
}

static void a_hand_goes_over_a_wall_and_pushes_a_flap(void)
{
    static const char *const ROBOTS[] = {"etude-one", "etude-two", "h1-2"};
    for (size_t i = 0; i < sizeof ROBOTS / sizeof *ROBOTS; i++) {
        struct stage s;
        const char *missing = NULL;
        if (open_stage(&s, "cross_wall", ROBOTS[i])) {
            const double most = play(&s);
            CHECK(most < LIGHTLY_N);
            CHECK(et_world_success(s.world, &missing));
            printf("# %s: %.1f N, %s\n", ROBOTS[i], most, missing ? missing : "done");
        }
        close_stage(&s);
    }
}

static void a_way_without_anything_in_it_is_as_it_was(void)
{
    struct stage s;
    double action[JOINTS_MAX];
    if (open_stage(&s, "take_block", "etude-one")) {
        CHECK_OK(et_trainer_act(s.trainer, action, &err));
        const struct et__arm *arm = &s.trainer->arms[ET__RIGHT];
        CHECK(arm->is_free && !arm->goes_by_joints && arm->bow[2] == 0);
        CHECK(arm->duration_s > 0);
    }
    close_stage(&s);
}

static void looking_leaves_the_model_as_it_was(void)
{
    struct stage s;
    if (open_stage(&s, "cross_wall", "etude-one")) {
        (void)play(&s);
        for (int i = 0; i < s.world->model->ngeom; i++)
            CHECK(s.world->model->geom_margin[i] == s.world->pristine->geom_margin[i]);
    }
    close_stage(&s);
}

int main(void)
{
    use_test_skills();
    RUN(a_hand_goes_over_a_wall_and_pushes_a_flap);
    RUN(a_way_without_anything_in_it_is_as_it_was);
    RUN(looking_leaves_the_model_as_it_was);
    return tap_end();
}
