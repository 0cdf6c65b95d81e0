/* Trainer: a scripted person who does a skill in the virtual centre, and does it like a person.
 *
 * It plays the phases of the skill's file: inverse kinematics to where hands must be, minimum-jerk
 * paths (Flash and Hogan 1985), over furniture where that stands in the way, with drift, tremor,
 * curves, pauses, hesitation, corrections, and retries after a miss. It sees the true state, which
 * a policy never does; what it gives are actions, as a policy does. Styles ("hands") are data:
 * share/world/trainers/<id>.yaml.
 *
 * Units:   as etude/world.h.
 * Threads: a trainer belongs to its world's thread.
 * Memory:  a trainer holds scratch of the model's size, and all of it goes back when it is closed;
 *          it allocates nothing while it acts. */
#ifndef ETUDE_TRAINER_H
#define ETUDE_TRAINER_H

#include "etude/world.h"

/* How somebody moves. Zeroed: like a machine, without any of it, that never goes back. */
struct et_trainer_style {
    const char *id;
    double speed;        // of hands, times the file's; 0: 1
    double speed_spread; // share by which a movement is slower or quicker
    double aim_m;        // standard deviation of where a hand goes
    double drift_m;      // of slow wandering of the hand (0.3 s)
    double tremor_m;     // amplitude at 9 Hz
    double curve;        // height of a free way's bow, share of its length
    double pause_s;      // at most, before a phase
    double hesitation;   // chance that a hand stops midway on a free way
    double correction;   // chance that a free way ends a little beside its goal, and is mended
    double patience;     // how often it goes back in an episode, whichever phases missed
};

/* "careful", "fast", "sloppy" …: an id or a path. ET_ENOTFOUND lists the ids there are. */
ET_MUST_USE ET_API enum et_status et_trainer_style_load(const char *wanted, struct et_arena *arena,
                                                        const struct et_trainer_style **style,
                                                        struct et_err *err);

struct et_trainer;

/* The world stays the caller's, and must outlive the trainer. style NULL: zeroed, but it goes back
 * twice. ET_ECORRUPT: a name of the skill's phases that is not in the scene, as et_world_open. */
ET_MUST_USE ET_API enum et_status et_trainer_open(struct et_trainer **trainer,
                                                  struct et_world *world,
                                                  const struct et_trainer_style *style,
                                                  struct et_err *err);
ET_API void et_trainer_close(struct et_trainer *trainer); // NULL is allowed

/* After et_world_reset: from the first phase. */
ET_MUST_USE ET_API enum et_status et_trainer_begin(struct et_trainer *trainer, uint64_t seed,
                                                   struct et_err *err);

/* The action of the next step (n_joints). ET_END: all is done, given up, or out of time; the action
 * is the last one. */
ET_MUST_USE ET_API enum et_status et_trainer_act(struct et_trainer *trainer, double *action,
                                                 struct et_err *err);

struct et_trainer_state {
    size_t i_phase;    // of the skill's phases
    int n_retries;     // of all phases
    double residual_m; // how far the last goal is out of reach, of the worse hand
    bool has_given_up; // a phase's condition did not come, or an object is lost
};
ET_API struct et_trainer_state et_trainer_state(const struct et_trainer *trainer);

/* ---- what goes wrong on demand ---- */

enum et_mishap {
    ET_MISHAP_MISSED_GRASP,  // m: the hand closes so far beside the thing, or before it
    ET_MISHAP_SLIP,          // m: what is carried slides so far in the closed hand
    ET_MISHAP_DROP,          // m: what is carried falls out of the closed hand, at least so deep
    ET_MISHAP_EARLY_RELEASE, // s: the hand opens so long before it arrives
    ET_MISHAP_COLLISION,     // N: an empty hand leaves its way and hits what stands there so hard
    ET_N_MISHAPS,
};

struct et_trainer_mishap {
    enum et_mishap what;
    double magnitude; // in the unit of the kind
};

/* What shall go wrong, once in each episode from the next et_trainer_begin on; n 0: nothing. Where
 * in the episode is drawn by the seed. ET_EARG: the same twice, or no magnitude above 0.
 * ET_EUNSUPPORTED: the skill gives no occasion; the text names both. After a failure nothing shall
 * go wrong. */
ET_MUST_USE ET_API enum et_status et_trainer_plan(struct et_trainer *trainer,
                                                  const struct et_trainer_mishap *mishaps, size_t n,
                                                  struct et_err *err);

/* What came of it, as measured in the world. */
struct et_trainer_mishap_state {
    bool was_tried;     // false: no moment of the episode was right; nothing below is known
    bool has_happened;  // it was tried, and came about
    const char *result; // "missed", "slid", "fell", "let go", "hit"; or "held", "lost", "clear"
    const char *hand;   // "left", "right" or "both"
    const char *object; // body of the scene: what was held, or hit; NULL: it has no name
    double from_s, to_s;
    double reached; // in the unit of the kind
};
ET_API struct et_trainer_mishap_state et_trainer_mishap_state(const struct et_trainer *trainer,
                                                              enum et_mishap what);

#endif
