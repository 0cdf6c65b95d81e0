// What waited for the disk when its writer was killed is put back; what cannot be trusted is not.
#include "record/record__held.h"
#include "record/record__tape.h"
#include "support.h"
#include "tap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_BYTES 300000
#define N_WRITTEN 10000 // of them, that are on the disk

static struct et_err err;

static char byte_at(int64_t at)
{
    return (char)(at * 31 + at / 251);
}

/* Puts N_BYTES on a tape, commits the first, and is killed. Some of them in a commit of their own
 * that was begun, so that both of a tape's memories hold some. */
static void write_and_die(const char *path, bool plain)
{
    struct et__deck *deck;
    struct et__tape *tape;
    const struct et__deck_options how = {.without_names = plain};
    char bytes[1000];
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        if (et__deck_open(&deck, &how, &err) != ET_OK ||
            et__tape_open(&tape, deck, path, &err) != ET_OK)
            _exit(3);
        for (int64_t at = 0; at < N_BYTES; at += (int64_t)sizeof bytes) {
            for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = byte_at(at + (int64_t)i);
            if (et__tape_put(tape, bytes, sizeof bytes, &err) != ET_OK)
                _exit(3);
            if (at + (int64_t)sizeof bytes == N_WRITTEN) {
                et__deck_commit(deck);
                et__deck_wait(deck);
            }
        }
        (void)kill(getpid(), SIGKILL);
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
}

static int64_t count_right(const char *path)
{
    size_t n = 0;
    char *bytes = read_file(path, &n);
    int64_t at = 0;
    while (bytes && at < (int64_t)n && bytes[at] == byte_at(at))
        at++;
    free(bytes);
    return at == (int64_t)n ? at : -1;
}

static void held_path(const char *path, unsigned i, char name[64])
{
    struct stat file;
    CHECK_EQ(stat(path, &file), 0);
    (void)snprintf(name, 64, "/dev/shm/etude-%" PRIx64 "-%" PRIx64 "-%u", (uint64_t)file.st_dev,
                   (uint64_t)file.st_ino, i);
}

static void what_waited_is_put_back(void)
{
    if (access("/dev/shm", W_OK) != 0) {
        tap_skip("no memory with names");
        return;
    }
    const char *path = temp_path("held.tape");
    char name[64];
    int64_t n_bytes = 0;
    remove(path);
    write_and_die(path, false);
    CHECK_EQ(count_right(path), N_WRITTEN);
    CHECK_OK(et__held_put_back(path, &n_bytes, &err));
    CHECK_EQ(n_bytes, N_BYTES - N_WRITTEN);
    CHECK_EQ(count_right(path), N_BYTES);
    for (unsigned i = 0; i < ET__HELD_MAX; i++) {
        held_path(path, i, name);
        CHECK(!file_exists(name));
    }
    CHECK_OK(et__held_put_back(path, &n_bytes, &err)); // nothing more
    CHECK_EQ(n_bytes, 0);
    CHECK_EQ(count_right(path), N_BYTES);
}

static void plain_memory_goes_with_its_process(void)
{
    const char *path = temp_path("plain.tape");
    int64_t n_bytes = -1;
    remove(path);
    write_and_die(path, true);
    CHECK_OK(et__held_put_back(path, &n_bytes, &err));
    CHECK_EQ(n_bytes, 0);
    CHECK_EQ(count_right(path), N_WRITTEN);
}

