/* Copying: every column to the bit, every frame as it is, in a new layout and with new numbers. */
#include "dataset/dataset__copy.h"

#include "etude/file.h"

#include <assert.h>
#include <math.h>

// Times that come from float32 of frame / fps are within this of it, as long as an episode is short
// enough for them to be told apart.
#define TIME_TOLERANCE 1e-6

/* ---- one episode ---- */

struct reading {
    struct et__copy *copy;
    const struct et__item *item;
    const struct et_dataset *dataset;
    const struct et__spec *spec;
    struct et__slot *slot;
    struct et_episode_meta meta;
    struct et_rows rows;
    struct et_new_video *videos;
    struct et_new_pictures *pictures; // read one at a time when they are written
    size_t n_pictures;
};

static bool has_exact_times(const struct et_column *column, int64_t n_rows, int fps)
{
    if (!column || !column->is_rectangular || column->type != ET_PARQUET_FLOAT ||
        column->n_values != 1)
        return false;
    const float *times = column->values;
    for (int64_t i = 0; i < n_rows; i++) {
        const double wanted = (double)i / fps;
        if (!(fabs((double)times[i] - wanted) <= TIME_TOLERANCE * (1 + wanted)))
            return false;
    }
    return true;
}

/* Numbers of tasks in an annotation's column, as the output numbers them. */
static enum et_status renumber(const struct reading *r, struct et_column *column,
                               struct et_err *err)
{
    const size_t n_tasks = et_dataset_info(r->dataset)->n_tasks;
    const int64_t *numbers = r->copy->task_numbers[r->item->i_pick];
    const int64_t *from = column->values;
    int64_t *to = et_arena_array(r->slot->arena, (size_t)r->rows.n_rows, sizeof *to);
    if (!to)
        return et_arena_fail(r->slot->arena, "an episode's rows", err);
    for (int64_t i = 0; i < r->rows.n_rows; i++) {
        const bool is_task = from[i] >= 0 && (size_t)from[i] < n_tasks && numbers[from[i]] >= 0;
        to[i] = is_task ? numbers[from[i]] : from[i];
    }
    column->values = to;
    return ET_OK;
}

static bool is_task_number(const struct et__copy *copy, const char *name)
{
    for (size_t i = 0; i < copy->n_features; i++)
        if (strcmp(copy->features[i].feature.name, name) == 0)
            return copy->features[i].is_task_number;
    return false;
}

static enum et_status take_pictures(struct reading *r, const struct et_column *column,
                                    size_t i_field, struct et_err *err)
{
    struct et_arena *arena = r->slot->arena;
    struct et_pictures_range *range = et_arena_alloc(arena, sizeof *range);
    if (!r->pictures)
        r->pictures = et_arena_array(arena, r->rows.n_columns, sizeof *r->pictures);
    if (!range || !r->pictures)
        return et_arena_fail(arena, "an episode's pictures", err);
    const enum et_status st =
        et_dataset_pictures(r->dataset, r->item->place, column->name, arena, range, err);
    r->pictures[r->n_pictures++] = (struct et_new_pictures){.i_feature = i_field, .stored = range};
    return st;
}

// The columns that go over: those of the output that are not made anew.
static enum et_status take_columns(struct reading *r, struct et_err *err)
{
    struct et_column *columns = et_arena_array(r->slot->arena, r->rows.n_columns, sizeof *columns);
    if (!columns)
        return et_arena_fail(r->slot->arena, "an episode's rows", err);
    size_t n = 0;
    for (size_t i = 0; i < r->rows.n_columns; i++) {
        const struct et_column *column = &r->rows.columns[i];
        const int i_field = et__spec_find(r->spec, column->name);
        if (i_field < 0)
            continue;
        const enum et__default made = r->spec->fields[i_field].made;
        const bool is_time = made == ET__DEFAULT_TIMESTAMP;
        if (made != ET__DEFAULT_NONE && !is_time)
            continue;
        if (is_time && !has_exact_times(column, r->rows.n_rows, r->spec->fps)) {
            r->slot->has_other_times = true;
            continue;
        }
        if (et__is_picture_column(r->dataset, column)) {
            const enum et_status st = take_pictures(r, column, (size_t)i_field, err);
            if (st != ET_OK)
                return st;
            continue;
        }
        columns[n] = *column;
        const bool is_renumbered = r->copy->is_renumbered[r->item->i_pick];
        if (is_renumbered && column->is_rectangular && column->type == ET_PARQUET_INT64 &&
            is_task_number(r->copy, column->name)) {
            const enum et_status st = renumber(r, &columns[n], err);
            if (st != ET_OK)
                return st;
        }
        n++;
    }
    r->slot->episode.columns = columns;
    r->slot->episode.n_columns = n;
    r->slot->episode.pictures = r->pictures;
    r->slot->episode.n_pictures = r->n_pictures;
    return ET_OK;
}

