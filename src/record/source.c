#include "etude/source.h"

#include "etude/clock.h"
#include "record/record__sources.h"

#include <stdlib.h>

struct et_source {
    const struct et_source_kind *kind;
    void *self;
};

// One line a kind; each is a file of its own, source_<name>.c.
// clang-format off
static const struct et_source_kind *const KINDS[] = {
#ifdef ET_HAS_DDS
    &et__source_dds,
    &et__source_drive,
#endif
    &et__source_dynamixel,
    &et__source_foxglove,
#ifdef ET_HAS_EVDEV
    &et__source_gamepad,
    &et__source_keys,
#endif
    &et__source_link,
    &et__source_replay,
    &et__source_v4l2,
    &et__source_vmc,
    &et__source_webxr,
    &et__source_world,
    &et__source_xsens,
    NULL, // the end
};
// clang-format on

const struct et_source_kind *const *et_source_kinds(void)
{
    return KINDS;
}

const struct et_source_kind *et_source_kind(const char *name)
{
    for (size_t i = 0; KINDS[i]; i++)
        if (strcmp(KINDS[i]->name, name) == 0)
            return KINDS[i];
    return NULL;
}

static int64_t monotonic(void *ctx)
{
    (void)ctx;
    return et_clock_monotonic_ns();
}

enum et_status et_source_open(struct et_source **source, const struct et_source_kind *kind,
                              const struct et_source_options *options, struct et_feed *feed,
                              struct et_err *err)
{
    *source = NULL;
    struct et_source_options filled = *options;
    if (!filled.now_ns)
        filled.now_ns = monotonic;
    if (filled.settings) {
        const enum et_status st =
            et_schema_check(filled.settings, kind->settings, filled.path, err);
        if (st != ET_OK)
            return st;
    }
    struct et_source *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %s", options->device);
    s->kind = kind;
    const enum et_status st = kind->open(&s->self, &filled, feed, err);
    if (st != ET_OK) {
        free(s);
        return st;
    }
    *source = s;
    return ET_OK;
}

int et_source_fd(struct et_source *source)
{
    return source->kind->fd(source->self);
}

enum et_status et_source_poll(struct et_source *source, int64_t *t_next_ns, struct et_err *err)
{
    *t_next_ns = INT64_MAX;
    return source->kind->poll(source->self, t_next_ns, err);
}

enum et_source_state et_source_state(const struct et_source *source)
{
    return source->kind->state(source->self);
}

const struct et_source_kind *et_source_kind_of(const struct et_source *source)
{
    return source->kind;
}

void et_source_say(struct et_source *source, char text[ET_SOURCE_WORDS_BYTES])
{
    text[0] = 0;
    if (source->kind->say)
        source->kind->say(source->self, text, ET_SOURCE_WORDS_BYTES);
}

void et_source_hear(struct et_source *source, const struct et_feed_stream *stream,
                    const struct et_feed_sample *sample)
{
    if (source->kind->hear)
        source->kind->hear(source->self, stream, sample);
}

void et_source_tell(struct et_source *source, const struct et_source_news *news)
{
    if (source->kind->tell)
        source->kind->tell(source->self, news);
}

enum et_source_deadman et_source_deadman(const struct et_source *source)
{
    return source->kind->deadman ? source->kind->deadman(source->self) : ET_SOURCE_DEADMAN_NONE;
}

void et_source_close(struct et_source *source)
{
    if (!source)
        return;
    source->kind->close(source->self);
    free(source);
}
