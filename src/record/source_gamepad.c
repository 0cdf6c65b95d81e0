/* Gamepads, foot pedals and keyboards, by the kernel's input events.
 *
 * Two kinds of one code: `gamepad` records all axes and buttons, `keys` only those keys that are
 * given a meaning, so that a recording never holds what somebody typed. A device that is pulled
 * out is waited for: the folder of devices is watched. In place of a device may stand a file or a
 * pipe of raw struct input_event; a file is played at its own pace, once. */
#include "record/record__listener.h"
#include "record/record__operator_input.h"
#include "record/record__pad.h"
#include "record/record__sources.h"

#include "etude/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libevdev/libevdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES_MAX ((size_t)16 << 10)
#define MARKS_MAX 32
#define WORD_BYTES 64
#define EVENTS_MAX 64 // of a read
#define READS_MAX 8   // of a poll
#define TRY_NS ET_NS_PER_S
#define DENIED_BYTES 128
#define DEVICES_MAX 256
#define SECONDS_MAX 4000000000 // of a stamp
#define LEAD_HZ 50.0           // of a device that leads a robot

enum medium { NOTHING, EVDEV, FILE_PLAYED, PIPE };

struct mark {
    uint16_t code;
    char word[WORD_BYTES];
};

struct gamepad {
    struct et__listener listener;
    const char *kind; // "gamepad", "keys"
    bool is_keys, grabs;
    char *path;                // of the device; NULL: looked for
    char *pattern;             // in its name; NULL: any
    char denied[DENIED_BYTES]; // the first device that may not be opened; "": none
    struct mark marks[MARKS_MAX];
    size_t n_marks;
    uint16_t stream;
    int64_t period_ns; // the state is put again so often; 0: only when it changes
    int64_t t_put_ns;

    enum medium medium;
    int fd, watch;
    bool has_read, is_over;
    int64_t t_try_ns;
    struct libevdev *evdev; // EVDEV
    struct et__pad pad;
    int64_t t_begin_ns, t_first_ns; // FILE_PLAYED: when it began, and its first stamp
    struct input_event events[EVENTS_MAX];
    size_t i_event, n_bytes; // FILE_PLAYED keeps what is not due; a pipe may give half an event
};

/* ---- settings ---- */

static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema BOOL = {.type = ET_SCHEMA_BOOL};
static const struct et_schema MARKS = {.type = ET_SCHEMA_DICT, .items = &TEXT};
static const struct et_schema RATE = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0, .max = 500};
static const struct et_schema_field FIELDS[] = {{"device", &TEXT, false},
                                                {"mark", &MARKS, false},
                                                {"grab", &BOOL, false},
                                                {"rate", &RATE, false},
                                                {NULL, NULL, false}};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
static const struct et_schema_field KEYS_FIELDS[] = {{"device", &TEXT, true},
                                                     {"mark", &MARKS, true},
                                                     {"grab", &BOOL, false},
                                                     {"rate", &RATE, false},
                                                     {NULL, NULL, false}};
static const struct et_schema KEYS_SETTINGS = {.type = ET_SCHEMA_MAP, .fields = KEYS_FIELDS};

// By the name that it has in recordings, or by the kernel's.
static bool find_button(struct et_str name, uint16_t *code)
{
    char text[ET__PAD_NAME_BYTES * 2];
    if (name.n >= sizeof text)
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    for (unsigned i = BTN_MISC; i < KEY_MAX; i++) {
        const char *own = et__pad_button_name((uint16_t)i);
        *code = (uint16_t)i;
        if (own && strcmp(own, text) == 0)
            return true;
    }
    const int found = libevdev_event_code_from_name(EV_KEY, text);
    *code = (uint16_t)found;
    return found >= 0;
}

