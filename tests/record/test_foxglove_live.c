// Live streams go out to viewers and come in from other servers: the same bytes, and neither a slow
// viewer nor a wild server does any harm.
#include "etude/clock.h"
#include "etude/foxglove.h"
#include "etude/json.h"
#include "etude/source.h"
#include "etude/websocket.h"
#include "net/net_peer.h"
#include "numbers.h"
#include "picture_made.h"
#include "support.h"
#include "tap.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef-secret"
#define ROUNDS 4000
#define ROUND_NS (S / 100)

static struct et_err err;
static struct et_loop *loop;
static struct et_foxglove *server;
static struct et_feed *feed; // that is served
static uint16_t numbers;

/* ---- a source of ours at the other end ---- */

static struct et_arena *arena;
static struct et_feed *heard;
static struct et_source *source;
static enum et_status polled;

static int64_t test_now_ns(void *ctx)
{
    (void)ctx;
    return clock_ns;
}

static enum et_status open_source(const char *url, const char *more)
{
    char json[400];
    const struct et_value *settings;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    (void)snprintf(json, sizeof json, "{\"url\": \"%s\"%s}", url, more);
    CHECK_OK(et_json_parse(et_str(json), NULL, arena, &settings, &err));
    CHECK_OK(et_feed_open(&heard, NULL, &err));
    const struct et_source_options how = {
        .device = "other", .settings = settings, .now_ns = test_now_ns};
    return et_source_open(&source, et_source_kind("foxglove"), &how, heard, &err);
}

static void close_source(void)
{
    et_source_close(source);
    et_feed_close(heard);
    et_arena_close(arena);
    source = NULL;
}

// Time goes by at both ends until it is so.
static bool until(bool (*is_so)(void))
{
    for (int i = 0; i < ROUNDS; i++) {
        int64_t t_next_ns;
        if (is_so())
            return true;
        clock_ns += ROUND_NS;
        CHECK_OK(et_loop_run_once(loop, S / 1000, &err));
        if (source)
            polled = et_source_poll(source, &t_next_ns, &err);
        CHECK_EQ(polled, ET_OK);
    }
    return false;
}

// Long enough for whatever would come.
static void wait_a_while(void)
{
    for (int i = 0; i < 300; i++) {
        int64_t t_next_ns;
        clock_ns += ROUND_NS;
        CHECK_OK(et_loop_run_once(loop, S / 1000, &err));
        if (source)
            CHECK_OK(et_source_poll(source, &t_next_ns, &err));
    }
}

// How many of its events have these words, of those not taken yet, which are taken.
static int n_events(const char *words)
{
    struct et_feed_sample sample;
    int n = 0;
    for (; et_feed_next(heard, &sample); et_feed_done(heard))
        n += sample.stream == ET_FEED_EVENTS &&
             memmem(sample.bytes, sample.n_bytes, words, strlen(words));
    return n;
}

static const struct et_feed_stream *stream_of(const char *topic)
{
    for (size_t i = et_feed_n_streams(heard); i-- > 0;)
        if (strcmp(et_feed_stream(heard, i)->topic, topic) == 0)
            return et_feed_stream(heard, i);
    return NULL;
}

/* ---- a plain viewer ---- */

struct viewer {
    struct et_websocket *ws;
    struct et_buf text; // all frames of text, a line each
    char protocol[40];
    uint64_t n, last; // of numbers
    size_t n_bytes;   // of binary frames
    bool is_open, is_over;
};
static struct viewer viewers[2];

static void on_open(void *ctx, struct et_websocket *ws, const char *protocol)
{
    struct viewer *v = ctx;
    (void)ws;
    v->is_open = true;
    (void)snprintf(v->protocol, sizeof v->protocol, "%s", protocol);
}

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    struct viewer *v = ctx;
    (void)ws;
    if (kind == ET_WEBSOCKET_TEXT) {
        et_buf_put(&v->text, p, n);
        et_buf_putc(&v->text, '\n');
        return;
    }
    v->n++;
    v->n_bytes += n;
    if (n >= 13 + 12)
        memcpy(&v->last, p + 13 + 4, 8);
}

static void on_close(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    (void)ws;
    (void)code;
    (void)why;
    ((struct viewer *)ctx)->is_over = true;
}

static const struct et_websocket_handlers HANDLERS = {
    .on_open = on_open, .on_message = on_message, .on_close = on_close};

static bool all_settled(void)
{
    for (size_t i = 0; i < 2; i++)
        if (viewers[i].ws && !viewers[i].is_open && !viewers[i].is_over)
            return false;
    return true;
}

static struct viewer *view(size_t i, const char *protocols)
{
    char url[100];
    struct viewer *v = &viewers[i];
    *v = (struct viewer){.text = et_buf(1 << 20)};
    (void)snprintf(url, sizeof url, "ws://%s", et_foxglove_address(server));
    const struct et_websocket_options options = {
        .handlers = &HANDLERS, .ctx = v, .protocols = protocols};
    CHECK_OK(
        et_websocket_open(&v->ws, loop, &(struct et_websocket_to){.url = url}, &options, &err));
    CHECK(until(all_settled));
    return v;
}

