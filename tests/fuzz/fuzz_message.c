/* Any message by any definition: the program gives what the slow reference gives, or both fail;
 * what is written as JSON is read again; what is written as CDR from it says the same. The first
 * byte is the encoding, two more the length of the definition, which stands before the message. */
#include "../format/msg_random.h"

#include "etude/cdr.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define JSON_BYTES ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct et_err err;

#define require(is_true) require_at(is_true, __LINE__)

static void require_at(bool is_true, int line)
{
    if (is_true)
        return;
    (void)fprintf(stderr, "line %d; %s\n", line, err.text);
    abort();
}

/* What is written as CDR from a message's JSON gives that JSON again, and the same bytes from it.
 * Where messages are delimited, fields may be absent, which are written as zeros: of those only the
 * second round is the same. So it is with ROS 1, whose messages without fields have no byte. */
static void check_written(const struct et_message_def *m, struct et_str json, bool is_whole,
                          struct et_arena *arena)
{
    const struct et_message_def cdr = {.encoding = ET_MESSAGE_CDR, .def = m->def};
    const struct et_value *value;
    struct et_buf bytes = et_buf(JSON_BYTES), again = et_buf(JSON_BYTES);
    struct et_buf bytes_again = et_buf(JSON_BYTES);
    struct et_json_writer w = {.buf = &again};
    enum et_status st = et_json_parse(json, NULL, arena, &value, &err);
    const bool has_nul = memmem(json.p, json.n, "\\u0000", 6) != NULL; // our reader refuses it
    require(st == ET_OK || st == ET_ELIMIT || st == ET_ENOMEM || has_nul);
    if (st == ET_OK && m->encoding <= ET_MESSAGE_ROS1 &&
        et_cdr_write(m->def, value, &bytes, &err) == ET_OK) {
        st = et_message_to_json(&cdr, et_buf_str(&bytes), &w, &err);
        require(st == ET_OK || st == ET_ELIMIT);
        require(st != ET_OK || !is_whole || et_str_eq(json, et_buf_str(&again)));
        if (st == ET_OK && et_json_parse(et_buf_str(&again), NULL, arena, &value, &err) == ET_OK &&
            et_cdr_write(m->def, value, &bytes_again, &err) != ET_ELIMIT)
            require(et_str_eq(et_buf_str(&bytes), et_buf_str(&bytes_again)));
    }
    et_buf_free(&bytes);
    et_buf_free(&again);
    et_buf_free(&bytes_again);
}

static bool is_delimited(struct et_str bytes)
{
    const unsigned kind = bytes.n > 1 ? (uint8_t)bytes.p[1] : 0;
    return kind == 0x08 || kind == 0x09 || kind == 0x14 || kind == 0x15;
}

static void check_json(const struct et_message_def *m, struct et_str bytes, struct et_arena *arena)
{
    struct et_buf json = et_buf(JSON_BYTES);
    struct et_json_writer w = {.buf = &json};
    const bool is_whole = m->encoding == ET_MESSAGE_CDR && !is_delimited(bytes);
    if (et_message_to_json(m, bytes, &w, &err) == ET_OK)
        check_written(m, et_buf_str(&json), is_whole, arena);
    else
        require(err.text[0]);
    et_buf_free(&json);
}

static void check_paths(const struct et_message_def *m, struct et_str bytes, struct et_arena *arena)
{
    const struct et_message_path *paths;
    struct rng rng = {bytes.n};
    char why[512];
    size_t n;
    if (et_message_paths(m, arena, &paths, &n, NULL) != ET_OK || n > 300)
        return;
    const struct et_message_want *wants = wants_of(&rng, m, arena, &n);
    struct et_message_program *program;
    if (et_message_program_open(&program, m, wants, n, NULL, &err) != ET_OK)
        return; // a wstring, or a type that is missing
    (void)!et_message_run(program, bytes, &err);
    et_message_program_close(program);
    if (m->encoding > ET_MESSAGE_ROS1)
        return;
    compare_with_reference(m, wants, n < 40 ? n : 40, bytes, why);
    // Whatever is gone through whole may meet what the paths alone do not.
    if (why[0] && strncmp(why, "opening", 7) != 0) {
        (void)fprintf(stderr, "%s\n", why);
        abort();
    }
}

/* The place of the definition holds a path. */
static void check_json_path(const struct et_message_def *m, struct et_str text, struct et_str bytes,
                            struct et_arena *arena)
{
    struct et_message_program *program;
    const struct et_message_want want = {et_arena_copy(arena, text.p, text.n),
                                         (enum et_message_form)(bytes.n % 4)};
    if (et_message_program_open(&program, m, &want, 1, NULL, &err) != ET_OK)
        return;
    (void)!et_message_run(program, bytes, &err);
    et_message_program_close(program);
}

static bool define(struct et_message_def *m, uint8_t kind, struct et_str text,
                   struct et_arena *arena)
{
    m->encoding = (enum et_message_encoding)(kind % ET_MESSAGE_N_ENCODINGS);
    const struct et_msgdef_source source = {
        .name = ET_STR("pkg/Root"),
        .text = text,
        .flavour = m->encoding == ET_MESSAGE_ROS1 ? ET_MSGDEF_ROS1 : ET_MSGDEF_ROS2,
    };
    if (m->encoding == ET_MESSAGE_JSON)
        return true;
    if (m->encoding == ET_MESSAGE_PROTOBUF)
        return et_msgdef_parse_protobuf(text, ET_STR("robot.State"), arena, &m->def, NULL) == ET_OK;
    return et_msgdef_parse(&source, arena, &m->def, NULL) == ET_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et_message_def m = {0};
    struct et_arena *arena;
    if (size < 3 || et_arena_open(&arena, ARENA_BYTES, NULL) != ET_OK)
        return 0;
    const size_t n_text = (size_t)(data[1] | data[2] << 8);
    const struct et_str text = {(const char *)data + 3, n_text < size - 3 ? n_text : size - 3};
    const struct et_str bytes = {text.p + text.n, size - 3 - text.n};
    if (define(&m, data[0], text, arena)) {
        check_json(&m, bytes, arena);
        if (m.def)
            check_paths(&m, bytes, arena);
        else
            check_json_path(&m, text, bytes, arena);
    }
    et_arena_close(arena);
    return 0;
}
