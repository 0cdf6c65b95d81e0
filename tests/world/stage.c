#include "stage.h"

#include "tap.h"

static struct et_err err;

bool open_stage(struct stage *s, const char *skill, const char *robot)
{
    const struct et_world_options options = {.skill = skill, .robot = robot};
    *s = (struct stage){0};
    return CHECK(et_world_open(&s->world, &options, &err) == ET_OK) &&
           CHECK(et_trainer_open(&s->trainer, s->world, NULL, &err) == ET_OK);
}

bool begin_stage(struct stage *s, uint64_t seed)
{
    return CHECK(et_world_reset(s->world, seed, ET_TIER_CONTROLLED, &err) == ET_OK) &&
           CHECK(et_trainer_begin(s->trainer, seed, &err) == ET_OK);
}

void close_stage(struct stage *s)
{
    et_trainer_close(s->trainer);
    et_world_close(s->world);
}
