/* The agent: what its feeds bring, in batches to the recorder, and again until they are taken. */
#include "record/record__link_agent.h"

#include "etude/clock.h"
#include "etude/hash.h"
#include "record/record__recorder.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_NS (ET_NS_PER_S / 100)
#define BATCH_BYTES ((size_t)256 << 10) // after which another begins
#define WINDOW_BYTES ((size_t)16 << 20)
#define SPOOL_BYTES ((int64_t)1 << 30)
#define RETRY_NS (ET_NS_PER_S / 10)
#define RETRY_NS_MAX (10 * ET_NS_PER_S)
#define IDLE_NS (10 * ET_NS_PER_S)  // the recorder pings every second
#define OUT_BYTES ((size_t)1 << 20) // that may wait for the system, and one frame
#define LOSSES_NS (ET_NS_PER_S / 10)
#define ID_BYTES_MAX 64
#define EVENT_BYTES ((size_t)4 << 10)
#define STREAMS_RING_BYTES ((size_t)4 << 10)

/* ---- words to the recorder ---- */

static void disconnect(struct et_link_agent *a, const struct et_err *why);

static enum et_status send_words(struct et_link_agent *a)
{
    enum et_status st = a->words.status;
    if (st == ET_OK)
        st = et_conn_send(a->conn, a->words.p, a->words.n);
    et_buf_clear(&a->words);
    return st;
}

static enum et_status greet(struct et_link_agent *a)
{
    et__link_put_hello(&a->words, &(struct et__link_hello){.version = ET__LINK_VERSION,
                                                           .session = a->options.session,
                                                           .t_agent_ns = et__agent_now(a),
                                                           .t_real_ns = et_clock_real_ns(),
                                                           .agent = et_str(a->options.id),
                                                           .token = et_str(a->options.token),
                                                           .robot = et_str(a->options.robot),
                                                           .serial = et_str(a->options.serial)});
    return send_words(a);
}

// Streams go before the first batch that has them. false: there is no room now.
static bool announce(struct et_link_agent *a)
{
    while (a->n_announced < et_feed_n_streams(a->streams)) {
        et__link_put_stream(&a->words,
                            &(struct et__link_stream){(uint16_t)a->n_announced,
                                                      *et_feed_stream(a->streams, a->n_announced)});
        if (send_words(a) != ET_OK)
            return false;
        a->n_announced++;
    }
    return true;
}

/* What is latched came once, and this recorder may not have heard it: what is not sent to it anyhow
 * is sent again, before the batches. false: there is no room now. */
static bool say_again(struct et_link_agent *a)
{
    for (; a->i_again < a->n_announced; a->i_again++, a->n_again = 0) {
        const struct et__keep *keep = &a->keeps[a->i_again];
        const struct et__keep_sample *k = keep->how == ET__KEEP_LATCHED ? keep->oldest : NULL;
        for (size_t n = 0; k && n < a->n_again; n++)
            k = k->next;
        for (; k; k = k->next, a->n_again++) {
            if (k->number >= a->n_welcome)
                continue;
            if (et_conn_unsent(a->conn) >= (int64_t)OUT_BYTES)
                return false;
            et__link_put_again(&a->words, k->number,
                               &(struct et__link_record){.stream = (uint16_t)a->i_again,
                                                         .t_agent_ns = k->t_arrival_ns,
                                                         .t_device_ns = k->t_device_ns,
                                                         .bytes = {k->bytes, k->n}});
            if (send_words(a) != ET_OK)
                return false;
        }
    }
    return true;
}

static void say_goodbye(struct et_link_agent *a)
{
    (void)et__link_begin(&a->words, ET__LINK_BYE);
    et__link_end(&a->words, 0);
    (void)send_words(a);
    et_conn_finish(a->conn);
    a->status.state = ET_LINK_OVER;
}

static bool is_all_taken(const struct et_link_agent *a)
{
    for (size_t i = 0; i < a->n_lanes; i++)
        if (et_feed_used(a->lanes[i].feed) > 0)
            return false;
    return a->n_in_batch == 0 && et__link_window_is_empty(&a->window);
}

