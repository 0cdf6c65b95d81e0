// Attempts that the disk breaks off, and those with a hole: what is counted, of attempts and of a
// session, and what is in their recordings.
#include "etude/clock.h"
#include "etude/live.h"
#include "fault.h"
#include "numbers.h"
#include "support.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;

#define RING_BYTES ((size_t)1 << 16)
#define N_TOO_MANY 20000 // more than finds room in a ring before anybody looks

struct rig {
    struct et_station_file file;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    struct et_feed *feed;
    uint16_t stream;
    uint64_t n_put;
    struct et_log log;
    char said[4096]; // by the log, lines
};

static void hear_log(void *ctx, enum et_log_level level, const char *text)
{
    struct rig *rig = ctx;
    const size_t n = strlen(rig->said);
    (void)level;
    (void)snprintf(rig->said + n, sizeof rig->said - n, "%s\n", text);
}

static void open_rig(struct rig *rig, const char *folder, enum et_live_mode mode)
{
    const struct et_recorder_options how = {.folder = temp_path(folder),
                                            .keep_free_bytes = -1,
                                            .before_ns = 20000000,
                                            .compression = ET_MCAP_NONE,
                                            .without_uring = true};
    const struct et_feed_options ring = {.n_bytes = RING_BYTES};
    *rig = (struct rig){.file = {.name = "a", .mode = mode}};
    rig->log = (struct et_log){ET_LOG_INFO, hear_log, rig};
    CHECK_OK(et_recorder_open(&rig->recorder, &how, &err));
    CHECK_OK(et_station_open(&rig->station, rig->recorder, "a", &err));
    CHECK_OK(et_station_feed(rig->station, &ring, &rig->feed, &err));
    CHECK_OK(et_feed_add(rig->feed, &NUMBERS, &rig->stream, &err));
    CHECK_OK(et_live_open(&rig->live, &rig->file, rig->station,
                          &(struct et_live_options){.log = &rig->log}, &err));
}

static struct et_live_status mark(struct rig *rig, const char *word)
{
    et_live_mark(rig->live, word, "me", NULL);
    CHECK_EQ(et_live_step(rig->live, &err), ET_END); // it has no sources
    return et_live_status(rig->live);
}

static void put(struct rig *rig, int n)
{
    for (int i = 0; i < n; i++)
        (void)put_number(rig->feed, rig->stream, rig->n_put++);
}

// Numbers come, a millisecond apart, until the station has that state.
static void go_on_until(struct rig *rig, enum et_station_state state)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + 60 * ET_NS_PER_S;
    while (et_station_status(rig->station).state != state && et_clock_monotonic_ns() < t_end_ns) {
        put(rig, 1);
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    }
    CHECK_EQ(et_station_status(rig->station).state, state);
}

static void break_file(struct rig *rig)
{
    fault_arm(1);
    go_on_until(rig, ET_STATION_STOPPED);
    fault_disarm();
}

static void sums_up(const struct et_live_status *s)
{
    CHECK(s->n_success + s->n_failure + s->n_discarded + s->n_interrupted <= s->n_done);
    CHECK(s->n_broken <= s->n_interrupted && s->n_broken + s->n_holed <= s->n_done);
}

