/* Built without MuJoCo: there is no world to look at. */
#include "etude/world_camera.h"

enum et_status et_world_renderer_open(struct et_world_renderer **renderer, struct et_world *world,
                                      const struct et_world_renderer_options *options,
                                      struct et_err *err)
{
    (void)world;
    (void)options;
    *renderer = NULL;
    return et_fail(err, ET_EUNSUPPORTED, -1, "built without MuJoCo");
}

void et_world_renderer_close(struct et_world_renderer *renderer)
{
    (void)renderer;
}

void et_world_renderer_size(const struct et_world_renderer *renderer, int *width, int *height)
{
    (void)renderer;
    *width = *height = 0;
}

const char *et_world_renderer_text(const struct et_world_renderer *renderer)
{
    (void)renderer;
    return "";
}

size_t et_world_n_cameras(const struct et_world *world)
{
    (void)world;
    return 0;
}

const char *et_world_camera(const struct et_world *world, size_t i)
{
    (void)world;
    (void)i;
    return "";
}

enum et_status et_world_render(struct et_world_renderer *renderer, size_t i, uint8_t *rgb,
                               struct et_err *err)
{
    (void)renderer;
    (void)i;
    (void)rgb;
    return et_fail(err, ET_EUNSUPPORTED, -1, "built without MuJoCo");
}

enum et_status et_world_render_depth(struct et_world_renderer *renderer, size_t i, float *depth_m,
                                     struct et_err *err)
{
    (void)renderer;
    (void)i;
    (void)depth_m;
    return et_fail(err, ET_EUNSUPPORTED, -1, "built without MuJoCo");
}
