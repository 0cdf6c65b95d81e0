/* What most tests need: an own folder, the real data, and files made wrong byte by byte. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A path inside this process's own temporary folder (made on first use, removed at exit). The text
 * stays valid until the end of the program. */
const char *temp_path(const char *name);

/* A path in the real data, or NULL when it is not there (the test then skips with "no data"). */
const char *data_path(const char *name);

/* A path in the source tree (share/, tests/data/ …). */
const char *source_path(const char *name);

/* From now on share/ is looked for in tests/world/share, which has skills of the tests' own, first.
 */
void use_test_skills(void);

/* Whether this was built with AddressSanitizer or ThreadSanitizer, which take memory of their own
 * and make everything several times as slow: what is only counted may then be counted less often.
 */
bool has_sanitizer(void);

void write_file(const char *path, const void *data, size_t n);
void *read_file(const char *path, size_t *n); // malloc'ed, NUL-terminated; NULL when absent
bool file_exists(const char *path);

/* A stream of numbers that is the same on every machine (splitmix64). */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *rng);
double rng_uniform(struct rng *rng);  // [0, 1)
double rng_gaussian(struct rng *rng); // mean 0, deviation 1

/* Calls `check` for files that begin as `data` and end at every length from 0 to n − 1 (every
 * `step`-th). The file at `path` is rewritten each time. `check` must survive it and clean up. */
void cut_at_every_byte(const void *data, size_t n, size_t step, const char *path,
                       void (*check)(const char *path, size_t n_kept, void *ctx), void *ctx);

/* Calls `check` for files in which one byte differs: every `step`-th byte, inverted, zeroed, and
 * with its lowest bit flipped; returns how many those were. With a sanitizer, which makes each
 * several times as dear, these three take turns from byte to byte, unless ETUDE_FLIP_ALL is set. */
size_t flip_every_byte(const void *data, size_t n, size_t step, const char *path,
                       void (*check)(const char *path, size_t at, void *ctx), void *ctx);

#endif
