/* The system fails at every call in turn: nothing crashes, nothing leaks, what was there stays. */
#include "etude/camera_latency.h"
#include "etude/inspect_report.h"

#include "clean.h"
#include "fault.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

static bool is_failure(enum et_status st)
{
    return st == ET_ENOMEM || st == ET_EIO;
}

static void a_policy_loads_or_says_why_not(void)
{
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        const struct et_policy *policy = NULL;
        CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
        fault_only = "malloc calloc realloc open64 read pread64 fstat64";
        fault_arm(at);
        const enum et_status st = et_policy_load("strict", arena, &policy, &err);
        fault_disarm();
        CHECK(fault_seen ? is_failure(st) && !policy : st == ET_OK);
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

static void a_camera_latency_is_told_or_says_why_not(void)
{
    enum { N = 240 };
    struct clean clean;
    int64_t t_ns[N];
    double change[N];
    clean_open(&clean, &(struct clean_options){.duration_s = 8});
    for (size_t k = 0; k < N; k++) {
        t_ns[k] = clean.t_ns[k];
        change[k] = 1 + (double)(k * 7 % 11);
    }
    const struct et_camera_motion motion = {.t_ns = t_ns, .change = change, .n = N};
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        struct et_latency latency;
        CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
        fault_only = "malloc calloc realloc";
        fault_arm(at);
        const enum et_status st = et_camera_latency_estimate(&motion, clean.tracks, CLEAN_N_TRACKS,
                                                             NULL, arena, &latency, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM : st == ET_OK);
        et_arena_close(arena);
    }
    clean_close(&clean);
}

static enum et_status write_report(const struct clean *clean,
                                   const struct et_inspection *inspection, const char *path)
{
    const struct et_set_claims claims = {.path = "set", .format = "f", .rate_hz = 30};
    const struct et_grade grade = {.verdict = ET_VERDICT_WARN, .policy = "p", .reason = "r"};
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
    RUN(a_policy_loads_or_says_why_not);
    RUN(an_inspection_is_whole_or_says_why_not);
    RUN(a_camera_latency_is_told_or_says_why_not);
    RUN(a_report_is_written_whole_or_not_at_all);
    return tap_end();
}
