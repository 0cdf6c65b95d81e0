#include "net/net__http_server.h"

#include "etude/file.h"

#include <assert.h>
#include <stdio.h>

#define TOKEN_BYTES_MIN 16
#define TOKEN_BYTES_MAX 256
#define METHODS_BYTES 80
#define LOCATION_BYTES ((size_t)16 << 10)

// --- who may ask

static bool is_token(const char *token)
{
    const size_t n = strlen(token);
    for (size_t i = 0; i < n; i++) // what goes into a query and a cookie as it is
        if (!strchr("-._~", token[i]) && !((token[i] | 0x20) >= 'a' && (token[i] | 0x20) <= 'z') &&
            !(token[i] >= '0' && token[i] <= '9'))
            return false;
    return n >= TOKEN_BYTES_MIN && n <= TOKEN_BYTES_MAX;
}

enum et_status et__http_check_options(const struct et_http_options *o, struct et_err *err)
{
    if ((o->listen.is_public || o->must_have_token) && !o->token)
        return et_fail(err, ET_EARG, -1, "a server that others reach needs a token");
    if (o->listen.is_public && !o->listen.tls)
        return et_fail(err, ET_EARG, -1, "a server that other machines reach needs TLS");
    if (o->token && !is_token(o->token))
        return et_fail(err, ET_EARG, -1, "a token has %d to %d letters, digits and -._~",
                       TOKEN_BYTES_MIN, TOKEN_BYTES_MAX);
    for (size_t i = 0; i < o->n_routes; i++) {
        const struct et_http_route *route = &o->routes[i];
        if (!route->path || route->path[0] != '/' || !route->handle == !route->folder ||
            (route->handle && !route->methods))
            return et_fail(err, ET_EARG, (int64_t)i, "route %zu is none", i);
        enum et_path_kind kind = ET_PATH_DIR;
        const enum et_status st = route->folder ? et_path_kind(route->folder, &kind, err) : ET_OK;
        if (st != ET_OK)
            return st;
        if (kind != ET_PATH_DIR)
            return et_fail(err, ET_ENOTFOUND, (int64_t)i, "%.200s is no folder", route->folder);
    }
    return ET_OK;
}

// A browser keeps cookies by host, whatever the port: servers side by side must not share one.
static void cookie_name(const struct et_http_exchange *x, char name[24])
{
    const char *colon = strrchr(et_http_address(x->server), ':');
    (void)snprintf(name, 24, "etude_%.10s", colon && colon[1] != '/' ? colon + 1 : "unix");
}

static bool has_cookie(const struct et_http_exchange *x, struct et_str token)
{
    char name[24];
    struct et_str all, part;
    cookie_name(x, name);
    if (!et_http_header(&x->head.request, "Cookie", &all))
        return false;
    while (et_str_cut(&all, ';', &part)) {
        const struct et_str cookie = et_str_trim(part);
        const size_t n = strlen(name);
        if (et_str_starts(cookie, name) && cookie.n > n && cookie.p[n] == '=' &&
            et__equal_secret((struct et_str){cookie.p + n + 1, cookie.n - n - 1}, token))
            return true;
    }
    return false;
}

static const char *scheme_of(const struct et_http_exchange *x)
{
    const char *scheme = et__http_options(x->server)->token_scheme;
    return scheme ? scheme : "Bearer";
}

static bool has_authorization(const struct et_http_exchange *x, struct et_str token)
{
    struct et_str value;
    const char *scheme = scheme_of(x);
    const size_t n = strlen(scheme);
    if (!et_http_header(&x->head.request, "Authorization", &value) || value.n <= n ||
        value.p[n] != ' ' || !et__http_is((struct et_str){value.p, n}, scheme))
        return false;
    return et__equal_secret(et_str_trim((struct et_str){value.p + n, value.n - n}), token);
}

static bool has_query(const struct et_http_exchange *x, struct et_str token)
{
    char value[TOKEN_BYTES_MAX + 2];
    return et_http_query(&x->head.request, "token", value, sizeof value) == ET_OK &&
           et__equal_secret(et_str(value), token);
}

