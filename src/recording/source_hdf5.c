/* HDF5 as a source: the layouts of ALOHA, robomimic (and mimicgen) and AgiBot World, told apart by
 * what stands in the file. */
#include "recording/recording__hdf5.h"

#include <stdlib.h>

#define STATS_FILE "proprio_stats.h5"
#define MEMORY_BYTES ((size_t)256 << 20)

static const char *stats_path(struct et_arena *arena, const char *folder)
{
    enum et_path_kind kind = ET_PATH_NONE;
    const char *path = et_path_join(arena, folder, STATS_FILE);
    if (!path || et_path_kind(path, &kind, NULL) != ET_OK || kind != ET_PATH_FILE)
        return NULL;
    return path;
}

static bool knows(const struct et__looked *looked)
{
    struct et_arena *arena = NULL;
    if (!looked->is_folder)
        return et_str_starts(looked->head, "\x89HDF\r\n\x1a\n");
    if (et_arena_open(&arena, 4 * ET_PATH_BYTES_MAX, NULL) != ET_OK)
        return false;
    const bool is_known = stats_path(arena, looked->path);
    et_arena_close(arena);
    return is_known;
}

static void close_it(struct et__source *source)
{
    struct et__hdf5_source *s = (struct et__hdf5_source *)source;
    if (!s)
        return;
    et__hdf5_read_close(s);
    et_hdf5_close(s->file);
    free(s->stamps);
    free(s);
}

static bool is_kind(struct et__hdf5_source *s, const char *path, enum et_hdf5_kind kind)
{
    struct et_hdf5_object object;
    return et_hdf5_stat(s->file, path, &object, NULL) == ET_OK && object.kind == kind;
}

static enum et_status open_layout(struct et__hdf5_source *s, const char *path, struct et_err *err)
{
    if (is_kind(s, "data", ET_HDF5_GROUP))
        return et__hdf5_open_robomimic(s, err);
    if (is_kind(s, "state", ET_HDF5_GROUP) && is_kind(s, "timestamp", ET_HDF5_NUMBERS))
        return et__hdf5_open_agibot(s, path, err);
    if (is_kind(s, "observations", ET_HDF5_GROUP) || is_kind(s, "action", ET_HDF5_NUMBERS))
        return et__hdf5_open_aloha(s, err);
    return et_fail(err, ET_EUNSUPPORTED, -1,
                   "%s: an HDF5 file of no layout that is known (ALOHA, robomimic, AgiBot World)",
                   path);
}

int64_t et__hdf5_time(const struct et__hdf5_source *s, const struct et__part *part,
                      const struct et__lane_of_rows *lane, int64_t row)
{
    if (s->stamps)
        return s->stamps[lane->frames ? lane->frames[row] : row];
    return part->t_first_ns + et__rows_time(row, s->rate_hz);
}

// Rows without a time do not count.
static void look_at_ends_of(struct et__hdf5_source *s, const struct et__part *part,
                            const struct et__part_rows *rows, bool *has_any)
{
    struct et_recording_info *info = &s->rows.base.info;
    int64_t first = ET__HDF5_NO_TIME, last = ET__HDF5_NO_TIME;
    for (int64_t i = 0; i < rows->n_rows && first == ET__HDF5_NO_TIME; i++)
        first = et__hdf5_time(s, part, rows->lane, i);
    for (int64_t i = rows->n_rows; i-- > 0 && last == ET__HDF5_NO_TIME;)
        last = et__hdf5_time(s, part, rows->lane, i);
    if (first == ET__HDF5_NO_TIME)
        return;
    info->start_ns = !*has_any || first < info->start_ns ? first : info->start_ns;
    info->end_ns = !*has_any || last > info->end_ns ? last : info->end_ns;
    *has_any = true;
}

static void look_at_ends(struct et__hdf5_source *s)
{
    bool has_any = false;
    for (size_t i = 0; i < s->n_parts; i++)
        for (size_t k = 0; k < s->parts[i].n_rows; k++)
            look_at_ends_of(s, &s->parts[i], &s->parts[i].rows[k], &has_any);
}

enum et_status et__hdf5_finish(struct et__hdf5_source *s, struct et_err *err)
{
    struct et_recording_info *info = &s->rows.base.info;
    struct et_arena *arena = s->rows.base.arena;
    struct et_channel *channels = et_arena_array(arena, s->n_lanes, sizeof *channels);
    size_t n = 0;
    if (!channels)
        return et_arena_fail(arena, "a recording's channels", err);
    for (size_t i = 0; i < s->n_lanes; i++) // without those whose rows were left out
        if (s->lanes[i]->n_messages > 0)
            s->lanes[n++] = s->lanes[i];
    s->n_lanes = n;
    for (size_t i = 0; i < s->n_lanes; i++) {
        struct et__lane_of_rows *lane = s->lanes[i];
        lane->i_channel = i;
        channels[i] = (struct et_channel){.topic = lane->topic,
                                          .n_messages = lane->n_messages,
                                          .is_row = true,
                                          .is_picture = lane->kind != ET__LANE_NUMBERS,
                                          .n_values = lane->n_values};
        info->n_messages += lane->n_messages;
    }
    info->channels = channels;
    info->n_channels = s->n_lanes;
    info->has_clock = s->stamps != NULL;
    info->rate_hz = s->rate_hz;
    look_at_ends(s);
    et__rows_sort_spans(&s->rows);
    return ET_OK;
}

static enum et_status open_file(struct et__hdf5_source *s, const char *path, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    enum et_path_kind kind = ET_PATH_NONE;
    struct et_file *file = NULL;
    enum et_status st = et_path_kind(path, &kind, err);
    if (st == ET_OK && kind == ET_PATH_DIR) {
        const char *within = stats_path(arena, path);
        if (!within)
            return et_fail(err, ET_ENOTFOUND, -1, "%s: no " STATS_FILE " in it", path);
        path = within;
    }
    if (st == ET_OK)
        st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_size(file, &s->rows.base.info.n_bytes, err);
    et_file_close(file);
    if (st == ET_OK)
        st = et_hdf5_open(&s->file, path, err);
    return st == ET_OK ? open_layout(s, path, err) : st;
}

static enum et_status open_it(struct et__source **source, const char *path,
                              const struct et_recording_options *options, struct et_arena *arena,
                              struct et_err *err)
{
    struct et__hdf5_source *s = calloc(1, sizeof *s);
    *source = NULL;
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording");
    s->rows.base.ops = &et__source_hdf5;
    s->rows.base.arena = arena;
    s->memory_bytes = options && options->memory_bytes ? options->memory_bytes : MEMORY_BYTES;
    const enum et_status st = open_file(s, path, err);
    if (st != ET_OK)
        close_it(&s->rows.base);
    else
        *source = &s->rows.base;
    return st;
}

const struct et__source_ops et__source_hdf5 = {.knows = knows,
                                               .open = open_it,
                                               .close = close_it,
                                               .query = et__hdf5_query,
                                               .next = et__hdf5_next};
