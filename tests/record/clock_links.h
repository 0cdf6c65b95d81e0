/* Links between a device and a host, as they are: samples with the device's stamp, the moment that
 * they were sent in truth, and when they came. The device's rate walks, delays are exponential
 * with the congestions that such links have, and nothing overtakes. Everything follows from the
 * seed. */
#ifndef TESTS_RECORD_CLOCK_LINKS_H
#define TESTS_RECORD_CLOCK_LINKS_H

#include "support.h"

#include <math.h>

enum link_kind { LINK_WIRED, LINK_BUSY, LINK_WIFI, LINK_USB, LINK_TICK };

struct link_case {
    const char *name;
    enum link_kind kind;
    double rate_hz, skew_ppm, walk; // walk: of the rate, in 1/√s
    double p95_us;                  // that is promised
};

// clang-format off
static const struct link_case LINKS[] = {
    {"wired 500 Hz",                       LINK_WIRED, 500, 25, 2e-9, 100},
    {"wired 500 Hz (busy host)",          LINK_BUSY,  500, 25, 2e-9, 100},
    {"Wi-Fi 72 Hz",                        LINK_WIFI,   72, 15, 2e-9, 1000},
    {"USB camera 30 Hz",                   LINK_USB,    30, 40, 5e-9, 100},
    {"wired 500 Hz (whole ms)",            LINK_TICK,  500, 25, 2e-9, 1000},
};
// clang-format on
#define N_LINKS (sizeof LINKS / sizeof LINKS[0])

struct link {
    const struct link_case *of;
    struct rng rng;
    double t_s, device_s, skew, arrival_s;
};

struct link_sample {
    int64_t t_device_ns, t_arrival_ns, t_true_ns; // the truth by arrival's clock
};

static inline double link_wait(struct rng *rng, double mean_s)
{
    return -mean_s * log(1 - rng_uniform(rng));
}

static inline struct link link_open(const struct link_case *of, uint64_t seed)
{
    return (struct link){.of = of, .rng = {seed}, .skew = of->skew_ppm * 1e-6};
}

static inline double link_delay_s(struct link *link)
{
    struct rng *r = &link->rng;
    const double u = rng_uniform(r);
    switch (link->of->kind) {
    case LINK_WIRED:
    case LINK_TICK:
        return link_wait(r, 60e-6) + (u < 0.01 ? link_wait(r, 5e-3) : 0);
    case LINK_BUSY: // and 10 s of a congestion in its middle
        return link_wait(r, 300e-6) + (u < 0.02 ? link_wait(r, 20e-3) : 0) +
               (link->t_s > 300 && link->t_s < 310 ? 50e-3 : 0);
    case LINK_WIFI:
        return 2e-3 * rng_uniform(r) + link_wait(r, 4e-3) + (u < 0.05 ? 30e-3 * rng_uniform(r) : 0);
    case LINK_USB: // frames of USB are 1 ms apart
        return floor(u + link_wait(r, 1e-3) * 1000) * 1e-3 + link_wait(r, 60e-6);
    }
    return 0;
}

static inline struct link_sample link_next(struct link *link)
{
    const double step_s = 1 / link->of->rate_hz;
    link->t_s += step_s;
    link->skew += link->of->walk * sqrt(step_s) * rng_gaussian(&link->rng);
    link->device_s += step_s * (1 + link->skew);
    double arrival_s = link->t_s + link_delay_s(link);
    if (arrival_s < link->arrival_s)
        arrival_s = link->arrival_s + 2e-6;
    link->arrival_s = arrival_s;
    double stamp_s = 1234.5 + link->device_s;
    if (link->of->kind == LINK_TICK)
        stamp_s = floor(stamp_s * 1000) / 1000;
    return (struct link_sample){llround(stamp_s * 1e9), llround(arrival_s * 1e9),
                                llround(link->t_s * 1e9)};
}

#endif
