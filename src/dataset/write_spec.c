#include "dataset/dataset__write.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define FPS_MAX 1000000
#define FILE_MB_MAX (1 << 20)
#define VIDEO_FILE_S 900.0
#define QUANTILE_BUDGET_BYTES ((size_t)64 << 20)
#define ROW_GROUP_BYTES ((size_t)32 << 20)

static const struct default_feature {
    const char *name;
    enum et__default made;
    enum et_dtype dtype;
} DEFAULTS[ET__N_DEFAULTS] = {
    {"timestamp", ET__DEFAULT_TIMESTAMP, ET_DTYPE_FLOAT32},
    {"frame_index", ET__DEFAULT_FRAME, ET_DTYPE_INT64},
    {"episode_index", ET__DEFAULT_EPISODE, ET_DTYPE_INT64},
    {"index", ET__DEFAULT_INDEX, ET_DTYPE_INT64},
    {"task_index", ET__DEFAULT_TASK, ET_DTYPE_INT64},
};

static const char *const CODECS[] = {
    [ET_VIDEO_AV1] = "av1", [ET_VIDEO_H264] = "h264", [ET_VIDEO_HEVC] = "hevc"};

static const struct default_feature *find_default(const char *name)
{
    for (size_t i = 0; i < ET__N_DEFAULTS; i++)
        if (strcmp(DEFAULTS[i].name, name) == 0)
            return &DEFAULTS[i];
    return NULL;
}

static bool is_number(enum et_dtype dtype)
{
    return dtype <= ET_DTYPE_BOOL || dtype == ET_DTYPE_OTHER;
}

/* ---- checks ---- */

static enum et_status check_default(const struct et_feature *feature,
                                    const struct default_feature *d, struct et_err *err)
{
    if (feature->dtype != d->dtype || feature->n_values != 1)
        return et_fail(err, ET_EARG, -1, "the feature %s must be one %s, it is %zu × %s", d->name,
                       et_dtype_text(d->dtype), feature->n_values, et_dtype_text(feature->dtype));
    return ET_OK;
}

/* A feature's name becomes a key of metadata columns, and a folder for a video. */
static enum et_status check_name(const char *name, struct et_err *err)
{
    enum et_status st = et_name_check(et_str(name), "a feature's name", err);
    if (st != ET_OK) {
        if (err)
            err->status = ET_EARG;
        return ET_EARG;
    }
    if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return et_fail(err, ET_EARG, -1, "the feature's name \"%.100s\" is also a path", name);
    return ET_OK;
}

static enum et_status check_shape(const struct et_feature *feature, struct et_err *err)
{
    int64_t n = 1;
    if (feature->n_dims > ET__SHAPE_MAX)
        return et_fail(err, ET_EARG, -1, "%s has %zu dimensions, more than %d", feature->name,
                       feature->n_dims, ET__SHAPE_MAX);
    for (size_t i = 0; i < feature->n_dims; i++) {
        if (feature->shape[i] < 1 || feature->shape[i] > ET__VALUES_MAX / n)
            return et_fail(err, ET_EARG, -1, "%s has a dimension of %lld", feature->name,
                           (long long)feature->shape[i]);
        n *= feature->shape[i];
    }
    if (is_number(feature->dtype) && (int64_t)feature->n_values != n)
        return et_fail(err, ET_EARG, -1, "%s has %zu values, its shape %lld", feature->name,
                       feature->n_values, (long long)n);
    return ET_OK;
}

static enum et_status check_features(const struct et_dataset_spec *spec, struct et_err *err)
{
    if (spec->n_features > ET_FEATURES_MAX - ET__N_DEFAULTS)
        return et_fail(err, ET_EARG, -1, "%zu features are more than %d", spec->n_features,
                       ET_FEATURES_MAX - ET__N_DEFAULTS);
    for (size_t i = 0; i < spec->n_features; i++) {
        const struct et_feature *feature = &spec->features[i];
        enum et_status st = check_name(feature->name, err);
        if (st == ET_OK)
            st = check_shape(feature, err);
        const struct default_feature *d = find_default(feature->name);
        if (st == ET_OK && d)
            st = check_default(feature, d, err);
        if (st != ET_OK)
            return st;
        for (size_t k = 0; k < i; k++)
            if (strcmp(feature->name, spec->features[k].name) == 0)
                return et_fail(err, ET_EARG, -1, "the feature %s is there twice", feature->name);
    }
    return ET_OK;
}

