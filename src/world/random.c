#include "world/world__world.h"

#include <math.h>

static uint64_t rotate(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

void et__random_seed(struct et__random *random, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        random->s[i] = z ^ z >> 31;
    }
}

static uint64_t next(struct et__random *random)
{
    uint64_t *s = random->s;
    const uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double et__random_even(struct et__random *random, double least, double most)
{
    const double share = (double)(next(random) >> 11) * 0x1p-53;
    return least + (most - least) * share;
}

// Box and Muller 1958.
double et__random_normal(struct et__random *random)
{
    const double u = et__random_even(random, 1e-12, 1), v = et__random_even(random, 0, 1);
    return sqrt(-2 * log(u)) * cos(2 * mjPI * v);
}
