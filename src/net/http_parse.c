#include "net/net__http.h"

#include <assert.h>

#define CHUNK_LINE_BYTES 256 // of a chunk's size with its extensions, of a trailer's line
#define TRAILER_BYTES 4096
#define DIGITS_MAX 18 // of a Content-Length: fits int64_t whatever they are

// --- characters

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_token_char(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool et__http_is(struct et_str a, const char *b)
{
    size_t i = 0;
    while (i < a.n && b[i] && lower(a.p[i]) == lower(b[i]))
        i++;
    return i == a.n && b[i] == 0;
}

bool et__http_is_token(struct et_str a)
{
    for (size_t i = 0; i < a.n; i++)
        if (!is_token_char(a.p[i]))
            return false;
    return a.n > 0;
}

bool et__http_has_token(struct et_str list, const char *token)
{
    struct et_str part;
    while (et_str_cut(&list, ',', &part))
        if (et__http_is(et_str_trim(part), token))
            return true;
    return false;
}

bool et__equal_secret(struct et_str a, struct et_str b)
{
    // Goes over all of b whatever a is; the lengths' difference counts like a byte's.
    volatile unsigned char differs = a.n != b.n;
    for (size_t i = 0; i < b.n; i++)
        differs |= (unsigned char)((a.n ? a.p[i % a.n] : 0) ^ b.p[i]);
    return differs == 0;
}

// --- a head

enum et_status et__http_find_end(const char *p, size_t n, size_t *n_seen, size_t *n_head,
                                 struct et_err *err)
{
    for (size_t i = *n_seen; i < n; i++) {
        const unsigned char c = (unsigned char)p[i];
        if (c == '\n') {
            if (i == 0 || p[i - 1] != '\r')
                return et_fail(err, ET_ECORRUPT, (int64_t)i, "a line feed without carriage return");
            if (i >= 3 && p[i - 2] == '\n') {
                *n_head = i + 1;
                return ET_OK;
            }
        } else if (i > 0 && p[i - 1] == '\r') {
            return et_fail(err, ET_ECORRUPT, (int64_t)i, "a carriage return within a line");
        } else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
            return et_fail(err, ET_ECORRUPT, (int64_t)i, "a control character in a head");
        }
    }
    *n_seen = n;
    return ET_AGAIN;
}

// Cuts a line off, without its CR LF. The head was looked through by et__http_find_end.
static struct et_str cut_line(struct et_str *rest)
{
    const char *end = memchr(rest->p, '\r', rest->n);
    assert(end);
    const struct et_str line = {rest->p, (size_t)(end - rest->p)};
    rest->p = end + 2;
    rest->n -= line.n + 2;
    return line;
}

static enum et_status bad(struct et_err *err, struct et_str text, const char *at, const char *why)
{
    return et_fail(err, ET_ECORRUPT, at - text.p, "%s", why);
}

static enum et_status read_headers(struct et_str text, struct et_str rest, size_t headers_max,
                                   struct et__http_head *head, int *code, struct et_err *err)
{
    struct et_http_request *r = &head->request;
    for (;;) {
        struct et_str line = cut_line(&rest), name;
        if (line.n == 0)
            return ET_OK;
        if (r->n_headers == headers_max) {
            *code = ET__HTTP_HEAD_TOO_LONG;
            return bad(err, text, line.p, "too many headers");
        }
        const char *colon = memchr(line.p, ':', line.n);
        name = (struct et_str){line.p, colon ? (size_t)(colon - line.p) : 0};
        if (!colon || !et__http_is_token(name))
            return bad(err, text, line.p, "a line that is no header");
        const struct et_str value = {colon + 1, line.n - name.n - 1};
        r->headers[r->n_headers++] = (struct et_http_header){name, et_str_trim(value)};
    }
}

size_t et__http_find(const struct et__http_head *head, const char *name, struct et_str *value)
{
    size_t n = 0;
    for (size_t i = 0; i < head->request.n_headers; i++)
        if (et__http_is(head->request.headers[i].name, name) && n++ == 0)
            *value = head->request.headers[i].value;
    return n;
}

static bool read_length(struct et_str value, int64_t *n)
{
    *n = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (!is_digit(value.p[i]))
            return false;
        *n = 10 * *n + (value.p[i] - '0');
        if (i == DIGITS_MAX - 1 && value.n > DIGITS_MAX)
            return false;
    }
    return value.n > 0;
}

