#include "residual_made.h"

#include "etude/dynamics.h"
#include "etude/parquet.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>

#define PI 3.14159265358979323846
#define WIDTH 26
#define KNOT_S (1.0 / 30)
#define BLEND_KNOTS 30
#define KNOTS_MAX 20000

const char *const made_joints[MADE_JOINTS] = {
    "left_shoulder_pitch_joint", "left_shoulder_roll_joint",   "left_shoulder_yaw_joint",
    "left_elbow_joint",          "left_wrist_roll_joint",      "left_wrist_pitch_joint",
    "left_wrist_yaw_joint",      "right_shoulder_pitch_joint", "right_shoulder_roll_joint",
    "right_shoulder_yaw_joint",  "right_elbow_joint",          "right_wrist_roll_joint",
    "right_wrist_pitch_joint",   "right_wrist_yaw_joint"};

static struct et_err err;

struct knots {
    size_t n;
    double values[KNOTS_MAX][MADE_JOINTS];
};

static size_t read_episode(int index, double (*values)[MADE_JOINTS], size_t n_max)
{
    char name[100];
    (void)snprintf(name, sizeof name, "unitree_g1/data/chunk-000/episode_%06d.parquet", index);
    const char *path = data_path(name);
    struct et_parquet_reader *reader = NULL;
    struct et_parquet_cursor *cursor = NULL;
    if (!path)
        return 0;
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    if (!reader)
        return 0;
    size_t n = (size_t)et_parquet_n_rows(reader);
    n = n < n_max ? n : n_max;
    float *rows = calloc(n * WIDTH, sizeof *rows);
    const int leaf = et_parquet_find(reader, "observation.state");
    if (CHECK(leaf >= 0) && rows) {
        CHECK_OK(et_parquet_cursor_open(&cursor, reader, (size_t)leaf, &err));
        CHECK_OK(et_parquet_cursor_rows(cursor, 0, (int64_t)n, WIDTH, rows, &err));
    }
    for (size_t i = 0; rows && i < n; i++)
        for (size_t j = 0; j < MADE_JOINTS; j++)
            values[i][j] = (double)rows[i * WIDTH + j];
    free(rows);
    et_parquet_cursor_close(cursor);
    et_parquet_close(reader);
    return n;
}

// Episodes one after the other, a second of smooth way between them.
static bool read_knots(struct knots *knots, int first_episode, size_t n_wanted)
{
    for (int index = first_episode; knots->n < n_wanted && index < 100; index++) {
        size_t first = knots->n ? knots->n + BLEND_KNOTS : 0;
        if (first >= KNOTS_MAX)
            break;
        const size_t n = read_episode(index, knots->values + first, KNOTS_MAX - first);
        if (n == 0)
            return false;
        for (size_t k = knots->n; k < first; k++) {
            const double u = (double)(k - knots->n + 1) / (BLEND_KNOTS + 1);
            const double share = u * u * u * (10 + u * (6 * u - 15));
            for (size_t j = 0; j < MADE_JOINTS; j++)
                knots->values[k][j] =
                    (1 - share) * knots->values[knots->n - 1][j] + share * knots->values[first][j];
        }
        knots->n = first + n;
    }
    return knots->n >= n_wanted;
}

/* A cubic B-spline over the knots: what the arm did, smooth to its acceleration. */
static void move(const struct knots *knots, double t_s, double *q, double *v, double *a)
{
    const double at = t_s / KNOT_S;
    const size_t i = (size_t)at;
    const double u = at - (double)i, w = 1 - u;
    const double b[4] = {w * w * w / 6, (3 * u * u * u - 6 * u * u + 4) / 6,
                         (-3 * u * u * u + 3 * u * u + 3 * u + 1) / 6, u * u * u / 6};
    const double b1[4] = {-w * w / 2, (3 * u * u - 4 * u) / 2, (-3 * u * u + 2 * u + 1) / 2,
                          u * u / 2};
    const double b2[4] = {w, 3 * u - 2, 1 - 3 * u, u};
    for (size_t j = 0; j < MADE_JOINTS; j++) {
        q[j] = v[j] = a[j] = 0;
        for (size_t k = 0; k < 4; k++) {
            const double x = knots->values[i + k][j];
            q[j] += b[k] * x;
            v[j] += b1[k] * x / KNOT_S;
            a[j] += b2[k] * x / (KNOT_S * KNOT_S);
        }
    }
}

