/* What the inspectors share: how one is registered, what it may look at, and how rows become
 * findings. A new inspector is one file and one line in the table below. */
#ifndef CURATE__INSPECT_H
#define CURATE__INSPECT_H

#include "etude/inspect.h"
#include "etude/stats.h"

// In the order they run: first whether the numbers can be trusted at all, then time, then what the
// robot did, then the pictures, then words and the set as a whole.
// clang-format off
#define ET__INSPECTOR_MAP(X)                                                                    \
    X(shape) X(nonfinite) X(metadata)                                                           \
    X(stamps) X(gap)                                                                            \
    X(clock_source) X(clock_offset) X(clock_reset) X(clock_drift)                               \
    X(late) X(rate) X(jitter) X(skew)                                                           \
    X(limits) X(jump) X(dropout) X(frozen_encoder) X(stale)                                     \
    X(latency) X(tracking) X(saturation) X(idle) X(truncation)                                  \
    X(missed_grasp) X(slip) X(drop) X(early_release) X(collision)                               \
    X(absent_video) X(frame_count) X(decode) X(frozen_camera) X(exposure) X(blur)               \
    X(camera_latency)                                                                           \
    X(failure) X(lost) X(label) X(totals) X(duplicate) X(label_set)
// clang-format on

#define ET__PARAMS_MAX 12

/* A command track and the measured track that answers it. */
struct et__pair {
    const struct et_track *command;
    const struct et_track *state;
    double lag_s; // the best that is known for this pair; 0 when nothing is
};

/* What decoding a video once leaves for the inspectors of frames: n values each. Frame k of the
 * episode stands in row k where the video has no times of its own. Pictures of a recording that
 * cannot be decoded are not among the n; to all measures it is as if they had not been taken. */
struct et__camera {
    const struct et_video_ref *video;
    const char *trouble;  // why there are fewer frames than the file promised; NULL: there are not
    size_t n;             // frames that were decoded
    const int64_t *t_ns;  // when, on the episode's time line
    const double *mean;   // luma, 0 … 255
    const double *change; // largest mean difference of a tile to the frame before; [0] is NaN
    const double *motion; // mean difference of the whole picture to the frame before; [0] is NaN
    const double *flows;  // n × ET__N_FLOWS; NULL: the video has no times of its own
    const double *sharpness;        // variance of the Laplacian of the luma
    const double *coarse_sharpness; // the same at a quarter of the width
    size_t n_lost;                  // of a recording: pictures that are there and cannot be decoded
    const int64_t *lost_ns;         // when they were taken
    const char *lost;               // why the first of them cannot be; NULL: there are none
};

// A mean level below or above these shows nothing (defaults of `exposure`).
#define ET__LEVEL_DARK 10
#define ET__LEVEL_BRIGHT 245

/* One inspection of one episode. */
struct et__look {
    const struct et_episode *episode;
    struct et_inspection *inspection;
    struct et_findings *findings;
    struct et_arena *arena; // scratch between a mark and its rewind; what findings point to stays
    const char *kind;       // of the inspector that runs
    const double *params;   // of the inspector that runs, in the order of its table
    const struct et__pair *pairs;
    size_t n_pairs;
    // How fast the robot moves: the largest |speed| of any joint of arms, waist, head, legs or body
    // at each sample of `clock`; NULL when nothing measured moves in rad.
    const double *speed_rad_s;
    const struct et_track *clock;
    const struct et__grip *grips; // of curate__grip.h, once the first inspector asked for them
    size_t n_grips;
};

/* One inspection of a set. */
struct et__set_look {
    const struct et_set_claims *claims;
    const struct et_episode_digest *digests;
    size_t n_digests;
    struct et_findings *findings;
    const char *kind;
    const double *params;
};

/* An inspector: what it says of itself, and one of three functions by its scope. */
struct et__inspector {
    struct et_inspector about; // first, so that a pointer to it is a pointer to this
    enum et_status (*episode)(struct et__look *look, struct et_err *err);
    enum et_status (*frames)(struct et__look *look, const struct et__camera *camera,
                             struct et_err *err);
    enum et_status (*set)(struct et__set_look *look, struct et_err *err);
};

#define X(name) extern const struct et__inspector et__inspect_##name;
ET__INSPECTOR_MAP(X)
#undef X

/* ---- looking ---- */

/* Rate of a track: its own, else the episode's, else what its times say; 0 when unknown. */
double et__rate_hz(const struct et_episode *episode, const struct et_track *track);

