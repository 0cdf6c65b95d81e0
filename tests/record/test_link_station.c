// A station that agents are a source of: they let go of what is safe on its disk, or not wanted.
#include "etude/clock.h"
#include "etude/file.h"
#include "etude/live.h"
#include "etude/mcap.h"
#include "fault.h"
#include "frozen.h"
#include "link_rig.h"
#include "record/record__links.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define BEFORE_NS (50 * MS) // of what nobody records, so much is kept
#define NUMBER_BYTES 100

static struct et_err err;

struct rig {
    struct et_arena *arena;
    const struct et_station_file *file;
    struct et_recorder *recorder;
    struct et_station *station;
    struct et_live *live;
    struct et_loop *loop; // the agents'
    const char *folder;
    char address[ET_ADDRESS_BYTES];
};

static void open_station(struct rig *rig)
{
    const struct et_recorder_options how = {.folder = rig->folder,
                                            .keep_free_bytes = -1,
                                            .before_ns = BEFORE_NS,
                                            .compression = ET_MCAP_NONE,
                                            .without_uring = true};
    CHECK_OK(et_recorder_open(&rig->recorder, &how, &err));
    CHECK_OK(et_station_open(&rig->station, rig->recorder, "a", &err));
    CHECK_OK(et_live_open(&rig->live, rig->file, rig->station, NULL, &err));
}

static void open_rig(struct rig *rig, const char *folder, const char *run)
{
    char text[1000];
    const char *path = temp_path("station.yaml");
    *rig = (struct rig){.folder = temp_path(folder)};
    (void)snprintf(rig->address, sizeof rig->address, "unix:%s-socket", rig->folder);
    (void)snprintf(text, sizeof text,
                   "station: a\nrun: %s\nsources: {hall: {kind: link, address: \"%s\"}}\n", run,
                   rig->address);
    write_file(path, text, strlen(text));
    frozen_open();
    CHECK_OK(et_arena_open(&rig->arena, 1 << 22, &err));
    CHECK_OK(et_station_file_read(path, rig->arena, &rig->file, &err));
    clock_ns = et_clock_monotonic_ns();
    CHECK_OK(et_loop_open(&rig->loop, NULL, &err));
    open_station(rig);
}

static void close_station(struct rig *rig)
{
    CHECK_OK(et_live_close(rig->live, &err));
    CHECK_OK(et_recorder_close(rig->recorder, &err));
}

static void close_rig(struct rig *rig)
{
    close_station(rig);
    et_loop_close(rig->loop);
    et_arena_close(rig->arena);
    frozen_close();
}

static void open_robot(struct agent_side *a, struct rig *rig, const char *id)
{
    const struct et_link_agent_options how = {
        .address = rig->address, .id = id, .retry_ns_max = 20 * MS};
    open_agent(a, rig->loop, &how, 0);
}

// A number each millisecond.
static void work(struct rig *rig, struct agent_side *a, int64_t for_ns)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + for_ns;
    while ((clock_ns = et_clock_monotonic_ns()) < t_end_ns) {
        CHECK_EQ(put_numbers(a, 1, NUMBER_BYTES), 1);
        CHECK_OK(et_loop_run_once(rig->loop, MS, &err));
    }
}

// Whether all that was put is taken, within a while.
static bool is_all_taken(struct rig *rig, struct agent_side *a, int64_t within_ns)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + within_ns;
    while ((clock_ns = et_clock_monotonic_ns()) < t_end_ns &&
           et_link_agent_status(a->agent).n_taken < a->n_put)
        CHECK_OK(et_loop_run_once(rig->loop, MS, &err));
    return et_link_agent_status(a->agent).n_taken == a->n_put;
}

static void mark(struct rig *rig, const char *word)
{
    et_live_mark(rig->live, word, "me", NULL);
    CHECK_OK(et_live_step(rig->live, &err));
}

