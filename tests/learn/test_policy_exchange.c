/* A policy that is exported gives what it gives; a checkpoint of LeRobot's gives what an ACT that
 * was written apart gives; and what is not done here is refused by its name, with nothing left. */
#include "etude/file.h"
#include "etude/policy.h"
#include "etude/policy_exchange.h"
#include "etude/random.h"
#include "etude/safetensors.h"
#include "policy_made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3" // Debian's, for which python3-numpy and python3-onnx are packaged
#define JOINTS 3
#define SCENES 2
#define SAMPLES 2
#define CAMERAS 2
#define PLACES ((size_t)MADE_WIDTH * MADE_HEIGHT)
#define SEED 5
#define ACTING_KEY 0xac7 // as policy.c draws

static struct et_err err;
static const char *const NAMES[] = {"a", "b", "c", "d", "e"};

/* What Python says of it; 77: it lacks something. */
static int run_python(const char *script, const char *const *words)
{
    const char *argv[12] = {PYTHON, source_path(script)};
    size_t n = 2;
    int status = -1;
    for (; *words; words++)
        argv[n++] = *words;
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        execv(PYTHON, (char *const *)(uintptr_t)argv);
        _exit(77);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* ---- export ---- */

struct sample {
    float state[SAMPLES][JOINTS], scene[SAMPLES][SCENES];
    float noise[SAMPLES][MADE_CHUNK * JOINTS], action[SAMPLES][MADE_CHUNK * JOINTS];
    uint8_t rgb[CAMERAS][SAMPLES][PLACES][3];
    float planes[CAMERAS][SAMPLES][3][PLACES];
};

/* A picture, and the same as ONNX takes it. */
static void draw(struct sample *s, size_t camera, size_t i)
{
    for (size_t k = 0; k < PLACES; k++)
        for (size_t c = 0; c < 3; c++) {
            const double x = et_random_uniform(40 + 2 * camera + i, 3 * k + c);
            s->rgb[camera][i][k][c] = (uint8_t)(256 * x);
            s->planes[camera][i][c][k] = (float)s->rgb[camera][i][k][c] / 255;
        }
}

/* Of a plain recipe what the policy gives is what the network gives. */
static void act(const char *folder, struct sample *s)
{
    struct et_policy *policy;
    double actions[MADE_CHUNK * JOINTS];
    CHECK_OK(et_policy_open(&policy, folder, NULL, &err));
    for (size_t i = 0; policy && i < SAMPLES; i++) {
        for (size_t k = 0; k < JOINTS; k++)
            s->state[i][k] = (float)(i ? 40 : 1) * (float)et_random_normal(20 + i, k); // clipped
        for (size_t k = 0; k < SCENES; k++)
            s->scene[i][k] = (float)et_random_normal(30 + i, k);
        for (size_t camera = 0; camera < CAMERAS; camera++)
            draw(s, camera, i);
        const uint64_t key = et_random_key(et_random_key(SEED + i, ACTING_KEY), 0);
        for (size_t k = 0; k < (size_t)MADE_CHUNK * JOINTS; k++)
            s->noise[i][k] = (float)et_random_normal(key, k);
        const struct et_policy_view views[] = {{.values = s->state[i]},
                                               {.values = s->scene[i]},
                                               {.picture = &s->rgb[0][i][0][0]},
                                               {.picture = &s->rgb[1][i][0][0]}};
        et_policy_begin(policy, SEED + i, 0);
        CHECK_OK(et_policy_chunk(policy, views, actions, &err));
        for (size_t k = 0; k < (size_t)MADE_CHUNK * JOINTS; k++)
            s->action[i][k] = (float)actions[k];
    }
    et_policy_close(policy);
}

static struct et_tensor floats(const char *name, const int64_t *shape, size_t n_dims,
                               const void *values)
{
    return (struct et_tensor){
        .name = name, .type = ET_TENSOR_F32, .shape = shape, .n_dims = n_dims, .bytes = values};
}

/* What the policy gives, as ONNX executed gives it. */
static void export_and_judge(const struct made_policy *made, const char *name)
{
    static const int64_t STATE[] = {SAMPLES, JOINTS}, SCENE[] = {SAMPLES, SCENES},
                         CHUNK[] = {SAMPLES, MADE_CHUNK, JOINTS},
                         PICTURE[] = {SAMPLES, 3, MADE_HEIGHT, MADE_WIDTH};
    static struct sample s;
    const char *folder = temp_path(name), *onnx = temp_path("plain.onnx");
    const char *data = temp_path("plain.safetensors");
    struct et_tensor tensors[6] = {floats("in/observation.state", STATE, 2, s.state),
                                   floats("in/observation.environment_state", SCENE, 2, s.scene),
                                   floats("out/action", CHUNK, 3, s.action)};
    size_t n = 3;
    if (strcmp(made->kind, "flow") == 0)
        tensors[n++] = floats("in/noise", CHUNK, 3, s.noise);
    if (made->n_cameras > 0)
        tensors[n++] = floats("in/observation.images.head", PICTURE, 4, s.planes[0]);
    if (made->n_cameras > 1)
        tensors[n++] = floats("in/observation.images.left_wrist", PICTURE, 4, s.planes[1]);
    CHECK(make_policy(folder, made));
    act(folder, &s);
    CHECK_OK(et_safetensors_write(data, tensors, n, NULL, 0, &err));
    CHECK_OK(et_policy_export(folder, onnx, &err));
    const int code =
        run_python("tests/learn/policy_onnx_check.py",
                   (const char *const[]){onnx, data, "etude.joints=a\nb\nc", "etude.rate_hz=25",
                                         "etude.is_derived=no", "etude.observation.state=joints 3",
                                         "etude.tasks=task 0",
                                         made->n_cameras ? "etude.pictures=24 x 16" : NULL, NULL});
    if (code == 77)
        tap_skip("no python3-onnx, or no python3-numpy");
    else
        CHECK_EQ(code, 0);
}

static void a_plain_policy_gives_as_onnx_what_it_gives(void)
{
    static const char *const KINDS[] = {"mlp", "act", "flow"};
    for (size_t i = 0; i < 3; i++) {
        char name[20];
        (void)snprintf(name, sizeof name, "plain-%s", KINDS[i]);
        export_and_judge(
            &(struct made_policy){
                .kind = KINDS[i], .n_joints = JOINTS, .n_scene = SCENES, .n_tasks = 1},
            name);
    }
}

static void a_policy_that_sees_gives_as_onnx_what_it_gives(void)
{
    static const struct {
        const char *kind;
        size_t n_cameras;
        bool is_resnet;
    } CASES[] = {{"mlp", 1, false},  {"mlp", 2, false}, {"act", 1, false}, {"act", 2, false},
                 {"flow", 2, false}, {"act", 2, true},  {"mlp", 1, true}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char name[20];
        (void)snprintf(name, sizeof name, "seeing-%zu", i);
        export_and_judge(&(struct made_policy){.kind = CASES[i].kind,
                                               .n_joints = JOINTS,
                                               .n_scene = SCENES,
                                               .n_tasks = 1,
                                               .n_cameras = CASES[i].n_cameras,
                                               .is_resnet = CASES[i].is_resnet},
                         name);
    }
}

// What has no colours of its cameras is of before they had their own.
static void a_folder_without_colours_has_those_of_imagenet(void)
{
    static struct sample a, b;
    const char *folder = temp_path("colours");
    struct et_safetensors *file = NULL;
    struct et_tensor kept[20];
    char path[600];
    size_t n = 0;
    CHECK(make_policy(folder,
                      &(struct made_policy){
                          .kind = "act", .n_joints = JOINTS, .n_scene = SCENES, .n_cameras = 1}));
    act(folder, &a);
    (void)snprintf(path, sizeof path, "%s/policy_preprocessor_step_3_normalizer_processor.%s",
                   folder, "safetensors");
    CHECK_OK(et_safetensors_open(&file, path, &err));
    for (size_t i = 0; i < et_safetensors_count(file) && n < 20; i++)
        if (!tap_has(et_safetensors_at(file, i)->name, "images"))
            kept[n++] = *et_safetensors_at(file, i);
    CHECK_EQ(n, et_safetensors_count(file) - 2);
    CHECK_OK(et_safetensors_write(path, kept, n, NULL, 0, &err));
    et_safetensors_close(file);
    act(folder, &b);
    CHECK(memcmp(a.action, b.action, sizeof a.action) == 0);
}

static bool holds(const char *path, const char *words)
{
    size_t n;
    char *bytes = read_file(path, &n);
    const bool is_there = bytes && memmem(bytes, n, words, strlen(words));
    free(bytes);
    return is_there;
}

static void what_is_derived_is_said(void)
{
    const char *folder = temp_path("derived"), *onnx = temp_path("derived.onnx");
    struct made_policy made = {
        .kind = "mlp", .n_joints = JOINTS, .n_scene = SCENES, .n_tasks = 2, .is_derived = true};
    CHECK(make_policy(folder, &made));
    CHECK_OK(et_policy_export(folder, onnx, &err));
    CHECK(holds(onnx, "joints 3, asked - joints 3, seconds in phase 1, phase 3, task 2"));
    CHECK(holds(onnx, "joints 3, phase 3"));
    CHECK(holds(onnx, "p0\np1\np2"));
    CHECK(!holds(onnx, "etude.pictures"));
    made.n_cameras = 1;
    made.picture_px = 18;
    made.shift_px = 2;
    CHECK(make_policy(temp_path("shifted"), &made));
    CHECK_OK(et_policy_export(temp_path("shifted"), onnx, &err));
    CHECK(holds(onnx, "24 x 16, scaled to 18 x 12, the middle 14 x 8"));
}

static void what_cannot_be_exported_is_told_and_writes_nothing(void)
{
    const char *onnx = temp_path("none.onnx");
    CHECK_EQ(et_policy_export(temp_path("nowhere"), onnx, &err), ET_ENOTFOUND);
    CHECK(!file_exists(onnx));
}

/* ---- import ---- */

static const struct et_policy_import_options FIVE = {
    .joints = NAMES, .n_joints = 5, .rate_hz = 30, .task = "pour"};
static const char *acts; // act_numpy.py's folder; NULL: no numpy

static const char *in_acts(const char *name)
{
    static char paths[8][512];
    static size_t i;
    char *path = paths[i++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", acts, name);
    return path;
}

static const float *numbers_of(const struct et_safetensors *file, const char *name)
{
    const struct et_tensor *tensor = et_safetensors_find(file, name);
    return tensor ? tensor->bytes : NULL;
}

/* How far sample i's chunk is from what is wanted. */
static double compare_sample(struct et_policy *policy, const struct et_safetensors *data, size_t i)
{
    const struct et_policy_info *info = et_policy_info(policy);
    const float *wanted = numbers_of(data, "out/action"), *seen = numbers_of(data, "in/pictures");
    struct et_policy_view views[4] = {{.values = numbers_of(data, "in/state") + 5 * i},
                                      {.values = numbers_of(data, "in/environment") + 3 * i}};
    uint8_t *bytes[2] = {NULL};
    double worst = 0, actions[4 * 5];
    const size_t n_cameras = info->n_inputs - info->i_first_picture;
    for (size_t k = 0; seen && k < n_cameras; k++) {
        const struct et_policy_input *camera = &info->inputs[info->i_first_picture + k];
        const float *from = seen + (i * n_cameras + k) * camera->n_values;
        bytes[k] = malloc(camera->n_values);
        for (size_t j = 0; j < camera->n_values; j++)
            bytes[k][j] = (uint8_t)from[j];
        views[info->i_first_picture + k].picture = bytes[k];
    }
    et_policy_begin(policy, 0, 0);
    CHECK_OK(et_policy_chunk(policy, views, actions, &err));
    for (size_t k = 0; k < 20; k++)
        worst = fmax(worst, fabs(actions[k] - (double)wanted[20 * i + k]));
    free(bytes[0]);
    free(bytes[1]);
    return worst;
}

static double compare(const char *folder, const char *data)
{
    struct et_policy *policy;
    struct et_safetensors *file;
    double worst = 0;
    CHECK_OK(et_policy_open(&policy, folder, NULL, &err));
    CHECK_OK(et_safetensors_open(&file, data, &err));
    for (size_t i = 0; i < 4; i++)
        worst = fmax(worst, compare_sample(policy, file, i));
    et_safetensors_close(file);
    et_policy_close(policy);
    return worst;
}

static void a_checkpoint_of_either_layout_gives_what_numpy_gives(void)
{
    static const char *const CASES[] = {"new",        "old",          "range",       "seeing",
                                        "seeing-old", "seeing-range", "seeing-plain"};
    if (!acts) {
        tap_skip("no python3-numpy");
        return;
    }
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char data[40];
        const char *to = temp_path(CASES[i]);
        (void)snprintf(data, sizeof data, "%s.safetensors", CASES[i]);
        CHECK_OK(et_policy_import(in_acts(CASES[i]), to, &FIVE, &err));
        const double worst = compare(to, in_acts(data));
        printf("# %s: %.1e off\n", CASES[i], worst);
        CHECK(worst < 2e-5);
    }
    struct et_policy *policy;
    CHECK_OK(et_policy_open(&policy, temp_path("new"), NULL, &err));
    const struct et_policy_info *info = et_policy_info(policy);
    CHECK_STR(info->kind, "act");
    CHECK_STR(info->joints[4], "e");
    CHECK_STR(info->inputs[1].names[2], "environment_2");
    CHECK_STR(info->tasks[0], "pour");
    CHECK_NEAR(info->rate_hz, 30, 0);
    CHECK_NEAR(info->ensemble, -1, 0);
    CHECK(info->n_phases == 0 && info->n_steps == 4 && !info->robot && !info->dataset);
    et_policy_close(policy);
}

static void pictures_are_seen_as_the_checkpoint_has_them(void)
{
    struct et_policy *policy;
    const char *again = temp_path("seeing-again");
    if (!acts) {
        tap_skip("no python3-numpy");
        return;
    }
    CHECK_OK(et_policy_open(&policy, temp_path("seeing"), NULL, &err));
    const struct et_policy_info *info = et_policy_info(policy);
    CHECK(info->n_inputs == 4 && info->i_first_picture == 2 && info->is_privileged);
    CHECK_STR(info->inputs[2].feature, "observation.images.head");
    CHECK_STR(info->inputs[3].feature, "observation.images.left_wrist");
    CHECK(info->inputs[3].width_px == 35 && info->inputs[3].height_px == 30);
    et_policy_close(policy);
    CHECK_OK(et_policy_import(temp_path("seeing"), again, &FIVE, &err));
    CHECK(compare(again, in_acts("seeing.safetensors")) < 2e-5);
    // Colours of another mean are another picture's: what is compared depends on them.
    CHECK(compare(temp_path("seeing-old"), in_acts("seeing.safetensors")) > 1e-2);
}

static void what_we_wrote_comes_back_as_it_was(void)
{
    static struct sample a, b;
    const char *folder = temp_path("mine"), *to = temp_path("mine-again");
    const struct made_policy made = {
        .kind = "act", .n_joints = JOINTS, .n_scene = SCENES, .n_tasks = 1};
    CHECK(make_policy(folder, &made));
    act(folder, &a);
    struct et_policy_import_options options = FIVE;
    options.n_joints = JOINTS;
    CHECK_OK(et_policy_import(folder, to, &options, &err));
    act(to, &b);
    for (size_t k = 0; k < (size_t)MADE_CHUNK * JOINTS; k++)
        CHECK_NEAR((double)b.action[0][k], (double)a.action[0][k], 1e-5);
    CHECK_EQ(et_policy_import(folder, to, &options, &err), ET_EARG);
    CHECK_HAS(err.text, "is there already");
}

/* A copy of a checkpoint in which a file's text is another; NULL: the file goes. */
static const char *changed(const char *name, const char *file, const char *old, const char *new)
{
    static const char *const FILES[] = {
        "config.json",
        "model.safetensors",
        "policy_preprocessor.json",
        "policy_postprocessor.json",
        "policy_preprocessor_step_3_normalizer_processor.safetensors",
        "policy_postprocessor_step_0_unnormalizer_processor.safetensors"};
    enum { MODEL = 1 };
    const char *to = temp_path("changed");
    char from_path[600], to_path[600];
    CHECK_OK(et_path_remove(to, &err));
    CHECK_OK(et_dir_make(to, &err));
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        size_t n = 0;
        (void)snprintf(from_path, sizeof from_path, "%s/%s", in_acts(name), FILES[i]);
        (void)snprintf(to_path, sizeof to_path, "%s/%s", to, FILES[i]);
        const bool is_it = strcmp(file, FILES[i]) == 0;
        if (!is_it && i == MODEL) { // it may be large
            CHECK(link(from_path, to_path) == 0);
            continue;
        }
        char *bytes = read_file(from_path, &n), *at = NULL;
        if (!bytes || (is_it && !old)) {
            free(bytes);
            continue;
        }
        if (is_it)
            at = memmem(bytes, n, old, strlen(old));
        CHECK(!is_it || at);
        struct et_buf buf = et_buf((size_t)1 << 27);
        et_buf_put(&buf, bytes, at ? (size_t)(at - bytes) : n);
        if (at) {
            const char *rest = at + strlen(old);
            et_buf_put(&buf, new, strlen(new));
            et_buf_put(&buf, rest, n - (size_t)(rest - bytes));
        }
        write_file(to_path, buf.p, buf.n);
        et_buf_free(&buf);
        free(bytes);
    }
    return to;
}

