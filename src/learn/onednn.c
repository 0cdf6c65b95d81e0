/* Large products by oneDNN 2, and convolutions: our maps as they are (channels last), weights in an
 * order of its own.
 *
 * It shares work out by OpenMP; here each of our threads is told to work alone, and what the
 * program has told OpenMP for itself is put back. Signals wait until a call has ended. */
#include "learn/learn__onednn.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define LIBRARY "libdnnl.so." TEXT(DNNL_VERSION_MAJOR)
#define PLANS_MAX 96 // shapes of a thread; a network has a dozen, and batches two sizes
#define DIMS 4
// m · n · k from which on its product is the faster one; of smaller ones it depends on the shape.
#define LARGE ((size_t)1 << 24)

/* ---- the library ---- */

#define FUNCTIONS(X)                                                                              \
    X(engine_create)                                                                              \
    X(stream_create)                                                                              \
    X(stream_destroy)                                                                             \
    X(stream_wait)                                                                                \
    X(memory_desc_init_by_tag)                                                                    \
    X(memory_create) X(memory_set_data_handle) X(memory_destroy) X(convolution_forward_desc_init) \
        X(convolution_backward_data_desc_init) X(convolution_backward_weights_desc_init)          \
            X(primitive_desc_create) X(primitive_desc_query_md) X(primitive_desc_destroy)         \
                X(reorder_primitive_desc_create) X(primitive_create) X(primitive_execute)         \
                    X(primitive_destroy) X(sgemm)

#define FIELD(name) __typeof__(&dnnl_##name) name;
static struct {
    FUNCTIONS(FIELD)
    int (*get_threads)(void);
    void (*set_threads)(int);
    dnnl_engine_t engine;
} lib;
#undef FIELD

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_there;
static pthread_key_t key; // a thread's struct plans
static struct et__kernels kernels;
static struct et__picture_kernels pictures;

/* A function of the library or of what it brings; ISO C knows no way from void * to one. */
static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    *(void **)function = found;
    return found != NULL;
}

static bool find_all(void *library)
{
    bool has_all = find(library, "omp_get_max_threads", &lib.get_threads) &&
                   find(library, "omp_set_num_threads", &lib.set_threads);
#define FIND(name) has_all = find(library, "dnnl_" #name, &lib.name) && has_all;
    FUNCTIONS(FIND)
#undef FIND
    return has_all;
}

/* ---- what is prepared for a shape ---- */

// One of a convolution's three: what it computes, and its weights in the order that it wants.
struct task {
    dnnl_primitive_t primitive, reorder; // reorder: of weights, ours to its or back
    dnnl_memory_t x, y, theirs, ours;    // theirs, ours: weights, or what they change by
};

struct plan {
    struct et__window window; // with n_in, n_out: the shape
    int n_in, n_out;
    bool has_failed; // of this shape nothing, then
    struct task forward, data, weights;
    float *added;               // what dx is added, of a map's size; NULL: it never was
    dnnl_primitive_desc_t hint; // the forward one's, which the others are made by
};

struct plans {
    dnnl_stream_t stream;
    struct plan items[PLANS_MAX];
    size_t n;
};

static void close_task(struct task *t)
{
    dnnl_primitive_t primitives[] = {t->primitive, t->reorder};
    dnnl_memory_t memories[] = {t->x, t->y, t->theirs, t->ours};
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
        if (primitives[i])
            (void)lib.primitive_destroy(primitives[i]);
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i])
            (void)lib.memory_destroy(memories[i]);
    *t = (struct task){0};
}

static void close_plan(struct plan *p)
{
    close_task(&p->forward);
    close_task(&p->data);
    close_task(&p->weights);
    if (p->hint)
        (void)lib.primitive_desc_destroy(p->hint);
    p->hint = NULL;
    free(p->added);
    p->added = NULL;
}

static void close_plans(void *of_thread)
{
    struct plans *all = of_thread;
    for (size_t i = 0; i < all->n; i++)
        close_plan(&all->items[i]);
    if (all->stream)
        (void)lib.stream_destroy(all->stream);
    free(all);
}

static size_t map_values(const struct plan *p)
{
    const struct et__window *w = &p->window;
    return (size_t)w->n * (size_t)w->height * (size_t)w->width * (size_t)p->n_in;
}

