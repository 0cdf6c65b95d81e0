/* An episode of a dataset: rows through a profile to canonical tracks, videos by presence and frame
 * count, and what the metadata claims beside it. */
#include "dataset/dataset__internal.h"

#include <float.h>
#include <math.h>

#define STEP_TOLERANCE 1e-4 // of 1 / fps: below it, a step counts as 1 / fps

/* What makes one episode. */
struct making {
    const struct et_dataset *ds;
    size_t i;
    const struct et__episode *meta;
    struct et_arena *arena;
    struct et_episode *episode;
    struct et_rows rows;
    struct et__remarks remarks;
    const int64_t *t_ns; // n_rows
    const char *where;   // the data file
};

static enum et_status full(struct making *making, struct et_err *err)
{
    return et_arena_fail(making->arena, "the episode", err);
}

/* ---- columns ---- */

static double *as_doubles(struct et_arena *arena, const struct et_column *column, int64_t n_rows)
{
    const size_t n = (size_t)n_rows * column->n_values;

    double *values = et_arena_array(arena, n, sizeof *values);
    for (size_t i = 0; values && i < n; i++)
        values[i] = et__number_at(column->type, column->values, i);
    return values;
}

// Every column of numbers, as it is stored.
static enum et_status make_columns(struct making *making, struct et_err *err)
{
    const struct et_rows *rows = &making->rows;
    struct et_episode *episode = making->episode;

    struct et_raw_column *columns = et_arena_array(making->arena, rows->n_columns, sizeof *columns);
    if (!columns)
        return full(making, err);
    for (size_t i = 0; i < rows->n_columns; i++) {
        const struct et_column *column = &rows->columns[i];
        if (!column->is_rectangular)
            continue;
        struct et_raw_column *raw = &columns[episode->n_columns++];
        const bool is_declared = column->i_feature >= 0;
        raw->path = column->name;
        raw->n_values = column->n_values;
        raw->n_declared = is_declared ? making->ds->features[column->i_feature].n_values : 0;
        raw->values = as_doubles(making->arena, column, rows->n_rows);
        if (!raw->values)
            return full(making, err);
    }
    episode->columns = columns;
    return ET_OK;
}

static const struct et_raw_column *find_raw(const struct making *making, const char *path)
{
    for (size_t i = 0; i < making->episode->n_columns; i++) {
        if (strcmp(making->episode->columns[i].path, path) == 0)
            return &making->episode->columns[i];
    }
    return NULL;
}

/* ---- time ---- */

/* Stamps on an even grid of 1 / fps were made from the row number (or by a simulator's step), and
 * say nothing of when a row was measured: a clock always shows some jitter. They went through
 * float32 in most files, so a unit in the last place of the largest is allowed, and a step that is
 * a constant of its own near 1 / fps. */
static bool is_synthetic(const double *stamps_s, int64_t n, double fps)
{
    const double step_s = n > 1 ? (stamps_s[n - 1] - stamps_s[0]) / (double)(n - 1) : 1 / fps;

    if (fabs(step_s * fps - 1) > STEP_TOLERANCE)
        return false;
    for (int64_t k = 0; k < n; k++) {
        const double made_s = (double)k * step_s;
        const double largest = fabs(stamps_s[k]) + fabs(stamps_s[0]) + made_s;
        if (!(fabs(stamps_s[k] - stamps_s[0] - made_s) <= (double)FLT_EPSILON * largest + 1e-9))
            return false;
    }
    return true;
}

static enum et_time_kind time_kind(struct making *making, const double *stamps_s, int64_t n)
{
    if (!stamps_s)
        return ET_TIME_MISSING;
    for (int64_t k = 0; k < n; k++) {
        // Nanoseconds must fit: a stamp is at most a date.
        if (!isfinite(stamps_s[k]) || fabs(stamps_s[k]) > 9e9) {
            et__remark(&making->remarks, ET__CHECK_TIMESTAMP, ET_SEVERITY_ERROR, making->where,
                       "the timestamp of row %lld is no time; rows are placed by their number",
                       (long long)k);
            return ET_TIME_MISSING;
        }
    }
    return is_synthetic(stamps_s, n, making->ds->info.fps) ? ET_TIME_SYNTHETIC : ET_TIME_MEASURED;
}

