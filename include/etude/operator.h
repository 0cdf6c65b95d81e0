/* Operator: where the head and the hands of a person are who moves a robot, as of now.
 *
 * Whatever brings them (a headset, an exoskeleton) puts them into a feed as messages, which are
 * recorded. A robot that follows needs them at once. So it takes them where they are put:
 *
 *     static void on_put(void *ctx, const struct et_feed_sample *sample)
 *     {
 *         struct teleop *t = ctx;
 *         if (et_operator_take(&t->operator, et_feed_stream(t->feed, sample->stream), sample))
 *             …
 *     }
 *
 * given to et_feed_listen. What the robot is moved by is then what the recording holds.
 *
 * Units:   metres, radians, the robot's axes (x front, y left, z up); times are nanoseconds.
 * Threads: a state belongs to one thread: with on_put, the one that puts.
 * Memory:  none. */
#ifndef ETUDE_OPERATOR_H
#define ETUDE_OPERATOR_H

#include "etude/feed.h"
#include "etude/pose.h"

/* The joints of a hand, in the order of WebXR: the wrist; of the thumb metacarpal, proximal, distal
 * and tip; of index, middle, ring and little finger metacarpal, proximal, intermediate, distal and
 * tip. */
#define ET_OPERATOR_JOINTS 25
#define ET_OPERATOR_WRIST 0
#define ET_OPERATOR_THUMB_TIP 4
#define ET_OPERATOR_INDEX_TIP 9

enum { ET_OPERATOR_LEFT, ET_OPERATOR_RIGHT };

/* Buttons that are pressed, as bits. A and B are X and Y on the left. */
enum {
    ET_OPERATOR_TRIGGER = 1,
    ET_OPERATOR_SQUEEZE = 2,
    ET_OPERATOR_TOUCHPAD = 4,
    ET_OPERATOR_STICK = 8,
    ET_OPERATOR_A = 16,
    ET_OPERATOR_B = 32,
};

struct et_operator_hand {
    bool is_tracked;     // else the pose is the last one known, and buttons are released
    struct et_pose pose; // of the grip: where a stick that is held would be
    double trigger, squeeze, stick_x, stick_y; // 0 … 1, 0 … 1, −1 … 1
    unsigned buttons;
    bool has_joints; // a bare hand is seen; else what follows is of the last time it was
    struct et_pose joints[ET_OPERATOR_JOINTS];
    double pinch_m; // from the thumb's tip to the index finger's
};

/* Zeroed, nothing is known. A frame is whole when its DeviceFrame was taken, which comes last. */
struct et_operator_state {
    uint32_t seq;           // of the last whole frame
    int64_t t_arrival_ns;   // CLOCK_MONOTONIC, when that frame came
    int64_t t_device_ns;    // on the device's clock, when it began
    int64_t t_predicted_ns; // on the device's clock, for when its poses are; 0: not known
    int64_t offset_ns;      // CLOCK_MONOTONIC less the device's clock
    int64_t uncertainty_ns; // of the offset; 0: it is not known yet
    bool is_reset;          // the origin was moved before this frame: do not follow the jump
    bool head_is_tracked;
    struct et_pose head;
    struct et_operator_hand hands[2];
};

/* Takes a message of a feed into the state. true: it was a DeviceFrame, and a frame is whole. false
 * also for what is none of an operator's, and what is damaged, which change nothing. */
ET_API bool et_operator_take(struct et_operator_state *state, const struct et_feed_stream *stream,
                             const struct et_feed_sample *sample);

/* A moment on the device's clock as CLOCK_MONOTONIC; 0 while the offset is not known. */
ET_API int64_t et_operator_time(const struct et_operator_state *state, int64_t t_device_ns);

#endif
