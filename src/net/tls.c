#include "net/net__tls.h"

#include "etude/arena.h"
#include "etude/file.h"
#include "etude/str.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIN_BYTES 32
#define VALID_DAYS 3650
#define SERIAL_BITS 127
#define NAME_BYTES_MAX 253 // of DNS

struct et_tls {
    SSL_CTX *context;
    BIO_METHOD *method;
    bool is_server, is_pinned;
    unsigned char pin[PIN_BYTES];
};

struct et__tls_session {
    SSL *ssl;
    const struct et_tls *tls;
    bool wants_write;
};

// The library's first reason, with its queue emptied: an old one must not explain a later failure.
static enum et_status fail_ssl(struct et_err *err, enum et_status st, const char *what)
{
    const unsigned long code = ERR_peek_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    if (code && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
        st = ET_ENOMEM;
    return et_fail(err, st, -1, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}

// --- the socket, written to without SIGPIPE, which the library's own way of writing does not spare

static int socket_of(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int bio_result(BIO *bio, ssize_t n, int retry)
{
    BIO_clear_retry_flags(bio);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    return (int)n;
}

static int bio_write(BIO *bio, const char *p, int n)
{
    return bio_result(bio, send(socket_of(bio), p, (size_t)n, MSG_NOSIGNAL), BIO_FLAGS_WRITE);
}

static int bio_read(BIO *bio, char *p, int n)
{
    return bio_result(bio, recv(socket_of(bio), p, (size_t)n, 0), BIO_FLAGS_READ);
}

static long bio_ctrl(BIO *bio, int command, long number, void *p)
{
    (void)bio;
    (void)number;
    (void)p;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
    if (method && BIO_meth_set_write(method, bio_write) && BIO_meth_set_read(method, bio_read) &&
        BIO_meth_set_ctrl(method, bio_ctrl))
        return method;
    BIO_meth_free(method);
    return NULL;
}

// --- handles

// A pinned certificate is compared as it lies; nothing else about the chain matters then.
static int verify_pin(X509_STORE_CTX *store, void *ctx)
{
    const struct et_tls *tls = ctx;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509 *cert = X509_STORE_CTX_get0_cert(store);
    const bool is_it = cert && X509_digest(cert, EVP_sha256(), digest, &n) && n == PIN_BYTES &&
                       CRYPTO_memcmp(digest, tls->pin, PIN_BYTES) == 0;
    X509_STORE_CTX_set_error(store, is_it ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
    return is_it;
}

static enum et_status open_any(struct et_tls **tls, bool is_server, struct et_err *err)
{
    struct et_tls *t = calloc(1, sizeof *t);
    *tls = t;
    if (!t)
        return et_fail(err, ET_ENOMEM, -1, "no memory for TLS");
    t->is_server = is_server;
    t->method = make_method();
    t->context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (!t->method || !t->context || !SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION))
        return fail_ssl(err, ET_ENOMEM, "TLS does not begin");
    // Sessions are not taken up again: that would cost memory for each, and a handshake is cheap.
    (void)SSL_CTX_set_session_cache_mode(t->context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(t->context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                              SSL_OP_NO_COMPRESSION |
                                              SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_num_tickets(t->context, 0);
    (void)SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                           SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(t->context, 1); // a record's head and body in one call
    return ET_OK;
}

void et_tls_close(struct et_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->method);
    free(tls);
}

static enum et_status must_exist(const char *path, struct et_err *err)
{
    enum et_path_kind kind;
    const enum et_status st = et_path_kind(path, &kind, err);
    if (st == ET_OK && kind == ET_PATH_NONE)
        return et_fail(err, ET_ENOTFOUND, -1, "%.200s does not exist", path);
    return st;
}

static enum et_status load(struct et_tls *tls, const char *cert_path, const char *key_path,
                           struct et_err *err)
{
    enum et_status st = must_exist(cert_path, err);
    if (st == ET_OK)
        st = must_exist(key_path, err);
    if (st != ET_OK)
        return st;
    if (SSL_CTX_use_certificate_chain_file(tls->context, cert_path) != 1) {
        st = fail_ssl(err, ET_ECORRUPT, "no certificate in PEM");
        (void)et_err_context(err, "%.200s", cert_path);
        return st;
    }
    if (SSL_CTX_use_PrivateKey_file(tls->context, key_path, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls->context) != 1) {
        st = fail_ssl(err, ET_ECORRUPT, "no key of this certificate in PEM");
        (void)et_err_context(err, "%.200s", key_path);
        return st;
    }
    return ET_OK;
}

enum et_status et_tls_open_server(struct et_tls **tls, const char *cert_path, const char *key_path,
                                  struct et_err *err)
{
    enum et_status st = open_any(tls, true, err);
    if (st == ET_OK)
        st = load(*tls, cert_path, key_path, err);
    if (st != ET_OK) {
        et_tls_close(*tls);
        *tls = NULL;
    }
    return st;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_pin(const char *text, unsigned char pin[PIN_BYTES])
{
    for (size_t i = 0; i < PIN_BYTES; i++) {
        if (i > 0 && *text == ':')
            text++;
        const int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return false;
        pin[i] = (unsigned char)(high << 4 | low);
        text += 2;
    }
    return *text == 0;
}

static enum et_status trust(struct et_tls *tls, const struct et_tls_client_options *options,
                            struct et_err *err)
{
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    if (options->pin) {
        if (!read_pin(options->pin, tls->pin))
            return et_fail(err, ET_EARG, -1, "a fingerprint has 64 hexadecimal digits, not %.100s",
                           options->pin);
        tls->is_pinned = true;
        SSL_CTX_set_cert_verify_callback(tls->context, verify_pin, tls);
        return ET_OK;
    }
    if (!options->ca_path) {
        if (SSL_CTX_set_default_verify_paths(tls->context) != 1)
            return fail_ssl(err, ET_ENOTFOUND, "the system's authorities cannot be read");
        return ET_OK;
    }
    enum et_status st = must_exist(options->ca_path, err);
    if (st == ET_OK && SSL_CTX_load_verify_file(tls->context, options->ca_path) != 1) {
        st = fail_ssl(err, ET_ECORRUPT, "no authorities in PEM");
        (void)et_err_context(err, "%.200s", options->ca_path);
    }
    return st;
}

enum et_status et_tls_open_client(struct et_tls **tls, const struct et_tls_client_options *options,
                                  struct et_err *err)
{
    static const struct et_tls_client_options NONE = {0};
    enum et_status st = open_any(tls, false, err);
    if (st == ET_OK)
        st = trust(*tls, options ? options : &NONE, err);
    if (st != ET_OK) {
        et_tls_close(*tls);
        *tls = NULL;
    }
    return st;
}

// --- sessions

static bool is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    char name[NAME_BYTES_MAX + 1]; // what the library's macro takes is not const
    if (strlen(host) > NAME_BYTES_MAX)
        return false;
    memcpy(name, host, strlen(host) + 1);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

enum et_status et__tls_begin(struct et__tls_session **session, struct et_tls *tls, int fd,
                             bool is_server, const char *host, struct et_err *err)
{
    *session = NULL;
    if (is_server != tls->is_server)
        return et_fail(err, ET_EARG, -1, "TLS that was opened for the other side");
    struct et__tls_session *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a TLS connection");
    s->tls = tls;
    s->ssl = SSL_new(tls->context);
    BIO *bio = s->ssl ? BIO_new(tls->method) : NULL;
    if (!bio || (host && !tls->is_pinned && !expect_host(s->ssl, host))) {
        BIO_free(bio);
        et__tls_free(s);
        return fail_ssl(err, ET_ENOMEM, "a TLS connection does not begin");
    }
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    if (is_server)
        SSL_set_accept_state(s->ssl);
    else
        SSL_set_connect_state(s->ssl);
    *session = s;
    return ET_OK;
}

void et__tls_free(struct et__tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    free(session);
}

bool et__tls_wants_write(const struct et__tls_session *session)
{
    return session->wants_write;
}

static enum et_status result(struct et__tls_session *s, int code, const char *what,
                             struct et_err *err)
{
    const int sys = errno;
    const int why = SSL_get_error(s->ssl, code);
    s->wants_write = why == SSL_ERROR_WANT_WRITE;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return ET_AGAIN;
    if (why == SSL_ERROR_ZERO_RETURN)
        return ET_END;
    if (why == SSL_ERROR_SYSCALL && ERR_peek_error() == 0 && sys != 0)
        return et_fail_sys(err, sys, "%s", what);
    const long verdict = SSL_get_verify_result(s->ssl);
    if (verdict != X509_V_OK) {
        ERR_clear_error();
        return et_fail(err, ET_EIO, -1, "the certificate is not trusted: %s",
                       s->tls->is_pinned ? "its fingerprint is not the one that is pinned"
                                         : X509_verify_cert_error_string(verdict));
    }
    return fail_ssl(err, ET_EIO, what);
}

enum et_status et__tls_handshake(struct et__tls_session *session, struct et_err *err)
{
    ERR_clear_error();
    errno = 0;
    const int code = SSL_do_handshake(session->ssl);
    if (code == 1)
        return ET_OK;
    const enum et_status st = result(session, code, "the TLS handshake failed", err);
    return st == ET_END ? et_fail(err, ET_EIO, -1, "the TLS handshake was ended") : st;
}

static int clipped(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

enum et_status et__tls_read(struct et__tls_session *session, void *p, size_t n, size_t *got,
                            struct et_err *err)
{
    *got = 0;
    ERR_clear_error();
    errno = 0;
    const int code = SSL_read(session->ssl, p, clipped(n));
    if (code > 0) {
        *got = (size_t)code;
        return ET_OK;
    }
    return result(session, code, "the TLS connection was cut", err);
}

bool et__tls_has_more(const struct et__tls_session *session)
{
    return SSL_has_pending(session->ssl);
}

enum et_status et__tls_write(struct et__tls_session *session, const void *p, size_t n, size_t *put,
                             struct et_err *err)
{
    *put = 0;
    ERR_clear_error();
    errno = 0;
    const int code = SSL_write(session->ssl, p, clipped(n));
    if (code > 0) {
        *put = (size_t)code;
        return ET_OK;
    }
    const enum et_status st = result(session, code, "the TLS connection was cut", err);
    return st == ET_END ? et_fail(err, ET_EIO, -1, "the TLS connection was closed") : st;
}

void et__tls_end(struct et__tls_session *session)
{
    if (SSL_is_init_finished(session->ssl))
        (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}

bool et__sha1(const void *p, size_t n, uint8_t digest[ET__SHA1_BYTES])
{
    unsigned n_digest = 0;
    return EVP_Digest(p, n, digest, &n_digest, EVP_sha1(), NULL) == 1 && n_digest == ET__SHA1_BYTES;
}

// --- a certificate of one's own

static bool is_name(const char *name)
{
    const size_t n = strlen(name);
    if (is_address(name))
        return true;
    for (size_t i = 0; i < n; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
              (name[i] >= '0' && name[i] <= '9') || name[i] == '-' || name[i] == '.'))
            return false;
    return n > 0 && n <= NAME_BYTES_MAX;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    const bool is_added = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool add_names(X509 *cert, const char *const *names, size_t n_names)
{
    struct et_buf text = et_buf(ET_TLS_NAMES_MAX * (NAME_BYTES_MAX + 8));
    for (size_t i = 0; i < n_names; i++)
        et_buf_printf(&text, "%s%s:%s", i ? "," : "", is_address(names[i]) ? "IP" : "DNS",
                      names[i]);
    const bool is_added =
        text.status == ET_OK && add_extension(cert, NID_subject_alt_name, et_buf_text(&text));
    et_buf_free(&text);
    return is_added;
}

static bool set_serial(X509 *cert)
{
    BIGNUM *serial = BN_new();
    const bool is_set = serial &&
                        BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
                        BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
    BN_free(serial);
    return is_set;
}

// A browser takes a certificate with no authority's mark for a server only as it is said here.
static X509 *make_cert(EVP_PKEY *key, const char *const *names, size_t n_names)
{
    X509 *cert = X509_new();
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
        X509_gmtime_adj(X509_getm_notBefore(cert), -24L * 3600) && // clocks of robots differ
        X509_time_adj_ex(X509_getm_notAfter(cert), VALID_DAYS, 0, NULL) &&
        X509_set_pubkey(cert, key) &&
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Etude", -1, -1,
                                   0) &&
        X509_set_issuer_name(cert, name) &&
        add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
        add_extension(cert, NID_ext_key_usage, "serverAuth") && add_names(cert, names, n_names) &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

// A key is readable by its owner from its first byte on, so it does not go by et_file_replace.
static enum et_status write_secret(const char *path, const char *p, size_t n, struct et_err *err)
{
    (void)unlink(path);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return et_fail_sys(err, errno, "cannot create %.200s", path);
    const ssize_t put = write(fd, p, n);
    const int sys = put < 0 ? errno : ENOSPC;
    const bool is_synced = put == (ssize_t)n && fsync(fd) == 0;
    if (close(fd) == 0 && is_synced)
        return ET_OK;
    (void)unlink(path);
    return et_fail_sys(err, put == (ssize_t)n ? EIO : sys, "cannot write %.200s", path);
}

static enum et_status write_pair(const char *folder, EVP_PKEY *key, X509 *cert, struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    char *p = NULL;
    BIO *key_text = BIO_new(BIO_s_mem()), *cert_text = BIO_new(BIO_s_mem());
    enum et_status st = ET_OK;
    if (!key_text || !cert_text ||
        PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_bio_X509(cert_text, cert) != 1) {
        st = fail_ssl(err, ET_ENOMEM, "no memory for a certificate");
        goto out;
    }
    // The certificate last: where it is, its key is.
    (void)snprintf(path, sizeof path, "%s/" ET_TLS_KEY, folder);
    long n = BIO_get_mem_data(key_text, &p);
    st = write_secret(path, p, (size_t)n, err);
    if (st != ET_OK)
        goto out;
    (void)snprintf(path, sizeof path, "%s/" ET_TLS_CERT, folder);
    n = BIO_get_mem_data(cert_text, &p);
    st = et_file_replace(path, p, (size_t)n, err);
out:
    BIO_free(key_text);
    BIO_free(cert_text);
    return st;
}

enum et_status et_tls_make(const char *folder, const char *const *names, size_t n_names,
                           struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    enum et_path_kind kind;
    if (n_names == 0 || n_names > ET_TLS_NAMES_MAX)
        return et_fail(err, ET_EARG, -1, "a certificate for %zu names", n_names);
    for (size_t i = 0; i < n_names; i++)
        if (!is_name(names[i]))
            return et_fail(err, ET_EARG, -1, "no host has the name %.100s", names[i]);
    const int n = snprintf(path, sizeof path, "%s/" ET_TLS_CERT, folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return et_fail(err, ET_EARG, -1, "the folder's path is too long");
    enum et_status st = et_path_kind(path, &kind, err);
    if (st != ET_OK || kind != ET_PATH_NONE)
        return st;
    st = et_dir_make(folder, err);
    if (st != ET_OK)
        return st;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? make_cert(key, names, n_names) : NULL;
    st = cert ? write_pair(folder, key, cert, err)
              : fail_ssl(err, ET_ENOMEM, "a certificate cannot be made");
    X509_free(cert);
    EVP_PKEY_free(key);
    return st;
}

enum et_status et_tls_fingerprint(const char *cert_path, char text[ET_TLS_FINGERPRINT_BYTES],
                                  struct et_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    enum et_status st = must_exist(cert_path, err);
    if (st != ET_OK)
        return st;
    BIO *file = BIO_new_file(cert_path, "r");
    X509 *cert = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    if (cert && X509_digest(cert, EVP_sha256(), digest, &n) && n == PIN_BYTES) {
        for (size_t i = 0; i < PIN_BYTES; i++)
            (void)snprintf(text + 3 * i, 4, "%02X%s", digest[i], i + 1 < PIN_BYTES ? ":" : "");
    } else {
        st = fail_ssl(err, ET_ECORRUPT, "no certificate in PEM");
        (void)et_err_context(err, "%.200s", cert_path);
    }
    X509_free(cert);
    BIO_free(file);
    return st;
}
