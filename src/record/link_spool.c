/* Frames on disk, while the network is away; they outlive the agent. */
#include "record/record__link.h"

#include "etude/hash.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two copies of the head, a page each: a kill or a power cut between them leaves one of them whole.
 * Then the ring of frames, and the streams that they are of. Nothing is synced: what was written
 * survives a kill of the agent; of a power cut what the system had written, and hashes tell which.
 */
#define PAGE_BYTES ((int64_t)4096)
#define RING_AT (2 * PAGE_BYTES)
#define STREAMS_BYTES ((int64_t)20 << 20) // the recorder takes definitions of 16 MiB
#define NUMBER_MAX (UINT64_C(1) << 62)
#define SHIFT_NS_MAX (INT64_MAX / 8)

static const char MAGIC[8] = "ETSPOOL1";

struct head {
    uint64_t hash; // of all behind it
    char magic[8];
    uint64_t turn; // the later copy is the one that holds
    uint64_t agent, session;
    uint64_t n_bytes, tail, head; // of the ring; places count on and never fall
    uint64_t n_records;           // between them
    uint64_t next, end, n_taken;  // numbers: of the next record, behind the last spooled, taken
};
static_assert(sizeof(struct head) == 96, "a head has no holes");

// Before each frame in the ring.
struct entry {
    uint64_t hash; // of all behind it
    uint64_t frame_hash, n;
    uint64_t place; // what the ring held a round before is not taken for it
    uint64_t boot;  // the clock that its times are of
    int64_t real_minus_mono_ns;
};
static_assert(sizeof(struct entry) == ET__LINK_SPOOL_ENTRY_BYTES, "an entry has no holes");

struct et__link_spool {
    int fd;
    struct et__link_spool_options options; // path: not kept
    char *path;
    struct head now;
    uint64_t cursor;    // what is before it was read
    uint64_t before;    // what is before it, another agent put
    int64_t streams_at; // behind those that were read or put
};

static uint64_t hash_behind(const void *p, size_t n)
{
    return et_hash64((const char *)p + sizeof(uint64_t), n - sizeof(uint64_t));
}

/* ---- bytes ---- */

