/* Rules as two boundaries: for each number of trials, how many failures at most pass, and how many
 * at least fail. */
#include "etude/exam_rule.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define HALVINGS 200
#define GROWS 16.0     // a bracket, from one try to the next
#define CLOSE 1e-9     // of a bracket's ends to each other
#define ROOM (5.0 / 3) // failures that a table has room for, of those that p0 has on the average
#define ROOM_MORE 20

struct et_exam_rule {
    struct et_exam_rule_options options;
    int *pass_most;  // after n trials; −1: nobody passes
    int *fail_least; // n + 1: nobody fails
};

struct et_exam_rule_options et_exam_rule_options(void)
{
    return (struct et_exam_rule_options){.kind = ET_EXAM_OPTIMAL,
                                         .p0 = 0.95,
                                         .alpha = 0.01,
                                         .p1 = 0.99,
                                         .beta = 0.1,
                                         .trials_max = 600};
}

/* ---- evidence ---- */

double et_evidence_above(uint64_t n_hits, uint64_t n_failures, double p)
{
    const double hits = (double)n_hits, failures = (double)n_failures;
    return et_log_beta(hits + 1, failures + 1) + et_log_beta_above(hits + 1, failures + 1, p) -
           hits * log(p) - (failures + 1) * log1p(-p);
}

double et_evidence_below(uint64_t n_hits, uint64_t n_failures, double p)
{
    return et_evidence_above(n_failures, n_hits, 1 - p);
}

/* The largest p below the share seen that the evidence speaks against. */
static double lower_end(uint64_t n_hits, uint64_t n_failures, double alpha)
{
    double low = 0, high = (double)n_hits / (double)(n_hits + n_failures);
    for (int i = 0; i < HALVINGS && high - low > CLOSE * high; i++) {
        const double p = (low + high) / 2;
        *(et_evidence_above(n_hits, n_failures, p) >= -log(alpha) ? &low : &high) = p;
    }
    return low;
}

struct et_interval et_evidence_interval(uint64_t n_hits, uint64_t n_failures, double alpha)
{
    assert(alpha > 0 && alpha < 1);
    return (struct et_interval){
        .low = n_hits ? lower_end(n_hits, n_failures, alpha) : 0,
        .high = n_failures ? 1 - lower_end(n_failures, n_hits, alpha) : 1,
    };
}

/* ---- rules of a formula ---- */

static double ratio_of(const struct et_exam_rule_options *o, int n, int f)
{
    return (n - f) * log(o->p1 / o->p0) + f * log((1 - o->p1) / (1 - o->p0));
}

static bool formula_passes(const struct et_exam_rule_options *o, int n, int f)
{
    const double for_it = o->kind == ET_EXAM_RATIO
                              ? ratio_of(o, n, f)
                              : et_evidence_above((uint64_t)(n - f), (uint64_t)f, o->p0);
    return for_it >= -log(o->alpha);
}

static bool formula_fails(const struct et_exam_rule_options *o, int n, int f)
{
    const double against_it = o->kind == ET_EXAM_RATIO
                                  ? -ratio_of(o, n, f)
                                  : et_evidence_below((uint64_t)(n - f), (uint64_t)f, o->p0);
    return against_it >= -log(o->beta);
}

/* With more trials more failures pass, and more are needed to fail. */
static void by_formula(struct et_exam_rule *rule)
{
    const struct et_exam_rule_options *o = &rule->options;
    int pass = -1, fail = 1;
    for (int n = 1; n <= o->trials_max; n++) {
        while (pass + 1 <= n && formula_passes(o, n, pass + 1))
            pass++;
        while (fail <= n && !formula_fails(o, n, fail))
            fail++;
        rule->pass_most[n] = pass;
        rule->fail_least[n] = fail;
    }
    rule->fail_least[o->trials_max] = rule->pass_most[o->trials_max] + 1;
}

/* ---- the optimal rule ---- */

/* Who may come, each with a weight: what a trial of theirs costs. Their odds to fail are those of
 * p0 times `odds`; of p0 = 0.95 they succeed in 0.85, 0.9, 0.93, 0.97, 0.98, 0.99 and 0.9999. */
static const struct candidate {
    double odds, weight;
    bool is_good; // to fail it costs twice the exam's length
} CANDIDATES[] = {
    {57.0 / 17, 0.10, false},  {19.0 / 9, 0.10, false}, {133.0 / 93, 0.10, false},
    {57.0 / 97, 0.20, true},   {19.0 / 49, 0.20, true}, {19.0 / 99, 0.25, true},
    {19.0 / 9999, 0.05, true},
};
#define N_CANDIDATES (sizeof CANDIDATES / sizeof *CANDIDATES)
#define GOOD_COSTS 2.0

/* All is divided by how likely p0 makes a place of n trials and f failures, so that to pass it
 * costs the same everywhere. */
struct induction {
    double p0;
    int n_max, f_end;     // failures f_end and more fail
    double *trial, *fail; // n_max + 1 times f_end: what a trial there costs, what a failure does
    double *now, *next;   // f_end + 1: least costs of places
};

