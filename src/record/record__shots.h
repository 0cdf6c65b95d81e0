/* Shots: pictures as a camera gives them, from a V4L2 device or from the files of a folder.
 *
 * Both are asked in the same way: what is wanted goes in, what is given comes out; a shot is looked
 * at where it lies, and given back.
 *
 * Threads: as the source. */
#ifndef RECORD__SHOTS_H
#define RECORD__SHOTS_H

#include "etude/arena.h"
#include "etude/str.h"

#include <sys/types.h>

enum et__shot_format { ET__SHOT_MJPEG, ET__SHOT_H264, ET__SHOT_YUYV, ET__SHOT_Z16 };

struct et__shooting {
    enum et__shot_format format;
    int width_px, height_px;
    double fps;
    size_t step_bytes; // of YUYV and Z16: from row to row
};

struct et__shot {
    struct et_str bytes; // until it is given back
    int64_t t_device_ns; // CLOCK_MONOTONIC of its exposure or end; 0: not known
    uint32_t sequence;
    bool is_damaged; // as the driver says
};

/* ---- V4L2 ---- */

/* The calls into the system, for tests to have their own. */
struct et__v4l2_calls {
    int (*open)(const char *path, int flags);
    int (*close)(int fd);
    int (*ioctl)(int fd, unsigned long request, void *arg);
    void *(*mmap)(size_t n, int fd, off_t offset); // NULL: it failed
    int (*munmap)(void *p, size_t n);
};

#define ET__V4L2_BUFFERS 4

struct et__v4l2 {
    const struct et__v4l2_calls *calls;
    int fd; // −1: closed
    struct {
        void *p;
        size_t n;
    } buffers[ET__V4L2_BUFFERS];
    unsigned n_buffers;
    int held; // −1: none
};

/* Opens a camera and lets it run; *shooting is what it gives in the end. calls NULL: the system's.
 * ET_ENOTFOUND: it is not there. ET_EIO: the system refuses. ET_EUNSUPPORTED: it is no camera, or
 * has no such format. After a failure it is closed. */
ET_MUST_USE enum et_status et__v4l2_open(struct et__v4l2 *camera, const char *path,
                                         struct et__shooting *shooting,
                                         const struct et__v4l2_calls *calls, struct et_err *err);
void et__v4l2_close(struct et__v4l2 *camera); // any number of times

/* The next shot. ET_AGAIN: none yet. ET_EIO: the camera is gone. */
ET_MUST_USE enum et_status et__v4l2_take(struct et__v4l2 *camera, struct et__shot *shot,
                                         struct et_err *err);
void et__v4l2_give_back(struct et__v4l2 *camera);

/* ---- a folder ---- */

#define ET__SHOT_BYTES_MAX ((size_t)64 << 20)

struct et__shot_folder {
    struct et_arena *arena; // of one shot
    struct et_arena_mark empty;
    const char *path; // the caller's
    char **names;     // in order
    size_t n_names, i;
};

/* Every file of a folder is a shot, in the order of their names. ET_ENOTFOUND: no folder. */
ET_MUST_USE enum et_status et__shot_folder_open(struct et__shot_folder *folder, const char *path,
                                                struct et_err *err);
void et__shot_folder_close(struct et__shot_folder *folder);

/* The next shot, numbered from 0 on, until the next call. ET_END: there are no more. Failures as of
 * et_file_read: the shot is passed over. */
ET_MUST_USE enum et_status et__shot_folder_take(struct et__shot_folder *folder,
                                                struct et__shot *shot, struct et_err *err);

#endif
