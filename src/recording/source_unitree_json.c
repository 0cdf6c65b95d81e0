/* Unitree's xr_teleoperate: episode_0001/data.json and the pictures that it names, or the folder of
 * a task with many such. There is no time in it: rows are counted at the rate that it states. */
#include "recording/recording__unitree.h"

#include "etude/image.h"
#include "etude/json.h"

#include <stdlib.h>

#define RATE_HZ 30 // where the file does not say
#define RATE_HZ_MAX 1000
#define GAP_NS 1000000000
#define TREE_BYTES ((size_t)1 << 30) // of an episode in memory
#define DATA_FILE "data.json"

static bool has_data(struct et_arena *arena, const char *folder)
{
    enum et_path_kind kind = ET_PATH_NONE;
    const struct et_arena_mark mark = et_arena_mark(arena);
    const char *path = et_path_join(arena, folder, DATA_FILE);
    const bool is_there = path && et_path_kind(path, &kind, NULL) == ET_OK && kind == ET_PATH_FILE;
    et_arena_rewind(arena, mark);
    return is_there;
}

static bool is_folder(const char *path)
{
    enum et_path_kind kind = ET_PATH_NONE;
    return path && et_path_kind(path, &kind, NULL) == ET_OK && kind == ET_PATH_DIR;
}

// A task's folder: at least one folder in it has a data.json.
static bool has_episodes(struct et_arena *arena, const char *folder)
{
    const char *const *names;
    size_t n;
    if (et_dir_list(folder, arena, &names, &n, NULL) != ET_OK)
        return false;
    for (size_t i = 0; i < n && i < ET__UNITREE_EPISODES_MAX; i++) {
        const struct et_arena_mark mark = et_arena_mark(arena);
        const char *within = et_path_join(arena, folder, names[i]);
        const bool has_one = within && has_data(arena, within);
        et_arena_rewind(arena, mark);
        if (has_one)
            return true;
    }
    return false;
}

static bool knows(const struct et__looked *looked)
{
    struct et_arena *arena = NULL;
    if (!looked->is_folder)
        return strcmp(et_path_base(looked->path), DATA_FILE) == 0 &&
               et_str_starts(et_str_trim(looked->head), "{");
    if (et_arena_open(&arena, (size_t)64 << 20, NULL) != ET_OK)
        return false;
    const bool is_known = has_data(arena, looked->path) || has_episodes(arena, looked->path);
    et_arena_close(arena);
    return is_known;
}

static void close_it(struct et__source *source)
{
    struct et__unitree_source *s = (struct et__unitree_source *)source;
    if (!s)
        return;
    et_arena_close(s->tree);
    et_buf_free(&s->picture);
    free(s->is_wanted);
    free(s->values);
    free(s);
}

/* ---- episodes ---- */

