/* A policy's own files: what LeRobot reads, and what it does not know. */
#include "learn/learn__checkpoint.h"

#include "etude/file.h"
#include "etude/safetensors.h"
#include "learn/learn__weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_BYTES_MAX ((size_t)4 << 20)
#define VERSION 1
#define SEEN_MOST_MAX 1e6
#define NUMBERS_MAX 100000 // of a list in a file
#define SIDE_MAX 8192      // of a picture, px
#define STATE "observation.state"
#define SCENE "observation.environment_state"
#define ACTION "action"
#define IMAGES "observation.images."
#define PRE "policy_preprocessor"
#define PRE_FILE PRE "_step_3_normalizer_processor.safetensors"
#define POST "policy_postprocessor"
#define POST_FILE POST "_step_0_unnormalizer_processor.safetensors"
#define NOTHING 1e8F  // a deviation by which a value says nothing
#define EPSILON 1e-8F // that LeRobot adds to deviations

/* ---- writing ---- */

static enum et_status path_of(const char *folder, const char *name, char path[ET_PATH_BYTES_MAX],
                              struct et_err *err)
{
    const int n = snprintf(path, ET_PATH_BYTES_MAX, "%s/%s", folder, name);
    return n > 0 && n < ET_PATH_BYTES_MAX
               ? ET_OK
               : et_fail(err, ET_ELIMIT, -1, "%.100s…: the path is too long", folder);
}

static enum et_status write_buf(const char *folder, const char *name, struct et_buf *buf,
                                struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    et_buf_printf(buf, "\n");
    enum et_status st = path_of(folder, name, path, err);
    if (st == ET_OK)
        st = et_buf_check(buf, name, err);
    if (st == ET_OK)
        st = et_file_replace(path, et_buf_str(buf).p, et_buf_str(buf).n, err);
    et_buf_free(buf);
    return st;
}

static void put_feature(struct et_json_writer *w, const char *name, const char *type, size_t n)
{
    et_json_key(w, name);
    et_json_open_map(w);
    et_json_put_text(w, "type", type);
    et_json_key(w, "shape");
    et_json_open_list(w);
    et_json_int(w, (int64_t)n);
    et_json_close_list(w);
    et_json_close_map(w);
}

static void put_inputs(struct et_json_writer *w, const struct et__recipe *r)
{
    put_feature(w, STATE, "STATE", r->n_own);
    if (r->n_around)
        put_feature(w, SCENE, "ENV", r->n_around);
    for (size_t i = 0; i < r->pictures.n_cameras; i++) {
        et_json_key(w, r->pictures.features[i]);
        et_json_open_map(w);
        et_json_put_text(w, "type", "VISUAL");
        et_json_key(w, "shape");
        et_json_open_list(w);
        et_json_int(w, 3);
        et_json_int(w, r->pictures.seen_height_px);
        et_json_int(w, r->pictures.seen_width_px);
        et_json_close_list(w);
        et_json_close_map(w);
    }
}

static void put_norm_map(struct et_json_writer *w, const char *key)
{
    static const char *const KINDS[] = {"VISUAL", "STATE", "ENV", "ACTION"};
    et_json_key(w, key);
    et_json_open_map(w);
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        et_json_put_text(w, KINDS[i], "MEAN_STD");
    et_json_close_map(w);
}

/* The fields of LeRobot's ACTConfig that all of its versions have: others would be errors there. */
static void put_act(struct et_json_writer *w, const struct et_train_settings *s)
{
    et_json_put_text(w, "vision_backbone", "resnet18");
    et_json_put_text(w, "pretrained_backbone_weights", NULL);
    et_json_put_bool(w, "replace_final_stride_with_dilation", false);
    et_json_put_bool(w, "pre_norm", false);
    et_json_put_int(w, "dim_model", s->width);
    et_json_put_int(w, "n_heads", s->heads);
    et_json_put_int(w, "dim_feedforward", s->between);
    et_json_put_text(w, "feedforward_activation", "relu");
    et_json_put_int(w, "n_encoder_layers", s->layers);
    et_json_put_int(w, "n_decoder_layers", s->decoder_layers);
    et_json_put_bool(w, "use_vae", s->vae_layers > 0);
    et_json_put_int(w, "latent_dim", s->latent);
    et_json_put_int(w, "n_vae_encoder_layers", s->vae_layers > 0 ? s->vae_layers : 1);
    et_json_put_text(w, "temporal_ensemble_coeff", NULL);
    et_json_put_real(w, "dropout", s->dropout);
    et_json_put_real(w, "kl_weight", s->kl_weight);
}

