/* Times of trials: by hand. */
#include "etude/exam_times.h"

#include "tap.h"

#include <math.h>

static const struct et_timed TRIALS[] = {
    {4, true, false}, {8, true, false}, {30, false, false}, {6, true, false}, {2, false, true},
};
#define N 5

static void who_is_slower_than_the_reference_has_less_of_it(void)
{
    CHECK_NEAR(et_timed_score(&TRIALS[0], 5), 1, 0);
    CHECK_NEAR(et_timed_score(&TRIALS[1], 5), 0.625, 1e-15);
    CHECK_NEAR(et_timed_score(&TRIALS[2], 5), 0, 0);
    CHECK_NEAR(et_timed_weighted(TRIALS, N, 5), (1 + 0.625 + 5.0 / 6) / 4, 1e-15);
    CHECK(isnan(et_timed_weighted(TRIALS + 4, 1, 5)));
    CHECK(isnan(et_timed_weighted(TRIALS, 0, 5)));
}

static void an_hour_holds_failures_and_resets_too(void)
{
    CHECK_NEAR(et_timed_per_hour(TRIALS, N, 0), 3600 * 3 / 50.0, 1e-12);
    CHECK_NEAR(et_timed_per_hour(TRIALS, N, 10), 3600 * 3 / 100.0, 1e-12);
    CHECK(isnan(et_timed_per_hour(TRIALS, 0, 0)));
}

/* Who was cut after two seconds says nothing of later ones: four are left. */
static void the_curve_rises_where_somebody_succeeds(void)
{
    struct et_timed_step steps[N];
    CHECK_EQ(et_timed_curve(TRIALS, N, 0.95, steps), 3);
    for (int i = 0; i < 3; i++) {
        CHECK_NEAR(steps[i].seconds, 4 + 2 * i, 0);
        CHECK_NEAR(steps[i].chance, 0.25 * (i + 1), 1e-15);
        CHECK(steps[i].interval.low < steps[i].chance && steps[i].chance < steps[i].interval.high);
    }
    // Greenwood's variance at the first: 1 / (4 · 3); the interval on the scale of log(−log).
    const double left = 0.75, width = 1.959963984540054 * sqrt(1.0 / 12) / -log(left);
    CHECK_NEAR(steps[0].interval.low, 1 - pow(left, exp(-width)), 1e-12);
    CHECK_NEAR(steps[0].interval.high, 1 - pow(left, exp(width)), 1e-12);
}

/* What was cut between two successes counts at the first alone. Of the classic example (6-MP of
 * Freireich et al., Blood 21, 1963, 699) the chances are in every textbook. */
static void the_curve_of_the_classic_example_is_the_textbooks(void)
{
    static const struct {
        int seconds;
        bool is_cut;
    } WEEKS[] = {{6, false},  {6, false}, {6, false},  {6, true},   {7, false},  {9, true},
                 {10, false}, {10, true}, {11, true},  {13, false}, {16, false}, {17, true},
                 {19, true},  {20, true}, {22, false}, {23, false}, {25, true},  {32, true},
                 {32, true},  {34, true}, {35, true}};
    static const double LEFT[] = {0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482};
    struct et_timed trials[21];
    struct et_timed_step steps[21];
    for (int i = 0; i < 21; i++)
        trials[i] = (struct et_timed){WEEKS[i].seconds, !WEEKS[i].is_cut, WEEKS[i].is_cut};
    CHECK_EQ(et_timed_curve(trials, 21, 0.95, steps), 7);
    for (int i = 0; i < 7; i++)
        CHECK_NEAR(1 - steps[i].chance, LEFT[i], 5e-5);
    // Of the first its standard error is 0.0764 (Greenwood).
    const double width = 1.959963984540054 * 0.0764 / 0.8571 / -log(0.8571);
    CHECK_NEAR(1 - steps[0].interval.low, pow(0.8571, exp(-width)), 2e-4);
}

static void where_all_succeed_it_ends_at_one_and_where_none_does_it_is_empty(void)
{
    static const struct et_timed ALL[] = {{1, true, false}, {2, true, false}};
    struct et_timed_step steps[2];
    CHECK_EQ(et_timed_curve(ALL, 2, 0.95, steps), 2);
    CHECK_NEAR(steps[1].chance, 1, 0);
    CHECK_NEAR(steps[1].interval.low, steps[0].interval.low, 0);
    CHECK_NEAR(steps[1].interval.high, 1, 0);
    CHECK_EQ(et_timed_curve(TRIALS + 2, 1, 0.95, steps), 0);
    CHECK_EQ(et_timed_curve(TRIALS, 0, 0.95, steps), 0);
}

int main(void)
{
    RUN(who_is_slower_than_the_reference_has_less_of_it);
    RUN(an_hour_holds_failures_and_resets_too);
    RUN(the_curve_rises_where_somebody_succeeds);
    RUN(the_curve_of_the_classic_example_is_the_textbooks);
    RUN(where_all_succeed_it_ends_at_one_and_where_none_does_it_is_empty);
    return tap_end();
}
