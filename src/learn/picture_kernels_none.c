/* Kernels over maps that do nothing, to find out how much memory an encoder takes. */
#include "learn/learn__picture_kernels.h"

static void lay_planes(void *device, const struct et__planes *p)
{
    (void)device, (void)p;
}

static void convolve(void *device, const struct et__convolution *c)
{
    (void)device, (void)c;
}

static void convolve_back(void *device, const struct et__convolution_back *c)
{
    (void)device, (void)c;
}

static void max_pool(void *device, const struct et__max_pool *p)
{
    (void)device, (void)p;
}

static void max_pool_back(void *device, const struct et__max_pool_back *p)
{
    (void)device, (void)p;
}

static void group_norm(void *device, const struct et__group_norm *n)
{
    (void)device, (void)n;
}

static void group_norm_back(void *device, const struct et__group_norm_back *n)
{
    (void)device, (void)n;
}

static void frozen_norm(void *device, const struct et__frozen_norm *n)
{
    (void)device, (void)n;
}

static void keypoints(void *device, const struct et__keypoints *k)
{
    (void)device, (void)k;
}

static void keypoints_back(void *device, const struct et__keypoints_back *k)
{
    (void)device, (void)k;
}

const struct et__picture_kernels et__picture_kernels_none = {
    .lay_planes = lay_planes,
    .convolve = convolve,
    .convolve_back = convolve_back,
    .max_pool = max_pool,
    .max_pool_back = max_pool_back,
    .group_norm = group_norm,
    .group_norm_back = group_norm_back,
    .frozen_norm = frozen_norm,
    .keypoints = keypoints,
    .keypoints_back = keypoints_back,
};
