/* Policy: what was learned from demonstrations, ready to act.
 *
 * A policy is a folder in LeRobot's layout (doc/policy.md): weights, what they are normalised by,
 * and etude.json, which says what is made of the robot's sensors before the network sees it, and of
 * what the network gives before the robot does it. It sees features as a dataset names them and
 * gives the next wanted position of every joint, `rate_hz` times a second.
 *
 * A network gives a chunk: what to do now and for the next moments. et_policy_act blends what all
 * chunks that are still under way say of this moment (temporal ensembling, Zhao et al. 2023, IV.B);
 * et_policy_chunk gives one chunk as it is, to who keeps it and asks again later.
 *
 * Units:   as the dataset: SI, radians, joints in canonical order.
 * Threads: a policy belongs to one thread at a time; any number side by side.
 * Memory:  all of it when it is opened; acting allocates nothing. Behind a URL: a message either
 * way, and the rows of an answer. */
#ifndef ETUDE_POLICY_H
#define ETUDE_POLICY_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>

struct et_policy;
struct et_tls;

/* A feature that a policy looks at. */
struct et_policy_input {
    const char *feature;      // "observation.state", "observation.images.head"
    const char *const *names; // n_values, or NULL
    size_t n_values;          // numbers; of pictures height × width × 3
    int width_px, height_px;  // of pictures; 0: numbers
    bool has_gaps;            // NAN says of a value that it is not there
};

struct et_policy_info {
    const char *kind;    // "mlp", "act", "flow"
    const char *path;    // the folder
    const char *robot;   // that it moves: an id; NULL: nobody says
    const char *dataset; // what it was trained on; NULL: nobody says
    const struct et_policy_input *inputs;
    size_t n_inputs, i_first_picture; // numbers come first
    const char *const *joints;        // that it moves, n_joints; of several robots all, where
    size_t n_joints;                  // those of others are seen and given as 0
    const char *const *robots;        // that it has learned to move; the one is among them
    size_t n_robots;
    const char *const *phases; // that it tells apart, in their order; n_phases may be 0
    size_t n_phases;
    const char *const *tasks; // instructions it knows, by task; n_tasks may be 0
    size_t n_tasks;
    double rate_hz;       // of actions
    size_t n_steps;       // of a chunk
    int64_t n_parameters; // numbers that were learned
    int64_t n_trained;    // steps of training; −1: nobody says
    double ensemble;      // weight of a chunk falls by e^−this for each that is older; < 0: none,
                          // the newest chunk alone counts
    bool is_privileged;   // it looks at what no sensor gives
};

/* How a policy behind a URL is asked. Zero means the default. Pointers but tls are read when it is
 * opened only. */
struct et_policy_remote {
    const char *api_key; // openpi's; NULL: none
    struct et_tls *tls;  // demanded for wss; outlives the policy
    int64_t answer_ns;   // for an answer; 60 s
    // Of a server that does not say what its policy is:
    const char *const *joints; // n_joints, of state and action
    size_t n_joints;
    double rate_hz;     // 25
    const char *prompt; // what it is told to do; NULL: nothing
    const char *keys;   // "KEY=FEATURE, …", of a picture "KEY=FEATURE:WxH"; NULL:
                        // "observation/state=observation.state"
};

struct et_policy_options {
    bool has_ensemble; // `ensemble` counts, instead of the policy's own
    double ensemble;
    size_t n_open_loop; // steps that a chunk is followed before the next is made; 0: 1, of a policy
                        // behind a URL all that come
    const char *robot;  // which of several it moves; NULL: the first
    const struct et_policy *like; // one more of the same: what was learned stays this one's, which
                                  // outlives it; the path is not looked at. NULL: none
    const struct et_policy_remote *remote; // NULL: all as it is by default
};

/* Opens a policy's folder, or that of a training run: its last checkpoint; or one that openpi's
 * protocol serves, "ws://HOST:PORT" or "wss://…" (doc/policy-exchange.md). options may be NULL.
 * ET_ENOTFOUND: no such folder, a file is missing, or it never moved that robot. ET_ECORRUPT: a
 * file is damaged, or two do not agree (names file and what). ET_EUNSUPPORTED: a kind or a setting
 * that we do not know; built without MuJoCo, where arms are needed. ET_ENOMEM, ET_EIO, ET_ELIMIT.
 * Of a URL: as et_openpi_client_open; ET_EARG: the server does not say what its policy is, nor do
 * the options.
 */
ET_MUST_USE ET_API enum et_status et_policy_open(struct et_policy **policy, const char *path,
                                                 const struct et_policy_options *options,
                                                 struct et_err *err);
ET_API void et_policy_close(struct et_policy *policy); // NULL is allowed

/* What it says of itself; valid until it is closed. */
ET_API const struct et_policy_info *et_policy_info(const struct et_policy *policy);

/* A new attempt begins; chance (of flow) is drawn from the seed. */
ET_API void et_policy_begin(struct et_policy *policy, uint64_t seed, size_t i_task);

/* What is seen now, by input: n_values floats, or bytes of a picture. */
struct et_policy_view {
    const float *values;
    const uint8_t *picture;
};

/* The wanted positions (n_joints) at the end of the next period of 1 / rate_hz.
 * ET_ECORRUPT: what is seen, or what came of it, is no number; the action is what it was before.
 * The next call goes on. Of a URL: also that the server failed, was silent, or sent nonsense; the
 * next call, or attempt, connects again, and ET_EIO, ET_ECANCELLED: it could not. */
ET_MUST_USE ET_API enum et_status et_policy_act(struct et_policy *policy,
                                                const struct et_policy_view *views, double *action,
                                                struct et_err *err);

/* One chunk of what is seen: n_steps × n_joints, the first at the end of the next period. As
 * et_policy_act it counts as a step of the attempt, or as et_policy_follow says. ET_EUNSUPPORTED:
 * of a URL. */
ET_MUST_USE ET_API enum et_status et_policy_chunk(struct et_policy *policy,
                                                  const struct et_policy_view *views,
                                                  double *actions, struct et_err *err);

/* From now on so many steps (1 … n_steps) are done of each chunk. */
ET_API void et_policy_follow(struct et_policy *policy, size_t n);

/* The phase that the policy believes to be in; SIZE_MAX: it knows none. */
ET_API size_t et_policy_phase(const struct et_policy *policy);

#endif
