#include "make_set.h"
#include "make_video.h"
#include "same_folder.h"

#define CAMERA "observation.images.head"

static const struct et_video_options H264 = {
    .codec = ET_VIDEO_H264, .width_px = 64, .height_px = 48, .fps = FPS};
static const struct et_video_options WIDE = {
    .codec = ET_VIDEO_H264, .width_px = 96, .height_px = 48, .fps = FPS};
static const char *source; // 50 frames

static struct et_dataset_spec camera_spec(enum et_layout layout)
{
    static const int64_t SHAPE[] = {48, 64, 3};
    static struct et_feature features[3];
    struct et_dataset_spec spec = small_spec(layout);
    features[0] = spec.features[0];
    features[1] = spec.features[1];
    features[2] =
        (struct et_feature){.name = CAMERA, .dtype = ET_DTYPE_VIDEO, .shape = SHAPE, .n_dims = 3};
    spec.features = features;
    spec.n_features = 3;
    spec.video.codec = ET_VIDEO_H264;
    return spec;
}

static enum et_status add_filmed(struct et_dataset_writer *writer, int64_t i,
                                 const struct et_new_video *video, struct et_err *err)
{
    float *state = small_cells(i, 0), *action = small_cells(i, 0.5f);
    const char *task = "pick it up";
    const struct et_column columns[] = {
        {"observation.state", 0, true, ET_PARQUET_FLOAT, N_JOINTS, state, NULL, 0, NULL, 0},
        {"action", 1, true, ET_PARQUET_FLOAT, N_JOINTS, action, NULL, 0, NULL, 0},
    };
    struct et_new_video filmed = *video;
    filmed.i_feature = 2;
    filmed.n_frames = rows_of(i);
    const struct et_new_episode added = {.n_rows = rows_of(i),
                                         .columns = columns,
                                         .n_columns = 2,
                                         .tasks = &task,
                                         .n_tasks = 1,
                                         .videos = &filmed,
                                         .n_videos = 1};
    const enum et_status st = et_dataset_add(writer, &added, err);
    free(state);
    free(action);
    return st;
}

/* The frame that row `row` of an episode shows. */
static int64_t frame_of_row(const char *path, int64_t episode, int64_t row)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    struct et_arena *arena = NULL;
    struct et_episode_meta meta = {0};
    int64_t seen = -1;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 24, &err));
    CHECK_OK(et_dataset_open(&set, path, &err));
    CHECK_OK(et_dataset_episode_meta(set, episode, arena, &meta, &err));
    if (CHECK(meta.n_videos == 1 && meta.videos[0].is_present))
        seen = frame_seen(meta.videos[0].path, (int64_t)(meta.videos[0].from_s * FPS + 0.5) + row);
    et_dataset_close(set);
    et_arena_close(arena);
    return seen;
}

static void check_findings(const char *path)
{
    struct et_err err = {0};
    struct et_findings findings = {0};
    const struct et_verify_options options = {.should_decode = true, .should_check_stats = true};
    CHECK_OK(et_arena_open(&findings.arena, (size_t)1 << 26, &err));
    CHECK_OK(et_dataset_verify(path, &options, &findings, &err));
    for (size_t i = 0; i < findings.n; i++)
        printf("# %s: %s\n", findings.items[i].kind, findings.items[i].text);
    CHECK_EQ(findings.n, 0);
    et_arena_close(findings.arena);
}

static void copies_frames_as_they_are(enum et_layout layout, const char *name)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    const struct et_dataset_spec spec = camera_spec(layout);
    CHECK_OK(et_dataset_create(&writer, temp_path(name), &spec, &err));
    for (int64_t i = 0; i < 4; i++) {
        const struct et_new_video video = {.path = source, .first_frame = 2 * i};
        CHECK_OK(add_filmed(writer, i, &video, &err));
    }
    struct et_dataset_totals totals;
    CHECK_OK(et_dataset_finish(writer, NULL, &totals, &err));
    CHECK_EQ(totals.n_frames_encoded, 0);
    CHECK_EQ(totals.n_frames_copied, rows_of(0) + rows_of(1) + rows_of(2) + rows_of(3));
    CHECK(is_small(temp_path(name), 4, 0));
    for (int64_t i = 0; i < 4; i++)
        for (int64_t row = 0; row < rows_of(i); row += 3)
            CHECK_EQ(frame_of_row(temp_path(name), i, row), 2 * i + row);
    check_findings(temp_path(name));
}

