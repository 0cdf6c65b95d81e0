// The profiles that are shipped, and the real data that they are for.
#include "etude/file.h"
#include "etude/profile.h"

#include "robot_features.h"
#include "support.h"
#include "tap.h"

#define ARENA_BYTES ((size_t)64 << 20)

static struct et_err err;
static struct et_arena *arena;

static void open_arena(void)
{
    err = (struct et_err){0};
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
}

static void every_shipped_profile_loads(void)
{
    const char *const *names;
    size_t n, n_profiles = 0;
    open_arena();
    CHECK_OK(et_dir_list(source_path("share/profiles"), arena, &names, &n, &err));
    for (size_t i = 0; i < n; i++) {
        const struct et_profile *profile = NULL;
        const char *path = et_path_join(arena, source_path("share/profiles"), names[i]);
        CHECK_OK(et_profile_load(path, arena, &profile, &err));
        n_profiles += profile != NULL;
        for (size_t k = 0; profile && k < i; k++)
            CHECK(strcmp(names[k], names[i]) != 0);
    }
    CHECK(n_profiles >= 5);
    et_arena_close(arena);
}

/* Each number must have its source, and a robot type one profile. */
static void no_two_shipped_profiles_claim_a_robot_type(void)
{
    const char *const *names;
    const char *types[64];
    size_t n, n_types = 0;
    open_arena();
    CHECK_OK(et_dir_list(source_path("share/profiles"), arena, &names, &n, &err));
    for (size_t i = 0; i < n; i++) {
        const struct et_profile *profile = NULL;
        const char *path = et_path_join(arena, source_path("share/profiles"), names[i]);
        CHECK_OK(et_profile_load(path, arena, &profile, &err));
        for (size_t k = 0; profile && k < profile->n_robot_types && n_types < 64; k++) {
            for (size_t t = 0; t < n_types; t++)
                CHECK(strcmp(types[t], profile->robot_types[k]) != 0);
            types[n_types++] = profile->robot_types[k];
        }
    }
    CHECK(n_types >= 5);
    et_arena_close(arena);
}

/* Finds the profile of a real dataset and binds it. False when the data is absent. */
static bool bind_real(const char *folder, const char *wanted, struct robot_features *features,
                      struct et_binding *binding)
{
    const struct et_profile *profile = NULL;
    open_arena();
    if (!read_robot_features(folder, arena, features)) {
        tap_skip("no data");
        et_arena_close(arena);
        return false;
    }
    CHECK_OK(et_profile_find(wanted, features->robot_type, arena, &profile, &err));
    if (!profile)
        return false;
    CHECK_OK(et_profile_bind(profile, features->views, features->n, arena, binding, &err));
    for (size_t i = 0; i < binding->n_remarks; i++)
        printf("#   %s\n", binding->remarks[i]);
    return true;
}

struct want {
    const char *stream;
    size_t n_values;
    const char *first, *last; // joints
};

static void check_streams(const struct et_binding *binding, const struct want *want, size_t n)
{
    CHECK_EQ(binding->n_streams, n);
    for (size_t i = 0; i < n && i < binding->n_streams; i++) {
        const struct et_stream *s = &binding->streams[i].stream;
        CHECK_STR(s->name, want[i].stream);
        CHECK_EQ(s->n_values, want[i].n_values);
        if (s->n_values != want[i].n_values || s->n_values == 0)
            continue;
        CHECK_STR(s->names[0], want[i].first);
        CHECK_STR(s->names[s->n_values - 1], want[i].last);
    }
}

/* Values whose range in the data goes beyond the limits of their stream by more than `slack`. */
static size_t count_beyond_limits(const struct robot_features *features,
                                  const struct et_binding *binding, bool of_commands, double slack)
{
    size_t n = 0;
    for (size_t i = 0; i < binding->n_streams; i++) {
        const struct et_bound_stream *s = &binding->streams[i];
        const struct et_guess_feature *f = &features->items[s->i_feature];
        for (size_t k = 0; s->columns && s->stream.lower && f->min && k < s->stream.n_values; k++) {
            const double a = f->min[s->columns[k]] * s->scale[k] + s->offset[k];
            const double b = f->max[s->columns[k]] * s->scale[k] + s->offset[k];
            if (s->stream.is_command == of_commands && (fmin(a, b) < s->stream.lower[k] - slack ||
                                                        fmax(a, b) > s->stream.upper[k] + slack))
                n++;
        }
    }
    return n;
}

