/* A policy's server: an observation by its keys into a policy's views, its actions into an answer.
 */
#include "etude/policy_serve.h"

#include "etude/clock.h"
#include "learn/learn__policy_remote.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 26)
#define HEAD "observation."
#define KEY_BYTES 256
#define WAYS 3    // that a feature is named
#define ANSWERS 2 // arrays of an answer
#define TEXT_MAX 60
#define SEED_MAX 9007199254740991.0

struct client {
    struct et_policy_server *server;
    struct client *next; // of those that nobody has
    struct et_policy *policy;
    struct et_policy_view *views; // n_inputs
    double *actions;              // n_steps × n_joints
    size_t i_task;
    bool is_new, has_task;
};

struct et_policy_server {
    struct et_policy_server_options options;
    const struct et_policy *policy;
    const struct et_policy_info *info;
    struct et_openpi_server *net;
    struct client *idle;
};

/* ---- clients ---- */

static void free_client(struct client *c)
{
    et_policy_close(c->policy);
    free(c->views);
    free(c->actions);
    free(c);
}

static enum et_status make_client(struct et_policy_server *s, struct client **client,
                                  struct et_err *err)
{
    const struct et_policy_info *info = s->info;
    const struct et_policy_options options = {
        .has_ensemble = true, .ensemble = info->ensemble, .like = s->policy};
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a client");
    c->server = s;
    c->views = calloc(info->n_inputs, sizeof *c->views);
    c->actions = calloc(info->n_steps * info->n_joints, sizeof *c->actions);
    enum et_status st =
        c->views && c->actions ? ET_OK : et_fail(err, ET_ENOMEM, -1, "no memory for a client");
    if (st == ET_OK)
        st = et_policy_open(&c->policy, NULL, &options, err);
    if (st == ET_OK)
        *client = c;
    else
        free_client(c);
    return st;
}

static enum et_status open_client(void *ctx, void **client, struct et_err *err)
{
    struct et_policy_server *s = ctx;
    struct client *c = s->idle;
    enum et_status st = ET_OK;
    if (c)
        s->idle = c->next;
    else
        st = make_client(s, &c, err);
    if (st != ET_OK || !c)
        return st;
    c->i_task = 0;
    c->is_new = true;
    c->has_task = false;
    *client = c;
    return ET_OK;
}

static void on_client(void *ctx, const char *peer, const char *why)
{
    const struct et_openpi_server_options *net = &((struct et_policy_server *)ctx)->options.net;
    if (net->on_client)
        net->on_client(net->ctx, peer, why);
}

static void close_client(void *ctx, void *client)
{
    struct et_policy_server *s = ctx;
    struct client *c = client;
    c->next = s->idle;
    s->idle = c;
}

/* ---- what is asked ---- */

/* "observation.images.head" as it is, as "observation/images/head", as "images/head". */
static void name_ways(const char *feature, char ways[WAYS][KEY_BYTES])
{
    const bool has_head = strncmp(feature, HEAD, strlen(HEAD)) == 0;
    (void)snprintf(ways[0], KEY_BYTES, "%s", feature);
    (void)snprintf(ways[1], KEY_BYTES, "%s", feature);
    for (char *p = ways[1]; *p; p++)
        *p = *p == '.' ? '/' : *p;
    (void)snprintf(ways[2], KEY_BYTES, "%s", ways[1] + (has_head ? strlen(HEAD) : 0));
}

static enum et_status fail_shape(const struct et_policy_input *input, const char *key,
                                 const struct et_tensor *is, struct et_err *err)
{
    char sizes[80] = "one number";
    size_t n = 0;
    for (size_t i = 0; i < is->n_dims && n < sizeof sizes; i++)
        n += (size_t)snprintf(sizes + n, sizeof sizes - n, "%s%lld", i ? " × " : "",
                              (long long)is->shape[i]);
    if (input->width_px > 0)
        return et_fail(err, ET_EARG, -1, "%.*s is %s of %s, wanted is a picture %d × %d × 3 of U8",
                       TEXT_MAX, key, sizes, et_tensor_type_text(is->type), input->height_px,
                       input->width_px);
    return et_fail(err, ET_EARG, -1, "%.*s is %s, wanted are %zu numbers", TEXT_MAX, key, sizes,
                   input->n_values);
}

static enum et_status fail_missing(const struct et_policy_input *input, char ways[WAYS][KEY_BYTES],
                                   struct et_err *err)
{
    char what[80];
    if (input->width_px > 0)
        (void)snprintf(what, sizeof what, "a picture %d × %d × 3 of U8", input->height_px,
                       input->width_px);
    else
        (void)snprintf(what, sizeof what, "%zu numbers", input->n_values);
    return et_fail(err, ET_EARG, -1, "the request has no %.*s (%s; or named %.*s)", TEXT_MAX,
                   ways[0], what, TEXT_MAX, ways[2]);
}

