#include "hdf5__header.h"

#include <assert.h>
#include <stdlib.h>

void et__hdf5_set_close(struct et__hdf5_set *set)
{
    if (set->dcpl > 0)
        (void)H5Pclose(set->dcpl);
    if (set->space > 0)
        (void)H5Sclose(set->space);
    if (set->type > 0)
        (void)H5Tclose(set->type);
    if (set->id > 0)
        (void)H5Oclose(set->id);
    *set = (struct et__hdf5_set){0};
}

// Opens and describes whatever stands there. False: nothing that opens.
static bool look(struct et_hdf5 *file, const char *at, struct et__hdf5_set *set)
{
    *set = (struct et__hdf5_set){.path = at};
    set->about.trouble = et__hdf5_guard(file, at);
    if (set->about.trouble) {
        set->about.kind = ET_HDF5_OTHER;
        return true;
    }
    set->id = H5Oopen(file->id, at, file->lapl);
    if (set->id < 0)
        return false;
    const H5I_type_t type = H5Iget_type(set->id);
    if (type == H5I_DATASET) {
        et__hdf5_describe(file, set);
    } else if (type == H5I_GROUP) {
        set->about.kind = ET_HDF5_GROUP;
    } else {
        set->about.kind = ET_HDF5_OTHER;
        set->about.trouble = "neither a group nor a dataset";
    }
    return true;
}

// "" and whether it is a soft link, or why a link is not followed.
static const char *look_at_link(struct et_hdf5 *file, const char *at, bool *is_soft)
{
    H5L_info_t info;
    *is_soft = false;
    if (strcmp(at, "/") == 0)
        return "";
    if (H5Lget_info(file->id, at, &info, file->lapl) < 0)
        return NULL;
    *is_soft = info.type == H5L_TYPE_SOFT;
    if (info.type == H5L_TYPE_HARD || *is_soft)
        return "";
    return info.type == H5L_TYPE_EXTERNAL ? "a link to another file, which is not followed"
                                          : "a kind of link that is not followed";
}

enum et_status et__hdf5_set_open(struct et_hdf5 *file, const char *path, struct et__hdf5_set *set,
                                 struct et_err *err)
{
    const char *at;
    *set = (struct et__hdf5_set){0};
    const enum et_status st = et__hdf5_path(file, path, &at, err);
    if (st != ET_OK)
        return st;
    if (!look(file, at, set))
        return et__hdf5_fail(file, ET_ENOTFOUND, path, "no such object", err);
    set->path = path;
    if (set->about.kind == ET_HDF5_OTHER)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%s: %s: %s", file->path, path,
                       set->about.trouble);
    if (set->about.kind == ET_HDF5_GROUP)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%s: %s: a group, no dataset", file->path, path);
    return ET_OK;
}

static enum et_status stat_one(struct et_hdf5 *file, const char *path,
                               struct et_hdf5_object *object, struct et_err *err)
{
    struct et__hdf5_set set;
    const char *at, *trouble;
    bool is_soft;
    *object = (struct et_hdf5_object){0};
    const enum et_status st = et__hdf5_path(file, path, &at, err);
    if (st != ET_OK)
        return st;
    if (!(trouble = look_at_link(file, at, &is_soft)))
        return et__hdf5_fail(file, ET_ENOTFOUND, path, "no such object", err);
    if (!*trouble && !look(file, at, &set))
        trouble = is_soft ? "a link that leads to nothing" : "it cannot be opened";
    if (*trouble) {
        *object = (struct et_hdf5_object){.kind = ET_HDF5_OTHER, .trouble = trouble};
    } else {
        *object = set.about;
        et__hdf5_set_close(&set);
    }
    object->is_soft = is_soft;
    return ET_OK;
}

enum et_status et_hdf5_stat(struct et_hdf5 *file, const char *path, struct et_hdf5_object *object,
                            struct et_err *err)
{
    assert(file && path && object);
    struct et__hdf5_lock lock;
    et__hdf5_enter(&lock);
    const enum et_status st = stat_one(file, path, object, err);
    et__hdf5_leave(&lock);
    return st;
}

/* ---- lists ---- */

struct names {
    struct et_hdf5 *file;
    const char *path;
    struct et_arena *arena;
    struct et_hdf5_object *items;
    size_t n, cap;
    struct et_err err;
};

