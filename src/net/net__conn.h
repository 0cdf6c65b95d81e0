/* What connections and listeners know of each other, and addresses. */
#ifndef ETUDE_NET_CONN_H
#define ETUDE_NET_CONN_H

#include "etude/net.h"
#include "etude/str.h"

#include <sys/socket.h>

struct et__address {
    struct sockaddr_storage sa;
    socklen_t n;
};

enum et__address_how {
    ET__ADDRESS_LISTEN,  // numbers, and "localhost"
    ET__ADDRESS_NUMBERS, // what needs no look-up; ET_AGAIN: this one does
    ET__ADDRESS_NAMES,   // names, too: it waits for whom the system asks
};

/* The addresses that a text stands for, at most cap. host gets its host part where it is not NULL.
 * ET_AGAIN, ET_EARG, ET_ENOTFOUND. */
#define ET__HOST_BYTES 256
#define ET__ADDRESSES_MAX 8
ET_MUST_USE enum et_status et__address_read(const char *text, enum et__address_how how,
                                            struct et__address *addresses, size_t cap, size_t *n,
                                            char host[ET__HOST_BYTES], struct et_err *err);
void et__address_text(const struct et__address *address, char text[ET_ADDRESS_BYTES]);
bool et__address_is_loopback(const struct et__address *address); // a Unix socket is
bool et__address_is_same_host(const struct et__address *a, const struct et__address *b);

/* As et_conn_send, of several parts one after the other. */
ET_MUST_USE enum et_status et__conn_send_parts(struct et_conn *conn, const struct et_str *parts,
                                               size_t n_parts);

/* Makes a connection of an accepted socket, which becomes its own in every case. */
ET_MUST_USE enum et_status et__conn_accept(struct et_loop *loop, struct et_listener *listener,
                                           int fd, const struct et__address *peer,
                                           const struct et_listen_options *options,
                                           struct et_conn **conn, struct et_err *err);
const struct et__address *et__conn_address(const struct et_conn *conn);

/* A listener's connections are in a list, which begins in the listener. */
struct et_conn **et__listener_list(struct et_listener *listener);
struct et_conn *et__conn_next(const struct et_conn *conn);
void et__conn_leave(struct et_conn *conn); // its listener closes

/* A connection is open, and goes to on_accept; it has ended, and is out of the list. */
void et__listener_opened(struct et_listener *listener, struct et_conn *conn);
void et__listener_ended(struct et_listener *listener, bool was_open);
bool et__conn_is_open(const struct et_conn *conn);
bool et__conn_is_greeted(const struct et_conn *conn);
void et__conn_make_room(struct et_conn *conn); // ends it, for another one's sake

#endif
