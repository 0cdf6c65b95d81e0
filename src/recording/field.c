/* From a rule's words to paths of a message. */
#include "recording/recording__open.h"

#include <assert.h>

#define PATHS_PER_FIELD_MAX 4096

// What types are known for: the field that a rule may leave out. Imu's order is the stream's.
// clang-format off
static const struct {
    const char *type;
    enum et_quantity quantity;
    const char *field;
} KNOWN[] = {
    {"sensor_msgs/JointState",        ET_QUANTITY_POSITION, "position"},
    {"sensor_msgs/JointState",        ET_QUANTITY_VELOCITY, "velocity"},
    {"sensor_msgs/JointState",        ET_QUANTITY_EFFORT,   "effort"},
    {"trajectory_msgs/JointTrajectory", ET_QUANTITY_POSITION, "points[0].positions"},
    {"trajectory_msgs/JointTrajectory", ET_QUANTITY_VELOCITY, "points[0].velocities"},
    {"sensor_msgs/Imu",               ET_QUANTITY_IMU,
     "angular_velocity, linear_acceleration, orientation"},
    {"geometry_msgs/PoseStamped",     ET_QUANTITY_POSE,     "pose"},
    {"geometry_msgs/Pose",            ET_QUANTITY_POSE,     "position, orientation"},
    {"geometry_msgs/TransformStamped", ET_QUANTITY_POSE,    "transform"},
    {"geometry_msgs/TwistStamped",    ET_QUANTITY_TWIST,    "twist"},
    {"geometry_msgs/Twist",           ET_QUANTITY_TWIST,    "linear, angular"},
    {"geometry_msgs/WrenchStamped",   ET_QUANTITY_WRENCH,   "wrench"},
    {"geometry_msgs/Wrench",          ET_QUANTITY_WRENCH,   "force, torque"},
    {"etude_msgs/Touch",              ET_QUANTITY_TOUCH,    "value"},
    {"etude_msgs/Touch",              ET_QUANTITY_PRESSURE, "value"},
    {"etude_msgs/Event",              ET_QUANTITY_EVENT,    "kind"},
    {"std_msgs/String",               ET_QUANTITY_EVENT,    "data"},
    {"std_msgs/String",               ET_QUANTITY_TEXT,     "data"},
    {"std_msgs/Bool",                 ET_QUANTITY_EVENT,    "data"},
    {"std_msgs/Int32",                ET_QUANTITY_EVENT,    "data"},
    {"std_msgs/UInt8",                ET_QUANTITY_EVENT,    "data"},
    {"std_msgs/Float64MultiArray",    ET_QUANTITY_POSITION, "data"},
    {"std_msgs/Float32MultiArray",    ET_QUANTITY_POSITION, "data"},
};
// clang-format on

// Where a list of numbers has its values' names, seen from the list.
static const char *const NAMES[] = {"name", "names", "joint_names", "joint_name"};

const char *et__known_field(struct et_str type, enum et_quantity quantity)
{
    if (quantity == ET_QUANTITY_IMAGE || quantity == ET_QUANTITY_DEPTH)
        return "data";
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (KNOWN[i].quantity == quantity && et_msgdef_same_name(type, et_str(KNOWN[i].type)))
            return KNOWN[i].field;
    return NULL;
}

static struct et_str plain_topic(const char *topic)
{
    struct et_str t = et_str(topic);
    if (et_str_starts(t, "rt/"))
        return (struct et_str){t.p + 3, t.n - 3};
    return et_str_starts(t, "/") ? (struct et_str){t.p + 1, t.n - 1} : t;
}

bool et__same_topic(const char *a, const char *b)
{
    return et_str_eq(plain_topic(a), plain_topic(b));
}

bool et__has_path(const struct et_message_path *paths, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(paths[i].path, path) == 0)
            return true;
    return false;
}

size_t et__want(struct et__wants *wants, const char *path, enum et_message_form form)
{
    if (!path)
        return SIZE_MAX;
    for (size_t i = 0; i < wants->n; i++)
        if (wants->items[i].form == form && strcmp(wants->items[i].path, path) == 0)
            return i;
    if (wants->n == wants->cap) {
        const size_t cap = wants->cap ? wants->cap * 2 : 16;
        struct et_message_want *items = et_arena_array(wants->arena, cap, sizeof *items);
        if (!items)
            return SIZE_MAX;
        if (wants->n > 0)
            memcpy(items, wants->items, wants->n * sizeof *items);
        wants->items = items;
        wants->cap = cap;
    }
    wants->items[wants->n] = (struct et_message_want){path, form};
    return wants->n++;
}

/* A field that is being compiled. */
struct compiling {
    const struct et_message_path *paths; // all that the definition offers; NULL for JSON
    size_t n_paths;
    struct et__wants *wants;
    struct et__field *field;
    size_t *to;
    struct et_err *err;
};

static enum et_status full(const struct compiling *c)
{
    return et_arena_fail(c->wants->arena, "the fields of a profile", c->err);
}

