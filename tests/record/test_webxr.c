// A headset's frames are taken apart, whatever comes; its clock is found within what is said of it;
// what is put is read back.
#include "etude/clock.h"
#include "support.h"
#include "tap.h"
#include "xr_made.h"

#include <math.h>
#include <stdlib.h>

static struct et_err err;
static struct et__webxr_frame frame;

static enum et_status read_made(const struct xr_made *made, size_t n)
{
    // In memory of just that size, so that a byte too far is seen.
    char *p = malloc(n + 1);
    memcpy(p, made->p, n);
    char *tight = malloc(n ? n : 1);
    memcpy(tight, p, n);
    free(p);
    const enum et_status st = et__webxr_frame_read((struct et_str){tight, n}, &frame, &err);
    free(tight);
    return st;
}

static void check_place(struct et_vec3 got, double x, double y, double z)
{
    CHECK_NEAR(got.x, x, 1e-6);
    CHECK_NEAR(got.y, y, 1e-6);
    CHECK_NEAR(got.z, z, 1e-6);
}

/* ---- frames ---- */

static void reads_a_frame(void)
{
    const struct xr_made made = xr_frame(7, 1234.5);
    CHECK(made.n < 1000);
    CHECK_OK(read_made(&made, made.n));
    CHECK_EQ(frame.seq, 7);
    CHECK_EQ(frame.t_frame_ns, 1234500000);
    CHECK_EQ(frame.t_predicted_ns, 1254500000);
    CHECK_EQ(frame.t_sent_ns, 1235500000);
    CHECK(frame.head_is_tracked && !frame.head_is_emulated && !frame.is_reset);
    check_place(frame.head.position, 0.25, -1, 1.5);
    CHECK_NEAR(frame.head.rotation.z, M_SQRT1_2, 1e-6);
    CHECK_NEAR(frame.head.rotation.w, M_SQRT1_2, 1e-6);
    const struct et__webxr_hand *left = &frame.hands[0], *right = &frame.hands[1];
    CHECK_EQ(left->input, ET__WEBXR_CONTROLLER);
    CHECK(left->is_tracked && !left->is_emulated && !left->has_joints);
    check_place(left->pose.position, 0.5, 0.25, 1);
    CHECK_EQ(left->n_buttons, 6);
    CHECK_EQ(left->pressed, 17);
    CHECK_NEAR(left->values[0], 0.75, 0);
    CHECK_EQ(left->n_axes, 4);
    CHECK_NEAR(left->axes[2], 0.5, 0);
    CHECK_NEAR(left->axes[3], -1, 0);
    CHECK_EQ(right->input, ET__WEBXR_HAND);
    CHECK(right->is_tracked && right->has_joints);
    for (int i = 0; i < ET_OPERATOR_JOINTS; i++) {
        check_place(right->joints[i].position, 0.5, -0.25, 1 + i / 64.0);
        CHECK_NEAR((double)right->radii_m[i], 0.01 + i * 1e-5, 1e-7);
    }
}

static void two_bare_hands_take_less_than_1_7_kilobytes(void)
{
    // The head of a frame, and twice a hand without buttons.
    const size_t n_hand = xr_frame(1, 1).n - XR_LEFT - (4 + 28 + 4 + 6 * 4 + 4 * 4);
    CHECK(XR_LEFT + 2 * n_hand < 1700);
}

