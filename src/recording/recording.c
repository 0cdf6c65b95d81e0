#include "recording/recording__open.h"

#include "etude/hash.h"
#include "etude/json.h"

#include <assert.h>
#include <stdlib.h>

// Texts of a recording: topics, definitions, metadata, bindings of many profiles.
#define ARENA_BYTES_MAX ((size_t)512 << 20)

static const struct et__source_ops *const OPENERS[] = {
#define X(name) &et__source_##name,
    ET__SOURCE_MAP(X)
#undef X
};
#define N_OPENERS (sizeof OPENERS / sizeof *OPENERS)

#define FORMATS                                                                               \
    "MCAP, ROS 1 bag, rosbag2 folder or .db3, HDF5 (ALOHA, robomimic, AgiBot), Unitree JSON " \
    "folder"

struct looked_at {
    struct et__looked looked;
    char head[64];
};

static enum et_status look(const char *path, struct looked_at *to, struct et_err *err)
{
    enum et_path_kind kind;
    enum et_status st = et_path_kind(path, &kind, err);
    *to = (struct looked_at){.looked = {.path = path, .is_folder = kind == ET_PATH_DIR}};
    if (st == ET_OK && kind == ET_PATH_NONE)
        return et_fail(err, ET_ENOTFOUND, -1, "%.150s: there is no such file or folder", path);
    if (st != ET_OK || to->looked.is_folder)
        return st;
    struct et_file *file = NULL;
    size_t n = 0;
    st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_read_at(file, 0, to->head, sizeof to->head, &n, err);
    et_file_close(file);
    to->looked.head = (struct et_str){to->head, n};
    return st;
}

static const struct et__source_ops *find_opener(const struct et__looked *looked)
{
    for (size_t i = 0; i < N_OPENERS; i++)
        if (OPENERS[i]->knows(looked))
            return OPENERS[i];
    return NULL;
}

bool et_recording_knows(const char *path)
{
    struct looked_at at;
    return look(path, &at, NULL) == ET_OK && find_opener(&at.looked) != NULL;
}

static enum et_status open_source(struct et_recording *r, const char *path, struct et_err *err)
{
    struct looked_at at;
    enum et_status st = look(path, &at, err);
    if (st != ET_OK)
        return st;
    const struct et__source_ops *opener = find_opener(&at.looked);
    if (!opener && !at.looked.is_folder && at.looked.head.n == 0)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%.200s: the file is empty", path);
    if (!opener)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%.200s: no recording that is known (" FORMATS ")",
                       path);
    st = opener->open(&r->source, path, &r->options, r->arena, err);
    if (st != ET_OK)
        return st;
    r->source->info.path = et_arena_copy(r->arena, path, strlen(path));
    return r->source->info.path ? ET_OK : et_arena_fail(r->arena, "a recording", err);
}

enum et_status et_recording_open(struct et_recording **recording, const char *path,
                                 const struct et_recording_options *options, struct et_err *err)
{
    assert(recording && path);
    struct et_recording *r = calloc(1, sizeof *r);
    *recording = NULL;
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording");
    if (options)
        r->options = *options;
    enum et_status st = et_arena_open(&r->arena, ARENA_BYTES_MAX, err);
    if (st == ET_OK)
        st = open_source(r, path, err);
    if (st != ET_OK) {
        et_recording_close(r);
        return st;
    }
    *recording = r;
    return ET_OK;
}

void et_recording_close(struct et_recording *recording)
{
    if (!recording)
        return;
    for (size_t i = 0; i < recording->n_taps; i++)
        et_message_program_close(recording->taps[i].program);
    if (recording->source)
        recording->source->ops->close(recording->source);
    for (size_t i = 0; recording->lanes && i < recording->binding.n_streams; i++)
        free(recording->lanes[i].raw);
    free(recording->is_wanted);
    free(recording->remarks);
    et_buf_free(&recording->unpacked);
    et_arena_close(recording->arena);
    free(recording);
}

/* The source's remarks, then one a tap whose messages could not be decoded. */
static void list_remarks(struct et_recording *r)
{
    const struct et_recording_info *from = &r->source->info;
    const size_t n_max = from->n_remarks + r->n_taps;
    if (n_max > r->cap_remarks) {
        free(r->remarks);
        r->remarks = malloc(n_max * sizeof *r->remarks);
        r->cap_remarks = r->remarks ? n_max : 0;
    }
    if (n_max > r->cap_remarks)
        return; // without memory they are not told twice; the counts of streams still tell
    size_t n = from->n_remarks;
    if (n > 0)
        memcpy(r->remarks, from->remarks, n * sizeof *r->remarks);
    for (size_t i = 0; i < r->n_taps; i++)
        if (r->taps[i].n_bad > 0)
            r->remarks[n++] =
                (struct et_recording_remark){.is_loss = true,
                                             .where = from->channels[r->taps[i].i_channel].topic,
                                             .text = r->taps[i].trouble,
                                             .n = r->taps[i].n_bad};
    r->info.remarks = r->remarks;
    r->info.n_remarks = n;
}