static enum et_status add_path(struct compiling *c, const char *path)
{
    const size_t i = et__want(c->wants, path, ET_MESSAGE_NUMBERS);
    if (i == SIZE_MAX || c->field->n_paths == PATHS_PER_FIELD_MAX)
        return full(c);
    c->to[c->field->n_paths++] = i;
    return ET_OK;
}

static bool is_number(const struct et_message_path *path)
{
    return path->form == ET_MESSAGE_NUMBERS || path->form == ET_MESSAGE_INTEGERS;
}

/* One of the paths that a rule lists: a leaf, or all numbers below it. */
static enum et_status add_part(struct compiling *c, const char *part)
{
    const size_t n = strlen(part);
    const size_t n_before = c->field->n_paths;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < c->n_paths && st == ET_OK; i++) {
        const char *path = c->paths[i].path;
        const bool is_below = strncmp(path, part, n) == 0 && (path[n] == '.' || path[n] == '[');
        if (is_below && is_number(&c->paths[i]) && !et__has_path(c->paths, c->n_paths, part))
            st = add_path(c, path);
    }
    // A leaf, "motor_state[3].q", or a mistake that compiling tells.
    return st == ET_OK && c->field->n_paths == n_before ? add_path(c, part) : st;
}

static enum et_status add_parts(struct compiling *c, const char *text)
{
    struct et_str rest = et_str(text), part;
    enum et_status st = ET_OK;
    while (st == ET_OK && et_str_cut(&rest, ',', &part)) {
        part = et_str_trim(part);
        const char *copy = et_arena_copy(c->wants->arena, part.p, part.n);
        st = copy ? add_part(c, copy) : full(c);
    }
    return st;
}

/* The names that stand beside a list of numbers. */
static enum et_status find_names(struct compiling *c, const char *text)
{
    const char *dot = strrchr(text, '.');
    const size_t n_head = dot ? (size_t)(dot - text) + 1 : 0;
    for (size_t k = 0; k < 2 * sizeof NAMES / sizeof *NAMES; k++) {
        // Beside the list, then at the root: a trajectory's points have theirs there.
        const bool is_root = k >= sizeof NAMES / sizeof *NAMES;
        const char *name = et_arena_printf(c->wants->arena, "%.*s%s", is_root ? 0 : (int)n_head,
                                           text, NAMES[k % (sizeof NAMES / sizeof *NAMES)]);
        if (!name)
            return full(c);
        for (size_t i = 0; i < c->n_paths; i++) {
            const struct et_message_path *path = &c->paths[i];
            if (path->form != ET_MESSAGE_VIEWS || strcmp(path->path, name) != 0)
                continue;
            c->field->i_names = et__want(c->wants, name, ET_MESSAGE_VIEWS);
            return c->field->i_names == SIZE_MAX ? full(c) : ET_OK;
        }
    }
    return ET_OK;
}

static enum et_status compile_numbers(struct compiling *c, const char *text)
{
    c->to = et_arena_array(c->wants->arena, PATHS_PER_FIELD_MAX, sizeof *c->to);
    if (!c->to)
        return full(c);
    c->field->paths = c->to;
    const enum et_status st = add_parts(c, text);
    return st == ET_OK && c->field->n_paths == 1 ? find_names(c, text) : st;
}

/* "data" and what stands beside it: "format" of a compressed picture, "encoding" … of a raw one. A
 * packet of a video has "encoding" too, but no "step": it is its codec. JSON says itself what it
 * has; of its pictures only compressed ones are read. */
static enum et_status compile_picture(struct compiling *c, const char *text)
{
    struct et__picture_paths *p = &c->field->picture;
    const struct {
        const char *name;
        enum et_message_form form;
        size_t *to;
    } BESIDE[] = {{"format", ET_MESSAGE_VIEWS, &p->format},
                  {"encoding", ET_MESSAGE_VIEWS, &p->pixels},
                  {"width", ET_MESSAGE_INTEGERS, &p->width},
                  {"height", ET_MESSAGE_INTEGERS, &p->height},
                  {"step", ET_MESSAGE_INTEGERS, &p->step}};
    const char *dot = strrchr(text, '.');
    const int n_head = dot ? (int)(dot - text) + 1 : 0;
    const bool is_json = !c->paths;
    p->is_base64 = is_json;
    p->data = et__want(c->wants, text, ET_MESSAGE_VIEWS);
    if (p->data == SIZE_MAX)
        return full(c);
    for (size_t i = 0; i < sizeof BESIDE / sizeof *BESIDE; i++) {
        const char *path = et_arena_printf(c->wants->arena, "%.*s%s", n_head, text, BESIDE[i].name);
        if (!path)
            return full(c);
        if (!et__has_path(c->paths, c->n_paths, path) && !(is_json && BESIDE[i].to == &p->format))
            continue;
        *BESIDE[i].to = et__want(c->wants, path, BESIDE[i].form);
        if (*BESIDE[i].to == SIZE_MAX)
            return full(c);
    }
    if (p->pixels != SIZE_MAX && p->step == SIZE_MAX) {
        p->format = p->pixels;
        p->pixels = SIZE_MAX;
    }
    return ET_OK;
}

