/* A headset's browser: the server that gives it our page and takes its poses (doc/webxr.md). */
#include "record/record__webxr.h"

#include "etude/file.h"
#include "etude/share.h"
#include "record/record__sources.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LISTEN "127.0.0.1:8443"
#define RATE_HZ 72 // of most headsets, unless asked for more
#define ARENA_BYTES ((size_t)256 << 10)
#define TOKEN_FILE_BYTES_MAX 4096
#define NAME_BYTES 256
#define CONNECTIONS_MAX 64
#define PER_PEER_MAX 32

// clang-format off
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema YES = {.type = ET_SCHEMA_BOOL};
static const struct et_schema NAMES = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_max = ET_TLS_NAMES_MAX / 2};
static const struct et_schema MARKS = {.type = ET_SCHEMA_DICT, .items = &TEXT};
static const struct et_schema RATE = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 10, .max = 240};
static const char *const SECONDS[] = {"refuse", "replace", NULL};
static const struct et_schema SECOND = {.type = ET_SCHEMA_STRING, .choices = SECONDS};
static const char *const MODES[] = {"auto", "ar", "vr", NULL};
static const struct et_schema MODE = {.type = ET_SCHEMA_STRING, .choices = MODES};
static const struct et_schema_field FIELDS[] = {
    {"listen",     &TEXT,   false},
    {"tls",        &YES,    false},
    {"cert",       &TEXT,   false},
    {"key",        &TEXT,   false},
    {"names",      &NAMES,  false},
    {"state",      &TEXT,   false},
    {"token",      &TEXT,   false},
    {"token_file", &TEXT,   false},
    {"frame",      &TEXT,   false},
    {"rate_hz",    &RATE,   false},
    {"mode",       &MODE,   false},
    {"second",     &SECOND, false},
    {"buttons",    &MARKS,  false},
    {NULL,         NULL,    false},
};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
// clang-format on

struct webxr {
    struct et__webxr_peer peer;
    struct et_arena *arena; // of settings that were worked out
    struct et_loop *loop;   // NULL: only looked at
    struct et_tls *tls;
    struct et_http_server *http;
    struct et_http_route routes[2];
    const char *hosts[ET_TLS_NAMES_MAX + 1];
    const char *cert; // path; NULL: none
};

static const char *text(const struct webxr *x, const char *key, const char *otherwise)
{
    return et_value_text(et_value_get(x->peer.settings, key), otherwise);
}

static enum et_status full(const struct webxr *x, struct et_err *err)
{
    return et_arena_fail(x->arena, "a headset's settings", err);
}

/* ---- who may come ---- */

// "127.0.0.1:8443" without its port; "[::1]" without its brackets.
static const char *host_of(struct webxr *x, const char *address)
{
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : strlen(address);
    if (n >= 2 && address[0] == '[' && address[n - 1] == ']')
        return et_arena_printf(x->arena, "%.*s", (int)n - 2, address + 1);
    return et_arena_printf(x->arena, "%.*s", (int)n, address);
}

static bool is_own(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0 || strcmp(host, "unix") == 0;
}

static enum et_status read_token(struct webxr *x, const char **token, struct et_err *err)
{
    const char *path = text(x, "token_file", NULL);
    struct et_str content;
    *token = text(x, "token", NULL);
    if (*token || !path)
        return ET_OK;
    const enum et_status st = et_file_read(path, TOKEN_FILE_BYTES_MAX, x->arena, &content, err);
    if (st != ET_OK)
        return st;
    content = et_str_trim(content);
    *token = et_arena_copy(x->arena, content.p, content.n);
    return *token ? ET_OK : full(x, err);
}

/* ---- a certificate ---- */

static enum et_status find_state(struct webxr *x, const char **folder, struct et_err *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    *folder = text(x, "state", NULL);
    if (*folder)
        return ET_OK;
    if (state && state[0] == '/')
        *folder = et_arena_printf(x->arena, "%s/etude/webxr", state);
    else if (home && home[0] == '/')
        *folder = et_arena_printf(x->arena, "%s/.local/state/etude/webxr", home);
    else
        return et_fail(err, ET_ECORRUPT, -1, "say where the certificate is kept (state)");
    return *folder ? ET_OK : full(x, err);
}

static void add_name(const char **names, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(names[i], name) == 0)
            return;
    if (name && *n < ET_TLS_NAMES_MAX)
        names[(*n)++] = name;
}

// What this machine is called in its networks.
static void add_addresses(struct webxr *x, const char **names, size_t *n)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
        char host[NAME_BYTES];
        const int family = a->ifa_addr ? a->ifa_addr->sa_family : AF_UNSPEC;
        const socklen_t size =
            family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        if ((family != AF_INET && family != AF_INET6) ||
            getnameinfo(a->ifa_addr, size, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0 ||
            strchr(host, '%')) // a link's own address means nothing to others
            continue;
        const char *copy = et_arena_printf(x->arena, "%s", host);
        if (copy)
            add_name(names, n, copy);
    }
    freeifaddrs(all);
}