/* ---- tasks ---- */

static enum et_status take_tasks(struct reading *r, struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(r->dataset);
    const struct et_column *column = et_rows_find(&r->rows, "task_index");
    const size_t n_rows = (size_t)r->rows.n_rows;
    const char **tasks =
        et_arena_array(r->slot->arena, r->meta.n_tasks + info->n_tasks + 1, sizeof *tasks);
    int64_t *task_of_row = et_arena_array(r->slot->arena, n_rows, sizeof *task_of_row);
    if (!tasks || !task_of_row)
        return et_arena_fail(r->slot->arena, "an episode's tasks", err);

    size_t n = 0;
    for (size_t i = 0; i < r->meta.n_tasks; i++)
        (void)et__place_of_task(tasks, &n, r->meta.tasks[i]);
    int64_t last = -1, place = 0;
    const bool has_numbers = column && column->is_rectangular && column->n_values == 1;
    for (size_t row = 0; row < n_rows; row++) {
        const double x = has_numbers ? et_column_get(column, (int64_t)row, 0) : -1;
        const bool is_task = x >= 0 && x < (double)info->n_tasks && info->tasks[(size_t)x];
        r->slot->has_other_tasks = r->slot->has_other_tasks || !is_task;
        if (is_task && (int64_t)x != last) {
            last = (int64_t)x;
            place = et__place_of_task(tasks, &n, info->tasks[last]);
        }
        task_of_row[row] = is_task ? place : 0;
    }
    if (n == 0)
        tasks[n++] = "";
    r->slot->episode.tasks = tasks;
    r->slot->episode.n_tasks = n;
    r->slot->episode.task_of_row = task_of_row;
    return ET_OK;
}

/* ---- videos ---- */

static enum et_status take_video(struct reading *r, size_t i_field, struct et_new_video *video)
{
    const struct et__field *field = &r->spec->fields[i_field];
    const struct et_dataset_info *info = et_dataset_info(r->dataset);
    for (size_t i = 0; i < r->meta.n_videos; i++) {
        const struct et_video_place *place = &r->meta.videos[i];
        if (strcmp(info->features[place->i_feature].name, field->name) != 0)
            continue;
        if (!place->is_present)
            break;
        *video = (struct et_new_video){
            .i_feature = i_field,
            .path = place->path,
            .first_frame = llround(place->from_s * info->fps),
            .must_encode = r->copy->options->videos == ET_VIDEO_ENCODE,
            .stats =
                et__stored_picture_stats(r->dataset, r->item->place, field->name, r->slot->arena),
        };
        return ET_OK;
    }
    return et_fail(&r->slot->trouble, ET_ENOTFOUND, -1, "%.100s: the video is not there",
                   field->name);
}

static enum et_status take_videos(struct reading *r, struct et_err *err)
{
    struct et_new_video *videos = et_arena_array(r->slot->arena, r->spec->n_fields, sizeof *videos);
    if (!videos)
        return et_arena_fail(r->slot->arena, "an episode's videos", err);
    size_t n = 0;
    for (size_t i = 0; i < r->spec->n_fields; i++) {
        if (!r->spec->fields[i].is_video)
            continue;
        if (take_video(r, i, &videos[n++]) != ET_OK) {
            r->slot->outcome = ET__LEAVE_OUT;
            return ET_OK;
        }
    }
    r->slot->episode.videos = r->videos = videos;
    r->slot->episode.n_videos = n;
    return ET_OK;
}

static enum et_status read_episode(struct reading *r, struct et_err *err)
{
    struct et__slot *slot = r->slot;
    enum et_status st =
        et_dataset_episode_meta(r->dataset, r->item->place, slot->arena, &r->meta, err);
    if (st != ET_OK)
        return st;
    slot->episode.source_id = et__source_id(r->dataset, r->meta.index, slot->arena);
    st = take_videos(r, err);
    if (st != ET_OK || slot->outcome != ET__ADD)
        return st;
    st = et__rows_without_pictures(r->dataset, r->item->place, slot->arena, &r->rows,
                                   &slot->trouble);
    if (st == ET_ENOMEM)
        return et_fail(err, st, -1, "%s", slot->trouble.text);
    if (st == ET_OK && r->rows.n_rows < 1)
        st = et_fail(&slot->trouble, ET_ECORRUPT, -1, "no rows");
    if (st != ET_OK) {
        slot->outcome = ET__LEAVE_OUT;
        return ET_OK;
    }
    slot->episode.n_rows = r->rows.n_rows;
    for (size_t i = 0; i < slot->episode.n_videos; i++)
        r->videos[i].n_frames = r->rows.n_rows;
    slot->prepared.line =
        et__etude_index_get(r->copy->lines[r->item->i_pick], r->meta.index, slot->arena);
    st = take_columns(r, err);
    return st == ET_OK ? take_tasks(r, err) : st;
}

