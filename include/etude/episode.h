/* Episode: one attempt at one skill, on one time line, whatever it was read from.
 *
 * The plain data that inspectors, graders and builders share: tracks of numbers, references to
 * videos, the words that go with it, and what its source claims about it, beside what was read.
 *
 * Units:   t_ns is nanoseconds on the centre's clock, or, for a source without clocks, on the
 *          episode's own time line from 0. Values are SI as the stream says.
 * Threads: an episode is read-only once it is filled and may be shared.
 * Memory:  all of it lives in the arena it was read into; nothing is owned by the struct. */
#ifndef ETUDE_EPISODE_H
#define ETUDE_EPISODE_H

#include "etude/clock_model.h"
#include "etude/finding.h"
#include "etude/stream.h"

/* How the times of a source came about. */
enum et_time_kind {
    ET_TIME_MEASURED,  // stamps of a clock
    ET_TIME_SYNTHETIC, // exactly k / fps: made from the row number
    ET_TIME_MISSING,   // no stamps at all; t_ns was made from the row number
};

/* One stream's samples, n_samples × stream.n_values, row-major. */
struct et_track {
    struct et_stream stream;
    size_t n_samples;
    const int64_t *t_ns;         // corrected, centre clock; never falls
    const int64_t *t_device_ns;  // NULL when unknown
    const int64_t *t_arrival_ns; // NULL when unknown
    const double *values;
    const struct et_clock_model *clock; // that t_ns was made with; runs and samples are those of
                                        // the whole recording, this track's first is i_clock_first
                                        // of them. NULL: the source made t_ns
    size_t i_clock_first;
};

/* A camera's pictures for the episode: frames first_frame … first_frame + n_frames − 1 of a file,
 * or of a stream of a recording. Frame k belongs to row k, or was taken at t_ns[k]. */
struct et_video_ref {
    struct et_stream stream; // "head.image"
    const char *source;      // the maker's name: "observation.images.cam_high"
    const char *path;        // NULL: the source names no file
    bool is_present;         // the file is there and could be opened
    int64_t first_frame;
    int64_t n_frames;        // frames the file has for this episode; 0 when absent
    int width_px, height_px; // as read; 0 when absent
    double rate_hz;          // as read; 0 unknown
    const char *trouble; // why it is not usable ("no such file", FFmpeg's words); NULL when it is

    bool is_recorded;    // path is a recording, its pictures are read through etude/frames.h
    const char *profile; // with this one (path or id); NULL: the one that fits
    const char *device;  // of several, as et_recording_options
    const int64_t *t_ns; // n_frames, on the tracks' clock; NULL: frame k belongs to row k
    const int64_t *t_device_ns, *t_arrival_ns; // n_frames, or NULL
    const struct et_clock_model *clock;        // as of a track
    size_t i_clock_first;
};

/* A named part of an episode (reach, grasp, lift …). */
struct et_segment {
    const char *name;
    int64_t t_first_ns, t_last_ns;
};

/* What was wrong while the source was read: known to the reader of its format only. The inspector
 * `metadata` turns remarks into findings. */
struct et_remark {
    enum et_severity severity;
    const char *where; // "meta/modality.json: state.left_arm"
    const char *text;  // a sentence
};

/* Samples that the source itself says are missing. */
struct et_loss {
    int64_t t_ns;     // when it was told; up to a second after they were lost
    bool is_dropped;  // by the recorder; else they never came there
    const char *text; // "12 samples of /joint_states: the recorder did not keep up"
};

/* What the source's metadata says of one feature of this episode, to hold against what was read.
 * min, max: n_values each, or NULL. */
struct et_claim {
    const char *stream_or_feature;
    size_t n_values;
    const double *min, *max, *mean;
    int64_t count; // −1 when not claimed
};

struct et_episode {
    const char *id;     // "<recording id>/<index>" or "<dataset>/<index>"
    int64_t index;      // in its source
    const char *source; // path it was read from
    const char *robot;  // the source's own word ("Unitree_G1_Inspire"); NULL unknown
    double rate_hz;     // nominal rows a second; 0 for tracks of many rates
    enum et_time_kind time_kind;