enum et_status et__unitree_load(struct et__unitree_source *s, const char *folder,
                                const struct et_value **root, struct et_err *err)
{
    static const struct et_json_options OPTIONS = {.allow_nan = true};
    s->i_loaded = SIZE_MAX;
    s->data = NULL;
    et_arena_close(s->tree);
    s->tree = NULL;
    enum et_status st = et_arena_open(&s->tree, s->tree_bytes, err);
    if (st != ET_OK)
        return st;
    const char *path = et_path_join(s->tree, folder, DATA_FILE);
    if (!path)
        return et_arena_fail(s->tree, "an episode", err);
    st = et_json_read(path, ET__UNITREE_FILE_BYTES_MAX, &OPTIONS, s->tree, root, err);
    if (st != ET_OK)
        return st;
    const struct et_value *data = et_value_get(*root, "data");
    if (!data || data->kind != ET_VALUE_LIST)
        return et_fail(err, ET_ECORRUPT, -1, "%s: no list \"data\"", path);
    if (data->as.many.n_items > ET__UNITREE_ROWS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%s: more than %d rows", path, ET__UNITREE_ROWS_MAX);
    s->data = data;
    return ET_OK;
}

static enum et_status take_rate(struct et__unitree_source *s, const struct et_value *root,
                                struct et__unitree_episode *episode, struct et_err *err)
{
    const struct et_value *image = et_value_get(et_value_get(root, "info"), "image");
    episode->rate_hz = et_value_real(et_value_get(image, "fps"), -1);
    if (episode->rate_hz >= 1 && episode->rate_hz <= RATE_HZ_MAX)
        return ET_OK;
    episode->rate_hz = RATE_HZ;
    return et__rows_remark(&s->rows, false, episode->name, "no info.image.fps: 30 Hz is assumed", 1,
                           err);
}

// Texts of info and text, of the first episode.
static enum et_status take_texts(struct et__unitree_source *s, const struct et_value *root,
                                 struct et_err *err)
{
    static const char *const KEYS[][2] = {{"info", "version"},
                                          {"info", "date"},
                                          {"info", "author"},
                                          {"text", "desc"},
                                          {"text", "steps"}};
    struct et_arena *arena = s->rows.base.arena;
    const char *goal = et_value_text(et_value_get(et_value_get(root, "text"), "goal"), "");
    enum et_status st = ET_OK;
    if (*goal && !(s->rows.base.info.task = et_arena_copy(arena, goal, strlen(goal))))
        return et_arena_fail(arena, "a recording's task", err);
    for (size_t i = 0; st == ET_OK && i < sizeof KEYS / sizeof *KEYS; i++) {
        const char *text =
            et_value_text(et_value_get(et_value_get(root, KEYS[i][0]), KEYS[i][1]), "");
        if (*text)
            st = et__rows_pair(&s->rows, KEYS[i][1], text, err);
    }
    return st;
}

static enum et_status keep_episode(struct et__unitree_source *s,
                                   const struct et__unitree_episode *episode, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    if (s->n_episodes == s->cap_episodes) {
        const size_t cap = s->cap_episodes ? s->cap_episodes * 2 : 1;
        struct et__unitree_episode *more = et_arena_array(arena, cap, sizeof *more);
        if (!more)
            return et_arena_fail(arena, "a recording's episodes", err);
        if (s->n_episodes)
            memcpy(more, s->episodes, s->n_episodes * sizeof *more);
        s->episodes = more;
        s->cap_episodes = cap;
    }
    s->episodes[s->n_episodes++] = *episode;
    return ET_OK;
}

static enum et_status count_bytes(struct et__unitree_source *s, const char *folder,
                                  struct et_err *err)
{
    struct et_file *file = NULL;
    int64_t n = 0;
    const char *path = et_path_join(s->tree, folder, DATA_FILE);
    if (!path)
        return et_arena_fail(s->tree, "an episode", err);
    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(file, &n, err);
    et_file_close(file);
    s->rows.base.info.n_bytes += n;
    return st;
}

static enum et_status add_episode(struct et__unitree_source *s, const char *folder,
                                  const char *name, struct et_err *err)
{
    struct et_recording_info *info = &s->rows.base.info;
    struct et__unitree_episode episode = {.folder = folder, .name = name};
    const struct et_value *root = NULL;
    enum et_status st = et__unitree_load(s, folder, &root, err);
    if (st == ET_OK)
        st = count_bytes(s, folder, err);
    if (st != ET_OK)
        return st;
    episode.n_rows = (int64_t)s->data->as.many.n_items;
    if (episode.n_rows == 0)
        return et__rows_remark(&s->rows, false, name, "an episode without rows", 1, err);
    if (s->n_episodes > 0)
        episode.t_first_ns = info->end_ns + GAP_NS;
    st = take_rate(s, root, &episode, err);
    if (st == ET_OK && s->n_episodes == 0)
        st = take_texts(s, root, err);
    if (st == ET_OK)
        st = et__unitree_look(s, root, &episode, err);
    if (st == ET_OK && et_value_count(et_value_get(et_value_at(s->data, 0), "audios")) > 0)
        st = et__rows_remark(&s->rows, false, name, "audio is not read", 1, err);
    if (st == ET_OK)
        st = keep_episode(s, &episode, err);
    if (st != ET_OK)
        return st;
    s->i_loaded = s->n_episodes - 1;
    info->rate_hz = s->episodes[0].rate_hz;
    info->end_ns = episode.t_first_ns + et__rows_time(episode.n_rows - 1, episode.rate_hz);
    return ET_OK;
}

static enum et_status add_one_of_many(struct et__unitree_source *s, const char *folder,
                                      const char *name, struct et_err *err)
{
    struct et_recording_info *info = &s->rows.base.info;
    const size_t n = s->n_episodes;
    struct et_err why = {0};
    if (!has_data(s->rows.base.arena, folder))
        return et__rows_remark(&s->rows, true, name, "no data.json: it was never saved", 1, err);
    const enum et_status st = add_episode(s, folder, name, &why);
    if (st == ET_ENOMEM || (st != ET_OK && s->data)) { // not of the file's making
        if (err)
            *err = why;
        return st;
    }
    if (st != ET_OK)
        return et__rows_remark(&s->rows, true, name, why.text, 1, err);
    if (s->n_episodes == n)
        return ET_OK;
    const struct et_span span = {.is_episode = true,
                                 .name = name,
                                 .t_first_ns = s->episodes[n].t_first_ns,
                                 .t_last_ns = info->end_ns};
    return et__rows_span(&s->rows, &span, err);
}

static enum et_status add_many(struct et__unitree_source *s, const char *path, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    const char *const *names;
    size_t n;
    enum et_status st = et_dir_list(path, arena, &names, &n, err);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        const char *folder = et_path_join(arena, path, names[i]);
        if (!folder)
            return et_arena_fail(arena, "a recording's episodes", err);
        if (!is_folder(folder))
            continue;
        if (s->n_episodes == ET__UNITREE_EPISODES_MAX)
            return et_fail(err, ET_ELIMIT, -1, "%s: more than %d episodes", path,
                           ET__UNITREE_EPISODES_MAX);
        st = add_one_of_many(s, folder, names[i], err);
    }
    if (st == ET_OK && s->n_episodes == 0)
        st = et_fail(err, ET_ECORRUPT, -1, "%s: no episode in it can be read", path);
    return st;
}

