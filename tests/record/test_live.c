// A station's file is read with its mistakes told; marks begin and end recordings; a recording can
// be sent again.
#include "etude/clock.h"
#include "etude/file.h"
#include "etude/json.h"
#include "etude/live.h"
#include "made_source.h"
#include "numbers.h"
#include "support.h"
#include "tap.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;

static const char *write_text(const char *name, const char *text)
{
    const char *path = temp_path(name);
    write_file(path, text, strlen(text));
    return path;
}

/* ---- the file ---- */

static void reads_a_stations_file(void)
{
    struct et_arena *arena;
    const struct et_station_file *file;
    const char *path = write_text("good.yaml", "station: kitchen-1\n"
                                               "robot: {model: etude-one, serial: E1}\n"
                                               "trainer: t07\n"
                                               "run: session\n"
                                               "recording: {commit_ms: 20, keep_free_gb: 0}\n"
                                               "foxglove: {address: \":1\", origins: [a, b]}\n"
                                               "sources:\n"
                                               "  again: {kind: replay, path: a.mcap, speed: 2}\n");
    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    CHECK_OK(et_station_file_read(path, arena, &file, &err));
    CHECK_STR(file->name, "kitchen-1");
    CHECK_STR(file->robot, "etude-one");
    CHECK_STR(file->serial, "E1");
    CHECK_STR(file->trainer, "t07");
    CHECK_EQ(file->mode, ET_LIVE_SESSION);
    CHECK_EQ(file->recorder.commit_ns, 20000000);
    CHECK_EQ(file->recorder.keep_free_bytes, -1);
    CHECK_STR(file->foxglove.address, ":1");
    CHECK(tap_is(file->foxglove.origins[1], "b") && !file->foxglove.origins[2]);
    CHECK(!file->foxglove.tls && !file->foxglove.token);
    CHECK_EQ(file->n_sources, 1);
    CHECK_STR(file->sources[0].device, "again");
    CHECK_STR(file->sources[0].kind->name, "replay");
    CHECK_EQ(et_value_count(file->sources[0].settings), 2);
    et_arena_close(arena);
}

static void tells_where_a_file_is_wrong(void)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {
        {"robot: {model: x}\nsources: {}\n", "station"},
        {"station: Kitchen 1\nsources: {}\n", ":1:10: a station's name is of a-z"},
        {"station: a\nsources:\n  r: {kind: reply}\n", ":3:13: this build has no source"},
        {"station: a\nsources:\n  r: {kind: reply}\n", "did you mean replay?"},
        {"station: a\nsources:\n  r: {path: x}\n", "say its kind"},
        {"station: a\nsources:\n  \"R 1\": {kind: replay, path: x}\n", "a source's name"},
        {"station: a\nsources:\n  r: {kind: replay, path: x, sped: 2}\n", "sped"},
        {"station: a\nrun: always\nsources: {}\n", "run"},
        {"station: a\nfoxglove: {adress: x}\nsources: {}\n", ":2:12: adress"},
        {"station: a\nfoxglove: {address: x, origins: y}\nsources: {}\n", "origins"},
        {"station: a\nrecording: {commit_ms: 0}\nsources: {}\n", "commit_ms"},
    };
    struct et_arena *arena;
    const struct et_station_file *file;
    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_EQ(et_station_file_read(write_text("bad.yaml", CASES[i].text), arena, &file, &err),
                 ET_ECORRUPT);
        CHECK_HAS(err.text, "bad.yaml");
        CHECK_HAS(err.text, CASES[i].want);
    }
    CHECK_EQ(et_station_file_read(temp_path("no.yaml"), arena, &file, &err), ET_ENOTFOUND);
    et_arena_close(arena);
}

/* ---- at work ---- */

struct rig {
    struct et_arena *arena;
    const struct et_station_file *file;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
};

