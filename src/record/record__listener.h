/* What sources of single devices share: their name, their clock, the message under way, and the
 * events that tell of their coming and going.
 *
 * Threads and memory: as the source that has it. */
#ifndef RECORD__LISTENER_H
#define RECORD__LISTENER_H

#include "etude/cdr.h"
#include "etude/source.h"

#define ET__LISTENER_TEXT_BYTES 256 // of an event

struct et__listener {
    struct et_feed *feed;
    char *device; // as the station calls it
    int64_t (*now_ns)(void *ctx);
    void *ctx;
    bool only_look;
    bool is_there, is_told; // as was told last, if anything was
    char told[ET__LISTENER_TEXT_BYTES];
    struct et_buf message; // under way

    int64_t t_heard_ns;   // that something was heard of it; 0: the watch has not begun
    const char *language; // of the things that come: "VMC"; NULL: it has no name
    int64_t t_garbage_ns; // that garbage was told
    uint64_t n_garbage;   // in all
    uint64_t n_told;      // of it
    uint64_t n_before;    // of it, before something was heard the last time
};

/* message_bytes bounds a message. ET_ENOMEM. Close it in any case. */
ET_MUST_USE enum et_status et__listener_open(struct et__listener *listener,
                                             const struct et_source_options *options,
                                             struct et_feed *feed, size_t message_bytes,
                                             struct et_err *err);
void et__listener_close(struct et__listener *listener);

int64_t et__listener_now(const struct et__listener *listener);

/* Announces "/<device><suffix>" of a type of share/msg. Statuses of et_feed_add_type. */
ET_MUST_USE enum et_status et__listener_add(struct et__listener *listener, const char *suffix,
                                            const char *type, double rate_hz, uint16_t *stream,
                                            struct et_err *err);

/* A message: begun, written, put. One that does not fit, or is hostile (a NUL in a text), counts as
 * lost. t_arrival_ns 0: now. */
struct et_cdr et__listener_begin(struct et__listener *listener);
void et__listener_put(struct et__listener *listener, uint16_t stream, int64_t t_device_ns,
                      int64_t t_arrival_ns);

/* An event of the device; value: JSON or NULL. */
void et__listener_event(struct et__listener *listener, const char *kind, const char *text,
                        const char *value);

/* The device is there, or is not: events "device.found" and "device.lost", when that changes,
 * and the first time; what keeps it away again when the reason changes. */
void et__listener_tell(struct et__listener *listener, bool is_there, const char *fmt, ...)
    ET_PRINTF(3, 4);

/* So and so many things were no message; and at each poll: "device.garbage", every 10 s while more
 * come, each time that there are ten times as many, and at the end (et__listener_close): what came
 * since (n) and in all (n_all). Lowers *t_next_ns to when to look again. */
void et__listener_garbage(struct et__listener *listener, uint64_t n);
void et__listener_tell_garbage(struct et__listener *listener, int64_t now_ns, int64_t *t_next_ns);

/* For devices that only speak: something was heard of it; and at each poll the same, and
 * "device.lost" when it was silent for 2 s, or what comes is garbage. */
void et__listener_hear(struct et__listener *listener);
void et__listener_watch(struct et__listener *listener, int64_t now_ns, int64_t *t_next_ns);

#endif
