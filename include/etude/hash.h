/* Hashes: XXH3 for integrity and lookup, XXH32 where a format asks for it, BLAKE2b for identity and
 * provenance.
 *
 * Threads: no shared state; a running hash belongs to one thread.
 * Memory:  a running hash is a plain struct of the caller. */
#ifndef ETUDE_HASH_H
#define ETUDE_HASH_H

#include "etude/str.h"

/* XXH3, 64 bits, seed 0. Not for adversaries. */
ET_API uint64_t et_hash64(const void *data, size_t n);

/* XXH32, seed 0: the checksum of LZ4 frames. */
ET_API uint32_t et_hash32(const void *data, size_t n);

#define ET_BLAKE2B_BYTES 32
#define ET_BLAKE2B_STATE_BYTES 448

/* A running BLAKE2b-256. */
struct et_blake2b {
    _Alignas(64) unsigned char opaque[ET_BLAKE2B_STATE_BYTES];
};

struct et_digest {
    uint8_t bytes[ET_BLAKE2B_BYTES];
};

ET_API void et_blake2b_begin(struct et_blake2b *state);
ET_API void et_blake2b_add(struct et_blake2b *state, const void *data, size_t n);
ET_API struct et_digest et_blake2b_end(struct et_blake2b *state);
ET_API struct et_digest et_blake2b(const void *data, size_t n);

/* The digest of a file's content, read in pieces. ET_ENOTFOUND, ET_EIO as et_file_open. */
ET_MUST_USE ET_API enum et_status et_blake2b_file(const char *path, struct et_digest *digest,
                                                  struct et_err *err);

/* Lower-case hexadecimal of the whole digest, NUL-terminated. */
ET_API void et_digest_text(const struct et_digest *digest, char text[2 * ET_BLAKE2B_BYTES + 1]);

/* And back. False: it is no such text. */
ET_MUST_USE ET_API bool et_digest_of_text(struct et_str text, struct et_digest *digest);

/* The first 16 bytes in Crockford's base 32 alphabet, 26 characters, NUL-terminated: the id of an
 * imported file (so that importing twice gives one recording). */
#define ET_ID_CHARS 26
ET_API void et_digest_id(const struct et_digest *digest, char id[ET_ID_CHARS + 1]);

/* A new id, a ULID: 48 bits of the time in milliseconds and 80 of chance; ids of later milliseconds
 * sort behind. The id of what is recorded here. */
ET_API void et_id_new(int64_t t_real_ns, char id[ET_ID_CHARS + 1]);
/* Whether a text is an id, as a recorder writes it: 26 of 0-9 A-Z without I, L, O and U, of a time
 * that a ULID can have. */
ET_API bool et_id_is(const char *text);

#endif