// The torque that joints feel of a force at a hand: differences of the hand's place.
static void push_torque(struct et_dynamics *d, size_t i_link, const double *q, struct et_vec3 force,
                        double *torque)
{
    const double step = 1e-5;
    double moved[MADE_JOINTS];
    memcpy(moved, q, sizeof moved);
    for (size_t j = 0; j < MADE_JOINTS; j++) {
        moved[j] = q[j] + step;
        CHECK_OK(et_dynamics_place(d, moved, &err));
        const struct et_vec3 there = et_dynamics_pose(d, i_link).position;
        moved[j] = q[j] - step;
        CHECK_OK(et_dynamics_place(d, moved, &err));
        const struct et_vec3 back = et_dynamics_pose(d, i_link).position;
        moved[j] = q[j];
        torque[j] = et_vec3_dot(et_vec3_sub(there, back), force) / (2 * step);
    }
}

static void choose_truth(const struct made_options *o, struct rng *rng, struct made *made)
{
    static const double size[7] = {1, 1, 0.6, 0.6, 0.2, 0.2, 0.2};
    for (size_t j = 0; j < MADE_JOINTS; j++) {
        made->viscous[j] = o->friction * 0.3 * size[j % 7] * (0.5 + rng_uniform(rng));
        made->coulomb[j] = o->friction * 0.6 * size[j % 7] * (0.5 + rng_uniform(rng));
        made->inertia[j] = 0.02 * size[j % 7] * (0.5 + rng_uniform(rng));
        made->offset[j] = 0.3 * size[j % 7] * rng_gaussian(rng);
    }
    const double first = o->quiet_s > 0 ? o->quiet_s : o->duration_s / 2;
    const double lasts = o->hold_s > 0 ? o->hold_s : 0.3, every = o->hold_s > 0 ? 1e9 : 3;
    for (double t = first; t + lasts < o->duration_s - 0.5 && o->push_n > 0; t += every)
        if (made->n_pushes < MADE_PUSHES_MAX)
            made->pushes[made->n_pushes++] = (struct made_push){t, t + lasts};
}

struct simulation;
struct world {
    const struct made_options *options;
    struct made *made;
    const struct knots *knots;
    struct et_dynamics *dynamics;
    size_t hand[2];
    struct rng *rng;
    double bristle[MADE_JOINTS]; // of friction, −1 … 1
    struct et_vec3 direction;
    size_t i_push;
    struct simulation *simulation; // of the second world; NULL: the first
};

/* LuGre friction (Canudas de Wit and others 1995): bristles of a length of its own for each joint,
 * and a fifth more before it breaks loose. The fit knows neither. */
static double rub(struct world *w, size_t j, double v, double dt)
{
    const double length = 0.001 * (1 + (double)((j * 5) % 7)), loose = v / 0.05;
    const double most = 1 + 0.2 * exp(-loose * loose);
    for (size_t i = 0; i < 10; i++)
        w->bristle[j] += dt / 10 * (v - fabs(v) * w->bristle[j] / most) / length;
    return w->made->viscous[j] * v + w->made->coulomb[j] * w->bristle[j];
}

// The force at a time; the hands take turns.
static struct et_vec3 push(struct world *w, double t_s)
{
    const struct made *made = w->made;
    const struct et_vec3 none = {0, 0, 0};
    while (w->i_push < made->n_pushes && t_s > made->pushes[w->i_push].last_s) {
        w->i_push++;
        w->direction = none;
    }
    if (w->i_push == made->n_pushes || t_s < made->pushes[w->i_push].first_s)
        return none;
    if (et_vec3_norm(w->direction) < 0.5) {
        const struct et_vec3 dice = {rng_gaussian(w->rng), rng_gaussian(w->rng),
                                     rng_gaussian(w->rng)};
        w->direction = et_vec3_scale(dice, 1 / et_vec3_norm(dice));
    }
    const struct made_push *p = &made->pushes[w->i_push];
    const double share = (t_s - p->first_s) / (p->last_s - p->first_s);
    const double size =
        w->options->hold_s > 0 ? fmin(1, 8 * fmin(share, 1 - share)) : sin(PI * share);
    return et_vec3_scale(w->direction, size * w->options->push_n);
}

/* What happens in the first world at a time: the movement is as planned, and the torque is what it
 * needs. */
static void live(struct world *w, double t_s, double dt, double *q, double *v, double *effort)
{
    double a[MADE_JOINTS], felt[MADE_JOINTS];
    move(w->knots, t_s, q, v, a);
    CHECK_OK(et_dynamics_inverse(w->dynamics, q, v, a, effort, &err));
    const struct et_vec3 force = push(w, t_s);
    const bool is_pushed = et_vec3_norm(force) > 0;
    if (is_pushed)
        push_torque(w->dynamics, w->hand[w->i_push % 2], q, force, felt);
    for (size_t j = 0; j < MADE_JOINTS; j++)
        effort[j] += rub(w, j, v[j], dt) + w->made->inertia[j] * a[j] - (is_pushed ? felt[j] : 0);
}