static enum et_status make_certificate(struct webxr *x, const char *folder, const char *host,
                                       struct et_err *err)
{
    const char *names[ET_TLS_NAMES_MAX];
    char own[NAME_BYTES] = "";
    size_t n = 0;
    const struct et_value *given = et_value_get(x->peer.settings, "names");
    for (size_t i = 0; i < et_value_count(given); i++)
        add_name(names, &n, et_value_text(et_value_at(given, i), "localhost"));
    add_name(names, &n, "localhost");
    if (strcmp(host, "0.0.0.0") != 0 && strcmp(host, "::") != 0)
        add_name(names, &n, host);
    if (gethostname(own, sizeof own - 1) == 0 && own[0]) {
        const char *local = et_arena_printf(x->arena, "%s.local", own);
        add_name(names, &n, own);
        if (local && !strchr(own, '.'))
            add_name(names, &n, local);
    }
    add_addresses(x, names, &n);
    return et_tls_make(folder, names, n, err);
}

static enum et_status open_tls(struct webxr *x, const char *host, struct et_err *err)
{
    const char *key = text(x, "key", NULL);
    x->cert = text(x, "cert", NULL);
    if (!x->cert != !key)
        return et_fail(err, ET_ECORRUPT, -1, "a certificate has a key: say both (cert, key)");
    if (!x->cert) {
        const char *folder;
        enum et_status st = find_state(x, &folder, err);
        if (st == ET_OK)
            st = make_certificate(x, folder, host, err);
        if (st != ET_OK)
            return st;
        x->cert = et_path_join(x->arena, folder, ET_TLS_CERT);
        key = et_path_join(x->arena, folder, ET_TLS_KEY);
        if (!x->cert || !key)
            return full(x, err);
    }
    return et_tls_open_server(&x->tls, x->cert, key, err);
}

/* ---- the server ---- */

static enum et_status find_page(struct webxr *x, const char **folder, struct et_err *err)
{
    static const struct et_share_kind PAGES = {"web", "/index.html", "page"};
    const char *path;
    const enum et_status st = et_share_find(&PAGES, "xr", x->arena, &path, err);
    if (st != ET_OK)
        return st;
    *folder = et_path_dir(x->arena, path);
    return *folder ? ET_OK : full(x, err);
}

static enum et_status serve(struct webxr *x, const char *address, bool is_public, const char *token,
                            struct et_err *err)
{
    const char *folder;
    const struct et_value *names = et_value_get(x->peer.settings, "names");
    const enum et_status st = find_page(x, &folder, err);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < et_value_count(names) && i < ET_TLS_NAMES_MAX; i++)
        x->hosts[i] = et_value_text(et_value_at(names, i), "localhost");
    x->routes[0] = (struct et_http_route){.path = "/", .folder = folder};
    x->routes[1] = (struct et_http_route){
        .path = "/xr", .methods = "GET", .handle = et__webxr_peer_accept, .ctx = &x->peer};
    const struct et_http_options how = {.listen = {.address = address,
                                                   .is_public = is_public,
                                                   .tls = x->tls,
                                                   .connections_max = CONNECTIONS_MAX,
                                                   .per_peer_max = PER_PEER_MAX},
                                        .routes = x->routes,
                                        .n_routes = 2,
                                        .token = token,
                                        .hosts = x->hosts,
                                        .is_isolated = true};
    return et_http_open(&x->http, x->loop, &how, err);
}

/* Where all addresses of this machine are listened to, one that can be opened: as the file calls
 * it, else its first one in a network, else its name. */
static const char *shown_host(struct webxr *x)
{
    const char *names[ET_TLS_NAMES_MAX];
    char own[NAME_BYTES] = "";
    size_t n = 0;
    const char *given =
        et_value_text(et_value_at(et_value_get(x->peer.settings, "names"), 0), NULL);
    if (given)
        return given;
    add_addresses(x, names, &n);
    for (size_t i = 0; i < n; i++)
        if (!is_own(names[i]) && !strchr(names[i], ':'))
            return names[i];
    const char *name = gethostname(own, sizeof own - 1) == 0 && own[0]
                           ? et_arena_printf(x->arena, "%s", own)
                           : NULL;
    return name ? name : "localhost";
}

