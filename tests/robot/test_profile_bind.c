#include "etude/profile.h"

#include "support.h"
#include "tap.h"

#define ARENA_BYTES ((size_t)8 << 20)

static struct et_err err;
static struct et_arena *arena;
static const struct et_profile *profile;
static struct et_binding binding;

// The parts that the tests' profiles have; rules come behind it.
#define ROBOT                                                                 \
    "profile: 1\nmaker: a\nmodel: b\n"                                        \
    "parts:\n"                                                                \
    "  left_arm:\n    unit: rad\n    source: x\n    joints:\n"                \
    "      - {name: a, maker: A, lower: -1, upper: 1, speed: 3, effort: 5}\n" \
    "      - {name: b, maker: B, upper: 2}\n"                                 \
    "  left_hand:\n    unit: fraction\n    joints: [{name: c}]\n"             \
    "  body: {unit: \"1\", joints: any}\n"                                    \
    "cameras: {head: x, right_wrist: y}\n"                                    \
    "rules:\n"

/* Loads ROBOT with rules and binds it to features; close_all releases everything. */
static enum et_status bind(const char *rules, const struct et_feature_view *features, size_t n)
{
    const char *path = temp_path("bind.yaml");
    struct et_buf text = et_buf(1 << 16);
    err = (struct et_err){0};
    binding = (struct et_binding){0};
    et_buf_printf(&text, "%s%s", ROBOT, rules);
    write_file(path, text.p, text.n);
    et_buf_free(&text);
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    if (!CHECK(et_profile_load(path, arena, &profile, &err) == ET_OK)) {
        printf("#   %s\n", err.text);
        return ET_EARG;
    }
    return et_profile_bind(profile, features, n, arena, &binding, &err);
}

static void close_all(void)
{
    et_arena_close(arena);
    arena = NULL;
}

static const struct et_bound_stream *find(const char *stream)
{
    for (size_t i = 0; i < binding.n_streams; i++)
        if (strcmp(binding.streams[i].stream.name, stream) == 0)
            return &binding.streams[i];
    printf("#   no stream %s\n", stream);
    CHECK(false);
    return NULL;
}

static bool has_remark(const char *words)
{
    for (size_t i = 0; i < binding.n_remarks; i++)
        if (strstr(binding.remarks[i], words))
            return true;
    return false;
}

static double value_of(const struct et_bound_stream *bound, size_t i, const double *raw)
{
    return raw[bound->columns[i]] * bound->scale[i] + bound->offset[i];
}

static const char *const NAMES[] = {"X", "B", "C", "A"};
static const struct et_feature_view STATE = {"state", false, 4, NAMES, NULL, false};
static const struct et_feature_view NAMELESS = {"state", false, 4, NULL, NULL, false};

static void takes_values_by_name_in_the_joints_order(void)
{
    static const double raw[] = {9, 2, 8, 1};
    CHECK_OK(bind("  - {stream: left_arm.position, dataset: state, names: maker}\n", &STATE, 1));
    const struct et_bound_stream *s = find("left_arm.position");
    if (s) {
        CHECK(value_of(s, 0, raw) == 1 && value_of(s, 1, raw) == 2);
        CHECK_STR(s->stream.names[0], "a");
        CHECK_STR(s->stream.unit, "rad");
        CHECK_EQ(s->stream.n_values, 2);
        CHECK_EQ(s->stream.part, ET_PART_LEFT_ARM);
        CHECK(!s->stream.is_command);
    }
    close_all();
}

static void takes_values_by_range_by_index_and_all(void)
{
    static const double raw[] = {10, 11, 12, 13};
    CHECK_OK(bind("  - {stream: left_arm.position, dataset: state, range: [1, 3]}\n"
                  "  - {stream: command.left_arm.position, dataset: state, indices: [3, 0]}\n"
                  "  - {stream: body.position, dataset: state}\n",
                  &NAMELESS, 1));
    const struct et_bound_stream *range = find("left_arm.position");
    const struct et_bound_stream *indices = find("command.left_arm.position");
    const struct et_bound_stream *all = find("body.position");
    if (range && indices && all) {
        CHECK(value_of(range, 0, raw) == 11 && value_of(range, 1, raw) == 12);
        CHECK(value_of(indices, 0, raw) == 13 && value_of(indices, 1, raw) == 10);
        CHECK(indices->stream.is_command);
        CHECK_EQ(all->stream.n_values, 4);
        CHECK(value_of(all, 3, raw) == 13);
        CHECK_STR(all->stream.names[2], "body_2");
        CHECK_STR(all->stream.unit, "1");
        CHECK(all->stream.lower == NULL);
    }
    close_all();
}

