/* A depth picture in RVL: what is read is written again, and read as the same. */
#include "etude/rvl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_err err = {0};
    struct et_image image;
    struct et_arena *arena;
    if (et_arena_open(&arena, (size_t)1 << 20, &err) != ET_OK)
        return 0;
    if (et_rvl_picture((struct et_str){(const char *)data, n}, arena, &image, &err) == ET_OK) {
        const size_t n_values = (size_t)image.width_px * (size_t)image.height_px;
        struct et_buf buf = et_buf(8 << 20);
        et_rvl_put(&buf, image.pixels, n_values);
        uint16_t *again = malloc(n_values * sizeof *again);
        require(again && buf.status == ET_OK);
        require(et_rvl_get(et_buf_str(&buf), again, n_values, &err) == ET_OK);
        require(memcmp(again, image.pixels, n_values * sizeof *again) == 0);
        free(again);
        et_buf_free(&buf);
    } else {
        require(err.text[0] && err.at <= (int64_t)n);
    }
    et_arena_close(arena);
    return 0;
}
