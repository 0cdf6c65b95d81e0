/* The model of a world: a skill's scene, which includes the room, the robot and what all share. */
#include "world/world__world.h"

#include "etude/file.h"
#include "robot/mujoco_guard.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define TICK_S (1e-9 * (double)ET_WORLD_TICK_NS)
#define METRES_MAX 1e6 // and kilograms: no room is so large
#define XML_BYTES_MAX ((size_t)4 << 20)

#define WORDS "MuJoCo: " // before what it says

// What a world's rooms have beside the scene, where the skill has no clutter of its own.
static const char WITH_LITTER[] =
    "<mujoco><include file=\"scene.xml\"/><include file=\"litter.xml\"/></mujoco>";

// A robot that stands nowhere.
static const char ALONE[] =
    "<mujoco><include file=\"common.xml\"/><include file=\"robot.xml\"/></mujoco>";

enum { SCENE, COMMON, ROBOT, SCENARIO, LITTER, N_FILES };

struct texts {
    struct et__mujoco_file files[N_FILES];
    const char *paths[N_FILES];
    size_t n; // LITTER: there is none
};

static enum et_status find_shared(const struct et_world *w, const char *folder, const char *id,
                                  const char **path, struct et_err *err)
{
    const struct et_share_kind kind = {folder, ".xml", "scenario"};
    return et_share_find(&kind, id, w->arena, path, err);
}

static bool has_litter(const struct et_world *w)
{
    return w->options.has_litter && w->skill->script->n_clutter == 0;
}

static enum et_status read_texts(const struct et_world *w, struct texts *t, struct et_err *err)
{
    *t = (struct texts){.files = {{"scene.xml", {0}},
                                  {"common.xml", {0}},
                                  {"robot.xml", {0}},
                                  {"scenario.xml", {0}},
                                  {"litter.xml", {0}}},
                        .n = has_litter(w) ? N_FILES : LITTER,
                        .paths = {[SCENE] = et_path_join(w->arena, w->skill->folder, "scene.xml"),
                                  [ROBOT] = w->robot->mjcf}};
    enum et_status st = t->paths[SCENE] ? ET_OK : et_arena_fail(w->arena, "a path", err);
    if (st == ET_OK)
        st = find_shared(w, "world", "common", &t->paths[COMMON], err);
    if (st == ET_OK)
        st = find_shared(w, "world/scenarios", w->skill->scenario, &t->paths[SCENARIO], err);
    if (st == ET_OK && t->n > LITTER)
        st = find_shared(w, "world", "litter", &t->paths[LITTER], err);
    for (size_t i = 0; i < t->n && st == ET_OK; i++)
        st = et_file_read(t->paths[i], XML_BYTES_MAX, w->arena, &t->files[i].text, err);
    for (size_t i = 0; i < t->n && st == ET_OK; i++)
        if (t->files[i].text.n == 0)
            st = et_fail(err, ET_ECORRUPT, 0, "%s: is empty", t->paths[i]);
    return st;
}

// The same complaint, at another line perhaps.
static bool is_same_but_numbers(const char *a, const char *b)
{
    while (*a || *b) {
        while (isdigit((unsigned char)*a))
            a++;
        while (isdigit((unsigned char)*b))
            b++;
        if (*a != *b)
            return false;
        a += *a != '\0';
        b += *b != '\0';
    }
    return true;
}

// What is included has another root than a model; the lines stay as they are.
static struct et__mujoco_file as_model(const struct et__mujoco_file *file, struct et_arena *arena)
{
    static const char ROOT[] = "mujocoinclude", MODEL[] = "mujoco       ";
    char *text = et_arena_copy(arena, file->text.p, file->text.n);
    if (!text)
        return (struct et__mujoco_file){0};
    for (char *p = text; (p = strstr(p, ROOT)); p += sizeof ROOT - 1)
        memcpy(p, MODEL, sizeof MODEL - 1);
    return (struct et__mujoco_file){file->name, {text, file->text.n}};
}

/* Which file is wrong: MuJoCo tells lines of the first one only. One that makes the same complaint
 * when it is read alone is the one, and then the line is its own. */
