/* Recorder: live samples into recordings that survive anything.
 *
 * A recorder writes to one disk. It has stations: work places whose sources put into feeds, all of
 * which go into one recording at a time. What was heard is on the disk 50 ms later, packed in a
 * chunk of its own and synced; the file can be read at every moment, and is called
 * <id>.mcap.part until it is finished. After a kill or a power cut et_recorder_recover finishes
 * what was left.
 *
 *     et_recorder_open → et_station_open → et_station_feed → sources put …
 *                        et_station_begin … et_station_end …      → et_recorder_close
 *
 * Nothing is lost in silence: what finds no room in a feed, or was lost on its way there, is told
 * in the recording by events of the kind "dropped" and "lost", with stream, number and time. When
 * the disk is nearly full all recordings end, whole, before it is.
 *
 * Time: log_time is arrival by CLOCK_MONOTONIC plus its distance to CLOCK_REALTIME when the
 * recorder was opened, so that it never steps; publish_time is the device's stamp, raw, 0 where
 * there is none. Metadata `etude.clock` has that distance, events "clock.step" where the system's
 * clock was set meanwhile. Once a second the model of
 * each stream's clock (etude/clock_live.h) is written to /clocks; a device's clock that jumps is an
 * event "clock.reset".
 *
 * Units:   nanoseconds of CLOCK_MONOTONIC, unless a name says otherwise.
 * Threads: every call may come from any thread, but the calls on one station's run (begin, end,
 *          close) from one at a time. A recorder starts the threads that it was opened with.
 * Memory:  the feeds' rings; what waits for the disk, bounded by wait_bytes; the index of each
 *          file, 6 KB a second. */
#ifndef ETUDE_RECORDER_H
#define ETUDE_RECORDER_H

#include "etude/clock_live.h"
#include "etude/feed.h"
#include "etude/log.h"
#include "etude/mcap_write.h"

struct et_recorder;
struct et_station;

#define ET_STATION_FEEDS_MAX 64

/* Zeroed but for the folder: all as usual. */
struct et_recorder_options {
    const char *folder;      // recordings go there; made where missing; NULL: nothing is recorded
    bool by_day;             // into <yyyy>/<mm>/<dd> of it, UTC
    unsigned n_threads;      // that write, each for its share of the stations; 0: 1
    int64_t commit_ns;       // from commit to commit; 0: 50 ms
    int64_t keep_free_bytes; // of the disk; 0: 1 GiB; < 0: nothing
    int64_t part_ns;         // a recording goes on in another file after so long; 0: 10 min
    int64_t part_bytes;      // or so much; 0: 4 GiB
    int64_t before_ns;       // what was heard so long before a run is in it; 0: 1 s; < 0: nothing
    size_t wait_bytes;       // that may wait for the disk, of all stations; 0: 256 MiB
    enum et_mcap_compression compression;
    int level; // of zstd; 0: 1
    bool without_uring, without_direct;
    const struct et_log *log; // NULL: silent
    int64_t (*real_ns)(void); // NULL: et_clock_real_ns
};

/* Starts its threads. ET_EIO: the folder cannot be made or written to. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_recorder_open(struct et_recorder **recorder,
                                                   const struct et_recorder_options *options,
                                                   struct et_err *err);
/* Ends what is being recorded, closes all stations, and stops. The first failure of those that
 * ended now; the recorder is gone whatever the result. NULL is allowed. */
ET_MUST_USE ET_API enum et_status et_recorder_close(struct et_recorder *recorder,
                                                    struct et_err *err);

struct et_recorder_status {
    size_t n_stations, n_recording;
    int64_t free_bytes; // of the disk, less what is kept free; < 0: that is touched
    int64_t keep_free_bytes;
    bool is_full;     // nothing is recorded until enough is free again
    int64_t n_bytes;  // written by all
    size_t n_waiting; // bytes that wait for the disk
    // From a commit's oldest sample to its being safe: of the last 256 commits.
    int64_t window_p50_ns, window_p99_ns, window_max_ns;
    int64_t cpu_ns; // that the threads which write have used
    bool has_uring;
};
ET_API struct et_recorder_status et_recorder_status(struct et_recorder *recorder);

