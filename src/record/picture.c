/* One raw picture: what a message says of it, and depth as it is stored. */
#include "record/record__keep.h"
#include "record/record__pictures.h"
#include "record/record__reader.h"

#include "etude/cdr.h"
#include "etude/rvl.h"

#include <stdio.h>

#define NAME_BYTES_MAX 40 // of an encoding that is told

const char *const ET__PICTURES_HOW[] = {"coded", "raw", NULL};

// What sensor_msgs/image_encodings.h calls them. What may be labels (8UC1) or colours in an order
// that nobody says (8UC3) is not among them: it would not come back.
// clang-format off
static const struct pixels {
    const char *name;
    size_t n_bytes; // a pixel
    bool is_depth;
    enum et_video_pixels pixels;
} PIXELS[] = {
    {"rgb8",        3, false, ET_PIXELS_RGB},
    {"bgr8",        3, false, ET_PIXELS_BGR},
    {"rgba8",       4, false, ET_PIXELS_RGBA},
    {"bgra8",       4, false, ET_PIXELS_BGRA},
    {"mono8",       1, false, ET_PIXELS_GREY},
    {"yuv422",      2, false, ET_PIXELS_UYVY},
    {"uyvy",        2, false, ET_PIXELS_UYVY},
    {"yuv422_yuy2", 2, false, ET_PIXELS_YUYV},
    {"yuyv",        2, false, ET_PIXELS_YUYV},
    {"16UC1",       2, true,  ET_PIXELS_GREY},
    {"mono16",      2, true,  ET_PIXELS_GREY},
};
// clang-format on
#define N_PIXELS (sizeof PIXELS / sizeof *PIXELS)

static enum et_status check_size(const struct et__picture *p, const struct pixels *pixels,
                                 uint32_t width, uint32_t height, struct et_err *err)
{
    const size_t n_row = width * pixels->n_bytes;
    const size_t n_least = height > 0 ? (height - 1) * p->step_bytes + n_row : 0;
    if (n_row > p->step_bytes || n_least > p->data.n)
        return et_fail(err, ET_ECORRUPT, -1,
                       "%u × %u pixels of %s, %zu bytes a row, are said to be in %zu bytes", width,
                       height, pixels->name, p->step_bytes, p->data.n);
    if (width < 2 || height < 2 || width > ET_VIDEO_SIDE_PX_MAX || height > ET_VIDEO_SIDE_PX_MAX)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%u × %u pixels", width, height);
    if (!pixels->is_depth && (width % 2 || height % 2))
        return et_fail(err, ET_EUNSUPPORTED, -1, "%u × %u pixels: a side is odd", width, height);
    if (p->data.n > height * p->step_bytes)
        return et_fail(err, ET_EUNSUPPORTED, -1, "it has more bytes than %u rows of %zu", height,
                       p->step_bytes);
    return p->data.n <= ET__PICTURE_BYTES_MAX
               ? ET_OK
               : et_fail(err, ET_EUNSUPPORTED, -1, "it has %zu bytes", p->data.n);
}

static enum et_status not_coded(struct et_str encoding, struct et_err *err)
{
    return encoding.n <= NAME_BYTES_MAX && et_name_check(encoding, "it", NULL) == ET_OK
               ? et_fail(err, ET_EUNSUPPORTED, -1, "pixels \"%.*s\"", ET_STR_ARG(encoding))
               : et_fail(err, ET_EUNSUPPORTED, -1, "pixels of no name");
}

enum et_status et__picture_read(struct et_str message, struct et__picture *p, struct et_err *err)
{
    *p = (struct et__picture){0};
    if (message.n > UINT32_MAX)
        return et_fail(err, ET_ECORRUPT, -1, "no picture has %zu bytes", message.n);
    struct et__reader r = et__reader_begin(
        &(struct et_feed_sample){.bytes = message.p, .n_bytes = (uint32_t)message.n});
    p->stamp_s = (int32_t)et__read_u32(&r);
    p->stamp_ns = et__read_u32(&r);
    p->frame_id = et__read_text(&r);
    const uint32_t height = et__read_u32(&r), width = et__read_u32(&r);
    const struct et_str encoding = et__read_text(&r);
    p->is_big_endian = et__read_bool(&r);
    p->step_bytes = et__read_u32(&r);
    p->data = et__read_bytes(&r);
    // A writer may pad its last word; a NUL in a name is no ROS name.
    if (r.is_bad || r.bytes.n - r.at > 7 ||
        (p->frame_id.n > 0 && memchr(p->frame_id.p, 0, p->frame_id.n)))
        return et_fail(err, ET_ECORRUPT, -1, "it is no sensor_msgs/msg/Image in little-endian CDR");
    size_t i = 0;
    while (i < N_PIXELS && !et_str_is(encoding, PIXELS[i].name))
        i++;
    if (i == N_PIXELS)
        return not_coded(encoding, err);
    const enum et_status st = check_size(p, &PIXELS[i], width, height, err);
    if (st != ET_OK)
        return st;
    p->encoding = PIXELS[i].name;
    p->is_depth = PIXELS[i].is_depth;
    p->pixels = PIXELS[i].pixels;
    p->width_px = (int)width;
    p->height_px = (int)height;
    return ET_OK;
}

bool et__picture_is_raw(const struct et_feed_stream *s)
{
    return strcmp(s->type, "sensor_msgs/msg/Image") == 0 &&
           strcmp(s->message_encoding, "cdr") == 0 && !et__is_latched(s);
}

static void put_u32(struct et_buf *buf, uint32_t value)
{
    const unsigned char bytes[4] = {(unsigned char)value, (unsigned char)(value >> 8),
                                    (unsigned char)(value >> 16), (unsigned char)(value >> 24)};
    et_buf_put(buf, bytes, sizeof bytes);
}

static void take_values(const struct et__picture *p, uint16_t *values)
{
    const size_t n = (size_t)p->width_px;
    for (size_t y = 0; y < (size_t)p->height_px; y++) {
        const unsigned char *row = (const unsigned char *)p->data.p + y * p->step_bytes;
        for (size_t x = 0; x < n; x++, row += 2)
            *values++ = (uint16_t)(p->is_big_endian ? row[0] << 8 | row[1] : row[1] << 8 | row[0]);
    }
}

void et__picture_put_depth(struct et_buf *message, const struct et__picture *p, uint16_t *values)
{
    char format[64];
    struct et_cdr w = et_cdr_begin(message);
    (void)snprintf(format, sizeof format, "%s; compressedDepth rvl", p->encoding);
    et_cdr_i32(&w, p->stamp_s);
    et_cdr_u32(&w, p->stamp_ns);
    et_cdr_text(&w, p->frame_id);
    et_cdr_text(&w, et_str(format));
    et_cdr_u32(&w, 0); // how many bytes follow: known in the end
    const size_t at = message->n;
    // What format it is (none of inverse depth), two floats that mean nothing here, width, height.
    for (int i = 0; i < 3; i++)
        put_u32(message, 0);
    put_u32(message, (uint32_t)p->width_px);
    put_u32(message, (uint32_t)p->height_px);
    take_values(p, values);
    et_rvl_put(message, values, (size_t)p->width_px * (size_t)p->height_px);
    if (message->status != ET_OK)
        return;
    const uint32_t n = (uint32_t)(message->n - at);
    for (int i = 0; i < 4; i++)
        message->p[at - 4 + (size_t)i] = (char)(n >> (8 * i));
}
