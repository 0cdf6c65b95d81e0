// What agents send arrives once, in order, whatever happens on the way; who does not belong there
// does no harm.
#include "link_rig.h"
#include "picture_made.h"
#include "record/record__pictures.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct et_err err;

static const char *socket_path(const char *name)
{
    static char text[4][ET_ADDRESS_BYTES];
    static int i;
    i = (i + 1) % 4;
    (void)snprintf(text[i], sizeof text[i], "unix:%.100s", temp_path(name));
    return text[i];
}

/* ---- both ends ---- */

static void check_way(const struct et_link_server_options *server,
                      const struct et_link_agent_options *agent)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    open_recorder(&r, loop, server, 0);
    struct et_link_agent_options how = *agent;
    how.address = r.address;
    how.robot = "etude-one";
    open_agent(&a, loop, &how, 0);
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(put_numbers(&a, 7, 100), 7);
        go_on(loop, 3 * MS);
    }
    go_on(loop, 100 * MS);
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, 350);
    CHECK_EQ(heard.n_wrong, 0);
    CHECK_EQ(r.n_hellos, 1);
    const struct et_feed_stream *stream = et_feed_stream(r.feed, 1);
    CHECK_STR(stream->topic, "/numbers");
    CHECK_STR(stream->type, "test/Number");
    CHECK_STR(stream->device, "counter");
    CHECK(!stream->qos);
    CHECK(et_str_is(stream->schema, "uint64 k"));
    CHECK_EQ(stream->rate_hz, 1000);
    const struct et_link_agent_status status = et_link_agent_status(a.agent);
    CHECK_EQ(status.n_records, 350);
    CHECK_EQ(status.n_taken, 350);
    CHECK_EQ(status.window_bytes, 0);
    // It says goodbye when all is taken.
    put_numbers(&a, 1, 8);
    et_link_agent_finish(a.agent);
    go_on(loop, 100 * MS);
    CHECK_EQ(et_link_agent_status(a.agent).state, ET_LINK_OVER);
    CHECK_EQ(r.n_gone, 1);
    const struct et_link_server_status seen = et_link_server_status(r.server);
    CHECK_EQ(seen.n_agents, 1);
    CHECK_EQ(seen.n_connected, 0);
    CHECK_EQ(seen.n_records, 351);
    CHECK_EQ(seen.n_broken + seen.n_refused + seen.n_repeated, 0);
    CHECK_STR(et_link_server_agent(r.server, 0).agent, "robot-1");
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
}

static void samples_arrive_as_they_were_put_over_tcp(void)
{
    check_way(NULL, &(struct et_link_agent_options){0});
}

static void samples_arrive_over_a_unix_socket(void)
{
    check_way(&(struct et_link_server_options){.listen = {.address = socket_path("way")}},
              &(struct et_link_agent_options){0});
}

static void samples_arrive_over_tls_with_a_token(void)
{
    struct et_tls *server, *client;
    CHECK_OK(et_tls_open_server(&server, tls_cert(), tls_key(), &err));
    CHECK_OK(et_tls_open_client(&client, &(struct et_tls_client_options){.pin = tls_pin()}, &err));
    check_way(&(struct et_link_server_options){.listen = {.tls = server, .is_public = true},
                                               .token = "word"},
              &(struct et_link_agent_options){.tls = client, .token = "word"});
    et_tls_close(server);
    et_tls_close(client);
}

static void two_feeds_and_later_streams_go_over_one_link(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct et_feed *other;
    uint16_t stream;
    open_recorder(&r, loop, NULL, 0);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = r.address}, 0);
    CHECK_OK(et_feed_open(&other, NULL, &err));
    CHECK_OK(et_link_agent_add(a.agent, other, &err));
    go_on(loop, 50 * MS);
    CHECK_OK(et_feed_add_type(other, "/odd", "std_msgs/msg/String", NULL, 0, &stream, &err));
    CHECK(
        et_feed_put(other, &(struct et_feed_sample){
                               .stream = stream, .n_bytes = 3, .bytes = "odd", .t_arrival_ns = 5}));
    CHECK(et_feed_event(other, "mark", "pad", "start", NULL));
    go_on(loop, 50 * MS);
    CHECK_EQ(et_feed_n_streams(r.feed), 3); // both feeds' events are the recorder's
    CHECK_STR(et_feed_stream(r.feed, 2)->topic, "/odd");
    CHECK(!et_feed_stream(r.feed, 2)->device);
    CHECK_EQ(et_feed_counts(r.feed, 2).n_put, 1);
    CHECK_EQ(et_feed_counts(r.feed, ET_FEED_EVENTS).n_put, 2); // device.found, and the mark
    close_agent(&a);
    et_feed_close(other);
    close_recorder(&r);
    et_loop_close(loop);
}