static void converts_units_and_signs(void)
{
    // clang-format off
    static const struct {
        const char *stream, *options;
        double raw, want;
    } cases[] = {
        {"left_arm.position",  "unit: rad",                  2,    2},
        {"left_arm.position",  "unit: deg",                  180,  3.14159265358979312},
        {"left_arm.position",  "unit: turn",                 0.5,  3.14159265358979312},
        {"left_arm.position",  "unit: deg, signs: [-1, 1]",  90,   -1.57079632679489656},
        {"left_arm.velocity",  "unit: deg/s",                360,  6.28318530717958623},
        {"left_arm.velocity",  "unit: rev/min",              60,   6.28318530717958623},
        {"left_arm.velocity",  "",                           1.5,  1.5},
        {"left_arm.effort",    "unit: mN m",                 1500, 1.5},
        {"left_hand.position", "unit: fraction",             0.25, 0.25},
        {"left_hand.position", "unit: percent",              25,   0.25},
        {"left_hand.position", "unit: permille",             250,  0.25},
        {"left_hand.position", "unit: byte",                 255,  1},
        {"left_hand.position", "unit: fraction, invert: true", 0.25, 0.75},
        {"left_hand.position", "unit: percent, invert: true", 100, 0},
        {"left_hand.position", "signs: [-1]",                0.25, -0.25},
        {"left_hand.velocity", "unit: percent/s",            50,   0.5},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rules[256];
        const bool is_hand = strstr(cases[i].stream, "hand") != NULL;
        const double raw[4] = {cases[i].raw, 0, 0, 0};
        (void)snprintf(rules, sizeof rules,
                       "  - {stream: %s, dataset: state, range: [0, %d]%s%s}\n", cases[i].stream,
                       is_hand ? 1 : 2, cases[i].options[0] ? ", " : "", cases[i].options);
        CHECK_OK(bind(rules, &NAMELESS, 1));
        const struct et_bound_stream *s = find(cases[i].stream);
        if (s)
            CHECK_NEAR(value_of(s, 0, raw), cases[i].want, 1e-15);
        close_all();
    }
}

static void gives_each_quantity_the_limits_that_it_has(void)
{
    CHECK_OK(bind("  - {stream: left_arm.position, dataset: state, range: [0, 2]}\n"
                  "  - {stream: left_arm.velocity, dataset: state, range: [0, 2]}\n"
                  "  - {stream: left_arm.effort, dataset: state, range: [0, 2]}\n"
                  "  - {stream: left_hand.position, dataset: state, range: [0, 1]}\n",
                  &NAMELESS, 1));
    const struct et_bound_stream *position = find("left_arm.position");
    const struct et_bound_stream *velocity = find("left_arm.velocity");
    const struct et_bound_stream *effort = find("left_arm.effort");
    const struct et_bound_stream *hand = find("left_hand.position");
    if (position && velocity && effort && hand) {
        CHECK(position->stream.lower[0] == -1 && position->stream.upper[1] == 2);
        CHECK(isnan(position->stream.lower[1]) && position->stream.speed[0] == 3);
        CHECK(velocity->stream.lower[0] == -3 && velocity->stream.upper[0] == 3);
        CHECK(velocity->stream.speed == NULL && isnan(velocity->stream.upper[1]));
        CHECK(effort->stream.lower[0] == -5 && effort->stream.upper[0] == 5);
        CHECK_STR(effort->stream.unit, "N m");
        CHECK(hand->stream.lower == NULL && hand->stream.upper == NULL);
        CHECK(hand->stream.speed == NULL);
    }
    close_all();
}

static void maps_cameras_by_name_and_by_star(void)
{
    static const struct et_feature_view features[] = {
        {"images.cam_high", true, 0, NULL, NULL, false},
        {"images.left_wrist", true, 0, NULL, NULL, false},
        {"images.Over Head", true, 0, NULL, NULL, false},
        {"images.", true, 0, NULL, NULL, false},
        {"images.numbers", false, 3, NULL, NULL, false},
        {"other.cam", true, 0, NULL, NULL, false},
    };
    CHECK_OK(bind("  - {stream: \"*.image\", dataset: images.*}\n"
                  "  - {stream: head.image, dataset: images.cam_high}\n",
                  features, 6));
    CHECK_EQ(binding.n_streams, 3);
    const struct et_bound_stream *head = find("head.image"), *wrist = find("left_wrist.image");
    const struct et_bound_stream *over = find("over_head.image");
    if (head && wrist && over) {
        CHECK_EQ(head->i_feature, 0);
        CHECK_EQ(wrist->i_feature, 1);
        CHECK_EQ(over->i_feature, 2);
        CHECK_EQ(wrist->stream.part, ET_PART_LEFT_WRIST);
        CHECK_EQ(over->stream.part, ET_PART_SCENE);
        CHECK(head->columns == NULL && head->stream.names == NULL && head->stream.n_values == 0);
    }
    close_all();
}

