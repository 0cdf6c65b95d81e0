/* Building: through profiles to canonical streams, so that different makers' robots fit into one
 * dataset. */
#include "dataset/dataset__build.h"
#include "dataset/dataset__resample.h"

#include <assert.h>
#include <math.h>

#define NS_PER_S 1e9

/* A stream of the output for one episode, on the output's time line. */
struct lane {
    const char *stream;
    const struct et_track *track; // NULL: the pick has none
    const double *values;         // n_rows × track->stream.n_values
    const int64_t *age_ns;        // NULL: not asked for
};

/* A camera's pictures that were chosen for the rows. */
struct chosen {
    const struct et_video_ref *ref;
    const int64_t *frame_of_row;
};

struct making {
    struct et__build *build;
    const struct et__item *item;
    const struct et_dataset *dataset;
    const struct et__spec *spec;
    struct et__slot *slot;
    struct et_episode episode;
    struct lane *lanes;
    size_t n_lanes;
    bool is_rows;        // row k of the output is row k of the source
    int64_t n_rows;      // of the output
    const int64_t *t_ns; // n_rows; NULL when is_rows
    int64_t *row_of;     // the nearest row of the source; NULL when is_rows
    struct et_column *columns;
    size_t n_columns;
    struct chosen *chosen;
    size_t n_chosen;
    bool is_careful; // recorded pictures are tried before they are chosen
};

static enum et_status full(const struct making *m, struct et_err *err)
{
    return et_arena_fail(m->slot->arena, "an episode", err);
}

/* ---- which tracks ---- */

static struct lane *find_lane(const struct making *m, const char *stream)
{
    for (size_t i = 0; i < m->n_lanes; i++)
        if (strcmp(m->lanes[i].stream, stream) == 0)
            return &m->lanes[i];
    return NULL;
}

/* One lane a stream that some feature takes values of. False when the pick has the stream and this
 * episode has not (its data are damaged). */
static bool add_lane(struct making *m, const struct et__build_value *value)
{
    struct lane *lane = find_lane(m, value->stream);
    if (!lane) {
        lane = &m->lanes[m->n_lanes++];
        *lane = (struct lane){.stream = value->stream};
    }
    if (value->column[m->item->i_pick] < 0) // of another pick; others of the stream may be here
        return true;
    if (!lane->track)
        lane->track = et_episode_track(&m->episode, value->stream);
    return lane->track && lane->track->n_samples > 0;
}

static enum et_status take_lanes(struct making *m, struct et_err *err)
{
    const struct et__build *build = m->build;
    size_t n = 0;
    for (size_t i = 0; i < build->n_features; i++)
        n += build->features[i].n;
    m->lanes = et_arena_array(m->slot->arena, n, sizeof *m->lanes);
    if (!m->lanes)
        return full(m, err);
    for (size_t i = 0; i < build->n_features; i++) {
        for (size_t v = 0; v < build->features[i].n; v++) {
            if (add_lane(m, &build->features[i].values[v]))
                continue;
            m->slot->outcome = ET__LEAVE_OUT;
            (void)et_fail(&m->slot->trouble, ET_ECORRUPT, -1, "no values of %s: %s",
                          build->features[i].values[v].stream,
                          m->episode.n_remarks > 0 ? m->episode.remarks[0].text
                                                   : "the data do not have them");
            return ET_OK;
        }
    }
    return ET_OK;
}

/* ---- the time line ---- */

static int64_t shift_ns(const struct making *m, const struct et_track *track)
{
    return track->stream.is_command ? llround(m->build->options->action_shift_s * NS_PER_S) : 0;
}

static bool is_row_by_row(const struct making *m)
{
    if (m->episode.time_kind == ET_TIME_MEASURED || m->build->options->action_shift_s != 0 ||
        et_dataset_info(m->dataset)->fps != m->build->fps)
        return false;
    for (size_t i = 0; i < m->n_lanes; i++)
        if (m->lanes[i].track && (int64_t)m->lanes[i].track->n_samples != m->episode.n_rows)
            return false;
    return true;
}