static enum et_status move_at(struct et__link_spool *s, int64_t at, char *p, size_t n,
                              bool is_write, struct et_err *err)
{
    while (n > 0) {
        const ssize_t got =
            is_write ? pwrite(s->fd, p, n, (off_t)at) : pread(s->fd, p, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return et_fail_sys(err, errno, "the spool cannot be %s", is_write ? "written" : "read");
        if (got == 0)
            return et_fail(err, ET_ECORRUPT, at, "the spool ends at byte %lld", (long long)at);
        p += got;
        n -= (size_t)got;
        at += got;
    }
    return ET_OK;
}

// Writes or reads n bytes at a place of the ring, in two pieces where its end lies between.
static enum et_status move(struct et__link_spool *s, uint64_t place, char *p, size_t n,
                           bool is_write, struct et_err *err)
{
    const uint64_t at = place % s->now.n_bytes;
    const size_t piece = n < s->now.n_bytes - at ? n : (size_t)(s->now.n_bytes - at);
    enum et_status st = move_at(s, RING_AT + (int64_t)at, p, piece, is_write, err);
    if (st == ET_OK && piece < n)
        st = move_at(s, RING_AT, p + piece, n - piece, is_write, err);
    return st;
}

/* ---- the head ---- */

static enum et_status write_head(struct et__link_spool *s, struct et_err *err)
{
    s->now.turn++;
    s->now.hash = hash_behind(&s->now, sizeof s->now);
    enum et_status st = ET_OK;
    for (int i = 0; i < 2 && st == ET_OK; i++)
        st = move_at(s, i * PAGE_BYTES, (char *)&s->now, sizeof s->now, true, err);
    return st;
}

static bool is_head(const struct head *h)
{
    return h->hash == hash_behind(h, sizeof *h) && memcmp(h->magic, MAGIC, sizeof MAGIC) == 0 &&
           h->n_bytes > 0 && h->n_bytes <= (uint64_t)ET_LINK_SPOOL_BYTES_MAX &&
           h->head < NUMBER_MAX && h->tail <= h->head && h->head - h->tail <= h->n_bytes &&
           h->next < NUMBER_MAX && h->end <= h->next && h->n_taken < NUMBER_MAX &&
           h->n_records <= h->next && h->session != 0;
}

// false: neither copy holds.
static bool read_head(struct et__link_spool *s, struct head *head)
{
    bool is_there = false;
    for (int i = 0; i < 2; i++) {
        struct head h;
        if (move_at(s, i * PAGE_BYTES, (char *)&h, sizeof h, false, NULL) != ET_OK || !is_head(&h))
            continue;
        if (!is_there || h.turn > head->turn)
            *head = h;
        is_there = true;
    }
    return is_there;
}

static enum et_status begin_anew(struct et__link_spool *s, struct et_err *err)
{
    s->now = (struct head){.agent = et_hash64(s->options.agent, strlen(s->options.agent)),
                           .session = s->options.session,
                           .n_bytes = (uint64_t)s->options.n_bytes};
    memcpy(s->now.magic, MAGIC, sizeof MAGIC);
    s->streams_at = RING_AT + s->options.n_bytes;
    if (ftruncate(s->fd, 0) != 0)
        return et_fail_sys(err, errno, "%s: no spool can be kept here", s->path);
    return write_head(s, err);
}

// What cannot be taken up stays beside it, for who wants to look.
static enum et_status put_aside(struct et__link_spool *s, struct et__link_spooled *found,
                                struct et_err *err)
{
    char aside[ET__LINK_SPOOL_PATH_MAX];
    (void)snprintf(aside, sizeof aside, "%s.damaged", s->path);
    (void)et_fail(&found->trouble, ET_ECORRUPT, 0,
                  "%.80s: its head is damaged, nothing of it can be sent; it is kept as .damaged",
                  s->path);
    if (rename(s->path, aside) != 0)
        return et_fail_sys(err, errno, "%s: no spool can be kept here", s->path);
    (void)close(s->fd);
    s->fd = open(s->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->fd < 0 || flock(s->fd, LOCK_EX | LOCK_NB) != 0)
        return et_fail_sys(err, errno, "%s: no spool can be kept here", s->path);
    return begin_anew(s, err);
}

static enum et_status take_up(struct et__link_spool *s, struct et__link_spooled *found,
                              struct et_err *err)
{
    struct stat file;
    struct head head = {0};
    if (fstat(s->fd, &file) != 0)
        return et_fail_sys(err, errno, "%s: no spool can be kept here", s->path);
    if (file.st_size == 0)
        return begin_anew(s, err);
    if (!read_head(s, &head))
        return put_aside(s, found, err);
    if (head.agent != et_hash64(s->options.agent, strlen(s->options.agent)))
        return et_fail(err, ET_EEXISTS, -1, "%s is the spool of another agent", s->path);
    const uint64_t sent = head.end > head.n_taken ? head.end : head.n_taken;
    found->n_lost = head.next > sent ? head.next - sent : 0;
    if (head.tail == head.head)
        return begin_anew(s, err);
    s->now = head;
    s->cursor = head.tail;
    s->before = head.head;
    s->streams_at = RING_AT + (int64_t)head.n_bytes;
    found->session = head.session;
    found->n_records = head.n_records;
    found->next = head.next;
    return ET_OK;
}

enum et_status et__link_spool_open(struct et__link_spool **spool,
                                   const struct et__link_spool_options *options,
                                   struct et__link_spooled *found, struct et_err *err)
{
    assert(options->n_bytes > 0 && options->session != 0);
    *spool = NULL;
    *found = (struct et__link_spooled){0};
    if (strlen(options->path) + sizeof ".damaged" > ET__LINK_SPOOL_PATH_MAX)
        return et_fail(err, ET_ELIMIT, -1, "the spool's path is too long");
    struct et__link_spool *s = calloc(1, sizeof *s);
    char *path = strdup(options->path);
    if (!s || !path) {
        free(s);
        free(path);
        return et_fail(err, ET_ENOMEM, -1, "no memory for a spool");
    }
    s->options = *options;
    s->path = path;
    s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum et_status st = ET_OK;
    if (s->fd < 0)
        st = et_fail_sys(err, errno, "%s: no spool can be kept here", path);
    else if (flock(s->fd, LOCK_EX | LOCK_NB) != 0)
        st = errno != EWOULDBLOCK
                 ? et_fail(err, ET_EIO, -1,
                           "%s: its file system has no locks, so that two agents could spoil it: "
                           "let the spool be elsewhere (%s)",
                           path, strerror(errno))
                 : et_fail(err, ET_EEXISTS, -1, "%s: another agent uses this spool", path);
    else
        st = take_up(s, found, err);
    if (st != ET_OK) {
        et__link_spool_close(s, true);
        return st;
    }
    *spool = s;
    return ET_OK;
}

void et__link_spool_close(struct et__link_spool *s, bool is_kept)
{
    if (!s)
        return;
    if (!is_kept)
        (void)unlink(s->path);
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s->path);
    free(s);
}

