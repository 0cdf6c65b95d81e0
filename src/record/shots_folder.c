#include "record/record__shots.h"

#include "etude/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

enum et_status et__shot_folder_open(struct et__shot_folder *f, const char *path, struct et_err *err)
{
    struct dirent **entries = NULL;
    *f = (struct et__shot_folder){.path = path};
    const int n = scandir(path, &entries, is_shown, by_name);
    if (n < 0)
        return errno == ENOENT ? et_fail(err, ET_ENOTFOUND, -1, "%s is not there", path)
                               : et_fail_sys(err, errno, "%s cannot be read", path);
    if (n == 0) {
        free(entries);
        return et_fail(err, ET_ENOTFOUND, -1, "the folder is empty: it has no pictures");
    }
    enum et_status st = et_arena_open(&f->arena, ET__SHOT_BYTES_MAX + ET_PATH_BYTES_MAX, err);
    if (st == ET_OK)
        f->empty = et_arena_mark(f->arena);
    f->names = calloc((size_t)n + 1, sizeof *f->names);
    for (int i = 0; i < n; i++) {
        char *name = f->names ? strdup(entries[i]->d_name) : NULL;
        if (name)
            f->names[f->n_names++] = name;
        free(entries[i]);
    }
    free(entries);
    if (st == ET_OK && f->n_names < (size_t)n)
        st = et_fail(err, ET_ENOMEM, -1, "no memory for the names of %s", path);
    if (st != ET_OK)
        et__shot_folder_close(f);
    return st;
}

void et__shot_folder_close(struct et__shot_folder *f)
{
    for (size_t i = 0; i < f->n_names; i++)
        free(f->names[i]);
    free(f->names);
    et_arena_close(f->arena);
    *f = (struct et__shot_folder){0};
}

enum et_status et__shot_folder_take(struct et__shot_folder *f, struct et__shot *shot,
                                    struct et_err *err)
{
    if (f->i == f->n_names)
        return ET_END;
    et_arena_rewind(f->arena, f->empty);
    *shot = (struct et__shot){.sequence = (uint32_t)f->i};
    const char *path = et_path_join(f->arena, f->path, f->names[f->i++]);
    return path ? et_file_read(path, ET__SHOT_BYTES_MAX, f->arena, &shot->bytes, err)
                : et_arena_fail(f->arena, "a path", err);
}
