// Every check of verify, on a small dataset that is right but for one thing. A case's name says
// what verify must find; and that it finds nothing of severity error in anything else.
#include "tiny_set.h"

#include "support.h"
#include "tap.h"

#include "dataset/dataset__checks.h"
#include "etude/dataset_ops.h"

#include <stdio.h>
#include <stdlib.h>

struct verified {
    struct et_arena *arena;
    struct et_findings findings;
    enum et_status status;
    struct et_err err;
};

static struct verified verify(const char *set, bool should_decode, bool should_check_stats)
{
    struct verified v = {0};
    const struct et_verify_options options = {.should_decode = should_decode,
                                              .should_check_stats = should_check_stats};

    if (et_arena_open(&v.arena, 1 << 22, &v.err) != ET_OK)
        exit(2);
    v.findings.arena = v.arena;
    v.status = et_dataset_verify(set, &options, &v.findings, &v.err);
    return v;
}

static const struct et_finding *find(const struct verified *v, const char *kind, const char *words)
{
    for (size_t i = 0; i < v->findings.n; i++) {
        const struct et_finding *finding = &v->findings.items[i];
        if (strcmp(finding->kind, kind) == 0 && strstr(finding->text, words))
            return finding;
    }
    return NULL;
}

static void print(const struct verified *v)
{
    printf("# %s %s\n", et_status_name(v->status), v->err.text);
    for (size_t i = 0; i < v->findings.n; i++)
        printf("#   %s %s: %s\n", et_severity_text(v->findings.items[i].severity),
               v->findings.items[i].kind, v->findings.items[i].text);
}

/* ---- nothing is wrong ---- */

static void finds_nothing_in_a_right_set(void)
{
    static const enum et_layout LAYOUTS[] = {ET_LAYOUT_V20, ET_LAYOUT_V21, ET_LAYOUT_V30};

    for (size_t i = 0; i < 6; i++) {
        const struct tiny tiny = {.layout = LAYOUTS[i % 3], .has_video = i >= 3};
        struct verified v = verify(tiny_build("right", &tiny), true, true);
        CHECK_EQ(v.status, ET_OK);
        if (!CHECK(v.findings.n == 0))
            print(&v);
        et_arena_close(v.arena);
    }
}

/* ---- one thing is wrong ---- */

struct wrong {
    const char *name; // a statement
    struct tiny tiny;
    void (*edit)(const char *set);
    const char *kind;
    enum et_severity severity;
    const char *words; // within the finding's text
    const char *also;  // a kind that follows from it
    bool should_decode, should_check_stats;
};

#define V20 .layout = ET_LAYOUT_V20
#define V21 .layout = ET_LAYOUT_V21
#define V30 .layout = ET_LAYOUT_V30
#define VIDEO .has_video = true
#define ERROR ET_SEVERITY_ERROR
#define WARN ET_SEVERITY_WARN

static const char INFO[] = "meta/info.json";
static const char EPISODE_1[] = "data/chunk-000/episode_000001.parquet";
static const char FILE_1[] = "data/chunk-000/file-001.parquet";
static const char VIDEO_1[] = "videos/" TINY_CAMERA "/chunk-000/file-001.mp4";
static const char VIDEO_V2[] = "videos/chunk-000/" TINY_CAMERA "/episode_000001.mp4";

// info.json
static void fps_is_half(const char *set)
{
    tiny_edit(set, INFO, "\"fps\": 10", "\"fps\": 10.5");
}
static void no_chunks(const char *set)
{
    tiny_edit(set, INFO, "\"chunks_size\": 1000", "\"chunks_size\": 0");
}
static void path_out(const char *set)
{
    tiny_edit(set, INFO, "\"data/chunk", "\"../data/chunk");
}
static void not_json(const char *set)
{
    tiny_edit(set, INFO, "\"robot_type\"", "robot_type");
}
static void no_frame_index(const char *set)
{
    tiny_edit(set, INFO, "frame_index", "frame_id");
}
static void odd_dtype(const char *set)
{
    tiny_edit(set, INFO, "float32", "float16");
}
static void odd_shape(const char *set)
{
    tiny_edit(set, INFO, "48,", "48.5,");
}
static void one_name(const char *set)
{
    tiny_edit(set, INFO, "\"shoulder\",", "");
}
static void no_axes(const char *set)
{
    tiny_edit(set, INFO, "\"names\": [\n                \"height\"",
              "\"axes\": [\n                \"height\"");
}
static void more_episodes(const char *set)
{
    tiny_edit(set, INFO, "\"total_episodes\": 3", "\"total_episodes\": 4");
}
static void more_frames(const char *set)
{
    tiny_edit(set, INFO, "\"total_frames\": 24", "\"total_frames\": 25");
}
static void more_tasks(const char *set)
{
    tiny_edit(set, INFO, "\"total_tasks\": 1", "\"total_tasks\": 2");
}
static void more_videos(const char *set)
{
    tiny_edit(set, INFO, "\"total_videos\": 3", "\"total_videos\": 2");
}
static void no_v2_chunks(const char *set)
{
    tiny_edit(set, INFO, "\"total_chunks\": 1", "\"total_chunks\": 0");
}
static void wide_split(const char *set)
{
    tiny_edit(set, INFO, "0:3", "0:50");
}
static void other_fps_declared(const char *set)
{
    tiny_edit(set, INFO, "\"video.fps\": 10", "\"video.fps\": 30");
}
static void other_codec_declared(const char *set)
{
    tiny_edit(set, INFO, "h264", "av1");
}
static void no_video_info(const char *set)
{
    tiny_edit(set, INFO, "\"info\"", "\"inf\"");
}

