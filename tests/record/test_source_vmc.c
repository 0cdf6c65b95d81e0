// Bones that come by OSC become transforms in robots' axes, frame by frame; garbage becomes
// nothing.
#include "osc_made.h"
#include "record/record__osc.h"
#include "record/record__skeleton.h"
#include "source_udp.h"
#include "support.h"

#include <math.h>

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

/* ---- axes ---- */

static struct et_vec3 moved(struct et_vec3 v)
{
    return (struct et_vec3){v.z, -v.x, v.y};
}

static void turns_vectors_in_robots_axes_as_unity_does_in_its_own(void)
{
    struct rng rng = {3};
    for (int i = 0; i < 1000; i++) {
        const struct et_quat q = et_quat_normal((struct et_quat){
            rng_gaussian(&rng), rng_gaussian(&rng), rng_gaussian(&rng), rng_gaussian(&rng)});
        const struct et_vec3 v = {rng_gaussian(&rng), rng_gaussian(&rng), rng_gaussian(&rng)};
        const struct et_pose pose = et__from_unity((struct et_pose){v, q});
        // A product with quaternions is the same formula in axes of either hand.
        const struct et_vec3 want = moved(et_quat_rotate(q, v));
        const struct et_vec3 got = et_quat_rotate(pose.rotation, pose.position);
        CHECK(et_vec3_norm(et_vec3_sub(got, want)) < 1e-12);
    }
    // To turn right in Unity is positive, about up; in robots' axes it is negative.
    const struct et_pose right = et__from_unity((struct et_pose){{0, 0, 1}, {0, 0.6, 0, 0.8}});
    CHECK_NEAR(right.position.x, 1, 0);
    CHECK_NEAR(right.rotation.z, -0.6, 0);
}

