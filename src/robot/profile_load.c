#include "robot/robot__profile.h"

#include "etude/file.h"
#include "etude/hash.h"

#include <assert.h>
#include <math.h>

#define PROFILE_BYTES_MAX ((size_t)1 << 20)
#define JOINTS_MAX 256 // of a part
#define TYPES_MAX 256
#define RULES_MAX 1024
#define SUFFIX ".yaml"

static const char *const PART_UNITS[] = {"rad", "m", "fraction", "1", NULL};
static const char *const ANY_JOINTS[] = {"any", NULL};

// clang-format off
static const struct et_schema ANY = {.type = ET_SCHEMA_ANY};
static const struct et_schema VERSION = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1};
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema TEXT_OR_NULL = {.type = ET_SCHEMA_STRING, .may_be_null = true};
static const struct et_schema TYPES = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_max = TYPES_MAX};
static const struct et_schema TEXT_DICT = {.type = ET_SCHEMA_DICT, .items = &TEXT};
static const struct et_schema ANY_DICT = {.type = ET_SCHEMA_DICT, .items = &ANY};
static const struct et_schema RULES = {
    .type = ET_SCHEMA_LIST, .items = &ANY, .n_max = RULES_MAX};
static const struct et_schema PART_UNIT = {.type = ET_SCHEMA_STRING, .choices = PART_UNITS};
static const struct et_schema LIMIT = {
    .type = ET_SCHEMA_REAL, .may_be_null = true, .has_range = true, .min = -1e9, .max = 1e9};
static const struct et_schema MAGNITUDE = {
    .type = ET_SCHEMA_REAL, .may_be_null = true, .has_range = true, .min = 0, .max = 1e9};

static const struct et_schema_field JOINT_FIELDS[] = {
    {"name",   &TEXT,         true},
    {"maker",  &TEXT_OR_NULL, false},
    {"lower",  &LIMIT,        false},
    {"upper",  &LIMIT,        false},
    {"speed",  &MAGNITUDE,    false},
    {"effort", &MAGNITUDE,    false},
    {"source", &TEXT_OR_NULL, false},
    {NULL,     NULL,          false},
};
static const struct et_schema JOINT = {.type = ET_SCHEMA_MAP, .fields = JOINT_FIELDS};
static const struct et_schema JOINTS = {
    .type = ET_SCHEMA_LIST, .items = &JOINT, .n_min = 1, .n_max = JOINTS_MAX};

static const struct et_schema_field PART_FIELDS[] = {
    {"unit",   &PART_UNIT,    true},
    {"source", &TEXT_OR_NULL, false},
    {"joints", &JOINTS,       true},
    {NULL,     NULL,          false},
};
static const struct et_schema PART = {.type = ET_SCHEMA_MAP, .fields = PART_FIELDS};

static const struct et_schema OPEN_JOINTS = {.type = ET_SCHEMA_STRING, .choices = ANY_JOINTS};
static const struct et_schema_field OPEN_PART_FIELDS[] = {
    {"unit",   &PART_UNIT,    true},
    {"source", &TEXT_OR_NULL, false},
    {"joints", &OPEN_JOINTS,  true},
    {NULL,     NULL,          false},
};
static const struct et_schema OPEN_PART = {.type = ET_SCHEMA_MAP, .fields = OPEN_PART_FIELDS};

static const struct et_schema_field PROFILE_FIELDS[] = {
    {"profile",     &VERSION,      true},
    {"maker",       &TEXT,         true},
    {"model",       &TEXT,         true},
    {"variant",     &TEXT_OR_NULL, false},
    {"source",      &TEXT_OR_NULL, false},
    {"urdf",        &TEXT_OR_NULL, false},
    {"robot_types", &TYPES,        false},
    {"parts",       &ANY_DICT,     true},
    {"cameras",     &TEXT_DICT,    false},
    {"rules",       &RULES,        true},
    {"drive",       &ANY,          false},
    {NULL,          NULL,          false},
};
static const struct et_schema PROFILE = {.type = ET_SCHEMA_MAP, .fields = PROFILE_FIELDS};
// clang-format on

static enum et_status out_of_memory(const struct et__profile_reader *r)
{
    return et_arena_fail(r->arena, "the profile", r->err);
}

/* A text that stands for somebody else's name; NULL when it is absent or null. */
static enum et_status read_name(const struct et__profile_reader *r, const struct et_value *value,
                                const char *what, const char **name)
{
    struct et_err inner = {0};
    *name = et_value_text(value, NULL);
    if (!*name || et_name_check(value->as.string, what, &inner) == ET_OK)
        return ET_OK;
    return et_yaml_fail(r->err, r->path, et_value_place(value), "%s", inner.text);
}

const struct et_profile_part *et__profile_part(const struct et_profile *profile, enum et_part part)
{
    for (size_t i = 0; i < profile->n_parts; i++)
        if (profile->parts[i].part == part)
            return &profile->parts[i];
    return NULL;
}

