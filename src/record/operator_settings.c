/* What a station's file says of who leads a robot. */
#include "record/record__operator_input.h"
#include "record/record__pad.h"

#include <stdio.h>

#define M_S 0.2 // of a stick at its end
#define RAD_S 0.8
#define TURN "right_stick"
#define CLUTCH_WORD "clutch" // what keys call the key that is one
#define NAMES_MAX 64
#define CODES 0x300 // that the kernel has for keys and buttons

// clang-format off
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema REAL = {.type = ET_SCHEMA_REAL};
static const struct et_schema SIGN = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = -1, .max = 1};
static const struct et_schema SCALE = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = -10, .max = 10};
static const struct et_schema M_PER_S = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.01, .max = 2};
static const struct et_schema RAD_PER_S = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.05, .max = 5};
static const char *const SIDES[] = {"left", "right", NULL};
static const struct et_schema SIDE = {.type = ET_SCHEMA_STRING, .choices = SIDES};
static const struct et_schema_field JOINT_FIELDS[] = {
    {"from",   &TEXT,  true},
    {"to",     &TEXT,  false},
    {"sign",   &SIGN,  false},
    {"scale",  &SCALE, false},
    {"grip",   &SIDE,  false},
    {"open",   &REAL,  false},
    {"closed", &REAL,  false},
    {NULL,     NULL,   false},
};
static const struct et_schema JOINT = {.type = ET_SCHEMA_MAP, .fields = JOINT_FIELDS};
static const struct et_schema_field PAD_FIELDS[] = {
    {"m_s",   &M_PER_S,   false},
    {"rad_s", &RAD_PER_S, false},
    {"turn",  &TEXT,      false},
    {NULL,    NULL,       false},
};
static const struct et_schema_field CLUTCH_FIELDS[] = {
    {"source", &TEXT, true},
    {"left",   &TEXT, false},
    {"right",  &TEXT, false},
    {NULL,     NULL,  false},
};
static const struct et_schema CLUTCH = {.type = ET_SCHEMA_MAP, .fields = CLUTCH_FIELDS};
static const char *const GRIPS[] = {"device", "triggers", NULL};
// clang-format on

const struct et_schema et__operator_name = {.type = ET_SCHEMA_STRING};
const struct et_schema et__operator_clutch = {.type = ET_SCHEMA_ANY}; // a name, or CLUTCH
const struct et_schema et__operator_joints = {
    .type = ET_SCHEMA_LIST, .items = &JOINT, .n_min = 1, .n_max = ET__OPERATOR_MAP_MAX};
const struct et_schema et__operator_pad = {.type = ET_SCHEMA_MAP, .fields = PAD_FIELDS};
const struct et_schema et__operator_grip = {.type = ET_SCHEMA_STRING, .choices = GRIPS};

struct reading {
    struct et__operator_how *how;
    const struct et_source_options *options;
    const struct et__operator_robot *robot;
    struct et_err *err;
};

static const struct et_value *get(const struct reading *r, const char *key)
{
    return et_value_get(r->options->settings, key);
}

static bool is_kind(const struct et_live_source *source, const char *name)
{
    return source && strcmp(source->kind->name, name) == 0;
}

static const struct et_live_source *find(const struct et_source_options *options, const char *name)
{
    for (size_t i = 0; i < options->n_station; i++)
        if (strcmp(options->station[i].device, name) == 0)
            return &options->station[i];
    return NULL;
}

#define FAIL(r, value, ...) \
    et_yaml_fail((r)->err, (r)->options->path, et_value_place(value), __VA_ARGS__)