// How long the body is, in one way only.
static enum et_status read_framing(struct et_str text, struct et__http_head *head, int *code,
                                   struct et_err *err)
{
    struct et_str value;
    head->n_body = -1;
    const size_t n_lengths = et__http_find(head, "Content-Length", &value);
    if (n_lengths > 1)
        return bad(err, text, value.p, "several lengths of one body");
    if (n_lengths == 1 && !read_length(value, &head->n_body))
        return bad(err, text, value.p, "a length that is no number");
    const size_t n_codings = et__http_find(head, "Transfer-Encoding", &value);
    if (n_codings == 0)
        return ET_OK;
    if (n_codings > 1 || n_lengths > 0 || head->minor == 0)
        return bad(err, text, value.p, "a body of two lengths");
    if (!et__http_is(value, "chunked")) {
        *code = ET__HTTP_NOT_IMPLEMENTED;
        return bad(err, text, value.p, "a transfer coding other than chunked");
    }
    head->is_chunked = true;
    return ET_OK;
}

static void read_connection(struct et__http_head *head)
{
    bool has_close = false, has_keep = false;
    for (size_t i = 0; i < head->request.n_headers; i++) {
        const struct et_http_header *h = &head->request.headers[i];
        if (!et__http_is(h->name, "Connection"))
            continue;
        has_close |= et__http_has_token(h->value, "close");
        has_keep |= et__http_has_token(h->value, "keep-alive");
        head->wants_upgrade |= et__http_has_token(h->value, "upgrade");
    }
    head->keeps_alive = !has_close && (head->minor >= 1 || has_keep);
}

static enum et_status read_meaning(struct et_str text, struct et__http_head *head, int *code,
                                   struct et_err *err)
{
    struct et_str value;
    const size_t n_hosts = et__http_find(head, "Host", &value);
    if (n_hosts > 1 || (n_hosts == 0 && head->minor >= 1))
        return bad(err, text, text.p, "not one Host");
    const enum et_status st = read_framing(text, head, code, err);
    if (st != ET_OK)
        return st;
    read_connection(head);
    if (et__http_find(head, "Expect", &value) && head->minor >= 1) {
        head->expects_continue = et__http_is(value, "100-continue");
        if (!head->expects_continue) {
            *code = ET__HTTP_EXPECTATION;
            return bad(err, text, value.p, "an expectation that is not known");
        }
    }
    return ET_OK;
}

// "HTTP/1.0" or "HTTP/1.1"; later ones of 1 are answered as 1.1.
static bool read_version(struct et_str text, int *minor, bool *is_other)
{
    *is_other = false;
    if (text.n != 8 || memcmp(text.p, "HTTP/", 5) != 0 || !is_digit(text.p[5]) ||
        text.p[6] != '.' || !is_digit(text.p[7]))
        return false;
    *is_other = text.p[5] != '1';
    *minor = text.p[7] > '0';
    return true;
}

static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "DELETE"};

static bool is_method(struct et_str method)
{
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        if (et_str_is(method, METHODS[i]))
            return true;
    return false;
}

// A target in the form "http://host/path" means what its path means; the Host is checked as it is.
static struct et_str without_authority(struct et_str target)
{
    const size_t n = et_str_starts(target, "http://")    ? 7
                     : et_str_starts(target, "https://") ? 8
                                                         : 0;
    if (n == 0)
        return target;
    const char *slash = memchr(target.p + n, '/', target.n - n);
    if (!slash)
        return (struct et_str){NULL, 0};
    return (struct et_str){slash, target.n - (size_t)(slash - target.p)};
}

static enum et_status read_target(struct et_str text, struct et__http_head *head, char *path,
                                  size_t cap, struct et_err *err)
{
    struct et_http_request *r = &head->request;
    struct et_str target = without_authority(head->target);
    for (size_t i = 0; i < target.n; i++)
        if (target.p[i] <= 0x20 || target.p[i] >= 0x7f || target.p[i] == '#')
            return bad(err, text, target.p + i, "a character that no target has");
    if (et_str_is(target, "*") && et_str_is(r->method, "OPTIONS")) {
        r->path = target;
        return ET_OK;
    }
    const char *mark = target.n ? memchr(target.p, '?', target.n) : NULL;
    const struct et_str raw = {target.p, mark ? (size_t)(mark - target.p) : target.n};
    if (mark)
        r->query = (struct et_str){mark + 1, target.n - raw.n - 1};
    size_t n;
    const enum et_status st = et__http_decode_path(raw, path, cap, &n, err);
    if (st == ET_OK)
        r->path = (struct et_str){path, n};
    else if (err)
        err->at += head->target.p - text.p;
    return st;
}

