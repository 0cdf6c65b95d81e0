/* Access units from outside, of each codec: the first byte says which, two bytes say how long each
 * unit is. Whatever they are, each is given a picture of its own or told why not. */
#include "etude/video_stream.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void look_for(struct et_video_stream *stream, int64_t n_units)
{
    static uint8_t rgb[3 * 16 * 16];
    struct et_err err = {0};
    struct et_frame frame;
    for (int64_t i = n_units > 4 ? n_units - 4 : 0; i < n_units; i++) {
        const enum et_status st = et_video_stream_find(stream, i, &frame, &err);
        require(st == ET_OK || st == ET_END || err.text[0]);
        if (st == ET_OK) {
            require(frame.i_frame == i && frame.width_px > 0 && frame.height_px > 0);
            (void)et_video_stream_rgb(stream, 16, 16, rgb, &err);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_video_stream *stream = NULL;
    struct et_err err = {0};
    int64_t n_units = 0;
    if (n == 0 || et_video_stream_open(&stream, (enum et_unit_codec)(data[0] % 4), &err) != ET_OK)
        return 0;
    for (size_t at = 1; at + 2 <= n && n_units < 64;) {
        const size_t wanted = (size_t)(data[at] | data[at + 1] << 8);
        at += 2;
        const struct et_str unit = {(const char *)data + at, wanted < n - at ? wanted : n - at};
        require(et_video_stream_put(stream, unit, n_units++, &err) == ET_OK);
        at += unit.n;
        look_for(stream, n_units);
    }
    require(et_video_stream_end(stream, &err) == ET_OK);
    look_for(stream, n_units);
    et_video_stream_close(stream);
    return 0;
}
