#include "etude/exam_times.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

double et_timed_score(const struct et_timed *trial, double reference_s)
{
    assert(reference_s > 0);
    return trial->is_success ? reference_s / fmax(trial->seconds, reference_s) : 0;
}

double et_timed_weighted(const struct et_timed *trials, size_t n, double reference_s)
{
    double sum = 0;
    size_t n_whole = 0;
    for (size_t i = 0; i < n; i++) {
        sum += trials[i].is_cut ? 0 : et_timed_score(&trials[i], reference_s);
        n_whole += !trials[i].is_cut;
    }
    return n_whole ? sum / (double)n_whole : (double)NAN;
}

double et_timed_per_hour(const struct et_timed *trials, size_t n, double reset_s)
{
    double seconds = 0;
    size_t n_successes = 0;
    for (size_t i = 0; i < n; i++) {
        seconds += trials[i].seconds + reset_s;
        n_successes += trials[i].is_success && !trials[i].is_cut;
    }
    return seconds > 0 ? 3600 * (double)n_successes / seconds : (double)NAN;
}

static int by_time(const void *a, const void *b)
{
    const double x = ((const struct et_timed_step *)a)->seconds;
    const double y = ((const struct et_timed_step *)b)->seconds;
    return (x > y) - (x < y);
}

static bool succeeded(const struct et_timed *trial)
{
    return trial->is_success && !trial->is_cut;
}

/* Of all that may still succeed at a time: how many do. */
static size_t count(const struct et_timed *trials, size_t n, double seconds, size_t *n_at_risk)
{
    size_t n_now = 0;
    *n_at_risk = 0;
    for (size_t i = 0; i < n; i++) {
        const bool is_for_ever = !trials[i].is_success && !trials[i].is_cut;
        *n_at_risk += is_for_ever || trials[i].seconds >= seconds;
        n_now += succeeded(&trials[i]) && trials[i].seconds == seconds;
    }
    return n_now;
}

size_t et_timed_curve(const struct et_timed *trials, size_t n, double confidence,
                      struct et_timed_step *steps)
{
    const double z = et_normal_quantile((1 + confidence) / 2);
    size_t n_times = 0, n_steps = 0;
    for (size_t i = 0; i < n; i++)
        if (succeeded(&trials[i]))
            steps[n_times++].seconds = trials[i].seconds;
    qsort(steps, n_times, sizeof *steps, by_time);
    double left = 1, greenwood = 0, low = 0;
    for (size_t i = 0; i < n_times; i++) {
        if (n_steps && steps[n_steps - 1].seconds == steps[i].seconds)
            continue;
        size_t n_at_risk;
        const size_t n_now = count(trials, n, steps[i].seconds, &n_at_risk);
        left *= (double)(n_at_risk - n_now) / (double)n_at_risk;
        greenwood += (double)n_now / ((double)n_at_risk * (double)(n_at_risk - n_now));
        struct et_timed_step step = {steps[i].seconds, 1 - left, {low, 1}};
        if (left > 0) {
            const double width = z * sqrt(greenwood) / -log(left);
            step.interval =
                (struct et_interval){1 - pow(left, exp(-width)), 1 - pow(left, exp(width))};
        }
        low = step.interval.low;
        steps[n_steps++] = step;
    }
    return n_steps;
}
