/* A source, opened straight by its operations, with everything wanted. */
#ifndef TESTS_SOURCE_USE_H
#define TESTS_SOURCE_USE_H

#include "recording/recording__source.h"
#include "tap.h"

#include <stdlib.h>

struct used_source {
    struct et_arena *arena;
    struct et__source *source; // NULL: it could not be opened
    bool *is_wanted;
    struct et__raw raw;
};

static inline enum et_status source_open(struct used_source *use, const struct et__source_ops *ops,
                                         const char *path, struct et_err *err)
{
    static const struct et_recording_options OPTIONS;
    *use = (struct used_source){0};
    enum et_status st = et_arena_open(&use->arena, (size_t)256 << 20, err);
    if (st == ET_OK)
        st = ops->open(&use->source, path, &OPTIONS, use->arena, err);
    return st;
}

static inline enum et_status source_query(struct used_source *use, int64_t from_ns, int64_t to_ns,
                                          struct et_err *err)
{
    const size_t n = use->source->info.n_channels;
    free(use->is_wanted);
    use->is_wanted = malloc(n + 1);
    if (!use->is_wanted)
        return ET_ENOMEM;
    memset(use->is_wanted, true, n + 1);
    return use->source->ops->query(
        use->source,
        &(struct et__range){.is_wanted = use->is_wanted, .from_ns = from_ns, .to_ns = to_ns}, err);
}

static inline bool source_next(struct used_source *use)
{
    return use->source->ops->next(use->source, &use->raw, NULL) == ET_OK;
}

static inline void source_close(struct used_source *use)
{
    if (use->source)
        use->source->ops->close(use->source);
    et_arena_close(use->arena);
    free(use->is_wanted);
    *use = (struct used_source){0};
}

static inline const struct et_channel *source_channel(const struct used_source *use,
                                                      const char *topic)
{
    static const struct et_channel NONE = {.topic = "(none)"};
    for (size_t i = 0; i < use->source->info.n_channels; i++)
        if (strcmp(use->source->info.channels[i].topic, topic) == 0)
            return &use->source->info.channels[i];
    return &NONE;
}

// How often it was remarked; 0: never.
static inline int64_t source_remarked(const struct used_source *use, const char *where,
                                      const char *text)
{
    const struct et_recording_info *info = &use->source->info;
    for (size_t i = 0; i < info->n_remarks; i++)
        if (strstr(info->remarks[i].where, where) && strstr(info->remarks[i].text, text))
            return info->remarks[i].n;
    return 0;
}

/* Goes on to the next message of a topic; false: there is none. */
static inline bool source_next_of(struct used_source *use, const char *topic)
{
    while (source_next(use))
        if (strcmp(use->source->info.channels[use->raw.i_channel].topic, topic) == 0)
            return true;
    return false;
}

#endif
