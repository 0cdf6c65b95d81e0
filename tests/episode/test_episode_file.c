/* An episode's folder: written, read, cut, bent. */
#include "etude/episode_file.h"

#include "episode_made.h"
#include "etude/file.h"
#include "etude/parquet.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;
static struct et_arena *arena;
static struct et_episode read;
static struct et_episode_facts facts;

static const char *in(const char *folder, const char *name)
{
    static char paths[8][4300];
    static int k;
    char path[4300];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    k = (k + 1) % 8;
    memcpy(paths[k], path, strlen(path) + 1);
    return paths[k];
}

static void renew(void)
{
    et_arena_close(arena);
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    err = (struct et_err){0};
}

/* A fresh folder with the episode in it. */
static const char *written(const char *name)
{
    const char *folder = temp_path(name);
    CHECK_OK(et_path_remove(folder, &err));
    CHECK_OK(et_episode_write(folder, made_episode(), made_facts(), &err));
    return folder;
}

static enum et_status read_it(const char *folder)
{
    renew();
    return et_episode_read(folder, arena, &read, &facts, &err);
}

static bool same_double(double a, double b)
{
    const float x = (float)a, y = (float)b;
    return memcmp(&x, &y, sizeof x) == 0;
}

static void check_stream(const struct et_stream *a, const struct et_stream *b)
{
    CHECK_STR(a->name, b->name);
    CHECK(a->part == b->part && a->quantity == b->quantity && a->is_command == b->is_command);
    CHECK_STR(a->unit, b->unit);
    CHECK(a->n_values == b->n_values && a->rate_hz == b->rate_hz);
    CHECK(!a->names == !b->names && !a->lower == !b->lower && !a->speed == !b->speed);
    for (size_t i = 0; i < b->n_values && b->names && a->names; i++)
        CHECK(strcmp(a->names[i], b->names[i]) == 0 && a->lower[i] == b->lower[i] &&
              a->upper[i] == b->upper[i] && a->speed[i] == b->speed[i]);
}

static bool same_times(const int64_t *a, const int64_t *b, size_t n)
{
    return !a == !b && (!a || n == 0 || memcmp(a, b, n * sizeof *a) == 0);
}

static void check_tracks(bool has_samples)
{
    const struct et_episode *e = made_episode();
    CHECK_EQ(read.n_tracks, e->n_tracks);
    CHECK_EQ(read.n_videos, e->n_videos);
    for (size_t i = 0; i < e->n_tracks && i < read.n_tracks; i++) {
        const struct et_track *a = &read.tracks[i], *b = &e->tracks[i];
        check_stream(&a->stream, &b->stream);
        CHECK_EQ(a->n_samples, b->n_samples);
        if (!has_samples) {
            CHECK(!a->values && !a->t_ns);
            continue;
        }
        CHECK(same_times(a->t_ns, b->t_ns, b->n_samples));
        CHECK(b->n_samples == 0 || same_times(a->t_device_ns, b->t_device_ns, b->n_samples));
        CHECK(b->n_samples == 0 || same_times(a->t_arrival_ns, b->t_arrival_ns, b->n_samples));
        for (size_t k = 0; k < b->n_samples * b->stream.n_values; k++)
            CHECK(same_double(a->values[k], b->values[k]));
    }
    for (size_t i = 0; i < e->n_videos && i < read.n_videos; i++) {
        const struct et_video_ref *a = &read.videos[i], *b = &e->videos[i];
        CHECK_STR(a->stream.name, b->stream.name);
        CHECK(b->path ? tap_is(a->path, b->path) : !a->path);
        CHECK(b->source ? tap_is(a->source, b->source) : !a->source);
        CHECK(b->trouble ? tap_is(a->trouble, b->trouble) : !a->trouble);
        CHECK(a->is_present == b->is_present && a->is_recorded == b->is_recorded);
        CHECK(a->first_frame == b->first_frame && a->n_frames == b->n_frames);
        CHECK(a->width_px == b->width_px && a->height_px == b->height_px);
        CHECK(a->rate_hz == b->rate_hz);
        if (has_samples) {
            CHECK(same_times(a->t_ns, b->t_ns, (size_t)b->n_frames));
            CHECK(same_times(a->t_arrival_ns, b->t_arrival_ns, (size_t)b->n_frames));
            CHECK(!a->t_device_ns);
        }
    }
}

