// Every call into the system fails once: what is called safe is on the disk, and nothing leaks.
#include "fault.h"
#include "record/record__tape.h"
#include "support.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;

#define PART 20000

/* Three commits of PART bytes each; *safe is what the tape calls safe before it is closed. */
static enum et_status write_tape(const struct et__deck_options *options, const char *path,
                                 int64_t *safe)
{
    struct et__deck *deck;
    struct et__tape *tape;
    char bytes[PART];
    *safe = 0;
    enum et_status st = et__deck_open(&deck, options, &err);
    if (st != ET_OK)
        return st;
    st = et__tape_open(&tape, deck, path, &err);
    for (int i = 0; i < 3 && st == ET_OK; i++) {
        memset(bytes, 'a' + i, sizeof bytes);
        st = et__tape_put(tape, bytes, sizeof bytes, &err);
        et__deck_commit(deck);
        et__deck_wait(deck);
        *safe = et__tape_safe(tape);
    }
    if (tape) {
        const enum et_status closed = et__tape_close(tape, &err);
        st = st == ET_OK ? closed : st;
    }
    et__deck_close(deck);
    return st;
}

static void what_is_called_safe_is_on_the_disk(void)
{
    static const struct et__deck_options WAYS[] = {
        {0}, {.without_uring = true}, {.without_uring = true, .without_direct = true}};
    for (size_t way = 0; way < sizeof WAYS / sizeof *WAYS; way++)
        FOR_EACH_FAULT(at)
        {
            const char *path = temp_path("faults.tape");
            int64_t safe;
            size_t n = 0;
            remove(path);
            fault_arm(at);
            const enum et_status st = write_tape(&WAYS[way], path, &safe);
            fault_disarm();
            // Some failures have a way round: no io_uring, no O_DIRECT, no disk taken ahead.
            CHECK(fault_seen || st == ET_OK);
            CHECK(st == ET_OK || err.text[0]);
            char *bytes = read_file(path, &n);
            CHECK((int64_t)n >= safe && (st != ET_OK || n == (size_t)3 * PART));
            for (int64_t i = 0; i < safe && bytes; i++)
                if (!CHECK(bytes[i] == 'a' + i / PART))
                    break;
            free(bytes);
        }
}

static void nothing_is_written_after_a_sync_that_failed(void)
{
    const struct et__deck_options options = {.without_uring = true};
    struct et__deck *deck;
    struct et__tape *tape;
    const char *path = temp_path("sync.tape");
    size_t n = 0;
    remove(path);
    CHECK_OK(et__deck_open(&deck, &options, &err));
    CHECK_OK(et__tape_open(&tape, deck, path, &err));
    CHECK_OK(et__tape_put(tape, "abc", 3, &err));
    fault_only = "fdatasync";
    fault_arm(1);
    et__deck_commit(deck);
    fault_disarm();
    fault_only = NULL;
    CHECK(fault_seen);
    CHECK_EQ(et__tape_put(tape, "def", 3, &err), ET_EIO);
    CHECK_HAS(err.text, "cannot sync");
    CHECK_EQ(et__tape_safe(tape), 0);
    et__deck_commit(deck);
    et__deck_close(deck);
    char *bytes = read_file(path, &n);
    CHECK(bytes && n == 3);
    free(bytes);
}

int main(void)
{
    RUN(what_is_called_safe_is_on_the_disk);
    RUN(nothing_is_written_after_a_sync_that_failed);
    return tap_end();
}
