// Samples of MVN are joined from their datagrams, in metres and radians; what is lost is counted.
#include "mxtp_made.h"
#include "record/record__mxtp.h"
#include "source_udp.h"
#include "support.h"

#include <math.h>

#define MS INT64_C(1000000)

static void send_made(const struct sender *sender, const struct mxtp_made *made)
{
    send_bytes(sender, made->bytes, made->n);
}

static void send_poses(const struct sender *sender, uint32_t counter, double unit)
{
    const struct mxtp_head head = {2, counter, counter * 10, 0, true, 0, 0};
    const struct mxtp_made made = mxtp_poses(&head, 1, 23, unit);
    CHECK_EQ(made.n, 760);
    send_made(sender, &made);
}

static void writes_poses_in_metres_whatever_the_unit(void)
{
    static const struct {
        double unit;
        const char *more;
        double x; // of the head
    } CASES[] = {{1, "", 0.35}, {100, "", 0.35}, {100, ", unit: m", 35}, {1, ", unit: cm", 0.0035}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct sender sender;
        struct live *live = live_open_udp("xsens", CASES[i].more, &sender);
        send_poses(&sender, 7, CASES[i].unit);
        live_poll(live);
        const struct et_value *v = live_next_of(live, 1);
        CHECK_EQ(live->sample.t_device_ns, 70 * MS);
        CHECK_EQ(et_value_count(at(v, "transforms")), 23);
        CHECK_STR(text_at(v, "transforms.0.child_frame_id"), "dev/Pelvis");
        CHECK_STR(text_at(v, "transforms.6.child_frame_id"), "dev/Head");
        CHECK_STR(text_at(v, "transforms.6.header.frame_id"), "dev");
        CHECK_NEAR(number_at(v, "transforms.6.transform.translation.x"), CASES[i].x, 1e-6);
        CHECK_NEAR(number_at(v, "transforms.6.transform.rotation.z"), 0.6, 1e-6);
        CHECK_NEAR(number_at(v, "transforms.6.transform.rotation.w"), 0.8, 1e-6);
        CHECK_EQ(et_source_state(live->source), ET_SOURCE_LIVE);
        live_close(live);
        (void)close(sender.fd);
    }
}

static void joins_datagrams_in_any_order(void)
{
    struct sender sender;
    struct live *live = live_open_udp("xsens", "", &sender);
    const struct mxtp_head heads[] = {{2, 5, 50, 0, false, 0, 1}, // a prop, and fingers
                                      {2, 5, 50, 1, false, 0, 1},
                                      {2, 5, 50, 2, true, 0, 1}};
    const struct mxtp_made parts[] = {mxtp_poses(&heads[0], 1, 23, 1),
                                      mxtp_poses(&heads[1], 24, 44, 1),
                                      mxtp_poses(&heads[2], 45, 64, 1)};
    static const int ORDER[] = {2, 0, 0, 2, 1, 1};
    for (size_t i = 0; i < 6; i++)
        send_made(&sender, &parts[ORDER[i]]);
    live_poll(live);
    const struct et_value *v = live_next_of(live, 1);
    CHECK_EQ(et_value_count(at(v, "transforms")), 64);
    CHECK_STR(text_at(v, "transforms.0.child_frame_id"), "dev/RightCarpus"); // as they came
    CHECK_STR(text_at(v, "transforms.43.child_frame_id"), "dev/Prop1");
    CHECK_STR(text_at(v, "transforms.44.child_frame_id"), "dev/LeftCarpus");
    CHECK(!live_next_of(live, 1));
    live_close(live);
    (void)close(sender.fd);
}

static void counts_samples_that_are_lost(void)
{
    struct sender sender;
    struct live *live = live_open_udp("xsens", "", &sender);
    send_poses(&sender, 10, 1);
    send_poses(&sender, 11, 1);
    send_poses(&sender, 11, 1); // again
    send_poses(&sender, 15, 1); // three are missing
    send_poses(&sender, 14, 1); // came too late
    const struct mxtp_head cut = {2, 16, 160, 0, false, 0, 0};
    const struct mxtp_made half = mxtp_poses(&cut, 1, 12, 1);
    send_made(&sender, &half); // whose rest never comes
    send_poses(&sender, 17, 1);
    send_poses(&sender, UINT32_MAX - 1000, 1); // another sender, which begins again
    send_poses(&sender, 3, 1);
    live_poll(live);
    const struct et_feed_counts counts = et_feed_counts(live->feed, 1);
    CHECK_EQ(counts.n_put, 6);
    CHECK_EQ(counts.n_lost, 4);
    live_close(live);
    (void)close(sender.fd);
    live = live_open_udp("xsens", "", &sender);
    send_poses(&sender, UINT32_MAX, 1); // wraps
    send_poses(&sender, 0, 1);
    live_poll(live);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_put, 2);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 0);
    live_close(live);
    (void)close(sender.fd);
    // A sender that sends every fourth sample loses none.
    live = live_open_udp("xsens", "", &sender);
    for (uint32_t i = 1; i < 10; i++)
        send_poses(&sender, 4 * i, 1);
    live_poll(live);
    CHECK_EQ(et_feed_counts(live->feed, 1).n_lost, 0);
    live_close(live);
    (void)close(sender.fd);
}

