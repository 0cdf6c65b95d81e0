#include "etude/inspect.h"

#include "curate/curate__inspect.h"

#include <assert.h>
#include <math.h>

static const struct et__inspector *const INSPECTORS[] = {
#define X(name) &et__inspect_##name,
    ET__INSPECTOR_MAP(X)
#undef X
};

static const struct et_inspector *const ABOUT[] = {
#define X(name) &et__inspect_##name.about,
    ET__INSPECTOR_MAP(X)
#undef X
};

enum {
#define X(name) I_##name,
    ET__INSPECTOR_MAP(X)
#undef X
        N_INSPECTORS
};

const struct et_inspector *const *et_inspectors(size_t *n)
{
    *n = N_INSPECTORS;
    return ABOUT;
}

const struct et_inspector *et_inspector_find(const char *kind)
{
    for (size_t i = 0; kind && i < N_INSPECTORS; i++)
        if (strcmp(ABOUT[i]->kind, kind) == 0)
            return ABOUT[i];
    return NULL;
}

/* ---- settings ---- */

static bool has_param(const struct et_inspector *inspector, const char *param)
{
    for (const struct et_inspect_param *p = inspector->params; p->name; p++)
        if (strcmp(p->name, param) == 0)
            return true;
    return false;
}

static enum et_status check_settings(const struct et_inspect_settings *settings, struct et_err *err)
{
    for (size_t i = 0; i < settings->n_items; i++) {
        const struct et_inspect_setting *item = &settings->items[i];
        const struct et_inspector *inspector = et_inspector_find(item->kind);
        if (!inspector)
            return et_fail(err, ET_EARG, -1, "there is no inspector \"%.80s\"", item->kind);
        if (!has_param(inspector, item->param))
            return et_fail(err, ET_EARG, -1, "the inspector \"%s\" has no parameter \"%.80s\"",
                           item->kind, item->param);
        if (!isfinite(item->value))
            return et_fail(err, ET_EARG, -1, "%s.%s must be a finite number", item->kind,
                           item->param);
    }
    for (size_t i = 0; i < settings->n_kinds_off; i++)
        if (!et_inspector_find(settings->kinds_off[i]))
            return et_fail(err, ET_EARG, -1, "there is no inspector \"%.80s\"",
                           settings->kinds_off[i]);
    return ET_OK;
}

static bool is_on(const struct et_inspect_settings *settings, const char *kind)
{
    for (size_t i = 0; i < settings->n_kinds_off; i++)
        if (strcmp(settings->kinds_off[i], kind) == 0)
            return false;
    return true;
}

/* The parameters of an inspector in its table's order; the last setting of one counts. */
static void fill_params(const struct et_inspector *inspector,
                        const struct et_inspect_settings *settings, double *params)
{
    for (size_t p = 0; inspector->params[p].name; p++) {
        assert(p < ET__PARAMS_MAX);
        params[p] = inspector->params[p].value;
        for (size_t i = 0; i < settings->n_items; i++) {
            const struct et_inspect_setting *item = &settings->items[i];
            if (strcmp(item->kind, inspector->kind) == 0 &&
                strcmp(item->param, inspector->params[p].name) == 0)
                params[p] = item->value;
        }
    }
}

static double setting_of(const struct et_inspector *inspector,
                         const struct et_inspect_settings *settings, const char *param)
{
    double params[ET__PARAMS_MAX] = {0};
    fill_params(inspector, settings, params);
    for (size_t p = 0; inspector->params[p].name; p++)
        if (strcmp(inspector->params[p].name, param) == 0)
            return params[p];
    assert(false);
    return (double)NAN;
}

static struct et_latency_options latency_options(const struct et_inspect_settings *settings)
{
    const struct et_inspector *latency = &et__inspect_latency.about;
    return (struct et_latency_options){
        .lag_max_s = setting_of(latency, settings, "lag_max_s"),
        .speed_min = setting_of(latency, settings, "speed_min"),
        .confidence_min = setting_of(latency, settings, "confidence_min"),
    };
}

/* ---- an episode ---- */

/* Runs every inspector of a scope that is on. camera is NULL but for FRAMES. */
static enum et_status run_all(struct et__look *look, const struct et_inspect_settings *settings,
                              const struct et__camera *camera, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < N_INSPECTORS && st == ET_OK; i++) {
        const struct et__inspector *inspector = INSPECTORS[i];
        const bool is_wanted = camera ? inspector->frames != NULL : inspector->episode != NULL;
        double params[ET__PARAMS_MAX] = {0};
        if (!is_wanted || !is_on(settings, inspector->about.kind))
            continue;
        fill_params(&inspector->about, settings, params);
        look->kind = inspector->about.kind;
        look->params = params;
        st = camera ? inspector->frames(look, camera, err) : inspector->episode(look, err);
    }
    look->params = NULL;
    return st;
}

static bool wants_frames(const struct et_inspect_settings *settings)
{
    for (size_t i = 0; i < N_INSPECTORS; i++)
        if (INSPECTORS[i]->frames && is_on(settings, ABOUT[i]->kind))
            return true;
    return false;
}

