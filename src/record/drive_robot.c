/* A robot in its maker's messages: measured joints out of states, commanded ones into commands. */
#include "record/record__drive.h"

#include <math.h>
#include <stdio.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define SCHEMA_BYTES_MAX ((size_t)1 << 20)
#define WANTS_MAX (2 * ET_DRIVE_JOINTS_MAX + 256)
#define PATHS_MAX (8 * ET_DRIVE_JOINTS_MAX + 4096)
// Beyond a limit by more than this share of the joint's range no joint is: the state is garbage.
#define BEYOND_SHARE 0.1
#define BEYOND_MIN 0.1

struct opening {
    struct et__drive_robot *robot;
    const struct et_profile *profile;
    const char *messages;
    struct et_err *err;
    struct et_message_want wants[WANTS_MAX];
    size_t n_wants;
    struct et__frame_text paths[PATHS_MAX];
    size_t n_paths;
};

static enum et_status fail_at(const struct opening *o, int32_t line, const char *text)
{
    return et_fail(o->err, ET_ECORRUPT, line, "%.128s:%d: %.300s", o->profile->path, line, text);
}

static enum et_status full(const struct opening *o)
{
    return et_arena_fail(o->robot->arena, "a robot's messages", o->err);
}

/* ---- definitions ---- */

static enum et_status define(const struct opening *o, const char *type, struct et_buf *text,
                             const struct et_msgdef **def)
{
    enum et_status st =
        et_msgdef_folder_text(o->messages, et_str(type), ET_MSGDEF_ROS2, text, o->err);
    const struct et_msgdef_source source = {
        .name = et_str(type), .text = et_buf_str(text), .flavour = ET_MSGDEF_ROS2};
    if (st == ET_OK)
        st = et_msgdef_parse(&source, o->robot->arena, def, o->err);
    return st;
}

/* ---- states ---- */

static enum et_status want(struct opening *o, const char *path, enum et_message_form form,
                           size_t *i)
{
    for (*i = 0; *i < o->n_wants; (*i)++)
        if (strcmp(o->wants[*i].path, path) == 0)
            return ET_OK;
    if (o->n_wants == WANTS_MAX)
        return et_fail(o->err, ET_ELIMIT, -1, "too many fields of a state");
    o->wants[o->n_wants++] = (struct et_message_want){path, form};
    return ET_OK;
}

static enum et_status want_all(struct opening *o)
{
    struct et__drive_robot *r = o->robot;
    const struct et_drive *d = r->drive;
    enum et_status st = ET_OK;
    bool needs_names = false;
    r->from = et_arena_array(r->arena, d->n_values + 1, sizeof *r->from);
    r->copied = et_arena_array(r->arena, d->n_values + 1, sizeof *r->copied);
    if (!r->from || !r->copied)
        return full(o);
    for (size_t i = 0; i < d->n_joints && st == ET_OK; i++) {
        st = want(o, d->joints[i].state, ET_MESSAGE_NUMBERS, &r->wants[i]);
        needs_names = needs_names || d->joints[i].state_name;
    }
    for (size_t i = 0; i < d->n_values && st == ET_OK; i++) {
        r->from[i] = SIZE_MAX;
        if (d->values[i].from)
            st = want(o, d->values[i].from, ET_MESSAGE_NUMBERS, &r->from[i]);
    }
    r->i_names = SIZE_MAX;
    if (st == ET_OK && needs_names)
        st = want(o, d->state.names, ET_MESSAGE_VIEWS, &r->i_names);
    return st;
}

static enum et_status open_state(struct opening *o)
{
    struct et__drive_robot *r = o->robot;
    struct et_buf text = et_buf(SCHEMA_BYTES_MAX);
    struct et_err inner = {0};
    r->state_def = (struct et_message_def){.encoding = ET_MESSAGE_CDR};
    enum et_status st = define(o, r->drive->state.type, &text, &r->state_def.def);
    et_buf_free(&text);
    if (st == ET_OK)
        st = want_all(o);
    if (st != ET_OK)
        return st;
    // The whole is gone through, so that half a message is told from a whole one.
    const struct et_message_options how = {.bytes_max = (size_t)1 << 20, .must_fit = true};
    st = et_message_program_open(&r->program, &r->state_def, o->wants, o->n_wants, &how, &inner);
    if (st != ET_OK)
        return fail_at(o, r->drive->line, inner.text);
    if (r->drive->state.checksum == ET_DRIVE_NO_CHECKSUM)
        return ET_OK;
    st = et__frame_open(&r->state, r->state_def.def, NULL, 0, r->arena, o->err);
    if (st == ET_OK && (r->state.n_c_bytes == 0 || r->state.i_crc == SIZE_MAX))
        return fail_at(o, r->drive->line, "a state with this checksum has a field \"crc\" last");
    r->state_c_bytes = st == ET_OK ? et_arena_alloc(r->arena, r->state.n_c_bytes) : NULL;
    return st != ET_OK || r->state_c_bytes ? st : full(o);
}

