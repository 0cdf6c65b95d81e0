/* The system fails at every call in turn: nothing crashes, nothing leaks, what was there stays. */
#include "etude/camera_latency.h"
#include "etude/inspect_report.h"

#include "clean.h"
#include "fault.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

static struct et_err err;

static bool is_failure(enum et_status st)
{
    return st == ET_ENOMEM || st == ET_EIO;
}

static void a_grading_loads_or_says_why_not(void)
{
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        const struct et_grading *grading = NULL;
        CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
        fault_only = "malloc calloc realloc open64 read pread64 fstat64";
        fault_arm(at);
        const enum et_status st = et_grading_load("strict", arena, &grading, &err);
        fault_disarm();
        CHECK(fault_seen ? is_failure(st) && !grading : st == ET_OK);
        et_arena_close(arena);
    }
}

static void an_inspection_is_whole_or_says_why_not(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.duration_s = 3});
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        struct et_inspection inspection;
        CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
        fault_only = "malloc calloc realloc";
        fault_arm(at);
        const enum et_status st =
            et_inspect_episode(&clean.episode, NULL, arena, &inspection, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM : st == ET_OK);
        et_arena_close(arena);
    }
    clean_close(&clean);
}

/* Pictures of a camera that the first two joints move, at the rows of a clean episode. */
#define LATENCY_S 8
#define N_FRAMES ((size_t)(30 * LATENCY_S))
struct seen {
    struct clean clean;
    int64_t t_ns[N_FRAMES];
    double change[N_FRAMES], flows[2 * N_FRAMES];
    struct et_camera_motion motion;
};

static void see(struct seen *seen)
{
    clean_open(&seen->clean, &(struct clean_options){.duration_s = LATENCY_S});
    const struct et_track *track = et_episode_track(&seen->clean.episode, "left_arm.position");
    const size_t width = track->stream.n_values;
    for (size_t k = 0; k < N_FRAMES; k++) {
        seen->t_ns[k] = seen->clean.t_ns[k];
        seen->change[k] = 1 + (double)(k * 7 % 11);
        for (size_t i = 0; i < 2; i++)
            seen->flows[2 * k + i] =
                k == 0 ? (double)NAN
                       : 100 * (track->values[k * width + i] - track->values[(k - 1) * width + i]);
    }
    seen->motion = (struct et_camera_motion){.t_ns = seen->t_ns,
                                             .change = seen->change,
                                             .n = N_FRAMES,
                                             .flows = seen->flows,
                                             .n_flows = 2};
}

static void a_camera_latency_is_told_or_says_why_not(void)
{
    static struct seen seen;
    struct et_latency latency;
    see(&seen);
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
        fault_only = "malloc calloc realloc";
        fault_arm(at);
        const enum et_status st = et_camera_latency_estimate(
            &seen.motion, seen.clean.tracks, CLEAN_N_TRACKS, NULL, arena, &latency, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM : st == ET_OK);
        CHECK(st != ET_OK || (latency.is_known && fabs(latency.lag_s) < 0.002));
        et_arena_close(arena);
    }
    clean_close(&seen.clean);
}

static void a_camera_latency_keeps_to_its_arena(void)
{
    static struct seen seen;
    struct et_latency latency;
    enum et_status st = ET_ELIMIT;
    int n_full = 0;
    see(&seen);
    for (size_t limit = 4096; st == ET_ELIMIT && limit < (size_t)8 << 20; limit += 4096) {
        struct et_arena *arena = NULL;
        CHECK_OK(et_arena_open(&arena, limit, &err));
        st = et_camera_latency_estimate(&seen.motion, seen.clean.tracks, CLEAN_N_TRACKS, NULL,
                                        arena, &latency, &err);
        CHECK(st == ET_OK ? latency.is_known : st == ET_ELIMIT && !latency.is_known);
        n_full += st == ET_ELIMIT;
        et_arena_close(arena);
    }
    CHECK(st == ET_OK && n_full > 10);
    clean_close(&seen.clean);
}

static enum et_status write_report(const struct clean *clean,
                                   const struct et_inspection *inspection, const char *path)
{
    const struct et_set_claims claims = {.path = "set", .format = "f", .rate_hz = 30};
    const struct et_grade grade = {.verdict = ET_VERDICT_WARN, .grading = "p", .reason = "r"};
    struct et_inspect_report *report = NULL;
    struct et_arena *arena = NULL;
    struct et_str part;

    enum et_status st = et_arena_open(&arena, (size_t)64 << 20, &err);
    if (st == ET_OK)
        st = et_inspect_report_open(&report, "t", NULL, &err);
    if (st == ET_OK)
        st =
            et_inspect_report_render(NULL, &clean->episode, inspection, &grade, arena, &part, &err);
    if (st == ET_OK)
        st = et_inspect_report_add(report, &clean->episode, inspection, &grade, part, &err);
    if (st == ET_OK)
        st = et_inspect_report_write(report, &claims, NULL, 0, path, true, &err);
    et_inspect_report_close(report);
    et_arena_close(arena);
    return st;
}

static void a_report_is_written_whole_or_not_at_all(void)
{
    const char *path = temp_path("report.html");
    struct clean clean;
    struct et_arena *arena = NULL;
    struct et_inspection inspection;
    clean_open(&clean, &(struct clean_options){.duration_s = 3});
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    CHECK_OK(et_inspect_episode(&clean.episode, NULL, arena, &inspection, &err));
    FOR_EACH_FAULT(at)
    {
        size_t n = 0;
        write_file(path, "old", 3);
        fault_only = "malloc calloc realloc open64 write pwrite64 fsync rename";
        fault_arm(at);
        const enum et_status st = write_report(&clean, &inspection, path);
        fault_disarm();
        // A folder that cannot be synced after the replacement is no failure.
        CHECK(st == ET_OK || (fault_seen && is_failure(st)));
        char *content = read_file(path, &n);
        CHECK(content && (st == ET_OK ? n > 1000 && strstr(content, "</html>") : n == 3));
        free(content);
    }
    et_arena_close(arena);
    clean_close(&clean);
}

int main(void)
{
    RUN(a_grading_loads_or_says_why_not);
    RUN(an_inspection_is_whole_or_says_why_not);
    RUN(a_camera_latency_is_told_or_says_why_not);
    RUN(a_camera_latency_keeps_to_its_arena);
    RUN(a_report_is_written_whole_or_not_at_all);
    return tap_end();
}
