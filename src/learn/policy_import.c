/* A checkpoint of LeRobot's ACT as a policy of ours: config.json says what the network is,
 * model.safetensors what it learned, and the processors, or in older ones the same file, what is
 * normalised by. What we do not do is refused by its name, never left out. */
#include "etude/policy_exchange.h"

#include "etude/file.h"
#include "etude/policy.h"
#include "etude/safetensors.h"
#include "learn/learn__checkpoint.h"
#include "learn/learn__weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)16 << 30)
#define JSON_BYTES_MAX ((size_t)4 << 20)
#define VALUES_MAX 100000 // of a feature
#define STATE "observation.state"
#define SCENE "observation.environment_state"
#define ACTION "action"
#define IMAGES "observation.images."
#define SIDE_MAX 8192                        // of a picture, px
#define PICTURE_LEAST 16                     // picture_px's in etude/train.h
#define PLACES_MAX 8192                      // of all cameras' maps
#define PLACE_PX 32                          // of a picture, across a place of ResNet's map
#define STAT_BYTES 16                        // ".mean", as files call what is normalised by
#define COLOUR_EPSILON 1e-8F                 // that LeRobot adds to deviations
#define CONSTANT "model.vae_encoder_pos_enc" // a buffer of LeRobot's, which is worked out

struct import {
    const struct et_policy_import_options *options;
    struct et_arena *arena;
    const char *folder;
    const struct et_value *config;
    struct et_safetensors *weights;
    struct et__saved saved;
    struct et__net net;
    size_t n_state, n_scene, n_action;
    struct et_err *err;
};

static enum et_status unsupported(const struct import *m, const char *key, const char *why)
{
    return et_fail(m->err, ET_EUNSUPPORTED, -1, "config.json: %.60s: %.200s", key, why);
}

static enum et_status corrupt(const struct import *m, const char *key, const char *why)
{
    return et_fail(m->err, ET_ECORRUPT, -1, "config.json: %.60s %.200s", key, why);
}

static const char *path_of(const struct import *m, const char *name)
{
    return et_path_join(m->arena, m->folder, name);
}

/* ---- config.json ---- */

// What changes how it is trained, where it runs or who has it, but not what it gives.
static const char *const WITHOUT_EFFECT[] = {"n_action_steps",
                                             "device",
                                             "use_amp",
                                             "dropout",
                                             "kl_weight",
                                             "optimizer_lr",
                                             "optimizer_weight_decay",
                                             "optimizer_lr_backbone",
                                             "push_to_hub",
                                             "repo_id",
                                             "private",
                                             "tags",
                                             "license",
                                             "pretrained_path",
                                             "use_peft",
                                             "pretrained_backbone_weights",
                                             "n_obs_steps",
                                             "rtc_config",
                                             "compile_model",
                                             "compile_mode",
                                             "drop_n_last_frames"};
static const char *const TAKEN[] = {"type",
                                    "chunk_size",
                                    "input_features",
                                    "output_features",
                                    "normalization_mapping",
                                    "vision_backbone",
                                    "replace_final_stride_with_dilation",
                                    "pre_norm",
                                    "dim_model",
                                    "n_heads",
                                    "dim_feedforward",
                                    "feedforward_activation",
                                    "n_encoder_layers",
                                    "n_decoder_layers",
                                    "use_vae",
                                    "latent_dim",
                                    "n_vae_encoder_layers",
                                    "temporal_ensemble_coeff"};

