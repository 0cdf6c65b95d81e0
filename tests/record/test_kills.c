// kill -9 at any moment: every file opens, and what the recorder called safe or kept is in it.
//
//     test_kills [N [REPORT]]    kills N times (40), and appends what was lost to a table
#include "etude/arena.h"
#include "etude/clock.h"
#include "etude/file.h"
#include "numbers.h"
#include "support.h"
#include "tap.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_STATIONS 2
#define NUMBERS_MAX (1 << 20)
#define PERIOD_NS 500000 // 2 kHz a station
#define LIFE_MS 250      // at most

static struct et_err err;
static int64_t n_kills = 40;
static const char *report;

/* What is known of a station whatever happens to who records it: the memory is shared. */
struct ledger {
    _Atomic uint64_t n_put;
    _Atomic int64_t t_safe_ns, t_kept_ns;
    _Atomic int64_t t_put_ns[NUMBERS_MAX]; // when the put of each was over; 0: it was dropped
};

/* ---- who is killed ---- */

static void give_up(void)
{
    (void)fprintf(stderr, "# %s\n", err.text);
    _exit(3);
}

struct worker {
    struct et_station *station;
    struct et_feed *feed;
    uint16_t stream;
    struct ledger *ledger;
};

static void *put_numbers(void *arg)
{
    struct worker *w = arg;
    int64_t t_next_ns = et_clock_monotonic_ns();
    for (uint64_t k = 0; k < NUMBERS_MAX; k++) {
        const bool has_room = put_number(w->feed, w->stream, k);
        atomic_store(&w->ledger->t_put_ns[k], has_room ? et_clock_monotonic_ns() : 0);
        atomic_store(&w->ledger->n_put, k + 1);
        t_next_ns += PERIOD_NS;
        et_clock_wait_until(t_next_ns);
    }
    return NULL;
}

// Records until it is killed. In every other life parts are short, so that files end and begin.
static void live(const char *folder, struct ledger *ledgers, bool has_parts)
{
    struct et_recorder *recorder;
    static struct worker workers[N_STATIONS];
    size_t n_failed;
    const struct et_recorder_options how = {.folder = folder,
                                            .keep_free_bytes = -1,
                                            .part_bytes = has_parts ? 20000 : 0,
                                            .n_threads = N_STATIONS};
    if (et_dir_make(folder, &err) != ET_OK ||
        et_recorder_recover(folder, NULL, NULL, &n_failed, &err) != ET_OK ||
        et_recorder_open(&recorder, &how, &err) != ET_OK)
        give_up();
    for (int i = 0; i < N_STATIONS; i++) {
        struct worker *w = &workers[i];
        pthread_t thread;
        char name[16];
        (void)snprintf(name, sizeof name, "s%d", i);
        w->ledger = &ledgers[i];
        if (et_station_open(&w->station, recorder, name, &err) != ET_OK ||
            et_station_feed(w->station, NULL, &w->feed, &err) != ET_OK ||
            et_feed_add(w->feed, &NUMBERS, &w->stream, &err) != ET_OK ||
            et_station_begin(w->station, &(struct et_run){0}, &err) != ET_OK ||
            pthread_create(&thread, NULL, put_numbers, w) != 0)
            give_up();
    }
    for (;;) {
        for (int i = 0; i < N_STATIONS; i++) {
            const struct et_station_status status = et_station_status(workers[i].station);
            atomic_store(&ledgers[i].t_safe_ns, status.t_safe_ns);
            atomic_store(&ledgers[i].t_kept_ns, status.t_kept_ns);
        }
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    }
}