/* The sizes without 1s before them: a batch of one is one. */
static const int64_t *sizes_of(const struct et_tensor *t, size_t n_wanted, size_t *n)
{
    const int64_t *sizes = t->shape;
    for (*n = t->n_dims; *n > n_wanted && *sizes == 1; sizes++)
        --*n;
    return sizes;
}

static enum et_status take_numbers(const struct et_tensor *t, const struct et_policy_input *input,
                                   const char *key, struct et_arena *arena,
                                   struct et_policy_view *view, struct et_err *err)
{
    size_t n_dims;
    (void)sizes_of(t, 1, &n_dims);
    if (n_dims > 1 || t->n_values != (int64_t)input->n_values)
        return fail_shape(input, key, t, err);
    float *values = et_arena_array(arena, input->n_values, sizeof *values);
    view->values = values;
    return values ? et_tensor_floats(t, values, err) : et_arena_fail(arena, "a request", err);
}

/* Rows of RGB; or three planes, which ALOHA's robots send. */
static enum et_status take_picture(const struct et_tensor *t, const struct et_policy_input *input,
                                   const char *key, struct et_arena *arena,
                                   struct et_policy_view *view, struct et_err *err)
{
    size_t n_dims;
    const int64_t *sizes = sizes_of(t, 3, &n_dims), h = input->height_px, w = input->width_px;
    const bool is_u8 = t->type == ET_TENSOR_U8 && n_dims == 3;
    view->picture = t->bytes;
    if (is_u8 && sizes[0] == h && sizes[1] == w && sizes[2] == 3)
        return ET_OK;
    if (!is_u8 || sizes[0] != 3 || sizes[1] != h || sizes[2] != w)
        return fail_shape(input, key, t, err);
    const size_t n = (size_t)(h * w);
    const uint8_t *planes = t->bytes;
    uint8_t *rgb = et_arena_alloc(arena, 3 * n);
    if (!rgb)
        return et_arena_fail(arena, "a request", err);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = planes[c * n + i];
    view->picture = rgb;
    return ET_OK;
}

static enum et_status take_inputs(const struct client *c, const struct et_openpi_message *request,
                                  struct et_arena *arena, struct et_err *err)
{
    const struct et_policy_info *info = c->server->info;
    char ways[WAYS][KEY_BYTES];
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < info->n_inputs; i++) {
        const struct et_policy_input *input = &info->inputs[i];
        const struct et_tensor *t = NULL;
        size_t way = 0;
        name_ways(input->feature, ways);
        while (way < WAYS && !(t = et_openpi_find(request, ways[way])))
            way++;
        if (!t)
            return fail_missing(input, ways, err);
        st = (input->width_px > 0 ? take_picture : take_numbers)(t, input, ways[way], arena,
                                                                 &c->views[i], err);
    }
    return st;
}

/* Which of the tasks is asked for. One that knows a single task does that. */
static enum et_status take_task(struct client *c, const struct et_openpi_message *request,
                                struct et_err *err)
{
    const struct et_policy_info *info = c->server->info;
    const char *prompt = et_openpi_text(request, "prompt");
    if (info->n_tasks < 2 || (!prompt && c->has_task))
        return ET_OK;
    for (size_t i = 0; prompt && i < info->n_tasks; i++)
        if (strcmp(info->tasks[i], prompt) == 0) {
            c->is_new = c->is_new || i != c->i_task;
            c->i_task = i;
            c->has_task = true;
            return ET_OK;
        }
    return et_fail(err, ET_EARG, -1, "%s prompt%s%.*s: the policy knows \"%.*s\" and %zu more",
                   prompt ? "unknown" : "the request has no", prompt ? " " : "", TEXT_MAX,
                   prompt ? prompt : "", TEXT_MAX, info->tasks[0], info->n_tasks - 1);
}

static enum et_status take_steps(const struct client *c, const struct et_openpi_message *request,
                                 size_t *n, struct et_err *err)
{
    const struct et_policy_server *s = c->server;
    const size_t n_most = s->info->n_steps;
    const double n_asked = et_openpi_number(request, "steps", 0);
    *n = s->options.is_blended ? 1 : s->options.n_steps ? s->options.n_steps : n_most;
    if (!et_openpi_find(request, "steps") || s->options.is_blended)
        return ET_OK;
    if (!(n_asked >= 1 && n_asked <= (double)n_most))
        return et_fail(err, ET_EARG, -1, "steps is %g: 1 to %zu of an answer can be done", n_asked,
                       n_most);
    *n = (size_t)n_asked;
    return ET_OK;
}

/* ---- what is answered ---- */

