/* Recordings that a kill or a power cut left unfinished. */
#include "record/record__held.h"
#include "record/record__recorder.h"

#include "etude/clock.h"
#include "etude/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define PATIENCE_NS (2 * ET_NS_PER_S)
#define LOOK_NS 5000000
#define QUIET_S 60 // after which nobody writes a file that cannot be locked

struct recovering {
    struct et_arena *arena;
    void (*each)(void *ctx, const struct et_recovered *file);
    void *ctx;
    size_t n_failed;
    int64_t t_patience_ns; // until when what is locked is waited for
};

enum lock { LOCK_FREE, LOCK_TAKEN, LOCK_UNKNOWN };

static enum lock lock_of(const char *part)
{
    const int fd = open(part, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return LOCK_FREE;
    enum lock lock = LOCK_FREE;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        lock = errno == EWOULDBLOCK ? LOCK_TAKEN : LOCK_UNKNOWN;
    (void)close(fd);
    return lock;
}

/* Who writes a file holds its lock. Of who was killed the system may hold it a little longer, until
 * the writes that were under way are over: only then is the file his no more. */
static enum lock wait_for_lock(struct recovering *r, const char *part)
{
    enum lock lock;
    while ((lock = lock_of(part)) == LOCK_TAKEN && et_clock_monotonic_ns() < r->t_patience_ns)
        et_clock_wait_until(et_clock_monotonic_ns() + LOOK_NS);
    return lock;
}

/* Without locks: whether nothing came to it for some time. Who writes it on this machine has, too,
 * locked what waits for the disk. */
static enum et_status check_quiet(const char *part, struct et_err *err)
{
    struct stat file;
    if (stat(part, &file) != 0)
        return et_fail_sys(err, errno, "cannot look at %s", part);
    const int64_t ago_s = et_clock_real_ns() / ET_NS_PER_S - file.st_mtim.tv_sec;
    if (ago_s >= QUIET_S)
        return ET_OK;
    return et_fail(
        err, ET_EIO, -1,
        "%.100s: without locks nobody knows whether it is being written: it changed less "
        "than %d s ago",
        part, QUIET_S);
}

static enum et_status write_note(struct et_mcap_writer *w, int64_t n_cut, bool is_copy,
                                 struct et_err *err)
{
    char cut[32];
    (void)snprintf(cut, sizeof cut, "%" PRId64, n_cut);
    const struct et_mcap_pair pairs[] = {
        {ET_STR("cut_bytes"), et_str(cut)},
        {ET_STR("program"), ET_STR("etude " ET_VERSION)},
        {ET_STR("how"), et_str(is_copy ? "copied from what was damaged" : "finished")},
    };
    const struct et_mcap_metadata metadata = {
        .name = ET_STR("etude.recovered"), .pairs = pairs, .n_pairs = sizeof pairs / sizeof *pairs};
    return et_mcap_write_metadata(w, &metadata, err);
}

static enum et_status end(struct et_mcap_writer *w, enum et_status st, struct et_err *err)
{
    if (st == ET_OK)
        return et_mcap_finish(w, err);
    et_mcap_writer_close(w);
    return st;
}

// The usual case: only its end is missing.
static enum et_status finish(const char *part, int64_t *n_cut, struct et_err *err)
{
    struct et_mcap_writer *w;
    const struct et_mcap_write_options how = {.should_sync = true};
    enum et_status st = et_mcap_resume(&w, part, &how, n_cut, err);
    if (st == ET_EEXISTS) { // finished, and not renamed
        *n_cut = 0;
        return ET_OK;
    }
    if (st != ET_OK)
        return st;
    return end(w, write_note(w, *n_cut, false, err), err);
}

static int64_t bytes_left_out(const struct et_mcap_info *info)
{
    int64_t n = 0;
    for (size_t i = 0; i < info->n_remarks; i++)
        n += info->remarks[i].n_bytes;
    return n;
}

// More is damaged: what holds is copied to `path`, where nothing is yet.
static enum et_status copy(const char *part, const char *path, int64_t *n_cut, struct et_err *err)
{
    struct et_mcap_reader *reader;
    struct et_mcap_writer *w = NULL;
    int64_t n_messages;
    const struct et_mcap_write_options how = {.profile = ET_STR("ros2"), .should_sync = true};
    enum et_status st =
        et_mcap_open(&reader, part, &(struct et_mcap_open_options){.must_scan = true}, err);
    if (st != ET_OK)
        return st;
    st = et_file_remove(path, err); // of a recovery that was killed
    if (st == ET_OK || st == ET_ENOTFOUND)
        st = et_mcap_create(&w, path, &how, err);
    if (st == ET_OK) {
        st = et_mcap_copy(w, reader, NULL, &n_messages, err);
        *n_cut = bytes_left_out(et_mcap_info(reader));
        if (st == ET_OK)
            st = write_note(w, *n_cut, true, err);
        st = end(w, st, err);
    }
    et_mcap_close(reader);
    return st;
}

static enum et_status hash_and_rename(const char *part, const char *path, int64_t n_cut,
                                      struct et_err *err)
{
    struct et_recorded_link links[ET_RECORDING_LINKS_MAX];
    struct et__recording_page page = {.n_cut = n_cut, .n_messages = -1, .links = links};
    struct et_file *file;
    enum et_status st = et__recorded_links_read(part, links, &page.n_links, err);
    if (st == ET_OK)
        st = et_blake2b_file(part, &page.digest, err);
    if (st == ET_OK)
        st = et_file_open(&file, part, ET_FILE_READ, err);
    if (st != ET_OK)
        return st;
    st = et_file_size(file, &page.n_bytes, err);
    et_file_close(file);
    if (st == ET_OK)
        st = et__recording_page_write(path, &page, err);
    return st == ET_OK ? et_file_rename(part, path, err) : st;
}

static enum et_status recover(struct recovering *r, struct et_recovered *told, const char *path,
                              struct et_err *err)
{
    enum et_path_kind kind = ET_PATH_NONE;
    enum et_status st = et_path_kind(path, &kind, err);
    if (st == ET_OK && kind != ET_PATH_NONE)
        st = et_fail(err, ET_EEXISTS, -1, "%s: %s is there already", told->part, path);
    if (st == ET_OK)
        st = finish(told->part, &told->n_cut, err);
    if (st == ET_OK)
        return hash_and_rename(told->part, path, told->n_cut, err);
    if (st != ET_ECORRUPT)
        return st;
    const char *work = et_arena_printf(r->arena, "%s.copy", path);
    const char *damaged = et_arena_printf(r->arena, "%s.damaged", path);
    if (!work || !damaged)
        return et_arena_fail(r->arena, "a recording's path", err);
    st = copy(told->part, work, &told->n_cut, err);
    if (st == ET_OK)
        st = hash_and_rename(work, path, told->n_cut, err);
    // What is no recording at all is put aside, too: it would be told again and again.
    struct et_err later = {0};
    if (st == ET_OK || st == ET_ECORRUPT) {
        const enum et_status moved = et_file_rename(told->part, damaged, &later);
        told->damaged = moved == ET_OK ? damaged : NULL;
        if (moved != ET_OK && st == ET_OK) {
            st = moved;
            if (err)
                *err = later;
        }
    }
    return st;
}

// Who was killed before the first byte left nothing.
static bool is_empty(const char *part)
{
    struct stat file;
    return stat(part, &file) == 0 && file.st_size == 0 && unlink(part) == 0;
}

static void recover_one(struct recovering *r, const char *part)
{
    struct et_err err = {0};
    struct et_recovered told = {.part = part};
    const size_t n = strlen(part) - (sizeof ET_FILE_PART_SUFFIX - 1);
    char *path = et_arena_printf(r->arena, "%.*s", (int)n, part);
    const enum lock lock = wait_for_lock(r, part);
    if (lock == LOCK_TAKEN || (lock == LOCK_UNKNOWN && et__held_is_locked(part)))
        return;
    enum et_status st = lock == LOCK_UNKNOWN ? check_quiet(part, &err) : ET_OK;
    if (st == ET_OK)
        st = et__held_put_back(part, &told.n_held, &err);
    if (st == ET_OK && is_empty(part))
        return;
    if (st == ET_OK && !path)
        st = et_arena_fail(r->arena, "a recording's path", &err);
    if (st == ET_OK)
        st = recover(r, &told, path, &err);
    if (st != ET_OK) {
        told.trouble = &err;
        r->n_failed++;
    } else
        told.path = path;
    if (r->each)
        r->each(r->ctx, &told);
}

static bool is_digits(const char *name, size_t n)
{
    return strlen(name) == n && strspn(name, "0123456789") == n;
}

// Folders that a recorder makes: a year, a month, a day.
static bool is_ours(const char *name, int depth)
{
    return depth < ET__FOLDER_DEPTH_MAX - 1 && is_digits(name, depth == 0 ? 4 : 2);
}

enum et_status et__folder_below(struct et_arena *arena, const struct et__folder *above,
                                const char *name, const struct et__folder **todo,
                                struct et_err *err)
{
    enum et_path_kind kind = ET_PATH_NONE;
    if (!is_ours(name, above->depth))
        return ET_OK;
    const char *path = et_path_join(arena, above->path, name);
    struct et__folder *below = et_arena_alloc(arena, sizeof *below);
    if (!path || !below)
        return et_arena_fail(arena, "the recordings of a folder", err);
    const enum et_status st = et_path_kind(path, &kind, err);
    if (st != ET_OK || kind != ET_PATH_DIR)
        return st;
    *below = (struct et__folder){*todo, path, above->depth + 1};
    *todo = below;
    return ET_OK;
}

static enum et_status look_into(struct recovering *r, const struct et__folder *folder,
                                const struct et__folder **todo, struct et_err *err)
{
    const char *const *names;
    size_t n_names;
    enum et_status st = et_dir_list(folder->path, r->arena, &names, &n_names, err);
    for (size_t i = 0; i < n_names && st == ET_OK; i++) {
        enum et_path_kind kind = ET_PATH_NONE;
        st = et__folder_below(r->arena, folder, names[i], todo, err);
        if (st != ET_OK || !et_str_ends(et_str(names[i]), ET__FILE_SUFFIX))
            continue;
        const char *path = et_path_join(r->arena, folder->path, names[i]);
        if (!path)
            return et_arena_fail(r->arena, "the recordings of a folder", err);
        st = et_path_kind(path, &kind, err);
        if (st == ET_OK && kind == ET_PATH_FILE)
            recover_one(r, path);
    }
    return st;
}

enum et_status et_recorder_recover(const char *folder,
                                   void (*each)(void *ctx, const struct et_recovered *file),
                                   void *ctx, size_t *n_failed, struct et_err *err)
{
    struct recovering r = {
        .each = each, .ctx = ctx, .t_patience_ns = et_clock_monotonic_ns() + PATIENCE_NS};
    *n_failed = 0;
    enum et_status st = et_arena_open(&r.arena, ARENA_BYTES, err);
    const struct et__folder first = {NULL, folder, 0}, *todo = &first;
    while (todo && st == ET_OK) {
        const struct et__folder *now = todo;
        todo = now->next;
        st = look_into(&r, now, &todo, err);
    }
    *n_failed = r.n_failed;
    et_arena_close(r.arena);
    (void)et__held_sweep();
    return st;
}
