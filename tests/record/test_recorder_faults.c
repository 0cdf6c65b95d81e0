// Every call into the system fails once: recordings stay whole up to what was called safe, the rest
// is told, and nothing leaks.
#include "etude/clock.h"
#include "etude/file.h"
#include "fault.h"
#include "numbers.h"
#include "support.h"
#include "tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;

#define N_NUMBERS 200

static void empty(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)remove(path);
    }
    if (dir)
        (void)closedir(dir);
}

/* One run of N_NUMBERS; *n_safe of them were called safe. */
static enum et_status record(const char *folder, bool without_uring, uint64_t *n_safe)
{
    struct et_recorder *recorder;
    struct et_station *station = NULL;
    struct et_feed *feed = NULL;
    uint16_t stream = 0;
    const struct et_recorder_options how = {.folder = folder,
                                            .without_uring = without_uring,
                                            .commit_ns = 1000000,
                                            .keep_free_bytes = -1};
    *n_safe = 0;
    enum et_status st = et_recorder_open(&recorder, &how, &err);
    if (st != ET_OK)
        return st;
    st = et_station_open(&station, recorder, "one", &err);
    if (st == ET_OK)
        st = et_station_feed(station, NULL, &feed, &err);
    if (st == ET_OK)
        st = et_feed_add(feed, &NUMBERS, &stream, &err);
    if (st == ET_OK)
        st = et_station_begin(station, &(struct et_run){.skill = "x"}, &err);
    if (st == ET_OK) {
        int64_t t_put_ns[N_NUMBERS];
        for (uint64_t k = 0; k < N_NUMBERS; k++) {
            (void)put_number(feed, stream, k);
            t_put_ns[k] = et_clock_monotonic_ns();
            if (k % 50 == 49)
                et_clock_wait_until(et_clock_monotonic_ns() + 6000000);
        }
        const int64_t t_safe_ns = et_station_status(station).t_safe_ns;
        for (uint64_t k = 0; k < N_NUMBERS; k++)
            *n_safe += t_put_ns[k] < t_safe_ns;
        st = et_station_end(station, "success", &err);
    }
    const enum et_status closed = et_recorder_close(recorder, NULL);
    return st == ET_OK ? closed : st;
}

struct found {
    uint64_t n, sum; // numbers, of all files, each once
    bool is_good;
};

static void find(void *ctx, const char *path)
{
    struct found *found = ctx;
    const struct seen seen = see(path, false);
    found->n += seen.n;
    found->sum += (seen.first + seen.last) * seen.n / 2;
    found->is_good = found->is_good && seen.is_finished && seen.is_in_order;
}

static struct found read_all(const char *folder)
{
    struct found found = {.is_good = true};
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strlen(path) > 5 && strcmp(path + strlen(path) - 5, ".mcap") == 0)
            find(&found, path);
    }
    if (dir)
        (void)closedir(dir);
    return found;
}

static void what_was_called_safe_is_recovered_whatever_fails(void)
{
    const char *folder = temp_path("faults");
    for (int way = 0; way < 2; way++)
        FOR_EACH_FAULT(at)
        {
            uint64_t n_safe;
            size_t n_failed = 0;
            empty(folder);
            err = (struct et_err){0};
            fault_arm(at);
            const enum et_status st = record(folder, way == 1, &n_safe);
            fault_disarm();
            CHECK(fault_seen || st == ET_OK);
            CHECK(st == ET_OK || err.text[0]);
            if (!file_exists(folder))
                continue;
            CHECK_OK(et_recorder_recover(folder, NULL, NULL, &n_failed, &err));
            const struct found found = read_all(folder);
            if (found.n < n_safe || (!fault_seen && found.n != N_NUMBERS))
                printf("# at %d: %llu of %llu that were safe, %s\n", at,
                       (unsigned long long)found.n, (unsigned long long)n_safe, err.text);
            CHECK(found.is_good);
            CHECK(found.n >= n_safe && (fault_seen || found.n == N_NUMBERS));
        }
}