static void say(struct viewer *v, const char *json)
{
    CHECK_EQ(et_websocket_send(v->ws, ET_WEBSOCKET_TEXT, json, strlen(json), false), ET_OK);
}

static void look_away(struct viewer *v)
{
    if (v->ws && !v->is_over)
        et_websocket_close(v->ws);
    et_buf_free(&v->text);
    *v = (struct viewer){0};
}

static bool has_subscribed(void)
{
    return et_foxglove_counts(server).n_subscriptions > 0;
}

static bool has_no_subscription(void)
{
    return et_foxglove_counts(server).n_subscriptions == 0;
}

static bool has_channels(void)
{
    return viewers[0].text.n && strstr(et_buf_text(&viewers[0].text), "/numbers");
}

static bool first_has_three(void)
{
    return viewers[0].n >= 3;
}

/* ---- the server ---- */

static void begin(const struct et_foxglove_options *more)
{
    struct et_foxglove_options options = more ? *more : (struct et_foxglove_options){0};
    options.address = "127.0.0.1:0";
    loop = make_loop();
    options.loop = loop;
    CHECK_OK(et_feed_open(&feed, NULL, &err));
    CHECK_OK(et_foxglove_open(&server, &options, &err));
    CHECK_OK(et_foxglove_serve(server, feed, &err));
    CHECK_OK(et_feed_add(feed, &NUMBERS, &numbers, &err));
}

static void end(void)
{
    look_away(&viewers[0]);
    look_away(&viewers[1]);
    et_foxglove_close(server);
    et_feed_close(feed);
    et_loop_close(loop);
}

static enum et_status open_source_here(const char *more)
{
    char url[100];
    (void)snprintf(url, sizeof url, "ws://%s", et_foxglove_address(server));
    return open_source(url, more);
}

static bool heard_three(void)
{
    const struct et_feed_stream *stream = stream_of("/numbers");
    for (size_t i = 0; stream && i < et_feed_n_streams(heard); i++)
        if (et_feed_stream(heard, i) == stream)
            return et_feed_counts(heard, i).n_put >= 3;
    return false;
}

/* ---- both ends ---- */

static void a_source_hears_the_same_bytes(void)
{
    begin(NULL);
    CHECK_OK(open_source_here(""));
    CHECK_EQ(et_source_state(source), ET_SOURCE_WAITING);
    CHECK(until(has_subscribed));
    CHECK_EQ(et_source_state(source), ET_SOURCE_LIVE);
    for (uint64_t k = 5; k < 8; k++)
        CHECK(put_number(feed, numbers, k));
    CHECK(until(heard_three));
    const struct et_feed_stream *stream = stream_of("/numbers");
    CHECK_STR(stream->type, NUMBERS.type);
    CHECK(et_str_eq(stream->schema, NUMBERS.schema));
    CHECK_STR(stream->schema_encoding, "ros2msg");
    CHECK_STR(stream->message_encoding, "cdr");
    CHECK_STR(stream->device, "other");
    struct et_feed_sample sample;
    uint64_t n = 0, value;
    for (; et_feed_next(heard, &sample); et_feed_done(heard)) {
        if (et_feed_stream(heard, sample.stream) != stream)
            continue;
        CHECK_EQ(sample.n_bytes, 12);
        memcpy(&value, (const char *)sample.bytes + 4, 8);
        CHECK_EQ(value, 5 + n++);
        CHECK_NEAR((double)(et_clock_real_ns() - sample.t_device_ns), 0, 60e9); // the log time
        CHECK(sample.t_arrival_ns > 1000 * S && sample.t_arrival_ns <= clock_ns);
    }
    CHECK_EQ(n, 3);
    const struct et_foxglove_counts counts = et_foxglove_counts(server);
    CHECK(counts.n_viewers == 1 && counts.n_channels == 2 && counts.n_subscriptions == 2 &&
          counts.n_sent == 3 && counts.n_dropped == 0 && counts.n_waiting_bytes == 0);
    close_source();
    CHECK(until(has_no_subscription));
    CHECK_EQ(et_foxglove_counts(server).n_viewers, 0);
    end();
}

static uint64_t n_heard(const char *topic)
{
    const struct et_feed_stream *stream = stream_of(topic);
    for (size_t i = 0; stream && i < et_feed_n_streams(heard); i++)
        if (et_feed_stream(heard, i) == stream)
            return et_feed_counts(heard, i).n_put;
    return 0;
}

// Coding takes real time.
static bool heard_pictures(void)
{
    struct pollfd fd = {.fd = et_source_fd(source), .events = POLLIN};
    (void)poll(&fd, 1, 5);
    return n_heard("/cam/video") + n_heard("/cam") >= 4;
}