static bool is_among(const char *key, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

/* A key that nobody here knows may change all; one that is off changes nothing. */
static enum et_status check_keys(const struct import *m)
{
    for (size_t i = 0; i < et_value_count(m->config); i++) {
        const char *key = m->config->as.many.keys[i].p;
        const struct et_value *value = et_value_at(m->config, i);
        const bool is_off = value->kind == ET_VALUE_NULL ||
                            (value->kind == ET_VALUE_BOOL && !et_value_bool(value, true)) ||
                            ((value->kind == ET_VALUE_MAP || value->kind == ET_VALUE_LIST) &&
                             et_value_count(value) == 0);
        if (!is_off && !is_among(key, TAKEN, sizeof TAKEN / sizeof *TAKEN) &&
            !is_among(key, WITHOUT_EFFECT, sizeof WITHOUT_EFFECT / sizeof *WITHOUT_EFFECT))
            return unsupported(m, key, "a setting that is not known here");
    }
    return ET_OK;
}

/* A whole number within [least, most]. */
static enum et_status take_int(const struct import *m, const char *key, int otherwise, int least,
                               int most, int *to)
{
    const struct et_value *value = et_value_get(m->config, key);
    const int64_t n = value ? et_value_int(value, INT64_MIN) : otherwise;
    if (n < least || n > most)
        return et_fail(m->err, ET_EUNSUPPORTED, -1, "config.json: %s is no number of %d to %d", key,
                       least, most);
    *to = (int)n;
    return ET_OK;
}

static enum et_status check_flags(const struct import *m)
{
    static const char *const OFF[] = {"pre_norm", "replace_final_stride_with_dilation"};
    const char *type = et_value_text(et_value_get(m->config, "type"), "");
    const char *kind = et_value_text(et_value_get(m->config, "feedforward_activation"), "relu");
    if (strcmp(type, "act") != 0)
        return et_fail(m->err, ET_EUNSUPPORTED, -1,
                       "config.json: type \"%.40s\": only \"act\" is imported", type);
    for (size_t i = 0; i < sizeof OFF / sizeof *OFF; i++)
        if (et_value_bool(et_value_get(m->config, OFF[i]), false))
            return unsupported(m, OFF[i], "not done here: it has to be false");
    if (et_value_int(et_value_get(m->config, "n_obs_steps"), 1) != 1)
        return unsupported(m, "n_obs_steps", "more than one observation is not done here");
    if (strcmp(kind, "relu") != 0)
        return unsupported(m, "feedforward_activation", "only \"relu\" is done here");
    return ET_OK;
}

static enum et_status take_sizes(struct import *m)
{
    struct et_train_settings *s = &m->saved.settings;
    enum et_status st = et_train_settings("act", s, m->err);
    const struct et__recipe_pictures *p = &m->saved.recipe.pictures;
    s->sees_command = s->sees_touch = s->knows_hands = s->knows_phase = false;
    s->sees_pictures = s->resnet = p->n_cameras > 0;
    s->shift_px = 0; // pictures are seen as they come
    s->picture_px = p->width_px > PICTURE_LEAST ? p->width_px : PICTURE_LEAST;
    s->rate_hz = m->options->rate_hz;
    if (st == ET_OK)
        st = take_int(m, "chunk_size", 100, 1, 1000, &s->chunk);
    if (st == ET_OK)
        st = take_int(m, "dim_model", 512, 2, 8192, &s->width);
    if (st == ET_OK)
        st = take_int(m, "n_heads", 8, 1, 64, &s->heads);
    if (st == ET_OK)
        st = take_int(m, "dim_feedforward", 3200, 1, 32768, &s->between);
    if (st == ET_OK)
        st = take_int(m, "n_encoder_layers", 4, 1, 16, &s->layers);
    if (st == ET_OK)
        st = take_int(m, "n_decoder_layers", 1, 1, 16, &s->decoder_layers);
    if (st == ET_OK)
        st = take_int(m, "latent_dim", 32, 1, 1024, &s->latent);
    if (st == ET_OK)
        st = take_int(m, "n_vae_encoder_layers", 4, 0, 16, &s->vae_layers);
    if (!et_value_bool(et_value_get(m->config, "use_vae"), true))
        s->vae_layers = 0;
    const double ensemble = et_value_real(et_value_get(m->config, "temporal_ensemble_coeff"), -1);
    s->ensemble = ensemble;
    if (st == ET_OK && !(ensemble >= -1 && ensemble <= 10))
        st = unsupported(m, "temporal_ensemble_coeff", "out of 0 to 10");
    if (st == ET_OK && s->width % s->heads != 0)
        st = corrupt(m, "dim_model", "is no multiple of n_heads");
    if (st == ET_OK && s->width % 2 != 0)
        st = corrupt(m, "dim_model", "is odd");
    if (st == ET_OK && p->n_cameras > 0 && s->width % 4 != 0)
        st = corrupt(m, "dim_model", "is no multiple of 4, which places in pictures need");
    return st;
}

/* One number of values of a feature of a vector. */
static enum et_status take_shape(const struct import *m, const char *name,
                                 const struct et_value *feature, size_t *n)
{
    const struct et_value *shape = et_value_get(feature, "shape");
    const int64_t size = et_value_int(et_value_at(shape, 0), 0);
    if (et_value_count(shape) != 1 || size < 1 || size > VALUES_MAX)
        return corrupt(m, name, "has no shape of one size");
    *n = (size_t)size;
    return ET_OK;
}

static enum et_status take_side(const struct import *m, const char *name,
                                const struct et_value *value, int *to)
{
    const int64_t n = et_value_int(value, 0);
    if (n < 1 || n > SIDE_MAX)
        return et_fail(m->err, ET_EUNSUPPORTED, -1,
                       "config.json: %.60s: a side of its pictures is none of 1 to %d px", name,
                       SIDE_MAX);
    *to = (int)n;
    return ET_OK;
}

static enum et_status take_camera(struct import *m, const char *name,
                                  const struct et_value *feature)
{
    struct et__recipe_pictures *p = &m->saved.recipe.pictures;
    const struct et_value *shape = et_value_get(feature, "shape");
    int height = 0, width = 0;
    if (strncmp(name, IMAGES, strlen(IMAGES)) != 0)
        return unsupported(m, name, "pictures that are not called " IMAGES "…");
    if (strlen(name) > ET_NAME_BYTES_MAX - STAT_BYTES)
        return unsupported(m, name, "its name is too long");
    if (et_value_count(shape) != 3 || et_value_int(et_value_at(shape, 0), 0) != 3)
        return corrupt(m, name, "has no shape of 3 × height × width");
    enum et_status st = take_side(m, name, et_value_at(shape, 1), &height);
    if (st == ET_OK)
        st = take_side(m, name, et_value_at(shape, 2), &width);
    if (st != ET_OK)
        return st;
    if (p->n_cameras == ET__RECIPE_CAMERAS_MAX)
        return et_fail(m->err, ET_EUNSUPPORTED, -1, "config.json: %.60s: more than %d cameras",
                       name, ET__RECIPE_CAMERAS_MAX);
    if (p->n_cameras > 0 && (height != p->height_px || width != p->width_px))
        return et_fail(m->err, ET_EUNSUPPORTED, -1,
                       "config.json: %.60s: pictures of %d × %d px, %.60s has %d × %d: all have to "
                       "be of one size",
                       name, width, height, p->features[0], p->width_px, p->height_px);
    p->features[p->n_cameras++] = name;
    p->width_px = width;
    p->height_px = height;
    return ET_OK;
}

/* What looks at pictures; of no effect where there are none. */
static enum et_status check_backbone(const struct import *m)
{
    const struct et__recipe_pictures *p = &m->saved.recipe.pictures;
    const struct et_value *value = et_value_get(m->config, "vision_backbone");
    const char *backbone = value ? et_value_text(value, "") : "resnet18";
    const size_t n_places = p->n_cameras * (size_t)((p->height_px + PLACE_PX - 1) / PLACE_PX) *
                            (size_t)((p->width_px + PLACE_PX - 1) / PLACE_PX);
    if (p->n_cameras == 0)
        return ET_OK;
    if (strcmp(backbone, "resnet18") != 0)
        return et_fail(m->err, ET_EUNSUPPORTED, -1,
                       "config.json: vision_backbone \"%.40s\": only \"resnet18\" is done here",
                       backbone);
    if (n_places > PLACES_MAX)
        return et_fail(m->err, ET_EUNSUPPORTED, -1,
                       "config.json: input_features: pictures of %zu places, more than %d",
                       n_places, PLACES_MAX);
    return ET_OK;
}

static enum et_status take_input(struct import *m, const char *name, const struct et_value *feature)
{
    const char *type = et_value_text(et_value_get(feature, "type"), "");
    if (strcmp(type, "VISUAL") == 0)
        return take_camera(m, name, feature);
    if (strcmp(name, STATE) == 0)
        return take_shape(m, name, feature, &m->n_state);
    if (strcmp(name, SCENE) == 0)
        return take_shape(m, name, feature, &m->n_scene);
    return unsupported(m, name, "an input that is not known here");
}

static enum et_status take_features(struct import *m)
{
    const struct et_value *inputs = et_value_get(m->config, "input_features");
    const struct et_value *outputs = et_value_get(m->config, "output_features");
    if (!inputs || inputs->kind != ET_VALUE_MAP || !outputs || outputs->kind != ET_VALUE_MAP)
        return corrupt(m, "input_features, output_features",
                       "are missing: LeRobot writes them since 2025");
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < et_value_count(inputs); i++)
        st = take_input(m, inputs->as.many.keys[i].p, et_value_at(inputs, i));
    if (st == ET_OK)
        st = check_backbone(m);
    if (st == ET_OK && m->n_state == 0)
        st = unsupported(m, "input_features", "a policy that does not see " STATE);
    if (st == ET_OK && et_value_count(outputs) != 1)
        st = unsupported(m, "output_features", "more than, or another than, " ACTION);
    if (st == ET_OK)
        st = take_shape(m, ACTION, et_value_get(outputs, ACTION), &m->n_action);
    if (st == ET_OK && m->n_state != m->n_action)
        st = et_fail(m->err, ET_EUNSUPPORTED, -1,
                     "config.json: " STATE " has %zu values, " ACTION
                     " %zu: they have to be the same joints",
                     m->n_state, m->n_action);
    return st;
}

