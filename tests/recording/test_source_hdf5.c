// HDF5 as recordings: ALOHA, robomimic, AgiBot World, and what is wrong with such files.
#include "hdf5_made.h"
#include "source_use.h"
#include "support.h"

#include "../format/video_fixture.h"

#include <sys/stat.h>

static struct et_err err;

static bool open_made(struct used_source *use, const char *name)
{
    const char *path = hdf5_made(name);
    if (!path) {
        tap_skip("no h5py");
        return false;
    }
    const enum et_status st = source_open(use, &et__source_hdf5, path, &err);
    CHECK(st == ET_OK);
    if (st == ET_OK)
        CHECK_OK(source_query(use, 0, 0, &err));
    else
        source_close(use);
    return st == ET_OK;
}

// Reads to the end; times must not go back.
static int64_t count(struct used_source *use)
{
    int64_t n = 0, last = INT64_MIN;
    for (; source_next(use); n++) {
        CHECK(use->raw.t_arrival_ns >= last);
        last = use->raw.t_arrival_ns;
    }
    return n;
}

/* ---- ALOHA ---- */

static void aloha_is_rows_at_50_hz_without_a_clock(void)
{
    struct used_source use;
    if (!open_made(&use, "aloha/episode_0.hdf5"))
        return;
    const struct et_recording_info *info = &use.source->info;
    CHECK_STR(info->format, "HDF5 (ALOHA)");
    CHECK(!info->has_clock);
    CHECK_NEAR(info->rate_hz, 50, 0);
    CHECK_EQ(info->n_messages, 56);
    CHECK_EQ(info->end_ns, 140000000);
    CHECK_EQ(info->n_channels, 7);
    for (size_t i = 1; i < info->n_channels; i++)
        CHECK(strcmp(info->channels[i - 1].topic, info->channels[i].topic) < 0);
    CHECK_EQ(source_channel(&use, "observations/qpos")->n_values, 14);
    CHECK(source_channel(&use, "observations/images/cam_high")->is_picture);
    CHECK(info->n_metadata == 1 && tap_is(info->metadata[0].value, "false"));
    CHECK_EQ(info->n_remarks, 0);
    CHECK_EQ(count(&use), 56);
    source_close(&use);
}

static void aloha_gives_values_and_pixels_row_by_row(void)
{
    struct used_source use;
    if (!open_made(&use, "aloha/episode_0.hdf5"))
        return;
    for (int i = 0; i < 8; i++) {
        CHECK(source_next_of(&use, "observations/qvel"));
        CHECK_EQ(use.raw.t_arrival_ns, i * 20000000);
        CHECK_NEAR(use.raw.values[13], i + 1.3, 1e-6);
    }
    CHECK_OK(source_query(&use, 0, 0, &err));
    for (int i = 0; i < 8; i++) {
        CHECK(source_next_of(&use, "observations/images/cam_high"));
        const struct et_picture *p = &use.raw.picture;
        CHECK_EQ(p->coding, ET_PICTURE_RAW);
        CHECK(et_str_is(p->pixels, "rgb8"));
        CHECK(p->width_px == 6 && p->height_px == 4 && p->step_bytes == 18 && p->bytes.n == 72);
        CHECK_EQ(p->bytes.p[0], i);
    }
    source_close(&use);
}

static void a_query_takes_a_stretch_of_time_and_some_channels(void)
{
    struct used_source use;
    if (!open_made(&use, "aloha/episode_0.hdf5"))
        return;
    CHECK_OK(source_query(&use, 40000000, 100000000, &err));
    CHECK_EQ(count(&use), 3 * 7);
    bool only[7] = {false};
    only[source_channel(&use, "observations/qpos") - use.source->info.channels] = true;
    const struct et__range range = {.is_wanted = only, .from_ns = 20000001};
    CHECK_OK(use.source->ops->query(use.source, &range, &err));
    CHECK(source_next(&use));
    CHECK_EQ(use.raw.t_arrival_ns, 40000000);
    CHECK_EQ(count(&use), 5);
    source_close(&use);
}

