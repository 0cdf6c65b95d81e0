/* Frames of the link, as functions over bytes. */
#include "record/record__link.h"

#include "etude/hash.h"

#include <assert.h>

#define MAGIC 0x4B4E4C45u  // "ELNK"
#define NO_TEXT UINT16_MAX // the length of a text that is NULL
#define KIND_SAMPLE 0
#define KIND_LOSS 1
// 73 years: far from the ends of time, so that sums and differences of such times stay within.
#define TIME_NS_MAX (INT64_MAX / 4)

// Copied byte by byte as they lie in memory: little-endian is all that we build for.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "frames are little-endian");

/* ---- bytes ---- */

// What is left of a body; `is_short` once something was asked for that is not there.
struct rest {
    const char *p;
    size_t n;
    bool is_short;
};

static struct rest rest_of(struct et_str body)
{
    return (struct rest){body.p, body.n, false};
}

static struct et_str take(struct rest *r, size_t n)
{
    if (r->is_short || n > r->n) {
        r->is_short = true;
        return (struct et_str){NULL, 0};
    }
    const struct et_str taken = {r->p, n};
    r->p += n;
    r->n -= n;
    return taken;
}

static void get(struct rest *r, void *to, size_t n)
{
    const struct et_str from = take(r, n);
    memset(to, 0, n);
    if (from.n)
        memcpy(to, from.p, n);
}

static uint16_t get_u16(struct rest *r)
{
    uint16_t x;
    get(r, &x, sizeof x);
    return x;
}

static uint32_t get_u32(struct rest *r)
{
    uint32_t x;
    get(r, &x, sizeof x);
    return x;
}

static uint64_t get_u64(struct rest *r)
{
    uint64_t x;
    get(r, &x, sizeof x);
    return x;
}

static int64_t get_i64(struct rest *r)
{
    return (int64_t)get_u64(r);
}

static struct et_str get_text(struct rest *r)
{
    const uint16_t n = get_u16(r);
    if (n == NO_TEXT)
        return (struct et_str){NULL, 0};
    if (n > ET__LINK_TEXT_BYTES_MAX)
        r->is_short = true;
    const struct et_str text = take(r, n);
    return text.p ? text : ET_STR("");
}

static void put_u16(struct et_buf *buf, uint16_t x)
{
    et_buf_put(buf, &x, sizeof x);
}

static void put_u32(struct et_buf *buf, uint32_t x)
{
    et_buf_put(buf, &x, sizeof x);
}

static void put_u64(struct et_buf *buf, uint64_t x)
{
    et_buf_put(buf, &x, sizeof x);
}

static void put_i64(struct et_buf *buf, int64_t x)
{
    et_buf_put(buf, &x, sizeof x);
}

static void put_text(struct et_buf *buf, struct et_str text)
{
    if (text.n > ET__LINK_TEXT_BYTES_MAX)
        text.n = ET__LINK_TEXT_BYTES_MAX;
    put_u16(buf, text.p ? (uint16_t)text.n : NO_TEXT);
    et_buf_putstr(buf, text);
}

// All was there, and nothing is left.
static enum et_status check(const struct rest *r, const char *what, struct et_err *err)
{
    if (r->is_short)
        return et_fail(err, ET_ECORRUPT, -1, "%s is cut short", what);
    return r->n == 0 ? ET_OK
                     : et_fail(err, ET_ECORRUPT, -1, "%s has %zu bytes too many", what, r->n);
}

/* ---- frames ---- */

// Of a head and a body: the hash of all that follows it, the body's length, the type, three zeros.
struct head {
    uint64_t hash;
    uint32_t n_body;
    uint8_t type, zeros[3];
};
static_assert(sizeof(struct head) == ET__LINK_HEAD_BYTES, "the head has no holes");

enum et_status et__link_next(const char *p, size_t n, size_t max, struct et__link_frame *frame,
                             size_t *n_used, struct et_err *err)
{
    struct head head;
    *n_used = 0;
    if (n < sizeof head)
        return ET_AGAIN;
    memcpy(&head, p, sizeof head);
    if (head.type < ET__LINK_HELLO || head.type >= ET__LINK_N_TYPES || head.zeros[0] ||
        head.zeros[1] || head.zeros[2])
        return et_fail(err, ET_ECORRUPT, 0, "this is no frame of the link");
    if (max < sizeof head || head.n_body > max - sizeof head)
        return et_fail(err, ET_ELIMIT, 0, "a frame of %u bytes; %zu may be", head.n_body, max);
    const size_t n_frame = sizeof head + head.n_body;
    if (n < n_frame)
        return ET_AGAIN;
    if (et_hash64(p + sizeof head.hash, n_frame - sizeof head.hash) != head.hash)
        return et_fail(err, ET_ECORRUPT, 0, "a frame's hash does not fit its bytes");
    *frame = (struct et__link_frame){(enum et__link_type)head.type, {p + sizeof head, head.n_body}};
    *n_used = n_frame;
    return ET_OK;
}

