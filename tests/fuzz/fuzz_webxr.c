/* Any bytes as a headset's frame, and as an answer to a ping; what is taken is put into a feed and
 * read back as it was. */
#include "record/record__webxr.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static struct et_feed *feed;
static struct et_operator_state state;
static bool is_whole;

static void on_put(void *ctx, const struct et_feed_sample *sample)
{
    (void)ctx;
    is_whole = et_operator_take(&state, et_feed_stream(feed, sample->stream), sample);
}

static void check_pose(const struct et_pose *p)
{
    const struct et_quat q = p->rotation;
    require(fabs(q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w - 1) < 1e-6);
    require(isfinite(p->position.x) && isfinite(p->position.y) && isfinite(p->position.z));
}

static void read_frame(const uint8_t *data, size_t size)
{
    static struct et__webxr_streams streams;
    static struct et__webxr_frame frame;
    struct et_feed_sample sample;
    if (et__webxr_frame_read((struct et_str){(const char *)data, size}, &frame, NULL) != ET_OK)
        return;
    check_pose(&frame.head);
    if (!feed) {
        const struct et_feed_listener listener = {.on_put = on_put};
        require(et_feed_open(&feed, NULL, NULL) == ET_OK);
        require(et_feed_listen(feed, &listener, NULL) == ET_OK);
        require(et__webxr_streams_open(&streams, feed, "h", "f", 72, NULL) == ET_OK);
    }
    is_whole = false;
    et__webxr_put_frame(&streams, &frame, NULL, 1);
    require(is_whole && state.seq == frame.seq && state.t_device_ns == frame.t_frame_ns);
    for (int side = 0; side < 2; side++) {
        const struct et__webxr_hand *hand = &frame.hands[side];
        require(state.hands[side].is_tracked == hand->is_tracked);
        require(state.hands[side].has_joints == hand->has_joints);
        check_pose(&state.hands[side].pose);
    }
    while (et_feed_next(feed, &sample))
        et_feed_done(feed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et__webxr_pong pong;
    read_frame(data, size);
    if (et__webxr_pong_read((struct et_str){(const char *)data, size}, &pong, NULL) == ET_OK)
        require(pong.t_came_ns > 0 && pong.t_sent_ns >= pong.t_came_ns);
    // Also as a message of a feed that somebody else wrote.
    static const struct et_feed_stream STREAMS[] = {
        {.topic = "/h/left_hand", .type = "etude_msgs/msg/Device"},
        {.topic = "/h/left_hand/joints", .type = "geometry_msgs/msg/PoseArray"},
        {.topic = "/h/frame", .type = "etude_msgs/msg/DeviceFrame"}};
    struct et_operator_state any = {0};
    for (size_t i = 0; i < 3; i++)
        (void)et_operator_take(&any, &STREAMS[i],
                               &(struct et_feed_sample){.n_bytes = (uint32_t)size, .bytes = data});
    return 0;
}
