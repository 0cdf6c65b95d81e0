/* What a camera cannot see is not drawn, and what is near is drawn first, so that what it hides
 * costs no more than a look at its depth. */
#include "world/world__view.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Radius of a ball around all of a geom; infinite where nothing is known of it. */
static float radius_of(const mjvGeom *g)
{
    const float *s = g->size;
    switch (g->type) {
    case mjGEOM_SPHERE:
    case mjGEOM_ELLIPSOID:
        return fmaxf(s[0], fmaxf(s[1], s[2]));
    case mjGEOM_CAPSULE:
        return fmaxf(s[0], s[1]) + s[2];
    case mjGEOM_CYLINDER:
    case mjGEOM_BOX:
        return sqrtf(s[0] * s[0] + s[1] * s[1] + s[2] * s[2]);
    default:
        return g->modelrbound > 0 ? g->modelrbound : INFINITY;
    }
}

/* A camera's pyramid: four planes through its eye, normals inwards. */
struct view {
    float eye[3], forward[3];
    float sides[4][3];
    float near_m, far_m;
};

static float dot(const float a[3], const float b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// The plane that holds the eye and lies `slope` off the axis along `across`, seen from `inward`.
static void find_side(const struct view *v, const float across[3], float slope, float inward,
                      float side[3])
{
    const float n = inward / sqrtf(1 + slope * slope);
    for (int i = 0; i < 3; i++)
        side[i] = n * (across[i] - slope * v->forward[i]);
}

static struct view view_of(const mjvGLCamera camera[2], float aspect)
{
    struct view v = {.near_m = camera->frustum_near, .far_m = camera->frustum_far};
    const float *f = camera->forward, *u = camera->up;
    const float right[3] = {f[1] * u[2] - f[2] * u[1], f[2] * u[0] - f[0] * u[2],
                            f[0] * u[1] - f[1] * u[0]};
    const float half = aspect * (camera->frustum_top - camera->frustum_bottom) / 2;
    for (int i = 0; i < 3; i++) {
        v.eye[i] = (camera[0].pos[i] + camera[1].pos[i]) / 2; // of two eyes the middle
        v.forward[i] = f[i];
    }
    find_side(&v, u, camera->frustum_top / v.near_m, -1, v.sides[0]);
    find_side(&v, u, camera->frustum_bottom / v.near_m, 1, v.sides[1]);
    find_side(&v, right, half / v.near_m, -1, v.sides[2]);
    find_side(&v, right, -half / v.near_m, 1, v.sides[3]);
    return v;
}

static bool is_seen(const struct view *v, const mjvGeom *g)
{
    const float radius = radius_of(g);
    const float to[3] = {g->pos[0] - v->eye[0], g->pos[1] - v->eye[1], g->pos[2] - v->eye[2]};
    const float ahead = dot(to, v->forward);
    if (!(ahead + radius >= v->near_m && ahead - radius <= v->far_m))
        return false;
    for (int i = 0; i < 4; i++)
        if (dot(to, v->sides[i]) < -radius)
            return false;
    return true;
}

// Floors last: they reach everywhere and are under everything.
static float nearness(const struct view *v, const mjvGeom *g)
{
    const float to[3] = {g->pos[0] - v->eye[0], g->pos[1] - v->eye[1], g->pos[2] - v->eye[2]};
    return g->type == mjGEOM_PLANE ? INFINITY : sqrtf(dot(to, to)) + radius_of(g);
}

static int compare(const void *a, const void *b)
{
    const struct et__seen *x = a, *y = b;
    if (x->distance_m != y->distance_m)
        return x->distance_m < y->distance_m ? -1 : 1;
    return x->i < y->i ? -1 : 1;
}

void et__view_order(mjvScene *scene, float aspect, struct et__seen *seen, mjvGeom *copy)
{
    const struct view v = view_of(scene->camera, aspect);
    int n = 0;
    for (int i = 0; i < scene->ngeom; i++) {
        copy[i] = scene->geoms[i];
        if (is_seen(&v, &copy[i]))
            seen[n++] = (struct et__seen){nearness(&v, &copy[i]), i};
    }
    qsort(seen, (size_t)n, sizeof *seen, compare);
    for (int k = 0; k < n; k++)
        scene->geoms[k] = copy[seen[k].i];
    scene->ngeom = n;
}
