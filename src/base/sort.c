#include "base/base__sort.h"
#include "etude/stats.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Introsort (Musser 1997): quicksort by the median of three, a heap where that goes wrong, because
 * the values may come from a file that was made to be slow; insertion for short runs. */

#define SHORT_RUN 24

// Ranges wait on a stack of this height at most: the smaller part is always done first.
#define STACK_MAX 64

static void swap(double *a, double *b)
{
    const double x = *a;
    *a = *b;
    *b = x;
}

static void insertion_sort(double *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const double x = v[i];
        size_t k = i;
        for (; k > 0 && v[k - 1] > x; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

static void sift_down(double *v, size_t n, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && v[child + 1] > v[child])
            child++;
        if (v[i] >= v[child])
            return;
        swap(&v[i], &v[child]);
    }
}

static void heap_sort(double *v, size_t n)
{
    for (size_t i = n / 2; i > 0; i--)
        sift_down(v, n, i - 1);
    for (size_t i = n; i > 1; i--) {
        swap(&v[0], &v[i - 1]);
        sift_down(v, i - 1, 0);
    }
}

/* Hoare's partition of n ≥ 3 values around the median of three. Returns the number of values in the
 * left part, 1 to n − 1; none of them is larger than any in the right part. */
static size_t partition(double *v, size_t n)
{
    double *middle = &v[n / 2];
    if (*middle < v[0])
        swap(middle, &v[0]);
    if (v[n - 1] < *middle)
        swap(&v[n - 1], middle);
    if (*middle < v[0])
        swap(middle, &v[0]);

    const double pivot = *middle;
    size_t i = 0, k = n - 1; // v[0] and v[n − 1] stand right already, and stop both walks
    for (;;) {
        do
            i++;
        while (v[i] < pivot);
        do
            k--;
        while (v[k] > pivot);
        if (i >= k)
            return i;
        swap(&v[i], &v[k]);
    }
}

static int depth_limit(size_t n)
{
    int depth = 0;
    for (; n > 0; n /= 2)
        depth += 2;
    return depth;
}

static void sort_range(double *values, size_t n_values)
{
    struct range {
        double *v;
        size_t n;
        int depth;
    } stack[STACK_MAX] = {{values, n_values, depth_limit(n_values)}};

    for (size_t n_stack = 1; n_stack > 0;) {
        struct range r = stack[--n_stack];
        while (r.n > SHORT_RUN && r.depth-- > 0) {
            const size_t n_left = partition(r.v, r.n);
            struct range left = {r.v, n_left, r.depth},
                         right = {r.v + n_left, r.n - n_left, r.depth};
            assert(n_left > 0 && n_left < r.n && n_stack < STACK_MAX);
            stack[n_stack++] = n_left > right.n ? left : right;
            r = n_left > right.n ? right : left;
        }
        if (r.n > SHORT_RUN)
            heap_sort(r.v, r.n);
        else
            insertion_sort(r.v, r.n);
    }
}

void et_sort_doubles(double *values, size_t n)
{
    // NaN compares with nothing, so it goes to the end first.
    size_t n_numbers = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            swap(&values[n_numbers++], &values[i]);
    sort_range(values, n_numbers);
}

void et__select(double *values, size_t n, size_t k)
{
    assert(k < n);
    for (int depth = depth_limit(n); n > SHORT_RUN && depth > 0; depth--) {
        const size_t n_left = partition(values, n);
        if (k < n_left) {
            n = n_left;
        } else {
            values += n_left;
            n -= n_left;
            k -= n_left;
        }
    }
    sort_range(values, n);
}

/* ---- floats ---- */

#define N_DIGITS 4 // of eight bits each

// The values' bits, mapped so that they sort as the values do; and how often each digit occurs.
static void take_keys(const float *values, size_t n, uint32_t *keys, uint32_t counts[N_DIGITS][256])
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        const uint32_t key = bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
        keys[i] = key;
        for (unsigned d = 0; d < N_DIGITS; d++)
            counts[d][key >> 8 * d & 255]++;
    }
}

/* By their bits, eight at a time from the lowest: linear, and no comparison to guess wrong. */
void et_sort_floats(float *values, size_t n, uint32_t *scratch)
{
    uint32_t counts[N_DIGITS][256] = {0}, *from = scratch, *to = scratch + n;

    assert(n <= UINT32_MAX);
    take_keys(values, n, from, counts);
    for (unsigned d = 0; n > 0 && d < N_DIGITS; d++) {
        uint32_t *const places = counts[d], place = 0;
        if (places[from[0] >> 8 * d & 255] == n)
            continue; // all alike in this digit
        for (size_t k = 0; k < 256; k++) {
            const uint32_t count = places[k];
            places[k] = place;
            place += count;
        }
        for (size_t i = 0; i < n; i++)
            to[places[from[i] >> 8 * d & 255]++] = from[i];
        uint32_t *const other = from;
        from = to;
        to = other;
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = from[i] >> 31 ? from[i] & ~(UINT32_C(1) << 31) : ~from[i];
        memcpy(&values[i], &bits, sizeof bits);
    }
}
