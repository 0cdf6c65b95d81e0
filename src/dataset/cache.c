/* Files that several episodes share stay open: a v3.0 data file holds many episodes, and its footer
 * is large. The same for what was found in the index of a video file.
 *
 * Threads: one lock over both tables; a reader may be used by many threads at a time. */
#include "dataset/dataset__internal.h"

#include <pthread.h>
#include <stdlib.h>

#define N_READERS 8
#define N_PROBES 64

struct open_file {
    int64_t chunk, file;
    struct et_parquet_reader *reader; // NULL: free
    unsigned n_users;
    uint64_t used_at; // the clock when it was taken last
};

struct probed {
    char *path; // NULL: free
    struct et_video_info info;
    uint64_t used_at;
};

// A data file among all of them.
struct joined_file {
    const char *path;
    int64_t first_row, n_rows;
};

struct et__cache {
    pthread_mutex_t lock;
    uint64_t clock;
    struct et_arena *arena; // of the list of files, made when it is first asked for
    struct joined_file *joined;
    size_t n_joined;
    struct open_file files[N_READERS];
    struct probed probes[N_PROBES];
};

enum et_status et__cache_open(struct et__cache **cache, struct et_err *err)
{
    *cache = calloc(1, sizeof **cache);
    if (!*cache)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a dataset's open files");
    if (pthread_mutex_init(&(*cache)->lock, NULL) != 0) {
        free(*cache);
        *cache = NULL;
        return et_fail(err, ET_ENOMEM, -1, "no memory for a lock");
    }
    return ET_OK;
}

void et__cache_close(struct et__cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < N_READERS; i++)
        et_parquet_close(cache->files[i].reader);
    for (size_t i = 0; i < N_PROBES; i++)
        free(cache->probes[i].path);
    et_arena_close(cache->arena);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct open_file *find_file(struct et__cache *cache, const struct et__episode *episode)
{
    for (size_t i = 0; i < N_READERS; i++) {
        struct open_file *file = &cache->files[i];
        if (file->reader && file->chunk == episode->data_chunk && file->file == episode->data_file)
            return file;
    }
    return NULL;
}

// The slot to open a file in: a free one, else the one that was used longest ago and is not in use.
static struct open_file *free_slot(struct et__cache *cache)
{
    struct open_file *best = NULL;

    for (size_t i = 0; i < N_READERS; i++) {
        struct open_file *file = &cache->files[i];
        if (!file->reader)
            return file;
        if (file->n_users == 0 && (!best || file->used_at < best->used_at))
            best = file;
    }
    return best;
}

static enum et_status open_reader(const struct et_dataset *ds, const struct et__episode *episode,
                                  struct et_parquet_reader **reader, struct et_err *err)
{
    struct et_arena *arena = NULL;

    enum et_status st = et_arena_open(&arena, (size_t)64 << 10, err);
    if (st != ET_OK)
        return st;
    const char *path = et__data_path(ds, episode, arena);
    st = path ? et_parquet_open(reader, path, NULL, err) : et_arena_fail(arena, "a path", err);
    et_arena_close(arena);
    return st;
}

enum et_status et__reader_take(const struct et_dataset *ds, const struct et__episode *episode,
                               struct et_parquet_reader **reader, struct et_err *err)
{
    struct et__cache *cache = ds->cache;
    enum et_status st = ET_OK;

    *reader = NULL;
    // In v2 a file is one episode: keeping it open would help nobody.
    if (ds->info.layout != ET_LAYOUT_V30)
        return open_reader(ds, episode, reader, err);
    (void)pthread_mutex_lock(&cache->lock);
    struct open_file *file = find_file(cache, episode);
    if (!file) {
        st = open_reader(ds, episode, reader, err);
        file = st == ET_OK ? free_slot(cache) : NULL;
        if (file) {
            et_parquet_close(file->reader);
            *file = (struct open_file){episode->data_chunk, episode->data_file, *reader, 0, 0};
        }
    }
    if (file) {
        file->n_users++;
        file->used_at = ++cache->clock;
        *reader = file->reader;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return st;
}

void et__reader_give(const struct et_dataset *ds, struct et_parquet_reader *reader)
{
    struct et__cache *cache = ds->cache;

    if (!reader)
        return;
    bool is_ours = false;
    (void)pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < N_READERS && !is_ours; i++) {
        is_ours = cache->files[i].reader == reader;
        if (is_ours)
            cache->files[i].n_users--;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    if (!is_ours)
        et_parquet_close(reader);
}

// Lists the data files with their numbers of rows. Called with the lock held.
static enum et_status join_files(const struct et_dataset *ds, struct et_err *err)
{
    struct et__cache *cache = ds->cache;
    const char *const *paths;
    size_t n_paths;
    int64_t first_row = 0;