static void coded_pictures_lose_their_padding(void)
{
    struct used_source use;
    int64_t n = 0;
    if (!open_made(&use, "aloha/packed.hdf5"))
        return;
    CHECK_STR(use.source->info.task, "fold the towel");
    for (; source_next_of(&use, "observations/images/cam_high"); n++) {
        CHECK_EQ(use.raw.picture.coding, ET_PICTURE_PNG);
        CHECK_EQ((unsigned char)use.raw.picture.bytes.p[use.raw.picture.bytes.n - 1], 0x82);
    }
    CHECK_EQ(n, 8);
    CHECK_OK(source_query(&use, 0, 0, &err));
    CHECK(source_next_of(&use, "observations/depth"));
    CHECK(et_str_is(use.raw.picture.pixels, "16UC1"));
    CHECK_EQ(use.raw.picture.step_bytes, 12);
    source_close(&use);
}

static void what_is_no_row_is_left_out_and_told_once(void)
{
    struct used_source use;
    if (!open_made(&use, "aloha/packed.hdf5"))
        return;
    CHECK_EQ(count(&use), 37);
    CHECK_OK(source_query(&use, 0, 0, &err));
    CHECK_EQ(count(&use), 37);
    CHECK_EQ(source_remarked(&use, "cam_low", "no picture"), 2);
    CHECK_EQ(source_remarked(&use, "action", "7 rows, where observations/qpos has 8"), 1);
    CHECK_EQ(source_remarked(&use, "cloud", "more values"), 1);
    CHECK_EQ(source_remarked(&use, "half", "numbers of a size"), 1);
    CHECK_EQ(source_channel(&use, "observations/qvel")->n_values, 0); // empty: none
    CHECK_EQ(source_channel(&use, "compress_len")->n_values, 0);
    source_close(&use);
}

static void a_row_that_cannot_be_read_costs_that_row(void)
{
    struct used_source use;
    if (!open_made(&use, "aloha/broken.hdf5"))
        return;
    CHECK_EQ(count(&use), 11);
    CHECK_EQ(source_remarked(&use, "observations/qvel", "cannot be read"), 1);
    source_close(&use);
}

/* ---- robomimic ---- */

static void demonstrations_stand_one_after_the_other(void)
{
    static const struct et_span WANTED[] = {{true, "demo_0", 0, 700000000},
                                            {false, "grasp", 0, 300000000},
                                            {false, "lift", 300000000, 600000000},
                                            {true, "demo_2", 1700000000, 2200000000},
                                            {true, "demo_10", 3200000000, 3800000000}};
    struct used_source use;
    if (!open_made(&use, "robomimic.hdf5"))
        return;
    const struct et_recording_info *info = &use.source->info;
    CHECK_STR(info->format, "HDF5 (robomimic)");
    CHECK_NEAR(info->rate_hz, 10, 0);
    CHECK(!info->has_clock);
    CHECK_EQ(info->n_spans, 5);
    for (size_t i = 0; i < 5 && i < info->n_spans; i++) {
        CHECK_STR(info->spans[i].name, WANTED[i].name);
        CHECK_EQ(info->spans[i].is_episode, WANTED[i].is_episode);
        CHECK_EQ(info->spans[i].t_first_ns, WANTED[i].t_first_ns);
        CHECK_EQ(info->spans[i].t_last_ns, WANTED[i].t_last_ns);
    }
    CHECK_EQ(source_channel(&use, "actions")->n_messages, 21);
    CHECK_EQ(source_channel(&use, "obs/robot0_eef_pos")->n_messages, 15);
    CHECK_EQ(source_channel(&use, "rewards")->n_messages, 14);
    CHECK_EQ(source_channel(&use, "datagen_info/eef_pose")->n_values, 16);
    CHECK_STR(source_channel(&use, "next_obs/robot0_eef_pos")->topic, "(none)");
    CHECK_EQ(source_remarked(&use, "data/demo_2", "another shape"), 1);
    CHECK_EQ(count(&use), info->n_messages);
    source_close(&use);
}

static void demonstrations_are_read_in_the_order_of_their_numbers(void)
{
    static const int64_t TIMES[] = {0, 700000000, 1700000000, 2200000000, 3200000000, 3800000000};
    static const int ROWS[] = {0, 7, 8, 13, 14, 20};
    struct used_source use;
    if (!open_made(&use, "robomimic.hdf5"))
        return;
    for (int i = 0, k = 0; source_next_of(&use, "actions"); i++)
        if (k < 6 && i == ROWS[k])
            CHECK_EQ(use.raw.t_arrival_ns, TIMES[k++]);
    CHECK_OK(source_query(&use, 1700000000, 2000000000, &err));
    CHECK(source_next_of(&use, "actions"));
    CHECK_NEAR(use.raw.values[1], 0.1, 1e-9);
    source_close(&use);
}