static enum et_status put_reply(const struct client *c, size_t n_steps, int64_t infer_ns,
                                struct et_arena *arena, struct et_openpi_message *reply,
                                struct et_err *err)
{
    static const char *const MAPS[] = {"policy_timing"};
    const struct et_policy_info *info = c->server->info;
    const size_t n = n_steps * info->n_joints, phase = et_policy_phase(c->policy);
    struct et_tensor *arrays = et_arena_array(arena, ANSWERS, sizeof *arrays);
    struct et_openpi_text *text = et_arena_alloc(arena, sizeof *text);
    float *actions = et_arena_array(arena, n, sizeof *actions);
    int64_t *shape = et_arena_array(arena, 2, sizeof *shape);
    double *infer_ms = et_arena_alloc(arena, sizeof *infer_ms);
    if (!arrays || !text || !actions || !shape || !infer_ms)
        return et_arena_fail(arena, "an answer", err);
    for (size_t i = 0; i < n; i++)
        actions[i] = (float)c->actions[i];
    shape[0] = (int64_t)n_steps;
    shape[1] = (int64_t)info->n_joints;
    *infer_ms = (double)infer_ns * 1e-6;
    arrays[0] = (struct et_tensor){.name = "actions",
                                   .type = ET_TENSOR_F32,
                                   .shape = shape,
                                   .n_dims = 2,
                                   .n_values = (int64_t)n,
                                   .bytes = actions};
    arrays[1] = (struct et_tensor){
        .name = "policy_timing/infer_ms", .type = ET_TENSOR_F64, .n_values = 1, .bytes = infer_ms};
    *text = (struct et_openpi_text){"phase", phase < info->n_phases ? info->phases[phase] : ""};
    *reply = (struct et_openpi_message){.arrays = arrays,
                                        .n_arrays = ANSWERS,
                                        .texts = text,
                                        .n_texts = phase < info->n_phases,
                                        .maps = MAPS,
                                        .n_maps = 1};
    return ET_OK;
}

static enum et_status infer(void *ctx, const struct et_openpi_message *request,
                            struct et_arena *arena, struct et_openpi_message *reply,
                            struct et_err *err)
{
    struct client *c = ctx;
    size_t n_steps;
    c->is_new = c->is_new || et_openpi_number(request, "reset", 0) > 0;
    enum et_status st = take_task(c, request, err);
    if (st == ET_OK)
        st = take_inputs(c, request, arena, err);
    if (st == ET_OK)
        st = take_steps(c, request, &n_steps, err);
    if (st != ET_OK)
        return st;
    const double seed = et_openpi_number(request, "seed", 0);
    if (c->is_new)
        et_policy_begin(c->policy, seed >= 0 && seed <= SEED_MAX ? (uint64_t)seed : 0, c->i_task);
    c->is_new = false;
    const int64_t t_ns = et_clock_monotonic_ns();
    if (!c->server->options.is_blended)
        et_policy_follow(c->policy, n_steps);
    st = c->server->options.is_blended ? et_policy_act(c->policy, c->views, c->actions, err)
                                       : et_policy_chunk(c->policy, c->views, c->actions, err);
    return st == ET_OK ? put_reply(c, n_steps, et_clock_monotonic_ns() - t_ns, arena, reply, err)
                       : st;
}

/* ---- opening and ending ---- */

enum et_status et_policy_server_open(struct et_policy_server **server, struct et_loop *loop,
                                     const struct et_policy *policy,
                                     const struct et_policy_server_options *options,
                                     struct et_err *err)
{
    const struct et_policy_info *info = et_policy_info(policy);
    *server = NULL;
    if (et__remote_is(info->path))
        return et_fail(err, ET_EARG, -1, "%.100s is served already", info->path);
    if (options->n_steps > info->n_steps)
        return et_fail(err, ET_EARG, -1, "%zu steps: the policy gives %zu at once",
                       options->n_steps, info->n_steps);
    struct et_policy_server *s = calloc(1, sizeof *s);
    if (!s)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a policy's server");
    s->options = *options;
    s->policy = policy;
    s->info = info;
    struct et_openpi_message metadata;
    struct et_arena *arena = NULL;
    enum et_status st = et_arena_open(&arena, ARENA_BYTES, err);
    const size_t n_steps = options->is_blended ? 1
                           : options->n_steps  ? options->n_steps
                                               : info->n_steps;
    if (st == ET_OK)
        st = et__metadata_make(info, n_steps, arena, &metadata, err);
    if (st == ET_OK) {
        struct et_openpi_server_options net = options->net;
        net.metadata = &metadata;
        net.infer = infer;
        net.open_client = open_client;
        net.close_client = close_client;
        net.on_client = on_client;
        net.ctx = s;
        st = et_openpi_server_open(&s->net, loop, &net, err);
    }
    et_arena_close(arena);
    if (st == ET_OK)
        *server = s;
    else
        et_policy_server_close(s);
    return st;
}

void et_policy_server_end(struct et_policy_server *s)
{
    et_openpi_server_end(s->net);
}

void et_policy_server_close(struct et_policy_server *s)
{
    if (!s)
        return;
    et_openpi_server_close(s->net);
    while (s->idle) {
        struct client *c = s->idle;
        s->idle = c->next;
        free_client(c);
    }
    free(s);
}

const char *et_policy_server_address(const struct et_policy_server *s)
{
    return et_openpi_server_address(s->net);
}

struct et_openpi_counts et_policy_server_counts(const struct et_policy_server *s)
{
    return et_openpi_server_counts(s->net);
}
