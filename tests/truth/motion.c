#include "truth.h"

#include "etude/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_HZ 30.0
#define SMOOTH_FRAMES 1.0 // deviation of the Gauss kernel
#define RAMP_S 0.5        // a demonstration gathers and loses speed in
#define BLEND_S 1.5       // the way from the pose before to a demonstration's own
#define STILL 0.02        // rad/s: slower stands still
#define STILL_MAX_S 1.8   // a demonstration that pauses longer is not used
#define DEMO_MIN_S 4.0
#define FIRST_S 2.0
#define LAST_S 1.5
#define TRIES_MAX 300

void *need(void *p)
{
    if (!p) {
        fputs("truth_recordings: out of memory\n", stderr);
        exit(3);
    }
    return p;
}

/* Positions of one demonstration at 30 Hz, and the second derivatives of the spline through them.
 */
struct demo {
    size_t n;
    double *q, *bend; // n × N_Q
    double seconds;
    char label[160];
};

static void demo_free(struct demo *demo)
{
    free(demo->q);
    free(demo->bend);
    *demo = (struct demo){0};
}

static void smooth(struct demo *demo)
{
    const int reach = 4;
    double *to = need(calloc(demo->n * N_Q, sizeof *to));
    for (size_t i = 0; i < demo->n; i++)
        for (size_t k = 0; k < N_Q; k++) {
            double sum = 0, weights = 0;
            for (int d = -reach; d <= reach; d++) {
                const long j = (long)i + d;
                if (j < 0 || j >= (long)demo->n)
                    continue;
                const double w = exp(-0.5 * d * d / (SMOOTH_FRAMES * SMOOTH_FRAMES));
                sum += w * demo->q[(size_t)j * N_Q + k];
                weights += w;
            }
            to[i * N_Q + k] = sum / weights;
        }
    free(demo->q);
    demo->q = to;
}

/* The fastest joint of both arms at a frame. */
static double speed(const struct demo *demo, size_t i)
{
    double most = 0;
    const size_t a = i > 0 ? i - 1 : 0, b = i + 1 < demo->n ? i + 1 : demo->n - 1;
    for (size_t k = 0; k < Q_HAND; k++)
        most = fmax(most,
                    fabs(demo->q[b * N_Q + k] - demo->q[a * N_Q + k]) * FRAME_HZ / (double)(b - a));
    return most;
}

/* Leaves out standing still at both ends; false: it pauses too long, or is too short. */
static bool trim(struct demo *demo)
{
    size_t first = 0, last = demo->n - 1, still = 0;
    while (first < last && speed(demo, first) < 0.05)
        first++;
    while (last > first && speed(demo, last) < 0.05)
        last--;
    for (size_t i = first; i <= last; i++) {
        still = speed(demo, i) < STILL ? still + 1 : 0;
        if ((double)still > STILL_MAX_S * FRAME_HZ)
            return false;
    }
    demo->n = last - first + 1;
    memmove(demo->q, demo->q + first * N_Q, demo->n * N_Q * sizeof *demo->q);
    demo->seconds = (double)(demo->n - 1) / FRAME_HZ;
    return demo->seconds >= DEMO_MIN_S;
}

/* Natural cubic spline: the tridiagonal system for second derivatives, in units of frames. */
static void bend(struct demo *demo)
{
    const size_t n = demo->n;
    demo->bend = need(calloc(n * N_Q, sizeof *demo->bend));
    double *c = need(calloc(n, sizeof *c));
    for (size_t k = 0; k < N_Q; k++) {
        const double *q = demo->q + k;
        double *m = demo->bend + k;
        for (size_t i = 1; i + 1 < n; i++) {
            const double r =
                6 * (q[(i + 1) * N_Q] - 2 * q[i * N_Q] + q[(i - 1) * N_Q]) - m[(i - 1) * N_Q];
            const double p = 4 - c[i - 1];
            c[i] = 1 / p;
            m[i * N_Q] = r / p;
        }
        for (size_t i = n - 2; i > 0; i--)
            m[i * N_Q] -= c[i] * m[(i + 1) * N_Q];
    }
    free(c);
}