static void tells_what_is_no_frame(void)
{
    static const struct {
        size_t at;
        unsigned char value;
        const char *want;
    } CASES[] = {
        {0, 0, "no frame"},
        {0, ET__WEBXR_PING, "no frame"},
        {1, ET__WEBXR_VERSION + 1, "another version"},
        {XR_LEFT, ET__WEBXR_HAND + 1, "cut or has too many"},
        {XR_LEFT + 2, ET__WEBXR_BUTTONS_MAX + 1, "cut or has too many"},
        {XR_LEFT + 3, ET__WEBXR_AXES_MAX + 1, "cut or has too many"},
        {XR_LEFT + 2, 5, "cut or has too many"}, // what follows stands elsewhere
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct xr_made made = xr_frame(1, 1);
        made.p[CASES[i].at] = (char)CASES[i].value;
        CHECK_EQ(read_made(&made, made.n), ET_ECORRUPT);
        CHECK_HAS(err.text, CASES[i].want);
    }
    struct xr_made made = xr_frame(1, 1);
    made.p[made.n++] = 0;
    CHECK_EQ(read_made(&made, made.n), ET_ECORRUPT);
    CHECK_HAS(err.text, "bytes behind");
    static const double NO_TIMES[] = {0, -1, NAN, INFINITY, 1e300};
    for (size_t i = 0; i < sizeof NO_TIMES / sizeof *NO_TIMES; i++) {
        made = xr_frame(1, 1);
        xr_set_f64(&made, XR_TIME, NO_TIMES[i]);
        CHECK_EQ(read_made(&made, made.n), ET_ECORRUPT);
        made = xr_frame(1, 1);
        xr_set_f64(&made, XR_PREDICTED, NO_TIMES[i]); // it need not be known
        CHECK_OK(read_made(&made, made.n));
        CHECK_EQ(frame.t_predicted_ns, 0);
    }
}

static void check_sound(const struct et_pose *pose)
{
    const struct et_quat q = pose->rotation;
    CHECK_NEAR(q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w, 1, 1e-9);
    CHECK(isfinite(pose->position.x) && isfinite(pose->position.y) && isfinite(pose->position.z));
}

static void every_cut_is_refused_and_every_flip_gives_sound_numbers(void)
{
    const struct xr_made whole = xr_frame(1, 1);
    static const unsigned char FLIPS[] = {1, 0x80, 0xff};
    for (size_t n = 0; n < whole.n; n++)
        CHECK_EQ(read_made(&whole, n), ET_ECORRUPT);
    for (size_t at = 0; at < whole.n; at++)
        for (size_t k = 0; k < sizeof FLIPS; k++) {
            struct xr_made made = whole;
            made.p[at] = (char)(made.p[at] ^ FLIPS[k]);
            if (read_made(&made, made.n) != ET_OK)
                continue;
            check_sound(&frame.head);
            for (int side = 0; side < 2; side++) {
                check_sound(&frame.hands[side].pose);
                for (size_t i = 0; i < frame.hands[side].n_buttons; i++)
                    CHECK(frame.hands[side].values[i] >= 0 && frame.hands[side].values[i] <= 1);
                for (int i = 0; i < ET_OPERATOR_JOINTS && frame.hands[side].has_joints; i++)
                    check_sound(&frame.hands[side].joints[i]);
            }
        }
}

static void a_pose_without_sense_is_not_tracked(void)
{
    static const struct {
        size_t at;
        float value;
    } CASES[] = {{XR_HEAD, NAN},        {XR_HEAD + 4, INFINITY}, {XR_HEAD + 8, 1e9F},
                 {XR_HEAD + 12, NAN},   {XR_HEAD + 16, 0},       {XR_HEAD + 16, 40},
                 {XR_HEAD + 24, -1e30F}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct xr_made made = xr_frame(1, 1);
        xr_set_f32(&made, CASES[i].at, CASES[i].value);
        CHECK_OK(read_made(&made, made.n));
        CHECK(!frame.head_is_tracked);
        check_sound(&frame.head);
    }
    struct xr_made made = xr_frame(1, 1);
    const size_t joints = made.n - ET_OPERATOR_JOINTS * (7 * 4 + 2);
    xr_set_f32(&made, joints + 3 * 28, NAN); // one joint: the hand is not whole
    CHECK_OK(read_made(&made, made.n));
    CHECK(frame.hands[1].is_tracked && !frame.hands[1].has_joints);
}

