#include "etude/hash.h"
#include "etude/file.h"

#include <assert.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <sodium.h>
#include <xxhash.h>

// Bytes that are read at a time; large enough that the calls do not count.
#define PIECE_BYTES ((size_t)1 << 18)

static_assert(sizeof(crypto_generichash_state) <= ET_BLAKE2B_STATE_BYTES,
              "struct et_blake2b holds libsodium's state");
static_assert(_Alignof(crypto_generichash_state) <= _Alignof(struct et_blake2b),
              "struct et_blake2b is aligned as libsodium wants it");

uint64_t et_hash64(const void *data, size_t n)
{
    return XXH3_64bits(data, n);
}

static crypto_generichash_state *state_of(struct et_blake2b *state)
{
    return (crypto_generichash_state *)(void *)state->opaque;
}

uint32_t et_hash32(const void *data, size_t n)
{
    return XXH32(data, n, 0);
}

void et_blake2b_begin(struct et_blake2b *state)
{
    // Chooses the fastest code for this processor, once; a failure leaves the plain code, which
    // gives the same hash.
    const int chosen = sodium_init();
    (void)chosen;
    const int result = crypto_generichash_init(state_of(state), NULL, 0, ET_BLAKE2B_BYTES);
    assert(result == 0);
    (void)result;
}

void et_blake2b_add(struct et_blake2b *state, const void *data, size_t n)
{
    if (n > 0)
        (void)crypto_generichash_update(state_of(state), data, n);
}

struct et_digest et_blake2b_end(struct et_blake2b *state)
{
    struct et_digest digest;
    const int result = crypto_generichash_final(state_of(state), digest.bytes, sizeof digest.bytes);
    assert(result == 0);
    (void)result;
    return digest;
}

struct et_digest et_blake2b(const void *data, size_t n)
{
    struct et_blake2b state;
    et_blake2b_begin(&state);
    et_blake2b_add(&state, data, n);
    return et_blake2b_end(&state);
}

enum et_status et_blake2b_file(const char *path, struct et_digest *digest, struct et_err *err)
{
    struct et_file *file;
    struct et_blake2b state;
    int64_t offset = 0;
    size_t got = 0;

    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st != ET_OK)
        return st;
    unsigned char *piece = malloc(PIECE_BYTES);
    if (!piece) {
        st = et_fail(err, ET_ENOMEM, -1, "no memory to hash %.200s", path);
        goto out;
    }
    et_blake2b_begin(&state);
    do {
        st = et_file_read_at(file, offset, piece, PIECE_BYTES, &got, err);
        if (st != ET_OK)
            goto out;
        et_blake2b_add(&state, piece, got);
        offset += (int64_t)got;
    } while (got == PIECE_BYTES);
    *digest = et_blake2b_end(&state);
out:
    free(piece);
    et_file_close(file);
    return st;
}

void et_digest_text(const struct et_digest *digest, char text[2 * ET_BLAKE2B_BYTES + 1])
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < ET_BLAKE2B_BYTES; i++) {
        text[2 * i] = DIGITS[digest->bytes[i] >> 4];
        text[2 * i + 1] = DIGITS[digest->bytes[i] & 15];
    }
    text[2 * ET_BLAKE2B_BYTES] = 0;
}

bool et_digest_of_text(struct et_str text, struct et_digest *digest)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) // capitals are another text
        if (text.p[i] >= 'A' && text.p[i] <= 'F')
            return false;
    return text.n == (size_t)2 * ET_BLAKE2B_BYTES &&
           sodium_hex2bin(digest->bytes, sizeof digest->bytes, text.p, text.n, NULL, &n, NULL) ==
               0 &&
           n == sizeof digest->bytes;
}

/* 128 bits are 26 digits of 5 bits with two zero bits in front, as in a ULID. */
static const char DIGITS[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's

bool et_id_is(const char *text)
{
    return strlen(text) == ET_ID_CHARS && strspn(text, DIGITS) == ET_ID_CHARS && text[0] <= '7';
}

void et_digest_id(const struct et_digest *digest, char id[ET_ID_CHARS + 1])
{
    for (int i = 0; i < ET_ID_CHARS; i++) {
        unsigned digit = 0;
        for (int k = 0; k < 5; k++) {
            const int bit = 5 * i + k - 2; // of the digest, from its front
            digit = 2 * digit + (bit < 0 ? 0u : digest->bytes[bit / 8] >> (7 - bit % 8) & 1u);
        }
        id[i] = DIGITS[digit];
    }
    id[ET_ID_CHARS] = 0;
}

void et_id_new(int64_t t_real_ns, char id[ET_ID_CHARS + 1])
{
    struct et_digest bits;
    const uint64_t ms = t_real_ns < 0 ? 0 : (uint64_t)t_real_ns / 1000000;
    const int chosen = sodium_init();
    (void)chosen;
    randombytes_buf(bits.bytes, sizeof bits.bytes);
    for (int i = 0; i < 6; i++)
        bits.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    et_digest_id(&bits, id);
}
