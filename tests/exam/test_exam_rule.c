/* When exams end: against published numbers, against all that can happen, and by many exams. */
#include "etude/exam_rule.h"

#include "etude/random.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

static struct et_err err;

static struct et_exam_rule *open_rule(const struct et_exam_rule_options *options)
{
    struct et_exam_rule *rule = NULL;
    CHECK_OK(et_exam_rule_open(&rule, options, &err));
    if (!rule)
        exit(1);
    return rule;
}

static struct et_exam_outlook outlook_of(const struct et_exam_rule *rule, double p)
{
    struct et_exam_outlook o = {0};
    CHECK_OK(et_exam_rule_outlook(rule, p, 0, 0, &o, &err));
    return o;
}

/* ---- what was found before ---- */

static void the_optimal_rule_of_600_is_the_one_that_was_found(void)
{
    static const int PASSES_AT[] = {134, 177, 212, 247, 280, 311, 342, 372, 401,
                                    429, 456, 482, 507, 532, 554, 575, 592, 600};
    static const int FAILS_FROM[] = {2,   4,   27,  52,  80,  110, 141, 174, 207,
                                     240, 275, 310, 346, 382, 420, 460, 505};
    const struct et_exam_rule_options options = et_exam_rule_options();
    struct et_exam_rule *rule = open_rule(&options);
    for (int f = 0; f < 18; f++)
        CHECK_EQ(et_exam_rule_passes_at(rule, f), PASSES_AT[f]);
    CHECK_EQ(et_exam_rule_passes_at(rule, 18), 0);
    CHECK_EQ(et_exam_rule_fails_from(rule, 1), 0);
    for (int i = 0; i < 17; i++) {
        CHECK_EQ(et_exam_rule_fails_from(rule, FAILS_FROM[i]), i + 2);
        CHECK(FAILS_FROM[i] == 2 || et_exam_rule_fails_from(rule, FAILS_FROM[i] - 1) == i + 1);
    }
    et_exam_rule_close(rule);
}

static void chances_are_those_that_were_found(void)
{
    static const struct {
        struct et_exam_rule_options options;
        double at_p0, at_97, at_99; // chances to pass
        int trials_90, trials_p0, trials_99;
    } CASES[] = {
        {{ET_EXAM_RATIO, 0.95, 0.01, 0.99, 0.1, 4000}, 0.0093, 0.198, 0.940, 23, 68, 169},
        {{ET_EXAM_RATIO, 0.95, 0.01, 0.98, 0.1, 4000}, 0.0091, 0.525, 0.997, 42, 157, 213},
        {{ET_EXAM_EVIDENCE, 0.95, 0.01, 0, 0.05, 2000}, 0.0070, 0.896, 1.0, 259, 1952, 217},
        {{ET_EXAM_OPTIMAL, 0.95, 0.01, 0, 0, 300}, 0.00998, 0.193, 0.909, 22, 59, 165},
        {{ET_EXAM_OPTIMAL, 0.95, 0.01, 0, 0, 600}, 0.00998, 0.431, 0.995, 38, 142, 211},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_exam_rule *rule = open_rule(&CASES[i].options);
        CHECK_NEAR(outlook_of(rule, 0.95).pass, CASES[i].at_p0, 6e-5);
        CHECK_NEAR(outlook_of(rule, 0.97).pass, CASES[i].at_97, 1.5e-3);
        CHECK_NEAR(outlook_of(rule, 0.99).pass, CASES[i].at_99, 6e-4);
        CHECK_NEAR(outlook_of(rule, 0.9).trials_left, CASES[i].trials_90, 0.7);
        CHECK_NEAR(outlook_of(rule, 0.95).trials_left, CASES[i].trials_p0, 1);
        CHECK_NEAR(outlook_of(rule, 0.99).trials_left, CASES[i].trials_99, 0.7);
        et_exam_rule_close(rule);
    }
}

/* ---- all that can happen ---- */

