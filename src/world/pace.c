/* No joint is asked to go faster than its motor can: where a way wants that, time goes slower. */
#include "world/world__trainer.h"

#include <math.h>

#define STEP_S 0.01
#define SHARE 0.8         // of the speed at which friction takes all that a motor has left
#define START_RAD_S2 10.0 // that it has to get the arm going with
#define SPEED_MAX 2.5     // rad/s, however strong the motor

static double most_of(const struct et_world *w, size_t i)
{
    const mjModel *m = w->model;
    const struct et__joint_ids *ids = &w->joint_ids[i];
    const double damping = m->dof_damping[ids->dof];
    const double force = m->actuator_forcerange[2 * ids->actuator + 1];
    const double left = fmax(force - START_RAD_S2 * m->dof_M0[ids->dof], force / 2);
    const bool is_known = m->actuator_forcelimited[ids->actuator] && damping > 0;
    return STEP_S * (is_known ? fmin(SHARE * left / damping, SPEED_MAX) : SPEED_MAX);
}

void et__pace_open(struct et_trainer *t)
{
    for (size_t side = 0; side < 2; side++) {
        const struct et__robot_hand *hand = &t->world->robot->hands[side];
        for (size_t k = 0; k < hand->n_joints; k++)
            t->step_max[side][k] = most_of(t->world, hand->first_joint + k);
    }
}

void et__pace_note(const struct et_trainer *t, struct et__pace *before)
{
    for (size_t side = 0; side < 2; side++) {
        before->t_s[side] = t->arms[side].t_s;
        mju_copy(before->q[side], t->arms[side].q, ET__ARM_JOINTS_MAX);
    }
    before->posture_t_s = t->posture_t_s;
    mju_copy(before->posture, t->posture, ET__POSTURES_MAX);
}

static void slow_posture(struct et_trainer *t, const struct et__pace *before, double over)
{
    if (t->posture_t_s < 0) // none, or it has just come to its end
        return;
    t->posture_t_s = before->posture_t_s + (t->posture_t_s - before->posture_t_s) / over;
    for (size_t i = 0; i < t->world->robot->n_postures; i++)
        t->posture[i] = before->posture[i] + (t->posture[i] - before->posture[i]) / over;
}

/* All wait for the slowest: the arms may hold a thing together, and make up for the trunk's
 * turning. */
bool et__pace_keep(struct et_trainer *t, const struct et__pace *before)
{
    double over = 1;
    bool is_late = false;
    for (size_t side = 0; side < 2; side++)
        for (size_t k = 0; k < t->world->hands[side].n_joints; k++)
            over = fmax(over, fabs(t->arms[side].q[k] - before->q[side][k]) / t->step_max[side][k]);
    if (over > 1)
        slow_posture(t, before, over);
    for (size_t side = 0; over > 1 && side < 2; side++) {
        struct et__arm *arm = &t->arms[side];
        arm->t_s = before->t_s[side] + (arm->t_s - before->t_s[side]) / over;
        for (size_t k = 0; k < t->world->hands[side].n_joints; k++)
            arm->q[k] = before->q[side][k] + (arm->q[k] - before->q[side][k]) / over;
        is_late = is_late || (arm->mode != ET__STAY && arm->t_s < arm->duration_s);
    }
    return is_late;
}
