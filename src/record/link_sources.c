/* An agent's own sources: polled on its loop, each on a feed of its own. */
#include "record/record__link_agent.h"

#include "etude/live.h"

#include <stdlib.h>

#define FEED_BYTES ((size_t)16 << 20)
#define NEVER_NS INT64_MAX

static void poll_source(struct et__agent_source *s);

static void on_ready(void *ctx, unsigned events)
{
    (void)events;
    poll_source(ctx);
}

static void on_time(void *ctx)
{
    poll_source(ctx);
}

// A source may have another descriptor after each poll.
static void watch(struct et__agent_source *s)
{
    const int fd = s->is_over ? -1 : et_source_fd(s->source);
    struct et_err err = {0};
    if (fd == s->watch.fd)
        return;
    et_watch_end(&s->watch);
    s->watch = (struct et_watch){.fd = fd, .on_ready = on_ready, .ctx = s};
    if (fd >= 0 && et_watch_begin(s->agent->loop, &s->watch, ET_LOOP_READ, &err) != ET_OK) {
        et_logf(s->agent->options.log, ET_LOG_WARN, "%s: %s", s->device, err.text);
        s->watch.fd = -1;
    }
}

static void poll_source(struct et__agent_source *s)
{
    struct et_err err = {0};
    int64_t t_next_ns = NEVER_NS;
    const enum et_status st = et_source_poll(s->source, &t_next_ns, &err);
    s->is_over = st != ET_OK;
    if (st < 0) {
        (void)et_feed_event(s->feed, "source.failed", s->device, err.text, NULL);
        et_logf(s->agent->options.log, ET_LOG_WARN, "%s: %s", s->device, err.text);
    }
    if (!s->is_over && t_next_ns != NEVER_NS)
        et_timer_set(s->agent->loop, &s->timer, t_next_ns);
    else
        et_timer_end(&s->timer);
    watch(s);
}

static enum et_status open_source(struct et_link_agent *a, const struct et_station_file *file,
                                  const struct et_live_source *about, struct et_err *err)
{
    struct et__agent_source *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a source");
    a->sources[a->n_sources++] = s;
    *s = (struct et__agent_source){.agent = a,
                                   .device = about->device,
                                   .watch = {.fd = -1},
                                   .timer = {.on_time = on_time, .ctx = s}};
    const struct et_feed_options how = {.n_bytes = FEED_BYTES};
    const struct et_source_options options = {.device = about->device,
                                              .settings = about->settings,
                                              .path = file->path,
                                              .station = file->sources,
                                              .n_station = file->n_sources};
    enum et_status st = et_feed_open(&s->feed, &how, err);
    if (st == ET_OK)
        st = et_source_open(&s->source, about->kind, &options, s->feed, err);
    if (st == ET_OK)
        st = et_link_agent_add(a, s->feed, err);
    if (st != ET_OK)
        (void)et_err_context(err, "%s", about->device);
    else
        et_timer_set(a->loop, &s->timer, et_loop_now_ns(a->loop));
    return st;
}

enum et_status et_link_agent_add_sources(struct et_link_agent *a,
                                         const struct et_station_file *file, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (a->n_lanes + file->n_sources > ET_LINK_FEEDS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d sources", ET_LINK_FEEDS_MAX);
    for (size_t i = 0; i < file->n_sources && st == ET_OK; i++)
        st = open_source(a, file, &file->sources[i], err);
    return st;
}

bool et__agent_is_dry(const struct et_link_agent *a)
{
    for (size_t i = 0; i < a->n_sources; i++)
        if (!a->sources[i]->is_over)
            return false;
    return true;
}

void et__agent_stop_sources(struct et_link_agent *a)
{
    for (size_t i = 0; i < a->n_sources; i++) {
        a->sources[i]->is_over = true;
        et_watch_end(&a->sources[i]->watch);
        et_timer_end(&a->sources[i]->timer);
    }
}

void et__agent_close_sources(struct et_link_agent *a)
{
    et__agent_stop_sources(a);
    for (size_t i = 0; i < a->n_sources; i++) {
        struct et__agent_source *s = a->sources[i];
        et_source_close(s->source);
        et_feed_close(s->feed);
        free(s);
    }
    a->n_sources = 0;
}
