/* Curate: a recording becomes episodes: aligned, cut, inspected, graded, written.
 *
 * Every stream's device stamps are moved to the centre's clock (etude/clock_model.h), the recording
 * is cut (etude/cut.h), each episode is inspected and graded as one of a dataset would be, and
 * written as a folder (etude/episode_file.h). Nothing is resampled and no picture is copied: that
 * is the dataset's business. The recording is read once; what is kept of it lies in a temporary
 * file beside the output.
 *
 * Units:   as etude/episode.h.
 * Threads: a call runs on the calling thread.
 * Memory:  the recording's reader, 8 bytes a sample and topic for the corrected times, 80 bytes a
 *          sample of one topic while its clock is fitted, and one episode (at most
 * `episode_bytes`).
 */
#ifndef ETUDE_CURATE_H
#define ETUDE_CURATE_H

#include "etude/camera_latency.h"
#include "etude/cut.h"
#include "etude/grading.h"

/* Told now and then while the recording is read and while episodes are made; false cancels. */
typedef bool (*et_curate_progress)(void *ctx, int64_t n_bytes_done, int64_t n_bytes_total,
                                   size_t n_episodes);

/* Zeroed: the defaults. */
struct et_curate_options {
    const char *profile;              // as et_recording_use_profile
    const char *device;               // as et_recording_options
    const struct et_grading *grading; // of grades; NULL: nothing is graded or rejected
    struct et_cut_options cut;
    struct et_clock_options clock;
    const char *task;     // instruction of every episode; NULL: as the recording says
    const char *urdf;     // for the residual; NULL: the profile's, where that file is there
    bool skip_pictures;   // do not decode them: what needs it is not inspected
    size_t memory_bytes;  // of the recording's reader; 0: 64 MiB
    size_t episode_bytes; // 0: 192 MiB; longer episodes are rejected, with a finding
    et_curate_progress progress;
    void *progress_ctx;
};

/* One stream of a recording, over all of it. */
struct et_curated_stream {
    const struct et_recorded_stream *recorded;
    const char *topic;
    size_t n_samples;
    double rate_hz; // measured
    const struct et_clock_model *clock;
};

struct et_curated_episode {
    const char *folder; // under the output
    int64_t t_first_ns, t_last_ns;
    struct et_grade grade;
    size_t n_findings, n_segments;
    struct et_latency latency;
};

/* How much older a camera's pictures are than their stamps, over all episodes: a few of them say
 * more than each. */
struct et_camera_lag {
    const char *stream; // "head.image"
    struct et_latency latency;
};

/* What became of a recording. Lives in the caller's arena. */
struct et_curated {
    char id[ET_RECORDING_ID_CHARS + 1];      // the recorder's own, where it says one; else:
    char content[ET_RECORDING_ID_CHARS + 1]; // et_recording_id
    const char *folder;                      // under the output; NULL: it was not read that far
    const char *path, *format, *profile;
    enum et_profile_by profile_by;
    const char *device; // as et_recording_binding
    const struct et_recorded_device *devices;
    size_t n_devices;
    int64_t n_bytes, n_samples;
    const struct et_curated_stream *streams;
    size_t n_streams;
    enum et_cut_by cut_by;
    const struct et_curated_episode *episodes;
    size_t n_episodes, n_kept, n_too_short;
    const struct et_camera_lag *cameras; // those whose pictures were decoded
    size_t n_cameras;
    const struct et_remark *remarks; // of reading, binding and cutting
    size_t n_remarks;
    const char *why; // there are no episodes: a sentence; "" otherwise
};

/* Curates one recording into `out`/<recording id>/: recording.json and a folder for each episode.
 * Episodes of other devices than those that are usually taken lie beside: <recording id>.<devices>.
 * A recording that is there already is ET_EEXISTS unless `replace`, which then takes the place of
 * the old one when it is whole. ET_OK also when nothing was worth an episode (see why): its
 * recording.json says so. Otherwise as et_recording_open, et_recording_use_profile; ET_EIO: the
 * output; ET_ECANCELLED; ET_ELIMIT: a stream is longer than its clock's memory. */
ET_MUST_USE ET_API enum et_status et_curate(const char *path, const char *out, bool replace,
                                            const struct et_curate_options *options,
                                            struct et_arena *arena, struct et_curated *curated,
                                            struct et_err *err);

/* {"id": …, "streams": […], "episodes": […] …}: members of an open map; doc/json.md. */
ET_API void et_curated_json(struct et_json_writer *w, const struct et_curated *curated);

#endif