// The stretch of time in which every track has values, and every camera frames.
static void common_time(const struct making *m, int64_t *first_ns, int64_t *last_ns)
{
    *first_ns = INT64_MIN;
    *last_ns = INT64_MAX;
    const struct et_track *any = NULL;
    for (size_t i = 0; i < m->n_lanes; i++) {
        const struct et_track *track = m->lanes[i].track;
        if (!track)
            continue;
        any = track;
        const int64_t first = track->t_ns[0] - shift_ns(m, track);
        const int64_t last = track->t_ns[track->n_samples - 1] - shift_ns(m, track);
        *first_ns = first > *first_ns ? first : *first_ns;
        *last_ns = last < *last_ns ? last : *last_ns;
    }
    for (size_t i = 0; any && i < m->build->n_cameras; i++) {
        for (size_t v = 0; v < m->episode.n_videos; v++) {
            const struct et_video_ref *video = &m->episode.videos[v];
            if (strcmp(video->stream.name, m->build->cameras[i].stream) != 0 || video->n_frames < 1)
                continue;
            const size_t n = (size_t)video->n_frames;
            int64_t last = any->t_ns[(n < any->n_samples ? n : any->n_samples) - 1];
            if (video->t_ns) {
                last = video->t_ns[n - 1];
                *first_ns = video->t_ns[0] > *first_ns ? video->t_ns[0] : *first_ns;
            }
            *last_ns = last < *last_ns ? last : *last_ns;
        }
    }
}

static enum et_status make_time_line(struct making *m, struct et_err *err)
{
    int64_t first_ns, last_ns;
    m->is_rows = is_row_by_row(m);
    m->n_rows = m->episode.n_rows;
    if (m->is_rows)
        return ET_OK;
    common_time(m, &first_ns, &last_ns);
    if (last_ns < first_ns) {
        m->slot->outcome = ET__LEAVE_OUT;
        (void)et_fail(&m->slot->trouble, ET_ECORRUPT, -1,
                      "its streams have no stretch of time in common");
        return ET_OK;
    }
    const double fps = m->build->fps;
    m->n_rows = (int64_t)floor((double)(last_ns - first_ns) * fps / NS_PER_S + 1e-6) + 1;
    int64_t *t_ns = et_arena_array(m->slot->arena, (size_t)m->n_rows, sizeof *t_ns);
    m->row_of = et_arena_array(m->slot->arena, (size_t)m->n_rows, sizeof *m->row_of);
    if (!t_ns || !m->row_of)
        return full(m, err);
    const struct et_track *rows = m->episode.n_tracks > 0 ? &m->episode.tracks[0] : NULL;
    for (int64_t k = 0; k < m->n_rows; k++) {
        t_ns[k] = first_ns + llround((double)k * NS_PER_S / fps);
        if (rows)
            m->row_of[k] = (int64_t)et__nearest(rows->t_ns, rows->n_samples, t_ns[k]);
    }
    m->t_ns = t_ns;
    return ET_OK;
}

static enum et_status resample_lane(struct making *m, struct lane *lane, struct et_err *err)
{
    const struct et_track *track = lane->track;
    const size_t n = (size_t)m->n_rows;
    if (!track)
        return ET_OK;
    if (m->is_rows) {
        lane->values = track->values;
        return ET_OK;
    }
    const int64_t shift = shift_ns(m, track);
    int64_t *t_ns = et_arena_array(m->slot->arena, n, sizeof *t_ns);
    int64_t *age_ns = et_arena_array(m->slot->arena, n, sizeof *age_ns);
    double *values = et_arena_array(m->slot->arena, n * track->stream.n_values, sizeof *values);
    if (!t_ns || !age_ns || !values)
        return full(m, err);
    for (size_t k = 0; k < n; k++)
        t_ns[k] = m->t_ns[k] + shift;
    et__resample(track, t_ns, n, values, age_ns);
    lane->values = values;
    lane->age_ns = m->episode.time_kind == ET_TIME_MEASURED ? age_ns : NULL;
    return ET_OK;
}

