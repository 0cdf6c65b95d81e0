/* The inside of a trainer. */
#ifndef WORLD__TRAINER_H
#define WORLD__TRAINER_H

#include "etude/trainer.h"
#include "world/world__world.h"

/* ---- reaching (reach.c): inverse kinematics on a copy of the world's data ---- */

struct et__reach {
    const struct et_world *world;
    mjData *scratch;
    double *jacobian;                // 6 × nv
    double residual_m, residual_rad; // of the last solution
};

/* Puts the copy: the robot's joints but its fingers at `action`, everything else as it is. */
void et__reach_place(struct et__reach *reach, const double *action);
void et__reach_forward(struct et__reach *reach);

struct et_pose et__reach_tcp(const struct et__reach *reach, enum et__side side);

/* Moves the arm's joints q towards the goal by damped least squares (Nakamura and Hanafusa 1986),
 * its redundancy pulled to `pull` with `gain` a step; leaves the copy there. */
void et__reach_solve(struct et__reach *reach, enum et__side side, double *q,
                     const struct et_pose *goal, int n_steps, const double *pull, double gain);

/* The best joints for a goal: from q, then from random elbows; what is far from q or near a limit
 * costs. The residual is of that. q is left as it was. */
void et__reach_goal(struct et__reach *reach, enum et__side side, const double *q,
                    const double *home, const struct et_pose *goal, struct et__random *random,
                    double *best, double *residual_m);

/* ---- an arm on its way ---- */

enum et__mode { ET__STAY, ET__TO_POSE, ET__WITH_JOINT, ET__WITH_BODY, ET__TO_JOINTS };

struct et__arm {
    enum et__mode mode;
    double q[ET__ARM_JOINTS_MAX]; // asked for
    double q_from[ET__ARM_JOINTS_MAX], q_to[ET__ARM_JOINTS_MAX];
    struct et_pose from, to, relative; // relative: of the hand to what it moves with
    struct et_pose object_from, object_to;
    double t_s, duration_s, stop_s, stop_at_s; // stop: a hesitation
    double bow[3], miss[3];
    double q_bow[ET__ARM_JOINTS_MAX]; // of a way by joints
    double turn, joint_from, joint_to;
    double push_n, force[3]; // of pressing: 0: none; the wrist's force when it began
    double residual_m;
    int joint, body;
    bool goes_by_joints, has_goal, is_free; // free: may go another way to where it goes
    struct et_pose goal;
    double grip_from, grip_to, grip, grip_t_s, grip_duration_s;
    double drift[3];
    bool is_astray;   // beside its way, where time stands still meanwhile
    double astray[3]; // m, from its way
};

/* ---- names of a phase ---- */

struct et__action_ids {
    int target, holding; // −1: none
    int posture;         // of the robot's postures; −1: this robot has none such
};

struct et__phase_ids {
    struct et__action_ids *actions;
    struct et__term_ids *until;
};

/* ---- what goes wrong on demand (mishap.c, mishap_steps.c) ---- */

enum et__stage { ET__WAITING, ET__UNDER_WAY, ET__ENDING, ET__OVER };

struct et__mishap {
    bool is_planned;
    double magnitude;
    enum et__stage stage;
    size_t i_phase;       // drawn: of the grasp, of the opening; from which on
    double wait_s;        // drawn: of right moments that are let pass
    unsigned hands;       // whose; bit 1 << side
    int body;             // that is held or hit; −1: none
    double begin_s;       // of the stage
    double height_m;      // of the body, when it began
    double out_m, room_m; // of a collision: left the way so far; of what is there to be hit
    int site;             // of a grasp: where it was meant to be, −1: in the room
    struct et_vec3 at;    // from that site; of a slip: the body in the hand
    struct et_vec3 way;   // unit vector: beside, into
    struct et_trainer_mishap_state told;
};

/* The phase's actions and what they hold, as the file has them. */
bool et__mishap_has_way(const struct et_trainer *trainer, size_t i_phase, enum et__side side);
const struct et__action *et__mishap_opens(const struct et_trainer *trainer, size_t i_phase,
                                          enum et__side side);
int et__mishap_grasped(const struct et_trainer *trainer, size_t i_phase, enum et__side side);
int et__mishap_carried(const struct et_trainer *trainer, size_t i_phase, enum et__side side);
bool et__mishap_can_fall(const struct et_trainer *trainer, int body);

/* Of a new episode: draws where. */
void et__mishap_begin(struct et_trainer *trainer, uint64_t seed);
/* Where a hand goes before a grasp that shall miss. */
void et__mishap_aim(struct et_trainer *trainer, enum et__side side, int site, struct et_pose *goal);
/* After each step of the world, and when a phase ends. */
void et__mishap_step(struct et_trainer *trainer);
void et__mishap_phase_over(struct et_trainer *trainer, bool has_missed);

#define ET__POSTURES_MAX 8

struct et_trainer {
    struct et_arena *arena;
    struct et_world *world;
    struct et_trainer_style style;
    struct et__reach reach;
    struct et__random random;
    struct et__phase_ids *phases;
    struct et__arm arms[2];
    double *action; // n_joints, given last
    double posture[ET__POSTURES_MAX], posture_from[ET__POSTURES_MAX], posture_to[ET__POSTURES_MAX];
    double posture_t_s, posture_duration_s; // t < 0: none under way
    double home[2][ET__ARM_JOINTS_MAX];
    double step_max[2][ET__ARM_JOINTS_MAX]; // of an arm's joints, rad
    double *object_z;                       // where the skill's objects stood
    double phase_s, dwell_s, hold_s, pause_s, rest_s;
    bool is_done;
    struct et_trainer_state state;
    struct et__mishap mishaps[ET_N_MISHAPS];
};

/* Starts what a phase's actions ask for (begin.c). */
void et__phase_begin(struct et_trainer *trainer);
void et__grip_begin(struct et_trainer *trainer, enum et__side side,
                    const struct et__action *action);

/* Puts the copy of the reach to what is asked for now; with the posture that is under way at its
 * end, if so. */
void et__trainer_place(struct et_trainer *trainer, bool at_wanted_posture);

double et__minimum_jerk(double share); // 0 … 1 to 0 … 1

/* Where a way leads at a share of it, and its joints: as a way by joints has them, else as they are
 * drawn to (motion.c). */
struct et_pose et__arm_pose(const struct et__arm *arm, double share);
void et__arm_planned(const struct et_trainer *trainer, enum et__side side, double share,
                     double *planned);

/* Where the way would lead the arm into furniture, over it (look.c): higher, or by joints. */
void et__way_clear(struct et_trainer *trainer, enum et__side side);

/* Where a way is at its time (motion.c); moves the arm's q on. True while it is under way. */
bool et__arm_move(struct et_trainer *trainer, enum et__side side);

/* ---- how fast joints go (pace.c) ---- */

struct et__pace { // where arms and trunk were before a step
    double t_s[2], q[2][ET__ARM_JOINTS_MAX];
    double posture_t_s, posture[ET__POSTURES_MAX];
};

void et__pace_open(struct et_trainer *trainer);
void et__pace_note(const struct et_trainer *trainer, struct et__pace *before);

/* Takes as much of the step back as is too fast, of the way's time, too. True when an arm has not
 * arrived because of that. */
bool et__pace_keep(struct et_trainer *trainer, const struct et__pace *before);

#endif
