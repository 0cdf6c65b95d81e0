#include "link_rig.h"

#include "tap.h"

#include <poll.h>
#include <stdlib.h>

#define NUMBER_BYTES_MAX ((size_t)8 << 20)

static struct et_err err;

static const struct et_feed_stream STREAM = {.topic = "/numbers",
                                             .type = "test/Number",
                                             .schema = {"uint64 k", 8},
                                             .schema_encoding = "ros2msg",
                                             .message_encoding = "cdr",
                                             .device = "counter",
                                             .rate_hz = 1000};

static int64_t recorder_now(void *ctx)
{
    (void)ctx;
    return clock_ns;
}

static int64_t agent_now(void *ctx)
{
    (void)ctx;
    return clock_ns + AGENT_AHEAD_NS;
}

/* ---- the recorder ---- */

static enum et_status on_agent(void *ctx, const struct et_link_hello *hello,
                               struct et_link_place *place, struct et_err *why)
{
    struct recorder_side *r = ctx;
    (void)why;
    CHECK(hello->session != 0 && hello->peer);
    r->n_hellos++;
    *place = (struct et_link_place){.feed = r->feed, .n_taken = r->n_taken, .ctx = r};
    return ET_OK;
}

static void on_gone(void *ctx, void *place_ctx)
{
    CHECK(ctx == place_ctx);
    ((struct recorder_side *)ctx)->n_gone++;
}

static int64_t safe_ns(void *ctx, void *place_ctx)
{
    CHECK(ctx == place_ctx);
    return ((struct recorder_side *)ctx)->t_safe_ns;
}

void open_server(struct recorder_side *r, const struct et_link_server_options *options)
{
    struct et_link_server_options how = options ? *options : (struct et_link_server_options){0};
    if (!how.on_agent)
        how.on_agent = on_agent;
    how.on_gone = on_gone;
    how.safe_ns = r->t_safe_ns ? safe_ns : NULL;
    how.now_ns = recorder_now;
    how.ctx = r;
    if (!how.listen.address)
        how.listen.address = r->address[0] ? r->address : "127.0.0.1:0";
    CHECK_OK(et_link_server_open(&r->server, r->loop, &how, &err));
    if (r->server)
        (void)snprintf(r->address, sizeof r->address, "%s", et_link_server_address(r->server));
}

void open_recorder(struct recorder_side *r, struct et_loop *loop,
                   const struct et_link_server_options *options, size_t feed_bytes)
{
    const struct et_feed_options how = {.n_bytes = feed_bytes ? feed_bytes : (size_t)1 << 20};
    r->loop = loop;
    CHECK_OK(et_feed_open(&r->feed, &how, &err));
    open_server(r, options);
}

void close_recorder(struct recorder_side *r)
{
    et_link_server_close(r->server);
    et_feed_close(r->feed);
}

/* ---- the robot ---- */

void open_agent(struct agent_side *a, struct et_loop *loop,
                const struct et_link_agent_options *options, size_t feed_bytes)
{
    struct et_link_agent_options how = *options;
    const struct et_feed_options feed = {.n_bytes = feed_bytes ? feed_bytes : (size_t)1 << 20};
    *a = (struct agent_side){0};
    how.id = how.id ? how.id : "robot-1";
    how.now_ns = agent_now;
    CHECK_OK(et_feed_open(&a->feed, &feed, &err));
    CHECK_OK(et_feed_add(a->feed, &STREAM, &a->stream, &err));
    CHECK_OK(et_link_agent_open(&a->agent, loop, &how, &err));
    CHECK_OK(et_link_agent_add(a->agent, a->feed, &err));
}

void close_agent(struct agent_side *a)
{
    et_link_agent_close(a->agent);
    et_feed_close(a->feed);
}

uint64_t put_numbers(struct agent_side *a, uint64_t n, size_t n_bytes)
{
    unsigned char *bytes = calloc(1, n_bytes);
    uint64_t n_room = 0;
    CHECK(n_bytes >= 8 && n_bytes <= NUMBER_BYTES_MAX);
    for (uint64_t i = 0; i < n && bytes; i++) {
        const uint64_t k = a->n_put++;
        memcpy(bytes, &k, sizeof k);
        n_room += et_feed_put(a->feed, &(struct et_feed_sample){.t_arrival_ns = agent_now(NULL),
                                                                .t_device_ns = (int64_t)k + 1,
                                                                .stream = a->stream,
                                                                .n_bytes = (uint32_t)n_bytes,
                                                                .bytes = bytes});
    }
    free(bytes);
    return n_room;
}

bool is_up(const struct agent_side *a)
{
    return et_link_agent_status(a->agent).state == ET_LINK_UP;
}

/* ---- what came ---- */

void hear_numbers(struct et_feed *feed, struct heard *heard)
{
    struct et_feed_sample sample;
    while (et_feed_next(feed, &sample)) {
        uint64_t k = 0;
        if (sample.stream == ET_FEED_EVENTS) {
            heard->n_events++;
        } else if (strcmp(et_feed_stream(feed, sample.stream)->topic, STREAM.topic) == 0) {
            memcpy(&k, sample.bytes, sizeof k);
            heard->n_wrong += k != heard->next || sample.t_device_ns != (int64_t)k + 1;
            heard->next = k + 1;
            heard->n++;
            heard->t_last_ns = sample.t_arrival_ns;
            heard->t_device_ns = sample.t_device_ns;
        }
        et_feed_done(feed);
    }
}

// What one side sends over loopback lies at the other at once: three quiet rounds are the end.
void go_on(struct et_loop *loop, int64_t by_ns)
{
    for (int64_t ns = 0; ns < by_ns; ns += MS) {
        clock_ns += MS;
        for (int i = 0; i < 3; i++) {
            struct pollfd ready = {.fd = et_loop_fd(loop), .events = POLLIN};
            if (poll(&ready, 1, 0) > 0 || et_loop_wait_ns(loop) == 0)
                i = -1;
            CHECK_OK(et_loop_run_once(loop, 0, &err));
        }
    }
}
