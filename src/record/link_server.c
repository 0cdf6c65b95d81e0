/* The recorder's side: agents that come, go and come back, and what they bring. */
#include "record/record__link.h"

#include "etude/clock.h"
#include "etude/hash.h"

#include <stdio.h>
#include <stdlib.h>

#define AGENTS_MAX 256
#define TICK_NS (ET_NS_PER_S / 50)
#define PING_NS ET_NS_PER_S
#define PING_FIRST_NS (ET_NS_PER_S / 20)
#define PINGS_FIRST 8 // of them soon after each other, for a good one early
#define GREETING_NS (5 * ET_NS_PER_S)
#define IDLE_NS (10 * ET_NS_PER_S)
#define CLOCK_OFF_NS ET_NS_PER_S            // by which an agent's clock never drifts
#define FULL_NS (ET_NS_PER_S / 200)         // until a feed that is full is looked at again
#define ENTRY_BYTES 64                      // that a sample takes in a ring beside its own, at most
#define SCHEMA_BYTES_MAX ((size_t)16 << 20) // of all streams of an agent
#define MARKS_MAX 64
#define ID_BYTES 65
#define NAME_BYTES 600
#define REFUSALS 16 // that are known, so that each is told once

/* Put until t_ns: all records before n. */
struct mark {
    uint64_t n;
    int64_t t_ns;
};

struct agent {
    struct et_link_server *server;
    struct peer *peer; // NULL: it is away
    char id[ID_BYTES];
    uint64_t session, n_taken, n_safe, n_said;
    struct et_link_place place;
    struct mark marks[MARKS_MAX]; // put, and not safe yet; the oldest first
    size_t n_marks;
    struct et__link_clock clock;
    uint16_t *streams;  // of the feed, by the number on the link
    int64_t *t_last_ns; // arrival of each one's last sample
    size_t n_streams, n_schema_bytes;
};

struct peer { // a connection
    struct et_link_server *server;
    struct peer *next, *before;
    struct et_conn *conn;
    struct agent *agent;   // NULL: it has not said who it is
    struct et_timer limit; // for its greeting; then until a feed that was full is looked at
    int64_t t_ping_ns, t_next_ping_ns;
    int64_t t_heard_ns; // on the loop's clock
    unsigned n_pings;
    bool is_refused, is_waiting, was_waiting; // for room in its feed
};

struct et_link_server {
    struct et_loop *loop;
    struct et_link_server_options options;
    char token[ET_LINK_TOKEN_BYTES_MAX + 1];
    struct et_listener *listener;
    struct et_timer tick;
    struct et_buf words, texts;
    struct peer *peers;
    struct agent **agents;
    size_t n_agents;
    struct et_digest refusals[REFUSALS]; // the last ones
    size_t n_refusals;
    struct et_link_server_status counts;
};

static int64_t now_ns(const struct et_link_server *s)
{
    return s->options.now_ns ? s->options.now_ns(s->options.ctx) : et_clock_monotonic_ns();
}

/* ---- its end ---- */

static void gone(struct agent *a)
{
    const struct et_link_server_options *o = &a->server->options;
    a->peer = NULL;
    a->server->counts.n_connected--;
    (void)et_feed_event(a->place.feed, "device.lost", a->id, "its agent is away", NULL);
    et_logf(o->log, ET_LOG_INFO, "%s is away", a->id);
    if (o->on_gone)
        o->on_gone(o->ctx, a->place.ctx);
}

static void drop_peer(struct peer *p)
{
    struct et_link_server *s = p->server;
    et_timer_end(&p->limit);
    *(p->before ? &p->before->next : &s->peers) = p->next;
    if (p->next)
        p->next->before = p->before;
    if (p->agent)
        gone(p->agent);
    free(p);
}

static void close_peer(struct peer *p)
{
    et_conn_close(p->conn);
    drop_peer(p);
}

// It breaks the rules.
static void break_off(struct peer *p, const char *why)
{
    p->server->counts.n_broken++;
    et_logf(p->server->options.log, ET_LOG_WARN, "%s: %s", et_conn_peer(p->conn), why);
    close_peer(p);
}

/* ---- words to an agent ---- */

