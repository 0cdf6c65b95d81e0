// Frames come back from the disk as they were put, in their order, to the next agent, too; what
// cannot be read is said.
#include "etude/file.h"
#include "record/record__link.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>

#define RING 1009
#define HEAD_BYTES 96
#define PAGE 4096

static struct et_err err;

static struct et_str frame_of(struct et_buf *buf, uint64_t k)
{
    et_buf_clear(buf);
    et_buf_put(buf, &k, sizeof k);
    for (uint64_t i = 0; i < k * 7 % 90; i++)
        et_buf_putc(buf, (char)(k + i));
    return et_buf_str(buf);
}

static struct et__link_spool_options options(const char *path, int64_t n_bytes)
{
    return (struct et__link_spool_options){
        .path = path, .agent = "robot-1", .n_bytes = n_bytes, .session = 7, .boot = 1};
}

static struct et__link_spool *open_spool(const char *path, int64_t n_bytes,
                                         struct et__link_spooled *found)
{
    const struct et__link_spool_options how = options(path, n_bytes);
    struct et__link_spool *spool;
    CHECK_OK(et__link_spool_open(&spool, &how, found, &err));
    return spool;
}

static void drop_all(struct et__link_spool *spool, uint64_t n_records)
{
    et__link_spool_drop(spool, et__link_spool_place(spool), n_records);
}

static void frames_come_back_in_order_round_and_round(void)
{
    struct et__link_spooled found;
    struct et_buf in = et_buf(1000), out = et_buf(1000);
    uint64_t n_put = 0, n_taken = 0;
    struct et__link_spool *spool = open_spool(temp_path("spool"), RING, &found);
    CHECK_EQ(found.session, 0);
    for (int i = 0; i < 1000 && spool; i++) {
        enum et_status st;
        while ((st = et__link_spool_put(spool, frame_of(&in, n_put), n_put + 1, 1, &err)) == ET_OK)
            n_put++;
        CHECK_EQ(st, ET_AGAIN);
        for (int k = 0; k < 1 + i % 9 && et__link_spool_bytes(spool) > 0; k++) {
            CHECK_OK(et__link_spool_next(spool, &out, &err));
            CHECK(et_str_eq(et_buf_str(&out), frame_of(&in, n_taken)));
            drop_all(spool, 1);
            n_taken++;
        }
        if (i % 7)
            continue;
        et__link_spool_close(spool, true); // as after a kill
        spool = open_spool(temp_path("spool"), RING / 2, &found);
        const uint64_t left = n_put - n_taken;
        CHECK_EQ(found.n_records, left);
        CHECK_EQ(found.session, left ? 7 : 0);
        CHECK_EQ(found.next, left ? n_put : 0);
        CHECK_EQ(found.n_lost, 0);
        if (!left) {
            et__link_spool_close(spool, false);
            spool = open_spool(temp_path("spool"), RING, &found);
        }
    }
    CHECK(n_taken > 3000 && n_put >= n_taken);
    et__link_spool_pass(spool);
    drop_all(spool, n_put - n_taken);
    CHECK_EQ(et__link_spool_bytes(spool), 0);
    CHECK_EQ(et__link_spool_next(spool, &out, &err), ET_END);
    et__link_spool_close(spool, false);
    CHECK(!file_exists(temp_path("spool")));
    et__link_spool_close(NULL, false);
    et_buf_free(&in);
    et_buf_free(&out);
}

static void what_can_never_fit_is_refused(void)
{
    struct et__link_spooled found;
    char bytes[140] = {0};
    struct et__link_spool *spool = open_spool(temp_path("small"), 140, &found);
    CHECK_EQ(et__link_spool_put(spool, (struct et_str){bytes, 93}, 1, 1, &err), ET_ELIMIT);
    CHECK_OK(et__link_spool_put(spool, (struct et_str){bytes, 92}, 1, 1, &err));
    CHECK_EQ(et__link_spool_put(spool, (struct et_str){bytes, 1}, 2, 1, &err), ET_AGAIN);
    struct et_buf small = et_buf(10);
    CHECK_EQ(et__link_spool_next(spool, &small, &err), ET_ELIMIT);
    et_buf_free(&small);
    et__link_spool_close(spool, false);
    const struct et__link_spool_options nowhere = options(temp_path("no/folder"), 100);
    CHECK_EQ(et__link_spool_open(&spool, &nowhere, &found, &err), ET_EIO);
    CHECK(!spool);
    char *path = calloc(1, ET__LINK_SPOOL_PATH_MAX + 1);
    memset(path, 'a', ET__LINK_SPOOL_PATH_MAX);
    const struct et__link_spool_options far = options(path, 100);
    CHECK_EQ(et__link_spool_open(&spool, &far, &found, &err), ET_ELIMIT);
    free(path);
}

