/* The inside of the link: frames as functions over bytes, the clocks of two machines, and what an
 * agent keeps until it is taken. doc/format-link.md has the layout and its reasons. */
#ifndef ETUDE_RECORD_LINK_H
#define ETUDE_RECORD_LINK_H

#include "etude/link.h"

#define ET__LINK_VERSION 1
#define ET__LINK_HEAD_BYTES 16
#define ET__LINK_HELLO_BYTES_MAX ((size_t)4 << 10) // a frame of who is not known yet
#define ET__LINK_BATCH_HEAD_BYTES 24
#define ET__LINK_RECORD_BYTES 20
#define ET__LINK_FRAME_BYTES_MAX (ET_LINK_SAMPLE_BYTES_MAX + ((size_t)64 << 10))
#define ET__LINK_SCHEMA_BYTES_MAX ((size_t)4 << 20)
#define ET__LINK_TEXT_BYTES_MAX 4096

/* ---- frames (link_frame.c) ---- */

enum et__link_type {
    ET__LINK_HELLO = 1, // agent → recorder
    ET__LINK_WELCOME,   // ←
    ET__LINK_REFUSED,   // ←, then it closes
    ET__LINK_STREAM,    // →
    ET__LINK_BATCH,     // →
    ET__LINK_TAKEN,     // ←
    ET__LINK_PING,      // ←
    ET__LINK_PONG,      // →
    ET__LINK_BYE,       // →
    ET__LINK_AGAIN,     // →
    ET__LINK_N_TYPES,
};

struct et__link_frame {
    enum et__link_type type;
    struct et_str body; // in the bytes that were read
};

/* The frame that n bytes at p begin with, *n_used of them. ET_AGAIN: it goes on. ET_ELIMIT: it is
 * longer than `max` with its head. ET_ECORRUPT: it is none. */
ET_MUST_USE enum et_status et__link_next(const char *p, size_t n, size_t max,
                                         struct et__link_frame *frame, size_t *n_used,
                                         struct et_err *err);

/* Frames are built in a buffer: begin, body, end. `at` is where the frame begins in it. */
size_t et__link_begin(struct et_buf *buf, enum et__link_type type);
void et__link_end(struct et_buf *buf, size_t at);

struct et__link_hello {
    uint16_t version;
    uint64_t session;
    int64_t t_agent_ns, t_real_ns;
    struct et_str agent, token, robot, serial;
};
void et__link_put_hello(struct et_buf *buf, const struct et__link_hello *hello);
ET_MUST_USE enum et_status et__link_read_hello(struct et_str body, struct et__link_hello *hello,
                                               struct et_err *err);

/* WELCOME and TAKEN: all records before this one are taken. */
void et__link_put_count(struct et_buf *buf, enum et__link_type type, uint64_t n_taken);
ET_MUST_USE enum et_status et__link_read_count(struct et_str body, uint64_t *n_taken,
                                               struct et_err *err);

void et__link_put_refused(struct et_buf *buf, struct et_str why);
ET_MUST_USE enum et_status et__link_read_refused(struct et_str body, struct et_str *why,
                                                 struct et_err *err);

/* Streams are numbered from 0, in the order in which they are announced. Texts of a stream that was
 * read lie in `texts`. */
struct et__link_stream {
    uint16_t i;
    struct et_feed_stream stream;
};
void et__link_put_stream(struct et_buf *buf, const struct et__link_stream *stream);
ET_MUST_USE enum et_status et__link_read_stream(struct et_str body, struct et_buf *texts,
                                                struct et__link_stream *stream, struct et_err *err);

void et__link_put_ping(struct et_buf *buf, int64_t t_server_ns);
ET_MUST_USE enum et_status et__link_read_ping(struct et_str body, int64_t *t_server_ns,
                                              struct et_err *err);
struct et__link_pong {
    int64_t t_server_ns, t_agent_ns;
};
void et__link_put_pong(struct et_buf *buf, const struct et__link_pong *pong);
ET_MUST_USE enum et_status et__link_read_pong(struct et_str body, struct et__link_pong *pong,
                                              struct et_err *err);

