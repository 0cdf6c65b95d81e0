/* The other end for openpi.py:
 *
 *     openpi_program serve [KEY]    a policy at a port of its own, which is printed; ends with its
 *                                   input. Gives each array back, its name behind "echo/", and
 *                                   "state" as floats, twice as large, as "actions"; fails at the
 *                                   prompt "fail"
 *     openpi_program ask URL [KEY]  asks as an ALOHA robot does, prints what is answered
 *     openpi_program time URL N     asks N times with two pictures of 224 × 224, prints the median
 *                                   in milliseconds */
#include "etude/clock.h"
#include "etude/loop.h"
#include "etude/openpi.h"
#include "etude/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_NS (30 * ET_NS_PER_S)

static struct et_err err;
static bool is_over;

static void check(enum et_status st)
{
    if (st == ET_OK)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static enum et_status infer(void *ctx, const struct et_openpi_message *request,
                            struct et_arena *arena, struct et_openpi_message *reply,
                            struct et_err *why)
{
    static const char *const MAPS[] = {"echo"};
    const struct et_tensor *state = et_openpi_find(request, "state");
    const char *prompt = et_openpi_text(request, "prompt");
    struct et_tensor *arrays = et_arena_array(arena, request->n_arrays + 1, sizeof *arrays);
    (void)ctx;
    if (prompt && strcmp(prompt, "fail") == 0)
        return et_fail(why, ET_EARG, -1, "this prompt fails");
    if (!state || !arrays)
        return et_fail(why, ET_EARG, -1, "there is no state");
    float *values = et_arena_array(arena, (size_t)state->n_values, sizeof *values);
    if (!values || et_tensor_floats(state, values, why) != ET_OK)
        return et_arena_fail(arena, "actions", why);
    for (int64_t i = 0; i < state->n_values; i++)
        values[i] *= 2;
    for (size_t i = 0; i < request->n_arrays; i++) {
        arrays[i] = request->arrays[i];
        arrays[i].name = et_arena_printf(arena, "echo/%s", arrays[i].name);
        if (!arrays[i].name)
            return et_arena_fail(arena, "names", why);
    }
    arrays[request->n_arrays] = *state;
    arrays[request->n_arrays].name = "actions";
    arrays[request->n_arrays].type = ET_TENSOR_F32;
    arrays[request->n_arrays].bytes = values;
    reply->arrays = arrays;
    reply->n_arrays = request->n_arrays + 1;
    reply->texts = request->texts;
    reply->n_texts = request->n_texts;
    reply->maps = MAPS;
    reply->n_maps = 1;
    return ET_OK;
}

static void on_input(void *ctx, unsigned events)
{
    char c;
    (void)ctx;
    (void)events;
    is_over = read(STDIN_FILENO, &c, 1) <= 0;
}

static int serve(const char *key)
{
    static const double POSE[] = {0, -1.5, 1.5};
    static const int64_t SHAPE[] = {3};
    static const struct et_tensor ARRAY = {"reset_pose", ET_TENSOR_F64, SHAPE, 1, 3, POSE};
    static const struct et_openpi_text TEXT = {"model", "echo"};
    static const struct et_openpi_message METADATA = {
        .arrays = &ARRAY, .n_arrays = 1, .texts = &TEXT, .n_texts = 1};
    const struct et_openpi_server_options options = {
        .address = "127.0.0.1:0", .api_key = key, .metadata = &METADATA, .infer = infer};
    struct et_watch input = {.fd = STDIN_FILENO, .on_ready = on_input};
    struct et_openpi_server *server;
    struct et_loop *loop;
    check(et_loop_open(&loop, NULL, &err));
    check(et_openpi_server_open(&server, loop, &options, &err));
    check(et_watch_begin(loop, &input, ET_LOOP_READ, &err));
    printf("%s\n", et_openpi_server_address(server));
    (void)fflush(stdout);
    while (!is_over)
        check(et_loop_run_once(loop, -1, &err));
    et_watch_end(&input);
    et_openpi_server_close(server);
    et_loop_close(loop);
    return 0;
}

static unsigned char picture[3 * 224 * 224];
static const int64_t SHAPE_STATE[] = {14}, SHAPE_PICTURE[] = {3, 224, 224};
static const double STATE[14] = {0.5, -1};
static const struct et_tensor ARRAYS[] = {
    {"state", ET_TENSOR_F64, SHAPE_STATE, 1, 14, STATE},
    {"images/cam_high", ET_TENSOR_U8, SHAPE_PICTURE, 3, 150528, picture},
    {"images/cam_low", ET_TENSOR_U8, SHAPE_PICTURE, 3, 150528, picture}};
static const struct et_openpi_text PROMPT = {"prompt", "take the cup"};
static const char *const MAPS[] = {"images"};
static const struct et_openpi_message REQUEST = {
    .arrays = ARRAYS, .n_arrays = 3, .texts = &PROMPT, .n_texts = 1, .maps = MAPS, .n_maps = 1};

static void print_message(const struct et_openpi_message *m)
{
    for (size_t i = 0; i < m->n_texts; i++)
        printf("%s \"%s\"\n", m->texts[i].name, m->texts[i].text);
    for (size_t i = 0; i < m->n_arrays; i++) {
        const struct et_tensor *t = &m->arrays[i];
        float *values = calloc((size_t)t->n_values + 1, sizeof *values);
        check(values ? et_tensor_floats(t, values, &err) : ET_ENOMEM);
        printf("%s %s", t->name, et_tensor_type_text(t->type));
        for (int64_t k = 0; k < t->n_values && k < 4; k++)
            printf(" %g", (double)values[k]);
        printf(" of %lld\n", (long long)t->n_values);
        free(values);
    }
}

static int ask(const char *url, const char *key, size_t n)
{
    const struct et_openpi_client_options options = {.url = url, .api_key = key};
    struct et_openpi_client *client;
    struct et_openpi_message reply;
    double *ms = calloc(n, sizeof *ms);
    memset(picture, 7, sizeof picture);
    check(ms ? et_openpi_client_open(&client, &options, &err) : ET_ENOMEM);
    for (size_t i = 0; i < n; i++) {
        const int64_t t_ns = et_clock_monotonic_ns();
        check(et_openpi_ask(client, &REQUEST, PATIENCE_NS, &reply, &err));
        ms[i] = (double)(et_clock_monotonic_ns() - t_ns) / 1e6;
    }
    if (n == 1) {
        print_message(et_openpi_client_metadata(client));
        print_message(&reply);
    } else {
        printf("%.3f\n", et_median_of(ms, n));
    }
    et_openpi_client_close(client);
    free(ms);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "serve") == 0)
        return serve(argc > 2 ? argv[2] : NULL);
    if (argc >= 3 && strcmp(argv[1], "ask") == 0)
        return ask(argv[2], argc > 3 ? argv[3] : NULL, 1);
    if (argc == 4 && strcmp(argv[1], "time") == 0)
        return ask(argv[2], NULL, (size_t)strtoul(argv[3], NULL, 10));
    fprintf(stderr, "openpi_program serve [KEY] | ask URL [KEY] | time URL N\n");
    return 2;
}
