// A power cut at any moment: of what was not synced, any part may be missing; the rest is there.
#include "etude/clock.h"
#include "etude/file.h"
#include "fault.h"
#include "numbers.h"
#include "support.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS_MIN 50
#define CALLS_MAX 4096
#define IMAGE_BYTES ((size_t)8 << 20)
#define BLOCK 4096 // that a disk writes, or does not
#define N_CUTS 300

static struct et_err err;
static int n_damaged;

/* ---- what was written when ---- */

struct call {
    bool is_sync;
    void *p;
    size_t n, at;
};
static struct call calls[CALLS_MAX];
static size_t n_calls;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void note(const char *call, int fd, const void *p, size_t n, int64_t at)
{
    char path[256] = "", link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n_path = readlink(link, path, sizeof path - 1);
    if (n_path < 5 || strcmp(path + n_path - 5, ".part") != 0 || strcmp(call, "ftruncate") == 0)
        return;
    (void)pthread_mutex_lock(&lock);
    if (n_calls < CALLS_MAX && n > 0) {
        void *copy = malloc(n);
        memcpy(copy, p, n);
        calls[n_calls++] = (struct call){false, copy, n, (size_t)at};
    } else if (n_calls < CALLS_MAX)
        calls[n_calls++] = (struct call){.is_sync = true};
    (void)pthread_mutex_unlock(&lock);
}

/* Records for a while, all in one file: commits of single bytes and of many blocks. */
static size_t calls_until_now(void)
{
    (void)pthread_mutex_lock(&lock);
    const size_t n = n_calls;
    (void)pthread_mutex_unlock(&lock);
    return n;
}

static void record(const char *folder, bool without_direct)
{
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    struct rng rng = {1};
    static char bytes[100000];
    uint16_t numbers, noise;
    struct et_feed_stream other = NUMBERS;
    const struct et_recorder_options how = {.folder = folder,
                                            .without_uring = true,
                                            .without_direct = without_direct,
                                            .commit_ns = 2000000,
                                            .keep_free_bytes = -1};
    other.topic = "/noise";
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)rng_next(&rng);
    CHECK_OK(et_recorder_open(&recorder, &how, &err));
    CHECK_OK(et_station_open(&station, recorder, "one", &err));
    CHECK_OK(et_station_feed(station, NULL, &feed, &err));
    CHECK_OK(et_feed_add(feed, &NUMBERS, &numbers, &err));
    CHECK_OK(et_feed_add(feed, &other, &noise, &err));
    CHECK_OK(et_station_begin(station, &(struct et_run){0}, &err));
    // On a busy machine few commits come of many samples.
    for (uint64_t k = 0; k < 400 || (calls_until_now() <= CALLS_MIN && k < 40000); k++) {
        const size_t n = k < 400 && rng_next(&rng) % 3 == 0 ? rng_next(&rng) % sizeof bytes : 0;
        for (int wait = 0; !put_number(feed, numbers, k) && CHECK(wait < 30000); wait++)
            et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
        if (n)
            (void)et_feed_put(feed, &(struct et_feed_sample){
                                        .stream = noise, .n_bytes = (uint32_t)n, .bytes = bytes});
        et_clock_wait_until(et_clock_monotonic_ns() + 200000);
    }
    CHECK_OK(et_recorder_close(recorder, &err));
}

/* ---- what a cut leaves ---- */

struct image {
    char *bytes; // IMAGE_BYTES
    size_t n;
};

static void apply(struct image *image, const struct call *call, size_t from, size_t to)
{
    CHECK(call->at + to <= IMAGE_BYTES);
    if (call->at + to > IMAGE_BYTES)
        return;
    memcpy(image->bytes + call->at + from, (char *)call->p + from, to - from);
    image->n = call->at + to > image->n ? call->at + to : image->n;
}

// Its blocks: each with that chance.
static void apply_some(struct image *image, const struct call *call, struct rng *rng, double chance)
{
    size_t from = 0;
    while (from < call->n) {
        const size_t end = (call->at + from) / BLOCK * BLOCK + BLOCK - call->at;
        const size_t to = end < call->n ? end : call->n;
        if (rng_uniform(rng) < chance)
            apply(image, call, from, to);
        from = to;
    }
}

static void check_cut(size_t n_until, struct image *image, struct rng *rng)
{
    const char *folder = temp_path("cut"), *safe = temp_path("safe.mcap");
    const double chance = (double)(rng_next(rng) % 5) / 4;
    size_t n_synced = 0, n_failed = 0;
    memset(image->bytes, 0, IMAGE_BYTES);
    image->n = 0;
    for (size_t i = 0; i < n_until; i++)
        n_synced = calls[i].is_sync ? i : n_synced;
    for (size_t i = 0; i < n_synced; i++)
        if (!calls[i].is_sync)
            apply(image, &calls[i], 0, calls[i].n);
    write_file(safe, image->bytes, image->n);
    const struct seen promised = image->n ? see(safe, true) : (struct seen){.is_in_order = true};
    for (size_t i = n_synced; i < n_until; i++)
        if (!calls[i].is_sync)
            apply_some(image, &calls[i], rng, chance);
    CHECK_OK(et_dir_make(folder, &err));
    write_file(temp_path("cut/a.mcap.part"), image->bytes, image->n);
    CHECK_OK(et_recorder_recover(folder, NULL, NULL, &n_failed, &err));
    CHECK(promised.is_in_order);
    if (promised.n == 0 && n_failed) { // cut before its head was safe: nobody was told of it
        CHECK_OK(et_file_remove(temp_path("cut/a.mcap.damaged"), &err));
        return;
    }
    CHECK_EQ(n_failed, 0);
    if (image->n == 0)
        return;
    const struct seen left = see(temp_path("cut/a.mcap"), false);
    // Behind what was promised there may be gaps; not within.
    CHECK(left.is_finished && left.n_in_order >= promised.n);
    CHECK(left.n == 0 || left.first == 0 || promised.n == 0);
    CHECK_OK(et_file_remove(temp_path("cut/a.mcap"), &err));
    n_damaged += et_file_remove(temp_path("cut/a.mcap.damaged"), &err) == ET_OK;
}

static void what_was_synced_is_there_whatever_else_is_not(void)
{
    struct rng rng = {7};
    struct image image = {.bytes = malloc(IMAGE_BYTES)};
    for (int way = 0; way < 2; way++) {
        n_calls = 0;
        fault_watch = note;
        record(temp_path(way ? "plain" : "direct"), way);
        fault_watch = NULL;
        CHECK(n_calls > CALLS_MIN && n_calls < CALLS_MAX);
        for (int i = 0; i < N_CUTS; i++)
            check_cut(rng_next(&rng) % (n_calls + 1), &image, &rng);
        for (size_t i = 0; i < n_calls; i++) {
            free(calls[i].p);
            calls[i].p = NULL;
        }
    }
    free(image.bytes);
    CHECK(n_damaged > 0); // both ways of making whole were gone
}

int main(void)
{
    RUN(what_was_synced_is_there_whatever_else_is_not);
    return tap_end();
}
