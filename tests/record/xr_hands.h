/* A headset's frame as it is put behind reading it: both hands on controllers. */
#ifndef TESTS_RECORD_XR_HANDS_H
#define TESTS_RECORD_XR_HANDS_H

#include "record/record__webxr.h"

static inline struct et__webxr_frame xr_hands(uint32_t seq, const struct et_pose hands[2],
                                              const double grip[2], bool is_clutched)
{
    struct et__webxr_frame frame = {.seq = seq, .head_is_tracked = true};
    frame.head = (struct et_pose){{0, 0, 1.6}, {0, 0, 0, 1}};
    for (int side = 0; side < 2; side++) {
        struct et__webxr_hand *hand = &frame.hands[side];
        hand->input = ET__WEBXR_CONTROLLER;
        hand->is_tracked = true;
        hand->pose = hands[side];
        hand->n_buttons = 2;
        hand->values[0] = grip[side];
        hand->values[1] = is_clutched;
        hand->pressed = is_clutched ? 2 : 0;
    }
    return frame;
}

#endif
