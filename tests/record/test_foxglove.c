// Frames of Foxglove's protocol are read as they are meant, whatever comes.
#include "etude/str.h"
#include "record/record__foxglove.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;
static struct et_arena *arena;

static enum et_status read_it(const char *json, struct et__foxglove_text *text)
{
    return et__foxglove_read_text(et_str(json), arena, text, &err);
}

static void reads_what_a_server_says(void)
{
    struct et__foxglove_text t;
    CHECK_OK(read_it("{\"op\":\"serverInfo\",\"name\":\"robot\",\"capabilities\":[\"time\"]}", &t));
    CHECK(t.op == ET__FOXGLOVE_SERVER_INFO && tap_is(t.text, "robot"));
    CHECK_OK(read_it("{\"op\":\"status\",\"level\":2,\"message\":\"no\",\"id\":\"x\"}", &t));
    CHECK(t.op == ET__FOXGLOVE_STATUS && t.level == ET__FOXGLOVE_ERROR && tap_is(t.text, "no"));
    CHECK_OK(read_it("{\"op\":\"unadvertise\",\"channelIds\":[4294967295,0]}", &t));
    CHECK(t.op == ET__FOXGLOVE_UNADVERTISE && t.n == 2 && t.ids[0] == UINT32_MAX && t.ids[1] == 0);
    CHECK_OK(read_it("{\"op\":\"parameterValues\",\"parameters\":[]}", &t));
    CHECK_EQ(t.op, ET__FOXGLOVE_OTHER);
    CHECK_STR(t.op_name, "parameterValues");
}