// The address without the token, so that it does not stay in the browser's history.
static void put_location(const struct et_http_exchange *x, struct et_buf *location)
{
    const struct et_str target = x->head.target;
    const char *slash = memchr(target.p, '/', target.n), *mark = memchr(target.p, '?', target.n);
    if (target.p[0] != '/' || !slash || !mark || et_str_starts(target, "//")) {
        et_buf_putc(location, '/');
        return;
    }
    et_buf_put(location, target.p, (size_t)(mark - target.p));
    struct et_str rest = x->head.request.query, part;
    char separator = '?';
    while (et_str_cut(&rest, '&', &part)) {
        if (et_str_starts(part, "token=") || part.n == 0)
            continue;
        et_buf_putc(location, separator);
        et_buf_putstr(location, part);
        separator = '&';
    }
}

static int give_cookie(struct et_http_exchange *x, struct et_buf *location)
{
    char name[24], cookie[TOKEN_BYTES_MAX + 100];
    const struct et_http_options *o = et__http_options(x->server);
    if (x->head.wants_upgrade || !(et_str_is(x->head.request.method, "GET") || x->is_head))
        return 0;
    cookie_name(x, name);
    (void)snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", name,
                   o->token, et_conn_is_tls(x->conn) ? "; Secure" : "");
    put_location(x, location);
    const bool is_added = et_http_add(x, "Set-Cookie", cookie) == ET_OK &&
                          et_http_add(x, "Cache-Control", "no-store") == ET_OK &&
                          et_http_add(x, "Location", et_buf_text(location)) == ET_OK;
    return is_added ? 303 : 503;
}

// The name in "name:port", "[::1]:port", "name".
static struct et_str without_port(struct et_str host)
{
    const char *colon = host.n ? memrchr(host.p, ':', host.n) : NULL;
    if (!colon || memchr(colon, ']', host.n - (size_t)(colon - host.p)))
        return host;
    return (struct et_str){host.p, (size_t)(colon - host.p)};
}

/* A page of somebody else whose name was turned to this machine's address would be taken for our
 * own by the browser. It still says its own name here. */
static bool is_own_host(const struct et_http_exchange *x)
{
    static const char *const OWN[] = {"localhost", "127.0.0.1", "[::1]", NULL};
    const struct et_http_options *o = et__http_options(x->server);
    struct et_str host;
    if (!et_http_header(&x->head.request, "Host", &host))
        return true; // HTTP/1.0, which no browser speaks
    host = without_port(host);
    for (size_t i = 0; OWN[i]; i++)
        if (et__http_is(host, OWN[i]))
            return true;
    for (size_t i = 0; o->hosts && o->hosts[i]; i++)
        if (et__http_is(host, o->hosts[i]))
            return true;
    return false;
}

bool et__http_is_own_origin(struct et_http_exchange *x)
{
    const struct et_http_options *o = et__http_options(x->server);
    struct et_str origin, host = {NULL, 0};
    if (!et_http_header(&x->head.request, "Origin", &origin))
        return true;
    for (size_t i = 0; o->origins && o->origins[i]; i++)
        if (et__http_is(origin, o->origins[i]))
            return true;
    const char *scheme = et_conn_is_tls(x->conn) ? "https://" : "http://";
    const size_t n = strlen(scheme);
    if (!et_str_starts(origin, scheme) || !et_http_header(&x->head.request, "Host", &host) ||
        origin.n - n != host.n)
        return false;
    return strncasecmp(origin.p + n, host.p, host.n) == 0;
}

int et__http_admit(struct et_http_exchange *x, struct et_buf *location)
{
    const struct et_http_options *o = et__http_options(x->server);
    const struct et_str token = et_str(o->token), method = x->head.request.method;
    const bool changes = !et_str_is(method, "GET") && !x->is_head;
    if ((changes || x->head.wants_upgrade) && !et__http_is_own_origin(x))
        return 403;
    if (token.n && has_query(x, token))
        return give_cookie(x, location);
    if (token.n && (has_authorization(x, token) || has_cookie(x, token)))
        return 0;
    if (o->must_have_token || !et_conn_is_loopback(x->conn))
        return 401;
    return is_own_host(x) ? 0 : 421;
}

