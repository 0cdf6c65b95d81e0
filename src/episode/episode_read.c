#include "episode/episode__file.h"

#include "etude/parquet.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STREAMS_MAX 4096
#define VALUES_MAX 65536
#define SIDE_PX_MAX 65536
// On either side of 1970, so that the difference of two times fits.
#define TIME_NS_MAX (INT64_MAX / 2)

enum et_status et__episode_path(char path[ET_PATH_BYTES_MAX], const char *folder, const char *name,
                                struct et_err *err)
{
    const int n = name ? snprintf(path, ET_PATH_BYTES_MAX, "%s/%s", folder, name)
                       : snprintf(path, ET_PATH_BYTES_MAX, "%s" ET_FILE_PART_SUFFIX, folder);
    if (n < 0 || n >= ET_PATH_BYTES_MAX)
        return et_fail(err, ET_EARG, -1, "%.100s…: the path is too long", folder);
    return ET_OK;
}

enum et_status et__track_path(char path[ET_PATH_BYTES_MAX], const char *folder, const char *stream,
                              struct et_err *err)
{
    const int n = snprintf(path, ET_PATH_BYTES_MAX, "%s/tracks/%s.parquet", folder, stream);
    if (n < 0 || n >= ET_PATH_BYTES_MAX)
        return et_fail(err, ET_EARG, -1, "%.100s…: the path is too long", folder);
    return ET_OK;
}

static const char *const TIME_KINDS[] = {[ET_TIME_MEASURED] = "measured",
                                         [ET_TIME_SYNTHETIC] = "synthetic",
                                         [ET_TIME_MISSING] = "missing"};

const char *et__time_kind_text(enum et_time_kind kind)
{
    return TIME_KINDS[kind];
}

bool et__time_kind_parse(const char *text, enum et_time_kind *kind)
{
    for (size_t i = 0; text && i < sizeof TIME_KINDS / sizeof *TIME_KINDS; i++) {
        if (strcmp(text, TIME_KINDS[i]) == 0) {
            *kind = (enum et_time_kind)i;
            return true;
        }
    }
    return false;
}

struct reading {
    const char *folder;
    struct et_arena *arena;
    struct et_episode *episode;
    struct et_episode_facts *facts;
    struct et_remark *remarks; // room for one a stream and those that are stored
    struct et_err *err;
};

static enum et_status bad(const struct reading *r, const char *what)
{
    return et_fail(r->err, ET_ECORRUPT, -1, "%.120s/episode.json: %.200s", r->folder, what);
}

static enum et_status full(const struct reading *r)
{
    return et_arena_fail(r->arena, "an episode", r->err);
}

/* ---- episode.json ---- */

static double *read_numbers(const struct reading *r, const struct et_value *list, size_t n)
{
    if (et_value_count(list) != n || n == 0)
        return NULL;
    double *values = et_arena_array(r->arena, n, sizeof *values);
    for (size_t i = 0; values && i < n; i++)
        values[i] = et_value_real(et_value_at(list, i), (double)NAN);
    return values;
}

static bool is_picture(const struct et_stream *stream)
{
    return stream->quantity == ET_QUANTITY_IMAGE || stream->quantity == ET_QUANTITY_DEPTH;
}

static enum et_status read_stream(const struct reading *r, const struct et_value *value,
                                  struct et_stream *stream)
{
    stream->name = et_value_text(et_value_get(value, "name"), "");
    if (!et_name_is_own(et_str(stream->name)) ||
        !et_stream_parse(stream->name, &stream->part, &stream->quantity, &stream->is_command))
        return bad(r, "a stream has no name that is known");
    stream->unit = et_value_text(et_value_get(value, "unit"), et_quantity_unit(stream->quantity));
    stream->rate_hz = et_value_real(et_value_get(value, "rate_hz"), 0);
    const int64_t n = et_value_int(et_value_get(value, "n_values"), 0);
    if (n < 0 || n > VALUES_MAX)
        return bad(r, "a stream has an impossible number of values");
    stream->n_values = (size_t)n;
    const struct et_value *names = et_value_get(value, "names");
    if (et_value_count(names) == stream->n_values && n > 0) {
        const char **texts = et_arena_array(r->arena, stream->n_values, sizeof *texts);
        if (!texts)
            return full(r);
        for (size_t i = 0; i < stream->n_values; i++)
            texts[i] = et_value_text(et_value_at(names, i), "");
        stream->names = texts;
    }
    stream->lower = read_numbers(r, et_value_get(value, "lower"), stream->n_values);
    stream->upper = read_numbers(r, et_value_get(value, "upper"), stream->n_values);
    stream->speed = read_numbers(r, et_value_get(value, "speed"), stream->n_values);
    return ET_OK;
}

