/* Bets on scores: fair ones do not grow, and intervals hold the truth. */
#include "etude/exam_scores.h"

#include "etude/random.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define EXAMS 20000
#define SCORES 200

static struct et_err err;

/* What a trial may score: nothing, a part, all. */
static double draw(uint64_t key, uint64_t i, double mean)
{
    const double x = et_random_uniform(key, i);
    return x < mean / 2 ? 1 : x < mean * 1.5 ? 0.5 : 0; // of mean `mean` as long as that is ≤ 2/3
}

static void a_fair_bet_has_the_same_mean_after_any_score(void)
{
    struct et_bet bet = et_bet(0.4, 0.05);
    for (int i = 0; i < 30; i++) {
        struct et_bet won = bet, lost = bet;
        et_bet_add(&won, 1);
        et_bet_add(&lost, 0);
        CHECK_NEAR(0.4 * exp(won.log_above) + 0.6 * exp(lost.log_above), exp(bet.log_above),
                   1e-12 * exp(bet.log_above));
        CHECK_NEAR(0.4 * exp(won.log_below) + 0.6 * exp(lost.log_below), exp(bet.log_below),
                   1e-12 * exp(bet.log_below));
        bet = i % 3 ? lost : won;
    }
}

/* A hundred thousand would take a minute under sanitizers; the bound is three deviations wider. */
static void who_is_no_better_passes_no_more_often_than_alpha(void)
{
    size_t n_passed = 0;
    for (uint64_t k = 0; k < EXAMS; k++) {
        struct et_bet bet = et_bet(0.6, 0.05);
        bool passed = false;
        for (uint64_t i = 0; i < SCORES && !passed; i++) {
            et_bet_add(&bet, draw(et_random_key(1, k), i, 0.6));
            passed = bet.log_above >= log(1 / 0.05);
        }
        n_passed += passed;
    }
    const double share = (double)n_passed / EXAMS;
    printf("# %.4f passed\n", share);
    CHECK(share > 0.005); // the bet is one
    CHECK(share <= 0.05 + 3 * sqrt(0.05 * 0.95 / EXAMS));
}

static void who_is_better_passes(void)
{
    size_t n_passed = 0, n_scores = 0;
    for (uint64_t k = 0; k < 500; k++) {
        struct et_bet bet = et_bet(0.5, 0.05);
        uint64_t i = 0;
        while (i < 1000 && bet.log_above < log(1 / 0.05))
            et_bet_add(&bet, draw(et_random_key(2, k), i++, 0.65));
        n_passed += bet.log_above >= log(1 / 0.05);
        n_scores += i;
    }
    printf("# %zu of 500, after %.0f scores\n", n_passed, (double)n_scores / 500);
    CHECK(n_passed >= 495);
    CHECK(n_scores < 500 * 200);
}

static void the_interval_holds_the_mean_and_narrows(void)
{
    size_t n_missed = 0;
    double width = 0;
    for (uint64_t k = 0; k < 400; k++) {
        struct et_score_interval *interval = NULL;
        CHECK_OK(et_score_interval_open(&interval, 0.05, &err));
        if (!interval)
            exit(1);
        struct et_interval before = et_score_interval_now(interval);
        for (uint64_t i = 0; i < SCORES; i++) {
            et_score_interval_add(interval, draw(et_random_key(3, k), i, 0.6));
            const struct et_interval now = et_score_interval_now(interval);
            CHECK(now.low >= before.low && now.high <= before.high);
            before = now;
        }
        n_missed += before.low > 0.6 || before.high < 0.6; // at any time: what is out stays out
        width += before.high - before.low;
        et_score_interval_close(interval);
    }
    printf("# %zu of 400 missed it; %.3f wide\n", n_missed, width / 400);
    CHECK(n_missed <= 33); // 20, and three deviations
    CHECK(width / 400 < 0.25);
}

static void the_interval_is_where_no_bet_has_won(void)
{
    struct et_score_interval *interval = NULL;
    struct et_bet low = et_bet(0.75, 0.1), high = et_bet(0.95, 0.1);
    CHECK_OK(et_score_interval_open(&interval, 0.1, &err));
    if (!interval)
        exit(1);
    for (uint64_t i = 0; i < 100; i++) {
        const double score = 0.8 + 0.1 * et_random_uniform(4, i);
        et_score_interval_add(interval, score);
        et_bet_add(&low, score);
        et_bet_add(&high, score);
        const struct et_interval now = et_score_interval_now(interval);
        CHECK_EQ(now.low >= 0.75, low.log_above >= log(20));
        CHECK_EQ(now.high <= 0.95, high.log_below >= log(20));
    }
    const struct et_interval now = et_score_interval_now(interval);
    CHECK(now.low > 0.75 && now.low < 0.85 && now.high > 0.85 && now.high < 0.95);
    et_score_interval_close(interval);
}

int main(void)
{
    RUN(a_fair_bet_has_the_same_mean_after_any_score);
    RUN(who_is_no_better_passes_no_more_often_than_alpha);
    RUN(who_is_better_passes);
    RUN(the_interval_holds_the_mean_and_narrows);
    RUN(the_interval_is_where_no_bet_has_won);
    return tap_end();
}
