/* From a definition and wanted paths to code.
 *
 * Fields of fixed length are gathered into blocks, within which every offset is known. What is
 * behind a text or a sequence begins a new block, aligned when the program runs. Messages within
 * messages are gone into only where something is wanted in them; others are passed over: by their
 * size where that is fixed, else by code that is there once for each type. */
#include "message__code.h"

#include <assert.h>

enum frame_kind { FRAME_MESSAGE, FRAME_LOOP, FRAME_ROUTINE };

/* A message that is compiled: its fields from i_field on, and the wants that go through it. */
struct frame {
    enum frame_kind kind;
    const struct et_msgdef_type *type;
    size_t i_field;
    size_t i_step;             // of the wants' paths: which step names a field of this message
    size_t i_active, n_active; // wants: a part of compile.active
    size_t i_loop;             // FRAME_LOOP: its operation
};

struct compile {
    const struct et__slot *slots;
    bool is_cdr, must_fit;
    struct et_err *err;
    const struct et__shape *shapes;
    struct et_buf ops, takes, filters; // while they grow
    struct et_buf active;              // uint32_t: wants of the frames on the stack
    uint32_t *routines; // of each type: where its code is, plus 1; CALLED: it is needed; 0: not
    struct frame stack[ET__CODE_DEPTH];
    size_t depth, n_loops;
    size_t n_pending; // wants for which there is no code yet
    size_t block;     // the open block, plus 1; 0: none
};
#define CALLED UINT32_MAX

/* A field, and the wants that go through it. */
struct part {
    const struct et_msgdef_field *field;
    size_t i_step;
    size_t i_active, n_active;
};

static struct et__op *op_at(const struct compile *c, size_t i)
{
    return (struct et__op *)(void *)c->ops.p + i;
}

static struct frame *top(struct compile *c)
{
    return &c->stack[c->depth - 1];
}

static bool has_room(const struct compile *c)
{
    return c->ops.status == ET_OK && c->takes.status == ET_OK && c->filters.status == ET_OK &&
           c->active.status == ET_OK;
}

static enum et_status fail_room(const struct compile *c)
{
    const struct et_buf *bufs[] = {&c->ops, &c->takes, &c->filters, &c->active};
    for (size_t i = 0; i < 4; i++)
        if (bufs[i]->status != ET_OK)
            return et_buf_check(bufs[i], "a field program", c->err);
    return ET_OK;
}

/* Appends an operation, which ends the block. Failures are the buffer's, looked at after each
 * field. */
static size_t put_op(struct compile *c, struct et__op op)
{
    const size_t i = c->ops.n / sizeof op;
    op.i_take = (uint32_t)(c->takes.n / sizeof(struct et__take));
    et_buf_put(&c->ops, &op, sizeof op);
    c->block = 0;
    return i;
}

static uint32_t active_at(const struct compile *c, size_t i)
{
    uint32_t want;
    memcpy(&want, c->active.p + i * sizeof want, sizeof want);
    return want;
}

static const struct et__path *path_at(const struct compile *c, const struct part *part, size_t i)
{
    return &c->slots[active_at(c, part->i_active + i)].path;
}

// ---- takes -----------------------------------------------------------------------------------

/* The filters of a want: an index for every loop that it goes through in one turn only. */
static void put_filters(struct compile *c, const struct et__path *path, struct et__take *take)
{
    uint32_t level = 0;
    take->i_filter = (uint32_t)(c->filters.n / sizeof(struct et__filter));
    for (size_t k = 0; k < c->depth; k++) {
        const struct frame *frame = &c->stack[k];
        if (frame->kind != FRAME_LOOP)
            continue;
        const struct et__filter filter = {level++, path->steps[frame->i_step - 1].index};
        if (filter.index == ET__ALL)
            continue;
        et_buf_put(&c->filters, &filter, sizeof filter);
        take->n_filters++;
    }
}

