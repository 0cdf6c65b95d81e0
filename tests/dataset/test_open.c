// Opening a dataset: what it says of itself, in every form in use, and whatever is wrong with it.
#include "tiny_set.h"

#include "support.h"
#include "tap.h"

#include "dataset/dataset__internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define V20 .layout = ET_LAYOUT_V20
#define V21 .layout = ET_LAYOUT_V21
#define V30 .layout = ET_LAYOUT_V30

static const char INFO[] = "meta/info.json";

// A remark that has the words in its place or its text.
static const struct et_remark *find_remark(const struct et_dataset *ds, const char *words)
{
    const struct et_set_claims *claims = &et_dataset_info(ds)->claims;

    for (size_t i = 0; i < claims->n_remarks; i++) {
        if (strstr(claims->remarks[i].text, words) || strstr(claims->remarks[i].where, words))
            return &claims->remarks[i];
    }
    return NULL;
}

static struct et_dataset *open_set(const char *set)
{
    struct et_err err = {0};
    struct et_dataset *ds = NULL;

    CHECK_OK(et_dataset_open(&ds, set, &err));
    if (!ds)
        exit(1);
    return ds;
}

static void fails(const char *set, enum et_status status, const char *words)
{
    struct et_err err = {0};
    struct et_dataset *ds;

    CHECK_EQ(et_dataset_open(&ds, set, &err), status);
    CHECK_HAS(err.text, words);
    CHECK(ds == NULL);
    et_dataset_close(ds);
}

/* ---- what it says ---- */

static void says_the_same_of_every_layout(void)
{
    static const enum et_layout LAYOUTS[] = {ET_LAYOUT_V20, ET_LAYOUT_V21, ET_LAYOUT_V30};

    for (size_t i = 0; i < 3; i++) {
        const struct tiny tiny = {.layout = LAYOUTS[i], .has_video = true};
        struct et_dataset *ds = open_set(tiny_build("same", &tiny));
        const struct et_dataset_info *info = et_dataset_info(ds);
        CHECK_EQ(info->layout, LAYOUTS[i]);
        CHECK_STR(info->robot_type, "tiny");
        CHECK_NEAR(info->fps, 10, 0);
        CHECK_EQ(info->n_episodes, 3);
        CHECK_EQ(info->n_rows, 24);
        CHECK_EQ(info->n_features, 8);
        CHECK_EQ(info->n_tasks, 1);
        CHECK_STR(info->tasks[0], "put the apple into the bowl");
        CHECK(!info->is_unfinished);
        CHECK_EQ(info->claims.n_remarks, 0);
        CHECK_EQ(info->claims.n_episodes, 3);
        CHECK_EQ(info->claims.n_rows, 24);
        CHECK_EQ(info->claims.n_videos_found, i < 2 ? 3 : 2);
        CHECK_STR(info->claims.splits, "train 0:3");
        CHECK_EQ(info->claims.split_last, 3);
        CHECK((info->stats != NULL) == (LAYOUTS[i] != ET_LAYOUT_V21));
        CHECK(info->modality == NULL);
        et_dataset_close(ds);
    }
}

static void describes_features(void)
{
    const struct tiny tiny = {V30, .has_video = true};
    struct et_dataset *ds = open_set(tiny_build("features", &tiny));
    const struct et_dataset_info *info = et_dataset_info(ds);
    const struct et_feature *state = &info->features[0];
    const struct et_feature *camera = &info->features[2];
    int64_t height, width, channels;

    CHECK_STR(state->name, "observation.state");
    CHECK_EQ(state->dtype, ET_DTYPE_FLOAT32);
    CHECK_STR(et_dtype_text(state->dtype), "float32");
    CHECK_EQ(state->n_values, 2);
    CHECK_STR(state->names[1], "elbow");
    CHECK_EQ(camera->dtype, ET_DTYPE_VIDEO);
    CHECK_EQ(camera->n_values, 0);
    CHECK_EQ(camera->n_dims, 3);
    CHECK(camera->names == NULL);
    CHECK(et__picture_size(camera, &height, &width, &channels));
    CHECK_EQ(height, 48);
    CHECK_EQ(width, 64);
    CHECK_EQ(channels, 3);
    CHECK_EQ(et_dataset_find(ds, "action"), 1);
    CHECK_EQ(et_dataset_find(ds, "nothing"), -1);
    et_dataset_close(ds);
}

