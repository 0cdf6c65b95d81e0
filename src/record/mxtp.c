#include "record/record__mxtp.h"

#include <math.h>

#define HEAD_BYTES 24
#define POSE_BYTES 32
#define JOINT_BYTES 20
#define BACK_MIN 256 // samples that a network may hold back are fewer
#define BODY_MAX 5.0 // m
#define BODY_MIN 0.2

static uint32_t get_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static float get_f32(const unsigned char *p)
{
    const uint32_t bits = get_u32(p);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

bool et__mxtp_read(const void *bytes, size_t n, struct et__mxtp_datagram *d)
{
    const unsigned char *p = bytes;
    if (n < HEAD_BYTES || memcmp(p, "MXTP", 4) != 0 || !is_digit(p[4]) || !is_digit(p[5]))
        return false;
    *d = (struct et__mxtp_datagram){.type = (p[4] - '0') * 10 + p[5] - '0',
                                    .counter = get_u32(p + 6),
                                    .part = p[10] & 0x7f,
                                    .is_last = p[10] >> 7,
                                    .n_items = p[11],
                                    .t_ms = get_u32(p + 12),
                                    .character = p[16],
                                    .n_body = p[17],
                                    .n_props = p[18],
                                    .n_fingers = p[19],
                                    .payload = p + HEAD_BYTES,
                                    .n_payload = (size_t)p[22] << 8 | p[23]};
    if (d->n_payload == 0) // older senders leave it out
        d->n_payload = n - HEAD_BYTES;
    return d->n_payload <= n - HEAD_BYTES;
}

static void read_item(const unsigned char *p, bool is_pose, struct et__mxtp_item *item)
{
    *item = (struct et__mxtp_item){.a = get_u32(p), .b = is_pose ? 0 : get_u32(p + 4)};
    const unsigned char *values = p + (is_pose ? 4 : 8);
    for (size_t i = 0; i < (is_pose ? 7 : 3); i++)
        item->values[i] = get_f32(values + 4 * i);
}

static void begin(struct et__mxtp_sample *s, const struct et__mxtp_datagram *d)
{
    s->is_open = true;
    s->is_whole = false;
    s->counter = d->counter;
    s->t_ms = d->t_ms;
    s->n_props = d->n_props;
    s->parts = 0;
    s->last = -1;
    s->n_items = 0;
}

enum et__mxtp_news et__mxtp_join(struct et__mxtp_sample *s, const struct et__mxtp_datagram *d)
{
    const bool is_pose = d->type == ET__MXTP_POSES;
    const size_t item_bytes = is_pose ? POSE_BYTES : JOINT_BYTES;
    if (d->part >= ET__MXTP_PARTS_MAX || d->n_items * item_bytes > d->n_payload)
        return ET__MXTP_BAD;
    const int32_t step = (int32_t)(d->counter - s->counter);
    if (s->is_open && step < 0 && step > -BACK_MIN)
        return ET__MXTP_AGAIN;
    if (!s->is_open || step != 0)
        begin(s, d);
    const uint32_t bit = UINT32_C(1) << d->part;
    if (s->parts & bit)
        return ET__MXTP_AGAIN;
    if (s->n_items + d->n_items > ET__MXTP_ITEMS_MAX)
        return ET__MXTP_BAD;
    s->parts |= bit;
    if (d->is_last)
        s->last = (int)d->part;
    for (size_t i = 0; i < d->n_items; i++)
        read_item(d->payload + i * item_bytes, is_pose, &s->items[s->n_items++]);
    // All parts up to the last one: as many ones as it has below it, and its own.
    s->is_whole = s->last >= 0 && s->parts == UINT32_MAX >> (31 - s->last);
    return s->is_whole ? ET__MXTP_WHOLE : ET__MXTP_MORE;
}

double et__mxtp_unit_m(const struct et__mxtp_sample *s)
{
    double largest = 0;
    for (size_t i = 1; i < s->n_items; i++)
        for (int axis = 0; axis < 3 && s->items[i].a <= ET__N_SEGMENTS; axis++) {
            const double extent =
                fabs((double)s->items[i].values[axis] - (double)s->items[0].values[axis]);
            largest = isfinite(extent) ? fmax(largest, extent) : largest;
        }
    return largest > BODY_MAX ? 0.01 : largest > BODY_MIN ? 1 : 0;
}
