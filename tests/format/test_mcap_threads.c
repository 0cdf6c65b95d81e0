/* MCAP written with threads: the same bytes, also when it is left half done. */
#include "mcap_sample.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

static void threads_change_no_byte(void)
{
    struct et_pool *pool = NULL;
    size_t n_one = 0, n_two = 0;
    struct sample s = {.n_messages = 5000, .data_bytes = 300, .options.chunk_bytes = 20000};
    CHECK_OK(et_pool_open(&pool, 2, &err));
    CHECK(sample_write(temp_path("one.mcap"), &s));
    s.options.pool = pool;
    CHECK(sample_write(temp_path("two.mcap"), &s));
    char *one = read_file(temp_path("one.mcap"), &n_one),
         *two = read_file(temp_path("two.mcap"), &n_two);
    CHECK(n_one == n_two && memcmp(one, two, n_one) == 0);
    free(one);
    free(two);
    et_pool_close(pool);
}

// A writer that is closed while its threads work frees nothing under them.
static void closes_in_the_middle(void)
{
    struct et_pool *pool = NULL;
    const struct et_mcap_channel channel = {1, 0, ET_STR("/t"), ET_STR("cdr"), NULL, 0};
    const char *path = temp_path("half.mcap");
    CHECK_OK(et_pool_open(&pool, 3, &err));
    for (size_t n = 0; n < 40; n++) {
        struct et_mcap_writer *w;
        const struct et_mcap_write_options options = {.chunk_bytes = 2000, .pool = pool};
        (void)remove(path);
        CHECK_OK(et_mcap_create(&w, path, &options, &err));
        CHECK_OK(et_mcap_add_channel(w, &channel, &err));
        const struct sample s = {.n_messages = 1000, .data_bytes = 100};
        for (size_t k = 0; k < n * 25; k++) {
            struct et_mcap_message message = sample_message(&s, k);
            message.channel_id = 1;
            CHECK_OK(et_mcap_write(w, &message, &err));
        }
        et_mcap_writer_close(w);
    }
    et_pool_close(pool);
}

int main(void)
{
    RUN(threads_change_no_byte);
    RUN(closes_in_the_middle);
    return tap_end();
}