/* ---- streams ---- */

static size_t streams_left(const struct et__link_spool *s)
{
    return (size_t)(RING_AT + (int64_t)s->now.n_bytes + STREAMS_BYTES - s->streams_at);
}

enum et_status et__link_spool_put_stream(struct et__link_spool *s, struct et_str frame,
                                         struct et_err *err)
{
    if (frame.n > streams_left(s))
        return et_fail(err, ET_ELIMIT, -1, "the spool has no room for more definitions");
    // Nothing is changed there: the cast is for the one function that moves both ways.
    const enum et_status st =
        move_at(s, s->streams_at, (char *)(uintptr_t)frame.p, frame.n, true, err);
    if (st == ET_OK)
        s->streams_at += (int64_t)frame.n;
    return st;
}

enum et_status et__link_spool_next_stream(struct et__link_spool *s, struct et_buf *buf,
                                          struct et__link_frame *frame, struct et_err *err)
{
    const size_t left = streams_left(s);
    const size_t max = left < ET__LINK_FRAME_BYTES_MAX ? left : ET__LINK_FRAME_BYTES_MAX;
    char head[ET__LINK_HEAD_BYTES];
    uint32_t n_body;
    size_t n_used;
    et_buf_clear(buf);
    if (left < sizeof head || move_at(s, s->streams_at, head, sizeof head, false, NULL) != ET_OK)
        return ET_END;
    memcpy(&n_body, head + sizeof(uint64_t), sizeof n_body);
    if (n_body == 0 || n_body > max - sizeof head) // zeros: nothing was written there yet
        return ET_END;
    char *to = et_buf_reserve(buf, sizeof head + n_body);
    if (!to)
        return et_buf_check(buf, "a stream of the spool", err);
    const enum et_status st = move_at(s, s->streams_at, to, sizeof head + n_body, false, err);
    if (st != ET_OK)
        return st;
    buf->n = sizeof head + n_body;
    if (et__link_next(buf->p, buf->n, max, frame, &n_used, NULL) != ET_OK ||
        frame->type != ET__LINK_STREAM)
        return et_fail(err, ET_ECORRUPT, s->streams_at, "a stream of the spool is damaged");
    s->streams_at += (int64_t)buf->n;
    return ET_OK;
}

/* ---- frames ---- */

enum et_status et__link_spool_put(struct et__link_spool *s, struct et_str frame, uint64_t end,
                                  uint32_t n_records, struct et_err *err)
{
    struct entry entry = {.frame_hash = et_hash64(frame.p, frame.n),
                          .n = frame.n,
                          .place = s->now.head,
                          .boot = s->options.boot,
                          .real_minus_mono_ns = s->options.real_minus_mono_ns};
    const uint64_t n = sizeof entry + frame.n;
    if (n > s->now.n_bytes)
        return et_fail(err, ET_ELIMIT, -1, "a batch of %zu bytes is more than the spool", frame.n);
    if (s->now.head - s->now.tail + n > s->now.n_bytes)
        return ET_AGAIN;
    entry.hash = hash_behind(&entry, sizeof entry);
    const struct head old = s->now;
    enum et_status st = move(s, old.head, (char *)&entry, sizeof entry, true, err);
    if (st == ET_OK)
        st = move(s, old.head + sizeof entry, (char *)(uintptr_t)frame.p, frame.n, true, err);
    if (st != ET_OK)
        return st;
    s->now.head += n;
    s->now.n_records += n_records;
    s->now.end = end;
    s->now.next = end > s->now.next ? end : s->now.next;
    st = write_head(s, err);
    if (st != ET_OK) {
        const uint64_t turn = s->now.turn;
        s->now = old;
        s->now.turn = turn;
    }
    return st;
}

