#include "record/record__live_cameras.h"

#include "record/record__record.h"
#include "record/record__worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MESSAGE_BYTES_MAX ((size_t)16 << 20)
#define NICE 10 // whatever else wants a processor has it first

/* Of an attempt, what its pictures need to know. */
struct attempt {
    uint64_t number; // from 1
    uint64_t seed;
    enum et_tier tier;
    int64_t t0_ns;
};

/* What is drawn together. Filled by the thread that steps, then the worker's until it comes back.
 */
struct moment {
    struct attempt attempt;
    void *state; // of the world: its snapshot
    int64_t t_device_ns[ET__CAMERAS_MAX], t_arrival_ns[ET__CAMERAS_MAX];
    struct et_buf messages[ET__CAMERAS_MAX]; // what the worker makes
};

struct camera {
    size_t i; // of the world's
    char *topic;
    uint16_t stream;
    struct et__device device;
    struct et_video_coder *coder; // the worker's
};

struct et__live_cameras {
    struct et__live_cameras_options options;
    struct et__worker *worker;
    struct camera cameras[ET__CAMERAS_MAX];
    size_t n_cameras;
    struct attempt attempt;
    int64_t t_next_ns; // of the world: when pictures are due
    struct moment moments[ET__LIVE_CAMERAS_MOMENTS];
    size_t n_moments; // that lie in slots

    // The worker's.
    struct et_world *world;
    struct et_world_renderer *renderer;
    uint8_t *rgb;
    int width_px, height_px;
    uint64_t of_attempt; // that its world was reset for
};

/* ---- the worker's thread ---- */

static enum et_status open_renderer(void *ctx, struct et_err *err)
{
    struct et__live_cameras *c = ctx;
    // On Linux, of this thread alone.
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICE);
    const enum et_status st = et_world_renderer_open(&c->renderer, c->world, NULL, err);
    if (st != ET_OK)
        return st;
    et_world_renderer_size(c->renderer, &c->width_px, &c->height_px);
    c->rgb = malloc(3 * (size_t)c->width_px * (size_t)c->height_px);
    return c->rgb ? ET_OK : et_fail(err, ET_ENOMEM, -1, "no memory for pictures");
}

static void close_renderer(void *ctx)
{
    struct et__live_cameras *c = ctx;
    et_world_renderer_close(c->renderer);
}

// Its films begin with a key frame, whatever was before.
static enum et_status begin_attempt(struct et__live_cameras *c, const struct attempt *attempt,
                                    struct et_err *err)
{
    enum et_status st = et_world_reset(c->world, attempt->seed, attempt->tier, err);
    for (size_t k = 0; k < c->n_cameras && st == ET_OK; k++) {
        et_video_coder_close(c->cameras[k].coder);
        c->cameras[k].coder = NULL;
        st = et__camera_coder(&c->cameras[k].coder, c->width_px, c->height_px, ET__LIVE_CAMERAS_FPS,
                              err);
    }
    c->of_attempt = attempt->number;
    return st;
}

static enum et_status draw(struct et__live_cameras *c, struct moment *m, size_t k,
                           struct et_err *err)
{
    struct camera *camera = &c->cameras[k];
    struct et_str unit;
    enum et_status st = et_world_render(c->renderer, camera->i, c->rgb, err);
    if (st == ET_OK)
        st = et_video_coder_put(camera->coder, c->rgb, &unit, err);
    if (st != ET_OK)
        return st;
    et_buf_clear(&m->messages[k]);
    struct et_cdr w = et_cdr_begin(&m->messages[k]);
    et_cdr_time(&w, m->t_device_ns[k]);
    et_cdr_text(&w, et_str(et_world_camera(c->world, camera->i)));
    et__camera_unit(&w, unit);
    return et_buf_check(&m->messages[k], camera->topic, err);
}

static enum et_status draw_all(void *ctx, void *slot, struct et_err *err)
{
    struct et__live_cameras *c = ctx;
    struct moment *m = *(struct moment **)slot;
    enum et_status st = ET_OK;
    if (c->options.on_draw)
        c->options.on_draw(c->options.ctx);
    if (m->attempt.number != c->of_attempt)
        st = begin_attempt(c, &m->attempt, err);
    if (st == ET_OK)
        et_world_restore(c->world, m->state);
    for (size_t k = 0; k < c->n_cameras && st == ET_OK; k++)
        st = draw(c, m, k, err);
    return st;
}

/* ---- opening ---- */

static enum et_status find_cameras(struct et__live_cameras *c, struct et_err *err)
{
    for (size_t i = 0; i < et_world_n_cameras(c->world); i++) {
        if (!et__camera_is_own(et_world_camera(c->world, i)))
            continue;
        if (c->n_cameras == ET__CAMERAS_MAX)
            return et_fail(err, ET_ELIMIT, -1, "%s has more than %d cameras",
                           et_world_robot(c->world), ET__CAMERAS_MAX);
        struct camera *camera = &c->cameras[c->n_cameras++];
        camera->i = i;
        camera->topic = et__camera_topic(et_world_camera(c->world, i));
        if (!camera->topic)
            return et_fail(err, ET_ENOMEM, -1, "no memory for a camera");
    }
    return ET_OK;
}

