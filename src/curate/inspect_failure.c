#include "curate/curate__inspect.h"

static const struct et_inspect_param PARAMS[] = {{0}};

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    static const char FAILURE[] = "failure", WHY[] = "failure: ", DISCARD[] = "discard",
                      INTERRUPTED[] = "interrupted";
    const char *outcome = look->episode->outcome;
    if (outcome && strncmp(outcome, DISCARD, sizeof DISCARD - 1) == 0) {
        const struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
        return et_findings_add(look->findings, &finding, err, "who showed it discarded it");
    }
    if (outcome && strncmp(outcome, INTERRUPTED, sizeof INTERRUPTED - 1) == 0) {
        const struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
        return et_findings_add(look->findings, &finding, err,
                               "the recording ends in the midst of it");
    }
    if (!outcome || strncmp(outcome, FAILURE, sizeof FAILURE - 1) != 0)
        return ET_OK;
    const struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
    if (strncmp(outcome, WHY, sizeof WHY - 1) != 0)
        return et_findings_add(look->findings, &finding, err,
                               "the task was not done, the source says");
    return et_findings_add(look->findings, &finding, err, "%.200s: not done, the source says",
                           outcome + sizeof WHY - 1);
}

const struct et__inspector et__inspect_failure = {
    .about = {"failure", "episodes of which their source says that the task was not done",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};