static enum et_status no_such_source(const struct reading *r, const struct et_value *at,
                                     const char *name)
{
    const char *names[NAMES_MAX] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < r->options->n_station && n + 1 < NAMES_MAX; i++)
        if (strcmp(r->options->station[i].device, r->options->device) != 0)
            names[n++] = r->options->station[i].device;
    const char *nearest = et_str_nearest(et_str(name), names);
    return FAIL(r, at, "this station has no source \"%.40s\"%s%.40s%s", name,
                nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* ---- who ---- */

// Devices of other machines and times are called as they were there.
static bool has_devices_of_others(const struct et_source_options *options)
{
    static const char *const KINDS[] = {"link", "replay", "foxglove", "dds"};
    for (size_t i = 0; i < options->n_station; i++)
        for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++)
            if (is_kind(&options->station[i], KINDS[k]))
                return true;
    return options->n_station == 0;
}

static enum et_status read_who(const struct reading *r, const struct et_value *name)
{
    struct et__operator_how *how = r->how;
    const struct et_live_source *who = find(r->options, how->device);
    if (!who && !has_devices_of_others(r->options))
        return no_such_source(r, name, how->device);
    if (is_kind(who, "world") || is_kind(who, "v4l2") || is_kind(who, "keys"))
        return FAIL(r, name, "%.40s is of the kind %s: it has no hands that lead a robot",
                    how->device, who->kind->name);
    how->kind = is_kind(who, "vmc") || is_kind(who, "xsens")    ? ET__OPERATOR_MOTION
                : is_kind(who, "gamepad")                       ? ET__OPERATOR_PAD
                : is_kind(who, "dynamixel") || get(r, "joints") ? ET__OPERATOR_JOINTS
                                                                : ET__OPERATOR_HEADSET;
    const struct et_value *joints = get(r, "joints"), *pad = get(r, "pad");
    if (how->kind == ET__OPERATOR_JOINTS && !joints)
        return FAIL(r, name, "say which joint of %.40s leads which: joints: [{from: A, to: B}]",
                    how->device);
    if (how->kind != ET__OPERATOR_JOINTS && joints)
        return FAIL(r, joints, "%.40s has no joints that lead", how->device);
    if (how->kind != ET__OPERATOR_PAD && pad)
        return FAIL(r, pad, "%.40s is no gamepad", how->device);
    return ET_OK;
}

/* ---- its joints ---- */

// What servos are called, where they are this station's.
static enum et_status check_from(const struct reading *r, const struct et_value *from)
{
    const struct et_live_source *who = find(r->options, r->how->device);
    const struct et_value *joints = who ? et_value_get(who->settings, "joints") : NULL;
    const char *names[NAMES_MAX] = {NULL}, *name = et_value_text(from, "");
    if (!is_kind(who, "dynamixel"))
        return ET_OK;
    for (size_t i = 0; i < et_value_count(joints) && i + 1 < NAMES_MAX; i++) {
        names[i] = et_value_text(et_value_get(et_value_at(joints, i), "name"), "");
        if (strcmp(names[i], name) == 0)
            return ET_OK;
    }
    const char *nearest = et_str_nearest(et_str(name), names);
    return FAIL(r, from, "%.40s has no joint \"%.40s\"; did you mean %.40s?", r->how->device, name,
                nearest ? nearest : "another");
}

static enum et_status find_to(const struct reading *r, const struct et_value *to,
                              struct et__operator_joint *joint)
{
    const char *names[ET__OPERATOR_MAP_MAX + 1] = {NULL}, *name = et_value_text(to, "");
    size_t n = 0;
    for (size_t side = 0; side < ET_TELEOP_HANDS; side++)
        for (size_t i = 0; i < r->robot->n[side]; i++) {
            names[n++] = r->robot->names[side][i];
            if (strcmp(name, r->robot->names[side][i]) != 0)
                continue;
            joint->side = side;
            joint->i = i;
            return ET_OK;
        }
    const char *nearest = et_str_nearest(et_str(name), names);
    return FAIL(r, to, "the robot's arms have no joint \"%.40s\"; did you mean %.40s?", name,
                nearest ? nearest : "another");
}

