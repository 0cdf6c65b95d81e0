/* Things that lie about near a skill's own, and not in the way of a hand to them. */
#include "world/world__world.h"

#include <math.h>
#include <string.h>

#define TRIES 60 // to find a place for each
#define NEAR_M 0.14
#define NEAR_ENOUGH_M 0.40
#define FAR_M 0.80   // where there is no room nearer
#define ABOVE_M 0.5  // a look down begins so high above the thing beside which it is to lie
#define LEVEL_M 0.25 // and what it lies on is so far above or below that thing at most
#define ROOM_M 0.05  // between it and what is loose or moves
#define WAY_M 0.12   // from a hand's way to a thing, and from one thing to another
#define REACH_M 0.04 // of the largest of them
#define GAP_M 0.001
#define MARKS_MAX 64

static const char *const NAMES[ET__N_LITTER] = {"litter_tape", "litter_box", "litter_book"};

void et__bind_litter(struct et_world *w)
{
    for (size_t i = 0; i < ET__N_LITTER; i++) {
        const int body = mj_name2id(w->model, mjOBJ_BODY, NAMES[i]);
        w->litter[i] = body >= 0 && et__is_loose(w->model, body) ? body : -1;
    }
}

static double *place_of(const struct et_world *w, int body)
{
    return w->data->qpos + w->model->jnt_qposadr[w->model->body_jntadr[body]];
}

// In the plane of the floor.
static double way_to_line(const double p[2], const double a[2], const double b[2])
{
    const double along[2] = {b[0] - a[0], b[1] - a[1]};
    const double length2 = along[0] * along[0] + along[1] * along[1];
    const double share =
        length2 > 0
            ? mju_clip(((p[0] - a[0]) * along[0] + (p[1] - a[1]) * along[1]) / length2, 0, 1)
            : 0;
    return hypot(p[0] - a[0] - share * along[0], p[1] - a[1] - share * along[1]);
}

/* Where hands and things go: the skill's things, and what its success speaks of. */
struct marks {
    double at[MARKS_MAX][2], room_m[MARKS_MAX]; // as it is wide itself
    int wanted[MARKS_MAX]; // a body of the success, onto which things go; −1: none
    size_t n;
};

static void add_mark(struct marks *marks, const double *at, double room_m, int wanted)
{
    if (marks->n == MARKS_MAX)
        return;
    marks->at[marks->n][0] = at[0];
    marks->at[marks->n][1] = at[1];
    marks->wanted[marks->n] = wanted;
    marks->room_m[marks->n++] = room_m;
}

static void add_named(const struct et_world *w, char word, int id, struct marks *marks)
{
    const double *size = w->model->site_size + 3 * (size_t)(id > 0 ? id : 0);
    if (id < 0)
        return;
    if (word == 'b')
        add_mark(marks, w->data->xpos + 3 * id, 0, id);
    else if (word == 's')
        add_mark(marks, w->data->site_xpos + 3 * id, fmax(size[0], size[1]), -1);
}

static struct marks find_marks(const struct et_world *w)
{
    const struct et__condition *success = &w->skill->script->success;
    struct marks marks = {.n = 0};
    for (size_t i = 0; i < w->skill->n_objects; i++)
        add_mark(&marks, w->data->xpos + 3 * w->objects[i], 0, -1);
    for (size_t i = 0; i < success->n_terms; i++) {
        size_t i_name = 0;
        for (const char *word = success->terms[i].predicate->words; *word; word++)
            if (strchr("bsjt", *word)) // those that have a name
                add_named(w, *word, w->success[i].ids[i_name++], &marks);
    }
    return marks;
}

