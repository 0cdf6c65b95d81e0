/* Trainer: a network's parameters from batches, the same bits with any number of threads.
 *
 * A batch is cut into shards, whose number is an option and not that of the threads. Each shard's
 * gradients are a buffer of their own, and the buffers are added in the shards' order; the
 * optimiser walks over pieces of the flat buffers, each on its own. So threads change when things
 * are done, and nothing else. Nor does a stop: step k depends on the parameters, moments and
 * averages before it, on k, and on the batch.
 *
 * A device with a memory of its own takes a process's samples as one shard, on the trainer's own
 * thread. Its numbers are another processor's, not the same bits; batches, and the network's
 * constants, lie where it sees them. The state is then a copy, brought by et__trainer_fetch and
 * taken back by et__trainer_send.
 *
 * Threads: a trainer belongs to one thread; its pool's threads work for it.
 * Memory:  parameters, two moments, averages, decay (if averages are kept); a gradient buffer and a
 *          step's space for each shard that is under way (the threads' number and one more). */
#ifndef LEARN__TRAINER_H
#define LEARN__TRAINER_H

#include "etude/comm.h"
#include "etude/pool.h"
#include "learn/learn__engine.h"

/* A network as its trainer sees it. */
struct et__network {
    const void *model;
    /* The loss of samples first … first + n − 1 of the batch, whose weights are such that shards
     * add up; adds to the engine's gradients. */
    double (*step)(const void *model, struct et__engine *e, const void *batch, size_t first,
                   size_t n);
};

struct et__trainer_options {
    size_t batch, n_shards;                     // samples; parts of a batch, 0: 4
    int64_t n_steps;                            // of the whole training; the rate falls to its end
    double rate;                                // at its highest
    double final_share;                         // of the rate, at the end (cosine)
    int64_t n_warmup;                           // steps until the rate is at its highest
    double weight_decay, beta1, beta2, epsilon; // beta1 0: 0.9; beta2 0: 0.999; epsilon 0: 1e-8
    double clip;                                // the gradient's norm at most; 0: as it comes
    double average;       // of the moving average of parameters (EMA), 0.999 say; 0: none
    double dropout;       // share of numbers that layers leave out while they learn; 0: none
    uint64_t seed;        // of which ones
    struct et_comm *comm; // who trains along; NULL: nobody. All make the same calls
    const struct et__kernels *kernels; // NULL: a processor's
    void *device;                      // theirs
};

/* What has to be kept to go on. `average` NULL: none is kept. n_values of each. */
struct et__trainer_state {
    et__real *values, *first, *second, *average;
    int64_t step; // steps that were done
};

struct et__trainer;

/* The network and its params stay the caller's, and as they are. `batch` is a batch of the
 * network's with options.batch samples that can be measured: its pointers are not followed.
 * ET_ENOMEM. */
ET_MUST_USE enum et_status
et__trainer_open(struct et__trainer **trainer, const struct et__network *network,
                 const struct et__params *params, const struct et__trainer_options *options,
                 struct et_pool *pool, const void *batch, struct et_err *err);
void et__trainer_close(struct et__trainer *trainer); // NULL is allowed

/* The trainer's own, to be filled before the first step, and looked at between steps. Where a
 * device has its own memory, what is filled counts once it was sent, and what is looked at is as
 * old as the last fetch; without one these do nothing. ET_EIO: the device failed. */
struct et__trainer_state *et__trainer_state(struct et__trainer *trainer);
ET_MUST_USE enum et_status et__trainer_send(struct et__trainer *trainer, struct et_err *err);
ET_MUST_USE enum et_status et__trainer_fetch(struct et__trainer *trainer, struct et_err *err);
/* Parameters of the state to act with: the averages, or the values where there are none. */
const et__real *et__trainer_best(const struct et__trainer *trainer);

size_t et__trainer_bytes(const struct et__trainer *trainer); // that it holds

/* Samples first … last − 1 of a batch of n are looked at by this process, the rest by others. */
void et__trainer_part(const struct et__trainer *trainer, size_t n, size_t *first, size_t *last);

struct et__trained {
    double loss, grad_norm, rate;
};
/* One step on n samples of the batch (options.batch at most). ET_ECORRUPT: the loss or a gradient
 * is no number; nothing has changed. ET_EIO: the device failed. */
ET_MUST_USE enum et_status et__trainer_step(struct et__trainer *trainer, const void *batch,
                                            size_t n, struct et__trained *trained,
                                            struct et_err *err);
/* The loss of a batch with the parameters to act with; nothing is learned. */
ET_MUST_USE enum et_status et__trainer_look(struct et__trainer *trainer, const void *batch,
                                            size_t n, double *loss, struct et_err *err);

/* The rate of step 0, 1 …: it rises in a line, then falls with half a cosine. */
double et__trainer_rate(const struct et__trainer_options *options, int64_t step);

#endif
