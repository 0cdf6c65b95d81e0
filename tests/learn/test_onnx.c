/* A network's ONNX says what the network says, from numbers in the data's units to actions in
 * theirs; what does not fit is told, and writes nothing. tests/learn/onnx_check.py executes it. */
#include "etude/file.h"
#include "etude/random.h"
#include "fault.h"
#include "learn/learn__onnx.h"
#include "learn/learn__weights.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 3
#define MANY ((size_t)4096)
#define PYTHON "/usr/bin/python3" // Debian's, for which python3-onnx is packaged

static struct et_arena *arena;
static struct et_err err;
static float normal[3 * MANY]; // normal numbers; those of the middle are above 0

/* ---- a network with numbers ---- */

struct network {
    struct et__params params;
    float *values;
    struct et__engine engine;
};

static void begin(struct network *n)
{
    *n = (struct network){0};
    CHECK_OK(et__params_open(&n->params, arena, 200, &err));
}

// Values, which at the beginning are 0 where a layer adds nothing.
static void fill(struct network *n)
{
    CHECK_OK(et__params_check(&n->params, &err));
    n->values = calloc(n->params.n_values, sizeof *n->values);
    et__params_begin(&n->params, n->values, 7);
    for (size_t i = 0; i < n->params.n_values; i++)
        n->values[i] += 0.2F * (float)et_random_normal(8, i);
    const size_t cap = (size_t)1 << 20;
    n->engine = (struct et__engine){.kernels = &et__kernels_cpu,
                                    .params = n->values,
                                    .base = aligned_alloc(64, cap * sizeof(float)),
                                    .cap = cap};
}

static void end(struct network *n)
{
    free(n->engine.base);
    free(n->values);
}

/* ---- numbers, as they come and as a network has them ---- */

static struct et__onnx_numbers numbers(const char *name, int n, const float *from)
{
    return (struct et__onnx_numbers){
        .name = name, .n = n, .mean = from, .scale = from + MANY, .clip = from + MANY + 50};
}

// What the contract says, number by number.
static float *normalised(const struct et__onnx_numbers *in, const float *x, size_t n_rows)
{
    const size_t n = (size_t)in->n;
    float *y = et_arena_array(arena, n_rows * n, sizeof *y);
    for (size_t i = 0; i < n_rows * n; i++) {
        const size_t j = i % n;
        y[i] = x[i];
        y[i] = in->mean ? y[i] - in->mean[j] : y[i];
        y[i] = in->scale ? y[i] * in->scale[j] : y[i];
        const float clip = in->clip ? in->clip[j] : 0;
        y[i] = clip > 0 && y[i] > clip ? clip : y[i];
        y[i] = clip > 0 && y[i] < -clip ? -clip : y[i];
    }
    return y;
}

static float *beside(const float *a, int n_a, const float *b, int n_b)
{
    const size_t n = (size_t)(n_a + n_b);
    float *both = et_arena_array(arena, BATCH * n, sizeof *both);
    for (size_t i = 0; i < BATCH * n; i++)
        both[i] = i % n < (size_t)n_a ? a[i / n * (size_t)n_a + i % n]
                                      : b[i / n * (size_t)n_b + i % n - (size_t)n_a];
    return both;
}

static float *in_units(const struct et__onnx_file *file, const float *y, size_t n, size_t n_action)
{
    float *actions = et_arena_array(arena, n, sizeof *actions);
    for (size_t i = 0; i < n; i++) {
        actions[i] = file->deviation ? y[i] * file->deviation[i % n_action] : y[i];
        actions[i] += file->mean ? file->mean[i % n_action] : 0;
    }
    return actions;
}

/* ---- judging ---- */

static struct et_tensor tensor(const char *name, const float *values, size_t n_dims, int a, int b)
{
    int64_t *sizes = et_arena_array(arena, 3, sizeof *sizes);
    memcpy(sizes, (int64_t[]){BATCH, a, b}, 3 * sizeof *sizes);
    return (struct et_tensor){
        .name = name, .type = ET_TENSOR_F32, .shape = sizes, .n_dims = n_dims, .bytes = values};
}