static enum et_status check_tasks(const struct et_dataset_spec *spec, struct et_err *err)
{
    for (size_t i = 0; i < spec->n_tasks; i++) {
        if (!spec->tasks[i] || !et_str_is_utf8(et_str(spec->tasks[i])))
            return et_fail(err, ET_EARG, -1, "task %zu is no text", i);
    }
    return ET_OK;
}

static enum et_status check_numbers(const struct et_dataset_spec *spec, struct et_err *err)
{
    if (spec->layout != ET_LAYOUT_V30 && spec->layout != ET_LAYOUT_V21)
        return et_fail(err, ET_EARG, -1, "LeRobot %s cannot be written, only v3.0 and v2.1",
                       et_layout_text(spec->layout));
    if (spec->fps < 1 || spec->fps > FPS_MAX)
        return et_fail(err, ET_EARG, -1, "a rate of %d frames a second cannot be written",
                       spec->fps);
    if (spec->data_file_mb < 0 || spec->data_file_mb > FILE_MB_MAX || spec->video_file_mb < 0 ||
        spec->video_file_mb > FILE_MB_MAX || spec->chunk_files < 0)
        return et_fail(err, ET_EARG, -1,
                       "file sizes of %d and %d MB, %d files a chunk: out of range",
                       spec->data_file_mb, spec->video_file_mb, spec->chunk_files);
    if (!(spec->video_file_s >= 0) || !isfinite(spec->video_file_s))
        return et_fail(err, ET_EARG, -1, "video files of %g s cannot be", spec->video_file_s);
    if (spec->modality_json && spec->layout != ET_LAYOUT_V21)
        return et_fail(err, ET_EARG, -1, "modality.json belongs to a v2.1 dataset");
    if ((unsigned)spec->video.codec >= sizeof CODECS / sizeof *CODECS)
        return et_fail(err, ET_EARG, -1, "video codec %d is unknown", (int)spec->video.codec);
    return ET_OK;
}

/* ---- writing ---- */

static void put_shape(struct et_json_writer *w, const struct et_feature *feature)
{
    et_json_key(w, "shape");
    et_json_open_list(w);
    for (size_t i = 0; i < feature->n_dims; i++)
        et_json_int(w, feature->shape[i]);
    et_json_close_list(w);
}

/* Names as they were declared; a picture has its axes' names. */
static void put_names(struct et_json_writer *w, const struct et_feature *feature)
{
    // LeRobot reads the third one without asking (utils/feature_utils.py:166).
    static const char *const LAST[] = {"height", "width", "channels"};
    static const char *const FIRST[] = {"channels", "height", "width"};
    const bool is_picture = feature->n_dims == 3 &&
                            (feature->dtype == ET_DTYPE_VIDEO || feature->dtype == ET_DTYPE_IMAGE);
    const struct et_value *declared = et_value_get(feature->declared, "names");
    const char *const *names = feature->names;
    size_t n = feature->n_values;

    et_json_key(w, "names");
    if (declared && (!is_picture || et_value_count(declared) == 3)) {
        et_json_value(w, declared);
        return;
    }
    if (is_picture) {
        names = feature->shape[0] < feature->shape[2] ? FIRST : LAST;
        n = 3;
    }
    if (!names) {
        et_json_null(w);
        return;
    }
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++)
        et_json_text(w, names[i]);
    et_json_close_list(w);
}

static bool is_own_member(struct et_str key)
{
    static const char *const OWN[] = {"dtype", "shape", "names", "fps", "info", "video_info"};
    for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++)
        if (et_str_is(key, OWN[i]))
            return true;
    return false;
}