static enum et_status make_times(struct making *making, struct et_err *err)
{
    struct et_episode *episode = making->episode;
    const int64_t n = making->rows.n_rows;

    const struct et_raw_column *column = find_raw(making, "timestamp");
    if (column && column->n_values == 1)
        episode->raw_stamps_s = column->values;
    episode->time_kind = time_kind(making, episode->raw_stamps_s, n);
    int64_t *t_ns = et_arena_array(making->arena, (size_t)n, sizeof *t_ns);
    if (!t_ns)
        return full(making, err);
    int64_t n_falls = 0;
    for (int64_t k = 0; k < n; k++) {
        if (episode->time_kind == ET_TIME_MEASURED) {
            t_ns[k] = llround(episode->raw_stamps_s[k] * 1e9);
            n_falls += k > 0 && t_ns[k] < t_ns[k - 1];
            if (k > 0 && t_ns[k] < t_ns[k - 1])
                t_ns[k] = t_ns[k - 1];
        } else {
            t_ns[k] = llround((double)k * 1e9 / making->ds->info.fps);
        }
    }
    if (n_falls)
        et__remark(&making->remarks, ET__CHECK_TIMESTAMP, ET_SEVERITY_ERROR, making->where,
                   "timestamp falls in %lld rows; they take the time of the row before",
                   (long long)n_falls);
    making->t_ns = t_ns;
    return ET_OK;
}

/* ---- tracks ---- */

// The largest number of a value that a bound stream takes; its column must have more values.
static size_t largest_column(const struct et_bound_stream *bound)
{
    size_t largest = 0;
    for (size_t i = 0; i < bound->stream.n_values; i++) {
        if (bound->columns[i] > largest)
            largest = bound->columns[i];
    }
    return largest;
}

static double *convert(struct et_arena *arena, const struct et_bound_stream *bound,
                       const struct et_raw_column *raw, size_t n_rows)
{
    const size_t n = bound->stream.n_values;

    double *values = et_arena_array(arena, n_rows * n, sizeof *values);
    for (size_t k = 0; values && k < n_rows; k++) {
        const double *row = &raw->values[k * raw->n_values];
        for (size_t i = 0; i < n; i++) {
            const double scale = bound->scale ? bound->scale[i] : 1;
            const double offset = bound->offset ? bound->offset[i] : 0;
            values[k * n + i] = row[bound->columns[i]] * scale + offset;
        }
    }
    return values;
}

static enum et_status make_track(struct making *making, const struct et_bound_stream *bound,
                                 struct et_track *tracks, struct et_err *err)
{
    struct et_episode *episode = making->episode;
    const char *feature = making->ds->features[bound->i_feature].name;

    // What is not there is a remark of the rows already.
    const struct et_raw_column *raw = find_raw(making, feature);
    if (!raw || bound->stream.n_values == 0)
        return ET_OK;
    if (largest_column(bound) >= raw->n_values) {
        et__remark(&making->remarks, ET__CHECK_SCHEMA, ET_SEVERITY_ERROR, making->where,
                   "%s needs value %zu of %s, which has %zu", bound->stream.name,
                   largest_column(bound), feature, raw->n_values);
        return ET_OK;
    }
    struct et_track *track = &tracks[episode->n_tracks++];
    *track = (struct et_track){
        .stream = bound->stream, .n_samples = (size_t)making->rows.n_rows, .t_ns = making->t_ns};
    track->stream.rate_hz = making->ds->info.fps;
    track->values = convert(making->arena, bound, raw, track->n_samples);
    return track->values ? ET_OK : full(making, err);
}

