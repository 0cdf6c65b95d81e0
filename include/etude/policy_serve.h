/* Policy server: a trained policy behind openpi's protocol, for robots and other machines to ask.
 *
 * Each client has a state of its own (its attempt's phase, chunks under way, chance), all share
 * what was learned. An attempt begins with the connection, with "reset": true, and when the prompt
 * changes. doc/policy-exchange.md has the keys, doc/openpi.md the protocol.
 *
 * Threads: those of its loop.
 * Memory:  a client: what the network's layers take for one sample; kept when it leaves, for the
 *          next. */
#ifndef ETUDE_POLICY_SERVE_H
#define ETUDE_POLICY_SERVE_H

#include "etude/openpi.h"
#include "etude/policy.h"

struct et_policy_server_options {
    struct et_openpi_server_options net; // ctx: on_client's; metadata, infer and what is kept of
                                         // clients are the policy's
    size_t n_steps;  // of an answer, which the client does before it asks again; 0: a whole chunk
    bool is_blended; // an answer is one step, blended of all chunks under way: et_policy_act
};

struct et_policy_server;

/* Serves on a loop, which the caller runs. The policy, of a folder, stays the caller's and outlives
 * it. ET_EARG: the policy is behind a URL, or n_steps are more than a chunk has; others as
 * et_openpi_server_open. */
ET_MUST_USE ET_API enum et_status
et_policy_server_open(struct et_policy_server **server, struct et_loop *loop,
                      const struct et_policy *policy,
                      const struct et_policy_server_options *options, struct et_err *err);

/* As et_openpi_server_end: says good-bye to its clients, and takes no more. */
ET_API void et_policy_server_end(struct et_policy_server *server);
ET_API void et_policy_server_close(struct et_policy_server *server); // NULL is allowed

/* Where it is asked, with its port. */
ET_API const char *et_policy_server_address(const struct et_policy_server *server);
/* Clients and requests up to now. */
ET_API struct et_openpi_counts et_policy_server_counts(const struct et_policy_server *server);

#endif
