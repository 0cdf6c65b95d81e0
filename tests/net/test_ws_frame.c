// Frames give the same messages however they are cut, and what breaks the rules is refused.
#include "net/net__websocket.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

static void the_fast_mask_is_the_slow_one(void)
{
    struct rng rng = {11};
    char fast[300], slow[300];
    for (size_t n = 0; n < 280; n++)
        for (size_t shift = 0; shift < 9; shift++) {
            unsigned char mask[4];
            const uint64_t chance = rng_next(&rng);
            memcpy(mask, &chance, 4);
            for (size_t i = 0; i < sizeof fast; i++)
                fast[i] = slow[i] = (char)rng_next(&rng);
            et__ws_mask(fast + shift, n, mask);
            et__ws_mask_slow(slow + shift, n, mask);
            if (!CHECK(memcmp(fast, slow, sizeof fast) == 0))
                return;
        }
}

static void heads_go_both_ways(void)
{
    static const size_t SIZES[] = {0, 1, 125, 126, 127, 65535, 65536, (size_t)1 << 40};
    static const unsigned char MASK[4] = {1, 2, 3, 4};
    unsigned char head[ET__WS_HEAD_BYTES_MAX];
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++)
        for (int is_server = 0; is_server < 2; is_server++) {
            struct et__ws_frame f;
            const size_t n = et__ws_put_head(head, 2, SIZES[i], is_server ? MASK : NULL);
            for (size_t k = 0; k < n; k++)
                CHECK_EQ(et__ws_read_head((char *)head, k, is_server, &f, &err), ET_AGAIN);
            CHECK_OK(et__ws_read_head((char *)head, n, is_server, &f, &err));
            CHECK(f.n == SIZES[i] && f.n_head == n && f.opcode == 2 && f.is_last);
            CHECK(!is_server || memcmp(f.mask, MASK, 4) == 0);
        }
}

// What a reader of this side makes of the bytes: events as text, and how it ends.
static int read_all(const char *p, size_t n, size_t n_piece, bool is_server, size_t limit,
                    struct et_buf *events)
{
    struct et__ws_reader reader = {.is_server = is_server, .buf = et_buf(limit)};
    char *lies = malloc(n + 1); // as a connection does: what was not used comes again
    size_t n_lies = 0, code_of_end = 0;
    int code = 0;
    for (size_t at = 0; at < n && code_of_end == 0; at += n_piece) {
        const size_t n_new = n - at < n_piece ? n - at : n_piece;
        memcpy(lies + n_lies, p + at, n_new);
        n_lies += n_new;
        size_t used = 0;
        for (;;) {
            struct et__ws_event e;
            size_t step;
            const enum et_status st =
                et__ws_next(&reader, lies + used, n_lies - used, &step, &e, &code, &err);
            used += step;
            if (st == ET_AGAIN)
                break;
            if (st != ET_OK) {
                code_of_end = (size_t)code;
                break;
            }
            et_buf_printf(events, "%d:", e.kind == ET__WS_CLOSE ? e.code : e.kind);
            et_buf_put(events, e.p, e.n);
            et_buf_putc(events, ' ');
        }
        memmove(lies, lies + used, n_lies - used);
        n_lies -= used;
    }
    free(lies);
    et_buf_free(&reader.buf);
    return (int)code_of_end;
}

#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }

// clang-format off
static const struct {
    struct et_str bytes; // from a server, so without masks
    const char *events;
    int code;
} CASES[] = {
    {S("\x81\x05hello"), "1:hello ", 0},
    {S("\x82\x00\x82\x01x"), "2: 2:x ", 0},
    {S("\x01\x03hel\x80\x02lo"), "1:hello ", 0},
    {S("\x01\x03hel\x89\x02hi\x00\x01l\x80\x01o\x82\x01z"), "9:hi 1:hello 2:z ", 0},
    {S("\x01\x00\x80\x00"), "1: ", 0},
    {S("\x01\x01\xc3\x80\x01\xa9"), "1:\xc3\xa9 ", 0},
    {S("\x8a\x00\x89\x03" "abc"), "10: 9:abc ", 0},
    {S("\x88\x00"), "1005: ", 0},
    {S("\x88\x05\x03\xe8" "bye"), "1000:bye ", 0},
    {S("\x88\x02\x0f\xa0"), "4000: ", 0},
    {S("\x81\x05hell"), "", 0},
    // the rules
    {S("\xc1\x00"), "", 1002}, {S("\xa1\x00"), "", 1002}, {S("\x91\x00"), "", 1002},
    {S("\x83\x00"), "", 1002}, {S("\x87\x00"), "", 1002}, {S("\x8b\x00"), "", 1002},
    {S("\x81\x85""aaaahello"), "", 1002},
    {S("\x09\x00"), "", 1002}, {S("\x08\x00"), "", 1002},
    {S("\x89\x7e\x00\x7e"), "", 1002},
    {S("\x82\x7e\x00\x7d"), "", 1002},
    {S("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"), "", 1002},
    {S("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"), "", 1002},
    {S("\x80\x00"), "", 1002},
    {S("\x01\x00\x81\x00"), "", 1002}, {S("\x01\x00\x02\x00"), "", 1002},
    {S("\x88\x01x"), "", 1002},
    {S("\x88\x02\x03\xe7"), "", 1002}, {S("\x88\x02\x03\xed"), "", 1002},
    {S("\x88\x02\x03\xee"), "", 1002}, {S("\x88\x02\x03\xf7"), "", 1002},
    {S("\x88\x02\x0b\xb7"), "", 1002}, {S("\x88\x02\x13\x88"), "", 1002},
    {S("\x88\x03\x03\xe8\xff"), "", 1007},
    {S("\x81\x01\xff"), "", 1007}, {S("\x81\x03\xed\xa0\x80"), "", 1007},
    {S("\x01\x01\xc3\x80\x01x"), "", 1007},
    // the limit of 40 bytes
    {S("\x82\x29"), "", 1009},
    {S("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), "", 1009},
    {S("\x02\x14" "aaaaaaaaaaaaaaaaaaaa" "\x00\x14" "aaaaaaaaaaaaaaaaaaaa" "\x80\x01x"), "", 1009},
};
// clang-format on

static void messages_are_the_same_however_they_are_cut(void)
{
    struct et_buf events = et_buf(1000);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (size_t n_piece = 1; n_piece <= CASES[i].bytes.n; n_piece++) {
            et_buf_clear(&events);
            const int code =
                read_all(CASES[i].bytes.p, CASES[i].bytes.n, n_piece, false, 40, &events);
            if (!CHECK(code == CASES[i].code && et_str_is(et_buf_str(&events), CASES[i].events)))
                printf("#   case %zu in pieces of %zu: %d %.*s\n", i, n_piece, code,
                       ET_STR_ARG(et_buf_str(&events)));
        }
    et_buf_free(&events);
}

static void a_server_takes_masked_frames_alone(void)
{
    static const char MASKED[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"; // RFC 6455, 5.7
    struct et_buf events = et_buf(1000);
    CHECK_EQ(read_all(MASKED, sizeof MASKED - 1, 3, true, 40, &events), 0);
    CHECK(et_str_is(et_buf_str(&events), "1:Hello "));
    CHECK_EQ(read_all("\x81\x01x", 3, 3, true, 40, &events), 1002);
    et_buf_free(&events);
}

static void any_byte_may_be_wrong(void)
{
    static const char WHOLE[] = "\x01\x83\x01\x02\x03\x04"
                                "abc\x89\x80\x05\x06\x07\x08"
                                "\x80\x82\x09\x0a\x0b\x0c"
                                "de\x88\x82\x00\x00\x00\x00\x03\xe8";
    struct et_buf events = et_buf(1000);
    char text[sizeof WHOLE - 1];
    for (size_t i = 0; i < sizeof text; i++)
        for (int b = 0; b < 256; b++) {
            memcpy(text, WHOLE, sizeof text);
            text[i] = (char)b;
            et_buf_clear(&events);
            (void)read_all(text, sizeof text, 7, true, 40, &events);
        }
    et_buf_free(&events);
}

static void the_answer_to_a_key_is_the_standards(void)
{
    char accept[ET__WS_ACCEPT_CHARS + 1];
    CHECK(et__ws_accept_of(ET_STR("dGhlIHNhbXBsZSBub25jZQ=="), accept)); // RFC 6455, 1.3
    CHECK_STR(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(!et__ws_accept_of(ET_STR(""), accept));
    CHECK(!et__ws_accept_of(ET_STR("dGhlIHNhbXBsZSBub25jZQ="), accept));
    CHECK(!et__ws_accept_of(ET_STR("dGhlIHNhbXBsZSBub25jZTEy"), accept)); // 18 bytes
    CHECK(!et__ws_accept_of(ET_STR("dGhlIHNhbXBsZSBub25jZ!=="), accept));
}

int main(void)
{
    RUN(the_fast_mask_is_the_slow_one);
    RUN(heads_go_both_ways);
    RUN(messages_are_the_same_however_they_are_cut);
    RUN(a_server_takes_masked_frames_alone);
    RUN(any_byte_may_be_wrong);
    RUN(the_answer_to_a_key_is_the_standards);
    return tap_end();
}