static void definitions_are_text_or_base64_by_their_encoding(void)
{
#define CHANNEL(more)                                                                           \
    "{\"op\":\"advertise\",\"channels\":[{\"id\":7,\"topic\":\"/a\",\"schemaName\":\"T\"," more \
    "}]}"
    static const struct {
        const char *json, *encoding, *schema;
    } CASES[] = {
        {CHANNEL("\"encoding\":\"cdr\",\"schema\":\"int8 a\""), "ros2msg", "int8 a"},
        {CHANNEL("\"encoding\":\"cdr\",\"schemaEncoding\":\"ros2idl\",\"schema\":\"module\""),
         "ros2idl", "module"},
        {CHANNEL("\"encoding\":\"json\",\"schema\":\"{}\""), "jsonschema", "{}"},
        {CHANNEL("\"encoding\":\"ros1\",\"schema\":\"x\""), "ros1msg", "x"},
        {CHANNEL("\"encoding\":\"protobuf\",\"schema\":\"YWJj\""), "protobuf", "abc"},
        {CHANNEL("\"encoding\":\"flatbuffer\",\"schema\":\"YQ==\""), "flatbuffer", "a"},
        {CHANNEL("\"encoding\":\"json\",\"schema\":\"\""), "", ""},
        {CHANNEL("\"encoding\":\"mine\",\"schema\":\"x\""), "", "x"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et__foxglove_text t;
        CHECK_OK(read_it(CASES[i].json, &t));
        CHECK(t.op == ET__FOXGLOVE_ADVERTISE && t.n == 1 && t.channels[0].id == 7);
        CHECK_STR(t.channels[0].schema_encoding, CASES[i].encoding);
        CHECK(et_str_is(t.channels[0].schema, CASES[i].schema) && !t.channels[0].is_wrong);
    }
    struct et__foxglove_text t;
    CHECK_OK(read_it(CHANNEL("\"encoding\":\"protobuf\",\"schema\":\"Y=\""), &t));
    CHECK(t.channels[0].is_wrong);
}

static void what_is_written_reads_as_it_was_meant(void)
{
    static const struct et__foxglove_channel CHANNELS[] = {
        {.id = 1,
         .topic = "/grüße \"\n",
         .encoding = "cdr",
         .type = "T",
         .schema_encoding = "ros2msg",
         .schema = {"a\n\tb", 4}},
        {.id = 2,
         .topic = "/b",
         .encoding = "protobuf",
         .type = "T",
         .schema_encoding = "protobuf",
         .schema = {"\0\xff", 2}},
        {.id = 3, .topic = "/c", .encoding = "json", .type = "", .schema_encoding = ""},
    };
    static const struct et__foxglove_subscription WANTED[] = {{1, 2}, {UINT32_MAX, 3}};
    static const uint32_t IDS[] = {0, UINT32_MAX};
    struct et_buf buf = et_buf(10000);
    struct et__foxglove_text t;
    et__foxglove_put_advertise(&buf, CHANNELS, 3);
    CHECK_OK(read_it(et_buf_text(&buf), &t));
    CHECK(t.op == ET__FOXGLOVE_ADVERTISE && t.n == 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(t.channels[i].id, CHANNELS[i].id);
        CHECK_STR(t.channels[i].topic, CHANNELS[i].topic);
        CHECK_STR(t.channels[i].schema_encoding, CHANNELS[i].schema_encoding);
        CHECK(et_str_eq(t.channels[i].schema, CHANNELS[i].schema));
    }
    et_buf_clear(&buf);
    et__foxglove_put_subscribe(&buf, WANTED, 2);
    CHECK_OK(read_it(et_buf_text(&buf), &t));
    CHECK(t.op == ET__FOXGLOVE_SUBSCRIBE && t.n == 2 && t.subscriptions[0].channel == 2 &&
          t.subscriptions[1].id == UINT32_MAX);
    et_buf_clear(&buf);
    et__foxglove_put_unsubscribe(&buf, IDS, 2);
    CHECK_STR(et_buf_text(&buf), "{\"op\":\"unsubscribe\",\"subscriptionIds\":[0,4294967295]}");
    et_buf_clear(&buf);
    et__foxglove_put_status(&buf, ET__FOXGLOVE_WARNING, "slow");
    CHECK_STR(et_buf_text(&buf), "{\"op\":\"status\",\"level\":1,\"message\":\"slow\"}");
    et_buf_clear(&buf);
    et__foxglove_put_info(&buf, "me", "17");
    CHECK_STR(et_buf_text(&buf), "{\"op\":\"serverInfo\",\"name\":\"me\",\"capabilities\":[],"
                                 "\"sessionId\":\"17\"}");
    et_buf_free(&buf);
}

static void what_is_none_of_the_protocol_is_told(void)
{
    static const struct {
        const char *json, *want;
    } CASES[] = {
        {"", "line 1"},
        {"[]", "without an op"},
        {"{\"op\":3}", "without an op"},
        {"{\"op\":\"advertise\"}", "advertise without channels"},
        {"{\"op\":\"advertise\",\"channels\":{}}", "advertise without channels"},
        {"{\"op\":\"advertise\",\"channels\":[3]}", "a channel's id"},
        {CHANNEL("\"encoding\":3"), "a channel's topic, encoding or schemaName"},
        {"{\"op\":\"advertise\",\"channels\":[{\"id\":4294967296}]}", "a channel's id"},
        {"{\"op\":\"advertise\",\"channels\":[{\"id\":1.5}]}", "a channel's id"},
        {"{\"op\":\"unadvertise\",\"channelIds\":[-1]}", "ids that are numbers"},
        {"{\"op\":\"unsubscribe\",\"subscriptionIds\":[\"1\"]}", "ids that are numbers"},
        {"{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":1}]}", "an id or channelId"},
        {"{\"op\":\"status\",\"level\":3,\"message\":\"\"}", "level or message"},
        {"{\"op\":\"status\",\"level\":1}", "level or message"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et__foxglove_text t;
        CHECK_EQ(read_it(CASES[i].json, &t), ET_ECORRUPT);
        CHECK_HAS(err.text, CASES[i].want);
    }
    struct et_arena *small;
    struct et__foxglove_text t;
    CHECK_OK(et_arena_open(&small, 256, &err));
    CHECK_EQ(et__foxglove_read_text(ET_STR("{\"op\":\"unadvertise\",\"channelIds\":[1,2,3,4,5,6]}"),
                                    small, &t, &err),
             ET_ELIMIT);
    et_arena_close(small);
}

