// Who is trusted is spoken with, and nobody else.
#include "net_peer.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>

static struct et_err err;

struct tried {
    struct et_conn *conn;
    bool is_open, is_over;
    char why[300];
};

static void on_open(void *ctx, struct et_conn *conn)
{
    (void)conn;
    ((struct tried *)ctx)->is_open = true;
}

static void on_close(void *ctx, struct et_conn *conn, const struct et_err *why)
{
    struct tried *t = ctx;
    (void)conn;
    t->is_over = true;
    CHECK_EQ(why->status, ET_EIO);
    (void)snprintf(t->why, sizeof t->why, "%.299s", why->text);
}

static const struct et_conn_handlers HANDLERS = {.on_open = on_open, .on_close = on_close};
static const struct et_conn_handlers NONE = {0};

static void on_accept(void *ctx, struct et_conn *conn)
{
    *(struct et_conn **)ctx = conn;
    et_conn_set_handlers(conn, &NONE, NULL);
}

static bool is_settled(void *ctx)
{
    const struct tried *t = ctx;
    return t->is_open || t->is_over;
}

// Connects with that trust and that host (NULL: the address's). Why not goes to `why`.
static bool is_trusted(const struct et_tls_client_options *options, const char *host, char why[300])
{
    struct et_loop *loop = make_loop();
    struct et_tls *server, *client;
    struct et_listener *listener;
    struct et_conn *accepted = NULL;
    struct tried t = {0};
    CHECK_OK(et_tls_open_server(&server, tls_cert(), tls_key(), &err));
    CHECK_OK(et_tls_open_client(&client, options, &err));
    const struct et_listen_options listen = {
        .address = "127.0.0.1:0", .tls = server, .on_accept = on_accept, .ctx = &accepted};
    CHECK_OK(et_listener_open(&listener, loop, &listen, &err));
    const struct et_conn_options to = {.address = et_listener_address(listener),
                                       .host = host,
                                       .tls = client,
                                       .handlers = &HANDLERS,
                                       .ctx = &t};
    CHECK_OK(et_conn_open(&t.conn, loop, &to, &err));
    CHECK(run_until(loop, is_settled, &t));
    run_some(loop);
    (void)snprintf(why, 300, "%s", t.why);
    if (t.is_open && !t.is_over)
        et_conn_close(t.conn);
    run_some(loop);
    et_listener_close(listener);
    et_loop_close(loop);
    et_tls_close(server);
    et_tls_close(client);
    return t.is_open && !t.is_over;
}

static void a_pinned_certificate_is_trusted(void)
{
    char why[300], pin[ET_TLS_FINGERPRINT_BYTES];
    CHECK(is_trusted(&(struct et_tls_client_options){.pin = tls_pin()}, "whoever", why));
    size_t n = 0;
    for (const char *p = tls_pin(); *p; p++) // without colons, in lower case
        if (*p != ':')
            pin[n++] = (char)(*p >= 'A' ? *p | 0x20 : *p);
    pin[n] = 0;
    CHECK(is_trusted(&(struct et_tls_client_options){.pin = pin}, NULL, why));
}

static void another_pin_is_not(void)
{
    char why[300], pin[ET_TLS_FINGERPRINT_BYTES];
    (void)snprintf(pin, sizeof pin, "%s", tls_pin());
    pin[sizeof pin - 2] = pin[sizeof pin - 2] == '0' ? '1' : '0';
    CHECK(!is_trusted(&(struct et_tls_client_options){.pin = pin}, NULL, why));
    CHECK_HAS(why, "pinned");
}

static void an_authority_vouches_for_names_that_are_in_it(void)
{
    char why[300];
    const struct et_tls_client_options options = {.ca_path = tls_cert()};
    CHECK(is_trusted(&options, NULL, why)); // 127.0.0.1
    CHECK(is_trusted(&options, "localhost", why));
    CHECK(!is_trusted(&options, "robot-7.local", why));
    CHECK_HAS(why, "not trusted");
    CHECK(!is_trusted(&options, "127.0.0.2", why));
}

static void the_systems_authorities_do_not_know_it(void)
{
    char why[300];
    CHECK(!is_trusted(NULL, NULL, why));
    CHECK_HAS(why, "not trusted");
}

