/* A bus of servos that answer on a pseudo terminal, as Dynamixel 2.0 has it: those behind one that
 * is missing wait for it and say nothing. Bytes only; the packets' form is the library's, which
 * known packets are held against. */
#ifndef TESTS_RECORD_DXL_BUS_H
#define TESTS_RECORD_DXL_BUS_H

#include "record/record__dxl.h"
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define BUS_SERVOS 3
#define BUS_WAIT_MS 5000 // at most; bytes of a terminal take a moment

struct bus {
    int fd;
    const char *port;
    struct {
        uint8_t id, error;
        bool is_there;
        int16_t current;
        int32_t velocity, position;
    } servos[BUS_SERVOS];
    bool knows_fast;
    bool is_damaged; // the next answers have a wrong byte
    struct et__dxl_stream heard;
    int n_pings, n_reads, n_fast_reads;
};

static inline struct bus *bus_open(void)
{
    struct bus *bus = calloc(1, sizeof *bus);
    bus->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    CHECK(bus->fd >= 0 && grantpt(bus->fd) == 0 && unlockpt(bus->fd) == 0);
    bus->port = ptsname(bus->fd);
    bus->knows_fast = true;
    for (int i = 0; i < BUS_SERVOS; i++) {
        bus->servos[i].id = (uint8_t)(11 + i);
        bus->servos[i].is_there = true;
        bus->servos[i].position = 2048 + 1024 * i;
        bus->servos[i].velocity = -10 * i;
        bus->servos[i].current = (int16_t)(-100 * i);
    }
    return bus;
}

static inline void bus_close(struct bus *bus)
{
    if (bus->fd >= 0)
        (void)close(bus->fd);
    free(bus);
}

static inline void bus_send(struct bus *bus, unsigned char *packet, size_t n)
{
    if (bus->is_damaged)
        packet[n / 2] ^= 0x55;
    CHECK_EQ(write(bus->fd, packet, n), n);
}

static inline int bus_find(const struct bus *bus, uint8_t id)
{
    for (int i = 0; i < BUS_SERVOS; i++)
        if (bus->servos[i].id == id && bus->servos[i].is_there)
            return i;
    return -1;
}

static inline size_t bus_put(unsigned char *to, size_t at, uint32_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        to[at++] = (unsigned char)(value >> 8 * i);
    return at;
}

// What a servo's table holds from 126 on.
static inline size_t bus_data(const struct bus *bus, int i, unsigned char *to, size_t at)
{
    at = bus_put(to, at, (uint16_t)bus->servos[i].current, 2);
    at = bus_put(to, at, (uint32_t)bus->servos[i].velocity, 4);
    return bus_put(to, at, (uint32_t)bus->servos[i].position, 4);
}

static inline void bus_answer_slow(struct bus *bus, const unsigned char *ids, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const int i = bus_find(bus, ids[k]);
        unsigned char params[32], packet[ET__DXL_PACKET_BYTES_MAX];
        if (i < 0)
            return;
        params[0] = bus->servos[i].error;
        const size_t n_params = bus->servos[i].error & 0x7f ? 1 : bus_data(bus, i, params, 1);
        bus_send(bus, packet, et__dxl_write(packet, ids[k], ET__DXL_STATUS, params, n_params));
    }
}

static inline void bus_answer_fast(struct bus *bus, const unsigned char *ids, size_t n)
{
    unsigned char params[512], packet[ET__DXL_PACKET_BYTES_MAX];
    size_t at = 0;
    for (size_t k = 0; k < n; k++) {
        const int i = bus_find(bus, ids[k]);
        if (i < 0 || !bus->knows_fast)
            return;
        params[at++] = bus->servos[i].error;
        params[at++] = ids[k];
        at = bus_data(bus, i, params, at);
        if (k + 1 < n)
            at = bus_put(params, at, 0xabcd, 2); // a CRC that nobody looks at
    }
    bus_send(bus, packet, et__dxl_write(packet, ET__DXL_ALL, ET__DXL_STATUS, params, at));
}

static inline void bus_answer(struct bus *bus, const struct et__dxl_packet *request)
{
    if (request->instruction == ET__DXL_PING) {
        const int i = bus_find(bus, request->id);
        unsigned char params[4] = {0, 6, 4, 38}, packet[ET__DXL_PACKET_BYTES_MAX];
        bus->n_pings++;
        if (i >= 0)
            bus_send(bus, packet,
                     et__dxl_write(packet, request->id, ET__DXL_STATUS, params, sizeof params));
        return;
    }
    CHECK_EQ(request->params[0], 126);
    CHECK_EQ(request->params[2], 10);
    if (request->instruction == ET__DXL_SYNC_READ) {
        bus->n_reads++;
        bus_answer_slow(bus, request->params + 4, request->n - 4);
    } else {
        CHECK_EQ(request->instruction, ET__DXL_FAST_SYNC_READ);
        bus->n_fast_reads++;
        bus_answer_fast(bus, request->params + 4, request->n - 4);
    }
}

/* Waits for one request, and answers it. */
static inline void bus_serve(struct bus *bus)
{
    struct et__dxl_packet request;
    while (!et__dxl_next(&bus->heard, &request)) {
        struct pollfd wait = {.fd = bus->fd, .events = POLLIN};
        size_t room;
        unsigned char *to = et__dxl_room(&bus->heard, &room);
        if (!CHECK(poll(&wait, 1, BUS_WAIT_MS) == 1))
            return;
        const ssize_t n = read(bus->fd, to, room);
        if (!CHECK(n > 0))
            return;
        et__dxl_came(&bus->heard, (size_t)n);
    }
    bus_answer(bus, &request);
}

#endif