static double number_or_nan(const struct et_value *map, const char *key)
{
    return et_value_real(et_value_get(map, key), (double)NAN);
}

static enum et_status read_joint(const struct et__profile_reader *r, const struct et_value *value,
                                 const char *part_source, struct et_joint *joint)
{
    const struct et_value *name = et_value_get(value, "name");
    const struct et_value *maker = et_value_get(value, "maker");

    joint->name = et_value_text(name, "");
    if (!et_name_is_own(name->as.string))
        return et_yaml_fail(r->err, r->path, et_value_place(name),
                            "a joint's name is 1 to 256 of a-z 0-9 _ . -, is \"%.64s\"",
                            joint->name);
    const enum et_status st = read_name(r, maker, "a maker's joint name", &joint->maker);
    if (st != ET_OK)
        return st;

    joint->lower = number_or_nan(value, "lower");
    joint->upper = number_or_nan(value, "upper");
    joint->speed_max = number_or_nan(value, "speed");
    joint->effort_max = number_or_nan(value, "effort");
    joint->source = et_value_text(et_value_get(value, "source"), part_source);
    if (joint->lower >= joint->upper)
        return et_yaml_fail(r->err, r->path, et_value_place(et_value_get(value, "lower")),
                            "%s: lower %g is not below upper %g", joint->name, joint->lower,
                            joint->upper);
    const bool has_number = !isnan(joint->lower) || !isnan(joint->upper) ||
                            !isnan(joint->speed_max) || !isnan(joint->effort_max);
    if (has_number && !joint->source)
        return et_yaml_fail(r->err, r->path, et_value_place(value),
                            "%s has numbers but no source: neither it nor its part says "
                            "where they are from",
                            joint->name);
    if (!has_number)
        joint->source = NULL;
    return ET_OK;
}

/* Joint names are one robot's: the same one twice, in whichever parts, is a mistake. */
static bool is_taken(const struct et_profile *profile, const struct et_profile_part *part,
                     const char *name)
{
    for (size_t p = 0; p < profile->n_parts; p++)
        for (size_t i = 0; i < profile->parts[p].n_joints; i++)
            if (strcmp(profile->parts[p].joints[i].name, name) == 0)
                return true;
    for (size_t i = 0; i < part->n_joints; i++)
        if (strcmp(part->joints[i].name, name) == 0)
            return true;
    return false;
}

static enum et_status read_joints(const struct et__profile_reader *r, const struct et_value *value,
                                  const char *source, struct et_profile_part *part)
{
    const size_t n = et_value_count(value);
    struct et_joint *joints = et_arena_array(r->arena, n, sizeof *joints);
    if (!joints)
        return out_of_memory(r);
    part->joints = joints;
    for (size_t i = 0; i < n; i++) {
        const struct et_value *item = et_value_at(value, i);
        const enum et_status st = read_joint(r, item, source, &joints[i]);
        if (st != ET_OK)
            return st;
        if (is_taken(r->profile, part, joints[i].name))
            return et_yaml_fail(r->err, r->path, et_value_place(et_value_get(item, "name")),
                                "the joint %s is named twice", joints[i].name);
        part->n_joints++;
    }
    return ET_OK;
}

static enum et_status read_part(const struct et__profile_reader *r, const struct et_value *value,
                                struct et_profile_part *part)
{
    const struct et_value *joints = et_value_get(value, "joints");
    const bool is_open = joints && joints->kind == ET_VALUE_STRING;
    const enum et_status st = et_schema_check(value, is_open ? &OPEN_PART : &PART, r->path, r->err);
    if (st != ET_OK)
        return st;

    part->unit = et_value_text(et_value_get(value, "unit"), NULL);
    part->is_open = is_open;
    if (is_open)
        return ET_OK;
    return read_joints(r, joints, et_value_text(et_value_get(value, "source"), NULL), part);
}

static enum et_status check_part_names(const struct et__profile_reader *r,
                                       const struct et_value *parts)
{
    for (size_t i = 0; i < et_value_count(parts); i++) {
        const struct et_str key = parts->as.many.keys[i];
        enum et_part part;
        if (!et_part_parse(key, &part) || !et_part_has_joints(part))
            return et_yaml_fail(r->err, r->path, parts->as.many.places[i],
                                "\"%.*s\" is no part: parts are head, waist, left_arm, "
                                "left_hand, right_arm, right_hand, legs, base and body",
                                key.n > 64 ? 64 : (int)key.n, key.p);
    }
    return ET_OK;
}