static enum et_status open_moments(struct et__live_cameras *c, struct et_err *err)
{
    for (size_t i = 0; i < ET__LIVE_CAMERAS_MOMENTS; i++) {
        struct moment *m = &c->moments[i];
        m->state = malloc(et_world_snapshot_bytes(c->world));
        if (!m->state)
            return et_fail(err, ET_ENOMEM, -1, "no memory for a world's states");
        for (size_t k = 0; k < ET__CAMERAS_MAX; k++)
            m->messages[k] = et_buf(MESSAGE_BYTES_MAX);
    }
    return ET_OK;
}

enum et_status et__live_cameras_open(struct et__live_cameras **cameras,
                                     const struct et__live_cameras_options *options,
                                     struct et_err *err)
{
    *cameras = NULL;
    struct et__live_cameras *c = calloc(1, sizeof *c);
    if (!c)
        return et_fail(err, ET_ENOMEM, -1, "no memory for cameras");
    c->options = *options;
    const struct et__worker_options how = {.n_slots = ET__LIVE_CAMERAS_MOMENTS,
                                           .slot_bytes = sizeof(struct moment *),
                                           .open = open_renderer,
                                           .work = draw_all,
                                           .shut = close_renderer,
                                           .ctx = c};
    enum et_status st = et_world_open(&c->world, &options->world, err);
    if (st == ET_OK)
        st = find_cameras(c, err);
    if (st == ET_OK)
        st = open_moments(c, err);
    if (st == ET_OK)
        st = et__worker_open(&c->worker, &how, err);
    if (st != ET_OK) {
        et__live_cameras_close(c);
        return st;
    }
    *cameras = c;
    return ET_OK;
}

void et__live_cameras_close(struct et__live_cameras *c)
{
    if (!c)
        return;
    et__worker_close(c->worker);
    for (size_t k = 0; k < c->n_cameras; k++) {
        et_video_coder_close(c->cameras[k].coder);
        free(c->cameras[k].topic);
    }
    for (size_t i = 0; i < ET__LIVE_CAMERAS_MOMENTS; i++) {
        free(c->moments[i].state);
        for (size_t k = 0; k < ET__CAMERAS_MAX; k++)
            et_buf_free(&c->moments[i].messages[k]);
    }
    et_world_close(c->world);
    free(c->rgb);
    free(c);
}

/* ---- at work ---- */

enum et_status et__live_cameras_begin(struct et__live_cameras *c, uint64_t seed, enum et_tier tier,
                                      int64_t t0_ns, struct et_err *err)
{
    c->attempt = (struct attempt){c->attempt.number + 1, seed, tier, t0_ns};
    c->t_next_ns = 0;
    for (size_t k = 0; k < c->n_cameras; k++) {
        struct camera *camera = &c->cameras[k];
        camera->device =
            et__device_at_best((enum et__device_name)(ET__DEVICE_CAMERA + k), t0_ns, seed);
        const enum et_status st =
            et_feed_add_type(c->options.feed, camera->topic, ET__CAMERA_TYPE, "world",
                             ET__LIVE_CAMERAS_FPS, &camera->stream, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

// A slot comes round and has its moment from the first time.
static struct moment *next_moment(struct et__live_cameras *c)
{
    struct moment **slot = et__worker_slot(c->worker);
    if (slot && !*slot)
        *slot = &c->moments[c->n_moments++];
    return slot ? *slot : NULL;
}

void et__live_cameras_step(struct et__live_cameras *c, struct et_world *world)
{
    const int64_t t_ns = et_world_time_ns(world);
    if (t_ns < c->t_next_ns)
        return;
    c->t_next_ns += INT64_C(1000000000) / ET__LIVE_CAMERAS_FPS;
    struct moment *m = next_moment(c);
    if (!m) {
        for (size_t k = 0; k < c->n_cameras; k++)
            et_feed_lost(c->options.feed, c->cameras[k].stream, 1);
        return;
    }
    m->attempt = c->attempt;
    et_world_save(world, m->state);
    for (size_t k = 0; k < c->n_cameras; k++) {
        struct et__device *device = &c->cameras[k].device;
        m->t_device_ns[k] = et__device_stamp(device, t_ns);
        m->t_arrival_ns[k] = c->attempt.t0_ns + et__device_arrival(device, t_ns);
    }
    et__worker_give(c->worker);
}

static void put(struct et__live_cameras *c, const struct moment *m)
{
    for (size_t k = 0; k < c->n_cameras; k++) // what finds no room is counted there
        (void)et_feed_put(c->options.feed,
                          &(struct et_feed_sample){.t_arrival_ns = m->t_arrival_ns[k],
                                                   .t_device_ns = m->t_device_ns[k],
                                                   .stream = c->cameras[k].stream,
                                                   .n_bytes = (uint32_t)m->messages[k].n,
                                                   .bytes = m->messages[k].p});
}

enum et_status et__live_cameras_take(struct et__live_cameras *c, struct et_err *err)
{
    void *slot;
    enum et_status st;
    while ((st = et__worker_take(c->worker, &slot, err)) != ET_AGAIN) {
        if (st == ET_OK)
            put(c, *(struct moment **)slot);
        et__worker_done(c->worker);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

size_t et__live_cameras_n_under_way(const struct et__live_cameras *c)
{
    return et__worker_n_given(c->worker);
}

int et__live_cameras_fd(const struct et__live_cameras *c)
{
    return et__worker_fd(c->worker);
}