static struct rig open_rig(const char *folder, const char *text)
{
    struct rig rig = {0};
    CHECK_OK(et_arena_open(&rig.arena, 1 << 22, &err));
    CHECK_OK(et_station_file_read(write_text("rig.yaml", text), rig.arena, &rig.file, &err));
    struct et_recorder_options how = rig.file->recorder;
    how.folder = temp_path(folder);
    how.keep_free_bytes = -1;
    CHECK_OK(et_recorder_open(&rig.recorder, &how, &err));
    CHECK_OK(et_station_open(&rig.station, rig.recorder, rig.file->name, &err));
    CHECK_OK(et_live_open(&rig.live, rig.file, rig.station, NULL, &err));
    return rig;
}

static void close_rig(struct rig *rig)
{
    CHECK_OK(et_live_close(rig->live, &err));
    CHECK_OK(et_recorder_close(rig->recorder, &err));
    et_arena_close(rig->arena);
}

// A recording of n numbers, a millisecond apart.
static const char *make_recording(const char *folder, int n)
{
    static char path[ET_RECORDING_PATH_MAX];
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    uint16_t stream;
    const struct et_recorder_options how = {.folder = temp_path(folder), .keep_free_bytes = -1};
    CHECK_OK(et_recorder_open(&recorder, &how, &err));
    CHECK_OK(et_station_open(&station, recorder, "maker", &err));
    CHECK_OK(et_station_feed(station, NULL, &feed, &err));
    CHECK_OK(et_feed_add(feed, &NUMBERS, &stream, &err));
    CHECK_OK(et_station_begin(station, &(struct et_run){0}, &err));
    const int64_t t_ns = et_clock_monotonic_ns();
    for (int k = 0; k < n; k++) {
        unsigned char bytes[12] = {0, 1, 0, 0};
        const uint64_t value = (uint64_t)k;
        memcpy(bytes + 4, &value, 8);
        CHECK(et_feed_put(feed, &(struct et_feed_sample){.t_arrival_ns = t_ns + k * 1000000LL,
                                                         .t_device_ns = k + 1,
                                                         .stream = stream,
                                                         .n_bytes = sizeof bytes,
                                                         .bytes = bytes}));
    }
    (void)snprintf(path, sizeof path, "%s", et_station_status(station).path);
    while (et_feed_used(feed) > 0)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    CHECK_OK(et_station_end(station, NULL, &err));
    CHECK_OK(et_recorder_close(recorder, &err));
    return path;
}

static void marks_begin_and_end_recordings(void)
{
    struct rig rig = open_rig("marks", "station: a\nskill: x\nsources: {}\n");
    char first[ET_RECORDING_PATH_MAX];
    et_live_mark(rig.live, "success", "me", NULL);  // nothing is under way
    CHECK_EQ(et_live_step(rig.live, &err), ET_END); // it has no sources
    CHECK(!et_live_status(rig.live).is_attempt);
    et_live_mark(rig.live, "start", "me", NULL);
    CHECK_EQ(et_live_step(rig.live, &err), ET_END);
    CHECK(et_live_status(rig.live).is_attempt);
    et_live_mark(rig.live, "failure", "me", "it fell");
    CHECK_EQ(et_live_step(rig.live, &err), ET_END);
    CHECK_EQ(et_live_status(rig.live).n_failure, 1);
    (void)snprintf(first, sizeof first, "%s", et_live_status(rig.live).last_path);
    CHECK_STR(see(first, false).outcome, "failure: it fell");
    CHECK(see(first, false).is_finished);
    // A start within an attempt ends it; success ends the next.
    et_live_mark(rig.live, "start", "me", NULL);
    et_live_mark(rig.live, "start", "me", NULL);
    et_live_mark(rig.live, "success", "me", NULL);
    CHECK_EQ(et_live_step(rig.live, &err), ET_END);
    CHECK_EQ(et_live_status(rig.live).n_done, 3);
    CHECK_EQ(et_live_status(rig.live).n_success, 1);
    CHECK_STR(see(et_live_status(rig.live).last_path, false).outcome, "success");
    // The last one is discarded: its page says so, its bytes stay.
    et_live_mark(rig.live, "discard", "me", NULL);
    CHECK_EQ(et_live_step(rig.live, &err), ET_END);
    CHECK_EQ(et_live_status(rig.live).n_discarded, 1);
    CHECK_EQ(et_live_status(rig.live).n_success, 0);
    char page[ET_RECORDING_PATH_MAX];
    size_t n;
    const char *last = et_live_status(rig.live).last_path;
    (void)snprintf(page, sizeof page, "%.*s.json", (int)strlen(last) - 5, last);
    char *text = read_file(page, &n);
    CHECK_HAS(text, "\"discarded_by\": \"me\"");
    CHECK_HAS(text, "\"blake2b\"");
    free(text);
    close_rig(&rig);
    CHECK_EQ(et_recording_discard(temp_path("nowhere.mcap"), "me", &err), ET_ENOTFOUND);
    CHECK_EQ(
        et_recording_discard(write_text("odd.json", "{}") ? temp_path("odd.mcap") : "", "me", &err),
        ET_ECORRUPT);
}

