/* Keys: who signed a document. Ed25519 (RFC 8032).
 *
 * A key is two files of one line: FILE, the secret half, which only its owner may read, and
 * FILE.pub, which goes to everybody. From the secret half others are derived for what must be
 * secret and yet the same each time (seeds of exams), so that a centre keeps one key.
 *
 * Threads: any. Memory: plain structs; a secret half is the caller's to wipe (et_key_wipe). */
#ifndef ETUDE_KEY_H
#define ETUDE_KEY_H

#include "etude/str.h"

#define ET_KEY_BYTES 32
#define ET_SIGNATURE_BYTES 64
#define ET_KEY_ID_CHARS 16
#define ET_KEY_TEXT_CHARS 64 // hexadecimal

struct et_public_key {
    uint8_t bytes[ET_KEY_BYTES];
};
struct et_secret_key {
    uint8_t seed[ET_KEY_BYTES];
    struct et_public_key public;
};

/* A new one, of the system's chance. */
ET_API void et_key_new(struct et_secret_key *key);
/* The key that a seed makes. */
ET_API void et_key_of_seed(struct et_secret_key *key, const uint8_t seed[ET_KEY_BYTES]);
ET_API void et_key_wipe(struct et_secret_key *key);

/* What people call a key: the first 64 bits of its BLAKE2b hash; and the whole of it. */
ET_API void et_key_id(const struct et_public_key *key, char id[ET_KEY_ID_CHARS + 1]);
ET_API void et_key_text(const struct et_public_key *key, char text[ET_KEY_TEXT_CHARS + 1]);
/* False: it is no key's text. */
ET_MUST_USE ET_API bool et_key_of_text(struct et_str text, struct et_public_key *key);

#define ET_KEY_PUBLIC_SUFFIX ".pub"
/* Writes both halves: `path`, readable by its owner alone, and "<path>.pub". ET_EEXISTS: there is
 * one already, which stays. ET_EIO. */
ET_MUST_USE ET_API enum et_status et_key_save(const struct et_secret_key *key, const char *path,
                                              struct et_err *err);
/* ET_ENOTFOUND, ET_EIO: as et_file_read. ET_ECORRUPT: no key, or the other half; ET_EARG: a secret
 * half that others may read. A public half is read from "FILE.pub", and from FILE, too. */
ET_MUST_USE ET_API enum et_status et_key_load(const char *path, struct et_secret_key *key,
                                              struct et_err *err);
ET_MUST_USE ET_API enum et_status et_key_load_public(const char *path, struct et_public_key *key,
                                                     struct et_err *err);

/* Of n bytes; the same bytes have the same signature. */
ET_API void et_key_sign(const struct et_secret_key *key, const void *data, size_t n,
                        uint8_t signature[ET_SIGNATURE_BYTES]);
/* False: another key's, or of other bytes. */
ET_MUST_USE ET_API bool et_key_verify(const struct et_public_key *key, const void *data, size_t n,
                                      const uint8_t signature[ET_SIGNATURE_BYTES]);

/* Another secret of this one and of what it is for: keyed BLAKE2b, which tells nothing of the key
 * to who sees what came of it. */
ET_API void et_key_derive(const uint8_t secret[ET_KEY_BYTES], const void *purpose, size_t n,
                          uint8_t derived[ET_KEY_BYTES]);

#endif
