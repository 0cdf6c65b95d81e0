#include "etude/pose.h"
#include "support.h"
#include "tap.h"

#define PI 3.14159265358979323846

static struct rng rng = {21};

static struct et_vec3 random_vec3(void)
{
    const double x = rng_gaussian(&rng), y = rng_gaussian(&rng);
    return (struct et_vec3){x, y, rng_gaussian(&rng)};
}

static struct et_quat random_quat(void)
{
    const struct et_vec3 v = random_vec3();
    return et_quat_normal((struct et_quat){v.x, v.y, v.z, rng_gaussian(&rng)});
}

static void check_vec3(struct et_vec3 got, double x, double y, double z)
{
    CHECK_NEAR(got.x, x, 1e-12);
    CHECK_NEAR(got.y, y, 1e-12);
    CHECK_NEAR(got.z, z, 1e-12);
}

static void vectors(void)
{
    const struct et_vec3 a = {1, 2, 3}, b = {4, -5, 6};
    check_vec3(et_vec3_add(a, b), 5, -3, 9);
    check_vec3(et_vec3_sub(a, b), -3, 7, -3);
    check_vec3(et_vec3_scale(a, 2), 2, 4, 6);
    CHECK(et_vec3_dot(a, b) == 12.0);
    check_vec3(et_vec3_cross(a, b), 27, 6, -13);
    CHECK(et_vec3_norm((struct et_vec3){3, 0, -4}) == 5.0);
}

static void rotates_as_known_by_hand(void)
{
    const struct et_quat z90 = et_quat_from_axis_angle((struct et_vec3){0, 0, 2}, PI / 2);
    check_vec3(et_quat_rotate(z90, (struct et_vec3){1, 0, 0}), 0, 1, 0);
    const struct et_quat x90 = et_quat_from_rpy(PI / 2, 0, 0);
    check_vec3(et_quat_rotate(x90, (struct et_vec3){0, 1, 0}), 0, 0, 1);
    const struct et_quat y90 = et_quat_from_rpy(0, PI / 2, 0);
    check_vec3(et_quat_rotate(y90, (struct et_vec3){0, 0, 1}), 1, 0, 0);
    // First roll, then yaw, about fixed axes: y goes to z and stays there.
    const struct et_quat both = et_quat_from_rpy(PI / 2, 0, PI / 2);
    check_vec3(et_quat_rotate(both, (struct et_vec3){0, 1, 0}), 0, 0, 1);
    check_vec3(et_quat_rotate(both, (struct et_vec3){1, 0, 0}), 0, 1, 0);
}

static void the_first_factor_comes_last(void)
{
    for (int i = 0; i < 100; i++) {
        const struct et_quat a = random_quat(), b = random_quat();
        const struct et_vec3 v = random_vec3();
        const struct et_vec3 want = et_quat_rotate(a, et_quat_rotate(b, v));
        check_vec3(et_quat_rotate(et_quat_mul(a, b), v), want.x, want.y, want.z);
    }
}

static void a_matrix_rotates_alike(void)
{
    for (int i = 0; i < 100; i++) {
        const struct et_quat q = random_quat();
        const struct et_vec3 v = random_vec3(), r = et_quat_rotate(q, v);
        double m[9];
        et_quat_to_matrix(q, m);
        check_vec3(r, m[0] * v.x + m[1] * v.y + m[2] * v.z, m[3] * v.x + m[4] * v.y + m[5] * v.z,
                   m[6] * v.x + m[7] * v.y + m[8] * v.z);
    }
}

