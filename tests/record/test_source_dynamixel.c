// Servos on a bus become joints; those that are missing, refuse or are damaged are told.
#include "dxl_bus.h"
#include "source_help.h"
#include "support.h"

#include <math.h>

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

/* ---- packets ---- */

// From the maker's manual: a ping, its answer, a read.
static const unsigned char PING[] = {0xff, 0xff, 0xfd, 0, 1, 3, 0, 1, 0x19, 0x4e};
static const unsigned char PONG[] = {0xff, 0xff, 0xfd, 0,    1,    7,    0,
                                     0x55, 0,    6,    0x04, 0x26, 0x65, 0x5d};
static const unsigned char READ[] = {0xff, 0xff, 0xfd, 0, 1, 7, 0, 2, 132, 0, 4, 0, 0x1d, 0x15};

static void writes_packets_as_the_maker_does(void)
{
    unsigned char packet[ET__DXL_PACKET_BYTES_MAX], large[ET__DXL_PACKET_BYTES_MAX] = {0};
    CHECK_EQ(et__dxl_write(packet, 1, ET__DXL_PING, NULL, 0), sizeof PING);
    CHECK(memcmp(packet, PING, sizeof PING) == 0);
    CHECK_EQ(et__dxl_write(packet, 1, ET__DXL_STATUS, PONG + 8, 4), sizeof PONG);
    CHECK(memcmp(packet, PONG, sizeof PONG) == 0);
    CHECK_EQ(et__dxl_write(packet, 1, 2, READ + 8, 4), sizeof READ);
    CHECK(memcmp(packet, READ, sizeof READ) == 0);
    CHECK_EQ(et__dxl_write(packet, 1, 2, large, sizeof large), 0);
}

static void put_bytes(struct et__dxl_stream *stream, const void *bytes, size_t n)
{
    size_t room;
    unsigned char *to = et__dxl_room(stream, &room);
    if (n > room)
        n = room;
    memcpy(to, bytes, n);
    et__dxl_came(stream, n);
}

static void gives_back_what_was_stuffed(void)
{
    struct rng rng = {8};
    struct et__dxl_stream stream = {.n = 0};
    struct et__dxl_packet got;
    for (int k = 0; k < 3000; k++) {
        unsigned char params[200], packet[ET__DXL_PACKET_BYTES_MAX];
        const size_t n = rng_next(&rng) % sizeof params;
        for (size_t i = 0; i < n; i++) // mostly what needs stuffing
            params[i] = (unsigned char)(rng_next(&rng) % 4 ? 0xff - 2 * (rng_next(&rng) % 2) : i);
        const size_t n_packet = et__dxl_write(packet, 7, ET__DXL_STATUS, params, n);
        for (size_t i = 7; i + 4 <= n_packet - 2; i++) // no header within
            CHECK(memcmp(packet + i, "\xff\xff\xfd\x00", 4) != 0);
        put_bytes(&stream, packet, n_packet);
        CHECK(et__dxl_next(&stream, &got));
        CHECK(got.n == n && memcmp(got.params, params, n) == 0 && got.id == 7);
    }
    CHECK_EQ(stream.n_skipped, 0);
    CHECK_EQ(stream.n, 0);
}

static void finds_packets_among_anything(void)
{
    struct et__dxl_stream stream = {.n = 0};
    struct et__dxl_packet got;
    static const unsigned char ENDLESS[] = {0xff, 0xff, 0xfd, 0, 1, 0xff, 0xff, 0x55};
    put_bytes(&stream, "garbage\xff\xff", 9);
    put_bytes(&stream, ENDLESS, sizeof ENDLESS); // says that it has 65,535 bytes
    for (size_t i = 0; i < sizeof PONG; i++) {
        CHECK(!et__dxl_next(&stream, &got));
        put_bytes(&stream, &PONG[i], 1);
    }
    CHECK(et__dxl_next(&stream, &got));
    CHECK_EQ(got.n, 4);
    CHECK_EQ(stream.n_skipped, 9 + sizeof ENDLESS);
    for (size_t i = 0; i < sizeof PONG; i++) // damaged anywhere it is none
        for (int bit = 0; bit < 8; bit++) {
            unsigned char bad[sizeof PONG];
            memcpy(bad, PONG, sizeof bad);
            bad[i] ^= (unsigned char)(1 << bit);
            stream = (struct et__dxl_stream){.n = 0};
            put_bytes(&stream, bad, sizeof bad);
            CHECK(!et__dxl_next(&stream, &got));
        }
}

/* ---- the source ---- */

static const char JOINTS[] = "joints: [{id: 11, name: shoulder}, {id: 12, name: elbow, sign: -1, "
                             "offset: 0.5}, {id: 13, name: wrist, nm_per_a: 2}]";

static struct live *open_bus(const struct bus *bus, const char *more)
{
    char settings[600];
    (void)snprintf(settings, sizeof settings, "{port: %s, rate: 50%s, %s}", bus->port, more,
                   JOINTS);
    struct live *live = live_open("dynamixel", settings, false);
    CHECK_EQ(live->st, ET_OK);
    return live;
}

