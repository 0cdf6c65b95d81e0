#include "etude/clock_model.h"

#include "recording/clock__fit.h"

#include "etude/clock.h"
#include "etude/stats.h"

#include <math.h>

#define RUN_SAMPLES_MIN 8
#define RUN_SPAN_NS ET_NS_PER_S
#define RUNS_MAX ((size_t)1 << 16)
#define KNOTS_MAX ((size_t)1 << 20)
#define NS_PER_MS INT64_C(1000000)
#define DISORDER_NS (50 * NS_PER_MS) // stamps that fall by less, once, came by another way

static const char *const SOURCES[] = {
#define X(name, text, meaning) text,
    ET_CLOCK_SOURCE_MAP(X)
#undef X
};

const char *et_clock_source_text(enum et_clock_source source)
{
    return SOURCES[source];
}

void et_clock_unwrap(const uint32_t *counter, size_t n, int n_bits, int64_t *unwrapped)
{
    const uint32_t mask = n_bits >= 32 ? UINT32_MAX : (UINT32_C(1) << n_bits) - 1;
    const uint32_t half = mask / 2 + 1;
    for (size_t i = 0; i < n; i++) {
        const uint32_t now = counter[i] & mask;
        if (i == 0) {
            unwrapped[i] = now;
            continue;
        }
        const uint32_t step = (now - (uint32_t)unwrapped[i - 1]) & mask;
        unwrapped[i] = unwrapped[i - 1] + (step < half ? (int64_t)step : (int64_t)step - mask - 1);
    }
}

/* ---- runs ---- */

struct fitting {
    const struct et_clock_pairs *pairs;
    struct et_clock_options options;
    struct et_arena *arena;
    struct et_clock_model *model;
    struct et_clock_run *runs;
    int64_t *t_ns;
};

static bool is_stamped(const struct et_clock_pairs *pairs)
{
    size_t n_stamped = 0;
    for (size_t i = 0; pairs->t_device_ns && i < pairs->n; i++)
        n_stamped += pairs->t_device_ns[i] != 0;
    return 2 * n_stamped >= pairs->n && n_stamped > 0;
}

/* What a run that goes on has shown so far. */
struct watch {
    int64_t last_ns;    // its greatest stamp
    int64_t low_ns;     // its least arrival − stamp
    int64_t arrival_ns; // of the sample with last_ns
    int64_t period_ns;  // a step that occurred, the least above 0
};

/* How far the device's clock jumped before sample i; 0: it did not.
 *
 * Backward: the stamp is behind, and so is the next one; without a next one, by more than disorder
 * explains.
 * Forward: stamps went ahead of arrivals, below every delay seen so far, and the step itself is no
 * usual one. (The end of a congestion lowers delays too, but its stamps go on step by step.) */
static int64_t jump_before(const struct fitting *f, const struct watch *watch, size_t i)
{
    const int64_t *d = f->pairs->t_device_ns, *h = f->pairs->t_arrival_ns;
    const int64_t step = d[i] - watch->last_ns, arrived = h[i] - watch->arrival_ns;
    if (step < 0) {
        const bool is_last = i + 1 >= f->pairs->n || d[i + 1] == 0;
        const bool goes_on = !is_last && d[i + 1] < watch->last_ns;
        const bool is_far = step < -DISORDER_NS && (is_last || goes_on);
        return is_far || (goes_on && d[i + 1] > d[i] && step < -watch->period_ns) ? step - arrived
                                                                                  : 0;
    }
    const bool is_ahead =
        step - arrived > f->options.step_ns && h[i] - d[i] < watch->low_ns - f->options.step_ns;
    return is_ahead && step > 2 * watch->period_ns ? step - arrived : 0;
}

static void watch_sample(const struct fitting *f, struct watch *watch, size_t i, bool is_first)
{
    const int64_t d = f->pairs->t_device_ns[i], h = f->pairs->t_arrival_ns[i];
    if (is_first) {
        *watch = (struct watch){d, h - d, h, INT64_MAX / 4};
        return;
    }
    if (d > watch->last_ns) {
        const int64_t step = d - watch->last_ns;
        // The least step is a bad measure of a jittering one; the second sample's stands at first.
        watch->period_ns = step < watch->period_ns ? step : watch->period_ns;
        watch->last_ns = d;
        watch->arrival_ns = h;
    }
    watch->low_ns = h - d < watch->low_ns ? h - d : watch->low_ns;
}