static enum et_status read_streams(const struct reading *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    struct et_track *tracks = et_arena_array(r->arena, n, sizeof *tracks);
    if (n > STREAMS_MAX)
        return bad(r, "there are too many streams");
    if (!tracks)
        return full(r);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *value = et_value_at(list, i);
        const enum et_status st = read_stream(r, value, &tracks[i].stream);
        const int64_t n_samples = et_value_int(et_value_get(value, "n_samples"), 0);
        if (st != ET_OK)
            return st;
        if (n_samples < 0)
            return bad(r, "a stream has fewer than no samples");
        if (is_picture(&tracks[i].stream))
            return bad(r, "pictures stand among the streams of numbers");
        tracks[i].n_samples = (size_t)n_samples;
    }
    r->episode->tracks = tracks;
    r->episode->n_tracks = n;
    return ET_OK;
}

static enum et_status read_cameras(const struct reading *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    struct et_video_ref *videos = et_arena_array(r->arena, n, sizeof *videos);
    if (n > STREAMS_MAX)
        return bad(r, "there are too many cameras");
    if (!videos)
        return full(r);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *value = et_value_at(list, i);
        struct et_video_ref *video = &videos[i];
        const enum et_status st = read_stream(r, value, &video->stream);
        if (st != ET_OK)
            return st;
        if (!is_picture(&video->stream))
            return bad(r, "a camera's stream is none of pictures");
        video->source = et_value_text(et_value_get(value, "source"), NULL);
        video->path = et_value_text(et_value_get(value, "path"), NULL);
        video->is_recorded = et_value_bool(et_value_get(value, "is_recorded"), false);
        video->is_present = et_value_bool(et_value_get(value, "is_present"), false);
        video->first_frame = et_value_int(et_value_get(value, "first_frame"), 0);
        video->n_frames = et_value_int(et_value_get(value, "n_frames"), 0);
        const int64_t width = et_value_int(et_value_get(value, "width_px"), 0);
        const int64_t height = et_value_int(et_value_get(value, "height_px"), 0);
        video->rate_hz = et_value_real(et_value_get(value, "rate_hz"), 0);
        video->trouble = et_value_text(et_value_get(value, "trouble"), NULL);
        if (video->first_frame < 0 || video->n_frames < 0)
            return bad(r, "a camera has fewer than no frames");
        if (width < 0 || height < 0 || width > SIDE_PX_MAX || height > SIDE_PX_MAX)
            return bad(r, "a camera's pictures have an impossible size");
        video->width_px = (int)width;
        video->height_px = (int)height;
    }
    r->episode->videos = videos;
    r->episode->n_videos = n;
    return ET_OK;
}