/* Gives operation i_op, the last one, a take for the part's i-th want. */
static void put_take(struct compile *c, const struct part *part, size_t i, size_t i_op,
                     struct et__take take)
{
    const struct et__path *path = path_at(c, part, i);
    const struct et_msgdef_field *leaf = path->steps[path->n_steps - 1].field;
    take.i_slot = active_at(c, part->i_active + i);
    take.kind = path->kind;
    if (leaf->kind == ET_MSG_TIME || leaf->kind == ET_MSG_DURATION) {
        take.is_signed_s = leaf->type->fields[0].kind == ET_MSG_INT32;
        take.is_signed_ns = leaf->type->fields[1].kind == ET_MSG_INT32;
    }
    put_filters(c, path, &take);
    et_buf_put(&c->takes, &take, sizeof take);
    if (!has_room(c))
        return;
    op_at(c, i_op)->n_takes++;
    assert(c->n_pending > 0);
    c->n_pending--;
}

static bool is_message(const struct et_msgdef_field *f)
{
    return f->kind == ET_MSG_NESTED;
}

/* One step of a path into what lies at *offset: over the padding, to the element that is meant, or
 * to the first of all (of turn 1: the second). False when elements differ in length behind the
 * first, or one stride is not enough. */
static bool place_step(const struct compile *c, const struct et__step *step, bool is_last,
                       size_t turn, size_t *offset, struct et__take *take)
{
    const struct et_msgdef_field *f = step->field;
    const struct et__shape *shape = is_message(f) ? &c->shapes[f->type->index] : NULL;
    const size_t n = f->array == ET_MSG_ONE ? 1 : f->n_array;
    const uint32_t align = shape ? 1 : et__align_of(f, c->is_cdr);
    *offset += -*offset & (align - 1);
    if (n <= 1)
        return true;
    const size_t first = shape ? shape->size[*offset % 8] : et_msg_kind_bytes(f->kind);
    const size_t one = shape ? shape->size[(*offset + first) % 8] : first;
    if (shape && one % shape->align != 0)
        return false;
    if (step->index != ET__ALL) {
        *offset += step->index > 0 ? first + (size_t)(step->index - 1) * one : 0;
    } else if (is_last) {
        take->run = (uint32_t)n;
    } else if (take->n > 1) {
        return false;
    } else {
        take->n = (uint32_t)n;
        take->stride = (uint32_t)one;
        *offset += turn > 0 ? first : 0;
    }
    return true;
}

/* Where step i's field begins at `offset` (is_element: one element of it), all of fixed length. */
static bool place_turn(const struct compile *c, const struct et__path *path, size_t i_step,
                       bool is_element, size_t turn, size_t offset, struct et__take *take)
{
    take->n = take->run = 1;
    take->stride = 0;
    for (size_t i = i_step + is_element; i < path->n_steps; i++) {
        const struct et__step *step = &path->steps[i];
        const struct et_msgdef_field *f = i > i_step ? step[-1].field->type->fields : step->field;
        for (; f != step->field; f++)
            offset += et__size_of_field(c->shapes, f, offset, c->is_cdr);
        if (!place_step(c, step, i + 1 == path->n_steps, turn, &offset, take))
            return false;
    }
    take->offset = (uint32_t)offset;
    return true;
}

/* Of a list the first element may be padded in another way than all others: what is wanted lies
 * evenly when it does so in the first two. */
static bool place(const struct compile *c, const struct et__path *path, size_t i_step,
                  bool is_element, size_t offset, struct et__take *take)
{
    struct et__take second = {.index = ET__ALL};
    *take = second;
    if (!place_turn(c, path, i_step, is_element, 0, offset, take))
        return false;
    return take->n == 1 || (place_turn(c, path, i_step, is_element, 1, offset, &second) &&
                            second.offset == take->offset + take->stride);
}

// ---- fields of fixed length ------------------------------------------------------------------

/* The greatest alignment within a field, and its first one. */
static uint32_t greatest_align(const struct compile *c, const struct et_msgdef_field *f)
{
    return is_message(f) ? c->shapes[f->type->index].align : et__align_of(f, c->is_cdr);
}

static uint32_t first_align(const struct compile *c, const struct et_msgdef_field *f)
{
    return is_message(f) ? c->shapes[f->type->index].first : et__align_of(f, c->is_cdr);
}

static bool can_place(const struct compile *c, const struct part *part, size_t at)
{
    struct et__take take;
    for (size_t i = 0; i < part->n_active; i++)
        if (!place(c, path_at(c, part, i), part->i_step, false, at, &take))
            return false;
    return true;
}

