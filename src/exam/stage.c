#include "etude/stage.h"

#include <stdlib.h>
#include <string.h>

bool et_stage_is_remote(const char *policy)
{
    return strncmp(policy, "ws://", 5) == 0 || strncmp(policy, "wss://", 6) == 0;
}

static enum et_status open_policy(struct et_stage *stage, const struct et_stage_options *o,
                                  struct et_err *err)
{
    struct et_policy_remote remote = o->how.remote ? *o->how.remote : (struct et_policy_remote){0};
    struct et_policy_options how = o->how;
    size_t n = 0;
    const struct et_world_joint *joints = stage->world ? et_world_joints(stage->world, &n) : NULL;
    const char **names = calloc(n + 1, sizeof *names);
    if (!names)
        return et_fail(err, ET_ENOMEM, -1, "no memory for names of joints");
    for (size_t i = 0; i < n; i++)
        names[i] = joints[i].name;
    remote.joints = names;
    remote.n_joints = n;
    remote.prompt = stage->world ? et_world_skill(stage->world)->instruction_en : NULL;
    remote.tls = stage->tls;
    how.remote = &remote;
    how.robot = stage->world ? et_world_robot(stage->world) : o->world.robot;
    const enum et_status st = et_policy_open(&stage->policy, o->policy, &how, err);
    free(names);
    return st;
}

enum et_status et_stage_ask(struct et_stage *stage, const struct et_stage_options *o,
                            const char *skill, struct et_err *err)
{
    struct et_world_options world = o->world;
    enum et_status st = ET_OK;
    *stage = (struct et_stage){0};
    if (strncmp(o->policy, "wss://", 6) == 0)
        st = et_tls_open_client(&stage->tls, &o->trust, err);
    world.skill = skill;
    if (st == ET_OK && skill)
        st = et_world_open(&stage->world, &world, err);
    if (st == ET_OK)
        st = open_policy(stage, o, err);
    if (st != ET_OK)
        et_stage_close(stage);
    return st;
}

enum et_status et_stage_open(struct et_stage *stage, const struct et_stage_options *o,
                             const char *skill, struct et_err *err)
{
    enum et_status st = et_stage_ask(stage, o, skill, err);
    if (st == ET_OK)
        st = et_rollout_open(&stage->rollout, stage->world, stage->policy, err);
    if (st != ET_OK)
        et_stage_close(stage);
    return st;
}

void et_stage_close(struct et_stage *stage)
{
    et_rollout_close(stage->rollout);
    et_policy_close(stage->policy);
    et_tls_close(stage->tls);
    et_world_close(stage->world);
    *stage = (struct et_stage){0};
}
