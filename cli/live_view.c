/* A station at work, on a terminal: streams, rates against what is expected, losses, disk. */
#include "cli_live.h"

#include "etude/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SHOW_NS (ET_NS_PER_S / 4)
#define LINE_NS (5 * ET_NS_PER_S) // where there is no terminal
#define RATE_NS ET_NS_PER_S       // that a rate is of
#define ROWS_MAX 512
#define COLUMNS_MIN 60
#define SILENT_NS (2 * ET_NS_PER_S) // that no disk takes but one that hangs
#define SLOW 0.8                    // of the rate that is expected: less is shown

struct row {
    const struct et_feed *feed; // NULL: the events of all feeds
    size_t i_feed, i;
    uint64_t n_before; // when the rate was taken last
    bool has_rate;     // of a whole second
    double rate_hz;
};

struct cli_live_view {
    const struct cli_args *args;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    const char *name;
    bool is_terminal, only_listens;
    struct cli_live_keys keys;
    struct row rows[ROWS_MAX];
    size_t n_rows;
    int64_t t_shown_ns, t_rate_ns, n_bytes_before;
    double bytes_s;
    int64_t t_since_ns;       // a recording that begins or ends waits; 0: none does
    int64_t t_unwritten_ns;   // when the station was last seen not to record
    pthread_mutex_t lock;     // of the screen, and what is below
    int n_lines, n_lines_max; // on the screen; more would scroll its first away
};

/* ---- rows ---- */

static bool is_row(const struct cli_live_view *view, const struct et_feed *feed, size_t i)
{
    for (size_t k = 0; k < view->n_rows; k++)
        if (view->rows[k].feed == feed && view->rows[k].i == i)
            return true;
    return false;
}

/* Of a row's stream; of the events of all sources. What the recorder itself tells, in the first
 * feed, is none of theirs. */
static struct et_feed_counts counts_of(const struct cli_live_view *view, const struct row *row)
{
    struct et_feed_counts all = {0};
    if (row->feed)
        return et_feed_counts(row->feed, row->i);
    for (size_t k = 1; k < et_station_n_feeds(view->station); k++) {
        const struct et_feed_counts one =
            et_feed_counts(et_station_feed_at(view->station, k), ET_FEED_EVENTS);
        all.n_put += one.n_put;
        all.n_dropped += one.n_dropped;
        all.n_lost += one.n_lost;
    }
    return all;
}

static void add_row(struct cli_live_view *view, struct row row)
{
    if (view->n_rows < ROWS_MAX && !is_row(view, row.feed, row.i))
        view->rows[view->n_rows++] = row;
}

// Events have one row together, once anything was told.
static void find_rows(struct cli_live_view *view)
{
    for (size_t k = 1; k < et_station_n_feeds(view->station); k++) {
        const struct et_feed *feed = et_station_feed_at(view->station, k);
        for (size_t i = ET_FEED_EVENTS + 1; i < et_feed_n_streams(feed); i++)
            add_row(view, (struct row){.feed = feed, .i_feed = k, .i = i});
    }
    const struct row events = {.i = ET_FEED_EVENTS};
    if (counts_of(view, &events).n_put > 0)
        add_row(view, events);
}

static void take_rates(struct cli_live_view *view, int64_t t_now_ns)
{
    const double s = (double)(t_now_ns - view->t_rate_ns) / 1e9;
    if (t_now_ns - view->t_rate_ns < RATE_NS)
        return;
    for (size_t k = 0; k < view->n_rows; k++) {
        struct row *row = &view->rows[k];
        const struct et_feed_counts counts = counts_of(view, row);
        const uint64_t n = counts.n_put + counts.n_dropped;
        row->has_rate = row->n_before > 0;
        row->rate_hz = (double)(n - row->n_before) / s;
        row->n_before = n;
    }
    const int64_t n_bytes = et_recorder_status(view->recorder).n_bytes;
    view->bytes_s = (double)(n_bytes - view->n_bytes_before) / s;
    view->n_bytes_before = n_bytes;
    view->t_rate_ns = t_now_ns;
}

