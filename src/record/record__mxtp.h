/* Xsens MVN's network stream (MXTP02): its datagrams, and samples joined from several of them.
 *
 * Units:   as sent: metres or centimetres (senders differ), degrees, milliseconds.
 * Threads: as its owner. Memory: plain structs. */
#ifndef RECORD__MXTP_H
#define RECORD__MXTP_H

#include "record/record__skeleton.h"

enum et__mxtp_type {
    ET__MXTP_POSES = 2,   // of segments, by quaternions
    ET__MXTP_META = 12,   // text of the character
    ET__MXTP_SCALE = 13,  // the body's measures
    ET__MXTP_JOINTS = 20, // angles
};

struct et__mxtp_datagram {
    int type;         // 0 … 99
    uint32_t counter; // of samples
    unsigned part;    // of the sample, from 0 on
    bool is_last;
    unsigned n_items;
    uint32_t t_ms; // since the sender began
    unsigned character, n_body, n_props, n_fingers;
    const unsigned char *payload;
    size_t n_payload;
};

/* False: it is no datagram of MXTP02, or has less in it than it says. */
bool et__mxtp_read(const void *bytes, size_t n, struct et__mxtp_datagram *datagram);

#define ET__MXTP_ITEMS_MAX 96 // a body, props and fingers are 67; joints 28
#define ET__MXTP_PARTS_MAX 32

/* POSES: the segment in `a`, then x y z, then qw qx qy qz. JOINTS: parent and child point (256 ×
 * segment + point of it), then the angles about x, y, z. */
struct et__mxtp_item {
    uint32_t a, b;
    float values[7];
};

/* A sample under way, of POSES or JOINTS. A zeroed struct is ready. */
struct et__mxtp_sample {
    bool is_open, is_whole;
    uint32_t counter, t_ms;
    unsigned n_props;
    uint32_t parts; // that came, a bit each
    int last;       // the last one's number, −1: not known yet
    struct et__mxtp_item items[ET__MXTP_ITEMS_MAX];
    size_t n_items;
};

enum et__mxtp_news {
    ET__MXTP_MORE,  // its sample is not whole yet
    ET__MXTP_WHOLE, // the sample is whole now
    ET__MXTP_AGAIN, // came already, or is older than the sample under way
    ET__MXTP_BAD,   // its items do not fit
};

/* Takes in a datagram of POSES or JOINTS, in any order of parts. One of a newer sample begins that
 * anew: what was under way is given up (is_whole tells whether it was whole). A counter that falls
 * by 256 or more is a sender that began again. */
enum et__mxtp_news et__mxtp_join(struct et__mxtp_sample *sample,
                                 const struct et__mxtp_datagram *datagram);

/* Metres a unit of these poses: 1, or 0.01 where a body would be larger than 5 m; 0 where it is
 * none yet, since all of it is within 0.2 m. A body's extent tells it wherever somebody stands,
 * jumps or lies, as its height above the floor does not. */
double et__mxtp_unit_m(const struct et__mxtp_sample *poses);

#endif
