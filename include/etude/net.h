/* Connections: bytes both ways over TCP, TLS or a Unix socket, on a loop, bounded in every way.
 *
 * A peer may be slow, silent, hostile or many. So a connection holds no more than it was given
 * room for, ends when nothing moves for too long, and a listener takes only so many, of one peer
 * and of all. What is sent from several calls goes out in one piece when they are done.
 *
 * Addresses are "127.0.0.1:7447", "[::1]:7447", "localhost:7447", "robot-7.local:7447" and
 * "unix:/run/etude.sock". Names are looked up on a thread of their own, one a connection that is
 * opened by name, so that a loop never waits for them; numbers need none.
 *
 * Units:   times are nanoseconds on the loop's clock.
 * Threads: those of the loop. A thread that looks up a name ends by itself, at the latest when the
 *          system gives up, and needs nothing of a connection or a loop that went before it did.
 * Memory:  a connection that waits holds some 2 kB (TLS: some 30 kB); what its reader
 *          leaves lying and what it has not sent yet grow up to its limits. */
#ifndef ETUDE_NET_H
#define ETUDE_NET_H

#include "etude/loop.h"
#include "etude/tls.h"

#define ET_ADDRESS_BYTES 128 // of an address as text, with its NUL

struct et_conn;
struct et_listener;

/* Zero means the default, a negative time that there is no limit. */
struct et_conn_limits {
    size_t in_bytes_max;  // that a reader may leave lying; 64 KiB
    size_t out_bytes_max; // that wait to be sent; 1 MiB
    int64_t open_ns;      // for the look-up of a name, connecting and the TLS handshake; 10 s
    int64_t idle_ns;      // in which no byte moves, either way; 120 s
};

/* What a connection calls; each may be NULL, and each may send, finish or close it. */
struct et_conn_handlers {
    /* It is open: TCP is connected, TLS has agreed. Of et_conn_open alone. */
    void (*on_open)(void *ctx, struct et_conn *conn);

    /* n ≥ 1 bytes at p, which may be changed and are valid until it returns; returns how many are
     * used up. The rest stays and comes again with what follows it. When in_bytes_max lie and none
     * is used up, the connection ends with ET_ELIMIT. */
    size_t (*on_read)(void *ctx, struct et_conn *conn, char *p, size_t n);

    /* The other side sends no more; what is left lying will not grow. NULL: then it ends. */
    void (*on_end)(void *ctx, struct et_conn *conn);

    /* All that was sent has gone to the system. */
    void (*on_sent)(void *ctx, struct et_conn *conn);

    /* It ended by itself and is gone when this returns. why->status: ET_END, the other side closed;
     * ET_ECANCELLED, a time limit passed; ET_ENOTFOUND, the name that it was opened by is not
     * known; ET_ELIMIT; ET_EIO; ET_ENOMEM. Not after et_conn_close. */
    void (*on_close)(void *ctx, struct et_conn *conn, const struct et_err *why);
};

/* *is_here: what goes to this address stays on this machine; it is a number of its loopback,
 * "localhost", or a Unix socket. Of other names nobody knows. ET_EARG: no such form of address. */
ET_MUST_USE ET_API enum et_status et_address_is_here(const char *address, bool *is_here,
                                                     struct et_err *err);

/* Connects. handlers and tls (NULL: none) outlive the connection; limits may be NULL. ET_OK: it is
 * under way, on_open or on_close follows from the loop. ET_EARG: no such form of address. ET_EIO:
 * the system refused at once. ET_ENOMEM. */
struct et_conn_options {
    const char *address;
    const char *host; // whom the certificate must name; NULL: the address's host
    struct et_tls *tls;
    const struct et_conn_limits *limits;
    const struct et_conn_handlers *handlers;
    void *ctx;
};
ET_MUST_USE ET_API enum et_status et_conn_open(struct et_conn **conn, struct et_loop *loop,
                                               const struct et_conn_options *options,
                                               struct et_err *err);

