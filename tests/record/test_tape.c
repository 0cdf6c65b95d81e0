// Tapes: every byte in its place whatever the sizes, ways and number; what is safe is on the disk.
#include "record/record__tape.h"
#include "support.h"
#include "tap.h"

#include "etude/str.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct et_err err;

// Every way there is: by io_uring or not, past the page cache or not.
static const struct et__deck_options WAYS[] = {
    {0},
    {.without_direct = true},
    {.without_uring = true},
    {.without_uring = true, .without_direct = true, .ahead_bytes = -1},
};
#define N_WAYS (sizeof WAYS / sizeof *WAYS)

static unsigned char byte_at(unsigned seed, int64_t at)
{
    return (unsigned char)((uint64_t)(at + seed) * 0x9E3779B97F4A7C15ull >> 56);
}

static bool put(struct et__tape *tape, unsigned seed, size_t n)
{
    unsigned char *bytes = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] = byte_at(seed, et__tape_bytes(tape) + (int64_t)i);
    const enum et_status st = et__tape_put(tape, bytes, n, &err);
    free(bytes);
    return st == ET_OK;
}

/* The file's size when all of its bytes are what was put there, and there are `at_least`; else -1.
 */
static int64_t check_file(const char *path, unsigned seed, int64_t at_least)
{
    size_t n = 0;
    unsigned char *bytes = read_file(path, &n);
    int64_t result = bytes && (int64_t)n >= at_least ? (int64_t)n : -1;
    for (size_t i = 0; i < n && result >= 0; i++)
        result = bytes[i] == byte_at(seed, (int64_t)i) ? result : -1;
    free(bytes);
    return result;
}

static void bytes_of_any_sizes_come_in_order(void)
{
    static const size_t SIZES[] = {0, 1, 100, 4095, 4096, 16384, 65536, 70000, 1 << 20};
    for (size_t way = 0; way < N_WAYS; way++)
        for (unsigned round = 0; round < 4; round++) {
            struct rng rng = {100 * way + round};
            struct et__deck *deck;
            struct et__tape *tape;
            const char *path = temp_path("sizes.tape");
            remove(path);
            CHECK_OK(et__deck_open(&deck, &WAYS[way], &err));
            CHECK_OK(et__tape_open(&tape, deck, path, &err));
            for (int i = 0; i < 40; i++) {
                // In the first round whole blocks only.
                const size_t n = round == 0 ? 8 * ET__TAPE_BLOCK : SIZES[rng_next(&rng) % 9];
                CHECK(put(tape, round, n));
                if (rng_next(&rng) % 2)
                    et__deck_commit(deck);
                if (rng_next(&rng) % 4)
                    continue;
                et__deck_wait(deck);
                CHECK_EQ(check_file(path, round, et__tape_safe(tape)), et__tape_safe(tape));
            }
            const int64_t n_bytes = et__tape_bytes(tape);
            CHECK_OK(et__tape_close(tape, &err));
            CHECK_EQ(check_file(path, round, 0), n_bytes);
            struct stat info;
            CHECK(stat(path, &info) == 0 && info.st_blocks * 512 < n_bytes + (256 << 10));
            et__deck_close(deck);
        }
}

static void many_tapes_are_written_side_by_side(void)
{
    enum { N = 400 }; // more calls than a ring has places
    for (size_t way = 0; way < N_WAYS; way++) {
        struct et__deck *deck;
        struct et__tape *tapes[N];
        char name[32];
        CHECK_OK(et__deck_open(&deck, &WAYS[way], &err));
        for (unsigned i = 0; i < N; i++) {
            (void)snprintf(name, sizeof name, "%u.tape", i);
            remove(temp_path(name));
            CHECK_OK(et__tape_open(&tapes[i], deck, temp_path(name), &err));
        }
        for (unsigned k = 0; k < 3; k++) {
            for (unsigned i = 0; i < N; i++)
                CHECK(put(tapes[i], i, 3000 + 100 * i));
            et__deck_commit(deck);
        }
        et__deck_wait(deck);
        for (unsigned i = 0; i < N; i++) {
            (void)snprintf(name, sizeof name, "%u.tape", i);
            CHECK_EQ(et__tape_safe(tapes[i]), 3 * (3000 + 100 * (int64_t)i));
            CHECK_EQ(check_file(temp_path(name), i, 0), et__tape_safe(tapes[i]));
        }
        et__deck_close(deck); // and the tapes with it
    }
}

