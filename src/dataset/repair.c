/* Making a folder whole whose writer was killed. The journal says what was committed; all else in
 * the folders of data and videos is taken away, and the metadata are made as finishing makes them.
 */
#include "dataset/dataset__write.h"

#include "etude/hash.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define REPAIR_ARENA_BYTES ((size_t)4 << 30)
#define TAIL_BYTES_MAX (2 * ET__JOURNAL_LINE_BYTES_MAX)

/* A file that holds committed episodes, and how much of it counts. */
struct kept {
    const char *path;
    int64_t n; // row groups, or frames
    bool is_video;
};

struct repair {
    const char *root;
    const struct et__spec *spec;
    struct et_arena *arena;
    struct kept *files;
    size_t n_files, cap_files;
    size_t *latest; // of each field's video, and behind them of the data: its file's place + 1
    int64_t n_episodes;
    int64_t journal_end; // behind the last line that holds
};

/* ---- what was committed ---- */

// The file that an episode's part went to: the one of the episode before, or another one.
static enum et_status keep_file(struct repair *r, size_t which, const struct kept *file,
                                struct et_err *err)
{
    if (r->latest[which] > 0) {
        struct kept *last = &r->files[r->latest[which] - 1];
        if (strcmp(last->path, file->path) == 0) {
            last->n = file->n;
            return ET_OK;
        }
    }
    struct kept *files = et__grow(r->arena, r->files, r->n_files, &r->cap_files, sizeof *r->files);
    const char *path = et__copy_text(r->arena, et_str(file->path));
    if (!files || !path)
        return et_arena_fail(r->arena, "the list of files", err);
    r->files = files;
    files[r->n_files] = *file;
    files[r->n_files++].path = path;
    r->latest[which] = r->n_files;
    return ET_OK;
}

static enum et_status keep_video(struct repair *r, const struct et__journal_video *video,
                                 struct et_arena *arena, struct et_err *err)
{
    const struct et__path_fields fields = {.chunk = video->chunk,
                                           .file = video->file,
                                           .episode = video->file,
                                           .video_key = video->key};
    const int i_field = et__spec_find(r->spec, video->key);
    if (i_field < 0 || !r->spec->fields[i_field].is_video || video->chunk < 0 || video->file < 0)
        return et_fail(err, ET_ECORRUPT, -1,
                       "the journal speaks of a video %.100s that is no feature", video->key);
    const struct kept file = {
        .path = et__path_expand(arena, r->root, et__video_template(r->spec->layout), &fields),
        .n = video->n_frames,
        .is_video = true};
    if (!file.path)
        return et_arena_fail(arena, "a path", err);
    return keep_file(r, (size_t)i_field, &file, err);
}

static enum et_status keep_line(void *ctx, const struct et__journal_line *line,
                                struct et_arena *arena, struct et_err *err)
{
    struct repair *r = ctx;
    r->journal_end = line->end;
    if (line->kind != ET__JOURNAL_EPISODE)
        return ET_OK;
    if (line->data_chunk < 0 || line->data_file < 0 || line->data_group < 0)
        return et_fail(err, ET_ECORRUPT, line->at, "the journal's episode %lld is in no file",
                       (long long)line->index);
    const struct et__path_fields fields = {
        .chunk = line->data_chunk, .file = line->data_file, .episode = line->data_file};
    const struct kept file = {
        .path = et__path_expand(arena, r->root, et__data_template(r->spec->layout), &fields),
        .n = line->data_group + 1};
    if (!file.path)
        return et_arena_fail(arena, "a path", err);
    struct et__stats *stats; // finishing takes them; what it would refuse is refused here
    enum et_status st = et__stats_unpack(line->stats, r->spec, arena, &stats, err);
    if (st == ET_OK)
        st = keep_file(r, r->spec->n_fields, &file, err);
    for (size_t i = 0; st == ET_OK && i < line->n_videos; i++)
        st = keep_video(r, &line->videos[i], arena, err);
    r->n_episodes++;
    return st;
}

