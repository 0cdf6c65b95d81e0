/* What dynamics needs of a URDF: links with their masses, joints with their frames, one tree. */
#ifndef ROBOT__URDF_H
#define ROBOT__URDF_H

#include "etude/arena.h"
#include "etude/pose.h"
#include "etude/str.h"

#include <stdint.h>

/* Lengths, masses and inertias beyond this are a mistake, and no reason to try MuJoCo's maths. */
#define ET__URDF_NUMBER_MAX 1e6

#define ET__URDF_NONE SIZE_MAX

/* As the file has it: R = Rz(yaw) Ry(pitch) Rx(roll). */
struct et__urdf_origin {
    double xyz[3], rpy[3];
};

struct et__urdf_link {
    const char *name;
    int64_t line;
    struct et__urdf_origin inertial; // the frame of the inertia, in the link's
    double mass;                     // kg; 0 when there is none
    double inertia[6];               // ixx iyy izz ixy ixz iyz, kg m²
    size_t i_joint;                  // that carries it; NONE for the root
    size_t depth;                    // joints between it and the root
};

enum et__urdf_kind { ET__URDF_FIXED, ET__URDF_HINGE, ET__URDF_SLIDE };

struct et__urdf_joint {
    const char *name;
    int64_t line;
    enum et__urdf_kind kind; // floating and planar ones are FIXED
    const char *parent_name, *child_name;
    size_t i_parent, i_child;      // links
    struct et__urdf_origin origin; // the child's frame in the parent's at 0
    struct et_vec3 axis;           // in the child's frame, unit length
};

struct et__urdf {
    struct et__urdf_link *links;
    size_t n_links;
    struct et__urdf_joint *joints;
    size_t n_joints;
};

/* Reads and checks a whole file. Statuses as et_dynamics_open says. */
ET_MUST_USE enum et_status et__urdf_parse(struct et_str text, struct et_arena *arena,
                                          struct et__urdf *urdf, struct et_err *err);

/* Writes the clean text for MuJoCo: link i is called "b<i>", joint i "j<i>", every joint that is
 * not `moves[i]` is fixed. Failures stay in buf. */
void et__urdf_write(const struct et__urdf *urdf, const bool *moves, struct et_buf *buf);

#endif
