#include "dataset/dataset__resample.h"

#include "etude/pose.h"

#include <assert.h>

#define POSE_VALUES 7
#define IMU_VALUES 10
#define QUATERNION_VALUES 4

enum et__between et__between_of(const struct et_stream *stream)
{
    if (stream->is_command)
        return ET__HOLD;
    if (stream->quantity == ET_QUANTITY_POSE && stream->n_values == POSE_VALUES)
        return ET__POSE;
    if (stream->quantity == ET_QUANTITY_IMU && stream->n_values == IMU_VALUES)
        return ET__IMU;
    return stream->quantity == ET_QUANTITY_EVENT ? ET__HOLD : ET__LINEAR;
}

size_t et__newest(const int64_t *t_ns, size_t n, int64_t t)
{
    size_t low = 0, high = n; // the answer is in low … high − 1
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (t_ns[middle] <= t)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t et__nearest(const int64_t *t_ns, size_t n, int64_t t)
{
    const size_t i = et__newest(t_ns, n, t);
    return i + 1 < n && t_ns[i + 1] - t < t - t_ns[i] ? i + 1 : i;
}

static void mix_linear(const double *a, const double *b, double part, size_t n, double *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = a[i] + (b[i] - a[i]) * part;
}

static void mix_quaternion(const double *a, const double *b, double part, double *to)
{
    const struct et_quat from = {a[0], a[1], a[2], a[3]}, end = {b[0], b[1], b[2], b[3]};
    const struct et_quat q = et_quat_slerp(et_quat_normal(from), et_quat_normal(end), part);
    to[0] = q.x;
    to[1] = q.y;
    to[2] = q.z;
    to[3] = q.w;
}

static void mix(enum et__between between, const double *a, const double *b, double part, size_t n,
                double *to)
{
    const bool has_quaternion = between == ET__POSE || between == ET__IMU;
    const size_t n_linear = has_quaternion ? n - QUATERNION_VALUES : n;
    mix_linear(a, b, part, n_linear, to);
    if (has_quaternion)
        mix_quaternion(a + n_linear, b + n_linear, part, to + n_linear);
}

void et__resample(const struct et_track *track, const int64_t *t_ns, size_t n, double *values,
                  int64_t *age_ns)
{
    assert(track->n_samples > 0);
    const size_t width = track->stream.n_values;
    const enum et__between between = et__between_of(&track->stream);
    for (size_t k = 0; k < n; k++) {
        const size_t i = et__newest(track->t_ns, track->n_samples, t_ns[k]);
        const double *a = track->values + i * width;
        const int64_t since_ns = t_ns[k] - track->t_ns[i];
        const bool is_held = between == ET__HOLD || since_ns <= 0 || i + 1 >= track->n_samples;
        if (age_ns)
            age_ns[k] = since_ns > 0 ? since_ns : 0;
        if (is_held) {
            for (size_t v = 0; v < width; v++)
                values[k * width + v] = a[v];
            continue;
        }
        const int64_t step_ns = track->t_ns[i + 1] - track->t_ns[i];
        mix(between, a, a + width, (double)since_ns / (double)step_ns, width, values + k * width);
    }
}
