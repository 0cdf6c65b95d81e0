/* Whatever call into the system fails, a server does not open by half, and a client says why. */
#include "etude/loop.h"
#include "etude/openpi.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct et_err err;
static const double STATE[2] = {1, 2};
static const int64_t SHAPE[] = {2};
static const struct et_tensor ARRAYS[] = {{"state", ET_TENSOR_F64, SHAPE, 1, 2, STATE}};
static const struct et_openpi_message STATES = {.arrays = ARRAYS, .n_arrays = 1};

static enum et_status infer(void *ctx, const struct et_openpi_message *request,
                            struct et_arena *arena, struct et_openpi_message *reply,
                            struct et_err *why)
{
    (void)ctx;
    (void)arena;
    (void)why;
    *reply = *request;
    return ET_OK;
}

static const struct et_openpi_server_options OPTIONS = {
    .address = "127.0.0.1:0", .metadata = &STATES, .infer = infer};

static void opens_a_server_whole_or_not_at_all(void)
{
    FOR_EACH_FAULT(at)
    {
        struct et_loop *loop;
        struct et_openpi_server *server;
        err = (struct et_err){0};
        CHECK_OK(et_loop_open(&loop, NULL, &err));
        fault_arm(at);
        const enum et_status st = et_openpi_server_open(&server, loop, &OPTIONS, &err);
        fault_disarm();
        CHECK((st == ET_OK) == (server != NULL));
        CHECK(fault_seen ? st != ET_OK && err.text[0] : st == ET_OK);
        et_openpi_server_close(server);
        et_loop_close(loop);
    }
}

static pid_t serve_beside(char url[200])
{
    int pipe_fds[2];
    CHECK(pipe(pipe_fds) == 0);
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        struct et_loop *loop;
        struct et_openpi_server *server;
        char text[200] = "";
        if (et_loop_open(&loop, NULL, NULL) != ET_OK ||
            et_openpi_server_open(&server, loop, &OPTIONS, NULL) != ET_OK)
            _exit(1);
        (void)snprintf(text, sizeof text, "ws://%s", et_openpi_server_address(server));
        if (write(pipe_fds[1], text, sizeof text) != sizeof text)
            _exit(1);
        while (et_loop_run_once(loop, -1, NULL) == ET_OK)
            ;
        _exit(0);
    }
    CHECK(read(pipe_fds[0], url, 200) == 200);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    return child;
}

static void a_client_says_why(void)
{
    char url[200] = "";
    const pid_t child = serve_beside(url);
    const struct et_openpi_client_options options = {.url = url};
    FOR_EACH_FAULT(at)
    {
        struct et_openpi_client *client;
        struct et_openpi_message reply;
        err = (struct et_err){0};
        fault_arm(at);
        enum et_status st = et_openpi_client_open(&client, &options, &err);
        CHECK((st == ET_OK) == (client != NULL));
        if (st == ET_OK)
            st = et_openpi_ask(client, &STATES, INT64_C(20000000000), &reply, &err);
        CHECK(st == ET_OK ? reply.n_arrays == 2 : err.text[0] != 0);
        et_openpi_client_close(client);
        fault_disarm();
        CHECK(fault_seen || st == ET_OK);
    }
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, NULL, 0) == child);
}

static void reads_and_writes_whole_messages_or_none(void)
{
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        struct et_openpi_message message;
        struct et_buf buf = et_buf(1000);
        err = (struct et_err){0};
        fault_arm(at);
        enum et_status st = et_arena_open(&arena, 1 << 20, &err);
        if (st == ET_OK)
            st = et_openpi_write(&STATES, &buf, &err);
        if (st == ET_OK)
            st = et_openpi_read(et_buf_str(&buf), arena, &message, &err);
        fault_disarm();
        CHECK(fault_seen ? st == ET_ENOMEM && err.text[0] : st == ET_OK);
        et_arena_close(arena);
        et_buf_free(&buf);
    }
}

int main(void)
{
    RUN(opens_a_server_whole_or_not_at_all);
    RUN(a_client_says_why);
    RUN(reads_and_writes_whole_messages_or_none);
    return tap_end();
}
