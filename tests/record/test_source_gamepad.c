// Events of gamepads and keys become states and marks; what comes, goes, or is garbage is told.
#include "record/record__pad.h"
#include "source_help.h"
#include "support.h"

#include "etude/file.h"

#include <fcntl.h>
#include <libevdev/libevdev-uinput.h>
#include <linux/input.h>
#include <sys/stat.h>
#include <unistd.h>

#define S INT64_C(1000000000)
#define N_EVENTS 9

// Recorded at second 50: the stick, a button pressed, 0.5 s later let go with a trigger pulled.
static const struct {
    int64_t t_us;
    uint16_t type, code;
    int32_t value;
} PLAY[N_EVENTS] = {{50000000, EV_ABS, ABS_X, 32767},  {50000000, EV_ABS, ABS_Y, -16448},
                    {50000000, EV_SYN, SYN_REPORT, 0}, {50100000, EV_KEY, BTN_SOUTH, 1},
                    {50100000, EV_SYN, SYN_REPORT, 0}, {50600000, EV_KEY, BTN_SOUTH, 0},
                    {50600000, EV_ABS, ABS_Z, 255},    {50600000, EV_MSC, 4, 7},
                    {50600000, EV_SYN, SYN_REPORT, 0}};

static struct input_event event_of(int64_t t_us, uint16_t type, uint16_t code, int32_t value)
{
    struct input_event event = {.type = type, .code = code, .value = value};
    event.input_event_sec = t_us / 1000000;
    event.input_event_usec = t_us % 1000000;
    return event;
}

static const char *play_path(struct input_event events[N_EVENTS])
{
    const char *path = temp_path("pad.evt");
    for (size_t i = 0; i < N_EVENTS; i++)
        events[i] = event_of(PLAY[i].t_us, PLAY[i].type, PLAY[i].code, PLAY[i].value);
    write_file(path, events, N_EVENTS * sizeof *events);
    return path;
}

static struct live *open_path(const char *kind, const char *path, const char *more)
{
    char settings[1000];
    (void)snprintf(settings, sizeof settings, "{device: %s%s}", path, more);
    struct live *live = live_open(kind, settings, false);
    CHECK_EQ(live->st, ET_OK);
    return live;
}

static double axis(const struct et_value *message, const char *name)
{
    for (size_t i = 0; i < et_value_count(at(message, "axis_name")); i++)
        if (et_str_is(et_value_at(at(message, "axis_name"), i)->as.string, name))
            return et_value_real(et_value_at(at(message, "axis"), i), (double)NAN);
    return (double)NAN;
}

static int button(const struct et_value *message, const char *name)
{
    for (size_t i = 0; i < et_value_count(at(message, "button_name")); i++)
        if (et_str_is(et_value_at(at(message, "button_name"), i)->as.string, name))
            return et_value_bool(et_value_at(at(message, "button"), i), false);
    return -1;
}

static void plays_a_file_at_its_pace(void)
{
    struct input_event events[N_EVENTS];
    struct live *live = open_path("gamepad", play_path(events), ", mark: {south: success}");
    const int64_t began_ns = live->t_ns;
    CHECK_STR(et_feed_stream(live->feed, 1)->topic, "/dev");
    live_poll(live);
    CHECK_EQ(live->t_next_ns, began_ns + S / 10);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_LIVE);
    CHECK_STR(text_at(live_next(live), "kind"), "device.found");
    const struct et_value *v = live_next(live);
    CHECK_STR(text_at(v, "name"), "dev");
    CHECK_EQ(et_value_int(at(v, "header.stamp.sec"), 0), 50);
    CHECK_EQ(live->sample.t_device_ns, 50 * S);
    CHECK_EQ(live->sample.t_arrival_ns, began_ns);
    CHECK(!et_value_bool(at(v, "is_tracked"), true));
    CHECK_NEAR(number_at(v, "pose.orientation.w"), 1, 0);
    CHECK_NEAR(axis(v, "left_x"), 1, 0);
    CHECK_NEAR(axis(v, "left_y"), -0.5, 0.001);
    CHECK_NEAR(axis(v, "left_trigger"), 0, 0);
    CHECK_EQ(button(v, "south"), 0);
    CHECK(!live_next(live));
    live_run_to(live, began_ns + S / 2);
    v = live_next(live);
    CHECK_STR(text_at(v, "kind"), "mark");
    CHECK_STR(text_at(v, "text"), "success");
    CHECK_STR(text_at(v, "source"), "dev");
    CHECK_STR(text_at(v, "value"), "{\"button\": \"south\"}");
    CHECK_EQ(button(live_next(live), "south"), 1);
    live_run_to(live, began_ns + S);
    v = live_next(live);
    CHECK_EQ(button(v, "south"), 0);
    CHECK_NEAR(axis(v, "left_trigger"), 1, 0);
    CHECK(!live_next(live)); // letting go is no mark
    CHECK_EQ(live->st, ET_END);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_OVER);
    live_poll(live);
    CHECK_EQ(live->st, ET_END);
    live_close(live);
}

