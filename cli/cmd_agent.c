/* etude agent: a robot's streams, or made-up ones, to a recorder elsewhere. */
#include "cli_live.h"

#include "etude/clock.h"
#include "etude/file.h"
#include "etude/synthetic.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define ROBOTS_MAX 1000
#define ROBOTS_A_THREAD 50
#define SYNTHETIC_FEEDS_BYTES ((size_t)64 << 20) // of all of them; of one 1 to 16 MiB
#define PUT_NS (ET_NS_PER_S / 200)
#define LOOK_NS (ET_NS_PER_S / 10)
#define FIRST_NS (10 * ET_NS_PER_S) // for all to be connected, before they begin
#define SAY_NS (ET_NS_PER_S / 2)    // before it says that it waits for that
#define LAST_NS (10 * ET_NS_PER_S)  // for what is not taken yet, in the end

struct way { // to the recorder, as the options say
    const struct cli_args *args;
    struct et_link_agent_options options;
    struct et_tls *tls;
    struct et_arena *arena;
    char token[ET_LINK_TOKEN_BYTES_MAX + 1];
    struct et_log log;
    double seconds;
};

static void write_log(void *ctx, enum et_log_level level, const char *text)
{
    const struct way *way = ctx;
    if (!way->args->is_quiet || level == ET_LOG_WARN)
        (void)fprintf(stderr, "%s\n", text);
}

// What a recorder beyond this machine refuses to hear is not told to anybody.
static int check_trust(const struct way *way, const struct et_tls_client_options *trust)
{
    const char *to = way->options.address;
    struct et_err err = {0};
    bool is_here;
    if (et_address_is_here(to, &is_here, &err) != ET_OK)
        return cli_fail(way->args, &err);
    if (is_here || trust->pin || trust->ca_path)
        return CLI_DONE;
    cli_problem(way->args,
                "%s is on another machine: samples and the token go there by TLS alone. "
                "--tls-pin with the fingerprint that its etude record --hub says, or --tls-ca FILE",
                to);
    return CLI_USAGE;
}

