/* Robots that are driven through DDS, in a process of their own, for tests and demonstrations.
 *
 *     drive_sim DOMAIN KIND STATE_TOPIC COMMAND_TOPIC
 *
 * KIND: unitree (35 motors of unitree_hg, weight in motor 29, checksums as the maker makes them, on
 * the structs that C has), lowcmd (the same without a weight: kp counts), trajectory (seven joints
 * of trajectory_msgs/JointTrajectory), array (the same of std_msgs/Float64MultiArray), joints (of
 * sensor_msgs/JointState). States come 500 times a second; joints go where they are told, at 3
 * rad/s at most. Lines on standard input:
 *
 *     get            what it was told: see `answer`
 *     silent 0|1     says no state
 *     nan 0|1        a joint of its states is no number
 *     crc 0|1        its checksum is wrong (unitree)
 *     short 0|1      its states name one joint less (others)
 *     stuck 0|1      its joints do not move
 *     put I Q        puts a joint
 *     stop_commands  takes no commands any more: nobody hears them
 *
 * Each is answered by a line. It ends when its standard input does. */
#include "dds_types.h"

#include <dds/dds.h>
#include <dds/ddsrt/log.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOTORS 35
#define JOINTS 7
#define HZ 500
#define SPEED 3.0
#define WEIGHT 29
#define KP 80 // of a shoulder, in force
#define MODE_MACHINE 5

enum kind { UNITREE, LOWCMD, TRAJECTORY, ARRAY, JOINT_STATE, N_KINDS };
static const char *const KINDS[N_KINDS] = {"unitree", "lowcmd", "trajectory", "array", "joints"};

static struct {
    pthread_mutex_t lock;
    enum kind kind;
    dds_entity_t writer, reader;
    bool is_silent, is_nan, is_wrong_crc, is_short, is_stuck, is_over;
    double q[MOTORS], told[MOTORS];
    double weight, kp;
    uint32_t tick;
    // What came.
    unsigned n_commands, n_wrong_crc, n_wrong;
    double first_jump, most_step, most_speed, last_weight, most_weight_step;
    int mode_machine, n_legs; // legs and waist that are told something
    double legs_moved;        // away from where they stand
    double t_last_s, t_first_s;
} sim = {.lock = PTHREAD_MUTEX_INITIALIZER};

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_unitree(void)
{
    return sim.kind <= LOWCMD;
}

static int first(void)
{
    return is_unitree() ? 15 : 0;
}

static int last(void)
{
    return is_unitree() ? 29 : JOINTS;
}

/* ---- the maker's checksum, bit by bit ---- */

static uint32_t checksum(const void *bytes, size_t n_bytes)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i + 4 <= n_bytes; i += 4) {
        uint32_t word;
        memcpy(&word, (const char *)bytes + i, 4);
        for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
            const bool top = crc >> 31;
            crc <<= 1;
            if (top)
                crc ^= 0x04c11db7;
            if (word & bit)
                crc ^= 0x04c11db7;
        }
    }
    return crc;
}

/* ---- states ---- */

static void write_unitree(void)
{
    unitree_hg_msg_dds__LowState_ state;
    memset(&state, 0, sizeof state);
    state.mode_machine = MODE_MACHINE;
    state.tick = sim.tick;
    for (int i = 0; i < MOTORS; i++) {
        state.motor_state[i].mode = 1;
        state.motor_state[i].q = (float)sim.q[i];
        state.motor_state[i].temperature[0] = 40;
    }
    state.imu_state.temperature = 30;
    if (sim.is_nan)
        state.motor_state[18].q = (float)NAN;
    state.crc = checksum(&state, sizeof state - 4) ^ (sim.is_wrong_crc ? 1u : 0u);
    (void)dds_write(sim.writer, &state);
}