// One run an uninterrupted stretch. Samples without a stamp belong to the run before them.
static enum et_status cut_runs(struct fitting *f, struct et_err *err)
{
    const struct et_clock_pairs *pairs = f->pairs;
    struct watch watch = {0};
    size_t n_runs = 0, cap = 0;
    bool is_first = true;
    for (size_t i = 0; i < pairs->n; i++) {
        int64_t jump = 0;
        if (pairs->t_device_ns[i] != 0) {
            jump = is_first ? 0 : jump_before(f, &watch, i);
            f->model->n_disordered += !is_first && !jump && pairs->t_device_ns[i] < watch.last_ns;
            watch_sample(f, &watch, i, is_first || jump);
            is_first = false;
        }
        if (i == 0 || jump) {
            if (n_runs == cap) {
                struct et_clock_run *runs =
                    et_arena_array(f->arena, cap = 2 * cap + 4, sizeof *runs);
                if (!runs || cap > RUNS_MAX)
                    return runs ? et_fail(err, ET_ELIMIT, (int64_t)i,
                                          "a clock that jumps more than %zu times", n_runs)
                                : et_arena_fail(f->arena, "a clock's runs", err);
                if (n_runs)
                    memcpy(runs, f->runs, n_runs * sizeof *runs);
                f->runs = runs;
            }
            f->runs[n_runs++] = (struct et_clock_run){.i_first = i, .step_ns = jump};
        }
        f->runs[n_runs - 1].n++;
    }
    f->model->runs = f->runs;
    f->model->n_runs = n_runs;
    return ET_OK;
}

/* ---- one run ---- */

/* A run's stamped samples in order, relative to the first. */
struct points {
    double *x, *y;
    uint32_t *sequence;
    size_t *places; // among all samples
    size_t n;
    int64_t d0, h0;
};

static enum et_status take_points(const struct fitting *f, const struct et_clock_run *run,
                                  struct points *p, struct et_err *err)
{
    const struct et_clock_pairs *pairs = f->pairs;
    *p = (struct points){0};
    p->x = et_arena_array(f->arena, run->n, sizeof *p->x);
    p->y = et_arena_array(f->arena, run->n, sizeof *p->y);
    p->sequence = et_arena_array(f->arena, run->n, sizeof *p->sequence);
    p->places = et_arena_array(f->arena, run->n, sizeof *p->places);
    if (!p->x || !p->y || !p->sequence || !p->places)
        return et_arena_fail(f->arena, "a clock's samples", err);
    for (size_t i = run->i_first; i < run->i_first + run->n; i++) {
        const int64_t d = pairs->t_device_ns[i];
        if (d == 0)
            continue;
        if (p->n == 0) {
            p->d0 = d;
            p->h0 = pairs->t_arrival_ns[i];
        }
        const double x = (double)(d - p->d0);
        if (p->n && x < p->x[p->n - 1])
            continue; // out of order: it says nothing that the others do not
        p->x[p->n] = x;
        p->y[p->n] = (double)(pairs->t_arrival_ns[i] - p->h0); // arrival; the delay comes later
        p->places[p->n] = i;
        p->sequence[p->n++] = pairs->sequence ? pairs->sequence[i] : 0;
    }
    return ET_OK;
}

