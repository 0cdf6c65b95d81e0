/* The recorder: the threads that write, and what others ask of them. */
#include "record/record__recorder.h"

#include "etude/clock.h"
#include "etude/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <time.h>

#define COMMIT_NS (ET_NS_PER_S / 20)
#define KEEP_FREE_BYTES ((int64_t)1 << 30)
#define MARGIN_BYTES ((int64_t)16 << 20)
#define PART_NS (600 * ET_NS_PER_S)
#define PART_BYTES ((int64_t)4 << 30)
#define BEFORE_NS ET_NS_PER_S
#define WAIT_BYTES ((size_t)256 << 20)
#define DRAIN_NS 5000000   // from one look at the feeds to the next
#define SYNCING_NS 1000000 // while a commit is awaited that is late
#define LOOK_NS ET_NS_PER_S
#define DRAINS_MAX 64
#define WRITERS_MAX 64

int64_t et__recorder_real(const struct et_recorder *r)
{
    return r->options.real_ns ? r->options.real_ns() : et_clock_real_ns();
}

// Once full, so much more has to be free before anything is begun: else it would begin and end.
static int64_t margin(const struct et_recorder *r)
{
    const int64_t tenth = r->options.keep_free_bytes / 10;
    return tenth > MARGIN_BYTES ? tenth : MARGIN_BYTES;
}

const struct et_err *et__recorder_full(const struct et_recorder *r, struct et_err *err)
{
    (void)et_fail(err, ET_EIO, -1,
                  "the disk of %s is nearly full, nothing is recorded: %" PRId64
                  " MB more have to be free (keep_free_gb: %.6g)",
                  r->folder, (margin(r) - atomic_load(&r->free_bytes)) / 1000000 + 1,
                  (double)r->options.keep_free_bytes / 1e9);
    return err;
}

/* ---- the threads that write ---- */

// What tapes took ahead is theirs: it is free until they fill it.
static void look_at_disk(struct et_recorder *r)
{
    struct statvfs disk;
    int64_t ahead = 0;
    if (!r->folder)
        return;
    for (unsigned i = 0; i < r->options.n_threads; i++)
        ahead += atomic_load(&r->writers[i].n_ahead);
    // A disk that will not say is written to until it fails.
    if (statvfs(r->folder, &disk) != 0)
        return;
    const int64_t free_bytes =
        (int64_t)disk.f_bavail * (int64_t)disk.f_frsize + ahead - r->options.keep_free_bytes;
    atomic_store(&r->free_bytes, free_bytes);
    if (free_bytes < 0 || free_bytes >= margin(r))
        atomic_store(&r->is_full, free_bytes < 0);
}

void et__recorder_failed(struct et_recorder *r)
{
    look_at_disk(r);
    if (atomic_load(&r->free_bytes) < margin(r))
        atomic_store(&r->is_full, true);
}

// Ends what is being recorded, whole, before the disk is full.
static void end_for_want_of_disk(struct et__writer *w)
{
    for (struct et_station *s = w->stations; s; s = s->next) {
        struct et_err err = {0};
        if (s->file && et__station_end_file(s, NULL, &err) == ET_OK)
            et__station_fail(s, et__recorder_full(s->recorder, &err));
        else if (err.status != ET_OK)
            et__station_fail(s, &err);
    }
}

static void look(struct et__writer *w, int64_t t_now_ns)
{
    if (t_now_ns < w->t_look_ns)
        return;
    w->t_look_ns = t_now_ns + LOOK_NS;
    atomic_store(&w->n_ahead, et__deck_ahead(w->deck));
    look_at_disk(w->recorder);
    if (atomic_load(&w->recorder->is_full))
        end_for_want_of_disk(w);
    for (struct et_station *s = w->stations; s; s = s->next)
        et__station_look(s, t_now_ns);
}

// The commit that was under way is over.
static void note_done(struct et__writer *w, int64_t t_now_ns)
{
    struct et_recorder *r = w->recorder;
    if (w->t_safe_ns == w->t_covered_ns)
        return;
    w->t_safe_ns = w->t_covered_ns;
    for (struct et_station *s = w->stations; s; s = s->next) {
        et__station_settle(s);
        et__station_publish(s);
    }
    if (w->t_under_way_ns == 0)
        return;
    (void)pthread_mutex_lock(&r->lock);
    r->windows_ns[r->n_windows++ % ET__WINDOWS] = t_now_ns - w->t_under_way_ns;
    (void)pthread_mutex_unlock(&r->lock);
    w->t_under_way_ns = 0;
}