static bool is_whole(struct et__drive_robot *r, struct et_str bytes)
{
    static const char LITTLE_XCDR1[] = {0, 1};
    const struct et__frame *f = &r->state;
    if (r->drive->state.checksum == ET_DRIVE_NO_CHECKSUM)
        return true;
    if (bytes.n < f->n_bytes || memcmp(bytes.p, LITTLE_XCDR1, sizeof LITTLE_XCDR1) != 0)
        return false;
    uint32_t told;
    const unsigned char *p = (const unsigned char *)bytes.p;
    memcpy(&told, p + f->places[f->i_crc].at, sizeof told);
    return told == et__frame_crc(f, p, r->state_c_bytes);
}

static size_t find_name(const struct et_message_values *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (et_str_is(names->views[i], name))
            return i;
    return SIZE_MAX;
}

// What a joint stands at; NAN: it is not in the message.
static double read_joint(const struct et__drive_robot *r, size_t i)
{
    const struct et_drive_joint *joint = &r->drive->joints[i];
    const struct et_message_values *values = et_message_values(r->program, r->wants[i]);
    size_t k = joint->i_state;
    if (joint->state_name)
        k = find_name(et_message_values(r->program, r->i_names), joint->state_name);
    return k < values->n ? values->numbers[k] * joint->state_scale + joint->state_offset
                         : (double)NAN;
}

static bool is_believable(const struct et_drive_joint *joint, double value)
{
    const double beyond = fmax(BEYOND_MIN, BEYOND_SHARE * (joint->upper - joint->lower));
    return isfinite(value) && value >= joint->lower - beyond && value <= joint->upper + beyond;
}

static bool bad(struct et__drive_robot *r, const char *why, const char *what)
{
    r->n_bad++;
    (void)snprintf(r->why, sizeof r->why, "%s%.80s", why, what);
    return false;
}

bool et__drive_robot_hear(struct et__drive_robot *r, struct et_str bytes, int64_t t_arrival_ns)
{
    const struct et_drive *d = r->drive;
    double measured[ET_DRIVE_JOINTS_MAX];
    struct et_err err = {0};
    r->n_states++;
    if (!is_whole(r, bytes))
        return bad(r, "its checksum is wrong", "");
    if (et_message_run(r->program, bytes, &err) != ET_OK)
        return bad(r, "it is damaged: ", err.text);
    for (size_t i = 0; i < d->n_joints; i++) {
        measured[i] = read_joint(r, i);
        if (i < d->n_commanded && !is_believable(&d->joints[i], measured[i]))
            return bad(r, "no joint stands so: ", d->joints[i].name);
    }
    for (size_t i = 0; i < d->n_values; i++) {
        const struct et_message_values *from =
            r->from[i] == SIZE_MAX ? NULL : et_message_values(r->program, r->from[i]);
        if (from && from->n != 1)
            return bad(r, "it lacks ", d->values[i].from);
        r->copied[i] = from ? from->numbers[0] : 0;
    }
    memcpy(r->measured, measured, d->n_joints * sizeof *measured);
    r->t_state_ns = t_arrival_ns;
    return true;
}

/* ---- commands ---- */

static enum et_status add_path(struct opening *o, const char *path, const char *text)
{
    if (!path)
        return full(o);
    if (o->n_paths == PATHS_MAX)
        return et_fail(o->err, ET_ELIMIT, -1, "too many fields of a command");
    o->paths[o->n_paths++] = (struct et__frame_text){path, text};
    return ET_OK;
}

static size_t n_of(const struct et__drive_robot *r, const struct et_drive_value *value)
{
    if (!strstr(value->field, "[]"))
        return 1;
    return value->joints ? value->n_joints : r->drive->n_commanded;
}

// "motor_cmd[].kp" of a joint in place 15 is "motor_cmd[15].kp".
static const char *path_of(const struct et__drive_robot *r, const struct et_drive_value *value,
                           size_t i)
{
    const char *open = strstr(value->field, "[]");
    if (!open)
        return value->field;
    const struct et_drive_joint *joint = &r->drive->joints[value->joints ? value->joints[i] : i];
    return et_arena_printf(r->arena, "%.*s[%zu]%s", (int)(open - value->field), value->field,
                           joint->i_command, open + 2);
}

static enum et_status add_paths(struct opening *o)
{
    const struct et__drive_robot *r = o->robot;
    const struct et_drive *d = r->drive;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < d->n_commanded && st == ET_OK; i++) {
        const struct et_drive_joint *joint = &d->joints[i];
        st = add_path(o, joint->command, NULL);
        if (st == ET_OK && d->command.names)
            st = add_path(o,
                          et_arena_printf(r->arena, "%s[%zu]", d->command.names, joint->i_command),
                          joint->maker ? joint->maker : joint->name);
    }
    for (size_t i = 0; i < d->n_values && st == ET_OK; i++)
        for (size_t k = 0; k < n_of(r, &d->values[i]) && st == ET_OK; k++)
            st = add_path(o, path_of(r, &d->values[i], k), NULL);
    return st;
}

