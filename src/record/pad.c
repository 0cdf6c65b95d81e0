#include "record/record__pad.h"

#include <linux/input.h>
#include <stdio.h>

struct named {
    uint16_t code;
    const char *name;
};

// clang-format off
static const struct named BUTTONS[] = {
    {BTN_SOUTH, "south"}, {BTN_EAST, "east"}, {BTN_NORTH, "north"}, {BTN_WEST, "west"},
    {BTN_TL, "left_shoulder"}, {BTN_TR, "right_shoulder"},
    {BTN_TL2, "left_trigger"}, {BTN_TR2, "right_trigger"},
    {BTN_SELECT, "select"}, {BTN_START, "start"}, {BTN_MODE, "mode"},
    {BTN_THUMBL, "left_stick"}, {BTN_THUMBR, "right_stick"},
    {BTN_DPAD_UP, "up"}, {BTN_DPAD_DOWN, "down"},
    {BTN_DPAD_LEFT, "left"}, {BTN_DPAD_RIGHT, "right"},
};

static const struct named STICKS[] = {
    {ABS_X, "left_x"}, {ABS_Y, "left_y"}, {ABS_HAT0X, "hat_x"}, {ABS_HAT0Y, "hat_y"},
};
static const struct named WITH_RIGHT[] = {{ABS_RX, "right_x"}, {ABS_RY, "right_y"}};
static const struct named WITHOUT_RIGHT[] = {{ABS_Z, "right_x"}, {ABS_RZ, "right_y"}};

static const struct named TRIGGERS[] = {
    {ABS_BRAKE, "left_trigger"}, {ABS_GAS, "right_trigger"},
    {ABS_HAT2Y, "left_trigger"}, {ABS_HAT2X, "right_trigger"},
    {ABS_HAT1Y, "left_shoulder"}, {ABS_HAT1X, "right_shoulder"},
};
static const struct named TRIGGERS_WITH_RIGHT[] = {
    {ABS_Z, "left_trigger"}, {ABS_RZ, "right_trigger"}};
// clang-format on

static const char *find(const struct named *table, size_t n, uint16_t code)
{
    for (size_t i = 0; i < n; i++)
        if (table[i].code == code)
            return table[i].name;
    return NULL;
}
#define FIND(table, code) find(table, sizeof(table) / sizeof(table)[0], code)

const char *et__pad_button_name(uint16_t code)
{
    return FIND(BUTTONS, code);
}

static bool has_axis(const struct et__pad *pad, const char *name)
{
    for (size_t i = 0; i < pad->n_axes; i++)
        if (strcmp(pad->axes[i].name, name) == 0)
            return true;
    return false;
}

void et__pad_add_axis(struct et__pad *pad, uint16_t code, int32_t min, int32_t max, int32_t flat,
                      bool has_right)
{
    if (pad->n_axes == ET__PAD_AXES_MAX)
        return;
    struct et__pad_axis *axis = &pad->axes[pad->n_axes];
    *axis = (struct et__pad_axis){.code = code, .min = min, .max = max, .flat = flat};
    if (min >= max || flat < 0 || (int64_t)flat * 2 >= (int64_t)max - min) {
        axis->flat = 0;
        axis->min = min < max ? min : 0;
        axis->max = min < max ? max : 1;
    }
    const char *name = FIND(STICKS, code);
    if (!name)
        name = has_right ? FIND(WITH_RIGHT, code) : FIND(WITHOUT_RIGHT, code);
    if (!name) {
        name = FIND(TRIGGERS, code);
        if (!name && has_right)
            name = FIND(TRIGGERS_WITH_RIGHT, code);
        axis->is_one_sided = name != NULL;
    }
    if (name && !has_axis(pad, name))
        (void)snprintf(axis->name, sizeof axis->name, "%s", name);
    else
        (void)snprintf(axis->name, sizeof axis->name, "axis_%u", (unsigned)code);
    axis->raw = axis->is_one_sided ? axis->min : (int32_t)(((int64_t)axis->min + axis->max) / 2);
    pad->n_axes++;
}

void et__pad_add_button(struct et__pad *pad, uint16_t code, const char *name)
{
    if (pad->n_buttons == ET__PAD_BUTTONS_MAX)
        return;
    struct et__pad_button *button = &pad->buttons[pad->n_buttons++];
    *button = (struct et__pad_button){.code = code};
    (void)snprintf(button->name, sizeof button->name, "%s", name);
}

void et__pad_set(struct et__pad *pad, uint16_t type, uint16_t code, int32_t value)
{
    for (size_t i = 0; type == EV_ABS && i < pad->n_axes; i++)
        if (pad->axes[i].code == code && pad->axes[i].raw != value) {
            pad->axes[i].raw = value;
            pad->is_changed = true;
        }
    for (size_t i = 0; type == EV_KEY && i < pad->n_buttons; i++)
        if (pad->buttons[i].code == code && pad->buttons[i].is_down != (value != 0)) {
            pad->buttons[i].is_down = value != 0;
            pad->is_changed = true;
        }
}

enum et__pad_news et__pad_event(struct et__pad *pad, uint16_t type, uint16_t code, int32_t value)
{
    if (type == EV_SYN && code == SYN_DROPPED) {
        pad->is_dropped = true;
    } else if (type == EV_SYN && code == SYN_REPORT) {
        const bool is_lost = pad->is_dropped, is_changed = pad->is_changed;
        pad->is_dropped = pad->is_changed = false;
        return is_lost ? ET__PAD_LOST : is_changed ? ET__PAD_REPORT : ET__PAD_NOTHING;
    } else if (!pad->is_dropped) {
        et__pad_set(pad, type, code, value);
    }
    return ET__PAD_NOTHING;
}

double et__pad_value(const struct et__pad_axis *axis)
{
    const double low = axis->min, high = axis->max, flat = axis->flat;
    double value;
    if (axis->is_one_sided) {
        value = (axis->raw - low - flat) / (high - low - flat);
        return value < 0 ? 0 : value > 1 ? 1 : value;
    }
    const double off = axis->raw - (low + high) / 2, half = (high - low) / 2;
    value = off > flat    ? (off - flat) / (half - flat)
            : off < -flat ? (off + flat) / (half - flat)
                          : 0;
    return value < -1 ? -1 : value > 1 ? 1 : value;
}