// false: there is no room, or no memory, and nothing of it was sent.
static bool send_words(struct peer *p)
{
    struct et_buf *words = &p->server->words;
    const bool is_sent =
        words->status == ET_OK && et_conn_send(p->conn, words->p, words->n) == ET_OK;
    et_buf_clear(words);
    return is_sent;
}

static void ping(struct peer *p)
{
    p->t_ping_ns = now_ns(p->server);
    p->t_next_ping_ns = p->t_ping_ns + (++p->n_pings < PINGS_FIRST ? PING_FIRST_NS : PING_NS);
    et__link_put_ping(&p->server->words, p->t_ping_ns);
    (void)send_words(p); // another one will come
}

// Agents try again and again, each time from another port: the same refusal is told once.
static bool is_told(struct et_link_server *s, const char *peer, const char *why)
{
    char text[ET_ADDRESS_BYTES + sizeof(((struct et_err *)NULL)->text)];
    const char *colon = strrchr(peer, ':');
    const int n_host = colon ? (int)(colon - peer) : (int)strlen(peer);
    (void)snprintf(text, sizeof text, "%.*s %s", n_host, peer, why);
    const struct et_digest digest = et_blake2b(text, strlen(text));
    for (size_t i = 0; i < REFUSALS && i < s->n_refusals; i++)
        if (memcmp(digest.bytes, s->refusals[i].bytes, sizeof digest.bytes) == 0)
            return true;
    s->refusals[s->n_refusals++ % REFUSALS] = digest;
    return false;
}

static void refuse(struct peer *p, const char *why)
{
    p->is_refused = true;
    p->server->counts.n_refused++;
    if (!is_told(p->server, et_conn_peer(p->conn), why))
        et_logf(p->server->options.log, ET_LOG_WARN, "%s is refused: %s", et_conn_peer(p->conn),
                why);
    et__link_put_refused(&p->server->words, et_str(why));
    (void)send_words(p);
    et_conn_finish(p->conn);
}

/* ---- what is taken ---- */

// Batches that were put lately; where there are many, the last two become one.
static void mark(struct agent *a, int64_t t_ns)
{
    if (!a->server->options.safe_ns) {
        a->n_safe = a->n_taken;
        return;
    }
    if (a->n_marks == MARKS_MAX)
        a->n_marks--;
    a->marks[a->n_marks++] = (struct mark){a->n_taken, t_ns};
}

static void look_for_safe(struct agent *a)
{
    const struct et_link_server_options *o = &a->server->options;
    size_t n = 0;
    if (a->n_marks == 0)
        return;
    const int64_t t_safe_ns = o->safe_ns(o->ctx, a->place.ctx);
    while (n < a->n_marks && a->marks[n].t_ns <= t_safe_ns)
        n++;
    if (n == 0)
        return;
    a->n_safe = a->marks[n - 1].n;
    a->n_marks -= n;
    memmove(a->marks, a->marks + n, a->n_marks * sizeof *a->marks);
}

static void acknowledge(struct agent *a)
{
    look_for_safe(a);
    if (!a->peer || a->n_safe == a->n_said)
        return;
    et__link_put_count(&a->server->words, ET__LINK_TAKEN, a->n_safe);
    if (send_words(a->peer))
        a->n_said = a->n_safe;
}

void et_link_server_acknowledge(struct et_link_server *s)
{
    for (size_t i = 0; i < s->n_agents; i++)
        acknowledge(s->agents[i]);
}

static void on_tick(void *ctx)
{
    struct et_link_server *s = ctx;
    const int64_t t_now_ns = now_ns(s), t_loop_ns = et_loop_now_ns(s->loop);
    et_link_server_acknowledge(s);
    for (struct peer *p = s->peers, *next; p; p = next) {
        next = p->next;
        if (p->agent && !p->is_waiting && t_loop_ns - p->t_heard_ns > IDLE_NS)
            break_off(p, "nothing was heard of it for too long");
        else if (p->agent && t_now_ns >= p->t_next_ping_ns)
            ping(p);
    }
    et_timer_set(s->loop, &s->tick, t_loop_ns + TICK_NS);
}

/* ---- greetings ---- */