static struct et_exam_outlook by_outcomes(const struct et_exam_rule *rule, int n_max, double p)
{
    struct et_exam_outlook o = {0};
    for (unsigned outcomes = 0; outcomes < 1U << n_max; outcomes++) {
        double chance = 1;
        uint64_t hits = 0, failures = 0;
        enum et_exam_verdict verdict = ET_EXAM_GOES_ON;
        for (int i = 0; i < n_max; i++)
            chance *= outcomes >> i & 1 ? p : 1 - p;
        for (int i = 0; i < n_max && verdict == ET_EXAM_GOES_ON; i++) {
            *(outcomes >> i & 1 ? &hits : &failures) += 1;
            verdict = et_exam_rule_verdict(rule, hits, failures);
        }
        CHECK(verdict != ET_EXAM_GOES_ON);
        o.pass += verdict == ET_EXAM_PASSED ? chance : 0;
        o.trials_left += chance * (double)(hits + failures);
    }
    return o;
}

static void outlooks_are_sums_over_all_outcomes(void)
{
    for (int n_max = 1; n_max <= 14; n_max++)
        for (int kind = ET_EXAM_OPTIMAL; kind <= ET_EXAM_RATIO; kind++) {
            const struct et_exam_rule_options options = {
                (enum et_exam_rule_kind)kind, 0.6, 0.2, 0.9, 0.2, n_max};
            struct et_exam_rule *rule = open_rule(&options);
            for (double p = 0; p <= 1; p += 0.15) {
                const struct et_exam_outlook sums = by_outcomes(rule, n_max, p);
                CHECK_NEAR(outlook_of(rule, p).pass, sums.pass, 1e-12);
                CHECK_NEAR(outlook_of(rule, p).trials_left, sums.trials_left, 1e-11);
                CHECK(p > 0.6 || sums.pass <= 0.2);
            }
            et_exam_rule_close(rule);
        }
}

/* From the middle of an exam: the same as all there is behind it. */
static void an_outlook_goes_on_from_where_it_stands(void)
{
    const struct et_exam_rule_options options = et_exam_rule_options();
    struct et_exam_rule *rule = open_rule(&options);
    for (uint64_t hits = 0; hits < 300; hits += 7)
        for (uint64_t failures = 0; failures < 10; failures++) {
            struct et_exam_outlook o, hit, failure;
            CHECK_OK(et_exam_rule_outlook(rule, 0.98, hits, failures, &o, &err));
            CHECK_OK(et_exam_rule_outlook(rule, 0.98, hits + 1, failures, &hit, &err));
            CHECK_OK(et_exam_rule_outlook(rule, 0.98, hits, failures + 1, &failure, &err));
            if (et_exam_rule_verdict(rule, hits, failures) != ET_EXAM_GOES_ON) {
                CHECK(o.trials_left == 0 && (o.pass == 0 || o.pass == 1));
                continue;
            }
            CHECK_NEAR(o.pass, 0.98 * hit.pass + 0.02 * failure.pass, 1e-12);
            CHECK_NEAR(o.trials_left, 1 + 0.98 * hit.trials_left + 0.02 * failure.trials_left,
                       1e-9);
        }
    et_exam_rule_close(rule);
}

/* ---- nothing is better ---- */

#define N_MAX 4
#define PLACES 14 // of 1 … 4 trials
#define FREE 9    // of those, where it may go on

// Who may come, by odds to fail as times those of p0, with weights; the last four are good.
static const double ODDS[] = {57.0 / 17, 19.0 / 9,  133.0 / 93, 57.0 / 97,
                              19.0 / 49, 19.0 / 99, 19.0 / 9999};
static const double WEIGHTS[] = {0.10, 0.10, 0.10, 0.20, 0.20, 0.25, 0.05};

struct worth {
    double size, cost;
};

static struct et_exam_outlook follow(const enum et_exam_verdict *table, double p)
{
    double chances[N_MAX + 2] = {1};
    struct et_exam_outlook o = {0};
    for (int n = 0, at = 0; n < N_MAX; at += ++n + 1) {
        double next[N_MAX + 2] = {0};
        for (int f = 0; f <= n; f++) {
            o.trials_left += chances[f];
            next[f] += p * chances[f];
            next[f + 1] += (1 - p) * chances[f];
        }
        for (int f = 0; f <= n + 1; f++) {
            o.pass += table[at + f] == ET_EXAM_PASSED ? next[f] : 0;
            chances[f] = table[at + f] == ET_EXAM_GOES_ON ? next[f] : 0;
        }
    }
    return o;
}

