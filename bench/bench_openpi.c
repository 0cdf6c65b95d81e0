/* A question to a policy and its answer, over loopback: two pictures of 224 × 224, a state and a
 * prompt (301 kB) one way, 50 actions of 32 the other. Server and client are threads of their own;
 * the policy does nothing. The second measure is one in float64 without pictures.
 *
 * Yardstick: the same bytes through a socket pair, written and read by one thread. */
#include "bench.h"

#include "etude/loop.h"
#include "etude/openpi.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_QUESTIONS 200
#define PICTURE_BYTES ((size_t)3 * 224 * 224)
#define PIECE_BYTES ((size_t)64 << 10)
#define PATIENCE_NS (30 * ET_NS_PER_S)

static struct et_err err;
static struct et_loop *loop;
static struct et_openpi_server *server;
static atomic_bool must_stop;

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
    static const int64_t SHAPE[] = {50, 32};
    static const float ACTIONS[50 * 32];
    static const struct et_tensor ARRAY = {"actions", ET_TENSOR_F32, SHAPE, 2, 1600, ACTIONS};
    (void)ctx;
    (void)request;
    (void)arena;
    (void)why;
    reply->arrays = &ARRAY;
    reply->n_arrays = 1;
    return ET_OK;
}

static void *serve(void *ctx)
{
    struct et_err why;
    (void)ctx;
    while (!atomic_load(&must_stop) && et_loop_run_once(loop, -1, &why) == ET_OK)
        ;
    return NULL;
}

static unsigned char picture[PICTURE_BYTES];
static const double STATE[14];
static const int64_t SHAPE_STATE[] = {14}, SHAPE_PICTURE[] = {3, 224, 224};
static const struct et_tensor ARRAYS[] = {
    {"state", ET_TENSOR_F64, SHAPE_STATE, 1, 14, STATE},
    {"images/cam_high", ET_TENSOR_U8, SHAPE_PICTURE, 3, PICTURE_BYTES, picture},
    {"images/cam_low", ET_TENSOR_U8, SHAPE_PICTURE, 3, PICTURE_BYTES, picture}};
static const struct et_openpi_text PROMPT = {"prompt", "take the cup"};
static const char *const MAPS[] = {"images"};

static double ask_ms(struct et_openpi_client *client, const struct et_openpi_message *request)
{
    static double ms[N_QUESTIONS];
    struct et_openpi_message reply;
    for (size_t i = 0; i < N_QUESTIONS; i++) {
        const int64_t t_ns = et_clock_monotonic_ns();
        check(et_openpi_ask(client, request, PATIENCE_NS, &reply, &err));
        ms[i] = (double)(et_clock_monotonic_ns() - t_ns) / 1e6;
    }
    return bench_median(ms, N_QUESTIONS);
}

static double pass_ms(int fds[2], size_t n_bytes)
{
    static char piece[PIECE_BYTES];
    static double ms[N_QUESTIONS];
    for (size_t i = 0; i < N_QUESTIONS; i++) {
        const int64_t t_ns = et_clock_monotonic_ns();
        for (size_t left = n_bytes; left > 0;) {
            const ssize_t put = write(fds[0], piece, left < PIECE_BYTES ? left : PIECE_BYTES);
            if (put <= 0 || recv(fds[1], piece, (size_t)put, MSG_WAITALL) != put)
                exit(1);
            left -= (size_t)put;
        }
        ms[i] = (double)(et_clock_monotonic_ns() - t_ns) / 1e6;
    }
    return bench_median(ms, N_QUESTIONS);
}

static void measure(struct bench *b, const char *name, struct et_openpi_client *client,
                    const struct et_openpi_message *request)
{
    double asked[BENCH_RUNS], passed[BENCH_RUNS];
    struct et_buf bytes = et_buf((size_t)1 << 20);
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        exit(1);
    check(et_openpi_write(request, &bytes, &err));
    for (size_t i = 0; i < BENCH_RUNS; i++) {
        passed[i] = pass_ms(fds, bytes.n);
        asked[i] = ask_ms(client, request);
    }
    bench_row(b, name, bench_median(asked, BENCH_RUNS), "ms", "bytes through a socket pair",
              bench_median(passed, BENCH_RUNS), NULL);
    (void)close(fds[0]);
    (void)close(fds[1]);
    et_buf_free(&bytes);
}

int main(int argc, char **argv)
{
    const struct et_openpi_server_options options = {.address = "127.0.0.1:0", .infer = infer};
    const struct et_openpi_message pictures = {.arrays = ARRAYS,
                                               .n_arrays = 3,
                                               .texts = &PROMPT,
                                               .n_texts = 1,
                                               .maps = MAPS,
                                               .n_maps = 1},
                                   state = {.arrays = ARRAYS, .n_arrays = 1};
    struct bench b = bench_open(argc > 1 ? argv[1] : NULL);
    struct et_openpi_client *client;
    pthread_t thread;
    char url[200];
    check(et_loop_open(&loop, NULL, &err));
    check(et_openpi_server_open(&server, loop, &options, &err));
    (void)snprintf(url, sizeof url, "ws://%s", et_openpi_server_address(server));
    if (pthread_create(&thread, NULL, serve, NULL) != 0)
        return 1;
    check(et_openpi_client_open(&client, &(struct et_openpi_client_options){.url = url}, &err));
    measure(&b, "a question with two pictures, 301 kB", client, &pictures);
    measure(&b, "a question with a state, 0.2 kB", client, &state);
    et_openpi_client_close(client);
    atomic_store(&must_stop, true);
    et_loop_wake(loop);
    (void)pthread_join(thread, NULL);
    et_openpi_server_close(server);
    et_loop_close(loop);
    bench_close(&b);
    return 0;
}
