/* What a network is trained on, in a device's memory. */
#include "learn/learn__batch.h"

#include <assert.h>

#define PARTS_MAX (8 + ET__EYE_CAMERAS_MAX)

// One of a batch's arrays: rows of `width` numbers, a sample each.
struct part {
    const et__real **rows;
    size_t width;
};

/* Those that the network is given; rows that it is not given are left out. */
static size_t list(const struct et__net *net, bool has_mask, struct et__net_batch *b,
                   struct part parts[PARTS_MAX])
{
    const struct et__net_shape *s = &net->shape;
    size_t n = 0;
    if (net->kind->wants_seen) {
        parts[n++] = (struct part){&b->seen, s->n_own + s->n_around};
    } else {
        parts[n++] = (struct part){&b->own, s->n_own};
        parts[n++] = (struct part){&b->around, s->n_around};
    }
    parts[n++] = (struct part){&b->targets, s->n_steps * s->n_out};
    if (has_mask)
        parts[n++] = (struct part){&b->mask, s->n_steps * s->n_out};
    parts[n++] = (struct part){&b->weights, s->n_steps};
    parts[n++] = (struct part){&b->noise, net->kind->n_noise(s, &net->settings)};
    parts[n++] = (struct part){&b->extra, net->kind->n_extra};
    for (int i = 0; i < s->n_cameras; i++)
        parts[n++] = (struct part){&b->pictures[i], 3 * (size_t)s->height_px * (size_t)s->width_px};
    return n;
}

enum et_status et__sent_batch_open(struct et__sent_batch *sent, const struct et__net *net,
                                   const struct et__kernels *kernels, void *device,
                                   const struct et__net_batch *like, struct et_err *err)
{
    struct part parts[PARTS_MAX];
    *sent = (struct et__sent_batch){
        .net = net, .kernels = kernels, .device = device, .has_mask = like->mask != NULL};
    sent->batch.n = like->n;
    const size_t n_parts = list(net, sent->has_mask, &sent->batch, parts);
    for (size_t i = 0; i < n_parts; i++) {
        const size_t n = like->n * parts[i].width;
        *parts[i].rows = n > 0 ? kernels->memory->take(device, n * sizeof(et__real)) : NULL;
        if (n > 0 && !*parts[i].rows)
            return et_fail(err, ET_ENOMEM, -1,
                           "no memory on the GPU for a batch of %zu samples; a smaller one takes "
                           "less",
                           like->n);
    }
    return ET_OK;
}

void et__sent_batch_close(struct et__sent_batch *sent)
{
    struct part parts[PARTS_MAX];
    const size_t n_parts = sent->net ? list(sent->net, sent->has_mask, &sent->batch, parts) : 0;
    for (size_t i = 0; i < n_parts; i++)
        sent->kernels->memory->give_back(sent->device, (void *)(uintptr_t)*parts[i].rows);
    *sent = (struct et__sent_batch){0};
}

void et__batch_send(struct et__sent_batch *sent, const struct et__net_batch *batch, size_t first,
                    size_t last)
{
    struct part to[PARTS_MAX], from[PARTS_MAX];
    struct et__net_batch given = *batch;
    const size_t n_parts = list(sent->net, sent->has_mask, &sent->batch, to);
    (void)list(sent->net, sent->has_mask, &given, from);
    assert(last <= sent->batch.n && (batch->mask != NULL) == sent->has_mask);
    for (size_t i = 0; i < n_parts && last > first; i++)
        if (to[i].width > 0)
            sent->kernels->memory->send(sent->device,
                                        (void *)(uintptr_t)(*to[i].rows + first * to[i].width),
                                        *from[i].rows + first * from[i].width,
                                        (last - first) * to[i].width * sizeof(et__real));
    sent->batch.kl_weight = batch->kl_weight;
}
