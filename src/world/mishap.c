/* What shall go wrong: whether a skill gives occasion, where in the episode, and where a hand goes
 * that shall miss. What comes of it is measured, never assumed. */
#include "world/world__trainer.h"

#include <math.h>
#include <string.h>

#define WAIT_MOST_S 0.3
#define SHARE_LEAST 0.3 // of a way, at which a hand leaves it
#define SHARE_MOST 0.6
#define DOWN (-0.3) // z of a direction that leads into the table

/* ---- what the file has ---- */

static bool is_sides(const struct et__action *a, enum et__side side)
{
    return a->verb == ET__CARRY || a->side == side || a->side == ET__BOTH;
}

static const struct et__action *find_action(const struct et_trainer *t, size_t i_phase,
                                            enum et__side side, bool is_grip)
{
    const struct et__phase *phase = &t->world->skill->script->phases[i_phase];
    for (size_t i = 0; i < phase->n_actions; i++) {
        const struct et__action *a = &phase->actions[i];
        if (a->verb != ET__POSTURE && a->verb != ET__HOLD && (a->verb == ET__GRIP) == is_grip &&
            is_sides(a, side))
            return a;
    }
    return NULL;
}

bool et__mishap_has_way(const struct et_trainer *t, size_t i_phase, enum et__side side)
{
    return find_action(t, i_phase, side, false) != NULL;
}

const struct et__action *et__mishap_opens(const struct et_trainer *t, size_t i_phase,
                                          enum et__side side)
{
    const struct et__action *grip = find_action(t, i_phase, side, true);
    return grip && !(grip->value < 0) ? grip : NULL;
}

int et__mishap_grasped(const struct et_trainer *t, size_t i_phase, enum et__side side)
{
    const struct et__phase *phase = &t->world->skill->script->phases[i_phase];
    const struct et__action *grip = find_action(t, i_phase, side, true);
    for (size_t i = 0; grip && grip->value < 0 && i < phase->until.n_terms; i++) {
        const struct et__term *term = &phase->until.terms[i];
        if (term->predicate->kind == ET__HELD && !term->is_negated && term->side == side)
            return t->phases[i_phase].until[i].ids[0];
    }
    return -1;
}

int et__mishap_carried(const struct et_trainer *t, size_t i_phase, enum et__side side)
{
    if (find_action(t, i_phase, side, true))
        return -1;
    for (size_t i = i_phase; i-- > 0;)
        if (find_action(t, i, side, true))
            return et__mishap_grasped(t, i, side);
    return -1;
}

bool et__mishap_can_fall(const struct et_trainer *t, int body)
{
    const mjModel *m = t->world->model;
    return body >= 0 && et__is_loose(m, m->body_rootid[body]);
}

/* ---- occasions ---- */

// The phase whose way leads to the grasp; false: none does.
static bool find_approach(const struct et_trainer *t, size_t i_grasp, enum et__side side, size_t *i)
{
    for (*i = i_grasp; (*i)-- > 0;) {
        const struct et__action *way = find_action(t, *i, side, false);
        if (way)
            return way->verb == ET__MOVE;
    }
    return false;
}

static bool is_carried_on(const struct et_trainer *t, size_t i_grasp, enum et__side side)
{
    if (!et__mishap_can_fall(t, et__mishap_grasped(t, i_grasp, side)))
        return false;
    for (size_t i = i_grasp + 1; i < t->world->skill->n_phases; i++) {
        if (et__mishap_carried(t, i, side) < 0)
            return false;
        if (et__mishap_has_way(t, i, side))
            return true;
    }
    return false;
}

// A hand opens where it has just gone, and no other has the thing.
static bool is_release(const struct et_trainer *t, size_t i, enum et__side side)
{
    if (i == 0 || !et__mishap_opens(t, i, side) || !et__mishap_has_way(t, i - 1, side))
        return false;
    const int body = et__mishap_carried(t, i - 1, side);
    const enum et__side other = side == ET__LEFT ? ET__RIGHT : ET__LEFT;
    return et__mishap_can_fall(t, body) && et__mishap_carried(t, i, other) != body;
}

static bool is_free_way(const struct et_trainer *t, size_t i, enum et__side side)
{
    const struct et__action *way = find_action(t, i, side, false);
    return way && way->verb == ET__MOVE && et__mishap_carried(t, i, side) < 0;
}

static bool is_occasion(const struct et_trainer *t, enum et_mishap what, size_t i,
                        enum et__side side)
{
    size_t i_approach;
    switch (what) {
    case ET_MISHAP_MISSED_GRASP:
        return et__mishap_grasped(t, i, side) >= 0 && !et__mishap_has_way(t, i, side) &&
               find_approach(t, i, side, &i_approach);
    case ET_MISHAP_SLIP:
    case ET_MISHAP_DROP:
        return is_carried_on(t, i, side);
    case ET_MISHAP_EARLY_RELEASE:
        return is_release(t, i, side);
    case ET_MISHAP_COLLISION:
        return is_free_way(t, i, side);
    case ET_N_MISHAPS:
        break;
    }
    return false;
}

// How many there are; where the one of that number is.
static size_t find_occasion(const struct et_trainer *t, enum et_mishap what, size_t number,
                            size_t *i_phase, enum et__side *side)
{
    size_t n = 0;
    for (size_t i = 0; i < t->world->skill->n_phases; i++)
        for (int k = ET__LEFT; k <= ET__RIGHT; k++)
            if (is_occasion(t, what, i, (enum et__side)k) && n++ == number) {
                *i_phase = i;
                *side = (enum et__side)k;
            }
    return n;
}

/* ---- planning ---- */