// Names come in another order than the profile has them.
static void write_joints(void)
{
    static char names[JOINTS][16], *pointers[JOINTS], frame[] = "";
    double positions[JOINTS];
    const uint32_t n = JOINTS - sim.is_short;
    for (int i = 0; i < JOINTS; i++) {
        (void)snprintf(names[i], sizeof names[i], "fr3_joint%d", JOINTS - i);
        pointers[i] = names[i];
        positions[i] = sim.is_nan && i == 3 ? (double)NAN : sim.q[JOINTS - 1 - i];
    }
    sensor_msgs_msg_dds__JointState_ state = {.header = {.frame_id = frame}};
    state.name._length = state.name._maximum = n;
    state.name._buffer = pointers;
    state.position._length = state.position._maximum = n;
    state.position._buffer = positions;
    (void)dds_write(sim.writer, &state);
}

/* ---- commands ---- */

static void take_told(const double *told, int n, double weight)
{
    const double t_s = now_s();
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fmax(most,
                    fabs(told[i] - (sim.n_commands ? sim.told[first() + i] : sim.q[first() + i])));
    if (sim.n_commands == 0) {
        sim.first_jump = most;
        sim.t_first_s = t_s;
    } else {
        // Commands may be missed where the machine is busy, and come late.
        const double dt_s = t_s - sim.t_last_s + 0.06;
        sim.most_step = fmax(sim.most_step, most / dt_s);
        sim.most_weight_step = fmax(sim.most_weight_step, fabs(weight - sim.weight) / dt_s);
    }
    for (int i = 0; i < n; i++)
        sim.told[first() + i] = told[i];
    sim.weight = weight;
    sim.t_last_s = t_s;
    sim.n_commands++;
}

static void take_unitree(const unitree_hg_msg_dds__LowCmd_ *sample)
{
    unitree_hg_msg_dds__LowCmd_ c;
    double told[14];
    memset(&c, 0, sizeof c); // what lies between fields is zero, as with the maker
    c.mode_pr = sample->mode_pr;
    c.mode_machine = sample->mode_machine;
    for (int i = 0; i < MOTORS; i++) {
        c.motor_cmd[i].mode = sample->motor_cmd[i].mode;
        c.motor_cmd[i].q = sample->motor_cmd[i].q;
        c.motor_cmd[i].dq = sample->motor_cmd[i].dq;
        c.motor_cmd[i].tau = sample->motor_cmd[i].tau;
        c.motor_cmd[i].kp = sample->motor_cmd[i].kp;
        c.motor_cmd[i].kd = sample->motor_cmd[i].kd;
    }
    if (checksum(&c, sizeof c - 4) != sample->crc)
        sim.n_wrong_crc++;
    for (int i = 0; i < 14; i++) {
        told[i] = (double)c.motor_cmd[15 + i].q;
        sim.n_wrong += c.motor_cmd[15 + i].mode != 1 || c.motor_cmd[15 + i].kd <= 0;
    }
    sim.n_legs = 0;
    for (int i = 0; i < 15; i++) {
        sim.n_legs += c.motor_cmd[i].kd > 0;
        if (c.motor_cmd[i].kd > 0)
            sim.legs_moved = fmax(sim.legs_moved, fabs((double)c.motor_cmd[i].q - sim.q[i]));
    }
    sim.kp = (double)c.motor_cmd[15].kp;
    sim.mode_machine = c.mode_machine;
    take_told(told, 14, sim.kind == UNITREE ? (double)c.motor_cmd[WEIGHT].q : sim.kp / KP);
}

static void take_array(const double *values, uint32_t n)
{
    if (n == JOINTS)
        take_told(values, JOINTS, 1);
    else
        sim.n_wrong++;
}