/* ---- open ---- */

static enum et_status finish(struct et__unitree_source *s, struct et_err *err)
{
    struct et_recording_info *info = &s->rows.base.info;
    struct et_arena *arena = s->rows.base.arena;
    struct et_channel *channels = et_arena_array(arena, s->n_lanes, sizeof *channels);
    s->values = malloc(ET__ROWS_VALUES_MAX * sizeof *s->values);
    if (!channels)
        return et_arena_fail(arena, "a recording's channels", err);
    if (!s->values)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording");
    for (size_t i = 0; i < s->n_lanes; i++) {
        const struct et__unitree_lane *lane = s->lanes[i];
        channels[i] = (struct et_channel){.topic = lane->topic,
                                          .n_messages = lane->n_messages,
                                          .is_row = true,
                                          .is_picture = lane->n_values == 0,
                                          .n_values = lane->n_values,
                                          .names = lane->names};
        info->n_messages += lane->n_messages;
    }
    info->channels = channels;
    info->n_channels = s->n_lanes;
    info->format = "Unitree JSON";
    return ET_OK;
}

static enum et_status open_path(struct et__unitree_source *s, const char *path, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    enum et_status st;
    if (!is_folder(path)) {
        path = et_path_dir(arena, path);
        if (!path)
            return et_arena_fail(arena, "a recording", err);
    }
    if (has_data(arena, path)) {
        char *folder = et_arena_copy(arena, path, strlen(path));
        if (!folder)
            return et_arena_fail(arena, "a recording", err);
        st = add_episode(s, folder, et_path_base(folder), err);
        if (st == ET_OK && s->n_episodes == 0)
            st = et_fail(err, ET_ECORRUPT, -1, "%s: an episode without rows", path);
    } else {
        st = add_many(s, path, err);
    }
    return st == ET_OK ? finish(s, err) : st;
}

static enum et_status open_it(struct et__source **source, const char *path,
                              const struct et_recording_options *options, struct et_arena *arena,
                              struct et_err *err)
{
    struct et__unitree_source *s = calloc(1, sizeof *s);
    *source = NULL;
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording");
    s->rows.base.ops = &et__source_unitree_json;
    s->rows.base.arena = arena;
    s->i_loaded = SIZE_MAX;
    s->tree_bytes = options && options->memory_bytes ? options->memory_bytes : TREE_BYTES;
    s->picture = et_buf(ET__UNITREE_PICTURE_BYTES_MAX);
    const enum et_status st = open_path(s, path, err);
    if (st != ET_OK)
        close_it(&s->rows.base);
    else
        *source = &s->rows.base;
    return st;
}

/* ---- reading ---- */

static enum et_status query(struct et__source *source, const struct et__range *range,
                            struct et_err *err)
{
    struct et__unitree_source *s = (struct et__unitree_source *)source;
    free(s->is_wanted);
    s->is_wanted = calloc(s->n_lanes + 1, sizeof *s->is_wanted);
    if (!s->is_wanted)
        return et_fail(err, ET_ENOMEM, -1, "no memory to read a recording");
    for (size_t i = 0; i < s->n_lanes; i++)
        s->is_wanted[i] = range->is_wanted[i];
    s->from_ns = range->from_ns;
    s->to_ns = range->to_ns;
    s->i_episode = s->i_lane = 0;
    s->i_row = 0;
    return ET_OK;
}

// Not out of the episode's folder.
static bool is_within(const char *path)
{
    struct et_str rest = et_str(path), part;
    if (*path == '/')
        return false;
    while (et_str_cut(&rest, '/', &part))
        if (et_str_is(part, ".."))
            return false;
    return true;
}

