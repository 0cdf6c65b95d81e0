/* Inspect: what is wrong with an episode, or with a set of them.
 *
 * A table of inspectors, each one file. An inspector says what it saw, where, when, how much and
 * against which threshold; it never decides (grading does) and never changes data.
 * doc/inspectors.md shows for each one its truth at three magnitudes and what it found on public
 * data.
 *
 * Units:   thresholds are in the units their parameters name.
 * Threads: every call may run on any thread; one arena a call.
 * Memory:  results live in the caller's arena; a video is decoded frame by frame. */
#ifndef ETUDE_INSPECT_H
#define ETUDE_INSPECT_H

#include "etude/camera_latency.h"

enum et_inspect_scope {
    ET_INSPECT_EPISODE, // looks at an episode's numbers and words
    ET_INSPECT_FRAMES,  // looks at every frame of a camera
    ET_INSPECT_SET,     // looks at a whole set
};

/* A setting of an inspector that a grading may change. */
struct et_inspect_param {
    const char *name; // "gap_max"
    double value;     // default
    const char *unit;
    const char *text; // one sentence
};

/* What an inspector says of itself; help, documents and the grading's schema come from it. */
struct et_inspector {
    const char *kind; // "jump": also the kind of its findings
    const char *text; // one sentence: what it sees
    enum et_inspect_scope scope;
    const struct et_inspect_param *params; // ends with a name of NULL
};

/* All inspectors, in the order they run. */
ET_API const struct et_inspector *const *et_inspectors(size_t *n);
ET_API const struct et_inspector *et_inspector_find(const char *kind); // NULL: none

/* A changed parameter. */
struct et_inspect_setting {
    const char *kind;
    const char *param;
    double value;
};

/* A zeroed struct means: every inspector, defaults, videos are looked at. */
struct et_inspect_settings {
    const struct et_inspect_setting *items;
    size_t n_items;
    const char *const *kinds_off; // inspectors that do not run
    size_t n_kinds_off;
    bool skip_videos; // do not decode (presence and counts are still checked)
};

/* What inspecting an episode gives besides findings. */
struct et_stream_latency {
    const char *command; // "command.left_arm.position"
    const char *state;   // "left_arm.position"
    struct et_latency latency;
};
/* What a camera with times of its own saw move, for whoever puts several episodes together. */
struct et_stream_motion {
    const char *stream; // "head.image"
    struct et_camera_motion motion;
};
struct et_inspection {
    struct et_findings findings;               // in the order of inspectors, then of time
    struct et_latency latency;                 // over all joints of arms (or of the body) together
    const struct et_stream_latency *latencies; // one a command track
    size_t n_latencies;
    const struct et_stream_motion *motions; // cameras that were decoded
    size_t n_motions;
    struct et_episode_digest digest;
    double idle_fraction;  // share of rows in which no command moved
    int64_t n_frames_seen; // video frames that were decoded
};

/* Runs every inspector of scope EPISODE, and of scope FRAMES on each video that is present.
 * ET_OK: whatever was found. A video that cannot be decoded is a finding, not a failure.
 * ET_EARG: a setting names an inspector or parameter that does not exist. ET_ELIMIT: arena full. */
ET_MUST_USE ET_API enum et_status
et_inspect_episode(const struct et_episode *episode, const struct et_inspect_settings *settings,
                   struct et_arena *arena, struct et_inspection *inspection, struct et_err *err);

/* Runs every inspector of scope SET. digests: n of them, in the order of episodes. */
ET_MUST_USE ET_API enum et_status et_inspect_set(const struct et_set_claims *claims,
                                                 const struct et_episode_digest *digests,
                                                 size_t n_digests,
                                                 const struct et_inspect_settings *settings,
                                                 struct et_findings *findings, struct et_err *err);

/* {"findings": […], "latency": {…}, "latencies": […], "idle_fraction": …}: members of an open map.
 */
ET_API void et_inspection_json(struct et_json_writer *w, const struct et_inspection *inspection);

#endif