static int n_sent(const struct bus *bus)
{
    return bus->n_pings + bus->n_reads + bus->n_fast_reads;
}

// Lets the source take what the bus sent, until it asks for the next or has nothing to do by now.
static void take_answer(struct live *live)
{
    const int64_t limit_ns = live->t_next_ns;
    for (int i = 0; i < 50 && live->t_next_ns == limit_ns; i++) {
        struct pollfd wait = {.fd = et_source_fd(live->source), .events = POLLIN};
        if (!CHECK(poll(&wait, 1, BUS_WAIT_MS) == 1))
            return;
        live_poll(live);
    }
}

/* A request that is answered by all it is sent to. */
static void round_of(struct live *live, struct bus *bus)
{
    live_poll(live);
    bus_serve(bus);
    live->t_ns += MS; // so that the answer is seen by what follows
    take_answer(live);
}

/* A request whose answer is late: the time of the source goes on. */
static void round_missed(struct live *live, struct bus *bus)
{
    live_poll(live);
    bus_serve(bus);
    live->t_ns = live->t_next_ns;
}

static void reads_joints_at_its_rate(void)
{
    struct bus *bus = bus_open();
    struct live *live = open_bus(bus, "");
    CHECK_STR(et_feed_stream(live->feed, 1)->topic, "/dev/joint_states");
    CHECK_NEAR(et_feed_stream(live->feed, 1)->rate_hz, 50, 1e-9);
    for (int i = 0; i < 3; i++)
        round_of(live, bus);
    CHECK_EQ(bus->n_pings, 3);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_LIVE);
    bus_serve(bus); // the first read follows at once
    take_answer(live);
    CHECK_STR(text_at(live_next(live), "kind"), "servo.found");
    CHECK_STR(text_at(live->value, "value"), "{\"id\": 11}");
    CHECK_STR(text_at(live_next(live), "kind"), "device.found");
    CHECK_STR(text_at(live_next(live), "kind"), "servo.found");
    CHECK_STR(text_at(live_next(live), "kind"), "servo.found");
    const struct et_value *v = live_next(live);
    CHECK_EQ(live->sample.t_device_ns, 0);
    CHECK_STR(text_at(v, "name.0"), "shoulder");
    CHECK_NEAR(number_at(v, "position.0"), 0, 1e-12);
    CHECK_NEAR(number_at(v, "position.1"), -M_PI / 2 + 0.5, 1e-12);
    CHECK_NEAR(number_at(v, "position.2"), M_PI, 1e-12);
    CHECK_NEAR(number_at(v, "velocity.1"), 2.29 * 2 * M_PI / 60, 1e-12);
    CHECK_NEAR(number_at(v, "velocity.2"), -4.58 * 2 * M_PI / 60, 1e-12);
    CHECK_NEAR(number_at(v, "effort.1"), 0.269, 1e-12);
    CHECK_NEAR(number_at(v, "effort.2"), -2 * 0.538, 1e-12);
    const int64_t began_ns = live->t_ns;
    for (int i = 0; i < 20; i++) { // a cycle each 20 ms, whenever it is polled
        live->t_ns = live->t_next_ns;
        live_poll(live);
        bus_serve(bus);
        live->t_ns += 2 * MS;
        take_answer(live);
    }
    CHECK_NEAR((double)(live->t_ns - began_ns), 20 * 20e6, 20e6);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_put, 21);
    CHECK_EQ(bus->n_reads, 21);
    live_close(live);
    bus_close(bus);
}

static void goes_on_without_a_servo_that_is_missing(void)
{
    struct bus *bus = bus_open();
    struct live *live = open_bus(bus, "");
    bus->servos[1].is_there = false;
    round_of(live, bus);
    round_missed(live, bus);
    round_of(live, bus);
    bus_serve(bus);
    take_answer(live);
    const struct et_value *v = live_next_of(live, 1);
    CHECK_EQ(et_value_count(at(v, "name")), 2);
    CHECK_STR(text_at(v, "name.1"), "wrist");
    // It comes after a second.
    bus->servos[1].is_there = true;
    live->t_ns += S;
    live_poll(live);
    bus_serve(bus);
    live->t_ns += MS;
    take_answer(live);
    CHECK_EQ(bus->n_pings, 4);
    bus_serve(bus);
    take_answer(live);
    CHECK_STR(text_at(live_next_of(live, 0), "text"), "servo 12 (elbow): it answers");
    CHECK_EQ(et_value_count(at(live_next_of(live, 1), "name")), 3);
    // The first falls silent, and with it the others: only the first is to blame.
    bus->servos[0].is_there = false;
    for (int i = 0; i < 3; i++) {
        live->t_ns = live->t_next_ns; // of the next cycle
        live_poll(live);
        bus_serve(bus);
        live->t_ns = live->t_next_ns; // of the limit
        live_poll(live);
    }
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 3);
    CHECK_STR(text_at(live_next_of(live, 0), "text"), "servo 11 (shoulder): it does not answer");
    CHECK(!live_next_of(live, 0));
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_LIVE);
    live_close(live);
    bus_close(bus);
}