static enum et_status read_request_line(struct et_str text, struct et_str line,
                                        struct et__http_head *head, int *code, struct et_err *err)
{
    struct et_http_request *r = &head->request;
    bool is_other;
    const char *space = memchr(line.p, ' ', line.n);
    if (!space)
        return bad(err, text, line.p, "a first line that is none of a request");
    r->method = (struct et_str){line.p, (size_t)(space - line.p)};
    const char *target = space + 1;
    space = memchr(target, ' ', (size_t)(line.p + line.n - target));
    if (!space || space == target || !et__http_is_token(r->method))
        return bad(err, text, line.p, "a first line that is none of a request");
    head->target = (struct et_str){target, (size_t)(space - target)};
    const struct et_str version = {space + 1, (size_t)(line.p + line.n - space - 1)};
    if (!read_version(version, &head->minor, &is_other))
        return bad(err, text, version.p, "no version of HTTP");
    if (is_other) {
        *code = ET__HTTP_VERSION;
        return bad(err, text, version.p, "a version of HTTP other than 1");
    }
    if (!is_method(r->method)) {
        *code = ET__HTTP_NOT_IMPLEMENTED;
        return bad(err, text, line.p, "a method that is not known");
    }
    return ET_OK;
}

enum et_status et__http_read_request(struct et_str text, const struct et__http_limits *limits,
                                     char *path, size_t cap, struct et__http_head *head, int *code,
                                     struct et_err *err)
{
    *head = (struct et__http_head){0};
    *code = ET__HTTP_BAD;
    struct et_str rest = text;
    assert(limits->headers_max <= ET_HTTP_HEADERS_MAX && text.n >= 4);
    const struct et_str line = cut_line(&rest);
    if (line.n > limits->line_bytes_max) {
        *code = ET__HTTP_URI_TOO_LONG;
        return bad(err, text, text.p, "a first line that is too long");
    }
    enum et_status st = read_request_line(text, line, head, code, err);
    if (st == ET_OK)
        st = read_target(text, head, path, cap, err);
    if (st == ET_OK)
        st = read_headers(text, rest, limits->headers_max, head, code, err);
    if (st == ET_OK)
        st = read_meaning(text, head, code, err);
    if (st == ET_OK)
        *code = ET__HTTP_OK;
    return st;
}

enum et_status et__http_read_response(struct et_str text, struct et__http_head *head,
                                      struct et_err *err)
{
    int code;
    bool is_other;
    *head = (struct et__http_head){0};
    struct et_str rest = text;
    const struct et_str line = cut_line(&rest);
    const struct et_str version = {line.p, line.n < 8 ? line.n : 8};
    if (!read_version(version, &head->minor, &is_other) || is_other || line.n < 12 ||
        line.p[8] != ' ' || !is_digit(line.p[9]) || line.p[9] == '0' || !is_digit(line.p[10]) ||
        !is_digit(line.p[11]) || (line.n > 12 && line.p[12] != ' '))
        return bad(err, text, text.p, "a first line that is none of an answer");
    head->code = (line.p[9] - '0') * 100 + (line.p[10] - '0') * 10 + (line.p[11] - '0');
    enum et_status st = read_headers(text, rest, ET_HTTP_HEADERS_MAX, head, &code, err);
    if (st == ET_OK)
        st = read_framing(text, head, &code, err);
    if (st == ET_OK)
        read_connection(head);
    return st;
}

// --- paths and queries

// The byte that "%xx" at i stands for; −1: it stands for none.
static int percent(struct et_str raw, size_t i)
{
    const int high = i + 2 < raw.n ? hex(raw.p[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex(raw.p[i + 2]);
    return low < 0 ? -1 : 16 * high + low;
}

enum et_status et__http_decode_path(struct et_str raw, char *to, size_t cap, size_t *n,
                                    struct et_err *err)
{
    size_t k = 0;
    if (raw.n == 0 || raw.p[0] != '/')
        return et_fail(err, ET_ECORRUPT, 0, "a path that does not begin with /");
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '%') {
            const int byte = percent(raw, i);
            c = (char)byte;
            if (byte < 0x20 || byte == 0x7f || c == '/')
                return et_fail(err, ET_ECORRUPT, (int64_t)i, "a percent sign that hides something");
            i += 2;
        }
        if (c == '\\' || k == cap)
            return et_fail(err, ET_ECORRUPT, (int64_t)i, "a path that is none");
        to[k++] = c;
    }
    struct et_str rest = {to + 1, k - 1}, part;
    while (et_str_cut(&rest, '/', &part))
        if (et_str_is(part, ".") || et_str_is(part, ".."))
            return et_fail(err, ET_ECORRUPT, 0, "a path that leaves its folder");
    if (!et_str_is_utf8((struct et_str){to, k}))
        return et_fail(err, ET_ECORRUPT, 0, "a path that is not UTF-8");
    *n = k;
    return ET_OK;
}

bool et_http_header(const struct et_http_request *request, const char *name, struct et_str *value)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!et__http_is(request->headers[i].name, name))
            continue;
        *value = request->headers[i].value;
        return true;
    }
    return false;
}