/* Ends it at once, unsent bytes are lost; no call comes after it. NULL is allowed. */
ET_API void et_conn_close(struct et_conn *conn);

/* Sends n bytes, all or none of them. ET_AGAIN: there is no room until more has gone out.
 * ET_ELIMIT: there never is. ET_ENOMEM. ET_ECANCELLED: it is finished or has ended. */
ET_MUST_USE ET_API enum et_status et_conn_send(struct et_conn *conn, const void *p, size_t n);

/* Sends n bytes of an open file from `offset` on, behind what was sent before; nothing may be sent
 * before on_sent. The descriptor becomes the connection's, in every case. ET_AGAIN: another file is
 * under way. ET_ECANCELLED as above. A file that turns out shorter ends the connection (ET_EIO). */
ET_MUST_USE ET_API enum et_status et_conn_send_file(struct et_conn *conn, int fd, int64_t offset,
                                                    int64_t n);

/* Bytes that wait to be sent, a file's too. */
ET_API int64_t et_conn_unsent(const struct et_conn *conn);

/* Sends what waits, then says that no more will come; reading goes on. Once the other side says so
 * as well, it ends. */
ET_API void et_conn_finish(struct et_conn *conn);

/* Stops or goes on with reading; what lies comes again once it goes on. */
ET_API void et_conn_pause(struct et_conn *conn, bool is_paused);

/* Changes the handlers, for a connection that goes over to another protocol. */
ET_API void et_conn_set_handlers(struct et_conn *conn, const struct et_conn_handlers *handlers,
                                 void *ctx);

/* Changes its limits (zero means the default, also here). */
ET_API void et_conn_set_limits(struct et_conn *conn, const struct et_conn_limits *limits);

/* The other side has said who it is: it keeps its place where room is short. */
ET_API void et_conn_greeted(struct et_conn *conn);

/* What it is. */
ET_API struct et_loop *et_conn_loop(const struct et_conn *conn);
ET_API const char *
et_conn_peer(const struct et_conn *conn); // "192.168.1.7:40112", "unix:"; a name first
ET_API bool et_conn_is_loopback(const struct et_conn *conn); // this machine's own, or a Unix socket
ET_API bool et_conn_is_tls(const struct et_conn *conn);

/* Zero means the default. */
struct et_listen_options {
    const char *address;        // port 0: one that is free
    bool is_public;             // may be reached from other machines; then tls is demanded
    struct et_tls *tls;         // NULL: plain
    size_t connections_max;     // 256; more are closed at once
    size_t per_peer_max;        // of one address; 64. Not counted on Unix sockets
    bool has_greeting;          // beyond either, the oldest without et_conn_greeted makes room
    struct et_conn_limits conn; // of each
    void (*on_accept)(void *ctx, struct et_conn *conn); // gives it handlers, or it is closed
    void *ctx;
};

/* Listens. A Unix socket that nobody listens on any more is replaced. ET_EARG: a form of address
 * that there is not, or one that other machines reach and is_public or tls is missing. ET_EEXISTS:
 * the address is taken. ET_EIO, ET_ENOTFOUND, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_listener_open(struct et_listener **listener,
                                                   struct et_loop *loop,
                                                   const struct et_listen_options *options,
                                                   struct et_err *err);

/* Listens no more, and ends the connections that were not passed to on_accept yet; the others go
 * on. NULL is allowed. Not from on_accept. */
ET_API void et_listener_close(struct et_listener *listener);

ET_API const char *et_listener_address(const struct et_listener *listener); // with the port it got

struct et_listener_counts {
    size_t n_open;     // now
    int64_t n_taken;   // in all
    int64_t n_refused; // for being too many
    int64_t n_failed;  // before they were passed on: handshakes, and calls of the system
};
ET_API struct et_listener_counts et_listener_counts(const struct et_listener *listener);

#endif
