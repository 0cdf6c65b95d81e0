// Folders whose writer was killed: read by their journal, as far as it holds.
#include "tiny_set.h"

#include "support.h"
#include "tap.h"

#include "dataset/dataset__journal.h"
#include "etude/dataset_ops.h"

#include <stdio.h>
#include <stdlib.h>

static const char SPEC[] =
    "{\"line\":\"spec\",\"version\":1,\"layout\":\"v3.0\",\"fps\":10,\"robot_type\":\"tiny\","
    "\"data_file_mb\":100,\"video_file_mb\":200,\"video_file_s\":900,\"chunk_files\":1000,"
    "\"quantile_budget_bytes\":0,\"should_sync\":false,\"video\":{},\"features\":{"
    "\"observation.state\":{\"dtype\":\"float32\",\"shape\":[2],\"names\":null},"
    "\"action\":{\"dtype\":\"float32\",\"shape\":[2],\"names\":null},"
    "\"" TINY_CAMERA "\":{\"dtype\":\"video\",\"shape\":[48,64,3],\"names\":[\"height\",\"width\","
    "\"channels\"]},"
    "\"timestamp\":{\"dtype\":\"float32\",\"shape\":[1],\"names\":null},"
    "\"frame_index\":{\"dtype\":\"int64\",\"shape\":[1],\"names\":null},"
    "\"episode_index\":{\"dtype\":\"int64\",\"shape\":[1],\"names\":null},"
    "\"index\":{\"dtype\":\"int64\",\"shape\":[1],\"names\":null},"
    "\"task_index\":{\"dtype\":\"int64\",\"shape\":[1],\"names\":null}},"
    "\"tasks\":[\"wave\"],\"modality\":\"{\\\"state\\\": {}}\"}";

static const char *const EPISODES[] = {
    "{\"line\":\"episode\",\"index\":0,\"n_rows\":9,\"from_index\":0,\"tasks\":[\"put the apple "
    "into the bowl\"],\"data\":{\"chunk\":0,\"file\":0,\"group\":0,\"first_row\":0},\"videos\":{"
    "\"" TINY_CAMERA "\":{\"chunk\":0,\"file\":0,\"from_s\":0.0,\"to_s\":0.9,\"n_frames\":9}},"
    "\"source_id\":\"a/0\",\"grade\":null,\"findings\":[],\"stats\":\"AAECAw==\"}",
    "{\"line\":\"rejected\",\"source_id\":\"a/1\",\"grade\":null,\"findings\":[]}",
    "{\"line\":\"episode\",\"index\":1,\"n_rows\":8,\"from_index\":9,\"tasks\":[\"wave\",\"put the "
    "apple into the bowl\"],\"data\":{\"chunk\":0,\"file\":0,\"group\":1,\"first_row\":9},"
    "\"videos\":{\"" TINY_CAMERA "\":{\"chunk\":0,\"file\":0,\"from_s\":0.9,\"to_s\":1.7,"
    "\"n_frames\":17}},\"source_id\":null,\"grade\":null,\"findings\":[]}",
};

/* ---- building ---- */

// A set without the metadata of a finished one, and the journal's text in *journal.
static const char *build(struct et_buf *journal)
{
    const struct tiny tiny = {.layout = ET_LAYOUT_V30, .has_video = true};
    const char *set = tiny_build("killed", &tiny);

    tiny_remove(set, "meta");
    *journal = et_buf(1 << 20);
    et__journal_seal(journal, et_str(SPEC));
    for (size_t i = 0; i < 3; i++)
        et__journal_seal(journal, et_str(EPISODES[i]));
    tiny_write(set, ET__JOURNAL_PATH, et_buf_text(journal));
    return set;
}

/* ---- tests ---- */

