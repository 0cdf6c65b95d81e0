/* World camera: pictures of a virtual centre, without a screen.
 *
 * OpenGL comes through EGL (Mesa, surfaceless) or, where there is none, OSMesa; both are looked for
 * when the first camera is opened, so that neither is needed to run a world. ETUDE_GL=egl or osmesa
 * in the environment admits only that one; a process stays with the first that worked. Opening sets
 * LP_NUM_THREADS to 0 in the environment unless it is set already: Mesa's own threads make small
 * pictures dearer.
 *
 * A picture shows what is seen: geoms and sites of MuJoCo's groups 0 to 2, no stain that was wiped
 * away. Edges are not smoothed; who wants that draws larger and scales down. Looking changes
 * nothing in the world, and the same state gives the same bytes.
 *
 * Threads: one renderer belongs to the thread that opened it. Where pictures are drawn in software,
 *          those of a process are drawn one at a time: use one process a core for more.
 * Memory:  a renderer holds its buffers; rendering allocates nothing. */
#ifndef ETUDE_WORLD_CAMERA_H
#define ETUDE_WORLD_CAMERA_H

#include "etude/world.h"

#define ET_WORLD_CAMERA_SIDE_MAX 4096

struct et_world_renderer;

struct et_world_renderer_options {
    size_t width, height; // both 0: 640 × 480
    bool has_shadows;     // two to four times slower
};

/* Opens for the worlds of one skill and robot. ET_ENOTFOUND: neither EGL nor OSMesa works; the text
 * says why and names the packages. ET_EARG: one side of 0, or more than 4096; ETUDE_GL is no such
 * word. ET_ECORRUPT: the robot's file names a camera that its model has not; MuJoCo's words.
 * ET_EUNSUPPORTED: built without MuJoCo. The world must outlive the renderer; options NULL: all
 * default. */
ET_MUST_USE ET_API enum et_status
et_world_renderer_open(struct et_world_renderer **renderer, struct et_world *world,
                       const struct et_world_renderer_options *options, struct et_err *err);
ET_API void et_world_renderer_close(struct et_world_renderer *renderer); // NULL is allowed

/* Of its pictures, px. */
ET_API void et_world_renderer_size(const struct et_world_renderer *renderer, int *width,
                                   int *height);

/* "EGL, llvmpipe (LLVM 15.0.6, 256 bits)", for a person. */
ET_API const char *et_world_renderer_text(const struct et_world_renderer *renderer);

/* Cameras by place: "head", "left_wrist", "right_wrist", "scene". */
ET_API size_t et_world_n_cameras(const struct et_world *world);
ET_API const char *et_world_camera(const struct et_world *world, size_t i);

/* What camera i sees now: RGB rows from the top, width × height × 3 bytes. ET_EARG: no camera i.
 * ET_EIO: the context is lost. */
ET_MUST_USE ET_API enum et_status et_world_render(struct et_world_renderer *renderer, size_t i,
                                                  uint8_t *rgb, struct et_err *err);

/* The same as depth along the camera's axis, m, width × height; infinity where there is nothing. */
ET_MUST_USE ET_API enum et_status et_world_render_depth(struct et_world_renderer *renderer,
                                                        size_t i, float *depth_m,
                                                        struct et_err *err);

#endif
