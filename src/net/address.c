#include "net/net__conn.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#define PORT_MAX 65535

static enum et_status read_unix(const char *text, struct et__address *address, struct et_err *err)
{
    struct sockaddr_un *sa = (struct sockaddr_un *)&address->sa;
    const size_t n = strlen(text);
    if (n == 0 || n >= sizeof sa->sun_path)
        return et_fail(err, ET_EARG, -1, "the path of a Unix socket has 1 to %zu bytes, not %zu",
                       sizeof sa->sun_path - 1, n);
    sa->sun_family = AF_UNIX;
    memcpy(sa->sun_path, text, n + 1);
    address->n = sizeof *sa;
    return ET_OK;
}

// "host:port" or "[host]:port".
static bool split(const char *text, char host[ET__HOST_BYTES], const char **port)
{
    const char *colon = strrchr(text, ':');
    int64_t value;
    if (!colon || !et_str_to_int64(et_str(colon + 1), &value) || value < 0 || value > PORT_MAX ||
        colon[1] == '+' || colon[1] == '-')
        return false;
    size_t n = (size_t)(colon - text);
    const bool is_bracketed = n > 2 && text[0] == '[' && text[n - 1] == ']';
    if (is_bracketed) {
        text++;
        n -= 2;
    }
    if (n == 0 || n >= ET__HOST_BYTES || (!is_bracketed && memchr(text, ':', n)))
        return false;
    memcpy(host, text, n);
    host[n] = 0;
    *port = colon + 1;
    return true;
}

enum et_status et__address_read(const char *text, enum et__address_how how,
                                struct et__address *addresses, size_t cap, size_t *n,
                                char host[ET__HOST_BYTES], struct et_err *err)
{
    char own[ET__HOST_BYTES];
    const char *port;
    struct addrinfo *list = NULL;
    *n = 0;
    if (strncmp(text, "unix:", 5) == 0) {
        const enum et_status st = read_unix(text + 5, addresses, err);
        *n = st == ET_OK;
        if (host)
            (void)snprintf(host, ET__HOST_BYTES, "localhost");
        return st;
    }
    if (!host)
        host = own;
    if (!split(text, host, &port))
        return et_fail(err, ET_EARG, -1,
                       "%.100s is no address: HOST:PORT, [IPV6]:PORT or unix:PATH is", text);
    const bool is_listening = how == ET__ADDRESS_LISTEN;
    const char *name = is_listening && strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV |
                                               (how == ET__ADDRESS_NAMES ? 0 : AI_NUMERICHOST)};
    const int code = getaddrinfo(name, port, &hints, &list);
    if (code != 0 && is_listening)
        return et_fail(err, ET_EARG, -1, "%.100s is no address of numbers to listen on", text);
    if (code != 0 && how == ET__ADDRESS_NUMBERS)
        return ET_AGAIN;
    if (code != 0)
        return et_fail(err, ET_ENOTFOUND, -1, "the name is not known: %s", gai_strerror(code));
    for (const struct addrinfo *a = list; a && *n < cap; a = a->ai_next) {
        memcpy(&addresses[*n].sa, a->ai_addr, a->ai_addrlen);
        addresses[(*n)++].n = a->ai_addrlen;
    }
    freeaddrinfo(list);
    return ET_OK;
}

void et__address_text(const struct et__address *address, char text[ET_ADDRESS_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa.ss_family == AF_INET) {
        const struct sockaddr_in *sa = (const void *)&address->sa;
        (void)inet_ntop(AF_INET, &sa->sin_addr, host, sizeof host);
        (void)snprintf(text, ET_ADDRESS_BYTES, "%s:%u", host, ntohs(sa->sin_port));
    } else if (address->sa.ss_family == AF_INET6) {
        const struct sockaddr_in6 *sa = (const void *)&address->sa;
        (void)inet_ntop(AF_INET6, &sa->sin6_addr, host, sizeof host);
        (void)snprintf(text, ET_ADDRESS_BYTES, "[%s]:%u", host, ntohs(sa->sin6_port));
    } else {
        const struct sockaddr_un *sa = (const void *)&address->sa;
        const bool has_path = address->n > offsetof(struct sockaddr_un, sun_path);
        (void)snprintf(text, ET_ADDRESS_BYTES, "unix:%s", has_path ? sa->sun_path : "");
    }
}

// The four bytes of an IPv4 address, also of one that is written as IPv6; NULL for others.
static const unsigned char *ipv4_of(const struct et__address *address)
{
    if (address->sa.ss_family == AF_INET)
        return (const void *)&((const struct sockaddr_in *)(const void *)&address->sa)->sin_addr;
    const struct sockaddr_in6 *sa = (const void *)&address->sa;
    return IN6_IS_ADDR_V4MAPPED(&sa->sin6_addr) ? sa->sin6_addr.s6_addr + 12 : NULL;
}

bool et__address_is_loopback(const struct et__address *address)
{
    if (address->sa.ss_family != AF_INET && address->sa.ss_family != AF_INET6)
        return true;
    const unsigned char *ipv4 = ipv4_of(address);
    if (ipv4)
        return ipv4[0] == 127;
    const struct sockaddr_in6 *sa = (const void *)&address->sa;
    return IN6_IS_ADDR_LOOPBACK(&sa->sin6_addr);
}

enum et_status et_address_is_here(const char *text, bool *is_here, struct et_err *err)
{
    struct et__address address = {0};
    char host[ET__HOST_BYTES] = "";
    size_t n;
    *is_here = false;
    const enum et_status st =
        et__address_read(text, ET__ADDRESS_NUMBERS, &address, 1, &n, host, err);
    if (st == ET_OK || st == ET_AGAIN)
        *is_here = st == ET_OK ? et__address_is_loopback(&address) : strcmp(host, "localhost") == 0;
    return st == ET_AGAIN ? ET_OK : st;
}

bool et__address_is_same_host(const struct et__address *a, const struct et__address *b)
{
    if (a->sa.ss_family != b->sa.ss_family)
        return false;
    if (a->sa.ss_family == AF_INET)
        return memcmp(ipv4_of(a), ipv4_of(b), 4) == 0;
    if (a->sa.ss_family != AF_INET6)
        return false; // whoever may open a Unix socket is counted with all of them
    const struct sockaddr_in6 *x = (const void *)&a->sa, *y = (const void *)&b->sa;
    return memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
}