// Six pictures that an agent's source codes, put while the link carries other things.
static void put_pictures(struct agent_side *a, struct et__pictures *pictures, size_t camera)
{
    const struct raw raw = {"rgb8", 64, 48, 192, 192 * 48, false, NULL, NULL};
    struct et_buf message = et_buf(1 << 20);
    put_raw_picture(&message, &raw);
    for (int k = 1; k <= 6; k++) {
        et__pictures_put(pictures, camera, et_buf_str(&message), clock_ns, k);
        CHECK_EQ(put_numbers(a, 1, 8), 1);
    }
    et_buf_free(&message);
    et__pictures_close(pictures); // waits for the last
}

// As an agent's sources code them: each picture once, in order, with its place in the link.
static void pictures_coded_by_an_agent_arrive_as_they_were_put(void)
{
    const struct et__pictures_camera camera = {.raw = {.topic = "/cam",
                                                       .type = "sensor_msgs/msg/Image",
                                                       .schema_encoding = "",
                                                       .message_encoding = "cdr"}};
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct et__pictures *pictures;
    struct et_feed_sample sample;
    size_t i, n = 0;
    uint64_t n_last = 0;
    open_recorder(&r, loop, NULL, 0);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = r.address}, 0);
    CHECK_OK(et__pictures_open(&pictures, &(struct et__pictures_options){.feed = a.feed}, &err));
    CHECK_OK(et__pictures_add(pictures, &camera, &i, &err));
    go_on(loop, 50 * MS);
    put_pictures(&a, pictures, i);
    go_on(loop, 50 * MS);
    for (; et_feed_next(r.feed, &sample); et_feed_done(r.feed)) {
        const struct et_feed_stream *stream = et_feed_stream(r.feed, sample.stream);
        if (strcmp(stream->topic, "/cam/video") != 0)
            continue;
        CHECK_STR(stream->type, "foxglove_msgs/msg/CompressedVideo");
        CHECK(sample.number > n_last);
        CHECK_EQ(sample.t_device_ns, ++n);
        n_last = sample.number;
    }
    CHECK_EQ(n, 6);
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
}

/* ---- breaks ---- */

/* Bytes both ways between an agent and the recorder, until so many have passed. */
struct relay {
    struct et_loop *loop;
    struct et_listener *listener;
    struct et_conn *a, *b;
    const char *to;
    size_t left;
    unsigned n_cuts;
};

static void cut(struct relay *relay)
{
    et_conn_close(relay->a);
    et_conn_close(relay->b);
    relay->a = relay->b = NULL;
    relay->n_cuts++;
}

static size_t pass_on(void *ctx, struct et_conn *conn, char *p, size_t n)
{
    struct relay *relay = ctx;
    struct et_conn *to = conn == relay->a ? relay->b : relay->a;
    const size_t some = n < relay->left ? n : relay->left;
    const enum et_status st = et_conn_send(to, p, some);
    if (st == ET_ECANCELLED) // it is not open yet
        return 0;
    relay->left -= some;
    if (relay->left == 0)
        cut(relay);
    return n;
}

static void relay_opened(void *ctx, struct et_conn *conn)
{
    (void)conn;
    et_conn_pause(((struct relay *)ctx)->a, false);
}

static void relay_ended(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    struct relay *relay = ctx;
    (void)why;
    *(conn == relay->a ? &relay->a : &relay->b) = NULL;
    cut(relay);
}

static const struct et_conn_handlers RELAY = {
    .on_open = relay_opened, .on_read = pass_on, .on_close = relay_ended};

