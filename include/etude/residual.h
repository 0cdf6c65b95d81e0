/* Residual: torque that the robot's own motion does not explain, and so contact and collision.
 *
 * Inverse dynamics of the robot's URDF (etude/dynamics.h) gives the torque that a motion needs.
 * What is measured beyond it is friction, payload, error of the model, and contact. The first three
 * are fitted from the recording itself: viscous and Coulomb friction, an offset and the drive's
 * inertia of each joint, and the mass of what each joint carries are all linear in torque, so least
 * squares over samples of free motion finds them (iterated: samples whose residual is large are
 * left out, they are contact). Masses are held near the URDF's where the motion does not tell them.
 * An offset that drifts slowly is removed by a filter that stands still while there is contact.
 *
 * Offline: speeds and accelerations come from a parabola through ±20 ms around each sample, so a
 * finding begins within some 10 ms of the moment when the force is large enough. A lasting contact
 * is told as long as it differs from what was before; a robot that touches something in most of a
 * recording is not found out. Torque below 100 Hz is refused. doc/residual.md has what was
 * measured.
 *
 * Units:   rad, rad/s, N m; nanoseconds on the centre's clock.
 * Threads: a model may be used by one thread at a time; MuJoCo's errors come back as statuses.
 * Memory:  a model holds MuJoCo's; results in the caller's arena, 8 bytes a sample and joint, and
 *          while it runs 48 bytes a sample and joint more, and up to 32 MB for the fit. */
#ifndef ETUDE_RESIDUAL_H
#define ETUDE_RESIDUAL_H

#include "etude/episode.h"

/* More joints are refused (ET_ELIMIT). */
#define ET_RESIDUAL_JOINTS_MAX 64

struct et_residual_model;

/* Loads a URDF (meshes are not needed and not looked for) for the joints that tracks name.
 * `joints`: their names in the URDF, n of them, in the order of the values that will be given.
 * Joints of the URDF that are not named are held at 0. The root is fixed to the world.
 * ET_ENOTFOUND: no file, or a joint that the URDF does not have (named). ET_ECORRUPT: what is wrong
 * with the file. ET_ELIMIT: too many joints, or as et_dynamics_open. ET_EARG: none, or one twice.
 * ET_EUNSUPPORTED: built without MuJoCo. */
ET_MUST_USE ET_API enum et_status et_residual_open(struct et_residual_model **model,
                                                   const char *urdf_path, const char *const *joints,
                                                   size_t n_joints, struct et_err *err);
ET_API void et_residual_close(struct et_residual_model *model); // NULL is allowed

struct et_residual_input {
    const double *position; // n_samples × n_joints, row-major, rad
    const double *velocity; // as position, rad/s, as measured; NULL: taken from positions
    const double *effort;   // as position, N m
    const int64_t *t_ns;    // n_samples, ascending
    size_t n_samples;
    bool has_gravity_compensation; // effort is without gravity's share
};

/* Zeroed: the defaults. */
struct et_residual_options {
    double window_s;    // half of the parabola's window; 0: 0.02 s
    double threshold;   // times the largest quiet value; 0: 1.1
    double effort_min;  // no contact below it, N m; 0: 0.3
    double rate_min_hz; // refused below it; 0: 100 (with 2 % for the clock)
    double debounce_s;  // contacts nearer than this are one; 0: 0.1 s
    double offset_s;    // time constant of the slow offset; 0: 1 s
};

struct et_residual_joint {
    double viscous, coulomb, offset; // N m s/rad, N m, N m
    double inertia;                  // of the drive, kg m²
    double mass_scale;               // of the link behind it, 1: as the URDF has it
    double sigma;                    // of the residual in free motion (1.4826 MAD)
    double threshold;                // N m
};

struct et_contact {
    int64_t t_first_ns, t_last_ns;
    size_t i_joint; // the one with the largest ratio to its threshold
    double peak;    // N m, beyond the model, with its sign
    double ratio;   // |peak| / threshold
};

struct et_residual {
    bool is_known; // false: refused, see why; all below but the rate is 0 then
    const char *why;
    double rate_hz;
    double mass_scale;                      // of all links together, as the torques weigh them
    const struct et_residual_joint *joints; // n_joints
    const double *values;              // n_samples × n_joints, N m: measured − model − offset;
                                       // NaN where it is not known (ends, gaps)
    const struct et_contact *contacts; // ascending
    size_t n_contacts;
};

/* ET_OK: *residual is filled, also when refused (too slow, too short, nothing moves). ET_EARG:
 * times that fall. ET_ELIMIT, ET_ENOMEM: the arena. options may be NULL. */
ET_MUST_USE ET_API enum et_status
et_residual_estimate(struct et_residual_model *model, const struct et_residual_input *input,
                     const struct et_residual_options *options, struct et_arena *arena,
                     struct et_residual *residual, struct et_err *err);

#endif