static void take_trajectory(const trajectory_msgs_msg_dds__JointTrajectory_ *c)
{
    bool is_right = c->joint_names._length == JOINTS && c->points._length == 1 &&
                    c->header.stamp.sec == 0 && c->points._buffer[0].time_from_start.nanosec > 0;
    for (uint32_t i = 0; is_right && i < JOINTS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "fr3_joint%u", i + 1);
        is_right = strcmp(c->joint_names._buffer[i], name) == 0;
    }
    if (is_right)
        take_array(c->points._buffer[0].positions._buffer, c->points._buffer[0].positions._length);
    else
        sim.n_wrong++;
}

static void take_commands(void)
{
    void *samples[8] = {NULL};
    dds_sample_info_t info[8];
    int32_t n = sim.reader > 0 ? dds_take(sim.reader, samples, info, 8, 8) : 0;
    for (int32_t i = 0; i < n; i++) {
        if (!info[i].valid_data)
            continue;
        if (is_unitree())
            take_unitree(samples[i]);
        else if (sim.kind == TRAJECTORY)
            take_trajectory(samples[i]);
        else if (sim.kind == ARRAY) {
            const std_msgs_msg_dds__Float64MultiArray_ *c = samples[i];
            take_array(c->data._buffer, c->data._length);
        } else {
            const sensor_msgs_msg_dds__JointState_ *c = samples[i];
            take_array(c->position._buffer, c->position._length);
        }
    }
    if (n > 0)
        (void)dds_return_loan(sim.reader, samples, n);
}

/* ---- moving ---- */

static void move(void)
{
    if (sim.n_commands == 0 || sim.is_stuck)
        return;
    for (int i = first(); i < last(); i++) {
        const double most = sim.weight * SPEED / HZ, way = sim.told[i] - sim.q[i];
        const double step = fmax(-most, fmin(most, way));
        sim.most_speed = fmax(sim.most_speed, fabs(step) * HZ);
        sim.q[i] += step;
    }
}

