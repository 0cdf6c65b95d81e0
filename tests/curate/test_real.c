/* The inspectors on public data, read row by row without the rest of the house: what is known of it
 * is found, and clean cameras stay silent. */
#include "etude/inspect.h"
#include "etude/parquet.h"
#include "etude/video.h"

#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define N_ARM 7
#define G1_WIDTH 26
#define GR1_WIDTH 44
#define ROWS_MAX 2000

static struct et_err err;

/* One episode's state and action as doubles. */
struct rows {
    size_t n, width;
    double *state, *action;
};

static double *read_column(struct et_parquet_reader *reader, const char *name, size_t n,
                           size_t width)
{
    struct et_parquet_cursor *cursor = NULL;
    const int leaf = et_parquet_find(reader, name);
    double *values = calloc(n * width, sizeof *values);
    if (!CHECK(leaf >= 0) || !CHECK(values))
        return values;
    CHECK_OK(et_parquet_cursor_open(&cursor, reader, (size_t)leaf, &err));
    if (et_parquet_leaf(reader, (size_t)leaf)->type == ET_PARQUET_DOUBLE) {
        CHECK_OK(et_parquet_cursor_rows(cursor, 0, (int64_t)n, width, values, &err));
    } else {
        float *narrow = calloc(n * width, sizeof *narrow);
        CHECK_OK(et_parquet_cursor_rows(cursor, 0, (int64_t)n, width, narrow, &err));
        for (size_t i = 0; narrow && i < n * width; i++)
            values[i] = (double)narrow[i];
        free(narrow);
    }
    et_parquet_cursor_close(cursor);
    return values;
}

static bool read_rows(const char *path, size_t width, struct rows *rows)
{
    struct et_parquet_reader *reader = NULL;
    *rows = (struct rows){.width = width};
    CHECK_OK(et_parquet_open(&reader, path, NULL, &err));
    if (!reader)
        return false;
    rows->n = (size_t)et_parquet_n_rows(reader);
    rows->state = read_column(reader, "observation.state", rows->n, width);
    rows->action = read_column(reader, "action", rows->n, width);
    et_parquet_close(reader);
    return rows->state && rows->action;
}

static void free_rows(struct rows *rows)
{
    free(rows->state);
    free(rows->action);
}

/* Values first … first + n_values − 1 of rows. */
static double *slice(const struct rows *rows, const double *of, size_t first, size_t n_values)
{
    double *part = calloc(rows->n * n_values, sizeof *part);
    if (!part)
        abort();
    for (size_t k = 0; k < rows->n; k++)
        memcpy(&part[k * n_values], &of[k * rows->width + first], n_values * sizeof *part);
    return part;
}

static struct et_latency latency_of(const struct rows *rows, size_t first, size_t n_values,
                                    double rate_hz)
{
    struct et_arena *arena = NULL;
    struct et_latency latency = {0};
    double *command = slice(rows, rows->action, first, n_values);
    double *state = slice(rows, rows->state, first, n_values);
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    const struct et_latency_signals signals = {command, state, rows->n, n_values, rate_hz};
    CHECK_OK(et_latency_estimate(&signals, NULL, arena, &latency, &err));
    et_arena_close(arena);
    free(command);
    free(state);
    return latency;
}

static const char *g1_path(int episode)
{
    char name[100];
    (void)snprintf(name, sizeof name, "unitree_g1/data/chunk-000/episode_%06d.parquet", episode);
    return data_path(name);
}

// Its arms follow 4 to 5 rows late, its hands 8 to 13, in all 100 episodes.
static void the_g1_follows_its_command_four_to_five_rows_late(void)
{
    double least = 1, most = 0;
    if (!g1_path(0)) {
        tap_skip("no data");
        return;
    }
    for (int episode = 0; episode < 100; episode++) {
        struct rows rows;
        if (!read_rows(g1_path(episode), G1_WIDTH, &rows))
            return;
        const struct et_latency arms = latency_of(&rows, 0, (size_t)2 * N_ARM, 30);
        const struct et_latency hand = latency_of(&rows, 20, 6, 30);
        CHECK(arms.is_known);
        CHECK(arms.sigma_s < 0.006);
        CHECK(lround(arms.lag_s * 30) >= 4 && lround(arms.lag_s * 30) <= 5);
        CHECK(hand.is_known && hand.lag_s > 0.28 && hand.lag_s < 0.45);
        least = fmin(least, arms.lag_s);
        most = fmax(most, arms.lag_s);
        free_rows(&rows);
    }
    printf("# arms: %.1f to %.1f ms\n", 1e3 * least, 1e3 * most);
}