static const struct et_video_ref *find_video(const struct making *m, const char *stream)
{
    for (size_t i = 0; i < m->episode.n_videos; i++)
        if (m->episode.videos[i].is_present &&
            strcmp(m->episode.videos[i].stream.name, stream) == 0)
            return &m->episode.videos[i];
    return NULL;
}

/* ---- columns ---- */

static enum et_status add_column(struct making *m, const char *name, enum et_parquet_type type,
                                 size_t n_values, const void *values, struct et_err *err)
{
    if (!values || !name)
        return full(m, err);
    m->columns[m->n_columns++] = (struct et_column){
        .name = name, .is_rectangular = true, .type = type, .n_values = n_values, .values = values};
    return ET_OK;
}

static float *make_floats(const struct making *m, const struct et__build_feature *feature)
{
    float *to = et_arena_array(m->slot->arena, (size_t)m->n_rows * feature->n, sizeof *to);
    for (size_t v = 0; to && v < feature->n; v++) {
        const struct lane *lane = find_lane(m, feature->values[v].stream);
        const int column = feature->values[v].column[m->item->i_pick];
        if (!lane || !lane->track || column < 0)
            continue; // 0, and etude.valid says so
        const size_t width = lane->track->stream.n_values;
        for (size_t k = 0; k < (size_t)m->n_rows; k++)
            to[k * feature->n + v] = (float)lane->values[k * width + (size_t)column];
    }
    return to;
}

static uint8_t *make_valid(const struct making *m, const struct et__build_feature *feature)
{
    uint8_t *to = et_arena_array(m->slot->arena, (size_t)m->n_rows, feature->n);
    for (size_t k = 0; to && k < (size_t)m->n_rows; k++)
        for (size_t v = 0; v < feature->n; v++)
            to[k * feature->n + v] = feature->values[v].column[m->item->i_pick] >= 0;
    return to;
}

/* How much older than its row each picture is. The nearest is taken, so some are a little younger.
 */
static float *make_picture_ages(const struct making *m, const struct et_video_ref *ref)
{
    float *to = et_arena_array(m->slot->arena, (size_t)m->n_rows, sizeof *to);
    const int64_t *frame_of_row = NULL;
    for (size_t i = 0; i < m->n_chosen; i++)
        if (m->chosen[i].ref == ref)
            frame_of_row = m->chosen[i].frame_of_row;
    for (size_t k = 0; to && ref->t_ns && m->t_ns && k < (size_t)m->n_rows; k++) {
        const size_t i = frame_of_row ? (size_t)frame_of_row[k]
                                      : et__nearest(ref->t_ns, (size_t)ref->n_frames, m->t_ns[k]);
        to[k] = (float)((double)(m->t_ns[k] - ref->t_ns[i]) / NS_PER_S);
    }
    return to;
}

static float *make_ages(const struct making *m, const char *stream)
{
    const struct et_video_ref *ref = find_video(m, stream);
    if (ref)
        return make_picture_ages(m, ref);
    const struct lane *lane = find_lane(m, stream);
    float *to = et_arena_array(m->slot->arena, (size_t)m->n_rows, sizeof *to);
    for (size_t k = 0; to && lane && lane->age_ns && k < (size_t)m->n_rows; k++)
        to[k] = (float)((double)lane->age_ns[k] / NS_PER_S);
    return to;
}

/* Which part of the episode each row is in; where parts overlap, the one that began last. */
static uint8_t *make_segments(const struct making *m)
{
    const struct et__build *build = m->build;
    uint8_t *to = et_arena_array(m->slot->arena, (size_t)m->n_rows, build->n_segments);
    for (int64_t k = 0; to && m->t_ns && k < m->n_rows; k++) {
        const struct et_segment *now = NULL;
        for (size_t i = 0; i < m->episode.n_segments; i++) {
            const struct et_segment *s = &m->episode.segments[i];
            if (s->t_first_ns <= m->t_ns[k] && m->t_ns[k] <= s->t_last_ns &&
                (!now || s->t_first_ns >= now->t_first_ns))
                now = s;
        }
        for (size_t i = 0; now && i < build->n_segments; i++)
            to[(size_t)k * build->n_segments + i] = strcmp(build->segments[i], now->name) == 0;
    }
    return to;
}