static void messages_have_thirteen_bytes_in_front(void)
{
    struct et__foxglove_data d;
    unsigned char frame[ET__FOXGLOVE_HEAD_BYTES + 2] = {0};
    et__foxglove_put_head(frame, 0x04030201, 0x0807060504030201);
    CHECK(memcmp(frame, "\1\1\2\3\4\1\2\3\4\5\6\7\10", ET__FOXGLOVE_HEAD_BYTES) == 0);
    const struct et_str whole = {(const char *)frame, sizeof frame};
    CHECK_OK(et__foxglove_read_data(whole, &d, &err));
    CHECK(!d.is_time && d.subscription == 0x04030201 && d.t_ns == 0x0807060504030201 &&
          d.bytes.n == 2 && d.bytes.p == whole.p + ET__FOXGLOVE_HEAD_BYTES);
    for (size_t n = 1; n < ET__FOXGLOVE_HEAD_BYTES; n++)
        CHECK_EQ(et__foxglove_read_data((struct et_str){whole.p, n}, &d, &err), ET_ECORRUPT);
    frame[12] = 0x80;
    CHECK_EQ(et__foxglove_read_data(whole, &d, &err), ET_ECORRUPT);
    CHECK_OK(et__foxglove_read_data((struct et_str){"\2\1\0\0\0\0\0\0\0", 9}, &d, &err));
    CHECK(d.is_time && d.t_ns == 1);
    CHECK_EQ(et__foxglove_read_data((struct et_str){"\2\1\0\0\0\0\0\0\0\0", 10}, &d, &err),
             ET_ECORRUPT);
    CHECK_EQ(et__foxglove_read_data((struct et_str){"\3", 1}, &d, &err), ET_EUNSUPPORTED);
    CHECK_EQ(et__foxglove_read_data((struct et_str){NULL, 0}, &d, &err), ET_EUNSUPPORTED);
}

static void a_frame_that_is_cut_or_flipped_is_read_or_refused(void)
{
    static const char *const FRAMES[] = {
        CHANNEL("\"encoding\":\"protobuf\",\"schema\":\"YWJj\""),
        "{\"op\":\"subscribe\",\"subscriptions\":[{\"id\":0,\"channelId\":3}]}",
        "{\"op\":\"unadvertise\",\"channelIds\":[1,2]}",
        "{\"op\":\"status\",\"level\":1,\"message\":\"slow\"}",
    };
    for (size_t i = 0; i < sizeof FRAMES / sizeof *FRAMES; i++) {
        const size_t n = strlen(FRAMES[i]);
        for (size_t k = 0; k < n; k++)
            for (int bit = -1; bit < 8; bit++) { // −1: cut
                char *copy = malloc(n);          // exactly, so that a byte beyond is seen
                struct et__foxglove_text t;
                memcpy(copy, FRAMES[i], n);
                if (bit >= 0)
                    copy[k] = (char)(copy[k] ^ 1 << bit);
                const struct et_arena_mark mark = et_arena_mark(arena);
                const enum et_status st =
                    et__foxglove_read_text((struct et_str){copy, bit < 0 ? k : n}, arena, &t, &err);
                CHECK(bit < 0 ? st == ET_ECORRUPT : st == ET_OK || st == ET_ECORRUPT);
                et_arena_rewind(arena, mark);
                free(copy);
            }
    }
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)16 << 20, &err));
    RUN(reads_what_a_server_says);
    RUN(definitions_are_text_or_base64_by_their_encoding);
    RUN(what_is_written_reads_as_it_was_meant);
    RUN(what_is_none_of_the_protocol_is_told);
    RUN(messages_have_thirteen_bytes_in_front);
    RUN(a_frame_that_is_cut_or_flipped_is_read_or_refused);
    et_arena_close(arena);
    return tap_end();
}