static enum et_status read_spec(struct repair *r, struct et_err *err)
{
    struct et__journal *journal = NULL;
    struct et__journal_line line;
    enum et_status st = et__journal_open(&journal, r->root, err);
    if (st == ET_OK)
        st = et__journal_next(journal, r->arena, &line, err);
    if (st == ET_END)
        st = et_fail(err, ET_ECORRUPT, 0, "%.200s/%s is empty", r->root, ET__JOURNAL_PATH);
    if (st == ET_OK)
        st = et__spec_read(line.value, r->arena, &r->spec, err);
    et__journal_close(journal);
    return st;
}

// What stands behind the last line that holds; empty when nothing does.
static enum et_status read_tail(const struct repair *r, const char *path, struct et_str *tail,
                                struct et_err *err)
{
    struct et_file *file = NULL;
    int64_t n_bytes = 0;
    char *bytes = NULL;
    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(file, &n_bytes, err);
    const int64_t n = n_bytes - r->journal_end;
    if (st == ET_OK && n > (int64_t)TAIL_BYTES_MAX)
        st = et_fail(err, ET_ECORRUPT, r->journal_end,
                     "%.200s is damaged at byte %lld, and %lld bytes follow", path,
                     (long long)r->journal_end, (long long)n);
    if (st == ET_OK && n > 0) {
        bytes = et_arena_alloc(r->arena, (size_t)n);
        st = bytes ? et_file_read_exact(file, r->journal_end, bytes, (size_t)n, err)
                   : et_arena_fail(r->arena, "the journal", err);
    }
    et_file_close(file);
    *tail = (struct et_str){bytes ? bytes : "", st == ET_OK && n > 0 ? (size_t)n : 0};
    return st;
}

/* What follows the last line that holds is the line that the writer was killed in. Where whole
 * lines follow behind it, the journal was damaged by something else, and what they speak of must
 * not be taken away. */
static enum et_status check_tail(const struct repair *r, struct et_err *err)
{
    static const char HEAD[] = "{\"xxh3\":\"", SEAL[] = "{\"xxh3\":\"0123456789abcdef\",";
    const size_t n_seal = sizeof SEAL - 1;
    const char *path = et_path_join(r->arena, r->root, ET__JOURNAL_PATH);
    struct et_str rest = {0}, line;
    char wanted[32];
    enum et_status st =
        path ? read_tail(r, path, &rest, err) : et_arena_fail(r->arena, "a path", err);
    const char *end = st == ET_OK ? rest.p + rest.n : NULL;
    while (st == ET_OK && et_str_cut(&rest, '\n', &line)) {
        if (line.n <= n_seal || line.p + line.n == end) // without its line feed it was cut
            continue;
        const uint64_t hash = et_hash64(line.p + n_seal, line.n - n_seal);
        (void)snprintf(wanted, sizeof wanted, "%016llx", (unsigned long long)hash);
        if (memcmp(line.p + sizeof HEAD - 1, wanted, 16) == 0)
            st = et_fail(err, ET_ECORRUPT, r->journal_end,
                         "%.200s is damaged at byte %lld, and whole lines follow; nothing was "
                         "changed",
                         path, (long long)r->journal_end);
    }
    return st;
}

/* ---- files ---- */

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct kept *)a)->path, ((const struct kept *)b)->path);
}

// A committed file, or the journal beside a committed data file.
static bool is_kept(const struct repair *r, const char *path)
{
    char whole[ET_PATH_BYTES_MAX];
    const struct et_str text = et_str(path);
    const size_t n = et_str_ends(text, ".parquet.journal") ? text.n - strlen(".journal") : text.n;
    if (n >= sizeof whole)
        return false;
    memcpy(whole, path, n);
    whole[n] = 0;
    const struct kept key = {.path = whole};
    return r->n_files > 0 &&
           bsearch(&key, r->files, r->n_files, sizeof *r->files, compare_files) != NULL;
}

static enum et_status remove_below(struct repair *r, const char *name, int depth,
                                   bool (*is_to_go)(const struct repair *r, const char *path),
                                   struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(r->arena);
    const char *folder = et_path_join(r->arena, r->root, name);
    const char *const *paths = NULL;
    size_t n_paths = 0;
    enum et_status st = folder
                            ? et__files_below(folder, depth, NULL, r->arena, &paths, &n_paths, err)
                            : et_arena_fail(r->arena, "a path", err);
    for (size_t i = 0; st == ET_OK && i < n_paths; i++)
        if (is_to_go(r, paths[i]))
            st = et_path_remove(paths[i], err);
    et_arena_rewind(r->arena, mark);
    return st;
}

