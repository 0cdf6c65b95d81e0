/* Where it is hard: the places that chance drew, cut into parts. */
#include "exam/exam__card.h"

#include "etude/exam_compare.h"
#include "etude/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PARTS 3         // of a number
#define VALUES_MIN 9    // different ones, for parts to be of
#define SPREAD_MIN 1e-3 // between the parts' ends, m or of a unit vector
#define SURE 0.05
// Of one thing at most three places are axes, so that each meets two others at most.
#define CELLS_OF_AXIS (PARTS + 2 * PARTS * PARTS)
#define AXES_MAX (ET_HOLM_MAX / CELLS_OF_AXIS)

/* A number of the scene that chance draws: where its parts end. */
struct axis {
    size_t i; // of the scene
    double ends[PARTS + 1];
};

struct looking {
    const struct et_exam_trial *trials;
    size_t n, i_skill;
    const struct et_exam_card_part *part;
    struct axis *axes;
    size_t n_axes;
    struct et_exam_cell *cells;
    size_t n_cells;
    double *values;
};

static bool counts(const struct looking *l, const struct et_exam_trial *t)
{
    return t->i_skill == l->i_skill && t->code != ET_EXAM_VOID && t->n_scene == l->part->n_names;
}

/* Of n things k, in so many ways; a logarithm. */
static double log_ways(uint64_t n, uint64_t k)
{
    return -log((double)n + 1) - et_log_beta((double)(n - k) + 1, (double)k + 1);
}

double et__tail_of_draws(uint64_t k, uint64_t n, uint64_t n_marked, uint64_t n_all)
{
    const uint64_t most = n < n_marked ? n : n_marked;
    double sum = 0;
    for (uint64_t i = k; i <= most; i++) {
        if (n - i > n_all - n_marked)
            continue;
        sum += exp(log_ways(n_marked, i) + log_ways(n_all - n_marked, n - i) - log_ways(n_all, n));
    }
    return fmin(sum, 1);
}

/* ---- axes ---- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Adds number i as an axis if chance draws it, finely enough to be cut. */
static void add_axis(struct looking *l, size_t i)
{
    struct axis axis = {.i = i};
    size_t n = 0, n_different = 0;
    for (size_t k = 0; k < l->n; k++)
        if (counts(l, &l->trials[k]))
            l->values[n++] = l->trials[k].scene[i];
    qsort(l->values, n, sizeof *l->values, compare);
    for (size_t k = 0; k < n; k++)
        n_different += k == 0 || l->values[k] > l->values[k - 1];
    if (n_different < VALUES_MIN || l->values[n - 1] - l->values[0] < SPREAD_MIN)
        return;
    for (size_t k = 0; k <= PARTS; k++)
        axis.ends[k] = et_quantile_sorted(l->values, n, (double)k / PARTS);
    l->axes[l->n_axes++] = axis;
}

/* The first part that a value does not lie beyond. */
static size_t part_of(const struct axis *axis, double value)
{
    size_t k = 0;
    while (k + 1 < PARTS && value > axis->ends[k + 1])
        k++;
    return k;
}

/* "bottle.x" and "bottle.y" are of one thing; directions are not places. */
static bool are_of_one(const char *a, const char *b)
{
    const char *dot_a = strrchr(a, '.'), *dot_b = strrchr(b, '.');
    return dot_a && dot_b && dot_a - a == dot_b - b && memcmp(a, b, (size_t)(dot_a - a)) == 0 &&
           strlen(dot_a) == 2 && strlen(dot_b) == 2;
}

/* ---- cells ---- */