/* Puts a field into the open block, or into a new one; false: where it begins decides its length,
 * and that is known only when the program runs. */
static bool put_in_block(struct compile *c, const struct part *part)
{
    const struct et_msgdef_field *f = part->field;
    const uint32_t align = greatest_align(c, f);
    const struct et__op *open = c->block ? op_at(c, c->block - 1) : NULL;
    const bool goes_on = open && align <= open->align;
    const size_t at = goes_on ? open->size : 0;
    const size_t size = et__size_of_field(c->shapes, f, at, c->is_cdr);

    if (size == ET__VARIABLE || (!goes_on && first_align(c, f) != align) ||
        size > UINT32_MAX / 2 - at || !can_place(c, part, at))
        return false;
    if (!goes_on)
        c->block = put_op(c, (struct et__op){.code = ET__OP_BLOCK, .align = align}) + 1;
    if (!has_room(c))
        return true;
    const size_t i_op = c->block - 1;
    op_at(c, i_op)->size += size;
    for (size_t i = 0; i < part->n_active && has_room(c); i++) {
        struct et__take take;
        (void)place(c, path_at(c, part, i), part->i_step, false, at, &take);
        put_take(c, part, i, i_op, take);
    }
    return true;
}

// ---- fields of variable length ---------------------------------------------------------------

static void put_texts(struct compile *c, const struct part *part)
{
    const struct et_msgdef_field *f = part->field;
    const size_t i_op = put_op(c, (struct et__op){
                                      .code = f->array == ET_MSG_ONE ? ET__OP_TEXT : ET__OP_TEXTS,
                                      .is_counted = f->array == ET_MSG_SEQUENCE,
                                      .n = f->n_array,
                                  });
    for (size_t i = 0; i < part->n_active && has_room(c); i++)
        put_take(c, part, i, i_op,
                 (struct et__take){
                     .n = 1, .run = 1, .index = path_at(c, part, i)->steps[part->i_step].index});
}

/* Where a want lies in each element of a sequence. */
static bool place_in_element(const struct compile *c, const struct et__path *path, size_t i_step,
                             struct et__take *take)
{
    const struct et__step *step = &path->steps[i_step];
    *take = (struct et__take){.n = 1, .run = !path->is_byte_array};
    if (i_step + 1 < path->n_steps && !place(c, path, i_step, true, 0, take))
        return false;
    take->index = step->index;
    return true;
}

/* A sequence whose elements are alike: numbers, or messages of fixed length that begin with what
 * has the greatest alignment in them. */
static bool put_array(struct compile *c, const struct part *part)
{
    const struct et_msgdef_field *f = part->field;
    const uint32_t align = greatest_align(c, f);
    const size_t size =
        is_message(f) ? c->shapes[f->type->index].size[0] : et_msg_kind_bytes(f->kind);
    struct et__take take;

    if (size == 0 && !is_message(f))
        return false; // texts
    if (size == ET__VARIABLE || first_align(c, f) != align)
        return false;
    for (size_t i = 0; i < part->n_active; i++)
        if (!place_in_element(c, path_at(c, part, i), part->i_step, &take))
            return false;
    const size_t i_op = put_op(c, (struct et__op){
                                      .code = ET__OP_ARRAY,
                                      .align = align,
                                      .size = size,
                                      .stride = (size + align - 1) / align * align,
                                  });
    for (size_t i = 0; i < part->n_active && has_room(c); i++) {
        (void)place_in_element(c, path_at(c, part, i), part->i_step, &take);
        put_take(c, part, i, i_op, take);
    }
    return true;
}

static void put_call(struct compile *c, const struct et_msgdef_type *type)
{
    (void)put_op(c, (struct et__op){.code = ET__OP_CALL, .target = (uint32_t)type->index});
    if (c->routines[type->index] == 0)
        c->routines[type->index] = CALLED;
}

static void push(struct compile *c, enum frame_kind kind, const struct part *part, size_t i_loop)
{
    assert(c->depth < ET__CODE_DEPTH);
    c->stack[c->depth++] = (struct frame){.kind = kind,
                                          .type = part->field->type,
                                          .i_step = part->i_step + 1,
                                          .i_active = part->i_active,
                                          .n_active = part->n_active,
                                          .i_loop = i_loop};
    c->n_loops += kind == FRAME_LOOP;
}