/* LeRobot's name where LeRobot's own code has these parameters: a small eye is none of its. */
static bool is_lerobots(const struct et__saved *saved, const struct et__net *net)
{
    return strcmp(net->kind->lerobot, "act") == 0 &&
           (net->settings.resnet || saved->recipe.pictures.n_cameras == 0);
}

static enum et_status write_config(const char *folder, const struct et__saved *saved,
                                   const struct et__net *net, struct et_err *err)
{
    struct et_buf buf = et_buf(JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &buf, .indent = 2};
    et_json_open_map(&w);
    const bool is_theirs = is_lerobots(saved, net);
    const bool is_small = !is_theirs && strcmp(net->kind->lerobot, "act") == 0;
    et_json_put_text(&w, "type", is_small ? "etude_act" : net->kind->lerobot);
    et_json_put_int(&w, "n_obs_steps", 1);
    et_json_put_int(&w, "chunk_size", (int64_t)net->shape.n_steps);
    et_json_put_int(&w, "n_action_steps", (int64_t)net->shape.n_steps);
    et_json_put_text(&w, "device", "cpu");
    et_json_key(&w, "input_features");
    et_json_open_map(&w);
    put_inputs(&w, &saved->recipe);
    et_json_close_map(&w);
    et_json_key(&w, "output_features");
    et_json_open_map(&w);
    put_feature(&w, ACTION, "ACTION", saved->recipe.n_out);
    et_json_close_map(&w);
    put_norm_map(&w, "normalization_mapping");
    if (is_theirs)
        put_act(&w, &net->settings);
    et_json_close_map(&w);
    return write_buf(folder, "config.json", &buf, err);
}

static void put_step(struct et_json_writer *w, const char *name)
{
    et_json_open_map(w);
    et_json_put_text(w, "registry_name", name);
    et_json_key(w, "config");
    et_json_open_map(w);
}

static void end_step(struct et_json_writer *w, const char *state_file)
{
    et_json_close_map(w);
    if (state_file)
        et_json_put_text(w, "state_file", state_file);
    et_json_close_map(w);
}

static void put_device(struct et_json_writer *w)
{
    put_step(w, "device_processor");
    et_json_put_text(w, "device", "cpu");
    et_json_put_text(w, "float_dtype", NULL);
    end_step(w, NULL);
}

static void put_normaliser(struct et_json_writer *w, const struct et__recipe *r, bool is_back)
{
    put_step(w, is_back ? "unnormalizer_processor" : "normalizer_processor");
    et_json_put_real(w, "eps", (double)EPSILON);
    et_json_key(w, "features");
    et_json_open_map(w);
    if (!is_back)
        put_inputs(w, r);
    put_feature(w, ACTION, "ACTION", r->n_out);
    et_json_close_map(w);
    put_norm_map(w, "norm_map");
    end_step(w, is_back ? POST_FILE : PRE_FILE);
}

static enum et_status write_processors(const char *folder, const struct et__recipe *r,
                                       struct et_err *err)
{
    struct et_buf pre = et_buf(JSON_BYTES_MAX), post = et_buf(JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &pre, .indent = 2};
    et_json_open_map(&w);
    et_json_put_text(&w, "name", PRE);
    et_json_key(&w, "steps");
    et_json_open_list(&w);
    put_step(&w, "rename_observations_processor");
    et_json_key(&w, "rename_map");
    et_json_open_map(&w);
    et_json_close_map(&w);
    end_step(&w, NULL);
    put_step(&w, "to_batch_processor");
    end_step(&w, NULL);
    put_device(&w);
    put_normaliser(&w, r, false);
    et_json_close_list(&w);
    et_json_close_map(&w);
    w = (struct et_json_writer){.buf = &post, .indent = 2};
    et_json_open_map(&w);
    et_json_put_text(&w, "name", POST);
    et_json_key(&w, "steps");
    et_json_open_list(&w);
    put_normaliser(&w, r, true);
    put_device(&w);
    et_json_close_list(&w);
    et_json_close_map(&w);
    enum et_status st = write_buf(folder, PRE ".json", &pre, err);
    const enum et_status second = write_buf(folder, POST ".json", &post, st == ET_OK ? err : NULL);
    return st == ET_OK ? second : st;
}

