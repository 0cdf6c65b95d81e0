/* What goes wrong, step by step: it begins when the moment is right, is measured, and ends. */
#include "world/world__trainer.h"

#include <math.h>

#define STEP_S 0.01
#define LEVEL 0.5        // z of the line that fingers close along: below, things slide down
#define SLIP_ROOM_M 0.02 // below a thing, more than it slides
#define SLIDING_S 0.5    // for a thing to slide or to fall out; then it is held for good
#define BRAKING 1.1      // of its last step's way: what a thing slides on, and half a step
#define SETTLING_S 0.2   // to see whether it is held again
#define FALLING_S 1.0
#define ENOUGH 0.5 // of the magnitude: it has come about

#define LONG_WAY_M 0.08 // of a hand that may leave it
#define LATEST 0.85     // share of the way
#define ROOM_LEAST_M 0.01
#define ROOM_MOST_M 0.3
#define BESIDE_M 0.04 // of rays around the hand
#define SLOW_M 0.04   // before the touch
#define FAST_M_S 0.2
#define TOUCH_M_S 0.01    // a harder hit is a quicker one
#define TOUCH_M_S_N 0.001 // m/s for each N
#define BACK_M_S 0.3
#define DEEPEST_M 0.12 // that a hand is asked to go into what it meets
#define MISSED_M 0.03  // behind where it should be: it is not in the way
#define ASTRAY_S 5.0
#define PAST_S 0.4 // without a touch: it has slid off

static double now_s(const struct et_trainer *t)
{
    return 1e-9 * (double)(t->world->n_ticks * ET_WORLD_TICK_NS);
}

static bool has_hand(const struct et__mishap *m, int side)
{
    return m->hands >> side & 1U;
}

static bool is_resting(const struct et_trainer *t)
{
    return t->is_done || t->pause_s > 0;
}

static void begin(struct et_trainer *t, struct et__mishap *m)
{
    static const char *const HANDS[] = {NULL, "left", "right", "both"};
    m->stage = ET__UNDER_WAY;
    m->begin_s = now_s(t);
    m->height_m = m->body < 0 ? 0 : t->world->data->subtree_com[3 * m->body + 2];
    m->told.was_tried = true;
    m->told.from_s = m->told.to_s = m->begin_s;
    m->told.hand = HANDS[m->hands & 3U];
    m->told.object = m->body < 0 ? NULL : mj_id2name(t->world->model, mjOBJ_BODY, m->body);
}

static void come_to(struct et__mishap *m, bool has_happened, const char *result)
{
    m->told.has_happened = has_happened;
    m->told.result = result;
}

static bool is_held_by_any(const struct et_trainer *t, const struct et__mishap *m)
{
    for (int side = ET__LEFT; side <= ET__RIGHT; side++)
        if (has_hand(m, side) && et__is_held(t->world, m->body, (enum et__side)side))
            return true;
    return false;
}

static bool is_touched_by_any(const struct et_trainer *t, const struct et__mishap *m)
{
    for (int side = ET__LEFT; side <= ET__RIGHT; side++)
        if (has_hand(m, side) && et__is_touching(t->world, m->body, t->world->hands[side].palm))
            return true;
    return false;
}

/* ---- a grasp that misses ---- */

static void step_missed(struct et_trainer *t, struct et__mishap *m)
{
    const struct et_world *w = t->world;
    if (m->stage == ET__ENDING)
        m->told.to_s = now_s(t);
    if (m->stage != ET__UNDER_WAY || t->state.i_phase != m->i_phase || is_resting(t))
        return;
    const enum et__side side = has_hand(m, ET__RIGHT) ? ET__RIGHT : ET__LEFT;
    const struct et_vec3 wanted =
        m->site < 0 ? m->at : et_vec3_add(et__site_pose(w->data, m->site).position, m->at);
    const struct et_vec3 hand = et__site_pose(w->data, w->hands[side].tcp).position;
    begin(t, m);
    m->told.reached = et_vec3_dot(et_vec3_sub(hand, wanted), m->way);
    come_to(m, false, "held");
    m->stage = ET__ENDING;
}

void et__mishap_phase_over(struct et_trainer *t, bool has_missed)
{
    struct et__mishap *m = &t->mishaps[ET_MISHAP_MISSED_GRASP];
    if (m->stage != ET__ENDING || t->state.i_phase != m->i_phase)
        return;
    const bool is_held = is_held_by_any(t, m);
    m->stage = ET__OVER;
    m->told.to_s = now_s(t);
    come_to(m, has_missed && !is_held, is_held ? "held" : "missed");
}

