/* Align: every sample of a recording on the centre's clock. */
#ifndef CURATE_CURATE__ALIGN_H
#define CURATE_CURATE__ALIGN_H

#include "curate/curate__spool.h"

#include "etude/curate.h"
#include "etude/episode_file.h"

/* One stream on the centre's clock. */
struct et__aligned_stream {
    size_t n;
    const int64_t *t_ns;                // n; streams of one topic share it
    bool is_disordered;                 // t_ns falls somewhere
    bool has_device;                    // some sample has a stamp of the device
    const struct et_clock_model *clock; // NULL: the source has no clock
    double rate_hz;                     // measured
    // pictures
    enum et_picture_coding coding;
    int width_px, height_px;
    bool has_size;          // or it is not looked for any more
    const char *video_path; // FRAME: the file, and the number of the first frame
    int64_t first_frame;
};

struct et__aligned {
    struct et_recording *recording; // the caller's
    const struct et_recording_info *info;
    const struct et_recording_binding *binding;
    struct et_arena *arena; // of all that follows
    struct et__spool *spool;
    struct et__aligned_stream *streams; // one a stream of the binding
    struct et_mark *marks;
    size_t n_marks, cap_marks;
    int64_t n_samples;
    int64_t n_strays;              // left out: they arrived days from all others
    int64_t t_first_ns, t_last_ns; // over all streams
};

/* Reads the whole recording (a profile is in use) and fits the clocks. */
ET_MUST_USE enum et_status et__align_open(struct et__aligned *aligned,
                                          struct et_recording *recording, const char *folder,
                                          const struct et_curate_options *options,
                                          struct et_err *err);
void et__align_close(struct et__aligned *aligned); // a zeroed one is fine

/* Tracks of what moves and touches, thinned to at most rate_hz, for cutting. */
ET_MUST_USE enum et_status et__align_thin(struct et__aligned *aligned, double rate_hz,
                                          struct et_arena *arena, const struct et_track **tracks,
                                          size_t *n_tracks, struct et_err *err);

/* Fills the episode's tracks and videos with the samples from t_first_ns to t_last_ns. */
ET_MUST_USE enum et_status et__align_episode(struct et__aligned *aligned, int64_t t_first_ns,
                                             int64_t t_last_ns, struct et_arena *arena,
                                             struct et_episode *episode, struct et_err *err);

/* The ids of a recording that is curated into `out`: the recorder's own where it says one, unless
 * the recording was curated there before, under the id of its content, or another one has it; and
 * the folder's name: the id, and behind it the devices that were asked for where they are not those
 * that would have been chosen. The profile is bound. */
ET_MUST_USE enum et_status et__curate_id(struct et_recording *recording, const char *out,
                                         struct et_arena *arena, struct et_curated *curated,
                                         struct et_err *err);

/* What the recording says of its run (its metadata `etude.run`): trainer, station, scenario, skill.
 * What is not said stays NULL. */
void et__run_facts(const struct et__aligned *aligned, struct et_episode_facts *facts);

/* The outcome of the cut's episode i: the run's where it is the only one, else that of its marks.
 * The text is the recording's, or in the arena. */
ET_MUST_USE enum et_status et__run_outcome(const struct et__aligned *aligned,
                                           const struct et_cut *cut, size_t i,
                                           struct et_arena *arena, const char **outcome,
                                           struct et_err *err);

/* What the recording says was lost while an episode went on. */
ET_MUST_USE enum et_status et__run_losses(const struct et__aligned *aligned, int64_t t_first_ns,
                                          int64_t t_last_ns, struct et_arena *arena,
                                          struct et_episode *episode, struct et_err *err);

#endif
