// kill -9 of the recorder at any moment, a hub or a station that agents are a source of: its
// recordings together have every sample once.
//
//     test_hub_kills [N]    kills N times (12)
#include "etude/clock.h"
#include "etude/file.h"
#include "etude/recorder.h"
#include "link_rig.h"
#include "support.h"
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_MS 300         // at most
#define STATION_LIFE_MS 500 // a program, which looks at what is there first
#define NUMBER_BYTES 400

static struct et_err err;
static int n_kills = 12;

/* ---- who is killed: a hub for one robot ---- */

struct hub {
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    bool is_recording;
};

static enum et_status on_agent(void *ctx, const struct et_link_hello *hello,
                               struct et_link_place *place, struct et_err *why)
{
    struct hub *hub = ctx;
    const struct et_run run = {.robot = "robot"};
    enum et_status st = ET_OK;
    *place = (struct et_link_place){.feed = hub->feed,
                                    .is_numbered = true,
                                    .n_taken = et_recorder_taken(hub->recorder, hello->session),
                                    .ctx = hub};
    if (!hub->is_recording)
        st = et_station_begin(hub->station, &run, why);
    hub->is_recording = true;
    return st;
}

static int64_t safe_ns(void *ctx, void *place_ctx)
{
    (void)place_ctx;
    return et_station_settled_ns(((struct hub *)ctx)->station);
}

// Small parts in every other life, so that files end and begin, too.
static void record(const char *address, const char *folder, bool has_parts, int64_t for_ns)
{
    static struct hub hub;
    struct et_loop *loop;
    struct et_link_server *server;
    size_t n_failed;
    const struct et_recorder_options how = {
        .folder = folder, .keep_free_bytes = -1, .part_bytes = has_parts ? 30000 : 0};
    const struct et_link_server_options options = {
        .listen = {.address = address}, .on_agent = on_agent, .safe_ns = safe_ns, .ctx = &hub};
    if (et_dir_make(folder, &err) != ET_OK ||
        et_recorder_recover(folder, NULL, NULL, &n_failed, &err) != ET_OK || n_failed > 0 ||
        et_recorder_open(&hub.recorder, &how, &err) != ET_OK ||
        et_recorder_read_links(hub.recorder, &err) != ET_OK ||
        et_station_open(&hub.station, hub.recorder, "robot-1", &err) != ET_OK ||
        et_station_feed(hub.station, NULL, &hub.feed, &err) != ET_OK ||
        et_loop_open(&loop, NULL, &err) != ET_OK ||
        et_link_server_open(&server, loop, &options, &err) != ET_OK) {
        (void)fprintf(stderr, "# %s\n", err.text);
        _exit(3);
    }
    const int64_t t_end_ns = et_clock_monotonic_ns() + for_ns;
    while (et_clock_monotonic_ns() < t_end_ns)
        (void)!et_loop_run_once(loop, 10 * MS, &err);
    _exit(et_recorder_close(hub.recorder, &err) == ET_OK ? 0 : 3); // and what is safe nobody says
}

static pid_t begin_hub(const char *address, const char *folder, bool has_parts, int64_t for_ns)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        record(address, folder, has_parts, for_ns);
    return child;
}

/* ---- who is killed: etude record, with agents as a source ---- */

static const char *station_file(const char *address)
{
    const char *path = temp_path("station.yaml");
    char text[1000];
    (void)snprintf(text, sizeof text,
                   "station: robot-1\n"
                   "run: session\n"
                   "recording: {keep_free_gb: 0}\n"
                   "sources:\n"
                   "  hall: {kind: link, address: \"%s\"}\n",
                   address);
    write_file(path, text, strlen(text));
    return path;
}

static pid_t begin_station(const char *address, const char *folder, bool has_parts, int64_t for_ns)
{
    char program[4096], seconds[32];
    const char *build = getenv("ETUDE_BUILD"), *file = station_file(address);
    (void)has_parts; // they are no smaller than a megabyte
    if (!build)
        return -1;
    (void)snprintf(program, sizeof program, "%s/cli/etude", build);
    (void)snprintf(seconds, sizeof seconds, "%.3f", (double)for_ns / 1e9);
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        (void)close(STDOUT_FILENO); // this test's own results go there
        (void)dup2(STDERR_FILENO, STDOUT_FILENO);
        (void)execl(program, program, "record", "--station", file, "-o", folder, "--seconds",
                    seconds, "--quiet", (char *)NULL);
        _exit(3);
    }
    return child;
}