/* Closes what is open of chunks: all that was taken out of the feeds lies in the tapes' memory,
 * where a kill leaves it. */
static void close_chunks(struct et__writer *w)
{
    struct et_err err = {0};
    for (struct et_station *s = w->stations; s; s = s->next) {
        if (!s->file)
            continue;
        enum et_status st = et__file_check(s->file, &err);
        if (st == ET_OK && s->has_new) {
            st = et__station_tell_links(s, &err);
            if (st == ET_OK)
                st = et__file_flush(s->file, &err);
            s->n_open_bytes = 0;
        }
        if (st != ET_OK)
            et__station_fail(s, &err);
        else
            et__station_keep(s, s->t_drained_ns);
    }
}

static void commit(struct et__writer *w, int64_t t_now_ns)
{
    bool has_new = false;
    close_chunks(w);
    for (struct et_station *s = w->stations; s; s = s->next) {
        if (!s->file)
            continue;
        has_new = has_new || s->has_new;
        s->has_new = false;
        et__station_cover(s);
    }
    if (has_new)
        et__deck_commit(w->deck);
    w->t_covered_ns = w->t_drain_ns;
    w->t_under_way_ns = has_new ? w->t_oldest_ns : 0;
    w->t_oldest_ns = 0;
    w->t_commit_ns += w->recorder->options.commit_ns;
    if (w->t_commit_ns < t_now_ns)
        w->t_commit_ns = t_now_ns + w->recorder->options.commit_ns;
    w->t_close_ns = w->t_commit_ns;
}

// The disk is slow: the commit before is not over. What came meanwhile is kept from a kill.
static void wait_for_disk(struct et__writer *w, int64_t t_now_ns)
{
    if (t_now_ns < w->t_close_ns)
        return;
    close_chunks(w);
    w->t_close_ns = t_now_ns + w->recorder->options.commit_ns;
}

// Returns when to go on.
static int64_t step(struct et__writer *w)
{
    const int64_t t_now_ns = et_clock_monotonic_ns();
    const size_t n_waiting = et__deck_waiting(w->deck);
    atomic_store(&w->n_waiting, n_waiting);
    const bool is_done = et__deck_poll(w->deck);
    if (is_done)
        note_done(w, t_now_ns);
    // Where too much waits for the disk, the feeds fill, and say what they drop.
    if (n_waiting < w->recorder->options.wait_bytes / w->recorder->options.n_threads) {
        if (w->t_oldest_ns == 0)
            w->t_oldest_ns = w->t_drain_ns;
        for (struct et_station *s = w->stations; s; s = s->next)
            et__station_drain(s, INT64_MAX);
        w->t_drain_ns = t_now_ns;
    }
    look(w, t_now_ns);
    if (t_now_ns >= w->t_commit_ns && is_done) {
        commit(w, t_now_ns);
    } else if (t_now_ns >= w->t_commit_ns) {
        wait_for_disk(w, t_now_ns);
        return t_now_ns + SYNCING_NS;
    }
    const int64_t t_drain_ns = t_now_ns + DRAIN_NS;
    return t_drain_ns < w->t_commit_ns ? t_drain_ns : w->t_commit_ns;
}

static void remove_station(struct et__writer *w, struct et_station *station)
{
    for (struct et_station **at = &w->stations; *at; at = &(*at)->next)
        if (*at == station) {
            *at = station->next;
            return;
        }
}

/* Takes in all that was put until then: of what can wait, no more is taken at a time than may be
 * owed. Each turn takes half a feed at least, but for a disk that fails. */
static void drain_all(struct et_station *s, int64_t until_ns)
{
    struct et_err err = {0};
    et__station_drain(s, until_ns);
    for (int i = 0; i < DRAINS_MAX && s->file && s->t_drained_ns < until_ns; i++) {
        enum et_status st = et__station_close_chunk(s, &err);
        if (st == ET_OK)
            st = et__station_commit(s, &err);
        if (st != ET_OK)
            et__station_fail(s, &err);
        et__station_drain(s, until_ns);
    }
}