// What else the declaration says stays with it.
static void put_other_members(struct et_json_writer *w, const struct et_value *declared)
{
    char key[ET_NAME_BYTES_MAX + 1];
    if (!declared || declared->kind != ET_VALUE_MAP)
        return;
    for (size_t i = 0; i < declared->as.many.n_items; i++) {
        const struct et_str name = declared->as.many.keys[i];
        if (is_own_member(name) || name.n > ET_NAME_BYTES_MAX)
            continue;
        (void)snprintf(key, sizeof key, "%.*s", ET_STR_ARG(name));
        et_json_key(w, key);
        et_json_value(w, &declared->as.many.items[i]);
    }
}

static const char *dtype_text(const struct et_feature *feature)
{
    if (feature->dtype != ET_DTYPE_OTHER)
        return et_dtype_text(feature->dtype);
    return et_value_text(et_value_get(feature->declared, "dtype"), "float32");
}

static void put_feature(struct et_json_writer *w, const struct et_feature *feature)
{
    et_json_key(w, feature->name);
    et_json_open_map(w);
    et_json_put_text(w, "dtype", dtype_text(feature));
    put_shape(w, feature);
    put_names(w, feature);
    const struct et_value *info = et_value_get(feature->declared, "info");
    if (!info || info->kind != ET_VALUE_MAP)
        info = et_value_get(feature->declared, "video_info");
    if (info && info->kind == ET_VALUE_MAP) {
        et_json_key(w, "info");
        et_json_value(w, info);
    }
    put_other_members(w, feature->declared);
    et_json_close_map(w);
}

static void put_features(struct et_json_writer *w, const struct et_dataset_spec *spec)
{
    static const int64_t ONE[] = {1};
    et_json_key(w, "features");
    et_json_open_map(w);
    for (size_t i = 0; i < spec->n_features; i++)
        put_feature(w, &spec->features[i]);
    for (size_t d = 0; d < ET__N_DEFAULTS; d++) {
        bool is_there = false;
        for (size_t i = 0; i < spec->n_features; i++)
            is_there = is_there || strcmp(spec->features[i].name, DEFAULTS[d].name) == 0;
        const struct et_feature made = {.name = DEFAULTS[d].name,
                                        .dtype = DEFAULTS[d].dtype,
                                        .shape = ONE,
                                        .n_dims = 1,
                                        .n_values = 1};
        if (!is_there)
            put_feature(w, &made);
    }
    et_json_close_map(w);
}

static void put_video(struct et_json_writer *w, const struct et_video_options *video)
{
    et_json_key(w, "video");
    et_json_open_map(w);
    et_json_put_text(w, "codec", CODECS[video->codec]);
    et_json_put_int(w, "gop", video->gop);
    et_json_put_int(w, "crf", video->crf);
    et_json_put_int(w, "preset", video->preset);
    et_json_put_int(w, "n_threads", video->n_threads);
    et_json_close_map(w);
}

static void put_spec(struct et_json_writer *w, const struct et_dataset_spec *spec)
{
    et_json_open_map(w);
    et_json_put_text(w, "line", "spec");
    et_json_put_int(w, "version", ET__JOURNAL_VERSION);
    et_json_put_text(w, "layout", et_layout_text(spec->layout));
    et_json_put_int(w, "fps", spec->fps);
    et_json_put_text(w, "robot_type", spec->robot_type);
    et_json_put_int(w, "data_file_mb", spec->data_file_mb ? spec->data_file_mb : 100);
    et_json_put_int(w, "video_file_mb", spec->video_file_mb ? spec->video_file_mb : 200);
    et_json_put_real(w, "video_file_s", spec->video_file_s > 0 ? spec->video_file_s : VIDEO_FILE_S);
    et_json_put_int(w, "chunk_files", spec->chunk_files ? spec->chunk_files : 1000);
    et_json_put_int(w, "quantile_budget_bytes",
                    (int64_t)(spec->quantile_budget_bytes ? spec->quantile_budget_bytes
                                                          : QUANTILE_BUDGET_BYTES));
    if (spec->row_group_bytes)
        et_json_put_int(w, "row_group_bytes", (int64_t)spec->row_group_bytes);
    et_json_put_bool(w, "should_sync", spec->should_sync);
    put_video(w, &spec->video);
    put_features(w, spec);
    et_json_key(w, "tasks");
    et_json_open_list(w);
    for (size_t i = 0; i < spec->n_tasks; i++)
        et_json_text(w, spec->tasks[i]);
    et_json_close_list(w);
    et_json_put_text(w, "modality", spec->modality_json);
    et_json_close_map(w);
}

