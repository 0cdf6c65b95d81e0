#include "etude/feed.h"

#include "etude/cdr.h"
#include "etude/clock.h"
#include "record/record__rate.h"
#include "record/record__ring.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define RING_BYTES ((size_t)4 << 20)
#define SCHEMA_BYTES_MAX ((size_t)4 << 20)
#define EVENT_BYTES_MAX ((size_t)64 << 10)

struct entry {
    struct et_feed_stream stream; // texts owned, all in `texts`
    char *texts;
    _Atomic uint64_t n_put, n_bytes, n_dropped, n_too_large, n_lost;
    bool is_told; // that a sample was larger than finds room
    _Atomic int64_t t_first_ns, t_last_ns, t_last_device_ns;
    struct et__rate rate;
    _Atomic double rate_hz;
};

struct et_feed {
    struct et__ring *ring;
    struct et_feed_listener listeners[ET_FEED_LISTENERS_MAX];
    size_t n_listeners;
    struct et_buf event; // the one that is put
    struct entry *entries[ET_FEED_STREAMS_MAX];
    _Atomic size_t n_entries;
};

/* ---- opening ---- */

enum et_status et_feed_open(struct et_feed **feed, const struct et_feed_options *options,
                            struct et_err *err)
{
    *feed = NULL;
    struct et_feed *f = calloc(1, sizeof *f);
    if (!f)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a feed");
    f->event = et_buf(EVENT_BYTES_MAX);
    uint16_t i;
    enum et_status st =
        et__ring_open(&f->ring, options && options->n_bytes ? options->n_bytes : RING_BYTES, err);
    if (st == ET_OK)
        st = et_feed_add_type(f, "/events", "etude_msgs/msg/Event", NULL, 0, &i, err);
    if (st != ET_OK) {
        et_feed_close(f);
        return st;
    }
    *feed = f;
    return ET_OK;
}

static void free_entry(struct entry *entry)
{
    if (entry)
        free(entry->texts);
    free(entry);
}

void et_feed_close(struct et_feed *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < et_feed_n_streams(f); i++)
        free_entry(f->entries[i]);
    et__ring_close(f->ring);
    et_buf_free(&f->event);
    free(f);
}

