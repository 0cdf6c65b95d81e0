/* A station at work, on a terminal: streams, rates against what is expected, losses, disk. */
#include "cli_live.h"

#include "etude/clock.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SHOW_NS (ET_NS_PER_S / 4)
#define LINE_NS (5 * ET_NS_PER_S) // where there is no terminal
#define RATE_NS ET_NS_PER_S       // that a rate is of
#define ROWS_MAX 512
#define COLUMNS_MIN 60

struct row {
    const struct et_feed *feed;
    size_t i_feed, i;
    uint64_t n_before; // when the rate was taken last
    double rate_hz;
};

struct cli_live_view {
    const struct cli_args *args;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    const char *name;
    bool is_terminal;
    struct cli_live_keys keys;
    struct row rows[ROWS_MAX];
    size_t n_rows;
    int64_t t_shown_ns, t_rate_ns, n_bytes_before;
    double bytes_s;
    int n_lines; // on the screen
};

/* ---- rows ---- */

static bool is_row(const struct cli_live_view *view, const struct et_feed *feed, size_t i)
{
    for (size_t k = 0; k < view->n_rows; k++)
        if (view->rows[k].feed == feed && view->rows[k].i == i)
            return true;
    return false;
}

// Events are shown once anything was told; what the recorder itself tells is no stream of theirs.
static bool is_worth_a_row(const struct et_feed *feed, size_t i_feed, size_t i)
{
    return i_feed > 0 && (i != ET_FEED_EVENTS || et_feed_counts(feed, i).n_put > 0);
}

static void find_rows(struct cli_live_view *view)
{
    for (size_t k = 0; k < et_station_n_feeds(view->station); k++) {
        const struct et_feed *feed = et_station_feed_at(view->station, k);
        for (size_t i = 0; i < et_feed_n_streams(feed) && view->n_rows < ROWS_MAX; i++)
            if (is_worth_a_row(feed, k, i) && !is_row(view, feed, i))
                view->rows[view->n_rows++] = (struct row){.feed = feed, .i_feed = k, .i = i};
    }
}

static void take_rates(struct cli_live_view *view, int64_t t_now_ns)
{
    const double s = (double)(t_now_ns - view->t_rate_ns) / 1e9;
    if (t_now_ns - view->t_rate_ns < RATE_NS)
        return;
    for (size_t k = 0; k < view->n_rows; k++) {
        struct row *row = &view->rows[k];
        const struct et_feed_counts counts = et_feed_counts(row->feed, row->i);
        const uint64_t n = counts.n_put + counts.n_dropped;
        row->rate_hz = (double)(n - row->n_before) / s;
        row->n_before = n;
    }
    const int64_t n_bytes = et_recorder_status(view->recorder).n_bytes;
    view->bytes_s = (double)(n_bytes - view->n_bytes_before) / s;
    view->n_bytes_before = n_bytes;
    view->t_rate_ns = t_now_ns;
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
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 8 ? 24 : size.ws_row;
}

static void line(struct cli_live_view *view, const char *text)
{
    (void)fprintf(stderr, "%.*s\033[K\n", columns() - 1, text);
    view->n_lines++;
}

static const char *state_text(const struct et_station_status *s)
{
    return s->state == ET_STATION_RECORDING ? "recording"
           : s->state == ET_STATION_STOPPED ? "STOPPED"
                                            : "waiting for a start";
}

static void draw_head(struct cli_live_view *view, const struct et_station_status *s)
{
    char text[512], since[ET_TIME_TEXT_BYTES] = "";
    const struct et_live_status live = et_live_status(view->live);
    if (live.is_attempt)
        et_duration_text(et_clock_monotonic_ns() - live.t_attempt_ns, since);
    (void)snprintf(text, sizeof text, "%s: %s%s%s, %u done: %u success, %u failure, %u discarded",
                   view->name, state_text(s), since[0] ? " " : "", since, live.n_done,
                   live.n_success, live.n_failure, live.n_discarded);
    line(view, text);
    if (s->trouble.status != ET_OK)
        line(view, s->trouble.text);
}

static void draw_disk(struct cli_live_view *view, const struct et_station_status *s)
{
    char text[512], bytes[CLI_TEXT_BYTES], rate[CLI_TEXT_BYTES];
    const struct et_recorder_status r = et_recorder_status(view->recorder);
    (void)snprintf(text, sizeof text,
                   "disk %s free, %s/s, safe in %.0f ms (p99 %.0f), rings %.0f %%, gone %llu",
                   cli_bytes_text((double)r.free_bytes, bytes), cli_bytes_text(view->bytes_s, rate),
                   (double)r.window_p50_ns / 1e6, (double)r.window_p99_ns / 1e6,
                   100 * s->ring_share_max, (unsigned long long)(s->n_dropped + s->n_lost));
    line(view, text);
}

static void draw_heads(struct cli_live_view *view)
{
    char text[512];
    const int wide = columns() - 1 - 12 - 2 - 8 - 7 - 8 - 8 - 9;
    (void)snprintf(text, sizeof text, "%-12s %-*s %8s %-6s %7s %7s %8s", "device", wide, "stream",
                   "a second", "", "delay", "jitter", "gone");
    line(view, "");
    line(view, text);
}

