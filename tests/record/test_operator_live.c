// A whole station: a gamepad on a pipe leads the virtual robot, which says what holds it, and
// whether it follows; settings that do not fit are told with their place when the robot is opened.
#include "etude/clock.h"
#include "etude/live.h"
#include "record/record__recorder.h"
#include "support.h"
#include "tap.h"

#include <fcntl.h>
#include <linux/input.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct et_err err;
static int pad_fd;

static void press(uint16_t type, uint16_t code, int32_t value)
{
    const struct input_event events[2] = {{.type = type, .code = code, .value = value},
                                          {.type = EV_SYN, .code = SYN_REPORT}};
    CHECK_EQ(write(pad_fd, events, sizeof events), sizeof events);
}

/* ---- what the robot's feed says ---- */

#define STATES_MAX 64
static char states[STATES_MAX][16]; // written before n_states
static atomic_int n_states;
static atomic_int n_pads; // messages of the gamepad

static void on_put(void *ctx, const struct et_feed_sample *sample)
{
    struct et_feed *feed = ctx;
    struct et__event event;
    const struct et_feed_stream *stream = et_feed_stream(feed, sample->stream);
    if (stream->device && strcmp(stream->device, "pad") == 0)
        atomic_fetch_add(&n_pads, 1);
    const int n = atomic_load(&n_states);
    if (sample->stream != ET_FEED_EVENTS || n == STATES_MAX ||
        !et__event_parse((struct et_str){sample->bytes, sample->n_bytes}, &event) ||
        !et_str_is(event.kind, "teleop"))
        return;
    (void)snprintf(states[n], sizeof states[n], "%.*s", ET_STR_ARG(event.text));
    atomic_store(&n_states, n + 1);
}

static enum et_status listen_to(void *ctx, struct et_feed *feed, struct et_err *error)
{
    (void)ctx;
    return et_feed_listen(feed, &(struct et_feed_listener){on_put, feed}, error);
}

// The state that comes next; "" when none does within a minute.
static const char *next_state(int i)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    while (atomic_load(&n_states) <= i && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    return atomic_load(&n_states) > i ? states[i] : "";
}

