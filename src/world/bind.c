/* From the names in the robot's and the skill's files to the model's numbers. */
#include "etude/yaml.h"
#include "world/world__world.h"

#include <string.h>

/* ---- the skill's names ---- */

static int own_body(const struct et_world *w, const char *name)
{
    if (strcmp(name, "robot") == 0)
        return w->base;
    if (strcmp(name, "left_hand") == 0)
        return w->hands[ET__LEFT].palm;
    return strcmp(name, "right_hand") == 0 ? w->hands[ET__RIGHT].palm : -1;
}

static const char *kind_of(int type)
{
    return type == mjOBJ_BODY ? "body" : type == mjOBJ_SITE ? "site" : "joint";
}

static int count_of(const mjModel *m, int type)
{
    return type == mjOBJ_BODY ? m->nbody : type == mjOBJ_SITE ? m->nsite : m->njnt;
}

// A skill names nothing of a robot by the robot's own names.
static bool is_robots(const struct et_world *w, int type, int id)
{
    const mjModel *m = w->model;
    const int body = type == mjOBJ_BODY   ? id
                     : type == mjOBJ_SITE ? m->site_bodyid[id]
                                          : m->jnt_bodyid[id];
    return m->body_rootid[body] == m->body_rootid[w->base];
}

/* The name of that kind that may have been meant; NULL: the scene has none. */
static const char *nearest(const struct et_world *w, int type, const char *text)
{
    static const char *const OWN[] = {"robot", "left_hand", "right_hand", NULL};
    const struct et_str word = et_str(text);
    const char *found = type == mjOBJ_BODY ? et_str_nearest(word, OWN) : NULL;
    size_t least = found ? et_str_distance(word, et_str(found)) : SIZE_MAX;
    for (int i = type == mjOBJ_BODY; i < count_of(w->model, type); i++) { // body 0 is the world
        const char *name = mj_id2name(w->model, type, i);
        const size_t distance = name ? et_str_distance(word, et_str(name)) : SIZE_MAX;
        if (distance >= least || is_robots(w, type, i))
            continue;
        least = distance;
        found = name;
    }
    return found;
}

static enum et_status fail_unknown(const struct et_world *w, int type, const struct et__name *name,
                                   const char *what, struct et_err *err)
{
    const char *near = nearest(w, type, name->text);
    return et_yaml_fail(err, w->skill->path, name->place, "no %s %s'%.60s' in the scene%s%.60s%s",
                        kind_of(type), what, name->text, near ? "; the nearest is \"" : "",
                        near ? near : "", near ? "\"" : "");
}

enum et_status et__bind(const struct et_world *w, int type, const struct et__name *name, int *id,
                        struct et_err *err)
{
    *id = type == mjOBJ_BODY ? own_body(w, name->text) : -1;
    if (*id < 0)
        *id = mj_name2id(w->model, type, name->text);
    if (*id < 0)
        return fail_unknown(w, type, name, "", err);
    if (type == mjOBJ_JOINT && w->model->jnt_type[*id] < mjJNT_SLIDE)
        return et_yaml_fail(err, w->skill->path, name->place,
                            "the joint '%.60s' is neither a hinge nor a slide", name->text);
    return ET_OK;
}

/* As many names as the term wants begin so. */
static enum et_status check_beginning(const struct et_world *w, const struct et__term *term,
                                      struct et_err *err)
{
    const int type = term->predicate->kind == ET__COUNT ? mjOBJ_BODY : mjOBJ_SITE;
    const struct et__name *prefix = &term->names[0];
    const size_t length = strlen(prefix->text);
    int n = 0;
    for (int i = 0; i < count_of(w->model, type); i++) {
        const char *name = mj_id2name(w->model, type, i);
        n += name && strncmp(name, prefix->text, length) == 0;
    }
    if (n == 0)
        return fail_unknown(w, type, prefix, "whose name begins with ", err);
    if (n >= term->value)
        return ET_OK;
    return et_yaml_fail(err, w->skill->path, prefix->place,
                        "%g %s shall have a name that begins with '%.60s'; the scene has %d",
                        term->value, type == mjOBJ_BODY ? "bodies" : "sites", prefix->text, n);
}