static bool is_in_the_way(const struct et_world *w, const struct marks *marks, const double p[2])
{
    for (size_t i = 0; i < marks->n; i++) {
        const double *at = marks->at[i];
        if (hypot(p[0] - at[0], p[1] - at[1]) < marks->room_m[i] + ROOM_M + REACH_M ||
            way_to_line(p, w->data->xpos + 3 * w->base, at) < WAY_M)
            return true;
        for (size_t k = 0; k < i; k++)
            if (way_to_line(p, marks->at[k], at) < WAY_M)
                return true;
    }
    return false;
}

static bool is_wanted(const struct marks *marks, int body)
{
    for (size_t i = 0; i < marks->n; i++)
        if (marks->wanted[i] == body)
            return true;
    return false;
}

// What is loose, or moves on a joint; furniture that stands still may be as near as it likes.
static bool is_near_others(const struct et_world *w, int body, const double p[3])
{
    const mjModel *m = w->model;
    for (int i = 0; i < m->ngeom; i++) {
        const double *at = w->data->geom_xpos + 3 * i;
        if (m->body_weldid[m->geom_bodyid[i]] == 0 || et__is_of(w, i, body) ||
            m->geom_contype[i] == 0)
            continue;
        if (hypot(hypot(p[0] - at[0], p[1] - at[1]), p[2] - at[2]) < m->geom_rbound[i] + ROOM_M)
            return true;
    }
    return false;
}

static bool meets_something(const struct et_world *w, int body)
{
    for (int i = 0; i < w->data->ncon; i++) {
        const mjContact *c = &w->data->contact[i];
        if (et__is_of(w, c->geom1, body) != et__is_of(w, c->geom2, body))
            return true;
    }
    return false;
}

/* A try: beside one of the skill's things, on what is below. The data is as after mj_forward. */
static bool try_place(struct et_world *w, const struct marks *marks, double far_m, int body)
{
    static const double DOWN[3] = {0, 0, -1};
    const mjModel *m = w->model;
    struct et__random *random = &w->litter_random;
    const size_t i =
        (size_t)et__random_even(random, 0, (double)w->skill->n_objects) % w->skill->n_objects;
    const double *beside = w->data->xpos + 3 * w->objects[i];
    const double angle = et__random_even(random, -M_PI, M_PI);
    const double far = et__random_even(random, NEAR_M, far_m);
    const double turn = et__random_even(random, -M_PI, M_PI) / 2;
    double p[3] = {beside[0] + far * cos(angle), beside[1] + far * sin(angle), beside[2] + ABOVE_M};
    int geom;
    const double depth = et__probe_ray(w, p, DOWN, body, &geom);
    if (depth < 0 || m->body_weldid[m->geom_bodyid[geom]] != 0 ||
        is_wanted(marks, m->geom_bodyid[geom]) || fabs(depth - ABOVE_M) > LEVEL_M)
        return false;
    // As high above its support as it lies above the floor in its file.
    p[2] += GAP_M - depth + w->model->qpos0[m->jnt_qposadr[m->body_jntadr[body]] + 2];
    if (is_in_the_way(w, marks, p) || is_near_others(w, body, p))
        return false;
    double *place = place_of(w, body);
    mju_copy3(place, p);
    place[3] = cos(turn);
    place[4] = place[5] = 0;
    place[6] = sin(turn);
    mj_forward(m, w->data);
    return !meets_something(w, body);
}

void et__lay_litter(struct et_world *w)
{
    const struct marks marks = find_marks(w);
    for (size_t i = 0; i < ET__N_LITTER; i++) {
        if (w->litter[i] < 0 || w->tier < ET_TIER_CLUTTERED)
            continue;
        double *place = place_of(w, w->litter[i]), parked[7];
        mju_copy(parked, place, 7);
        for (int k = 0; k < TRIES; k++) {
            const double far_m = k < TRIES / 2 ? NEAR_ENOUGH_M : FAR_M;
            if (try_place(w, &marks, far_m, w->litter[i]))
                break;
            mju_copy(place, parked, 7); // behind the robot, where there is no place
            mj_forward(w->model, w->data);
        }
    }
}
