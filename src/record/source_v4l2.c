/* Cameras of the kernel (V4L2): what comes coded is stored as it comes, plain pictures as H.264,
 * depth without loss in RVL. In place of a camera may stand a folder of files, which are played
 * once at the rate of the settings. */
#include "record/record__listener.h"
#include "record/record__pictures.h"
#include "record/record__shots.h"
#include "record/record__sources.h"

#include "etude/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MESSAGE_BYTES_MAX ((size_t)64 << 20)
#define SHOTS_MAX 8 // of a poll
#define TRY_NS ET_NS_PER_S
#define GAP_MAX 100000 // shots that are missing; more is a driver that counts anew

struct v4l2 {
    struct et__listener listener;
    char *path;
    struct et__shooting wanted, given;
    int qp;
    uint16_t stream;

    bool is_folder, is_running, is_over;
    struct et__v4l2 camera;
    struct et__shot_folder folder;
    int64_t t_try_ns, t_begin_ns; // of a camera; of a folder
    bool has_last;
    uint32_t last; // sequence

    struct et__pictures *pictures; // of YUYV and Z16; NULL: what comes is coded already
    size_t i_camera;               // in them
};

/* ---- settings ---- */

static const char *const FORMATS[] = {"mjpeg", "h264", "yuyv", "z16", NULL}; // et__shot_format
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema FORMAT = {.type = ET_SCHEMA_STRING, .choices = FORMATS};
static const struct et_schema SIDE = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 2, .max = 8192};
static const struct et_schema FPS = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.1, .max = 1000};
static const struct et_schema QP = {.type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 51};
static const struct et_schema_field FIELDS[] = {{"device", &TEXT, true}, {"format", &FORMAT, false},
                                                {"width", &SIDE, false}, {"height", &SIDE, false},
                                                {"fps", &FPS, false},    {"qp", &QP, false},
                                                {NULL, NULL, false}};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};

static enum et_status read_settings(struct v4l2 *v, const struct et_source_options *options,
                                    struct et_err *err)
{
    const struct et_value *settings = options->settings;
    const char *device = et_value_text(et_value_get(settings, "device"), NULL);
    const char *format = et_value_text(et_value_get(settings, "format"), FORMATS[0]);
    if (!device)
        return et_fail(err, ET_ECORRUPT, -1, "%s: device must be given", v->listener.device);
    v->path = strdup(device);
    if (!v->path)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", v->listener.device);
    for (int i = 0; FORMATS[i]; i++)
        if (strcmp(format, FORMATS[i]) == 0)
            v->wanted.format = (enum et__shot_format)i;
    v->wanted.width_px = (int)et_value_int(et_value_get(settings, "width"), 640);
    v->wanted.height_px = (int)et_value_int(et_value_get(settings, "height"), 480);
    v->wanted.fps = et_value_real(et_value_get(settings, "fps"), 30);
    v->wanted.step_bytes = 2 * (size_t)v->wanted.width_px;
    v->qp = (int)et_value_int(et_value_get(settings, "qp"), 0);
    if (v->wanted.format == ET__SHOT_YUYV && (v->wanted.width_px % 2 || v->wanted.height_px % 2))
        return et_yaml_fail(err, options->path, et_value_place(settings),
                            "width and height must be even, to be stored as H.264");
    return ET_OK;
}

static enum et_status add_stream(struct v4l2 *v, struct et_err *err)
{
    // As ROS names what its cameras publish.
    static const struct {
        const char *suffix, *type;
    } STREAMS[] = {
        [ET__SHOT_MJPEG] = {"/image_raw/compressed", "sensor_msgs/msg/CompressedImage"},
        [ET__SHOT_H264] = {"/video", "foxglove_msgs/msg/CompressedVideo"},
        [ET__SHOT_YUYV] = {"/video", "foxglove_msgs/msg/CompressedVideo"},
        [ET__SHOT_Z16] = {"/depth/image_raw/compressedDepth", "sensor_msgs/msg/CompressedImage"},
    };
    const enum et__shot_format format = v->wanted.format;
    return et__listener_add(&v->listener, STREAMS[format].suffix, STREAMS[format].type,
                            v->wanted.fps, &v->stream, err);
}

/* ---- shots ---- */

static bool is_plain(const struct v4l2 *v)
{
    return v->wanted.format == ET__SHOT_YUYV || v->wanted.format == ET__SHOT_Z16;
}

static enum et_status open_pictures(struct v4l2 *v, struct et_err *err)
{
    const struct et__pictures_options options = {
        .feed = v->listener.feed, .device = v->listener.device, .qp = v->qp};
    const struct et__pictures_camera camera = {
        .coded = v->stream, .fps = v->wanted.fps < 1 ? 1 : (int)lround(v->wanted.fps)};
    if (!is_plain(v) || v->listener.only_look)
        return ET_OK;
    const enum et_status st = et__pictures_open(&v->pictures, &options, err);
    return st == ET_OK ? et__pictures_add(v->pictures, &camera, &v->i_camera, err) : st;
}