// metadata files
static void bad_line(const char *set)
{
    tiny_append(set, "meta/episodes.jsonl", "{\"episode\n");
}
static void twice(const char *set)
{
    tiny_append(set, "meta/episodes.jsonl",
                "{\"episode_index\": 1, \"tasks\": [\"put the apple into the bowl\"], \"length\": "
                "8}\n");
}
static void no_tasks(const char *set)
{
    tiny_remove(set, "meta/tasks.jsonl");
}
static void no_tasks_v3(const char *set)
{
    tiny_remove(set, "meta/tasks.parquet");
}
static void no_episodes(const char *set)
{
    tiny_remove(set, "meta/episodes.jsonl");
}
static void cut_episodes(const char *set)
{
    tiny_write(set, "meta/episodes/chunk-000/file-000.parquet", "PAR1");
}
static void same_task(const char *set)
{
    tiny_append(set, "meta/tasks.jsonl",
                "{\"task_index\": 1, \"task\": \"put the apple into the bowl\"}\n");
    tiny_edit(set, INFO, "\"total_tasks\": 1", "\"total_tasks\": 2");
}
static void bad_stats_line(const char *set)
{
    tiny_edit(set, "meta/episodes_stats.jsonl", "\"min\":[", "\"min\":[[}");
}
static void no_stats_line(const char *set)
{
    tiny_edit(set, "meta/episodes_stats.jsonl", "{\"episode_index\":0,", "\n");
}
static void no_stats(const char *set)
{
    tiny_remove(set, "meta/stats.json");
}
static void no_stats_lines(const char *set)
{
    tiny_remove(set, "meta/episodes_stats.jsonl");
}
static void nan_stats(const char *set)
{
    tiny_edit(set, "meta/stats.json", "\"mean\": [", "\"mean\": [NaN, NaN], \"was\": [");
}
static void wide_stats(const char *set)
{
    tiny_edit(set, "meta/stats.json", "\"max\": [", "\"max\": [1.0, 2.0, 3.0], \"was\": [");
}
static void no_action_stats(const char *set)
{
    tiny_edit(set, "meta/stats.json", "action", "act");
}
static void no_quantile(const char *set)
{
    tiny_edit(set, "meta/stats.json", "\"q01\"", "\"q1\"");
}
static void no_std(const char *set)
{
    tiny_edit(set, "meta/stats.json", "\"std\"", "\"sd\"");
}

// files
static void journal_left(const char *set)
{
    tiny_write(set, "meta/etude/journal.jsonl", "anything");
}
static void parquet_journal_left(const char *set)
{
    tiny_write(set, "data/chunk-000/file-009.parquet.journal", "anything");
}
static void no_data(const char *set)
{
    tiny_remove(set, EPISODE_1);
}
static void no_data_v3(const char *set)
{
    tiny_remove(set, FILE_1);
}
static void cut_data(const char *set)
{
    tiny_write(set, EPISODE_1, "PAR1");
}
static void orphan_data(const char *set)
{
    tiny_copy(set, FILE_1, "data/chunk-000/file-002.parquet");
}
static void no_video(const char *set)
{
    tiny_remove(set, VIDEO_1);
}
static void cut_video(const char *set)
{
    tiny_write(set, VIDEO_V2, "nothing");
}
static void orphan_video(const char *set)
{
    tiny_copy(set, VIDEO_1, "videos/" TINY_CAMERA "/chunk-000/file-002.mp4");
}

// Overwrites the second half of an episode's pictures: they are in the index, and are none.
static void pictures_broken(const char *set)
{
    char path[512];
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", set, VIDEO_V2);
    uint8_t *data = read_file(path, &n);
    memset(data + n - 128, 0xff, 128);
    write_file(path, data, n);
    free(data);
}