static enum et_status make_tracks(struct making *making, struct et_err *err)
{
    const struct et_binding *binding = &making->ds->binding;

    struct et_track *tracks = et_arena_array(making->arena, binding->n_streams, sizeof *tracks);
    if (!tracks)
        return full(making, err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < binding->n_streams; i++) {
        if (binding->streams[i].columns)
            st = make_track(making, &binding->streams[i], tracks, err);
    }
    making->episode->tracks = tracks;
    return st;
}

/* ---- videos ---- */

struct et__frame_range et__video_frames(const struct et_dataset *ds, size_t i_episode,
                                        size_t i_video, int64_t n_frames)
{
    const struct et__video_slot *slot = &ds->slots[i_episode * ds->n_videos + i_video];
    const double first = round(slot->from_s * ds->info.fps);
    const double last = round(slot->to_s * ds->info.fps);

    if (ds->info.layout != ET_LAYOUT_V30)
        return (struct et__frame_range){0, n_frames};
    if (!(first >= 0 && first < (double)n_frames))
        return (struct et__frame_range){0, 0};
    struct et__frame_range range = {(int64_t)first, n_frames - (int64_t)first};
    // Without an end the episode's rows say how many.
    if (last >= first && last < (double)n_frames)
        range.n = (int64_t)last - range.first;
    else if (!isfinite(last) && ds->episodes[i_episode].n_rows < range.n)
        range.n = ds->episodes[i_episode].n_rows;
    return range;
}

// The stream that the profile makes of a video, or one by the maker's name.
static struct et_stream video_stream(const struct making *making, size_t i_feature)
{
    const struct et_binding *binding = &making->ds->binding;

    for (size_t i = 0; i < binding->n_streams; i++) {
        if (binding->streams[i].i_feature == i_feature && !binding->streams[i].columns)
            return binding->streams[i].stream;
    }
    return (struct et_stream){.name = making->ds->features[i_feature].name,
                              .part = ET_PART_SCENE,
                              .quantity = ET_QUANTITY_IMAGE,
                              .unit = et_quantity_unit(ET_QUANTITY_IMAGE)};
}

static enum et_status make_video(struct making *making, size_t v, struct et_video_ref *video,
                                 struct et_err *err)
{
    const struct et_dataset *ds = making->ds;
    struct et_video_info info;
    struct et_err bad = {0};

    const size_t i_feature = ds->i_videos[v];
    *video = (struct et_video_ref){.stream = video_stream(making, i_feature),
                                   .source = ds->features[i_feature].name};
    if (!et__video_path(ds, making->i, v, making->arena, &video->path))
        return full(making, err);
    if (!video->path) {
        video->trouble = "the metadata names no file";
        return ET_OK;
    }
    const enum et_status st = et__probe_once(ds, video->path, &info, &bad);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", bad.text);
    if (st != ET_OK) {
        video->trouble =
            st == ET_ENOTFOUND ? "no such file" : et__copy_text(making->arena, et_str(bad.text));
        return video->trouble ? ET_OK : full(making, err);
    }
    const struct et__frame_range range = et__video_frames(ds, making->i, v, info.n_frames);
    video->is_present = true;
    video->first_frame = range.first;
    video->n_frames = range.n;
    video->width_px = info.width_px;
    video->height_px = info.height_px;
    video->rate_hz =
        info.fps_num > 0 && info.fps_den > 0 ? (double)info.fps_num / (double)info.fps_den : 0;
    video->stream.rate_hz = video->rate_hz;
    return ET_OK;
}

static enum et_status make_videos(struct making *making, struct et_err *err)
{
    const size_t n = making->ds->n_videos;

    struct et_video_ref *videos = et_arena_array(making->arena, n, sizeof *videos);
    if (!videos)
        return full(making, err);
    enum et_status st = ET_OK;
    for (size_t v = 0; st == ET_OK && v < n; v++)
        st = make_video(making, v, &videos[v], err);
    making->episode->videos = videos;
    making->episode->n_videos = n;
    return st;
}

