/* From moments to numbers, and from numbers to joints. */
#include "learn/learn__recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POSE_VALUES 9      // position, x axis, z axis
#define TOUCHED_N 0.1F     // what counts as touch
#define REFINE_STEPS 3     // of inverse kinematics
#define FLOOR 0.02         // rad, m: sensors and hands are no better
#define FLOOR_HAND_M 0.004 // of openings
#define UPRIGHT 6          // numbers of a thing: position and z axis
#define TURNED 9           // and x axis

/* ---- making ---- */

/* Whether names i … are a pose of one thing: "cup.x", "cup.y" … */
static size_t pose_at(const struct et__recipe *r, size_t i)
{
    static const char *const AXES[TURNED] = {"x", "y", "z", "zx", "zy", "zz", "xx", "xy", "xz"};
    const char *dot = r->scene[i] ? strrchr(r->scene[i], '.') : NULL;
    const size_t n_thing = dot ? (size_t)(dot - r->scene[i]) + 1 : 0;
    size_t n = 0;
    while (dot && n < TURNED && i + n < r->n_scene && r->scene[i + n] &&
           strncmp(r->scene[i + n], r->scene[i], n_thing) == 0 &&
           strcmp(r->scene[i + n] + n_thing, AXES[n]) == 0)
        n++;
    return n == TURNED ? TURNED : n >= UPRIGHT ? UPRIGHT : 0;
}

static void find_things(struct et__recipe *r)
{
    for (size_t i = 0; i < r->n_scene;) {
        const size_t n = pose_at(r, i);
        r->things[r->n_things++] =
            (struct et__recipe_thing){.at = i, .is_pose = n > 0, .is_turned = n == TURNED};
        i += n ? n : 1;
    }
}

static size_t n_of_thing(const struct et__recipe *r, const struct et__recipe_thing *thing)
{
    const size_t n = !thing->is_pose ? 1 : thing->is_turned ? TURNED : UPRIGHT;
    return thing->is_pose && r->knows_hands ? 3 * n : n;
}

enum et_status et__recipe_make(struct et__recipe *r, struct et_arena *arena, struct et_err *err)
{
    r->things = et_arena_array(arena, r->n_scene, sizeof *r->things);
    if (!r->things)
        return et_arena_fail(arena, "a policy's inputs", err);
    r->n_things = r->n_touch = r->n_around = 0;
    r->phase_at = r->time_at = SIZE_MAX;
    find_things(r);
    for (size_t i = 0; i < r->n_touches; i++)
        r->n_touch += r->touches[i].n;
    r->n_own = r->n_joints * ((r->sees_command ? 2 : 1) + r->n_history) + r->n_touch;
    r->n_own += r->knows_hands ? 2 * POSE_VALUES : 0;
    if (r->knows_phase) {
        r->time_at = r->n_own;
        r->phase_at = r->n_own + 1;
        r->n_own += 1 + r->n_phases;
    }
    r->n_own += r->n_tasks > 1 ? r->n_tasks : 0;
    r->n_own += r->n_robots > 1 ? r->n_robots : 0;
    for (size_t i = 0; i < r->n_things; i++)
        r->n_around += n_of_thing(r, &r->things[i]);
    r->n_in = r->n_own + r->n_around;
    r->n_out =
        r->n_joints + (r->knows_hands ? 2 * POSE_VALUES : 0) + (r->knows_phase ? r->n_phases : 0);
    return ET_OK;
}

/* ---- bodies ---- */

static size_t joints_of(const struct et__recipe *r, size_t i_robot)
{
    const bool has_places = i_robot < r->n_robots && r->robots[i_robot].places;
    return has_places ? r->robots[i_robot].n_joints : r->n_joints;
}

/* Where joint i of a robot is among the recipe's. */
static size_t place_of(const struct et__recipe *r, size_t i_robot, size_t i)
{
    const bool has_places = i_robot < r->n_robots && r->robots[i_robot].places;
    return has_places ? r->robots[i_robot].places[i] : i;
}

