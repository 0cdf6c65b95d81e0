// Who speaks garbage, lies, stalls or floods is shut out, and agents beside it go on.
#include "etude/live.h"
#include "etude/source.h"
#include "link_rig.h"
#include "record/record__link.h"
#include "support.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct et_err err;

/* A peer that speaks the language byte by byte, beside an agent that goes on. */
struct scene {
    struct et_loop *loop;
    struct recorder_side r;
    struct agent_side a;
    struct heard heard;
    struct et_buf words;
    int fd;
};

static void open_scene(struct scene *s)
{
    *s = (struct scene){.loop = make_loop(), .words = et_buf((size_t)8 << 20)};
    open_recorder(&s->r, s->loop, NULL, 0);
    open_agent(&s->a, s->loop, &(struct et_link_agent_options){.address = s->r.address}, 0);
    go_on(s->loop, 50 * MS);
    s->fd = peer_open(s->r.address);
}

// The peer is gone, the agent's numbers are whole.
static void close_scene(struct scene *s, bool is_broken)
{
    put_numbers(&s->a, 10, 50);
    go_on(s->loop, 100 * MS);
    hear_numbers(s->r.feed, &s->heard);
    CHECK_EQ(s->heard.n, 10);
    CHECK_EQ(s->heard.n_wrong, 0);
    CHECK(is_up(&s->a));
    CHECK_EQ(et_link_server_status(s->r.server).n_broken, is_broken);
    (void)close(s->fd);
    et_buf_free(&s->words);
    close_agent(&s->a);
    close_recorder(&s->r);
    et_loop_close(s->loop);
}

static bool is_shut_out(struct scene *s)
{
    char bytes[4096];
    ssize_t n;
    go_on(s->loop, 30 * MS);
    do // what it was told before
        n = recv(s->fd, bytes, sizeof bytes, 0);
    while (n > 0);
    return n == 0 || errno != EAGAIN;
}

static void greet(struct scene *s)
{
    et__link_put_hello(&s->words, &(struct et__link_hello){.version = ET__LINK_VERSION,
                                                           .session = 77,
                                                           .agent = ET_STR("peer")});
}

static void announce(struct scene *s, uint16_t i)
{
    et__link_put_stream(&s->words, &(struct et__link_stream){.i = i,
                                                             .stream = {.topic = "/peer",
                                                                        .type = "test/Peer",
                                                                        .schema_encoding = "",
                                                                        .message_encoding = ""}});
}

static void add_batch(struct scene *s, uint64_t first, uint16_t stream, uint32_t n_said)
{
    struct et_buf batch = et_buf(4096);
    et__link_begin_batch(&batch, first, 0);
    et__link_put_record(&batch, 0, &(struct et__link_record){.stream = stream, .bytes = {"x", 1}});
    et__link_end_batch(&batch, n_said);
    et_buf_putstr(&s->words, et_buf_str(&batch));
    et_buf_free(&batch);
}

static void say(struct scene *s)
{
    peer_put(s->fd, s->words.p, s->words.n);
    et_buf_clear(&s->words);
    go_on(s->loop, 5 * MS);
}

static void garbage_is_shut_out(void)
{
    static const char *const GARBAGE[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                          "\x16\x03\x01 a TLS client's greeting",
                                          "................................"};
    for (size_t i = 0; i < sizeof GARBAGE / sizeof *GARBAGE; i++) {
        struct scene s;
        open_scene(&s);
        peer_puts(s.fd, GARBAGE[i]);
        CHECK(is_shut_out(&s));
        close_scene(&s, true);
    }
}

static void a_stranger_may_not_speak_at_length(void)
{
    struct scene s;
    open_scene(&s);
    const size_t at = et__link_begin(&s.words, ET__LINK_HELLO);
    for (int i = 0; i < 5000; i++)
        et_buf_putc(&s.words, 'x');
    et__link_end(&s.words, at);
    s.words.n = 64; // its head says how long it will be
    say(&s);
    CHECK(is_shut_out(&s));
    close_scene(&s, true);
}

