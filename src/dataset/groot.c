/* GR00T's meta/modality.json: which slices of state and action are which part of the body
 * (NVIDIA/Isaac-GR00T, getting_started/data_preparation.md). */
#include "dataset/dataset__ops.h"

#include <stdio.h>

#define BUFFER_BYTES ((size_t)16 << 20)

static bool is_kept(const char *name, const struct et_feature *features, size_t n_features)
{
    for (size_t i = 0; i < n_features; i++)
        if (strcmp(features[i].name, name) == 0)
            return true;
    return false;
}

// The text in the arena; NULL when either has no room.
static const char *take_text(struct et_buf *buf, struct et_arena *arena)
{
    const char *text = buf->status == ET_OK ? et__copy_text(arena, et_buf_str(buf)) : NULL;
    et_buf_free(buf);
    return text;
}

static void put_key(struct et_json_writer *w, struct et_str key)
{
    char text[ET_NAME_BYTES_MAX + 1];
    (void)snprintf(text, sizeof text, "%.*s", ET_STR_ARG(key));
    et_json_key(w, text);
}

/* ---- from a source's own ---- */

static void put_videos(struct et_json_writer *w, const struct et_value *videos,
                       const struct et_feature *features, size_t n_features)
{
    et_json_open_map(w);
    for (size_t i = 0; videos->kind == ET_VALUE_MAP && i < videos->as.many.n_items; i++) {
        const struct et_value *video = &videos->as.many.items[i];
        const char *key = et_value_text(et_value_get(video, "original_key"), "");
        if (!is_kept(key, features, n_features))
            continue;
        put_key(w, videos->as.many.keys[i]);
        et_json_value(w, video);
    }
    et_json_close_map(w);
}

const char *et__modality_filter(const struct et_value *modality, const struct et_feature *features,
                                size_t n_features, struct et_arena *arena)
{
    struct et_buf buf = et_buf(BUFFER_BYTES);
    struct et_json_writer w = {.buf = &buf, .indent = 4};
    et_json_open_map(&w);
    for (size_t i = 0; i < et_value_count(modality) && modality->kind == ET_VALUE_MAP; i++) {
        put_key(&w, modality->as.many.keys[i]);
        if (et_str_is(modality->as.many.keys[i], "video"))
            put_videos(&w, &modality->as.many.items[i], features, n_features);
        else
            et_json_value(&w, &modality->as.many.items[i]);
    }
    et_json_close_map(&w);
    return take_text(&buf, arena);
}

/* ---- from a profile ---- */

// GR00T takes slices: values first … first + n − 1 of a feature, in order.
static bool is_slice(const struct et_bound_stream *bound)
{
    for (size_t i = 1; bound->columns && i < bound->stream.n_values; i++)
        if (bound->columns[i] != bound->columns[0] + i)
            return false;
    return bound->columns && bound->stream.n_values > 0;
}

static void put_slice(struct et_json_writer *w, const char *name, size_t first, size_t last,
                      const char *original_key)
{
    et_json_key(w, name);
    et_json_open_map(w);
    if (original_key)
        et_json_put_text(w, "original_key", original_key);
    et_json_put_int(w, "start", (int64_t)first);
    et_json_put_int(w, "end", (int64_t)last);
    et_json_close_map(w);
}

/* Parts of the state or of the action. What no stream names is there as a whole. */
static void put_parts(struct et_json_writer *w, const struct et_dataset *dataset, bool is_command)
{
    const struct et_binding *binding = et_dataset_binding(dataset);
    const struct et_dataset_info *info = et_dataset_info(dataset);
    const char *whole = is_command ? "action" : "observation.state";
    size_t n = 0;

    et_json_key(w, is_command ? "action" : "state");
    et_json_open_map(w);
    for (size_t i = 0; binding && i < binding->n_streams; i++) {
        const struct et_bound_stream *bound = &binding->streams[i];
        const char *key = info->features[bound->i_feature].name;
        const char *part = et_part_text(bound->stream.part);
        if (bound->stream.quantity != ET_QUANTITY_POSITION ||
            bound->stream.is_command != is_command || !is_slice(bound))
            continue;
        put_slice(w, part, bound->columns[0], bound->columns[0] + bound->stream.n_values,
                  strcmp(key, whole) == 0 ? NULL : key);
        n++;
    }
    const int i_whole = et_dataset_find(dataset, whole);
    if (n == 0 && i_whole >= 0)
        put_slice(w, "body", 0, info->features[i_whole].n_values, NULL);
    et_json_close_map(w);
}

static void put_cameras(struct et_json_writer *w, const struct et_feature *features,
                        size_t n_features)
{
    et_json_key(w, "video");
    et_json_open_map(w);
    for (size_t i = 0; i < n_features; i++) {
        const char *dot = strrchr(features[i].name, '.');
        if (features[i].dtype != ET_DTYPE_VIDEO)
            continue;
        et_json_key(w, dot ? dot + 1 : features[i].name);
        et_json_open_map(w);
        et_json_put_text(w, "original_key", features[i].name);
        et_json_close_map(w);
    }
    et_json_close_map(w);
}

static void put_annotations(struct et_json_writer *w, const struct et_feature *features,
                            size_t n_features)
{
    size_t n = 0;
    et_json_key(w, "annotation");
    et_json_open_map(w);
    for (size_t i = 0; i < n_features; i++) {
        if (strncmp(features[i].name, "annotation.", 11) != 0)
            continue;
        et_json_key(w, features[i].name + 11);
        et_json_open_map(w);
        et_json_close_map(w);
        n++;
    }
    if (n == 0) { // the rows' own task numbers
        et_json_key(w, "human.task_description");
        et_json_open_map(w);
        et_json_put_text(w, "original_key", "task_index");
        et_json_close_map(w);
    }
    et_json_close_map(w);
}

const char *et__modality_make(const struct et_dataset *dataset, const struct et_feature *features,
                              size_t n_features, struct et_arena *arena)
{
    struct et_buf buf = et_buf(BUFFER_BYTES);
    struct et_json_writer w = {.buf = &buf, .indent = 4};
    et_json_open_map(&w);
    put_parts(&w, dataset, false);
    put_parts(&w, dataset, true);
    put_cameras(&w, features, n_features);
    put_annotations(&w, features, n_features);
    et_json_close_map(&w);
    return take_text(&buf, arena);
}
