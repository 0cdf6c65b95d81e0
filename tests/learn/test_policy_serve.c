/* A policy behind a URL acts as it does here; each client has an attempt of its own; what does not
 * fit is told by its key; and a server that dies, is silent or sends nonsense fails an attempt, and
 * not who asks. */
#include "etude/clock.h"
#include "etude/loop.h"
#include "etude/policy_serve.h"
#include "learn/learn__policy_remote.h"
#include "policy_made.h"
#include "support.h"
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define LONG (20 * ET_NS_PER_S)
#define JOINTS 3
#define STEPS 20

static struct et_err err;
static const struct made_policy MADE = {
    .kind = "mlp", .n_joints = JOINTS, .n_scene = 2, .n_tasks = 2, .is_derived = true};
static const char *folder;

/* ---- servers on a thread ---- */

static struct {
    struct et_loop *loop;
    struct et_policy *policy;
    struct et_policy_server *server;
    struct et_openpi_server *odd;
    pthread_t thread;
    atomic_bool must_stop;
    char url[200];
} hall;

static void *work(void *ctx)
{
    (void)ctx;
    while (!atomic_load(&hall.must_stop) && et_loop_run_once(hall.loop, -1, NULL) == ET_OK)
        ;
    return NULL;
}

static void start(const char *address)
{
    (void)snprintf(hall.url, sizeof hall.url, "ws://%s", address);
    atomic_store(&hall.must_stop, false);
    CHECK_EQ(pthread_create(&hall.thread, NULL, work, NULL), 0);
}

static void stop(void)
{
    atomic_store(&hall.must_stop, true);
    et_loop_wake(hall.loop);
    (void)pthread_join(hall.thread, NULL);
    et_policy_server_close(hall.server);
    et_openpi_server_close(hall.odd);
    et_policy_close(hall.policy);
    et_loop_close(hall.loop);
    hall.server = NULL;
    hall.odd = NULL;
    hall.policy = NULL;
    hall.loop = NULL;
}

static bool serve_of(const char *path, struct et_policy_server_options options)
{
    options.net.address = "127.0.0.1:0";
    CHECK_OK(et_policy_open(&hall.policy, path, NULL, &err));
    CHECK_OK(et_loop_open(&hall.loop, NULL, &err));
    CHECK_OK(et_policy_server_open(&hall.server, hall.loop, hall.policy, &options, &err));
    if (!hall.server)
        return false;
    start(et_policy_server_address(hall.server));
    return true;
}

/* What is seen at a step, by chance. */
struct seen {
    float joints[8], scene[4];
    struct et_policy_view views[2];
};
static void look(struct seen *seen, struct rng *rng)
{
    for (size_t i = 0; i < 8; i++)
        seen->joints[i] = (float)rng_gaussian(rng);
    for (size_t i = 0; i < 4; i++)
        seen->scene[i] = (float)rng_gaussian(rng);
    seen->views[0] = (struct et_policy_view){.values = seen->joints};
    seen->views[1] = (struct et_policy_view){.values = seen->scene};
}

/* ---- both ends ours ---- */

static void check_acts_alike(struct et_policy *here, struct et_policy *there, uint64_t seed,
                             size_t i_task)
{
    struct rng rng = {seed};
    struct seen seen;
    double a[JOINTS], b[JOINTS];
    et_policy_begin(here, seed, i_task);
    et_policy_begin(there, seed, i_task);
    for (int i = 0; i < STEPS; i++) {
        look(&seen, &rng);
        CHECK_OK(et_policy_act(here, seen.views, a, &err));
        CHECK_OK(et_policy_act(there, seen.views, b, &err));
        for (size_t k = 0; k < JOINTS; k++)
            CHECK_NEAR(b[k], a[k], 1e-6);
        CHECK_EQ(et_policy_phase(there), et_policy_phase(here));
    }
}