static void remarks_on_cameras_of_one_name(void)
{
    static const struct et_feature_view features[] = {
        {"images.cam 1", true, 0, NULL, NULL, false},
        {"images.cam-1", true, 0, NULL, NULL, false},
        {"images.cam_1", true, 0, NULL, NULL, false},
        {"images.command", true, 0, NULL, NULL, false},
    };
    CHECK_OK(bind("  - {stream: \"*.image\", dataset: images.*}\n", features, 4));
    CHECK_EQ(binding.n_streams, 2); // cam_1 and cam-1
    CHECK(has_remark("images.cam_1 would be cam_1.image"));
    CHECK(has_remark("images.command would be command.image"));
    close_all();
}

// Hostile profiles have as many rules as they like: each camera is still spoken of once.
static void remarks_once_on_a_camera_that_many_rules_meet(void)
{
    static const struct et_feature_view features[] = {{"images.a a", true, 0, NULL, NULL, false},
                                                      {"images.a_a", true, 0, NULL, NULL, false},
                                                      {"images.a:a", true, 0, NULL, NULL, false}};
    struct et_buf rules = et_buf(1 << 16);
    for (int i = 0; i < 7; i++)
        et_buf_printf(&rules, "  - {stream: \"*.image\", dataset: \"%.*s*\"}\n", 7 - i, "images.");
    CHECK_OK(bind(et_buf_text(&rules), features, 3));
    CHECK_EQ(binding.n_streams, 1);
    CHECK_EQ(binding.n_remarks, 2);
    close_all();
    et_buf_free(&rules);
}

static void prefers_the_first_rule_whose_feature_is_there(void)
{
    static const char *const rules =
        "  - {stream: head.image, dataset: images.left_eye}\n"
        "  - {stream: head.image, dataset: images.eye}\n"
        "  - {stream: left_arm.position, dataset: qpos, range: [0, 2]}\n"
        "  - {stream: left_arm.position, dataset: state, range: [2, 4]}\n";
    static const struct et_feature_view features[] = {
        {"images.eye", true, 0, NULL, NULL, false},
        {"state", false, 4, NULL, NULL, false},
        {"qpos", false, 2, NULL, NULL, false},
    };
    CHECK_OK(bind(rules, features, 2));
    CHECK_EQ(binding.n_streams, 2);
    CHECK_EQ(binding.n_remarks, 0);
    close_all();
    CHECK_OK(bind(rules, features, 3));
    const struct et_bound_stream *s = find("left_arm.position");
    CHECK(s && s->i_feature == 2);
    close_all();
}

static void remarks_on_what_is_absent_once_a_stream(void)
{
    CHECK_OK(bind("  - {stream: left_arm.position, dataset: qpos, range: [0, 2]}\n"
                  "  - {stream: left_arm.position, dataset: positions}\n"
                  "  - {stream: left_hand.position, dataset: hand, optional: true}\n"
                  "  - {stream: command.left_arm.position, dataset: state, names: [P, Q]}\n"
                  "  - {stream: left_arm.velocity, topic: /j, field: v}\n"
                  "  - {stream: \"*.image\", dataset: images.*}\n",
                  &STATE, 1));
    CHECK_EQ(binding.n_streams, 0);
    CHECK_EQ(binding.n_remarks, 2);
    CHECK(has_remark("left_arm.position is not there: qpos is not among the features"));
    CHECK(has_remark("command.left_arm.position is not there: state has none of the values"));
    close_all();
}

static void remarks_on_values_that_no_rule_maps(void)
{
    static const char *const names[] = {"A", "B", "W"};
    static const struct et_feature_view features[] = {
        {"observation.state", false, 3, names, NULL, false},
        {"action", false, 2, NULL, NULL, false},
        {"observation.images.cam", true, 0, NULL, NULL, false},
        {"timestamp", false, 1, NULL, NULL, false},
        {"observation.velocity", false, 2, NULL, NULL, false},
    };
    CHECK_OK(bind("  - {stream: left_arm.position, dataset: observation.state, names: maker}\n"
                  "  - {stream: command.left_arm.position, dataset: action}\n",
                  features, 5));
    CHECK_EQ(binding.n_remarks, 3);
    CHECK(has_remark(
        "observation.state: 1 of 3 values are mapped by no rule, the first is value 2, W"));
    CHECK(has_remark("observation.images.cam is mapped by no rule"));
    CHECK(has_remark("observation.velocity is mapped by no rule"));
    close_all();
}

