#include "dataset/dataset__build.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SCRATCH_BYTES ((size_t)4 << 30)

const struct et_judged *et__build_judged(const struct et__build *build, const struct et__item *item)
{
    const struct et_judged *const *judged = build->options->judged;
    return judged && judged[item->i_pick] ? &judged[item->i_pick][item->i_in_pick] : NULL;
}

static enum et_status full(const struct et__build *build, struct et_err *err)
{
    return et_arena_fail(build->arena, "the plan", err);
}

/* ---- checks ---- */

static enum et_status check_picks(struct et__build *build, struct et_err *err)
{
    const struct et__run *run = &build->run;
    double fps = build->options->fps;
    if (run->n_picks == 0)
        return et_fail(err, ET_EARG, -1, "no dataset was picked");
    for (size_t i = 0; i < run->n_picks; i++) {
        const struct et_dataset *dataset = run->picks[i].dataset;
        const struct et_dataset_info *info = et_dataset_info(dataset);
        const struct et_binding *binding = et_dataset_binding(dataset);
        if (!binding || !binding->profile)
            return et_fail(err, ET_EARG, -1, "%.200s: no profile was chosen", info->path);
        if (fps == 0)
            fps = info->fps;
        if (build->options->fps == 0 && fps != info->fps)
            return et_fail(
                err, ET_EARG, -1,
                "%.100s has %g frames a second, %.100s %g: say which rate to build (fps)",
                et_dataset_info(run->picks[0].dataset)->path, fps, info->path, info->fps);
    }
    if (fps == 0)
        return et_fail(err, ET_EARG, -1, "%.200s has no rate of its own: say one (--fps 30)",
                       et_dataset_info(run->picks[0].dataset)->path);
    if (!(fps >= 1 && fps <= 1e6 && fps == floor(fps)))
        return et_fail(err, ET_EUNSUPPORTED, -1,
                       "%g frames a second: LeRobot wants a whole number; say one (--fps 30)", fps);
    if (!isfinite(build->options->action_shift_s))
        return et_fail(err, ET_EARG, -1, "an action shift of %g s", build->options->action_shift_s);
    build->fps = (int)fps;
    return ET_OK;
}

/* ---- values ---- */

// The feature that a stream's values belong to; NULL: it is not wanted. In the arena.
static const char *feature_of(const struct et__build *build, const struct et_stream *stream,
                              char name[ET_NAME_BYTES_MAX])
{
    const struct et_build_options *o = build->options;
    const char *side = stream->is_command ? "action" : "observation";
    if (stream->quantity == ET_QUANTITY_POSITION)
        return stream->is_command ? "action" : "observation.state";
    if (stream->quantity == ET_QUANTITY_VELOCITY && !stream->is_command)
        return o->with_velocity ? "observation.velocity" : NULL;
    if (stream->quantity == ET_QUANTITY_EFFORT && !stream->is_command)
        return o->with_effort ? "observation.effort" : NULL;
    if (stream->quantity == ET_QUANTITY_STATE)
        return o->is_privileged ? "observation.environment_state" : NULL;
    if (!o->with_other)
        return NULL;
    // "left_wrist.wrench" becomes "observation.wrench.left_wrist".
    const char *place = stream->is_command ? strchr(stream->name, '.') + 1 : stream->name;
    const char *dot = strchr(place, '.');
    (void)snprintf(name, ET_NAME_BYTES_MAX, "%s.%s.%.*s", side, et_quantity_text(stream->quantity),
                   dot ? (int)(dot - place) : 0, place);
    return name;
}

static struct et__build_feature *find_feature(struct et__build *build, const char *name)
{
    for (size_t i = 0; i < build->n_features; i++)
        if (strcmp(build->features[i].name, name) == 0)
            return &build->features[i];
    struct et__build_feature *features = et__grow(build->arena, build->features, build->n_features,
                                                  &build->cap_features, sizeof *features);
    const char *copy = et__copy_text(build->arena, et_str(name));
    if (!features || !copy)
        return NULL;
    build->features = features;
    features[build->n_features] = (struct et__build_feature){.name = copy};
    return &features[build->n_features++];
}

// A value's own name, or one made of its stream and number.
static const char *value_name(struct et__build *build, const struct et_stream *stream, size_t i)
{
    return stream->names && stream->names[i]
               ? et__copy_text(build->arena, et_str(stream->names[i]))
               : et_arena_printf(build->arena, "%s.%zu", stream->name, i);
}

