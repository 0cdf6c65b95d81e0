#include "curate/curate__inspect.h"

#include <math.h>

enum { SHARE, FINE_SHARE, BLUR_S, SHARP_MIN };

static const struct et_inspect_param PARAMS[] = {
    [SHARE] = {"share", 0.25, "fraction",
               "a frame is blurred below this share of the video's own median sharpness"},
    [FINE_SHARE] = {"fine_share", 0.5, "fraction",
                    "and below this share of its median fineness: sharpness as a share of what it "
                    "is at a quarter of the width"},
    [BLUR_S] = {"blur_s", 0.3, "s", "for longer than this"},
    [SHARP_MIN] =
        {"sharp_min", 4, "levels²",
         "a video whose median sharpness is below this has no detail to lose; a frame with "
         "less at a quarter of the width shows nothing"},
    {0},
};

/* What a video usually shows. */
struct usual {
    double sharpness;
    double fineness; // sharpness as a share of what it is at a quarter of the width
};

static double fineness_of(const struct et__camera *camera, size_t k)
{
    return camera->sharpness[k] / fmax(camera->coarse_sharpness[k], 1e-9);
}

static struct usual usual_of(const struct et__camera *camera, struct et_arena *arena)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    double *copy = et_arena_copy(arena, camera->sharpness, camera->n * sizeof *copy);
    struct usual usual = {0};
    if (copy) {
        usual.sharpness = et_median_of(copy, camera->n);
        for (size_t k = 0; k < camera->n; k++)
            copy[k] = fineness_of(camera, k);
        usual.fineness = et_median_of(copy, camera->n);
    }
    et_arena_rewind(arena, mark);
    return usual;
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

/* What is black or white is not blurred: `exposure` speaks of it. Neither is what shows little, as
 * a plain floor: blur takes small things away and leaves large ones, an empty view has neither. */
static bool is_blurred(const struct et__look *look, const struct et__camera *camera, size_t k,
                       const struct usual *usual)
{
    return camera->sharpness[k] < look->params[SHARE] * usual->sharpness &&
           fineness_of(camera, k) < look->params[FINE_SHARE] * usual->fineness &&
           camera->coarse_sharpness[k] >= look->params[SHARP_MIN] &&
           camera->mean[k] >= ET__LEVEL_DARK && camera->mean[k] <= ET__LEVEL_BRIGHT;
}

static enum et_status inspect(struct et__look *look, const struct et__camera *camera,
                              struct et_err *err)
{
    const struct usual usual = camera->n > 0 ? usual_of(camera, look->arena) : (struct usual){0};
    enum et_status st = ET_OK;
    if (usual.sharpness < look->params[SHARP_MIN])
        return ET_OK;
    for (size_t k = 0; k < camera->n && st == ET_OK;) {
        const size_t first = k;
        while (k < camera->n && is_blurred(look, camera, k, &usual))
            k++;
        if (k == first)
            k++;
        else if (et__span_s(camera->t_ns[first], camera->t_ns[k - 1]) > look->params[BLUR_S])
            st = report(look, camera, first, k - 1, usual.sharpness, err);
    }
    return st;
}

const struct et__inspector et__inspect_blur = {
    .about = {"blur", "frames far less sharp than the rest of their video", ET_INSPECT_FRAMES,
              PARAMS},
    .frames = inspect,
};
