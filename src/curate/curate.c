#include "curate/curate__align.h"
#include "curate/curate__contact.h"

#include "etude/episode_file.h"
#include "etude/file.h"
#include "etude/hash.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define READER_BYTES ((size_t)64 << 20)
#define EPISODE_BYTES ((size_t)192 << 20)
#define CUT_BYTES ((size_t)128 << 20)
#define CUT_RATE_HZ 50.0
#define MOTION_RATE_HZ 100.0
#define PROFILE_BYTES_MAX ((size_t)1 << 20)
#define JSON_BYTES_MAX ((size_t)256 << 20)

/* What a camera saw move in all episodes so far. */
struct camera {
    const char *stream;
    int64_t *t_ns; // owned, as change and flows
    double *change, *flows;
    size_t n, cap, n_flows; // of a frame
};

struct curating {
    const char *path, *out; // as they were given
    char *real_path;        // owned: episodes refer to it from wherever they lie
    const struct et_curate_options *options;
    struct et_arena *arena; // the caller's: results
    struct et_curated *curated;
    struct et_recording *recording;
    struct et__aligned aligned;
    char folder[ET_PATH_BYTES_MAX]; // of the recording, while it is made
    struct et_cut cut;
    struct et_arena *cut_arena;
    struct et_arena *episode_arena;
    struct et__contacts *contacts; // NULL: not looked for
    char urdf_digest[2 * ET_BLAKE2B_BYTES + 1];
    struct et_curated_episode *episodes;
    struct camera *cameras; // one a stream of pictures
    size_t n_cameras;
    struct et_remark *remarks;
    size_t n_remarks, cap_remarks;
    struct et_err *err;
};

static enum et_status full(const struct curating *c)
{
    return et_arena_fail(c->arena, "the account of a recording", c->err);
}

/* ---- remarks ---- */

static enum et_status remark(struct curating *c, enum et_severity severity, const char *where,
                             const char *fmt, ...) ET_PRINTF(4, 5);
static enum et_status remark(struct curating *c, enum et_severity severity, const char *where,
                             const char *fmt, ...)
{
    struct et_buf text = et_buf(4096);
    va_list args;
    if (c->n_remarks == c->cap_remarks) {
        const size_t cap = c->cap_remarks ? 2 * c->cap_remarks : 32;
        struct et_remark *remarks = et_arena_array(c->arena, cap, sizeof *remarks);
        if (!remarks)
            return full(c);
        if (c->n_remarks > 0)
            memcpy(remarks, c->remarks, c->n_remarks * sizeof *remarks);
        c->remarks = remarks;
        c->cap_remarks = cap;
    }
    va_start(args, fmt);
    et_buf_vprintf(&text, fmt, args);
    va_end(args);
    const char *copy = et_arena_copy(c->arena, text.p ? text.p : "", text.n);
    const char *place = et_arena_copy(c->arena, where, strlen(where));
    et_buf_free(&text);
    if (!copy || !place)
        return full(c);
    c->remarks[c->n_remarks++] = (struct et_remark){severity, place, copy};
    return ET_OK;
}

/* What reading got over, what the profile leaves, what cutting found odd; behind what describe says
 * of robots. */
static enum et_status collect_remarks(struct curating *c)
{
    const struct et_recording_info *info = c->aligned.info;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < info->n_remarks && st == ET_OK; i++)
        st = remark(c, info->remarks[i].is_loss ? ET_SEVERITY_WARN : ET_SEVERITY_INFO,
                    info->remarks[i].where, "%s (%lld)", info->remarks[i].text,
                    (long long)info->remarks[i].n);
    if (st == ET_OK && c->aligned.n_strays > 0)
        st = remark(c, ET_SEVERITY_WARN, "time",
                    "%lld samples were recorded more than a week from all others: left out",
                    (long long)c->aligned.n_strays);
    for (size_t i = 0; i < c->aligned.binding->n_remarks && st == ET_OK; i++)
        st = remark(c, ET_SEVERITY_INFO, "profile", "%s", c->aligned.binding->remarks[i]);
    for (size_t i = 0; i < c->cut.n_remarks && st == ET_OK; i++)
        st = remark(c, ET_SEVERITY_WARN, "cut", "%s", c->cut.remarks[i]);
    return st;
}

/* ---- the output's place ---- */