// Puts the fifth of eight frames 7 ms late: the table of sync samples makes room for more entries
// in the table of times (ISO/IEC 14496-12, 8.6.1.2) in front of it.
static void frame_late(const char *set)
{
    static const uint32_t TIMES[] = {5, 4, 1024, 1, 1100, 1, 948, 1, 1024, 1, 1024};
    char path[512];
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", set, VIDEO_V2);
    uint8_t *data = read_file(path, &n);
    uint8_t *box = memmem(data, n, "stts", 4);
    if (CHECK(box && memcmp(box + 24, "stss", 4) == 0)) {
        box[-1] = 24 + 32;
        for (size_t i = 0; i < 11; i++) {
            for (size_t k = 0; k < 4; k++)
                box[8 + 4 * i + k] = (uint8_t)(TIMES[i] >> (24 - 8 * k));
        }
    }
    write_file(path, data, n);
    free(data);
}

// rows
static void rows_of_seven(struct tiny_rows *rows)
{
    for (int i = 9; i < 17; i++)
        rows->episode_index[i] = 7;
}
static void rows_shared(struct tiny_rows *rows)
{
    rows->episode_index[4] = 1; // of the second episode, amid the first
}
static void rows_doubled(struct tiny_rows *rows)
{
    rows->frame_index[5] = 4;
}
static void index_jumps(struct tiny_rows *rows)
{
    for (int i = 12; i < TINY_ROWS; i++)
        rows->index[i] += 100;
}
static void index_restarts(struct tiny_rows *rows)
{
    for (int i = 17; i < TINY_ROWS; i++)
        rows->index[i] = i - 17;
}
static void late_stamp(struct tiny_rows *rows)
{
    rows->timestamp[5] += 0.02F;
}
static void nan_stamp(struct tiny_rows *rows)
{
    rows->timestamp[5] = NAN;
}
static void task_beyond(struct tiny_rows *rows)
{
    rows->task_index[20] = 3;
}

// episodes
static void first_is_last(struct tiny_episode *e)
{
    e[0].index = 2;
    e[2].index = 0;
}
static void too_long(struct tiny_episode *e)
{
    e[1].length = 80;
}
static void empty_episode(struct tiny_episode *e)
{
    e[1].length = 0;
}
static void range_gap(struct tiny_episode *e)
{
    e[2].from += 5;
    e[2].to += 5;
}
static void range_short(struct tiny_episode *e)
{
    e[1].to -= 1;
    e[2].from -= 1;
}
static void file_skipped(struct tiny_episode *e)
{
    e[2].file = 3;
}
static void file_back(struct tiny_episode *e)
{
    e[0].file = 1;
    e[1].file = 1;
    e[2].file = 0;
}
static void other_task(struct tiny_episode *e)
{
    e[1].tasks[1] = "valid";
    e[1].n_tasks = 2;
}
static void no_task(struct tiny_episode *e)
{
    e[1].n_tasks = 0;
}
static void max_is_low(struct tiny_episode *e)
{
    e[1].max_of_state = -5;
}
static void max_is_high(struct tiny_episode *e)
{
    e[1].max_of_state = 5;
}
static void count_is_off(struct tiny_episode *e)
{
    e[1].count = 1;
}
static void video_overlaps(struct tiny_episode *e)
{
    e[1].from_s -= 0.3;
    e[1].to_s -= 0.3;
}
static void video_gap(struct tiny_episode *e)
{
    e[1].from_s += 0.2;
    e[1].to_s += 0.2;
}
static void video_between(struct tiny_episode *e)
{
    e[1].from_s += 0.03;
    e[1].to_s += 0.03;
}
static void video_nowhere(struct tiny_episode *e)
{
    e[1].from_s = (double)NAN;
}
static void video_short(struct tiny_episode *e)
{
    e[1].to_s -= 0.2;
}
static void video_late(struct tiny_episode *e)
{
    e[2].from_s = 3000.00009; // near enough to a frame for a double
    e[2].to_s = 3000.70009;
}