static uint8_t *make_robots(const struct making *m)
{
    const struct et__build *build = m->build;
    const char *id = et_dataset_binding(m->dataset)->profile->id;
    uint8_t *to = et_arena_array(m->slot->arena, (size_t)m->n_rows, build->n_robots);
    for (size_t k = 0; to && k < (size_t)m->n_rows; k++)
        for (size_t i = 0; i < build->n_robots; i++)
            to[k * build->n_robots + i] = strcmp(build->robots[i], id) == 0;
    return to;
}

static enum et_status take_columns(struct making *m, struct et_err *err)
{
    const struct et__build *build = m->build;
    struct et_arena *arena = m->slot->arena;
    enum et_status st = ET_OK;
    m->columns = et_arena_array(arena, build->n_declared, sizeof *m->columns);
    if (!m->columns)
        return full(m, err);
    for (size_t i = 0; st == ET_OK && i < m->n_lanes; i++)
        st = resample_lane(m, &m->lanes[i], err);
    for (size_t i = 0; st == ET_OK && i < build->n_features; i++) {
        const struct et__build_feature *feature = &build->features[i];
        st = add_column(m, feature->name, ET_PARQUET_FLOAT, feature->n, make_floats(m, feature),
                        err);
        if (st == ET_OK && feature->has_gaps)
            st = add_column(m, et_arena_printf(arena, "etude.valid.%s", feature->name),
                            ET_PARQUET_BOOL, feature->n, make_valid(m, feature), err);
    }
    for (size_t i = 0; st == ET_OK && i < build->n_ages; i++)
        st = add_column(m, et_arena_printf(arena, "etude.age.%s", build->ages[i]), ET_PARQUET_FLOAT,
                        1, make_ages(m, build->ages[i]), err);
    if (st == ET_OK && build->n_segments > 0)
        st = add_column(m, "etude.segment", ET_PARQUET_BOOL, build->n_segments, make_segments(m),
                        err);
    if (st == ET_OK && build->n_robots > 1)
        st = add_column(m, "etude.robot", ET_PARQUET_BOOL, build->n_robots, make_robots(m), err);
    m->slot->episode.columns = m->columns;
    m->slot->episode.n_columns = m->n_columns;
    m->slot->episode.n_rows = m->n_rows;
    return st;
}

/* ---- tasks ---- */

static const double *task_numbers(const struct making *m)
{
    for (size_t i = 0; i < m->episode.n_columns; i++)
        if (strcmp(m->episode.columns[i].path, "task_index") == 0 &&
            m->episode.columns[i].n_values == 1)
            return m->episode.columns[i].values;
    return NULL;
}

static enum et_status take_tasks(struct making *m, struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(m->dataset);
    const double *numbers = task_numbers(m);
    const char **tasks =
        et_arena_array(m->slot->arena, info->n_tasks + m->episode.n_tasks + 1, sizeof *tasks);
    int64_t *task_of_row = et_arena_array(m->slot->arena, (size_t)m->n_rows, sizeof *task_of_row);
    size_t n = 0;
    if (!tasks || !task_of_row)
        return full(m, err);
    for (int64_t k = 0; numbers && k < m->n_rows; k++) {
        const double x = numbers[m->row_of ? m->row_of[k] : k];
        const bool is_task = x >= 0 && x < (double)info->n_tasks && info->tasks[(size_t)x];
        if (is_task)
            task_of_row[k] = et__place_of_task(tasks, &n, info->tasks[(size_t)x]);
        m->slot->has_other_tasks = m->slot->has_other_tasks || !is_task;
    }
    for (size_t i = 0; n == 0 && i < m->episode.n_tasks && i < 1; i++)
        tasks[n++] = m->episode.tasks[i];
    if (n == 0)
        tasks[n++] = "";
    m->slot->episode.tasks = tasks;
    m->slot->episode.n_tasks = n;
    m->slot->episode.task_of_row = task_of_row;
    return ET_OK;
}

