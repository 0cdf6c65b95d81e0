#include "etude/json.h"
#include "etude/yaml.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)256 << 20)

static struct et_err err;
static struct et_arena *arena;

static enum et_status parse(const char *text, const struct et_value **value)
{
    memset(&err, 0, sizeof err);
    return et_yaml_parse(et_str(text), NULL, arena, value, &err);
}

static const char *as_json(const struct et_value *value)
{
    struct et_buf buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf};
    et_json_value(&w, value);
    const char *copy = et_arena_copy(arena, buf.p, buf.n);
    et_buf_free(&buf);
    return copy;
}

static void reads_settings(void)
{
    // clang-format off
    static const struct {
        const char *text;
        const char *json;
    } CASES[] = {
        {"",                                "null"},
        {"# only a remark\n",               "null"},
        {"---\n...\n",                      "null"},
        {"text",                            "\"text\""},
        {"- 1\n- [2, 3]\n-\n- {a: 4}\n",    "[1,[2,3],null,{\"a\":4}]"},
        {"a: 1\nb:\n  c: x y\n  d: []\n",   "{\"a\":1,\"b\":{\"c\":\"x y\",\"d\":[]}}"},
        {"a: |\n  two\n  lines\n",          "{\"a\":\"two\\nlines\\n\"}"},
        {"a: >\n  one\n  line\n",           "{\"a\":\"one line\\n\"}"},
        {"1: x\ntrue: y\n",                 "{\"1\":\"x\",\"true\":\"y\"}"},
        {"{a: 1, 'b': 2, \"c\": 3}",        "{\"a\":1,\"b\":2,\"c\":3}"},
        {"\xef\xbb\xbf" "a: 1",             "{\"a\":1}"},
        {"{}",                              "{}"},
        {"%YAML 1.2\n--- 5\n",              "5"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_value *v = NULL;
        CHECK_OK(parse(CASES[i].text, &v));
        CHECK_STR(as_json(v), CASES[i].json);
    }
}

static void knows_the_scalars_of_the_core_schema(void)
{
    // clang-format off
    static const struct {
        const char *text;
        enum et_value_kind kind;
        double number;
    } CASES[] = {
        {"~", ET_VALUE_NULL, 0}, {"null", ET_VALUE_NULL, 0}, {"Null", ET_VALUE_NULL, 0},
        {"NULL", ET_VALUE_NULL, 0}, {"nULL", ET_VALUE_STRING, 0},
        {"true", ET_VALUE_BOOL, 1}, {"False", ET_VALUE_BOOL, 0}, {"TRUE", ET_VALUE_BOOL, 1},
        {"yes", ET_VALUE_STRING, 0}, {"on", ET_VALUE_STRING, 0}, {"n", ET_VALUE_STRING, 0},
        {"0", ET_VALUE_INT, 0}, {"-12", ET_VALUE_INT, -12}, {"+12", ET_VALUE_INT, 12},
        {"0755", ET_VALUE_INT, 755}, {"0o17", ET_VALUE_INT, 15}, {"0xfF", ET_VALUE_INT, 255},
        {"0o8", ET_VALUE_STRING, 0}, {"0xg", ET_VALUE_STRING, 0}, {"0x", ET_VALUE_STRING, 0},
        {"1_000", ET_VALUE_STRING, 0}, {"-0x1", ET_VALUE_STRING, 0},
        {"1.5", ET_VALUE_REAL, 1.5}, {"-1.", ET_VALUE_REAL, -1}, {".5", ET_VALUE_REAL, 0.5},
        {"+.5e1", ET_VALUE_REAL, 5}, {"1e3", ET_VALUE_REAL, 1000}, {"1E-3", ET_VALUE_REAL, 0.001},
        {".inf", ET_VALUE_REAL, (double)INFINITY}, {"-.INF", ET_VALUE_REAL, -(double)INFINITY},
        {"+.Inf", ET_VALUE_REAL, (double)INFINITY}, {"inf", ET_VALUE_STRING, 0},
        {"nan", ET_VALUE_STRING, 0}, {"Infinity", ET_VALUE_STRING, 0}, {".", ET_VALUE_STRING, 0},
        {"-.nan", ET_VALUE_STRING, 0}, {"1.5.2", ET_VALUE_STRING, 0}, {"e5", ET_VALUE_STRING, 0},
        {"1e", ET_VALUE_STRING, 0}, {"-e1", ET_VALUE_STRING, 0}, {"12:30", ET_VALUE_STRING, 0},
        {"2026-11-20", ET_VALUE_STRING, 0}, {"'1'", ET_VALUE_STRING, 0},
        {"\"true\"", ET_VALUE_STRING, 0}, {"''", ET_VALUE_STRING, 0},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_value *v = NULL;
        CHECK_OK(parse(CASES[i].text, &v));
        if (!v || !CHECK(v->kind == CASES[i].kind)) {
            printf("#   %s\n", CASES[i].text);
            continue;
        }
        if (v->kind == ET_VALUE_BOOL)
            CHECK_EQ(et_value_bool(v, false), CASES[i].number != 0.0);
        if (et_value_is_number(v))
            CHECK(et_value_real(v, -99.0) == CASES[i].number);
    }
    const struct et_value *v = NULL;
    CHECK_OK(parse(".NaN", &v));
    CHECK(v && v->kind == ET_VALUE_REAL && isnan(v->as.real));
}

static void remembers_where_things_stand(void)
{
    const struct et_value *v = NULL;
    CHECK_OK(parse("# \xc3\xa9\njoints:\n  - name: a\n    \xc3\xa9: [1,  2]\nlast: x\n", &v));
    const struct et_value *joint = et_value_at(et_value_get(v, "joints"), 0);
    CHECK_EQ(v->line, 2);
    CHECK_EQ(v->column, 1);
    CHECK_EQ(joint->line, 3);
    CHECK_EQ(joint->column, 5);
    CHECK_EQ(joint->as.many.places[1].line, 4);
    CHECK_EQ(joint->as.many.places[1].column, 5);
    const struct et_value *two = et_value_at(et_value_at(joint, 1), 1);
    CHECK_EQ(two->line, 4);
    CHECK_EQ(two->column, 13); // characters, not bytes
    CHECK_EQ(v->as.many.places[1].line, 5);
    CHECK(et_value_get(v, "joints")->as.many.places == NULL);
}

static void says_where_a_text_is_wrong(void)
{
    // clang-format off
    static const struct {
        const char *text;
        int line;
        const char *begins;
        const char *reason;
    } CASES[] = {
        {"a: &x 1",            1, "1:4: ", "anchors (&name) are not used here"},
        {"a:\n - &x [1]",      2, "2:4: ", "anchors"},
        {"&x {a: 1}",          1, "1:1: ", "anchors"},
        {"a: *x",              1, "1:4: ", "aliases (*name) are not used here"},
        {"a: !!str 1",         1, "1:4: ", "tags (!name) are not used here"},
        {"a: ! 1",             1, "1:4: ", "tags"},
        {"!x [1]",             1, "1:1: ", "tags"},
        {"!x {a: 1}",          1, "1:1: ", "tags"},
        {"--- 1\n--- 2",       2, "2:1: ", "a second document begins"},
        {"a: 1\nb: 2\na: 3",   3, "3:1: ", "the key \"a\" stands here again"},
        {"{b: 1, b: 2, a: 1, a: 3}", 1, "1:8: ", "the key \"b\" stands here again"},
        {"? [a]\n: 1",         1, "1:3: ", "a key must be a text, not a list"},
        {"? {a: 1}\n: 1",      1, "1:3: ", "a key must be a text, not a map"},
        {"\"\": 1",            1, "1:1: ", "a key is empty"},
        {"a: [1\nb: 2",        2, "2:2: ", "did not find expected ',' or ']'"},
        {"a: 1\n b: 2",        2, "2:3: ", "mapping values are not allowed"},
        {"a:\n\tb: 1",         2, "2:1: ", "found character that cannot start any token"},
        {"a: \"x",             1, "1:6: ", "found unexpected end of stream"},
        {"- a\nb: 1",          2, "2:1: ", "did not find expected '-' indicator"},
        {"a: 99999999999999999999", 1, "1:4: ", "does not fit into 64 bits"},
        {"a: 1\nb: \xff",      2, "2:4: ", "invalid leading UTF-8 octet"},
        {"a: \xc3\xa9\x01",    1, "1:5: ", "control characters are not allowed"},
        {"a: @x",              1, "1:4: ", "found character that cannot start any token"},
        {"%YAML 3.0\n--- 1",   1, "1:1: ", "incompatible YAML document"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_value *v = NULL;
        CHECK_EQ(parse(CASES[i].text, &v), ET_ECORRUPT);
        CHECK_EQ(err.at, CASES[i].line);
        if (!CHECK(strncmp(err.text, CASES[i].begins, strlen(CASES[i].begins)) == 0))
            printf("#   %s\n", err.text);
        CHECK_HAS(err.text, CASES[i].reason);
        CHECK(v == NULL);
    }
}

static const char *nested(size_t depth)
{
    char *text = et_arena_alloc(arena, 2 * depth + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

static void refuses_what_is_nested_too_deeply(void)
{
    const struct et_value *v = NULL;
    CHECK_OK(parse(nested(ET_YAML_DEPTH_MAX), &v));
    CHECK_EQ(parse(nested(ET_YAML_DEPTH_MAX + 1), &v), ET_ELIMIT);
    CHECK_EQ(strncmp(err.text, "1:33: nested deeper than 32 levels", 34), 0);
    CHECK_EQ(parse(nested(200000), &v), ET_ELIMIT);
}

static void reads_files_and_names_them(void)
{
    const char *path = temp_path("settings.yaml");
    const struct et_value *v = NULL;
    write_file(path, "fps: 30\n", 8);
    CHECK_OK(et_yaml_read(path, 8, arena, &v, &err));
    CHECK_EQ(et_value_int(et_value_get(v, "fps"), 0), 30);
    CHECK_EQ(et_yaml_read(path, 7, arena, &v, &err), ET_ELIMIT);
    CHECK_HAS(err.text, path);
    write_file(path, "fps: *x\n", 8);
    CHECK_EQ(et_yaml_read(path, 100, arena, &v, &err), ET_ECORRUPT);
    char begins[300];
    (void)snprintf(begins, sizeof begins, "%s:1:6: aliases", path);
    CHECK_HAS(err.text, begins);
    CHECK_EQ(et_yaml_read(temp_path("absent"), 100, arena, &v, &err), ET_ENOTFOUND);
}

static void refuses_texts_that_are_too_long(void)
{
    const struct et_value *value = NULL;
    const struct et_str text = {"1", (size_t)INT32_MAX + 1}; // told by its length alone
    CHECK_EQ(et_yaml_parse(text, NULL, arena, &value, &err), ET_ELIMIT);
}

static void names_the_file_that_does_not_fit(void)
{
    struct et_arena *small = NULL;
    const struct et_value *v = NULL;
    const char *path = temp_path("large.yaml");
    write_file(path, "a: [1, 2, 3, 4, 5]\n", 19);
    CHECK_OK(et_arena_open(&small, 100, &err));
    CHECK_EQ(et_yaml_read(path, 100, small, &v, &err), ET_ELIMIT);
    CHECK_EQ(strncmp(err.text, path, strlen(path)), 0);
    CHECK_EQ(et_arena_used(small), 0);
    et_arena_close(small);
}

static void gives_back_the_arena_when_it_fails(void)
{
    bool is_done = false;
    for (size_t limit = 0; limit < 2000 && !is_done; limit += 8) {
        struct et_arena *small = NULL;
        const struct et_value *v = NULL;
        CHECK_OK(et_arena_open(&small, limit, &err));
        const enum et_status st =
            et_yaml_parse(ET_STR("a: [1, 2, three]\nb: {c: x}\n"), NULL, small, &v, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        CHECK((st == ET_OK) == (v != NULL));
        CHECK(st == ET_OK || et_arena_used(small) == 0);
        is_done = st == ET_OK;
        et_arena_close(small);
    }
    CHECK(is_done);
}

// A quadratic search for duplicates would take minutes here.
static void reads_a_map_of_many_keys_quickly(void)
{
    enum { N = 100000 };
    struct et_buf text = et_buf(10 << 20);
    const struct et_value *v = NULL;
    for (int i = 0; i < N; i++)
        et_buf_printf(&text, "k%d: %d\n", i * 7919 % N, i);
    CHECK_OK(et_yaml_parse(et_buf_str(&text), NULL, arena, &v, &err));
    CHECK_EQ(et_value_count(v), N);
    et_buf_puts(&text, "k77: 1\n");
    CHECK_EQ(et_yaml_parse(et_buf_str(&text), NULL, arena, &v, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, N + 1);
    et_buf_free(&text);
}

static const char DOCUMENT[] = "# A robot\n"
                               "robot: unitree-g1\n"
                               "joints:\n"
                               "  - {name: left_elbow, lower: -1.05, upper: null}\n"
                               "  - name: 'right\n"
                               "      elbow'\n"
                               "    lower: \"-1\\u00e9\"\n"
                               "text: |\n"
                               "  two\n"
                               "  lines\n"
                               "on: [true, 0x1f, .inf, ~]\n";

static void survive(const char *path, size_t at, void *ctx)
{
    (void)at;
    int *n_good = ctx;
    const struct et_arena_mark mark = et_arena_mark(arena);
    const struct et_value *v = NULL;
    memset(&err, 0, sizeof err);
    const enum et_status st = et_yaml_read(path, 1000, arena, &v, &err);
    CHECK(st == ET_OK || (st == ET_ECORRUPT && err.at >= 1 && err.at <= 20));
    CHECK((st == ET_OK) == (v != NULL));
    *n_good += st == ET_OK;
    if (st == ET_OK)
        (void)as_json(v);
    et_arena_rewind(arena, mark);
}

static void survives_every_cut(void)
{
    int n_good = 0;
    cut_at_every_byte(DOCUMENT, sizeof DOCUMENT - 1, 1, temp_path("cut.yaml"), survive, &n_good);
    CHECK(n_good > 0);
}

static void survives_every_flip(void)
{
    int n_good = 0;
    flip_every_byte(DOCUMENT, sizeof DOCUMENT - 1, 1, temp_path("flip.yaml"), survive, &n_good);
    CHECK(n_good > 0);
}

int main(void)
{
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return 99;
    RUN(reads_settings);
    RUN(knows_the_scalars_of_the_core_schema);
    RUN(remembers_where_things_stand);
    RUN(says_where_a_text_is_wrong);
    RUN(refuses_what_is_nested_too_deeply);
    RUN(reads_files_and_names_them);
    RUN(refuses_texts_that_are_too_long);
    RUN(names_the_file_that_does_not_fit);
    RUN(gives_back_the_arena_when_it_fails);
    RUN(reads_a_map_of_many_keys_quickly);
    RUN(survives_every_cut);
    RUN(survives_every_flip);
    et_arena_close(arena);
    return tap_end();
}