static void check_facts(void)
{
    const struct et_episode *e = made_episode();
    const struct et_episode_facts *f = made_facts();
    CHECK_STR(read.id, e->id);
    CHECK_STR(read.robot, e->robot);
    CHECK(read.index == 3 && read.time_kind == ET_TIME_MEASURED && read.was_cut);
    CHECK(read.n_tasks == 2 && read.n_segments == 2 && read.n_remarks == 1);
    CHECK_STR(read.tasks[0], e->tasks[0]);
    CHECK_STR(read.tasks[1], e->tasks[1]);
    CHECK_STR(read.segments[1].name, "left grasp");
    CHECK_EQ(read.segments[1].t_last_ns, MADE_T0 + 900);
    CHECK_STR(read.remarks[0].text, "something");
    CHECK_EQ(read.remarks[0].severity, ET_SEVERITY_INFO);
    CHECK_STR(facts.recording_id, f->recording_id);
    CHECK_STR(facts.recording, f->recording);
    CHECK_STR(facts.format, f->format);
    CHECK_STR(facts.profile, f->profile);
    CHECK_STR(facts.profile_digest, f->profile_digest);
    CHECK_STR(facts.cut_by, f->cut_by);
    CHECK_STR(facts.trainer, f->trainer);
    CHECK_STR(read.outcome, e->outcome);
    CHECK(!facts.skill && !facts.station);
    CHECK_EQ(facts.n_findings, 2);
    CHECK_STR(facts.findings[1].kind, "jump");
    CHECK_STR(facts.findings[1].stream, "left_arm.position");
    CHECK(facts.findings[1].value == 0.3 && isnan(facts.findings[0].value));
    CHECK(facts.grade.verdict == ET_VERDICT_WARN && facts.grade.n_findings == 1);
    CHECK_EQ(facts.grade.i_findings[0], 1);
    CHECK_STR(facts.grade.reason, "it jumps");
    CHECK_EQ(facts.n_lags, 2);
    CHECK(facts.lags[0].is_known && facts.lags[0].lag_s == 0.125 && facts.lags[0].sigma_s == 0.001);
    CHECK(!facts.lags[1].is_known && !facts.lags[1].command);
    CHECK(facts.latency.is_known && facts.latency.lag_s == 0.25);
    CHECK(facts.latency.sigma_s == 0.002 && facts.latency.confidence == 0.75);
    CHECK(facts.json != NULL);
}

static void comes_back_to_the_bit(void)
{
    const char *folder = written("one");
    CHECK_OK(read_it(folder));
    check_tracks(true);
    check_facts();
    renew();
    CHECK_OK(et_episode_read_facts(folder, arena, &read, &facts, &err));
    check_tracks(false);
    check_facts();
    CHECK(!file_exists(in(folder, "tracks/left_wrist.depth.parquet")));
    CHECK(!file_exists(temp_path("one.part")));
}

static void the_same_episode_is_the_same_bytes(void)
{
    static const char *const FILES[] = {
        "episode.json", "tracks/left_arm.position.parquet", "tracks/left_hand.position.parquet",
        "tracks/command.left_hand.position.parquet", "tracks/head.image.parquet"};
    const char *a = written("one"), *b = written("two");
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        size_t n = 0, m = 0;
        char *x = read_file(in(a, FILES[i]), &n), *y = read_file(in(b, FILES[i]), &m);
        CHECK(x && y && n == m && memcmp(x, y, n) == 0);
        free(x);
        free(y);
    }
    // What was read is written as the same bytes again: nothing of an episode is lost by its file.
    CHECK_OK(read_it(a));
    const char *c = temp_path("three");
    CHECK_OK(et_path_remove(c, &err));
    CHECK_OK(et_episode_write(c, &read, &facts, &err));
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        size_t n = 0, m = 0;
        char *x = read_file(in(a, FILES[i]), &n), *y = read_file(in(c, FILES[i]), &m);
        if (!CHECK(x && y && n == m && memcmp(x, y, n) == 0))
            printf("#   %s\n", FILES[i]);
        free(x);
        free(y);
    }
}

static void what_is_there_stays(void)
{
    const char *folder = written("one");
    CHECK_EQ(et_episode_write(folder, made_episode(), made_facts(), &err), ET_EEXISTS);
    CHECK_HAS(err.text, folder);
    CHECK_OK(read_it(folder));
    // What a kill left is gone over.
    const char *other = temp_path("other"), *part = temp_path("other.part");
    CHECK_OK(et_dir_make(in(part, "tracks"), &err));
    write_file(in(part, "tracks/old.parquet"), "x", 1);
    CHECK_OK(et_episode_write(other, made_episode(), made_facts(), &err));
    CHECK(!file_exists(in(other, "tracks/old.parquet")) && !file_exists(part));
    CHECK_OK(et_path_remove(other, &err));
    char many[5000];
    memset(many, 'p', sizeof many - 1);
    many[sizeof many - 1] = 0;
    CHECK(et_episode_write(many, made_episode(), made_facts(), &err) < 0);
    CHECK_EQ(read_it(temp_path("nothing")), ET_ENOTFOUND);
}

