#include "truth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BEGIN_NS INT64_C(1750000000000000000) // 15 June 2025
#define FIFO_S 2e-6                           // messages behind one another on a link

double by_magnitude(const struct recording *recording, double one, double two, double three)
{
    return recording->magnitude == 1 ? one : recording->magnitude == 2 ? two : three;
}

double moving_at(const struct motion *motion, size_t k, double part)
{
    if (motion->n_episodes == 0)
        return part * motion->seconds;
    const struct demonstration *d =
        &motion->episodes[k < motion->n_episodes ? k : motion->n_episodes - 1];
    return (d->begin_s + d->end_s) / 2;
}

void recording_begin(struct recording *recording, const struct motion *motion, int magnitude,
                     uint64_t seed)
{
    *recording = (struct recording){.motion = motion, .magnitude = magnitude, .seed = seed};
    recording->t0_ns = BEGIN_NS + magnitude * INT64_C(86400000000000);
    recording->arm_latency_s = by_magnitude(recording, 0.020, 0.040, 0.080);
    recording->hand_latency_s = 1.5 * recording->arm_latency_s;
    if (magnitude == 2) {
        recording->stall_s[0] = 0.62 * motion->seconds;
        recording->stall_s[1] = recording->stall_s[0] + 0.25;
        recording->slow_s[0] = 0.80 * motion->seconds;
        recording->slow_s[1] = recording->slow_s[0] + 2;
    }
}

void recording_free(struct recording *recording)
{
    for (size_t c = 0; c < recording->n_channels; c++) {
        struct channel *channel = &recording->channels[c];
        free(channel->t_s);
        free(channel->t_arrival_ns);
        free(channel->t_device_ns);
        free(channel->number);
        free(channel->lost);
        free(channel->disordered);
    }
}

struct device *add_device(struct recording *recording, const char *name, double offset_factor,
                          double drift_factor)
{
    struct device *device = &recording->devices[recording->n_devices++];
    // Stamps have 32 bits of seconds: at magnitude 3 all devices are in the past.
    const double offset = by_magnitude(recording, 3, 100, -1e9);
    if (recording->magnitude == 3)
        offset_factor = fabs(offset_factor);
    *device = (struct device){
        .name = name,
        .offset_ns = llround(offset * offset_factor * 1e9),
        .drift_ppm = by_magnitude(recording, 15, 40, 100) * drift_factor,
        .tick_ns = 1,
    };
    return device;
}

void add_reset(struct device *device, double at_s, double shows_s)
{
    device->reset_s[device->n_resets] = at_s;
    device->after_ns[device->n_resets++] = llround(shows_s * 1e9);
}

struct channel *add_channel(struct recording *recording, const char *topic, const char *type,
                            const struct device *device, double rate_hz)
{
    struct channel *channel = &recording->channels[recording->n_channels++];
    *channel = (struct channel){
        .topic = topic,
        .type = type,
        .device = device,
        .rate_hz = rate_hz,
        .jitter_s = 10e-6,
        .min_delay_s = 150e-6,
        .link = recording->magnitude == 1   ? LINK_WIRED
                : recording->magnitude == 2 ? LINK_BUSY
                                            : LINK_WIFI,
    };
    if (channel->link == LINK_WIFI)
        channel->min_delay_s = 1.2e-3;
    return channel;
}

void add_stream(struct channel *channel, const char *stream, const char *field)
{
    channel->streams[channel->n_streams].stream = stream;
    channel->streams[channel->n_streams++].field = field;
}

void add_gap(struct channel *channel, double from_s, double to_s)
{
    channel->gaps[channel->n_gaps][0] = from_s;
    channel->gaps[channel->n_gaps++][1] = to_s;
}

void add_frozen(struct channel *channel, double from_s, double to_s)
{
    channel->frozen[channel->n_frozen][0] = from_s;
    channel->frozen[channel->n_frozen++][1] = to_s;
}

int64_t device_time(const struct recording *recording, const struct device *device, double t_s)
{
    const double rate = 1 + device->drift_ppm * 1e-6;
    int64_t base = recording->t0_ns + device->offset_ns;
    double since = 0;
    for (size_t i = 0; i < device->n_resets && t_s >= device->reset_s[i]; i++) {
        base = device->after_ns[i];
        since = device->reset_s[i];
    }
    return base + llround((t_s - since) * rate * 1e9);
}

double message_noise(const struct recording *recording, const struct channel *channel, size_t i,
                     size_t k)
{
    struct rng rng = {recording->seed * 524287 + channel->number[i] * UINT64_C(1000003) + k * 7919};
    (void)rng_next(&rng);
    return rng_gaussian(&rng);
}

static double exponential(struct rng *rng, double mean)
{
    return -mean * log(1 - rng_uniform(rng));
}