/* Finds the arms' joints among the robot's; false: they are not the same. */
static bool find_joints(const struct et__recipe *r, struct et__body *body)
{
    const struct et_world_joint *joints = et_world_arms_joints(body->arms, &body->n_joints);
    const size_t n = joints_of(r, body->i_robot);
    if (body->n_joints != n || n > ET__RECIPE_JOINTS_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0, place = 0;
        for (; k < n; k++) {
            place = place_of(r, body->i_robot, k);
            if (r->joints[place] && strcmp(r->joints[place], joints[i].name) == 0)
                break;
        }
        if (k == n)
            return false;
        body->places[i] = place;
    }
    return true;
}

enum et_status et__body_open(struct et__body *body, const struct et__recipe *r, size_t i_robot,
                             struct et_err *err)
{
    *body = (struct et__body){.i_robot = i_robot};
    if (!r->knows_hands)
        return ET_OK;
    const char *id = i_robot < r->n_robots ? r->robots[i_robot].id : NULL;
    if (!id)
        return et_fail(err, ET_EARG, -1, "nobody says whose hands: knows_hands needs a robot");
    const enum et_status st = et_world_arms_open_robot(&body->arms, id, err);
    if (st != ET_OK || find_joints(r, body))
        return st;
    et__body_close(body);
    return et_fail(err, ET_EARG, -1, "its joints are not those of %.60s", id);
}

void et__body_close(struct et__body *body)
{
    et_world_arms_close(body->arms);
    body->arms = NULL;
}

void et__recipe_size(struct et__recipe_pictures *p, int width_px, int shift_px)
{
    const bool is_larger = p->width_px > width_px;
    p->scaled_width_px = is_larger ? width_px : p->width_px;
    p->scaled_height_px =
        is_larger ? (int)lround((double)p->height_px * width_px / p->width_px) : p->height_px;
    p->scaled_height_px = p->scaled_height_px < 1 ? 1 : p->scaled_height_px;
    const int shift_x = 2 * shift_px < p->scaled_width_px ? 2 * shift_px : 0;
    const int shift_y = 2 * shift_px < p->scaled_height_px ? 2 * shift_px : 0;
    p->seen_width_px = p->scaled_width_px - shift_x;
    p->seen_height_px = p->scaled_height_px - shift_y;
}

/* ---- poses ---- */

struct frame {
    double origin[3], turn[9]; // row-major
};

/* The arms' own of the recipe's joints; false: one is not there. */
static bool own_joints(const struct et__body *body, const float *from, double *own)
{
    bool are_there = true;
    for (size_t i = 0; i < body->n_joints; i++) {
        own[i] = (double)from[body->places[i]];
        are_there = are_there && !isnan(own[i]);
    }
    return are_there;
}

static struct frame frame_of(const struct et__body *body, const float *joints, enum et_side side)
{
    double own[ET__RECIPE_JOINTS_MAX];
    struct frame f;
    if (!own_joints(body, joints, own)) {
        for (size_t i = 0; i < 9; i++)
            f.origin[i % 3] = f.turn[i] = (double)NAN;
        return f;
    }
    const struct et_pose pose = et_world_arm_pose(body->arms, own, side);
    f = (struct frame){.origin = {pose.position.x, pose.position.y, pose.position.z}};
    et_quat_to_matrix(pose.rotation, f.turn);
    return f;
}

static float *put_frame(const struct frame *f, float *to)
{
    for (size_t i = 0; i < 3; i++) {
        to[i] = (float)f->origin[i];
        to[3 + i] = (float)f->turn[3 * i];
        to[6 + i] = (float)f->turn[3 * i + 2];
    }
    return to + POSE_VALUES;
}

/* A direction as the hand has it. */
static void turn_back(const struct frame *f, const double v[3], float *to)
{
    for (size_t i = 0; i < 3; i++)
        to[i] = (float)(f->turn[i] * v[0] + f->turn[3 + i] * v[1] + f->turn[6 + i] * v[2]);
}

static float *put_seen_from(const struct frame *f, const float *thing, size_t n, float *to)
{
    for (size_t i = 0; i < n; i += 3) {
        double v[3];
        for (size_t k = 0; k < 3; k++)
            v[k] = (double)thing[i + k] - (i == 0 ? f->origin[k] : 0);
        turn_back(f, v, to + i);
    }
    return to + n;
}

