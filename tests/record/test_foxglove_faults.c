// When the system fails, a server of streams and a source say so, or go on without what they could
// not have; nothing is left behind.
#include "etude/foxglove.h"
#include "etude/json.h"
#include "etude/source.h"
#include "fault.h"
#include "numbers.h"
#include "tap.h"

static struct et_err err;

static int64_t clock_ns;
static int64_t now_ns(void *ctx)
{
    (void)ctx;
    return clock_ns += 10000000;
}

struct ends {
    struct et_loop *loop;
    struct et_feed *feed, *heard;
    struct et_foxglove *server;
    struct et_source *source;
    struct et_arena *arena;
    uint16_t numbers;
};

static enum et_status open_server(struct ends *e)
{
    const struct et_foxglove_options how = {.address = "127.0.0.1:0", .loop = e->loop};
    enum et_status st = et_foxglove_open(&e->server, &how, &err);
    if (st == ET_OK)
        st = et_foxglove_serve(e->server, e->feed, &err);
    return st;
}

static enum et_status open_source(struct ends *e)
{
    char json[100];
    const struct et_value *settings;
    const struct et_source_options how = {.device = "other", .now_ns = now_ns};
    struct et_source_options filled = how;
    (void)snprintf(json, sizeof json, "{\"url\": \"ws://%s\"}", et_foxglove_address(e->server));
    const enum et_status st = et_json_parse(et_str(json), NULL, e->arena, &settings, &err);
    filled.settings = settings;
    return st == ET_OK
               ? et_source_open(&e->source, et_source_kind("foxglove"), &filled, e->heard, &err)
               : st;
}

// What is opened before anything fails.
static struct ends prepare(void)
{
    struct ends e = {0};
    const struct et_loop_options how = {.now_ns = now_ns};
    CHECK_OK(et_loop_open(&e.loop, &how, &err));
    CHECK_OK(et_feed_open(&e.feed, &(struct et_feed_options){.n_bytes = 65536}, &err));
    CHECK_OK(et_feed_open(&e.heard, &(struct et_feed_options){.n_bytes = 65536}, &err));
    CHECK_OK(et_feed_add(e.feed, &NUMBERS, &e.numbers, &err));
    CHECK_OK(et_arena_open(&e.arena, 1 << 20, &err));
    return e;
}

static void release(struct ends *e)
{
    et_source_close(e->source);
    et_foxglove_close(e->server);
    et_feed_close(e->feed);
    et_feed_close(e->heard);
    et_loop_close(e->loop);
    et_arena_close(e->arena);
}

static void opening_fails_whole_and_is_told(void)
{
    FOR_EACH_FAULT(at)
    {
        struct ends e = prepare();
        err = (struct et_err){0};
        fault_arm(at);
        const enum et_status st = open_server(&e);
        fault_disarm();
        CHECK(st == ET_OK || (fault_seen && err.text[0]));
        release(&e);
    }
}

// Goes round; the source may fail for good by what the system refuses its loop.
static bool go_round(struct ends *e, int n)
{
    bool is_well = true;
    for (int i = 0; i < n && is_well; i++) {
        int64_t t_next_ns;
        is_well = et_loop_run_once(e->loop, 0, NULL) == ET_OK;
        if (is_well && e->source)
            is_well = et_source_poll(e->source, &t_next_ns, NULL) == ET_OK;
    }
    return is_well;
}

static void a_failure_at_work_costs_a_connection_at_most(void)
{
    int n_heard = 0;
    FOR_EACH_FAULT(at)
    {
        struct ends e = prepare();
        CHECK_OK(open_server(&e));
        fault_only = "malloc calloc realloc read write send recv socket connect accept4";
        fault_arm(at);
        bool is_well = open_source(&e) == ET_OK && go_round(&e, 60);
        fault_disarm();
        fault_only = NULL;
        // Afterwards all is as it was, after a while.
        is_well =
            is_well && go_round(&e, 2000) && put_number(e.feed, e.numbers, 1) && go_round(&e, 100);
        for (size_t i = 0; is_well && i < et_feed_n_streams(e.heard); i++)
            n_heard += et_feed_counts(e.heard, i).n_put > 0 &&
                       strcmp(et_feed_stream(e.heard, i)->topic, "/numbers") == 0;
        CHECK(fault_seen || n_heard > 0);
        release(&e);
    }
    CHECK(n_heard > 10);
}

int main(void)
{
    RUN(opening_fails_whole_and_is_told);
    RUN(a_failure_at_work_costs_a_connection_at_most);
    return tap_end();
}
