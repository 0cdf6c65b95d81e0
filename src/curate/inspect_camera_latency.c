#include "curate/curate__flow.h"
#include "curate/curate__inspect.h"

#include "etude/camera_latency.h"

#include <math.h>

enum { WARN_S, LAG_MIN_S, LAG_MAX_S, CONFIDENCE_MIN };

static const struct et_inspect_param PARAMS[] = {
    [WARN_S] = {"warn_s", 0.1, "s", "pictures that are older than this show what is past"},
    [LAG_MIN_S] = {"lag_min_s", -0.1, "s", "the lowest latency that is looked for"},
    [LAG_MAX_S] = {"lag_max_s", 0.5, "s", "the longest one"},
    [CONFIDENCE_MIN] = {"confidence_min", 0.3, "fraction", "below it the estimate is refused"},
    {0},
};

struct et_camera_motion et__motion_of(const struct et__camera *camera)
{
    return (struct et_camera_motion){.t_ns = camera->t_ns,
                                     .change = camera->motion,
                                     .n = camera->n,
                                     .flows = camera->flows,
                                     .n_flows = camera->flows ? ET__N_FLOWS : 0};
}

static enum et_status inspect(struct et__look *look, const struct et__camera *camera,
                              struct et_err *err)
{
    const struct et_camera_motion motion = et__motion_of(camera);
    const struct et_camera_latency_options options = {
        .lag_min_s = look->params[LAG_MIN_S],
        .lag_max_s = look->params[LAG_MAX_S],
        .confidence_min = look->params[CONFIDENCE_MIN],
    };
    const char *name = camera->video->stream.name;
    struct et_latency latency;
    if (!camera->video->t_ns || camera->n == 0)
        return ET_OK; // frames without times of their own have no latency but their row's
    const enum et_status st =
        et_camera_latency_estimate(&motion, look->episode->tracks, look->episode->n_tracks,
                                   &options, look->arena, &latency, err);
    if (st != ET_OK)
        return st;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_INFO, name);
    finding.threshold = look->params[WARN_S];
    finding.unit = "s";
    if (!latency.is_known)
        return et_findings_add(look->findings, &finding, err,
                               "%s: how old the pictures are cannot be told: %s", name,
                               latency.why);
    finding.value = latency.lag_s;
    if (latency.lag_s > look->params[WARN_S])
        finding.severity = ET_SEVERITY_WARN;
    return et_findings_add(look->findings, &finding, err,
                           "%s: the pictures are %.0f ms older than their stamps (± %.0f ms), by "
                           "the motion of the joints",
                           name, 1e3 * latency.lag_s, fmax(1, ceil(1e3 * latency.sigma_s)));
}

const struct et__inspector et__inspect_camera_latency = {
    .about = {"camera_latency", "how much older pictures are than their stamps", ET_INSPECT_FRAMES,
              PARAMS},
    .frames = inspect,
};