/* A batch: records numbered on from `first`, over the whole session. */
struct et__link_batch {
    uint64_t first;
    int64_t t_base_ns; // on the agent's clock
    uint32_t n_records;
    struct et_str records;
};
struct et__link_record {
    uint16_t stream;
    bool is_loss; // n_lost samples of the stream were lost before they came here
    uint64_t n_lost;
    int64_t t_agent_ns, t_device_ns;
    struct et_str bytes;
};
ET_MUST_USE enum et_status et__link_read_batch(struct et_str body, struct et__link_batch *batch,
                                               struct et_err *err);
/* The next record, behind *at (0: the first). ET_END: that was the last. ET_ECORRUPT. */
ET_MUST_USE enum et_status et__link_next_record(const struct et__link_batch *batch, size_t *at,
                                                struct et__link_record *record, struct et_err *err);

/* Building one in an empty buffer: begin, records that are near in time to t_base_ns, end. */
void et__link_begin_batch(struct et_buf *buf, uint64_t first, int64_t t_base_ns);
bool et__link_is_near(int64_t t_base_ns, int64_t t_agent_ns);
void et__link_put_record(struct et_buf *buf, int64_t t_base_ns,
                         const struct et__link_record *record);
void et__link_end_batch(struct et_buf *buf, uint32_t n_records);
/* A frame that is read as a batch of one: a latched sample that another recorder has taken. */
void et__link_put_again(struct et_buf *buf, uint64_t number, const struct et__link_record *record);
/* Moves the times of a batch's frame, the only one in buf. ET_ECORRUPT: it is none. */
ET_MUST_USE enum et_status et__link_shift_batch(struct et_buf *buf, int64_t by_ns,
                                                struct et_err *err);

/* ---- two clocks (link_clock.c) ---- */

/* How far an agent's clock is ahead, by the ping that is known best: half of how long it took, and
 * what two clocks may have drifted apart since. A zeroed one knows nothing. */
struct et__link_clock {
    bool is_known;
    int64_t ahead_ns;    // agent − recorder
    int64_t round_ns;    // how long that ping took
    int64_t t_server_ns; // when it came back
};
void et__link_clock_learn(struct et__link_clock *clock, const struct et__link_pong *pong,
                          int64_t t_now_ns);
/* An agent's time on the recorder's clock, not after t_now_ns; never 0. */
int64_t et__link_clock_translate(const struct et__link_clock *clock, int64_t t_agent_ns,
                                 int64_t t_now_ns);

/* ---- frames on disk (link_spool.c) ---- */

/* A file with a ring of frames, and the streams that they are of. It outlives its agent: the next
 * one of that name takes up what was not taken by the recorder. doc/format-link.md has the bytes.
 *
 * Frames lie between a tail and a head; a cursor between them says which were read. Places count on
 * and never fall. */
#define ET__LINK_SPOOL_ENTRY_BYTES 48 // before each frame
#define ET__LINK_SPOOL_PATH_MAX 4096
struct et__link_spool;

struct et__link_spool_options {
    const char *path;
    const char *agent; // its name
    int64_t n_bytes;   // of the ring; one that is taken up keeps its own
    uint64_t session;  // of this run, where nothing is taken up
    uint64_t boot;     // of this machine: CLOCK_MONOTONIC begins anew with each
    int64_t real_minus_mono_ns;
};

/* What an agent before this one left. */
struct et__link_spooled {
    uint64_t session;      // its own; 0: there is nothing to take up
    uint64_t n_records;    // that are there
    uint64_t next;         // the number behind the last record it made
    uint64_t n_lost;       // records that it had in memory only, at most
    struct et_err trouble; // status ET_OK: it was whole, as far as its head tells
};

/* ET_EEXISTS: another agent uses it, or it is another agent's. ET_EIO, ET_ENOMEM, ET_ELIMIT. One
 * whose head is damaged is kept as <path>.damaged, and told. */
ET_MUST_USE enum et_status et__link_spool_open(struct et__link_spool **spool,
                                               const struct et__link_spool_options *options,
                                               struct et__link_spooled *found, struct et_err *err);
void et__link_spool_close(struct et__link_spool *spool, bool is_kept); // NULL is allowed

/* Streams, as frames, in the order of their numbers: those that are there are read first, then more
 * are put behind them. ET_END: that was the last. ET_ECORRUPT: what follows is lost. ET_ELIMIT:
 * there is no room. */
