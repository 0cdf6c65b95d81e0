/* What tests of messages share: a definition from text, one path pulled, an answer as a line. */
#ifndef TESTS_MSG_HELP_H
#define TESTS_MSG_HELP_H

#include "tap.h"

#include "etude/cdr.h"
#include "etude/message.h"

#include <stdlib.h>

static struct et_err err;
static struct et_arena *arena;

static inline struct et_message_def ros(enum et_message_encoding encoding, const char *text)
{
    struct et_message_def m = {.encoding = encoding};
    const struct et_msgdef_source source = {
        .name = ET_STR("pkg/Root"),
        .text = et_str(text),
        .flavour = encoding == ET_MESSAGE_ROS1 ? ET_MSGDEF_ROS1 : ET_MSGDEF_ROS2,
    };
    if (!tap_check(et_msgdef_parse(&source, arena, &m.def, &err) == ET_OK, "definition", 0, text)) {
        printf("# %s\n", err.text);
        exit(99);
    }
    return m;
}

/* The values of a path, "1 2 3", "\"a\" \"b\"" or the error's text; valid until the next call. */
static inline const char *pull_as(const struct et_message_def *m, const char *path,
                                  enum et_message_form form, struct et_str bytes)
{
    static struct et_buf buf;
    const struct et_message_want want = {path, form};
    struct et_message_program *program = NULL;
    et_buf_free(&buf);
    buf = et_buf(1 << 20);
    if (et_message_program_open(&program, m, &want, 1, NULL, &err) != ET_OK ||
        et_message_run(program, bytes, &err) != ET_OK) {
        et_buf_printf(&buf, "%s: %s", et_status_name(err.status), err.text);
        et_message_program_close(program);
        return et_buf_text(&buf);
    }
    const struct et_message_values *v = et_message_values(program, 0);
    for (size_t i = 0; i < v->n; i++) {
        et_buf_puts(&buf, i ? " " : "");
        if (v->numbers)
            et_buf_printf(&buf, "%.17g", v->numbers[i]);
        else if (v->integers)
            et_buf_printf(&buf, "%lld", (long long)v->integers[i]);
        else
            et_buf_printf(&buf, "\"%.*s\"", ET_STR_ARG(v->views[i]));
    }
    et_message_program_close(program);
    return et_buf_text(&buf);
}

static inline const char *pull(const struct et_message_def *m, const char *path,
                               struct et_str bytes)
{
    return pull_as(m, path, ET_MESSAGE_NATURAL, bytes);
}

/* The message as JSON, or the error's text. */
static inline const char *json_of(const struct et_message_def *m, struct et_str bytes)
{
    static struct et_buf buf;
    et_buf_free(&buf);
    buf = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &buf};
    if (et_message_to_json(m, bytes, &w, &err) != ET_OK) {
        et_buf_clear(&buf);
        et_buf_printf(&buf, "%s: %s", et_status_name(err.status), err.text);
    }
    return et_buf_text(&buf);
}

/* Bytes from hexadecimal digits, blanks between them as one likes; in the arena. */
static inline struct et_str hex(const char *digits)
{
    char *bytes = et_arena_alloc(arena, strlen(digits) / 2 + 1);
    struct et_str made = {bytes, 0};
    for (const char *p = digits; *p; p++) {
        if (*p == ' ')
            continue;
        const char two[3] = {p[0], p[1], 0};
        bytes[made.n++] = (char)strtoul(two, NULL, 16);
        p++;
    }
    return made;
}

/* A document written as CDR by the message's definition. */
static inline struct et_str cdr_of(const struct et_message_def *m, const char *json)
{
    struct et_buf buf = et_buf(1 << 20);
    const struct et_value *value = NULL;
    CHECK_OK(et_json_parse(et_str(json), NULL, arena, &value, &err));
    CHECK_OK(et_cdr_write(m->def, value, &buf, &err));
    const struct et_str copy = {et_arena_copy(arena, buf.p, buf.n), buf.n};
    et_buf_free(&buf);
    return copy;
}

#endif