static void what_ends_the_station_ends_its_attempt(void)
{
    struct rig rig = open_rig("stops", "station: a\nsources: {}\n");
    et_live_mark(rig.live, "start", "me", NULL);
    CHECK_EQ(et_live_step(rig.live, &err), ET_END);
    CHECK_OK(et_live_stop(rig.live, &err));
    CHECK_EQ(et_live_status(rig.live).n_done, 1);
    CHECK_EQ(et_live_status(rig.live).n_interrupted, 1);
    CHECK_STR(see(et_live_status(rig.live).last_path, false).outcome, "interrupted");
    close_rig(&rig);
}

static void step(struct rig *rig, const char *mark, const char *text)
{
    et_live_mark(rig->live, mark, "me", text);
    CHECK_EQ(et_live_step(rig->live, &err), ET_END); // it has no sources
}

static char *page_of(const char *path)
{
    char page[ET_RECORDING_PATH_MAX];
    size_t n;
    (void)snprintf(page, sizeof page, "%.*s.json", (int)strlen(path) - 5, path);
    return read_file(page, &n);
}

// A verdict behind the end is of the attempt that ended last, and the last verdict counts.
static void a_verdict_may_come_behind_the_end(void)
{
    struct rig rig = open_rig("late", "station: a\nsources: {}\n");
    struct et_live_status s;
    step(&rig, "success", NULL); // of nothing
    step(&rig, "start", NULL);
    step(&rig, "stop", NULL);
    step(&rig, "success", NULL);
    s = et_live_status(rig.live);
    CHECK(s.n_done == 1 && s.n_success == 1);
    char *page = page_of(s.last_path);
    CHECK_HAS(page, "\"outcome\": \"success\"");
    CHECK_HAS(page, "\"judged_by\": \"me\"");
    free(page);
    step(&rig, "discard", NULL);
    page = page_of(s.last_path);
    CHECK_HAS(page, "\"discarded_by\"");
    free(page);
    step(&rig, "failure", "it fell");
    s = et_live_status(rig.live);
    CHECK(s.n_done == 1 && s.n_success == 0 && s.n_discarded == 0 && s.n_failure == 1);
    page = page_of(s.last_path);
    CHECK_HAS(page, "\"outcome\": \"failure: it fell\"");
    CHECK_HAS(page, "\"blake2b\"");
    CHECK(!strstr(page, "success") && !strstr(page, "discarded_by"));
    free(page);
    CHECK_EQ(et_recording_judge(temp_path("nowhere.mcap"), "success", "me", &err), ET_ENOTFOUND);
    close_rig(&rig);
}

// An attempt that could not begin is counted, and no word of it goes to the one before.
static void a_verdict_of_what_was_not_recorded_is_nobodys(void)
{
    struct rig rig = open_rig("unwritten", "station: a\nsources: {}\n");
    step(&rig, "start", NULL);
    step(&rig, "success", NULL);
    const char *folder = temp_path("unwritten"), *aside = temp_path("aside");
    CHECK_EQ(rename(folder, aside), 0);
    write_file(folder, "", 0); // no folder can be made there
    step(&rig, "start", NULL);
    step(&rig, "failure", NULL);
    CHECK_EQ(remove(folder), 0);
    CHECK_EQ(rename(aside, folder), 0);
    const struct et_live_status s = et_live_status(rig.live);
    CHECK(s.n_done == 1 && s.n_success == 1 && s.n_failure == 0 && s.n_unrecorded == 1);
    char *page = page_of(s.last_path);
    CHECK(!strstr(page, "failure"));
    free(page);
    close_rig(&rig);
}