// --- what answers

static bool fits(const struct et_http_route *route, struct et_str path)
{
    const size_t n = strlen(route->path);
    return route->path[n - 1] == '/' ? et_str_starts(path, route->path)
                                     : et_str_is(path, route->path);
}

static bool has_method(const struct et_http_route *route, struct et_str method)
{
    struct et_str rest = et_str(route->folder ? "GET" : route->methods), part;
    if (et_str_is(method, "HEAD"))
        method = ET_STR("GET");
    while (et_str_cut(&rest, ' ', &part))
        if (et_str_eq(part, method))
            return true;
    return false;
}

static void add_methods(char text[METHODS_BYTES], const struct et_http_route *route)
{
    struct et_str rest = et_str(route->folder ? "GET" : route->methods), part;
    while (et_str_cut(&rest, ' ', &part)) {
        const size_t n = strlen(text);
        (void)snprintf(text + n, METHODS_BYTES - n, "%s%.*s%s", n ? ", " : "", ET_STR_ARG(part),
                       et_str_is(part, "GET") ? ", HEAD" : "");
    }
}

static bool is_for_all(const struct et_http_exchange *x)
{
    const struct et_http_options *o = et__http_options(x->server);
    const struct et_http_request *r = &x->head.request;
    const struct et_http_route *best = NULL;
    for (size_t i = 0; i < o->n_routes; i++)
        if (fits(&o->routes[i], r->path) &&
            (!best || strlen(o->routes[i].path) > strlen(best->path)))
            best = &o->routes[i];
    return best && best->is_for_all && has_method(best, r->method);
}

static void route_to(struct et_http_exchange *x)
{
    const struct et_http_options *o = et__http_options(x->server);
    const struct et_http_route *best = NULL;
    const struct et_http_request *r = &x->head.request;
    char allowed[METHODS_BYTES] = "";
    size_t n_best = 0;
    for (size_t i = 0; i < o->n_routes; i++) {
        const struct et_http_route *route = &o->routes[i];
        const size_t n = strlen(route->path);
        if (!fits(route, r->path) || n < n_best)
            continue;
        if (n > n_best) {
            best = NULL;
            allowed[0] = 0;
        }
        n_best = n;
        add_methods(allowed, route);
        if (!best && has_method(route, r->method))
            best = route;
    }
    if (best && best->handle) {
        best->handle(best->ctx, x);
    } else if (best) {
        const struct et_str name = {r->path.p + n_best, r->path.n - n_best};
        et_http_reply_file(x, best->folder, best->path[n_best - 1] == '/' ? name : et_str(""));
    } else if (n_best && et_http_add(x, "Allow", allowed) == ET_OK) {
        et_http_reply_text(x, 405, "this answers to %s", allowed);
    } else {
        et_http_reply_text(x, 404, "nothing is here");
    }
}

void et__http_dispatch(struct et_http_exchange *x)
{
    struct et_buf location = et_buf(LOCATION_BYTES);
    int code = et__http_admit(x, &location);
    et_buf_free(&location);
    if (code == 401 && is_for_all(x)) {
        route_to(x);
        return;
    }
    if (code == 401 && et_http_add(x, "WWW-Authenticate", scheme_of(x)) != ET_OK)
        code = 503;
    if (code == 0 || code == 303) {
        x->is_greeted = true;
        et_conn_greeted(x->conn);
    }
    if (code == 0)
        route_to(x);
    else if (code == 303)
        et_http_reply(x, code, NULL, NULL, 0);
    else if (code == 401)
        et_http_reply_text(x, code,
                           "a token is needed: Authorization: %s, or ?token=", scheme_of(x));
    else
        et_http_reply_text(x, code, "%s",
                           code == 403   ? "the page that asks is not this server's"
                           : code == 421 ? "this server has another name"
                                         : "no memory for the answer");
}
