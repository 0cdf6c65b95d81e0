/* Features: what a dataset's columns and videos are, in every form that writers use. */
#include "dataset/dataset__internal.h"

#include <assert.h>

static const struct {
    const char *text;
    int n_bytes;
} DTYPES[] = {
#define X(name, text, bytes) {text, bytes},
    ET_DTYPE_MAP(X)
#undef X
};

const char *et_dtype_text(enum et_dtype dtype)
{
    assert((unsigned)dtype <= ET_DTYPE_OTHER);
    return DTYPES[dtype].text;
}

static enum et_dtype parse_dtype(const char *text)
{
    for (unsigned i = 0; i < ET_DTYPE_OTHER; i++) {
        if (strcmp(DTYPES[i].text, text) == 0)
            return (enum et_dtype)i;
    }
    return ET_DTYPE_OTHER;
}

static bool has_numbers(enum et_dtype dtype)
{
    return dtype <= ET_DTYPE_BOOL || dtype == ET_DTYPE_OTHER;
}

const struct et_value *et__video_declared(const struct et_feature *feature)
{
    const struct et_value *info = et_value_get(feature->declared, "info");
    return info && info->kind == ET_VALUE_MAP ? info
                                              : et_value_get(feature->declared, "video_info");
}

// The shape, and how many numbers that makes; a remark when it cannot be used.
static enum et_status read_shape(struct et_dataset *ds, struct et_feature *feature,
                                 struct et_err *err)
{
    const struct et_value *list = et_value_get(feature->declared, "shape");
    const size_t n = et_value_count(list);
    int64_t n_values = 1;

    int64_t *shape = et_arena_array(ds->arena, n <= ET__SHAPE_MAX ? n : 0, sizeof *shape);
    if (!shape)
        return et_arena_fail(ds->arena, "the features", err);
    bool is_good = list && list->kind == ET_VALUE_LIST && n <= ET__SHAPE_MAX;
    for (size_t i = 0; is_good && i < n; i++) {
        shape[i] = et_value_int(et_value_at(list, i), -1);
        is_good = shape[i] >= 0 && shape[i] <= ET__VALUES_MAX && n_values <= ET__VALUES_MAX;
        n_values = is_good ? n_values * shape[i] : 0;
    }
    if (!is_good || n_values > ET__VALUES_MAX) {
        et__remark(&ds->remarks, ET__CHECK_FEATURES, ET_SEVERITY_ERROR, ET__INFO_PATH,
                   "the shape of %s is not a list of sizes", feature->name);
        return ET_OK;
    }
    feature->shape = shape;
    feature->n_dims = n;
    feature->n_values = has_numbers(feature->dtype) ? (size_t)n_values : 0;
    return ET_OK;
}

/* Names come as a list, a list of one list, a map of lists ({"motors": […]}), or a map from name to
 * number ({"dx": 0, "dy": 1}). Puts at most `cap` of them into names; returns how many there are.
 */
static size_t flatten_names(const struct et_value *value, const char **names, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < et_value_count(value); i++) {
        const struct et_value *item = et_value_at(value, i);
        const size_t n_items = item->kind == ET_VALUE_LIST ? et_value_count(item) : 1;
        for (size_t j = 0; j < n_items; j++) {
            const struct et_value *leaf = item->kind == ET_VALUE_LIST ? et_value_at(item, j) : item;
            const char *text = et_value_text(leaf, NULL);
            if (text && n < cap)
                names[n] = text;
            n += text != NULL;
        }
    }
    return n;
}

static size_t names_by_number(const struct et_value *map, const char **names, size_t cap)
{
    const size_t n = et_value_count(map);

    for (size_t i = 0; i < n; i++) {
        const int64_t number = et_value_int(et_value_at(map, i), -1);
        if (number < 0 || (uint64_t)number >= cap || names[number])
            return 0;
        names[number] = map->as.many.keys[i].p;
    }
    return n;
}

// Value names, or a remark. Pictures name their axes, not their values: they have none here.
static enum et_status read_names(struct et_dataset *ds, struct et_feature *feature,
                                 struct et_err *err)
{
    const struct et_value *value = et_value_get(feature->declared, "names");

