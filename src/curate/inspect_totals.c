#include "curate/curate__inspect.h"

#include <inttypes.h>

static const struct et_inspect_param PARAMS[] = {{0}};

static enum et_status check_total(struct et__set_look *look, const char *what, int64_t claimed,
                                  int64_t found, enum et_severity severity, struct et_err *err)
{
    if (claimed < 0 || claimed == found)
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, severity, NULL);
    finding.value = (double)found;
    finding.threshold = (double)claimed;
    finding.unit = what;
    return et_findings_add(look->findings, &finding, err,
                           "the metadata says %" PRId64 " %s, %" PRId64 " were found", claimed,
                           what, found);
}

static enum et_status check_splits(struct et__set_look *look, struct et_err *err)
{
    const struct et_set_claims *claims = look->claims;
    if (claims->split_last < 0 || claims->split_last <= claims->n_episodes_found)
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
    finding.value = (double)claims->split_last;
    finding.threshold = (double)claims->n_episodes_found;
    finding.unit = "episodes";
    return et_findings_add(look->findings, &finding, err,
                           "the splits (%s) go to episode %" PRId64 ", there are %" PRId64,
                           claims->splits ? claims->splits : "", claims->split_last - 1,
                           claims->n_episodes_found);
}

static enum et_status check_remarks(struct et__set_look *look, struct et_err *err)
{
    const struct et_set_claims *claims = look->claims;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < claims->n_remarks && st == ET_OK; i++) {
        const struct et_remark *remark = &claims->remarks[i];
        const struct et_finding finding = et__finding(look->kind, remark->severity, remark->where);
        st = et_findings_add(look->findings, &finding, err, "%s%s%s",
                             remark->where ? remark->where : "", remark->where ? ": " : "",
                             remark->text);
    }
    return st;
}

static enum et_status inspect(struct et__set_look *look, struct et_err *err)
{
    const struct et_set_claims *c = look->claims;
    enum et_status st =
        check_total(look, "episodes", c->n_episodes, c->n_episodes_found, ET_SEVERITY_ERROR, err);
    if (st == ET_OK)
        st = check_total(look, "rows", c->n_rows, c->n_rows_found, ET_SEVERITY_ERROR, err);
    if (st == ET_OK)
        st = check_total(look, "tasks", c->n_tasks, c->n_tasks_found, ET_SEVERITY_WARN, err);
    if (st == ET_OK)
        st = check_total(look, "videos", c->n_videos, c->n_videos_found, ET_SEVERITY_WARN, err);
    if (st == ET_OK)
        st = check_splits(look, err);
    return st == ET_OK ? check_remarks(look, err) : st;
}

const struct et__inspector et__inspect_totals = {
    .about = {"totals", "what the metadata says of the set as a whole against what was found",
              ET_INSPECT_SET, PARAMS},
    .set = inspect,
};