// modality.json
static const char MODALITY[] = "meta/modality.json";
static void modality_of_action(const char *set)
{
    tiny_write(set, MODALITY,
               "{\"state\": {\"arm\": {\"original_key\": \"action\", \"start\": 0, \"end\": 2}}}");
}
static void modality_beyond(const char *set)
{
    tiny_write(set, MODALITY, "{\"state\": {\"arm\": {\"start\": 1, \"end\": 3}}}");
}
static void modality_overlaps(const char *set)
{
    tiny_write(set, MODALITY,
               "{\"action\": {\"arm\": {\"start\": 0, \"end\": 2}, \"hand\": {\"start\": 1, "
               "\"end\": 2}}}");
}
static void modality_no_video(const char *set)
{
    tiny_write(set, MODALITY,
               "{\"video\": {\"ego\": {\"original_key\": \"observation.images.ego\"}}}");
}
static void modality_no_column(const char *set)
{
    tiny_write(set, MODALITY, "{\"annotation\": {\"human.validity\": {}}}");
}
static void modality_list(const char *set)
{
    tiny_write(set, MODALITY, "[1, 2]");
}
static void modality_cut(const char *set)
{
    tiny_write(set, MODALITY, "{\"state\":");
}

// statistics
static void exact_quantile(const char *set)
{
    tiny_edit(set, "meta/stats.json", "\"q50\": [", "\"q50\": [0.5, 0.5], \"was\": [");
}
static void exact_mean(const char *set)
{
    tiny_edit(set, "meta/stats.json", "\"mean\": [", "\"mean\": [0.5, 0.5], \"was\": [");
}
static void quantile_order(const char *set)
{
    tiny_edit(set, "meta/stats.json", "\"q10\": [", "\"q10\": [0.9, 0.9], \"was\": [");
}
static void negative_std(const char *set)
{
    tiny_edit(set, "meta/stats.json", "\"std\": [", "\"std\": [-1.0, 1.0], \"was\": [");
}
static void count_of_set(const char *set)
{
    tiny_edit(set, "meta/stats.json", "\"count\": [", "\"count\": [23], \"was\": [");
}

