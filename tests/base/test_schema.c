#include "etude/json.h"
#include "etude/yaml.h"
#include "tap.h"

static struct et_err err;
static struct et_arena *arena;

// clang-format off
static const char *const MODES[] = {"position", "velocity", "effort", NULL};
static const struct et_schema BOOL = {.type = ET_SCHEMA_BOOL};
static const struct et_schema COUNT = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 100};
static const struct et_schema INT = {.type = ET_SCHEMA_INT};
static const struct et_schema REAL = {.type = ET_SCHEMA_REAL};
static const struct et_schema LIMIT = {
    .type = ET_SCHEMA_REAL, .may_be_null = true, .has_range = true, .min = -10, .max = 10};
static const struct et_schema STRING = {.type = ET_SCHEMA_STRING};
static const struct et_schema MODE = {.type = ET_SCHEMA_STRING, .choices = MODES};
static const struct et_schema ANY = {.type = ET_SCHEMA_ANY};
static const struct et_schema PAIR = {
    .type = ET_SCHEMA_LIST, .items = &REAL, .n_min = 2, .n_max = 2};
static const struct et_schema SOME = {
    .type = ET_SCHEMA_LIST, .items = &INT, .n_min = 1, .n_max = 3};
static const struct et_schema LOOSE = {.type = ET_SCHEMA_LIST};
static const struct et_schema DICT = {.type = ET_SCHEMA_DICT, .items = &REAL};
static const struct et_schema FREE = {.type = ET_SCHEMA_DICT};

static const struct et_schema_field JOINT_FIELDS[] = {
    {"name",  &STRING, true},
    {"lower", &LIMIT,  true},
    {"upper", &LIMIT,  false},
    {NULL, NULL, false},
};
static const struct et_schema JOINT = {.type = ET_SCHEMA_MAP, .fields = JOINT_FIELDS};
static const struct et_schema JOINTS = {.type = ET_SCHEMA_LIST, .items = &JOINT};

static const struct et_schema_field EMPTY_FIELDS[] = {{NULL, NULL, false}};
static const struct et_schema EMPTY = {.type = ET_SCHEMA_MAP, .fields = EMPTY_FIELDS};

static const struct et_schema_field ROBOT_FIELDS[] = {
    {"any",    &ANY,    false},
    {"bool",   &BOOL,   false},
    {"count",  &COUNT,  false},
    {"dict",   &DICT,   false},
    {"empty",  &EMPTY,  false},
    {"free",   &FREE,   false},
    {"int",    &INT,    false},
    {"joints", &JOINTS, false},
    {"loose",  &LOOSE,  false},
    {"mode",   &MODE,   false},
    {"pair",   &PAIR,   false},
    {"real",   &REAL,   false},
    {"some",   &SOME,   false},
    {"string", &STRING, false},
    {NULL, NULL, false},
};
static const struct et_schema ROBOT = {.type = ET_SCHEMA_MAP, .fields = ROBOT_FIELDS};
// clang-format on

static enum et_status check_yaml(const char *text)
{
    const struct et_value *value = NULL;
    memset(&err, 0, sizeof err);
    CHECK_OK(et_yaml_parse(et_str(text), NULL, arena, &value, &err));
    return et_schema_check(value, &ROBOT, NULL, &err);
}