static void knows_the_skeleton(void)
{
    CHECK_EQ(et__bone_find(ET_STR("Hips")), 0);
    CHECK_EQ(et__bone_find(ET_STR("hips")), -1);
    CHECK_EQ(et__bone_find(ET_STR("RightLittleDistal")), ET__N_BONES - 1);
    const int left = et__bone_find(ET_STR("LeftHand")), right = et__bone_find(ET_STR("RightHand"));
    CHECK_EQ(et__bones[et__bone_find(ET_STR("LeftLittleProximal"))].parent, left);
    CHECK_EQ(et__bones[et__bone_find(ET_STR("RightThumbProximal"))].parent, right);
    CHECK_STR(et__bones[et__bones[et__bone_find(ET_STR("RightFoot"))].parent].name,
              "RightLowerLeg");
    char name[ET__SEGMENT_NAME_BYTES];
    static const struct {
        uint32_t id;
        unsigned n_props;
        const char *name;
    } CASES[] = {{1, 0, "Pelvis"},
                 {7, 0, "Head"},
                 {23, 4, "LeftToe"},
                 {24, 1, "Prop1"},
                 {27, 4, "Prop4"},
                 {24, 0, "LeftCarpus"},
                 {25, 1, "LeftCarpus"},
                 {43, 0, "LeftFifthDP"},
                 {44, 0, "RightCarpus"},
                 {67, 4, "RightFifthDP"},
                 {68, 4, "Segment68"},
                 {0, 0, "Segment0"},
                 {UINT32_MAX, 2, "Segment4294967295"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        et__segment_name(CASES[i].id, CASES[i].n_props, name);
        CHECK_STR(name, CASES[i].name);
    }
}

/* ---- OSC alone ---- */

// Walks through bytes that lie at the end of their memory, and looks at all that is given.
static size_t walk(const unsigned char *bytes, size_t n, size_t *n_bad)
{
    unsigned char *own = malloc(n ? n : 1);
    struct et__osc osc;
    struct et__osc_message m;
    size_t n_messages = 0;
    memcpy(own, bytes, n);
    et__osc_begin(&osc, own, n);
    while (et__osc_next(&osc, &m)) {
        CHECK(m.address.p[0] == '/' && m.n_args <= ET__OSC_ARGS_MAX);
        for (size_t i = 0; i < m.n_args; i++)
            CHECK(m.args[i].text.n <= n);
        n_messages++;
    }
    CHECK(!et__osc_next(&osc, &m));
    *n_bad = osc.n_bad;
    free(own);
    return n_messages;
}

static void reads_all_kinds_of_arguments(void)
{
    struct osc_made o = {.n = 0};
    struct et__osc osc;
    struct et__osc_message m;
    osc_text(&o, "/a");
    osc_text(&o, ",isTbfhdFS");
    osc_u32(&o, (uint32_t)-7);
    osc_text(&o, "four");
    osc_u32(&o, 5);
    osc_text(&o, "blob5");
    osc_f32(&o, 0.5);
    osc_u32(&o, UINT32_MAX);
    osc_u32(&o, UINT32_MAX);
    osc_u32(&o, 0x3ff80000);
    osc_u32(&o, 0);
    osc_text(&o, "");
    et__osc_begin(&osc, o.bytes, o.n);
    CHECK(et__osc_next(&osc, &m));
    CHECK_EQ(m.n_args, 9);
    CHECK_NEAR(m.args[0].number, -7, 0);
    CHECK(et_str_is(m.args[1].text, "four"));
    CHECK(et_str_is(m.args[3].text, "blob5"));
    CHECK_NEAR(m.args[4].number, 0.5, 0);
    CHECK_NEAR(m.args[5].number, -1, 0);
    CHECK_NEAR(m.args[6].number, 1.5, 0);
    CHECK(et__osc_has(&m, "fsTbfff") && !et__osc_has(&m, "s") && !et__osc_has(&m, "isTbfhdFSi"));
    CHECK(!et__osc_next(&osc, &m));
}

static void survives_any_packet(void)
{
    const struct osc_made frame = osc_frame(1);
    size_t n_bad;
    CHECK_EQ(walk(frame.bytes, frame.n, &n_bad), 8);
    CHECK_EQ(n_bad, 0);
    for (size_t n = 0; n < frame.n; n++) { // what was whole before a cut is given
        const size_t n_messages = walk(frame.bytes, n, &n_bad);
        CHECK(n_messages < 8 && n_bad <= 1);
    }
    for (size_t i = 0; i < frame.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct osc_made bad = frame;
            bad.bytes[i] ^= (unsigned char)(1 << bit);
            CHECK(walk(bad.bytes, bad.n, &n_bad) <= 8);
        }
    struct osc_made deep = {.n = 0}; // bundles in bundles
    for (int i = 0; i < 100; i++) {
        osc_bundle(&deep);
        osc_u32(&deep, (uint32_t)((99 - i) * 20 + 16));
    }
    CHECK_EQ(walk(deep.bytes, deep.n - 4, &n_bad), 0);
    CHECK_EQ(n_bad, 1);
}

static void goes_into_bundles_in_bundles(void)
{
    struct osc_made o = {.n = 0};
    size_t n_bad;
    osc_bundle(&o);
    const size_t outer = osc_open(&o);
    osc_bundle(&o);
    for (int i = 0; i < 2; i++) {
        const size_t inner = osc_open(&o);
        osc_t(&o, i);
        osc_close(&o, inner);
    }
    osc_close(&o, outer);
    const size_t last = osc_open(&o);
    osc_t(&o, 3);
    osc_close(&o, last);
    CHECK_EQ(walk(o.bytes, o.n, &n_bad), 3);
    CHECK_EQ(n_bad, 0);
}

/* ---- the source ---- */

static const char *child(const struct et_value *v, int i)
{
    char path[64];
    (void)snprintf(path, sizeof path, "transforms.%d.child_frame_id", i);
    return text_at(v, path);
}

static const char *parent(const struct et_value *v, int i)
{
    char path[64];
    (void)snprintf(path, sizeof path, "transforms.%d.header.frame_id", i);
    return text_at(v, path);
}

static void writes_a_message_of_a_bundle(void)
{
    struct sender sender;
    struct live *live = live_open_udp("vmc", "", &sender);
    CHECK_STR(et_feed_stream(live->feed, 1)->topic, "/dev/pose");
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
    const struct osc_made frame = osc_frame(12.5);
    send_bytes(&sender, frame.bytes, frame.n);
    live_poll(live);
    const struct et_value *v = live_next_of(live, 1);
    CHECK_EQ(live->sample.t_device_ns, 12500 * MS);
    CHECK(live->sample.t_arrival_ns <= live->t_ns && live->sample.t_arrival_ns >= live->t_ns - S);
    CHECK_EQ(et_value_count(at(v, "transforms")), 6);
    CHECK_STR(child(v, 0), "dev/root");
    CHECK_STR(parent(v, 0), "dev");
    CHECK_STR(child(v, 1), "dev/Hips");
    CHECK_STR(parent(v, 1), "dev/root");
    CHECK_NEAR(number_at(v, "transforms.1.transform.translation.x"), 0.2, 1e-6);
    CHECK_NEAR(number_at(v, "transforms.1.transform.translation.y"), -0.1, 1e-6);
    CHECK_NEAR(number_at(v, "transforms.1.transform.translation.z"), 0.9, 1e-6);
    CHECK_NEAR(number_at(v, "transforms.2.transform.rotation.z"), -0.6, 1e-6);
    CHECK_STR(child(v, 3), "dev/LeftUpperArm");
    CHECK_STR(parent(v, 3), "dev/Spine"); // neither chest nor shoulder are there
    CHECK_STR(parent(v, 4), "dev/LeftUpperArm");
    CHECK_STR(child(v, 5), "dev/LHR-1");
    CHECK_STR(parent(v, 5), "dev");
    CHECK_EQ(et_value_int(at(v, "transforms.5.header.stamp.nanosec"), 0), 500000000);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_LIVE);
    live_run_to(live, live->t_ns + 3 * S);
    CHECK_STR(text_at(live_next_of(live, 0), "kind"), "device.found");
    CHECK_STR(text_at(live_next_of(live, 0), "kind"), "device.lost");
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
    live_close(live);
    (void)close(sender.fd);
}

