// Frames say what was put into them; cut, flipped or lying they are refused. Two clocks are told
// apart by the fastest ping.
#include "record/record__link.h"
#include "tap.h"

#include <limits.h>
#include <stdlib.h>

static struct et_err err;

static struct et_buf buf_new(void)
{
    return et_buf((size_t)1 << 20);
}

static struct et__link_frame only_frame(const struct et_buf *buf)
{
    struct et__link_frame frame = {0};
    size_t n_used;
    CHECK_OK(et__link_next(buf->p, buf->n, SIZE_MAX, &frame, &n_used, &err));
    CHECK_EQ(n_used, buf->n);
    return frame;
}

static const struct et__link_hello HELLO = {.version = ET__LINK_VERSION,
                                            .session = 0x1122334455667788,
                                            .t_agent_ns = -5,
                                            .t_real_ns = 1760000000000000000,
                                            .agent = {"robot-7", 7},
                                            .token = {"word", 4},
                                            .serial = {"", 0}};

static const struct et__link_stream STREAM = {.i = 3,
                                              .stream = {.topic = "/imu",
                                                         .type = "sensor_msgs/msg/Imu",
                                                         .schema = {"a\0b", 3},
                                                         .schema_encoding = "ros2msg",
                                                         .message_encoding = "cdr",
                                                         .device = "waist",
                                                         .rate_hz = 200}};

// A batch of a sample, a loss and an empty sample.
static void put_batch(struct et_buf *buf)
{
    et__link_begin_batch(buf, 40, 1000);
    et__link_put_record(
        buf, 1000,
        &(struct et__link_record){
            .stream = 1, .t_agent_ns = 1000, .t_device_ns = INT64_MIN, .bytes = {"bytes", 5}});
    et__link_put_record(
        buf, 1000,
        &(struct et__link_record){
            .stream = 2, .is_loss = true, .n_lost = UINT64_MAX, .t_agent_ns = 1001});
    et__link_put_record(buf, 1000,
                        &(struct et__link_record){.stream = 1023, .t_agent_ns = 1000 + INT32_MIN});
    et__link_end_batch(buf, 3);
}

static void every_frame_says_what_was_put_into_it(void)
{
    struct et_buf buf = buf_new(), texts = buf_new();
    struct et__link_hello hello;
    struct et__link_stream stream;
    struct et__link_pong pong;
    struct et_str why;
    uint64_t n;
    int64_t t_ns;
    et__link_put_hello(&buf, &HELLO);
    CHECK_EQ(only_frame(&buf).type, ET__LINK_HELLO);
    CHECK_OK(et__link_read_hello(only_frame(&buf).body, &hello, &err));
    CHECK(hello.session == HELLO.session && hello.t_agent_ns == -5 &&
          hello.t_real_ns == HELLO.t_real_ns);
    CHECK(et_str_is(hello.agent, "robot-7") && et_str_is(hello.token, "word"));
    CHECK(!hello.robot.p && hello.serial.p && hello.serial.n == 0);
    et_buf_clear(&buf);
    et__link_put_stream(&buf, &STREAM);
    CHECK_OK(et__link_read_stream(only_frame(&buf).body, &texts, &stream, &err));
    CHECK_EQ(stream.i, 3);
    CHECK_STR(stream.stream.topic, "/imu");
    CHECK_STR(stream.stream.type, "sensor_msgs/msg/Imu");
    CHECK_STR(stream.stream.schema_encoding, "ros2msg");
    CHECK_STR(stream.stream.message_encoding, "cdr");
    CHECK_STR(stream.stream.device, "waist");
    CHECK(!stream.stream.qos && stream.stream.rate_hz == 200);
    CHECK(et_str_eq(stream.stream.schema, STREAM.stream.schema));
    et_buf_clear(&buf);
    et__link_put_count(&buf, ET__LINK_TAKEN, 7);
    CHECK_OK(et__link_read_count(only_frame(&buf).body, &n, &err));
    CHECK_EQ(n, 7);
    et_buf_clear(&buf);
    et__link_put_refused(&buf, ET_STR("no"));
    CHECK_OK(et__link_read_refused(only_frame(&buf).body, &why, &err));
    CHECK(et_str_is(why, "no"));
    et_buf_clear(&buf);
    et__link_put_ping(&buf, 99);
    CHECK_OK(et__link_read_ping(only_frame(&buf).body, &t_ns, &err));
    CHECK_EQ(t_ns, 99);
    et_buf_clear(&buf);
    et__link_put_pong(&buf, &(struct et__link_pong){99, -1});
    CHECK_OK(et__link_read_pong(only_frame(&buf).body, &pong, &err));
    CHECK(pong.t_server_ns == 99 && pong.t_agent_ns == -1);
    et_buf_free(&buf);
    et_buf_free(&texts);
}