static enum et_status read_words(const struct reading *r, const struct et_value *json)
{
    const struct et_value *tasks = et_value_get(json, "instructions");
    const struct et_value *parts = et_value_get(json, "segments");
    const size_t n_tasks = et_value_count(tasks), n = et_value_count(parts);
    const char **texts = et_arena_array(r->arena, n_tasks, sizeof *texts);
    struct et_segment *segments = et_arena_array(r->arena, n, sizeof *segments);
    if (!texts || !segments)
        return full(r);
    for (size_t i = 0; i < n_tasks; i++)
        texts[i] = et_value_text(et_value_at(tasks, i), "");
    for (size_t i = 0; i < n; i++) {
        const struct et_value *part = et_value_at(parts, i);
        segments[i] =
            (struct et_segment){.name = et_value_text(et_value_get(part, "name"), ""),
                                .t_first_ns = et_value_int(et_value_get(part, "from_ns"), 0),
                                .t_last_ns = et_value_int(et_value_get(part, "to_ns"), 0)};
    }
    const struct et_value *told = et_value_get(json, "losses");
    const size_t n_losses = et_value_count(told);
    struct et_loss *losses = et_arena_array(r->arena, n_losses, sizeof *losses);
    if (!losses)
        return full(r);
    for (size_t i = 0; i < n_losses; i++) {
        const struct et_value *loss = et_value_at(told, i);
        losses[i] = (struct et_loss){et_value_int(et_value_get(loss, "t_ns"), 0),
                                     et_value_bool(et_value_get(loss, "is_dropped"), false),
                                     et_value_text(et_value_get(loss, "text"), "")};
    }
    r->episode->losses = losses;
    r->episode->n_losses = n_losses;
    r->episode->tasks = texts;
    r->episode->n_tasks = n_tasks;
    r->episode->segments = segments;
    r->episode->n_segments = n;
    return ET_OK;
}

static enum et_status read_findings(const struct reading *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    struct et_finding *findings = et_arena_array(r->arena, n, sizeof *findings);
    if (!findings)
        return full(r);
    for (size_t i = 0; i < n; i++) {
        struct et_err inner = {0};
        const enum et_status st =
            et_finding_from_json(et_value_at(list, i), r->arena, &findings[i], &inner);
        if (st != ET_OK)
            return st == ET_ECORRUPT ? bad(r, inner.text) : full(r);
    }
    r->facts->findings = findings;
    r->facts->n_findings = n;
    return ET_OK;
}

static enum et_status read_grade(const struct reading *r, const struct et_value *json)
{
    struct et_grade *grade = &r->facts->grade;
    const char *verdict = et_value_text(et_value_get(json, "verdict"), "keep");
    const struct et_value *list = et_value_get(json, "findings");
    size_t *which = et_arena_array(r->arena, et_value_count(list), sizeof *which);
    bool is_known = false;
    if (!which)
        return full(r);
    for (int i = 0; i <= ET_VERDICT_REJECT; i++) {
        if (strcmp(verdict, et_verdict_text((enum et_verdict)i)) != 0)
            continue;
        grade->verdict = (enum et_verdict)i;
        is_known = true;
    }
    if (!is_known)
        return bad(r, "the grade's verdict is none that is known");
    grade->grading = et_value_text(et_value_get(json, "grading"), NULL);
    grade->reason = et_value_text(et_value_get(json, "reason"), "");
    for (size_t i = 0; i < et_value_count(list); i++) {
        const int64_t k = et_value_int(et_value_at(list, i), -1);
        if (k >= 0 && (size_t)k < r->facts->n_findings)
            which[grade->n_findings++] = (size_t)k;
    }
    grade->i_findings = which;
    return ET_OK;
}

static enum et_status read_lags(const struct reading *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    struct et_stream_lag *lags = et_arena_array(r->arena, n, sizeof *lags);
    if (!lags)
        return full(r);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *value = et_value_at(list, i);
        lags[i] = (struct et_stream_lag){
            .command = et_value_text(et_value_get(value, "command"), NULL),
            .state = et_value_text(et_value_get(value, "state"), NULL),
            .is_known = et_value_bool(et_value_get(value, "is_known"), false),
            .lag_s = et_value_real(et_value_get(value, "lag_s"), (double)NAN),
            .sigma_s = et_value_real(et_value_get(value, "sigma_s"), (double)NAN),
            .confidence = et_value_real(et_value_get(value, "confidence"), 0)};
    }
    r->facts->lags = lags;
    r->facts->n_lags = n;
    return ET_OK;
}