static void close_induction(struct induction *d)
{
    free(d->trial);
    free(d->fail);
    free(d->now);
    free(d->next);
}

static bool open_induction(struct induction *d, const struct et_exam_rule_options *o)
{
    const double room = o->trials_max * (1 - o->p0) * ROOM + ROOM_MORE;
    *d = (struct induction){.p0 = o->p0, .n_max = o->trials_max};
    d->f_end = room < o->trials_max + 1 ? (int)room : o->trials_max + 1;
    const size_t n_places = (size_t)(d->n_max + 1) * (size_t)d->f_end;
    d->trial = malloc(n_places * sizeof *d->trial);
    d->fail = malloc(n_places * sizeof *d->fail);
    d->now = calloc((size_t)d->f_end + 1, sizeof *d->now);
    d->next = calloc((size_t)d->f_end + 1, sizeof *d->next);
    if (d->trial && d->fail && d->now && d->next)
        return true;
    close_induction(d);
    return false;
}

static void find_costs(struct induction *d)
{
    double of_hit[N_CANDIDATES], of_failure[N_CANDIDATES]; // logarithms of ratios to p0's
    for (size_t j = 0; j < N_CANDIDATES; j++) {
        const double odds = CANDIDATES[j].odds * (1 - d->p0) / d->p0, p = 1 / (1 + odds);
        of_hit[j] = log(p / d->p0);
        of_failure[j] = log(odds * p / (1 - d->p0));
    }
    for (int n = 0; n <= d->n_max; n++)
        for (int f = 0; f < d->f_end && f <= n; f++) {
            double trial = 0, fail = 0;
            for (size_t j = 0; j < N_CANDIDATES; j++) {
                const double times = exp(fmin((n - f) * of_hit[j] + f * of_failure[j], 600));
                trial += CANDIDATES[j].weight * times;
                fail += CANDIDATES[j].is_good ? CANDIDATES[j].weight * times : 0;
            }
            const size_t at = (size_t)n * (size_t)d->f_end + (size_t)f;
            d->trial[at] = trial;
            d->fail[at] = fail * GOOD_COSTS * d->n_max;
        }
}

/* Backward from the last trial, with what it costs to pass p0. */
static void induce(struct induction *d, double pass_costs, struct et_exam_rule *rule)
{
    for (int n = d->n_max; n >= 1; n--) {
        int pass = -1, fail = n + 1;
        for (int f = n < d->f_end ? n : d->f_end - 1; f >= 0; f--) {
            const size_t at = (size_t)n * (size_t)d->f_end + (size_t)f;
            const bool may_go_on = n < d->n_max && f + 1 < d->f_end;
            double least = fmin(pass_costs, d->fail[at]);
            const double on = d->trial[at] + d->p0 * d->next[f] + (1 - d->p0) * d->next[f + 1];
            if (may_go_on && on < least)
                least = on;
            else if (d->fail[at] < pass_costs)
                fail = f;
            else
                pass = pass < 0 ? f : pass;
            d->now[f] = least;
        }
        rule->pass_most[n] = pass;
        rule->fail_least[n] = fail < d->f_end ? fail : d->f_end;
        double *swapped = d->now;
        d->now = d->next;
        d->next = swapped;
    }
}

/* ---- what comes of it ---- */

static int failures_most(const struct et_exam_rule *rule)
{
    int most = 0;
    for (int n = 1; n <= rule->options.trials_max; n++)
        most = rule->fail_least[n] > most ? rule->fail_least[n] : most;
    return most;
}

/* Forward, trial by trial; `chances` has room for all failures. */
static struct et_exam_outlook follow(const struct et_exam_rule *rule, double p, int n, int f,
                                     double *chances)
{
    struct et_exam_outlook o = {0};
    int first = f, end = f + 1; // of the failures that are under way
    chances[f] = 1;
    for (; n < rule->options.trials_max && first < end; n++) {
        for (int k = first; k < end; k++)
            o.trials_left += chances[k];
        chances[end] = 0;
        for (int k = end; k >= first; k--)
            chances[k] = p * chances[k] + (k > first ? (1 - p) * chances[k - 1] : 0);
        end++;
        for (; first < end && first <= rule->pass_most[n + 1]; first++)
            o.pass += chances[first];
        end = end < rule->fail_least[n + 1] ? end : rule->fail_least[n + 1];
    }
    return o;
}

enum et_status et_exam_rule_outlook(const struct et_exam_rule *rule, double p, uint64_t n_hits,
                                    uint64_t n_failures, struct et_exam_outlook *outlook,
                                    struct et_err *err)
{
    assert(p >= 0 && p <= 1);
    *outlook = (struct et_exam_outlook){0};
    const enum et_exam_verdict now = et_exam_rule_verdict(rule, n_hits, n_failures);
    if (now != ET_EXAM_GOES_ON) {
        outlook->pass = now == ET_EXAM_PASSED;
        return ET_OK;
    }
    const size_t room = (size_t)failures_most(rule) + 2;
    double *chances = calloc(room, sizeof *chances);
    if (!chances)
        return et_fail(err, ET_ENOMEM, -1, "out of memory for %zu chances", room);
    *outlook = follow(rule, p, (int)(n_hits + n_failures), (int)n_failures, chances);
    free(chances);
    return ET_OK;
}

