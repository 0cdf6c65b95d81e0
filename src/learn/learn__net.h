/* Net: what a policy needs of a network, one row a kind.
 *
 * A network sees n_own and n_around numbers, and what cameras see, and gives n_steps × n_out. What
 * chance it takes to be trained or to act is drawn for it, so that a sample's depends on the sample
 * alone.
 *
 * To add a kind: a file net_<kind>.c with a row, and a line in net.c. */
#ifndef LEARN__NET_H
#define LEARN__NET_H

#include "etude/json.h"
#include "etude/train.h"
#include "learn/learn__eye.h"

struct et__net_shape {
    size_t n_own, n_around; // numbers seen
    size_t n_out, n_steps;  // numbers of a step; steps of a chunk
    size_t n_phases;        // the last of a step's numbers, which say the phase
    int n_cameras, height_px, width_px;
};

/* Rows of n samples each. */
struct et__net_batch {
    size_t n;
    const et__real *own, *around, *seen; // seen: both, side by side; for kinds that want it so
    const et__real *pictures[ET__EYE_CAMERAS_MAX]; // n × 3 × height × width of each camera
    const et__real *targets;                       // n × n_steps × n_out
    const et__real *weights;                       // n × n_steps: of a step in the loss
    const uint8_t *hidden;         // n × n_hidden: 1 of steps that are padding; NULL: none is
    const et__real *mask;          // n × n_steps × n_out: 0 of what is not given; NULL: all is
    const et__real *noise, *extra; // n × n_noise, n × n_extra, as `prepare` left them
    double kl_weight;              // of a divergence in the loss
};

/* One sample to act on. */
struct et__net_view {
    const et__real *own, *around, *seen;
    const et__real *pictures[ET__EYE_CAMERAS_MAX];
    et__real *noise; // n_steps × n_out, normal; is written
};

struct et__net_kind {
    const char *name;
    const char *lerobot;                             // the type that its config.json says
    bool wants_seen;                                 // both parts side by side, else apart
    size_t bytes;                                    // of the network's struct, without constants
    void (*set)(struct et_train_settings *settings); // what is otherwise than the table says
    /* Names the parameters. `constants` gives room for as many numbers as it returns; NULL: only
     * counts them. */
    size_t (*make)(void *net, struct et__params *params, const struct et__net_shape *shape,
                   const struct et_train_settings *settings, et__real *constants);
    /* What it sees pictures with; n_cameras 0: there are none to see. */
    const struct et__eye *(*eye)(const void *net);
    /* Numbers of chance that a sample takes to be trained, and whether a chunk takes some, too. */
    size_t (*n_noise)(const struct et__net_shape *shape, const struct et_train_settings *settings);
    /* Steps behind an episode's end are padding, which does not count; else they hold the last row,
     * and do. */
    bool skips_padding;
    /* Bytes of a sample that say which of its steps are padding, for who looks at these; the steps
     * are the last of them. NULL: none. */
    size_t (*n_hidden)(const struct et__net_shape *shape, const struct et_train_settings *settings);
    size_t n_extra;      // numbers that `prepare` makes of a sample
    bool acts_by_chance; // n_steps × n_out normal ones
    /* Of one sample, before it is trained on: noise is normal, uniform in [0, 1). NULL: nothing. */
    void (*prepare)(const struct et__net_shape *shape, double uniform, et__real *noise,
                    et__real *target, et__real *extra);
    /* The loss of samples first … first + n − 1, gradients added to the engine's. */
    double (*step)(const void *net, struct et__engine *e, const struct et__net_batch *batch,
                   size_t first, size_t n);
    /* A chunk for one sample: n_steps × n_out, in the engine's space or where the noise was. */
    const et__real *(*act)(const void *net, struct et__engine *e, const struct et__net_view *view);
};

/* ---- eyes before networks of plain numbers (net_eye.c) ---- */

/* An eye whose keypoints stand behind the numbers that are seen. */
struct et__net_eye {
    struct et__eye eye;
    int n_plain, n_all; // numbers without it, and with; alike: there is no eye
};
void et__net_eye_add(struct et__net_eye *eye, struct et__params *params,
                     const struct et__net_shape *shape, const struct et_train_settings *settings);

/* What a network takes, in the engine's space, and the engine for it. */
struct et__net_look {
    const et__real *x;
    et__real *dx; // NULL: nothing learns from it
    struct et__engine rest;
    struct et__eye_seen seen;
    size_t n;
};
/* Begins a step: samples first … first + n − 1. */
void et__net_look(struct et__engine *e, const struct et__net_eye *eye,
                  const et__real *const *pictures, const et__real *plain, size_t first, size_t n,
                  struct et__net_look *look);
/* Ends it, with the way back where there is one. */
void et__net_looked(struct et__engine *e, const struct et__net_eye *eye,
                    const struct et__net_look *look);

/* NULL: none of that name. */
const struct et__net_kind *et__net_find(const char *name);
const struct et__net_kind *et__net_at(size_t i); // NULL behind the last

/* Sizes that nobody has said. */
void et__net_size(struct et_train_settings *settings, int width, int layers);

extern const struct et__net_kind et__net_mlp, et__net_act, et__net_flow;

/* A network with its parameters, in the arena. */
struct et__net {
    const struct et__net_kind *kind;
    void *model;
    const et__real *constants; // that the model points into, for a device to see them
    size_t n_constants;
    struct et__params params;
    struct et__net_shape shape;
    struct et_train_settings settings;
};
ET_MUST_USE enum et_status et__net_make(struct et__net *net, const struct et__net_shape *shape,
                                        const struct et_train_settings *settings,
                                        struct et_arena *arena, struct et_err *err);

size_t et__net_n_hidden(const struct et__net *net);

#endif