static void a_spool_is_one_agents(void)
{
    const char *path = temp_path("one");
    struct et__link_spooled found;
    struct et__link_spool *first = open_spool(path, 1000, &found), *second;
    const struct et__link_spool_options same = options(path, 1000);
    CHECK_EQ(et__link_spool_open(&second, &same, &found, &err), ET_EEXISTS);
    CHECK_OK(et__link_spool_put(first, ET_STR("frame"), 1, 1, &err));
    et__link_spool_close(first, true);
    struct et__link_spool_options other = same;
    other.agent = "robot-2";
    CHECK_EQ(et__link_spool_open(&second, &other, &found, &err), ET_EEXISTS);
    first = open_spool(path, 1000, &found);
    CHECK_EQ(found.session, 7);
    et__link_spool_close(first, false);
}

static void what_was_in_memory_only_is_known_as_a_number(void)
{
    const char *path = temp_path("noted");
    struct et__link_spooled found;
    struct et__link_spool *spool = open_spool(path, 1000, &found);
    et__link_spool_note(spool, 100, 40);
    et__link_spool_close(spool, true);
    spool = open_spool(path, 1000, &found);
    CHECK_EQ(found.n_lost, 60);
    CHECK_EQ(found.session, 0); // nothing is to be sent: a session of its own
    CHECK_OK(et__link_spool_put(spool, ET_STR("frame"), 30, 30, &err));
    et__link_spool_note(spool, 50, 10);
    et__link_spool_close(spool, true);
    spool = open_spool(path, 1000, &found);
    CHECK_EQ(found.n_lost, 20);
    CHECK_EQ(found.n_records, 30);
    CHECK_EQ(found.next, 50);
    et__link_spool_close(spool, false);
}

// A batch of numbers from k on, as an agent makes them.
static struct et_str batch_of(struct et_buf *buf, uint64_t k, uint32_t n)
{
    et_buf_clear(buf);
    et__link_begin_batch(buf, k, 1000);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t number = k + i;
        et__link_put_record(
            buf, 1000,
            &(struct et__link_record){.stream = 1,
                                      .t_agent_ns = 1000 + (int64_t)i,
                                      .bytes = {(const char *)&number, sizeof number}});
    }
    et__link_end_batch(buf, n);
    return et_buf_str(buf);
}

static void times_of_an_earlier_boot_are_told_on_this_ones_clock(void)
{
    const char *path = temp_path("boot");
    struct et__link_spooled found;
    struct et_buf buf = et_buf(1000);
    struct et__link_frame frame;
    struct et__link_batch batch;
    size_t n_used;
    struct et__link_spool_options how = options(path, 1000);
    struct et__link_spool *spool;
    how.real_minus_mono_ns = 5000;
    CHECK_OK(et__link_spool_open(&spool, &how, &found, &err));
    CHECK_OK(et__link_spool_put(spool, batch_of(&buf, 0, 2), 2, 2, &err));
    et__link_spool_close(spool, true);
    how.boot = 2;
    how.real_minus_mono_ns = 9000; // it began 4 µs after the other
    CHECK_OK(et__link_spool_open(&spool, &how, &found, &err));
    CHECK_OK(et__link_spool_next(spool, &buf, &err));
    CHECK_OK(et__link_next(buf.p, buf.n, buf.n, &frame, &n_used, &err));
    CHECK_OK(et__link_read_batch(frame.body, &batch, &err));
    CHECK_EQ(batch.t_base_ns, 1000 - 4000);
    CHECK_EQ(batch.n_records, 2);
    CHECK_OK(et__link_spool_put(spool, ET_STR("no batch"), 3, 1, &err));
    CHECK_OK(et__link_spool_next(spool, &buf, &err)); // of this boot: as it is
    et__link_spool_close(spool, true);
    how.boot = 3;
    CHECK_OK(et__link_spool_open(&spool, &how, &found, &err));
    CHECK_OK(et__link_spool_next(spool, &buf, &err));
    CHECK_EQ(et__link_spool_next(spool, &buf, &err), ET_ECORRUPT);
    et__link_spool_close(spool, false);
    et_buf_free(&buf);
}

/* ---- damage ---- */

#define N_BATCHES 20

static void put_stream(struct et__link_spool *spool, uint16_t i)
{
    static const char *const TOPICS[] = {"/events", "/numbers"};
    struct et_buf buf = et_buf(1000);
    et__link_put_stream(&buf, &(struct et__link_stream){.i = i,
                                                        .stream = {.topic = TOPICS[i],
                                                                   .type = "test/Number",
                                                                   .schema_encoding = "",
                                                                   .message_encoding = "cdr"}});
    CHECK_OK(et__link_spool_put_stream(spool, et_buf_str(&buf), &err));
    et_buf_free(&buf);
}

