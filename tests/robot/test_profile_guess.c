#include "etude/profile.h"

#include "robot/robot__guess.h"
#include "robot_features.h"
#include "support.h"
#include "tap.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define YAML_BYTES ((size_t)4 << 20)

static struct et_err err;

static void spells_makers_names_in_our_alphabet(void)
{
    static const struct {
        const char *maker, *name;
    } cases[] = {
        {"kLeftShoulderPitch", "left_shoulder_pitch"},
        {"kLeftHandThumb0", "left_hand_thumb_0"},
        {"left_shoulder_pitch_joint", "left_shoulder_pitch"},
        {"l_elbow_pitch", "left_elbow_pitch"},
        {"R_thumb_proximal_yaw_joint", "right_thumb_proximal_yaw"},
        {"shoulder_pan.pos", "shoulder_pan"},
        {"main/LEFT-Wrist.Roll", "left_wrist_roll"},
        {"motor_12", "motor_12"},
        {"joint12", "joint_12"},
        {"IMUPose", "imu_pose"},
        {"k", "k"},
        {"knee", "knee"},
        {"", "value"},
        {"__", "value"},
        {"\xe8\x82\xa9", "value"},
        {"_q", "q"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[ET__GUESS_NAME_BYTES];
        et__guess_name(cases[i].maker, name);
        CHECK_STR(name, cases[i].name);
    }
    char text[600], name[ET__GUESS_NAME_BYTES];
    memset(text, 'X', sizeof text - 1);
    text[sizeof text - 1] = 0;
    et__guess_name(text, name);
    CHECK(strlen(name) < sizeof name);
}

static void reads_the_part_from_a_name(void)
{
    // clang-format off
    static const struct {
        const char *name;
        int part; // −1: none
    } cases[] = {
        {"left_shoulder_pitch", ET_PART_LEFT_ARM},  {"right_wrist_yaw",  ET_PART_RIGHT_ARM},
        {"left_hand_thumb_0",   ET_PART_LEFT_HAND}, {"right_gripper",    ET_PART_RIGHT_HAND},
        {"left_index_proximal", ET_PART_LEFT_HAND}, {"right_ring",       ET_PART_RIGHT_HAND},
        {"left_hip_pitch",      ET_PART_LEGS},      {"right_ankle_roll", ET_PART_LEGS},
        {"waist_yaw",           ET_PART_WAIST},     {"torso",            ET_PART_WAIST},
        {"neck",                ET_PART_HEAD},      {"head_pitch",       ET_PART_HEAD},
        {"base_x",              ET_PART_BASE},      {"arm_l_joint_1",    ET_PART_LEFT_ARM},
        {"rightarm_1",          ET_PART_RIGHT_ARM}, {"shoulder_pan",     -1},
        {"gripper",             -1},                {"motor_7",          -1},
        {"left_right_arm",      -1},                {"database",         -1},
        {"string_left",         -1},                {"value",            -1},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct et__guess guess = {0};
        const bool is_guessed = et__guess_part(cases[i].name, &guess);
        CHECK_EQ(is_guessed ? (int)guess.part : -1, cases[i].part);
    }
}

static void reads_the_place_of_a_camera_from_its_name(void)
{
    static const struct {
        const char *path, *place;
    } cases[] = {
        {"observation.images.cam_high", "head"},
        {"observation.images.ego_view", "head"},
        {"observation.images.cam_right_high", "head_right"},
        {"observation.images.cam_left_wrist", "left_wrist"},
        {"observation.images.rightHandCam", "right_wrist"},
        {"observation.images.front", "front"},
        {"observation.images.Top View", "top_view"},
        {"observation.image", "scene"},
        {"observation.images.command", "scene"},
        {"observation.images.\xe5\xa4\xb4", "scene"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char place[ET__GUESS_NAME_BYTES];
        const char *word;
        et__guess_camera(cases[i].path, place, &word);
        CHECK_STR(place, cases[i].place);
    }
}

/* Guesses, loads the draft and binds it; the caller closes the arena. The draft's text goes to
 * *yaml, which the caller frees. */
static bool draft(const char *robot_type, const struct robot_features *f, struct et_arena *arena,
                  struct et_buf *yaml, struct et_binding *binding)
{
    const struct et_profile *profile = NULL;
    const char *path = temp_path("draft.yaml");
    *yaml = et_buf(YAML_BYTES);
    *binding = (struct et_binding){0};
    err = (struct et_err){0};
    CHECK_OK(et_profile_guess(robot_type, f->items, f->n, f->slices, f->n_slices, yaml, &err));
    write_file(path, yaml->p, yaml->n);
    if (!CHECK(et_profile_load(path, arena, &profile, &err) == ET_OK)) {
        printf("#   %s\n", err.text);
        return false;
    }
    CHECK_OK(et_profile_bind(profile, f->views, f->n, arena, binding, &err));
    return true;
}

static const struct et_bound_stream *find(const struct et_binding *binding, const char *stream)
{
    for (size_t i = 0; i < binding->n_streams; i++)
        if (strcmp(binding->streams[i].stream.name, stream) == 0)
            return &binding->streams[i];
    return NULL;
}

/* Every stream of `want` is in `got` with the same columns. */
static void check_same_columns(const struct et_binding *got, const struct et_binding *want)
{
    for (size_t i = 0; i < want->n_streams; i++) {
        const struct et_bound_stream *w = &want->streams[i];
        const struct et_bound_stream *g = find(got, w->stream.name);
        if (!CHECK(g != NULL)) {
            printf("#   no %s\n", w->stream.name);
            continue;
        }
        CHECK_EQ(g->stream.n_values, w->stream.n_values);
        if (g->stream.n_values != w->stream.n_values)
            continue;
        for (size_t k = 0; k < w->stream.n_values; k++) {
            CHECK_EQ(g->columns[k], w->columns[k]);
            CHECK_NEAR(g->scale[k], w->scale[k], 0);
        }
        CHECK_STR(g->stream.unit, w->stream.unit);
    }
}

/* The draft for a real dataset leads to the same values as the profile that a person wrote. */
static void agrees_with_a_person(const char *folder, size_t n_streams)
{
    struct et_arena *arena;
    struct robot_features f;
    struct et_binding got, want = {0};
    struct et_buf yaml;
    const struct et_profile *profile = NULL;
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    if (!read_robot_features(folder, arena, &f)) {
        tap_skip("no data");
        et_arena_close(arena);
        return;
    }
    CHECK_OK(et_profile_find(NULL, f.robot_type, arena, &profile, &err));
    if (profile)
        CHECK_OK(et_profile_bind(profile, f.views, f.n, arena, &want, &err));
    if (draft(f.robot_type, &f, arena, &yaml, &got)) {
        CHECK_EQ(got.n_streams, n_streams);
        CHECK_EQ(got.n_remarks, 0);
        CHECK_EQ(got.profile->n_robot_types, 1);
        CHECK_STR(got.profile->robot_types[0], f.robot_type);
        check_same_columns(&got, &want);
    }
    et_buf_free(&yaml);
    et_arena_close(arena);
}

static void drafts_the_real_g1_as_a_person_wrote_it(void)
{
    agrees_with_a_person("unitree_g1", 9);
}

static void drafts_the_real_gr1_as_a_person_wrote_it(void)
{
    // One picture more than the written profile has: a second name of the same camera.
    agrees_with_a_person("gr1_pick_and_place/demo_data/robot_sim.PickNPlace", 16);
}

static void guesses_units_from_ranges(void)
{
    static const char *const names[] = {"left_elbow", "left_gripper", "right_elbow",
                                        "right_gripper", "head_yaw"};
    // clang-format off
    static const struct {
        double max[5];
        const char *units[5]; // of the rules to left_arm, left_hand, right_arm, right_hand, head
    } cases[] = {
        {{1.5, 1, 3, 1.5, 0},          {"rad", "fraction", "rad", "rad", "rad"}},
        {{90, 100, 350, 255, 30},      {"deg", "percent", "deg", "byte", "deg"}},
        {{6.2, 1000, 6.3, 2000, 1000}, {"rad", "permille", "deg", "\"1\"", "\"1\""}},
    };
    static const char *const STREAMS[] = {"left_arm", "left_hand", "right_arm", "right_hand",
     "head"};
    // clang-format on
    static const double min[5] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct et_arena *arena;
        struct et_feature_view view = {"observation.state", false, 5, names, NULL, false};
        struct et_guess_feature feature = {.view = view, .min = min, .max = cases[i].max};
        const struct robot_features f = {.items = &feature, .views = &view, .n = 1};
        struct et_binding binding;
        struct et_buf yaml;
        CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
        if (draft("x", &f, arena, &yaml, &binding)) {
            for (size_t k = 0; k < 5; k++) {
                char rule[128];
                (void)snprintf(rule, sizeof rule,
                               "{stream: %s.position, dataset: observation.state, names: maker, "
                               "unit: %s}",
                               STREAMS[k], cases[i].units[k]);
                CHECK_HAS(et_buf_text(&yaml), rule);
            }
        }
        et_buf_free(&yaml);
        et_arena_close(arena);
    }
}

static void says_behind_each_guess_what_it_rests_on(void)
{
    static const char *const names[] = {"kLeftElbow", "thing", "right_hand_joint"};
    static const double min[] = {-1, 0, 0}, max[] = {1, 2, 0.9};
    struct et_feature_view views[] = {{"observation.state", false, 3, names, NULL, false},
                                      {"action", false, 3, NULL, NULL, false},
                                      {"observation.images.cam_high", true, 0, NULL, NULL, false}};
    struct et_guess_feature items[] = {
        {.view = views[0], .min = min, .max = max}, {.view = views[1]}, {.view = views[2]}};
    struct et_guess_slice slices[] = {{"action", "left_arm", 0, 1}, {"action", "gripper", 1, 2}};
    const struct robot_features f = {
        .items = items, .views = views, .n = 3, .slices = slices, .n_slices = 2};
    struct et_arena *arena;
    struct et_binding binding;
    struct et_buf yaml;
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    if (draft(NULL, &f, arena, &yaml, &binding)) {
        const char *text = et_buf_text(&yaml);
        CHECK_HAS(text, "maker: unknown # the data does not say");
        CHECK_HAS(text, "unit: rad # values from -1 to 1 fit it");
        CHECK_HAS(text, "unit: fraction # values from 0 to 0.9 fit it");
        CHECK_HAS(text,
                  "{name: left_elbow, maker: kLeftElbow} # value 0: its name has the word elbow");
        CHECK_HAS(text, "{name: thing} # value 1: nothing says which joint this is");
        CHECK_HAS(text, "head: observation.images.cam_high # its name has the word high");
        CHECK_HAS(text, "{stream: command.left_arm.position, dataset: action, range: [0, 1], "
                        "unit: rad} # no range is known, this is assumed");
        CHECK_HAS(text, "# action: 2 values seem to be of body, which has 1 joints");
        CHECK_EQ(binding.n_streams, 5);
    }
    et_buf_free(&yaml);
    et_arena_close(arena);
}

static void drafts_a_profile_of_nothing(void)
{
    struct et_arena *arena;
    struct et_binding binding;
    struct et_buf yaml;
    const struct robot_features f = {0};
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    CHECK(draft(NULL, &f, arena, &yaml, &binding));
    CHECK_HAS(et_buf_text(&yaml), "parts: {}");
    et_buf_free(&yaml);
    et_arena_close(arena);
}

// clang-format off
static const char *const WORDS[] = {
    "left_arm", "\"", "\\", "#", ": ", "- ", "{", "]", "\xc2\x85", "\xef\xbb\xbf", "null", "true",
    "1", "'", "*", "&", "!", "%", "@", " ", "\xf0\x9f\xa4\x96", "kLeftElbow", "right", "hand",
    "\n", "\x7f", "..", "", "no", "head", "\xff", "waist", "l_", "~", "\xe8\x82\xa9", "0x1",
    "1e3",
};
// clang-format on

// Whatever names a dataset has, the draft must be YAML that loads and binds.
static void drafts_what_loads_whatever_the_names(void)
{
    enum { N_WORDS = sizeof WORDS / sizeof *WORDS, N = 24 };
    struct rng rng = {11};
    for (int round = 0; round < 300; round++) {
        static char texts[4 * N][64];
        const char *names[2][N];
        double min[N], max[N];
        size_t n_texts = 0;
        for (size_t i = 0; i < 2 * N; i++) {
            char *text = texts[n_texts++];
            (void)snprintf(text, sizeof texts[0], "%s%s%s", WORDS[rng_next(&rng) % N_WORDS],
                           WORDS[rng_next(&rng) % N_WORDS], WORDS[rng_next(&rng) % N_WORDS]);
            names[i / N][i % N] = text;
            min[i % N] = -rng_uniform(&rng) * 4;
            max[i % N] = rng_uniform(&rng) * 400;
        }
        if (round % 3 == 0)
            min[3] = (double)NAN;
        char image[2][96];
        for (size_t i = 0; i < 2; i++)
            (void)snprintf(image[i], sizeof image[i], "observation.images.%s", names[i][0]);
        struct et_feature_view views[] = {
            {"observation.state", false, N, names[0], NULL, false},
            {"action", false, N, names[round % 2], NULL, false},
            {"observation.qvel", false, N, NULL, NULL, false},
            {image[0], true, 0, NULL, NULL, false},
            {image[1], true, 0, NULL, NULL, false},
        };
        struct et_guess_feature items[5];
        for (size_t i = 0; i < 5; i++)
            items[i] = (struct et_guess_feature){.view = views[i], .min = min, .max = max};
        items[3].min = items[4].min = NULL;
        struct et_guess_slice slices[] = {
            {"observation.state", names[1][1], 3, 9},
            {"action", names[1][1], 3, 9},
            {"action", "left_arm", 20, 99},
        };
        const struct robot_features f = {
            .items = items, .views = views, .n = 5, .slices = slices, .n_slices = 3};
        struct et_arena *arena;
        struct et_binding binding;
        struct et_buf yaml;
        CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
        if (!draft(names[0][2], &f, arena, &yaml, &binding)) {
            printf("%s\n", et_buf_text(&yaml));
            round = 1000;
        }
        et_buf_free(&yaml);
        et_arena_close(arena);
    }
}

static void drafts_features_too_wide_to_name(void)
{
    static const struct et_feature_view wide = {"observation.state", false, 300, NULL, NULL, false};
    static const struct et_feature_view wider = {
        "observation.state", false, 5000, NULL, NULL, false};
    for (int i = 0; i < 2; i++) {
        struct et_feature_view view = i ? wider : wide;
        struct et_guess_feature item = {.view = view};
        const struct robot_features f = {.items = &item, .views = &view, .n = 1};
        struct et_arena *arena;
        struct et_binding binding;
        struct et_buf yaml;
        CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
        CHECK(draft(NULL, &f, arena, &yaml, &binding));
        CHECK_EQ(binding.n_streams, i ? 0 : 1);
        CHECK_HAS(et_buf_text(&yaml), i ? "parts: {}" : "joints: any");
        et_buf_free(&yaml);
        et_arena_close(arena);
    }
}

static void says_when_the_text_has_no_room(void)
{
    static const struct et_feature_view view = {"observation.state", false, 7, NULL, NULL, false};
    const struct et_guess_feature item = {.view = view};
    struct et_buf yaml = et_buf(100);
    CHECK_EQ(et_profile_guess("x", &item, 1, NULL, 0, &yaml, &err), ET_ELIMIT);
    CHECK_HAS(err.text, "the draft of a profile");
    et_buf_free(&yaml);
}

int main(void)
{
    RUN(spells_makers_names_in_our_alphabet);
    RUN(reads_the_part_from_a_name);
    RUN(reads_the_place_of_a_camera_from_its_name);
    RUN(drafts_the_real_g1_as_a_person_wrote_it);
    RUN(drafts_the_real_gr1_as_a_person_wrote_it);
    RUN(guesses_units_from_ranges);
    RUN(says_behind_each_guess_what_it_rests_on);
    RUN(drafts_a_profile_of_nothing);
    RUN(drafts_what_loads_whatever_the_names);
    RUN(drafts_features_too_wide_to_name);
    RUN(says_when_the_text_has_no_room);
    return tap_end();
}