static void a_matrix_becomes_the_rotation_that_it_came_from(void)
{
    double m[9];
    for (int i = 0; i < 1000; i++) {
        // Of any axis; and of half turns and nearly so, where three of the four parts vanish.
        struct et_vec3 axis = random_vec3();
        if (i % 4)
            axis = (struct et_vec3){i % 4 == 1, i % 4 == 2, i % 4 == 3};
        const double turn = i % 8 < 4 ? PI : PI - 1e-7;
        const struct et_quat q = i % 5 ? et_quat_from_axis_angle(axis, turn) : random_quat();
        et_quat_to_matrix(q, m);
        CHECK(et_quat_angle_rad(et_quat_from_matrix(m), q) < 1e-7);
    }
    const double none[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, zero[9] = {0};
    CHECK(et_quat_from_matrix(none).w == 1);
    // A quarter turn about z, by hand.
    const struct et_quat z90 = et_quat_from_matrix((const double[9]){0, -1, 0, 1, 0, 0, 0, 0, 1});
    CHECK_NEAR(z90.z, sqrt(0.5), 1e-12);
    CHECK_NEAR(z90.w, sqrt(0.5), 1e-12);
    // Of what is none, something of unit length.
    const struct et_quat q = et_quat_from_matrix(zero);
    CHECK_NEAR(q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w, 1, 1e-12);
    const double nan[9] = {(double)NAN};
    CHECK(et_quat_from_matrix(nan).w == 1);
}

static void roll_pitch_yaw_is_the_product_of_three(void)
{
    for (int i = 0; i < 100; i++) {
        const struct et_vec3 v = random_vec3();
        const struct et_quat x = et_quat_from_axis_angle((struct et_vec3){1, 0, 0}, v.x);
        const struct et_quat y = et_quat_from_axis_angle((struct et_vec3){0, 1, 0}, v.y);
        const struct et_quat z = et_quat_from_axis_angle((struct et_vec3){0, 0, 1}, v.z);
        CHECK_NEAR(
            et_quat_angle_rad(et_quat_mul(z, et_quat_mul(y, x)), et_quat_from_rpy(v.x, v.y, v.z)),
            0.0, 1e-12);
    }
}

static void measures_angles_down_to_the_smallest(void)
{
    const struct et_vec3 axis = {1, 2, 3};
    const struct et_quat none = {0, 0, 0, 1};
    static const double ANGLES[] = {0.0, 1e-12, 1e-6, 0.5, 3.0, PI - 1e-9, PI};
    for (size_t i = 0; i < sizeof ANGLES / sizeof *ANGLES; i++) {
        const struct et_quat q = et_quat_from_axis_angle(axis, ANGLES[i]);
        const struct et_quat minus = {-q.x, -q.y, -q.z, -q.w};
        CHECK_NEAR(et_quat_angle_rad(none, q), ANGLES[i], 1e-15 + ANGLES[i] * 1e-12);
        CHECK_NEAR(et_quat_angle_rad(minus, none), ANGLES[i], 1e-15 + ANGLES[i] * 1e-12);
    }
    CHECK_NEAR(et_quat_angle_rad(none, et_quat_from_axis_angle(axis, 4.0)), 2 * PI - 4.0, 1e-12);
}

static void normal_of_nothing_is_the_identity(void)
{
    const struct et_quat bad[] = {
        {0, 0, 0, 0}, {(double)NAN, 0, 0, 1}, {(double)INFINITY, 0, 0, 0}, {1e300, 0, 0, 1e300}};
    for (size_t i = 0; i < 4; i++) {
        const struct et_quat q = et_quat_normal(bad[i]);
        CHECK(q.x == 0.0 && q.y == 0.0 && q.z == 0.0 && q.w == 1.0);
    }
    const struct et_quat q = et_quat_normal((struct et_quat){0, 0, -3, 4});
    CHECK(q.z == -0.6 && q.w == 0.8);
    const struct et_quat none = et_quat_from_axis_angle((struct et_vec3){0, 0, 0}, 1.0);
    CHECK(none.w == 1.0);
}

static void interpolates_at_constant_speed(void)
{
    for (int i = 0; i < 50; i++) {
        const struct et_quat a = random_quat(), b = random_quat();
        const double whole = et_quat_angle_rad(a, b);
        for (double t = 0.0; t <= 1.0; t += 0.125) {
            const struct et_quat q = et_quat_slerp(a, b, t);
            CHECK_NEAR(et_quat_angle_rad(a, q), t * whole, 1e-9);
            CHECK_NEAR(et_quat_angle_rad(q, b), (1.0 - t) * whole, 1e-9);
        }
    }
    const struct et_quat a = random_quat();
    CHECK_NEAR(et_quat_angle_rad(a, et_quat_slerp(a, a, 0.3)), 0.0, 1e-15);
    const struct et_quat b =
        et_quat_mul(et_quat_from_axis_angle((struct et_vec3){1, 0, 0}, 1e-8), a);
    CHECK_NEAR(et_quat_angle_rad(a, et_quat_slerp(a, b, 0.25)), 0.25e-8, 1e-14);
}

static void poses_multiply_and_invert(void)
{
    for (int i = 0; i < 100; i++) {
        const struct et_pose a = {random_vec3(), random_quat()}, b = {random_vec3(), random_quat()};
        const struct et_vec3 v = random_vec3();
        const struct et_vec3 want = et_pose_apply(a, et_pose_apply(b, v));
        check_vec3(et_pose_apply(et_pose_mul(a, b), v), want.x, want.y, want.z);
        check_vec3(et_pose_apply(et_pose_inverse(a), et_pose_apply(a, v)), v.x, v.y, v.z);
    }
}

static void solves_what_has_a_solution(void)
{
    for (size_t n_cols = 1; n_cols <= ET_LSQ_COLS_MAX; n_cols++) {
        for (size_t n_rows = n_cols; n_rows < 40; n_rows += 7) {
            double a[40 * ET_LSQ_COLS_MAX], b[40], want[ET_LSQ_COLS_MAX], x[ET_LSQ_COLS_MAX];
            for (size_t k = 0; k < n_cols; k++)
                want[k] = rng_gaussian(&rng);
            for (size_t i = 0; i < n_rows; i++) {
                b[i] = 0.0;
                for (size_t k = 0; k < n_cols; k++) {
                    a[i * n_cols + k] = rng_gaussian(&rng);
                    b[i] += a[i * n_cols + k] * want[k];
                }
            }
            CHECK(et_lsq_solve(a, b, n_rows, n_cols, x));
            for (size_t k = 0; k < n_cols; k++)
                CHECK_NEAR(x[k], want[k], 1e-8);
        }
    }
}

// A line through noisy points, against the textbook's formula for slope and offset.
static void minimises_what_has_none(void)
{
    double a[100 * 2], b[100], x[2], sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t i = 0; i < 100; i++) {
        const double t = (double)i * 0.1, y = 3.0 * t - 2.0 + rng_gaussian(&rng);
        a[2 * i] = t;
        a[2 * i + 1] = 1.0;
        b[i] = y;
        sx += t;
        sy += y;
        sxx += t * t;
        sxy += t * y;
    }
    const double slope = (100 * sxy - sx * sy) / (100 * sxx - sx * sx);
    CHECK(et_lsq_solve(a, b, 100, 2, x));
    CHECK_NEAR(x[0], slope, 1e-10);
    CHECK_NEAR(x[1], (sy - slope * sx) / 100, 1e-10);
}

