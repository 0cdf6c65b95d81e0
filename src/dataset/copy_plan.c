#include "dataset/dataset__copy.h"

#include <assert.h>
#include <math.h>

#define SCRATCH_BYTES ((size_t)4 << 30)

/* ---- are the picks alike? ---- */

static bool is_same_shape(const struct et_feature *a, const struct et_feature *b)
{
    if (a->n_dims != b->n_dims)
        return false;
    for (size_t i = 0; i < a->n_dims; i++)
        if (a->shape[i] != b->shape[i])
            return false;
    return true;
}

static bool is_same_names(const struct et_feature *a, const struct et_feature *b)
{
    if (!a->names != !b->names)
        return false;
    for (size_t i = 0; a->names && i < a->n_values; i++)
        if (strcmp(a->names[i], b->names[i]) != 0)
            return false;
    return true;
}

static const char *difference(const struct et_feature *a, const struct et_feature *b)
{
    if (a->dtype != b->dtype)
        return "type";
    if (!is_same_shape(a, b))
        return "shape";
    return is_same_names(a, b) ? NULL : "names";
}

static enum et_status check_pick(const struct et_dataset *first, const struct et_dataset *other,
                                 struct et_err *err)
{
    static const char ADVICE[] = "build merges different robots by their profiles";
    const struct et_dataset_info *a = et_dataset_info(first), *b = et_dataset_info(other);
    if (a->fps != b->fps)
        return et_fail(err, ET_EARG, -1, "%.100s has %g frames a second, %.100s %g; %s", a->path,
                       a->fps, b->path, b->fps, ADVICE);
    for (size_t i = 0; i < a->n_features; i++) {
        const int k = et_dataset_find(other, a->features[i].name);
        if (k < 0)
            return et_fail(err, ET_EARG, -1, "%.100s has no feature %.80s, which %.80s has; %s",
                           b->path, a->features[i].name, a->path, ADVICE);
        const char *what = difference(&a->features[i], &b->features[k]);
        if (what)
            return et_fail(err, ET_EARG, -1, "%.80s is of another %s in %.80s than in %.80s; %s",
                           a->features[i].name, what, b->path, a->path, ADVICE);
    }
    for (size_t i = 0; i < b->n_features; i++)
        if (et_dataset_find(first, b->features[i].name) < 0)
            return et_fail(err, ET_EARG, -1, "%.100s has no feature %.80s, which %.80s has; %s",
                           a->path, b->features[i].name, b->path, ADVICE);
    return ET_OK;
}

enum et_status et__copy_check_same(const struct et_pick *picks, size_t n_picks, struct et_err *err)
{
    if (n_picks == 0)
        return et_fail(err, ET_EARG, -1, "no dataset was picked");
    enum et_status st = ET_OK;
    for (size_t i = 1; st == ET_OK && i < n_picks; i++)
        st = check_pick(picks[0].dataset, picks[i].dataset, err);
    return st;
}

/* ---- which videos are there? ---- */

/* Visits every item's videos; *n_present counts, per feature of the first pick, episodes that have
 * it. With `is_wanted` (a feature's flag), items that lack a wanted video are left out or refused.
 */
struct video_survey {
    struct et__copy *copy;
    int64_t *n_present;      // a feature of the first pick each
    const char **first_path; // of a video that is there
    struct et_arena *scratch;
};

static size_t first_number(const struct video_survey *survey, const struct et__item *item,
                           size_t i_feature)
{
    const struct et_pick *picks = survey->copy->run.picks;
    const char *name = et_dataset_info(picks[item->i_pick].dataset)->features[i_feature].name;
    return (size_t)et_dataset_find(picks[0].dataset, name);
}

static enum et_status survey_item(struct video_survey *survey, const struct et__item *item,
                                  struct et_err *err)
{
    struct et_episode_meta meta;
    const struct et_arena_mark mark = et_arena_mark(survey->scratch);
    const struct et_dataset *dataset = survey->copy->run.picks[item->i_pick].dataset;
    enum et_status st = et_dataset_episode_meta(dataset, item->place, survey->scratch, &meta, err);
    for (size_t i = 0; st == ET_OK && i < meta.n_videos; i++) {
        if (!meta.videos[i].is_present)
            continue;
        const size_t k = first_number(survey, item, meta.videos[i].i_feature);
        if (survey->n_present[k]++ == 0)
            survey->first_path[k] = et__copy_text(survey->copy->arena, et_str(meta.videos[i].path));
    }
    et_arena_rewind(survey->scratch, mark);
    return st;
}

