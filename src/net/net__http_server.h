/* A connection of the HTTP server, which is also the exchange that is under way on it. */
#ifndef ETUDE_NET_HTTP_SERVER_H
#define ETUDE_NET_HTTP_SERVER_H

#include "net/net__http.h"
#include "net/net__loop.h"

enum et__http_phase {
    ET__HTTP_HEAD,    // a request comes
    ET__HTTP_BODY,    // its body comes
    ET__HTTP_ANSWER,  // its handler has it
    ET__HTTP_STREAM,  // its answer goes out in pieces
    ET__HTTP_SENDING, // all of the answer is said, not all of it sent
    ET__HTTP_DRAIN,   // the last answer was given: what still comes is passed over
    ET__HTTP_GONE,
};

struct et_http_exchange {
    struct et_http_server *server;
    struct et_conn *conn;
    struct et_http_exchange *next, *before;
    struct et_timer limit;
    struct et__task gone;
    enum et__http_phase phase;
    size_t n_seen, n_drained;

    struct et__http_head head;
    struct et_buf path, head_text, body; // head_text: of a request that has a body
    struct et__http_chunks chunks;
    int64_t body_left;

    struct et_buf headers; // of the answer, added
    struct et_http_later later;
    bool is_greeted; // it asked for something that it may have
    bool has_begun;  // a head, of which not all is here
    bool is_in_handler, is_kept, is_head, is_chunked, is_answered;
};

const struct et_http_options *et__http_options(const struct et_http_server *server);
struct et_buf *et__http_buf(struct et_http_server *server); // to build heads in, emptied

/* A request is there, whole: checks who asks, finds its route, calls its handler. */
void et__http_dispatch(struct et_http_exchange *x);

/* Sends an answer's head. n_bytes < 0: its length is not known. False: the connection is ending. */
bool et__http_answer(struct et_http_exchange *x, int code, const char *type, int64_t n_bytes);
/* The answer is said: goes on to the next request, once what waits is no longer much. */
void et__http_answered(struct et_http_exchange *x, bool is_all_queued);
void et__http_end_conn(struct et_http_exchange *x); // at once

/* Who may ask: 0, or the code to answer with. May add headers, and give *location for a 303. */
int et__http_admit(struct et_http_exchange *x, struct et_buf *location);
ET_MUST_USE enum et_status et__http_check_options(const struct et_http_options *options,
                                                  struct et_err *err);
bool et__http_is_own_origin(struct et_http_exchange *x); // or there is none, or it is listed

/* Takes the connection over for another protocol; the exchange is gone afterwards. */
struct et_conn *et__http_take(struct et_http_exchange *x);
/* The handler's exchange, in which such a thing may be done: it asks with GET and its views hold.
 */
bool et__http_is_fresh(const struct et_http_exchange *x);

#endif
