#include "sim_clock.h"

#include <math.h>
#include <stdlib.h>

#define TWO_PI 6.283185307179586

static uint64_t state;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)((state >> 11) + 1) * (1.0 / 9007199254740993.0);
}

static double normal(void)
{
    const double radius = sqrt(-2 * log(uniform()));
    return radius * cos(TWO_PI * uniform());
}

static double exponential(double mean)
{
    return -mean * log(uniform());
}

// Delay beyond the least, as measured on such links (live-capture, 6).
static double delay(enum sim_link link, double t_s)
{
    switch (link) {
    case SIM_WIRED:
        return exponential(60e-6) + (uniform() < 0.01 ? exponential(5e-3) : 0);
    case SIM_BUSY:
        return exponential(300e-6) + (uniform() < 0.02 ? exponential(20e-3) : 0) +
               (t_s > 300 && t_s < 310 ? 50e-3 : 0);
    case SIM_WIFI:
        return 2e-3 * uniform() + exponential(4e-3) + (uniform() < 0.05 ? 30e-3 * uniform() : 0);
    case SIM_USB:
        return floor(uniform() + exponential(1.0)) * 1e-3 + exponential(60e-6);
    }
    return 0;
}

void sim_run(const struct sim_device *device, struct sim_messages *m)
{
    const size_t n = (size_t)(device->rate_hz * device->duration_s);
    const double dt = 1 / device->rate_hz;
    double skew = device->skew_ppm * 1e-6, clock = device->offset_s, last = 0;
    state = 88172645463325252u ^ device->seed * 0x9e3779b97f4a7c15u;
    *m = (struct sim_messages){malloc(n * 8), malloc(n * 8), malloc(n * 8), malloc(n * 4), 0};
    for (size_t i = 0; i < n; i++) {
        const double t = (double)i * dt;
        skew += device->walk * sqrt(dt) * normal();
        clock += dt * (1 + skew);
        if (device->reset_at_s > 0 && t >= device->reset_at_s && t - dt < device->reset_at_s)
            clock = 1;
        if (device->step_at_s > 0 && t >= device->step_at_s && t - dt < device->step_at_s)
            clock += device->step_s;
        double arrival = t + delay(device->link, t);
        arrival = arrival < last ? last + 2e-6 : arrival; // a link keeps the order
        last = arrival;
        if (uniform() < device->drop)
            continue;
        const double stamp =
            device->tick_s > 0 ? floor(clock / device->tick_s) * device->tick_s : clock;
        m->t_device_ns[m->n] = llround(stamp * 1e9);
        m->t_arrival_ns[m->n] = INT64_C(1700000000000000000) + llround(arrival * 1e9);
        m->t_true_ns[m->n] = INT64_C(1700000000000000000) + llround(t * 1e9);
        m->sequence[m->n++] = (uint32_t)i;
    }
}

void sim_free(struct sim_messages *m)
{
    free(m->t_device_ns);
    free(m->t_arrival_ns);
    free(m->t_true_ns);
    free(m->sequence);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double sim_quantile(const int64_t *got, const int64_t *wanted, size_t n, double level)
{
    double *errors = malloc(n * sizeof *errors);
    for (size_t i = 0; i < n; i++)
        errors[i] = fabs((double)(got[i] - wanted[i]));
    qsort(errors, n, sizeof *errors, compare);
    const double result = errors[(size_t)(level * (double)(n - 1))];
    free(errors);
    return result;
}
