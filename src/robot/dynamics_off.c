// Built without MuJoCo: everything else of the house works, this says what is missing.
#include "etude/dynamics.h"

enum et_status et_dynamics_open(struct et_dynamics **dynamics, const char *path,
                                const struct et_dynamics_options *options, struct et_err *err)
{
    (void)path;
    (void)options;
    *dynamics = NULL;
    return et_fail(
        err, ET_EUNSUPPORTED, -1,
        "built without MuJoCo: install the Debian package libmujoco-dev and build again");
}

void et_dynamics_close(struct et_dynamics *dynamics)
{
    (void)dynamics;
}

// No model is ever opened, so nothing below is reached.
size_t et_dynamics_n_joints(const struct et_dynamics *dynamics)
{
    (void)dynamics;
    return 0;
}

const char *et_dynamics_joint(const struct et_dynamics *dynamics, size_t i)
{
    (void)dynamics;
    (void)i;
    return "";
}

double et_dynamics_mass(const struct et_dynamics *dynamics, size_t i)
{
    (void)dynamics;
    (void)i;
    return 0;
}

enum et_status et_dynamics_scale(struct et_dynamics *dynamics, const double *scale,
                                 struct et_err *err)
{
    (void)dynamics;
    (void)scale;
    return et_fail(err, ET_EUNSUPPORTED, -1, "built without MuJoCo");
}

void et_dynamics_set_gravity(struct et_dynamics *dynamics, struct et_vec3 gravity)
{
    (void)dynamics;
    (void)gravity;
}

enum et_status et_dynamics_inverse(struct et_dynamics *dynamics, const double *q, const double *v,
                                   const double *a, double *torque, struct et_err *err)
{
    (void)dynamics;
    (void)q;
    (void)v;
    (void)a;
    (void)torque;
    return et_fail(err, ET_EUNSUPPORTED, -1, "built without MuJoCo");
}

bool et_dynamics_find_link(const struct et_dynamics *dynamics, const char *name, size_t *i_link)
{
    (void)dynamics;
    (void)name;
    (void)i_link;
    return false;
}

enum et_status et_dynamics_place(struct et_dynamics *dynamics, const double *q, struct et_err *err)
{
    (void)dynamics;
    (void)q;
    return et_fail(err, ET_EUNSUPPORTED, -1, "built without MuJoCo");
}

struct et_pose et_dynamics_pose(const struct et_dynamics *dynamics, size_t i_link)
{
    (void)dynamics;
    (void)i_link;
    return (struct et_pose){{0, 0, 0}, {0, 0, 0, 1}};
}
