#include "robot_features.h"

#include "etude/json.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct et_value *parse(struct et_str text, struct et_arena *arena)
{
    struct et_err err = {0};
    const struct et_value *value = NULL;
    if (et_json_parse(text, &(struct et_json_options){.allow_nan = true}, arena, &value, &err) !=
        ET_OK) {
        printf("# %s\n", err.text);
        exit(99);
    }
    return value;
}

/* The text of folder/name in the arena; NULL when it is absent. */
static const char *read_text(const char *folder, const char *name, struct et_arena *arena)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    const char *found = data_path(path);
    size_t n = 0;
    void *data = found ? read_file(found, &n) : NULL;
    const char *text = data ? et_arena_copy(arena, data, n) : NULL;
    free(data);
    return text;
}

static void read_names(const struct et_value *names, size_t n, struct et_arena *arena,
                       struct et_feature_view *view)
{
    const struct et_value *first = et_value_at(names, 0);
    if (first && first->kind == ET_VALUE_LIST)
        names = first;
    if (et_value_count(names) != n)
        return;
    const char **texts = et_arena_array(arena, n, sizeof *texts);
    for (size_t i = 0; i < n; i++)
        texts[i] = et_value_text(et_value_at(names, i), NULL);
    view->names = texts;
}

static void read_feature(struct et_str path, const struct et_value *value, struct et_arena *arena,
                         struct et_guess_feature *feature)
{
    struct et_feature_view *view = &feature->view;
    view->path = et_arena_copy(arena, path.p, path.n);
    const char *dtype = et_value_text(et_value_get(value, "dtype"), "");
    view->is_video = strcmp(dtype, "video") == 0 || strcmp(dtype, "image") == 0;
    if (view->is_video)
        return;
    const struct et_value *shape = et_value_get(value, "shape");
    view->n_values = 1;
    for (size_t i = 0; i < et_value_count(shape); i++)
        view->n_values *= (size_t)et_value_int(et_value_at(shape, i), 1);
    read_names(et_value_get(value, "names"), view->n_values, arena, view);
}

/* Widens the ranges of features by one document of statistics. */
static void add_stats(const struct et_value *stats, struct et_arena *arena,
                      struct robot_features *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct et_guess_feature *feature = &f->items[i];
        const size_t n = feature->view.n_values;
        const struct et_value *of_feature = et_value_get(stats, feature->view.path);
        const struct et_value *mins = et_value_get(of_feature, "min");
        const struct et_value *maxs = et_value_get(of_feature, "max");
        if (feature->view.is_video || et_value_count(mins) != n)
            continue;
        double *min = et_arena_array(arena, n, sizeof *min);
        double *max = et_arena_array(arena, n, sizeof *max);
        for (size_t k = 0; k < n; k++) {
            min[k] = et_value_real(et_value_at(mins, k), (double)NAN);
            max[k] = et_value_real(et_value_at(maxs, k), (double)NAN);
            if (feature->min) {
                min[k] = fmin(min[k], feature->min[k]);
                max[k] = fmax(max[k], feature->max[k]);
            }
        }
        feature->min = min;
        feature->max = max;
    }
}

static void add_slices(const struct et_value *slices, const char *feature, struct et_arena *arena,
                       struct robot_features *f)
{
    const size_t n = et_value_count(slices);
    struct et_guess_slice *all = et_arena_array(arena, f->n_slices + n, sizeof *all);
    if (f->n_slices)
        memcpy(all, f->slices, f->n_slices * sizeof *all);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *value = et_value_at(slices, i);
        const struct et_str name = slices->as.many.keys[i];
        all[f->n_slices++] = (struct et_guess_slice){
            .feature = feature,
            .name = et_arena_copy(arena, name.p, name.n),
            .first = (size_t)et_value_int(et_value_get(value, "start"), 0),
            .last = (size_t)et_value_int(et_value_get(value, "end"), 0),
        };
    }
    f->slices = all;
}

bool read_robot_features(const char *folder, struct et_arena *arena, struct robot_features *f)
{
    *f = (struct robot_features){0};
    const char *text = read_text(folder, "meta/info.json", arena);
    if (!text)
        return false;
    const struct et_value *info = parse(et_str(text), arena);
    const struct et_value *features = et_value_get(info, "features");
    f->robot_type = et_value_text(et_value_get(info, "robot_type"), NULL);
    f->n = et_value_count(features);
    f->items = et_arena_array(arena, f->n, sizeof *f->items);
    f->views = et_arena_array(arena, f->n, sizeof *f->views);
    for (size_t i = 0; i < f->n; i++) {
        read_feature(features->as.many.keys[i], et_value_at(features, i), arena, &f->items[i]);
        f->views[i] = f->items[i].view;
    }

    text = read_text(folder, "meta/stats.json", arena);
    if (text)
        add_stats(parse(et_str(text), arena), arena, f);
    text = read_text(folder, "meta/episodes_stats.jsonl", arena);
    struct et_str rest = et_str(text), line;
    while (et_str_cut(&rest, '\n', &line))
        if (line.n)
            add_stats(et_value_get(parse(line, arena), "stats"), arena, f);

    text = read_text(folder, "meta/modality.json", arena);
    if (text) {
        const struct et_value *modality = parse(et_str(text), arena);
        add_slices(et_value_get(modality, "state"), "observation.state", arena, f);
        add_slices(et_value_get(modality, "action"), "action", arena, f);
    }
    return true;
}
