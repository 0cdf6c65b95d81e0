#include "episode/episode__file.h"

#include "etude/parquet.h"

#include <assert.h>
#include <math.h>

/* ---- episode.json ---- */

static void put_numbers(struct et_json_writer *w, const char *key, const double *values, size_t n)
{
    if (!values)
        return;
    et_json_key(w, key);
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i]))
            et_json_real(w, values[i]);
        else
            et_json_null(w);
    }
    et_json_close_list(w);
}

/* What a clock was like, in short; the models are in recording.json. */
static void put_clock(struct et_json_writer *w, const struct et_clock_model *clock, size_t i_first)
{
    const struct et_clock_run *run = NULL;
    for (size_t i = 0; clock && i < clock->n_runs; i++)
        if (i_first >= clock->runs[i].i_first)
            run = &clock->runs[i];
    if (!run)
        return;
    et_json_key(w, "clock");
    et_json_open_map(w);
    et_json_put_text(w, "source", et_clock_source_text(run->source));
    et_json_put_int(w, "tick_ns", clock->tick_ns);
    et_json_put_real(w, "skew_ppm", run->skew_ppm);
    et_json_put_int(w, "delay_p50_ns", run->delay_p50_ns);
    et_json_put_int(w, "delay_p99_ns", run->delay_p99_ns);
    et_json_close_map(w);
}

static void put_track(struct et_json_writer *w, const struct et_track *track)
{
    const struct et_stream *stream = &track->stream;
    et_json_open_map(w);
    et_json_put_text(w, "name", stream->name);
    et_json_put_text(w, "unit", stream->unit);
    et_json_put_int(w, "n_values", (int64_t)stream->n_values);
    et_json_put_int(w, "n_samples", (int64_t)track->n_samples);
    et_json_put_real(w, "rate_hz", stream->rate_hz);
    if (stream->names) {
        et_json_key(w, "names");
        et_json_open_list(w);
        for (size_t i = 0; i < stream->n_values; i++)
            et_json_text(w, stream->names[i]);
        et_json_close_list(w);
    }
    put_numbers(w, "lower", stream->lower, stream->n_values);
    put_numbers(w, "upper", stream->upper, stream->n_values);
    put_numbers(w, "speed", stream->speed, stream->n_values);
    put_clock(w, track->clock, track->i_clock_first);
    et_json_close_map(w);
}

static void put_camera(struct et_json_writer *w, const struct et_video_ref *video)
{
    et_json_open_map(w);
    et_json_put_text(w, "name", video->stream.name);
    et_json_put_text(w, "source", video->source);
    et_json_put_text(w, "path", video->path);
    et_json_put_bool(w, "is_recorded", video->is_recorded);
    et_json_put_bool(w, "is_present", video->is_present);
    et_json_put_int(w, "first_frame", video->first_frame);
    et_json_put_int(w, "n_frames", video->n_frames);
    et_json_put_int(w, "width_px", video->width_px);
    et_json_put_int(w, "height_px", video->height_px);
    et_json_put_real(w, "rate_hz", video->rate_hz);
    et_json_put_bool(w, "has_times", video->t_ns != NULL);
    if (video->trouble)
        et_json_put_text(w, "trouble", video->trouble);
    put_clock(w, video->clock, video->i_clock_first);
    et_json_close_map(w);
}