static enum et_status make_folder(struct curating *c, bool replace)
{
    enum et_path_kind kind;
    const char *last = et_path_join(c->arena, c->out, c->curated->folder);
    if (!last)
        return full(c);
    enum et_status st = et_path_kind(last, &kind, c->err);
    if (st == ET_OK && kind != ET_PATH_NONE && !replace)
        return et_fail(c->err, ET_EEXISTS, -1,
                       "%.100s: the recording's episodes are there already (%s)", c->path, last);
    const int n = snprintf(c->folder, sizeof c->folder, "%s" ET_FILE_PART_SUFFIX, last);
    if (n < 0 || (size_t)n >= sizeof c->folder)
        return et_fail(c->err, ET_EARG, -1, "%.100s: the path is too long", c->out);
    if (st == ET_OK)
        st = et_path_remove(c->folder, c->err); // what a kill left
    return st == ET_OK ? et_dir_make(c->folder, c->err) : st;
}

/* Renames only: the old episodes are there whole, or the new ones. */
static enum et_status put_in_place(struct curating *c)
{
    const char *last = et_path_join(c->arena, c->out, c->curated->folder);
    const char *aside = last ? et_arena_printf(c->arena, "%s.old" ET_FILE_PART_SUFFIX, last) : NULL;
    enum et_path_kind kind = ET_PATH_NONE;
    if (!aside)
        return full(c);
    enum et_status st = et_path_kind(last, &kind, c->err);
    const bool is_there = kind != ET_PATH_NONE; // replaced: make_folder has asked
    if (st == ET_OK && is_there)
        st = et_path_remove(aside, c->err);
    if (st == ET_OK && is_there)
        st = et_file_rename(last, aside, c->err);
    if (st == ET_OK)
        st = et_file_rename(c->folder, last, c->err);
    if (!is_there)
        return st;
    // The old one comes back, or goes; what cannot be removed is removed by the next attempt.
    const enum et_status swept =
        st != ET_OK ? et_file_rename(aside, last, NULL) : et_path_remove(aside, NULL);
    (void)swept;
    return st;
}

/* ---- cameras over all episodes ---- */

static struct camera *find_camera(struct curating *c, const char *stream)
{
    for (size_t i = 0; i < c->n_cameras; i++)
        if (strcmp(c->cameras[i].stream, stream) == 0)
            return &c->cameras[i];
    return NULL;
}

static enum et_status open_cameras(struct curating *c)
{
    const struct et_recording_binding *binding = c->aligned.binding;
    c->cameras = calloc(binding->n_streams + 1, sizeof *c->cameras);
    if (!c->cameras)
        return et_fail(c->err, ET_ENOMEM, -1, "no memory for what cameras saw");
    for (size_t i = 0; i < binding->n_streams; i++)
        if (binding->streams[i].stream.quantity == ET_QUANTITY_IMAGE)
            c->cameras[c->n_cameras++].stream = binding->streams[i].stream.name;
    return ET_OK;
}

static void close_cameras(struct curating *c)
{
    for (size_t i = 0; i < c->n_cameras; i++) {
        free(c->cameras[i].t_ns);
        free(c->cameras[i].change);
        free(c->cameras[i].flows);
    }
    free(c->cameras);
}

/* Room for n more frames. */
static enum et_status grow_camera(struct curating *c, struct camera *camera, size_t n)
{
    const size_t cap = 2 * (camera->n + n);
    if (camera->n + n <= camera->cap)
        return ET_OK;
    int64_t *t_ns = malloc(cap * sizeof *t_ns);
    double *change = malloc(cap * sizeof *change);
    double *flows = malloc((cap * camera->n_flows + 1) * sizeof *flows);
    if (!t_ns || !change || !flows) {
        free(t_ns);
        free(change);
        free(flows);
        return et_fail(c->err, ET_ENOMEM, -1, "no memory for what cameras saw");
    }
    if (camera->n > 0) {
        memcpy(t_ns, camera->t_ns, camera->n * sizeof *t_ns);
        memcpy(change, camera->change, camera->n * sizeof *change);
        memcpy(flows, camera->flows, camera->n * camera->n_flows * sizeof *flows);
    }
    free(camera->t_ns);
    free(camera->change);
    free(camera->flows);
    camera->t_ns = t_ns;
    camera->change = change;
    camera->flows = flows;
    camera->cap = cap;
    return ET_OK;
}