static void relay_accepts(void *ctx, struct et_conn *conn)
{
    struct relay *relay = ctx;
    static const struct et_conn_limits LIMITS = {.in_bytes_max = 1 << 20,
                                                 .out_bytes_max = 16 << 20};
    const struct et_conn_options to = {
        .address = relay->to, .handlers = &RELAY, .limits = &LIMITS, .ctx = relay};
    if (relay->a || et_conn_open(&relay->b, relay->loop, &to, &err) != ET_OK)
        return;
    relay->a = conn;
    et_conn_set_handlers(conn, &RELAY, relay);
    et_conn_pause(conn, true);
}

static void open_relay(struct relay *relay, struct et_loop *loop, const char *to)
{
    *relay = (struct relay){.loop = loop, .to = to};
    const struct et_listen_options how = {
        .address = "127.0.0.1:0", .on_accept = relay_accepts, .ctx = relay};
    CHECK_OK(et_listener_open(&relay->listener, loop, &how, &err));
}

static void a_connection_cut_at_any_byte_loses_and_repeats_nothing(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct relay relay;
    struct agent_side a;
    struct heard heard = {0};
    struct rng rng = {7};
    open_recorder(&r, loop, NULL, 0);
    open_relay(&relay, loop, r.address);
    const struct et_link_agent_options how = {.address = et_listener_address(relay.listener),
                                              .retry_ns_max = 20 * MS};
    relay.left = 1;
    open_agent(&a, loop, &how, 0);
    for (int i = 0; i < 150; i++) {
        CHECK_EQ(put_numbers(&a, 5, 8 + rng_next(&rng) % 200), 5);
        go_on(loop, 5 * MS);
        if (relay.left == 0)
            relay.left = 1 + rng_next(&rng) % 6000;
    }
    relay.left = SIZE_MAX;
    go_on(loop, 300 * MS);
    hear_numbers(r.feed, &heard);
    CHECK(relay.n_cuts > 10);
    CHECK_EQ(heard.n, 750);
    CHECK_EQ(heard.n_wrong, 0);
    CHECK_EQ(et_link_agent_status(a.agent).n_taken, 750);
    close_agent(&a);
    cut(&relay);
    et_listener_close(relay.listener);
    close_recorder(&r);
    et_loop_close(loop);
}

static void a_server_that_begins_anew_goes_on_where_the_other_was(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    open_recorder(&r, loop,
                  &(struct et_link_server_options){.listen = {.address = socket_path("x")}}, 0);
    const struct et_link_agent_options how = {.address = r.address, .retry_ns_max = 50 * MS};
    open_agent(&a, loop, &how, 0);
    for (int i = 0; i < 5; i++) {
        put_numbers(&a, 40, 60);
        go_on(loop, 13 * MS); // some of it is under way when the server goes
        r.n_taken = et_link_server_agent(r.server, 0).n_taken;
        et_link_server_close(r.server);
        go_on(loop, 20 * MS);
        CHECK(!is_up(&a));
        put_numbers(&a, 10, 60);
        open_server(&r, NULL);
        go_on(loop, 120 * MS);
        CHECK(is_up(&a));
    }
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, 250);
    CHECK_EQ(heard.n_wrong, 0);
    CHECK_EQ(et_link_agent_status(a.agent).n_connected, 6);
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
}

static void what_was_not_safe_is_sent_again_after_a_kill(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {.t_safe_ns = 1};
    struct agent_side a;
    struct heard before = {0}, after = {0};
    open_recorder(&r, loop,
                  &(struct et_link_server_options){.listen = {.address = socket_path("k")}}, 0);
    const struct et_link_agent_options how = {.address = r.address, .retry_ns_max = 50 * MS};
    open_agent(&a, loop, &how, 0);
    for (int i = 0; i < 100; i++) { // more batches than are remembered one by one
        put_numbers(&a, 3, 8);
        go_on(loop, 10 * MS);
        if (i == 60)
            r.t_safe_ns = clock_ns;
    }
    const uint64_t n_safe = et_link_agent_status(a.agent).n_taken;
    CHECK(n_safe > 100 && n_safe < 200);
    CHECK(et_link_agent_status(a.agent).window_bytes > 0);
    hear_numbers(r.feed, &before);
    CHECK_EQ(before.n, 300);
    // Nobody hears of what the new one does not know: it has what was safe, and gets the rest.
    et_link_server_close(r.server);
    open_server(&r, NULL);
    r.t_safe_ns = INT64_MAX;
    go_on(loop, 200 * MS);
    after.next = n_safe;
    hear_numbers(r.feed, &after);
    CHECK_EQ(after.n, 300 - n_safe);
    CHECK_EQ(after.n_wrong, 0);
    CHECK_EQ(et_link_agent_status(a.agent).n_taken, 300);
    CHECK_EQ(et_link_agent_status(a.agent).window_bytes, 0);
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
}