#define CONFIG "config.json"
#define PRE "policy_preprocessor.json"
#define NORMAL "policy_preprocessor_step_3_normalizer_processor.safetensors"
#define CAMERA(name) \
    "\"observation.images." name "\": {\"type\": \"VISUAL\", \"shape\": [3, 40, 48]}, "

struct refused {
    const char *of, *file, *old, *new;
    enum et_status st;
    const char *words;
};

static void refuse(const struct refused *cases, size_t n)
{
    const char *to = temp_path("refused");
    if (!acts) {
        tap_skip("no python3-numpy");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const char *from = changed(cases[i].of, cases[i].file, cases[i].old, cases[i].new);
        err = (struct et_err){0};
        const enum et_status st = et_policy_import(from, to, &FIVE, &err);
        if (!CHECK(st == cases[i].st && tap_has(err.text, cases[i].words)))
            printf("#   case %zu (%s): %d, %s\n", i, cases[i].words, (int)st, err.text);
        CHECK(!file_exists(to));
        CHECK_HAS(err.text, "changed");
    }
}

static void what_is_not_done_is_refused_by_name(void)
{
    static const struct refused CASES[] = {
        {"new", CONFIG, "\"type\": \"act\"", "\"type\": \"pi0\"", ET_EUNSUPPORTED, "type \"pi0\""},
        {"new", CONFIG, "\"n_obs_steps\": 1", "\"n_obs_steps\": 2", ET_EUNSUPPORTED, "n_obs_steps"},
        {"new", CONFIG, "\"pre_norm\": false", "\"pre_norm\": true", ET_EUNSUPPORTED, "pre_norm"},
        {"new", CONFIG, "dilation\": false", "dilation\": true", ET_EUNSUPPORTED,
         "replace_final_stride_with_dilation"},
        {"new", CONFIG, "\"relu\"", "\"gelu\"", ET_EUNSUPPORTED, "feedforward_activation"},
        {"new", CONFIG, "\"use_amp\"", "\"use_magic\": 3, \"use_amp\"", ET_EUNSUPPORTED,
         "use_magic: a setting that is not known here"},
        {"new", CONFIG, "\"chunk_size\": 4", "\"chunk_size\": 4000", ET_EUNSUPPORTED, "chunk_size"},
        {"new", CONFIG, "\"n_heads\": 3", "\"n_heads\": 5", ET_ECORRUPT, "multiple of n_heads"},
        {"new", CONFIG, "\"n_heads\": 3", "\"n_heads\": \"3\"", ET_EUNSUPPORTED, "n_heads"},
        {"new", CONFIG, "\"type\": \"ENV\"", "\"type\": \"VISUAL\"", ET_EUNSUPPORTED,
         "observation.environment_state: pictures that are not called observation.images."},
        {"new", CONFIG, "\"observation.environment_state\"", "\"observation.smell\"",
         ET_EUNSUPPORTED, "observation.smell: an input that is not known"},
        {"new", CONFIG, "{\"action\": {\"type\": \"ACTION\", \"shape\": [5]",
         "{\"action\": {\"type\": \"ACTION\", \"shape\": [4]", ET_EUNSUPPORTED, "the same joints"},
        {"new", CONFIG, "\"shape\": [3]", "\"shape\": [3, 2]", ET_ECORRUPT, "shape of one size"},
        {"new", CONFIG, "\"input_features\"", "\"input_shapes\"", ET_EUNSUPPORTED, "input_shapes"},
        {"new", CONFIG, "\"n_encoder_layers\": 2", "\"n_encoder_layers\": 1", ET_ECORRUPT,
         "has model.encoder.layers.1."},
        {"new", CONFIG, "\"n_encoder_layers\": 2", "\"n_encoder_layers\": 3", ET_ECORRUPT,
         "has no model.encoder.layers.2."},
        {"new", CONFIG, "\"dim_feedforward\": 20", "\"dim_feedforward\": 21", ET_ECORRUPT,
         "linear1.weight is 20 × 12, the network's is 21 × 12"},
        {"new", CONFIG, "{\"type\"", "[\"type\"", ET_ECORRUPT, CONFIG},
        {"new", CONFIG, NULL, NULL, ET_ENOTFOUND, "holds no policy"},
        {"new", PRE, "to_batch_processor", "tokenizer_processor", ET_EUNSUPPORTED,
         "the step \"tokenizer_processor\" is not done here"},
        {"new", PRE, "\"rename_map\": {}", "\"rename_map\": {\"a\": \"b\"}", ET_EUNSUPPORTED,
         "rename_map"},
        {"new", PRE, "normalizer_processor\", \"state_file\"",
         "to_batch_processor\", \"state_file\"", ET_ECORRUPT,
         "has no step \"normalizer_processor\""},
        {"new", PRE, "\"state_file\": \"", "\"state_file\": \"../", ET_ECORRUPT, "state_file"},
        {"new", PRE, "\"STATE\": \"MEAN_STD\"", "\"STATE\": \"LOG\"", ET_EUNSUPPORTED,
         "STATE is normalised by LOG"},
        {"new", PRE, NULL, NULL, ET_ECORRUPT, "normalize_inputs.buffer_observation_state.mean"},
        {"new", "policy_postprocessor.json", NULL, NULL, ET_ENOTFOUND, "policy_postprocessor.json"},
        {"new", NORMAL, "observation.state.mean", "observation.state.mine", ET_ECORRUPT,
         "observation.state.mean is not 5 numbers"},
        {"old", "model.safetensors", "outputs.buffer_action.std", "outputs.buffer_action.sto",
         ET_ECORRUPT, "buffer_action.std is not 5 numbers"},
        {"new", "model.safetensors", NULL, NULL, ET_ENOTFOUND, "model.safetensors"},
        {"new", "model.safetensors", "model.action_head.bias", "model.action_head.bios",
         ET_ECORRUPT, "model.action_head.bios"}};
    refuse(CASES, sizeof CASES / sizeof *CASES);
}