static void a_session_is_one_recording(void)
{
    struct rig rig = open_rig("session", "station: a\nrun: session\nsources: {}\n");
    for (int i = 0; i < 2; i++) {
        et_live_mark(rig.live, "start", "me", NULL);
        et_live_mark(rig.live, i ? "discard" : "success", "me", NULL);
    }
    CHECK_EQ(et_live_step(rig.live, &err), ET_END);
    CHECK_EQ(et_station_status(rig.station).state, ET_STATION_RECORDING);
    CHECK_OK(et_live_stop(rig.live, &err));
    CHECK_EQ(et_live_status(rig.live).n_done, 2);
    CHECK_EQ(et_live_status(rig.live).n_discarded, 1);
    CHECK(see(et_live_status(rig.live).last_path, false).is_finished);
    close_rig(&rig);
}

static void a_recording_is_sent_again(void)
{
    char text[ET_RECORDING_PATH_MAX + 128];
    const char *path = make_recording("made", 300);
    (void)snprintf(text, sizeof text,
                   "station: a\nrun: session\nsources:\n  r: {kind: replay, path: %s, speed: 10}\n",
                   path);
    const int64_t t_begin_ns = et_clock_real_ns();
    struct rig rig = open_rig("again", text);
    const struct et_feed *feed = et_live_feed(rig.live, 0);
    double rate_hz = 0; // ten times what it was
    for (size_t i = 0; i < et_feed_n_streams(feed); i++)
        if (strcmp(et_feed_stream(feed, i)->topic, NUMBERS.topic) == 0)
            rate_hz = et_feed_stream(feed, i)->rate_hz;
    CHECK_NEAR(rate_hz, 10000, 1000);
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    enum et_status st;
    while ((st = et_live_step(rig.live, &err)) == ET_OK && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    CHECK_EQ(st, ET_END);
    CHECK_EQ(et_live_source_state(rig.live, 0), ET_SOURCE_OVER);
    CHECK_OK(et_live_stop(rig.live, &err));
    const struct seen seen = see(et_live_status(rig.live).last_path, false);
    CHECK_EQ(seen.n, 300);
    CHECK(seen.is_in_order);                        // stamps of the devices as they were
    CHECK(seen.t_last_ns - t_begin_ns >= 29900000); // not before its time
    close_rig(&rig);
}

static struct et_live_status until_over(struct rig *rig)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    enum et_status st;
    while ((st = et_live_step(rig->live, &err)) == ET_OK && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    CHECK_EQ(st, ET_END);
    CHECK_EQ(et_live_step(rig->live, &err), ET_END); // what its last samples marked
    return et_live_status(rig->live);
}

// With what it says of its attempts, and nothing of its emergency stops.
static void a_recording_that_is_sent_again_marks_its_attempts(void)
{
    static const char *const MARKS[] = {"start",     "failure", "start", "emergency", "success",
                                        "emergency", "discard", "start", "stop",      "start"};
    char text[ET_RECORDING_PATH_MAX + 128], path[ET_RECORDING_PATH_MAX];
    struct rig rig = open_rig("marked", "station: a\nrun: session\nsources: {}\n");
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++)
        step(&rig, MARKS[i], NULL);
    CHECK_OK(et_live_stop(rig.live, &err));
    (void)snprintf(path, sizeof path, "%s", et_live_status(rig.live).last_path);
    close_rig(&rig);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof text,
                       "station: a\nrun: %s\nsources:\n  r: {kind: replay, path: %s%s}\n",
                       i == 1 ? "session" : "attempt", path, i == 2 ? ", marks: false" : "");
        rig = open_rig("marked_again", text);
        struct et_live_status s = until_over(&rig);
        if (i == 2)
            CHECK(s.n_done == 0 && !s.is_attempt);
        else
            CHECK(s.n_done == 4 && s.n_failure == 1 && s.n_discarded == 1 && s.n_success == 0);
        CHECK_OK(et_live_stop(rig.live, &err));
        CHECK_EQ(et_live_status(rig.live).n_interrupted, 0);
        close_rig(&rig);
    }
}

