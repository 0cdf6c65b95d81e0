/* How long datasets take: the Unitree G1 set from v2.1 to v3.0, against reading and decoding its
 * columns; its videos by stream copy, against their own playing time; and a generated set of 2 GB,
 * for the memory that converting it takes. */
#include "bench.h"

#include "etude/dataset_ops.h"
#include "etude/file.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORK_DIR "build-bench/work" // below the folder that bench/run starts it in
#define LARGE_VALUES 64
#define LARGE_ROWS 4500
#define LARGE_BYTES 2e9

static void stop(const struct et_err *err)
{
    fprintf(stderr, "bench_dataset: %s\n", err->text);
    exit(3);
}

static void check(enum et_status st, const struct et_err *err)
{
    if (st != ET_OK)
        stop(err);
}

/* ---- yardsticks ---- */

// Every byte of every data file, by read().
static void read_files(const char *path)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    struct et_arena *arena = NULL;
    struct et_str content;
    check(et_dataset_open(&set, path, &err), &err);
    check(et_arena_open(&arena, (size_t)1 << 31, &err), &err);
    for (int64_t i = 0; i < et_dataset_info(set)->n_episodes; i++) {
        struct et_episode_meta meta;
        const struct et_arena_mark mark = et_arena_mark(arena);
        check(et_dataset_episode_meta(set, i, arena, &meta, &err), &err);
        check(et_file_read(meta.data_path, (size_t)1 << 30, arena, &content, &err), &err);
        et_arena_rewind(arena, mark);
    }
    et_arena_close(arena);
    et_dataset_close(set);
}

// Every column of every episode, decoded.
static void decode_columns(const char *path)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    struct et_arena *arena = NULL;
    check(et_dataset_open(&set, path, &err), &err);
    check(et_arena_open(&arena, (size_t)1 << 31, &err), &err);
    for (int64_t i = 0; i < et_dataset_info(set)->n_episodes; i++) {
        struct et_rows rows;
        const struct et_arena_mark mark = et_arena_mark(arena);
        check(et_dataset_rows(set, i, arena, &rows, &err), &err);
        et_arena_rewind(arena, mark);
    }
    et_arena_close(arena);
    et_dataset_close(set);
}

/* ---- converting ---- */

static struct et_ops_result convert(const char *from, const char *to, enum et_video_mode videos)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    struct et_arena *arena = NULL;
    struct et_ops_result result;
    const struct et_copy_options options = {.layout = ET_LAYOUT_V30, .videos = videos};
    check(et_path_remove(to, &err), &err);
    check(et_dataset_open(&set, from, &err), &err);
    check(et_arena_open(&arena, (size_t)1 << 28, &err), &err);
    const struct et_pick pick = {.dataset = set};
    check(et_dataset_copy(&pick, 1, to, &options, arena, &result, &err), &err);
    et_arena_close(arena);
    et_dataset_close(set);
    return result;
}

static void bench_g1(struct bench *bench, const char *path)
{
    double read_s[BENCH_RUNS], decode_s[BENCH_RUNS], state_s[BENCH_RUNS], state_wall_s[BENCH_RUNS],
        video_s[BENCH_RUNS];
    double playing_s = 0;
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        int64_t t_ns = et_clock_cpu_ns();
        read_files(path);
        read_s[i] = (double)(et_clock_cpu_ns() - t_ns) / 1e9;
        t_ns = et_clock_cpu_ns();
        decode_columns(path);
        decode_s[i] = (double)(et_clock_cpu_ns() - t_ns) / 1e9;

        const int64_t wall_ns = et_clock_monotonic_ns();
        t_ns = et_clock_cpu_ns();
        (void)convert(path, WORK_DIR "/g1", ET_VIDEO_DROP);
        state_s[i] = (double)(et_clock_cpu_ns() - t_ns) / 1e9;
        state_wall_s[i] = (double)(et_clock_monotonic_ns() - wall_ns) / 1e9;

        const int64_t video_ns = et_clock_monotonic_ns();
        const struct et_ops_result result = convert(path, WORK_DIR "/g1", ET_VIDEO_WITH);
        video_s[i] = (double)(et_clock_monotonic_ns() - video_ns) / 1e9;
        playing_s = (double)result.totals.n_frames_copied / 30;
    }
    const double read = bench_median(read_s, BENCH_RUNS),
                 decode = bench_median(decode_s, BENCH_RUNS);
    const double state = bench_median(state_s, BENCH_RUNS),
                 video = bench_median(video_s, BENCH_RUNS);
    bench_row(bench, "G1, 100 episodes: read() of the files", read, "s", NULL, 0, NULL);
    bench_row(bench, "G1, 100 episodes: decode all columns", decode, "s", "read()", read, NULL);
    bench_row(bench, "G1, v2.1 to v3.0, state only, CPU", state, "s", "decode", decode, NULL);
    bench_row(bench, "G1, v2.1 to v3.0, state only, wall", bench_median(state_wall_s, BENCH_RUNS),
              "s", "decode", decode, NULL);
    bench_row(bench, "G1, 8 videos by stream copy, times real time", playing_s / video, "x", "1 x",
              1, ">= 100");
}

/* ---- 2 GB ---- */

