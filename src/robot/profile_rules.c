#include "robot/robot__profile.h"
#include "robot/robot__units.h"

#include <assert.h>
#include <math.h>

// More values than any robot has; a list of indices or names is no longer.
#define VALUES_MAX 65536
#define NAMES_MAX 4096

// clang-format off
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema FLAG = {.type = ET_SCHEMA_BOOL};
static const struct et_schema INDEX = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = VALUES_MAX};
static const struct et_schema RANGE = {
    .type = ET_SCHEMA_LIST, .items = &INDEX, .n_min = 2, .n_max = 2};
static const struct et_schema INDICES = {
    .type = ET_SCHEMA_LIST, .items = &INDEX, .n_min = 1, .n_max = NAMES_MAX};
static const struct et_schema SIGN = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = -1, .max = 1};
static const struct et_schema SIGNS = {
    .type = ET_SCHEMA_LIST, .items = &SIGN, .n_min = 1, .n_max = NAMES_MAX};

static const struct et_schema NAMES = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_min = 1, .n_max = NAMES_MAX};

// A rule lists its names, or has one word for them.
#define RULE_FIELDS(names) {    \
    {"stream",   &TEXT,    true},  \
    {"dataset",  &TEXT,    false}, \
    {"topic",    &TEXT,    false}, \
    {"field",    &TEXT,    false}, \
    {"stamp",    &TEXT,    false}, \
    {"stamp_unit", &TEXT,  false}, \
    {"names",    (names),  false}, \
    {"suffix",   &TEXT,    false}, \
    {"range",    &RANGE,   false}, \
    {"indices",  &INDICES, false}, \
    {"unit",     &TEXT,    false}, \
    {"signs",    &SIGNS,   false}, \
    {"invert",   &FLAG,    false}, \
    {"optional", &FLAG,    false}, \
    {NULL,       NULL,     false}, \
}
static const struct et_schema_field LISTING_FIELDS[] = RULE_FIELDS(&NAMES);
static const struct et_schema_field WORD_FIELDS[] = RULE_FIELDS(&TEXT);
static const struct et_schema LISTING_RULE = {.type = ET_SCHEMA_MAP, .fields = LISTING_FIELDS};
static const struct et_schema WORD_RULE = {.type = ET_SCHEMA_MAP, .fields = WORD_FIELDS};

//    part's unit   velocity   effort
static const struct {
    const char *position, *velocity, *effort;
} JOINT_UNITS[] = {
    {"rad",         "rad/s",   "N m"},
    {"m",           "m/s",     "N"},
    {"fraction",    "1/s",     "fraction"},
    {"1",           "1",       "1"},
};
// clang-format on

const char *et__profile_unit(const struct et_profile *profile, struct et__stream_name name)
{
    const struct et_profile_part *part = et__profile_part(profile, name.part);
    if (!et_quantity_is_of_joints(name.quantity) || !part)
        return et_quantity_unit(name.quantity);
    for (size_t i = 0; i < sizeof JOINT_UNITS / sizeof *JOINT_UNITS; i++) {
        if (strcmp(part->unit, JOINT_UNITS[i].position) != 0)
            continue;
        if (name.quantity == ET_QUANTITY_VELOCITY)
            return JOINT_UNITS[i].velocity;
        return name.quantity == ET_QUANTITY_EFFORT ? JOINT_UNITS[i].effort : part->unit;
    }
    return part->unit;
}

size_t et__profile_values(const struct et_profile *profile, struct et__stream_name name)
{
    const struct et_profile_part *part = et__profile_part(profile, name.part);
    if (et_quantity_is_of_joints(name.quantity))
        return part && !part->is_open ? part->n_joints : 0;
    return et_quantity_values(name.quantity);
}

/* The place of a key, or of the map when it has none such. */
static struct et_place key_place(const struct et_value *map, const char *key)
{
    for (size_t i = 0; i < map->as.many.n_items; i++)
        if (et_str_is(map->as.many.keys[i], key))
            return map->as.many.places[i];
    return et_value_place(map);
}

static enum et_status out_of_memory(const struct et__profile_reader *r)
{
    return et_arena_fail(r->arena, "the profile's rules", r->err);
}