static enum et_status plan_one(struct et_trainer *t, const struct et_trainer_mishap *mishap,
                               struct et_err *err)
{
    static const char *const NEEDED[ET_N_MISHAPS] = {
        [ET_MISHAP_MISSED_GRASP] = "no hand goes anywhere to grasp",
        [ET_MISHAP_SLIP] = "no hand carries anything",
        [ET_MISHAP_DROP] = "no hand carries anything",
        [ET_MISHAP_EARLY_RELEASE] = "no hand puts anything down",
        [ET_MISHAP_COLLISION] = "no hand goes anywhere with nothing in it",
    };
    size_t i_phase;
    enum et__side side;
    if ((unsigned)mishap->what >= ET_N_MISHAPS || t->mishaps[mishap->what].is_planned)
        return et_fail(err, ET_EARG, -1, "no mishap, or the same twice");
    if (!(isfinite(mishap->magnitude) && mishap->magnitude > 0))
        return et_fail(err, ET_EARG, -1, "the magnitude of a mishap is above 0");
    if (find_occasion(t, mishap->what, 0, &i_phase, &side) == 0)
        return et_fail(err, ET_EUNSUPPORTED, -1, "in %.60s %s", t->world->skill->id,
                       NEEDED[mishap->what]);
    t->mishaps[mishap->what] =
        (struct et__mishap){.is_planned = true, .magnitude = mishap->magnitude, .body = -1};
    return ET_OK;
}

enum et_status et_trainer_plan(struct et_trainer *t, const struct et_trainer_mishap *mishaps,
                               size_t n, struct et_err *err)
{
    memset(t->mishaps, 0, sizeof t->mishaps);
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = plan_one(t, &mishaps[i], err);
    if (st != ET_OK)
        memset(t->mishaps, 0, sizeof t->mishaps);
    return st;
}

void et__mishap_begin(struct et_trainer *t, uint64_t seed)
{
    for (size_t i = 0; i < ET_N_MISHAPS; i++) {
        const enum et_mishap what = (enum et_mishap)i;
        struct et__mishap *m = &t->mishaps[i];
        struct et__random random; // of its own: everything else stays as it is without it
        enum et__side side = ET__LEFT;
        if (!m->is_planned)
            continue;
        *m = (struct et__mishap){.is_planned = true, .magnitude = m->magnitude, .body = -1};
        et__random_seed(&random, seed ^ (0x0b5 + i));
        size_t n = find_occasion(t, what, SIZE_MAX, &m->i_phase, &side);
        if (what == ET_MISHAP_COLLISION)
            n = (n + 1) / 2; // early: not every way has something beside it
        (void)find_occasion(t, what, (size_t)et__random_even(&random, 0, (double)n), &m->i_phase,
                            &side);
        m->hands = 1U << side;
        m->wait_s = what == ET_MISHAP_COLLISION ? et__random_even(&random, SHARE_LEAST, SHARE_MOST)
                                                : et__random_even(&random, 0, WAIT_MOST_S);
    }
    t->world->watched = -1;
    for (int side = ET__LEFT; side <= ET__RIGHT; side++)
        et__hand_slippery(t->world, (enum et__side)side, false);
}

struct et_trainer_mishap_state et_trainer_mishap_state(const struct et_trainer *t,
                                                       enum et_mishap what)
{
    return (unsigned)what < ET_N_MISHAPS ? t->mishaps[what].told
                                         : (struct et_trainer_mishap_state){0};
}

/* ---- beside the thing ---- */

static void put(double to[3], struct et_vec3 v)
{
    to[0] = v.x;
    to[1] = v.y;
    to[2] = v.z;
}

// How far the fingers reach from the point between them against a direction of the hand.
static double finger_m(const struct et_world *w, enum et__side side, struct et_vec3 own)
{
    const struct et_pose hand = et__site_pose(w->data, w->hands[side].tcp);
    const struct et_vec3 back = et_vec3_scale(et_quat_rotate(hand.rotation, own), -1);
    double v[3], most = 0;
    put(v, back);
    for (size_t i = 0; i < 2; i++)
        most = fmax(most, et__probe_extent(w, w->hands[side].fingers[i], v) -
                              et_vec3_dot(hand.position, back));
    return most;
}

/* Before it, or to a side of the plane the fingers close in: wherever the hand must go least to be
 * off the thing. */
void et__mishap_aim(struct et_trainer *t, enum et__side side, int site, struct et_pose *goal)
{
    static const struct et_vec3 OWN[] = {{1, 0, 0}, {-1, 0, 0}, {0, 0, -1}};
    const struct et_world *w = t->world;
    struct et__mishap *m = &t->mishaps[ET_MISHAP_MISSED_GRASP];
    size_t i_approach;
    if (!m->is_planned || m->stage != ET__WAITING || m->hands != 1U << side ||
        !find_approach(t, m->i_phase, side, &i_approach) || i_approach != t->state.i_phase)
        return;
    double least = mjMAXVAL;
    m->body = et__mishap_grasped(t, m->i_phase, side);
    for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++) {
        const struct et_vec3 way = et_quat_rotate(goal->rotation, OWN[i]);
        double v[3];
        put(v, way);
        const double far = et__probe_extent(w, m->body, v) - et_vec3_dot(goal->position, way) +
                           finger_m(w, side, OWN[i]);
        if (way.z >= DOWN && far < least) {
            least = far;
            m->way = way;
        }
    }
    m->stage = ET__UNDER_WAY;
    m->site = site;
    m->at = site < 0 ? goal->position
                     : et_vec3_sub(goal->position, et__site_pose(w->data, site).position);
    goal->position = et_vec3_add(goal->position, et_vec3_scale(m->way, m->magnitude));
}