// Counts a recording's numbers into n_of.
static void count_file(const char *path, unsigned *n_of, uint64_t n_max)
{
    struct et_mcap_reader *reader = NULL;
    struct et_mcap_message m;
    CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
    if (!reader)
        return;
    CHECK_OK(et_mcap_query(reader, NULL, &err));
    while (et_mcap_next(reader, &m, &err) == ET_OK) {
        uint64_t k;
        if (!et_str_is(et_mcap_channel(reader, m.channel_id)->topic, "/numbers"))
            continue;
        memcpy(&k, m.data.p, sizeof k);
        if (CHECK(k < n_max))
            n_of[k]++;
    }
    et_mcap_close(reader);
}

// How often each number from `first` on is in the folder's recordings: once, or it is told.
static void is_there_once(struct rig *rig, uint64_t first, uint64_t n_put)
{
    struct et_arena *arena;
    const char *const *names;
    size_t n_names, n_failed, n_missing = 0, n_twice = 0;
    unsigned *n_of = calloc(n_put, sizeof *n_of);
    CHECK_OK(et_recorder_recover(rig->folder, NULL, NULL, &n_failed, &err));
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    CHECK_OK(et_dir_list(rig->folder, arena, &names, &n_names, &err));
    for (size_t i = 0; i < n_names && n_of; i++)
        if (et_str_ends(et_str(names[i]), ".mcap"))
            count_file(et_path_join(arena, rig->folder, names[i]), n_of, n_put);
    for (uint64_t k = 0; k < n_put && n_of; k++) {
        n_missing += k >= first && n_of[k] == 0;
        n_twice += n_of[k] > 1;
    }
    CHECK_EQ(n_missing, 0);
    CHECK_EQ(n_twice, 0);
    free(n_of);
    et_arena_close(arena);
}

/* ---- what a station says is taken ---- */

static void nothing_is_taken_while_the_disk_does_not_answer(void)
{
    struct rig rig;
    struct agent_side a;
    open_rig(&rig, "frozen", "session");
    open_robot(&a, &rig, "robot-1");
    work(&rig, &a, 100 * MS);
    CHECK(is_all_taken(&rig, &a, 60 * S));
    atomic_store(&is_frozen, true);
    work(&rig, &a, 200 * MS);
    CHECK(comes(&is_waited_for));
    const uint64_t n_taken = et_link_agent_status(a.agent).n_taken;
    work(&rig, &a, 500 * MS);
    CHECK_EQ(et_link_agent_status(a.agent).n_taken, n_taken);
    CHECK(n_taken < a.n_put);
    atomic_store(&is_frozen, false);
    CHECK(is_all_taken(&rig, &a, 60 * S));
    close_agent(&a);
    close_station(&rig);
    is_there_once(&rig, 0, a.n_put);
    open_station(&rig);
    close_rig(&rig);
}

static void what_a_file_lost_the_next_one_has(void)
{
    struct rig rig;
    struct agent_side a;
    fault_only = "fdatasync pwrite"; // before there are threads that look at it
    open_rig(&rig, "failing", "session");
    open_robot(&a, &rig, "robot-1");
    work(&rig, &a, 100 * MS);
    for (int i = 0; i < 2; i++) { // another file is begun a second later
        fault_arm(1 + i);
        work(&rig, &a, 1500 * MS);
        fault_disarm();
        CHECK(fault_seen);
    }
    CHECK(is_all_taken(&rig, &a, 60 * S));
    close_agent(&a);
    close_station(&rig);
    is_there_once(&rig, 0, a.n_put);
    open_station(&rig);
    close_rig(&rig);
}

static void outside_an_attempt_nothing_is_wanted(void)
{
    struct rig rig;
    struct agent_side a;
    open_rig(&rig, "attempts", "attempt");
    open_robot(&a, &rig, "robot-1");
    work(&rig, &a, 200 * MS);
    CHECK(is_all_taken(&rig, &a, 60 * S));
    const uint64_t n_before = a.n_put;
    mark(&rig, "start");
    atomic_store(&is_frozen, true);
    work(&rig, &a, 200 * MS);
    CHECK(comes(&is_waited_for));
    CHECK(!is_all_taken(&rig, &a, 300 * MS)); // of an attempt all is wanted
    atomic_store(&is_frozen, false);
    CHECK(is_all_taken(&rig, &a, 60 * S));
    const uint64_t n_during = a.n_put;
    mark(&rig, "success");
    work(&rig, &a, 200 * MS);
    CHECK(is_all_taken(&rig, &a, 60 * S));
    close_agent(&a);
    close_station(&rig);
    is_there_once(&rig, n_before, n_during);
    open_station(&rig);
    close_rig(&rig);
}