static void the_axes_become_the_robots(void)
{
    static const struct et_vec3 RIGHT = {1, 0, 0}, UP = {0, 1, 0}, BACK = {0, 0, 1};
    static const struct et_quat NONE = {0, 0, 0, 1};
    check_place(et__webxr_to_robot((struct et_pose){RIGHT, NONE}).position, 0, -1, 0);
    check_place(et__webxr_to_robot((struct et_pose){UP, NONE}).position, 0, 0, 1);
    check_place(et__webxr_to_robot((struct et_pose){BACK, NONE}).position, -1, 0, 0);
    // Turned and then exchanged is exchanged and then turned.
    struct rng rng = {11};
    for (int i = 0; i < 100; i++) {
        const struct et_quat q = et_quat_normal((struct et_quat){
            rng_gaussian(&rng), rng_gaussian(&rng), rng_gaussian(&rng), rng_gaussian(&rng)});
        const struct et_vec3 v = {rng_gaussian(&rng), rng_gaussian(&rng), rng_gaussian(&rng)};
        const struct et_pose turned = et__webxr_to_robot((struct et_pose){et_quat_rotate(q, v), q});
        const struct et_pose still = et__webxr_to_robot((struct et_pose){v, q});
        const struct et_vec3 want = et_quat_rotate(still.rotation, still.position);
        check_place(turned.position, want.x, want.y, want.z);
    }
}

static void reads_answers_to_pings(void)
{
    char ping[ET__WEBXR_PING_BYTES];
    struct et__webxr_pong pong;
    uint32_t id;
    et__webxr_ping_put(0x01020304, ping);
    memcpy(&id, ping + 4, 4);
    CHECK_EQ(id, 0x01020304);
    CHECK_EQ(ping[0], ET__WEBXR_PING);
    const struct xr_made made = xr_pong(9, 1.5, 2.25);
    for (size_t n = 0; n < made.n; n++)
        CHECK_EQ(et__webxr_pong_read((struct et_str){made.p, n}, &pong, &err), ET_ECORRUPT);
    CHECK_OK(et__webxr_pong_read((struct et_str){made.p, made.n}, &pong, &err));
    CHECK(pong.id == 9 && pong.t_came_ns == 1500000 && pong.t_sent_ns == 2250000);
    const struct xr_made back = xr_pong(9, 2, 1);
    CHECK_EQ(et__webxr_pong_read((struct et_str){back.p, back.n}, &pong, &err), ET_ECORRUPT);
    CHECK_EQ(et__webxr_time(NAN), 0);
    CHECK_EQ(et__webxr_time(0.000001), 1);
}

/* ---- clocks ---- */

#define OFFSET INT64_C(5000000000000)

// A ping at t_ns (ours) that takes so long each way, answered by a clock that drifts.
static void ping(struct et__webxr_sync *sync, int64_t t_ns, int64_t there_ns, int64_t back_ns,
                 double drift)
{
    const int64_t came_ns = t_ns + there_ns, went_ns = came_ns + 300000;
    const double slow = 1 - drift;
    const struct et__webxr_pong pong = {
        .t_came_ns = (int64_t)((double)(came_ns - OFFSET) * slow),
        .t_sent_ns = (int64_t)((double)(went_ns - OFFSET) * slow),
    };
    et__webxr_sync_put(sync, t_ns, &pong, went_ns + back_ns);
}

static void the_offset_is_within_its_uncertainty(void)
{
    static const double DRIFTS[] = {0, 50e-6, -50e-6};
    struct rng rng = {3};
    for (size_t k = 0; k < 3; k++) {
        struct et__webxr_sync sync = {.resolution_ns = 5000};
        struct et__webxr_offset offset;
        int64_t worst_ns = 0;
        CHECK(!et__webxr_sync_offset(&sync, OFFSET, &offset));
        for (int i = 0; i < 300; i++) { // a minute of pings over Wi-Fi
            const int64_t t_ns = OFFSET + ET_NS_PER_S + i * (ET_NS_PER_S / 5);
            const bool is_slow = i > 100 && i < 150;
            ping(&sync, t_ns, 800000 + (int64_t)(-2e6 * log(1 - rng_uniform(&rng))),
                 900000 + (int64_t)(-2e6 * log(1 - rng_uniform(&rng))) + is_slow * 30000000,
                 DRIFTS[k]);
            const int64_t now_ns = t_ns + 50000000;
            CHECK(et__webxr_sync_offset(&sync, now_ns, &offset));
            // The truth at that moment.
            const int64_t device_ns = (int64_t)((double)(now_ns - OFFSET) * (1 - DRIFTS[k]));
            const int64_t error_ns = llabs(now_ns - device_ns - offset.offset_ns);
            CHECK(error_ns <= offset.uncertainty_ns);
            worst_ns =
                i > 20 && offset.uncertainty_ns > worst_ns ? offset.uncertainty_ns : worst_ns;
        }
        CHECK(worst_ns < 5000000);
        CHECK(offset.round_trip_ns >= 1700000 && offset.delay_p99_ns >= offset.delay_p50_ns);
    }
}