/* The recipe's joints, NAN where the body has none. */
static float *put_joints(const struct et__recipe *r, const struct et__body *body, const float *from,
                         float *to)
{
    for (size_t i = 0; i < r->n_joints; i++)
        to[i] = NAN;
    for (size_t i = 0; i < joints_of(r, body->i_robot); i++) {
        const size_t place = place_of(r, body->i_robot, i);
        to[place] = from[place];
    }
    return to + r->n_joints;
}

static float *put_around(const struct et__recipe *r, const struct frame *hands, const float *scene,
                         float *to)
{
    for (size_t i = 0; i < r->n_things; i++) {
        const struct et__recipe_thing *thing = &r->things[i];
        const size_t n = !thing->is_pose ? 1 : thing->is_turned ? TURNED : UPRIGHT;
        memcpy(to, scene + thing->at, n * sizeof *to);
        to += n;
        for (size_t side = 0; thing->is_pose && r->knows_hands && side < 2; side++)
            to = put_seen_from(&hands[side], scene + thing->at, n, to);
    }
    return to;
}

void et__recipe_see(const struct et__recipe *r, const struct et__body *body,
                    const struct et__moment *now, float *seen)
{
    struct frame hands[2];
    float *to = put_joints(r, body, now->joints, seen);
    for (size_t i = 0; r->sees_command && i < r->n_joints; i++)
        *to++ = now->command[i] - seen[i];
    for (size_t i = 0; i < r->n_history * r->n_joints; i++)
        *to++ = seen[i % r->n_joints] - now->past[i];
    for (size_t i = 0; i < r->n_touch; i++)
        *to++ = now->touch[i] > TOUCHED_N ? 1 : 0;
    for (int side = ET_LEFT; r->knows_hands && side <= ET_RIGHT; side++) {
        hands[side] = frame_of(body, now->joints, (enum et_side)side);
        to = put_frame(&hands[side], to);
    }
    if (r->knows_phase) {
        *to++ = (float)fmin(now->phase_s, ET__TIME_MAX_S);
        for (size_t i = 0; i < r->n_phases; i++)
            *to++ = i == now->phase ? 1 : 0;
    }
    for (size_t i = 0; r->n_tasks > 1 && i < r->n_tasks; i++)
        *to++ = i == now->task ? 1 : 0;
    for (size_t i = 0; r->n_robots > 1 && i < r->n_robots; i++)
        *to++ = i == body->i_robot ? 1 : 0;
    (void)put_around(r, hands, now->scene, to);
}

/* ---- what is given ---- */

void et__recipe_goal(const struct et__recipe *r, const struct et__body *body, const float *command,
                     size_t phase, float *goal)
{
    float *to = put_joints(r, body, command, goal);
    for (int side = ET_LEFT; r->knows_hands && side <= ET_RIGHT; side++) {
        const struct frame f = frame_of(body, command, (enum et_side)side);
        to = put_frame(&f, to);
    }
    for (size_t i = 0; r->knows_phase && i < r->n_phases; i++)
        *to++ = i == phase ? 1 : 0;
}

/* A hand's frame out of what put_frame put: y is what x and z leave. */
static struct frame frame_at(const float *p)
{
    struct frame f;
    for (size_t i = 0; i < 3; i++) {
        const size_t j = (i + 1) % 3, k = (i + 2) % 3;
        f.origin[i] = (double)p[i];
        f.turn[3 * i] = (double)p[3 + i];
        f.turn[3 * i + 1] = (double)(p[6 + j] * p[3 + k] - p[6 + k] * p[3 + j]);
        f.turn[3 * i + 2] = (double)p[6 + i];
    }
    return f;
}

void et__recipe_change(const struct et__recipe *r, const float *here, float *goal)
{
    float seen[POSE_VALUES];
    for (size_t i = 0; i < r->n_joints; i++)
        goal[i] -= here[i];
    float *hand = goal + r->n_joints;
    for (size_t side = 0; r->knows_hands && side < 2; side++, hand += POSE_VALUES) {
        const struct frame f = frame_at(here + (hand - goal));
        (void)put_seen_from(&f, hand, POSE_VALUES, seen);
        memcpy(hand, seen, sizeof seen);
    }
}