static size_t count_stars(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '*';
    return n;
}

/* "*.image": the stream of every camera that the path's '*' stands for. */
static bool is_star_stream(const char *stream)
{
    return stream[0] == '*';
}

static enum et_status read_stream(const struct et__profile_reader *r, const struct et_value *value,
                                  struct et_rule *rule, struct et__stream_name *name)
{
    const struct et_place place = key_place(value, "stream");
    rule->stream = et_value_text(et_value_get(value, "stream"), "");

    // Any place will do for the '*': what it stands for is checked when it is known.
    const bool is_star = is_star_stream(rule->stream);
    const char *example = rule->stream;
    if (is_star) {
        example = et_arena_printf(r->arena, "scene%s", rule->stream + 1);
        if (!example)
            return out_of_memory(r);
    }
    if (!et_stream_parse(example, &name->part, &name->quantity, &name->is_command))
        return et_yaml_fail(r->err, r->path, place,
                            "\"%.64s\" is no stream: streams are <part>.<quantity>, "
                            "such as left_arm.position",
                            rule->stream);
    if (is_star && !et__is_picture(name->quantity))
        return et_yaml_fail(r->err, r->path, place, "\"%.64s\": a * stands for cameras only",
                            rule->stream);
    if (et_quantity_is_of_joints(name->quantity) && !et__profile_part(r->profile, name->part))
        return et_yaml_fail(r->err, r->path, place, "%.64s: the robot has no part %s", rule->stream,
                            et_part_text(name->part));
    return ET_OK;
}

/* A picture's place must be one of the profile's cameras, so that each is described. */
static enum et_status check_camera(const struct et__profile_reader *r, const struct et_value *value,
                                   const struct et_rule *rule)
{
    const size_t n_place = strcspn(rule->stream, ".");
    const struct et_str place = {rule->stream, n_place};
    if (is_star_stream(rule->stream))
        return ET_OK;
    for (size_t i = 0; i < r->profile->n_cameras; i++)
        if (et_str_is(place, r->profile->cameras[i].name))
            return ET_OK;
    return et_yaml_fail(r->err, r->path, key_place(value, "stream"),
                        "%.64s: the robot has no camera %.*s", rule->stream, (int)n_place,
                        rule->stream);
}

/* Where the device's time is, and what it counts in. */
static enum et_status read_stamp(const struct et__profile_reader *r, const struct et_value *value,
                                 struct et_rule *rule)
{
    const char *unit = et_value_text(et_value_get(value, "stamp_unit"), NULL);
    rule->stamp = et_value_text(et_value_get(value, "stamp"), NULL);
    if (rule->dataset && (rule->stamp || unit))
        return et_yaml_fail(r->err, r->path, key_place(value, rule->stamp ? "stamp" : "stamp_unit"),
                            "%.64s: stamps are for topics, a dataset's rows have their own",
                            rule->stream);
    if (unit && !rule->stamp)
        return et_yaml_fail(r->err, r->path, key_place(value, "stamp_unit"),
                            "%.64s: \"stamp_unit\" belongs to \"stamp\"", rule->stream);
    if (!unit)
        return ET_OK;
    const struct et__unit *known = et__unit_find(unit);
    if (!known || strcmp(known->si, "s") != 0)
        return et_yaml_fail(r->err, r->path, key_place(value, "stamp_unit"),
                            "%.64s: a stamp counts in s, ms, us or ns, not in \"%.32s\"",
                            rule->stream, unit);
    rule->stamp_ns = known->scale * 1e9;
    return ET_OK;
}

static enum et_status read_source(const struct et__profile_reader *r, const struct et_value *value,
                                  struct et_rule *rule)
{
    static const char *const KEYS[] = {"dataset", "topic", "field", "stamp"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        const struct et_value *text = et_value_get(value, KEYS[i]);
        struct et_err inner = {0};
        if (text && et_name_check(text->as.string, KEYS[i], &inner) != ET_OK)
            return et_yaml_fail(r->err, r->path, et_value_place(text), "%s", inner.text);
    }
    rule->dataset = et_value_text(et_value_get(value, "dataset"), NULL);
    rule->topic = et_value_text(et_value_get(value, "topic"), NULL);
    rule->field = et_value_text(et_value_get(value, "field"), NULL);
    if (!rule->dataset == !rule->topic)
        return et_yaml_fail(r->err, r->path, et_value_place(value),
                            "%.64s: a rule leads from a dataset's feature or from a topic, "
                            "one of the two",
                            rule->stream);
    if (rule->dataset && rule->field)
        return et_yaml_fail(r->err, r->path, key_place(value, "field"),
                            "%.64s: \"field\" is for topics, a dataset's feature has none",
                            rule->stream);
    const enum et_status st = read_stamp(r, value, rule);
    if (st != ET_OK)
        return st;

