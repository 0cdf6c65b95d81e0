/* It is linked into tests of kernels, and made a library of its own that stands in for
 * libetude_cuda.so (ETUDE_CUDA names it). That one does as the environment says: EMULATED_NONE:
 * there is none; EMULATED_VERSION: it was built for that one; EMULATED_TAKES: how often memory is
 * given; EMULATED_FINISHES: after how many waits it has failed. */
#include "kernels_emulated.h"

#include "learn/learn__device.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ET__ITEM static inline
#define LANES_MAX 8
#define RANGES_MAX 64
#define SUMS 100 // so that long ones get larger pieces
#define SCRATCH 20000
#define POINTERS_FROM 0x5000 // the upper half of an address, where the system has programs
#define POINTERS_TO 0xffff

/* ---- a team ---- */

struct crew {
    pthread_barrier_t barrier;
    double slots[LANES_MAX];
};

struct et__team {
    size_t lane, n;
    struct crew *crew; // NULL: of one
};

// As lanes of a GPU do it: each time with the one that is half as far.
static double add(double a, double b)
{
    return a + b;
}

static double add_floats(double a, double b)
{
    return (double)((float)a + (float)b);
}

static double larger(double a, double b)
{
    return b > a ? b : a;
}

static double meet(struct et__team t, double x, double (*join)(double, double))
{
    for (size_t far = t.n / 2; far > 0; far /= 2) {
        t.crew->slots[t.lane] = x;
        (void)pthread_barrier_wait(&t.crew->barrier);
        x = join(x, t.crew->slots[t.lane ^ far]);
        (void)pthread_barrier_wait(&t.crew->barrier);
    }
    return x;
}

static float et__team_sum(struct et__team t, float x)
{
    return (float)meet(t, (double)x, add_floats);
}

static double et__team_sum_double(struct et__team t, double x)
{
    return meet(t, x, add);
}

static float et__team_most(struct et__team t, float x)
{
    return (float)meet(t, (double)x, larger);
}

/* ---- memory ---- */

struct range {
    char *p;
    size_t n;
    bool is_shared;
};

struct emulated {
    struct et__device d; // first: the kernels see it
    unsigned n_lanes;
    struct range ranges[RANGES_MAX];
    size_t n_ranges;
    int n_wild;              // kernels that were given memory that is not the device's
    int n_takes, n_finishes; // until there is no memory left, until it fails; −1: never
};

static struct emulated *emulated_of(struct et__device *d)
{
    return (struct emulated *)d;
}

static void open_to(struct emulated *e, int protection)
{
    for (size_t i = 0; i < e->n_ranges; i++)
        if (!e->ranges[i].is_shared)
            (void)mprotect(e->ranges[i].p, e->ranges[i].n, protection);
}

static void check_pointer(struct emulated *e, const void *p)
{
    const char *at = p;
    bool is_own = !p || (char *)e->d.sums == at;
    for (size_t i = 0; i < e->n_ranges && !is_own; i++) // just behind it is nowhere, and is allowed
        is_own = at >= e->ranges[i].p && at <= e->ranges[i].p + e->ranges[i].n;
    e->n_wild += !is_own;
}

/* What looks like an address among what a kernel is given is taken for one. Between fields lies
 * what was on the stack before; a compiler that cannot clear it checks nothing. */
#if defined __has_builtin && __has_builtin(__builtin_clear_padding)
#define CHECKED(a) (__builtin_clear_padding(a), sizeof *(a))
#else
#define CHECKED(a) ((void)(a), (size_t)0)
#endif
static void begin(struct et__device *d, const void *arguments, size_t bytes)
{
    struct emulated *e = emulated_of(d);
    for (size_t i = 0; i + sizeof(uintptr_t) <= bytes; i += sizeof(uintptr_t)) {
        uintptr_t word;
        memcpy(&word, (const char *)arguments + i, sizeof word);
        const uintptr_t high = (word >> 32) & 0xffffffff;
        if (high >= POINTERS_FROM && high <= POINTERS_TO)
            check_pointer(e, (const void *)word);
    }
    open_to(e, PROT_READ | PROT_WRITE);
}