/* ---- a source with a person at its other end ---- */

static atomic_int n_told;
static struct et_source_news told; // written before n_told

static void tell_person(void *self, const struct et_source_news *news)
{
    (void)self;
    told = *news;
    atomic_fetch_add(&n_told, 1);
}

static bool is_told(int n)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    while (atomic_load(&n_told) < n && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    return atomic_load(&n_told) == n;
}

static void hear_log(void *ctx, enum et_log_level level, const char *text)
{
    (void)level;
    (void)snprintf(ctx, 100, "%s", text);
}

static void sources_are_told_how_the_work_goes(void)
{
    static const struct et_source_kind PERSON = {MADE_SOURCE("person"), .tell = tell_person};
    static const struct et_live_source SOURCES[] = {{.device = "me", .kind = &PERSON}};
    const struct et_station_file file = {
        .name = "a", .skill = "fold_towel", .sources = SOURCES, .n_sources = 1};
    const struct et_recorder_options how = {.folder = temp_path("told"), .keep_free_bytes = -1};
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    char heard[100] = "";
    const struct et_log log = {ET_LOG_INFO, hear_log, heard};
    CHECK_OK(et_recorder_open(&recorder, &how, &err));
    CHECK_OK(et_station_open(&station, recorder, "a", &err));
    CHECK_OK(et_live_open(&live, &file, station, &(struct et_live_options){.log = &log}, &err));
    CHECK_STR(heard, "me: at home"); // where it can be reached is said
    CHECK(is_told(1));
    CHECK(!told.is_attempt);
    CHECK_STR(told.skill, "fold_towel");
    et_live_mark(live, "start", "me", NULL);
    CHECK_OK(et_live_step(live, &err));
    CHECK(is_told(2));
    CHECK(told.is_attempt && told.t_begin_ns > 0);
    et_live_mark(live, "success", "me", NULL);
    CHECK_OK(et_live_step(live, &err));
    CHECK_OK(et_live_step(live, &err)); // nothing new
    CHECK(is_told(3));
    CHECK(!told.is_attempt && told.n_done == 1 && told.n_success == 1);
    CHECK_OK(et_live_close(live, &err));
    CHECK_OK(et_recorder_close(recorder, &err));
}

/* ---- the emergency stop ---- */

static atomic_bool is_let_go;
static atomic_int n_asked, n_heard;
static bool heard_stop[8]; // written before n_heard

// As a source that is busy for as long as the test likes.
static void tell_busy(void *self, const struct et_source_news *news)
{
    const int n = atomic_load(&n_heard);
    (void)self;
    atomic_fetch_add(&n_asked, 1);
    while (!atomic_load(&is_let_go))
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    if (n < 8)
        heard_stop[n] = news->is_emergency;
    atomic_fetch_add(&n_heard, 1);
}

static bool comes_to(atomic_int *count, int n)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    while (atomic_load(count) < n && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    return atomic_load(count) == n;
}

static void a_stop_is_told_before_its_release(void)
{
    static const struct et_source_kind ROBOT = {MADE_SOURCE("robot"), .tell = tell_busy};
    static const struct et_live_source SOURCES[] = {{.device = "one", .kind = &ROBOT}};
    static const struct {
        const char *marks[4];
        int n; // told in all, with what is told at the beginning
        bool stops[3];
    } CASES[] = {
        {{"emergency", "release"}, 3, {false, true, false}},
        {{"emergency", "release", "release"}, 3, {false, true, false}},
        {{"emergency", "release", "emergency"}, 2, {false, true}},
        {{"release", "emergency", "release"}, 3, {false, true, false}},
        {{"release"}, 2, {false, false}},
    };
    const struct et_station_file file = {.name = "a", .sources = SOURCES, .n_sources = 1};
    const struct et_recorder_options how = {.folder = temp_path("stop"), .keep_free_bytes = -1};
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    CHECK_OK(et_recorder_open(&recorder, &how, &err));
    CHECK_OK(et_station_open(&station, recorder, "a", &err));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        atomic_store(&n_heard, 0);
        atomic_store(&n_asked, 0);
        atomic_store(&is_let_go, false);
        CHECK_OK(et_live_open(&live, &file, station, &(struct et_live_options){.only_listen = true},
                              &err));
        CHECK(comes_to(&n_asked, 1)); // the thread that polls is busy with its first news
        for (size_t k = 0; k < 4 && CASES[i].marks[k]; k++)
            et_live_mark(live, CASES[i].marks[k], "me", NULL);
        atomic_store(&is_let_go, true);
        CHECK(comes_to(&n_heard, CASES[i].n));
        for (int k = 0; k < CASES[i].n; k++)
            CHECK_EQ(heard_stop[k], CASES[i].stops[k]);
        CHECK_OK(et_live_close(live, &err));
    }
    CHECK_OK(et_recorder_close(recorder, &err));
}

