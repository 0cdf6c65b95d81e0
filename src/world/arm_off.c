/* Built without MuJoCo: there are no arms. */
#include "etude/world_arm.h"

enum et_status et_world_arms_open(struct et_world_arms **arms, const struct et_world *world,
                                  struct et_err *err)
{
    (void)world;
    *arms = NULL;
    return et_fail(err, ET_EUNSUPPORTED, -1, "built without MuJoCo");
}

enum et_status et_world_arms_open_model(struct et_world_arms **arms,
                                        const struct et_world_arms_model *model, struct et_err *err)
{
    (void)model;
    *arms = NULL;
    return et_fail(err, ET_EUNSUPPORTED, -1, "built without MuJoCo");
}

enum et_status et_world_arms_open_robot(struct et_world_arms **arms, const char *robot,
                                        struct et_err *err)
{
    (void)robot;
    *arms = NULL;
    return et_fail(err, ET_EUNSUPPORTED, -1, "built without MuJoCo");
}

const struct et_world_joint *et_world_arms_joints(const struct et_world_arms *arms,
                                                  size_t *n_joints)
{
    (void)arms;
    *n_joints = 0;
    return NULL;
}

const char *et_world_arms_robot(const struct et_world_arms *arms)
{
    (void)arms;
    return NULL;
}

void et_world_arms_others(struct et_world_arms *arms, const double *others)
{
    (void)arms;
    (void)others;
}

double et_world_arm_clearance(struct et_world_arms *arms, const double *joints)
{
    (void)arms;
    (void)joints;
    return 0;
}

void et_world_arms_close(struct et_world_arms *arms)
{
    (void)arms;
}

struct et_world_arm et_world_arm(const struct et_world_arms *arms, enum et_side side)
{
    (void)arms;
    (void)side;
    return (struct et_world_arm){0};
}

struct et_pose et_world_arm_pose(struct et_world_arms *arms, const double *joints,
                                 enum et_side side)
{
    (void)arms;
    (void)joints;
    (void)side;
    return (struct et_pose){{0, 0, 0}, {0, 0, 0, 1}};
}

struct et_world_arm_rest et_world_arm_solve(struct et_world_arms *arms, double *joints,
                                            enum et_side side, const struct et_pose *goal,
                                            int n_steps)
{
    (void)arms;
    (void)joints;
    (void)side;
    (void)goal;
    (void)n_steps;
    return (struct et_world_arm_rest){0, 0};
}
