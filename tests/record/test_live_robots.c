// Robots of a station, a virtual one and one of DDS, led by a gamepad, while the disk does not
// answer: they are led on, and stop when they are told to.
#include "drive_rig.h"
#include "etude/clock.h"
#include "etude/live.h"
#include "frozen.h"
#include "record/record__recorder.h"
#include "support.h"
#include "tap.h"

#include <fcntl.h>
#include <linux/input.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct et_err err;

/* ---- what the station's feeds say ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char words[16384];   // of all events: "drive ready; teleop idle; "
static atomic_int n_states; // of joints, that robots put

static void on_put(void *ctx, const struct et_feed_sample *sample)
{
    struct et_feed *feed = ctx;
    struct et__event event;
    if (strstr(et_feed_stream(feed, sample->stream)->type, "JointState") ||
        strstr(et_feed_stream(feed, sample->stream)->type, "LowCmd"))
        atomic_fetch_add(&n_states, 1);
    if (sample->stream != ET_FEED_EVENTS ||
        !et__event_parse((struct et_str){sample->bytes, sample->n_bytes}, &event))
        return;
    (void)pthread_mutex_lock(&lock);
    const size_t n = strlen(words);
    (void)snprintf(words + n, sizeof words - n, "%.*s %.*s; ", ET_STR_ARG(event.kind),
                   ET_STR_ARG(event.text));
    (void)pthread_mutex_unlock(&lock);
}

static enum et_status listen_to(void *ctx, struct et_feed *feed, struct et_err *error)
{
    (void)ctx;
    return et_feed_listen(feed, &(struct et_feed_listener){on_put, feed}, error);
}

// Until it is said, behind what was said before; false: it is not, for so long.
static bool is_said_within(const char *word, int64_t wait_ns)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + wait_ns;
    bool is = false;
    while (!is && et_clock_monotonic_ns() < t_end_ns) {
        (void)pthread_mutex_lock(&lock);
        const char *at = strstr(words, word);
        is = at != NULL;
        if (is)
            memmove(words, at + strlen(word), strlen(at + strlen(word)) + 1);
        (void)pthread_mutex_unlock(&lock);
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    }
    return is;
}

static bool is_said(const char *word)
{
    const bool is = is_said_within(word, 30 * ET_NS_PER_S);
    if (!is)
        printf("# not said: %s; but: %s\n", word, words);
    return is;
}

/* ---- the station ---- */

static int pad_fd;

static void press(uint16_t type, uint16_t code, int32_t value)
{
    const struct input_event events[2] = {{.type = type, .code = code, .value = value},
                                          {.type = EV_SYN, .code = SYN_REPORT}};
    CHECK_EQ(write(pad_fd, events, sizeof events), sizeof events);
}

/* As a person does: who held the clutch before the robot was ready lets go, and takes it again. */
static bool is_led(void)
{
    for (int i = 0; i < 10; i++) {
        press(EV_KEY, BTN_TL, 1);
        if (is_said_within("teleop moving", 3 * ET_NS_PER_S))
            return true;
        press(EV_KEY, BTN_TL, 0);
        et_clock_wait_until(et_clock_monotonic_ns() + ET_NS_PER_S / 5);
    }
    return false;
}

struct at_work {
    struct et_arena *arena;
    const struct et_station_file *file;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
};

