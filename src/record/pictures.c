#include "record/record__pictures.h"
#include "record/record__worker.h"

#include "etude/cdr.h"
#include "etude/clock.h"
#include "etude/json.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BYTES_MAX ((size_t)512 << 20)
#define MORE_BYTES ((size_t)4 << 10)        // of a message, beside its picture
#define SCHEMA_BYTES_MAX ((size_t)64 << 10) // an Image's has 2 KB
#define FPS 30
#define START_NS (2 * ET_NS_PER_S) // from start to start, in the time of arrival
#define START_S 2
#define END_NS ET_NS_PER_S
#define NO_STREAM UINT16_MAX // a feed has no so many

enum what { FILM, DEPTH, N_WHATS };

static const struct {
    const char *ending, *type;
} CODED[N_WHATS] = {
    [FILM] = {"/video", "foxglove_msgs/msg/CompressedVideo"},
    [DEPTH] = {"/compressedDepth", "sensor_msgs/msg/CompressedImage"},
};

// What a camera's events are about: each is told once.
enum trouble { NOT_CODED, NO_PICTURE, NO_ROOM, TOO_FAST, FAILED, NO_TOPIC };

// A picture under way. Its views are into `message`.
struct job {
    struct et__picture picture;
    struct et_buf message, coded;
    int64_t t_arrival_ns, t_device_ns;
    uint16_t stream;
    size_t n_counted; // bytes of `coded`, there or to come, that its owner knows of
};

struct slot {
    struct job *job;
};

// What a coder is opened for.
struct form {
    bool is_depth;
    enum et_video_pixels pixels;
    int width_px, height_px;
    size_t step_bytes;
};

struct camera {
    struct et__pictures *owner;
    struct et__pictures_camera about; // texts owned
    struct et__worker *worker;
    struct job jobs[ET__PICTURES_SLOTS];
    size_t n_jobs; // that a slot has

    // Of the thread that puts.
    uint16_t raw, coded[N_WHATS], last; // streams, or NO_STREAM
    uint64_t n_lost;                    // before there was any
    unsigned told;                      // a bit a trouble
    bool has_refused;
    struct form refused; // that failed to be coded

    // Of the worker's.
    struct et_video_coder *coder;
    struct form opened;
    int64_t t_start_ns;
    int n_since_start;
    uint16_t *values; // of depth
    size_t n_values;
};

struct et__pictures {
    struct et__pictures_options options;
    int fd;
    struct camera *cameras[ET__PICTURES_CAMERAS_MAX];
    size_t n_cameras;
    size_t n_bytes; // of what is under way, or was
};

static struct form form_of(const struct et__picture *p)
{
    return (struct form){p->is_depth, p->pixels, p->width_px, p->height_px, p->step_bytes};
}

static bool is_same_form(const struct form *a, const struct form *b)
{
    return a->is_depth == b->is_depth && a->pixels == b->pixels && a->width_px == b->width_px &&
           a->height_px == b->height_px && a->step_bytes == b->step_bytes;
}

/* ---- coding, on a worker's thread ---- */

static enum et_status have_coder(struct camera *c, const struct job *job, struct et_err *err)
{
    const struct form form = form_of(&job->picture);
    const int fps = c->about.fps ? c->about.fps : FPS;
    if (c->coder && is_same_form(&c->opened, &form)) {
        if (c->n_since_start >= START_S * fps || job->t_arrival_ns - c->t_start_ns >= START_NS) {
            et_video_coder_start(c->coder);
            c->n_since_start = 0;
        }
    } else {
        et_video_coder_close(c->coder);
        c->coder = NULL;
        c->n_since_start = 0;
        const enum et_status st =
            et_video_coder_open(&c->coder,
                                &(struct et_video_coder_options){.width_px = form.width_px,
                                                                 .height_px = form.height_px,
                                                                 .fps = fps,
                                                                 .gop = START_S * fps,
                                                                 .qp = c->owner->options.qp,
                                                                 .pixels = form.pixels,
                                                                 .step_bytes = form.step_bytes},
                                err);
        if (st != ET_OK)
            return st;
        c->opened = form;
    }
    if (c->n_since_start++ == 0)
        c->t_start_ns = job->t_arrival_ns;
    return ET_OK;
}