static enum et_status put_knots(const struct fitting *f, struct et_clock_run *run,
                                const struct points *p, struct et_err *err)
{
    const double span = p->x[p->n - 1] - p->x[0];
    const bool is_short = p->n < RUN_SAMPLES_MIN || span < RUN_SPAN_NS;
    const double step = (double)f->options.knot_ns;
    const size_t n = is_short ? 1 : (size_t)(span / step) + 2;
    if (span / step > KNOTS_MAX)
        return et_fail(err, ET_ELIMIT, (int64_t)run->i_first, "stamps that span %g s", span / 1e9);
    struct et_clock_knot *knots = et_arena_array(f->arena, n, sizeof *knots);
    double *heights = et_arena_array(f->arena, n, sizeof *heights);
    if (!knots || !heights)
        return et_arena_fail(f->arena, "a clock's knots", err);
    if (is_short) {
        heights[0] = p->y[0];
        for (size_t i = 1; i < p->n; i++)
            heights[0] = fmin(heights[0], p->y[i]);
    } else {
        const struct et__clock_points points = {p->x, p->y, p->n};
        const struct et__envelope envelope = {.window = (double)f->options.window_ns,
                                              .at_first = p->x[0],
                                              .at_step = step,
                                              .n_at = n};
        const enum et_status st = et__envelope_fit(&points, &envelope, f->arena, heights, err);
        if (st != ET_OK)
            return st;
    }
    double least = (double)INFINITY, most = -(double)INFINITY;
    for (size_t k = 0; k < n; k++) {
        const double x = p->x[0] + (double)k * step;
        knots[k] = (struct et_clock_knot){.t_device_ns = p->d0 + llround(x),
                                          .offset_ns = p->h0 - p->d0 + llround(heights[k])};
        if (k > 0) {
            least = fmin(least, heights[k] - heights[k - 1]);
            most = fmax(most, heights[k] - heights[k - 1]);
        }
    }
    run->knots = knots;
    run->n_knots = n;
    if (n > 1) {
        run->skew_ppm = (heights[n - 1] - heights[0]) / ((double)(n - 1) * step) * 1e6;
        run->bend_ppm = (most - least) / step * 1e6;
    }
    return ET_OK;
}

// The offset at x, relative to the first knot. *k is where the last search ended.
static double offset_at(const struct et_clock_run *run, double x, size_t *k)
{
    const struct et_clock_knot *knots = run->knots;
    const int64_t origin = knots[0].t_device_ns;
    if (run->n_knots == 1)
        return (double)knots[0].offset_ns;
    while (*k + 2 < run->n_knots && x >= (double)(knots[*k + 1].t_device_ns - origin))
        (*k)++;
    while (*k > 0 && x < (double)(knots[*k].t_device_ns - origin))
        (*k)--;
    const struct et_clock_knot *from = &knots[*k], *to = from + 1;
    const double part =
        (x - (double)(from->t_device_ns - origin)) / (double)(to->t_device_ns - from->t_device_ns);
    return (double)from->offset_ns + part * (double)(to->offset_ns - from->offset_ns);
}

/* Corrected times of all samples. A point has its smoothed stamp; one that came out of order its
 * own; one without a stamp came as late as the one before it. */
static enum et_status correct(const struct fitting *f, struct et_clock_run *run,
                              const struct points *p, struct et_err *err)
{
    const int64_t *d = f->pairs->t_device_ns, *h = f->pairs->t_arrival_ns;
    const struct et_arena_mark mark = et_arena_mark(f->arena);
    double *delays = et_arena_array(f->arena, run->n, sizeof *delays);
    if (!delays)
        return et_arena_fail(f->arena, "a clock's delays", err);
    size_t k = 0, i_point = 0, n_delays = 0;
    int64_t delay_ns = 0;
    for (size_t i = run->i_first; i < run->i_first + run->n; i++) {
        const bool is_point = i_point < p->n && p->places[i_point] == i;
        if (is_point || d[i] != 0) {
            const double x = is_point ? p->x[i_point++] : (double)(d[i] - p->d0);
            f->t_ns[i] = p->d0 + llround(x + offset_at(run, x, &k));
            delay_ns = h[i] - f->t_ns[i];
            delays[n_delays++] = (double)delay_ns;
        } else {
            f->t_ns[i] = h[i] - delay_ns;
        }
    }
    if (n_delays) {
        run->delay_p50_ns = llround(et_quantile_of(delays, n_delays, 0.5));
        run->delay_p99_ns = llround(et_quantile_of(delays, n_delays, 0.99));
    }
    et_arena_rewind(f->arena, mark);
    return ET_OK;
}

static enum et_status count_points(const struct fitting *f, struct et_clock_run *run,
                                   struct points *p, struct et_err *err)
{
    struct et__counting counting = {.sequence = f->pairs->sequence ? p->sequence : NULL,
                                    .arrival = p->y,
                                    .tick = (double)f->model->tick_ns};
    bool is_periodic = false;
    const enum et_status st = et__clock_count(p->x, p->n, &counting, f->arena, &is_periodic, err);
    if (st == ET_OK && is_periodic) {
        run->source = ET_CLOCK_COUNTER;
        run->n_missing = counting.n_missing;
        run->period_ns = counting.period;
    }
    return st;
}

