/* A recording's samples in one temporary file, by stream and number. */
#include "curate/curate__spool.h"

#include "etude/file.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

static struct et__spool_time time_of(size_t i_stream, size_t k)
{
    return (struct et__spool_time){.t_arrival_ns = (int64_t)(k * 1000 + i_stream),
                                   .t_device_ns = -(int64_t)k,
                                   .sequence = (uint32_t)k,
                                   .has_sequence = k % 2};
}

static double value_of(size_t i_stream, size_t k, size_t j)
{
    return (double)(i_stream * 1000000 + k) + (double)j / 64;
}

static size_t n_names(const char *folder)
{
    const char *const *names;
    size_t n = 99;
    struct et_arena *arena = NULL;
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_dir_list(folder, arena, &names, &n, &err));
    et_arena_close(arena);
    return n;
}

// Pictures, one value, many, very many; numbers of samples around a block's.
static const size_t WIDTH[] = {0, 1, 7, 5000, 3};
enum { N_STREAMS = 5 };
static const size_t N[N_STREAMS] = {20000, 8193, 3277, 40, 0};

static struct et__spool *filled(const char *folder)
{
    struct et__spool *spool = NULL;
    double *values = malloc(5000 * sizeof *values);
    CHECK_OK(et_dir_make(folder, &err));
    CHECK_OK(et__spool_open(&spool, folder, WIDTH, N_STREAMS, &err));
    for (size_t k = 0; spool && k < 20000; k++) {
        for (size_t i = 0; i < N_STREAMS; i++) {
            const struct et__spool_time time = time_of(i, k);
            if (k >= N[i])
                continue;
            for (size_t j = 0; j < WIDTH[i]; j++)
                values[j] = value_of(i, k, j);
            CHECK_OK(et__spool_add(spool, i, &time, WIDTH[i] ? values : NULL, &err));
        }
    }
    free(values);
    CHECK_OK(et__spool_seal(spool, &err));
    return spool;
}

static void the_file_has_no_name(void)
{
    const char *folder = temp_path("spool");
    struct et__spool *a = filled(folder), *b = filled(folder);
    CHECK_EQ(n_names(folder), 0);
    CHECK(et__spool_bytes(a) > 20000 * 24);
    et__spool_close(a);
    et__spool_close(b);
    et__spool_close(NULL);
}

static void check_range(struct et__spool *spool, size_t i, size_t first, size_t n)
{
    struct et__spool_time *times = malloc((n + 1) * sizeof *times);
    double *values = malloc((n * WIDTH[i] + 1) * sizeof *values);
    bool is_same = true;
    times[n] = time_of(9, 9);
    values[n * WIDTH[i]] = -1;
    CHECK_OK(et__spool_times(spool, i, first, n, times, &err));
    CHECK_OK(et__spool_values(spool, i, first, n, values, &err));
    for (size_t k = 0; k < n; k++) {
        const struct et__spool_time wanted = time_of(i, first + k);
        is_same = is_same && memcmp(&times[k], &wanted, sizeof wanted) == 0;
        for (size_t j = 0; j < WIDTH[i]; j++)
            is_same = is_same && values[k * WIDTH[i] + j] == value_of(i, first + k, j);
    }
    if (!CHECK(is_same))
        printf("#   stream %zu, %zu from %zu\n", i, n, first);
    CHECK(times[n].t_arrival_ns == 9009 && values[n * WIDTH[i]] == -1); // and no more
    free(times);
    free(values);
}

static void any_stretch_comes_back(void)
{
    struct et__spool *spool = filled(temp_path("spool"));
    struct rng rng = {3};
    for (size_t i = 0; i < N_STREAMS; i++) {
        CHECK_EQ(et__spool_n(spool, i), N[i]);
        check_range(spool, i, 0, N[i]);
        check_range(spool, i, N[i], 0);
        check_range(spool, i, 0, 0);
        for (int k = 0; k < 100 && N[i] > 0; k++) {
            const size_t first = rng_next(&rng) % N[i];
            check_range(spool, i, first, rng_next(&rng) % (N[i] - first + 1) % 5000);
        }
    }
    et__spool_close(spool);
}

static void every_so_many_samples_come_back(void)
{
    static const size_t STEPS[] = {1, 2, 3, 7, 100, 8191, 8192, 8193};
    struct et__spool *spool = filled(temp_path("spool"));
    for (size_t i = 1; i < N_STREAMS; i++) {
        for (size_t s = 0; s < sizeof STEPS / sizeof *STEPS; s++) {
            const size_t step = STEPS[s], n = (N[i] + step - 1) / step;
            double *values = malloc((n * WIDTH[i] + 1) * sizeof *values);
            bool is_same = true;
            CHECK_OK(et__spool_every(spool, i, step, n, values, &err));
            for (size_t k = 0; k < n; k++)
                for (size_t j = 0; j < WIDTH[i]; j++)
                    is_same = is_same && values[k * WIDTH[i] + j] == value_of(i, k * step, j);
            CHECK(is_same);
            free(values);
        }
    }
    et__spool_close(spool);
}

static void no_folder_is_said(void)
{
    struct et__spool *spool = NULL;
    char many[5000];
    memset(many, 'p', sizeof many - 1);
    many[sizeof many - 1] = 0;
    CHECK(et__spool_open(&spool, temp_path("none/there"), WIDTH, N_STREAMS, &err) < 0 && !spool);
    CHECK_EQ(et__spool_open(&spool, many, WIDTH, N_STREAMS, &err), ET_EARG);
    CHECK_OK(et_dir_make(temp_path("empty"), &err));
    CHECK_OK(et__spool_open(&spool, temp_path("empty"), NULL, 0, &err));
    CHECK_OK(et__spool_seal(spool, &err));
    CHECK_EQ(et__spool_bytes(spool), 0);
    et__spool_close(spool);
}

int main(void)
{
    RUN(the_file_has_no_name);
    RUN(any_stretch_comes_back);
    RUN(every_so_many_samples_come_back);
    RUN(no_folder_is_said);
    return tap_end();
}
