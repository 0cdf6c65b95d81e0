#include "exam_made.h"

#include "../learn/lesson_set.h"
#include "etude/file.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define JOINTS_MAX 64
#define PATH_BYTES 1024

static struct et_err err;

void made_skill_of_chance(const char *id, double least, double most)
{
    char text[1024], folder[PATH_BYTES], path[PATH_BYTES + 16];
    const int n = snprintf(text, sizeof text,
                           "skill: 1\nscenario: machine_hall\ninstruction:\n  en: Wait.\n"
                           "  fr: Attends.\n  zh: 等。\nlimit_s: 0.7\nhuman_s: 1\nexpected: 0\n"
                           "objects: [cabinet, drawer]\nrandom:\n  controlled:\n"
                           "    - joint drawer %g %g\n  displaced:\n"
                           "    - body cabinet x -.01 .01\nsuccess: joint drawer > .05\n"
                           "phases:\n  - wait: {until: joint drawer > .05}\n",
                           least, most);
    static const char SCENE[] = "<mujoco model=\"wait\">\n  <include file=\"common.xml\"/>\n"
                                "  <include file=\"robot.xml\"/>\n"
                                "  <include file=\"scenario.xml\"/>\n</mujoco>\n";
    (void)snprintf(folder, sizeof folder, "%s/world/skills/%s", temp_path("share"), id);
    CHECK_OK(et_dir_make(folder, &err));
    (void)snprintf(path, sizeof path, "%s/skill.yaml", folder);
    write_file(path, text, (size_t)n);
    (void)snprintf(path, sizeof path, "%s/scene.xml", folder);
    write_file(path, SCENE, sizeof SCENE - 1);
}

void made_share(void)
{
    static char folders[2 * PATH_BYTES];
    (void)snprintf(folders, sizeof folders, "%s:%s", temp_path("share"), source_path("share"));
    (void)setenv("ETUDE_SHARE", folders, 1);
}

const char *made_policy(const char *name)
{
    static const char *names[JOINTS_MAX];
    static double home[JOINTS_MAX];
    struct et_world *world = NULL;
    size_t n = 0;
    CHECK_OK(et_world_open(&world, &(struct et_world_options){.skill = "open_half"}, &err));
    if (!world)
        exit(1);
    const struct et_world_joint *joints = et_world_joints(world, &n);
    for (size_t i = 0; i < n; i++) {
        names[i] = joints[i].name;
        home[i] = joints[i].home;
    }
    const struct lesson_set set = {.joints = names, .home = home, .n_joints = n};
    struct et_dataset *dataset = lesson_open("set", &set);
    struct et_train_settings s = lesson_settings("mlp");
    s.steps = 3;
    s.rate_hz = 25;
    const char *path = lesson_train(name, dataset, &s);
    et_dataset_close(dataset);
    et_world_close(world);
    return path;
}

struct et_exam_run_options made_exam(const char *policy, const char *const *skills, size_t n,
                                     struct et_arena *arena)
{
    static const uint8_t KEY[ET_KEY_BYTES] = {7};
    const struct et_exam *exam = NULL;
    CHECK_OK(et_exam_load("quick", arena, &exam, &err));
    struct et_exam_run_options o = {.stage = {.policy = policy}, .key = KEY, .n_threads = 2};
    if (exam)
        o.exam = *exam;
    o.exam.safety = (struct et_exam_safety){(double)INFINITY, (double)INFINITY, (double)INFINITY};
    o.exam.skills = skills;
    o.exam.n_skills = n;
    return o;
}

const char *made_exam_folder(const char *name, const struct et_exam_run_options *options)
{
    struct et_exam_run *run = NULL;
    const struct et_exam_trial *trial;
    enum et_status st = et_exam_run_open(&run, temp_path(name), options, &err);
    CHECK_OK(st);
    while (st == ET_OK)
        st = et_exam_run_next(run, &trial, &err);
    CHECK_EQ(st, ET_END);
    et_exam_run_close(run);
    return temp_path(name);
}
