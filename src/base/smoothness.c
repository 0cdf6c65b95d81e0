#include "etude/smoothness.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define PADDED 16        // times as long, so that the spectrum's curve is fine
#define CUT_HZ 10.0      // a person moves no faster
#define LEAST_SHARE 0.05 // of the spectrum's peak

struct number {
    double re, im;
};

/* The discrete Fourier transform in place, n a power of two (Cooley and Tukey, Math. Comput. 19,
 * 1965, 297). */
static void transform(struct number *x, size_t n)
{
    for (size_t i = 1, k = 0; i < n; i++) { // by reversed bits
        size_t bit = n >> 1;
        for (; k & bit; bit >>= 1)
            k ^= bit;
        k ^= bit;
        if (i < k) {
            const struct number t = x[i];
            x[i] = x[k];
            x[k] = t;
        }
    }
    for (size_t half = 1; half < n; half *= 2)
        for (size_t k = 0; k < half; k++) {
            const double angle = -M_PI * (double)k / (double)half;
            const struct number w = {cos(angle), sin(angle)};
            for (size_t i = k; i < n; i += 2 * half) {
                const struct number a = x[i], b = x[i + half];
                const struct number t = {w.re * b.re - w.im * b.im, w.re * b.im + w.im * b.re};
                x[i] = (struct number){a.re + t.re, a.im + t.im};
                x[i + half] = (struct number){a.re - t.re, a.im - t.im};
            }
        }
}

/* The length of the spectrum's curve; 0 where there is none. */
static double length_of(struct number *spectrum, size_t n, double rate_hz)
{
    const double bin_hz = rate_hz / (double)n;
    size_t n_low = (size_t)(CUT_HZ / bin_hz) + 1, last = 0, first = SIZE_MAX;
    double peak = 0, length = 0;
    for (size_t i = 0; i <= n / 2; i++)
        peak = fmax(peak, spectrum[i].re = hypot(spectrum[i].re, spectrum[i].im));
    n_low = n_low < n / 2 + 1 ? n_low : n / 2 + 1;
    for (size_t i = 0; i < n_low; i++)
        if (spectrum[i].re >= LEAST_SHARE * peak) {
            last = i;
            first = first == SIZE_MAX ? i : first;
        }
    if (!(peak > 0) || first == SIZE_MAX)
        return 0;
    for (size_t i = first; i < last; i++)
        length += hypot(1 / (double)(last - first), (spectrum[i + 1].re - spectrum[i].re) / peak);
    return length;
}

enum et_status et_sparc(const double *speeds, size_t n, double rate_hz, double *sparc,
                        struct et_err *err)
{
    *sparc = (double)NAN;
    if (n > ET_SPARC_MAX || !(rate_hz > 0))
        return et_fail(err, ET_EARG, -1, "%zu speeds, %g a second: at most %zu, and a rate", n,
                       rate_hz, ET_SPARC_MAX);
    bool is_moving = false;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(speeds[i]))
            return ET_OK;
        is_moving |= speeds[i] != 0;
    }
    if (n < 2 || !is_moving)
        return ET_OK;
    size_t n_padded = 1;
    while (n_padded < n)
        n_padded *= 2;
    n_padded *= PADDED;
    struct number *spectrum = calloc(n_padded, sizeof *spectrum);
    if (!spectrum)
        return et_fail(err, ET_ENOMEM, -1, "out of memory for a spectrum of %zu numbers", n_padded);
    for (size_t i = 0; i < n; i++)
        spectrum[i].re = speeds[i];
    transform(spectrum, n_padded);
    const double length = length_of(spectrum, n_padded, rate_hz);
    *sparc = length > 0 ? -length : (double)NAN;
    free(spectrum);
    return ET_OK;
}
