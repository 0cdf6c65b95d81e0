/* Policies that were never trained. */
#include "policy_made.h"

#include "etude/file.h"
#include "etude/random.h"
#include "learn/learn__checkpoint.h"
#include "tap.h"

#include <stdlib.h>

static const char *const NAMES[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static const char *const TASKS[] = {"task 0", "task 1", "task 2"};
static const char *const PHASES[] = {"p0", "p1", "p2"};
static const char *const SCENE[] = {"cup.x", "cup.y", "lamp", "door"};

static void fill_recipe(struct et__saved *saved, const struct made_policy *made)
{
    struct et__recipe *r = &saved->recipe;
    r->joints = NAMES;
    r->n_joints = made->n_joints;
    r->scene = SCENE;
    r->n_scene = made->n_scene;
    r->tasks = saved->tasks = TASKS;
    r->n_tasks = saved->n_tasks = made->n_tasks;
    r->sees_command = r->knows_phase = made->is_derived;
    r->phases = PHASES;
    r->n_phases = made->is_derived ? MADE_PHASES : 0;
    if (made->n_cameras == 0)
        return;
    struct et__recipe_pictures *p = &r->pictures;
    *p = (struct et__recipe_pictures){
        .features = {"observation.images.head", "observation.images.left_wrist"},
        .n_cameras = made->n_cameras,
        .width_px = MADE_WIDTH,
        .height_px = MADE_HEIGHT};
    et__recipe_size(p, saved->settings.picture_px, saved->settings.shift_px);
    et__recipe_imagenet(p);
    for (size_t c = 0; c < 3; c++) { // cameras have their own
        p->mean[1][c] += 0.1F * (float)(c + 1);
        p->deviation[1][c] *= 1.5F;
    }
}

/* Means by chance, deviations near 1. */
static void fill_normal(struct et__saved *saved)
{
    struct et__normal *n = saved->normal;
    for (size_t i = 0; i < saved->recipe.n_in; i++) {
        n->in_mean[i] = (float)et_random_normal(11, i) * 0.2F;
        n->in_scale[i] = 1 / (1 + (float)et_random_uniform(12, i));
    }
    for (size_t i = 0; i < saved->recipe.n_out; i++) {
        n->out_mean[i] = (float)et_random_normal(13, i);
        n->out_deviation[i] = 1 + (float)et_random_uniform(14, i);
    }
}

static enum et_status write_it(const char *folder, const struct made_policy *made,
                               struct et_arena *arena, struct et_err *err)
{
    struct et__saved saved = {.step = -1, .dataset = "made"};
    struct et__net net;
    struct et_train_settings *s = &saved.settings;
    enum et_status st = et_train_settings(made->kind, s, err);
    s->width = 16;
    s->layers = 2;
    s->heads = 2;
    s->between = 24;
    s->vae_layers = 1;
    s->latent = 4;
    s->chunk = MADE_CHUNK;
    s->rate_hz = 25;
    s->sees_command = s->knows_phase = made->is_derived;
    s->knows_hands = s->sees_touch = false;
    s->shift_px = made->shift_px;
    s->picture_px = made->picture_px ? made->picture_px : s->picture_px;
    s->resnet = made->is_resnet;
    fill_recipe(&saved, made);
    if (st == ET_OK)
        st = et__recipe_make(&saved.recipe, arena, err);
    if (st == ET_OK)
        st = et__normal_make(saved.normal, saved.recipe.n_in, saved.recipe.n_out, arena, err);
    if (st != ET_OK)
        return st;
    fill_normal(&saved);
    const struct et__recipe_pictures *p = &saved.recipe.pictures;
    const struct et__net_shape shape = {.n_own = saved.recipe.n_own,
                                        .n_around = saved.recipe.n_around,
                                        .n_out = saved.recipe.n_out,
                                        .n_steps = MADE_CHUNK,
                                        .n_cameras = (int)p->n_cameras,
                                        .height_px = p->seen_height_px,
                                        .width_px = p->seen_width_px};
    st = et__net_make(&net, &shape, s, arena, err);
    if (st != ET_OK)
        return st;
    float *values = et_arena_array(arena, net.params.n_values, sizeof *values);
    if (!values)
        return ET_ENOMEM;
    et__params_begin(&net.params, values, 7);
    // What begins at 0 or 1 would hide a mistake.
    for (size_t i = 0; i < net.params.n_values; i++)
        values[i] += 0.05F * (float)et_random_normal(15, i);
    st = et_dir_make(folder, err);
    return st == ET_OK ? et__policy_write(folder, &saved, &net, values, err) : st;
}

bool make_policy(const char *folder, const struct made_policy *made)
{
    struct et_arena *arena = NULL;
    struct et_err err = {0};
    enum et_status st = et_arena_open(&arena, (size_t)1 << 28, &err);
    if (st == ET_OK)
        st = write_it(folder, made, arena, &err);
    et_arena_close(arena);
    if (st != ET_OK)
        printf("# %s\n", err.text);
    return st == ET_OK;
}