static void a_long_episode_is_written(void)
{
    enum { N = 300000 };
    int64_t *t = calloc(N, sizeof *t);
    double *v = calloc((size_t)N * 2, sizeof *v);
    const struct et_track track = {.stream = {.name = "left_arm.position",
                                              .quantity = ET_QUANTITY_POSITION,
                                              .unit = "rad",
                                              .n_values = 2},
                                   .n_samples = N,
                                   .t_ns = t,
                                   .values = v};
    const struct et_episode episode = {.id = "x/0", .tracks = &track, .n_tracks = 1};
    const struct et_episode_facts none = {.recording_id = "x"};
    for (int i = 0; i < N; i++) {
        t[i] = i * INT64_C(1000);
        v[2 * i] = 1000.0 * i;
    }
    const char *folder = temp_path("long");
    CHECK_OK(et_episode_write(folder, &episode, &none, &err));
    CHECK_OK(read_it(folder));
    CHECK(read.n_tracks == 1 && read.tracks[0].n_samples == N);
    CHECK(read.tracks[0].values[2 * (N - 1)] == (double)(float)v[2 * (N - 1)]);
    free(t);
    free(v);
}

/* ---- bent ---- */

static void replace_in_json(const char *folder, const char *from, const char *to)
{
    size_t n = 0;
    char *text = read_file(in(folder, "episode.json"), &n);
    char *at = strstr(text, from);
    struct et_buf buf = et_buf(1 << 20);
    if (!CHECK(at != NULL))
        printf("#   %s\n", from);
    if (at) {
        et_buf_put(&buf, text, (size_t)(at - text));
        et_buf_puts(&buf, to);
        et_buf_puts(&buf, at + strlen(from));
        write_file(in(folder, "episode.json"), buf.p, buf.n);
    }
    et_buf_free(&buf);
    free(text);
}

static void what_cannot_be_is_told_by_its_member(void)
{
    static const struct {
        const char *from, *to, *words;
        enum et_status status;
    } CASES[] = {
        {"\"version\": 1", "\"version\": 7", "version 7", ET_EUNSUPPORTED},
        {"\"measured\"", "\"guessed\"", "time", ET_ECORRUPT},
        {"\"left_arm.position\"", "\"../../etc/passwd\"", "name", ET_ECORRUPT},
        {"\"left_arm.position\"", "\"left_arm\"", "name", ET_ECORRUPT},
        {"\"left_arm.position\"", "\"a/b.position\"", "name", ET_ECORRUPT},
        {"\"head.image\"", "\"/head.image\"", "name", ET_ECORRUPT},
        {"\"n_values\": 3", "\"n_values\": -3", "number of values", ET_ECORRUPT},
        {"\"n_values\": 3", "\"n_values\": 99999999999", "number of values", ET_ECORRUPT},
        {"\"n_samples\": 50", "\"n_samples\": -1", "samples", ET_ECORRUPT},
        {"\"n_frames\": 7", "\"n_frames\": -7", "frames", ET_ECORRUPT},
        {"\"width_px\": 640", "\"width_px\": 4294967297", "size", ET_ECORRUPT},
        {"\"width_px\": 640", "\"width_px\": -1", "size", ET_ECORRUPT},
        {"\"verdict\": \"warn\"", "\"verdict\": \"fine\"", "verdict", ET_ECORRUPT},
        {"\"severity\": \"error\"", "\"severity\": 5", "episode.json", ET_ECORRUPT},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *folder = written("bent");
        replace_in_json(folder, CASES[i].from, CASES[i].to);
        const enum et_status st = read_it(folder);
        if (!CHECK(st == CASES[i].status))
            printf("#   %s: %s %s\n", CASES[i].to, et_status_name(st), err.text);
        CHECK_HAS(err.text, "episode.json");
        CHECK_HAS(err.text, CASES[i].words);
    }
    const char *folder = written("bent");
    write_file(in(folder, "episode.json"), "[]", 2);
    CHECK_EQ(read_it(folder), ET_ECORRUPT);
}

static void little_memory_is_a_limit(void)
{
    const char *folder = written("limit");
    for (size_t limit = 1000; limit < 100000; limit += 1500) {
        et_arena_close(arena);
        CHECK_OK(et_arena_open(&arena, limit, &err));
        const enum et_status st = et_episode_read(folder, arena, &read, &facts, &err);
        CHECK(st == ET_OK || (st == ET_ELIMIT && err.text[0]));
    }
}

