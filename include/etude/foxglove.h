/* Foxglove: live streams for Foxglove, Lichtblick and whatever else speaks their WebSocket
 * protocol.
 *
 * What goes through feeds into recordings can be watched while it does. The server listens to
 * feeds, beside whoever records them, and passes on what viewers subscribe to, as it is, with its
 * definition. Recording comes first: who puts a sample never waits for a viewer, and a sample that
 * nobody watches costs one look at a flag. A viewer that is too slow loses the oldest of what waits
 * for it, is told so, and the others do not notice.
 *
 * Each stream is a channel. Viewers know channels by their topics, so that a topic that is there
 * already gets a number: "/joint_states_2". All events (etude_msgs/msg/Event) are one channel.
 *
 * What is sent once for all who come later (latched: /tf_static, a robot's description, or what its
 * sender offers as transient_local) is kept, and sent to those who subscribe later: the last 16
 * messages of a channel, 1 MiB of them.
 *
 * As everything of the network, it is reached from this machine alone unless it is told otherwise;
 * then TLS and a token are demanded (etude/http.h). Browsers give it in the address,
 * wss://robot-7.local:8765/?token=TOKEN.
 *
 *     et_foxglove_open  →  et_foxglove_serve for each feed, before its first sample  →  close
 *
 * Units:   times that viewers see are nanoseconds since 1970, of arrival.
 * Threads: the calls come from one thread, but et_foxglove_counts from any. A server works on a
 *          thread of its own, or where a loop is given on the loop's.
 * Memory:  of each feed a ring of feed_bytes, touched once it is watched; of each viewer up to
 *          viewer_bytes. */
#ifndef ETUDE_FOXGLOVE_H
#define ETUDE_FOXGLOVE_H

#include "etude/feed.h"
#include "etude/loop.h"
#include "etude/tls.h"

#define ET_FOXGLOVE_ADDRESS "127.0.0.1:8765" // where viewers look first
#define ET_FOXGLOVE_FEEDS_MAX 64
#define ET_FOXGLOVE_VIEWERS_MAX 32
#define ET_FOXGLOVE_CHANNELS_MAX 4096

struct et_foxglove;

/* Zero means the default. What it points at outlives the server. */
struct et_foxglove_options {
    const char *address;        // NULL: ET_FOXGLOVE_ADDRESS; port 0: one that is free
    const char *name;           // as viewers show it; NULL: "etude"
    bool is_public;             // may be reached from other machines: demands tls and token
    struct et_tls *tls;         // a server's, of this server alone; NULL: plain
    const char *token;          // as etude/http.h; NULL: none
    bool must_have_token;       // also of viewers on this machine
    const char *const *origins; // pages that may watch beside those of Foxglove and Lichtblick, as
                                // "https://viewer.example"; ended by NULL
    size_t feed_bytes;          // a power of two, as et_feed_options; 8 MiB
    size_t viewer_bytes;        // that may wait for one of them; 16 MiB
    struct et_loop *loop;       // NULL: a thread of its own
};

/* Listens. options may be NULL. ET_EARG: no such address, or a public one without TLS or token.
 * ET_EEXISTS: the address is taken. ET_EIO, ET_ENOTFOUND, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_foxglove_open(struct et_foxglove **server,
                                                   const struct et_foxglove_options *options,
                                                   struct et_err *err);

/* Serves a feed from now on: before the first sample is put. ET_ELIMIT: there are
 * ET_FOXGLOVE_FEEDS_MAX, or too many listen to it. ET_EARG: no such feed_bytes. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_foxglove_serve(struct et_foxglove *server,
                                                    struct et_feed *feed, struct et_err *err);

/* Ends it: nothing may be put into its feeds any more, which are still there. With a thread of its
 * own, what waits is sent first, for two seconds at most. NULL is allowed. */
ET_API void et_foxglove_close(struct et_foxglove *server);

ET_API const char *et_foxglove_address(const struct et_foxglove *server); // with the port it got

struct et_foxglove_counts {
    size_t n_viewers, n_subscriptions, n_channels; // now
    uint64_t n_sent;                               // messages, to all viewers together
    uint64_t n_dropped;                            // that did not reach a viewer
    size_t n_waiting_bytes; // of samples that the server has not looked at yet, of all feeds
};
ET_API struct et_foxglove_counts et_foxglove_counts(struct et_foxglove *server);

#endif
