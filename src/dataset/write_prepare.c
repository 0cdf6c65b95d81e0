/* What of an episode does not depend on its number: checks and statistics. Runs on any thread. */
#include "dataset/dataset__write.h"

#include <assert.h>

static const struct et_new_video *find_video(const struct et__spec *spec, size_t i_field,
                                             const struct et_new_episode *episode)
{
    for (size_t i = 0; i < episode->n_videos; i++)
        if (episode->videos[i].i_feature == i_field && i_field < spec->n_fields)
            return &episode->videos[i];
    return NULL;
}

static enum et_status check_videos(const struct et__spec *spec,
                                   const struct et_new_episode *episode, struct et_err *err)
{
    size_t n_videos = 0;
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (!spec->fields[i].is_video)
            continue;
        n_videos++;
        const struct et_new_video *video = find_video(spec, i, episode);
        if (!video)
            return et_fail(err, ET_EARG, -1, "the episode has no video for %.100s",
                           spec->fields[i].name);
        if (video->first_frame < 0 ||
            (video->path && !video->frame_of_row && video->n_frames != episode->n_rows))
            return et_fail(err, ET_EARG, -1, "%.100s has %lld frames for %lld rows",
                           spec->fields[i].name, (long long)video->n_frames,
                           (long long)episode->n_rows);
    }
    if (n_videos != episode->n_videos)
        return et_fail(err, ET_EARG, -1, "the episode has %zu videos, the dataset %zu",
                       episode->n_videos, n_videos);
    return ET_OK;
}

static enum et_status check_pictures(const struct et__spec *spec,
                                     const struct et_new_episode *episode, struct et_err *err)
{
    for (size_t i = 0; i < episode->n_pictures; i++) {
        const struct et_new_pictures *p = &episode->pictures[i];
        if (p->i_feature >= spec->n_fields || !spec->fields[p->i_feature].is_image)
            return et_fail(err, ET_EARG, -1, "pictures for feature %zu, which has none in its rows",
                           p->i_feature);
        const struct et__field *field = &spec->fields[p->i_feature];
        if (!p->stored && !field->is_depth)
            return et_fail(err, ET_EARG, -1, "%.100s is not depth: such pictures are videos",
                           field->name);
        if (et__episode_column(episode, field->name) ||
            et__episode_pictures(episode, p->i_feature) != p)
            return et_fail(err, ET_EARG, -1, "the episode has %.100s twice", field->name);
        if (p->stored && !p->frame_of_row && p->stored->n_rows != episode->n_rows)
            return et_fail(err, ET_EARG, -1, "%.100s has %lld pictures for %lld rows", field->name,
                           (long long)p->stored->n_rows, (long long)episode->n_rows);
    }
    return ET_OK;
}

static enum et_status check_episode(const struct et__spec *spec,
                                    const struct et_new_episode *episode, struct et_err *err)
{
    if (episode->n_rows < 1)
        return et_fail(err, ET_EARG, -1, "an episode without rows");
    if (episode->n_tasks < 1)
        return et_fail(err, ET_EARG, -1, "an episode without an instruction");
    for (size_t i = 0; i < episode->n_tasks; i++)
        if (!et_str_is_utf8(et_str(episode->tasks[i])))
            return et_fail(err, ET_EARG, -1, "an instruction that is no text");
    for (int64_t row = 0; episode->task_of_row && row < episode->n_rows; row++)
        if (episode->task_of_row[row] < 0 || episode->task_of_row[row] >= (int64_t)episode->n_tasks)
            return et_fail(err, ET_EARG, row, "row %lld has task %lld of %zu", (long long)row,
                           (long long)episode->task_of_row[row], episode->n_tasks);
    const enum et_status st = check_pictures(spec, episode, err);
    return st == ET_OK ? check_videos(spec, episode, err) : st;
}

static enum et_status picture_stats(const struct et__spec *spec, size_t i_field,
                                    const struct et_new_episode *episode, struct et_arena *arena,
                                    struct et__stats *stats, struct et_err *err)
{
    const struct et__field *field = &spec->fields[i_field];
    if (field->is_image) {
        const struct et_column *column = et__episode_column(episode, field->name);
        const struct et_new_pictures *pictures = et__episode_pictures(episode, i_field);
        if (pictures && pictures->stored)
            return et__stored_stats(field, pictures, episode->n_rows, arena, stats, err);
        // Those of a recording are looked at once, when they are written.
        return column && !pictures
                   ? et__image_stats(field, column, episode->n_rows, arena, stats, err)
                   : ET_OK;
    }
    const struct et_new_video *video = find_video(spec, i_field, episode);
    assert(video); // check_videos has seen it
    if (et__stats_from_value(video->stats, field->n_stats, arena, stats))
        return ET_OK;
    if (field->is_depth) // its frames are codes of distances, not brightness
        return ET_OK;
    return video->path ? et__video_stats(video, episode->n_rows, arena, stats, err)
                       : et__black_stats(field->n_stats, episode->n_rows, arena, stats, err);
}

static enum et_status number_stats(const struct et__spec *spec, size_t i_field,
                                   const struct et_new_episode *episode, struct et_arena *arena,
                                   struct et__prepared *prepared, struct et_err *err)
{
    const struct et__field *field = &spec->fields[i_field];
    const struct et_column *column = et__episode_column(episode, field->name);
    struct et__series *series = &prepared->series[i_field];

    if (!column)
        return et_fail(err, ET_EARG, -1, "the episode has no column %.100s", field->name);
    if (!column->is_rectangular || !column->values || column->n_values != field->n_values)
        return et_fail(err, ET_EARG, -1, "the column %.100s is not %zu numbers in every row",
                       field->name, field->n_values);
    if (!et__is_number(column->type))
        return et_fail(err, ET_EARG, -1, "the column %.100s holds no numbers", field->name);
    enum et_status st =
        et__series_make(field, column->type, column->values, episode->n_rows, arena, series, err);
    if (st == ET_OK)
        st = et__series_stats(series, episode->n_rows, arena, &prepared->stats[i_field], err);
    return st;
}

enum et_status et__prepare(const struct et__spec *spec, const struct et_new_episode *episode,
                           struct et_arena *arena, struct et__prepared *prepared,
                           struct et_err *err)
{
    enum et_status st = check_episode(spec, episode, err);
    prepared->series = et_arena_array(arena, spec->n_fields, sizeof *prepared->series);
    prepared->stats = et_arena_array(arena, spec->n_fields, sizeof *prepared->stats);
    if (st == ET_OK && (!prepared->series || !prepared->stats))
        st = et_arena_fail(arena, "an episode's statistics", err);
    for (size_t i = 0; st == ET_OK && i < spec->n_fields; i++) {
        const struct et__field *field = &spec->fields[i];
        if (field->is_video || field->is_image)
            st = picture_stats(spec, i, episode, arena, &prepared->stats[i], err);
        else if (field->n_values > 0 && field->made == ET__DEFAULT_NONE)
            st = number_stats(spec, i, episode, arena, prepared, err);
    }
    return st;
}