static bool is_token(const struct et_link_server *s, struct et_str said)
{
    if (!s->token[0])
        return true;
    // Digests are compared: how long that takes says nothing of the token.
    const struct et_digest a = et_blake2b(s->token, strlen(s->token)),
                           b = et_blake2b(said.p, said.n);
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static struct agent *find(const struct et_link_server *s, const char *id)
{
    for (size_t i = 0; i < s->n_agents; i++)
        if (strcmp(s->agents[i]->id, id) == 0)
            return s->agents[i];
    return NULL;
}

static struct agent *add_agent(struct et_link_server *s, const char *id, struct et_err *err)
{
    if (s->n_agents == s->options.agents_max) {
        (void)et_fail(err, ET_ELIMIT, -1, "the recorder knows %zu agents, and takes no more",
                      s->n_agents);
        return NULL;
    }
    struct agent *a = calloc(1, sizeof *a);
    if (a)
        a->streams = calloc(ET_FEED_STREAMS_MAX, sizeof *a->streams);
    if (a)
        a->t_last_ns = calloc(ET_FEED_STREAMS_MAX, sizeof *a->t_last_ns);
    if (!a || !a->streams || !a->t_last_ns) {
        if (a) {
            free(a->streams);
            free(a->t_last_ns);
        }
        free(a);
        (void)et_fail(err, ET_ENOMEM, -1, "the recorder has no memory for another agent");
        return NULL;
    }
    a->server = s;
    (void)snprintf(a->id, sizeof a->id, "%s", id);
    s->agents[s->n_agents++] = a;
    return a;
}

/* Another session begins, or this server knows nothing of this one. An agent that took up what one
 * before it left goes on in its session, but maybe after a boot, with another clock. */
static void begin_session(struct agent *a, const struct et__link_hello *said)
{
    int64_t off_ns;
    if (__builtin_sub_overflow(said->t_agent_ns, now_ns(a->server) + a->clock.ahead_ns, &off_ns) ||
        off_ns > CLOCK_OFF_NS || off_ns < -CLOCK_OFF_NS)
        a->clock = (struct et__link_clock){0};
    if (a->session == said->session)
        return;
    a->session = said->session;
    a->n_taken = a->n_safe = a->place.n_taken;
    a->n_marks = 0;
    a->clock = (struct et__link_clock){0};
    memset(a->t_last_ns, 0, ET_FEED_STREAMS_MAX * sizeof *a->t_last_ns);
}

static const char *keep_text(struct et_buf *texts, struct et_str text)
{
    if (text.n == 0)
        return NULL;
    const char *kept = texts->p + texts->n;
    et_buf_putstr(texts, text);
    et_buf_putc(texts, 0);
    return kept;
}

// Who says the same name twice: the same run of an agent that lost its connection, or another one.
static enum et_status make_way(struct agent *a, uint64_t session, struct et_err *err)
{
    if (!a->peer)
        return ET_OK;
    if (a->session != session) {
        (void)et_feed_event(a->place.feed, "link.refused", a->id,
                            "another agent wants to go by this name", NULL);
        return et_fail(err, ET_EEXISTS, -1, "an agent called %s is connected already", a->id);
    }
    close_peer(a->peer);
    return ET_OK;
}

static enum et_status admit(struct peer *p, const struct et__link_hello *said, struct et_err *err)
{
    struct et_link_server *s = p->server;
    char id[ID_BYTES];
    if (!is_token(s, said->token))
        return et_fail(err, ET_ECANCELLED, -1, "the token is not the recorder's");
    if (!et_name_is_own(said->agent) || said->agent.n >= sizeof id || said->session == 0)
        return et_fail(err, ET_ECORRUPT, -1, "an agent's name is of a-z, 0-9, _ . and -");
    (void)snprintf(id, sizeof id, "%.*s", ET_STR_ARG(said->agent));
    if ((said->robot.n && et_name_check(said->robot, "a robot's name", err) != ET_OK) ||
        (said->serial.n && et_name_check(said->serial, "a serial number", err) != ET_OK))
        return ET_ECORRUPT;
    et_buf_clear(&s->texts);
    if (!et_buf_reserve(&s->texts, 2 * ET_NAME_BYTES_MAX + 2))
        return et_buf_check(&s->texts, "an agent's greeting", err);
    struct agent *a = find(s, id);
    enum et_status st = a ? make_way(a, said->session, err) : ET_OK;
    if (st != ET_OK)
        return st;
    const struct et_link_hello hello = {.agent = id,
                                        .robot = keep_text(&s->texts, said->robot),
                                        .serial = keep_text(&s->texts, said->serial),
                                        .peer = et_conn_peer(p->conn),
                                        .session = said->session,
                                        .t_agent_ns = said->t_agent_ns,
                                        .t_real_ns = said->t_real_ns};
    struct et_link_place place = {0};
    st = s->options.on_agent(s->options.ctx, &hello, &place, err);
    if (st == ET_OK && !a && !(a = add_agent(s, id, err)))
        st = ET_ELIMIT;
    if (st != ET_OK)
        return st;
    a->place = place;
    begin_session(a, said);
    p->agent = a;
    a->peer = p;
    return ET_OK;
}

static enum et_status welcome(struct peer *p, struct et_err *err)
{
    static const struct et_conn_limits LIMITS = {.in_bytes_max = ET__LINK_FRAME_BYTES_MAX + 1,
                                                 .idle_ns = IDLE_NS};
    struct agent *a = p->agent;
    et_timer_end(&p->limit);
    et_conn_greeted(p->conn);
    et_conn_set_limits(p->conn, &LIMITS);
    a->n_streams = 0; // it says again what it has
    p->server->counts.n_connected++;
    p->server->n_refusals = 0; // things change: what is refused from now on is told again
    (void)et_feed_event(a->place.feed, "device.found", a->id, et_conn_peer(p->conn), NULL);
    et_logf(p->server->options.log, ET_LOG_INFO, "%s is there, from %s", a->id,
            et_conn_peer(p->conn));
    look_for_safe(a);
    /* What was put is not taken twice, safe or not; but only what is safe may be forgotten. So the
     * agent sends the rest again, of which the server knows what it has. */
    a->n_said = a->n_safe;
    et__link_put_count(&p->server->words, ET__LINK_WELCOME, a->n_safe);
    if (!send_words(p))
        return et_fail(err, ET_ENOMEM, -1, "no memory to welcome it");
    ping(p); // its answer is there before its first batch
    return ET_OK;
}

static enum et_status hear_hello(struct peer *p, struct et_str body, struct et_err *err)
{
    struct et__link_hello said;
    enum et_status st = et__link_read_hello(body, &said, err);
    if (st == ET_ECORRUPT)
        return st; // it does not speak our language, and would not understand the answer
    if (st == ET_OK)
        st = admit(p, &said, err);
    if (st == ET_OK)
        return welcome(p, err);
    refuse(p, err->text);
    return ET_OK;
}

/* ---- streams and batches ---- */

static bool is_events(const struct et_feed_stream *s)
{
    return strcmp(s->topic, "/events") == 0 && strcmp(s->type, "etude_msgs/msg/Event") == 0;
}

static enum et_status hear_stream(struct agent *a, struct et_str body, struct et_err *err)
{
    struct et__link_stream said;
    char topic[NAME_BYTES], device[NAME_BYTES];
    const enum et_status st = et__link_read_stream(body, &a->server->texts, &said, err);
    if (st != ET_OK)
        return st;
    if (said.i != a->n_streams || said.i >= ET_FEED_STREAMS_MAX)
        return et_fail(err, ET_ECORRUPT, -1, "stream %u is announced where %zu is due", said.i,
                       a->n_streams);
    struct et_feed_stream *s = &said.stream;
    if (a->place.is_prefixed && !is_events(s)) {
        (void)snprintf(topic, sizeof topic, "/%s%s%.256s", a->id, s->topic[0] == '/' ? "" : "/",
                       s->topic);
        (void)snprintf(device, sizeof device, "%s%s%.256s", a->id, s->device ? "." : "",
                       s->device ? s->device : "");
        s->topic = topic;
        s->device = device;
    }
    const size_t n_before = et_feed_n_streams(a->place.feed);
    if (s->schema.n > SCHEMA_BYTES_MAX - a->n_schema_bytes)
        return et_fail(err, ET_ELIMIT, -1, "its definitions are more than %zu bytes",
                       SCHEMA_BYTES_MAX);
    if (et_feed_add(a->place.feed, s, &a->streams[a->n_streams], err) != ET_OK)
        return err->status;
    a->n_streams++;
    if (et_feed_n_streams(a->place.feed) > n_before) // not one that was known
        a->n_schema_bytes += s->schema.n;
    return ET_OK;
}

// Whether a sample surely finds a place: before the ring's end a piece as large may be left out.
static bool has_room(const struct et_feed *feed, size_t n)
{
    const size_t used = et_feed_used(feed), size = et_feed_size(feed);
    return used == 0 || used + 2 * (n + ENTRY_BYTES) <= size;
}

static void put(struct agent *a, const struct et__link_record *record, uint64_t number,
                int64_t t_now_ns)
{
    int64_t *t_last_ns = &a->t_last_ns[record->stream];
    int64_t t_ns = et__link_clock_translate(&a->clock, record->t_agent_ns, t_now_ns);
    // A better ping moves the clock; no stream goes back for it.
    if (t_ns < *t_last_ns)
        t_ns = *t_last_ns;
    *t_last_ns = t_ns;
    (void)et_feed_put(a->place.feed,
                      &(struct et_feed_sample){.t_arrival_ns = t_ns,
                                               .t_device_ns = record->t_device_ns,
                                               .stream = a->streams[record->stream],
                                               .session = a->place.is_numbered ? a->session : 0,
                                               .number = number,
                                               .n_bytes = (uint32_t)record->bytes.n,
                                               .bytes = record->bytes.p});
}

static void on_room(void *ctx)
{
    struct peer *p = ctx;
    // Half of it at once: each time that a batch comes again costs reading it again.
    if (et_feed_used(p->agent->place.feed) > et_feed_size(p->agent->place.feed) / 2) {
        et_timer_set(p->server->loop, &p->limit, et_loop_now_ns(p->server->loop) + FULL_NS);
        return;
    }
    p->is_waiting = false;
    p->t_heard_ns = et_loop_now_ns(p->server->loop);
    et_conn_pause(p->conn, false);
}

// The recorder does not keep up: what the agent has not been told to be taken, it keeps.
static enum et_status wait_for_room(struct peer *p)
{
    p->limit.on_time = on_room;
    et_timer_set(p->server->loop, &p->limit, et_loop_now_ns(p->server->loop) + FULL_NS);
    et_conn_pause(p->conn, true);
    p->is_waiting = p->was_waiting = true;
    return ET_AGAIN;
}

// Puts what was not put before. ET_AGAIN: not all of it, the batch comes again.
static enum et_status take_batch(struct peer *p, const struct et__link_batch *batch,
                                 struct et_err *err)
{
    struct agent *a = p->agent;
    struct et_link_server_status *counts = &p->server->counts;
    const int64_t t_now_ns = now_ns(p->server);
    struct et__link_record record;
    uint64_t k = batch->first;
    size_t at = 0;
    enum et_status st;
    while ((st = et__link_next_record(batch, &at, &record, err)) == ET_OK) {
        if (record.stream >= a->n_streams)
            return et_fail(err, ET_ECORRUPT, -1, "a sample of a stream that was not announced");
        if (k++ < a->n_taken) {
            counts->n_repeated += !p->was_waiting;
            continue;
        }
        if (!has_room(a->place.feed, record.bytes.n))
            return wait_for_room(p);
        if (record.is_loss)
            et_feed_lost(a->place.feed, a->streams[record.stream], record.n_lost);
        else
            put(a, &record, k - 1, t_now_ns);
        a->n_taken = k; // what lies between two batches the agent has lost, and tells
        counts->n_records++;
    }
    if (st == ET_END && k != batch->first + batch->n_records)
        return et_fail(err, ET_ECORRUPT, -1, "a batch has %llu records, and says %u",
                       (unsigned long long)(k - batch->first), batch->n_records);
    return st == ET_END ? ET_OK : st;
}

static enum et_status hear_batch(struct peer *p, struct et_str body, struct et_err *err)
{
    struct et__link_batch batch;
    const uint64_t n_before = p->agent->n_taken;
    enum et_status st = et__link_read_batch(body, &batch, err);
    if (st == ET_OK)
        st = take_batch(p, &batch, err);
    if (p->agent->n_taken != n_before)
        mark(p->agent, now_ns(p->server));
    if (st != ET_OK)
        return st;
    p->was_waiting = false;
    p->server->counts.n_batches++;
    p->server->counts.n_bytes += body.n + ET__LINK_HEAD_BYTES;
    return ET_OK;
}

// What is latched, and was taken by a recorder before this one.
static enum et_status hear_again(struct peer *p, struct et_str body, struct et_err *err)
{
    struct agent *a = p->agent;
    struct et__link_batch batch;
    struct et__link_record record;
    size_t at = 0;
    enum et_status st = et__link_read_batch(body, &batch, err);
    if (st == ET_OK)
        st = et__link_next_record(&batch, &at, &record, err);
    if (st < 0)
        return st;
    if (st == ET_END || batch.n_records != 1 || at != batch.records.n || record.is_loss ||
        record.stream >= a->n_streams)
        return et_fail(err, ET_ECORRUPT, -1, "what comes again is no sample");
    if (!has_room(a->place.feed, record.bytes.n))
        return wait_for_room(p);
    const int64_t t_now_ns = now_ns(p->server);
    (void)et_feed_put(a->place.feed,
                      &(struct et_feed_sample){.t_arrival_ns = et__link_clock_translate(
                                                   &a->clock, record.t_agent_ns, t_now_ns),
                                               .t_device_ns = record.t_device_ns,
                                               .stream = a->streams[record.stream],
                                               .is_again = true,
                                               .n_bytes = (uint32_t)record.bytes.n,
                                               .bytes = record.bytes.p});
    return ET_OK;
}

static enum et_status hear_pong(struct peer *p, struct et_str body, struct et_err *err)
{
    struct et__link_pong pong;
    const enum et_status st = et__link_read_pong(body, &pong, err);
    if (st == ET_OK && pong.t_server_ns == p->t_ping_ns) // an earlier one came late
        et__link_clock_learn(&p->agent->clock, &pong, now_ns(p->server));
    return st;
}

static enum et_status hear(struct peer *p, const struct et__link_frame *frame, struct et_err *err)
{
    if (!p->agent && frame->type == ET__LINK_HELLO)
        return hear_hello(p, frame->body, err);
    if (p->agent && frame->type == ET__LINK_STREAM)
        return hear_stream(p->agent, frame->body, err);
    if (p->agent && frame->type == ET__LINK_BATCH)
        return hear_batch(p, frame->body, err);
    if (p->agent && frame->type == ET__LINK_AGAIN)
        return hear_again(p, frame->body, err);
    if (p->agent && frame->type == ET__LINK_PONG)
        return hear_pong(p, frame->body, err);
    if (p->agent && frame->type == ET__LINK_BYE)
        return ET_END;
    return et_fail(err, ET_ECORRUPT, -1, "a frame that has no place here");
}

/* ---- connections ---- */

static size_t on_read(void *ctx, struct et_conn *conn, char *bytes, size_t n)
{
    struct peer *p = ctx;
    struct et_err err = {0};
    size_t at = 0, n_used;
    enum et_status st = ET_OK;
    (void)conn;
    p->t_heard_ns = et_loop_now_ns(p->server->loop);
    while (st == ET_OK && !p->is_refused) {
        struct et__link_frame frame;
        const size_t max = p->agent ? ET__LINK_FRAME_BYTES_MAX : ET__LINK_HELLO_BYTES_MAX;
        st = et__link_next(bytes + at, n - at, max, &frame, &n_used, &err);
        if (st == ET_OK)
            st = hear(p, &frame, &err);
        if (st == ET_OK)
            at += n_used;
    }
    if (p->is_refused)
        return n;
    if (st == ET_AGAIN)
        return at;
    if (st < 0)
        break_off(p, err.text);
    else
        close_peer(p);
    return n;
}

static void on_close(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    struct peer *p = ctx;
    (void)conn;
    (void)why;
    drop_peer(p);
}

static const struct et_conn_handlers HANDLERS = {.on_read = on_read, .on_close = on_close};

static void on_late(void *ctx)
{
    struct peer *p = ctx;
    p->server->counts.n_broken += !p->is_refused;
    close_peer(p);
}

static void on_accept(void *ctx, struct et_conn *conn)
{
    struct et_link_server *s = ctx;
    struct peer *p = calloc(1, sizeof *p);
    if (!p)
        return; // without handlers it is closed
    *p = (struct peer){.server = s, .next = s->peers, .conn = conn};
    if (p->next)
        p->next->before = p;
    s->peers = p;
    p->limit = (struct et_timer){.on_time = on_late, .ctx = p};
    et_timer_set(s->loop, &p->limit, et_loop_now_ns(s->loop) + GREETING_NS);
    et_conn_set_handlers(conn, &HANDLERS, p);
}

/* ---- opening ---- */

enum et_status et_link_server_open(struct et_link_server **server, struct et_loop *loop,
                                   const struct et_link_server_options *options, struct et_err *err)
{
    *server = NULL;
    const size_t n_token = options->token ? strlen(options->token) : 0;
    if (n_token > ET_LINK_TOKEN_BYTES_MAX)
        return et_fail(err, ET_EARG, -1, "a token has at most %d bytes", ET_LINK_TOKEN_BYTES_MAX);
    if (options->listen.is_public && n_token == 0)
        return et_fail(err, ET_EARG, -1, "where other machines reach it, agents need a token");
    struct et_link_server *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a link");
    s->loop = loop;
    s->options = *options;
    s->options.agents_max = options->agents_max ? options->agents_max : AGENTS_MAX;
    s->agents = calloc(s->options.agents_max, sizeof *s->agents);
    s->words = et_buf((size_t)64 << 10);
    s->texts = et_buf(ET__LINK_FRAME_BYTES_MAX);
    if (n_token)
        memcpy(s->token, options->token, n_token);
    struct et_listen_options how = options->listen;
    how.address = how.address ? how.address : ET_LINK_ADDRESS;
    how.connections_max = how.connections_max ? how.connections_max : 2 * s->options.agents_max;
    // A hall may stand behind one address, but leaves room for others.
    how.per_peer_max =
        how.per_peer_max ? how.per_peer_max : how.connections_max - how.connections_max / 4;
    how.has_greeting = true;
    how.conn = (struct et_conn_limits){.in_bytes_max = ET__LINK_HELLO_BYTES_MAX + 1,
                                       .open_ns = GREETING_NS};
    how.on_accept = on_accept;
    how.ctx = s;
    s->tick = (struct et_timer){.on_time = on_tick, .ctx = s};
    enum et_status st =
        s->agents ? ET_OK
                  : et_fail(err, ET_ENOMEM, -1, "no memory for %zu agents", s->options.agents_max);
    if (st == ET_OK)
        st = et_listener_open(&s->listener, loop, &how, err);
    if (st != ET_OK) {
        et_link_server_close(s);
        return st;
    }
    et_timer_set(loop, &s->tick, et_loop_now_ns(loop) + TICK_NS);
    *server = s;
    return ET_OK;
}

void et_link_server_close(struct et_link_server *s)
{
    if (!s)
        return;
    et_timer_end(&s->tick);
    while (s->peers)
        close_peer(s->peers);
    et_listener_close(s->listener);
    for (size_t i = 0; i < s->n_agents; i++) {
        free(s->agents[i]->streams);
        free(s->agents[i]->t_last_ns);
        free(s->agents[i]);
    }
    free(s->agents);
    et_buf_free(&s->words);
    et_buf_free(&s->texts);
    free(s);
}

const char *et_link_server_address(const struct et_link_server *s)
{
    return et_listener_address(s->listener);
}

struct et_link_server_status et_link_server_status(const struct et_link_server *s)
{
    struct et_link_server_status status = s->counts;
    status.n_agents = s->n_agents;
    return status;
}

struct et_link_agent_seen et_link_server_agent(const struct et_link_server *s, size_t i)
{
    const struct agent *a = s->agents[i];
    return (struct et_link_agent_seen){.agent = a->id,
                                       .is_connected = a->peer,
                                       .session = a->session,
                                       .n_taken = a->n_taken,
                                       .ahead_ns = a->clock.ahead_ns,
                                       .round_ns = a->clock.round_ns};
}