/* ---- videos ---- */

/* The frame of a camera with times of its own that is nearest to each row. */
static enum et_status set_timed_frames(struct making *m, const struct et_video_ref *ref,
                                       struct et_new_video *video)
{
    int64_t *frame_of_row = et_arena_array(m->slot->arena, (size_t)m->n_rows, sizeof *frame_of_row);
    struct et_frames_range *range = et_arena_alloc(m->slot->arena, sizeof *range);
    const size_t n = (size_t)ref->n_frames;
    if (!frame_of_row || !range)
        return et_arena_fail(m->slot->arena, "an episode", &m->slot->trouble);
    for (int64_t k = 0; k < m->n_rows; k++)
        frame_of_row[k] = (int64_t)et__nearest(ref->t_ns, n, m->t_ns[k]);
    video->n_frames = m->n_rows;
    video->frame_of_row = frame_of_row;
    m->chosen[m->n_chosen++] = (struct chosen){ref, frame_of_row};
    if (!ref->is_recorded) {
        video->first_frame = ref->first_frame;
        return ET_OK;
    }
    *range = (struct et_frames_range){.path = ref->path,
                                      .profile = ref->profile,
                                      .device = ref->device,
                                      .stream = ref->stream.name,
                                      .t_arrival_ns = ref->t_arrival_ns,
                                      .t_device_ns = ref->t_device_ns,
                                      .n_frames = ref->n_frames};
    video->recorded = range;
    if (m->is_careful)
        return et__build_substitute(range, ref->t_ns, m->t_ns, m->n_rows, frame_of_row, m->slot);
    m->slot->could_be_careful = true;
    return ET_OK;
}

// Frames in a row need no map, and can be copied.
static void set_frames(const struct making *m, const struct et_video_ref *ref,
                       struct et_new_video *video)
{
    video->first_frame = ref->first_frame;
    video->n_frames = m->n_rows;
    bool is_run = true;
    for (int64_t k = 1; m->row_of && k < m->n_rows; k++)
        is_run = is_run && m->row_of[k] == m->row_of[0] + k;
    if (m->row_of && is_run)
        video->first_frame += m->row_of[0];
    else
        video->frame_of_row = m->row_of;
}

// What is wrong with the video goes to the slot's trouble.
static enum et_status take_video(struct making *m, const struct et__build_camera *camera,
                                 struct et_new_video *video)
{
    struct et_err *trouble = &m->slot->trouble;
    const struct et_video_ref *ref = find_video(m, camera->stream);
    *video = (struct et_new_video){.i_feature = (size_t)et__spec_find(m->spec, camera->feature)};
    if (!ref && !camera->has[m->item->i_pick]) {
        video->n_frames = m->n_rows;
        return ET_OK; // another robot's camera: black
    }
    if (!ref)
        return et_fail(trouble, ET_ENOTFOUND, -1, "%.100s: the video is not there", camera->stream);
    video->path = ref->path;
    if (ref->t_ns && m->t_ns && (ref->t_arrival_ns || !ref->is_recorded))
        return set_timed_frames(m, ref, video);
    const int64_t last = m->row_of ? m->row_of[m->n_rows - 1] : m->n_rows - 1;
    if (last >= ref->n_frames)
        return et_fail(trouble, ET_ECORRUPT, ref->n_frames, "%.100s has %lld frames for %lld rows",
                       camera->stream, (long long)ref->n_frames, (long long)m->episode.n_rows);
    set_frames(m, ref, video);
    const bool is_other_size =
        ref->width_px != camera->width_px || ref->height_px != camera->height_px;
    video->must_encode = m->build->options->videos == ET_VIDEO_ENCODE || is_other_size;
    if (m->is_rows && !is_other_size)
        video->stats =
            et__stored_picture_stats(m->dataset, m->item->place, ref->source, m->slot->arena);
    return ET_OK;
}