/* An episode of two tracks, the right arm and its command, and a camera. */
static void look_at_camera(const struct rows *rows, size_t first, double rate_hz, const char *video)
{
    struct et_arena *arena = NULL;
    struct et_inspection inspection;
    struct et_video_info info;
    static int64_t t_ns[ROWS_MAX];
    double *arm = slice(rows, rows->state, first, N_ARM);

    CHECK_OK(et_video_probe(video, &info, &err));
    for (size_t k = 0; k < rows->n && k < ROWS_MAX; k++)
        t_ns[k] = llround((double)k / rate_hz * 1e9);
    const struct et_track track = {.stream = {.name = "right_arm.position",
                                              .part = ET_PART_RIGHT_ARM,
                                              .quantity = ET_QUANTITY_POSITION,
                                              .unit = "rad",
                                              .n_values = N_ARM,
                                              .rate_hz = rate_hz},
                                   .n_samples = rows->n,
                                   .t_ns = t_ns,
                                   .values = arm};
    const struct et_video_ref ref = {
        .stream = {.name = "head.image", .quantity = ET_QUANTITY_IMAGE},
        .path = video,
        .is_present = true,
        .n_frames = info.n_frames};
    const struct et_episode episode = {.rate_hz = rate_hz,
                                       .n_rows = (int64_t)rows->n,
                                       .n_rows_claimed = -1,
                                       .tracks = &track,
                                       .n_tracks = 1,
                                       .videos = &ref,
                                       .n_videos = 1};

    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    CHECK_OK(et_inspect_episode(&episode, NULL, arena, &inspection, &err));
    CHECK_EQ(inspection.n_frames_seen, rows->n);
    for (size_t i = 0; i < inspection.findings.n; i++) {
        const struct et_inspector *inspector = et_inspector_find(inspection.findings.items[i].kind);
        if (!CHECK(inspector->scope != ET_INSPECT_FRAMES &&
                   strcmp(inspector->kind, "frame_count") != 0))
            printf("#   %s: %s\n", video, inspection.findings.items[i].text);
    }
    et_arena_close(arena);
    free(arm);
}

static void real_cameras_raise_nothing(void)
{
    static const int with_video[] = {1, 2, 4, 10, 29, 30, 45, 56};
    for (size_t i = 0; i < sizeof with_video / sizeof *with_video; i++) {
        char name[120];
        (void)snprintf(name, sizeof name,
                       "unitree_g1/videos/chunk-000/observation.images.cam_high/episode_%06d.mp4",
                       with_video[i]);
        struct rows rows;
        if (!data_path(name)) {
            tap_skip("no data");
            return;
        }
        if (read_rows(g1_path(with_video[i]), G1_WIDTH, &rows))
            look_at_camera(&rows, 7, 30, data_path(name));
        free_rows(&rows);
    }
}

static void simulated_cameras_raise_nothing(void)
{
#define GR1 "gr1_pick_and_place/demo_data/robot_sim.PickNPlace/"
    for (int i = 0; i < 5; i++) {
        char name[160];
        struct rows rows;
        (void)snprintf(name, sizeof name, GR1 "data/chunk-000/episode_%06d.parquet", i);
        if (!data_path(name)) {
            tap_skip("no data");
            return;
        }
        if (!read_rows(data_path(name), GR1_WIDTH, &rows))
            return;
        const struct et_latency arm = latency_of(&rows, 22, N_ARM, 20);
        CHECK(arm.is_known && arm.lag_s > 0.18 && arm.lag_s < 0.22);
        (void)snprintf(name, sizeof name,
                       GR1 "videos/chunk-000/observation.images.ego_view/episode_%06d.mp4", i);
        look_at_camera(&rows, 22, 20, data_path(name));
        free_rows(&rows);
    }
}

int main(void)
{
    RUN(the_g1_follows_its_command_four_to_five_rows_late);
    RUN(real_cameras_raise_nothing);
    RUN(simulated_cameras_raise_nothing);
    return tap_end();
}
