/* Whether a gradient is what the function changes by: central differences, in doubles. */
#ifndef GRADIENTS_H
#define GRADIENTS_H

#include "learn/learn__engine.h"

struct gradients {
    double (*loss)(void *ctx, struct et__engine *e); // adds to e->grads where there are any
    void *ctx;
    const struct et__params *params;
    size_t n_each; // values of a parameter that are tried; 0: all
};

/* The most that a derivative and a difference are apart. Parameters are drawn from the seed. */
double gradients_worst(const struct gradients *g, uint64_t seed);

#endif