// Sends what there is room for.
static void pump(struct et_link_agent *a)
{
    const struct et__link_kept *kept;
    if (a->status.state != ET_LINK_UP || !announce(a) || !say_again(a))
        return;
    while ((kept = et__link_window_next(&a->window)) &&
           et_conn_unsent(a->conn) < (int64_t)OUT_BYTES &&
           et_conn_send(a->conn, kept->bytes, kept->n) == ET_OK) {
        a->status.n_sent_bytes += kept->n;
        et__link_window_sent(&a->window);
    }
}

/* ---- words from the recorder ---- */

static int64_t first_retry_ns(const struct et_link_agent *a)
{
    return RETRY_NS < a->options.retry_ns_max ? RETRY_NS : a->options.retry_ns_max;
}

static enum et_status hear_taken(struct et_link_agent *a, struct et_str body, struct et_err *err)
{
    uint64_t n_taken;
    const enum et_status st = et__link_read_count(body, &n_taken, err);
    if (st != ET_OK)
        return st;
    if (n_taken > a->next)
        return et_fail(err, ET_ECORRUPT, -1, "the recorder says it took what was never sent");
    et__link_window_taken(&a->window, n_taken);
    return ET_OK;
}

static enum et_status hear_welcome(struct et_link_agent *a, struct et_str body, struct et_err *err)
{
    const enum et_status st = hear_taken(a, body, err);
    if (st != ET_OK)
        return st;
    et__link_window_rewind(&a->window);
    a->n_announced = a->i_again = a->n_again = 0;
    a->n_welcome = a->window.n_taken;
    a->status.state = ET_LINK_UP;
    a->status.trouble = (struct et_err){0};
    a->status.n_connected++;
    et_logf(a->options.log, ET_LOG_INFO, "%s: connected", et_conn_peer(a->conn));
    return ET_OK;
}

static enum et_status hear_refused(struct et_str body, struct et_err *err)
{
    struct et_str why;
    const enum et_status st = et__link_read_refused(body, &why, err);
    return st == ET_OK
               ? et_fail(err, ET_ECANCELLED, -1, "the recorder refuses: %.*s", ET_STR_ARG(why))
               : st;
}

static enum et_status hear_ping(struct et_link_agent *a, struct et_str body, struct et_err *err)
{
    struct et__link_pong pong = {0};
    const enum et_status st = et__link_read_ping(body, &pong.t_server_ns, err);
    if (st != ET_OK)
        return st;
    pong.t_agent_ns = et__agent_now(a);
    et__link_put_pong(&a->words, &pong);
    (void)send_words(a); // where there is no room, another ping will come
    return ET_OK;
}

static enum et_status hear(struct et_link_agent *a, const struct et__link_frame *frame,
                           struct et_err *err)
{
    const bool is_up = a->status.state == ET_LINK_UP;
    if (frame->type == ET__LINK_PING)
        return hear_ping(a, frame->body, err);
    if (frame->type == ET__LINK_REFUSED)
        return hear_refused(frame->body, err);
    if (frame->type == ET__LINK_WELCOME && !is_up)
        return hear_welcome(a, frame->body, err);
    if (frame->type == ET__LINK_TAKEN && is_up) {
        a->retry_ns =
            first_retry_ns(a); // who is welcomed may still be turned out for what he sends
        return hear_taken(a, frame->body, err);
    }
    return et_fail(err, ET_ECORRUPT, -1, "the recorder says what has no place here");
}

static size_t on_read(void *ctx, struct et_conn *conn, char *p, size_t n)
{
    struct et_link_agent *a = ctx;
    struct et_err err = {0};
    size_t at = 0, n_used;
    enum et_status st = ET_OK;
    (void)conn;
    a->t_heard_ns = et_loop_now_ns(a->loop);
    while (st == ET_OK && a->status.state != ET_LINK_OVER) {
        struct et__link_frame frame;
        st = et__link_next(p + at, n - at, ET__LINK_HELLO_BYTES_MAX, &frame, &n_used, &err);
        at += n_used;
        if (st == ET_OK)
            st = hear(a, &frame, &err);
    }
    if (st < 0)
        disconnect(a, &err);
    else
        pump(a);
    return st < 0 ? n : at;
}

/* ---- connections ---- */

static void on_open(void *ctx, struct et_conn *conn)
{
    struct et_link_agent *a = ctx;
    struct et_err why = {0};
    (void)conn;
    if (greet(a) == ET_OK)
        return;
    (void)et_fail(&why, ET_ENOMEM, -1, "no memory to speak with the recorder");
    disconnect(a, &why);
}