ET_MUST_USE enum et_status et__link_spool_next_stream(struct et__link_spool *spool,
                                                      struct et_buf *buf,
                                                      struct et__link_frame *frame,
                                                      struct et_err *err);
ET_MUST_USE enum et_status et__link_spool_put_stream(struct et__link_spool *spool,
                                                     struct et_str frame, struct et_err *err);

/* Puts a batch's frame at the head: `end` is the number behind its last record. ET_AGAIN: no room
 * until the oldest has gone. ET_ELIMIT: there never is. ET_EIO. */
ET_MUST_USE enum et_status et__link_spool_put(struct et__link_spool *spool, struct et_str frame,
                                              uint64_t end, uint32_t n_records, struct et_err *err);
/* Reads the frame at the cursor into buf, its times on this boot's clock. ET_END: there is none.
 * ET_EIO; ET_ECORRUPT: it is not what was put. The cursor is then where it was. */
ET_MUST_USE enum et_status et__link_spool_next(struct et__link_spool *spool, struct et_buf *buf,
                                               struct et_err *err);
uint64_t et__link_spool_place(const struct et__link_spool *spool); // the cursor's
void et__link_spool_go_to(struct et__link_spool *spool, uint64_t place);
bool et__link_spool_is_before(const struct et__link_spool *spool); // what comes another agent put
/* Over all that cannot be read: to the first of this agent's, or to the head. */
void et__link_spool_pass(struct et__link_spool *spool);
/* What is before a place goes: so many records. */
void et__link_spool_drop(struct et__link_spool *spool, uint64_t place, uint64_t n_records);
/* Numbers that the next agent is told: of the next record, and of those taken. */
void et__link_spool_note(struct et__link_spool *spool, uint64_t next, uint64_t n_taken);
int64_t et__link_spool_bytes(const struct et__link_spool *spool); // from the tail on
uint64_t et__link_spool_left(const struct et__link_spool *spool); // from the cursor on

/* ---- what an agent keeps (link_window.c) ---- */

struct et__link_kept {
    struct et__link_kept *next;
    uint64_t first, end; // records
    uint64_t at, to;     // where it lies in the spool; 0, 0: it does not
    size_t n;
    char bytes[];
};

/* Batches from the oldest that is not taken on: in memory up to n_bytes_max, the later ones in a
 * spool where there is one. While the recorder is away all of them go to the spool, too, so that a
 * kill of the agent loses none; while it is there, only those that memory has no room for. */
struct et__link_window {
    struct et__link_kept *oldest, *newest;
    struct et__link_kept *unsent;  // the first that was not sent on this connection
    struct et__link_kept *unsaved; // the first that may still have to go to the spool
    size_t n_bytes, n_bytes_max;
    bool is_up;                              // the recorder is there
    struct et__link_spool *spool;            // NULL: none
    uint64_t n_taken;                        // all before that record are taken
    uint64_t n_spooled[ET_FEED_STREAMS_MAX]; // samples in the spool and not in memory
    uint64_t n_lost[ET_FEED_STREAMS_MAX];    // that went from it, to be told
    uint64_t n_lost_all;                     // ever
    size_t n_streams_before;                 // that an agent before this one had
    uint64_t n_before;                       // its records that were not read yet
    uint64_t n_before_lost;                  // that could not be, to be told
    uint64_t n_gone;                         // records that were here, and are taken
    struct et_buf scratch;
};
bool et__link_window_has_room(const struct et__link_window *window); // for one batch at least
/* Keeps a batch's frame. What there is no room or memory for any more is counted as lost. */
void et__link_window_put(struct et__link_window *window, struct et_str frame);
void et__link_window_lose(struct et__link_window *window, const struct et__link_record *record);
/* The next one to send, or NULL; it stays until it is taken. */
const struct et__link_kept *et__link_window_next(struct et__link_window *window);
void et__link_window_sent(struct et__link_window *window);
void et__link_window_rewind(struct et__link_window *window); // a new connection
void et__link_window_away(struct et__link_window *window);   // it has ended
void et__link_window_taken(struct et__link_window *window,
                           uint64_t n_taken); // all before that record
bool et__link_window_is_empty(const struct et__link_window *window);
/* What is not taken stays in the spool where there is one. */
void et__link_window_close(struct et__link_window *window);

#endif
