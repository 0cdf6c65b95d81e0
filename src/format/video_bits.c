/* What the first bits of a coded picture say about it. */
#include "format__units.h"
#include "format__video.h"

enum {
    AV1_SEQUENCE_HEADER = 1,
    AV1_FRAME_HEADER = 3,
    AV1_FRAME = 6,
    H264_VCL_MAX = 5,
    H264_IDR = 5,
    HEVC_VCL_MAX = 31,
    HEVC_IDR_W_RADL = 19,
    HEVC_IDR_N_LP = 20,
};

/* AV1 (spec 5.3, 5.9.2): a key frame is no show_existing_frame, is of type KEY_FRAME, and is shown.
 * A reduced still picture's header has no such bits and is not looked for: it is no video. */
void et__av1_look(const uint8_t *p, size_t n, struct et__av1_look *look)
{
    *look = (struct et__av1_look){0};
    for (size_t i = 0; i < n;) {
        const int type = p[i] >> 3 & 15;
        const bool has_extension = p[i] & 4, has_size = p[i] & 2;
        size_t size = 0;
        int shift = 0;

        i += has_extension ? 2 : 1;
        while (has_size && i < n && shift < 56) {
            size |= (size_t)(p[i] & 127) << shift;
            shift += 7;
            if (!(p[i++] & 128))
                break;
        }
        if (i >= n)
            return;
        if (!has_size)
            size = n - i;
        if (type == AV1_FRAME_HEADER || type == AV1_FRAME) {
            look->has_frame = true;
            look->is_key = p[i] >> 4 == 1; // show_existing 0, frame_type 00, show_frame 1
            return;
        }
        look->has_sequence = look->has_sequence || type == AV1_SEQUENCE_HEADER;
        if (size > n - i)
            return;
        i += size;
    }
}

/* The type of the first slice among length-prefixed NAL units; −1: there is none. */
static int first_slice(const uint8_t *p, size_t n, size_t n_length, bool is_hevc)
{
    for (size_t i = 0; n_length < n && i < n - n_length;) {
        size_t size = 0;
        for (size_t k = 0; k < n_length; k++)
            size = size << 8 | p[i++];
        if (size == 0 || size > n - i)
            return -1;
        const int type = is_hevc ? p[i] >> 1 & 63 : p[i] & 31;
        if (is_hevc ? type <= HEVC_VCL_MAX : type >= 1 && type <= H264_VCL_MAX)
            return type;
        i += size;
    }
    return -1;
}

bool et__is_clean_start(const struct et__mp4 *mp4, const uint8_t *p, size_t n)
{
    const uint8_t *const config = (const uint8_t *)mp4->config.p;

    struct et__av1_look av1;
    if (mp4->codec == AV_CODEC_ID_AV1) {
        et__av1_look(p, n, &av1);
        return av1.is_key;
    }
    if (mp4->codec == AV_CODEC_ID_H264 && mp4->config.n > 4)
        return first_slice(p, n, (config[4] & 3u) + 1, false) == H264_IDR;
    if (mp4->codec == AV_CODEC_ID_HEVC && mp4->config.n > 21) {
        const int type = first_slice(p, n, (config[21] & 3u) + 1, true);
        return type == HEVC_IDR_W_RADL || type == HEVC_IDR_N_LP;
    }
    return false;
}
