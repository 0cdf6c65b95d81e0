#include "record/record__tape.h"

#include "record/record__held.h"
#include "record/record__uring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define AHEAD_BYTES ((int64_t)16 << 20)
#define DIRECT_MIN ((size_t)4 * ET__TAPE_BLOCK) // less is not worth a way of its own

struct et__tape {
    struct et__deck *deck;
    struct et__tape *next;
    char *path;
    int fd, direct_fd; // direct_fd −1: the file system has none
    bool is_locked;    // so that others see that it is being written
    struct et__held held[2];
    struct et__held *filling, *flying;
    int64_t safe, taken; // taken: how far the disk was taken ahead
    struct et_err trouble;
    // of the commit under way
    unsigned n_calls, n_done;
    bool is_short, is_sync_bad; // a write did not write all; the sync failed
    int sys;
};

struct et__deck {
    struct et__uring *uring; // NULL: plain calls
    struct et__deck_options options;
    struct et__tape *tapes;
    bool is_under_way;
};

/* ---- opening ---- */

enum et_status et__deck_open(struct et__deck **deck, const struct et__deck_options *options,
                             struct et_err *err)
{
    *deck = calloc(1, sizeof **deck);
    if (!*deck)
        return et_fail(err, ET_ENOMEM, -1, "no memory for writing to a disk");
    if (options)
        (*deck)->options = *options;
    if ((*deck)->options.ahead_bytes == 0)
        (*deck)->options.ahead_bytes = AHEAD_BYTES;
    if (!(*deck)->options.without_uring)
        (*deck)->uring = et__uring_open();
    return ET_OK;
}

bool et__deck_has_uring(const struct et__deck *deck)
{
    return deck->uring != NULL;
}

static void release(struct et__tape *t)
{
    for (struct et__tape **at = &t->deck->tapes; *at; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            break;
        }
    // While the file is open no other one gets its number, and so no other memory these names.
    et__held_close(t->filling);
    et__held_close(t->flying);
    if (t->direct_fd >= 0)
        (void)close(t->direct_fd);
    if (t->fd >= 0)
        (void)close(t->fd);
    free(t->path);
    free(t);
}

void et__deck_close(struct et__deck *deck)
{
    if (!deck)
        return;
    et__deck_wait(deck);
    while (deck->tapes)
        release(deck->tapes);
    et__uring_close(deck->uring);
    free(deck);
}

enum et_status et__tape_open(struct et__tape **tape, struct et__deck *deck, const char *path,
                             struct et_err *err)
{
    *tape = NULL;
    struct et__tape *t = calloc(1, sizeof *t);
    if (!t)
        return et_fail(err, ET_ENOMEM, -1, "no memory for writing a file");
    t->fd = t->direct_fd = -1;
    t->filling = &t->held[0];
    t->flying = &t->held[1];
    t->deck = deck;
    t->next = deck->tapes;
    deck->tapes = t;
    t->path = strdup(path);
    enum et_status st =
        t->path ? ET_OK : et_fail(err, ET_ENOMEM, -1, "no memory for writing a file");
    if (st == ET_OK) {
        t->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (t->fd < 0)
            st = errno == EEXIST ? et_fail(err, ET_EEXISTS, -1, "%s: exists already", path)
                                 : et_fail_sys(err, errno, "cannot create %s", path);
    }
    for (unsigned i = 0; i < 2 && st == ET_OK; i++)
        st = et__held_open(&t->held[i], t->fd, path, i, deck->options.without_names, err);
    if (st != ET_OK) {
        release(t);
        return st;
    }
    // Who looks whether it is being written holds the lock for a moment; it is waited for.
    t->is_locked = flock(t->fd, LOCK_EX) == 0;
    if (!deck->options.without_direct)
        t->direct_fd = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
    *tape = t;
    return ET_OK;
}

/* ---- what is put ---- */

enum et_status et__tape_check(const struct et__tape *t, struct et_err *err)
{
    if (t->trouble.status != ET_OK && err)
        *err = t->trouble;
    return t->trouble.status;
}

enum et_status et__tape_put(struct et__tape *t, const void *bytes, size_t n, struct et_err *err)
{
    const enum et_status st = et__tape_check(t, err);
    if (st != ET_OK)
        return st;
    if (n > ET__TAPE_WAITING_MAX || et__held_n(t->filling) > ET__TAPE_WAITING_MAX - n)
        return et_fail(err, ET_ELIMIT, et__held_at(t->filling),
                       "%s: more than %zu MB wait for the disk, which is too slow", t->path,
                       ET__TAPE_WAITING_MAX >> 20);
    if (!et__held_put(t->filling, bytes, n))
        return et_fail(err, ET_ENOMEM, et__held_end(t->filling), "%s: no memory for what waits",
                       t->path);
    return ET_OK;
}

