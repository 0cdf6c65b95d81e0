// Whatever call into the system fails once: samples arrive all the same, or their loss is told.
#include "fault.h"
#include "link_rig.h"
#include "support.h"
#include "tap.h"

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

int main(void)
{
    RUN(a_call_of_the_network_that_fails_loses_nothing_in_silence);
    RUN(a_disk_that_fails_loses_nothing_in_silence);
    RUN(memory_that_is_short_loses_nothing_in_silence);
    RUN(what_cannot_be_opened_says_so);
    return tap_end();
}
