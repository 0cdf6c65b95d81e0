#include "curate/curate__inspect.h"

static const struct et_inspect_param PARAMS[] = {{0}};

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < episode->n_losses && st == ET_OK; i++) {
        const struct et_loss *loss = &episode->losses[i];
        struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
        finding.t_first_ns = finding.t_last_ns = loss->t_ns;
        st = et_findings_add(look->findings, &finding, err, "%s: %.200s",
                             loss->is_dropped ? "dropped" : "lost", loss->text);
    }
    return st;
}

const struct et__inspector et__inspect_lost = {
    .about = {"lost", "samples that the recording itself says are missing", ET_INSPECT_EPISODE,
              PARAMS},
    .episode = inspect,
};