static bool is_remarked(const char *where, const char *words)
{
    for (size_t i = 0; i < read.n_remarks; i++)
        if (strstr(read.remarks[i].where, where) && strstr(read.remarks[i].text, words) &&
            read.remarks[i].severity == ET_SEVERITY_ERROR)
            return true;
    return false;
}

static void a_track_that_is_wrong_is_a_remark(void)
{
    const char *folder = written("wrong");
    CHECK_OK(et_file_remove(in(folder, "tracks/left_arm.position.parquet"), &err));
    CHECK_OK(et_file_remove(in(folder, "tracks/head.image.parquet"), &err));
    CHECK_OK(read_it(folder));
    CHECK(is_remarked("tracks/left_arm.position.parquet", "left_arm"));
    CHECK(is_remarked("tracks/head.image.parquet", ""));
    CHECK(read.n_tracks == 3 && read.tracks[0].n_samples == 0 && read.videos[0].n_frames == 0);
    CHECK_EQ(read.tracks[1].n_samples, 50);

    folder = written("wrong");
    replace_in_json(folder, "\"n_samples\": 50", "\"n_samples\": 49");
    replace_in_json(folder, "\"n_frames\": 7", "\"n_frames\": 8");
    CHECK_OK(read_it(folder));
    CHECK(is_remarked("left_arm.position", "50 rows, episode.json says 49"));
    CHECK(is_remarked("head.image", "7 rows"));

    folder = written("wrong"); // four values where the file has three
    replace_in_json(folder, "\"n_values\": 3", "\"n_values\": 4");
    CHECK_OK(read_it(folder));
    CHECK(is_remarked("left_arm.position", ""));
    CHECK_EQ(read.tracks[0].n_samples, 0);

    folder = written("wrong"); // another's file in its place
    CHECK_OK(et_file_rename(in(folder, "tracks/head.image.parquet"),
                            in(folder, "tracks/left_hand.position.parquet"), &err));
    CHECK_OK(read_it(folder));
    CHECK(is_remarked("left_hand.position", "7 rows"));
    replace_in_json(folder, "\"n_values\": 1,\n   \"n_samples\": 50",
                    "\"n_values\": 1,\n   \"n_samples\": 7");
    CHECK_OK(read_it(folder));
    CHECK(is_remarked("left_hand.position", "column value"));
}

static void times_that_fall_are_a_remark(void)
{
    const char *folder = temp_path("fall");
    int64_t t[] = {5, 4, 6};
    const double v[] = {1, 2, 3};
    const struct et_track track = {.stream = {.name = "left_arm.position", .n_values = 1},
                                   .n_samples = 3,
                                   .t_ns = t,
                                   .values = v};
    const struct et_episode episode = {.id = "x/0", .tracks = &track, .n_tracks = 1};
    CHECK_OK(et_episode_write(folder, &episode, &(struct et_episode_facts){0}, &err));
    CHECK_OK(read_it(folder));
    CHECK(is_remarked("left_arm.position", "t_ns falls in row 1"));
    CHECK_EQ(read.tracks[0].n_samples, 0);
    static const int64_t FAR[] = {INT64_MIN, INT64_MAX, INT64_MAX / 2 + 1};
    for (size_t i = 0; i < sizeof FAR / sizeof *FAR; i++) {
        t[0] = t[1] = t[2] = FAR[i];
        CHECK_OK(et_path_remove(folder, &err));
        CHECK_OK(et_episode_write(folder, &episode, &(struct et_episode_facts){0}, &err));
        CHECK_OK(read_it(folder));
        CHECK(is_remarked("left_arm.position", "a time that is none in row 0"));
        CHECK(et_episode_first_ns(&read) == 0 && et_episode_last_ns(&read) == 0);
    }
}

static void pictures_and_numbers_are_not_mixed_up(void)
{
    const char *folder = written("mixed");
    replace_in_json(folder, "\"head.image\"", "\"head.position\"");
    CHECK_EQ(read_it(folder), ET_ECORRUPT);
    CHECK_HAS(err.text, "is none of pictures");
    folder = written("mixed2");
    replace_in_json(folder, "\"left_hand.position\"", "\"left_wrist.image\"");
    CHECK_EQ(read_it(folder), ET_ECORRUPT);
    CHECK_HAS(err.text, "among the streams of numbers");
}

static void facts_have_no_times(void)
{
    struct et_episode episode;
    CHECK_OK(et_episode_read_facts(written("facts"), arena, &episode, &facts, &err));
    CHECK(episode.n_tracks == 3 && episode.tracks[0].n_samples == 50 && !episode.tracks[0].t_ns);
    CHECK(et_episode_first_ns(&episode) == 0 && et_episode_last_ns(&episode) == 0);
}