static size_t window_values(const struct plan *p)
{
    return (size_t)p->n_out * (size_t)p->n_in * (size_t)p->window.side * (size_t)p->window.side;
}

/* How maps and weights lie: ours; and weights as it likes them. */
struct shapes {
    dnnl_memory_desc_t x, y, ours, any;
    dnnl_dims_t strides, before, behind;
};

static bool shapes_of(const struct plan *p, struct shapes *s)
{
    const struct et__window *w = &p->window;
    const int high = et__window_high(w), wide = et__window_wide(w);
    const dnnl_dims_t x = {w->n, p->n_in, w->height, w->width}, y = {w->n, p->n_out, high, wide};
    const dnnl_dims_t weights = {p->n_out, p->n_in, w->side, w->side};
    s->strides[0] = s->strides[1] = w->stride;
    s->before[0] = s->before[1] = w->padding;
    s->behind[0] = (high - 1) * w->stride + w->side - w->height - w->padding;
    s->behind[1] = (wide - 1) * w->stride + w->side - w->width - w->padding;
    return !lib.memory_desc_init_by_tag(&s->x, DIMS, x, dnnl_f32, dnnl_nhwc) &&
           !lib.memory_desc_init_by_tag(&s->y, DIMS, y, dnnl_f32, dnnl_nhwc) &&
           !lib.memory_desc_init_by_tag(&s->ours, DIMS, weights, dnnl_f32, dnnl_oihw) &&
           !lib.memory_desc_init_by_tag(&s->any, DIMS, weights, dnnl_f32, dnnl_format_tag_any);
}

/* Weights from one order to the other. */
static bool make_reorder(struct task *t, const dnnl_memory_desc_t *from,
                         const dnnl_memory_desc_t *to)
{
    dnnl_primitive_desc_t described = NULL;
    const bool is_made =
        !lib.reorder_primitive_desc_create(&described, from, lib.engine, to, lib.engine, NULL) &&
        !lib.primitive_create(&t->reorder, described);
    if (described)
        (void)lib.primitive_desc_destroy(described);
    return is_made;
}

static bool make_task(struct task *t, const struct shapes *s, dnnl_primitive_desc_t described,
                      dnnl_query_t order, bool is_back)
{
    const dnnl_memory_desc_t *theirs = lib.primitive_desc_query_md(described, order, 0);
    return theirs && !lib.primitive_create(&t->primitive, described) &&
           !lib.memory_create(&t->x, &s->x, lib.engine, DNNL_MEMORY_NONE) &&
           !lib.memory_create(&t->y, &s->y, lib.engine, DNNL_MEMORY_NONE) &&
           !lib.memory_create(&t->ours, &s->ours, lib.engine, DNNL_MEMORY_NONE) &&
           !lib.memory_create(&t->theirs, theirs, lib.engine, DNNL_MEMORY_ALLOCATE) &&
           make_reorder(t, is_back ? theirs : &s->ours, is_back ? &s->ours : theirs);
}

static bool make_forward(struct plan *p)
{
    struct shapes s;
    dnnl_convolution_desc_t d;
    return shapes_of(p, &s) &&
           !lib.convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_direct,
                                              &s.x, &s.any, NULL, &s.y, s.strides, s.before,
                                              s.behind) &&
           !lib.primitive_desc_create(&p->hint, &d, NULL, lib.engine, NULL) &&
           make_task(&p->forward, &s, p->hint, dnnl_query_weights_md, false);
}

static bool make_back(struct plan *p, bool is_data)
{
    struct shapes s;
    dnnl_convolution_desc_t d;
    dnnl_primitive_desc_t described = NULL;
    bool is_made = shapes_of(p, &s);
    is_made =
        is_made &&
        (is_data
             ? !lib.convolution_backward_data_desc_init(&d, dnnl_convolution_direct, &s.x, &s.any,
                                                        &s.y, s.strides, s.before, s.behind)
             : !lib.convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, &s.x,
                                                           &s.any, NULL, &s.y, s.strides, s.before,
                                                           s.behind)) &&
        !lib.primitive_desc_create(&described, &d, NULL, lib.engine, p->hint) &&
        (is_data ? make_task(&p->data, &s, described, dnnl_query_weights_md, false)
                 : make_task(&p->weights, &s, described, dnnl_query_diff_weights_md, true));
    if (described)
        (void)lib.primitive_desc_destroy(described);
    return is_made;
}

