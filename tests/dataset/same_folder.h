/* Are two folders alike, file by file and byte by byte? */
#ifndef TESTS_DATASET_SAME_FOLDER_H
#define TESTS_DATASET_SAME_FOLDER_H

#include "support.h"
#include "tap.h"

#include <ftw.h>
#include <stdlib.h>

#define FILES_MAX 4096

static char *found_files[FILES_MAX];
static size_t n_found, found_skip;

static int find_one(const char *path, const struct stat *st, int flag)
{
    (void)st;
    if (flag == FTW_F && n_found < FILES_MAX)
        found_files[n_found++] = strdup(path + found_skip);
    return 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The files below a folder, sorted, as paths from it; to be freed with their array.
static inline char **files_of(const char *folder, size_t *n)
{
    n_found = 0;
    found_skip = strlen(folder);
    (void)ftw(folder, find_one, 16);
    qsort(found_files, n_found, sizeof *found_files, compare_paths);
    char **files = malloc((n_found + 1) * sizeof *files);
    if (!files)
        abort();
    memcpy(files, found_files, n_found * sizeof *files);
    *n = n_found;
    return files;
}

static inline bool is_same_file(const char *a, const char *b, const char *name)
{
    char path_a[4096], path_b[4096];
    size_t n_a = 0, n_b = 0;
    snprintf(path_a, sizeof path_a, "%s%s", a, name);
    snprintf(path_b, sizeof path_b, "%s%s", b, name);
    void *data_a = read_file(path_a, &n_a), *data_b = read_file(path_b, &n_b);
    const bool is_same = data_a && data_b && n_a == n_b && memcmp(data_a, data_b, n_a) == 0;
    free(data_a);
    free(data_b);
    return is_same;
}

/* Prints what differs. `skip` (may be NULL) is a part of a name that does not count. */
static inline bool is_same_folder(const char *a, const char *b, const char *skip)
{
    size_t n_a, n_b, i = 0, k = 0;
    char **files_a = files_of(a, &n_a), **files_b = files_of(b, &n_b);
    bool is_same = true;
    while (i < n_a || k < n_b) {
        const int order = i == n_a ? 1 : k == n_b ? -1 : strcmp(files_a[i], files_b[k]);
        const char *name = order > 0 ? files_b[k] : files_a[i];
        const bool counts = !skip || !strstr(name, skip);
        if (counts && (order != 0 || !is_same_file(a, b, name))) {
            printf("# %s %s\n", name,
                   order < 0   ? "is only in the first"
                   : order > 0 ? "is only in the second"
                               : "differs");
            is_same = false;
        }
        i += order <= 0;
        k += order >= 0;
    }
    for (i = 0; i < n_a; i++)
        free(files_a[i]);
    for (k = 0; k < n_b; k++)
        free(files_b[k]);
    free(files_a);
    free(files_b);
    return is_same;
}

#endif
