#include "robot/robot_model.h"

#include "etude/dynamics.h"
#include "etude/file.h"
#include "robot/mujoco_guard.h"
#include "robot/robot__urdf.h"

#include <mujoco/mujoco.h>
#include <stdio.h>

#define CLEAN_BYTES ((size_t)16 << 20)
#define TEXT_BYTES_MAX ((size_t)16 << 20)

// The root of the file, whatever stands before it.
static bool is_urdf(struct et_str text)
{
    const struct et_str root = ET_STR("<robot");
    for (size_t i = 0; i + root.n <= text.n; i++) {
        if (text.p[i] != '<' || i + 1 == text.n)
            continue;
        if (memcmp(text.p + i, root.p, root.n) == 0)
            return true;
        if (text.p[i + 1] != '?' && text.p[i + 1] != '!')
            return false;
        const char *end = memchr(text.p + i, '>', text.n - i);
        const struct et_str comment = {text.p + i, text.n - i};
        if (et_str_starts(comment, "<!--"))
            end = memmem(text.p + i, text.n - i, "-->", 3);
        if (!end)
            return false;
        i = (size_t)(end - text.p);
    }
    return false;
}

static enum et_status take_names(const struct et__urdf *urdf, struct et_arena *arena,
                                 struct et__robot_model *m, struct et_err *err)
{
    const char **links = et_arena_array(arena, urdf->n_links + 1, sizeof *links);
    const char **joints = et_arena_array(arena, urdf->n_joints + 1, sizeof *joints);
    if (!links || !joints)
        return et_arena_fail(arena, "a robot's names", err);
    for (size_t i = 0; i < urdf->n_links; i++)
        links[i] = urdf->links[i].name;
    for (size_t i = 0; i < urdf->n_joints; i++)
        joints[i] = urdf->joints[i].name;
    m->link_names = links;
    m->joint_names = joints;
    m->n_links = urdf->n_links;
    m->n_joints = urdf->n_joints;
    return ET_OK;
}

static enum et_status load_urdf(struct et_str text, struct et_arena *arena,
                                struct et__robot_model *m, struct et_err *err)
{
    struct et__urdf urdf;
    struct et_buf clean = et_buf(CLEAN_BYTES);
    enum et_status st = et__urdf_parse(text, arena, &urdf, err);
    if (st == ET_OK)
        st = take_names(&urdf, arena, m, err);
    bool *moves = st == ET_OK ? et_arena_array(arena, urdf.n_joints + 1, sizeof *moves) : NULL;
    if (st == ET_OK && !moves)
        st = et_arena_fail(arena, "a robot's joints", err);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < urdf.n_joints; i++)
        moves[i] = urdf.joints[i].kind != ET__URDF_FIXED;
    et__urdf_write(&urdf, moves, &clean);
    st = et_buf_check(&clean, "a robot's model", err);
    if (st == ET_OK) {
        const struct et__mujoco_file file = {"robot.urdf", et_buf_str(&clean)};
        st = et__mujoco_load(&file, 1, &m->model, err);
    }
    et_buf_free(&clean);
    return st;
}

enum et_status et__robot_model_load(const char *path, struct et_arena *arena,
                                    struct et__robot_model *model, struct et_err *err)
{
    struct et_str text;
    *model = (struct et__robot_model){0};
    enum et_status st = et_file_read(path, TEXT_BYTES_MAX, arena, &text, err);
    if (st != ET_OK)
        return st; // names the path by itself
    if (text.n == 0)
        st = et_fail(err, ET_ECORRUPT, 0, "is empty");
    else
        st = is_urdf(text) ? load_urdf(text, arena, model, err)
                           : et__mujoco_load_path(path, &model->model, err);
    if (st != ET_OK)
        et_err_context(err, "%.150s", path);
    return st;
}

static int find(const struct et__robot_model *m, int type, const char *const *names, size_t n,
                const char *name)
{
    char own[32];
    if (!names)
        return mj_name2id(m->model, type, name);
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) {
            (void)snprintf(own, sizeof own, "%c%zu", type == mjOBJ_BODY ? 'b' : 'j', i);
            return mj_name2id(m->model, type, own);
        }
    return -1;
}

int et__robot_model_joint(const struct et__robot_model *m, const char *name)
{
    return find(m, mjOBJ_JOINT, m->joint_names, m->n_joints, name);
}

int et__robot_model_body(const struct et__robot_model *m, const char *name)
{
    return find(m, mjOBJ_BODY, m->link_names, m->n_links, name);
}