static void put_jpeg(struct v4l2 *v, const struct et__shot *shot, int64_t t_arrival_ns)
{
    struct et_cdr w = et__listener_begin(&v->listener);
    et_cdr_time(&w, shot->t_device_ns);
    et_cdr_text(&w, et_str(v->listener.device));
    et_cdr_text(&w, ET_STR("jpeg"));
    et_cdr_bytes(&w, shot->bytes.p, shot->bytes.n);
    et__listener_put(&v->listener, v->stream, shot->t_device_ns, t_arrival_ns);
}

static void put_video(struct v4l2 *v, const struct et__shot *shot, int64_t t_arrival_ns)
{
    struct et_cdr w = et__listener_begin(&v->listener);
    et_cdr_time(&w, shot->t_device_ns);
    et_cdr_text(&w, et_str(v->listener.device));
    et_cdr_bytes(&w, shot->bytes.p, shot->bytes.n);
    et_cdr_text(&w, ET_STR("h264"));
    et__listener_put(&v->listener, v->stream, shot->t_device_ns, t_arrival_ns);
}

// From the first pixel to the last.
static size_t rows_bytes(const struct et__shooting *s)
{
    return s->step_bytes * (size_t)(s->height_px - 1) + 2 * (size_t)s->width_px;
}

// The bytes are what the format says, as far as their beginning and length tell.
static bool is_shot(const struct v4l2 *v, struct et_str bytes)
{
    static const char START[] = {0, 0, 0, 1};
    const struct et__shooting *s = &v->given;
    switch (s->format) {
    case ET__SHOT_MJPEG:
        return et_str_starts(bytes, "\xff\xd8\xff");
    case ET__SHOT_H264:
        return bytes.n > 4 &&
               (memcmp(bytes.p, START, 4) == 0 || memcmp(bytes.p, START + 1, 3) == 0);
    case ET__SHOT_YUYV:
    case ET__SHOT_Z16:
        return bytes.n >= rows_bytes(s);
    }
    return false;
}

// A camera goes on while pictures are coded; one that finds no room is lost.
static void code(struct v4l2 *v, const struct et__shot *shot, int64_t t_arrival_ns)
{
    const struct et__shooting *s = &v->given;
    const struct et__picture picture = {.stamp_s = (int32_t)(shot->t_device_ns / ET_NS_PER_S),
                                        .stamp_ns = (uint32_t)(shot->t_device_ns % ET_NS_PER_S),
                                        .frame_id = et_str(v->listener.device),
                                        .encoding = "16UC1",
                                        .is_depth = s->format == ET__SHOT_Z16,
                                        .pixels = ET_PIXELS_YUYV,
                                        .width_px = s->width_px,
                                        .height_px = s->height_px,
                                        .data = {shot->bytes.p, rows_bytes(s)},
                                        .step_bytes = s->step_bytes};
    if (et__pictures_put_shot(v->pictures, v->i_camera, &picture, t_arrival_ns, shot->t_device_ns,
                              NULL) != ET_OK)
        et_feed_lost(v->listener.feed, v->stream, 1);
}

static void take_shot(struct v4l2 *v, const struct et__shot *shot)
{
    const int64_t t_arrival_ns = et__listener_now(&v->listener);
    const uint32_t gap = shot->sequence - v->last - 1;
    if (v->has_last && gap < GAP_MAX)
        et_feed_lost(v->listener.feed, v->stream, gap);
    v->has_last = true;
    v->last = shot->sequence;
    if (shot->is_damaged || !is_shot(v, shot->bytes))
        et_feed_lost(v->listener.feed, v->stream, 1);
    else if (is_plain(v))
        code(v, shot, t_arrival_ns);
    else if (v->given.format == ET__SHOT_MJPEG)
        put_jpeg(v, shot, t_arrival_ns);
    else
        put_video(v, shot, t_arrival_ns);
}

/* ---- coming and going ---- */

static void stop(struct v4l2 *v)
{
    et__v4l2_close(&v->camera);
    et__shot_folder_close(&v->folder);
    v->is_running = false;
}

static enum et_status check_given(const struct v4l2 *v, struct et_err *err)
{
    const struct et__shooting *s = &v->given;
    return s->format == ET__SHOT_YUYV && (s->width_px % 2 || s->height_px % 2)
               ? et_fail(err, ET_EUNSUPPORTED, -1,
                         "it gives %d × %d pixels: a side is odd, and colour has half", s->width_px,
                         s->height_px)
               : ET_OK;
}

