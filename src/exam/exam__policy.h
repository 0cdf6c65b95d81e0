/* Which policy it is: so that nobody can put another in its place. */
#ifndef EXAM__POLICY_H
#define EXAM__POLICY_H

#include "etude/hash.h"
#include "etude/policy.h"

/* The digest of a policy's files: of their names and contents, sorted; `path` as et_policy_info
 * says. ET_EIO, ET_ENOTFOUND, ET_ELIMIT. */
ET_MUST_USE enum et_status et__policy_digest(const char *path, struct et_digest *digest,
                                             struct et_err *err);

#endif