// A bridge's raw pictures; the last one's pixels are not coded.
static void serve_pictures(const char *more)
{
    static const struct raw COLOUR = {"rgb8", 32, 16, 96, 1536, false, NULL, NULL},
                            BAYER = {"bayer_gbrg8", 32, 16, 32, 512, false, NULL, NULL};
    struct et_buf message = et_buf(65536);
    uint16_t stream;
    begin(NULL);
    CHECK_OK(et_feed_add_type(feed, "/cam", "sensor_msgs/msg/Image", NULL, 0, &stream, &err));
    CHECK_OK(open_source_here(more));
    CHECK(until(has_subscribed));
    wait_a_while();
    for (int k = 0; k < 4; k++) {
        et_buf_clear(&message);
        put_raw_picture(&message, k < 3 ? &COLOUR : &BAYER);
        CHECK(et_feed_put(feed, &(struct et_feed_sample){.stream = stream,
                                                         .n_bytes = (uint32_t)message.n,
                                                         .bytes = message.p}));
    }
    et_buf_free(&message);
    CHECK(until(heard_pictures));
}

static void raw_pictures_of_a_server_are_coded(void)
{
    serve_pictures("");
    CHECK(n_heard("/cam/video") == 3 && n_heard("/cam") == 1);
    CHECK_STR(stream_of("/cam/video")->type, "foxglove_msgs/msg/CompressedVideo");
    struct et_feed_sample sample;
    for (; et_feed_next(heard, &sample); et_feed_done(heard)) {
        if (et_feed_stream(heard, sample.stream) != stream_of("/cam/video"))
            continue;
        CHECK_NEAR((double)(et_clock_real_ns() - sample.t_device_ns), 0, 60e9); // the log time
        CHECK(sample.t_arrival_ns > 1000 * S && sample.t_arrival_ns <= clock_ns);
        CHECK(memcmp((const char *)sample.bytes + 4, "\xfb\xff\xff\xff", 4) == 0); // its stamp
    }
    close_source();
    end();
    serve_pictures(", \"pictures\": \"raw\"");
    CHECK(n_heard("/cam") == 4 && !stream_of("/cam/video"));
    close_source();
    end();
}

static void both_names_of_the_protocol_are_spoken(void)
{
    static const struct {
        const char *offered, *chosen;
    } CASES[] = {{"foxglove.websocket.v1", "foxglove.websocket.v1"},
                 {"foxglove.sdk.v1", "foxglove.sdk.v1"},
                 {"foxglove.websocket.v1 foxglove.sdk.v1", "foxglove.sdk.v1"}};
    begin(&(struct et_foxglove_options){.name = "kitchen-1"});
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct viewer *v = view(0, CASES[i].offered);
        CHECK_STR(v->protocol, CASES[i].chosen);
        CHECK(until(has_channels));
        CHECK_HAS(et_buf_text(&v->text), "{\"op\":\"serverInfo\",\"name\":\"kitchen-1\"");
        CHECK_HAS(et_buf_text(&v->text), "\"topic\":\"/numbers\",\"encoding\":\"cdr\"");
        look_away(v);
    }
    CHECK(view(0, "foxglove.sdk.v2")->is_over);
    end();
}

static void a_late_viewer_hears_what_comes_from_then_on(void)
{
    begin(NULL);
    for (uint64_t k = 0; k < 10; k++)
        CHECK(put_number(feed, numbers, k));
    struct viewer *v = view(0, "foxglove.sdk.v1");
    CHECK(until(has_channels));
    say(v, "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":0,\"channelId\":2}]}");
    CHECK(until(has_subscribed));
    for (uint64_t k = 10; k < 13; k++)
        CHECK(put_number(feed, numbers, k));
    CHECK(until(first_has_three));
    CHECK(v->n == 3 && v->last == 12);
    say(v, "{\"op\":\"unsubscribe\",\"subscriptionIds\":[0]}");
    CHECK(until(has_no_subscription));
    CHECK(put_number(feed, numbers, 13));
    run_some(loop);
    pass(loop, ROUND_NS);
    CHECK_EQ(v->n, 3);
    end();
}

static void what_is_sent_once_is_kept_for_those_who_come_later(void)
{
    struct et_feed_stream latched = NUMBERS;
    uint16_t i;
    begin(NULL);
    latched.topic = "/tf_static";
    CHECK_OK(et_feed_add(feed, &latched, &i, &err));
    CHECK(put_number(feed, i, 1)); // before the server knows of it
    pass(loop, S);
    for (uint64_t k = 2; k < 20; k++)
        CHECK(put_number(feed, i, k));
    pass(loop, S);
    latched.topic = "/map";
    latched.qos = "- durability: 1";
    CHECK_OK(et_feed_add(feed, &latched, &i, &err));
    static char big[600000];
    for (char k = 0; k < 3; k++) { // too long to be kept together
        big[4] = k;
        CHECK(et_feed_put(
            feed, &(struct et_feed_sample){.stream = i, .n_bytes = sizeof big, .bytes = big}));
    }
    pass(loop, S);
    struct viewer *v = view(0, "foxglove.sdk.v1");
    CHECK(until(has_channels));
    say(v, "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":0,\"channelId\":3}]}");
    wait_a_while();
    CHECK(v->n == 16 && v->last == 19);
    say(v, "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":1,\"channelId\":4}]}");
    wait_a_while();
    CHECK(v->n == 17 && (v->last & 255) == 2);
    CHECK(put_number(feed, i, 20));
    wait_a_while();
    CHECK(v->n == 18 && v->last == 20);
    end();
}