static void waits_for_a_device_and_tells_when_it_goes(void)
{
    struct input_event events[N_EVENTS];
    (void)play_path(events);
    const char *path = temp_path("pad.pipe");
    struct live *live = open_path("gamepad", path, "");
    live_poll(live);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
    CHECK_STR(text_at(live_next(live), "kind"), "device.lost");
    CHECK(live->t_next_ns > live->t_ns && et_source_fd(live->source) >= 0);
    for (int i = 0; i < 2; i++) {
        CHECK(i > 0 || mkfifo(path, 0600) == 0); // seen in its folder, before its time
        live->t_ns += i * S;
        live_poll(live);
        CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
        const int fd = open(path, O_WRONLY | O_NONBLOCK);
        CHECK(fd >= 0);
        // In two pieces, with an event cut in the middle.
        CHECK_EQ(write(fd, events, 100), 100);
        live_poll(live);
        CHECK_EQ(et_source_state(live->source), ET_SOURCE_LIVE);
        CHECK_STR(text_at(live_next(live), "kind"), "device.found");
        CHECK_NEAR(axis(live_next(live), "left_x"), 1, 0);
        CHECK(!live_next(live));
        CHECK_EQ(write(fd, (char *)events + 100, sizeof events - 100), sizeof events - 100);
        live_poll(live);
        CHECK_EQ(button(live_next(live), "south"), 1);
        CHECK_EQ(button(live_next(live), "south"), 0);
        (void)close(fd);
        live_poll(live);
        CHECK_STR(text_at(live_next(live), "kind"), "device.lost");
        CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
    }
    live_close(live);
}

// A robot that is led by it has to know that a stick is still held.
static void puts_its_state_again_when_it_is_told_to(void)
{
    for (int k = 0; k < 2; k++) {
        struct input_event events[N_EVENTS];
        const char *path = temp_path(k ? "again.pipe" : "once.pipe");
        (void)play_path(events);
        CHECK(mkfifo(path, 0600) == 0);
        struct live *live = open_path("gamepad", path, k ? ", rate: 50" : "");
        const int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        live_run_to(live, live->t_ns + S);
        CHECK_EQ(et_feed_counts(live->feed, 1).n_put, 0); // nothing is known of it yet
        CHECK_EQ(write(fd, events, 3 * sizeof *events), 3 * sizeof *events);
        live_run_to(live, live->t_ns + S);
        const uint64_t n_put = et_feed_counts(live->feed, 1).n_put;
        CHECK(k ? n_put >= 50 && n_put <= 52 : n_put == 1);
        while (live_next_of(live, 1) && live->sample.t_device_ns != 0)
            ;
        if (k)
            CHECK_NEAR(axis(live->value, "left_x"), 1, 0);
        (void)close(fd);
        live_poll(live); // it is gone: no state is put for it
        CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
        const uint64_t n_last = et_feed_counts(live->feed, 1).n_put;
        live_run_to(live, live->t_ns + S / 20);
        CHECK_EQ(et_feed_counts(live->feed, 1).n_put, n_last);
        live_close(live);
    }
}

static void says_when_there_is_no_device(void)
{
    struct live *live = live_open("gamepad", "{device: no such device}", false);
    CHECK_EQ(live->st, ET_OK);
    live_poll(live);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
    CHECK_STR(text_at(live_next(live), "text"), "no gamepad is there");
    CHECK_EQ(live->t_next_ns, live->t_ns + S);
    live_run_to(live, live->t_ns + 10 * S);
    CHECK(!live_next(live)); // told once
    live_close(live);
}

static void only_looks_when_asked(void)
{
    struct input_event events[N_EVENTS];
    char settings[1000];
    (void)snprintf(settings, sizeof settings, "{device: %s}", play_path(events));
    struct live *live = live_open("gamepad", settings, true);
    live_run_to(live, live->t_ns + 10 * S);
    CHECK_EQ(et_feed_n_streams(live->feed), 2);
    CHECK(!live_next(live));
    live_close(live);
}

