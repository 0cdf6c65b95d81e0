#include "etude/clock_live.h"

#include "etude/cdr.h"
#include "etude/clock.h"

#include <math.h>
#include <stdlib.h>

/* Samples are gathered in blocks of 1/60 of the window, each kept as its own lower hull; the hull
 * of the window is that of the few points which are left. */
#define N_BLOCKS 62 // those that a window touches, and one that comes
#define POINTS_MAX 24

#define SAMPLES_MIN 8
#define SPAN_MIN_NS 1e9
#define SPAN_SHORT_NS 10e9 // below it an edge says little of the skew,
#define SKEW_SHORT 200e-6  // which no oscillator has more of
#define NS_PER_MS INT64_C(1000000)
#define DISORDER_NS (50 * NS_PER_MS) // stamps that fall by less came by another way
#define WINDOW_NS_MAX (86400 * ET_NS_PER_S)
#define TIME_NS_MAX (INT64_MAX / 4)
#define HEIGHT_NS_MAX 1e18 // of a line that hostile stamps made: sums of times stay in 64 bits

/* Delays are counted in bins of a quarter of their octave: the first is below 1,024 ns, the last
 * begins at 17 s. */
#define OCTAVE_FIRST 10
#define BINS_PER_OCTAVE 4
#define N_BINS (1 + 24 * BINS_PER_OCTAVE)

struct point {
    double x, y; // stamp and arrival − stamp, from the run's first
};

struct block {
    int64_t number; // x / block_ns
    size_t n;
    struct point points[POINTS_MAX];
};

struct line {
    bool is_known;
    double x, y, slope;
};

struct et_clock_live {
    struct et_clock_live_options options;
    double block_ns;
    struct et_clock_live_state state; // its counts; the rest is filled when asked for

    // The run: since the clock was opened or jumped.
    uint64_t n_run; // samples with a stamp
    int64_t d0, h0;
    int64_t last_d, last_h; // of the greatest stamp
    int64_t period_ns;      // the least step above 0
    int64_t tick_ns;        // 0: only one stamp was seen
    int64_t suspect_d, suspect_h;
    bool is_suspected; // a stamp fell far: the next one tells whether the clock did

    struct block blocks[N_BLOCKS];
    size_t first, n_blocks; // a ring
    struct block *newest;   // of these
    double newest_end;      // x
    struct line line;
    double fit_at; // x from which the line is fitted anew

    uint32_t bins[2][N_BINS]; // of this half window, and of the one before
    double half_at;           // x at which this half ends
    int64_t beat_d, beat_h;   // of the sample before, for the jitter
    double jitter_ns;
};

enum et_status et_clock_live_open(struct et_clock_live **clock,
                                  const struct et_clock_live_options *options, struct et_err *err)
{
    *clock = NULL;
    struct et_clock_live_options o = options ? *options : (struct et_clock_live_options){0};
    o.window_ns = o.window_ns ? o.window_ns : 60 * ET_NS_PER_S;
    if (o.window_ns < ET_NS_PER_S || o.window_ns > WINDOW_NS_MAX || o.step_ns < 0 ||
        o.coarse_ns < 0)
        return et_fail(err, ET_EARG, -1, "a clock with a window of %g s, steps of %g, ticks of %g",
                       (double)o.window_ns / 1e9, (double)o.step_ns / 1e9,
                       (double)o.coarse_ns / 1e9);
    o.step_ns = o.step_ns ? o.step_ns : 5 * NS_PER_MS;
    o.coarse_ns = o.coarse_ns ? o.coarse_ns : NS_PER_MS / 10;
    struct et_clock_live *c = calloc(1, sizeof *c);
    if (!c)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a clock");
    c->options = o;
    c->block_ns = (double)o.window_ns / (N_BLOCKS - 2);
    *clock = c;
    return ET_OK;
}

void et_clock_live_close(struct et_clock_live *clock)
{
    free(clock);
}

/* ---- the hull ---- */