static void send_bone(const struct sender *sender, const char *name)
{
    static const double POSE[7] = {0, 0, 0, 0, 0, 0, 1};
    struct osc_made o = {.n = 0};
    osc_pose(&o, "/VMC/Ext/Bone/Pos", name, POSE);
    send_bytes(sender, o.bytes, o.n);
}

static void send_t(const struct sender *sender, double t_s)
{
    struct osc_made o = {.n = 0};
    osc_t(&o, t_s);
    send_bytes(sender, o.bytes, o.n);
}

static void gathers_what_comes_one_by_one(void)
{
    struct sender sender;
    struct live *live = live_open_udp("vmc", "", &sender);
    send_bone(&sender, "Hips");
    send_bone(&sender, "Spine");
    send_t(&sender, 2); // ends the frame
    send_bone(&sender, "Hips");
    send_bone(&sender, "Hips"); // is of the next
    live_poll(live);
    CHECK_EQ(et_value_count(at(live_next_of(live, 1), "transforms")), 2);
    CHECK_EQ(live->sample.t_device_ns, 2 * S);
    CHECK_EQ(et_value_count(at(live_next_of(live, 1), "transforms")), 1);
    CHECK_EQ(live->sample.t_device_ns, 0);
    CHECK(!live_next_of(live, 1));
    CHECK(live->t_next_ns <= live->t_ns + 10 * MS); // if nothing comes by then, it was all
    live->t_ns += 11 * MS;
    live_poll(live);
    CHECK_EQ(et_value_count(at(live_next_of(live, 1), "transforms")), 1);
    live_close(live);
    (void)close(sender.fd);
}

static void counts_garbage_and_goes_on(void)
{
    static const double BAD[3][7] = {{0, 0, 0, 0, 0, 0, 0}, // no rotation
                                     {(double)NAN, 0, 0, 0, 0, 0, 1},
                                     {(double)INFINITY, 0, 0, 0, 0, 0, 1}};
    struct sender sender;
    struct live *live = live_open_udp("vmc", "", &sender);
    char *large = calloc(1, 65507);
    send_bytes(&sender, large, 65507);
    send_bytes(&sender, large, 0);
    free(large);
    for (int i = 0; i < 3; i++) {
        struct osc_made o = {.n = 0};
        osc_pose(&o, "/VMC/Ext/Bone/Pos", "Hips", BAD[i]);
        send_bytes(&sender, o.bytes, o.n);
    }
    send_bone(&sender, "NoSuchBone");
    struct osc_made o = {.n = 0};
    osc_text(&o, "/VMC/Ext/Bone/Pos");
    osc_text(&o, ",s");
    osc_text(&o, "Hips");
    send_bytes(&sender, o.bytes, o.n);
    live_poll(live);
    const struct et_value *v = live_next(live);
    CHECK_STR(text_at(v, "kind"), "device.garbage");
    CHECK_STR(text_at(v, "value"), "{\"n\": 7, \"n_all\": 7}");
    CHECK(!live_next(live));
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_WAITING);
    const struct osc_made frame = osc_frame(1);
    for (size_t n = 0; n < frame.n; n += 7)
        send_bytes(&sender, frame.bytes, n);
    send_bytes(&sender, frame.bytes, frame.n);
    live_poll(live);
    CHECK_EQ(et_source_state(live->source), ET_SOURCE_LIVE);
    live_close(live);
    (void)close(sender.fd);
}

