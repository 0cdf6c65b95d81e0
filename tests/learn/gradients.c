#include "gradients.h"
#include "tap.h"

#include "etude/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP 1e-6

static double one(const struct gradients *g, struct et__engine *e, et__real *values, size_t at)
{
    const et__real kept = values[at];
    et__real *grads = e->grads;
    e->grads = NULL;
    values[at] = kept + STEP;
    const double above = g->loss(g->ctx, e);
    values[at] = kept - STEP;
    const double below = g->loss(g->ctx, e);
    values[at] = kept;
    e->grads = grads;
    return (above - below) / (2 * STEP);
}

double gradients_worst(const struct gradients *g, uint64_t seed)
{
    const size_t n = g->params->n_values;
    et__real *values = calloc(n, sizeof *values), *grads = calloc(n, sizeof *grads);
    et__params_begin(g->params, values, seed);
    for (size_t i = 0; i < n; i++)
        values[i] += 0.05 * et_random_normal(seed, i); // biases that are not 0
    struct et__engine e = et__engine_measure(true);
    (void)g->loss(g->ctx, &e);
    const size_t cap = et__engine_measured(&e);
    e = (struct et__engine){.kernels = &et__kernels_cpu,
                            .params = values,
                            .grads = grads,
                            .base = aligned_alloc(64, cap * sizeof *values),
                            .cap = cap};
    (void)g->loss(g->ctx, &e);
    double worst = 0;
    size_t n_tried = 0;
    for (size_t i = 0; i < g->params->n_items; i++) {
        const struct et__param *p = &g->params->items[i];
        if (et__param_is_frozen(p)) {
            for (size_t j = 0; j < p->n; j++)
                CHECK(grads[p->at + j] == 0);
            continue;
        }
        const size_t n_each = g->n_each && g->n_each < p->n ? g->n_each : p->n;
        double most = 0, off = 0;
        for (size_t j = 0; j < n_each; j++, n_tried++) {
            const size_t at = p->at + (n_each < p->n ? et_random_below(i, j, p->n) : j);
            off = fmax(off, fabs(one(g, &e, values, at) - grads[at]));
        }
        for (size_t j = 0; j < p->n; j++)
            most = fmax(most, fabs(grads[p->at + j]));
        worst = fmax(worst, off);
        if (off > 1e-7)
            (void)printf("# %s: %g off, of %g\n", p->name, off, most);
        CHECK(most > 0); // a parameter that nothing depends on is a mistake, too
    }
    (void)printf("# %zu values of %zu parameters, worst %.2g\n", n_tried, g->params->n_items,
                 worst);
    free(e.base);
    free(values);
    free(grads);
    return worst;
}