/* ---- what is normalised by ---- */

// Where the statistics lie, and how each feature is normalised.
struct normal {
    struct et_safetensors *file;
    const char *path, *prefix; // "normalize_inputs.buffer_"; "": names as they are
    const struct et_value *map;
};

static enum et_status take_stat(const struct import *m, const struct normal *n, const char *feature,
                                const char *stat, size_t n_values, float *to)
{
    char name[ET_NAME_BYTES_MAX + 60];
    (void)snprintf(name, sizeof name, "%s%s", n->prefix, feature);
    for (char *p = name + strlen(n->prefix); n->prefix[0] && *p; p++)
        *p = *p == '.' ? '_' : *p;
    const size_t at = strlen(name);
    (void)snprintf(name + at, sizeof name - at, ".%s", stat);
    const struct et_tensor *tensor = et_safetensors_find(n->file, name);
    if (!tensor || tensor->n_values != (int64_t)n_values)
        return et_fail(m->err, ET_ECORRUPT, -1, "%.200s: %s is not %zu numbers", n->path, name,
                       n_values);
    const enum et_status st = et_tensor_floats(tensor, to, m->err);
    for (size_t i = 0; st == ET_OK && i < n_values; i++)
        if (!isfinite(to[i]))
            return et_fail(m->err, ET_ECORRUPT, -1, "%.200s: value %zu of %s is no number", n->path,
                           i, name);
    return st;
}