static void end_loop(struct compile *c, size_t i_loop)
{
    const size_t i_end = put_op(c, (struct et__op){.code = ET__OP_END, .target = (uint32_t)i_loop});
    if (has_room(c))
        op_at(c, i_loop)->target = (uint32_t)i_end;
}

/* Messages one by one: gone into where something is wanted, else passed over by a call. */
static void put_messages(struct compile *c, const struct part *part)
{
    const struct et_msgdef_field *f = part->field;
    if (f->array == ET_MSG_ONE && part->n_active > 0) {
        push(c, FRAME_MESSAGE, part, 0);
        return;
    }
    if (f->array == ET_MSG_ONE) {
        put_call(c, f->type);
        return;
    }
    const size_t i_loop = put_op(c, (struct et__op){
                                        .code = ET__OP_LOOP,
                                        .is_counted = f->array == ET_MSG_SEQUENCE,
                                        .n = f->n_array,
                                        .size = f->type->least_bytes,
                                    });
    if (part->n_active > 0) {
        push(c, FRAME_LOOP, part, i_loop);
        return;
    }
    put_call(c, f->type);
    end_loop(c, i_loop);
}

// ---- the whole -------------------------------------------------------------------------------

static enum et_status fail_field(const struct compile *c, const struct et_msgdef_field *f,
                                 enum et_status st, const char *why)
{
    return et_fail(c->err, st, -1, "%.*s.%.*s (%.*s) has to be gone through, but %s",
                   ET_STR_ARG(c->stack[c->depth - 1].type->name), ET_STR_ARG(f->name),
                   ET_STR_ARG(f->spelled), why);
}

static enum et_status compile_field(struct compile *c, const struct part *part)
{
    const struct et_msgdef_field *f = part->field;
    if (f->kind == ET_MSG_WSTRING)
        return fail_field(c, f, ET_EUNSUPPORTED, "its bytes depend on the writer");
    if (is_message(f) && f->type->is_missing)
        return fail_field(c, f, ET_ENOTFOUND, "it is defined nowhere");
    if (f->array == ET_MSG_FIXED && f->n_array == 0)
        return ET_OK;
    if (f->array != ET_MSG_SEQUENCE && put_in_block(c, part))
        return fail_room(c);
    if (f->array == ET_MSG_SEQUENCE && put_array(c, part))
        return fail_room(c);
    if (is_message(f))
        put_messages(c, part);
    else if (f->kind == ET_MSG_STRING)
        put_texts(c, part);
    else
        return fail_field(c, f, ET_ELIMIT, "it is longer than any message");
    return fail_room(c);
}

/* The frame's next field, and those of its wants that go through it. */
static struct part next_part(struct compile *c)
{
    struct frame *frame = top(c);
    struct part part = {.field = &frame->type->fields[frame->i_field++],
                        .i_step = frame->i_step,
                        .i_active = c->active.n / sizeof(uint32_t)};
    for (size_t i = 0; i < frame->n_active; i++) {
        const uint32_t want = active_at(c, frame->i_active + i);
        if (c->slots[want].path.steps[frame->i_step].field != part.field)
            continue;
        et_buf_put(&c->active, &want, sizeof want);
        part.n_active++;
    }
    return part;
}

static void pop(struct compile *c)
{
    const struct frame frame = *top(c);
    c->depth--;
    c->active.n = frame.i_active * sizeof(uint32_t);
    if (frame.kind == FRAME_LOOP) {
        c->n_loops--;
        end_loop(c, frame.i_loop);
    } else if (frame.kind == FRAME_ROUTINE) {
        (void)put_op(c, (struct et__op){.code = ET__OP_RETURN});
    }
}

static enum et_status step_on(struct compile *c)
{
    const size_t depth = c->depth;
    if (top(c)->i_field == top(c)->type->n_fields) {
        pop(c);
        return fail_room(c);
    }
    const struct part part = next_part(c);
    const enum et_status st = has_room(c) ? compile_field(c, &part) : fail_room(c);
    if (c->depth == depth) // not gone into: nobody needs its wants any more
        c->active.n = part.i_active * sizeof(uint32_t);
    return st;
}