static enum et_status fit_run(const struct fitting *f, struct et_clock_run *run, struct et_err *err)
{
    struct points p;
    enum et_status st = take_points(f, run, &p, err);
    if (st != ET_OK)
        return st;
    run->source = ET_CLOCK_DEVICE;
    if (p.n > 1)
        run->period_ns = (p.x[p.n - 1] - p.x[0]) / (double)(p.n - 1);
    const bool is_coarse = f->model->tick_ns >= f->options.coarse_ns;
    if (is_coarse && p.n >= RUN_SAMPLES_MIN)
        st = count_points(f, run, &p, err);
    for (size_t i = 0; i < p.n; i++)
        p.y[i] -= p.x[i]; // arrival − stamp
    if (st == ET_OK)
        st = put_knots(f, run, &p, err);
    return st == ET_OK ? correct(f, run, &p, err) : st;
}

/* ---- all of it ---- */

/* The samples as an even sender's count: fits it, and looks whether what is left are delays. What
 * is filled is of no use unless *is_even. */
static enum et_status try_even(struct fitting *f, struct et_clock_run *run, bool *is_even,
                               struct et_err *err)
{
    const int64_t *h = f->pairs->t_arrival_ns;
    const size_t n = f->pairs->n;
    struct points p = {.n = n, .h0 = n ? h[0] : 0};
    struct et__evenness even = {0};
    p.x = et_arena_array(f->arena, n, sizeof *p.x);
    p.y = et_arena_array(f->arena, n, sizeof *p.y);
    p.places = et_arena_array(f->arena, n, sizeof *p.places);
    double *y = et_arena_array(f->arena, n, sizeof *y);
    if (!p.x || !p.y || !p.places || !y)
        return et_arena_fail(f->arena, "a clock's samples", err);
    for (size_t i = 0; i < n; i++) {
        y[i] = (double)(h[i] - h[0]);
        p.places[i] = i;
    }
    enum et_status st = et__clock_even(y, n, f->pairs->sequence, f->arena, p.x, &even, err);
    if (st != ET_OK || !even.is_likely)
        return st;
    for (size_t i = 0; i < n; i++)
        p.y[i] = y[i] - p.x[i];
    st = put_knots(f, run, &p, err);
    if (st == ET_OK)
        st = correct(f, run, &p, err);
    for (size_t i = 0; i < n && st == ET_OK; i++)
        p.y[i] = (double)(h[i] - f->t_ns[i]); // the delay
    if (st == ET_OK)
        st = et__clock_is_even(y, p.y, n, even.period, f->arena, is_even, err);
    run->source = ET_CLOCK_EVEN;
    run->n_missing = llround(even.n_missing);
    run->period_ns = even.period;
    return st;
}

static enum et_status by_arrival(struct fitting *f, struct et_err *err)
{
    const size_t n = f->pairs->n;
    struct et_clock_run *run = et_arena_array(f->arena, 1, sizeof *run);
    if (!run)
        return et_arena_fail(f->arena, "a clock", err);
    *run = (struct et_clock_run){.n = n};
    f->model->runs = run;
    f->model->n_runs = n > 0;
    const struct et_arena_mark mark = et_arena_mark(f->arena);
    bool is_even = false;
    const enum et_status st = try_even(f, run, &is_even, err);
    if (st != ET_OK || is_even)
        return st;
    et_arena_rewind(f->arena, mark);
    *run = (struct et_clock_run){.n = n, .source = ET_CLOCK_ARRIVAL};
    if (n > 1)
        run->period_ns =
            (double)(f->pairs->t_arrival_ns[n - 1] - f->pairs->t_arrival_ns[0]) / (double)(n - 1);
    if (n > 0)
        memcpy(f->t_ns, f->pairs->t_arrival_ns, n * sizeof *f->t_ns);
    return ET_OK;
}

static void set_defaults(struct et_clock_options *o)
{
    o->window_ns = o->window_ns > 0 ? o->window_ns : 60 * ET_NS_PER_S;
    o->knot_ns = o->knot_ns > 0 ? o->knot_ns : ET_NS_PER_S;
    o->step_ns = o->step_ns > 0 ? o->step_ns : 5 * NS_PER_MS;
    o->coarse_ns = o->coarse_ns > 0 ? o->coarse_ns : NS_PER_MS / 10;
}

