// Definitions and messages made up at random: programs give what the slow reference gives, JSON is
// what was written, and no cut or flip is taken for more than it is.
#include "msg_random.h"
#include "tap.h"

#include "etude/cdr.h"

#include <stdlib.h>

static struct et_err err;

struct made {
    struct et_arena *arena;
    const struct et_msgdef *def;
    struct et_message_def message;
    struct et_buf text, bytes, json;
};

/* A message of the definition in m->text. */
static void make_of_text(struct made *m, struct rng *rng, enum msg_layout layout)
{
    m->bytes = et_buf(1 << 24);
    m->json = et_buf(1 << 24);
    CHECK_OK(et_arena_open(&m->arena, (size_t)1 << 28, &err));
    const struct et_msgdef_source source = {
        .name = ET_STR("pkg/T0"),
        .text = et_buf_str(&m->text),
        .flavour = layout == MSG_ROS1 ? ET_MSGDEF_ROS1 : ET_MSGDEF_ROS2,
    };
    CHECK_OK(et_msgdef_parse(&source, m->arena, &m->def, &err));
    if (!m->def)
        exit(99);
    m->message = message_of(m->def, layout);
    random_message(rng, m->def, layout, &m->bytes, &m->json);
}

static void make(struct made *m, struct rng *rng, enum msg_layout layout)
{
    *m = (struct made){.text = et_buf(1 << 20)};
    random_definition(rng, layout, 6, &m->text);
    make_of_text(m, rng, layout);
}

static void release(struct made *m)
{
    et_buf_free(&m->text);
    et_buf_free(&m->bytes);
    et_buf_free(&m->json);
    et_arena_close(m->arena);
}

static void check_json(struct made *m)
{
    struct et_buf buf = et_buf(1 << 24);
    struct et_json_writer w = {.buf = &buf};
    size_t n_left = 99;
    CHECK_OK(et_message_to_json(&m->message, et_buf_str(&m->bytes), &w, &err));
    CHECK_STR(et_buf_text(&buf), et_buf_text(&m->json));
    CHECK_OK(et_message_left_over(&m->message, et_buf_str(&m->bytes), &n_left, &err));
    CHECK_EQ(n_left, 0);
    et_buf_free(&buf);
}

static void check_programs(struct made *m, struct rng *rng)
{
    char why[512];
    size_t n;
    const struct et_message_want *wants = wants_of(rng, &m->message, m->arena, &n);
    compare_with_reference(&m->message, wants, n, et_buf_str(&m->bytes), why);
    CHECK_STR(why, "");
    if (why[0])
        printf("# %s\n", et_buf_text(&m->text));
}

static void for_random(enum msg_layout layout, size_t n, void (*check)(struct made *, struct rng *))
{
    for (uint64_t seed = 1; seed <= n && tap_is_bad < 5; seed++) {
        struct rng rng = {seed * 1000 + layout};
        struct made m;
        make(&m, &rng, layout);
        check(&m, &rng);
        release(&m);
    }
}

static void check_both(struct made *m, struct rng *rng)
{
    check_json(m);
    check_programs(m, rng);
}

static void ros1_is_what_was_written(void)
{
    for_random(MSG_ROS1, 400, check_both);
}

static void xcdr1_is_what_was_written(void)
{
    for_random(MSG_XCDR1, 800, check_both);
    for_random(MSG_XCDR1_BIG, 150, check_both);
}

static void xcdr2_is_what_was_written(void)
{
    for_random(MSG_XCDR2, 150, check_both);
    for_random(MSG_XCDR2_BIG, 100, check_both);
}

static void delimited_xcdr2_is_what_was_written(void)
{
    for_random(MSG_DELIMITED, 150, check_both);
    for_random(MSG_DELIMITED_BIG, 100, check_both);
}

