/* robot.yaml: what in a robot's MJCF is what. The names in the MJCF are checked when a world is
 * opened. */
#include "etude/file.h"
#include "etude/yaml.h"
#include "world/world__robot.h"

#include <assert.h>
#include <math.h>

#define ROBOT_BYTES_MAX ((size_t)256 << 10)
#define ROBOT_FILE "robot.yaml"
#define MJCF_FILE "robot.xml"
#define CAMERAS_MAX 16
#define PLACE_MAX 64 // bytes of a camera's place

static const struct et_share_kind ROBOTS = {
    .folder = "world/robots", .suffix = "/" ROBOT_FILE, .what = "robot"};

// In canonical order: what a world moves. Legs and bases stand still.
static const char *const PARTS[] = {"head",      "waist",      "left_arm", "left_hand",
                                    "right_arm", "right_hand", NULL};

// clang-format off
static const struct et_schema ANY = {.type = ET_SCHEMA_ANY};
static const struct et_schema VERSION = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1};
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema PART = {.type = ET_SCHEMA_STRING, .choices = PARTS};
static const struct et_schema HOME = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = -100, .max = 100};
static const struct et_schema SCALE = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = -1e6, .max = 1e6};
static const struct et_schema INDEX = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = ET__JOINTS_MAX - 1};
static const struct et_schema LENGTH = { // of an opening, m
    .type = ET_SCHEMA_REAL, .has_range = true, .min = -1, .max = 1};
static const struct et_schema AREA = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 1e-8, .max = 1};
static const struct et_schema TWO = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_min = 2, .n_max = 2};
static const struct et_schema EIGHT = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_min = 8, .n_max = 8};

static const struct et_schema_field JOINT_FIELDS[] = {
    {"name",        &TEXT,  true},
    {"part",        &PART,  true},
    {"joint",       &TEXT,  true},
    {"actuator",    &TEXT,  false},
    {"home",        &HOME,  false},
    {"maker",       &TEXT,  false},
    {"maker_scale", &SCALE, false},
    {"maker_index", &INDEX, false},
    {NULL,          NULL,   false},
};
static const struct et_schema JOINT = {.type = ET_SCHEMA_MAP, .fields = JOINT_FIELDS};
static const struct et_schema JOINTS = {
    .type = ET_SCHEMA_LIST, .items = &JOINT, .n_min = 1, .n_max = ET__JOINTS_MAX};

static const struct et_schema_field HAND_FIELDS[] = {
    {"tcp",            &TEXT,   true},
    {"body",           &TEXT,   true},
    {"fingers",        &TWO,    true},
    {"force",          &TEXT,   false},
    {"torque",         &TEXT,   false},
    {"touch",          &TWO,    false},
    {"pressure",       &EIGHT,  false},
    {"field_m2",       &AREA,   false},
    {"open_m",         &LENGTH, true},
    {"close_m",        &LENGTH, true},
    {"actuator_scale", &SCALE,  false},
    {NULL,             NULL,    false},
};
static const struct et_schema HAND = {.type = ET_SCHEMA_MAP, .fields = HAND_FIELDS};
static const struct et_schema_field HANDS_FIELDS[] = {
    {"left",  &HAND, true},
    {"right", &HAND, true},
    {NULL,    NULL,  false},
};
static const struct et_schema HANDS = {.type = ET_SCHEMA_MAP, .fields = HANDS_FIELDS};

static const struct et_schema_field TRUNK_FIELDS[] = {
    {"site",          &TEXT, true},
    {"gyro",          &TEXT, false},
    {"accelerometer", &TEXT, false},
    {"orientation",   &TEXT, false},
    {NULL,            NULL,  false},
};
static const struct et_schema TRUNK = {.type = ET_SCHEMA_MAP, .fields = TRUNK_FIELDS};

static const struct et_schema_field POSTURE_FIELDS[] = {
    {"joint", &TEXT,  true},
    {"scale", &SCALE, false},
    {NULL,    NULL,   false},
};
static const struct et_schema POSTURE = {.type = ET_SCHEMA_MAP, .fields = POSTURE_FIELDS};
static const struct et_schema_field POSTURES_FIELDS[] = {
    {"lift",        &POSTURE, false},
    {"waist_yaw",   &POSTURE, false},
    {"waist_pitch", &POSTURE, false},
    {"head_pan",    &POSTURE, false},
    {"head_tilt",   &POSTURE, false},
    {NULL,          NULL,     false},
};
static const struct et_schema POSTURES = {.type = ET_SCHEMA_MAP, .fields = POSTURES_FIELDS};
static const struct et_schema CAMERAS = {.type = ET_SCHEMA_DICT, .items = &TEXT};