// The disk fails for good while an attempt is under way: agents wait until the attempt is over.
static void an_attempt_without_a_file_keeps_nobody_waiting_for_ever(void)
{
    struct rig rig;
    struct agent_side a;
    fault_only = "fdatasync";
    open_rig(&rig, "given-up", "attempt");
    open_robot(&a, &rig, "robot-1");
    mark(&rig, "start");
    work(&rig, &a, 100 * MS);
    // Neither can another one be begun.
    CHECK_EQ(rename(rig.folder, temp_path("away")), 0);
    write_file(rig.folder, "", 0);
    fault_arm(1);
    work(&rig, &a, 200 * MS);
    fault_disarm();
    CHECK(fault_seen);
    CHECK_EQ(et_station_status(rig.station).state, ET_STATION_STOPPED);
    CHECK(!is_all_taken(&rig, &a, 300 * MS));
    et_live_mark(rig.live, "success", "me", NULL);
    CHECK_OK(et_live_step(rig.live, &err));
    CHECK(is_all_taken(&rig, &a, 60 * S));
    CHECK(et_station_status(rig.station).n_unwritten > 100);
    close_agent(&a);
    close_rig(&rig);
}

static void who_only_looks_on_keeps_nobody_waiting(void)
{
    struct rig rig;
    struct agent_side a;
    open_rig(&rig, "looked-on", "session");
    CHECK_OK(et_live_close(rig.live, &err));
    const struct et_live_options how = {.only_listen = true};
    CHECK_OK(et_live_open(&rig.live, rig.file, rig.station, &how, &err));
    open_robot(&a, &rig, "robot-1");
    work(&rig, &a, 100 * MS);
    CHECK(is_all_taken(&rig, &a, 60 * S));
    close_agent(&a);
    close_rig(&rig);
}

/* ---- what a recording has of several ---- */

struct word {
    int64_t t_ns;
    uint64_t session, n_taken;
};

static void write_links(const char *path, const struct word *words, size_t n, int64_t t_end_ns)
{
    struct et_mcap_writer *w;
    struct et_buf buf = et_buf(100);
    const struct et_mcap_channel channels[] = {
        {.id = 1, .topic = ET_STR(ET__LINK_TOPIC), .encoding = ET_STR("cdr")},
        {.id = 2, .topic = ET_STR("/other"), .encoding = ET_STR("cdr")}};
    CHECK_OK(et_mcap_create(&w, path, &(struct et_mcap_write_options){0}, &err));
    CHECK_OK(et_mcap_add_channel(w, &channels[0], &err));
    CHECK_OK(et_mcap_add_channel(w, &channels[1], &err));
    for (size_t i = 0; i < n; i++) {
        et_buf_clear(&buf);
        et__link_taken_put(&buf, &(struct et_recorded_link){words[i].session, words[i].n_taken});
        CHECK_OK(et_mcap_write(w,
                               &(struct et_mcap_message){.channel_id = 1,
                                                         .log_time_ns = words[i].t_ns,
                                                         .data = et_buf_str(&buf)},
                               &err));
        CHECK_OK(et_mcap_flush(w, &err));
    }
    const struct et_mcap_message last = {.channel_id = 2, .log_time_ns = t_end_ns};
    CHECK_OK(et_mcap_write(w, &last, &err));
    CHECK_OK(et_mcap_finish(w, &err));
    et_buf_free(&buf);
}

