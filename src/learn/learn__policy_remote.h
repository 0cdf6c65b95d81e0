/* A policy behind a URL: what et_policy_* do where openpi's protocol is asked for actions.
 *
 * A server of ours says in its metadata what its policy sees, by names, and how fast it acts; of
 * others the options say it. Each observation is sent when the steps of the last reply are used up.
 */
#ifndef LEARN__POLICY_REMOTE_H
#define LEARN__POLICY_REMOTE_H

#include "etude/arena.h"
#include "etude/policy.h"

struct et__remote;

/* "ws://…" or "wss://…". */
bool et__remote_is(const char *path);

/* Connects, and fills the info, whose texts stay the remote's. Statuses as et_policy_open. */
ET_MUST_USE enum et_status et__remote_open(struct et__remote **remote, const char *url,
                                           const struct et_policy_options *options,
                                           struct et_policy_info *info, struct et_err *err);
void et__remote_close(struct et__remote *remote); // NULL is allowed

void et__remote_begin(struct et__remote *remote, uint64_t seed, size_t i_task);
void et__remote_follow(struct et__remote *remote, size_t n);
size_t et__remote_phase(const struct et__remote *remote);
ET_MUST_USE enum et_status et__remote_act(struct et__remote *remote,
                                          const struct et_policy_view *views, double *action,
                                          struct et_err *err);

/* ---- what a server of ours says of a policy (policy_metadata.c) ---- */

struct et_openpi_message;

/* The metadata of a policy; all of it lies in the arena. ET_ENOMEM, ET_ELIMIT. */
ET_MUST_USE enum et_status et__metadata_make(const struct et_policy_info *info, size_t n_steps,
                                             struct et_arena *arena,
                                             struct et_openpi_message *message, struct et_err *err);

/* *is_ours: the message is of a server of ours; then the info is filled, but for its path. Texts
 * lie in the arena. ET_ECORRUPT: it says what cannot be. */
ET_MUST_USE enum et_status et__metadata_read(const struct et_openpi_message *message,
                                             struct et_arena *arena, bool *is_ours,
                                             struct et_policy_info *info, struct et_err *err);

#endif