/* Files of before there was a `latency` have it in the finding of that kind. */
static void read_latency(const struct reading *r, const struct et_value *value)
{
    struct et_episode_facts *facts = r->facts;
    facts->latency = (struct et_stream_lag){
        .is_known = et_value_bool(et_value_get(value, "is_known"), false),
        .lag_s = et_value_real(et_value_get(value, "lag_s"), (double)NAN),
        .sigma_s = et_value_real(et_value_get(value, "sigma_s"), (double)NAN),
        .confidence = et_value_real(et_value_get(value, "confidence"), 0)};
    for (size_t i = 0; i < facts->n_findings && !value; i++)
        if (strcmp(facts->findings[i].kind, "latency") == 0 && !facts->latency.is_known) {
            facts->latency.lag_s = facts->findings[i].value;
            facts->latency.is_known = isfinite(facts->latency.lag_s);
        }
}

static enum et_status read_remarks(struct reading *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    r->remarks = et_arena_array(r->arena, n + r->episode->n_tracks + r->episode->n_videos,
                                sizeof *r->remarks);
    if (!r->remarks)
        return full(r);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *value = et_value_at(list, i);
        struct et_remark *remark = &r->remarks[i];
        remark->where = et_value_text(et_value_get(value, "where"), "");
        remark->text = et_value_text(et_value_get(value, "text"), "");
        remark->severity = ET_SEVERITY_WARN;
        (void)et_severity_parse(et_value_text(et_value_get(value, "severity"), ""),
                                &remark->severity);
    }
    r->episode->remarks = r->remarks;
    r->episode->n_remarks = n;
    return ET_OK;
}

static void read_head(const struct reading *r, const struct et_value *json)
{
    struct et_episode *episode = r->episode;
    struct et_episode_facts *facts = r->facts;
    const struct et_value *recording = et_value_get(json, "recording");
    episode->id = et_value_text(et_value_get(json, "id"), r->folder);
    episode->index = et_value_int(et_value_get(json, "index"), 0);
    episode->source = r->folder;
    episode->robot = et_value_text(et_value_get(json, "robot"), NULL);
    episode->rate_hz = et_value_real(et_value_get(json, "rate_hz"), 0);
    episode->n_rows = et_value_int(et_value_get(json, "n_rows"), 0);
    episode->n_rows_claimed = -1;
    episode->outcome = et_value_text(et_value_get(json, "outcome"), NULL);
    episode->was_cut = et_value_bool(et_value_get(json, "was_cut"), false);
    facts->recording_id = et_value_text(et_value_get(recording, "id"), "");
    facts->recording = et_value_text(et_value_get(recording, "path"), NULL);
    facts->format = et_value_text(et_value_get(recording, "format"), NULL);
    facts->device = et_value_text(et_value_get(recording, "device"), NULL);
    facts->profile = et_value_text(et_value_get(json, "profile"), NULL);
    facts->profile_digest = et_value_text(et_value_get(json, "profile_digest"), NULL);
    facts->cut_by = et_value_text(et_value_get(json, "cut_by"), NULL);
    facts->trainer = et_value_text(et_value_get(json, "trainer"), NULL);
    facts->station = et_value_text(et_value_get(json, "station"), NULL);
    facts->scenario = et_value_text(et_value_get(json, "scenario"), NULL);
    facts->skill = et_value_text(et_value_get(json, "skill"), NULL);
    facts->json = json;
}

static enum et_status read_json(struct reading *r)
{
    char path[ET_PATH_BYTES_MAX];
    const struct et_value *json = NULL;
    enum et_status st = et__episode_path(path, r->folder, "episode.json", r->err);
    if (st == ET_OK)
        st = et_json_read(path, ET__EPISODE_JSON_BYTES_MAX, NULL, r->arena, &json, r->err);
    if (st != ET_OK)
        return st;
    if (json->kind != ET_VALUE_MAP)
        return bad(r, "is no map");
    const int64_t version = et_value_int(et_value_get(json, "version"), 0);
    if (version != ET__EPISODE_VERSION)
        return et_fail(r->err, ET_EUNSUPPORTED, -1,
                       "%.120s/episode.json: version %lld is not known, %d is", r->folder,
                       (long long)version, ET__EPISODE_VERSION);
    read_head(r, json);
    if (!et__time_kind_parse(et_value_text(et_value_get(json, "time"), NULL),
                             &r->episode->time_kind))
        return bad(r, "\"time\" is none of measured, synthetic, missing");
    if ((st = read_streams(r, et_value_get(json, "streams"))) != ET_OK ||
        (st = read_cameras(r, et_value_get(json, "cameras"))) != ET_OK ||
        (st = read_words(r, json)) != ET_OK ||
        (st = read_findings(r, et_value_get(json, "findings"))) != ET_OK ||
        (st = read_grade(r, et_value_get(json, "grade"))) != ET_OK ||
        (st = read_lags(r, et_value_get(json, "lags"))) != ET_OK)
        return st;
    read_latency(r, et_value_get(json, "latency"));
    return read_remarks(r, et_value_get(json, "remarks"));
}