/* Things are inside of boxes only. */
static enum et_status check_box(const struct et_world *w, const struct et__name *name, int id,
                                struct et_err *err)
{
    if (w->model->site_type[id] == mjGEOM_BOX)
        return ET_OK;
    return et_yaml_fail(err, w->skill->path, name->place,
                        "the site '%.60s' is no box: give it type=\"box\" and a size in scene.xml",
                        name->text);
}

static enum et_status bind_term(const struct et_world *w, const struct et__term *term,
                                struct et__term_ids *ids, struct et_err *err)
{
    const enum et__predicate_kind kind = term->predicate->kind;
    enum et_status st = ET_OK;
    size_t i_name = 0;
    ids->ids[0] = ids->ids[1] = -1;
    for (const char *word = term->predicate->words; st == ET_OK && *word; word++) {
        const int type = *word == 'b'   ? mjOBJ_BODY
                         : *word == 's' ? mjOBJ_SITE
                         : *word == 'j' ? mjOBJ_JOINT
                                        : mjOBJ_UNKNOWN;
        if (*word != 't' && type == mjOBJ_UNKNOWN)
            continue;
        const struct et__name *name = &term->names[i_name];
        int *id = &ids->ids[i_name++];
        st = *word == 't' ? check_beginning(w, term, err) : et__bind(w, type, name, id, err);
        if (st == ET_OK && *word == 's' && (kind == ET__IN || kind == ET__COUNT))
            st = check_box(w, name, *id, err);
    }
    return st;
}

enum et_status et__bind_condition(const struct et_world *w, const struct et__condition *condition,
                                  struct et_arena *arena, struct et__term_ids **ids,
                                  struct et_err *err)
{
    *ids = et_arena_array(arena, condition->n_terms, sizeof **ids);
    if (!*ids)
        return et_arena_fail(arena, "a skill's conditions", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < condition->n_terms; i++)
        st = bind_term(w, &condition->terms[i], &(*ids)[i], err);
    return st;
}

static bool is_primitive(int type)
{
    return type >= mjGEOM_SPHERE && type <= mjGEOM_BOX;
}

static enum et_status bind_draw(const struct et_world *w, const struct et__draw *draw, int *id,
                                struct et_err *err)
{
    const int type = draw->kind == ET__DRAW_JOINT ? mjOBJ_JOINT : mjOBJ_BODY;
    const enum et_status st = et__bind(w, type, &draw->name, id, err);
    if (st == ET_OK && draw->kind == ET__DRAW_SIZE && is_robots(w, type, *id))
        return et_yaml_fail(err, w->skill->path, draw->name.place,
                            "%.60s is the robot's, whose size is not drawn", draw->name.text);
    for (int i = 0; st == ET_OK && draw->kind == ET__DRAW_SIZE && i < w->model->ngeom; i++)
        if (et__is_of(w, i, *id) && !is_primitive(w->model->geom_type[i]))
            return et_yaml_fail(err, w->skill->path, draw->name.place,
                                "%.60s has a mesh, whose size cannot be drawn", draw->name.text);
    return st;
}

static enum et_status bind_skill(struct et_world *w, struct et_err *err)
{
    const struct et_skill_script *script = w->skill->script;
    w->objects = et_arena_array(w->arena, w->skill->n_objects, sizeof *w->objects);
    w->draws = et_arena_array(w->arena, script->n_draws, sizeof *w->draws);
    w->clutter = et_arena_array(w->arena, script->n_clutter, sizeof *w->clutter);
    if (!w->objects || !w->draws || !w->clutter)
        return et_arena_fail(w->arena, "a skill's names", err);
    enum et_status st = et__bind_condition(w, &script->success, w->arena, &w->success, err);
    for (size_t i = 0; st == ET_OK && i < w->skill->n_objects; i++)
        st = et__bind(w, mjOBJ_BODY, &script->objects[i], &w->objects[i], err);
    for (size_t i = 0; st == ET_OK && i < script->n_draws; i++)
        st = bind_draw(w, &script->draws[i], &w->draws[i], err);
    for (size_t i = 0; st == ET_OK && i < script->n_clutter; i++)
        st = et__bind(w, mjOBJ_BODY, &script->clutter[i], &w->clutter[i], err);
    et__bind_litter(w);
    w->wipe_tool = mj_name2id(w->model, mjOBJ_SITE, "wipe_tool");
    return st;
}

/* ---- the robot's names ---- */

