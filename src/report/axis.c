#include "report/report__svg.h"

#include <assert.h>
#include <math.h>

// Below this share of its values an extent is nothing: the digits of a double end there.
#define RELATIVE_EXTENT_MIN 1e-12

void et__range_add(struct et__range *range, double value)
{
    if (!isfinite(value))
        return;
    const double held = fmax(-ET__VALUE_MAX, fmin(ET__VALUE_MAX, value));
    range->first = fmin(range->first, held);
    range->last = fmax(range->last, held);
}

// mantissa × 10^power; dividing by a power that is exact beats multiplying by one that is not.
static double decimal_value(double mantissa, int power)
{
    return power < 0 ? mantissa / pow(10, -power) : mantissa * pow(10, power);
}

static void choose_step(struct et__axis *axis, double n_ticks, int power_min)
{
    static const int STEPS[] = {1, 2, 5};
    const double wanted = (axis->last - axis->first) / n_ticks;

    axis->mantissa = 1;
    axis->power = (int)floor(log10(wanted)) + 1; // ten times what is too small
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        if (decimal_value(STEPS[i], axis->power - 1) >= wanted * 0.999999) {
            axis->mantissa = STEPS[i];
            axis->power--;
            break;
        }
    }
    if (axis->power < power_min) {
        axis->mantissa = 1;
        axis->power = power_min;
    }
}

static void count_ticks(struct et__axis *axis)
{
    // A tick that rounding puts a hair outside still counts.
    const double step = decimal_value(axis->mantissa, axis->power);
    axis->first_tick = (int64_t)ceil(axis->first / step - 1e-6);
    const int64_t last_tick = (int64_t)floor(axis->last / step + 1e-6);
    axis->n_ticks = last_tick < axis->first_tick ? 0 : (size_t)(last_tick - axis->first_tick) + 1;
}

struct et__axis et__axis(struct et__range range, double margin, double n_ticks, int power_min)
{
    if (!(range.first <= range.last))
        range = (struct et__range){0, 1};
    const double size = fmax(fabs(range.first), fabs(range.last));
    double extent = range.last - range.first;
    if (extent <= size * RELATIVE_EXTENT_MIN || extent < 1e-290) {
        const double half = size < 1e-280 ? 1 : size * 0.1;
        range.first -= half;
        range.last += half;
        extent = 2 * half;
        margin = 0;
    }
    struct et__axis axis = {.first = range.first - extent * margin,
                            .last = range.last + extent * margin};
    assert(isfinite(axis.first) && isfinite(axis.last) && axis.first < axis.last);
    for (double wanted = n_ticks; wanted <= 4 * n_ticks; wanted *= 2) {
        choose_step(&axis, wanted, power_min);
        count_ticks(&axis);
        if (axis.n_ticks >= 2 || axis.power == power_min)
            break; // one tick alone tells no scale
    }
    assert((double)axis.n_ticks <= n_ticks + 5);
    return axis;
}

double et__axis_tick(const struct et__axis *axis, size_t i)
{
    return decimal_value((double)((axis->first_tick + (int64_t)i) * axis->mantissa), axis->power);
}

double et__axis_share(const struct et__axis *axis, double value)
{
    const double share = (value - axis->first) / (axis->last - axis->first);
    return share > 0 ? fmin(share, 1) : 0;
}

void et__put_tick(struct et_buf *buf, const struct et__axis *axis, size_t i)
{
    const int64_t tick = axis->first_tick + (int64_t)i;
    et__put_decimal(buf, tick * axis->mantissa, tick == 0 ? 0 : axis->power);
}