/* Reads; whatever became of it, it is told. */
static void survives(const char *path, size_t at, void *ctx)
{
    const char *folder = ctx;
    (void)path;
    const enum et_status st = read_it(folder);
    if (!CHECK(st == ET_OK || (st < 0 && err.text[0])))
        printf("#   at %zu\n", at);
    for (size_t i = 0; st == ET_OK && i < read.n_tracks; i++) {
        const struct et_track *track = &read.tracks[i];
        volatile double sum = 0;
        for (size_t k = 0; k < track->n_samples * track->stream.n_values; k++)
            sum = sum + track->values[k];
        for (size_t k = 1; k < track->n_samples; k++)
            CHECK(track->t_ns[k] >= track->t_ns[k - 1]);
    }
}

static void any_cut_and_any_flip_is_told(void)
{
    static const char *const FILES[] = {"episode.json", "tracks/left_arm.position.parquet"};
    char *folder = strdup(written("damaged"));
    for (int i = 0; i < 2; i++) {
        size_t n = 0;
        char *path = strdup(in(folder, FILES[i]));
        char *bytes = read_file(path, &n);
        cut_at_every_byte(bytes, n, 1, path, survives, folder);
        flip_every_byte(bytes, n, 3, path, survives, folder);
        write_file(path, bytes, n);
        free(bytes);
        free(path);
    }
    CHECK_OK(read_it(folder));
    CHECK_EQ(read.n_remarks, 1);
    free(folder);
}

/* ---- folders ---- */

static void put(const char *root, const char *recording, const char *name)
{
    char path[4300];
    (void)snprintf(path, sizeof path, "%s/%s", root, recording);
    CHECK_OK(et_dir_make(path, &err));
    write_file(in(path, "recording.json"), "{}", 2);
    CHECK_OK(et_episode_write(in(path, name), made_episode(), made_facts(), &err));
}

static void lists_episodes_by_recording_and_number(void)
{
    static const char *const WANTED[] = {"A/000", "A/002", "A/999", "A/1000", "B/000"};
    const char *root = temp_path("episodes");
    const struct et_episode_place *places;
    size_t n;
    put(root, "B", "000");
    put(root, "A", "1000");
    put(root, "A", "999");
    put(root, "A", "000");
    put(root, "A", "002");
    put(root, "A", "003.part");
    put(root, "C.part", "000");
    CHECK_OK(et_dir_make(in(root, "A/notes"), &err));
    write_file(in(root, "readme.txt"), "x", 1);
    renew();
    CHECK_OK(et_episode_list(root, arena, &places, &n, &err));
    CHECK_EQ(n, 5);
    for (size_t i = 0; i < n && i < 5; i++) {
        CHECK_HAS(places[i].folder, WANTED[i]);
        CHECK(places[i].recording_id[0] == WANTED[i][0] && !places[i].recording_id[1]);
        CHECK_EQ(places[i].index, strtol(WANTED[i] + 2, NULL, 10));
    }
    CHECK_OK(et_episode_list(in(root, "A"), arena, &places, &n, &err));
    CHECK_EQ(n, 4);
    CHECK_OK(et_episode_list(in(root, "A/002"), arena, &places, &n, &err));
    CHECK(n == 1 && places[0].index == 2 && tap_is(places[0].recording_id, "A"));
    CHECK_OK(et_episode_list(in(root, "A/"), arena, &places, &n, &err));
    CHECK_EQ(n, 4);
    CHECK_EQ(et_episode_list(in(root, "A/notes"), arena, &places, &n, &err), ET_ENOTFOUND);
    CHECK_EQ(et_episode_list(in(root, "none"), arena, &places, &n, &err), ET_ENOTFOUND);
    CHECK_EQ(et_episode_list(in(root, "readme.txt"), arena, &places, &n, &err), ET_ENOTFOUND);
}

int main(void)
{
    RUN(comes_back_to_the_bit);
    RUN(the_same_episode_is_the_same_bytes);
    RUN(what_is_there_stays);
    RUN(a_long_episode_is_written);
    RUN(what_cannot_be_is_told_by_its_member);
    RUN(little_memory_is_a_limit);
    RUN(a_track_that_is_wrong_is_a_remark);
    RUN(times_that_fall_are_a_remark);
    RUN(pictures_and_numbers_are_not_mixed_up);
    RUN(facts_have_no_times);
    RUN(any_cut_and_any_flip_is_told);
    RUN(lists_episodes_by_recording_and_number);
    et_arena_close(arena);
    return tap_end();
}
