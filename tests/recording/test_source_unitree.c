// Unitree's JSON as a recording, and everything that is wrong with such folders.
#include "etude/json.h"
#include "source_use.h"
#include "support.h"

#include <stdio.h>

static struct et_err err;
static const char JPEG[] = "\xff\xd8\xff\xe0 a picture";

/* What one row is made of; zero is a good row. */
struct row {
    bool no_arm, short_arm, null_arm, no_picture;
    const char *picture; // NULL: its own
};

static const char *folder_of(const char *name)
{
    const char *folder = temp_path(name);
    CHECK_OK(et_dir_make(folder, &err));
    return folder;
}

static const char *file_in(const char *folder, const char *name)
{
    static char path[8192];
    (void)snprintf(path, sizeof path, "%.4000s/%.100s", folder, name);
    return path;
}

static void put_info(struct et_json_writer *w, const char *fps)
{
    et_json_key(w, "info");
    et_json_open_map(w);
    et_json_put_text(w, "version", "1.0.0");
    et_json_put_text(w, "author", "unitree");
    et_json_key(w, "image");
    et_json_open_map(w);
    if (fps)
        et_json_put_int(w, "fps", fps[0] - '0');
    et_json_close_map(w);
    et_json_key(w, "joint_names");
    et_json_open_map(w);
    et_json_key(w, "left_arm");
    et_json_open_list(w);
    et_json_text(w, "shoulder");
    et_json_text(w, "elbow");
    et_json_close_list(w);
    et_json_close_map(w);
    et_json_close_map(w);
    et_json_key(w, "text");
    et_json_open_map(w);
    et_json_put_text(w, "goal", "pick up the cup");
    et_json_put_text(w, "desc", "");
    et_json_close_map(w);
}

static void put_list(struct et_json_writer *w, const char *key, int i, int n, bool has_null)
{
    et_json_key(w, key);
    et_json_open_list(w);
    for (int k = 0; k < n; k++)
        et_json_real(w, i + k / 10.0);
    if (has_null)
        et_json_null(w);
    et_json_close_list(w);
}

static void put_arm(struct et_json_writer *w, const struct row *row, int i)
{
    et_json_key(w, "left_arm");
    et_json_open_map(w);
    if (!row->no_arm)
        put_list(w, "qpos", i, row->short_arm || row->null_arm ? 1 : 2, row->null_arm);
    put_list(w, "qvel", 0, 0, false);
    et_json_close_map(w);
}

static void put_row(struct et_json_writer *w, const struct row *row, int i)
{
    char name[64];
    (void)snprintf(name, sizeof name, "colors/%06d_color_0.jpg", i);
    et_json_open_map(w);
    et_json_put_int(w, "idx", i);
    et_json_key(w, "colors");
    et_json_open_map(w);
    if (!row->no_picture)
        et_json_put_text(w, "color_0", row->picture ? row->picture : name);
    et_json_close_map(w);
    et_json_key(w, "states");
    et_json_open_map(w);
    put_arm(w, row, i);
    et_json_close_map(w);
    et_json_key(w, "actions");
    et_json_open_map(w);
    put_arm(w, row, i + 1);
    et_json_close_map(w);
    et_json_key(w, "tactiles");
    et_json_open_map(w);
    put_list(w, "left_ee", i, 3, false);
    et_json_close_map(w);
    et_json_key(w, "audios");
    et_json_null(w);
    et_json_close_map(w);
}

// Writes an episode and a picture for each of its rows.
static const char *make_episode(const char *folder, const struct row *rows, int n, const char *fps)
{
    struct et_buf buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf, .indent = 4};
    et_json_open_map(&w);
    put_info(&w, fps);
    et_json_key(&w, "data");
    et_json_open_list(&w);
    for (int i = 0; i < n; i++)
        put_row(&w, &rows[i], i);
    et_json_close_list(&w);
    et_json_close_map(&w);
    CHECK_OK(et_dir_make(file_in(folder, "colors"), &err));
    for (int i = 0; i < n; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "colors/%06d_color_0.jpg", i);
        write_file(file_in(folder, name), JPEG, sizeof JPEG);
    }
    write_file(file_in(folder, "data.json"), buf.p, buf.n);
    et_buf_free(&buf);
    return folder;
}

