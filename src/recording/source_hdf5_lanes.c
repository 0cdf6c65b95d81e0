// Datasets become lanes: what their shape says that they are.
#include "recording/recording__hdf5.h"

#include "etude/image.h"

#include <stdio.h>
#include <stdlib.h>

#define SIDE_PX_MIN 2 // of rows of pixels

const char *et__hdf5_join(struct et_arena *arena, const char *prefix, const char *name)
{
    return et_arena_printf(arena, "%s%s%s", prefix, *prefix && *name ? "/" : "", name);
}

enum et_status et__hdf5_add_part(struct et__hdf5_source *s, const char *prefix,
                                 struct et__part **part, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    if (s->n_parts == s->cap_parts) {
        const size_t cap = s->cap_parts ? s->cap_parts * 2 : 1;
        struct et__part *more = et_arena_array(arena, cap, sizeof *more);
        if (!more)
            return et_arena_fail(arena, "a recording's episodes", err);
        if (s->n_parts)
            memcpy(more, s->parts, s->n_parts * sizeof *more);
        s->parts = more;
        s->cap_parts = cap;
    }
    *part = &s->parts[s->n_parts++];
    **part = (struct et__part){.prefix = et_arena_copy(arena, prefix, strlen(prefix))};
    return (*part)->prefix ? ET_OK : et_arena_fail(arena, "a recording's episodes", err);
}

