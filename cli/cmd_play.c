/* etude play: a recording goes again to where live data goes, at any speed. */
#include "cli_live.h"

#include "etude/clock.h"

#include <stdlib.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)1 << 20)
#define FEED_BYTES ((size_t)4 << 10)    // nobody but the server takes what is put into it
#define SERVED_BYTES ((size_t)64 << 20) // some thousand pictures, which a poll may bring
#define TURN_NS (ET_NS_PER_S / 40)      // from one look at keys and viewers to the next
#define SHOW_NS (ET_NS_PER_S / 4)
#define LINE_NS (5 * ET_NS_PER_S)    // where there is no terminal
#define SETTLED_NS (ET_NS_PER_S / 2) // a viewer subscribes to one stream after the other

struct play {
    const struct cli_args *args;
    struct et_arena *arena;
    const char *path;
    double speed, from_s, duration_s;
    struct et_station_foxglove where;
    struct cli_foxglove foxglove;
    struct et_feed *feed;
    struct et_source *source;
    struct cli_keys keys;
    bool is_terminal, must_wait, is_paused;
    int64_t t_stopped_ns; // since when its clock stands still
    int64_t stopped_ns;   // how long it stood before
    int64_t t_begin_ns;   // of its clock
    int64_t t_shown_ns;
    size_t n_subscriptions;  // at the last look
    int64_t t_subscribed_ns; // when their number changed
};

/* ---- its clock, which stands still while it is paused ---- */

static int64_t play_now_ns(void *ctx)
{
    const struct play *p = ctx;
    const int64_t t_ns = p->is_paused ? p->t_stopped_ns : et_clock_monotonic_ns();
    return t_ns - p->stopped_ns;
}

static void set_paused(struct play *p, bool is_paused)
{
    const int64_t t_now_ns = et_clock_monotonic_ns();
    if (p->is_paused == is_paused)
        return;
    if (is_paused)
        p->t_stopped_ns = t_now_ns;
    else
        p->stopped_ns += t_now_ns - p->t_stopped_ns;
    p->is_paused = is_paused;
}

/* ---- opening ---- */

static int take_options(struct play *p)
{
    const struct cli_args *args = p->args;
    p->path = args->words[0];
    p->where = (struct et_station_foxglove){
        .address = cli_has(args, "foxglove") ? cli_get(args, "foxglove") : ET_FOXGLOVE_ADDRESS,
        .tls = cli_get(args, "tls")};
    p->must_wait = cli_has(args, "wait");
    if (!cli_number(args, "speed", 0.001, 1000, 1, &p->speed) ||
        !cli_number(args, "from", 0, 1e7, 0, &p->from_s))
        return CLI_USAGE;
    return CLI_DONE;
}

static enum et_status look_at(struct play *p, struct et_err *err)
{
    struct et_recording *recording;
    const enum et_status st = et_recording_open(&recording, p->path, NULL, err);
    if (st != ET_OK)
        return st;
    const struct et_recording_info *info = et_recording_info(recording);
    p->duration_s = (double)(info->end_ns - info->start_ns) / 1e9;
    et_recording_close(recording);
    if (p->from_s > p->duration_s)
        return et_fail(err, ET_EARG, -1, "%s ends at %.3f s, before --from %g", p->path,
                       p->duration_s, p->from_s);
    return ET_OK;
}

// What a station's file would say of a source that replays.
static enum et_status make_settings(struct play *p, const struct et_value **settings,
                                    struct et_err *err)
{
    struct et_buf buf = et_buf(1 << 16);
    struct et_json_writer w = {.buf = &buf};
    et_json_open_map(&w);
    et_json_put_text(&w, "path", p->path);
    et_json_put_real(&w, "speed", p->speed);
    et_json_put_real(&w, "from_s", p->from_s);
    et_json_put_bool(&w, "loop", cli_has(p->args, "loop"));
    et_json_close_map(&w);
    enum et_status st = et_buf_check(&buf, "a path", err);
    if (st == ET_OK)
        st = et_json_parse(et_buf_str(&buf), NULL, p->arena, settings, err);
    et_buf_free(&buf);
    return st;
}