/* Compiles until the stack is empty, or all that is wanted has been found. */
static enum et_status compile_stack(struct compile *c, bool may_stop)
{
    enum et_status st = fail_room(c);
    while (st == ET_OK && c->depth > 0 && !(may_stop && c->n_pending == 0 && c->n_loops == 0))
        st = step_on(c);
    return st;
}

static enum et_status compile_root(struct compile *c, const struct et_msgdef *def, size_t n_slots)
{
    for (uint32_t i = 0; i < n_slots; i++)
        et_buf_put(&c->active, &i, sizeof i);
    c->n_pending = n_slots;
    c->stack[0] = (struct frame){.kind = FRAME_MESSAGE, .type = def->root, .n_active = n_slots};
    c->depth = 1;
    // The message begins where any alignment holds.
    c->block = put_op(c, (struct et__op){.code = ET__OP_BLOCK, .align = c->is_cdr ? 8 : 1}) + 1;
    // The whole of a message without fields may lack its byte.
    if (def->root->n_fields == 0)
        c->depth = 0;
    const enum et_status st = compile_stack(c, !c->must_fit);
    (void)put_op(c, (struct et__op){.code = ET__OP_STOP});
    return st;
}

/* Code that passes over one message of each type that is called; it may call more. */
static enum et_status compile_routines(struct compile *c, const struct et_msgdef *def)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < def->n_types && st == ET_OK; i++) {
        if (c->routines[i] != CALLED)
            continue;
        c->routines[i] = (uint32_t)(c->ops.n / sizeof(struct et__op)) + 1;
        c->active.n = c->block = 0;
        c->stack[0] = (struct frame){.kind = FRAME_ROUTINE, .type = def->types[i]};
        c->depth = 1;
        st = compile_stack(c, false);
        i = SIZE_MAX; // from the beginning: it may call those before it
    }
    return st;
}

static enum et_status finish(struct compile *c, struct et_arena *arena, struct et__code *code)
{
    const enum et_status st = fail_room(c);
    if (st != ET_OK)
        return st;
    *code = (struct et__code){
        .is_cdr = c->is_cdr,
        .ops = et_arena_copy(arena, c->ops.p, c->ops.n),
        .n_ops = c->ops.n / sizeof(struct et__op),
        .takes = et_arena_copy(arena, c->takes.p, c->takes.n),
        .n_takes = c->takes.n / sizeof(struct et__take),
        .filters = et_arena_copy(arena, c->filters.p, c->filters.n),
        .n_filters = c->filters.n / sizeof(struct et__filter),
    };
    if (!code->ops || !code->takes || !code->filters)
        return et_arena_fail(arena, "a field program", c->err);
    for (size_t i = 0; i < code->n_ops; i++)
        if (code->ops[i].code == ET__OP_CALL)
            code->ops[i].target = c->routines[code->ops[i].target] - 1;
    return ET_OK;
}

enum et_status et__code_compile(const struct et_message_def *message, const struct et__slot *slots,
                                size_t n_slots, bool must_fit, struct et_arena *arena,
                                struct et__code **code, struct et_err *err)
{
    struct compile c = {
        .slots = slots,
        .is_cdr = message->encoding == ET_MESSAGE_CDR,
        .must_fit = must_fit,
        .err = err,
        .ops = et_buf(ET__CODE_MAX * sizeof(struct et__op)),
        .takes = et_buf(ET__CODE_MAX * sizeof(struct et__take)),
        .filters = et_buf(ET__CODE_MAX * sizeof(struct et__filter)),
        .active = et_buf(ET__CODE_MAX * sizeof(uint32_t)),
    };
    const struct et_msgdef *def = message->def;

    c.shapes = et__shapes(def, c.is_cdr, arena);
    c.routines = et_arena_array(arena, def->n_types, sizeof *c.routines);
    *code = et_arena_alloc(arena, sizeof **code);
    enum et_status st = c.shapes && c.routines && *code
                            ? compile_root(&c, def, n_slots)
                            : et_arena_fail(arena, "a field program", err);
    if (st == ET_OK)
        st = compile_routines(&c, def);
    if (st == ET_OK)
        st = finish(&c, arena, *code);
    et_buf_free(&c.ops);
    et_buf_free(&c.takes);
    et_buf_free(&c.filters);
    et_buf_free(&c.active);
    return st;
}