static enum et_status code_film(struct camera *c, struct job *job, struct et_err *err)
{
    struct et_str unit;
    enum et_status st = have_coder(c, job, err);
    if (st == ET_OK)
        st = et_video_coder_put(c->coder, (const uint8_t *)job->picture.data.p, &unit, err);
    if (st != ET_OK) {
        et_video_coder_close(c->coder);
        c->coder = NULL;
        return st;
    }
    job->coded.limit = unit.n + job->picture.frame_id.n + MORE_BYTES;
    struct et_cdr w = et_cdr_begin(&job->coded);
    et_cdr_i32(&w, job->picture.stamp_s);
    et_cdr_u32(&w, job->picture.stamp_ns);
    et_cdr_text(&w, job->picture.frame_id);
    et_cdr_bytes(&w, unit.p, unit.n);
    et_cdr_text(&w, ET_STR("h264"));
    return et_buf_check(&job->coded, "a coded picture", err);
}

// What coding needs for its result: RVL has room for the worst, H.264 is never large.
static size_t n_coded(const struct et__picture *p)
{
    return p->is_depth ? 4 * (size_t)p->width_px * (size_t)p->height_px + p->frame_id.n + MORE_BYTES
                       : 0;
}

static enum et_status code_depth(struct camera *c, struct job *job, struct et_err *err)
{
    const size_t n = (size_t)job->picture.width_px * (size_t)job->picture.height_px;
    if (n > c->n_values) {
        free(c->values);
        c->n_values = 0;
        c->values = malloc(n * sizeof *c->values);
        if (!c->values)
            return et_fail(err, ET_ENOMEM, -1, "no memory for a depth picture");
        c->n_values = n;
    }
    job->coded.limit = n_coded(&job->picture);
    et__picture_put_depth(&job->coded, &job->picture, c->values);
    return et_buf_check(&job->coded, "a depth picture", err);
}

static enum et_status work(void *ctx, void *slot, struct et_err *err)
{
    struct job *job = ((struct slot *)slot)->job;
    et_buf_clear(&job->coded);
    return job->picture.is_depth ? code_depth(ctx, job, err) : code_film(ctx, job, err);
}

/* ---- what is told ---- */

static void tell(struct camera *c, enum trouble trouble, const char *fmt, ...) ET_PRINTF(3, 4);
static void tell(struct camera *c, enum trouble trouble, const char *fmt, ...)
{
    const struct et__pictures *p = c->owner;
    struct et_buf text = et_buf(4096), value = et_buf(4096);
    struct et_json_writer w = {.buf = &value};
    va_list args;
    if (c->told >> trouble & 1)
        return;
    c->told |= 1u << trouble;
    et_buf_printf(&text, "%s: ", c->about.raw.topic);
    va_start(args, fmt);
    et_buf_vprintf(&text, fmt, args);
    va_end(args);
    et_json_open_map(&w);
    et_json_put_text(&w, "topic", c->about.raw.topic);
    et_json_close_map(&w);
    (void)et_feed_event(p->options.feed, "source.warning", p->options.device, et_buf_text(&text),
                        et_buf_text(&value));
    et_buf_free(&text);
    et_buf_free(&value);
}

/* ---- streams ---- */

static void count_lost(struct camera *c, uint64_t n)
{
    c->n_lost += n;
    if (c->last == NO_STREAM)
        return;
    et_feed_lost(c->owner->options.feed, c->last, c->n_lost);
    c->n_lost = 0;
}

// That a picture goes to; what was lost before it was there is counted now.
static void go_to(struct camera *c, uint16_t stream)
{
    c->last = stream;
    if (c->n_lost > 0)
        count_lost(c, 0);
}

static enum et_status have_coded(struct camera *c, enum what what, uint16_t *stream,
                                 struct et_err *err)
{
    const struct et_feed_stream *raw = &c->about.raw;
    *stream = raw->topic ? c->coded[what] : c->about.coded;
    if (*stream != NO_STREAM)
        return ET_OK;
    struct et_buf topic = et_buf((size_t)4 * ET_NAME_BYTES_MAX);
    et_buf_printf(&topic, "%s%s%s", c->about.topic ? c->about.topic : raw->topic,
                  CODED[what].ending, c->about.place ? c->about.place : "");
    enum et_status st = et_buf_check(&topic, "a topic's name", err);
    if (st == ET_OK)
        st = et_feed_add_type(c->owner->options.feed, et_buf_text(&topic), CODED[what].type,
                              raw->device, raw->rate_hz, stream, err);
    et_buf_free(&topic);
    if (st == ET_OK)
        c->coded[what] = *stream;
    return st;
}