static void acts_as_it_does_here_blended(void)
{
    struct et_policy *here, *there;
    if (!serve_of(folder, (struct et_policy_server_options){.is_blended = true}))
        return;
    CHECK_OK(et_policy_open(&here, folder, NULL, &err));
    CHECK_OK(et_policy_open(&there, hall.url, NULL, &err));
    check_acts_alike(here, there, 3, 0);
    check_acts_alike(here, there, 4, 1);
    et_policy_close(here);
    et_policy_close(there);
    stop();
}

static void acts_as_it_does_here_chunk_by_chunk(void)
{
    static const char *const KINDS[] = {"mlp", "act", "flow"};
    for (size_t i = 0; i < 3; i++) {
        struct made_policy made = MADE;
        char name[20];
        struct et_policy *here, *there;
        struct et_policy_options options = {.has_ensemble = true, .ensemble = -1, .n_open_loop = 4};
        (void)snprintf(name, sizeof name, "kind-%s", KINDS[i]);
        made.kind = KINDS[i];
        CHECK(make_policy(temp_path(name), &made));
        if (!serve_of(temp_path(name), (struct et_policy_server_options){0}))
            return;
        CHECK_OK(et_policy_open(&here, temp_path(name), &options, &err));
        CHECK_OK(et_policy_open(&there, hall.url, &options, &err));
        // The state goes on at the end of what is done of a chunk; so does the phase that is told.
        struct rng rng = {9};
        struct seen seen;
        double a[JOINTS * MADE_CHUNK], b[JOINTS];
        et_policy_begin(here, 9, 1);
        et_policy_begin(there, 9, 1);
        et_policy_follow(here, 4);
        for (int step = 0; step < STEPS; step++) {
            look(&seen, &rng);
            if (step % 4 == 0)
                CHECK_OK(et_policy_chunk(here, seen.views, a, &err));
            CHECK_OK(et_policy_act(there, seen.views, b, &err));
            for (size_t k = 0; k < JOINTS; k++)
                CHECK_NEAR(b[k], a[(size_t)(step % 4) * JOINTS + k], 1e-6);
        }
        CHECK_EQ(et_policy_phase(there), et_policy_phase(here));
        et_policy_close(here);
        et_policy_close(there);
        stop();
    }
}

static void says_what_its_policy_is(void)
{
    struct et_policy *there;
    double actions[JOINTS * MADE_CHUNK];
    struct seen seen;
    struct rng rng = {1};
    if (!serve_of(folder, (struct et_policy_server_options){0}))
        return;
    CHECK_OK(et_policy_open(&there, hall.url, NULL, &err));
    const struct et_policy_info *a = et_policy_info(hall.policy), *b = et_policy_info(there);
    CHECK_STR(b->kind, a->kind);
    CHECK_STR(b->dataset, "made");
    CHECK_STR(b->path, hall.url);
    CHECK(!b->robot && b->is_privileged);
    CHECK_EQ(b->n_inputs, 2);
    CHECK_STR(b->inputs[0].feature, "observation.state");
    CHECK_STR(b->inputs[1].feature, "observation.environment_state");
    CHECK_STR(b->inputs[1].names[1], "cup.y");
    CHECK_EQ(b->inputs[1].n_values, 2);
    CHECK(b->n_joints == JOINTS && b->n_phases == MADE_PHASES && b->n_tasks == 2);
    CHECK_STR(b->joints[2], "c");
    CHECK_STR(b->phases[0], "p0");
    CHECK_STR(b->tasks[1], "task 1");
    CHECK(b->n_steps == MADE_CHUNK && b->n_parameters == a->n_parameters && b->n_trained == -1);
    CHECK_NEAR(b->rate_hz, a->rate_hz, 0);
    look(&seen, &rng);
    CHECK_EQ(et_policy_chunk(there, seen.views, actions, &err), ET_EUNSUPPORTED);
    et_policy_close(there);
    stop();
}