static void on_sent(void *ctx, struct et_conn *conn)
{
    (void)conn;
    pump(ctx);
}

static void on_close(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    struct et_link_agent *a = ctx;
    (void)conn;
    a->conn = NULL;
    struct et_err told = *why;
    if (!a->options.tls && a->status.state != ET_LINK_UP && why->status == ET_END)
        (void)et_fail(&told, ET_END, -1, "%.300s; maybe it speaks TLS (--tls-pin, --tls-ca)",
                      why->text);
    disconnect(a, &told);
}

static const struct et_conn_handlers HANDLERS = {
    .on_open = on_open, .on_read = on_read, .on_sent = on_sent, .on_close = on_close};

// It is away, and tries again: later and later, not all agents at once.
static void disconnect(struct et_link_agent *a, const struct et_err *why)
{
    et_conn_close(a->conn);
    a->conn = NULL;
    if (a->status.state == ET_LINK_OVER)
        return;
    et__link_window_away(&a->window);
    if (a->status.state == ET_LINK_UP || a->status.trouble.status == ET_OK)
        et_logf(a->options.log, ET_LOG_WARN, "%s%s%s; trying again",
                why->status == ET_ECORRUPT ? a->options.address : "",
                why->status == ET_ECORRUPT ? ": " : "", why->text);
    a->status.state = ET_LINK_AWAY;
    a->status.trouble = *why;
    const int64_t jitter_ns = (int64_t)(a->options.session % (uint64_t)(a->retry_ns / 4 + 1));
    et_timer_set(a->loop, &a->retry, et_loop_now_ns(a->loop) + a->retry_ns + jitter_ns);
    a->retry_ns =
        a->retry_ns * 2 < a->options.retry_ns_max ? a->retry_ns * 2 : a->options.retry_ns_max;
}

static void on_retry(void *ctx)
{
    struct et_link_agent *a = ctx;
    struct et_err err = {0};
    static const struct et_conn_limits LIMITS = {
        .out_bytes_max = OUT_BYTES + ET__LINK_FRAME_BYTES_MAX, .idle_ns = IDLE_NS};
    const struct et_conn_options to = {.address = a->options.address,
                                       .host = a->options.host,
                                       .tls = a->options.tls,
                                       .limits = &LIMITS,
                                       .handlers = &HANDLERS,
                                       .ctx = a};
    if (et_conn_open(&a->conn, a->loop, &to, &err) != ET_OK) {
        a->conn = NULL;
        disconnect(a, &err);
    }
}

/* ---- batches ---- */

static void seal(struct et_link_agent *a)
{
    if (a->n_in_batch == 0)
        return;
    et__link_end_batch(&a->batch, a->n_in_batch);
    a->next += a->n_in_batch;
    a->n_in_batch = 0;
    et__link_window_put(&a->window, et_buf_str(&a->batch));
    et_buf_clear(&a->batch);
    if (a->window.spool)
        et__link_spool_note(a->window.spool, a->next, a->window.n_taken);
}

// Only what is latched: films go on where the recorder is.
static void keep_latched(struct et_link_agent *a, const struct et__link_record *record)
{
    const struct et_feed_stream *stream = et_feed_stream(a->streams, record->stream);
    struct et__keep *keep = &a->keeps[record->stream];
    if (et__keep_how(keep, stream) == ET__KEEP_LATCHED)
        et__keep_put(keep, stream,
                     &(struct et_feed_sample){.t_arrival_ns = record->t_agent_ns,
                                              .t_device_ns = record->t_device_ns,
                                              .number = a->next + a->n_in_batch,
                                              .n_bytes = (uint32_t)record->bytes.n,
                                              .bytes = record->bytes.p},
                     &a->n_keep_bytes);
}

static void put(struct et_link_agent *a, const struct et__link_record *record)
{
    const size_t n = ET__LINK_HEAD_BYTES + ET__LINK_BATCH_HEAD_BYTES + ET__LINK_RECORD_BYTES;
    if (a->batch.n + record->bytes.n > BATCH_BYTES ||
        !et__link_is_near(a->t_base_ns, record->t_agent_ns))
        seal(a);
    if (!et_buf_reserve(&a->batch, n + record->bytes.n)) {
        a->batch.status = ET_OK; // nothing of it was taken
        et__link_window_lose(&a->window, record);
        return;
    }
    if (a->n_in_batch == 0) {
        a->t_base_ns = record->t_agent_ns;
        et__link_begin_batch(&a->batch, a->next, a->t_base_ns);
    }
    et__link_put_record(&a->batch, a->t_base_ns, record);
    if (!record->is_loss)
        keep_latched(a, record);
    a->n_in_batch++;
}

