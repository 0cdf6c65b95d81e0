/* Both ends in one thread: a loop with a clock that the test moves, and plain sockets beside it. */
#ifndef TESTS_NET_PEER_H
#define TESTS_NET_PEER_H

#include "etude/net.h"

#include <sys/types.h>

#define S INT64_C(1000000000)

extern int64_t clock_ns; // the loop's time
extern const struct et_loop_options TEST_CLOCK;

struct et_loop *make_loop(void);

/* Goes round until is_so(ctx) holds, or so often that it never will. Time stands still. */
bool run_until(struct et_loop *loop, bool (*is_so)(void *ctx), void *ctx);
void run_some(struct et_loop *loop);            // until nothing is ready any more
void pass(struct et_loop *loop, int64_t by_ns); // time goes by, then run_some

/* A plain socket that does not wait. −1: it was refused. */
int peer_open(const char *address);
void peer_put(int fd, const void *p, size_t n);
void peer_puts(int fd, const char *z);

/* Reads until `ending` has come, or the other side closed; NUL-terminated. */
#define PEER_BYTES ((size_t)1 << 20)
struct peer_text {
    char p[PEER_BYTES + 1];
    size_t n;
    bool is_closed;
};
void peer_get(struct et_loop *loop, int fd, const char *ending, struct peer_text *text);

/* True when nothing came and the other side has closed. */
bool peer_is_closed(struct et_loop *loop, int fd);

/* A certificate for localhost and 127.0.0.1, made once a program. */
const char *tls_cert(void);
const char *tls_key(void);
const char *tls_pin(void);

#endif