static void opens_with_every_committed_episode(void)
{
    struct et_buf journal;
    const char *set = build(&journal);
    struct et_err err = {0};
    struct et_dataset *ds;
    struct et_arena *arena;

    CHECK_OK(et_dataset_open(&ds, set, &err));
    const struct et_dataset_info *info = et_dataset_info(ds);
    CHECK(info->is_unfinished);
    CHECK_EQ(info->layout, ET_LAYOUT_V30);
    CHECK_EQ(info->n_episodes, 2);
    CHECK_EQ(info->n_rows, 17);
    CHECK_EQ(info->n_tasks, 2);
    CHECK_STR(info->tasks[0], "wave");
    CHECK_STR(info->tasks[1], "put the apple into the bowl");
    CHECK_EQ(info->claims.n_episodes, -1);
    CHECK(info->modality != NULL);
    CHECK_EQ(info->claims.n_remarks, 1);
    CHECK_HAS(info->claims.remarks[0].text, "killed after episode 1");

    CHECK_OK(et_dataset_use_profile(ds, NULL, &err));
    CHECK_OK(et_arena_open(&arena, 1 << 24, &err));
    struct et_episode episode;
    CHECK_OK(et_dataset_episode(ds, 1, arena, &episode, &err));
    CHECK_EQ(episode.n_rows, 8);
    CHECK_EQ(episode.videos[0].first_frame, 9);
    CHECK_EQ(episode.videos[0].n_frames, 8);
    CHECK_OK(et_dataset_episode(ds, 0, arena, &episode, &err));
    CHECK_EQ(episode.n_claims, 0);
    et_arena_close(arena);
    et_dataset_close(ds);
    et_buf_free(&journal);
}

struct cut {
    const char *set;
    const char *text;
};

// As many episodes as whole lines; a journal without its first line is none.
static void check_cut(const char *path, size_t n_kept, void *ctx)
{
    const struct cut *cut = ctx;
    struct et_err err = {0};
    struct et_dataset *ds;
    int n_lines = 0;

    (void)path;
    for (size_t i = 0; i < n_kept; i++)
        n_lines += cut->text[i] == '\n';
    const enum et_status st = et_dataset_open(&ds, cut->set, &err);
    CHECK_EQ(st, n_lines ? ET_OK : ET_ECORRUPT);
    if (st == ET_OK) {
        const int64_t want = n_lines == 4 ? 2 : n_lines >= 2 ? 1 : 0;
        CHECK_EQ(et_dataset_info(ds)->n_episodes, want);
    }
    et_dataset_close(ds);
}

static void keeps_the_lines_before_a_cut(void)
{
    struct et_buf journal;
    const char *set = build(&journal);
    struct cut cut = {set, et_buf_text(&journal)};
    char path[512];

    (void)snprintf(path, sizeof path, "%s/" ET__JOURNAL_PATH, set);
    cut_at_every_byte(cut.text, journal.n, 1, path, check_cut, &cut);
    et_buf_free(&journal);
}

static void check_flip(const char *path, size_t at, void *ctx)
{
    const struct cut *cut = ctx;
    struct et_err err = {0};
    struct et_dataset *ds;
    int n_lines = 0;

    (void)path;
    for (size_t i = 0; i < at; i++)
        n_lines += cut->text[i] == '\n';
    const enum et_status st = et_dataset_open(&ds, cut->set, &err);
    CHECK_EQ(st, n_lines ? ET_OK : ET_ECORRUPT);
    if (st == ET_OK)
        CHECK_EQ(et_dataset_info(ds)->n_episodes, n_lines >= 2);
    et_dataset_close(ds);
}

static void keeps_the_lines_before_a_flip(void)
{
    struct et_buf journal;
    const char *set = build(&journal);
    struct cut cut = {set, et_buf_text(&journal)};
    char path[512];

    (void)snprintf(path, sizeof path, "%s/" ET__JOURNAL_PATH, set);
    flip_every_byte(cut.text, journal.n, 3, path, check_flip, &cut);
    et_buf_free(&journal);
}

