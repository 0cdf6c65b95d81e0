#include "etude/inspect_report.h"

#include "../report/html_check.h"
#include "clean.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

/* An episode that is rendered and added to a report. */
struct attempt {
    struct clean clean;
    struct et_arena *arena;
    struct et_inspection inspection;
    struct et_grade grade;
    struct et_str part;
};

static void attempt_open(struct attempt *a, const struct et_grading *grading, uint64_t seed,
                         void (*corrupt)(struct clean *clean))
{
    *a = (struct attempt){0};
    clean_open(&a->clean, &(struct clean_options){.seed = seed, .duration_s = 4});
    if (corrupt)
        corrupt(&a->clean);
    CHECK_OK(et_arena_open(&a->arena, (size_t)256 << 20, &err));
    CHECK_OK(et_inspect_episode(&a->clean.episode, NULL, a->arena, &a->inspection, &err));
    CHECK_OK(et_grading_apply(grading, a->inspection.findings.items, a->inspection.findings.n,
                              a->arena, &a->grade, &err));
}

static void attempt_close(struct attempt *a)
{
    et_arena_close(a->arena);
    clean_close(&a->clean);
}

static void add_nan(struct clean *clean)
{
    clean->state[100] = (double)NAN;
}

static void add_jump(struct clean *clean)
{
    *clean_at(clean, CLEAN_RIGHT_ARM, 60, 2) += 1;
}

static void add_video(struct clean *clean)
{
    (void)remove(temp_path("report.mp4"));
    clean_film(clean, temp_path("report.mp4"), clean->n, NULL);
}

static void miss_video(struct clean *clean)
{
    clean->video =
        (struct et_video_ref){.stream = {.name = "head.image"}, .trouble = "no such file"};
    clean->episode.videos = &clean->video;
    clean->episode.n_videos = 1;
}

static void hold_a_hand_still(struct clean *clean)
{
    for (size_t k = 0; k < clean->n; k++)
        for (size_t i = 0; i < CLEAN_HAND_JOINTS; i++)
            *clean_at(clean, CLEAN_LEFT_HAND, k, i) =
                *clean_at(clean, CLEAN_LEFT_HAND + CLEAN_COMMAND, k, i) = 0.5;
}

static void say_markup(struct clean *clean)
{
    clean->tasks[0] = "<script>alert(\"1\")</script> & 'so on'";
    clean->episode.source = "</details><b>";
    miss_video(clean);
    clean->video.trouble = "<i>\x01";
}

static const struct et_set_claims CLAIMS = {
    .path = "/data/set", .format = "LeRobot v2.1", .robot_type = "robot", .rate_hz = 30};

/* Renders, adds and writes episodes with these faults; returns the page (to be freed). */
static char *page_of(void (*const *faults)(struct clean *), size_t n,
                     const struct et_inspect_report_options *options,
                     const struct et_finding *set_findings, size_t n_set_findings)
{
    const char *path = temp_path("page.html");
    struct et_inspect_report *report = NULL;
    struct et_arena *arena = NULL;
    const struct et_grading *grading = NULL;

    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    CHECK_OK(et_grading_load(NULL, arena, &grading, &err));
    CHECK_OK(et_inspect_report_open(&report, "A set", options, &err));
    for (size_t i = 0; i < n; i++) {
        struct attempt a;
        attempt_open(&a, grading, i, faults[i]);
        CHECK_OK(et_inspect_report_render(options, &a.clean.episode, &a.inspection, &a.grade,
                                          a.arena, &a.part, &err));
        CHECK_OK(
            et_inspect_report_add(report, &a.clean.episode, &a.inspection, &a.grade, a.part, &err));
        attempt_close(&a);
    }
    CHECK_OK(
        et_inspect_report_write(report, &CLAIMS, set_findings, n_set_findings, path, true, &err));
    et_inspect_report_close(report);
    et_arena_close(arena);
    return read_file(path, NULL);
}

static void check_whole(const char *page)
{
    char why[200] = "";
    if (!CHECK(page && html_is_whole(page, why, sizeof why)))
        printf("#   %s\n", why);
}

static void shows_every_episode_and_why(void)
{
    void (*const faults[])(struct clean *) = {NULL, add_nan, add_jump, add_video, miss_video};
    const struct et_finding set = {.kind = "totals",
                                   .severity = ET_SEVERITY_WARN,
                                   .t_first_ns = ET_FINDING_WHOLE,
                                   .unit = "",
                                   .text = "the metadata says 7 of a kind"};
    char *page = page_of(faults, 5, NULL, &set, 1);
    check_whole(page);
    CHECK_HAS(page, "A set");
    CHECK_HAS(page, "LeRobot v2.1");
    CHECK_HAS(page, "the metadata says 7 of a kind");
    for (int i = 0; i < 5; i++) {
        char anchor[40];
        (void)snprintf(anchor, sizeof anchor, "id=\"episode-%d\"", i);
        CHECK_HAS(page, anchor);
        (void)snprintf(anchor, sizeof anchor, "href=\"#episode-%d\"", i);
        CHECK_HAS(page, anchor);
    }
    CHECK_HAS(page, "reject");
    CHECK_HAS(page, "not a number");
    CHECK_HAS(page, "jumps by");
    CHECK_HAS(page, "data:image/jpeg;base64,");
    CHECK_HAS(page, "no such file");
    CHECK_HAS(page, "right_arm.position");
    CHECK_HAS(page, "120 ms");
    free(page);
}