/* Stamps and arrivals come from files: their differences must not overflow. */
static enum et_status check_pairs(const struct et_clock_pairs *pairs, struct et_err *err)
{
    for (size_t i = 0; i < pairs->n; i++) {
        const int64_t h = pairs->t_arrival_ns[i],
                      d = pairs->t_device_ns ? pairs->t_device_ns[i] : 0;
        if (i && h < pairs->t_arrival_ns[i - 1])
            return et_fail(err, ET_EARG, (int64_t)i, "arrival %zu is before the one before it", i);
        if (h < -INT64_MAX / 4 || h > INT64_MAX / 4 || d < -INT64_MAX / 4 || d > INT64_MAX / 4)
            return et_fail(err, ET_EARG, (int64_t)i, "sample %zu has a time beyond 70 years", i);
    }
    return ET_OK;
}

enum et_status et_clock_fit(const struct et_clock_pairs *pairs,
                            const struct et_clock_options *options, struct et_arena *arena,
                            struct et_clock_model *model, int64_t *t_ns, struct et_err *err)
{
    struct fitting f = {.pairs = pairs, .arena = arena, .model = model, .t_ns = t_ns};
    f.options = options ? *options : (struct et_clock_options){0};
    set_defaults(&f.options);
    *model = (struct et_clock_model){.tick_ns = 1};
    enum et_status st = check_pairs(pairs, err);
    if (st == ET_OK && !is_stamped(pairs))
        return by_arrival(&f, err);
    if (st == ET_OK) {
        model->tick_ns = et__clock_tick(pairs->t_device_ns, pairs->n);
        st = cut_runs(&f, err);
    }
    for (size_t r = 0; st == ET_OK && r < model->n_runs; r++)
        st = fit_run(&f, &f.runs[r], err);
    return st;
}

/* ---- to JSON ---- */

static void put_knot(struct et_json_writer *w, const struct et_clock_knot *knot)
{
    et_json_open_list(w);
    et_json_int(w, knot->t_device_ns);
    et_json_int(w, knot->offset_ns);
    et_json_close_list(w);
}

/* The last knot of a line that leaves no knot between by more than a microsecond. */
static void put_knots_json(struct et_json_writer *w, const struct et_clock_run *run)
{
    const struct et_clock_knot *knots = run->knots;
    et_json_key(w, "knots");
    et_json_open_list(w);
    for (size_t i = 0; i < run->n_knots;) {
        put_knot(w, &knots[i]);
        size_t next = i + 1;
        double low = -(double)INFINITY,
               high = (double)INFINITY; // slopes that pass all knots between
        for (size_t k = i + 1; k < run->n_knots; k++) {
            const double dx = (double)(knots[k].t_device_ns - knots[i].t_device_ns),
                         dy = (double)(knots[k].offset_ns - knots[i].offset_ns);
            if (dy / dx < low || dy / dx > high)
                break;
            next = k;
            low = fmax(low, (dy - 1000) / dx);
            high = fmin(high, (dy + 1000) / dx);
        }
        i = next;
    }
    et_json_close_list(w);
}

void et_clock_model_json(struct et_json_writer *w, const struct et_clock_model *model)
{
    et_json_open_map(w);
    et_json_put_int(w, "tick_ns", model->tick_ns);
    et_json_put_int(w, "n_disordered", model->n_disordered);
    et_json_key(w, "runs");
    et_json_open_list(w);
    for (size_t r = 0; r < model->n_runs; r++) {
        const struct et_clock_run *run = &model->runs[r];
        et_json_open_map(w);
        et_json_put_text(w, "source", et_clock_source_text(run->source));
        et_json_put_int(w, "first", (int64_t)run->i_first);
        et_json_put_int(w, "n", (int64_t)run->n);
        et_json_put_int(w, "step_ns", run->step_ns);
        et_json_put_real(w, "period_ns", run->period_ns);
        et_json_put_int(w, "n_missing", run->n_missing);
        et_json_put_real(w, "skew_ppm", run->skew_ppm);
        et_json_put_real(w, "bend_ppm", run->bend_ppm);
        et_json_put_int(w, "delay_p50_ns", run->delay_p50_ns);
        et_json_put_int(w, "delay_p99_ns", run->delay_p99_ns);
        put_knots_json(w, run);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    et_json_close_map(w);
}
