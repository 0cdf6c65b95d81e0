/* What is read of the bits of coded pictures: access units as messages carry them. */
#ifndef FORMAT__UNITS_H
#define FORMAT__UNITS_H

#include "etude/video_stream.h"

/* What AV1's OBUs up to the first frame say. */
struct et__av1_look {
    bool has_sequence, has_frame;
    bool is_key; // a key frame that is shown
};
void et__av1_look(const uint8_t *p, size_t n, struct et__av1_look *look);

/* H.264's count of reference pictures, by which a missing one is seen. A zeroed struct has seen
 * nothing. */
struct et__h264_count {
    struct {
        bool is_known, has_planes, may_gap;
        uint8_t n_bits; // of a frame number
    } sps[32];
    struct {
        bool is_known;
        uint8_t i_sps;
    } pps[256];
    bool has_last;
    uint32_t last; // frame number of the last reference picture
};

/* Goes through a unit. False: a picture that it, or one after it, refers to is missing; the numbers
 * say between which. Where the bits cannot be read it is true: the decoder will tell. */
bool et__h264_follows(struct et__h264_count *count, struct et_str unit, uint32_t *last,
                      uint32_t *now);

/* What a codec's `opaque` may point to: decoders say only in the log that they made up a picture
 * that others refer to. */
struct et__av_listener {
    int n_missing;
};

#endif