/* Depth goes into the rows as it is. What is wrong with it goes to the slot's trouble. */
static enum et_status take_depth(struct making *m, const struct et__build_camera *camera,
                                 struct et_new_pictures *pictures)
{
    struct et_err *trouble = &m->slot->trouble;
    const struct et_video_ref *ref = find_video(m, camera->stream);
    const struct et_feature *stored = et__build_stored_depth(m->dataset, camera->stream);
    *pictures =
        (struct et_new_pictures){.i_feature = (size_t)et__spec_find(m->spec, camera->feature)};
    if (!camera->has[m->item->i_pick])
        return ET_OK; // another robot's camera: nothing was measured
    if (stored) {
        struct et_pictures_range *range = et_arena_alloc(m->slot->arena, sizeof *range);
        pictures->stored = range;
        pictures->frame_of_row = m->row_of;
        return range ? et_dataset_pictures(m->dataset, m->item->place, stored->name, m->slot->arena,
                                           range, trouble)
                     : et_arena_fail(m->slot->arena, "an episode", trouble);
    }
    if (!ref || !ref->is_recorded || !ref->t_ns || !ref->t_arrival_ns || !m->t_ns)
        return et_fail(trouble, ET_ENOTFOUND, -1, "%.100s: its pictures are not there",
                       camera->stream);
    struct et_new_video video = {0};
    const enum et_status st = set_timed_frames(m, ref, &video);
    pictures->recorded = video.recorded;
    pictures->frame_of_row = video.frame_of_row;
    return st;
}

static enum et_status take_cameras(struct making *m, struct et_err *err)
{
    const struct et__build *build = m->build;
    struct et_new_episode *episode = &m->slot->episode;
    const size_t n = build->n_cameras;
    struct et_new_video *videos = et_arena_array(m->slot->arena, n, sizeof *videos);
    struct et_new_pictures *pictures = et_arena_array(m->slot->arena, n, sizeof *pictures);
    m->chosen = et_arena_array(m->slot->arena, n, sizeof *m->chosen);
    if (!videos || !pictures || !m->chosen)
        return full(m, err);
    episode->videos = videos;
    episode->pictures = pictures;
    for (size_t i = 0; i < n; i++) {
        const struct et__build_camera *camera = &build->cameras[i];
        const enum et_status st = camera->is_depth
                                      ? take_depth(m, camera, &pictures[episode->n_pictures++])
                                      : take_video(m, camera, &videos[episode->n_videos++]);
        if (st != ET_OK) {
            m->slot->outcome = ET__LEAVE_OUT;
            return ET_OK;
        }
    }
    return ET_OK;
}

/* ---- one episode ---- */

static enum et_status reject(struct making *m, const struct et_judged *judged, struct et_err *err)
{
    struct et_episode_meta meta;
    const enum et_status st =
        et_dataset_episode_meta(m->dataset, m->item->place, m->slot->arena, &meta, err);
    if (st != ET_OK)
        return st;
    m->slot->outcome = ET__REJECT;
    m->slot->rejected = (struct et_rejected_episode){
        .source_id = et__source_id(m->dataset, meta.index, m->slot->arena),
        .grade = &judged->grade,
        .findings = judged->findings,
        .n_findings = judged->n_findings};
    return ET_OK;
}

static enum et_status make_episode(struct making *m, struct et_err *err)
{
    struct et__slot *slot = m->slot;
    enum et_status st =
        et_dataset_episode(m->dataset, m->item->place, slot->arena, &m->episode, err);
    if (st != ET_OK)
        return st;
    slot->episode.source_id = et__source_id(m->dataset, m->episode.index, slot->arena);
    const bool has_rows = et_dataset_info(m->dataset)->layout != ET_LAYOUT_EPISODES;
    if (has_rows && m->episode.n_rows < 1) {
        slot->outcome = ET__LEAVE_OUT;
        (void)et_fail(&slot->trouble, ET_ECORRUPT, -1, "%s",
                      m->episode.n_remarks > 0 ? m->episode.remarks[0].text : "no rows");
        return ET_OK;
    }
    st = take_lanes(m, err);
    if (st == ET_OK && slot->outcome == ET__ADD)
        st = make_time_line(m, err);
    if (st == ET_OK && slot->outcome == ET__ADD)
        st = take_cameras(m, err);
    if (st == ET_OK && slot->outcome == ET__ADD)
        st = take_columns(m, err);
    if (st == ET_OK && slot->outcome == ET__ADD)
        st = take_tasks(m, err);
    return st;
}

