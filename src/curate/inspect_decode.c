#include "curate/curate__inspect.h"

#include <inttypes.h>

static enum et_status inspect(struct et__look *look, const struct et__camera *camera,
                              struct et_err *err)
{
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

static const struct et_inspect_param PARAMS[] = {{0}};

const struct et__inspector et__inspect_decode = {
    .about = {"decode", "a video that cannot be decoded to its end", ET_INSPECT_FRAMES, PARAMS},
    .frames = inspect,
};