/* ---- a robot that follows somebody ---- */

static atomic_int deadman;

static enum et_source_deadman deadman_of_robot(void *self)
{
    (void)self;
    return (enum et_source_deadman)atomic_load(&deadman);
}

static void a_person_is_told_whether_a_robot_follows(void)
{
    static const struct et_source_kind PERSON = {MADE_SOURCE("person"), .tell = tell_person};
    static const struct et_source_kind ROBOT = {MADE_SOURCE("robot"), .deadman = deadman_of_robot};
    static const struct et_live_source SOURCES[] = {{.device = "me", .kind = &PERSON},
                                                    {.device = "one", .kind = &ROBOT}};
    static const enum et_source_deadman STATES[] = {
        ET_SOURCE_DEADMAN_HELD, ET_SOURCE_DEADMAN_RELEASED, ET_SOURCE_DEADMAN_NONE};
    const struct et_station_file file = {.name = "a", .sources = SOURCES, .n_sources = 2};
    const struct et_recorder_options how = {.folder = temp_path("dead"), .keep_free_bytes = -1};
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    atomic_store(&n_told, 0);
    atomic_store(&deadman, ET_SOURCE_DEADMAN_RELEASED);
    atomic_store(&made_poll_ns, 1000000);
    CHECK_OK(et_recorder_open(&recorder, &how, &err));
    CHECK_OK(et_station_open(&station, recorder, "a", &err));
    CHECK_OK(et_live_open(&live, &file, station, NULL, &err));
    CHECK(is_told(1)); // once, with all there is to tell
    CHECK_EQ(told.deadman, ET_SOURCE_DEADMAN_RELEASED);
    for (int i = 0; i < 3; i++) {
        atomic_store(&deadman, STATES[i]);
        CHECK(is_told(2 * i + 2));
        CHECK_EQ(told.deadman, STATES[i]);
        et_live_mark(live, i == 1 ? "success" : "start", "me", NULL); // other news keep it
        CHECK_OK(et_live_step(live, &err));
        CHECK(is_told(2 * i + 3));
        CHECK_EQ(told.deadman, STATES[i]);
        CHECK_EQ(told.is_attempt, i != 1);
    }
    CHECK_OK(et_live_close(live, &err));
    CHECK_OK(et_recorder_close(recorder, &err));
}

/* ---- whose marks ---- */

// A mark that source i brings, done. Its feed has no other that puts.
static struct et_live_status mark_of(struct et_live *live, size_t i, const char *word)
{
    CHECK(
        et_feed_event(et_live_feed(live, i), "mark", et_live_source(live, i)->device, word, NULL));
    CHECK_OK(et_live_step(live, &err));
    return et_live_status(live);
}

static bool counts(const struct et_live_status *s, unsigned n_done, unsigned n_success,
                   unsigned n_failure)
{
    return s->n_done == n_done && s->n_success == n_success && s->n_failure == n_failure;
}

