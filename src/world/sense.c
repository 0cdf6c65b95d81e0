/* What the robot's sensors see. */
#include "world/world__world.h"

/* Noise of the tier `disturbed`, standard deviations: of encoders and their speeds, forces, and
 * gyroscopes as data sheets of such sensors have them, rounded. */
#define NOISE_POSITION_RAD 0.0005
#define NOISE_VELOCITY_RAD_S 0.01
#define NOISE_FORCE_N 0.3
#define NOISE_TORQUE_NM 0.02
#define NOISE_RATE_RAD_S 0.005
#define NOISE_ACCELERATION_M_S2 0.05

static double noisy(struct et_world *w, double x, double deviation)
{
    return w->tier < ET_TIER_DISTURBED ? x : x + deviation * et__random_normal(&w->sensor_random);
}

static void sense_joints(struct et_world *w, size_t at)
{
    const mjData *d = w->data;
    for (size_t i = 0; i < w->robot->n_joints; i++) {
        const struct et__joint_ids *ids = &w->joint_ids[i];
        w->rows.position[at + i] = noisy(w, d->qpos[ids->qpos] / ids->scale, NOISE_POSITION_RAD);
        w->rows.velocity[at + i] = noisy(w, d->qvel[ids->dof] / ids->scale, NOISE_VELOCITY_RAD_S);
        // What the drive gives: the controller's part, and what holds the weight.
        w->rows.effort[at + i] = d->qfrc_actuator[ids->dof] + d->qfrc_applied[ids->dof];
        w->rows.command[at + i] = w->action[i];
    }
}

static double sensor(const struct et_world *w, int address, size_t i)
{
    return address < 0 ? 0 : w->data->sensordata[(size_t)address + i];
}

static void sense_hand(struct et_world *w, size_t i_tick, size_t side)
{
    const struct et__hand_ids *hand = &w->hands[side];
    double *wrench = w->rows.wrench + i_tick * ET_WORLD_WRENCH_VALUES + 6 * side;
    double *touch = w->rows.touch + i_tick * ET_WORLD_TOUCH_VALUES + 2 * side;
    double *pressure = w->rows.pressure + i_tick * ET_WORLD_PRESSURE_VALUES + 8 * side;
    const double area_m2 = w->robot->hands[side].field_m2;
    for (size_t i = 0; i < 3; i++) {
        wrench[i] = noisy(w, sensor(w, hand->force, i), NOISE_FORCE_N);
        wrench[3 + i] = noisy(w, sensor(w, hand->torque, i), NOISE_TORQUE_NM);
    }
    for (size_t i = 0; i < 2; i++)
        touch[i] = sensor(w, hand->touch[i], 0);
    for (size_t i = 0; i < 8; i++)
        pressure[i] = area_m2 > 0 ? sensor(w, hand->pressure[i], 0) / area_m2 : 0;
}

static void sense_imu(struct et_world *w, size_t i_tick)
{
    double *imu = w->rows.imu + i_tick * ET_WORLD_IMU_VALUES;
    // MuJoCo's quaternions are w x y z.
    for (size_t i = 0; i < 3; i++) {
        imu[i] = sensor(w, w->orientation, i + 1);
        imu[4 + i] = noisy(w, sensor(w, w->gyro, i), NOISE_RATE_RAD_S);
        imu[7 + i] = noisy(w, sensor(w, w->accelerometer, i), NOISE_ACCELERATION_M_S2);
    }
    imu[3] = w->orientation < 0 ? 1 : sensor(w, w->orientation, 0);
}

void et__sense(struct et_world *w, size_t i_tick)
{
    sense_joints(w, i_tick * w->robot->n_joints);
    for (size_t side = 0; side < 2; side++)
        sense_hand(w, i_tick, side);
    sense_imu(w, i_tick);
    const bool is_late = w->tier >= ET_TIER_DISTURBED;
    const struct et__rows *seen = is_late ? &w->late : &w->rows;
    w->state = (struct et_world_state){.t_ns = w->n_ticks * ET_WORLD_TICK_NS,
                                       .n_joints = w->robot->n_joints,
                                       .position = seen->position,
                                       .velocity = seen->velocity,
                                       .effort = seen->effort,
                                       .command = seen->command,
                                       .wrench = seen->wrench,
                                       .touch = seen->touch,
                                       .pressure = seen->pressure,
                                       .imu = seen->imu};
    if (is_late) // by a step; the first is seen twice
        w->state.t_ns = w->state.t_ns > ET_WORLD_STEP_NS ? w->state.t_ns - ET_WORLD_STEP_NS : 0;
}