/* ---- what is carried is lost ---- */

static bool is_moving(const struct et_trainer *t, int side)
{
    const struct et__arm *arm = &t->arms[side];
    return arm->mode != ET__STAY && arm->t_s > 0 && arm->t_s < arm->duration_s;
}

// Held in level hands that move, and in the air.
static bool is_carried(const struct et_trainer *t, int side, int body, double room_m)
{
    const struct et_world *w = t->world;
    const double tilt = w->data->site_xmat[9 * w->hands[side].tcp + 7];
    return et__mishap_can_fall(t, body) && is_moving(t, side) && fabs(tilt) < LEVEL &&
           !w->is_slippery[side] && et__is_held(w, body, (enum et__side)side) &&
           !et__probe_stands(w, body) && et__probe_height(w, body) >= room_m;
}

// Whether the moment is right: then whose hands, and what is in them.
static bool take_moment(struct et_trainer *t, struct et__mishap *m, double room_m)
{
    unsigned hands = 0;
    int body = -1;
    for (int side = ET__LEFT; side <= ET__RIGHT && !is_resting(t); side++) {
        const int carried = et__mishap_carried(t, t->state.i_phase, (enum et__side)side);
        if (t->state.i_phase <= m->i_phase || (hands && carried != body) ||
            !is_carried(t, side, carried, room_m))
            continue;
        body = carried;
        hands |= 1U << side;
    }
    m->wait_s -= hands ? STEP_S : 0;
    if (!hands || m->wait_s > 0)
        return false;
    m->hands = hands;
    m->body = body;
    return true;
}

static void lose_hold(struct et_trainer *t, const struct et__mishap *m, bool is_slippery)
{
    for (int side = ET__LEFT; side <= ET__RIGHT; side++)
        if (has_hand(m, side))
            et__hand_slippery(t->world, (enum et__side)side, is_slippery);
}

// Where the body's middle is, seen from the (first) hand.
static struct et_vec3 in_hand(const struct et_trainer *t, const struct et__mishap *m)
{
    const struct et_world *w = t->world;
    const double *com = w->data->subtree_com + 3 * m->body;
    const struct et_pose hand =
        et__site_pose(w->data, w->hands[has_hand(m, ET__LEFT) ? ET__LEFT : ET__RIGHT].tcp);
    return et_quat_rotate(et_quat_conj(hand.rotation),
                          et_vec3_sub((struct et_vec3){com[0], com[1], com[2]}, hand.position));
}

static void step_slip(struct et_trainer *t, struct et__mishap *m)
{
    if (m->stage == ET__WAITING && take_moment(t, m, m->magnitude + SLIP_ROOM_M)) {
        begin(t, m);
        m->at = in_hand(t, m);
        lose_hold(t, m, true);
        return;
    }
    if (m->stage != ET__UNDER_WAY && m->stage != ET__ENDING)
        return;
    const double slid = et_vec3_norm(et_vec3_sub(in_hand(t, m), m->at));
    const double step = slid - m->told.reached;
    const bool is_held = is_held_by_any(t, m);
    if (is_held)
        m->told.reached = slid;
    m->told.to_s = m->stage == ET__UNDER_WAY ? now_s(t) : m->told.to_s;
    come_to(m, is_held && slid >= ENOUGH * m->magnitude,
            !is_held                        ? "lost"
            : slid >= ENOUGH * m->magnitude ? "slid"
                                            : "held");
    const double lasts_s = now_s(t) - m->begin_s;
    if (m->stage == ET__UNDER_WAY &&
        (slid + BRAKING * step >= m->magnitude || lasts_s > SLIDING_S)) {
        lose_hold(t, m, false);
        m->stage = ET__ENDING;
        m->begin_s = now_s(t);
    } else if (m->stage == ET__ENDING && lasts_s > SETTLING_S) {
        m->stage = ET__OVER;
    }
}

static void step_drop(struct et_trainer *t, struct et__mishap *m)
{
    if (m->stage == ET__WAITING && take_moment(t, m, m->magnitude)) {
        begin(t, m);
        come_to(m, false, "held");
        lose_hold(t, m, true);
        return;
    }
    const double lasts_s = now_s(t) - m->begin_s;
    const double fell =
        m->body < 0 ? 0 : m->height_m - t->world->data->subtree_com[3 * m->body + 2];
    if (m->stage == ET__UNDER_WAY) {
        const bool is_lost = !is_touched_by_any(t, m);
        if (!is_lost && lasts_s < SLIDING_S)
            return;
        lose_hold(t, m, false);
        m->stage = is_lost ? ET__ENDING : ET__OVER;
        m->told.to_s = now_s(t);
    } else if (m->stage == ET__ENDING) {
        m->told.to_s = now_s(t);
        m->told.reached = fmax(m->told.reached, fell);
        come_to(m, m->told.reached >= ENOUGH * m->magnitude, "fell");
        if (et__probe_stands(t->world, m->body) || lasts_s > FALLING_S)
            m->stage = ET__OVER;
    }
}

