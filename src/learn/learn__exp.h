/* The exponential and the root as loops become vectors of them. */
#ifndef LEARN__EXP_H
#define LEARN__EXP_H

#include "learn/learn__real.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef ET__REAL_IS_DOUBLE

static inline double et__exp(double x)
{
    return exp(x);
}

static inline double et__sqrt(double x)
{
    return sqrt(x);
}

#else

/* eˣ to 2 units in the last place: x = k ln 2 + r with |r| ≤ ln 2 / 2, and the series of eʳ, whose
 * eighth term is below a tenth of a unit. Beyond ±87 it stays at what float has there; −∞ gives
 * what −87 gives, 1.6e-38; no number stays none, so that a training that broke is seen. */
static inline float et__exp(float x)
{
    const float ROUNDER = 12582912.0F; // 1.5 · 2²³: added, it leaves no digit behind the point
    const float given = x;
    x = x > -87.0F ? x : -87.0F;
    x = x < 87.0F ? x : 87.0F;
    const float k = (x * 1.44269504F + ROUNDER) - ROUNDER;
    const float r = (x - k * 0.693359375F) + k * 2.12194440e-4F; // ln 2 in two parts
    float sum = 1.0F / 5040.0F;
    sum = sum * r + 1.0F / 720.0F;
    sum = sum * r + 1.0F / 120.0F;
    sum = sum * r + 1.0F / 24.0F;
    sum = sum * r + 1.0F / 6.0F;
    sum = sum * r + 0.5F;
    sum = sum * r + 1.0F;
    sum = sum * r + 1.0F;
    const int32_t bits = ((int32_t)k + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return given == given ? sum * power : given;
}

static inline float et__sqrt(float x)
{
    return sqrtf(x);
}

#endif

#endif
