/* Messages as JSON lines, for comparison with other decoders:
 *
 *     message_json FILE      each record: name, definition's encoding, definition, encoding, bytes;
 *                            all of them a length of 4 bytes, little-endian, and that many bytes
 *
 * A line is {"json": …} with "left" (bytes left over), "remark", "md5" (ROS 1), "again" (whether
 * the JSON, written as CDR, gives the same bytes) and "fields" (of each path the values that a
 * field program pulls; texts and bytes in base64), or {"error": …}. */
#include "etude/cdr.h"
#include "etude/message.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#define BYTES_MAX ((size_t)1 << 28)

static struct et_err err;

static struct et_str take(struct et_str *rest)
{
    uint32_t n;
    memcpy(&n, rest->p, sizeof n);
    const struct et_str part = {rest->p + 4, n};
    *rest = (struct et_str){rest->p + 4 + n, rest->n - 4 - n};
    return part;
}

/* "same", or where the bytes that are written from the JSON begin to differ. */
static const char *write_again(const struct et_message_def *message, struct et_str json,
                               struct et_str bytes, struct et_arena *arena)
{
    struct et_buf buf = et_buf(BYTES_MAX);
    const struct et_value *value;
    const char *answer = "same";
    if (et_json_parse(json, NULL, arena, &value, &err) != ET_OK ||
        et_cdr_write(message->def, value, &buf, &err) != ET_OK)
        answer = et_arena_printf(arena, "%s", err.text);
    else if (!et_str_eq(et_buf_str(&buf), bytes)) {
        size_t i = 0;
        while (i < buf.n && i < bytes.n && buf.p[i] == bytes.p[i])
            i++;
        answer = et_arena_printf(arena, "differs at byte %zu of %zu and %zu", i, buf.n, bytes.n);
    }
    et_buf_free(&buf);
    return answer;
}

static void put_values(struct et_json_writer *w, const struct et_message_values *v)
{
    et_json_open_list(w);
    for (size_t i = 0; i < v->n; i++) {
        if (v->numbers)
            et_json_real(w, v->numbers[i]);
        else if (v->integers)
            et_json_int(w, v->integers[i]);
        else
            et_json_bytes(w, v->views[i].p, v->views[i].n);
    }
    et_json_close_list(w);
}

/* All paths of the definition in one program. False: it failed. */
static bool put_fields(struct et_json_writer *w, const struct et_message_def *message,
                       struct et_str bytes, struct et_arena *arena)
{
    static const struct et_message_options OPTIONS = {.must_fit = true};
    const struct et_message_path *paths;
    struct et_message_program *program = NULL;
    size_t n;
    if (et_message_paths(message, arena, &paths, &n, &err) != ET_OK)
        return false;
    struct et_message_want *wants = et_arena_array(arena, n, sizeof *wants);
    for (size_t i = 0; i < n && wants; i++)
        wants[i] = (struct et_message_want){paths[i].path, ET_MESSAGE_NATURAL};
    if (!wants || et_message_program_open(&program, message, wants, n, &OPTIONS, &err) != ET_OK)
        return false;
    const bool is_run = et_message_run(program, bytes, &err) == ET_OK;
    et_json_key(w, "fields");
    et_json_open_map(w);
    for (size_t i = 0; i < n && is_run; i++) {
        et_json_key(w, paths[i].path);
        put_values(w, et_message_values(program, i));
    }
    et_json_close_map(w);
    et_message_program_close(program);
    return is_run;
}

static void answer(struct et_json_writer *w, const struct et_message_schema *schema,
                   struct et_str bytes, struct et_arena *arena)
{
    struct et_message_def message;
    struct et_buf json = et_buf(BYTES_MAX);
    struct et_json_writer own = {.buf = &json};
    char md5[ET_MSGDEF_MD5_CHARS + 1];
    size_t n_left;
    if (et_message_define(schema, bytes, arena, &message, &err) != ET_OK ||
        et_message_to_json(&message, bytes, &own, &err) != ET_OK ||
        et_message_left_over(&message, bytes, &n_left, &err) != ET_OK) {
        et_json_put_text(w, "error", err.text);
        et_buf_free(&json);
        return;
    }
    et_json_put_int(w, "left", (int64_t)n_left);
    if (message.remark)
        et_json_put_text(w, "remark", message.remark);
    if (message.def && et_msgdef_md5(message.def, message.def->root, md5, &err) == ET_OK)
        et_json_put_text(w, "md5", md5);
    if (message.encoding == ET_MESSAGE_CDR)
        et_json_put_text(w, "again", write_again(&message, et_buf_str(&json), bytes, arena));
    et_json_key(w, "json");
    if (et_message_to_json(&message, bytes, w, &err) != ET_OK)
        abort();
    if (message.def && !put_fields(w, &message, bytes, arena))
        et_json_put_text(w, "error", err.text);
    et_buf_free(&json);
}

int main(int argc, char **argv)
{
    size_t n = 0;
    char *file = argc == 2 ? read_file(argv[1], &n) : NULL;
    if (!file)
        return 2;
    for (struct et_str rest = {file, n}; rest.n > 0;) {
        struct et_message_schema schema = {.name = take(&rest)};
        struct et_arena *arena = NULL;
        struct et_buf line = et_buf(BYTES_MAX);
        struct et_json_writer w = {.buf = &line};
        schema.encoding = take(&rest);
        schema.data = take(&rest);
        schema.message_encoding = take(&rest);
        if (et_arena_open(&arena, BYTES_MAX, &err) != ET_OK)
            return 3;
        et_json_open_map(&w);
        answer(&w, &schema, take(&rest), arena);
        et_json_close_map(&w);
        (void)puts(et_buf_text(&line));
        et_buf_free(&line);
        et_arena_close(arena);
    }
    free(file);
    return 0;
}