/* Lets a child do it, and kills it after ms. false: it ended by itself, which it must not. */
static bool kill_after(double ms, void (*what)(const char *, struct ledger *, bool),
                       const char *folder, struct ledger *ledgers, bool has_parts)
{
    int status;
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        what(folder, ledgers, has_parts);
        _exit(0);
    }
    et_clock_wait_until(et_clock_monotonic_ns() + (int64_t)(ms * 1e6));
    (void)kill(child, SIGKILL);
    return child > 0 && waitpid(child, &status, 0) == child &&
           (WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

static void recover(const char *folder, struct ledger *ledgers, bool has_parts)
{
    size_t n_failed;
    (void)ledgers;
    (void)has_parts;
    const enum et_status st = et_recorder_recover(folder, NULL, NULL, &n_failed, &err);
    if (st != ET_OK)
        give_up();
}

/* ---- what is left ---- */

struct loss {
    double ms[N_STATIONS];               // from the oldest sample that is missing to the kill
    uint64_t n_kept, n_safe, n_promised; // called safe, and kept from a kill
};

// Numbers of a station in the order of its files, whose names sort by time.
struct kept {
    bool *has; // NUMBERS_MAX
    uint64_t n;
};

static bool read_all(const char *folder, struct kept kept[N_STATIONS])
{
    struct et_arena *arena;
    const char *const *names;
    size_t n_names;
    bool is_good = true;
    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    CHECK_OK(et_dir_list(folder, arena, &names, &n_names, &err));
    for (size_t i = 0; i < n_names; i++) {
        if (et_str_ends(et_str(names[i]), ".part"))
            printf("# %s is left\n", names[i]);
        is_good = is_good && !et_str_ends(et_str(names[i]), ".part");
        if (!et_str_ends(et_str(names[i]), ".mcap"))
            continue;
        const struct seen seen = see(et_path_join(arena, folder, names[i]), false);
        if (!(seen.is_finished && seen.is_in_order && (seen.station[0] || !seen.n)))
            printf("# %s: finished %d, in order %d, station '%s', %llu from %llu to %llu\n",
                   names[i], seen.is_finished, seen.is_in_order, seen.station,
                   (unsigned long long)seen.n, (unsigned long long)seen.first,
                   (unsigned long long)seen.last);
        const int i_station = strcmp(seen.station, "s1") == 0;
        // One that was killed within its head says nothing of itself, and has nothing.
        is_good = is_good && seen.is_finished && seen.is_in_order && (seen.station[0] || !seen.n);
        for (uint64_t k = 0; k < seen.n; k++) {
            if (kept[i_station].has[seen.first + k])
                printf("# %s: %llu of station %d twice\n", names[i],
                       (unsigned long long)(seen.first + k), i_station);
            is_good = is_good && !kept[i_station].has[seen.first + k];
            kept[i_station].has[seen.first + k] = true;
        }
        kept[i_station].n += seen.n;
    }
    et_arena_close(arena);
    return is_good;
}

static uint64_t count_missing(const struct ledger *ledger, const struct kept *kept,
                              int64_t t_kill_ns, struct loss *loss, int i_station)
{
    const uint64_t n_put = atomic_load(&ledger->n_put);
    const int64_t t_safe_ns = atomic_load(&ledger->t_safe_ns);
    const int64_t t_kept_ns = atomic_load(&ledger->t_kept_ns);
    CHECK(t_kept_ns >= t_safe_ns);
    uint64_t n_missing = 0;
    bool has_gap = false;
    for (uint64_t k = 0; k < n_put; k++) {
        const int64_t t_ns = atomic_load(&ledger->t_put_ns[k]);
        loss->n_safe += t_ns != 0 && t_ns < t_safe_ns;
        loss->n_promised += t_ns != 0 && t_ns < t_kept_ns;
        if (kept->has[k] || t_ns == 0)
            continue;
        n_missing += t_ns < t_kept_ns;
        if (!has_gap)
            loss->ms[i_station] = (double)(t_kill_ns - t_ns) / 1e6;
        has_gap = true;
    }
    loss->n_kept += kept->n;
    return n_missing;
}

static void remove_all(const char *folder)
{
    struct et_arena *arena;
    const char *const *names;
    size_t n;
    CHECK_OK(et_arena_open(&arena, 1 << 22, &err));
    CHECK_OK(et_dir_list(folder, arena, &names, &n, &err));
    for (size_t i = 0; i < n; i++)
        CHECK_OK(et_file_remove(et_path_join(arena, folder, names[i]), &err));
    et_arena_close(arena);
    CHECK_EQ(rmdir(folder), 0);
}

static void tell(void *ctx, const struct et_recovered *file)
{
    (void)ctx;
    if (file->trouble)
        (void)printf("# %s\n", file->trouble->text);
}

#define KILLS_MAX 100000
static double losses_ms[N_STATIONS * KILLS_MAX];
static size_t n_losses;

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void write_report(const struct loss *total)
{
    FILE *f = fopen(report, "w");
    CHECK(f != NULL);
    if (!f)
        return;
    qsort(losses_ms, n_losses, sizeof *losses_ms, compare);
    const double p50 = losses_ms[n_losses / 2], p99 = losses_ms[(n_losses - 1) * 99 / 100];
    CHECK(
        fprintf(
            f,
            "kills,stations,samples found,samples called safe,samples called kept,of those missing,"
            "loss p50 ms,loss p99 ms,loss max ms\n%d,%d,%llu,%llu,%llu,0,%.1f,%.1f,%.1f\n",
            (int)n_kills, N_STATIONS, (unsigned long long)total->n_kept,
            (unsigned long long)total->n_safe, (unsigned long long)total->n_promised, p50, p99,
            losses_ms[n_losses - 1]) > 0);
    CHECK_EQ(fclose(f), 0);
}

static void nothing_that_was_kept_is_missing_after_a_kill(void)
{
    struct rng rng = {(uint64_t)n_kills};
    struct ledger *ledgers = mmap(NULL, N_STATIONS * sizeof *ledgers, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct kept kept[N_STATIONS] = {{calloc(NUMBERS_MAX, 1), 0}, {calloc(NUMBERS_MAX, 1), 0}};
    struct loss total = {{0}, 0, 0, 0};
    CHECK(ledgers != MAP_FAILED);
    for (int64_t i = 0; i < n_kills; i++) {
        char name[32];
        size_t n_failed = 0;
        struct loss loss = {{0}, 0, 0, 0};
        uint64_t n_missing = 0;
        (void)snprintf(name, sizeof name, "kill_%d", (int)i);
        const char *folder = temp_path(name);
        (void)madvise(ledgers, N_STATIONS * sizeof *ledgers, MADV_REMOVE);
        CHECK(kill_after(LIFE_MS * rng_uniform(&rng), live, folder, ledgers, i % 2));
        const int64_t t_kill_ns = et_clock_monotonic_ns();
        if (!file_exists(folder))
            continue;   // killed before it began
        if (i % 4 == 3) // who makes it whole may be killed, too
            CHECK(kill_after(20 * rng_uniform(&rng), recover, folder, ledgers, false));
        CHECK_OK(et_recorder_recover(folder, tell, NULL, &n_failed, &err));
        CHECK_EQ(n_failed, 0);
        CHECK(read_all(folder, kept));
        for (int s = 0; s < N_STATIONS; s++) {
            n_missing += count_missing(&ledgers[s], &kept[s], t_kill_ns, &loss, s);
            losses_ms[n_losses++] = loss.ms[s];
            memset(kept[s].has, 0, NUMBERS_MAX);
            kept[s].n = 0;
        }
        CHECK_EQ(n_missing, 0);
        total.n_kept += loss.n_kept;
        total.n_safe += loss.n_safe;
        total.n_promised += loss.n_promised;
        remove_all(folder);
    }
    CHECK(total.n_kept >= total.n_promised && total.n_promised >= total.n_safe);
    CHECK(total.n_safe > (uint64_t)n_kills); // it was no empty promise
    if (report)
        write_report(&total);
    free(kept[0].has);
    free(kept[1].has);
    CHECK_EQ(munmap(ledgers, N_STATIONS * sizeof *ledgers), 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !et_str_to_int64(et_str(argv[1]), &n_kills))
        return 2;
    if (n_kills < 1 || n_kills > KILLS_MAX)
        return 2;
    report = argc > 2 ? argv[2] : NULL;
    RUN(nothing_that_was_kept_is_missing_after_a_kill);
    return tap_end();
}
