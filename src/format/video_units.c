/* Access units without a container: which begin a stream, which hold a picture, which are missing.
 * H.264 is ITU-T H.264, HEVC is ITU-T H.265; numbers of sections are theirs. */
#include "format__units.h"

enum {
    H264_SLICE = 1,
    H264_PARTITION = 2,
    H264_IDR = 5,
    H264_SPS = 7,
    H264_PPS = 8,
    HEVC_RASL_N = 8,
    HEVC_RASL_R = 9,
    HEVC_BLA_W_LP = 16, // the first of IRAP …
    HEVC_CRA = 21,      // … and the last
    HEVC_SLICE_MAX = 31,
    HEVC_SPS = 33,
    HEVC_PPS = 34,
};

/* ---- NAL units ---- */

/* Cuts the next NAL unit behind a start code off *rest. Only where `is_whole` is set is its end
 * looked for, which means to go through all of a slice. False: there is none. */
static bool next_nal(struct et_str *rest, bool is_whole, struct et_str *nal)
{
    const uint8_t *p = (const uint8_t *)rest->p;
    const size_t n = rest->n;
    size_t i = 0;
    while (i + 3 < n && !(p[i] == 0 && p[i + 1] == 0 && p[i + 2] == 1))
        i++;
    if (i + 3 >= n)
        return false;
    const size_t first = i + 3;
    size_t last = n;
    for (i = first; is_whole && i + 2 < n; i++) {
        if (p[i] == 0 && p[i + 1] == 0 && p[i + 2] <= 1) {
            last = i;
            break;
        }
    }
    *nal = (struct et_str){rest->p + first, last - first};
    *rest = (struct et_str){rest->p + last, is_whole ? n - last : 0};
    return nal->n > 0 || is_whole;
}

/* The type of the NAL unit that comes next; −1: none does. */
static int peek_type(struct et_str rest, bool is_hevc)
{
    struct et_str nal;
    if (!next_nal(&rest, false, &nal) || nal.n == 0)
        return -1;
    const uint8_t head = (uint8_t)nal.p[0];
    return is_hevc ? head >> 1 & 63 : head & 31;
}

static bool is_h264_slice(int type)
{
    return type == H264_SLICE || type == H264_PARTITION || type == H264_IDR;
}

static void look_h264(struct et_str rest, struct et_video_unit *unit)
{
    bool has_sps = false, has_pps = false;
    struct et_str nal;
    int type;
    while ((type = peek_type(rest, false)) >= 0 && !is_h264_slice(type)) {
        has_sps = has_sps || type == H264_SPS;
        has_pps = has_pps || type == H264_PPS;
        if (!next_nal(&rest, true, &nal))
            break;
    }
    unit->has_picture = is_h264_slice(type);
    unit->is_start = type == H264_IDR;
    unit->has_parameters = has_sps && has_pps;
}

static void look_h265(struct et_str rest, struct et_video_unit *unit)
{
    bool has_sps = false, has_pps = false;
    struct et_str nal;
    int type;
    while ((type = peek_type(rest, true)) > HEVC_SLICE_MAX) {
        has_sps = has_sps || type == HEVC_SPS;
        has_pps = has_pps || type == HEVC_PPS;
        if (!next_nal(&rest, true, &nal))
            break;
    }
    unit->has_picture = type >= 0 && type <= HEVC_SLICE_MAX;
    unit->is_start = type >= HEVC_BLA_W_LP && type <= HEVC_CRA;
    unit->is_leading = type == HEVC_RASL_N || type == HEVC_RASL_R;
    unit->has_parameters = has_sps && has_pps;
}

/* VP9 (bitstream specification 6.2): marker 2, profile, show_existing_frame, frame_type; a key
 * frame has all parameters. */
static void look_vp9(struct et_str bytes, struct et_video_unit *unit)
{
    if (bytes.n == 0)
        return;
    const unsigned head = (uint8_t)bytes.p[0];
    const bool is_profile_3 = (head >> 4 & 3) == 3; // has a reserved bit more
    const unsigned bits = head << (is_profile_3 ? 5 : 4);
    unit->has_picture = head >> 6 == 2;
    unit->is_start = unit->has_picture && !(bits & 0x80) && !(bits & 0x40);
    unit->has_parameters = unit->is_start;
}

void et_video_unit_look(enum et_unit_codec codec, struct et_str bytes, struct et_video_unit *unit)
{
    struct et__av1_look av1;
    *unit = (struct et_video_unit){0};
    switch (codec) {
    case ET_UNIT_H264:
        look_h264(bytes, unit);
        return;
    case ET_UNIT_H265:
        look_h265(bytes, unit);
        return;
    case ET_UNIT_VP9:
        look_vp9(bytes, unit);
        return;
    case ET_UNIT_AV1:
        et__av1_look((const uint8_t *)bytes.p, bytes.n, &av1);
        unit->has_picture = av1.has_frame;
        unit->is_start = av1.is_key;
        unit->has_parameters = av1.has_sequence;
        return;
    }
}

/* ---- bits of H.264 ---- */

/* Bits of a NAL unit's content; bytes 3 behind two zeros are not part of it (7.4.1). Behind the end
 * there are zeros, and is_over is set. */
struct bits {
    const uint8_t *p;
    size_t n, at;
    int n_zeros; // bytes of 0 right before
    unsigned byte;
    int n_left; // bits of it
    bool is_over;
};