static void recovering_fails_cleanly_and_can_be_done_again(void)
{
    const char *folder = temp_path("again"), *part = temp_path("again/a.mcap.part");
    size_t n_bytes = 0, n_failed = 0;
    uint64_t n_safe;
    CHECK_OK(record(folder, true, &n_safe));
    CHECK_OK(et_dir_make(folder, &err));
    char *bytes = NULL;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strstr(path, ".mcap"))
            bytes = read_file(path, &n_bytes);
    }
    (void)closedir(dir);
    CHECK(bytes != NULL);
    FOR_EACH_FAULT(at)
    {
        empty(folder);
        write_file(part, bytes, n_bytes - n_bytes / 3);
        fault_arm(at);
        const enum et_status st = et_recorder_recover(folder, NULL, NULL, &n_failed, &err);
        fault_disarm();
        CHECK(fault_seen || (st == ET_OK && n_failed == 0));
        CHECK_OK(et_recorder_recover(folder, NULL, NULL, &n_failed, &err));
        CHECK_EQ(n_failed, 0);
        CHECK(read_all(folder).is_good && read_all(folder).n > 0);
    }
    free(bytes);
}

/* A feed that can wait: what its failed file had is in the next one, and nowhere twice. Nothing is
 * called safe meanwhile. */
static void wait_for_another_file(const char *folder, int at)
{
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_feed *feed;
    uint16_t stream;
    const struct et_recorder_options how = {.folder = folder,
                                            .without_uring = true, // every second call syncs
                                            .commit_ns = 5000000,
                                            .keep_free_bytes = -1,
                                            .before_ns = -1};
    CHECK_OK(et_recorder_open(&recorder, &how, &err));
    CHECK_OK(et_station_open(&station, recorder, "one", &err));
    CHECK_OK(et_station_feed(station, &(struct et_feed_options){.can_wait = true}, &feed, &err));
    CHECK_OK(et_feed_add(feed, &NUMBERS, &stream, &err));
    CHECK_OK(et_station_begin(station, &(struct et_run){.skill = "x"}, &err));
    fault_only = "pwrite fdatasync";
    fault_arm(at);
    int64_t t_put_ns = 0, t_stopped_ns = 0;
    for (uint64_t k = 0; k < N_NUMBERS; k++) {
        CHECK(put_number(feed, stream, k));
        t_put_ns = et_clock_monotonic_ns();
        if (k % 20 == 19)
            et_clock_wait_until(t_put_ns + 8000000);
    }
    const int64_t until_ns = t_put_ns + 60 * ET_NS_PER_S;
    while (et_station_safe_ns(station) < t_put_ns && et_clock_monotonic_ns() < until_ns) {
        const struct et_station_status status = et_station_status(station);
        if (status.state == ET_STATION_STOPPED) {
            CHECK(t_stopped_ns == 0 || status.t_safe_ns == t_stopped_ns);
            t_stopped_ns = status.t_safe_ns;
        }
        et_clock_wait_until(et_clock_monotonic_ns() + 1000000);
    }
    fault_disarm();
    fault_only = NULL;
    CHECK(et_station_safe_ns(station) >= t_put_ns);
    CHECK_OK(et_station_end(station, NULL, &err));
    CHECK_OK(et_recorder_close(recorder, &err));
}

static void what_can_wait_is_in_one_file_whatever_fails(void)
{
    const char *folder = temp_path("waits");
    int n_faults = 0;
    for (int at = 1; at <= 4; at++) {
        size_t n_failed = 0;
        empty(folder);
        wait_for_another_file(folder, at);
        n_faults += fault_seen;
        CHECK_OK(et_recorder_recover(folder, NULL, NULL, &n_failed, &err));
        CHECK_EQ(n_failed, 0);
        const struct found found = read_all(folder);
        CHECK(found.is_good);
        CHECK_EQ(found.n, N_NUMBERS);
        CHECK_EQ(found.sum, N_NUMBERS * (N_NUMBERS - 1) / 2);
    }
    CHECK_EQ(n_faults, 4);
}

int main(void)
{
    RUN(what_can_wait_is_in_one_file_whatever_fails);
    RUN(what_was_called_safe_is_recovered_whatever_fails);
    RUN(recovering_fails_cleanly_and_can_be_done_again);
    return tap_end();
}
