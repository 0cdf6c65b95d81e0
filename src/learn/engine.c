/* Parameters by name in one flat buffer, and the space of a step. */
#include "learn/learn__engine.h"

#include "etude/hash.h"
#include "etude/random.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ALIGN ((size_t)16)        // numbers: 64 bytes of floats
#define BASE ((uintptr_t)1 << 20) // of a space that nobody looks into

/* ---- parameters ---- */

enum et_status et__params_open(struct et__params *params, struct et_arena *arena, size_t cap,
                               struct et_err *err)
{
    *params = (struct et__params){.cap = cap};
    params->items = et_arena_alloc(arena, cap * sizeof *params->items);
    if (!params->items)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the names of %zu parameters", cap);
    return ET_OK;
}

// A parameter of that shape, up to the first 0.
static __attribute__((format(printf, 4, 0))) size_t add(struct et__params *params,
                                                        enum et__param_kind kind,
                                                        const int shape[ET__PARAM_DIMS_MAX],
                                                        const char *format, va_list words)
{
    if (params->n_items == params->cap) {
        params->is_full = true;
        return 0;
    }
    struct et__param *p = &params->items[params->n_items++];
    *p = (struct et__param){.kind = kind, .at = params->n_values, .n = 1};
    const int n = vsnprintf(p->name, sizeof p->name, format, words);
    params->is_full = params->is_full || n < 0 || (size_t)n >= sizeof p->name;
    for (; p->n_dims < ET__PARAM_DIMS_MAX && shape[p->n_dims] > 0; p->n_dims++) {
        p->shape[p->n_dims] = shape[p->n_dims];
        p->n *= (size_t)shape[p->n_dims];
    }
    params->n_values += (p->n + ALIGN - 1) / ALIGN * ALIGN;
    return p->at;
}

size_t et__param_add(struct et__params *params, enum et__param_kind kind, int n_rows, int n_cols,
                     const char *format, ...)
{
    const int vector[ET__PARAM_DIMS_MAX] = {n_cols}, matrix[ET__PARAM_DIMS_MAX] = {n_rows, n_cols};
    va_list words;
    va_start(words, format);
    const size_t at = add(params, kind, n_rows > 0 ? matrix : vector, format, words);
    va_end(words);
    return at;
}

size_t et__param_add_window(struct et__params *params, int n_out, int n_in, int side,
                            const char *format, ...)
{
    const int shape[ET__PARAM_DIMS_MAX] = {n_out, n_in, side, side};
    va_list words;
    va_start(words, format);
    const size_t at = add(params, ET__PARAM_WEIGHT, shape, format, words);
    va_end(words);
    return at;
}

enum et_status et__params_check(const struct et__params *params, struct et_err *err)
{
    if (params->is_full)
        return et_fail(err, ET_ELIMIT, -1, "a network of more than %zu parameters, or long names",
                       params->cap);
    return ET_OK;
}

const struct et__param *et__param_find(const struct et__params *params, const char *name)
{
    for (size_t i = 0; i < params->n_items; i++)
        if (strcmp(params->items[i].name, name) == 0)
            return &params->items[i];
    return NULL;
}

void et__params_begin(const struct et__params *params, et__real *values, uint64_t seed)
{
    memset(values, 0, params->n_values * sizeof *values);
    for (size_t i = 0; i < params->n_items; i++) {
        const struct et__param *p = &params->items[i];
        const uint64_t key = et_random_key(seed, et_hash64(p->name, strlen(p->name)));
        const double n_window = p->n_dims > 2 ? (double)(p->shape[2] * p->shape[3]) : 1;
        const double n_ends = (double)(p->shape[0] + (p->n_dims > 1 ? p->shape[1] : 0));
        const double reach = sqrt(6.0 / (n_ends * n_window));
        for (size_t j = 0; j < p->n; j++)
            switch (p->kind) {
            case ET__PARAM_WEIGHT:
                values[p->at + j] = (et__real)(reach * (2 * et_random_uniform(key, j) - 1));
                break;
            case ET__PARAM_EMBEDDING:
                values[p->at + j] = (et__real)et_random_normal(key, j);
                break;
            case ET__PARAM_ONE:
            case ET__PARAM_FROZEN_ONE:
                values[p->at + j] = 1;
                break;
            case ET__PARAM_ZERO:
            case ET__PARAM_FROZEN_ZERO:
                break;
            }
    }
}

void et__params_decay(const struct et__params *params, et__real *decay)
{
    memset(decay, 0, params->n_values * sizeof *decay);
    for (size_t i = 0; i < params->n_items; i++) {
        const struct et__param *p = &params->items[i];
        for (size_t j = 0; j < p->n && p->n_dims > 1 && !et__param_is_frozen(p); j++)
            decay[p->at + j] = 1;
    }
}

/* ---- a step's space ---- */

et__real *et__take(struct et__engine *engine, size_t n)
{
    const size_t at = engine->used;
    engine->used += (n + ALIGN - 1) / ALIGN * ALIGN;
    assert(engine->used <= engine->cap && "a step takes more than was measured");
    engine->most = engine->used > engine->most ? engine->used : engine->most;
    return engine->base + at;
}

et__real *et__take_zeros(struct et__engine *engine, size_t n)
{
    et__real *taken = et__take(engine, n);
    engine->kernels->clear(engine->device, taken, n);
    return taken;
}

struct et__engine et__engine_rest(const struct et__engine *engine)
{
    struct et__engine rest = *engine;
    rest.base += engine->used;
    rest.cap -= engine->used;
    rest.used = rest.most = 0;
    return rest;
}

void et__engine_took(struct et__engine *engine, const struct et__engine *rest)
{
    const size_t most = engine->used + rest->most;
    engine->most = most > engine->most ? most : engine->most;
}

struct et__engine et__engine_measure(bool has_grads)
{
    // Nobody follows these: the kernels do nothing.
    et__real *nowhere = (et__real *)BASE;
    return (struct et__engine){.kernels = &et__kernels_none,
                               .params = nowhere,
                               .grads = has_grads ? nowhere : NULL,
                               .base = nowhere,
                               .cap = SIZE_MAX / sizeof(et__real) / 4};
}

size_t et__engine_measured(const struct et__engine *engine)
{
    return engine->most;
}
