#include "net_peer.h"

#include "support.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROUNDS_MAX 5000
#define QUIET_ROUNDS 5

int64_t clock_ns = 1000 * S;

static int64_t now_ns(void *ctx)
{
    (void)ctx;
    return clock_ns;
}

const struct et_loop_options TEST_CLOCK = {.now_ns = now_ns};

struct et_loop *make_loop(void)
{
    struct et_err err;
    struct et_loop *loop;
    CHECK_OK(et_loop_open(&loop, &TEST_CLOCK, &err));
    return loop;
}

bool run_until(struct et_loop *loop, bool (*is_so)(void *ctx), void *ctx)
{
    struct et_err err;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (is_so(ctx))
            return true;
        // A millisecond for the system to bring what was sent, less when it is there.
        CHECK_OK(et_loop_run_once(loop, S / 1000, &err));
    }
    return false;
}

void run_some(struct et_loop *loop)
{
    struct et_err err;
    for (int i = 0; i < QUIET_ROUNDS; i++) {
        struct pollfd ready = {.fd = et_loop_fd(loop), .events = POLLIN};
        if (poll(&ready, 1, 1) > 0 || et_loop_wait_ns(loop) == 0)
            i = 0;
        CHECK_OK(et_loop_run_once(loop, 0, &err));
    }
}

void pass(struct et_loop *loop, int64_t by_ns)
{
    clock_ns += by_ns;
    run_some(loop);
}

int peer_open(const char *address)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_un un;
    } to = {.in = {.sin_family = AF_INET}};
    socklen_t n = sizeof to.in;
    if (strncmp(address, "unix:", 5) == 0) {
        to.un.sun_family = AF_UNIX;
        (void)snprintf(to.un.sun_path, sizeof to.un.sun_path, "%s", address + 5);
        n = sizeof to.un;
    } else {
        to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.in.sin_port = htons((uint16_t)strtol(strrchr(address, ':') + 1, NULL, 10));
    }
    const int fd = socket(to.sa.sa_family, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, &to.sa, n) == 0) {
        CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
        return fd;
    }
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

void peer_put(int fd, const void *p, size_t n)
{
    CHECK_EQ(send(fd, p, n, MSG_NOSIGNAL), n);
}

void peer_puts(int fd, const char *z)
{
    peer_put(fd, z, strlen(z));
}

void peer_get(struct et_loop *loop, int fd, const char *ending, struct peer_text *text)
{
    struct et_err err;
    const size_t n_ending = strlen(ending);
    text->n = 0;
    text->is_closed = false;
    for (int i = 0; i < ROUNDS_MAX && text->n < PEER_BYTES; i++) {
        const ssize_t n = recv(fd, text->p + text->n, PEER_BYTES - text->n, 0);
        if (n > 0)
            text->n += (size_t)n;
        text->is_closed = n == 0 || (n < 0 && errno != EAGAIN);
        if (text->is_closed || (n_ending && memmem(text->p, text->n, ending, n_ending)))
            break;
        if (n < 0)
            CHECK_OK(et_loop_run_once(loop, S / 1000, &err));
    }
    text->p[text->n] = 0;
}

bool peer_is_closed(struct et_loop *loop, int fd)
{
    char c;
    run_some(loop);
    const ssize_t n = recv(fd, &c, 1, 0);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

static void make_certificate(void)
{
    static const char *const NAMES[] = {"localhost", "127.0.0.1"};
    struct et_err err;
    CHECK_OK(et_tls_make(temp_path("tls"), NAMES, 2, &err));
}

const char *tls_cert(void)
{
    make_certificate();
    return temp_path("tls/" ET_TLS_CERT);
}

const char *tls_key(void)
{
    make_certificate();
    return temp_path("tls/" ET_TLS_KEY);
}

const char *tls_pin(void)
{
    static char pin[ET_TLS_FINGERPRINT_BYTES];
    struct et_err err;
    CHECK_OK(et_tls_fingerprint(tls_cert(), pin, &err));
    return pin;
}