static void an_agent_that_lost_its_connection_takes_its_own_place(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a, b;
    open_recorder(&r, loop, NULL, 0);
    const struct et_link_agent_options how = {.address = r.address, .session = 9};
    open_agent(&a, loop, &how, 0);
    go_on(loop, 50 * MS);
    CHECK(is_up(&a));
    open_agent(&b, loop, &how, 0); // the same run of it, as far as anybody can tell
    go_on(loop, 50 * MS);
    CHECK(is_up(&b));
    CHECK_EQ(et_link_server_status(r.server).n_connected, 1);
    CHECK_EQ(et_link_server_status(r.server).n_refused, 0);
    close_agent(&a);
    close_agent(&b);
    close_recorder(&r);
    et_loop_close(loop);
}

static int64_t rebooted_now(void *ctx)
{
    (void)ctx;
    return clock_ns - 1000 * S;
}

// An agent that takes up a session after a boot has another clock; its pings say so.
static void a_session_that_goes_on_with_another_clock_is_told_on_the_recorders(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a, b = {.n_put = 5};
    struct heard heard = {0};
    open_recorder(&r, loop, NULL, 0);
    struct et_link_agent_options how = {.address = r.address, .session = 9};
    open_agent(&a, loop, &how, 0);
    go_on(loop, 600 * MS);
    put_numbers(&a, 5, 8);
    go_on(loop, 50 * MS);
    close_agent(&a);
    go_on(loop, 50 * MS);
    how.id = "robot-1";
    how.now_ns = rebooted_now;
    CHECK_OK(et_feed_open(&b.feed, NULL, &err));
    CHECK_OK(et_feed_add(b.feed, et_feed_stream(r.feed, 1), &b.stream, &err));
    CHECK_OK(et_link_agent_open(&b.agent, loop, &how, &err));
    CHECK_OK(et_link_agent_add(b.agent, b.feed, &err));
    for (uint64_t k = 0; k < 10; k++) // of them five that it takes for the first agent's
        CHECK(et_feed_put(b.feed, &(struct et_feed_sample){.t_arrival_ns = rebooted_now(NULL),
                                                           .t_device_ns = (int64_t)k + 1,
                                                           .stream = b.stream,
                                                           .n_bytes = sizeof k,
                                                           .bytes = &k}));
    const int64_t t_put_ns = clock_ns;
    go_on(loop, 300 * MS);
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, 10);
    CHECK_EQ(heard.n_wrong, 0);
    CHECK(heard.t_last_ns >= t_put_ns - MS && heard.t_last_ns <= t_put_ns + 5 * MS);
    close_agent(&b);
    close_recorder(&r);
    et_loop_close(loop);
}

/* ---- room ---- */

static void while_the_network_is_away_samples_wait_on_the_disk(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    const struct et_link_agent_options how = {.address = socket_path("away"),
                                              .window_bytes = 4096,
                                              .spool = temp_path("spool"),
                                              .retry_ns_max = 50 * MS};
    (void)snprintf(r.address, sizeof r.address, "%s", how.address);
    open_agent(&a, loop, &how, 0);
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(put_numbers(&a, 20, 100), 20);
        go_on(loop, 10 * MS);
    }
    struct et_link_agent_status status = et_link_agent_status(a.agent);
    CHECK_EQ(status.n_connected, 0);
    CHECK_EQ(status.trouble.status, ET_EIO);
    CHECK(status.window_bytes < 8192);
    CHECK(status.spool_bytes > 50000);
    CHECK(file_exists(temp_path("spool")));
    open_recorder(&r, loop, NULL, 0);
    for (int i = 0; i < 50; i++) {
        put_numbers(&a, 2, 100); // more comes while it catches up
        go_on(loop, 10 * MS);
    }
    go_on(loop, 700 * MS);
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, 1100);
    CHECK_EQ(heard.n_wrong, 0);
    status = et_link_agent_status(a.agent);
    CHECK_EQ(status.spool_bytes, 0);
    CHECK_EQ(status.n_lost, 0);
    close_agent(&a);
    CHECK(!file_exists(temp_path("spool"))); // nothing waits in it
    close_recorder(&r);
    et_loop_close(loop);
}

