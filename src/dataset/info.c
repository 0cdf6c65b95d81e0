/* meta/info.json: what a dataset says of itself. */
#include "dataset/dataset__internal.h"

#include <math.h>
#include <stdio.h>

const char *et_layout_text(enum et_layout layout)
{
    switch (layout) {
    case ET_LAYOUT_V20:
        return "v2.0";
    case ET_LAYOUT_V21:
        return "v2.1";
    case ET_LAYOUT_V30:
        return "v3.0";
    case ET_LAYOUT_EPISODES:
        return "episodes";
    }
    return "";
}

// LeRobot itself looks at the major number only; within a major the layouts are the same to read.
static enum et_status read_layout(struct et_dataset *ds, const struct et_value *root,
                                  struct et_err *err)
{
    const struct et_str version = et_str(et_value_text(et_value_get(root, "codebase_version"), ""));

    if (et_str_is(version, "v2.0"))
        ds->info.layout = ET_LAYOUT_V20;
    else if (et_str_starts(version, "v2."))
        ds->info.layout = ET_LAYOUT_V21;
    else if (et_str_starts(version, "v3."))
        ds->info.layout = ET_LAYOUT_V30;
    else if (version.n == 0)
        return et_fail(err, ET_ECORRUPT, -1, "%s has no codebase_version", ET__INFO_PATH);
    else
        return et_fail(err, ET_EUNSUPPORTED, -1,
                       "codebase_version \"%.40s\" is none that we know (v2.0, v2.1, v3.0)",
                       version.p);
    return ET_OK;
}

static enum et_status read_rate(struct et_dataset *ds, const struct et_value *root,
                                struct et_err *err)
{
    const double fps = et_value_real(et_value_get(root, "fps"), (double)NAN);

    if (!(fps > 0 && fps <= 1e6))
        return et_fail(err, ET_ECORRUPT, -1, "%s: fps is not a rate in frames a second",
                       ET__INFO_PATH);
    ds->info.fps = fps;
    if (ds->info.layout == ET_LAYOUT_V30 && fps != floor(fps))
        et__remark(&ds->remarks, ET__CHECK_INFO, ET_SEVERITY_ERROR, ET__INFO_PATH,
                   "fps is %g, and LeRobot v3.0 takes whole numbers only", fps);
    return ET_OK;
}

// A whole number ≥ 0 that info.json should have; −1, with a remark, when it has not.
static int64_t read_total(struct et_dataset *ds, const struct et_value *root, const char *key,
                          bool is_needed)
{
    const struct et_value *value = et_value_get(root, key);
    const int64_t total = et_value_int(value, -1);

    if ((value && total < 0) || (!value && is_needed))
        et__remark(&ds->remarks, ET__CHECK_INFO, ET_SEVERITY_ERROR, ET__INFO_PATH,
                   value ? "%s is not a whole number" : "%s is absent", key);
    return total < 0 ? -1 : total;
}

static void read_totals(struct et_dataset *ds, const struct et_value *root)
{
    const bool is_v3 = ds->info.layout == ET_LAYOUT_V30;
    struct et_set_claims *claims = &ds->info.claims;

    claims->n_episodes = read_total(ds, root, "total_episodes", true);
    claims->n_rows = read_total(ds, root, "total_frames", true);
    claims->n_tasks = read_total(ds, root, "total_tasks", true);
    claims->n_videos = read_total(ds, root, "total_videos", false);
    ds->chunks_size = read_total(ds, root, "chunks_size", true);
    if (ds->chunks_size == 0)
        et__remark(&ds->remarks, ET__CHECK_INFO, ET_SEVERITY_ERROR, ET__INFO_PATH,
                   "chunks_size is 0, and no path can be made with it");
    if (ds->chunks_size <= 0)
        ds->chunks_size = 1000;
    if (is_v3) {
        (void)read_total(ds, root, "data_files_size_in_mb", false);
        (void)read_total(ds, root, "video_files_size_in_mb", false);
    }
}

/* A template of info.json, or the layout's own, with a remark, when it is absent or cannot be used.
 * NULL only when the arena is full. */