size_t et__link_begin(struct et_buf *buf, enum et__link_type type)
{
    const size_t at = buf->n;
    et_buf_put(buf, &(struct head){.type = (uint8_t)type}, sizeof(struct head));
    return at;
}

void et__link_end(struct et_buf *buf, size_t at)
{
    struct head head;
    if (buf->status != ET_OK)
        return;
    memcpy(&head, buf->p + at, sizeof head);
    head.n_body = (uint32_t)(buf->n - at - sizeof head);
    memcpy(buf->p + at, &head, sizeof head);
    head.hash = et_hash64(buf->p + at + sizeof head.hash, buf->n - at - sizeof head.hash);
    memcpy(buf->p + at, &head, sizeof head);
}

/* ---- who is there ---- */

void et__link_put_hello(struct et_buf *buf, const struct et__link_hello *hello)
{
    const size_t at = et__link_begin(buf, ET__LINK_HELLO);
    put_u32(buf, MAGIC);
    put_u16(buf, hello->version);
    put_u16(buf, 0);
    put_u64(buf, hello->session);
    put_i64(buf, hello->t_agent_ns);
    put_i64(buf, hello->t_real_ns);
    put_text(buf, hello->agent);
    put_text(buf, hello->token);
    put_text(buf, hello->robot);
    put_text(buf, hello->serial);
    et__link_end(buf, at);
}

enum et_status et__link_read_hello(struct et_str body, struct et__link_hello *hello,
                                   struct et_err *err)
{
    struct rest r = rest_of(body);
    const uint32_t magic = get_u32(&r);
    hello->version = get_u16(&r);
    (void)get_u16(&r);
    if (r.is_short || magic != MAGIC)
        return et_fail(err, ET_ECORRUPT, -1, "who speaks here is no agent");
    // What another version says behind this is not ours to read.
    if (hello->version != ET__LINK_VERSION)
        return et_fail(err, ET_EUNSUPPORTED, -1,
                       "the agent speaks version %u of the link, the recorder %d", hello->version,
                       ET__LINK_VERSION);
    hello->session = get_u64(&r);
    hello->t_agent_ns = get_i64(&r);
    hello->t_real_ns = get_i64(&r);
    hello->agent = get_text(&r);
    hello->token = get_text(&r);
    hello->robot = get_text(&r);
    hello->serial = get_text(&r);
    return check(&r, "an agent's greeting", err);
}

void et__link_put_count(struct et_buf *buf, enum et__link_type type, uint64_t n_taken)
{
    const size_t at = et__link_begin(buf, type);
    put_u64(buf, n_taken);
    et__link_end(buf, at);
}

enum et_status et__link_read_count(struct et_str body, uint64_t *n_taken, struct et_err *err)
{
    struct rest r = rest_of(body);
    *n_taken = get_u64(&r);
    return check(&r, "what the recorder has taken", err);
}

void et__link_put_refused(struct et_buf *buf, struct et_str why)
{
    const size_t at = et__link_begin(buf, ET__LINK_REFUSED);
    put_text(buf, why);
    et__link_end(buf, at);
}

enum et_status et__link_read_refused(struct et_str body, struct et_str *why, struct et_err *err)
{
    struct rest r = rest_of(body);
    *why = get_text(&r);
    return check(&r, "a refusal", err);
}

void et__link_put_ping(struct et_buf *buf, int64_t t_server_ns)
{
    const size_t at = et__link_begin(buf, ET__LINK_PING);
    put_i64(buf, t_server_ns);
    et__link_end(buf, at);
}

enum et_status et__link_read_ping(struct et_str body, int64_t *t_server_ns, struct et_err *err)
{
    struct rest r = rest_of(body);
    *t_server_ns = get_i64(&r);
    return check(&r, "a ping", err);
}

void et__link_put_pong(struct et_buf *buf, const struct et__link_pong *pong)
{
    const size_t at = et__link_begin(buf, ET__LINK_PONG);
    put_i64(buf, pong->t_server_ns);
    put_i64(buf, pong->t_agent_ns);
    et__link_end(buf, at);
}

