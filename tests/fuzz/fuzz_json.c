/* Any text either fails with a place inside it, or gives a tree that is written and read back as
 * the same bytes. */
#include "etude/json.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void write(const struct et_value *value, struct et_buf *buf)
{
    struct et_json_writer w = {.buf = buf, .indent = 1};
    et_json_value(&w, value);
}

static void check(struct et_str text, bool allow_nan)
{
    const struct et_json_options options = {.allow_nan = allow_nan};
    const struct et_value *value = NULL, *again = NULL;
    struct et_arena *arena = NULL;
    struct et_err err = {0};
    struct et_buf once = et_buf(ARENA_BYTES), twice = et_buf(ARENA_BYTES);

    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return;
    const enum et_status st = et_json_parse(text, &options, arena, &value, &err);
    if (st == ET_ECORRUPT)
        require(err.at >= 0 && err.at <= (int64_t)text.n && err.text[0] != 0);
    if (st == ET_OK) {
        write(value, &once);
        if (once.status == ET_OK &&
            et_json_parse(et_buf_str(&once), NULL, arena, &again, &err) != ET_ELIMIT) {
            require(again != NULL);
            write(again, &twice);
            require(et_str_eq(et_buf_str(&once), et_buf_str(&twice)));
        }
    } else {
        require(value == NULL && et_arena_used(arena) == 0);
    }
    et_buf_free(&twice);
    et_buf_free(&once);
    et_arena_close(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct et_str text = {(const char *)data, size};
    check(text, false);
    check(text, true);
    return 0;
}
