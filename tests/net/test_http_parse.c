// What is HTTP is read, what is nearly HTTP is refused, wherever it is cut or changed.
#include "net/net__http.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define CAP 1024
#define LINE_MAX_ 200
#define HEADERS_MAX_ 8

static struct et_err err;
static const struct et__http_limits LIMITS = {LINE_MAX_, HEADERS_MAX_};
static char path[CAP];

// A request up to its end: 0 when it goes on, else the code that it is answered with.
static int read_text(const char *text, size_t n, struct et__http_head *head)
{
    size_t n_seen = 0, n_head = 0;
    int code = ET__HTTP_BAD;
    err = (struct et_err){0};
    enum et_status st = et__http_find_end(text, n, &n_seen, &n_head, &err);
    if (st == ET_AGAIN)
        return 0;
    if (st == ET_OK) {
        CHECK(n_head <= n);
        st = et__http_read_request((struct et_str){text, n_head}, &LIMITS, path, CAP, head, &code,
                                   &err);
    }
    CHECK((st == ET_OK) == (code == 200));
    CHECK(st == ET_OK || (st == ET_ECORRUPT && err.at >= 0 && err.at < (int64_t)n && err.text[0]));
    return code;
}

static int code_of(const char *text)
{
    struct et__http_head head;
    return read_text(text, strlen(text), &head);
}

#define H "Host: a\r\n"
#define LONG_8 "aaaaaaaa"
#define LONG_64 LONG_8 LONG_8 LONG_8 LONG_8 LONG_8 LONG_8 LONG_8 LONG_8

// clang-format off
static const struct {
    const char *text;
    int code;
} CASES[] = {
    {"GET / HTTP/1.1\r\n" H "\r\n", 200},
    {"GET / HTTP/1.0\r\n\r\n", 200},
    {"GET / HTTP/1.2\r\n" H "\r\n", 200},
    {"GET /a%20b?x=%2F&y HTTP/1.1\r\n" H "\r\n", 200},
    {"GET http://a/x HTTP/1.1\r\n" H "\r\n", 200},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 200},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n", 200},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 200},
    {"GET / HTTP/1.1\r\nHost:a\r\nX-Y:\t b \t\r\nEmpty:\r\n\r\n", 200},
    {"POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", 200},
    // lines
    {"GET / HTTP/1.1\n" H "\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "\n", 400},
    {"GET / HTTP/1.1\r" H "\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n X: y\r\n" H "\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X : y\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H ": y\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X: a\001\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X(: a\r\n\r\n", 400},
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n", 400},
    {"GET  / HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /  HTTP/1.1\r\n" H "\r\n", 400},
    {" GET / HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /\r\n" H "\r\n", 400},
    {"GET / HTTP/1\r\n" H "\r\n", 400},
    {"GET / http/1.1\r\n" H "\r\n", 400},
    {"GET / HTTP/1.1 \r\n" H "\r\n", 400},
    {"GET / HTTP/2.0\r\n" H "\r\n", 505},
    {"BREW / HTTP/1.1\r\n" H "\r\n", 501},
    {"CONNECT a:1 HTTP/1.1\r\n" H "\r\n", 501},
    {"get / HTTP/1.1\r\n" H "\r\n", 501},
    {"G@T / HTTP/1.1\r\n" H "\r\n", 400},
    // hosts
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H H "\r\n", 400},
    // lengths
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding\t: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Expect: more\r\n\r\n", 417},
    // paths
    {"GET x HTTP/1.1\r\n" H "\r\n", 400},
    {"GET * HTTP/1.1\r\n" H "\r\n", 400},
    {"GET http://a HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /.. HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a/../b HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a/%2e%2E/b HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /./b HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a%2fb HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a%00 HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a%0d HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a% HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a%4 HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a%gg HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a%ff HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a\\b HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a%5cb HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 400},
    // limits
    {"GET /" LONG_64 LONG_64 LONG_64 " HTTP/1.1\r\n" H "\r\n", 414},
    {"GET / HTTP/1.1\r\n" H "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\n\r\n", 200},
    {"GET / HTTP/1.1\r\n" H "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\n\r\n", 431},
};
// clang-format on

static void good_ones_are_read_and_bad_ones_refused(void)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const int code = code_of(CASES[i].text);
        if (!CHECK(code == CASES[i].code))
            printf("#   case %zu: %d, wanted %d: %.60s\n", i, code, CASES[i].code, CASES[i].text);
    }
}

static const char WHOLE[] = "POST /a%20b/c?x=1&y=%C3%A9+z HTTP/1.1\r\nHost: robot:8080\r\n"
                            "Connection: Upgrade, close\r\nContent-Length: 12\r\n\r\n";