void et__recipe_unchange(const struct et__recipe *r, const float *here, float *goal)
{
    for (size_t i = 0; i < r->n_joints; i++)
        goal[i] += here[i];
    float *hand = goal + r->n_joints;
    for (size_t side = 0; r->knows_hands && side < 2; side++, hand += POSE_VALUES) {
        const struct frame f = frame_at(here + (hand - goal));
        for (size_t at = 0; at < POSE_VALUES; at += 3) {
            const double v[3] = {(double)hand[at], (double)hand[at + 1], (double)hand[at + 2]};
            for (size_t i = 0; i < 3; i++)
                hand[at + i] = (float)(f.turn[3 * i] * v[0] + f.turn[3 * i + 1] * v[1] +
                                       f.turn[3 * i + 2] * v[2] + (at == 0 ? f.origin[i] : 0));
        }
    }
}

static struct et_vec3 unit(struct et_vec3 v)
{
    const double n = et_vec3_norm(v);
    return et_vec3_scale(v, n > 1e-9 ? 1 / n : 0);
}

/* Of two columns that are not quite at right angles: z stays, x gives way. */
static struct et_pose pose_of(const float *p)
{
    const struct et_vec3 z = unit((struct et_vec3){(double)p[6], (double)p[7], (double)p[8]});
    struct et_vec3 x = {(double)p[3], (double)p[4], (double)p[5]};
    x = unit(et_vec3_sub(x, et_vec3_scale(z, et_vec3_dot(x, z))));
    const struct et_vec3 y = et_vec3_cross(z, x);
    const double m[9] = {x.x, y.x, z.x, x.y, y.y, z.y, x.z, y.z, z.z};
    return (struct et_pose){{(double)p[0], (double)p[1], (double)p[2]}, et_quat_from_matrix(m)};
}

void et__recipe_do(const struct et__recipe *r, const struct et__body *body, const float *goal,
                   double *joints, size_t *phase)
{
    const size_t n = joints_of(r, body->i_robot);
    const float *from = goal + r->n_joints;
    memset(joints, 0, r->n_joints * sizeof *joints);
    for (size_t i = 0; i < n; i++) {
        const size_t place = place_of(r, body->i_robot, i);
        joints[place] = (double)goal[place];
    }
    if (r->knows_hands) {
        double own[ET__RECIPE_JOINTS_MAX];
        (void)own_joints(body, goal, own);
        for (int side = ET_LEFT; side <= ET_RIGHT; side++, from += POSE_VALUES) {
            const struct et_pose pose = pose_of(from);
            (void)et_world_arm_solve(body->arms, own, (enum et_side)side, &pose, REFINE_STEPS);
        }
        for (size_t i = 0; i < body->n_joints; i++)
            joints[body->places[i]] = own[i];
    }
    *phase = r->knows_phase ? 0 : SIZE_MAX;
    for (size_t i = 1; r->knows_phase && i < r->n_phases; i++)
        if (from[i] > from[*phase])
            *phase = i;
}

/* ---- what numbers are divided by ---- */

double et__recipe_floor_in(const struct et__recipe *r, size_t i)
{
    // Phases, and tasks and robots behind them, are 0 or 1 as they are.
    const size_t n_told = (r->n_tasks > 1 ? r->n_tasks : 0) + (r->n_robots > 1 ? r->n_robots : 0);
    const size_t first = r->knows_phase ? r->phase_at : r->n_own - n_told;
    return i >= first && i < r->n_own ? 0 : FLOOR;
}

double et__recipe_floor_out(const struct et__recipe *r, const struct et__body *bodies,
                            size_t n_bodies, size_t i)
{
    if (r->knows_phase && i >= r->n_out - r->n_phases)
        return 0;
    for (size_t b = 0; b < n_bodies; b++)
        for (int side = ET_LEFT; bodies[b].arms && side <= ET_RIGHT; side++) {
            const size_t i_hand = et_world_arm(bodies[b].arms, (enum et_side)side).i_hand;
            if (i_hand != SIZE_MAX && bodies[b].places[i_hand] == i)
                return FLOOR_HAND_M;
        }
    return FLOOR;
}
