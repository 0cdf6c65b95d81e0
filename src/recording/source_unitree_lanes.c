// What is in the rows of Unitree's JSON.
#include "recording/recording__unitree.h"

#include <stdio.h>

static const struct et_value *value_of(const struct et__unitree_lane *lane,
                                       const struct et_value *row)
{
    const struct et_value *part = et_value_get(et_value_get(row, lane->group), lane->part);
    return *lane->field ? et_value_get(part, lane->field) : part;
}

bool et__unitree_numbers(const struct et__unitree_lane *lane, const struct et_value *row,
                         double *values)
{
    const struct et_value *list = value_of(lane, row);
    if (!list || list->kind != ET_VALUE_LIST || list->as.many.n_items != lane->n_values)
        return false;
    for (size_t i = 0; i < lane->n_values; i++) {
        const struct et_value *item = &list->as.many.items[i];
        if (!et_value_is_number(item))
            return false;
        if (values)
            values[i] = et_value_real(item, 0);
    }
    return true;
}

const char *et__unitree_picture(const struct et__unitree_lane *lane, const struct et_value *row)
{
    const char *path = et_value_text(value_of(lane, row), NULL);
    return path && *path ? path : NULL;
}

/* ---- lanes ---- */

// Where the topic is among the lanes, or belongs.
static size_t place_of(const struct et__unitree_source *s, const char *topic)
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

static enum et_status insert_lane(struct et__unitree_source *s, const struct et__unitree_lane *from,
                                  size_t at, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    if (s->n_lanes == s->cap_lanes) {
        const size_t cap = s->cap_lanes ? s->cap_lanes * 2 : 32;
        struct et__unitree_lane **more = et_arena_array(arena, cap, sizeof *more);
        if (!more)
            return et_arena_fail(arena, "a recording's channels", err);
        if (s->n_lanes)
            memcpy(more, s->lanes, s->n_lanes * sizeof *more);
        s->lanes = more;
        s->cap_lanes = cap;
    }
    struct et__unitree_lane *lane = et_arena_copy(arena, from, sizeof *from);
    if (lane) {
        lane->topic = et_arena_copy(arena, from->topic, strlen(from->topic));
        lane->group = et_arena_copy(arena, from->group, strlen(from->group));
        lane->part = et_arena_copy(arena, from->part, strlen(from->part));
        lane->field = et_arena_copy(arena, from->field, strlen(from->field));
    }
    if (!lane || !lane->topic || !lane->group || !lane->part || !lane->field)
        return et_arena_fail(arena, "a recording's channels", err);
    memmove(s->lanes + at + 1, s->lanes + at, (s->n_lanes - at) * sizeof *s->lanes);
    s->lanes[at] = lane;
    s->n_lanes++;
    return ET_OK;
}

// Texts of a list, of which there must be n; NULL otherwise.
static enum et_status take_names(struct et__unitree_source *s, const struct et_value *root,
                                 struct et__unitree_lane *lane, struct et_err *err)
{
    struct et_arena *arena = s->rows.base.arena;
    const bool is_tactile = strcmp(lane->group, "tactiles") == 0;
    const struct et_value *info = et_value_get(root, "info");
    const struct et_value *list =
        et_value_get(et_value_get(info, is_tactile ? "tactile_names" : "joint_names"), lane->part);
    if (lane->n_values == 0 || et_value_count(list) != lane->n_values ||
        list->kind != ET_VALUE_LIST)
        return ET_OK;
    const char **names = et_arena_array(arena, lane->n_values, sizeof *names);
    if (!names)
        return et_arena_fail(arena, "a recording's channels", err);
    for (size_t i = 0; i < lane->n_values; i++) {
        const char *name = et_value_text(et_value_at(list, i), NULL);
        if (!name)
            return ET_OK;
        names[i] = et_arena_copy(arena, name, strlen(name));
        if (!names[i])
            return et_arena_fail(arena, "a recording's channels", err);
    }
    lane->names = names;
    return ET_OK;
}

static enum et_status add_lane(struct et__unitree_source *s, const struct et_value *root,
                               struct et__unitree_lane *lane, size_t at, struct et_err *err)
{
    if (s->n_lanes == ET__ROWS_CHANNELS_MAX)
        return et__rows_remark(&s->rows, true, "", "more channels than are read: left out", 1, err);
    if (lane->n_values > ET__ROWS_VALUES_MAX)
        return et__rows_remark(&s->rows, false, lane->topic,
                               "more values a row than are read: left out", 1, err);
    const enum et_status st = insert_lane(s, lane, at, err);
    return st == ET_OK ? take_names(s, root, s->lanes[at], err) : st;
}