static void filter_keys_are_metadata(void)
{
    struct used_source use;
    if (!open_made(&use, "robomimic.hdf5"))
        return;
    const struct et_recording_info *info = &use.source->info;
    int n = 0;
    for (size_t i = 0; i < info->n_metadata; i++) {
        const struct et_pair *pair = &info->metadata[i];
        n += tap_is(pair->key, "mask.train") && tap_is(pair->value, "demo_0 demo_2");
        n += tap_is(pair->key, "mask.valid") && tap_is(pair->value, "demo_10");
        n += tap_is(pair->key, "total") && tap_is(pair->value, "21");
    }
    CHECK_EQ(n, 3);
    source_close(&use);
}

static void without_a_rate_20_hz_are_assumed_and_told(void)
{
    struct used_source use;
    if (!open_made(&use, "norate.hdf5"))
        return;
    CHECK_NEAR(use.source->info.rate_hz, 20, 0);
    CHECK_EQ(source_remarked(&use, "data", "20 Hz is assumed"), 1);
    CHECK_EQ(source_remarked(&use, "data/demo_1", "empty demonstration"), 1);
    CHECK_EQ(use.source->info.n_spans, 1);
    source_close(&use);
}

/* ---- AgiBot World ---- */

#define WITHIN "/proprio_stats/327/648649/proprio_stats.h5"
#define T0 1700000000000000000
#define STEP 33333333

static void agibot_has_a_clock_and_labels(void)
{
    struct used_source use;
    if (!open_made(&use, "agibot" WITHIN))
        return;
    const struct et_recording_info *info = &use.source->info;
    CHECK_STR(info->format, "HDF5 (AgiBot World)");
    CHECK(info->has_clock);
    CHECK_EQ(info->start_ns, T0);
    CHECK_EQ(info->end_ns, T0 + 9 * (int64_t)STEP);
    CHECK_STR(info->task, "Pickup items");
    CHECK_EQ(info->n_spans, 2);
    CHECK(!info->spans[0].is_episode);
    CHECK_STR(info->spans[0].name, "Retrieve cucumber.");
    CHECK_EQ(info->spans[0].t_last_ns, T0 + 4 * (int64_t)STEP);
    CHECK_EQ(info->spans[1].t_last_ns, T0 + 9 * (int64_t)STEP);
    CHECK_EQ(source_remarked(&use, "task_info", "labels that name no rows"), 1);
    CHECK_EQ(source_remarked(&use, "videos", "no videos"), 1);
    CHECK_EQ(source_channel(&use, "state/end/position")->n_values, 6);
    CHECK_STR(source_channel(&use, "state/joint/velocity")->topic, "(none)");
    for (int i = 0; source_next_of(&use, "state/joint/position"); i++) {
        CHECK_EQ(use.raw.t_arrival_ns, T0 + i * (int64_t)STEP);
        CHECK_NEAR(use.raw.values[2], i + 0.2, 1e-6);
    }
    source_close(&use);
}

// Rows of action/end/position, of which there are four.
static void check_index(const char *name, const int *wanted)
{
    struct used_source use;
    if (!open_made(&use, name))
        return;
    for (int i = 0; i < 4; i++) {
        CHECK(source_next_of(&use, "action/end/position"));
        CHECK_EQ(use.raw.t_arrival_ns, T0 + wanted[i] * (int64_t)STEP);
    }
    CHECK_EQ(source_remarked(&use, "action/end/position", "put where the index says"), 6);
    source_close(&use);
}

static void a_shorter_action_is_put_where_its_index_says(void)
{
    check_index("agibot_end" WITHIN, (const int[]){0, 1, 2, 3});
    check_index("agibot_short" WITHIN, (const int[]){2, 3, 5, 9}); // by the joints' index
}

static void an_action_that_fits_nothing_is_left_out(void)
{
    static const char *const NAMES[][2] = {
        {"agibot_long" WITHIN, "longer than the time stamps"},
        {"agibot_no_index" WITHIN, "no index"},
        {"agibot_bad_index" WITHIN, "does not rise"},
    };
    for (size_t i = 0; i < 3; i++) {
        struct used_source use;
        if (!open_made(&use, NAMES[i][0]))
            return;
        CHECK(source_remarked(&use, "action/joint/position", NAMES[i][1]) > 0);
        CHECK_STR(source_channel(&use, "action/joint/position")->topic, "(none)");
        CHECK_EQ(use.source->info.n_channels, 6);
        CHECK_EQ(count(&use), 60);
        source_close(&use);
    }
}

