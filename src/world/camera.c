/* Pictures of a world, drawn by MuJoCo's renderer into a framebuffer of the pictures' size. */
#include "etude/world_camera.h"

#include "robot/mujoco_guard.h"
#include "world/world__gl.h"
#include "world/world__view.h"
#include "world/world__world.h"

#include <stdlib.h>

#define WIDTH_DEFAULT 640
#define HEIGHT_DEFAULT 480
#define SCENE_CAMERA "scene"
#define SMALL_PX 256
#define MEDIUM_PX 640
#define GEOMS_EXTRA 256 // of a scene, beside the model's own: tendons and skins

struct et_world_renderer {
    const struct et_world *world;
    struct et__gl *gl;
    mjModel *model; // the world's, whose settings are changed while a framebuffer is made
    mjData *data;   // own, so that a look at the world never changes it
    mjvScene scene;
    mjvOption option;
    mjrContext context;
    bool has_scene, has_context, has_shadows;
    int width, height;
    uint8_t *row;          // of a picture
    struct et__seen *seen; // scratch, as many as the scene has room for
    mjvGeom *geoms;
};

size_t et_world_n_cameras(const struct et_world *world)
{
    return world->robot->n_cameras +
           (mj_name2id(world->model, mjOBJ_CAMERA, SCENE_CAMERA) >= 0 ? 1 : 0);
}

const char *et_world_camera(const struct et_world *world, size_t i)
{
    return i < world->robot->n_cameras ? world->robot->cameras[i].place : SCENE_CAMERA;
}

static const char *camera_name(const struct et_world *world, size_t i)
{
    return i < world->robot->n_cameras ? world->robot->cameras[i].camera : SCENE_CAMERA;
}

static enum et_status check_cameras(const struct et_world *world, struct et_err *err)
{
    for (size_t i = 0; i < world->robot->n_cameras; i++)
        if (mj_name2id(world->model, mjOBJ_CAMERA, camera_name(world, i)) < 0)
            return et_fail(err, ET_ECORRUPT, -1, "%s: no camera '%s' in the robot's model",
                           world->robot->path, camera_name(world, i));
    return ET_OK;
}

/* ---- opening ---- */

static void make_data(void *context)
{
    struct et_world_renderer *r = context;
    r->data = mj_makeData(r->model);
}

// Only these of the model's settings are read when a context is made, and only then.
static void make_context(void *context)
{
    struct et_world_renderer *r = context;
    mjModel *m = r->model;
    mjv_defaultScene(&r->scene);
    mjv_makeScene(m, &r->scene, m->ngeom + m->nsite + GEOMS_EXTRA);
    r->has_scene = true;
    mjr_defaultContext(&r->context);
    mjr_makeContext(m, &r->context, mjFONTSCALE_50);
    r->has_context = true;
    mjr_setBuffer(mjFB_OFFSCREEN, &r->context);
}

/* How round a ball is, and into how many parts a box's sides are cut. Corners are what drawing in
 * software costs, and nobody sees these. */
static void choose_corners(mjVisual *vis, int side)
{
    const int n_slices = side <= SMALL_PX ? 16 : side <= MEDIUM_PX ? 20 : vis->quality.numslices;
    const int n_quads = side <= MEDIUM_PX ? 1 : vis->quality.numquads;
    if (vis->quality.numslices > n_slices) {
        vis->quality.numslices = n_slices;
        vis->quality.numstacks = n_slices / 2;
    }
    if (vis->quality.numquads > n_quads)
        vis->quality.numquads = n_quads;
}

// Too small a map shows as stripes on floors and as steps along shadows.
static void choose_shadows(mjVisual *vis, bool has_shadows, int side)
{
    const int map_px = side <= SMALL_PX ? 1024 : side <= MEDIUM_PX ? 2048 : 4096;
    if (!has_shadows)
        vis->quality.shadowsize = 0;
    else if (vis->quality.shadowsize < map_px)
        vis->quality.shadowsize = map_px;
}

static enum et_status make_framebuffer(struct et_world_renderer *r, struct et_err *err)
{
    const mjVisual before = r->model->vis;
    mjVisual *vis = &r->model->vis;
    vis->global.offwidth = r->width;
    vis->global.offheight = r->height;
    vis->quality.offsamples = 0; // twice as dear; who wants smooth edges draws larger
    const int side = r->width > r->height ? r->width : r->height;
    choose_corners(vis, side);
    choose_shadows(vis, r->has_shadows, side);
    const enum et_status st = et__mujoco_guard(make_context, r, err);
    *vis = before;
    if (st != ET_OK)
        return et_err_context(err, "%s", et__gl_text(r->gl));
    if (r->context.currentBuffer != mjFB_OFFSCREEN || r->context.offWidth != r->width ||
        r->context.offHeight != r->height)
        return et_fail(err, ET_ENOTFOUND, -1, "%s: has no framebuffer of %d × %d pixels",
                       et__gl_text(r->gl), r->width, r->height);
    return ET_OK;
}