static void reads_all_in_one_answer_where_servos_can(void)
{
    for (int can = 0; can < 2; can++) {
        struct bus *bus = bus_open();
        struct live *live = open_bus(bus, ", fast: true");
        bus->knows_fast = can;
        for (int i = 0; i < 3; i++)
            round_of(live, bus);
        bus_serve(bus);
        for (int i = 0; i < 10 && !can; i++) { // then it is given up
            live->t_ns = live->t_next_ns;      // of the limit
            live_poll(live);
            live->t_ns = live->t_next_ns; // of the next cycle
            live_poll(live);
            bus_serve(bus);
        }
        take_answer(live);
        const struct et_value *v = live_next_of(live, 1);
        CHECK_EQ(et_value_count(at(v, "name")), 3);
        CHECK_NEAR(number_at(v, "position.2"), M_PI, 1e-12);
        CHECK_EQ(bus->n_reads, !can);
        CHECK_EQ(bus->n_fast_reads, can ? 1 : 10);
        live_close(live);
        bus_close(bus);
    }
}

static void tells_errors_and_damage(void)
{
    struct bus *bus = bus_open();
    struct live *live = open_bus(bus, "");
    for (int i = 0; i < 3; i++)
        round_of(live, bus);
    bus->servos[0].error = ET__DXL_ALERT; // has data all the same
    bus_serve(bus);
    take_answer(live);
    while (live_next_of(live, 0) && strcmp(text_at(live->value, "kind"), "servo.error") != 0)
        ;
    CHECK_STR(text_at(live->value, "text"), "servo 11 (shoulder): a hardware alert");
    CHECK_EQ(et_value_count(at(live_next_of(live, 1), "name")), 3);
    live->t_ns = live->t_next_ns;
    live_poll(live);
    bus->is_damaged = true;
    bus_serve(bus);
    struct pollfd wait = {.fd = et_source_fd(live->source), .events = POLLIN};
    CHECK_EQ(poll(&wait, 1, BUS_WAIT_MS), 1);
    live->t_ns = live->t_next_ns;
    live_poll(live);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 1);
    CHECK_STR(text_at(live_next_of(live, 0), "kind"), "device.garbage");
    CHECK(n_sent(bus) > 0);
    live_close(live);
    bus_close(bus);
}

static void waits_for_its_port(void)
{
    struct bus *bus = bus_open();
    struct live *live = open_bus(bus, "");
    live_poll(live);
    (void)close(bus->fd); // pulled out
    bus->fd = -1;
    struct pollfd wait = {.fd = et_source_fd(live->source), .events = POLLIN};
    CHECK_EQ(poll(&wait, 1, BUS_WAIT_MS), 1);
    live_poll(live);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
    CHECK_EQ(et_source_fd(live->source), -1);
    CHECK_STR(text_at(live_next(live), "kind"), "device.lost");
    CHECK(live->t_next_ns > live->t_ns);
    live_run_to(live, live->t_ns + 5 * S);
    CHECK_HAS(text_at(live_next(live), "text"), "is not there"); // another reason, once
    CHECK(!live_next(live));
    live_close(live);
    bus_close(bus);
    live = live_open("dynamixel", "{port: /no/such/port, joints: [{id: 1, name: a}]}", true);
    live_run_to(live, live->t_ns + 5 * S);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
    CHECK(!live_next(live)); // it only looks
    live_close(live);
}

static void refuses_settings_that_do_not_fit(void)
{
    static const char *const BAD[][2] = {
        {"{port: /x}", "joints"},
        {"{port: /x, joints: []}", "joints"},
        {"{port: /x, joints: [{id: 1, name: a}, {id: 1, name: b}]}", "stands twice"},
        {"{port: /x, joints: [{id: 1, name: a}, {id: 2, name: a}]}", "stands twice"},
        {"{port: /x, joints: [{id: 1, name: a, sign: 0}]}", "a sign is 1 or -1"},
        {"{port: /x, joints: [{id: 253, name: a}]}", "id"},
        {"{port: /x, joints: [{id: 1, name: ''}]}", "no name"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct live *live = live_open("dynamixel", BAD[i][0], false);
        CHECK_EQ(live->st, ET_ECORRUPT);
        CHECK_HAS(err.text, BAD[i][1]);
        live_close(live);
    }
}

int main(void)
{
    RUN(writes_packets_as_the_maker_does);
    RUN(gives_back_what_was_stuffed);
    RUN(finds_packets_among_anything);
    RUN(reads_joints_at_its_rate);
    RUN(goes_on_without_a_servo_that_is_missing);
    RUN(reads_all_in_one_answer_where_servos_can);
    RUN(tells_errors_and_damage);
    RUN(waits_for_its_port);
    RUN(refuses_settings_that_do_not_fit);
    return tap_end();
}
