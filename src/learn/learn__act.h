/* ACT: a transformer that gives a chunk of actions at once, trained as a conditional variational
 * autoencoder (Zhao, Kumar, Levine, Finn: "Learning Fine-Grained Bimanual Manipulation with
 * Low-Cost Hardware", 2023), layer for layer and name for name as LeRobot's modeling_act.py has it.
 *
 * One encoder sees state and actions and makes a latent of them, when it is trained; the other sees
 * the latent (0 when it acts), state, environment and pictures, and a decoder asks it for each step
 * of the chunk. Pictures come as rows of features, which a backbone makes of them. */
#ifndef LEARN__ACT_H
#define LEARN__ACT_H

#include "learn/learn__transformer.h"

#define ET__ACT_LAYERS_MAX 16

struct et__act_config {
    struct et__transformer_size size;
    int n_encoder, n_decoder, n_vae; // layers of each; n_vae 0: no latent is learned
    int n_latent;
    int n_state, n_environment; // numbers; 0: none
    int n_action, n_steps;      // of a step, and steps of a chunk
    int n_phases;               // the last of a step's numbers; their loss is squared
    int n_tokens, n_channels;   // of pictures; 0: none
};

struct et__act {
    struct et__act_config config;
    struct et__encoder vae[ET__ACT_LAYERS_MAX], encoder[ET__ACT_LAYERS_MAX];
    struct et__decoder decoder[ET__ACT_LAYERS_MAX];
    struct et__layer_norm decoder_norm;
    struct et__linear vae_state, vae_action, vae_latent;
    struct et__linear state, environment, latent, tokens, head;
    size_t vae_class, positions_1d, queries; // embeddings
    int n_front, n_all;                      // of what the encoder sees: numbers' tokens, and all
    int n_vae_front, n_vae_all;
    const et__real *vae_positions, *token_positions; // n_vae_all × width; n_tokens × width
};

/* Rows of n each; what a config does not have is NULL. All in the engine's memory. */
struct et__act_batch {
    int n;
    const et__real *state, *environment, *tokens; // tokens: n × n_tokens × n_channels
    et__real *d_tokens;                           // written; NULL: nothing learns from it
    // For training; actions NULL: there is no loss. Without noise the latent is 0.
    const et__real *actions; // n × n_steps × n_action
    const et__real *weights; // n × n_steps: of a step in the loss; 0: it is padding
    const et__real *mask;    // n × n_steps × n_action: 0 of what is not given; NULL: all is
    const et__real *noise;   // n × n_latent
    const uint8_t *hidden;   // n × n_vae_all: 1 where a step is padding
    et__real kl_weight;      // of each divergence in the loss
};
struct et__act_result {
    const et__real *actions; // n × n_steps × n_action, in the engine's space
    double loss, divergence; // sums: weighted |error|; divergences, not weighted
};

/* Names its parameters. Constants (positions) are the caller's to make, once `act` says how many:
 * et__act_constants gives their number, and fills them where `to` is not NULL. */
void et__act_add(struct et__act *act, struct et__params *params,
                 const struct et__act_config *config);
size_t et__act_constants(struct et__act *act, et__real *to, int height, int width);
/* Forward, and back where the engine has gradients and there are actions. The engine's space is
 * used from its beginning. */
struct et__act_result et__act_step(const struct et__act *act, struct et__engine *e,
                                   const struct et__act_batch *batch);

#endif
