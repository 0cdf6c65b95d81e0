/* etude record --hub: agents connect, and each is a station with recordings of its own. */
#include "cli_live.h"

#include "etude/clock.h"
#include "etude/file.h"
#include "etude/synthetic.h"

#include <stdlib.h>
#include <unistd.h>

#define ROBOTS_MAX 256
#define FEED_BYTES ((size_t)8 << 20) // so that the largest sample of the link finds room
#define GONE_NS (60 * ET_NS_PER_S)   // after which a recording ends
#define LOOK_NS (ET_NS_PER_S / 5)

struct robot {
    char *name;
    struct et_station *station;
    struct et_feed *feed;
    bool is_there, is_recording;
    int64_t t_gone_ns;
    uint64_t n_unwritten; // of runs that ended
    double ring_share_max;
};

struct hub {
    const struct cli_args *args;
    struct et_loop *loop;
    struct et_tls *tls;
    struct et_link_server *server;
    struct et_recorder *recorder;
    struct et_timer look;
    struct et_log log;
    char token[ET_LINK_TOKEN_BYTES_MAX + 1];
    char print[ET_TLS_FINGERPRINT_BYTES]; // of its certificate
    struct robot robots[ROBOTS_MAX];
    size_t n_robots;
    int64_t t_begin_ns, cpu_begin_ns, cpu_ns; // since the first agent
    double seconds;
    bool has_failed; // to end a recording
    struct cli_progress progress;
};

bool cli_token(const struct cli_args *args, char token[ET_LINK_TOKEN_BYTES_MAX + 1])
{
    struct et_err err = {0};
    token[0] = 0;
    if (!cli_has(args, "token-file") ||
        et_link_token_read(cli_get(args, "token-file"), token, &err) == ET_OK)
        return true;
    cli_problem(args, "%s", err.text);
    return false;
}

static void write_log(void *ctx, enum et_log_level level, const char *text)
{
    const struct hub *hub = ctx;
    if (!hub->args->is_quiet || level == ET_LOG_WARN)
        (void)fprintf(stderr, "%s\n", text);
}

/* ---- agents ---- */

static struct robot *find(struct hub *hub, const char *name)
{
    for (size_t i = 0; i < hub->n_robots; i++)
        if (strcmp(hub->robots[i].name, name) == 0)
            return &hub->robots[i];
    return NULL;
}

// NULL: it could not be added.
static struct robot *add(struct hub *hub, const char *name, struct et_err *err)
{
    const struct et_feed_options how = {.n_bytes = FEED_BYTES, .can_wait = true};
    if (hub->n_robots == ROBOTS_MAX) {
        (void)et_fail(err, ET_ELIMIT, -1, "more than %d robots", ROBOTS_MAX);
        return NULL;
    }
    struct robot *r = &hub->robots[hub->n_robots];
    *r = (struct robot){.name = strdup(name)};
    enum et_status st = r->name ? et_station_open(&r->station, hub->recorder, name, err)
                                : et_fail(err, ET_ENOMEM, -1, "no memory for a robot");
    if (st == ET_OK)
        st = et_station_feed(r->station, &how, &r->feed, err);
    if (st != ET_OK) {
        (void)!et_station_close(r->station, NULL);
        free(r->name);
        return NULL;
    }
    hub->n_robots++;
    return r;
}

static enum et_status on_agent(void *ctx, const struct et_link_hello *hello,
                               struct et_link_place *place, struct et_err *err)
{
    struct hub *hub = ctx;
    struct robot *r = find(hub, hello->agent);
    enum et_status st = ET_OK;
    if (!r && !(r = add(hub, hello->agent, err)))
        return err->status;
    if (!r->is_recording) {
        const struct et_run run = {.robot = hello->robot, .serial = hello->serial};
        st = et_station_begin(r->station, &run, err);
    }
    if (st != ET_OK)
        return st;
    r->is_recording = r->is_there = true;
    if (hub->t_begin_ns == 0) {
        hub->t_begin_ns = et_clock_monotonic_ns();
        hub->cpu_begin_ns = et_clock_cpu_ns();
    }
    *place = (struct et_link_place){.feed = r->feed,
                                    .is_numbered = true,
                                    .n_taken = et_recorder_taken(hub->recorder, hello->session),
                                    .ctx = r};
    return ET_OK;
}

static void on_gone(void *ctx, void *place_ctx)
{
    struct robot *r = place_ctx;
    (void)ctx;
    r->is_there = false;
    r->t_gone_ns = et_clock_monotonic_ns();
}

