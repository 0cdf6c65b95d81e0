/* The headset: its WebSocket, what its page says and what it is told. */
#include "record/record__webxr.h"

#include "etude/clock.h"
#include "etude/json.h"

#include <math.h>
#include <stdio.h>

#define PING_NS (ET_NS_PER_S / 5)
#define TICK_NS ET_NS_PER_S
#define SILENCE_NS (2 * ET_NS_PER_S) // without a frame, or any sign of life
#define SEND_BYTES_MAX ((size_t)64 << 10)
#define ARENA_BYTES ((size_t)64 << 10)
#define STATUS_BYTES 2048
#define WORD_BYTES 32
#define SEQ_JUMP_MAX 100000 // further ahead, it counts from somewhere else
#define RESOLUTION_MS_MAX 20.0

/* ---- told to the page ---- */

static void send_text(struct et_websocket *ws, const struct et_buf *buf)
{
    if (ws && buf->status == ET_OK)
        (void)!et_websocket_send(ws, ET_WEBSOCKET_TEXT, buf->p, buf->n, true);
}

static void put_buttons(struct et_json_writer *w, const struct et_value *buttons)
{
    et_json_key(w, "buttons");
    et_json_open_map(w);
    for (size_t i = 0; i < et_value_count(buttons); i++) {
        et_json_key_str(w, buttons->as.many.keys[i]);
        et_json_text(w, et_value_text(et_value_at(buttons, i), ""));
    }
    // What most controllers have under the thumb.
    if (!buttons) {
        et_json_put_text(w, "right_a", "next");
        et_json_put_text(w, "right_b", "failure");
        et_json_put_text(w, "left_y", "discard");
    }
    et_json_close_map(w);
}

static void say_welcome(struct et__webxr_peer *peer, struct et_websocket *ws)
{
    struct et_buf buf = et_buf(ET__WEBXR_MESSAGE_BYTES_MAX);
    struct et_json_writer w = {.buf = &buf};
    const struct et_value *settings = peer->settings;
    et_json_open_map(&w);
    et_json_put_text(&w, "op", "welcome");
    et_json_put_int(&w, "version", ET__WEBXR_VERSION);
    et_json_put_text(&w, "device", peer->options.device);
    et_json_put_text(&w, "mode", et_value_text(et_value_get(settings, "mode"), "auto"));
    et_json_put_real(&w, "rate_hz", et_value_real(et_value_get(settings, "rate_hz"), 0));
    put_buttons(&w, et_value_get(settings, "buttons"));
    et_json_close_map(&w);
    send_text(ws, &buf);
    et_buf_free(&buf);
}

static const char *deadman_text(enum et_source_deadman deadman)
{
    return deadman == ET_SOURCE_DEADMAN_HELD       ? "held"
           : deadman == ET_SOURCE_DEADMAN_RELEASED ? "released"
                                                   : "none";
}

static void say_status(struct et__webxr_peer *peer)
{
    struct et_buf buf = et_buf(STATUS_BYTES);
    struct et_json_writer w = {.buf = &buf};
    struct et__webxr_offset offset;
    const struct et_source_news *news = &peer->news;
    const int64_t t_ns = et_loop_now_ns(peer->loop);
    const bool is_known = peer->ws && et__webxr_sync_offset(&peer->sync, t_ns, &offset);
    et_json_open_map(&w);
    et_json_put_text(&w, "op", "status");
    et_json_put_bool(&w, "headset", peer->is_live);
    et_json_put_bool(&w, "recording", news->is_attempt);
    et_json_put_real(&w, "seconds", news->is_attempt ? (double)(t_ns - news->t_begin_ns) / 1e9 : 0);
    et_json_put_text(&w, "skill", peer->skill);
    et_json_put_text(&w, "instruction", peer->instruction);
    et_json_put_int(&w, "done", news->n_done);
    et_json_put_int(&w, "success", news->n_success);
    et_json_put_int(&w, "failure", news->n_failure);
    et_json_put_int(&w, "discarded", news->n_discarded);
    et_json_put_text(&w, "deadman", deadman_text(news->deadman));
    et_json_put_int(&w, "rate_hz", (int64_t)(peer->n_frames - peer->n_frames_before));
    et_json_put_int(&w, "lost", (int64_t)peer->n_lost);
    et_json_put_real(&w, "round_trip_ms",
                     is_known ? (double)offset.round_trip_ns / 1e6 : (double)NAN);
    et_json_put_real(&w, "uncertainty_ms",
                     is_known ? (double)offset.uncertainty_ns / 1e6 : (double)NAN);
    et_json_close_map(&w);
    send_text(peer->ws, &buf);
    for (size_t i = 0; i < ET__WEBXR_PAGES_MAX; i++)
        send_text(peer->pages[i], &buf);
    et_buf_free(&buf);
}

