/* ROS 1 bags read ahead on a pool: the same messages in the same order, also when reading is left
 * half done. */
#include "etude/hash.h"
#include "etude/rosbag1.h"
#include "rosbag1_made.h"
#include "support.h"
#include "tap.h"

static struct et_err err;
static const char *const COMPRESSIONS[] = {"none", "lz4", "bz2"};

static const char *write_bag(const struct made_bag *how)
{
    const char *path = temp_path("threads.bag");
    struct et_buf b = make_bag(how);
    write_file(path, b.p, b.n);
    et_buf_free(&b);
    return path;
}

// What comes until the end, or until n messages came.
static uint64_t read_some(struct et_rosbag1_reader *r, int64_t n, enum et_status *st)
{
    struct et_rosbag1_message m;
    uint64_t hash = 0;
    for (*st = ET_OK; n > 0 && (*st = et_rosbag1_next(r, &m, &err)) == ET_OK; n--)
        hash = hash * 31 + et_hash64(m.data.p, m.data.n) + (uint64_t)(m.time_ns + m.at) +
               m.i_connection;
    return hash;
}

static uint64_t read_all(const char *path, struct et_pool *pool, size_t memory_bytes,
                         const struct et_rosbag1_query *query, enum et_status *st)
{
    const struct et_rosbag1_open_options options = {.memory_bytes = memory_bytes, .pool = pool};
    struct et_rosbag1_reader *r = NULL;
    CHECK_OK(et_rosbag1_open(&r, path, &options, &err));
    CHECK_OK(et_rosbag1_query(r, query, &err));
    const uint64_t hash = read_some(r, INT64_MAX, st);
    et_rosbag1_close(r);
    return hash;
}

static void gives_the_same_with_any_number_of_threads(void)
{
    for (int i = 0; i < 3 * 8; i++) {
        const struct made_bag how = {.compression = COMPRESSIONS[i / 8],
                                     .n_chunks = 30,
                                     .n_messages = 40,
                                     .is_open = i & 1,
                                     .is_backward = i & 2,
                                     .has_overlap = i & 4};
        const char *path = write_bag(&how);
        const struct et_rosbag1_query queries[] = {
            {0}, {.in_file_order = true}, {.from_ns = 100100000000, .to_ns = 100900000000}};
        for (int k = 0; k < 3; k++) {
            enum et_status st = ET_OK, st_ahead = ET_OK;
            const uint64_t hash = read_all(path, NULL, 0, &queries[k], &st);
            for (unsigned n_threads = 1; n_threads <= 5; n_threads += 2) {
                struct et_pool *pool = NULL;
                CHECK_OK(et_pool_open(&pool, n_threads, &err));
                CHECK(read_all(path, pool, 0, &queries[k], &st_ahead) == hash);
                CHECK(st == ET_END && st_ahead == st);
                et_pool_close(pool);
            }
        }
    }
}

// Where memory ends, and where there is none for reading ahead.
static void keeps_to_its_memory_as_without(void)
{
    struct et_pool *pool = NULL;
    CHECK_OK(et_pool_open(&pool, 3, &err));
    for (int i = 0; i < 6; i++) {
        const struct made_bag how = {.compression = COMPRESSIONS[i / 2],
                                     .n_chunks = 20,
                                     .n_messages = 300,
                                     .has_overlap = i % 2};
        const char *path = write_bag(&how);
        int n_failed = 0;
        for (size_t memory = 70000; memory < 3000000; memory += memory / 2) {
            enum et_status st = ET_OK, st_ahead = ET_OK;
            const uint64_t hash = read_all(path, NULL, memory, NULL, &st);
            CHECK(read_all(path, pool, memory, NULL, &st_ahead) == hash && st_ahead == st);
            n_failed += st == ET_ELIMIT;
        }
        CHECK(n_failed == 0 || how.has_overlap);
        CHECK(n_failed > 0 || !how.has_overlap);
    }
    et_pool_close(pool);
}

static enum et_status count(void *ctx, size_t i, struct et_err *task_err)
{
    (void)i;
    (void)task_err;
    *(size_t *)ctx += 1;
    return ET_OK;
}

static enum et_status nothing(void *ctx, size_t i, unsigned worker, struct et_err *task_err)
{
    (void)ctx;
    (void)i;
    (void)worker;
    (void)task_err;
    return ET_OK;
}

// A reader that is asked something else, or closed, leaves no thread at work, and the pool free.
static void leaves_the_pool_when_it_ends(void)
{
    struct et_pool *pool = NULL;
    CHECK_OK(et_pool_open(&pool, 3, &err));
    const struct et_rosbag1_open_options options = {.pool = pool};
    for (int64_t n = 0; n < 40; n++) {
        const struct made_bag how = {
            .compression = COMPRESSIONS[n % 3], .n_chunks = 20, .n_messages = 10};
        const char *path = write_bag(&how);
        struct et_rosbag1_reader *r = NULL;
        enum et_status st = ET_OK, st_again = ET_OK;
        CHECK_OK(et_rosbag1_open(&r, path, &options, &err));
        const uint64_t first = read_some(r, n * 6, &st);
        CHECK_OK(et_rosbag1_query(r, NULL, &err));
        CHECK(read_some(r, n * 6, &st_again) == first && st_again == st);
        if (st == ET_END) { // before it is closed
            size_t n_done = 0;
            const struct et_pool_job job = {
                .n_tasks = 5, .work = nothing, .take = count, .ctx = &n_done};
            CHECK_OK(et_pool_run(pool, &job, &err));
            CHECK_EQ(n_done, 5);
        }
        et_rosbag1_close(r);
    }
    et_pool_close(pool);
}

int main(void)
{
    RUN(gives_the_same_with_any_number_of_threads);
    RUN(keeps_to_its_memory_as_without);
    RUN(leaves_the_pool_when_it_ends);
    return tap_end();
}