    const char *path = rule->dataset ? rule->dataset : rule->topic;
    const size_t n_stars = count_stars(path), n_wanted = is_star_stream(rule->stream) ? 1 : 0;
    if (n_stars == n_wanted)
        return ET_OK;
    return et_yaml_fail(r->err, r->path, key_place(value, rule->dataset ? "dataset" : "topic"),
                        "%.64s: the path must have %s *, as the stream has", rule->stream,
                        n_wanted ? "one" : "no");
}

/* `names: maker`: what the maker calls the part's joints, with the suffix behind. */
static enum et_status take_maker_names(const struct et__profile_reader *r,
                                       const struct et_value *value, struct et__stream_name name,
                                       struct et_rule *rule)
{
    const struct et_profile_part *part = et__profile_part(r->profile, name.part);
    const char *suffix = et_value_text(et_value_get(value, "suffix"), "");
    if (!et_quantity_is_of_joints(name.quantity) || !part || part->is_open)
        return et_yaml_fail(r->err, r->path, key_place(value, "names"),
                            "%.64s: there are no joints here whose names the maker could give",
                            rule->stream);
    const char **names = et_arena_array(r->arena, part->n_joints, sizeof *names);
    if (!names)
        return out_of_memory(r);
    for (size_t i = 0; i < part->n_joints; i++) {
        const struct et_joint *joint = &part->joints[i];
        names[i] =
            et_arena_printf(r->arena, "%s%s", joint->maker ? joint->maker : joint->name, suffix);
        if (!names[i])
            return out_of_memory(r);
    }
    rule->names = names;
    rule->n_names = part->n_joints;
    return ET_OK;
}

static enum et_status take_listed_names(const struct et__profile_reader *r,
                                        const struct et_value *list, struct et_rule *rule)
{
    const size_t n = et_value_count(list);
    const char **names = et_arena_array(r->arena, n, sizeof *names);
    if (!names)
        return out_of_memory(r);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *item = et_value_at(list, i);
        struct et_err inner = {0};
        if (et_name_check(item->as.string, "a value's name", &inner) != ET_OK)
            return et_yaml_fail(r->err, r->path, et_value_place(item), "%s", inner.text);
        names[i] = et_value_text(item, "");
        for (size_t k = 0; k < i; k++)
            if (strcmp(names[k], names[i]) == 0)
                return et_yaml_fail(r->err, r->path, et_value_place(item),
                                    "%.64s: \"%.64s\" is named twice", rule->stream, names[i]);
    }
    rule->names = names;
    rule->n_names = n;
    return ET_OK;
}

static enum et_status read_names(const struct et__profile_reader *r, const struct et_value *value,
                                 struct et__stream_name name, struct et_rule *rule)
{
    const struct et_value *names = et_value_get(value, "names");
    if (names && names->kind == ET_VALUE_STRING) {
        if (et_str_is(names->as.string, "maker"))
            return take_maker_names(r, value, name, rule);
        return et_yaml_fail(r->err, r->path, et_value_place(names),
                            "%.64s: \"names\" is a list, or the word maker for the names that "
                            "the joints have",
                            rule->stream);
    }
    if (et_value_get(value, "suffix"))
        return et_yaml_fail(r->err, r->path, key_place(value, "suffix"),
                            "%.64s: \"suffix\" belongs to \"names: maker\"", rule->stream);
    return names ? take_listed_names(r, names, rule) : ET_OK;
}

