#include "record/record__shots.h"

#include "etude/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRIES_MAX 100 // of a call that signals interrupt

// As the kernel calls the formats.
static const uint32_t CODES[] = {
    [ET__SHOT_MJPEG] = V4L2_PIX_FMT_MJPEG,
    [ET__SHOT_H264] = V4L2_PIX_FMT_H264,
    [ET__SHOT_YUYV] = V4L2_PIX_FMT_YUYV,
    [ET__SHOT_Z16] = V4L2_PIX_FMT_Z16,
};

static int system_open(const char *path, int flags)
{
    return open(path, flags);
}

static int system_ioctl(int fd, unsigned long request, void *arg)
{
    return ioctl(fd, request, arg);
}

static void *system_mmap(size_t n, int fd, off_t offset)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    return p == MAP_FAILED ? NULL : p;
}

static const struct et__v4l2_calls SYSTEM = {system_open, close, system_ioctl, system_mmap, munmap};

static bool ask(const struct et__v4l2 *c, unsigned long request, void *arg)
{
    int result = -1;
    for (int i = 0; i < TRIES_MAX; i++) {
        result = c->calls->ioctl(c->fd, request, arg);
        if (result >= 0 || errno != EINTR)
            break;
    }
    return result >= 0;
}

static enum et_status check_camera(const struct et__v4l2 *c, struct et_err *err)
{
    struct v4l2_capability is = {0};
    if (!ask(c, VIDIOC_QUERYCAP, &is))
        return et_fail(err, ET_EUNSUPPORTED, -1, "it is no camera");
    const uint32_t can = is.capabilities & V4L2_CAP_DEVICE_CAPS ? is.device_caps : is.capabilities;
    if (!(can & V4L2_CAP_VIDEO_CAPTURE) || !(can & V4L2_CAP_STREAMING))
        return et_fail(err, ET_EUNSUPPORTED, -1, "it gives no pictures");
    return ET_OK;
}

static enum et_status set_format(const struct et__v4l2 *c, struct et__shooting *s,
                                 struct et_err *err)
{
    struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    struct v4l2_streamparm rate = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    format.fmt.pix.width = (uint32_t)s->width_px;
    format.fmt.pix.height = (uint32_t)s->height_px;
    format.fmt.pix.pixelformat = CODES[s->format];
    format.fmt.pix.field = V4L2_FIELD_NONE;
    if (!ask(c, VIDIOC_S_FMT, &format))
        return et_fail_sys(err, errno, "it refuses %d × %d pixels", s->width_px, s->height_px);
    if (format.fmt.pix.pixelformat != CODES[s->format])
        return et_fail(err, ET_EUNSUPPORTED, -1, "it does not have this format");
    if (format.fmt.pix.width == 0 || format.fmt.pix.width > INT16_MAX ||
        format.fmt.pix.height == 0 || format.fmt.pix.height > INT16_MAX)
        return et_fail(err, ET_EUNSUPPORTED, -1, "it gives pictures of %u × %u pixels",
                       format.fmt.pix.width, format.fmt.pix.height);
    s->width_px = (int)format.fmt.pix.width;
    s->height_px = (int)format.fmt.pix.height;
    s->step_bytes = format.fmt.pix.bytesperline;
    if (s->step_bytes < 2 * (size_t)s->width_px)
        s->step_bytes = 2 * (size_t)s->width_px;
    rate.parm.capture.timeperframe.numerator = 1000;
    rate.parm.capture.timeperframe.denominator = (uint32_t)(s->fps * 1000);
    if (ask(c, VIDIOC_S_PARM, &rate) && rate.parm.capture.timeperframe.numerator > 0 &&
        rate.parm.capture.timeperframe.denominator > 0)
        s->fps = (double)rate.parm.capture.timeperframe.denominator /
                 rate.parm.capture.timeperframe.numerator;
    return ET_OK;
}

static struct v4l2_buffer buffer_of(unsigned i)
{
    return (struct v4l2_buffer){
        .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = i};
}

