// A headset's page is served, its poses come into the feed as they were sent, and whoever else
// comes does no harm. Client and server in one thread, on a clock that the test moves.
#include "../net/net_peer.h"
#include "support.h"
#include "tap.h"
#include "xr_made.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef-secret"
#define TEXTS 40
#define DEVICE_OFFSET (700 * S) // our clock less the page's

static struct et_err err;

/* ---- a station's source ---- */

static struct et_arena *arena;
static struct et_feed *feed;
static struct et_source *source;
static struct et_loop *loop; // of the pages
static struct et_operator_state state;
static int n_frames;
static char events[TEXTS][400]; // "kind: text value"
static int n_events;
static char address[ET_ADDRESS_BYTES];

static int64_t now_of_test(void *ctx)
{
    (void)ctx;
    return clock_ns;
}

static const char *text_at(const char **p)
{
    uint32_t n;
    *p += (4 - ((uintptr_t)*p & 3)) & 3;
    memcpy(&n, *p, 4);
    const char *text = *p + 4;
    *p += 4 + n;
    return text;
}

static void on_event(const struct et_feed_sample *sample)
{
    // As CDR: the header's stamp and frame, kind, source, text, value; aligned to 4 here too.
    static _Alignas(4) char bytes[4096];
    memcpy(bytes, sample->bytes, sample->n_bytes);
    const char *p = bytes + 4 + 8, *text[5];
    for (int i = 0; i < 5; i++)
        text[i] = text_at(&p);
    if (n_events < TEXTS)
        (void)snprintf(events[n_events++], sizeof events[0], "%s: %s %s", text[1], text[3],
                       text[4]);
    const char *http = strstr(text[3], "://");
    if (strcmp(text[1], "source.listening") == 0 && http)
        (void)snprintf(address, sizeof address, "%.*s", (int)strcspn(http + 3, "/"), http + 3);
}

static void on_put(void *ctx, const struct et_feed_sample *sample)
{
    (void)ctx;
    if (sample->stream == ET_FEED_EVENTS)
        on_event(sample);
    else
        n_frames += et_operator_take(&state, et_feed_stream(feed, sample->stream), sample);
}

static const char *event_of(const char *kind)
{
    const char *found = NULL;
    for (int i = 0; i < n_events; i++)
        if (strncmp(events[i], kind, strlen(kind)) == 0)
            found = events[i];
    return found;
}

static enum et_status open_source(const char *settings, bool only_look)
{
    static char path[] = "station.yaml";
    const struct et_value *value;
    const struct et_feed_options how = {.n_bytes = 1 << 22};
    const struct et_feed_listener listener = {.on_put = on_put};
    state = (struct et_operator_state){0};
    n_frames = n_events = 0;
    address[0] = 0;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_yaml_parse(et_str(settings), path, arena, &value, &err));
    CHECK_OK(et_feed_open(&feed, &how, &err));
    CHECK_OK(et_feed_listen(feed, &listener, &err));
    loop = make_loop();
    const struct et_source_options options = {.device = "headset",
                                              .settings = value,
                                              .path = path,
                                              .now_ns = now_of_test,
                                              .only_look = only_look};
    return et_source_open(&source, et_source_kind("webxr"), &options, feed, &err);
}

static void close_source(void)
{
    et_source_close(source);
    source = NULL;
    et_loop_close(loop);
    et_feed_close(feed);
    et_arena_close(arena);
}

// False: nothing was ready.
static bool turn(int wait_ms)
{
    int64_t t_next_ns;
    struct pollfd ready[2] = {{.fd = et_source_fd(source), .events = POLLIN},
                              {.fd = et_loop_fd(loop), .events = POLLIN}};
    const int n_ready = poll(ready, 2, wait_ms);
    CHECK_OK(et_loop_run_once(loop, 0, &err));
    CHECK_OK(et_source_poll(source, &t_next_ns, &err));
    CHECK(t_next_ns > 0);
    return n_ready > 0;
}

static void settle(void)
{
    for (int n_quiet = 0, i = 0; n_quiet < 6 && i < 1000; i++)
        n_quiet = turn(1) ? 0 : n_quiet + 1;
}

static bool turn_until(const int *count, int want)
{
    for (int i = 0; i < 3000 && *count < want; i++)
        turn(1);
    return CHECK(*count >= want);
}

