/* HTTP's grammar, as functions over bytes: heads, chunked bodies, paths, ranges, dates, URLs.
 *
 * Nothing here touches a socket. What the standard lets a receiver mend (bare line feeds, folded
 * lines, repeated lengths, blanks before a colon) is refused: two programs in a row that mend it in
 * two ways are how requests are smuggled. */
#ifndef ETUDE_NET_HTTP_H
#define ETUDE_NET_HTTP_H

#include "etude/http.h"

enum {
    ET__HTTP_OK = 200,
    ET__HTTP_BAD = 400,
    ET__HTTP_URI_TOO_LONG = 414,
    ET__HTTP_EXPECTATION = 417,
    ET__HTTP_HEAD_TOO_LONG = 431,
    ET__HTTP_NOT_IMPLEMENTED = 501,
    ET__HTTP_VERSION = 505,
};

/* A head, of a request or of a response, and what follows from its headers. */
struct et__http_head {
    struct et_http_request request; // of a response: the headers alone
    struct et_str target;           // as it came, path and query
    int code;                       // of a response
    int minor;                      // HTTP/1.minor
    bool is_chunked, keeps_alive, expects_continue, wants_upgrade;
    int64_t n_body; // Content-Length; −1: none
};

/* Where a head ends that begins at p. ET_OK: *n_head is its length with the empty line. ET_AGAIN:
 * it goes on; *n_seen is where to look on next time (0 at first). ET_ECORRUPT: a line feed without
 * its carriage return, or a byte that no head may have; err->at. */
ET_MUST_USE enum et_status et__http_find_end(const char *p, size_t n, size_t *n_seen,
                                             size_t *n_head, struct et_err *err);

/* Reads a whole head, with its empty line. The path is decoded into `path` (cap bytes). ET_OK.
 * ET_ECORRUPT: *code is what to answer (400, 414, 417, 431, 501, 505), err->at where. */
struct et__http_limits {
    size_t line_bytes_max; // of the first line
    size_t headers_max;    // at most ET_HTTP_HEADERS_MAX
};
ET_MUST_USE enum et_status et__http_read_request(struct et_str text,
                                                 const struct et__http_limits *limits, char *path,
                                                 size_t cap, struct et__http_head *head, int *code,
                                                 struct et_err *err);
ET_MUST_USE enum et_status et__http_read_response(struct et_str text, struct et__http_head *head,
                                                  struct et_err *err);

/* The only header of that name: 1; none: 0; several: 2, or −1 where they may not be. */
size_t et__http_find(const struct et__http_head *head, const char *name, struct et_str *value);
bool et__http_has_token(struct et_str list, const char *token); // in "a, b", in any case
bool et__http_is(struct et_str a, const char *b);               // in any case
bool et__http_is_token(struct et_str a);                        // of the characters that a name has

/* Decodes a path into `to`. ET_ECORRUPT: it is none, or one that leaves its folder or hides
 * something in percent signs. */
ET_MUST_USE enum et_status et__http_decode_path(struct et_str raw, char *to, size_t cap, size_t *n,
                                                struct et_err *err);

/* A chunked body, in pieces as it comes. A zeroed struct is at its beginning. */
struct et__http_chunks {
    int state;
    uint64_t left;
    size_t n_line;
};
/* Uses up *n_used of n bytes. ET_OK: *data is a piece of the body, where it lies. ET_AGAIN: all is
 * used up. ET_END: the body is complete. ET_ECORRUPT. */
ET_MUST_USE enum et_status et__http_chunk(struct et__http_chunks *chunks, const char *p, size_t n,
                                          size_t *n_used, struct et_str *data, struct et_err *err);

/* A Range of a file of n bytes. ET_OK: first … last. ET_ELIMIT: there is none of it (416).
 * ET_EUNSUPPORTED: not one range of bytes, so the whole is sent. */
ET_MUST_USE enum et_status et__http_range(struct et_str value, int64_t n, int64_t *first,
                                          int64_t *last);

/* "Sun, 06 Nov 1994 08:49:37 GMT", both ways. */
#define ET__HTTP_DATE_BYTES 30
void et__http_date(int64_t t_s, char text[ET__HTTP_DATE_BYTES]);
bool et__http_read_date(struct et_str text, int64_t *t_s);

/* "http://host:port/target", also https, ws, wss. */
struct et__url {
    bool is_tls, is_websocket;
    char host[256], address[ET_ADDRESS_BYTES + 256]; // address: host and port
    struct et_str authority, target;                 // in the text; an empty target is "/"
};
ET_MUST_USE enum et_status et__url_read(const char *text, struct et__url *url, struct et_err *err);

const char *et__http_reason(int code);                   // "Not Found"
bool et__equal_secret(struct et_str a, struct et_str b); // in a time that tells nothing

#endif