/* Means and deviations, as LeRobot names them; those of a second robot with "robot.1." before. */
enum {
    N_STATS = 6,
    N_STATS_OUT = 2,
    STATS_MAX = 6 * ET__RECIPE_ROBOTS_MAX + 2 * ET__RECIPE_CAMERAS_MAX
};
#define STAT_BYTES (ET_NAME_BYTES_MAX + 8)
static const char *const STATS[N_STATS] = {ACTION ".mean", ACTION ".std", STATE ".mean",
                                           STATE ".std",   SCENE ".mean", SCENE ".std"};

static void name_stat(size_t i_robot, size_t i, char name[STAT_BYTES])
{
    if (i_robot == 0)
        (void)snprintf(name, STAT_BYTES, "%s", STATS[i]);
    else
        (void)snprintf(name, STAT_BYTES, "robot.%zu.%s", i_robot, STATS[i]);
}

struct stats {
    int64_t n_own, n_around, n_out;
    struct et_tensor tensors[STATS_MAX];
    char names[STATS_MAX][STAT_BYTES];
    size_t n;
};

/* `deviation`: room for n_in. */
static void add_stats(struct stats *s, const struct et__recipe *r, const struct et__normal *n,
                      size_t i_robot, float *deviation)
{
    const void *bytes[N_STATS] = {n->out_mean, n->out_deviation,      n->in_mean,
                                  deviation,   n->in_mean + r->n_own, deviation + r->n_own};
    const int64_t *const shapes[N_STATS] = {&s->n_out, &s->n_out,    &s->n_own,
                                            &s->n_own, &s->n_around, &s->n_around};
    for (size_t i = 0; i < r->n_in; i++)
        deviation[i] = n->in_scale[i] > 0 ? 1 / n->in_scale[i] : NOTHING;
    for (size_t i = 0; i < (r->n_around ? N_STATS : N_STATS - 2); i++, s->n++) {
        name_stat(i_robot, i, s->names[s->n]);
        s->tensors[s->n] = (struct et_tensor){.name = s->names[s->n],
                                              .type = ET_TENSOR_F32,
                                              .shape = shapes[i],
                                              .n_dims = 1,
                                              .bytes = bytes[i]};
    }
}

/* Of each camera's colours, 3 × 1 × 1 as LeRobot has them. */
static void add_colours(struct stats *s, const struct et__recipe_pictures *p)
{
    static const int64_t SHAPE[] = {3, 1, 1};
    for (size_t i = 0; i < p->n_cameras; i++)
        for (size_t is_deviation = 0; is_deviation < 2; is_deviation++, s->n++) {
            (void)snprintf(s->names[s->n], sizeof *s->names, "%s.%s", p->features[i],
                           is_deviation ? "std" : "mean");
            s->tensors[s->n] =
                (struct et_tensor){.name = s->names[s->n],
                                   .type = ET_TENSOR_F32,
                                   .shape = SHAPE,
                                   .n_dims = 3,
                                   .bytes = is_deviation ? p->deviation[i] : p->mean[i]};
        }
}

static enum et_status write_normal(const char *folder, const struct et__saved *saved,
                                   struct et_err *err)
{
    const struct et__recipe *r = &saved->recipe;
    const size_t n_robots = r->n_robots > 1 ? r->n_robots : 1;
    char path[ET_PATH_BYTES_MAX];
    float *deviation = calloc(n_robots * r->n_in + 1, sizeof *deviation);
    struct stats *s = calloc(1, sizeof *s);
    enum et_status st = deviation && s
                            ? path_of(folder, PRE_FILE, path, err)
                            : et_fail(err, ET_ENOMEM, -1, "no memory for a policy's normalisation");
    if (st == ET_OK) {
        s->n_own = (int64_t)r->n_own;
        s->n_around = (int64_t)r->n_around;
        s->n_out = (int64_t)r->n_out;
        for (size_t i = 0; i < n_robots; i++)
            add_stats(s, r, &saved->normal[i], i, deviation + i * r->n_in);
        add_colours(s, &r->pictures);
        st = et_safetensors_write(path, s->tensors, s->n, NULL, 0, err);
    }
    if (st == ET_OK)
        st = path_of(folder, POST_FILE, path, err);
    if (st == ET_OK)
        st = et_safetensors_write(path, s->tensors, N_STATS_OUT, NULL, 0, err);
    free(s);
    free(deviation);
    return st;
}