enum et_status et_episode_read_facts(const char *folder, struct et_arena *arena,
                                     struct et_episode *episode, struct et_episode_facts *facts,
                                     struct et_err *err)
{
    assert(folder && arena && episode && facts);
    *episode = (struct et_episode){0};
    *facts = (struct et_episode_facts){0};
    struct reading r = {
        .folder = folder, .arena = arena, .episode = episode, .facts = facts, .err = err};
    return read_json(&r);
}

/* ---- tracks ---- */

/* A track's columns as they are read. */
struct columns {
    int64_t n;
    int64_t *t_ns, *t_device_ns, *t_arrival_ns;
    float *values;
};

static enum et_status read_column(struct et_parquet_reader *reader, const char *name,
                                  enum et_parquet_type type, size_t width, void *to,
                                  struct et_err *err)
{
    const int leaf = et_parquet_find(reader, name);
    struct et_parquet_cursor *cursor = NULL;
    if (leaf < 0 || et_parquet_leaf(reader, (size_t)leaf)->type != type)
        return et_fail(err, ET_ECORRUPT, -1, "there is no column %s of its type", name);
    enum et_status st = et_parquet_cursor_open(&cursor, reader, (size_t)leaf, err);
    if (st == ET_OK)
        st = et_parquet_cursor_rows(cursor, 0, et_parquet_n_rows(reader), width, to, err);
    et_parquet_cursor_close(cursor);
    return st;
}

static bool is_in_reach(int64_t t_ns)
{
    return t_ns >= -TIME_NS_MAX && t_ns <= TIME_NS_MAX;
}

static enum et_status check_times(const struct columns *c, struct et_err *err)
{
    for (int64_t i = 0; i < c->n; i++) {
        if (i > 0 && c->t_ns[i] < c->t_ns[i - 1])
            return et_fail(err, ET_ECORRUPT, i, "t_ns falls in row %lld", (long long)i);
        if (!is_in_reach(c->t_ns[i]) || !is_in_reach(c->t_device_ns[i]) ||
            !is_in_reach(c->t_arrival_ns[i]))
            return et_fail(err, ET_ECORRUPT, i, "a time that is none in row %lld", (long long)i);
    }
    return ET_OK;
}

static enum et_status read_columns(const struct reading *r, struct et_parquet_reader *reader,
                                   size_t width, struct columns *c, struct et_err *err)
{
    const size_t n = (size_t)et_parquet_n_rows(reader);
    *c = (struct columns){.n = (int64_t)n};
    c->t_ns = et_arena_array(r->arena, n, sizeof *c->t_ns);
    c->t_device_ns = et_arena_array(r->arena, n, sizeof *c->t_device_ns);
    c->t_arrival_ns = et_arena_array(r->arena, n, sizeof *c->t_arrival_ns);
    if (!c->t_ns || !c->t_device_ns || !c->t_arrival_ns)
        return et_arena_fail(r->arena, "an episode", err);
    if (n == 0)
        return ET_OK;
    enum et_status st = read_column(reader, "t_ns", ET_PARQUET_INT64, 1, c->t_ns, err);
    if (st == ET_OK)
        st = read_column(reader, "t_device_ns", ET_PARQUET_INT64, 1, c->t_device_ns, err);
    if (st == ET_OK)
        st = read_column(reader, "t_arrival_ns", ET_PARQUET_INT64, 1, c->t_arrival_ns, err);
    if (st == ET_OK)
        st = check_times(c, err);
    if (st != ET_OK || width == 0)
        return st;
    c->values = et_arena_array(r->arena, n, width * sizeof *c->values);
    if (!c->values)
        return et_arena_fail(r->arena, "an episode", err);
    return read_column(reader, "value", ET_PARQUET_FLOAT, width, c->values, err);
}

