/* What a network is trained on, in a device's memory. */
#include "learn/learn__batch.h"

#include <assert.h>
#include <string.h>

#define PARTS_MAX (9 + ET__EYE_CAMERAS_MAX)

// One of a batch's arrays, so many bytes a sample.
struct part {
    void *rows; // the batch's pointer to it
    size_t n_bytes;
};

static char *rows(const struct part *part)
{
    char *p;
    memcpy(&p, part->rows, sizeof p);
    return p;
}

static void put_rows(const struct part *part, const void *rows)
{
    memcpy(part->rows, &rows, sizeof rows);
}

static struct part numbers(void *rows, size_t n)
{
    return (struct part){rows, n * sizeof(et__real)};
}

/* Those that the network is given; rows that it is not given are left out. */
static size_t list(const struct et__net *net, bool has_mask, struct et__net_batch *b,
                   struct part parts[PARTS_MAX])
{
    const struct et__net_shape *s = &net->shape;
    size_t n = 0;
    if (net->kind->wants_seen) {
        parts[n++] = numbers(&b->seen, s->n_own + s->n_around);
    } else {
        parts[n++] = numbers(&b->own, s->n_own);
        parts[n++] = numbers(&b->around, s->n_around);
    }
    parts[n++] = numbers(&b->targets, s->n_steps * s->n_out);
    if (has_mask)
        parts[n++] = numbers(&b->mask, s->n_steps * s->n_out);
    parts[n++] = numbers(&b->weights, s->n_steps);
    parts[n++] = numbers(&b->noise, net->kind->n_noise(s, &net->settings));
    parts[n++] = numbers(&b->extra, net->kind->n_extra);
    parts[n++] = (struct part){&b->hidden, et__net_n_hidden(net)};
    for (int i = 0; i < s->n_cameras; i++)
        parts[n++] = numbers(&b->pictures[i], 3 * (size_t)s->height_px * (size_t)s->width_px);
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
        const size_t n_bytes = like->n * parts[i].n_bytes;
        put_rows(&parts[i], n_bytes > 0 ? kernels->memory->take(device, n_bytes) : NULL);
        if (n_bytes > 0 && !rows(&parts[i]))
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
        sent->kernels->memory->give_back(sent->device, rows(&parts[i]));
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
    for (size_t i = 0; i < n_parts && last > first; i++) {
        const size_t n_bytes = to[i].n_bytes;
        if (n_bytes > 0)
            sent->kernels->memory->send(sent->device, rows(&to[i]) + first * n_bytes,
                                        rows(&from[i]) + first * n_bytes, (last - first) * n_bytes);
    }
    sent->batch.kl_weight = batch->kl_weight;
}