static void tell_loss(struct et_link_agent *a, uint16_t stream, uint64_t n)
{
    if (n > 0)
        put(a, &(struct et__link_record){
                   .stream = stream, .is_loss = true, .n_lost = n, .t_agent_ns = et__agent_now(a)});
}

static void tell_event(struct et_link_agent *a, const char *kind, const char *text,
                       const char *value)
{
    struct et_buf event = et_buf(EVENT_BYTES);
    et__event_put(&event, kind, a->options.id, text, value);
    if (event.status == ET_OK)
        put(a, &(struct et__link_record){.stream = ET_FEED_EVENTS,
                                         .t_agent_ns = et__agent_now(a),
                                         .bytes = et_buf_str(&event)});
    et_buf_free(&event);
}

// Records of an agent before this one: of which streams they were nobody knows any more.
static void tell_before(struct et_link_agent *a, uint64_t n, const char *why)
{
    char text[160], value[64];
    (void)snprintf(text, sizeof text, "%" PRIu64 " sample%s of all streams at most: %s", n,
                   n == 1 ? "" : "s", why);
    (void)snprintf(value, sizeof value, "{\"n\": %" PRIu64 "}", n);
    et_logf(a->options.log, ET_LOG_WARN, "lost: %s", text);
    tell_event(a, "lost", text, value);
}

// What feeds dropped, what sources missed, and what the spool had no room for.
static void tell_losses(struct et_link_agent *a)
{
    for (size_t k = 0; k < a->n_lanes; k++) {
        struct et__agent_lane *lane = &a->lanes[k];
        for (size_t i = 0; i < lane->n_known; i++) {
            const struct et_feed_counts counts = et_feed_counts(lane->feed, i);
            const uint64_t n = counts.n_dropped + counts.n_lost;
            if (lane->numbers[i] != ET__NO_STREAM)
                tell_loss(a, lane->numbers[i], n - lane->n_told[i]);
            lane->n_told[i] = n;
        }
    }
    for (size_t i = 0; i < et_feed_n_streams(a->streams); i++) {
        const uint64_t n = a->window.n_lost[i];
        tell_loss(a, (uint16_t)i, n - a->n_told[i]);
        a->n_told[i] = n;
    }
    if (a->window.n_before_lost)
        tell_before(a, a->window.n_before_lost, "the spool was damaged");
    a->window.n_before_lost = 0;
}

// Streams that were announced since.
static void learn(struct et_link_agent *a, struct et__agent_lane *lane)
{
    const size_t n = et_feed_n_streams(lane->feed);
    struct et_err err = {0};
    if (lane->n_known == n)
        return;
    for (; lane->n_known < n; lane->n_known++) {
        const struct et_feed_stream *stream = et_feed_stream(lane->feed, lane->n_known);
        uint16_t i;
        const enum et_status st = et_feed_add(a->streams, stream, &i, &err);
        if (st == ET_ENOMEM)
            break; // it is tried again
        const bool is_sent = st == ET_OK;
        lane->numbers[lane->n_known] = is_sent ? i : ET__NO_STREAM;
        if (!is_sent)
            et_logf(a->options.log, ET_LOG_WARN, "%s: %s; it is not sent", stream->topic, err.text);
    }
    if (et__agent_save_streams(a, &err) != ET_OK)
        et_logf(a->options.log, ET_LOG_WARN, "%s: what is spooled of it is lost with the agent",
                err.text);
}

// false: it has to wait.
static bool take_sample(struct et_link_agent *a, struct et__agent_lane *lane,
                        const struct et_feed_sample *sample)
{
    if (sample->stream >= lane->n_known)
        learn(a, lane);
    if (sample->stream >= lane->n_known)
        return false;
    const uint16_t stream = lane->numbers[sample->stream];
    if (stream == ET__NO_STREAM)
        return true;
    if (sample->n_bytes > ET_LINK_SAMPLE_BYTES_MAX)
        tell_loss(a, stream, 1);
    else
        put(a, &(struct et__link_record){.stream = stream,
                                         .t_agent_ns = sample->t_arrival_ns,
                                         .t_device_ns = sample->t_device_ns,
                                         .bytes = {sample->bytes, sample->n_bytes}});
    return true;
}

