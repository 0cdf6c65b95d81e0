/* Any bytes as the spool of an agent that was killed: what comes out of it are frames that hold,
 * and the spool can be used on. A hash at each part keeps most bytes from more than that, so the
 * first byte says whether the hashes of heads and entries are made to fit. */
#include "record/record__link.h"
#include "support.h"

#include "etude/hash.h"

#include <stdlib.h>

#define CAP ((size_t)1 << 16)
#define HEAD_BYTES 96
#define PAGE 4096
#define RING_AT 8192
#define ROUNDS_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void sign(uint8_t *p, size_t n)
{
    const uint64_t hash = et_hash64(p + sizeof hash, n - sizeof hash);
    memcpy(p, &hash, sizeof hash);
}

static void make_fit(uint8_t *p, size_t n)
{
    static const uint64_t ONE = 1;
    for (size_t at = 0; at <= PAGE; at += PAGE)
        if (n >= at + HEAD_BYTES) {
            const uint64_t agent = et_hash64("robot-1", 7);
            memcpy(p + at + 8, "ETSPOOL1", 8);
            memcpy(p + at + 24, &agent, sizeof agent);
            sign(p + at, HEAD_BYTES);
        }
    if (n < RING_AT + ET__LINK_SPOOL_ENTRY_BYTES)
        return;
    memcpy(p + RING_AT + 32, &ONE, sizeof ONE);
    sign(p + RING_AT, ET__LINK_SPOOL_ENTRY_BYTES);
}

static void read_all(struct et__link_spool *spool)
{
    struct et_buf buf = et_buf(ET__LINK_FRAME_BYTES_MAX);
    struct et__link_frame frame;
    enum et_status st;
    while ((st = et__link_spool_next_stream(spool, &buf, &frame, NULL)) == ET_OK)
        require(frame.type == ET__LINK_STREAM);
    for (int i = 0; i < ROUNDS_MAX && st != ET_END; i++) {
        st = et__link_spool_next(spool, &buf, NULL);
        if (st != ET_OK && st != ET_END)
            et__link_spool_pass(spool);
        require(et__link_spool_left(spool) <= (uint64_t)et__link_spool_bytes(spool));
    }
    et_buf_clear(&buf);
    et_buf_puts(&buf, "a frame");
    et__link_spool_drop(spool, et__link_spool_place(spool), 1);
    st = et__link_spool_put(spool, et_buf_str(&buf), UINT64_C(1) << 61, 1, NULL);
    require(st == ET_OK || st == ET_AGAIN || st == ET_ELIMIT);
    et_buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > CAP)
        return 0;
    uint8_t *bytes = malloc(size - 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1)
        make_fit(bytes, size - 1);
    write_file(temp_path("spool"), bytes, size - 1);
    free(bytes);
    struct et__link_spool *spool;
    struct et__link_spooled found;
    const struct et__link_spool_options how = {
        .path = temp_path("spool"), .agent = "robot-1", .n_bytes = 1000, .session = 1, .boot = 1};
    const enum et_status st = et__link_spool_open(&spool, &how, &found, NULL);
    require(st == ET_OK || st == ET_EEXISTS);
    if (spool)
        read_all(spool);
    et__link_spool_close(spool, false);
    return 0;
}