static enum et_status decode_value(struct et_str raw, char *buf, size_t cap)
{
    size_t k = 0;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i] == '+' ? ' ' : raw.p[i];
        if (c == '%') {
            const int byte = percent(raw, i);
            if (byte <= 0) // 0 would end what a reader sees
                return ET_ECORRUPT;
            c = (char)byte;
            i += 2;
        }
        if (k + 1 >= cap)
            return ET_ELIMIT;
        buf[k++] = c;
    }
    buf[k] = 0;
    return ET_OK;
}

enum et_status et_http_query(const struct et_http_request *request, const char *key, char *buf,
                             size_t cap)
{
    struct et_str rest = request->query, part;
    const size_t n_key = strlen(key);
    assert(cap > 0);
    while (et_str_cut(&rest, '&', &part)) {
        if (!et_str_starts(part, key) || (part.n > n_key && part.p[n_key] != '='))
            continue;
        const size_t n_skip = part.n > n_key ? n_key + 1 : n_key;
        return decode_value((struct et_str){part.p + n_skip, part.n - n_skip}, buf, cap);
    }
    return ET_ENOTFOUND;
}

// --- chunked bodies

enum {
    SIZE,
    EXTENSION,
    SIZE_END,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    TRAILER_LINE,
    TRAILER_LF,
    LAST_LF,
    DONE
};

static enum et_status bad_chunk(struct et_err *err, const char *why)
{
    return et_fail(err, ET_ECORRUPT, -1, "%s", why);
}

static enum et_status size_byte(struct et__http_chunks *c, char b, struct et_err *err)
{
    const int digit = hex(b);
    if (digit >= 0 && c->state == SIZE) {
        if (c->left >> 56)
            return bad_chunk(err, "a chunk that is too long");
        c->left = c->left << 4 | (unsigned)digit;
        c->n_line++;
        return ET_OK;
    }
    if (c->n_line == 0)
        return bad_chunk(err, "a chunk without its size");
    if (b == '\r')
        c->state = SIZE_END;
    else if (c->state == SIZE && b != ';')
        return bad_chunk(err, "a chunk's size that is no number");
    else if ((unsigned char)b < 0x20 && b != '\t')
        return bad_chunk(err, "a control character behind a chunk's size");
    else
        c->state = EXTENSION;
    return c->n_line++ < CHUNK_LINE_BYTES ? ET_OK
                                          : bad_chunk(err, "a chunk's first line is too long");
}

// Lines behind the last chunk are passed over: nobody here asks for them.
static enum et_status trailer_byte(struct et__http_chunks *c, char b, struct et_err *err)
{
    if (c->n_line++ >= TRAILER_BYTES)
        return bad_chunk(err, "lines behind a body that are too long");
    if (b == '\r')
        c->state = c->state == TRAILER ? LAST_LF : TRAILER_LF;
    else if ((unsigned char)b < 0x20 && b != '\t')
        return bad_chunk(err, "a control character behind a body");
    else
        c->state = TRAILER_LINE;
    return ET_OK;
}

// What stands at a fixed place: the CR and LF behind sizes, data and lines.
static enum et_status fixed_byte(struct et__http_chunks *c, char b, struct et_err *err)
{
    if (b != (c->state == DATA_CR ? '\r' : '\n'))
        return bad_chunk(err, "a chunk that does not end where it says");
    switch (c->state) {
    case SIZE_END:
        c->state = c->left ? DATA : TRAILER;
        c->n_line = 0;
        break;
    case DATA_CR:
        c->state = DATA_LF;
        break;
    case DATA_LF:
        c->state = SIZE;
        c->n_line = 0;
        break;
    case TRAILER_LF:
        c->state = TRAILER;
        break;
    default:
        c->state = DONE;
        return ET_END;
    }
    return ET_OK;
}

enum et_status et__http_chunk(struct et__http_chunks *c, const char *p, size_t n, size_t *n_used,
                              struct et_str *data, struct et_err *err)
{
    *n_used = 0;
    if (c->state == DONE)
        return ET_END;
    while (*n_used < n) {
        if (c->state == DATA) {
            const size_t left = n - *n_used;
            *data = (struct et_str){p + *n_used, c->left < left ? (size_t)c->left : left};
            *n_used += data->n;
            c->left -= data->n;
            if (c->left == 0)
                c->state = DATA_CR;
            return ET_OK;
        }
        const char b = p[(*n_used)++];
        const enum et_status st = c->state == SIZE || c->state == EXTENSION ? size_byte(c, b, err)
                                  : c->state == TRAILER || c->state == TRAILER_LINE
                                      ? trailer_byte(c, b, err)
                                      : fixed_byte(c, b, err);
        if (st != ET_OK)
            return st;
    }
    return ET_AGAIN;
}
