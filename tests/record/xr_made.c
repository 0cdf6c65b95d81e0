#include "xr_made.h"

#include <math.h>

#define HALF ((float)M_SQRT1_2)

static void put(struct xr_made *made, const void *p, size_t n)
{
    memcpy(made->p + made->n, p, n);
    made->n += n;
}

static void put_u8(struct xr_made *made, int value)
{
    made->p[made->n++] = (char)value;
}

static void put_u32(struct xr_made *made, uint32_t value)
{
    put(made, &value, sizeof value);
}

static void put_f64(struct xr_made *made, double value)
{
    put(made, &value, sizeof value);
}

static void put_f32s(struct xr_made *made, const float *values, size_t n)
{
    put(made, values, n * sizeof *values);
}

static void put_controller(struct xr_made *made)
{
    static const float POSE[7] = {-0.25F, 1, -0.5F, 0, 0, 0, 1};
    static const float VALUES[6] = {0.75F, 0, 0, 0, 1, 0}, AXES[4] = {0, 0, 0.5F, -1};
    put_u8(made, ET__WEBXR_CONTROLLER);
    put_u8(made, 1); // tracked
    put_u8(made, 6);
    put_u8(made, 4);
    put_f32s(made, POSE, 7);
    put_u32(made, 1U << 4 | 1); // x and the trigger
    put_f32s(made, VALUES, 6);
    put_f32s(made, AXES, 4);
}

static void put_bare_hand(struct xr_made *made)
{
    float pose[7] = {0.25F, 1, -0.5F, 0, 0, 0, 1};
    put_u8(made, ET__WEBXR_HAND);
    put_u8(made, 1 | 4); // tracked, with joints
    put_u8(made, 0);
    put_u8(made, 0);
    put_f32s(made, pose, 7);
    put_u32(made, 0);
    for (int i = 0; i < ET_OPERATOR_JOINTS; i++) {
        pose[1] = 1 + (float)i / 64;
        put_f32s(made, pose, 7);
    }
    for (int i = 0; i < ET_OPERATOR_JOINTS; i++) {
        const uint16_t radius = (uint16_t)(1000 + i); // 1 cm
        put(made, &radius, sizeof radius);
    }
}

struct xr_made xr_frame(uint32_t seq, double t_ms)
{
    static const float HEAD[7] = {1, 1.5F, -0.25F, 0, HALF, 0, HALF};
    struct xr_made made = {.n = 0};
    put_u8(&made, ET__WEBXR_FRAME);
    put_u8(&made, ET__WEBXR_VERSION);
    put_u8(&made, 1); // the head is tracked
    put_u8(&made, 0);
    put_u32(&made, seq);
    put_f64(&made, t_ms);
    put_f64(&made, t_ms + 20);
    put_f64(&made, t_ms + 1);
    put_f32s(&made, HEAD, 7);
    put_controller(&made);
    put_bare_hand(&made);
    return made;
}

struct xr_made xr_pong(uint32_t id, double t_came_ms, double t_sent_ms)
{
    struct xr_made made = {.n = 0};
    put_u8(&made, ET__WEBXR_PING);
    put_u8(&made, ET__WEBXR_VERSION);
    put_u8(&made, 0);
    put_u8(&made, 0);
    put_u32(&made, id);
    put_f64(&made, t_came_ms);
    put_f64(&made, t_sent_ms);
    return made;
}

void xr_set_f32(struct xr_made *made, size_t at, float value)
{
    memcpy(made->p + at, &value, sizeof value);
}

void xr_set_f64(struct xr_made *made, size_t at, double value)
{
    memcpy(made->p + at, &value, sizeof value);
}
