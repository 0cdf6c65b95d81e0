/* What disturbs: in the tier of that name something pushes the robot's hands and trunk, and a
 * person walks by; on demand arms do not quite what they are asked for. */
#include "world/world__world.h"

#include <math.h>

#define PUSH_EVERY_S 2.5 // on average
#define PUSH_S 0.25      // half a sine
#define PUSH_LEAST_N 4
#define PUSH_MOST_N 14

#define WALK_M_S 0.9
#define WALK_FROM_M (-2.0) // along x, and back, as far as there is room
#define WALK_TO_M 1.8
#define WALK_AWAY_M 0.95     // to the side
#define WALK_MIDDLE_M (-0.3) // beside the robot, a little behind it
#define STRIDE_M 0.1
#define SHOULDER_M 0.25 // half of a person, and an arm
#define HEAD_M 1.9
#define FOOT_M 0.15 // what is higher stands in the way

#define ASTRAY_S 0.4     // how long it lasts
#define ASTRAY_WRIST 1.5 // the last joints of an arm move a hand least
#define ASTRAY_CLEAN 4   // every so-manieth episode has none

static int passer_by(const struct et_world *w)
{
    return mj_name2id(w->model, mjOBJ_BODY, "passer_by");
}

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

static bool is_free(const struct et_world *w, double x, double y)
{
    static const double DOWN[3] = {0, 0, -1};
    for (int i = -1; i <= 1; i++) {
        const double from[3] = {x, y + i * SHOULDER_M, HEAD_M};
        int geom;
        const double depth = mj_ray(w->model, w->data, from, DOWN, NULL, 1, passer_by(w), &geom);
        if (depth >= 0 && depth < HEAD_M - FOOT_M)
            return false;
    }
    return true;
}

// How far a person can go from beside the robot.
static double walk_until(const struct et_world *w, double way, double end)
{
    double x = WALK_MIDDLE_M;
    while (fabs(x + way * (STRIDE_M + SHOULDER_M)) < fabs(end) &&
           is_free(w, x + way * (STRIDE_M + SHOULDER_M), w->walk_side * WALK_AWAY_M))
        x += way * STRIDE_M;
    return x;
}

// Up and down beside the robot, on the side that chance chose.
static void walk(struct et_world *w)
{
    const int body = passer_by(w);
    const int mocap = body < 0 ? -1 : w->model->body_mocapid[body];
    if (mocap < 0)
        return;
    const double length = fmax(w->walk_to_m - w->walk_from_m, STRIDE_M); // treads from foot to foot
    const double way = fmod(WALK_M_S * w->data->time + w->walk_m, 2 * length);
    const bool is_back = way > length;
    double *position = w->data->mocap_pos + 3 * mocap, *turn = w->data->mocap_quat + 4 * mocap;
    position[0] = w->walk_from_m + (is_back ? 2 * length - way : way);
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
    w->walk_from_m = walk_until(w, -1, WALK_FROM_M);
    w->walk_to_m = walk_until(w, 1, WALK_TO_M);
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

/* ---- carried out otherwise than asked for (DART: Laskey et al. 2017) ---- */

void et__astray_begin(struct et_world *w, uint64_t seed)
{
    et__random_seed(&w->astray_random, seed ^ 0xa57ca7);
    const double share = et__random_even(&w->astray_random, 0, 1);
    w->astray_rad = seed % ASTRAY_CLEAN == 0 ? 0 : share * w->options.disturbance_rad;
    for (size_t i = 0; i < w->robot->n_joints; i++)
        w->astray[i] = 0;
}

// A process of Ornstein and Uhlenbeck for each joint of an arm.
void et__astray_step(struct et_world *w)
{
    const double share = 1e-9 * (double)ET_WORLD_STEP_NS / ASTRAY_S;
    if (!(w->astray_rad > 0))
        return;
    for (size_t side = 0; side < 2; side++) {
        const size_t first = w->robot->hands[side].first_joint, n = w->hands[side].n_joints;
        for (size_t i = 0; i < n; i++) {
            const double much = w->astray_rad * (i >= n / 2 + 1 ? ASTRAY_WRIST : 1);
            w->astray[first + i] += -share * w->astray[first + i] +
                                    much * sqrt(2 * share) * et__random_normal(&w->astray_random);
        }
    }
}
