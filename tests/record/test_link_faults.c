// Whatever call into the system fails once: samples arrive all the same, or their loss is told.
#include "etude/clock.h"
#include "etude/live.h"
#include "fault.h"
#include "link_rig.h"
#include "made_source.h"
#include "support.h"
#include "tap.h"

#include <pthread.h>

static struct et_err err;

// Checks that what was put is there in the end, or told to be lost; with each call failing in turn.
static void fail_each(const char *calls, size_t window_bytes)
{
    int n_faults = 0;
    fault_only = calls;
    FOR_EACH_FAULT(at)
    {
        struct et_loop *loop = make_loop();
        struct recorder_side r = {0};
        struct agent_side a;
        struct heard heard = {0};
        open_recorder(&r, loop, NULL, 0);
        const struct et_link_agent_options how = {.address = r.address,
                                                  .window_bytes = window_bytes,
                                                  .spool = temp_path("fault-spool"),
                                                  .spool_bytes = 100000,
                                                  .retry_ns_max = 20 * MS};
        open_agent(&a, loop, &how, 0);
        fault_arm(at);
        clock_ns += MS;
        for (int i = 0; i < 12; i++) {
            (void)put_numbers(&a, 5, 100);
            for (int k = 0; k < 10; k++) {
                clock_ns += MS;
                (void)!et_loop_run_once(loop, 0, &err);
            }
        }
        fault_disarm();
        go_on(loop, 400 * MS);
        put_numbers(&a, 1, 8);
        go_on(loop, 400 * MS);
        hear_numbers(r.feed, &heard);
        if (!CHECK(is_up(&a)))
            printf("# %d: %s\n", at, et_link_agent_status(a.agent).trouble.text);
        CHECK_EQ(heard.n + et_feed_counts(r.feed, 1).n_lost, a.n_put);
        CHECK_EQ(heard.next, a.n_put);
        CHECK(heard.n_wrong <= (fault_seen ? 2 : 0)); // a gap is one number that was not awaited
        close_agent(&a);
        close_recorder(&r);
        et_loop_close(loop);
        n_faults += fault_seen;
    }
    fault_only = NULL;
    CHECK(n_faults > 0);
}

static void a_call_of_the_network_that_fails_loses_nothing_in_silence(void)
{
    fail_each("send recv connect accept4 socket epoll_ctl", 0);
}

static void a_disk_that_fails_loses_nothing_in_silence(void)
{
    fail_each("pwrite pread", 1);
}

static void memory_that_is_short_loses_nothing_in_silence(void)
{
    fail_each("malloc calloc realloc", 0);
}

static void what_cannot_be_opened_says_so(void)
{
    struct et_loop *loop = make_loop();
    // A file that was read whole may fail to close.
    fault_only = "malloc calloc realloc aligned_alloc open read pread pwrite ftruncate fstat "
                 "socket bind listen getsockname epoll_ctl";
    FOR_EACH_FAULT(at)
    {
        struct et_link_agent *agent = NULL;
        struct et_link_server *server = NULL;
        const struct et_link_agent_options how = {
            .address = "127.0.0.1:1", .id = "a", .session = 1, .spool = temp_path("open-spool")};
        const struct et_link_server_options open = {.listen = {.address = "127.0.0.1:0"}};
        fault_arm(at);
        const enum et_status a = et_link_agent_open(&agent, loop, &how, &err);
        const enum et_status b = et_link_server_open(&server, loop, &open, &err);
        fault_disarm();
        CHECK((a == ET_OK) == (agent != NULL) && (b == ET_OK) == (server != NULL));
        CHECK(!fault_seen || a != ET_OK || b != ET_OK);
        et_link_agent_close(agent);
        et_link_server_close(server);
    }
    fault_only = NULL;
    et_loop_close(loop);
}

/* ---- a server of names that does not answer ---- */

static pthread_t main_thread;
static atomic_bool is_silent;
static atomic_int n_asked;
static unsigned n_polls;

