/* Built without MuJoCo: what a world says then. Skills are read all the same (test_skill.c). */
#include "etude/trainer.h"

#include "support.h"
#include "tap.h"

static struct et_err err;

static void says_what_is_missing(void)
{
    struct et_world *world = NULL;
    struct et_trainer *trainer = NULL;
    const struct et_world_options options = {.skill = "take_bottle"};
    CHECK_EQ(et_world_open(&world, &options, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "built without MuJoCo: install the Debian package libmujoco-dev");
    CHECK(world == NULL);
    CHECK_EQ(et_trainer_open(&trainer, world, NULL, &err), ET_EUNSUPPORTED);
    CHECK(trainer == NULL);
    et_trainer_close(trainer);
    et_world_close(world);
}

int main(void)
{
    RUN(says_what_is_missing);
    return tap_end();
}