static void end(struct et__device *d)
{
    open_to(emulated_of(d), PROT_NONE);
}

/* ---- launches ---- */

struct launch {
    void (*run)(const void *arguments, size_t i, struct et__team t);
    const void *arguments;
    size_t n;
    struct et__team team;
};

static void *work(void *ctx)
{
    const struct launch *l = ctx;
    for (size_t i = 0; i < l->n; i++)
        l->run(l->arguments, i, l->team);
    return NULL;
}

static void launch_team(struct et__device *d, struct launch l)
{
    struct crew crew;
    struct launch lanes[LANES_MAX];
    pthread_t threads[LANES_MAX];
    const unsigned n = emulated_of(d)->n_lanes;
    l.team.n = n;
    l.team.crew = &crew;
    if (n == 1) {
        (void)work(&l);
        return;
    }
    (void)pthread_barrier_init(&crew.barrier, NULL, n);
    for (size_t i = 0; i < n; i++) {
        lanes[i] = l;
        lanes[i].team.lane = i;
        if (pthread_create(&threads[i], NULL, work, &lanes[i]) != 0)
            abort(); // the others would wait for ever
    }
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_barrier_destroy(&crew.barrier);
}

#define ET__EACH(item, type)                                               \
    static void each_##item(struct et__device *d, const type *a, size_t n) \
    {                                                                      \
        type given = *a;                                                   \
        const size_t n_checked = CHECKED(&given);                          \
        begin(d, &given, n_checked);                                       \
        for (size_t i = 0; i < n; i++)                                     \
            item(a, i);                                                    \
        end(d);                                                            \
    }