static void ask(const char *call, int fd, const void *p, size_t n, int64_t at)
{
    (void)fd;
    (void)p;
    (void)n;
    (void)at;
    // Whether it is numbers is asked on the thread of the loop, which costs nothing.
    if (strcmp(call, "getaddrinfo") != 0 || pthread_equal(pthread_self(), main_thread))
        return;
    atomic_fetch_add(&n_asked, 1);
    while (atomic_load(&is_silent))
        et_clock_wait_until(et_clock_monotonic_ns() + MS);
}

static enum et_status poll_counted(void *self, int64_t *t_next_ns, struct et_err *why)
{
    (void)self;
    (void)why;
    n_polls++;
    *t_next_ns = clock_ns + MS;
    return ET_OK;
}

static bool is_asked(int n)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * S;
    while (atomic_load(&n_asked) < n && et_clock_monotonic_ns() < t_end_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + MS);
    return atomic_load(&n_asked) >= n;
}

static void an_agent_works_on_while_its_recorders_name_is_looked_up(void)
{
    static const struct et_source_kind COUNTED = {.name = "counted",
                                                  .settings = &made_settings,
                                                  .open = made_open,
                                                  .fd = made_fd,
                                                  .poll = poll_counted,
                                                  .state = made_state,
                                                  .close = made_close};
    static const struct et_live_source SOURCES[] = {{.device = "one", .kind = &COUNTED}};
    const struct et_station_file file = {.name = "a", .sources = SOURCES, .n_sources = 1};
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a, second;
    struct heard heard = {0};
    char name[ET_ADDRESS_BYTES];
    open_recorder(&r, loop, NULL, 0);
    (void)snprintf(name, sizeof name, "localhost%s", strrchr(r.address, ':'));
    const struct et_link_agent_options how = {.address = name,
                                              .window_bytes = 4000,
                                              .spool = temp_path("asked-spool"),
                                              .retry_ns_max = 20 * MS};
    main_thread = pthread_self();
    atomic_store(&is_silent, true);
    fault_watch = ask;
    open_agent(&a, loop, &how, 0);
    CHECK_OK(et_link_agent_add_sources(a.agent, &file, &err));
    go_on(loop, MS);
    CHECK(is_asked(1));
    // Its sources are polled, what they bring goes to the spool.
    const int64_t t_begin_ns = et_clock_monotonic_ns();
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(put_numbers(&a, 10, 100), 10);
        go_on(loop, 10 * MS);
    }
    CHECK(et_clock_monotonic_ns() - t_begin_ns < 20 * S);
    CHECK(n_polls > 900);
    CHECK(!is_up(&a) && et_link_agent_status(a.agent).spool_bytes > 50000);
    CHECK_EQ(et_link_agent_status(a.agent).n_lost, 0);
    // Another agent, which nobody waits for when it ends.
    const int n_before = atomic_load(&n_asked);
    const struct et_link_agent_options other = {.address = name, .id = "robot-2"};
    open_agent(&second, loop, &other, 0);
    go_on(loop, MS);
    CHECK(is_asked(n_before + 1));
    close_agent(&second);
    CHECK(et_clock_monotonic_ns() - t_begin_ns < 20 * S);
    atomic_store(&is_silent, false);
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * S;
    while (et_link_agent_status(a.agent).n_taken < a.n_put && et_clock_monotonic_ns() < t_end_ns) {
        go_on(loop, MS);
        et_clock_wait_until(et_clock_monotonic_ns() + MS / 10);
    }
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, a.n_put);
    CHECK_EQ(heard.n_wrong, 0);
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
    fault_watch = NULL;
}

int main(void)
{
    RUN(a_call_of_the_network_that_fails_loses_nothing_in_silence);
    RUN(a_disk_that_fails_loses_nothing_in_silence);
    RUN(memory_that_is_short_loses_nothing_in_silence);
    RUN(what_cannot_be_opened_says_so);
    RUN(an_agent_works_on_while_its_recorders_name_is_looked_up);
    return tap_end();
}