// What an agent leaves that ends, or is killed, while the recorder is away.
static void leave_spool(const struct et_link_agent_options *how, uint64_t n)
{
    struct et_loop *loop = make_loop();
    struct agent_side a;
    open_agent(&a, loop, how, 0);
    for (uint64_t i = 0; i < n; i++) {
        put_numbers(&a, 1, 100);
        go_on(loop, 10 * MS);
    }
    close_agent(&a);
    CHECK(file_exists(how->spool));
    et_loop_close(loop);
}

static void the_next_agent_sends_what_one_left(void)
{
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    const struct et_link_agent_options how = {.address = socket_path("left"),
                                              .window_bytes = 2000,
                                              .spool = temp_path("left-spool"),
                                              .retry_ns_max = 50 * MS};
    leave_spool(&how, 50);
    struct et_loop *loop = make_loop();
    (void)snprintf(r.address, sizeof r.address, "%s", how.address);
    open_agent(&a, loop, &how, 0);
    CHECK_EQ(et_link_agent_status(a.agent).n_records, 50);
    CHECK_EQ(et_link_agent_status(a.agent).n_taken, 0);
    a.n_put = 50;
    put_numbers(&a, 3, 100);
    go_on(loop, 100 * MS);
    open_recorder(&r, loop, NULL, 0);
    go_on(loop, 200 * MS);
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, 53);
    CHECK_EQ(heard.n_wrong, 0);
    CHECK_EQ(et_link_agent_status(a.agent).n_records, 53);
    CHECK_EQ(et_link_agent_status(a.agent).n_taken, 53);
    CHECK_EQ(et_feed_n_streams(r.feed), 2); // each is one stream, whoever put it
    close_agent(&a);
    CHECK(!file_exists(how.spool));
    close_recorder(&r);
    et_loop_close(loop);
}

static void what_of_a_spool_is_damaged_is_told(void)
{
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    size_t n;
    const struct et_link_agent_options how = {.address = socket_path("hurt"),
                                              .spool = temp_path("hurt-spool"),
                                              .spool_bytes = 20000,
                                              .retry_ns_max = 50 * MS};
    leave_spool(&how, 50);
    char *bytes = read_file(how.spool, &n);
    bytes[8192 + 20 * (48 + 40 + 20 + 100) + 60] ^= 1; // in the 21st batch
    write_file(how.spool, bytes, n);
    free(bytes);
    struct et_loop *loop = make_loop();
    (void)snprintf(r.address, sizeof r.address, "%s", how.address);
    open_recorder(&r, loop, NULL, 0);
    open_agent(&a, loop, &how, 0);
    a.n_put = 50;
    put_numbers(&a, 5, 100);
    go_on(loop, 500 * MS);
    CHECK_EQ(et_link_agent_status(a.agent).n_lost, 30);
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, 25);
    CHECK_EQ(heard.n_wrong, 1); // one gap
    CHECK_EQ(heard.next, 55);
    CHECK_EQ(heard.n_events, 2); // it is there; it lost something
    close_agent(&a);
    CHECK(!file_exists(how.spool));
    close_recorder(&r);
    et_loop_close(loop);
}

static void a_full_spool_loses_its_oldest_and_tells_how_many(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    const struct et_link_agent_options how = {.address = socket_path("full"),
                                              .window_bytes = 4096,
                                              .spool = temp_path("full-spool"),
                                              .spool_bytes = 20000,
                                              .retry_ns_max = 50 * MS};
    (void)snprintf(r.address, sizeof r.address, "%s", how.address);
    open_agent(&a, loop, &how, 0);
    for (int i = 0; i < 100; i++) {
        put_numbers(&a, 20, 100);
        go_on(loop, 10 * MS);
    }
    CHECK(et_link_agent_status(a.agent).spool_bytes <= 20000);
    open_recorder(&r, loop, NULL, 0);
    put_numbers(&a, 20, 100);
    go_on(loop, 500 * MS);
    hear_numbers(r.feed, &heard);
    const uint64_t n_lost = et_link_agent_status(a.agent).n_lost;
    CHECK(n_lost > 1000);
    CHECK_EQ(heard.n_wrong, 1); // one gap: behind what memory held, before what the disk had
    CHECK_EQ(heard.next, 2020);
    CHECK_EQ(heard.n + n_lost, 2020);
    CHECK_EQ(et_feed_counts(r.feed, 1).n_lost, n_lost);
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
}