static enum et_status read_marks(struct gamepad *g, const struct et_source_options *options,
                                 struct et_err *err)
{
    const struct et_value *marks = et_value_get(options->settings, "mark");
    const size_t n = et_value_count(marks);
    if (n > MARKS_MAX)
        return et_yaml_fail(err, options->path, et_value_place(marks), "more than %d marks",
                            MARKS_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *word = et_value_at(marks, i);
        const struct et_str name = marks->as.many.keys[i];
        struct mark *mark = &g->marks[g->n_marks++];
        if (!find_button(name, &mark->code))
            return et_yaml_fail(err, options->path, et_value_place(word),
                                "no button or key is called %.*s", name.n > 40 ? 40 : (int)name.n,
                                name.p);
        if (word->as.string.n == 0 || word->as.string.n >= WORD_BYTES)
            return et_yaml_fail(err, options->path, et_value_place(word),
                                "a mark has 1 to %d characters", WORD_BYTES - 1);
        memcpy(mark->word, word->as.string.p, word->as.string.n);
    }
    if (g->is_keys && n == 0)
        return et_fail(err, ET_ECORRUPT, -1, "%s: keys are recorded only where `mark` names them",
                       g->listener.device);
    return ET_OK;
}

static enum et_status read_settings(struct gamepad *g, const struct et_source_options *options,
                                    struct et_err *err)
{
    const char *device = et_value_text(et_value_get(options->settings, "device"), NULL);
    // A robot that is led has to know that a stick or a button is still held: silence stops it.
    const double rate_hz = et_value_real(et_value_get(options->settings, "rate"),
                                         et__operator_leads(options) ? LEAD_HZ : 0);
    g->period_ns = rate_hz > 0 ? (int64_t)(1e9 / rate_hz) : 0;
    g->grabs = et_value_bool(et_value_get(options->settings, "grab"), false);
    if (device) {
        char **kept = strchr(device, '/') ? &g->path : &g->pattern;
        if (!(*kept = strdup(device)))
            return et_fail(err, ET_ENOMEM, -1, "no memory for a name");
    }
    return read_marks(g, options, err);
}

/* ---- what a device has ---- */

static void add_button(struct gamepad *g, uint16_t code)
{
    const char *name = et__pad_button_name(code);
    if (!name)
        name = libevdev_event_code_get_name(EV_KEY, code);
    if (name)
        et__pad_add_button(&g->pad, code, name);
}

static void add_marked(struct gamepad *g)
{
    for (size_t i = 0; i < g->n_marks; i++)
        add_button(g, g->marks[i].code);
}

// Events without their device: as a pad of the usual kind has them.
static void add_usual(struct gamepad *g)
{
    // clang-format off
    static const struct { uint16_t code; int32_t min, max, flat; } AXES[] = {
        {ABS_X, -32768, 32767, 128},  {ABS_Y, -32768, 32767, 128},
        {ABS_RX, -32768, 32767, 128}, {ABS_RY, -32768, 32767, 128},
        {ABS_Z, 0, 255, 0}, {ABS_RZ, 0, 255, 0}, {ABS_HAT0X, -1, 1, 0}, {ABS_HAT0Y, -1, 1, 0},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof AXES / sizeof AXES[0]; i++)
        et__pad_add_axis(&g->pad, AXES[i].code, AXES[i].min, AXES[i].max, AXES[i].flat, true);
    for (unsigned code = BTN_MISC; code < KEY_MAX; code++)
        if (et__pad_button_name((uint16_t)code))
            add_button(g, (uint16_t)code);
}

static void add_all(struct gamepad *g)
{
    const bool has_right = libevdev_has_event_code(g->evdev, EV_ABS, ABS_RX) &&
                           libevdev_has_event_code(g->evdev, EV_ABS, ABS_RY);
    for (unsigned code = 0; code <= ABS_MAX; code++) {
        const struct input_absinfo *info = libevdev_get_abs_info(g->evdev, code);
        if (info)
            et__pad_add_axis(&g->pad, (uint16_t)code, info->minimum, info->maximum, info->flat,
                             has_right);
    }
    for (unsigned code = BTN_MISC; code < KEY_MAX; code++)
        if (libevdev_has_event_code(g->evdev, EV_KEY, code))
            add_button(g, (uint16_t)code);
}

