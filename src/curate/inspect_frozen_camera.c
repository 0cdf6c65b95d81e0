#include "curate/curate__inspect.h"

#include <math.h>

#define PULSE_FRAMES 3 // of a key frame and those behind it
#define STILL_FRAMES 4 // before and behind: slow motion has small changes nearer to each other

enum { FROZEN_S, CHANGE, PULSE, SPEED, ERROR_S };

static const struct et_inspect_param PARAMS[] = {
    [FROZEN_S] = {"frozen_s", 0.5, "s", "the same picture for this long is suspect"},
    [CHANGE] = {"change", 0.2, "levels",
                "pictures are the same when no tile's mean difference is above this (of 255)"},
    [PULSE] = {"pulse", 5, "levels",
               "a change up to this that dies away at once between pictures that are the same is "
               "the encoder's"},
    [SPEED] = {"speed", 0.05, "rad/s",
               "and the robot moves faster than this meanwhile, on average"},
    [ERROR_S] = {"error_s", 2, "s", "from this long on it is an error"},
    {0},
};

/* Mean speed of the robot from one time to another; 0 when it is not known. */
static double mean_speed(const struct et__look *look, int64_t first_ns, int64_t last_ns)
{
    double sum = 0;
    size_t n = 0;
    for (size_t k = 0; look->clock && k < look->clock->n_samples; k++) {
        if (look->clock->t_ns[k] < first_ns || look->clock->t_ns[k] > last_ns)
            continue;
        sum += look->speed_rad_s[k];
        n++;
    }
    return n > 0 ? sum / (double)n : 0;
}

static enum et_status report(struct et__look *look, const struct et__camera *camera, size_t first,
                             size_t last, double speed, struct et_err *err)
{
    const double frozen_s = et__span_s(camera->t_ns[first], camera->t_ns[last]);
    const enum et_severity severity =
        frozen_s >= look->params[ERROR_S] ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN;
    struct et_finding finding = et__finding(look->kind, severity, camera->video->stream.name);
    finding.t_first_ns = camera->t_ns[first];
    finding.t_last_ns = camera->t_ns[last];
    finding.value = frozen_s;
    finding.threshold = look->params[FROZEN_S];
    finding.unit = "s";
    return et_findings_add(look->findings, &finding, err,
                           "the picture does not change for %.2f s (%zu frames) while the robot "
                           "moves at %.2f rad/s",
                           frozen_s, last - first + 1, speed);
}

static bool is_still(const struct et__look *look, const struct et__camera *camera, size_t first,
                     size_t end)
{
    for (size_t k = first; k < end; k++)
        if (k < 1 || k >= camera->n || camera->change[k] >= look->params[CHANGE])
            return false;
    return true;
}

/* True when frame k ≥ 1 shows what the frame before shows. A key frame is coded anew and differs a
 * little even when the camera stands still; the frames behind it take back what is left of that. */
static bool is_same(const struct et__look *look, const struct et__camera *camera, size_t k)
{
    const double *change = camera->change, same = look->params[CHANGE];
    if (change[k] < same)
        return true;
    size_t first = k, end = k + 1;
    while (first > 1 && change[first - 1] >= same && k - first < PULSE_FRAMES)
        first--;
    while (end < camera->n && change[end] >= same && end - first < PULSE_FRAMES + 1)
        end++;
    if (end - first > PULSE_FRAMES || first < 1 + STILL_FRAMES ||
        !is_still(look, camera, first - STILL_FRAMES, first) ||
        !is_still(look, camera, end, end + STILL_FRAMES))
        return false;
    for (size_t i = first + 1; i < end; i++)
        if (change[i] >= change[i - 1])
            return false;
    return change[first] < look->params[PULSE];
}

static enum et_status inspect(struct et__look *look, const struct et__camera *camera,
                              struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t first = 0, last = 0; first < camera->n && st == ET_OK; first = last + 1) {
        for (last = first; last + 1 < camera->n && is_same(look, camera, last + 1);)
            last++;
        if (et__span_s(camera->t_ns[first], camera->t_ns[last]) < look->params[FROZEN_S])
            continue;
        const double speed = mean_speed(look, camera->t_ns[first], camera->t_ns[last]);
        if (speed > look->params[SPEED])
            st = report(look, camera, first, last, speed, err);
    }
    return st;
}

const struct et__inspector et__inspect_frozen_camera = {
    .about = {"frozen_camera", "a picture that stands still while the robot moves",
              ET_INSPECT_FRAMES, PARAMS},
    .frames = inspect,
};
