#include "curate/curate__inspect.h"

#include <inttypes.h>
#include <math.h>

enum { FRAMES_WARN, RATE_SHARE };

static const struct et_inspect_param PARAMS[] = {
    [FRAMES_WARN] = {"frames_warn", 1, "frames",
                     "up to this many frames too many or too few are a warning, more an error"},
    [RATE_SHARE] = {"rate_share", 0.01, "fraction",
                    "how far the video's rate may stray from the table's"},
    {0},
};

static enum et_status check_count(struct et__look *look, const struct et_video_ref *video,
                                  struct et_err *err)
{
    const int64_t n_rows = look->episode->n_rows;
    const double off = fabs((double)video->n_frames - (double)n_rows);
    if (n_rows == 0 || off == 0)
        return ET_OK;
    const enum et_severity severity =
        off > look->params[FRAMES_WARN] ? ET_SEVERITY_ERROR : ET_SEVERITY_WARN;
    struct et_finding finding = et__finding(look->kind, severity, video->stream.name);
    finding.value = (double)video->n_frames;
    finding.threshold = (double)n_rows;
    finding.unit = "frames";
    return et_findings_add(look->findings, &finding, err,
                           "the video has %" PRId64 " frames, the table has %" PRId64 " rows",
                           video->n_frames, n_rows);
}

static enum et_status check_rate(struct et__look *look, const struct et_video_ref *video,
                                 struct et_err *err)
{
    const double rate_hz = look->episode->rate_hz;
    if (!(rate_hz > 0) || !(video->rate_hz > 0) ||
        fabs(video->rate_hz - rate_hz) <= look->params[RATE_SHARE] * rate_hz)
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, video->stream.name);
    finding.value = video->rate_hz;
    finding.threshold = rate_hz;
    finding.unit = "Hz";
    return et_findings_add(look->findings, &finding, err,
                           "the video runs at %.4g frames a second, the table at %.4g rows",
                           video->rate_hz, rate_hz);
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < episode->n_videos && st == ET_OK; i++) {
        // Frames with times of their own need not be as many as rows; `rate` looks at theirs.
        if (!episode->videos[i].is_present || episode->videos[i].t_ns)
            continue;
        st = check_count(look, &episode->videos[i], err);
        if (st == ET_OK)
            st = check_rate(look, &episode->videos[i], err);
    }
    return st;
}

const struct et__inspector et__inspect_frame_count = {
    .about = {"frame_count", "a video with more or fewer frames than the table has rows",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};
