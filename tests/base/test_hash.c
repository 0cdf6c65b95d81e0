#include "etude/hash.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

// The values of the reference implementations for "" and "abc".
static void agrees_with_the_published_hashes(void)
{
    char text[2 * ET_BLAKE2B_BYTES + 1];
    CHECK_EQ(et_hash64("", 0), INT64_C(0x2d06800538d394c2));
    CHECK_EQ(et_hash64("abc", 3), INT64_C(0x78af5f94892f3950));
    CHECK_EQ(et_hash32("", 0), INT64_C(0x02cc5d05));
    CHECK_EQ(et_hash32("abc", 3), INT64_C(0x32d153ff));
    struct et_digest digest = et_blake2b("", 0);
    et_digest_text(&digest, text);
    CHECK_STR(text, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    digest = et_blake2b("abc", 3);
    et_digest_text(&digest, text);
    CHECK_STR(text, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void does_not_depend_on_the_pieces(void)
{
    unsigned char data[1000];
    struct rng rng = {7};
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)rng_next(&rng);
    const struct et_digest whole = et_blake2b(data, sizeof data);
    for (size_t piece = 1; piece < 300; piece += 13) {
        struct et_blake2b state;
        et_blake2b_begin(&state);
        et_blake2b_add(&state, NULL, 0);
        for (size_t i = 0; i < sizeof data; i += piece)
            et_blake2b_add(&state, data + i, sizeof data - i < piece ? sizeof data - i : piece);
        const struct et_digest digest = et_blake2b_end(&state);
        CHECK(memcmp(&digest, &whole, sizeof whole) == 0);
    }
}

static void hashes_files_as_it_hashes_memory(void)
{
    static const size_t SIZES[] = {0, 1, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 600000};
    unsigned char *data = calloc(1, 600000);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        struct et_digest digest;
        write_file(temp_path("hashed"), data, SIZES[i]);
        CHECK_OK(et_blake2b_file(temp_path("hashed"), &digest, &err));
        const struct et_digest want = et_blake2b(data, SIZES[i]);
        CHECK(memcmp(&digest, &want, sizeof want) == 0);
    }
    free(data);
    struct et_digest digest;
    CHECK_EQ(et_blake2b_file(temp_path("absent"), &digest, &err), ET_ENOTFOUND);
    CHECK_EQ(et_blake2b_file(temp_path("."), &digest, &err), ET_EIO);
}

static void writes_ids_as_ulids_are_written(void)
{
    struct et_digest digest = {{0}};
    char id[ET_ID_CHARS + 1];
    et_digest_id(&digest, id);
    CHECK_STR(id, "00000000000000000000000000");
    memset(digest.bytes, 0xff, 16);
    et_digest_id(&digest, id);
    CHECK_STR(id, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"); // the largest ULID
    // The ULID specification's own example, 01ARZ3NDEKTSV4RRFFQ69G5FAV, as bytes.
    static const uint8_t EXAMPLE[16] = {0x01, 0x56, 0x3e, 0x3a, 0xb5, 0xd3, 0xd6, 0x76,
                                        0x4c, 0x61, 0xef, 0xb9, 0x93, 0x02, 0xbd, 0x5b};
    memcpy(digest.bytes, EXAMPLE, 16);
    et_digest_id(&digest, id);
    CHECK_STR(id, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    CHECK(et_id_is(id) && et_id_is("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
    static const char *const NONE[] = {"8ZZZZZZZZZZZZZZZZZZZZZZZZZ",  "01ARZ3NDEKTSV4RRFFQ69G5FA",
                                       "01ARZ3NDEKTSV4RRFFQ69G5FAVV", "01arz3ndektsv4rrffq69g5fav",
                                       "01ARZ3NDEKTSV4RRFFQ69G5FAU",  ""};
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
        CHECK(!et_id_is(NONE[i]));
}

int main(void)
{
    RUN(agrees_with_the_published_hashes);
    RUN(does_not_depend_on_the_pieces);
    RUN(hashes_files_as_it_hashes_memory);
    RUN(writes_ids_as_ulids_are_written);
    return tap_end();
}