/* ---- the robot ---- */

static const struct et_feed_stream LATCHED = {.topic = "/tf_static",
                                              .type = "tf2_msgs/msg/TFMessage",
                                              .schema_encoding = "",
                                              .message_encoding = "cdr"};

// It comes once, before all else.
static void put_latched(struct agent_side *a)
{
    uint16_t i;
    CHECK_OK(et_feed_add(a->feed, &LATCHED, &i, &err));
    CHECK(et_feed_put(a->feed, &(struct et_feed_sample){.t_arrival_ns = clock_ns + AGENT_AHEAD_NS,
                                                        .stream = i,
                                                        .n_bytes = 5,
                                                        .bytes = "once!"}));
}

static void work(struct et_loop *loop, struct agent_side *a, double ms)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + (int64_t)(ms * 1e6);
    while ((clock_ns = et_clock_monotonic_ns()) < t_end_ns) {
        CHECK_EQ(put_numbers(a, 3, NUMBER_BYTES), 3);
        CHECK_OK(et_loop_run_once(loop, MS, &err));
    }
}

/* ---- what is there ---- */

static void count_file(const char *path, unsigned *n_of, uint64_t n_max)
{
    size_t n = 0, n_latched = 0;
    struct et_mcap_reader *reader = NULL;
    struct et_mcap_message m;
    CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
    if (!reader)
        return;
    CHECK(et_mcap_info(reader)->is_finished);
    CHECK_OK(et_mcap_query(reader, NULL, &err));
    while (et_mcap_next(reader, &m, &err) == ET_OK) {
        uint64_t k;
        const struct et_str topic = et_mcap_channel(reader, m.channel_id)->topic;
        n_latched += et_str_is(topic, LATCHED.topic);
        if (!et_str_is(topic, "/numbers"))
            continue;
        n++;
        memcpy(&k, m.data.p, sizeof k);
        if (CHECK(k < n_max))
            n_of[k]++;
    }
    CHECK(n == 0 || n_latched == 1);
    et_mcap_close(reader);
}

static void count_all(const char *folder, uint64_t n_put)
{
    struct et_arena *arena;
    const char *const *names;
    size_t n_names, n_failed, n_files = 0, n_missing = 0, n_twice = 0;
    unsigned *n_of = calloc(n_put, sizeof *n_of);
    CHECK_OK(et_recorder_recover(folder, NULL, NULL, &n_failed, &err));
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    CHECK_OK(et_dir_list(folder, arena, &names, &n_names, &err));
    for (size_t i = 0; i < n_names; i++) {
        if (!et_str_ends(et_str(names[i]), ".mcap"))
            continue;
        count_file(et_path_join(arena, folder, names[i]), n_of, n_put);
        n_files++;
    }
    for (uint64_t k = 0; k < n_put; k++) {
        n_missing += n_of[k] == 0;
        n_twice += n_of[k] > 1;
    }
    printf("# %d kills, %zu files, %llu numbers\n", n_kills, n_files, (unsigned long long)n_put);
    CHECK_EQ(n_missing, 0);
    CHECK_EQ(n_twice, 0);
    CHECK(n_files > 1);
    free(n_of);
    et_arena_close(arena);
}

struct who {
    const char *folder;
    int life_ms;
    pid_t (*begin)(const char *address, const char *folder, bool has_parts, int64_t for_ns);
};