static void go_by(int64_t by_ns)
{
    clock_ns += by_ns;
    settle();
}

/* ---- a page ---- */

struct page {
    struct et_websocket *ws;
    int is_open, is_over, code;
    char said[TEXTS][1024], why[200];
    int n_said, n_pings;
    bool answers;
    int64_t there_ns, back_ns; // what the ways take
};

static void page_opened(void *ctx, struct et_websocket *ws, const char *protocol)
{
    struct page *page = ctx;
    (void)ws;
    (void)protocol;
    page->is_open = 1;
}

static void answer(struct page *page, const char *p)
{
    uint32_t id;
    memcpy(&id, p + 4, 4);
    clock_ns += page->there_ns;
    const double t_came_ms = (double)(clock_ns - DEVICE_OFFSET) / 1e6;
    clock_ns += S / 5000;
    const struct xr_made pong = xr_pong(id, t_came_ms, (double)(clock_ns - DEVICE_OFFSET) / 1e6);
    CHECK_EQ(et_websocket_send(page->ws, ET_WEBSOCKET_BINARY, pong.p, pong.n, false), ET_OK);
    clock_ns += page->back_ns;
}

static void page_heard(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    struct page *page = ctx;
    (void)ws;
    if (kind == ET_WEBSOCKET_TEXT && page->n_said < TEXTS) {
        (void)snprintf(page->said[page->n_said++], sizeof page->said[0], "%.*s", (int)n, p);
    } else if (kind == ET_WEBSOCKET_BINARY) {
        CHECK_EQ(n, ET__WEBXR_PING_BYTES);
        page->n_pings++;
        if (page->answers)
            answer(page, p);
    }
}

static void page_closed(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    struct page *page = ctx;
    (void)ws;
    page->is_over = 1;
    page->code = code;
    (void)snprintf(page->why, sizeof page->why, "%s", why);
}

static const struct et_websocket_handlers PAGE = {
    .on_open = page_opened, .on_message = page_heard, .on_close = page_closed};

static void open_page(struct page *page, const char *query, const char *scheme, struct et_tls *tls,
                      const char *token)
{
    char url[300];
    *page = (struct page){0};
    (void)snprintf(url, sizeof url, "%s://%s/xr?%s", scheme, address, query);
    const struct et_websocket_to to = {.url = url, .tls = tls, .token = token};
    const struct et_websocket_options how = {.handlers = &PAGE, .ctx = page, .ping_ns = -1};
    CHECK_OK(et_websocket_open(&page->ws, loop, &to, &how, &err));
    for (int i = 0; i < 3000 && !page->is_open && !page->is_over; i++)
        turn(1);
}

static void close_page(struct page *page)
{
    if (!page->is_over)
        et_websocket_close(page->ws);
    page->is_over = 1;
    settle();
}

static void send_bytes(struct page *page, const void *p, size_t n)
{
    CHECK_EQ(et_websocket_send(page->ws, ET_WEBSOCKET_BINARY, p, n, false), ET_OK);
}

static void send_frame(struct page *page, uint32_t seq)
{
    const struct xr_made made = xr_frame(seq, (double)(clock_ns - DEVICE_OFFSET) / 1e6);
    send_bytes(page, made.p, made.n);
}

static void say(struct page *page, const char *text)
{
    CHECK_EQ(et_websocket_send(page->ws, ET_WEBSOCKET_TEXT, text, strlen(text), false), ET_OK);
}

#define HELLO "{\"op\": \"hello\", \"version\": 1, \"agent\": \"a test\", \"resolution_ms\": 0.005}"

static uint16_t stream_of(const char *topic)
{
    for (size_t i = 0; i < et_feed_n_streams(feed); i++)
        if (strcmp(et_feed_stream(feed, i)->topic, topic) == 0)
            return (uint16_t)i;
    CHECK_STR(topic, "announced");
    return 0;
}

static struct et_feed_counts counts_of(const char *topic)
{
    return et_feed_counts(feed, stream_of(topic));
}

/* ---- tests ---- */