/* JSON has one null for NaN and the infinities, and "" for both forms of an empty text. */
static void check_written_again(struct made *m, struct rng *rng)
{
    (void)rng;
    struct et_buf buf = et_buf(1 << 24), again = et_buf(1 << 24);
    struct et_json_writer w = {.buf = &again};
    const struct et_value *value;
    CHECK_OK(et_json_parse(et_buf_str(&m->json), NULL, m->arena, &value, &err));
    CHECK_OK(et_cdr_write(m->def, value, &buf, &err));
    CHECK_OK(et_message_to_json(&m->message, et_buf_str(&buf), &w, &err));
    CHECK_STR(et_buf_text(&again), et_buf_text(&m->json));
    et_buf_free(&buf);
    et_buf_free(&again);
}

static void json_written_as_cdr_gives_the_same_json(void)
{
    for_random(MSG_XCDR1, 300, check_written_again);
}

/* Of a message that is cut, a program that must fit gives what the reference gives, or fails. */
static void check_cuts(struct made *m, struct rng *rng)
{
    char why[512];
    size_t n;
    const struct et_message_want *wants = wants_of(rng, &m->message, m->arena, &n);
    if (m->bytes.n > 600)
        return;
    for (size_t i = 0; i < m->bytes.n; i++) {
        char *copy = malloc(i + 1); // its end is guarded
        memcpy(copy, m->bytes.p, i);
        compare_with_reference(&m->message, wants, n < 12 ? n : 12, (struct et_str){copy, i}, why);
        CHECK_STR(why, "");
        free(copy);
    }
}

static void check_flips(struct made *m, struct rng *rng)
{
    char why[512];
    size_t n;
    const struct et_message_want *wants = wants_of(rng, &m->message, m->arena, &n);
    if (m->bytes.n > 400)
        return;
    for (size_t i = 0; i < m->bytes.n; i++) {
        const char old = m->bytes.p[i];
        const char news[] = {(char)~old, 0, (char)(old ^ 1), 127};
        for (size_t k = 0; k < sizeof news; k++) {
            m->bytes.p[i] = news[k];
            compare_with_reference(&m->message, wants, n < 8 ? n : 8, et_buf_str(&m->bytes), why);
            CHECK_STR(why, "");
        }
        m->bytes.p[i] = old;
    }
}

static void a_cut_message_is_told_from_a_whole_one(void)
{
    for (int layout = 0; layout < MSG_N_LAYOUTS; layout++)
        for_random((enum msg_layout)layout, 12, check_cuts);
}

static void a_flipped_byte_does_no_harm(void)
{
    for (int layout = 0; layout < MSG_N_LAYOUTS; layout++)
        for_random((enum msg_layout)layout, 6, check_flips);
}

/* A list's first element may be padded in another way than the others: every place where one can
 * begin, and every order of alignments in what is listed. */
static void lists_of_messages_may_begin_anywhere(void)
{
    static const char *const KINDS[] = {"uint8", "float32", "float64"};
    for (unsigned i = 0; i < 9 * 81 && tap_is_bad < 5; i++) {
        struct rng rng = {i + 1};
        struct made m = {.text = et_buf(1 << 12)};
        et_buf_printf(&m.text,
                      "uint8[%u] head\npkg/A[%u] list\nint16 tail\nstring s\npkg/A[3] again\n"
                      "===\nMSG: pkg/A\n%s a\npkg/B[2] b\n"
                      "===\nMSG: pkg/B\n%s x\n%s[3] y\n%s z\n",
                      i % 9, 2 + i % 4, KINDS[i / 9 % 3], KINDS[i / 27 % 3], KINDS[i / 81 % 3],
                      KINDS[i / 243]);
        make_of_text(&m, &rng, MSG_XCDR1);
        check_both(&m, &rng);
        release(&m);
    }
}

int main(void)
{
    RUN(ros1_is_what_was_written);
    RUN(xcdr1_is_what_was_written);
    RUN(lists_of_messages_may_begin_anywhere);
    RUN(xcdr2_is_what_was_written);
    RUN(delimited_xcdr2_is_what_was_written);
    RUN(json_written_as_cdr_gives_the_same_json);
    RUN(a_cut_message_is_told_from_a_whole_one);
    RUN(a_flipped_byte_does_no_harm);
    return tap_end();
}