static void refuses_columns_that_depend(void)
{
    double x[3] = {7, 7, 7};
    double same[] = {1, 1, 2, 2, 3, 3}, b1[] = {1, 2, 3};
    CHECK(!et_lsq_solve(same, b1, 3, 2, x));
    double zero[] = {0, 0, 0}, b2[] = {1, 2, 3};
    CHECK(!et_lsq_solve(zero, b2, 3, 1, x));
    double sum[] = {1, 0, 1, 0, 1, 1, 3, 1, 4, 0.1, 0.2, 0.3}, b3[] = {1, 2, 3, 4};
    CHECK(!et_lsq_solve(sum, b3, 4, 3, x));
    double nan[] = {(double)NAN, 1}, b4[] = {1, 2};
    CHECK(!et_lsq_solve(nan, b4, 2, 1, x));
    CHECK(x[0] == 7 && x[1] == 7 && x[2] == 7);
}

int main(void)
{
    RUN(vectors);
    RUN(rotates_as_known_by_hand);
    RUN(the_first_factor_comes_last);
    RUN(a_matrix_rotates_alike);
    RUN(a_matrix_becomes_the_rotation_that_it_came_from);
    RUN(roll_pitch_yaw_is_the_product_of_three);
    RUN(measures_angles_down_to_the_smallest);
    RUN(normal_of_nothing_is_the_identity);
    RUN(interpolates_at_constant_speed);
    RUN(poses_multiply_and_invert);
    RUN(solves_what_has_a_solution);
    RUN(minimises_what_has_none);
    RUN(refuses_columns_that_depend);
    return tap_end();
}
