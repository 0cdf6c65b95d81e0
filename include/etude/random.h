/* Random numbers by number: the i-th of a stream, without those before it.
 *
 * A stream has a key, made of what it is for (a seed, an epoch, a sample, a purpose); its i-th
 * number depends on nothing else. So any number of threads, and a run that was stopped and taken up
 * again, draw the same. Not for secrets.
 *
 * The mixer is splitmix64's (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators",
 * OOPSLA 2014), applied to a counter as they propose; keys are mixed by it, too.
 *
 * Threads: no state. Memory: none. */
#ifndef ETUDE_RANDOM_H
#define ETUDE_RANDOM_H

#include "etude/status.h"

/* The key of a stream, from the key of another (or a seed) and what tells the two apart. */
ET_API uint64_t et_random_key(uint64_t parent, uint64_t purpose);

/* The i-th number: 64 bits; one in [0, 1), of 53 bits; a whole one, 0 … n − 1 (n at least 1). */
ET_API uint64_t et_random_bits(uint64_t key, uint64_t i);
ET_API double et_random_uniform(uint64_t key, uint64_t i);             // in [0, 1), 53 bits
ET_API uint64_t et_random_below(uint64_t key, uint64_t i, uint64_t n); // 0 … n − 1; n at least 1
/* Of mean 0 and variance 1 (Box and Muller 1958). */
ET_API double et_random_normal(uint64_t key, uint64_t i);

/* Where i of 0 … n − 1 stands in a shuffled order of them: every place once, each order as likely
 * as a cipher of few rounds makes it. A Feistel network over the next even number of bits, walked
 * until it stays below n (Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains"). */
ET_API uint64_t et_random_place(uint64_t key, uint64_t i, uint64_t n);

#endif