// What its source says it brings, else what was learned; 0: neither.
static double wanted_hz(const struct row *row)
{
    const double said_hz = row->feed ? et_feed_stream(row->feed, row->i)->rate_hz : 0;
    return said_hz > 0 ? said_hz : row->feed ? et_feed_counts(row->feed, row->i).rate_hz : 0;
}

static bool is_slow(const struct row *row)
{
    return row->has_rate && row->rate_hz < SLOW * wanted_hz(row);
}

/* ---- drawing ---- */

static int columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col < COLUMNS_MIN ? COLUMNS_MIN : size.ws_col;
}

static int lines(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 ? 24 : size.ws_row;
}

static void line(struct cli_live_view *view, const char *text)
{
    if (view->n_lines == view->n_lines_max)
        return;
    (void)fprintf(stderr, "%.*s\033[K\n", columns() - 1, text);
    view->n_lines++;
}

/* On as many lines as it takes, broken at spaces: of why nothing is recorded no word is cut off. */
static void wrapped(struct cli_live_view *view, const char *text)
{
    char part[512];
    const size_t wide = (size_t)columns() - 1;
    while (strlen(text) > wide) {
        size_t n = wide;
        while (n > 0 && text[n] != ' ')
            n--;
        n = n > 0 ? n : wide;
        while (n > 1 && ((unsigned char)text[n] & 0xC0) == 0x80) // within a letter
            n--;
        (void)snprintf(part, sizeof part, "%.*s", (int)n, text);
        line(view, part);
        text += n;
        text += strspn(text, " ");
    }
    line(view, text);
}