static void gives_lines_with_their_offsets(void)
{
    struct et_buf text;
    const char *set = build(&text);
    struct et_err err = {0};
    struct et__journal *journal;
    struct et__journal_line line;
    struct et_arena *arena;

    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et__journal_open(&journal, set, &err));
    CHECK_OK(et__journal_next(journal, arena, &line, &err));
    CHECK_EQ(line.kind, ET__JOURNAL_SPEC);
    CHECK_EQ(line.at, 0);
    CHECK_EQ(line.n_tasks, 1);
    const int64_t end = line.end;
    CHECK_OK(et__journal_next(journal, arena, &line, &err));
    CHECK_EQ(line.kind, ET__JOURNAL_EPISODE);
    CHECK_EQ(line.at, end);
    CHECK_EQ(line.n_videos, 1);
    CHECK_STR(line.videos[0].key, TINY_CAMERA);
    CHECK_NEAR(line.videos[0].to_s, 0.9, 0);
    CHECK_EQ(line.videos[0].n_frames, 9);
    CHECK(et_str_is(line.stats, "AAECAw=="));
    CHECK(et_value_get(line.value, "findings") && !et_value_get(line.value, "stats"));
    CHECK_OK(et__journal_next(journal, arena, &line, &err));
    CHECK_EQ(line.kind, ET__JOURNAL_REJECTED);
    CHECK_OK(et__journal_next(journal, arena, &line, &err));
    CHECK_EQ(line.data_first_row, 9);
    CHECK_EQ(line.data_group, 1);
    CHECK_EQ(line.stats.n, 0);
    CHECK_EQ(et__journal_next(journal, arena, &line, &err), ET_END);
    CHECK(!et__journal_is_cut(journal));
    CHECK_EQ(line.end, (int64_t)text.n);
    et__journal_close(journal);
    et_arena_close(arena);
    et_buf_free(&text);
}

static void refuses_lines_that_lack_something(void)
{
    static const struct {
        const char *line;
        const char *words;
    } BAD[] = {
        {"{\"line\":\"episode\",\"index\":0}", "lacks"},
        {"{\"line\":\"spec\",\"version\":1}", "begins as ours"},
        {"{\"line\":\"other\"}", "no kind"},
        {"{\"line\":", "journal.jsonl:2"},
        {"{\"line\":\"episode\",\"index\":3,\"n_rows\":9,\"from_index\":0,\"tasks\":[],\"data\":{"
         "\"chunk\":0,\"file\":0,\"group\":0,\"first_row\":0},\"videos\":{}}",
         "episode 3 follows"},
    };

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct et_buf journal;
        const char *set = build(&journal);
        struct et_err err = {0};
        struct et_dataset *ds;
        et_buf_clear(&journal);
        et__journal_seal(&journal, et_str(SPEC));
        et__journal_seal(&journal, et_str(BAD[i].line));
        tiny_write(set, ET__JOURNAL_PATH, et_buf_text(&journal));
        CHECK_EQ(et_dataset_open(&ds, set, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, BAD[i].words);
        et_buf_free(&journal);
    }
}

static void refuses_a_journal_of_another_version(void)
{
    struct et_buf journal;
    const char *set = build(&journal);
    struct et_err err = {0};
    struct et_dataset *ds;

    et_buf_clear(&journal);
    et__journal_seal(&journal, ET_STR("{\"line\":\"spec\",\"version\":2,\"tasks\":[]}"));
    tiny_write(set, ET__JOURNAL_PATH, et_buf_text(&journal));
    CHECK_EQ(et_dataset_open(&ds, set, &err), ET_ECORRUPT);
    tiny_write(set, ET__JOURNAL_PATH, "");
    CHECK_EQ(et_dataset_open(&ds, set, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "empty");
    et_buf_free(&journal);
}

static void verifies_as_unfinished_and_no_more(void)
{
    struct et_buf journal;
    const char *set = build(&journal);
    struct et_err err = {0};
    struct et_arena *arena;

    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    struct et_findings findings = {.arena = arena};
    CHECK_OK(et_dataset_verify(set, NULL, &findings, &err));
    size_t n_errors = 0;
    for (size_t i = 0; i < findings.n; i++)
        n_errors += findings.items[i].severity == ET_SEVERITY_ERROR;
    CHECK_EQ(n_errors, 1);
    CHECK(findings.n > 0 && strcmp(findings.items[0].kind, "unfinished") == 0);
    et_arena_close(arena);
    et_buf_free(&journal);
}

int main(void)
{
    RUN(opens_with_every_committed_episode);
    RUN(keeps_the_lines_before_a_cut);
    RUN(keeps_the_lines_before_a_flip);
    RUN(gives_lines_with_their_offsets);
    RUN(refuses_lines_that_lack_something);
    RUN(refuses_a_journal_of_another_version);
    RUN(verifies_as_unfinished_and_no_more);
    return tap_end();
}