void et__webxr_peer_tell(struct et__webxr_peer *peer, const struct et_source_news *news)
{
    peer->news = *news;
    (void)snprintf(peer->skill, sizeof peer->skill, "%s", news->skill ? news->skill : "");
    (void)snprintf(peer->instruction, sizeof peer->instruction, "%s",
                   news->instruction ? news->instruction : "");
    peer->news.skill = peer->skill;
    peer->news.instruction = peer->instruction;
    say_status(peer);
}

/* ---- there or not ---- */

static void event(struct et__webxr_peer *peer, const char *kind, const char *text,
                  const char *value)
{
    (void)et_feed_event(peer->streams.feed, kind, peer->options.device, text, value);
}

static void set_live(struct et__webxr_peer *peer, bool is_live, const char *why)
{
    if (peer->is_live == is_live)
        return;
    peer->is_live = is_live;
    event(peer, is_live ? "device.found" : "device.lost", why, NULL);
}

static void leave(struct et__webxr_peer *peer, const char *why)
{
    peer->ws = NULL;
    peer->t_ping_ns = 0;
    et_timer_end(&peer->ping);
    set_live(peer, false, why);
}

/* ---- what the page says ---- */

static void count_garbage(struct et__webxr_peer *peer, const char *why)
{
    peer->n_garbage++;
    (void)snprintf(peer->garbage, sizeof peer->garbage, "%.255s", why);
}

// false: it is an old frame, or one that came already.
static bool is_new(struct et__webxr_peer *peer, uint32_t seq)
{
    const int64_t n_ahead = (int32_t)(seq - peer->seq); // it may wrap
    if (peer->has_seq && n_ahead <= 0 && n_ahead > -SEQ_JUMP_MAX)
        return false;
    if (peer->has_seq && n_ahead > 1 && n_ahead < SEQ_JUMP_MAX) {
        et_feed_lost(peer->streams.feed, peer->streams.moment, (uint64_t)n_ahead - 1);
        peer->n_lost += (uint64_t)n_ahead - 1;
    }
    peer->has_seq = true;
    peer->seq = seq;
    return true;
}

static void on_frame(struct et__webxr_peer *peer, struct et_str bytes)
{
    struct et_err err = {0};
    struct et__webxr_offset offset;
    const int64_t t_ns = et_loop_now_ns(peer->loop);
    if (et__webxr_frame_read(bytes, &peer->frame, &err) != ET_OK) {
        count_garbage(peer, err.text);
        return;
    }
    if (!is_new(peer, peer->frame.seq)) {
        count_garbage(peer, "a frame that is older than the one before");
        return;
    }
    peer->n_frames++;
    peer->t_frame_ns = t_ns;
    set_live(peer, true, peer->agent);
    const bool is_known = et__webxr_sync_offset(&peer->sync, t_ns, &offset);
    et__webxr_put_frame(&peer->streams, &peer->frame, is_known ? &offset : NULL, t_ns);
}