static bool open_it(struct used_source *use, const char *path)
{
    const bool is_open = source_open(use, &et__source_unitree_json, path, &err) == ET_OK;
    CHECK(is_open);
    if (is_open)
        CHECK_OK(source_query(use, 0, 0, &err));
    else
        source_close(use);
    return is_open;
}

static int64_t count(struct used_source *use)
{
    int64_t n = 0, last = INT64_MIN;
    for (; source_next(use); n++) {
        CHECK(use->raw.t_arrival_ns >= last);
        last = use->raw.t_arrival_ns;
    }
    return n;
}

/* ---- what is good ---- */

static void an_episode_is_rows_at_its_rate_without_a_clock(void)
{
    static const struct row ROWS[4];
    struct used_source use;
    if (!open_it(&use, make_episode(folder_of("good"), ROWS, 4, "8")))
        return;
    const struct et_recording_info *info = &use.source->info;
    CHECK_STR(info->format, "Unitree JSON");
    CHECK(!info->has_clock);
    CHECK_NEAR(info->rate_hz, 8, 0);
    CHECK_STR(info->task, "pick up the cup");
    CHECK_EQ(info->n_channels, 4);
    CHECK_EQ(info->n_messages, 16);
    CHECK_EQ(info->end_ns, 375000000);
    CHECK_EQ(info->n_spans, 0);
    CHECK_EQ(info->n_remarks, 0);
    CHECK(info->n_metadata == 2 && tap_is(info->metadata[0].key, "version"));
    const struct et_channel *arm = source_channel(&use, "states.left_arm.qpos");
    CHECK(arm->is_row && !arm->is_picture && arm->n_values == 2);
    CHECK(arm->names && tap_is(arm->names[1], "elbow"));
    CHECK_EQ(source_channel(&use, "tactiles.left_ee")->n_values, 3);
    CHECK(!source_channel(&use, "tactiles.left_ee")->names);
    CHECK(source_channel(&use, "colors.color_0")->is_picture);
    CHECK_STR(source_channel(&use, "states.left_arm.qvel")->topic, "(none)");
    CHECK_EQ(count(&use), 16);
    source_close(&use);
}

static void rows_come_with_their_values_and_pictures(void)
{
    static const struct row ROWS[4];
    struct used_source use;
    if (!open_it(&use, make_episode(folder_of("good"), ROWS, 4, "8")))
        return;
    for (int i = 0; i < 4; i++) {
        CHECK(source_next_of(&use, "actions.left_arm.qpos"));
        CHECK_NEAR(use.raw.values[1], i + 1.1, 1e-9);
        CHECK_EQ(use.raw.t_arrival_ns, i * 125000000);
        CHECK(source_next(&use));
        CHECK_EQ(use.raw.picture.coding, ET_PICTURE_JPEG);
        CHECK(use.raw.picture.bytes.n == sizeof JPEG &&
              memcmp(use.raw.picture.bytes.p, JPEG, sizeof JPEG) == 0);
    }
    CHECK_OK(source_query(&use, 125000000, 250000000, &err));
    CHECK_EQ(count(&use), 4);
    source_close(&use);
}