int64_t et__tape_bytes(const struct et__tape *t)
{
    return et__held_end(t->filling);
}

int64_t et__tape_safe(const struct et__tape *t)
{
    return t->safe;
}

bool et__tape_is_locked(const struct et__tape *t)
{
    return t->is_locked;
}

bool et__tape_outlives(const struct et__tape *t)
{
    return et__held_outlives(t->filling) && et__held_outlives(t->flying);
}

bool et__tape_is_direct(const struct et__tape *t)
{
    return t->direct_fd >= 0;
}

/* ---- a commit ---- */

/* A buffer's parts: up to a block's beginning, whole blocks, the rest. Those without whole blocks
 * are one part. */
struct part {
    int fd;
    const char *p;
    size_t n;
    int64_t at;
};
#define PARTS_MAX 3

static size_t split(const struct et__tape *t, struct part parts[PARTS_MAX])
{
    const char *p = et__held_bytes(t->flying);
    const int64_t at = et__held_at(t->flying);
    const size_t n_all = et__held_n(t->flying), over = (size_t)(at % ET__TAPE_BLOCK);
    const size_t head = over ? ET__TAPE_BLOCK - over : 0;
    const size_t whole = n_all > head ? (n_all - head) / ET__TAPE_BLOCK * ET__TAPE_BLOCK : 0;
    size_t n = 0;
    if (t->direct_fd < 0 || whole < DIRECT_MIN) {
        parts[n++] = (struct part){t->fd, p, n_all, at};
        return n;
    }
    if (head)
        parts[n++] = (struct part){t->fd, p, head, at};
    parts[n++] = (struct part){t->direct_fd, p + head, whole, at + (int64_t)head};
    if (head + whole < n_all)
        parts[n++] = (struct part){t->fd, p + head + whole, n_all - head - whole,
                                   at + (int64_t)(head + whole)};
    return n;
}

static void break_tape(struct et__tape *t, const char *what, int sys)
{
    const enum et_status st =
        et_fail_sys(&t->trouble, sys, "%s %s at %" PRId64, what, t->path, et__held_at(t->flying));
    (void)st; // is in the trouble
    t->trouble.at = et__held_at(t->flying);
}

static void settle(struct et__tape *t)
{
    t->safe = et__held_end(t->flying);
    et__held_begin(t->flying, t->safe);
}

// By plain calls; also what io_uring wrote in part only: bytes at a place may be written again.
static void write_plainly(struct et__tape *t)
{
    struct part parts[PARTS_MAX];
    const size_t n_parts = split(t, parts);
    for (size_t i = 0; i < n_parts; i++) {
        struct part *part = &parts[i];
        while (part->n) {
            const ssize_t n = pwrite(part->fd, part->p, part->n, part->at);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && errno == EINVAL && part->fd == t->direct_fd) {
                part->fd = t->fd; // blocks of this file system are larger
                continue;
            }
            if (n <= 0) {
                break_tape(t, "cannot write", n < 0 ? errno : ENOSPC);
                return;
            }
            part->p += n;
            part->n -= (size_t)n;
            part->at += n;
            if (part->fd == t->direct_fd && (size_t)n % ET__TAPE_BLOCK != 0)
                part->fd = t->fd;
        }
    }
    int result;
    while ((result = fdatasync(t->fd)) != 0 && errno == EINTR)
        ;
    if (result != 0)
        break_tape(t, "cannot sync", errno);
    else
        settle(t);
}

// Room on the disk, so that a growing file lies together and a sync has little to say of it.
static void take_ahead(struct et__tape *t)
{
    const int64_t ahead = t->deck->options.ahead_bytes;
    const int64_t end = et__held_end(t->flying);
    if (ahead < 0 || end + ahead / 2 <= t->taken)
        return;
    const int64_t to = end + ahead;
    // A file system that cannot, or has too little left, writes all the same.
    if (fallocate(t->fd, FALLOC_FL_KEEP_SIZE, t->taken, to - t->taken) == 0 || errno != ENOSPC)
        t->taken = to;
}

