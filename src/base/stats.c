#include "etude/stats.h"

#include "base/base__sort.h"

#include <assert.h>
#include <math.h>

void et_moments_add(struct et_moments *m, double x)
{
    if (isnan(x)) {
        m->n_nan++;
        return;
    }
    m->n++;
    if (m->n == 1 || x < m->min)
        m->min = x;
    if (m->n == 1 || x > m->max)
        m->max = x;
    const double delta = x - m->mean;
    m->mean += delta / (double)m->n;
    m->m2 += delta * (x - m->mean);
}

void et_moments_merge(struct et_moments *m, const struct et_moments *other)
{
    const int64_t n_nan = m->n_nan + other->n_nan;
    if (other->n == 0) {
        m->n_nan = n_nan;
        return;
    }
    if (m->n == 0) {
        *m = *other;
        m->n_nan = n_nan;
        return;
    }
    const double n = (double)(m->n + other->n), delta = other->mean - m->mean;
    m->m2 += other->m2 + delta * delta * ((double)m->n * (double)other->n / n);
    m->mean += delta * ((double)other->n / n);
    m->min = other->min < m->min ? other->min : m->min;
    m->max = other->max > m->max ? other->max : m->max;
    m->n += other->n;
    m->n_nan = n_nan;
}

double et_moments_std(const struct et_moments *m)
{
    return m->n < 1 ? 0.0 : sqrt(m->m2 / (double)m->n);
}

/* The way numpy takes it, so that the bits agree: from the nearer end. */
double et__quantile_between(double low, double high, double part)
{
    if (part == 0.0 || low == high)
        return low;
    const double step = high - low;
    if (!isfinite(step)) // an infinite end, or two ends that are too far apart
        return (1.0 - part) * low + part * high;
    return part >= 0.5 ? high - step * (1.0 - part) : low + step * part;
}

double et_quantile_sorted(const double *sorted, size_t n, double level)
{
    assert(n > 0 && level >= 0.0 && level <= 1.0);
    const double rank = (double)(n - 1) * level;
    const size_t low = (size_t)rank;
    const size_t high = low + 1 < n ? low + 1 : low;
    return et__quantile_between(sorted[low], sorted[high], rank - (double)low);
}

double et_quantile_of(double *values, size_t n, double level)
{
    assert(n > 0 && level >= 0.0 && level <= 1.0);
    const double rank = (double)(n - 1) * level;
    const size_t low = (size_t)rank;
    et__select(values, n, low);
    if (low + 1 == n)
        return values[low];

    // What stands behind the selected one is not smaller; its least is the next in order.
    double high = values[low + 1];
    for (size_t i = low + 2; i < n; i++)
        high = values[i] < high ? values[i] : high;
    return et__quantile_between(values[low], high, rank - (double)low);
}

double et_median_of(double *values, size_t n)
{
    return et_quantile_of(values, n, 0.5);
}
