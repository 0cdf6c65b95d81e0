/* Trainers look where they go: over what stands in the way, but not past what is to be pushed. */
#include "world/world__trainer.h"

#include "stage.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define JOINTS_MAX 64
#define LIGHTLY_N 15.0

static struct et_err err;

// How hard the robot touches what can not move, at most.
static double play(struct stage *s)
{
    const int wall = mj_name2id(s->world->model, mjOBJ_BODY, "wall");
    double action[JOINTS_MAX], most = 0;
    s->world->watched = s->world->base;
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
        if (open_stage(&s, "cross_wall", ROBOTS[i]) && begin_stage(&s, 1)) {
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
    if (open_stage(&s, "take_block", "etude-one") && begin_stage(&s, 1)) {
        CHECK_OK(et_trainer_act(s.trainer, action, &err));
        const struct et__arm *arm = &s.trainer->arms[ET__RIGHT];
        CHECK(arm->is_free && !arm->goes_by_joints && arm->bow[2] == 0);
        CHECK(arm->duration_s > 0);
    }
    close_stage(&s);
}

// Also where a robot's file gives margins of its own.
static void looking_leaves_the_model_as_it_was(void)
{
    struct stage s;
    if (open_stage(&s, "cross_wall", "etude-one")) {
        for (int i = 0; i < s.world->pristine->ngeom; i++)
            s.world->pristine->geom_margin[i] = 1e-4 * (i % 3);
        if (begin_stage(&s, 1))
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
