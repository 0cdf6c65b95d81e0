#include "truth.h"

#include "etude/file.h"
#include "etude/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MOVING 0.05 // rad/s
#define STEP_S 0.01

static int64_t centre_ns(const struct recording *recording, double t_s)
{
    return recording->t0_ns + llround(t_s * 1e9);
}

static void put_spans(struct et_json_writer *w, const struct recording *recording, const char *key,
                      const double (*spans)[2], size_t n)
{
    et_json_key(w, key);
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++) {
        et_json_open_list(w);
        et_json_int(w, centre_ns(recording, spans[i][0]));
        et_json_int(w, centre_ns(recording, spans[i][1]));
        et_json_close_list(w);
    }
    et_json_close_list(w);
}

static void put_numbers(struct et_json_writer *w, const char *key, const uint32_t *numbers,
                        size_t n)
{
    et_json_key(w, key);
    et_json_open_list(w);
    for (size_t i = 0; i < n; i++)
        et_json_int(w, numbers[i]);
    et_json_close_list(w);
}

static void put_clock(struct et_json_writer *w, const struct recording *recording,
                      const struct device *device)
{
    et_json_key(w, "clock");
    if (!device) {
        et_json_null(w);
        return;
    }
    et_json_open_map(w);
    et_json_put_text(w, "device", device->name);
    et_json_put_int(w, "offset_ns", device->offset_ns);
    et_json_put_real(w, "drift_ppm", device->drift_ppm);
    et_json_key(w, "resets_ns");
    et_json_open_list(w);
    for (size_t i = 0; i < device->n_resets; i++)
        et_json_int(w, centre_ns(recording, device->reset_s[i]));
    et_json_close_list(w);
    et_json_key(w, "shows_after_reset_ns");
    et_json_open_list(w);
    for (size_t i = 0; i < device->n_resets; i++)
        et_json_int(w, device->after_ns[i]);
    et_json_close_list(w);
    et_json_put_int(w, "tick_ns", device->tick_ns);
    et_json_close_map(w);
}

static void put_stream(struct et_json_writer *w, const struct recording *recording,
                       const struct channel *channel, size_t i)
{
    static const char *const LINKS[] = {"wired", "busy", "wifi", "usb"};
    char path[512];
    (void)snprintf(path, sizeof path, "%s.truth/%s.i64", recording->name,
                   channel->streams[0].stream);
    et_json_key(w, channel->streams[i].stream);
    et_json_open_map(w);
    et_json_put_text(w, "topic", channel->topic);
    et_json_put_text(w, "field", channel->streams[i].field);
    et_json_put_real(w, "rate_hz", channel->rate_hz);
    et_json_put_int(w, "n", (int64_t)channel->n);
    put_clock(w, recording, channel->device);
    et_json_put_int(w, "latency_ns", llround(channel->latency_s * 1e9));
    et_json_put_text(w, "link", LINKS[channel->link]);
    et_json_put_int(w, "min_delay_ns", llround(channel->min_delay_s * 1e9));
    put_numbers(w, "dropped", channel->lost, channel->n_lost);
    put_numbers(w, "disordered", channel->disordered, channel->n_disordered);
    put_spans(w, recording, "gaps", channel->gaps, channel->n_gaps);
    put_spans(w, recording, "frozen", channel->frozen, channel->n_frozen);
    et_json_put_text(w, "true_times", path);
    et_json_close_map(w);
}

/* True when something that the recording shows moves faster than MOVING at a time. */
static bool is_moving(const struct recording *recording, double t_s)
{
    double q[N_Q], dq[N_Q];
    motion_at(recording->motion, t_s, q, dq, NULL);
    for (size_t k = 0; k < N_Q; k++) {
        const size_t side = k < Q_HAND ? k / N_ARM : (k - Q_HAND) / N_HAND;
        const bool is_shown = recording->commanded[1] || (int)side == recording->arm;
        if (is_shown && fabs(dq[k]) > MOVING)
            return true;
    }
    return false;
}

/* The part of a demonstration in which it moves. */
static void find_motion(const struct recording *recording, const struct demonstration *d,
                        double *begin_s, double *end_s)
{
    *begin_s = d->begin_s;
    *end_s = d->end_s;
    while (*begin_s + STEP_S < *end_s && !is_moving(recording, *begin_s))
        *begin_s += STEP_S;
    while (*end_s - STEP_S > *begin_s && !is_moving(recording, *end_s))
        *end_s -= STEP_S;
}

