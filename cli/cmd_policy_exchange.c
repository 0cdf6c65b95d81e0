/* etude policy export|import: from and to the tools that others use. */
#include "cli.h"

#include "etude/policy.h"
#include "etude/policy_exchange.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define STATE "observation.state"
#define SCENE "observation.environment_state"

/* ---- export ---- */

int cmd_policy_export(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    struct cli_output output;
    const char *path = cli_get(args, "onnx");
    if (!path) {
        cli_problem(args, "say where to: --onnx FILE");
        return CLI_USAGE;
    }
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    int code = cli_output_open(args, path, arena, &output);
    if (code == CLI_DONE && et_policy_export(args->words[0], output.work, &err) != ET_OK)
        code = cli_fail(args, &err);
    if (code == CLI_DONE)
        code = cli_output_finish(args, arena, &output);
    if (code == CLI_DONE && !args->is_quiet)
        printf("%s\n", path);
    et_arena_close(arena);
    return code;
}

/* ---- import ---- */

struct import {
    const struct cli_args *args;
    struct et_arena *arena;
    struct et_dataset *dataset; // NULL: none was named
    struct et_policy *own;      // what comes in, if it says itself what it is: one of ours
    struct et_policy_import_options options;
};

static const char *const *split(struct import *m, const char *text, size_t *n)
{
    char *copy = et_arena_copy(m->arena, text, strlen(text)), *rest = NULL;
    const char **names = et_arena_array(m->arena, strlen(text) + 1, sizeof *names);
    *n = 0;
    for (char *name = copy && names ? strtok_r(copy, ", ", &rest) : NULL; name;
         name = strtok_r(NULL, ", ", &rest))
        names[(*n)++] = name;
    return names;
}

static enum et_status take_dataset(struct import *m, struct et_err *err)
{
    const char *path = cli_get(m->args, "dataset");
    struct et_policy_import_options *o = &m->options;
    const enum et_status st = et_dataset_open(&m->dataset, path, err);
    if (st != ET_OK)
        return st;
    const struct et_dataset_info *info = et_dataset_info(m->dataset);
    const int i_state = et_dataset_find(m->dataset, STATE);
    const int i_scene = et_dataset_find(m->dataset, SCENE);
    const struct et_feature *state = i_state >= 0 ? &info->features[i_state] : NULL;
    const struct et_feature *scene = i_scene >= 0 ? &info->features[i_scene] : NULL;
    o->dataset = path;
    o->rate_hz = info->fps;
    if (state && state->names) {
        o->joints = state->names;
        o->n_joints = state->n_values;
    }
    if (scene && scene->names) {
        o->scene = scene->names;
        o->n_scene = scene->n_values;
    }
    o->task = info->n_tasks == 1 ? info->tasks[0] : NULL;
    return ET_OK;
}

static void take_own(struct import *m)
{
    struct et_policy_import_options *o = &m->options;
    if (et_policy_open(&m->own, m->args->words[0], NULL, NULL) != ET_OK)
        return;
    const struct et_policy_info *info = et_policy_info(m->own);
    o->rate_hz = info->rate_hz;
    o->joints = o->joints ? o->joints : info->joints;
    o->n_joints = o->n_joints ? o->n_joints : info->n_joints;
    o->task = o->task || info->n_tasks != 1 ? o->task : info->tasks[0];
}

static int take_options(struct import *m)
{
    const struct cli_args *args = m->args;
    struct et_err err = {0};
    struct et_policy_import_options *o = &m->options;
    if (cli_has(args, "dataset") && take_dataset(m, &err) != ET_OK)
        return cli_fail(args, &err);
    take_own(m);
    if (!cli_number(args, "fps", 1, 1000, o->rate_hz, &o->rate_hz))
        return CLI_USAGE;
    if (cli_has(args, "joints"))
        o->joints = split(m, cli_get(args, "joints"), &o->n_joints);
    if (cli_has(args, "task"))
        o->task = cli_get(args, "task");
    if (!o->joints || !(o->rate_hz > 0)) {
        cli_problem(args, "a checkpoint does not say how its joints are called, nor how fast it "
                          "acts: --dataset DATASET, or --joints LIST and --fps HZ");
        return CLI_USAGE;
    }
    return CLI_DONE;
}

static int import_it(struct import *m)
{
    const struct cli_args *args = m->args;
    const char *to = cli_get(args, "output");
    struct et_err err = {0};
    struct cli_output output;
    if (!to) {
        cli_problem(args, "say where the policy goes: -o FOLDER");
        return CLI_USAGE;
    }
    int code = take_options(m);
    if (code == CLI_DONE)
        code = cli_output_open(args, to, m->arena, &output);
    if (code == CLI_DONE &&
        et_policy_import(args->words[0], output.work, &m->options, &err) != ET_OK)
        code = cli_fail(args, &err);
    if (code == CLI_DONE)
        code = cli_output_finish(args, m->arena, &output);
    if (code == CLI_DONE && !args->is_quiet)
        printf("%s: %zu joints, %g actions a second\nnext: etude policy info %s\n", to,
               m->options.n_joints, m->options.rate_hz, to);
    return code;
}

int cmd_policy_import(const struct cli_args *args)
{
    struct et_err err = {0};
    struct import m = {.args = args};
    if (et_arena_open(&m.arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    const int code = import_it(&m);
    et_policy_close(m.own);
    et_dataset_close(m.dataset);
    et_arena_close(m.arena);
    return code;
}