enum et_status et__link_read_pong(struct et_str body, struct et__link_pong *pong,
                                  struct et_err *err)
{
    struct rest r = rest_of(body);
    pong->t_server_ns = get_i64(&r);
    pong->t_agent_ns = get_i64(&r);
    if (pong->t_agent_ns < -TIME_NS_MAX || pong->t_agent_ns > TIME_NS_MAX)
        return et_fail(err, ET_ECORRUPT, -1, "an answer to a ping has no time");
    return check(&r, "an answer to a ping", err);
}

/* ---- streams ---- */

void et__link_put_stream(struct et_buf *buf, const struct et__link_stream *said)
{
    const struct et_feed_stream *s = &said->stream;
    const size_t at = et__link_begin(buf, ET__LINK_STREAM);
    put_u16(buf, said->i);
    et_buf_put(buf, &s->rate_hz, sizeof s->rate_hz);
    put_text(buf, et_str(s->topic));
    put_text(buf, et_str(s->type));
    put_text(buf, et_str(s->schema_encoding));
    put_text(buf, et_str(s->message_encoding));
    put_text(buf, et_str(s->device));
    put_text(buf, et_str(s->qos));
    put_u32(buf, (uint32_t)s->schema.n);
    et_buf_putstr(buf, s->schema);
    et__link_end(buf, at);
}

// A text as C has it, in `texts`, which has room for all of the body; NULL stays NULL.
static const char *keep(struct et_buf *texts, struct et_str text, bool *is_text)
{
    if (!text.p)
        return NULL;
    *is_text = *is_text && (text.n == 0 || !memchr(text.p, 0, text.n)) && et_str_is_utf8(text);
    const char *kept = texts->p + texts->n;
    et_buf_putstr(texts, text);
    et_buf_putc(texts, 0);
    return kept;
}

enum et_status et__link_read_stream(struct et_str body, struct et_buf *texts,
                                    struct et__link_stream *said, struct et_err *err)
{
    struct rest r = rest_of(body);
    struct et_feed_stream *s = &said->stream;
    bool is_text = true;
    et_buf_clear(texts);
    if (!et_buf_reserve(texts, body.n + 8)) // a NUL a text: no append moves what is there
        return et_buf_check(texts, "a stream", err);
    said->i = get_u16(&r);
    get(&r, &s->rate_hz, sizeof s->rate_hz);
    s->topic = keep(texts, get_text(&r), &is_text);
    s->type = keep(texts, get_text(&r), &is_text);
    s->schema_encoding = keep(texts, get_text(&r), &is_text);
    s->message_encoding = keep(texts, get_text(&r), &is_text);
    s->device = keep(texts, get_text(&r), &is_text);
    s->qos = keep(texts, get_text(&r), &is_text);
    const uint32_t n_schema = get_u32(&r);
    s->schema = take(&r, n_schema);
    const enum et_status st = check(&r, "a stream", err);
    if (st != ET_OK)
        return st;
    if (!is_text || !s->topic || !s->type || !s->schema_encoding || !s->message_encoding)
        return et_fail(err, ET_ECORRUPT, -1, "a stream's names are no text");
    if (!(s->rate_hz >= 0 && s->rate_hz < 1e9))
        s->rate_hz = 0;
    return ET_OK;
}

/* ---- batches ---- */

struct record_head {
    uint16_t stream, kind;
    uint32_t n_bytes;
    int32_t since_ns;  // the batch's t_base_ns
    uint32_t words[2]; // t_device_ns, or how many were lost; in two, so that there is no hole
};
static_assert(sizeof(struct record_head) == ET__LINK_RECORD_BYTES, "a record's head has no holes");

enum et_status et__link_read_batch(struct et_str body, struct et__link_batch *batch,
                                   struct et_err *err)
{
    struct rest r = rest_of(body);
    batch->first = get_u64(&r);
    batch->t_base_ns = get_i64(&r);
    batch->n_records = get_u32(&r);
    (void)get_u32(&r);
    batch->records = (struct et_str){r.p, r.n};
    if (r.is_short)
        return et_fail(err, ET_ECORRUPT, -1, "a batch is cut short");
    if (batch->n_records > r.n / ET__LINK_RECORD_BYTES)
        return et_fail(err, ET_ECORRUPT, -1, "a batch says it has %u records, in %zu bytes",
                       batch->n_records, r.n);
    if (batch->first > INT64_MAX) // so that first + n_records goes over nothing
        return et_fail(err, ET_ECORRUPT, -1, "a batch's number is none");
    if (batch->t_base_ns < -TIME_NS_MAX || batch->t_base_ns > TIME_NS_MAX)
        return et_fail(err, ET_ECORRUPT, -1, "a batch's time is none");
    return ET_OK;
}