static bool has_lost_pictures(const struct et_judged *judged)
{
    for (size_t i = 0; judged && i < judged->n_findings; i++)
        if (strcmp(judged->findings[i].kind, "decode") == 0)
            return true;
    return false;
}

static enum et_status make(void *ctx, size_t i, const struct et__spec *spec, struct et__slot *slot,
                           struct et_err *err)
{
    struct et__build *build = ctx;
    const struct et__item *item = &build->run.items[i];
    const struct et_judged *judged = et__build_judged(build, item);
    struct making m = {.build = build,
                       .item = item,
                       .dataset = build->run.picks[item->i_pick].dataset,
                       .spec = spec,
                       .slot = slot,
                       .is_careful = slot->is_careful || has_lost_pictures(judged)};
    if (judged && judged->grade.verdict == ET_VERDICT_REJECT)
        return reject(&m, judged, err);
    const enum et_status st = make_episode(&m, err);
    if (judged) {
        slot->episode.grade = &judged->grade;
        slot->episode.findings = judged->findings;
        slot->episode.n_findings = judged->n_findings;
        slot->episode.latency_json = judged->latency_json;
    }
    slot->n_bytes_in = et__episode_bytes(&build->run, item, &slot->episode);
    return st;
}

/* ---- all of it ---- */

static bool has_camera(const struct et_dataset *dataset, const struct et_episode_meta *meta,
                       const struct et__build_camera *camera)
{
    for (size_t i = 0; i < meta->n_videos; i++)
        if (meta->videos[i].is_present &&
            strcmp(et__build_camera_stream(dataset, meta->videos[i].i_feature), camera->stream) ==
                0)
            return true;
    return camera->is_depth && et__build_stored_depth(dataset, camera->stream);
}

static enum et_status check_item(const struct et__build *build, const struct et__item *item,
                                 struct et_err *err)
{
    struct et_episode_meta meta;
    const struct et_dataset *dataset = build->run.picks[item->i_pick].dataset;
    const struct et_arena_mark mark = et_arena_mark(build->arena);
    enum et_status st = et_dataset_episode_meta(dataset, item->place, build->arena, &meta, err);
    for (size_t c = 0; st == ET_OK && c < build->n_cameras; c++) {
        const struct et__build_camera *camera = &build->cameras[c];
        if (camera->has[item->i_pick] && !has_camera(dataset, &meta, camera))
            st = et_fail(err, ET_ENOTFOUND, meta.index,
                         "episode %lld of %.150s lacks a video; such episodes can be left out, or "
                         "videos dropped",
                         (long long)meta.index, et_dataset_info(dataset)->path);
    }
    et_arena_rewind(build->arena, mark);
    return st;
}

// KEEP and ENCODE want every camera of every episode that is not rejected.
static enum et_status check_videos(const struct et__build *build, struct et_err *err)
{
    const bool is_strict =
        build->options->videos == ET_VIDEO_KEEP || build->options->videos == ET_VIDEO_ENCODE;
    enum et_status st = ET_OK;
    for (size_t i = 0; is_strict && st == ET_OK && i < build->run.n_items; i++) {
        const struct et_judged *judged = et__build_judged(build, &build->run.items[i]);
        if (!judged || judged->grade.verdict != ET_VERDICT_REJECT)
            st = check_item(build, &build->run.items[i], err);
    }
    return st;
}