static int64_t larger_ns(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// For how long the disk has not answered, in seconds; 0: it does.
static int64_t silent_s(const struct cli_live_view *view, const struct et_station_status *s)
{
    const int64_t t_now_ns = et_clock_monotonic_ns();
    int64_t t_ns = s->state == ET_STATION_RECORDING ? s->t_safe_ns : t_now_ns;
    t_ns = larger_ns(t_ns, larger_ns(s->t_begin_ns, view->t_unwritten_ns));
    if (view->t_since_ns && view->t_since_ns < t_ns)
        t_ns = view->t_since_ns;
    return t_now_ns - t_ns < SILENT_NS ? 0 : (t_now_ns - t_ns) / ET_NS_PER_S;
}

static struct et_station_status look_at_station(struct cli_live_view *view)
{
    const struct et_station_status s = et_station_status(view->station);
    if (s.state != ET_STATION_RECORDING)
        view->t_unwritten_ns = et_clock_monotonic_ns();
    return s;
}

static const char *state_text(const struct et_station_status *s)
{
    return s->state == ET_STATION_RECORDING ? "recording"
           : s->state == ET_STATION_STOPPED ? "STOPPED"
                                            : "waiting for a start";
}

// What there is none of is not spoken of.
static void put_count(char *text, size_t cap, unsigned n, const char *what)
{
    const size_t at = strlen(text);
    if (n > 0)
        (void)snprintf(text + at, cap - at, ", %u %s", n, what);
}

static void draw_head(struct cli_live_view *view, const struct et_station_status *s)
{
    char text[512], since[ET_TIME_TEXT_BYTES] = "";
    const struct et_live_status live = et_live_status(view->live);
    if (view->only_listens) {
        (void)snprintf(text, sizeof text, "%s: nothing is recorded", view->name);
        line(view, text);
        return;
    }
    if (live.is_attempt)
        et_duration_text(et_clock_monotonic_ns() - live.t_attempt_ns, since);
    (void)snprintf(text, sizeof text, "%s: %s%s%s, %u done: %u success, %u failure, %u discarded",
                   view->name, state_text(s), since[0] ? " " : "", since, live.n_done,
                   live.n_success, live.n_failure, live.n_discarded);
    put_count(text, sizeof text, live.n_interrupted, "interrupted");
    put_count(text, sizeof text, live.n_holed, "with a hole");
    put_count(text, sizeof text, live.n_unrecorded, "not recorded");
    wrapped(view, text);
    if (s->trouble.status != ET_OK)
        wrapped(view, s->trouble.text);
    const int64_t s_silent = silent_s(view, s);
    (void)snprintf(text, sizeof text, "the disk has not answered for %" PRId64 " s", s_silent);
    if (s_silent > 0)
        line(view, text);
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

// Samples that are not in the recording.
static unsigned long long gone(const struct et_station_status *s)
{
    return s->n_dropped + s->n_lost + s->n_missed;
}

// "3.2 GB free", beyond what is kept; or that there is none.
static void disk_text(const struct et_recorder_status *r, char *text, size_t n)
{
    char bytes[CLI_TEXT_BYTES];
    if (r->is_full || r->free_bytes <= 0) // in the unit of the station's file, unrounded
        (void)snprintf(text, n, "disk full, %.6g GB are kept free (keep_free_gb)",
                       (double)r->keep_free_bytes / 1e9);
    else
        (void)snprintf(text, n, "disk %s free", cli_bytes_text((double)r->free_bytes, bytes));
}

// What is being written; "": nothing is.
static void write_text(const struct cli_live_view *view, const struct et_station_status *s,
                       const struct et_recorder_status *r, char *text, size_t n)
{
    char rate[CLI_TEXT_BYTES];
    text[0] = 0;
    if (s->state != ET_STATION_RECORDING)
        return;
    if (r->window_p50_ns > 0)
        (void)snprintf(text, n, ", %s/s, safe in %.0f ms (p99 %.0f ms)",
                       cli_bytes_text(view->bytes_s, rate), (double)r->window_p50_ns / 1e6,
                       (double)r->window_p99_ns / 1e6);
    else
        (void)snprintf(text, n, ", %s/s", cli_bytes_text(view->bytes_s, rate));
}

static void draw_disk(struct cli_live_view *view, const struct et_station_status *s)
{
    char text[512], disk[128], written[128];
    const struct et_recorder_status r = et_recorder_status(view->recorder);
    if (view->only_listens) {
        (void)snprintf(text, sizeof text, "rings %.0f %%, gone %llu", 100 * s->ring_share_max,
                       gone(s));
        line(view, text);
        return;
    }
    disk_text(&r, disk, sizeof disk);
    write_text(view, s, &r, written, sizeof written);
    (void)snprintf(text, sizeof text, "%s%s, rings %.0f %%, gone %llu", disk, written,
                   100 * s->ring_share_max, gone(s));
    wrapped(view, text);
}

// What stands behind the streams' names, and how wide devices are.
#define REST_COLUMNS (2 + 8 + 7 + 8 + 8 + 9)
#define DEVICE_COLUMNS_MIN 8
#define DEVICE_COLUMNS_MAX 24

static int device_columns(const struct cli_live_view *view)
{
    int wide = DEVICE_COLUMNS_MIN;
    for (size_t i = 0; i < view->n_rows; i++) {
        const struct row *row = &view->rows[i];
        const char *device = row->feed ? et_feed_stream(row->feed, row->i)->device : NULL;
        wide = device ? larger(wide, (int)cli_width(device)) : wide;
    }
    const int most = larger((columns() - 1 - REST_COLUMNS) / 2, DEVICE_COLUMNS_MIN);
    wide = wide < DEVICE_COLUMNS_MAX ? wide : DEVICE_COLUMNS_MAX;
    return wide < most ? wide : most;
}

static void draw_heads(struct cli_live_view *view)
{
    char text[512];
    const int narrow = device_columns(view), wide = columns() - 1 - narrow - REST_COLUMNS;
    (void)snprintf(text, sizeof text, "%-*s %-*s %8s %-6s %7s %7s %8s", narrow, "device", wide,
                   "stream", "a second", "", "delay", "jitter", "gone");
    line(view, text);
}

// Milliseconds, in at most seven letters.
static const char *ms_text(int64_t ns, char text[CLI_TEXT_BYTES])
{
    const double ms = (double)ns / 1e6;
    (void)snprintf(text, CLI_TEXT_BYTES, ms < 10 ? "%.2fms" : ms < 100 ? "%.1fms" : "%.0fms", ms);
    return text;
}

static void draw_row(struct cli_live_view *view, const struct row *row)
{
    static const struct et_feed_stream EVENTS = {.topic = "/events"};
    const struct et_feed_stream *stream = row->feed ? et_feed_stream(row->feed, row->i) : &EVENTS;
    const struct et_feed_counts counts = counts_of(view, row);
    const struct et_clock_live_state clock =
        row->feed ? et_station_clock(view->station, row->i_feed, row->i)
                  : (struct et_clock_live_state){0};
    char text[512], wanted[16] = "", delay[CLI_TEXT_BYTES] = "", jitter[CLI_TEXT_BYTES] = "";
    const int narrow = device_columns(view), wide = columns() - 1 - narrow - REST_COLUMNS;
    if (wanted_hz(row) > 0)
        (void)snprintf(wanted, sizeof wanted, "/%s%.0f", stream->rate_hz > 0 ? " " : "~",
                       wanted_hz(row));
    if (clock.has_stamps) {
        (void)ms_text(clock.delay_p50_ns, delay);
        (void)ms_text(clock.jitter_ns, jitter);
    }
    (void)snprintf(text, sizeof text, "%-*.*s %-*.*s %8.1f%c%-6s %7s %7s %8llu", narrow, narrow,
                   stream->device ? stream->device : "", wide, wide, stream->topic, row->rate_hz,
                   is_slow(row) ? '!' : ' ', wanted, delay, jitter,
                   (unsigned long long)(counts.n_dropped + counts.n_lost));
    line(view, text);
}

// What there is to say of a source; false: nothing.
static bool words_of(const struct cli_live_view *view, size_t i, char *text, size_t n)
{
    char words[ET_SOURCE_WORDS_BYTES];
    const enum et_source_state state = et_live_source_state(view->live, i);
    et_live_words(view->live, i, words);
    if (!words[0])
        et_live_trouble(view->live, i, words);
    if (!words[0] && state == ET_SOURCE_LIVE)
        return false;
    (void)snprintf(text, n, "%s: %s%s%s", et_live_source(view->live, i)->device,
                   state == ET_SOURCE_WAITING ? "not there"
                   : state == ET_SOURCE_OVER  ? "over"
                                              : "",
                   state != ET_SOURCE_LIVE && words[0] ? "; " : "", words);
    return true;
}

// At most so many lines of sources. Returns how many there are beyond.
static int draw_words(struct cli_live_view *view, int n_max)
{
    char text[512];
    int n = 0;
    for (size_t i = 0; i < et_live_n_sources(view->live); i++)
        if (words_of(view, i, text, sizeof text) && n++ < n_max)
            line(view, text);
    return n > n_max ? n - n_max : 0;
}

static void draw_keys(struct cli_live_view *view)
{
    if (view->only_listens)
        line(view, "x stop!, r release, q quit");
    else
        line(view, "space start, s success, f failure, d discard, x stop!, r release, q quit");
}

// Where there is little room, sources leave the table three lines, and rows one to the keys.
static void draw(struct cli_live_view *view)
{
    const struct et_station_status s = look_at_station(view);
    const int n_keys = view->keys.keys.is_on;
    char text[128];
    if (view->n_lines > 0)
        (void)fprintf(stderr, "\033[%dA\r", view->n_lines);
    view->n_lines = 0;
    view->n_lines_max = larger(lines() - 1 - n_keys, 1);
    draw_head(view, &s);
    draw_disk(view, &s);
    const int n_words = draw_words(view, larger(view->n_lines_max - view->n_lines - 3, 1));
    if (view->n_lines_max - view->n_lines > (int)view->n_rows + 2)
        line(view, "");
    draw_heads(view);
    int room = larger(view->n_lines_max - view->n_lines, 0);
    if (n_words > 0 || room < (int)view->n_rows)
        room = larger(room - 1, 0);
    for (int k = 0; k < (int)view->n_rows && k < room; k++)
        draw_row(view, &view->rows[k]);
    const int n_more = n_words + larger((int)view->n_rows - room, 0);
    (void)snprintf(text, sizeof text, "… and %d more: a taller terminal shows them", n_more);
    if (n_more > 0)
        line(view, text);
    view->n_lines_max += n_keys;
    if (n_keys)
        draw_keys(view);
    (void)fputs("\033[J", stderr);
    (void)fflush(stderr);
}

static void draw_written(struct cli_live_view *view, const struct et_station_status *s, double n)
{
    char disk[128] = "", written[128];
    const struct et_recorder_status r = et_recorder_status(view->recorder);
    const bool is_full = r.is_full || r.free_bytes <= 0;
    if (is_full)
        disk_text(&r, disk, sizeof disk);
    write_text(view, s, &r, written, sizeof written);
    (void)fprintf(stderr, "%s: %s, %u done; %.0f samples/s%s%s%s, %llu dropped, %llu lost\n",
                  view->name, state_text(s), et_live_status(view->live).n_done, n, written,
                  is_full ? ", " : "", disk, (unsigned long long)(s->n_dropped + s->n_missed),
                  (unsigned long long)s->n_lost);
}

static void draw_line(struct cli_live_view *view)
{
    char words[ET_SOURCE_WORDS_BYTES];
    const struct et_station_status s = look_at_station(view);
    double n = 0;
    size_t n_slow = 0;
    for (size_t k = 0; k < view->n_rows; k++) {
        n += view->rows[k].rate_hz;
        n_slow += is_slow(&view->rows[k]);
    }
    if (view->only_listens)
        (void)fprintf(stderr, "%s: nothing is recorded; %.0f samples/s, %llu dropped, %llu lost\n",
                      view->name, n, (unsigned long long)s.n_dropped, (unsigned long long)s.n_lost);
    else
        draw_written(view, &s, n);
    if (!view->only_listens && silent_s(view, &s) > 0)
        (void)fprintf(stderr, "%s: the disk has not answered for %" PRId64 " s\n", view->name,
                      silent_s(view, &s));
    if (n_slow > 0)
        (void)fprintf(stderr, "%s: %zu stream%s slower than expected\n", view->name, n_slow,
                      cli_s(n_slow));
    for (size_t i = 0; i < et_live_n_sources(view->live); i++) {
        et_live_words(view->live, i, words);
        if (words[0])
            (void)fprintf(stderr, "%s: %s\n", et_live_source(view->live, i)->device, words);
    }
}

/* ---- the view ---- */

struct cli_live_view *cli_live_view_open(const struct cli_args *args, struct et_recorder *recorder,
                                         struct et_station *station, struct et_live *live,
                                         const char *name, bool only_listens)
{
    struct cli_live_view *view = calloc(1, sizeof *view);
    if (!view)
        return NULL;
    view->args = args;
    view->recorder = recorder;
    view->station = station;
    view->live = live;
    view->name = name;
    view->only_listens = only_listens;
    view->t_rate_ns = view->t_shown_ns = et_clock_monotonic_ns();
    view->is_terminal = isatty(STDERR_FILENO) == 1;
    (void)pthread_mutex_init(&view->lock, NULL);
    cli_live_keys_open(&view->keys, live);
    return view;
}

void cli_live_view_show(struct cli_live_view *view)
{
    const int64_t t_now_ns = et_clock_monotonic_ns();
    find_rows(view);
    take_rates(view, t_now_ns);
    if (view->args->is_quiet ||
        t_now_ns - view->t_shown_ns < (view->is_terminal ? SHOW_NS : LINE_NS))
        return;
    view->t_shown_ns = t_now_ns;
    (void)pthread_mutex_lock(&view->lock);
    if (view->is_terminal)
        draw(view);
    else
        draw_line(view);
    (void)pthread_mutex_unlock(&view->lock);
}

void cli_live_view_waits(struct cli_live_view *view, int64_t t_since_ns)
{
    view->t_since_ns = t_since_ns;
}

void cli_live_view_say(struct cli_live_view *view, const char *text)
{
    if (view)
        (void)pthread_mutex_lock(&view->lock);
    if (view && view->is_terminal && view->n_lines > 0) {
        (void)fprintf(stderr, "\033[%dA\r\033[J", view->n_lines);
        view->n_lines = 0;
    }
    (void)fprintf(stderr, "%s\n", text);
    if (view)
        (void)pthread_mutex_unlock(&view->lock);
}

int cli_live_view_key(struct cli_live_view *view)
{
    return cli_live_keys_next(&view->keys);
}

void cli_live_view_close(struct cli_live_view *view)
{
    if (!view)
        return;
    cli_live_keys_close(&view->keys);
    (void)pthread_mutex_destroy(&view->lock);
    free(view);
}
