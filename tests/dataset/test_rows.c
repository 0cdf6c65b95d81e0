// Reading an episode: its columns as they are stored, and its tracks through a profile.
#include "tiny_set.h"

#include "support.h"
#include "tap.h"

#include "etude/pool.h"

#include <stdio.h>
#include <stdlib.h>

#define V20 .layout = ET_LAYOUT_V20
#define V21 .layout = ET_LAYOUT_V21
#define V30 .layout = ET_LAYOUT_V30

static struct et_arena *arena;

static struct et_dataset *open_set(const char *set)
{
    struct et_err err = {0};
    struct et_dataset *ds = NULL;

    et_arena_close(arena);
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    CHECK_OK(et_dataset_open(&ds, set, &err));
    if (!ds)
        exit(1);
    CHECK_OK(et_dataset_use_profile(ds, NULL, &err));
    return ds;
}

static bool has_remark(const struct et_remark *remarks, size_t n, const char *words)
{
    for (size_t i = 0; i < n; i++) {
        if (strstr(remarks[i].text, words))
            return true;
    }
    for (size_t i = 0; i < n; i++)
        printf("#   remark: %s: %s\n", remarks[i].where, remarks[i].text);
    return false;
}

/* ---- rows ---- */

static void gives_columns_as_they_are_stored(void)
{
    static const enum et_layout LAYOUTS[] = {ET_LAYOUT_V20, ET_LAYOUT_V21, ET_LAYOUT_V30};

    for (size_t i = 0; i < 3; i++) {
        const struct tiny tiny = {.layout = LAYOUTS[i]};
        struct et_dataset *ds = open_set(tiny_build("stored", &tiny));
        struct et_err err = {0};
        struct et_rows rows;

        CHECK_OK(et_dataset_rows(ds, 1, arena, &rows, &err));
        CHECK_EQ(rows.n_rows, 8);
        CHECK_EQ(rows.n_columns, 7);
        CHECK_EQ(rows.n_remarks, 0);
        const struct et_column *state = et_rows_find(&rows, "observation.state");
        CHECK(state && state->is_rectangular);
        CHECK_EQ(state->type, ET_PARQUET_FLOAT);
        CHECK_EQ(state->n_values, 2);
        CHECK_EQ(state->i_feature, 0);
        CHECK_EQ(state->n_nodes, 3);
        CHECK_EQ(state->nodes[0].parent, -1);
        CHECK_EQ(state->nodes[2].parent, 1);
        const float first = (float)sin(9 * 0.4);
        CHECK(memcmp(state->values, &first, sizeof first) == 0);
        CHECK_NEAR(et_column_get(state, 0, 1), (double)(float)sin(12 * 0.4), 0);
        const struct et_column *index = et_rows_find(&rows, "index");
        CHECK_EQ(index->type, ET_PARQUET_INT64);
        CHECK_NEAR(et_column_get(index, 7, 0), 16, 0);
        CHECK(et_rows_find(&rows, "nothing") == NULL);
        et_dataset_close(ds);
    }
}

static void says_what_does_not_fit(void)
{
    const struct tiny tiny = {V21, .without_column = "action", .extra_column = "spare",
                              .stamp_type = ET_PARQUET_DOUBLE};
    struct et_dataset *ds = open_set(tiny_build("unfit", &tiny));
    struct et_err err = {0};
    struct et_rows rows;

    CHECK_OK(et_dataset_rows(ds, 0, arena, &rows, &err));
    CHECK(has_remark(rows.remarks, rows.n_remarks, "no column action"));
    CHECK(has_remark(rows.remarks, rows.n_remarks, "column spare is not declared"));
    CHECK(has_remark(rows.remarks, rows.n_remarks, "timestamp is not stored as float32"));
    CHECK_EQ(et_rows_find(&rows, "spare")->i_feature, -1);
    CHECK_EQ(et_rows_find(&rows, "timestamp")->type, ET_PARQUET_DOUBLE);
    et_dataset_close(ds);
}