enum et_status et__link_next_record(const struct et__link_batch *batch, size_t *at,
                                    struct et__link_record *record, struct et_err *err)
{
    struct record_head head;
    const size_t left = batch->records.n - *at;
    if (left == 0)
        return ET_END;
    if (left < sizeof head)
        return et_fail(err, ET_ECORRUPT, (int64_t)*at, "a record is cut short");
    memcpy(&head, batch->records.p + *at, sizeof head);
    if (head.kind > KIND_LOSS || head.n_bytes > left - sizeof head ||
        (head.kind == KIND_LOSS && head.n_bytes != 0))
        return et_fail(err, ET_ECORRUPT, (int64_t)*at, "a record goes beyond its batch");
    uint64_t word;
    memcpy(&word, head.words, sizeof word);
    *record = (struct et__link_record){.stream = head.stream,
                                       .is_loss = head.kind == KIND_LOSS,
                                       .t_agent_ns = batch->t_base_ns + head.since_ns};
    if (record->is_loss)
        record->n_lost = word;
    else
        record->t_device_ns = (int64_t)word;
    record->bytes = (struct et_str){batch->records.p + *at + sizeof head, head.n_bytes};
    *at += sizeof head + head.n_bytes;
    return ET_OK;
}

void et__link_begin_batch(struct et_buf *buf, uint64_t first, int64_t t_base_ns)
{
    assert(buf->n == 0);
    (void)et__link_begin(buf, ET__LINK_BATCH);
    put_u64(buf, first);
    put_i64(buf, t_base_ns);
    put_u64(buf, 0); // how many there are
}

bool et__link_is_near(int64_t t_base_ns, int64_t t_agent_ns)
{
    const int64_t since_ns = t_agent_ns - t_base_ns;
    return since_ns >= INT32_MIN && since_ns <= INT32_MAX;
}

void et__link_put_record(struct et_buf *buf, int64_t t_base_ns,
                         const struct et__link_record *record)
{
    const uint64_t word = record->is_loss ? record->n_lost : (uint64_t)record->t_device_ns;
    struct record_head head = {.stream = record->stream,
                               .kind = record->is_loss ? KIND_LOSS : KIND_SAMPLE,
                               .n_bytes = (uint32_t)record->bytes.n,
                               .since_ns = (int32_t)(record->t_agent_ns - t_base_ns)};
    memcpy(head.words, &word, sizeof word);
    et_buf_put(buf, &head, sizeof head);
    et_buf_putstr(buf, record->bytes);
}

void et__link_end_batch(struct et_buf *buf, uint32_t n_records)
{
    if (buf->status != ET_OK)
        return;
    memcpy(buf->p + ET__LINK_HEAD_BYTES + 16, &n_records, sizeof n_records);
    et__link_end(buf, 0);
}

void et__link_put_again(struct et_buf *buf, uint64_t number, const struct et__link_record *record)
{
    const size_t at = et__link_begin(buf, ET__LINK_AGAIN);
    put_u64(buf, number);
    put_i64(buf, record->t_agent_ns);
    put_u32(buf, 1);
    put_u32(buf, 0);
    et__link_put_record(buf, record->t_agent_ns, record);
    et__link_end(buf, at);
}

enum et_status et__link_shift_batch(struct et_buf *buf, int64_t by_ns, struct et_err *err)
{
    struct et__link_frame frame = {0};
    struct et__link_batch batch;
    size_t n_used;
    enum et_status st = et__link_next(buf->p, buf->n, buf->n, &frame, &n_used, err);
    if (st == ET_OK && frame.type == ET__LINK_BATCH && n_used == buf->n)
        st = et__link_read_batch(frame.body, &batch, err);
    else
        st = et_fail(err, ET_ECORRUPT, -1, "this is no batch");
    if (st != ET_OK)
        return st;
    if (by_ns < -TIME_NS_MAX || by_ns > TIME_NS_MAX || batch.t_base_ns + by_ns < -TIME_NS_MAX ||
        batch.t_base_ns + by_ns > TIME_NS_MAX)
        return et_fail(err, ET_ECORRUPT, -1, "a batch's time is none");
    const int64_t t_base_ns = batch.t_base_ns + by_ns;
    memcpy(buf->p + ET__LINK_HEAD_BYTES + sizeof(uint64_t), &t_base_ns, sizeof t_base_ns);
    et__link_end(buf, 0);
    return ET_OK;
}
