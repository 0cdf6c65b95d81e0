/* The kinds of networks there are, and one of them with its parameters. */
#include "learn/learn__net.h"

#include <stdlib.h>
#include <string.h>

#define PARAMS_MAX 2000

static const struct et__net_kind *const KINDS[] = {&et__net_mlp, &et__net_act, &et__net_flow};

const struct et__net_kind *et__net_at(size_t i)
{
    return i < sizeof KINDS / sizeof *KINDS ? KINDS[i] : NULL;
}

const struct et__net_kind *et__net_find(const char *name)
{
    for (size_t i = 0; et__net_at(i); i++)
        if (strcmp(KINDS[i]->name, name) == 0)
            return KINDS[i];
    return NULL;
}

void et__net_size(struct et_train_settings *s, int width, int layers)
{
    s->width = s->width ? s->width : width;
    s->layers = s->layers ? s->layers : layers;
}

enum et_status et__net_make(struct et__net *net, const struct et__net_shape *shape,
                            const struct et_train_settings *settings, struct et_arena *arena,
                            struct et_err *err)
{
    *net = (struct et__net){
        .kind = et__net_find(settings->policy), .shape = *shape, .settings = *settings};
    if (!net->kind)
        return et_fail(err, ET_ENOTFOUND, -1, "there is no policy \"%.40s\"", settings->policy);
    if (net->kind != &et__net_mlp && settings->width % settings->heads != 0)
        return et_fail(err, ET_EARG, -1, "a width of %d is no multiple of %d heads",
                       settings->width, settings->heads);
    if (settings->width < 1 || settings->layers < 1)
        return et_fail(err, ET_EARG, -1, "a network without layers");
    enum et_status st = et__params_open(&net->params, arena, PARAMS_MAX, err);
    if (st != ET_OK)
        return st;
    struct et__params trial = net->params; // the names are written twice, into the same places
    net->model = et_arena_alloc(arena, net->kind->bytes);
    if (!net->model)
        return et_arena_fail(arena, "a network", err);
    const size_t n = net->kind->make(net->model, &trial, shape, settings, NULL);
    et__real *constants = et_arena_array(arena, n, sizeof *constants);
    if (!constants)
        return et_arena_fail(arena, "a network", err);
    (void)net->kind->make(net->model, &net->params, shape, settings, constants);
    net->constants = constants;
    net->n_constants = n;
    return et__params_check(&net->params, err);
}

size_t et__net_n_hidden(const struct et__net *net)
{
    return net->kind->n_hidden ? net->kind->n_hidden(&net->shape, &net->settings) : 0;
}