static void a_batch_gives_its_records_one_by_one(void)
{
    struct et_buf buf = buf_new();
    struct et__link_batch batch;
    struct et__link_record record;
    size_t at = 0;
    put_batch(&buf);
    CHECK_OK(et__link_read_batch(only_frame(&buf).body, &batch, &err));
    CHECK_EQ(batch.first, 40);
    CHECK_EQ(batch.n_records, 3);
    CHECK_OK(et__link_next_record(&batch, &at, &record, &err));
    CHECK(record.stream == 1 && !record.is_loss && record.t_agent_ns == 1000 &&
          record.t_device_ns == INT64_MIN && et_str_is(record.bytes, "bytes"));
    CHECK_OK(et__link_next_record(&batch, &at, &record, &err));
    CHECK(record.stream == 2 && record.is_loss && record.n_lost == UINT64_MAX);
    CHECK_OK(et__link_next_record(&batch, &at, &record, &err));
    CHECK(record.stream == 1023 && record.bytes.n == 0 && record.t_agent_ns == 1000 + INT32_MIN);
    CHECK_EQ(et__link_next_record(&batch, &at, &record, &err), ET_END);
    CHECK(et__link_is_near(0, INT32_MAX) && !et__link_is_near(0, (int64_t)INT32_MAX + 1));
    CHECK(et__link_is_near(0, INT32_MIN) && !et__link_is_near(0, (int64_t)INT32_MIN - 1));
    et_buf_free(&buf);
}

static void a_frame_that_is_cut_is_waited_for_and_a_flipped_one_refused(void)
{
    struct et_buf buf = buf_new();
    struct et__link_frame frame;
    size_t n_used;
    put_batch(&buf);
    for (size_t n = 0; n < buf.n; n++) {
        CHECK_EQ(et__link_next(buf.p, n, SIZE_MAX, &frame, &n_used, &err), ET_AGAIN);
        CHECK_EQ(n_used, 0);
    }
    for (size_t at = 0; at < buf.n; at++)
        for (int bit = 0; bit < 8; bit++) {
            buf.p[at] ^= (char)(1 << bit);
            // A length that grew is waited for, or is too long.
            CHECK(et__link_next(buf.p, buf.n, 4096, &frame, &n_used, &err) != ET_OK);
            buf.p[at] ^= (char)(1 << bit);
        }
    (void)only_frame(&buf);
    CHECK_EQ(et__link_next(buf.p, buf.n, buf.n - 1, &frame, &n_used, &err), ET_ELIMIT);
    CHECK_EQ(et__link_next("GET / HTTP/1.1\r\n\r\n", 18, 4096, &frame, &n_used, &err), ET_ECORRUPT);
    et_buf_free(&buf);
}

