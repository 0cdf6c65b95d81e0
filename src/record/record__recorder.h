/* The inside of the recorder: its files, its stations, and the threads that write. */
#ifndef ETUDE_RECORD_RECORDER_H
#define ETUDE_RECORD_RECORDER_H

#include "etude/arena.h"
#include "etude/hash.h"
#include "etude/recorder.h"
#include "record/record__keep.h"
#include "record/record__links.h"
#include "record/record__owed.h"
#include "record/record__tape.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- files (recorder_file.c) ---- */

#define ET__FILE_SUFFIX ".mcap" ET_FILE_PART_SUFFIX

struct et__file; // a recording that is being written

struct et__file_options {
    const char *folder, *id;
    enum et_mcap_compression compression;
    int level;
};

/* Creates <folder>/<id>.mcap.part, with the folder. Errors as et__tape_open. */
ET_MUST_USE enum et_status et__file_open(struct et__file **file, struct et__deck *deck,
                                         const struct et__file_options *options,
                                         struct et_err *err);
struct et_mcap_writer *et__file_mcap(struct et__file *file);
const char *et__file_path(const struct et__file *file); // that it will have
int64_t et__file_bytes(const struct et__file *file);
int64_t et__file_safe(const struct et__file *file);
bool et__file_outlives(const struct et__file *file);  // a kill leaves what it was given
bool et__file_is_locked(const struct et__file *file); // others see that it is being written
/* ET_OK while the disk takes what was written. */
ET_MUST_USE enum et_status et__file_check(const struct et__file *file, struct et_err *err);

/* Closes the open chunk, so that the next commit has it. */
ET_MUST_USE enum et_status et__file_flush(struct et__file *file, struct et_err *err);
/* Makes a recording of it; the file is gone whatever the result. `facts` for the page beside it. */
struct et__file_facts {
    const char *run;
    unsigned i_part;
    uint64_t n_messages;
    const struct et_recorded_link *links;
    size_t n_links;
};
ET_MUST_USE enum et_status et__file_finish(struct et__file *file,
                                           const struct et__file_facts *facts, struct et_err *err);
void et__file_leave(struct et__file *file); // as a kill would; NULL is allowed
/* Leaves its first n bytes, which are safe; a file without any goes. ET_EIO: more may be left. */
ET_MUST_USE enum et_status et__file_cut(struct et__file *file, int64_t n, struct et_err *err);

/* <path less .mcap>.json: what the recording is, and the hash of its bytes (doc/json.md). */
struct et__recording_page {
    const char *run;        // NULL: not known
    unsigned i_part;        // 0: not known
    int64_t n_bytes, n_cut; // n_cut ≥ 0: it was recovered
    int64_t n_messages;     // < 0: not known
    struct et_digest digest;
    const struct et_recorded_link *links;
    size_t n_links;
};
ET_MUST_USE enum et_status et__recording_page_write(const char *path,
                                                    const struct et__recording_page *page,
                                                    struct et_err *err);

/* ---- events (recorder_event.c) ---- */

/* The bytes of an etude_msgs/Event without a stamp. */
void et__event_put(struct et_buf *buf, const char *kind, const char *source, const char *text,
                   const char *value);

/* The same read, views of the bytes; false: they are none. */
struct et__event {
    struct et_str kind, source, text;
};
bool et__event_parse(struct et_str bytes, struct et__event *event);

/* ---- what there is ---- */

#define ET__CHANNELS_MAX 4096 // of a recording
#define ET__EVENT_BYTES_MAX ((size_t)64 << 10)

/* A stream of a feed, as the recorder knows it. */
struct et__stream {
    uint16_t channel, schema; // of the file under way; 0: not in it yet
    uint64_t n_dropped_told, n_too_large_told, n_lost_told;
    uint64_t n_missed;           // of this run, while its file could not be written
    uint64_t n_left_out;         // of this run, that a recording cannot have; not told yet
    bool is_left_out;            // the file under way says that it began
    struct et_clock_live *clock; // NULL: no sample had a stamp
    uint64_t n_resets_told;
    struct et_clock_live_state clock_state; // under the station's lock
    struct et__keep keep;                   // what the next file begins with
};

