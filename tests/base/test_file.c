#include "etude/file.h"
#include "support.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct et_err err;
static struct et_arena *arena;

static struct et_file *opened(const char *path, enum et_file_mode mode)
{
    struct et_file *file = NULL;
    CHECK_OK(et_file_open(&file, path, mode, &err));
    return file;
}

static void check_content(const char *path, const char *want)
{
    char *got = read_file(path, NULL);
    CHECK_STR(got, want);
    free(got);
}

static void opens_what_is_there(void)
{
    struct et_file *file;
    const char *path = temp_path("there");
    CHECK_EQ(et_file_open(&file, path, ET_FILE_READ, &err), ET_ENOTFOUND);
    CHECK(file == NULL);
    CHECK_HAS(err.text, path);
    CHECK_EQ(et_file_open(&file, path, ET_FILE_UPDATE, &err), ET_ENOTFOUND);
    file = opened(path, ET_FILE_CREATE);
    CHECK_STR(et_file_path(file), path);
    et_file_close(file);
    CHECK_EQ(et_file_open(&file, path, ET_FILE_CREATE, &err), ET_EEXISTS);
    CHECK_HAS(err.text, "exists already");
    et_file_close(opened(path, ET_FILE_READ));
    et_file_close(opened(path, ET_FILE_UPDATE));
    et_file_close(NULL);
}

static void refuses_what_is_not_a_file(void)
{
    struct et_file *file;
    const char *fifo = temp_path("fifo");
    CHECK_EQ(mkfifo(fifo, 0600), 0);
    CHECK_EQ(et_file_open(&file, temp_path("."), ET_FILE_READ, &err), ET_EIO);
    CHECK_HAS(err.text, "is a folder, not a file");
    CHECK_EQ(et_file_open(&file, temp_path("."), ET_FILE_UPDATE, &err), ET_EIO);
    CHECK_EQ(et_file_open(&file, fifo, ET_FILE_READ, &err), ET_EIO); // and does not wait
    CHECK_HAS(err.text, "is a device or a pipe");
    CHECK_EQ(et_file_open(&file, "/dev/null", ET_FILE_READ, &err), ET_EIO);
    CHECK_EQ(et_file_open(&file, temp_path("no/such"), ET_FILE_CREATE, &err), ET_EIO);
    CHECK_HAS(err.text, "cannot create");
    CHECK_EQ(et_file_open(&file, temp_path("fifo/x"), ET_FILE_READ, &err), ET_ENOTFOUND);
}

static void reads_back_what_it_wrote(void)
{
    struct et_file *file = opened(temp_path("data"), ET_FILE_CREATE);
    char got[8] = "";
    size_t n = 99;
    int64_t size = 0;
    CHECK_OK(et_file_write_at(file, 3, "defg", 4, &err));
    CHECK_OK(et_file_write_at(file, 0, "abc", 3, &err));
    CHECK_OK(et_file_write_at(file, 0, NULL, 0, &err));
    CHECK_OK(et_file_sync(file, &err));
    CHECK_OK(et_file_size(file, &size, &err));
    CHECK_EQ(size, 7);
    CHECK_OK(et_file_read_at(file, 2, got, 3, &n, &err));
    CHECK_EQ(n, 3);
    CHECK(memcmp(got, "cde", 3) == 0);
    CHECK_OK(et_file_read_at(file, 5, got, 8, &n, &err));
    CHECK_EQ(n, 2);
    CHECK_OK(et_file_read_at(file, 100, got, 8, &n, &err));
    CHECK_EQ(n, 0);
    CHECK_OK(et_file_truncate(file, 2, &err));
    CHECK_OK(et_file_size(file, &size, &err));
    CHECK_EQ(size, 2);
    et_file_close(file);
    check_content(temp_path("data"), "ab");
}