static void begin(struct at_work *w, const char *name, const char *robot)
{
    char text[1000], pipe[100], yaml[100];
    (void)snprintf(pipe, sizeof pipe, "%s.pipe", name);
    (void)snprintf(yaml, sizeof yaml, "%s-station.yaml", name);
    CHECK(mkfifo(temp_path(pipe), 0600) == 0);
    pad_fd = open(temp_path(pipe), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    (void)snprintf(text, sizeof text,
                   "station: a\nsources:\n  pad: {kind: gamepad, device: %s}\n  robot: {%s}\n",
                   temp_path(pipe), robot);
    write_file(temp_path(yaml), text, strlen(text));
    words[0] = 0;
    frozen_open();
    CHECK_OK(et_arena_open(&w->arena, 1 << 22, &err));
    CHECK_OK(et_station_file_read(temp_path(yaml), w->arena, &w->file, &err));
    const struct et_recorder_options how = {
        .folder = temp_path(name), .keep_free_bytes = -1, .without_uring = true};
    CHECK_OK(et_recorder_open(&w->recorder, &how, &err));
    CHECK_OK(et_station_open(&w->station, w->recorder, "a", &err));
    const struct et_live_options options = {.on_feed = listen_to};
    CHECK_OK(et_live_open(&w->live, w->file, w->station, &options, &err));
    et_live_mark(w->live, "start", "me", NULL);
    CHECK_OK(et_live_step(w->live, &err));
    press(EV_ABS, ABS_Y, -8000); // it leads from now on
}

static void *end_attempt(void *live)
{
    struct et_err why = {0};
    (void)!et_live_step(live, &why);
    return NULL;
}

// It is led, the disk hangs, a recording is to end there: states come on, and the stop is obeyed.
static void hang_and_stop(struct at_work *w)
{
    pthread_t thread;
    atomic_store(&is_frozen, true);
    CHECK(comes(&is_waited_for));
    et_live_mark(w->live, "success", "me", NULL);
    CHECK_EQ(pthread_create(&thread, NULL, end_attempt, w->live), 0);
    const int n_before = atomic_load(&n_states);
    et_clock_wait_until(et_clock_monotonic_ns() + ET_NS_PER_S / 2);
    CHECK(atomic_load(&n_states) > n_before + 10);
    et_live_mark(w->live, "emergency", "me", NULL);
    CHECK(is_said("teleop stopped"));
    CHECK(atomic_load(&is_frozen));
    CHECK_EQ(et_live_status(w->live).n_success <= 1, true);
    CHECK_EQ(et_station_status(w->station).state, ET_STATION_RECORDING); // it has not ended
    atomic_store(&is_frozen, false);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(et_live_status(w->live).n_success, 1);
}

static void end(struct at_work *w)
{
    CHECK_OK(et_live_close(w->live, &err));
    CHECK_OK(et_recorder_close(w->recorder, &err));
    frozen_close();
    et_arena_close(w->arena);
    (void)close(pad_fd);
}

static void a_virtual_robot_is_led_on_and_stops(void)
{
    struct at_work w = {0};
    begin(&w, "world",
          "kind: world, skill: press_button, operator: pad, cameras: false, "
          "teleop: {watchdog_ms: 2000}");
    CHECK(is_led());
    hang_and_stop(&w);
    end(&w);
}

static void a_robot_of_dds_is_led_on_and_stops(void)
{
    struct rig rig;
    struct at_work w = {0};
    char settings[500];
    if (!CHECK(rig_open(&rig, "unitree")))
        return;
    (void)snprintf(settings, sizeof settings,
                   "kind: drive, profile: g1.yaml, model: g1.xml, domain: %u, interface: lo, "
                   "operator: pad, armed: true, teleop: {watchdog_ms: 2000}",
                   rig.domain);
    begin(&w, "drive", settings);
    CHECK(is_said("drive ready"));
    press(EV_KEY, BTN_TL, 1);
    CHECK(is_said("drive taking") && is_said("drive driving"));
    press(EV_KEY, BTN_TL, 0);
    et_clock_wait_until(et_clock_monotonic_ns() + ET_NS_PER_S / 5);
    CHECK(is_led());
    const unsigned n_before = rig_see(&rig).n_commands;
    hang_and_stop(&w);
    const struct drive_seen seen = rig_see(&rig);
    CHECK(seen.n_commands > n_before + 10); // that the robot has
    CHECK_EQ(seen.n_wrong_crc + seen.n_wrong, 0);
    end(&w);
    rig_close(&rig);
}

int main(void)
{
    RUN(a_virtual_robot_is_led_on_and_stops);
    RUN(a_robot_of_dds_is_led_on_and_stops);
    return tap_end();
}