/* ---- looking at rows ---- */

struct look {
    struct et__unitree_source *s;
    const struct et_value *root, *row;
    const char *group;
    bool is_picture;
};

// One value of a row: a list of numbers or the path of a picture. Empty ones are none.
static enum et_status look_at_value(const struct look *look, const char *part, const char *field,
                                    const struct et_value *value, struct et_err *err)
{
    struct et__unitree_source *s = look->s;
    char topic[3 * ET_NAME_BYTES_MAX + 3];
    struct et__unitree_lane lane = {
        .topic = topic, .group = look->group, .part = part, .field = field};
    const bool is_some = look->is_picture ? *et_value_text(value, "") != 0
                                          : value->kind == ET_VALUE_LIST && et_value_count(value);
    if (!is_some)
        return ET_OK;
    (void)snprintf(topic, sizeof topic, "%s.%s%s%s", look->group, part, *field ? "." : "", field);
    if (et_name_check(et_str(topic), "a channel's name", NULL) != ET_OK)
        return et__rows_remark(&s->rows, true, look->group, "names that are none: left out", 1,
                               err);
    size_t at = place_of(s, topic);
    if (at == s->n_lanes || strcmp(s->lanes[at]->topic, topic) != 0) {
        lane.n_values = look->is_picture ? 0 : et_value_count(value);
        if (!look->is_picture && !et__unitree_numbers(&lane, look->row, NULL))
            return et__rows_remark(&s->rows, true, topic, "rows that are not of numbers: left out",
                                   1, err);
        const size_t n = s->n_lanes;
        const enum et_status st = add_lane(s, look->root, &lane, at, err);
        if (st != ET_OK || s->n_lanes == n)
            return st;
    }
    struct et__unitree_lane *found = s->lanes[at];
    found->n_seen++;
    found->n_good += look->is_picture || et__unitree_numbers(found, look->row, NULL);
    return ET_OK;
}

static const char *key_at(const struct et_value *map, size_t i)
{
    return map->as.many.keys[i].p;
}

static enum et_status look_at_part(const struct look *look, const char *part,
                                   const struct et_value *value, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (value->kind != ET_VALUE_MAP || look->is_picture)
        return look_at_value(look, part, "", value, err);
    for (size_t i = 0; st == ET_OK && i < et_value_count(value); i++)
        st = look_at_value(look, part, key_at(value, i), et_value_at(value, i), err);
    return st;
}

static enum et_status look_at_row(struct look *look, struct et_err *err)
{
    static const char *const GROUPS[] = {"actions", "colors", "depths", "states", "tactiles"};
    enum et_status st = ET_OK;
    for (size_t g = 0; g < sizeof GROUPS / sizeof *GROUPS; g++) {
        const struct et_value *group = et_value_get(look->row, GROUPS[g]);
        if (!group || group->kind != ET_VALUE_MAP)
            continue;
        look->group = GROUPS[g];
        look->is_picture = g == 1 || g == 2;
        for (size_t i = 0; st == ET_OK && i < et_value_count(group); i++)
            st = look_at_part(look, key_at(group, i), et_value_at(group, i), err);
    }
    return st;
}

enum et_status et__unitree_look(struct et__unitree_source *s, const struct et_value *root,
                                const struct et__unitree_episode *episode, struct et_err *err)
{
    const struct et_value *data = et_value_get(root, "data");
    struct look look = {.s = s, .root = root};
    enum et_status st = ET_OK;
    for (size_t i = 0; i < s->n_lanes; i++)
        s->lanes[i]->n_good = s->lanes[i]->n_seen = 0;
    for (int64_t i = 0; st == ET_OK && i < episode->n_rows; i++) {
        look.row = et_value_at(data, (size_t)i);
        st = look_at_row(&look, err);
    }
    for (size_t i = 0; st == ET_OK && i < s->n_lanes; i++) {
        struct et__unitree_lane *lane = s->lanes[i];
        char where[2 * ET_NAME_BYTES_MAX];
        (void)snprintf(where, sizeof where, "%.200s: %.200s", episode->name, lane->topic);
        lane->n_messages += lane->n_good;
        if (lane->n_seen > 0 && lane->n_good < episode->n_rows)
            st = et__rows_remark(&s->rows, true, where,
                                 "rows without it, or of another width: left out",
                                 episode->n_rows - lane->n_good, err);
    }
    return st;
}