static void takes_names_in_every_form(void)
{
    static const char *const FORMS[] = {
        "[[\"shoulder\", \"elbow\"]]",
        "{\"motors\": [\"shoulder\", \"elbow\"]}",
        "{\"elbow\": 1, \"shoulder\": 0}",
        "[\"shoulder\", \"elbow\"]",
        "{\"left\": \"shoulder\", \"right\": \"elbow\"}",
    };

    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        const struct tiny tiny = {V21};
        char text[256];
        const char *set = tiny_build("names", &tiny);
        (void)snprintf(text, sizeof text, "\"names\": %s, \"was\": [\n                \"shoulder\"",
                       FORMS[i]);
        tiny_edit(set, INFO, "\"names\": [\n                \"shoulder\"", text);
        struct et_dataset *ds = open_set(set);
        const struct et_feature *state = &et_dataset_info(ds)->features[0];
        if (CHECK(state->names != NULL)) {
            CHECK_STR(state->names[0], "shoulder");
            CHECK_STR(state->names[1], "elbow");
        }
        et_dataset_close(ds);
    }
}

static void leaves_names_that_do_not_fit(void)
{
    static const char *const FORMS[] = {"[\"shoulder\"]", "{\"a\": 0, \"b\": 0}",
                                        "{\"a\": 7}",     "\"both\"",
                                        "[1, 2]",         "[[\"a\", \"b\"], [\"c\", \"d\"]]"};

    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        const struct tiny tiny = {V21};
        char text[256];
        const char *set = tiny_build("badnames", &tiny);
        (void)snprintf(text, sizeof text, "\"names\": %s, \"was\": [\n                \"shoulder\"",
                       FORMS[i]);
        tiny_edit(set, INFO, "\"names\": [\n                \"shoulder\"", text);
        struct et_dataset *ds = open_set(set);
        CHECK(et_dataset_info(ds)->features[0].names == NULL);
        CHECK(find_remark(ds, "2 values and") != NULL);
        et_dataset_close(ds);
    }
}

static void knows_pictures_by_their_axes(void)
{
    const struct tiny tiny = {V20, .has_video = true};
    const char *set = tiny_build("axes", &tiny);
    int64_t height, width, channels;

    tiny_edit(set, INFO, "48,\n                64,\n                3",
              "3,\n                48,\n                64");
    tiny_edit(set, INFO, "\"names\": [\n                \"height\"",
              "\"names\": null, \"axes\": [\n                \"height\"");
    tiny_edit(set, INFO, "\"info\"", "\"video_info\"");
    struct et_dataset *ds = open_set(set);
    const struct et_feature *camera = &et_dataset_info(ds)->features[2];
    CHECK(et__picture_size(camera, &height, &width, &channels));
    CHECK_EQ(height, 48);
    CHECK_EQ(width, 64);
    CHECK_STR(et_value_text(et_value_get(et__video_declared(camera), "video.codec"), ""), "h264");
    et_dataset_close(ds);
}

static void takes_a_rate_with_a_point(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("rate", &tiny);

    tiny_edit(set, INFO, "\"fps\": 10", "\"fps\": 20.0");
    struct et_dataset *ds = open_set(set);
    CHECK_NEAR(et_dataset_info(ds)->fps, 20, 0);
    CHECK_EQ(et_dataset_info(ds)->claims.n_remarks, 0);
    et_dataset_close(ds);
}

static void takes_the_layout_by_its_version(void)
{
    static const struct {
        const char *text;
        enum et_layout layout;
    } VERSIONS[] = {{"v2.0", ET_LAYOUT_V20}, {"v2.1", ET_LAYOUT_V21}, {"v2.2", ET_LAYOUT_V21}};

    for (size_t i = 0; i < 3; i++) {
        const struct tiny tiny = {V21};
        const char *set = tiny_build("version", &tiny);
        tiny_edit(set, INFO, "v2.1", VERSIONS[i].text);
        struct et_dataset *ds = open_set(set);
        CHECK_EQ(et_dataset_info(ds)->layout, VERSIONS[i].layout);
        et_dataset_close(ds);
    }
}