static enum et_status add_name(struct names *names, const char *name)
{
    enum et_status st = et_name_check(et_str(name), "the name of an object", &names->err);
    if (st != ET_OK)
        return st;
    if (strchr(name, '/'))
        return et_fail(&names->err, ET_ECORRUPT, -1, "the name of an object has a slash");
    if (names->file->n_listed++ >= ET_HDF5_OBJECTS_MAX)
        return et_fail(&names->err, ET_ELIMIT, -1, "more than %d objects", ET_HDF5_OBJECTS_MAX);
    if (names->n == names->cap) {
        const size_t cap = names->cap ? names->cap * 2 : 16;
        struct et_hdf5_object *more = et_arena_array(names->arena, cap, sizeof *more);
        if (!more)
            return et_arena_fail(names->arena, "the objects of a group", &names->err);
        if (names->n)
            memcpy(more, names->items, names->n * sizeof *more);
        names->items = more;
        names->cap = cap;
    }
    const char *kept = et_arena_copy(names->arena, name, strlen(name));
    if (!kept)
        return et_arena_fail(names->arena, "the objects of a group", &names->err);
    names->items[names->n++] = (struct et_hdf5_object){.name = kept};
    return ET_OK;
}

static herr_t on_name(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
    struct names *names = ctx;
    (void)group, (void)info;
    return add_name(names, name) == ET_OK ? 0 : -1;
}

static int by_name(const void *a, const void *b)
{
    const struct et_hdf5_object *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static enum et_status stat_all(struct names *names, struct et_err *err)
{
    for (size_t i = 0; i < names->n; i++) {
        struct et_hdf5_object *object = &names->items[i];
        const char *name = object->name;
        const struct et_arena_mark mark = et_arena_mark(names->arena);
        const char *path =
            et_arena_printf(names->arena, "%s%s%s", names->path, *names->path ? "/" : "", name);
        if (!path)
            return et_arena_fail(names->arena, "the objects of a group", err);
        enum et_status st = stat_one(names->file, path, object, err);
        et_arena_rewind(names->arena, mark);
        if (st == ET_ENOTFOUND) { // listed, and yet not there
            *object =
                (struct et_hdf5_object){.kind = ET_HDF5_OTHER, .trouble = "it cannot be opened"};
            st = ET_OK;
        }
        object->name = name;
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status list_names(struct names *names, struct et_err *err)
{
    const char *at;
    struct et_hdf5 *file = names->file;
    const enum et_status st = et__hdf5_path(file, names->path, &at, err);
    if (st != ET_OK)
        return st;
    const char *trouble = et__hdf5_guard(file, at);
    if (trouble)
        return et_fail(err, ET_ECORRUPT, -1, "%s: %s: %s", file->path, at, trouble);
    const hid_t id = H5Oopen(file->id, at, file->lapl);
    if (id < 0)
        return et__hdf5_fail(file, ET_ENOTFOUND, names->path, "no such object", err);
    enum et_status got = ET_OK;
    if (H5Iget_type(id) != H5I_GROUP)
        got = et_fail(err, ET_ENOTFOUND, -1, "%s: %s: no group", file->path, at);
    else if (H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, on_name, names) < 0)
        got = names->err.status != ET_OK ? et_fail(err, names->err.status, -1, "%s: %s: %s",
                                                   file->path, at, names->err.text)
                                         : et__hdf5_fail(file, ET_ECORRUPT, names->path,
                                                         "its objects cannot be listed", err);
    (void)H5Oclose(id);
    return got;
}

enum et_status et_hdf5_list(struct et_hdf5 *file, const char *path, struct et_arena *arena,
                            const struct et_hdf5_object **objects, size_t *n, struct et_err *err)
{
    assert(file && path && arena && objects && n);
    struct names names = {.file = file, .path = path, .arena = arena};
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct et__hdf5_lock lock;
    *objects = NULL;
    *n = 0;
    et__hdf5_enter(&lock);
    enum et_status st = list_names(&names, err);
    if (st == ET_OK && names.n > 0)
        qsort(names.items, names.n, sizeof *names.items, by_name);
    if (st == ET_OK)
        st = stat_all(&names, err);
    et__hdf5_leave(&lock);
    if (st != ET_OK) {
        et_arena_rewind(arena, mark);
        return st;
    }
    *objects = names.items;
    *n = names.n;
    return ET_OK;
}
