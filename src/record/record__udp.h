/* Datagrams of a device: a socket of one port, and what is in it, with the time at which the kernel
 * had it.
 *
 * Threads: as its source. Memory: one buffer for the largest datagram. */
#ifndef RECORD__UDP_H
#define RECORD__UDP_H

#include "record/record__listener.h"

#define ET__UDP_BYTES_MAX 65536

struct et__udp {
    int fd;
    uint32_t from, mask;   // the senders that are heard, as the network writes it; 0: all
    uint32_t n_overflowed; // datagrams that the kernel had no room for, so far
    unsigned char *bytes;
};

struct et__datagram {
    const unsigned char *bytes; // valid until the next call
    size_t n;
    int64_t t_arrival_ns;
    uint32_t n_lost; // before it, since the kernel had no room
};

/* What the settings `port`, and `listen` and `from`, of every source of datagrams look like. */
extern const struct et_schema et__udp_port, et__udp_address;
/* And `rate_hz`, at which a suit is set to send; without it the rate is learned. */
extern const struct et_schema et__udp_rate;

/* Binds to settings' `port` (port_usual without it) of `listen` (127.0.0.1 without it), and hears
 * whom `from` names. ET_EIO: the port is taken, or the address is none of this machine.
 * ET_ECORRUPT: no address, or others reach it and `from` does not say who. ET_ENOMEM. */
ET_MUST_USE enum et_status et__udp_open(struct et__udp *udp,
                                        const struct et_source_options *options, int port_usual,
                                        struct et_err *err);
void et__udp_close(struct et__udp *udp);

/* The next datagram that is there already; false: none. Those of other senders are passed over, at
 * most 256 of them. */
bool et__udp_next(struct et__udp *udp, const struct et__listener *listener,
                  struct et__datagram *datagram);

#endif