static void what_is_not_done_with_pictures_is_refused_by_name(void)
{
    static const struct refused CASES[] = {
        {"seeing", CONFIG, "\"resnet18\"", "\"resnet34\"", ET_EUNSUPPORTED,
         "vision_backbone \"resnet34\""},
        {"seeing", CONFIG, "dilation\": false", "dilation\": true", ET_EUNSUPPORTED,
         "replace_final_stride_with_dilation"},
        {"seeing", CONFIG, "left_wrist\": {\"type\": \"VISUAL\", \"shape\": [3, 30, 35]",
         "left_wrist\": {\"type\": \"VISUAL\", \"shape\": [3, 30, 36]", ET_EUNSUPPORTED,
         "observation.images.left_wrist: pictures of 36 × 30 px, observation.images.head has 35 × "
         "30"},
        {"seeing", CONFIG, "[3, 30, 35]", "[30, 35, 3]", ET_ECORRUPT,
         "observation.images.head has no shape of 3 × height × width"},
        {"seeing", CONFIG, "[3, 30, 35]", "[3, 0, 35]", ET_EUNSUPPORTED,
         "observation.images.head: a side of its pictures"},
        {"seeing-range", CONFIG, "[3, 40, 48]", "[3, 8192, 8192]", ET_EUNSUPPORTED,
         "pictures of 65536 places"},
        {"seeing-range", CONFIG, "\"input_features\": {",
         "\"input_features\": {" CAMERA("a") CAMERA("b") CAMERA("c") CAMERA("d") CAMERA("e")
             CAMERA("f") CAMERA("g") CAMERA("h"),
         ET_EUNSUPPORTED, "observation.images.head: more than 8 cameras"},
        {"seeing", CONFIG, "\"dim_model\": 12", "\"dim_model\": 18", ET_ECORRUPT,
         "dim_model is no multiple of 4"},
        {"seeing", PRE, "\"VISUAL\": \"MEAN_STD\"", "\"VISUAL\": \"LOG\"", ET_EUNSUPPORTED,
         "VISUAL is normalised by LOG"},
        {"seeing", NORMAL, "observation.images.head.mean", "observation.images.head.mine",
         ET_ECORRUPT, "observation.images.head.mean is not 3 numbers"},
        {"seeing-old", "model.safetensors", "buffer_observation_images_head.std",
         "buffer_observation_images_head.sto", ET_ECORRUPT,
         "buffer_observation_images_head.std is not 3 numbers"},
        {"seeing", "model.safetensors", "layer4.1.conv2.weight", "layer4.1.conv3.weight",
         ET_ECORRUPT, "layer4.1.conv3.weight, which the network of config.json has not"}};
    refuse(CASES, sizeof CASES / sizeof *CASES);
}