/* From the ends of a range, which become −1 and 1. */
static enum et_status take_range(const struct import *m, const struct normal *n,
                                 const char *feature, const char *const ends[2], size_t n_values,
                                 float *mean, float *deviation)
{
    const bool is_action = strcmp(feature, ACTION) == 0;
    enum et_status st = take_stat(m, n, feature, ends[0], n_values, mean);
    if (st == ET_OK)
        st = take_stat(m, n, feature, ends[1], n_values, deviation);
    for (size_t i = 0; st == ET_OK && i < n_values; i++) {
        const double least = (double)mean[i], most = (double)deviation[i];
        if (most < least || (most <= least && !is_action))
            return et_fail(m->err, ET_EUNSUPPORTED, -1,
                           "%.200s: %s of %s, value %zu, is not below %s", n->path, ends[0],
                           feature, i, ends[1]);
        mean[i] = (float)((least + most) / 2);
        deviation[i] = (float)((most - least) / 2);
    }
    return st;
}

/* What a map says nothing of stays as it is, as in LeRobot, whose own map leaves ENV out. */
static const char *mode_of(const struct normal *n, const char *type)
{
    const struct et_value *mode = et_value_get(n->map, type);
    const bool is_theirs = !n->map && strcmp(type, "ENV") != 0;
    return mode ? et_value_text(mode, "") : is_theirs ? "MEAN_STD" : "IDENTITY";
}