static bool is_stray(const struct repair *r, const char *path)
{
    return !is_kept(r, path);
}

// What was being written beside its place.
static bool is_unfinished(const struct repair *r, const char *path)
{
    (void)r;
    return et_str_ends(et_str(path), ET_FILE_PART_SUFFIX) || et_str_ends(et_str(path), ".tmp");
}

static enum et_status repair_files(struct repair *r, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < r->n_files; i++) {
        const struct kept *file = &r->files[i];
        st = file->is_video ? et_video_repair(file->path, file->n, err)
                            : et_parquet_repair(file->path, file->n, NULL, err);
    }
    return st;
}

static enum et_status repair_folder(struct repair *r, struct et_err *err)
{
    enum et_status st = read_spec(r, err);
    if (st != ET_OK)
        return st;
    r->latest = et_arena_array(r->arena, r->spec->n_fields + 1, sizeof *r->latest);
    if (!r->latest)
        return et_arena_fail(r->arena, "the list of files", err);
    st = et__journal_each(r->root, keep_line, r, err);
    if (st == ET_OK)
        st = check_tail(r, err);
    if (st == ET_OK && r->n_files > 0)
        qsort(r->files, r->n_files, sizeof *r->files, compare_files);
    if (st == ET_OK)
        st = remove_below(r, "data", 2, is_stray, err);
    if (st == ET_OK)
        st = remove_below(r, "videos", 3, is_stray, err);
    if (st == ET_OK)
        st = remove_below(r, "meta", 3, is_unfinished, err);
    if (st == ET_OK)
        st = repair_files(r, err);
    return st == ET_OK ? et__metadata_write(r->root, r->spec, NULL, err) : st;
}

/* ---- which of the three it is ---- */

static enum et_status has_file(struct repair *r, const char *name, bool *is_there,
                               struct et_err *err)
{
    const char *path = et_path_join(r->arena, r->root, name);
    return path ? et__is_file(path, is_there, err) : et_arena_fail(r->arena, "a path", err);
}

static enum et_status count_finished(struct repair *r, struct et_err *err)
{
    struct et_dataset *set = NULL;
    const enum et_status st = et_dataset_open(&set, r->root, err);
    if (st == ET_OK)
        r->n_episodes = et_dataset_info(set)->n_episodes;
    et_dataset_close(set);
    return st;
}

// All metadata are there; only the journal was not removed any more.
static enum et_status remove_journal(struct repair *r, struct et_err *err)
{
    const char *path = et_path_join(r->arena, r->root, ET__JOURNAL_PATH);
    if (!path)
        return et_arena_fail(r->arena, "a path", err);
    const enum et_status st = remove_below(r, "meta", 3, is_unfinished, err);
    return st == ET_OK ? et_path_remove(path, err) : st;
}

static enum et_status repair_any(struct repair *r, struct et_err *err)
{
    bool has_info = false, has_journal = false;
    enum et_status st = has_file(r, ET__INFO_PATH, &has_info, err);
    if (st == ET_OK)
        st = has_file(r, ET__JOURNAL_PATH, &has_journal, err);
    if (st != ET_OK)
        return st;
    if (!has_info && !has_journal)
        return et_fail(err, ET_ENOTFOUND, -1,
                       "%.200s is no dataset: neither meta/info.json nor a writer's journal",
                       r->root);
    if (!has_info)
        return repair_folder(r, err);
    if (has_journal)
        st = remove_journal(r, err);
    return st == ET_OK ? count_finished(r, err) : st;
}

enum et_status et_dataset_repair(const char *path, int64_t *n_episodes, struct et_err *err)
{
    assert(path);
    struct repair r = {.root = path};
    enum et_status st = et_arena_open(&r.arena, REPAIR_ARENA_BYTES, err);
    if (st == ET_OK)
        st = repair_any(&r, err);
    if (st == ET_OK && n_episodes)
        *n_episodes = r.n_episodes;
    et_arena_close(r.arena);
    return st;
}