/* ---- a hand that opens too early ---- */

// The hands that shall open next, once one of them is so near.
static bool take_release(struct et_trainer *t, struct et__mishap *m)
{
    const size_t i_way = m->i_phase - 1;
    bool is_near = false;
    m->hands = 0;
    for (int k = ET__LEFT; k <= ET__RIGHT && !is_resting(t) && t->state.i_phase == i_way; k++) {
        const enum et__side side = (enum et__side)k;
        const struct et__arm *arm = &t->arms[k];
        const int body = et__mishap_carried(t, i_way, side);
        if (!et__mishap_opens(t, m->i_phase, side) || !et__mishap_can_fall(t, body) ||
            (m->hands && body != m->body) || !is_moving(t, k) || !et__is_held(t->world, body, side))
            continue;
        is_near = is_near || arm->duration_s - arm->t_s <= m->magnitude;
        m->body = body;
        m->hands |= 1U << k;
    }
    return is_near;
}

static void step_early(struct et_trainer *t, struct et__mishap *m)
{
    if (m->stage == ET__WAITING && take_release(t, m)) {
        begin(t, m);
        come_to(m, false, "held");
        for (int k = ET__LEFT; k <= ET__RIGHT; k++)
            if (has_hand(m, k))
                et__grip_begin(t, (enum et__side)k,
                               et__mishap_opens(t, m->i_phase, (enum et__side)k));
        return;
    }
    if (m->stage != ET__UNDER_WAY && m->stage != ET__ENDING)
        return;
    const int first = has_hand(m, ET__LEFT) ? ET__LEFT : ET__RIGHT;
    m->told.to_s = now_s(t);
    if (m->stage == ET__UNDER_WAY) {
        const bool is_held = is_held_by_any(t, m);
        m->told.reached = m->told.to_s - m->told.from_s;
        if (!is_held)
            come_to(m, m->told.reached >= ENOUGH * m->magnitude, "let go");
        if (t->state.i_phase + 1 != m->i_phase || !is_moving(t, first))
            m->stage = is_held ? ET__OVER : ET__ENDING;
    } else if (et__probe_stands(t->world, m->body) ||
               m->told.to_s - m->begin_s > m->told.reached + FALLING_S) {
        m->stage = ET__OVER;
    }
}

/* ---- a hand that hits something ---- */

static bool is_furniture(const struct et_world *w, int geom)
{
    const mjModel *m = w->model;
    return !et__is_loose(m, m->body_rootid[m->geom_bodyid[geom]]);
}

// The room before a hand along an axis, as rays from it and around it see; −1: something loose
// stands there, or nothing does.
static double find_room(const struct et_world *w, enum et__side side, size_t axis,
                        const double way[3])
{
    const double *at = w->data->site_xpos + 3 * w->hands[side].tcp;
    double least = mjMAXVAL;
    for (size_t i = 0; i < 5; i++) {
        double from[3];
        int geom;
        mju_copy3(from, at);
        from[(axis + 1 + i % 2) % 3] += i == 4 ? 0 : i < 2 ? BESIDE_M : -BESIDE_M;
        const double ray = et__probe_ray(w, from, way, -1, &geom);
        if (ray >= 0 && !is_furniture(w, geom))
            return -1;
        least = ray >= 0 ? fmin(least, ray) : least;
    }
    const double hand = et__probe_extent(w, w->hands[side].palm, way) - mju_dot3(at, way);
    return least < mjMAXVAL ? least - hand : -1;
}

// The nearest furniture, along an axis of the room.
static bool find_obstacle(const struct et_world *w, enum et__side side, struct et__mishap *m)
{
    m->room_m = ROOM_MOST_M;
    for (size_t i = 0; i < 6; i++) {
        double way[3] = {0};
        way[i / 2] = i % 2 ? 1 : -1;
        const double room = find_room(w, side, i / 2, way);
        if (room < ROOM_LEAST_M || room >= m->room_m)
            continue;
        m->room_m = room;
        m->way = (struct et_vec3){way[0], way[1], way[2]};
    }
    return m->room_m < ROOM_MOST_M;
}