// Each byte of the head wrong in turn, and memory that is cut: right bytes, or none.
static void what_is_damaged_is_left_out(void)
{
    if (access("/dev/shm", W_OK) != 0) {
        tap_skip("no memory with names");
        return;
    }
    const char *path = temp_path("bad.tape");
    char name[64];
    int64_t n_bytes;
    size_t n = 0;
    remove(path);
    write_and_die(path, false);
    held_path(path, 0, name);
    char *good = read_file(name, &n);
    const mode_t mode = 0600;
    CHECK(good && n > ET__HELD_BLOCK);
    for (size_t at = 0; good && at < 300 && at < n; at++) {
        const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, mode);
        good[at] ^= 0x55;
        CHECK(fd >= 0 && write(fd, good, n) == (ssize_t)n && close(fd) == 0);
        good[at] ^= 0x55;
        CHECK_OK(et__held_put_back(path, &n_bytes, &err));
        // More than were put may come back, if their number is wrong; none at a wrong place.
        CHECK_EQ(truncate(path, N_WRITTEN), 0);
        CHECK_EQ(count_right(path), N_WRITTEN);
    }
    static const size_t CUTS[] = {0, 1, 8, ET__HELD_BLOCK - 1, ET__HELD_BLOCK, ET__HELD_BLOCK + 1};
    for (size_t i = 0; good && i < sizeof CUTS / sizeof *CUTS; i++) {
        const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, mode);
        CHECK(fd >= 0 && write(fd, good, CUTS[i]) == (ssize_t)CUTS[i] && close(fd) == 0);
        CHECK_OK(et__held_put_back(path, &n_bytes, &err));
        CHECK_EQ(n_bytes, 0);
        CHECK_EQ(count_right(path), N_WRITTEN);
    }
    free(good);
    (void)unlink(name);
}

// A file that was cut since, or another by its name: what is held does not belong there.
static void what_belongs_elsewhere_is_left_out(void)
{
    const char *path = temp_path("cut.tape"), *other = temp_path("other.tape");
    int64_t n_bytes = -1;
    remove(path);
    write_and_die(path, false);
    CHECK_EQ(truncate(path, N_WRITTEN / 2), 0);
    CHECK_OK(et__held_put_back(path, &n_bytes, &err));
    CHECK_EQ(n_bytes, 0);
    CHECK_EQ(count_right(path), N_WRITTEN / 2);
    remove(path);
    write_and_die(path, false);
    CHECK_EQ(rename(path, other), 0);
    CHECK_OK(et__held_put_back(other, &n_bytes, &err));
    CHECK_EQ(n_bytes, 0);
    CHECK_EQ(count_right(other), N_WRITTEN);
    CHECK_EQ(et__held_put_back(temp_path("no.tape"), &n_bytes, &err), ET_EIO);
}

/* ---- what nobody will ask for ---- */

static bool is_left(char names[ET__HELD_MAX][64])
{
    bool is = false;
    for (unsigned i = 0; i < ET__HELD_MAX; i++)
        is = is || file_exists(names[i]);
    return is;
}

static void names_of(const char *path, char names[ET__HELD_MAX][64])
{
    for (unsigned i = 0; i < ET__HELD_MAX; i++)
        held_path(path, i, names[i]);
}

// No name leads to the file any more, but its number is not given to another one, whose memory
// would have the same names. Returns what keeps it.
static int delete_but_keep(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_EQ(unlink(path), 0);
    return fd;
}

// Others of this user may be swept with it: what counts is whether ours are.
static bool goes(char names[ET__HELD_MAX][64])
{
    (void)et__held_sweep();
    return !is_left(names);
}

static const char *in_folder(const char *folder, const char *name)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return temp_path(path);
}

static void of_files_that_are_no_more_nothing_is_held(void)
{
    char names[ET__HELD_MAX][64];
    const char *folder = temp_path("disk"), *away = temp_path("unplugged");
    const char *path = in_folder("disk", "a.mcap.part");
    int64_t n_bytes = 0;
    if (access("/dev/shm", W_OK) != 0) {
        tap_skip("no memory with names");
        return;
    }
    CHECK_EQ(mkdir(folder, 0700), 0);
    write_and_die(path, false);
    names_of(path, names);
    CHECK(is_left(names));
    // It is there; its disk is not; another disk is in its place.
    CHECK(!goes(names));
    CHECK_EQ(rename(folder, away), 0);
    CHECK(!goes(names));
    CHECK_EQ(mkdir(folder, 0700), 0);
    CHECK(!goes(names));
    CHECK_EQ(rmdir(folder), 0);
    CHECK_EQ(symlink("unplugged", folder), 0);
    CHECK_EQ(rename(in_folder("unplugged", "a.mcap.part"), temp_path("aside")), 0);
    CHECK(!goes(names));
    CHECK_EQ(rename(temp_path("aside"), in_folder("unplugged", "a.mcap.part")), 0);
    CHECK_EQ(unlink(folder), 0);
    CHECK_EQ(rename(away, folder), 0);
    CHECK(!goes(names));
    // All of it is there still.
    CHECK_OK(et__held_put_back(path, &n_bytes, &err));
    CHECK_EQ(n_bytes, N_BYTES - N_WRITTEN);
    CHECK_EQ(count_right(path), N_BYTES);
    CHECK_EQ(unlink(path), 0);
    // Deleted before it was mended.
    write_and_die(path, false);
    names_of(path, names);
    CHECK(is_left(names)); // from here on anybody may sweep it
    const int fd = delete_but_keep(path);
    CHECK(goes(names));
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(rmdir(folder), 0);
}