static enum et_status read_grip(const struct reading *r, const struct et_value *map,
                                struct et__operator_joint *joint)
{
    const struct et_value *grip = et_value_get(map, "grip");
    const struct et_value *open = et_value_get(map, "open");
    const struct et_value *closed = et_value_get(map, "closed");
    joint->is_grip = true;
    joint->side = strcmp(et_value_text(grip, ""), "right") == 0;
    if (!open || !closed)
        return FAIL(r, map, "a grip says where it is `open` and where `closed`, in rad");
    joint->open = et_value_real(open, 0);
    joint->closed = et_value_real(closed, 0);
    if (joint->open == joint->closed)
        return FAIL(r, closed, "a grip is closed elsewhere than where it is open");
    return ET_OK;
}

static enum et_status read_joint(const struct reading *r, const struct et_value *map)
{
    struct et__operator_how *how = r->how;
    struct et__operator_joint *joint = &how->joints[how->n_joints];
    const struct et_value *from = et_value_get(map, "from"), *to = et_value_get(map, "to");
    const struct et_value *sign = et_value_get(map, "sign"), *scale = et_value_get(map, "scale");
    if (!to == !et_value_get(map, "grip"))
        return FAIL(r, map, "a joint leads one thing: `to` a joint of an arm, or a `grip`");
    *joint = (struct et__operator_joint){.from = et_value_text(from, "")};
    joint->scale = (double)et_value_int(sign, 1) * et_value_real(scale, 1);
    if (joint->scale == 0)
        return FAIL(r, sign && et_value_int(sign, 1) == 0 ? sign : scale,
                    "with %s 0 it leads nothing",
                    sign && !et_value_int(sign, 1) ? "sign" : "scale");
    enum et_status st = check_from(r, from);
    if (st == ET_OK)
        st = to ? find_to(r, to, joint) : read_grip(r, map, joint);
    for (size_t i = 0; i < how->n_joints && st == ET_OK; i++)
        if (how->joints[i].side == joint->side && how->joints[i].is_grip == joint->is_grip &&
            how->joints[i].i == joint->i)
            st = FAIL(r, map, "%.40s is led already, by %.40s",
                      to ? et_value_text(to, "") : "this grip", how->joints[i].from);
    how->n_joints += st == ET_OK;
    return st;
}

/* ---- its clutch ---- */

// The key that is called so, among those of `mark`; NULL: none is.
static const char *clutch_key(const struct et_live_source *keys)
{
    const struct et_value *marks = et_value_get(keys->settings, "mark");
    for (size_t i = 0; i < et_value_count(marks); i++)
        if (strcmp(et_value_text(et_value_at(marks, i), ""), CLUTCH_WORD) == 0)
            return marks->as.many.keys[i].p;
    return NULL;
}

// What a device calls the button in a recording, or may call it: by the kernel's name.
static bool is_button(const struct et_live_source *source, const char *name)
{
    const struct et_value *marks = et_value_get(source->settings, "mark");
    if (is_kind(source, "keys"))
        return et_value_get(marks, name) != NULL;
    for (uint16_t code = 0; code < CODES; code++) {
        const char *known = et__pad_button_name(code);
        if (known && strcmp(known, name) == 0)
            return true;
    }
    return strncmp(name, "BTN_", 4) == 0 || strncmp(name, "KEY_", 4) == 0;
}

static enum et_status read_buttons(const struct reading *r, const struct et_live_source *source,
                                   const struct et_value *clutch)
{
    static const char *const SHOULDERS[] = {"left_shoulder", "right_shoulder"};
    const bool is_keys = is_kind(source, "keys");
    for (size_t i = 0; i < ET_TELEOP_HANDS; i++) {
        const struct et_value *said = et_value_get(clutch, SIDES[i]);
        r->how->buttons[i] = said      ? et_value_text(said, "")
                             : is_keys ? clutch_key(source)
                                       : SHOULDERS[i];
        if (!r->how->buttons[i])
            return FAIL(r, clutch, "%.40s has no clutch among its keys: mark: {KEY_F13: clutch}",
                        source->device);
        if (said && !is_button(source, r->how->buttons[i]))
            return FAIL(r, said,
                        is_keys ? "%.40s: `mark` has no key \"%.40s\""
                                : "%.40s: no button is called \"%.40s\"",
                        source->device, r->how->buttons[i]);
    }
    return ET_OK;
}