static void uses_a_template_of_its_own(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("template", &tiny);
    struct et_err err = {0};
    struct et_arena *arena;
    struct et_episode_meta meta;

    tiny_edit(set, INFO, "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
              "rows/{episode_index}-{episode_chunk:02d}.parquet");
    tiny_copy(set, "data/chunk-000/episode_000002.parquet", "rows/2-00.parquet");
    struct et_dataset *ds = open_set(set);
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_dataset_episode_meta(ds, 2, arena, &meta, &err));
    CHECK(meta.has_data);
    CHECK_HAS(meta.data_path, "/rows/2-00.parquet");
    CHECK_OK(et_dataset_episode_meta(ds, 1, arena, &meta, &err));
    CHECK(!meta.has_data);
    et_arena_close(arena);
    et_dataset_close(ds);
}

static void refuses_templates_that_lead_out(void)
{
    static const char *const BAD[] = {
        "../x/{episode_index}.parquet", "/etc/passwd",         "data/{episode_index:5x}.parquet",
        "data/{home}.parquet",          "data/{episode_index", ""};

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        const struct tiny tiny = {V21};
        const char *set = tiny_build("templates", &tiny);
        tiny_edit(set, INFO, "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
                  BAD[i]);
        struct et_dataset *ds = open_set(set);
        CHECK(find_remark(ds, "data_path cannot be used") != NULL);
        CHECK_STR(ds->data_template, et__data_template(ET_LAYOUT_V21));
        et_dataset_close(ds);
    }
}

/* ---- episodes ---- */

static void says_where_an_episode_is(void)
{
    const struct tiny tiny = {V30, .has_video = true};
    const char *set = tiny_build("where", &tiny);
    struct et_dataset *ds = open_set(set);
    struct et_err err = {0};
    struct et_arena *arena;
    struct et_episode_meta meta;

    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_dataset_episode_meta(ds, 1, arena, &meta, &err));
    CHECK_EQ(meta.index, 1);
    CHECK_EQ(meta.n_rows, 8);
    CHECK_EQ(meta.n_tasks, 1);
    CHECK_HAS(meta.data_path, "data/chunk-000/file-000.parquet");
    CHECK(meta.has_data);
    CHECK_EQ(meta.first_row, 9);
    CHECK_EQ(meta.from_index, 9);
    CHECK_EQ(meta.n_videos, 1);
    CHECK(meta.videos[0].is_present);
    CHECK_NEAR(meta.videos[0].from_s, 0.9, 1e-12);
    CHECK_NEAR(meta.videos[0].to_s, 1.7, 1e-12);
    CHECK_OK(et_dataset_episode_meta(ds, 2, arena, &meta, &err));
    CHECK_HAS(meta.data_path, "file-001.parquet");
    CHECK_EQ(meta.first_row, 0);
    CHECK_EQ(meta.from_index, 17);
    CHECK_EQ(et_dataset_episode_meta(ds, 3, arena, &meta, &err), ET_EARG);
    CHECK_EQ(et_dataset_episode_meta(ds, -1, arena, &meta, &err), ET_EARG);
    et_dataset_close(ds);
    et_arena_close(arena);
}

static void gives_an_episode_its_statistics(void)
{
    const struct tiny tiny = {V21, .has_video = true};
    struct et_dataset *ds = open_set(tiny_build("episode_stats", &tiny));
    struct et_err err = {0};
    struct et_arena *arena;
    struct et_episode_meta meta;

    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_dataset_episode_meta(ds, 2, arena, &meta, &err));
    CHECK_EQ(meta.from_index, 17);
    CHECK_EQ(meta.first_row, 0);
    const struct et_value *stats = et__episode_stats(ds, &ds->episodes[2], arena);
    const struct et_value *count = et_value_get(et_value_get(stats, "index"), "count");
    CHECK_EQ(et_value_int(et_value_at(count, 0), 0), 7);
    CHECK_NEAR(meta.videos[0].to_s, 0.7, 1e-12);
    CHECK_HAS(meta.videos[0].path, "videos/chunk-000/" TINY_CAMERA "/episode_000002.mp4");
    et_dataset_close(ds);
    et_arena_close(arena);
}

