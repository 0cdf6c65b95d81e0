/* Recordings of positions, speeds and torques along real movements of a G1's arms, with a truth:
 * masses that are not the URDF's, friction, drives, offsets, noise, and pushes at the hands. */
#ifndef TESTS_RESIDUAL_MADE_H
#define TESTS_RESIDUAL_MADE_H

#include "etude/residual.h"

#define MADE_JOINTS 14
#define MADE_URDF "urdf/g1_29dof_rev_1_0.urdf"

extern const char *const made_joints[MADE_JOINTS]; // left arm, right arm, as in the URDF

struct made_options {
    double rate_hz, duration_s;
    double mass_error; // each link's mass is off by this, one deviation
    double push_n;     // largest force of a push; half a sine of 0.3 s
    double quiet_s;    // pushes begin after it, one every 3 s; 0: half of the duration
    double hold_s;     // instead: one push that lasts as long, at quiet_s
    double friction;   // times the usual friction; 0: none
    bool has_gravity_compensation;
    bool is_forward;   // simulated by MuJoCo's forward dynamics under a servo: a push moves the arm
    int first_episode; // of the data set, whose movements are taken from there on
    uint64_t seed;
};

struct made_push {
    double first_s, last_s;
};

#define MADE_PUSHES_MAX 64
struct made {
    size_t n;
    double *position, *velocity, *effort; // n × MADE_JOINTS
    int64_t *t_ns;
    double viscous[MADE_JOINTS], coulomb[MADE_JOINTS], inertia[MADE_JOINTS];
    double offset[MADE_JOINTS]; // at the start; it drifts by half of it in a minute
    struct made_push pushes[MADE_PUSHES_MAX];
    size_t n_pushes;
};

/* False without the data (or with a failed CHECK). */
bool make_recording(const struct made_options *options, struct made *made);
void free_recording(struct made *made);

#endif
