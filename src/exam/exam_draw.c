/* Seeds of trials: of an exam's secret, which training never sees. */
#include "etude/exam.h"

#include <stdio.h>

#define PURPOSE_BYTES 400
#define TWO_TO_53 9007199254740992.0

static uint64_t take_bits(const uint8_t *p)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | p[i];
    return value >> (64 - ET_EXAM_SEED_BITS);
}

struct et_exam_draw et_exam_draw(const struct et_exam *exam, const uint8_t secret[ET_KEY_BYTES],
                                 const char *skill, uint64_t i)
{
    char purpose[PURPOSE_BYTES];
    uint8_t bytes[ET_KEY_BYTES];
    const int n = snprintf(purpose, sizeof purpose, "etude exam trial %llu %.300s",
                           (unsigned long long)i, skill);
    et_key_derive(secret, purpose, (size_t)n, bytes);
    struct et_exam_draw draw = {.seed = take_bits(bytes), .chance = take_bits(bytes + 16)};
    double sum = 0, below = 0;
    for (int k = 0; k < ET_N_TIERS; k++)
        sum += exam->weights[k];
    const double x = sum * ((double)take_bits(bytes + 8) / TWO_TO_53);
    for (int k = 0; k < ET_N_TIERS && below <= x; k++) {
        if (exam->weights[k] > 0)
            draw.tier = (enum et_tier)k;
        below += exam->weights[k];
    }
    return draw;
}

struct et_digest et_exam_commitment(const uint8_t secret[ET_KEY_BYTES])
{
    return et_blake2b(secret, ET_KEY_BYTES);
}