// clang-format off
static const struct wrong WRONG[] = {
    {"names_a_rate_that_v3_cannot_hold", {V30}, fps_is_half,
     .kind = "info", .severity = ERROR, .words = "10.5", .also = "timestamp"},
    {"names_a_chunk_of_no_files", {V21}, no_chunks,
     .kind = "info", .severity = ERROR, .words = "chunks_size is 0"},
    {"names_a_path_that_leads_out", {V30}, path_out,
     .kind = "info", .severity = ERROR, .words = "leads out"},
    {"names_where_info_is_no_json", {V30}, not_json,
     .kind = "info", .severity = ERROR, .words = "line 3"},
    {"names_a_default_feature_that_is_absent", {V30}, no_frame_index,
     .kind = "features", .severity = ERROR, .words = "frame_index", .also = "schema"},
    {"names_a_dtype_that_is_none", {V30}, odd_dtype,
     .kind = "features", .severity = WARN, .words = "float16", .also = "stats_value"},
    {"names_a_shape_that_is_none", {V21, VIDEO}, odd_shape,
     .kind = "features", .severity = ERROR, .words = "shape", .also = "stats_value"},
    {"names_a_camera_without_info", {V21, VIDEO}, no_video_info,
     .kind = "features", .severity = WARN, .words = "neither rate nor codec"},
    {"counts_names", {V30}, one_name,
     .kind = "names", .severity = WARN, .words = "2 values and 1 names"},
    {"names_axes_without_names", {V30, VIDEO}, no_axes,
     .kind = "names", .severity = WARN, .words = "channels first"},
    {"counts_episodes", {V30}, more_episodes,
     .kind = "totals", .severity = ERROR, .words = "total_episodes is 4"},
    {"counts_frames", {V21}, more_frames,
     .kind = "totals", .severity = ERROR, .words = "total_frames is 25"},
    {"counts_tasks", {V30}, more_tasks,
     .kind = "totals", .severity = WARN, .words = "total_tasks is 2"},
    {"counts_videos", {V20, VIDEO}, more_videos,
     .kind = "totals", .severity = WARN, .words = "total_videos is 2"},
    {"counts_chunks", {V20}, no_v2_chunks,
     .kind = "totals", .severity = WARN, .words = "total_chunks is 0"},
    {"names_a_split_beyond_the_end", {V30}, wide_split,
     .kind = "splits", .severity = WARN, .words = "episode 50"},
    {"names_a_line_that_is_cut", {V21}, bad_line,
     .kind = "metadata", .severity = ERROR, .words = "meta/episodes.jsonl:4"},
    {"names_an_absent_table_of_tasks", {V21}, no_tasks,
     .kind = "metadata", .severity = ERROR, .words = "tasks.jsonl", .also = "task_range"},
    {"names_an_absent_table_of_tasks_in_v3", {V30}, no_tasks_v3,
     .kind = "metadata", .severity = ERROR, .words = "tasks.parquet", .also = "task_range"},
    {"names_an_absent_list_of_episodes", {V21}, no_episodes,
     .kind = "metadata", .severity = ERROR, .words = "episodes.jsonl"},
    {"names_a_list_of_episodes_that_is_cut", {V30}, cut_episodes,
     .kind = "footer", .severity = ERROR, .words = "meta/episodes/chunk-000/file-000.parquet",
     .also = "*"},
    {"names_a_line_of_statistics_that_is_cut", {V21}, bad_stats_line,
     .kind = "metadata", .severity = ERROR, .words = "episode 0"},
    {"finds_a_text_of_two_tasks", {V21}, same_task,
     .kind = "tasks", .severity = WARN, .words = "one text"},
    {"finds_a_gap_in_the_tasks", {V21, .task_first = 1}, NULL,
     .kind = "tasks", .severity = ERROR, .words = "no task 0"},
    {"finds_a_task_off_its_row", {V30, .task_first = 1}, NULL,
     .kind = "tasks", .severity = ERROR, .words = "row 0 has task_index 1"},
    {"misses_the_index_of_pandas", {V30, .without_pandas = true}, NULL,
     .kind = "tasks_index", .severity = ERROR, .words = "pandas"},
    {"finds_a_task_beyond_the_table", {V21, .rows = task_beyond}, NULL,
     .kind = "task_range", .severity = ERROR, .words = "1 of 7 rows"},
    {"finds_a_task_that_no_row_has", {V30, .episodes = other_task}, NULL,
     .kind = "episode_tasks", .severity = WARN, .words = "\"valid\""},
    {"finds_an_episode_without_a_task", {V21, .episodes = no_task}, NULL,
     .kind = "episode_tasks", .severity = WARN, .words = "has no task"},
    {"finds_episodes_out_of_order", {V30, .episodes = first_is_last}, NULL,
     .kind = "episode_order", .severity = ERROR, .words = "episode 2 is in place 0", .also = "*"},
    {"finds_an_episode_twice", {V21}, twice,
     .kind = "episode_order", .severity = ERROR, .words = "listed twice"},
    {"holds_lengths_against_rows_in_v2", {V21, .episodes = too_long}, NULL,
     .kind = "length", .severity = ERROR, .words = "80 long"},
    {"holds_lengths_against_rows_in_v3", {V30, .episodes = too_long}, NULL,
     .kind = "length", .severity = ERROR, .words = "80 long", .also = "global_range"},
    {"finds_an_episode_without_rows", {V21, .episodes = empty_episode}, NULL,
     .kind = "length", .severity = WARN, .words = "has no rows"},
    {"finds_a_gap_between_ranges", {V30, .episodes = range_gap}, NULL,
     .kind = "global_range", .severity = ERROR, .words = "begins at row 22"},
    {"finds_a_range_that_is_too_short", {V30, .episodes = range_short}, NULL,
     .kind = "global_range", .severity = ERROR, .words = "are 7"},
    {"finds_a_number_that_is_left_out", {V30, .episodes = file_skipped}, NULL,
     .kind = "numbering", .severity = WARN, .words = "left out", .also = "*"},
    {"finds_files_out_of_order", {V30, .episodes = file_back}, NULL,
     .kind = "numbering", .severity = ERROR, .words = "before the file", .also = "*"},
    {"finds_a_file_without_a_footer", {V21}, cut_data,
     .kind = "footer", .severity = ERROR, .words = "episode_000001"},
    {"finds_a_file_that_only_we_can_read", {V30, .without_footer = true}, NULL,
     .kind = "footer", .severity = ERROR, .words = "by its journal"},
    {"finds_an_absent_data_file_in_v2", {V21}, no_data,
     .kind = "data_absent", .severity = ERROR, .words = "8 rows of 1 episode"},
    {"finds_an_absent_data_file_in_v3", {V30}, no_data_v3,
     .kind = "data_absent", .severity = ERROR, .words = "7 rows"},
    {"finds_a_journal_that_was_left", {V30}, journal_left,
     .kind = "unfinished", .severity = WARN, .words = "journal"},
    {"finds_a_parquet_journal_that_was_left", {V30}, parquet_journal_left,
     .kind = "unfinished", .severity = WARN, .words = "file-009"},
    {"finds_a_data_file_of_no_episode", {V30}, orphan_data,
     .kind = "orphan_file", .severity = ERROR, .words = "file-002", .also = "*"},
    {"finds_a_video_file_of_no_episode", {V30, VIDEO}, orphan_video,
     .kind = "orphan_file", .severity = WARN, .words = "file-002.mp4"},
    {"finds_a_column_that_is_not_there", {V30, .without_column = "action"}, NULL,
     .kind = "schema", .severity = ERROR, .words = "no column action"},
    {"finds_a_column_that_is_not_declared", {V30, .extra_column = "spare"}, NULL,
     .kind = "schema", .severity = ERROR, .words = "column spare"},
    {"finds_a_type_that_is_not_declared", {V21, .stamp_type = ET_PARQUET_DOUBLE}, NULL,
     .kind = "schema", .severity = WARN, .words = "stored as float64"},
    {"finds_a_width_that_is_not_declared", {V21, .state_values = 1}, NULL,
     .kind = "schema", .severity = ERROR, .words = "2 values", .also = "*"},
    {"finds_rows_of_no_episode", {V30, .rows = rows_of_seven}, NULL,
     .kind = "orphan_rows", .severity = ERROR, .words = "8 of 17 rows", .also = "length"},
    {"finds_episodes_that_interleave", {V30, .rows = rows_shared}, NULL,
     .kind = "interleaved", .severity = ERROR, .words = "2 pieces", .also = "*"},
    {"finds_a_frame_index_that_stays", {V21, .rows = rows_doubled}, NULL,
     .kind = "frame_index", .severity = ERROR, .words = "row 5"},
    {"finds_an_index_that_jumps", {V30, .rows = index_jumps}, NULL,
     .kind = "index", .severity = ERROR, .words = "5 of 17 rows"},
    {"finds_an_index_that_restarts", {V30, .rows = index_restarts}, NULL,
     .kind = "index", .severity = ERROR, .words = "begins with index 0"},
    {"finds_a_timestamp_off_the_grid", {V21, VIDEO, .rows = late_stamp}, NULL,
     .kind = "timestamp", .severity = ERROR, .words = "1 of 9 rows"},
    {"warns_of_a_timestamp_that_nothing_needs", {V21, .rows = late_stamp}, NULL,
     .kind = "timestamp", .severity = WARN, .words = "row 5"},
    {"finds_a_timestamp_that_is_none", {V30, VIDEO, .rows = nan_stamp}, NULL,
     .kind = "timestamp", .severity = ERROR, .words = "row 5", .also = "*"},
    {"finds_an_absent_video", {V30, VIDEO}, no_video,
     .kind = "video_absent", .severity = ERROR, .words = "1 of 2 files"},
    {"finds_a_video_that_is_none", {V21, VIDEO}, cut_video,
     .kind = "video_read", .severity = ERROR, .words = "episode_000001.mp4"},
    {"counts_the_frames_of_an_episode", {V21, VIDEO, .frames_missing = 2}, NULL,
     .kind = "video_frames", .severity = ERROR, .words = "6 frames for the 8 rows"},
    {"counts_the_frames_of_a_range", {V30, VIDEO, .episodes = video_short}, NULL,
     .kind = "video_frames", .severity = ERROR, .words = "6 frames for the 8 rows"},
    {"finds_a_rate_that_is_not_declared", {V21, VIDEO, .video_fps = 15}, NULL,
     .kind = "video_format", .severity = ERROR, .words = "15 frames a second"},
    {"finds_a_size_that_is_not_declared", {V21, VIDEO, .video_width = 96}, NULL,
     .kind = "video_format", .severity = ERROR, .words = "96 × 48"},
    {"finds_a_codec_that_is_not_declared", {V30, VIDEO}, other_codec_declared,
     .kind = "video_format", .severity = WARN, .words = "video.codec"},
    {"finds_a_declared_rate_that_is_another", {V30, VIDEO}, other_fps_declared,
     .kind = "video_format", .severity = WARN, .words = "declares 30"},
    {"finds_episodes_that_share_frames", {V30, VIDEO, .episodes = video_overlaps}, NULL,
     .kind = "video_range", .severity = ERROR, .words = "share"},
    {"finds_frames_of_no_episode", {V30, VIDEO, .episodes = video_gap}, NULL,
     .kind = "video_range", .severity = WARN, .words = "2 frames before episode 1"},
    {"finds_a_range_beyond_the_file", {V30, VIDEO, .frames_missing = 2}, NULL,
     .kind = "video_range", .severity = ERROR, .words = "ends at 1.7"},
    {"finds_a_range_between_frames", {V30, VIDEO, .episodes = video_between}, NULL,
     .kind = "video_range", .severity = ERROR, .words = "nearest frame"},
    {"finds_a_range_that_is_none", {V30, VIDEO, .episodes = video_nowhere}, NULL,
     .kind = "video_range", .severity = ERROR, .words = "no time range"},
    {"finds_frames_that_float32_cannot_find", {V30, VIDEO, .episodes = video_late}, NULL,
     .kind = "video_grid", .severity = ERROR, .words = "float32", .also = "video_range"},
    {"finds_a_frame_that_is_late", {V21, VIDEO}, frame_late,
     .kind = "video_grid", .severity = ERROR, .words = "from its place"},
    {"finds_frames_that_do_not_decode", {V21, VIDEO}, pictures_broken,
     .kind = "video_decode", .severity = ERROR, .words = "of 8 frames decode",
     .should_decode = true},
    {"misses_the_statistics", {V30}, no_stats,
     .kind = "stats_absent", .severity = ERROR, .words = "meta/stats.json"},
    {"misses_the_statistics_of_v21", {V21}, no_stats_lines,
     .kind = "stats_absent", .severity = ERROR, .words = "episodes_stats"},
    {"misses_the_statistics_of_an_episode", {V21}, no_stats_line,
     .kind = "stats_absent", .severity = ERROR, .words = "episode 0 has no statistics",
     .also = "metadata"},
    {"misses_the_statistics_of_a_feature", {V20}, no_action_stats,
     .kind = "stats_absent", .severity = WARN, .words = "action"},
    {"misses_quantiles", {V30}, no_quantile,
     .kind = "stats_absent", .severity = WARN, .words = "no quantiles"},
    {"misses_the_columns_of_statistics", {V30, .without_episode_stats = true}, NULL,
     .kind = "stats_absent", .severity = WARN, .words = "stats/observation.state/min"},
    {"finds_a_statistic_that_is_no_number", {V30}, nan_stats,
     .kind = "stats_value", .severity = ERROR, .words = "no number"},
    {"finds_a_statistic_of_another_width", {V30}, wide_stats,
     .kind = "stats_value", .severity = ERROR, .words = "3 numbers as max"},
    {"misses_one_statistic", {V20}, no_std,
     .kind = "stats_value", .severity = ERROR, .words = "std"},
    {"finds_a_min_above_the_max_in_v2", {V21, .episodes = max_is_low}, NULL,
     .kind = "stats_order", .severity = ERROR, .words = "above max"},
    {"finds_a_min_above_the_max_in_v3", {V30, .episodes = max_is_low}, NULL,
     .kind = "stats_order", .severity = ERROR, .words = "above max"},
    {"finds_quantiles_out_of_order", {V30}, quantile_order,
     .kind = "stats_order", .severity = ERROR, .words = "below q10"},
    {"finds_a_negative_spread", {V20}, negative_std,
     .kind = "stats_order", .severity = ERROR, .words = "negative"},
    {"finds_a_count_of_other_rows_in_v2", {V21, .episodes = count_is_off}, NULL,
     .kind = "stats_count", .severity = WARN, .words = "counts 9 rows"},
    {"finds_a_count_of_other_rows_in_v3", {V30, .episodes = count_is_off}, NULL,
     .kind = "stats_count", .severity = WARN, .words = "counts 9 rows"},
    {"finds_a_count_of_other_rows_in_the_set", {V30}, count_of_set,
     .kind = "stats_count", .severity = WARN, .words = "counts 23 rows"},
    {"finds_a_quantile_that_is_not_exact", {V30}, exact_quantile,
     .kind = "stats_exact", .severity = WARN, .words = "q50 of value", .should_check_stats = true},
    {"finds_a_mean_that_is_not_exact", {V20}, exact_mean,
     .kind = "stats_exact", .severity = ERROR, .words = "mean of value",
     .should_check_stats = true},
    {"finds_a_max_that_is_not_exact_in_an_episode", {V21, .episodes = max_is_high}, NULL,
     .kind = "stats_exact", .severity = ERROR, .words = "max of value 0",
     .should_check_stats = true},
    {"finds_a_state_that_is_the_action", {V21}, modality_of_action,
     .kind = "modality", .severity = ERROR, .words = "state.arm"},
    {"finds_a_slice_beyond_the_end", {V21}, modality_beyond,
     .kind = "modality", .severity = ERROR, .words = "start 1 and end 3"},
    {"finds_slices_that_overlap", {V21}, modality_overlaps,
     .kind = "modality", .severity = WARN, .words = "are in arm too"},
    {"finds_a_video_that_is_not_declared", {V21}, modality_no_video,
     .kind = "modality", .severity = ERROR, .words = "observation.images.ego"},
    {"finds_an_annotation_without_a_column", {V21}, modality_no_column,
     .kind = "modality", .severity = ERROR, .words = "annotation.human.validity"},
    {"finds_a_modality_that_is_a_list", {V21}, modality_list,
     .kind = "modality", .severity = ERROR, .words = "not a JSON object"},
    {"finds_a_modality_that_is_cut", {V21}, modality_cut,
     .kind = "modality", .severity = ERROR, .words = "meta/modality.json"},
};
// clang-format on