// The number of points that a lower hull keeps when one comes to the right (Andrew 1979).
static size_t n_below(const struct point *points, size_t n, struct point p)
{
    while (n >= 2) {
        const struct point a = points[n - 2], b = points[n - 1];
        if ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) > 0)
            break;
        n--;
    }
    return n;
}

static size_t add(struct point *points, size_t n, struct point p)
{
    // Of points above each other the lowest counts.
    if (n && points[n - 1].x >= p.x) {
        if (points[n - 1].y <= p.y)
            return n;
        n--;
    }
    n = n_below(points, n, p);
    points[n] = p;
    return n + 1;
}

static struct block *block_of(struct et_clock_live *c, size_t i)
{
    return &c->blocks[(c->first + i) % N_BLOCKS];
}

static void begin_block(struct et_clock_live *c, double x)
{
    const int64_t number = (int64_t)(x / c->block_ns);
    while (c->n_blocks && block_of(c, 0)->number < number - (N_BLOCKS - 2)) {
        c->first = (c->first + 1) % N_BLOCKS;
        c->n_blocks--;
    }
    c->newest = block_of(c, c->n_blocks++);
    c->newest->number = number;
    c->newest->n = 0;
    c->newest_end = (double)(number + 1) * c->block_ns;
}

static void put_point(struct et_clock_live *c, struct point p)
{
    if (!c->n_blocks || p.x >= c->newest_end)
        begin_block(c, p.x);
    struct block *b = c->newest;
    if (b->n == POINTS_MAX) {
        // A hull with so many corners is a smooth curve: every other one tells it as well.
        for (size_t i = 0; i < POINTS_MAX / 2; i++)
            b->points[i] = b->points[2 * i + 1];
        b->n = POINTS_MAX / 2;
    }
    b->n = add(b->points, b->n, p);
}

// The line through the lowest point under this slope.
static struct line support(const struct point *hull, size_t n, double slope)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (hull[i].y - slope * hull[i].x < hull[best].y - slope * hull[best].x)
            best = i;
    return (struct line){true, hull[best].x, hull[best].y, slope};
}

static struct line fit(struct et_clock_live *c)
{
    struct point hull[N_BLOCKS * POINTS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < c->n_blocks; i++) {
        const struct block *b = block_of(c, i);
        for (size_t k = 0; k < b->n; k++)
            n = add(hull, n, b->points[k]);
    }
    if (n == 0)
        return (struct line){0};
    const double span = hull[n - 1].x - hull[0].x;
    if (n < 2 || c->n_run < SAMPLES_MIN || span < SPAN_MIN_NS)
        return support(hull, n, 0);
    const double over = hull[n - 1].x - span / 4;
    size_t k = n - 2;
    while (k > 0 && hull[k].x > over)
        k--;
    const double slope = (hull[k + 1].y - hull[k].y) / (hull[k + 1].x - hull[k].x);
    if (span < SPAN_SHORT_NS && fabs(slope) > SKEW_SHORT)
        return support(hull, n, slope > 0 ? SKEW_SHORT : -SKEW_SHORT);
    return (struct line){true, hull[k].x, hull[k].y, slope};
}

static double height(const struct line *line, double x)
{
    const double y = line->y + line->slope * (x - line->x);
    return fmin(fmax(y, -HEIGHT_NS_MAX), HEIGHT_NS_MAX);
}

/* ---- delays ---- */

static void count_delay(struct et_clock_live *c, double delay_ns, double x)
{
    if (x >= c->half_at) {
        memcpy(c->bins[1], c->bins[0], sizeof c->bins[0]);
        memset(c->bins[0], 0, sizeof c->bins[0]);
        c->half_at = x + (double)c->options.window_ns / 2;
    }
    const uint64_t ns = delay_ns > 1 ? (uint64_t)delay_ns : 1;
    const int octave = 63 - __builtin_clzll(ns) - OCTAVE_FIRST;
    const int part = octave < 0 ? 0 : (int)(ns >> (octave + OCTAVE_FIRST - 2)) % BINS_PER_OCTAVE;
    const int bin = octave < 0 ? 0 : 1 + BINS_PER_OCTAVE * octave + part;
    c->bins[0][bin < N_BINS ? bin : N_BINS - 1]++;
}

