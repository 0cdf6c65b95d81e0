/* A sender of datagrams on this machine, for sources that listen to a port. */
#ifndef TESTS_RECORD_SOURCE_UDP_H
#define TESTS_RECORD_SOURCE_UDP_H

#include "source_help.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

struct sender {
    int fd;
    struct sockaddr_in to;
};

static inline struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

// A port that nobody has at this moment.
static inline int free_port(void)
{
    struct sockaddr_in at = loopback(0);
    socklen_t n = sizeof at;
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&at, n) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &n) == 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

/* Opens a source on a free port, and who sends to it. `more` are further settings: ", a: b". */
static inline struct live *live_open_udp(const char *kind, const char *more, struct sender *sender)
{
    for (int i = 0; i < 20; i++) { // somebody may take the port meanwhile
        char settings[300];
        const int port = free_port();
        (void)snprintf(settings, sizeof settings, "{port: %d%s}", port, more);
        struct live *live = live_open(kind, settings, false);
        *sender = (struct sender){socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), loopback(port)};
        if (live->st == ET_OK)
            return live;
        CHECK_EQ(live->st, ET_EIO);
        live_close(live);
        (void)close(sender->fd);
    }
    exit(99);
}

static inline void send_bytes(const struct sender *sender, const void *bytes, size_t n)
{
    const ssize_t sent =
        sendto(sender->fd, bytes, n, 0, (const struct sockaddr *)&sender->to, sizeof sender->to);
    CHECK_EQ(sent, n);
}

#endif
