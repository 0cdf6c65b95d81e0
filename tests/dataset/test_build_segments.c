/* What a dataset keeps of what curation knew: which part of its episode a row is in, and, where it
 * is asked for, what no sensor gives. */
#include "etude/dataset_ops.h"
#include "etude/episode_file.h"
#include "etude/file.h"

#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

#define T0 INT64_C(1700000000000000000)
#define MS INT64_C(1000000)
#define N 201 // samples, 10 ms apart

static struct et_err err;
static struct et_arena *arena;

static const char PROFILE[] = "profile: 1\nmaker: M\nmodel: T\nparts:\n"
                              "  left_arm:\n    unit: rad\n    joints:\n"
                              "      - {name: a, lower: null, upper: null}\n"
                              "      - {name: b, lower: null, upper: null}\nrules:\n"
                              "  - {stream: left_arm.position, topic: /j, names: [a, b]}\n"
                              "  - {stream: scene.state, topic: /t, field: position, "
                              "optional: true}\n";

static void make_profile(void)
{
    CHECK_OK(et_dir_make(temp_path("share/profiles"), &err));
    CHECK(symlink(source_path("share/msg"), temp_path("share/msg")) == 0);
    CHECK(setenv("ETUDE_SHARE", temp_path("share"), 1) == 0);
    write_file(temp_path("share/profiles/p.yaml"), PROFILE, sizeof PROFILE - 1);
}

static struct et_track track(const char *name, enum et_quantity quantity, const double *values,
                             const char *const *names)
{
    static int64_t t_ns[N];
    for (int i = 0; i < N; i++)
        t_ns[i] = T0 + i * 10 * MS;
    return (struct et_track){
        .stream = {.name = name,
                   .part = quantity == ET_QUANTITY_STATE ? ET_PART_SCENE : ET_PART_LEFT_ARM,
                   .quantity = quantity,
                   .is_command = strncmp(name, "command.", 8) == 0,
                   .unit = quantity == ET_QUANTITY_STATE ? "" : "rad",
                   .n_values = 2,
                   .names = names,
                   .rate_hz = 100},
        .n_samples = N,
        .t_ns = t_ns,
        .t_device_ns = t_ns,
        .t_arrival_ns = t_ns,
        .values = values};
}

/* A folder with one episode in it, opened as a set. */
static struct et_dataset *episode_set(const char *name, const struct et_segment *segments,
                                      size_t n_segments, bool has_scene)
{
    static const char *const JOINTS[] = {"a", "b"}, *const SCENE[] = {"cup.x", "cup.y"};
    static const char *const TASKS[] = {"lift it"};
    static double values[2 * N], scene[2 * N];
    const struct et_episode_place *places = NULL;
    struct et_dataset *set = NULL;
    struct et_track tracks[3];
    char folder[4300];
    size_t n = 0;
    for (int i = 0; i < N; i++) {
        values[2 * i] = 0.01 * i;
        values[2 * i + 1] = -0.01 * i;
        scene[2 * i] = 0.5 + 0.001 * i;
        scene[2 * i + 1] = 0.25;
    }
    tracks[0] = track("left_arm.position", ET_QUANTITY_POSITION, values, JOINTS);
    tracks[1] = track("command.left_arm.position", ET_QUANTITY_POSITION, values, JOINTS);
    tracks[2] = track("scene.state", ET_QUANTITY_STATE, scene, SCENE);
    const struct et_episode episode = {.id = "REC/000",
                                       .source = "run.mcap",
                                       .time_kind = ET_TIME_MEASURED,
                                       .tracks = tracks,
                                       .n_tracks = has_scene ? 3 : 2,
                                       .tasks = TASKS,
                                       .n_tasks = 1,
                                       .segments = segments,
                                       .n_segments = n_segments,
                                       .n_rows_claimed = -1};
    const struct et_episode_facts facts = {
        .recording_id = name, .recording = "run.mcap", .format = "MCAP", .profile = "p"};
    CHECK_OK(et_dir_make(temp_path(name), &err));
    (void)snprintf(folder, sizeof folder, "%s/000", temp_path(name));
    CHECK_OK(et_episode_write(folder, &episode, &facts, &err));
    CHECK_OK(et_episode_list(temp_path(name), arena, &places, &n, &err));
    CHECK_OK(et_dataset_open_episodes(&set, temp_path(name), places, n, &err));
    if (!set)
        exit(1);
    CHECK_OK(et_dataset_use_profile(set, NULL, &err));
    return set;
}

static struct et_dataset *build(const struct et_pick *picks, size_t n_picks, const char *name,
                                const struct et_build_options *options)
{
    struct et_ops_result result;
    struct et_dataset *set = NULL;
    CHECK_OK(et_dataset_build(picks, n_picks, temp_path(name), options, arena, &result, &err));
    for (size_t i = 0; i < result.n_remarks; i++)
        printf("# %s: %s\n", result.remarks[i].where, result.remarks[i].text);
    CHECK_OK(et_dataset_open(&set, temp_path(name), &err));
    if (!set)
        exit(1);
    return set;
}

static const struct et_feature *feature_of(const struct et_dataset *set, const char *name)
{
    const int i = et_dataset_find(set, name);
    return i < 0 ? NULL : &et_dataset_info(set)->features[i];
}

/* Which segment a row is in, by number; −1: none; −2: several. */
static int segment_at(const struct et_dataset *set, int64_t episode, double at_s)
{
    struct et_rows rows;
    int found = -1;
    CHECK_OK(et_dataset_rows(set, episode, arena, &rows, &err));
    const struct et_column *column = et_rows_find(&rows, "etude.segment");
    const int64_t row = (int64_t)(at_s * 20 + 0.5);
    for (size_t k = 0; column && k < column->n_values; k++)
        if (et_column_get(column, row, k) > 0)
            found = found == -1 ? (int)k : -2;
    return found;
}

