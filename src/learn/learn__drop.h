/* Which numbers a drop leaves out, as each piece of work finds it for its own numbers alone.
 *
 * Written in what C and C++ have in common; a GPU's compiler has defined ET__ITEM (learn__items.h).
 */
#ifndef LEARN__DROP_H
#define LEARN__DROP_H

#include "learn/learn__kernels.h"

#ifndef ET__ITEM
#define ET__ITEM static inline
#define ET__ITEM_IS_OURS
#endif

#define ET__DROP_EACH 4 // numbers that 64 bits are enough for

/* What numbers 4 i … 4 i + 3 of a stream are drawn from, 16 bits each, the lowest first: what
 * et_random_bits (etude/random.h) gives, here for vectors and for GPUs. */
ET__ITEM uint64_t et__drop_bits(uint64_t key, uint64_t i)
{
    uint64_t z = key + (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

ET__ITEM et__real et__drop_scale(const struct et__chance *c)
{
    return (et__real)ET__CHANCE_ONE / (et__real)(ET__CHANCE_ONE - c->share);
}

/* The i-th number of a drop. */
ET__ITEM void drop_number(const struct et__drop *d, size_t i)
{
    const uint64_t at = d->chance.first + i;
    const uint64_t bits = et__drop_bits(d->chance.key, at / ET__DROP_EACH);
    const unsigned drawn = (unsigned)(bits >> at % ET__DROP_EACH * 16) & 0xffff;
    d->to[i] = drawn < d->chance.share ? 0 : d->from[i] * et__drop_scale(&d->chance);
}

#ifdef ET__ITEM_IS_OURS
#undef ET__ITEM
#undef ET__ITEM_IS_OURS
#endif

#endif
