/* The robots that are shipped: what robot.yaml speaks of is in the MJCF, and what it says is sane.
 */
#include "etude/file.h"
#include "etude/profile.h"
#include "robot/mujoco_guard.h"
#include "world/world__robot.h"

#include "support.h"
#include "tap.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stdio.h>

#define ARENA_BYTES ((size_t)16 << 20)
#define FILE_BYTES_MAX ((size_t)1 << 20)
#define TABLE_Z 0.8 // m; what is in front of the robot begins here …
#define TABLE_X 0.28

static const char *const IDS[] = {"etude-one", "etude-two", "h1-2"};
#define N_IDS (sizeof IDS / sizeof *IDS)

static struct et_err err;

struct shipped {
    struct et_arena *arena;
    const struct et__robot *robot;
    mjModel *model;
    mjData *data; // everybody home
};

static int id_of(const struct shipped *s, mjtObj type, const char *name)
{
    const int id = name ? mj_name2id(s->model, type, name) : -1;
    if (!CHECK(id >= 0))
        printf("#   %s: no %s in the MJCF\n", s->robot->id, name ? name : "(not given)");
    return id < 0 ? 0 : id;
}

static void go_home(const struct shipped *s)
{
    for (size_t i = 0; i < s->robot->n_joints; i++) {
        const struct et__robot_joint *j = &s->robot->joints[i];
        const bool is_hand = j->part == ET_PART_LEFT_HAND || j->part == ET_PART_RIGHT_HAND;
        const int id = id_of(s, mjOBJ_JOINT, j->joint);
        s->data->qpos[s->model->jnt_qposadr[id]] = is_hand ? j->home / 2 : j->home;
    }
    for (size_t side = 0; side < 2; side++) { // both fingers of a hand
        const struct et__robot_hand *hand = &s->robot->hands[side];
        const double opening = s->robot->joints[hand->i_hand].home;
        for (size_t i = 0; i < 2; i++) {
            const int body = id_of(s, mjOBJ_BODY, hand->fingers[i]);
            s->data->qpos[s->model->jnt_qposadr[s->model->body_jntadr[body]]] = opening / 2;
        }
    }
    mj_forward(s->model, s->data);
}

static bool open_shipped(const char *id, struct shipped *s)
{
    static const char ROOM[] = "<mujoco model=\"room\"><include file=\"common.xml\"/>"
                               "<include file=\"robot.xml\"/></mujoco>";
    struct et_str common, mjcf;
    *s = (struct shipped){0};
    err = (struct et_err){0};
    CHECK_OK(et_arena_open(&s->arena, ARENA_BYTES, &err));
    CHECK_OK(et__robot_load(id, s->arena, &s->robot, &err));
    if (!s->robot)
        return false;
    CHECK_OK(et_file_read(source_path("share/world/common.xml"), FILE_BYTES_MAX, s->arena, &common,
                          &err));
    CHECK_OK(et_file_read(s->robot->mjcf, FILE_BYTES_MAX, s->arena, &mjcf, &err));
    const struct et__mujoco_file files[] = {
        {"room.xml", ET_STR(ROOM)}, {"common.xml", common}, {"robot.xml", mjcf}};
    CHECK_OK(et__mujoco_load(files, 3, &s->model, &err));
    if (!s->model)
        return false;
    s->data = mj_makeData(s->model);
    go_home(s);
    return true;
}

static void close_shipped(struct shipped *s)
{
    mj_deleteData(s->data);
    mj_deleteModel(s->model);
    et_arena_close(s->arena);
}

static void each(void (*check)(const struct shipped *s))
{
    for (size_t i = 0; i < N_IDS; i++) {
        struct shipped s;
        if (CHECK(open_shipped(IDS[i], &s)))
            check(&s);
        close_shipped(&s);
    }
}