static enum et_status end_run(const struct et__command *c)
{
    struct et_station *s = c->station;
    if (!s->is_running)
        return et_fail(c->err, ET_ENOTFOUND, -1, "%s: nothing is being recorded", s->name);
    drain_all(s, c->t_ns);
    et__station_look(s, et_clock_monotonic_ns());
    enum et_status st = ET_OK;
    if (s->file)
        st = et__station_end_file(s, c->outcome, c->err);
    else
        st = et_fail(c->err, ET_EIO, -1, "%s", s->status.trouble.text);
    if (s->file) // it could not be ended
        et__station_fail(s, c->err);
    if (st != ET_OK)
        et__station_give_up(s, c->t_ns);
    et__station_stop(s);
    return st;
}

static void obey(struct et__writer *w, struct et__command *c)
{
    switch (c->kind) {
    case ET__ADD:
        c->station->next = w->stations;
        w->stations = c->station;
        break;
    case ET__REMOVE:
        remove_station(w, c->station);
        break;
    case ET__BEGIN:
        if (!c->station->recorder->folder)
            c->st =
                et_fail(c->err, ET_EARG, -1, "%s: this recorder has no folder, and records nothing",
                        c->station->name);
        else if (c->station->is_running)
            c->st = et_fail(c->err, ET_EEXISTS, -1, "%s: is recording already", c->station->name);
        else
            c->st = et__station_start(c->station, c->run, c->err);
        break;
    case ET__END:
        c->st = end_run(c);
        break;
    }
}

static void wait_until(struct et__writer *w, int64_t t_ns)
{
    const struct timespec t = {.tv_sec = t_ns / ET_NS_PER_S, .tv_nsec = t_ns % ET_NS_PER_S};
    (void)pthread_cond_timedwait(&w->wake, &w->lock, &t);
}