static enum et_status take_feature(const struct import *m, const struct normal *n,
                                   const char *feature, const char *type, size_t n_values,
                                   float *mean, float *deviation)
{
    static const char *const MODES[][3] = {
        {"MIN_MAX", "min", "max"}, {"QUANTILES", "q01", "q99"}, {"QUANTILE10", "q10", "q90"}};
    const char *mode = mode_of(n, type);
    if (strcmp(mode, "MEAN_STD") == 0) {
        const enum et_status st = take_stat(m, n, feature, "mean", n_values, mean);
        return st == ET_OK ? take_stat(m, n, feature, "std", n_values, deviation) : st;
    }
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++)
        if (strcmp(mode, MODES[i][0]) == 0)
            return take_range(m, n, feature, MODES[i] + 1, n_values, mean, deviation);
    for (size_t i = 0; strcmp(mode, "IDENTITY") == 0 && i < n_values; i++) {
        mean[i] = 0;
        deviation[i] = 1;
    }
    return strcmp(mode, "IDENTITY") == 0
               ? ET_OK
               : et_fail(m->err, ET_EUNSUPPORTED, -1, "%s is normalised by %.40s: not done here",
                         type, mode);
}

static enum et_status take_colours(struct import *m, const struct normal *n)
{
    struct et__recipe_pictures *p = &m->saved.recipe.pictures;
    const bool is_added = strcmp(mode_of(n, "VISUAL"), "MEAN_STD") == 0;
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < p->n_cameras; i++) {
        st = take_feature(m, n, p->features[i], "VISUAL", 3, p->mean[i], p->deviation[i]);
        for (size_t c = 0; st == ET_OK && is_added && c < 3; c++)
            p->deviation[i][c] += COLOUR_EPSILON;
    }
    if (st == ET_OK && et__recipe_check_colours(p, m->err) != ET_OK)
        st = et_err_context(m->err, "%.200s", n->path);
    return st;
}

static enum et_status take_inputs(struct import *m, const struct normal *n)
{
    struct et__normal *to = m->saved.normal;
    const size_t own = m->n_state;
    enum et_status st = take_feature(m, n, STATE, "STATE", own, to->in_mean, to->in_scale);
    if (st == ET_OK && m->n_scene)
        st = take_feature(m, n, SCENE, "ENV", m->n_scene, to->in_mean + own, to->in_scale + own);
    for (size_t i = 0; st == ET_OK && i < own + m->n_scene; i++) {
        if (!(to->in_scale[i] >= 0))
            return et_fail(m->err, ET_ECORRUPT, -1, "%.200s: a deviation is negative", n->path);
        to->in_scale[i] = 1 / to->in_scale[i]; // of a constant infinite; LeRobot's 1e-8 is added
                                               // where it is read
    }
    return st == ET_OK ? take_colours(m, n) : st;
}

static enum et_status take_outputs(struct import *m, const struct normal *n)
{
    struct et__normal *to = m->saved.normal;
    const enum et_status st =
        take_feature(m, n, ACTION, "ACTION", m->n_action, to->out_mean, to->out_deviation);
    for (size_t i = 0; st == ET_OK && i < m->n_action; i++)
        if (!(to->out_deviation[i] >= 0))
            return et_fail(m->err, ET_ECORRUPT, -1, "%.200s: a deviation is negative", n->path);
    return st;
}

/* ---- processors ---- */

/* The step that normalises, in a pipeline whose other steps change no numbers. */
static enum et_status find_step(const struct import *m, const char *path, const char *name,
                                const struct et_value **found)
{
    static const char *const HARMLESS[] = {"rename_observations_processor", "to_batch_processor",
                                           "device_processor"};
    const struct et_value *json, *steps;
    *found = NULL;
    const enum et_status st = et_json_read(path, JSON_BYTES_MAX, NULL, m->arena, &json, m->err);
    if (st != ET_OK)
        return st;
    steps = et_value_get(json, "steps");
    for (size_t i = 0; i < et_value_count(steps); i++) {
        const struct et_value *step = et_value_at(steps, i);
        const char *is = et_value_text(et_value_get(step, "registry_name"), "");
        const struct et_value *renames = et_value_get(et_value_get(step, "config"), "rename_map");
        if (strcmp(is, name) == 0)
            *found = step;
        else if (!is_among(is, HARMLESS, sizeof HARMLESS / sizeof *HARMLESS))
            return et_fail(m->err, ET_EUNSUPPORTED, -1,
                           "%.200s: the step \"%.60s\" is not done here", path, is);
        if (et_value_count(renames) > 0)
            return et_fail(m->err, ET_EUNSUPPORTED, -1,
                           "%.200s: rename_map: renaming is not done here", path);
    }
    return *found ? ET_OK
                  : et_fail(m->err, ET_ECORRUPT, -1, "%.200s: has no step \"%s\"", path, name);
}

