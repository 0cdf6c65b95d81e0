/* Field programs for JSON, whose messages say themselves what they hold. */
#include "message__program.h"

#include <math.h>
#include <stdio.h>

struct at {
    const struct et_value *value;
    size_t i_step; // the step that comes next
    size_t i;      // of a list: the next element
};

struct pull {
    struct et__slot *slot;
    struct et_err *err;
    struct at stack[ET__STEPS_MAX];
    size_t depth;
};

static enum et_status fail(const struct pull *p, const struct et_value *value, const char *wanted)
{
    return et_fail(p->err, ET_ECORRUPT, -1, "path \"%.120s\": %s where %s is wanted",
                   p->slot->path.text, et_value_kind_text(value->kind), wanted);
}

/* A time is written as a map of seconds and nanoseconds. */
static bool to_time(const struct et_value *value, int64_t *ns)
{
    static const char *const SECONDS[] = {"sec", "secs", "seconds"};
    static const char *const BELOW[] = {"nsec", "nanosec", "nsecs", "nanos"};
    const struct et_value *s = NULL, *below = NULL;
    for (size_t i = 0; i < 3 && !s; i++)
        s = et_value_get(value, SECONDS[i]);
    for (size_t i = 0; i < 4 && !below; i++)
        below = et_value_get(value, BELOW[i]);
    if (!s || !below || s->kind != ET_VALUE_INT || below->kind != ET_VALUE_INT)
        return false;
    return !__builtin_mul_overflow(s->as.integer, 1000000000, ns) &&
           !__builtin_add_overflow(*ns, below->as.integer, ns);
}

static bool to_integer(const struct et_value *value, int64_t *integer)
{
    if (value->kind == ET_VALUE_MAP)
        return to_time(value, integer);
    if (value->kind == ET_VALUE_BOOL)
        *integer = value->as.boolean;
    else if (value->kind == ET_VALUE_INT)
        *integer = value->as.integer;
    else if (value->kind == ET_VALUE_REAL && fabs(value->as.real) <= 0x1p53 &&
             value->as.real == trunc(value->as.real))
        *integer = (int64_t)value->as.real;
    else
        return false;
    return true;
}

static enum et_message_form natural_form(const struct et_value *value)
{
    switch (value->kind) {
    case ET_VALUE_STRING:
        return ET_MESSAGE_VIEWS;
    case ET_VALUE_BOOL:
    case ET_VALUE_MAP:
        return ET_MESSAGE_INTEGERS;
    case ET_VALUE_NULL:
    case ET_VALUE_INT:
    case ET_VALUE_REAL:
    case ET_VALUE_LIST:
        break;
    }
    return ET_MESSAGE_NUMBERS;
}

static enum et_status put(struct pull *p, const struct et_value *value)
{
    struct et__slot *slot = p->slot;
    int64_t integer;
    // The first value of a message settles what all of them are.
    if (slot->path.form == ET_MESSAGE_NATURAL)
        slot->path.form = natural_form(value);
    switch (slot->path.form) {
    case ET_MESSAGE_NUMBERS:
        if (value->kind != ET_VALUE_NULL && value->kind != ET_VALUE_BOOL &&
            !et_value_is_number(value))
            return fail(p, value, "a number");
        et__slot_put_real(slot, value->kind == ET_VALUE_NULL   ? (double)NAN
                                : value->kind == ET_VALUE_BOOL ? value->as.boolean
                                                               : et_value_real(value, 0));
        return ET_OK;
    case ET_MESSAGE_VIEWS:
        if (value->kind != ET_VALUE_STRING)
            return fail(p, value, "a string");
        et__slot_put_view(slot, value->as.string);
        return ET_OK;
    case ET_MESSAGE_INTEGERS:
    case ET_MESSAGE_NATURAL:
        break;
    }
    if (!to_integer(value, &integer))
        return fail(p, value, "an integer");
    et__slot_put_integer(slot, integer);
    return ET_OK;
}

static void push(struct pull *p, const struct et_value *value, size_t i_step, size_t i)
{
    p->stack[p->depth++] = (struct at){value, i_step, i};
}

/* Goes from a value to what its step names; a member that is not there has no value. */
static enum et_status enter(struct pull *p, const struct et_value *value, size_t i_step)
{
    const struct et__path *path = &p->slot->path;
    while (i_step < path->n_steps) {
        const struct et__step *step = &path->steps[i_step++];
        if (value->kind != ET_VALUE_MAP)
            return value->kind == ET_VALUE_NULL ? ET_OK : fail(p, value, "a map");
        const struct et_value *inner = NULL;
        for (size_t i = 0; i < et_value_count(value) && !inner; i++)
            if (et_str_eq(value->as.many.keys[i], step->name))
                inner = &value->as.many.items[i];
        value = inner;
        if (!value)
            return ET_OK;
        if (value->kind == ET_VALUE_LIST && (step->has_brackets || i_step == path->n_steps)) {
            if (step->index == ET__ALL) {
                push(p, value, i_step, 0);
                return ET_OK;
            }
            value = et_value_at(value, (size_t)step->index);
            if (!value)
                return ET_OK;
        } else if (step->has_brackets && value->kind != ET_VALUE_NULL) {
            return fail(p, value, "a list");
        }
    }
    return put(p, value);
}

static enum et_status pull_path(struct pull *p, const struct et_value *root)
{
    enum et_status st = enter(p, root, 0);
    while (st == ET_OK && p->depth > 0 && p->slot->buf.status == ET_OK) {
        struct at *at = &p->stack[p->depth - 1];
        if (at->i == et_value_count(at->value))
            p->depth--;
        else
            st = enter(p, et_value_at(at->value, at->i++), at->i_step);
    }
    return st;
}

enum et_status et__json_run(struct et_str bytes, struct et_arena *arena, struct et__slot *slots,
                            size_t n_slots, struct et_err *err)
{
    static const struct et_json_options OPTIONS = {.allow_nan = true};
    const struct et_arena_mark empty = {0};
    const struct et_value *root;

    et_arena_rewind(arena, empty);
    enum et_status st = et_json_parse(bytes, &OPTIONS, arena, &root, err);
    for (size_t i = 0; i < n_slots && st == ET_OK; i++) {
        struct pull p = {.slot = &slots[i], .err = err};
        slots[i].path.form = slots[i].told.form; // may be settled by each message anew
        st = pull_path(&p, root);
    }
    return st;
}