static double spline(const struct demo *demo, size_t k, double t_s)
{
    const double x = fmin(fmax(t_s * FRAME_HZ, 0), (double)(demo->n - 1));
    const size_t i = x >= (double)(demo->n - 1) ? demo->n - 2 : (size_t)x;
    const double b = x - (double)i, a = 1 - b;
    const double *q = demo->q + i * N_Q + k, *m = demo->bend + i * N_Q + k;
    return a * q[0] + b * q[N_Q] + ((a * a * a - a) * m[0] + (b * b * b - b) * m[N_Q]) / 6;
}

/* ---- where demonstrations are from ---- */

struct source {
    struct et_dataset *dataset; // NULL: they are made
    int64_t n;
    uint64_t seed;
};

static bool take_tracks(const struct et_episode *episode, struct demo *demo)
{
    static const struct {
        const char *stream;
        size_t first, n;
    } PARTS[] = {{"left_arm.position", Q_ARM, N_ARM},
                 {"right_arm.position", Q_ARM + N_ARM, N_ARM},
                 {"left_hand.position", Q_HAND, N_HAND},
                 {"right_hand.position", Q_HAND + N_HAND, N_HAND}};
    for (size_t p = 0; p < 4; p++) {
        const struct et_track *track = et_episode_track(episode, PARTS[p].stream);
        if (!track || track->stream.n_values != PARTS[p].n || track->n_samples < 2)
            return false;
        if (!demo->q) {
            demo->n = track->n_samples;
            demo->q = need(calloc(demo->n * N_Q, sizeof *demo->q));
        }
        if (track->n_samples != demo->n)
            return false;
        for (size_t i = 0; i < demo->n; i++)
            for (size_t k = 0; k < PARTS[p].n; k++) {
                const double x = track->values[i * PARTS[p].n + k];
                if (!isfinite(x))
                    return false;
                demo->q[i * N_Q + PARTS[p].first + k] = x;
            }
    }
    return true;
}

static bool read_real(const struct source *source, int64_t i, struct demo *demo)
{
    struct et_arena *arena;
    struct et_episode episode;
    struct et_err err = {0};
    if (et_arena_open(&arena, (size_t)256 << 20, &err) != ET_OK)
        return false;
    const bool is_read = et_dataset_episode(source->dataset, i, arena, &episode, &err) == ET_OK &&
                         take_tracks(&episode, demo);
    if (is_read)
        (void)snprintf(demo->label, sizeof demo->label, "%s",
                       episode.n_tasks > 0 ? episode.tasks[0] : "");
    et_arena_close(arena);
    return is_read;
}

/* Reaches of minimum jerk (Flash and Hogan 1985), there and back. */
static void make_demo(const struct source *source, int64_t i, struct demo *demo)
{
    struct rng rng = {source->seed * 7919 + (uint64_t)i};
    const double seconds = 9 + 4 * rng_uniform(&rng);
    demo->n = (size_t)(seconds * FRAME_HZ);
    demo->q = need(calloc(demo->n * N_Q, sizeof *demo->q));
    (void)snprintf(demo->label, sizeof demo->label, "Move the arms there and back.");
    for (size_t k = 0; k < N_Q; k++) {
        const bool is_hand = k >= Q_HAND;
        double x = is_hand ? 0.8 : k % N_ARM == 3 ? 0.6 : 0.1;
        double t = 0.3 * rng_uniform(&rng);
        size_t at = 0;
        for (int sign = 1; at < demo->n; sign = -sign) {
            const double by = sign * (is_hand ? -0.5 : 0.5) * (0.4 + 0.6 * rng_uniform(&rng));
            const double length = 1.2 + 1.2 * rng_uniform(&rng);
            for (; at < demo->n && (double)at / FRAME_HZ < t + length; at++) {
                const double u = fmax((double)at / FRAME_HZ - t, 0) / length;
                demo->q[at * N_Q + k] = x + by * u * u * u * (10 + u * (6 * u - 15));
            }
            x += by;
            t += length;
        }
    }
}