static enum et_status make(void *ctx, size_t i, const struct et__spec *spec, struct et__slot *slot,
                           struct et_err *err)
{
    struct et__copy *copy = ctx;
    const struct et__item *item = &copy->run.items[i];
    struct reading r = {.copy = copy,
                        .item = item,
                        .dataset = copy->run.picks[item->i_pick].dataset,
                        .spec = spec,
                        .slot = slot};
    const enum et_status st = read_episode(&r, err);
    slot->n_bytes_in = et__episode_bytes(&copy->run, item, &slot->episode);
    return st;
}

/* ---- all of it ---- */

static enum et_status check_options(const struct et_pick *picks, const struct et_copy_options *o,
                                    struct et_err *err)
{
    const double fps = et_dataset_info(picks[0].dataset)->fps;
    if (!(fps >= 1 && fps <= 1e6 && fps == floor(fps)))
        return et_fail(err, ET_EUNSUPPORTED, -1,
                       "%g frames a second: LeRobot %s wants a whole number; build resamples to "
                       "one (fps)",
                       fps, et_layout_text(o->layout));
    if (o->groot && o->layout != ET_LAYOUT_V21)
        return et_fail(err, ET_EARG, -1, "GR00T reads v2.1 only, not %s",
                       et_layout_text(o->layout));
    return ET_OK;
}

// The episode that lacks a video; KEEP wants every one.
static enum et_status check_videos(const struct et__copy *copy, struct et_arena *arena,
                                   struct et_err *err)
{
    const bool is_strict =
        copy->options->videos == ET_VIDEO_KEEP || copy->options->videos == ET_VIDEO_ENCODE;
    enum et_status st = ET_OK;
    for (size_t i = 0; is_strict && st == ET_OK && i < copy->run.n_items; i++) {
        struct et_episode_meta meta;
        const struct et__item *item = &copy->run.items[i];
        const struct et_dataset *dataset = copy->run.picks[item->i_pick].dataset;
        const struct et_arena_mark mark = et_arena_mark(arena);
        st = et_dataset_episode_meta(dataset, item->place, arena, &meta, err);
        for (size_t k = 0; st == ET_OK && k < meta.n_videos; k++) {
            const char *name = et_dataset_info(dataset)->features[meta.videos[k].i_feature].name;
            bool is_kept = false;
            for (size_t f = 0; f < copy->n_features; f++)
                is_kept = is_kept || strcmp(copy->features[f].feature.name, name) == 0;
            if (is_kept && !meta.videos[k].is_present)
                st = et_fail(err, ET_ENOTFOUND, meta.index,
                             "episode %lld has no %.80s (%.150s); such episodes can be left out, "
                             "or videos dropped",
                             (long long)meta.index, name, meta.videos[k].path);
        }
        et_arena_rewind(arena, mark);
    }
    return st;
}

static enum et_status make_spec(struct et__copy *copy, struct et_err *err)
{
    const struct et_dataset *first = copy->run.picks[0].dataset;
    const struct et_dataset_info *info = et_dataset_info(first);
    struct et_feature *features = et_arena_array(copy->arena, copy->n_features, sizeof *features);
    if (!features)
        return et_arena_fail(copy->arena, "the plan", err);
    for (size_t i = 0; i < copy->n_features; i++)
        features[i] = copy->features[i].feature;

    struct et_dataset_spec *spec = &copy->spec;
    *spec = copy->options->spec;
    spec->layout = copy->options->layout;
    spec->robot_type = info->robot_type;
    spec->fps = (int)info->fps;
    spec->features = features;
    spec->n_features = copy->n_features;
    spec->tasks = copy->tasks;
    spec->n_tasks = copy->n_tasks;
    spec->video = copy->options->video;
    spec->modality_json = NULL;
    if (copy->options->groot) {
        spec->modality_json = copy->options->modality_json;
        if (!spec->modality_json)
            spec->modality_json =
                info->modality
                    ? et__modality_filter(info->modality, features, copy->n_features, copy->arena)
                    : et__modality_make(first, features, copy->n_features, copy->arena);
        if (!spec->modality_json)
            return et_arena_fail(copy->arena, "modality.json", err);
    }
    return ET_OK;
}

