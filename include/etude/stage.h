/* Stage: a world and a policy that fits into it, opened together.
 *
 * A policy behind a URL may not say which joints it moves or what it was told to do; the world
 * says it then. Who tries a policy many times opens a stage a thread.
 *
 * Threads: as etude/rollout.h; any number of stages side by side.
 * Memory:  a plain struct that holds handles. */
#ifndef ETUDE_STAGE_H
#define ETUDE_STAGE_H

#include "etude/rollout.h"
#include "etude/tls.h"

struct et_stage_options {
    const char *policy; // a folder, or "ws://HOST:PORT", "wss://…"
    struct et_policy_options how;
    struct et_tls_client_options trust; // of wss://
    struct et_world_options world;      // without a skill
};

/* A zeroed one is closed. */
struct et_stage {
    struct et_world *world; // NULL: no skill was named
    struct et_tls *tls;     // of wss://
    struct et_policy *policy;
    struct et_rollout *rollout; // NULL: it was only asked
};

/* True for a policy behind a URL. */
ET_API bool et_stage_is_remote(const char *policy);

/* Opens a policy to be asked what it is, with the skill's world. skill NULL: without one; a server
 * that does not say which joints it moves is refused then. ET_EARG and others: as et_world_open,
 * et_policy_open, et_tls_open_client; the stage is closed. */
ET_MUST_USE ET_API enum et_status et_stage_ask(struct et_stage *stage,
                                               const struct et_stage_options *options,
                                               const char *skill, struct et_err *err);

/* The same, and lets it into the world. Also as et_rollout_open. */
ET_MUST_USE ET_API enum et_status et_stage_open(struct et_stage *stage,
                                                const struct et_stage_options *options,
                                                const char *skill, struct et_err *err);
ET_API void et_stage_close(struct et_stage *stage); // a closed one is fine

#endif
