#include "curate/curate__inspect.h"

#include <inttypes.h>
#include <math.h>

enum { SHARE_ERROR, FAR_S, SHARE_WARN, WARN_S };

static const struct et_inspect_param PARAMS[] = {
    [SHARE_ERROR] = {"share_error", 0.1, "fraction",
                     "of a recording's pictures: with more that cannot be decoded the finding is "
                     "an error"},
    [FAR_S] = {"far_s", 0.5, "s",
               "or with one that is further from any that can be: a dataset has no picture there"},
    [SHARE_WARN] = {"share_warn", 0.005, "fraction", "fewer are only told,"},
    [WARN_S] = {"warn_s", 0.1, "s", "unless one is further than this from any that can be"},
    {0},
};

/* How far a picture that is lost is from the nearest that can be decoded, at most. */
static double furthest_s(const struct et__camera *camera)
{
    double furthest = 0;
    size_t at = 0; // the last one that is not after the lost one
    for (size_t k = 0; k < camera->n_lost; k++) {
        const int64_t t_ns = camera->lost_ns[k];
        while (at + 1 < camera->n && camera->t_ns[at + 1] <= t_ns)
            at++;
        double off_s = fabs(et__span_s(camera->t_ns[at], t_ns));
        if (at + 1 < camera->n)
            off_s = fmin(off_s, fabs(et__span_s(t_ns, camera->t_ns[at + 1])));
        furthest = fmax(furthest, off_s);
    }
    return furthest;
}

static enum et_severity severity_of(const double *params, double share, double off_s)
{
    if (share > params[SHARE_ERROR] || off_s > params[FAR_S])
        return ET_SEVERITY_ERROR;
    return share > params[SHARE_WARN] || off_s > params[WARN_S] ? ET_SEVERITY_WARN
                                                                : ET_SEVERITY_INFO;
}

static enum et_status report_lost(struct et__look *look, const struct et__camera *camera,
                                  struct et_err *err)
{
    const size_t n = camera->n + camera->n_lost;
    const double share = (double)camera->n_lost / (double)n, off_s = furthest_s(camera);
    struct et_finding finding = et__finding(look->kind, severity_of(look->params, share, off_s),
                                            camera->video->stream.name);
    finding.t_first_ns = camera->lost_ns[0];
    finding.t_last_ns = camera->lost_ns[camera->n_lost - 1];
    finding.value = share;
    finding.threshold = look->params[SHARE_ERROR];
    finding.unit = "fraction";
    return et_findings_add(look->findings, &finding, err,
                           "%zu of %zu pictures cannot be decoded (%.2g %%), at most %.3g s from "
                           "one that can be; the first: %s",
                           camera->n_lost, n, 100 * share, off_s, camera->lost);
}

static enum et_status inspect(struct et__look *look, const struct et__camera *camera,
                              struct et_err *err)
{
    if (camera->n_lost > 0 && camera->n > 0) {
        const enum et_status st = report_lost(look, camera, err);
        if (st != ET_OK)
            return st;
    }
    if (!camera->trouble)
        return ET_OK;
    struct et_finding finding =
        et__finding(look->kind, ET_SEVERITY_ERROR, camera->video->stream.name);
    finding.value = (double)camera->n;
    finding.threshold = (double)camera->video->n_frames;
    finding.unit = "frames";
    return et_findings_add(look->findings, &finding, err,
                           "%zu of %" PRId64 " frames can be decoded: %s", camera->n,
                           camera->video->n_frames, camera->trouble);
}

const struct et__inspector et__inspect_decode = {
    .about = {"decode", "pictures that cannot be decoded, and a video that cannot to its end",
              ET_INSPECT_FRAMES, PARAMS},
    .frames = inspect,
};
