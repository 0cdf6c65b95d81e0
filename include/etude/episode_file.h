/* Episode file: an episode at rest, a folder that `curate` writes and datasets are built from.
 *
 *     episode.json              what it is: ids, times, streams, cameras, segments, findings, grade
 *     tracks/<stream>.parquet   t_ns, t_device_ns, t_arrival_ns, value list<float>; of a camera the
 *                               times of its frames only
 *
 * Tracks keep their native rates on the centre's clock. Pictures are not copied: a camera names the
 * recording and its stream, or an MP4 and its frames. doc/format-episode.md has every member.
 *
 * Same episode, same bytes. A folder is written beside its place and renamed, so it is there whole
 * or not at all.
 *
 * Threads: any; one arena a call.
 * Memory:  what is read lives in the caller's arena. */
#ifndef ETUDE_EPISODE_FILE_H
#define ETUDE_EPISODE_FILE_H

#include "etude/episode.h"

struct et_stream_lag {
    const char *command, *state; // "command.left_arm.position"; of a camera: command is NULL
    double lag_s, sigma_s, confidence;
    bool is_known;
};

/* What episode.json says beside the episode itself. Texts may be NULL. */
struct et_episode_facts {
    const char *recording_id;
    const char *recording;                // path, as it was given
    const char *format;                   // "MCAP"
    const char *device;                   // of several in the recording; NULL: there was no choice
    const char *profile, *profile_digest; // id, hexadecimal
    const char *cut_by;                   // "marks"
    const char *trainer, *station, *scenario, *skill;
    const struct et_finding *findings;
    size_t n_findings;
    struct et_grade grade;
    const struct et_stream_lag *lags;
    size_t n_lags;
    struct et_stream_lag latency; // of the robot as a whole, as et_inspection has it; no names
    const struct et_provenance *provenance; // writing only
    const struct et_value *json;            // reading only: all of episode.json
};

/* Writes the folder. ET_EEXISTS: something is at the path. ET_EIO, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_episode_write(const char *folder,
                                                   const struct et_episode *episode,
                                                   const struct et_episode_facts *facts,
                                                   struct et_err *err);

/* Reads episode.json alone: streams without samples (n_samples is told, values are NULL). */
ET_MUST_USE ET_API enum et_status et_episode_read_facts(const char *folder, struct et_arena *arena,
                                                        struct et_episode *episode,
                                                        struct et_episode_facts *facts,
                                                        struct et_err *err);

/* Reads all of it. ET_ENOTFOUND: no episode.json. ET_ECORRUPT: a file cannot be understood; the
 * text names file, member or column, and reason. A track that is not there, or not whole, is a
 * remark of severity error, and the episode is given without it. ET_ELIMIT: the arena. */
ET_MUST_USE ET_API enum et_status et_episode_read(const char *folder, struct et_arena *arena,
                                                  struct et_episode *episode,
                                                  struct et_episode_facts *facts,
                                                  struct et_err *err);

/* An episode of a folder of them: <folder>/<recording id>/<nnn>. */
struct et_episode_place {
    const char *folder;
    const char *recording_id;
    int64_t index;
};

/* All episodes under a folder (EPISODES, one recording's folder, or one episode's), by recording
 * and number. ET_ENOTFOUND: there is none. */
ET_MUST_USE ET_API enum et_status et_episode_list(const char *folder, struct et_arena *arena,
                                                  const struct et_episode_place **places,
                                                  size_t *n_places, struct et_err *err);

#endif