static void serves_no_policy_of_another_server_nor_more_than_a_chunk(void)
{
    struct et_policy *there;
    struct et_policy_server *server;
    if (!serve_of(folder, (struct et_policy_server_options){0}))
        return;
    CHECK_OK(et_policy_open(&there, hall.url, NULL, &err));
    CHECK_EQ(et_policy_server_open(&server, hall.loop, there, &(struct et_policy_server_options){0},
                                   &err),
             ET_EARG);
    CHECK_HAS(err.text, "served already");
    CHECK_EQ(et_policy_server_open(&server, hall.loop, hall.policy,
                                   &(struct et_policy_server_options){.n_steps = MADE_CHUNK + 1},
                                   &err),
             ET_EARG);
    CHECK_HAS(err.text, "6 at once");
    et_policy_close(there);
    stop();
}

/* ---- openpi's client ---- */

static const int64_t N_2[] = {2}, N_3[] = {3}, N_13[] = {1, 3}, N_4[] = {4};
static double joints[4] = {0.1, -0.2, 0.3, 0.4};
static float scene[2] = {0.5F, 0.6F};
static const int64_t ONE = 1;

static struct et_tensor doubles(const char *name, const int64_t *shape, size_t n_dims)
{
    return (struct et_tensor){.name = name,
                              .type = ET_TENSOR_F64,
                              .shape = shape,
                              .n_dims = n_dims,
                              .n_values = shape[n_dims - 1],
                              .bytes = joints};
}

static struct et_tensor floats(const char *name)
{
    return (struct et_tensor){.name = name,
                              .type = ET_TENSOR_F32,
                              .shape = N_2,
                              .n_dims = 1,
                              .n_values = 2,
                              .bytes = scene};
}

static struct et_openpi_client *dial(void)
{
    struct et_openpi_client *client;
    const struct et_openpi_client_options options = {.url = hall.url, .open_ns = LONG};
    CHECK_OK(et_openpi_client_open(&client, &options, &err));
    return client;
}

/* One question with these arrays; the actions' first row. Status as et_openpi_ask. */
static enum et_status ask(struct et_openpi_client *client, const struct et_tensor *arrays, size_t n,
                          const char *prompt, float row[JOINTS], size_t *n_rows)
{
    struct et_openpi_message reply;
    float all[JOINTS * MADE_CHUNK];
    const struct et_openpi_text text = {"prompt", prompt};
    const struct et_openpi_message request = {
        .arrays = arrays, .n_arrays = n, .texts = &text, .n_texts = prompt ? 1 : 0};
    const enum et_status st = et_openpi_ask(client, &request, LONG, &reply, &err);
    if (st != ET_OK)
        return st;
    const struct et_tensor *actions = et_openpi_find(&reply, "actions");
    if (!CHECK(actions && actions->type == ET_TENSOR_F32 && actions->n_dims == 2 &&
               actions->shape[1] == JOINTS && actions->shape[0] <= MADE_CHUNK))
        return ET_ECORRUPT;
    CHECK(et_openpi_number(&reply, "policy_timing/infer_ms", -1) >= 0);
    CHECK(et_openpi_number(&reply, "server_timing/infer_ms", -1) >= 0);
    CHECK(et_openpi_text(&reply, "phase"));
    CHECK_OK(et_tensor_floats(actions, all, &err));
    memcpy(row, all, JOINTS * sizeof *row);
    if (n_rows)
        *n_rows = (size_t)actions->shape[0];
    return ET_OK;
}

static bool are_alike(const float *a, const float *b)
{
    return memcmp(a, b, JOINTS * sizeof *a) == 0;
}

static void takes_keys_by_any_of_their_names(void)
{
    const struct {
        struct et_tensor state, scene;
    } CASES[] = {{doubles("observation.state", N_3, 1), floats("observation.environment_state")},
                 {doubles("observation/state", N_3, 1), floats("observation/environment_state")},
                 {doubles("state", N_3, 1), floats("environment_state")},
                 {doubles("observation/state", N_13, 2), floats("environment_state")}};
    float first[JOINTS], row[JOINTS];
    if (!serve_of(folder, (struct et_policy_server_options){.n_steps = 2}))
        return;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_openpi_client *client = dial();
        const struct et_tensor arrays[] = {CASES[i].state, CASES[i].scene};
        size_t n_rows = 0;
        CHECK_OK(ask(client, arrays, 2, "task 1", i ? row : first, &n_rows));
        CHECK(i == 0 || are_alike(row, first));
        CHECK_EQ(n_rows, 2);
        et_openpi_client_close(client);
    }
    stop();
}

