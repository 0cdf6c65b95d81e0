/* The section `drive` of a profile: its rules, turned round. */
#include "robot/robot__profile.h"
#include "robot/robot__units.h"

#include "etude/drive.h"

#include <math.h>
#include <stdio.h>

#define WAYS_MAX 8
#define VALUES_MAX 256
#define STALE_S 0.1

// clang-format off
static const char *const CHECKSUMS[] = {"none", "unitree", NULL};
static const char *const FOLLOWERS[] = {"left_arm", "left_hand", "right_arm", "right_hand", NULL};

static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema FLAG = {.type = ET_SCHEMA_BOOL};
static const struct et_schema CHECKSUM = {.type = ET_SCHEMA_STRING, .choices = CHECKSUMS};
static const struct et_schema FOLLOWER = {.type = ET_SCHEMA_STRING, .choices = FOLLOWERS};
static const struct et_schema PARTS = {
    .type = ET_SCHEMA_LIST, .items = &FOLLOWER, .n_min = 1, .n_max = 4};
static const struct et_schema TEXTS = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_min = 1, .n_max = ET_DRIVE_JOINTS_MAX};
#define REAL(lo, hi) {.type = ET_SCHEMA_REAL, .has_range = true, .min = (lo), .max = (hi)}
static const struct et_schema RATE_HZ = REAL(1, 1000);
static const struct et_schema STALE_MS = REAL(5, 2000);
static const struct et_schema RAMP_S = REAL(0, 30);
static const struct et_schema NUMBER = REAL(-1e9, 1e9);
static const struct et_schema LENGTH_M = REAL(-2, 2);
static const struct et_schema POINT = {
    .type = ET_SCHEMA_LIST, .items = &LENGTH_M, .n_min = 3, .n_max = 3};

static const struct et_schema_field TOPIC_FIELDS[] = {
    {"topic",    &TEXT,     true},
    {"type",     &TEXT,     true},
    {"names",    &TEXT,     false},
    {"checksum", &CHECKSUM, false},
    {NULL,       NULL,      false},
};
static const struct et_schema TOPIC = {.type = ET_SCHEMA_MAP, .fields = TOPIC_FIELDS};

static const struct et_schema_field VALUE_FIELDS[] = {
    {"field",    &TEXT,   true},
    {"value",    &NUMBER, false},
    {"released", &NUMBER, false},
    {"from",     &TEXT,   false},
    {"joints",   &TEXTS,  false},
    {NULL,       NULL,    false},
};
static const struct et_schema VALUE = {.type = ET_SCHEMA_MAP, .fields = VALUE_FIELDS};
static const struct et_schema VALUES = {
    .type = ET_SCHEMA_LIST, .items = &VALUE, .n_max = VALUES_MAX};

static const struct et_schema_field HAND_FIELDS[] = {
    {"grip",   &TEXT,   false},
    {"open",   &NUMBER, false},
    {"closed", &NUMBER, false},
    {"body",   &TEXT,   false},
    {"point",  &POINT,  false},
    {NULL,     NULL,    false},
};
static const struct et_schema HAND = {.type = ET_SCHEMA_MAP, .fields = HAND_FIELDS};

static const struct et_schema_field WAY_FIELDS[] = {
    {"name",      &TEXT,     true},
    {"source",    &TEXT,     true},
    {"rate_hz",   &RATE_HZ,  true},
    {"stale_ms",  &STALE_MS, false},
    {"take_s",    &RAMP_S,   false},
    {"release_s", &RAMP_S,   false},
    {"shared",    &FLAG,     false},
    {"state",     &TOPIC,    true},
    {"command",   &TOPIC,    true},
    {"parts",     &PARTS,    true},
    {"hold",      &TEXTS,    false},
    {"set",       &VALUES,   false},
    {"left",      &HAND,     false},
    {"right",     &HAND,     false},
    {"base",      &TEXT,     false},
    {NULL,        NULL,      false},
};
static const struct et_schema WAY = {.type = ET_SCHEMA_MAP, .fields = WAY_FIELDS};
static const struct et_schema WAYS = {
    .type = ET_SCHEMA_LIST, .items = &WAY, .n_min = 1, .n_max = WAYS_MAX};
// clang-format on