static void without_a_spool_memory_is_bounded_and_the_feed_counts_the_rest(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    uint64_t n_room = 0;
    const struct et_link_agent_options how = {
        .address = socket_path("bound"), .window_bytes = 4096, .retry_ns_max = 50 * MS};
    (void)snprintf(r.address, sizeof r.address, "%s", how.address);
    open_agent(&a, loop, &how, 16384);
    for (int i = 0; i < 100; i++) {
        n_room += put_numbers(&a, 20, 100);
        go_on(loop, 10 * MS);
    }
    CHECK(n_room < 500);
    CHECK(et_link_agent_status(a.agent).window_bytes < 8192);
    open_recorder(&r, loop, NULL, 0);
    go_on(loop, 500 * MS);
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, n_room);
    CHECK_EQ(et_feed_counts(r.feed, 1).n_lost, 2000 - n_room);
    et_feed_lost(a.feed, a.stream, 5); // what a source saw by its numbers
    go_on(loop, 300 * MS);
    CHECK_EQ(et_feed_counts(r.feed, 1).n_lost, 2005 - n_room);
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
}

static void a_recorder_that_does_not_keep_up_is_waited_for(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    open_recorder(&r, loop, NULL, 16384);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = r.address}, 0);
    go_on(loop, 50 * MS);
    CHECK_EQ(put_numbers(&a, 1000, 100), 1000);
    go_on(loop, 100 * MS);
    CHECK(et_feed_used(r.feed) > 12000);
    for (int i = 0; i < 40; i++) {
        hear_numbers(r.feed, &heard);
        go_on(loop, 10 * MS);
    }
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, 1000);
    CHECK_EQ(heard.n_wrong, 0);
    CHECK_EQ(et_feed_counts(r.feed, 1).n_dropped, 0);
    CHECK_EQ(et_link_agent_status(a.agent).n_taken, 1000);
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
}

static void a_sample_that_is_too_large_is_lost_and_told(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    open_recorder(&r, loop, NULL, (size_t)16 << 20);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = r.address}, (size_t)32 << 20);
    CHECK_EQ(put_numbers(&a, 1, ET_LINK_SAMPLE_BYTES_MAX), 1);
    CHECK_EQ(put_numbers(&a, 1, ET_LINK_SAMPLE_BYTES_MAX + 1), 1);
    CHECK_EQ(put_numbers(&a, 1, 8), 1);
    go_on(loop, 100 * MS);
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, 2);
    CHECK_EQ(et_feed_counts(r.feed, 1).n_lost, 1);
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
}

/* ---- clocks ---- */

static void arrivals_are_told_on_the_recorders_clock(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a;
    struct heard heard = {0};
    open_recorder(&r, loop, NULL, 0);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = r.address}, 0);
    go_on(loop, 100 * MS);
    const struct et_link_agent_seen seen = et_link_server_agent(r.server, 0);
    CHECK_EQ(seen.ahead_ns, AGENT_AHEAD_NS); // time stands still while a ping goes round
    CHECK_EQ(seen.round_ns, 0);
    const int64_t t_ns = clock_ns;
    put_numbers(&a, 1, 8);
    go_on(loop, 30 * MS);
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.t_last_ns, t_ns);
    // A stamp that lies in the future is told as now.
    const unsigned char bytes[8] = {1};
    CHECK(et_feed_put(a.feed,
                      &(struct et_feed_sample){.t_arrival_ns = t_ns + AGENT_AHEAD_NS + 100 * S,
                                               .t_device_ns = 2,
                                               .stream = a.stream,
                                               .n_bytes = sizeof bytes,
                                               .bytes = bytes}));
    go_on(loop, 30 * MS);
    hear_numbers(r.feed, &heard);
    CHECK(heard.t_last_ns > t_ns && heard.t_last_ns <= clock_ns);
    close_agent(&a);
    close_recorder(&r);
    et_loop_close(loop);
}