static void each_client_has_an_attempt_of_its_own_and_begins_it_anew(void)
{
    const struct et_tensor arrays[] = {
        doubles("state", N_3, 1),
        floats("environment_state"),
        {.name = "reset", .type = ET_TENSOR_I64, .n_values = 1, .bytes = &ONE}};
    float a[JOINTS], b[JOINTS], second[JOINTS], row[JOINTS];
    if (!serve_of(folder, (struct et_policy_server_options){0}))
        return;
    struct et_openpi_client *one = dial(), *two = dial();
    CHECK_OK(ask(one, arrays, 2, "task 0", a, NULL));
    CHECK_OK(ask(one, arrays, 2, NULL, second, NULL)); // it goes on: what was asked for is seen
    CHECK(!are_alike(second, a));
    CHECK_OK(ask(two, arrays, 2, "task 0", b, NULL));
    CHECK(are_alike(a, b));
    CHECK_OK(ask(one, arrays, 3, NULL, row, NULL));
    CHECK(are_alike(row, a));
    CHECK_OK(ask(two, arrays, 2, "task 1", row, NULL)); // another task, another attempt
    CHECK(!are_alike(row, a) && !are_alike(row, second));
    CHECK_OK(ask(two, arrays, 2, "task 0", row, NULL));
    CHECK(are_alike(row, a));
    et_openpi_client_close(one);
    et_openpi_client_close(two);
    one = dial(); // the place of one that left is as good as new
    CHECK_OK(ask(one, arrays, 2, "task 0", row, NULL));
    CHECK(are_alike(row, a));
    et_openpi_client_close(one);
    stop();
}

static void what_does_not_fit_is_told_by_its_key(void)
{
    static const double NONE[3] = {0, (double)NAN, 0};
    static const int64_t SEVEN = 7;
    struct et_tensor nothing = doubles("state", N_3, 1);
    nothing.bytes = NONE;
    const struct {
        struct et_tensor arrays[3];
        size_t n;
        const char *prompt, *words;
    } CASES[] = {
        {{doubles("state", N_3, 1)},
         1,
         "task 0",
         "no observation.environment_state (2 numbers; or named environment_state)"},
        {{floats("environment_state")}, 1, "task 0", "no observation.state (3 numbers"},
        {{doubles("state", N_4, 1), floats("environment_state")},
         2,
         "task 0",
         "state is 4, wanted are 3 numbers"},
        {{nothing, floats("environment_state")}, 2, "task 0", "observation.state has a value"},
        {{doubles("state", N_3, 1), floats("environment_state")}, 2, NULL, "no prompt"},
        {{doubles("state", N_3, 1), floats("environment_state")},
         2,
         "dance",
         "unknown prompt dance: the policy knows \"task 0\" and 1 more"},
        {{doubles("state", N_3, 1),
          floats("environment_state"),
          {.name = "steps", .type = ET_TENSOR_I64, .n_values = 1, .bytes = &SEVEN}},
         3,
         "task 0",
         "steps is 7: 1 to 6"}};
    float row[JOINTS];
    if (!serve_of(folder, (struct et_policy_server_options){0}))
        return;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_openpi_client *client = dial();
        CHECK_EQ(ask(client, CASES[i].arrays, CASES[i].n, CASES[i].prompt, row, NULL), ET_EIO);
        CHECK_HAS(err.text, CASES[i].words);
        et_openpi_client_close(client);
    }
    stop();
}