static void on_done(void *ctx, unsigned i, size_t wanted, int result)
{
    struct et__tape *t = ctx;
    const bool is_sync = i + 1 == t->n_calls;
    t->n_done++;
    if (is_sync && result < 0 && result != -ECANCELED) {
        t->is_sync_bad = true;
        t->sys = -result;
    } else if (is_sync ? result < 0 : result < 0 || (size_t)result != wanted)
        t->is_short = true;
}

static void submit(struct et__tape *t)
{
    struct part parts[PARTS_MAX];
    struct et__uring_write writes[PARTS_MAX];
    const size_t n = split(t, parts);
    for (size_t i = 0; i < n; i++)
        writes[i] = (struct et__uring_write){parts[i].fd, parts[i].p, parts[i].n, parts[i].at};
    t->n_calls = (unsigned)n + 1;
    t->n_done = 0;
    t->is_short = t->is_sync_bad = false;
    et__uring_submit(t->deck->uring, writes, n, t->fd, on_done, t);
}

void et__deck_commit(struct et__deck *deck)
{
    et__deck_wait(deck);
    for (struct et__tape *t = deck->tapes; t; t = t->next) {
        if (t->trouble.status != ET_OK || et__held_n(t->filling) == 0)
            continue;
        struct et__held *filled = t->filling;
        t->filling = t->flying;
        t->flying = filled;
        et__held_begin(t->filling, et__held_end(filled));
        take_ahead(t);
        if (deck->uring)
            submit(t);
    }
    deck->is_under_way = true;
    if (deck->uring)
        et__uring_flush(deck->uring);
    else
        et__deck_wait(deck);
}

// What was under way when the ring failed may be written later, or not: its tapes end here.
static void lose_ring(struct et__deck *deck)
{
    et__uring_close(deck->uring);
    deck->uring = NULL;
    for (struct et__tape *t = deck->tapes; t; t = t->next)
        if (et__held_n(t->flying) > 0)
            break_tape(t, "io_uring failed, writing", EIO);
}

void et__deck_wait(struct et__deck *deck)
{
    if (!deck->is_under_way)
        return;
    deck->is_under_way = false;
    if (deck->uring && !et__uring_wait(deck->uring))
        lose_ring(deck);
    for (struct et__tape *t = deck->tapes; t; t = t->next) {
        if (et__held_n(t->flying) == 0)
            continue;
        if (t->n_calls > 0 && t->is_sync_bad)
            break_tape(t, "cannot sync", t->sys);
        else if (t->n_calls > 0 && t->n_done == t->n_calls && !t->is_short)
            settle(t);
        else if (t->trouble.status == ET_OK)
            write_plainly(t);
        t->n_calls = 0;
        if (t->trouble.status != ET_OK)
            et__held_begin(t->flying, t->safe);
    }
}

bool et__deck_poll(struct et__deck *deck)
{
    if (deck->is_under_way && deck->uring && !et__uring_poll(deck->uring))
        return false;
    et__deck_wait(deck);
    return true;
}

size_t et__deck_waiting(const struct et__deck *deck)
{
    size_t n = 0;
    for (const struct et__tape *t = deck->tapes; t; t = t->next)
        n += et__held_n(t->filling) + et__held_n(t->flying);
    return n;
}

int64_t et__deck_ahead(const struct et__deck *deck)
{
    int64_t n = 0;
    for (const struct et__tape *t = deck->tapes; t; t = t->next)
        n += t->taken > t->safe ? t->taken - t->safe : 0;
    return n;
}

enum et_status et__tape_close(struct et__tape *t, struct et_err *err)
{
    if (!t)
        return ET_OK;
    et__deck_commit(t->deck);
    et__deck_wait(t->deck);
    enum et_status st = et__tape_check(t, err);
    if (st == ET_OK && t->taken > t->safe && ftruncate(t->fd, t->safe) != 0)
        st = et_fail_sys(err, errno, "cannot give back what was taken ahead for %s", t->path);
    release(t);
    return st;
}

enum et_status et__tape_cut(struct et__tape *t, int64_t n, struct et_err *err)
{
    enum et_status st = ET_OK;
    et__deck_wait(t->deck);
    // First, or who finishes the file after a kill puts it back.
    et__held_close(t->filling);
    et__held_close(t->flying);
    if (n == 0 ? unlink(t->path) != 0 : ftruncate(t->fd, n) != 0 || fdatasync(t->fd) != 0)
        st = et_fail_sys(err, errno, "cannot cut %s at %" PRId64, t->path, n);
    release(t);
    return st;
}