static void copies_frames_into_one_file(void)
{
    copies_frames_as_they_are(ET_LAYOUT_V30, "copied30");
    CHECK(!file_exists(temp_path("copied30/videos/" CAMERA "/chunk-000/file-001.mp4")));
}

static void copies_frames_into_a_file_an_episode(void)
{
    copies_frames_as_they_are(ET_LAYOUT_V21, "copied21");
    CHECK(file_exists(temp_path("copied21/videos/chunk-000/" CAMERA "/episode_000003.mp4")));
}

/* Odd first frames are no key frames (g = 2), so they cannot be copied. */
static void encodes_what_cannot_be_copied(void)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    struct et_dataset_totals totals;
    static const int64_t EVERY_THIRD[16] = {0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33};
    const struct et_new_video videos[] = {
        {.path = source, .first_frame = 2},
        {.path = source, .first_frame = 3},
        {.path = source, .first_frame = 1, .frame_of_row = EVERY_THIRD},
        {.path = source, .first_frame = 0, .must_encode = true},
        {.path = source, .first_frame = 4},
        {.path = NULL},
        {.path = temp_path("wide.mp4")},
    };
    const struct et_dataset_spec spec = camera_spec(ET_LAYOUT_V30);
    make_video(temp_path("wide.mp4"), &WIDE, 50);
    CHECK_OK(et_dataset_create(&writer, temp_path("encoded"), &spec, &err));
    for (int64_t i = 0; i < 6; i++)
        CHECK_OK(add_filmed(writer, i, &videos[i], &err));
    struct et_new_video wide = videos[6];
    wide.must_encode = true; // and is scaled to what is declared
    CHECK_OK(add_filmed(writer, 6, &wide, &err));
    CHECK_OK(et_dataset_finish(writer, NULL, &totals, &err));
    CHECK_EQ(totals.n_frames_copied, rows_of(0) + rows_of(4));
    CHECK(is_small(temp_path("encoded"), 7, 0));
    for (int64_t row = 0; row < 5; row += 2) {
        CHECK_EQ(frame_of_row(temp_path("encoded"), 0, row), 2 + row);
        CHECK_EQ(frame_of_row(temp_path("encoded"), 1, row), 3 + row);
        CHECK_EQ(frame_of_row(temp_path("encoded"), 2, row), 1 + 3 * row);
        CHECK_EQ(frame_of_row(temp_path("encoded"), 3, row), row);
        CHECK_EQ(frame_of_row(temp_path("encoded"), 4, row), 4 + row);
        CHECK_EQ(frame_of_row(temp_path("encoded"), 6, row), row);
    }
    check_findings(temp_path("encoded"));
}

static void begins_a_new_file_before_times_lose_their_digits(void)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    struct et_dataset_spec spec = camera_spec(ET_LAYOUT_V30);
    const struct et_new_video video = {.path = source};
    spec.video_file_s = 2;
    spec.chunk_files = 2;
    CHECK_OK(et_dataset_create(&writer, temp_path("split"), &spec, &err));
    for (int64_t i = 0; i < 8; i++)
        CHECK_OK(add_filmed(writer, i, &video, &err));
    CHECK_OK(et_dataset_finish(writer, NULL, NULL, &err));
    CHECK(file_exists(temp_path("split/videos/" CAMERA "/chunk-001/file-001.mp4")));
    for (int64_t i = 0; i < 8; i++)
        CHECK_EQ(frame_of_row(temp_path("split"), i, 4), 4);
    check_findings(temp_path("split"));
}