static enum et_status open_source(struct play *p, struct et_err *err)
{
    const struct et_value *settings = NULL;
    enum et_status st = make_settings(p, &settings, err);
    const struct et_source_options how = {
        .device = "play", .settings = settings, .now_ns = play_now_ns, .ctx = p};
    if (st == ET_OK)
        st = et_source_open(&p->source, et_source_kind("replay"), &how, p->feed, err);
    p->t_begin_ns = play_now_ns(p);
    return st;
}

static int open_play(struct play *p)
{
    struct et_err err = {0};
    if (et_arena_open(&p->arena, ARENA_BYTES, &err) != ET_OK || look_at(p, &err) != ET_OK ||
        et_feed_open(&p->feed, &(struct et_feed_options){.n_bytes = FEED_BYTES}, &err) != ET_OK)
        return cli_fail(p->args, &err);
    const int code = cli_foxglove_open(p->args, &p->where, p->path, SERVED_BYTES, &p->foxglove);
    if (code != CLI_DONE)
        return code;
    set_paused(p, p->must_wait);
    if (et_foxglove_serve(p->foxglove.server, p->feed, &err) != ET_OK ||
        open_source(p, &err) != ET_OK)
        return cli_fail(p->args, &err);
    return CLI_DONE;
}

/* ---- what is seen of it ---- */

static uint64_t n_messages(const struct play *p)
{
    uint64_t n = 0;
    for (size_t i = 0; i < et_feed_n_streams(p->feed); i++) {
        const struct et_feed_counts counts = et_feed_counts(p->feed, i);
        n += counts.n_put + counts.n_dropped; // of room in the feed, which matters to nobody here
    }
    return n;
}

static double position_s(struct play *p)
{
    const double length_s = p->duration_s - p->from_s;
    double s = (double)(play_now_ns(p) - p->t_begin_ns) / 1e9 * p->speed;
    if (cli_has(p->args, "loop") && length_s > 0)
        s -= length_s * (double)(int64_t)(s / length_s);
    return p->from_s + (s < length_s ? s : length_s);
}

static void show(struct play *p)
{
    const int64_t t_now_ns = et_clock_monotonic_ns();
    char sent[CLI_TEXT_BYTES], dropped[CLI_TEXT_BYTES];
    if (p->args->is_quiet || t_now_ns - p->t_shown_ns < (p->is_terminal ? SHOW_NS : LINE_NS))
        return;
    const struct et_foxglove_counts counts = et_foxglove_counts(p->foxglove.server);
    (void)fprintf(stderr,
                  "%s%s%.1f s of %.1f s, x%g; %zu viewer%s, %s messages sent, %s left out%s%s",
                  p->is_terminal ? "\r\033[K" : "",
                  p->must_wait   ? "waiting for a viewer: "
                  : p->is_paused ? "paused: "
                                 : "",
                  position_s(p), p->duration_s, p->speed, counts.n_viewers, cli_s(counts.n_viewers),
                  cli_count_text((int64_t)counts.n_sent, sent),
                  cli_count_text((int64_t)counts.n_dropped, dropped),
                  p->keys.is_on ? "; space pauses, q quits" : "", p->is_terminal ? "" : "\n");
    (void)fflush(stderr);
    p->t_shown_ns = t_now_ns;
}

static int print_result(struct play *p, double seconds)
{
    const struct et_foxglove_counts counts = et_foxglove_counts(p->foxglove.server);
    char n[CLI_TEXT_BYTES], sent[CLI_TEXT_BYTES], dropped[CLI_TEXT_BYTES];
    struct cli_json json;
    if (!p->args->is_json) {
        (void)printf("%s: %s messages in %.1f s; to viewers %s, left out %s\n", p->path,
                     cli_count_text((int64_t)n_messages(p), n), seconds,
                     cli_count_text((int64_t)counts.n_sent, sent),
                     cli_count_text((int64_t)counts.n_dropped, dropped));
        return CLI_DONE;
    }
    cli_json_open(&json, "play");
    et_json_put_text(&json.w, "path", p->path);
    et_json_put_text(&json.w, "address", et_foxglove_address(p->foxglove.server));
    et_json_put_int(&json.w, "messages", (int64_t)n_messages(p));
    et_json_put_real(&json.w, "seconds", seconds);
    et_json_put_int(&json.w, "sent", (int64_t)counts.n_sent);
    et_json_put_int(&json.w, "dropped", (int64_t)counts.n_dropped);
    return cli_json_print(&json, p->args);
}