static enum et_status add_motion(struct curating *c, const struct et_stream_motion *from)
{
    struct camera *camera = find_camera(c, from->stream);
    const struct et_camera_motion *motion = &from->motion;
    if (!camera || motion->n == 0)
        return ET_OK;
    camera->n_flows = motion->n_flows; // the same with every episode
    const enum et_status st = grow_camera(c, camera, motion->n);
    if (st != ET_OK)
        return st;
    memcpy(camera->t_ns + camera->n, motion->t_ns, motion->n * sizeof *camera->t_ns);
    memcpy(camera->change + camera->n, motion->change, motion->n * sizeof *camera->change);
    if (motion->n_flows > 0)
        memcpy(camera->flows + camera->n * motion->n_flows, motion->flows,
               motion->n * motion->n_flows * sizeof *camera->flows);
    camera->n += motion->n;
    return ET_OK;
}

/* The latency of every camera, against all that moved in the recording. */
static enum et_status measure_cameras(struct curating *c)
{
    struct et_camera_lag *lags = et_arena_array(c->arena, c->n_cameras, sizeof *lags);
    struct et_arena *scratch = NULL;
    const struct et_track *tracks = NULL;
    size_t n_tracks = 0;
    if (!lags)
        return full(c);
    c->curated->cameras = lags;
    enum et_status st = et_arena_open(&scratch, CUT_BYTES, c->err);
    if (st == ET_OK)
        st = et__align_thin(&c->aligned, MOTION_RATE_HZ, scratch, &tracks, &n_tracks, c->err);
    for (size_t i = 0; i < c->n_cameras && st == ET_OK; i++) {
        const struct camera *camera = &c->cameras[i];
        const struct et_camera_motion motion = {.t_ns = camera->t_ns,
                                                .change = camera->change,
                                                .n = camera->n,
                                                .flows = camera->flows,
                                                .n_flows = camera->n_flows};
        struct et_camera_lag *lag = &lags[c->curated->n_cameras];
        if (camera->n == 0)
            continue;
        st = et_camera_latency_estimate(&motion, tracks, n_tracks, NULL, scratch, &lag->latency,
                                        c->err);
        lag->stream = et_arena_copy(c->arena, camera->stream, strlen(camera->stream));
        if (st == ET_OK && !lag->stream)
            st = full(c);
        c->curated->n_cameras += st == ET_OK;
    }
    et_arena_close(scratch);
    return st == ET_ELIMIT ? remark(c, ET_SEVERITY_WARN, "cameras",
                                    "the recording is too long to measure all cameras' latency")
                           : st;
}

/* ---- one episode ---- */

/* The lags of commands, and of cameras where an inspector measured them. */
static enum et_status list_lags(const struct curating *c, const struct et_inspection *inspection,
                                struct et_episode_facts *facts)
{
    const size_t n = inspection->n_latencies + inspection->findings.n;
    struct et_stream_lag *lags = et_arena_array(c->episode_arena, n, sizeof *lags);
    if (!lags)
        return et_arena_fail(c->episode_arena, "an episode", c->err);
    facts->lags = lags;
    for (size_t i = 0; i < inspection->n_latencies; i++) {
        const struct et_stream_latency *from = &inspection->latencies[i];
        lags[facts->n_lags++] = (struct et_stream_lag){.command = from->command,
                                                       .state = from->state,
                                                       .lag_s = from->latency.lag_s,
                                                       .sigma_s = from->latency.sigma_s,
                                                       .confidence = from->latency.confidence,
                                                       .is_known = from->latency.is_known};
    }
    for (size_t i = 0; i < inspection->findings.n; i++) {
        const struct et_finding *finding = &inspection->findings.items[i];
        if (strcmp(finding->kind, "camera_latency") != 0 || !isfinite(finding->value))
            continue;
        lags[facts->n_lags++] = (struct et_stream_lag){.state = finding->stream,
                                                       .lag_s = finding->value,
                                                       .sigma_s = (double)NAN,
                                                       .is_known = true};
    }
    return ET_OK;
}