static void put_raw(struct camera *c, struct et_str message, int64_t t_arrival_ns,
                    int64_t t_device_ns)
{
    struct et_feed *feed = c->owner->options.feed;
    struct et_err why = {0};
    if (c->raw == NO_STREAM) {
        uint16_t stream;
        if (et_feed_add(feed, &c->about.raw, &stream, &why) != ET_OK) {
            tell(c, NO_TOPIC, "it is not recorded as a whole: %s", why.text);
            count_lost(c, 1);
            return;
        }
        c->raw = stream;
    }
    go_to(c, c->raw);
    (void)et_feed_put(feed, &(struct et_feed_sample){.t_arrival_ns = t_arrival_ns,
                                                     .t_device_ns = t_device_ns,
                                                     .stream = c->raw,
                                                     .n_bytes = (uint32_t)message.n,
                                                     .bytes = message.p});
}

/* ---- taking back ---- */

// What failed to be coded is not tried again as long as it looks the same.
static void refuse(struct camera *c, const struct job *job, const struct et_err *why)
{
    c->refused = form_of(&job->picture);
    c->has_refused = why->status != ET_ENOMEM;
    tell(c, FAILED, "pictures are stored as they come: %s", why->text);
    put_raw(c, et_buf_str(&job->message), job->t_arrival_ns, job->t_device_ns);
}

static enum et_status take_of(struct camera *c, struct et_err *err)
{
    struct et__pictures *p = c->owner;
    enum et_status result = ET_OK, st;
    struct et_err why = {0};
    void *slot;
    while ((st = et__worker_take(c->worker, &slot, &why)) != ET_AGAIN) {
        struct job *job = ((const struct slot *)slot)->job;
        if (job->coded.cap > job->n_counted) {
            p->n_bytes += job->coded.cap - job->n_counted;
            job->n_counted = job->coded.cap;
        }
        if (st == ET_OK) {
            (void)et_feed_put(p->options.feed,
                              &(struct et_feed_sample){.t_arrival_ns = job->t_arrival_ns,
                                                       .t_device_ns = job->t_device_ns,
                                                       .stream = job->stream,
                                                       .n_bytes = (uint32_t)job->coded.n,
                                                       .bytes = job->coded.p});
        } else if (c->about.raw.topic) {
            refuse(c, job, &why);
        } else {
            count_lost(c, 1);
            result = st;
            if (err)
                *err = why;
        }
        et__worker_done(c->worker);
    }
    return result;
}

/* ---- giving ---- */

/* Copies a message to where a job keeps it, as far as all of them together may have, with what they
 * become. */
static enum et_status keep(struct et__pictures *p, struct job *job, struct et_str message,
                           const struct et__picture *picture, struct et_err *err)
{
    struct et_buf *to = &job->message;
    const size_t n_before = to->cap, n_result = n_coded(picture) + 1;
    const size_t n_more = (message.n >= n_before ? message.n + 1 - n_before : 0) +
                          (n_result > job->n_counted ? n_result - job->n_counted : 0);
    const size_t n_max = p->options.bytes_max ? p->options.bytes_max : BYTES_MAX;
    if (n_more > n_max || p->n_bytes > n_max - n_more)
        return et_fail(err, ET_ELIMIT, -1, "pictures under way have %zu bytes already", p->n_bytes);
    to->limit = message.n;
    et_buf_clear(to);
    et_buf_put(to, message.p, message.n);
    p->n_bytes += to->cap - n_before;
    if (to->status == ET_OK && n_result > job->n_counted) {
        p->n_bytes += n_result - job->n_counted;
        job->n_counted = n_result;
    }
    return et_buf_check(to, "a picture", err);
}

// The same view of a copy.
static struct et_str moved(struct et_str view, const char *from, const char *to)
{
    return view.n > 0 ? (struct et_str){to + (view.p - from), view.n} : view;
}

/* ET_AGAIN: all slots are taken; c->last is where it would have gone. */
static enum et_status give(struct camera *c, struct et_str message,
                           const struct et__picture *picture, int64_t t_arrival_ns,
                           int64_t t_device_ns, struct et_err *err)
{
    uint16_t stream;
    enum et_status st = have_coded(c, picture->is_depth ? DEPTH : FILM, &stream, err);
    if (st != ET_OK)
        return st;
    struct slot *slot = et__worker_slot(c->worker);
    if (!slot && c->about.raw.topic) { // who takes may have something else to do
        (void)!take_of(c, NULL);
        slot = et__worker_slot(c->worker);
    }
    go_to(c, stream);
    if (!slot)
        return ET_AGAIN;
    if (!slot->job) {
        assert(c->n_jobs < ET__PICTURES_SLOTS);
        slot->job = &c->jobs[c->n_jobs++];
    }
    struct job *job = slot->job;
    st = keep(c->owner, job, message, picture, err);
    if (st != ET_OK)
        return st;
    job->picture = *picture;
    job->picture.data = moved(picture->data, message.p, job->message.p);
    if (c->about.raw.topic) // a device's frame is its name
        job->picture.frame_id = moved(picture->frame_id, message.p, job->message.p);
    job->t_arrival_ns = t_arrival_ns;
    job->t_device_ns = t_device_ns;
    job->stream = stream;
    et__worker_give(c->worker);
    return ET_OK;
}