/* A duration in samples of a track, at least 1. */
size_t et__samples(const struct et_episode *episode, const struct et_track *track,
                   double duration_s);

/* Time of a row of an episode whose tracks are one row a step. */
int64_t et__row_ns(const struct et_episode *episode, size_t row);

/* "left_elbow", or "value 3" when the stream names none; text is where the latter is put. */
#define ET__NAME_BYTES 32
const char *et__value_name(const struct et_stream *stream, size_t i, char text[ET__NAME_BYTES]);

/* Hands are driven by steps and stopped by what they hold: some rules do not apply to them. */
bool et__is_hand(const struct et_stream *stream);

/* "rad", or "" for a unit that says nothing ("1"). */
const char *et__unit(const struct et_stream *stream);

/* Fills look->pairs, lags and speed. inspection->latency(ies) are filled when `should_measure`. */
ET_MUST_USE enum et_status et__look_open(struct et__look *look, bool should_measure,
                                         const struct et_latency_options *options,
                                         struct et_err *err);

/* Decodes the episode's frames of a video and measures each. A video that cannot be decoded, or not
 * to its end, is no failure: camera->trouble says why. */
ET_MUST_USE enum et_status et__camera_measure(struct et__look *look,
                                              const struct et_video_ref *video,
                                              struct et__camera *camera, struct et_err *err);

/* What a camera saw move, for the latency. */
struct et_camera_motion et__motion_of(const struct et__camera *camera);

/* ---- streams with clocks ---- */

/* The time lines of the episode that have a clock model, in the order of tracks, then of videos:
 * one for each message stream, although one message may fill many tracks. A time line is a track
 * without values; the stream is that of the first track. Streams of events are left out. NULL: the
 * arena is full. */
const struct et_track *et__timelines(const struct et__look *look, size_t *n);

/* Calls `inspect` for each of them, until it fails. */
enum et_status et__each_timeline(struct et__look *look,
                                 enum et_status (*inspect)(struct et__look *look,
                                                           const struct et_track *line,
                                                           struct et_err *err),
                                 struct et_err *err);

/* The run of its clock that a sample belongs to. */
const struct et_clock_run *et__run_of(const struct et_track *line, size_t sample);

/* The middle step between the samples' times that is not 0, in seconds; 0 when there is none or the
 * arena is full. */
double et__median_step_s(const struct et_track *line, struct et_arena *arena);

/* Samples that are missing at a long step before sample k of a time line whose times are jittery:
 * what comes too close behind it was late and is not missing. */
double et__missing_before(const struct et_track *line, size_t k, double period_s);

/* ---- runs ---- */

/* Rows at which something holds, as runs in ascending order: the first ones one by one, the rest
 * together, so that a bad stream gives a short list and still every row is counted. */
#define ET__RUNS_MAX 8
struct et__run {
    size_t first, last; // rows
    size_t n_rows;      // rows between them at which it holds
    size_t worst_row;
    double worst;
};
struct et__runs {
    struct et__run items[ET__RUNS_MAX];
    size_t n;
    struct et__run rest; // n_rows 0 when there is none
    size_t n_rest;       // runs in `rest`
};

/* Adds a row (not before the last one added). It joins the last run when at most `gap` rows lie
 * between them. `worst` keeps the largest magnitude. */
void et__runs_add(struct et__runs *runs, size_t row, size_t gap, double magnitude);

/* Adds the rows first … last as one run (it joins a run that ends right before it). */
void et__runs_add_stretch(struct et__runs *runs, size_t first, size_t last, double magnitude);

/* A finding about a run of a track's samples, and one about the rest of the runs (nothing when
 * there is none), whose text says how many more there are. `like` carries severity, threshold and
 * unit. */
struct et_finding et__finding_at(const struct et__look *look, const struct et_track *track,
                                 const struct et__run *run, enum et_severity severity);
ET_MUST_USE enum et_status et__report_rest(struct et__look *look, const struct et_track *track,
                                           const struct et__runs *runs,
                                           const struct et_finding *like, const char *what,
                                           struct et_err *err);

/* A finding without a place in time. */
struct et_finding et__finding(const char *kind, enum et_severity severity, const char *stream);

/* "" for one, "s" for any other number of things. */
const char *et__plural(size_t n);

/* Nanoseconds as seconds; and the seconds from one time to a later one. */
double et__s(int64_t t_ns);
double et__span_s(int64_t first_ns, int64_t last_ns);

#endif