static void keeps_the_lines_around_a_bad_one(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("lines", &tiny);

    tiny_edit(set, "meta/episodes.jsonl", "{\"episode_index\":1", "{\"episode_index\":1]");
    tiny_append(set, "meta/episodes.jsonl", "\n[1]\n{\"episode_index\": -4}\n");
    struct et_dataset *ds = open_set(set);
    CHECK_EQ(et_dataset_info(ds)->n_episodes, 2);
    CHECK(find_remark(ds, "meta/episodes.jsonl:2") != NULL);
    CHECK(find_remark(ds, "meta/episodes.jsonl:5") != NULL);
    CHECK(find_remark(ds, "meta/episodes.jsonl:6") != NULL);
    et_dataset_close(ds);
}

static void reads_a_last_line_without_a_line_feed(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("lastline", &tiny);

    tiny_append(set, "meta/tasks.jsonl", "{\"task_index\": 2, \"task\": \"wave\"}");
    struct et_dataset *ds = open_set(set);
    CHECK_EQ(et_dataset_info(ds)->n_tasks, 3);
    CHECK(et_dataset_info(ds)->tasks[1] == NULL);
    CHECK_STR(et_dataset_info(ds)->tasks[2], "wave");
    CHECK_EQ(et_dataset_info(ds)->claims.n_tasks_found, 2);
    CHECK_EQ(et_dataset_info(ds)->claims.n_tasks_listed, 2);
    et_dataset_close(ds);
}

static void sorts_episodes_by_their_numbers(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("sorted", &tiny);
    static const char LINES[] =
        "{\"episode_index\": 2, \"tasks\": \"one text\", \"length\": 7}\n"
        "{\"episode_index\": 0, \"tasks\": [], \"length\": 9}\n"
        "{\"episode_index\": 1, \"tasks\": [\"a\", \"b\"], \"length\": null}\n"
        "{\"episode_index\": 2, \"tasks\": [\"one text\"], \"length\": 7}\n";

    tiny_write(set, "meta/episodes.jsonl", LINES);
    struct et_dataset *ds = open_set(set);
    CHECK_EQ(et_dataset_info(ds)->n_episodes, 3);
    CHECK_EQ(ds->episodes[0].index, 0);
    CHECK_EQ(ds->episodes[1].n_tasks, 2);
    CHECK_EQ(ds->episodes[1].n_rows, 8); // by its file
    CHECK_STR(ds->episodes[2].tasks[0], "one text");
    CHECK(find_remark(ds, "episode 2 is listed twice") != NULL);
    CHECK(find_remark(ds, "not in the order") != NULL);
    CHECK(find_remark(ds, "the length of episode 1") != NULL);
    et_dataset_close(ds);
}

static void finds_episodes_by_their_files(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("byfiles", &tiny);

    tiny_remove(set, "meta/episodes.jsonl");
    tiny_write(set, "data/chunk-000/notes.parquet", "");
    struct et_dataset *ds = open_set(set);
    CHECK_EQ(et_dataset_info(ds)->n_episodes, 3);
    CHECK_EQ(et_dataset_info(ds)->n_rows, 24);
    et_dataset_close(ds);
}

static void finds_episodes_by_their_rows(void)
{
    const struct tiny tiny = {V30, .has_video = true};
    const char *set = tiny_build("byrows", &tiny);
    struct et_err err = {0};
    struct et_arena *arena;
    struct et_episode_meta meta;
    struct et_rows rows;

    tiny_remove(set, "meta/episodes");
    struct et_dataset *ds = open_set(set);
    CHECK_EQ(et_dataset_info(ds)->n_episodes, 3);
    CHECK_EQ(et_dataset_info(ds)->n_rows, 24);
    CHECK(find_remark(ds, "3 episodes were made") != NULL);
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_dataset_episode_meta(ds, 1, arena, &meta, &err));
    CHECK_EQ(meta.first_row, 9);
    CHECK_EQ(meta.n_tasks, 1);
    CHECK_STR(meta.tasks[0], "put the apple into the bowl");
    CHECK(meta.videos[0].path == NULL);
    CHECK(!meta.videos[0].is_present);
    CHECK_OK(et_dataset_rows(ds, 2, arena, &rows, &err));
    CHECK_EQ(rows.n_rows, 7);
    CHECK_EQ(rows.n_remarks, 0);
    et_arena_close(arena);
    et_dataset_close(ds);
}