static void pictures_are_taken_in_their_size_alone(void)
{
    static uint8_t rgb[24 * 16 * 3];
    static const int64_t RIGHT[] = {16, 24, 3}, PLANES[] = {3, 16, 24}, WRONG[] = {24, 16, 3};
    struct made_policy made = MADE;
    made.n_cameras = 1;
    made.n_scene = 0;
    made.n_tasks = 0;
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * 7);
    CHECK(make_policy(temp_path("seeing"), &made));
    if (!serve_of(temp_path("seeing"), (struct et_policy_server_options){0}))
        return;
    struct et_tensor arrays[] = {doubles("state", N_3, 1),
                                 {.name = "images/head",
                                  .type = ET_TENSOR_U8,
                                  .shape = RIGHT,
                                  .n_dims = 3,
                                  .n_values = sizeof rgb,
                                  .bytes = rgb}};
    float row[JOINTS];
    struct et_openpi_client *client = dial();
    CHECK_OK(ask(client, arrays, 2, NULL, row, NULL));
    arrays[1].shape = PLANES;
    CHECK_OK(ask(client, arrays, 2, NULL, row, NULL));
    arrays[1].shape = WRONG;
    CHECK_EQ(ask(client, arrays, 2, NULL, row, NULL), ET_EIO);
    CHECK_HAS(err.text, "images/head is 24 × 16 × 3 of U8, wanted is a picture 16 × 24 × 3 of U8");
    et_openpi_client_close(client);
    client = dial();
    CHECK_EQ(ask(client, arrays, 1, NULL, row, NULL), ET_EIO);
    CHECK_HAS(err.text, "no observation.images.head (a picture 16 × 24 × 3 of U8");
    et_openpi_client_close(client);
    struct et_policy *there;
    CHECK_OK(et_policy_open(&there, hall.url, NULL, &err));
    const struct et_policy_info *info = et_policy_info(there);
    CHECK(info->n_inputs == 2 && info->i_first_picture == 1);
    CHECK(info->inputs[1].width_px == 24 && info->inputs[1].height_px == 16);
    struct seen seen;
    struct rng rng = {2};
    double action[JOINTS];
    look(&seen, &rng);
    seen.views[1] = (struct et_policy_view){.picture = rgb};
    CHECK_OK(et_policy_act(there, seen.views, action, &err));
    et_policy_close(there);
    stop();
}

/* ---- servers of others ---- */

enum odd { GOOD, ONE_ROW, NO_ACTIONS, WRONG_WIDTH, NO_NUMBER, FAILS, IS_SILENT, DEEP };
static atomic_int odd;
static atomic_int n_asked;
static atomic_int saw_prompt; // 1: "press", and the state of JOINTS

static enum et_status answer_oddly(void *ctx, const struct et_openpi_message *request,
                                   struct et_arena *arena, struct et_openpi_message *reply,
                                   struct et_err *why)
{
    static const int64_t ROWS[] = {2, JOINTS}, WIDE[] = {2, JOINTS + 1}, ROW[] = {JOINTS},
                         CUBE[] = {1, 2, JOINTS};
    static float values[2 * (JOINTS + 1)] = {1, 2, 3, 4, 5, 6, 7, 8};
    const struct et_tensor *state = et_openpi_find(request, "observation/state");
    const char *prompt = et_openpi_text(request, "prompt");
    struct et_tensor *actions = et_arena_alloc(arena, sizeof *actions);
    const enum odd how = (enum odd)atomic_load(&odd);
    (void)ctx;
    atomic_fetch_add(&n_asked, 1);
    atomic_store(&saw_prompt,
                 state && state->n_values == JOINTS && prompt && strcmp(prompt, "press") == 0);
    if (how == FAILS)
        return et_fail(why, ET_EIO, -1, "out of coffee");
    *actions = (struct et_tensor){.name = how == NO_ACTIONS ? "action" : "actions",
                                  .type = ET_TENSOR_F32,
                                  .shape = how == WRONG_WIDTH ? WIDE
                                           : how == ONE_ROW   ? ROW
                                           : how == DEEP      ? CUBE
                                                              : ROWS,
                                  .n_dims = how == ONE_ROW ? 1
                                            : how == DEEP  ? 3
                                                           : 2,
                                  .n_values = how == WRONG_WIDTH ? 2 * (JOINTS + 1)
                                              : how == ONE_ROW   ? JOINTS
                                                                 : 2 * JOINTS,
                                  .bytes = values};
    values[0] = how == NO_NUMBER ? NAN : 1;
    reply->arrays = actions;
    reply->n_arrays = 1;
    while (how == IS_SILENT && !atomic_load(&hall.must_stop) && atomic_load(&odd) == IS_SILENT)
        ;
    return ET_OK;
}

