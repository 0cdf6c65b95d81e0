/* HTTP client: one request, one answer of bounded length, on a loop.
 *
 * For what a centre's programs ask of each other (is it up, what has it, here is a command), not
 * for the web: no redirects, no cookies, no compression, a connection for each request.
 *
 * Threads: those of the loop.
 * Memory:  the request until it is sent, the answer up to body_bytes_max. */
#ifndef ETUDE_HTTP_CLIENT_H
#define ETUDE_HTTP_CLIENT_H

#include "etude/http.h"

struct et_fetch;

/* Views are valid until on_done returns. */
struct et_http_response {
    int code;
    struct et_http_header headers[ET_HTTP_HEADERS_MAX];
    size_t n_headers;
    struct et_str body;
};

/* Zero means the default. The call copies what it needs; tls outlives the request. */
struct et_fetch_options {
    const char *url;     // "https://robot-7.local:8443/api/runs?last=5"
    const char *address; // to connect to in place of the URL's; "unix:/run/etude.sock"
    const char *method;  // "GET"
    const char *type;    // of the body
    const void *body;
    size_t n_body;
    const char *token;     // goes out as Authorization: Bearer
    struct et_tls *tls;    // demanded for https
    size_t body_bytes_max; // of the answer; 1 MiB
    int64_t limit_ns;      // for all of it; 30 s

    /* Called once, then the request is gone. response: NULL where err says why there is none:
     * ET_ECORRUPT, what came is no HTTP; ET_ELIMIT, it is too long; ET_ECANCELLED, it took too
     * long; ET_EIO, ET_END, ET_ENOMEM as of a connection. */
    void (*on_done)(void *ctx, const struct et_http_response *response, const struct et_err *err);
    void *ctx;
};

/* Begins a request. ET_EARG: no such URL, or https without tls; else as et_conn_open. */
ET_MUST_USE ET_API enum et_status et_fetch_open(struct et_fetch **fetch, struct et_loop *loop,
                                                const struct et_fetch_options *options,
                                                struct et_err *err);

/* Gives it up; on_done is not called. NULL is allowed. Not after on_done. */
ET_API void et_fetch_close(struct et_fetch *fetch);

#endif