struct et__lane {
    struct et_feed *feed;
    bool can_wait, only_in_runs; // as et_feed_options has it
    struct et__owed owed;        // of one that can wait
    size_t n_known;              // streams that are in the file under way
    size_t n_before_bytes;       // in the feed, left there for a run that may begin
    int64_t t_short_ns;          // arrival of the last that went before its time, for want of room
    uint16_t i_short;            // its stream
    struct et__stream streams[ET_FEED_STREAMS_MAX];
};

struct et_station {
    struct et_recorder *recorder;
    struct et__writer *writer;
    struct et_station *next, *next_of_all; // of its writer, of the recorder
    char *name;

    // Of the thread that writes.
    struct et__lane *lanes[ET_STATION_FEEDS_MAX];
    uint32_t *sequences; // by channel
    uint16_t n_channels, n_schemas;
    struct et_arena *arena; // of the run
    struct et_run run;
    struct et__file *file;    // NULL: none is written
    char id[ET_ID_CHARS + 1]; // of the file
    bool is_running;          // between begin and end, with a file or without
    int64_t t_file_ns, t_try_ns;
    int64_t real_minus_mono_ns;                        // when last looked at
    uint64_t n_messages, n_file_messages;              // of the run, of the file
    uint64_t n_heard;                                  // of the file, that go where it fails
    uint64_t n_covered_heard, n_safe_heard, n_at_risk; // at_risk: of failed files, not told yet
    bool can_wait;                                     // a feed of its can
    int64_t t_drained_ns; // what was put until then was taken, while there was a file
    int64_t t_covered_ns; // the same before the commit under way was begun
    int64_t t_safe_ns;    // and before the last one that is over
    int64_t n_covered_bytes, n_safe_bytes; // of the file
    bool has_new;                          // something since the last commit
    struct et_buf event;
    size_t n_keep_bytes; // of all its streams
    size_t n_open_bytes; // in the chunk that is open
    struct et_buf link_schema;
    uint16_t link_channel; // of the file; 0: nothing of agents is in it
    struct et__links *links;
    int64_t n_bytes_told;
    uint16_t clocks; // stream of the first lane: models of clocks

    atomic_size_t n_lanes;
    pthread_mutex_t notes_lock;
    struct et_feed *notes; // what et_station_event puts: the first lane

    pthread_mutex_t lock;            // of what is below
    struct et_station_status status; // of now
    int64_t t_settled_ns;            // as et_station_settled_ns has it
};

struct et__writer {
    struct et_recorder *recorder;
    struct et__deck *deck;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; // of what is below
    pthread_cond_t wake, done;
    struct et__command *first_command, *last_command;
    bool must_stop;
    size_t n_stations;
    // Of its thread.
    struct et_station *stations;
    int64_t t_commit_ns, t_look_ns; // when the next are due
    int64_t t_close_ns;             // of chunks, where a commit is late
    int64_t t_drain_ns;             // the last time that feeds were looked at
    int64_t t_covered_ns;           // the same before the commit under way was begun
    int64_t t_safe_ns;              // and before the last one that is over
    int64_t t_oldest_ns;            // not later than the oldest sample of the next commit; 0: none
    int64_t t_under_way_ns;         // the same of the commit under way; 0: there is none
    _Atomic size_t n_waiting;
    _Atomic int64_t n_ahead; // of the disk, that its tapes took and have not filled
};

#define ET__WINDOWS 256
struct et_recorder {
    struct et_recorder_options options;
    char *folder;
    int64_t to_real_ns; // log_time = CLOCK_MONOTONIC + this
    struct et__writer *writers;
    unsigned n_writers;
    bool has_uring;
    _Atomic int64_t free_bytes, n_bytes;
    atomic_bool is_full;            // nothing is begun, until enough is free again
    atomic_bool is_told_of_locks;   // that there are none
    struct et_recorded_link *links; // of recorders before this one
    size_t n_links;
    pthread_mutex_t lock; // of what is below
    struct et_station *stations;
    int64_t windows_ns[ET__WINDOWS]; // of the last commits
    size_t n_windows;
};

// What another thread wants done by the one that writes, and waits for.
enum et__command_kind { ET__ADD, ET__REMOVE, ET__BEGIN, ET__END };
struct et__command {
    struct et__command *next;
    enum et__command_kind kind;
    struct et_station *station;
    const struct et_run *run;
    const char *outcome;
    int64_t t_ns; // when it was asked for
    enum et_status st;
    struct et_err *err;
    bool is_done;
};
enum et_status et__writer_ask(struct et__writer *writer, struct et__command *command);

