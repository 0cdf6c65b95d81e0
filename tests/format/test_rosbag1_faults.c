/* ROS 1 bags under a system that fails: every call, one after the other. */
#include "etude/rosbag1.h"
#include "fault.h"
#include "rosbag1_made.h"
#include "support.h"
#include "tap.h"

static enum et_status read_it(const char *path, struct et_pool *pool, int64_t *n,
                              struct et_err *err)
{
    const struct et_rosbag1_open_options options = {.pool = pool};
    struct et_rosbag1_reader *reader = NULL;
    struct et_rosbag1_message message;
    *n = 0;
    enum et_status st = et_rosbag1_open(&reader, path, &options, err);
    while (st == ET_OK && (st = et_rosbag1_next(reader, &message, err)) == ET_OK)
        *n += 1;
    et_rosbag1_close(reader);
    return st == ET_END ? ET_OK : st;
}

static void reading_fails_loudly_at_every_call(void)
{
    static const char *const COMPRESSIONS[] = {"none", "lz4", "bz2"};
    const char *path = temp_path("fault.bag");
    struct et_pool *pools[2] = {NULL, NULL};
    struct et_err err = {0};
    CHECK_OK(et_pool_open(&pools[1], 2, &err));
    for (int k = 0; k < 12; k++) {
        const int i = k / 2;
        const struct made_bag how = {.compression = COMPRESSIONS[i / 2],
                                     .n_chunks = 6,
                                     .n_messages = 10,
                                     .has_overlap = true,
                                     .is_open = i % 2};
        struct et_buf b = make_bag(&how);
        int64_t n_read = 0;
        int n = 0;
        write_file(path, b.p, b.n);
        et_buf_free(&b);
        FOR_EACH_FAULT(at)
        {
            fault_arm(at);
            const enum et_status st = read_it(path, pools[k % 2], &n_read, &err);
            fault_disarm();
            // A close that fails has nothing to tell, the rest has.
            CHECK(st != ET_OK || n_read == 60);
            CHECK(st == ET_OK || err.text[0]);
            n += st != ET_OK;
        }
        CHECK(n > 10);
    }
    et_pool_close(pools[1]);
}

int main(void)
{
    RUN(reading_fails_loudly_at_every_call);
    return tap_end();
}
