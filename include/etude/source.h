/* Sources: what brings live samples in, each a file of its own behind one interface.
 *
 * A source listens to one device, robot or network and puts what it hears into a feed. It is driven
 * from outside: whoever owns it waits for its fd or its time, and polls it. A station's file
 * (doc/station.md) names the kinds and their settings; `etude record --sources` lists them.
 *
 *     et_source_open  →  { wait for et_source_fd or t_next_ns;  et_source_poll }…  →  close
 *
 * A device that is not there, or goes, is no failure: the source puts an event, tries again, and
 * et_source_state says so. Garbage from outside is counted and passed over, never fatal.
 *
 * Units:   times are CLOCK_MONOTONIC nanoseconds.
 * Threads: a source belongs to one thread, which is the one that puts into its feed. Kinds that
 *          need threads of their own (DDS) say so, and take care that puts do not meet.
 * Memory:  bounded buffers of its own. */
#ifndef ETUDE_SOURCE_H
#define ETUDE_SOURCE_H

#include "etude/feed.h"
#include "etude/yaml.h"

struct et_source;
struct et_station;

enum et_source_state {
    ET_SOURCE_WAITING, // nothing is there yet, or it went and is tried again
    ET_SOURCE_LIVE,
    ET_SOURCE_OVER, // it came to its end (a file that was replayed)
};

/* A source as a station's file has it. */
struct et_live_source {
    const char *device; // as the station calls it
    const struct et_source_kind *kind;
    const struct et_value *settings; // without `kind`
};

/* What a source is opened with. */
struct et_source_options {
    const char *device;              // as the station calls it: prefix of topics, name in events
    const struct et_value *settings; // a map that fits the kind's schema; NULL: all as usual
    const char *path;                // of the station's file, for messages; NULL: none
    int64_t (*now_ns)(void *ctx);    // NULL: et_clock_monotonic_ns; tests have their own
    void *ctx;
    bool only_look; // announce streams, and put nothing of them
    /* All of the station, itself among them, so that one can be led by another; 0: not known. They
     * outlive the source. */
    const struct et_live_source *station;
    size_t n_station;
    struct et_station *keeper; // that records what it puts; NULL: nobody does
};

/* Of a dead man's switch, that a robot moves only while it is held. */
enum et_source_deadman {
    ET_SOURCE_DEADMAN_NONE,     // no robot follows anybody
    ET_SOURCE_DEADMAN_RELEASED, // it stays where it is: let go of, or held in vain
    ET_SOURCE_DEADMAN_HELD,     // an arm follows
};

/* How the station's work goes: for sources that have a person at their other end. */
struct et_source_news {
    bool is_attempt;                 // one is being recorded
    int64_t t_begin_ns;              // since when
    const char *skill, *instruction; // NULL: not said
    unsigned n_done, n_success, n_failure, n_discarded;
    enum et_source_deadman deadman;
    bool is_emergency; // nothing that can move may, until this is taken back
};

struct et_source_kind {
    const char *name; // "gamepad": `kind: gamepad` in a station's file
    const char *text; // what it brings, in a line
    const struct et_schema *settings;
    bool can_wait; // its other end keeps what is not safe yet (et_feed_options)
    /* Its marks are of what it does itself, not a person's: they say nothing of attempts that
     * another such source began. */
    bool marks_itself;
    /* As the calls below, on the kind's own state. */
    enum et_status (*open)(void **self, const struct et_source_options *options,
                           struct et_feed *feed, struct et_err *err);
    int (*fd)(void *self);
    enum et_status (*poll)(void *self, int64_t *t_next_ns, struct et_err *err);
    enum et_source_state (*state)(void *self);
    void (*close)(void *self);
    /* How it is, in a few words; on the thread that polls. NULL: there is nothing to say. */
    void (*say)(void *self, char *text, size_t n);
    /* Hears what other sources of its station put, as they put it, on the thread that polls: a
     * robot that follows an operator. NULL: it does not. */
    void (*hear)(void *self, const struct et_feed_stream *stream,
                 const struct et_feed_sample *sample);
    void (*tell)(void *self, const struct et_source_news *news); // NULL: nobody is there to tell
    /* Of a robot that follows somebody, on the thread that polls. NULL: none does. */
    enum et_source_deadman (*deadman)(void *self);
};

/* All kinds, ended by NULL; those that this build lacks a library for are not among them. */
ET_API const struct et_source_kind *const *et_source_kinds(void);
/* The one of that name, or NULL. */
ET_API const struct et_source_kind *et_source_kind(const char *name);

/* Opens a source on a feed, which must outlive it. ET_ECORRUPT: the settings do not fit; the text
 * has path, line and column. ET_EIO: the system refuses something that no waiting will bring (a
 * port that is taken). ET_EUNSUPPORTED: the system lacks what the kind needs; the text says what to
 * do. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_source_open(struct et_source **source,
                                                 const struct et_source_kind *kind,
                                                 const struct et_source_options *options,
                                                 struct et_feed *feed, struct et_err *err);

/* Becomes readable when there is something to poll for; −1: only time tells. It may change with
 * each poll. */
ET_API int et_source_fd(struct et_source *source);

/* Takes in what is there, without waiting. *t_next_ns: when to poll at the latest, whatever the fd
 * says; INT64_MAX: only for the fd. ET_OK; ET_END: it is over. Failures are final: what the source
 * is told of outside is none. */
ET_MUST_USE ET_API enum et_status et_source_poll(struct et_source *source, int64_t *t_next_ns,
                                                 struct et_err *err);

/* Tells it how the work goes, whenever that changes; copied. On the source's thread. */
ET_API void et_source_tell(struct et_source *source, const struct et_source_news *news);

/* How it is now, and what it is. */
ET_API enum et_source_state et_source_state(const struct et_source *source);
ET_API const struct et_source_kind *et_source_kind_of(const struct et_source *source);
/* How it is, in a few words, or "". */
#define ET_SOURCE_WORDS_BYTES 160
ET_API void et_source_say(struct et_source *source, char text[ET_SOURCE_WORDS_BYTES]);

/* Whether its robot follows somebody now, on the source's thread; ET_SOURCE_DEADMAN_NONE where its
 * kind has none that does. */
ET_API enum et_source_deadman et_source_deadman(const struct et_source *source);

/* Tells it what another source puts; nothing where its kind does not hear. */
ET_API void et_source_hear(struct et_source *source, const struct et_feed_stream *stream,
                           const struct et_feed_sample *sample);
ET_API void et_source_close(struct et_source *source); // NULL is allowed

#endif