static void serve_oddly(const struct et_openpi_message *metadata)
{
    const struct et_openpi_server_options options = {
        .address = "127.0.0.1:0", .metadata = metadata, .infer = answer_oddly};
    CHECK_OK(et_loop_open(&hall.loop, NULL, &err));
    CHECK_OK(et_openpi_server_open(&hall.odd, hall.loop, &options, &err));
    start(et_openpi_server_address(hall.odd));
}

static const char *const ODD_JOINTS[] = {"x", "y", "z"};
static struct et_policy_remote remote = {
    .joints = ODD_JOINTS, .n_joints = JOINTS, .rate_hz = 10, .prompt = "press", .answer_ns = LONG};
static const struct et_policy_options ODD_OPTIONS = {.remote = &remote};

static void asks_a_server_that_says_nothing_by_its_keys(void)
{
    struct et_policy *there;
    struct seen seen;
    struct rng rng = {1};
    double action[JOINTS];
    atomic_store(&odd, GOOD);
    serve_oddly(NULL);
    CHECK_EQ(et_policy_open(&there, hall.url, NULL, &err), ET_EARG);
    CHECK_HAS(err.text, "does not say what its policy is");
    CHECK_OK(et_policy_open(&there, hall.url, &ODD_OPTIONS, &err));
    const struct et_policy_info *info = et_policy_info(there);
    CHECK(info->n_inputs == 1 && info->inputs[0].n_values == JOINTS);
    CHECK_NEAR(info->rate_hz, 10, 0);
    CHECK_STR(info->joints[1], "y");
    CHECK_STR(info->tasks[0], "press");
    look(&seen, &rng);
    et_policy_begin(there, 1, 0);
    const int before = atomic_load(&n_asked);
    for (int i = 0; i < 6; i++) {
        CHECK_OK(et_policy_act(there, seen.views, action, &err));
        CHECK_NEAR(action[1], i % 2 ? 5 : 2, 0);
    }
    CHECK_EQ(atomic_load(&n_asked) - before, 3); // two rows an answer
    CHECK_EQ(atomic_load(&saw_prompt), 1);
    CHECK_EQ(et_policy_phase(there), SIZE_MAX);
    et_policy_follow(there, 1);
    et_policy_begin(there, 1, 0);
    for (int i = 0; i < 3; i++)
        CHECK_OK(et_policy_act(there, seen.views, action, &err));
    CHECK_EQ(atomic_load(&n_asked) - before, 6);
    atomic_store(&odd, ONE_ROW);
    et_policy_begin(there, 1, 0);
    CHECK_OK(et_policy_act(there, seen.views, action, &err));
    CHECK_NEAR(action[2], 3, 0);
    et_policy_close(there);
    stop();
}

static void keys_that_are_none_are_told(void)
{
    static const struct {
        const char *keys, *words;
    } CASES[] = {{"state", "\"state\" is no KEY=FEATURE"},
                 {"=x", "is no KEY=FEATURE"},
                 {"a=observation.effort", "only observation.state and pictures"},
                 {"a=observation.images.head:4", "\"4\" is no size"},
                 {"a=observation.images.head:0x9", "is no size"},
                 {"a=observation.images.head:9x9y", "is no size"},
                 {"", "no keys"}};
    struct et_policy *there;
    atomic_store(&odd, GOOD);
    serve_oddly(NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_policy_remote how = remote;
        how.keys = CASES[i].keys;
        CHECK_EQ(
            et_policy_open(&there, hall.url, &(struct et_policy_options){.remote = &how}, &err),
            ET_EARG);
        CHECK_HAS(err.text, CASES[i].words);
    }
    struct et_policy_remote how = remote;
    how.keys = "images/cam_high=observation.images.head:32x24, state=observation.state";
    CHECK_OK(et_policy_open(&there, hall.url, &(struct et_policy_options){.remote = &how}, &err));
    const struct et_policy_info *info = et_policy_info(there);
    CHECK(info->n_inputs == 2 && info->i_first_picture == 1 && info->inputs[1].width_px == 32);
    CHECK_STR(info->inputs[1].feature, "observation.images.head");
    et_policy_close(there);
    stop();
}