static void *live(void *arg)
{
    struct timespec t;
    (void)arg;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    for (bool is_over = false; !is_over;) {
        (void)pthread_mutex_lock(&sim.lock);
        take_commands();
        move();
        sim.tick++;
        if (!sim.is_silent && is_unitree())
            write_unitree();
        else if (!sim.is_silent)
            write_joints();
        is_over = sim.is_over;
        (void)pthread_mutex_unlock(&sim.lock);
        t.tv_nsec += 1000000000 / HZ;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    return NULL;
}

/* ---- orders ---- */

// Numbers in the order of struct drive_seen in the test.
static void answer(void)
{
    printf("%u %u %u %.9g %.9g %.9g %.9g %.9g %d %.9g %.9g %.9g %d %.9g", sim.n_commands,
           sim.n_wrong_crc, sim.n_wrong, sim.first_jump, sim.most_step, sim.most_weight_step,
           sim.weight, sim.kp, sim.mode_machine, sim.n_commands ? now_s() - sim.t_last_s : -1,
           sim.t_first_s, sim.most_speed, sim.n_legs, sim.legs_moved);
    for (int i = first(); i < last(); i++)
        printf(" %.9g %.9g", sim.q[i], sim.told[i]);
    printf("\n");
}

static void obey(const char *line)
{
    const struct {
        const char *word;
        bool *flag;
    } FLAGS[] = {{"silent", &sim.is_silent},
                 {"nan", &sim.is_nan},
                 {"crc", &sim.is_wrong_crc},
                 {"short", &sim.is_short},
                 {"stuck", &sim.is_stuck}};
    char word[32] = "";
    double a = 0, b = 0;
    (void)sscanf(line, "%31s %lf %lf", word, &a, &b);
    if (strcmp(word, "get") == 0) {
        answer();
        return;
    }
    for (size_t i = 0; i < sizeof FLAGS / sizeof *FLAGS; i++)
        if (strcmp(word, FLAGS[i].word) == 0)
            *FLAGS[i].flag = a != 0;
    if (strcmp(word, "put") == 0 && a >= 0 && a < MOTORS)
        sim.q[(int)a] = b;
    if (strcmp(word, "stop_commands") == 0 && sim.reader > 0) {
        (void)dds_delete(sim.reader);
        sim.reader = 0;
    }
    printf("ok\n");
}

static void hear_log(void *ctx, const dds_log_data_t *data)
{
    (void)ctx, (void)data;
}

static bool open_topics(uint32_t domain, const char *state, const char *command)
{
    static const char CONFIG[] =
        "<CycloneDDS><Domain Id=\"any\"><General><Interfaces><NetworkInterface name=\"lo\" "
        "multicast=\"true\"/></Interfaces></General><Discovery><ParticipantIndex>auto"
        "</ParticipantIndex><MaxAutoParticipantIndex>31</MaxAutoParticipantIndex><Peers>"
        "<Peer address=\"127.0.0.1\"/></Peers></Discovery></Domain></CycloneDDS>";
    static const dds_topic_descriptor_t *const STATES[N_KINDS] = {
        &unitree_hg_msg_dds__LowState__desc, &unitree_hg_msg_dds__LowState__desc,
        &sensor_msgs_msg_dds__JointState__desc, &sensor_msgs_msg_dds__JointState__desc,
        &sensor_msgs_msg_dds__JointState__desc};
    static const dds_topic_descriptor_t *const COMMANDS[N_KINDS] = {
        &unitree_hg_msg_dds__LowCmd__desc, &unitree_hg_msg_dds__LowCmd__desc,
        &trajectory_msgs_msg_dds__JointTrajectory__desc, &std_msgs_msg_dds__Float64MultiArray__desc,
        &sensor_msgs_msg_dds__JointState__desc};
    dds_set_log_sink(hear_log, NULL);
    if (dds_create_domain(domain, CONFIG) < 0)
        return false;
    const dds_entity_t participant = dds_create_participant(domain, NULL, NULL);
    const dds_entity_t s = dds_create_topic(participant, STATES[sim.kind], state, NULL, NULL);
    const dds_entity_t c = dds_create_topic(participant, COMMANDS[sim.kind], command, NULL, NULL);
    dds_qos_t *reliable = dds_create_qos();
    dds_qset_reliability(reliable, DDS_RELIABILITY_RELIABLE, DDS_SECS(1));
    // Controllers of ROS 2 ask for reliable commands, the maker's do not.
    sim.reader = dds_create_reader(participant, c, is_unitree() ? NULL : reliable, NULL);
    sim.writer = dds_create_writer(participant, s, NULL, NULL);
    dds_delete_qos(reliable);
    return sim.reader > 0 && sim.writer > 0;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    char line[256];
    if (argc != 5)
        return 2;
    while (sim.kind < N_KINDS && strcmp(KINDS[sim.kind], argv[2]) != 0)
        sim.kind++;
    if (sim.kind == N_KINDS || !open_topics((uint32_t)strtoul(argv[1], NULL, 10), argv[3], argv[4]))
        return 3;
    for (int i = 0; i < MOTORS; i++)
        sim.q[i] = 0.1 + 0.01 * i;
    sim.q[23] = -sim.q[16]; // both shoulders outwards
    if (!is_unitree())
        memcpy(sim.q, (const double[JOINTS]){0, -0.78, 0, -2.35, 0, 1.57, 0.78}, JOINTS * 8);
    if (pthread_create(&thread, NULL, live, NULL) != 0)
        return 4;
    while (fgets(line, sizeof line, stdin)) {
        (void)pthread_mutex_lock(&sim.lock);
        obey(line);
        (void)pthread_mutex_unlock(&sim.lock);
        (void)fflush(stdout);
    }
    (void)pthread_mutex_lock(&sim.lock);
    sim.is_over = true;
    (void)pthread_mutex_unlock(&sim.lock);
    (void)pthread_join(thread, NULL);
    (void)dds_delete(DDS_CYCLONEDDS_HANDLE);
    return 0;
}
