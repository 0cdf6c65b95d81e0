/* What a skill is about, as numbers in the robot's frame: read from what its script names. */
#include "world/world__world.h"

#include <string.h>

#define AXES 9 // position, and the columns of the rotation that count: x and z
#define UPRIGHT 6

static bool is_below(const mjModel *m, int body, int above)
{
    for (; body > 0; body = m->body_parentid[body])
        if (body == above)
            return true;
    return false;
}

static void add_part(struct et_world *w, int type, int id, bool is_turned)
{
    struct et__task *task = &w->task;
    for (size_t i = 0; i < task->n_parts; i++)
        if (task->parts[i].type == type && task->parts[i].id == id) {
            task->parts[i].is_turned = task->parts[i].is_turned || is_turned;
            return;
        }
    if (id >= 0 && task->n_parts < ET__TASK_PARTS_MAX)
        task->parts[task->n_parts++] =
            (struct et__task_part){.type = type, .id = id, .is_turned = is_turned};
}

static void add_name(struct et_world *w, int type, const struct et__name *name, bool is_turned)
{
    if (name->text)
        add_part(w, type, mj_name2id(w->model, type, name->text), is_turned);
}

static void add_action(struct et_world *w, const struct et__action *a)
{
    if (a->verb == ET__MOVE || a->verb == ET__PRESS)
        add_name(w, mjOBJ_SITE, &a->target, a->is_relative);
    if (a->verb == ET__FOLLOW)
        add_name(w, mjOBJ_JOINT, &a->target, false);
    if (a->verb == ET__CARRY) {
        const int body = mj_name2id(w->model, mjOBJ_BODY, a->target.text);
        add_part(w, mjOBJ_BODY, body, true);
    }
    add_name(w, mjOBJ_SITE, &a->holding, false);
}

/* Objects that no site of the script lies on. */
static void add_objects(struct et_world *w)
{
    const mjModel *m = w->model;
    const size_t n_named = w->task.n_parts;
    for (size_t i = 0; i < w->skill->n_objects; i++) {
        bool is_seen = false;
        for (size_t k = 0; k < n_named; k++) {
            const struct et__task_part *part = &w->task.parts[k];
            const int body = part->type == mjOBJ_SITE   ? m->site_bodyid[part->id]
                             : part->type == mjOBJ_BODY ? part->id
                                                        : m->jnt_bodyid[part->id];
            is_seen = is_seen || is_below(m, body, w->objects[i]);
        }
        if (!is_seen)
            add_part(w, mjOBJ_BODY, w->objects[i], false);
    }
}

static enum et_status name_values(struct et_world *w, struct et_err *err)
{
    static const char *const AXIS[AXES] = {"x", "y", "z", "zx", "zy", "zz", "xx", "xy", "xz"};
    struct et__task *task = &w->task;
    task->names = et_arena_array(w->arena, AXES * ET__TASK_PARTS_MAX, sizeof *task->names);
    if (!task->names)
        return et_arena_fail(w->arena, "a skill's values", err);
    for (size_t i = 0; i < task->n_parts; i++) {
        const struct et__task_part *part = &task->parts[i];
        const char *name = mj_id2name(w->model, part->type, part->id);
        const size_t n = part->type == mjOBJ_JOINT ? 1 : part->is_turned ? AXES : UPRIGHT;
        for (size_t k = 0; k < n; k++) {
            const char *text = part->type == mjOBJ_JOINT
                                   ? et_arena_printf(w->arena, "%s.position", name)
                                   : et_arena_printf(w->arena, "%s.%s", name, AXIS[k]);
            if (!text)
                return et_arena_fail(w->arena, "a skill's values", err);
            task->names[task->n_values++] = text;
        }
    }
    return ET_OK;
}

enum et_status et__bind_task(struct et_world *w, struct et_err *err)
{
    const struct et_skill_script *script = w->skill->script;
    for (size_t i = 0; i < w->skill->n_phases; i++)
        for (size_t k = 0; k < script->phases[i].n_actions; k++)
            add_action(w, &script->phases[i].actions[k]);
    for (size_t i = 0; i < script->success.n_terms; i++)
        if (script->success.terms[i].predicate->words[0] == 'j')
            add_part(w, mjOBJ_JOINT, w->success[i].ids[0], false);
    add_objects(w);
    return name_values(w, err);
}

/* ---- looking ---- */

const char *const *et_world_task_names(const struct et_world *w, size_t *n_values)
{
    *n_values = w->task.n_values;
    return w->task.names;
}

static double *put_pose(const struct et_world *w, const struct et__task_part *part, double *to)
{
    const mjData *d = w->data;
    const double *origin = d->xpos + 3 * w->base, *base = d->xmat + 9 * w->base;
    const bool is_site = part->type == mjOBJ_SITE;
    const double *position = is_site ? d->site_xpos + 3 * part->id : d->xpos + 3 * part->id;
    const double *axes = is_site ? d->site_xmat + 9 * part->id : d->xmat + 9 * part->id;
    double away[3], column[3];
    mju_sub3(away, position, origin);
    mju_mulMatTVec(to, base, away, 3, 3);
    to += 3;
    for (int c = 2; c >= (part->is_turned ? 0 : 2); c -= 2, to += 3) { // z, then x
        for (int i = 0; i < 3; i++)
            column[i] = axes[3 * i + c];
        mju_mulMatTVec(to, base, column, 3, 3);
    }
    return to;
}

void et_world_task(const struct et_world *w, double *values)
{
    for (size_t i = 0; i < w->task.n_parts; i++) {
        const struct et__task_part *part = &w->task.parts[i];
        if (part->type == mjOBJ_JOINT)
            *values++ = w->data->qpos[w->model->jnt_qposadr[part->id]];
        else
            values = put_pose(w, part, values);
    }
}