static void on_pong(struct et__webxr_peer *peer, struct et_str bytes)
{
    struct et__webxr_pong pong;
    struct et_err err = {0};
    if (et__webxr_pong_read(bytes, &pong, &err) != ET_OK) {
        count_garbage(peer, err.text);
        return;
    }
    if (pong.id != peer->ping_id || peer->t_ping_ns == 0)
        return; // an answer that is too late
    et__webxr_sync_put(&peer->sync, peer->t_ping_ns, &pong, et_loop_now_ns(peer->loop));
    peer->t_ping_ns = 0;
}

// What a browser calls itself goes into events: plain letters, which a cut does not break.
static void copy_plain(char to[ET__WEBXR_TEXT_BYTES], const char *from)
{
    size_t n = 0;
    for (; from[n] && n + 1 < ET__WEBXR_TEXT_BYTES; n++)
        to[n] = from[n] >= ' ' && from[n] <= '~' ? from[n] : '?';
    to[n] = 0;
}

static void on_hello(struct et__webxr_peer *peer, struct et_websocket *ws,
                     const struct et_value *said)
{
    const double ms = et_value_real(et_value_get(said, "resolution_ms"), 0);
    if (et_value_int(et_value_get(said, "version"), 0) != ET__WEBXR_VERSION) {
        et_websocket_end(ws, ET__WEBXR_OTHER_VERSION, "load the page again");
        return;
    }
    if (ws == peer->ws && ms > 0 && ms <= RESOLUTION_MS_MAX)
        peer->sync.resolution_ns = (int64_t)(ms * 1e6);
    if (ws == peer->ws)
        copy_plain(peer->agent, et_value_text(et_value_get(said, "agent"), ""));
    say_welcome(peer, ws);
    say_status(peer);
}

static void on_mark(struct et__webxr_peer *peer, const struct et_value *said)
{
    const char *mark = et_value_text(et_value_get(said, "mark"), "");
    const char *by = et_value_text(et_value_get(said, "by"), "");
    char value[2 * WORD_BYTES];
    if (strcmp(mark, "next") == 0)
        mark = peer->news.is_attempt ? "success" : "start";
    if (!et_name_is_own(et_str(mark)) || strlen(mark) >= WORD_BYTES ||
        !et_name_is_own(et_str(by)) || strlen(by) >= WORD_BYTES) {
        count_garbage(peer, "a mark without a word");
        return;
    }
    (void)snprintf(value, sizeof value, "{\"by\": \"%s\"}", by);
    event(peer, "mark", mark, value);
}

static void on_text(struct et__webxr_peer *peer, struct et_websocket *ws, struct et_str text)
{
    const struct et_value *said;
    struct et_err err = {0};
    const struct et_arena_mark mark = et_arena_mark(peer->arena);
    if (et_json_parse(text, NULL, peer->arena, &said, &err) != ET_OK) {
        count_garbage(peer, err.text);
        return;
    }
    const char *op = et_value_text(et_value_get(said, "op"), "");
    if (strcmp(op, "hello") == 0)
        on_hello(peer, ws, said);
    else if (strcmp(op, "mark") == 0)
        on_mark(peer, said);
    else
        count_garbage(peer, "a text of an unknown kind");
    et_arena_rewind(peer->arena, mark);
}

static struct et_websocket **place_of(struct et_websocket *list[ET__WEBXR_PAGES_MAX],
                                      const struct et_websocket *ws)
{
    for (size_t i = 0; i < ET__WEBXR_PAGES_MAX; i++)
        if (list[i] == ws)
            return &list[i];
    return NULL;
}

static void on_message(void *ctx, struct et_websocket *ws, enum et_websocket_kind kind, char *p,
                       size_t n)
{
    struct et__webxr_peer *peer = ctx;
    const struct et_str bytes = {p, n};
    if (place_of(peer->leaving, ws))
        return;
    if (kind == ET_WEBSOCKET_TEXT)
        on_text(peer, ws, bytes);
    else if (ws != peer->ws)
        count_garbage(peer, "a page that is no headset's sends poses");
    else if (n > 0 && p[0] == ET__WEBXR_PING)
        on_pong(peer, bytes);
    else
        on_frame(peer, bytes);
}

