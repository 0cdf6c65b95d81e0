#include "record/record__held.h"

#include "etude/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "/dev/shm"
#define CAP_MIN ((size_t)64 << 10)
#define N_MAX ((uint64_t)1 << 30)
#define FILE_NAME_BYTES 256
#define FOLDER_BYTES 2048
#define SWEEP_MAX 10000 // names that are looked at

static const char MAGIC[8] = "ETHELD1";

// A folder, so that it is known again: a disk that is mounted in its place is another one.
struct place {
    uint64_t dev, ino, fs;
    int64_t t_made_ns; // 0: not known
};

struct et__held_head {
    char magic[8];
    char of[FILE_NAME_BYTES]; // the file's name, without its folder
    int64_t at;
    uint64_t check;            // of at: bytes at a wrong place would spoil right ones
    _Atomic uint64_t n;        // set after the bytes are there
    struct place place;        // of its folder
    char folder[FOLDER_BYTES]; // ""; it cannot be looked for
};
_Static_assert(sizeof(struct et__held_head) <= ET__HELD_BLOCK, "the head has a block");

static uint64_t check_of(int64_t at)
{
    return ((uint64_t)at + 1) * 0x9E3779B97F4A7C15u;
}

/* ---- memory that has a name ---- */

static bool is_in_memory(void)
{
    struct statfs fs;
    return statfs(FOLDER, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

// Of the file, whatever its path: it may be looked for from elsewhere.
static bool name_of(const struct stat *file, unsigned i, char name[64])
{
    const int n = snprintf(name, 64, FOLDER "/etude-%" PRIx64 "-%" PRIx64 "-%u",
                           (uint64_t)file->st_dev, (uint64_t)file->st_ino, i);
    return n > 0 && n < 64;
}

static bool is_far(const struct statfs *fs)
{
    static const uint32_t TYPES[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC,
                                     SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if ((uint32_t)fs->f_type == TYPES[i])
            return true;
    return false;
}

// false: it cannot be told from another one, or looking at it may take for ever.
static bool look_at_folder(int fd, struct place *place)
{
    struct statfs fs;
    struct statx x;
    uint64_t id;
    _Static_assert(sizeof fs.f_fsid == sizeof id, "two words");
    if (fstatfs(fd, &fs) != 0 || is_far(&fs) ||
        statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &x) != 0 ||
        !(x.stx_mask & STATX_BTIME) || x.stx_btime.tv_sec <= 0)
        return false;
    memcpy(&id, &fs.f_fsid, sizeof id);
    *place =
        (struct place){.dev = makedev(x.stx_dev_major, x.stx_dev_minor),
                       .ino = x.stx_ino,
                       .fs = id,
                       .t_made_ns = x.stx_btime.tv_sec * INT64_C(1000000000) + x.stx_btime.tv_nsec};
    return true;
}

static int open_folder(const char *path)
{
    return open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Where the file lies, for et__held_sweep.
static void note_folder(struct et__held_head *head, const char *path)
{
    char folder[PATH_MAX], whole[PATH_MAX];
    const char *base = et_path_base(path);
    const int n = base == path ? snprintf(folder, sizeof folder, ".")
                               : snprintf(folder, sizeof folder, "%.*s", (int)(base - path), path);
    if (n < 0 || (size_t)n >= sizeof folder || !realpath(folder, whole) ||
        strlen(whole) >= sizeof head->folder)
        return;
    const int fd = open_folder(whole);
    if (fd >= 0 && look_at_folder(fd, &head->place))
        memcpy(head->folder, whole, strlen(whole) + 1);
    if (fd >= 0)
        (void)close(fd);
}

// The memory is taken now: a page that is found missing later would end the process (SIGBUS).
static void *map(int fd, size_t n)
{
    if (fallocate(fd, 0, 0, (off_t)n) != 0)
        return NULL;
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

// Whoever asks whether it is locked has it for a moment.
static bool lock_soon(int fd)
{
    const struct timespec moment = {.tv_nsec = 100000};
    for (int i = 0; i < 100; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        (void)nanosleep(&moment, NULL);
    }
    return false;
}

static struct et__held_head *open_named(struct et__held *h, int fd, const char *path, unsigned i)
{
    struct stat file;
    struct et__held_head *head = NULL;
    if (!is_in_memory() || fstat(fd, &file) != 0 || !name_of(&file, i, h->name))
        return NULL;
    (void)unlink(h->name);
    const int shm = open(h->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (shm < 0)
        return NULL;
    head = map(shm, ET__HELD_BLOCK + CAP_MIN);
    h->is_locked = head && i == 0 && lock_soon(shm);
    h->lock_fd = shm;
    if (!h->is_locked)
        (void)close(shm);
    if (!head) {
        (void)unlink(h->name);
        return NULL;
    }
    note_folder(head, path);
    (void)snprintf(head->of, sizeof head->of, "%s", et_path_base(path));
    head->check = check_of(0);
    memcpy(head->magic, MAGIC, sizeof MAGIC);
    return head;
}

static void *grow_named(const struct et__held *h, size_t cap)
{
    const int shm = open(h->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    void *grown = shm < 0 ? NULL : map(shm, ET__HELD_BLOCK + cap);
    if (shm >= 0)
        (void)close(shm);
    return grown;
}

/* ---- memory ---- */

enum et_status et__held_open(struct et__held *h, int fd, const char *path, unsigned i, bool plain,
                             struct et_err *err)
{
    *h = (struct et__held){.cap = CAP_MIN};
    h->head = plain ? NULL : open_named(h, fd, path, i);
    if (h->head)
        return ET_OK;
    h->name[0] = 0;
    h->head = aligned_alloc(ET__HELD_BLOCK, ET__HELD_BLOCK + CAP_MIN);
    if (!h->head)
        return et_fail(err, ET_ENOMEM, -1, "no memory for what goes to %s", path);
    memset(h->head, 0, sizeof *h->head);
    return ET_OK;
}

static void release(struct et__held *h)
{
    if (h->name[0]) {
        (void)munmap(h->head, ET__HELD_BLOCK + h->cap);
        (void)unlink(h->name);
        if (h->is_locked)
            (void)close(h->lock_fd);
        h->is_locked = false;
    } else
        free(h->head);
}

void et__held_close(struct et__held *h)
{
    if (h->head)
        release(h);
    *h = (struct et__held){0};
}

static char *start(struct et__held_head *head)
{
    return (char *)head + ET__HELD_BLOCK + head->at % ET__HELD_BLOCK;
}

static bool make_room(struct et__held *h, size_t n)
{
    const size_t want = (size_t)(h->head->at % ET__HELD_BLOCK) + et__held_n(h) + n;
    if (want <= h->cap)
        return true;
    size_t cap = h->cap;
    while (cap < want)
        cap *= 2;
    struct et__held_head *grown = h->name[0] ? grow_named(h, cap) : NULL;
    if (grown) {
        (void)munmap(h->head, ET__HELD_BLOCK + h->cap);
    } else {
        grown = aligned_alloc(ET__HELD_BLOCK, ET__HELD_BLOCK + cap);
        if (!grown)
            return false;
        memcpy(grown, h->head, sizeof *grown);
        memcpy(start(grown), start(h->head), et__held_n(h));
        release(h);
        h->name[0] = 0;
    }
    h->head = grown;
    h->cap = cap;
    return true;
}

bool et__held_put(struct et__held *h, const void *bytes, size_t n)
{
    if (n == 0)
        return true;
    if (!make_room(h, n))
        return false;
    const uint64_t n_before = et__held_n(h);
    memcpy(start(h->head) + n_before, bytes, n);
    atomic_store_explicit(&h->head->n, n_before + n, memory_order_release);
    return true;
}

void et__held_begin(struct et__held *h, int64_t at)
{
    atomic_store_explicit(&h->head->n, 0, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst); // a kill sees the place only of what is empty
    h->head->at = at;
    h->head->check = check_of(at);
    atomic_signal_fence(memory_order_seq_cst);
}

const char *et__held_bytes(const struct et__held *h)
{
    return start(h->head);
}

size_t et__held_n(const struct et__held *h)
{
    return (size_t)atomic_load_explicit(&h->head->n, memory_order_relaxed);
}

int64_t et__held_at(const struct et__held *h)
{
    return h->head->at;
}

int64_t et__held_end(const struct et__held *h)
{
    return h->head->at + (int64_t)et__held_n(h);
}

bool et__held_outlives(const struct et__held *h)
{
    return h->name[0] != 0;
}

/* ---- after a kill ---- */

// What was left, mapped to be read. false: there is nothing that can be trusted.
static bool find(struct et__held *h, const struct stat *file, const char *path, unsigned i)
{
    struct stat shm_file;
    *h = (struct et__held){0};
    if (!name_of(file, i, h->name))
        return false;
    const int shm = open(h->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (shm < 0)
        return false;
    void *p = MAP_FAILED;
    size_t size = 0;
    if (fstat(shm, &shm_file) == 0 && S_ISREG(shm_file.st_mode) && shm_file.st_uid == geteuid() &&
        shm_file.st_size > ET__HELD_BLOCK &&
        (uint64_t)shm_file.st_size <= 2 * N_MAX + ET__HELD_BLOCK) {
        size = (size_t)shm_file.st_size;
        p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, shm, 0);
    }
    (void)close(shm);
    if (p == MAP_FAILED)
        return false;
    h->head = p;
    h->cap = size - ET__HELD_BLOCK;
    struct et__held_head *head = h->head;
    const char *base = et_path_base(path);
    if (memcmp(head->magic, MAGIC, sizeof MAGIC) == 0 && strlen(base) < sizeof head->of &&
        memcmp(head->of, base, strlen(base) + 1) == 0 && head->at >= 0 &&
        head->check == check_of(head->at) &&
        et__held_n(h) <= h->cap - (size_t)(head->at % ET__HELD_BLOCK) &&
        h->cap >= (size_t)(head->at % ET__HELD_BLOCK))
        return true;
    (void)munmap(p, size);
    (void)unlink(h->name); // damaged, or of a file that is no more
    h->head = NULL;
    return false;
}

static enum et_status write_back(int fd, const struct et__held *h, const char *path,
                                 struct et_err *err)
{
    const char *p = et__held_bytes(h);
    int64_t at = et__held_at(h);
    for (size_t left = et__held_n(h); left;) {
        const ssize_t n = pwrite(fd, p, left, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return et_fail_sys(err, n < 0 ? errno : ENOSPC, "cannot write %s at %" PRId64, path,
                               at);
        p += n;
        at += n;
        left -= (size_t)n;
    }
    return ET_OK;
}

// The one that belongs first goes first: the other may belong behind it.
static enum et_status write_all(int fd, struct et__held held[ET__HELD_MAX], int64_t *n_file,
                                const char *path, struct et_err *err)
{
    const bool is_turned = held[0].head && held[1].head && held[1].head->at < held[0].head->at;
    enum et_status st = ET_OK;
    for (unsigned i = 0; i < ET__HELD_MAX && st == ET_OK; i++) {
        const struct et__held *h = &held[is_turned ? ET__HELD_MAX - 1 - i : i];
        if (!h->head || et__held_n(h) == 0 || et__held_at(h) > *n_file)
            continue;
        st = write_back(fd, h, path, err);
        *n_file = et__held_end(h) > *n_file ? et__held_end(h) : *n_file;
    }
    if (st == ET_OK && fdatasync(fd) != 0)
        st = et_fail_sys(err, errno, "cannot sync %s", path);
    return st;
}

enum et_status et__held_put_back(const char *path, int64_t *n_bytes, struct et_err *err)
{
    struct et__held held[ET__HELD_MAX];
    struct stat file;
    *n_bytes = 0;
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return et_fail_sys(err, errno, "cannot open %s", path);
    if (fstat(fd, &file) != 0) {
        const enum et_status st = et_fail_sys(err, errno, "cannot look at %s", path);
        (void)close(fd);
        return st;
    }
    bool has_any = false;
    for (unsigned i = 0; i < ET__HELD_MAX; i++)
        has_any = find(&held[i], &file, path, i) || has_any;
    int64_t n_file = file.st_size;
    const enum et_status st = has_any ? write_all(fd, held, &n_file, path, err) : ET_OK;
    *n_bytes = n_file - file.st_size;
    for (unsigned i = 0; i < ET__HELD_MAX; i++) {
        if (held[i].head)
            (void)munmap(held[i].head, ET__HELD_BLOCK + held[i].cap);
        if (held[i].head && st == ET_OK)
            (void)unlink(held[i].name);
    }
    (void)close(fd);
    return st;
}

/* ---- what nobody will ask for ---- */

// A name of ours, with the file's numbers and its own.
static bool parse_name(const char *entry, struct stat *file, unsigned *i)
{
    char name[64], *end;
    *file = (struct stat){0};
    if (strncmp(entry, "etude-", 6) != 0)
        return false;
    file->st_dev = strtoull(entry + 6, &end, 16);
    if (*end != '-')
        return false;
    file->st_ino = strtoull(end + 1, &end, 16);
    if (*end != '-')
        return false;
    *i = (unsigned)strtoul(end + 1, &end, 10);
    return *i < ET__HELD_MAX && name_of(file, *i, name) &&
           strcmp(name + sizeof FOLDER, entry) == 0; // as we write it, to the letter
}

static bool is_same_place(const struct place *a, const struct place *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->fs == b->fs && a->t_made_ns == b->t_made_ns;
}

// Its folder is there, and the file is not in it.
static bool is_gone(const struct et__held_head *head)
{
    struct place place;
    struct stat found;
    if (memcmp(head->magic, MAGIC, sizeof MAGIC) != 0 || head->folder[0] != '/' ||
        !memchr(head->folder, 0, sizeof head->folder) || !memchr(head->of, 0, sizeof head->of) ||
        head->of[0] == 0 || strchr(head->of, '/'))
        return false;
    const int fd = open_folder(head->folder);
    if (fd < 0)
        return false;
    const bool is = look_at_folder(fd, &place) && is_same_place(&place, &head->place) &&
                    fstatat(fd, head->of, &found, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
    (void)close(fd);
    return is;
}

// Who writes the file has locked its first memory. Several may ask at once, so they share the lock.
static bool is_held_by_somebody(const struct stat *file)
{
    char name[64];
    const int fd =
        name_of(file, 0, name) ? open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd < 0)
        return errno != ENOENT;
    const bool is_held = flock(fd, LOCK_SH | LOCK_NB) != 0;
    (void)close(fd);
    return is_held;
}

bool et__held_is_locked(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 && is_held_by_somebody(&file);
}

static bool sweep(const char *entry)
{
    struct et__held_head head;
    struct stat file, memory, now;
    char name[64];
    unsigned i;
    if (!parse_name(entry, &file, &i) || !name_of(&file, i, name))
        return false;
    const int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is = fstat(fd, &memory) == 0 && S_ISREG(memory.st_mode) && memory.st_uid == geteuid() &&
              pread(fd, &head, sizeof head, 0) == (ssize_t)sizeof head && is_gone(&head) &&
              !is_held_by_somebody(&file);
    // A new file may have got the number of one that is no more, and its memory this name.
    is = is && lstat(name, &now) == 0 && now.st_ino == memory.st_ino && unlink(name) == 0;
    (void)close(fd);
    return is;
}

size_t et__held_sweep(void)
{
    size_t n = 0;
    const struct dirent *entry;
    DIR *dir = is_in_memory() ? opendir(FOLDER) : NULL;
    for (int k = 0; dir && k < SWEEP_MAX && (entry = readdir(dir)); k++)
        n += sweep(entry->d_name);
    if (dir)
        (void)closedir(dir);
    return n;
}
