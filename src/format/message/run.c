/* Field programs run: one pass over a message, from one wanted field to the next. */
#include "message__code.h"
#include "message__walk.h"

#include <assert.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers are copied as they lie, which is little-endian"
#endif

struct turn {
    uint32_t i_op; // the LOOP
    size_t i, n;
};

struct run {
    const struct et__code *code;
    const char *bytes;
    size_t pos, end;
    struct et__slot *slots;
    size_t n_empty;
    struct turn turns[ET__CODE_DEPTH];
    size_t n_turns;
    uint32_t returns[ET__CODE_DEPTH];
    size_t n_returns;
};

// ---- values ----------------------------------------------------------------------------------

/* Numbers of one kind, `stride` bytes apart, to numbers of another. */
#define CONVERT(type, to_type)                        \
    for (size_t i = 0; i < n; i++) {                  \
        type value;                                   \
        memcpy(&value, p + i * stride, sizeof value); \
        ((to_type *)to)[i] = (to_type)value;          \
    }                                                 \
    return

static void pull_reals(enum et_msg_kind kind, const char *p, size_t n, size_t stride, void *to)
{
    switch (kind) {
    case ET_MSG_FLOAT64:
        if (stride == sizeof(double)) {
            memcpy(to, p, n * sizeof(double));
            return;
        }
        CONVERT(double, double);
    case ET_MSG_FLOAT32:
        CONVERT(float, double);
    case ET_MSG_INT8:
        CONVERT(int8_t, double);
    case ET_MSG_UINT8:
        CONVERT(uint8_t, double);
    case ET_MSG_INT16:
        CONVERT(int16_t, double);
    case ET_MSG_UINT16:
        CONVERT(uint16_t, double);
    case ET_MSG_INT32:
        CONVERT(int32_t, double);
    case ET_MSG_UINT32:
        CONVERT(uint32_t, double);
    case ET_MSG_INT64:
        CONVERT(int64_t, double);
    case ET_MSG_UINT64:
        CONVERT(uint64_t, double);
    case ET_MSG_BOOL:
        for (size_t i = 0; i < n; i++)
            ((double *)to)[i] = p[i * stride] != 0;
        return;
    case ET_MSG_STRING:
    case ET_MSG_WSTRING:
    case ET_MSG_BYTES:
    case ET_MSG_TIME:
    case ET_MSG_DURATION:
    case ET_MSG_NESTED:
        break;
    }
    assert(false && "a kind that is no number"); // paths are checked before anything runs
}

static void pull_times(const struct et__take *take, const char *p, size_t n, size_t stride,
                       int64_t *to)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t s, ns;
        memcpy(&s, p + i * stride, 4);
        memcpy(&ns, p + i * stride + 4, 4);
        to[i] = (take->is_signed_s ? (int64_t)(int32_t)s : (int64_t)s) * 1000000000 +
                (take->is_signed_ns ? (int64_t)(int32_t)ns : (int64_t)ns);
    }
}

static void pull_integers(const struct et__take *take, const char *p, size_t n, size_t stride,
                          void *to)
{
    switch (take->kind) {
    case ET_MSG_INT64:
    case ET_MSG_UINT64:
        CONVERT(int64_t, int64_t);
    case ET_MSG_INT8:
        CONVERT(int8_t, int64_t);
    case ET_MSG_UINT8:
        CONVERT(uint8_t, int64_t);
    case ET_MSG_INT16:
        CONVERT(int16_t, int64_t);
    case ET_MSG_UINT16:
        CONVERT(uint16_t, int64_t);
    case ET_MSG_INT32:
        CONVERT(int32_t, int64_t);
    case ET_MSG_UINT32:
        CONVERT(uint32_t, int64_t);
    case ET_MSG_BOOL:
        for (size_t i = 0; i < n; i++)
            ((int64_t *)to)[i] = p[i * stride] != 0;
        return;
    case ET_MSG_TIME:
    case ET_MSG_DURATION:
        pull_times(take, p, n, stride, to);
        return;
    case ET_MSG_FLOAT32:
    case ET_MSG_FLOAT64:
    case ET_MSG_STRING:
    case ET_MSG_WSTRING:
    case ET_MSG_BYTES:
    case ET_MSG_NESTED:
        break;
    }
    assert(false && "a kind that is no integer");
}

/* Room for n more values at the end of a slot. */
static inline char *reserve(struct et_buf *buf, size_t n_bytes)
{
    return buf->status == ET_OK && buf->cap - buf->n >= n_bytes ? buf->p + buf->n
                                                                : et_buf_reserve(buf, n_bytes);
}