static enum et_status read_frame(struct et__link_spool *s, const struct entry *entry,
                                 struct et_buf *buf, struct et_err *err)
{
    char *to = et_buf_reserve(buf, (size_t)entry->n);
    if (!to)
        return et_buf_check(buf, "a batch of the spool", err);
    const enum et_status st = move(s, s->cursor + sizeof *entry, to, (size_t)entry->n, false, err);
    if (st != ET_OK)
        return st;
    buf->n = (size_t)entry->n;
    if (et_hash64(buf->p, buf->n) != entry->frame_hash)
        return et_fail(err, ET_ECORRUPT, (int64_t)s->cursor, "a batch of the spool is damaged");
    if (entry->boot == s->options.boot)
        return ET_OK;
    const int64_t then_ns = entry->real_minus_mono_ns, now_ns = s->options.real_minus_mono_ns;
    if (then_ns > SHIFT_NS_MAX || then_ns < -SHIFT_NS_MAX)
        return et_fail(err, ET_ECORRUPT, (int64_t)s->cursor, "a batch of the spool has no time");
    return et__link_shift_batch(buf, then_ns - now_ns, err);
}

enum et_status et__link_spool_next(struct et__link_spool *s, struct et_buf *buf, struct et_err *err)
{
    struct entry entry;
    et_buf_clear(buf);
    const uint64_t left = s->now.head - s->cursor;
    if (left == 0)
        return ET_END;
    if (left < sizeof entry)
        return et_fail(err, ET_ECORRUPT, (int64_t)s->cursor, "a batch of the spool is cut short");
    enum et_status st = move(s, s->cursor, (char *)&entry, sizeof entry, false, err);
    if (st != ET_OK)
        return st;
    if (entry.hash != hash_behind(&entry, sizeof entry) || entry.place != s->cursor ||
        entry.n > left - sizeof entry)
        return et_fail(err, ET_ECORRUPT, (int64_t)s->cursor, "a batch of the spool is damaged");
    st = read_frame(s, &entry, buf, err);
    if (st == ET_OK)
        s->cursor += sizeof entry + entry.n;
    return st;
}

uint64_t et__link_spool_place(const struct et__link_spool *s)
{
    return s->cursor;
}

void et__link_spool_go_to(struct et__link_spool *s, uint64_t place)
{
    assert(place >= s->now.tail && place <= s->now.head);
    s->cursor = place;
}

bool et__link_spool_is_before(const struct et__link_spool *s)
{
    return s->cursor < s->before;
}

void et__link_spool_pass(struct et__link_spool *s)
{
    s->cursor = s->cursor < s->before ? s->before : s->now.head;
}

void et__link_spool_drop(struct et__link_spool *s, uint64_t place, uint64_t n_records)
{
    assert(place >= s->now.tail && place <= s->cursor);
    if (place == s->now.tail)
        return;
    s->now.tail = place;
    s->now.n_records = n_records < s->now.n_records ? s->now.n_records - n_records : 0;
    // What fails here is sent twice after a kill, and passed over by the recorder.
    (void)!write_head(s, NULL);
}

void et__link_spool_note(struct et__link_spool *s, uint64_t next, uint64_t n_taken)
{
    if (next == s->now.next && n_taken == s->now.n_taken)
        return;
    s->now.next = next;
    s->now.n_taken = n_taken;
    (void)!write_head(s, NULL);
}

int64_t et__link_spool_bytes(const struct et__link_spool *s)
{
    return (int64_t)(s->now.head - s->now.tail);
}

uint64_t et__link_spool_left(const struct et__link_spool *s)
{
    return s->now.head - s->cursor;
}
