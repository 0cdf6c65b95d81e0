#include "curate/curate__inspect.h"

#include "etude/file.h"

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < episode->n_videos && st == ET_OK; i++) {
        const struct et_video_ref *video = &episode->videos[i];
        if (video->is_present)
            continue;
        const struct et_finding finding =
            et__finding(look->kind, ET_SEVERITY_WARN, video->stream.name);
        st = et_findings_add(look->findings, &finding, err, "the video of %s is absent%s%s: %s",
                             video->source ? video->source : video->stream.name,
                             video->path ? ", " : "", video->path ? et_path_base(video->path) : "",
                             video->trouble ? video->trouble : "the source names no file");
    }
    return st;
}

static const struct et_inspect_param PARAMS[] = {{0}};

const struct et__inspector et__inspect_absent_video = {
    .about = {"absent_video", "a camera whose file is not there or cannot be opened",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};