static enum et_status add_value(struct et__build *build, struct et__build_feature *feature,
                                size_t i_pick, const struct et_stream *stream, size_t i,
                                struct et_err *err)
{
    const char *name = value_name(build, stream, i);
    const char *unit = et__copy_text(build->arena, et_str(stream->unit));
    if (!name || !unit)
        return full(build, err);
    for (size_t k = 0; k < feature->n; k++) {
        struct et__build_value *value = &feature->values[k];
        if (strcmp(value->stream, stream->name) != 0 || strcmp(value->name, name) != 0)
            continue;
        if (strcmp(value->unit, unit) != 0) { // another thing, and known by its unit
            name = et_arena_printf(build->arena, "%s.%s", name, unit);
            if (!name)
                return full(build, err);
            continue;
        }
        if (value->column[i_pick] < 0)
            value->column[i_pick] = (int)i;
        return ET_OK;
    }
    struct et__build_value *values =
        et__grow(build->arena, feature->values, feature->n, &feature->cap, sizeof *values);
    int *column = et_arena_array(build->arena, build->run.n_picks, sizeof *column);
    const char *stream_name = et__copy_text(build->arena, et_str(stream->name));
    if (!values || !column || !stream_name)
        return full(build, err);
    for (size_t p = 0; p < build->run.n_picks; p++)
        column[p] = p == i_pick ? (int)i : -1;
    feature->values = values;
    values[feature->n++] = (struct et__build_value){stream_name, name, unit, column};
    return ET_OK;
}

static enum et_status gather_pick(struct et__build *build, size_t i_pick, struct et_err *err)
{
    const struct et_binding *binding = et_dataset_binding(build->run.picks[i_pick].dataset);
    char name[ET_NAME_BYTES_MAX];
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < binding->n_streams; i++) {
        const struct et_stream *stream = &binding->streams[i].stream;
        const char *wanted = stream->n_values > 0 && binding->streams[i].columns
                                 ? feature_of(build, stream, name)
                                 : NULL;
        if (!wanted)
            continue;
        struct et__build_feature *feature = find_feature(build, wanted);
        if (!feature)
            return full(build, err);
        for (size_t v = 0; st == ET_OK && v < stream->n_values; v++)
            st = add_value(build, feature, i_pick, stream, v, err);
    }
    return st;
}

// Canonical order of streams; values of one stream stay as they came.
int et__build_compare_streams(const char *a, const char *b)
{
    struct et_stream x = {.name = a}, y = {.name = b};
    (void)et_stream_parse(a, &x.part, &x.quantity, &x.is_command);
    (void)et_stream_parse(b, &y.part, &y.quantity, &y.is_command);
    return et_stream_compare(&x, &y);
}

static void sort_values(struct et__build_feature *feature)
{
    for (size_t i = 1; i < feature->n; i++) {
        const struct et__build_value value = feature->values[i];
        size_t k = i;
        for (; k > 0 && et__build_compare_streams(feature->values[k - 1].stream, value.stream) > 0;
             k--)
            feature->values[k] = feature->values[k - 1];
        feature->values[k] = value;
    }
}

static bool is_everywhere(const struct et__build *build, const struct et__build_value *value)
{
    for (size_t p = 0; p < build->run.n_picks; p++)
        if (value->column[p] < 0)
            return false;
    return true;
}

static void choose_values(struct et__build *build, struct et__build_feature *feature)
{
    size_t n = 0;
    for (size_t i = 0; i < feature->n; i++) {
        const struct et__build_value *value = &feature->values[i];
        const bool is_common = is_everywhere(build, value);
        if (!is_common && build->options->parts == ET_PARTS_COMMON) {
            et__note(&build->run.remarks, ET_SEVERITY_INFO, value->stream,
                     "%s (%s) of %s is not in every dataset; left out", value->name, value->unit,
                     feature->name);
            continue;
        }
        feature->has_gaps = feature->has_gaps || !is_common;
        feature->values[n++] = *value;
    }
    feature->n = n;
}