/* ---- stations, on the thread that writes (station_write.c) ---- */

/* Takes what is in the feeds: into the file where there is one, else what is older than a run
 * would want is passed over. until_ns: what arrived later stays. */
void et__station_drain(struct et_station *station, int64_t until_ns);
/* Each second: what was dropped and lost, the clock, a part that is full. */
void et__station_look(struct et_station *station, int64_t t_now_ns);
/* The run is over, and had no file at last: what came for it, and was not taken, is dropped. */
void et__station_give_up(struct et_station *station, int64_t until_ns);
/* Streams that were announced since go into the file. */
ET_MUST_USE enum et_status et__station_learn(struct et_station *station, struct et_err *err);
/* Closes the open chunk. In it is how far agents' samples are in the file: what is there is told
 * with it, at whatever chunk a kill ends the file. */
ET_MUST_USE enum et_status et__station_close_chunk(struct et_station *station, struct et_err *err);
/* What a file begins with: latched samples that came before, films from their last key frame on. */
ET_MUST_USE enum et_status et__station_repeat(struct et_station *station, struct et_err *err);
/* Where less than was promised of before the run was kept, an event "before.short". */
ET_MUST_USE enum et_status et__station_tell_short(struct et_station *station, struct et_err *err);
/* And what the file before it had taken and did not bring to the disk. */
ET_MUST_USE enum et_status et__station_write_owed(struct et_station *station, struct et_err *err);
/* What was left out of the file and not told. */
ET_MUST_USE enum et_status et__station_tell_left_out(struct et_station *station,
                                                     struct et_err *err);
void et__station_count_dropped(struct et_station *station, uint64_t n_dropped, uint64_t n_lost,
                               uint64_t n_unwritten);
/* Says so in the open chunk. */
ET_MUST_USE enum et_status et__station_tell_links(struct et_station *station, struct et_err *err);
/* Nothing of a file is known any longer. */
void et__station_forget(struct et_station *station);

/* ---- their files and runs (station_file.c) ---- */

/* Begins a file of the run. */
ET_MUST_USE enum et_status et__station_begin_file(struct et_station *station, struct et_err *err);
/* Ends it whole. outcome NULL: the run goes on, or nobody knows. */
ET_MUST_USE enum et_status et__station_end_file(struct et_station *station, const char *outcome,
                                                struct et_err *err);
/* The file can no longer be written: it is left, and another is tried a second later. */
void et__station_fail(struct et_station *station, const struct et_err *trouble);
/* Tells the state to those who ask. */
void et__station_publish(struct et_station *station);
// All that was put into its feeds until then lies in its tape's memory.
void et__station_keep(struct et_station *station, int64_t t_kept_ns);
/* Until then all that can wait was passed over: nothing is being recorded. */
void et__station_pass(struct et_station *station, int64_t until_ns);
/* A commit that has all that was put into the file begins; it is on the disk. */
void et__station_cover(struct et_station *station);
void et__station_settle(struct et_station *station);
/* All that was put into the file, of which no chunk is open, is on the disk when this returns. */
ET_MUST_USE enum et_status et__station_commit(struct et_station *station, struct et_err *err);
/* A run begins, with its first file, or it does not; it ends, without a file. */
ET_MUST_USE enum et_status et__station_start(struct et_station *station, const struct et_run *run,
                                             struct et_err *err);
void et__station_stop(struct et_station *station);

/* On any thread. ET_OK: what was put into feeds until then is on the disk. ET_AGAIN: not yet.
 * ET_EIO: no file is written; the text says why. */
ET_MUST_USE enum et_status et__station_is_safe(struct et_station *station, int64_t t_ns,
                                               struct et_err *err);

int64_t et__recorder_real(const struct et_recorder *recorder); // the system's clock
// Fills *err with what is said where the disk is nearly full, and returns it.
// A file failed: where too little is free, nothing is begun until there is more.
void et__recorder_failed(struct et_recorder *recorder);
const struct et_err *et__recorder_full(const struct et_recorder *recorder, struct et_err *err);

#endif
