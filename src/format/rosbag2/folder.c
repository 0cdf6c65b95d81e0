/* Which files a recording consists of, and in which order. */
#include "etude/file.h"
#include "format/rosbag2/rosbag2__reader.h"

#include <stdio.h>
#include <stdlib.h>

#define METADATA_BYTES_MAX ((size_t)32 << 20)
#define SQLITE_MAGIC "SQLite format 3"
#define MCAP_MAGIC "\x89MCAP0\r\n"

/* ---- names ---- */

static const char *const SUFFIXES[] = {".db3", ".mcap", ".db3.zstd", ".mcap.zstd"};

// The name without what says how it is stored; 0: it is no storage file's name.
static size_t stem_of(const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof *SUFFIXES; i++) {
        const size_t n_suffix = strlen(SUFFIXES[i]);
        if (n > n_suffix && strcmp(name + n - n_suffix, SUFFIXES[i]) == 0)
            return n - n_suffix;
    }
    return 0;
}

struct part {
    size_t i_name;
    size_t n_stem;  // before the number
    int64_t number; // −1: none
};

// "bag_12.db3" is part 12 of "bag_".
static struct part part_of(const char *const *names, size_t i_name)
{
    const char *name = names[i_name];
    const size_t n = stem_of(name);
    size_t from = n;
    while (from > 0 && name[from - 1] >= '0' && name[from - 1] <= '9')
        from--;
    struct part p = {i_name, n, -1};
    if (from > 0 && name[from - 1] == '_' &&
        et_str_to_int64((struct et_str){name + from, n - from}, &p.number))
        p.n_stem = from;
    return p;
}

static int compare_stems(const char *const *names, const struct part *a, const struct part *b)
{
    return et_str_cmp((struct et_str){names[a->i_name], a->n_stem},
                      (struct et_str){names[b->i_name], b->n_stem});
}

static int by_part(const void *a, const void *b, void *names)
{
    const struct part *x = a, *y = b;
    const int stems = compare_stems(names, x, y);
    if (stems)
        return stems;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->i_name < y->i_name ? -1 : x->i_name > y->i_name;
}

/* ---- what a file is ---- */

enum et_status et__r2_kind_of(const char *path, enum et__r2_kind *kind, bool *is_zstd,
                              struct et_err *err)
{
    struct et_file *file = NULL;
    char head[16] = {0};
    size_t got = 0;
    *kind = ET__R2_NONE;
    *is_zstd = false;
    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_read_at(file, 0, head, sizeof head, &got, err);
    et_file_close(file);
    if (st != ET_OK)
        return st;
    if (got == sizeof head && memcmp(head, SQLITE_MAGIC, sizeof head) == 0)
        *kind = ET__R2_SQLITE;
    else if (got >= 8 && memcmp(head, MCAP_MAGIC, 8) == 0)
        *kind = ET__R2_MCAP;
    else if (et__r2_is_zstd((struct et_str){head, got}))
        *is_zstd = true;
    else if (got == 0 && et_str_ends(et_str(path), ".db3"))
        *kind = ET__R2_SQLITE; // all of it may lie in its log
    else
        return et_fail(err, ET_ECORRUPT, 0, "%s: neither SQLite, nor MCAP, nor one of them in zstd",
                       path);
    return ET_OK;
}

static bool folder_is_recording(const char *path, struct et_arena *arena)
{
    const char *const *names = NULL;
    struct et_str yaml = {NULL, 0};
    size_t n = 0;
    const char *metadata = et_path_join(arena, path, "metadata.yaml");
    if (metadata && et_file_read(metadata, METADATA_BYTES_MAX, arena, &yaml, NULL) == ET_OK &&
        strstr(yaml.p, "rosbag2_bagfile_information"))
        return true;
    if (et_dir_list(path, arena, &names, &n, NULL) != ET_OK)
        return false;
    // Files of one name that are numbered; others are recordings of their own.
    size_t n_parts = 0;
    struct part first = {0};
    for (size_t i = 0; i < n; i++) {
        if (!stem_of(names[i]))
            continue;
        const struct part part = part_of(names, i);
        if (part.number < 0 || (n_parts > 0 && compare_stems(names, &first, &part) != 0))
            return false;
        if (n_parts++ == 0)
            first = part;
    }
    return n_parts > 0;
}