static int n_lines; // of the first viewer's texts
static bool has_lines(void)
{
    int n = 0;
    for (size_t i = 0; i < viewers[0].text.n; i++)
        n += viewers[0].text.p[i] == '\n';
    return n >= n_lines;
}

static void what_a_viewer_asks_wrongly_is_told(void)
{
    static const struct {
        const char *json, *want;
    } CASES[] = {
        {"{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":1,\"channelId\":9}]}",
         "there is no channel 9"},
        {"{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":1,\"channelId\":0}]}",
         "there is no channel 0"},
        {"{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":1,\"channelId\":2},{\"id\":2,"
         "\"channelId\":2}]}",
         "channel 2 is subscribed to already"},
        {"{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":1,\"channelId\":1}]}",
         "subscription 1 is another channel's"},
        {"{\"op\":\"unsubscribe\",\"subscriptionIds\":[5]}", "there is no subscription 5"},
        {"{\"op\":\"advertise\",\"channels\":[]}", "this server can only be watched: no advertise"},
        {"{\"op\":\"getParameters\"}", "this server can only be watched: no getParameters"},
        {"{\"op\":", "line 1"},
    };
    begin(NULL);
    struct viewer *v = view(0, "foxglove.sdk.v1");
    CHECK(until(has_channels));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        et_buf_clear(&v->text);
        n_lines = 1;
        say(v, CASES[i].json);
        CHECK(until(has_lines));
        CHECK_HAS(et_buf_text(&v->text), CASES[i].want);
    }
    et_buf_clear(&v->text);
    CHECK_EQ(et_websocket_send(v->ws, ET_WEBSOCKET_BINARY, "\1", 1, false), ET_OK);
    CHECK(until(has_lines));
    CHECK_EQ(et_foxglove_counts(server).n_subscriptions, 1);
    end();
}

static void topics_that_are_there_twice_get_numbers(void)
{
    struct et_feed *second;
    uint16_t i;
    begin(NULL);
    CHECK_OK(et_feed_open(&second, NULL, &err));
    CHECK_OK(et_foxglove_serve(server, second, &err));
    CHECK_OK(et_feed_add(second, &NUMBERS, &i, &err));
    CHECK_OK(open_source_here(""));
    CHECK(until(has_subscribed));
    CHECK(stream_of("/numbers") && stream_of("/numbers_2") && !stream_of("/events_2"));
    CHECK_EQ(et_foxglove_counts(server).n_channels, 3);
    // A type that changes on the way is another stream, for those who watch already, too.
    struct et_feed_stream changed = NUMBERS;
    changed.type = "std_msgs/msg/Int64";
    changed.schema = ET_STR("int64 data");
    CHECK_OK(et_feed_add(feed, &changed, &i, &err));
    wait_a_while();
    CHECK(stream_of("/numbers_3"));
    CHECK_STR(stream_of("/numbers_3")->type, "std_msgs/msg/Int64");
    // Events of all feeds are one channel, and those of a recording that is sent again.
    CHECK_OK(et_feed_add_type(second, "/events", "etude_msgs/msg/Event", "play", 0, &i, &err));
    CHECK(n_events("something") == 0);
    CHECK(et_feed_event(feed, "mark", "me", "something", NULL));
    CHECK(et_feed_event(second, "mark", "me", "something", NULL));
    wait_a_while();
    struct et_feed_sample sample;
    int n = 0;
    for (; et_feed_next(heard, &sample); et_feed_done(heard))
        n += strcmp(et_feed_stream(heard, sample.stream)->topic, "/events") == 0;
    CHECK_EQ(n, 2);
    CHECK_EQ(et_foxglove_counts(server).n_channels, 4);
    close_source();
    end();
    et_feed_close(second);
}

#define BIG ((size_t)256 << 10)
static bool is_told(void)
{
    return viewers[0].last == 199 && strstr(et_buf_text(&viewers[0].text), "too slow");
}

