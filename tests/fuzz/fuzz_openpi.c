/* Any bytes as a message of openpi: what is read is written, read again, and written as the same.
 */
#include "etude/openpi.h"

#include <stdlib.h>

#define CAP ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static bool copy(struct et_str bytes, struct et_arena *arena, struct et_buf *buf)
{
    struct et_openpi_message m;
    struct et_err err = {0};
    if (et_openpi_read(bytes, arena, &m, &err) != ET_OK) {
        require(err.text[0]);
        return false;
    }
    for (size_t i = 0; i < m.n_arrays; i++) {
        const struct et_tensor *t = &m.arrays[i];
        float *values = malloc((size_t)t->n_values * sizeof *values + 1);
        require(et_tensor_floats(t, values, &err) == ET_OK);
        require(et_openpi_find(&m, t->name) == t);
        free(values);
    }
    // Keys with a '/' beside maps of that name lie in them afterwards, and may then be too deep.
    const enum et_status st = et_openpi_write(&m, buf, &err);
    require(st == ET_OK || st == ET_ELIMIT);
    return st == ET_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_buf once = et_buf(16 * CAP), twice = et_buf(16 * CAP);
    struct et_arena *arena;
    if (n > CAP || et_arena_open(&arena, 64 * CAP, NULL) != ET_OK)
        return 0;
    if (copy((struct et_str){(const char *)data, n}, arena, &once)) {
        require(copy(et_buf_str(&once), arena, &twice));
        require(once.n == twice.n);
    }
    et_arena_close(arena);
    et_buf_free(&once);
    et_buf_free(&twice);
    return 0;
}