static enum et_status find(const struct et_world *w, int type, const char *name, int *id,
                           struct et_err *err)
{
    *id = mj_name2id(w->model, type, name);
    return *id >= 0 ? ET_OK
                    : et_fail(err, ET_ECORRUPT, -1, "%.150s: no '%.60s' in %.150s", w->robot->path,
                              name, w->robot->mjcf);
}

/* Where a sensor's values begin; −1 where the robot has none. */
static enum et_status find_sensor(const struct et_world *w, const char *name, int n_values,
                                  int *address, struct et_err *err)
{
    int id;
    *address = -1;
    if (!name)
        return ET_OK;
    const enum et_status st = find(w, mjOBJ_SENSOR, name, &id, err);
    if (st != ET_OK)
        return st;
    if (w->model->sensor_dim[id] != n_values)
        return et_fail(err, ET_ECORRUPT, -1, "%.150s: sensor %.60s gives %d values, not %d",
                       w->robot->path, name, w->model->sensor_dim[id], n_values);
    *address = w->model->sensor_adr[id];
    return ET_OK;
}

/* What moves the joint takes a position, and moves nothing else. */
static enum et_status check_actuator(const struct et_world *w, const struct et__robot_joint *joint,
                                     const struct et__joint_ids *ids, struct et_err *err)
{
    const mjModel *m = w->model;
    const size_t a = (size_t)ids->actuator;
    if (m->actuator_trntype[a] != mjTRN_JOINT || m->actuator_trnid[2 * a] != ids->joint)
        return et_fail(err, ET_ECORRUPT, -1, "%.150s: actuator %.60s does not drive joint %.60s",
                       w->robot->path, joint->actuator, joint->joint);
    const double kp = m->actuator_gainprm[mjNGAIN * a];
    const bool is_position = m->actuator_dyntype[a] == mjDYN_NONE &&
                             m->actuator_gaintype[a] == mjGAIN_FIXED &&
                             m->actuator_biastype[a] == mjBIAS_AFFINE && kp > 0 &&
                             m->actuator_biasprm[mjNBIAS * a + 1] == -kp;
    return is_position
               ? ET_OK
               : et_fail(err, ET_ECORRUPT, -1, "%.150s: actuator %.60s is not of type position",
                         w->robot->path, joint->actuator);
}

static enum et_status check_joint(const struct et_world *w, const struct et__robot_joint *joint,
                                  int id, struct et_err *err)
{
    const mjModel *m = w->model;
    if (m->jnt_type[id] != mjJNT_HINGE && m->jnt_type[id] != mjJNT_SLIDE)
        return et_fail(err, ET_ECORRUPT, -1, "%.150s: joint %.60s is neither a hinge nor a slide",
                       w->robot->path, joint->joint);
    if (!m->jnt_limited[id])
        return et_fail(err, ET_ECORRUPT, -1, "%.150s: joint %.60s has no range in %.150s",
                       w->robot->path, joint->joint, w->robot->mjcf);
    return ET_OK;
}

static enum et_status check_home(const struct et_world *w, size_t i, struct et_err *err)
{
    const struct et_world_joint *joint = &w->joints[i];
    if (joint->home >= joint->lower && joint->home <= joint->upper)
        return ET_OK;
    return et_fail(err, ET_ECORRUPT, -1, "%.150s: the home of %.60s is %g, not between %g and %g",
                   w->robot->path, joint->name, joint->home, joint->lower, joint->upper);
}

static enum et_status bind_joint(struct et_world *w, size_t i, struct et_err *err)
{
    const struct et__robot_joint *joint = &w->robot->joints[i];
    const mjModel *m = w->model;
    struct et__joint_ids *ids = &w->joint_ids[i];
    enum et_status st = find(w, mjOBJ_JOINT, joint->joint, &ids->joint, err);
    if (st == ET_OK)
        st = find(w, mjOBJ_ACTUATOR, joint->actuator, &ids->actuator, err);
    if (st == ET_OK)
        st = check_joint(w, joint, ids->joint, err);
    if (st == ET_OK)
        st = check_actuator(w, joint, ids, err);
    if (st != ET_OK)
        return st;
    ids->qpos = m->jnt_qposadr[ids->joint];
    ids->dof = m->jnt_dofadr[ids->joint];
    ids->scale = 1;
    const bool is_arm = joint->part == ET_PART_LEFT_ARM || joint->part == ET_PART_RIGHT_ARM;
    const double kp = m->actuator_gainprm[mjNGAIN * ids->actuator];
    ids->feed_forward = is_arm && kp > 0 ? m->dof_damping[ids->dof] / kp : 0;
    const double *range = m->jnt_range + 2 * (size_t)ids->joint;
    w->joints[i] = (struct et_world_joint){.name = joint->name,
                                           .maker = joint->maker,
                                           .part = joint->part,
                                           .lower = range[0],
                                           .upper = range[1],
                                           .home = joint->home,
                                           .maker_scale = joint->maker_scale,
                                           .maker_index = joint->maker_index};
    return ET_OK;
}