static void remark_robots(struct et__copy *copy)
{
    const struct et_dataset_info *first = et_dataset_info(copy->run.picks[0].dataset);
    const char *a = first->robot_type ? first->robot_type : "";
    for (size_t i = 1; i < copy->run.n_picks; i++) {
        const struct et_dataset_info *info = et_dataset_info(copy->run.picks[i].dataset);
        if (strcmp(a, info->robot_type ? info->robot_type : "") != 0)
            et__note(&copy->run.remarks, ET_SEVERITY_WARN, info->path,
                     "its robot_type is \"%s\"; the output has \"%s\"",
                     info->robot_type ? info->robot_type : "", a);
    }
}

static enum et_status provide(struct et__copy *copy, struct et_err *err)
{
    static const char *const MODES[] = {[ET_VIDEO_KEEP] = "keep",
                                        [ET_VIDEO_ENCODE] = "encode",
                                        [ET_VIDEO_DROP] = "drop",
                                        [ET_VIDEO_WITH] = "with"};
    copy->run.provenance = copy->options->provenance;
    if (copy->run.provenance)
        return ET_OK;
    const char *settings = et_arena_printf(
        copy->arena, "{\"layout\":\"%s\",\"videos\":\"%s\",\"episodes\":%zu}",
        et_layout_text(copy->options->layout), MODES[copy->options->videos], copy->run.n_items);
    if (!settings)
        return et_arena_fail(copy->arena, "the provenance", err);
    return et__provenance_make(&copy->run, "dataset copy", settings, copy->arena,
                               &copy->run.provenance, err);
}

// A dataset of canonical features keeps the profile that it is read by.
static enum et_status keep_own_profile(void *ctx, const char *path, struct et_err *err)
{
    const struct et__copy *copy = ctx;
    const char *from = et_dataset_info(copy->run.picks[0].dataset)->path;
    char own[ET_PATH_BYTES_MAX], to[ET_PATH_BYTES_MAX];
    enum et_path_kind kind = ET_PATH_NONE;
    struct et_str text;
    enum et_status st = et__meta_path(from, ET__OWN_PROFILE, own, err);
    if (st == ET_OK)
        st = et_path_kind(own, &kind, err);
    if (st != ET_OK || kind != ET_PATH_FILE)
        return st;
    st = et_file_read(own, ET__JSON_BYTES_MAX, copy->run.remarks.arena, &text, err);
    if (st == ET_OK)
        st = et__meta_path(path, ET__OWN_PROFILE, to, err);
    return st == ET_OK ? et_file_replace(to, text.p, text.n, err) : st;
}

enum et_status et_dataset_copy(const struct et_pick *picks, size_t n_picks, const char *path,
                               const struct et_copy_options *options, struct et_arena *arena,
                               struct et_ops_result *result, struct et_err *err)
{
    assert(picks && path && options && arena && result);
    struct et__copy copy = {.options = options, .arena = arena};
    *result = (struct et_ops_result){0};
    copy.run = (struct et__run){.picks = picks,
                                .n_picks = n_picks,
                                .path = path,
                                .spec = &copy.spec,
                                .pool = options->pool,
                                .progress = options->progress,
                                .progress_ctx = options->progress_ctx,
                                .make = make,
                                .begun = keep_own_profile,
                                .ctx = &copy,
                                .remarks = {.arena = arena}};

    enum et_status st = et__copy_check_same(picks, n_picks, err);
    if (st == ET_OK)
        st = et__check_free(path, arena, err);
    if (st == ET_OK)
        st = check_options(picks, options, err);
    if (st == ET_OK)
        st = et__copy_plan(&copy, err);
    if (st == ET_OK)
        st = check_videos(&copy, arena, err);
    if (st == ET_OK)
        st = make_spec(&copy, err);
    if (st == ET_OK)
        st = provide(&copy, err);
    if (st == ET_OK) {
        remark_robots(&copy);
        st = et__run_all(&copy.run, result, err);
    }
    for (size_t i = 0; copy.lines && i < n_picks; i++)
        et__etude_index_close(copy.lines[i]);
    result->remarks = copy.run.remarks.items;
    result->n_remarks = copy.run.remarks.n;
    return st;
}