// Errors of other kinds than the case is about, less the kind that follows from it.
static size_t count_others(const struct verified *v, const struct wrong *wrong)
{
    size_t n = 0;

    for (size_t i = 0; i < v->findings.n; i++) {
        const struct et_finding *finding = &v->findings.items[i];
        const bool is_expected =
            strcmp(finding->kind, wrong->kind) == 0 ||
            (wrong->also && (wrong->also[0] == '*' || strcmp(finding->kind, wrong->also) == 0));
        n += finding->severity == ET_SEVERITY_ERROR && !is_expected;
    }
    return n;
}

static void check_case(const struct wrong *wrong)
{
    const char *set = tiny_build("wrong", &wrong->tiny);

    if (wrong->edit)
        wrong->edit(set);
    struct verified v = verify(set, wrong->should_decode, wrong->should_check_stats);
    CHECK_EQ(v.status, ET_OK);
    const struct et_finding *finding = find(&v, wrong->kind, wrong->words);
    bool is_good = CHECK(finding != NULL);
    if (finding)
        is_good = CHECK(finding->severity == wrong->severity) && is_good;
    is_good = CHECK(count_others(&v, wrong) == 0) && is_good;
    if (!is_good)
        print(&v);
    et_arena_close(v.arena);
}

/* ---- the whole ---- */

