/* Feed: samples on their way from what hears them to what keeps them.
 *
 * A source (etude/source.h) puts samples, the recorder (etude/recorder.h) takes them: one thread at
 * each end, a bounded ring between, and nobody waits. What finds no room is dropped, and counted by
 * its stream; so is what a source knows to be lost on its way here. Both counts are in the
 * recording in the end.
 *
 * A stream is announced before its first sample: its topic, and the definition of its bytes. It is
 * never changed or taken back: a topic whose definition changes is a new stream.
 *
 * Units:   t_arrival_ns is CLOCK_MONOTONIC (et_clock_monotonic_ns) as early as it could be had;
 *          t_device_ns is the device's own clock, raw, 0 where it has none.
 * Threads: one puts, one takes (both may be the same); counts may be looked at from anywhere.
 * Memory:  the ring that it was opened with, and its streams. */
#ifndef ETUDE_FEED_H
#define ETUDE_FEED_H

#include "etude/str.h"

#define ET_FEED_STREAMS_MAX 1024
#define ET_FEED_EVENTS 0 // the stream that every feed has: /events, etude_msgs/msg/Event

struct et_feed;

/* What a stream is; copied when it is added. */
struct et_feed_stream {
    const char *topic;            // "/joint_states", as the maker calls it
    const char *type;             // name of the schema: "sensor_msgs/msg/JointState"
    struct et_str schema;         // its text or bytes; empty: unknown
    const char *schema_encoding;  // "ros2msg", "ros2idl", "protobuf"; "" where there is no schema
    const char *message_encoding; // "cdr", "protobuf", "json"
    const char *device;           // of the station, as it is called there: "gamepad"; NULL: none
    const char *qos;              // offered_qos_profiles as rosbag2 writes them; NULL: none
    double rate_hz;               // that is expected; 0: unknown
};

struct et_feed_sample {
    int64_t t_arrival_ns, t_device_ns;
    uint16_t stream;
    uint32_t n_bytes;
    const void *bytes;
    uint64_t session, number; // of the link that brought it (etude/link.h); session 0: none
    bool is_again; // a latched one that was put to another recorder: taken where it is not known
};

struct et_feed_options {
    size_t n_bytes; // of the ring: a power of two, 4 KiB … 1 GiB; 0: 4 MiB
    /* Who puts waits for room, and keeps what et_station_safe_ns does not call safe: a station
     * takes nothing while it has no file, and what a file that failed had taken goes into the next
     * one. */
    bool can_wait;
    bool only_in_runs; // of one that can wait: what comes while nothing is recorded is not wanted
};

/* Who else is told of each sample that is put, whether it found room or not: on the thread that
 * puts, which is not to be kept. */
struct et_feed_listener {
    void (*on_put)(void *ctx, const struct et_feed_sample *sample);
    void *ctx;
};
#define ET_FEED_LISTENERS_MAX 4

/* options may be NULL. ET_EARG: no such size. ET_ENOMEM; ET_ENOTFOUND: share/msg lacks Event. */
ET_MUST_USE ET_API enum et_status
et_feed_open(struct et_feed **feed, const struct et_feed_options *options, struct et_err *err);
ET_API void et_feed_close(struct et_feed *feed); // NULL is allowed

/* Adds a listener, before the first sample is put. ET_ELIMIT: there are ET_FEED_LISTENERS_MAX. */
ET_MUST_USE ET_API enum et_status
et_feed_listen(struct et_feed *feed, const struct et_feed_listener *listener, struct et_err *err);

/* ---- the thread that puts ---- */

/* Announces a stream; *i is its number from now on, and that of an equal one if there is one. Names
 * are checked as outside names are. ET_ECORRUPT: a name is none. ET_ELIMIT: too many streams.
 * ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_feed_add(struct et_feed *feed,
                                              const struct et_feed_stream *stream, uint16_t *i,
                                              struct et_err *err);

/* The same for a ROS 2 type of share/msg, in CDR: its schema is found there. ET_ENOTFOUND. */
ET_MUST_USE ET_API enum et_status et_feed_add_type(struct et_feed *feed, const char *topic,
                                                   const char *type, const char *device,
                                                   double rate_hz, uint16_t *i, struct et_err *err);

/* Puts a sample of a stream that was announced; the bytes are copied. t_arrival_ns 0: now. false:
 * there was no room, which is counted; more than half a ring never has. */
ET_API bool et_feed_put(struct et_feed *feed, const struct et_feed_sample *sample);

/* n samples of a stream were lost before they came here, as their numbers show. */
ET_API void et_feed_lost(struct et_feed *feed, uint16_t stream, uint64_t n);

/* Puts an event: kind "device.lost", who says so, for a person, for a program (JSON; NULL: ""). */
ET_API bool et_feed_event(struct et_feed *feed, const char *kind, const char *source,
                          const char *text, const char *value);

/* ---- the thread that takes ---- */

/* The oldest sample, which stays as it is until et_feed_done; false: there is none. */
ET_API bool et_feed_next(struct et_feed *feed, struct et_feed_sample *sample);
ET_API void et_feed_done(struct et_feed *feed);

/* ---- any thread ---- */

/* Streams that were announced, and one of them, which lives as long as the feed. */
ET_API size_t et_feed_n_streams(const struct et_feed *feed);
ET_API const struct et_feed_stream *et_feed_stream(const struct et_feed *feed, size_t i);

struct et_feed_counts {
    uint64_t n_put, n_bytes;  // that found room
    uint64_t n_dropped;       // that found none
    uint64_t n_too_large;     // of them: that no waiting would have brought room
    uint64_t n_lost;          // et_feed_lost
    int64_t t_first_ns;       // arrival of the first one, put or dropped; 0: none came
    int64_t t_last_ns;        // of the last one
    int64_t t_last_device_ns; // its stamp
    double rate_hz;           // that was learned, of what ran steadily for some seconds; 0: none
};
ET_API struct et_feed_counts et_feed_counts(const struct et_feed *feed, size_t i);

ET_API size_t et_feed_used(const struct et_feed *feed); // bytes of the ring, about now
ET_API size_t et_feed_size(const struct et_feed *feed); // of et_feed_options.n_bytes

#endif
