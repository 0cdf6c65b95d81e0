/* Frames as a headset's page makes them, for tests. */
#ifndef TESTS_XR_MADE_H
#define TESTS_XR_MADE_H

#include "record/record__webxr.h"

#define XR_BYTES ((size_t)2048)

struct xr_made {
    char p[XR_BYTES];
    size_t n;
};

/* A frame of the head at (1, 1.5, −0.25), turned by 90° about "up"; left a controller at
 * (−0.25, 1, −0.5) with 6 buttons (trigger 0.75, x pressed) and 4 axes; right a bare hand whose
 * joint i is at (0.25, 1 + i / 64, −0.5). Times: t_ms, predicted 20 ms later, sent 1 ms later. */
struct xr_made xr_frame(uint32_t seq, double t_ms);

/* Where a frame's parts are. */
enum { XR_FLAGS = 2, XR_SEQ = 4, XR_TIME = 8, XR_PREDICTED = 16, XR_HEAD = 32, XR_LEFT = 60 };

struct xr_made xr_pong(uint32_t id, double t_came_ms, double t_sent_ms);

void xr_set_f32(struct xr_made *made, size_t at, float value);
void xr_set_f64(struct xr_made *made, size_t at, double value);

#endif