static void a_certificate_is_made_once(void)
{
    static const char *const NAMES[] = {"robot-7.local", "192.168.1.7", "::1"};
    char first[ET_TLS_FINGERPRINT_BYTES], second[ET_TLS_FINGERPRINT_BYTES];
    struct stat info;
    CHECK_OK(et_tls_make(temp_path("made/deep"), NAMES, 3, &err));
    CHECK_OK(et_tls_fingerprint(temp_path("made/deep/" ET_TLS_CERT), first, &err));
    CHECK_OK(et_tls_make(temp_path("made/deep"), NAMES, 3, &err));
    CHECK_OK(et_tls_fingerprint(temp_path("made/deep/" ET_TLS_CERT), second, &err));
    CHECK_STR(first, second);
    CHECK_EQ(strlen(first), ET_TLS_FINGERPRINT_BYTES - 1);
    CHECK(stat(temp_path("made/deep/" ET_TLS_KEY), &info) == 0);
    CHECK_EQ(info.st_mode & 0777, 0600);
}

static void names_that_are_none_are_refused(void)
{
    static const char *const BAD[] = {"", "a b", "a,DNS:b", "a\nb", "*.local"};
    const char *many[ET_TLS_NAMES_MAX + 1];
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK_EQ(et_tls_make(temp_path("bad"), &BAD[i], 1, &err), ET_EARG);
    for (size_t i = 0; i <= ET_TLS_NAMES_MAX; i++)
        many[i] = "a";
    CHECK_EQ(et_tls_make(temp_path("bad"), many, ET_TLS_NAMES_MAX + 1, &err), ET_EARG);
    CHECK_EQ(et_tls_make(temp_path("bad"), many, 0, &err), ET_EARG);
    CHECK(!file_exists(temp_path("bad")));
}

static void files_that_are_none_are_refused(void)
{
    static const char *const NAMES[] = {"localhost"};
    struct et_tls *tls;
    char text[ET_TLS_FINGERPRINT_BYTES];
    const char *none = temp_path("none.pem"), *odd = temp_path("odd.pem");
    write_file(odd, "odd", 3);
    CHECK_OK(et_tls_make(temp_path("other"), NAMES, 1, &err));
    CHECK_EQ(et_tls_open_server(&tls, none, tls_key(), &err), ET_ENOTFOUND);
    CHECK_EQ(et_tls_open_server(&tls, tls_cert(), none, &err), ET_ENOTFOUND);
    CHECK_EQ(et_tls_open_server(&tls, odd, tls_key(), &err), ET_ECORRUPT);
    CHECK_EQ(et_tls_open_server(&tls, tls_cert(), odd, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "odd.pem");
    CHECK_EQ(et_tls_open_server(&tls, tls_cert(), temp_path("other/" ET_TLS_KEY), &err),
             ET_ECORRUPT);
    CHECK(tls == NULL);
    const struct et_tls_client_options at_none = {.ca_path = none}, at_odd = {.ca_path = odd};
    CHECK_EQ(et_tls_open_client(&tls, &at_none, &err), ET_ENOTFOUND);
    CHECK_EQ(et_tls_open_client(&tls, &at_odd, &err), ET_ECORRUPT);
    CHECK_EQ(et_tls_fingerprint(none, text, &err), ET_ENOTFOUND);
    CHECK_EQ(et_tls_fingerprint(odd, text, &err), ET_ECORRUPT);
    static const char *const PINS[] = {"", "ab", "AB:CD"};
    for (size_t i = 0; i < sizeof PINS / sizeof *PINS; i++) {
        const struct et_tls_client_options pinned = {.pin = PINS[i]};
        CHECK_EQ(et_tls_open_client(&tls, &pinned, &err), ET_EARG);
    }
    et_tls_close(NULL);
    // A folder that cannot be made.
    CHECK_EQ(et_tls_make(temp_path("odd.pem/x"), NAMES, 1, &err), ET_EIO);
}

int main(void)
{
    RUN(a_pinned_certificate_is_trusted);
    RUN(another_pin_is_not);
    RUN(an_authority_vouches_for_names_that_are_in_it);
    RUN(the_systems_authorities_do_not_know_it);
    RUN(a_certificate_is_made_once);
    RUN(names_that_are_none_are_refused);
    RUN(files_that_are_none_are_refused);
    return tap_end();
}