static int open_way(struct way *way)
{
    const struct cli_args *args = way->args;
    const struct et_tls_client_options trust = {.pin = cli_get(args, "tls-pin"),
                                                .ca_path = cli_get(args, "tls-ca")};
    struct et_err err = {0};
    double batch_ms, spool_gb;
    if (!cli_number(args, "seconds", 0, 1e9, 0, &way->seconds) ||
        !cli_number(args, "batch-ms", 1, 1000, 10, &batch_ms) ||
        !cli_number(args, "spool-gb", 0.001, 4000, 1, &spool_gb))
        return CLI_USAGE;
    way->options.address = cli_has(args, "to") ? cli_get(args, "to") : ET_LINK_ADDRESS;
    const int code = check_trust(way, &trust);
    if (code != CLI_DONE)
        return code;
    if (!cli_token(args, way->token))
        return CLI_FAILED;
    way->log = (struct et_log){args->n_verbose ? ET_LOG_DEBUG : ET_LOG_INFO, write_log, way};
    if (((trust.pin || trust.ca_path) && et_tls_open_client(&way->tls, &trust, &err) != ET_OK) ||
        et_arena_open(&way->arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    way->options = (struct et_link_agent_options){.address = way->options.address,
                                                  .token = way->token[0] ? way->token : NULL,
                                                  .tls = way->tls,
                                                  .batch_ns = (int64_t)(batch_ms * 1e6),
                                                  .spool_bytes = (int64_t)(spool_gb * 1e9),
                                                  .log = &way->log};
    return CLI_DONE;
}

static int close_way(struct way *way, int code)
{
    et_tls_close(way->tls);
    et_arena_close(way->arena);
    return code;
}

static void print_result(const struct way *way, size_t n, const struct et_link_agent_status *s)
{
    struct cli_json json;
    if (!way->args->is_json) {
        if (s->n_connected == 0)
            (void)printf("no recorder was reached\n");
        (void)printf("%llu sample%s made, %llu taken by the recorder, %llu lost here\n",
                     (unsigned long long)s->n_records, cli_s(s->n_records),
                     (unsigned long long)s->n_taken, (unsigned long long)s->n_lost);
        if (s->spool_bytes > 0)
            (void)printf("%.1f MB wait in the spool for the next agent of this name\n",
                         (double)s->spool_bytes / 1e6);
        return;
    }
    cli_json_open(&json, "agent");
    et_json_put_int(&json.w, "robots", (int64_t)n);
    et_json_put_int(&json.w, "samples", (int64_t)s->n_records);
    et_json_put_int(&json.w, "taken", (int64_t)s->n_taken);
    et_json_put_int(&json.w, "lost", (int64_t)s->n_lost);
    et_json_put_int(&json.w, "bytes", (int64_t)s->n_sent_bytes);
    et_json_put_int(&json.w, "connected", s->n_connected);
    et_json_put_real(&json.w, "cpu_s", (double)et_clock_cpu_ns() / 1e9);
    (void)cli_json_print(&json, way->args);
}

static int verdict(const struct et_link_agent_status *s)
{
    return s->n_taken == s->n_records && s->n_lost == 0 ? CLI_DONE : CLI_NO;
}

// It may take a while, in which nothing else is seen.
static void say_last(const struct way *way, uint64_t n_left)
{
    const int seconds = (int)(LAST_NS / ET_NS_PER_S);
    if (n_left > 0)
        et_logf(&way->log, ET_LOG_INFO,
                "waiting for the recorder, %d s at most: %llu sample%s not taken yet", seconds,
                (unsigned long long)n_left, n_left == 1 ? " is" : "s are");
    else
        et_logf(&way->log, ET_LOG_INFO, "waiting for the recorder's goodbye, %d s at most",
                seconds);
}

/* ---- a station ---- */

static void work(const struct way *way, struct et_loop *loop, struct et_link_agent *agent)
{
    struct et_err err = {0};
    const int64_t t_begin_ns = et_clock_monotonic_ns();
    int64_t t_end_ns = way->seconds > 0 ? t_begin_ns + (int64_t)(way->seconds * 1e9) : INT64_MAX;
    int64_t t_say_ns = INT64_MAX;
    bool is_last = false;
    while (et_link_agent_status(agent).state != ET_LINK_OVER) {
        const int64_t t_now_ns = et_clock_monotonic_ns();
        if (is_last && t_now_ns > t_end_ns)
            return;
        if (!is_last &&
            (cli_is_interrupted() || t_now_ns > t_end_ns || et_link_agent_status(agent).is_dry)) {
            is_last = true;
            t_end_ns = t_now_ns + LAST_NS;
            et_link_agent_finish(agent);
            t_say_ns = t_now_ns + SAY_NS;
        }
        if (t_now_ns > t_say_ns) {
            const struct et_link_agent_status s = et_link_agent_status(agent);
            say_last(way, s.n_records - s.n_taken);
            t_say_ns = INT64_MAX;
        }
        if (et_loop_run_once(loop, LOOK_NS, &err) != ET_OK)
            return;
    }
    (void)!et_loop_run_once(loop, 0, &err); // its goodbye
}

static int send_station(struct way *way)
{
    const struct cli_args *args = way->args;
    struct et_link_agent_options *o = &way->options;
    const struct et_station_file *file;
    struct et_loop *loop = NULL;
    struct et_link_agent *agent = NULL;
    struct et_err err = {0};
    enum et_status st = et_station_file_read(cli_get(args, "station"), way->arena, &file, &err);
    if (st != ET_OK)
        return cli_fail(args, &err);
    o->id = cli_has(args, "id") ? cli_get(args, "id") : file->name;
    o->robot = file->robot;
    o->serial = file->serial;
    if (cli_has(args, "spool"))
        o->spool = et_arena_printf(way->arena, "%s/%s.spool", cli_get(args, "spool"), o->id);
    cli_catch();
    st = o->spool ? et_dir_make(cli_get(args, "spool"), &err) : ET_OK;
    if (st == ET_OK)
        st = et_loop_open(&loop, NULL, &err);
    if (st == ET_OK)
        st = et_link_agent_open(&agent, loop, o, &err);
    if (st == ET_OK)
        st = et_link_agent_add_sources(agent, file, &err);
    int code = st == ET_OK ? CLI_DONE : cli_fail(args, &err);
    if (st == ET_OK) {
        work(way, loop, agent);
        const struct et_link_agent_status status = et_link_agent_status(agent);
        print_result(way, 1, &status);
        code = verdict(&status);
    }
    et_link_agent_close(agent);
    et_loop_close(loop);
    return code;
}

/* ---- robots that are not there ---- */

struct robot {
    struct team *team;
    struct et_feed *feed;
    struct et_synthetic *synthetic;
    struct et_link_agent *agent;
    struct et_timer put;
};

struct team { // of one thread
    const struct way *way;
    struct et_synthetic_pool *pool;
    struct robot *robots;
    size_t i_first, n, n_all; // n of n_all robots
    pthread_t thread;
    bool has_thread, is_ending;
    int64_t t_end_ns;
    struct et_loop *loop;
    struct et_err err; // status ET_OK: all went well
    struct et_link_agent_status sum;
};

static void on_put(void *ctx)
{
    struct robot *r = ctx;
    const struct team *team = r->team;
    if (team->is_ending)
        return;
    (void)et_synthetic_put(r->synthetic, et_clock_monotonic_ns());
    et_timer_set(team->loop, &r->put, r->put.at_ns + PUT_NS);
}

/* How far a robot may be ahead of its agent: some seconds where there are few. */
static size_t feed_bytes(const struct team *team)
{
    const size_t n = SYNTHETIC_FEEDS_BYTES / team->n_all, least = (size_t)1 << 20;
    return n < least ? least : n > 16 * least ? 16 * least : n;
}

static enum et_status open_robot(struct team *team, size_t i)
{
    struct robot *r = &team->robots[i];
    struct et_link_agent_options o = team->way->options;
    const struct et_feed_options how = {.n_bytes = feed_bytes(team)};
    const char *folder = cli_get(team->way->args, "spool");
    char id[32], spool[ET_PATH_BYTES_MAX];
    (void)snprintf(id, sizeof id, "synthetic-%03zu", team->i_first + i + 1);
    o.id = id;
    o.robot = "synthetic";
    if (folder && snprintf(spool, sizeof spool, "%s/%s.spool", folder, id) >= (int)sizeof spool)
        return et_fail(&team->err, ET_ELIMIT, -1, "%.100s…: the path is too long", folder);
    o.spool = folder ? spool : NULL;
    r->team = team;
    r->put = (struct et_timer){.on_time = on_put, .ctx = r};
    enum et_status st = et_feed_open(&r->feed, &how, &team->err);
    if (st == ET_OK)
        st = et_link_agent_open(&r->agent, team->loop, &o, &team->err);
    if (st == ET_OK)
        st = et_link_agent_add(r->agent, r->feed, &team->err);
    return st;
}

static bool are_all(const struct team *team, enum et_link_state state)
{
    for (size_t i = 0; i < team->n; i++)
        if (et_link_agent_status(team->robots[i].agent).state != state)
            return false;
    return true;
}

/* Robots begin when all of them are connected, as those of a hall are long before a run: what is
 * measured is the run. */
static void wait_for_all(struct team *team)
{
    const int64_t t_latest_ns = et_clock_monotonic_ns() + FIRST_NS;
    while (!are_all(team, ET_LINK_UP) && !cli_is_interrupted() &&
           et_clock_monotonic_ns() < t_latest_ns)
        if (et_loop_run_once(team->loop, LOOK_NS, &team->err) != ET_OK)
            return;
}

// Not all at the same moment: as robots are.
static enum et_status begin_all(struct team *team)
{
    const int64_t t_now_ns = et_clock_monotonic_ns();
    const double seconds = team->way->seconds;
    team->t_end_ns = seconds > 0 ? t_now_ns + (int64_t)(seconds * 1e9) : INT64_MAX / 2;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < team->n && st == ET_OK; i++) {
        struct robot *r = &team->robots[i];
        const int64_t t_begin_ns = t_now_ns + PUT_NS * (int64_t)i / (int64_t)team->n;
        st = et_synthetic_open(&r->synthetic, team->pool, r->feed, t_begin_ns, &team->err);
        et_timer_set(team->loop, &r->put, t_begin_ns);
    }
    return st;
}

static void run_team(struct team *team)
{
    const int64_t t_last_ns = team->t_end_ns + LAST_NS;
    while (et_clock_monotonic_ns() < t_last_ns) {
        const bool is_end = cli_is_interrupted() || et_clock_monotonic_ns() >= team->t_end_ns;
        if (is_end && !team->is_ending) {
            team->is_ending = true;
            for (size_t i = 0; i < team->n; i++)
                et_link_agent_finish(team->robots[i].agent);
        }
        if ((team->is_ending && are_all(team, ET_LINK_OVER)) ||
            et_loop_run_once(team->loop, LOOK_NS, &team->err) != ET_OK)
            break;
    }
    (void)!et_loop_run_once(team->loop, 0, NULL);
}

static void close_robot(struct team *team, struct robot *r)
{
    if (r->agent) {
        const struct et_link_agent_status s = et_link_agent_status(r->agent);
        team->sum.n_records += s.n_records;
        team->sum.n_taken += s.n_taken;
        team->sum.n_lost += s.n_lost;
        team->sum.n_sent_bytes += s.n_sent_bytes;
        team->sum.n_connected += s.n_connected;
    }
    for (size_t k = 0; r->feed && k < et_feed_n_streams(r->feed); k++)
        team->sum.n_lost += et_feed_counts(r->feed, k).n_dropped;
    et_timer_end(&r->put);
    et_link_agent_close(r->agent);
    et_synthetic_close(r->synthetic);
    et_feed_close(r->feed);
}

static void *send_team(void *arg)
{
    struct team *team = arg;
    enum et_status st = et_loop_open(&team->loop, NULL, &team->err);
    for (size_t i = 0; i < team->n && st == ET_OK; i++)
        st = open_robot(team, i);
    if (st == ET_OK)
        wait_for_all(team);
    if (st == ET_OK && team->err.status == ET_OK && begin_all(team) == ET_OK)
        run_team(team);
    for (size_t i = 0; i < team->n; i++)
        close_robot(team, &team->robots[i]);
    et_loop_close(team->loop);
    return NULL;
}

static int send_teams(struct way *way, struct et_synthetic_pool *pool, size_t n)
{
    struct team teams[ROBOTS_MAX / ROBOTS_A_THREAD] = {{0}};
    struct robot *robots = calloc(n, sizeof *robots);
    struct et_link_agent_status sum = {0};
    size_t n_teams = 0;
    int code = robots ? CLI_DONE : CLI_FAILED;
    for (size_t i = 0; robots && i < n; i += ROBOTS_A_THREAD) {
        struct team *team = &teams[n_teams++];
        *team = (struct team){.way = way,
                              .pool = pool,
                              .robots = robots + i,
                              .i_first = i,
                              .n = n - i < ROBOTS_A_THREAD ? n - i : ROBOTS_A_THREAD,
                              .n_all = n};
        team->has_thread = pthread_create(&team->thread, NULL, send_team, team) == 0;
        if (!team->has_thread)
            (void)et_fail(&team->err, ET_EIO, -1, "cannot start a thread");
    }
    for (size_t i = 0; i < n_teams; i++) {
        struct team *team = &teams[i];
        if (team->has_thread)
            (void)pthread_join(team->thread, NULL);
        if (team->err.status != ET_OK)
            code = cli_fail(way->args, &team->err);
        sum.n_records += team->sum.n_records;
        sum.n_taken += team->sum.n_taken;
        sum.n_lost += team->sum.n_lost;
        sum.n_sent_bytes += team->sum.n_sent_bytes;
        sum.n_connected += team->sum.n_connected;
    }
    free(robots);
    if (code == CLI_DONE) {
        print_result(way, n, &sum);
        code = verdict(&sum);
    }
    return code;
}

static int send_synthetic(struct way *way)
{
    struct et_synthetic_pool *pool;
    struct et_err err = {0};
    int64_t n;
    if (!cli_whole(way->args, "synthetic", 1, ROBOTS_MAX, 1, &n))
        return CLI_USAGE;
    if ((cli_has(way->args, "spool") && et_dir_make(cli_get(way->args, "spool"), &err) != ET_OK) ||
        et_synthetic_pool_open(&pool, 1, &err) != ET_OK)
        return cli_fail(way->args, &err);
    cli_catch();
    const int code = send_teams(way, pool, (size_t)n);
    et_synthetic_pool_close(pool);
    return code;
}

int cmd_agent(const struct cli_args *args)
{
    struct way way = {.args = args};
    if (cli_has(args, "station") == cli_has(args, "synthetic")) {
        cli_problem(args, "name the station's file, --station FILE, or a number of --synthetic "
                          "robots");
        return CLI_USAGE;
    }
    int code = open_way(&way);
    if (code == CLI_DONE)
        code = cli_has(args, "station") ? send_station(&way) : send_synthetic(&way);
    return close_way(&way, code);
}
