/* The residual's three steps: motion (parabolas), fit (least squares), contact (thresholds). */
#ifndef CURATE__RESIDUAL_H
#define CURATE__RESIDUAL_H

#include "etude/dynamics.h"
#include "etude/residual.h"

/* What the parabolas give, n × n_joints each. */
struct et__motion {
    size_t n, n_joints;
    double *q, *v, *a, *effort;
    bool *is_known; // n: false at ends and gaps, and where a value is not finite
};

ET_MUST_USE enum et_status et__motion_take(const struct et_residual_input *input, size_t n_joints,
                                           double window_s, struct et_arena *arena,
                                           struct et__motion *motion, struct et_err *err);

/* Coulomb friction does not turn over with the sign of the speed. Bristles bend first (Dahl 1968):
 * a joint that trembles has any friction between −1 and 1 times the whole, and which one follows
 * from the way it has gone. Or it creeps, as grease does. Gears differ in both, so there are three
 * lengths of bristles and one speed of creeping, and the fit shares the friction out among them. */
#define ET__N_BRISTLES 3
#define ET__N_RUBS (ET__N_BRISTLES + 1)
struct et__friction {
    double shape[ET__N_RUBS]; // −1 … 1; the last one creeps
};
void et__friction_step(struct et__friction *friction, double way, double v); // rad and rad/s

/* What a joint does by itself, as shares of the torque: linear unknowns. */
enum { ET__OWN_VISCOUS, ET__OWN_OFFSET, ET__OWN_INERTIA, ET__OWN_RUB };
#define ET__N_OWN (ET__OWN_RUB + ET__N_RUBS)

struct et__joint_fit {
    double own[ET__N_OWN];
    double mass_scale;
};

/* Fits what each joint does by itself and the mass of what it carries, leaving out samples that do
 * not fit. */
ET_MUST_USE enum et_status et__residual_fit(struct et_dynamics *dynamics,
                                            const struct et__motion *motion, struct et_arena *arena,
                                            struct et__joint_fit *joints, double *mass_scale,
                                            struct et_err *err);

/* Measured less modelled, n × n_joints, NaN where it is not known. n ≥ 1. */
struct et__torques {
    const int64_t *t_ns;
    double *values;
    size_t n, n_joints;
};

struct et__contact_rules {
    double threshold, effort_min, debounce_s, offset_s;
};

/* Takes the slow offset out of the values, sets sigma and threshold of the joints, and finds
 * contacts. */
ET_MUST_USE enum et_status
et__residual_contacts(const struct et__contact_rules *rules, const struct et__torques *torques,
                      struct et_residual_joint *joints, struct et_arena *arena,
                      const struct et_contact **contacts, size_t *n_contacts, struct et_err *err);

#endif