// The middle of a bin.
static double bin_ns(int bin)
{
    if (bin == 0)
        return 0;
    const int octave = (bin - 1) / BINS_PER_OCTAVE, part = (bin - 1) % BINS_PER_OCTAVE;
    return ldexp(1 + (part + 0.5) / BINS_PER_OCTAVE, octave + OCTAVE_FIRST);
}

static int64_t delay_at(const struct et_clock_live *c, double level)
{
    uint64_t n = 0, n_seen = 0;
    for (int i = 0; i < N_BINS; i++)
        n += (uint64_t)c->bins[0][i] + c->bins[1][i];
    if (n == 0)
        return 0;
    int bin = 0;
    for (; bin < N_BINS - 1; bin++) {
        n_seen += (uint64_t)c->bins[0][bin] + c->bins[1][bin];
        if ((double)n_seen >= level * (double)n)
            break;
    }
    return llround(bin_ns(bin));
}

/* ---- samples ---- */

static void begin_run(struct et_clock_live *c, int64_t d, int64_t h)
{
    c->n_run = 0;
    c->d0 = c->last_d = d;
    c->h0 = c->last_h = h;
    c->period_ns = INT64_MAX / 4;
    c->tick_ns = 0;
    c->is_suspected = false;
    c->first = c->n_blocks = 0;
    c->line = (struct line){0};
    c->fit_at = 0;
    c->half_at = 0;
    memset(c->bins, 0, sizeof c->bins);
}

static void reset(struct et_clock_live *c, int64_t step_ns, int64_t d, int64_t h)
{
    c->state.n_resets++;
    c->state.step_ns = step_ns;
    begin_run(c, d, h);
}

// Once the greatest common divisor is small it says all that is asked of it.
static void narrow_tick(struct et_clock_live *c, int64_t step)
{
    if (step == 0 || (c->tick_ns && (c->tick_ns == 1 || step % c->tick_ns == 0)))
        return;
    int64_t a = c->tick_ns, b = step;
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    c->tick_ns = a;
}

static void beat(struct et_clock_live *c, int64_t d, int64_t h)
{
    if (c->n_run) {
        const double off = fabs((double)(h - c->beat_h - (d - c->beat_d)));
        c->jitter_ns += (off - c->jitter_ns) / 16;
    } else {
        c->jitter_ns = 0;
    }
    c->beat_d = d;
    c->beat_h = h;
}

// A sample of the run, whose stamp is not before the last one's.
static void take(struct et_clock_live *c, int64_t d, int64_t h)
{
    const int64_t step = d - c->last_d;
    const double x = (double)(d - c->d0), y = (double)(h - c->h0) - x;
    beat(c, d, h);
    put_point(c, (struct point){x, y});
    narrow_tick(c, step);
    if (step > 0 && step < c->period_ns)
        c->period_ns = step;
    c->n_run++;
    c->last_d = d;
    c->last_h = h;
    // The first fits come at once, then each waits for a block's time.
    if (x >= c->fit_at || c->n_run <= SAMPLES_MIN) {
        c->line = fit(c);
        c->fit_at = x + c->block_ns;
    }
    count_delay(c, y - height(&c->line, x), x);
}

/* A stamp behind the last one's: one that was overtaken on its way, or a clock that was set back,
 * which the next stamp tells. */
static void take_back(struct et_clock_live *c, int64_t d, int64_t h)
{
    const bool is_far = d < c->last_d - DISORDER_NS;
    if (is_far && c->is_suspected && d > c->suspect_d) {
        const int64_t first_d = c->suspect_d, first_h = c->suspect_h;
        c->state.n_disordered--;
        reset(c, first_d - c->last_d - (first_h - c->last_h), first_d, first_h);
        take(c, first_d, first_h);
        take(c, d, h);
        return;
    }
    c->state.n_disordered++;
    c->is_suspected = is_far;
    c->suspect_d = d;
    c->suspect_h = h;
}

/* Stamps that go ahead of arrivals, below the line, in a step that is no usual one. (The end of a
 * congestion lowers delays too, but not below the line.) */