static int64_t safe_ns(void *ctx, void *place_ctx)
{
    const struct robot *r = place_ctx;
    (void)ctx;
    return et_station_settled_ns(r->station);
}

/* ---- recordings ---- */

static struct et_station_status look_at(struct robot *r)
{
    const struct et_station_status status = et_station_status(r->station);
    r->ring_share_max =
        status.ring_share_max > r->ring_share_max ? status.ring_share_max : r->ring_share_max;
    return status;
}

static bool end_recording(struct hub *hub, struct robot *r)
{
    struct et_err err = {0};
    const enum et_status st = et_station_end(r->station, NULL, &err);
    const struct et_station_status status = look_at(r);
    r->n_unwritten += status.n_unwritten;
    r->is_recording = false;
    if (st != ET_OK)
        cli_problem(hub->args, "%s: %s", r->name, err.text);
    return st == ET_OK;
}

// Recordings of those that are away for long end; what is seen of the others is kept.
static void on_look(void *ctx)
{
    struct hub *hub = ctx;
    const int64_t t_now_ns = et_clock_monotonic_ns();
    for (size_t i = 0; i < hub->n_robots; i++) {
        struct robot *r = &hub->robots[i];
        (void)look_at(r);
        if (r->is_recording && !r->is_there && t_now_ns - r->t_gone_ns > GONE_NS)
            (void)end_recording(hub, r);
    }
    if (hub->t_begin_ns)
        (void)cli_progress_show(&hub->progress, (t_now_ns - hub->t_begin_ns) / ET_NS_PER_S, 0,
                                et_recorder_status(hub->recorder).n_bytes);
    et_timer_set(hub->loop, &hub->look, et_loop_now_ns(hub->loop) + LOOK_NS);
}

/* What is in the feeds goes to the disk, whole, and is then said to be taken; what did not come
 * here any more, or could not be written, the agents keep. */
static void end_all(struct hub *hub)
{
    struct et_err err = {0};
    for (size_t i = 0; i < hub->n_robots; i++) {
        struct robot *r = &hub->robots[i];
        if (r->is_recording && !end_recording(hub, r))
            hub->has_failed = true;
    }
    if (!hub->server)
        return;
    et_link_server_acknowledge(hub->server);
    (void)!et_loop_run_once(hub->loop, 0, &err);
}

static enum et_status open_tls(struct hub *hub, struct et_err *err)
{
    const char *folder = cli_get(hub->args, "tls");
    char cert[ET_PATH_BYTES_MAX], key[ET_PATH_BYTES_MAX], host[256] = "localhost";
    if (!folder)
        return ET_OK;
    (void)gethostname(host, sizeof host - 1);
    const char *const names[] = {host, "localhost", "127.0.0.1"};
    (void)snprintf(cert, sizeof cert, "%.4000s/" ET_TLS_CERT, folder);
    (void)snprintf(key, sizeof key, "%.4000s/" ET_TLS_KEY, folder);
    enum et_status st = et_tls_make(folder, names, sizeof names / sizeof *names, err);
    if (st == ET_OK)
        st = et_tls_open_server(&hub->tls, cert, key, err);
    return st == ET_OK ? et_tls_fingerprint(cert, hub->print, err) : st;
}

static enum et_status open_hub(struct hub *hub, int64_t n_threads, struct et_err *err)
{
    const bool is_checked = cli_has(hub->args, "check");
    const struct et_recorder_options how = {.folder = cli_get(hub->args, "output"),
                                            .n_threads = (unsigned)n_threads,
                                            .part_ns = is_checked ? INT64_MAX : 0,
                                            .part_bytes = is_checked ? INT64_MAX : 0,
                                            .log = &hub->log};
    const char *address = cli_get(hub->args, "hub");
    enum et_status st = open_tls(hub, err);
    if (st == ET_OK)
        st = et_loop_open(&hub->loop, NULL, err);
    if (st == ET_OK)
        st = et_recorder_open(&hub->recorder, &how, err);
    if (st == ET_OK)
        st = et_recorder_read_links(hub->recorder, err);
    const struct et_link_server_options options = {
        .listen = {.address = *address ? address : NULL,
                   .is_public = hub->tls && hub->token[0],
                   .tls = hub->tls},
        .token = hub->token,
        .agents_max = ROBOTS_MAX,
        .on_agent = on_agent,
        .on_gone = on_gone,
        .safe_ns = safe_ns,
        .log = &hub->log,
        .ctx = hub};
    if (st == ET_OK)
        st = et_link_server_open(&hub->server, hub->loop, &options, err);
    if (st != ET_OK)
        return st;
    hub->look = (struct et_timer){.on_time = on_look, .ctx = hub};
    et_timer_set(hub->loop, &hub->look, et_loop_now_ns(hub->loop) + LOOK_NS);
    if (hub->tls && !hub->args->is_quiet)
        (void)fprintf(stderr, "agents pin this certificate: --tls-pin %s\n", hub->print);
    if (!hub->args->is_quiet)
        (void)fprintf(stderr, "agents connect to %s\n", et_link_server_address(hub->server));
    return ET_OK;
}

