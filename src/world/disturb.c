/* The tier `disturbed`: something pushes the robot's hands, trunk and the things it works with. */
#include "world/world__world.h"

#define PUSH_EVERY_S 2.5 // on average
#define PUSH_S 0.25      // half a sine
#define PUSH_LEAST_N 4
#define PUSH_MOST_N 14

static int pushed_body(struct et_world *w)
{
    const double which = et__random_even(&w->random, 0, 3);
    return which < 1   ? w->hands[ET__LEFT].palm
           : which < 2 ? w->hands[ET__RIGHT].palm
                       : w->model->body_parentid[w->hands[ET__LEFT].palm];
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

void et__disturb_begin(struct et_world *w)
{
    w->push = (struct et__push){.body = -1};
}

void et__disturb(struct et_world *w)
{
    struct et__push *push = &w->push;
    if (w->tier < ET_TIER_DISTURBED)
        return;
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
