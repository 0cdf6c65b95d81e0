/* Which policy it is, and how it acts: so that nobody can put another in its place. */
#ifndef EXAM__POLICY_H
#define EXAM__POLICY_H

#include "etude/hash.h"
#include "etude/json.h"
#include "etude/policy.h"

/* The digest of a policy's files: of their names and contents, sorted; `path` as et_policy_info
 * says. ET_EIO, ET_ENOTFOUND, ET_ELIMIT. */
ET_MUST_USE enum et_status et__policy_digest(const char *path, struct et_digest *digest,
                                             struct et_err *err);

/* What was asked of a policy beside its files: how chunks are blended and followed and, of one
 * behind a URL, how it is talked to. As a map, and into the options of one that is opened; *remote
 * keeps what how->remote has otherwise and is what it points to then. Texts go to the arena.
 * ET_ECORRUPT names what does not fit; a map that is not there asks nothing. */
void et__policy_how_put(struct et_json_writer *w, const struct et_policy_options *how,
                        bool is_remote);
ET_MUST_USE enum et_status et__policy_how_take(const struct et_value *map, struct et_arena *arena,
                                               struct et_policy_options *how,
                                               struct et_policy_remote *remote,
                                               struct et_err *err);

#endif