struct reading {
    const struct et__profile_reader *r;
    const struct et_value *value; // of the way
    struct et_drive *drive;
    struct et_drive_joint *joints;
};

static enum et_status out_of_memory(const struct reading *d)
{
    return et_arena_fail(d->r->arena, "how a robot is driven", d->r->err);
}

static struct et_place place_of(const struct reading *d, const char *key)
{
    const struct et_value *value = et_value_get(d->value, key);
    return et_value_place(value ? value : d->value);
}

/* ---- topics ---- */

static enum et_status check_name(const struct reading *d, const struct et_value *value,
                                 const char *what)
{
    struct et_err inner = {0};
    if (!value || et_name_check(value->as.string, what, &inner) == ET_OK)
        return ET_OK;
    return et_yaml_fail(d->r->err, d->r->path, et_value_place(value), "%s", inner.text);
}

static enum et_status read_topic(const struct reading *d, const char *key,
                                 struct et_drive_topic *topic)
{
    const struct et_value *map = et_value_get(d->value, key);
    const struct et_value *type = et_value_get(map, "type");
    enum et_status st = check_name(d, et_value_get(map, "topic"), "a topic");
    if (st == ET_OK)
        st = check_name(d, type, "a type");
    if (st == ET_OK)
        st = check_name(d, et_value_get(map, "names"), "a field");
    if (st != ET_OK)
        return st;
    *topic = (struct et_drive_topic){.topic = et_value_text(et_value_get(map, "topic"), ""),
                                     .type = et_value_text(type, ""),
                                     .names = et_value_text(et_value_get(map, "names"), NULL)};
    if (!strchr(topic->type, '/'))
        return et_yaml_fail(d->r->err, d->r->path, et_value_place(type),
                            "\"%.64s\" is no type: types are <package>/msg/<Name>", topic->type);
    const char *checksum = et_value_text(et_value_get(map, "checksum"), CHECKSUMS[0]);
    while (strcmp(CHECKSUMS[topic->checksum], checksum) != 0)
        topic->checksum++;
    return ET_OK;
}

/* ---- joints ---- */

/* The rule that leads from a topic to a stream, as read_rule has checked it; NULL: none does. */
static const struct et_rule *find_rule(const struct reading *d, const char *topic,
                                       enum et_part part, bool is_command)
{
    char stream[64];
    (void)snprintf(stream, sizeof stream, "%s%s.position", is_command ? "command." : "",
                   et_part_text(part));
    for (size_t i = 0; i < d->r->profile->n_rules; i++) {
        const struct et_rule *rule = &d->r->profile->rules[i];
        if (rule->topic && rule->field && strcmp(rule->topic, topic) == 0 &&
            strcmp(rule->stream, stream) == 0)
            return rule;
    }
    return NULL;
}

static size_t index_of(const struct et_rule *rule, size_t i)
{
    if (rule->indices)
        return rule->indices[i];
    return rule->first >= 0 ? (size_t)rule->first + i : i;
}

static void take_scale(const struct et_rule *rule, size_t i, double *scale, double *offset)
{
    *scale = (rule->signs ? rule->signs[i] : 1) * et__unit_find(rule->unit)->scale;
    *offset = 0;
    if (rule->is_inverted) {
        *scale = -*scale;
        *offset = 1;
    }
}

/* "motor_cmd[].q" of place 3 is "motor_cmd[3].q", "position" is "position[3]". */
static char *element(const struct reading *d, const char *field, size_t i)
{
    const char *open = strstr(field, "[]");
    const int n_head = open ? (int)(open - field) : (int)strlen(field);
    return et_arena_printf(d->r->arena, "%.*s[%zu]%s", n_head, field, i, open ? open + 2 : "");
}

/* Where a joint is measured. Without a rule it is not, which only those that are not commanded may
 * be. */