static void know_pad(struct gamepad *g)
{
    g->pad = (struct et__pad){0};
    if (g->is_keys)
        add_marked(g);
    else if (g->medium == EVDEV)
        add_all(g);
    else
        add_usual(g);
}

/* ---- messages ---- */

static void put_state(struct gamepad *g, int64_t t_device_ns)
{
    const struct et__pad *pad = &g->pad;
    struct et_cdr w = et__listener_begin(&g->listener);
    et_cdr_time(&w, t_device_ns);
    et_cdr_text(&w, ET_STR(""));
    et_cdr_text(&w, et_str(g->listener.device));
    et_cdr_bool(&w, false); // it has no pose
    for (int i = 0; i < 7; i++)
        et_cdr_f64(&w, i == 6);
    et_cdr_count(&w, pad->n_axes);
    for (size_t i = 0; i < pad->n_axes; i++)
        et_cdr_text(&w, et_str(pad->axes[i].name));
    et_cdr_count(&w, pad->n_axes);
    for (size_t i = 0; i < pad->n_axes; i++)
        et_cdr_f64(&w, et__pad_value(&pad->axes[i]));
    et_cdr_count(&w, pad->n_buttons);
    for (size_t i = 0; i < pad->n_buttons; i++)
        et_cdr_text(&w, et_str(pad->buttons[i].name));
    et_cdr_count(&w, pad->n_buttons);
    for (size_t i = 0; i < pad->n_buttons; i++)
        et_cdr_bool(&w, pad->buttons[i].is_down);
    et__listener_put(&g->listener, g->stream, t_device_ns, 0);
    g->t_put_ns = et__listener_now(&g->listener);
}

/* The state as it was, while the device is there: silence means that it is not. */
static void put_again(struct gamepad *g, int64_t now_ns, int64_t *t_next_ns)
{
    if (g->period_ns == 0 || !(g->medium == EVDEV || g->has_read))
        return;
    if (now_ns >= g->t_put_ns + g->period_ns)
        put_state(g, 0);
    const int64_t due_ns = g->t_put_ns + g->period_ns;
    *t_next_ns = due_ns < *t_next_ns ? due_ns : *t_next_ns;
}

static void put_marks(struct gamepad *g)
{
    for (size_t i = 0; i < g->pad.n_buttons; i++) {
        struct et__pad_button *button = &g->pad.buttons[i];
        const bool is_pressed = button->is_down && !button->was_down;
        button->was_down = button->is_down;
        for (size_t k = 0; is_pressed && k < g->n_marks; k++) {
            char value[64];
            if (g->marks[k].code != button->code)
                continue;
            (void)snprintf(value, sizeof value, "{\"button\": \"%s\"}", button->name);
            et__listener_event(&g->listener, "mark", g->marks[k].word, value);
        }
    }
}

/* Asks the device for its state, which says what was missed. */
static void ask_state(struct gamepad *g)
{
    for (size_t i = 0; i < g->pad.n_axes; i++)
        et__pad_set(&g->pad, EV_ABS, g->pad.axes[i].code,
                    libevdev_get_event_value(g->evdev, EV_ABS, g->pad.axes[i].code));
    for (size_t i = 0; i < g->pad.n_buttons; i++)
        et__pad_set(&g->pad, EV_KEY, g->pad.buttons[i].code,
                    libevdev_get_event_value(g->evdev, EV_KEY, g->pad.buttons[i].code));
    g->pad.is_changed = false;
}

/* ---- coming and going ---- */

static void let_go(struct gamepad *g)
{
    libevdev_free(g->evdev);
    g->evdev = NULL;
    if (g->fd >= 0)
        (void)close(g->fd);
    g->fd = -1;
    g->medium = NOTHING;
    g->has_read = false;
    g->n_bytes = g->i_event = 0;
}