static int compare_features(const void *a, const void *b)
{
    static const char *const FIRST[] = {"observation.state", "action", "observation.velocity",
                                        "observation.effort"};
    const struct et__build_feature *x = a, *y = b;
    for (size_t i = 0; i < sizeof FIRST / sizeof *FIRST; i++) {
        const int is_x = strcmp(x->name, FIRST[i]) == 0, is_y = strcmp(y->name, FIRST[i]) == 0;
        if (is_x || is_y)
            return is_y - is_x;
    }
    return strcmp(x->name, y->name);
}

static enum et_status plan_values(struct et__build *build, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < build->run.n_picks; i++)
        st = gather_pick(build, i, err);
    size_t n = 0;
    for (size_t i = 0; st == ET_OK && i < build->n_features; i++) {
        choose_values(build, &build->features[i]);
        sort_values(&build->features[i]);
        if (build->features[i].n > 0)
            build->features[n++] = build->features[i];
    }
    build->n_features = n;
    if (n > 0)
        qsort(build->features, n, sizeof *build->features, compare_features);
    if (st == ET_OK && (n == 0 || strcmp(build->features[0].name, "observation.state") != 0))
        return et_fail(
            err, ET_EARG, -1,
            "there is no joint position that every dataset has: nothing to build of, but "
            "by the union of what each has (--parts union)");
    return st;
}

/* ---- times ---- */

// Whether the first episode of a pick has times of a clock.
static enum et_status survey_times(struct et__build *build, struct et_arena *scratch,
                                   struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < build->run.n_items; i++) {
        const struct et__item *item = &build->run.items[i];
        struct et_episode episode;
        if (item->i_in_pick > 0)
            continue;
        const struct et_arena_mark mark = et_arena_mark(scratch);
        st = et_dataset_episode(build->run.picks[item->i_pick].dataset, item->place, scratch,
                                &episode, err);
        if (st == ET_OK && episode.time_kind == ET_TIME_MEASURED)
            build->has_measured_times = true;
        et_arena_rewind(scratch, mark);
    }
    return st;
}

static enum et_status plan_ages(struct et__build *build, struct et_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < build->n_features; i++)
        n += build->features[i].n;
    build->ages = et_arena_array(build->arena, n + build->n_cameras, sizeof *build->ages);
    if (!build->ages)
        return full(build, err);
    for (size_t i = 0; build->has_measured_times && i < build->n_features; i++)
        for (size_t v = 0; v < build->features[i].n; v++)
            (void)et__place_of_task(build->ages, &build->n_ages,
                                    build->features[i].values[v].stream);
    for (size_t i = 0; build->has_measured_times && i < build->n_cameras; i++)
        build->ages[build->n_ages++] = build->cameras[i].stream;
    return ET_OK;
}

/* ---- parts of episodes ---- */

static enum et_status plan_segments(struct et__build *build, struct et_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < build->run.n_picks; i++)
        n += et_dataset_info(build->run.picks[i].dataset)->n_segments;
    build->segments = et_arena_array(build->arena, n, sizeof *build->segments);
    if (!build->segments)
        return full(build, err);
    for (size_t i = 0; i < build->run.n_picks; i++) {
        const struct et_dataset_info *info = et_dataset_info(build->run.picks[i].dataset);
        for (size_t k = 0; k < info->n_segments; k++)
            (void)et__place_of_task(build->segments, &build->n_segments, info->segments[k]);
    }
    return ET_OK;
}

/* ---- robots ---- */

static enum et_status plan_robots(struct et__build *build, struct et_err *err)
{
    build->robots = et_arena_array(build->arena, build->run.n_picks, sizeof *build->robots);
    if (!build->robots)
        return full(build, err);
    for (size_t i = 0; i < build->run.n_picks; i++)
        (void)et__place_of_task(build->robots, &build->n_robots,
                                et_dataset_binding(build->run.picks[i].dataset)->profile->id);
    return ET_OK;
}

/* ---- what is declared ---- */

static enum et_status declare(struct et__build *build, const char *name, enum et_dtype dtype,
                              size_t n, const char *const *names, struct et_err *err)
{
    struct et_feature *declared = et__grow(build->arena, build->declared, build->n_declared,
                                           &build->cap_declared, sizeof *declared);
    int64_t *shape = et_arena_alloc(build->arena, sizeof *shape);
    if (!declared || !shape || !name)
        return full(build, err);
    *shape = (int64_t)n;
    build->declared = declared;
    declared[build->n_declared++] = (struct et_feature){
        .name = name, .dtype = dtype, .shape = shape, .n_dims = 1, .n_values = n, .names = names};
    return ET_OK;
}

