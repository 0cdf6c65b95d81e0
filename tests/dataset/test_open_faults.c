// Every call into the system that opening, reading and verifying make fails once: nothing crashes,
// nothing leaks, a failure says why, and the dataset is read as before when the fault is over.
#include "tiny_set.h"

#include "fault.h"
#include "support.h"
#include "tap.h"

#include "etude/dataset_ops.h"

#define ARENA_BYTES ((size_t)16 << 20)

static const struct tiny V21 = {.layout = ET_LAYOUT_V21, .has_video = true};
static const struct tiny V30 = {.layout = ET_LAYOUT_V30, .has_video = true};

// What may come of a call while the system fails.
static bool is_failure_of_the_system(enum et_status st)
{
    return st == ET_EIO || st == ET_ENOMEM;
}

// Opens, binds and reads the second episode; *n_rows is what was read, −1 nothing.
static enum et_status read_second(const char *set, int64_t *n_rows, struct et_err *err)
{
    struct et_dataset *ds = NULL;
    struct et_arena *arena = NULL;
    struct et_episode episode;

    *n_rows = -1;
    enum et_status st = et_arena_open(&arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_dataset_open(&ds, set, err);
    if (st == ET_OK)
        st = et_dataset_use_profile(ds, "generic", err);
    if (st == ET_OK)
        st = et_dataset_episode(ds, 1, arena, &episode, err);
    if (st == ET_OK)
        *n_rows = episode.n_rows;
    et_dataset_close(ds);
    et_arena_close(arena);
    return st;
}

static void reads_or_says_why(const char *set)
{
    int64_t n_rows;

    FOR_EACH_FAULT(at)
    {
        struct et_err err = {0};
        fault_arm(at);
        const enum et_status st = read_second(set, &n_rows, &err);
        fault_disarm();
        if (!CHECK(st == ET_OK || is_failure_of_the_system(st)))
            printf("#   %s: %s\n", et_status_name(st), err.text);
        CHECK(st == ET_OK || err.text[0] != '\0');
        if (!fault_seen)
            CHECK_EQ(st, ET_OK);
    }
    CHECK_EQ(n_rows, 8);
}

static void reads_v21_or_says_why(void)
{
    reads_or_says_why(tiny_build("faults", &V21));
}

static void reads_v30_or_says_why(void)
{
    reads_or_says_why(tiny_build("faults", &V30));
}

static void verifies_or_says_why(void)
{
    const struct et_verify_options options = {.should_check_stats = true};
    const char *set = tiny_build("faults", &V30);

    FOR_EACH_FAULT(at)
    {
        struct et_err err = {0};
        struct et_arena *arena = NULL;
        CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
        struct et_findings findings = {.arena = arena};
        fault_arm(at);
        const enum et_status st = et_dataset_verify(set, &options, &findings, &err);
        fault_disarm();
        if (!CHECK(st == ET_OK || is_failure_of_the_system(st)))
            printf("#   %s: %s\n", et_status_name(st), err.text);
        // A file that could not be read is a finding; a right set that could be read has none.
        CHECK(fault_seen || findings.n == 0);
        et_arena_close(arena);
    }
}

int main(void)
{
    RUN(reads_v21_or_says_why);
    RUN(reads_v30_or_says_why);
    RUN(verifies_or_says_why);
    return tap_end();
}