static struct worth worth_of(const enum et_exam_verdict *table, double p0)
{
    struct worth w = {.size = follow(table, p0).pass};
    for (size_t j = 0; j < 7; j++) {
        const struct et_exam_outlook o = follow(table, p0 / (p0 + ODDS[j] * (1 - p0)));
        w.cost += WEIGHTS[j] * (o.trials_left + (j >= 3 ? 2 * N_MAX * (1 - o.pass) : 0));
    }
    return w;
}

static void no_rule_of_four_trials_costs_less_than_the_optimal_one(void)
{
    for (double alpha = 0.05; alpha < 0.7; alpha += 0.13) {
        const struct et_exam_rule_options options = {
            .kind = ET_EXAM_OPTIMAL, .p0 = 0.5, .alpha = alpha, .trials_max = N_MAX};
        struct et_exam_rule *rule = open_rule(&options);
        enum et_exam_verdict table[PLACES];
        for (int n = 1, at = 0; n <= N_MAX; n++)
            for (int f = 0; f <= n; f++)
                table[at++] = et_exam_rule_verdict(rule, (uint64_t)(n - f), (uint64_t)f);
        const struct worth ours = worth_of(table, options.p0);
        CHECK(ours.size <= alpha);
        long n_less = 0, n_tables = 0;
        for (int ends = 0; ends < 1 << (PLACES - FREE); ends++)
            for (int i = 0; i < 19683; i++) { // 3 to the 9th
                for (int k = 0, rest = i; k < FREE; k++, rest /= 3)
                    table[k] = (enum et_exam_verdict)(rest % 3);
                for (int k = FREE; k < PLACES; k++)
                    table[k] = ends >> (k - FREE) & 1 ? ET_EXAM_PASSED : ET_EXAM_FAILED;
                const double size = follow(table, options.p0).pass;
                n_tables++;
                if (size <= ours.size + 1e-12)
                    n_less += worth_of(table, options.p0).cost < ours.cost - 1e-9;
            }
        printf("# alpha %.2f: p0 passes with %.4f; of %ld rules none costs less than %.4f\n", alpha,
               ours.size, n_tables, ours.cost);
        CHECK_EQ(n_less, 0);
        et_exam_rule_close(rule);
    }
}

/* ---- many exams ---- */

static void a_hundred_thousand_exams_keep_the_promise(void)
{
    enum { EXAMS = 100000 };
    const struct et_exam_rule_options rules[] = {
        et_exam_rule_options(),
        {ET_EXAM_EVIDENCE, 0.95, 0.01, 0, 0.05, 1000},
        {ET_EXAM_RATIO, 0.95, 0.01, 0.99, 0.1, 1000},
    };
    for (size_t i = 0; i < 3; i++) {
        struct et_exam_rule *rule = open_rule(&rules[i]);
        const struct et_exam_outlook wanted = outlook_of(rule, 0.95);
        int n_passed = 0;
        double n_trials = 0;
        for (int exam = 0; exam < EXAMS; exam++) {
            const uint64_t key = et_random_key(7 + i, (uint64_t)exam);
            uint64_t hits = 0, failures = 0;
            enum et_exam_verdict verdict = ET_EXAM_GOES_ON;
            while (verdict == ET_EXAM_GOES_ON) {
                *(et_random_uniform(key, hits + failures) < 0.95 ? &hits : &failures) += 1;
                verdict = et_exam_rule_verdict(rule, hits, failures);
            }
            n_passed += verdict == ET_EXAM_PASSED;
            n_trials += (double)(hits + failures) / EXAMS;
        }
        const double rate = n_passed / (double)EXAMS;
        printf("# %.5f passed, %.5f expected; %.1f trials, %.1f expected\n", rate, wanted.pass,
               n_trials, wanted.trials_left);
        CHECK_NEAR(rate, wanted.pass, 4 * sqrt(wanted.pass / EXAMS));
        CHECK(wanted.pass <= 0.01);
        CHECK_NEAR(n_trials / wanted.trials_left, 1, 0.02);
        et_exam_rule_close(rule);
    }
}