// Delay beyond the least, of the same shapes as in tests/recording/sim_clock.c.
static double delay(const struct recording *recording, enum link link, double t_s, struct rng *rng)
{
    const double a = rng_uniform(rng), b = rng_uniform(rng);
    switch (link) {
    case LINK_WIRED:
        return exponential(rng, 60e-6) + (a < 0.01 ? exponential(rng, 5e-3) : 0);
    case LINK_BUSY:
        return exponential(rng, 300e-6) + (a < 0.02 ? exponential(rng, 20e-3) : 0) +
               (t_s >= recording->slow_s[0] && t_s < recording->slow_s[1] ? 50e-3 : 0);
    case LINK_WIFI:
        return 2e-3 * b + exponential(rng, 4e-3) + (a < 0.05 ? 30e-3 * rng_uniform(rng) : 0);
    case LINK_USB:
        return floor(b + exponential(rng, 1.0)) * 1e-3 + exponential(rng, 60e-6);
    }
    return 0;
}

static bool is_in(double spans[SPANS_MAX][2], size_t n, double t_s)
{
    for (size_t i = 0; i < n; i++)
        if (t_s >= spans[i][0] && t_s < spans[i][1])
            return true;
    return false;
}

static void put_disorder(const struct recording *recording, struct channel *channel)
{
    channel->disordered = need(calloc(4, sizeof *channel->disordered));
    if (channel->disordered_at_s <= 0)
        return;
    for (size_t i = 1; i < channel->n; i++)
        if (channel->t_s[i] >= channel->disordered_at_s) {
            channel->t_device_ns[i] -= llround(3.5e9 / channel->rate_hz);
            channel->disordered[channel->n_disordered++] = (uint32_t)i;
            return;
        }
    (void)recording;
}

void channel_schedule(struct recording *recording, struct channel *channel, const double *times_s,
                      size_t n_times)
{
    struct rng rng = {recording->seed * 977 + (uint64_t)(channel - recording->channels) * 131 +
                      (uint64_t)recording->magnitude};
    const struct device *device = channel->device;
    const double seconds = recording->motion->seconds;
    const double period =
        times_s ? 0 : 1 / channel->rate_hz / (1 + (device ? device->drift_ppm * 1e-6 : 0));
    const size_t n_max = times_s ? n_times : (size_t)(seconds / period) + 2;
    const double phase = period * rng_uniform(&rng);
    channel->t_s = need(calloc(n_max, sizeof *channel->t_s));
    channel->t_arrival_ns = need(calloc(n_max, sizeof *channel->t_arrival_ns));
    channel->t_device_ns = need(calloc(n_max, sizeof *channel->t_device_ns));
    channel->number = need(calloc(n_max, sizeof *channel->number));
    channel->lost = need(calloc(n_max, sizeof *channel->lost));
    double last = 0;
    for (size_t k = 0; k < n_max; k++) {
        double t = times_s ? times_s[k] : phase + (double)k * period;
        if (!times_s)
            t += channel->jitter_s * fmin(fmax(rng_gaussian(&rng), -3), 3);
        double arrival = t + channel->min_delay_s + delay(recording, channel->link, t, &rng);
        if (channel->link == LINK_BUSY && arrival >= recording->stall_s[0] &&
            arrival < recording->stall_s[1])
            arrival = recording->stall_s[1];
        arrival = arrival < last + FIFO_S ? last + FIFO_S : arrival; // a link keeps the order
        const bool is_lost = rng_uniform(&rng) < channel->drop;
        if (t < 0 || t >= seconds || is_in(channel->gaps, channel->n_gaps, t))
            continue;
        if (is_lost) {
            channel->lost[channel->n_lost++] = (uint32_t)k;
            continue;
        }
        last = arrival;
        const size_t i = channel->n++;
        channel->t_s[i] = t;
        channel->number[i] = (uint32_t)k;
        channel->t_arrival_ns[i] = recording->t0_ns + llround(arrival * 1e9);
        if (device) {
            const int64_t shows = device_time(recording, device, t);
            channel->t_device_ns[i] = shows - shows % device->tick_ns;
        }
    }
    put_disorder(recording, channel);
}

/* ---- all messages, as they arrive ---- */

struct arrival {
    int64_t t_ns;
    uint32_t i_channel, i;
};

static int compare(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    if (x->i_channel != y->i_channel)
        return x->i_channel < y->i_channel ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

bool recording_write(const struct recording *recording, put_fn *put, void *to)
{
    size_t n = 0;
    for (size_t c = 0; c < recording->n_channels; c++)
        n += recording->channels[c].n;
    struct arrival *order = need(calloc(n, sizeof *order));
    n = 0;
    for (size_t c = 0; c < recording->n_channels; c++)
        for (size_t i = 0; i < recording->channels[c].n; i++)
            order[n++] =
                (struct arrival){recording->channels[c].t_arrival_ns[i], (uint32_t)c, (uint32_t)i};
    qsort(order, n, sizeof *order, compare);
    struct et_buf bytes = et_buf((size_t)16 << 20);
    bool is_fine = true;
    for (size_t k = 0; is_fine && k < n; k++) {
        const struct channel *channel = &recording->channels[order[k].i_channel];
        et_buf_clear(&bytes);
        channel->encode(recording, channel, order[k].i, &bytes);
        struct et_err err = {0};
        if (et_buf_check(&bytes, channel->topic, &err) != ET_OK)
            fprintf(stderr, "truth_recordings: %s\n", err.text);
        is_fine = bytes.status == ET_OK &&
                  put(to, recording, order[k].i_channel, order[k].i, et_buf_str(&bytes));
    }
    et_buf_free(&bytes);
    free(order);
    return is_fine;
}
