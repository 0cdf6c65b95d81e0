#include "curate/curate__inspect.h"

enum { SHARE, BLUR_S, SHARP_MIN };

static const struct et_inspect_param PARAMS[] = {
    [SHARE] = {"share", 0.25, "fraction",
               "a frame is blurred below this share of the video's own median sharpness"},
    [BLUR_S] = {"blur_s", 0.3, "s", "for longer than this"},
    [SHARP_MIN] = {"sharp_min", 4, "levels²",
                   "a video whose median sharpness is below this has no detail to lose"},
    {0},
};

static double median_sharpness(const struct et__camera *camera, struct et_arena *arena)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    double *copy = et_arena_copy(arena, camera->sharpness, camera->n * sizeof *copy);
    const double median = copy ? et_median_of(copy, camera->n) : 0;
    et_arena_rewind(arena, mark);
    return median;
}

static enum et_status report(struct et__look *look, const struct et__camera *camera, size_t first,
                             size_t last, double median, struct et_err *err)
{
    double least = camera->sharpness[first];
    for (size_t k = first; k <= last; k++)
        least = camera->sharpness[k] < least ? camera->sharpness[k] : least;
    struct et_finding finding =
        et__finding(look->kind, ET_SEVERITY_WARN, camera->video->stream.name);
    finding.t_first_ns = camera->t_ns[first];
    finding.t_last_ns = camera->t_ns[last];
    finding.value = least / median;
    finding.threshold = look->params[SHARE];
    finding.unit = "fraction";
    return et_findings_add(look->findings, &finding, err,
                           "%zu frames are blurred: down to %.0f %% of the video's usual sharpness",
                           last - first + 1, 100 * finding.value);
}

// What is black or white is not blurred: `exposure` speaks of it.
static bool is_blurred(const struct et__camera *camera, size_t k, double sharpness_min)
{
    return camera->sharpness[k] < sharpness_min && camera->mean[k] >= ET__LEVEL_DARK &&
           camera->mean[k] <= ET__LEVEL_BRIGHT;
}

static enum et_status inspect(struct et__look *look, const struct et__camera *camera,
                              struct et_err *err)
{
    const double median = camera->n > 0 ? median_sharpness(camera, look->arena) : 0;
    enum et_status st = ET_OK;
    if (median < look->params[SHARP_MIN])
        return ET_OK;
    for (size_t k = 0; k < camera->n && st == ET_OK;) {
        const size_t first = k;
        while (k < camera->n && is_blurred(camera, k, look->params[SHARE] * median))
            k++;
        if (k == first)
            k++;
        else if (et__span_s(camera->t_ns[first], camera->t_ns[k - 1]) > look->params[BLUR_S])
            st = report(look, camera, first, k - 1, median, err);
    }
    return st;
}

const struct et__inspector et__inspect_blur = {
    .about = {"blur", "frames far less sharp than the rest of their video", ET_INSPECT_FRAMES,
              PARAMS},
    .frames = inspect,
};