static void binds_the_real_g1_with_inspire_hands(void)
{
    static const struct want want[] = {
        {"head.image", 0, NULL, NULL},
        {"left_arm.position", 7, "left_shoulder_pitch", "left_wrist_yaw"},
        {"left_hand.position", 6, "left_hand_pinky", "left_hand_thumb_rotation"},
        {"right_arm.position", 7, "right_shoulder_pitch", "right_wrist_yaw"},
        {"right_hand.position", 6, "right_hand_pinky", "right_hand_thumb_rotation"},
        {"command.left_arm.position", 7, "left_shoulder_pitch", "left_wrist_yaw"},
        {"command.left_hand.position", 6, "left_hand_pinky", "left_hand_thumb_rotation"},
        {"command.right_arm.position", 7, "right_shoulder_pitch", "right_wrist_yaw"},
        {"command.right_hand.position", 6, "right_hand_pinky", "right_hand_thumb_rotation"},
    };
    struct robot_features f;
    struct et_binding binding = {0};
    if (!bind_real("unitree_g1", NULL, &f, &binding))
        return;
    CHECK_STR(binding.profile->id, "unitree-g1-inspire");
    check_streams(&binding, want, sizeof want / sizeof *want);
    CHECK_EQ(binding.n_remarks, 0);
    // Left hand: values 14 … 19 of the data, as info.json names them.
    CHECK_EQ(binding.streams[2].columns[0], 14);
    CHECK_EQ(binding.streams[2].columns[5], 19);
    CHECK_STR(binding.streams[2].stream.unit, "fraction");
    CHECK_EQ(count_beyond_limits(&f, &binding, false, 0), 0);
    CHECK_EQ(count_beyond_limits(&f, &binding, true, 0), 0);
    et_arena_close(arena);
}

static void binds_the_real_gr1(void)
{
    static const struct want want[] = {
        {"head.position", 3, "head_yaw", "head_pitch"},
        {"head.image", 0, NULL, NULL},
        {"waist.position", 3, "waist_yaw", "waist_roll"},
        {"left_arm.position", 7, "left_shoulder_pitch", "left_wrist_pitch"},
        {"left_hand.position", 6, "left_hand_pinky", "left_hand_thumb_yaw"},
        {"right_arm.position", 7, "right_shoulder_pitch", "right_wrist_pitch"},
        {"right_hand.position", 6, "right_hand_pinky", "right_hand_thumb_yaw"},
        {"legs.position", 12, "left_hip_roll", "right_ankle_roll"},
        {"command.head.position", 3, "head_yaw", "head_pitch"},
        {"command.waist.position", 3, "waist_yaw", "waist_roll"},
        {"command.left_arm.position", 7, "left_shoulder_pitch", "left_wrist_pitch"},
        {"command.left_hand.position", 6, "left_hand_pinky", "left_hand_thumb_yaw"},
        {"command.right_arm.position", 7, "right_shoulder_pitch", "right_wrist_pitch"},
        {"command.right_hand.position", 6, "right_hand_pinky", "right_hand_thumb_yaw"},
        {"command.legs.position", 12, "left_hip_roll", "right_ankle_roll"},
    };
    struct robot_features f;
    struct et_binding binding = {0};
    if (!bind_real("gr1_pick_and_place/demo_data/robot_sim.PickNPlace", NULL, &f, &binding))
        return;
    CHECK_STR(binding.profile->id, "fourier-gr1");
    check_streams(&binding, want, sizeof want / sizeof *want);
    CHECK_EQ(binding.n_remarks, 1); // a second picture of the same camera has no rule
    // Left leg: values 13 … 18, right leg: 35 … 40.
    CHECK_EQ(binding.streams[7].columns[5], 18);
    CHECK_EQ(binding.streams[7].columns[6], 35);
    // The simulated stops are soft: fingers go up to 0.4 rad beyond them, the body does not.
    CHECK_EQ(count_beyond_limits(&f, &binding, false, 0.4), 0);
    // Hands are commanded far beyond their stops, on purpose: all twelve values.
    CHECK_EQ(count_beyond_limits(&f, &binding, true, 0.5), 12);
    et_arena_close(arena);
}

static void binds_any_data_by_the_generic_profile(void)
{
    struct robot_features f;
    struct et_binding binding = {0};
    if (!bind_real("unitree_g1", "generic", &f, &binding))
        return;
    CHECK_EQ(binding.n_streams, 3);
    CHECK_STR(binding.streams[0].stream.name, "cam_high.image");
    CHECK_STR(binding.streams[1].stream.name, "body.position");
    CHECK_EQ(binding.streams[1].stream.n_values, 26);
    CHECK_STR(binding.streams[1].stream.names[3], "kLeftElbow");
    CHECK_STR(binding.streams[2].stream.name, "command.body.position");
    CHECK_EQ(binding.n_remarks, 0);
    et_arena_close(arena);
}