enum et_status et__spec_put(struct et_buf *line, const struct et_dataset_spec *spec,
                            struct et_err *err)
{
    enum et_status st = check_numbers(spec, err);
    if (st == ET_OK)
        st = check_features(spec, err);
    if (st == ET_OK)
        st = check_tasks(spec, err);
    if (st != ET_OK)
        return st;
    struct et_json_writer w = {.buf = line};
    put_spec(&w, spec);
    return et_buf_check(line, "the dataset's spec", err);
}

/* ---- reading ---- */

static enum et_dtype parse_dtype(const char *text)
{
    for (enum et_dtype d = ET_DTYPE_FLOAT32; d < ET_DTYPE_OTHER; d++)
        if (strcmp(et_dtype_text(d), text) == 0)
            return d;
    return ET_DTYPE_OTHER;
}

/* The dimension of a picture's axis by its name, else the one at `i`; 0 when there is none. */
static int64_t axis(const struct et__field *field, const char *name, size_t i)
{
    const struct et_value *names = et_value_get(field->json, "names");
    for (size_t k = 0; k < field->n_dims; k++)
        if (strncmp(et_value_text(et_value_at(names, k), ""), name, strlen(name)) == 0)
            return field->shape[k];
    return i < field->n_dims ? field->shape[i] : 0;
}

void et__field_size(const struct et__field *field, int *width_px, int *height_px)
{
    const int64_t width = axis(field, "width", 1), height = axis(field, "height", 0);
    *width_px = width <= ET_VIDEO_SIDE_PX_MAX ? (int)width : 0;
    *height_px = height <= ET_VIDEO_SIDE_PX_MAX ? (int)height : 0;
}

static size_t n_channels(const struct et__field *field)
{
    const int64_t n = axis(field, "channel", 2);
    return n >= 1 && n <= 4 ? (size_t)n : 3;
}

static bool read_field(const struct et_value *json, const char *name, struct et__field *field)
{
    const struct et_value *shape = et_value_get(json, "shape");
    int64_t n = 1;

    *field = (struct et__field){.name = name, .json = json};
    field->dtype = parse_dtype(et_value_text(et_value_get(json, "dtype"), ""));
    field->n_dims = et_value_count(shape);
    if (json->kind != ET_VALUE_MAP || field->n_dims > ET__SHAPE_MAX)
        return false;
    for (size_t i = 0; i < field->n_dims; i++) {
        field->shape[i] = et_value_int(et_value_at(shape, i), 0);
        if (field->shape[i] < 1 || field->shape[i] > ET__VALUES_MAX / n)
            return false;
        n *= field->shape[i];
    }
    const struct default_feature *d = find_default(name);
    field->made = d ? d->made : ET__DEFAULT_NONE;
    field->is_video = field->dtype == ET_DTYPE_VIDEO;
    field->is_image = field->dtype == ET_DTYPE_IMAGE;
    const struct et_value *info = et_value_get(json, "info");
    field->is_depth = et_value_bool(et_value_get(info, "is_depth_map"), false) ||
                      et_value_bool(et_value_get(info, "video.is_depth_map"), false);
    if (is_number(field->dtype)) {
        field->n_values = (size_t)n;
        field->n_stats = field->n_dims > 0 ? (size_t)field->shape[field->n_dims - 1] : 1;
    } else if (field->is_video || field->is_image) {
        field->n_stats = n_channels(field);
    }
    return true;
}