enum et_status et_feed_listen(struct et_feed *f, const struct et_feed_listener *listener,
                              struct et_err *err)
{
    if (f->n_listeners == ET_FEED_LISTENERS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d listen to a feed", ET_FEED_LISTENERS_MAX);
    f->listeners[f->n_listeners++] = *listener;
    return ET_OK;
}

/* ---- streams ---- */

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same(const struct et_feed_stream *a, const struct et_feed_stream *b)
{
    return is_same_text(a->topic, b->topic) && is_same_text(a->type, b->type) &&
           et_str_eq(a->schema, b->schema) &&
           is_same_text(a->schema_encoding, b->schema_encoding) &&
           is_same_text(a->message_encoding, b->message_encoding) &&
           is_same_text(a->device, b->device) && is_same_text(a->qos, b->qos);
}

// Copies a text to *at, behind what is there; NULL stays NULL.
static const char *keep(char **at, const char *text)
{
    if (!text)
        return NULL;
    const size_t n = strlen(text) + 1;
    char *to = *at;
    memcpy(to, text, n);
    *at += n;
    return to;
}

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static struct entry *new_entry(const struct et_feed_stream *stream)
{
    const size_t n = text_bytes(stream->topic) + text_bytes(stream->type) +
                     text_bytes(stream->schema_encoding) + text_bytes(stream->message_encoding) +
                     text_bytes(stream->device) + text_bytes(stream->qos) + stream->schema.n;
    struct entry *entry = calloc(1, sizeof *entry);
    char *at = malloc(n);
    if (!entry || !at) {
        free(entry);
        free(at);
        return NULL;
    }
    entry->texts = at;
    struct et_feed_stream *kept = &entry->stream;
    kept->topic = keep(&at, stream->topic);
    kept->type = keep(&at, stream->type);
    kept->schema_encoding = keep(&at, stream->schema_encoding);
    kept->message_encoding = keep(&at, stream->message_encoding);
    kept->device = keep(&at, stream->device);
    kept->qos = keep(&at, stream->qos);
    kept->rate_hz = stream->rate_hz;
    kept->schema = (struct et_str){at, stream->schema.n};
    if (stream->schema.n)
        memcpy(at, stream->schema.p, stream->schema.n);
    return entry;
}

enum et_status et_feed_add(struct et_feed *f, const struct et_feed_stream *stream, uint16_t *i,
                           struct et_err *err)
{
    *i = 0;
    const size_t n = et_feed_n_streams(f);
    for (size_t k = 0; k < n; k++)
        if (is_same(&f->entries[k]->stream, stream)) {
            *i = (uint16_t)k;
            return ET_OK;
        }
    enum et_status st = et_name_check(et_str(stream->topic), "a topic's name", err);
    if (st == ET_OK)
        st = et_name_check(et_str(stream->type), "a type's name", err);
    if (st != ET_OK)
        return st;
    if (stream->schema.n > SCHEMA_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "the definition of %s has %zu bytes, more than %zu",
                       stream->type, stream->schema.n, SCHEMA_BYTES_MAX);
    if (n == ET_FEED_STREAMS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%s: more than %d streams", stream->topic,
                       ET_FEED_STREAMS_MAX);
    struct entry *entry = new_entry(stream);
    if (!entry)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the stream %s", stream->topic);
    f->entries[n] = entry;
    atomic_store_explicit(&f->n_entries, n + 1, memory_order_release);
    *i = (uint16_t)n;
    return ET_OK;
}

enum et_status et_feed_add_type(struct et_feed *f, const char *topic, const char *type,
                                const char *device, double rate_hz, uint16_t *i, struct et_err *err)
{
    *i = 0;
    struct et_buf schema = et_buf(SCHEMA_BYTES_MAX);
    enum et_status st = et_msgdef_store_text(et_str(type), ET_MSGDEF_ROS2, &schema, err);
    if (st == ET_OK) {
        const struct et_feed_stream stream = {.topic = topic,
                                              .type = type,
                                              .schema = et_buf_str(&schema),
                                              .schema_encoding = "ros2msg",
                                              .message_encoding = "cdr",
                                              .device = device,
                                              .rate_hz = rate_hz};
        st = et_feed_add(f, &stream, i, err);
    }
    et_buf_free(&schema);
    return st;
}

size_t et_feed_n_streams(const struct et_feed *f)
{
    return atomic_load_explicit(&f->n_entries, memory_order_acquire);
}

const struct et_feed_stream *et_feed_stream(const struct et_feed *f, size_t i)
{
    return &f->entries[i]->stream;
}

/* ---- samples ---- */

// Only one thread adds, so it need not be one step.
static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

// No waiting brings room to what is larger than half of the ring: that is no want of speed.
static void tell_too_large(struct et_feed *f, struct entry *entry, size_t n)
{
    const size_t n_max = et__ring_bytes(f->ring) / 2;
    char text[512];
    if (n <= n_max - sizeof(struct et__ring_sample))
        return;
    count(&entry->n_too_large, 1); // first: of what was dropped the reason is known
    if (entry->is_told)
        return;
    entry->is_told = true;
    (void)snprintf(text, sizeof text,
                   "%.200s: samples too large are dropped: %zu bytes, where %zu fit",
                   entry->stream.topic, n, n_max - sizeof(struct et__ring_sample));
    (void)et_feed_event(f, "source.warning", entry->stream.device, text, NULL);
}

bool et_feed_put(struct et_feed *f, const struct et_feed_sample *sample)
{
    struct entry *entry = f->entries[sample->stream];
    struct et_feed_sample s = *sample;
    if (s.t_arrival_ns == 0)
        s.t_arrival_ns = et_clock_monotonic_ns();
    for (size_t i = 0; i < f->n_listeners; i++)
        f->listeners[i].on_put(f->listeners[i].ctx, &s);
    const struct et__ring_sample head = {.t_arrival_ns = s.t_arrival_ns,
                                         .t_device_ns = s.t_device_ns,
                                         .session = s.session,
                                         .number = s.number,
                                         .is_again = s.is_again,
                                         .n_bytes = s.n_bytes,
                                         .stream = s.stream};
    const bool has_room = et__ring_put(f->ring, &head, s.bytes);
    if (has_room) {
        count(&entry->n_put, 1);
        count(&entry->n_bytes, s.n_bytes);
    } else {
        tell_too_large(f, entry, s.n_bytes);
        count(&entry->n_dropped, 1);
    }
    if (sample->stream != ET_FEED_EVENTS && !s.is_again)
        atomic_store_explicit(&entry->rate_hz,
                              et__rate_put(&entry->rate, s.t_arrival_ns, s.t_device_ns),
                              memory_order_relaxed);
    if (atomic_load_explicit(&entry->t_first_ns, memory_order_relaxed) == 0)
        atomic_store_explicit(&entry->t_first_ns, s.t_arrival_ns, memory_order_relaxed);
    atomic_store_explicit(&entry->t_last_ns, s.t_arrival_ns, memory_order_relaxed);
    atomic_store_explicit(&entry->t_last_device_ns, s.t_device_ns, memory_order_relaxed);
    return has_room;
}

void et_feed_lost(struct et_feed *f, uint16_t stream, uint64_t n)
{
    count(&f->entries[stream]->n_lost, n);
}

bool et_feed_event(struct et_feed *f, const char *kind, const char *source, const char *text,
                   const char *value)
{
    et_buf_clear(&f->event);
    struct et_cdr w = et_cdr_begin(&f->event);
    et_cdr_time(&w, 0);
    et_cdr_text(&w, ET_STR(""));
    et_cdr_text(&w, et_str(kind));
    et_cdr_text(&w, et_str(source));
    et_cdr_text(&w, et_str(text));
    et_cdr_text(&w, et_str(value));
    if (f->event.status != ET_OK) {
        count(&f->entries[ET_FEED_EVENTS]->n_dropped, 1);
        return false;
    }
    return et_feed_put(f, &(struct et_feed_sample){.stream = ET_FEED_EVENTS,
                                                   .n_bytes = (uint32_t)f->event.n,
                                                   .bytes = f->event.p});
}

bool et_feed_next(struct et_feed *f, struct et_feed_sample *sample)
{
    const void *bytes;
    const struct et__ring_sample *head = et__ring_peek(f->ring, &bytes);
    if (!head)
        return false;
    *sample = (struct et_feed_sample){.t_arrival_ns = head->t_arrival_ns,
                                      .t_device_ns = head->t_device_ns,
                                      .session = head->session,
                                      .number = head->number,
                                      .is_again = head->is_again,
                                      .stream = head->stream,
                                      .n_bytes = head->n_bytes,
                                      .bytes = bytes};
    return true;
}

void et_feed_done(struct et_feed *f)
{
    et__ring_pop(f->ring);
}

/* ---- counts ---- */

struct et_feed_counts et_feed_counts(const struct et_feed *f, size_t i)
{
    const struct entry *e = f->entries[i];
#define LOAD(member) atomic_load_explicit(&e->member, memory_order_relaxed)
    return (struct et_feed_counts){.n_put = LOAD(n_put),
                                   .n_bytes = LOAD(n_bytes),
                                   .n_dropped = LOAD(n_dropped),
                                   .n_too_large = LOAD(n_too_large),
                                   .n_lost = LOAD(n_lost),
                                   .t_first_ns = LOAD(t_first_ns),
                                   .t_last_ns = LOAD(t_last_ns),
                                   .t_last_device_ns = LOAD(t_last_device_ns),
                                   .rate_hz = LOAD(rate_hz)};
#undef LOAD
}

size_t et_feed_used(const struct et_feed *f)
{
    return et__ring_used(f->ring);
}

size_t et_feed_size(const struct et_feed *f)
{
    return et__ring_bytes(f->ring);
}
