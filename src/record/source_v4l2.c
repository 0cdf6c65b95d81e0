/* Cameras of the kernel (V4L2): what comes coded is stored as it comes, plain pictures as H.264,
 * depth without loss in RVL. In place of a camera may stand a folder of files, which are played
 * once at the rate of the settings. */
#include "record/record__listener.h"
#include "record/record__shots.h"
#include "record/record__sources.h"

#include "etude/clock.h"
#include "etude/rvl.h"
#include "etude/video_stream.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MESSAGE_BYTES_MAX ((size_t)64 << 20)
#define SHOTS_MAX 8 // of a poll
#define TRY_NS ET_NS_PER_S
#define GOP_S 2        // as of the virtual centre's cameras
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

    struct et_video_coder *coder; // YUYV
    uint8_t *rgb;
    struct et_buf depth; // Z16
    uint16_t *values;    // of Z16, without what may stand behind a row
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

/* ---- coding ---- */

static uint8_t clamp(int value)
{
    return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

// Y U Y V of two pixels, ITU-R BT.601 with limited range, in 1/256.
static void to_rgb(const unsigned char *row, int width_px, uint8_t *rgb)
{
    for (int x = 0; x < width_px; x++) {
        const unsigned char *pair = row + x / 2 * 4;
        const int y = 298 * (pair[x % 2 * 2] - 16) + 128, u = pair[1] - 128, v = pair[3] - 128;
        *rgb++ = clamp((y + 409 * v) >> 8);
        *rgb++ = clamp((y - 100 * u - 208 * v) >> 8);
        *rgb++ = clamp((y + 516 * u) >> 8);
    }
}

static enum et_status encode(struct v4l2 *v, struct et_str bytes, struct et_str *unit,
                             struct et_err *err)
{
    const struct et__shooting *s = &v->given;
    for (int y = 0; y < s->height_px; y++)
        to_rgb((const unsigned char *)bytes.p + (size_t)y * s->step_bytes, s->width_px,
               v->rgb + (size_t)y * 3 * (size_t)s->width_px);
    return et_video_coder_put(v->coder, v->rgb, unit, err);
}

static void put_u32(struct et_buf *buf, uint32_t value)
{
    const unsigned char bytes[4] = {(unsigned char)value, (unsigned char)(value >> 8),
                                    (unsigned char)(value >> 16), (unsigned char)(value >> 24)};
    et_buf_put(buf, bytes, sizeof bytes);
}

/* As compressed_depth_image_transport writes it: what format it is (none of inverse depth), two
 * floats that mean nothing here, width, height, RVL. */
static void pack_depth(struct v4l2 *v, struct et_str bytes)
{
    const struct et__shooting *s = &v->given;
    const size_t width = (size_t)s->width_px;
    for (int y = 0; y < s->height_px; y++)
        memcpy(v->values + (size_t)y * width, bytes.p + (size_t)y * s->step_bytes, 2 * width);
    et_buf_clear(&v->depth);
    for (int i = 0; i < 3; i++)
        put_u32(&v->depth, 0);
    put_u32(&v->depth, (uint32_t)s->width_px);
    put_u32(&v->depth, (uint32_t)s->height_px);
    et_rvl_put(&v->depth, v->values, width * (size_t)s->height_px);
}

static void put_image(struct v4l2 *v, const struct et__shot *shot, struct et_str bytes,
                      const char *format, int64_t t_arrival_ns)
{
    struct et_cdr w = et__listener_begin(&v->listener);
    et_cdr_time(&w, shot->t_device_ns);
    et_cdr_text(&w, et_str(v->listener.device));
    et_cdr_text(&w, et_str(format));
    et_cdr_bytes(&w, bytes.p, bytes.n);
    et__listener_put(&v->listener, v->stream, shot->t_device_ns, t_arrival_ns);
}

static void put_video(struct v4l2 *v, const struct et__shot *shot, struct et_str bytes,
                      int64_t t_arrival_ns)
{
    struct et_cdr w = et__listener_begin(&v->listener);
    et_cdr_time(&w, shot->t_device_ns);
    et_cdr_text(&w, et_str(v->listener.device));
    et_cdr_bytes(&w, bytes.p, bytes.n);
    et_cdr_text(&w, ET_STR("h264"));
    et__listener_put(&v->listener, v->stream, shot->t_device_ns, t_arrival_ns);
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
        return bytes.n >= s->step_bytes * (size_t)(s->height_px - 1) + 2 * (size_t)s->width_px;
    }
    return false;
}