// Where the window has no room the feeds fill, and count what they drop.
static void collect(struct et_link_agent *a)
{
    const int64_t t_now_ns = et_loop_now_ns(a->loop);
    struct et_feed_sample sample;
    for (size_t i = 0; i < a->n_lanes; i++) {
        struct et__agent_lane *lane = &a->lanes[i];
        learn(a, lane);
        while (et__link_window_has_room(&a->window) && et_feed_next(lane->feed, &sample) &&
               take_sample(a, lane, &sample))
            et_feed_done(lane->feed);
    }
    if ((t_now_ns >= a->t_losses_ns || a->is_finishing) && et__link_window_has_room(&a->window)) {
        a->t_losses_ns = t_now_ns + LOSSES_NS;
        tell_losses(a);
    }
    seal(a);
}

static void on_tick(void *ctx)
{
    struct et_link_agent *a = ctx;
    collect(a);
    pump(a);
    if (a->is_finishing && a->status.state == ET_LINK_UP && is_all_taken(a))
        say_goodbye(a);
    if (a->status.state == ET_LINK_UP && et_loop_now_ns(a->loop) - a->t_heard_ns > IDLE_NS) {
        struct et_err why = {0};
        (void)et_fail(&why, ET_ECANCELLED, -1, "nothing was heard of the recorder for too long");
        disconnect(a, &why);
    }
    // From the time it was due, so that many agents on one loop stay spread over the interval.
    int64_t t_next_ns = a->t_tick_ns + a->options.batch_ns;
    const int64_t t_now_ns = et_loop_now_ns(a->loop);
    if (t_next_ns < t_now_ns)
        t_next_ns = t_now_ns + a->options.batch_ns;
    a->t_tick_ns = t_next_ns;
    et_timer_set(a->loop, &a->tick, t_next_ns);
}

/* ---- opening ---- */

int64_t et__agent_now(const struct et_link_agent *a)
{
    return a->options.now_ns ? a->options.now_ns(a->options.ctx) : et_clock_monotonic_ns();
}

static const char *copy(struct et_link_agent *a, const char *text)
{
    return text ? et_arena_copy(a->arena, text, strlen(text) + 1) : NULL;
}

static uint64_t draw_session(const char *id)
{
    char ulid[ET_ID_CHARS + 1];
    et_id_new(et_clock_real_ns(), ulid);
    return et_hash64(ulid, ET_ID_CHARS) ^ et_hash64(id, strlen(id));
}

static enum et_status fill_in(struct et_link_agent *a, const struct et_link_agent_options *options,
                              struct et_err *err)
{
    struct et_link_agent_options *o = &a->options;
    const enum et_status st = et_arena_open(&a->arena, (size_t)64 << 10, err);
    if (st != ET_OK)
        return st;
    *o = *options;
    o->address = copy(a, options->address);
    o->spool = copy(a, options->spool);
    o->id = copy(a, options->id);
    o->token = copy(a, options->token);
    o->robot = copy(a, options->robot);
    o->serial = copy(a, options->serial);
    o->host = copy(a, options->host);
    if (!o->address || !o->id || (options->spool && !o->spool))
        return et_fail(err, ET_ENOMEM, -1, "no memory for an agent");
    o->session = o->session ? o->session : draw_session(o->id);
    o->batch_ns = o->batch_ns ? o->batch_ns : BATCH_NS;
    o->window_bytes = o->window_bytes ? o->window_bytes : WINDOW_BYTES;
    o->spool_bytes = o->spool_bytes ? o->spool_bytes : SPOOL_BYTES;
    o->retry_ns_max = o->retry_ns_max ? o->retry_ns_max : RETRY_NS_MAX;
    a->retry_ns = first_retry_ns(a);
    return ET_OK;
}