static const struct et_schema_field ROBOT_FIELDS[] = {
    {"robot",    &VERSION,  true},
    {"text",     &TEXT,     true},
    {"source",   &ANY,      false}, // for people
    {"profile",  &TEXT,     true},
    {"base",     &TEXT,     true},
    {"trunk",    &TRUNK,    true},
    {"joints",   &JOINTS,   true},
    {"hands",    &HANDS,    true},
    {"postures", &POSTURES, false},
    {"cameras",  &CAMERAS,  false},
    {NULL,       NULL,      false},
};
static const struct et_schema ROBOT = {.type = ET_SCHEMA_MAP, .fields = ROBOT_FIELDS};
// clang-format on

/* A robot that is being read. */
struct reader {
    const char *path;
    struct et_arena *arena;
    struct et__robot *robot;
    struct et_err *err;
};

/* ---- mistakes ---- */

static enum et_status out_of_memory(const struct reader *r)
{
    return et_arena_fail(r->arena, "the robot", r->err);
}

/* ---- texts ---- */

/* A name of somebody else's; NULL where the key is absent. */
static enum et_status read_name(const struct reader *r, const struct et_value *map, const char *key,
                                const char **name)
{
    const struct et_value *value = et_value_get(map, key);
    struct et_err inner = {0};
    *name = et_value_text(value, NULL);
    if (!*name || et_name_check(value->as.string, key, &inner) == ET_OK)
        return ET_OK;
    return et_yaml_fail(r->err, r->path, et_value_place(value), "%s", inner.text);
}

/* A name of our own. */
static enum et_status read_own(const struct reader *r, const struct et_value *map, const char *key,
                               const char **name)
{
    const struct et_value *value = et_value_get(map, key);
    *name = et_value_text(value, "");
    if (et_name_is_own(value->as.string))
        return ET_OK;
    return et_yaml_fail(r->err, r->path, et_value_place(value),
                        "%s is 1 to 256 of a-z 0-9 _ . -, is \"%.48s\"", key, *name);
}

/* As many names as the schema wants; NULLs where the key is absent. */
static enum et_status read_names(const struct reader *r, const struct et_value *map,
                                 const char *key, const char **names)
{
    const struct et_value *list = et_value_get(map, key);
    for (size_t i = 0; i < et_value_count(list); i++) {
        const struct et_value *value = et_value_at(list, i);
        struct et_err inner = {0};
        names[i] = et_value_text(value, "");
        if (et_name_check(value->as.string, key, &inner) != ET_OK)
            return et_yaml_fail(r->err, r->path, et_value_place(value), "%s", inner.text);
    }
    return ET_OK;
}

static double real_or(const struct et_value *map, const char *key, double otherwise)
{
    return et_value_real(et_value_get(map, key), otherwise);
}

/* A factor is never 0: somebody divides by it. */
static enum et_status read_scale(const struct reader *r, const struct et_value *map,
                                 const char *key, double *scale)
{
    *scale = real_or(map, key, 1);
    if (fabs(*scale) >= 1e-6)
        return ET_OK;
    return et_yaml_fail(r->err, r->path, et_value_place(et_value_get(map, key)), "%s must not be 0",
                        key);
}

/* ---- joints ---- */

/* Of a key, or of the map where it is not given. */
static struct et_place place_of(const struct et_value *map, const char *key)
{
    const struct et_value *value = et_value_get(map, key);
    return et_value_place(value ? value : map);
}

static enum et_status check_joint(const struct reader *r, const struct et_value *item, size_t i)
{
    const struct et__robot_joint *joints = r->robot->joints, *joint = &joints[i];
    if (i > 0 && joint->part < joints[i - 1].part)
        return et_yaml_fail(
            r->err, r->path, et_value_place(et_value_get(item, "part")),
            "the %s's joints stand before those of the %s: parts are in the order head, "
            "waist, left_arm, left_hand, right_arm, right_hand",
            et_part_text(joint->part), et_part_text(joints[i - 1].part));
    for (size_t k = 0; k < i; k++) {
        if (strcmp(joints[k].name, joint->name) == 0)
            return et_yaml_fail(r->err, r->path, et_value_place(et_value_get(item, "name")),
                                "the joint %.64s is named twice", joint->name);
        if (strcmp(joints[k].joint, joint->joint) == 0)
            return et_yaml_fail(r->err, r->path, et_value_place(et_value_get(item, "joint")),
                                "%.64s is %.64s already", joint->joint, joints[k].name);
        if (strcmp(joints[k].actuator, joint->actuator) == 0)
            return et_yaml_fail(r->err, r->path, place_of(item, "actuator"),
                                "the actuator %.64s drives %.64s already", joint->actuator,
                                joints[k].name);
        if (strcmp(joints[k].maker, joint->maker) == 0)
            return et_yaml_fail(r->err, r->path, et_value_place(item),
                                "%.64s and %.64s are both called %.64s by their maker",
                                joints[k].name, joint->name, joint->maker);
        if (joints[k].maker_index == joint->maker_index)
            return et_yaml_fail(r->err, r->path, et_value_place(item),
                                "%.64s and %.64s both have the maker_index %zu", joints[k].name,
                                joint->name, joint->maker_index);
    }
    return ET_OK;
}