/* ---- at work ---- */

// A viewer that was waited for has come, and has asked for all that it wants.
static void look_for_viewers(struct play *p)
{
    const int64_t t_now_ns = et_clock_monotonic_ns();
    const size_t n = et_foxglove_counts(p->foxglove.server).n_subscriptions;
    if (n != p->n_subscriptions)
        p->t_subscribed_ns = t_now_ns;
    p->n_subscriptions = n;
    if (!p->must_wait || n == 0 || t_now_ns - p->t_subscribed_ns < SETTLED_NS)
        return;
    p->must_wait = false;
    set_paused(p, false);
}

// False: it is over.
static bool press(struct play *p)
{
    const int key = cli_keys_next(&p->keys);
    if (key == ' ' || key == '\n') {
        p->must_wait = false;
        set_paused(p, !p->is_paused);
    }
    return key != 'q';
}

static void empty(struct et_feed *feed)
{
    for (struct et_feed_sample sample; et_feed_next(feed, &sample);)
        et_feed_done(feed);
}

// Sends what is due; the server's thread has the next word where it does not keep up.
static enum et_status send_due(struct play *p, int64_t *t_next_ns, struct et_err *err)
{
    *t_next_ns = et_clock_monotonic_ns() + TURN_NS;
    if (p->is_paused)
        return ET_OK;
    if (et_foxglove_counts(p->foxglove.server).n_waiting_bytes > SERVED_BYTES / 4) {
        *t_next_ns = et_clock_monotonic_ns() + TURN_NS / 10;
        return ET_OK;
    }
    int64_t t_due_ns;
    const enum et_status st = et_source_poll(p->source, &t_due_ns, err);
    empty(p->feed);
    if (t_due_ns < *t_next_ns - p->stopped_ns)
        *t_next_ns = t_due_ns + p->stopped_ns;
    return st;
}

static int work(struct play *p)
{
    enum et_status st = ET_OK;
    struct et_err err = {0};
    while (st == ET_OK && press(p) && !cli_is_interrupted()) {
        int64_t t_next_ns;
        look_for_viewers(p);
        st = send_due(p, &t_next_ns, &err);
        show(p);
        if (st == ET_OK)
            et_clock_wait_until(t_next_ns);
    }
    // What was sent last is still on its way to the server's thread.
    const int64_t t_end_ns = et_clock_monotonic_ns() + ET_NS_PER_S;
    while (et_foxglove_counts(p->foxglove.server).n_waiting_bytes > 0 &&
           et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + TURN_NS);
    if (p->is_terminal && !p->args->is_quiet)
        (void)fputs("\r\033[K", stderr);
    if (st != ET_OK && st != ET_END)
        return cli_fail(p->args, &err);
    return cli_is_interrupted() && !cli_has(p->args, "loop") ? CLI_INTERRUPTED : CLI_DONE;
}

int cmd_play(const struct cli_args *args)
{
    struct play p = {.args = args, .is_terminal = isatty(STDERR_FILENO) == 1};
    const int64_t t_begin_ns = et_clock_monotonic_ns();
    int code = take_options(&p);
    if (code == CLI_DONE)
        code = open_play(&p);
    if (code == CLI_DONE) {
        cli_catch();
        if (!args->is_quiet)
            cli_foxglove_say(&p.foxglove, &p.where);
        cli_keys_open(&p.keys);
        code = work(&p);
        cli_keys_close(&p.keys);
        if (code != CLI_FAILED &&
            print_result(&p, (double)(et_clock_monotonic_ns() - t_begin_ns) / 1e9) != CLI_DONE)
            code = CLI_FAILED;
    }
    et_source_close(p.source);
    cli_foxglove_close(&p.foxglove);
    et_feed_close(p.feed);
    et_arena_close(p.arena);
    return code;
}