static void a_gamepad_leads_the_virtual_robot_of_its_station(void)
{
    struct et_arena *arena;
    const struct et_station_file *file;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    char text[500];
    const char *path = temp_path("pad.pipe"), *yaml = temp_path("station.yaml");
    CHECK(mkfifo(path, 0600) == 0);
    pad_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    (void)snprintf(text, sizeof text,
                   "station: a\nsources:\n  pad: {kind: gamepad, device: %s}\n"
                   "  robot: {kind: world, skill: press_button, operator: pad, cameras: false, "
                   "teleop: {watchdog_ms: 2000}}\n",
                   path);
    write_file(yaml, text, strlen(text));
    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    CHECK_OK(et_station_file_read(yaml, arena, &file, &err));
    CHECK_OK(et_recorder_open(
        &recorder, &(struct et_recorder_options){.folder = temp_path("led"), .keep_free_bytes = -1},
        &err));
    CHECK_OK(et_station_open(&station, recorder, "a", &err));
    const struct et_live_options options = {.only_listen = true, .on_feed = listen_to};
    CHECK_OK(et_live_open(&live, file, station, &options, &err));
    press(EV_ABS, ABS_Y, -8000);
    // It leads, so it speaks though nothing changes.
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    while (atomic_load(&n_pads) < 20 && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    CHECK(atomic_load(&n_pads) >= 20);
    press(EV_KEY, BTN_TL, 1);
    CHECK_STR(next_state(0), "moving");
    press(EV_KEY, BTN_TL, 0);
    CHECK_STR(next_state(1), "idle");
    et_live_mark(live, "emergency", "me", NULL);
    CHECK_STR(next_state(2), "stopped");
    press(EV_KEY, BTN_TR, 1);
    press(EV_KEY, BTN_TR, 0);
    et_live_mark(live, "release", "me", NULL);
    CHECK_STR(next_state(3), "idle");
    press(EV_KEY, BTN_TR, 1);
    CHECK_STR(next_state(4), "moving");
    (void)close(pad_fd); // it is pulled out
    CHECK_STR(next_state(5), "held");
    CHECK_OK(et_live_close(live, &err));
    CHECK_OK(et_recorder_close(recorder, &err));
    et_arena_close(arena);
}

static int64_t given_now(void *ctx)
{
    return *(const int64_t *)ctx;
}

// Each step takes twice its time, for 11 s; then they are in time.
static void a_world_that_falls_behind_says_so_once(void)
{
    struct et_arena *arena;
    const struct et_value *settings;
    struct et_feed *feed;
    struct et_source *source;
    struct et_feed_sample got;
    int64_t t_now_ns = 1000 * ET_NS_PER_S, t_next_ns;
    char words[ET_SOURCE_WORDS_BYTES];
    int n_told = 0;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_feed_open(&feed, &(struct et_feed_options){.n_bytes = 1 << 24}, &err));
    CHECK_OK(et_yaml_parse(et_str("{skill: press_button, cameras: false}"), "station.yaml", arena,
                           &settings, &err));
    const struct et_source_options options = {.device = "robot",
                                              .settings = settings,
                                              .path = "station.yaml",
                                              .now_ns = given_now,
                                              .ctx = &t_now_ns};
    CHECK_OK(et_source_open(&source, et_source_kind("world"), &options, feed, &err));
    for (int is_late = 1; is_late >= 0; is_late--) {
        for (const int64_t t_end_ns = t_now_ns + 11 * ET_NS_PER_S; t_now_ns < t_end_ns;) {
            CHECK_OK(et_source_poll(source, &t_next_ns, &err));
            t_now_ns = is_late                ? t_now_ns + 20000000
                       : t_next_ns > t_now_ns ? t_next_ns
                                              : t_now_ns + 1;
            for (; et_feed_next(feed, &got); et_feed_done(feed))
                n_told += got.stream == ET_FEED_EVENTS &&
                          memmem(got.bytes, got.n_bytes, "of real time", 12) != NULL;
        }
        et_source_say(source, words);
        // Its topics are of the device that the station calls it.
        for (size_t i = 1; i < et_feed_n_streams(feed); i++)
            CHECK_STR(et_feed_stream(feed, i)->device, "robot");
        CHECK(et_feed_n_streams(feed) > 5);
        CHECK_EQ(strstr(words, "0.5 of real time") != NULL, is_late);
        CHECK_EQ(n_told, 1);
    }
    et_source_close(source);
    et_feed_close(feed);
    et_arena_close(arena);
}

static void what_leads_nobody_is_told_when_the_robot_is_opened(void)
{
    static const struct {
        const char *settings, *want;
    } CASES[] = {{"operator: suit", "station.yaml:4:55: suit has no clutch of its own"},
                 {"operator: siut", "station.yaml:4:55: this station has no source \"siut\""},
                 {"operator: arms, clutch: pad, joints: [{from: one, to: left_elbwo}]",
                  "did you mean left_elbow?"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_arena *arena;
        const struct et_station_file *file;
        struct et_feed *feed;
        struct et_source *source = NULL;
        char text[500];
        const char *yaml = temp_path("station.yaml");
        (void)snprintf(text, sizeof text,
                       "station: a\nsources:\n  suit: {kind: vmc}\n"
                       "  robot: {kind: world, skill: press_button, %s}\n  pad: {kind: gamepad}\n"
                       "  arms: {kind: dynamixel, port: x, joints: [{id: 1, name: one}]}\n",
                       CASES[i].settings);
        write_file(yaml, text, strlen(text));
        CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
        CHECK_OK(et_station_file_read(yaml, arena, &file, &err));
        CHECK_OK(et_feed_open(&feed, NULL, &err));
        const struct et_source_options options = {.device = "robot",
                                                  .settings = file->sources[1].settings,
                                                  .path = file->path,
                                                  .station = file->sources,
                                                  .n_station = file->n_sources};
        CHECK_EQ(et_source_open(&source, file->sources[1].kind, &options, feed, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, CASES[i].want);
        et_feed_close(feed);
        et_arena_close(arena);
    }
}

int main(void)
{
    RUN(a_gamepad_leads_the_virtual_robot_of_its_station);
    RUN(a_world_that_falls_behind_says_so_once);
    RUN(what_leads_nobody_is_told_when_the_robot_is_opened);
    return tap_end();
}
