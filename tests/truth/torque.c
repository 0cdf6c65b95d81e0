#include "truth.h"

#include <math.h>
#include <string.h>

/* The arm of a Unitree G1 from the torso on, with its rubber hand joined to the last link. Figures
 * of g1_29dof_rev_1_0.urdf (unitreerobotics/unitree_mujoco c598f10). */
struct joint {
    double xyz[3], rpy[3];
    int axis;
    double mass, com[3];
    double inertia[6]; // about the centre of mass: xx xy xz yy yz zz
};

static const struct joint ARMS[2][N_ARM] = {
    {
        // left
        {{0.0039563, 0.10022, 0.24778},
         {0.27931, 5.4949e-05, -0.00019159},
         1,
         0.718,
         {0, 0.035892, -0.011628},
         {0.0004291, -9.2e-06, 6.4e-06, 0.000453, 2.26e-05, 0.000423}},
        {{0, 0.038, -0.013831},
         {-0.27925, 0, 0},
         0,
         0.643,
         {-0.000227, 0.00727, -0.063243},
         {0.0006177, -1e-06, 8.7e-06, 0.0006912, -5.3e-06, 0.0003894}},
        {{0, 0.00624, -0.1032},
         {0, 0, 0},
         2,
         0.734,
         {0.010773, -0.002949, -0.072009},
         {0.0009988, 7.9e-06, 0.0001412, 0.0010605, -2.86e-05, 0.0004354}},
        {{0.015783, 0, -0.080518},
         {0, 0, 0},
         1,
         0.6,
         {0.064956, 0.004454, -0.010062},
         {0.0002891, 6.53e-05, 1.72e-05, 0.0004152, -5.6e-06, 0.0004197}},
        {{0.1, 0.00188791, -0.01},
         {0, 0, 0},
         0,
         0.08544498,
         {0.0171394478, 0.00053759094, 4.8864e-07},
         {4.82154402e-05, -4.24511021e-06, 5.10599e-09, 3.72289909e-05, -1.23525e-09,
          5.48210654e-05}},
        {{0.038, 0, 0},
         {0, 0, 0},
         1,
         0.48404956,
         {0.0229998984, -0.00111685314, -0.00111658096},
         {0.000165796463, -1.23120675e-05, 1.23169919e-05, 0.000429540574, 8.1417712e-07,
          0.000429536977}},
        {{0.046, 0, 0},
         {0, 0, 0},
         2,
         0.25457647,
         {0.0708244302, 0.000191745291, 0.00161741614},
         {0.000150445179, 3.76027541e-05, -2.95494159e-06, 0.000643113269, 3.77548424e-06,
          0.000560113948}},
    },
    {
        // right
        {{0.0039563, -0.10021, 0.24778},
         {-0.27931, 5.4949e-05, 0.00019159},
         1,
         0.718,
         {0, -0.035892, -0.011628},
         {0.0004291, 9.2e-06, 6.4e-06, 0.000453, -2.26e-05, 0.000423}},
        {{0, -0.038, -0.013831},
         {0.27925, 0, 0},
         0,
         0.643,
         {-0.000227, -0.00727, -0.063243},
         {0.0006177, 1e-06, 8.7e-06, 0.0006912, 5.3e-06, 0.0003894}},
        {{0, -0.00624, -0.1032},
         {0, 0, 0},
         2,
         0.734,
         {0.010773, 0.002949, -0.072009},
         {0.0009988, -7.9e-06, 0.0001412, 0.0010605, 2.86e-05, 0.0004354}},
        {{0.015783, 0, -0.080518},
         {0, 0, 0},
         1,
         0.6,
         {0.064956, -0.004454, -0.010062},
         {0.0002891, -6.53e-05, 1.72e-05, 0.0004152, 5.6e-06, 0.0004197}},
        {{0.1, -0.00188791, -0.01},
         {0, 0, 0},
         0,
         0.08544498,
         {0.0171394478, -0.00053759094, 4.8864e-07},
         {4.82154402e-05, 4.24511021e-06, 5.10599e-09, 3.72289909e-05, 1.23525e-09,
          5.48210654e-05}},
        {{0.038, 0, 0},
         {0, 0, 0},
         1,
         0.48404956,
         {0.0229998984, 0.00111685314, -0.00111658096},
         {0.000165796463, 1.23120675e-05, 1.23169919e-05, 0.000429540574, -8.1417712e-07,
          0.000429536977}},
        {{0.046, 0, 0},
         {0, 0, 0},
         2,
         0.25457647,
         {0.0708244302, -0.000191745291, 0.00161741614},
         {0.000150445179, -3.76027541e-05, -2.95494159e-06, 0.000643113269, -3.77548424e-06,
          0.000560113948}},
    },
};

