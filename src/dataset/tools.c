/* Small tools of the room: remarks, arrays that grow in an arena, files below a folder. */
#include "dataset/dataset__internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// clang-format off
static const struct {
    const char *kind, *text;
} CHECKS[ET__N_CHECKS] = {
#define X(name, kind, text) {kind, text},
    ET__CHECK_MAP(X)
#undef X
};
// clang-format on

const char *et__check_kind(enum et__check check)
{
    assert((unsigned)check < ET__N_CHECKS);
    return CHECKS[check].kind;
}

const char *et__check_text(enum et__check check)
{
    assert((unsigned)check < ET__N_CHECKS);
    return CHECKS[check].text;
}

void *et__grow(struct et_arena *arena, void *items, size_t n, size_t *cap, size_t size)
{
    assert(n <= *cap);
    if (n < *cap)
        return items;
    const size_t more = *cap ? 2 * *cap : 16;
    void *grown = et_arena_array(arena, more, size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, items, n * size);
    *cap = more;
    return grown;
}

char *et__copy_text(struct et_arena *arena, struct et_str text)
{
    return et_arena_copy(arena, text.p ? text.p : "", text.n);
}

// Room for one more remark in both arrays; false when there is none.
static bool make_room(struct et__remarks *list)
{
    if (list->n >= ET__REMARKS_MAX)
        return false;
    size_t cap = list->cap;
    enum et__check *checks = et__grow(list->arena, list->checks, list->n, &cap, sizeof *checks);
    if (!checks)
        return false;
    struct et_remark *items =
        et__grow(list->arena, list->items, list->n, &list->cap, sizeof *items);
    if (!items)
        return false;
    list->checks = checks;
    list->items = items;
    return true;
}

void et__remark(struct et__remarks *list, enum et__check check, enum et_severity severity,
                const char *where, const char *fmt, ...)
{
    char text[512];
    va_list args;

    struct et_err err = {0};
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    // et_fail cleans the text of what would steer a terminal, and cuts it between characters.
    (void)et_fail(&err, ET_ECORRUPT, -1, "%s", text);
    char *copy = et__copy_text(list->arena, et_str(err.text));
    if (!copy || !make_room(list)) {
        list->n_dropped++;
        return;
    }
    list->items[list->n] = (struct et_remark){severity, where, copy};
    list->checks[list->n++] = check;
}

enum et_status et__is_file(const char *path, bool *is_file, struct et_err *err)
{
    enum et_path_kind kind;

    *is_file = false;
    const enum et_status st = et_path_kind(path, &kind, err);
    if (st == ET_OK)
        *is_file = kind == ET_PATH_FILE;
    return st;
}

struct folder {
    const char *path;
    int depth; // levels that may still be gone down
};

struct walk {
    struct et_arena *arena;
    struct folder *folders;
    size_t n_folders, cap_folders;
    const char **files;
    size_t n_files, cap_files;
    const char *suffix;
};

// Sorts one entry of a folder into the walk: a folder to visit, a file to list, or neither.
static enum et_status take_entry(struct walk *walk, const char *path, int depth, struct et_err *err)
{
    enum et_path_kind kind;

    enum et_status st = et_path_kind(path, &kind, err);
    if (st != ET_OK)
        return st;
    if (kind == ET_PATH_DIR && depth > 0) {
        struct folder *folders = et__grow(walk->arena, walk->folders, walk->n_folders,
                                          &walk->cap_folders, sizeof *folders);
        if (!folders)
            return et_arena_fail(walk->arena, "the list of folders", err);
        walk->folders = folders;
        walk->folders[walk->n_folders++] = (struct folder){path, depth - 1};
    } else if (kind == ET_PATH_FILE && (!walk->suffix || et_str_ends(et_str(path), walk->suffix))) {
        const char **files =
            et__grow(walk->arena, walk->files, walk->n_files, &walk->cap_files, sizeof *files);
        if (!files)
            return et_arena_fail(walk->arena, "the list of files", err);
        walk->files = files;
        walk->files[walk->n_files++] = path;
    }
    return ET_OK;
}