// The text behind `words`, and *from behind it; NULL when there is none.
static char *behind(char *from, const char *words)
{
    char *at = from ? strstr(from, words) : NULL;
    return at ? at + strlen(words) : NULL;
}

/* The truth's robot: every link's mass is off, with its inertia, and so is the place of its centre,
 * 1 mm for each percent. */
static const char *write_truth(const struct made_options *o, struct rng *rng)
{
    const char *path = temp_path("truth.urdf");
    size_t n = 0;
    char *text = read_file(data_path(MADE_URDF), &n), *from = text, *at;
    FILE *file = fopen(path, "w");
    if (!CHECK(text) || !CHECK(file))
        return path;
    while ((at = behind(from, "<inertial>"))) {
        double xyz[3], rpy[3], mass, m[6];
        char *numbers = behind(at, "<origin xyz=\"");
        (void)fwrite(from, 1, (size_t)(at - from), file);
        CHECK(numbers && sscanf(numbers, "%lf %lf %lf\" rpy=\"%lf %lf %lf", &xyz[0], &xyz[1],
                                &xyz[2], &rpy[0], &rpy[1], &rpy[2]) == 6);
        numbers = behind(at, "<mass value=\"");
        CHECK(numbers && sscanf(numbers, "%lf", &mass) == 1);
        numbers = behind(at, "<inertia ixx=\"");
        CHECK(numbers &&
              sscanf(numbers, "%lf\" ixy=\"%lf\" ixz=\"%lf\" iyy=\"%lf\" iyz=\"%lf\" izz=\"%lf",
                     &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) == 6);
        const double scale = 1 + o->mass_error * rng_gaussian(rng);
        for (size_t i = 0; i < 3; i++)
            xyz[i] += 0.1 * o->mass_error * rng_gaussian(rng);
        (void)fprintf(file,
                      "<origin xyz=\"%g %g %g\" rpy=\"%g %g %g\"/><mass value=\"%g\"/><inertia "
                      "ixx=\"%g\" ixy=\"%g\" ixz=\"%g\" iyy=\"%g\" iyz=\"%g\" izz=\"%g\"/>",
                      xyz[0], xyz[1], xyz[2], rpy[0], rpy[1], rpy[2], scale * mass, scale * m[0],
                      scale * m[1], scale * m[2], scale * m[3], scale * m[4], scale * m[5]);
        from = strstr(at, "</inertial>");
    }
    (void)fputs(from, file);
    (void)fclose(file);
    free(text);
    return path;
}

/* A second world that shares nothing with the first but the movement and the file: MuJoCo steps the
 * arm under a servo, its friction is a constraint that sticks, and a push moves the hand. */
struct simulation {
    mjModel *model;
    mjData *data;
    int dof[MADE_JOINTS], hand[2];
};

static bool open_simulation(struct simulation *s, const struct made *made)
{
    char text[300] = "";
    s->model = mj_loadXML(temp_path("truth.urdf"), NULL, text, sizeof text);
    if (!CHECK(s->model))
        return false;
    mjModel *m = s->model;
    m->opt.timestep = 0.001;
    m->opt.disableflags |= mjDSBL_CONTACT | mjDSBL_LIMIT;
    for (int i = 0; i < m->nv; i++)
        m->dof_armature[i] = 1e6; // the legs and the waist stand
    for (size_t j = 0; j < MADE_JOINTS; j++) {
        const int dof = s->dof[j] = mj_name2id(m, mjOBJ_JOINT, made_joints[j]);
        m->dof_armature[dof] = made->inertia[j];
        m->dof_damping[dof] = made->viscous[j];
        m->dof_frictionloss[dof] = made->coulomb[j];
    }
    s->hand[0] = mj_name2id(m, mjOBJ_BODY, "left_rubber_hand");
    s->hand[1] = mj_name2id(m, mjOBJ_BODY, "right_rubber_hand");
    s->data = mj_makeData(m);
    return CHECK(s->data);
}

// One millisecond: the servo holds up the arm, and follows; `force` on a hand.
static void step(struct simulation *s, const double *q, const double *v, size_t i_hand,
                 struct et_vec3 force)
{
    static const double stiffness[7] = {300, 300, 200, 200, 60, 60, 60};
    mju_zero(s->data->xfrc_applied, 6 * s->model->nbody);
    double *at = s->data->xfrc_applied + 6 * (size_t)s->hand[i_hand];
    at[0] = force.x;
    at[1] = force.y;
    at[2] = force.z;
    mj_step1(s->model, s->data);
    mju_copy(s->data->qfrc_applied, s->data->qfrc_bias, s->model->nv);
    for (size_t j = 0; j < MADE_JOINTS; j++) {
        const int dof = s->dof[j];
        s->data->qfrc_applied[dof] += stiffness[j % 7] * (q[j] - s->data->qpos[dof]) +
                                      0.05 * stiffness[j % 7] * (v[j] - s->data->qvel[dof]);
    }
    mj_step2(s->model, s->data);
}