static void frames_out_of_their_order_are_shut_out(void)
{
    for (int i = 0; i < 9; i++) {
        struct scene s;
        open_scene(&s);
        if (i > 0)
            greet(&s);
        if (i > 1)
            announce(&s, i == 2 ? 1 : 0); // 2: streams are numbered from 0
        if (i == 0)
            et__link_put_ping(&s.words, 1); // before it said who it is
        else if (i == 1)
            add_batch(&s, 0, 0, 1); // before its streams
        else if (i == 3)
            add_batch(&s, 0, 1, 1); // of another stream
        else if (i == 4)
            add_batch(&s, 0, 0, 0); // more records than it says
        else if (i == 5)
            greet(&s); // twice
        else if (i == 6)
            et__link_put_count(&s.words, ET__LINK_TAKEN, 1); // the recorder's words
        else if (i == 7)
            et__link_put_pong(&s.words, &(struct et__link_pong){1, INT64_MAX});
        else if (i == 8)
            announce(&s, 0); // again
        say(&s);
        CHECK(is_shut_out(&s));
        close_scene(&s, true);
    }
}

static void a_frame_beyond_the_limit_is_shut_out_before_it_comes(void)
{
    struct scene s;
    open_scene(&s);
    greet(&s);
    announce(&s, 0);
    const struct {
        uint64_t hash;
        uint32_t n;
        uint8_t type, zeros[3];
    } head = {0, (uint32_t)ET__LINK_FRAME_BYTES_MAX, ET__LINK_BATCH, {0}};
    et_buf_put(&s.words, &head, sizeof head);
    say(&s);
    CHECK(is_shut_out(&s));
    close_scene(&s, true);
}

static void definitions_without_end_are_shut_out(void)
{
    struct scene s;
    static char schema[3 << 20];
    open_scene(&s);
    greet(&s);
    say(&s);
    for (uint16_t i = 0; i < 6; i++) {
        char topic[8];
        (void)snprintf(topic, sizeof topic, "/t%d", i);
        et__link_put_stream(&s.words,
                            &(struct et__link_stream){.i = i,
                                                      .stream = {.topic = topic,
                                                                 .type = "test/T",
                                                                 .schema = {schema, sizeof schema},
                                                                 .schema_encoding = "x",
                                                                 .message_encoding = "x"}});
        for (size_t at = 0; at < s.words.n;) {
            const ssize_t n = send(s.fd, s.words.p + at, s.words.n - at, MSG_NOSIGNAL);
            at += n > 0 ? (size_t)n : 0;
            if (n < 0 && errno != EAGAIN)
                break;
            go_on(s.loop, MS);
        }
        et_buf_clear(&s.words);
    }
    CHECK(is_shut_out(&s));
    CHECK_EQ(et_feed_n_streams(s.r.feed), 2 + 5); // 15 MB of them
    close_scene(&s, true);
}

static void who_says_nothing_is_shut_out(void)
{
    struct scene s;
    open_scene(&s);
    go_on(s.loop, 4900 * MS);
    CHECK(!is_shut_out(&s));
    go_on(s.loop, 200 * MS);
    CHECK(is_shut_out(&s));
    close_scene(&s, true);
}

static void strangers_in_numbers_make_room(void)
{
    struct scene s;
    int fds[800];
    open_scene(&s); // 512 places, 384 for one host
    for (size_t i = 0; i < 800; i++) {
        fds[i] = peer_open(s.r.address);
        run_some(s.loop);
    }
    greet(&s); // of the first of them, which has made room
    say(&s);
    CHECK(is_shut_out(&s));
    (void)close(s.fd);
    s.fd = peer_open(s.r.address);
    greet(&s);
    say(&s);
    CHECK_EQ(et_link_server_status(s.r.server).n_connected, 2);
    for (size_t i = 0; i < 800; i++)
        (void)close(fds[i]);
    go_on(s.loop, 10 * MS);
    close_scene(&s, false);
}