static void an_attempt_that_the_disk_breaks_off_is_no_success(void)
{
    static const char *const WORDS[] = {"success", "failure", "discard", "stop"};
    struct rig rig;
    open_rig(&rig, "broken", ET_LIVE_ATTEMPT);
    for (unsigned i = 0; i < 4; i++) {
        (void)mark(&rig, "start");
        break_file(&rig);
        const struct et_live_status s = mark(&rig, WORDS[i]);
        sums_up(&s);
        CHECK(s.n_done == i + 1 && s.n_interrupted == i + 1 && s.n_broken == i + 1);
        CHECK(s.n_success + s.n_failure + s.n_discarded + s.n_holed + s.n_unrecorded == 0);
        CHECK_EQ(mark(&rig, "success").n_success, 0); // nor afterwards
    }
    CHECK_HAS(rig.said, "No space left");
    CHECK_HAS(rig.said, "a: the attempt broke off: it is interrupted");
    (void)mark(&rig, "start");
    put(&rig, 10);
    const struct et_live_status s = mark(&rig, "success");
    CHECK(s.n_done == 5 && s.n_success == 1 && s.n_broken == 4 && s.n_holed == 0);
    CHECK_OK(et_live_close(rig.live, &err));
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void what_the_end_of_the_station_finds_broken_is_interrupted(void)
{
    for (int i = 0; i < 2; i++) {
        struct rig rig;
        open_rig(&rig, "ended", i ? ET_LIVE_SESSION : ET_LIVE_ATTEMPT);
        (void)mark(&rig, "start");
        break_file(&rig);
        const enum et_status st = et_live_stop(rig.live, &err);
        CHECK(st == ET_EIO || st == ET_OK); // a slow test finds another file begun
        const struct et_live_status s = et_live_status(rig.live);
        sums_up(&s);
        CHECK(s.n_done == 1 && s.n_interrupted == 1 && s.n_broken == 1);
        CHECK(s.n_dropped > 0);
        CHECK_OK(et_live_close(rig.live, &err));
        CHECK_OK(et_recorder_close(rig.recorder, &err));
    }
}

static void a_hole_in_an_attempt_is_told(void)
{
    struct rig rig;
    open_rig(&rig, "hole", ET_LIVE_ATTEMPT);
    (void)mark(&rig, "start");
    break_file(&rig);
    go_on_until(&rig, ET_STATION_RECORDING);
    const struct et_live_status s = mark(&rig, "success");
    sums_up(&s);
    CHECK(s.n_done == 1 && s.n_success == 1 && s.n_holed == 1 && s.n_broken == 0);
    CHECK_EQ(s.n_dropped, et_station_status(rig.station).n_dropped);
    CHECK_HAS(rig.said, "a: the attempt has a hole: ");
    CHECK_HAS(see(s.last_path, false).dropped, "their file could not be written");
    CHECK_OK(et_live_close(rig.live, &err));
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void what_finds_no_room_is_a_hole(void)
{
    struct rig rig;
    open_rig(&rig, "room", ET_LIVE_ATTEMPT);
    put(&rig, N_TOO_MANY); // before anything is recorded
    (void)mark(&rig, "start");
    struct et_live_status s = mark(&rig, "success");
    CHECK(s.n_success == 1 && s.n_holed == 0 && s.n_dropped == 0);
    (void)mark(&rig, "start");
    put(&rig, N_TOO_MANY);
    s = mark(&rig, "success");
    sums_up(&s);
    CHECK(s.n_success == 2 && s.n_holed == 1 && s.n_dropped > 0);
    CHECK_OK(et_live_close(rig.live, &err));
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

// The same of a session, whose attempts have holes only where something was lost between their
// marks.
static void an_attempt_of_a_session_has_its_own_holes(void)
{
    struct rig rig;
    open_rig(&rig, "session", ET_LIVE_SESSION);
    put(&rig, N_TOO_MANY); // between attempts
    (void)mark(&rig, "start");
    put(&rig, 10);
    struct et_live_status s = mark(&rig, "success");
    CHECK(s.n_success == 1 && s.n_holed == 0);
    (void)mark(&rig, "start");
    put(&rig, N_TOO_MANY);
    s = mark(&rig, "success");
    CHECK(s.n_success == 2 && s.n_holed == 1);
    (void)mark(&rig, "start");
    break_file(&rig);
    go_on_until(&rig, ET_STATION_RECORDING);
    s = mark(&rig, "failure");
    CHECK(s.n_failure == 1 && s.n_holed == 2);
    (void)mark(&rig, "start");
    put(&rig, 10);
    s = mark(&rig, "success");
    sums_up(&s);
    CHECK(s.n_done == 4 && s.n_success == 3 && s.n_holed == 2 && s.n_broken == 0);
    CHECK_OK(et_live_stop(rig.live, &err));
    CHECK_EQ(et_live_status(rig.live).n_dropped, et_station_status(rig.station).n_dropped);
    CHECK_OK(et_live_close(rig.live, &err));
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void an_attempt_of_a_session_breaks_off(void)
{
    struct rig rig;
    open_rig(&rig, "session_broken", ET_LIVE_SESSION);
    (void)mark(&rig, "start");
    break_file(&rig);
    struct et_live_status s = mark(&rig, "success");
    CHECK(s.n_done == 1 && s.n_success == 0 && s.n_interrupted == 1 && s.n_broken == 1);
    s = mark(&rig, "success");
    CHECK(s.n_success == 0 && s.n_interrupted == 1);
    go_on_until(&rig, ET_STATION_RECORDING);
    break_file(&rig);
    s = mark(&rig, "start"); // nothing is written
    CHECK(!s.is_attempt && s.n_unrecorded == 1 && s.n_done == 1);
    CHECK_EQ(mark(&rig, "success").n_success, 0);
    go_on_until(&rig, ET_STATION_RECORDING);
    (void)mark(&rig, "start");
    s = mark(&rig, "success");
    sums_up(&s);
    CHECK(s.n_done == 2 && s.n_success == 1 && s.n_holed == 0);
    CHECK_OK(et_live_stop(rig.live, &err));
    CHECK_OK(et_live_close(rig.live, &err));
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

int main(void)
{
    fault_only = "pwrite"; // before there are threads that look at it
    RUN(an_attempt_that_the_disk_breaks_off_is_no_success);
    RUN(what_the_end_of_the_station_finds_broken_is_interrupted);
    RUN(a_hole_in_an_attempt_is_told);
    RUN(what_finds_no_room_is_a_hole);
    RUN(an_attempt_of_a_session_has_its_own_holes);
    RUN(an_attempt_of_a_session_breaks_off);
    return tap_end();
}