/* In canonical order, whatever the order in the file. */
static enum et_status read_parts(const struct et__profile_reader *r, const struct et_value *value)
{
    enum et_status st = check_part_names(r, value);
    if (st != ET_OK)
        return st;
    struct et_profile_part *parts = et_arena_array(r->arena, et_value_count(value), sizeof *parts);
    if (!parts)
        return out_of_memory(r);
    r->profile->parts = parts;
    for (size_t i = 0; i < ET_N_PARTS; i++) {
        const struct et_value *item = et_value_get(value, et_part_text((enum et_part)i));
        if (!item)
            continue;
        struct et_profile_part *part = &parts[r->profile->n_parts];
        part->part = (enum et_part)i;
        st = read_part(r, item, part);
        if (st != ET_OK)
            return st;
        r->profile->n_parts++;
    }
    return ET_OK;
}

static enum et_status read_cameras(const struct et__profile_reader *r, const struct et_value *value)
{
    const size_t n = et_value_count(value);
    struct et_camera *cameras = et_arena_array(r->arena, n, sizeof *cameras);
    if (!cameras)
        return out_of_memory(r);
    for (size_t i = 0; i < n; i++) {
        const struct et_str key = value->as.many.keys[i];
        if (!et_name_is_own(key) || memchr(key.p, '.', key.n))
            return et_yaml_fail(r->err, r->path, value->as.many.places[i],
                                "a camera's place is 1 to 256 of a-z 0-9 _ -, is \"%.*s\"",
                                key.n > 64 ? 64 : (int)key.n, key.p);
        cameras[i].name = et_arena_copy(r->arena, key.p, key.n);
        cameras[i].text = et_value_text(et_value_at(value, i), "");
        if (!cameras[i].name)
            return out_of_memory(r);
    }
    r->profile->cameras = cameras;
    r->profile->n_cameras = n;
    return ET_OK;
}

static enum et_status read_robot_types(const struct et__profile_reader *r,
                                       const struct et_value *value)
{
    const size_t n = et_value_count(value);
    const char **types = et_arena_array(r->arena, n, sizeof *types);
    if (!types)
        return out_of_memory(r);
    for (size_t i = 0; i < n; i++) {
        const enum et_status st = read_name(r, et_value_at(value, i), "a robot type", &types[i]);
        if (st != ET_OK)
            return st;
    }
    r->profile->robot_types = types;
    r->profile->n_robot_types = n;
    return ET_OK;
}

/* "unitree-g1" of "share/profiles/unitree-g1.yaml". */
static const char *id_of(const char *path, struct et_arena *arena)
{
    struct et_str base = et_str(et_path_base(path));
    if (et_str_ends(base, SUFFIX))
        base.n -= sizeof SUFFIX - 1;
    return et_arena_copy(arena, base.p, base.n);
}

static enum et_status read_document(const struct et__profile_reader *r, const struct et_value *doc)
{
    enum et_status st = et_schema_check(doc, &PROFILE, r->path, r->err);
    if (st != ET_OK)
        return st;
    r->profile->maker = et_value_text(et_value_get(doc, "maker"), "");
    r->profile->model = et_value_text(et_value_get(doc, "model"), "");
    r->profile->variant = et_value_text(et_value_get(doc, "variant"), NULL);
    r->profile->urdf = et_value_text(et_value_get(doc, "urdf"), NULL);
    if ((st = read_robot_types(r, et_value_get(doc, "robot_types"))) != ET_OK ||
        (st = read_parts(r, et_value_get(doc, "parts"))) != ET_OK ||
        (st = read_cameras(r, et_value_get(doc, "cameras"))) != ET_OK)
        return st;
    st = et__profile_rules(r, et_value_get(doc, "rules"));
    return st == ET_OK ? et__profile_drives(r, et_value_get(doc, "drive")) : st;
}

enum et_status et_profile_parse(struct et_str text, const char *path, struct et_arena *arena,
                                const struct et_profile **profile, struct et_err *err)
{
    assert(path && arena && profile);
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et__profile_reader r = {.path = path, .arena = arena, .err = err};
    const struct et_value *doc = NULL;

    *profile = NULL;
    enum et_status st = et_yaml_parse(text, path, arena, &doc, err);
    if (st != ET_OK)
        goto fail;
    r.profile = et_arena_alloc(arena, sizeof *r.profile);
    if (r.profile) {
        const struct et_digest digest = et_blake2b(text.p, text.n);
        memcpy(r.profile->digest, digest.bytes, sizeof r.profile->digest);
        r.profile->path = et_arena_copy(arena, path, strlen(path));
        r.profile->id = id_of(path, arena);
    }
    if (!r.profile || !r.profile->path || !r.profile->id) {
        st = out_of_memory(&r);
        goto fail;
    }
    st = read_document(&r, doc);
    if (st != ET_OK)
        goto fail;
    *profile = r.profile;
    return ET_OK;

fail:
    et_arena_rewind(arena, mark);
    return st;
}

enum et_status et_profile_load(const char *path, struct et_arena *arena,
                               const struct et_profile **profile, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et_str text;

    *profile = NULL;
    enum et_status st = et_file_read(path, PROFILE_BYTES_MAX, arena, &text, err);
    if (st == ET_OK)
        st = et_profile_parse(text, path, arena, profile, err);
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    return st;
}