static void who_says_nothing_more_is_shut_out(void)
{
    struct scene s;
    open_scene(&s);
    greet(&s);
    say(&s);
    go_on(s.loop, 9 * S);
    CHECK(!is_shut_out(&s));
    CHECK_EQ(et_link_server_status(s.r.server).n_connected, 2);
    go_on(s.loop, 2 * S);
    CHECK(is_shut_out(&s));
    CHECK_EQ(et_link_server_status(s.r.server).n_connected, 1);
    close_scene(&s, true);
}

static void another_version_hears_why_it_is_refused(void)
{
    struct scene s;
    struct peer_text *text = calloc(1, sizeof *text);
    struct et__link_frame frame;
    struct et_str why;
    size_t n_used;
    open_scene(&s);
    et__link_put_hello(&s.words, &(struct et__link_hello){.version = 2, .session = 1});
    say(&s);
    peer_get(s.loop, s.fd, "", text);
    CHECK(text->is_closed);
    CHECK_OK(et__link_next(text->p, text->n, 4096, &frame, &n_used, &err));
    CHECK_EQ(frame.type, ET__LINK_REFUSED);
    CHECK_OK(et__link_read_refused(frame.body, &why, &err));
    CHECK(why.n > 0 && memchr(why.p, '2', why.n));
    CHECK_EQ(et_link_server_status(s.r.server).n_refused, 1);
    free(text);
    close_scene(&s, false);
}

static void count_line(void *ctx, enum et_log_level level, const char *text)
{
    (void)level;
    *(int *)ctx += strstr(text, "is refused") != NULL;
}

static void who_is_refused_again_and_again_is_told_once(void)
{
    int n_lines = 0;
    const struct et_log log = {ET_LOG_INFO, count_line, &n_lines};
    struct scene s = {.loop = make_loop(), .words = et_buf((size_t)8 << 20)};
    open_recorder(&s.r, s.loop, &(struct et_link_server_options){.token = "right", .log = &log}, 0);
    for (int i = 0; i < 6; i++) {
        const char *token = i < 4 ? "wrong" : "right";
        s.fd = peer_open(s.r.address);
        et__link_put_hello(&s.words, &(struct et__link_hello){.version = ET__LINK_VERSION,
                                                              .session = 77,
                                                              .agent = ET_STR("a b"),
                                                              .token = et_str(token)});
        say(&s);
        CHECK(is_shut_out(&s));
        (void)close(s.fd);
    }
    CHECK_EQ(et_link_server_status(s.r.server).n_refused, 6);
    CHECK_EQ(n_lines, 2); // the token, then the name
    et_buf_free(&s.words);
    close_recorder(&s.r);
    et_loop_close(s.loop);
}

static void what_was_taken_before_is_passed_over_and_gaps_are_not(void)
{
    struct scene s;
    open_scene(&s);
    greet(&s);
    announce(&s, 0);
    add_batch(&s, 0, 0, 1);
    add_batch(&s, 0, 0, 1);
    add_batch(&s, 7, 0, 1); // what lies between is lost where it came from
    say(&s);
    CHECK_EQ(et_link_server_status(s.r.server).n_repeated, 1);
    CHECK_EQ(et_feed_counts(s.r.feed, 2).n_put, 2);
    CHECK_EQ(et_link_server_agent(s.r.server, 1).n_taken, 8);
    close_scene(&s, false);
}

/* ---- a recorder that lies ---- */

static void forget(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    (void)conn;
    (void)why;
    *(struct et_conn **)ctx = NULL;
}

static void accept_one(void *ctx, struct et_conn *conn)
{
    static const struct et_conn_handlers ONLY_FORGETS = {.on_close = forget};
    *(struct et_conn **)ctx = conn;
    et_conn_set_handlers(conn, &ONLY_FORGETS, ctx);
}