/* One that is sent away goes when both sides have said so. Until then it is kept, to be closed with
 * the rest. */
static void send_away(struct et__webxr_peer *peer, struct et_websocket *ws, int code,
                      const char *why)
{
    struct et_websocket **place = place_of(peer->leaving, NULL);
    if (!place) {
        et_websocket_close(ws);
        return;
    }
    *place = ws;
    et_websocket_end(ws, code, why);
}

static void on_close(void *ctx, struct et_websocket *ws, int code, const char *why)
{
    struct et__webxr_peer *peer = ctx;
    struct et_websocket **leaving = place_of(peer->leaving, ws), **page = place_of(peer->pages, ws);
    (void)code;
    if (leaving)
        *leaving = NULL;
    if (page)
        *page = NULL;
    if (ws == peer->ws)
        leave(peer, why[0] ? why : "the page was closed");
}

static const struct et_websocket_handlers HANDLERS = {.on_message = on_message,
                                                      .on_close = on_close};

/* ---- who comes ---- */

static void take(struct et__webxr_peer *peer, struct et_websocket *ws, const char *page)
{
    // The same page comes back: its clock and its numbers go on.
    if (!page[0] || strcmp(page, peer->page) != 0) {
        peer->sync = (struct et__webxr_sync){0};
        peer->has_seq = false;
    }
    (void)snprintf(peer->page, sizeof peer->page, "%s", page);
    peer->ws = ws;
    et_timer_set(peer->loop, &peer->ping, et_loop_now_ns(peer->loop));
}

static void admit_page(struct et__webxr_peer *peer, struct et_websocket *ws)
{
    struct et_websocket **place = place_of(peer->pages, NULL);
    if (place)
        *place = ws;
    else
        send_away(peer, ws, ET__WEBXR_BUSY, "too many pages are open");
}

static void admit_headset(struct et__webxr_peer *peer, struct et_websocket *ws, const char *page)
{
    struct et_websocket *before = peer->ws;
    const bool is_same = page[0] && strcmp(page, peer->page) == 0;
    if (before && !is_same && !peer->replaces) {
        send_away(peer, ws, ET__WEBXR_BUSY, "another headset is in use here");
        return;
    }
    if (before) {
        leave(peer, is_same ? "the page comes again" : "another headset takes over");
        send_away(peer, before, ET__WEBXR_REPLACED, "another headset takes over");
    }
    take(peer, ws, page);
}

void et__webxr_peer_accept(void *ctx, struct et_http_exchange *x)
{
    struct et__webxr_peer *peer = ctx;
    const struct et_http_request *request = et_http_request(x);
    struct et_websocket *ws;
    char page[ET__WEBXR_PAGE_BYTES] = "", role[WORD_BYTES] = "";
    const struct et_websocket_options how = {.handlers = &HANDLERS,
                                             .ctx = peer,
                                             .message_bytes_max = ET__WEBXR_MESSAGE_BYTES_MAX,
                                             .send_bytes_max = SEND_BYTES_MAX,
                                             .ping_ns = SILENCE_NS};
    if (et_http_query(request, "page", page, sizeof page) != ET_OK || !et_name_is_own(et_str(page)))
        page[0] = 0;
    const bool is_headset =
        et_http_query(request, "as", role, sizeof role) == ET_OK && strcmp(role, "headset") == 0;
    if (et_websocket_accept(&ws, x, &how, NULL) != ET_OK)
        return;
    if (is_headset)
        admit_headset(peer, ws, page);
    else
        admit_page(peer, ws);
}

/* ---- as time goes by ---- */

static void on_ping_time(void *ctx)
{
    struct et__webxr_peer *peer = ctx;
    char bytes[ET__WEBXR_PING_BYTES];
    if (!peer->ws)
        return;
    et_timer_set(peer->loop, &peer->ping, et_loop_now_ns(peer->loop) + PING_NS);
    et__webxr_ping_put(++peer->ping_id, bytes);
    // As late as it can be, and not where it would wait behind something.
    peer->t_ping_ns = peer->options.now_ns(peer->options.ctx);
    if (et_websocket_counts(peer->ws).n_unsent_bytes > 0 ||
        et_websocket_send(peer->ws, ET_WEBSOCKET_BINARY, bytes, sizeof bytes, true) != ET_OK)
        peer->t_ping_ns = 0;
}

