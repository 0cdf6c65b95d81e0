/* Any bytes: a head is read or refused with a place inside it, the same however it is cut; what was
 * read keeps its promises; a chunked body gives the same data in one piece and byte by byte. */
#include "net/net__http.h"

#include <stdlib.h>

#define CAP ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_path(struct et_str path)
{
    require(path.n > 0 && (path.p[0] == '/' || et_str_is(path, "*")));
    require(et_str_is_utf8(path) && !memchr(path.p, 0, path.n) && !memchr(path.p, '\\', path.n));
    struct et_str part;
    while (et_str_cut(&path, '/', &part))
        require(!et_str_is(part, "..") && !et_str_is(part, "."));
}

static void check_request(const struct et__http_head *head)
{
    char value[64];
    int64_t first, last;
    struct et_str text;
    check_path(head->request.path);
    require(!(head->is_chunked && head->n_body >= 0));
    require(et_http_query(&head->request, "token", value, sizeof value) != ET_OK ||
            strlen(value) < sizeof value);
    if (et_http_header(&head->request, "Range", &text) &&
        et__http_range(text, 1000, &first, &last) == ET_OK)
        require(0 <= first && first <= last && last < 1000);
    for (size_t i = 0; i < head->request.n_headers; i++)
        require(et__http_is_token(head->request.headers[i].name));
}

static void read_heads(const char *p, size_t n)
{
    static const struct et__http_limits LIMITS = {8192, ET_HTTP_HEADERS_MAX};
    char *path = malloc(n ? n : 1);
    struct et__http_head head;
    struct et_err err = {0};
    size_t n_seen = 0, n_head = 0, at = 0;
    int code;
    enum et_status st = et__http_find_end(p, n, &at, &n_head, &err);
    enum et_status slow = ET_AGAIN;
    size_t n_slow = 0;
    for (size_t k = 1; k <= n && slow == ET_AGAIN; k++)
        slow = et__http_find_end(p, k, &n_seen, &n_slow, NULL);
    require(slow == st && (st != ET_OK || n_slow == n_head));
    if (st == ET_OK) {
        const struct et_str text = {p, n_head};
        st = et__http_read_request(text, &LIMITS, path, n, &head, &code, &err);
        require((st == ET_OK) == (code == 200));
        if (st == ET_OK)
            check_request(&head);
        else
            require(err.at >= 0 && err.at <= (int64_t)n_head && code >= 400);
        if (et__http_read_response(text, &head, &err) == ET_OK)
            require(head.code >= 100 && head.code <= 999);
    }
    free(path);
}

static enum et_status read_chunks(const char *p, size_t n, size_t n_piece, struct et_buf *data)
{
    struct et__http_chunks chunks = {0};
    enum et_status st = ET_AGAIN;
    for (size_t at = 0; at < n && (st == ET_OK || st == ET_AGAIN);) {
        struct et_str piece = {NULL, 0};
        size_t n_used;
        const size_t left = n - at;
        st =
            et__http_chunk(&chunks, p + at, left < n_piece ? left : n_piece, &n_used, &piece, NULL);
        require(n_used > 0 && n_used <= left);
        et_buf_putstr(data, piece);
        at += n_used;
    }
    return st;
}

static void read_body(const char *p, size_t n)
{
    struct et_buf whole = et_buf(CAP), slow = et_buf(CAP);
    const enum et_status a = read_chunks(p, n, n, &whole), b = read_chunks(p, n, 1, &slow);
    require((a < 0) == (b < 0) && (a == ET_END) == (b == ET_END));
    require(et_str_eq(et_buf_str(&whole), et_buf_str(&slow)));
    et_buf_free(&whole);
    et_buf_free(&slow);
}

static void read_words(const char *p, size_t n)
{
    struct et_buf text = et_buf(CAP);
    struct et__url url;
    int64_t t_s;
    char again[ET__HTTP_DATE_BYTES];
    et_buf_put(&text, p, n);
    if (et__url_read(et_buf_text(&text), &url, NULL) == ET_OK)
        require(url.target.p[0] == '/' && url.authority.n > 0);
    if (et__http_read_date((struct et_str){p, n}, &t_s)) {
        et__http_date(t_s, again);
        require(strlen(again) == ET__HTTP_DATE_BYTES - 1);
    }
    et_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > CAP)
        return 0;
    const char *p = (const char *)data;
    read_heads(p, size);
    read_body(p, size);
    read_words(p, size);
    return 0;
}