static struct plans *plans_of_thread(void)
{
    struct plans *all = pthread_getspecific(key);
    if (all)
        return all;
    all = calloc(1, sizeof *all);
    if (all && (lib.stream_create(&all->stream, lib.engine, dnnl_stream_default_flags) ||
                pthread_setspecific(key, all))) {
        close_plans(all);
        all = NULL;
    }
    return all;
}

static bool is_same(const struct plan *p, const struct et__convolution *c)
{
    const struct et__window *a = &p->window, *b = &c->window;
    return p->n_in == c->n_in && p->n_out == c->n_out && a->n == b->n && a->height == b->height &&
           a->width == b->width && a->side == b->side && a->stride == b->stride &&
           a->padding == b->padding;
}

/* What this thread has prepared for the shape; NULL: it is not for oneDNN. */
static struct plan *plan_of(struct plans *all, const struct et__convolution *c)
{
    struct plan *p = all->items;
    while (p < all->items + all->n && !is_same(p, c))
        p++;
    if (p == all->items + PLANS_MAX)
        return NULL;
    if (p == all->items + all->n) {
        all->n++;
        *p = (struct plan){.window = c->window, .n_in = c->n_in, .n_out = c->n_out};
        p->has_failed = !make_forward(p);
    }
    return p->has_failed ? NULL : p;
}

/* ---- calls ---- */

static void point(dnnl_memory_t memory, const et__real *at)
{
    (void)lib.memory_set_data_handle(memory, (void *)(uintptr_t)at);
}

static bool reorder(const struct plans *all, const struct task *t, dnnl_memory_t from,
                    dnnl_memory_t to)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    return !lib.primitive_execute(t->reorder, all->stream, 2, args);
}

static bool execute(const struct plans *all, const struct task *t, const dnnl_exec_arg_t args[3])
{
    return !lib.primitive_execute(t->primitive, all->stream, 3, args);
}

/* Weights with their scales, in the scratch; as they are where there are none. */
static const et__real *scaled(const struct et__convolution *c, et__real *scratch)
{
    const size_t n = (size_t)c->n_in * (size_t)c->window.side * (size_t)c->window.side;
    if (!c->scale)
        return c->weight;
    for (size_t i = 0; i < (size_t)c->n_out; i++)
        for (size_t j = 0; j < n; j++)
            scratch[i * n + j] = c->scale[i] * c->weight[i * n + j];
    return scratch;
}

static bool do_forward(struct plans *all, const struct et__convolution *c)
{
    struct plan *p = plan_of(all, c);
    if (!p)
        return false;
    struct task *t = &p->forward;
    point(t->ours, scaled(c, c->scratch));
    point(t->x, c->x);
    point(t->y, c->y);
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, t->x}, {DNNL_ARG_WEIGHTS, t->theirs}, {DNNL_ARG_DST, t->y}};
    if (!reorder(all, t, t->ours, t->theirs) || !execute(all, t, args))
        return false;
    (void)lib.stream_wait(all->stream);
    et__convolution_finish(c, 0, et__window_places(&c->window));
    return true;
}

/* What the input changes by, to `dx`; `scratch` has room for the weights. */
static bool find_data(struct plans *all, struct plan *p, const struct et__convolution_back *back,
                      et__real *dx, et__real *scratch)
{
    struct task *t = &p->data;
    point(t->ours, scaled(back->forward, scratch));
    point(t->x, dx);
    point(t->y, back->dy);
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_DIFF_SRC, t->x}, {DNNL_ARG_WEIGHTS, t->theirs}, {DNNL_ARG_DIFF_DST, t->y}};
    return reorder(all, t, t->ours, t->theirs) && execute(all, t, args);
}

/* And what the weights change by, before their scales, to `dweight`. */
static bool find_weights(struct plans *all, struct plan *p, const struct et__convolution_back *back,
                         et__real *dweight)
{
    struct task *t = &p->weights;
    point(t->ours, dweight);
    point(t->x, back->forward->x);
    point(t->y, back->dy);
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, t->x}, {DNNL_ARG_DIFF_DST, t->y}, {DNNL_ARG_DIFF_WEIGHTS, t->theirs}};
    return execute(all, t, args) && reorder(all, t, t->theirs, t->ours);
}

