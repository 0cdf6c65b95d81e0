/* What a definition offers: every path that ends in a value. */
#include "message__path.h"

#include <assert.h>

#define DEPTH_MAX ET__STEPS_MAX

struct level {
    const struct et_msgdef_type *type;
    size_t i_field;
    size_t n_prefix;  // bytes of the path before the field's name
    int64_t n_values; // of the lists on the way; -1: each message has its own
};

struct paths {
    struct et_arena *arena;
    struct et_err *err;
    struct et_buf prefix;
    struct et_buf found; // struct et_message_path
    struct level stack[DEPTH_MAX];
    size_t depth;
};

static int64_t times(int64_t a, const struct et_msgdef_field *f)
{
    if (a < 0 || f->array == ET_MSG_SEQUENCE)
        return -1;
    if (f->array == ET_MSG_ONE)
        return a;
    return f->n_array > 0 && a > INT32_MAX / (int64_t)f->n_array ? -1 : a * (int64_t)f->n_array;
}

static enum et_status put(struct paths *p, const struct et_msgdef_field *f, int64_t n_values)
{
    struct et_message_path path = {
        .path = et_arena_copy(p->arena, p->prefix.p, p->prefix.n),
        .kind = f->kind,
        .form = et__form_of(f),
        .n_values = et__is_byte_array(f) ? n_values : times(n_values, f),
    };
    if (!path.path)
        return et_arena_fail(p->arena, "the paths of a message", p->err);
    et_buf_put(&p->found, &path, sizeof path);
    return et_buf_check(&p->found, "the paths of a message", p->err);
}

/* Types of protobuf may contain themselves; a second time they are not gone into. */
static bool is_on_stack(const struct paths *p, const struct et_msgdef_type *type)
{
    for (size_t i = 0; i < p->depth; i++)
        if (p->stack[i].type == type)
            return true;
    return false;
}

static enum et_status step_on(struct paths *p)
{
    struct level *level = &p->stack[p->depth - 1];
    p->prefix.n = level->n_prefix;
    if (level->i_field == level->type->n_fields) {
        p->depth--;
        return ET_OK;
    }
    const struct et_msgdef_field *f = &level->type->fields[level->i_field++];
    if (f->kind == ET_MSG_WSTRING || (f->array == ET_MSG_FIXED && f->n_array == 0))
        return ET_OK;
    if (p->prefix.n > 0)
        et_buf_putc(&p->prefix, '.');
    et_buf_putstr(&p->prefix, f->name);
    if (p->prefix.status != ET_OK) { // longer than a path may be
        p->prefix.status = ET_OK;
        return ET_OK;
    }
    if (f->kind != ET_MSG_NESTED)
        return put(p, f, level->n_values);
    if (f->type->is_missing || is_on_stack(p, f->type) || p->depth == DEPTH_MAX - 2)
        return ET_OK;
    if (f->array != ET_MSG_ONE)
        et_buf_puts(&p->prefix, "[]");
    p->stack[p->depth++] = (struct level){f->type, 0, p->prefix.n, times(level->n_values, f)};
    return ET_OK;
}

enum et_status et_message_paths(const struct et_message_def *message, struct et_arena *arena,
                                const struct et_message_path **paths, size_t *n_paths,
                                struct et_err *err)
{
    struct paths p = {
        .arena = arena,
        .err = err,
        .prefix = et_buf(ET_MESSAGE_PATH_BYTES_MAX),
        .found = et_buf(ET_MESSAGE_PATHS_MAX * sizeof(struct et_message_path)),
    };

    *paths = NULL;
    *n_paths = 0;
    if (!message->def)
        return et_fail(err, ET_EARG, -1, "no definition to take paths from");
    const struct et_arena_mark mark = et_arena_mark(arena);
    enum et_status st = ET_OK;
    p.stack[p.depth++] = (struct level){.type = message->def->root, .n_values = 1};
    while (st == ET_OK && p.depth > 0)
        st = step_on(&p);
    if (st == ET_OK) {
        *paths = et_arena_copy(arena, p.found.p, p.found.n);
        *n_paths = p.found.n / sizeof **paths;
        if (!*paths)
            st = et_arena_fail(arena, "the paths of a message", err);
    }
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    et_buf_free(&p.prefix);
    et_buf_free(&p.found);
    return st;
}
