/* Verify: episodes by the file that holds them. */
#include "dataset/dataset__verify.h"

#include <stdlib.h>

// One episode's place, as it is sorted.
struct entry {
    int64_t chunk, file;
    double at; // first row, or first time
    size_t i_episode;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->chunk != y->chunk)
        return x->chunk < y->chunk ? -1 : 1;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->at < y->at || x->at > y->at)
        return x->at < y->at ? -1 : 1;
    return (x->i_episode > y->i_episode) - (x->i_episode < y->i_episode);
}

static int compare_groups(const void *a, const void *b)
{
    const struct et__file_group *x = a, *y = b;
    return strcmp(x->path, y->path);
}

// Sorts the entries and cuts them into groups; paths are filled in by the caller.
static enum et_status cut(struct entry *entries, size_t n, struct et_arena *arena,
                          struct et__groups *groups, struct et_err *err)
{
    struct et__file_group *items = et_arena_array(arena, n, sizeof *items);
    size_t *order = et_arena_array(arena, n, sizeof *order);
    struct et__file_group *last = NULL;

    if (!items || !order)
        return et_arena_fail(arena, "the episodes' files", err);
    *groups = (struct et__groups){items, 0, order};
    if (n)
        qsort(entries, n, sizeof *entries, compare_entries);
    for (size_t i = 0; i < n; i++) {
        if (!last || last->chunk != entries[i].chunk || last->file != entries[i].file) {
            last = &items[groups->n++];
            *last = (struct et__file_group){
                .chunk = entries[i].chunk, .file = entries[i].file, .first = i};
        }
        last->n++;
        order[i] = entries[i].i_episode;
    }
    return ET_OK;
}

enum et_status et__group_data(const struct et_dataset *ds, struct et_arena *arena,
                              struct et__groups *groups, struct et_err *err)
{
    const size_t n = (size_t)ds->info.n_episodes;

    *groups = (struct et__groups){0};
    struct entry *entries = et_arena_array(arena, n, sizeof *entries);
    if (!entries)
        return et_arena_fail(arena, "the episodes' files", err);
    for (size_t i = 0; i < n; i++) {
        const struct et__episode *episode = &ds->episodes[i];
        entries[i] =
            (struct entry){episode->data_chunk, episode->data_file, (double)episode->first_row, i};
    }
    const enum et_status st = cut(entries, n, arena, groups, err);
    for (size_t g = 0; st == ET_OK && g < groups->n; g++) {
        struct et__file_group *group = &groups->items[g];
        group->path = et__data_path(ds, &ds->episodes[groups->order[group->first]], arena);
        if (!group->path)
            return et_arena_fail(arena, "the episodes' files", err);
    }
    if (st == ET_OK && groups->n)
        qsort(groups->items, groups->n, sizeof *groups->items, compare_groups);
    return st;
}

enum et_status et__group_videos(const struct et_dataset *ds, size_t i_video, struct et_arena *arena,
                                struct et__groups *groups, struct et_err *err)
{
    size_t n = 0;

    *groups = (struct et__groups){0};
    struct entry *entries = et_arena_array(arena, (size_t)ds->info.n_episodes, sizeof *entries);
    if (!entries)
        return et_arena_fail(arena, "the episodes' files", err);
    for (size_t i = 0; i < (size_t)ds->info.n_episodes; i++) {
        const struct et__video_slot *slot = &ds->slots[i * ds->n_videos + i_video];
        const double at = slot->from_s >= 0 ? slot->from_s : 0; // NaN sorts nowhere
        if (slot->chunk >= 0 && slot->file >= 0)
            entries[n++] = (struct entry){slot->chunk, slot->file, at, i};
    }
    const enum et_status st = cut(entries, n, arena, groups, err);
    for (size_t g = 0; st == ET_OK && g < groups->n; g++) {
        struct et__file_group *group = &groups->items[g];
        if (!et__video_path(ds, groups->order[group->first], i_video, arena, &group->path))
            return et_arena_fail(arena, "the episodes' files", err);
    }
    return st;
}