static void counts_bytes(void)
{
    const struct tiny tiny = {V21, .has_video = true};
    const char *set = tiny_build("bytes", &tiny);
    struct et_dataset *ds = open_set(set);
    struct et_err err = {0};
    int64_t without, with, want = 0;
    static const char *const VIDEOS[] = {"0", "1", "2"};

    CHECK_OK(et_dataset_bytes(ds, false, &without, &err));
    CHECK_OK(et_dataset_bytes(ds, true, &with, &err));
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/videos/chunk-000/" TINY_CAMERA "/episode_00000%s.mp4",
                       set, VIDEOS[i]);
        CHECK_EQ(stat(path, &st), 0);
        want += st.st_size;
    }
    CHECK(without > 0);
    CHECK_EQ(with - without, want);
    et_dataset_close(ds);
}

/* ---- what it cannot open ---- */

static void says_why_it_cannot_open(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("cannot", &tiny);
    char file[512];

    fails(temp_path("absent"), ET_ENOTFOUND, "no such folder");
    (void)snprintf(file, sizeof file, "%s/data/chunk-000/episode_000000.parquet", set);
    fails(file, ET_ENOTFOUND, "not a folder");
    (void)snprintf(file, sizeof file, "%s/data", set);
    fails(file, ET_ENOTFOUND, "not a LeRobot dataset");
    tiny_edit(set, INFO, "\"v2.1\"", "\"v1.6\"");
    fails(set, ET_EUNSUPPORTED, "v1.6");
    tiny_edit(set, INFO, "\"v1.6\"", "null");
    fails(set, ET_ECORRUPT, "codebase_version");
    tiny_edit(set, INFO, "null", "\"v2.1\"");
    tiny_edit(set, INFO, "\"fps\": 10", "\"fps\": 0");
    fails(set, ET_ECORRUPT, "fps");
    tiny_edit(set, INFO, "\"fps\": 0", "\"fps\": 10");
    tiny_edit(set, INFO, "\"features\"", "\"feature\"");
    fails(set, ET_ECORRUPT, "features");
    tiny_write(set, INFO, "[1]");
    fails(set, ET_ECORRUPT, "not a JSON object");
    tiny_write(set, INFO, "");
    fails(set, ET_ECORRUPT, "info.json");
    tiny_remove(set, INFO);
    fails(set, ET_ENOTFOUND, "meta/info.json");
}

static void says_that_a_folder_cannot_be_read(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("closed", &tiny);
    const uid_t me = geteuid();
    char folder[512];

    (void)snprintf(folder, sizeof folder, "%s/meta", set);
    CHECK_EQ(chmod(folder, 0), 0);
    if (me == 0) // root reads every folder: be nobody for a moment
        CHECK_EQ(seteuid(65534), 0);
    fails(set, ET_EIO, "closed");
    CHECK_EQ(seteuid(me), 0);
    CHECK_EQ(chmod(folder, 0755), 0);
}

static void refuses_more_features_than_the_limit(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("features_max", &tiny);
    struct et_buf buf = et_buf(1 << 20);

    et_buf_puts(&buf, "\"features\": {");
    for (int i = 0; i <= ET_FEATURES_MAX; i++)
        et_buf_printf(&buf, "\"f%d\": {\"dtype\": \"int64\", \"shape\": [1]}, ", i);
    tiny_edit(set, INFO, "\"features\": {", et_buf_text(&buf));
    et_buf_free(&buf);
    fails(set, ET_ELIMIT, "features");
}

static void survives_hostile_sizes(void)
{
    static const char *const SHAPES[] = {"[9223372036854775807, 9223372036854775807]",
                                         "[-2]",
                                         "[16777216, 16777216]",
                                         "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]",
                                         "{}",
                                         "2"};

    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        const struct tiny tiny = {V21};
        char text[256];
        const char *set = tiny_build("sizes", &tiny);
        (void)snprintf(text, sizeof text, "\"shape\": %s, \"was\": [", SHAPES[i]);
        tiny_edit(set, INFO, "\"shape\": [", text);
        struct et_dataset *ds = open_set(set);
        CHECK(find_remark(ds, "shape of observation.state") != NULL);
        CHECK_EQ(et_dataset_info(ds)->features[0].n_values, 0);
        et_dataset_close(ds);
    }
}