/* ---- stations ---- */

/* The name is one of our own: [a-z0-9_.-]. ET_EARG: it is none. ET_EEXISTS: it is taken. ET_ENOMEM.
 */
ET_MUST_USE ET_API enum et_status et_station_open(struct et_station **station,
                                                  struct et_recorder *recorder, const char *name,
                                                  struct et_err *err);
/* Ends its run and closes its feeds: sources that put into them must be gone. Result as
 * et_station_end. NULL is allowed. */
ET_MUST_USE ET_API enum et_status et_station_close(struct et_station *station, struct et_err *err);

/* A feed of the station, for one thread that puts; it lives as long as the station. options may be
 * NULL. ET_ELIMIT: too many. ET_EARG, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_station_feed(struct et_station *station,
                                                  const struct et_feed_options *options,
                                                  struct et_feed **feed, struct et_err *err);
ET_API size_t et_station_n_feeds(struct et_station *station);
ET_API struct et_feed *et_station_feed_at(struct et_station *station, size_t i);

/* ---- runs ---- */

/* What a recording says of itself: metadata `etude.run`. NULL: not known. */
struct et_run {
    const char *run; // "<id>" of the first of its files; NULL: that of the recording
    const char *robot, *serial, *trainer, *programme, *scenario, *skill, *instruction, *objects;
    const struct et_mcap_pair *more; // beside those, keys of our own
    size_t n_more;
    const struct et_mcap_attachment *attachments; // profile, URDF; at 0
    size_t n_attachments;
};

/* Begins a recording: returns when its file is there. The run is copied. ET_EEXISTS: one is under
 * way. ET_EIO: the file cannot be created, or the disk is nearly full. ET_EARG: the recorder has no
 * folder. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_station_begin(struct et_station *station,
                                                   const struct et_run *run, struct et_err *err);

/* Ends it: all that arrived until now is in it; indexed, hashed, renamed to <id>.mcap, and on the
 * disk when this returns. outcome "success", "failure: why", "discard", "interrupted"; NULL: not
 * known.
 * ET_ENOTFOUND: nothing is being recorded. ET_EIO: the disk failed; the text says what is left. */
ET_MUST_USE ET_API enum et_status et_station_end(struct et_station *station, const char *outcome,
                                                 struct et_err *err);

/* An event at this moment, as et_feed_event. */
ET_API bool et_station_event(struct et_station *station, const char *kind, const char *source,
                             const char *text, const char *value);

enum et_station_state {
    ET_STATION_IDLE,
    ET_STATION_RECORDING,
    ET_STATION_STOPPED, // it had to end: `trouble`; et_station_begin tries again
};

#define ET_RECORDING_PATH_MAX 512
struct et_station_status {
    enum et_station_state state;
    char path[ET_RECORDING_PATH_MAX]; // of the recording under way, or of the last one
    unsigned i_part;                  // 1: the first file of the run
    int64_t t_begin_ns;               // of the run
    int64_t n_bytes, n_safe_bytes;    // of this file; the latter a power cut leaves
    int64_t t_safe_ns;                // what was put into feeds until then, a power cut leaves
    int64_t t_kept_ns;                // and a kill; not before t_safe_ns
    uint64_t n_messages;              // of this run
    uint64_t n_dropped, n_lost;       // of this run
    uint64_t n_unwritten;             // of n_dropped: found room in a feed, and no file took them
    uint64_t n_missed;                // at most so many more, since the last file: in n_dropped
                                      // later
    size_t ring_used_max;             // the fullest feed since the last call, less what is
                                      // kept there for a run to begin with
    double ring_share_max;            // of its size
    struct et_err trouble;            // why it stopped; status ET_OK: it did not
};
ET_API struct et_station_status et_station_status(struct et_station *station);
/* The clock of a stream of a feed of the station's, as of the last second; zeroed where no sample
 * had a stamp. */