static enum et_status read_joint(const struct reader *r, const struct et_value *item, size_t i,
                                 size_t n, struct et__robot_joint *joint)
{
    enum et_status st = read_own(r, item, "name", &joint->name);
    if (st != ET_OK || (st = read_name(r, item, "joint", &joint->joint)) != ET_OK ||
        (st = read_name(r, item, "actuator", &joint->actuator)) != ET_OK ||
        (st = read_name(r, item, "maker", &joint->maker)) != ET_OK ||
        (st = read_scale(r, item, "maker_scale", &joint->maker_scale)) != ET_OK)
        return st;
    if (!joint->actuator)
        joint->actuator = joint->joint;
    if (!joint->maker)
        joint->maker = joint->name;
    (void)et_part_parse(et_value_get(item, "part")->as.string, &joint->part);
    joint->home = real_or(item, "home", 0);
    joint->maker_index = (size_t)et_value_int(et_value_get(item, "maker_index"), (int64_t)i);
    if (joint->maker_index >= n)
        return et_yaml_fail(r->err, r->path, et_value_place(et_value_get(item, "maker_index")),
                            "maker_index %zu, but there are %zu joints, counted from 0",
                            joint->maker_index, n);
    return check_joint(r, item, i);
}

static enum et_status read_joints(const struct reader *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    struct et__robot_joint *joints = et_arena_array(r->arena, n, sizeof *joints);
    if (!joints)
        return out_of_memory(r);
    r->robot->joints = joints;
    r->robot->n_joints = n;
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < n; i++)
        st = read_joint(r, et_value_at(list, i), i, n, &joints[i]);
    return st;
}

/* ---- hands ---- */

/* The joints of a part, which stand together. */
static size_t find_part(const struct et__robot *robot, enum et_part part, size_t *first)
{
    size_t n = 0;
    for (size_t i = robot->n_joints; i-- > 0;)
        if (robot->joints[i].part == part) {
            *first = i;
            n++;
        }
    return n;
}

static enum et_status find_joints(const struct reader *r, const struct et_value *joints,
                                  enum et_part arm, enum et_part hand, struct et__robot_hand *to)
{
    to->n_joints = find_part(r->robot, arm, &to->first_joint);
    if (to->n_joints < 1 || to->n_joints > ET__ARM_JOINTS_MAX)
        return et_yaml_fail(r->err, r->path, et_value_place(joints),
                            "%s has 1 to %d joints, not %zu", et_part_text(arm), ET__ARM_JOINTS_MAX,
                            to->n_joints);
    const size_t n = find_part(r->robot, hand, &to->i_hand);
    if (n != 1)
        return et_yaml_fail(r->err, r->path, et_value_place(joints),
                            "%s has one joint, its opening, not %zu", et_part_text(hand), n);
    return ET_OK;
}

static enum et_status read_hand(const struct reader *r, const struct et_value *map,
                                struct et__robot_hand *hand)
{
    enum et_status st = read_name(r, map, "tcp", &hand->tcp);
    if (st != ET_OK || (st = read_name(r, map, "body", &hand->body)) != ET_OK ||
        (st = read_names(r, map, "fingers", hand->fingers)) != ET_OK ||
        (st = read_name(r, map, "force", &hand->force)) != ET_OK ||
        (st = read_name(r, map, "torque", &hand->torque)) != ET_OK ||
        (st = read_names(r, map, "touch", hand->touch)) != ET_OK ||
        (st = read_names(r, map, "pressure", hand->pressure)) != ET_OK ||
        (st = read_scale(r, map, "actuator_scale", &hand->actuator_scale)) != ET_OK)
        return st;
    hand->open_m = real_or(map, "open_m", 0);
    hand->close_m = real_or(map, "close_m", 0);
    hand->field_m2 = real_or(map, "field_m2", 0);
    if (hand->open_m <= 0)
        return et_yaml_fail(r->err, r->path, et_value_place(et_value_get(map, "open_m")),
                            "open_m must be above 0");
    if (hand->close_m > 0)
        return et_yaml_fail(r->err, r->path, et_value_place(et_value_get(map, "close_m")),
                            "close_m must be 0 or below");
    if (hand->pressure[0] && hand->field_m2 == 0)
        return et_yaml_fail(r->err, r->path, et_value_place(et_value_get(map, "pressure")),
                            "pressure needs field_m2, the area of a field");
    return ET_OK;
}