static void what_is_being_written_is_not_swept(void)
{
    struct et__deck *deck;
    struct et__tape *tape;
    char names[ET__HELD_MAX][64];
    const char *path = temp_path("b.mcap.part");
    const struct et__deck_options how = {0};
    if (access("/dev/shm", W_OK) != 0) {
        tap_skip("no memory with names");
        return;
    }
    CHECK_OK(et__deck_open(&deck, &how, &err));
    CHECK_OK(et__tape_open(&tape, deck, path, &err));
    CHECK_OK(et__tape_put(tape, "1234", 4, &err));
    names_of(path, names);
    const int fd = delete_but_keep(path);
    for (unsigned i = 0; i < ET__HELD_MAX; i++)
        CHECK(file_exists(names[i]));
    (void)et__held_sweep();
    for (unsigned i = 0; i < ET__HELD_MAX; i++)
        CHECK(file_exists(names[i]));
    CHECK_OK(et__tape_close(tape, &err));
    et__deck_close(deck);
    CHECK(!is_left(names));
    CHECK_EQ(close(fd), 0);
}

// Names and heads that are not ours, or damaged, are left alone.
static void what_is_not_known_is_not_swept(void)
{
    static const char *const NAMES[] = {
        "etude-",          "etude-1-2",    "etude-1-2-",       "etude-1-2-2",
        "etude-1-2-00",    "etude-1-2-0x", "etude-01-2-0",     "etude-A-2-0",
        "etude-1--2-0",    "etude- 1-2-0", "etude-fffff1-2-0", "etude-ffffffffffffffffffff-2-0",
        "etude-fffff2-2-1"};
    char path[300], names[ET__HELD_MAX][64];
    const char *part = temp_path("c.mcap.part");
    size_t n = 0;
    if (access("/dev/shm", W_OK) != 0) {
        tap_skip("no memory with names");
        return;
    }
    write_and_die(part, false);
    names_of(part, names);
    char *good = read_file(names[0], &n);
    CHECK(good && n > ET__HELD_BLOCK);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        (void)snprintf(path, sizeof path, "/dev/shm/%s", NAMES[i]);
        if (file_exists(path))
            continue; // somebody else's
        write_file(path, NAMES[i], strlen(NAMES[i]));
        (void)et__held_sweep();
        CHECK(file_exists(path));
        CHECK_EQ(unlink(path), 0);
    }
    write_file(names[0], "", 0); // before the file is gone: who saw a good one would sweep it
    const int fd = delete_but_keep(part);
    // The file is gone, but what is said of it is wrong somewhere: magic, name, folder.
    static const size_t WRONG[] = {0, 3, 8, 300};
    for (size_t i = 0; good && i < sizeof WRONG / sizeof *WRONG; i++) {
        const char was = good[WRONG[i]];
        good[WRONG[i]] = WRONG[i] == 8 ? '/' : was ^ 0x11;
        write_file(names[0], good, n);
        (void)et__held_sweep();
        CHECK(file_exists(names[0]));
        good[WRONG[i]] = was;
    }
    for (size_t cut = 0; good && cut < n && cut < ET__HELD_BLOCK; cut += 97) {
        write_file(names[0], good, cut);
        (void)et__held_sweep();
        if (cut < 2048)
            CHECK(file_exists(names[0]));
    }
    write_file(names[0], good, n);
    CHECK(goes(names));
    CHECK_EQ(close(fd), 0);
    free(good);
}

int main(void)
{
    RUN(what_waited_is_put_back);
    RUN(plain_memory_goes_with_its_process);
    RUN(what_is_damaged_is_left_out);
    RUN(what_belongs_elsewhere_is_left_out);
    RUN(of_files_that_are_no_more_nothing_is_held);
    RUN(what_is_being_written_is_not_swept);
    RUN(what_is_not_known_is_not_swept);
    return tap_end();
}
