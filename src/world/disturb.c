/* The tier `disturbed`: something pushes the robot's hands and trunk, and a person walks by. */
#include "world/world__world.h"

#include <math.h>

#define PUSH_EVERY_S 2.5 // on average
#define PUSH_S 0.25      // half a sine
#define PUSH_LEAST_N 4
#define PUSH_MOST_N 14

#define WALK_M_S 0.9
#define WALK_FROM_M (-2.0) // along x, and back
#define WALK_TO_M 1.8
#define WALK_AWAY_M 0.95 // to the side, where no table is

static int pushed_body(struct et_world *w)
{
    const double which = et__random_even(&w->random, 0, 3);
    return which < 1   ? w->hands[ET__LEFT].palm
           : which < 2 ? w->hands[ET__RIGHT].palm
                       : w->model->body_parentid[et__arm_body(w, ET__LEFT)]; // the trunk
}

static void begin_push(struct et_world *w)
{
    struct et__push *push = &w->push;
    push->body = pushed_body(w);
    push->begin_s = w->data->time;
    const double force = et__random_even(&w->random, PUSH_LEAST_N, PUSH_MOST_N);
    double way[3];
    for (size_t i = 0; i < 3; i++)
        way[i] = et__random_normal(&w->random);
    mju_normalize3(way);
    mju_scl3(push->force, way, force);
}

// Up and down beside the robot, on the side that chance chose.
static void walk(struct et_world *w)
{
    const int body = mj_name2id(w->model, mjOBJ_BODY, "passer_by");
    const int mocap = body < 0 ? -1 : w->model->body_mocapid[body];
    if (mocap < 0)
        return;
    const double length = WALK_TO_M - WALK_FROM_M;
    const double way = fmod(WALK_M_S * w->data->time + w->walk_m, 2 * length);
    const bool is_back = way > length;
    double *position = w->data->mocap_pos + 3 * mocap, *turn = w->data->mocap_quat + 4 * mocap;
    position[0] = WALK_FROM_M + (is_back ? 2 * length - way : way);
    position[1] = w->walk_side * WALK_AWAY_M;
    position[2] = 0;
    turn[0] = is_back ? 0 : 1;
    turn[1] = turn[2] = 0;
    turn[3] = is_back ? 1 : 0;
}

void et__disturb_begin(struct et_world *w)
{
    w->push = (struct et__push){.body = -1};
    if (w->tier < ET_TIER_DISTURBED)
        return;
    w->walk_side = et__random_even(&w->random, 0, 1) < 0.5 ? -1 : 1;
    w->walk_m = et__random_even(&w->random, 0, 2 * (WALK_TO_M - WALK_FROM_M));
    walk(w);
}

static void push_on(struct et_world *w)
{
    struct et__push *push = &w->push;
    if (push->body < 0) {
        const double step_s = 1e-9 * (double)ET_WORLD_STEP_NS;
        if (et__random_even(&w->random, 0, 1) < step_s / PUSH_EVERY_S)
            begin_push(w);
        return;
    }
    const double share = (w->data->time - push->begin_s) / PUSH_S;
    double *applied = w->data->xfrc_applied + 6 * push->body;
    mju_scl3(applied, push->force, share < 1 ? mju_sin(mjPI * share) : 0);
    if (share >= 1)
        push->body = -1;
}

void et__disturb(struct et_world *w)
{
    if (w->tier < ET_TIER_DISTURBED)
        return;
    walk(w);
    push_on(w);
}