static void say_nothing(const struct libevdev *dev, enum libevdev_log_priority priority, void *data,
                        const char *file, int line, const char *func, const char *format,
                        va_list args)
{
    (void)dev, (void)priority, (void)data, (void)file, (void)line, (void)func, (void)format;
    (void)args;
}

// The fd as an input device; false: it is none.
static bool take_evdev(struct gamepad *g)
{
    libevdev_free(g->evdev);
    g->evdev = libevdev_new();
    if (!g->evdev)
        return false;
    libevdev_set_device_log_function(g->evdev, say_nothing, LIBEVDEV_LOG_ERROR, NULL);
    return libevdev_set_fd(g->evdev, g->fd) == 0;
}

static bool is_wanted(const struct gamepad *g)
{
    const char *name = libevdev_get_name(g->evdev);
    if (g->pattern)
        return name && strcasestr(name, g->pattern);
    return g->path || libevdev_has_event_code(g->evdev, EV_KEY, BTN_GAMEPAD);
}

static void begin_evdev(struct gamepad *g)
{
    (void)libevdev_set_clock_id(g->evdev, CLOCK_MONOTONIC);
    if (g->grabs && !g->listener.only_look)
        (void)libevdev_grab(g->evdev, LIBEVDEV_GRAB);
    know_pad(g);
    ask_state(g);
    for (size_t i = 0; i < g->pad.n_buttons; i++) // what is held down while it comes is no mark
        g->pad.buttons[i].was_down = g->pad.buttons[i].is_down;
    et__listener_tell(&g->listener, true, "%s", libevdev_get_name(g->evdev));
    put_state(g, 0);
}