static enum et_status read_picture(struct et__unitree_source *s, const char *folder,
                                   const char *name, struct et_err *err)
{
    struct et_file *file = NULL;
    int64_t n = 0;
    size_t got = 0;
    struct et_buf path = et_buf(ET_PATH_BYTES_MAX);
    et_buf_printf(&path, "%s/%s", folder, name);
    enum et_status st = et_buf_check(&path, "a picture's path", err);
    if (st == ET_OK)
        st = et_file_open(&file, et_buf_text(&path), ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(file, &n, err);
    et_buf_clear(&s->picture);
    void *to = st == ET_OK ? et_buf_reserve(&s->picture, (size_t)n) : NULL;
    if (st == ET_OK && n > 0)
        st = to ? et_file_read_at(file, 0, to, (size_t)n, &got, err)
                : et_buf_check(&s->picture, "a picture", err);
    s->picture.n = got;
    et_file_close(file);
    et_buf_free(&path);
    return st;
}

// ET_AGAIN: it is left out, and the remark is made, once.
static enum et_status leave_out(struct et__unitree_source *s, struct et__unitree_lane *lane,
                                const char *why, struct et_err *err)
{
    const int64_t at = ((int64_t)s->i_episode << 32) + s->i_row;
    enum et_status st = ET_OK;
    if (at >= lane->told_to)
        st = et__rows_remark(&s->rows, true, lane->topic, why, 1, err);
    lane->told_to = at >= lane->told_to ? at + 1 : lane->told_to;
    return st == ET_OK ? ET_AGAIN : st;
}

static enum et_status give_picture(struct et__unitree_source *s, struct et__unitree_lane *lane,
                                   const struct et_value *row, struct et__raw *raw,
                                   struct et_err *err)
{
    struct et_err why = {0};
    const char *name = et__unitree_picture(lane, row);
    if (!name)
        return ET_AGAIN; // was counted when it was opened
    if (!is_within(name))
        return leave_out(s, lane, "pictures outside of the episode: left out", err);
    const enum et_status st = read_picture(s, s->episodes[s->i_episode].folder, name, &why);
    if (st == ET_ENOMEM) {
        if (err)
            *err = why;
        return st;
    }
    if (st == ET_ENOTFOUND)
        return leave_out(s, lane, "pictures that are missing: left out", err);
    if (st != ET_OK)
        return leave_out(s, lane, "pictures that cannot be read: left out", err);
    const struct et_str bytes = et_buf_str(&s->picture);
    const char *kind = et_image_kind(bytes);
    if (!kind)
        return leave_out(s, lane, "files that are no picture: left out", err);
    raw->picture.coding = kind[0] == 'j' ? ET_PICTURE_JPEG : ET_PICTURE_PNG;
    raw->picture.bytes = bytes;
    return ET_OK;
}

static enum et_status give(struct et__unitree_source *s, size_t i_lane, int64_t t_ns,
                           struct et__raw *raw, struct et_err *err)
{
    struct et__unitree_lane *lane = s->lanes[i_lane];
    const struct et_value *row = et_value_at(s->data, (size_t)s->i_row);
    *raw = (struct et__raw){.i_channel = i_lane, .t_arrival_ns = t_ns};
    if (lane->n_values == 0)
        return give_picture(s, lane, row, raw, err);
    if (!et__unitree_numbers(lane, row, s->values))
        return ET_AGAIN;
    raw->values = s->values;
    return ET_OK;
}

// Loads the episode at hand; one that has changed since it was opened is left out.
static enum et_status load_episode(struct et__unitree_source *s, struct et_err *err)
{
    const struct et__unitree_episode *episode = &s->episodes[s->i_episode];
    const struct et_value *root;
    if (s->i_loaded == s->i_episode)
        return ET_OK;
    const enum et_status st = et__unitree_load(s, episode->folder, &root, err);
    if (st != ET_OK)
        return st;
    if ((int64_t)s->data->as.many.n_items != episode->n_rows)
        return et_fail(err, ET_ECORRUPT, -1, "%s: it changed while it was read", episode->folder);
    s->i_loaded = s->i_episode;
    return ET_OK;
}

static enum et_status next(struct et__source *source, struct et__raw *raw, struct et_err *err)
{
    struct et__unitree_source *s = (struct et__unitree_source *)source;
    for (; s->i_episode < s->n_episodes; s->i_episode++, s->i_row = 0) {
        const struct et__unitree_episode *episode = &s->episodes[s->i_episode];
        for (; s->i_row < episode->n_rows; s->i_row++, s->i_lane = 0) {
            const int64_t t_ns = episode->t_first_ns + et__rows_time(s->i_row, episode->rate_hz);
            if (t_ns < s->from_ns)
                continue;
            if (s->to_ns != 0 && t_ns >= s->to_ns)
                return ET_END;
            enum et_status st = load_episode(s, err);
            if (st != ET_OK)
                return st;
            while (s->i_lane < s->n_lanes) {
                const size_t i = s->i_lane++;
                st = s->is_wanted[i] ? give(s, i, t_ns, raw, err) : ET_AGAIN;
                if (st != ET_AGAIN)
                    return st;
            }
        }
    }
    return ET_END;
}

const struct et__source_ops et__source_unitree_json = {
    .knows = knows, .open = open_it, .close = close_it, .query = query, .next = next};