static void parts_are_what_they_are(void)
{
    struct et__http_head head;
    struct et_str value;
    char text[16];
    CHECK_EQ(read_text(WHOLE, sizeof WHOLE - 1, &head), 200);
    const struct et_http_request *r = &head.request;
    CHECK(et_str_is(r->method, "POST") && et_str_is(r->path, "/a b/c"));
    CHECK(et_str_is(r->query, "x=1&y=%C3%A9+z"));
    CHECK(!head.keeps_alive && head.wants_upgrade && !head.is_chunked);
    CHECK_EQ(head.n_body, 12);
    CHECK(et_http_header(r, "hOST", &value) && et_str_is(value, "robot:8080"));
    CHECK(!et_http_header(r, "Hos", &value));
    CHECK_EQ(et_http_query(r, "y", text, sizeof text), ET_OK);
    CHECK_STR(text, "é z");
    CHECK_EQ(et_http_query(r, "x", text, 2), ET_OK);
    CHECK_EQ(et_http_query(r, "y", text, 4), ET_ELIMIT);
    CHECK_EQ(et_http_query(r, "z", text, sizeof text), ET_ENOTFOUND);
    const struct et_http_request broken = {.query = ET_STR("xx=1&x=%2&n=%00&e&f=")};
    CHECK_EQ(et_http_query(&broken, "x", text, sizeof text), ET_ECORRUPT);
    CHECK_EQ(et_http_query(&broken, "n", text, sizeof text), ET_ECORRUPT);
    CHECK_EQ(et_http_query(&broken, "e", text, sizeof text), ET_OK);
    CHECK_STR(text, "");
}

