/* Comparisons: against numbers found before, by many of them, and by hand. */
#include "etude/exam_compare.h"

#include "etude/random.h"
#include "tap.h"

#include <math.h>
#include <string.h>

static struct et_err err;

/* Mean pairs, one-sided at 0.05 and 0.01, as they were computed before, in another way. */
static void it_takes_as_many_pairs_as_was_found(void)
{
    static const struct {
        double first, second;
        int at_5, at_1;
    } CASES[] = {
        {.95, .85, 127, 187}, {.90, .80, 187, 277}, {.80, .60, 77, 114}, {.70, .50, 89, 132}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct et_pairs_outlook o;
        CHECK_OK(et_pairs_outlook(CASES[i].first, CASES[i].second, 0.05, 3000, &o, &err));
        CHECK_NEAR(o.trials, CASES[i].at_5, 0.51);
        CHECK(o.says > 0.999);
        CHECK_OK(et_pairs_outlook(CASES[i].first, CASES[i].second, 0.01, 3000, &o, &err));
        CHECK_NEAR(o.trials, CASES[i].at_1, 0.51);
    }
}

static void who_is_no_better_is_called_so_no_more_often_than_alpha(void)
{
    static const double SHARES[] = {0.05, 0.5, 0.9};
    struct et_pairs_outlook o;
    for (size_t i = 0; i < 3; i++) { // exactly, after any number of pairs up to a thousand
        CHECK_OK(et_pairs_outlook(SHARES[i], SHARES[i], 0.05, 1000, &o, &err));
        printf("# both %.2f: %.4f\n", SHARES[i], o.says);
        CHECK(o.says <= 0.05);
        CHECK(o.says > 0.005);
    }
    CHECK_OK(et_pairs_outlook(0.5, 0.6, 0.05, 1000, &o, &err));
    CHECK(o.says < 0.005);
    CHECK_OK(et_pairs_outlook(1, 1, 0.05, 100, &o, &err)); // nothing differs, ever
    CHECK_NEAR(o.says, 0, 1e-15);
    CHECK_NEAR(o.trials, 100, 1e-9);
}

/* Both ways together, by 1e5 comparisons of two that are alike. */
static void either_is_called_better_wrongly_no_more_often_than_alpha(void)
{
    enum { PAIRS = 60 };
    static bool says[PAIRS + 1][PAIRS + 1];
    size_t n_said = 0;
    for (uint64_t i = 0; i <= PAIRS; i++)
        for (uint64_t k = 0; k + i <= PAIRS; k++)
            says[i][k] = et_pairs_verdict(&(struct et_pairs){0, i, k, 0}, 0.1) != ET_EXAM_GOES_ON;
    for (uint64_t k = 0; k < 100000; k++) {
        const uint64_t key = et_random_key(5, k);
        size_t n_first = 0, n_second = 0;
        for (uint64_t i = 0; i < PAIRS && !says[n_first][n_second]; i++) {
            const bool first = et_random_uniform(key, 2 * i) < 0.6;
            const bool second = et_random_uniform(key, 2 * i + 1) < 0.6;
            n_first += first && !second;
            n_second += second && !first;
        }
        n_said += says[n_first][n_second];
    }
    printf("# %.4f\n", (double)n_said / 1e5);
    CHECK(n_said <= 10000 + 3 * 95);
    CHECK(n_said > 1000);
}

static void what_is_said_of_one_is_the_others_swapped(void)
{
    const struct et_pairs better = {100, 30, 4, 10}, worse = et_pairs_swapped(&better);
    CHECK_EQ(et_pairs_verdict(&better, 0.05), ET_EXAM_PASSED);
    CHECK_EQ(et_pairs_verdict(&worse, 0.05), ET_EXAM_FAILED);
    CHECK_EQ(worse.n_both, 100);
    CHECK_EQ(worse.n_first, 4);
    CHECK_EQ(et_pairs_verdict(&(struct et_pairs){500, 2, 1, 500}, 0.05), ET_EXAM_GOES_ON);
}