static void announces_its_streams_without_a_port(void)
{
    static const char *const TOPICS[] = {
        "/headset/head",  "/headset/left_hand",        "/headset/right_hand",
        "/headset/frame", "/headset/left_hand/joints", "/headset/right_hand/joints",
        "/headset/clock", "/headset/left_hand/radii",  "/headset/right_hand/radii"};
    int64_t t_next_ns;
    CHECK_OK(open_source("{}", true));
    for (size_t i = 0; i < sizeof TOPICS / sizeof *TOPICS; i++)
        CHECK_STR(et_feed_stream(feed, stream_of(TOPICS[i]))->device, "headset");
    CHECK_EQ(n_events, 0);
    CHECK_EQ(et_source_fd(source), -1);
    CHECK_OK(et_source_poll(source, &t_next_ns, &err));
    CHECK_EQ(t_next_ns, INT64_MAX);
    CHECK_EQ(et_source_state(source), ET_SOURCE_WAITING);
    et_source_tell(source, &(struct et_source_news){.is_attempt = true});
    close_source();
}

static void get(const char *path, char *answer_text, size_t cap)
{
    char request[200];
    size_t n = 0;
    const int fd = peer_open(address);
    (void)snprintf(request, sizeof request,
                   "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    peer_puts(fd, request);
    for (int i = 0; i < 200; i++) {
        turn(1);
        const ssize_t got = recv(fd, answer_text + n, cap - 1 - n, 0);
        n += got > 0 ? (size_t)got : 0;
        if (got == 0)
            break;
    }
    answer_text[n] = 0;
    (void)close(fd);
}

static void serves_the_page(void)
{
    static char text[100000];
    CHECK_OK(open_source("listen: 127.0.0.1:0", false));
    CHECK_HAS(event_of("source.listening"), "http://127.0.0.1:");
    get("/", text, sizeof text);
    CHECK_HAS(text, "HTTP/1.1 200");
    CHECK_HAS(text, "<title>Étude");
    CHECK_HAS(text, "Cross-Origin-Opener-Policy: same-origin");
    get("/xr.js", text, sizeof text);
    CHECK_HAS(text, "requestSession");
    get("/xr.css", text, sizeof text);
    CHECK_HAS(text, "200 OK");
    get("/xr", text, sizeof text);
    CHECK_HAS(text, "HTTP/1.1 400"); // no WebSocket
    get("/../station.yaml", text, sizeof text);
    CHECK(!strstr(text, "200 OK"));
    close_source();
}

static void connections_that_ask_nothing_shut_nobody_out(void)
{
    static char text[100000];
    int fds[100];
    CHECK_OK(open_source("listen: 127.0.0.1:0", false));
    for (int i = 0; i < 100; i++) {
        fds[i] = peer_open(address);
        (void)turn(0);
    }
    get("/", text, sizeof text);
    CHECK_HAS(text, "HTTP/1.1 200");
    for (int i = 0; i < 100; i++)
        (void)close(fds[i]);
    close_source();
}

static void frames_come_into_the_feed_as_they_were_sent(void)
{
    struct page page;
    CHECK_OK(open_source("{listen: '127.0.0.1:0', frame: floor, rate_hz: 90}", false));
    open_page(&page, "as=headset&page=abc", "ws", NULL, NULL);
    say(&page, HELLO);
    settle();
    CHECK(page.n_said >= 2);
    CHECK_HAS(page.said[0], "\"op\":\"welcome\"");
    CHECK_HAS(page.said[0], "\"right_a\":\"next\"");
    CHECK_HAS(page.said[0], "\"rate_hz\":90.0");
    CHECK_EQ(et_source_state(source), ET_SOURCE_WAITING);
    for (uint32_t seq = 5; seq < 25; seq++) {
        clock_ns += S / 90;
        send_frame(&page, seq);
        turn_until(&n_frames, (int)seq - 4);
        CHECK_EQ(state.t_arrival_ns, clock_ns);
        CHECK(llabs(state.t_device_ns - (clock_ns - DEVICE_OFFSET)) <= 1000);
        CHECK_EQ(state.seq, seq);
    }
    CHECK_EQ(et_source_state(source), ET_SOURCE_LIVE);
    CHECK_HAS(event_of("device.found"), "a test");
    CHECK_NEAR(state.head.position.x, 0.25, 1e-6);
    CHECK_NEAR(state.hands[0].trigger, 0.75, 0);
    CHECK(state.hands[1].has_joints);
    CHECK_EQ(counts_of("/headset/head").n_put, 20);
    CHECK_EQ(counts_of("/headset/right_hand/joints").n_put, 20);
    CHECK_EQ(counts_of("/headset/left_hand/joints").n_put, 0);
    CHECK_EQ(counts_of("/headset/frame").n_lost, 0);
    go_by(S);
    CHECK_EQ(counts_of("/headset/right_hand/radii").n_put, 1);
    close_page(&page);
    CHECK_EQ(et_source_state(source), ET_SOURCE_WAITING);
    CHECK_HAS(event_of("device.lost"), "device.lost");
    close_source();
}

static void what_is_missing_is_counted_and_what_came_already_passed_over(void)
{
    static const uint32_t SEQS[] = {4294967290U, 4294967293U, 4294967293U, 4294967291U, 1, 2};
    struct page page;
    CHECK_OK(open_source("listen: 127.0.0.1:0", false));
    open_page(&page, "as=headset&page=abc", "ws", NULL, NULL);
    for (size_t i = 0; i < sizeof SEQS / sizeof *SEQS; i++)
        send_frame(&page, SEQS[i]);
    turn_until(&n_frames, 4);
    settle();
    CHECK_EQ(n_frames, 4);
    CHECK_EQ(counts_of("/headset/frame").n_lost, 2 + 3); // …91, 92; …94, 95, 0
    go_by(S);
    CHECK_HAS(event_of("source.garbage"), "2 messages were passed over");
    // One that begins far off counts from there; the same page goes on after a cut.
    send_frame(&page, 1000000000);
    turn_until(&n_frames, 5);
    close_page(&page);
    open_page(&page, "as=headset&page=abc", "ws", NULL, NULL);
    send_frame(&page, 1000000004);
    turn_until(&n_frames, 6);
    CHECK_EQ(counts_of("/headset/frame").n_lost, 5 + 3);
    close_page(&page);
    open_page(&page, "as=headset&page=other", "ws", NULL, NULL);
    send_frame(&page, 1000000090);
    turn_until(&n_frames, 7);
    CHECK_EQ(counts_of("/headset/frame").n_lost, 8);
    close_page(&page);
    close_source();
}

static void garbage_is_counted_told_and_passed_over(void)
{
    static const char *const TEXTS_OF_NOBODY[] = {"",
                                                  "{",
                                                  "[]",
                                                  "{\"op\": 5}",
                                                  "{\"op\": \"reboot\"}",
                                                  "{\"op\": \"mark\"}",
                                                  "{\"op\": \"mark\", \"mark\": \"a b\"}"};
    static char big[ET__WEBXR_MESSAGE_BYTES_MAX + 1];
    struct page page;
    CHECK_OK(open_source("listen: 127.0.0.1:0", false));
    open_page(&page, "as=headset", "ws", NULL, NULL);
    for (size_t i = 0; i < sizeof TEXTS_OF_NOBODY / sizeof *TEXTS_OF_NOBODY; i++)
        say(&page, TEXTS_OF_NOBODY[i]);
    send_bytes(&page, "", 0);
    send_bytes(&page, "\x01", 1);
    send_bytes(&page, "\x02\x01 a pong", 9);
    send_bytes(&page, big, 500);
    const struct xr_made late = xr_pong(99, 1, 2); // to a ping that nobody sent
    send_bytes(&page, late.p, late.n);
    send_frame(&page, 1);
    turn_until(&n_frames, 1);
    go_by(S);
    CHECK_HAS(event_of("source.garbage"), "11 messages were passed over");
    CHECK(!page.is_over);
    CHECK(!event_of("mark"));
    n_events = 0;
    go_by(S);
    CHECK(!event_of("source.garbage")); // it is told once
    send_bytes(&page, big, sizeof big);
    turn_until(&page.is_over, 1);
    CHECK_EQ(page.code, ET_WEBSOCKET_TOO_BIG);
    close_source();
}

static void silence_and_a_cut_lose_the_headset_and_frames_find_it(void)
{
    struct page page;
    CHECK_OK(open_source("listen: 127.0.0.1:0", false));
    open_page(&page, "as=headset&page=abc", "ws", NULL, NULL);
    send_frame(&page, 1);
    turn_until(&n_frames, 1);
    CHECK_EQ(et_source_state(source), ET_SOURCE_LIVE);
    // It lies on the table: pings are answered, no frames come.
    page.answers = true;
    for (int i = 0; i < 20; i++)
        go_by(S / 5);
    CHECK(page.n_pings > 10);
    CHECK_EQ(et_source_state(source), ET_SOURCE_WAITING);
    CHECK_HAS(event_of("device.lost"), "no frames come");
    send_frame(&page, 2);
    turn_until(&n_frames, 2);
    CHECK_EQ(et_source_state(source), ET_SOURCE_LIVE);
    // It is out of reach: nothing at all comes.
    page.answers = false;
    for (int i = 0; i < 60 && !page.is_over; i++)
        go_by(S / 5);
    CHECK(page.is_over || et_source_state(source) == ET_SOURCE_WAITING);
    close_page(&page);
    int n_found = 0, n_lost = 0;
    for (int i = 0; i < n_events; i++) {
        n_found += strncmp(events[i], "device.found", 12) == 0;
        n_lost += strncmp(events[i], "device.lost", 11) == 0;
    }
    CHECK(n_found == 2 && n_lost == 2);
    close_source();
}

static void a_second_headset_is_refused_or_takes_over(void)
{
    struct page first, second;
    CHECK_OK(open_source("listen: 127.0.0.1:0", false));
    open_page(&first, "as=headset&page=one", "ws", NULL, NULL);
    send_frame(&first, 1);
    turn_until(&n_frames, 1);
    open_page(&second, "as=headset&page=two", "ws", NULL, NULL);
    turn_until(&second.is_over, 1);
    CHECK_EQ(second.code, ET__WEBXR_BUSY);
    CHECK_HAS(second.why, "another headset is in use");
    send_frame(&first, 2);
    turn_until(&n_frames, 2);
    CHECK_EQ(counts_of("/headset/frame").n_put, 2);
    // The same page comes again before its end was noticed.
    open_page(&second, "as=headset&page=one", "ws", NULL, NULL);
    turn_until(&first.is_over, 1);
    CHECK_EQ(first.code, ET__WEBXR_REPLACED);
    send_frame(&second, 3);
    turn_until(&n_frames, 3);
    CHECK_EQ(counts_of("/headset/frame").n_lost, 0);
    close_page(&second);
    close_source();
    CHECK_OK(open_source("{listen: '127.0.0.1:0', second: replace}", false));
    open_page(&first, "as=headset&page=one", "ws", NULL, NULL);
    open_page(&second, "as=headset&page=two", "ws", NULL, NULL);
    turn_until(&first.is_over, 1);
    CHECK_EQ(first.code, ET__WEBXR_REPLACED);
    send_frame(&second, 1);
    turn_until(&n_frames, 1);
    close_page(&second);
    close_source();
}

static void other_pages_look_on_and_set_marks(void)
{
    struct page pages[ET__WEBXR_PAGES_MAX + 1];
    CHECK_OK(open_source("{listen: '127.0.0.1:0', buttons: {left_x: again}}", false));
    for (int i = 0; i <= ET__WEBXR_PAGES_MAX; i++)
        open_page(&pages[i], "as=page", "ws", NULL, NULL);
    turn_until(&pages[ET__WEBXR_PAGES_MAX].is_over, 1);
    CHECK_EQ(pages[ET__WEBXR_PAGES_MAX].code, ET__WEBXR_BUSY);
    say(&pages[0], HELLO);
    say(&pages[0], "{\"op\": \"mark\", \"mark\": \"next\", \"by\": \"page\"}");
    settle();
    CHECK_HAS(pages[0].said[0], "\"left_x\":\"again\"");
    CHECK(!strstr(pages[0].said[0], "right_a"));
    CHECK_STR(event_of("mark"), "mark: start {\"by\": \"page\"}");
    et_source_tell(source, &(struct et_source_news){.is_attempt = true,
                                                    .t_begin_ns = clock_ns - 2 * S,
                                                    .skill = "take_bottle",
                                                    .n_done = 3,
                                                    .deadman = ET_SOURCE_DEADMAN_HELD});
    settle();
    for (int i = 0; i < ET__WEBXR_PAGES_MAX; i++) {
        const char *status = pages[i].said[pages[i].n_said - 1];
        CHECK_HAS(status, "\"recording\":true");
        CHECK_HAS(status, "\"seconds\":2.0");
        CHECK_HAS(status, "\"skill\":\"take_bottle\"");
        CHECK_HAS(status, "\"done\":3");
        CHECK_HAS(status, "\"deadman\":\"held\"");
        CHECK_HAS(status, "\"headset\":false");
    }
    say(&pages[1], "{\"op\": \"mark\", \"mark\": \"next\", \"by\": \"right_a\"}");
    settle();
    CHECK_STR(event_of("mark"), "mark: success {\"by\": \"right_a\"}");
    send_frame(&pages[2], 1); // it is no headset
    settle();
    CHECK_EQ(n_frames, 0);
    say(&pages[3], "{\"op\": \"hello\", \"version\": 9}");
    turn_until(&pages[3].is_over, 1);
    CHECK_EQ(pages[3].code, ET__WEBXR_OTHER_VERSION);
    for (int i = 0; i <= ET__WEBXR_PAGES_MAX; i++)
        close_page(&pages[i]);
    close_source();
}

static void pings_give_the_clocks_offset_within_its_uncertainty(void)
{
    static const int64_t WAYS_NS[][2] = {{4 * S / 1000, 2 * S / 1000},
                                         {S / 1000, 9 * S / 1000},
                                         {30 * S / 1000, S / 1000},
                                         {S / 2000, S / 2000},
                                         {20 * S / 1000, 25 * S / 1000}};
    struct page page;
    CHECK_OK(open_source("listen: 127.0.0.1:0", false));
    open_page(&page, "as=headset&page=abc", "ws", NULL, NULL);
    say(&page, HELLO);
    page.answers = true;
    for (int i = 0; i < 25; i++) {
        page.there_ns = WAYS_NS[i % 5][0];
        page.back_ns = WAYS_NS[i % 5][1];
        go_by(S / 5);
        if (i < 2)
            continue;
        send_frame(&page, (uint32_t)i);
        turn_until(&n_frames, i - 1);
        CHECK(state.uncertainty_ns > 0);
        CHECK(llabs(state.offset_ns - DEVICE_OFFSET) <= state.uncertainty_ns);
    }
    CHECK(page.n_pings >= 12);
    CHECK(state.uncertainty_ns < 2 * S / 1000); // half of the best, with a second's drift
    CHECK(llabs(et_operator_time(&state, state.t_device_ns) - clock_ns) < 2 * S / 1000);
    CHECK(counts_of("/headset/clock").n_put >= 4);
    CHECK_HAS(page.said[page.n_said - 1], "\"round_trip_ms\":1.0");
    close_page(&page);
    close_source();
}

// An address of this machine that is not its loopback; false: it has none.
static bool find_own_address(char host[64])
{
    struct ifaddrs *all = NULL;
    bool is_found = false;
    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *a = all; a && !is_found; a = a->ifa_next)
        is_found = a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
                   getnameinfo(a->ifa_addr, sizeof(struct sockaddr_in), host, 64, NULL, 0,
                               NI_NUMERICHOST) == 0 &&
                   strncmp(host, "127.", 4) != 0;
    freeifaddrs(all);
    return is_found;
}