static void *write_all(void *arg)
{
    struct et__writer *w = arg;
    (void)pthread_mutex_lock(&w->lock);
    while (!w->must_stop || w->first_command) {
        struct et__command *c = w->first_command;
        if (c) {
            w->first_command = c->next;
            (void)pthread_mutex_unlock(&w->lock);
            obey(w, c);
            (void)pthread_mutex_lock(&w->lock);
            c->is_done = true;
            (void)pthread_cond_broadcast(&w->done);
            continue;
        }
        (void)pthread_mutex_unlock(&w->lock);
        const int64_t t_next_ns = step(w);
        (void)pthread_mutex_lock(&w->lock);
        if (!w->first_command && !w->must_stop)
            wait_until(w, t_next_ns);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum et_status et__writer_ask(struct et__writer *w, struct et__command *c)
{
    c->t_ns = et_clock_monotonic_ns();
    (void)pthread_mutex_lock(&w->lock);
    if (w->first_command)
        w->last_command->next = c;
    else
        w->first_command = c;
    w->last_command = c;
    (void)pthread_cond_signal(&w->wake);
    while (!c->is_done)
        (void)pthread_cond_wait(&w->done, &w->lock);
    (void)pthread_mutex_unlock(&w->lock);
    return c->st;
}

/* ---- opening ---- */

static void fill_in(struct et_recorder_options *o)
{
    o->n_threads = o->n_threads ? o->n_threads : 1;
    o->commit_ns = o->commit_ns ? o->commit_ns : COMMIT_NS;
    o->keep_free_bytes = o->keep_free_bytes < 0    ? 0
                         : o->keep_free_bytes == 0 ? KEEP_FREE_BYTES
                                                   : o->keep_free_bytes;
    o->part_ns = o->part_ns ? o->part_ns : PART_NS;
    o->part_bytes = o->part_bytes ? o->part_bytes : PART_BYTES;
    o->before_ns = o->before_ns < 0 ? 0 : o->before_ns == 0 ? BEFORE_NS : o->before_ns;
    o->wait_bytes = o->wait_bytes ? o->wait_bytes : WAIT_BYTES;
}

static enum et_status open_writer(struct et_recorder *r, struct et__writer *w, struct et_err *err)
{
    const struct et__deck_options how = {.without_uring = r->options.without_uring,
                                         .without_direct = r->options.without_direct};
    pthread_condattr_t attr;
    w->recorder = r;
    w->t_commit_ns = w->t_drain_ns = et_clock_monotonic_ns();
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->wake, &attr);
    (void)pthread_cond_init(&w->done, NULL);
    (void)pthread_condattr_destroy(&attr);
    r->n_writers++;
    enum et_status st = et__deck_open(&w->deck, &how, err);
    if (st != ET_OK)
        return st;
    r->has_uring = et__deck_has_uring(w->deck);
    const int sys = pthread_create(&w->thread, NULL, write_all, w);
    if (sys != 0)
        return et_fail_sys(err, sys, "cannot start a thread that writes");
    w->has_thread = true;
    return ET_OK;
}

static void close_writer(struct et__writer *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->must_stop = true;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
    if (w->has_thread)
        (void)pthread_join(w->thread, NULL);
    et__deck_close(w->deck);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_cond_destroy(&w->done);
    (void)pthread_mutex_destroy(&w->lock);
}

static void release(struct et_recorder *r)
{
    for (unsigned i = 0; i < r->n_writers; i++)
        close_writer(&r->writers[i]);
    (void)pthread_mutex_destroy(&r->lock);
    free(r->writers);
    free(r->links);
    free(r->folder);
    free(r);
}

enum et_status et_recorder_open(struct et_recorder **recorder,
                                const struct et_recorder_options *options, struct et_err *err)
{
    *recorder = NULL;
    if (options->n_threads > WRITERS_MAX)
        return et_fail(err, ET_EARG, -1, "more than %d threads that write", WRITERS_MAX);
    struct et_recorder *r = calloc(1, sizeof *r);
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recorder");
    (void)pthread_mutex_init(&r->lock, NULL);
    r->options = *options;
    fill_in(&r->options);
    r->folder = options->folder ? strdup(options->folder) : NULL;
    r->writers = calloc(r->options.n_threads, sizeof *r->writers);
    enum et_status st = ET_OK;
    if (!r->writers || (options->folder && !r->folder))
        st = et_fail(err, ET_ENOMEM, -1, "no memory for a recorder");
    else if (r->folder)
        st = et_dir_make(r->folder, err);
    r->to_real_ns = et__recorder_real(r) - et_clock_monotonic_ns();
    if (st == ET_OK)
        look_at_disk(r);
    for (unsigned i = 0; i < r->options.n_threads && st == ET_OK; i++)
        st = open_writer(r, &r->writers[i], err);
    if (st != ET_OK) {
        release(r);
        return st;
    }
    *recorder = r;
    return ET_OK;
}

enum et_status et_recorder_close(struct et_recorder *r, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (!r)
        return ET_OK;
    for (;;) {
        (void)pthread_mutex_lock(&r->lock);
        struct et_station *station = r->stations;
        (void)pthread_mutex_unlock(&r->lock);
        if (!station)
            break;
        const enum et_status closed = et_station_close(station, st == ET_OK ? err : NULL);
        st = st == ET_OK ? closed : st;
    }
    release(r);
    return st;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t cpu_of(const struct et__writer *w)
{
    clockid_t clock;
    struct timespec t;
    if (pthread_getcpuclockid(w->thread, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return t.tv_sec * ET_NS_PER_S + t.tv_nsec;
}

struct et_recorder_status et_recorder_status(struct et_recorder *r)
{
    struct et_recorder_status status = {.free_bytes = atomic_load(&r->free_bytes),
                                        .keep_free_bytes = r->options.keep_free_bytes,
                                        .is_full = atomic_load(&r->is_full),
                                        .n_bytes = atomic_load(&r->n_bytes),
                                        .has_uring = r->has_uring};
    int64_t windows_ns[ET__WINDOWS];
    (void)pthread_mutex_lock(&r->lock);
    const size_t n = r->n_windows < ET__WINDOWS ? r->n_windows : ET__WINDOWS;
    memcpy(windows_ns, r->windows_ns, n * sizeof *windows_ns);
    for (struct et_station *s = r->stations; s; s = s->next_of_all) {
        status.n_stations++;
        (void)pthread_mutex_lock(&s->lock);
        status.n_recording += s->status.state == ET_STATION_RECORDING;
        (void)pthread_mutex_unlock(&s->lock);
    }
    (void)pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < r->n_writers; i++) {
        status.n_waiting += atomic_load(&r->writers[i].n_waiting);
        status.cpu_ns += cpu_of(&r->writers[i]);
    }
    if (n > 0) {
        qsort(windows_ns, n, sizeof *windows_ns, compare);
        status.window_p50_ns = windows_ns[n / 2];
        status.window_p99_ns = windows_ns[(n - 1) * 99 / 100];
        status.window_max_ns = windows_ns[n - 1];
    }
    return status;
}