static enum et_status bind_values(struct opening *o)
{
    struct et__drive_robot *r = o->robot;
    const struct et_drive *d = r->drive;
    size_t n = 0;
    for (size_t i = 0; i < d->n_values; i++)
        n += n_of(r, &d->values[i]);
    r->sets = et_arena_array(r->arena, n + 1, sizeof *r->sets);
    if (!r->sets)
        return full(o);
    for (size_t i = 0; i < d->n_values; i++)
        for (size_t k = 0; k < n_of(r, &d->values[i]); k++) {
            const char *path = path_of(r, &d->values[i], k);
            const size_t place = path ? et__frame_find(&r->command, path) : SIZE_MAX;
            if (place == SIZE_MAX)
                return fail_at(o, d->values[i].line, "the command has no such number");
            r->sets[r->n_sets++] = (struct et__drive_set){i, place};
        }
    return ET_OK;
}

static enum et_status open_command(struct opening *o)
{
    struct et__drive_robot *r = o->robot;
    const struct et_drive *d = r->drive;
    const struct et_msgdef *def;
    struct et_err inner = {0};
    enum et_status st = define(o, d->command.type, &r->schema, &def);
    if (st == ET_OK)
        st = add_paths(o);
    if (st != ET_OK)
        return st;
    st = et__frame_open(&r->command, def, o->paths, o->n_paths, r->arena, &inner);
    if (st == ET_ECORRUPT)
        return fail_at(o, d->line, inner.text);
    if (st != ET_OK)
        return et_fail(o->err, st, -1, "%s", inner.text);
    for (size_t i = 0; i < d->n_commanded; i++)
        r->places[i] = et__frame_find(&r->command, d->joints[i].command);
    if (d->command.checksum != ET_DRIVE_NO_CHECKSUM) {
        if (r->command.n_c_bytes == 0 || r->command.i_crc == SIZE_MAX)
            return fail_at(o, d->line, "a command with this checksum has a field \"crc\" last");
        r->command_c_bytes = et_arena_alloc(r->arena, r->command.n_c_bytes);
        if (!r->command_c_bytes)
            return full(o);
    }
    return bind_values(o);
}

bool et__drive_robot_command(struct et__drive_robot *r, const double *joints, double share)
{
    const struct et_drive *d = r->drive;
    for (size_t i = 0; i < d->n_commanded; i++) {
        const struct et_drive_joint *joint = &d->joints[i];
        if (!(joints[i] >= joint->lower && joints[i] <= joint->upper) ||
            !et__frame_put(&r->command, r->places[i],
                           (joints[i] - joint->command_offset) / joint->command_scale))
            return false;
    }
    for (size_t i = 0; i < r->n_sets; i++) {
        const struct et_drive_value *value = &d->values[r->sets[i].i_value];
        double x = value->from ? r->copied[r->sets[i].i_value] : value->value;
        if (!isnan(value->released))
            x = value->released + share * (value->value - value->released);
        if (!et__frame_put(&r->command, r->sets[i].i_place, x))
            return false;
    }
    if (d->command.checksum == ET_DRIVE_UNITREE) {
        const uint32_t crc = et__frame_crc(&r->command, r->command.bytes, r->command_c_bytes);
        memcpy(r->command.bytes + r->command.places[r->command.i_crc].at, &crc, sizeof crc);
    }
    return true;
}

/* ---- the whole ---- */

enum et_status et__drive_robot_open(struct et__drive_robot *robot, const struct et_profile *profile,
                                    const struct et_drive *drive, const char *messages,
                                    struct et_err *err)
{
    *robot = (struct et__drive_robot){.drive = drive, .schema = et_buf(SCHEMA_BYTES_MAX)};
    enum et_status st = et_arena_open(&robot->arena, ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    struct opening *o = et_arena_alloc(robot->arena, sizeof *o);
    if (!o)
        st = et_arena_fail(robot->arena, "a robot's messages", err);
    if (st == ET_OK) {
        *o = (struct opening){.robot = robot, .profile = profile, .messages = messages, .err = err};
        st = open_state(o);
    }
    if (st == ET_OK)
        st = open_command(o);
    if (st != ET_OK)
        et__drive_robot_close(robot);
    return st;
}

void et__drive_robot_close(struct et__drive_robot *robot)
{
    et_message_program_close(robot->program);
    et_buf_free(&robot->schema);
    et_arena_close(robot->arena);
    *robot = (struct et__drive_robot){0};
}