static void what_was_committed_is_there_when_nobody_closed(void)
{
    for (size_t way = 0; way < N_WAYS; way++) {
        struct et__deck *deck;
        struct et__tape *tape;
        const char *path = temp_path("left.tape");
        remove(path);
        CHECK_OK(et__deck_open(&deck, &WAYS[way], &err));
        CHECK_OK(et__tape_open(&tape, deck, path, &err));
        CHECK(put(tape, 7, 100000));
        et__deck_commit(deck);
        CHECK(put(tape, 7, 5000)); // waits, and is lost
        et__deck_close(deck);
        CHECK_EQ(check_file(path, 7, 0), 100000);
    }
}

static void a_disk_that_is_full_is_told_and_what_is_safe_stays(void)
{
    struct rlimit old, small = {.rlim_cur = 200000};
    (void)signal(SIGXFSZ, SIG_IGN);
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    for (size_t way = 0; way < N_WAYS; way++) {
        struct et__deck *deck;
        struct et__tape *tape, *other;
        const char *path = temp_path("full.tape"), *other_path = temp_path("other.tape");
        remove(path);
        remove(other_path);
        CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
        CHECK_OK(et__deck_open(&deck, &WAYS[way], &err));
        CHECK_OK(et__tape_open(&tape, deck, path, &err));
        CHECK_OK(et__tape_open(&other, deck, other_path, &err));
        for (int i = 0; i < 6; i++) {
            (void)put(tape, 1, 65536);
            CHECK(put(other, 2, 16384)); // the others go on
            et__deck_commit(deck);
        }
        et__deck_wait(deck);
        CHECK_EQ(et__tape_safe(tape), 3 * 65536);
        CHECK_EQ(et__tape_put(tape, "x", 1, &err), ET_EIO);
        CHECK_HAS(err.text, "cannot write");
        CHECK_HAS(err.text, "full.tape at 196608: File too large");
        CHECK_EQ(err.at, 3 * 65536);
        CHECK_EQ(et__tape_close(tape, &err), ET_EIO);
        CHECK_OK(et__tape_close(other, &err));
        et__deck_close(deck);
        CHECK_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
        CHECK(check_file(path, 1, 3 * 65536) > 0);
        CHECK_EQ(check_file(other_path, 2, 0), 6 * 16384);
    }
}

static void what_cannot_be_opened_is_told(void)
{
    struct et__deck *deck;
    struct et__tape *tape;
    const char *path = temp_path("taken.tape");
    write_file(path, "x", 1);
    CHECK_OK(et__deck_open(&deck, NULL, &err));
    CHECK_EQ(et__tape_open(&tape, deck, path, &err), ET_EEXISTS);
    CHECK_EQ(et__tape_open(&tape, deck, temp_path("no/such/folder"), &err), ET_EIO);
    CHECK_HAS(err.text, "no/such/folder");
    et__deck_close(deck);
}

static void more_than_may_wait_is_refused(void)
{
    struct et__deck *deck;
    struct et__tape *tape;
    const char *path = temp_path("waits.tape");
    const size_t n = (size_t)64 << 20;
    char *bytes = calloc(1, n);
    remove(path);
    CHECK_OK(et__deck_open(&deck, NULL, &err));
    CHECK_OK(et__tape_open(&tape, deck, path, &err));
    for (int i = 0; i < 4; i++)
        CHECK_OK(et__tape_put(tape, bytes, n, &err));
    CHECK_EQ(et__tape_put(tape, bytes, 1, &err), ET_ELIMIT);
    CHECK_EQ(et__tape_bytes(tape), (int64_t)(4 * n));
    et__deck_close(deck); // without writing them
    free(bytes);
}

int main(void)
{
    RUN(bytes_of_any_sizes_come_in_order);
    RUN(many_tapes_are_written_side_by_side);
    RUN(what_was_committed_is_there_when_nobody_closed);
    RUN(a_disk_that_is_full_is_told_and_what_is_safe_stays);
    RUN(what_cannot_be_opened_is_told);
    RUN(more_than_may_wait_is_refused);
    return tap_end();
}
