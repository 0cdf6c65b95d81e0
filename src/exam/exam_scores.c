#include "etude/exam_scores.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define MOST 0.5    // share of what one has that a bet risks at most (c of eq. 26)
#define N_MEANS 999 // that the interval bets against: a thousandth apart

struct et_bet et_bet(double mean, double alpha)
{
    assert(mean > 0 && mean < 1 && alpha > 0 && alpha < 1);
    return (struct et_bet){.mean = mean, .alpha = alpha};
}

/* How much the next score is bet on, from those before it (eq. 26): with one more score of ½, and a
 * variance of ¼, than there were. */
static double stake(const struct et_bet *bet)
{
    const double t = (double)(bet->n + 1);
    const double variance = (0.25 + bet->sum_squares) / t;
    return sqrt(2 * log(2 / bet->alpha) / (variance * t * log(1 + t)));
}

static void grow(struct et_bet *bet, double stake_now, double score)
{
    const double off = score - bet->mean;
    bet->log_above += log1p(fmin(stake_now, MOST / bet->mean) * off);
    bet->log_below += log1p(-fmin(stake_now, MOST / (1 - bet->mean)) * off);
}

static void learn(struct et_bet *bet, double score)
{
    bet->n++;
    bet->sum += score;
    const double mean = (0.5 + bet->sum) / (double)(bet->n + 1);
    bet->sum_squares += (score - mean) * (score - mean);
}

void et_bet_add(struct et_bet *bet, double score)
{
    assert(score >= 0 && score <= 1);
    grow(bet, stake(bet), score);
    learn(bet, score);
}

/* ---- an interval ---- */

struct et_score_interval {
    struct et_bet seen; // what was learned of the scores is the same for all
    double above[N_MEANS], below[N_MEANS];
    struct et_interval now;
};

static double mean_at(size_t i)
{
    return (double)(i + 1) / (N_MEANS + 1);
}

enum et_status et_score_interval_open(struct et_score_interval **interval, double alpha,
                                      struct et_err *err)
{
    assert(alpha > 0 && alpha < 1);
    *interval = calloc(1, sizeof **interval);
    if (!*interval)
        return et_fail(err, ET_ENOMEM, -1, "out of memory for an interval of scores");
    (*interval)->seen = et_bet(0.5, alpha);
    (*interval)->now = (struct et_interval){0, 1};
    return ET_OK;
}

void et_score_interval_close(struct et_score_interval *interval)
{
    free(interval);
}

void et_score_interval_add(struct et_score_interval *interval, double score)
{
    assert(score >= 0 && score <= 1);
    const double wanted = log(2 / interval->seen.alpha), stake_now = stake(&interval->seen);
    for (size_t i = 0; i < N_MEANS; i++) {
        struct et_bet bet = {.mean = mean_at(i)};
        grow(&bet, stake_now, score);
        interval->above[i] += bet.log_above;
        interval->below[i] += bet.log_below;
    }
    learn(&interval->seen, score);
    // What was refused once stays so.
    struct et_interval *now = &interval->now;
    for (size_t i = 0; i < N_MEANS && interval->above[i] >= wanted; i++)
        now->low = fmax(now->low, mean_at(i));
    for (size_t i = N_MEANS; i > 0 && interval->below[i - 1] >= wanted; i--)
        now->high = fmin(now->high, mean_at(i - 1));
}

struct et_interval et_score_interval_now(const struct et_score_interval *interval)
{
    return interval->now;
}