// Says where the page is, and by what its certificate is known; never the token.
static void announce(struct webxr *x)
{
    char line[3 * NAME_BYTES + ET_TLS_FINGERPRINT_BYTES], print[ET_TLS_FINGERPRINT_BYTES];
    char where[2 * NAME_BYTES];
    const char *address = et_http_address(x->http);
    const bool has_print = x->cert && et_tls_fingerprint(x->cert, print, NULL) == ET_OK;
    const bool is_all = strncmp(address, "0.0.0.0:", 8) == 0 || strncmp(address, "[::]:", 5) == 0;
    (void)snprintf(where, sizeof where, "%.*s%.200s", is_all ? NAME_BYTES : 0, shown_host(x),
                   is_all ? strrchr(address, ':') : address);
    (void)snprintf(line, sizeof line, "%s://%s/%s%s", x->tls ? "https" : "http", where,
                   has_print ? " certificate " : "", has_print ? print : "");
    (void)et_feed_event(x->peer.streams.feed, "source.listening", x->peer.options.device, line,
                        NULL);
}

static enum et_status open_server(struct webxr *x, struct et_err *err)
{
    const char *address = text(x, "listen", LISTEN), *host = host_of(x, address), *token;
    if (!host)
        return full(x, err);
    const struct et_loop_options how = {.now_ns = x->peer.options.now_ns,
                                        .now_ctx = x->peer.options.ctx};
    enum et_status st = read_token(x, &token, err);
    if (st != ET_OK)
        return st;
    if (!is_own(host) && !token)
        return et_fail(err, ET_ECORRUPT, -1,
                       "others reach %s: give a token (token_file: a file with 16 or more letters "
                       "and digits)",
                       address);
    if (!is_own(host) || text(x, "cert", NULL) ||
        et_value_bool(et_value_get(x->peer.settings, "tls"), false))
        st = open_tls(x, host, err);
    if (st == ET_OK)
        st = et_loop_open(&x->loop, &how, err);
    x->peer.loop = x->loop;
    if (st == ET_OK)
        st = et__webxr_peer_open(&x->peer, err);
    if (st == ET_OK)
        st = serve(x, address, !is_own(host), token, err);
    if (st == ET_OK)
        announce(x);
    return st;
}

/* ---- the source ---- */

static void close_webxr(void *self)
{
    struct webxr *x = self;
    if (x->loop)
        et__webxr_peer_close(&x->peer);
    et_http_close(x->http);
    et_loop_close(x->loop);
    et_tls_close(x->tls);
    et__webxr_streams_close(&x->peer.streams);
    et_arena_close(x->arena);
    free(x);
}

static enum et_status open_webxr(void **self, const struct et_source_options *options,
                                 struct et_feed *feed, struct et_err *err)
{
    struct webxr *x = calloc(1, sizeof *x);
    if (!x)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a headset");
    x->peer.options = *options;
    x->peer.settings = options->settings;
    x->peer.replaces = strcmp(text(x, "second", "refuse"), "replace") == 0;
    const double rate_hz =
        et_value_real(et_value_get(x->peer.settings, "rate_hz"), (double)RATE_HZ);
    enum et_status st = et_arena_open(&x->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et__webxr_check_buttons(et_value_get(x->peer.settings, "buttons"), options->path, err);
    if (st == ET_OK)
        st = et__webxr_streams_open(&x->peer.streams, feed, options->device,
                                    text(x, "frame", options->device), rate_hz, err);
    if (st == ET_OK && !options->only_look)
        st = open_server(x, err);
    if (st != ET_OK) {
        close_webxr(x);
        return st;
    }
    *self = x;
    return ET_OK;
}

static int fd_webxr(void *self)
{
    const struct webxr *x = self;
    return x->loop ? et_loop_fd(x->loop) : -1;
}

static enum et_status poll_webxr(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct webxr *x = self;
    if (!x->loop)
        return ET_OK;
    const enum et_status st = et_loop_run_once(x->loop, 0, err);
    const int64_t wait_ns = et_loop_wait_ns(x->loop);
    if (wait_ns >= 0)
        *t_next_ns = x->peer.options.now_ns(x->peer.options.ctx) + wait_ns;
    return st;
}

static enum et_source_state state_webxr(void *self)
{
    const struct webxr *x = self;
    return x->peer.is_live ? ET_SOURCE_LIVE : ET_SOURCE_WAITING;
}

static void tell_webxr(void *self, const struct et_source_news *news)
{
    struct webxr *x = self;
    if (x->loop)
        et__webxr_peer_tell(&x->peer, news);
}

const struct et_source_kind et__source_webxr = {
    .name = "webxr",
    .text = "a headset's browser: head, hands and marks, by a page served here",
    .settings = &SETTINGS,
    .open = open_webxr,
    .fd = fd_webxr,
    .poll = poll_webxr,
    .state = state_webxr,
    .close = close_webxr,
    .tell = tell_webxr};