/* ---- evidence ---- */

/* On the average over what comes next a bet is worth what it is, if what it bets against is true to
 * the edge; it loses where that is more than true. */
static void a_fair_bet_neither_grows_nor_shrinks(void)
{
    for (uint64_t hits = 0; hits < 200; hits += 9)
        for (uint64_t failures = 0; failures < 40; failures += 3)
            for (double p = 0.05; p < 1; p += 0.09) {
                const double now = et_evidence_above(hits, failures, p);
                const double up = exp(et_evidence_above(hits + 1, failures, p) - now);
                const double down = exp(et_evidence_above(hits, failures + 1, p) - now);
                CHECK_NEAR(p * up + (1 - p) * down, 1, 1e-9);
                CHECK(0.9 * p * up + (1 - 0.9 * p) * down <= 1 + 1e-9);
                CHECK_NEAR(et_evidence_below(failures, hits, 1 - p), now, 1e-9 * (1 + fabs(now)));
            }
    CHECK_NEAR(et_evidence_above(0, 0, 0.95), 0, 1e-12);
    CHECK(et_evidence_above(125, 0, 0.95) < log(100) && et_evidence_above(126, 0, 0.95) > log(100));
}

static void its_interval_is_where_no_bet_has_won(void)
{
    for (uint64_t n = 1; n < 100000; n *= 3)
        for (uint64_t hits = 0; hits <= n; hits += 1 + n / 5) {
            const struct et_interval i = et_evidence_interval(hits, n - hits, 0.01);
            CHECK(i.low >= 0 && i.low <= (double)hits / (double)n &&
                  i.high >= (double)hits / (double)n && i.high <= 1);
            CHECK(i.low == 0 || fabs(et_evidence_above(hits, n - hits, i.low) - log(100)) < 1e-3);
            CHECK(i.high == 1 || fabs(et_evidence_below(hits, n - hits, i.high) - log(100)) < 1e-3);
        }
}

/* ---- what is refused ---- */

static void refuse(struct et_exam_rule_options options, const char *words)
{
    struct et_exam_rule *rule;
    CHECK_EQ(et_exam_rule_open(&rule, &options, &err), ET_EARG);
    CHECK(!rule);
    CHECK_HAS(err.text, words);
}

static void what_makes_no_rule_is_named(void)
{
    refuse((struct et_exam_rule_options){ET_EXAM_OPTIMAL, 1, 0.01, 0, 0, 600}, "p0 is 1");
    refuse((struct et_exam_rule_options){ET_EXAM_OPTIMAL, (double)NAN, 0.01, 0, 0, 600},
           "p0 is nan");
    refuse((struct et_exam_rule_options){ET_EXAM_OPTIMAL, 0.9, 0, 0, 0, 600}, "alpha is 0");
    refuse((struct et_exam_rule_options){ET_EXAM_EVIDENCE, 0.9, 0.1, 0, 2, 600}, "beta is 2");
    refuse((struct et_exam_rule_options){ET_EXAM_RATIO, 0.9, 0.1, 0.9, 0.1, 600}, "p1 is 0.9");
    refuse((struct et_exam_rule_options){ET_EXAM_OPTIMAL, 0.9, 0.1, 0, 0, 0}, "trials_max is 0");
    refuse((struct et_exam_rule_options){ET_EXAM_OPTIMAL, 0.9, 0.1, 0, 0, 5001}, "1 and 5000");
}

int main(void)
{
    RUN(the_optimal_rule_of_600_is_the_one_that_was_found);
    RUN(chances_are_those_that_were_found);
    RUN(outlooks_are_sums_over_all_outcomes);
    RUN(an_outlook_goes_on_from_where_it_stands);
    RUN(no_rule_of_four_trials_costs_less_than_the_optimal_one);
    RUN(a_hundred_thousand_exams_keep_the_promise);
    RUN(a_fair_bet_neither_grows_nor_shrinks);
    RUN(its_interval_is_where_no_bet_has_won);
    RUN(what_makes_no_rule_is_named);
    return tap_end();
}