void et__pictures_put(struct et__pictures *p, size_t camera, struct et_str message,
                      int64_t t_arrival_ns, int64_t t_device_ns)
{
    struct camera *c = p->cameras[camera];
    struct et__picture picture;
    struct et_err why = {0};
    enum et_status st = et__picture_read(message, &picture, &why);
    const struct form form = form_of(&picture);
    // Those before it come back from the worker first.
    if (st == ET_OK && c->has_refused && is_same_form(&c->refused, &form) &&
        et__worker_n_given(c->worker) == 0) {
        put_raw(c, message, t_arrival_ns, t_device_ns);
        return;
    }
    const bool is_coded = st == ET_OK;
    if (is_coded)
        st = give(c, message, &picture, t_arrival_ns, t_device_ns, &why);
    if (st == ET_OK)
        return;
    if (st == ET_AGAIN) {
        count_lost(c, 1);
        tell(c, TOO_FAST, "pictures come faster than they are coded: some are lost");
        return;
    }
    if (is_coded)
        tell(c, NO_ROOM, "pictures are stored as they come: %s", why.text);
    else if (st == ET_EUNSUPPORTED)
        tell(c, NOT_CODED, "pictures are stored as they come, %s are not coded", why.text);
    else
        tell(c, NO_PICTURE, "what comes is stored as it comes: %s", why.text);
    put_raw(c, message, t_arrival_ns, t_device_ns);
}

enum et_status et__pictures_put_shot(struct et__pictures *p, size_t camera,
                                     const struct et__picture *picture, int64_t t_arrival_ns,
                                     int64_t t_device_ns, struct et_err *err)
{
    return give(p->cameras[camera], picture->data, picture, t_arrival_ns, t_device_ns, err);
}

void et__pictures_lost(struct et__pictures *p, size_t camera, uint64_t n)
{
    count_lost(p->cameras[camera], n);
}

enum et_status et__pictures_take(struct et__pictures *p, struct et_err *err)
{
    enum et_status result = ET_OK;
    for (size_t i = 0; i < p->n_cameras; i++) {
        const enum et_status st = take_of(p->cameras[i], err);
        result = st != ET_OK ? st : result;
    }
    return result;
}

size_t et__pictures_n_under_way(const struct et__pictures *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_cameras; i++)
        n += et__worker_n_given(p->cameras[i]->worker);
    return n;
}

int et__pictures_fd(const struct et__pictures *p)
{
    return p->fd;
}

enum et_status et__pictures_watch(struct et__pictures *p, int fd, struct et_err *err)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &event) == 0 || errno == EEXIST
               ? ET_OK
               : et_fail_sys(err, errno, "cannot wait for pictures");
}

/* ---- cameras ---- */

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_camera(const struct et__pictures_camera *a, const struct et__pictures_camera *b)
{
    const struct et_feed_stream *x = &a->raw, *y = &b->raw;
    return x->topic && y->topic && strcmp(x->topic, y->topic) == 0 &&
           is_same_text(x->type, y->type) && et_str_eq(x->schema, y->schema) &&
           is_same_text(x->schema_encoding, y->schema_encoding) &&
           is_same_text(x->message_encoding, y->message_encoding) &&
           is_same_text(x->device, y->device) && is_same_text(x->qos, y->qos) &&
           is_same_text(a->topic, b->topic) && is_same_text(a->place, b->place);
}

static void drop_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void free_camera(struct camera *c)
{
    et__worker_close(c->worker);
    for (size_t i = 0; i < c->n_jobs; i++) {
        et_buf_free(&c->jobs[i].message);
        et_buf_free(&c->jobs[i].coded);
    }
    et_video_coder_close(c->coder);
    free(c->values);
    drop_text(c->about.raw.topic);
    drop_text(c->about.raw.type);
    drop_text(c->about.raw.schema.p);
    drop_text(c->about.raw.schema_encoding);
    drop_text(c->about.raw.message_encoding);
    drop_text(c->about.raw.device);
    drop_text(c->about.raw.qos);
    drop_text(c->about.topic);
    drop_text(c->about.place);
    free(c);
}