static void a_slow_viewer_loses_the_oldest_and_is_told(void)
{
    static char big[BIG];
    begin(&(struct et_foxglove_options){.viewer_bytes = 1 << 20, .feed_bytes = 1 << 20});
    struct viewer *slow = view(0, "foxglove.sdk.v1"), *quick = view(1, "foxglove.sdk.v1");
    CHECK(until(has_channels));
    say(slow, "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":0,\"channelId\":2}]}");
    say(quick, "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":0,\"channelId\":2}]}");
    CHECK(until(has_subscribed));
    wait_a_while();
    et_websocket_pause(slow->ws, true);
    uint64_t k = 0;
    for (; k < 200; k++) {
        memcpy(big + 4, &k, 8);
        (void)et_feed_put(
            feed, &(struct et_feed_sample){.stream = numbers, .n_bytes = BIG, .bytes = big});
        pass(loop, ROUND_NS);
    }
    CHECK_EQ(quick->n, 200);
    CHECK(et_foxglove_counts(server).n_dropped > 50);
    et_websocket_pause(slow->ws, false);
    CHECK(until(is_told));
    CHECK(slow->n < 150); // the newest among them
    CHECK_EQ(slow->n + et_foxglove_counts(server).n_dropped, 200);
    CHECK(!strstr(et_buf_text(&quick->text), "too slow"));
    // More at once than the server looks at: dropped before, by who puts, without waiting.
    const uint64_t n_before = et_foxglove_counts(server).n_dropped;
    for (int i = 0; i < 20; i++)
        (void)et_feed_put(
            feed, &(struct et_feed_sample){.stream = numbers, .n_bytes = BIG, .bytes = big});
    CHECK_EQ(et_foxglove_counts(server).n_dropped, n_before + 17);
    end();
}

static void a_definition_that_is_too_long_leaves_out_its_channel(void)
{
    static char text[100000];
    struct et_feed_stream wordy = NUMBERS;
    uint16_t i;
    begin(&(struct et_foxglove_options){.viewer_bytes = 1 << 16});
    memset(text, '#', sizeof text - 1);
    wordy.schema = et_str(text);
    CHECK_OK(et_feed_add(feed, &wordy, &i, &err));
    for (int k = 0; k < 3; k++) { // beyond those that go in one frame with it
        wordy.schema.n = 30000 + (size_t)k;
        wordy.topic = "/shorter";
        CHECK_OK(et_feed_add(feed, &wordy, &i, &err));
    }
    struct viewer *v = view(0, "foxglove.sdk.v1");
    wait_a_while();
    CHECK_HAS(et_buf_text(&v->text), "are left out: their definitions are too long");
    CHECK(!v->is_over);
    end();
}

static bool is_lost(void)
{
    return n_events("device.lost") > 0;
}

static void who_has_no_token_is_refused(void)
{
    begin(&(struct et_foxglove_options){.token = TOKEN, .must_have_token = true});
    CHECK_OK(open_source_here(""));
    CHECK(until(is_lost));
    CHECK_EQ(et_source_state(source), ET_SOURCE_WAITING);
    close_source();
    CHECK_OK(open_source_here(", \"token\": \"" TOKEN "\""));
    CHECK(until(has_subscribed));
    close_source();
    // Browsers have no other place for it.
    char url[200];
    (void)snprintf(url, sizeof url, "ws://%s/?token=" TOKEN, et_foxglove_address(server));
    CHECK(until(has_no_subscription));
    CHECK_OK(open_source(url, ""));
    CHECK(until(has_subscribed));
    close_source();
    end();
}

static void pages_of_others_may_not_watch(void)
{
    static const struct {
        const char *origin, *want;
    } CASES[] = {{"https://app.foxglove.dev", "HTTP/1.1 101"},
                 {"file://", "HTTP/1.1 101"},
                 {"https://viewer.example", "HTTP/1.1 101"}, // by the options
                 {"https://evil.example", "HTTP/1.1 403"},
                 {"null", "HTTP/1.1 403"}};
    static const char *const OURS[] = {"https://viewer.example", NULL};
    static struct peer_text text;
    begin(&(struct et_foxglove_options){.origins = OURS});
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char request[400];
        const int fd = peer_open(et_foxglove_address(server));
        (void)snprintf(request, sizeof request,
                       "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Protocol: foxglove.sdk.v1\r\nOrigin: %s\r\n\r\n",
                       CASES[i].origin);
        peer_puts(fd, request);
        peer_get(loop, fd, "\r\n\r\n", &text);
        CHECK_HAS(text.p, CASES[i].want);
        (void)close(fd);
    }
    end();
}

static void only_topics_that_fit_are_taken(void)
{
    begin(NULL);
    CHECK_OK(open_source_here(", \"topics\": [\"/num*\", \"/x\"]"));
    CHECK(until(has_subscribed));
    wait_a_while();
    CHECK(et_foxglove_counts(server).n_subscriptions == 1 && stream_of("/numbers"));
    close_source();
    end();
}

static bool is_found(void)
{
    return n_events("device.found") > 0;
}

