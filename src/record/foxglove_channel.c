/* Channels: streams under topics that are each there once. */
#include "record/record__foxglove_server.h"

#include <stdio.h>
#include <stdlib.h>

#define KEPT_MAX 16 // of several who send it, each its own
#define KEPT_BYTES ((size_t)1 << 20)

struct kept_head {
    int64_t t_ns;
    uint64_t n_bytes;
};

static bool is_taken(const struct et_foxglove *s, size_t n, const char *topic)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(s->channels[i]->topic, topic) == 0)
            return true;
    return false;
}

static void name_it(const struct et_foxglove *s, size_t n, struct et__channel *channel)
{
    const char *topic = channel->stream->topic;
    unsigned k = 1;
    for (size_t i = 0; i < n; i++)
        k += strcmp(s->channels[i]->stream->topic, topic) == 0;
    (void)snprintf(channel->topic, sizeof channel->topic, "%s", topic);
    for (k = k > 2 ? k : 2; is_taken(s, n, channel->topic); k++)
        (void)snprintf(channel->topic, sizeof channel->topic, "%s_%u", topic, k);
}

// What is sent once, for all who come later: as its sender offers it (1 is transient_local), or by
// the names that ROS has for such things where that was not recorded.
static bool is_latched(const struct et_feed_stream *stream)
{
    const struct et_str topic = et_str(stream->topic);
    const char *qos = stream->qos ? stream->qos : "";
    return strstr(qos, "durability: 1") || strstr(qos, "transient_local") ||
           et_str_ends(topic, "/tf_static") || et_str_ends(topic, "/robot_description");
}

// ET__NO_CHANNEL: there is no room for another one.
static uint16_t add_channel(struct et_foxglove *s, const struct et_feed_stream *stream)
{
    const size_t n = atomic_load(&s->n_channels);
    struct et__channel *channel = n < ET_FOXGLOVE_CHANNELS_MAX ? calloc(1, sizeof *channel) : NULL;
    if (!channel)
        return ET__NO_CHANNEL;
    channel->stream = stream;
    channel->is_latched = is_latched(stream);
    channel->kept = et_buf(KEPT_BYTES);
    name_it(s, n, channel);
    s->channels[n] = channel;
    atomic_store(&s->n_channels, n + 1);
    return (uint16_t)n;
}

// Every feed has events, and so has a recording of ours that is sent again: they are one channel,
// which is the first, because a feed's events are its first stream.
static bool is_events(const struct et_foxglove *s, const struct et_feed_stream *stream)
{
    const struct et_feed_stream *events =
        atomic_load(&s->n_channels) ? s->channels[0]->stream : NULL;
    return events && strcmp(stream->topic, events->topic) == 0 &&
           strcmp(stream->type, events->type) == 0 && et_str_eq(stream->schema, events->schema);
}

static unsigned char wish_of(const struct et_foxglove *s, uint16_t channel)
{
    return channel != ET__NO_CHANNEL &&
                   (s->channels[channel]->n_viewers > 0 || s->channels[channel]->is_latched)
               ? ET__WANTED
               : ET__UNWANTED;
}

static void find_of_tap(struct et_foxglove *s, struct et__tap *tap)
{
    const size_t n = et_feed_n_streams(tap->feed);
    for (size_t i = tap->n_known; i < n; i++) {
        const struct et_feed_stream *stream = et_feed_stream(tap->feed, i);
        const uint16_t channel = is_events(s, stream) ? 0 : add_channel(s, stream);
        tap->channels[i] = channel;
        atomic_store(&tap->wishes[i], wish_of(s, channel));
    }
    tap->n_known = n;
}

void et__channels_find(struct et_foxglove *s)
{
    const size_t n = atomic_load(&s->n_taps);
    for (size_t i = 0; i < n; i++)
        find_of_tap(s, s->taps[i]);
}

