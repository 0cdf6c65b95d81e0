/* How fast random samples come: numbers alone, and with a frame of 256 × 256 pixels out of AV1 at
 * GOP 2, as LeRobot's datasets have them: a hundred episodes in one film of 25,000 frames. On one
 * thread, by its processor time. The frames are held against a straightforward loop with PyAV over
 * the same film: bench/run has bench/loader_pyav.py read the dataset that is left in the folder
 * that ETUDE_BENCH_KEEP names. */
#include "bench.h"

#include "etude/dataset_write.h"
#include "etude/file.h"
#include "etude/loader.h"
#include "etude/random.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

#define N_EPISODES 100
#define N_ROWS 250
#define N_DRAWN 8 // episodes whose films are drawn; the others show the same
#define FPS 30
#define SIDE 256
#define STATE 64
#define ACTION 30
#define CHUNK 16
#define CAMERA "observation.images.head"
#define N_NUMBERS 400000 // samples of a run
#define N_FRAMES 2000

static struct et_err err;

static void check(enum et_status st)
{
    if (st == ET_OK)
        return;
    fprintf(stderr, "bench_loader: %s\n", err.text);
    exit(3);
}

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- a dataset ---- */

// A pattern that moves, with a camera's noise.
static void draw(uint8_t *rgb, int frame)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int k = 0; k < 3; k++) {
                const double wave = sin((x + frame) * 0.05 * (k + 1)) * cos((y - frame) * 0.07);
                const uint64_t i = ((uint64_t)frame * SIDE + (uint64_t)y) * SIDE + (uint64_t)x;
                *rgb++ = (uint8_t)(128 + 90 * wave + (double)et_random_below(7, i, 9));
            }
}

static void make_video(const char *path)
{
    static uint8_t rgb[3 * SIDE * SIDE];
    const struct et_video_options how = {.width_px = SIDE, .height_px = SIDE, .fps = FPS};
    struct et_video_writer *writer;
    check(et_video_create(&writer, path, &how, &err));
    for (int k = 0; k < N_DRAWN * N_ROWS; k++) {
        if (k % N_ROWS == 0 && k)
            check(et_video_commit(writer, &err));
        draw(rgb, k);
        check(et_video_write_rgb(writer, rgb, &err));
    }
    check(et_video_finish(writer, &err));
}

static void make_set(const char *folder, const char *video)
{
    static const int64_t STATES[] = {STATE}, ACTIONS[] = {ACTION}, PIXELS[] = {SIDE, SIDE, 3};
    static const struct et_feature FEATURES[] = {
        {.name = "observation.state",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = STATES,
         .n_dims = 1,
         .n_values = STATE},
        {.name = "action",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = ACTIONS,
         .n_dims = 1,
         .n_values = ACTION},
        {.name = CAMERA, .dtype = ET_DTYPE_VIDEO, .shape = PIXELS, .n_dims = 3},
    };
    static float state[N_ROWS * STATE], action[N_ROWS * ACTION];
    static const char *const TASKS[] = {"lift the cup"};
    const struct et_dataset_spec spec = {.layout = ET_LAYOUT_V30,
                                         .robot_type = "bench",
                                         .fps = FPS,
                                         .features = FEATURES,
                                         .n_features = 3};
    struct et_dataset_writer *writer;
    struct et_dataset_totals totals;
    check(et_dataset_create(&writer, folder, &spec, &err));
    for (int e = 0; e < N_EPISODES; e++) {
        for (size_t i = 0; i < N_ROWS * STATE; i++)
            state[i] = (float)et_random_normal((uint64_t)e, i);
        for (size_t i = 0; i < N_ROWS * ACTION; i++)
            action[i] = (float)et_random_normal((uint64_t)e + 100, i);
        const struct et_column columns[] = {{.name = "observation.state",
                                             .is_rectangular = true,
                                             .type = ET_PARQUET_FLOAT,
                                             .n_values = STATE,
                                             .values = state},
                                            {.name = "action",
                                             .is_rectangular = true,
                                             .type = ET_PARQUET_FLOAT,
                                             .n_values = ACTION,
                                             .values = action}};
        const struct et_new_video camera = {
            .i_feature = 2, .path = video, .first_frame = e % N_DRAWN * N_ROWS, .n_frames = N_ROWS};
        const struct et_new_episode episode = {.n_rows = N_ROWS,
                                               .columns = columns,
                                               .n_columns = 2,
                                               .tasks = TASKS,
                                               .n_tasks = 1,
                                               .videos = &camera,
                                               .n_videos = 1};
        check(et_dataset_add(writer, &episode, &err));
    }
    check(et_dataset_finish(writer, NULL, &totals, &err));
}

/* ---- samples ---- */

// Samples a second of one thread's processor time.
static double rate_of(const struct et_dataset *set, bool with_frames, size_t batch, size_t n)
{
    int steps[CHUNK];
    struct et_loader *loader;
    struct et_batch b;
    for (int i = 0; i < CHUNK; i++)
        steps[i] = i;
    const struct et_loader_column columns[] = {
        {.feature = "observation.state"},
        {.feature = "action", .steps = steps, .n_steps = CHUNK},
        {.feature = CAMERA},
    };
    const struct et_loader_options how = {
        .columns = columns, .n_columns = with_frames ? 3 : 2, .batch = batch, .seed = 1};
    check(et_loader_open(&loader, set, &how, &err));
    size_t n_done = 0;
    const double begin_s = cpu_s();
    while (n_done < n) {
        const enum et_status st = et_loader_next(loader, &b, &err);
        if (st != ET_END)
            check(st);
        n_done += b.n;
    }
    const double rate = (double)n_done / (cpu_s() - begin_s);
    et_loader_close(loader);
    return rate;
}

int main(int argc, char **argv)
{
    char folder[512], video[600], set_path[600];
    struct et_dataset *set;
    bench_folder(folder, sizeof folder);
    const char *kept = getenv("ETUDE_BENCH_KEEP");
    (void)snprintf(video, sizeof video, "%s/all.mp4", folder);
    (void)snprintf(set_path, sizeof set_path, "%s%s", kept ? kept : folder, kept ? "" : "/set");
    make_video(video);
    make_set(set_path, video);
    check(et_dataset_open(&set, set_path, &err));

    struct bench b = bench_open(argc > 1 ? argv[1] : NULL);
    double numbers[BENCH_RUNS], frames[BENCH_RUNS];
    for (int i = 0; i < BENCH_RUNS; i++) {
        numbers[i] = rate_of(set, false, 256, N_NUMBERS);
        frames[i] = rate_of(set, true, 32, N_FRAMES);
    }
    bench_row(&b, "random samples: state and 16 actions", bench_median(numbers, BENCH_RUNS), "1/s",
              "wanted", 1e6, ">= 1");
    bench_row(&b, "  and a frame of 256 × 256 AV1 at GOP 2", bench_median(frames, BENCH_RUNS),
              "1/s", "wanted", 1e3, ">= 1");
    bench_close(&b);
    et_dataset_close(set);
    check(et_path_remove(folder, &err));
    return 0;
}