// Every number of a camera's, each in turn, is none to make colours alike by.
static void colours_that_are_none_are_refused(void)
{
    static const char *const NAMES_OF[] = {"observation.images.head.std",
                                           "observation.images.left_wrist.mean"};
    static const float BAD[] = {NAN, INFINITY, -0.5F, 2e6F, NAN, INFINITY, -INFINITY, -2e6F};
    const char *to = temp_path("refused");
    if (!acts) {
        tap_skip("no python3-numpy");
        return;
    }
    for (size_t i = 0; i < 8; i++) {
        struct et_safetensors *file = NULL;
        struct et_tensor tensors[40];
        float values[] = {0.5F, 0.5F, 0.5F};
        size_t n = 0;
        char path[600];
        const char *from = changed("seeing", "", "", "");
        (void)snprintf(path, sizeof path, "%s/" NORMAL, from);
        CHECK_OK(et_safetensors_open(&file, path, &err));
        for (; n < et_safetensors_count(file) && n < 40; n++) {
            tensors[n] = *et_safetensors_at(file, n);
            if (strcmp(tensors[n].name, NAMES_OF[i / 4]) == 0)
                tensors[n].bytes = values;
        }
        values[i % 3] = BAD[i];
        CHECK_OK(et_safetensors_write(path, tensors, n, NULL, 0, &err));
        et_safetensors_close(file);
        const enum et_status st = et_policy_import(from, to, &FIVE, &err);
        CHECK(st == ET_ECORRUPT && tap_has(err.text, "observation.images."));
        CHECK(!file_exists(to));
    }
}

