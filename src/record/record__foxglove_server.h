/* The server's parts: taps on feeds, channels made of their streams, viewers. */
#ifndef ETUDE_RECORD_FOXGLOVE_SERVER_H
#define ETUDE_RECORD_FOXGLOVE_SERVER_H

#include "etude/foxglove.h"
#include "etude/websocket.h"
#include "record/record__foxglove.h"
#include "record/record__ring.h"

#include <pthread.h>
#include <stdatomic.h>

/* What becomes of a stream's samples. Those of a stream that the server has not looked at yet are
 * kept for it: what is sent only once may come right behind the announcement. */
enum { ET__UNSEEN, ET__UNWANTED, ET__WANTED };

/* One feed that is served. The thread that puts reads `wishes`, fills the ring and counts; the rest
 * is the server's. */
struct et__tap {
    struct et_feed *feed;
    struct et__ring *ring;
    _Atomic uint64_t n_dropped;
    _Atomic unsigned char wishes[ET_FEED_STREAMS_MAX];
    uint16_t channels[ET_FEED_STREAMS_MAX]; // by stream, below n_known; ET__NO_CHANNEL: none
    size_t n_known;                         // streams that were looked at
};
#define ET__NO_CHANNEL UINT16_MAX

ET_MUST_USE enum et_status et__tap_open(struct et__tap **tap, struct et_feed *feed, size_t n_bytes,
                                        struct et_err *err);
void et__tap_close(struct et__tap *tap); // NULL is allowed; nothing is put any more

/* A channel: a stream under a topic that no other has. Its id is its number and 1. */
struct et__channel {
    const struct et_feed_stream *stream;
    char topic[ET_NAME_BYTES_MAX + 16];
    size_t n_viewers;   // that subscribed to it
    bool is_latched;    // its last messages are kept for viewers to come
    struct et_buf kept; // these, each behind its time and length
    size_t n_kept;
};

struct et__viewer {
    struct et_foxglove *server;
    struct et_websocket *ws; // NULL: it is gone
    size_t n_advertised;
    struct {
        uint32_t id;
        bool is_on;
    } subscriptions[ET_FOXGLOVE_CHANNELS_MAX]; // by channel
    int64_t n_unsent;                          // messages that the WebSocket did not take
    int64_t n_dropped, n_told;                 // with those that it dropped: counted, and told
    int64_t t_told_ns;
};

struct et_foxglove {
    struct et_foxglove_options options;
    const char *origins[16];
    char session[24];
    int64_t real_ns; // time since 1970 less the monotonic clock
    struct et_loop *loop;
    struct et_http_server *http;
    struct et_http_route route;
    struct et_timer timer;
    struct et_arena *arena; // of the frame that is read
    struct et_buf out;      // the frame that is written
    pthread_t thread;
    bool has_thread;
    atomic_bool must_stop;

    struct et__tap *taps[ET_FOXGLOVE_FEEDS_MAX];
    _Atomic size_t n_taps; // added by the owner, while the server works
    struct et__channel *channels[ET_FOXGLOVE_CHANNELS_MAX];
    _Atomic size_t n_channels;
    struct et__viewer *viewers[ET_FOXGLOVE_VIEWERS_MAX];
    _Atomic size_t n_viewers, n_subscriptions;
    _Atomic uint64_t n_sent, n_dropped;
};

/* Makes channels of streams that were announced since (foxglove_channel.c). */
void et__channels_find(struct et_foxglove *server);
/* Somebody subscribes to a channel, or no longer does. */
void et__channel_watch(struct et_foxglove *server, size_t i_channel, bool is_on);

/* A message of a channel: to all who subscribed, and where it is latched, to be kept. */
void et__channel_send(struct et_foxglove *server, size_t i_channel, int64_t t_ns, const void *p,
                      size_t n);
/* What was kept, to somebody who subscribes now. */
void et__channel_send_kept(struct et__viewer *viewer, size_t i_channel);

/* Takes in a viewer, within its request's handler (foxglove_viewer.c). */
void et__viewer_accept(void *server, struct et_http_exchange *x);
/* What it does not know yet: channels, and losses. */
void et__viewer_inform(struct et__viewer *viewer);
void et__viewer_free(struct et__viewer *viewer);

#endif