// How much of it there is is known at all times to a factor of ten, and in the end exactly.
static void says_how_much_is_garbage(void)
{
    struct sender sender;
    struct live *live = live_open_udp("vmc", "", &sender);
    char want[100];
    live_poll(live);
    live->t_ns += 3 * S;
    for (int i = 1; i <= 250; i++) {
        send_bytes(&sender, "?", 1);
        live_poll(live);
        const struct et_value *v = live_next_of(live, 0);
        if (i == 1) { // it is silent; no longer, but
            CHECK_STR(text_at(v, "value"), "{\"n\": 1, \"n_all\": 1}");
            v = live_next_of(live, 0);
            CHECK_STR(text_at(v, "text"), "what comes is no VMC: 1 packet");
        } else if (i == 10 || i == 100) {
            (void)snprintf(want, sizeof want, "{\"n\": %d, \"n_all\": %d}", i - i / 10, i);
            CHECK_STR(text_at(v, "value"), want);
            (void)snprintf(want, sizeof want, "what comes is no VMC: %d packets", i);
            CHECK_STR(text_at(live_next_of(live, 0), "text"), want);
        } else {
            CHECK(!v);
        }
    }
    send_t(&sender, 1);
    live_poll(live);
    CHECK_STR(text_at(live_next_of(live, 0), "kind"), "device.found");
    live->t_ns += 3 * S;
    live_poll(live);
    CHECK_STR(text_at(live_next_of(live, 0), "text"), "nothing is heard of it");
    send_bytes(&sender, "?", 1);
    live_poll(live);
    CHECK(!live_next_of(live, 0));
    et_source_close(live->source);
    live->source = NULL;
    CHECK_STR(text_at(live_next_of(live, 0), "value"), "{\"n\": 151, \"n_all\": 251}");
    live_close(live);
    (void)close(sender.fd);
}

static void takes_a_flood_in_pieces(void)
{
    struct sender sender;
    struct live *live = live_open_udp("vmc", "", &sender);
    for (int i = 0; i < 300; i++)
        send_bone(&sender, "Hips"); // each ends the frame before it
    live_poll(live);
    CHECK(et_feed_counts(live->feed, 1).n_put <= 256);
    live_poll(live);
    live->t_ns += S;
    live_poll(live);
    const struct et_feed_counts counts = et_feed_counts(live->feed, 1);
    CHECK_EQ(counts.n_put + counts.n_lost, 300); // some hosts give a socket less room
    live_close(live);
    (void)close(sender.fd);
}

// Of two senders, this machine's own address and another of it, only the other is heard.
static void hears_only_the_other(const char *settings, in_addr_t other_address)
{
    struct sender sender;
    struct live *live = live_open_udp("vmc", settings, &sender);
    struct sockaddr_in as = loopback(0);
    as.sin_addr.s_addr = htonl(other_address);
    struct sender other = {socket(AF_INET, SOCK_DGRAM, 0), sender.to};
    CHECK(bind(other.fd, (struct sockaddr *)&as, sizeof as) == 0);
    send_bone(&sender, "Hips");
    send_t(&sender, 1);
    send_bone(&other, "Spine");
    send_t(&other, 2);
    live_poll(live);
    CHECK_STR(child(live_next_of(live, 1), 0), "dev/Spine");
    CHECK(!live_next_of(live, 1));
    live_close(live);
    (void)close(sender.fd);
    (void)close(other.fd);
}

static void hears_only_whom_it_is_told_to(void)
{
    struct sender sender;
    hears_only_the_other(", from: 127.0.0.5", INADDR_LOOPBACK + 4);
    hears_only_the_other(", listen: 0.0.0.0, from: 127.0.0.128/25", INADDR_LOOPBACK + 128);
    struct live *live = live_open_udp("vmc", ", listen: 0.0.0.0, from: any", &sender);
    send_bone(&sender, "Hips");
    send_t(&sender, 1);
    live_poll(live);
    CHECK_STR(child(live_next_of(live, 1), 0), "dev/Hips");
    live_close(live);
    (void)close(sender.fd);
}