static bool is_ahead(const struct et_clock_live *c, int64_t d, int64_t h)
{
    const int64_t step = d - c->last_d;
    const double x = (double)(d - c->d0), y = (double)(h - c->h0) - x;
    return step - (h - c->last_h) > c->options.step_ns && step / 2 > c->period_ns &&
           y < height(&c->line, x) - (double)c->options.step_ns;
}

void et_clock_live_put(struct et_clock_live *c, int64_t d, int64_t h)
{
    c->state.n++;
    if (d == 0 || d < -TIME_NS_MAX || d > TIME_NS_MAX || h < -TIME_NS_MAX || h > TIME_NS_MAX) {
        c->state.n_unstamped++;
        return;
    }
    // What is older than the window says nothing any more; nor is it known to have jumped.
    if (c->n_run == 0 || h - c->last_h > c->options.window_ns) {
        begin_run(c, d, h);
    } else if (d < c->last_d) {
        take_back(c, d, h);
        return;
    } else if (is_ahead(c, d, h)) {
        reset(c, d - c->last_d - (h - c->last_h), d, h);
    }
    c->is_suspected = false;
    take(c, d, h);
}

/* ---- results ---- */

struct et_clock_live_state et_clock_live_state(const struct et_clock_live *c)
{
    struct et_clock_live_state s = c->state;
    s.has_stamps = s.n > s.n_unstamped && 2 * (s.n - s.n_unstamped) >= s.n;
    s.tick_ns = c->tick_ns ? c->tick_ns : 1;
    s.source = !s.has_stamps                                                  ? ET_CLOCK_ARRIVAL
               : s.tick_ns >= c->options.coarse_ns && c->n_run >= SAMPLES_MIN ? ET_CLOCK_COUNTER
                                                                              : ET_CLOCK_DEVICE;
    if (!c->n_run)
        return s;
    s.t_device_ns = c->last_d;
    s.offset_ns = et_clock_live_ns(c, c->last_d) - c->last_d;
    s.skew_ppm = c->line.slope * 1e6;
    s.delay_p50_ns = delay_at(c, 0.5);
    s.delay_p99_ns = delay_at(c, 0.99);
    s.jitter_ns = llround(c->jitter_ns);
    return s;
}

int64_t et_clock_live_ns(const struct et_clock_live *c, int64_t t_device_ns)
{
    if (!c->line.is_known || t_device_ns < -TIME_NS_MAX || t_device_ns > TIME_NS_MAX)
        return t_device_ns;
    const double x = (double)(t_device_ns - c->d0);
    return t_device_ns + (c->h0 - c->d0) + llround(height(&c->line, x));
}

void et_clock_live_message(const struct et_clock_live *c, struct et_str stream, int64_t t_ns,
                           struct et_buf *buf)
{
    const struct et_clock_live_state s = et_clock_live_state(c);
    const struct block *oldest = &c->blocks[c->first];
    int64_t knots[2] = {c->last_d, c->last_d};
    if (c->n_blocks)
        knots[0] = c->d0 + llround(oldest->points[0].x);
    const size_t n_knots = !s.has_stamps || !c->n_run ? 0 : 1 + (knots[0] < knots[1]);
    struct et_cdr w = et_cdr_begin(buf);
    et_cdr_time(&w, t_ns);
    et_cdr_text(&w, ET_STR(""));
    et_cdr_text(&w, stream);
    et_cdr_text(&w, et_str(et_clock_source_text(s.source)));
    et_cdr_i64(&w, s.tick_ns);
    et_cdr_count(&w, n_knots);
    for (size_t i = 0; i < n_knots; i++)
        et_cdr_i64(&w, knots[2 - n_knots + i]);
    et_cdr_count(&w, n_knots);
    for (size_t i = 0; i < n_knots; i++)
        et_cdr_i64(&w, et_clock_live_ns(c, knots[2 - n_knots + i]) - knots[2 - n_knots + i]);
    et_cdr_f64(&w, s.skew_ppm);
    et_cdr_i64(&w, s.delay_p50_ns);
    et_cdr_i64(&w, s.delay_p99_ns);
}