static enum et_status judge(struct curating *c, const struct et_episode *episode,
                            struct et_inspection *inspection, struct et_grade *grade)
{
    struct et_inspect_settings settings = {0};
    const struct et_grading *grading = c->options->grading;
    if (grading)
        settings = grading->settings;
    settings.skip_videos = settings.skip_videos || c->options->skip_pictures;
    enum et_status st =
        et_inspect_episode(episode, &settings, c->episode_arena, inspection, c->err);
    *grade = (struct et_grade){.verdict = ET_VERDICT_KEEP, .reason = ""};
    if (st == ET_OK && c->contacts)
        st = et__contacts_find(c->contacts, episode, &inspection->findings, c->err);
    if (st == ET_OK && grading)
        st = et_grading_apply(grading, inspection->findings.items, inspection->findings.n,
                              c->episode_arena, grade, c->err);
    return st;
}

static enum et_status describe_episode(struct curating *c, size_t i, struct et_episode *episode)
{
    const struct et_cut_episode *cut = &c->cut.episodes[i];
    const char *task = c->options->task ? c->options->task : c->aligned.info->task;
    const char **tasks = et_arena_array(c->episode_arena, 1, sizeof *tasks);
    episode->id = et_arena_printf(c->episode_arena, "%s/%03zu", c->curated->folder, i);
    if (!tasks || !episode->id)
        return et_arena_fail(c->episode_arena, "an episode", c->err);
    if (!task && cut->label && cut->label[0] && c->cut.by == ET_CUT_SPANS)
        task = cut->label;
    tasks[0] = task;
    episode->index = (int64_t)i;
    episode->source = c->path;
    episode->robot = c->aligned.binding->profile->id;
    episode->tasks = tasks;
    episode->n_tasks = task ? 1 : 0;
    episode->segments = cut->segments;
    episode->n_segments = cut->n_segments;
    episode->was_cut = cut->was_cut;
    episode->n_rows_claimed = -1;
    const enum et_status st = et__run_losses(&c->aligned, cut->t_first_ns, cut->t_last_ns,
                                             c->episode_arena, episode, c->err);
    return st == ET_OK ? et__run_outcome(&c->aligned, &c->cut, i, c->episode_arena,
                                         &episode->outcome, c->err)
                       : st;
}

/* What the user chose, for the provenance: zeroed choices are the defaults of this version. */
static void put_settings(const struct curating *c, struct et_buf *text)
{
    struct et_json_writer w = {.buf = text};
    const struct et_curate_options *o = c->options;
    struct et_digest digest;
    char grading[2 * ET_BLAKE2B_BYTES + 1];
    et_json_open_map(&w);
    et_json_put_text(&w, "cut", et_cut_by_text(o->cut.by));
    et_json_put_text(&w, "begin", o->cut.begin);
    et_json_put_text(&w, "end", o->cut.end);
    et_json_put_real(&w, "idle_gap_s", o->cut.idle_gap_s);
    et_json_put_real(&w, "trim_keep_s", o->cut.trim_keep_s);
    et_json_put_text(&w, "profile", c->aligned.binding->profile->id);
    if (c->aligned.binding->device)
        et_json_put_text(&w, "device", c->aligned.binding->device);
    et_json_put_text(&w, "task", o->task);
    et_json_put_bool(&w, "skip_pictures", o->skip_pictures);
    if (o->grading) {
        memcpy(digest.bytes, o->grading->digest, sizeof digest.bytes);
        et_digest_text(&digest, grading);
    }
    et_json_put_text(&w, "grading", o->grading ? grading : NULL);
    et_json_put_text(&w, "urdf", c->contacts ? c->urdf_digest : NULL);
    et_json_close_map(&w);
}

static enum et_status write_episode(struct curating *c, const struct et_episode *episode,
                                    const struct et_inspection *inspection,
                                    const struct et_grade *grade, const char *folder)
{
    char digest[2 * ET_BLAKE2B_BYTES + 1];
    const struct et_profile *profile = c->aligned.binding->profile;
    struct et_digest bytes;
    memcpy(bytes.bytes, profile->digest, sizeof bytes.bytes);
    et_digest_text(&bytes, digest);
    struct et_buf settings = et_buf(4096);
    put_settings(c, &settings);
    const struct et_provenance_input input = {
        .path = c->path, .digest = c->curated->content, .n_bytes = c->curated->n_bytes};
    const struct et_provenance provenance = {
        .action = "curate", .settings = et_buf_text(&settings), .inputs = &input, .n_inputs = 1};
    struct et_episode_facts facts = {.recording_id = c->curated->id,
                                     .recording = c->aligned.info->path,
                                     .format = c->aligned.info->format,
                                     .device = c->aligned.binding->device,
                                     .profile = profile->id,
                                     .profile_digest = digest,
                                     .cut_by = et_cut_by_text(c->cut.by),
                                     .findings = inspection->findings.items,
                                     .n_findings = inspection->findings.n,
                                     .grade = *grade,
                                     .latency = {.lag_s = inspection->latency.lag_s,
                                                 .sigma_s = inspection->latency.sigma_s,
                                                 .confidence = inspection->latency.confidence,
                                                 .is_known = inspection->latency.is_known},
                                     .provenance = &provenance};
    et__run_facts(&c->aligned, &facts);
    enum et_status st = list_lags(c, inspection, &facts);
    if (st == ET_OK)
        st = et_episode_write(folder, episode, &facts, c->err);
    et_buf_free(&settings);
    return st;
}