// false: no memory.
static bool copy_text(const char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

static bool copy_about(struct et__pictures_camera *to, const struct et__pictures_camera *from)
{
    const struct et_feed_stream *raw = &from->raw;
    *to = (struct et__pictures_camera){
        .coded = from->coded, .fps = from->fps, .raw.rate_hz = raw->rate_hz};
    if (raw->schema.n > 0) {
        char *schema = malloc(raw->schema.n);
        if (!schema)
            return false;
        memcpy(schema, raw->schema.p, raw->schema.n);
        to->raw.schema = (struct et_str){schema, raw->schema.n};
    }
    return copy_text(&to->raw.topic, raw->topic) && copy_text(&to->raw.type, raw->type) &&
           copy_text(&to->raw.schema_encoding, raw->schema_encoding) &&
           copy_text(&to->raw.message_encoding, raw->message_encoding) &&
           copy_text(&to->raw.device, raw->device) && copy_text(&to->raw.qos, raw->qos) &&
           copy_text(&to->topic, from->topic) && copy_text(&to->place, from->place);
}

static enum et_status open_camera(struct camera *c, const struct et__pictures_camera *about,
                                  struct et_err *err)
{
    if (!copy_about(&c->about, about))
        return et_fail(err, ET_ENOMEM, -1, "no memory for a camera");
    const enum et_status st =
        et__worker_open(&c->worker,
                        &(struct et__worker_options){.n_slots = ET__PICTURES_SLOTS,
                                                     .slot_bytes = sizeof(struct slot),
                                                     .work = work,
                                                     .ctx = c},
                        err);
    return st == ET_OK ? et__pictures_watch(c->owner, et__worker_fd(c->worker), err) : st;
}

enum et_status et__pictures_add(struct et__pictures *p, const struct et__pictures_camera *about,
                                size_t *i, struct et_err *err)
{
    for (*i = 0; *i < p->n_cameras; ++*i)
        if (is_same_camera(&p->cameras[*i]->about, about))
            return ET_OK;
    const enum et_status st_name =
        about->raw.topic ? et_name_check(et_str(about->raw.topic), "a topic's name", err) : ET_OK;
    if (st_name != ET_OK)
        return st_name;
    if (about->raw.schema.n > SCHEMA_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "its definition has %zu bytes", about->raw.schema.n);
    if (p->n_cameras == ET__PICTURES_CAMERAS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d cameras", ET__PICTURES_CAMERAS_MAX);
    struct camera *c = calloc(1, sizeof *c);
    if (!c)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a camera");
    c->owner = p;
    c->raw = c->coded[FILM] = c->coded[DEPTH] = NO_STREAM;
    c->last = about->raw.topic ? NO_STREAM : about->coded;
    const enum et_status st = open_camera(c, about, err);
    if (st != ET_OK) {
        free_camera(c);
        return st;
    }
    p->cameras[p->n_cameras++] = c;
    return ET_OK;
}

/* ---- opening and closing ---- */

enum et_status et__pictures_open(struct et__pictures **pictures,
                                 const struct et__pictures_options *options, struct et_err *err)
{
    *pictures = NULL;
    struct et__pictures *p = calloc(1, sizeof *p);
    if (!p)
        return et_fail(err, ET_ENOMEM, -1, "no memory for pictures");
    p->options = *options;
    p->fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->fd < 0) {
        const int sys = errno;
        free(p);
        return et_fail_sys(err, sys, "cannot wait for pictures");
    }
    *pictures = p;
    return ET_OK;
}

// What has come is not lost because somebody ends the work now.
static void finish(struct et__pictures *p)
{
    struct pollfd fds[ET__PICTURES_CAMERAS_MAX];
    const int64_t end_ns = et_clock_monotonic_ns() + END_NS;
    (void)!et__pictures_take(p, NULL);
    for (int64_t left_ns = END_NS; et__pictures_n_under_way(p) > 0 && left_ns > 0;) {
        for (size_t i = 0; i < p->n_cameras; i++)
            fds[i] = (struct pollfd){.fd = et__worker_fd(p->cameras[i]->worker), .events = POLLIN};
        (void)poll(fds, p->n_cameras, (int)(left_ns / 1000000) + 1);
        (void)!et__pictures_take(p, NULL);
        left_ns = end_ns - et_clock_monotonic_ns();
    }
    for (size_t i = 0; i < p->n_cameras; i++)
        if (et__worker_n_given(p->cameras[i]->worker) > 0)
            count_lost(p->cameras[i], et__worker_n_given(p->cameras[i]->worker));
}

void et__pictures_close(struct et__pictures *p)
{
    if (!p)
        return;
    finish(p);
    for (size_t i = 0; i < p->n_cameras; i++)
        free_camera(p->cameras[i]);
    (void)close(p->fd);
    free(p);
}
