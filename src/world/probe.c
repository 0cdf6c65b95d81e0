/* What a person sees at a glance: how large things are, how much room there is, what touches. */
#include "world/world__world.h"

#include <math.h>

#define RAY_STEPS 32  // through what is not met
#define RAY_M 1e-4    // behind such a thing
#define FALLING_M 4.0 // deeper than any room

static bool can_be_touched(const mjModel *m, int geom)
{
    return m->geom_contype[geom] != 0 || m->geom_conaffinity[geom] != 0;
}

static bool is_robots(const struct et_world *w, int geom)
{
    const mjModel *m = w->model;
    return m->body_rootid[m->geom_bodyid[geom]] == m->body_rootid[w->base];
}

/* Of a box, a cylinder … around the origin; `v` is in its own axes. */
static double reach_of(const mjModel *m, int geom, const double v[3])
{
    const double *s = m->geom_size + 3 * geom, round = hypot(v[0], v[1]);
    switch (m->geom_type[geom]) {
    case mjGEOM_SPHERE:
        return s[0];
    case mjGEOM_CAPSULE:
        return s[0] + fabs(v[2]) * s[1];
    case mjGEOM_CYLINDER:
        return round * s[0] + fabs(v[2]) * s[1];
    case mjGEOM_ELLIPSOID:
        return sqrt(v[0] * v[0] * s[0] * s[0] + v[1] * v[1] * s[1] * s[1] +
                    v[2] * v[2] * s[2] * s[2]);
    case mjGEOM_BOX:
        return fabs(v[0]) * s[0] + fabs(v[1]) * s[1] + fabs(v[2]) * s[2];
    default:
        return m->geom_rbound[geom];
    }
}

double et__probe_extent(const struct et_world *w, int body, const double direction[3])
{
    double most = -mjMAXVAL;
    for (int i = 0; i < w->model->ngeom; i++) {
        double own[3];
        if (!can_be_touched(w->model, i) || !et__is_of(w, i, body))
            continue;
        mju_rotVecMatT(own, direction, w->data->geom_xmat + 9 * i);
        const double far =
            mju_dot3(w->data->geom_xpos + 3 * i, direction) + reach_of(w->model, i, own);
        most = fmax(most, far);
    }
    return most;
}

double et__probe_ray(const struct et_world *w, const double from[3], const double direction[3],
                     int body, int *geom)
{
    double at[3], way = 0;
    mju_copy3(at, from);
    for (int i = 0; i < RAY_STEPS; i++) {
        const double next = mj_ray(w->model, w->data, at, direction, NULL, 1, -1, geom);
        if (next < 0)
            return -1;
        way += next;
        if (can_be_touched(w->model, *geom) && !is_robots(w, *geom) &&
            !(body >= 0 && et__is_of(w, *geom, body)))
            return way;
        way += RAY_M;
        mju_addScl3(at, from, direction, way);
    }
    return -1;
}

double et__probe_height(const struct et_world *w, int body)
{
    static const double DOWN[3] = {0, 0, -1}, X[3] = {1, 0, 0}, Y[3] = {0, 1, 0};
    static const double LEFT[3] = {-1, 0, 0}, BACK[3] = {0, -1, 0};
    const double low = -et__probe_extent(w, body, DOWN);
    const double x[2] = {-et__probe_extent(w, body, LEFT), et__probe_extent(w, body, X)};
    const double y[2] = {-et__probe_extent(w, body, BACK), et__probe_extent(w, body, Y)};
    double least = FALLING_M;
    for (int i = 0; i < 5; i++) { // the middle, and inside of the corners
        const double u = i == 4 ? 0.5 : i % 2 ? 0.9 : 0.1, v = i == 4 ? 0.5 : i / 2 ? 0.9 : 0.1;
        const double from[3] = {x[0] + u * (x[1] - x[0]), y[0] + v * (y[1] - y[0]), low};
        int geom;
        const double way = et__probe_ray(w, from, DOWN, body, &geom);
        least = way >= 0 ? fmin(least, way) : least;
    }
    return least;
}

static bool touches_furniture(const struct et_world *w, int body)
{
    for (int i = 0; i < w->data->ncon; i++) {
        const mjContact *c = &w->data->contact[i];
        const bool is_first = et__is_of(w, c->geom1, body),
                   is_second = et__is_of(w, c->geom2, body);
        const int other = is_first ? c->geom2 : c->geom1;
        if (c->exclude == 0 && is_first != is_second && !is_robots(w, other) &&
            !et__is_loose(w->model, w->model->body_rootid[w->model->geom_bodyid[other]]))
            return true;
    }
    return false;
}

// What is below, or stands on the furniture with this in it; not what lies in this.
bool et__probe_stands(const struct et_world *w, int body)
{
    const mjModel *m = w->model;
    static const double DOWN[3] = {0, 0, -1};
    const double *com = w->data->subtree_com, low = -et__probe_extent(w, body, DOWN);
    for (int i = 0; i < w->data->ncon; i++) {
        const mjContact *c = &w->data->contact[i];
        const bool is_first = et__is_of(w, c->geom1, body),
                   is_second = et__is_of(w, c->geom2, body);
        const int other = is_first ? c->geom2 : c->geom1;
        if (c->exclude != 0 || is_first == is_second || is_robots(w, other))
            continue;
        const int root = m->body_rootid[m->geom_bodyid[other]];
        if (!et__is_loose(m, root) || com[3 * root + 2] < low || touches_furniture(w, root))
            return true;
    }
    return false;
}

int et__arm_body(const struct et_world *w, enum et__side side)
{
    return w->model->dof_bodyid[w->hands[side].dof[0]];
}

struct et__contact et__probe_contact(const struct et_world *w, int body)
{
    struct et__contact all = {.body = -1};
    double most = 0;
    for (int i = 0; i < w->data->ncon; i++) {
        const mjContact *c = &w->data->contact[i];
        const bool is_first = is_robots(w, c->geom1), is_second = is_robots(w, c->geom2);
        double force[6];
        if (c->exclude != 0 || is_first == is_second ||
            !et__is_of(w, is_first ? c->geom1 : c->geom2, body))
            continue;
        mj_contactForce(w->model, w->data, i, force);
        all.force_n += force[0];
        if (force[0] > most) {
            most = force[0];
            all.body = w->model->geom_bodyid[is_first ? c->geom2 : c->geom1];
        }
    }
    return all;
}

/* Which hand a shape is of; −1: neither. */
static int hand_of(const struct et_world *w, int geom)
{
    for (int side = 0; side < 2; side++)
        if (w->hands[side].palm >= 0 && et__is_of(w, geom, w->hands[side].palm))
            return side;
    return -1;
}

struct et_world_contact et__probe_robot(const struct et_world *w)
{
    double hands_n[2] = {0}, body_n = 0;
    for (int i = 0; i < w->data->ncon; i++) {
        const mjContact *c = &w->data->contact[i];
        const bool is_first = is_robots(w, c->geom1), is_second = is_robots(w, c->geom2);
        double force[6];
        if (c->exclude != 0 || is_first == is_second)
            continue;
        const int hand = hand_of(w, is_first ? c->geom1 : c->geom2);
        mj_contactForce(w->model, w->data, i, force);
        *(hand >= 0 ? &hands_n[hand] : &body_n) += force[0];
    }
    return (struct et_world_contact){fmax(hands_n[0], hands_n[1]), body_n};
}