static void put_lists(struct et_json_writer *w, const struct et_episode *episode)
{
    et_json_key(w, "instructions");
    et_json_open_list(w);
    for (size_t i = 0; i < episode->n_tasks; i++)
        et_json_text(w, episode->tasks[i]);
    et_json_close_list(w);
    et_json_key(w, "streams");
    et_json_open_list(w);
    for (size_t i = 0; i < episode->n_tracks; i++)
        put_track(w, &episode->tracks[i]);
    et_json_close_list(w);
    et_json_key(w, "cameras");
    et_json_open_list(w);
    for (size_t i = 0; i < episode->n_videos; i++)
        put_camera(w, &episode->videos[i]);
    et_json_close_list(w);
    et_json_key(w, "segments");
    et_json_open_list(w);
    for (size_t i = 0; i < episode->n_segments; i++) {
        et_json_open_map(w);
        et_json_put_text(w, "name", episode->segments[i].name);
        et_json_put_int(w, "from_ns", episode->segments[i].t_first_ns);
        et_json_put_int(w, "to_ns", episode->segments[i].t_last_ns);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    et_json_key(w, "losses");
    et_json_open_list(w);
    for (size_t i = 0; i < episode->n_losses; i++) {
        et_json_open_map(w);
        et_json_put_int(w, "t_ns", episode->losses[i].t_ns);
        et_json_put_bool(w, "is_dropped", episode->losses[i].is_dropped);
        et_json_put_text(w, "text", episode->losses[i].text);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_lags(struct et_json_writer *w, const struct et_episode_facts *facts)
{
    et_json_key(w, "lags");
    et_json_open_list(w);
    for (size_t i = 0; i < facts->n_lags; i++) {
        const struct et_stream_lag *lag = &facts->lags[i];
        et_json_open_map(w);
        et_json_put_text(w, "command", lag->command);
        et_json_put_text(w, "state", lag->state);
        et_json_put_bool(w, "is_known", lag->is_known);
        if (lag->is_known) {
            et_json_put_real(w, "lag_s", lag->lag_s);
            et_json_put_real(w, "sigma_s", lag->sigma_s);
            et_json_put_real(w, "confidence", lag->confidence);
        }
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_latency(struct et_json_writer *w, const struct et_stream_lag *latency)
{
    et_json_key(w, "latency");
    et_json_open_map(w);
    et_json_put_bool(w, "is_known", latency->is_known);
    if (latency->is_known) {
        et_json_put_real(w, "lag_s", latency->lag_s);
        et_json_put_real(w, "sigma_s", latency->sigma_s);
        et_json_put_real(w, "confidence", latency->confidence);
    }
    et_json_close_map(w);
}

static void put_judgement(struct et_json_writer *w, const struct et_episode *episode,
                          const struct et_episode_facts *facts)
{
    et_json_key(w, "findings");
    et_json_open_list(w);
    for (size_t i = 0; i < facts->n_findings; i++)
        et_finding_json(w, &facts->findings[i]);
    et_json_close_list(w);
    et_json_key(w, "grade");
    et_grade_json(w, &facts->grade);
    put_latency(w, &facts->latency);
    put_lags(w, facts);
    et_json_key(w, "remarks");
    et_json_open_list(w);
    for (size_t i = 0; i < episode->n_remarks; i++) {
        et_json_open_map(w);
        et_json_put_text(w, "severity", et_severity_text(episode->remarks[i].severity));
        et_json_put_text(w, "where", episode->remarks[i].where);
        et_json_put_text(w, "text", episode->remarks[i].text);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    if (facts->provenance) {
        et_json_key(w, "provenance");
        et_provenance_json(w, facts->provenance);
    }
}

static void put_episode(struct et_json_writer *w, const struct et_episode *episode,
                        const struct et_episode_facts *facts)
{
    et_json_open_map(w);
    et_json_put_int(w, "version", ET__EPISODE_VERSION);
    et_json_put_text(w, "id", episode->id);
    et_json_put_int(w, "index", episode->index);
    et_json_key(w, "recording");
    et_json_open_map(w);
    et_json_put_text(w, "id", facts->recording_id);
    et_json_put_text(w, "path", facts->recording);
    et_json_put_text(w, "format", facts->format);
    if (facts->device)
        et_json_put_text(w, "device", facts->device);
    et_json_close_map(w);
    et_json_put_text(w, "robot", episode->robot);
    et_json_put_text(w, "profile", facts->profile);
    et_json_put_text(w, "profile_digest", facts->profile_digest);
    et_json_put_text(w, "trainer", facts->trainer);
    et_json_put_text(w, "station", facts->station);
    et_json_put_text(w, "scenario", facts->scenario);
    et_json_put_text(w, "skill", facts->skill);
    et_json_put_text(w, "outcome", episode->outcome);
    et_json_put_text(w, "time", et__time_kind_text(episode->time_kind));
    et_json_put_real(w, "rate_hz", episode->rate_hz);
    et_json_put_int(w, "n_rows", episode->n_rows);
    et_json_put_int(w, "first_ns", et_episode_first_ns(episode));
    et_json_put_int(w, "last_ns", et_episode_last_ns(episode));
    et_json_put_text(w, "cut_by", facts->cut_by);
    et_json_put_bool(w, "was_cut", episode->was_cut);
    put_lists(w, episode);
    put_judgement(w, episode, facts);
    et_json_close_map(w);
}

static enum et_status write_json(const char *folder, const struct et_episode *episode,
                                 const struct et_episode_facts *facts, struct et_err *err)
{
    struct et_buf text = et_buf(ET__EPISODE_JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &text, .indent = 1};
    char path[ET_PATH_BYTES_MAX];
    put_episode(&w, episode, facts);
    et_buf_printf(&text, "\n");
    enum et_status st = et__episode_path(path, folder, "episode.json", err);
    if (st == ET_OK && text.status != ET_OK)
        st = et_fail(err, text.status, -1, "%.150s: episode.json is too long", folder);
    if (st == ET_OK)
        st = et_file_replace(path, text.p, text.n, err);
    et_buf_free(&text);
    return st;
}

/* ---- tracks ---- */

/* What goes into one Parquet file. */
struct table {
    const char *stream;
    size_t n, width;
    const int64_t *t_ns, *t_device_ns, *t_arrival_ns;
    const double *values; // NULL: times only
};

static enum et_status write_times(struct et_parquet_writer *writer, const struct table *table,
                                  const int64_t *zeros, struct et_err *err)
{
    const int64_t *const columns[] = {table->t_ns, table->t_device_ns ? table->t_device_ns : zeros,
                                      table->t_arrival_ns ? table->t_arrival_ns : zeros};
    enum et_status st = ET_OK;
    for (size_t i = 0; i < 3 && st == ET_OK; i++)
        st = et_parquet_write_rows(writer, i, columns[i], (int64_t)table->n, 1, err);
    return st;
}

static enum et_status fill_table(struct et_parquet_writer *writer, const struct table *table,
                                 struct et_err *err)
{
    struct et_arena *arena = NULL;
    const size_t n_values = table->values ? table->n * table->width : 0;
    enum et_status st = et_arena_open(&arena, n_values * 4 + table->n * 8 + 4096, err);
    if (st != ET_OK)
        return st;
    float *values = et_arena_array(arena, n_values, sizeof *values);
    int64_t *zeros = et_arena_array(arena, table->n, sizeof *zeros);
    if (!values || !zeros)
        st = et_arena_fail(arena, "a track", err);
    for (size_t i = 0; st == ET_OK && i < n_values; i++)
        values[i] = (float)table->values[i];
    if (st == ET_OK)
        st = write_times(writer, table, zeros, err);
    if (st == ET_OK && table->values)
        st = et_parquet_write_rows(writer, 3, values, (int64_t)table->n, table->width, err);
    if (st == ET_OK)
        st = et_parquet_writer_commit(writer, err);
    et_arena_close(arena);
    return st;
}

static enum et_status write_table(const char *folder, const struct table *table, struct et_err *err)
{
    static const struct et_parquet_writer_options OPTIONS = {.codec = ET_PARQUET_SNAPPY};
    struct et_parquet_node nodes[8];
    size_t n_nodes = 0;
    char path[ET_PATH_BYTES_MAX];
    struct et_parquet_writer *writer = NULL;
    static const char *const TIMES[] = {"t_ns", "t_device_ns", "t_arrival_ns"};
    for (size_t i = 0; i < 3; i++)
        (void)et_parquet_add_column(nodes, 8, &n_nodes, TIMES[i], ET_PARQUET_INT64,
                                    ET_PARQUET_PLAIN, 0);
    if (table->values)
        (void)et_parquet_add_column(nodes, 8, &n_nodes, "value", ET_PARQUET_FLOAT, ET_PARQUET_PLAIN,
                                    1);
    enum et_status st = et__track_path(path, folder, table->stream, err);
    if (st == ET_OK)
        st = et_parquet_create(&writer, path, nodes, n_nodes, &OPTIONS, err);
    if (st != ET_OK)
        return st;
    st = table->n > 0 ? fill_table(writer, table, err) : ET_OK;
    if (st == ET_OK)
        return et_parquet_writer_finish(writer, err);
    et_parquet_writer_close(writer);
    return st;
}

static enum et_status write_tracks(const char *folder, const struct et_episode *episode,
                                   struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < episode->n_tracks && st == ET_OK; i++) {
        const struct et_track *track = &episode->tracks[i];
        assert(et_name_is_own(et_str(track->stream.name)));
        st = write_table(folder,
                         &(struct table){.stream = track->stream.name,
                                         .n = track->n_samples,
                                         .width = track->stream.n_values,
                                         .t_ns = track->t_ns,
                                         .t_device_ns = track->t_device_ns,
                                         .t_arrival_ns = track->t_arrival_ns,
                                         .values = track->values},
                         err);
    }
    for (size_t i = 0; i < episode->n_videos && st == ET_OK; i++) {
        const struct et_video_ref *video = &episode->videos[i];
        if (!video->t_ns)
            continue;
        st = write_table(folder,
                         &(struct table){.stream = video->stream.name,
                                         .n = (size_t)video->n_frames,
                                         .t_ns = video->t_ns,
                                         .t_device_ns = video->t_device_ns,
                                         .t_arrival_ns = video->t_arrival_ns},
                         err);
    }
    return st;
}

enum et_status et_episode_write(const char *folder, const struct et_episode *episode,
                                const struct et_episode_facts *facts, struct et_err *err)
{
    assert(folder && episode && facts);
    char part[ET_PATH_BYTES_MAX], tracks[ET_PATH_BYTES_MAX];
    enum et_path_kind kind;
    enum et_status st = et_path_kind(folder, &kind, err);
    if (st == ET_OK && kind != ET_PATH_NONE)
        return et_fail(err, ET_EEXISTS, -1, "%.150s is there already", folder);
    if (st == ET_OK)
        st = et__episode_path(part, folder, NULL, err);
    if (st == ET_OK)
        st = et__episode_path(tracks, part, "tracks", err);
    if (st == ET_OK)
        st = et_path_remove(part, err); // what a kill left
    if (st == ET_OK)
        st = et_dir_make(tracks, err);
    if (st == ET_OK)
        st = write_tracks(part, episode, err);
    if (st == ET_OK)
        st = write_json(part, episode, facts, err);
    if (st == ET_OK)
        st = et_file_rename(part, folder, err);
    // What cannot be removed is removed by the next attempt.
    const enum et_status swept = st != ET_OK ? et_path_remove(part, NULL) : ET_OK;
    (void)swept;
    return st;
}
