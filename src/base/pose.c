#include "etude/pose.h"

#include <math.h>

struct et_vec3 et_vec3_add(struct et_vec3 a, struct et_vec3 b)
{
    return (struct et_vec3){a.x + b.x, a.y + b.y, a.z + b.z};
}

struct et_vec3 et_vec3_sub(struct et_vec3 a, struct et_vec3 b)
{
    return (struct et_vec3){a.x - b.x, a.y - b.y, a.z - b.z};
}

struct et_vec3 et_vec3_scale(struct et_vec3 a, double s)
{
    return (struct et_vec3){a.x * s, a.y * s, a.z * s};
}

double et_vec3_dot(struct et_vec3 a, struct et_vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

struct et_vec3 et_vec3_cross(struct et_vec3 a, struct et_vec3 b)
{
    return (struct et_vec3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

double et_vec3_norm(struct et_vec3 a)
{
    return sqrt(et_vec3_dot(a, a));
}

static double dot4(struct et_quat a, struct et_quat b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}

static const struct et_quat IDENTITY = {0.0, 0.0, 0.0, 1.0};

struct et_quat et_quat_normal(struct et_quat q)
{
    const double length = sqrt(dot4(q, q));
    if (!(length > 0.0) || !isfinite(length))
        return IDENTITY;
    return (struct et_quat){q.x / length, q.y / length, q.z / length, q.w / length};
}

struct et_quat et_quat_mul(struct et_quat a, struct et_quat b)
{
    return (struct et_quat){
        a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
        a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
        a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
        a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
    };
}

struct et_quat et_quat_conj(struct et_quat q)
{
    return (struct et_quat){-q.x, -q.y, -q.z, q.w};
}

/* v + 2 w (u × v) + 2 u × (u × v), where u is the vector part: q v q* without the zeros. */
struct et_vec3 et_quat_rotate(struct et_quat q, struct et_vec3 v)
{
    const struct et_vec3 u = {q.x, q.y, q.z};
    const struct et_vec3 t = et_vec3_scale(et_vec3_cross(u, v), 2.0);
    return et_vec3_add(et_vec3_add(v, et_vec3_scale(t, q.w)), et_vec3_cross(u, t));
}

/* By the arc tangent, which stays exact where the cosine is flat: near 0 and near π. */
double et_quat_angle_rad(struct et_quat a, struct et_quat b)
{
    const struct et_quat d = et_quat_mul(et_quat_conj(a), b);
    return 2.0 * atan2(et_vec3_norm((struct et_vec3){d.x, d.y, d.z}), fabs(d.w));
}

struct et_quat et_quat_slerp(struct et_quat a, struct et_quat b, double t)
{
    // q and −q are the same rotation; the nearer one gives the shorter arc.
    double sign = 1.0, cosine = dot4(a, b);
    if (cosine < 0.0) {
        sign = -1.0;
        cosine = -cosine;
    }
    double part_a = 1.0 - t, part_b = t;
    if (cosine < 1.0 - 1e-12) { // else the arc is so short that its chord will do
        const double angle = acos(cosine), sine = sin(angle);
        part_a = sin((1.0 - t) * angle) / sine;
        part_b = sin(t * angle) / sine;
    }
    part_b *= sign;
    return et_quat_normal((struct et_quat){
        part_a * a.x + part_b * b.x,
        part_a * a.y + part_b * b.y,
        part_a * a.z + part_b * b.z,
        part_a * a.w + part_b * b.w,
    });
}

struct et_quat et_quat_from_axis_angle(struct et_vec3 axis, double angle_rad)
{
    const double length = et_vec3_norm(axis);
    if (!(length > 0.0) || !isfinite(length))
        return IDENTITY;
    const double s = sin(angle_rad / 2.0) / length;
    return (struct et_quat){axis.x * s, axis.y * s, axis.z * s, cos(angle_rad / 2.0)};
}

struct et_quat et_quat_from_rpy(double roll_rad, double pitch_rad, double yaw_rad)
{
    const double cr = cos(roll_rad / 2.0), sr = sin(roll_rad / 2.0);
    const double cp = cos(pitch_rad / 2.0), sp = sin(pitch_rad / 2.0);
    const double cy = cos(yaw_rad / 2.0), sy = sin(yaw_rad / 2.0);
    return (struct et_quat){
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    };
}

void et_quat_to_matrix(struct et_quat q, double m[9])
{
    m[0] = 1.0 - 2.0 * (q.y * q.y + q.z * q.z);
    m[1] = 2.0 * (q.x * q.y - q.w * q.z);
    m[2] = 2.0 * (q.x * q.z + q.w * q.y);
    m[3] = 2.0 * (q.x * q.y + q.w * q.z);
    m[4] = 1.0 - 2.0 * (q.x * q.x + q.z * q.z);
    m[5] = 2.0 * (q.y * q.z - q.w * q.x);
    m[6] = 2.0 * (q.x * q.z - q.w * q.y);
    m[7] = 2.0 * (q.y * q.z + q.w * q.x);
    m[8] = 1.0 - 2.0 * (q.x * q.x + q.y * q.y);
}

struct et_quat et_quat_from_matrix(const double m[9])
{
    // Four times the square of each part; the largest is the safe one to divide by.
    const double square[4] = {1 + m[0] - m[4] - m[8], 1 - m[0] + m[4] - m[8],
                              1 - m[0] - m[4] + m[8], 1 + m[0] + m[4] + m[8]};
    const double zy = m[7] - m[5], xz = m[2] - m[6], yx = m[3] - m[1];
    const double xy = m[3] + m[1], zx = m[2] + m[6], yz = m[7] + m[5];
    size_t most = 3;
    for (size_t i = 0; i < 3; i++)
        most = square[i] > square[most] ? i : most;
    const struct et_quat parts[4] = {{square[0], xy, zx, zy},
                                     {xy, square[1], yz, xz},
                                     {zx, yz, square[2], yx},
                                     {zy, xz, yx, square[3]}};
    return et_quat_normal(parts[most]);
}

struct et_pose et_pose_mul(struct et_pose a, struct et_pose b)
{
    return (struct et_pose){
        et_vec3_add(a.position, et_quat_rotate(a.rotation, b.position)),
        et_quat_mul(a.rotation, b.rotation),
    };
}

struct et_pose et_pose_inverse(struct et_pose p)
{
    const struct et_quat back = et_quat_conj(p.rotation);
    return (struct et_pose){et_vec3_scale(et_quat_rotate(back, p.position), -1.0), back};
}

struct et_vec3 et_pose_apply(struct et_pose p, struct et_vec3 point)
{
    return et_vec3_add(p.position, et_quat_rotate(p.rotation, point));
}