static const struct et_segment FIRST[] = {
    {"reach", T0, T0 + 500 * MS},               // then a gap
    {"lift", T0 + 700 * MS, T0 + 1500 * MS},    // in which
    {"wait", T0 + 1200 * MS, T0 + 1400 * MS},   // there is another
    {"reach", T0 + 1600 * MS, T0 + 1700 * MS}}; // and the first once more
static const struct et_segment SECOND[] = {{"lift", T0, T0 + 300 * MS},
                                           {"place", T0 + 300 * MS, T0 + 900 * MS}};

static void a_row_says_which_part_it_is_in(void)
{
    struct et_dataset *from = episode_set("first", FIRST, 4, false);
    const struct et_dataset_info *info = et_dataset_info(from);
    CHECK_EQ(info->n_segments, 3);
    CHECK_STR(info->segments[0], "reach");
    CHECK_STR(info->segments[2], "wait");
    struct et_dataset *set = build(&(struct et_pick){.dataset = from}, 1, "first-built",
                                   &(struct et_build_options){.fps = 20});
    const struct et_feature *f = feature_of(set, "etude.segment");
    if (CHECK(f && f->n_values == 3)) {
        CHECK(f->dtype == ET_DTYPE_BOOL);
        CHECK_STR(f->names[0], "reach");
        CHECK_STR(f->names[1], "lift");
        CHECK_STR(f->names[2], "wait");
    }
    CHECK_EQ(segment_at(set, 0, 0), 0);
    CHECK_EQ(segment_at(set, 0, 0.5), 0); // its last moment is its own
    CHECK_EQ(segment_at(set, 0, 0.6), -1);
    CHECK_EQ(segment_at(set, 0, 0.7), 1);
    CHECK_EQ(segment_at(set, 0, 1.15), 1);
    CHECK_EQ(segment_at(set, 0, 1.3), 2); // the one that began last
    CHECK_EQ(segment_at(set, 0, 1.45), 1);
    CHECK_EQ(segment_at(set, 0, 1.65), 0);
    CHECK_EQ(segment_at(set, 0, 1.9), -1);
    et_dataset_close(set);
    et_dataset_close(from);
}

static void parts_of_two_sets_are_put_together(void)
{
    struct et_dataset *one = episode_set("one", FIRST, 4, false);
    struct et_dataset *other = episode_set("other", SECOND, 2, false);
    const struct et_pick picks[] = {{.dataset = one}, {.dataset = other}};
    struct et_dataset *set = build(picks, 2, "both", &(struct et_build_options){.fps = 20});
    const struct et_feature *f = feature_of(set, "etude.segment");
    if (CHECK(f && f->n_values == 4))
        CHECK_STR(f->names[3], "place");
    CHECK_EQ(segment_at(set, 0, 0.2), 0);
    CHECK_EQ(segment_at(set, 1, 0.2), 1); // the same name is the same number
    CHECK_EQ(segment_at(set, 1, 0.3), 3); // of two that meet, the later
    CHECK_EQ(segment_at(set, 1, 0.8), 3);
    CHECK_EQ(segment_at(set, 1, 1.3), -1);
    et_dataset_close(set);
    et_dataset_close(one);
    et_dataset_close(other);
}

static void without_parts_there_is_no_feature_of_them(void)
{
    struct et_dataset *from = episode_set("none", NULL, 0, false);
    CHECK_EQ(et_dataset_info(from)->n_segments, 0);
    struct et_dataset *set = build(&(struct et_pick){.dataset = from}, 1, "none-built",
                                   &(struct et_build_options){.fps = 20});
    CHECK(!feature_of(set, "etude.segment"));
    et_dataset_close(set);
    et_dataset_close(from);
}

static void what_no_sensor_gives_is_only_there_on_demand(void)
{
    struct et_dataset *from = episode_set("scene", SECOND, 2, true);
    const struct et_pick pick = {.dataset = from};
    struct et_dataset *plain =
        build(&pick, 1, "plain", &(struct et_build_options){.fps = 20, .with_other = true});
    struct et_dataset *set =
        build(&pick, 1, "privileged", &(struct et_build_options){.fps = 20, .is_privileged = true});
    CHECK(!feature_of(plain, "observation.environment_state"));
    const struct et_feature *f = feature_of(set, "observation.environment_state");
    if (CHECK(f && f->n_values == 2)) {
        CHECK_STR(f->names[0], "cup.x");
        CHECK_STR(f->names[1], "cup.y");
    }
    struct et_rows rows;
    CHECK_OK(et_dataset_rows(set, 0, arena, &rows, &err));
    const struct et_column *column = et_rows_find(&rows, "observation.environment_state");
    for (int64_t row = 0; column && row < rows.n_rows; row++) {
        CHECK_NEAR(et_column_get(column, row, 0), 0.5 + 0.005 * (double)row, 1e-6);
        CHECK_NEAR(et_column_get(column, row, 1), 0.25, 0);
    }
    CHECK_EQ(feature_of(set, "observation.state")->n_values, 2);
    et_dataset_close(plain);
    et_dataset_close(set);
    et_dataset_close(from);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)256 << 20, &err));
    make_profile();
    RUN(a_row_says_which_part_it_is_in);
    RUN(parts_of_two_sets_are_put_together);
    RUN(without_parts_there_is_no_feature_of_them);
    RUN(what_no_sensor_gives_is_only_there_on_demand);
    et_arena_close(arena);
    return tap_end();
}
