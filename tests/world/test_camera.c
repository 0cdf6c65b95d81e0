/* Cameras of a virtual centre: what they show of a room in which everything is known. Without
 * OpenGL on this machine, what needs it is skipped. */
#include "etude/world_camera.h"

#include "robot/mujoco_guard.h"
#include "support.h"
#include "tap.h"
#include "world/world__view.h"
#include "world/world__world.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define SIDE 96

// A red box whose front is 1 m in front of the camera; a wall behind half of it; the sky.
static const char ROOM[] =
    "<mujoco><visual><global offwidth='64' offheight='48'/><map znear='.01' zfar='20'/></visual>"
    "<statistic extent='2'/>"
    "<asset><texture name='sky' type='skybox' builtin='gradient' rgb1='.8 .85 .9' "
    "rgb2='.4 .45 .5' width='64' height='64'/></asset>"
    "<worldbody><light pos='0 0 3' dir='.5 0 -1' directional='true'/>"
    "<camera name='eye' pos='0 0 1' xyaxes='0 -1 0 0 0 1' fovy='60'/>"
    "<camera name='scene' pos='1.1 -2 1' xyaxes='1 0 0 0 0 1' fovy='60'/>"
    "<geom name='wall' type='box' size='.05 2 .5' pos='3.05 0 .3' rgba='.2 .9 .2 1'/>"
    "<body name='box' pos='1.1 0 1'><freejoint/>"
    "<geom type='box' size='.1 .1 .1' rgba='.9 .05 .05 1'/></body>"
    "<body name='stain' pos='1.1 -.4 1'>"
    "<site name='dirt' type='box' size='.1 .01 .1' rgba='.05 .05 .9 1'/></body>"
    "</worldbody></mujoco>";

static struct et_err err;

static struct et__robot robot;
static const struct et__robot_camera PLACES[] = {{"head", "eye"}};

static struct et_world *open_room(void)
{
    struct et_world *world = calloc(1, sizeof *world);
    const struct et__mujoco_file file = {"room.xml", et_str(ROOM)};
    if (!world || et__mujoco_load(&file, 1, &world->model, &err) != ET_OK)
        abort();
    robot = (struct et__robot){.id = "eye", .path = "eye.yaml", .cameras = PLACES, .n_cameras = 1};
    world->robot = &robot;
    world->data = mj_makeData(world->model);
    world->wiped = calloc((size_t)world->model->nsite, 1);
    mj_forward(world->model, world->data);
    return world;
}

static void close_room(struct et_world *world)
{
    mj_deleteData(world->data);
    mj_deleteModel(world->model);
    free(world->wiped);
    free(world);
}

static struct et_world_renderer *open_renderer(struct et_world *world, bool has_shadows)
{
    struct et_world_renderer *renderer = NULL;
    const struct et_world_renderer_options options = {SIDE, SIDE, has_shadows};
    const enum et_status st = et_world_renderer_open(&renderer, world, &options, &err);
    if (st == ET_ENOTFOUND)
        tap_skip("no OpenGL");
    else
        CHECK_OK(st);
    return renderer;
}

static const uint8_t *pixel(const uint8_t *rgb, int x, int y)
{
    return rgb + 3 * (y * SIDE + x);
}

static bool is_red(const uint8_t *p)
{
    return p[0] > 60 && p[0] > 2 * p[1] && p[0] > 2 * p[2];
}

static bool is_green(const uint8_t *p)
{
    return p[1] > 30 && p[1] > 2 * p[0] && p[1] > 2 * p[2];
}

static bool is_blue(const uint8_t *p)
{
    return p[2] > 30 && p[2] > 2 * p[0] && p[2] > 2 * p[1];
}