static void records_only_keys_that_mean_something(void)
{
    struct input_event keys[] = {
        event_of(1, EV_KEY, KEY_A, 1),   event_of(1, EV_SYN, SYN_REPORT, 0),
        event_of(2, EV_KEY, KEY_F13, 1), event_of(2, EV_SYN, SYN_REPORT, 0),
        event_of(3, EV_KEY, KEY_F13, 2), event_of(3, EV_SYN, SYN_REPORT, 0)};
    const char *path = temp_path("keys.evt");
    write_file(path, keys, sizeof keys);
    struct live *live = open_path("keys", path, ", mark: {KEY_F13: start, KEY_F14: discard}");
    live_run_to(live, live->t_ns + S);
    CHECK_STR(text_at(live_next(live), "kind"), "device.found");
    CHECK_STR(text_at(live_next(live), "text"), "start");
    const struct et_value *v = live_next(live);
    CHECK_EQ(et_value_count(at(v, "button_name")), 2);
    CHECK_EQ(button(v, "KEY_F13"), 1);
    CHECK_EQ(button(v, "KEY_F14"), 0);
    CHECK_EQ(et_value_count(at(v, "axis")), 0);
    CHECK(!live_next(live)); // holding it down is no news
    live_close(live);
}

static void counts_what_was_dropped(void)
{
    struct input_event drops[] = {
        event_of(1, EV_ABS, ABS_X, 32767),  event_of(1, EV_SYN, SYN_DROPPED, 0),
        event_of(1, EV_ABS, ABS_Y, 32767),  event_of(1, EV_SYN, SYN_REPORT, 0),
        event_of(2, EV_ABS, ABS_RX, 32767), event_of(2, EV_SYN, SYN_REPORT, 0)};
    const char *path = temp_path("drops.evt");
    write_file(path, drops, sizeof drops);
    struct live *live = open_path("gamepad", path, "");
    live_run_to(live, live->t_ns + S);
    (void)live_next(live);
    const struct et_value *v = live_next(live);
    CHECK_NEAR(axis(v, "left_x"), 1, 0);
    CHECK_NEAR(axis(v, "left_y"), 0, 0); // said nothing
    CHECK_NEAR(axis(live_next(live), "right_x"), 1, 0);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 1);
    live_close(live);
}

static void play_once(const char *path, size_t i, void *ctx)
{
    struct live *live = open_path("gamepad", path, ", mark: {south: start}");
    (void)i, (void)ctx;
    for (int k = 0; k < 20 && live->st == ET_OK; k++) {
        live->t_ns += 1000 * S;
        live_poll(live);
    }
    while (live_next(live))
        ;
    live_close(live);
}

static void survives_any_bytes(void)
{
    struct input_event events[N_EVENTS];
    const char *path = temp_path("any.evt");
    (void)play_path(events);
    cut_at_every_byte(events, sizeof events, 1, path, play_once, NULL);
    flip_every_byte(events, sizeof events, 1, path, play_once, NULL);
}