static enum et_status take_state(const struct reading *d, size_t i, bool is_needed,
                                 struct et_drive_joint *joint, bool *is_there)
{
    const struct et_rule *rule = find_rule(d, d->drive->state.topic, joint->part, false);
    *is_there = rule;
    if (!rule && !is_needed)
        return ET_OK;
    if (!rule)
        return et_yaml_fail(d->r->err, d->r->path, place_of(d, "state"),
                            "no rule with a field leads from %.80s to %s.position: it is not known "
                            "where %.60s is measured",
                            d->drive->state.topic, et_part_text(joint->part), joint->name);
    joint->state = rule->field;
    joint->i_state = index_of(rule, i);
    joint->state_name = rule->names ? rule->names[i] : NULL;
    if (joint->state_name && !d->drive->state.names)
        return et_yaml_fail(d->r->err, d->r->path, place_of(d, "state"),
                            "line %d goes by names, and `names` does not say which field has them",
                            rule->line);
    take_scale(rule, i, &joint->state_scale, &joint->state_offset);
    return ET_OK;
}

static enum et_status take_command(const struct reading *d, size_t i, size_t i_all,
                                   struct et_drive_joint *joint)
{
    const struct et_rule *rule = find_rule(d, d->drive->command.topic, joint->part, true);
    if (!rule)
        return et_yaml_fail(d->r->err, d->r->path, place_of(d, "command"),
                            "no rule with a field leads from %.80s to command.%s.position",
                            d->drive->command.topic, et_part_text(joint->part));
    if (rule->names && !d->drive->command.names)
        return et_yaml_fail(d->r->err, d->r->path, place_of(d, "command"),
                            "line %d goes by names, and `names` does not say which field has them",
                            rule->line);
    joint->i_command = rule->names ? i_all : index_of(rule, i);
    joint->command = element(d, rule->field, joint->i_command);
    take_scale(rule, i, &joint->command_scale, &joint->command_offset);
    if (!joint->command)
        return out_of_memory(d);
    if (isfinite(joint->lower) && isfinite(joint->upper))
        return ET_OK;
    return et_yaml_fail(d->r->err, d->r->path, place_of(d, "parts"),
                        "%.80s has no limits, and what has none is not driven", joint->name);
}

static enum et_status too_many(const struct reading *d)
{
    return et_yaml_fail(d->r->err, d->r->path, et_value_place(d->value),
                        "more than %d joints are not driven", ET_DRIVE_JOINTS_MAX);
}

static enum et_status add_joint(const struct reading *d, const struct et_profile_part *part,
                                size_t i, bool is_commanded, bool follows)
{
    struct et_drive *drive = d->drive;
    const struct et_joint *about = &part->joints[i];
    struct et_drive_joint *joint = &d->joints[drive->n_joints];
    bool is_measured;
    if (drive->n_joints == ET_DRIVE_JOINTS_MAX)
        return too_many(d);
    *joint = (struct et_drive_joint){.name = about->name,
                                     .maker = about->maker,
                                     .part = part->part,
                                     .lower = about->lower,
                                     .upper = about->upper,
                                     .speed_max = about->speed_max,
                                     .follows = follows};
    enum et_status st = take_state(d, i, is_commanded, joint, &is_measured);
    if (st == ET_OK && is_commanded)
        st = take_command(d, i, drive->n_joints, joint);
    if (st == ET_OK && is_measured)
        drive->n_joints++;
    return st;
}

static bool lists(const struct et_value *list, const char *part)
{
    for (size_t i = 0; i < et_value_count(list); i++)
        if (et_str_is(et_value_at(list, i)->as.string, part))
            return true;
    return false;
}

static enum et_status add_parts(const struct reading *d, bool is_commanded)
{
    const struct et_value *follow = et_value_get(d->value, "parts");
    const struct et_value *hold = et_value_get(d->value, "hold");
    enum et_status st = ET_OK;
    for (size_t p = 0; p < d->r->profile->n_parts && st == ET_OK; p++) {
        const struct et_profile_part *part = &d->r->profile->parts[p];
        const char *name = et_part_text(part->part);
        const bool follows = lists(follow, name);
        if (part->is_open || (follows || lists(hold, name)) != is_commanded)
            continue;
        struct et_drive_arm *arm = part->part == ET_PART_LEFT_ARM    ? &d->drive->arms[0]
                                   : part->part == ET_PART_RIGHT_ARM ? &d->drive->arms[1]
                                                                     : NULL;
        if (arm && follows)
            arm->first_joint = d->drive->n_joints;
        for (size_t i = 0; i < part->n_joints && st == ET_OK; i++)
            st = add_joint(d, part, i, is_commanded, follows);
        if (arm && follows)
            arm->n_joints = part->n_joints;
    }
    return st;
}

