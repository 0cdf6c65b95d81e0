/* Poses of many bodies at one moment, as tf2_msgs/msg/TFMessage: each has its name and what it is
 * relative to, so that a body may be absent, and viewers show them as they are. */
#ifndef RECORD__TRANSFORMS_H
#define RECORD__TRANSFORMS_H

#include "record/record__listener.h"

#include "etude/pose.h"

/* Begins the message of n transforms; each is put with the device's name in front of its frames
 * ("suit/Head"; parent NULL: the room, "suit"). */
struct et_cdr et__transforms_begin(struct et__listener *listener, size_t n);
void et__transforms_put(struct et_cdr *w, const struct et__listener *listener, int64_t t_device_ns,
                        const char *parent, const char *child, const struct et_pose *pose);

/* True, and *pose of unit length: all numbers are finite, and the rotation is one. */
bool et__transforms_check(struct et_pose *pose);

#endif