// Where the topic is among the lanes, or belongs.
static size_t place_of(const struct et__hdf5_source *s, const char *topic)
{
    size_t low = 0, high = s->n_lanes;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(s->lanes[middle]->topic, topic) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum et_status make_lane(struct et__hdf5_source *s, const struct et__lane_of_rows *from,
                                size_t at, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    if (s->n_lanes == s->cap_lanes) {
        const size_t cap = s->cap_lanes ? s->cap_lanes * 2 : 32;
        struct et__lane_of_rows **more = et_arena_array(arena, cap, sizeof *more);
        if (!more)
            return et_arena_fail(arena, "a recording's channels", err);
        if (s->n_lanes)
            memcpy(more, s->lanes, s->n_lanes * sizeof *more);
        s->lanes = more;
        s->cap_lanes = cap;
    }
    struct et__lane_of_rows *lane = et_arena_copy(arena, from, sizeof *from);
    if (lane)
        lane->topic = et_arena_copy(arena, from->topic, strlen(from->topic));
    if (!lane || !lane->topic)
        return et_arena_fail(arena, "a recording's channels", err);
    memmove(s->lanes + at + 1, s->lanes + at, (s->n_lanes - at) * sizeof *s->lanes);
    s->lanes[at] = lane;
    s->n_lanes++;
    return ET_OK;
}

static bool is_same_shape(const struct et__lane_of_rows *a, const struct et__lane_of_rows *b)
{
    // Padding differs from one episode to the next; the longest counts.
    return a->kind == b->kind && a->n_values == b->n_values && a->width_px == b->width_px &&
           a->height_px == b->height_px && et_str_eq(a->pixels, b->pixels);
}

static enum et_status add_rows(struct et__hdf5_source *s, struct et__part *part,
                               struct et__lane_of_rows *lane, int64_t n_rows, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    if (part->n_rows == part->cap_rows) {
        const size_t cap = part->cap_rows ? part->cap_rows * 2 : 8;
        struct et__part_rows *more = et_arena_array(arena, cap, sizeof *more);
        if (!more)
            return et_arena_fail(arena, "a recording's episodes", err);
        if (part->n_rows)
            memcpy(more, part->rows, part->n_rows * sizeof *more);
        part->rows = more;
        part->cap_rows = cap;
    }
    part->rows[part->n_rows++] = (struct et__part_rows){lane, n_rows};
    part->n_steps = n_rows > part->n_steps ? n_rows : part->n_steps;
    lane->n_messages += n_rows;
    return ET_OK;
}

enum et_status et__hdf5_add_lane(struct et__hdf5_source *s, struct et__part *part,
                                 const struct et__lane_of_rows *lane, int64_t n_rows,
                                 struct et__lane_of_rows **added, struct et_err *err)
{
    const size_t at = place_of(s, lane->topic);
    const bool is_known = at < s->n_lanes && strcmp(s->lanes[at]->topic, lane->topic) == 0;
    if (added)
        *added = NULL;
    if (is_known && !is_same_shape(s->lanes[at], lane))
        return et__rows_remark(&s->rows, true, part->prefix,
                               "datasets of another shape than in the episodes before: left out", 1,
                               err);
    if (!is_known) {
        if (s->n_lanes == ET__ROWS_CHANNELS_MAX)
            return et__rows_remark(&s->rows, true, part->prefix,
                                   "more channels than are read: left out", 1, err);
        const enum et_status st = make_lane(s, lane, at, err);
        if (st != ET_OK)
            return st;
    }
    if (lane->row_bytes > s->lanes[at]->row_bytes)
        s->lanes[at]->row_bytes = lane->row_bytes;
    if (added)
        *added = s->lanes[at];
    return add_rows(s, part, s->lanes[at], n_rows, err);
}

/* ---- what a dataset is ---- */

static bool set_pixels(struct et__lane_of_rows *lane, const struct et_hdf5_object *o)
{
    const bool is_8 = o->number == ET_HDF5_UINT8;
    const int64_t n_channels = o->n_dims == 4 ? o->dims[3] : 1;
    if ((!is_8 && o->number != ET_HDF5_UINT16) || o->n_dims < 3 || o->n_dims > 4)
        return false;
    if (o->dims[1] < SIDE_PX_MIN || o->dims[2] < SIDE_PX_MIN || o->dims[1] > ET_IMAGE_SIDE_PX_MAX ||
        o->dims[2] > ET_IMAGE_SIDE_PX_MAX)
        return false;
    if (n_channels != 1 && !(is_8 && n_channels == 3))
        return false;
    lane->kind = ET__LANE_PIXELS;
    lane->pixels = et_str(!is_8 ? "16UC1" : n_channels == 3 ? "rgb8" : "mono8");
    lane->height_px = (int)o->dims[1];
    lane->width_px = (int)o->dims[2];
    lane->row_bytes = (size_t)o->n_row_values * (is_8 ? 1 : 2);
    return true;
}

// Bytes that begin as a picture does.
static enum et_status look_for_picture(struct et__hdf5_source *s, const char *path,
                                       const struct et_hdf5_object *o, bool *is_picture,
                                       struct et_err *err)
{
    *is_picture = false;
    if (o->kind != ET_HDF5_NUMBERS || o->number != ET_HDF5_UINT8 || o->n_dims != 2 ||
        o->n_row_values < 16)
        return ET_OK;
    unsigned char *row = malloc((size_t)o->n_row_values);
    if (!row)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a recording");
    *is_picture = et_hdf5_read_pixels(s->file, path, 0, 1, row, NULL) == ET_OK &&
                  et_image_kind((struct et_str){(const char *)row, (size_t)o->n_row_values});
    free(row);
    return ET_OK;
}

// NULL, or why the dataset is none.
static const char *lane_of(const struct et_hdf5_object *o, bool is_picture,
                           struct et__lane_of_rows *lane)
{
    lane->chunk_rows = o->n_chunk_rows;
    if (o->kind == ET_HDF5_BLOBS) {
        lane->kind = ET__LANE_BLOBS;
        return o->n_dims == 1 ? NULL : "not a row a step: left out";
    }
    if (set_pixels(lane, o))
        return NULL;
    if (is_picture) {
        lane->kind = ET__LANE_PADDED;
        lane->row_bytes = (size_t)o->n_row_values;
        return NULL;
    }
    if (o->n_dims < 1)
        return "not a row a step: left out";
    if (o->n_row_values > ET__ROWS_VALUES_MAX)
        return "more values a row than are read: left out";
    lane->kind = ET__LANE_NUMBERS;
    lane->n_values = (size_t)o->n_row_values;
    lane->row_bytes = lane->n_values * sizeof(double);
    return NULL;
}

static enum et_status take_dataset(struct et__hdf5_source *s, struct et__part *part,
                                   const char *topic, const struct et_hdf5_object *o,
                                   struct et_err *err)
{
    struct et__lane_of_rows lane = {.topic = topic};
    if (o->kind == ET_HDF5_TEXTS ||
        (o->kind != ET_HDF5_OTHER && (o->n_rows == 0 || o->n_row_values == 0)))
        return ET_OK;
    const char *path = et__hdf5_join(s->rows.base.arena, part->prefix, topic);
    if (!path)
        return et_arena_fail(s->rows.base.arena, "a recording's channels", err);
    bool is_picture;
    const enum et_status st = look_for_picture(s, path, o, &is_picture, err);
    if (st != ET_OK)
        return st;
    const char *trouble = o->kind == ET_HDF5_OTHER ? o->trouble : lane_of(o, is_picture, &lane);
    if (trouble)
        return et__rows_remark(&s->rows, o->kind == ET_HDF5_OTHER, path, trouble, 1, err);
    return et__hdf5_add_lane(s, part, &lane, o->n_rows, NULL, err);
}

/* ---- walking ---- */

struct todo {
    struct todo *next;
    const char *group;
};

static enum et_status walk_group(struct et__hdf5_source *s, struct et__part *part,
                                 const struct et__walk *walk, const char *group, struct todo **todo,
                                 struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    const struct et_hdf5_object *objects;
    size_t n;
    const char *path = et__hdf5_join(arena, part->prefix, group);
    if (!path)
        return et_arena_fail(arena, "a recording's channels", err);
    enum et_status st = et_hdf5_list(s->file, path, arena, &objects, &n, err);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        const char *topic = et__hdf5_join(arena, group, objects[i].name);
        if (!topic)
            return et_arena_fail(arena, "a recording's channels", err);
        if (walk->takes && !walk->takes(topic, &objects[i], walk->ctx))
            continue;
        if (objects[i].kind != ET_HDF5_GROUP) {
            st = take_dataset(s, part, topic, &objects[i], err);
        } else if (!objects[i].is_soft) { // what a soft link leads to stands elsewhere too
            struct todo *more = et_arena_alloc(arena, sizeof *more);
            if (!more)
                return et_arena_fail(arena, "a recording's channels", err);
            *more = (struct todo){*todo, topic};
            *todo = more;
        }
    }
    return st;
}