/* A part that is named and that the robot has not. */
static enum et_status check_parts(const struct reading *d, const char *key)
{
    const struct et_value *list = et_value_get(d->value, key);
    for (size_t i = 0; i < et_value_count(list); i++) {
        const struct et_value *item = et_value_at(list, i);
        enum et_part part;
        const struct et_profile_part *about =
            et_part_parse(item->as.string, &part) ? et__profile_part(d->r->profile, part) : NULL;
        if (!about || about->is_open)
            return et_yaml_fail(d->r->err, d->r->path, et_value_place(item),
                                "the robot has no part \"%.64s\" with joints", item->as.string.p);
        if (strcmp(key, "hold") == 0 && lists(et_value_get(d->value, "parts"), item->as.string.p))
            return et_yaml_fail(d->r->err, d->r->path, et_value_place(item),
                                "%.64s cannot follow and stay", item->as.string.p);
    }
    return ET_OK;
}

/* ---- values ---- */

static size_t find_commanded(const struct reading *d, const char *name)
{
    for (size_t i = 0; i < d->drive->n_commanded; i++)
        if (strcmp(d->joints[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static enum et_status read_value_joints(const struct reading *d, const struct et_value *list,
                                        struct et_drive_value *value)
{
    const size_t n = et_value_count(list);
    if (!list)
        return ET_OK;
    if (!strstr(value->field, "[]"))
        return et_yaml_fail(d->r->err, d->r->path, et_value_place(list),
                            "\"joints\" belongs to a field with [] in it");
    size_t *joints = et_arena_array(d->r->arena, n, sizeof *joints);
    if (!joints)
        return out_of_memory(d);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *item = et_value_at(list, i);
        joints[i] = find_commanded(d, item->as.string.p);
        if (joints[i] == SIZE_MAX)
            return et_yaml_fail(d->r->err, d->r->path, et_value_place(item),
                                "no joint \"%.64s\" is commanded", item->as.string.p);
    }
    value->joints = joints;
    value->n_joints = n;
    return ET_OK;
}

static enum et_status read_value(const struct reading *d, const struct et_value *map,
                                 struct et_drive_value *value)
{
    const struct et_value *number = et_value_get(map, "value");
    const struct et_value *from = et_value_get(map, "from");
    *value = (struct et_drive_value){.field = et_value_text(et_value_get(map, "field"), ""),
                                     .value = et_value_real(number, 0),
                                     .released =
                                         et_value_real(et_value_get(map, "released"), (double)NAN),
                                     .from = et_value_text(from, NULL),
                                     .line = map->line};
    if (!number == !from)
        return et_yaml_fail(d->r->err, d->r->path, et_value_place(map),
                            "%.64s: a value, or a field of the state that it is from, one of the "
                            "two",
                            value->field);
    if (from && !isnan(value->released))
        return et_yaml_fail(d->r->err, d->r->path, et_value_place(et_value_get(map, "released")),
                            "%.64s: what is from the state is not released", value->field);
    return read_value_joints(d, et_value_get(map, "joints"), value);
}

static enum et_status read_values(const struct reading *d)
{
    const struct et_value *list = et_value_get(d->value, "set");
    const size_t n = et_value_count(list);
    struct et_drive_value *values = et_arena_array(d->r->arena, n, sizeof *values);
    if (!values)
        return out_of_memory(d);
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = read_value(d, et_value_at(list, i), &values[i]);
    d->drive->values = values;
    d->drive->n_values = n;
    return st;
}

/* ---- hands ---- */

static enum et_status read_hand(const struct reading *d, size_t side)
{
    const struct et_value *map = et_value_get(d->value, side == 0 ? "left" : "right");
    const struct et_value *grip = et_value_get(map, "grip");
    const struct et_value *point = et_value_get(map, "point");
    struct et_drive_arm *arm = &d->drive->arms[side];
    arm->i_hand = SIZE_MAX;
    arm->body = et_value_text(et_value_get(map, "body"), NULL);
    for (size_t i = 0; i < 3; i++)
        arm->point[i] = et_value_real(et_value_at(point, i), 0);
    if (!grip)
        return ET_OK;
    arm->i_hand = find_commanded(d, grip->as.string.p);
    arm->open = et_value_real(et_value_get(map, "open"), (double)NAN);
    arm->closed = et_value_real(et_value_get(map, "closed"), (double)NAN);
    if (arm->i_hand == SIZE_MAX)
        return et_yaml_fail(d->r->err, d->r->path, et_value_place(grip),
                            "no joint \"%.64s\" is commanded", grip->as.string.p);
    if (isnan(arm->open) || isnan(arm->closed))
        return et_yaml_fail(d->r->err, d->r->path, et_value_place(map),
                            "a grip has its joint's positions `open` and `closed`");
    return ET_OK;
}

/* ---- a way ---- */

static enum et_status read_joints(struct reading *d)
{
    enum et_status st = check_parts(d, "parts");
    if (st == ET_OK)
        st = check_parts(d, "hold");
    if (st == ET_OK)
        st = add_parts(d, true);
    d->drive->n_commanded = d->drive->n_joints;
    if (st == ET_OK)
        st = add_parts(d, false);
    d->drive->joints = d->joints;
    if (st != ET_OK || d->drive->arms[0].n_joints + d->drive->arms[1].n_joints > 0)
        return st;
    return et_yaml_fail(d->r->err, d->r->path, place_of(d, "parts"),
                        "left_arm or right_arm must be among the parts that follow");
}

static enum et_status read_way(const struct et__profile_reader *r, const struct et_value *value,
                               struct et_drive *drive)
{
    struct reading d = {.r = r, .value = value, .drive = drive};
    *drive = (struct et_drive){
        .name = et_value_text(et_value_get(value, "name"), ""),
        .source = et_value_text(et_value_get(value, "source"), ""),
        .rate_hz = et_value_real(et_value_get(value, "rate_hz"), 0),
        .stale_s = et_value_real(et_value_get(value, "stale_ms"), 1e3 * STALE_S) / 1e3,
        .take_s = et_value_real(et_value_get(value, "take_s"), 0),
        .release_s = et_value_real(et_value_get(value, "release_s"), 0),
        .may_share = et_value_bool(et_value_get(value, "shared"), false),
        .base = et_value_text(et_value_get(value, "base"), NULL),
        .line = value->line,
        .column = value->column};
    if (!et_name_is_own(et_str(drive->name)))
        return et_yaml_fail(r->err, r->path, place_of(&d, "name"),
                            "a way's name is of a-z 0-9 _ . -, is \"%.64s\"", drive->name);
    d.joints = et_arena_array(r->arena, ET_DRIVE_JOINTS_MAX, sizeof *d.joints);
    enum et_status st = d.joints ? ET_OK : out_of_memory(&d);
    if (st == ET_OK)
        st = read_topic(&d, "state", &drive->state);
    if (st == ET_OK)
        st = read_topic(&d, "command", &drive->command);
    if (st == ET_OK)
        st = read_joints(&d);
    if (st == ET_OK)
        st = read_values(&d);
    for (size_t side = 0; side < ET_DRIVE_ARMS && st == ET_OK; side++)
        st = read_hand(&d, side);
    return st;
}

enum et_status et__profile_drives(const struct et__profile_reader *r, const struct et_value *value)
{
    if (!value)
        return ET_OK;
    enum et_status st = et_schema_check(value, &WAYS, r->path, r->err);
    const size_t n = et_value_count(value);
    struct et_drive *drives = st == ET_OK ? et_arena_array(r->arena, n, sizeof *drives) : NULL;
    if (st == ET_OK && !drives)
        st = et_arena_fail(r->arena, "how a robot is driven", r->err);
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        st = read_way(r, et_value_at(value, i), &drives[i]);
        for (size_t k = 0; k < i && st == ET_OK; k++)
            if (strcmp(drives[k].name, drives[i].name) == 0)
                st = et_yaml_fail(r->err, r->path, et_value_place(et_value_at(value, i)),
                                  "there are two ways called %.64s", drives[i].name);
    }
    if (st != ET_OK)
        return st;
    r->profile->drives = drives;
    r->profile->n_drives = n;
    return ET_OK;
}