static void a_red_box_is_red_and_where_it_is(void)
{
    static uint8_t rgb[SIDE * SIDE * 3];
    struct et_world *world = open_room();
    struct et_world_renderer *renderer = open_renderer(world, false);
    if (renderer) {
        CHECK_OK(et_world_render(renderer, 0, rgb, &err));
        CHECK(is_red(pixel(rgb, SIDE / 2, SIDE / 2)));
        // 0.1 m at 1 m is 8.3 pixels here
        CHECK(is_red(pixel(rgb, SIDE / 2 - 7, SIDE / 2 - 7)));
        CHECK(!is_red(pixel(rgb, SIDE / 2 - 10, SIDE / 2)));
        CHECK(!is_red(pixel(rgb, SIDE / 2, SIDE / 2 + 10)));
        // the wall's upper edge is 0.2 m below the camera: rows come from the top
        CHECK(is_green(pixel(rgb, SIDE / 4, SIDE * 3 / 5)));
        CHECK(!is_green(pixel(rgb, SIDE / 4, SIDE * 2 / 5)));
    }
    et_world_renderer_close(renderer);
    close_room(world);
}

static void depth_is_in_metres_along_the_camera_s_axis(void)
{
    static float depth[SIDE * SIDE];
    struct et_world *world = open_room();
    struct et_world_renderer *renderer = open_renderer(world, false);
    if (renderer) {
        CHECK_OK(et_world_render_depth(renderer, 0, depth, &err));
        CHECK_NEAR((double)depth[SIDE / 2 * SIDE + SIDE / 2], 1, 0.002);
        CHECK_NEAR((double)depth[(SIDE / 2 - 6) * SIDE + SIDE / 2 + 6], 1, 0.002);
        CHECK_NEAR((double)depth[SIDE * 3 / 5 * SIDE + SIDE / 8], 3, 0.01);
        CHECK(isinf(depth[SIDE / 8 * SIDE + SIDE / 2]));
    }
    et_world_renderer_close(renderer);
    close_room(world);
}

static void the_same_state_is_the_same_bytes(void)
{
    static uint8_t one[SIDE * SIDE * 3], two[SIDE * SIDE * 3], three[SIDE * SIDE * 3];
    struct et_world *world = open_room();
    struct et_world_renderer *renderer = open_renderer(world, true);
    struct et_world_renderer *other = open_renderer(world, true);
    if (renderer && other) {
        CHECK_OK(et_world_render(renderer, 0, one, &err));
        CHECK_OK(et_world_render(renderer, 1, two, &err));
        CHECK(memcmp(one, two, sizeof one) != 0);
        CHECK_OK(et_world_render(other, 0, three, &err));
        CHECK_OK(et_world_render(renderer, 0, two, &err));
        CHECK(memcmp(one, two, sizeof one) == 0);
        CHECK(memcmp(one, three, sizeof one) == 0);
    }
    et_world_renderer_close(renderer);
    et_world_renderer_close(other);
    close_room(world);
}

static void what_moved_is_seen_at_once_and_looking_changes_nothing(void)
{
    static uint8_t rgb[SIDE * SIDE * 3];
    struct et_world *world = open_room();
    struct et_world_renderer *renderer = open_renderer(world, false);
    if (renderer) {
        world->data->qpos[1] = 0.3; // to the left
        CHECK_OK(et_world_render(renderer, 0, rgb, &err));
        CHECK(!is_red(pixel(rgb, SIDE / 2, SIDE / 2)));
        CHECK(is_red(pixel(rgb, SIDE / 4, SIDE / 2)));
        CHECK_NEAR(world->data->xpos[4], 0, 0);
        CHECK_EQ(world->model->vis.global.offwidth, 64);
        CHECK(world->model->vis.quality.shadowsize > 0);
    }
    et_world_renderer_close(renderer);
    close_room(world);
}

static void a_stain_that_was_wiped_is_gone(void)
{
    static uint8_t rgb[SIDE * SIDE * 3];
    struct et_world *world = open_room();
    struct et_world_renderer *renderer = open_renderer(world, false);
    if (renderer) {
        CHECK_OK(et_world_render(renderer, 1, rgb, &err));
        CHECK(is_blue(pixel(rgb, SIDE / 2, SIDE / 2)));
        world->wiped[0] = 1;
        CHECK_OK(et_world_render(renderer, 1, rgb, &err));
        CHECK(is_red(pixel(rgb, SIDE / 2, SIDE / 2)));
    }
    et_world_renderer_close(renderer);
    close_room(world);
}