static void says_where_a_file_ends_too_early(void)
{
    write_file(temp_path("short"), "0123456789", 10);
    struct et_file *file = opened(temp_path("short"), ET_FILE_READ);
    char got[16];
    CHECK_OK(et_file_read_exact(file, 4, got, 6, &err));
    CHECK(memcmp(got, "456789", 6) == 0);
    CHECK_EQ(et_file_read_exact(file, 4, got, 7, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, 10);
    CHECK_HAS(err.text, "ends at byte 10");
    CHECK_EQ(et_file_read_exact(file, 500, got, 7, &err), ET_ECORRUPT);
    CHECK_EQ(err.at, 10);
    et_file_close(file);
}

static void refuses_offsets_that_no_file_has(void)
{
    write_file(temp_path("o"), "x", 1);
    struct et_file *file = opened(temp_path("o"), ET_FILE_UPDATE);
    char got;
    size_t n;
    CHECK_EQ(et_file_read_at(file, -1, &got, 1, &n, &err), ET_EARG);
    CHECK_EQ(et_file_read_at(file, INT64_MAX, &got, 1, &n, &err), ET_EARG);
    CHECK_EQ(et_file_read_exact(file, -5, &got, 1, &err), ET_EARG);
    CHECK_EQ(et_file_write_at(file, -1, "x", 1, &err), ET_EARG);
    CHECK_EQ(et_file_write_at(file, 0, "x", SIZE_MAX, &err), ET_EARG);
    CHECK_EQ(et_file_truncate(file, -1, &err), ET_EARG);
    et_file_close(file);
}

static void fails_to_write_what_is_open_for_reading(void)
{
    write_file(temp_path("r"), "x", 1);
    struct et_file *file = opened(temp_path("r"), ET_FILE_READ);
    CHECK_EQ(et_file_write_at(file, 5, "y", 1, &err), ET_EIO);
    CHECK_EQ(err.at, 5);
    CHECK_EQ(err.sys, EBADF);
    CHECK_EQ(et_file_truncate(file, 0, &err), ET_EIO);
    et_file_close(file);
}

static void reads_a_whole_file(void)
{
    struct et_str content = {NULL, 0};
    const char *path = temp_path("whole");
    write_file(path, "a\0b", 3);
    CHECK_OK(et_file_read(path, 3, arena, &content, &err));
    CHECK(et_str_eq(content, ET_STR("a\0b")));
    CHECK_EQ(content.p[3], 0);
    CHECK_EQ(et_file_read(path, 2, arena, &content, &err), ET_ELIMIT);
    CHECK_HAS(err.text, "has 3 bytes, more than the limit of 2");
    CHECK_EQ(et_file_read(temp_path("absent"), 2, arena, &content, &err), ET_ENOTFOUND);
    CHECK_EQ(et_file_read(temp_path("."), 2, arena, &content, &err), ET_EIO);
    write_file(path, "", 0);
    CHECK_OK(et_file_read(path, 0, arena, &content, &err));
    CHECK_EQ(content.n, 0);

    struct et_arena *small;
    write_file(path, "0123456789", 10);
    CHECK_OK(et_arena_open(&small, 10, &err));
    CHECK_EQ(et_file_read(path, 100, small, &content, &err), ET_ELIMIT);
    CHECK_HAS(err.text, path);
    CHECK_EQ(et_arena_used(small), 0);
    et_arena_close(small);
}

static void replaces_a_file(void)
{
    const char *path = temp_path("replaced");
    CHECK_OK(et_file_replace(path, "one", 3, &err));
    check_content(path, "one");
    CHECK_EQ(chmod(path, 0600), 0);
    CHECK_OK(et_file_replace(path, "", 0, &err));
    check_content(path, "");
    struct stat info;
    CHECK_EQ(stat(path, &info), 0);
    CHECK_EQ(info.st_mode & 0777, 0600); // whoever narrowed it meant it
    CHECK_EQ(et_file_replace(temp_path("no/such"), "x", 1, &err), ET_EIO);
    CHECK_EQ(et_file_replace(temp_path("."), "x", 1, &err), ET_EIO);

    char many[ET_PATH_BYTES_MAX + 10];
    memset(many, 'p', sizeof many - 1);
    many[sizeof many - 1] = 0;
    CHECK_EQ(et_file_replace(many, "x", 1, &err), ET_EIO);
    CHECK_HAS(err.text, "too long");
}

static void passes_over_what_a_power_cut_left(void)
{
    const char *path = temp_path("resumed");
    char left[600];
    for (int i = 0; i < 16; i++) {
        (void)snprintf(left, sizeof left, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        CHECK_OK(et_file_replace(path, i % 2 ? "odd" : "even", i % 2 ? 3 : 4, &err));
        check_content(path, i % 2 ? "odd" : "even");
        write_file(left, "left over", 9);
    }
    CHECK_EQ(et_file_replace(path, "x", 1, &err), ET_EIO);
    check_content(path, "odd");
}

// A limit on the size of files is a full disk that needs no disk.
static void keeps_the_old_content_when_the_disk_is_full(void)
{
    const char *path = temp_path("full");
    static char many[100000];
    struct rlimit old;
    CHECK_OK(et_file_replace(path, "old", 3, &err));
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit small = {4096, old.rlim_max};
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const enum et_status st = et_file_replace(path, many, sizeof many, &err);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    CHECK_EQ(st, ET_EIO);
    CHECK_EQ(err.sys, EFBIG);
    check_content(path, "old");
}

static void replaces_in_the_folder_that_it_stands_in(void)
{
    char before[ET_PATH_BYTES_MAX];
    const char *folder = temp_path(".");
    CHECK(getcwd(before, sizeof before) != NULL);
    CHECK_EQ(chdir(folder), 0);
    CHECK_OK(et_file_replace("here", "x", 1, &err));
    CHECK_OK(et_file_rename("here", "there", &err));
    check_content("there", "x");
    CHECK_EQ(chdir(before), 0);
}

static void renames_and_removes(void)
{
    char many[ET_PATH_BYTES_MAX + 10];
    memset(many, 'p', sizeof many - 1);
    many[sizeof many - 1] = 0;
    CHECK_EQ(et_file_rename("a", many, &err), ET_EIO);

    const char *a = temp_path("from"), *b = temp_path("to");
    write_file(a, "A", 1);
    write_file(b, "B", 1);
    CHECK_OK(et_file_rename(a, b, &err));
    CHECK(!file_exists(a));
    check_content(b, "A");
    CHECK_EQ(et_file_rename(a, b, &err), ET_ENOTFOUND);
    CHECK_EQ(err.status, ET_ENOTFOUND);
    CHECK_HAS(err.text, "cannot rename");
    CHECK_EQ(et_file_rename(b, temp_path("."), &err), ET_EIO);
    CHECK_OK(et_file_remove(b, &err));
    CHECK_EQ(et_file_remove(b, &err), ET_ENOTFOUND);
    CHECK_EQ(et_file_remove(temp_path("."), &err), ET_EIO);
}

static void tells_what_stands_at_a_path(void)
{
    enum et_path_kind kind = ET_PATH_OTHER;
    write_file(temp_path("kind"), "", 0);
    CHECK_EQ(symlink("kind", temp_path("link")), 0);
    CHECK_EQ(symlink("nowhere", temp_path("dangling")), 0);
    CHECK_EQ(symlink("loop", temp_path("loop")), 0);
    CHECK_OK(et_path_kind(temp_path("absent"), &kind, &err));
    CHECK_EQ(kind, ET_PATH_NONE);
    CHECK_OK(et_path_kind(temp_path("kind"), &kind, &err));
    CHECK_EQ(kind, ET_PATH_FILE);
    CHECK_OK(et_path_kind(temp_path("link"), &kind, &err));
    CHECK_EQ(kind, ET_PATH_FILE);
    CHECK_OK(et_path_kind(temp_path("dangling"), &kind, &err));
    CHECK_EQ(kind, ET_PATH_NONE);
    CHECK_OK(et_path_kind(temp_path("."), &kind, &err));
    CHECK_EQ(kind, ET_PATH_DIR);
    CHECK_OK(et_path_kind("/dev/null", &kind, &err));
    CHECK_EQ(kind, ET_PATH_OTHER);
    CHECK_EQ(et_path_kind(temp_path("loop"), &kind, &err), ET_EIO);
}

static void joins_and_splits_paths(void)
{
    CHECK_STR(et_path_join(arena, "a", "b"), "a/b");
    CHECK_STR(et_path_join(arena, "a/", "b"), "a/b");
    CHECK_STR(et_path_join(arena, "", "b"), "b");
    CHECK_STR(et_path_join(arena, "a", "/b"), "/b");
    CHECK_STR(et_path_base("a/b.c"), "b.c");
    CHECK_STR(et_path_base("b.c"), "b.c");
    CHECK_STR(et_path_base("a/"), "");
    CHECK_STR(et_path_dir(arena, "a/b/c"), "a/b");
    CHECK_STR(et_path_dir(arena, "c"), ".");
    CHECK_STR(et_path_dir(arena, "/c"), "/");
}

static void makes_folders(void)
{
    enum et_path_kind kind;
    CHECK_OK(et_dir_make(temp_path("d/e//f/"), &err));
    CHECK_OK(et_dir_make(temp_path("d/e/f"), &err));
    CHECK_OK(et_path_kind(temp_path("d/e/f"), &kind, &err));
    CHECK_EQ(kind, ET_PATH_DIR);
    CHECK_OK(et_dir_make("/", &err));
    int lock, other;
    CHECK_OK(et_dir_lock(temp_path("d/e"), &lock, &err));
    CHECK_EQ(et_dir_lock(temp_path("d/e"), &other, &err), ET_EEXISTS);
    CHECK_EQ(other, -1);
    et_dir_unlock(other);
    et_dir_unlock(lock);
    CHECK_OK(et_dir_lock(temp_path("d/e"), &lock, &err));
    et_dir_unlock(lock);
    CHECK_EQ(et_dir_lock(temp_path("d/none"), &lock, &err), ET_ENOTFOUND);
    write_file(temp_path("d/file"), "", 0);
    CHECK_EQ(et_dir_make(temp_path("d/file"), &err), ET_EIO);
    CHECK_HAS(err.text, "is not a folder");
    CHECK_EQ(et_dir_make(temp_path("d/file/x"), &err), ET_EIO);
    CHECK_EQ(et_dir_make("", &err), ET_EIO);
    CHECK_EQ(et_dir_make("/proc/no/such", &err), ET_EIO);
    CHECK_HAS(err.text, "cannot make the folder");
    char many[ET_PATH_BYTES_MAX + 10];
    memset(many, 'p', sizeof many - 1);
    many[sizeof many - 1] = 0;
    CHECK_EQ(et_dir_make(many, &err), ET_EIO);
}

static void lists_a_folder_in_order(void)
{
    const char *const *names = NULL;
    size_t n = 99;
    CHECK_OK(et_dir_make(temp_path("list"), &err));
    CHECK_OK(et_dir_list(temp_path("list"), arena, &names, &n, &err));
    CHECK_EQ(n, 0);
    write_file(temp_path("list/b"), "", 0);
    write_file(temp_path("list/B"), "", 0);
    write_file(temp_path("list/a10"), "", 0);
    write_file(temp_path("list/.hidden"), "", 0);
    CHECK_OK(et_dir_list(temp_path("list"), arena, &names, &n, &err));
    CHECK_EQ(n, 4);
    static const char *const WANT[] = {".hidden", "B", "a10", "b"};
    for (size_t i = 0; i < n && i < 4; i++)
        CHECK_STR(names[i], WANT[i]);
    CHECK_EQ(et_dir_list(temp_path("list/none"), arena, &names, &n, &err), ET_ENOTFOUND);
    CHECK_EQ(et_dir_list(temp_path("list/a10"), arena, &names, &n, &err), ET_EIO);

    struct et_arena *small;
    CHECK_OK(et_arena_open(&small, 20, &err));
    CHECK_EQ(et_dir_list(temp_path("list"), small, &names, &n, &err), ET_ELIMIT);
    CHECK_HAS(err.text, "list: a list of names");
    CHECK_EQ(et_arena_used(small), 0);
    et_arena_close(small);
}

static void removes_a_tree_and_follows_no_link(void)
{
    CHECK_OK(et_dir_make(temp_path("tree/a/b/c"), &err));
    CHECK_OK(et_dir_make(temp_path("outside"), &err));
    write_file(temp_path("outside/keep"), "", 0);
    write_file(temp_path("tree/a/file"), "", 0);
    CHECK_EQ(symlink("../../outside", temp_path("tree/a/link")), 0);
    CHECK_OK(et_path_remove(temp_path("tree"), &err));
    CHECK(!file_exists(temp_path("tree")));
    CHECK(file_exists(temp_path("outside/keep")));
    CHECK_EQ(symlink("outside", temp_path("link2")), 0);
    CHECK_OK(et_path_remove(temp_path("link2"), &err));
    CHECK(file_exists(temp_path("outside/keep")));
    CHECK_OK(et_path_remove(temp_path("outside/keep"), &err));
    CHECK_OK(et_path_remove(temp_path("tree"), &err)); // what is not there is fine
    CHECK_EQ(et_path_remove("/proc/self/status", &err), ET_EIO);
}

int main(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    if (et_arena_open(&arena, 1 << 20, &err) != ET_OK)
        return 99;
    RUN(opens_what_is_there);
    RUN(refuses_what_is_not_a_file);
    RUN(reads_back_what_it_wrote);
    RUN(says_where_a_file_ends_too_early);
    RUN(refuses_offsets_that_no_file_has);
    RUN(fails_to_write_what_is_open_for_reading);
    RUN(reads_a_whole_file);
    RUN(replaces_a_file);
    RUN(passes_over_what_a_power_cut_left);
    RUN(keeps_the_old_content_when_the_disk_is_full);
    RUN(replaces_in_the_folder_that_it_stands_in);
    RUN(renames_and_removes);
    RUN(tells_what_stands_at_a_path);
    RUN(joins_and_splits_paths);
    RUN(makes_folders);
    RUN(lists_a_folder_in_order);
    RUN(removes_a_tree_and_follows_no_link);
    et_arena_close(arena);
    return tap_end();
}