static void says_that_a_width_is_another(void)
{
    const struct tiny tiny = {V21, .state_values = 1};
    struct et_dataset *ds = open_set(tiny_build("width", &tiny));
    struct et_err err = {0};
    struct et_rows rows;
    struct et_episode episode;

    CHECK_OK(et_dataset_rows(ds, 0, arena, &rows, &err));
    CHECK(has_remark(rows.remarks, rows.n_remarks, "1 values a row, and 2 are declared"));
    CHECK_OK(et_dataset_episode(ds, 0, arena, &episode, &err));
    CHECK_EQ(episode.columns[0].n_values, 1);
    CHECK_EQ(episode.columns[0].n_declared, 2);
    CHECK(et_episode_track(&episode, "body.position") == NULL);
    CHECK(et_episode_track(&episode, "command.body.position") != NULL);
    CHECK(has_remark(episode.remarks, episode.n_remarks, "needs value 1"));
    et_dataset_close(ds);
}

// A data file of its own: texts, ragged lists, structs and nulls beside a rectangle.
static void write_odd_columns(const char *path)
{
    static const struct et_parquet_node STRUCT[] = {
        {.name = "picture", .parent = -1, .repetition = ET_PARQUET_OPTIONAL},
        {.name = "bytes",
         .parent = 0,
         .repetition = ET_PARQUET_OPTIONAL,
         .is_leaf = true,
         .type = ET_PARQUET_BYTES},
        {.name = "path",
         .parent = 0,
         .repetition = ET_PARQUET_OPTIONAL,
         .is_leaf = true,
         .type = ET_PARQUET_BYTES,
         .logical = ET_PARQUET_STRING}};
    static const struct et_str WORDS[] = {{"left", 4}, {"right", 5}};
    static const uint8_t SOME[] = {1, 0, 1}, LIST_DEF[] = {3, 3, 1, 3}, LIST_REP[] = {0, 1, 0, 0};
    static const uint8_t BYTES_DEF[] = {2, 2, 0}, PATH_DEF[] = {1, 1, 0};
    static const double NUMBERS[] = {1, 2, 3}, TENSOR[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const uint8_t TENSOR_REP[] = {0, 2, 1, 2, 0, 2, 1, 2, 0, 2, 1, 2};
    uint8_t tensor_def[12];
    struct et_err err = {0};
    struct et_parquet_writer *writer;
    struct et_parquet_node nodes[32] = {0};
    size_t n = 0;

    memset(tensor_def, 5, sizeof tensor_def);
    (void)et_parquet_add_column(nodes, 32, &n, "word", ET_PARQUET_BYTES, ET_PARQUET_STRING, 0);
    (void)et_parquet_add_column(nodes, 32, &n, "ragged", ET_PARQUET_DOUBLE, ET_PARQUET_PLAIN, 1);
    (void)et_parquet_add_column(nodes, 32, &n, "tensor", ET_PARQUET_DOUBLE, ET_PARQUET_PLAIN, 2);
    for (size_t i = 0; i < 3; i++) {
        nodes[n + i] = STRUCT[i];
        nodes[n + i].parent += i ? (int)n : 0;
    }
    n += 3;
    const struct et_parquet_batch batches[] = {
        {.n_rows = 3, .n_levels = 3, .n_values = 2, .def = SOME, .values = WORDS},
        {.n_rows = 3,
         .n_levels = 4,
         .n_values = 3,
         .def = LIST_DEF,
         .rep = LIST_REP,
         .values = NUMBERS},
        {.n_rows = 3,
         .n_levels = 12,
         .n_values = 12,
         .def = tensor_def,
         .rep = TENSOR_REP,
         .values = TENSOR},
        {.n_rows = 3, .n_levels = 3, .n_values = 2, .def = BYTES_DEF, .values = WORDS},
        {.n_rows = 3, .n_levels = 3, .n_values = 0, .def = PATH_DEF, .values = WORDS},
    };
    remove(path);
    CHECK_OK(et_parquet_create(&writer, path, nodes, n, NULL, &err));
    for (size_t i = 0; i < 5; i++)
        CHECK_OK(et_parquet_write_leaf(writer, i, &batches[i], &err));
    CHECK_OK(et_parquet_writer_commit(writer, &err));
    CHECK_OK(et_parquet_writer_finish(writer, &err));
}

static void gives_what_is_no_rectangle_leaf_by_leaf(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("odd", &tiny);
    struct et_err err = {0};
    struct et_rows rows;
    char path[512];

    (void)snprintf(path, sizeof path, "%s/data/chunk-000/episode_000000.parquet", set);
    write_odd_columns(path);
    struct et_dataset *ds = open_set(set);
    CHECK_OK(et_dataset_rows(ds, 0, arena, &rows, &err));
    et_dataset_close(ds); // nothing of it may be needed any more
    CHECK_EQ(rows.n_rows, 3);
    const struct et_column *word = et_rows_find(&rows, "word");
    CHECK(word && !word->is_rectangular && word->n_leaves == 1);
    CHECK_EQ(word->leaves[0].n_values, 2);
    CHECK(et_str_is(((const struct et_str *)word->leaves[0].values)[1], "right"));
    CHECK_EQ(word->leaves[0].def[1], 0);
    const struct et_column *ragged = et_rows_find(&rows, "ragged");
    CHECK(!ragged->is_rectangular);
    CHECK_EQ(ragged->leaves[0].n_levels, 4);
    CHECK_EQ(ragged->leaves[0].rep[1], 1);
    const struct et_column *tensor = et_rows_find(&rows, "tensor");
    CHECK(tensor->is_rectangular);
    CHECK_EQ(tensor->n_values, 4);
    CHECK_NEAR(et_column_get(tensor, 2, 3), 12, 0);
    CHECK_EQ(tensor->n_nodes, 5);
    const struct et_column *picture = et_rows_find(&rows, "picture");
    CHECK_EQ(picture->n_leaves, 2);
    CHECK_EQ(picture->n_nodes, 3);
    CHECK_EQ(picture->nodes[2].parent, 0);
    CHECK_EQ(picture->leaves[1].n_values, 0);
}

static void says_why_rows_cannot_be_read(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("unreadable", &tiny);
    struct et_err err = {0};
    struct et_rows rows;

    tiny_remove(set, "data/chunk-000/episode_000001.parquet");
    tiny_write(set, "data/chunk-000/episode_000002.parquet", "PAR1 and no more PAR1");
    struct et_dataset *ds = open_set(set);
    CHECK_EQ(et_dataset_rows(ds, 1, arena, &rows, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "episode_000001.parquet");
    CHECK_EQ(et_dataset_rows(ds, 2, arena, &rows, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "episode_000002.parquet");
    CHECK_EQ(et_dataset_rows(ds, 3, arena, &rows, &err), ET_EARG);
    struct et_episode episode;
    CHECK_OK(et_dataset_episode(ds, 1, arena, &episode, &err));
    CHECK_EQ(episode.n_tracks, 0);
    CHECK_EQ(episode.remarks[0].severity, ET_SEVERITY_ERROR);
    CHECK_OK(et_dataset_episode(ds, 2, arena, &episode, &err));
    CHECK_EQ(episode.n_rows, 0);
    CHECK_EQ(episode.n_rows_claimed, 7);
    CHECK_EQ(episode.remarks[0].severity, ET_SEVERITY_ERROR);
    et_dataset_close(ds);
}

static void stops_at_the_arenas_limit(void)
{
    const struct tiny tiny = {V21};
    struct et_dataset *ds = open_set(tiny_build("limit", &tiny));
    struct et_err err = {0};
    struct et_arena *small;
    struct et_rows rows;
    struct et_episode episode;

    size_t n_full = 0;
    for (size_t limit = 16; limit < 16384; limit += 16) {
        CHECK_OK(et_arena_open(&small, limit, &err));
        const enum et_status by_rows = et_dataset_rows(ds, 0, small, &rows, &err);
        et_arena_close(small);
        CHECK_OK(et_arena_open(&small, limit, &err));
        const enum et_status by_episode = et_dataset_episode(ds, 0, small, &episode, &err);
        et_arena_close(small);
        CHECK(by_rows == ET_OK || by_rows == ET_ELIMIT);
        CHECK(by_episode == ET_OK || by_episode == ET_ELIMIT);
        n_full += (by_rows == ET_ELIMIT) + (by_episode == ET_ELIMIT);
    }
    CHECK(n_full > 100);
    et_dataset_close(ds);
}

/* ---- where an episode's rows are ---- */

static void claims_other_rows(struct tiny_episode *e)
{
    e[0].length = e[0].to = 12; // of 9
    e[1].from = 12;
    e[1].length = 5;
}

static void believes_the_rows_more_than_the_metadata(void)
{
    const struct tiny tiny = {V30, .episodes = claims_other_rows};
    struct et_dataset *ds = open_set(tiny_build("believe", &tiny));
    struct et_err err = {0};
    struct et_rows rows;

    CHECK_OK(et_dataset_rows(ds, 0, arena, &rows, &err));
    CHECK_EQ(rows.n_rows, 9);
    CHECK(has_remark(rows.remarks, rows.n_remarks, "other rows"));
    CHECK_OK(et_dataset_rows(ds, 1, arena, &rows, &err));
    CHECK_EQ(rows.n_rows, 5); // all that were named are its own
    et_dataset_close(ds);
}

static void rows_of_seven(struct tiny_rows *rows)
{
    for (int i = 9; i < 17; i++)
        rows->episode_index[i] = 7;
}

static void gives_no_rows_that_are_of_another_episode(void)
{
    const struct tiny v30 = {V30, .rows = rows_of_seven}, v21 = {V21, .rows = rows_of_seven};
    struct et_err err = {0};
    struct et_rows rows;
    struct et_episode episode;

    struct et_dataset *ds = open_set(tiny_build("seven", &v30));
    CHECK_OK(et_dataset_rows(ds, 1, arena, &rows, &err));
    CHECK_EQ(rows.n_rows, 0);
    CHECK(has_remark(rows.remarks, rows.n_remarks, "no row"));
    CHECK_OK(et_dataset_episode(ds, 1, arena, &episode, &err));
    CHECK_EQ(episode.n_rows, 0);
    et_dataset_close(ds);

    // In v2 the file is the episode, and only a remark says that its rows say otherwise.
    ds = open_set(tiny_build("seven", &v21));
    CHECK_OK(et_dataset_episode(ds, 1, arena, &episode, &err));
    CHECK_EQ(episode.n_rows, 8);
    CHECK(has_remark(episode.remarks, episode.n_remarks, "it is of episode 7"));
    et_dataset_close(ds);
}

static void names_another_file(struct tiny_episode *e)
{
    e[2].file = 0; // its rows are in file 1
}
static void names_no_file(struct tiny_episode *e)
{
    e[2].file = 7;
}

static void finds_rows_where_lerobot_reads_them(void)
{
    for (int i = 0; i < 2; i++) {
        const struct tiny tiny = {V30, .episodes = i ? names_no_file : names_another_file};
        struct et_dataset *ds = open_set(tiny_build("elsewhere", &tiny));
        struct et_err err = {0};
        struct et_rows rows;
        CHECK_OK(et_dataset_rows(ds, 2, arena, &rows, &err));
        CHECK_EQ(rows.n_rows, 7);
        CHECK_NEAR(et_column_get(et_rows_find(&rows, "index"), 0, 0), 17, 0);
        CHECK(has_remark(rows.remarks, rows.n_remarks, "another data file"));
        CHECK_HAS(rows.remarks[0].where, "file-001");
        et_dataset_close(ds);
    }
}

static void finds_no_rows_that_are_not_there(void)
{
    const struct tiny tiny = {V30};
    const char *set = tiny_build("gone", &tiny);
    struct et_err err = {0};
    struct et_rows rows;

    tiny_remove(set, "data/chunk-000/file-001.parquet");
    struct et_dataset *ds = open_set(set);
    CHECK_EQ(et_dataset_rows(ds, 2, arena, &rows, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "file-001.parquet");
    CHECK_OK(et_dataset_rows(ds, 0, arena, &rows, &err));
    et_dataset_close(ds);
}

static void goes_by_the_metadata_without_episode_index(void)
{
    const struct tiny tiny = {V30, .without_column = "episode_index"};
    struct et_dataset *ds = open_set(tiny_build("noindex", &tiny));
    struct et_err err = {0};
    struct et_rows rows;

    CHECK_OK(et_dataset_rows(ds, 1, arena, &rows, &err));
    CHECK_EQ(rows.n_rows, 8);
    CHECK_NEAR(et_column_get(et_rows_find(&rows, "index"), 0, 0), 9, 0);
    et_dataset_close(ds);
}

static void knows_that_an_episode_was_cut(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("wascut", &tiny);
    struct et_err err = {0};
    struct et_episode episode;

    tiny_edit(set, "meta/episodes.jsonl", "\"length\":9", "\"length\":90");
    struct et_dataset *ds = open_set(set);
    CHECK_OK(et_dataset_episode(ds, 0, arena, &episode, &err));
    CHECK(episode.was_cut);
    CHECK_EQ(episode.n_rows, 9);
    CHECK_EQ(episode.n_rows_claimed, 90);
    CHECK_OK(et_dataset_episode(ds, 1, arena, &episode, &err));
    CHECK(!episode.was_cut);
    et_dataset_close(ds);
}

/* ---- through a profile ---- */

static void makes_tracks_of_rows(void)
{
    const struct tiny tiny = {V30, .has_video = true};
    struct et_dataset *ds = open_set(tiny_build("tracks", &tiny));
    struct et_err err = {0};
    struct et_episode episode;

    CHECK_OK(et_dataset_episode(ds, 1, arena, &episode, &err));
    CHECK_STR(episode.id, "tracks/1");
    CHECK_STR(episode.robot, "tiny");
    CHECK_EQ(episode.index, 1);
    CHECK_EQ(episode.n_rows, 8);
    CHECK_NEAR(episode.rate_hz, 10, 0);
    CHECK_EQ(episode.n_tracks, 2);
    const struct et_track *track = et_episode_track(&episode, "command.body.position");
    CHECK(track != NULL);
    CHECK_EQ(track->n_samples, 8);
    CHECK_EQ(track->t_ns[3], 300000000);
    CHECK_NEAR(track->values[2 * 3 + 1], (double)(float)sin((9 + 3 + 3) * 0.4 + 0.8), 0);
    CHECK_EQ(episode.n_columns, 7);
    CHECK_STR(episode.columns[1].path, "action");
    CHECK_NEAR(episode.raw_stamps_s[1], (double)0.1F, 0);
    CHECK_EQ(episode.n_remarks, 0);
    CHECK_EQ(episode.n_videos, 1);
    CHECK(episode.videos[0].is_present);
    CHECK_EQ(episode.videos[0].first_frame, 9);
    CHECK_EQ(episode.videos[0].n_frames, 8);
    CHECK_EQ(episode.videos[0].width_px, TINY_WIDTH);
    CHECK_NEAR(episode.videos[0].rate_hz, 10, 1e-9);
    CHECK_STR(episode.videos[0].stream.name, "front.image");
    et_dataset_close(ds);
}

static void needs_a_profile_for_episodes(void)
{
    const struct tiny tiny = {V21};
    struct et_err err = {0};
    struct et_dataset *ds;
    struct et_episode episode;

    CHECK_OK(et_dataset_open(&ds, tiny_build("unbound", &tiny), &err));
    CHECK(et_dataset_binding(ds) == NULL);
    CHECK_EQ(et_dataset_episode(ds, 0, arena, &episode, &err), ET_EARG);
    CHECK_HAS(err.text, "profile");
    CHECK_EQ(et_dataset_use_profile(ds, "no-such-robot", &err), ET_ENOTFOUND);
    CHECK_OK(et_dataset_use_profile(ds, "generic", &err));
    CHECK(et_dataset_binding(ds) != NULL);
    CHECK_EQ(et_dataset_episode(ds, 3, arena, &episode, &err), ET_EARG);
    et_dataset_close(ds);
}

static void jitter(struct tiny_rows *rows)
{
    for (int i = 0; i < TINY_ROWS; i++)
        rows->timestamp[i] += (float)(i % 3) * 0.001F;
}
static void offset(struct tiny_rows *rows)
{
    for (int i = 0; i < TINY_ROWS; i++)
        rows->timestamp[i] += 0.1F;
}
static void falls(struct tiny_rows *rows)
{
    rows->timestamp[4] = 0.05F;
}
static void no_number(struct tiny_rows *rows)
{
    rows->timestamp[4] = INFINITY;
}

static void knows_how_times_came_about(void)
{
    static const struct {
        void (*rows)(struct tiny_rows *rows);
        const char *without;
        enum et_time_kind kind;
        int64_t t_third_ns;
    } CASES[] = {
        {NULL, NULL, ET_TIME_SYNTHETIC, 200000000},
        {offset, NULL, ET_TIME_SYNTHETIC, 200000000},
        {jitter, NULL, ET_TIME_MEASURED, 202000007},
        {falls, NULL, ET_TIME_MEASURED, 200000003},
        {no_number, NULL, ET_TIME_MISSING, 200000000},
        {NULL, "timestamp", ET_TIME_MISSING, 200000000},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct tiny tiny = {V21, .rows = CASES[i].rows, .without_column = CASES[i].without};
        struct et_dataset *ds = open_set(tiny_build("times", &tiny));
        struct et_err err = {0};
        struct et_episode episode;
        CHECK_OK(et_dataset_episode(ds, 0, arena, &episode, &err));
        CHECK_EQ(episode.time_kind, CASES[i].kind);
        CHECK_NEAR((double)episode.tracks[0].t_ns[2], (double)CASES[i].t_third_ns, 20);
        for (size_t k = 1; k < episode.tracks[0].n_samples; k++)
            CHECK(episode.tracks[0].t_ns[k] >= episode.tracks[0].t_ns[k - 1]);
        CHECK((episode.raw_stamps_s == NULL) == (CASES[i].without != NULL));
        et_dataset_close(ds);
    }
}

static void says_what_is_wrong_with_a_video(void)
{
    const struct tiny tiny = {V21, .has_video = true};
    const char *set = tiny_build("badvideo", &tiny);
    struct et_err err = {0};
    struct et_episode episode;

    tiny_remove(set, "videos/chunk-000/" TINY_CAMERA "/episode_000000.mp4");
    tiny_write(set, "videos/chunk-000/" TINY_CAMERA "/episode_000001.mp4", "no video");
    struct et_dataset *ds = open_set(set);
    CHECK_OK(et_dataset_episode(ds, 0, arena, &episode, &err));
    CHECK(!episode.videos[0].is_present);
    CHECK_STR(episode.videos[0].trouble, "no such file");
    CHECK_OK(et_dataset_episode(ds, 1, arena, &episode, &err));
    CHECK(!episode.videos[0].is_present);
    CHECK_HAS(episode.videos[0].trouble, "episode_000001.mp4");
    CHECK_OK(et_dataset_episode(ds, 2, arena, &episode, &err));
    CHECK(episode.videos[0].is_present);
    CHECK_EQ(episode.videos[0].n_frames, 7);
    et_dataset_close(ds);
}

static void tells_the_claims_of_an_episode(void)
{
    const struct tiny tiny = {V21, .has_video = true};
    const char *set = tiny_build("claims", &tiny);
    struct et_err err = {0};
    struct et_episode episode;

    tiny_edit(set, "meta/episodes_stats.jsonl", "\"count\":[9]", "\"count\":[90]");
    tiny_edit(set, "meta/episodes_stats.jsonl", "\"episode_index\":1,\"stats\":{",
              "\"episode_index\":1,\"stats\":{{");
    struct et_dataset *ds = open_set(set);
    CHECK_OK(et_dataset_episode(ds, 0, arena, &episode, &err));
    CHECK_EQ(episode.n_claims, 8);
    CHECK_STR(episode.claims[0].stream_or_feature, "observation.state");
    CHECK_EQ(episode.claims[0].n_values, 2);
    CHECK_EQ(episode.claims[0].count, 90);
    CHECK_NEAR(episode.claims[0].max[0], (double)(float)sin(4 * 0.4), 1e-9);
    CHECK_OK(et_dataset_episode(ds, 1, arena, &episode, &err));
    CHECK_EQ(episode.n_claims, 0);
    CHECK(has_remark(episode.remarks, episode.n_remarks, "statistics"));
    et_dataset_close(ds);
}

/* ---- threads ---- */

#define N_READS 60
struct reads {
    const struct et_dataset *ds;
    uint64_t hashes[N_READS];
};

static enum et_status read_one(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct reads *reads = ctx;
    struct et_arena *own;
    struct et_episode episode;
    struct et_episode_digest digest;

    (void)worker;
    enum et_status st = et_arena_open(&own, 1 << 24, err);
    if (st != ET_OK)
        return st;
    st = et_dataset_episode(reads->ds, (int64_t)(i % TINY_EPISODES), own, &episode, err);
    if (st == ET_OK) {
        et_episode_digest(&episode, &digest);
        reads->hashes[i] = digest.content_hash;
    }
    et_arena_close(own);
    return st;
}

static void reads_from_many_threads(void)
{
    const struct tiny tiny = {V30, .has_video = true};
    static struct reads reads;
    struct et_err err = {0};
    struct et_pool *pool;

    struct et_dataset *ds = open_set(tiny_build("threads", &tiny));
    reads.ds = ds;
    CHECK_OK(et_pool_open(&pool, 4, &err));
    const struct et_pool_job job = {.n_tasks = N_READS, .work = read_one, .ctx = &reads};
    CHECK_OK(et_pool_run(pool, &job, &err));
    for (size_t i = 0; i < N_READS; i++)
        CHECK(reads.hashes[i] == reads.hashes[i % TINY_EPISODES]);
    CHECK(reads.hashes[0] != reads.hashes[1]);
    et_pool_close(pool);
    et_dataset_close(ds);
}

int main(void)
{
    RUN(gives_columns_as_they_are_stored);
    RUN(says_what_does_not_fit);
    RUN(says_that_a_width_is_another);
    RUN(gives_what_is_no_rectangle_leaf_by_leaf);
    RUN(says_why_rows_cannot_be_read);
    RUN(stops_at_the_arenas_limit);
    RUN(believes_the_rows_more_than_the_metadata);
    RUN(gives_no_rows_that_are_of_another_episode);
    RUN(finds_rows_where_lerobot_reads_them);
    RUN(finds_no_rows_that_are_not_there);
    RUN(goes_by_the_metadata_without_episode_index);
    RUN(knows_that_an_episode_was_cut);
    RUN(makes_tracks_of_rows);
    RUN(needs_a_profile_for_episodes);
    RUN(knows_how_times_came_about);
    RUN(says_what_is_wrong_with_a_video);
    RUN(tells_the_claims_of_an_episode);
    RUN(reads_from_many_threads);
    et_arena_close(arena);
    return tap_end();
}