static void holm_refuses_the_least_first(void)
{
    static const double P[] = {0.04, 0.001, 0.013, 0.02};
    bool is_refused[4];
    et_holm(P, 4, 0.05, is_refused); // 0.0125, 0.0167, 0.025, 0.05
    CHECK(is_refused[0] && is_refused[1] && is_refused[2] && is_refused[3]);
    static const double Q[] = {0.04, 0.001, 0.017, 0.001};
    et_holm(Q, 4, 0.05, is_refused); // 0.017 ≤ 0.025, 0.04 ≤ 0.05
    CHECK(is_refused[0] && is_refused[2]);
    static const double R[] = {0.04, 0.013, 0.03, (double)NAN};
    et_holm(R, 4, 0.05, is_refused); // 0.013 > 0.0125
    for (int i = 0; i < 4; i++)
        CHECK(!is_refused[i]);
}

static void two_share_a_letter_exactly_if_they_were_not_told_apart(void)
{
    char texts[ET_LETTERS_MAX][ET_LETTERS_MAX + 1];
    bool differs[16] = {0};
    CHECK_OK(et_compare_letters(differs, 1, texts, &err));
    CHECK_STR(texts[0], "a");
    // 0 differs from 2 and 3, 1 from 3.
    differs[0 * 4 + 2] = differs[2 * 4 + 0] = differs[0 * 4 + 3] = differs[3 * 4 + 0] = true;
    differs[1 * 4 + 3] = differs[3 * 4 + 1] = true;
    CHECK_OK(et_compare_letters(differs, 4, texts, &err));
    CHECK_STR(texts[0], "a");
    CHECK_STR(texts[1], "ab");
    CHECK_STR(texts[2], "bc");
    CHECK_STR(texts[3], "c");
    for (uint64_t k = 0; k < 2000; k++) { // any six
        bool any[36] = {0};
        for (size_t i = 0; i < 6; i++)
            for (size_t j = i + 1; j < 6; j++)
                any[i * 6 + j] = any[j * 6 + i] =
                    et_random_below(et_random_key(6, k), i * 6 + j, 2) == 1;
        CHECK_OK(et_compare_letters(any, 6, texts, &err));
        CHECK_EQ(texts[0][0], 'a');
        for (size_t i = 0; i < 6; i++)
            for (size_t j = i + 1; j < 6; j++)
                CHECK_EQ(strpbrk(texts[i], texts[j]) == NULL, any[i * 6 + j]);
    }
}

/* Three of each of nine kinds, told apart within their kind alone: 3⁹ groups. */
static void what_needs_more_letters_than_there_are_is_refused(void)
{
    static bool differs[ET_LETTERS_MAX * ET_LETTERS_MAX];
    char texts[ET_LETTERS_MAX][ET_LETTERS_MAX + 1];
    for (size_t i = 0; i < ET_LETTERS_MAX; i++)
        for (size_t k = 0; k < ET_LETTERS_MAX; k++)
            differs[i * ET_LETTERS_MAX + k] = i != k && i / 3 == k / 3;
    CHECK_EQ(et_compare_letters(differs, ET_LETTERS_MAX, texts, &err), ET_ELIMIT);
    CHECK_HAS(err.text, "more than 26 letters");
}

static void what_is_no_question_is_refused(void)
{
    struct et_pairs_outlook o;
    CHECK_EQ(et_pairs_outlook(1.1, 0.5, 0.05, 100, &o, &err), ET_EARG);
    CHECK_EQ(et_pairs_outlook(0.5, (double)NAN, 0.05, 100, &o, &err), ET_EARG);
    CHECK_EQ(et_pairs_outlook(0.5, 0.4, 0, 100, &o, &err), ET_EARG);
    CHECK_EQ(et_pairs_outlook(0.5, 0.4, 0.05, 0, &o, &err), ET_EARG);
    CHECK_EQ(et_pairs_outlook(0.5, 0.4, 0.05, ET_PAIRS_TRIALS_MAX + 1, &o, &err), ET_EARG);
}

int main(void)
{
    RUN(it_takes_as_many_pairs_as_was_found);
    RUN(who_is_no_better_is_called_so_no_more_often_than_alpha);
    RUN(either_is_called_better_wrongly_no_more_often_than_alpha);
    RUN(what_is_said_of_one_is_the_others_swapped);
    RUN(holm_refuses_the_least_first);
    RUN(two_share_a_letter_exactly_if_they_were_not_told_apart);
    RUN(what_needs_more_letters_than_there_are_is_refused);
    RUN(what_is_no_question_is_refused);
    return tap_end();
}