static enum et_status open_processor(const struct import *m, const char *file, const char *name,
                                     struct normal *n)
{
    const struct et_value *step = NULL;
    const char *path = path_of(m, file);
    if (!path)
        return et_arena_fail(m->arena, "a path", m->err);
    const enum et_status st = find_step(m, path, name, &step);
    if (st != ET_OK)
        return st;
    const char *state = et_value_text(et_value_get(step, "state_file"), "");
    if (!state[0] || strchr(state, '/'))
        return et_fail(m->err, ET_ECORRUPT, -1, "%.200s: state_file of \"%s\" is no name of a file",
                       path, name);
    n->path = path_of(m, state);
    n->prefix = "";
    n->map = et_value_get(et_value_get(step, "config"), "norm_map");
    return n->path ? et_safetensors_open(&n->file, n->path, m->err)
                   : et_arena_fail(m->arena, "a path", m->err);
}

static enum et_status take_normal(struct import *m)
{
    struct normal in = {0}, out = {0};
    enum et_path_kind kind;
    const char *pre = path_of(m, "policy_preprocessor.json");
    enum et_status st =
        pre ? et_path_kind(pre, &kind, m->err) : et_arena_fail(m->arena, "a path", m->err);
    if (st == ET_OK)
        st = et__normal_make(m->saved.normal, m->n_state + m->n_scene, m->n_action, m->arena,
                             m->err);
    m->saved.normal->most = 0;
    if (st != ET_OK)
        return st;
    const bool is_old = kind == ET_PATH_NONE;
    const struct normal old = {.file = m->weights,
                               .path = path_of(m, "model.safetensors"),
                               .map = et_value_get(m->config, "normalization_mapping")};
    in = out = old;
    in.prefix = "normalize_inputs.buffer_";
    out.prefix = "unnormalize_outputs.buffer_";
    if (!is_old) {
        in.file = out.file = NULL;
        st = open_processor(m, "policy_preprocessor.json", "normalizer_processor", &in);
        if (st == ET_OK)
            st = open_processor(m, "policy_postprocessor.json", "unnormalizer_processor", &out);
    }
    if (st == ET_OK)
        st = take_inputs(m, &in);
    if (st == ET_OK)
        st = take_outputs(m, &out);
    if (!is_old) {
        et_safetensors_close(in.file);
        et_safetensors_close(out.file);
    }
    return st;
}

/* ---- the policy ---- */

/* What the file has beside the network is LeRobot's constants; anything else is of another one. */
static enum et_status check_weights(const struct import *m)
{
    for (size_t i = 0; i < et_safetensors_count(m->weights); i++) {
        const char *name = et_safetensors_at(m->weights, i)->name;
        if (strncmp(name, "model.", 6) == 0 && strcmp(name, CONSTANT) != 0 &&
            !et__param_find(&m->net.params, name))
            return et_fail(m->err, ET_ECORRUPT, -1,
                           "model.safetensors has %.100s, which the network of config.json has not",
                           name);
    }
    return ET_OK;
}

static enum et_status make_names(struct import *m)
{
    const struct et_policy_import_options *o = m->options;
    struct et__recipe *r = &m->saved.recipe;
    const char **scene = et_arena_array(m->arena, m->n_scene, sizeof *scene);
    if (o->n_joints != m->n_state)
        return et_fail(m->err, ET_EARG, -1, "%zu names of joints, the checkpoint has %zu",
                       o->n_joints, m->n_state);
    if (o->scene && o->n_scene != m->n_scene)
        return et_fail(m->err, ET_EARG, -1,
                       "%zu names of the environment's numbers, the checkpoint has %zu", o->n_scene,
                       m->n_scene);
    if (!scene)
        return et_arena_fail(m->arena, "a policy's names", m->err);
    for (size_t i = 0; i < m->n_scene; i++) {
        scene[i] = o->scene ? o->scene[i] : et_arena_printf(m->arena, "environment_%zu", i);
        if (!scene[i])
            return et_arena_fail(m->arena, "a policy's names", m->err);
    }
    r->joints = o->joints;
    r->n_joints = o->n_joints;
    r->scene = scene;
    r->n_scene = m->n_scene;
    m->saved.step = -1;
    m->saved.dataset = o->dataset;
    m->saved.tasks = &o->task;
    m->saved.n_tasks = o->task ? 1 : 0;
    et__recipe_size(&r->pictures, m->saved.settings.picture_px, m->saved.settings.shift_px);
    return et__recipe_make(r, m->arena, m->err);
}

