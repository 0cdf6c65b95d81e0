/* A chunk of actions by plain layers: the baseline, and on few demonstrations the best.
 *
 * Numbers in, one layer, residual layers, all steps of the chunk out at once. */
#ifndef LEARN__MLP_H
#define LEARN__MLP_H

#include "learn/learn__layers.h"

#define ET__MLP_LAYERS_MAX 16

struct et__mlp_config {
    int n_in;
    int width, n_layers; // hidden layers; the first takes what comes in, the others add to it
    int n_action, n_steps;
    int n_phases; // the last of a step's numbers; their loss is squared
};

struct et__mlp {
    struct et__mlp_config config;
    struct et__linear layers[ET__MLP_LAYERS_MAX], head;
};

struct et__mlp_batch {
    size_t n;
    const et__real *x;       // n × n_in
    et__real *dx;            // written; NULL: nothing learns from it
    const et__real *actions; // n × n_steps × n_action; NULL: there is no loss
    const et__real *weights; // n × n_steps: of a step in the loss
    const et__real *mask;    // n × n_steps × n_action: 0 of what is not given; NULL: all is
};
struct et__mlp_result {
    const et__real *actions; // n × n_steps × n_action, in the engine's space
    double loss;             // sum of weighted |error|
};

void et__mlp_add(struct et__mlp *mlp, struct et__params *params,
                 const struct et__mlp_config *config);
struct et__mlp_result et__mlp_step(const struct et__mlp *mlp, struct et__engine *e,
                                   const struct et__mlp_batch *batch);

#endif