void et__channel_watch(struct et_foxglove *s, size_t i_channel, bool is_on)
{
    struct et__channel *channel = s->channels[i_channel];
    channel->n_viewers += is_on ? 1 : -1;
    (void)atomic_fetch_add(&s->n_subscriptions, is_on ? 1 : -1);
    for (size_t k = 0; k < atomic_load(&s->n_taps); k++)
        for (size_t i = 0; i < s->taps[k]->n_known; i++)
            if (s->taps[k]->channels[i] == i_channel)
                atomic_store(&s->taps[k]->wishes[i], wish_of(s, (uint16_t)i_channel));
}

/* ---- messages ---- */

// The frame, without the subscription's number, goes to s->out; false: it finds no room.
static bool make_frame(struct et_foxglove *s, const void *p, size_t n)
{
    static const unsigned char EMPTY[ET__FOXGLOVE_HEAD_BYTES];
    et_buf_clear(&s->out);
    et_buf_put(&s->out, EMPTY, sizeof EMPTY);
    et_buf_put(&s->out, p, n);
    return s->out.status == ET_OK;
}

static void send_frame(struct et__viewer *viewer, size_t i_channel, int64_t t_ns)
{
    struct et_foxglove *s = viewer->server;
    et__foxglove_put_head((unsigned char *)s->out.p, viewer->subscriptions[i_channel].id, t_ns);
    const enum et_status st =
        et_websocket_send(viewer->ws, ET_WEBSOCKET_BINARY, s->out.p, s->out.n, true);
    if (st == ET_OK)
        (void)atomic_fetch_add_explicit(&s->n_sent, 1, memory_order_relaxed);
    else if (st != ET_ECANCELLED)
        viewer->n_unsent++;
}

static void drop_oldest(struct et__channel *channel)
{
    struct kept_head head;
    memcpy(&head, channel->kept.p, sizeof head);
    const size_t n = sizeof head + (size_t)head.n_bytes;
    memmove(channel->kept.p, channel->kept.p + n, channel->kept.n - n);
    channel->kept.n -= n;
    channel->n_kept--;
}

static void keep(struct et__channel *channel, int64_t t_ns, const void *p, size_t n)
{
    const struct kept_head head = {t_ns, n};
    if (sizeof head + n > KEPT_BYTES)
        return;
    while (channel->n_kept == KEPT_MAX ||
           (channel->n_kept > 0 && channel->kept.n + sizeof head + n > KEPT_BYTES))
        drop_oldest(channel);
    char *to = et_buf_reserve(&channel->kept, sizeof head + n);
    if (!to)
        return;
    memcpy(to, &head, sizeof head);
    if (n)
        memcpy(to + sizeof head, p, n);
    channel->kept.n += sizeof head + n;
    channel->n_kept++;
}

void et__channel_send(struct et_foxglove *s, size_t i_channel, int64_t t_ns, const void *p,
                      size_t n)
{
    struct et__channel *channel = s->channels[i_channel];
    if (channel->is_latched)
        keep(channel, t_ns, p, n);
    if (channel->n_viewers == 0)
        return;
    const bool has_room = make_frame(s, p, n);
    for (size_t i = 0; i < atomic_load(&s->n_viewers); i++) {
        struct et__viewer *viewer = s->viewers[i];
        if (!viewer->ws || !viewer->subscriptions[i_channel].is_on)
            continue;
        if (has_room)
            send_frame(viewer, i_channel, t_ns);
        else
            viewer->n_unsent++;
    }
}

void et__channel_send_kept(struct et__viewer *viewer, size_t i_channel)
{
    const struct et__channel *channel = viewer->server->channels[i_channel];
    size_t at = 0;
    for (size_t i = 0; i < channel->n_kept; i++) {
        struct kept_head head;
        memcpy(&head, channel->kept.p + at, sizeof head);
        at += sizeof head;
        if (make_frame(viewer->server, channel->kept.p + at, (size_t)head.n_bytes))
            send_frame(viewer, i_channel, head.t_ns);
        at += (size_t)head.n_bytes;
    }
}