    int64_t n_rows;                // rows read (sources that are one row a step), else 0
    const struct et_track *tracks; // canonical order
    size_t n_tracks;
    const struct et_video_ref *videos;
    size_t n_videos;

    /* Values as the source stores them, before the profile: for inspectors of shape and finiteness.
     * Row-major n_rows × n_values. */
    const struct et_raw_column {
        const char *path;  // "observation.state"
        size_t n_values;   // as the data has it
        size_t n_declared; // as the metadata has it; 0 when it does not say
        const double *values;
    } * columns;
    size_t n_columns;

    const char *const *tasks; // instructions, as the source has them
    size_t n_tasks;
    const struct et_segment *segments;
    size_t n_segments;

    int64_t n_rows_claimed; // −1 when not claimed
    const struct et_claim *claims;
    size_t n_claims;
    const struct et_remark *remarks;
    size_t n_remarks;

    const double *raw_stamps_s; // n_rows stamps as stored, NULL when there are none
    bool was_cut;               // the source says or shows that the episode did not end by itself
    const char *outcome; // "success", "failure: on bottle tray", "discard", "interrupted"; or NULL
    const struct et_loss *losses;
    size_t n_losses;
};

/* The track of a stream; NULL when the episode has none. */
ET_API const struct et_track *et_episode_track(const struct et_episode *episode,
                                               const char *stream);

/* First and last time over all tracks, and the time between them. 0 when there is no sample. */
ET_API int64_t et_episode_first_ns(const struct et_episode *episode);
ET_API int64_t et_episode_last_ns(const struct et_episode *episode);

/* The measured track that a command is for: "left_arm.position" for "command.left_arm.position";
 * NULL when there is none or their shapes differ. */
ET_API const struct et_track *et_episode_answer(const struct et_episode *episode,
                                                const struct et_track *command);

/* What an episode leaves behind when its arena goes: enough for inspections of a whole set. */
struct et_episode_digest {
    int64_t index;
    int64_t n_rows;
    uint64_t content_hash; // XXH3 of all tracks' values; of the columns where there is no track
    uint64_t command_hash; // of the command tracks' values alone
    uint64_t task_hash;    // of the instructions
    int64_t n_videos_absent;
    double duration_s;
};
ET_API void et_episode_digest(const struct et_episode *episode, struct et_episode_digest *digest);

/* A set of episodes as its source describes it; claims are −1 where the source says nothing. */
struct et_set_claims {
    const char *path;
    const char *format;     // "LeRobot v2.1"
    const char *robot_type; // NULL unknown
    double rate_hz;
    int64_t n_episodes, n_rows, n_tasks, n_videos;                         // as claimed
    int64_t n_episodes_found, n_rows_found, n_tasks_found, n_videos_found; // as read
    const char *splits; // e.g. "train 0:50"; NULL when there are none
    int64_t split_last; // largest episode number + 1 that a split names; −1 when none does
    const struct et_remark *remarks;
    size_t n_remarks;
    const char *const *tasks; // all instructions of the set
    size_t n_tasks_listed;
};

/* Where a derived thing comes from: the same inputs and settings give the same text. */
struct et_provenance_input {
    const char *path;   // as given by the user, relative where it was
    const char *digest; // BLAKE2b of the content, hexadecimal
    int64_t n_bytes;
};
struct et_provenance {
    const char *action;   // "dataset build"
    const char *settings; // one JSON object: what the user chose
    const struct et_provenance_input *inputs;
    size_t n_inputs;
};

/* {"program": "etude", "version": …, "libraries": …, "action": …, "settings": {…}, "inputs": […]}
 */
ET_API void et_provenance_json(struct et_json_writer *w, const struct et_provenance *provenance);

/* The library's version, "0.1.0". */
ET_API const char *et_version(void);

#endif