static bool pull(const struct et__take *take, struct et__slot *slot, const char *p, size_t n,
                 size_t stride)
{
    char *to = reserve(&slot->buf, n * 8);
    if (!to)
        return false;
    if (slot->path.form == ET_MESSAGE_NUMBERS)
        pull_reals(take->kind, p, n, stride, to);
    else
        pull_integers(take, p, n, stride, to);
    slot->buf.n += n * 8;
    return true;
}

static bool put_view(struct et__slot *slot, const char *p, size_t n)
{
    const struct et_str view = {p, n};
    char *to = reserve(&slot->buf, sizeof view);
    if (!to)
        return false;
    memcpy(to, &view, sizeof view);
    slot->buf.n += sizeof view;
    return true;
}

/* The pieces of a take in one message, or in one element. */
static bool pull_pieces(const struct et__take *take, struct et__slot *slot, const char *p)
{
    const size_t n_bytes = et_msg_kind_bytes(take->kind);
    const char *from = p + take->offset;
    if (slot->path.form == ET_MESSAGE_VIEWS) {
        for (uint32_t i = 0; i < take->n; i++)
            if (!put_view(slot, from + (size_t)i * take->stride, take->run))
                return false;
        return true;
    }
    if (take->n == 1)
        return pull(take, slot, from, take->run, n_bytes);
    if (take->run == 1)
        return pull(take, slot, from, take->n, take->stride);
    for (uint32_t i = 0; i < take->n; i++)
        if (!pull(take, slot, from + (size_t)i * take->stride, take->run, n_bytes))
            return false;
    return true;
}

/* True when every loop is in the turn that the take is for. */
static bool is_meant(const struct run *r, const struct et__take *take)
{
    for (uint32_t i = 0; i < take->n_filters; i++) {
        const struct et__filter *filter = &r->code->filters[take->i_filter + i];
        if ((int64_t)r->turns[filter->level].i != filter->index)
            return false;
    }
    return true;
}

// ---- operations ------------------------------------------------------------------------------

/* What a step comes to: on, beyond the message's end (the walk tells where), or out of room. */
enum outcome { GO_ON, BEYOND, NO_ROOM, TOO_MANY };

static inline void align(struct run *r, size_t to)
{
    r->pos = (r->pos + to - 1) & ~(to - 1);
}

static inline bool read_u32(struct run *r, uint32_t *value)
{
    if (r->code->is_cdr)
        align(r, 4);
    if (r->pos > r->end || r->end - r->pos < 4)
        return false;
    memcpy(value, r->bytes + r->pos, 4);
    r->pos += 4;
    return true;
}

static enum outcome run_block(struct run *r, const struct et__op *op)
{
    if (op->size == 0)
        return GO_ON;
    align(r, op->align);
    if (r->pos > r->end || op->size > r->end - r->pos)
        return BEYOND;
    const char *p = r->bytes + r->pos;
    for (uint32_t i = 0; i < op->n_takes; i++) {
        const struct et__take *take = &r->code->takes[op->i_take + i];
        if (is_meant(r, take) && !pull_pieces(take, &r->slots[take->i_slot], p))
            return NO_ROOM;
    }
    r->pos += op->size;
    return GO_ON;
}

/* A text is told without its NUL, which not every writer puts there. */
static inline bool read_text(struct run *r, struct et_str *text)
{
    uint32_t n;
    if (!read_u32(r, &n) || n > r->end - r->pos)
        return false;
    *text = (struct et_str){r->bytes + r->pos, n};
    r->pos += n;
    return true;
}

static inline struct et_str without_nul(const struct run *r, struct et_str text)
{
    if (r->code->is_cdr && text.n > 0 && text.p[text.n - 1] == '\0')
        text.n--;
    return text;
}

static enum outcome take_text(struct run *r, const struct et__op *op, struct et_str text,
                              int64_t index)
{
    for (uint32_t i = 0; i < op->n_takes; i++) {
        const struct et__take *take = &r->code->takes[op->i_take + i];
        if ((take->index == ET__ALL || take->index == index) && is_meant(r, take) &&
            !put_view(&r->slots[take->i_slot], text.p, text.n))
            return NO_ROOM;
    }
    return GO_ON;
}

static enum outcome run_texts(struct run *r, const struct et__op *op)
{
    uint32_t n = op->code == ET__OP_TEXT ? 1 : op->n;
    struct et_str text;
    if (op->is_counted && !read_u32(r, &n))
        return BEYOND;
    for (uint32_t i = 0; i < n; i++) {
        if (!read_text(r, &text))
            return BEYOND;
        if (op->n_takes == 0)
            continue;
        const enum outcome outcome = take_text(r, op, without_nul(r, text), i);
        if (outcome != GO_ON)
            return outcome;
    }
    return GO_ON;
}

