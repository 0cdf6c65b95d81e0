/* Conditions: what a skill's file may ask of the world. One function a predicate. */
#include "world/world__world.h"

#include <assert.h>
#include <math.h>

#define STILL_SPEED 0.05 // m/s and rad/s together, of a body that rests

/* ---- touch ---- */

bool et__hangs_on(const mjModel *m, int own, int body)
{
    while (own > 0 && own != body)
        own = m->body_parentid[own];
    return own == body;
}

// A body counts with all that hangs on it.
bool et__is_of(const struct et_world *w, int geom, int body)
{
    return et__hangs_on(w->model, w->model->geom_bodyid[geom], body);
}

bool et__is_touching(const struct et_world *w, int body_a, int body_b)
{
    for (int i = 0; i < w->data->ncon; i++) {
        const mjContact *c = &w->data->contact[i];
        if (c->exclude == 0 &&
            ((et__is_of(w, c->geom1, body_a) && et__is_of(w, c->geom2, body_b)) ||
             (et__is_of(w, c->geom1, body_b) && et__is_of(w, c->geom2, body_a))))
            return true;
    }
    return false;
}

bool et__is_held(const struct et_world *w, int body, enum et__side side)
{
    const struct et__hand_ids *hand = &w->hands[side];
    return et__is_touching(w, body, hand->fingers[0]) && et__is_touching(w, body, hand->fingers[1]);
}

static bool is_inside(const struct et_world *w, int body, int site)
{
    double away[3], local[3];
    mju_sub3(away, w->data->xipos + 3 * body, w->data->site_xpos + 3 * site);
    mju_rotVecMatT(local, away, w->data->site_xmat + 9 * site);
    const double *half = w->model->site_size + 3 * site;
    return fabs(local[0]) <= half[0] && fabs(local[1]) <= half[1] && fabs(local[2]) <= half[2];
}

static bool begins(const struct et_world *w, int type, int id, const char *prefix)
{
    const char *name = mj_id2name(w->model, type, id);
    return name && strncmp(name, prefix, strlen(prefix)) == 0;
}

/* ---- one a predicate ---- */

static bool on(const struct et_world *w, const struct et__term *t, const int *ids)
{
    (void)t;
    return et__is_touching(w, ids[0], ids[1]) &&
           w->data->xpos[3 * ids[0] + 2] > w->data->xpos[3 * ids[1] + 2];
}

static bool touching(const struct et_world *w, const struct et__term *t, const int *ids)
{
    (void)t;
    return et__is_touching(w, ids[0], ids[1]);
}

static bool in(const struct et_world *w, const struct et__term *t, const int *ids)
{
    (void)t;
    return is_inside(w, ids[0], ids[1]);
}

static bool compares(const struct et__term *t, double x)
{
    return t->is_less ? x < t->value : x > t->value;
}

static bool joint(const struct et_world *w, const struct et__term *t, const int *ids)
{
    return compares(t, w->data->qpos[w->model->jnt_qposadr[ids[0]]]);
}

static bool height(const struct et_world *w, const struct et__term *t, const int *ids)
{
    return compares(t, w->data->xpos[3 * ids[0] + 2]);
}

static bool upright(const struct et_world *w, const struct et__term *t, const int *ids)
{
    return w->data->xmat[9 * ids[0] + 8] > cos(t->value * mjPI / 180);
}

static bool is_free(const struct et_world *w, const struct et__term *t, const int *ids)
{
    (void)t;
    return !et__is_touching(w, ids[0], w->base);
}

static bool still(const struct et_world *w, const struct et__term *t, const int *ids)
{
    double v[6];
    (void)t;
    mj_objectVelocity(w->model, w->data, mjOBJ_BODY, ids[0], v, 0);
    return mju_norm(v, 6) < STILL_SPEED;
}

static bool held(const struct et_world *w, const struct et__term *t, const int *ids)
{
    return et__is_held(w, ids[0], t->side);
}

static bool near(const struct et_world *w, const struct et__term *t, const int *ids)
{
    return mju_dist3(w->data->site_xpos + 3 * ids[0], w->data->site_xpos + 3 * ids[1]) < t->value;
}

static bool count(const struct et_world *w, const struct et__term *t, const int *ids)
{
    int n = 0;
    for (int i = 1; i < w->model->nbody; i++)
        n += begins(w, mjOBJ_BODY, i, t->names[0].text) && is_inside(w, i, ids[1]);
    return n >= t->value;
}

static bool pressed(const struct et_world *w, const struct et__term *t, const int *ids)
{
    return w->joint_max[ids[0]] > t->value;
}

static bool wiped(const struct et_world *w, const struct et__term *t, const int *ids)
{
    int n = 0;
    (void)ids;
    for (int i = 0; i < w->model->nsite; i++)
        n += w->wiped[i] && begins(w, mjOBJ_SITE, i, t->names[0].text);
    return n >= t->value;
}

bool et__term_holds(const struct et_world *w, const struct et__term *term,
                    const struct et__term_ids *ids)
{
    static bool (*const HOLDS[])(const struct et_world *, const struct et__term *, const int *) = {
        [ET__ON] = on,        [ET__TOUCHING] = touching, [ET__IN] = in,
        [ET__JOINT] = joint,  [ET__HEIGHT] = height,     [ET__UPRIGHT] = upright,
        [ET__FREE] = is_free, [ET__STILL] = still,       [ET__HELD] = held,
        [ET__NEAR] = near,    [ET__COUNT] = count,       [ET__PRESSED] = pressed,
        [ET__WIPED] = wiped,
    };
    static_assert(sizeof HOLDS / sizeof *HOLDS == ET__N_PREDICATES, "one a predicate");
    return HOLDS[term->predicate->kind](w, term, ids->ids) != term->is_negated;
}

bool et__condition_holds(const struct et_world *w, const struct et__condition *condition,
                         const struct et__term_ids *ids)
{
    for (size_t i = 0; i < condition->n_terms; i++)
        if (!et__term_holds(w, &condition->terms[i], &ids[i]))
            return false;
    return true;
}