// Milliseconds, in at most six letters.
static const char *ms_text(int64_t ns, char text[CLI_TEXT_BYTES])
{
    const double ms = (double)ns / 1e6;
    (void)snprintf(text, CLI_TEXT_BYTES, ms < 10 ? "%.2f" : ms < 100 ? "%.1f" : "%.0f", ms);
    return text;
}

static void draw_row(struct cli_live_view *view, const struct row *row)
{
    const struct et_feed_stream *stream = et_feed_stream(row->feed, row->i);
    const struct et_feed_counts counts = et_feed_counts(row->feed, row->i);
    const struct et_clock_live_state clock = et_station_clock(view->station, row->i_feed, row->i);
    char text[512], wanted[16] = "", delay[CLI_TEXT_BYTES] = "", jitter[CLI_TEXT_BYTES] = "";
    const int wide = columns() - 1 - 12 - 2 - 8 - 7 - 8 - 8 - 9;
    if (stream->rate_hz > 0)
        (void)snprintf(wanted, sizeof wanted, "/ %.0f", stream->rate_hz);
    if (clock.has_stamps) {
        (void)ms_text(clock.delay_p50_ns, delay);
        (void)ms_text(clock.jitter_ns, jitter);
    }
    (void)snprintf(text, sizeof text, "%-12.12s %-*.*s %8.1f %-6s %7s %7s %8llu",
                   stream->device ? stream->device : "", wide, wide, stream->topic, row->rate_hz,
                   wanted, delay, jitter, (unsigned long long)(counts.n_dropped + counts.n_lost));
    line(view, text);
}

static void draw_words(struct cli_live_view *view)
{
    char words[ET_SOURCE_WORDS_BYTES], text[512];
    for (size_t i = 0; i < et_live_n_sources(view->live); i++) {
        const enum et_source_state state = et_live_source_state(view->live, i);
        et_live_words(view->live, i, words);
        if (!words[0] && state == ET_SOURCE_LIVE)
            continue;
        (void)snprintf(text, sizeof text, "%s: %s%s%s", et_live_source(view->live, i)->device,
                       state == ET_SOURCE_WAITING ? "not there"
                       : state == ET_SOURCE_OVER  ? "over"
                                                  : "",
                       state != ET_SOURCE_LIVE && words[0] ? "; " : "", words);
        line(view, text);
    }
}

static void draw(struct cli_live_view *view)
{
    const struct et_station_status s = et_station_status(view->station);
    const int room = lines() - 6 - (int)et_live_n_sources(view->live);
    if (view->n_lines > 0)
        (void)fprintf(stderr, "\033[%dA\r", view->n_lines);
    view->n_lines = 0;
    draw_head(view, &s);
    draw_disk(view, &s);
    draw_words(view);
    draw_heads(view);
    for (size_t k = 0; k < view->n_rows && (int)k < room; k++)
        draw_row(view, &view->rows[k]);
    if ((int)view->n_rows > room)
        line(view, "… and more: a taller terminal shows them");
    if (view->keys.keys.is_on)
        line(view, "space start, s success, f failure, d discard, x stop!, r release, q quit");
    (void)fputs("\033[J", stderr);
    (void)fflush(stderr);
}

static void draw_line(struct cli_live_view *view)
{
    char rate[CLI_TEXT_BYTES], words[ET_SOURCE_WORDS_BYTES];
    const struct et_station_status s = et_station_status(view->station);
    const struct et_live_status live = et_live_status(view->live);
    const struct et_recorder_status r = et_recorder_status(view->recorder);
    double n = 0;
    for (size_t k = 0; k < view->n_rows; k++)
        n += view->rows[k].rate_hz;
    (void)fprintf(
        stderr,
        "%s: %s, %u done; %.0f samples/s, %s/s to disk, safe after %.0f ms, %llu dropped, "
        "%llu lost\n",
        view->name, state_text(&s), live.n_done, n, cli_bytes_text(view->bytes_s, rate),
        (double)r.window_p50_ns / 1e6, (unsigned long long)s.n_dropped,
        (unsigned long long)s.n_lost);
    for (size_t i = 0; i < et_live_n_sources(view->live); i++) {
        et_live_words(view->live, i, words);
        if (words[0])
            (void)fprintf(stderr, "%s: %s\n", et_live_source(view->live, i)->device, words);
    }
}

/* ---- the view ---- */

struct cli_live_view *cli_live_view_open(const struct cli_args *args, struct et_recorder *recorder,
                                         struct et_station *station, struct et_live *live,
                                         const char *name)
{
    struct cli_live_view *view = calloc(1, sizeof *view);
    if (!view)
        return NULL;
    view->args = args;
    view->recorder = recorder;
    view->station = station;
    view->live = live;
    view->name = name;
    view->t_rate_ns = view->t_shown_ns = et_clock_monotonic_ns();
    view->is_terminal = isatty(STDERR_FILENO) == 1;
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
    if (view->is_terminal)
        draw(view);
    else
        draw_line(view);
}

void cli_live_view_say(struct cli_live_view *view, const char *text)
{
    if (view && view->is_terminal && view->n_lines > 0) {
        (void)fprintf(stderr, "\033[%dA\r\033[J", view->n_lines);
        view->n_lines = 0;
    }
    (void)fprintf(stderr, "%s\n", text);
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
    free(view);
}