static void a_server_that_goes_is_found_when_it_returns(void)
{
    char address[60];
    begin(NULL);
    (void)snprintf(address, sizeof address, "%s", et_foxglove_address(server));
    CHECK_OK(open_source_here(""));
    CHECK(until(is_found));
    et_foxglove_close(server);
    CHECK(until(is_lost));
    CHECK_EQ(et_source_state(source), ET_SOURCE_WAITING);
    server = NULL;
    wait_a_while(); // several attempts, not a word
    CHECK_EQ(n_events("device.lost"), 0);
    const struct et_foxglove_options again = {.address = address, .loop = loop};
    struct et_feed *other;
    CHECK_OK(et_feed_open(&other, NULL, &err));
    CHECK_OK(et_feed_add(other, &NUMBERS, &numbers, &err));
    CHECK_OK(et_foxglove_open(&server, &again, &err));
    CHECK_OK(et_foxglove_serve(server, other, &err));
    CHECK(until(is_found));
    CHECK(until(has_subscribed));
    CHECK_EQ(et_feed_n_streams(heard), 3); // as before: they are the same
    close_source();
    end();
    et_feed_close(other);
}

/* ---- a wild server ---- */

static struct et_websocket *wild;
static struct et_buf asked;

static void wild_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                         size_t n)
{
    (void)ctx;
    (void)ws;
    (void)kind;
    et_buf_put(&asked, p, n);
    et_buf_putc(&asked, '\n');
}

static void wild_close(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    on_close(ctx, ws, code, why);
    wild = NULL;
}

static void accept_wildly(void *ctx, struct et_http_exchange *x)
{
    static struct viewer nobody;
    static const struct et_websocket_handlers WILD = {.on_message = wild_message,
                                                      .on_close = wild_close};
    const struct et_websocket_options options = {
        .handlers = &WILD, .ctx = &nobody, .protocols = ctx, .send_bytes_max = (size_t)32 << 20};
    CHECK_OK(et_websocket_accept(&wild, x, &options, &err));
}

static struct et_http_server *http;
static void begin_wild(const char *protocols)
{
    static struct et_http_route route = {.path = "/", .methods = "GET", .handle = accept_wildly};
    static char words[60];
    char url[100];
    (void)snprintf(words, sizeof words, "%s", protocols);
    route.ctx = words;
    const struct et_http_options how = {
        .listen = {.address = "127.0.0.1:0"}, .routes = &route, .n_routes = 1};
    loop = make_loop();
    asked = et_buf(1 << 20);
    CHECK_OK(et_http_open(&http, loop, &how, &err));
    (void)snprintf(url, sizeof url, "ws://%s", et_http_address(http));
    CHECK_OK(open_source(url, ""));
}

static void end_wild(void)
{
    close_source();
    et_websocket_close(wild);
    wild = NULL;
    et_http_close(http);
    et_loop_close(loop);
    et_buf_free(&asked);
}

static bool is_live(void)
{
    return et_source_state(source) == ET_SOURCE_LIVE;
}

static void blurt(const char *json)
{
    CHECK_EQ(et_websocket_send(wild, ET_WEBSOCKET_TEXT, json, strlen(json), false), ET_OK);
}

static bool has_asked_twice(void)
{
    int n = 0;
    for (size_t i = 0; i < asked.n; i++)
        n += asked.p[i] == '\n';
    return n >= 2;
}

#define ADVERTISE(id, topic, schema)                                        \
    "{\"op\":\"advertise\",\"channels\":[{\"id\":" id ",\"topic\":\"" topic \
    "\",\"encoding\":\"cdr\",\"schemaName\":\"T\",\"schema\":\"" schema "\"}]}"

static bool took_one(void)
{
    return et_feed_n_streams(heard) >= 3 && et_feed_counts(heard, 2).n_put > 0;
}

static void a_channel_that_changes_is_a_new_stream(void)
{
    begin_wild("foxglove.websocket.v1");
    CHECK(until(is_live));
    blurt(ADVERTISE("1", "/a", "int8 a"));
    blurt(ADVERTISE("1", "/a", "int8 a")); // said again
    blurt(ADVERTISE("1", "/a", "int16 a"));
    while (!has_asked_twice() || !strstr(et_buf_text(&asked), "unsubscribe"))
        if (!CHECK(until(has_asked_twice)))
            break;
    CHECK_STR(et_buf_text(&asked),
              "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":1024,\"channelId\":1}]}\n"
              "{\"op\":\"unsubscribe\",\"subscriptionIds\":[1024]}\n"
              "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":2048,\"channelId\":1}]}\n");
    CHECK_EQ(et_feed_n_streams(heard), 3);
    // What was on its way for the old one is not taken for the new one's.
    static const char OLD[] = "\1\0\4\0\0\1\0\0\0\0\0\0\0old",
                      NEW[] = "\1\0\10\0\0\2\0\0\0\0\0\0\0new!";
    CHECK_EQ(et_websocket_send(wild, ET_WEBSOCKET_BINARY, OLD, sizeof OLD - 1, false), ET_OK);
    CHECK_EQ(et_websocket_send(wild, ET_WEBSOCKET_BINARY, NEW, sizeof NEW - 1, false), ET_OK);
    CHECK(until(took_one));
    CHECK(et_feed_counts(heard, 1).n_put == 0 && et_feed_counts(heard, 2).n_bytes == 4);
    CHECK_EQ(et_feed_counts(heard, 2).t_last_device_ns, 2);
    // A channel that goes takes its subscription along; back again, it has another.
    et_buf_clear(&asked);
    blurt("{\"op\":\"unadvertise\",\"channelIds\":[1,17]}");
    blurt(ADVERTISE("1", "/a", "int16 a"));
    blurt(ADVERTISE("2", "/b", "int16 a"));
    CHECK(until(has_asked_twice));
    CHECK_HAS(et_buf_text(&asked), "{\"id\":3072,\"channelId\":1}");
    CHECK_EQ(et_feed_n_streams(heard), 4);
    end_wild();
}