ET_API struct et_clock_live_state et_station_clock(struct et_station *station, size_t i_feed,
                                                   size_t i_stream);
ET_API int64_t et_station_safe_ns(struct et_station *station); // t_safe_ns alone
/* What was put into feeds that can wait until then, who put it need not keep: it is safe, or was
 * not wanted (only_in_runs). */
ET_API int64_t et_station_settled_ns(struct et_station *station);
ET_API const char *et_station_name(const struct et_station *station);
ET_API struct et_recorder *et_station_recorder(const struct et_station *station);

/* Says on a finished recording's page, <id>.json, that it is not to be used, and who says so. The
 * recording itself stays as it is: curation finds the word. ET_ENOTFOUND: it has no page.
 * ET_ECORRUPT: its page is none. ET_EIO. */
ET_MUST_USE ET_API enum et_status et_recording_discard(const char *path, const char *who,
                                                       struct et_err *err);
/* Says there how it went, in place of what was said before: outcome as of et_station_end. */
ET_MUST_USE ET_API enum et_status et_recording_judge(const char *path, const char *outcome,
                                                     const char *who, struct et_err *err);

/* ---- after a kill ---- */

struct et_recovered {
    const char *path;             // of the finished recording; NULL: it could not be
    const char *part;             // what it was made of
    int64_t n_cut;                // bytes that were cut off
    int64_t n_held;               // bytes that waited for the disk, and were put there now
    const char *damaged;          // NULL, or where `part` is now: see below
    const struct et_err *trouble; // why it could not be; NULL: it could
};

/* Finishes every <id>.mcap.part under the folder that nobody is writing: puts back what waited for
 * the disk when its writer was killed, cuts off what is left of its last chunk, indexes, hashes and
 * renames it; calls `each` for every one. Where more than its end is damaged (a power cut among
 * blocks that were not synced; a disk that errs) what holds is copied, and the file is kept as
 * <id>.mcap.damaged; so is one that is no recording at all, which counts as failed. One that cannot
 * be read or written now stays as it is; an empty one goes. Waits up to two seconds for files that
 * are locked: who was killed lets go a little later. What waited for recordings that are no more,
 * wherever they were, is given back.
 *
 * ET_ENOTFOUND: no such folder. ET_EIO: it cannot be read. ET_ENOMEM. `etude record` does it when
 * it starts. */
ET_MUST_USE ET_API enum et_status
et_recorder_recover(const char *folder, void (*each)(void *ctx, const struct et_recovered *file),
                    void *ctx, size_t *n_failed, struct et_err *err);

/* ---- agents (etude/link.h) ---- */

/* Of a session of an agent, all records before n_taken are in a recording. Every chunk that has
 * some of them says so (/link), and so does the recording's page. */
struct et_recorded_link {
    uint64_t session; // 0: none
    uint64_t n_taken;
};

#define ET_RECORDING_LINKS_MAX 256 // sessions of a recording; of more, the last ones

/* What the pages of a folder's recordings say, by days or not, the latest recordings first, 10,000
 * at most: so that a recorder that begins anew knows what agents need not send again. Pages that
 * cannot be read are passed over. ET_ENOTFOUND: no such folder. ET_EIO, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status
et_recorder_links(const char *folder, void (*each)(void *ctx, const struct et_recorded_link *link),
                  void *ctx, struct et_err *err);

/* Reads that of a recorder's own folder, once, before agents are let in. Errors as
 * et_recorder_links. */
ET_MUST_USE ET_API enum et_status et_recorder_read_links(struct et_recorder *recorder,
                                                         struct et_err *err);
/* How many records of a session are in recordings, as was read; 0: none, or it is not known. */
ET_API uint64_t et_recorder_taken(const struct et_recorder *recorder, uint64_t session);

#endif