/* ---- who does not belong here ---- */

static void a_wrong_token_is_refused(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a, b;
    open_recorder(&r, loop, &(struct et_link_server_options){.token = "right"}, 0);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = r.address, .token = "wrong"},
               0);
    open_agent(&b, loop, &(struct et_link_agent_options){.address = r.address}, 0);
    go_on(loop, 50 * MS);
    CHECK(!is_up(&a) && !is_up(&b));
    CHECK_HAS(et_link_agent_status(a.agent).trouble.text, "token");
    CHECK_EQ(r.n_hellos, 0);
    CHECK_EQ(et_link_server_status(r.server).n_agents, 0);
    CHECK(et_link_server_status(r.server).n_refused >= 2);
    close_agent(&a);
    close_agent(&b);
    close_recorder(&r);
    et_loop_close(loop);
}

static void a_second_agent_of_the_same_name_is_refused_and_the_first_goes_on(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a, b;
    struct heard heard = {0};
    open_recorder(&r, loop, NULL, 0);
    const struct et_link_agent_options how = {.address = r.address, .retry_ns_max = 50 * MS};
    open_agent(&a, loop, &how, 0);
    go_on(loop, 50 * MS);
    open_agent(&b, loop, &how, 0);
    put_numbers(&a, 10, 8);
    go_on(loop, 50 * MS);
    CHECK(is_up(&a) && !is_up(&b));
    CHECK_HAS(et_link_agent_status(b.agent).trouble.text, "connected already");
    put_numbers(&a, 10, 8);
    go_on(loop, 50 * MS);
    hear_numbers(r.feed, &heard);
    CHECK_EQ(heard.n, 20);
    CHECK_EQ(heard.n_wrong, 0);
    CHECK(heard.n_events >= 2); // device.found, link.refused
    close_agent(&a);            // now its place is free
    go_on(loop, 200 * MS);
    CHECK(is_up(&b));
    close_agent(&b);
    close_recorder(&r);
    et_loop_close(loop);
}

static enum et_status takes_nobody(void *ctx, const struct et_link_hello *hello,
                                   struct et_link_place *place, struct et_err *why)
{
    (void)ctx;
    (void)hello;
    (void)place;
    return et_fail(why, ET_EIO, -1, "the disk is full");
}

static void an_agent_hears_why_there_is_no_place_for_it(void)
{
    struct et_loop *loop = make_loop();
    struct recorder_side r = {0};
    struct agent_side a, b;
    open_recorder(&r, loop, &(struct et_link_server_options){.on_agent = takes_nobody}, 0);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = r.address}, 0);
    go_on(loop, 50 * MS);
    CHECK_HAS(et_link_agent_status(a.agent).trouble.text, "the disk is full");
    close_agent(&a);
    close_recorder(&r);
    struct recorder_side one = {0};
    open_recorder(&one, loop, &(struct et_link_server_options){.agents_max = 1}, 0);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = one.address}, 0);
    go_on(loop, 50 * MS);
    open_agent(&b, loop, &(struct et_link_agent_options){.address = one.address, .id = "b"}, 0);
    go_on(loop, 50 * MS);
    CHECK(is_up(&a) && !is_up(&b));
    CHECK_HAS(et_link_agent_status(b.agent).trouble.text, "takes no more");
    close_agent(&a);
    close_agent(&b);
    close_recorder(&one);
    et_loop_close(loop);
}