static enum et_status keep_account(struct curating *c, size_t i, const struct et_episode *episode,
                                   const struct et_inspection *inspection,
                                   const struct et_grade *grade)
{
    struct et_curated_episode *to = &c->episodes[c->curated->n_episodes];
    *to = (struct et_curated_episode){
        .folder = et_arena_printf(c->arena, "%s/%03zu", c->curated->folder, i),
        .t_first_ns = et_episode_first_ns(episode),
        .t_last_ns = et_episode_last_ns(episode),
        .grade = {.verdict = grade->verdict,
                  .reason = et_arena_copy(c->arena, grade->reason, strlen(grade->reason))},
        .n_findings = inspection->findings.n,
        .n_segments = episode->n_segments,
        .latency = inspection->latency};
    if (!to->folder || !to->grade.reason)
        return full(c);
    c->curated->n_episodes++;
    c->curated->n_kept += grade->verdict != ET_VERDICT_REJECT;
    return ET_OK;
}

static enum et_status make_episode(struct curating *c, size_t i)
{
    const struct et_cut_episode *cut = &c->cut.episodes[i];
    struct et_episode episode = {0};
    struct et_inspection inspection = {0};
    struct et_grade grade;
    char folder[ET_PATH_BYTES_MAX];
    const int n = snprintf(folder, sizeof folder, "%s/%03zu", c->folder, i);
    if (n < 0 || (size_t)n >= sizeof folder)
        return et_fail(c->err, ET_EARG, -1, "%.100s: the path is too long", c->out);
    enum et_status st = et__align_episode(&c->aligned, cut->t_first_ns, cut->t_last_ns,
                                          c->episode_arena, &episode, c->err);
    if (st == ET_OK)
        st = describe_episode(c, i, &episode);
    if (st == ET_OK)
        st = judge(c, &episode, &inspection, &grade);
    for (size_t k = 0; st == ET_OK && k < inspection.n_motions; k++)
        st = add_motion(c, &inspection.motions[k]);
    if (st == ET_OK)
        st = write_episode(c, &episode, &inspection, &grade, folder);
    if (st == ET_OK)
        st = keep_account(c, i, &episode, &inspection, &grade);
    if (st != ET_ELIMIT)
        return st;
    // What is too long for memory is told, and the others go on.
    const enum et_status swept = et_path_remove(folder, c->err);
    if (swept != ET_OK)
        return swept;
    return remark(c, ET_SEVERITY_ERROR, "episode",
                  "%03zu lasts %.0f s, which is more than fits into memory: cut it, or allow more",
                  i, (double)(cut->t_last_ns - cut->t_first_ns) * 1e-9);
}

static enum et_status make_episodes(struct curating *c)
{
    const size_t limit = c->options->episode_bytes ? c->options->episode_bytes : EPISODE_BYTES;
    c->episodes = et_arena_array(c->arena, c->cut.n_episodes, sizeof *c->episodes);
    c->curated->episodes = c->episodes;
    if (!c->episodes)
        return full(c);
    enum et_status st = ET_OK;
    for (size_t i = 0; i < c->cut.n_episodes && st == ET_OK; i++) {
        st = et_arena_open(&c->episode_arena, limit, c->err);
        if (st == ET_OK)
            st = make_episode(c, i);
        et_arena_close(c->episode_arena);
        c->episode_arena = NULL;
        const struct et_curate_options *o = c->options;
        if (st == ET_OK && o->progress &&
            !o->progress(o->progress_ctx, c->curated->n_bytes, c->curated->n_bytes, i + 1))
            st = et_fail(c->err, ET_ECANCELLED, -1, "cancelled");
    }
    return st;
}