/* Left for right: joints that turn about the forward or the upright axis change their sign. */
static void mirror(struct demo *demo)
{
    static const double SIGNS[N_ARM] = {1, -1, -1, 1, -1, 1, -1};
    for (size_t i = 0; i < demo->n; i++) {
        double *q = demo->q + i * N_Q;
        for (size_t k = 0; k < N_ARM; k++) {
            const double left = q[Q_ARM + k];
            q[Q_ARM + k] = SIGNS[k] * q[Q_ARM + N_ARM + k];
            q[Q_ARM + N_ARM + k] = SIGNS[k] * left;
        }
        for (size_t k = 0; k < N_HAND; k++) {
            const double left = q[Q_HAND + k];
            q[Q_HAND + k] = q[Q_HAND + N_HAND + k];
            q[Q_HAND + N_HAND + k] = left;
        }
    }
}

static bool next_demo(const struct source *source, int64_t *i_try, bool is_mirrored,
                      struct demo *demo)
{
    for (; *i_try < TRIES_MAX; (*i_try)++) {
        const int64_t i =
            (int64_t)((source->seed * 37 + (uint64_t)*i_try * 13) % (uint64_t)source->n);
        bool is_there = true;
        if (source->dataset)
            is_there = read_real(source, i, demo);
        else
            make_demo(source, i, demo);
        if (is_there) {
            smooth(demo);
            if (trim(demo)) {
                if (is_mirrored)
                    mirror(demo);
                bend(demo);
                (*i_try)++;
                return true;
            }
        }
        demo_free(demo);
    }
    return false;
}

static void open_source(struct source *source, const char *data)
{
    struct et_err err = {0};
    char path[4096];
    source->n = 1000;
    if (!data)
        return;
    (void)snprintf(path, sizeof path, "%s/unitree_g1", data);
    enum et_status st = et_dataset_open(&source->dataset, path, &err);
    if (st == ET_OK)
        st = et_dataset_use_profile(source->dataset, "unitree-g1-inspire", &err);
    if (st == ET_OK && et_dataset_info(source->dataset)->n_episodes > 0) {
        source->n = et_dataset_info(source->dataset)->n_episodes;
        return;
    }
    fprintf(stderr, "truth_recordings: %s; the motion is made instead\n", err.text);
    et_dataset_close(source->dataset);
    source->dataset = NULL;
}

/* ---- one motion of them ---- */

/* Time within a demonstration, its speed rising smoothly from 0 and falling to it. */
static double warp(double t_s, double seconds)
{
    const double whole = seconds + RAMP_S, x = fmin(t_s, whole - t_s) / RAMP_S;
    if (x >= 1)
        return t_s - RAMP_S / 2;
    const double u = x <= 0 ? 0 : RAMP_S * (x * x * x - x * x * x * x / 2);
    return t_s < whole / 2 ? u : seconds - u;
}

static void place(struct motion *motion, const struct demo *demo, const struct demonstration *d,
                  const double *before)
{
    for (size_t i = 0; i < motion->n; i++) {
        const double t = (double)i / GRID_HZ - GRID_BEFORE_S;
        if (t < d->begin_s)
            continue;
        const double u = warp(fmin(t, d->end_s) - d->begin_s, demo->seconds);
        const double x = fmin((t - d->begin_s) / BLEND_S, 1);
        const double rest = 1 - x * x * x * (10 + x * (6 * x - 15));
        for (size_t k = 0; k < N_Q; k++)
            motion->q[i * N_Q + k] = spline(demo, k, u) + rest * (before[k] - spline(demo, k, 0));
    }
}

static void differentiate(struct motion *motion)
{
    for (size_t k = 0; k < N_Q; k++)
        motion->low[k] = motion->high[k] = motion->q[k];
    for (size_t i = 1; i + 1 < motion->n; i++)
        for (size_t k = 0; k < N_Q; k++) {
            const double *q = motion->q + i * N_Q + k;
            motion->dq[i * N_Q + k] = (q[N_Q] - q[-N_Q]) * GRID_HZ / 2;
            motion->ddq[i * N_Q + k] = (q[N_Q] - 2 * q[0] + q[-N_Q]) * GRID_HZ * GRID_HZ;
            motion->low[k] = fmin(motion->low[k], q[0]);
            motion->high[k] = fmax(motion->high[k], q[0]);
        }
}

