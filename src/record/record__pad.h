/* The state of an input device, from the events that the kernel gives: axes and buttons, taken
 * together at each report. Pure: what the device has is told beforehand, events come as numbers.
 *
 * Gamepads differ in what they call their axes. The names here are of what a thumb does:
 *
 *     left_x left_y right_x right_y hat_x hat_y              −1 … 1: left and up are negative
 *     left_trigger right_trigger left_shoulder right_shoulder     0 … 1
 *
 * Triggers are ABS_Z and ABS_RZ where the right stick is ABS_RX and ABS_RY; else these two are the
 * stick, and triggers are ABS_BRAKE and ABS_GAS, or ABS_HAT2Y and ABS_HAT2X as the kernel's own
 * convention has it. An axis that is none of them keeps its code as a number: "axis_40".
 *
 * Units:   values as above; the kernel has taken out noise (fuzz) itself, what is flat around a
 *          stick's middle, or at a trigger's beginning, is taken out here.
 * Threads: as its owner. */
#ifndef RECORD__PAD_H
#define RECORD__PAD_H

#include "etude/str.h"

#define ET__PAD_AXES_MAX 64    // ABS_CNT
#define ET__PAD_BUTTONS_MAX 64 // more than any pad has
#define ET__PAD_NAME_BYTES 24

struct et__pad_axis {
    uint16_t code;
    bool is_one_sided; // 0 … 1
    int32_t min, max, flat;
    int32_t raw;
    char name[ET__PAD_NAME_BYTES];
};

struct et__pad_button {
    uint16_t code;
    bool is_down;
    bool was_down; // at the report before
    char name[ET__PAD_NAME_BYTES];
};

struct et__pad {
    struct et__pad_axis axes[ET__PAD_AXES_MAX];
    size_t n_axes;
    struct et__pad_button buttons[ET__PAD_BUTTONS_MAX];
    size_t n_buttons;
    bool is_changed; // since the last report
    bool is_dropped; // events are missing: what comes up to the next report says nothing
};

enum et__pad_news {
    ET__PAD_NOTHING,
    ET__PAD_REPORT, // a state is complete, and differs from the one before
    ET__PAD_LOST,   // events were lost: the state has to be asked for
};

/* Adds what the device has; what does not fit is left out. `has_right` tells which convention axes
 * follow: there are ABS_RX and ABS_RY. A range that is none becomes 0 … 1. */
void et__pad_add_axis(struct et__pad *pad, uint16_t code, int32_t min, int32_t max, int32_t flat,
                      bool has_right);
void et__pad_add_button(struct et__pad *pad, uint16_t code, const char *name);

/* The button of a gamepad by its code, as it is called here ("south"); NULL: none that is known. */
const char *et__pad_button_name(uint16_t code);

/* Takes in an event; any numbers will do. */
enum et__pad_news et__pad_event(struct et__pad *pad, uint16_t type, uint16_t code, int32_t value);

/* Sets a state that was asked for. */
void et__pad_set(struct et__pad *pad, uint16_t type, uint16_t code, int32_t value);

double et__pad_value(const struct et__pad_axis *axis);

#endif