static enum et_status survey_videos(struct video_survey *survey, struct et_err *err)
{
    const struct et__run *run = &survey->copy->run;
    const size_t n = et_dataset_info(run->picks[0].dataset)->n_features;
    survey->n_present = et_arena_array(survey->copy->arena, n, sizeof *survey->n_present);
    survey->first_path = et_arena_array(survey->copy->arena, n, sizeof *survey->first_path);
    if (!survey->n_present || !survey->first_path)
        return et_arena_fail(survey->copy->arena, "the plan", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < run->n_items; i++)
        st = survey_item(survey, &run->items[i], err);
    return st;
}

/* ---- features ---- */

static struct et_feature *add_feature(struct et__copy *copy, const struct et_feature *from)
{
    struct et__copied *to = &copy->features[copy->n_features++];
    to->feature = *from;
    to->is_task_number = strncmp(from->name, "annotation.", 11) == 0 &&
                         from->dtype == ET_DTYPE_INT64 && from->n_values == 1;
    return &to->feature;
}

/* A declared size that is not that of the frames is put right, axis by axis. */
static enum et_status fix_size(struct et__copy *copy, struct et_feature *feature, const char *path,
                               struct et_err *err)
{
    struct et_video_info info;
    int64_t height, width, channels;
    if (et_video_probe(path, &info, NULL) != ET_OK ||
        !et__picture_size(feature, &height, &width, &channels) ||
        (height == info.height_px && width == info.width_px))
        return ET_OK;
    int64_t *shape = et_arena_copy(copy->arena, feature->shape, feature->n_dims * sizeof *shape);
    if (!shape)
        return et_arena_fail(copy->arena, "the plan", err);
    bool is_set = false; // a square picture's axes are taken in order
    for (size_t i = 0; i < feature->n_dims; i++) {
        if (!is_set && shape[i] == height) {
            shape[i] = info.height_px;
            is_set = true;
        } else if (shape[i] == width) {
            shape[i] = info.width_px;
        }
    }
    feature->shape = shape;
    et__note(&copy->run.remarks, ET_SEVERITY_WARN, feature->name,
             "%lld × %lld pixels are declared and %d × %d are there; the latter are declared now",
             (long long)width, (long long)height, info.width_px, info.height_px);
    return ET_OK;
}

static enum et_status plan_video(struct et__copy *copy, const struct et_feature *from,
                                 int64_t n_present, const char *path, struct et_err *err)
{
    if (copy->options->videos == ET_VIDEO_DROP)
        return ET_OK;
    if (n_present == 0) {
        et__note(&copy->run.remarks, ET_SEVERITY_WARN, from->name,
                 "declared, and no episode has the video; dropped");
        return ET_OK;
    }
    return fix_size(copy, add_feature(copy, from), path, err);
}

static enum et_dtype dtype_of(enum et_parquet_type type, enum et_dtype otherwise)
{
    switch (type) {
    case ET_PARQUET_BOOL:
        return ET_DTYPE_BOOL;
    case ET_PARQUET_INT32:
        return ET_DTYPE_INT32;
    case ET_PARQUET_INT64:
        return ET_DTYPE_INT64;
    case ET_PARQUET_FLOAT:
        return ET_DTYPE_FLOAT32;
    case ET_PARQUET_DOUBLE:
        return ET_DTYPE_FLOAT64;
    case ET_PARQUET_INT96:
    case ET_PARQUET_BYTES:
    case ET_PARQUET_FIXED:
        break;
    }
    return otherwise;
}

static enum et_status fix_width(struct et__copy *copy, struct et_feature *feature, size_t n_values,
                                struct et_err *err)
{
    int64_t *shape = et_arena_alloc(copy->arena, sizeof *shape);
    if (!shape)
        return et_arena_fail(copy->arena, "the plan", err);
    *shape = (int64_t)n_values;
    et__note(&copy->run.remarks, ET_SEVERITY_WARN, feature->name,
             "%zu values are declared and %zu are there; the latter are declared now, without "
             "names",
             feature->n_values, n_values);
    feature->shape = shape;
    feature->n_dims = 1;
    feature->n_values = n_values;
    feature->names = NULL;
    feature->declared = NULL;
    return ET_OK;
}