static enum et_status visit(struct walk *walk, struct folder folder, struct et_err *err)
{
    const char *const *names = NULL;
    struct et_err bad = {0};
    size_t n_names = 0;

    enum et_status st = et_dir_list(folder.path, walk->arena, &names, &n_names, &bad);
    if (st == ET_ENOTFOUND)
        return ET_OK;
    if (st != ET_OK && err)
        *err = bad;
    for (size_t i = 0; st == ET_OK && i < n_names; i++) {
        const char *path = et_path_join(walk->arena, folder.path, names[i]);
        if (!path)
            return et_arena_fail(walk->arena, "the list of files", err);
        st = take_entry(walk, path, folder.depth, err);
    }
    return st;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum et_status et__files_below(const char *folder, int depth, const char *suffix,
                               struct et_arena *arena, const char *const **paths, size_t *n_paths,
                               struct et_err *err)
{
    struct walk walk = {.arena = arena, .suffix = suffix};
    struct folder next = {folder, depth};

    *paths = NULL;
    *n_paths = 0;
    enum et_status st = visit(&walk, next, err);
    for (size_t i = 0; st == ET_OK && i < walk.n_folders; i++)
        st = visit(&walk, walk.folders[i], err);
    if (st != ET_OK)
        return st;
    if (walk.n_files)
        qsort(walk.files, walk.n_files, sizeof *walk.files, compare_texts);
    *paths = walk.files;
    *n_paths = walk.n_files;
    return ET_OK;
}

// How many numbers a tree of lists holds; −1 when it holds anything else.
static int64_t count_numbers(const struct et_value *value)
{
    // Lists of stats are three deep at most ([[[r]], [[g]], [[b]]]): one level a loop.
    int64_t n = 0;
    if (value->kind != ET_VALUE_LIST)
        return et_value_is_number(value) || value->kind == ET_VALUE_NULL ? 1 : -1;
    for (size_t i = 0; i < et_value_count(value); i++) {
        const struct et_value *a = et_value_at(value, i);
        const size_t n_a = a->kind == ET_VALUE_LIST ? et_value_count(a) : 1;
        for (size_t j = 0; j < n_a; j++) {
            const struct et_value *b = a->kind == ET_VALUE_LIST ? et_value_at(a, j) : a;
            n += b->kind == ET_VALUE_LIST ? (int64_t)et_value_count(b) : 1;
        }
    }
    return n;
}

// Puts one number; null counts as NaN, as writers of JSON without NaN have it.
static bool put_number(const struct et_value *value, double *to)
{
    if (value->kind == ET_VALUE_NULL) {
        *to = (double)NAN;
        return true;
    }
    *to = et_value_real(value, 0);
    return et_value_is_number(value) || value->kind == ET_VALUE_BOOL;
}

static bool put_numbers(const struct et_value *value, double *to)
{
    size_t n = 0;
    if (value->kind != ET_VALUE_LIST)
        return put_number(value, to);
    for (size_t i = 0; i < et_value_count(value); i++) {
        const struct et_value *a = et_value_at(value, i);
        const size_t n_a = a->kind == ET_VALUE_LIST ? et_value_count(a) : 1;
        for (size_t j = 0; j < n_a; j++) {
            const struct et_value *b = a->kind == ET_VALUE_LIST ? et_value_at(a, j) : a;
            const size_t n_b = b->kind == ET_VALUE_LIST ? et_value_count(b) : 1;
            for (size_t k = 0; k < n_b; k++) {
                if (!put_number(b->kind == ET_VALUE_LIST ? et_value_at(b, k) : b, &to[n++]))
                    return false;
            }
        }
    }
    return true;
}

const double *et__stat_values(const struct et_value *stats, const char *feature, const char *stat,
                              struct et_arena *arena, size_t *n)
{
    *n = 0;
    const struct et_value *value = et_value_get(et_value_get(stats, feature), stat);
    const int64_t n_values = value ? count_numbers(value) : -1;
    if (n_values < 0)
        return NULL;
    double *values = et_arena_array(arena, (size_t)n_values, sizeof *values);
    if (!values || !put_numbers(value, values))
        return NULL;
    *n = (size_t)n_values;
    return values;
}