static void a_recorder_that_lies_or_stalls_is_left(void)
{
    static const char *const WHY[] = {"never sent", "no frame", "no place", "too long"};
    for (int i = 0; i < 4; i++) {
        struct et_loop *loop = make_loop();
        struct et_listener *listener;
        struct et_conn *conn = NULL;
        struct et_buf words = et_buf(4096);
        struct agent_side a;
        const struct et_listen_options how = {
            .address = "127.0.0.1:0", .on_accept = accept_one, .ctx = &conn};
        CHECK_OK(et_listener_open(&listener, loop, &how, &err));
        const struct et_link_agent_options to = {.address = et_listener_address(listener),
                                                 .retry_ns_max = 100 * S};
        open_agent(&a, loop, &to, 0);
        go_on(loop, 20 * MS);
        et__link_put_count(&words, ET__LINK_WELCOME, i == 0 ? 5 : 0);
        if (i == 1)
            et_buf_puts(&words, "HTTP/1.1 400 Bad Request");
        if (i == 2)
            et__link_put_count(&words, ET__LINK_WELCOME, 0);
        CHECK(conn && et_conn_send(conn, words.p, words.n) == ET_OK);
        go_on(loop, 20 * MS);
        if (i == 3) {
            CHECK(is_up(&a));
            go_on(loop, 11 * S);
        }
        CHECK(!is_up(&a));
        CHECK_HAS(et_link_agent_status(a.agent).trouble.text, WHY[i]);
        close_agent(&a);
        et_listener_close(listener);
        et_conn_close(conn);
        et_loop_close(loop);
        et_buf_free(&words);
    }
}

/* ---- as a source ---- */

static int64_t test_now(void *ctx)
{
    (void)ctx;
    return clock_ns;
}

static void a_source_takes_what_agents_send_with_their_names_before_it(void)
{
    struct et_loop *loop = make_loop();
    struct et_arena *arena;
    struct et_source *source;
    struct et_feed *feed;
    struct agent_side a;
    const struct et_value *settings;
    char address[ET_ADDRESS_BYTES], text[400];
    int64_t t_next_ns;
    (void)snprintf(address, sizeof address, "unix:%.100s", temp_path("source"));
    (void)snprintf(text, sizeof text, "{address: '%s', prefix: true}", address);
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_yaml_parse(et_str(text), "test", arena, &settings, &err));
    CHECK_OK(et_feed_open(&feed, NULL, &err));
    const struct et_source_options how = {
        .device = "hall", .settings = settings, .now_ns = test_now};
    CHECK_OK(et_source_open(&source, et_source_kind("link"), &how, feed, &err));
    CHECK_EQ(et_source_state(source), ET_SOURCE_WAITING);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = address}, 0);
    put_numbers(&a, 5, 8);
    for (int i = 0; i < 50; i++) {
        go_on(loop, MS);
        CHECK_OK(et_source_poll(source, &t_next_ns, &err));
        CHECK(t_next_ns > clock_ns && t_next_ns < INT64_MAX);
    }
    CHECK(et_source_fd(source) >= 0);
    CHECK_EQ(et_source_state(source), ET_SOURCE_LIVE);
    CHECK_EQ(et_feed_n_streams(feed), 2);
    CHECK_STR(et_feed_stream(feed, 1)->topic, "/robot-1/numbers");
    CHECK_STR(et_feed_stream(feed, 1)->device, "robot-1.counter");
    CHECK_EQ(et_feed_counts(feed, 1).n_put, 5);
    close_agent(&a);
    et_source_close(source);
    et_feed_close(feed);
    et_arena_close(arena);
    et_loop_close(loop);
}

