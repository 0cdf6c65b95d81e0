/* Spectral arc length: against its authors' own number, and what must not change it. */
#include "etude/smoothness.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define N 200

static struct et_err err;

/* The movement of the authors' example. */
static void bell(double *speeds, double times, double height)
{
    for (int i = 0; i < (int)(N * times); i++)
        speeds[i] = height * exp(-5 * pow(-1 + 0.01 * i / times, 2));
}

static double sparc(const double *speeds, size_t n, double rate_hz)
{
    double value;
    CHECK_OK(et_sparc(speeds, n, rate_hz, &value, &err));
    return value;
}

static void it_is_what_its_authors_found(void)
{
    double speeds[N];
    bell(speeds, 1, 1);
    CHECK_NEAR(sparc(speeds, N, 100), -1.41403, 5e-6);
}

static void neither_height_nor_rate_changes_it_and_shaking_makes_it_less(void)
{
    static double speeds[4 * N];
    bell(speeds, 1, 1);
    const double at_100 = sparc(speeds, N, 100);
    bell(speeds, 1, 7);
    CHECK_NEAR(sparc(speeds, N, 100), at_100, 1e-12);
    bell(speeds, 4, 1);
    CHECK_NEAR(sparc(speeds, (size_t)4 * N, 400), at_100, 0.01);
    bell(speeds, 1, 1);
    for (int i = 0; i < N; i++)
        speeds[i] *= 1 + 0.5 * sin(2 * M_PI * 5 * 0.01 * i);
    CHECK(sparc(speeds, N, 100) < at_100 - 0.2);
}

/* By the definition, sum by sum. */
static void the_quick_transform_is_the_plain_one(void)
{
    double speeds[20], peak = 0, length = 0;
    enum { BINS = 32 * 16 };
    double magnitude[BINS / 2 + 1];
    for (int i = 0; i < 20; i++)
        speeds[i] = fabs(sin(0.9 * i)) + 0.1 * (i % 3);
    for (int k = 0; k <= BINS / 2; k++) {
        double re = 0, im = 0;
        for (int i = 0; i < 20; i++) {
            re += speeds[i] * cos(2 * M_PI * k * i / BINS);
            im -= speeds[i] * sin(2 * M_PI * k * i / BINS);
        }
        magnitude[k] = hypot(re, im);
        peak = fmax(peak, magnitude[k]);
    }
    int last = 0;
    for (int k = 0; k <= BINS / 2 && k * 25.0 / BINS <= 10; k++)
        last = magnitude[k] >= 0.05 * peak ? k : last;
    for (int k = 0; k < last; k++)
        length += hypot(1.0 / last, (magnitude[k + 1] - magnitude[k]) / peak);
    CHECK_NEAR(sparc(speeds, 20, 25), -length, 1e-9);
}

static void of_what_does_not_move_there_is_none(void)
{
    double speeds[N] = {0};
    CHECK(isnan(sparc(speeds, N, 100)));
    CHECK(isnan(sparc(speeds, 0, 100)));
    speeds[3] = 1;
    CHECK(isnan(sparc(speeds + 3, 1, 100)));
    CHECK(!isnan(sparc(speeds, N, 100)));
    speeds[4] = (double)NAN;
    CHECK(isnan(sparc(speeds, N, 100)));
}

static void what_is_too_long_is_refused(void)
{
    double value = 0, speeds[2] = {1, 2};
    CHECK_EQ(et_sparc(speeds, ET_SPARC_MAX + 1, 100, &value, &err), ET_EARG);
    CHECK_HAS(err.text, "1048577 speeds");
    CHECK_EQ(et_sparc(speeds, 2, 0, &value, &err), ET_EARG);
    CHECK(isnan(value));
}

int main(void)
{
    RUN(it_is_what_its_authors_found);
    RUN(neither_height_nor_rate_changes_it_and_shaking_makes_it_less);
    RUN(the_quick_transform_is_the_plain_one);
    RUN(of_what_does_not_move_there_is_none);
    RUN(what_is_too_long_is_refused);
    return tap_end();
}