// Where a push acts: the hand's centre of mass, in the last link.
static const double HAND[3] = {0.0951, 0, 0.0022};

const double ARM_VISCOUS[N_ARM] = {0.30, 0.30, 0.20, 0.20, 0.08, 0.06, 0.06};
const double ARM_COULOMB[N_ARM] = {0.50, 0.45, 0.30, 0.35, 0.12, 0.10, 0.08};
const double ARM_MASS_SCALE = 1.04; // a real arm is never as its drawing

static void cross(const double a[3], const double b[3], double to[3])
{
    const double x = a[1] * b[2] - a[2] * b[1], y = a[2] * b[0] - a[0] * b[2];
    const double z = a[0] * b[1] - a[1] * b[0];
    to[0] = x;
    to[1] = y;
    to[2] = z;
}

static void rotation(const struct joint *joint, double angle, double r[9])
{
    const double cr = cos(joint->rpy[0]), sr = sin(joint->rpy[0]);
    const double cp = cos(joint->rpy[1]), sp = sin(joint->rpy[1]);
    const double cy = cos(joint->rpy[2]), sy = sin(joint->rpy[2]);
    const double f[9] = {cy * cp,
                         cy * sp * sr - sy * cr,
                         cy * sp * cr + sy * sr,
                         sy * cp,
                         sy * sp * sr + cy * cr,
                         sy * sp * cr - cy * sr,
                         -sp,
                         cp * sr,
                         cp * cr};
    double a[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const int i = (joint->axis + 1) % 3, j = (joint->axis + 2) % 3;
    a[i * 3 + i] = a[j * 3 + j] = cos(angle);
    a[j * 3 + i] = sin(angle);
    a[i * 3 + j] = -sin(angle);
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++)
            r[y * 3 + x] = f[y * 3] * a[x] + f[y * 3 + 1] * a[3 + x] + f[y * 3 + 2] * a[6 + x];
}

static void turn(const double r[9], const double v[3], double to[3])
{
    double t[3];
    for (int y = 0; y < 3; y++)
        t[y] = r[y * 3] * v[0] + r[y * 3 + 1] * v[1] + r[y * 3 + 2] * v[2];
    memcpy(to, t, sizeof t);
}

static void turn_back(const double r[9], const double v[3], double to[3])
{
    double t[3];
    for (int y = 0; y < 3; y++)
        t[y] = r[y] * v[0] + r[3 + y] * v[1] + r[6 + y] * v[2];
    memcpy(to, t, sizeof t);
}

static void add(double to[3], const double v[3])
{
    for (int i = 0; i < 3; i++)
        to[i] += v[i];
}

struct link_state {
    double r[9], w[3], dw[3], a[3]; // in the link's own frame
    double force[3], moment[3];
};

/* The link's motion from the one before, and the force and moment about its origin it needs. */
static void forward(const struct joint *joint, const struct link_state *before,
                    const double state[3], struct link_state *s)
{
    double v[3], u[3], ac[3], h[3];
    rotation(joint, state[0], s->r);
    cross(before->w, joint->xyz, v);
    cross(before->w, v, v);
    cross(before->dw, joint->xyz, u);
    memcpy(s->a, before->a, sizeof s->a);
    add(s->a, v);
    add(s->a, u);
    turn_back(s->r, s->a, s->a);

    turn_back(s->r, before->w, s->w);
    turn_back(s->r, before->dw, s->dw);
    double spin[3] = {0};
    spin[joint->axis] = state[1];
    cross(s->w, spin, v);
    add(s->dw, v);
    s->dw[joint->axis] += state[2];
    s->w[joint->axis] += state[1];

    memcpy(ac, s->a, sizeof ac);
    cross(s->dw, joint->com, v);
    add(ac, v);
    cross(s->w, joint->com, v);
    cross(s->w, v, v);
    add(ac, v);
    const double *in = joint->inertia;
    const double i9[9] = {in[0], in[1], in[2], in[1], in[3], in[4], in[2], in[4], in[5]};
    turn(i9, s->w, h);
    cross(s->w, h, s->moment);
    turn(i9, s->dw, h);
    add(s->moment, h);
    for (int i = 0; i < 3; i++) {
        s->force[i] = ARM_MASS_SCALE * joint->mass * ac[i];
        s->moment[i] *= ARM_MASS_SCALE;
    }
    cross(joint->com, s->force, v);
    add(s->moment, v);
}

