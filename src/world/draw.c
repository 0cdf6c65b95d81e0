/* What chance decides before an episode: the skill's own draws, and what every tier adds. */
#include "world/world__world.h"

#include <math.h>

#define TRIES 30          // to find places where nothing stands in another thing
#define DEEPEST_M 0.003   // that things may stand in each other
#define PARKED_X_M (-4.0) // where what is not wanted lies

/* ---- the skill's draws ---- */

static bool is_same_thing(const struct et_world *w, size_t a, size_t b)
{
    const struct et__draw *draws = w->skill->script->draws;
    return draws[a].kind == draws[b].kind && w->draws[a] == w->draws[b];
}

// Of several lines for a thing, the last that the tier knows.
static bool is_in_force(const struct et_world *w, size_t i)
{
    const struct et_skill_script *script = w->skill->script;
    if (script->draws[i].tier > w->tier)
        return false;
    for (size_t k = i + 1; k < script->n_draws; k++)
        if (script->draws[k].tier <= w->tier && is_same_thing(w, i, k))
            return false;
    return true;
}

bool et__is_loose(const mjModel *m, int body)
{
    const int joint = m->body_jntadr[body];
    return joint >= 0 && m->jnt_type[joint] == mjJNT_FREE;
}

// Adds a displacement; turns about the room's axes.
static void move_body(struct et_world *w, int body, const double v[6])
{
    mjModel *m = w->model;
    double *position = m->body_pos + 3 * body, *rotation = m->body_quat + 4 * body;
    if (et__is_loose(m, body)) {
        position = w->data->qpos + m->jnt_qposadr[m->body_jntadr[body]];
        rotation = position + 3;
    }
    static const double AXES[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    mju_addTo3(position, v);
    for (size_t i = 0; i < 3; i++) {
        double turn[4], turned[4];
        mju_axisAngle2Quat(turn, AXES[i], v[3 + i]);
        mju_mulQuat(turned, turn, rotation);
        mju_copy4(rotation, turned);
    }
}

static void scale_friction(mjModel *m, int body, double factor)
{
    for (int i = 0; i < m->body_geomnum[body]; i++)
        m->geom_friction[3 * (m->body_geomadr[body] + i)] *= factor;
}

static void scale_mass(mjModel *m, int body, double factor)
{
    m->body_mass[body] *= factor;
    mju_scl3(m->body_inertia + 3 * body, m->body_inertia + 3 * body, factor);
}

/* A body with all that hangs on it, about its origin, and standing on what it stood on. The mass
 * stays, so inertia goes by the square. */
static void scale_size(struct et_world *w, int body, double factor)
{
    static const double DOWN[3] = {0, 0, -1};
    mjModel *m = w->model;
    mj_kinematics(m, w->data);
    const double rise[6] = {
        0, 0, (factor - 1) * (w->data->xpos[3 * body + 2] + et__probe_extent(w, body, DOWN))};
    for (int i = 0; i < m->ngeom; i++)
        if (et__is_of(w, i, body)) {
            mju_scl3(m->geom_size + 3 * i, m->geom_size + 3 * i, factor);
            mju_scl3(m->geom_pos + 3 * i, m->geom_pos + 3 * i, factor);
            m->geom_rbound[i] *= factor;
        }
    for (int i = 0; i < m->nsite; i++)
        if (et__hangs_on(m, m->site_bodyid[i], body)) {
            mju_scl3(m->site_size + 3 * i, m->site_size + 3 * i, factor);
            mju_scl3(m->site_pos + 3 * i, m->site_pos + 3 * i, factor);
        }
    for (int i = body; i < m->nbody; i++)
        if (et__hangs_on(m, i, body)) {
            mju_scl3(m->body_ipos + 3 * i, m->body_ipos + 3 * i, factor);
            mju_scl3(m->body_inertia + 3 * i, m->body_inertia + 3 * i, factor * factor);
            if (i != body)
                mju_scl3(m->body_pos + 3 * i, m->body_pos + 3 * i, factor);
        }
    for (int i = 0; i < m->njnt; i++)
        if (et__hangs_on(m, m->jnt_bodyid[i], body))
            mju_scl3(m->jnt_pos + 3 * i, m->jnt_pos + 3 * i, factor);
    move_body(w, body, rise);
}

static void draw_one(struct et_world *w, size_t i)
{
    const struct et__draw *draw = &w->skill->script->draws[i];
    const int id = w->draws[i];
    double v[6];
    for (size_t k = 0; k < 6; k++)
        v[k] = et__random_even(&w->random, draw->least[k], draw->most[k]);
    if (draw->kind == ET__DRAW_BODY)
        move_body(w, id, v);
    else if (draw->kind == ET__DRAW_JOINT)
        w->data->qpos[w->model->jnt_qposadr[id]] = v[0];
    else if (draw->kind == ET__DRAW_MASS)
        scale_mass(w->model, id, v[0]);
    else if (draw->kind == ET__DRAW_SIZE)
        scale_size(w, id, v[0]);
    else
        scale_friction(w->model, id, v[0]);
}

/* ---- what tiers add ---- */

static bool is_robots(const struct et_world *w, int body)
{
    return w->model->body_rootid[body] == w->model->body_rootid[w->base];
}

// Geometry with a material has MuJoCo's default colour, which lets the material's through; any
// other would hide it.
static bool shows_material(const mjModel *m, int geom)
{
    const float *c = m->geom_rgba + 4 * geom;
    return m->geom_matid[geom] >= 0 && c[0] == 0.5F && c[1] == 0.5F && c[2] == 0.5F && c[3] == 1;
}

static bool is_robots_material(const struct et_world *w, int material)
{
    for (int i = 0; i < w->model->ngeom; i++)
        if (w->model->geom_matid[i] == material && is_robots(w, w->model->geom_bodyid[i]))
            return true;
    return false;
}

static void vary_colour(struct et_world *w, float *rgba)
{
    for (size_t i = 0; i < 3; i++) {
        const double c = (double)rgba[i] * et__random_even(&w->random, 0.75, 1.25);
        rgba[i] = (float)mju_clip(c, 0, 1);
    }
}

// Masses and friction of loose things, colours, light, where cameras stand.
static void vary(struct et_world *w)
{
    mjModel *m = w->model;
    for (int i = 1; i < m->nbody; i++) {
        if (is_robots(w, i) || !et__is_loose(m, i))
            continue;
        scale_mass(m, i, et__random_even(&w->random, 0.75, 1.35));
        scale_friction(m, i, et__random_even(&w->random, 0.8, 1.2));
    }
    for (int i = 0; i < m->ngeom; i++)
        if (!is_robots(w, m->geom_bodyid[i]) && !shows_material(m, i))
            vary_colour(w, m->geom_rgba + 4 * i);
    for (int i = 0; i < m->nmat; i++)
        if (!is_robots_material(w, i))
            vary_colour(w, m->mat_rgba + 4 * i);
    for (int i = 0; i < m->nlight; i++) {
        const float factor = (float)et__random_even(&w->random, 0.6, 1.3);
        for (size_t k = 0; k < 3; k++) {
            m->light_diffuse[3 * i + (int)k] *= factor;
            m->light_pos[3 * i + (int)k] += et__random_even(&w->random, -0.3, 0.3);
        }
    }
    for (int i = 0; i < m->ncam; i++)
        for (size_t k = 0; k < 3; k++)
            m->cam_pos[3 * i + (int)k] += et__random_even(&w->random, -0.01, 0.01);
}

// Out of the way, far behind the robot.
static void park(struct et_world *w, int body, size_t i)
{
    const mjModel *m = w->model;
    double *position = et__is_loose(m, body) ? w->data->qpos + m->jnt_qposadr[m->body_jntadr[body]]
                                             : w->model->body_pos + 3 * body;
    position[0] = PARKED_X_M;
    position[1] = 0.5 * (double)i;
}

/* ---- together ---- */

/* MuJoCo keeps what follows from masses, and takes a loose thing's inertia from there: lighter ones
 * would fall lighter, but be as hard to move. It works on the pose of qpos0 meanwhile. */
static void tell_masses(struct et_world *w)
{
    mjModel *m = w->model;
    mjData *d = w->data;
    const mjStatistic stat = m->stat; // what cameras' near and far planes are shares of
    mjMARKSTACK;
    mjtNum *qpos = mj_stackAlloc(d, m->nq);
    mju_copy(qpos, d->qpos, m->nq);
    mj_setConst(m, d);
    mju_copy(d->qpos, qpos, m->nq);
    mjFREESTACK;
    m->stat = stat;
}

// Whether loose things stand in each other, in the furniture or, however little, in the robot,
// whose drives would fling them.
static bool is_crowded(const struct et_world *w)
{
    for (int i = 0; i < w->data->ncon; i++) {
        const mjContact *c = &w->data->contact[i];
        const bool is_robot = is_robots(w, w->model->geom_bodyid[c->geom1]) !=
                              is_robots(w, w->model->geom_bodyid[c->geom2]);
        if (c->dist < (is_robot ? 0 : -DEEPEST_M))
            return true;
    }
    return false;
}

static void draw_all(struct et_world *w)
{
    const struct et_skill_script *script = w->skill->script;
    for (size_t i = 0; i < script->n_draws; i++)
        if (is_in_force(w, i))
            draw_one(w, i);
    if (w->tier < ET_TIER_CLUTTERED)
        for (size_t i = 0; i < script->n_clutter; i++)
            park(w, w->clutter[i], i);
}

static void home(struct et_world *w)
{
    for (size_t i = 0; i < w->robot->n_joints; i++) {
        const struct et__joint_ids *ids = &w->joint_ids[i];
        w->data->qpos[ids->qpos] = w->joints[i].home * ids->scale;
        w->action[i] = w->lagged[i] = w->joints[i].home;
        w->speed[i] = 0;
    }
}

static void restore(struct et_world *w)
{
    (void)mj_copyModel(w->model, w->pristine);
    mj_resetData(w->model, w->data);
}

enum et_status et__draw(struct et_world *w, struct et_err *err)
{
    // A scene that is crowded as it was written stays so.
    restore(w);
    home(w);
    mj_forward(w->model, w->data);
    const bool was_crowded = is_crowded(w);
    for (int i = 0; i < TRIES; i++) {
        restore(w);
        draw_all(w);
        if (w->tier >= ET_TIER_VARIED)
            vary(w);
        tell_masses(w);
        home(w);
        mj_forward(w->model, w->data);
        if (was_crowded || !is_crowded(w)) {
            et__lay_litter(w);
            return ET_OK;
        }
    }
    return et_fail(err, ET_ECORRUPT, -1,
                   "%.200s: things stand in each other in %d draws: make `random` narrower",
                   w->skill->path, TRIES);
}