/* A feature of numbers is declared as it is stored: the data are the truth. */
static enum et_status plan_numbers(struct et__copy *copy, const struct et_feature *from,
                                   const struct et_column *column, struct et_err *err)
{
    struct et__remarks *remarks = &copy->run.remarks;
    if (!column->is_rectangular) {
        et__note(remarks, ET_SEVERITY_WARN, from->name,
                 "its rows are not all of one length; dropped");
        return ET_OK;
    }
    struct et_feature *feature = add_feature(copy, from);
    const enum et_dtype stored = dtype_of(column->type, from->dtype);
    if (!et__dtype_fits(from->dtype, column->type)) {
        et__note(remarks, ET_SEVERITY_WARN, from->name,
                 "declared as %s and stored as %s; declared as stored now",
                 et_dtype_text(from->dtype), et_dtype_text(stored));
        feature->dtype = stored;
    }
    return column->n_values == from->n_values ? ET_OK
                                              : fix_width(copy, feature, column->n_values, err);
}

static bool is_default(const char *name)
{
    static const char *const NAMES[] = {"timestamp", "frame_index", "episode_index", "index",
                                        "task_index"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(NAMES[i], name) == 0)
            return true;
    return false;
}

// The columns that LeRobot wants in every dataset are as it wants them.
static void plan_default(struct et__copy *copy, const struct et_feature *from)
{
    static const int64_t ONE[] = {1};
    struct et_feature *feature = add_feature(copy, from);
    const enum et_dtype wanted =
        strcmp(from->name, "timestamp") == 0 ? ET_DTYPE_FLOAT32 : ET_DTYPE_INT64;
    if (from->dtype != wanted)
        et__note(&copy->run.remarks, ET_SEVERITY_INFO, from->name,
                 "was %s and is %s now, as LeRobot has it", et_dtype_text(from->dtype),
                 et_dtype_text(wanted));
    feature->dtype = wanted;
    feature->shape = ONE;
    feature->n_dims = 1;
    feature->n_values = 1;
}

static enum et_status plan_feature(struct et__copy *copy, const struct et_feature *from,
                                   const struct et_rows *rows, struct et_err *err)
{
    struct et__remarks *remarks = &copy->run.remarks;
    if (is_default(from->name)) {
        plan_default(copy, from);
        return ET_OK;
    }
    const struct et_column *column = et_rows_find(rows, from->name);
    if (!column) {
        et__note(remarks, ET_SEVERITY_WARN, from->name,
                 "declared, and the data have no such column; dropped");
        return ET_OK;
    }
    if (from->n_values > 0)
        return plan_numbers(copy, from, column, err);
    add_feature(copy, from);
    return ET_OK;
}

static void remark_undeclared(struct et__copy *copy, const struct et_rows *rows)
{
    for (size_t i = 0; i < rows->n_columns; i++) {
        const char *name = rows->columns[i].name;
        if (rows->columns[i].i_feature >= 0 || is_default(name))
            continue;
        et__note(&copy->run.remarks, ET_SEVERITY_WARN, name,
                 "the data have this column and meta/info.json does not declare it; dropped, "
                 "because LeRobot would refuse it");
    }
}

/* The rows of the first episode that can be read show how the columns really are. */
static enum et_status read_sample(struct et__copy *copy, struct et_arena *scratch,
                                  struct et_rows *rows, struct et_err *err)
{
    const struct et__run *run = &copy->run;
    enum et_status st = ET_ENOTFOUND;
    for (size_t i = 0; i < run->n_items; i++) {
        const struct et__item *item = &run->items[i];
        st = et__rows_without_pictures(run->picks[item->i_pick].dataset, item->place, scratch, rows,
                                       err);
        if (st == ET_OK && rows->n_rows > 0)
            return ET_OK;
        if (st == ET_ENOMEM)
            return st;
    }
    if (run->n_items == 0)
        return et_fail(err, ET_EARG, -1, "no episode was picked");
    return st == ET_OK ? et_fail(err, ET_EARG, -1, "no picked episode has rows") : st;
}

static enum et_status plan_features(struct et__copy *copy, const struct video_survey *survey,
                                    const struct et_rows *rows, struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(copy->run.picks[0].dataset);
    copy->features = et_arena_array(copy->arena, info->n_features, sizeof *copy->features);
    if (!copy->features)
        return et_arena_fail(copy->arena, "the plan", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < info->n_features; i++) {
        const struct et_feature *from = &info->features[i];
        if (from->dtype == ET_DTYPE_VIDEO)
            st = plan_video(copy, from, survey->n_present[i], survey->first_path[i], err);
        else
            st = plan_feature(copy, from, rows, err);
    }
    remark_undeclared(copy, rows);
    return st;
}

