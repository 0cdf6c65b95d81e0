/* Live: a station at work, from one file that people write.
 *
 * doc/station.md is the guide. The file names the robot, who works there, and the sources:
 *
 *     station: kitchen-1
 *     robot: {model: unitree-g1-inspire, serial: G1-0042}
 *     run: attempt
 *     sources:
 *       robot: {kind: dds, domain: 0}
 *       pad:   {kind: gamepad}
 *
 * A live station opens its sources on feeds of a recorder's station and polls them on a thread of
 * its own. Marks that they bring (events of the kind "mark": start, success, failure, discard) and
 * marks that are given here begin and end recordings.
 *
 * Threads: et_live_step, _stop and _close come from one thread at a time; the others from any, as
 *          long as it is open.
 * Memory:  a file lives in the caller's arena; a live station has its sources and 64 KB. */
#ifndef ETUDE_LIVE_H
#define ETUDE_LIVE_H

#include "etude/arena.h"
#include "etude/recorder.h"
#include "etude/source.h"

#define ET_LIVE_SOURCES_MAX 32

enum et_live_mode {
    ET_LIVE_ATTEMPT, // each attempt a recording of its own, from its start to its end
    ET_LIVE_SESSION, // one recording, with marks in it
};

/* Who may watch: a Foxglove server (etude/foxglove.h). */
struct et_station_foxglove {
    const char *address; // NULL: nobody asked for it
    const char *tls;     // folder of its certificate and key (et_tls_make); NULL: plain
    const char *token;
    const char *const *origins; // of pages elsewhere that may watch; ended by NULL; NULL: none
};

struct et_station_file {
    const char *path, *name;
    const char *robot, *serial, *trainer, *programme, *scenario, *skill, *instruction, *objects;
    const char *folder; // of recordings, relative to where the program runs; NULL: not said
    enum et_live_mode mode;
    struct et_recorder_options recorder; // what the file says of it; folder and the rest zeroed
    struct et_station_foxglove foxglove;
    const struct et_live_source *sources;
    size_t n_sources;
};

/* Reads and checks a station's file; settings of sources are checked against their kinds.
 * ET_ECORRUPT: "path:line:column: …", the first mistake. ET_ENOTFOUND, ET_EIO, ET_ELIMIT. */
ET_MUST_USE ET_API enum et_status et_station_file_read(const char *path, struct et_arena *arena,
                                                       const struct et_station_file **file,
                                                       struct et_err *err);

struct et_live;

struct et_live_options {
    const struct et_run *run; // of what it records; NULL: what the file says
    bool only_listen;         // nothing is recorded, whatever is marked
    bool only_look;           // sources announce streams, and leave devices to who has them
    size_t feed_bytes;        // of each source's ring; 0: 16 MiB
    const struct et_log *log; // begins, ends, failures of recordings
    /* Called with each source's feed before the source is opened, so that more may listen to it;
     * NULL: nobody. What it fails with, et_live_open fails with. */
    enum et_status (*on_feed)(void *ctx, struct et_feed *feed, struct et_err *err);
    void *ctx;
};

/* Opens all sources and begins to poll. In ET_LIVE_SESSION the recording begins at once. The file,
 * the station and the run must outlive it. Errors are those of et_source_open, with the source's
 * name, and of et_station_begin. options may be NULL. */
ET_MUST_USE ET_API enum et_status
et_live_open(struct et_live **live, const struct et_station_file *file, struct et_station *station,
             const struct et_live_options *options, struct et_err *err);
/* Closes the sources, then ends what is being recorded. Result as et_station_end. */
ET_MUST_USE ET_API enum et_status et_live_stop(struct et_live *live, struct et_err *err);
/* Stops, and gives it back. NULL is allowed. */
ET_MUST_USE ET_API enum et_status et_live_close(struct et_live *live, struct et_err *err);

/* A mark, by a person: "start", "success", "failure", "stop" or "discard"; `text` says more, and
 * may be NULL. Done by et_live_step. A verdict that comes when no attempt is under way is of the
 * one that ended last, in place of the one before: on its page (et_recording_judge, _discard); in
 * a session an event. What the end of the station cuts is "interrupted", and so is what the disk
 * breaks off, whatever was said of it.
 *
 * "emergency" stops what moves, at once: it goes to the thread that polls, whatever et_live_step
 * waits for. "release" takes that back, after all sources were told of the stop. So keys are read
 * on a thread that does not call et_live_step, which waits for the disk. Where nothing is recorded,
 * or what was is just being ended, the next recording has both, as events "mark.before" with the
 * seconds since. */
ET_API void et_live_mark(struct et_live *live, const char *mark, const char *who, const char *text);

/* Does what marks ask for, and waits for the disk where recordings begin and end; to be called
 * every 50 ms or so. ET_OK; ET_END: all sources are over (a
 * replay that came to its end). Failures of recordings are told to the log and in the station's
 * status, and the next start tries again; a source that fails for good is one, too. */
ET_MUST_USE ET_API enum et_status et_live_step(struct et_live *live, struct et_err *err);

struct et_live_status {
    // Attempts that ended, by how they were judged last; the others nobody judged.
    unsigned n_done, n_success, n_failure, n_discarded, n_interrupted;
    unsigned n_broken;     // of n_interrupted: by the disk, whatever was said of them
    unsigned n_holed;      // of the other n_done: samples came that are in no recording
    unsigned n_unrecorded; // were to begin, and could not: in no recording, and not in n_done
    uint64_t n_dropped;    // samples that came while it recorded, and are in no recording
    uint64_t n_lost;       // that never came; both of recordings that ended
    bool is_attempt;       // one is under way
    int64_t t_attempt_ns;  // since when
    const char *last_path; // of the recording that ended last, until another ends; NULL: none did
};
ET_API struct et_live_status et_live_status(struct et_live *live);
ET_API size_t et_live_n_sources(const struct et_live *live);
ET_API const struct et_live_source *et_live_source(const struct et_live *live, size_t i);
ET_API enum et_source_state et_live_source_state(struct et_live *live, size_t i);
/* How a source says it is, copied; "" where it has nothing to say. */
ET_API void et_live_words(struct et_live *live, size_t i, char text[ET_SOURCE_WORDS_BYTES]);
/* What keeps its device away, copied; "" where nothing is known to. */
ET_API void et_live_trouble(struct et_live *live, size_t i, char text[ET_SOURCE_WORDS_BYTES]);
ET_API struct et_feed *et_live_feed(struct et_live *live, size_t i); // to count by

#endif
