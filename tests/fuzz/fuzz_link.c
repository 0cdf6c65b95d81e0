/* Any bytes as frames of the link: what is read lies within them, the same in one piece and in
 * many; what is understood, said again, is the same frame. The first byte says how long frames may
 * be. Behind it the same bytes are also read as each body, without a frame around them, which a
 * hash would keep most of them from. */
#include "record/record__link.h"

#include <stdlib.h>

#define CAP ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static bool is_within(struct et_str part, struct et_str whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

// The body of the only frame in buf.
static struct et_str again(const struct et_buf *buf)
{
    struct et__link_frame frame;
    size_t n_used;
    require(et__link_next(buf->p, buf->n, SIZE_MAX, &frame, &n_used, NULL) == ET_OK);
    require(n_used == buf->n);
    return frame.body;
}

static void read_hello(struct et_str body, struct et_buf *buf)
{
    struct et__link_hello hello, twice;
    if (et__link_read_hello(body, &hello, NULL) != ET_OK)
        return;
    require(is_within(hello.agent, body) && is_within(hello.token, body) &&
            is_within(hello.robot, body) && is_within(hello.serial, body));
    et_buf_clear(buf);
    et__link_put_hello(buf, &hello);
    require(et__link_read_hello(again(buf), &twice, NULL) == ET_OK);
    require(hello.session == twice.session && et_str_eq(hello.agent, twice.agent) &&
            et_str_eq(hello.token, twice.token));
}

static void read_stream(struct et_str body, struct et_buf *buf)
{
    struct et_buf texts = et_buf(2 * CAP), more = et_buf(4 * CAP);
    struct et__link_stream stream, twice;
    if (et__link_read_stream(body, &texts, &stream, NULL) == ET_OK) {
        require(is_within(stream.stream.schema, body));
        et_buf_clear(buf);
        et__link_put_stream(buf, &stream);
        require(et__link_read_stream(again(buf), &more, &twice, NULL) == ET_OK);
        require(strcmp(stream.stream.topic, twice.stream.topic) == 0 && stream.i == twice.i);
        require(et_str_eq(stream.stream.schema, twice.stream.schema));
    }
    et_buf_free(&texts);
    et_buf_free(&more);
}

static void read_batch(struct et_str body, struct et_buf *buf)
{
    struct et__link_batch batch;
    struct et__link_record record;
    size_t at = 0;
    uint32_t n = 0;
    if (et__link_read_batch(body, &batch, NULL) != ET_OK)
        return;
    et_buf_clear(buf);
    et__link_begin_batch(buf, batch.first, batch.t_base_ns);
    while (et__link_next_record(&batch, &at, &record, NULL) == ET_OK) {
        require(is_within(record.bytes, body) && at <= batch.records.n);
        require(et__link_is_near(batch.t_base_ns, record.t_agent_ns));
        et__link_put_record(buf, batch.t_base_ns, &record);
        n++;
    }
    et__link_end_batch(buf, n);
    const struct et_str said = again(buf);
    require(said.n == ET__LINK_BATCH_HEAD_BYTES + at);
    require(memcmp(said.p + ET__LINK_BATCH_HEAD_BYTES, batch.records.p, at) == 0);
}

static void read_body(struct et_str body, struct et_buf *buf)
{
    struct et__link_pong pong;
    struct et_str why;
    uint64_t n;
    int64_t t_ns;
    read_hello(body, buf);
    read_stream(body, buf);
    read_batch(body, buf);
    (void)!et__link_read_count(body, &n, NULL);
    (void)!et__link_read_ping(body, &t_ns, NULL);
    (void)!et__link_read_pong(body, &pong, NULL);
    if (et__link_read_refused(body, &why, NULL) == ET_OK)
        require(is_within(why, body));
}

// The frames that n bytes begin with, and what stopped them.
static enum et_status read_frames(const char *p, size_t n, size_t max, size_t *n_used,
                                  struct et_buf *buf)
{
    struct et__link_frame frame;
    size_t step;
    enum et_status st;
    *n_used = 0;
    while ((st = et__link_next(p + *n_used, n - *n_used, max, &frame, &step, NULL)) == ET_OK) {
        require(step >= ET__LINK_HEAD_BYTES && step <= max && step <= n - *n_used);
        require(is_within(frame.body, (struct et_str){p + *n_used, step}));
        read_body(frame.body, buf);
        *n_used += step;
    }
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et_buf buf = et_buf(8 * CAP);
    if (size < 2 || size > CAP)
        return 0;
    const char *p = (const char *)data + 1;
    const size_t n = size - 1, max = data[0] & 1 ? CAP : 256;
    size_t n_used, n_slow = 0;
    const enum et_status st = read_frames(p, n, max, &n_used, &buf);
    enum et_status slow = ET_AGAIN;
    for (size_t k = n_used; k <= n && slow == ET_AGAIN; k++) // byte by byte from there
        slow = read_frames(p + n_used, k - n_used, max, &n_slow, &buf);
    require(slow == st && n_slow == 0);
    read_body((struct et_str){p, n}, &buf);
    et_buf_free(&buf);
    return 0;
}