enum et_status et__hdf5_walk(struct et__hdf5_source *s, struct et__part *part,
                             const struct et__walk *walk, struct et_err *err)
{
    struct todo *todo = NULL;
    enum et_status st = walk_group(s, part, walk, walk->group, &todo, err);
    while (st == ET_OK && todo) {
        const struct todo *now = todo;
        todo = todo->next;
        st = walk_group(s, part, walk, now->group, &todo, err);
        if (st == ET_ECORRUPT || st == ET_ENOTFOUND) // that group only
            st = et__rows_remark(&s->rows, true, now->group, "a group that cannot be listed", 1,
                                 err);
    }
    return st;
}

struct et__part_rows *et__hdf5_find(struct et__part *part, const char *topic)
{
    for (size_t i = 0; i < part->n_rows; i++)
        if (strcmp(part->rows[i].lane->topic, topic) == 0)
            return &part->rows[i];
    return NULL;
}

enum et_status et__hdf5_check_rows(struct et__hdf5_source *s, struct et__part *part, const char *of,
                                   struct et_err *err)
{
    const struct et__part_rows *base = et__hdf5_find(part, of);
    enum et_status st = ET_OK;
    for (size_t i = 0; base && st == ET_OK && i < part->n_rows; i++) {
        const struct et__part_rows *rows = &part->rows[i];
        if (rows->n_rows == base->n_rows)
            continue;
        const char *where = et__hdf5_join(s->rows.base.arena, part->prefix, rows->lane->topic);
        char text[128];
        snprintf(text, sizeof text, "%lld rows, where %.40s has %lld", (long long)rows->n_rows, of,
                 (long long)base->n_rows);
        if (!where)
            return et_arena_fail(s->rows.base.arena, "a recording's remarks", err);
        st = et__rows_remark(&s->rows, false, where, text, 1, err);
    }
    return st;
}

enum et_status et__hdf5_take_attributes(struct et__hdf5_source *s, const char *path,
                                        const char *prefix, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    const struct et_hdf5_attribute *attributes;
    size_t n;
    enum et_status st = et_hdf5_list_attributes(s->file, path, arena, &attributes, &n, err);
    if (st == ET_ECORRUPT)
        return et__rows_remark(&s->rows, false, path, "attributes that cannot be read", 1, err);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        if (!attributes[i].text)
            continue;
        const char *key = et_arena_printf(arena, "%s%s", prefix, attributes[i].name);
        if (!key)
            return et_arena_fail(arena, "a recording's metadata", err);
        st = et__rows_pair(&s->rows, key, attributes[i].text, err);
    }
    return st;
}