static void nonsense_fails_the_attempt_and_the_next_connects_again(void)
{
    static const struct {
        enum odd how;
        const char *words;
    } CASES[] = {{NO_ACTIONS, "answer has no actions"},
                 {WRONG_WIDTH, "(2 … 4), wanted steps × 3 joints"},
                 {DEEP, "3 sizes"},
                 {NO_NUMBER, "no number"},
                 {FAILS, "out of coffee"},
                 {IS_SILENT, "did not answer within 0.050 s"}};
    struct et_policy_remote how = remote;
    struct et_policy *there;
    struct seen seen;
    struct rng rng = {1};
    double action[JOINTS];
    how.answer_ns = ET_NS_PER_S / 20;
    atomic_store(&odd, GOOD);
    serve_oddly(NULL);
    CHECK_OK(et_policy_open(&there, hall.url, &(struct et_policy_options){.remote = &how}, &err));
    look(&seen, &rng);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        et_policy_begin(there, 1, 0);
        atomic_store(&odd, CASES[i].how);
        CHECK_EQ(et_policy_act(there, seen.views, action, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, CASES[i].words);
        CHECK_HAS(err.text, hall.url);
        CHECK(isnan(action[0]));
        atomic_store(&odd, GOOD);
        et_policy_begin(there, 1, 0);
        enum et_status st = ET_ECORRUPT; // a slow machine may take longer than this short time
        for (int k = 0; k < 100 && st == ET_ECORRUPT; k++)
            st = et_policy_act(there, seen.views, action, &err);
        CHECK_EQ(st, ET_OK);
        CHECK_NEAR(action[0], 1, 0);
    }
    stop();
    et_policy_begin(there, 1, 0);
    CHECK_EQ(et_policy_act(there, seen.views, action, &err), ET_ECORRUPT);
    CHECK_EQ(et_policy_act(there, seen.views, action, &err), ET_EIO); // nobody is there any more
    et_policy_close(there);
}

// Instructions are a text of lines there: an empty one stays, one of several lines becomes one.
static void names_come_as_they_went(void)
{
    const char *const names[] = {"a", "b"}, *const tasks[] = {"", "lift\nit", ""};
    const struct et_policy_input input = {.feature = "observation.state", .n_values = 2};
    const struct et_policy_info info = {.kind = "mlp",
                                        .rate_hz = 25,
                                        .n_steps = 4,
                                        .joints = names,
                                        .n_joints = 2,
                                        .tasks = tasks,
                                        .n_tasks = 3,
                                        .inputs = &input,
                                        .n_inputs = 1,
                                        .i_first_picture = 1};
    struct et_arena *arena;
    struct et_openpi_message m;
    struct et_policy_info read = {0};
    bool is_ours = false;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    for (size_t n_tasks = 1; n_tasks <= 3; n_tasks++) {
        struct et_policy_info less = info;
        less.n_tasks = n_tasks;
        CHECK_OK(et__metadata_make(&less, 4, arena, &m, &err));
        CHECK_OK(et__metadata_read(&m, arena, &is_ours, &read, &err));
        CHECK(is_ours && read.n_joints == 2 && read.n_tasks == n_tasks);
        for (size_t i = 0; i < read.n_tasks; i++)
            CHECK_STR(read.tasks[i], i == 1 ? "lift it" : "");
    }
    et_arena_close(arena);
}