/* ---- opening ---- */

/* What passing p0 costs, the least with which p0 does not pass too often. */
static enum et_status by_induction(struct et_exam_rule *rule, struct et_err *err)
{
    struct induction d;
    struct et_exam_outlook o;
    if (!open_induction(&d, &rule->options))
        return et_fail(err, ET_ENOMEM, -1, "out of memory for a rule of %d trials",
                       rule->options.trials_max);
    find_costs(&d);
    double low = 0, high = 1;
    enum et_status st = ET_OK;
    for (bool is_bracket = false; st == ET_OK && (!is_bracket || high - low > CLOSE * high);) {
        const double middle = is_bracket ? (low + high) / 2 : high;
        induce(&d, middle, rule);
        st = et_exam_rule_outlook(rule, rule->options.p0, 0, 0, &o, err);
        const bool is_enough = o.pass <= rule->options.alpha;
        if (is_bracket) {
            *(is_enough ? &high : &low) = middle;
        } else if (is_enough) {
            is_bracket = true;
        } else {
            low = high;
            high *= GROWS;
        }
    }
    induce(&d, high, rule);
    close_induction(&d);
    return st;
}

enum et_status et_exam_rule_check(const struct et_exam_rule_options *o, struct et_err *err)
{
    const int most = o->kind == ET_EXAM_OPTIMAL ? ET_EXAM_OPTIMAL_TRIALS_MAX : ET_EXAM_TRIALS_MAX;
    if (!(o->p0 > 0 && o->p0 < 1))
        return et_fail(err, ET_EARG, -1, "p0 is %g: it lies between 0 and 1", o->p0);
    if (!(o->alpha > 0 && o->alpha < 1))
        return et_fail(err, ET_EARG, -1, "alpha is %g: it lies between 0 and 1", o->alpha);
    if (o->kind != ET_EXAM_OPTIMAL && !(o->beta > 0 && o->beta < 1))
        return et_fail(err, ET_EARG, -1, "beta is %g: it lies between 0 and 1", o->beta);
    if (o->kind == ET_EXAM_RATIO && !(o->p1 > o->p0 && o->p1 < 1))
        return et_fail(err, ET_EARG, -1, "p1 is %g: it lies between p0, %g, and 1", o->p1, o->p0);
    if (o->trials_max < 1 || o->trials_max > most)
        return et_fail(err, ET_EARG, -1, "trials_max is %d: it lies between 1 and %d",
                       o->trials_max, most);
    return ET_OK;
}

enum et_status et_exam_rule_open(struct et_exam_rule **rule,
                                 const struct et_exam_rule_options *options, struct et_err *err)
{
    *rule = NULL;
    enum et_status st = et_exam_rule_check(options, err);
    if (st != ET_OK)
        return st;
    const size_t n = (size_t)options->trials_max + 1;
    struct et_exam_rule *r = calloc(1, sizeof *r);
    if (r)
        *r = (struct et_exam_rule){.options = *options,
                                   .pass_most = calloc(n, sizeof *r->pass_most),
                                   .fail_least = calloc(n, sizeof *r->fail_least)};
    if (!r || !r->pass_most || !r->fail_least) {
        et_exam_rule_close(r);
        return et_fail(err, ET_ENOMEM, -1, "out of memory for a rule of %zu trials", n - 1);
    }
    r->pass_most[0] = -1;
    r->fail_least[0] = 1;
    if (options->kind == ET_EXAM_OPTIMAL)
        st = by_induction(r, err);
    else
        by_formula(r);
    if (st == ET_OK)
        *rule = r;
    else
        et_exam_rule_close(r);
    return st;
}

void et_exam_rule_close(struct et_exam_rule *rule)
{
    if (!rule)
        return;
    free(rule->pass_most);
    free(rule->fail_least);
    free(rule);
}

/* ---- asking ---- */

enum et_exam_verdict et_exam_rule_verdict(const struct et_exam_rule *rule, uint64_t n_hits,
                                          uint64_t n_failures)
{
    const uint64_t n_max = (uint64_t)rule->options.trials_max;
    const uint64_t n = n_hits + n_failures < n_max ? n_hits + n_failures : n_max;
    const int f = (int)(n_failures < n_max ? n_failures : n_max);
    if (f <= rule->pass_most[n])
        return ET_EXAM_PASSED;
    return f >= rule->fail_least[n] ? ET_EXAM_FAILED : ET_EXAM_GOES_ON;
}

int et_exam_rule_passes_at(const struct et_exam_rule *rule, int n_failures)
{
    for (int n = 1; n <= rule->options.trials_max; n++)
        if (n_failures <= rule->pass_most[n])
            return n;
    return 0;
}

int et_exam_rule_fails_from(const struct et_exam_rule *rule, int n_trials)
{
    assert(n_trials >= 1 && n_trials <= rule->options.trials_max);
    return rule->fail_least[n_trials] <= n_trials ? rule->fail_least[n_trials] : 0;
}