static void cameras_go_by_their_places(void)
{
    struct et_world *world = open_room();
    CHECK_EQ(et_world_n_cameras(world), 2);
    CHECK_STR(et_world_camera(world, 0), "head");
    CHECK_STR(et_world_camera(world, 1), "scene");
    struct et_world_renderer *renderer = open_renderer(world, false);
    if (renderer) {
        uint8_t rgb[3] = {0};
        CHECK_EQ(et_world_render(renderer, 2, rgb, &err), ET_EARG);
        CHECK(strchr(et_world_renderer_text(renderer), ','));
    }
    et_world_renderer_close(renderer);
    static const struct et__robot_camera UNKNOWN[] = {{"head", "nose"}};
    robot.cameras = UNKNOWN;
    CHECK_EQ(et_world_renderer_open(&renderer, world, NULL, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "eye.yaml: no camera 'nose'");
    close_room(world);
}

static void sizes_out_of_range_are_refused(void)
{
    static const size_t SIZES[][2] = {{0, 5}, {5, 0}, {4097, 5}, {5, 4097}};
    struct et_world *world = open_room();
    for (size_t i = 0; i < 4; i++) {
        struct et_world_renderer *renderer = NULL;
        const struct et_world_renderer_options options = {SIZES[i][0], SIZES[i][1], false};
        CHECK_EQ(et_world_renderer_open(&renderer, world, &options, &err), ET_EARG);
        CHECK_HAS(err.text, "1 to 4096 a side");
        CHECK(!renderer);
    }
    et_world_renderer_close(NULL);
    close_room(world);
}

static void pictures_need_not_be_square_or_even(void)
{
    static uint8_t rgb[101 * 33 * 3];
    struct et_world *world = open_room();
    const struct et_world_renderer_options options = {101, 33, false};
    struct et_world_renderer *renderer = NULL;
    if (et_world_renderer_open(&renderer, world, &options, &err) == ET_ENOTFOUND) {
        tap_skip("no OpenGL");
    } else {
        CHECK_OK(et_world_render(renderer, 0, rgb, &err));
        CHECK(is_red(rgb + 3 * (16 * 101 + 50)));
    }
    et_world_renderer_close(renderer);
    close_room(world);
}

// A camera at the origin looks along +x, 90° wide and high, from 0.1 to 10 m.
static void near_things_are_drawn_first_and_unseen_ones_not_at_all(void)
{
    static mjvGeom geoms[8], copy[8];
    struct et__seen seen[8];
    static const struct {
        int type;
        float x, y, radius;
    } MADE[] = {
        {mjGEOM_PLANE, 0, 0, 0},        {mjGEOM_SPHERE, 3, 0, .1F},
        {mjGEOM_SPHERE, -1, 0, .1F},    {mjGEOM_SPHERE, 1, 5, .1F},
        {mjGEOM_SPHERE, 1, 1.1F, .1F},  {mjGEOM_SPHERE, 1, 1.2F, .1F},
        {mjGEOM_SPHERE, 10.2F, 0, .1F}, {mjGEOM_SPHERE, .5F, 0, .1F},
    };
    mjvScene scene = {.geoms = geoms, .maxgeom = 8};
    for (int eye = 0; eye < 2; eye++)
        scene.camera[eye] = (mjvGLCamera){.forward = {1, 0, 0},
                                          .up = {0, 0, 1},
                                          .frustum_bottom = -.1F,
                                          .frustum_top = .1F,
                                          .frustum_near = .1F,
                                          .frustum_far = 10};
    for (int i = 0; i < 8; i++)
        geoms[i] = (mjvGeom){.type = MADE[i].type,
                             .objid = i,
                             .pos = {MADE[i].x, MADE[i].y, 0},
                             .size = {MADE[i].radius, MADE[i].radius, MADE[i].radius}};
    scene.ngeom = 8;
    et__view_order(&scene, 1, seen, copy);
    CHECK_EQ(scene.ngeom, 4);
    CHECK_EQ(geoms[0].objid, 7);
    CHECK_EQ(geoms[1].objid, 4); // an edge of it is seen
    CHECK_EQ(geoms[2].objid, 1);
    CHECK_EQ(geoms[3].objid, 0); // the floor
}

static enum et_status open_with(struct et_world *world, const char *library)
{
    const struct et_world_renderer_options options = {SIDE, SIDE, false};
    struct et_world_renderer *renderer = NULL;
    (void)setenv("ETUDE_GL", library, 1);
    const enum et_status st = et_world_renderer_open(&renderer, world, &options, &err);
    CHECK((st == ET_OK) == (renderer != NULL));
    et_world_renderer_close(renderer);
    return st;
}

// Which works depends on the machine; a process stays with the first that did.
static void the_environment_chooses_the_library(void)
{
    static const char *const LIBRARIES[] = {"egl", "osmesa"};
    struct et_world *world = open_room();
    const char *before = getenv("ETUDE_GL");
    char *kept = before ? strdup(before) : NULL;
    int n_working = 0;
    CHECK_EQ(open_with(world, "metal"), ET_EARG);
    CHECK_HAS(err.text, "ETUDE_GL is 'metal': egl or osmesa");
    for (size_t i = 0; i < 2; i++) {
        const enum et_status st = open_with(world, LIBRARIES[i]);
        n_working += st == ET_OK;
        if (st == ET_OK)
            continue;
        CHECK_EQ(st, ET_ENOTFOUND);
        CHECK_HAS(err.text, "not wanted (ETUDE_GL)");
        CHECK_HAS(err.text, "libegl1 libegl-mesa0 libgl1-mesa-dri, or libosmesa6");
    }
    CHECK(n_working <= 1);
    if (kept)
        (void)setenv("ETUDE_GL", kept, 1);
    else
        (void)unsetenv("ETUDE_GL");
    free(kept);
    close_room(world);
}

struct drawer {
    struct et_world *world;
    bool is_skipped;
    int n_wrong;
};

static void *draw_many(void *ctx)
{
    struct drawer *d = ctx;
    struct et_world_renderer *renderer = NULL;
    struct et_err why = {0};
    const struct et_world_renderer_options options = {SIDE, SIDE, false};
    uint8_t *first = calloc(2, (size_t)SIDE * SIDE * 3), *next = first + (size_t)SIDE * SIDE * 3;
    for (int round = 0; round < 4 && !d->is_skipped; round++) {
        const enum et_status st = et_world_renderer_open(&renderer, d->world, &options, &why);
        d->is_skipped = st == ET_ENOTFOUND;
        d->n_wrong += st != ET_OK;
        for (int i = 0; st == ET_OK && i < 40; i++) {
            d->n_wrong += et_world_render(renderer, 0, i + round ? next : first, &why) != ET_OK;
            d->n_wrong += i + round && memcmp(first, next, (size_t)SIDE * SIDE * 3) != 0;
        }
        et_world_renderer_close(renderer);
    }
    free(first);
    return NULL;
}

static void threads_draw_side_by_side(void)
{
    struct drawer drawers[3] = {0};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        drawers[i].world = open_room();
        CHECK_EQ(pthread_create(&threads[i], NULL, draw_many, &drawers[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
        close_room(drawers[i].world);
        CHECK(drawers[i].is_skipped || drawers[i].n_wrong == 0);
    }
    if (drawers[0].is_skipped)
        tap_skip("no OpenGL");
}

int main(void)
{
    RUN(a_red_box_is_red_and_where_it_is);
    RUN(depth_is_in_metres_along_the_camera_s_axis);
    RUN(the_same_state_is_the_same_bytes);
    RUN(what_moved_is_seen_at_once_and_looking_changes_nothing);
    RUN(a_stain_that_was_wiped_is_gone);
    RUN(cameras_go_by_their_places);
    RUN(sizes_out_of_range_are_refused);
    RUN(pictures_need_not_be_square_or_even);
    RUN(near_things_are_drawn_first_and_unseen_ones_not_at_all);
    RUN(the_environment_chooses_the_library);
    RUN(threads_draw_side_by_side);
    return tap_end();
}
