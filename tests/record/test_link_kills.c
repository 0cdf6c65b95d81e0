// kill -9 of an agent at any moment: the next one sends what it had spooled, in order, once.
//
//     test_link_kills [N]    kills N times (25)
#include "etude/clock.h"
#include "link_rig.h"
#include "support.h"
#include "tap.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_MS 120 // at most
#define NUMBER_BYTES 100

static struct et_err err;
static int n_kills = 25;

/* What is known whatever happens to who is killed: the memory is shared. */
struct ledger {
    _Atomic uint64_t n_put;     // numbers that an agent was given
    _Atomic uint64_t n_spooled; // of them, those that were in batches when it said so
};

// An agent that puts numbers from n_put on until it is killed.
static void live(const char *address, struct ledger *ledger)
{
    struct et_loop *loop;
    struct agent_side a;
    const struct et_link_agent_options how = {
        .address = address,
        .spool = temp_path("kill-spool"),
        .window_bytes = 20000, // most of it is on the disk only
        .retry_ns_max = 20 * MS,
    };
    if (et_loop_open(&loop, NULL, &err) != ET_OK)
        _exit(3);
    clock_ns = et_clock_monotonic_ns();
    open_agent(&a, loop, &how, 0);
    if (!a.agent)
        _exit(3);
    a.n_put = atomic_load(&ledger->n_put);
    for (;;) {
        clock_ns = et_clock_monotonic_ns();
        atomic_store(&ledger->n_put, a.n_put + 5);
        (void)put_numbers(&a, 5, NUMBER_BYTES);
        const uint64_t n_put = a.n_put;
        const uint64_t n_before = et_link_agent_status(a.agent).n_records;
        while (et_link_agent_status(a.agent).n_records == n_before)
            if (et_loop_run_once(loop, MS, &err) != ET_OK)
                _exit(3);
        if (et_feed_used(a.feed) == 0)
            atomic_store(&ledger->n_spooled, n_put);
    }
}

static void kill_after(double ms, const char *address, struct ledger *ledger)
{
    int status;
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        live(address, ledger);
        _exit(0);
    }
    et_clock_wait_until(et_clock_monotonic_ns() + (int64_t)(ms * 1e6));
    (void)kill(child, SIGKILL);
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
}

struct came {
    uint64_t next, n, n_back, n_gaps;
};

static void hear(struct et_feed *feed, struct came *came, size_t n_max, bool *is_there)
{
    struct et_feed_sample sample;
    while (et_feed_next(feed, &sample)) {
        uint64_t k;
        if (sample.stream != ET_FEED_EVENTS && sample.n_bytes == NUMBER_BYTES) {
            memcpy(&k, sample.bytes, sizeof k);
            came->n_back += k < came->next;
            came->n_gaps += k > came->next;
            came->next = k + 1;
            came->n++;
            if (CHECK(k < n_max))
                is_there[k] = true;
        }
        et_feed_done(feed);
    }
}

// The last agent sends all that is there.
static void deliver(const char *address, struct ledger *ledger, bool *is_there, size_t n_max,
                    struct came *came)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    const struct et_link_agent_options how = {
        .address = address, .spool = temp_path("kill-spool"), .retry_ns_max = 20 * MS};
    clock_ns = et_clock_monotonic_ns();
    (void)snprintf(r.address, sizeof r.address, "%s", address);
    open_recorder(&r, loop, NULL, (size_t)64 << 20);
    open_agent(&a, loop, &how, 0);
    a.n_put = atomic_load(&ledger->n_put);
    put_numbers(&a, 5, NUMBER_BYTES);
    et_link_agent_finish(a.agent);
    for (int i = 0; i < 500 && et_link_agent_status(a.agent).state != ET_LINK_OVER; i++)
        go_on(loop, 10 * MS);
    const struct et_link_agent_status status = et_link_agent_status(a.agent);
    CHECK_EQ(status.state, ET_LINK_OVER);
    CHECK_EQ(status.n_taken, status.n_records);
    CHECK_EQ(status.n_lost, 0);
    CHECK_EQ(status.spool_bytes, 0);
    CHECK_EQ(et_link_server_status(r.server).n_repeated, 0);
    hear(r.feed, came, n_max, is_there);
    CHECK_EQ(came->next, a.n_put);
    close_agent(&a);
    CHECK(!file_exists(temp_path("kill-spool")));
    close_recorder(&r);
    et_loop_close(loop);
}

static void what_was_spooled_comes_once_and_in_order(void)
{
    struct rng rng = {20261122};
    char address[ET_ADDRESS_BYTES];
    const size_t n_max = (size_t)n_kills * 2000 + 100;
    bool *must = calloc(n_max, sizeof *must), *is_there = calloc(n_max, sizeof *is_there);
    struct ledger *ledger =
        mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct came came = {0};
    uint64_t n_must = 0, n_missing = 0;
    (void)snprintf(address, sizeof address, "unix:%s", temp_path("kill-socket"));
    for (int i = 0; i < n_kills; i++) {
        const uint64_t first = atomic_load(&ledger->n_put);
        kill_after(5 + rng_uniform(&rng) * LIFE_MS, address, ledger);
        for (uint64_t k = first; k < atomic_load(&ledger->n_spooled) && k < n_max; k++)
            must[k] = true;
    }
    deliver(address, ledger, is_there, n_max, &came);
    for (size_t k = 0; k < n_max; k++) {
        n_must += must[k];
        n_missing += must[k] && !is_there[k];
    }
    printf("# %d kills, %llu numbers spooled, %llu came; %llu gaps\n", n_kills,
           (unsigned long long)n_must, (unsigned long long)came.n, (unsigned long long)came.n_gaps);
    CHECK_EQ(n_missing, 0);
    CHECK_EQ(came.n_back, 0);
    CHECK(n_must > 20 && came.n_gaps <= (uint64_t)n_kills);
    free(must);
    free(is_there);
    (void)munmap(ledger, sizeof *ledger);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        n_kills = (int)strtol(argv[1], NULL, 10);
    RUN(what_was_spooled_comes_once_and_in_order);
    return tap_end();
}