static void a_task_is_its_episodes_one_after_the_other(void)
{
    static const struct row ROWS[3];
    const char *task = folder_of("task");
    struct used_source use;
    (void)make_episode(folder_of("task/episode_0001"), ROWS, 3, "8");
    (void)make_episode(folder_of("task/episode_0003"), ROWS, 2, "4");
    (void)folder_of("task/episode_0002/colors");
    write_file(file_in(folder_of("task/episode_0004"), "data.json"), "{\"data\": [", 10);
    (void)make_episode(folder_of("task/episode_0005"), ROWS, 0, "4");
    write_file(file_in(task, "notes.txt"), "notes", 5);
    if (!open_it(&use, task))
        return;
    const struct et_recording_info *info = &use.source->info;
    CHECK_EQ(info->n_spans, 2);
    CHECK(info->spans[0].is_episode && tap_is(info->spans[0].name, "episode_0001"));
    CHECK_EQ(info->spans[0].t_last_ns, 250000000);
    CHECK_EQ(info->spans[1].t_first_ns, 1250000000);
    CHECK_EQ(info->spans[1].t_last_ns, 1500000000);
    CHECK_EQ(source_remarked(&use, "episode_0002", "never saved"), 1);
    CHECK_EQ(source_remarked(&use, "episode_0004", "the text ends inside a value"), 1);
    CHECK_EQ(source_remarked(&use, "episode_0005", "without rows"), 1);
    CHECK_EQ(count(&use), 20);
    CHECK_OK(source_query(&use, 0, 0, &err));
    CHECK_EQ(count(&use), 20);
    CHECK_OK(source_query(&use, 1250000000, 0, &err));
    CHECK_EQ(count(&use), 8);
    source_close(&use);
}

/* ---- what is wrong ---- */

static void rows_of_another_width_are_left_out_and_counted(void)
{
    static const struct row ROWS[6] = {
        {0}, {.no_arm = true}, {.short_arm = true}, {.null_arm = true}, {0}, {0}};
    struct used_source use;
    if (!open_it(&use, make_episode(folder_of("width"), ROWS, 6, "8")))
        return;
    CHECK_EQ(source_channel(&use, "states.left_arm.qpos")->n_messages, 3);
    CHECK_EQ(source_remarked(&use, "states.left_arm.qpos", "of another width"), 3);
    CHECK_EQ(count(&use), use.source->info.n_messages);
    source_close(&use);
}

static void pictures_that_are_missing_or_none_are_left_out_and_counted_once(void)
{
    static const struct row ROWS[7] = {{0},
                                       {.no_picture = true},
                                       {.picture = "colors/none.jpg"},
                                       {.picture = "data.json"},
                                       {.picture = "../good/data.json"},
                                       {.picture = "/etc/hostname"},
                                       {.picture = "colors"}};
    struct used_source use;
    if (!open_it(&use, make_episode(folder_of("pictures"), ROWS, 7, "8")))
        return;
    for (int i = 0; i < 2; i++) {
        CHECK_OK(source_query(&use, 0, 0, &err));
        CHECK_EQ(count(&use), 3 * 7 + 1);
    }
    CHECK_EQ(source_remarked(&use, "colors.color_0", "another width"), 1);
    CHECK_EQ(source_remarked(&use, "colors.color_0", "missing: left out"), 1);
    CHECK_EQ(source_remarked(&use, "colors.color_0", "files that are no picture"), 1);
    CHECK_EQ(source_remarked(&use, "colors.color_0", "outside of the episode"), 2);
    CHECK_EQ(source_remarked(&use, "colors.color_0", "cannot be read"), 1);
    source_close(&use);
}

static void without_a_rate_30_hz_are_assumed_and_told(void)
{
    static const struct row ROWS[2];
    struct used_source use;
    if (!open_it(&use, make_episode(folder_of("norate"), ROWS, 2, NULL)))
        return;
    CHECK_NEAR(use.source->info.rate_hz, 30, 0);
    CHECK_EQ(source_remarked(&use, "norate", "30 Hz is assumed"), 1);
    source_close(&use);
}

