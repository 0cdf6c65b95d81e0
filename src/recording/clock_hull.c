#include "recording/clock__fit.h"

#include <assert.h>
#include <math.h>

/* Points are cut into blocks, each reduced to its own lower hull: the hull of a window is that of
 * the few points that are left in it. */
struct block {
    size_t first, n; // in the reduced points
};

struct hull {
    double *x, *y;
    size_t n;
};

// Adds a point to the right, dropping those that are not below the line to it (Andrew 1979).
static void add(struct hull *hull, double x, double y)
{
    while (hull->n >= 2) {
        const double *hx = hull->x + hull->n - 2, *hy = hull->y + hull->n - 2;
        const double turn = (hx[1] - hx[0]) * (y - hy[0]) - (hy[1] - hy[0]) * (x - hx[0]);
        if (turn > 0)
            break;
        hull->n--;
    }
    // Of points above each other the lowest counts.
    if (hull->n == 1 && hull->x[0] >= x) {
        hull->n = 0;
        y = y < hull->y[0] ? y : hull->y[0];
    }
    hull->x[hull->n] = x;
    hull->y[hull->n++] = y;
}

// The points in order of blocks of width `width`, each as its hull; how many blocks.
static size_t reduce(const struct et__clock_points *points, double width, struct hull *reduced,
                     struct block *blocks)
{
    size_t n_blocks = 0;
    for (size_t i = 0; i < points->n;) {
        const double end = (floor(points->x[i] / width) + 1) * width;
        struct hull part = {reduced->x + reduced->n, reduced->y + reduced->n, 0};
        for (; i < points->n && points->x[i] < end; i++)
            add(&part, points->x[i], points->y[i]);
        blocks[n_blocks++] = (struct block){reduced->n, part.n};
        reduced->n += part.n;
    }
    return n_blocks;
}

// The line's height at x on the hull's edge that spans `over`.
static double height_at(const struct hull *hull, double over, double x)
{
    if (hull->n < 2)
        return hull->n ? hull->y[0] : 0;
    size_t low = 0, high = hull->n - 1; // of edges: the last whose left end is at or before `over`
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (hull->x[middle] <= over)
            low = middle;
        else
            high = middle;
    }
    const double slope = (hull->y[low + 1] - hull->y[low]) / (hull->x[low + 1] - hull->x[low]);
    return hull->y[low] + slope * (x - hull->x[low]);
}

struct search {
    const struct hull *reduced;
    const struct block *blocks;
    size_t n_blocks;
    struct hull hull;
    size_t first, last; // blocks in the hull
};

static void take_blocks(struct search *s, double from, double to)
{
    size_t first = s->first, last = s->last;
    while (last < s->n_blocks && s->reduced->x[s->blocks[last].first] < to)
        last++;
    while (first + 1 < last && s->reduced->x[s->blocks[first + 1].first] <= from)
        first++;
    if (first == s->first && last == s->last)
        return;
    s->first = first;
    s->last = last;
    s->hull.n = 0;
    for (size_t b = first; b < last; b++)
        for (size_t i = 0; i < s->blocks[b].n; i++)
            add(&s->hull, s->reduced->x[s->blocks[b].first + i],
                s->reduced->y[s->blocks[b].first + i]);
}

enum et_status et__envelope_fit(const struct et__clock_points *points,
                                const struct et__envelope *envelope, struct et_arena *arena,
                                double *heights, struct et_err *err)
{
    const size_t n = points->n;
    assert(n > 0 && envelope->window > 0 && envelope->at_step > 0);
    const struct et_arena_mark mark = et_arena_mark(arena);
    double *numbers = et_arena_array(arena, 4 * n, sizeof *numbers);
    struct block *blocks = et_arena_array(arena, n, sizeof *blocks);
    if (!numbers || !blocks)
        return et_arena_fail(arena, "a clock's envelope", err);
    struct hull reduced = {numbers, numbers + n, 0};
    const double first = points->x[0], last = points->x[n - 1], window = envelope->window;
    const size_t n_blocks = reduce(points, envelope->at_step, &reduced, blocks);
    struct search s = {.reduced = &reduced,
                       .blocks = blocks,
                       .n_blocks = n_blocks,
                       .hull = {numbers + 2 * n, numbers + 3 * n, 0}};

    /* The hull's ends are the window's first and last point, whatever their delay. So the edge is
     * looked for away from them, and prolonged. */
    const double margin = (last - first < window ? last - first : window) / 4;
    for (size_t i = 0; i < envelope->n_at; i++) {
        const double at = envelope->at_first + (double)i * envelope->at_step;
        double from = at - window / 2, to = at + window / 2;
        if (from < first) {
            from = first;
            to = first + window;
        }
        if (to > last) {
            to = last;
            from = last - window > first ? last - window : first;
        }
        take_blocks(&s, from, to);
        const double over = at < first + margin  ? first + margin
                            : at > last - margin ? last - margin
                                                 : at;
        heights[i] = height_at(&s.hull, over, at);
    }
    et_arena_rewind(arena, mark);
    return ET_OK;
}