/* ---- the recording as a whole ---- */

/* The URDF that was asked for has to be there and sound; the profile's is looked for beside it. One
 * that does not have the robot's joints is another robot's: several recordings may be curated. */
static enum et_status open_contacts(struct curating *c)
{
    const struct et_profile *profile = c->aligned.binding->profile;
    const char *path = c->options->urdf;
    const char *why = NULL;
    enum et_path_kind kind;
    if (!path && profile->urdf) {
        const char *dir = et_path_dir(c->arena, profile->path);
        path = dir ? et_path_join(c->arena, dir, profile->urdf) : NULL;
        if (!path)
            return full(c);
    }
    if (!path)
        return ET_OK;
    enum et_status st = et_path_kind(path, &kind, c->err);
    if (st == ET_OK && kind == ET_PATH_NONE)
        return c->options->urdf ? et_fail(c->err, ET_ENOTFOUND, -1, "%s: no such file", path)
                                : remark(c, ET_SEVERITY_INFO, "urdf",
                                         "%s is not there: no contact is looked for", path);
    struct et_err inner = {0};
    struct et_digest digest;
    if (st == ET_OK)
        st = et_blake2b_file(path, &digest, c->err);
    if (st == ET_OK) {
        et_digest_text(&digest, c->urdf_digest);
        st = et__contacts_open(&c->contacts, path, c->aligned.binding, &why, &inner);
    }
    if (st == ET_ENOTFOUND)
        return remark(c, ET_SEVERITY_WARN, "urdf", "%s: no contact is looked for", inner.text);
    if (st != ET_OK && c->err && inner.text[0])
        *c->err = inner;
    return st == ET_OK && why ? remark(c, ET_SEVERITY_INFO, "urdf", "%s", why) : st;
}

static enum et_status cut_it(struct curating *c)
{
    struct et__aligned *a = &c->aligned;
    enum et_status st = et_arena_open(&c->cut_arena, CUT_BYTES, c->err);
    const struct et_track *tracks = NULL;
    size_t n_tracks = 0;
    if (st == ET_OK)
        st = et__align_thin(a, CUT_RATE_HZ, c->cut_arena, &tracks, &n_tracks, c->err);
    if (st != ET_OK)
        return st;
    const struct et_cut_input input = {.tracks = tracks,
                                       .n_tracks = n_tracks,
                                       .marks = a->marks,
                                       .n_marks = a->n_marks,
                                       .spans = a->info->spans,
                                       .n_spans = a->info->n_spans,
                                       .t_first_ns = a->t_first_ns,
                                       .t_last_ns = a->t_last_ns};
    return et_cut(&input, &c->options->cut, c->cut_arena, &c->cut, c->err);
}

static enum et_status list_streams(struct curating *c)
{
    const struct et__aligned *a = &c->aligned;
    const size_t n = a->binding->n_streams;
    struct et_curated_stream *streams = et_arena_array(c->arena, n, sizeof *streams);
    if (!streams)
        return full(c);
    for (size_t i = 0; i < n; i++)
        streams[i] = (struct et_curated_stream){
            .recorded = &a->binding->streams[i],
            .topic = a->info->channels[a->binding->streams[i].i_channel].topic,
            .n_samples = a->streams[i].n,
            .rate_hz = a->streams[i].rate_hz,
            .clock = a->streams[i].clock};
    c->curated->streams = streams;
    c->curated->n_streams = n;
    return ET_OK;
}

static const char *why_none(const struct curating *c)
{
    const struct et__aligned *a = &c->aligned;
    const enum et_cut_by by = c->options->cut.by;
    if (c->curated->n_episodes > 0)
        return "";
    for (size_t i = 0; i < a->info->n_remarks && a->info->n_channels == 0; i++)
        if (a->info->remarks[i].is_loss)
            return et_arena_printf(c->arena, "nothing of it could be read: %s",
                                   a->info->remarks[i].text);
    if (a->binding->unfit && a->info->n_channels > 0)
        return et_arena_printf(c->arena, "%s", a->binding->unfit);
    if (a->binding->n_streams == 0)
        return "no rule of the profile leads from a topic of this recording: etude profile guess "
               "drafts one that does";
    if (a->n_samples == 0)
        return "none of the profile's topics has messages";
    if (c->cut.n_too_short > 0 || a->t_last_ns - a->t_first_ns < 1000000000)
        return "it is too short for an episode";
    if (c->cut.n_episodes == 0 && by == ET_CUT_MARKS)
        return a->n_marks ? "none of its marks begins or ends an episode: etude cat shows their "
                            "words, --begin and --end take them"
                          : "it has no marks, which --cut marks goes by";
    if (c->cut.n_episodes == 0 && by == ET_CUT_SPANS)
        return "it names no spans, which --cut spans goes by";
    if (c->cut.n_episodes == 0)
        return "nothing moves in it";
    return "its episodes are too long for memory";
}

