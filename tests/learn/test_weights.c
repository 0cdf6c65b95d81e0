/* What was learned is read as it was written; a file that does not fit the network is told by the
 * parameter, and changes nothing. */
#include "learn/learn__weights.h"
#include "support.h"
#include "tap.h"

#include "etude/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct et_arena *arena;
static struct et_err err;

static struct et__params network(int width, bool has_more)
{
    struct et__params params;
    CHECK_OK(et__params_open(&params, arena, 8, &err));
    (void)et__param_add(&params, ET__PARAM_WEIGHT, width, 3, "model.in.weight");
    (void)et__param_add(&params, ET__PARAM_ZERO, 0, width, "model.in.bias");
    if (has_more)
        (void)et__param_add(&params, ET__PARAM_EMBEDDING, 2, 7, "model.more.weight");
    return params;
}

static float *values_of(const struct et__params *params, uint64_t seed)
{
    float *values = calloc(params->n_values, sizeof *values);
    et__params_begin(params, values, seed);
    return values;
}

static void what_was_written_is_read(void)
{
    const struct et__params params = network(5, true);
    float *a = values_of(&params, 1), *b = values_of(&params, 2);
    float *c = values_of(&params, 3), *d = values_of(&params, 4);
    const char *path = temp_path("both.safetensors");
    CHECK_OK(et__weights_write(path, &params, (const struct et__weights[]){{"", a}, {"second/", b}},
                               2, &err));
    CHECK_OK(et__weights_read(path, &params, (const struct et__weights[]){{"second/", d}, {"", c}},
                              2, &err));
    CHECK(memcmp(a, c, params.n_values * sizeof *a) == 0);
    CHECK(memcmp(b, d, params.n_values * sizeof *a) == 0);
    free(a);
    free(b);
    free(c);
    free(d);
}

static void a_file_with_more_is_read_one_with_less_is_not(void)
{
    const struct et__params large = network(5, true), small = network(5, false);
    float *a = values_of(&large, 1), *b = values_of(&small, 2);
    const char *path = temp_path("large.safetensors");
    CHECK_OK(et__weights_write(path, &large, &(struct et__weights){"", a}, 1, &err));
    CHECK_OK(et__weights_read(path, &small, &(struct et__weights){"", b}, 1, &err));
    CHECK(memcmp(a, b, small.n_values * sizeof *a) == 0);
    path = temp_path("small.safetensors");
    CHECK_OK(et__weights_write(path, &small, &(struct et__weights){"", b}, 1, &err));
    CHECK(et__weights_read(path, &large, &(struct et__weights){"", a}, 1, &err) == ET_ECORRUPT);
    CHECK_HAS(err.text, "small.safetensors: has no model.more.weight");
    CHECK(et__weights_read(path, &small, &(struct et__weights){"ema/", b}, 1, &err) == ET_ECORRUPT);
    CHECK_HAS(err.text, "has no ema/model.in.weight");
    CHECK(et__weights_read(temp_path("none"), &small, &(struct et__weights){"", b}, 1, &err) ==
          ET_ENOTFOUND);
    free(a);
    free(b);
}

static void another_shape_is_told_and_changes_nothing(void)
{
    const struct et__params five = network(5, true), six = network(6, true);
    float *a = values_of(&five, 1), *b = values_of(&six, 2), *kept = values_of(&six, 2);
    const char *path = temp_path("five.safetensors");
    CHECK_OK(et__weights_write(path, &five, &(struct et__weights){"", a}, 1, &err));
    CHECK(et__weights_read(path, &six, &(struct et__weights){"", b}, 1, &err) == ET_ECORRUPT);
    CHECK_HAS(err.text, "five.safetensors: model.in.weight is 5 × 3, the network's is 6 × 3");
    CHECK(memcmp(b, kept, six.n_values * sizeof *b) == 0);
    free(a);
    free(b);
    free(kept);
}

static void what_is_no_number_is_told_and_changes_nothing(void)
{
    const struct et__params params = network(5, true);
    float *a = values_of(&params, 1), *b = values_of(&params, 2), *kept = values_of(&params, 2);
    const char *path = temp_path("nan.safetensors");
    a[params.items[2].at + 9] = NAN;
    CHECK_OK(et__weights_write(path, &params, &(struct et__weights){"", a}, 1, &err));
    CHECK(et__weights_read(path, &params, &(struct et__weights){"", b}, 1, &err) == ET_ECORRUPT);
    CHECK_HAS(err.text, "value 9 of model.more.weight is no number");
    CHECK(memcmp(b, kept, params.n_values * sizeof *b) == 0);
    free(a);
    free(b);
    free(kept);
}

static void a_file_that_was_cut_or_flipped_is_refused_or_read(void)
{
    const struct et__params params = network(2, false);
    float *a = values_of(&params, 1), *b = values_of(&params, 2);
    const char *path = temp_path("cut.safetensors");
    size_t n = 0;
    CHECK_OK(et__weights_write(path, &params, &(struct et__weights){"", a}, 1, &err));
    char *bytes = read_file(path, &n);
    CHECK(n > 100);
    for (size_t i = 0; i < n; i++) {
        write_file(path, bytes, i);
        CHECK(et__weights_read(path, &params, &(struct et__weights){"", b}, 1, &err) ==
              ET_ECORRUPT);
    }
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= 4;
        write_file(path, bytes, n);
        const enum et_status st =
            et__weights_read(path, &params, &(struct et__weights){"", b}, 1, &err);
        CHECK(st == ET_OK || st == ET_ECORRUPT || st == ET_EUNSUPPORTED || st == ET_ELIMIT);
        bytes[i] ^= 4;
    }
    free(bytes);
    free(a);
    free(b);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    RUN(what_was_written_is_read);
    RUN(a_file_with_more_is_read_one_with_less_is_not);
    RUN(another_shape_is_told_and_changes_nothing);
    RUN(what_is_no_number_is_told_and_changes_nothing);
    RUN(a_file_that_was_cut_or_flipped_is_refused_or_read);
    et_arena_close(arena);
    return tap_end();
}