/* A table of `n` rows; what is wrong with it is a remark. *c stays empty then. */
static enum et_status read_table(struct reading *r, const char *stream, size_t n, size_t width,
                                 struct columns *c)
{
    char path[ET_PATH_BYTES_MAX];
    struct et_err inner = {0};
    struct et_parquet_reader *reader = NULL;
    *c = (struct columns){0};
    enum et_status st = et__track_path(path, r->folder, stream, r->err);
    if (st != ET_OK)
        return st;
    st = et_parquet_open(&reader, path, NULL, &inner);
    if (st == ET_OK && et_parquet_n_rows(reader) != (int64_t)n)
        st = et_fail(&inner, ET_ECORRUPT, -1, "it has %lld rows, episode.json says %zu",
                     (long long)et_parquet_n_rows(reader), n);
    if (st == ET_OK)
        st = read_columns(r, reader, width, c, &inner);
    et_parquet_close(reader);
    if (st == ET_OK || st == ET_ENOMEM || st == ET_ELIMIT) {
        if (st != ET_OK && r->err)
            *r->err = inner;
        return st;
    }
    struct et_remark *remark = &r->remarks[r->episode->n_remarks++];
    remark->severity = ET_SEVERITY_ERROR;
    remark->where = et_arena_printf(r->arena, "tracks/%s.parquet", stream);
    remark->text = et_arena_printf(r->arena, "%s", inner.text);
    *c = (struct columns){0};
    return remark->where && remark->text ? ET_OK : full(r);
}

static bool is_any(const int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] != 0)
            return true;
    return false;
}

static enum et_status read_track(struct reading *r, struct et_track *track)
{
    const size_t width = track->stream.n_values;
    struct columns c;
    const enum et_status st = read_table(r, track->stream.name, track->n_samples, width, &c);
    if (st != ET_OK)
        return st;
    track->n_samples = (size_t)c.n;
    double *values =
        et_arena_array(r->arena, track->n_samples, (width ? width : 1) * sizeof *values);
    if (!values)
        return full(r);
    for (size_t i = 0; i < track->n_samples * width; i++)
        values[i] = (double)c.values[i];
    track->values = values;
    track->t_ns = c.t_ns;
    track->t_device_ns = is_any(c.t_device_ns, track->n_samples) ? c.t_device_ns : NULL;
    track->t_arrival_ns = is_any(c.t_arrival_ns, track->n_samples) ? c.t_arrival_ns : NULL;
    return ET_OK;
}

static enum et_status read_frames(struct reading *r, struct et_video_ref *video,
                                  const struct et_value *json)
{
    struct columns c;
    if (!et_value_bool(et_value_get(json, "has_times"), false))
        return ET_OK;
    const enum et_status st = read_table(r, video->stream.name, (size_t)video->n_frames, 0, &c);
    if (st != ET_OK)
        return st;
    video->n_frames = c.n;
    video->t_ns = c.t_ns;
    video->t_device_ns = is_any(c.t_device_ns, (size_t)c.n) ? c.t_device_ns : NULL;
    video->t_arrival_ns = is_any(c.t_arrival_ns, (size_t)c.n) ? c.t_arrival_ns : NULL;
    return ET_OK;
}

enum et_status et_episode_read(const char *folder, struct et_arena *arena,
                               struct et_episode *episode, struct et_episode_facts *facts,
                               struct et_err *err)
{
    assert(folder && arena && episode && facts);
    *episode = (struct et_episode){0};
    *facts = (struct et_episode_facts){0};
    struct reading r = {
        .folder = folder, .arena = arena, .episode = episode, .facts = facts, .err = err};
    enum et_status st = read_json(&r);
    struct et_track *tracks = (struct et_track *)(uintptr_t)episode->tracks; // ours, just made
    struct et_video_ref *videos = (struct et_video_ref *)(uintptr_t)episode->videos;
    for (size_t i = 0; st == ET_OK && i < episode->n_tracks; i++)
        st = read_track(&r, &tracks[i]);
    const struct et_value *cameras = et_value_get(facts->json, "cameras");
    for (size_t i = 0; st == ET_OK && i < episode->n_videos; i++)
        st = read_frames(&r, &videos[i], et_value_at(cameras, i));
    return st;
}

