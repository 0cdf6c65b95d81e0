/* Any bytes as an HDF5 file, as a recording and object by object. What libhdf5 does with its own
 * memory is not seen here: it is not built with a sanitizer. */
#include "etude/hdf5.h"
#include "recording/recording__source.h"
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGES_MAX 2000
#define GROUPS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// libhdf5 does not free everything when a file is damaged.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

// It asks for what a damaged header says, petabytes too, and gets over it that there are none.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void read_recording(const char *path)
{
    static bool is_wanted[5000];
    static const struct et_recording_options OPTIONS = {.memory_bytes = (size_t)16 << 20};
    struct et_arena *arena = NULL;
    struct et__source *source = NULL;
    struct et_err err = {0};
    struct et__raw raw;
    memset(is_wanted, true, sizeof is_wanted);
    if (et_arena_open(&arena, (size_t)64 << 20, &err) != ET_OK)
        return;
    enum et_status st = et__source_hdf5.open(&source, path, &OPTIONS, arena, &err);
    require(st == ET_OK || err.text[0]);
    if (st == ET_OK) {
        int64_t last = INT64_MIN;
        require(source->ops->query(source, &(struct et__range){.is_wanted = is_wanted}, &err) ==
                ET_OK);
        for (int n = 0; n < MESSAGES_MAX; n++) {
            st = source->ops->next(source, &raw, &err);
            if (st != ET_OK)
                break;
            require(raw.i_channel < source->info.n_channels && raw.t_arrival_ns >= last);
            last = raw.t_arrival_ns;
        }
        require(st == ET_OK || st == ET_END || err.text[0]);
        source->ops->close(source);
    }
    et_arena_close(arena);
}

static void read_object(struct et_hdf5 *file, const char *path, const struct et_hdf5_object *o,
                        struct et_arena *arena)
{
    struct et_buf to = et_buf(1 << 20);
    double values[256];
    const char *const *texts;
    size_t n;
    struct et_err err = {0};
    enum et_status st = ET_OK;
    if (o->kind == ET_HDF5_NUMBERS && o->n_row_values <= 256 && o->n_rows > 0)
        st = et_hdf5_read_doubles(file, path, o->n_rows - 1, 1, values, &err);
    else if (o->kind == ET_HDF5_TEXTS && o->n_rows < 1000)
        st = et_hdf5_read_texts(file, path, arena, &texts, &n, &err);
    else if (o->kind == ET_HDF5_BLOBS && o->n_rows > 0)
        st = et_hdf5_read_blob(file, path, 0, &to, &err);
    require(st == ET_OK || err.text[0]);
    et_buf_free(&to);
}

static void read_objects(const char *path)
{
    static char groups[GROUPS_MAX][1024];
    struct et_hdf5 *file = NULL;
    struct et_arena *arena = NULL;
    size_t n_groups = 1;
    groups[0][0] = 0;
    if (et_hdf5_open(&file, path, NULL) != ET_OK)
        return;
    if (et_arena_open(&arena, (size_t)64 << 20, NULL) == ET_OK)
        for (size_t g = 0; g < n_groups; g++) {
            const struct et_hdf5_object *objects = NULL;
            const struct et_hdf5_attribute *attributes;
            size_t n = 0, n_attributes;
            (void)et_hdf5_list_attributes(file, groups[g], arena, &attributes, &n_attributes, NULL);
            (void)et_hdf5_list(file, groups[g], arena, &objects, &n, NULL);
            for (size_t i = 0; i < n; i++) {
                char at[1024];
                if (snprintf(at, sizeof at, "%s%s%s", groups[g], groups[g][0] ? "/" : "",
                             objects[i].name) >= (int)sizeof at)
                    continue;
                read_object(file, at, &objects[i], arena);
                if (objects[i].kind == ET_HDF5_GROUP && n_groups < GROUPS_MAX)
                    memcpy(groups[n_groups++], at, sizeof at);
            }
        }
    et_arena_close(arena);
    et_hdf5_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *path; // one file, kept open: making it anew takes longer than reading it
    static int fd;
    if (!path) {
        path = temp_path("fuzz.h5");
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    require(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    read_recording(path);
    read_objects(path);
    return 0;
}
