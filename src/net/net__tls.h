/* One connection's TLS, and what else this room takes from its library: only tls.c sees OpenSSL. */
#ifndef ETUDE_NET_TLS_H
#define ETUDE_NET_TLS_H

#include "etude/tls.h"

#include <stdbool.h>
#include <stdint.h>

struct et__tls_session;

/* Begins a session over a connected socket, which stays the caller's. host: whom the client means
 * (NULL for a server). ET_ENOMEM; ET_EARG: the handle is for the other side. */
ET_MUST_USE enum et_status et__tls_begin(struct et__tls_session **session, struct et_tls *tls,
                                         int fd, bool is_server, const char *host,
                                         struct et_err *err);
void et__tls_free(struct et__tls_session *session); // NULL is allowed

/* What the session waits for after ET_AGAIN: room to write, else something to read. */
bool et__tls_wants_write(const struct et__tls_session *session);

/* ET_OK: done. ET_AGAIN: the socket is not ready. ET_EIO: refused by either side, or cut. */
ET_MUST_USE enum et_status et__tls_handshake(struct et__tls_session *session, struct et_err *err);

/* ET_OK with 1 to n bytes; ET_AGAIN; ET_END: the other side has closed properly; ET_EIO: cut. */
ET_MUST_USE enum et_status et__tls_read(struct et__tls_session *session, void *p, size_t n,
                                        size_t *got, struct et_err *err);
bool et__tls_has_more(const struct et__tls_session *session); // bytes that the socket won't tell of

/* ET_OK with 1 to n bytes taken. After ET_AGAIN the same bytes come again, more may follow them. */
ET_MUST_USE enum et_status et__tls_write(struct et__tls_session *session, const void *p, size_t n,
                                         size_t *put, struct et_err *err);
void et__tls_end(struct et__tls_session *session); // says that no more will be written, at best

#define ET__SHA1_BYTES 20
bool et__sha1(const void *p, size_t n, uint8_t digest[ET__SHA1_BYTES]);

#endif