static enum et_status declare_feature(struct et__build *build,
                                      const struct et__build_feature *feature, bool is_valid,
                                      struct et_err *err)
{
    const char **names = et_arena_array(build->arena, feature->n, sizeof *names);
    if (!names)
        return full(build, err);
    for (size_t i = 0; i < feature->n; i++)
        names[i] = feature->values[i].name;
    if (is_valid)
        return declare(build, et_arena_printf(build->arena, "etude.valid.%s", feature->name),
                       ET_DTYPE_BOOL, feature->n, names, err);
    return declare(build, feature->name, ET_DTYPE_FLOAT32, feature->n, names, err);
}

static enum et_status declare_camera(struct et__build *build, const struct et__build_camera *camera,
                                     struct et_err *err)
{
    const enum et_status st = declare(build, camera->feature, ET_DTYPE_VIDEO, 3, NULL, err);
    if (st != ET_OK)
        return st;
    return et__build_declare_camera(build, camera, &build->declared[build->n_declared - 1], err);
}

static enum et_status declare_all(struct et__build *build, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < build->n_features; i++)
        st = declare_feature(build, &build->features[i], false, err);
    for (size_t i = 0; st == ET_OK && i < build->n_cameras; i++)
        st = declare_camera(build, &build->cameras[i], err);
    for (size_t i = 0; st == ET_OK && i < build->n_features; i++)
        if (build->features[i].has_gaps)
            st = declare_feature(build, &build->features[i], true, err);
    for (size_t i = 0; st == ET_OK && i < build->n_ages; i++)
        st = declare(build, et_arena_printf(build->arena, "etude.age.%s", build->ages[i]),
                     ET_DTYPE_FLOAT32, 1, NULL, err);
    if (st == ET_OK && build->n_segments > 0)
        st =
            declare(build, "etude.segment", ET_DTYPE_BOOL, build->n_segments, build->segments, err);
    if (st == ET_OK && build->n_robots > 1)
        st = declare(build, "etude.robot", ET_DTYPE_BOOL, build->n_robots, build->robots, err);
    return st;
}

// Features of the picks that no stream takes.
static void remark_rest(struct et__build *build)
{
    static const char *const MADE[] = {"timestamp", "frame_index", "episode_index", "index",
                                       "task_index"};
    for (size_t p = 0; p < build->run.n_picks; p++) {
        const struct et_dataset *dataset = build->run.picks[p].dataset;
        const struct et_binding *binding = et_dataset_binding(dataset);
        const struct et_dataset_info *info = et_dataset_info(dataset);
        for (size_t i = 0; i < info->n_features; i++) {
            bool is_taken = info->features[i].dtype == ET_DTYPE_VIDEO;
            for (size_t k = 0; k < sizeof MADE / sizeof *MADE; k++)
                is_taken = is_taken || strcmp(MADE[k], info->features[i].name) == 0;
            for (size_t k = 0; k < binding->n_streams; k++)
                is_taken = is_taken || binding->streams[k].i_feature == i;
            if (info->features[i].dtype == ET_DTYPE_IMAGE)
                is_taken = et__build_is_stored_depth(dataset, i);
            if (!is_taken)
                et__note(&build->run.remarks, ET_SEVERITY_INFO, info->features[i].name,
                         "not a canonical stream of %s; left out", info->path);
        }
    }
}

enum et_status et__build_plan(struct et__build *build, struct et_err *err)
{
    struct et_arena *scratch = NULL;
    enum et_status st = check_picks(build, err);
    if (st == ET_OK)
        st = et_arena_open(&scratch, SCRATCH_BYTES, err);
    if (st == ET_OK)
        st = et__items_make(&build->run, build->arena, err);
    if (st == ET_OK)
        st = plan_values(build, err);
    if (st == ET_OK)
        st = et__build_plan_cameras(build, scratch, err);
    if (st == ET_OK)
        st = survey_times(build, scratch, err);
    if (st == ET_OK)
        st = plan_ages(build, err);
    if (st == ET_OK)
        st = plan_segments(build, err);
    if (st == ET_OK)
        st = plan_robots(build, err);
    if (st == ET_OK)
        st = declare_all(build, err);
    if (st == ET_OK)
        remark_rest(build);
    et_arena_close(scratch);
    return st;
}