#define ET__EACH_TEAM(item, type)                                                   \
    static void run_##item(const void *a, size_t i, struct et__team t)              \
    {                                                                               \
        item(a, i, t);                                                              \
    }                                                                               \
    static void each_##item(struct et__device *d, const type *a, size_t n)          \
    {                                                                               \
        type given = *a;                                                            \
        const size_t n_checked = CHECKED(&given);                                   \
        begin(d, &given, n_checked);                                                \
        launch_team(d, (struct launch){.run = run_##item, .arguments = a, .n = n}); \
        end(d);                                                                     \
    }

static void multiply_one(const struct et__gemm *g)
{
    for (int i = 0; i < g->m; i++)
        for (int j = 0; j < g->n; j++) {
            float sum = 0, *c = &g->c[(size_t)i * (size_t)g->c_stride + (size_t)j];
            const size_t a_step = g->is_a_turned ? (size_t)g->a_stride : 1;
            const size_t b_step = g->is_b_turned ? 1 : (size_t)g->b_stride;
            const float *a = g->a + (size_t)i * (g->is_a_turned ? 1 : (size_t)g->a_stride);
            const float *b = g->b + (size_t)j * (g->is_b_turned ? (size_t)g->b_stride : 1);
            for (size_t l = 0; l < (size_t)g->k; l++)
                sum += a[l * a_step] * b[l * b_step];
            *c = g->alpha * sum + (g->beta > 0 ? g->beta * *c : 0);
        }
}

static void multiply(struct et__device *d, const struct et__products *p)
{
    struct et__products given = *p;
    const size_t n_checked = CHECKED(&given);
    begin(d, &given, n_checked);
    for (size_t i = 0; i < p->n; i++) {
        struct et__gemm g = p->g;
        g.c += i * p->c_step;
        g.a += i * p->a_step;
        g.b += i * p->b_step;
        multiply_one(&g);
    }
    end(d);
}

static const double *sums_of(struct et__device *d, size_t n)
{
    return n <= d->n_sums ? d->sums : NULL;
}

#include "learn/learn__device_kernels.h"

/* ---- the device ---- */

static bool add_range(struct emulated *e, void *p, size_t n, bool is_shared)
{
    if (e->n_ranges == RANGES_MAX)
        return false;
    e->ranges[e->n_ranges++] = (struct range){p, n, is_shared};
    return true;
}

static struct range remove_range(struct emulated *e, const void *p)
{
    struct range found = {0};
    for (size_t i = 0; i < e->n_ranges; i++)
        if (e->ranges[i].p == p) {
            found = e->ranges[i];
            e->ranges[i] = e->ranges[--e->n_ranges];
            break;
        }
    return found;
}

static void *take(void *device, size_t bytes)
{
    struct emulated *e = device;
    if (e->n_takes == 0)
        return NULL;
    e->n_takes -= e->n_takes > 0;
    void *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && add_range(device, p, bytes, false) ? p : NULL;
}

static void give_back(void *device, void *p)
{
    const struct range r = remove_range(device, p);
    if (r.p)
        (void)munmap(r.p, r.n);
}

static void copy(void *device, void *to, const void *from, size_t bytes)
{
    struct emulated *e = device;
    open_to(e, PROT_READ | PROT_WRITE);
    memcpy(to, from, bytes);
    open_to(e, PROT_NONE);
}

static void send(void *device, void *to, const void *from, size_t bytes)
{
    check_pointer(device, to);
    copy(device, to, from, bytes);
}

static void fetch(void *device, void *to, const void *from, size_t bytes)
{
    check_pointer(device, from);
    copy(device, to, from, bytes);
}

static bool share_range(void *device, void *p, size_t bytes)
{
    return add_range(device, p, bytes, true);
}

static void unshare_range(void *device, void *p)
{
    (void)remove_range(device, p);
}

static bool finish(void *device, char *why, size_t n_why)
{
    struct emulated *e = device;
    if (e->n_wild > 0)
        (void)snprintf(why, n_why, "%d times memory that is not the device's", e->n_wild);
    if (e->n_finishes == 0)
        (void)snprintf(why, n_why, "as it was asked to");
    const bool is_well = e->n_wild == 0 && e->n_finishes != 0;
    e->n_finishes -= e->n_finishes > 0;
    return is_well;
}

static const struct et__device_memory MEMORY = {.take = take,
                                                .give_back = give_back,
                                                .send = send,
                                                .fetch = fetch,
                                                .share = share_range,
                                                .unshare = unshare_range,
                                                .finish = finish};
const struct et__kernels kernels_emulated = ET__DEVICE_KERNELS("emulated", &MEMORY);

void *emulated_open(unsigned n_lanes, size_t n_scratch)
{
    struct emulated *e = calloc(1, sizeof *e);
    double *sums = calloc(SUMS, sizeof *sums);
    if (!e || !sums)
        abort();
    e->d = (struct et__device){.n_scratch = n_scratch, .sums = sums, .n_sums = SUMS};
    e->n_lanes = n_lanes;
    e->n_takes = e->n_finishes = -1;
    e->d.scratch = take(e, n_scratch * sizeof(float));
    return e;
}

void emulated_close(void *device)
{
    struct emulated *e = device;
    give_back(e, e->d.scratch);
    free(e->d.sums);
    free(e);
}

/* ---- the library ---- */

#define SHOWN __attribute__((visibility("default")))

SHOWN et__device_fits etude_device_fits;
SHOWN et__device_open etude_device_open;
SHOWN et__device_close etude_device_close;

static int number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? (int)strtol(text, NULL, 10) : -1;
}

bool etude_device_fits(const char *version, size_t n_kernels, size_t n_pictures)
{
    const char *own_version = getenv("EMULATED_VERSION");
    return strcmp(version, own_version ? own_version : ET_VERSION) == 0 &&
           n_kernels == sizeof(struct et__kernels) &&
           n_pictures == sizeof(struct et__picture_kernels);
}

void *etude_device_open(int index, const struct et__kernels **kernels, char *text, size_t n_text)
{
    if (getenv("EMULATED_NONE")) {
        (void)snprintf(text, n_text, "none is emulated");
        return NULL;
    }
    struct emulated *e = emulated_open(1, SCRATCH);
    e->n_takes = number_of("EMULATED_TAKES");
    e->n_finishes = number_of("EMULATED_FINISHES");
    *kernels = &kernels_emulated;
    (void)snprintf(text, n_text, "device %d, a processor that stands in for it", index);
    return e;
}

void etude_device_close(void *device)
{
    emulated_close(device);
}