static enum et_status read_hands(const struct reader *r, const struct et_value *doc)
{
    const struct et_value *joints = et_value_get(doc, "joints");
    const struct et_value *hands = et_value_get(doc, "hands");
    struct et__robot_hand *to = r->robot->hands;
    enum et_status st = find_joints(r, joints, ET_PART_LEFT_ARM, ET_PART_LEFT_HAND, &to[0]);
    if (st == ET_OK)
        st = find_joints(r, joints, ET_PART_RIGHT_ARM, ET_PART_RIGHT_HAND, &to[1]);
    if (st == ET_OK)
        st = read_hand(r, et_value_get(hands, "left"), &to[0]);
    return st == ET_OK ? read_hand(r, et_value_get(hands, "right"), &to[1]) : st;
}

/* ---- words of skills, cameras ---- */

static enum et_status read_posture(const struct reader *r, const struct et_value *map,
                                   struct et__robot_posture *posture)
{
    const struct et_value *joint = et_value_get(map, "joint");
    enum et_status st = read_scale(r, map, "scale", &posture->scale);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < r->robot->n_joints; i++)
        if (et_str_is(joint->as.string, r->robot->joints[i].name)) {
            posture->i_joint = i;
            return ET_OK;
        }
    return et_yaml_fail(r->err, r->path, et_value_place(joint),
                        "no joint of that name above: \"%.64s\"", joint->as.string.p);
}

