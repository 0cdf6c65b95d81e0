/* The cameras of a live world, drawn and coded on a thread of their own: a picture takes longer
 * than whoever steps the world, and polls its neighbours, may be kept.
 *
 * A world belongs to one thread, so the worker has one of its own: reset as the other was, and set
 * to the state of each moment that it draws. What comes back is put by the thread that steps, in
 * the order of time, with the stamps of the moment that it shows. Where the worker does not follow,
 * pictures of some moments are not drawn, and counted (et_feed_lost).
 *
 * Threads: one thread's, that of the feed; on_draw runs on the worker's.
 * Memory:  a handle: ET__LIVE_CAMERAS_MOMENTS states and pictures under way. */
#ifndef ETUDE_RECORD__LIVE_CAMERAS_H
#define ETUDE_RECORD__LIVE_CAMERAS_H

#include "etude/feed.h"
#include "etude/world.h"

#define ET__LIVE_CAMERAS_MOMENTS 8 // a quarter of a second
#define ET__LIVE_CAMERAS_FPS 30

struct et__live_cameras;

struct et__live_cameras_options {
    struct et_world_options world; // as the one was opened whose cameras they are
    struct et_feed *feed;          // outlives them
    void (*on_draw)(void *ctx);    // before the pictures of a moment; NULL
    void *ctx;
};

/* Opens the worker's world, and OpenGL. Errors as et_world_open and et_world_renderer_open,
 * et__worker_open, et_video_coder_open. */
ET_MUST_USE enum et_status et__live_cameras_open(struct et__live_cameras **cameras,
                                                 const struct et__live_cameras_options *options,
                                                 struct et_err *err);
/* Waits for the pictures that are being drawn; those behind them are not. NULL is allowed. */
void et__live_cameras_close(struct et__live_cameras *cameras);

/* An attempt begins: the world was reset so, and its time 0 is t0_ns. Announces the streams, the
 * first time. Errors as et_feed_add_type. */
ET_MUST_USE enum et_status et__live_cameras_begin(struct et__live_cameras *cameras, uint64_t seed,
                                                  enum et_tier tier, int64_t t0_ns,
                                                  struct et_err *err);

/* The world has stepped, or was reset: what is due now will be drawn. */
void et__live_cameras_step(struct et__live_cameras *cameras, struct et_world *world);

/* Puts what has been drawn into the feed. A failure is the worker's: as et_world_reset,
 * et_world_render and et_video_coder_put. */
ET_MUST_USE enum et_status et__live_cameras_take(struct et__live_cameras *cameras,
                                                 struct et_err *err);

size_t et__live_cameras_n_under_way(const struct et__live_cameras *cameras); // moments
int et__live_cameras_fd(const struct et__live_cameras *cameras); // readable: there is one to take

#endif