/* A file that cannot be read, or is too short, leaves the writer as it was. */
static void goes_on_after_a_video_that_fails(void)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    const struct et_dataset_spec spec = camera_spec(ET_LAYOUT_V30);
    const struct et_new_video good = {.path = source}, absent = {.path = temp_path("absent.mp4")},
                              broken = {.path = temp_path("broken.mp4")},
                              late = {.path = source, .first_frame = 46};
    const struct et_new_video bad[] = {absent, broken, late, late};
    size_t n = 0;
    char *bytes = read_file(source, &n);
    write_file(temp_path("broken.mp4"), bytes, n / 2);
    free(bytes);
    for (int with_first = 0; with_first < 2; with_first++) {
        const char *path = temp_path(with_first ? "after" : "before");
        CHECK_OK(et_dataset_create(&writer, path, &spec, &err));
        if (with_first)
            CHECK_OK(add_filmed(writer, 0, &good, &err));
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            const enum et_status st = add_filmed(writer, 1, &bad[i], &err);
            CHECK(st == ET_ENOTFOUND || st == ET_ECORRUPT || st == ET_EARG);
            CHECK(err.text[0] != 0);
        }
        for (int64_t i = with_first; i < 4; i++)
            CHECK_OK(add_filmed(writer, i, &good, &err));
        CHECK_OK(et_dataset_finish(writer, NULL, NULL, &err));
        CHECK(is_small(path, 4, 0));
        for (int64_t i = 0; i < 4; i++)
            CHECK_EQ(frame_of_row(path, i, 4), 4);
        check_findings(path);
    }
}

static void takes_statistics_over_that_are_known(void)
{
    struct et_err err = {0};
    struct et_dataset_writer *writer = NULL;
    struct et_dataset *set = NULL;
    struct et_arena *arena = NULL;
    const struct et_value *stats = NULL;
    const struct et_dataset_spec spec = camera_spec(ET_LAYOUT_V30);
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    CHECK_OK(et_json_parse(et_str("{\"min\":[[[0.1]],[[0.2]],[[0.3]]],\"max\":[[[1]],[[1]],[[1]]],"
                                  "\"mean\":[[[0.5]],[[0.5]],[[0.5]]],"
                                  "\"std\":[[[0.25]],[[0.25]],[[0.25]]],\"count\":[102]}"),
                           NULL, arena, &stats, &err));
    const struct et_new_video video = {.path = source, .stats = stats};
    CHECK_OK(et_dataset_create(&writer, temp_path("known"), &spec, &err));
    CHECK_OK(add_filmed(writer, 0, &video, &err));
    CHECK_OK(et_dataset_finish(writer, NULL, NULL, &err));
    CHECK_OK(et_dataset_open(&set, temp_path("known"), &err));
    const struct et_value *camera = et_value_get(et_dataset_info(set)->stats, CAMERA);
    const struct et_value *min = et_value_at(et_value_at(et_value_get(camera, "min"), 1), 0);
    CHECK_NEAR(et_value_real(et_value_at(min, 0), -1), 0.2, 0);
    CHECK_EQ(et_value_int(et_value_at(et_value_get(camera, "count"), 0), 0), 102);
    CHECK(et_value_get(camera, "q50") == NULL); // nobody knows them
    et_dataset_close(set);
    et_arena_close(arena);
}

static void samples_statistics_of_pictures(void)
{
    struct et_err err = {0};
    struct et_dataset *set = NULL;
    CHECK_OK(et_dataset_open(&set, temp_path("copied30"), &err));
    const struct et_value *camera = et_value_get(et_dataset_info(set)->stats, CAMERA);
    // Frames 0 … 6 + 11 − 1 are seen, grey 16 … 80, within what a codec rounds.
    const struct et_value *min = et_value_at(et_value_at(et_value_get(camera, "min"), 0), 0);
    const struct et_value *max = et_value_at(et_value_at(et_value_get(camera, "max"), 2), 0);
    CHECK_NEAR(et_value_real(et_value_at(min, 0), -1), 16.0 / 255, 3.0 / 255);
    CHECK_NEAR(et_value_real(et_value_at(max, 0), -1), (16 + 4 * 15.0) / 255, 12.0 / 255);
    CHECK_EQ(et_value_int(et_value_at(et_value_get(camera, "count"), 0), 0),
             rows_of(0) + rows_of(1) + rows_of(2) + rows_of(3));
    CHECK(et_value_get(camera, "q50") != NULL);
    et_dataset_close(set);
}

int main(void)
{
    source = temp_path("source.mp4");
    make_video(source, &H264, 50);
    RUN(copies_frames_into_one_file);
    RUN(copies_frames_into_a_file_an_episode);
    RUN(encodes_what_cannot_be_copied);
    RUN(begins_a_new_file_before_times_lose_their_digits);
    RUN(goes_on_after_a_video_that_fails);
    RUN(takes_statistics_over_that_are_known);
    RUN(samples_statistics_of_pictures);
    return tap_end();
}