static void judge(const struct network *n, const char *model, const struct et_tensor *data,
                  size_t n_data)
{
    const char *paths[2] = {temp_path("data.safetensors"), temp_path("weights.safetensors")};
    const char *script = source_path("tests/learn/onnx_check.py");
    CHECK_OK(et_safetensors_write(paths[0], data, n_data, NULL, 0, &err));
    CHECK_OK(
        et__weights_write(paths[1], &n->params, &(struct et__weights){"", n->values}, 1, &err));
    (void)fflush(stdout);
    const pid_t child = fork();
    int status = -1;
    if (child == 0) { // Python looks for its library beside what it is called
        execl(PYTHON, PYTHON, script, model, paths[0], paths[1], (char *)NULL);
        _exit(77);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        tap_skip("no python3-onnx, or no python3-numpy");
    else
        CHECK_EQ(WEXITSTATUS(status), 0);
}

static struct et__onnx_file file_of(const struct network *n, const char *name)
{
    static const struct et_onnx_note NOTES[] = {{"etude.task", "öffne\ndie Tür"}};
    return (struct et__onnx_file){.path = temp_path(name),
                                  .params = &n->params,
                                  .values = n->values,
                                  .notes = NOTES,
                                  .n_notes = 1,
                                  .actions = "action",
                                  .mean = normal + 700,
                                  .deviation = normal + MANY + 700};
}

/* ---- plain layers ---- */

static struct et__mlp plain(struct network *n)
{
    struct et__mlp mlp;
    begin(n);
    et__mlp_add(&mlp, &n->params,
                &(struct et__mlp_config){
                    .n_in = 12, .width = 32, .n_layers = 3, .n_action = 5, .n_steps = 8});
    fill(n);
    return mlp;
}

static void plain_layers_say_the_same(void)
{
    struct network n;
    const struct et__mlp mlp = plain(&n);
    struct et__onnx_numbers in[] = {numbers("observation.state", 9, normal),
                                    numbers("goal", 3, normal + 20)};
    const struct et__onnx_file file = file_of(&n, "mlp.onnx");
    const float *state = normal + 1000, *goal = normal + 1100;
    const float *x =
        beside(normalised(&in[0], state, BATCH), 9, normalised(&in[1], goal, BATCH), 3);
    const float *y =
        et__mlp_step(&mlp, &n.engine, &(struct et__mlp_batch){.n = BATCH, .x = x}).actions;
    CHECK_OK(et__onnx_mlp(&mlp, in, 2, NULL, &file, &err));
    const struct et_tensor data[] = {
        tensor("in/observation.state", state, 2, 9, 0), tensor("in/goal", goal, 2, 3, 0),
        tensor("out/action", in_units(&file, y, (size_t)BATCH * 40, 5), 3, 8, 5)};
    judge(&n, file.path, data, 3);
    end(&n);
}

static void without_normalisers_numbers_are_as_they_come(void)
{
    struct network n;
    const struct et__mlp mlp = plain(&n);
    const struct et__onnx_numbers in = {.name = "x", .n = 12};
    struct et__onnx_file file = file_of(&n, "bare.onnx");
    file.mean = file.deviation = NULL;
    const float *x = normal + 1000;
    const float *y =
        et__mlp_step(&mlp, &n.engine, &(struct et__mlp_batch){.n = BATCH, .x = x}).actions;
    CHECK_OK(et__onnx_mlp(&mlp, &in, 1, NULL, &file, &err));
    const struct et_tensor data[] = {tensor("in/x", x, 2, 12, 0), tensor("out/action", y, 3, 8, 5)};
    judge(&n, file.path, data, 2);
    end(&n);
}

/* ---- ACT ---- */

#define N_TOKENS 24 // two cameras of 3 × 4

static void act_says_the_same(int n_state, int n_environment, int n_tokens, int n_vae)
{
    struct network n;
    struct et__act act;
    begin(&n);
    et__act_add(&act, &n.params,
                &(struct et__act_config){.size = {.width = 32, .n_heads = 4, .n_between = 48},
                                         .n_encoder = 2,
                                         .n_decoder = 2,
                                         .n_vae = n_vae,
                                         .n_latent = 5,
                                         .n_state = n_state,
                                         .n_environment = n_environment,
                                         .n_action = 6,
                                         .n_steps = 10,
                                         .n_tokens = n_tokens,
                                         .n_channels = 16});
    fill(&n);
    float *constants =
        et_arena_array(arena, et__act_constants(&act, NULL, 3, 4), sizeof *constants);
    (void)et__act_constants(&act, constants, 3, 4);
    const struct et__onnx_act_inputs in = {
        numbers("observation.state", n_state, normal),
        numbers("observation.environment_state", n_environment, normal + 10),
        {.name = "tokens", .n = 16},
        {0}};
    const struct et__onnx_file file = file_of(&n, "act.onnx");
    const float *state = normal + 1000, *environment = normal + 1100, *tokens = normal + 2000;
    const struct et__act_batch batch = {
        .n = BATCH,
        .state = n_state ? normalised(&in.state, state, BATCH) : NULL,
        .environment = n_environment ? normalised(&in.environment, environment, BATCH) : NULL,
        .tokens = n_tokens ? tokens : NULL};
    const float *y = et__act_step(&act, &n.engine, &batch).actions;
    CHECK_OK(et__onnx_act(&act, &in, &file, &err));
    struct et_tensor data[4];
    size_t n_data = 0;
    if (n_state)
        data[n_data++] = tensor("in/observation.state", state, 2, n_state, 0);
    if (n_environment)
        data[n_data++] =
            tensor("in/observation.environment_state", environment, 2, n_environment, 0);
    if (n_tokens)
        data[n_data++] = tensor("in/tokens", tokens, 3, n_tokens, 16);
    data[n_data++] = tensor("out/action", in_units(&file, y, (size_t)BATCH * 60, 6), 3, 10, 6);
    judge(&n, file.path, data, n_data);
    end(&n);
}

static void act_with_all_that_it_can_see_says_the_same(void)
{
    act_says_the_same(7, 3, N_TOKENS, 2);
}

static void act_of_state_alone_says_the_same(void)
{
    act_says_the_same(7, 0, 0, 2);
}

static void act_of_environment_and_pictures_says_the_same(void)
{
    act_says_the_same(0, 3, N_TOKENS, 0);
}

static void act_of_pictures_alone_says_the_same(void)
{
    act_says_the_same(0, 0, N_TOKENS, 0);
}

/* ---- eyes ---- */

#define HEIGHT 19
#define WIDTH 26
#define PICTURE ((size_t)3 * HEIGHT * WIDTH)
#define N_CAMERAS 2

static const float MEANS[N_CAMERAS][3] = {{0.485F, 0.456F, 0.406F}, {0.1F, 0, -0.3F}},
                   DEVIATIONS[N_CAMERAS][3] = {{0.229F, 0.224F, 0.225F}, {1, 0.5F, 0.25F}};
static const struct et__onnx_camera CAMERAS[N_CAMERAS] = {
    {"observation.images.head", MEANS[0], DEVIATIONS[0]},
    {"observation.images.left_wrist", MEANS[1], DEVIATIONS[1]}};

static struct et__eye_config seeing(int n_keypoints)
{
    return (struct et__eye_config){.kind = ET__EYE_SMALL,
                                   .n_cameras = N_CAMERAS,
                                   .height = HEIGHT,
                                   .width = WIDTH,
                                   .n_keypoints = n_keypoints,
                                   .n_channels = 32};
}

/* What an eye makes of pictures by chance, which go to data[0] and [1]. */
static float *look(struct network *n, const struct et__eye *eye, struct et_tensor *data)
{
    static const int64_t SIZES[] = {BATCH, 3, HEIGHT, WIDTH};
    static const char *const PLACES[] = {"in/observation.images.head",
                                         "in/observation.images.left_wrist"};
    struct et__eye_pictures pictures = {.n = BATCH};
    struct et__eye_seen seen;
    for (size_t k = 0; k < N_CAMERAS; k++) {
        float *raw = et_arena_array(arena, BATCH * PICTURE, sizeof *raw);
        float *made = et_arena_array(arena, BATCH * PICTURE, sizeof *made);
        for (size_t i = 0; i < BATCH * PICTURE; i++) {
            const size_t c = i / (PICTURE / 3) % 3;
            raw[i] = (float)et_random_uniform(60 + k, i);
            made[i] = (raw[i] - MEANS[k][c]) / DEVIATIONS[k][c];
        }
        pictures.cameras[k] = made;
        data[k] = (struct et_tensor){
            .name = PLACES[k], .type = ET_TENSOR_F32, .shape = SIZES, .n_dims = 4, .bytes = raw};
    }
    n->engine.used = 0;
    const float *rows = et__eye(&n->engine, eye, &pictures, &seen);
    const size_t n_rows = (size_t)(BATCH * eye->n_tokens * eye->n_channels);
    return et_arena_copy(arena, rows, n_rows * sizeof *rows);
}

static struct et__mlp seeing_mlp(struct network *n, struct et__eye *eye)
{
    const struct et__eye_config config = seeing(5);
    struct et__mlp mlp;
    begin(n);
    et__eye_add(eye, &n->params, &config);
    const int n_rows = eye->n_tokens * eye->n_channels;
    et__mlp_add(&mlp, &n->params,
                &(struct et__mlp_config){
                    .n_in = 9 + n_rows, .width = 32, .n_layers = 2, .n_action = 5, .n_steps = 8});
    fill(n);
    return mlp;
}

static void plain_layers_behind_an_eye_say_the_same(void)
{
    struct network n;
    struct et__eye eye;
    struct et_tensor data[4];
    const struct et__mlp mlp = seeing_mlp(&n, &eye);
    const struct et__onnx_numbers in = numbers("observation.state", 9, normal);
    const struct et__onnx_file file = file_of(&n, "seeing.onnx");
    const float *state = normal + 1000, *rows = look(&n, &eye, data);
    const float *x = beside(normalised(&in, state, BATCH), 9, rows, eye.n_tokens * eye.n_channels);
    const float *y =
        et__mlp_step(&mlp, &n.engine, &(struct et__mlp_batch){.n = BATCH, .x = x}).actions;
    CHECK_OK(et__onnx_mlp(&mlp, &in, 1, &(struct et__onnx_sight){&eye, CAMERAS}, &file, &err));
    data[2] = tensor("in/observation.state", state, 2, 9, 0);
    data[3] = tensor("out/action", in_units(&file, y, (size_t)BATCH * 40, 5), 3, 8, 5);
    judge(&n, file.path, data, 4);
    end(&n);
}

static void act_behind_an_eye_says_the_same(void)
{
    const struct et__eye_config config = seeing(0);
    struct network n;
    struct et__eye eye;
    struct et__act act;
    struct et_tensor data[4];
    begin(&n);
    et__eye_add(&eye, &n.params, &config);
    et__act_add(&act, &n.params,
                &(struct et__act_config){.size = {.width = 16, .n_heads = 2, .n_between = 24},
                                         .n_encoder = 1,
                                         .n_decoder = 1,
                                         .n_latent = 5,
                                         .n_state = 7,
                                         .n_action = 6,
                                         .n_steps = 10,
                                         .n_tokens = eye.n_tokens,
                                         .n_channels = eye.n_channels});
    fill(&n);
    const int height = eye.map_height, width = eye.map_width;
    float *constants =
        et_arena_array(arena, et__act_constants(&act, NULL, height, width), sizeof *constants);
    (void)et__act_constants(&act, constants, height, width);
    struct et__onnx_act_inputs in = {.state = numbers("observation.state", 7, normal),
                                     .sight = {&eye, CAMERAS}};
    const struct et__onnx_file file = file_of(&n, "seeing-act.onnx");
    const float *state = normal + 1000, *tokens = look(&n, &eye, data);
    const struct et__act_batch batch = {
        .n = BATCH, .state = normalised(&in.state, state, BATCH), .tokens = tokens};
    const float *y = et__act_step(&act, &n.engine, &batch).actions;
    CHECK_OK(et__onnx_act(&act, &in, &file, &err));
    data[2] = tensor("in/observation.state", state, 2, 7, 0);
    data[3] = tensor("out/action", in_units(&file, y, (size_t)BATCH * 60, 6), 3, 10, 6);
    judge(&n, file.path, data, 4);
    // What fits no other network.
    eye.n_tokens--;
    CHECK_EQ(et__onnx_act(&act, &in, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "an eye of 224 numbers, where the network sees 256");
    end(&n);
}

static void cameras_that_do_not_fit_are_told_and_write_nothing(void)
{
    struct network n;
    struct et__eye eye;
    const struct et__mlp mlp = seeing_mlp(&n, &eye);
    const struct et__onnx_numbers in = numbers("observation.state", 9, normal);
    const struct et__onnx_file file = file_of(&n, "unfit.onnx");
    const float bad[3] = {0.5F, NAN, 0.5F}, none[3] = {1, 1, 0};
    struct et__onnx_camera cameras[N_CAMERAS] = {CAMERAS[0], CAMERAS[0]};
    const struct et__onnx_sight sight = {&eye, cameras};
    CHECK_EQ(et__onnx_mlp(&mlp, &in, 1, NULL, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "inputs of 9 numbers, where the network sees 29");
    CHECK_EQ(et__onnx_mlp(&mlp, &in, 1, &sight, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "two values are called observation.images.head");
    cameras[1] = CAMERAS[1];
    cameras[1].mean = bad;
    CHECK_EQ(et__onnx_mlp(&mlp, &in, 1, &sight, &file, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "value 1 of the mean of observation.images.left_wrist is no number");
    cameras[1].mean = MEANS[0];
    cameras[1].deviation = none;
    CHECK_EQ(et__onnx_mlp(&mlp, &in, 1, &sight, &file, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "value 2 of the scale of observation.images.left_wrist is no number");
    cameras[1].deviation = DEVIATIONS[0];
    cameras[1].name = "model.head";
    CHECK_EQ(et__onnx_mlp(&mlp, &in, 1, &sight, &file, &err), ET_EARG);
    CHECK(!file_exists(file.path));
    end(&n);
}

/* ---- flow ---- */

#define N_FLOW ((size_t)BATCH * 40) // 8 × 5

static struct et__flow flow(struct network *n)
{
    struct et__flow f;
    begin(n);
    et__flow_add(&f, &n->params,
                 &(struct et__flow_config){.width = 32,
                                           .n_heads = 4,
                                           .n_between = 64,
                                           .n_layers = 2,
                                           .n_condition = 12,
                                           .n_time = 16,
                                           .n_action = 5,
                                           .n_steps = 8});
    fill(n);
    return f;
}

static const float *changed(const struct et__flow *f, struct network *n, const float *x,
                            const double *times, const float *condition)
{
    float *embedded = et_arena_array(arena, BATCH * 16, sizeof *embedded);
    for (size_t i = 0; i < BATCH; i++)
        et__flow_time(embedded + 16 * i, times[i], 16);
    return et__flow_step(f, &n->engine,
                         &(struct et__flow_batch){
                             .n = BATCH, .x = x, .times = embedded, .condition = condition})
        .change;
}

static void flow_says_the_same_at_any_time(void)
{
    struct network n;
    const struct et__flow f = flow(&n);
    const struct et__onnx_numbers in[] = {numbers("observation.state", 9, normal),
                                          numbers("goal", 3, normal + 20)};
    const struct et__onnx_flow_inputs inputs = {.condition = in, .n_condition = 2};
    const struct et__onnx_file file = file_of(&n, "flow.onnx");
    static const float TIMES[][BATCH] = {
        {1, 0.1F, 0}, {0.3333F, 0.7F, 0.999F}, {0.001F, 0.25F, 0.50001F}, {0.9F, 0.8F, 0.61234F}};
    const float *x = normal + 1000, *state = normal + 1500, *goal = normal + 1600;
    const float *condition =
        beside(normalised(&in[0], state, BATCH), 9, normalised(&in[1], goal, BATCH), 3);
    CHECK_OK(et__onnx_flow(&f, &inputs, &file, &err));
    for (size_t k = 0; k < sizeof TIMES / sizeof *TIMES; k++) {
        double times[BATCH];
        float *ends = et_arena_array(arena, N_FLOW, sizeof *ends);
        for (size_t i = 0; i < BATCH; i++)
            times[i] = (double)TIMES[k][i];
        const float *change = changed(&f, &n, x, times, condition);
        for (size_t i = 0; i < N_FLOW; i++)
            ends[i] = x[i] - TIMES[k][i / 40] * change[i];
        const struct et_tensor data[] = {
            tensor("in/x", x, 3, 8, 5),
            tensor("in/time", TIMES[k], 1, 0, 0),
            tensor("in/observation.state", state, 2, 9, 0),
            tensor("in/goal", goal, 2, 3, 0),
            tensor("out/change", change, 3, 8, 5),
            tensor("out/action", in_units(&file, ends, N_FLOW, 5), 3, 8, 5)};
        judge(&n, file.path, data, 6);
    }
    end(&n);
}

static void all_steps_of_flow_say_the_same(void)
{
    struct network n;
    const struct et__flow f = flow(&n);
    const struct et__onnx_numbers in = {.name = "observation.state", .n = 12, .mean = normal};
    const struct et__onnx_file file = file_of(&n, "steps.onnx");
    const float *noise = normal + 1000, *state = normal + 1500;
    const float *condition = normalised(&in, state, BATCH);
    static const int STEPS[] = {0, 1, 4}; // 0: 10
    for (size_t k = 0; k < 3; k++) {
        const struct et__onnx_flow_inputs inputs = {&in, 1, {0}, STEPS[k]};
        const int n_steps = STEPS[k] ? STEPS[k] : 10;
        float *x = et_arena_copy(arena, noise, N_FLOW * sizeof *x);
        for (int i = 0; i < n_steps; i++) {
            const double time = 1 - (double)i / n_steps;
            const float *change = changed(&f, &n, x, (double[BATCH]){time, time, time}, condition);
            for (size_t j = 0; j < N_FLOW; j++)
                x[j] -= change[j] / (float)n_steps;
        }
        CHECK_OK(et__onnx_flow_steps(&f, &inputs, &file, &err));
        const struct et_tensor data[] = {
            tensor("in/noise", noise, 3, 8, 5), tensor("in/observation.state", state, 2, 12, 0),
            tensor("out/action", in_units(&file, x, N_FLOW, 5), 3, 8, 5)};
        judge(&n, file.path, data, 3);
    }
    end(&n);
}

/* ---- what does not fit ---- */

static void what_does_not_fit_is_told_and_writes_nothing(void)
{
    struct network n;
    const struct et__mlp mlp = plain(&n);
    struct et__onnx_numbers in[17] = {numbers("a", 9, normal), numbers("b", 3, normal)};
    struct et__onnx_file file = file_of(&n, "wrong.onnx");
    CHECK_EQ(et__onnx_mlp(&mlp, in, 1, NULL, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "inputs of 9 numbers, where the network sees 12");
    CHECK_EQ(et__onnx_mlp(&mlp, in, 0, NULL, &file, &err), ET_EARG);
    in[1].name = "a";
    CHECK_EQ(et__onnx_mlp(&mlp, in, 2, NULL, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "two values are called a");
    in[1].name = "a\nb";
    CHECK_EQ(et__onnx_mlp(&mlp, in, 2, NULL, &file, &err), ET_ECORRUPT);
    in[1] = numbers("b", 0, normal);
    CHECK_EQ(et__onnx_mlp(&mlp, in, 2, NULL, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "the input b has no numbers");
    in[1] = numbers("etude.step", 3, normal);
    CHECK_EQ(et__onnx_mlp(&mlp, in, 2, NULL, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "may be called etude.step");
    in[1] = numbers("a.mean", 3, normal);
    CHECK_EQ(et__onnx_mlp(&mlp, in, 2, NULL, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "two values are called a.mean");
    for (int i = 0; i < 17; i++)
        in[i] = numbers("c", 1, normal);
    CHECK_EQ(et__onnx_mlp(&mlp, in, 17, NULL, &file, &err), ET_ELIMIT);
    CHECK_HAS(err.text, "17 inputs, more than 16");
    in[0] = numbers("a", 12, normal);
    file.path = temp_path("none/wrong.onnx");
    CHECK_EQ(et__onnx_mlp(&mlp, in, 1, NULL, &file, &err), ET_EIO);
    file = file_of(&n, "wrong.onnx");
    file.actions = "model.action_head.bias";
    CHECK_EQ(et__onnx_mlp(&mlp, in, 1, NULL, &file, &err), ET_EARG);
    file.actions = "a";
    CHECK_EQ(et__onnx_mlp(&mlp, in, 1, NULL, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "two values are called a");
    file = file_of(&n, "wrong.onnx");
    file.notes = &(struct et_onnx_note){"etude.network", "mine"};
    CHECK_EQ(et__onnx_mlp(&mlp, in, 1, NULL, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "two notes are called etude.network");
    CHECK(!file_exists(file.path));
    end(&n);
}

static void what_is_no_number_is_told_and_writes_nothing(void)
{
    struct network n;
    const struct et__mlp mlp = plain(&n);
    const struct et__onnx_file file = file_of(&n, "nan.onnx");
    float bad[12] = {0};
    bad[4] = NAN;
    struct et__onnx_numbers in = numbers("a", 12, normal);
    const float **const places[] = {&in.mean, &in.scale, &in.clip};
    static const char *const TOLD[] = {"value 4 of the mean of a is no number",
                                       "value 4 of the scale of a is no number",
                                       "value 4 of the clip of a is no number"};
    for (int i = 0; i < 3; i++) {
        const float *kept = *places[i];
        *places[i] = bad;
        CHECK_EQ(et__onnx_mlp(&mlp, &in, 1, NULL, &file, &err), ET_ECORRUPT);
        CHECK_STR(err.text, TOLD[i]);
        *places[i] = kept;
    }
    struct et__onnx_file wrong = file;
    wrong.mean = bad;
    CHECK_EQ(et__onnx_mlp(&mlp, &in, 1, NULL, &wrong, &err), ET_ECORRUPT);
    CHECK_STR(err.text, "value 4 of the actions' mean is no number");
    wrong = file;
    wrong.deviation = bad;
    CHECK_EQ(et__onnx_mlp(&mlp, &in, 1, NULL, &wrong, &err), ET_ECORRUPT);
    n.values[et__param_find(&n.params, "model.layers.1.bias")->at + 3] = INFINITY;
    CHECK_EQ(et__onnx_mlp(&mlp, &in, 1, NULL, &file, &err), ET_ECORRUPT);
    CHECK_STR(err.text, "value 3 of model.layers.1.bias is no number");
    CHECK(!file_exists(file.path));
    end(&n);
}

static void networks_tell_what_they_cannot_see(void)
{
    struct network n;
    struct et__act act;
    begin(&n);
    et__act_add(&act, &n.params,
                &(struct et__act_config){.size = {.width = 8, .n_heads = 2, .n_between = 8},
                                         .n_encoder = 1,
                                         .n_decoder = 1,
                                         .n_latent = 2,
                                         .n_action = 2,
                                         .n_steps = 2});
    fill(&n);
    const struct et__onnx_file file = file_of(&n, "blind.onnx");
    const struct et__onnx_act_inputs none = {.state = {.name = "state", .n = 4}};
    CHECK_EQ(et__onnx_act(&act, &none, &file, &err), ET_EARG);
    CHECK_HAS(err.text, "sees nothing");
    act.config.n_state = 3;
    CHECK_EQ(et__onnx_act(&act, &none, &file, &err), ET_EARG);
    act.config.n_state = 4;
    act.config.n_environment = 1;
    CHECK_EQ(et__onnx_act(&act, &none, &file, &err), ET_EARG);
    act.config.n_environment = 0;
    act.config.n_tokens = act.config.n_channels = 3;
    CHECK_EQ(et__onnx_act(&act, &none, &file, &err), ET_EARG);
    end(&n);
    const struct et__flow f = flow(&n);
    const struct et__onnx_file other = file_of(&n, "blind.onnx");
    struct et__onnx_numbers in = numbers("x", 12, normal);
    struct et__onnx_flow_inputs inputs = {&in, 1, {0}, 1001};
    CHECK_EQ(et__onnx_flow(&f, &inputs, &other, &err), ET_EARG);
    CHECK_HAS(err.text, "1001 of Euler's steps, not 1 to 1000");
    inputs.n_steps = -1;
    CHECK_EQ(et__onnx_flow_steps(&f, &inputs, &other, &err), ET_EARG);
    inputs.n_steps = 0;
    CHECK_EQ(et__onnx_flow(&f, &inputs, &other, &err), ET_EARG); // x is the network's
    CHECK_HAS(err.text, "two values are called x");
    in.n = 11;
    CHECK_EQ(et__onnx_flow_steps(&f, &inputs, &other, &err), ET_EARG);
    CHECK(!file_exists(other.path));
    end(&n);
}

#ifdef FAULTS
static void every_call_that_fails_is_told(void)
{
    struct network n;
    const struct et__flow f = flow(&n);
    const struct et__onnx_numbers in = numbers("state", 12, normal);
    const struct et__onnx_flow_inputs inputs = {&in, 1, {0}, 2};
    const struct et__onnx_file file = file_of(&n, "faults.onnx");
    enum et_status (*const ways[])(const struct et__flow *, const struct et__onnx_flow_inputs *,
                                   const struct et__onnx_file *,
                                   struct et_err *) = {et__onnx_flow, et__onnx_flow_steps};
    for (int i = 0; i < 2; i++) {
        size_t n_first = 0, n_then = 0;
        CHECK_OK(ways[i](&f, &inputs, &file, &err));
        char *first = read_file(file.path, &n_first);
        FOR_EACH_FAULT(at)
        {
            fault_arm(at);
            const enum et_status st = ways[i](&f, &inputs, &file, &err);
            fault_disarm();
            CHECK(st == ET_OK || (fault_seen && (st == ET_ENOMEM || st == ET_EIO)));
            char *then = read_file(file.path, &n_then);
            CHECK(then && n_then == n_first && memcmp(first, then, n_first) == 0);
            free(then);
        }
        free(first);
    }
    end(&n);
}

static void every_call_that_fails_behind_an_eye_is_told(void)
{
    struct network n;
    struct et__eye eye;
    const struct et__mlp mlp = seeing_mlp(&n, &eye);
    const struct et__onnx_numbers in = numbers("state", 9, normal);
    const struct et__onnx_sight sight = {&eye, CAMERAS};
    const struct et__onnx_file file = file_of(&n, "eye-faults.onnx");
    FOR_EACH_FAULT(at)
    {
        CHECK_OK(et_path_remove(file.path, &err));
        fault_arm(at);
        const enum et_status st = et__onnx_mlp(&mlp, &in, 1, &sight, &file, &err);
        fault_disarm();
        CHECK(st == ET_OK || (fault_seen && (st == ET_ENOMEM || st == ET_EIO)));
        CHECK(st != ET_OK || file_exists(file.path));
    }
    end(&n);
}
#endif

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    for (size_t i = 0; i < sizeof normal / sizeof *normal; i++) {
        normal[i] = (float)et_random_normal(1, i);
        if (i / MANY == 1) // scales, clips, deviations; some clips are none
            normal[i] = i % 5 == 4 ? 0 : fabsf(normal[i]) + 0.1F;
    }
    RUN(plain_layers_say_the_same);
    RUN(without_normalisers_numbers_are_as_they_come);
    RUN(act_with_all_that_it_can_see_says_the_same);
    RUN(act_of_state_alone_says_the_same);
    RUN(act_of_environment_and_pictures_says_the_same);
    RUN(act_of_pictures_alone_says_the_same);
    RUN(plain_layers_behind_an_eye_say_the_same);
    RUN(act_behind_an_eye_says_the_same);
    RUN(cameras_that_do_not_fit_are_told_and_write_nothing);
    RUN(flow_says_the_same_at_any_time);
    RUN(all_steps_of_flow_say_the_same);
    RUN(what_does_not_fit_is_told_and_writes_nothing);
    RUN(what_is_no_number_is_told_and_writes_nothing);
    RUN(networks_tell_what_they_cannot_see);
#ifdef FAULTS
    RUN(every_call_that_fails_is_told);
    RUN(every_call_that_fails_behind_an_eye_is_told);
#endif
    et_arena_close(arena);
    return tap_end();
}