static void temporal_ensembling_is_taken_over(void)
{
    struct et_policy *policy;
    const char *to = temp_path("ensemble");
    if (!acts) {
        tap_skip("no python3-numpy");
        return;
    }
    const char *from = changed("new", CONFIG, "coeff\": null", "coeff\": 0.25");
    CHECK_OK(et_policy_import(from, to, &FIVE, &err));
    CHECK_OK(et_policy_open(&policy, to, NULL, &err));
    CHECK_NEAR(et_policy_info(policy)->ensemble, 0.25, 0);
    et_policy_close(policy);
}

static void names_and_rates_have_to_fit(void)
{
    struct et_policy_import_options options = FIVE;
    const char *to = temp_path("unfit");
    if (!acts) {
        tap_skip("no python3-numpy");
        return;
    }
    options.n_joints = 4;
    CHECK_EQ(et_policy_import(in_acts("new"), to, &options, &err), ET_EARG);
    CHECK_HAS(err.text, "4 names of joints, the checkpoint has 5");
    options = FIVE;
    options.scene = NAMES;
    options.n_scene = 2;
    CHECK_EQ(et_policy_import(in_acts("new"), to, &options, &err), ET_EARG);
    CHECK_HAS(err.text, "2 names of the environment's numbers, the checkpoint has 3");
    options = FIVE;
    options.rate_hz = 0;
    CHECK_EQ(et_policy_import(in_acts("new"), to, &options, &err), ET_EARG);
    CHECK_HAS(err.text, "actions a second");
    CHECK_EQ(et_policy_import(temp_path("nowhere"), to, &FIVE, &err), ET_ENOTFOUND);
    CHECK(!file_exists(to));
}