static enum et_status read_config(struct import *m)
{
    const char *path = path_of(m, "config.json");
    enum et_status st = path
                            ? et_json_read(path, JSON_BYTES_MAX, NULL, m->arena, &m->config, m->err)
                            : et_arena_fail(m->arena, "a path", m->err);
    if (st == ET_OK && m->config->kind != ET_VALUE_MAP)
        st = corrupt(m, "the file", "is no map");
    if (st == ET_OK)
        st = check_flags(m);
    if (st == ET_OK)
        st = check_keys(m);
    if (st == ET_OK)
        st = take_features(m);
    return st == ET_OK ? take_sizes(m) : st;
}

static enum et_status read_all(struct import *m, const char *from, float **values)
{
    const char *path = NULL;
    enum et_status st = et_arena_open(&m->arena, ARENA_BYTES, m->err);
    if (st == ET_OK)
        st = et__policy_find(from, m->arena, &m->folder, m->err);
    if (st == ET_OK)
        st = read_config(m);
    if (st == ET_OK)
        st = make_names(m);
    if (st == ET_OK && !(path = path_of(m, "model.safetensors")))
        st = et_arena_fail(m->arena, "a path", m->err);
    if (st == ET_OK)
        st = et_safetensors_open(&m->weights, path, m->err);
    if (st == ET_OK)
        st = take_normal(m);
    if (st != ET_OK)
        return st;
    const struct et__net_shape shape = {.n_own = m->n_state,
                                        .n_around = m->n_scene,
                                        .n_out = m->n_action,
                                        .n_steps = (size_t)m->saved.settings.chunk,
                                        .n_cameras = (int)m->saved.recipe.pictures.n_cameras,
                                        .height_px = m->saved.recipe.pictures.seen_height_px,
                                        .width_px = m->saved.recipe.pictures.seen_width_px};
    st = et__net_make(&m->net, &shape, &m->saved.settings, m->arena, m->err);
    if (st == ET_OK)
        st = check_weights(m);
    if (st != ET_OK)
        return st;
    *values = et_arena_array(m->arena, m->net.params.n_values, sizeof **values);
    return *values ? et__policy_read_values(m->folder, &m->net, *values, m->err)
                   : et_arena_fail(m->arena, "a policy's parameters", m->err);
}

/* Written, and opened as whoever uses it will. */
static enum et_status write_all(const struct import *m, const char *to, const float *values)
{
    struct et_policy *policy = NULL;
    enum et_path_kind kind;
    enum et_status st = et_path_kind(to, &kind, m->err);
    if (st == ET_OK && kind != ET_PATH_NONE)
        return et_fail(m->err, ET_EARG, -1, "%.200s is there already", to);
    if (st == ET_OK)
        st = et_dir_make(to, m->err);
    if (st != ET_OK)
        return st;
    st = et__policy_write(to, &m->saved, &m->net, values, m->err);
    if (st == ET_OK)
        st = et_policy_open(&policy, to, NULL, m->err);
    et_policy_close(policy);
    if (st != ET_OK && et_path_remove(to, NULL) != ET_OK)
        return st; // what failed first is told
    return st;
}

enum et_status et_policy_import(const char *from, const char *to,
                                const struct et_policy_import_options *options, struct et_err *err)
{
    struct et_err why = {0};
    struct import m = {.options = options, .err = &why};
    float *values = NULL;
    if (!(options->rate_hz >= 1 && options->rate_hz <= 1000))
        return et_fail(err, ET_EARG, -1, "%g actions a second: say 1 to 1000", options->rate_hz);
    enum et_status st = read_all(&m, from, &values);
    if (st != ET_OK && !(m.folder && strstr(why.text, m.folder)))
        (void)et_err_context(&why, "%.200s", from);
    if (st == ET_OK)
        st = write_all(&m, to, values);
    et_safetensors_close(m.weights);
    et_arena_close(m.arena);
    if (err)
        *err = why;
    return st;
}