static void a_source_that_others_reach_needs_tls_and_a_token(void)
{
    static const struct {
        const char *text;
        enum et_status st;
    } CASES[] = {{"{address: '0.0.0.0:0'}", ET_ECORRUPT},
                 {"{cert: a.pem}", ET_ECORRUPT},
                 {"{cert: /nowhere/a.pem, key: /nowhere/b.pem}", ET_ENOTFOUND},
                 {"{token_file: /nowhere/token}", ET_ENOTFOUND},
                 {"{adress: '127.0.0.1:0'}", ET_ECORRUPT}};
    struct et_arena *arena;
    struct et_feed *feed;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_feed_open(&feed, NULL, &err));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_value *settings;
        struct et_source *source;
        CHECK_OK(et_yaml_parse(et_str(CASES[i].text), "test", arena, &settings, &err));
        const struct et_source_options how = {.device = "hall", .settings = settings};
        CHECK_EQ(et_source_open(&source, et_source_kind("link"), &how, feed, &err), CASES[i].st);
        CHECK(!source);
    }
    et_feed_close(feed);
    et_arena_close(arena);
}

static void an_agent_sends_what_a_stations_sources_bring(void)
{
    struct et_loop *loop = make_loop();
    struct et_arena *arena;
    const struct et_station_file *file;
    struct recorder_side r = {0}, hall = {0};
    struct agent_side a;
    struct et_link_agent *agent;
    char text[400];
    // The station's only source is itself a link, which another agent feeds.
    (void)snprintf(hall.address, sizeof hall.address, "unix:%.100s", temp_path("inner"));
    (void)snprintf(text, sizeof text, "station: a\nsources:\n  hall: {kind: link, address: '%s'}\n",
                   hall.address);
    const char *path = temp_path("station.yaml");
    write_file(path, text, strlen(text));
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_station_file_read(path, arena, &file, &err));
    open_recorder(&r, loop, NULL, 0);
    const struct et_link_agent_options how = {.address = r.address, .id = "station"};
    CHECK_OK(et_link_agent_open(&agent, loop, &how, &err));
    CHECK(et_link_agent_status(agent).is_dry); // it has no sources yet
    CHECK_OK(et_link_agent_add_sources(agent, file, &err));
    CHECK(!et_link_agent_status(agent).is_dry);
    open_agent(&a, loop, &(struct et_link_agent_options){.address = hall.address}, 0);
    // The source waits by the real clock, which stands still here: its socket is what wakes it.
    put_numbers(&a, 20, 8);
    for (int i = 0; i < 200 && et_link_server_status(r.server).n_records < 21; i++)
        go_on(loop, 10 * MS);
    CHECK_EQ(et_feed_n_streams(r.feed), 2);
    CHECK_STR(et_feed_stream(r.feed, 1)->topic, "/numbers");
    CHECK_EQ(et_feed_counts(r.feed, 1).n_put, 20);
    // In the end the sources are polled no more, however much they have.
    put_numbers(&a, 20, 8);
    et_link_agent_finish(agent);
    put_numbers(&a, 20, 8);
    go_on(loop, 100 * MS);
    CHECK_EQ(et_link_agent_status(agent).state, ET_LINK_OVER);
    CHECK_EQ(et_feed_counts(r.feed, 1).n_put, 20);
    close_agent(&a);
    et_link_agent_close(agent);
    close_recorder(&r);
    et_arena_close(arena);
    et_loop_close(loop);
}

int main(void)
{
    RUN(garbage_is_shut_out);
    RUN(a_stranger_may_not_speak_at_length);
    RUN(frames_out_of_their_order_are_shut_out);
    RUN(a_frame_beyond_the_limit_is_shut_out_before_it_comes);
    RUN(definitions_without_end_are_shut_out);
    RUN(who_says_nothing_is_shut_out);
    RUN(strangers_in_numbers_make_room);
    RUN(who_says_nothing_more_is_shut_out);
    RUN(another_version_hears_why_it_is_refused);
    RUN(who_is_refused_again_and_again_is_told_once);
    RUN(what_was_taken_before_is_passed_over_and_gaps_are_not);
    RUN(a_recorder_that_lies_or_stalls_is_left);
    RUN(a_source_takes_what_agents_send_with_their_names_before_it);
    RUN(a_source_that_others_reach_needs_tls_and_a_token);
    RUN(an_agent_sends_what_a_stations_sources_bring);
    return tap_end();
}
