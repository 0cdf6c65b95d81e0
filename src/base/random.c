#include "etude/random.h"

#include <assert.h>
#include <math.h>

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)
#define ROUNDS 6

__extension__ typedef unsigned __int128 wide;

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t et_random_bits(uint64_t key, uint64_t i)
{
    return mix(key + (i + 1) * GOLDEN);
}

uint64_t et_random_key(uint64_t parent, uint64_t purpose)
{
    return mix(mix(parent + GOLDEN) ^ mix(purpose + 2 * GOLDEN));
}

double et_random_uniform(uint64_t key, uint64_t i)
{
    return (double)(et_random_bits(key, i) >> 11) * 0x1p-53;
}

// The upper half of a product; what it favours of n numbers is n in 2^64.
uint64_t et_random_below(uint64_t key, uint64_t i, uint64_t n)
{
    assert(n >= 1);
    return (uint64_t)((wide)et_random_bits(key, i) * n >> 64);
}

double et_random_normal(uint64_t key, uint64_t i)
{
    const double u = 1 - et_random_uniform(key, 2 * i); // in (0, 1]
    const double angle = 2 * M_PI * et_random_uniform(key, 2 * i + 1);
    return sqrt(-2 * log(u)) * cos(angle);
}

static uint64_t encipher(uint64_t key, uint64_t value, unsigned half)
{
    const uint64_t mask = (UINT64_C(1) << half) - 1;
    uint64_t left = value >> half, right = value & mask;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const uint64_t next = left ^ (mix((key + round * GOLDEN) ^ mix(right + GOLDEN)) & mask);
        left = right;
        right = next;
    }
    return left << half | right;
}

uint64_t et_random_place(uint64_t key, uint64_t i, uint64_t n)
{
    unsigned half = 1;
    assert(i < n && n <= UINT64_C(1) << 62);
    while (n > UINT64_C(1) << 2 * half)
        half++;
    // At most four times as many places as there are, so few steps on average.
    do
        i = encipher(key, i, half);
    while (i >= n);
    return i;
}
