/* Flow: a transformer that turns noise into a chunk of actions in a few steps (flow matching,
 * Lipman et al. 2023; for robots π0, Black et al. 2024), conditioned as DiT does it (Peebles and
 * Xie 2023): what is seen and the time scale, shift and gate each part of each layer, and at first
 * do nothing (adaLN-zero).
 *
 * Time 1 is noise, 0 an action, as openpi has it: x_t = t · noise + (1 − t) · action, and the
 * network learns how x_t changes, noise − action. */
#ifndef LEARN__FLOW_H
#define LEARN__FLOW_H

#include "learn/learn__layers.h"

#define ET__FLOW_LAYERS_MAX 16
#define ET__FLOW_EULER_STEPS 10 // as π0

struct et__flow_config {
    int width, n_heads, n_between, n_layers;
    int n_condition, n_time; // numbers that are seen; of a time's embedding (even)
    int n_action, n_steps;   // of a step, and steps of a chunk
};

struct et__flow_layer {
    struct et__linear modulation; // 6 × width: shift, scale, gate of attention, then of the rest
    struct et__heads heads;
    struct et__feedforward between;
};

struct et__flow {
    struct et__flow_config config;
    struct et__linear in, time1, time2, condition, last_modulation, out;
    struct et__flow_layer layers[ET__FLOW_LAYERS_MAX];
    size_t positions;
};

struct et__flow_batch {
    size_t n;
    const et__real *x;         // n × n_steps × n_action: x_t
    const et__real *times;     // n × n_time: embedded
    const et__real *condition; // n × n_condition
    const et__real *change;    // n × n_steps × n_action: noise − action; NULL: there is no loss
    const et__real *weights;   // n × n_steps: of a step in the loss
    const et__real *mask;      // n × n_steps × n_action: 0 of what is not given; NULL: all is
    et__real *d_condition;     // n × n_condition, written; NULL: nothing learns from it
};
struct et__flow_result {
    const et__real *change; // n × n_steps × n_action, in the engine's space
    double loss;            // sum of weighted squares
};

void et__flow_add(struct et__flow *flow, struct et__params *params,
                  const struct et__flow_config *config);
struct et__flow_result et__flow_step(const struct et__flow *flow, struct et__engine *e,
                                     const struct et__flow_batch *batch);

/* The embedding of a time in 0 … 1: sines, then cosines of periods from 0.004 to 4 (openpi), n / 2
 * of each; and the period of the i-th. */
void et__flow_time(et__real *to, double time, int n);
double et__flow_period(int i, int n);
/* A time to train at, from a uniform number in [0, 1): Beta(1.5, 1), more often near noise, by the
 * inverse of its distribution; never quite 0. */
double et__flow_draw_time(double uniform);

#endif