const struct et_recording_info *et_recording_info(struct et_recording *recording)
{
    recording->info = recording->source->info;
    recording->info.remarks = NULL;
    recording->info.n_remarks = 0;
    list_remarks(recording);
    return &recording->info;
}

const struct et_recording_binding *et_recording_binding(const struct et_recording *recording)
{
    return &recording->binding;
}

void et_recorded_device_json(struct et_json_writer *w, const struct et_recorded_device *device)
{
    et_json_open_map(w);
    et_json_put_text(w, "name", device->name[0] ? device->name : NULL);
    et_json_key(w, "joints");
    if (device->has_joints && device->n_joints == 0)
        et_json_null(w);
    else
        et_json_int(w, (int64_t)device->n_joints);
    et_json_put_bool(w, "is_taken", device->is_taken);
    et_json_close_map(w);
}

const char *et_picture_coding_text(enum et_picture_coding coding)
{
    static const char *const TEXTS[ET_N_PICTURE_CODINGS] = {
        "none", "jpeg", "png", "raw", "h264", "h265", "vp9", "av1", "depth", "frame"};
    assert((size_t)coding < ET_N_PICTURE_CODINGS);
    return TEXTS[coding];
}

/* ---- identity ---- */

#define FOLDERS_MAX 4096

/* A folder's files in the order of their names: each name and its content. Folders that are found
 * are appended to the list. */
static enum et_status hash_folder(struct et_blake2b *hash, const char *path, struct et_arena *arena,
                                  const char **folders, size_t *n_folders, struct et_err *err)
{
    const char *const *names;
    size_t n;
    enum et_status st = et_dir_list(path, arena, &names, &n, err);
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        enum et_path_kind kind = ET_PATH_NONE;
        struct et_digest digest;
        const char *file = et_path_join(arena, path, names[i]);
        if (!file)
            return et_arena_fail(arena, "the files of a recording", err);
        st = et_path_kind(file, &kind, err);
        if (st == ET_OK && kind == ET_PATH_FILE)
            st = et_blake2b_file(file, &digest, err);
        if (st == ET_OK && kind == ET_PATH_FILE) {
            et_blake2b_add(hash, names[i], strlen(names[i]) + 1);
            et_blake2b_add(hash, digest.bytes, sizeof digest.bytes);
        }
        if (st == ET_OK && kind == ET_PATH_DIR && *n_folders == FOLDERS_MAX)
            return et_fail(err, ET_ELIMIT, -1, "%.150s: more than %d folders", path, FOLDERS_MAX);
        if (st == ET_OK && kind == ET_PATH_DIR)
            folders[(*n_folders)++] = file;
    }
    return st;
}

static enum et_status digest_folder(const char *path, struct et_digest *digest, struct et_err *err)
{
    struct et_arena *arena = NULL;
    struct et_blake2b hash;
    const char **folders = NULL;
    size_t n_folders = 1;
    enum et_status st = et_arena_open(&arena, ARENA_BYTES_MAX, err);
    et_blake2b_begin(&hash);
    if (st == ET_OK) {
        folders = et_arena_array(arena, FOLDERS_MAX, sizeof *folders);
        if (!folders)
            st = et_arena_fail(arena, "the files of a recording", err);
        else
            folders[0] = path;
    }
    for (size_t i = 0; st == ET_OK && i < n_folders; i++)
        st = hash_folder(&hash, folders[i], arena, folders, &n_folders, err);
    *digest = et_blake2b_end(&hash);
    et_arena_close(arena);
    return st;
}

enum et_status et_recording_id(const struct et_recording *recording,
                               char id[ET_RECORDING_ID_CHARS + 1], struct et_err *err)
{
    static_assert(ET_RECORDING_ID_CHARS == ET_ID_CHARS, "one alphabet of ids");
    const char *path = recording->source->info.path;
    struct et_digest digest;
    enum et_path_kind kind;
    enum et_status st = et_path_kind(path, &kind, err);
    if (st == ET_OK)
        st = kind == ET_PATH_DIR ? digest_folder(path, &digest, err)
                                 : et_blake2b_file(path, &digest, err);
    if (st == ET_OK)
        et_digest_id(&digest, id);
    return st;
}