/* ---- what came of it ---- */

struct result {
    struct et_link_server_status link;
    struct et_recorder_status recorder;
    uint64_t n_dropped, n_lost, n_read, n_bad;
    size_t n_recordings, n_left_out;
    double ring_share_max;
};

/* Of synthetic robots: all that the folder has of them since they began, also by a hub that was
 * killed, as they go on where it was. */
static enum et_status check_all(struct hub *hub, struct result *result, struct et_err *err)
{
    struct et_synthetic_pool *pool;
    enum et_status st = et_synthetic_pool_open(&pool, 1, err);
    for (size_t i = 0; i < hub->n_robots && st == ET_OK; i++) {
        struct et_synthetic_found found;
        st = et_synthetic_check_folder(pool, cli_get(hub->args, "output"), hub->robots[i].name,
                                       &found, err);
        for (size_t k = 0; k < ET_SYNTHETIC_STREAMS; k++) {
            const struct et_synthetic_stream *s = &found.streams[k];
            result->n_read += s->n;
            result->n_bad += s->n_missing + s->n_wrong + s->first;
        }
        result->n_recordings += found.n_recordings;
        result->n_left_out += found.n_left_out;
    }
    et_synthetic_pool_close(pool);
    return st;
}

static void count(const struct hub *hub, struct result *result)
{
    for (size_t i = 0; i < hub->n_robots; i++) {
        const struct robot *r = &hub->robots[i];
        for (size_t k = 0; k < et_feed_n_streams(r->feed); k++) {
            const struct et_feed_counts counts = et_feed_counts(r->feed, k);
            result->n_dropped += counts.n_dropped;
            result->n_lost += counts.n_lost;
        }
        result->n_dropped += r->n_unwritten;
        if (r->ring_share_max > result->ring_share_max)
            result->ring_share_max = r->ring_share_max;
    }
}

static void print_check(const struct result *r)
{
    (void)printf("%llu missing; %llu read in %zu recording%s", (unsigned long long)r->n_bad,
                 (unsigned long long)r->n_read, r->n_recordings, cli_s(r->n_recordings));
    if (r->n_left_out > 0)
        (void)printf("; %zu of earlier runs left out", r->n_left_out);
    (void)putchar('\n');
}

static void print_result(const struct hub *hub, const struct result *r)
{
    struct cli_json json;
    const double cpu_s = (double)hub->cpu_ns / 1e9;
    if (!hub->args->is_json) {
        (void)printf("%zu robot%s, %.1f s: %llu sample%s, %.1f MB in, %.1f MB to disk\n"
                     "%.2f s of CPU; safe after %.0f ms (p99 %.0f ms, max %.0f ms)\n"
                     "%llu dropped, %llu lost",
                     hub->n_robots, hub->n_robots == 1 ? "" : "s", hub->seconds,
                     (unsigned long long)r->link.n_records, cli_s(r->link.n_records),
                     (double)r->link.n_bytes / 1e6, (double)r->recorder.n_bytes / 1e6, cpu_s,
                     (double)r->recorder.window_p50_ns / 1e6,
                     (double)r->recorder.window_p99_ns / 1e6,
                     (double)r->recorder.window_max_ns / 1e6, (unsigned long long)r->n_dropped,
                     (unsigned long long)r->n_lost);
        (void)putchar('\n');
        if (cli_has(hub->args, "check")) // who did not look does not know
            print_check(r);
        return;
    }
    cli_json_open(&json, "hub");
    et_json_put_int(&json.w, "robots", (int64_t)hub->n_robots);
    et_json_put_real(&json.w, "seconds", hub->seconds);
    et_json_put_int(&json.w, "samples", (int64_t)r->link.n_records);
    et_json_put_int(&json.w, "batches", (int64_t)r->link.n_batches);
    et_json_put_int(&json.w, "bytes_in", (int64_t)r->link.n_bytes);
    et_json_put_int(&json.w, "bytes", r->recorder.n_bytes);
    et_json_put_real(&json.w, "cpu_s", cpu_s);
    et_json_put_real(&json.w, "writer_cpu_s", (double)r->recorder.cpu_ns / 1e9);
    et_json_put_real(&json.w, "window_p50_ms", (double)r->recorder.window_p50_ns / 1e6);
    et_json_put_real(&json.w, "window_p99_ms", (double)r->recorder.window_p99_ns / 1e6);
    et_json_put_real(&json.w, "window_max_ms", (double)r->recorder.window_max_ns / 1e6);
    et_json_put_real(&json.w, "ring_share_max", r->ring_share_max);
    et_json_put_int(&json.w, "repeated", (int64_t)r->link.n_repeated);
    et_json_put_int(&json.w, "refused", (int64_t)r->link.n_refused);
    et_json_put_int(&json.w, "broken", (int64_t)r->link.n_broken);
    et_json_put_int(&json.w, "dropped", (int64_t)r->n_dropped);
    et_json_put_int(&json.w, "lost", (int64_t)r->n_lost);
    et_json_put_int(&json.w, "read", (int64_t)r->n_read);
    et_json_put_int(&json.w, "missing", (int64_t)r->n_bad);
    et_json_put_int(&json.w, "recordings", (int64_t)r->n_recordings);
    et_json_put_int(&json.w, "left_out", (int64_t)r->n_left_out);
    (void)cli_json_print(&json, hub->args);
}