static void accepts_what_fits(void)
{
    static const char *const TEXTS[] = {
        "{}",
        "any: [1, {a: b}]",
        "any: null",
        "bool: false",
        "count: 100",
        "count: 1.0", // as et_value_int gives it
        "dict: {a: 1, b: 2.5}",
        "dict: {}",
        "empty: {}",
        "free: {a: [1], b: x}",
        "joints: [{name: a, lower: null}, {name: b, lower: -10, upper: 10}]",
        "joints: []",
        "loose: [1, a, {}]",
        "mode: effort",
        "pair: [1, 2.5]",
        "real: 3",
        "real: .inf",
        "some: [1, 2, 3]",
        "string: ''",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        CHECK_OK(check_yaml(TEXTS[i]));
}

static void says_what_does_not_fit(void)
{
    // clang-format off
    static const struct {
        const char *text;
        int line;
        const char *message;
    } CASES[] = {
        {"[1]", 1, "1:1: must be a map, is a list"},
        {"", 1, "1:1: must be a map, is null"},
        {"bool: 1", 1, "1:7: bool: must be true or false, is a whole number"},
        {"int: true", 1, "1:6: int: must be a whole number, is true or false"},
        {"int: 2.5", 1, "1:6: int: must be a whole number, is 2.5"},
        {"int: .nan", 1, "1:6: int: must be a whole number, is nan"},
        {"int: 1e300", 1, "1:6: int: must be a whole number, is 1e+300"},
        {"real: '1'", 1, "1:7: real: must be a number, is a string"},
        {"string: 1", 1, "1:9: string: must be a string, is a whole number"},
        {"string: 1.5", 1, "1:9: string: must be a string, is a number"},
        {"string: ~", 1, "1:9: string: must be a string, is null"},
        {"loose: {}", 1, "1:8: loose: must be a list, is a map"},
        {"dict: []", 1, "1:7: dict: must be a map, is a list"},
        {"count: 0", 1, "1:8: count: must be between 1 and 100, is 0"},
        {"count: 101", 1, "1:8: count: must be between 1 and 100, is 101"},
        {"mode: torque", 1,
         "1:7: mode: must be one of position, velocity, effort, is \"torque\""},
        {"pair: [1]", 1, "1:7: pair: must have 2 items, has 1"},
        {"pair: [1, 2, 3]", 1, "1:7: pair: must have 2 items, has 3"},
        {"some: []", 1, "1:7: some: must have at least 1 items, has 0"},
        {"some: [1, 2, 3, 4]", 1, "1:7: some: must have at most 3 items, has 4"},
        {"some: [1, x]", 1, "1:11: some[1]: must be a whole number, is a string"},
        {"dict:\n  a: 1\n  b: x", 3, "3:6: dict.b: must be a number, is a string"},
        {"joints:\n - name: a\n   lower: x", 3,
         "3:11: joints[0].lower: must be a number, is a string"},
        {"joints:\n - {name: a, lower: .nan}", 2,
         "2:21: joints[0].lower: must be between -10 and 10, is nan"},
        {"joints:\n - {name: a, lower: 1}\n - {name: b, lower: 1, uper:\n   2}", 3,
         "3:24: joints[1].uper: is not a known key, the nearest is \"upper\""},
        {"joints:\n - {name: a}", 2, "2:4: joints[0]: the key \"lower\" is missing"},
        // A mistyped key is told before the key that it leaves missing.
        {"joints:\n - name: a\n   lowr: 1", 3,
         "3:4: joints[0].lowr: is not a known key, the nearest is \"lower\""},
        {"mod: x", 1, "1:1: mod: is not a known key, the nearest is \"mode\""},
        {"empty: {a: 1}", 1, "1:9: empty.a: is not a known key, there are none here"},
        // The first mistake in the document's order.
        {"real: x\nbool: y\nzzz: 1", 1, "1:7: real: must be a number, is a string"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_EQ(check_yaml(CASES[i].text), ET_ECORRUPT);
        CHECK_STR(err.text, CASES[i].message);
        CHECK_EQ(err.at, CASES[i].line);
    }
}

static void names_no_line_where_none_is_known(void)
{
    const struct et_value *value = NULL;
    CHECK_OK(et_json_parse(ET_STR("{\"pair\": [1, \"x\"]}"), NULL, arena, &value, &err));
    CHECK_EQ(et_schema_check(value, &ROBOT, NULL, &err), ET_ECORRUPT);
    CHECK_STR(err.text, "pair[1]: must be a number, is a string");
    CHECK_EQ(err.at, -1);
    CHECK_OK(et_json_parse(ET_STR("{\"pear\": 1}"), NULL, arena, &value, &err));
    CHECK_EQ(et_schema_check(value, &ROBOT, NULL, NULL), ET_ECORRUPT);
}

static void cuts_long_keys_in_messages(void)
{
    char text[1000];
    memset(text, 'k', sizeof text);
    memcpy(text + sizeof text - 4, ": 1", 4); // with its NUL
    CHECK_EQ(check_yaml(text), ET_ECORRUPT);
    CHECK_HAS(err.text, "is not a known key");
}

// A schema may hold itself; the document's depth bounds the check.
static struct et_schema tree;
static void checks_a_schema_that_holds_itself(void)
{
    tree = (struct et_schema){.type = ET_SCHEMA_LIST, .items = &tree};
    const struct et_value *value = NULL;
    CHECK_OK(et_yaml_parse(ET_STR("[[], [[], [[[]]]]]"), NULL, arena, &value, &err));
    CHECK_OK(et_schema_check(value, &tree, NULL, &err));
    CHECK_OK(et_yaml_parse(ET_STR("[[], [[], [[[1]]]]]"), NULL, arena, &value, &err));
    CHECK_EQ(et_schema_check(value, &tree, NULL, &err), ET_ECORRUPT);
    CHECK_STR(err.text, "1:14: [1][1][0][0][0]: must be a list, is a whole number");

    struct et_value levels[70];
    memset(levels, 0, sizeof levels);
    for (size_t i = 0; i < 70; i++) {
        levels[i].kind = ET_VALUE_LIST;
        levels[i].as.many.items = i + 1 < 70 ? &levels[i + 1] : NULL;
        levels[i].as.many.n_items = i + 1 < 70;
    }
    CHECK_EQ(et_schema_check(levels, &tree, NULL, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "is nested deeper than 64 levels");
    CHECK_OK(et_schema_check(levels + 6, &tree, NULL, &err));
}

int main(void)
{
    if (et_arena_open(&arena, 1 << 20, &err) != ET_OK)
        return 99;
    RUN(accepts_what_fits);
    RUN(says_what_does_not_fit);
    RUN(names_no_line_where_none_is_known);
    RUN(cuts_long_keys_in_messages);
    RUN(checks_a_schema_that_holds_itself);
    et_arena_close(arena);
    return tap_end();
}