static bool take_way(struct et_trainer *t, struct et__mishap *m)
{
    for (int k = ET__LEFT; k <= ET__RIGHT && !is_resting(t); k++) {
        const struct et__arm *arm = &t->arms[k];
        const double share = arm->t_s / arm->duration_s;
        const double length = et_vec3_norm(et_vec3_sub(arm->to.position, arm->from.position));
        if (t->state.i_phase < m->i_phase || !is_moving(t, k) || arm->mode != ET__TO_POSE ||
            arm->push_n > 0 || length < LONG_WAY_M || share < m->wait_s || share > LATEST ||
            et__mishap_carried(t, t->state.i_phase, (enum et__side)k) >= 0 ||
            !find_obstacle(t->world, (enum et__side)k, m))
            continue;
        m->hands = 1U << k;
        return true;
    }
    return false;
}

static void lead(struct et__arm *arm, const struct et__mishap *m)
{
    const struct et_vec3 v = et_vec3_scale(m->way, m->out_m);
    arm->astray[0] = v.x;
    arm->astray[1] = v.y;
    arm->astray[2] = v.z;
}

// From the first touch to the last.
static void measure_hit(struct et_trainer *t, struct et__mishap *m)
{
    const struct et__contact *hit = &t->world->hit;
    if (hit->force_n <= 0) {
        if (m->told.reached <= 0)
            m->told.to_s = now_s(t);
        return;
    }
    if (m->told.reached <= 0) {
        m->told.from_s = now_s(t);
        m->room_m = m->out_m; // it is here
    }
    m->told.to_s = now_s(t);
    if (hit->force_n <= m->told.reached)
        return;
    m->told.reached = hit->force_n;
    m->told.object = mj_id2name(t->world->model, mjOBJ_BODY, hit->body);
    come_to(m, hit->force_n >= ENOUGH * m->magnitude, "hit");
}

static bool is_hit_enough(const struct et_trainer *t, const struct et__mishap *m)
{
    const double hit = t->world->hit.force_n;
    const bool is_past = m->told.reached > 0 && now_s(t) - m->told.to_s > PAST_S;
    const double most_m = m->room_m + (m->told.reached > 0 ? DEEPEST_M : MISSED_M);
    return hit >= m->magnitude || is_past || m->out_m > most_m || now_s(t) - m->begin_s > ASTRAY_S;
}

static void step_collision(struct et_trainer *t, struct et__mishap *m)
{
    if (m->stage == ET__WAITING && take_way(t, m)) {
        begin(t, m);
        come_to(m, false, "clear");
        const enum et__side side = has_hand(m, ET__LEFT) ? ET__LEFT : ET__RIGHT;
        t->arms[side].is_astray = true;
        t->world->watched = et__arm_body(t->world, side);
        return;
    }
    if (m->stage != ET__UNDER_WAY && m->stage != ET__ENDING)
        return;
    struct et__arm *arm = &t->arms[has_hand(m, ET__LEFT) ? ET__LEFT : ET__RIGHT];
    measure_hit(t, m);
    if (m->stage == ET__UNDER_WAY) {
        const bool is_near = m->out_m > m->room_m - SLOW_M;
        const double touch_m_s = TOUCH_M_S + TOUCH_M_S_N * m->magnitude;
        m->out_m += STEP_S * (is_near ? fmin(touch_m_s, FAST_M_S) : FAST_M_S);
        m->stage = is_hit_enough(t, m) ? ET__ENDING : ET__UNDER_WAY;
    } else {
        m->out_m = fmax(0, m->out_m - STEP_S * BACK_M_S);
    }
    lead(arm, m);
    if (m->stage != ET__ENDING || m->out_m > 0)
        return;
    arm->is_astray = false;
    t->world->watched = -1;
    m->stage = ET__OVER;
}

/* ---- all ---- */

void et__mishap_step(struct et_trainer *t)
{
    static void (*const STEPS[ET_N_MISHAPS])(struct et_trainer *, struct et__mishap *) = {
        [ET_MISHAP_MISSED_GRASP] = step_missed, [ET_MISHAP_SLIP] = step_slip,
        [ET_MISHAP_DROP] = step_drop,           [ET_MISHAP_EARLY_RELEASE] = step_early,
        [ET_MISHAP_COLLISION] = step_collision,
    };
    for (size_t i = 0; i < ET_N_MISHAPS; i++)
        if (t->mishaps[i].is_planned)
            STEPS[i](t, &t->mishaps[i]);
}
