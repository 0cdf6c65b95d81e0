/* Rollout: a policy does a skill in the virtual centre, and whether it comes off is seen.
 *
 * The policy sees what a robot's sensors show (and what et_world_task tells, if it is privileged),
 * and its joints are what the world is asked for, in a straight line from one to the next. The
 * skill is done once its success has held for ET_ROLLOUT_HELD_S without a break; at the skill's
 * limit it is not.
 *
 * Units:   as etude/world.h.
 * Threads: a rollout belongs to its world's thread; where the policy sees pictures, to the one that
 *          opened it.
 * Memory:  a handle; nothing is allocated while it goes on. */
#ifndef ETUDE_ROLLOUT_H
#define ETUDE_ROLLOUT_H

#include "etude/policy.h"
#include "etude/world.h"

#define ET_ROLLOUT_HELD_S 0.5

struct et_rollout;

/* World and policy stay the caller's and must outlive it. ET_EARG: they do not fit: other joints,
 * more actions a second than the world takes, an input that it does not have, a policy of several
 * tasks of which this skill is none; the text names it. */
ET_MUST_USE ET_API enum et_status et_rollout_open(struct et_rollout **rollout,
                                                  struct et_world *world, struct et_policy *policy,
                                                  struct et_err *err);
ET_API void et_rollout_close(struct et_rollout *rollout); // NULL is allowed

/* A new attempt. `chance` is what the policy may draw from, and one behind a URL sees it: who
 * examines gives another number than the world's seed. Errors as et_world_reset. */
ET_MUST_USE ET_API enum et_status et_rollout_begin(struct et_rollout *rollout, uint64_t seed,
                                                   enum et_tier tier, uint64_t chance,
                                                   struct et_err *err);

/* One step of the world (ET_WORLD_STEP_NS). ET_END: it is over, et_rollout_state says how.
 * ET_ECORRUPT: the physics, or the policy, came to no number, or a policy behind a URL failed: the
 * attempt has failed, and the state says whose fault it is. Others: as et_policy_act. */
ET_MUST_USE ET_API enum et_status et_rollout_step(struct et_rollout *rollout, struct et_err *err);

enum et_rollout_fault {
    ET_ROLLOUT_NONE,   // nobody's: it is over, or goes on, or there are no pictures
    ET_ROLLOUT_POLICY, // it came to no number, or failed behind its URL
    ET_ROLLOUT_SERVER, // there is no connection to it
    ET_ROLLOUT_WORLD,  // the physics came to no number
};
struct et_rollout_state {
    bool is_over, is_success;
    enum et_rollout_fault fault; // whose fault it is that the attempt has failed early
    double seconds;      // simulated
    size_t i_phase;      // that the policy believes to be in; SIZE_MAX: it knows none
    const char *missing; // the first term of the success that does not hold; NULL: all do
};
ET_API struct et_rollout_state et_rollout_state(const struct et_rollout *rollout);

#endif
