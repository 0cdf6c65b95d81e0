/* Pose: small linear algebra of rigid bodies, and least squares of a few unknowns.
 *
 * Units:   metres and radians; quaternions are x y z w (MuJoCo's order is converted where MuJoCo is
 *          called, nowhere else).
 * Threads: any; plain values only. */
#ifndef ETUDE_POSE_H
#define ETUDE_POSE_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>

struct et_vec3 {
    double x, y, z;
};
struct et_quat {
    double x, y, z, w;
};
struct et_pose {
    struct et_vec3 position; // m
    struct et_quat rotation; // unit length
};

ET_API struct et_vec3 et_vec3_add(struct et_vec3 a, struct et_vec3 b);
ET_API struct et_vec3 et_vec3_sub(struct et_vec3 a, struct et_vec3 b);
ET_API struct et_vec3 et_vec3_scale(struct et_vec3 a, double s);
ET_API double et_vec3_dot(struct et_vec3 a, struct et_vec3 b);
ET_API struct et_vec3 et_vec3_cross(struct et_vec3 a, struct et_vec3 b);
ET_API double et_vec3_norm(struct et_vec3 a);

/* Unit length; the identity when the length is 0 or not finite. */
ET_API struct et_quat et_quat_normal(struct et_quat q);
ET_API struct et_quat et_quat_mul(struct et_quat a, struct et_quat b); // first b, then a
ET_API struct et_quat et_quat_conj(struct et_quat q);
ET_API struct et_vec3 et_quat_rotate(struct et_quat q, struct et_vec3 v);

/* The angle between two rotations, 0 … π. */
ET_API double et_quat_angle_rad(struct et_quat a, struct et_quat b);

/* Spherical linear interpolation along the shorter arc (Shoemake 1985), t in [0, 1]. */
ET_API struct et_quat et_quat_slerp(struct et_quat a, struct et_quat b, double t);
ET_API struct et_quat et_quat_from_axis_angle(struct et_vec3 axis, double angle_rad);

/* URDF's roll, pitch, yaw: R = Rz(yaw) Ry(pitch) Rx(roll). */
ET_API struct et_quat et_quat_from_rpy(double roll_rad, double pitch_rad, double yaw_rad);

/* Row-major 3 × 3 rotation matrix. */
ET_API void et_quat_to_matrix(struct et_quat q, double m[9]);
/* Of a rotation matrix (Shepperd 1978); of another one, some unit quaternion. */
ET_API struct et_quat et_quat_from_matrix(const double m[9]);

ET_API struct et_pose et_pose_mul(struct et_pose a, struct et_pose b); // b in a's frame
ET_API struct et_pose et_pose_inverse(struct et_pose p);
ET_API struct et_vec3 et_pose_apply(struct et_pose p, struct et_vec3 point);

/* Least squares: x minimises |A x − b|, by Householder reflections (Golub and Van Loan, Matrix
 * Computations, 4th ed., 5.3). A is n_rows × n_cols row-major and is overwritten, as is b;
 * 1 ≤ n_cols ≤ 8, n_cols ≤ n_rows. False, and x untouched, when a column depends on the others. */
#define ET_LSQ_COLS_MAX 8
ET_MUST_USE ET_API bool et_lsq_solve(double *a, double *b, size_t n_rows, size_t n_cols, double *x);

#endif