static void metadata_that_cannot_be_is_refused(void)
{
    static const double YES = 1, RATE = 25, CHUNK = 4, LATER = 2;
    static const int64_t SIZE = 3, TWO = 2, LARGE[3] = {9000, 9, 3};
    static const int64_t N_1[] = {1};
    const struct et_tensor version = {"etude_policy", ET_TENSOR_F64, NULL, 0, 1, &YES};
    const struct et_tensor rate = {"rate_hz", ET_TENSOR_F64, NULL, 0, 1, &RATE};
    const struct et_tensor chunk = {"chunk", ET_TENSOR_F64, NULL, 0, 1, &CHUNK};
    const char *name = "inputs/observation.state/shape";
    const struct et_openpi_text texts[] = {{"joints", "a\nb\nc"},
                                           {"inputs/observation.state/names", "a\nb\nc"}};
    const struct {
        struct et_tensor arrays[4];
        size_t n, n_texts;
        const char *words;
    } CASES[] = {
        {{version}, 1, 1, "its rate, or its chunk, is none"},
        {{version, rate, chunk}, 3, 0, "names no joints"},
        {{version, rate, chunk}, 3, 1, "names no inputs"},
        {{version, rate, chunk, {name, ET_TENSOR_F64, N_1, 1, 1, &RATE}}, 4, 1, "shape is none"},
        {{version, rate, chunk, {name, ET_TENSOR_I64, N_3, 1, 3, LARGE}}, 4, 1, "size is none"},
        {{version, rate, chunk, {name, ET_TENSOR_I64, N_1, 1, 1, &TWO}}, 4, 2, "as many names"},
        {{{"etude_policy", ET_TENSOR_F64, NULL, 0, 1, &LATER}}, 1, 1, "later version"}};
    struct et_policy *there;
    const char *const maps[] = {"inputs", "inputs/observation.state"};
    for (size_t i = 0; i <= sizeof CASES / sizeof *CASES; i++) {
        const bool is_good = i == sizeof CASES / sizeof *CASES;
        struct et_tensor good[4] = {version, rate, chunk, {name, ET_TENSOR_I64, N_1, 1, 1, &SIZE}};
        const bool has_input = is_good || CASES[i].n == 4;
        const struct et_openpi_message m = {.arrays = is_good ? good : CASES[i].arrays,
                                            .n_arrays = is_good ? 4 : CASES[i].n,
                                            .texts = texts,
                                            .n_texts = is_good ? 2 : CASES[i].n_texts,
                                            .maps = maps,
                                            .n_maps = has_input ? 2 : 0};
        serve_oddly(&m);
        const enum et_status st = et_policy_open(&there, hall.url, NULL, &err);
        if (is_good)
            CHECK_EQ(st, ET_OK);
        else if (CHECK(st == ET_ECORRUPT || st == ET_EUNSUPPORTED))
            CHECK_HAS(err.text, CASES[i].words);
        et_policy_close(there);
        stop();
    }
}

static void nobody_there_is_told(void)
{
    struct et_policy *there;
    CHECK_EQ(et_policy_open(&there, "ws://127.0.0.1:1", &ODD_OPTIONS, &err), ET_EIO);
    CHECK_HAS(err.text, "127.0.0.1:1");
    CHECK(!there);
    CHECK_EQ(et_policy_open(&there, "wss://127.0.0.1:1", &ODD_OPTIONS, &err), ET_EARG);
}

int main(void)
{
    folder = temp_path("policy");
    if (!make_policy(folder, &MADE))
        return 1;
    RUN(acts_as_it_does_here_blended);
    RUN(acts_as_it_does_here_chunk_by_chunk);
    RUN(says_what_its_policy_is);
    RUN(serves_no_policy_of_another_server_nor_more_than_a_chunk);
    RUN(takes_keys_by_any_of_their_names);
    RUN(each_client_has_an_attempt_of_its_own_and_begins_it_anew);
    RUN(what_does_not_fit_is_told_by_its_key);
    RUN(pictures_are_taken_in_their_size_alone);
    RUN(asks_a_server_that_says_nothing_by_its_keys);
    RUN(keys_that_are_none_are_told);
    RUN(nonsense_fails_the_attempt_and_the_next_connects_again);
    RUN(names_come_as_they_went);
    RUN(metadata_that_cannot_be_is_refused);
    RUN(nobody_there_is_told);
    return tap_end();
}