static void tell_garbage(struct et__webxr_peer *peer)
{
    char text[ET__WEBXR_TEXT_BYTES + 80];
    if (peer->n_garbage == peer->n_garbage_told)
        return;
    (void)snprintf(text, sizeof text, "%llu messages were passed over, the last one for: %s",
                   (unsigned long long)(peer->n_garbage - peer->n_garbage_told), peer->garbage);
    peer->n_garbage_told = peer->n_garbage;
    event(peer, "source.garbage", text, NULL);
}

static void on_tick(void *ctx)
{
    struct et__webxr_peer *peer = ctx;
    struct et__webxr_offset offset;
    const int64_t t_ns = et_loop_now_ns(peer->loop);
    et_timer_set(peer->loop, &peer->tick, t_ns + TICK_NS);
    if (t_ns - peer->t_frame_ns >= SILENCE_NS)
        set_live(peer, false, "no frames come");
    if (peer->ws && et__webxr_sync_offset(&peer->sync, t_ns, &offset))
        et__webxr_put_clock(&peer->streams, &offset, t_ns);
    if (peer->is_live)
        et__webxr_put_radii(&peer->streams, &peer->frame, t_ns);
    tell_garbage(peer);
    say_status(peer);
    peer->n_frames_before = peer->n_frames;
}

enum et_status et__webxr_peer_open(struct et__webxr_peer *peer, struct et_err *err)
{
    peer->ping = (struct et_timer){.on_time = on_ping_time, .ctx = peer};
    peer->tick = (struct et_timer){.on_time = on_tick, .ctx = peer};
    et_timer_set(peer->loop, &peer->tick, et_loop_now_ns(peer->loop) + TICK_NS);
    return et_arena_open(&peer->arena, ARENA_BYTES, err);
}

void et__webxr_peer_close(struct et__webxr_peer *peer)
{
    et_timer_end(&peer->ping);
    et_timer_end(&peer->tick);
    et_websocket_close(peer->ws);
    for (size_t i = 0; i < ET__WEBXR_PAGES_MAX; i++) {
        et_websocket_close(peer->leaving[i]);
        et_websocket_close(peer->pages[i]);
    }
    et_arena_close(peer->arena);
}

/* ---- settings ---- */

static bool is_button(struct et_str name)
{
    for (int side = 0; side < 2; side++) {
        const char *prefix = side ? "right_" : "left_";
        if (!et_str_starts(name, prefix))
            continue;
        const struct et_str rest = {name.p + strlen(prefix), name.n - strlen(prefix)};
        for (size_t i = 0; et__webxr_button_name(side, i); i++)
            if (et_str_is(rest, et__webxr_button_name(side, i)))
                return true;
    }
    return false;
}

enum et_status et__webxr_check_buttons(const struct et_value *buttons, const char *path,
                                       struct et_err *err)
{
    for (size_t i = 0; i < et_value_count(buttons); i++) {
        const struct et_str name = buttons->as.many.keys[i];
        const struct et_value *mark = et_value_at(buttons, i);
        const struct et_str word = et_str(et_value_text(mark, ""));
        if (!is_button(name))
            return et_yaml_fail(err, path, et_value_place(mark),
                                "no button is called \"%.*s\": left_x, left_y, right_a, right_b, "
                                "left_trigger, right_squeeze, left_stick …",
                                ET_STR_ARG(name));
        if (!et_name_is_own(word) || word.n >= WORD_BYTES)
            return et_yaml_fail(err, path, et_value_place(mark),
                                "a mark is a word of a-z, 0-9, _ . and -: \"%.*s\"",
                                ET_STR_ARG(word));
    }
    return ET_OK;
}