static void from_other_machines_a_token_is_needed(void)
{
    char settings[500], host[64];
    struct page page;
    struct et_tls *trust;
    write_file(temp_path("token"), TOKEN "\n", strlen(TOKEN) + 1);
    (void)snprintf(settings, sizeof settings,
                   "{listen: '0.0.0.0:0', state: %s, token_file: %s, names: [robot-7.local]}",
                   temp_path("state/xr"), temp_path("token"));
    CHECK_OK(open_source(settings, false));
    const char *print = strstr(event_of("source.listening"), "certificate ");
    CHECK(print);
    CHECK(!strstr(event_of("source.listening"), TOKEN));
    char pin[ET_TLS_FINGERPRINT_BYTES];
    (void)snprintf(pin, sizeof pin, "%.*s", ET_TLS_FINGERPRINT_BYTES - 1, print + 12);
    pin[strcspn(pin, " ")] = 0;
    const struct et_tls_client_options pinned = {.pin = pin};
    CHECK_OK(et_tls_open_client(&trust, &pinned, &err));
    if (find_own_address(host)) {
        const char *port = strrchr(address, ':');
        char there[ET_ADDRESS_BYTES];
        (void)snprintf(there, sizeof there, "%s%s", host, port);
        (void)snprintf(address, sizeof address, "%s", there);
        open_page(&page, "as=headset", "wss", trust, NULL);
        CHECK(page.is_over && !page.is_open);
        CHECK_HAS(page.why, "401");
        open_page(&page, "as=headset", "wss", trust, TOKEN "x");
        CHECK(page.is_over && !page.is_open);
        open_page(&page, "as=headset", "wss", trust, TOKEN);
        CHECK(page.is_open && !page.is_over);
        send_frame(&page, 1);
        turn_until(&n_frames, 1);
        close_page(&page);
    } else {
        tap_skip("this machine has no network");
    }
    et_tls_close(trust);
    close_source();
}

