// A disk that does not answer keeps a recording from its end, and nobody from stopping a robot.
#include "etude/clock.h"
#include "etude/live.h"
#include "frozen.h"
#include "made_source.h"
#include "support.h"
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;

#define BEFORE_NS (ET_NS_PER_S / 20) // of what nobody records, so much is kept

/* ---- a robot ---- */

static atomic_bool is_stopped;

static void tell_robot(void *self, const struct et_source_news *news)
{
    (void)self;
    atomic_store(&is_stopped, news->is_emergency);
}

static const struct et_source_kind ROBOT = {MADE_SOURCE("robot"), .tell = tell_robot};
static const struct et_live_source SOURCES[] = {{.device = "one", .kind = &ROBOT}};
static const struct et_station_file FILE_OF_STATION = {
    .name = "a", .sources = SOURCES, .n_sources = 1};

struct rig {
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    atomic_bool is_done;
};

static void open_rig(struct rig *rig, const char *folder)
{
    const struct et_recorder_options how = {.folder = temp_path(folder),
                                            .keep_free_bytes = -1,
                                            .before_ns = BEFORE_NS,
                                            .compression = ET_MCAP_NONE,
                                            .without_uring = true};
    frozen_open();
    atomic_store(&is_stopped, false);
    atomic_store(&made_is_closed, false);
    atomic_store(&rig->is_done, false);
    CHECK_OK(et_recorder_open(&rig->recorder, &how, &err));
    CHECK_OK(et_station_open(&rig->station, rig->recorder, "a", &err));
    CHECK_OK(et_live_open(&rig->live, &FILE_OF_STATION, rig->station, NULL, &err));
}

static void close_rig(struct rig *rig)
{
    CHECK_OK(et_live_close(rig->live, &err));
    CHECK_OK(et_recorder_close(rig->recorder, &err));
    frozen_close();
}

static void mark(struct rig *rig, const char *word)
{
    et_live_mark(rig->live, word, "me", NULL);
    CHECK_OK(et_live_step(rig->live, &err));
}

// How often the text is in the recording that ended last.
static size_t count(struct rig *rig, const char *text)
{
    size_t n_bytes, n = 0;
    char *bytes = read_file(et_live_status(rig->live).last_path, &n_bytes);
    for (const char *at = bytes; bytes; n++) {
        at = memmem(at, (size_t)(bytes + n_bytes - at), text, strlen(text));
        if (!at)
            break;
        at++;
    }
    free(bytes);
    return n;
}

static void *step(void *arg)
{
    struct rig *rig = arg;
    struct et_err why = {0};
    if (et_live_step(rig->live, &why) == ET_OK)
        atomic_store(&rig->is_done, true);
    return NULL;
}

static void *stop(void *arg)
{
    struct rig *rig = arg;
    struct et_err why = {0};
    if (et_live_stop(rig->live, &why) == ET_OK)
        atomic_store(&rig->is_done, true);
    return NULL;
}

static void a_robot_stops_while_a_recording_waits_for_its_disk(void)
{
    struct rig rig;
    pthread_t thread;
    open_rig(&rig, "frozen");
    mark(&rig, "start");
    atomic_store(&is_frozen, true);
    CHECK(comes(&is_waited_for)); // a commit: what follows waits behind it
    et_live_mark(rig.live, "success", "me", NULL);
    CHECK_EQ(pthread_create(&thread, NULL, step, &rig), 0);
    // In which a recording ends that has a disk.
    et_clock_wait_until(et_clock_monotonic_ns() + ET_NS_PER_S / 5);
    CHECK(!atomic_load(&rig.is_done));
    et_live_mark(rig.live, "emergency", "me", NULL);
    CHECK(comes(&is_stopped));
    CHECK(!atomic_load(&rig.is_done) && atomic_load(&is_frozen));
    // Who looks on sees how it stands, and that nothing gets safe.
    CHECK(et_live_status(rig.live).n_done <= 1);
    CHECK_EQ(et_station_status(rig.station).state, ET_STATION_RECORDING);
    CHECK_EQ(et_station_status(rig.station).t_safe_ns, et_station_safe_ns(rig.station));
    CHECK(et_clock_monotonic_ns() - et_station_safe_ns(rig.station) > ET_NS_PER_S / 5);
    atomic_store(&is_frozen, false);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK(atomic_load(&rig.is_done));
    CHECK_EQ(et_live_status(rig.live).n_success, 1);
    CHECK_EQ(count(&rig, "emergency"), 0); // it came behind that one's end
    // The next one has it, however long that takes.
    et_clock_wait_until(et_clock_monotonic_ns() + 4 * BEFORE_NS);
    mark(&rig, "start");
    mark(&rig, "success");
    CHECK_EQ(count(&rig, "mark.before"), 1);
    CHECK(count(&rig, "emergency") >= 1);
    CHECK_EQ(count(&rig, "ago_s"), 1);
    // And no other.
    et_clock_wait_until(et_clock_monotonic_ns() + 4 * BEFORE_NS);
    mark(&rig, "start");
    mark(&rig, "release");
    mark(&rig, "success");
    CHECK_EQ(count(&rig, "mark.before"), 0);
    CHECK_EQ(count(&rig, "release"), 1);
    CHECK(!atomic_load(&is_stopped));
    close_rig(&rig);
}

static void a_robot_is_let_go_of_before_the_disk_is_waited_for(void)
{
    struct rig rig;
    pthread_t thread;
    open_rig(&rig, "left");
    mark(&rig, "start");
    atomic_store(&is_frozen, true);
    CHECK(comes(&is_waited_for));
    CHECK_EQ(pthread_create(&thread, NULL, stop, &rig), 0);
    CHECK(comes(&made_is_closed));
    CHECK(!atomic_load(&rig.is_done));
    atomic_store(&is_frozen, false);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK(atomic_load(&rig.is_done));
    close_rig(&rig);
}

int main(void)
{
    RUN(a_robot_stops_while_a_recording_waits_for_its_disk);
    RUN(a_robot_is_let_go_of_before_the_disk_is_waited_for);
    return tap_end();
}