// A file as a killed agent leaves it: batches of three numbers, the first two taken.
static void *make_file(const char *path, size_t *n)
{
    struct et__link_spooled found;
    struct et_buf buf = et_buf(1000);
    struct et__link_spool *spool = open_spool(path, 4000, &found);
    put_stream(spool, 0);
    put_stream(spool, 1);
    for (uint64_t k = 0; k < N_BATCHES; k++)
        CHECK_OK(et__link_spool_put(spool, batch_of(&buf, 3 * k, 3), 3 * k + 3, 3, &err));
    CHECK_OK(et__link_spool_next(spool, &buf, &err));
    CHECK_OK(et__link_spool_next(spool, &buf, &err));
    drop_all(spool, 6);
    et__link_spool_close(spool, true);
    et_buf_free(&buf);
    return read_file(path, n);
}

struct damage {
    size_t n_whole, n_part, n_none;
};

// What holds is numbers in order, from the first on; the rest is told.
static void check_file(const char *path, struct damage *damage)
{
    struct et__link_spooled found;
    struct et_buf buf = et_buf(ET__LINK_FRAME_BYTES_MAX);
    struct et__link_frame frame;
    struct et__link_batch batch;
    uint64_t next = 6;
    size_t n_used;
    enum et_status st;
    struct et__link_spool *spool = open_spool(path, 4000, &found);
    const bool is_head = found.trouble.status == ET_OK && found.session == 7;
    while ((st = et__link_spool_next_stream(spool, &buf, &frame, &err)) == ET_OK)
        CHECK_EQ(frame.type, ET__LINK_STREAM);
    CHECK(st == ET_END || st == ET_ECORRUPT);
    while ((st = et__link_spool_next(spool, &buf, &err)) == ET_OK) {
        CHECK_OK(et__link_next(buf.p, buf.n, buf.n, &frame, &n_used, &err));
        CHECK_OK(et__link_read_batch(frame.body, &batch, &err));
        CHECK_EQ(batch.first, next);
        next += batch.n_records;
    }
    damage->n_whole += st == ET_END && next == 3 * N_BATCHES;
    damage->n_part += st == ET_ECORRUPT && is_head;
    damage->n_none += !is_head;
    CHECK(!is_head || st == ET_ECORRUPT || next == 3 * N_BATCHES);
    CHECK(is_head || next == 6);
    if (found.trouble.status != ET_OK)
        CHECK(strstr(found.trouble.text, ".damaged"));
    et__link_spool_close(spool, false);
    (void)!et_file_remove(temp_path("cut.damaged"), NULL);
    et_buf_free(&buf);
}

static void check_cut(const char *path, size_t n_kept, void *ctx)
{
    (void)n_kept;
    check_file(path, ctx);
}

static void check_flip(const char *path, size_t at, void *ctx)
{
    struct damage *damage = ctx, before = *damage;
    check_file(path, damage);
    // Of the heads one copy always holds.
    if (at < HEAD_BYTES || (at >= PAGE && at < PAGE + HEAD_BYTES))
        CHECK_EQ(damage->n_whole, before.n_whole + 1);
}

static void a_damaged_file_is_taken_as_far_as_it_holds(void)
{
    size_t n;
    struct damage cut = {0}, flipped = {0};
    char *bytes = make_file(temp_path("made"), &n);
    CHECK(bytes && n > 8192 + 2000);
    cut_at_every_byte(bytes, n, 1, temp_path("cut"), check_cut, &cut);
    CHECK(cut.n_none >= HEAD_BYTES && cut.n_none < 2 * HEAD_BYTES);
    CHECK(cut.n_part > 1000 && cut.n_whole > 100);
    const size_t n_flips = flip_every_byte(bytes, n, 1, temp_path("cut"), check_flip, &flipped);
    CHECK_EQ(flipped.n_none, 0);
    CHECK(flipped.n_part > n_flips / 32 && flipped.n_whole > n_flips / 4);
    memset(bytes, 0, HEAD_BYTES); // both copies
    memset(bytes + PAGE, 0, HEAD_BYTES);
    write_file(temp_path("cut"), bytes, n);
    struct et__link_spooled found;
    struct et__link_spool *spool = open_spool(temp_path("cut"), 4000, &found);
    CHECK_EQ(found.trouble.status, ET_ECORRUPT);
    CHECK(file_exists(temp_path("cut.damaged")));
    et__link_spool_close(spool, false);
    free(bytes);
}

int main(void)
{
    RUN(frames_come_back_in_order_round_and_round);
    RUN(what_can_never_fit_is_refused);
    RUN(a_spool_is_one_agents);
    RUN(what_was_in_memory_only_is_known_as_a_number);
    RUN(times_of_an_earlier_boot_are_told_on_this_ones_clock);
    RUN(a_damaged_file_is_taken_as_far_as_it_holds);
    return tap_end();
}