static void check_joints(const struct shipped *s)
{
    const mjModel *m = s->model;
    CHECK_EQ(m->nu, (int)s->robot->n_joints);
    for (size_t i = 0; i < s->robot->n_joints; i++) {
        const struct et__robot_joint *j = &s->robot->joints[i];
        const int joint = id_of(s, mjOBJ_JOINT, j->joint);
        const int actuator = id_of(s, mjOBJ_ACTUATOR, j->actuator);
        const double *range = m->jnt_range + 2 * (size_t)joint;
        const double kp = m->actuator_gainprm[mjNGAIN * (size_t)actuator];
        CHECK_EQ(m->actuator_trnid[2 * (size_t)actuator], joint);
        CHECK(kp > 0 && m->actuator_biasprm[mjNBIAS * (size_t)actuator + 1] == -kp);
        CHECK(m->jnt_limited[joint] && range[0] < range[1] && range[1] - range[0] < 7);
        CHECK(m->dof_damping[m->jnt_dofadr[joint]] > 0);
        const bool is_hand = j->part == ET_PART_LEFT_HAND || j->part == ET_PART_RIGHT_HAND;
        const double home = is_hand ? j->home / 2 : j->home;
        if (!CHECK(home >= range[0] && home <= range[1]))
            printf("#   %s: %s is not at home\n", s->robot->id, j->name);
    }
}

static void every_joint_and_its_actuator_are_there(void)
{
    each(check_joints);
}

static void check_sensor(const struct shipped *s, const char *name, int n_values)
{
    const int id = id_of(s, mjOBJ_SENSOR, name);
    CHECK_EQ(s->model->sensor_dim[id], n_values);
}

static void check_hand(const struct shipped *s, const struct et__robot_hand *hand)
{
    const int joint = id_of(s, mjOBJ_JOINT, s->robot->joints[hand->i_hand].joint);
    const int palm = id_of(s, mjOBJ_BODY, hand->body);
    CHECK_EQ(s->model->site_bodyid[id_of(s, mjOBJ_SITE, hand->tcp)], palm);
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(s->model->body_parentid[id_of(s, mjOBJ_BODY, hand->fingers[i])], palm);
        check_sensor(s, hand->touch[i], 1);
    }
    for (size_t i = 0; i < 8; i++)
        check_sensor(s, hand->pressure[i], 1);
    check_sensor(s, hand->force, 3);
    check_sensor(s, hand->torque, 3);
    CHECK_EQ(hand->n_joints, 7);
    CHECK(hand->open_m > 0.05 && hand->close_m < 0);
    CHECK_NEAR(s->model->jnt_range[2 * joint + 1], hand->open_m * hand->actuator_scale, 1e-12);
}

static void check_names(const struct shipped *s)
{
    const struct et__robot *r = s->robot;
    (void)id_of(s, mjOBJ_BODY, r->base);
    (void)id_of(s, mjOBJ_SITE, r->trunk);
    check_sensor(s, r->gyro, 3);
    check_sensor(s, r->accelerometer, 3);
    check_sensor(s, r->orientation, 4);
    check_hand(s, &r->hands[0]);
    check_hand(s, &r->hands[1]);
    CHECK_EQ(r->n_cameras, 3);
    for (size_t i = 0; i < r->n_cameras; i++)
        (void)id_of(s, mjOBJ_CAMERA, r->cameras[i].camera);
}

static void every_body_site_sensor_and_camera_is_there(void)
{
    each(check_names);
}

/* The tool's z is where the fingers point and its y the way they close; the pads meet there. */
static void check_tool(const struct shipped *s)
{
    for (size_t side = 0; side < 2; side++) {
        const struct et__robot_hand *hand = &s->robot->hands[side];
        const int tcp = id_of(s, mjOBJ_SITE, hand->tcp);
        const double *p = s->data->site_xpos + 3 * (size_t)tcp;
        const double *r = s->data->site_xmat + 9 * (size_t)tcp;
        double pads[2][3], between[3], way[3];
        for (size_t i = 0; i < 2; i++) {
            const int sensor = id_of(s, mjOBJ_SENSOR, hand->touch[i]);
            mju_copy3(pads[i], s->data->site_xpos + 3 * (size_t)s->model->sensor_objid[sensor]);
        }
        mju_sub3(way, pads[1], pads[0]);
        for (size_t i = 0; i < 3; i++)
            between[i] = (pads[0][i] + pads[1][i]) / 2 - p[i];
        CHECK(mju_norm3(between) < 0.005);
        const double along_y = way[0] * r[1] + way[1] * r[4] + way[2] * r[7];
        CHECK_NEAR(fabs(along_y), mju_norm3(way), 1e-9);
        // Home, a hand looks ahead, at its own side, and over what stands in front.
        CHECK(r[2] > 0.7);
        CHECK(side == 0 ? p[1] > 0.05 : p[1] < -0.05);
        CHECK(p[2] > TABLE_Z + 0.1 && p[0] < TABLE_X + 0.02);
    }
}

static void hands_are_at_home_and_point_where_they_say(void)
{
    each(check_tool);
}