/* The profile goes with what was made by it: pictures are found by its rules, and the user's file
 * may change, or be no more. */
static enum et_status keep_profile(struct curating *c)
{
    const struct et_profile *profile = c->aligned.binding->profile;
    const char *name = et_arena_printf(c->arena, "%s.yaml", profile->id);
    const char *path = name ? et_path_join(c->arena, c->folder, name) : NULL;
    struct et_str text = c->aligned.binding->attached;
    if (!path)
        return full(c);
    const enum et_status st =
        text.n ? ET_OK : et_file_read(profile->path, PROFILE_BYTES_MAX, c->arena, &text, c->err);
    return st == ET_OK ? et_file_replace(path, text.p, text.n, c->err) : st;
}

static enum et_status write_account(struct curating *c)
{
    struct et_buf text = et_buf(JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &text, .indent = 1};
    const char *path = et_path_join(c->arena, c->folder, "recording.json");
    et_json_open_map(&w);
    et_json_put_int(&w, "version", 1);
    et_curated_json(&w, c->curated);
    et_json_close_map(&w);
    et_buf_printf(&text, "\n");
    enum et_status st = path ? ET_OK : full(c);
    if (st == ET_OK && text.status != ET_OK)
        st = et_fail(c->err, text.status, -1, "%.150s: recording.json is too long", c->folder);
    if (st == ET_OK)
        st = et_file_replace(path, text.p, text.n, c->err);
    et_buf_free(&text);
    return st;
}

/* Streams and texts that the account points to go with the recording: the caller gets copies. */
static enum et_status detach(struct curating *c)
{
    struct et_curated_stream *streams = (struct et_curated_stream *)(uintptr_t)c->curated->streams;
    for (size_t i = 0; i < c->curated->n_streams; i++) {
        struct et_recorded_stream *copy =
            et_arena_copy(c->arena, streams[i].recorded, sizeof *copy);
        const char *name = copy ? et_arena_printf(c->arena, "%s", copy->stream.name) : NULL;
        if (!name)
            return full(c);
        copy->stream = (struct et_stream){.name = name,
                                          .part = copy->stream.part,
                                          .quantity = copy->stream.quantity,
                                          .is_command = copy->stream.is_command,
                                          .n_values = copy->stream.n_values};
        const char *const texts[] = {copy->field, copy->stamp, streams[i].topic};
        const char *kept[3] = {NULL, NULL, NULL};
        for (size_t k = 0; k < 3; k++) {
            kept[k] = texts[k] ? et_arena_copy(c->arena, texts[k], strlen(texts[k])) : NULL;
            if (texts[k] && !kept[k])
                return full(c);
        }
        copy->field = kept[0];
        copy->stamp = kept[1];
        streams[i].topic = kept[2];
        streams[i].recorded = copy;
        struct et_clock_model *clock =
            streams[i].clock ? et_arena_copy(c->arena, streams[i].clock, sizeof *clock) : NULL;
        if (clock) {
            struct et_clock_run *runs =
                et_arena_copy(c->arena, clock->runs, clock->n_runs * sizeof *clock->runs);
            for (size_t k = 0; runs && k < clock->n_runs; k++) {
                runs[k].knots = NULL; // they are in recording.json
                runs[k].n_knots = 0;
            }
            clock->runs = runs;
            clock->n_runs = runs ? clock->n_runs : 0;
        }
        streams[i].clock = clock;
    }
    return ET_OK;
}

/* Copies: the names go with the recording. */
static enum et_status list_devices(struct curating *c)
{
    const struct et_recording_binding *binding = et_recording_binding(c->recording);
    const size_t n = binding->n_devices;
    struct et_recorded_device *devices = et_arena_array(c->arena, n, sizeof *devices);
    if (!devices)
        return full(c);
    for (size_t i = 0; i < n; i++) {
        const char *name = binding->devices[i].name;
        devices[i] = binding->devices[i];
        devices[i].name = et_arena_copy(c->arena, name, strlen(name));
        if (!devices[i].name)
            return full(c);
    }
    c->curated->devices = devices;
    c->curated->n_devices = n;
    return ET_OK;
}

