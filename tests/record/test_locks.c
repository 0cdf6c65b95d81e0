// A file system without locks: recordings are made there, and who could spoil one does not touch
// it.
#include "etude/clock.h"
#include "etude/recorder.h"
#include "fault.h"
#include "numbers.h"
#include "record/record__held.h"
#include "record/record__link.h"
#include "support.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct et_err err;

static void hear_log(void *ctx, enum et_log_level level, const char *text)
{
    (void)level;
    (void)snprintf(ctx, 400, "%s\n", text);
}

struct rig {
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    uint16_t stream;
};

static bool open_rig(struct rig *rig, const char *folder, const struct et_log *log)
{
    const struct et_recorder_options how = {.folder = folder, .keep_free_bytes = -1, .log = log};
    return et_recorder_open(&rig->recorder, &how, &err) == ET_OK &&
           et_station_open(&rig->station, rig->recorder, "a", &err) == ET_OK &&
           et_station_feed(rig->station, NULL, &rig->feed, &err) == ET_OK &&
           et_feed_add(rig->feed, &NUMBERS, &rig->stream, &err) == ET_OK;
}

// Of what waits for the disk one is locked, too, where it has a name.
static int calls_before(void)
{
    return access("/dev/shm", W_OK) == 0 ? 1 : 0;
}

static void a_recording_is_made_and_it_is_said_once(void)
{
    char said[400] = "";
    struct rig rig;
    const struct et_log log = {ET_LOG_WARN, hear_log, said};
    CHECK(open_rig(&rig, temp_path("made"), &log));
    for (int i = 0; i < 2; i++) {
        said[0] = 0;
        fault_only = "flock";
        fault_arm(1 + calls_before());
        CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
        fault_disarm();
        CHECK(fault_seen);
        if (i == 0)
            CHECK_HAS(said, "has no locks");
        else
            CHECK_STR(said, "");
        CHECK(put_number(rig.feed, rig.stream, 7));
        CHECK_OK(et_station_end(rig.station, NULL, &err));
        CHECK_EQ(see(et_station_status(rig.station).path, false).n, 1);
    }
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

/* ---- what is left there ---- */

static void write_and_die(const char *folder)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        struct rig rig;
        if (!open_rig(&rig, folder, NULL) ||
            et_station_begin(rig.station, &(struct et_run){0}, &err) != ET_OK ||
            !put_number(rig.feed, rig.stream, 0))
            _exit(3);
        const int64_t t_ns = et_clock_monotonic_ns();
        while (et_station_safe_ns(rig.station) < t_ns)
            et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
        (void)kill(getpid(), SIGKILL);
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
}

struct heard {
    size_t n;
    char part[600], path[600], trouble[400];
};

static void hear(void *ctx, const struct et_recovered *file)
{
    struct heard *heard = ctx;
    heard->n++;
    (void)snprintf(heard->part, sizeof heard->part, "%s", file->part);
    (void)snprintf(heard->path, sizeof heard->path, "%s", file->path ? file->path : "");
    (void)snprintf(heard->trouble, sizeof heard->trouble, "%s",
                   file->trouble ? file->trouble->text : "");
}

// The first file whose lock is asked for has none.
static struct heard recover(const char *folder)
{
    struct heard heard = {0};
    size_t n_failed;
    fault_only = "flock";
    fault_arm(1);
    CHECK_OK(et_recorder_recover(folder, hear, &heard, &n_failed, &err));
    fault_disarm();
    CHECK(fault_seen);
    CHECK_EQ(n_failed, heard.trouble[0] != 0);
    return heard;
}

static void what_was_left_is_finished_once_nobody_can_be_writing(void)
{
    const char *folder = temp_path("left");
    write_and_die(folder);
    struct heard heard = recover(folder);
    CHECK_EQ(heard.n, 1);
    CHECK_HAS(heard.trouble, "without locks");
    CHECK_HAS(heard.trouble, "less than 60 s ago");
    CHECK(file_exists(heard.part));
    const int64_t then_s = et_clock_real_ns() / ET_NS_PER_S - 100;
    const struct timespec times[2] = {{.tv_sec = then_s}, {.tv_sec = then_s}};
    CHECK_EQ(utimensat(AT_FDCWD, heard.part, times, 0), 0);
    heard = recover(folder);
    CHECK_EQ(heard.n, 1);
    CHECK_STR(heard.trouble, "");
    CHECK_EQ(see(heard.path, false).n, 1);
}

static void what_is_written_on_this_machine_is_not_touched(void)
{
    struct rig rig;
    const char *folder = temp_path("written");
    if (calls_before() == 0) {
        tap_skip("no memory with names");
        return;
    }
    CHECK(open_rig(&rig, folder, NULL));
    CHECK_OK(et_station_begin(rig.station, &(struct et_run){0}, &err));
    CHECK(put_number(rig.feed, rig.stream, 0));
    CHECK_EQ(recover(folder).n, 0);
    CHECK_OK(et_station_end(rig.station, NULL, &err));
    CHECK_EQ(see(et_station_status(rig.station).path, false).n, 1);
    CHECK_OK(et_recorder_close(rig.recorder, &err));
}

static void a_spool_is_refused(void)
{
    struct et__link_spool *spool = NULL;
    struct et__link_spooled found;
    const struct et__link_spool_options how = {
        .path = temp_path("spool"), .agent = "a", .n_bytes = 1 << 20, .session = 7, .boot = 1};
    fault_only = "flock";
    fault_arm(1);
    CHECK_EQ(et__link_spool_open(&spool, &how, &found, &err), ET_EIO);
    fault_disarm();
    CHECK_HAS(err.text, "has no locks");
    CHECK(!spool);
    CHECK_OK(et__link_spool_open(&spool, &how, &found, &err));
    struct et__link_spool *second = NULL;
    CHECK_EQ(et__link_spool_open(&second, &how, &found, &err), ET_EEXISTS);
    CHECK_HAS(err.text, "another agent");
    et__link_spool_close(spool, false);
}

int main(void)
{
    RUN(a_recording_is_made_and_it_is_said_once);
    RUN(what_was_left_is_finished_once_nobody_can_be_writing);
    RUN(what_is_written_on_this_machine_is_not_touched);
    RUN(a_spool_is_refused);
    return tap_end();
}
