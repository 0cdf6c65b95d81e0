/* A safetensors file: what is read lies within the file, and is written and read as the same. */
#include "etude/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_err err = {0};
    struct et_safetensors *file;
    const struct et_str bytes = {(const char *)data, n};
    if (et_safetensors_parse(&file, bytes, "fuzz", &err) != ET_OK) {
        require(err.text[0] && !file);
        return 0;
    }
    size_t n_all = 0;
    for (size_t i = 0; i < et_safetensors_count(file); i++) {
        const struct et_tensor *t = et_safetensors_at(file, i);
        n_all += (size_t)t->n_values * et_tensor_type_bytes(t->type);
        require(et_safetensors_find(file, t->name) == t);
        float *values = malloc((size_t)t->n_values * sizeof *values + 1);
        const enum et_status st = et_tensor_floats(t, values, &err);
        require(st == ET_OK || st == ET_EUNSUPPORTED);
        free(values);
    }
    require(n_all <= n);
    et_safetensors_close(file);
    return 0;
}