static void put_episodes(struct et_json_writer *w, const struct recording *recording)
{
    const struct motion *motion = recording->motion;
    const double mark = recording->is_marked ? MARK_S : 0;
    et_json_key(w, "episodes");
    et_json_open_list(w);
    for (size_t i = 0; i < motion->n_episodes; i++) {
        const struct demonstration *d = &motion->episodes[i];
        et_json_open_map(w);
        et_json_put_int(w, "begin_ns", centre_ns(recording, d->begin_s - mark));
        et_json_put_int(w, "end_ns", centre_ns(recording, d->end_s + mark));
        et_json_put_text(w, "label", d->label);
        double begin_s, end_s;
        find_motion(recording, d, &begin_s, &end_s);
        et_json_put_int(w, "motion_begin_ns", centre_ns(recording, begin_s));
        et_json_put_int(w, "motion_end_ns", centre_ns(recording, end_s));
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_pushes(struct et_json_writer *w, const struct recording *recording)
{
    et_json_key(w, "pushes");
    et_json_open_list(w);
    for (size_t i = 0; i < recording->motion->n_pushes; i++) {
        const struct push *p = &recording->motion->pushes[i];
        if (!recording->pushed[p->side])
            continue;
        et_json_open_map(w);
        et_json_put_int(w, "from_ns", centre_ns(recording, p->from_s));
        et_json_put_int(w, "to_ns", centre_ns(recording, p->to_s));
        et_json_put_text(w, "part", recording->pushed[p->side]);
        et_json_put_real(w, "torque_nm", p->torque_nm);
        et_json_put_real(w, "force_n", p->force_n);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_torque(struct et_json_writer *w, const struct recording *recording)
{
    et_json_key(w, "torque");
    et_json_open_map(w);
    et_json_put_text(w, "made_by", recording->torque);
    et_json_put_real(w, "mass_scale", ARM_MASS_SCALE);
    et_json_put_real(w, "coulomb_speed", COULOMB_SPEED);
    for (int which = 0; which < 2; which++) {
        et_json_key(w, which ? "coulomb" : "viscous");
        et_json_open_list(w);
        for (size_t i = 0; i < N_ARM; i++)
            et_json_real(w, which ? ARM_COULOMB[i] : ARM_VISCOUS[i]);
        et_json_close_list(w);
    }
    et_json_close_map(w);
}

static void put_truth(struct et_json_writer *w, const struct recording *recording)
{
    et_json_open_map(w);
    et_json_put_text(w, "recording", recording->file);
    et_json_put_int(w, "magnitude", recording->magnitude);
    et_json_put_int(w, "seed", (int64_t)recording->seed);
    et_json_put_real(w, "seconds", recording->motion->seconds);
    et_json_put_int(w, "begin_ns", recording->t0_ns);
    et_json_put_text(w, "motion", recording->motion->is_made ? "made" : "g1");
    put_episodes(w, recording);
    et_json_key(w, "streams");
    et_json_open_map(w);
    for (size_t c = 0; c < recording->n_channels; c++)
        for (size_t i = 0; i < recording->channels[c].n_streams; i++)
            put_stream(w, recording, &recording->channels[c], i);
    et_json_close_map(w);
    et_json_key(w, "command_latency_ns");
    et_json_open_map(w);
    for (int k = 0; k < 4; k++)
        if (recording->commanded[k])
            et_json_put_int(
                w, recording->commanded[k],
                llround((k < 2 ? recording->arm_latency_s : recording->hand_latency_s) * 1e9));
    et_json_close_map(w);
    put_pushes(w, recording);
    put_torque(w, recording);
    et_json_close_map(w);
}

static bool write_times(const struct recording *recording, const struct channel *channel,
                        const char *folder)
{
    char path[4096];
    struct et_err err = {0};
    int64_t *times = need(calloc(channel->n + 1, sizeof *times));
    for (size_t i = 0; i < channel->n; i++)
        times[i] = centre_ns(recording, channel->t_s[i]);
    (void)snprintf(path, sizeof path, "%s/%s.truth/%s.i64", folder, recording->name,
                   channel->streams[0].stream);
    const enum et_status st = et_file_replace(path, times, channel->n * sizeof *times, &err);
    free(times);
    if (st != ET_OK)
        fprintf(stderr, "truth_recordings: %s\n", err.text);
    return st == ET_OK;
}

bool truth_write(const struct recording *recording, const char *folder)
{
    char path[4096];
    struct et_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s.truth", folder, recording->name);
    if (et_dir_make(path, &err) != ET_OK)
        return fprintf(stderr, "truth_recordings: %s\n", err.text) < 0;
    for (size_t c = 0; c < recording->n_channels; c++)
        if (recording->channels[c].n_streams > 0 &&
            !write_times(recording, &recording->channels[c], folder))
            return false;

    struct et_buf text = et_buf((size_t)64 << 20);
    struct et_json_writer w = {.buf = &text, .indent = 1};
    put_truth(&w, recording);
    et_buf_putc(&text, '\n');
    (void)snprintf(path, sizeof path, "%s/%s.truth.json", folder, recording->name);
    enum et_status st = et_buf_check(&text, path, &err);
    if (st == ET_OK)
        st = et_file_replace(path, text.p, text.n, &err);
    et_buf_free(&text);
    if (st != ET_OK)
        fprintf(stderr, "truth_recordings: %s\n", err.text);
    return st == ET_OK;
}