static void says_why_an_episode_cannot_be_opened(void)
{
    static const char *const TEXTS[][2] = {{"{}", "no list \"data\""},
                                           {"[", "the text ends"},
                                           {"{\"data\": {}}", "no list \"data\""},
                                           {"{\"data\": []}", "without rows"}};
    static const struct row ROWS[1];
    const char *folder = folder_of("bad");
    struct used_source use;
    for (size_t i = 0; i < 4; i++) {
        write_file(file_in(folder, "data.json"), TEXTS[i][0], strlen(TEXTS[i][0]));
        CHECK_EQ(source_open(&use, &et__source_unitree_json, folder, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, TEXTS[i][1]);
        source_close(&use);
    }
    CHECK(source_open(&use, &et__source_unitree_json, folder_of("empty"), &err) == ET_ECORRUPT);
    source_close(&use);
    (void)make_episode(folder, ROWS, 1, "8");
    CHECK_OK(et_arena_open(&use.arena, 1 << 20, &err));
    CHECK_EQ(et__source_unitree_json.open(&use.source, folder,
                                          &(struct et_recording_options){.memory_bytes = 512},
                                          use.arena, &err),
             ET_ELIMIT);
    source_close(&use);
}

static bool knows(const char *path, bool is_folder, const char *head)
{
    const struct et__looked looked = {path, is_folder, et_str(head)};
    return et__source_unitree_json.knows(&looked);
}

static void knows_its_folders_and_files(void)
{
    static const struct row ROWS[1];
    const char *task = folder_of("known");
    (void)make_episode(folder_of("known/episode_0001"), ROWS, 1, "8");
    CHECK(knows(task, true, ""));
    CHECK(knows(temp_path("known/episode_0001"), true, ""));
    CHECK(knows(temp_path("known/episode_0001/data.json"), false, "{\n"));
    CHECK(!knows(temp_path("known/episode_0001/data.json"), false, "text"));
    CHECK(!knows(temp_path("known/episode_0001/colors"), true, ""));
    CHECK(!knows(temp_path("known/none"), true, ""));
    struct used_source use;
    if (open_it(&use, temp_path("known/episode_0001/data.json")))
        CHECK_EQ(count(&use), 4);
    source_close(&use);
}

static void an_episode_that_changes_while_it_is_read_is_told(void)
{
    static const struct row ROWS[3];
    const char *task = folder_of("changed");
    struct used_source use;
    enum et_status st = ET_OK;
    (void)make_episode(folder_of("changed/episode_0001"), ROWS, 2, "8");
    (void)make_episode(folder_of("changed/episode_0002"), ROWS, 2, "8");
    if (!open_it(&use, task))
        return;
    (void)make_episode(folder_of("changed/episode_0001"), ROWS, 3, "8");
    st = use.source->ops->next(use.source, &use.raw, &err);
    CHECK_EQ(st, ET_ECORRUPT);
    CHECK_HAS(err.text, "it changed while it was read");
    source_close(&use);
}

/* ---- any bytes ---- */

static void use_all(const char *folder)
{
    struct used_source use;
    err = (struct et_err){0};
    const enum et_status st = source_open(&use, &et__source_unitree_json, folder, &err);
    CHECK(st == ET_OK || err.text[0]);
    if (st == ET_OK) {
        CHECK_OK(source_query(&use, 0, 0, &err));
        CHECK(count(&use) <= use.source->info.n_messages);
    }
    source_close(&use);
}

static void on_cut(const char *path, size_t n_kept, void *ctx)
{
    (void)path, (void)n_kept;
    use_all(ctx);
}

static void survives_cuts_and_flips_of_every_byte(void)
{
    static const struct row ROWS[2];
    char folder[4096], path[8192];
    size_t n = 0;
    (void)snprintf(folder, sizeof folder, "%s", make_episode(folder_of("flip"), ROWS, 2, "8"));
    (void)snprintf(path, sizeof path, "%s", file_in(folder, "data.json"));
    void *bytes = read_file(path, &n);
    cut_at_every_byte(bytes, n, 1, path, on_cut, folder);
    flip_every_byte(bytes, n, 1, path, on_cut, folder);
    free(bytes);
}

int main(void)
{
    RUN(an_episode_is_rows_at_its_rate_without_a_clock);
    RUN(rows_come_with_their_values_and_pictures);
    RUN(a_task_is_its_episodes_one_after_the_other);
    RUN(rows_of_another_width_are_left_out_and_counted);
    RUN(pictures_that_are_missing_or_none_are_left_out_and_counted_once);
    RUN(without_a_rate_30_hz_are_assumed_and_told);
    RUN(says_why_an_episode_cannot_be_opened);
    RUN(knows_its_folders_and_files);
    RUN(an_episode_that_changes_while_it_is_read_is_told);
    RUN(survives_cuts_and_flips_of_every_byte);
    return tap_end();
}