static enum et_status look_at_videos(struct et__look *look,
                                     const struct et_inspect_settings *settings, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    if (settings->skip_videos || !wants_frames(settings))
        return ET_OK;
    struct et_stream_motion *motions =
        et_arena_array(look->arena, episode->n_videos, sizeof *motions);
    if (!motions)
        return et_arena_fail(look->arena, "what cameras saw", err);
    look->inspection->motions = motions;
    for (size_t i = 0; i < episode->n_videos && st == ET_OK; i++) {
        const struct et_video_ref *video = &episode->videos[i];
        // Depth pictures have no exposure and no sharpness.
        if (!video->is_present || !video->path || video->stream.quantity == ET_QUANTITY_DEPTH)
            continue;
        struct et__camera camera;
        st = et__camera_measure(look, video, &camera, err);
        if (st == ET_OK)
            st = run_all(look, settings, &camera, err);
        look->inspection->n_frames_seen += (int64_t)camera.n;
        if (st == ET_OK && video->t_ns && camera.n > 0)
            motions[look->inspection->n_motions++] =
                (struct et_stream_motion){video->stream.name, et__motion_of(&camera)};
    }
    return st;
}

static const struct et_inspect_settings NO_SETTINGS;

enum et_status et_inspect_episode(const struct et_episode *episode,
                                  const struct et_inspect_settings *settings,
                                  struct et_arena *arena, struct et_inspection *inspection,
                                  struct et_err *err)
{
    assert(episode && arena && inspection);
    settings = settings ? settings : &NO_SETTINGS;
    *inspection = (struct et_inspection){.findings = {.arena = arena}};
    struct et__look look = {
        .episode = episode,
        .inspection = inspection,
        .findings = &inspection->findings,
        .arena = arena,
    };
    enum et_status st = check_settings(settings, err);
    if (st != ET_OK)
        return st;
    const struct et_latency_options options = latency_options(settings);
    st = et__look_open(&look, is_on(settings, "latency"), &options, err);
    if (st == ET_OK)
        st = run_all(&look, settings, NULL, err);
    if (st == ET_OK)
        st = look_at_videos(&look, settings, err);
    if (st == ET_OK)
        et_episode_digest(episode, &inspection->digest);
    return st;
}

/* ---- a set ---- */

enum et_status et_inspect_set(const struct et_set_claims *claims,
                              const struct et_episode_digest *digests, size_t n_digests,
                              const struct et_inspect_settings *settings,
                              struct et_findings *findings, struct et_err *err)
{
    assert(claims && findings && findings->arena && (digests || n_digests == 0));
    settings = settings ? settings : &NO_SETTINGS;
    struct et__set_look look = {claims, digests, n_digests, findings, NULL, NULL};
    enum et_status st = check_settings(settings, err);
    for (size_t i = 0; i < N_INSPECTORS && st == ET_OK; i++) {
        const struct et__inspector *inspector = INSPECTORS[i];
        double params[ET__PARAMS_MAX] = {0};
        if (!inspector->set || !is_on(settings, inspector->about.kind))
            continue;
        fill_params(&inspector->about, settings, params);
        look.kind = inspector->about.kind;
        look.params = params;
        st = inspector->set(&look, err);
    }
    return st;
}

/* ---- as JSON ---- */

static void put_latency(struct et_json_writer *w, const struct et_latency *latency)
{
    et_json_open_map(w);
    et_json_put_bool(w, "is_known", latency->is_known);
    et_json_put_real(w, "lag_s", latency->is_known ? latency->lag_s : (double)NAN);
    et_json_put_real(w, "sigma_s", latency->is_known ? latency->sigma_s : (double)NAN);
    et_json_put_real(w, "peak", latency->peak);
    et_json_put_real(w, "confidence", latency->confidence);
    et_json_put_int(w, "n_values_used", (int64_t)latency->n_values_used);
    et_json_put_text(w, "why", latency->why ? latency->why : "");
    et_json_close_map(w);
}

void et_inspection_json(struct et_json_writer *w, const struct et_inspection *inspection)
{
    et_json_key(w, "findings");
    et_json_open_list(w);
    for (size_t i = 0; i < inspection->findings.n; i++)
        et_finding_json(w, &inspection->findings.items[i]);
    et_json_close_list(w);
    et_json_put_int(w, "findings_dropped", (int64_t)inspection->findings.n_dropped);
    et_json_key(w, "latency");
    put_latency(w, &inspection->latency);
    et_json_key(w, "latencies");
    et_json_open_list(w);
    for (size_t i = 0; i < inspection->n_latencies; i++) {
        const struct et_stream_latency *item = &inspection->latencies[i];
        et_json_open_map(w);
        et_json_put_text(w, "command", item->command);
        et_json_put_text(w, "state", item->state);
        et_json_key(w, "latency");
        put_latency(w, &item->latency);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    et_json_put_real(w, "idle_fraction", inspection->idle_fraction);
    et_json_put_int(w, "frames_seen", inspection->n_frames_seen);
}
