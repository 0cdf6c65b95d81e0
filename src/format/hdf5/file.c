#include "hdf5__header.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

// libhdf5 keeps its tables for the whole process, and not every build of it locks them.
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

void et__hdf5_enter(struct et__hdf5_lock *lock)
{
    (void)pthread_mutex_lock(&library);
    lock->print = NULL;
    lock->ctx = NULL;
    (void)H5Eget_auto2(H5E_DEFAULT, &lock->print, &lock->ctx);
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void et__hdf5_leave(const struct et__hdf5_lock *lock)
{
    (void)H5Eset_auto2(H5E_DEFAULT, lock->print, lock->ctx);
    (void)pthread_mutex_unlock(&library);
}

// The innermost error comes first; its words are the reason.
static herr_t first_words(unsigned n, const H5E_error2_t *e, void *ctx)
{
    struct et_err *reason = ctx;
    if (n == 0 && e->desc)
        (void)et_fail(reason, ET_ECORRUPT, -1, "%s", e->desc);
    return 0;
}

enum et_status et__hdf5_fail(const struct et_hdf5 *file, enum et_status status, const char *object,
                             const char *what, struct et_err *err)
{
    struct et_err reason = {0};
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_words, &reason);
    return et_fail(err, status, -1, "%s: %s: %s%s%s", file->path, *object ? object : "/", what,
                   reason.text[0] ? ": " : "", reason.text);
}

// Guards the groups on the way to a path, each before libhdf5 looks for a name in it. Those of the
// last way are known to be good.
static const char *guard_way(struct et_hdf5 *file, const char *path)
{
    char way[ET__HDF5_WAY_BYTES_MAX];
    const char *last = strrchr(path, '/');
    const size_t n = last ? (size_t)(last - path) : 0;
    if (n >= sizeof way)
        return "a path that is too long";
    if (file->has_way && strlen(file->way) == n && memcmp(file->way, path, n) == 0)
        return NULL;
    const char *trouble = et__hdf5_guard(file, "/");
    for (size_t i = 1; !trouble && i <= n; i++) {
        if (path[i] != '/')
            continue;
        memcpy(way, path, i);
        way[i] = 0;
        trouble = et__hdf5_guard(file, way);
    }
    memcpy(file->way, path, n);
    file->way[n] = 0;
    file->has_way = !trouble;
    return trouble;
}

enum et_status et__hdf5_path(struct et_hdf5 *file, const char *path, const char **to,
                             struct et_err *err)
{
    int depth = 1;
    for (const char *c = path; *c; c++)
        depth += *c == '/';
    *to = *path ? path : "/";
    if (depth > ET_HDF5_DEPTH_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%s: %.100s…: deeper than %d groups", file->path, path,
                       ET_HDF5_DEPTH_MAX);
    const char *trouble = guard_way(file, path);
    if (trouble)
        return et_fail(err, ET_ECORRUPT, -1, "%s: %.200s: a group in front of it: %s", file->path,
                       path, trouble);
    return ET_OK;
}

// Called before libhdf5 would open another file.
static herr_t refuse_link(const char *parent_file, const char *parent_group, const char *child_file,
                          const char *child_object, unsigned *flags, hid_t fapl, void *ctx)
{
    (void)parent_file, (void)parent_group, (void)child_file, (void)child_object;
    (void)flags, (void)fapl, (void)ctx;
    return -1;
}

static enum et_status look_at_sizes(struct et_hdf5 *file, struct et_err *err)
{
    hsize_t userblock = 0;
    const hid_t made = H5Fget_create_plist(file->id);
    const bool is_known = made >= 0 && H5Pget_userblock(made, &userblock) >= 0 &&
                          H5Pget_sizes(made, &file->n_addr_bytes, &file->n_size_bytes) >= 0;
    if (made >= 0)
        (void)H5Pclose(made);
    file->base = (int64_t)userblock;
    if (!is_known || userblock > (hsize_t)file->n_bytes)
        return et__hdf5_fail(file, ET_ECORRUPT, "", "no sizes of its addresses", err);
    return ET_OK;
}

static enum et_status open_library(struct et_hdf5 *file, struct et_err *err)
{
    const hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    file->lapl = H5Pcreate(H5P_LINK_ACCESS);
    if (fapl < 0 || file->lapl < 0 || H5Pset_elink_cb(file->lapl, refuse_link, NULL) < 0 ||
        H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG) < 0) {
        if (fapl >= 0)
            (void)H5Pclose(fapl);
        return et__hdf5_fail(file, ET_ENOMEM, "", "libhdf5 does not start", err);
    }
    enum et_status st = ET_OK;
    file->id = H5Fopen(file->path, H5F_ACC_RDONLY, fapl);
    if (file->id < 0) // before anything else clears the reason
        st = et__hdf5_fail(file, ET_ECORRUPT, "", "no HDF5 that can be read", err);
    (void)H5Pclose(fapl);
    if (st == ET_OK)
        st = look_at_sizes(file, err);
    const char *trouble = st == ET_OK ? et__hdf5_guard(file, "/") : NULL;
    return trouble ? et_fail(err, ET_ECORRUPT, -1, "%s: /: %s", file->path, trouble) : st;
}

static void close_library(struct et_hdf5 *file)
{
    if (file->id > 0)
        (void)H5Fclose(file->id);
    if (file->lapl > 0)
        (void)H5Pclose(file->lapl);
}

static enum et_status open_file(struct et_hdf5 *file, struct et_err *err)
{
    struct et__hdf5_lock lock;
    enum et_status st = et_file_open(&file->raw, file->path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(file->raw, &file->n_bytes, err);
    if (st != ET_OK)
        return st;
    et__hdf5_enter(&lock);
    st = open_library(file, err);
    et__hdf5_leave(&lock);
    return st;
}

enum et_status et_hdf5_open(struct et_hdf5 **file, const char *path, struct et_err *err)
{
    assert(file && path);
    *file = NULL;
    struct et_hdf5 *f = calloc(1, sizeof *f);
    if (f)
        f->path = strdup(path);
    if (!f || !f->path) {
        free(f);
        return et_fail(err, ET_ENOMEM, -1, "%s: no memory for a file", path);
    }
    f->heap_at = -1;
    f->chunk = f->packed =
        et_buf(ET_HDF5_CHUNK_BYTES_MAX + ET_HDF5_CHUNK_BYTES_MAX / 8 + ET__HDF5_PACKED_SLACK);
    f->heap = et_buf(ET_HDF5_HEAP_BYTES_MAX);
    f->header = et_buf(ET__HDF5_HEADER_BYTES_MAX + 1);
    const enum et_status st = open_file(f, err);
    if (st != ET_OK)
        et_hdf5_close(f);
    else
        *file = f;
    return st;
}

void et_hdf5_close(struct et_hdf5 *file)
{
    struct et__hdf5_lock lock;
    if (!file)
        return;
    et__hdf5_enter(&lock);
    close_library(file);
    et__hdf5_leave(&lock);
    et__hdf5_unpack_close(file);
    et_file_close(file->raw);
    et_buf_free(&file->chunk);
    et_buf_free(&file->packed);
    et_buf_free(&file->heap);
    et_buf_free(&file->header);
    free(file->path);
    free(file);
}