static void what_a_wild_server_says_is_told_and_passed_over(void)
{
    static const char *const WILD[] = {
        "no JSON",
        "{\"op\":\"advertise\",\"channels\":[{\"id\":-1}]}",
        ADVERTISE("1", "", "int8 a"),
        ADVERTISE("2", "/a\\u0001", "int8 a"),
        ("{\"op\":\"advertise\",\"channels\":[{\"id\":3,\"topic\":\"/p\",\"encoding\":\"protobuf\","
         "\"schemaName\":\"T\",\"schema\":\"???\"}]}"),
        "{\"op\":\"status\",\"level\":2,\"message\":\"I am wild\"}",
        "{\"op\":\"status\",\"level\":0,\"message\":\"not told\"}",
        "{\"op\":\"unheard\"}",
    };
    begin_wild("foxglove.sdk.v1");
    CHECK(until(is_live));
    for (size_t i = 0; i < sizeof WILD / sizeof *WILD; i++)
        blurt(WILD[i]);
    CHECK_EQ(et_websocket_send(wild, ET_WEBSOCKET_BINARY, "\1ab", 3, false), ET_OK);
    CHECK_EQ(et_websocket_send(wild, ET_WEBSOCKET_BINARY, "\7ab", 3, false), ET_OK);
    CHECK_EQ(et_websocket_send(wild, ET_WEBSOCKET_BINARY, NULL, 0, false), ET_OK);
    wait_a_while();
    CHECK_EQ(n_events("source.trouble"), 7);
    for (int i = 0; i < 1000; i++) // without end
        blurt("{");
    wait_a_while();
    CHECK_EQ(n_events("source.trouble"), 13); // 20 a connection
    CHECK(is_live() && et_feed_n_streams(heard) == 1);
    // Longer than anything that is taken.
    static char huge[(size_t)17 << 20];
    CHECK_EQ(et_websocket_send(wild, ET_WEBSOCKET_BINARY, huge, sizeof huge, false), ET_OK);
    CHECK(until(is_lost));
    CHECK(until(is_live)); // and again
    end_wild();
}

static void more_than_there_is_room_for_is_left_out(void)
{
    struct et_buf json = et_buf((size_t)8 << 20);
    begin_wild("foxglove.sdk.v1");
    CHECK(until(is_live));
    for (int k = 0; k < 3; k++) {
        et_buf_clear(&json);
        et_buf_puts(&json, "{\"op\":\"advertise\",\"channels\":[");
        for (int i = 0; i < 1000; i++)
            et_buf_printf(&json,
                          "%s{\"id\":%d,\"topic\":\"/t%d\",\"encoding\":\"json\","
                          "\"schemaName\":\"\",\"schema\":\"\"}",
                          i ? "," : "", 1000 * k + i, 1000 * k + i);
        et_buf_puts(&json, "]}");
        blurt(et_buf_text(&json));
    }
    wait_a_while();
    CHECK_EQ(et_feed_n_streams(heard), ET_FEED_STREAMS_MAX);
    CHECK_STR(et_feed_stream(heard, 1)->type, "unknown");
    CHECK_EQ(n_events("source.trouble"), 20);
    CHECK(is_live());
    et_buf_free(&json);
    end_wild();
}

static void a_server_of_something_else_is_none(void)
{
    begin_wild("chat.v1");
    CHECK(until(is_lost));
    CHECK_EQ(et_source_state(source), ET_SOURCE_WAITING);
    end_wild();
}

/* ---- a thread of its own, and mistakes ---- */

static bool is_waiting(void)
{
    return et_source_state(source) == ET_SOURCE_WAITING;
}

