#include "etude/episode.h"

#include "etude/hash.h"

#include <assert.h>

#define COMMAND_PREFIX "command."

const struct et_track *et_episode_track(const struct et_episode *episode, const char *stream)
{
    assert(episode && stream);
    for (size_t i = 0; i < episode->n_tracks; i++)
        if (strcmp(episode->tracks[i].stream.name, stream) == 0)
            return &episode->tracks[i];
    return NULL;
}

/* First and last time over all tracks; false when no sample has one (facts are read without them).
 * Times never fall within a track, so that its ends are its extremes. */
static bool time_range(const struct et_episode *episode, int64_t *first_ns, int64_t *last_ns)
{
    bool has_samples = false;
    for (size_t i = 0; i < episode->n_tracks; i++) {
        const struct et_track *track = &episode->tracks[i];
        if (track->n_samples == 0 || !track->t_ns)
            continue;
        const int64_t first = track->t_ns[0], last = track->t_ns[track->n_samples - 1];
        if (!has_samples || first < *first_ns)
            *first_ns = first;
        if (!has_samples || last > *last_ns)
            *last_ns = last;
        has_samples = true;
    }
    return has_samples;
}

int64_t et_episode_first_ns(const struct et_episode *episode)
{
    int64_t first_ns = 0, last_ns = 0;
    return time_range(episode, &first_ns, &last_ns) ? first_ns : 0;
}

int64_t et_episode_last_ns(const struct et_episode *episode)
{
    int64_t first_ns = 0, last_ns = 0;
    return time_range(episode, &first_ns, &last_ns) ? last_ns : 0;
}

const struct et_track *et_episode_answer(const struct et_episode *episode,
                                         const struct et_track *command)
{
    assert(episode && command);
    if (!command->stream.is_command ||
        strncmp(command->stream.name, COMMAND_PREFIX, sizeof COMMAND_PREFIX - 1) != 0)
        return NULL;
    const struct et_track *answer =
        et_episode_track(episode, command->stream.name + sizeof COMMAND_PREFIX - 1);
    return answer && answer->stream.n_values == command->stream.n_values ? answer : NULL;
}

/* Continues a hash over one array and its shape, so that neither two arrays swapped nor one array
 * split in two give the same number. */
static uint64_t hash_array(uint64_t hash, const char *name, const double *values, size_t n_rows,
                           size_t n_values)
{
    const size_t n_bytes = n_rows * n_values * sizeof *values;
    const uint64_t parts[] = {
        hash, et_hash64(name, strlen(name)), n_rows, n_values, et_hash64(values, n_bytes),
    };
    return et_hash64(parts, sizeof parts);
}

static uint64_t hash_tracks(const struct et_episode *episode, bool only_commands)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < episode->n_tracks; i++) {
        const struct et_track *track = &episode->tracks[i];
        if (only_commands && !track->stream.is_command)
            continue;
        hash = hash_array(hash, track->stream.name, track->values, track->n_samples,
                          track->stream.n_values);
    }
    return hash;
}

static uint64_t hash_columns(const struct et_episode *episode)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < episode->n_columns; i++) {
        const struct et_raw_column *column = &episode->columns[i];
        hash = hash_array(hash, column->path, column->values, (size_t)episode->n_rows,
                          column->n_values);
    }
    return hash;
}

static uint64_t hash_tasks(const struct et_episode *episode)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < episode->n_tasks; i++) {
        const char *task = episode->tasks[i];
        const uint64_t parts[] = {hash, et_hash64(task, strlen(task))};
        hash = et_hash64(parts, sizeof parts);
    }
    return hash;
}

void et_episode_digest(const struct et_episode *episode, struct et_episode_digest *digest)
{
    assert(episode && digest && episode->n_rows >= 0);
    *digest = (struct et_episode_digest){
        .index = episode->index,
        .n_rows = episode->n_rows,
        .content_hash = episode->n_tracks ? hash_tracks(episode, false) : hash_columns(episode),
        .command_hash = hash_tracks(episode, true),
        .task_hash = hash_tasks(episode),
    };
    for (size_t i = 0; i < episode->n_videos; i++)
        digest->n_videos_absent += !episode->videos[i].is_present;

    // Unsigned, because stamps from outside may lie further apart than an int64_t holds.
    int64_t first_ns = 0, last_ns = 0;
    if (time_range(episode, &first_ns, &last_ns) && first_ns <= last_ns)
        digest->duration_s = (double)((uint64_t)last_ns - (uint64_t)first_ns) * 1e-9;
}
