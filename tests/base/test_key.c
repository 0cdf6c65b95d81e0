/* Keys: RFC 8032's own signatures, files with their rights, and what is no key. */
#include "etude/key.h"

#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct et_err err;

static void bytes_of(const char *hex, uint8_t *to)
{
    for (size_t i = 0; hex[2 * i]; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        to[i] = (uint8_t)strtol(pair, NULL, 16);
    }
}

/* RFC 8032, 7.1, tests 1 to 3. */
static void signatures_are_the_standards_own(void)
{
    static const struct {
        const char *seed, *public, *message, *signature;
    } TESTS[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
         "cf9"
         "b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
         "0f1"
         "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7609"
         "84d"
         "c6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    for (size_t i = 0; i < 3; i++) {
        uint8_t seed[ET_KEY_BYTES], message[2], wanted[ET_SIGNATURE_BYTES], got[ET_SIGNATURE_BYTES];
        const size_t n = strlen(TESTS[i].message) / 2;
        struct et_secret_key key;
        char text[ET_KEY_TEXT_CHARS + 1];
        bytes_of(TESTS[i].seed, seed);
        bytes_of(TESTS[i].message, message);
        bytes_of(TESTS[i].signature, wanted);
        et_key_of_seed(&key, seed);
        et_key_text(&key.public, text);
        CHECK_STR(text, TESTS[i].public);
        et_key_sign(&key, message, n, got);
        CHECK(memcmp(got, wanted, sizeof got) == 0);
        CHECK(et_key_verify(&key.public, message, n, got));
        for (size_t k = 0; k < sizeof got; k++) { // no byte may change
            got[k] ^= 1;
            CHECK(!et_key_verify(&key.public, message, n, got));
            got[k] ^= 1;
        }
        message[0] ^= 0x10;
        CHECK(n == 0 || !et_key_verify(&key.public, message, n, got));
    }
}

static void what_was_saved_is_loaded_and_only_its_owner_reads_it(void)
{
    struct et_secret_key key, other, again;
    struct et_public_key half;
    struct stat about;
    char a[ET_KEY_ID_CHARS + 1], b[ET_KEY_ID_CHARS + 1];
    const char *path = temp_path("centre.key");
    et_key_new(&key);
    et_key_new(&other);
    CHECK(memcmp(key.seed, other.seed, ET_KEY_BYTES) != 0);
    CHECK_OK(et_key_save(&key, path, &err));
    CHECK(stat(path, &about) == 0 && (about.st_mode & 0777) == 0600);
    CHECK_OK(et_key_load(path, &again, &err));
    CHECK(memcmp(&key, &again, sizeof key) == 0);
    CHECK_OK(et_key_load_public(path, &half, &err));
    CHECK(memcmp(&half, &key.public, sizeof half) == 0);
    // Another's, laid beside it, is not looked at.
    write_file(temp_path("centre.key.pub.pub"), "nothing", 7);
    CHECK_OK(et_key_load_public(temp_path("centre.key.pub"), &half, &err));
    CHECK(memcmp(&half, &key.public, sizeof half) == 0);
    et_key_id(&half, a);
    et_key_id(&other.public, b);
    CHECK_EQ(strlen(a), ET_KEY_ID_CHARS);
    CHECK(strcmp(a, b) != 0);
    CHECK_EQ(et_key_save(&other, path, &err), ET_EEXISTS);
    CHECK_OK(et_key_load(path, &again, &err));
    CHECK(memcmp(&key, &again, sizeof key) == 0);
    et_key_wipe(&again);
    CHECK(again.seed[0] == 0 && memcmp(again.seed, again.seed + 1, ET_KEY_BYTES - 1) == 0);
}

static void put_file(const char *name, const char *content, mode_t mode)
{
    const char *path = temp_path(name);
    write_file(path, content, strlen(content));
    CHECK(chmod(path, mode) == 0);
}

static void refuse(const char *name, const char *content, const char *words)
{
    struct et_secret_key key;
    put_file(name, content, 0600);
    CHECK_EQ(et_key_load(temp_path(name), &key, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, words);
    CHECK_HAS(err.text, name);
}

#define DIGITS "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"

static void what_is_no_key_is_named(void)
{
    struct et_secret_key key;
    struct et_public_key half;
    refuse("empty.key", "", "no key");
    refuse("short.key", "etude-secret-key-1 9d61\n", "no key");
    refuse("letters.key", "etude-secret-key-1 " DIGITS "00\n", "no key");
    refuse("other.key", "-----BEGIN PRIVATE KEY-----\n", "no key");
    refuse("public.key", "etude-public-key-1 " DIGITS "\n", "the secret one is wanted");
    put_file("open.key", "etude-secret-key-1 " DIGITS "\n", 0640);
    CHECK_EQ(et_key_load(temp_path("open.key"), &key, &err), ET_EARG);
    CHECK_HAS(err.text, "chmod 600");
    put_file("good.key", "etude-secret-key-1 " DIGITS, 0600);
    CHECK_OK(et_key_load(temp_path("good.key"), &key, &err));
    CHECK_EQ(et_key_load_public(temp_path("good.key"), &half, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "no public key");
    CHECK_EQ(et_key_load(temp_path("nowhere.key"), &key, &err), ET_ENOTFOUND);
    CHECK_EQ(et_key_load_public(temp_path("nowhere.key"), &half, &err), ET_ENOTFOUND);
    CHECK_EQ(et_key_save(&key, temp_path("no/folder.key"), &err), ET_EIO);
}

static void what_is_derived_tells_purposes_apart(void)
{
    uint8_t secret[ET_KEY_BYTES] = {1}, a[ET_KEY_BYTES], b[ET_KEY_BYTES];
    et_key_derive(secret, "exam 1", 6, a);
    et_key_derive(secret, "exam 1", 6, b);
    CHECK(memcmp(a, b, sizeof a) == 0);
    et_key_derive(secret, "exam 2", 6, b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    secret[31] = 1;
    et_key_derive(secret, "exam 1", 6, b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    et_key_derive(secret, "", 0, b);
}

int main(void)
{
    RUN(signatures_are_the_standards_own);
    RUN(what_was_saved_is_loaded_and_only_its_owner_reads_it);
    RUN(what_is_no_key_is_named);
    RUN(what_is_derived_tells_purposes_apart);
    return tap_end();
}