static enum et_status read_indices(const struct et__profile_reader *r, const struct et_value *value,
                                   struct et_rule *rule)
{
    const struct et_value *range = et_value_get(value, "range");
    const struct et_value *list = et_value_get(value, "indices");
    rule->first = range ? et_value_int(et_value_at(range, 0), 0) : -1;
    rule->last = range ? et_value_int(et_value_at(range, 1), 0) : -1;
    if (range && rule->first >= rule->last)
        return et_yaml_fail(r->err, r->path, et_value_place(range),
                            "%.64s: the range [%lld, %lld] is empty: its last value is the one "
                            "before the second number",
                            rule->stream, (long long)rule->first, (long long)rule->last);
    if (!list)
        return ET_OK;
    const size_t n = et_value_count(list);
    size_t *indices = et_arena_array(r->arena, n, sizeof *indices);
    if (!indices)
        return out_of_memory(r);
    for (size_t i = 0; i < n; i++)
        indices[i] = (size_t)et_value_int(et_value_at(list, i), 0);
    rule->indices = indices;
    rule->n_indices = n;
    return ET_OK;
}

/* Values that the rule itself chooses; 0 when it takes all that the feature has. */
static size_t n_chosen(const struct et_rule *rule)
{
    if (rule->names)
        return rule->n_names;
    if (rule->indices)
        return rule->n_indices;
    return rule->first >= 0 ? (size_t)(rule->last - rule->first) : 0;
}

static enum et_status read_values(const struct et__profile_reader *r, const struct et_value *value,
                                  struct et__stream_name name, struct et_rule *rule)
{
    static const char *const KEYS[] = {"names", "range", "indices"};
    const char *chosen_by = NULL;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        if (!et_value_get(value, KEYS[i]))
            continue;
        if (chosen_by)
            return et_yaml_fail(r->err, r->path, key_place(value, KEYS[i]),
                                "%.64s: \"%s\" and \"%s\" both choose values, one of them will "
                                "do",
                                rule->stream, chosen_by, KEYS[i]);
        chosen_by = KEYS[i];
    }
    enum et_status st = read_names(r, value, name, rule);
    if (st == ET_OK)
        st = read_indices(r, value, rule);
    if (st != ET_OK)
        return st;

    const size_t n_wanted = et__profile_values(r->profile, name), n = n_chosen(rule);
    if (n == 0 || n_wanted == 0 || n == n_wanted)
        return ET_OK;
    return et_yaml_fail(r->err, r->path, key_place(value, chosen_by),
                        "%.64s has %zu values, the rule gives %zu", rule->stream, n_wanted, n);
}

static enum et_status read_signs(const struct et__profile_reader *r, const struct et_value *value,
                                 struct et__stream_name name, struct et_rule *rule)
{
    const struct et_value *list = et_value_get(value, "signs");
    if (!list)
        return ET_OK;
    const size_t n = et_value_count(list);
    const size_t n_of_stream = et__profile_values(r->profile, name);
    const size_t n_wanted = n_of_stream ? n_of_stream : n_chosen(rule);
    if (n_wanted != 0 && n != n_wanted)
        return et_yaml_fail(r->err, r->path, key_place(value, "signs"),
                            "%.64s has %zu values, the rule gives %zu signs", rule->stream,
                            n_wanted, n);
    double *signs = et_arena_array(r->arena, n, sizeof *signs);
    if (!signs)
        return out_of_memory(r);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *item = et_value_at(list, i);
        signs[i] = et_value_real(item, 0);
        if (signs[i] == 0)
            return et_yaml_fail(r->err, r->path, et_value_place(item), "%.64s: a sign is 1 or -1",
                                rule->stream);
    }
    rule->signs = signs;
    rule->n_signs = n;
    return ET_OK;
}

static enum et_status read_unit(const struct et__profile_reader *r, const struct et_value *value,
                                struct et__stream_name name, struct et_rule *rule)
{
    const char *si = et__profile_unit(r->profile, name);
    rule->unit = et_value_text(et_value_get(value, "unit"), si);
    const struct et__unit *unit = et__unit_find(rule->unit);
    if (unit && strcmp(unit->si, si) == 0)
        return ET_OK;