static void what_cannot_be_is_refused_at_once(void)
{
    struct et_loop *loop = make_loop();
    struct et_link_agent *agent;
    struct et_link_server *server;
    struct et_tls *tls;
    char token[ET_LINK_TOKEN_BYTES_MAX + 1], long_token[400];
    memset(long_token, 'a', sizeof long_token);
    long_token[sizeof long_token - 1] = 0;
    struct et_link_agent_options how = {.address = "127.0.0.1:1", .id = "Robot 1"};
    CHECK_EQ(et_link_agent_open(&agent, loop, &how, &err), ET_EARG);
    how.id = "a";
    how.token = long_token;
    CHECK_EQ(et_link_agent_open(&agent, loop, &how, &err), ET_EARG);
    how.token = NULL;
    // Nothing goes to another machine that others could read on its way.
    static const char *const AWAY[] = {"192.0.2.1:7447",      "hub.example:7447",
                                       "[2001:db8::1]:7447",  "0.0.0.0:7447",
                                       "127.0.0.1.example:1", "7447"};
    for (size_t i = 0; i < sizeof AWAY / sizeof *AWAY; i++) {
        how.address = AWAY[i];
        CHECK_EQ(et_link_agent_open(&agent, loop, &how, &err), ET_EARG);
        CHECK_HAS(err.text, i == 5 ? "no address" : "TLS alone");
    }
    static const char *const HERE[] = {"127.8.0.1:1", "[::1]:1", "localhost:1",
                                       "[::ffff:127.0.0.1]:1", "unix:nobody"};
    for (size_t i = 0; i < sizeof HERE / sizeof *HERE; i++) {
        how.address = HERE[i];
        CHECK_OK(et_link_agent_open(&agent, loop, &how, &err));
        et_link_agent_close(agent);
    }
    how.address = "127.0.0.1:1";
    how.spool = temp_path("no/such/folder");
    CHECK_EQ(et_link_agent_open(&agent, loop, &how, &err), ET_EIO);
    CHECK(!agent);
    et_link_agent_close(NULL);
    CHECK_OK(et_tls_open_server(&tls, tls_cert(), tls_key(), &err));
    struct et_link_server_options open = {.listen = {.address = "127.0.0.1:0", .tls = tls}};
    open.listen.is_public = true;
    CHECK_EQ(et_link_server_open(&server, loop, &open, &err), ET_EARG);
    CHECK_HAS(err.text, "token");
    open.listen.is_public = false;
    open.token = long_token;
    CHECK_EQ(et_link_server_open(&server, loop, &open, &err), ET_EARG);
    open.token = NULL;
    open.listen.address = "0.0.0.0:0";
    CHECK_EQ(et_link_server_open(&server, loop, &open, &err), ET_EARG);
    CHECK(!server);
    et_link_server_close(NULL);
    et_tls_close(tls);
    // Tokens in files.
    const char *path = temp_path("token");
    write_file(path, " a word \n", 9);
    CHECK_EQ(chmod(path, 0600), 0);
    CHECK_OK(et_link_token_read(path, token, &err));
    CHECK_STR(token, "a word");
    CHECK_EQ(chmod(path, 0644), 0);
    CHECK_EQ(et_link_token_read(path, token, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "chmod");
    write_file(path, "\n", 1);
    CHECK_EQ(et_link_token_read(path, token, &err), ET_ECORRUPT);
    CHECK_EQ(et_link_token_read(temp_path("nothing"), token, &err), ET_ENOTFOUND);
    et_loop_close(loop);
}

int main(void)
{
    RUN(samples_arrive_as_they_were_put_over_tcp);
    RUN(samples_arrive_over_a_unix_socket);
    RUN(samples_arrive_over_tls_with_a_token);
    RUN(two_feeds_and_later_streams_go_over_one_link);
    RUN(pictures_coded_by_an_agent_arrive_as_they_were_put);
    RUN(a_connection_cut_at_any_byte_loses_and_repeats_nothing);
    RUN(a_server_that_begins_anew_goes_on_where_the_other_was);
    RUN(what_was_not_safe_is_sent_again_after_a_kill);
    RUN(an_agent_that_lost_its_connection_takes_its_own_place);
    RUN(a_session_that_goes_on_with_another_clock_is_told_on_the_recorders);
    RUN(while_the_network_is_away_samples_wait_on_the_disk);
    RUN(the_next_agent_sends_what_one_left);
    RUN(what_of_a_spool_is_damaged_is_told);
    RUN(a_full_spool_loses_its_oldest_and_tells_how_many);
    RUN(without_a_spool_memory_is_bounded_and_the_feed_counts_the_rest);
    RUN(a_recorder_that_does_not_keep_up_is_waited_for);
    RUN(a_sample_that_is_too_large_is_lost_and_told);
    RUN(arrivals_are_told_on_the_recorders_clock);
    RUN(a_wrong_token_is_refused);
    RUN(a_second_agent_of_the_same_name_is_refused_and_the_first_goes_on);
    RUN(an_agent_hears_why_there_is_no_place_for_it);
    RUN(what_cannot_be_is_refused_at_once);
    return tap_end();
}