static enum et_status map_buffers(struct et__v4l2 *c, struct et_err *err)
{
    struct v4l2_requestbuffers request = {
        .count = ET__V4L2_BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    if (!ask(c, VIDIOC_REQBUFS, &request) || request.count == 0)
        return et_fail_sys(err, errno, "it has no memory for pictures");
    for (unsigned i = 0; i < request.count && i < ET__V4L2_BUFFERS; i++) {
        struct v4l2_buffer buffer = buffer_of(i);
        if (!ask(c, VIDIOC_QUERYBUF, &buffer))
            return et_fail_sys(err, errno, "it does not tell where pictures are");
        c->buffers[i].p = c->calls->mmap(buffer.length, c->fd, (off_t)buffer.m.offset);
        if (!c->buffers[i].p)
            return et_fail_sys(err, errno, "its pictures cannot be reached");
        c->buffers[i].n = buffer.length;
        c->n_buffers++;
        if (!ask(c, VIDIOC_QBUF, &buffer))
            return et_fail_sys(err, errno, "it takes no buffers");
    }
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    return ask(c, VIDIOC_STREAMON, &type) ? ET_OK : et_fail_sys(err, errno, "it does not start");
}

enum et_status et__v4l2_open(struct et__v4l2 *c, const char *path, struct et__shooting *shooting,
                             const struct et__v4l2_calls *calls, struct et_err *err)
{
    *c = (struct et__v4l2){.calls = calls ? calls : &SYSTEM, .held = -1};
    c->fd = c->calls->open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (c->fd < 0)
        return errno == ENOENT ? et_fail(err, ET_ENOTFOUND, -1, "it is not there")
                               : et_fail_sys(err, errno, "it cannot be opened");
    enum et_status st = check_camera(c, err);
    if (st == ET_OK)
        st = set_format(c, shooting, err);
    if (st == ET_OK)
        st = map_buffers(c, err);
    if (st != ET_OK)
        et__v4l2_close(c);
    return st;
}

void et__v4l2_close(struct et__v4l2 *c)
{
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (!c->calls || c->fd < 0)
        return;
    (void)c->calls->ioctl(c->fd, VIDIOC_STREAMOFF, &type);
    for (unsigned i = 0; i < c->n_buffers; i++)
        (void)c->calls->munmap(c->buffers[i].p, c->buffers[i].n);
    (void)c->calls->close(c->fd);
    c->fd = -1;
    c->n_buffers = 0;
}

enum et_status et__v4l2_take(struct et__v4l2 *c, struct et__shot *shot, struct et_err *err)
{
    struct v4l2_buffer buffer = buffer_of(0);
    if (!ask(c, VIDIOC_DQBUF, &buffer))
        return errno == EAGAIN ? ET_AGAIN : et_fail_sys(err, errno, "it is not there any more");
    if (buffer.index >= c->n_buffers)
        return et_fail(err, ET_EIO, -1, "its driver gives a buffer that it does not have");
    c->held = (int)buffer.index;
    const bool is_monotonic =
        (buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    const size_t n = buffer.bytesused < c->buffers[buffer.index].n ? buffer.bytesused
                                                                   : c->buffers[buffer.index].n;
    *shot = (struct et__shot){.bytes = {c->buffers[buffer.index].p, n},
                              .t_device_ns = is_monotonic
                                                 ? (int64_t)buffer.timestamp.tv_sec * ET_NS_PER_S +
                                                       (int64_t)buffer.timestamp.tv_usec * 1000
                                                 : 0,
                              .sequence = buffer.sequence,
                              .is_damaged = buffer.flags & V4L2_BUF_FLAG_ERROR};
    return ET_OK;
}

void et__v4l2_give_back(struct et__v4l2 *c)
{
    if (c->held < 0)
        return;
    struct v4l2_buffer buffer = buffer_of((unsigned)c->held);
    (void)ask(c, VIDIOC_QBUF, &buffer); // a camera that is gone is told by the next shot
    c->held = -1;
}