static void tells_alike_findings_once_counted(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("many", &tiny);
    char line[64];

    for (int i = 0; i < 50; i++) {
        (void)snprintf(line, sizeof line, "not json %d\n", i);
        tiny_append(set, "meta/episodes.jsonl", line);
    }
    struct verified v = verify(set, false, false);
    CHECK_EQ(v.findings.n, 21);
    CHECK(find(&v, "metadata", "30 more findings like these") != NULL);
    et_arena_close(v.arena);
}

static bool stop_at_second(void *ctx, int64_t n_done, int64_t n_total, int64_t n_bytes)
{
    (void)n_bytes;
    CHECK(n_done <= n_total);
    *(int64_t *)ctx = n_done;
    return n_done < 2;
}

static void stops_when_the_caller_wants_no_more(void)
{
    const struct tiny tiny = {V21};
    struct et_err err = {0};
    struct et_arena *arena;
    int64_t n_seen = 0;
    const struct et_verify_options options = {.progress = stop_at_second, .progress_ctx = &n_seen};

    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    struct et_findings findings = {.arena = arena};
    CHECK_EQ(et_dataset_verify(tiny_build("cancel", &tiny), &options, &findings, &err),
             ET_ECANCELLED);
    CHECK_EQ(n_seen, 2);
    et_arena_close(arena);
}

