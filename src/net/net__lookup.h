/* A name's addresses, looked up on a thread of its own. */
#ifndef ETUDE_NET_LOOKUP_H
#define ETUDE_NET_LOOKUP_H

#include "net/net__conn.h"

/* The system's look-up waits for as long as its settings say, half a minute where no server of
 * names answers, and a loop has other things to do meanwhile. Who no longer wants to know leaves:
 * the thread goes on until the system lets go of it, and then takes everything with it. */
struct et__lookup;

/* Begins; on_done is called once, from the loop. ET_EARG: longer than any address. ET_EIO: no
 * thread, no descriptor. ET_ENOMEM. */
ET_MUST_USE enum et_status et__lookup_open(struct et__lookup **lookup, struct et_loop *loop,
                                           const char *address, void (*on_done)(void *ctx),
                                           void *ctx, struct et_err *err);

/* What came of it, after on_done. ET_ENOTFOUND: the name is not known, or no server said so. */
ET_MUST_USE enum et_status et__lookup_take(const struct et__lookup *lookup,
                                           struct et__address *addresses, size_t cap, size_t *n,
                                           struct et_err *err);

/* Leaves it, without waiting; on_done is not called any more. NULL is allowed. */
void et__lookup_close(struct et__lookup *lookup);

#endif
