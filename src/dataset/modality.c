/* meta/modality.json, GR00T's map from names to slices of features: remarks on what in it cannot be
 * so. Nothing here uses it for reading; the profile does that. */
#include "dataset/dataset__internal.h"

#include <stdio.h>
#include <stdlib.h>

#define WHERE "meta/modality.json"
#define SLICES_MAX 4096

// One slice of a feature.
struct slice {
    const char *section, *name;
    int i_feature;
    int64_t first, last; // values first … last − 1
};

struct checking {
    struct et_dataset *ds;
    struct slice *slices;
    size_t n_slices;
};

static void complain(struct checking *checking, enum et_severity severity, const char *section,
                     const char *name, const char *text)
{
    struct et_dataset *ds = checking->ds;
    const char *where = et_arena_printf(ds->arena, WHERE ": %s.%s", section, name);

    et__remark(&ds->remarks, ET__CHECK_MODALITY, severity, where ? where : WHERE, "%s", text);
}

/* The feature an entry is made from. A state that is cut from the action (or the other way round)
 * is what a slip of the hand looks like: the policy would be shown its own answer. */
static int entry_feature(struct checking *checking, const char *section, const char *name,
                         const struct et_value *entry)
{
    const bool is_state = strcmp(section, "state") == 0;
    const char *standard = is_state ? "observation.state" : "action";
    const char *key = et_value_text(et_value_get(entry, "original_key"), standard);
    char text[384];

    const int i_feature = et_dataset_find(checking->ds, key);
    if (i_feature < 0) {
        (void)snprintf(text, sizeof text, "original_key \"%s\" is no feature of the dataset", key);
        complain(checking, ET_SEVERITY_ERROR, section, name, text);
    }
    const bool is_action = et_str_starts(et_str(key), "action");
    if (is_state == is_action && i_feature >= 0) {
        (void)snprintf(text, sizeof text, "original_key \"%s\" makes a slice of %s from the %s",
                       key, section, is_state ? "action" : "observation");
        complain(checking, ET_SEVERITY_ERROR, section, name, text);
    }
    return i_feature;
}

static void check_slice(struct checking *checking, const char *section, const char *name,
                        const struct et_value *entry)
{
    const int i_feature = entry_feature(checking, section, name, entry);
    char text[384];

    if (i_feature < 0)
        return;
    const struct et_feature *feature = &checking->ds->features[i_feature];
    const int64_t first = et_value_int(et_value_get(entry, "start"), -1);
    const int64_t last = et_value_int(et_value_get(entry, "end"), -1);
    if (first < 0 || last <= first || (uint64_t)last > feature->n_values) {
        (void)snprintf(text, sizeof text,
                       "start %lld and end %lld are no slice of the %zu values of %s",
                       (long long)first, (long long)last, feature->n_values, feature->name);
        complain(checking, ET_SEVERITY_ERROR, section, name, text);
        return;
    }
    if (checking->n_slices < SLICES_MAX)
        checking->slices[checking->n_slices++] =
            (struct slice){section, name, i_feature, first, last};
}

static int compare_slices(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    const int order = strcmp(x->section, y->section);
    if (order != 0)
        return order;
    if (x->i_feature != y->i_feature)
        return x->i_feature < y->i_feature ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

static void check_overlaps(struct checking *checking)
{
    struct slice *slices = checking->slices;
    char text[384];

    if (checking->n_slices)
        qsort(slices, checking->n_slices, sizeof *slices, compare_slices);
    for (size_t i = 1; i < checking->n_slices; i++) {
        const struct slice *a = &slices[i - 1], *b = &slices[i];
        const bool is_pair = a->i_feature == b->i_feature && strcmp(a->section, b->section) == 0;
        if (!is_pair || b->first >= a->last)
            continue;
        (void)snprintf(text, sizeof text, "values %lld to %lld are in %s too", (long long)b->first,
                       (long long)(a->last < b->last ? a->last : b->last) - 1, a->name);
        complain(checking, ET_SEVERITY_WARN, b->section, b->name, text);
    }
}

static void check_slices(struct checking *checking, const char *section)
{
    const struct et_value *map = et_value_get(checking->ds->info.modality, section);

    for (size_t i = 0; map && map->kind == ET_VALUE_MAP && i < et_value_count(map); i++)
        check_slice(checking, section, map->as.many.keys[i].p, et_value_at(map, i));
}

static void check_videos(struct checking *checking)
{
    const struct et_value *map = et_value_get(checking->ds->info.modality, "video");
    char text[384];

    for (size_t i = 0; map && map->kind == ET_VALUE_MAP && i < et_value_count(map); i++) {
        const char *name = map->as.many.keys[i].p;
        const char *key = et_value_text(et_value_get(et_value_at(map, i), "original_key"), NULL);
        const char *standard = et_arena_printf(checking->ds->arena, "observation.images.%s", name);
        if (!key)
            key = standard ? standard : name;
        const int i_feature = et_dataset_find(checking->ds, key);
        const bool is_picture =
            i_feature >= 0 && (checking->ds->features[i_feature].dtype == ET_DTYPE_VIDEO ||
                               checking->ds->features[i_feature].dtype == ET_DTYPE_IMAGE);
        if (is_picture)
            continue;
        (void)snprintf(text, sizeof text, "original_key \"%s\" is no video of the dataset", key);
        complain(checking, ET_SEVERITY_ERROR, "video", name, text);
    }
}

static void check_annotations(struct checking *checking)
{
    const struct et_value *map = et_value_get(checking->ds->info.modality, "annotation");
    char text[384];

    for (size_t i = 0; map && map->kind == ET_VALUE_MAP && i < et_value_count(map); i++) {
        const char *name = map->as.many.keys[i].p;
        const char *key = et_value_text(et_value_get(et_value_at(map, i), "original_key"), NULL);
        const char *standard = et_arena_printf(checking->ds->arena, "annotation.%s", name);
        if (!key)
            key = standard ? standard : name;
        if (et_dataset_find(checking->ds, key) >= 0)
            continue;
        (void)snprintf(text, sizeof text, "there is no column %s", key);
        complain(checking, ET_SEVERITY_ERROR, "annotation", name, text);
    }
}

void et__modality_check(struct et_dataset *ds)
{
    struct checking checking = {.ds = ds};

    if (ds->info.modality->kind != ET_VALUE_MAP) {
        et__remark(&ds->remarks, ET__CHECK_MODALITY, ET_SEVERITY_ERROR, WHERE,
                   "not a JSON object but %s", et_value_kind_text(ds->info.modality->kind));
        return;
    }
    checking.slices = et_arena_array(ds->arena, SLICES_MAX, sizeof *checking.slices);
    if (!checking.slices) {
        et__remark(&ds->remarks, ET__CHECK_MODALITY, ET_SEVERITY_WARN, WHERE,
                   "there was no memory to check it");
        return;
    }
    check_slices(&checking, "state");
    check_slices(&checking, "action");
    check_overlaps(&checking);
    check_videos(&checking);
    check_annotations(&checking);
}
