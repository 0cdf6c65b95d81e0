#include "etude/exam_compare.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- two ---- */

double et_pairs_evidence(const struct et_pairs *pairs)
{
    return et_evidence_above(pairs->n_first, pairs->n_second, 0.5);
}

struct et_pairs et_pairs_swapped(const struct et_pairs *pairs)
{
    return (struct et_pairs){pairs->n_both, pairs->n_second, pairs->n_first, pairs->n_neither};
}

enum et_exam_verdict et_pairs_verdict(const struct et_pairs *pairs, double alpha)
{
    assert(alpha > 0 && alpha < 1);
    const struct et_pairs swapped = et_pairs_swapped(pairs);
    const double wanted = log(2 / alpha);
    if (et_pairs_evidence(pairs) >= wanted)
        return ET_EXAM_PASSED;
    return et_pairs_evidence(&swapped) >= wanted ? ET_EXAM_FAILED : ET_EXAM_GOES_ON;
}

/* going[d]: the chance that nothing was said after d pairs that differ, of which the first wins
 * each with a chance. More that are lost say less, more that are won say more: the least number of
 * lost ones with which nothing is said never falls. */
static void walk(double chance, double alpha, size_t n, double *now, double *going)
{
    const double wanted = log(1 / alpha);
    size_t least = 0;
    memset(now, 0, (n + 1) * sizeof *now);
    now[0] = 1; // by how many the second has won
    going[0] = 1;
    for (size_t d = 1; d <= n; d++) {
        going[d] = 0;
        for (size_t lost = d; lost != SIZE_MAX && lost >= least; lost--) {
            const double stays = lost < d ? chance * now[lost] : 0;
            now[lost] = stays + (lost ? (1 - chance) * now[lost - 1] : 0);
        }
        while (least <= d && et_evidence_above(d - least, least, 0.5) >= wanted)
            now[least++] = 0;
        for (size_t lost = least; lost <= d; lost++)
            going[d] += now[lost];
    }
}

enum et_status et_pairs_outlook(double p_first, double p_second, double alpha, int trials_max,
                                struct et_pairs_outlook *outlook, struct et_err *err)
{
    *outlook = (struct et_pairs_outlook){0};
    if (!(p_first >= 0 && p_first <= 1 && p_second >= 0 && p_second <= 1))
        return et_fail(err, ET_EARG, -1, "shares of success lie between 0 and 1");
    if (!(alpha > 0 && alpha < 1) || trials_max < 1 || trials_max > ET_PAIRS_TRIALS_MAX)
        return et_fail(err, ET_EARG, -1,
                       "alpha lies between 0 and 1, trials_max between 1 and "
                       "%d",
                       ET_PAIRS_TRIALS_MAX);
    const double wins = p_first * (1 - p_second), differ = wins + (1 - p_first) * p_second;
    const size_t n = (size_t)trials_max;
    double *going = calloc(2 * (n + 1), sizeof *going), *seen = going + n + 1;
    if (!going)
        return et_fail(err, ET_ENOMEM, -1, "out of memory for %zu pairs", n);
    walk(differ > 0 ? wins / differ : 0, alpha, n, seen, going);
    memset(seen, 0, (n + 1) * sizeof *seen);
    seen[0] = 1; // the chance of so many pairs that differ among those so far
    for (size_t t = 0; t <= n; t++) {
        double open = 0;
        for (size_t d = 0; d <= t; d++)
            open += seen[d] * going[d];
        outlook->says = 1 - open;
        outlook->trials += t < n ? open : 0;
        for (size_t d = t + 1 <= n ? t + 1 : n; d > 0; d--)
            seen[d] = (1 - differ) * seen[d] + differ * seen[d - 1];
        seen[0] *= 1 - differ;
    }
    free(going);
    return ET_OK;
}

/* ---- several ---- */

void et_holm(const double *p, size_t n, double alpha, bool *is_refused)
{
    assert(n <= ET_HOLM_MAX);
    memset(is_refused, 0, n * sizeof *is_refused);
    for (size_t k = 0; k < n; k++) { // the next least, as long as it is below what is left of alpha
        size_t least = SIZE_MAX;
        for (size_t i = 0; i < n; i++)
            if (!is_refused[i] && (least == SIZE_MAX || p[i] < p[least]))
                least = i;
        if (!(p[least] <= alpha / (double)(n - k)))
            return;
        is_refused[least] = true;
    }
}

#define GROUPS_MAX (4 * ET_LETTERS_MAX) // while letters are sought

struct groups {
    uint32_t sets[GROUPS_MAX]; // of policies, a bit each
    size_t n;
};

/* Adds a group unless another holds it. */
static bool absorb(struct groups *g, uint32_t set)
{
    for (size_t i = 0; i < g->n; i++)
        if ((g->sets[i] & set) == set)
            return true;
    if (g->n == GROUPS_MAX)
        return false;
    g->sets[g->n++] = set;
    return true;
}

/* Groups that hold both a and b are parted into one without a and one without b. */
static bool part(struct groups *g, uint32_t a, uint32_t b)
{
    struct groups old = *g;
    g->n = 0;
    for (size_t i = 0; i < old.n; i++)
        if ((old.sets[i] & a) == 0 || (old.sets[i] & b) == 0)
            g->sets[g->n++] = old.sets[i];
    for (size_t i = 0; i < old.n; i++)
        if ((old.sets[i] & a) != 0 && (old.sets[i] & b) != 0 &&
            !(absorb(g, old.sets[i] & ~b) && absorb(g, old.sets[i] & ~a)))
            return false;
    return true;
}

static int by_first(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b, least = (x ^ y) & -(x ^ y);
    return least == 0 ? 0 : (x & least) != 0 ? -1 : 1;
}

enum et_status et_compare_letters(const bool *differs, size_t n, char (*texts)[ET_LETTERS_MAX + 1],
                                  struct et_err *err)
{
    assert(n >= 1 && n <= ET_LETTERS_MAX);
    struct groups g = {.sets = {(UINT32_C(1) << n) - 1}, .n = 1};
    bool fits = true;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n && fits; k++)
            if (differs[i * n + k])
                fits = part(&g, UINT32_C(1) << i, UINT32_C(1) << k);
    if (!fits || g.n > ET_LETTERS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "%zu policies need more than %d letters", n,
                       ET_LETTERS_MAX);
    qsort(g.sets, g.n, sizeof *g.sets, by_first);
    for (size_t i = 0; i < n; i++) {
        size_t n_letters = 0;
        for (size_t k = 0; k < g.n; k++)
            if (g.sets[k] >> i & 1)
                texts[i][n_letters++] = (char)('a' + k);
        texts[i][n_letters] = 0;
    }
    return ET_OK;
}