static size_t blame(const struct texts *t, struct et_arena *arena, struct et_err *why)
{
    for (size_t i = COMMON; i < LITTER; i++) {
        struct et_err alone = {0};
        mjModel *model = NULL;
        const struct et__mujoco_file file = as_model(&t->files[i], arena);
        if (!file.name || et__mujoco_load(&file, 1, &model, &alone) == ET_OK) {
            mj_deleteModel(model);
            continue;
        }
        const char *words = strncmp(alone.text, WORDS, sizeof WORDS - 1) == 0
                                ? alone.text + sizeof WORDS - 1
                                : alone.text;
        // What is no XML at all is quoted in the complaint about its include.
        if (is_same_but_numbers(alone.text, why->text) || strstr(why->text, words)) {
            *why = alone;
            return i;
        }
    }
    return SCENE;
}

// MuJoCo takes any number, and its physics then come to none.
static bool is_sound(const double *p, int n)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(p[i]) < METRES_MAX))
            return false;
    return true;
}

static enum et_status check_model(const mjModel *m, struct et_err *err)
{
    if (fabs(m->opt.timestep - TICK_S) > 1e-9)
        return et_fail(err, ET_ECORRUPT, -1, "its timestep is %g s, not %g s", m->opt.timestep,
                       TICK_S);
    for (int i = 0; i < m->nbody; i++)
        if (!is_sound(m->body_pos + 3 * (size_t)i, 3) || !is_sound(m->body_mass + i, 1) ||
            !is_sound(m->body_quat + 4 * (size_t)i, 4))
            return et_fail(err, ET_ECORRUPT, -1, "body \"%.60s\" has a number beyond all sense",
                           m->names + m->name_bodyadr[i]);
    for (int i = 0; i < m->ngeom; i++)
        if (!is_sound(m->geom_pos + 3 * (size_t)i, 3) || !is_sound(m->geom_size + 3 * (size_t)i, 3))
            return et_fail(err, ET_ECORRUPT, -1,
                           "a geom of body \"%.60s\" has a number beyond all sense",
                           m->names + m->name_bodyadr[m->geom_bodyid[i]]);
    return ET_OK;
}

/* The model, and which file is guilty where there is none. */
static enum et_status load_texts(const struct texts *t, struct et_arena *arena, mjModel **model,
                                 size_t *guilty, struct et_err *why)
{
    struct et__mujoco_file files[N_FILES + 1] = {{"world.xml", ET_STR(WITH_LITTER)}};
    memcpy(files + 1, t->files, sizeof t->files);
    *guilty = SCENE;
    if (t->n > LITTER && et__mujoco_load(files, N_FILES + 1, model, why) == ET_OK)
        return ET_OK;
    const struct et_err with_litter = *why;
    enum et_status st = et__mujoco_load(t->files, LITTER, model, why);
    if (st == ET_OK && t->n > LITTER) {
        mj_deleteModel(*model);
        *model = NULL;
        *guilty = LITTER;
        *why = with_litter;
        return with_litter.status;
    }
    if (st == ET_ECORRUPT)
        *guilty = blame(t, arena, why);
    return st;
}

enum et_status et__load_model(struct et_world *w, struct et_err *err)
{
    struct texts texts;
    struct et_err why = {0};
    enum et_status st = read_texts(w, &texts, err);
    if (st != ET_OK)
        return st;
    size_t guilty;
    st = load_texts(&texts, w->arena, &w->pristine, &guilty, &why);
    if (st == ET_OK)
        st = check_model(w->pristine, &why);
    if (st == ET_OK)
        return ET_OK;
    // Some complaints are made in company only.
    const bool has_place =
        guilty != SCENE || (!strstr(why.text, "line 0") && !strstr(why.text, "line = 0"));
    return et_fail(err, st, -1, "%.120s%s (skill %.40s, robot %.40s, scenario %.40s): %.200s",
                   texts.paths[guilty], has_place ? "" : " or what it includes", w->skill->id,
                   w->robot->id, w->skill->scenario, why.text);
}

enum et_status et__load_robot_model(struct et_world *w, struct et_err *err)
{
    struct et__mujoco_file files[] = {
        {"alone.xml", ET_STR(ALONE)}, {"common.xml", {0}}, {"robot.xml", {0}}};
    const char *common = NULL;
    struct et_err why = {0};
    enum et_status st = find_shared(w, "world", "common", &common, err);
    if (st == ET_OK)
        st = et_file_read(common, XML_BYTES_MAX, w->arena, &files[1].text, err);
    if (st == ET_OK)
        st = et_file_read(w->robot->mjcf, XML_BYTES_MAX, w->arena, &files[2].text, err);
    if (st != ET_OK)
        return st;
    st = et__mujoco_load(files, sizeof files / sizeof *files, &w->model, &why);
    return st == ET_OK ? ET_OK : et_fail(err, st, -1, "%.150s: %.300s", w->robot->mjcf, why.text);
}