static void rows_whose_stamp_goes_back_are_left_out(void)
{
    struct used_source use;
    if (!open_made(&use, "agibot_back" WITHIN))
        return;
    CHECK_EQ(source_remarked(&use, "timestamp", "go back"), 1);
    CHECK_EQ(source_channel(&use, "state/head/position")->n_messages, 3);
    CHECK_EQ(count(&use), use.source->info.n_messages);
    source_close(&use);
}

static void videos_are_channels_of_frames(void)
{
    const char *folder = hdf5_made("agibot/observations/327/648649/videos");
    struct used_source use;
    if (!folder) {
        tap_skip("no h5py");
        return;
    }
    CHECK_OK(et_dir_make(folder, &err));
    make_own(hdf5_made("agibot/observations/327/648649/videos/head_color.mp4"), ET_VIDEO_H264, 0, 8,
             4);
    write_file(hdf5_made("agibot/observations/327/648649/videos/hand_left_color.mp4"), "none", 4);
    if (!open_made(&use, "agibot" WITHIN))
        return;
    CHECK_EQ(source_channel(&use, "videos/head_color")->n_messages, 8);
    CHECK_EQ(source_remarked(&use, "head_color", "8 frames, where 10 rows"), 1);
    CHECK_EQ(source_remarked(&use, "hand_left_color", "a video that cannot be read"), 1);
    int i = 0;
    for (; source_next_of(&use, "videos/head_color"); i++) {
        CHECK_EQ(use.raw.picture.coding, ET_PICTURE_FRAME);
        CHECK_EQ(use.raw.picture.i_frame, i);
        CHECK(file_exists(use.raw.picture.path));
        CHECK_EQ(use.raw.t_arrival_ns, T0 + i * (int64_t)STEP);
    }
    CHECK_EQ(i, 8);
    source_close(&use);
}

/* ---- which files ---- */

static bool knows(const char *path, bool is_folder)
{
    size_t n = 0;
    char *bytes = is_folder ? NULL : read_file(path, &n);
    const struct et__looked looked = {path, is_folder, {bytes, n < 64 ? n : 64}};
    const bool is_known = et__source_hdf5.knows(&looked);
    free(bytes);
    return is_known;
}

static void knows_its_files_and_folders(void)
{
    const char *path = hdf5_made("aloha/small.hdf5");
    struct used_source use;
    if (!path) {
        tap_skip("no h5py");
        return;
    }
    CHECK(knows(path, false));
    CHECK(knows(hdf5_made("agibot/proprio_stats/327/648649"), true));
    CHECK(!knows(hdf5_made("agibot"), true));
    write_file(temp_path("text"), "text", 4);
    CHECK(!knows(temp_path("text"), false));
    CHECK_EQ(source_open(&use, &et__source_hdf5, hdf5_made("nothing.h5"), &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "no layout that is known");
    source_close(&use);
    CHECK_EQ(source_open(&use, &et__source_hdf5, temp_path("text"), &err), ET_ECORRUPT);
    source_close(&use);
    CHECK_EQ(source_open(&use, &et__source_hdf5, hdf5_made("aloha"), &err), ET_ENOTFOUND);
    source_close(&use);
    CHECK(source_open(&use, &et__source_hdf5, hdf5_made("agibot/proprio_stats/327/648649"), &err) ==
          ET_OK);
    source_close(&use);
}

int main(void)
{
    RUN(aloha_is_rows_at_50_hz_without_a_clock);
    RUN(aloha_gives_values_and_pixels_row_by_row);
    RUN(a_query_takes_a_stretch_of_time_and_some_channels);
    RUN(coded_pictures_lose_their_padding);
    RUN(what_is_no_row_is_left_out_and_told_once);
    RUN(a_row_that_cannot_be_read_costs_that_row);
    RUN(demonstrations_stand_one_after_the_other);
    RUN(demonstrations_are_read_in_the_order_of_their_numbers);
    RUN(filter_keys_are_metadata);
    RUN(without_a_rate_20_hz_are_assumed_and_told);
    RUN(agibot_has_a_clock_and_labels);
    RUN(a_shorter_action_is_put_where_its_index_says);
    RUN(an_action_that_fits_nothing_is_left_out);
    RUN(rows_whose_stamp_goes_back_are_left_out);
    RUN(videos_are_channels_of_frames);
    RUN(knows_its_files_and_folders);
    return tap_end();
}