/* Copies of the profiles, so that the dataset says how it was made. */
static enum et_status keep_profiles(void *ctx, const char *path, struct et_err *err)
{
    const struct et__build *build = ctx;
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < build->run.n_picks; i++) {
        const struct et_profile *profile = et_dataset_binding(build->run.picks[i].dataset)->profile;
        const struct et_arena_mark mark = et_arena_mark(build->arena);
        const char *name =
            et_arena_printf(build->arena, "meta/etude/profiles/%s.yaml", profile->id);
        struct et_str text;
        char to[ET_PATH_BYTES_MAX];
        st = name ? et_file_read(profile->path, ET__JSON_BYTES_MAX, build->arena, &text, err)
                  : et_arena_fail(build->arena, "a path", err);
        if (st == ET_OK)
            st = et__meta_path(path, name, to, err);
        if (st == ET_OK)
            st = et_file_replace(to, text.p, text.n, err);
        et_arena_rewind(build->arena, mark);
    }
    return st == ET_OK ? et__build_write_profile(build, path, err) : st;
}

// The robot's own word where all picks have the same, else the profiles' names.
static const char *robot_type(const struct et__build *build)
{
    const struct et__run *run = &build->run;
    const char *first = et_dataset_info(run->picks[0].dataset)->robot_type;
    const char *joined = build->robots[0];
    bool is_same = first != NULL;
    for (size_t i = 1; i < run->n_picks; i++) {
        const char *other = et_dataset_info(run->picks[i].dataset)->robot_type;
        is_same = is_same && other && strcmp(first, other) == 0;
    }
    for (size_t i = 1; joined && i < build->n_robots; i++)
        joined = et_arena_printf(build->arena, "%s+%s", joined, build->robots[i]);
    return is_same ? first : joined;
}

static enum et_status provide(struct et__build *build, struct et_err *err)
{
    build->run.provenance = build->options->provenance;
    if (build->run.provenance)
        return ET_OK;
    const char *settings = et_arena_printf(
        build->arena, "{\"fps\":%d,\"parts\":\"%s\",\"episodes\":%zu,\"action_shift_s\":%.9g}",
        build->fps, build->options->parts == ET_PARTS_UNION ? "union" : "common",
        build->run.n_items, build->options->action_shift_s);
    if (!settings)
        return et_arena_fail(build->arena, "the provenance", err);
    return et__provenance_make(&build->run, "dataset build", settings, build->arena,
                               &build->run.provenance, err);
}

static void make_spec(struct et__build *build)
{
    struct et_dataset_spec *spec = &build->spec;
    *spec = build->options->spec;
    spec->layout = ET_LAYOUT_V30;
    spec->robot_type = robot_type(build);
    spec->fps = build->fps;
    spec->features = build->declared;
    spec->n_features = build->n_declared;
    spec->tasks = NULL;
    spec->n_tasks = 0;
    spec->video = build->options->video;
    spec->modality_json = NULL;
}

enum et_status et_dataset_build(const struct et_pick *picks, size_t n_picks, const char *path,
                                const struct et_build_options *options, struct et_arena *arena,
                                struct et_ops_result *result, struct et_err *err)
{
    assert(picks && path && options && arena && result);
    struct et__build build = {.options = options, .arena = arena};
    *result = (struct et_ops_result){0};
    build.run = (struct et__run){.picks = picks,
                                 .n_picks = n_picks,
                                 .path = path,
                                 .spec = &build.spec,
                                 .pool = options->pool,
                                 .progress = options->progress,
                                 .progress_ctx = options->progress_ctx,
                                 .make = make,
                                 .begun = keep_profiles,
                                 .ctx = &build,
                                 .remarks = {.arena = arena}};

    enum et_status st = et__check_free(path, arena, err);
    if (st == ET_OK)
        st = et__build_plan(&build, err);
    if (st == ET_OK)
        st = check_videos(&build, err);
    if (st == ET_OK)
        make_spec(&build);
    if (st == ET_OK)
        st = provide(&build, err);
    if (st != ET_OK) {
        result->remarks = build.run.remarks.items;
        result->n_remarks = build.run.remarks.n;
        return st;
    }
    return et__run_all(&build.run, result, err);
}