static void a_robot_marks_its_own_attempts(void)
{
    static const struct et_source_kind ROBOT = {MADE_SOURCE("robot"), .marks_itself = true};
    static const struct et_source_kind PAD = {MADE_SOURCE("pad")};
    static const struct et_live_source SOURCES[] = {{.device = "one", .kind = &ROBOT},
                                                    {.device = "two", .kind = &ROBOT},
                                                    {.device = "pad", .kind = &PAD}};
    enum { ONE, TWO, PERSON };
    const enum et_live_mode modes[] = {ET_LIVE_ATTEMPT, ET_LIVE_SESSION};
    for (size_t m = 0; m < 2; m++) {
        const struct et_station_file file = {
            .name = "a", .mode = modes[m], .sources = SOURCES, .n_sources = 3};
        const struct et_recorder_options how = {.folder = temp_path("whose"),
                                                .keep_free_bytes = -1};
        struct et_recorder *recorder;
        struct et_station *station;
        struct et_live *live;
        char heard[100] = "";
        const struct et_log log = {ET_LOG_WARN, hear_log, heard};
        CHECK_OK(et_recorder_open(&recorder, &how, &err));
        CHECK_OK(et_station_open(&station, recorder, "a", &err));
        CHECK_OK(et_live_open(&live, &file, station, &(struct et_live_options){.log = &log}, &err));
        (void)mark_of(live, ONE, "start");
        struct et_live_status s = mark_of(live, TWO, "start");
        CHECK(s.is_attempt && counts(&s, 0, 0, 0));
        CHECK_STR(heard, "two: its attempts are not recorded while one of another source goes on");
        s = mark_of(live, TWO, "failure");
        CHECK(s.is_attempt && counts(&s, 0, 0, 0));
        s = mark_of(live, ONE, "success");
        CHECK(!s.is_attempt && counts(&s, 1, 1, 0));
        s = mark_of(live, TWO, "failure"); // nor is the last one judged by it
        CHECK(counts(&s, 1, 1, 0));
        (void)mark_of(live, TWO, "start"); // now it is free
        s = mark_of(live, TWO, "failure");
        CHECK(!s.is_attempt && counts(&s, 2, 1, 1));
        // A person's are of all, and of a person's attempt all.
        (void)mark_of(live, PERSON, "start");
        s = mark_of(live, TWO, "success");
        CHECK(!s.is_attempt && counts(&s, 3, 2, 1));
        (void)mark_of(live, ONE, "start");
        s = mark_of(live, PERSON, "failure");
        CHECK(!s.is_attempt && counts(&s, 4, 2, 2));
        s = mark_of(live, PERSON, "success");
        CHECK(counts(&s, 4, 3, 1));
        CHECK_OK(et_live_close(live, &err));
        CHECK_OK(et_recorder_close(recorder, &err));
    }
}

static void what_cannot_be_opened_is_told_with_its_name(void)
{
    struct et_arena *arena;
    const struct et_station_file *file;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    const struct et_recorder_options how = {.folder = temp_path("none"), .keep_free_bytes = -1};
    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    CHECK_OK(et_station_file_read(
        write_text("none.yaml", "station: a\nsources:\n  r: {kind: replay, path: /nowhere}\n"),
        arena, &file, &err));
    CHECK_OK(et_recorder_open(&recorder, &how, &err));
    CHECK_OK(et_station_open(&station, recorder, "a", &err));
    CHECK_EQ(et_live_open(&live, file, station, NULL, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "r: ");
    CHECK(!live);
    CHECK_OK(et_live_close(NULL, &err));
    CHECK_OK(et_recorder_close(recorder, &err));
    et_arena_close(arena);
}

int main(void)
{
    RUN(reads_a_stations_file);
    RUN(tells_where_a_file_is_wrong);
    RUN(marks_begin_and_end_recordings);
    RUN(what_ends_the_station_ends_its_attempt);
    RUN(a_verdict_may_come_behind_the_end);
    RUN(a_verdict_of_what_was_not_recorded_is_nobodys);
    RUN(a_session_is_one_recording);
    RUN(a_recording_is_sent_again);
    RUN(a_recording_that_is_sent_again_marks_its_attempts);
    RUN(sources_are_told_how_the_work_goes);
    RUN(a_stop_is_told_before_its_release);
    RUN(a_person_is_told_whether_a_robot_follows);
    RUN(a_robot_marks_its_own_attempts);
    RUN(what_cannot_be_opened_is_told_with_its_name);
    return tap_end();
}
