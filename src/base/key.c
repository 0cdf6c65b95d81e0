#include "etude/key.h"

#include "etude/file.h"
#include "etude/hash.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_WORD "etude-secret-key-1 "
#define PUBLIC_WORD "etude-public-key-1 "
#define FILE_BYTES_MAX 256
#define OTHERS (S_IRWXG | S_IRWXO)

static_assert(ET_KEY_BYTES == crypto_sign_SEEDBYTES && ET_KEY_BYTES == crypto_sign_PUBLICKEYBYTES &&
                  ET_SIGNATURE_BYTES == crypto_sign_BYTES,
              "sizes are libsodium's");

void et_key_of_seed(struct et_secret_key *key, const uint8_t seed[ET_KEY_BYTES])
{
    uint8_t whole[crypto_sign_SECRETKEYBYTES];
    (void)crypto_sign_seed_keypair(key->public.bytes, whole, seed);
    memmove(key->seed, seed, ET_KEY_BYTES);
    sodium_memzero(whole, sizeof whole);
}

void et_key_new(struct et_secret_key *key)
{
    uint8_t seed[ET_KEY_BYTES];
    const int chosen = sodium_init(); // before its chance is asked for from several threads
    assert(chosen >= 0);
    (void)chosen;
    randombytes_buf(seed, sizeof seed);
    et_key_of_seed(key, seed);
    sodium_memzero(seed, sizeof seed);
}

void et_key_wipe(struct et_secret_key *key)
{
    sodium_memzero(key, sizeof *key);
}

/* ---- as text ---- */

void et_key_text(const struct et_public_key *key, char text[ET_KEY_TEXT_CHARS + 1])
{
    (void)sodium_bin2hex(text, ET_KEY_TEXT_CHARS + 1, key->bytes, ET_KEY_BYTES);
}

void et_key_id(const struct et_public_key *key, char id[ET_KEY_ID_CHARS + 1])
{
    const struct et_digest digest = et_blake2b(key->bytes, ET_KEY_BYTES);
    (void)sodium_bin2hex(id, ET_KEY_ID_CHARS + 1, digest.bytes, ET_KEY_ID_CHARS / 2);
}

bool et_key_of_text(struct et_str text, struct et_public_key *key)
{
    size_t n = 0;
    return text.n == ET_KEY_TEXT_CHARS &&
           sodium_hex2bin(key->bytes, ET_KEY_BYTES, text.p, text.n, NULL, &n, NULL) == 0 &&
           n == ET_KEY_BYTES;
}

/* ---- files ---- */

static enum et_status public_path(const char *path, char to[ET_PATH_BYTES_MAX], struct et_err *err)
{
    const int n = snprintf(to, ET_PATH_BYTES_MAX, "%s" ET_KEY_PUBLIC_SUFFIX, path);
    return n > 0 && n < ET_PATH_BYTES_MAX
               ? ET_OK
               : et_fail(err, ET_ELIMIT, -1, "%.100s…: the path is too long", path);
}

/* A file that is not there yet, of these rights. */
static enum et_status write_new(const char *path, const char *line, mode_t mode, struct et_err *err)
{
    const size_t n = strlen(line);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 && errno == EEXIST)
        return et_fail(err, ET_EEXISTS, -1, "%.200s is there already", path);
    if (fd < 0)
        return et_fail_sys(err, errno, "cannot create %.200s", path);
    enum et_status st = ET_OK;
    if (write(fd, line, n) != (ssize_t)n || fsync(fd) != 0)
        st = et_fail_sys(err, errno, "cannot write %.200s", path);
    (void)close(fd);
    if (st != ET_OK)
        (void)unlink(path);
    return st;
}

enum et_status et_key_save(const struct et_secret_key *key, const char *path, struct et_err *err)
{
    char line[FILE_BYTES_MAX], text[ET_KEY_TEXT_CHARS + 1], beside[ET_PATH_BYTES_MAX];
    enum et_status st = public_path(path, beside, err);
    if (st != ET_OK)
        return st;
    et_key_text(&key->public, text);
    (void)snprintf(line, sizeof line, PUBLIC_WORD "%s\n", text);
    st = write_new(beside, line, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, err);
    if (st != ET_OK)
        return st;
    (void)sodium_bin2hex(text, sizeof text, key->seed, ET_KEY_BYTES);
    (void)snprintf(line, sizeof line, SECRET_WORD "%s\n", text);
    st = write_new(path, line, S_IRUSR | S_IWUSR, err);
    if (st != ET_OK)
        (void)unlink(beside);
    sodium_memzero(line, sizeof line);
    sodium_memzero(text, sizeof text);
    return st;
}