/* Opens what lies at a path, if it is what is looked for. */
static bool try_path(struct gamepad *g, const char *path)
{
    struct stat is = {0};
    g->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (g->fd < 0) {
        if ((errno == EACCES || errno == EPERM) && !g->denied[0])
            (void)snprintf(g->denied, sizeof g->denied, "%s", path);
        return false;
    }
    if (fstat(g->fd, &is) == 0 && S_ISCHR(is.st_mode) && take_evdev(g) && is_wanted(g)) {
        g->medium = EVDEV;
        begin_evdev(g);
        return true;
    }
    if (g->path && (S_ISREG(is.st_mode) || S_ISFIFO(is.st_mode))) {
        g->medium = S_ISREG(is.st_mode) ? FILE_PLAYED : PIPE;
        know_pad(g);
        return true;
    }
    let_go(g);
    return false;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static int is_event_file(const struct dirent *entry)
{
    return strncmp(entry->d_name, "event", 5) == 0;
}

static bool find_device(struct gamepad *g)
{
    if (g->path)
        return try_path(g, g->path);
    struct dirent **entries = NULL;
    const int n = scandir("/dev/input", &entries, is_event_file, by_number);
    bool is_found = false;
    for (int i = 0; i < n; i++) {
        char path[sizeof "/dev/input/" + sizeof entries[i]->d_name];
        (void)snprintf(path, sizeof path, "/dev/input/%s", entries[i]->d_name);
        if (!is_found && i < DEVICES_MAX)
            is_found = try_path(g, path);
        free(entries[i]);
    }
    free(entries);
    return is_found;
}

static void tell_why(struct gamepad *g)
{
    struct stat is;
    if (g->denied[0])
        et__listener_tell(&g->listener, false, "%s: no permission; join the group input",
                          g->denied);
    else if (g->pattern && stat(g->pattern, &is) == 0)
        et__listener_tell(&g->listener, false,
                          "no device is called \"%.60s\"; the file of that name is ./%.60s",
                          g->pattern, g->pattern);
    else if (g->path)
        et__listener_tell(&g->listener, false, "%s is not there", g->path);
    else
        et__listener_tell(&g->listener, false, "no %s is there", g->kind);
}

static void lose(struct gamepad *g)
{
    let_go(g);
    et__listener_tell(&g->listener, false, "the %s is not there any more", g->kind);
    g->t_try_ns = et__listener_now(&g->listener) + TRY_NS / 10;
}

// Devices that come are seen in their folder; where that cannot be watched they are looked for.
static void watch_folder(struct gamepad *g)
{
    char folder[4096] = "/dev/input";
    const char *slash = g->path ? strrchr(g->path, '/') : NULL;
    if (slash)
        (void)snprintf(folder, sizeof folder, "%.*s", slash == g->path ? 1 : (int)(slash - g->path),
                       g->path);
    g->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    // IN_ATTRIB: the permissions come after the file.
    if (g->watch >= 0 &&
        inotify_add_watch(g->watch, folder, IN_CREATE | IN_ATTRIB | IN_MOVED_TO) < 0) {
        (void)close(g->watch);
        g->watch = -1;
    }
}

static bool has_folder_changed(struct gamepad *g)
{
    _Alignas(struct inotify_event) char bytes[4096];
    bool has_changed = false;
    for (int i = 0; i < READS_MAX && g->watch >= 0; i++) {
        if (read(g->watch, bytes, sizeof bytes) <= 0)
            break;
        has_changed = true;
    }
    return has_changed;
}

/* ---- events ---- */

static int64_t stamp_of(const struct input_event *event)
{
    const int64_t s = event->input_event_sec, us = event->input_event_usec;
    return s < 0 || s > SECONDS_MAX || us < 0 || us > 999999 ? 0 : s * ET_NS_PER_S + us * 1000;
}

static void take_event(struct gamepad *g, const struct input_event *event)
{
    const enum et__pad_news news = et__pad_event(&g->pad, event->type, event->code, event->value);
    if (news == ET__PAD_LOST) {
        et_feed_lost(g->listener.feed, g->stream, 1);
        if (g->medium == EVDEV && take_evdev(g))
            ask_state(g);
    }
    if (news != ET__PAD_NOTHING) {
        put_marks(g);
        put_state(g, stamp_of(event));
    }
}

/* Fills the events that are waited for. False: there are none now, or the device is gone. */
static bool read_events(struct gamepad *g)
{
    const ssize_t n = read(g->fd, (char *)g->events + g->n_bytes, sizeof g->events - g->n_bytes);
    if (n > 0) {
        g->n_bytes += (size_t)n;
        if (!g->has_read && g->medium != EVDEV)
            et__listener_tell(&g->listener, true, "%s", g->path);
        g->has_read = true;
        return true;
    }
    if (g->medium == FILE_PLAYED)
        g->is_over = true;
    else if (n == 0 ? g->has_read : errno != EAGAIN && errno != EINTR)
        lose(g);
    return false;
}

static void poll_device(struct gamepad *g)
{
    for (int i = 0; i < READS_MAX && read_events(g); i++) {
        const size_t n = g->n_bytes / sizeof g->events[0], left = g->n_bytes % sizeof g->events[0];
        for (size_t k = 0; k < n; k++)
            take_event(g, &g->events[k]);
        memmove(g->events, &g->events[n], left);
        g->n_bytes = left;
    }
}

static void play_file(struct gamepad *g, int64_t now_ns, int64_t *t_next_ns)
{
    for (int i = 0; i < EVENTS_MAX * READS_MAX; i++) {
        if ((g->i_event + 1) * sizeof g->events[0] > g->n_bytes) {
            g->i_event = g->n_bytes = 0; // half an event at the end of a file is none
            if (!read_events(g))
                return;
            continue;
        }
        const struct input_event *event = &g->events[g->i_event];
        if (g->t_begin_ns == 0) {
            g->t_begin_ns = now_ns;
            g->t_first_ns = stamp_of(event);
        }
        const int64_t due_ns = g->t_begin_ns + (stamp_of(event) - g->t_first_ns);
        if (due_ns > now_ns) {
            *t_next_ns = due_ns;
            return;
        }
        take_event(g, event);
        g->i_event++;
    }
    *t_next_ns = now_ns;
}

/* ---- the interface ---- */

static void close_gamepad(void *self)
{
    struct gamepad *g = self;
    let_go(g);
    if (g->watch >= 0)
        (void)close(g->watch);
    et__listener_close(&g->listener);
    free(g->path);
    free(g->pattern);
    free(g);
}

static enum et_status open_kind(void **self, const struct et_source_options *options,
                                struct et_feed *feed, bool is_keys, struct et_err *err)
{
    struct gamepad *g = calloc(1, sizeof *g);
    if (!g)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", options->device);
    g->fd = g->watch = -1;
    g->is_keys = is_keys;
    g->kind = is_keys ? "keyboard" : "gamepad";
    enum et_status st = et__listener_open(&g->listener, options, feed, MESSAGE_BYTES_MAX, err);
    if (st == ET_OK)
        st = read_settings(g, options, err);
    if (st == ET_OK)
        st = et__listener_add(&g->listener, "", "etude_msgs/msg/Device", 0, &g->stream, err);
    if (st != ET_OK) {
        close_gamepad(g);
        return st;
    }
    watch_folder(g);
    *self = g;
    return ET_OK;
}

static enum et_status open_gamepad(void **self, const struct et_source_options *options,
                                   struct et_feed *feed, struct et_err *err)
{
    return open_kind(self, options, feed, false, err);
}

static enum et_status open_keys(void **self, const struct et_source_options *options,
                                struct et_feed *feed, struct et_err *err)
{
    return open_kind(self, options, feed, true, err);
}

static int fd_of(void *self)
{
    const struct gamepad *g = self;
    // A pipe that nobody writes to yet is always readable.
    if (g->medium == EVDEV || (g->medium == PIPE && g->has_read))
        return g->fd;
    return g->medium == NOTHING ? g->watch : -1;
}

static enum et_status poll_gamepad(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct gamepad *g = self;
    const int64_t now_ns = et__listener_now(&g->listener);
    (void)err;
    if (g->is_over)
        return ET_END;
    if (g->medium == NOTHING && (has_folder_changed(g) || now_ns >= g->t_try_ns)) {
        g->t_try_ns = now_ns + TRY_NS;
        g->denied[0] = 0;
        if (!find_device(g))
            tell_why(g);
    }
    if (g->medium == FILE_PLAYED)
        play_file(g, now_ns, t_next_ns);
    else if (g->medium != NOTHING)
        poll_device(g);
    if (g->medium == NOTHING)
        *t_next_ns = g->t_try_ns;
    else if (g->medium == PIPE && !g->has_read)
        *t_next_ns = now_ns + TRY_NS / 10;
    put_again(g, now_ns, t_next_ns);
    return g->is_over ? ET_END : ET_OK;
}

static enum et_source_state state_of(void *self)
{
    const struct gamepad *g = self;
    if (g->is_over)
        return ET_SOURCE_OVER;
    return g->medium == EVDEV || g->has_read ? ET_SOURCE_LIVE : ET_SOURCE_WAITING;
}

const struct et_source_kind et__source_gamepad = {
    .name = "gamepad",
    .text = "a gamepad's sticks, triggers and buttons; marks by its buttons",
    .settings = &SETTINGS,
    .open = open_gamepad,
    .fd = fd_of,
    .poll = poll_gamepad,
    .state = state_of,
    .close = close_gamepad,
};

const struct et_source_kind et__source_keys = {
    .name = "keys",
    .text = "chosen keys of a keyboard or a pedal; marks by them",
    .settings = &KEYS_SETTINGS,
    .open = open_keys,
    .fd = fd_of,
    .poll = poll_gamepad,
    .state = state_of,
    .close = close_gamepad,
};