static void every_sample_is_in_one_recording(const struct who *who)
{
    struct rng rng = {20261122};
    struct et_loop *loop;
    struct agent_side a;
    char address[ET_ADDRESS_BYTES];
    const char *folder = temp_path(who->folder);
    int status;
    (void)snprintf(address, sizeof address, "unix:%s-socket", folder);
    const struct et_link_agent_options how = {.address = address, .retry_ns_max = 20 * MS};
    CHECK_OK(et_loop_open(&loop, NULL, &err));
    clock_ns = et_clock_monotonic_ns();
    open_agent(&a, loop, &how, 0);
    put_latched(&a);
    for (int i = 0; i < n_kills; i++) {
        const pid_t hub = who->begin(address, folder, i % 2, 100000 * MS);
        work(loop, &a, 30 + rng_uniform(&rng) * who->life_ms);
        (void)kill(hub, SIGKILL);
        CHECK(hub > 0 && waitpid(hub, &status, 0) == hub);
        if (!CHECK(WIFSIGNALED(status)))
            break;
    }
    // One that ends by itself, and does not say what it took at last; then the last one.
    pid_t hub = who->begin(address, folder, false, 300 * MS);
    work(loop, &a, 400);
    CHECK(hub > 0 && waitpid(hub, &status, 0) == hub && WIFEXITED(status) &&
          WEXITSTATUS(status) == 0);
    hub = who->begin(address, folder, false, 1000000 * MS);
    et_link_agent_finish(a.agent);
    const int64_t until_ns = et_clock_monotonic_ns() + 60 * S;
    while (et_link_agent_status(a.agent).state != ET_LINK_OVER &&
           et_clock_monotonic_ns() < until_ns) {
        clock_ns = et_clock_monotonic_ns();
        CHECK_OK(et_loop_run_once(loop, MS, &err));
    }
    CHECK_EQ(et_link_agent_status(a.agent).state, ET_LINK_OVER);
    CHECK_EQ(et_link_agent_status(a.agent).n_taken, a.n_put + 1);
    (void)kill(hub, SIGKILL);
    CHECK(waitpid(hub, &status, 0) == hub);
    count_all(folder, a.n_put);
    close_agent(&a);
    et_loop_close(loop);
}

static void every_sample_of_a_hub_is_in_one_recording(void)
{
    every_sample_is_in_one_recording(&(struct who){"hall", LIFE_MS, begin_hub});
}

static void every_sample_of_a_station_is_in_one_recording(void)
{
    every_sample_is_in_one_recording(&(struct who){"station", STATION_LIFE_MS, begin_station});
}

static void sum(void *ctx, const struct et_recorded_link *link)
{
    uint64_t *seen = ctx;
    CHECK_EQ(link->session, UINT64_C(0xfedcba9876543210));
    seen[0]++;
    seen[1] += link->n_taken;
}

static void pages_that_are_none_are_passed_over(void)
{
    static const char *const PAGES[] = {
        "{\"etude\": \"recording\", \"links\": [{\"session\": \"fedcba9876543210\", \"taken\": "
        "12}]}",
        "{\"etude\": \"recording\", \"links\": [{\"session\": \"fedcba9876543210\", \"taken\": "
        "30}, "
        "{\"session\": \"0\", \"taken\": 1}, {\"session\": \"x\", \"taken\": 1}, {\"taken\": 1}, "
        "7, "
        "{\"session\": \"1\", \"taken\": -1}, {\"session\": \"2\", \"taken\": \"3\"}]}",
        "{\"etude\": \"other\", \"links\": [{\"session\": \"1\", \"taken\": 1}]}",
        "{\"etude\": \"recording\", \"links\": 3}",
        "{\"etude\": \"recording\"}",
        "[",
        "",
    };
    char path[600];
    uint64_t seen[2] = {0};
    const char *folder = temp_path("pages");
    CHECK_EQ(et_recorder_links(folder, sum, seen, &err), ET_ENOTFOUND);
    CHECK_OK(et_dir_make(folder, &err));
    for (size_t i = 0; i < sizeof PAGES / sizeof *PAGES; i++) {
        (void)snprintf(path, sizeof path, "%s/%zu.json", folder, i);
        write_file(path, PAGES[i], strlen(PAGES[i]));
    }
    CHECK_OK(et_recorder_links(folder, sum, seen, &err));
    CHECK_EQ(seen[0], 2);
    CHECK_EQ(seen[1], 42);
    // By days, too, but nowhere else.
    static const char *const DAYS[] = {"2026", "2026/11", "2026/11/22", "2026/11/22/01", "x"};
    for (size_t i = 0; i < sizeof DAYS / sizeof *DAYS; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, DAYS[i]);
        CHECK_OK(et_dir_make(path, &err));
        (void)snprintf(path, sizeof path, "%s/%s/a.json", folder, DAYS[i]);
        write_file(path, PAGES[0], strlen(PAGES[0]));
    }
    CHECK_OK(et_recorder_links(folder, sum, seen, &err));
    CHECK_EQ(seen[0], 2 + 5);
    CHECK_EQ(seen[1], 42 + 42 + 3 * 12);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        n_kills = (int)strtol(argv[1], NULL, 10);
    RUN(every_sample_of_a_hub_is_in_one_recording);
    RUN(every_sample_of_a_station_is_in_one_recording);
    RUN(pages_that_are_none_are_passed_over);
    return tap_end();
}