/* Our own events have a kind, and a text that says which phase, or what failed. */
static bool is_event_kind(const struct compiling *c, struct et_str type, const char *text)
{
    const char *known = et__known_field(type, ET_QUANTITY_EVENT);
    return known && strcmp(known, "kind") == 0 && strcmp(text, "kind") == 0 &&
           et__has_path(c->paths, c->n_paths, "text");
}

static enum et_status compile_text(struct compiling *c, const char *text, bool has_detail)
{
    for (size_t i = 0; i < c->n_paths; i++) {
        if (strcmp(c->paths[i].path, text) != 0 || !is_number(&c->paths[i]))
            continue;
        c->to = et_arena_array(c->wants->arena, 1, sizeof *c->to);
        if (!c->to)
            return full(c);
        c->field->paths = c->to;
        return add_path(c, text);
    }
    c->field->i_text = et__want(c->wants, text, ET_MESSAGE_VIEWS);
    if (c->field->i_text == SIZE_MAX)
        return full(c);
    if (!has_detail)
        return ET_OK;
    c->field->i_detail = et__want(c->wants, "text", ET_MESSAGE_VIEWS);
    return c->field->i_detail == SIZE_MAX ? full(c) : ET_OK;
}

enum et_status et__field_compile(const struct et_message_def *def, const struct et_channel *channel,
                                 const char *text, enum et_quantity quantity,
                                 struct et__wants *wants, struct et__field *field,
                                 struct et_err *err)
{
    assert(def && channel && text && wants && field);
    struct compiling c = {.wants = wants, .field = field, .err = err};
    field->i_names = field->i_text = field->i_detail = SIZE_MAX;
    field->picture = (struct et__picture_paths){SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX,
                                                SIZE_MAX, SIZE_MAX, false};
    if (!text[0])
        return et_fail(err, ET_ENOTFOUND, -1,
                       "the rule must say which field of %.*s it takes: the type is not known",
                       (int)(channel->schema.name.n < 96 ? channel->schema.name.n : 96),
                       channel->schema.name.p);
    enum et_status st = ET_OK;
    if (def->def)
        st = et_message_paths(def, wants->arena, &c.paths, &c.n_paths, err);
    if (st != ET_OK)
        return st;
    if (quantity == ET_QUANTITY_IMAGE || quantity == ET_QUANTITY_DEPTH)
        return compile_picture(&c, text);
    if (quantity == ET_QUANTITY_EVENT || quantity == ET_QUANTITY_TEXT)
        return compile_text(&c, text,
                            quantity == ET_QUANTITY_EVENT &&
                                is_event_kind(&c, channel->schema.name, text));
    return compile_numbers(&c, text);
}

const char *et__known_stamp(const struct et_message_path *paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(paths[i].path, "header.stamp") == 0 ||
            (strcmp(paths[i].path, "timestamp") == 0 && paths[i].kind == ET_MSG_TIME))
            return paths[i].path;
    return NULL;
}

static int bits_of(enum et_msg_kind kind)
{
    return kind == ET_MSG_UINT32 ? 32 : kind == ET_MSG_UINT16 ? 16 : kind == ET_MSG_UINT8 ? 8 : 0;
}

enum et_status et__stamp_compile(const struct et_message_def *def, const struct et_rule *rule,
                                 struct et__wants *wants, struct et__stamp *stamp,
                                 struct et_err *err)
{
    const struct et_message_path *paths = NULL;
    size_t n_paths = 0;
    const char *path = rule->stamp ? rule->stamp : "header.stamp";
    *stamp = (struct et__stamp){.i_path = SIZE_MAX};
    if (strcmp(path, "none") == 0 || (!def->def && !rule->stamp))
        return ET_OK;
    if (def->def) {
        const enum et_status st = et_message_paths(def, wants->arena, &paths, &n_paths, err);
        if (st != ET_OK)
            return st;
    }
    if (!rule->stamp)
        path = et__known_stamp(paths, n_paths);
    if (!path)
        return ET_OK;
    for (size_t i = 0; i < n_paths; i++) {
        if (strcmp(paths[i].path, path) != 0)
            continue;
        stamp->n_bits = bits_of(paths[i].kind);
        if (rule->stamp_ns != 0 &&
            (paths[i].kind == ET_MSG_TIME || paths[i].kind == ET_MSG_DURATION))
            return et_fail(err, ET_EARG, -1, "%.60s is a time, it counts in no unit", path);
    }
    stamp->scale_ns = rule->stamp_ns;
    stamp->i_path = et__want(wants, path, ET_MESSAGE_INTEGERS);
    if (stamp->i_path == SIZE_MAX)
        return et_arena_fail(wants->arena, "the fields of a profile", err);
    return ET_OK;
}
