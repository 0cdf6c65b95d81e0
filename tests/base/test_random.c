// Numbers by number are the same always, spread as they should, and orders have every place once.
#include "etude/random.h"
#include "tap.h"

#include <stdlib.h>

#define N 100000

static void the_same_key_and_number_give_the_same_bits(void)
{
    const uint64_t key = et_random_key(et_random_key(7, 1), 2);
    CHECK(et_random_bits(key, 5) == et_random_bits(key, 5));
    CHECK(et_random_bits(key, 5) != et_random_bits(key, 6));
    CHECK(et_random_key(7, 1) != et_random_key(7, 2));
    CHECK(et_random_key(7, 1) != et_random_key(1, 7));
    CHECK(et_random_key(0, 0) != 0);
    // splitmix64 of seed 0 begins so (Vigna's splitmix64.c).
    CHECK(et_random_bits(0, 0) == UINT64_C(0xE220A8397B1DCDAF));
    CHECK(et_random_bits(0, 1) == UINT64_C(0x6E789E6AA1B965F4));
}

static void uniform_numbers_are_uniform_and_those_below_n_fair(void)
{
    const uint64_t key = et_random_key(1, 0);
    int tenths[10] = {0}, sevenths[7] = {0};
    double sum = 0;
    for (uint64_t i = 0; i < N; i++) {
        const double u = et_random_uniform(key, i);
        CHECK(u >= 0 && u < 1);
        tenths[(int)(10 * u)]++;
        sevenths[et_random_below(key, i, 7)]++;
        sum += u;
    }
    CHECK_NEAR(sum / N, 0.5, 0.005);
    for (int k = 0; k < 10; k++)
        CHECK_NEAR(tenths[k], N / 10.0, 500); // 5 sigma
    for (int k = 0; k < 7; k++)
        CHECK_NEAR(sevenths[k], N / 7.0, 550);
    CHECK_EQ(et_random_below(key, 3, 1), 0);
}

static void normal_numbers_have_their_moments_and_tails(void)
{
    const uint64_t key = et_random_key(2, 0);
    double m1 = 0, m2 = 0, m4 = 0;
    int beyond = 0;
    for (uint64_t i = 0; i < N; i++) {
        const double x = et_random_normal(key, i);
        CHECK(isfinite(x));
        m1 += x / N;
        m2 += x * x / N;
        m4 += x * x * x * x / N;
        beyond += fabs(x) > 2;
    }
    CHECK_NEAR(m1, 0, 0.016);
    CHECK_NEAR(m2, 1, 0.023);
    CHECK_NEAR(m4, 3, 0.16);
    CHECK_NEAR(beyond / (double)N, 0.0455, 0.0033);
}

static void an_order_has_every_place_once_and_another_key_gives_another(void)
{
    for (uint64_t n = 1; n < 300; n += n < 20 ? 1 : 37) {
        char *seen = calloc(n, 1);
        size_t n_same = 0;
        for (uint64_t i = 0; i < n; i++) {
            const uint64_t at = et_random_place(9, i, n);
            CHECK(at < n && !seen[at]);
            seen[at] = 1;
            n_same += at == et_random_place(10, i, n);
        }
        CHECK(n < 20 || n_same < 12);
        free(seen);
    }
    CHECK(et_random_place(9, 12345, UINT64_C(1) << 40) < UINT64_C(1) << 40);
}

// Which of 4! orders of four things a key gives: all about as often.
static void orders_of_few_things_are_all_as_likely(void)
{
    int counts[256] = {0}, n_orders = 0;
    for (uint64_t key = 0; key < 24000; key++) {
        int order = 0;
        for (uint64_t i = 0; i < 4; i++)
            order = 4 * order + (int)et_random_place(et_random_key(key, 3), i, 4);
        counts[order]++;
    }
    for (int k = 0; k < 256; k++) {
        n_orders += counts[k] > 0;
        CHECK(counts[k] == 0 || (counts[k] > 500 && counts[k] < 1500));
    }
    CHECK_EQ(n_orders, 24);
}

int main(void)
{
    RUN(the_same_key_and_number_give_the_same_bits);
    RUN(uniform_numbers_are_uniform_and_those_below_n_fair);
    RUN(normal_numbers_have_their_moments_and_tails);
    RUN(an_order_has_every_place_once_and_another_key_gives_another);
    RUN(orders_of_few_things_are_all_as_likely);
    return tap_end();
}