/* Opens the camera or the folder. What keeps it from running is told, and tried again. */
static void start(struct v4l2 *v, int64_t now_ns)
{
    struct stat is;
    struct et_err why = {0};
    v->t_try_ns = now_ns + TRY_NS;
    v->given = v->wanted;
    v->is_folder = stat(v->path, &is) == 0 && S_ISDIR(is.st_mode);
    enum et_status st = v->is_folder ? et__shot_folder_open(&v->folder, v->path, &why)
                                     : et__v4l2_open(&v->camera, v->path, &v->given, NULL, &why);
    if (st == ET_OK)
        st = check_given(v, &why);
    if (st == ET_OK && v->pictures && !v->is_folder)
        st = et__pictures_watch(v->pictures, v->camera.fd, &why);
    if (st != ET_OK) {
        stop(v);
        et__listener_tell(&v->listener, false, "%s: %s", v->path, why.text);
        return;
    }
    v->is_running = true;
    v->has_last = false;
    v->t_begin_ns = now_ns;
    et__listener_tell(&v->listener, true, "%s: %d × %d pixels, %.4g a second", v->path,
                      v->given.width_px, v->given.height_px, v->given.fps);
}

static void poll_camera(struct v4l2 *v)
{
    struct et_err why = {0};
    struct et__shot shot;
    for (int i = 0; i < SHOTS_MAX; i++) {
        const enum et_status st = et__v4l2_take(&v->camera, &shot, &why);
        if (st == ET_AGAIN)
            return;
        if (st != ET_OK) {
            stop(v);
            et__listener_tell(&v->listener, false, "%s: %s", v->path, why.text);
            return;
        }
        take_shot(v, &shot);
        et__v4l2_give_back(&v->camera);
    }
}

static size_t n_under_way(const struct v4l2 *v)
{
    return v->pictures ? et__pictures_n_under_way(v->pictures) : 0;
}

// Files wait until there is room for them.
static void play_folder(struct v4l2 *v, int64_t now_ns, int64_t *t_next_ns)
{
    struct et__shot shot;
    for (int i = 0; i < SHOTS_MAX; i++) {
        const int64_t due_ns = v->t_begin_ns + llround((double)v->folder.i * 1e9 / v->given.fps);
        if (n_under_way(v) >= ET__PICTURES_SLOTS)
            return;
        *t_next_ns = due_ns;
        if (due_ns > now_ns)
            return;
        const enum et_status st = et__shot_folder_take(&v->folder, &shot, NULL);
        v->is_over = st == ET_END;
        if (v->is_over) {
            *t_next_ns = INT64_MAX;
            return;
        }
        if (st == ET_OK)
            take_shot(v, &shot);
        else // a file that cannot be read
            et_feed_lost(v->listener.feed, v->stream, 1);
    }
}

/* ---- the interface ---- */

static void close_v4l2(void *self)
{
    struct v4l2 *v = self;
    et__pictures_close(v->pictures);
    stop(v);
    et__listener_close(&v->listener);
    free(v->path);
    free(v);
}

static enum et_status open_v4l2(void **self, const struct et_source_options *options,
                                struct et_feed *feed, struct et_err *err)
{
    struct v4l2 *v = calloc(1, sizeof *v);
    if (!v)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", options->device);
    v->camera.fd = -1;
    enum et_status st = et__listener_open(&v->listener, options, feed, MESSAGE_BYTES_MAX, err);
    if (st == ET_OK)
        st = read_settings(v, options, err);
    if (st == ET_OK)
        st = add_stream(v, err);
    if (st == ET_OK)
        st = open_pictures(v, err);
    if (st != ET_OK) {
        close_v4l2(v);
        return st;
    }
    *self = v;
    return ET_OK;
}

static int fd_of(void *self)
{
    const struct v4l2 *v = self;
    return v->pictures ? et__pictures_fd(v->pictures) : v->camera.fd;
}

static bool is_over(const struct v4l2 *v)
{
    return v->is_over && n_under_way(v) == 0;
}

static enum et_status poll_v4l2(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct v4l2 *v = self;
    const int64_t now_ns = et__listener_now(&v->listener);
    if (v->listener.only_look) // a camera has one user at a time
        return ET_OK;
    const enum et_status st = v->pictures ? et__pictures_take(v->pictures, err) : ET_OK;
    if (st != ET_OK)
        return st;
    if (!v->is_running && now_ns >= v->t_try_ns)
        start(v, now_ns);
    if (!v->is_running)
        *t_next_ns = v->t_try_ns;
    else if (!v->is_folder)
        poll_camera(v);
    else if (!v->is_over)
        play_folder(v, now_ns, t_next_ns);
    return is_over(v) ? ET_END : ET_OK;
}

static enum et_source_state state_of(void *self)
{
    const struct v4l2 *v = self;
    return is_over(v) ? ET_SOURCE_OVER : v->is_running ? ET_SOURCE_LIVE : ET_SOURCE_WAITING;
}

const struct et_source_kind et__source_v4l2 = {
    .name = "v4l2",
    .text = "cameras of the kernel: MJPEG, H.264, YUYV, depth",
    .settings = &SETTINGS,
    .open = open_v4l2,
    .fd = fd_of,
    .poll = poll_v4l2,
    .state = state_of,
    .close = close_v4l2,
};