    struct et_buf known = et_buf(256);
    et__unit_list(si, &known);
    const enum et_status st =
        et_yaml_fail(r->err, r->path, key_place(value, "unit"),
                     "%.64s is in %s: \"%.32s\" %s; known are %s", rule->stream, si, rule->unit,
                     unit ? "is another kind of unit" : "is no unit", et_buf_text(&known));
    et_buf_free(&known);
    return st;
}

static enum et_status read_scale(const struct et__profile_reader *r, const struct et_value *value,
                                 struct et__stream_name name, struct et_rule *rule)
{
    enum et_status st = read_unit(r, value, name, rule);
    if (st == ET_OK)
        st = read_signs(r, value, name, rule);
    if (st != ET_OK)
        return st;
    rule->is_inverted = et_value_bool(et_value_get(value, "invert"), false);
    if (!rule->is_inverted)
        return ET_OK;
    if (strcmp(et__profile_unit(r->profile, name), "fraction") != 0)
        return et_yaml_fail(r->err, r->path, key_place(value, "invert"),
                            "%.64s: only a fraction has another end to count from", rule->stream);
    if (rule->signs)
        return et_yaml_fail(r->err, r->path, key_place(value, "invert"),
                            "%.64s: \"invert\" and \"signs\" do not go together", rule->stream);
    return ET_OK;
}

/* A picture is taken whole: what chooses or scales values has no meaning for it. */
static enum et_status check_picture(const struct et__profile_reader *r,
                                    const struct et_value *value, struct et_rule *rule)
{
    static const char *const KEYS[] = {"names", "suffix", "range", "indices",
                                       "unit",  "signs",  "invert"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (et_value_get(value, KEYS[i]))
            return et_yaml_fail(r->err, r->path, key_place(value, KEYS[i]),
                                "%.64s: \"%s\" has no meaning for pictures", rule->stream, KEYS[i]);
    rule->first = rule->last = -1;
    return check_camera(r, value, rule);
}

static enum et_status read_rule(const struct et__profile_reader *r, const struct et_value *value,
                                struct et_rule *rule)
{
    const struct et_value *names = et_value_get(value, "names");
    const bool is_word = names && names->kind == ET_VALUE_STRING;
    struct et__stream_name name = {0};
    enum et_status st =
        et_schema_check(value, is_word ? &WORD_RULE : &LISTING_RULE, r->path, r->err);
    if (st != ET_OK)
        return st;
    rule->line = value->line;
    rule->is_optional = et_value_bool(et_value_get(value, "optional"), false);
    if ((st = read_stream(r, value, rule, &name)) != ET_OK ||
        (st = read_source(r, value, rule)) != ET_OK)
        return st;
    if (et__is_picture(name.quantity))
        return check_picture(r, value, rule);
    if ((st = read_values(r, value, name, rule)) != ET_OK)
        return st;
    return read_scale(r, value, name, rule);
}

/* The same stream twice from the same place: one of the two would never be used. */
static bool is_repeated(const struct et_rule *rules, size_t n)
{
    const struct et_rule *new = &rules[n];
    const char *path = new->dataset ? new->dataset : new->topic;
    const char *field = new->field ? new->field : "";
    for (size_t i = 0; i < n; i++) {
        const char *other = new->dataset ? rules[i].dataset : rules[i].topic;
        const char *other_field = rules[i].field ? rules[i].field : "";
        if (other && strcmp(rules[i].stream, new->stream) == 0 && strcmp(other, path) == 0 &&
            strcmp(other_field, field) == 0)
            return true;
    }
    return false;
}

enum et_status et__profile_rules(const struct et__profile_reader *r, const struct et_value *value)
{
    const size_t n = et_value_count(value);
    struct et_rule *rules = et_arena_array(r->arena, n, sizeof *rules);
    if (!rules)
        return out_of_memory(r);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *item = et_value_at(value, i);
        const enum et_status st = read_rule(r, item, &rules[i]);
        if (st != ET_OK)
            return st;
        if (is_repeated(rules, i))
            return et_yaml_fail(r->err, r->path, et_value_place(item),
                                "%.64s: an earlier rule leads from the same place to the same "
                                "stream",
                                rules[i].stream);
    }
    r->profile->rules = rules;
    r->profile->n_rules = n;
    return ET_OK;
}