// What a real camera sees: no rays of sensors, no marks for people.
static void choose_what_is_seen(struct et_world_renderer *r)
{
    mjv_defaultOption(&r->option);
    r->option.flags[mjVIS_RANGEFINDER] = 0;
    r->scene.flags[mjRND_SHADOW] = r->has_shadows;
    r->scene.flags[mjRND_REFLECTION] = 0;
}

static enum et_status open_parts(struct et_world_renderer *r, struct et_err *err)
{
    const size_t n_geoms = (size_t)(r->model->ngeom + r->model->nsite + GEOMS_EXTRA);
    r->row = malloc((size_t)r->width * sizeof(float));
    r->seen = calloc(n_geoms, sizeof *r->seen);
    r->geoms = calloc(n_geoms, sizeof *r->geoms);
    if (!r->row || !r->seen || !r->geoms)
        return et_fail(err, ET_ENOMEM, -1, "no memory for pictures");
    enum et_status st = et__mujoco_guard(make_data, r, err);
    if (st != ET_OK)
        return st;
    if (!r->data)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a model's state");
    et__gl_lock(NULL); // MuJoCo finds OpenGL's functions through a global of its own, too
    st = et__gl_open(&r->gl, err);
    if (st == ET_OK)
        st = make_framebuffer(r, err);
    et__gl_unlock(NULL);
    if (st == ET_OK)
        choose_what_is_seen(r);
    return st;
}

enum et_status et_world_renderer_open(struct et_world_renderer **renderer, struct et_world *world,
                                      const struct et_world_renderer_options *options,
                                      struct et_err *err)
{
    *renderer = NULL;
    const bool is_default = !options || (options->width == 0 && options->height == 0);
    const size_t width = is_default ? WIDTH_DEFAULT : options->width;
    const size_t height = is_default ? HEIGHT_DEFAULT : options->height;
    if (width < 1 || width > ET_WORLD_CAMERA_SIDE_MAX || height < 1 ||
        height > ET_WORLD_CAMERA_SIDE_MAX)
        return et_fail(err, ET_EARG, -1, "pictures of %zu × %zu pixels; 1 to %d a side", width,
                       height, ET_WORLD_CAMERA_SIDE_MAX);
    enum et_status st = check_cameras(world, err);
    if (st != ET_OK)
        return st;
    struct et_world_renderer *r = calloc(1, sizeof *r);
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a renderer");
    r->world = world;
    r->model = world->model;
    r->width = (int)width;
    r->height = (int)height;
    r->has_shadows = options && options->has_shadows;
    st = open_parts(r, err);
    if (st != ET_OK) {
        et_world_renderer_close(r);
        return st;
    }
    *renderer = r;
    return ET_OK;
}

static void free_parts(void *context)
{
    struct et_world_renderer *r = context;
    if (r->has_context)
        mjr_freeContext(&r->context);
    if (r->has_scene)
        mjv_freeScene(&r->scene);
    mj_deleteData(r->data);
}

void et_world_renderer_close(struct et_world_renderer *renderer)
{
    if (!renderer)
        return;
    et__gl_lock(NULL);
    if (renderer->gl && et__gl_bind(renderer->gl, NULL) != ET_OK)
        renderer->has_context = false; // its things went with it
    const enum et_status st = et__mujoco_guard(free_parts, renderer, NULL);
    (void)st; // what MuJoCo could not free is lost
    et__gl_close(renderer->gl);
    et__gl_unlock(NULL);
    free(renderer->row);
    free(renderer->seen);
    free(renderer->geoms);
    free(renderer);
}

void et_world_renderer_size(const struct et_world_renderer *renderer, int *width, int *height)
{
    *width = renderer->width;
    *height = renderer->height;
}

const char *et_world_renderer_text(const struct et_world_renderer *renderer)
{
    return et__gl_text(renderer->gl);
}

/* ---- drawing ---- */

struct drawing {
    struct et_world_renderer *renderer;
    int camera;
    uint8_t *rgb;
    float *depth;
};