/* ---- claims ---- */

static void read_claim(struct making *making, const struct et_value *stats, const char *feature,
                       struct et_claim *claim)
{
    size_t n_min, n_max, n_mean, n_count;

    const double *min = et__stat_values(stats, feature, "min", making->arena, &n_min);
    const double *max = et__stat_values(stats, feature, "max", making->arena, &n_max);
    const double *mean = et__stat_values(stats, feature, "mean", making->arena, &n_mean);
    const double *count = et__stat_values(stats, feature, "count", making->arena, &n_count);
    size_t n = n_min > n_max ? n_min : n_max;
    n = n > n_mean ? n : n_mean;
    *claim = (struct et_claim){.stream_or_feature = feature,
                               .n_values = n,
                               .min = n_min == n ? min : NULL,
                               .max = n_max == n ? max : NULL,
                               .mean = n_mean == n ? mean : NULL,
                               .count = -1};
    if (count && n_count == 1 && count[0] >= 0 && count[0] <= 9e15)
        claim->count = (int64_t)count[0];
}

// What this episode's own statistics say (v2.1).
static enum et_status make_claims(struct making *making, struct et_err *err)
{
    const struct et_dataset *ds = making->ds;

    if (making->meta->stats_at < 0)
        return ET_OK;
    const struct et_value *stats = et__episode_stats(ds, making->meta, making->arena);
    if (!stats) {
        et__remark(&making->remarks, ET__CHECK_METADATA, ET_SEVERITY_ERROR,
                   et_path_base(ds->stats_path),
                   "the line with this episode's statistics "
                   "cannot be read");
        return ET_OK;
    }
    struct et_claim *claims = et_arena_array(making->arena, ds->info.n_features, sizeof *claims);
    if (!claims)
        return full(making, err);
    for (size_t i = 0; i < ds->info.n_features; i++) {
        if (et_value_get(stats, ds->features[i].name))
            read_claim(making, stats, ds->features[i].name, &claims[making->episode->n_claims++]);
    }
    making->episode->claims = claims;
    return ET_OK;
}

/* ---- what its rows say of it ---- */

static bool is_task_of_a_row(const struct making *making, const struct et_raw_column *column,
                             const char *task)
{
    const struct et_dataset_info *info = &making->ds->info;

    for (int64_t k = 0; k < making->rows.n_rows; k++) {
        const double number = column->values[k];
        const bool is_known = number >= 0 && number < (double)info->n_tasks;
        const char *text = is_known ? info->tasks[(size_t)number] : NULL;
        if (text && strcmp(text, task) == 0)
            return true;
    }
    return false;
}

/* An episode may list texts that annotation columns use ("valid") beside its instruction; a trainer
 * that draws from the list would teach them as tasks. */
static void check_tasks(struct making *making)
{
    const struct et_episode *episode = making->episode;
    const struct et_raw_column *column = find_raw(making, "task_index");

    if (!column || column->n_values != 1 || episode->n_rows == 0)
        return;
    for (size_t i = 0; i < episode->n_tasks; i++) {
        if (!is_task_of_a_row(making, column, episode->tasks[i]))
            et__remark(&making->remarks, ET__CHECK_EPISODE_TASKS, ET_SEVERITY_WARN, "meta/episodes",
                       "\"%.80s\" is listed as a task of episode %lld, and no row has it as its "
                       "task",
                       episode->tasks[i], (long long)episode->index);
    }
}

static void check_index(struct making *making)
{
    const struct et_raw_column *column = find_raw(making, "episode_index");

    for (int64_t k = 0; column && column->n_values == 1 && k < making->rows.n_rows; k++) {
        if (column->values[k] != (double)making->meta->index) {
            et__remark(&making->remarks, ET__CHECK_EPISODE_ORDER, ET_SEVERITY_ERROR, making->where,
                       "row %lld says that it is of episode %g, not of %lld", (long long)k,
                       column->values[k], (long long)making->meta->index);
            return;
        }
    }
}

