// Frames come back from the disk as they were put, in their order; what cannot be read is said.
#include "record/record__link.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

static struct et_err err;

static struct et_str frame_of(struct et_buf *buf, uint64_t k)
{
    et_buf_clear(buf);
    et_buf_put(buf, &k, sizeof k);
    for (uint64_t i = 0; i < k * 7 % 90; i++)
        et_buf_putc(buf, (char)(k + i));
    return et_buf_str(buf);
}

static void frames_come_back_in_order_round_and_round(void)
{
    struct et__link_spool *spool;
    struct et_buf in = et_buf(1000), out = et_buf(1000);
    uint64_t n_put = 0, n_taken = 0;
    CHECK_OK(et__link_spool_open(&spool, temp_path("spool"), 1009, &err));
    CHECK(!file_exists(temp_path("spool")));
    for (int i = 0; i < 1000; i++) {
        enum et_status st;
        while ((st = et__link_spool_put(spool, frame_of(&in, n_put), &err)) == ET_OK)
            n_put++;
        CHECK_EQ(st, ET_AGAIN);
        for (int k = 0; k < 1 + i % 9 && et__link_spool_bytes(spool) > 0; k++) {
            CHECK_OK(et__link_spool_take(spool, &out, &err));
            CHECK(et_str_eq(et_buf_str(&out), frame_of(&in, n_taken)));
            n_taken++;
        }
    }
    CHECK(n_taken > 4000 && n_put > n_taken);
    et__link_spool_empty(spool);
    CHECK_EQ(et__link_spool_bytes(spool), 0);
    CHECK_EQ(et__link_spool_take(spool, &out, &err), ET_END);
    et__link_spool_close(spool);
    et__link_spool_close(NULL);
    et_buf_free(&in);
    et_buf_free(&out);
}

static void what_can_never_fit_is_refused(void)
{
    struct et__link_spool *spool;
    char bytes[100] = {0};
    CHECK_OK(et__link_spool_open(&spool, temp_path("small"), 100, &err));
    CHECK_EQ(et__link_spool_put(spool, (struct et_str){bytes, sizeof bytes}, &err), ET_ELIMIT);
    CHECK_OK(et__link_spool_put(spool, (struct et_str){bytes, 84}, &err));
    CHECK_EQ(et__link_spool_put(spool, (struct et_str){bytes, 1}, &err), ET_AGAIN);
    struct et_buf small = et_buf(10);
    CHECK_EQ(et__link_spool_take(spool, &small, &err), ET_ELIMIT);
    et_buf_free(&small);
    et__link_spool_close(spool);
    CHECK_EQ(et__link_spool_open(&spool, temp_path("no/folder"), 100, &err), ET_EIO);
    CHECK(!spool);
}

int main(void)
{
    RUN(frames_come_back_in_order_round_and_round);
    RUN(what_can_never_fit_is_refused);
    return tap_end();
}