static void refuses_settings_that_do_not_fit(void)
{
    static const struct {
        const char *kind, *settings, *text;
    } BAD[] = {
        {"gamepad", "{mark: {sauth: start}}", "no button or key is called sauth"},
        {"gamepad", "{mark: {south: ''}}", "station.yaml:1:"},
        {"gamepad", "{mark: {south: 3}}", "must be a string"},
        {"gamepad", "{devise: x}", "device"},
        {"keys", "{device: x}", "mark"},
        {"keys", "{device: x, mark: {}}", "only where `mark` names them"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct live *live = live_open(BAD[i].kind, BAD[i].settings, false);
        CHECK_EQ(live->st, ET_ECORRUPT);
        CHECK_HAS(err.text, BAD[i].text);
        live_close(live);
    }
}

/* ---- the kernel's own ---- */

// A gamepad of the kernel's, for the length of the test; NULL: it makes none.
static struct libevdev_uinput *make_pad(void)
{
    static const struct input_absinfo STICK = {.minimum = -100, .maximum = 100};
    struct libevdev_uinput *made = NULL;
    struct libevdev *pad = libevdev_new();
    libevdev_set_name(pad, "a pad of the tests");
    (void)libevdev_enable_event_code(pad, EV_KEY, BTN_SOUTH, NULL);
    (void)libevdev_enable_event_code(pad, EV_ABS, ABS_X, &STICK);
    (void)libevdev_uinput_create_from_device(pad, LIBEVDEV_UINPUT_OPEN_MANAGED, &made);
    libevdev_free(pad);
    return made;
}

static void hears_a_device_of_the_kernel(void)
{
    struct libevdev_uinput *pad = access("/dev/uinput", W_OK) == 0 ? make_pad() : NULL;
    const char *node = pad ? libevdev_uinput_get_devnode(pad) : NULL;
    if (!node || access(node, R_OK) != 0) {
        tap_skip("no /dev/uinput");
        libevdev_uinput_destroy(pad);
        return;
    }
    struct live *live = open_path("gamepad", node, ", mark: {BTN_SOUTH: start}");
    live_poll(live);
    CHECK_STR(text_at(live_next(live), "text"), "a pad of the tests");
    CHECK_NEAR(axis(live_next(live), "left_x"), 0, 0);
    (void)libevdev_uinput_write_event(pad, EV_ABS, ABS_X, 50);
    (void)libevdev_uinput_write_event(pad, EV_KEY, BTN_SOUTH, 1);
    (void)libevdev_uinput_write_event(pad, EV_SYN, SYN_REPORT, 0);
    live_poll(live);
    CHECK_STR(text_at(live_next(live), "text"), "start");
    CHECK_NEAR(axis(live_next(live), "left_x"), 0.5, 0);
    libevdev_uinput_destroy(pad);
    live_poll(live);
    CHECK_STR(text_at(live_next(live), "kind"), "device.lost");
    live_close(live);
}

/* ---- the pad alone ---- */

static double value_of(const struct et__pad *pad, const char *name)
{
    for (size_t i = 0; i < pad->n_axes; i++)
        if (strcmp(pad->axes[i].name, name) == 0)
            return et__pad_value(&pad->axes[i]);
    return (double)NAN;
}

static void knows_triggers_by_all_conventions(void)
{
    struct et__pad pad = {0};
    et__pad_add_axis(&pad, ABS_Z, 0, 1023, 0, true);
    et__pad_add_axis(&pad, ABS_RX, -100, 100, 10, true);
    et__pad_add_axis(&pad, ABS_HAT2Y, 0, 255, 0, true); // the same trigger again
    et__pad_set(&pad, EV_ABS, ABS_Z, 1023);
    CHECK_NEAR(value_of(&pad, "left_trigger"), 1, 0);
    CHECK_NEAR(value_of(&pad, "axis_21"), 0, 0);
    pad = (struct et__pad){0};
    et__pad_add_axis(&pad, ABS_Z, 0, 255, 0, false); // where it is the stick
    et__pad_add_axis(&pad, ABS_GAS, 0, 255, 15, false);
    et__pad_add_axis(&pad, ABS_HAT2Y, 0, 255, 0, false);
    et__pad_set(&pad, EV_ABS, ABS_Z, 0);
    et__pad_set(&pad, EV_ABS, ABS_GAS, 135);
    et__pad_set(&pad, EV_ABS, ABS_HAT2Y, 51);
    CHECK_NEAR(value_of(&pad, "right_x"), -1, 0);
    CHECK_NEAR(value_of(&pad, "right_trigger"), 0.5, 1e-9);
    CHECK_NEAR(value_of(&pad, "left_trigger"), 0.2, 1e-9);
}

static void takes_out_what_is_flat(void)
{
    static const struct {
        int32_t raw;
        double value;
    } CASES[] = {{0, 0},   {10, 0},    {-10, 0},       {55, 0.5},      {-55, -0.5},
                 {100, 1}, {-100, -1}, {INT32_MAX, 1}, {INT32_MIN, -1}};
    struct et__pad pad = {0};
    et__pad_add_axis(&pad, ABS_X, -100, 100, 10, false);
    et__pad_add_axis(&pad, ABS_Y, INT32_MIN, INT32_MAX, 0, false);
    et__pad_add_axis(&pad, ABS_RX, 5, 5, 10, true); // ranges that are none
    et__pad_add_axis(&pad, ABS_RY, 9, -9, INT32_MAX, true);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        et__pad_set(&pad, EV_ABS, ABS_X, CASES[i].raw);
        et__pad_set(&pad, EV_ABS, ABS_Y, CASES[i].raw);
        et__pad_set(&pad, EV_ABS, ABS_RX, CASES[i].raw);
        CHECK_NEAR(value_of(&pad, "left_x"), CASES[i].value, 1e-9);
        CHECK(fabs(value_of(&pad, "left_y")) <= 1);
        CHECK(fabs(value_of(&pad, "right_x")) <= 1);
    }
    for (uint16_t code = 0; code < 300; code++) {
        et__pad_add_axis(&pad, code, 0, 1, 0, false);
        et__pad_add_button(&pad, code, "x");
    }
    CHECK_EQ(pad.n_axes, ET__PAD_AXES_MAX);
    CHECK_EQ(pad.n_buttons, ET__PAD_BUTTONS_MAX);
}

int main(void)
{
    RUN(plays_a_file_at_its_pace);
    RUN(waits_for_a_device_and_tells_when_it_goes);
    RUN(puts_its_state_again_when_it_is_told_to);
    RUN(says_when_there_is_no_device);
    RUN(only_looks_when_asked);
    RUN(records_only_keys_that_mean_something);
    RUN(counts_what_was_dropped);
    RUN(survives_any_bytes);
    RUN(refuses_settings_that_do_not_fit);
    RUN(hears_a_device_of_the_kernel);
    RUN(knows_triggers_by_all_conventions);
    RUN(takes_out_what_is_flat);
    return tap_end();
}