static void says_that_there_is_no_dataset(void)
{
    struct verified v = verify(temp_path("nowhere"), false, false);
    CHECK_EQ(v.status, ET_ENOTFOUND);
    CHECK_HAS(v.err.text, "no such folder");
    et_arena_close(v.arena);
}

static void finds_the_same_with_any_number_of_threads(void)
{
    struct tiny tiny = {V30, VIDEO, .rows = rows_shared};
    const char *set = tiny_build("threads", &tiny);
    struct verified alone = verify(set, true, true);
    struct et_err err = {0};
    struct et_pool *pool;
    struct et_arena *arena;

    CHECK_OK(et_pool_open(&pool, 3, &err));
    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    struct et_findings findings = {.arena = arena};
    const struct et_verify_options options = {
        .should_decode = true, .should_check_stats = true, .pool = pool};
    CHECK_OK(et_dataset_verify(set, &options, &findings, &err));
    CHECK_EQ(findings.n, alone.findings.n);
    for (size_t i = 0; i < findings.n && i < alone.findings.n; i++)
        CHECK_STR(findings.items[i].text, alone.findings.items[i].text);
    et_pool_close(pool);
    et_arena_close(arena);
    et_arena_close(alone.arena);
}

static void every_check_is_explained(void)
{
    size_t n;
    char *page = read_file(source_path("doc/verify.md"), &n);
    char cell[64];

    CHECK(page != NULL);
    for (int i = 0; page && i < ET__N_CHECKS; i++) {
        (void)snprintf(cell, sizeof cell, "| `%s` |", et__check_kind((enum et__check)i));
        if (!CHECK(strstr(page, cell)))
            printf("#   %s\n", cell);
    }
    free(page);
}

int main(void)
{
    RUN(finds_nothing_in_a_right_set);
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        check_case(&WRONG[i]);
        tap_result(WRONG[i].name);
    }
    RUN(tells_alike_findings_once_counted);
    RUN(stops_when_the_caller_wants_no_more);
    RUN(says_that_there_is_no_dataset);
    RUN(finds_the_same_with_any_number_of_threads);
    RUN(every_check_is_explained);
    return tap_end();
}