static enum et_status take_shot(struct v4l2 *v, const struct et__shot *shot, struct et_err *err)
{
    const int64_t t_arrival_ns = et__listener_now(&v->listener);
    const uint32_t gap = shot->sequence - v->last - 1;
    if (v->has_last && gap < GAP_MAX)
        et_feed_lost(v->listener.feed, v->stream, gap);
    v->has_last = true;
    v->last = shot->sequence;
    if (shot->is_damaged || !is_shot(v, shot->bytes)) {
        et_feed_lost(v->listener.feed, v->stream, 1);
        return ET_OK;
    }
    struct et_str unit = shot->bytes;
    enum et_status st = ET_OK;
    switch (v->given.format) {
    case ET__SHOT_MJPEG:
        put_image(v, shot, shot->bytes, "jpeg", t_arrival_ns);
        break;
    case ET__SHOT_YUYV:
        st = encode(v, shot->bytes, &unit, err);
        if (st != ET_OK)
            return st;
        put_video(v, shot, unit, t_arrival_ns);
        break;
    case ET__SHOT_H264:
        put_video(v, shot, unit, t_arrival_ns);
        break;
    case ET__SHOT_Z16:
        pack_depth(v, shot->bytes);
        st = et_buf_check(&v->depth, "a depth picture", err);
        if (st == ET_OK)
            put_image(v, shot, et_buf_str(&v->depth), "16UC1; compressedDepth rvl", t_arrival_ns);
        break;
    }
    return st;
}

/* ---- coming and going ---- */

static void free_coding(struct v4l2 *v)
{
    et_video_coder_close(v->coder);
    v->coder = NULL;
    free(v->rgb);
    v->rgb = NULL;
    free(v->values);
    v->values = NULL;
}

// What coding needs, for the size that is given.
static enum et_status begin_coding(struct v4l2 *v, struct et_err *err)
{
    const struct et__shooting *s = &v->given;
    const size_t n = (size_t)s->width_px * (size_t)s->height_px;
    free_coding(v);
    if (s->format == ET__SHOT_Z16 && !(v->values = malloc(n * sizeof *v->values)))
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", v->listener.device);
    if (s->format != ET__SHOT_YUYV)
        return ET_OK;
    v->rgb = malloc(3 * n);
    const int fps = s->fps < 1 ? 1 : (int)lround(s->fps);
    return v->rgb ? et_video_coder_open(&v->coder,
                                        &(struct et_video_coder_options){.width_px = s->width_px,
                                                                         .height_px = s->height_px,
                                                                         .fps = fps,
                                                                         .gop = GOP_S * fps,
                                                                         .qp = v->qp},
                                        err)
                  : et_fail(err, ET_ENOMEM, -1, "no memory for %s", v->listener.device);
}

static void stop(struct v4l2 *v)
{
    et__v4l2_close(&v->camera);
    et__shot_folder_close(&v->folder);
    v->is_running = false;
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
        st = begin_coding(v, &why);
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

static enum et_status poll_camera(struct v4l2 *v, struct et_err *err)
{
    struct et_err why = {0};
    struct et__shot shot;
    for (int i = 0; i < SHOTS_MAX; i++) {
        enum et_status st = et__v4l2_take(&v->camera, &shot, &why);
        if (st == ET_AGAIN)
            return ET_OK;
        if (st != ET_OK) {
            stop(v);
            et__listener_tell(&v->listener, false, "%s: %s", v->path, why.text);
            return ET_OK;
        }
        st = take_shot(v, &shot, err);
        et__v4l2_give_back(&v->camera);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status play_folder(struct v4l2 *v, int64_t now_ns, int64_t *t_next_ns,
                                  struct et_err *err)
{
    struct et__shot shot;
    for (int i = 0; i < SHOTS_MAX; i++) {
        const int64_t due_ns = v->t_begin_ns + llround((double)v->folder.i * 1e9 / v->given.fps);
        *t_next_ns = due_ns;
        if (due_ns > now_ns)
            return ET_OK;
        enum et_status st = et__shot_folder_take(&v->folder, &shot, NULL);
        if (st == ET_END) {
            v->is_over = true;
            return ET_END;
        }
        if (st != ET_OK) { // a file that cannot be read
            et_feed_lost(v->listener.feed, v->stream, 1);
            continue;
        }
        st = take_shot(v, &shot, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* ---- the interface ---- */

static void close_v4l2(void *self)
{
    struct v4l2 *v = self;
    stop(v);
    free_coding(v);
    et_buf_free(&v->depth);
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
    v->depth = et_buf(MESSAGE_BYTES_MAX);
    enum et_status st = et__listener_open(&v->listener, options, feed, MESSAGE_BYTES_MAX, err);
    if (st == ET_OK)
        st = read_settings(v, options, err);
    if (st == ET_OK)
        st = add_stream(v, err);
    if (st != ET_OK) {
        close_v4l2(v);
        return st;
    }
    *self = v;
    return ET_OK;
}

static int fd_of(void *self)
{
    return ((const struct v4l2 *)self)->camera.fd;
}

static enum et_status poll_v4l2(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct v4l2 *v = self;
    const int64_t now_ns = et__listener_now(&v->listener);
    enum et_status st = ET_OK;
    if (v->listener.only_look) // a camera has one user at a time
        return ET_OK;
    if (v->is_over)
        return ET_END;
    if (!v->is_running && now_ns >= v->t_try_ns)
        start(v, now_ns);
    if (v->is_running)
        st = v->is_folder ? play_folder(v, now_ns, t_next_ns, err) : poll_camera(v, err);
    if (!v->is_running)
        *t_next_ns = v->t_try_ns;
    return st;
}

static enum et_source_state state_of(void *self)
{
    const struct v4l2 *v = self;
    return v->is_over ? ET_SOURCE_OVER : v->is_running ? ET_SOURCE_LIVE : ET_SOURCE_WAITING;
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