static bool take_line(struct et_str content, const char *word, uint8_t bytes[ET_KEY_BYTES])
{
    struct et_public_key key;
    if (!et_str_starts(content, word))
        return false;
    const struct et_str rest = {content.p + strlen(word), content.n - strlen(word)};
    const bool is_key = et_key_of_text(et_str_trim(rest), &key);
    if (is_key)
        memcpy(bytes, key.bytes, ET_KEY_BYTES);
    sodium_memzero(&key, sizeof key);
    return is_key;
}

static enum et_status read_line(const char *path, char line[FILE_BYTES_MAX], size_t *n,
                                struct et_err *err)
{
    struct et_file *file = NULL;
    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_read_at(file, 0, line, FILE_BYTES_MAX, n, err);
    et_file_close(file);
    return st;
}

enum et_status et_key_load(const char *path, struct et_secret_key *key, struct et_err *err)
{
    char line[FILE_BYTES_MAX];
    uint8_t bytes[ET_KEY_BYTES];
    struct stat about;
    size_t n = 0;
    enum et_status st = read_line(path, line, &n, err);
    const struct et_str content = {line, n};
    if (st != ET_OK)
        return st;
    if (stat(path, &about) == 0 && (about.st_mode & OTHERS) != 0)
        st = et_fail(err, ET_EARG, -1, "%.200s: others may read it; chmod 600 it", path);
    else if (take_line(content, PUBLIC_WORD, bytes))
        st = et_fail(err, ET_ECORRUPT, -1, "%.200s: the public half; the secret one is wanted",
                     path);
    else if (!take_line(content, SECRET_WORD, bytes))
        st = et_fail(err, ET_ECORRUPT, -1, "%.200s: no key (etude key new)", path);
    else
        et_key_of_seed(key, bytes);
    sodium_memzero(line, sizeof line);
    sodium_memzero(bytes, sizeof bytes);
    return st;
}

enum et_status et_key_load_public(const char *path, struct et_public_key *key, struct et_err *err)
{
    char line[FILE_BYTES_MAX], beside[ET_PATH_BYTES_MAX];
    size_t n = 0;
    const char *from = path;
    enum et_status st = public_path(path, beside, err);
    if (st != ET_OK)
        return st;
    st = read_line(path, line, &n, err);
    // Of the secret half, or where only the public one was given away, the public one is beside.
    if ((st == ET_OK && et_str_starts((struct et_str){line, n}, SECRET_WORD)) ||
        st == ET_ENOTFOUND) {
        enum et_path_kind kind = ET_PATH_NONE;
        if (et_path_kind(beside, &kind, NULL) == ET_OK && kind == ET_PATH_FILE) {
            from = beside;
            st = read_line(from, line, &n, err);
        }
    }
    if (st == ET_OK && !take_line((struct et_str){line, n}, PUBLIC_WORD, key->bytes))
        st = et_fail(err, ET_ECORRUPT, -1, "%.200s: no public key (etude key new)", from);
    sodium_memzero(line, sizeof line);
    return st;
}

/* ---- signing ---- */

void et_key_sign(const struct et_secret_key *key, const void *data, size_t n,
                 uint8_t signature[ET_SIGNATURE_BYTES])
{
    uint8_t whole[crypto_sign_SECRETKEYBYTES], public[ET_KEY_BYTES];
    (void)crypto_sign_seed_keypair(public, whole, key->seed);
    (void)crypto_sign_detached(signature, NULL, data, n, whole);
    sodium_memzero(whole, sizeof whole);
}

bool et_key_verify(const struct et_public_key *key, const void *data, size_t n,
                   const uint8_t signature[ET_SIGNATURE_BYTES])
{
    return crypto_sign_verify_detached(signature, data, n, key->bytes) == 0;
}

void et_key_derive(const uint8_t secret[ET_KEY_BYTES], const void *purpose, size_t n,
                   uint8_t derived[ET_KEY_BYTES])
{
    const int result = crypto_generichash(derived, ET_KEY_BYTES, purpose, n, secret, ET_KEY_BYTES);
    assert(result == 0);
    (void)result;
}