/* The elements of an array that a take is for. */
static bool pull_elements(const struct et__op *op, const struct et__take *take,
                          struct et__slot *slot, const char *p, size_t n)
{
    size_t first = 0, end = n;
    if (take->index != ET__ALL) {
        first = (uint64_t)take->index < n ? (size_t)take->index : n;
        end = first < n ? first + 1 : n;
    }
    if (take->run == 0)
        return put_view(slot, p, n);
    if (take->n == 1 && take->run == 1)
        return first == end ||
               pull(take, slot, p + take->offset + first * op->stride, end - first, op->stride);
    for (size_t i = first; i < end; i++)
        if (!pull_pieces(take, slot, p + i * op->stride))
            return false;
    return true;
}

static enum outcome run_array(struct run *r, const struct et__op *op)
{
    uint32_t n;
    if (!read_u32(r, &n))
        return BEYOND;
    if (n > 0)
        align(r, op->align);
    const size_t n_bytes = n > 0 ? (n - 1) * op->stride + op->size : 0;
    if (r->pos > r->end || n_bytes > r->end - r->pos)
        return BEYOND;
    for (uint32_t i = 0; i < op->n_takes; i++) {
        const struct et__take *take = &r->code->takes[op->i_take + i];
        if (is_meant(r, take) &&
            !pull_elements(op, take, &r->slots[take->i_slot], r->bytes + r->pos, n))
            return NO_ROOM;
    }
    r->pos += n_bytes;
    return GO_ON;
}

/* Begins a loop; *pc goes to its first turn, or behind it. */
static enum outcome begin_loop(struct run *r, const struct et__op *op, uint32_t *pc)
{
    uint32_t n = op->n;
    if (op->is_counted && !read_u32(r, &n))
        return BEYOND;
    if (op->size > 0 && (r->pos > r->end || n > (r->end - r->pos) / op->size))
        return BEYOND;
    // Elements that may be empty are counted, as no number of bytes bounds them.
    r->n_empty += op->size == 0 ? n : 0;
    if (r->n_empty > ET__EMPTY_MAX)
        return TOO_MANY;
    if (n == 0) {
        *pc = op->target + 1;
        return GO_ON;
    }
    assert(r->n_turns < ET__CODE_DEPTH);
    r->turns[r->n_turns++] = (struct turn){*pc, 0, n};
    (*pc)++;
    return GO_ON;
}

static void end_turn(struct run *r, uint32_t *pc)
{
    struct turn *turn = &r->turns[r->n_turns - 1];
    if (++turn->i < turn->n) {
        *pc = turn->i_op + 1;
    } else {
        r->n_turns--;
        (*pc)++;
    }
}

static enum outcome run_code(struct run *r)
{
    enum outcome outcome = GO_ON;
    for (uint32_t pc = 0; outcome == GO_ON;) {
        const struct et__op *op = &r->code->ops[pc];
        switch (op->code) {
        case ET__OP_BLOCK:
            outcome = run_block(r, op);
            pc++;
            break;
        case ET__OP_TEXT:
        case ET__OP_TEXTS:
            outcome = run_texts(r, op);
            pc++;
            break;
        case ET__OP_ARRAY:
            outcome = run_array(r, op);
            pc++;
            break;
        case ET__OP_LOOP:
            outcome = begin_loop(r, op, &pc);
            break;
        case ET__OP_END:
            end_turn(r, &pc);
            break;
        case ET__OP_CALL:
            assert(r->n_returns < ET__CODE_DEPTH);
            r->returns[r->n_returns++] = pc + 1;
            pc = op->target;
            break;
        case ET__OP_RETURN:
            assert(r->n_returns > 0);
            pc = r->returns[--r->n_returns];
            break;
        case ET__OP_STOP:
            return GO_ON;
        }
    }
    return outcome;
}

enum et_status et__code_run(const struct et__code *code, const char *bytes, size_t n,
                            struct et__slot *slots)
{
    struct run r;
    r.code = code;
    r.bytes = bytes;
    r.pos = 0;
    r.end = n;
    r.slots = slots;
    r.n_empty = r.n_turns = r.n_returns = 0; // the stacks are left as they are: that is the point
    switch (run_code(&r)) {
    case GO_ON:
        return ET_OK;
    case BEYOND:
        return ET_ECORRUPT;
    case TOO_MANY:
        return ET_ELIMIT;
    case NO_ROOM:
        break;
    }
    return ET_ENOMEM;
}
