/* Train: a dataset becomes a policy.
 *
 * Step by step, so that who trains can look, save and stop between any two. A step depends on the
 * dataset, the settings and the steps before it, and on nothing else: not on threads, and not on
 * whether the training was stopped and taken up again.
 *
 * Settings are a YAML file (doc/training.md); what it does not say is as in the table below, which
 * also makes the manual's.
 *
 * Threads: a training belongs to one thread; its pool's work for it.
 * Memory:  the dataset's numbers twice (as they are, and as the network sees them), parameters five
 *          times, a gradient and a step's space for each thread. */
#ifndef ETUDE_TRAIN_H
#define ETUDE_TRAIN_H

#include "etude/arena.h"
#include "etude/comm.h"
#include "etude/dataset.h"
#include "etude/pool.h"

// clang-format off
//    type, name, default, least, most, what it is
#define ET_TRAIN_NUMBERS(X)                                                                        \
    X(double, rate_hz, 0, 0, 1000, "actions a second; divides the dataset's (0: next to 25)")      \
    X(int, chunk, 25, 1, 1000, "actions that the network gives at once")                           \
    X(int, history, 0, 0, 32, "actions back: how far joints have come since then, one by one")     \
    X(int, width, 0, 0, 8192, "of hidden layers (mlp: 512, others: 128)")                          \
    X(int, layers, 0, 0, 16, "mlp: hidden ones, 3; act: of the encoder, 4; flow: 3")               \
    X(int, heads, 4, 1, 64, "of attention")                                                        \
    X(int, between, 0, 0, 32768, "width of feed-forward layers (4 times the width)")               \
    X(int, decoder_layers, 1, 1, 16, "act")                                                        \
    X(int, vae_layers, 4, 0, 16, "act; 0: no latent is learned")                                   \
    X(int, latent, 32, 1, 1024, "act: numbers of the latent")                                      \
    X(int, picture_px, 128, 16, 8192, "width that pictures are scaled to, where they are larger")  \
    X(int, shift_px, 4, 0, 256, "that pictures are shifted by, at random, at each side")           \
    X(int, keypoints, 32, 1, 256, "mlp, flow: places that are looked for in each picture")         \
    X(int, picture_cache_mb, 4096, 0, 1000000, "decoded pictures that are kept")                   \
    X(double, dropout, 0.1, 0, 0.9, "act: share of what layers give that a step leaves out")       \
    X(double, kl_weight, 10, 0, 1e6, "act: of the latent's divergence in the loss")                \
    X(int64_t, steps, 3000, 1, 100000000, "batches until the end")                                 \
    X(int, batch, 256, 1, 65536, "samples a step")                                                 \
    X(double, rate, 1e-3, 1e-9, 10, "of learning, at its highest")                                 \
    X(double, final_share, 0.01, 0, 1, "of that rate at the end (half a cosine)")                  \
    X(int64_t, warmup, 200, 0, 100000000, "steps until it is at its highest")                      \
    X(double, weight_decay, 1e-4, 0, 1, "of weights, by AdamW")                                    \
    X(double, clip, 1, 0, 1e6, "of the gradient's norm; 0: none")                                  \
    X(double, average, 0.999, 0, 0.999999, "of parameters (EMA); 0: none")                         \
    X(double, time_noise_s, 0.1, 0, 10, "added to the time in a phase")                            \
    X(double, validation, 0.04, 0, 0.5, "share of episodes only looked at; of five one at least")  \
    X(double, ensemble, 0.01, -1, 10, "see etude/policy.h")                                        \
    X(int64_t, seed, 1, 0, 9007199254740991, "of all that is drawn")

//    name, default, what it is
#define ET_TRAIN_FLAGS(X)                                                                          \
    X(sees_command, true, "how far joints are from what was asked of them")                        \
    X(sees_touch,   true, "whether fingers touch something")                                       \
    X(sees_scene,   true, "observation.environment_state, where the dataset has it (privileged)")  \
    X(sees_pictures, true, "cameras, where the dataset has them")                                  \
    X(resnet,       false, "ResNet-18 looks at them, in place of a small eye")                     \
    X(knows_hands,  true, "hands' poses, where things are as seen from them, and where they go")   \
    X(knows_phase,  true, "which part of the skill it is in, as it predicts, and since when") \
    X(gives_changes, false, "joints and hands are given as changes from where they are")           \
    X(skips_idle,   true, "rows in which nothing is asked for, and nothing moves, are left out")
// clang-format on

struct et_train_settings {
    const char *policy; // "mlp", "act", "flow"
#define X(type, name, otherwise, least, most, text) type name;
    ET_TRAIN_NUMBERS(X)
#undef X
#define X(name, otherwise, text) bool name;
    ET_TRAIN_FLAGS(X)
#undef X
};

