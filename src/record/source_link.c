/* What agents on other machines send, into a station's feed (etude/link.h). They keep what is not
 * on the disk yet, but for what nobody records. */
#include "record/record__sources.h"

#include "etude/file.h"
#include "etude/link.h"
#include "etude/recorder.h"

#include <stdlib.h>

// clang-format off
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema YES = {.type = ET_SCHEMA_BOOL};
static const struct et_schema_field FIELDS[] = {
    {"address",    &TEXT, false},
    {"prefix",     &YES,  false},
    {"token_file", &TEXT, false},
    {"cert",       &TEXT, false},
    {"key",        &TEXT, false},
    {NULL,         NULL,  false},
};
static const struct et_schema SETTINGS = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
// clang-format on

struct link {
    struct et_source_options options;
    struct et_feed *feed;
    struct et_loop *loop;
    struct et_tls *tls;
    struct et_link_server *server;
    bool is_prefixed;
};

static const char *setting(const struct link *l, const char *key)
{
    return et_value_text(et_value_get(l->options.settings, key), NULL);
}

static enum et_status on_agent(void *ctx, const struct et_link_hello *hello,
                               struct et_link_place *place, struct et_err *err)
{
    struct link *l = ctx;
    (void)err;
    *place = (struct et_link_place){.feed = l->feed, .is_prefixed = l->is_prefixed};
    if (l->options.keeper) {
        place->is_numbered = true;
        place->n_taken = et_recorder_taken(et_station_recorder(l->options.keeper), hello->session);
    }
    return ET_OK;
}

static int64_t settled_ns(void *ctx, void *place_ctx)
{
    const struct link *l = ctx;
    (void)place_ctx;
    return et_station_settled_ns(l->options.keeper);
}

static enum et_status open_tls(struct link *l, struct et_err *err)
{
    const char *cert = setting(l, "cert"), *key = setting(l, "key");
    if (!cert && !key)
        return ET_OK;
    if (!cert || !key)
        return et_fail(err, ET_ECORRUPT, -1, "%s: cert and key go together", l->options.device);
    return et_tls_open_server(&l->tls, cert, key, err);
}

static enum et_status listen(struct link *l, struct et_err *err)
{
    char token[ET_LINK_TOKEN_BYTES_MAX + 1] = "";
    const char *token_file = setting(l, "token_file");
    enum et_status st = open_tls(l, err);
    if (st == ET_OK && token_file)
        st = et_link_token_read(token_file, token, err);
    if (st == ET_OK && l->options.keeper)
        st = et_recorder_read_links(et_station_recorder(l->options.keeper), err);
    const struct et_link_server_options how = {
        // Other machines reach it only where both are there: else the listener refuses.
        .listen = {.address = setting(l, "address"),
                   .is_public = l->tls && token_file,
                   .tls = l->tls},
        .token = token,
        .on_agent = on_agent,
        .safe_ns = l->options.keeper ? settled_ns : NULL,
        .now_ns = l->options.now_ns,
        .ctx = l};
    const struct et_loop_options clock = {.now_ns = l->options.now_ns, .now_ctx = l->options.ctx};
    if (st == ET_OK)
        st = et_loop_open(&l->loop, &clock, err);
    if (st == ET_OK)
        st = et_link_server_open(&l->server, l->loop, &how, err);
    // What the file says cannot be: here its settings have names.
    if (st == ET_EARG && !how.listen.is_public)
        return et_fail(err, ET_ECORRUPT, -1,
                       "%.100s: where other machines reach it, cert, key and token_file are needed",
                       how.listen.address ? how.listen.address : ET_LINK_ADDRESS);
    return st == ET_EARG ? et_fail(err, ET_ECORRUPT, -1, "%s", err->text) : st;
}

static void close_link(void *self)
{
    struct link *l = self;
    et_link_server_close(l->server);
    et_loop_close(l->loop);
    et_tls_close(l->tls);
    free(l);
}

static enum et_status open_link(void **self, const struct et_source_options *options,
                                struct et_feed *feed, struct et_err *err)
{
    struct link *l = calloc(1, sizeof *l);
    if (!l)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a link");
    l->options = *options;
    l->feed = feed;
    l->is_prefixed = et_value_bool(et_value_get(options->settings, "prefix"), false);
    const enum et_status st = listen(l, err);
    if (st != ET_OK) {
        close_link(l);
        return st;
    }
    *self = l;
    return ET_OK;
}

static int fd_link(void *self)
{
    return et_loop_fd(((struct link *)self)->loop);
}

static enum et_status poll_link(void *self, int64_t *t_next_ns, struct et_err *err)
{
    struct link *l = self;
    const enum et_status st = et_loop_run_once(l->loop, 0, err);
    const int64_t wait_ns = et_loop_wait_ns(l->loop);
    if (wait_ns >= 0)
        *t_next_ns = et_loop_now_ns(l->loop) + wait_ns;
    return st;
}

static enum et_source_state state_link(void *self)
{
    const struct et_link_server_status status =
        et_link_server_status(((struct link *)self)->server);
    return status.n_connected ? ET_SOURCE_LIVE : ET_SOURCE_WAITING;
}

const struct et_source_kind et__source_link = {.name = "link",
                                               .text = "agents on other machines (etude agent)",
                                               .settings = &SETTINGS,
                                               .can_wait = true,
                                               .open = open_link,
                                               .fd = fd_link,
                                               .poll = poll_link,
                                               .state = state_link,
                                               .close = close_link};