static void impossible_answers_are_passed_over(void)
{
    struct et__webxr_sync sync = {.resolution_ns = 1000000};
    struct et__webxr_offset offset;
    const struct et__webxr_pong pong = {.t_came_ns = 1000000000, .t_sent_ns = 1010000000};
    et__webxr_sync_put(&sync, 0, &pong, 5000000);       // 10 ms there within 5 ms
    et__webxr_sync_put(&sync, 0, &pong, 20000000000LL); // nobody knows where it was
    CHECK(!et__webxr_sync_offset(&sync, 1, &offset));
    et__webxr_sync_put(&sync, 0, &pong, 9000000); // a clock of 1 ms may say that
    CHECK(et__webxr_sync_offset(&sync, 9000000, &offset));
    CHECK_EQ(offset.round_trip_ns, 0);
    CHECK(offset.uncertainty_ns >= 1000000);
}

/* ---- into a feed and back ---- */

struct operator
{
    struct et_feed *feed;
    struct et_operator_state state;
    int n_whole;
    size_t n_messages;
};

static void take(void *ctx, const struct et_feed_sample *sample)
{
    struct operator* o = ctx;
    const struct et_feed_stream *stream = et_feed_stream(o->feed, sample->stream);
    o->n_whole += et_operator_take(&o->state, stream, sample);
    o->n_messages++;
    // A message that is cut is none.
    struct et_operator_state state = o->state;
    for (uint32_t n = 0; n < sample->n_bytes; n += 3) {
        struct et_feed_sample cut = *sample;
        char *tight = malloc(n ? n : 1);
        memcpy(tight, sample->bytes, n);
        cut.bytes = tight;
        cut.n_bytes = n;
        CHECK(!et_operator_take(&state, stream, &cut));
        free(tight);
    }
}

static void an_operator_is_read_back_from_the_feed(void)
{
    struct operator o = {0};
    struct et__webxr_streams streams;
    const struct et_feed_listener listener = {.on_put = take, .ctx = &o};
    const struct et__webxr_offset offset = {.offset_ns = 77, .uncertainty_ns = 5};
    CHECK_OK(et_feed_open(&o.feed, NULL, &err));
    CHECK_OK(et_feed_listen(o.feed, &listener, &err));
    CHECK_OK(et__webxr_streams_open(&streams, o.feed, "headset", "floor", 72, &err));
    struct xr_made made = xr_frame(41, 100);
    CHECK_OK(read_made(&made, made.n));
    et__webxr_put_frame(&streams, &frame, NULL, 5000);
    CHECK_EQ(o.n_whole, 1);
    CHECK_EQ(et_operator_time(&o.state, 3), 0);
    made = xr_frame(42, 120);
    CHECK_OK(read_made(&made, made.n));
    et__webxr_put_frame(&streams, &frame, &offset, 6000);
    et__webxr_put_radii(&streams, &frame, 6000);
    et__webxr_put_clock(&streams, &offset, 6000);
    const struct et_operator_state *s = &o.state;
    CHECK_EQ(o.n_whole, 2);
    CHECK_EQ(o.n_messages, 2 * 5 + 2);
    CHECK_EQ(s->seq, 42);
    CHECK_EQ(s->t_arrival_ns, 6000);
    CHECK_EQ(s->t_device_ns, 120000000);
    CHECK_EQ(s->t_predicted_ns, 140000000);
    CHECK_EQ(et_operator_time(s, 3), 80);
    CHECK(s->head_is_tracked && memcmp(&s->head, &frame.head, sizeof s->head) == 0);
    const struct et_operator_hand *left = &s->hands[ET_OPERATOR_LEFT];
    const struct et_operator_hand *right = &s->hands[ET_OPERATOR_RIGHT];
    CHECK(left->is_tracked && right->is_tracked && !left->has_joints && right->has_joints);
    CHECK_NEAR(left->trigger, 0.75, 0);
    CHECK_NEAR(left->stick_x, 0.5, 0);
    CHECK_NEAR(left->stick_y, -1, 0);
    CHECK_EQ(left->buttons, ET_OPERATOR_TRIGGER | ET_OPERATOR_A);
    CHECK(memcmp(right->joints, frame.hands[1].joints, sizeof right->joints) == 0);
    CHECK_NEAR(right->pinch_m, 5 / 64.0, 1e-6);
    et__webxr_streams_close(&streams);
    et_feed_close(o.feed);
}

