/* Any bytes as a raw picture: what is one lies within its message, row by row; depth that is packed
 * comes back to the bit. */
#include "record/record__pictures.h"

#include "etude/rvl.h"

#include <stdlib.h>

#define MESSAGE_BYTES_MAX ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so)
        abort();
}

static uint16_t value_at(const struct et__picture *p, size_t x, size_t y)
{
    const unsigned char *at = (const unsigned char *)p->data.p + y * p->step_bytes + 2 * x;
    return (uint16_t)(p->is_big_endian ? at[0] << 8 | at[1] : at[1] << 8 | at[0]);
}

static void pack(const struct et__picture *p)
{
    const size_t w = (size_t)p->width_px, h = (size_t)p->height_px;
    uint16_t *values = malloc(w * h * sizeof *values);
    struct et_buf message = et_buf(MESSAGE_BYTES_MAX);
    struct et_err err = {0};
    et__picture_put_depth(&message, p, values);
    require(message.status == ET_OK);
    // What stands behind the header, the frame, the format, a count and 20 bytes.
    const size_t format = (4 + 8 + 4 + p->frame_id.n + 1 + 3) / 4 * 4;
    uint32_t n_format;
    memcpy(&n_format, message.p + format, sizeof n_format);
    const size_t at = (format + 4 + n_format + 3) / 4 * 4 + 4 + 20;
    require(at <= message.n);
    memset(values, 0xee, w * h * sizeof *values);
    require(et_rvl_get((struct et_str){message.p + at, message.n - at}, values, w * h, &err) ==
            ET_OK);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            require(values[y * w + x] == value_at(p, x, y));
    et_buf_free(&message);
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct et_str message = {(const char *)data, size};
    struct et__picture p;
    struct et_err err = {0};
    if (et__picture_read(message, &p, &err) != ET_OK) {
        require(err.text[0] != 0);
        return 0;
    }
    const size_t n_row = (size_t)p.width_px * (p.is_depth ? 2 : et_video_pixel_bytes(p.pixels));
    require(p.data.p >= message.p && p.data.p + p.data.n <= message.p + message.n);
    require((size_t)(p.height_px - 1) * p.step_bytes + n_row <= p.data.n);
    if (p.is_depth)
        pack(&p);
    return 0;
}