static enum et_status read_clutch(const struct reading *r, const struct et_value *clutch)
{
    const struct et_value *name = et_value_get(clutch, "source");
    if (clutch->kind != ET_VALUE_STRING) {
        const enum et_status st = et_schema_check(clutch, &CLUTCH, r->options->path, r->err);
        if (st != ET_OK)
            return st;
    }
    name = name ? name : clutch;
    const char *device = et_value_text(name, "");
    const struct et_live_source *source = find(r->options, device);
    if (!source)
        return no_such_source(r, name, device);
    if (!is_kind(source, "gamepad") && !is_kind(source, "keys"))
        return FAIL(r, name, "%.40s is of the kind %s: a clutch is a gamepad, or keys", device,
                    source->kind->name);
    r->how->clutch = strcmp(device, r->how->device) == 0 ? NULL : device;
    return read_buttons(r, source, clutch);
}

static enum et_status read_own_clutch(const struct reading *r, const struct et_value *name)
{
    if (r->how->kind == ET__OPERATOR_HEADSET)
        return ET_OK;
    if (r->how->kind == ET__OPERATOR_PAD)
        return read_buttons(r, find(r->options, r->how->device), name);
    return FAIL(r, name,
                "%.40s has no clutch of its own: write `clutch: NAME` beside it, a gamepad or keys "
                "of this station",
                r->how->device);
}

/* ---- all of it ---- */

static enum et_status read_nobody(const struct reading *r)
{
    static const char *const KEYS[] = {"clutch", "joints", "pad", "grip"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (get(r, KEYS[i]))
            return FAIL(r, get(r, KEYS[i]), "%s: nobody leads this robot (operator: NAME)",
                        KEYS[i]);
    return ET_OK;
}

enum et_status et__operator_read(struct et__operator_how *how,
                                 const struct et_source_options *options,
                                 const struct et__operator_robot *robot, struct et_err *err)
{
    const struct reading r = {how, options, robot, err};
    const struct et_value *name = get(&r, "operator"), *joints = get(&r, "joints");
    const struct et_value *pad = get(&r, "pad"), *clutch = get(&r, "clutch");
    *how = (struct et__operator_how){0};
    if (!name)
        return read_nobody(&r);
    how->device = et_value_text(name, "");
    how->turn = et_value_text(et_value_get(pad, "turn"), TURN);
    how->m_s = et_value_real(et_value_get(pad, "m_s"), M_S);
    how->rad_s = et_value_real(et_value_get(pad, "rad_s"), RAD_S);
    how->grips_by_trigger = strcmp(et_value_text(get(&r, "grip"), "device"), "triggers") == 0;
    enum et_status st = read_who(&r, name);
    for (size_t i = 0; i < et_value_count(joints) && st == ET_OK; i++)
        st = read_joint(&r, et_value_at(joints, i));
    if (st == ET_OK)
        st = clutch ? read_clutch(&r, clutch) : read_own_clutch(&r, name);
    return st;
}

bool et__operator_leads(const struct et_source_options *options)
{
    for (size_t i = 0; i < options->n_station; i++) {
        const struct et_value *settings = options->station[i].settings;
        const struct et_value *clutch = et_value_get(settings, "clutch");
        const char *name = et_value_text(et_value_get(settings, "operator"), "");
        const char *by = et_value_text(et_value_get(clutch, "source"), et_value_text(clutch, ""));
        if (strcmp(name, options->device) == 0 || strcmp(by, options->device) == 0)
            return true;
    }
    return false;
}