static void survives_hostile_lengths(void)
{
    const struct tiny tiny = {V21};
    const char *set = tiny_build("lengths", &tiny);

    tiny_write(set, "meta/episodes.jsonl",
               "{\"episode_index\": 0, \"tasks\": [\"a\"], \"length\": 9223372036854775807}\n"
               "{\"episode_index\": 1, \"tasks\": [\"a\"], \"length\": 4000000000000000000}\n"
               "{\"episode_index\": 2, \"tasks\": [\"a\"], \"length\": 4000000000000000000}\n"
               "{\"episode_index\": 99999999999, \"tasks\": [\"a\"], \"length\": 3}\n");
    tiny_append(set, "meta/tasks.jsonl", "{\"task_index\": 999999999999, \"task\": \"far\"}\n");
    struct et_dataset *ds = open_set(set);
    CHECK_EQ(et_dataset_info(ds)->n_episodes, 3);
    CHECK(find_remark(ds, "beyond all numbers") != NULL);
    CHECK(find_remark(ds, "task_index 999999999999") != NULL);
    et_dataset_close(ds);
}

/* ---- cut and flipped ---- */

/* A share/ with two profiles: all of them are read whenever one is guessed, thousands of times. */
static const char *make_small_share(void)
{
    static const char *const PROFILES[] = {"share/profiles/generic.yaml",
                                           "share/profiles/unitree-g1.yaml"};
    const char *own = temp_path("share");
    CHECK_EQ(mkdir(own, 0777), 0);
    CHECK_EQ(mkdir(temp_path("share/profiles"), 0777), 0);
    for (size_t i = 0; i < sizeof PROFILES / sizeof *PROFILES; i++) {
        size_t n;
        void *text = read_file(source_path(PROFILES[i]), &n);
        if (CHECK(text != NULL))
            write_file(temp_path(PROFILES[i]), text, n);
        free(text);
    }
    return own;
}

struct hostile {
    const char *set;
    int64_t n_opened;
};

// Opens, reads what can be read, closes. Nothing may crash; failures must say why.
static void open_hostile(const char *path, size_t at, void *ctx)
{
    struct hostile *hostile = ctx;
    struct et_err err = {0};
    struct et_dataset *ds;
    struct et_arena *arena;

    (void)path;
    (void)at;
    const enum et_status st = et_dataset_open(&ds, hostile->set, &err);
    if (st != ET_OK) {
        CHECK(st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT);
        CHECK(err.text[0] != '\0');
        return;
    }
    hostile->n_opened++;
    CHECK_OK(et_arena_open(&arena, 1 << 24, &err));
    if (et_dataset_use_profile(ds, NULL, &err) == ET_OK) {
        for (int64_t i = 0; i < et_dataset_info(ds)->n_episodes && i < 4; i++) {
            struct et_episode episode;
            const enum et_status read = et_dataset_episode(ds, i, arena, &episode, &err);
            CHECK(read == ET_OK || read == ET_ELIMIT);
        }
    }
    et_arena_close(arena);
    et_dataset_close(ds);
}

static void attack(const struct tiny *tiny, const char *file, size_t step)
{
    const char *set = tiny_build("hostile", tiny);
    struct hostile hostile = {.set = set};
    char path[512];
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", set, file);
    void *data = read_file(path, &n);
    if (CHECK(data != NULL)) {
        cut_at_every_byte(data, n, step, path, open_hostile, &hostile);
        flip_every_byte(data, n, step, path, open_hostile, &hostile);
        CHECK(hostile.n_opened > 0);
    }
    free(data);
}

static void survives_any_cut_or_flip_of_info(void)
{
    const struct tiny tiny = {V21};
    attack(&tiny, INFO, 7);
}

static void survives_any_cut_or_flip_of_the_episodes(void)
{
    const struct tiny tiny = {V21};
    attack(&tiny, "meta/episodes.jsonl", 1);
}

static void survives_any_cut_or_flip_of_the_tasks(void)
{
    const struct tiny v21 = {V21}, v30 = {V30};
    attack(&v21, "meta/tasks.jsonl", 1);
    attack(&v30, "meta/tasks.parquet", 5);
}

static void survives_any_cut_or_flip_of_the_statistics(void)
{
    const struct tiny v21 = {V21}, v30 = {V30};
    attack(&v21, "meta/episodes_stats.jsonl", 17);
    attack(&v30, "meta/stats.json", 17);
}