static void says_where_rule_and_feature_contradict_each_other(void)
{
    static const char *const twice[] = {"A", "B", "A", "C"};
    static const struct et_feature_view doubled = {"state", false, 4, twice, NULL, false};
    static const struct et_feature_view picture = {"state", true, 0, NULL, NULL, false};
    static const struct et_feature_view one = {"state", false, 1, NULL, NULL, false};
    // clang-format off
    const struct {
        const char *rule;
        const struct et_feature_view *feature;
        const char *words;
    } cases[] = {
        {"left_arm.position, dataset: state, names: maker", &NAMELESS, "does not name its values"},
        {"left_arm.position, dataset: state, names: [A, Z]", &STATE, "has no value \"Z\""},
        {"left_arm.position, dataset: state, names: maker", &doubled, "has two values \"A\""},
        {"left_arm.position, dataset: state, names: maker", &picture, "holds pictures"},
        {"head.image, dataset: state", &STATE, "holds numbers"},
        {"left_arm.position, dataset: state", &STATE, "the stream has 2 values, state has 4"},
        {"left_arm.position, dataset: state, range: [3, 5]", &STATE, "takes value 4 (from 0)"},
        {"left_arm.position, dataset: state, range: [0, 2]", &one, "takes value 1"},
        {"left_arm.position, dataset: state, indices: [0, 65536]", &STATE, "takes value 65536"},
        {"body.position, dataset: state, signs: [1, -1]",
         &STATE, "has 2 signs, state has 4 values"},
        {"left_wrist.wrench, dataset: state", &STATE, "the stream has 6 values, state has 4"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rule[256];
        (void)snprintf(rule, sizeof rule, "  - {stream: %s}\n", cases[i].rule);
        CHECK_EQ(bind(rule, cases[i].feature, 1), ET_ECORRUPT);
        CHECK_EQ(err.at, 17);
        CHECK_HAS(err.text, "bind.yaml:17: ");
        CHECK_HAS(err.text, cases[i].words);
        close_all();
    }
}

static void keeps_canonical_order_whatever_the_rules_order(void)
{
    static const char *const want[] = {
        "left_arm.position",         "left_arm.velocity",          "left_hand.position",
        "command.left_arm.position", "command.left_hand.position",
    };
    CHECK_OK(bind("  - {stream: command.left_hand.position, dataset: state, range: [0, 1]}\n"
                  "  - {stream: left_hand.position, dataset: state, range: [0, 1]}\n"
                  "  - {stream: left_arm.velocity, dataset: state, range: [0, 2]}\n"
                  "  - {stream: command.left_arm.position, dataset: state, range: [0, 2]}\n"
                  "  - {stream: left_arm.position, dataset: state, range: [0, 2]}\n",
                  &NAMELESS, 1));
    CHECK_EQ(binding.n_streams, 5);
    for (size_t i = 0; i < binding.n_streams && i < 5; i++)
        CHECK_STR(binding.streams[i].stream.name, want[i]);
    close_all();
}

static void binds_to_nothing_without_features(void)
{
    CHECK_OK(bind("  - {stream: left_arm.position, dataset: state, range: [0, 2]}\n", NULL, 0));
    CHECK_EQ(binding.n_streams, 0);
    CHECK_EQ(binding.n_remarks, 1);
    close_all();
}

static void stays_within_a_small_arena(void)
{
    CHECK_OK(bind("  - {stream: left_arm.position, dataset: state, names: maker}\n", &STATE, 1));
    size_t n_refused = 0;
    for (size_t limit = 0; limit < 4096; limit += 37) {
        struct et_arena *small;
        CHECK_OK(et_arena_open(&small, limit, &err));
        const enum et_status st = et_profile_bind(profile, &STATE, 1, small, &binding, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT || st == ET_ENOMEM);
        n_refused += st != ET_OK;
        et_arena_close(small);
    }
    CHECK(n_refused > 0);
    close_all();
}

int main(void)
{
    RUN(takes_values_by_name_in_the_joints_order);
    RUN(takes_values_by_range_by_index_and_all);
    RUN(converts_units_and_signs);
    RUN(gives_each_quantity_the_limits_that_it_has);
    RUN(maps_cameras_by_name_and_by_star);
    RUN(remarks_on_cameras_of_one_name);
    RUN(remarks_once_on_a_camera_that_many_rules_meet);
    RUN(prefers_the_first_rule_whose_feature_is_there);
    RUN(remarks_on_what_is_absent_once_a_stream);
    RUN(remarks_on_values_that_no_rule_maps);
    RUN(says_where_rule_and_feature_contradict_each_other);
    RUN(keeps_canonical_order_whatever_the_rules_order);
    RUN(binds_to_nothing_without_features);
    RUN(stays_within_a_small_arena);
    return tap_end();
}
