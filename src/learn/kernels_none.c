/* Kernels that do nothing, to find out how much memory a model takes. */
#include "learn/learn__kernels.h"

static void gemm(void *device, const struct et__gemm *g)
{
    (void)device, (void)g;
}

static void clear(void *device, et__real *to, size_t n)
{
    (void)device, (void)to, (void)n;
}

static void rows(void *device, const struct et__rows *r)
{
    (void)device, (void)r;
}

static void norm(void *device, const struct et__norm *n)
{
    (void)device, (void)n;
}

static void norm_back(void *device, const struct et__norm_back *n)
{
    (void)device, (void)n;
}

static void activate(void *device, enum et__activation kind, et__real *y, const et__real *x,
                     size_t n)
{
    (void)device, (void)kind, (void)y, (void)x, (void)n;
}

static void activate_back(void *device, enum et__activation kind, et__real *dx, const et__real *dy,
                          const et__real *x, size_t n)
{
    (void)device, (void)kind, (void)dx, (void)dy, (void)x, (void)n;
}

static void drop(void *device, const struct et__drop *d)
{
    (void)device, (void)d;
}

static void attend(void *device, const struct et__attention *a)
{
    (void)device, (void)a;
}

static void attend_back(void *device, const struct et__attention_back *a)
{
    (void)device, (void)a;
}

static void modulate(void *device, const struct et__modulate *m)
{
    (void)device, (void)m;
}

static void modulate_back(void *device, const struct et__modulate_back *m)
{
    (void)device, (void)m;
}

static void gate(void *device, const struct et__gate *g)
{
    (void)device, (void)g;
}

static void gate_back(void *device, const struct et__gate_back *g)
{
    (void)device, (void)g;
}

static double loss(void *device, const struct et__loss *l)
{
    (void)device, (void)l;
    return 0;
}

static double draw_latent(void *device, const struct et__latent *l)
{
    (void)device, (void)l;
    return 0;
}

static void draw_latent_back(void *device, const struct et__latent_back *l)
{
    (void)device, (void)l;
}

static double sum_squares(void *device, const et__real *x, size_t n)
{
    (void)device, (void)x, (void)n;
    return 0;
}

static void adamw(void *device, const struct et__adamw *a)
{
    (void)device, (void)a;
}

static void blend(void *device, et__real *to, const et__real *from, double share, size_t n)
{
    (void)device, (void)to, (void)from, (void)share, (void)n;
}

const struct et__kernels et__kernels_none = {
    .name = "none",
    .gemm = gemm,
    .clear = clear,
    .copy_rows = rows,
    .add_rows = rows,
    .norm = norm,
    .norm_back = norm_back,
    .activate = activate,
    .activate_back = activate_back,
    .drop = drop,
    .attend = attend,
    .attend_back = attend_back,
    .modulate = modulate,
    .modulate_back = modulate_back,
    .gate = gate,
    .gate_back = gate_back,
    .loss = loss,
    .draw_latent = draw_latent,
    .draw_latent_back = draw_latent_back,
    .sum_squares = sum_squares,
    .adamw = adamw,
    .blend = blend,
    .pictures = &et__picture_kernels_none,
};