static void survives_any_cut_or_flip_of_the_episodes_of_v3(void)
{
    const struct tiny tiny = {V30, .has_video = true, .without_episode_stats = true};
    attack(&tiny, "meta/episodes/chunk-000/file-000.parquet", 5);
}

static void survives_any_cut_or_flip_of_modality(void)
{
    const struct tiny tiny = {V21};
    static const char TEXT[] =
        "{\"state\": {\"arm\": {\"start\": 0, \"end\": 2}}, \"video\": {\"ego\": "
        "{\"original_key\": \"observation.images.front\"}}, \"annotation\": {\"human\": {}}}";
    const char *set = tiny_build("hostile_modality", &tiny);
    struct hostile hostile = {.set = set};
    char path[512];

    (void)snprintf(path, sizeof path, "%s/meta/modality.json", set);
    cut_at_every_byte(TEXT, sizeof TEXT - 1, 1, path, open_hostile, &hostile);
    flip_every_byte(TEXT, sizeof TEXT - 1, 1, path, open_hostile, &hostile);
    CHECK(hostile.n_opened > 0);
}

/* ---- real data ---- */

static void knows_the_real_unitree_set(void)
{
    const char *path = data_path("unitree_g1/meta/info.json");
    struct et_err err = {0};
    struct et_arena *arena;
    int64_t n_rows = 0, n_absent = 0, n_synthetic = 0, n_frames = 0;

    if (!path) {
        tap_skip("no data");
        return;
    }
    struct et_dataset *ds = open_set(data_path("unitree_g1"));
    const struct et_dataset_info *info = et_dataset_info(ds);
    CHECK_EQ(info->layout, ET_LAYOUT_V21);
    CHECK_STR(info->robot_type, "Unitree_G1_Inspire");
    CHECK_EQ(info->n_episodes, 100);
    CHECK_EQ(info->n_rows, 35965);
    CHECK_EQ(info->claims.n_videos, 100);
    CHECK_EQ(info->claims.n_videos_found, 8);
    CHECK_EQ(info->claims.n_remarks, 0);
    CHECK_STR(info->features[0].names[25], "kRightHandThumbRotation");
    CHECK_OK(et_dataset_use_profile(ds, NULL, &err));
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    for (int64_t i = 0; i < info->n_episodes; i++) {
        const struct et_arena_mark mark = et_arena_mark(arena);
        struct et_episode episode = {0};
        CHECK_OK(et_dataset_episode(ds, i, arena, &episode, &err));
        CHECK_EQ(episode.n_rows, episode.n_rows_claimed);
        CHECK_EQ(episode.n_tracks, 8);
        CHECK_EQ(episode.n_remarks, 0);
        n_rows += episode.n_rows;
        n_synthetic += episode.time_kind == ET_TIME_SYNTHETIC;
        n_absent += !episode.videos[0].is_present;
        n_frames += episode.videos[0].n_frames;
        CHECK(!episode.videos[0].is_present || episode.videos[0].n_frames == episode.n_rows);
        et_arena_rewind(arena, mark);
    }
    CHECK_EQ(n_rows, 35965);
    CHECK_EQ(n_synthetic, 100);
    CHECK_EQ(n_absent, 92);
    CHECK(n_frames > 0);
    et_arena_close(arena);
    et_dataset_close(ds);
}

static void names_what_is_wrong_in_the_real_gr1_set(void)
{
    const char *path = data_path("gr1_pick_and_place/demo_data/robot_sim.PickNPlace");
    struct et_err err = {0};
    struct et_arena *arena;

    if (!path) {
        tap_skip("no data");
        return;
    }
    struct et_dataset *ds = open_set(path);
    const struct et_dataset_info *info = et_dataset_info(ds);
    CHECK_EQ(info->layout, ET_LAYOUT_V20);
    CHECK_EQ(info->n_episodes, 5);
    CHECK_EQ(info->n_rows, 2096);
    CHECK_EQ(info->n_tasks, 6);
    CHECK_EQ(info->claims.n_videos, 2);
    CHECK_EQ(info->claims.n_videos_found, 5);
    CHECK_EQ(info->claims.split_last, 100);
    const struct et_remark *remark = find_remark(ds, "state.left_arm");
    CHECK(remark != NULL);
    CHECK_HAS(remark ? remark->text : NULL, "original_key \"action\"");
    CHECK_OK(et_dataset_use_profile(ds, NULL, &err));
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    struct et_episode episode = {0};
    CHECK_OK(et_dataset_episode(ds, 4, arena, &episode, &err));
    CHECK_EQ(episode.n_rows, 328);
    CHECK_EQ(episode.time_kind, ET_TIME_SYNTHETIC);
    CHECK_EQ(episode.n_tasks, 2);
    CHECK_STR(episode.tasks[1], "valid");
    CHECK_EQ(episode.n_remarks, 1);
    CHECK_HAS(episode.remarks[0].text, "\"valid\"");
    CHECK_STR(episode.videos[0].source, "observation.images.egoview");
    CHECK_STR(episode.videos[0].trouble, "no such file");
    CHECK_EQ(episode.videos[1].n_frames, 328);
    et_arena_close(arena);
    et_dataset_close(ds);
}