// Where everything is, from the coordinates alone: the world's own results are those of its last
// tick's beginning.
static void pose(const struct et_world_renderer *r)
{
    const mjModel *m = r->model;
    const mjData *from = r->world->data;
    mju_copy(r->data->qpos, from->qpos, m->nq);
    mju_copy(r->data->mocap_pos, from->mocap_pos, 3 * m->nmocap);
    mju_copy(r->data->mocap_quat, from->mocap_quat, 4 * m->nmocap);
    mj_kinematics(m, r->data);
    mj_comPos(m, r->data);
    mj_camlight(m, r->data);
    mj_tendon(m, r->data);
}

// A stain that was wiped away is seen no more.
static void take_wiped_away(const struct et_world *world, mjvScene *scene)
{
    int n = 0;
    for (int i = 0; i < scene->ngeom; i++) {
        const mjvGeom *geom = &scene->geoms[i];
        if (geom->objtype != mjOBJ_SITE || !world->wiped[geom->objid])
            scene->geoms[n++] = *geom;
    }
    scene->ngeom = n;
}

static void draw(void *context)
{
    const struct drawing *d = context;
    struct et_world_renderer *r = d->renderer;
    const mjrRect all = {0, 0, r->width, r->height};
    mjvCamera camera;
    mjv_defaultCamera(&camera);
    camera.type = mjCAMERA_FIXED;
    camera.fixedcamid = d->camera;
    pose(r);
    mjv_updateScene(r->model, r->data, &r->option, NULL, &camera, mjCAT_ALL, &r->scene);
    if (r->world->wiped)
        take_wiped_away(r->world, &r->scene);
    if (!r->has_shadows) // what is not seen may throw one
        et__view_order(&r->scene, (float)r->width / (float)r->height, r->seen, r->geoms);
    r->scene.flags[mjRND_SKYBOX] = !d->depth; // it would be a wall
    mjr_setBuffer(mjFB_OFFSCREEN, &r->context);
    mjr_render(all, &r->scene, &r->context);
    mjr_readPixels(d->rgb, d->depth, all, &r->context);
}

static enum et_status render(struct et_world_renderer *r, size_t i, uint8_t *rgb, float *depth,
                             struct et_err *err)
{
    const size_t n = et_world_n_cameras(r->world);
    if (i >= n)
        return et_fail(err, ET_EARG, -1, "camera %zu of %zu", i, n);
    struct drawing drawing = {.renderer = r,
                              .camera =
                                  mj_name2id(r->model, mjOBJ_CAMERA, camera_name(r->world, i)),
                              .rgb = rgb,
                              .depth = depth};
    et__gl_lock(r->gl);
    enum et_status st = et__gl_bind(r->gl, err);
    if (st == ET_OK)
        st = et__mujoco_guard(draw, &drawing, err);
    et__gl_unlock(r->gl);
    return st;
}

// OpenGL's first row is the lowest.
static void turn_over(struct et_world_renderer *r, void *picture, size_t pixel_bytes)
{
    const size_t n_bytes = (size_t)r->width * pixel_bytes;
    uint8_t *upper = picture, *lower = upper + n_bytes * (size_t)(r->height - 1);
    for (; upper < lower; upper += n_bytes, lower -= n_bytes) {
        memcpy(r->row, upper, n_bytes);
        memcpy(upper, lower, n_bytes);
        memcpy(lower, r->row, n_bytes);
    }
}

enum et_status et_world_render(struct et_world_renderer *renderer, size_t i, uint8_t *rgb,
                               struct et_err *err)
{
    const enum et_status st = render(renderer, i, rgb, NULL, err);
    if (st == ET_OK)
        turn_over(renderer, rgb, 3);
    return st;
}

/* The z-buffer holds z = f (d − n) / (d (f − n)) of the depth d between the planes at n and f. */
enum et_status et_world_render_depth(struct et_world_renderer *renderer, size_t i, float *depth_m,
                                     struct et_err *err)
{
    const enum et_status st = render(renderer, i, NULL, depth_m, err);
    if (st != ET_OK)
        return st;
    turn_over(renderer, depth_m, sizeof *depth_m);
    const mjModel *m = renderer->model;
    const double near_m = (double)m->vis.map.znear * m->stat.extent;
    const double far_m = (double)m->vis.map.zfar * m->stat.extent;
    const size_t n = (size_t)renderer->width * (size_t)renderer->height;
    for (size_t k = 0; k < n; k++) {
        const double z = (double)depth_m[k];
        depth_m[k] = z < 1 ? (float)(near_m * far_m / (far_m - z * (far_m - near_m))) : INFINITY;
    }
    return ET_OK;
}