static void connections_are_kept_as_their_version_says(void)
{
    struct et__http_head head;
    static const struct {
        const char *text;
        bool is_kept;
    } KEPT[] = {{"GET / HTTP/1.1\r\n" H "\r\n", true},
                {"GET / HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\n", false},
                {"GET / HTTP/1.0\r\n\r\n", false},
                {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
                {"GET / HTTP/1.1\r\n" H "Connection: a\r\nConnection: close\r\n\r\n", false}};
    for (size_t i = 0; i < sizeof KEPT / sizeof *KEPT; i++) {
        CHECK_EQ(read_text(KEPT[i].text, strlen(KEPT[i].text), &head), 200);
        CHECK_EQ(head.keeps_alive, KEPT[i].is_kept);
    }
}

static void a_head_that_comes_in_pieces_ends_where_it_ends(void)
{
    const size_t n = sizeof WHOLE - 1;
    size_t n_seen = 0, n_head = 0;
    for (size_t k = 0; k < n; k++)
        CHECK_EQ(et__http_find_end(WHOLE, k, &n_seen, &n_head, &err), ET_AGAIN);
    CHECK_EQ(et__http_find_end(WHOLE, n, &n_seen, &n_head, &err), ET_OK);
    CHECK_EQ(n_head, n);
}

static void any_byte_may_be_wrong(void)
{
    struct et__http_head head;
    static const char BYTES[] = "\0\r\n\t :%/?x\x7f\xff";
    char *text = malloc(sizeof WHOLE - 1); // exactly as long, so that one read too far is seen
    for (size_t i = 0; i < sizeof WHOLE - 1; i++)
        for (size_t k = 0; k < sizeof BYTES - 1; k++) {
            memcpy(text, WHOLE, sizeof WHOLE - 1);
            text[i] = BYTES[k];
            (void)read_text(text, sizeof WHOLE - 1, &head);
        }
    free(text);
}

// A chunked body in pieces of n_piece bytes: the status that it ends with, and its data.
static enum et_status chunks_of(const char *text, size_t n_piece, struct et_buf *data)
{
    struct et__http_chunks chunks = {0};
    const size_t n = strlen(text);
    enum et_status st = ET_AGAIN;
    for (size_t at = 0; at < n && st >= 0 && st != ET_END;) {
        struct et_str piece = {NULL, 0};
        size_t n_used;
        const size_t left = n - at;
        st = et__http_chunk(&chunks, text + at, left < n_piece ? left : n_piece, &n_used, &piece,
                            &err);
        if (st == ET_OK)
            et_buf_putstr(data, piece);
        at += n_used;
        if (!CHECK(n_used > 0))
            break;
    }
    return st;
}

// clang-format off
static const struct {
    const char *text, *data;
    enum et_status st;
} CHUNKS[] = {
    {"0\r\n\r\n", "", ET_END},
    {"5\r\nhello\r\n0\r\n\r\n", "hello", ET_END},
    {"5;a=b\r\nhello\r\n00A\r\n 123456789\r\n0\r\nX: y\r\nZ:\r\n\r\n", "hello 123456789", ET_END},
    {"1\r\n\n\r\n0\r\n\r\n", "\n", ET_END},
    {"5\r\nhell", "hell", ET_OK},
    {"5\r\nhello\r\n0\r\n", "hello", ET_AGAIN},
    {"\r\n", "", ET_ECORRUPT},
    {";x\r\n", "", ET_ECORRUPT},
    {"g\r\n", "", ET_ECORRUPT},
    {"-1\r\n", "", ET_ECORRUPT},
    {"5 \r\nhello\r\n", "", ET_ECORRUPT},
    {"5\nhello\r\n", "", ET_ECORRUPT},
    {"5\r\nhello0\r\n\r\n", "hello", ET_ECORRUPT},
    {"5\r\nhello\n0\r\n\r\n", "hello", ET_ECORRUPT},
    {"5\r\nhello\r\n0\r\n\n", "hello", ET_ECORRUPT},
    {"5\r\nhello\r\n0\r\nX\ny\r\n\r\n", "hello", ET_ECORRUPT},
    {"11111111111111111\r\n", "", ET_ECORRUPT},
    {"0;" LONG_64 LONG_64 LONG_64 LONG_64 "\r\n\r\n", "", ET_ECORRUPT},
};
// clang-format on

static void chunks_give_the_same_however_they_are_cut(void)
{
    struct et_buf data = et_buf(1000);
    for (size_t i = 0; i < sizeof CHUNKS / sizeof *CHUNKS; i++)
        for (size_t n_piece = 1; n_piece < 40; n_piece++) {
            et_buf_clear(&data);
            const enum et_status st = chunks_of(CHUNKS[i].text, n_piece, &data);
            if (!CHECK(st == CHUNKS[i].st && et_str_is(et_buf_str(&data), CHUNKS[i].data)))
                printf("#   case %zu in pieces of %zu: %d, %.*s\n", i, n_piece, (int)st,
                       ET_STR_ARG(et_buf_str(&data)));
        }
    et_buf_free(&data);
}

static void answers_are_read(void)
{
    struct et__http_head head;
    static const struct {
        const char *text;
        int code;
    } ANSWERS[] = {{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200},
                   {"HTTP/1.1 404\r\n\r\n", 404},
                   {"HTTP/1.0 999 x\r\n\r\n", 999},
                   {"HTTP/1.1 20 OK\r\n\r\n", 0},
                   {"HTTP/1.1 2000\r\n\r\n", 0},
                   {"HTTP/2.0 200 OK\r\n\r\n", 0},
                   {"HTTP/1.1  200\r\n\r\n", 0},
                   {"ICY 200 OK\r\n\r\n", 0},
                   {"\r\n\r\n", 0},
                   {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 0}};
    for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
        const enum et_status st = et__http_read_response(et_str(ANSWERS[i].text), &head, &err);
        CHECK_EQ(st, ANSWERS[i].code ? ET_OK : ET_ECORRUPT);
        if (st == ET_OK)
            CHECK_EQ(head.code, ANSWERS[i].code);
    }
}

static void ranges_are_within_the_file(void)
{
    static const struct {
        const char *text;
        enum et_status st;
        int64_t first, last;
    } RANGES[] = {
        {"bytes=0-9", ET_OK, 0, 9},
        {"bytes=5-", ET_OK, 5, 99},
        {"bytes=-5", ET_OK, 95, 99},
        {"bytes=-500", ET_OK, 0, 99},
        {"bytes=99-99", ET_OK, 99, 99},
        {"bytes=90-1000", ET_OK, 90, 99},
        {"bytes=100-", ET_ELIMIT, 0, 0},
        {"bytes=100-200", ET_ELIMIT, 0, 0},
        {"bytes=-0", ET_ELIMIT, 0, 0},
        {"bytes=9-8", ET_EUNSUPPORTED, 0, 0},
        {"bytes=200-150", ET_EUNSUPPORTED, 0, 0},
        {"bytes=0-1,3-4", ET_EUNSUPPORTED, 0, 0},
        {"bytes=a-b", ET_EUNSUPPORTED, 0, 0},
        {"bytes=--5", ET_EUNSUPPORTED, 0, 0},
        {"bytes=-", ET_EUNSUPPORTED, 0, 0},
        {"bytes=", ET_EUNSUPPORTED, 0, 0},
        {"lines=0-9", ET_EUNSUPPORTED, 0, 0},
        {"bytes=0-99999999999999999999", ET_EUNSUPPORTED, 0, 0},
    };
    for (size_t i = 0; i < sizeof RANGES / sizeof *RANGES; i++) {
        int64_t first = 0, last = 0;
        const enum et_status st = et__http_range(et_str(RANGES[i].text), 100, &first, &last);
        if (!CHECK(st == RANGES[i].st && first == RANGES[i].first && last == RANGES[i].last))
            printf("#   %s\n", RANGES[i].text);
    }
    int64_t first, last;
    CHECK_EQ(et__http_range(ET_STR("bytes=0-"), 0, &first, &last), ET_ELIMIT);
    CHECK_EQ(et__http_range(ET_STR("bytes=-1"), 0, &first, &last), ET_ELIMIT);
}