/* All as the tables say, for a policy of that kind. ET_ENOTFOUND: there is none of that name; the
 * text lists them. */
ET_MUST_USE ET_API enum et_status
et_train_settings(const char *policy, struct et_train_settings *settings, struct et_err *err);

/* Reads a settings file. `policy` NULL: as the file says, or "mlp"; else it must not say another.
 * ET_ECORRUPT: "path:line:column: …", unknown words with the nearest known one. */
ET_MUST_USE ET_API enum et_status et_train_settings_load(const char *path, const char *policy,
                                                         struct et_arena *arena,
                                                         struct et_train_settings *settings,
                                                         struct et_err *err);

/* The settings that the last checkpoint of a training's folder was trained with; texts lie in the
 * arena. ET_ENOTFOUND: there is no checkpoint. ET_ECORRUPT: damaged. */
ET_MUST_USE ET_API enum et_status et_train_settings_saved(const char *folder,
                                                          struct et_arena *arena,
                                                          struct et_train_settings *settings,
                                                          struct et_err *err);

struct et_train;

struct et_train_options {
    struct et_train_settings settings;
    struct et_pool *pool; // NULL: the calling thread does all
    struct et_comm *comm; // NULL: no other process trains along. Else all make the same calls, but
                          // et_train_save, which one does
    const int64_t *episodes; // places in the dataset; NULL: all
    size_t n_episodes;
    const char *weight; // a feature of one number ≥ 0 that a row counts by; NULL: all alike
    const char *device; // "cpu" (or NULL), "cuda": an NVIDIA GPU does the network's part; of
                        // several processes each takes the next one. Checkpoints go from one to the
                        // other
};

/* Reads the dataset and makes the network. The dataset stays the caller's, and open while
 * pictures are learned from. ET_EARG: the settings do not fit (heads, a rate that does not divide
 * the dataset's, a weight of several numbers). ET_EUNSUPPORTED: nothing can be learned from the
 * dataset (no action, other widths, no rows …), the text names the feature; or what trains is not
 * there (OpenBLAS; CUDA or a GPU), the text says what to do. ET_ECORRUPT and others as
 * et_loader_open (a value that is no number, with its row). */
ET_MUST_USE ET_API enum et_status et_train_open(struct et_train **train,
                                                const struct et_dataset *dataset,
                                                const struct et_train_options *options,
                                                struct et_err *err);
ET_API void et_train_close(struct et_train *train); // NULL is allowed

struct et_train_facts {
    int64_t n_episodes, n_rows, n_used; // rows that samples begin at
    int64_t n_validation;               // episodes that are only looked at
    int64_t n_parameters;
    const struct et_train_settings *settings; // with what nobody has said
    const char *dataset;
    const char *const *robots; // whose hands are known; NULL: one that nobody knows
    size_t n_robots, n_cameras;
    size_t n_in, n_out;  // numbers that the network sees, and gives for each step of a chunk
    size_t memory_bytes; // that the training holds
    const char *device;  // a GPU that it is trained on, in words; NULL: a processor
    size_t n_remarks;    // what was left out, and why
    const char *const *remarks;
};
ET_API const struct et_train_facts *et_train_facts(const struct et_train *train);

struct et_train_state {
    int64_t step; // steps that were done
    double loss;  // of the last one: mean |error| of what the network gives, normalised
    double grad_norm, rate;
    bool is_finished;
};
ET_API struct et_train_state et_train_state(const struct et_train *train);

/* One step. ET_ECORRUPT: the loss or a gradient is no number; the text has the step, and everything
 * is as it was before it. */
ET_MUST_USE ET_API enum et_status et_train_step(struct et_train *train, struct et_err *err);

/* The loss on the validation's episodes; NaN: there are none. Nothing is learned. */
ET_MUST_USE ET_API enum et_status et_train_look(struct et_train *train, double *loss,
                                                struct et_err *err);

/* Writes a checkpoint: folder/checkpoints/<step>/{pretrained_model, training_state}, whole before
 * it has its name; then the link folder/checkpoints/last, then the ones before it are removed. */
ET_MUST_USE ET_API enum et_status et_train_save(struct et_train *train, const char *folder,
                                                struct et_err *err);

/* Goes on from the last checkpoint in the folder. More steps than it was to have are done with the
 * rate of so long a training; then the bits are not those of one that knew it from the beginning.
 * ET_ENOTFOUND: there is none. ET_EARG: it was trained with other settings or other data; the text
 * says which. ET_ECORRUPT: damaged. */
ET_MUST_USE ET_API enum et_status et_train_resume(struct et_train *train, const char *folder,
                                                  struct et_err *err);

#endif
