/* etude record --selftest: as many synthetic stations as one likes, and what their recordings lack.
 */
#include "cli_live.h"

#include "etude/clock.h"
#include "etude/synthetic.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define STATIONS_MAX 1000
#define FEED_BYTES ((size_t)8 << 20) // four seconds of a station
#define STATIONS_A_THREAD 25         // that make streams
#define LOOK_NS (ET_NS_PER_S / 20)

struct robot {
    struct et_station *station;
    struct et_feed *feed;
    struct et_synthetic *synthetic;
    uint64_t n_put, n_dropped; // that the run has
};

struct maker { // a thread that puts for some of them
    pthread_t thread;
    struct robot *robots;
    size_t n;
    atomic_bool *must_stop;
};

struct selftest {
    const struct cli_args *args;
    struct et_recorder *recorder;
    struct et_synthetic_pool *pool;
    struct robot *robots;
    struct maker *makers;
    size_t n_robots, n_makers;
    atomic_bool must_stop;
    double seconds;
    int64_t t_begin_ns, recorder_cpu_ns;
};

static void *make(void *arg)
{
    struct maker *maker = arg;
    while (!atomic_load(maker->must_stop)) {
        int64_t t_next_ns = INT64_MAX;
        for (size_t i = 0; i < maker->n; i++) {
            const int64_t t_ns =
                et_synthetic_put(maker->robots[i].synthetic, et_clock_monotonic_ns());
            t_next_ns = t_ns < t_next_ns ? t_ns : t_next_ns;
        }
        // As an edge agent sends it: what a few milliseconds bring, at once.
        const int64_t t_soon_ns = et_clock_monotonic_ns() + 5000000;
        et_clock_wait_until(t_next_ns > t_soon_ns ? t_next_ns : t_soon_ns);
    }
    return NULL;
}

static enum et_status open_robot(struct selftest *t, size_t i, struct et_err *err)
{
    struct robot *r = &t->robots[i];
    char name[32];
    (void)snprintf(name, sizeof name, "robot-%03zu", i + 1);
    const struct et_feed_options how = {.n_bytes = FEED_BYTES};
    enum et_status st = et_station_open(&r->station, t->recorder, name, err);
    if (st == ET_OK)
        st = et_station_feed(r->station, &how, &r->feed, err);
    if (st == ET_OK)
        st = et_synthetic_open(&r->synthetic, t->pool, r->feed, et_clock_monotonic_ns(), err);
    if (st == ET_OK)
        st = et_station_begin(r->station, &(struct et_run){.robot = "synthetic"}, err);
    return st;
}

static enum et_status start_makers(struct selftest *t, struct et_err *err)
{
    for (size_t i = 0; i < t->n_robots; i += STATIONS_A_THREAD) {
        struct maker *m = &t->makers[t->n_makers];
        const size_t left = t->n_robots - i;
        *m = (struct maker){.robots = &t->robots[i],
                            .n = left < STATIONS_A_THREAD ? left : STATIONS_A_THREAD,
                            .must_stop = &t->must_stop};
        const int sys = pthread_create(&m->thread, NULL, make, m);
        if (sys != 0)
            return et_fail_sys(err, sys, "cannot start a thread");
        t->n_makers++;
    }
    return ET_OK;
}

static void run(struct selftest *t)
{
    struct cli_progress progress;
    const int64_t t_begin_ns = t->t_begin_ns = et_clock_monotonic_ns();
    const int64_t cpu_ns = et_recorder_status(t->recorder).cpu_ns;
    const int64_t n_ms = t->seconds > 0 ? (int64_t)(t->seconds * 1e3) : 0;
    cli_progress_open(&progress, t->args, "selftest", "ms", n_ms);
    while (!cli_is_interrupted()) {
        const int64_t t_now_ns = et_clock_monotonic_ns();
        if (t->seconds > 0 && (double)(t_now_ns - t_begin_ns) / 1e9 >= t->seconds)
            break;
        (void)cli_progress_show(&progress, (t_now_ns - t_begin_ns) / 1000000, n_ms,
                                et_recorder_status(t->recorder).n_bytes);
        et_clock_wait_until(t_now_ns + LOOK_NS);
    }
    cli_progress_close(&progress);
    t->recorder_cpu_ns = et_recorder_status(t->recorder).cpu_ns - cpu_ns;
    t->seconds = (double)(et_clock_monotonic_ns() - t_begin_ns) / 1e9;
}

// What was put is known only when nobody puts any more.
static enum et_status end_all(struct selftest *t, struct et_err *err)
{
    enum et_status st = ET_OK;
    atomic_store(&t->must_stop, true);
    for (size_t i = 0; i < t->n_makers; i++)
        (void)pthread_join(t->makers[i].thread, NULL);
    for (size_t i = 0; i < t->n_robots && st == ET_OK; i++) {
        struct robot *r = &t->robots[i];
        if (!r->feed)
            continue;
        st = et_station_end(r->station, NULL, err);
        for (size_t k = 1; k < et_feed_n_streams(r->feed); k++) {
            const struct et_feed_counts counts = et_feed_counts(r->feed, k);
            r->n_put += counts.n_put;
            r->n_dropped += counts.n_dropped;
        }
    }
    return st;
}