/* Newton and Euler's recursion (Luh, Walker, Paul 1980), with a force at the hand. `motion` has
 * position, velocity and acceleration of each joint. */
static void inverse_dynamics(int side, double motion[N_ARM][3], const double pushed[3],
                             double tau[N_ARM])
{
    struct link_state s[N_ARM];
    struct link_state base = {.a = {0, 0, 9.81}}; // standing is like being lifted
    double push[3] = {-pushed[0], -pushed[1], -pushed[2]}, v[3];
    for (size_t i = 0; i < N_ARM; i++) {
        forward(&ARMS[side][i], i > 0 ? &s[i - 1] : &base, motion[i], &s[i]);
        turn_back(s[i].r, push, push);
    }
    add(s[N_ARM - 1].force, push);
    cross(HAND, push, v);
    add(s[N_ARM - 1].moment, v);
    for (size_t i = N_ARM; i-- > 0;) {
        tau[i] = s[i].moment[ARMS[side][i].axis];
        if (i == 0)
            break;
        double f[3], m[3];
        turn(s[i].r, s[i].force, f);
        turn(s[i].r, s[i].moment, m);
        cross(ARMS[side][i].xyz, f, v);
        add(s[i - 1].force, f);
        add(s[i - 1].moment, m);
        add(s[i - 1].moment, v);
    }
}

void push_force(const struct motion *motion, int side, double t_s, double force[3])
{
    force[0] = force[1] = force[2] = 0;
    for (size_t i = 0; i < motion->n_pushes; i++) {
        const struct push *p = &motion->pushes[i];
        if (p->side != side || t_s < p->from_s || t_s > p->to_s)
            continue;
        const double x = (t_s - p->from_s) / (p->to_s - p->from_s);
        for (int k = 0; k < 3; k++)
            force[k] += p->force_n * p->direction[k] * sin(3.14159265358979 * x);
    }
}

static void arm_motion(const struct motion *motion, int side, double t_s, double to[N_ARM][3])
{
    double q[N_Q], dq[N_Q], ddq[N_Q];
    motion_at(motion, t_s, q, dq, ddq);
    for (size_t i = 0; i < N_ARM; i++) {
        const size_t k = Q_ARM + (size_t)side * N_ARM + i;
        to[i][0] = q[k];
        to[i][1] = dq[k];
        to[i][2] = ddq[k];
    }
}

void arm_torque(const struct motion *motion, int side, double t_s, double tau[N_ARM])
{
    double state[N_ARM][3], pushed[3];
    arm_motion(motion, side, t_s, state);
    push_force(motion, side, t_s, pushed);
    inverse_dynamics(side, state, pushed, tau);
    for (size_t i = 0; i < N_ARM; i++)
        tau[i] += ARM_VISCOUS[i] * state[i][1] + ARM_COULOMB[i] * tanh(state[i][1] / COULOMB_SPEED);
}

/* The largest torque that the push itself puts on a joint, at its peak. */
static double push_torque(const struct motion *motion, const struct push *p)
{
    double state[N_ARM][3], with[N_ARM], without[N_ARM], force[3], most = 0;
    arm_motion(motion, p->side, (p->from_s + p->to_s) / 2, state);
    for (int k = 0; k < 3; k++)
        force[k] = p->force_n * p->direction[k];
    inverse_dynamics(p->side, state, force, with);
    inverse_dynamics(p->side, state, (double[3]){0}, without);
    for (size_t i = 0; i < N_ARM; i++)
        most = fmax(most, fabs(with[i] - without[i]));
    return most;
}

void pushes_plan(struct motion *motion, double force_n, uint64_t seed)
{
    static const double AT[] = {0.35, 0.75};
    struct rng rng = {seed * 31 + 5};
    motion->n_pushes = 0;
    for (size_t e = 0; e < motion->n_episodes; e++)
        for (size_t k = 0; k < 2 && motion->n_pushes < PUSHES_MAX; k++) {
            const struct demonstration *d = &motion->episodes[e];
            struct push *p = &motion->pushes[motion->n_pushes];
            const double angle = 6.283185307179586 * rng_uniform(&rng);
            const double from = d->begin_s + AT[k] * (d->end_s - d->begin_s);
            *p = (struct push){.from_s = from,
                               .to_s = from + 0.3,
                               .side = motion->n_pushes % 2 ? LEFT : RIGHT,
                               .force_n = force_n,
                               .direction = {cos(angle) * 0.8, sin(angle) * 0.8, 0.6}};
            p->torque_nm = push_torque(motion, p);
            motion->n_pushes++;
        }
}
