#include "curate/curate__inspect.h"

enum { DARK, BRIGHT };

static const struct et_inspect_param PARAMS[] = {
    [DARK] = {"dark", ET__LEVEL_DARK, "levels",
              "a frame whose mean luma is below this shows nothing (of 255)"},
    [BRIGHT] = {"bright", ET__LEVEL_BRIGHT, "levels", "as is one whose mean luma is above this"},
    {0},
};

static enum et_status report(struct et__look *look, const struct et__camera *camera,
                             const struct et__run *run, bool is_dark, size_t n_more,
                             struct et_err *err)
{
    struct et_finding finding =
        et__finding(look->kind, ET_SEVERITY_WARN, camera->video->stream.name);
    finding.t_first_ns = camera->t_ns[run->first];
    finding.t_last_ns = camera->t_ns[run->last];
    finding.value = camera->mean[run->worst_row];
    finding.threshold = look->params[is_dark ? DARK : BRIGHT];
    finding.unit = "levels";
    if (n_more > 0)
        return et_findings_add(look->findings, &finding, err,
                               "%zu more such place%s: %zu frames are %s", n_more,
                               et__plural(n_more), run->n_rows, is_dark ? "black" : "over-exposed");
    return et_findings_add(look->findings, &finding, err,
                           "%zu frame%s %s %s: mean luma %.0f of 255", run->n_rows,
                           et__plural(run->n_rows), run->n_rows == 1 ? "is" : "are",
                           is_dark ? "black" : "over-exposed", finding.value);
}

static enum et_status inspect_side(struct et__look *look, const struct et__camera *camera,
                                   bool is_dark, struct et_err *err)
{
    struct et__runs runs = {0};
    enum et_status st = ET_OK;
    for (size_t k = 0; k < camera->n; k++) {
        const double off =
            is_dark ? look->params[DARK] - camera->mean[k] : camera->mean[k] - look->params[BRIGHT];
        if (off > 0)
            et__runs_add(&runs, k, 2, off);
    }
    for (size_t r = 0; r < runs.n && st == ET_OK; r++)
        st = report(look, camera, &runs.items[r], is_dark, 0, err);
    if (runs.n_rest > 0 && st == ET_OK)
        st = report(look, camera, &runs.rest, is_dark, runs.n_rest, err);
    return st;
}

static enum et_status inspect(struct et__look *look, const struct et__camera *camera,
                              struct et_err *err)
{
    const enum et_status st = inspect_side(look, camera, true, err);
    return st == ET_OK ? inspect_side(look, camera, false, err) : st;
}

const struct et__inspector et__inspect_exposure = {
    .about = {"exposure", "frames that are black or over-exposed", ET_INSPECT_FRAMES, PARAMS},
    .frames = inspect,
};
