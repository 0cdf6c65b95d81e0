// What stations hear is in their recordings, whole and in time, whatever ends them.
#include "etude/arena.h"
#include "etude/clock.h"
#include "etude/file.h"
#include "etude/hash.h"
#include "etude/json.h"
#include "numbers.h"
#include "support.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;

/* ---- what is recorded ---- */

struct rig {
    const char *folder;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    uint16_t stream;
};

static struct rig open_rig(const char *name, struct et_recorder_options options, size_t feed_bytes)
{
    struct rig rig = {.folder = temp_path(name)};
    options.folder = rig.folder;
    options.keep_free_bytes = options.keep_free_bytes ? options.keep_free_bytes : -1;
    CHECK_OK(et_recorder_open(&rig.recorder, &options, &err));
    CHECK_OK(et_station_open(&rig.station, rig.recorder, "one", &err));
    CHECK_OK(et_station_feed(rig.station, &(struct et_feed_options){.n_bytes = feed_bytes},
                             &rig.feed, &err));
    CHECK_OK(et_feed_add(rig.feed, &NUMBERS, &rig.stream, &err));
    return rig;
}

static int64_t number(const char *text)
{
    int64_t value = -1;
    (void)et_str_to_int64(et_str(text), &value);
    return value;
}

static bool put(struct rig *rig, uint64_t k)
{
    return put_number(rig->feed, rig->stream, k);
}

// Until it holds; the recorder has threads of its own.
#define WAIT_FOR(cond)                                                        \
    do {                                                                      \
        const int64_t until_ns_ = et_clock_monotonic_ns() + 60 * ET_NS_PER_S; \
        while (!(cond) && et_clock_monotonic_ns() < until_ns_)                \
            et_clock_wait_until(et_clock_monotonic_ns() + 1000000);           \
        CHECK(cond);                                                          \
    } while (0)

static const char *path_of(const struct rig *rig)
{
    static char path[ET_RECORDING_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", et_station_status(rig->station).path);
    return path;
}

// The page beside a recording: true when its hash and size are those of the file.
static bool is_page_true(const char *path, const char *key, int64_t want)
{
    char page[ET_RECORDING_PATH_MAX], text[2 * ET_BLAKE2B_BYTES + 1];
    struct et_arena *arena;
    const struct et_value *value;
    struct et_digest digest;
    (void)snprintf(page, sizeof page, "%.*s.json", (int)strlen(path) - 5, path);
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_json_read(page, 1 << 16, NULL, arena, &value, &err));
    CHECK_OK(et_blake2b_file(path, &digest, &err));
    et_digest_text(&digest, text);
    const bool is_true = strcmp(et_value_text(et_value_get(value, "blake2b"), ""), text) == 0 &&
                         et_value_int(et_value_get(value, key), -1) == want;
    et_arena_close(arena);
    return is_true;
}

static void records_what_was_heard(void)
{
    static const char profile[] = "maker: nobody";
    const struct et_mcap_attachment attachment = {.name = ET_STR("profile.yaml"),
                                                  .media_type = ET_STR("application/yaml"),
                                                  .data = ET_STR(profile)};
    const struct et_run run = {
        .trainer = "t01", .skill = "take_bottle", .attachments = &attachment, .n_attachments = 1};
    struct rig rig = open_rig("records", (struct et_recorder_options){0}, 1 << 20);
    CHECK_OK(et_station_begin(rig.station, &run, &err));
    const int64_t t_begin_ns = et_clock_real_ns();
    for (uint64_t k = 0; k < 5000; k++)
        CHECK(put(&rig, k));
    CHECK(et_station_event(rig.station, "mark", "t01", "good", NULL));
    CHECK_OK(et_station_end(rig.station, "success", &err));
    const char *path = path_of(&rig);
    const struct seen seen = see(path, false);
    CHECK(seen.is_finished && seen.is_in_order);
    CHECK_EQ(seen.n, 5000);
    CHECK_EQ(seen.first, 0);
    CHECK_EQ(seen.n_attachments, 1);
    CHECK_STR(seen.outcome, "success");
    CHECK_STR(seen.station, "one");
    CHECK_STR(seen.part, "1");
    CHECK_STR(seen.dropped, "");
    CHECK_NEAR((double)(seen.t_first_ns - t_begin_ns) / 1e9, 0, 5);
    CHECK(seen.t_last_ns >= seen.t_first_ns);
    CHECK(is_page_true(path, "messages", 5002)); // with a mark, and the clock of /numbers
    CHECK_EQ(et_station_status(rig.station).state, ET_STATION_IDLE);
    CHECK_EQ(et_station_status(rig.station).n_messages, 5002);
    CHECK_EQ(et_station_clock(rig.station, 1, rig.stream).n, 5000);
    CHECK(et_station_clock(rig.station, 1, rig.stream).has_stamps);
    CHECK_OK(et_recorder_close(rig.recorder, &err));
    CHECK_EQ(see(path, true).n, 5000);
}

