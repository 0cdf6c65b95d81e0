/* TLS: who may be spoken with, and how a centre without a certificate authority gets a certificate.
 *
 * A robot's computer has no name in the public DNS, so nobody signs a certificate for it. It makes
 * one itself, once, and tells its fingerprint to whoever shall trust it: that is pinned. TLS 1.2
 * and 1.3 (OpenSSL).
 *
 * Threads: a handle is read by any number of connections of one thread.
 * Memory:  a handle, until et_tls_close; it outlives the connections that were opened with it. */
#ifndef ETUDE_TLS_H
#define ETUDE_TLS_H

#include "etude/status.h"

#include <stddef.h>

struct et_tls;

/* A server's side: its certificate (with those between it and its authority behind it) and its key,
 * PEM files. ET_ENOTFOUND: one of them is not there. ET_ECORRUPT: it is no such file, or the key
 * is another's. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_tls_open_server(struct et_tls **tls, const char *cert_path,
                                                     const char *key_path, struct et_err *err);

/* Whom a client trusts. Zero: the authorities that the system trusts, and the host's name or
 * address must be in the certificate. */
struct et_tls_client_options {
    const char *ca_path; // PEM file of authorities that are trusted in place of the system's
    const char *pin; // fingerprint of the one certificate that is trusted, whoever signed it and
                     // whatever its names are: 64 hexadecimal digits, colons allowed
};

/* A client's side; options may be NULL. ET_EARG: the pin is no fingerprint. ET_ENOTFOUND,
 * ET_ECORRUPT: the authorities cannot be read. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_tls_open_client(struct et_tls **tls,
                                                     const struct et_tls_client_options *options,
                                                     struct et_err *err);

ET_API void et_tls_close(struct et_tls *tls); // NULL is allowed

/* The files that et_tls_make puts into a folder. */
#define ET_TLS_CERT "cert.pem"
#define ET_TLS_KEY "key.pem"

#define ET_TLS_NAMES_MAX 32

/* Makes a key (ECDSA on P-256, readable by its owner alone) and a certificate signed by itself in
 * the folder, which is made where it is missing, for the names and addresses given (1 to
 * ET_TLS_NAMES_MAX; "robot-7.local", "192.168.1.7", "::1"). It is valid for ten years: who pins it
 * renews it by hand. Where the certificate exists already nothing is done, so that every start may
 * call it. ET_EARG: a name that is none. ET_EIO: it cannot be written; then no certificate is
 * there. ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_tls_make(const char *folder, const char *const *names,
                                              size_t n_names, struct et_err *err);

/* The SHA-256 of a certificate as "AB:CD:…", what a browser shows and a pin takes. Statuses as
 * et_tls_open_server. */
#define ET_TLS_FINGERPRINT_BYTES 96 // with its NUL
ET_MUST_USE ET_API enum et_status
et_tls_fingerprint(const char *cert_path, char text[ET_TLS_FINGERPRINT_BYTES], struct et_err *err);

#endif