// Reads a body as all that it may be; how many took it.
static int read_as_all(struct et_str body)
{
    struct et_buf texts = buf_new();
    struct et__link_hello hello;
    struct et__link_stream stream;
    struct et__link_batch batch;
    struct et__link_pong pong;
    struct et_str why;
    uint64_t n;
    int64_t t_ns;
    const int n_ok = (et__link_read_hello(body, &hello, &err) == ET_OK) +
                     (et__link_read_stream(body, &texts, &stream, &err) == ET_OK) +
                     (et__link_read_count(body, &n, &err) == ET_OK) +
                     (et__link_read_refused(body, &why, &err) == ET_OK) +
                     (et__link_read_ping(body, &t_ns, &err) == ET_OK) +
                     (et__link_read_pong(body, &pong, &err) == ET_OK) +
                     (et__link_read_batch(body, &batch, &err) == ET_OK);
    et_buf_free(&texts);
    return n_ok;
}

static void a_body_that_is_cut_is_refused(void)
{
    struct et_buf buf = buf_new(), texts = buf_new();
    struct et__link_hello hello;
    struct et__link_stream stream;
    et__link_put_hello(&buf, &HELLO);
    struct et_str body = only_frame(&buf).body;
    for (size_t n = 0; n < body.n; n++) {
        const struct et_str part = {body.p, n};
        CHECK_EQ(et__link_read_hello(part, &hello, &err), ET_ECORRUPT);
        (void)read_as_all(part);
    }
    et_buf_clear(&buf);
    et__link_put_stream(&buf, &STREAM);
    body = only_frame(&buf).body;
    for (size_t n = 0; n < body.n; n++) {
        const struct et_str part = {body.p, n};
        CHECK_EQ(et__link_read_stream(part, &texts, &stream, &err), ET_ECORRUPT);
        (void)read_as_all(part);
    }
    CHECK_EQ(et__link_read_count(ET_STR("1234567"), &(uint64_t){0}, &err), ET_ECORRUPT);
    CHECK_EQ(et__link_read_count(ET_STR("123456789"), &(uint64_t){0}, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "too many");
    et_buf_free(&buf);
    et_buf_free(&texts);
}

// Goes through a batch's records; the last status.
static enum et_status walk(struct et_str body, uint32_t *n)
{
    struct et__link_batch batch;
    struct et__link_record record;
    size_t at = 0;
    *n = 0;
    enum et_status st = et__link_read_batch(body, &batch, &err);
    while (st == ET_OK && (st = et__link_next_record(&batch, &at, &record, &err)) == ET_OK) {
        CHECK(record.bytes.n <= body.n && at <= batch.records.n);
        (*n)++;
    }
    return st;
}

static void a_batch_that_lies_gives_nothing_beyond_its_bytes(void)
{
    struct et_buf buf = buf_new();
    uint32_t n;
    put_batch(&buf);
    char *body = buf.p + ET__LINK_HEAD_BYTES;
    const size_t n_body = buf.n - ET__LINK_HEAD_BYTES;
    for (size_t cut = 0; cut < n_body; cut++)
        (void)walk((struct et_str){body, cut}, &n);
    for (size_t at = 0; at < n_body; at++)
        for (int bit = 0; bit < 8; bit++) {
            body[at] ^= (char)(1 << bit);
            (void)walk((struct et_str){body, n_body}, &n);
            body[at] ^= (char)(1 << bit);
        }
    CHECK_EQ(walk((struct et_str){body, n_body}, &n), ET_END);
    CHECK_EQ(n, 3);
    const struct {
        size_t at;
        unsigned char byte;
        const char *why;
    } LIES[] = {{19, 1, "records"},          // n_records
                {7, 0x80, "number"},         // first
                {15, 0x7f, "time"},          // t_base_ns
                {24 + 2, 2, "beyond"},       // kind
                {24 + 7, 1, "beyond"},       // bytes of a record
                {24 + 25 + 4, 1, "beyond"}}; // bytes of a loss
    for (size_t i = 0; i < sizeof LIES / sizeof *LIES; i++) {
        const char was = body[LIES[i].at];
        body[LIES[i].at] = (char)LIES[i].byte;
        CHECK_EQ(walk((struct et_str){body, n_body}, &n), ET_ECORRUPT);
        CHECK_HAS(err.text, LIES[i].why);
        body[LIES[i].at] = was;
    }
    et_buf_free(&buf);
}

static void names_that_are_no_text_are_refused(void)
{
    struct et_buf buf = buf_new(), texts = buf_new();
    struct et__link_stream stream = STREAM, read;
    stream.stream.topic = "/\xff";
    et__link_put_stream(&buf, &stream);
    CHECK_EQ(et__link_read_stream(only_frame(&buf).body, &texts, &read, &err), ET_ECORRUPT);
    et_buf_clear(&buf);
    stream.stream.topic = NULL;
    et__link_put_stream(&buf, &stream);
    CHECK_EQ(et__link_read_stream(only_frame(&buf).body, &texts, &read, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "no text");
    et_buf_clear(&buf);
    stream = STREAM;
    stream.stream.rate_hz = nan("");
    et__link_put_stream(&buf, &stream);
    CHECK_OK(et__link_read_stream(only_frame(&buf).body, &texts, &read, &err));
    CHECK_EQ(read.stream.rate_hz, 0);
    et_buf_free(&buf);
    et_buf_free(&texts);
}

static void another_version_is_told_and_no_agent_is_none(void)
{
    struct et_buf buf = buf_new();
    struct et__link_hello hello = HELLO, read;
    hello.version = 9;
    et__link_put_hello(&buf, &hello);
    CHECK_EQ(et__link_read_hello(only_frame(&buf).body, &read, &err), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "version 9");
    CHECK_EQ(et__link_read_hello(ET_STR("12345678901234567890"), &read, &err), ET_ECORRUPT);
    et_buf_free(&buf);
}

/* ---- clocks ---- */

static void the_fastest_ping_is_believed_until_clocks_may_have_drifted(void)
{
    struct et__link_clock clock = {0};
    CHECK_EQ(et__link_clock_translate(&clock, 5, 1000), 1000); // nothing is known
    et__link_clock_learn(&clock, &(struct et__link_pong){1000, 500}, 3000);
    CHECK_EQ(clock.ahead_ns, -1500);
    et__link_clock_learn(&clock, &(struct et__link_pong){5000, 7000}, 15000); // slower
    CHECK_EQ(clock.ahead_ns, -1500);
    et__link_clock_learn(&clock, &(struct et__link_pong){20000, 18600}, 20200); // faster
    CHECK_EQ(clock.ahead_ns, -1500);
    CHECK_EQ(clock.round_ns, 200);
    // A minute later 3 ms of drift may be: a ping of 4 ms is better than that.
    const int64_t t_ns = 60000000000 + 20000;
    et__link_clock_learn(&clock, &(struct et__link_pong){t_ns, t_ns}, t_ns + 4000000);
    CHECK_EQ(clock.ahead_ns, -2000000);
    et__link_clock_learn(&clock, &(struct et__link_pong){t_ns, t_ns},
                         t_ns - 1); // before it was sent
    CHECK_EQ(clock.ahead_ns, -2000000);
    CHECK_EQ(et__link_clock_translate(&clock, 1000, 10000000), 2001000);
    CHECK_EQ(et__link_clock_translate(&clock, 9000000, 10000000), 10000000); // never in the future
    CHECK_EQ(et__link_clock_translate(&clock, -2000000, 10000000), -1);      // 0 means "now"
}

int main(void)
{
    RUN(every_frame_says_what_was_put_into_it);
    RUN(a_batch_gives_its_records_one_by_one);
    RUN(a_frame_that_is_cut_is_waited_for_and_a_flipped_one_refused);
    RUN(a_body_that_is_cut_is_refused);
    RUN(a_batch_that_lies_gives_nothing_beyond_its_bytes);
    RUN(names_that_are_no_text_are_refused);
    RUN(another_version_is_told_and_no_agent_is_none);
    RUN(the_fastest_ping_is_believed_until_clocks_may_have_drifted);
    return tap_end();
}
