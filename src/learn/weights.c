/* Parameters to safetensors and back. */
#include "learn/learn__weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FULL_NAME_MAX (2 * ET__PARAM_NAME_MAX)

struct full_name {
    char text[FULL_NAME_MAX];
};

static struct full_name full_name(const struct et__weights *w, const struct et__param *p)
{
    struct full_name name;
    (void)snprintf(name.text, sizeof name.text, "%s%s", w->prefix, p->name);
    return name;
}

enum et_status et__weights_write(const char *path, const struct et__params *params,
                                 const struct et__weights *weights, size_t n_weights,
                                 struct et_err *err)
{
    static const struct et_safetensors_note NOTE = {"format", "pt"}; // Hugging Face looks for it
    const size_t n = params->n_items * n_weights;
    struct et_tensor *tensors = calloc(n, sizeof *tensors);
    struct full_name *names = calloc(n, sizeof *names);
    enum et_status st = ET_OK;
    if (!tensors || !names)
        st = et_fail(err, ET_ENOMEM, -1, "no memory to write %zu tensors", n);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        const struct et__weights *w = &weights[i / params->n_items];
        const struct et__param *p = &params->items[i % params->n_items];
        names[i] = full_name(w, p);
        tensors[i] = (struct et_tensor){.name = names[i].text,
                                        .type = ET_TENSOR_F32,
                                        .shape = p->shape,
                                        .n_dims = p->n_dims,
                                        .bytes = w->values + p->at};
    }
    if (st == ET_OK)
        st = et_safetensors_write(path, tensors, n, &NOTE, 1, err);
    free(tensors);
    free(names);
    return st;
}

static void put_shape(char *text, size_t n_text, const int64_t *shape, size_t n_dims)
{
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < n_dims && n < n_text; i++)
        n += (size_t)snprintf(text + n, n_text - n, "%s%lld", i ? " × " : "", (long long)shape[i]);
}

static enum et_status check_shape(const char *path, const struct et__param *p,
                                  const struct et_tensor *tensor, struct et_err *err)
{
    char is[80], wanted[80];
    bool fits = tensor->n_dims == p->n_dims;
    for (size_t i = 0; fits && i < p->n_dims; i++)
        fits = tensor->shape[i] == p->shape[i];
    if (fits)
        return ET_OK;
    put_shape(is, sizeof is, tensor->shape, tensor->n_dims);
    put_shape(wanted, sizeof wanted, p->shape, p->n_dims);
    return et_fail(err, ET_ECORRUPT, -1, "%s: %s is %s, the network's is %s", path, tensor->name,
                   is, wanted);
}

static enum et_status read_one(const char *path, const struct et_safetensors *file,
                               const struct et__weights *w, const struct et__param *p,
                               struct et_err *err)
{
    const struct full_name name = full_name(w, p);
    const struct et_tensor *tensor = et_safetensors_find(file, name.text);
    if (!tensor)
        return et_fail(err, ET_ECORRUPT, -1, "%s: has no %s", path, name.text);
    enum et_status st = check_shape(path, p, tensor, err);
    if (st == ET_OK)
        st = et_tensor_floats(tensor, w->values + p->at, err);
    for (size_t i = 0; st == ET_OK && i < p->n; i++)
        if (!isfinite(w->values[p->at + i]))
            st = et_fail(err, ET_ECORRUPT, -1, "%s: value %zu of %s is no number", path, i,
                         name.text);
    return st;
}

enum et_status et__weights_read(const char *path, const struct et__params *params,
                                const struct et__weights *weights, size_t n_weights,
                                struct et_err *err)
{
    const size_t n = params->n_values;
    struct et_safetensors *file;
    enum et_status st = et_safetensors_open(&file, path, err);
    if (st != ET_OK)
        return st;
    float *read = calloc(n_weights * n + 1, sizeof *read); // none is changed before all are good
    if (!read)
        st = et_fail(err, ET_ENOMEM, -1, "%s: no memory to read it", path);
    for (size_t k = 0; st == ET_OK && k < n_weights; k++)
        for (size_t i = 0; st == ET_OK && i < params->n_items; i++)
            st = read_one(path, file, &(struct et__weights){weights[k].prefix, read + k * n},
                          &params->items[i], err);
    for (size_t k = 0; st == ET_OK && k < n_weights; k++)
        memcpy(weights[k].values, read + k * n, n * sizeof *read);
    free(read);
    et_safetensors_close(file);
    return st;
}
