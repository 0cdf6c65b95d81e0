/* Events of an input device: what it has comes first, five bytes an axis up to one that is 0, then
 * raw events of eight bytes. Whatever they are, values stay within their range. */
#include "record/record__pad.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static size_t add_axes(struct et__pad *pad, const uint8_t *data, size_t n)
{
    size_t at = 0;
    for (; at + 5 <= n && data[at] != 0; at += 5) {
        const int32_t min = (int32_t)((uint32_t)data[at + 1] << 24),
                      max = (int32_t)((uint32_t)data[at + 2] << 24 | data[at + 3]);
        et__pad_add_axis(pad, data[at] % 64, min, max, (int8_t)data[at + 4] * 1000, data[at] > 127);
    }
    return at + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et__pad pad = {0};
    size_t at = add_axes(&pad, data, n);
    for (uint16_t code = 0x130; code < 0x140; code++)
        et__pad_add_button(&pad, code, "button");
    for (; at + 8 <= n; at += 8) {
        uint16_t type, code;
        int32_t value;
        memcpy(&type, data + at, 2);
        memcpy(&code, data + at + 2, 2);
        memcpy(&value, data + at + 4, 4);
        (void)et__pad_event(&pad, type, code, value);
        for (size_t i = 0; i < pad.n_axes; i++) {
            const double v = et__pad_value(&pad.axes[i]);
            require(v <= 1 && v >= (pad.axes[i].is_one_sided ? 0 : -1));
        }
    }
    return 0;
}