static void take_rows_remarks(struct making *making)
{
    for (size_t i = 0; i < making->rows.n_remarks; i++) {
        const struct et_remark *remark = &making->rows.remarks[i];
        et__remark(&making->remarks, ET__CHECK_SCHEMA, remark->severity, remark->where, "%s",
                   remark->text);
    }
}

/* ---- all of it ---- */

// Reads the rows; a file that is absent or damaged is a remark, and the episode has no tracks.
static enum et_status read_rows(struct making *making, struct et_err *err)
{
    struct et_err bad = {0};

    const enum et_status st = et__rows_without_pictures(making->ds, (int64_t)making->i,
                                                        making->arena, &making->rows, &bad);
    if (st == ET_OK) {
        take_rows_remarks(making);
        return ET_OK;
    }
    if (st == ET_ELIMIT || st == ET_ENOMEM)
        return et_fail(err, st, bad.at, "%s", bad.text);
    making->rows = (struct et_rows){0};
    et__remark(&making->remarks, st == ET_ENOTFOUND ? ET__CHECK_DATA_ABSENT : ET__CHECK_FOOTER,
               ET_SEVERITY_ERROR, making->where, "%s",
               st == ET_ENOTFOUND ? "the data file is absent" : bad.text);
    return ET_OK;
}

static enum et_status make_from_rows(struct making *making, struct et_err *err)
{
    struct et_episode *episode = making->episode;

    enum et_status st = make_columns(making, err);
    if (st == ET_OK)
        st = make_times(making, err);
    if (st == ET_OK)
        st = make_tracks(making, err);
    if (st != ET_OK)
        return st;
    episode->n_rows = making->rows.n_rows;
    episode->was_cut = episode->n_rows > 0 && episode->n_rows < making->meta->n_rows;
    check_index(making);
    check_tasks(making);
    return ET_OK;
}

enum et_status et_dataset_episode(const struct et_dataset *dataset, int64_t i,
                                  struct et_arena *arena, struct et_episode *episode,
                                  struct et_err *err)
{
    *episode = (struct et_episode){0};
    if (!dataset->is_bound)
        return et_fail(err, ET_EARG, -1, "%s: no profile was chosen", dataset->info.path);
    if (i < 0 || i >= dataset->info.n_episodes)
        return et_fail(err, ET_EARG, i, "%s: there is no episode in place %lld of %lld",
                       dataset->info.path, (long long)i, (long long)dataset->info.n_episodes);
    if (dataset->info.layout == ET_LAYOUT_EPISODES)
        return et__folder_episode(dataset, (size_t)i, arena, episode, err);
    struct making making = {.ds = dataset,
                            .i = (size_t)i,
                            .meta = &dataset->episodes[i],
                            .arena = arena,
                            .episode = episode,
                            .remarks = {.arena = arena}};
    episode->source = et__data_path(dataset, making.meta, arena);
    making.where = episode->source ? et__below(dataset, episode->source) : NULL;
    episode->id = et_arena_printf(arena, "%s/%lld", et_path_base(dataset->info.path),
                                  (long long)making.meta->index);
    if (!making.where || !episode->id)
        return full(&making, err);
    episode->index = making.meta->index;
    episode->robot = dataset->info.robot_type;
    episode->rate_hz = dataset->info.fps;
    episode->time_kind = ET_TIME_MISSING;
    episode->tasks = making.meta->tasks;
    episode->n_tasks = making.meta->n_tasks;
    episode->n_rows_claimed = making.meta->n_rows;

    enum et_status st = read_rows(&making, err);
    if (st == ET_OK)
        st = make_from_rows(&making, err);
    if (st == ET_OK)
        st = make_videos(&making, err);
    if (st == ET_OK)
        st = make_claims(&making, err);
    episode->remarks = making.remarks.items;
    episode->n_remarks = making.remarks.n;
    return st;
}