    if (!value || value->kind == ET_VALUE_NULL || feature->n_values == 0)
        return ET_OK;
    const char **names = et_arena_array(ds->arena, feature->n_values, sizeof *names);
    if (!names)
        return et_arena_fail(ds->arena, "the features", err);
    size_t n = flatten_names(value, names, feature->n_values);
    if (n == 0 && value->kind == ET_VALUE_MAP)
        n = names_by_number(value, names, feature->n_values);
    if (n == feature->n_values)
        feature->names = names;
    else if (n == 0 || n != feature->n_dims || feature->n_dims == 1)
        et__remark(&ds->remarks, ET__CHECK_NAMES, ET_SEVERITY_WARN, ET__INFO_PATH,
                   "%s has %zu values and %zu names; they are not used", feature->name,
                   feature->n_values, n);
    return ET_OK;
}

static enum et_status read_feature(struct et_dataset *ds, struct et_str name,
                                   const struct et_value *declared, struct et_err *err)
{
    struct et_feature *feature = &ds->features[ds->info.n_features];
    struct et_err bad_name = {0};

    if (et_name_check(name, "a feature's name", &bad_name) != ET_OK) {
        et__remark(&ds->remarks, ET__CHECK_FEATURES, ET_SEVERITY_ERROR, ET__INFO_PATH,
                   "a feature is left out: %s", bad_name.text);
        return ET_OK;
    }
    const char *dtype = et_value_text(et_value_get(declared, "dtype"), "");
    *feature =
        (struct et_feature){.name = name.p, .dtype = parse_dtype(dtype), .declared = declared};
    if (feature->dtype == ET_DTYPE_OTHER)
        et__remark(&ds->remarks, ET__CHECK_FEATURES, ET_SEVERITY_WARN, ET__INFO_PATH,
                   "the dtype of %s, \"%.40s\", is none that we know", name.p, dtype);
    ds->info.n_features++;
    const enum et_status st = read_shape(ds, feature, err);
    return st == ET_OK ? read_names(ds, feature, err) : st;
}

// The five columns that every loader addresses.
static const struct {
    const char *name;
    bool is_needed_in_v2;
} DEFAULTS[] = {
    {"timestamp", true}, {"frame_index", false}, {"episode_index", true},
    {"index", true},     {"task_index", true},
};

static void check_defaults(struct et_dataset *ds)
{
    for (size_t i = 0; i < sizeof DEFAULTS / sizeof *DEFAULTS; i++) {
        const bool is_needed = DEFAULTS[i].is_needed_in_v2 || ds->info.layout == ET_LAYOUT_V30;
        if (et_dataset_find(ds, DEFAULTS[i].name) < 0)
            et__remark(&ds->remarks, ET__CHECK_FEATURES,
                       is_needed ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN, ET__INFO_PATH,
                       "the feature %s, which loaders address, is not declared", DEFAULTS[i].name);
    }
}

enum et_status et__features_read(struct et_dataset *ds, const struct et_value *map,
                                 struct et_err *err)
{
    const size_t n = et_value_count(map);

    if (n > ET_FEATURES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%zu features are more than %d", n, ET_FEATURES_MAX);
    ds->features = et_arena_array(ds->arena, n, sizeof *ds->features);
    ds->i_videos = et_arena_array(ds->arena, n, sizeof *ds->i_videos);
    if (!ds->features || !ds->i_videos)
        return et_arena_fail(ds->arena, "the features", err);
    ds->info.features = ds->features;
    for (size_t i = 0; i < n; i++) {
        const enum et_status st = read_feature(ds, map->as.many.keys[i], et_value_at(map, i), err);
        if (st != ET_OK)
            return st;
    }
    for (size_t i = 0; i < ds->info.n_features; i++) {
        if (ds->features[i].dtype == ET_DTYPE_VIDEO)
            ds->i_videos[ds->n_videos++] = i;
    }
    check_defaults(ds);
    return ET_OK;
}

bool et__picture_size(const struct et_feature *feature, int64_t *height, int64_t *width,
                      int64_t *channels)
{
    const struct et_value *names = et_value_get(feature->declared, "names");

    if (feature->n_dims != 3)
        return false;
    // Axes are named in full or by a letter; without names the last axis of colours is 1, 3 or 4.
    const char *first = et_value_text(et_value_at(names, 0), "");
    const bool is_chw =
        first[0] != '\0' ? first[0] == 'c' : feature->shape[2] > 4 && feature->shape[0] <= 4;
    *height = feature->shape[is_chw ? 1 : 0];
    *width = feature->shape[is_chw ? 2 : 1];
    *channels = feature->shape[is_chw ? 0 : 2];
    return true;
}