static enum et_status bind_hand(struct et_world *w, enum et__side side, struct et_err *err)
{
    const struct et__robot_hand *hand = &w->robot->hands[side];
    struct et__hand_ids *ids = &w->hands[side];
    enum et_status st = find(w, mjOBJ_SITE, hand->tcp, &ids->tcp, err);
    if (st == ET_OK)
        st = find(w, mjOBJ_BODY, hand->body, &ids->palm, err);
    for (size_t i = 0; st == ET_OK && i < 2; i++)
        st = find(w, mjOBJ_BODY, hand->fingers[i], &ids->fingers[i], err);
    if (st == ET_OK)
        st = find_sensor(w, hand->force, 3, &ids->force, err);
    if (st == ET_OK)
        st = find_sensor(w, hand->torque, 3, &ids->torque, err);
    for (size_t i = 0; st == ET_OK && i < 2; i++)
        st = find_sensor(w, hand->touch[i], 1, &ids->touch[i], err);
    for (size_t i = 0; st == ET_OK && i < 8; i++)
        st = find_sensor(w, hand->pressure[i], 1, &ids->pressure[i], err);
    if (st != ET_OK)
        return st;
    ids->n_joints = hand->n_joints;
    for (size_t i = 0; i < hand->n_joints; i++) {
        ids->qpos[i] = w->joint_ids[hand->first_joint + i].qpos;
        ids->dof[i] = w->joint_ids[hand->first_joint + i].dof;
    }
    w->joint_ids[hand->i_hand].scale = hand->actuator_scale;
    w->joints[hand->i_hand].lower = hand->close_m;
    w->joints[hand->i_hand].upper = hand->open_m;
    return ET_OK;
}

/* Whether the scene has anything of it. */
static bool has_robot(const struct et_world *w)
{
    const struct et__robot *robot = w->robot;
    bool has_any = mj_name2id(w->model, mjOBJ_BODY, robot->base) >= 0;
    for (size_t i = 0; !has_any && i < robot->n_joints; i++)
        has_any = mj_name2id(w->model, mjOBJ_JOINT, robot->joints[i].joint) >= 0;
    return has_any;
}

enum et_status et__bind_robot(struct et_world *w, struct et_err *err)
{
    const struct et__robot *robot = w->robot;
    if (w->skill && !has_robot(w))
        return et_fail(err, ET_ECORRUPT, -1,
                       "%.150s/scene.xml includes no robot.xml: add <include file=\"robot.xml\"/>",
                       w->skill->folder);
    w->joints = et_arena_array(w->arena, robot->n_joints, sizeof *w->joints);
    w->joint_ids = et_arena_array(w->arena, robot->n_joints, sizeof *w->joint_ids);
    if (!w->joints || !w->joint_ids)
        return et_arena_fail(w->arena, "a robot's joints", err);
    enum et_status st = find(w, mjOBJ_BODY, robot->base, &w->base, err);
    for (size_t i = 0; st == ET_OK && i < robot->n_joints; i++)
        st = bind_joint(w, i, err);
    for (int side = ET__LEFT; st == ET_OK && side <= ET__RIGHT; side++)
        st = bind_hand(w, (enum et__side)side, err);
    for (size_t i = 0; st == ET_OK && i < robot->n_joints; i++)
        st = check_home(w, i, err);
    if (st == ET_OK)
        st = find_sensor(w, robot->gyro, 3, &w->gyro, err);
    if (st == ET_OK)
        st = find_sensor(w, robot->accelerometer, 3, &w->accelerometer, err);
    return st == ET_OK ? find_sensor(w, robot->orientation, 4, &w->orientation, err) : st;
}

enum et_status et__bind_world(struct et_world *w, struct et_err *err)
{
    const enum et_status st = et__bind_robot(w, err);
    return st == ET_OK ? bind_skill(w, err) : st;
}