/* The names that unitree_IL_lerobot gives the values of a G1 with Dex3-1 hands. */
static void orders_the_fingers_of_both_dex3_hands_alike(void)
{
    static const char *const names[28] = {
        "kLeftShoulderPitch", "kLeftShoulderRoll", "kLeftShoulderYaw",  "kLeftElbow",
        "kLeftWristRoll",     "kLeftWristPitch",   "kLeftWristYaw",     "kRightShoulderPitch",
        "kRightShoulderRoll", "kRightShoulderYaw", "kRightElbow",       "kRightWristRoll",
        "kRightWristPitch",   "kRightWristYaw",    "kLeftHandThumb0",   "kLeftHandThumb1",
        "kLeftHandThumb2",    "kLeftHandMiddle0",  "kLeftHandMiddle1",  "kLeftHandIndex0",
        "kLeftHandIndex1",    "kRightHandThumb0",  "kRightHandThumb1",  "kRightHandThumb2",
        "kRightHandIndex0",   "kRightHandIndex1",  "kRightHandMiddle0", "kRightHandMiddle1",
    };
    static const struct et_feature_view features[] = {
        {"observation.state", false, 28, names, NULL, false},
        {"action", false, 28, names, NULL, false},
        {"observation.images.cam_left_high", true, 0, NULL, NULL, false},
        {"observation.images.cam_right_high", true, 0, NULL, NULL, false},
        {"observation.images.cam_left_wrist", true, 0, NULL, NULL, false},
        {"observation.images.cam_right_wrist", true, 0, NULL, NULL, false},
    };
    static const size_t want_left[] = {14, 15, 16, 17, 18, 19, 20};
    static const size_t want_right[] = {21, 22, 23, 26, 27, 24, 25};
    const struct et_profile *profile = NULL;
    struct et_binding binding = {0};
    open_arena();
    CHECK_OK(et_profile_find(NULL, "Unitree_G1_Dex3", arena, &profile, &err));
    if (profile)
        CHECK_OK(et_profile_bind(profile, features, 6, arena, &binding, &err));
    CHECK_EQ(binding.n_remarks, 0);
    CHECK_EQ(binding.n_streams, 12);
    for (size_t i = 0; i < binding.n_streams; i++) {
        const struct et_bound_stream *s = &binding.streams[i];
        if (strcmp(s->stream.name, "left_hand.position") == 0)
            CHECK(memcmp(s->columns, want_left, sizeof want_left) == 0);
        if (strcmp(s->stream.name, "command.right_hand.position") == 0)
            CHECK(memcmp(s->columns, want_right, sizeof want_right) == 0);
    }
    et_arena_close(arena);
}

/* LeRobot's own robot "unitree_g1": under a walking controller the action has the arms alone. */
static void binds_the_arms_of_a_walking_g1(void)
{
    static const char *const NAMES[] = {
        "kLeftHipPitch.q",
        "kLeftHipRoll.q",
        "kLeftHipYaw.q",
        "kLeftKnee.q",
        "kLeftAnklePitch.q",
        "kLeftAnkleRoll.q",
        "kRightHipPitch.q",
        "kRightHipRoll.q",
        "kRightHipYaw.q",
        "kRightKnee.q",
        "kRightAnklePitch.q",
        "kRightAnkleRoll.q",
        "kWaistYaw.q",
        "kWaistRoll.q",
        "kWaistPitch.q",
        "kLeftShoulderPitch.q",
        "kLeftShoulderRoll.q",
        "kLeftShoulderYaw.q",
        "kLeftElbow.q",
        "kLeftWristRoll.q",
        "kLeftWristPitch.q",
        "kLeftWristYaw.q",
        "kRightShoulderPitch.q",
        "kRightShoulderRoll.q",
        "kRightShoulderYaw.q",
        "kRightElbow.q",
        "kRightWristRoll.q",
        "kRightWristPitch.q",
        "kRightWristYaw.q",
        "remote.lx",
        "remote.ly",
    };
    const struct et_feature_view features[] = {
        {"observation.state", false, 29, NAMES, NULL, false},
        {"action", false, 16, NAMES + 15, NULL, false},
        {"observation.images.front", true, 0, NULL, NULL, false},
        {"observation.images.front_depth", true, 0, NULL, NULL, false},
    };
    const struct et_profile *profile = NULL;
    struct et_binding binding = {0};
    open_arena();
    CHECK_OK(et_profile_find(NULL, "unitree_g1", arena, &profile, &err));
    if (profile)
        CHECK_OK(et_profile_bind(profile, features, 4, arena, &binding, &err));
    CHECK_EQ(binding.n_streams, 8); // 4 parts, 2 commands, 2 pictures
    CHECK_EQ(binding.n_remarks, 3); // no command to waist and legs; the remote's axes
    et_arena_close(arena);
}

int main(void)
{
    RUN(every_shipped_profile_loads);
    RUN(no_two_shipped_profiles_claim_a_robot_type);
    RUN(binds_the_real_g1_with_inspire_hands);
    RUN(binds_the_real_gr1);
    RUN(binds_any_data_by_the_generic_profile);
    RUN(orders_the_fingers_of_both_dex3_hands_alike);
    RUN(binds_the_arms_of_a_walking_g1);
    return tap_end();
}