/* The shape's plan with what this way back takes; NULL: it is not for oneDNN. */
static struct plan *plan_back(struct plans *all, const struct et__convolution_back *back)
{
    struct plan *p = plan_of(all, back->forward);
    if (!p)
        return NULL;
    if ((!p->weights.reorder && !make_back(p, false)) ||
        (back->dx && !p->data.reorder && !make_back(p, true))) {
        close_plan(p);
        p->has_failed = true;
        return NULL;
    }
    if (back->dx && back->is_added && !p->added)
        p->added = malloc(map_values(p) * sizeof *p->added);
    return back->dx && back->is_added && !p->added ? NULL : p;
}

/* Nothing is added to before all is found. */
static bool do_back(struct plans *all, const struct et__convolution_back *back)
{
    const struct et__convolution *c = back->forward;
    struct plan *p = plan_back(all, back);
    if (!p)
        return false;
    const size_t n_weights = window_values(p), n = n_weights / (size_t)p->n_out;
    et__real *dx = back->is_added ? p->added : back->dx, *dweight = back->scratch;
    if (!find_weights(all, p, back, dweight) ||
        (back->dx && !find_data(all, p, back, dx, dweight + n_weights)))
        return false;
    (void)lib.stream_wait(all->stream);
    for (size_t i = 0; i < n_weights; i++)
        back->dweight[i] += c->scale ? c->scale[i / n] * dweight[i] : dweight[i];
    if (back->dx && back->is_added)
        et__kernels_cpu.add_rows(
            NULL,
            &(struct et__rows){.to = back->dx, .from = dx, .n_rows = 1, .width = map_values(p)});
    et__convolution_learn_shift(back);
    return true;
}

/* What a call of the library is made within. */
struct call {
    int n_threads;
    sigset_t signals;
};

/* With one thread, and without signals: some of its kernels use the register of the stack for other
 * things, and a handler would write over what it points to then. */
static struct call begin_call(void)
{
    struct call c = {.n_threads = lib.get_threads()};
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &c.signals);
    lib.set_threads(1);
    return c;
}

static void end_call(const struct call *c)
{
    lib.set_threads(c->n_threads);
    (void)pthread_sigmask(SIG_SETMASK, &c->signals, NULL);
}

static void convolve(void *device, const struct et__convolution *c)
{
    const struct call call = begin_call();
    struct plans *all = plans_of_thread();
    const bool is_done = all && do_forward(all, c);
    end_call(&call);
    if (!is_done)
        et__picture_kernels_cpu.convolve(device, c);
}

static void convolve_back(void *device, const struct et__convolution_back *back)
{
    const struct call call = begin_call();
    struct plans *all = plans_of_thread();
    const bool is_done = all && do_back(all, back);
    end_call(&call);
    if (!is_done)
        et__picture_kernels_cpu.convolve_back(device, back);
}

// a × b, both row by row, as its sgemm has them.
static void gemm(void *device, const struct et__gemm *g)
{
    const bool is_large = (size_t)g->m * (size_t)g->n * (size_t)g->k >= LARGE;
    bool is_done = false;
    if (is_large) {
        const struct call call = begin_call();
        is_done =
            !lib.sgemm(g->is_a_turned ? 'T' : 'N', g->is_b_turned ? 'T' : 'N', g->m, g->n, g->k,
                       g->alpha, g->a, g->a_stride, g->b, g->b_stride, g->beta, g->c, g->c_stride);
        end_call(&call);
    }
    if (!is_done)
        et__kernels_cpu.gemm(device, g);
}

size_t et__onednn_shapes(void)
{
    const struct plans *all = is_there ? pthread_getspecific(key) : NULL;
    size_t n = 0;
    for (size_t i = 0; all && i < all->n; i++)
        n += !all->items[i].has_failed;
    return n;
}

static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library || !find_all(library) || lib.engine_create(&lib.engine, dnnl_cpu, 0) ||
        pthread_key_create(&key, close_plans))
        return;
    pictures = et__picture_kernels_cpu;
    pictures.convolve = convolve;
    pictures.convolve_back = convolve_back;
    kernels = et__kernels_cpu;
    kernels.name = "cpu, with oneDNN";
    kernels.gemm = gemm;
    kernels.pictures = &pictures;
    is_there = true;
}

const struct et__kernels *et__onednn_kernels(void)
{
    (void)pthread_once(&once, load);
    return is_there ? &kernels : NULL;
}