static void writes_joints_in_radians(void)
{
    struct sender sender;
    struct live *live = live_open_udp("xsens", "", &sender);
    const struct mxtp_head head = {20, 1, 1000, 0, true, 0, 0};
    const struct mxtp_made made = mxtp_joints(&head);
    send_made(&sender, &made);
    live_poll(live);
    const struct et_value *v = live_next_of(live, 2);
    CHECK_STR(et_feed_stream(live->feed, 2)->topic, "/dev/joint_states");
    CHECK_EQ(et_value_count(at(v, "name")), 6);
    CHECK_STR(text_at(v, "name.0"), "Pelvis_L5_x");
    CHECK_STR(text_at(v, "name.5"), "L5_L3_z");
    CHECK_NEAR(number_at(v, "position.0"), M_PI / 2, 1e-9);
    CHECK_NEAR(number_at(v, "position.1"), -M_PI / 4, 1e-9);
    CHECK_NEAR(number_at(v, "position.5"), M_PI / 180, 1e-9);
    live_close(live);
    (void)close(sender.fd);
}

static void keeps_what_is_said_of_the_character(void)
{
    struct sender sender;
    struct live *live = live_open_udp("xsens", "", &sender);
    static const char TEXT[] = "name:Suit 3\ncolor:ff0000\n";
    const struct mxtp_head text = {12, 1, 1, 0, true, 0, 0}, scale = {13, 1, 1, 0, true, 0, 0},
                           other = {12, 1, 1, 0, true, 1, 0}, unknown = {25, 1, 1, 0, true, 0, 0};
    struct mxtp_made made = mxtp_begin(&text);
    memcpy(made.bytes + made.n, TEXT, strlen(TEXT));
    made.n += strlen(TEXT);
    mxtp_end(&made, 1);
    send_made(&sender, &made);
    send_made(&sender, &made); // the same again is no news
    made = mxtp_begin(&scale);
    mxtp_u32(&made, 0xfff);
    mxtp_end(&made, 0);
    send_made(&sender, &made);
    made = mxtp_begin(&other); // of somebody else
    mxtp_u32(&made, 1);
    mxtp_end(&made, 1);
    send_made(&sender, &made);
    made = mxtp_begin(&unknown);
    mxtp_end(&made, 0);
    send_made(&sender, &made);
    live_poll(live);
    const struct et_value *v = live_next(live);
    CHECK_STR(text_at(v, "kind"), "device.meta");
    CHECK_STR(text_at(v, "text"), TEXT);
    v = live_next(live);
    CHECK_STR(text_at(v, "value"),
              "{\"type\":13,\"part\":0,\"character\":0,\"payload\":\"AAAP/w==\"}");
    CHECK(!live_next(live));
    live_close(live);
    (void)close(sender.fd);
}

/* ---- any bytes ---- */

// As a source would take them, from the end of their memory.
static void take(const unsigned char *bytes, size_t n, struct et__mxtp_sample *sample)
{
    unsigned char *own = malloc(n ? n : 1);
    struct et__mxtp_datagram d;
    memcpy(own, bytes, n);
    if (et__mxtp_read(own, n, &d)) {
        CHECK(d.n_payload <= n - 24);
        (void)et__mxtp_join(sample, &d);
        CHECK(sample->n_items <= ET__MXTP_ITEMS_MAX);
        (void)et__mxtp_unit_m(sample);
    }
    free(own);
}

static void survives_any_datagram(void)
{
    const struct mxtp_head heads[] = {{2, 5, 50, 0, false, 0, 0}, {20, 5, 50, 0, true, 0, 0}};
    const struct mxtp_made made[] = {mxtp_poses(&heads[0], 1, 23, 1), mxtp_joints(&heads[1])};
    struct et__mxtp_sample sample = {0};
    for (int k = 0; k < 2; k++) {
        for (size_t n = 0; n <= made[k].n; n++)
            take(made[k].bytes, n, &sample);
        for (size_t i = 0; i < made[k].n; i++)
            for (int bit = 0; bit < 8; bit++) {
                struct mxtp_made bad = made[k];
                bad.bytes[i] ^= (unsigned char)(1 << bit);
                take(bad.bytes, bad.n, &sample);
            }
    }
    struct mxtp_made short_one = made[0]; // says that it has more items than it has
    short_one.bytes[11] = 24;
    struct et__mxtp_datagram d;
    CHECK(et__mxtp_read(short_one.bytes, short_one.n, &d));
    CHECK_EQ(et__mxtp_join(&sample, &d), ET__MXTP_BAD);
    short_one.bytes[22] = 0xff; // and more bytes
    CHECK(!et__mxtp_read(short_one.bytes, short_one.n, &d));
}

static void counts_garbage_and_takes_a_flood_in_pieces(void)
{
    struct sender sender;
    struct live *live = live_open_udp("xsens", "", &sender);
    send_bytes(&sender, "MXTP02 but short", 16);
    const struct mxtp_head head = {2, 5, 50, 0, true, 0, 0};
    struct mxtp_made made = mxtp_poses(&head, 1, 2, 1);
    memset(made.bytes + 24 + 4 + 12, 0, 16); // no rotation
    send_made(&sender, &made);
    live_poll(live);
    (void)live_next_of(live, 1);
    CHECK_EQ(et_value_count(at(live->value, "transforms")), 1);
    live->t_ns += 1;
    live_skip_all(live);
    for (uint32_t i = 100; i < 400; i++)
        send_poses(&sender, i, 1);
    live_poll(live);
    const uint64_t n_first = et_feed_counts(live->feed, 1).n_put;
    CHECK(n_first <= 257);
    live_poll(live);
    CHECK(et_feed_counts(live->feed, 1).n_put >= n_first);
    live_close(live);
    (void)close(sender.fd);
}

int main(void)
{
    RUN(writes_poses_in_metres_whatever_the_unit);
    RUN(joins_datagrams_in_any_order);
    RUN(counts_samples_that_are_lost);
    RUN(writes_joints_in_radians);
    RUN(keeps_what_is_said_of_the_character);
    RUN(survives_any_datagram);
    RUN(counts_garbage_and_takes_a_flood_in_pieces);
    return tap_end();
}