static void opens_metadata_without_any_data(void)
{
    struct et_err err = {0};
    struct et_arena *arena;

    if (!data_path("reachy2_meta_v21_v30/v21_apple_storage/meta/info.json")) {
        tap_skip("no data");
        return;
    }
    struct et_dataset *ds = open_set(data_path("reachy2_meta_v21_v30/v21_apple_storage"));
    CHECK_EQ(et_dataset_info(ds)->n_episodes, 3);
    CHECK_EQ(et_dataset_info(ds)->claims.n_rows, 14983);
    CHECK_EQ(et_dataset_info(ds)->claims.n_rows_found, 899);
    CHECK_OK(et_dataset_use_profile(ds, NULL, &err));
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    struct et_episode episode = {0};
    CHECK_OK(et_dataset_episode(ds, 0, arena, &episode, &err));
    CHECK_EQ(episode.n_rows, 0);
    CHECK_EQ(episode.n_tracks, 0);
    CHECK_EQ(episode.n_rows_claimed, 299);
    CHECK_EQ(episode.n_claims, 8);
    CHECK_EQ(episode.remarks[0].severity, ET_SEVERITY_ERROR);
    et_arena_close(arena);
    et_dataset_close(ds);

    ds = open_set(data_path("reachy2_meta_v21_v30/v30_apple_storage"));
    CHECK_EQ(et_dataset_info(ds)->layout, ET_LAYOUT_V30);
    CHECK_EQ(et_dataset_info(ds)->n_episodes, 0);
    CHECK_EQ(et_dataset_info(ds)->claims.n_rows, 14983);
    CHECK(et_dataset_info(ds)->stats != NULL);
    CHECK(find_remark(ds, "meta/episodes") != NULL);
    et_dataset_close(ds);
}

int main(void)
{
    RUN(says_the_same_of_every_layout);
    RUN(describes_features);
    RUN(takes_names_in_every_form);
    RUN(leaves_names_that_do_not_fit);
    RUN(knows_pictures_by_their_axes);
    RUN(takes_a_rate_with_a_point);
    RUN(takes_the_layout_by_its_version);
    RUN(uses_a_template_of_its_own);
    RUN(refuses_templates_that_lead_out);
    RUN(says_where_an_episode_is);
    RUN(gives_an_episode_its_statistics);
    RUN(keeps_the_lines_around_a_bad_one);
    RUN(reads_a_last_line_without_a_line_feed);
    RUN(sorts_episodes_by_their_numbers);
    RUN(finds_episodes_by_their_files);
    RUN(finds_episodes_by_their_rows);
    RUN(counts_bytes);
    RUN(says_why_it_cannot_open);
    RUN(says_that_a_folder_cannot_be_read);
    RUN(refuses_more_features_than_the_limit);
    RUN(survives_hostile_sizes);
    RUN(survives_hostile_lengths);
    RUN(knows_the_real_unitree_set);
    RUN(names_what_is_wrong_in_the_real_gr1_set);
    RUN(opens_metadata_without_any_data);
    CHECK_EQ(setenv("ETUDE_SHARE", make_small_share(), 1), 0);
    RUN(survives_any_cut_or_flip_of_info);
    RUN(survives_any_cut_or_flip_of_the_episodes);
    RUN(survives_any_cut_or_flip_of_the_tasks);
    RUN(survives_any_cut_or_flip_of_the_statistics);
    RUN(survives_any_cut_or_flip_of_the_episodes_of_v3);
    RUN(survives_any_cut_or_flip_of_modality);
    return tap_end();
}