static void is_the_same_every_time(void)
{
    void (*const faults[])(struct clean *) = {add_jump, add_video};
    char *first = page_of(faults, 2, NULL, NULL, 0), *second = page_of(faults, 2, NULL, NULL, 0);
    CHECK(first && second && strcmp(first, second) == 0);
    free(first);
    free(second);
}

static void shows_the_worst_when_not_all_can_be_shown(void)
{
    void (*const faults[])(struct clean *) = {NULL, NULL, add_nan, NULL, add_jump, NULL};
    const struct et_inspect_report_options options = {.n_details_max = 3};
    char *page = page_of(faults, 6, &options, NULL, 0);
    check_whole(page);
    CHECK_HAS(page, "3 of 6 episodes are shown in full");
    CHECK_HAS(page, "id=\"episode-2\"");
    CHECK_HAS(page, "id=\"episode-4\"");
    CHECK_HAS(page, "id=\"episode-0\"");
    CHECK(!strstr(page, "id=\"episode-5\""));
    CHECK(!strstr(page, "href=\"#episode-5\""));
    free(page);
}

static void thumbnails_can_be_left_out(void)
{
    void (*const faults[])(struct clean *) = {add_video};
    const struct et_inspect_report_options options = {.skip_thumbnails = true};
    char *page = page_of(faults, 1, &options, NULL, 0);
    check_whole(page);
    CHECK(!strstr(page, "data:image/jpeg"));
    free(page);
}

static void what_does_not_move_is_not_drawn(void)
{
    void (*const faults[])(struct clean *) = {hold_a_hand_still};
    char *page = page_of(faults, 1, NULL, NULL, 0);
    check_whole(page);
    CHECK_HAS(page, "left_hand.position: without movement, not drawn");
    CHECK(!strstr(page, "left_hand.position, and its command"));
    CHECK_HAS(page, "right_hand.position, and its command");
    free(page);
}

static void words_of_others_stay_words(void)
{
    void (*const faults[])(struct clean *) = {say_markup};
    char *page = page_of(faults, 1, NULL, NULL, 0);
    check_whole(page);
    CHECK(!strstr(page, "<script>"));
    CHECK(!strstr(page, "<i>\x01"));
    free(page);
}

static void a_set_without_episodes_has_a_page(void)
{
    char *page = page_of(NULL, 0, NULL, NULL, 0);
    check_whole(page);
    free(page);
}

static void what_exists_is_kept(void)
{
    const char *path = temp_path("kept.html");
    struct et_inspect_report *report = NULL;
    write_file(path, "old", 3);
    CHECK_OK(et_inspect_report_open(&report, "A set", NULL, &err));
    CHECK_EQ(et_inspect_report_write(report, &CLAIMS, NULL, 0, path, false, &err), ET_EEXISTS);
    CHECK_HAS(err.text, "kept.html exists already");
    char *content = read_file(path, NULL);
    CHECK_STR(content, "old");
    free(content);
    CHECK_OK(et_inspect_report_write(report, &CLAIMS, NULL, 0, path, true, &err));
    content = read_file(path, NULL);
    check_whole(content);
    free(content);
    CHECK(et_inspect_report_write(report, &CLAIMS, NULL, 0, temp_path("no/such/folder"), true,
                                  &err) != ET_OK);
    et_inspect_report_close(report);
    et_inspect_report_close(NULL);
}

static void an_arena_that_is_too_small_is_said(void)
{
    struct et_arena *arena = NULL;
    const struct et_grading *grading = NULL;
    struct attempt a;
    size_t n_refused = 0;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    CHECK_OK(et_grading_load(NULL, arena, &grading, &err));
    attempt_open(&a, grading, 1, add_video);
    for (size_t limit = 0; limit < (size_t)1 << 20; limit += 1 + limit / 5) {
        struct et_arena *small = NULL;
        CHECK_OK(et_arena_open(&small, limit, &err));
        const enum et_status st = et_inspect_report_render(NULL, &a.clean.episode, &a.inspection,
                                                           &a.grade, small, &a.part, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        n_refused += st == ET_ELIMIT;
        et_arena_close(small);
    }
    CHECK(n_refused > 5);
    attempt_close(&a);
    et_arena_close(arena);
}

int main(void)
{
    RUN(shows_every_episode_and_why);
    RUN(is_the_same_every_time);
    RUN(shows_the_worst_when_not_all_can_be_shown);
    RUN(thumbnails_can_be_left_out);
    RUN(what_does_not_move_is_not_drawn);
    RUN(words_of_others_stay_words);
    RUN(a_set_without_episodes_has_a_page);
    RUN(what_exists_is_kept);
    RUN(an_arena_that_is_too_small_is_said);
    return tap_end();
}