static void dates_go_both_ways(void)
{
    char text[ET__HTTP_DATE_BYTES];
    struct rng rng = {1};
    int64_t t_s;
    et__http_date(784111777, text);
    CHECK_STR(text, "Sun, 06 Nov 1994 08:49:37 GMT"); // RFC 9110, 5.6.7
    for (int i = 0; i < 1000; i++) {
        const int64_t want_s = (int64_t)(rng_next(&rng) % 253402300800u);
        et__http_date(want_s, text);
        CHECK(et__http_read_date(et_str(text), &t_s) && t_s == want_s);
    }
    CHECK(!et__http_read_date(ET_STR("Sun, 06 Nov 1994 08:49:37 UTC"), &t_s));
    CHECK(!et__http_read_date(ET_STR("Sun, 06 Nix 1994 08:49:37 GMT"), &t_s));
    CHECK(!et__http_read_date(ET_STR("Sunday, 06-Nov-94 08:49:37 GMT"), &t_s));
    CHECK(!et__http_read_date(ET_STR(""), &t_s));
}

static void urls_are_taken_apart(void)
{
    struct et__url url;
    CHECK_OK(et__url_read("ws://robot-7.local:8080/live?x=1", &url, &err));
    CHECK(url.is_websocket && !url.is_tls);
    CHECK_STR(url.address, "robot-7.local:8080");
    CHECK_STR(url.host, "robot-7.local");
    CHECK(et_str_is(url.target, "/live?x=1"));
    CHECK_OK(et__url_read("https://[::1]", &url, &err));
    CHECK(!url.is_websocket && url.is_tls && et_str_is(url.target, "/"));
    CHECK_STR(url.address, "[::1]:443");
    CHECK_STR(url.host, "::1");
    CHECK_OK(et__url_read("http://[::1]:81/", &url, &err));
    CHECK_STR(url.address, "[::1]:81");
    static const char *const BAD[] = {
        "",         "robot",     "ftp://a/",    "http://", "http:///x", "http://a b/",
        "ws://u@a", "ws://a/#x", "ws://a/\r\n", "ws://a?x"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK_EQ(et__url_read(BAD[i], &url, &err), ET_EARG);
}

static void secrets_are_compared_whole(void)
{
    CHECK(et__equal_secret(ET_STR("abc"), ET_STR("abc")));
    CHECK(!et__equal_secret(ET_STR("abc"), ET_STR("abd")));
    CHECK(!et__equal_secret(ET_STR("ab"), ET_STR("abab")));
    CHECK(!et__equal_secret(ET_STR("abab"), ET_STR("ab")));
    CHECK(!et__equal_secret(ET_STR(""), ET_STR("a")));
}

static void types_follow_names(void)
{
    CHECK_STR(et_http_type(ET_STR("a/index.HTML")), "text/html; charset=utf-8");
    CHECK_STR(et_http_type(ET_STR("x.mjs")), "text/javascript; charset=utf-8");
    CHECK_STR(et_http_type(ET_STR("x.wasm")), "application/wasm");
    CHECK_STR(et_http_type(ET_STR("html")), "application/octet-stream");
    CHECK_STR(et_http_type(ET_STR("")), "application/octet-stream");
}

int main(void)
{
    RUN(good_ones_are_read_and_bad_ones_refused);
    RUN(parts_are_what_they_are);
    RUN(connections_are_kept_as_their_version_says);
    RUN(a_head_that_comes_in_pieces_ends_where_it_ends);
    RUN(any_byte_may_be_wrong);
    RUN(chunks_give_the_same_however_they_are_cut);
    RUN(answers_are_read);
    RUN(ranges_are_within_the_file);
    RUN(dates_go_both_ways);
    RUN(urls_are_taken_apart);
    RUN(secrets_are_compared_whole);
    RUN(types_follow_names);
    return tap_end();
}