/* Reads back all that was recorded in one file a station. */
static enum et_status check_all(struct selftest *t, uint64_t *n_read, uint64_t *n_bad,
                                struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < t->n_robots && st == ET_OK; i++) {
        struct et_synthetic_stream found[ET_SYNTHETIC_STREAMS] = {{0}};
        const struct et_station_status status = et_station_status(t->robots[i].station);
        st = et_synthetic_check(t->pool, status.path, found, err);
        for (size_t k = 0; k < ET_SYNTHETIC_STREAMS; k++) {
            *n_read += found[k].n;
            *n_bad += found[k].n_missing + found[k].n_wrong + found[k].first;
        }
    }
    return st;
}

static void print_result(const struct selftest *t, const struct et_recorder_status *status,
                         uint64_t n_put, uint64_t n_dropped, uint64_t n_missing)
{
    struct cli_json json;
    const double cpu_s = (double)t->recorder_cpu_ns / 1e9,
                 robot_s = t->seconds * (double)t->n_robots;
    if (!t->args->is_json) {
        (void)printf("%zu robot%s for %.1f s: %llu samples, %.1f MB/s to disk\n"
                     "recorder: %.2f ms of CPU a robot and second; safe after %.0f ms (p99 %.0f, "
                     "max %.0f)\n%llu dropped, %llu missing\n",
                     t->n_robots, t->n_robots == 1 ? "" : "s", t->seconds,
                     (unsigned long long)n_put, (double)status->n_bytes / 1e6 / t->seconds,
                     1e3 * cpu_s / robot_s, (double)status->window_p50_ns / 1e6,
                     (double)status->window_p99_ns / 1e6, (double)status->window_max_ns / 1e6,
                     (unsigned long long)n_dropped, (unsigned long long)n_missing);
        return;
    }
    cli_json_open(&json, "selftest");
    et_json_put_int(&json.w, "robots", (int64_t)t->n_robots);
    et_json_put_real(&json.w, "seconds", t->seconds);
    et_json_put_int(&json.w, "samples", (int64_t)n_put);
    et_json_put_int(&json.w, "bytes", status->n_bytes);
    et_json_put_real(&json.w, "cpu_s", cpu_s);
    et_json_put_real(&json.w, "window_p50_ms", (double)status->window_p50_ns / 1e6);
    et_json_put_real(&json.w, "window_p99_ms", (double)status->window_p99_ns / 1e6);
    et_json_put_real(&json.w, "window_max_ms", (double)status->window_max_ns / 1e6);
    et_json_put_int(&json.w, "dropped", (int64_t)n_dropped);
    et_json_put_int(&json.w, "missing", (int64_t)n_missing);
    (void)cli_json_print(&json, t->args);
}

static int report(struct selftest *t)
{
    struct et_err err = {0};
    uint64_t n_put = 0, n_dropped = 0, n_read = 0, n_bad = 0;
    const struct et_recorder_status status = et_recorder_status(t->recorder);
    for (size_t i = 0; i < t->n_robots; i++) {
        n_put += t->robots[i].n_put;
        n_dropped += t->robots[i].n_dropped;
    }
    if (cli_has(t->args, "check") && check_all(t, &n_read, &n_bad, &err) != ET_OK)
        return cli_fail(t->args, &err);
    if (cli_has(t->args, "check") && n_put > n_read)
        n_bad += n_put - n_read;
    print_result(t, &status, n_put, n_dropped, n_bad);
    return n_dropped + n_bad == 0 ? CLI_DONE : CLI_NO;
}

static enum et_status open_all(struct selftest *t, int64_t n_threads, struct et_err *err)
{
    const struct et_recorder_options how = {.folder = cli_get(t->args, "output"),
                                            .n_threads = (unsigned)n_threads,
                                            .part_ns = INT64_MAX,
                                            .part_bytes = INT64_MAX,
                                            .before_ns = INT64_MAX / 4};
    t->robots = calloc(t->n_robots, sizeof *t->robots);
    t->makers = calloc(t->n_robots, sizeof *t->makers);
    if (!t->robots || !t->makers)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the robots");
    enum et_status st = et_synthetic_pool_open(&t->pool, 1, err);
    if (st == ET_OK)
        st = et_recorder_open(&t->recorder, &how, err);
    for (size_t i = 0; i < t->n_robots && st == ET_OK; i++)
        st = open_robot(t, i, err);
    return st == ET_OK ? start_makers(t, err) : st;
}

int cli_record_selftest(const struct cli_args *args)
{
    struct selftest t = {.args = args};
    struct et_err err = {0};
    int64_t n_robots, n_threads;
    if (!cli_get(args, "output")) {
        cli_problem(args, "say where the recordings go: -o FOLDER");
        return CLI_USAGE;
    }
    if (!cli_number(args, "seconds", 0, 1e9, 0, &t.seconds) ||
        !cli_whole(args, "robots", 1, STATIONS_MAX, 1, &n_robots) ||
        !cli_whole(args, "threads", 1, 64, 1, &n_threads))
        return CLI_USAGE;
    t.n_robots = (size_t)n_robots;
    cli_catch();
    enum et_status st = open_all(&t, n_threads, &err);
    if (st == ET_OK)
        run(&t);
    const enum et_status ended = end_all(&t, st == ET_OK ? &err : NULL);
    st = st == ET_OK ? ended : st;
    int code = st == ET_OK ? report(&t) : cli_fail(args, &err);
    for (size_t i = 0; t.robots && i < t.n_robots; i++)
        et_synthetic_close(t.robots[i].synthetic);
    if (et_recorder_close(t.recorder, &err) != ET_OK && code == CLI_DONE)
        code = cli_fail(args, &err);
    et_synthetic_pool_close(t.pool);
    free(t.robots);
    free(t.makers);
    return code;
}