static void check_mirror(const struct shipped *s)
{
    const struct et__robot_hand *hands = s->robot->hands;
    const double *l = s->data->site_xpos + 3 * (size_t)id_of(s, mjOBJ_SITE, hands[0].tcp);
    const double *r = s->data->site_xpos + 3 * (size_t)id_of(s, mjOBJ_SITE, hands[1].tcp);
    CHECK_NEAR(l[0], r[0], 1e-6);
    CHECK_NEAR(l[1], -r[1], 1e-6);
    CHECK_NEAR(l[2], r[2], 1e-6);
}

static void left_mirrors_right(void)
{
    each(check_mirror);
}

/* Two seconds at home, gravity borne as a world does: nothing moves, nothing falls. */
static void check_rest(const struct shipped *s)
{
    const mjModel *m = s->model;
    mjData *d = s->data;
    for (size_t i = 0; i < s->robot->n_joints; i++) {
        const struct et__robot_joint *j = &s->robot->joints[i];
        const bool is_hand = j->part == ET_PART_LEFT_HAND || j->part == ET_PART_RIGHT_HAND;
        d->ctrl[id_of(s, mjOBJ_ACTUATOR, j->actuator)] = is_hand ? j->home / 2 : j->home;
    }
    for (int k = 0; k < 1000; k++) {
        mju_copy(d->qfrc_applied, d->qfrc_bias, m->nv);
        mj_step(m, d);
    }
    for (size_t i = 0; i < s->robot->n_joints; i++) {
        const struct et__robot_joint *j = &s->robot->joints[i];
        const bool is_hand = j->part == ET_PART_LEFT_HAND || j->part == ET_PART_RIGHT_HAND;
        const int id = id_of(s, mjOBJ_JOINT, j->joint);
        CHECK_NEAR(d->qpos[m->jnt_qposadr[id]], is_hand ? j->home / 2 : j->home, 2e-3);
    }
    const double *q = d->sensordata + m->sensor_adr[id_of(s, mjOBJ_SENSOR, s->robot->orientation)];
    CHECK_NEAR(fabs(q[0]), 1, 1e-3);
    const int a = m->sensor_adr[id_of(s, mjOBJ_SENSOR, s->robot->accelerometer)];
    CHECK_NEAR(d->sensordata[a + 2], 9.81, 0.01);
}

static void a_robot_at_home_stays_there(void)
{
    each(check_rest);
}

/* ---- profiles ---- */

static const struct et_profile_part *find_part(const struct et_profile *profile, enum et_part part)
{
    for (size_t i = 0; i < profile->n_parts; i++)
        if (profile->parts[i].part == part)
            return &profile->parts[i];
    return NULL;
}

static void check_profile(const struct shipped *s)
{
    char path[256];
    const struct et_profile *profile = NULL;
    size_t n = 0;
    (void)snprintf(path, sizeof path, "share/profiles/%s.yaml", s->robot->profile);
    CHECK_OK(et_profile_load(source_path(path), s->arena, &profile, &err));
    for (size_t i = 0; profile && i < profile->n_parts; i++)
        n += profile->parts[i].n_joints;
    CHECK_EQ(n, s->robot->n_joints);
    for (size_t i = 0, at = 0; profile && i < s->robot->n_joints; i++) {
        const struct et__robot_joint *j = &s->robot->joints[i];
        const struct et_profile_part *part = find_part(profile, j->part);
        at = i > 0 && s->robot->joints[i - 1].part == j->part ? at + 1 : 0;
        if (!CHECK(part && at < part->n_joints))
            return;
        const struct et_joint *known = &part->joints[at];
        CHECK_STR(known->name, j->name);
        CHECK_STR(known->maker ? known->maker : known->name, j->maker);
        if (strcmp(part->unit, "rad") != 0)
            continue;
        const double *range = s->model->jnt_range + 2 * (size_t)id_of(s, mjOBJ_JOINT, j->joint);
        CHECK_NEAR(known->lower, range[0], 1e-6);
        CHECK_NEAR(known->upper, range[1], 1e-6);
    }
}

static void profiles_say_the_same(void)
{
    each(check_profile);
}

int main(void)
{
    RUN(every_joint_and_its_actuator_are_there);
    RUN(every_body_site_sensor_and_camera_is_there);
    RUN(hands_are_at_home_and_point_where_they_say);
    RUN(left_mirrors_right);
    RUN(a_robot_at_home_stays_there);
    RUN(profiles_say_the_same);
    return tap_end();
}