static unsigned read_bit(struct bits *b)
{
    if (b->n_left == 0) {
        if (b->n_zeros >= 2 && b->at < b->n && b->p[b->at] == 3) {
            b->at++;
            b->n_zeros = 0;
        }
        b->is_over = b->is_over || b->at >= b->n;
        b->byte = b->at < b->n ? b->p[b->at++] : 0;
        b->n_zeros = b->byte == 0 ? b->n_zeros + 1 : 0;
        b->n_left = 8;
    }
    return b->byte >> --b->n_left & 1;
}

static uint32_t read_bits(struct bits *b, int n)
{
    uint32_t value = 0;
    while (n-- > 0)
        value = value << 1 | read_bit(b);
    return value;
}

/* ue(v) (9.1); −1 where it is none. */
static int64_t read_ue(struct bits *b)
{
    int n = 0;
    while (n < 32 && !b->is_over && !read_bit(b))
        n++;
    if (n == 32 || b->is_over)
        return -1;
    return (int64_t)((UINT64_C(1) << n) - 1 + read_bits(b, n));
}

static void skip_scaling_list(struct bits *b, int n)
{
    int64_t last = 8, next = 8;
    for (int i = 0; i < n && next != 0 && !b->is_over; i++) {
        const int64_t k = read_ue(b); // se(v): 1, −1, 2, −2 …
        next = (last + (k & 1 ? (k + 1) / 2 : -k / 2) + 256) & 255;
        last = next ? next : last;
    }
}

static bool has_chroma_format(uint32_t profile)
{
    static const uint8_t PROFILES[] = {100, 110, 122, 244, 44,  83, 86,
                                       118, 128, 138, 139, 134, 135};
    for (size_t i = 0; i < sizeof PROFILES; i++)
        if (PROFILES[i] == profile)
            return true;
    return false;
}

/* 7.3.2.1.1 as far as gaps_in_frame_num_value_allowed_flag. */
static void read_sps(struct et__h264_count *count, struct bits *b)
{
    bool has_planes = false;
    const uint32_t profile = read_bits(b, 24) >> 16;
    const int64_t id = read_ue(b);
    if (has_chroma_format(profile)) {
        const int64_t chroma = read_ue(b);
        has_planes = chroma == 3 && read_bit(b);
        (void)read_ue(b); // depth of luma, of chroma
        (void)read_ue(b);
        (void)read_bit(b);
        const int n_lists = read_bit(b) ? chroma == 3 ? 12 : 8 : 0;
        for (int i = 0; i < n_lists; i++)
            if (read_bit(b))
                skip_scaling_list(b, i < 6 ? 16 : 64);
    }
    const int64_t n_bits = read_ue(b) + 4;
    const int64_t order = read_ue(b); // pic_order_cnt_type
    if (order == 0)
        (void)read_ue(b);
    if (order == 1) {
        (void)read_bit(b);
        (void)read_ue(b);
        (void)read_ue(b);
        for (int64_t i = read_ue(b); i > 0 && !b->is_over; i--)
            (void)read_ue(b);
    }
    (void)read_ue(b); // max_num_ref_frames
    const bool may_gap = read_bit(b);
    if (id < 0 || id > 31)
        return;
    count->sps[id].is_known = !b->is_over && n_bits >= 4 && n_bits <= 16;
    count->sps[id].has_planes = has_planes;
    count->sps[id].may_gap = may_gap;
    count->sps[id].n_bits = (uint8_t)n_bits;
}

static void read_pps(struct et__h264_count *count, struct bits *b)
{
    const int64_t id = read_ue(b), i_sps = read_ue(b);
    if (id < 0 || id > 255)
        return;
    count->pps[id].is_known = i_sps >= 0 && i_sps < 32;
    count->pps[id].i_sps = (uint8_t)(i_sps & 31);
}

/* 7.3.3 as far as frame_num. False: it cannot be read, or need not follow. */
static bool read_frame_number(const struct et__h264_count *count, struct bits *b, uint32_t *number,
                              uint32_t *n_numbers)
{
    (void)read_ue(b); // first_mb_in_slice, slice_type
    (void)read_ue(b);
    const int64_t id = read_ue(b);
    if (id < 0 || id > 255 || !count->pps[id].is_known)
        return false;
    const size_t i = count->pps[id].i_sps;
    if (!count->sps[i].is_known)
        return false;
    if (count->sps[i].has_planes)
        (void)read_bits(b, 2);
    *number = read_bits(b, count->sps[i].n_bits);
    *n_numbers = UINT32_C(1) << count->sps[i].n_bits;
    return !b->is_over && !count->sps[i].may_gap;
}

/* 7.4.3: a frame number is that of the last reference picture, or one more. */
bool et__h264_follows(struct et__h264_count *count, struct et_str unit, uint32_t *last,
                      uint32_t *now)
{
    struct et_str rest = unit, nal;
    int type;
    uint32_t n_numbers = 0;
    while ((type = peek_type(rest, false)) >= 0) {
        const bool is_slice = is_h264_slice(type);
        if (!next_nal(&rest, !is_slice, &nal) || nal.n == 0)
            break;
        struct bits b = {.p = (const uint8_t *)nal.p + 1, .n = nal.n - 1};
        if (type == H264_SPS)
            read_sps(count, &b);
        if (type == H264_PPS)
            read_pps(count, &b);
        if (!is_slice)
            continue;
        const bool is_reference = nal.p[0] & 0x60, had_last = count->has_last;
        const bool is_read = read_frame_number(count, &b, now, &n_numbers);
        *last = count->last;
        if (is_reference || !is_read)
            count->has_last = is_read;
        if (is_reference && is_read)
            count->last = *now;
        return type == H264_IDR || !had_last || !is_read || *now == *last ||
               *now == (*last + 1) % n_numbers;
    }
    return true;
}