static enum et_status describe(struct curating *c)
{
    const struct et_recording_info *info = et_recording_info(c->recording);
    const struct et_recording_binding *binding = et_recording_binding(c->recording);
    struct et_curated *to = c->curated;
    to->path = et_arena_copy(c->arena, c->path, strlen(c->path));
    to->format = info->format;
    to->n_bytes = info->n_bytes;
    to->profile = et_arena_copy(c->arena, binding->profile->id, strlen(binding->profile->id));
    to->profile_by = binding->by;
    if (binding->device)
        to->device = et_arena_copy(c->arena, binding->device, strlen(binding->device));
    to->why = "";
    if (!to->path || !to->profile || (binding->device && !to->device))
        return full(c);
    enum et_status st = list_devices(c);
    for (size_t i = 0; i < binding->n_warnings && st == ET_OK; i++)
        st = remark(c, ET_SEVERITY_WARN, "robot", "%s", binding->warnings[i]);
    to->remarks = c->remarks; // so far: also of a recording that is there already
    to->n_remarks = c->n_remarks;
    return st == ET_OK ? et__curate_id(c->recording, c->out, c->arena, to, c->err) : st;
}

static enum et_status run(struct curating *c, bool replace)
{
    struct et_curated *to = c->curated;
    const struct et_recording_options how = {
        .memory_bytes = c->options->memory_bytes ? c->options->memory_bytes : READER_BYTES,
        .device = c->options->device};
    c->real_path = realpath(c->path, NULL);
    enum et_status st =
        et_recording_open(&c->recording, c->real_path ? c->real_path : c->path, &how, c->err);
    if (st == ET_OK)
        st = et_recording_use_profile(c->recording, c->options->profile, c->err);
    if (st == ET_OK)
        st = describe(c);
    if (st == ET_OK)
        st = make_folder(c, replace);
    if (st == ET_OK)
        st = et__align_open(&c->aligned, c->recording, c->folder, c->options, c->err);
    if (st != ET_OK)
        return st;
    to->n_samples = c->aligned.n_samples;
    st = open_contacts(c);
    if (st == ET_OK && c->aligned.n_samples > 0 && !c->aligned.binding->unfit)
        st = cut_it(c);
    if (st == ET_OK)
        st = open_cameras(c);
    if (st == ET_OK)
        st = make_episodes(c);
    if (st == ET_OK)
        st = measure_cameras(c);
    if (st == ET_OK)
        st = list_streams(c);
    if (st == ET_OK)
        st = collect_remarks(c);
    if (st != ET_OK)
        return st;
    to->cut_by = c->cut.by;
    to->n_too_short = c->cut.n_too_short;
    to->remarks = c->remarks;
    to->n_remarks = c->n_remarks;
    to->why = why_none(c);
    if (!to->why)
        return full(c);
    st = keep_profile(c);
    if (st == ET_OK)
        st = write_account(c);
    if (st == ET_OK)
        st = put_in_place(c);
    return st == ET_OK ? detach(c) : st;
}

enum et_status et_curate(const char *path, const char *out, bool replace,
                         const struct et_curate_options *options, struct et_arena *arena,
                         struct et_curated *curated, struct et_err *err)
{
    assert(path && out && options && arena && curated);
    struct curating *c = calloc(1, sizeof *c);
    *curated = (struct et_curated){0};
    if (!c)
        return et_fail(err, ET_ENOMEM, -1, "no memory for curating");
    *c = (struct curating){.path = path,
                           .out = out,
                           .options = options,
                           .arena = arena,
                           .curated = curated,
                           .err = err};
    const enum et_status st = run(c, replace);
    et__align_close(&c->aligned);
    close_cameras(c);
    et__contacts_close(c->contacts);
    et_arena_close(c->cut_arena);
    et_recording_close(c->recording);
    free(c->real_path);
    // What cannot be removed is removed by the next attempt.
    const enum et_status swept =
        st != ET_OK && c->folder[0] ? et_path_remove(c->folder, NULL) : ET_OK;
    (void)swept;
    free(c);
    return st;
}