static void compose(struct motion *motion, const struct source *source, bool has_one_arm)
{
    double t = FIRST_S, pose[N_Q];
    int64_t i_try = 0;
    struct demo demo = {0};
    while (motion->n_episodes < EPISODES_MAX && motion->seconds - LAST_S - t > DEMO_MIN_S &&
           next_demo(source, &i_try, !has_one_arm && motion->n_episodes % 2 == 1, &demo)) {
        // Every second one is mirrored: the data's left arm hardly moves.
        // The last one ends early where the recording does.
        const double room = motion->seconds - LAST_S - t - RAMP_S;
        if (demo.seconds > room)
            demo.seconds = room;
        struct demonstration *d = &motion->episodes[motion->n_episodes++];
        *d = (struct demonstration){.begin_s = t, .end_s = t + demo.seconds + RAMP_S};
        memcpy(d->label, demo.label, sizeof d->label);
        if (motion->n_episodes == 1)
            for (size_t k = 0; k < N_Q; k++) {
                pose[k] = spline(&demo, k, 0);
                for (size_t i = 0; i < motion->n; i++)
                    motion->q[i * N_Q + k] = pose[k];
            }
        place(motion, &demo, d, pose);
        memcpy(pose, motion->q + (motion->n - 1) * N_Q, sizeof pose);
        t = d->end_s + REST_S;
        demo_free(&demo);
    }
}

void motion_make(struct motion *motion, double seconds, uint64_t seed, bool has_one_arm,
                 const char *data)
{
    struct source source = {.seed = seed};
    *motion = (struct motion){.seconds = seconds};
    motion->n = (size_t)((seconds + 2 * GRID_BEFORE_S) * GRID_HZ) + 1;
    motion->q = need(calloc(motion->n * N_Q, sizeof(double)));
    motion->dq = need(calloc(motion->n * N_Q, sizeof(double)));
    motion->ddq = need(calloc(motion->n * N_Q, sizeof(double)));
    open_source(&source, data);
    motion->is_made = !source.dataset;
    compose(motion, &source, has_one_arm);
    differentiate(motion);
    et_dataset_close(source.dataset);
}

void motion_free(struct motion *motion)
{
    free(motion->q);
    free(motion->dq);
    free(motion->ddq);
}

void motion_at(const struct motion *motion, double t_s, double *q, double *dq, double *ddq)
{
    const double x = fmin(fmax((t_s + GRID_BEFORE_S) * GRID_HZ, 0), (double)(motion->n - 1) - 1e-6);
    const size_t i = (size_t)x;
    const double u = x - (double)i, h = 1 / GRID_HZ;
    for (size_t k = 0; k < N_Q; k++) {
        const double *p = motion->q + i * N_Q + k, *v = motion->dq + i * N_Q + k;
        const double *a = motion->ddq + i * N_Q + k;
        // Hermite's cubic through both samples and their velocities.
        q[k] = p[0] + u * (h * v[0] + u * (3 * (p[N_Q] - p[0]) - h * (2 * v[0] + v[N_Q]) +
                                           u * (2 * (p[0] - p[N_Q]) + h * (v[0] + v[N_Q]))));
        if (dq)
            dq[k] = v[0] + u * (v[N_Q] - v[0]);
        if (ddq)
            ddq[k] = a[0] + u * (a[N_Q] - a[0]);
    }
}

static double hashed(uint64_t seed, size_t k, int64_t i)
{
    struct rng rng = {seed * 1000003 + (uint64_t)k * 7919 + (uint64_t)(i + 1000) * 104729};
    (void)rng_next(&rng);
    return rng_gaussian(&rng);
}

double motion_noise(uint64_t seed, size_t k, double t_s)
{
    const double x = t_s * FRAME_HZ, whole = floor(x), u = x - whole;
    const int64_t i = (int64_t)whole;
    const double a = hashed(seed, k, i), b = hashed(seed, k, i + 1);
    return a + (b - a) * u * u * (3 - 2 * u);
}
