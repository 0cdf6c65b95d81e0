/* The online clock: how far from the truth it is on simulated links of 600 s, from the 5th second
 * on, and what a sample costs. The yardsticks are what doc/clock.md promises; the arrival times
 * alone are beside it. */
#include "bench.h"

#include "record/clock_links.h"

#include "etude/clock_live.h"

#define LINK_S 600
#define FIRST_S 5
#define N_SEEDS 5
#define COST_NS 50.0

static struct et_clock_live *open_clock(void)
{
    struct et_err err;
    struct et_clock_live *clock;
    if (et_clock_live_open(&clock, NULL, &err) != ET_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return clock;
}

// Errors in µs of all seeds of a link, with the clock and without.
static size_t measure(const struct link_case *of, double *with, double *without)
{
    const size_t n = (size_t)(LINK_S * of->rate_hz);
    size_t k = 0;
    for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
        struct et_clock_live *clock = open_clock();
        struct link link = link_open(of, seed);
        for (size_t i = 0; i < n; i++) {
            const struct link_sample s = link_next(&link);
            et_clock_live_put(clock, s.t_device_ns, s.t_arrival_ns);
            if (link.t_s < FIRST_S)
                continue;
            const int64_t t_ns = et_clock_live_ns(clock, s.t_device_ns);
            with[k] = fabs((double)(t_ns - s.t_true_ns)) / 1e3;
            without[k++] = (double)(s.t_arrival_ns - s.t_true_ns) / 1e3;
        }
        et_clock_live_close(clock);
    }
    return k;
}

static void errors_of(struct bench *b, const struct link_case *of)
{
    const size_t n = (size_t)(LINK_S * of->rate_hz) * N_SEEDS;
    double *with = malloc(n * sizeof *with), *without = malloc(n * sizeof *without);
    char name[100];
    const size_t k = with && without ? measure(of, with, without) : 0;
    if (k == 0)
        exit(1);
    (void)snprintf(name, sizeof name, "%s: arrival p95", of->name);
    bench_row(b, name, et_quantile_of(without, k, 0.95), "us", NULL, 0, NULL);
    (void)snprintf(name, sizeof name, "%s: p50", of->name);
    bench_row(b, name, et_quantile_of(with, k, 0.5), "us", NULL, 0, NULL);
    (void)snprintf(name, sizeof name, "%s: p95", of->name);
    bench_row(b, name, et_quantile_of(with, k, 0.95), "us", "promised", of->p95_us, "<= 1");
    (void)snprintf(name, sizeof name, "%s: largest", of->name);
    bench_row(b, name, et_quantile_of(with, k, 1), "us", NULL, 0, NULL);
    free(with);
    free(without);
}

// Samples are made beforehand; a run is the whole link.
static void cost_of(struct bench *b, const struct link_case *of)
{
    const size_t n = (size_t)(LINK_S * of->rate_hz);
    struct link_sample *samples = malloc(n * sizeof *samples);
    struct link link = link_open(of, 1);
    double costs[BENCH_RUNS];
    if (!samples)
        exit(1);
    for (size_t i = 0; i < n; i++)
        samples[i] = link_next(&link);
    for (size_t run = 0; run < BENCH_RUNS; run++) {
        struct et_clock_live *clock = open_clock();
        const int64_t began_ns = et_clock_thread_cpu_ns();
        for (size_t i = 0; i < n; i++)
            et_clock_live_put(clock, samples[i].t_device_ns, samples[i].t_arrival_ns);
        costs[run] = (double)(et_clock_thread_cpu_ns() - began_ns) / (double)n;
        et_clock_live_close(clock);
    }
    char name[100];
    (void)snprintf(name, sizeof name, "%s: a sample", of->name);
    bench_row(b, name, bench_median(costs, BENCH_RUNS), "ns", "promised", COST_NS,
              of->rate_hz >= 500 ? "<= 1" : NULL);
    free(samples);
}

int main(int argc, char **argv)
{
    struct bench b = bench_open(argc > 1 ? argv[1] : NULL);
    for (size_t i = 0; i < N_LINKS; i++)
        errors_of(&b, &LINKS[i]);
    for (size_t i = 0; i < N_LINKS; i++)
        cost_of(&b, &LINKS[i]);
    bench_close(&b);
    return 0;
}