static void what_waits_is_sent_before_the_end(void)
{
    const struct et_foxglove_options how = {.address = "127.0.0.1:0"};
    struct et_feed_sample sample;
    uint64_t n = 0, value = 0;
    CHECK_OK(et_feed_open(&feed, NULL, &err));
    CHECK_OK(et_foxglove_open(&server, &how, &err)); // on a thread of its own
    CHECK_OK(et_foxglove_serve(server, feed, &err));
    CHECK_OK(et_feed_add(feed, &NUMBERS, &numbers, &err));
    loop = make_loop(); // of nobody
    CHECK_OK(open_source_here(""));
    CHECK(until(has_subscribed));
    wait_a_while();
    for (uint64_t k = 0; k < 10000; k++)
        CHECK(put_number(feed, numbers, k));
    et_foxglove_close(server);
    CHECK(until(is_waiting));
    for (; et_feed_next(heard, &sample); et_feed_done(heard)) {
        if (sample.stream == ET_FEED_EVENTS || sample.n_bytes != 12)
            continue;
        memcpy(&value, (const char *)sample.bytes + 4, 8);
        CHECK_EQ(value, n++);
    }
    CHECK_EQ(n, 10000);
    close_source();
    et_feed_close(feed);
    et_loop_close(loop);
}

static void a_server_that_cannot_be_is_told(void)
{
    static char address[60];
    struct et_foxglove *other;
    struct et_foxglove_options how = {0};
    begin(NULL);
    (void)snprintf(address, sizeof address, "%s", et_foxglove_address(server));
    how.address = address;
    CHECK_EQ(et_foxglove_open(&other, &how, &err), ET_EEXISTS);
    CHECK(!other);
    how.address = "nowhere";
    CHECK_EQ(et_foxglove_open(&other, &how, &err), ET_EARG);
    how.address = "0.0.0.0:0";
    CHECK_EQ(et_foxglove_open(&other, &how, &err), ET_EARG);
    how.is_public = true;
    how.token = TOKEN;
    CHECK_EQ(et_foxglove_open(&other, &how, &err), ET_EARG); // without TLS
    how = (struct et_foxglove_options){.address = "127.0.0.1:0", .feed_bytes = 5000, .loop = loop};
    CHECK_OK(et_foxglove_open(&other, &how, &err));
    CHECK_EQ(et_foxglove_serve(other, feed, &err), ET_EARG);
    et_foxglove_close(other);
    for (int i = 1; i < ET_FEED_LISTENERS_MAX; i++)
        CHECK_OK(et_foxglove_serve(server, feed, &err));
    CHECK_EQ(et_foxglove_serve(server, feed, &err), ET_ELIMIT);
    et_foxglove_close(NULL);
    end();
}

static void a_source_that_cannot_be_is_told(void)
{
    static const struct {
        const char *url, *more;
        enum et_status want;
    } CASES[] = {
        {"http://127.0.0.1:1", "", ET_ECORRUPT},
        {"ws://127.0.0.1:1", ", \"token\": \"a\\nb\"", ET_ECORRUPT},
        {"wss://127.0.0.1:1", ", \"pin\": \"xyz\"", ET_ECORRUPT},
        {"wss://127.0.0.1:1", ", \"ca\": \"/nowhere\"", ET_ENOTFOUND},
        {"ws://127.0.0.1:1", ", \"topic\": \"/a\"", ET_ECORRUPT},
        {"ws://192.0.2.1:1", ", \"token\": \"a\"", ET_ECORRUPT},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_EQ(open_source(CASES[i].url, CASES[i].more), CASES[i].want);
        CHECK(!source && err.text[0]);
        close_source();
    }
    const struct et_source_options bare = {.device = "other"};
    CHECK_OK(et_feed_open(&heard, NULL, &err));
    CHECK_EQ(et_source_open(&source, et_source_kind("foxglove"), &bare, heard, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "which server?");
    et_feed_close(heard);
}

int main(void)
{
    RUN(a_source_hears_the_same_bytes);
    RUN(raw_pictures_of_a_server_are_coded);
    RUN(both_names_of_the_protocol_are_spoken);
    RUN(a_late_viewer_hears_what_comes_from_then_on);
    RUN(what_is_sent_once_is_kept_for_those_who_come_later);
    RUN(what_a_viewer_asks_wrongly_is_told);
    RUN(topics_that_are_there_twice_get_numbers);
    RUN(a_slow_viewer_loses_the_oldest_and_is_told);
    RUN(a_definition_that_is_too_long_leaves_out_its_channel);
    RUN(who_has_no_token_is_refused);
    RUN(pages_of_others_may_not_watch);
    RUN(only_topics_that_fit_are_taken);
    RUN(a_server_that_goes_is_found_when_it_returns);
    RUN(a_channel_that_changes_is_a_new_stream);
    RUN(what_a_wild_server_says_is_told_and_passed_over);
    RUN(more_than_there_is_room_for_is_left_out);
    RUN(a_server_of_something_else_is_none);
    RUN(what_waits_is_sent_before_the_end);
    RUN(a_server_that_cannot_be_is_told);
    RUN(a_source_that_cannot_be_is_told);
    return tap_end();
}
