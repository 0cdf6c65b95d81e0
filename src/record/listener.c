#include "record/record__listener.h"

#include "etude/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES ET__LISTENER_TEXT_BYTES
#define SILENCE_NS (2 * ET_NS_PER_S)
#define GARBAGE_NS (10 * ET_NS_PER_S)

enum et_status et__listener_open(struct et__listener *listener,
                                 const struct et_source_options *options, struct et_feed *feed,
                                 size_t message_bytes, struct et_err *err)
{
    *listener = (struct et__listener){.feed = feed,
                                      .device = strdup(options->device),
                                      .now_ns = options->now_ns,
                                      .ctx = options->ctx,
                                      .only_look = options->only_look,
                                      .message = et_buf(message_bytes)};
    return listener->device ? ET_OK
                            : et_fail(err, ET_ENOMEM, -1, "no memory for %s", options->device);
}

static uint64_t not_told(const struct et__listener *listener)
{
    return listener->n_garbage - listener->n_told;
}

static void tell_garbage(struct et__listener *listener)
{
    char text[TEXT_BYTES], value[TEXT_BYTES];
    const unsigned long long n = not_told(listener), n_all = listener->n_garbage;
    (void)snprintf(text, sizeof text, "%llu thing%s came that %s no message%s of its kind", n,
                   n == 1 ? "" : "s", n == 1 ? "is" : "are", n == 1 ? "" : "s");
    (void)snprintf(value, sizeof value, "{\"n\": %llu, \"n_all\": %llu}", n, n_all);
    et__listener_event(listener, "device.garbage", text, value);
    listener->n_told = listener->n_garbage;
}

void et__listener_close(struct et__listener *listener)
{
    if (not_told(listener) > 0)
        tell_garbage(listener);
    free(listener->device);
    et_buf_free(&listener->message);
}

int64_t et__listener_now(const struct et__listener *listener)
{
    return listener->now_ns(listener->ctx);
}

enum et_status et__listener_add(struct et__listener *listener, const char *suffix, const char *type,
                                double rate_hz, uint16_t *stream, struct et_err *err)
{
    struct et_buf topic = et_buf(2 * ET_NAME_BYTES_MAX);
    et_buf_printf(&topic, "/%s%s", listener->device, suffix);
    enum et_status st = et_buf_check(&topic, "a topic's name", err);
    if (st == ET_OK)
        st = et_feed_add_type(listener->feed, et_buf_text(&topic), type, listener->device, rate_hz,
                              stream, err);
    et_buf_free(&topic);
    return st;
}

struct et_cdr et__listener_begin(struct et__listener *listener)
{
    et_buf_clear(&listener->message);
    return et_cdr_begin(&listener->message);
}

void et__listener_put(struct et__listener *listener, uint16_t stream, int64_t t_device_ns,
                      int64_t t_arrival_ns)
{
    if (listener->only_look)
        return;
    if (listener->message.status != ET_OK) {
        et_feed_lost(listener->feed, stream, 1);
        return;
    }
    (void)et_feed_put(listener->feed,
                      &(struct et_feed_sample){
                          .t_arrival_ns = t_arrival_ns ? t_arrival_ns : et__listener_now(listener),
                          .t_device_ns = t_device_ns,
                          .stream = stream,
                          .n_bytes = (uint32_t)listener->message.n,
                          .bytes = listener->message.p,
                      });
}

void et__listener_event(struct et__listener *listener, const char *kind, const char *text,
                        const char *value)
{
    if (!listener->only_look)
        (void)et_feed_event(listener->feed, kind, listener->device, text, value);
}

void et__listener_tell(struct et__listener *listener, bool is_there, const char *fmt, ...)
{
    char text[TEXT_BYTES];
    va_list args;
    if (listener->is_told && listener->is_there && is_there)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (listener->is_told && listener->is_there == is_there && strcmp(text, listener->told) == 0)
        return;
    listener->is_told = true;
    listener->is_there = is_there;
    memcpy(listener->told, text, sizeof text);
    et__listener_event(listener, is_there ? "device.found" : "device.lost", text, NULL);
}

void et__listener_hear(struct et__listener *listener)
{
    listener->t_heard_ns = et__listener_now(listener);
    listener->n_before = listener->n_garbage;
    et__listener_tell(listener, true, "it is heard");
}

void et__listener_garbage(struct et__listener *listener, uint64_t n)
{
    listener->n_garbage += n;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void et__listener_tell_garbage(struct et__listener *listener, int64_t now_ns, int64_t *t_next_ns)
{
    const int64_t due_ns = listener->t_garbage_ns ? listener->t_garbage_ns + GARBAGE_NS : now_ns;
    if (not_told(listener) == 0)
        return;
    if (now_ns < due_ns && listener->n_garbage / 10 < listener->n_told) {
        *t_next_ns = earlier(*t_next_ns, due_ns);
        return;
    }
    listener->t_garbage_ns = now_ns;
    tell_garbage(listener);
}

// What came since it was heard is none of its language, as far as it was told.
static bool is_babble(const struct et__listener *listener)
{
    return listener->n_told > listener->n_before;
}

static void tell_babble(struct et__listener *listener)
{
    const unsigned long long n = listener->n_told - listener->n_before;
    et__listener_tell(listener, false, "what comes is no %s: %llu packet%s",
                      listener->language ? listener->language : "message of its kind", n,
                      n == 1 ? "" : "s");
}

void et__listener_watch(struct et__listener *listener, int64_t now_ns, int64_t *t_next_ns)
{
    if (listener->t_heard_ns == 0)
        listener->t_heard_ns = now_ns;
    et__listener_tell_garbage(listener, now_ns, t_next_ns);
    const int64_t silent_ns = listener->t_heard_ns + SILENCE_NS;
    if (now_ns < silent_ns)
        *t_next_ns = earlier(*t_next_ns, silent_ns);
    else if (is_babble(listener))
        tell_babble(listener);
    else
        et__listener_tell(listener, false, "nothing is heard of it");
}