static void count_cell(struct looking *l, const struct axis *a, size_t ka, const struct axis *b,
                       size_t kb)
{
    const struct et_exam_standing *s = &l->part->standing;
    struct et_exam_cell cell = {.names = {l->part->names[a->i], b ? l->part->names[b->i] : NULL},
                                .low = {a->ends[ka], b ? b->ends[kb] : 0},
                                .high = {a->ends[ka + 1], b ? b->ends[kb + 1] : 0}};
    for (size_t k = 0; k < l->n; k++) {
        const struct et_exam_trial *t = &l->trials[k];
        if (!counts(l, t) || part_of(a, t->scene[a->i]) != ka ||
            (b && part_of(b, t->scene[b->i]) != kb))
            continue;
        cell.n++;
        cell.n_failures += t->code != ET_EXAM_DONE;
    }
    if (cell.n < ET_EXAM_CELL_TRIALS || l->n_cells == ET_HOLM_MAX)
        return;
    cell.failures = et_interval_wilson(cell.n_failures, cell.n, 0.95);
    cell.p = et__tail_of_draws(cell.n_failures, cell.n, s->n_failures, s->n_hits + s->n_failures);
    l->cells[l->n_cells++] = cell;
}

static void count_cells(struct looking *l)
{
    for (size_t i = 0; i < l->n_axes; i++)
        for (size_t k = 0; k < PARTS; k++)
            count_cell(l, &l->axes[i], k, NULL, 0);
    for (size_t i = 0; i < l->n_axes; i++)
        for (size_t j = i + 1; j < l->n_axes; j++)
            if (are_of_one(l->part->names[l->axes[i].i], l->part->names[l->axes[j].i]))
                for (size_t k = 0; k < PARTS * PARTS; k++)
                    count_cell(l, &l->axes[i], k / PARTS, &l->axes[j], k % PARTS);
}

static int by_chance(const void *a, const void *b)
{
    const struct et_exam_cell *x = a, *y = b;
    if (x->p < y->p || x->p > y->p)
        return x->p < y->p ? -1 : 1;
    const int first = strcmp(x->names[0], y->names[0]);
    return first ? first : compare(&x->low[0], &y->low[0]);
}

/* The least likely ones, each told whether it is clear among all. */
static enum et_status keep(struct looking *l, struct et_exam_card_part *part,
                           struct et_arena *arena, struct et_err *err)
{
    double *p = et_arena_array(arena, l->n_cells + 1, sizeof *p);
    bool *is_refused = et_arena_array(arena, l->n_cells + 1, sizeof *is_refused);
    if (!p || !is_refused)
        return et_arena_fail(arena, "a report card", err);
    qsort(l->cells, l->n_cells, sizeof *l->cells, by_chance);
    for (size_t i = 0; i < l->n_cells; i++)
        p[i] = l->cells[i].p;
    et_holm(p, l->n_cells, SURE, is_refused);
    part->n_looked = l->n_cells;
    for (size_t i = 0; i < l->n_cells && part->n_cells < ET_EXAM_CELLS; i++) {
        if (l->cells[i].n_failures == 0)
            continue;
        part->cells[part->n_cells] = l->cells[i];
        part->cells[part->n_cells++].is_clear = is_refused[i];
    }
    return ET_OK;
}

enum et_status et__card_cells(const struct et_exam_trial *trials, size_t n, size_t i_skill,
                              struct et_exam_card_part *part, struct et_arena *arena,
                              struct et_err *err)
{
    struct looking l = {.trials = trials, .n = n, .i_skill = i_skill, .part = part};
    if (!part->names || part->standing.n_failures == 0 || n == 0)
        return ET_OK;
    l.values = et_arena_array(arena, n, sizeof *l.values);
    l.axes = et_arena_array(arena, AXES_MAX, sizeof *l.axes);
    l.cells = et_arena_array(arena, ET_HOLM_MAX, sizeof *l.cells);
    if (!l.values || !l.axes || !l.cells)
        return et_arena_fail(arena, "a report card", err);
    for (size_t i = 0; i < part->n_names && l.n_axes < AXES_MAX; i++)
        add_axis(&l, i);
    count_cells(&l);
    return keep(&l, part, arena, err);
}
