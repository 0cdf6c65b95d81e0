#include "net/net__http.h"

#include <stdio.h>
#include <time.h>

#define DIGITS_MAX 18

static bool read_number(struct et_str text, int64_t *value)
{
    if (text.n == 0 || text.n > DIGITS_MAX || text.p[0] == '-' || text.p[0] == '+')
        return false;
    return et_str_to_int64(text, value);
}

enum et_status et__http_range(struct et_str value, int64_t n, int64_t *first, int64_t *last)
{
    if (!et_str_starts(value, "bytes="))
        return ET_EUNSUPPORTED;
    const struct et_str range = et_str_trim((struct et_str){value.p + 6, value.n - 6});
    const char *dash = range.n ? memchr(range.p, '-', range.n) : NULL;
    if (!dash)
        return ET_EUNSUPPORTED;
    const struct et_str from = {range.p, (size_t)(dash - range.p)};
    const struct et_str to = {dash + 1, range.n - from.n - 1};
    int64_t a = 0, b = 0;
    if ((from.n && !read_number(from, &a)) || (to.n && !read_number(to, &b)) || from.n + to.n == 0)
        return ET_EUNSUPPORTED;
    if (from.n == 0) { // the last b bytes
        a = b < n ? n - b : 0;
        if (b == 0)
            return ET_ELIMIT;
        b = n - 1;
    } else if (to.n == 0 || b >= n) {
        if (to.n && b < a)
            return ET_EUNSUPPORTED;
        b = n - 1;
    } else if (b < a) {
        return ET_EUNSUPPORTED;
    }
    if (a >= n)
        return ET_ELIMIT;
    *first = a;
    *last = b;
    return ET_OK;
}

static const char DAYS[] = "SunMonTueWedThuFriSat",
                  MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void et__http_date(int64_t t_s, char text[ET__HTTP_DATE_BYTES])
{
    const time_t t = t_s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900) {
        (void)snprintf(text, ET__HTTP_DATE_BYTES, "Thu, 01 Jan 1970 00:00:00 GMT");
        return;
    }
    (void)snprintf(text, ET__HTTP_DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
                   DAYS + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100, MONTHS + 3 * tm.tm_mon,
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

bool et__http_read_date(struct et_str text, int64_t *t_s)
{
    static const char FORM[] = "ddd, 00 mmm 0000 00:00:00 GMT";
    if (text.n != sizeof FORM - 1)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (FORM[i] == '0' ? text.p[i] < '0' || text.p[i] > '9'
                           : FORM[i] != 'd' && FORM[i] != 'm' && FORM[i] != text.p[i])
            return false;
    struct tm tm = {0};
    for (tm.tm_mon = 0; tm.tm_mon < 12; tm.tm_mon++)
        if (memcmp(MONTHS + 3 * tm.tm_mon, text.p + 8, 3) == 0)
            break;
    const char *p = text.p;
    tm.tm_mday = (p[5] - '0') * 10 + p[6] - '0';
    tm.tm_year =
        (p[12] - '0') * 1000 + (p[13] - '0') * 100 + (p[14] - '0') * 10 + p[15] - '0' - 1900;
    tm.tm_hour = (p[17] - '0') * 10 + p[18] - '0';
    tm.tm_min = (p[20] - '0') * 10 + p[21] - '0';
    tm.tm_sec = (p[23] - '0') * 10 + p[24] - '0';
    if (tm.tm_mon == 12)
        return false;
    *t_s = timegm(&tm);
    return true;
}

static const struct {
    int code;
    const char *reason;
} REASONS[] = {
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *et__http_reason(int code)
{
    for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++)
        if (REASONS[i].code == code)
            return REASONS[i].reason;
    return "";
}

static const struct {
    const char *ending, *type;
} TYPES[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/plain; charset=utf-8"},
    {".csv", "text/csv; charset=utf-8"},
    {".yaml", "text/plain; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
    {".wasm", "application/wasm"},
    {".woff2", "font/woff2"},
    {".pdf", "application/pdf"},
    {".glb", "model/gltf-binary"},
    {".gltf", "model/gltf+json"},
    {".mcap", "application/octet-stream"},
    {".bin", "application/octet-stream"},
};

const char *et_http_type(struct et_str name)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        const size_t n = strlen(TYPES[i].ending);
        if (name.n > n && et__http_is((struct et_str){name.p + name.n - n, n}, TYPES[i].ending))
            return TYPES[i].type;
    }
    return "application/octet-stream";
}

enum et_status et__url_read(const char *text, struct et__url *url, struct et_err *err)
{
    static const struct {
        const char *scheme;
        bool is_tls, is_websocket;
    } SCHEMES[] = {{"http://", false, false},
                   {"https://", true, false},
                   {"ws://", false, true},
                   {"wss://", true, true}};
    const struct et_str all = et_str(text);
    *url = (struct et__url){0};
    size_t n_scheme = 0;
    for (size_t i = 0; i < sizeof SCHEMES / sizeof *SCHEMES; i++) {
        if (!et_str_starts(all, SCHEMES[i].scheme))
            continue;
        n_scheme = strlen(SCHEMES[i].scheme);
        url->is_tls = SCHEMES[i].is_tls;
        url->is_websocket = SCHEMES[i].is_websocket;
    }
    for (size_t i = 0; i < all.n; i++)
        if (text[i] <= 0x20 || text[i] >= 0x7f || text[i] == '#')
            return et_fail(err, ET_EARG, (int64_t)i, "%.100s is no URL of visible characters",
                           text);
    const char *from = text + n_scheme;
    const size_t n = strcspn(from, "/?");
    // Names and passwords in URLs end up in logs.
    if (n_scheme == 0 || n == 0 || n >= sizeof url->host || memchr(from, '@', n))
        return et_fail(err, ET_EARG, -1,
                       "%.100s is no URL: http, https, ws, wss://HOST[:PORT]/… is", text);
    url->authority = (struct et_str){from, n};
    url->target = from[n] ? (struct et_str){from + n, strlen(from + n)} : ET_STR("/");
    if (from[n] == '?')
        return et_fail(err, ET_EARG, -1, "%.100s has a query without a path", text);
    const char *colon = memrchr(from, ':', n);
    const bool has_port = colon && !memchr(colon, ']', n - (size_t)(colon - from));
    const size_t n_host = has_port ? (size_t)(colon - from) : n;
    const bool is_bracketed = n_host > 2 && from[0] == '[' && from[n_host - 1] == ']';
    (void)snprintf(url->host, sizeof url->host, "%.*s", (int)(n_host - 2 * is_bracketed),
                   from + is_bracketed);
    (void)snprintf(url->address, sizeof url->address, "%.*s%s", (int)n, from,
                   has_port      ? ""
                   : url->is_tls ? ":443"
                                 : ":80");
    return ET_OK;
}
