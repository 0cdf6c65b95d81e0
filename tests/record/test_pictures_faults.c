// Whatever the system refuses: a picture is coded, put as it came, or counted.
#include "fault.h"
#include "picture_made.h"
#include "record/record__pictures.h"
#include "source_help.h"
#include "support.h"

#include <poll.h>

#define N 3

static const struct et__pictures_camera CAMERA = {.raw = {.topic = "/cam",
                                                          .type = "sensor_msgs/msg/Image",
                                                          .schema_encoding = "",
                                                          .message_encoding = "cdr",
                                                          .device = "robot"}};

static struct et_buf message;

static void put_all(struct et__pictures *pictures, size_t camera)
{
    for (int k = 0; k < N; k++)
        et__pictures_put(pictures, camera, et_buf_str(&message), 1000 + k, k);
    for (int i = 0; i < 1000 && et__pictures_n_under_way(pictures) > 0; i++) {
        struct pollfd fd = {.fd = et__pictures_fd(pictures), .events = POLLIN};
        (void)poll(&fd, 1, 10);
        CHECK_OK(et__pictures_take(pictures, NULL));
    }
}

static void every_picture_is_somewhere(const struct raw *raw)
{
    struct et__pictures *pictures;
    struct et_feed *feed;
    size_t camera;
    et_buf_clear(&message);
    put_raw_picture(&message, raw);
    FOR_EACH_FAULT(at)
    {
        CHECK_OK(et_feed_open(&feed, NULL, &err));
        fault_arm(at);
        enum et_status st =
            et__pictures_open(&pictures, &(struct et__pictures_options){.feed = feed}, &err);
        if (st == ET_OK)
            st = et__pictures_add(pictures, &CAMERA, &camera, &err);
        if (st == ET_OK)
            put_all(pictures, camera);
        fault_disarm();
        CHECK(fault_seen || st == ET_OK);
        et__pictures_close(pictures);
        uint64_t n = 0;
        for (size_t i = 1; i < et_feed_n_streams(feed); i++)
            n += et_feed_counts(feed, i).n_put + et_feed_counts(feed, i).n_lost;
        if (st == ET_OK && !CHECK(n == N))
            printf("#   fault %d: %d of %d\n", at, (int)n, N);
        et_feed_close(feed);
    }
}

static void colour_is_somewhere_whatever_fails(void)
{
    every_picture_is_somewhere(&(struct raw){"rgb8", 32, 16, 96, 1536, false, NULL, NULL});
}

static void depth_is_somewhere_whatever_fails(void)
{
    every_picture_is_somewhere(&(struct raw){"16UC1", 32, 16, 64, 1024, false, NULL, NULL});
}

int main(void)
{
    message = et_buf(1 << 20);
    RUN(colour_is_somewhere_whatever_fails);
    RUN(depth_is_somewhere_whatever_fails);
    et_buf_free(&message);
    return tap_end();
}
