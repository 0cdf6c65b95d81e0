/* WebSocket (RFC 6455), server and client: messages both ways, for pages, viewers and policies.
 *
 * A viewer on a bad network must not hold a robot's data up, nor make it pile up in memory. So each
 * connection has a quota of bytes that wait, and messages that a newer one makes worthless are
 * marked droppable: when the quota is reached the oldest of those go first, and are counted.
 * Compression is not offered: pictures and joint values do not become smaller for what it costs.
 *
 * Units:   times are nanoseconds on the loop's clock.
 * Threads: those of the loop.
 * Memory:  a message that comes in several pieces, up to message_bytes_max; what waits to be sent,
 *          up to send_bytes_max. */
#ifndef ETUDE_WEBSOCKET_H
#define ETUDE_WEBSOCKET_H

#include "etude/http.h"

struct et_websocket;

enum et_websocket_kind { ET_WEBSOCKET_TEXT = 1, ET_WEBSOCKET_BINARY = 2 };

/* Why it ended (RFC 6455, 7.4). 1005 and 1006 are never sent. */
enum {
    ET_WEBSOCKET_NORMAL = 1000,
    ET_WEBSOCKET_GOING_AWAY = 1001,
    ET_WEBSOCKET_PROTOCOL = 1002,
    ET_WEBSOCKET_UNSUPPORTED = 1003,
    ET_WEBSOCKET_NO_CODE = 1005, // the other side gave none
    ET_WEBSOCKET_CUT = 1006,     // the connection ended without a word
    ET_WEBSOCKET_NOT_UTF8 = 1007,
    ET_WEBSOCKET_POLICY = 1008,
    ET_WEBSOCKET_TOO_BIG = 1009,
    ET_WEBSOCKET_INTERNAL = 1011,
};

/* What a WebSocket calls; each but on_message may be NULL, and each may send and end it. */
struct et_websocket_handlers {
    /* A client's is open; `protocol` is what the server chose ("" for none). */
    void (*on_open)(void *ctx, struct et_websocket *ws, const char *protocol);

    /* A whole message; text is UTF-8. p is valid until it returns, and may be changed. */
    void (*on_message)(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n);

    /* The other side has answered a ping after that time. */
    void (*on_pong)(void *ctx, struct et_websocket *ws, int64_t round_trip_ns);

    /* What waited has gone, and there is room again. */
    void (*on_room)(void *ctx, struct et_websocket *ws);

    /* It is over, and gone when this returns; called once in every case, but after
     * et_websocket_close. why: a reason for people. */
    void (*on_close)(void *ctx, struct et_websocket *ws, int code, const char *why);
};

/* Zero means the default, a negative time that there is none. */
struct et_websocket_options {
    const struct et_websocket_handlers *handlers; // outlive it
    void *ctx;
    const char *protocols; // subprotocols, the best first: "foxglove.sdk.v1 foxglove.websocket.v1"
    bool must_have_protocol;  // a server: refuses who offers none of them
    size_t message_bytes_max; // that comes in; 16 MiB
    size_t send_bytes_max;    // that wait to go out; 4 MiB
    int64_t ping_ns;  // a ping when nothing came for so long, the end after twice that; 20 s
    int64_t close_ns; // for the other side's part in the end; 5 s
};

/* Makes a WebSocket of a request, within its handler. ET_OK: the exchange is gone, messages come
 * from the loop on. Otherwise it was answered, and the status says how: ET_ECORRUPT, it asks for no
 * WebSocket (400); ET_EUNSUPPORTED, for another version or protocols (426, 400); ET_ENOMEM (503);
 * ET_ECANCELLED, the connection has ended. Pages of somebody else do not come so far: the server
 * has looked at their Origin. */
ET_MUST_USE ET_API enum et_status et_websocket_accept(struct et_websocket **ws,
                                                      struct et_http_exchange *x,
                                                      const struct et_websocket_options *options,
                                                      struct et_err *err);

/* A client. The call copies what it needs of `to`; its tls outlives the WebSocket. ET_OK: on_open
 * or on_close follows. ET_EARG: no such URL, wss without tls, or a token that would go to another
 * machine without; else as et_conn_open. */
struct et_websocket_to {
    const char *url;          // "wss://robot-7.local:8443/live"
    const char *address;      // to connect to in place of the URL's
    const char *token;        // goes out as Authorization: Bearer
    const char *token_scheme; // in place of "Bearer"
    struct et_tls *tls;       // demanded for wss
};
ET_MUST_USE ET_API enum et_status et_websocket_open(struct et_websocket **ws, struct et_loop *loop,
                                                    const struct et_websocket_to *to,
                                                    const struct et_websocket_options *options,
                                                    struct et_err *err);

/* Sends a message (text is UTF-8, which is the caller's to see to). is_droppable: it may be left
 * out when the quota is reached. ET_OK: it was taken, or is droppable and was dropped. ET_AGAIN:
 * the quota is reached and nothing in it may be dropped; on_room follows. ET_ELIMIT: it is longer
 * than the quota. ET_ENOMEM. ET_ECANCELLED: it is ending, or not open yet. */
ET_MUST_USE ET_API enum et_status et_websocket_send(struct et_websocket *ws,
                                                    enum et_websocket_kind kind, const void *p,
                                                    size_t n, bool is_droppable);

/* Asks for a sign of life now. Statuses as et_websocket_send. */
ET_MUST_USE ET_API enum et_status et_websocket_ping(struct et_websocket *ws);

/* Ends it properly: what waits is sent, a code and a reason (up to 123 bytes), and the other side
 * answers; then on_close is called. Again does nothing. */
ET_API void et_websocket_end(struct et_websocket *ws, int code, const char *why);

/* Ends it at once; on_close is not called. NULL is allowed. */
ET_API void et_websocket_close(struct et_websocket *ws);

/* Stops or goes on with reading: who does not keep up lets the other side wait. */
ET_API void et_websocket_pause(struct et_websocket *ws, bool is_paused);

ET_API const char *et_websocket_protocol(const struct et_websocket *ws); // chosen; "" for none
ET_API const char *et_websocket_peer(const struct et_websocket *ws);

struct et_websocket_counts {
    int64_t n_in, n_in_bytes, n_out, n_out_bytes; // messages, and their bytes
    int64_t n_dropped;                            // that were to go out
    size_t n_unsent_bytes;                        // now
};
ET_API struct et_websocket_counts et_websocket_counts(const struct et_websocket *ws);

#endif