bool et_rosbag2_is_recording(const char *path)
{
    enum et_path_kind what = ET_PATH_NONE;
    enum et__r2_kind kind;
    struct et_arena *arena = NULL;
    bool is_zstd = false, is_it = false;
    if (et_path_kind(path, &what, NULL) != ET_OK)
        return false;
    if (what == ET_PATH_FILE)
        return et__r2_kind_of(path, &kind, &is_zstd, NULL) == ET_OK && (!is_zstd || stem_of(path));
    if (what != ET_PATH_DIR || et_arena_open(&arena, (size_t)1 << 30, NULL) != ET_OK)
        return false;
    is_it = folder_is_recording(path, arena);
    et_arena_close(arena);
    return is_it;
}

/* ---- the folder ---- */

enum et_status et__r2_file_add(struct et_rosbag2_reader *r, const char *path, struct et_err *err)
{
    if (r->info.n_files == ET_ROSBAG2_FILES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d files", ET_ROSBAG2_FILES_MAX);
    const char *copy = et_arena_copy(r->arena, path, strlen(path));
    struct et_rosbag2_file *grown =
        et__r2_grow(r->arena, r->told, r->info.n_files, &r->cap_told, sizeof *r->told);
    if (!copy || !grown)
        return et_arena_fail(r->arena, "the list of files", err);
    r->told = grown;
    r->info.files = grown;
    r->told[r->info.n_files++] = (struct et_rosbag2_file){.path = copy, .n_messages = -1};
    return ET_OK;
}

struct folder {
    struct et_rosbag2_reader *r;
    const char *path;
    const char *const *names; // all that is in it, sorted
    size_t n_names;
    bool *is_used;
    struct part *parts; // its storage files, in their order
    size_t n_parts;
};

static int compare_names(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static size_t find_name(const struct folder *f, const char *name)
{
    const char *const *found =
        f->n_names ? bsearch(name, f->names, f->n_names, sizeof *f->names, compare_names) : NULL;
    return found ? (size_t)(found - f->names) : SIZE_MAX;
}

static enum et_status use(struct folder *f, size_t i, struct et_err *err)
{
    f->is_used[i] = true;
    const char *path = et_path_join(f->r->arena, f->path, f->names[i]);
    return path ? et__r2_file_add(f->r, path, err)
                : et_arena_fail(f->r->arena, "the list of files", err);
}

// "a.db3" for "a.db3.zstd" and the other way round; SIZE_MAX: not there.
static size_t find_twin(const struct folder *f, const char *name)
{
    char twin[ET_PATH_BYTES_MAX];
    const bool is_zstd = et_str_ends(et_str(name), ".zstd");
    const int n = is_zstd ? snprintf(twin, sizeof twin, "%.*s", (int)(strlen(name) - 5), name)
                          : snprintf(twin, sizeof twin, "%s.zstd", name);
    return n > 0 && n < (int)sizeof twin ? find_name(f, twin) : SIZE_MAX;
}

// Old versions put the folder's name in front, and nothing else may stand there.
static enum et_status use_listed(struct folder *f, const char *listed, struct et_err *err)
{
    const char *name = et_path_base(listed);
    size_t i = find_name(f, name);
    if (i == SIZE_MAX) {
        i = find_twin(f, name);
        et__r2_remark(f->r, ET_ROSBAG2_FILE, SIZE_MAX, -1, 0,
                      i == SIZE_MAX ? "%.100s is listed and not there"
                                    : "%.100s is listed; it is there otherwise compressed",
                      name);
    }
    if (i == SIZE_MAX)
        return ET_OK;
    if (f->is_used[i]) {
        et__r2_remark(f->r, ET_ROSBAG2_METADATA, SIZE_MAX, -1, 0, "%.100s is listed twice", name);
        return ET_OK;
    }
    return use(f, i, err);
}

static bool is_twin_used(const struct folder *f, size_t i)
{
    const size_t twin = find_twin(f, f->names[i]);
    return twin != SIZE_MAX && f->is_used[twin];
}

// Files that are not listed: later parts of what is listed belong to it (a list of a recorder that
// crashed), others do not.
static enum et_status use_later_parts(struct folder *f, struct et_err *err)
{
    for (size_t i = 0; i < f->n_parts; i++) {
        const struct part *p = &f->parts[i];
        if (f->is_used[p->i_name] || is_twin_used(f, p->i_name))
            continue;
        const struct part *last = i ? &f->parts[i - 1] : NULL;
        const bool is_later = last && p->number > last->number &&
                              (f->is_used[last->i_name] || is_twin_used(f, last->i_name)) &&
                              compare_stems(f->names, last, p) == 0;
        et__r2_remark(f->r, ET_ROSBAG2_FILE, SIZE_MAX, -1, 0,
                      is_later ? "%.100s is not listed; read, as what follows the files listed"
                               : "%.100s is not listed; left out",
                      f->names[p->i_name]);
        const enum et_status st = is_later ? use(f, p->i_name, err) : ET_OK;
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status use_all(struct folder *f, struct et_err *err)
{
    for (size_t i = 0; i < f->n_parts; i++) {
        if (is_twin_used(f, f->parts[i].i_name)) // plain ones come first
            continue;
        const enum et_status st = use(f, f->parts[i].i_name, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status list(struct folder *f, struct et_err *err)
{
    const enum et_status st = et_dir_list(f->path, f->r->arena, &f->names, &f->n_names, err);
    if (st != ET_OK)
        return st;
    f->is_used = et_arena_array(f->r->arena, f->n_names, sizeof *f->is_used);
    f->parts = et_arena_array(f->r->arena, f->n_names, sizeof *f->parts);
    if (!f->is_used || !f->parts)
        return et_arena_fail(f->r->arena, "the list of files", err);
    for (size_t i = 0; i < f->n_names; i++)
        if (stem_of(f->names[i]))
            f->parts[f->n_parts++] = part_of(f->names, i);
    if (f->n_parts) {
        union { // the comparison only reads them
            const char *const *from;
            void *to;
        } names = {.from = f->names};
        qsort_r(f->parts, f->n_parts, sizeof *f->parts, by_part, names.to);
    }
    return ET_OK;
}

static enum et_status read_metadata(struct folder *f, struct et_err *err)
{
    struct et_rosbag2_reader *r = f->r;
    struct et_str yaml = {NULL, 0};
    struct et_err why = {0};
    const char *path = et_path_join(r->arena, f->path, "metadata.yaml");
    if (!path)
        return et_arena_fail(r->arena, "the list of files", err);
    enum et_status st = find_name(f, "metadata.yaml") == SIZE_MAX ? ET_ENOTFOUND : ET_OK;
    if (st == ET_OK)
        st = et_file_read(path, METADATA_BYTES_MAX, r->arena, &yaml, &why);
    if (st == ET_OK)
        st = et__r2_metadata_read(yaml, r->arena, &r->metadata, &why);
    if (st == ET_ENOTFOUND)
        et__r2_remark(r, ET_ROSBAG2_METADATA, SIZE_MAX, -1, 0, "it is missing");
    else if (st == ET_ECORRUPT || st == ET_ELIMIT)
        et__r2_remark(r, ET_ROSBAG2_METADATA, SIZE_MAX, why.at, 0, "%.130s", why.text);
    else if (st != ET_OK) {
        if (err)
            *err = why;
        return st;
    }
    r->info.has_metadata = r->metadata.is_there;
    return ET_OK;
}

enum et_status et__r2_folder_read(struct et_rosbag2_reader *r, const char *path, struct et_err *err)
{
    struct folder f = {.r = r, .path = path};
    enum et_status st = list(&f, err);
    if (st == ET_OK)
        st = read_metadata(&f, err);
    for (size_t i = 0; st == ET_OK && i < r->metadata.n_paths; i++)
        st = use_listed(&f, r->metadata.paths[i], err);
    if (st != ET_OK)
        return st;
    const bool is_listed = r->info.n_files > 0;
    st = is_listed ? use_later_parts(&f, err) : use_all(&f, err);
    if (st == ET_OK && r->info.n_files == 0)
        return et_fail(err, ET_ENOTFOUND, -1, "%s: no recording is in this folder", path);
    return st;
}