static void copy(const char *from, const char *to)
{
    size_t n = 0;
    char *bytes = read_file(from, &n);
    write_file(to, bytes, n);
    free(bytes);
}

static void its_file_can_be_read_at_every_moment(void)
{
    struct rig rig = open_rig("moments", (struct et_recorder_options){0}, 1 << 20);
    char part[ET_RECORDING_PATH_MAX + 8];
    uint64_t n_put = 0, n_before = 0;
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    (void)snprintf(part, sizeof part, "%s.part", path_of(&rig));
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 300; k++)
            CHECK(put(&rig, n_put++));
        const char *copied = temp_path("moment.mcap");
        struct seen seen;
        WAIT_FOR((copy(part, copied), seen = see(copied, true), seen.n > n_before));
        CHECK(seen.is_in_order && !seen.is_finished);
        CHECK_EQ(seen.first, 0);
        CHECK(seen.n <= n_put);
        n_before = seen.n;
    }
    WAIT_FOR(et_recorder_status(rig.recorder).window_max_ns > 0);
    CHECK_OK(et_recorder_close(rig.recorder, &err)); // ends the run, too
}

static void what_was_heard_just_before_a_run_is_in_it(void)
{
    struct rig rig =
        open_rig("before", (struct et_recorder_options){.before_ns = INT64_MAX / 4}, 1 << 20);
    for (uint64_t k = 0; k < 100; k++)
        CHECK(put(&rig, k));
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    struct seen seen = see(path_of(&rig), false);
    CHECK_EQ(seen.n, 100);
    CHECK_STR(seen.shortened, "");
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err)); // each is in one run only
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    CHECK_EQ(see(path_of(&rig), false).n, 0);
    CHECK_OK(et_recorder_close(rig.recorder, &err));

    rig = open_rig("not_before", (struct et_recorder_options){.before_ns = -1}, 1 << 20);
    for (uint64_t k = 0; k < 100; k++)
        CHECK(put(&rig, k));
    WAIT_FOR(et_feed_used(rig.feed) == 0);
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    CHECK_EQ(see(path_of(&rig), false).n, 0);
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void a_feed_that_nobody_records_never_fills_up(void)
{
    struct rig rig =
        open_rig("idle", (struct et_recorder_options){.before_ns = INT64_MAX / 4}, 8192);
    for (uint64_t k = 0; k < 1000; k++)
        WAIT_FOR(put(&rig, k) || et_feed_used(rig.feed) < 8192);
    WAIT_FOR(et_feed_used(rig.feed) <= 4096);
    // What is left there on purpose is no load.
    WAIT_FOR(et_station_status(rig.station).ring_used_max == 0);
    CHECK(et_feed_used(rig.feed) > 0);
    // That not all of it was kept is said, once.
    for (int i = 0; i < 2; i++) {
        CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
        CHECK_OK(et_station_end(rig.station, NULL, &err));
        const struct seen seen = see(path_of(&rig), false);
        CHECK_EQ(seen.n > 0, i == 0);
        CHECK_EQ(strstr(seen.shortened, "of /numbers and its source the last 0") != NULL, i == 0);
    }
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void tells_what_was_dropped_and_lost(void)
{
    struct rig rig = open_rig("drops", (struct et_recorder_options){0}, 4096);
    char want[64];
    uint64_t n_dropped = 0;
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    for (uint64_t k = 0; k < 20000; k++)
        n_dropped += !put(&rig, k);
    et_feed_lost(rig.feed, rig.stream, 7);
    CHECK(n_dropped > 0);
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    const struct et_station_status status = et_station_status(rig.station);
    const struct seen seen = see(path_of(&rig), false);
    CHECK_EQ(seen.n, 20000 - n_dropped);
    CHECK_EQ(status.n_dropped, n_dropped);
    CHECK_EQ(status.n_lost, 7);
    CHECK(status.ring_share_max > 0 && status.ring_used_max > 0);
    (void)snprintf(want, sizeof want, "of /numbers: the recorder did not keep up");
    CHECK_HAS(seen.dropped, want);
    CHECK_STR(seen.lost, "7 samples of /numbers: they never came here");
    // A new run begins without what was told before.
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    CHECK_STR(see(path_of(&rig), false).lost, "");
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

// Its topics are more than a recording may have; each brings one sample.
static void what_is_too_large_is_told_apart_from_what_came_too_fast(void)
{
    static const char BYTES[40000] = "";
    struct rig rig = open_rig("large", (struct et_recorder_options){0}, 1 << 16);
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    CHECK(put(&rig, 0));
    for (int k = 0; k < 3; k++)
        CHECK(!et_feed_put(rig.feed, &(struct et_feed_sample){.stream = rig.stream,
                                                              .n_bytes = sizeof BYTES,
                                                              .bytes = BYTES}));
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    const struct seen seen = see(path_of(&rig), false);
    CHECK_EQ(seen.n, 1);
    CHECK_STR(seen.dropped, "3 samples of /numbers: too large to find room in the feed");
    CHECK_EQ(et_station_status(rig.station).n_dropped, 3);
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void what_a_recording_cannot_have_is_left_out_and_told(void)
{
    struct rig rig = open_rig("too_many", (struct et_recorder_options){0}, 1 << 20);
    const struct et_feed_stream bad = {.topic = "/bad",
                                       .type = "x",
                                       .schema_encoding = "",
                                       .message_encoding = "cdr",
                                       .qos = "\xff"}; // no UTF-8
    char topic[32];
    uint16_t i_bad, i_stream;
    uint64_t n_topics = 0, k = 0;
    CHECK_OK(et_feed_add(rig.feed, &bad, &i_bad, &err));
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    for (; k < 100; k++)
        CHECK(put(&rig, k) && put_number(rig.feed, i_bad, k));
    WAIT_FOR(et_station_status(rig.station).n_dropped > 0);
    CHECK_EQ(et_station_status(rig.station).n_dropped, 100);
    for (int f = 0; f < 5; f++) {
        struct et_feed *feed;
        CHECK_OK(et_station_feed(rig.station, NULL, &feed, &err));
        for (int i = 0; i < 900; i++) {
            struct et_feed_stream stream = bad;
            (void)snprintf(topic, sizeof topic, "/t%d_%d", f, i);
            stream.topic = topic;
            stream.qos = NULL;
            CHECK_OK(et_feed_add(feed, &stream, &i_stream, &err));
            CHECK(put_number(feed, i_stream, 0));
            n_topics++;
        }
    }
    for (; k < 200; k++)
        CHECK(put(&rig, k) && put_number(rig.feed, i_bad, k));
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    const struct et_station_status status = et_station_status(rig.station);
    const struct seen seen = see(path_of(&rig), false);
    CHECK_EQ(status.i_part, 1);
    CHECK_EQ(seen.n, 200);
    CHECK(seen.is_in_order);
    CHECK_HAS(seen.dropped, "100 samples of /bad: the recording cannot have the topic");
    // /numbers, /events, /clocks, and one that is the links' are among 4,096.
    CHECK_EQ(status.n_dropped, 200 + n_topics - (4096 - 4));
    CHECK_EQ(status.n_unwritten, status.n_dropped);
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

// The value of a key of a topic's channel; "": it has none.
static void channel_word(const char *path, const char *topic, const char *key, char value[64])
{
    struct et_mcap_reader *reader = NULL;
    value[0] = 0;
    CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
    const struct et_mcap_info *info = reader ? et_mcap_info(reader) : NULL;
    for (size_t i = 0; info && i < info->n_channels; i++)
        for (size_t k = 0; k < info->channels[i].n_metadata; k++)
            if (et_str_is(info->channels[i].topic, topic) &&
                et_str_is(info->channels[i].metadata[k].key, key))
                (void)snprintf(value, 64, "%.*s", ET_STR_ARG(info->channels[i].metadata[k].value));
    et_mcap_close(reader);
}

static void a_channel_says_how_often_its_samples_come(void)
{
    struct rig rig = open_rig("rates", (struct et_recorder_options){0}, 0);
    struct et_feed_stream unsaid = NUMBERS;
    uint16_t i;
    char value[64];
    unsaid.topic = "/unsaid";
    unsaid.rate_hz = 0;
    CHECK_OK(et_feed_add(rig.feed, &unsaid, &i, &err));
    const int64_t t_ns = et_clock_monotonic_ns() - 10 * ET_NS_PER_S;
    for (int k = 0; k < 500; k++)
        CHECK(et_feed_put(rig.feed, &(struct et_feed_sample){.t_arrival_ns = t_ns + k * 20000000LL,
                                                             .stream = i,
                                                             .n_bytes = 4,
                                                             .bytes = "1234"}));
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    channel_word(path_of(&rig), "/numbers", "rate_hz", value);
    CHECK_STR(value, "1000"); // as its source says
    channel_word(path_of(&rig), "/numbers", "rate_is", value);
    CHECK_STR(value, "");
    channel_word(path_of(&rig), "/unsaid", "rate_hz", value);
    CHECK_NEAR(strtod(value, NULL), 50, 0.5);
    channel_word(path_of(&rig), "/unsaid", "rate_is", value);
    CHECK_STR(value, "learned");
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void goes_on_in_another_file_without_a_gap(void)
{
    struct rig rig = open_rig("parts", (struct et_recorder_options){.part_bytes = 4096}, 1 << 20);
    struct et_arena *arena;
    const char *const *names;
    size_t n_names, n_files = 0;
    uint64_t n_put = 0, n = 0;
    char run[64] = "";
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){.skill = "x"}, &err));
    while (et_station_status(rig.station).i_part < 3) {
        (void)put(&rig, n_put++);
        et_clock_wait_until(et_clock_monotonic_ns() + 500000);
    }
    CHECK_OK(et_recorder_close(rig.recorder, &err));
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_dir_list(rig.folder, arena, &names, &n_names, &err));
    for (size_t i = 0; i < n_names; i++) {
        if (!et_str_ends(et_str(names[i]), ".mcap"))
            continue;
        const struct seen seen = see(et_path_join(arena, rig.folder, names[i]), false);
        CHECK(seen.is_finished && seen.is_in_order);
        CHECK(seen.n == 0 || seen.first == n); // ids sort by time
        CHECK_EQ(number(seen.part), (int)++n_files);
        if (n_files > 1)
            CHECK_STR(seen.run, run);
        (void)snprintf(run, sizeof run, "%s", seen.run);
        n += seen.n;
    }
    CHECK(n_files >= 3);
    CHECK_EQ(n, n_put);
    et_arena_close(arena);
}

static void stops_before_the_disk_is_full(void)
{
    struct rig rig =
        open_rig("full", (struct et_recorder_options){.keep_free_bytes = INT64_MAX / 2}, 1 << 20);
    CHECK_EQ(et_station_begin(rig.station, &(struct et_run){0}, &err), ET_EIO);
    CHECK_HAS(err.text, "full is nearly full, nothing is recorded");
    CHECK(strncmp(err.text, "the disk of ", 12) == 0);
    CHECK_HAS(err.text, "keep_free_gb");
    CHECK(et_recorder_status(rig.recorder).free_bytes < 0);
    CHECK(et_recorder_status(rig.recorder).is_full);
    CHECK_EQ(et_recorder_status(rig.recorder).keep_free_bytes, INT64_MAX / 2);
    CHECK_EQ(et_station_status(rig.station).state, ET_STATION_IDLE);
    CHECK_EQ(et_station_end(rig.station, NULL, &err), ET_ENOTFOUND);
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void a_type_that_changes_is_a_new_channel(void)
{
    struct rig rig = open_rig("types", (struct et_recorder_options){0}, 1 << 20);
    struct et_feed_stream changed = NUMBERS;
    changed.schema = ET_STR("uint64 data # of another maker");
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    CHECK(put(&rig, 0));
    CHECK_OK(et_feed_add(rig.feed, &changed, &rig.stream, &err));
    CHECK(put(&rig, 1));
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    const struct seen seen = see(path_of(&rig), false);
    CHECK_EQ(seen.n, 2);
    CHECK_EQ(seen.n_numbers_channels, 2);
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static _Atomic int64_t step_ns;
static int64_t stepping(void)
{
    return et_clock_real_ns() + step_ns;
}

static void its_times_go_on_when_the_clock_is_set(void)
{
    struct rig rig = open_rig("clock", (struct et_recorder_options){.real_ns = stepping}, 1 << 20);
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    CHECK(put(&rig, 0));
    step_ns = -3600 * ET_NS_PER_S;
    CHECK(put(&rig, 1));
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    const struct seen seen = see(path_of(&rig), false);
    CHECK_HAS(seen.step, "the system's clock was set by -3600.000 s");
    CHECK_EQ(seen.n, 2);
    CHECK(seen.is_in_order);
    CHECK(seen.t_last_ns >= seen.t_first_ns);
    CHECK_OK(et_recorder_close(rig.recorder, &err));
    step_ns = 0;
}

/* ---- after a kill ---- */

struct told {
    int n, n_good;
    char path[ET_RECORDING_PATH_MAX], trouble[ET_ERR_TEXT_BYTES];
};

static void hear(void *ctx, const struct et_recovered *file)
{
    struct told *told = ctx;
    told->n++;
    told->n_good += file->path != NULL;
    (void)snprintf(told->path, sizeof told->path, "%s", file->path ? file->path : "");
    (void)snprintf(told->trouble, sizeof told->trouble, "%s",
                   file->trouble ? file->trouble->text : "");
}

static void what_a_kill_left_is_finished(void)
{
    struct rig rig = open_rig("killed", (struct et_recorder_options){.by_day = true}, 1 << 20);
    struct told told = {0};
    size_t n_failed;
    char part[ET_RECORDING_PATH_MAX + 8];
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){.skill = "x"}, &err));
    for (uint64_t k = 0; k < 1000; k++)
        CHECK(put(&rig, k));
    (void)snprintf(part, sizeof part, "%s.part", path_of(&rig));
    WAIT_FOR(see(part, true).n == 1000);
    // What is being written is left alone.
    CHECK_OK(et_recorder_recover(rig.folder, hear, &told, &n_failed, &err));
    CHECK_EQ(told.n, 0);
    // The same bytes that nobody writes, with some of a chunk behind them.
    const char *folder = temp_path("left");
    CHECK_OK(et_dir_make(folder, &err));
    const char *left = temp_path("left/01ARZ3NDEKTSV4RRFFQ69G5FAV.mcap.part");
    copy(part, left);
    FILE *f = fopen(left, "ab");
    CHECK(f && fwrite("\x06"
                      "cut",
                      1, 4, f) == 4);
    CHECK_EQ(fclose(f), 0);
    CHECK_OK(et_recorder_recover(folder, hear, &told, &n_failed, &err));
    CHECK_EQ(told.n_good, 1);
    CHECK_EQ(n_failed, 0);
    const struct seen seen = see(told.path, false);
    CHECK(seen.is_finished && seen.is_in_order);
    CHECK_EQ(seen.n, 1000);
    CHECK(number(seen.recovered) >= 4); // and the indexes before it, made anew
    CHECK(!file_exists(left));
    CHECK(is_page_true(told.path, "cut_bytes", number(seen.recovered)));
    // Once more: there is nothing to do.
    CHECK_OK(et_recorder_recover(folder, hear, &told, &n_failed, &err));
    CHECK_EQ(told.n, 1);
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void what_is_no_recording_is_put_aside(void)
{
    struct told told = {0};
    size_t n_failed, n;
    const char *folder = temp_path("bad");
    CHECK_OK(et_dir_make(folder, &err));
    const char *bad = temp_path("bad/a.mcap.part");
    write_file(bad, "no recording at all", 19);
    CHECK_OK(et_recorder_recover(folder, hear, &told, &n_failed, &err));
    CHECK_EQ(n_failed, 1);
    CHECK_EQ(told.n_good, 0);
    CHECK_HAS(told.trouble, "a.mcap.part");
    char *bytes = read_file(temp_path("bad/a.mcap.damaged"), &n);
    CHECK_EQ(n, 19);
    free(bytes);
    // Of the same name: it stays.
    write_file(temp_path("bad/a.mcap"), "x", 1);
    write_file(bad, "no recording at all", 19);
    CHECK_OK(et_recorder_recover(folder, hear, &told, &n_failed, &err));
    CHECK_HAS(told.trouble, "is there already");
    CHECK(file_exists(bad));
    // Empty: it goes.
    CHECK_OK(et_file_remove(bad, &err));
    write_file(temp_path("bad/b.mcap.part"), "", 0);
    CHECK_OK(et_recorder_recover(folder, hear, &told, &n_failed, &err));
    CHECK_EQ(told.n, 2);
    CHECK(!file_exists(temp_path("bad/b.mcap.part")));
    CHECK_EQ(et_recorder_recover(temp_path("nowhere"), hear, &told, &n_failed, &err), ET_ENOTFOUND);
}

static void refuses_what_makes_no_sense(void)
{
    struct rig rig = open_rig("refuses", (struct et_recorder_options){0}, 4096);
    struct et_station *other;
    struct et_recorder *second;
    CHECK_EQ(et_station_open(&other, rig.recorder, "one", &err), ET_EEXISTS);
    CHECK_EQ(et_station_open(&other, rig.recorder, "no name", &err), ET_EARG);
    CHECK_EQ(et_station_end(rig.station, NULL, &err), ET_ENOTFOUND);
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    CHECK_EQ(et_station_begin(rig.station, &(struct et_run){0}, &err), ET_EEXISTS);
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    CHECK_EQ(et_station_begin(rig.station, &(struct et_run){.n_more = 1000}, &err), ET_EARG);
    CHECK_EQ(et_recorder_open(&second, &(struct et_recorder_options){.n_threads = 1000}, &err),
             ET_EARG);
    write_file(temp_path("a_file"), "x", 1);
    CHECK_EQ(et_recorder_open(&second, &(struct et_recorder_options){.folder = temp_path("a_file")},
                              &err),
             ET_EIO);
    CHECK_OK(et_station_open(&other, rig.recorder, "two", &err));
    CHECK_EQ(et_recorder_status(rig.recorder).n_stations, 2);
    CHECK_OK(et_station_close(other, &err));
    CHECK_EQ(et_recorder_status(rig.recorder).n_stations, 1);
    CHECK_OK(et_station_close(NULL, &err));
    CHECK_OK(et_recorder_close(rig.recorder, &err));
    CHECK_OK(et_recorder_close(NULL, &err));
}

static void without_a_folder_it_records_nothing(void)
{
    struct et_recorder *recorder;
    struct et_station *station;
    CHECK_OK(et_recorder_open(&recorder, &(struct et_recorder_options){0}, &err));
    CHECK_OK(et_station_open(&station, recorder, "one", &err));
    CHECK_EQ(et_station_begin(station, &(struct et_run){0}, &err), ET_EARG);
    CHECK_HAS(err.text, "no folder");
    CHECK_EQ(et_recorder_status(recorder).n_recording, 0);
    CHECK_OK(et_recorder_close(recorder, &err));
}

int main(void)
{
    RUN(records_what_was_heard);
    RUN(its_file_can_be_read_at_every_moment);
    RUN(what_was_heard_just_before_a_run_is_in_it);
    RUN(a_feed_that_nobody_records_never_fills_up);
    RUN(tells_what_was_dropped_and_lost);
    RUN(what_is_too_large_is_told_apart_from_what_came_too_fast);
    RUN(what_a_recording_cannot_have_is_left_out_and_told);
    RUN(a_channel_says_how_often_its_samples_come);
    RUN(goes_on_in_another_file_without_a_gap);
    RUN(stops_before_the_disk_is_full);
    RUN(a_type_that_changes_is_a_new_channel);
    RUN(its_times_go_on_when_the_clock_is_set);
    RUN(what_a_kill_left_is_finished);
    RUN(what_is_no_recording_is_put_aside);
    RUN(refuses_what_makes_no_sense);
    RUN(without_a_folder_it_records_nothing);
    return tap_end();
}
