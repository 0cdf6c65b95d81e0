/* An eye before a network that takes numbers: where things are in each picture, behind the rest. */
#include "learn/learn__net.h"

void et__net_eye_add(struct et__net_eye *eye, struct et__params *params,
                     const struct et__net_shape *shape, const struct et_train_settings *s)
{
    eye->n_plain = eye->n_all = (int)(shape->n_own + shape->n_around);
    if (shape->n_cameras == 0)
        return;
    et__eye_add(&eye->eye, params,
                &(struct et__eye_config){.kind = s->resnet ? ET__EYE_RESNET18 : ET__EYE_SMALL,
                                         .n_cameras = shape->n_cameras,
                                         .height = shape->height_px,
                                         .width = shape->width_px,
                                         .n_keypoints = s->keypoints});
    eye->n_all += eye->eye.n_tokens * eye->eye.n_channels;
}

static void copy(struct et__engine *e, et__real *to, size_t to_stride, const et__real *from,
                 size_t from_stride, size_t n_rows, size_t width)
{
    e->kernels->copy_rows(e->device, &(struct et__rows){.to = to,
                                                        .from = from,
                                                        .n_rows = n_rows,
                                                        .width = width,
                                                        .to_stride = to_stride,
                                                        .from_stride = from_stride});
}

void et__net_look(struct et__engine *e, const struct et__net_eye *eye,
                  const et__real *const *pictures, const et__real *plain, size_t first, size_t n,
                  struct et__net_look *look)
{
    const size_t n_plain = (size_t)eye->n_plain, n_all = (size_t)eye->n_all;
    const size_t n_rows = n_all - n_plain;
    *look = (struct et__net_look){.x = plain + first * n_plain, .n = n};
    e->used = 0;
    if (n_rows > 0) {
        struct et__eye_pictures see = {.first = first, .n = n};
        for (int i = 0; i < eye->eye.config.n_cameras; i++)
            see.cameras[i] = pictures[i];
        const et__real *rows = et__eye(e, &eye->eye, &see, &look->seen);
        et__real *x = et__take(e, n * n_all);
        copy(e, x, n_all, look->x, n_plain, n, n_plain);
        copy(e, x + n_plain, n_all, rows, n_rows, n, n_rows);
        look->x = x;
        look->dx = e->grads ? et__take(e, n * n_all) : NULL;
    }
    look->rest = et__engine_rest(e);
}

void et__net_looked(struct et__engine *e, const struct et__net_eye *eye,
                    const struct et__net_look *look)
{
    const size_t n_plain = (size_t)eye->n_plain, n_all = (size_t)eye->n_all;
    et__engine_took(e, &look->rest);
    if (!look->dx)
        return;
    et__real *d_rows = et__take(e, look->n * (n_all - n_plain));
    copy(e, d_rows, n_all - n_plain, look->dx + n_plain, n_all, look->n, n_all - n_plain);
    et__eye_back(e, &eye->eye, d_rows, &look->seen);
}