static const char *read_template(struct et_dataset *ds, const struct et_value *root,
                                 const char *key, const char *standard)
{
    const struct et_value *value = et_value_get(root, key);

    // v3.0 writes null for the videos of a dataset without any.
    if (!value || value->kind == ET_VALUE_NULL) {
        if (strcmp(key, "data_path") == 0)
            et__remark(&ds->remarks, ET__CHECK_INFO, ET_SEVERITY_WARN, ET__INFO_PATH,
                       "%s is absent; the layout's own is used", key);
        return standard;
    }
    const struct et_str text = et_str(et_value_text(value, ""));
    const char *trouble = et__template_trouble(text);
    if (!trouble)
        return et__copy_text(ds->arena, text);
    et__remark(&ds->remarks, ET__CHECK_INFO, ET_SEVERITY_ERROR, ET__INFO_PATH,
               "%s cannot be used: %s; the layout's own is used", key, trouble);
    return standard;
}

// Reads one split, "first:last" (episodes first … last − 1).
static bool parse_split(const struct et_value *value, int64_t *first, int64_t *last)
{
    struct et_str rest = et_str(et_value_text(value, ""));
    struct et_str part;

    return et_str_cut(&rest, ':', &part) && et_str_to_int64(part, first) &&
           et_str_to_int64(rest, last);
}

static enum et_status read_splits(struct et_dataset *ds, const struct et_value *root,
                                  struct et_err *err)
{
    struct et_set_claims *claims = &ds->info.claims;
    const struct et_value *splits = et_value_get(root, "splits");
    struct et_buf text = et_buf(4096);

    claims->split_last = -1;
    for (size_t i = 0; splits && splits->kind == ET_VALUE_MAP && i < splits->as.many.n_items; i++) {
        const struct et_str name = splits->as.many.keys[i];
        const struct et_value *value = et_value_at(splits, i);
        int64_t first, last;
        if (!parse_split(value, &first, &last)) {
            // Lists of episodes and other forms are somebody's own; loaders do not read them.
            et__remark(&ds->remarks, ET__CHECK_SPLITS, ET_SEVERITY_INFO, ET__INFO_PATH,
                       "split %.*s is not of the form first:last", ET_STR_ARG(name));
            continue;
        }
        if (last > claims->split_last)
            claims->split_last = last;
        et_buf_printf(&text, "%s%.*s %s", text.n ? ", " : "", ET_STR_ARG(name),
                      et_value_text(value, ""));
    }
    if (text.n && text.status == ET_OK) {
        claims->splits = et__copy_text(ds->arena, et_buf_str(&text));
        if (!claims->splits) {
            et_buf_free(&text);
            return et_arena_fail(ds->arena, "the splits", err);
        }
    }
    et_buf_free(&text);
    return ET_OK;
}

static enum et_status read_all(struct et_dataset *ds, const struct et_value *root,
                               struct et_err *err)
{
    enum et_status st = read_layout(ds, root, err);
    if (st == ET_OK)
        st = read_rate(ds, root, err);
    if (st != ET_OK)
        return st;
    ds->info.robot_type = et_value_text(et_value_get(root, "robot_type"), NULL);
    read_totals(ds, root);
    ds->data_template = read_template(ds, root, "data_path", et__data_template(ds->info.layout));
    ds->video_template = read_template(ds, root, "video_path", et__video_template(ds->info.layout));
    if (!ds->data_template || !ds->video_template)
        return et_arena_fail(ds->arena, "the metadata", err);
    st = read_splits(ds, root, err);
    if (st != ET_OK)
        return st;
    const struct et_value *features = et_value_get(root, "features");
    if (!features || features->kind != ET_VALUE_MAP)
        return et_fail(err, ET_ECORRUPT, -1, "%s has no map of features", ET__INFO_PATH);
    return et__features_read(ds, features, err);
}

enum et_status et__info_read(struct et_dataset *ds, struct et_err *err)
{
    const struct et_json_options options = {.allow_nan = true};

    const char *path = et_path_join(ds->arena, ds->info.path, ET__INFO_PATH);
    if (!path)
        return et_arena_fail(ds->arena, "the metadata", err);
    enum et_status st =
        et_json_read(path, ET__META_FILE_BYTES_MAX, &options, ds->arena, &ds->info.info, err);
    if (st != ET_OK)
        return st;
    if (ds->info.info->kind != ET_VALUE_MAP)
        return et_fail(err, ET_ECORRUPT, 0, "%s: not a JSON object but %s", path,
                       et_value_kind_text(ds->info.info->kind));
    st = read_all(ds, ds->info.info, err);
    if (st != ET_OK)
        (void)et_err_context(err, "%s", ds->info.path);
    return st;
}