// Joints that swing slowly, with the noise of an encoder.
static void fill(float *cells, int64_t episode)
{
    uint64_t state = (uint64_t)episode * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t row = 0; row < LARGE_ROWS; row++) {
        for (size_t j = 0; j < LARGE_VALUES; j++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            const double noise = (double)(state >> 40) * 0x1p-24;
            cells[row * LARGE_VALUES + j] =
                (float)(sin((double)row * 0.01 + (double)(j + (size_t)episode)) + 0.001 * noise);
        }
    }
}

static void generate(const char *path)
{
    static const int64_t SHAPE[] = {LARGE_VALUES};
    static const struct et_feature FEATURES[] = {
        {.name = "observation.state",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = SHAPE,
         .n_dims = 1,
         .n_values = LARGE_VALUES},
        {.name = "action",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = SHAPE,
         .n_dims = 1,
         .n_values = LARGE_VALUES},
    };
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    const struct et_dataset_spec spec = {
        .layout = ET_LAYOUT_V21, .fps = 30, .features = FEATURES, .n_features = 2};
    const size_t n_bytes = sizeof(float) * LARGE_ROWS * LARGE_VALUES;
    float *cells = malloc(n_bytes);
    const char *task = "swing";
    const struct et_column columns[] = {
        {"observation.state", 0, true, ET_PARQUET_FLOAT, LARGE_VALUES, cells, NULL, 0, NULL, 0},
        {"action", 1, true, ET_PARQUET_FLOAT, LARGE_VALUES, cells, NULL, 0, NULL, 0},
    };
    const struct et_new_episode episode = {
        .n_rows = LARGE_ROWS, .columns = columns, .n_columns = 2, .tasks = &task, .n_tasks = 1};
    check(et_dataset_create(&writer, path, &spec, &err), &err);
    for (int64_t i = 0; cells && (double)i * 2 * (double)n_bytes < LARGE_BYTES; i++) {
        fill(cells, i);
        check(et_dataset_add(writer, &episode, &err), &err);
    }
    check(et_dataset_finish(writer, NULL, NULL, &err), &err);
    free(cells);
}

struct measured {
    double seconds, peak_mb, n_bytes;
};

/* Runs in a process of its own, so that its largest memory is its own too. */
static struct measured in_a_process(struct measured (*run)(void))
{
    struct measured m = {0};
    int ends[2];
    if (pipe(ends) != 0)
        exit(3);
    const pid_t pid = fork();
    if (pid == 0) {
        m = run();
        m.peak_mb = bench_peak_mb();
        if (write(ends[1], &m, sizeof m) != sizeof m)
            _exit(3);
        _exit(0);
    }
    int status = 0;
    if (pid < 0 || read(ends[0], &m, sizeof m) != sizeof m || waitpid(pid, &status, 0) != pid)
        exit(3);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return m;
}

static struct measured run_generate(void)
{
    const int64_t t_ns = et_clock_monotonic_ns();
    generate(WORK_DIR "/large");
    return (struct measured){.seconds = (double)(et_clock_monotonic_ns() - t_ns) / 1e9};
}

static struct measured run_convert(void)
{
    const int64_t t_ns = et_clock_monotonic_ns();
    const struct et_ops_result result =
        convert(WORK_DIR "/large", WORK_DIR "/large30", ET_VIDEO_DROP);
    return (struct measured){.seconds = (double)(et_clock_monotonic_ns() - t_ns) / 1e9,
                             .n_bytes = (double)result.n_bytes_in};
}

static struct measured run_decode(void)
{
    const int64_t t_ns = et_clock_monotonic_ns();
    decode_columns(WORK_DIR "/large");
    return (struct measured){.seconds = (double)(et_clock_monotonic_ns() - t_ns) / 1e9};
}

static void bench_large(struct bench *bench)
{
    const struct measured made = in_a_process(run_generate);
    const struct measured decoded = in_a_process(run_decode);
    const struct measured converted = in_a_process(run_convert);
    bench_row(bench, "2 GB: generate, v2.1", made.seconds, "s", NULL, 0, NULL);
    bench_row(bench, "2 GB: largest memory while generating", made.peak_mb, "MB", "1 MB", 1,
              "<= 300");
    bench_row(bench, "2 GB: v2.1 to v3.0", converted.seconds, "s", "decode", decoded.seconds, NULL);
    bench_row(bench, "2 GB: v2.1 to v3.0, input a second",
              converted.n_bytes / 1e6 / converted.seconds, "MB/s", NULL, 0, NULL);
    bench_row(bench, "2 GB: largest memory while converting", converted.peak_mb, "MB", "1 MB", 1,
              "<= 300");
}

int main(int argc, char **argv)
{
    struct et_err err = {0};
    const char *data = getenv("ETUDE_TEST_DATA");
    char path[4096];
    enum et_path_kind kind = ET_PATH_NONE;
    (void)snprintf(path, sizeof path, "%s/unitree_g1", data ? data : "../shared/data");
    check(et_path_remove(WORK_DIR, &err), &err);
    struct bench bench = bench_open(argc > 1 ? argv[1] : NULL);
    if (et_path_kind(path, &kind, &err) == ET_OK && kind == ET_PATH_DIR)
        bench_g1(&bench, path);
    else
        printf("skipped: no data in %s\n", path);
    bench_large(&bench);
    bench_close(&bench);
    check(et_path_remove(WORK_DIR, &err), &err);
    return 0;
}
