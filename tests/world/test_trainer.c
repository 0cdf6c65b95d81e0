/* A trainer's own memory, and its patience. */
#include "world/world__trainer.h"

#include "changed.h"
#include "support.h"
#include "tap.h"

#define N_MAX 64
#define N_TRAINERS 100

static struct et_err err;

static struct et_world *open_world(const char *skill)
{
    const struct et_world_options options = {.skill = skill};
    struct et_world *world = NULL;
    CHECK_OK(et_world_open(&world, &options, &err));
    return world;
}

static void takes_nothing_of_its_world(void)
{
    struct et_world *world = open_world("take_block");
    if (!world)
        return;
    const size_t used = et_arena_used(world->arena), peak = et_arena_peak(world->arena);
    for (int i = 0; i < N_TRAINERS; i++) {
        struct et_trainer *trainer = NULL;
        CHECK_OK(et_trainer_open(&trainer, world, NULL, &err));
        et_trainer_close(trainer);
    }
    CHECK_EQ(et_arena_used(world->arena), used);
    CHECK_EQ(et_arena_peak(world->arena), peak);
    et_world_close(world);
}

static void nor_when_it_cannot_be_opened(void)
{
    static const struct {
        const char *from, *to, *says;
    } MISTAKES[] = {
        {"block_grasp rel dir -z y speed", "block_grip rel dir -z y speed",
         "/skill.yaml:27:20: no site 'block_grip' in the scene; the nearest is \"block_grasp\""},
        {"until: held block", "until: held bock",
         ":28:25: no body 'bock' in the scene; the nearest is \"block\""},
        {"until: held block right", "until: in block block_grasp",
         ":28:29: the site 'block_grasp' is no box"},
    };
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        const struct change change = {"skill.yaml", MISTAKES[i].from, MISTAKES[i].to};
        struct et_world *world = open_world(changed_skill(change));
        struct et_trainer *trainer = NULL;
        if (!world)
            return;
        const size_t used = et_arena_used(world->arena);
        CHECK_EQ(et_trainer_open(&trainer, world, NULL, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, MISTAKES[i].says);
        CHECK(trainer == NULL && et_arena_used(world->arena) == used);
        et_world_close(world);
    }
}

static int count_retries(struct et_world *world, const struct et_trainer_style *style)
{
    struct et_trainer *trainer = NULL;
    double action[N_MAX];
    CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
    CHECK_OK(et_trainer_open(&trainer, world, style, &err));
    if (!trainer)
        return -1;
    CHECK_OK(et_trainer_begin(trainer, 1, &err));
    while (et_trainer_act(trainer, action, &err) == ET_OK)
        CHECK_OK(et_world_step(world, action, &err));
    const struct et_trainer_state state = et_trainer_state(trainer);
    CHECK(state.has_given_up);
    et_trainer_close(trainer);
    return state.n_retries;
}

static void goes_back_as_often_as_it_has_patience(void)
{
    // What it waits for never comes, and it goes back to where it waits.
    const struct change change = {"skill.yaml", "until: held block right, else: ready",
                                  "until: height block > 5, else: grasp, timeout_s: .1"};
    struct et_world *world = open_world(changed_skill(change));
    const struct et_trainer_style never = {0}, thrice = {.patience = 3};
    if (!world)
        return;
    CHECK_EQ(count_retries(world, NULL), 2);
    CHECK_EQ(count_retries(world, &never), 0);
    CHECK_EQ(count_retries(world, &thrice), 3);
    et_world_close(world);
}

int main(void)
{
    use_test_skills();
    RUN(takes_nothing_of_its_world);
    RUN(nor_when_it_cannot_be_opened);
    RUN(goes_back_as_often_as_it_has_patience);
    return tap_end();
}