// A datagram has no token: the file says who is heard beyond this machine.
static void hears_nobody_else_unless_told_whom(void)
{
    static const char *const KINDS[] = {"vmc", "xsens"};
    static const char *const FROM[] = {"everybody", "10.0.0.0/33", "10.0.0.0/0",   "10.0.0.0/",
                                       "10.0.0/8",  "/8",          "10.0.0.0/8/8", "10.0.0.0/+"};
    struct live *live;
    for (size_t i = 0; i < 2; i++) {
        live = live_open(KINDS[i], "{listen: 0.0.0.0}", false);
        CHECK_EQ(live->st, ET_ECORRUPT);
        CHECK_HAS(err.text, "station.yaml:1:10: listen: other machines reach it");
        live_close(live);
    }
    for (size_t i = 0; i < sizeof FROM / sizeof *FROM; i++) {
        char settings[100];
        (void)snprintf(settings, sizeof settings, "{from: \"%s\"}", FROM[i]);
        live = live_open("vmc", settings, false);
        CHECK_EQ(live->st, ET_ECORRUPT);
        CHECK_HAS(err.text, "station.yaml:1:8: from: must be");
        live_close(live);
    }
    live = live_open("vmc", "{from: \"10.0.0.7/24\"}", false); // an address, or all of its network
    CHECK_EQ(live->st, ET_ECORRUPT);
    CHECK_HAS(err.text, "station.yaml:1:8: from: 10.0.0.7/24 is an address in a network; say "
                        "10.0.0.7, or the network, 10.0.0.0/24");
    live_close(live);
}

static void says_how_often_it_is_told_to_send(void)
{
    struct sender sender;
    struct live *live = live_open_udp("vmc", ", rate_hz: 59.94", &sender);
    CHECK_NEAR(et_feed_stream(live->feed, 1)->rate_hz, 59.94, 1e-9);
    live_close(live);
    (void)close(sender.fd);
    live = live_open("vmc", "{rate_hz: 0}", false);
    CHECK_EQ(live->st, ET_ECORRUPT);
    live_close(live);
}

static void refuses_a_port_that_is_taken_and_what_is_no_address(void)
{
    struct sender sender;
    char settings[200];
    struct live *live = live_open_udp("vmc", "", &sender);
    (void)snprintf(settings, sizeof settings, "{port: %d}", ntohs(sender.to.sin_port));
    struct live *second = live_open("vmc", settings, false);
    CHECK_EQ(second->st, ET_EIO);
    CHECK_HAS(err.text, "of 127.0.0.1");
    live_close(second);
    live_close(live);
    (void)close(sender.fd);
    live = live_open("vmc", "{listen: everywhere}", false);
    CHECK_EQ(live->st, ET_ECORRUPT);
    CHECK_HAS(err.text, "station.yaml:1:10: listen: must be an address of IPv4, is everywhere");
    live_close(live);
    live = live_open("vmc", "{port: 70000}", false);
    CHECK_EQ(live->st, ET_ECORRUPT);
    live_close(live);
    live = live_open("vmc", "{listen: 192.0.2.1, from: any}", false); // an address of nobody's
    CHECK_EQ(live->st, ET_EIO);
    live_close(live);
}

int main(void)
{
    RUN(turns_vectors_in_robots_axes_as_unity_does_in_its_own);
    RUN(knows_the_skeleton);
    RUN(reads_all_kinds_of_arguments);
    RUN(survives_any_packet);
    RUN(goes_into_bundles_in_bundles);
    RUN(writes_a_message_of_a_bundle);
    RUN(gathers_what_comes_one_by_one);
    RUN(counts_garbage_and_goes_on);
    RUN(says_how_much_is_garbage);
    RUN(takes_a_flood_in_pieces);
    RUN(hears_only_whom_it_is_told_to);
    RUN(says_how_often_it_is_told_to_send);
    RUN(hears_nobody_else_unless_told_whom);
    RUN(refuses_a_port_that_is_taken_and_what_is_no_address);
    return tap_end();
}