// The last words of a file are looked for at its end, and farther back where nobody was there.
static void the_last_word_of_each_is_found(void)
{
    static const struct word WORDS[] = {
        {1 * S, 7, 3},  {1 * S, 8, 5},      {67 * S + 400 * MS, 7, 3}, {67 * S + 400 * MS, 8, 6},
        {68 * S, 8, 9}, {68 * S + 1, 8, 12}};
    static const int64_t ENDS_NS[] = {69 * S, 100 * S, 1000 * S};
    struct et_recorded_link links[ET_RECORDING_LINKS_MAX];
    size_t n;
    for (size_t i = 0; i < sizeof ENDS_NS / sizeof *ENDS_NS; i++) {
        const char *path = temp_path("words.mcap");
        write_links(path, WORDS, sizeof WORDS / sizeof *WORDS, ENDS_NS[i]);
        CHECK_OK(et__recorded_links_read(path, links, &n, &err));
        CHECK_EQ(n, 2);
        for (size_t k = 0; k < n; k++)
            CHECK_EQ(links[k].n_taken, links[k].session == 7 ? 3 : 12);
        CHECK_EQ(remove(path), 0);
    }
}

static void of_too_many_sessions_the_latest_are_told(void)
{
    struct et__links *links = calloc(1, sizeof *links);
    size_t n_old = 0;
    if (!CHECK(links))
        return;
    for (uint64_t k = 0; k < ET_RECORDING_LINKS_MAX; k++)
        et__links_note(links, 100 + k, k, (int64_t)(1000 + k));
    et__links_note(links, 100, 50, 5000); // the first one is heard of again
    et__links_note(links, 100, 51, 5000);
    et__links_note(links, 1, 7, 5001);
    et__links_note(links, 2, 8, 5002);
    CHECK_EQ(links->n, ET_RECORDING_LINKS_MAX);
    for (size_t i = 0; i < links->n; i++) {
        const struct et_recorded_link *link = &links->of[i].link;
        n_old += link->session == 101 || link->session == 102;
        if (link->session == 100)
            CHECK_EQ(link->n_taken, 52);
        if (link->session == 2)
            CHECK_EQ(link->n_taken, 9);
    }
    CHECK_EQ(n_old, 0);
    free(links);
}

// Two robots on one station; one has gone for long when the recorder ends, and both come back.
static void two_robots_are_told_apart(void)
{
    struct rig rig;
    struct agent_side a, b;
    open_rig(&rig, "two", "session");
    open_robot(&a, &rig, "robot-1");
    open_robot(&b, &rig, "robot-2");
    work(&rig, &a, 100 * MS);
    work(&rig, &b, 200 * MS);
    CHECK(is_all_taken(&rig, &a, 60 * S) && is_all_taken(&rig, &b, 60 * S));
    work(&rig, &a, 100 * MS); // and of these the agent is not told
    close_station(&rig);
    work(&rig, &a, 100 * MS);
    work(&rig, &b, 100 * MS);
    open_station(&rig);
    CHECK(is_all_taken(&rig, &a, 60 * S) && is_all_taken(&rig, &b, 60 * S));
    close_station(&rig);
    CHECK_EQ(et_link_agent_status(a.agent).n_lost + et_link_agent_status(b.agent).n_lost, 0);
    struct et_arena *arena;
    const char *const *names;
    size_t n_names;
    uint64_t n = 0;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    CHECK_OK(et_dir_list(rig.folder, arena, &names, &n_names, &err));
    for (size_t i = 0; i < n_names; i++) {
        unsigned n_of[10000] = {0};
        if (!et_str_ends(et_str(names[i]), ".mcap"))
            continue;
        count_file(et_path_join(arena, rig.folder, names[i]), n_of, 10000);
        for (size_t k = 0; k < 10000; k++)
            n += n_of[k];
    }
    CHECK_EQ(n, a.n_put + b.n_put);
    et_arena_close(arena);
    close_agent(&a);
    close_agent(&b);
    open_station(&rig);
    close_rig(&rig);
}

int main(void)
{
    RUN(nothing_is_taken_while_the_disk_does_not_answer);
    RUN(what_a_file_lost_the_next_one_has);
    RUN(outside_an_attempt_nothing_is_wanted);
    RUN(an_attempt_without_a_file_keeps_nobody_waiting_for_ever);
    RUN(who_only_looks_on_keeps_nobody_waiting);
    RUN(the_last_word_of_each_is_found);
    RUN(of_too_many_sessions_the_latest_are_told);
    RUN(two_robots_are_told_apart);
    return tap_end();
}