static enum et_status read_fields(const struct et_value *map, struct et_arena *arena,
                                  struct et__spec *spec, struct et_err *err)
{
    const size_t n = et_value_count(map);
    if (!map || map->kind != ET_VALUE_MAP || n > ET_FEATURES_MAX)
        return et_fail(err, ET_ECORRUPT, 1, "the journal's first line has no features");
    struct et__field *fields = et_arena_array(arena, n, sizeof *fields);
    if (!fields)
        return et_arena_fail(arena, "the dataset's features", err);
    for (size_t i = 0; i < n; i++) {
        const char *name = et__copy_text(arena, map->as.many.keys[i]);
        if (!name)
            return et_arena_fail(arena, "the dataset's features", err);
        if (check_name(name, err) != ET_OK) // names become paths
            return et_fail(err, ET_ECORRUPT, 1, "the journal has a feature that is no name");
        if (!read_field(&map->as.many.items[i], name, &fields[i]))
            return et_fail(err, ET_ECORRUPT, 1, "the journal's feature %.100s has no shape", name);
    }
    spec->fields = fields;
    spec->n_fields = n;
    return ET_OK;
}

static enum et_status read_tasks(const struct et_value *list, struct et_arena *arena,
                                 struct et__spec *spec, struct et_err *err)
{
    const size_t n = et_value_count(list);
    const char **tasks = et_arena_array(arena, n, sizeof *tasks);
    if (!tasks)
        return et_arena_fail(arena, "the dataset's tasks", err);
    for (size_t i = 0; i < n; i++)
        tasks[i] = et_value_text(et_value_at(list, i), "");
    spec->tasks = tasks;
    spec->n_tasks = n;
    return ET_OK;
}

static void read_video(const struct et_value *json, struct et_video_options *video)
{
    const char *codec = et_value_text(et_value_get(json, "codec"), "");
    for (size_t i = 0; i < sizeof CODECS / sizeof *CODECS; i++)
        if (strcmp(CODECS[i], codec) == 0)
            video->codec = (enum et_video_codec)i;
    video->gop = (int)et_value_int(et_value_get(json, "gop"), 0);
    video->crf = (int)et_value_int(et_value_get(json, "crf"), 0);
    video->preset = (int)et_value_int(et_value_get(json, "preset"), 0);
    video->n_threads = (int)et_value_int(et_value_get(json, "n_threads"), 0);
}

enum et_status et__spec_read(const struct et_value *line, struct et_arena *arena,
                             const struct et__spec **spec, struct et_err *err)
{
    struct et__spec *made = et_arena_alloc(arena, sizeof *made);
    if (!made)
        return et_arena_fail(arena, "the dataset's spec", err);

    const char *layout = et_value_text(et_value_get(line, "layout"), "");
    made->layout = strcmp(layout, "v2.1") == 0 ? ET_LAYOUT_V21 : ET_LAYOUT_V30;
    made->fps = (int)et_value_int(et_value_get(line, "fps"), 0);
    made->robot_type = et_value_text(et_value_get(line, "robot_type"), NULL);
    made->data_file_mb = (int)et_value_int(et_value_get(line, "data_file_mb"), 0);
    made->video_file_mb = (int)et_value_int(et_value_get(line, "video_file_mb"), 0);
    made->video_file_s = et_value_real(et_value_get(line, "video_file_s"), 0);
    made->chunk_files = (int)et_value_int(et_value_get(line, "chunk_files"), 0);
    made->row_group_bytes =
        (size_t)et_value_int(et_value_get(line, "row_group_bytes"), ROW_GROUP_BYTES);
    made->quantile_budget_bytes =
        (size_t)et_value_int(et_value_get(line, "quantile_budget_bytes"), 0);
    made->should_sync = et_value_bool(et_value_get(line, "should_sync"), false);
    made->modality = et_value_text(et_value_get(line, "modality"), NULL);
    read_video(et_value_get(line, "video"), &made->video);
    made->video.fps = made->fps;
    if (made->fps < 1 || made->data_file_mb < 1 || made->video_file_mb < 1 ||
        made->chunk_files < 1 || !(made->video_file_s > 0))
        return et_fail(err, ET_ECORRUPT, 1, "the journal's first line lacks a rate or a size");

    enum et_status st = read_fields(et_value_get(line, "features"), arena, made, err);
    if (st == ET_OK)
        st = read_tasks(et_value_get(line, "tasks"), arena, made, err);
    *spec = made;
    return st;
}

int et__spec_find(const struct et__spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->n_fields; i++)
        if (strcmp(spec->fields[i].name, name) == 0)
            return (int)i;
    return -1;
}