static void put_texts(struct et_json_writer *w, const char *key, const char *const *texts, size_t n)
{
    et_json_key(w, key);
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++)
        et_json_text(w, texts[i]);
    et_json_close_list(w);
}

/* Each by its id, and its joints where it lacks some. */
static void put_robots(struct et_json_writer *w, const struct et__recipe *r)
{
    et_json_key(w, "robots");
    et_json_open_list(w);
    for (size_t i = 0; i < r->n_robots; i++) {
        const struct et__recipe_robot *robot = &r->robots[i];
        et_json_open_map(w);
        et_json_put_text(w, "robot", robot->id);
        if (robot->places && robot->n_joints < r->n_joints) {
            et_json_key(w, "joints");
            et_json_open_list(w);
            for (size_t k = 0; k < robot->n_joints; k++)
                et_json_int(w, (int64_t)robot->places[k]);
            et_json_close_list(w);
        }
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static enum et_status write_recipe(const char *folder, const struct et__saved *saved,
                                   struct et_err *err)
{
    const struct et__recipe *r = &saved->recipe;
    struct et_buf buf = et_buf(JSON_BYTES_MAX);
    struct et_json_writer w = {.buf = &buf, .indent = 2};
    et_json_open_map(&w);
    et_json_put_int(&w, "etude_policy", VERSION);
    et_json_put_text(&w, "policy", saved->settings.policy);
    put_robots(&w, r);
    et_json_put_text(&w, "dataset", saved->dataset);
    et_json_put_int(&w, "step", saved->step);
    put_texts(&w, "joints", r->joints, r->n_joints);
    put_texts(&w, "scene", r->scene, r->n_scene);
    et_json_key(&w, "touches");
    et_json_open_list(&w);
    for (size_t i = 0; i < r->n_touches; i++) {
        et_json_open_map(&w);
        et_json_put_text(&w, "feature", r->touches[i].feature);
        et_json_put_int(&w, "n", (int64_t)r->touches[i].n);
        et_json_close_map(&w);
    }
    et_json_close_list(&w);
    put_texts(&w, "cameras", r->pictures.features, r->pictures.n_cameras);
    et_json_put_int(&w, "picture_width", r->pictures.width_px);
    et_json_put_int(&w, "picture_height", r->pictures.height_px);
    put_texts(&w, "phases", r->phases, r->n_phases);
    et_json_put_int(&w, "first_phase", (int64_t)r->first_phase);
    put_texts(&w, "tasks", saved->tasks, saved->n_tasks);
    et_json_put_real(&w, "seen_most", (double)saved->normal->most);
    et_json_put_bool(&w, "has_gaps", r->has_gaps);
    et_json_put_bool(&w, "gives_changes", r->gives_changes);
    et_json_put_bool(&w, "sees_command", r->sees_command);
    et_json_put_bool(&w, "knows_hands", r->knows_hands);
    et_json_put_bool(&w, "knows_phase", r->knows_phase);
    et_json_key(&w, "settings");
    et_json_open_map(&w);
    et__train_settings_put(&w, &saved->settings);
    et_json_close_map(&w);
    et_json_close_map(&w);
    return write_buf(folder, "etude.json", &buf, err);
}

enum et_status et__policy_write(const char *folder, const struct et__saved *saved,
                                const struct et__net *net, const et__real *values,
                                struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    const struct et__weights weights = {"", (float *)(uintptr_t)values}; // is only read
    enum et_status st = path_of(folder, "model.safetensors", path, err);
    if (st == ET_OK)
        st = et__weights_write(path, &net->params, &weights, 1, err);
    if (st == ET_OK)
        st = write_normal(folder, saved, err);
    if (st == ET_OK)
        st = write_processors(folder, &saved->recipe, err);
    if (st == ET_OK)
        st = write_recipe(folder, saved, err);
    return st == ET_OK ? write_config(folder, saved, net, err) : st;
}

/* ---- reading ---- */

struct reader {
    const char *path;
    struct et_arena *arena;
    struct et_err *err;
};

static enum et_status wrong(const struct reader *r, const char *what)
{
    return et_fail(r->err, ET_ECORRUPT, -1, "%.200s: %s", r->path, what);
}

static enum et_status take_texts(const struct reader *r, const struct et_value *json,
                                 const char *key, const char *const **texts, size_t *n)
{
    const struct et_value *list = et_value_get(json, key);
    *n = et_value_count(list);
    if (*n > NUMBERS_MAX)
        return wrong(r, "a list is too long");
    const char **to = et_arena_array(r->arena, *n, sizeof *to);
    if (!to)
        return et_arena_fail(r->arena, "a policy's texts", r->err);
    for (size_t i = 0; i < *n; i++)
        if (!(to[i] = et_value_text(et_value_at(list, i), NULL)))
            return wrong(r, "a name is no text");
    *texts = to;
    return ET_OK;
}

static enum et_status take_touches(const struct reader *r, const struct et_value *json,
                                   struct et__recipe *recipe)
{
    const struct et_value *list = et_value_get(json, "touches");
    recipe->n_touches = et_value_count(list);
    if (recipe->n_touches > ET__RECIPE_TOUCHES_MAX)
        return wrong(r, "too many features of touch");
    for (size_t i = 0; i < recipe->n_touches; i++) {
        const struct et_value *item = et_value_at(list, i);
        const int64_t n = et_value_int(et_value_get(item, "n"), 0);
        const char *feature = et_value_text(et_value_get(item, "feature"), NULL);
        if (!feature || n < 1 || n > NUMBERS_MAX)
            return wrong(r, "a feature of touch has no name, or no size");
        recipe->touches[i] = (struct et__recipe_touch){feature, (size_t)n};
    }
    return ET_OK;
}

static enum et_status take_cameras(const struct reader *r, const struct et_value *json,
                                   struct et__saved *saved)
{
    struct et__recipe_pictures *p = &saved->recipe.pictures;
    const char *const *features;
    const int64_t width = et_value_int(et_value_get(json, "picture_width"), 0);
    const int64_t height = et_value_int(et_value_get(json, "picture_height"), 0);
    const enum et_status st = take_texts(r, json, "cameras", &features, &p->n_cameras);
    if (st != ET_OK || p->n_cameras == 0)
        return st;
    if (p->n_cameras > ET__RECIPE_CAMERAS_MAX || width < 1 || height < 1 || width > SIDE_MAX ||
        height > SIDE_MAX)
        return wrong(r, "too many cameras, or pictures of no such size");
    for (size_t i = 0; i < p->n_cameras; i++) {
        p->features[i] = features[i];
        if (!et_str_starts(et_str(features[i]), IMAGES))
            return wrong(r, "a camera's feature does not begin with " IMAGES);
    }
    p->width_px = (int)width;
    p->height_px = (int)height;
    et__recipe_size(p, saved->settings.picture_px, saved->settings.shift_px);
    return ET_OK;
}

static enum et_status take_places(const struct reader *r, const struct et_value *list,
                                  size_t n_joints, struct et__recipe_robot *robot)
{
    const size_t n = et_value_count(list);
    size_t *places = et_arena_array(r->arena, n, sizeof *places);
    if (!places)
        return et_arena_fail(r->arena, "a policy's robots", r->err);
    for (size_t i = 0; i < n; i++) {
        const int64_t place = et_value_int(et_value_at(list, i), -1);
        if (place < (i ? (int64_t)places[i - 1] + 1 : 0) || place >= (int64_t)n_joints)
            return wrong(r, "a robot's joints are none of the policy's, or not in their order");
        places[i] = (size_t)place;
    }
    robot->places = places;
    robot->n_joints = n;
    return ET_OK;
}

static enum et_status take_robots(const struct reader *r, const struct et_value *json,
                                  struct et__recipe *recipe)
{
    const struct et_value *list = et_value_get(json, "robots");
    const size_t n = et_value_count(list);
    struct et__recipe_robot *robots = et_arena_array(r->arena, n, sizeof *robots);
    if (n > ET__RECIPE_ROBOTS_MAX)
        return wrong(r, "there are too many robots");
    if (!robots)
        return et_arena_fail(r->arena, "a policy's robots", r->err);
    for (size_t i = 0; i < n; i++) {
        const struct et_value *item = et_value_at(list, i), *joints = et_value_get(item, "joints");
        robots[i].id = et_value_text(et_value_get(item, "robot"), NULL);
        robots[i].n_joints = recipe->n_joints;
        const enum et_status st =
            joints ? take_places(r, joints, recipe->n_joints, &robots[i]) : ET_OK;
        if (st != ET_OK)
            return st;
    }
    recipe->robots = robots;
    recipe->n_robots = n;
    return ET_OK;
}

static enum et_status take_recipe(const struct reader *r, const struct et_value *json,
                                  struct et__saved *saved)
{
    struct et__recipe *recipe = &saved->recipe;
    if (et_value_int(et_value_get(json, "etude_policy"), 0) != VERSION)
        return et_fail(r->err, ET_EUNSUPPORTED, -1, "%.200s is of another version than %d", r->path,
                       VERSION);
    enum et_status st = et_train_settings(et_value_text(et_value_get(json, "policy"), ""),
                                          &saved->settings, r->err);
    if (st != ET_OK)
        return et_err_context(r->err, "%.200s", r->path);
    st = et__train_settings_take(et_value_get(json, "settings"), r->path, &saved->settings, r->err);
    if (st == ET_OK)
        st = take_texts(r, json, "joints", &recipe->joints, &recipe->n_joints);
    if (st == ET_OK)
        st = take_texts(r, json, "scene", &recipe->scene, &recipe->n_scene);
    if (st == ET_OK)
        st = take_texts(r, json, "phases", &recipe->phases, &recipe->n_phases);
    if (st == ET_OK)
        st = take_texts(r, json, "tasks", &saved->tasks, &saved->n_tasks);
    if (st == ET_OK)
        st = take_touches(r, json, recipe);
    if (st == ET_OK)
        st = take_cameras(r, json, saved);
    if (st != ET_OK)
        return st;
    recipe->tasks = saved->tasks;
    recipe->n_tasks = saved->n_tasks;
    saved->dataset = et_value_text(et_value_get(json, "dataset"), NULL);
    saved->step = et_value_int(et_value_get(json, "step"), -1);
    const double most = et_value_real(et_value_get(json, "seen_most"), (double)ET__SEEN_MAX);
    if (!(most >= 0 && most <= SEEN_MOST_MAX))
        return wrong(r, "seen_most is no number to hold within");
    for (size_t i = 0; i < ET__RECIPE_ROBOTS_MAX; i++)
        saved->normal[i].most = (float)most;
    const int64_t first = et_value_int(et_value_get(json, "first_phase"), 0);
    recipe->sees_command = et_value_bool(et_value_get(json, "sees_command"), false);
    recipe->knows_hands = et_value_bool(et_value_get(json, "knows_hands"), false);
    recipe->knows_phase = et_value_bool(et_value_get(json, "knows_phase"), false);
    recipe->has_gaps = et_value_bool(et_value_get(json, "has_gaps"), false);
    recipe->gives_changes = et_value_bool(et_value_get(json, "gives_changes"), false);
    recipe->n_history = (size_t)saved->settings.history;
    if (recipe->n_joints == 0)
        return wrong(r, "there are no joints");
    st = take_robots(r, json, recipe);
    if (st != ET_OK)
        return st;
    if (first < 0 || (recipe->knows_phase && (size_t)first >= recipe->n_phases))
        return wrong(r, "first_phase is none of the phases");
    recipe->first_phase = (size_t)first;
    return et__recipe_make(recipe, r->arena, r->err);
}

/* n floats of a tensor. */
static enum et_status take_floats(const struct reader *r, const struct et_safetensors *file,
                                  const char *name, size_t n, float *to)
{
    const struct et_tensor *tensor = et_safetensors_find(file, name);
    if (!tensor || tensor->n_values != (int64_t)n)
        return et_fail(r->err, ET_ECORRUPT, -1, "%.200s: %s is not %zu numbers", r->path, name, n);
    return et_tensor_floats(tensor, to, r->err);
}

/* Policies of before cameras had colours of their own are of ImageNet's. */
static enum et_status take_colours(const struct reader *r, const struct et_safetensors *file,
                                   struct et__recipe_pictures *p)
{
    char name[ET_NAME_BYTES_MAX + 8];
    enum et_status st = ET_OK;
    et__recipe_imagenet(p);
    for (size_t i = 0; st == ET_OK && i < p->n_cameras; i++) {
        (void)snprintf(name, sizeof name, "%s.mean", p->features[i]);
        if (!et_safetensors_find(file, name))
            continue;
        st = take_floats(r, file, name, 3, p->mean[i]);
        (void)snprintf(name, sizeof name, "%s.std", p->features[i]);
        if (st == ET_OK)
            st = take_floats(r, file, name, 3, p->deviation[i]);
    }
    if (st == ET_OK && et__recipe_check_colours(p, r->err) != ET_OK)
        st = et_err_context(r->err, "%.200s", r->path);
    return st;
}

static enum et_status read_normal(const struct reader *r, const struct et_safetensors *file,
                                  const struct et__recipe *recipe, size_t i_robot,
                                  struct et__normal *n)
{
    const size_t own = recipe->n_own, around = recipe->n_around, out = recipe->n_out;
    const size_t sizes[N_STATS] = {out, out, own, own, around, around};
    const float most = n->most;
    enum et_status st = et__normal_make(n, recipe->n_in, out, r->arena, r->err);
    n->most = most;
    float *const to[N_STATS] = {n->out_mean, n->out_deviation, n->in_mean,
                                n->in_scale, n->in_mean + own, n->in_scale + own};
    for (size_t i = 0; st == ET_OK && i < (around ? N_STATS : N_STATS - 2); i++) {
        char name[STAT_BYTES];
        name_stat(i_robot, i, name);
        st = take_floats(r, file, name, sizes[i], to[i]);
    }
    for (size_t i = 0; st == ET_OK && i < recipe->n_in; i++) {
        if (!(n->in_scale[i] >= 0) || !(n->in_mean[i] - n->in_mean[i] == 0))
            st = wrong(r, "a mean or a deviation is no number");
        n->in_scale[i] = n->in_scale[i] >= NOTHING ? 0 : 1 / (n->in_scale[i] + EPSILON);
    }
    for (size_t i = 0; st == ET_OK && i < out; i++)
        if (!(n->out_deviation[i] >= 0 && n->out_deviation[i] < NOTHING) ||
            !(n->out_mean[i] - n->out_mean[i] == 0))
            st = wrong(r, "a mean or a deviation is no number");
    return st;
}

static enum et_status read_normals(const struct reader *r, struct et__saved *saved)
{
    const struct et__recipe *recipe = &saved->recipe;
    struct et_safetensors *file = NULL;
    enum et_status st = et_safetensors_open(&file, r->path, r->err);
    for (size_t i = 0; st == ET_OK && (i == 0 || i < recipe->n_robots); i++)
        st = read_normal(r, file, recipe, i, &saved->normal[i]);
    if (st == ET_OK)
        st = take_colours(r, file, &saved->recipe.pictures);
    et_safetensors_close(file);
    return st;
}

enum et_status et__policy_read(const char *folder, struct et_arena *arena, struct et__saved *saved,
                               struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    const struct reader r = {.path = path, .arena = arena, .err = err};
    const struct et_value *json;
    *saved = (struct et__saved){.step = -1};
    enum et_status st = path_of(folder, "etude.json", path, err);
    if (st == ET_OK)
        st = et_json_read(path, JSON_BYTES_MAX, NULL, arena, &json, err);
    if (st == ET_ENOTFOUND)
        return et_fail(err, st, -1,
                       "%.200s is missing: make a policy of another's with etude policy import",
                       path);
    if (st == ET_OK)
        st = take_recipe(&r, json, saved);
    if (st == ET_OK)
        st = path_of(folder, PRE_FILE, path, err);
    return st == ET_OK ? read_normals(&r, saved) : st;
}

enum et_status et__policy_read_values(const char *folder, const struct et__net *net,
                                      et__real *values, struct et_err *err)
{
    char path[ET_PATH_BYTES_MAX];
    const struct et__weights weights = {"", values};
    const enum et_status st = path_of(folder, "model.safetensors", path, err);
    return st == ET_OK ? et__weights_read(path, &net->params, &weights, 1, err) : st;
}
