/* Dynamics: the torque that a robot's motion needs, and where its links are, from its URDF.
 *
 * The maths is MuJoCo's, in this one place. A URDF is a file from outside, and MuJoCo is a large
 * reader of files, so it never sees the one it came from: our own walk takes links, masses, frames
 * and joints out of it, checks names, numbers and the tree, and hands over a clean text made of
 * these alone. Shapes, meshes, transmissions, friction, limits and plugins do not pass.
 *
 * A model holds the joints that it was opened for; all others stand at 0. Its root link is fixed to
 * the world, z up; there are no contacts, no limits, no friction and no sensors.
 *
 * Units:   rad, rad/s, rad/s², N m; prismatic joints: m, m/s, m/s², N. Gravity is 9.81 m/s² along
 *          −z. Quaternions are x y z w.
 * Threads: a model belongs to one thread at a time; any number of models side by side. MuJoCo's
 *          global error and warning handlers are set at the first open; what other users of it in
 *          the same program cause goes on to the handlers that were set before (a program
 *          that uses MuJoCo itself sets its own first).
 * Memory:  a model holds MuJoCo's and a copy of the names. No file is written, MuJoCo's log
 *          included. */
#ifndef ETUDE_DYNAMICS_H
#define ETUDE_DYNAMICS_H

#include "etude/pose.h"

/* More is refused (ET_ELIMIT): bytes of a URDF, its links, how deep the tree goes (MuJoCo walks it
 * by recursion), joints that move. */
#define ET_URDF_BYTES_MAX (16 << 20)
#define ET_URDF_LINKS_MAX 1000
#define ET_URDF_DEPTH_MAX 200
#define ET_DYNAMICS_JOINTS_MAX 256

struct et_dynamics;

/* Zeroed: the defaults. */
struct et_dynamics_options {
    const char *const *joints; // that move, in the order of all arrays; NULL: all, as in the file
    size_t n_joints;
    const double *armature; // n_joints, inertia of the drives at the joint, kg m²; NULL: none
};

/* Loads a URDF. ET_ENOTFOUND: no such file, or a joint is asked for that is not in it (named), or
 * that cannot move. ET_ECORRUPT: not a URDF, or not a robot: err->at is the line, or −1 where the
 * whole is wrong (two roots, a ring). ET_ELIMIT: the bounds above. ET_EUNSUPPORTED: document type
 * declarations, entities in names; or built without MuJoCo. ET_EARG: a joint twice, a negative
 * armature. ET_ENOMEM. options may be NULL. */
ET_MUST_USE ET_API enum et_status et_dynamics_open(struct et_dynamics **dynamics, const char *path,
                                                   const struct et_dynamics_options *options,
                                                   struct et_err *err);
ET_API void et_dynamics_close(struct et_dynamics *dynamics); // NULL is allowed

/* Joints that move, and bodies: links that a moving joint carries, those that are fixed to them
 * counted in. There are as many bodies as joints, body i behind joint i. */
ET_API size_t et_dynamics_n_joints(const struct et_dynamics *dynamics);
ET_API const char *et_dynamics_joint(const struct et_dynamics *dynamics, size_t i);

/* The mass of body i with all that is fixed to it, as the URDF has it, kg. */
ET_API double et_dynamics_mass(const struct et_dynamics *dynamics, size_t i);

/* Mass and inertia of body i times scale[i] from now on, n_joints of them, each at least 0; NULL:
 * as the URDF has them. ET_EARG: not finite, or negative; nothing was changed. */
ET_MUST_USE ET_API enum et_status et_dynamics_scale(struct et_dynamics *dynamics,
                                                    const double *scale, struct et_err *err);

/* Gravity from now on, in the root's frame, m/s²; {0, 0, 0} for torques without its share. */
ET_API void et_dynamics_set_gravity(struct et_dynamics *dynamics, struct et_vec3 gravity);

/* The torque that the joints at q with speeds v must give to be accelerated by a; n_joints of each,
 * all in the order of the joints. NaN in gives NaN out. ET_ECORRUPT: MuJoCo's own error. */
ET_MUST_USE ET_API enum et_status et_dynamics_inverse(struct et_dynamics *dynamics, const double *q,
                                                      const double *v, const double *a,
                                                      double *torque, struct et_err *err);

/* The place of a link of the URDF by name, fixed ones too. False: there is none. */
ET_API bool et_dynamics_find_link(const struct et_dynamics *dynamics, const char *name,
                                  size_t *i_link);

/* Puts the joints to q (n_joints), and then tells where a link is in the root's frame, m; for any
 * number of links after one call of place. ET_ECORRUPT: as above. */
ET_MUST_USE ET_API enum et_status et_dynamics_place(struct et_dynamics *dynamics, const double *q,
                                                    struct et_err *err);
ET_API struct et_pose et_dynamics_pose(const struct et_dynamics *dynamics, size_t i_link);

#endif