enum et_status et_link_agent_open(struct et_link_agent **agent, struct et_loop *loop,
                                  const struct et_link_agent_options *options, struct et_err *err)
{
    *agent = NULL;
    if (!et_name_is_own(et_str(options->id)) || strlen(options->id) > ID_BYTES_MAX)
        return et_fail(err, ET_EARG, -1, "an agent's name is of a-z, 0-9, _ . and -, at most %d",
                       ID_BYTES_MAX);
    if (options->token && strlen(options->token) > ET_LINK_TOKEN_BYTES_MAX)
        return et_fail(err, ET_EARG, -1, "a token has at most %d bytes", ET_LINK_TOKEN_BYTES_MAX);
    if (options->spool_bytes < 0 || options->spool_bytes > ET_LINK_SPOOL_BYTES_MAX)
        return et_fail(err, ET_EARG, -1, "a spool has at most %lld bytes",
                       (long long)ET_LINK_SPOOL_BYTES_MAX);
    bool is_here;
    if (et_address_is_here(options->address, &is_here, err) != ET_OK)
        return ET_EARG;
    if (!options->tls && !is_here)
        return et_fail(err, ET_EARG, -1,
                       "%.100s: samples and tokens go to other machines by TLS alone",
                       options->address);
    struct et_link_agent *a = calloc(1, sizeof *a);
    if (!a)
        return et_fail(err, ET_ENOMEM, -1, "no memory for an agent");
    a->loop = loop;
    a->words = et_buf(ET__LINK_SCHEMA_BYTES_MAX + ((size_t)64 << 10));
    a->batch = et_buf(ET__LINK_FRAME_BYTES_MAX);
    a->window.scratch = et_buf(ET__LINK_FRAME_BYTES_MAX);
    a->tick = (struct et_timer){.on_time = on_tick, .ctx = a};
    a->retry = (struct et_timer){.on_time = on_retry, .ctx = a};
    uint64_t n_lost = 0; // with an agent before this one
    enum et_status st = fill_in(a, options, err);
    if (st == ET_OK)
        st = et_feed_open(&a->streams, &(struct et_feed_options){.n_bytes = STREAMS_RING_BYTES},
                          err);
    if (st == ET_OK && options->spool)
        st = et__agent_open_spool(a, &n_lost, err);
    if (st != ET_OK) {
        et_link_agent_close(a);
        return st;
    }
    a->window.n_bytes_max = a->options.window_bytes;
    a->t_tick_ns =
        et_loop_now_ns(loop) + (int64_t)(a->options.session % (uint64_t)a->options.batch_ns);
    et_timer_set(loop, &a->tick, a->t_tick_ns);
    et_timer_set(loop, &a->retry, et_loop_now_ns(loop));
    if (n_lost)
        tell_before(a, n_lost, "the agent ended before they were sent");
    *agent = a;
    return ET_OK;
}

enum et_status et_link_agent_add(struct et_link_agent *a, struct et_feed *feed, struct et_err *err)
{
    if (a->n_lanes == ET_LINK_FEEDS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d feeds", ET_LINK_FEEDS_MAX);
    struct et__agent_lane *lane = &a->lanes[a->n_lanes++];
    *lane = (struct et__agent_lane){.feed = feed};
    return ET_OK;
}

void et_link_agent_finish(struct et_link_agent *a)
{
    a->is_finishing = true;
    et__agent_stop_sources(a);
}

struct et_link_agent_status et_link_agent_status(const struct et_link_agent *a)
{
    struct et_link_agent_status status = a->status;
    const uint64_t n_made = a->next - a->first, n_taken = a->window.n_taken;
    status.n_records = a->n_before + n_made;
    status.n_taken = n_taken > a->first ? a->n_before + (n_taken - a->first) : a->window.n_gone;
    status.window_bytes = a->window.n_bytes;
    status.spool_bytes = a->window.spool ? et__link_spool_bytes(a->window.spool) : 0;
    status.n_lost += a->window.n_lost_all;
    status.is_dry = et__agent_is_dry(a);
    return status;
}

void et_link_agent_close(struct et_link_agent *a)
{
    if (!a)
        return;
    et__agent_close_sources(a);
    et_timer_end(&a->tick);
    et_timer_end(&a->retry);
    et_conn_close(a->conn);
    et__link_window_close(&a->window);
    et_buf_free(&a->words);
    et_buf_free(&a->batch);
    for (size_t i = 0; i < ET_FEED_STREAMS_MAX; i++)
        et__keep_close(&a->keeps[i], &a->n_keep_bytes);
    et_feed_close(a->streams);
    et_arena_close(a->arena);
    free(a);
}