/* ---- tasks ---- */

static enum et_status plan_tasks_of(struct et__copy *copy, size_t i_pick, struct et__tasks *all,
                                    struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(copy->run.picks[i_pick].dataset);
    int64_t *numbers = et_arena_array(copy->arena, info->n_tasks, sizeof *numbers);
    if (!numbers)
        return et_arena_fail(copy->arena, "the plan", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < info->n_tasks; i++) {
        numbers[i] = -1;
        if (info->tasks[i])
            st = et__tasks_add(all, info->tasks[i], copy->arena, &numbers[i], err);
        copy->is_renumbered[i_pick] = copy->is_renumbered[i_pick] || numbers[i] != (int64_t)i;
    }
    copy->task_numbers[i_pick] = numbers;
    if (copy->is_renumbered[i_pick])
        et__note(&copy->run.remarks, ET_SEVERITY_INFO, info->path,
                 "its tasks have other numbers now; rows and annotations were changed with them");
    return st;
}

static enum et_status plan_tasks(struct et__copy *copy, struct et_err *err)
{
    const size_t n = copy->run.n_picks;
    struct et__tasks all = {0};
    copy->task_numbers = et_arena_array(copy->arena, n, sizeof *copy->task_numbers);
    copy->is_renumbered = et_arena_array(copy->arena, n, sizeof *copy->is_renumbered);
    if (!copy->task_numbers || !copy->is_renumbered)
        return et_arena_fail(copy->arena, "the plan", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < n; i++)
        st = plan_tasks_of(copy, i, &all, err);
    copy->tasks = all.texts;
    copy->n_tasks = all.n;
    return st;
}

/* ---- what else a source says ---- */

static void remark_rest(struct et__copy *copy)
{
    static const char *const TAKEN[] = {"codebase_version",
                                        "robot_type",
                                        "total_episodes",
                                        "total_frames",
                                        "total_tasks",
                                        "total_videos",
                                        "total_chunks",
                                        "chunks_size",
                                        "fps",
                                        "splits",
                                        "data_path",
                                        "video_path",
                                        "features",
                                        "data_files_size_in_mb",
                                        "video_files_size_in_mb"};
    for (size_t i = 0; i < copy->run.n_picks; i++) {
        const struct et_value *info = et_dataset_info(copy->run.picks[i].dataset)->info;
        for (size_t k = 0; k < et_value_count(info); k++) {
            const struct et_str key = info->as.many.keys[k];
            bool is_taken = false;
            for (size_t t = 0; t < sizeof TAKEN / sizeof *TAKEN; t++)
                is_taken = is_taken || et_str_is(key, TAKEN[t]);
            if (!is_taken)
                et__note(&copy->run.remarks, ET_SEVERITY_INFO, ET__INFO_PATH,
                         "\"%.*s\" is not taken over", ET_STR_ARG(key));
        }
    }
}

static enum et_status plan_lines(struct et__copy *copy, struct et_err *err)
{
    copy->lines = et_arena_array(copy->arena, copy->run.n_picks, sizeof *copy->lines);
    if (!copy->lines)
        return et_arena_fail(copy->arena, "the plan", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < copy->run.n_picks; i++)
        st = et__etude_index_open(&copy->lines[i], copy->run.picks[i].dataset, copy->arena, err);
    return st;
}

enum et_status et__copy_plan(struct et__copy *copy, struct et_err *err)
{
    struct video_survey survey = {.copy = copy};
    struct et_rows rows;
    enum et_status st = et_arena_open(&survey.scratch, SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = et__items_make(&copy->run, copy->arena, err);
    if (st == ET_OK)
        st = survey_videos(&survey, err);
    if (st == ET_OK)
        st = read_sample(copy, survey.scratch, &rows, err);
    if (st == ET_OK)
        st = plan_features(copy, &survey, &rows, err);
    if (st == ET_OK)
        st = plan_tasks(copy, err);
    if (st == ET_OK)
        st = plan_lines(copy, err);
    if (st == ET_OK)
        remark_rest(copy);
    et_arena_close(survey.scratch);
    return st;
}