/* ---- folders of episodes ---- */

struct listing {
    struct et_arena *arena;
    struct et_episode_place *places;
    size_t n, cap;
};

static bool is_there(struct et_arena *arena, const char *folder, const char *name)
{
    const char *path = et_path_join(arena, folder, name);
    enum et_path_kind kind;
    return path && et_path_kind(path, &kind, NULL) == ET_OK && kind == ET_PATH_FILE;
}

static enum et_status add_place(struct listing *l, const char *folder, struct et_err *err)
{
    const char *above = et_path_dir(l->arena, folder);
    int64_t index = 0;
    if (l->n == l->cap) {
        const size_t cap = l->cap ? 2 * l->cap : 64;
        struct et_episode_place *places = et_arena_array(l->arena, cap, sizeof *places);
        if (!places)
            return et_arena_fail(l->arena, "a list of episodes", err);
        if (l->n > 0)
            memcpy(places, l->places, l->n * sizeof *places);
        l->places = places;
        l->cap = cap;
    }
    if (!above)
        return et_arena_fail(l->arena, "a list of episodes", err);
    (void)et_str_to_int64(et_str(et_path_base(folder)), &index);
    l->places[l->n++] = (struct et_episode_place){
        .folder = folder, .recording_id = et_path_base(above), .index = index};
    return ET_OK;
}

/* "1000" comes behind "999". */
static int compare_places(const void *a, const void *b)
{
    const struct et_episode_place *p = a, *q = b;
    const int by_recording = strcmp(p->recording_id, q->recording_id);
    if (by_recording != 0)
        return by_recording;
    return p->index != q->index ? (p->index < q->index ? -1 : 1) : strcmp(p->folder, q->folder);
}

/* The episodes in a recording's folder. */
static enum et_status list_recording(struct listing *l, const char *folder, struct et_err *err)
{
    const char *const *names;
    size_t n;
    enum et_status st = et_dir_list(folder, l->arena, &names, &n, err);
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        const char *path = et_path_join(l->arena, folder, names[i]);
        if (!path)
            return et_arena_fail(l->arena, "a list of episodes", err);
        if (!et_str_ends(et_str(path), ET_FILE_PART_SUFFIX) &&
            is_there(l->arena, path, "episode.json"))
            st = add_place(l, path, err);
    }
    return st;
}

enum et_status et_episode_list(const char *folder, struct et_arena *arena,
                               const struct et_episode_place **places, size_t *n_places,
                               struct et_err *err)
{
    assert(folder && arena && places && n_places);
    struct listing l = {.arena = arena};
    enum et_path_kind kind;
    enum et_status st = et_path_kind(folder, &kind, err);
    const char *const *names = NULL;
    size_t n = 0;
    if (st == ET_OK && kind != ET_PATH_DIR)
        return et_fail(err, ET_ENOTFOUND, -1, "%.150s: there is no such folder", folder);
    if (st == ET_OK && is_there(arena, folder, "episode.json"))
        st = add_place(&l, folder, err);
    else if (st == ET_OK)
        st = list_recording(&l, folder, err);
    if (st == ET_OK && l.n == 0)
        st = et_dir_list(folder, arena, &names, &n, err);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        const char *path = et_path_join(arena, folder, names[i]);
        if (!path)
            return et_arena_fail(arena, "a list of episodes", err);
        if (!et_str_ends(et_str(path), ET_FILE_PART_SUFFIX) &&
            is_there(arena, path, "recording.json"))
            st = list_recording(&l, path, err);
    }
    if (st == ET_OK && l.n == 0)
        st = et_fail(err, ET_ENOTFOUND, -1, "%.150s: there are no episodes in it", folder);
    if (st == ET_OK)
        qsort(l.places, l.n, sizeof *l.places, compare_places);
    *places = l.places;
    *n_places = l.n;
    return st;
}
