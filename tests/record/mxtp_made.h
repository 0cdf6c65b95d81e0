/* Datagrams of MXTP02 as MVN writes them. */
#ifndef TESTS_RECORD_MXTP_MADE_H
#define TESTS_RECORD_MXTP_MADE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct mxtp_made {
    unsigned char bytes[4096];
    size_t n;
};

struct mxtp_head {
    int type;
    uint32_t counter, t_ms;
    int part;
    bool is_last;
    int character, n_props;
};

static inline void mxtp_u32(struct mxtp_made *m, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        m->bytes[m->n++] = (unsigned char)(v >> shift);
}

static inline void mxtp_f32(struct mxtp_made *m, double value)
{
    const float f = (float)value;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    mxtp_u32(m, bits);
}

static inline struct mxtp_made mxtp_begin(const struct mxtp_head *head)
{
    struct mxtp_made m = {.n = 6};
    char magic[8];
    (void)snprintf(magic, sizeof magic, "MXTP%02d", head->type);
    memcpy(m.bytes, magic, 6);
    mxtp_u32(&m, head->counter);
    m.bytes[m.n++] = (unsigned char)(head->part | (head->is_last ? 0x80 : 0));
    m.n++; // items
    mxtp_u32(&m, head->t_ms);
    m.bytes[m.n++] = (unsigned char)head->character;
    m.bytes[m.n++] = 23;
    m.bytes[m.n++] = (unsigned char)head->n_props;
    m.n += 5; // fingers, reserved, payload
    return m;
}

static inline void mxtp_end(struct mxtp_made *m, int n_items)
{
    m->bytes[11] = (unsigned char)n_items;
    m->bytes[22] = (unsigned char)((m->n - 24) >> 8);
    m->bytes[23] = (unsigned char)(m->n - 24);
}

/* Segments first … last: segment s at (s × step, 0, 0.9) of a unit, turned by (w 0.8, z 0.6). */
static inline struct mxtp_made mxtp_poses(const struct mxtp_head *head, int first, int last,
                                          double unit)
{
    struct mxtp_made m = mxtp_begin(head);
    for (int s = first; s <= last; s++) {
        mxtp_u32(&m, (uint32_t)s);
        mxtp_f32(&m, s * 0.05 * unit);
        mxtp_f32(&m, 0);
        mxtp_f32(&m, 0.9 * unit);
        mxtp_f32(&m, 0.8);
        mxtp_f32(&m, 0);
        mxtp_f32(&m, 0);
        mxtp_f32(&m, 0.6);
    }
    mxtp_end(&m, last - first + 1);
    return m;
}

static inline struct mxtp_made mxtp_joints(const struct mxtp_head *head)
{
    struct mxtp_made m = mxtp_begin(head);
    for (int i = 0; i < 2; i++) {
        mxtp_u32(&m, (uint32_t)(256 * (1 + i) + 1));
        mxtp_u32(&m, (uint32_t)(256 * (2 + i)));
        mxtp_f32(&m, 90);
        mxtp_f32(&m, -45);
        mxtp_f32(&m, i);
    }
    mxtp_end(&m, 2);
    return m;
}

#endif
