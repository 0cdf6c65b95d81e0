#include "record/record__udp.h"

#include "etude/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROOM_BYTES (1 << 20) // that the kernel is asked for: seconds of a motion capture
#define OTHERS_MAX 256
#define AGE_NS_MAX ET_NS_PER_S // of a datagram in the kernel; beyond it the real clock was set

const struct et_schema et__udp_port = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 65535};
const struct et_schema et__udp_address = {.type = ET_SCHEMA_STRING};
const struct et_schema et__udp_rate = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.1, .max = 10000};

static enum et_status read_listen(const struct et_source_options *options, struct in_addr *address,
                                  struct et_err *err)
{
    const struct et_value *value = et_value_get(options->settings, "listen");
    const char *text = et_value_text(value, "127.0.0.1");
    if (inet_pton(AF_INET, text, address) == 1)
        return ET_OK;
    return et_yaml_fail(err, options->path, et_value_place(value),
                        "listen: must be an address of IPv4, is %.60s", text);
}

static bool is_loopback(struct in_addr address)
{
    return ntohl(address.s_addr) >> 24 == 127;
}

// "10.0.0.7", "10.0.0.0/24", "any". has_host: a network was meant, or an address: nobody knows.
static bool read_senders(const char *text, struct et__udp *udp, bool *has_host)
{
    char address[INET_ADDRSTRLEN];
    struct in_addr from;
    struct et_str rest = et_str(text), part;
    int64_t n_bits = 32;
    if (strcmp(text, "any") == 0)
        return true;
    if (!et_str_cut(&rest, '/', &part) || part.n >= sizeof address)
        return false;
    (void)snprintf(address, sizeof address, "%.*s", ET_STR_ARG(part));
    if (strchr(text, '/') && (!et_str_to_int64(rest, &n_bits) || n_bits < 1 || n_bits > 32))
        return false;
    if (inet_pton(AF_INET, address, &from) != 1)
        return false;
    udp->mask = htonl(UINT32_MAX << (32 - n_bits));
    udp->from = from.s_addr & udp->mask;
    *has_host = udp->from != from.s_addr;
    return true;
}

/* A datagram has no token, and who sent it is soon told wrongly: beyond this machine the file says
 * whom it hears. */
static enum et_status choose_senders(struct et__udp *udp, const struct et_source_options *options,
                                     struct in_addr listen_to, struct et_err *err)
{
    const struct et_value *listen = et_value_get(options->settings, "listen");
    const struct et_value *from = et_value_get(options->settings, "from");
    bool has_host = false;
    if (!from && !is_loopback(listen_to))
        return et_yaml_fail(err, options->path, et_value_place(listen),
                            "listen: other machines reach it; say whom it hears, from: ADDRESS, "
                            "ADDRESS/BITS, or any");
    if (from && !read_senders(et_value_text(from, ""), udp, &has_host))
        return et_yaml_fail(err, options->path, et_value_place(from),
                            "from: must be an address of IPv4, ADDRESS/BITS, or any, is %.60s",
                            et_value_text(from, ""));
    if (!has_host)
        return ET_OK;
    char network[INET_ADDRSTRLEN] = "";
    const char *text = et_value_text(from, ""), *bits = strchr(text, '/');
    (void)inet_ntop(AF_INET, &(struct in_addr){.s_addr = udp->from}, network, sizeof network);
    return et_yaml_fail(err, options->path, et_value_place(from),
                        "from: %.40s is an address in a network; say %.*s, or the network, %s%.4s",
                        text, (int)(bits - text), text, network, bits);
}

static enum et_status bind_to(struct et__udp *udp, struct in_addr address, int port,
                              struct et_err *err)
{
    const int one = 1, room = ROOM_BYTES;
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};
    udp->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (udp->fd < 0)
        return et_fail_sys(err, errno, "no socket");
    // Without these it works all the same.
    (void)setsockopt(udp->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    (void)setsockopt(udp->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    (void)setsockopt(udp->fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
    if (bind(udp->fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        char text[INET_ADDRSTRLEN] = "";
        (void)inet_ntop(AF_INET, &address, text, sizeof text);
        return et_fail_sys(err, errno, "cannot listen to port %d of %s", port, text);
    }
    return ET_OK;
}

enum et_status et__udp_open(struct et__udp *udp, const struct et_source_options *options,
                            int port_usual, struct et_err *err)
{
    struct in_addr listen_to;
    *udp = (struct et__udp){.fd = -1};
    const struct et_value *settings = options->settings;
    enum et_status st = read_listen(options, &listen_to, err);
    if (st == ET_OK)
        st = choose_senders(udp, options, listen_to, err);
    if (st != ET_OK)
        return st;
    udp->bytes = malloc(ET__UDP_BYTES_MAX);
    if (!udp->bytes)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", options->device);
    return bind_to(udp, listen_to, (int)et_value_int(et_value_get(settings, "port"), port_usual),
                   err);
}

void et__udp_close(struct et__udp *udp)
{
    if (udp->fd >= 0)
        (void)close(udp->fd);
    free(udp->bytes);
    *udp = (struct et__udp){.fd = -1};
}

// How long a datagram has waited: both by the real clock, whose difference is used at once.
static int64_t age_ns(const struct timespec *came)
{
    const int64_t t_ns = (int64_t)came->tv_sec * ET_NS_PER_S + came->tv_nsec;
    const int64_t age = et_clock_real_ns() - t_ns;
    return age < 0 || age > AGE_NS_MAX ? 0 : age;
}

static void read_notes(struct et__udp *udp, struct msghdr *message, struct et__datagram *datagram)
{
    for (struct cmsghdr *note = CMSG_FIRSTHDR(message); note; note = CMSG_NXTHDR(message, note)) {
        if (note->cmsg_level != SOL_SOCKET)
            continue;
        if (note->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec came;
            memcpy(&came, CMSG_DATA(note), sizeof came);
            datagram->t_arrival_ns -= age_ns(&came);
        } else if (note->cmsg_type == SO_RXQ_OVFL) {
            uint32_t n;
            memcpy(&n, CMSG_DATA(note), sizeof n);
            datagram->n_lost = n - udp->n_overflowed;
            udp->n_overflowed = n;
        }
    }
}

bool et__udp_next(struct et__udp *udp, const struct et__listener *listener,
                  struct et__datagram *datagram)
{
    for (int i = 0; i < OTHERS_MAX; i++) {
        _Alignas(struct cmsghdr) char notes[256];
        struct sockaddr_in from = {0};
        struct iovec to = {udp->bytes, ET__UDP_BYTES_MAX};
        struct msghdr message = {.msg_name = &from,
                                 .msg_namelen = sizeof from,
                                 .msg_iov = &to,
                                 .msg_iovlen = 1,
                                 .msg_control = notes,
                                 .msg_controllen = sizeof notes};
        const ssize_t n = recvmsg(udp->fd, &message, 0);
        if (n < 0)
            return false;
        if ((from.sin_addr.s_addr & udp->mask) != udp->from)
            continue;
        *datagram = (struct et__datagram){
            .bytes = udp->bytes, .n = (size_t)n, .t_arrival_ns = et__listener_now(listener)};
        read_notes(udp, &message, datagram);
        return true;
    }
    return false;
}
