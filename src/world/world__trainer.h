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

struct et_pose et__site_pose(const mjData *data, int site);
struct et_pose et__body_pose(const mjData *data, int body);
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
    double turn, joint_from, joint_to;
    double push_n, force[3]; // of pressing: 0: none; the wrist's force when it began
    double residual_m;
    int joint, body;
    bool goes_by_joints, has_goal;
    struct et_pose goal;
    double grip_from, grip_to, grip, grip_t_s, grip_duration_s;
    double drift[3];
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

#define ET__POSTURES_MAX 8

struct et_trainer {
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
    double *object_z; // where the skill's objects stood
    double phase_s, dwell_s, hold_s, pause_s, rest_s;
    bool is_done;
    struct et_trainer_state state;
};

/* Starts what a phase's actions ask for (begin.c). */
void et__phase_begin(struct et_trainer *trainer);

/* Puts the copy of the reach to what is asked for now; with the posture that is under way at its
 * end, if so. */
void et__trainer_place(struct et_trainer *trainer, bool at_wanted_posture);

double et__minimum_jerk(double share); // 0 … 1 to 0 … 1

/* Where a way is at its time (motion.c); moves the arm's q on. True while it is under way. */
bool et__arm_move(struct et_trainer *trainer, enum et__side side);

#endif
