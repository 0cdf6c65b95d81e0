// A writer whose bytes somebody else takes, and the filling that lets them begin on a block.
#include "mcap_made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

/* What was put, and how many bytes may be before it fails. */
struct taken {
    struct et_buf bytes;
    size_t limit;
};

static enum et_status take(void *ctx, const void *bytes, size_t n_bytes, struct et_err *e)
{
    struct taken *taken = ctx;
    if (taken->limit && taken->bytes.n + n_bytes > taken->limit)
        return et_fail(e, ET_EIO, -1, "the sink is full");
    et_buf_put(&taken->bytes, bytes, n_bytes);
    return et_buf_check(&taken->bytes, "what was put", e);
}

static void a_sink_takes_the_bytes_that_a_file_would(void)
{
    struct sample s;
    struct et_pool *pool;
    sample_make(&s, 1500, 5, 300);
    CHECK_OK(et_pool_open(&pool, 3, &err));
    for (int has_pool = 0; has_pool < 2; has_pool++)
        for (int has_chunks = 0; has_chunks < 2; has_chunks++) {
            struct taken taken = {.bytes = et_buf((size_t)16 << 20)};
            struct et_mcap_write_options options = {.chunk_bytes = 5000,
                                                    .without_chunks = !has_chunks,
                                                    .pool = has_pool ? pool : NULL,
                                                    .should_sync = true};
            struct et_mcap_writer *writer;
            size_t n = 0;
            const char *path = temp_path("file.mcap"), *none = temp_path("none.mcap");
            CHECK_OK(sample_write(&s, path, &options, &err));
            options.sink = (struct et_mcap_sink){take, &taken};
            CHECK_OK(et_mcap_create(&writer, none, &options, &err));
            CHECK_OK(sample_put(&s, writer, 0, &err));
            CHECK_OK(et_mcap_finish(writer, &err));
            CHECK(!file_exists(none));
            char *want = read_file(path, &n);
            CHECK_EQ(taken.bytes.n, n);
            CHECK(want && n == taken.bytes.n && memcmp(want, taken.bytes.p, n) == 0);
            free(want);
            et_buf_free(&taken.bytes);
        }
    et_pool_close(pool);
    sample_free(&s);
}

static void a_sink_that_fails_breaks_the_writer(void)
{
    struct sample s;
    struct taken taken = {.bytes = et_buf((size_t)16 << 20), .limit = 20000};
    const struct et_mcap_write_options options = {.chunk_bytes = 5000, .sink = {take, &taken}};
    struct et_mcap_writer *writer;
    sample_make(&s, 1500, 5, 300);
    CHECK_OK(et_mcap_create(&writer, "station 3", &options, &err));
    CHECK_EQ(sample_put(&s, writer, 0, &err), ET_EIO);
    CHECK_HAS(err.text, "the sink is full");
    CHECK_EQ(et_mcap_flush(writer, &err), ET_EIO);
    CHECK_HAS(err.text, "station 3: writing has failed before");
    et_mcap_writer_close(writer);
    et_buf_free(&taken.bytes);
    sample_free(&s);
}

#define HEAD_BYTES 9

/* Counts the fillers, and checks that each ends on a block. */
static size_t count_fillers(const char *path, size_t block)
{
    struct et_mcap_scan *scan;
    struct et_mcap_record record;
    enum et_status st;
    size_t n = 0;
    if (!CHECK(et_mcap_scan_open(&scan, path, &err) == ET_OK))
        return 0;
    while ((st = et_mcap_scan_next(scan, &record, &err)) == ET_OK) {
        if (record.op != ET_MCAP_FILLER)
            continue;
        n++;
        CHECK_EQ(((size_t)record.at + HEAD_BYTES + record.content.n) % block, 0);
        for (size_t i = 0; i < record.content.n; i++)
            if (!CHECK(record.content.p[i] == 0))
                break;
    }
    CHECK_EQ(st, ET_END);
    et_mcap_scan_close(scan);
    return n;
}

static void filling_ends_on_blocks_and_readers_pass_over_it(void)
{
    static const size_t BLOCKS[] = {32, 512, 4096};
    struct sample s;
    const char *path = temp_path("filled.mcap");
    sample_make(&s, 3000, 5, 40);
    for (size_t i = 0; i < sizeof BLOCKS / sizeof *BLOCKS; i++)
        for (int has_chunks = 0; has_chunks < 2; has_chunks++) {
            const struct et_mcap_write_options options = {.without_chunks = !has_chunks};
            struct et_mcap_writer *writer;
            struct et_mcap_reader *reader;
            s.fill_to = BLOCKS[i];
            remove(path);
            CHECK_OK(et_mcap_create(&writer, path, &options, &err));
            CHECK_OK(sample_put(&s, writer, 7, &err));
            CHECK_OK(et_mcap_fill(writer, BLOCKS[i], &err));
            const int64_t n_bytes = et_mcap_writer_bytes(writer);
            CHECK_EQ(n_bytes % (int64_t)BLOCKS[i], 0);
            CHECK_OK(et_mcap_fill(writer, BLOCKS[i], &err));
            CHECK_EQ(et_mcap_writer_bytes(writer), n_bytes); // it was filled already
            CHECK_OK(et_mcap_finish(writer, &err));
            CHECK(count_fillers(path, BLOCKS[i]) > 300);
            CHECK_OK(et_mcap_open(&reader, path, NULL, &err));
            CHECK(sample_gives(&s, reader, NULL));
            CHECK_EQ(et_mcap_info(reader)->n_remarks, 0);
            et_mcap_close(reader);
        }
    sample_free(&s);
}

static void refuses_blocks_that_cannot_be(void)
{
    static const size_t BLOCKS[] = {0, 1, 16, 33, 100, 4095};
    struct et_mcap_writer *writer;
    struct taken taken = {.bytes = et_buf(4096)};
    const struct et_mcap_write_options options = {.sink = {take, &taken}};
    CHECK_OK(et_mcap_create(&writer, "a name", &options, &err));
    for (size_t i = 0; i < sizeof BLOCKS / sizeof *BLOCKS; i++)
        CHECK_EQ(et_mcap_fill(writer, BLOCKS[i], &err), ET_EARG);
    et_mcap_writer_close(writer);
    et_buf_free(&taken.bytes);
}

int main(void)
{
    RUN(a_sink_takes_the_bytes_that_a_file_would);
    RUN(a_sink_that_fails_breaks_the_writer);
    RUN(filling_ends_on_blocks_and_readers_pass_over_it);
    RUN(refuses_blocks_that_cannot_be);
    return tap_end();
}
