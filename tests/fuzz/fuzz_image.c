/* Pictures from outside: decoding takes no more than the arena gives. */
#include "etude/image.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_arena *arena;
    struct et_image image;
    struct et_err err;

    if (et_arena_open(&arena, 8 << 20, &err) != ET_OK)
        return 0;
    const struct et_str bytes = {(const char *)data, n};
    if (et_image_probe(bytes, &image, &err) == ET_OK &&
        et_image_decode(bytes, arena, &image, &err) == ET_OK) {
        struct et_buf buf = et_buf(32 << 20);
        if (et_image_encode_png(&image, 1, &buf, &err) != ET_OK && buf.status == ET_OK)
            __builtin_trap(); // what was decoded can be encoded
        et_buf_free(&buf);
    }
    et_arena_close(arena);
    return 0;
}