static void what_is_not_tracked_stays_where_it_was(void)
{
    struct operator o = {0};
    struct et__webxr_streams streams;
    const struct et_feed_listener listener = {.on_put = take, .ctx = &o};
    CHECK_OK(et_feed_open(&o.feed, NULL, &err));
    CHECK_OK(et_feed_listen(o.feed, &listener, &err));
    CHECK_OK(et__webxr_streams_open(&streams, o.feed, "headset", "floor", 72, &err));
    struct xr_made made = xr_frame(1, 100);
    CHECK_OK(read_made(&made, made.n));
    const struct et_pose was = frame.head, hand = frame.hands[0].pose;
    et__webxr_put_frame(&streams, &frame, NULL, 5000);
    made = xr_frame(2, 120);
    made.p[XR_FLAGS] = 4; // the head is gone, and the origin was moved
    made.p[XR_LEFT + 1] = 0;
    CHECK_OK(read_made(&made, made.n));
    et__webxr_put_frame(&streams, &frame, NULL, 6000);
    CHECK(!o.state.head_is_tracked && o.state.is_reset && !o.state.hands[0].is_tracked);
    CHECK(memcmp(&o.state.head, &was, sizeof was) == 0);
    CHECK(memcmp(&o.state.hands[0].pose, &hand, sizeof hand) == 0);
    et__webxr_streams_close(&streams);
    et_feed_close(o.feed);
}

static void other_messages_are_no_operators(void)
{
    struct et_operator_state state = {0}, before = {0};
    const char bytes[64] = {0, 1, 0, 0};
    const struct et_feed_sample sample = {.n_bytes = sizeof bytes, .bytes = bytes};
    static const char *const TYPES[][2] = {{"/a/head", "etude_msgs/msg/Device"},
                                           {"/a/left_hand/joints", "std_msgs/msg/String"},
                                           {"/a/frame", "geometry_msgs/msg/PoseArray"},
                                           {"/a/right_hand/joints", "geometry_msgs/msg/PoseArray"},
                                           {"/events", "etude_msgs/msg/Event"}};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        CHECK(!et_operator_take(
            &state, &(struct et_feed_stream){.topic = TYPES[i][0], .type = TYPES[i][1]}, &sample));
    CHECK(memcmp(&state, &before, sizeof state) == 0);
}

int main(void)
{
    RUN(reads_a_frame);
    RUN(two_bare_hands_take_less_than_1_7_kilobytes);
    RUN(tells_what_is_no_frame);
    RUN(every_cut_is_refused_and_every_flip_gives_sound_numbers);
    RUN(a_pose_without_sense_is_not_tracked);
    RUN(the_axes_become_the_robots);
    RUN(reads_answers_to_pings);
    RUN(the_offset_is_within_its_uncertainty);
    RUN(impossible_answers_are_passed_over);
    RUN(an_operator_is_read_back_from_the_feed);
    RUN(what_is_not_tracked_stays_where_it_was);
    RUN(other_messages_are_no_operators);
    return tap_end();
}
