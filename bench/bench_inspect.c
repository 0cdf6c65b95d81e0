/* How long inspecting takes: the whole Unitree G1 set, state only, on one thread; wanted: under 1
 * s. The yardstick is that second. Also what reading alone takes of it. */
#include "bench.h"

#include "etude/dataset.h"
#include "etude/grading.h"

struct totals {
    int64_t n_rows;
    size_t n_findings;
};

static void stop(const struct et_err *err)
{
    fprintf(stderr, "bench_inspect: %s\n", err->text);
    exit(3);
}

static struct totals run(const char *path, bool should_inspect)
{
    struct et_err err = {0};
    struct totals totals = {0};
    struct et_dataset *dataset;
    struct et_arena *arena, *grading_arena;
    const struct et_grading *grading;
    if (et_arena_open(&arena, (size_t)1 << 30, &err) != ET_OK ||
        et_arena_open(&grading_arena, (size_t)1 << 26, &err) != ET_OK ||
        et_grading_load(NULL, grading_arena, &grading, &err) != ET_OK ||
        et_dataset_open(&dataset, path, &err) != ET_OK ||
        et_dataset_use_profile(dataset, NULL, &err) != ET_OK)
        stop(&err);
    struct et_inspect_settings settings = grading->settings;
    settings.skip_videos = true;
    for (int64_t i = 0; i < et_dataset_info(dataset)->n_episodes; i++) {
        const struct et_arena_mark mark = et_arena_mark(arena);
        struct et_episode episode;
        struct et_inspection inspection = {0};
        struct et_grade grade;
        if (et_dataset_episode(dataset, i, arena, &episode, &err) != ET_OK)
            stop(&err);
        totals.n_rows += episode.n_rows;
        if (should_inspect) {
            if (et_inspect_episode(&episode, &settings, arena, &inspection, &err) != ET_OK ||
                et_grading_apply(grading, inspection.findings.items, inspection.findings.n, arena,
                                 &grade, &err) != ET_OK)
                stop(&err);
            totals.n_findings += inspection.findings.n;
        }
        et_arena_rewind(arena, mark);
    }
    et_dataset_close(dataset);
    et_arena_close(grading_arena);
    et_arena_close(arena);
    return totals;
}

static double median_cpu_s(const char *path, bool should_inspect)
{
    double seconds[BENCH_RUNS];
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        const int64_t t_ns = et_clock_cpu_ns();
        (void)run(path, should_inspect);
        seconds[i] = (double)(et_clock_cpu_ns() - t_ns) / 1e9;
    }
    return bench_median(seconds, BENCH_RUNS);
}

int main(int argc, char **argv)
{
    const char *data = getenv("ETUDE_TEST_DATA");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/unitree_g1", data ? data : "../shared/data");
    FILE *info = fopen(path, "r");
    if (!info) {
        printf("skipped: no data in %s\n", path);
        return 0;
    }
    (void)fclose(info);
    struct bench bench = bench_open(argc > 1 ? argv[1] : NULL);
    const struct totals totals = run(path, true);
    const double read_s = median_cpu_s(path, false), all_s = median_cpu_s(path, true);
    bench_row(&bench, "G1, 100 episodes: read into tracks", read_s, "s", "1 s", 1, NULL);
    bench_row(&bench, "G1, 100 episodes: read, inspect, grade", all_s, "s", "1 s", 1, "<= 1");
    bench_row(&bench, "rows a second and core", (double)totals.n_rows / all_s, "rows/s", NULL, 0,
              NULL);
    bench_row(&bench, "largest memory", bench_peak_mb(), "MB", NULL, 0, NULL);
    bench_close(&bench);
    return 0;
}
