/* Channels: streams under topics that are each there once. */
#include "record/record__foxglove_server.h"

#include <stdio.h>
#include <stdlib.h>

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
    (void)snprintf(channel->topic, sizeof channel->topic, "%s", topic);
    for (unsigned k = 2; is_taken(s, n, channel->topic); k++)
        (void)snprintf(channel->topic, sizeof channel->topic, "%s_%u", topic, k);
}

// ET__NO_CHANNEL: there is no room for another one.
static uint16_t add_channel(struct et_foxglove *s, const struct et_feed_stream *stream)
{
    const size_t n = atomic_load(&s->n_channels);
    struct et__channel *channel = n < ET_FOXGLOVE_CHANNELS_MAX ? calloc(1, sizeof *channel) : NULL;
    if (!channel)
        return ET__NO_CHANNEL;
    channel->stream = stream;
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

static void find_of_tap(struct et_foxglove *s, struct et__tap *tap)
{
    const size_t n = et_feed_n_streams(tap->feed);
    for (size_t i = tap->n_known; i < n; i++) {
        const struct et_feed_stream *stream = et_feed_stream(tap->feed, i);
        const uint16_t channel = is_events(s, stream) ? 0 : add_channel(s, stream);
        tap->channels[i] = channel;
        if (channel != ET__NO_CHANNEL && s->channels[channel]->n_viewers > 0)
            atomic_store(&tap->is_wanted[i], true);
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
                atomic_store(&s->taps[k]->is_wanted[i], channel->n_viewers > 0);
}
