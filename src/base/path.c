#include "etude/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum et_status et_path_kind(const char *path, enum et_path_kind *kind, struct et_err *err)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return et_fail_sys(err, errno, "cannot look at %.200s", path);
        *kind = ET_PATH_NONE;
        return ET_OK;
    }
    *kind = S_ISREG(info.st_mode)   ? ET_PATH_FILE
            : S_ISDIR(info.st_mode) ? ET_PATH_DIR
                                    : ET_PATH_OTHER;
    return ET_OK;
}

const char *et_path_join(struct et_arena *arena, const char *a, const char *b)
{
    const size_t n = strlen(a);
    if (n == 0 || b[0] == '/')
        return et_arena_copy(arena, b, strlen(b));
    return et_arena_printf(arena, "%s%s%s", a, a[n - 1] == '/' ? "" : "/", b);
}

const char *et_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *et_path_dir(struct et_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return et_arena_copy(arena, ".", 1);
    return et_arena_copy(arena, path, slash == path ? 1 : (size_t)(slash - path));
}

/* Makes one folder; fine when it is there already. */
static enum et_status make_one(const char *path, struct et_err *err)
{
    struct stat info;
    if (mkdir(path, 0777) == 0)
        return ET_OK;
    const int sys = errno;
    if (sys == EEXIST && stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return ET_OK;
        return et_fail(err, ET_EIO, -1, "%.200s exists and is not a folder", path);
    }
    return et_fail_sys(err, sys, "cannot make the folder %.200s", path);
}

enum et_status et_dir_make(const char *path, struct et_err *err)
{
    char part[ET_PATH_BYTES_MAX];
    const size_t n = strlen(path);
    if (n == 0)
        return et_fail(err, ET_EIO, -1, "an empty path names no folder");
    if (n >= sizeof part)
        return et_fail(err, ET_EIO, -1, "%.200s… is too long for a path", path);

    memcpy(part, path, n + 1);
    for (size_t i = 1; i < n; i++) {
        if (part[i] != '/' || part[i - 1] == '/')
            continue;
        part[i] = 0;
        const enum et_status st = make_one(part, err);
        if (st != ET_OK)
            return st;
        part[i] = '/';
    }
    return make_one(part, err);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Puts the names in `dir` into the arena and pointers to them into `found`. */
static enum et_status collect(DIR *dir, struct et_arena *arena, struct et_buf *found,
                              struct et_err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno != 0)
            return et_fail_sys(err, errno, "cannot read the folder");
        if (!entry)
            return et_buf_check(found, "a list of names", err);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        const char *name = et_arena_copy(arena, entry->d_name, strlen(entry->d_name));
        if (!name)
            return et_arena_fail(arena, "a list of names", err);
        et_buf_put(found, &name, sizeof name);
        if (found->status != ET_OK)
            return et_buf_check(found, "a list of names", err);
    }
}

enum et_status et_dir_list(const char *path, struct et_arena *arena, const char *const **names,
                           size_t *n_names, struct et_err *err)
{
    struct et_buf found = et_buf((size_t)ET_DIR_ENTRIES_MAX * sizeof(char *));
    const struct et_arena_mark mark = et_arena_mark(arena);
    const char **sorted;

    DIR *dir = opendir(path);
    if (!dir && errno == ENOENT)
        return et_fail(err, ET_ENOTFOUND, -1, "%.200s does not exist", path);
    if (!dir)
        return et_fail_sys(err, errno, "cannot open the folder %.200s", path);

    enum et_status st = collect(dir, arena, &found, err);
    if (st != ET_OK)
        goto out;
    sorted = et_arena_alloc(arena, found.n);
    if (!sorted) {
        st = et_arena_fail(arena, "a list of names", err);
        goto out;
    }
    if (found.n > 0)
        memcpy(sorted, found.p, found.n);
    *n_names = found.n / sizeof *sorted;
    qsort(sorted, *n_names, sizeof *sorted, by_bytes);
    *names = sorted;
out:
    if (st != ET_OK) {
        (void)et_err_context(err, "%.200s", path);
        et_arena_rewind(arena, mark);
    }
    et_buf_free(&found);
    (void)closedir(dir);
    return st;
}

/* Removes what one step of the walk stands on. */
static enum et_status remove_entry(const FTSENT *entry, struct et_err *err)
{
    switch (entry->fts_info) {
    case FTS_D: // met again as FTS_DP, when it is empty
        return ET_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        if (entry->fts_errno == ENOENT)
            return ET_OK;
        return et_fail_sys(err, entry->fts_errno, "cannot remove %.200s", entry->fts_path);
    case FTS_DP:
        if (rmdir(entry->fts_accpath) != 0 && errno != ENOENT)
            return et_fail_sys(err, errno, "cannot remove %.200s", entry->fts_path);
        return ET_OK;
    default:
        if (unlink(entry->fts_accpath) != 0 && errno != ENOENT)
            return et_fail_sys(err, errno, "cannot remove %.200s", entry->fts_path);
        return ET_OK;
    }
}

enum et_status et_path_remove(const char *path, struct et_err *err)
{
    char *root = strdup(path);
    if (!root)
        return et_fail(err, ET_ENOMEM, -1, "no memory to remove %.200s", path);

    enum et_status st = ET_OK;
    char *const roots[] = {root, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk) {
        st = et_fail_sys(err, errno, "cannot remove %.200s", path);
        goto out;
    }
    for (;;) {
        errno = 0;
        const FTSENT *entry = fts_read(walk);
        if (!entry && errno != 0)
            st = et_fail_sys(err, errno, "cannot remove %.200s", path);
        if (!entry)
            break;
        st = remove_entry(entry, err);
        if (st != ET_OK)
            break;
    }
    (void)fts_close(walk);
out:
    free(root);
    return st;
}