static void simulate(struct world *w, double t_s, double dt, double *q, double *v, double *effort)
{
    struct simulation *s = w->simulation;
    double a[MADE_JOINTS];
    if (t_s == 0) {
        move(w->knots, 0, q, v, a);
        for (size_t j = 0; j < MADE_JOINTS; j++)
            s->data->qpos[s->dof[j]] = q[j];
    }
    for (int i = 0; i < (int)(dt / 0.001 + 0.5); i++) {
        const double now_s = t_s - dt + 0.001 * (i + 1);
        move(w->knots, fmax(0, now_s), q, v, a);
        step(s, q, v, w->i_push % 2, push(w, now_s));
    }
    for (size_t j = 0; j < MADE_JOINTS; j++) {
        q[j] = s->data->qpos[s->dof[j]];
        v[j] = s->data->qvel[s->dof[j]];
        effort[j] = s->data->qfrc_applied[s->dof[j]];
    }
}

static void record(struct world *w, size_t k)
{
    static const double noise[7] = {0.075, 0.075, 0.045, 0.045, 0.015, 0.015, 0.015};
    const double tick = 2 * PI / 65536, dt = 1 / w->options->rate_hz, t_s = (double)k * dt;
    struct made *made = w->made;
    double q[MADE_JOINTS], v[MADE_JOINTS], effort[MADE_JOINTS];
    (w->simulation ? simulate : live)(w, t_s, dt, q, v, effort);
    for (size_t j = 0; j < MADE_JOINTS; j++) {
        const size_t at = k * MADE_JOINTS + j;
        made->position[at] = round(q[j] / tick) * tick;
        made->velocity[at] = v[j] + 0.002 * rng_gaussian(w->rng);
        made->effort[at] =
            effort[j] + made->offset[j] * (1 + t_s / 120) + noise[j % 7] * rng_gaussian(w->rng);
    }
    made->t_ns[k] = (int64_t)(t_s * 1e9) + 1000000000;
}

static bool open_world(struct world *w)
{
    const struct et_dynamics_options options = {.joints = made_joints, .n_joints = MADE_JOINTS};
    CHECK_OK(et_dynamics_open(&w->dynamics, write_truth(w->options, w->rng), &options, &err));
    if (!w->dynamics)
        return false;
    if (w->options->has_gravity_compensation)
        et_dynamics_set_gravity(w->dynamics, (struct et_vec3){0, 0, 0});
    return CHECK(et_dynamics_find_link(w->dynamics, "left_rubber_hand", &w->hand[0])) &&
           CHECK(et_dynamics_find_link(w->dynamics, "right_rubber_hand", &w->hand[1]));
}

bool make_recording(const struct made_options *options, struct made *made)
{
    *made = (struct made){.n = (size_t)(options->duration_s * options->rate_hz)};
    if (!data_path(MADE_URDF) || !data_path("unitree_g1"))
        return false;
    struct knots *knots = calloc(1, sizeof *knots);
    struct rng rng = {options->seed};
    struct world w = {.options = options, .made = made, .knots = knots, .rng = &rng};
    const size_t n_values = made->n * MADE_JOINTS;
    made->position = calloc(n_values, sizeof *made->position);
    made->velocity = calloc(n_values, sizeof *made->velocity);
    made->effort = calloc(n_values, sizeof *made->effort);
    made->t_ns = calloc(made->n, sizeof *made->t_ns);
    bool is_good =
        knots && made->position && made->velocity && made->effort && made->t_ns &&
        read_knots(knots, options->first_episode, (size_t)(options->duration_s / KNOT_S) + 5);
    choose_truth(options, &rng, made);
    is_good = is_good && open_world(&w);
    struct simulation simulation = {0};
    if (is_good && options->is_forward) {
        is_good = open_simulation(&simulation, made);
        w.simulation = &simulation;
    }
    for (size_t k = 0; k < made->n && is_good; k++)
        record(&w, k);
    mj_deleteData(simulation.data);
    mj_deleteModel(simulation.model);
    et_dynamics_close(w.dynamics);
    free(knots);
    if (!is_good)
        free_recording(made);
    return is_good;
}

void free_recording(struct made *made)
{
    free(made->position);
    free(made->velocity);
    free(made->effort);
    free(made->t_ns);
    *made = (struct made){0};
}