static void import_cut(const char *path, size_t n, void *ctx)
{
    const char *to = temp_path("cut");
    (void)path, (void)n, (void)ctx;
    err = (struct et_err){0};
    const enum et_status st = et_policy_import(temp_path("changed"), to, &FIVE, &err);
    // What is cut off, or changed, may be what has no effect.
    CHECK(st == ET_OK || err.text[0]);
    CHECK((st == ET_OK) == file_exists(to));
    if (et_path_remove(to, &err) != ET_OK)
        CHECK(false);
}

static void cut_and_flip(const char *folder, const char *file)
{
    char path[600];
    size_t n;
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    char *bytes = read_file(path, &n);
    cut_at_every_byte(bytes, n, 7, path, import_cut, NULL);
    (void)flip_every_byte(bytes, n, 11, path, import_cut, NULL);
    write_file(path, bytes, n);
    free(bytes);
}

static void a_file_that_is_cut_or_changed_is_survived(void)
{
    static const char *const FILES[] = {CONFIG, PRE, NORMAL};
    if (!acts) {
        tap_skip("no python3-numpy");
        return;
    }
    for (size_t i = 0; i < 2; i++)
        cut_and_flip(changed("new", "", "", ""), FILES[i]);
    // With cameras, up to the weights, of which there are none: they are large.
    for (size_t i = 0; i < 3; i++) {
        char path[600];
        const int64_t one = 1;
        const struct et_tensor tensor = {.name = "nothing",
                                         .type = ET_TENSOR_F32,
                                         .shape = &one,
                                         .n_dims = 1,
                                         .bytes = &(float){0}};
        (void)snprintf(path, sizeof path, "%s/model.safetensors", changed("seeing", "", "", ""));
        CHECK_OK(et_safetensors_write(path, &tensor, 1, NULL, 0, &err));
        cut_and_flip(temp_path("changed"), FILES[i]);
    }
}

int main(void)
{
    const char *made = temp_path("acts");
    if (et_dir_make(made, &err) == ET_OK &&
        run_python("tests/learn/act_numpy.py", (const char *const[]){made, NULL}) == 0)
        acts = made;
    RUN(a_plain_policy_gives_as_onnx_what_it_gives);
    RUN(a_policy_that_sees_gives_as_onnx_what_it_gives);
    RUN(a_folder_without_colours_has_those_of_imagenet);
    RUN(what_is_derived_is_said);
    RUN(what_cannot_be_exported_is_told_and_writes_nothing);
    RUN(a_checkpoint_of_either_layout_gives_what_numpy_gives);
    RUN(pictures_are_seen_as_the_checkpoint_has_them);
    RUN(what_we_wrote_comes_back_as_it_was);
    RUN(what_is_not_done_is_refused_by_name);
    RUN(what_is_not_done_with_pictures_is_refused_by_name);
    RUN(colours_that_are_none_are_refused);
    RUN(temporal_ensembling_is_taken_over);
    RUN(names_and_rates_have_to_fit);
    RUN(a_file_that_is_cut_or_changed_is_survived);
    return tap_end();
}