static enum et_status read_postures(const struct reader *r, const struct et_value *map)
{
    const size_t n = et_value_count(map);
    struct et__robot_posture *postures = et_arena_array(r->arena, n, sizeof *postures);
    if (!postures)
        return out_of_memory(r);
    r->robot->postures = postures;
    r->robot->n_postures = n;
    for (size_t i = 0; i < n; i++) {
        postures[i].name = et_arena_copy(r->arena, map->as.many.keys[i].p, map->as.many.keys[i].n);
        if (!postures[i].name)
            return out_of_memory(r);
        const enum et_status st = read_posture(r, et_value_at(map, i), &postures[i]);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status read_cameras(const struct reader *r, const struct et_value *map)
{
    const size_t n = et_value_count(map);
    if (n > CAMERAS_MAX)
        return et_yaml_fail(r->err, r->path, et_value_place(map), "%zu cameras; at most %d", n,
                            CAMERAS_MAX);
    struct et__robot_camera *cameras = et_arena_array(r->arena, n, sizeof *cameras);
    if (!cameras)
        return out_of_memory(r);
    r->robot->cameras = cameras;
    r->robot->n_cameras = n;
    for (size_t i = 0; i < n; i++) {
        const struct et_str place = map->as.many.keys[i];
        if (!et_name_is_own(place) || place.n > PLACE_MAX || memchr(place.p, '.', place.n))
            return et_yaml_fail(r->err, r->path, map->as.many.places[i],
                                "a camera's place is 1 to %d of a-z 0-9 _ -, is \"%.*s\"",
                                PLACE_MAX, place.n > PLACE_MAX ? PLACE_MAX : (int)place.n, place.p);
        cameras[i].place = et_arena_copy(r->arena, place.p, place.n);
        if (!cameras[i].place)
            return out_of_memory(r);
        const enum et_status st = read_name(r, map, cameras[i].place, &cameras[i].camera);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* ---- the file ---- */

static enum et_status read_document(const struct reader *r, const struct et_value *doc)
{
    struct et__robot *robot = r->robot;
    const struct et_value *trunk = et_value_get(doc, "trunk");
    enum et_status st = read_name(r, doc, "text", &robot->text);
    if (st != ET_OK || (st = read_own(r, doc, "profile", &robot->profile)) != ET_OK ||
        (st = read_name(r, doc, "base", &robot->base)) != ET_OK ||
        (st = read_name(r, trunk, "site", &robot->trunk)) != ET_OK ||
        (st = read_name(r, trunk, "gyro", &robot->gyro)) != ET_OK ||
        (st = read_name(r, trunk, "accelerometer", &robot->accelerometer)) != ET_OK ||
        (st = read_name(r, trunk, "orientation", &robot->orientation)) != ET_OK ||
        (st = read_joints(r, et_value_get(doc, "joints"))) != ET_OK ||
        (st = read_hands(r, doc)) != ET_OK ||
        (st = read_postures(r, et_value_get(doc, "postures"))) != ET_OK)
        return st;
    return read_cameras(r, et_value_get(doc, "cameras"));
}

enum et_status et__robot_parse(const char *path, struct et_str text, struct et_arena *arena,
                               struct et__robot *robot, struct et_err *err)
{
    struct reader r = {.path = path, .arena = arena, .robot = robot, .err = err};
    const struct et_value *doc = NULL;

    enum et_status st = et_yaml_parse(text, path, arena, &doc, err);
    if (st == ET_OK)
        st = et_schema_check(doc, &ROBOT, path, err);
    return st == ET_OK ? read_document(&r, doc) : st;
}

/* Where robot.yaml is: an id, the file's path, or its folder's. NULL with *st. */
static const char *find(const char *wanted, struct et_arena *arena, enum et_status *st,
                        struct et_err *err)
{
    const char *path = NULL;
    *st = ET_OK;
    if (!strchr(wanted, '/'))
        *st = et_share_find(&ROBOTS, wanted, arena, &path, err);
    else if (et_str_ends(et_str(wanted), "/" ROBOT_FILE))
        path = et_arena_copy(arena, wanted, strlen(wanted));
    else
        path = et_path_join(arena, wanted, ROBOT_FILE);
    if (*st == ET_OK && !path)
        *st = et_arena_fail(arena, "the robot", err);
    return path;
}

/* A robot is called as its folder. */
static enum et_status name(const char *path, struct et_arena *arena, struct et__robot *robot,
                           struct et_err *err)
{
    const char *folder = et_path_dir(arena, path);
    size_t n = folder ? strlen(folder) : 0;
    while (n > 1 && folder[n - 1] == '/')
        n--;
    folder = folder ? et_arena_copy(arena, folder, n) : NULL;
    robot->path = path;
    robot->mjcf = folder ? et_path_join(arena, folder, MJCF_FILE) : NULL;
    if (!robot->mjcf)
        return et_arena_fail(arena, "the robot", err);
    robot->id = et_path_base(folder);
    if (et_name_is_own(et_str(robot->id)) && robot->id[0] != '.')
        return ET_OK;
    return et_fail(err, ET_ECORRUPT, -1,
                   "%.160s: a robot's folder is named with a-z 0-9 _ . -, not \"%.48s\"", folder,
                   robot->id);
}

static enum et_status load(const char *wanted, struct et_arena *arena,
                           const struct et__robot **robot, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et__robot *loaded = NULL;
    struct et_str text;
    enum et_status st;

    *robot = NULL;
    const char *path = find(wanted, arena, &st, err);
    if (st == ET_OK && !(loaded = et_arena_alloc(arena, sizeof *loaded)))
        st = et_arena_fail(arena, "the robot", err);
    if (st == ET_OK)
        st = name(path, arena, loaded, err);
    if (st == ET_OK)
        st = et_file_read(path, ROBOT_BYTES_MAX, arena, &text, err);
    if (st == ET_OK)
        st = et__robot_parse(path, text, arena, loaded, err);
    if (st == ET_OK)
        *robot = loaded;
    else
        et_arena_rewind(arena, mark);
    return st;
}

/* The robot that a profile is of: datasets know that one's name only. */
static const struct et__robot *find_by_profile(const char *profile, struct et_arena *arena)
{
    const struct et_share_file *files;
    size_t n;
    if (et_share_list(&ROBOTS, arena, &files, &n, NULL) != ET_OK)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct et__robot *robot;
        if (load(files[i].path, arena, &robot, NULL) == ET_OK && robot->profile &&
            strcmp(robot->profile, profile) == 0)
            return robot;
    }
    return NULL;
}

enum et_status et__robot_load(const char *wanted, struct et_arena *arena,
                              const struct et__robot **robot, struct et_err *err)
{
    assert(wanted && arena && robot);
    struct et_err why = {0};
    enum et_status st = load(wanted, arena, robot, &why);
    if (st == ET_ENOTFOUND && !strchr(wanted, '/') && (*robot = find_by_profile(wanted, arena)))
        return ET_OK;
    if (st != ET_OK && err)
        *err = why;
    return st;
}