    enum et_status st = et_arena_open(&cache->arena, ET__META_ARENA_BYTES_MAX, err);
    if (st != ET_OK)
        return st;
    const char *folder = et_path_join(cache->arena, ds->info.path, "data");
    if (!folder)
        return et_arena_fail(cache->arena, "the data files", err);
    st = et__files_below(folder, 1, ".parquet", cache->arena, &paths, &n_paths, err);
    if (st != ET_OK)
        return st;
    cache->joined = et_arena_array(cache->arena, n_paths, sizeof *cache->joined);
    if (!cache->joined)
        return et_arena_fail(cache->arena, "the data files", err);
    for (size_t i = 0; i < n_paths; i++) {
        struct et_parquet_reader *reader = NULL;
        if (et_parquet_open(&reader, paths[i], NULL, NULL) != ET_OK)
            continue;
        const int64_t n_rows = et_parquet_n_rows(reader);
        et_parquet_close(reader);
        if (n_rows > INT64_MAX / 2 - first_row) // no file is so long
            continue;
        cache->joined[cache->n_joined++] = (struct joined_file){paths[i], first_row, n_rows};
        first_row += n_rows;
    }
    return ET_OK;
}

enum et_status et__file_of_row(const struct et_dataset *ds, int64_t row, const char **path,
                               int64_t *first_row, struct et_err *err)
{
    struct et__cache *cache = ds->cache;
    enum et_status st = ET_OK;

    *path = NULL;
    (void)pthread_mutex_lock(&cache->lock);
    if (!cache->joined)
        st = join_files(ds, err);
    if (st != ET_OK) { // the next call tries again
        et_arena_close(cache->arena);
        cache->arena = NULL;
        cache->joined = NULL;
        cache->n_joined = 0;
    }
    for (size_t i = 0; cache->joined && i < cache->n_joined && !*path; i++) {
        const struct joined_file *file = &cache->joined[i];
        if (row >= file->first_row && row - file->first_row < file->n_rows) {
            *path = file->path;
            *first_row = file->first_row;
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    if (st == ET_OK && !*path)
        st = et_fail(err, ET_ENOTFOUND, row, "%s: no data file holds row %lld", ds->info.path,
                     (long long)row);
    return st;
}

static bool find_probe(struct et__cache *cache, const char *path, struct et_video_info *info)
{
    for (size_t i = 0; i < N_PROBES; i++) {
        struct probed *probe = &cache->probes[i];
        if (probe->path && strcmp(probe->path, path) == 0) {
            probe->used_at = ++cache->clock;
            *info = probe->info;
            return true;
        }
    }
    return false;
}

static void keep_probe(struct et__cache *cache, const char *path, const struct et_video_info *info)
{
    struct probed *oldest = &cache->probes[0];

    for (size_t i = 1; i < N_PROBES; i++) {
        if (cache->probes[i].used_at < oldest->used_at)
            oldest = &cache->probes[i];
    }
    free(oldest->path);
    *oldest = (struct probed){strdup(path), *info, ++cache->clock};
}

enum et_status et__probe_once(const struct et_dataset *ds, const char *path,
                              struct et_video_info *info, struct et_err *err)
{
    struct et__cache *cache = ds->cache;

    if (ds->info.layout != ET_LAYOUT_V30)
        return et_video_probe(path, info, err);
    (void)pthread_mutex_lock(&cache->lock);
    const bool is_known = find_probe(cache, path, info);
    (void)pthread_mutex_unlock(&cache->lock);
    if (is_known)
        return ET_OK;
    const enum et_status st = et_video_probe(path, info, err);
    if (st == ET_OK) {
        (void)pthread_mutex_lock(&cache->lock);
        keep_probe(cache, path, info);
        (void)pthread_mutex_unlock(&cache->lock);
    }
    return st;
}
