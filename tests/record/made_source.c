#include "made_source.h"

#include "etude/clock.h"

atomic_bool made_is_closed;
_Atomic int64_t made_poll_ns;
const struct et_schema made_settings = {.type = ET_SCHEMA_ANY};

enum et_status made_open(void **self, const struct et_source_options *options, struct et_feed *feed,
                         struct et_err *err)
{
    *self = feed;
    return et_feed_event(feed, "source.listening", options->device, "at home", NULL)
               ? ET_OK
               : et_fail(err, ET_ELIMIT, -1, "a feed without room");
}

int made_fd(void *self)
{
    (void)self;
    return -1;
}

enum et_status made_poll(void *self, int64_t *t_next_ns, struct et_err *err)
{
    const int64_t poll_ns = atomic_load(&made_poll_ns);
    (void)self;
    (void)err;
    *t_next_ns = poll_ns ? et_clock_monotonic_ns() + poll_ns : INT64_MAX;
    return ET_OK;
}

enum et_source_state made_state(void *self)
{
    (void)self;
    return ET_SOURCE_LIVE;
}

void made_close(void *self)
{
    (void)self;
    atomic_store(&made_is_closed, true);
}