static void wrong_settings_are_told(void)
{
    static const struct {
        const char *settings;
        enum et_status want;
        const char *text;
    } CASES[] = {
        {"listen: 0.0.0.0:0", ET_ECORRUPT, "give a token"},
        {"listen: nonsense", ET_ECORRUPT, "give a token"},
        {"{listen: '127.0.0.1:0', token: short}", ET_EARG, "token"},
        {"{listen: '127.0.0.1:0', token_file: /nowhere/token}", ET_ENOTFOUND, "/nowhere/token"},
        {"{listen: '127.0.0.1:0', cert: a.pem}", ET_ECORRUPT, "cert, key"},
        {"{listen: '127.0.0.1:0', cert: /nowhere.pem, key: /nowhere.pem}", ET_ENOTFOUND, "nowhere"},
        {"{listen: '127.0.0.1:0', buttons: {left_a: start}}", ET_ECORRUPT, "no button is called"},
        {"{listen: '127.0.0.1:0', buttons: {left_x: A B}}", ET_ECORRUPT, "a mark is a word"},
        {"{listen: '127.0.0.1:0', second: both}", ET_ECORRUPT, "second"},
        {"{listen: '127.0.0.1:0', rate_hz: 5}", ET_ECORRUPT, "rate_hz"},
        {"{listen: '127.0.0.1:0', lisen: 5}", ET_ECORRUPT, "listen"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_EQ(open_source(CASES[i].settings, false), CASES[i].want);
        CHECK_HAS(err.text, CASES[i].text);
        CHECK(!source);
        close_source();
    }
    CHECK_OK(open_source("listen: 127.0.0.1:0", false));
    struct et_source *again;
    struct et_arena *other;
    const struct et_value *value;
    char settings[200];
    (void)snprintf(settings, sizeof settings, "listen: %s", address);
    CHECK_OK(et_arena_open(&other, 1 << 16, &err));
    CHECK_OK(et_yaml_parse(et_str(settings), NULL, other, &value, &err));
    const struct et_source_options options = {.device = "second", .settings = value};
    CHECK_EQ(et_source_open(&again, et_source_kind("webxr"), &options, feed, &err), ET_EEXISTS);
    et_arena_close(other);
    close_source();
}

static void closes_with_pages_open(void)
{
    struct page pages[4];
    CHECK_OK(open_source("listen: 127.0.0.1:0", false));
    for (int i = 0; i < 4; i++)
        open_page(&pages[i], i < 2 ? "as=headset" : "as=page", "ws", NULL, NULL);
    et_source_close(source); // one is a headset, one is being sent away, two look on
    source = NULL;
    for (int i = 0; i < 4; i++)
        if (!pages[i].is_over)
            et_websocket_close(pages[i].ws);
    close_source();
}

int main(void)
{
    RUN(announces_its_streams_without_a_port);
    RUN(serves_the_page);
    RUN(connections_that_ask_nothing_shut_nobody_out);
    RUN(frames_come_into_the_feed_as_they_were_sent);
    RUN(what_is_missing_is_counted_and_what_came_already_passed_over);
    RUN(garbage_is_counted_told_and_passed_over);
    RUN(silence_and_a_cut_lose_the_headset_and_frames_find_it);
    RUN(a_second_headset_is_refused_or_takes_over);
    RUN(other_pages_look_on_and_set_marks);
    RUN(pings_give_the_clocks_offset_within_its_uncertainty);
    RUN(from_other_machines_a_token_is_needed);
    RUN(wrong_settings_are_told);
    RUN(closes_with_pages_open);
    return tap_end();
}