static int report(struct hub *hub)
{
    struct et_err err = {0};
    struct result result = {.link = et_link_server_status(hub->server),
                            .recorder = et_recorder_status(hub->recorder)};
    count(hub, &result);
    if (cli_has(hub->args, "check") && check_all(hub, &result, &err) != ET_OK)
        return cli_fail(hub->args, &err);
    print_result(hub, &result);
    return cli_has(hub->args, "check") && result.n_dropped + result.n_lost + result.n_bad > 0
               ? CLI_NO
               : CLI_DONE;
}

static void work(struct hub *hub, double seconds)
{
    struct et_err err = {0};
    const int64_t t_end_ns =
        seconds > 0 ? et_clock_monotonic_ns() + (int64_t)(seconds * 1e9) : INT64_MAX;
    cli_progress_open(&hub->progress, hub->args, "recording", "s", 0);
    while (!cli_is_interrupted() && et_clock_monotonic_ns() < t_end_ns)
        if (et_loop_run_once(hub->loop, LOOK_NS, &err) != ET_OK)
            break;
    cli_progress_close(&hub->progress);
    if (hub->t_begin_ns) {
        hub->cpu_ns = et_clock_cpu_ns() - hub->cpu_begin_ns;
        hub->seconds = (double)(et_clock_monotonic_ns() - hub->t_begin_ns) / 1e9;
    }
}

static int close_hub(struct hub *hub, int code)
{
    struct et_err err = {0};
    et_link_server_close(hub->server);
    if (hub->recorder && et_recorder_close(hub->recorder, &err) != ET_OK && code == CLI_DONE)
        code = cli_fail(hub->args, &err);
    et_loop_close(hub->loop);
    et_tls_close(hub->tls);
    for (size_t i = 0; i < hub->n_robots; i++)
        free(hub->robots[i].name);
    free(hub);
    return code;
}

int cli_record_hub(const struct cli_args *args)
{
    struct et_err err = {0};
    int64_t n_threads;
    double seconds;
    if (!cli_get(args, "output")) {
        cli_problem(args, "say where the recordings go: -o FOLDER");
        return CLI_USAGE;
    }
    if (!cli_number(args, "seconds", 0, 1e9, 0, &seconds) ||
        !cli_whole(args, "threads", 1, 64, 2, &n_threads))
        return CLI_USAGE;
    struct hub *hub = calloc(1, sizeof *hub);
    if (!hub) {
        cli_problem(args, "no memory for a hub");
        return CLI_FAILED;
    }
    hub->args = args;
    hub->log = (struct et_log){args->n_verbose ? ET_LOG_DEBUG : ET_LOG_INFO, write_log, hub};
    if (!cli_token(args, hub->token))
        return close_hub(hub, CLI_FAILED);
    cli_catch();
    if (open_hub(hub, n_threads, &err) != ET_OK) {
        const int code = cli_fail(args, &err);
        bool is_here = true;
        if (err.status == ET_EARG && !(hub->tls && hub->token[0]) &&
            et_address_is_here(cli_get(args, "hub"), &is_here, NULL) == ET_OK && !is_here)
            cli_problem(args, "agents on other machines: --tls FOLDER and --token-file FILE");
        return close_hub(hub, code);
    }
    work(hub, seconds);
    end_all(hub);
    const int code = report(hub);
    return close_hub(hub, code == CLI_DONE && hub->has_failed ? CLI_FAILED : code);
}
