/* OSC as senders of VMC write it. */
#ifndef TESTS_RECORD_OSC_MADE_H
#define TESTS_RECORD_OSC_MADE_H

#include <stdint.h>
#include <string.h>

struct osc_made {
    unsigned char bytes[8192];
    size_t n;
};

static inline void osc_u32(struct osc_made *o, uint32_t v)
{
    const unsigned char bytes[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                                    (unsigned char)(v >> 8), (unsigned char)v};
    memcpy(o->bytes + o->n, bytes, 4);
    o->n += 4;
}

static inline void osc_f32(struct osc_made *o, double value)
{
    const float f = (float)value;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    osc_u32(o, bits);
}

static inline void osc_text(struct osc_made *o, const char *text)
{
    const size_t n = strlen(text) / 4 * 4 + 4;
    memset(o->bytes + o->n, 0, n);
    memcpy(o->bytes + o->n, text, strlen(text));
    o->n += n;
}

static inline void osc_bundle(struct osc_made *o)
{
    osc_text(o, "#bundle");
    osc_u32(o, 0);
    osc_u32(o, 1);
}

/* An element of a bundle: its length goes where it begins. */
static inline size_t osc_open(struct osc_made *o)
{
    osc_u32(o, 0);
    return o->n;
}

static inline void osc_close(struct osc_made *o, size_t opened)
{
    const size_t end = o->n;
    o->n = opened - 4;
    osc_u32(o, (uint32_t)(end - opened));
    o->n = end;
}

static inline void osc_t(struct osc_made *o, double t_s)
{
    osc_text(o, "/VMC/Ext/T");
    osc_text(o, ",f");
    osc_f32(o, t_s);
}

/* A pose: x y z of the position, then x y z w. */
static inline void osc_pose(struct osc_made *o, const char *address, const char *name,
                            const double pose[7])
{
    osc_text(o, address);
    osc_text(o, ",sfffffff");
    osc_text(o, name);
    for (int i = 0; i < 7; i++)
        osc_f32(o, pose[i]);
}

/* A whole frame: T, root, four bones, a tracker and what is not recorded. */
static inline struct osc_made osc_frame(double t_s)
{
    static const struct {
        const char *address, *name;
        double pose[7];
    } POSES[] = {{"/VMC/Ext/Root/Pos", "root", {0, 0, 0, 0, 0, 0, 1}},
                 {"/VMC/Ext/Bone/Pos", "Hips", {0.1, 0.9, 0.2, 0, 0, 0, 1}},
                 {"/VMC/Ext/Bone/Pos", "Spine", {0, 0.1, 0, 0, 0.6, 0, 0.8}},
                 {"/VMC/Ext/Bone/Pos", "LeftUpperArm", {-0.2, 0.3, 0, 0, 0, 0.6, 0.8}},
                 {"/VMC/Ext/Bone/Pos", "LeftLittleDistal", {0, 0, 0, 0, 0, 0, 1}},
                 {"/VMC/Ext/Tra/Pos", "LHR-1", {1, 2, 3, 0, 0, 0, 1}}};
    struct osc_made o = {.n = 0};
    osc_bundle(&o);
    size_t opened = osc_open(&o);
    osc_t(&o, t_s);
    osc_close(&o, opened);
    for (size_t i = 0; i < sizeof POSES / sizeof POSES[0]; i++) {
        opened = osc_open(&o);
        osc_pose(&o, POSES[i].address, POSES[i].name, POSES[i].pose);
        osc_close(&o, opened);
    }
    opened = osc_open(&o);
    osc_text(&o, "/VMC/Ext/Blend/Val");
    osc_text(&o, ",sf");
    osc_text(&o, "Joy");
    osc_f32(&o, 1);
    osc_close(&o, opened);
    return o;
}

#endif
