/* HTTP/1.1 server: pages, files and an API for browsers and programs on one loop, strict about what
 * it takes in (RFC 9110, 9112).
 *
 * A centre's data is its own. So a server is reached from this machine alone unless it is told
 * otherwise; from others only by TLS and with a token. Requests whose two possible readings could
 * differ are refused, never guessed; every part of one has its limit and its time.
 *
 * Who comes from this machine needs no token (unless must_have_token, which a server behind another
 * one on the same machine needs), so that nothing has to be set up to begin with. Web pages of
 * others are kept out all the same: the Host must then be this machine's, and where an Origin
 * stands in a request that changes something, it must be the server's own or one that is listed.
 *
 * A token comes as `Authorization: Bearer TOKEN`, or once as `?token=TOKEN`, which is answered with
 * a cookie (HttpOnly, SameSite=Strict) and the address without the token.
 *
 * Units:   times are nanoseconds on the loop's clock.
 * Threads: those of the loop.
 * Memory:  of a request what its limits say; of an answer what out_bytes_max says. */
#ifndef ETUDE_HTTP_H
#define ETUDE_HTTP_H

#include "etude/net.h"
#include "etude/str.h"

#define ET_HTTP_HEADERS_MAX 64

struct et_http_header {
    struct et_str name, value;
};

/* A request as it came, checked. Views are valid until the handler returns. */
struct et_http_request {
    struct et_str method;
    struct et_str path;  // decoded; begins with '/', has no "." or ".." parts and no control bytes
    struct et_str query; // as it came, without '?'
    struct et_http_header headers[ET_HTTP_HEADERS_MAX];
    size_t n_headers;
    struct et_str body; // whole
};

/* The value of a header, by a name in any case; false when there is none. The first of several. */
ET_API bool et_http_header(const struct et_http_request *request, const char *name,
                           struct et_str *value);

/* The value of a key in a query ("a=1&b=x%20y"), decoded into buf, with its NUL. ET_ENOTFOUND.
 * ET_ELIMIT: cap is too small. ET_ECORRUPT: its percent signs are wrong. */
ET_MUST_USE ET_API enum et_status et_http_query(const struct et_http_request *request,
                                                const char *key, char *buf, size_t cap);

/* A request that is being answered. A handler answers at once, or keeps it and answers later: the
 * connection's next request waits meanwhile. */
struct et_http_exchange;

/* The request, NULL once its handler has returned; and the connection that it came by. */
ET_API const struct et_http_request *et_http_request(const struct et_http_exchange *x);
ET_API struct et_conn *et_http_conn(const struct et_http_exchange *x);

/* For answers that come later or in pieces; each may be NULL. on_gone is called when the connection
 * ends before the answer does; x is gone when it returns. on_room: a stream has room again. */
struct et_http_later {
    void (*on_gone)(void *ctx);
    void (*on_room)(void *ctx, struct et_http_exchange *x);
    void *ctx;
};
ET_API void et_http_keep(struct et_http_exchange *x, const struct et_http_later *later);

/* Adds a header to the answer, before it is given. ET_ELIMIT: too many bytes of them. ET_EARG: no
 * such header can be. */
ET_MUST_USE ET_API enum et_status et_http_add(struct et_http_exchange *x, const char *name,
                                              const char *value);

/* Answers, once: with n bytes of that type (NULL: none is named), or with a text for people. What
 * is longer than out_bytes_max is answered with 500. */
ET_API void et_http_reply(struct et_http_exchange *x, int code, const char *type, const void *p,
                          size_t n);
ET_API void et_http_reply_text(struct et_http_exchange *x, int code, const char *fmt, ...)
    ET_PRINTF(3, 4);

/* Answers with the file of that name in a folder, as a route with a folder does: types by name,
 * ETag and Last-Modified with 304, single ranges with 206 and 416. Links are not followed, names
 * that begin with '.' are not there (404). Within the handler alone. */
ET_API void et_http_reply_file(struct et_http_exchange *x, const char *folder, struct et_str name);

/* Answers in pieces (events, long bodies): begin once, send, end. et_http_send: ET_AGAIN when
 * 64 KiB wait already (on_room follows); ET_ELIMIT, ET_ENOMEM and ET_ECANCELLED as et_conn_send,
 * nothing of it is sent then. Of HEAD no body is sent. A stream that goes on after its handler is
 * kept as well. */
ET_API void et_http_begin(struct et_http_exchange *x, int code, const char *type);
ET_MUST_USE ET_API enum et_status et_http_send(struct et_http_exchange *x, const void *p, size_t n);
ET_API void et_http_end(struct et_http_exchange *x);

typedef void (*et_http_handler)(void *ctx, struct et_http_exchange *x);

/* What answers where. The longest path that fits is taken; then its methods are looked at. */
struct et_http_route {
    const char *path;    // "/api/runs", or "/pages/": all below it
    const char *methods; // "GET", "GET POST"; HEAD comes with GET
    et_http_handler handle;
    void *ctx;
    const char *folder; // in place of handle: its files; "…/" is index.html
    bool is_for_all;    // answers without a token: for who asks whether a server is up
};

/* Zero means the default. */
struct et_http_options {
    struct et_listen_options listen; // on_accept and conn are the server's
    const struct et_http_route *routes;
    size_t n_routes;
    const char *token;          // 16 to 256 letters, digits and -._~; demanded where is_public
    const char *token_scheme;   // before it in Authorization; "Bearer"
    bool must_have_token;       // also of this machine
    const char *const *hosts;   // further names that a Host may have; ended by NULL
    const char *const *origins; // further origins ("https://x.example:8443"); ended by NULL
    bool is_isolated;           // COOP and COEP, so that pages may share memory between threads
    size_t head_bytes_max;      // of a request line (8 KiB at most) and headers; 16 KiB
    size_t body_bytes_max;      // 1 MiB
    size_t out_bytes_max;       // of an answer; 8 MiB
    int64_t head_ns;            // from a head's first byte to its last; 10 s
    int64_t body_ns;            // of a body; 60 s
    int64_t idle_ns;            // between requests and while nothing moves; 75 s
};

struct et_http_server;

/* Serves. What the options point at outlives it. ET_EARG: a public server without
 * token or TLS, a token that is none, a route that is none; ET_ENOTFOUND: a folder is missing; else
 * as et_listener_open. */
ET_MUST_USE ET_API enum et_status et_http_open(struct et_http_server **server, struct et_loop *loop,
                                               const struct et_http_options *options,
                                               struct et_err *err);

/* Ends it and its connections, but those that became WebSockets. Requests that were kept are told
 * (on_gone). NULL is allowed. Not from its handlers. */
ET_API void et_http_close(struct et_http_server *server);

ET_API const char *et_http_address(const struct et_http_server *server); // "127.0.0.1:8080"
ET_API struct et_listener_counts et_http_counts(const struct et_http_server *server);

/* "text/html; charset=utf-8" for "index.html"; "application/octet-stream" for what is not known. */
ET_API const char *et_http_type(struct et_str name);

#endif
