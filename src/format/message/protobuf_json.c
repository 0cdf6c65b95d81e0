/* Messages of protobuf as JSON: fields in the order of their numbers, absent ones with their
 * defaults, messages that are absent as null. */
#include "message__json.h"
#include "message__protobuf.h"

#include <assert.h>

#define DEPTH_MAX ((ET_JSON_DEPTH_MAX - 2) / 2)

struct entry {
    size_t i_field;
    struct et__wire_entry wire;
};

struct level {
    const struct et_msgdef_type *type;
    struct entry *entries; // by field, then as they stand in the message
    size_t n_entries;
    size_t i_field, i_entry;
    bool is_in_list;
    struct et_arena_mark mark; // before the entries
};

struct writing {
    const char *start;
    struct et_json_writer *w;
    struct et_arena *arena;
    struct et_err *err;
    struct level stack[DEPTH_MAX];
    size_t depth;
};

/* Fields are in the order of their numbers. */
static size_t field_of(const struct et_msgdef_type *type, uint32_t number)
{
    size_t low = 0, high = type->n_fields;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (type->fields[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < type->n_fields && type->fields[low].number == number ? low : SIZE_MAX;
}

/* Whether an entry is what its field is written as; protobuf passes over others. */
static bool is_fit(const struct et_msgdef_field *f, const struct et__wire_entry *e)
{
    if (!et__number_is(f))
        return e->type == ET__WIRE_BYTES;
    return e->type == et__number_type(f) || (e->type == ET__WIRE_BYTES && f->array != ET_MSG_ONE);
}

/* Goes through a message; entries that count go to `to`, unless that is NULL. */
static enum et_status collect(struct writing *j, const struct et_msgdef_type *type,
                              struct et_str bytes, struct entry *to, size_t *n)
{
    struct et__wire wire = et__wire(j->start, bytes);
    struct et__wire_entry e;
    enum et_status st;
    *n = 0;
    while ((st = et__wire_next(&wire, &e, j->err)) == ET_OK) {
        const size_t i = field_of(type, e.number);
        if (i == SIZE_MAX || !is_fit(&type->fields[i], &e))
            continue;
        if (to)
            to[*n] = (struct entry){i, e};
        (*n)++;
    }
    return st == ET_END ? ET_OK : st;
}

static enum et_status fail_memory(struct writing *j)
{
    return et_arena_fail(j->arena, "a message as JSON", j->err);
}

/* By field, keeping the order within each: counted, then put in their places. */
static enum et_status sort(struct writing *j, const struct et_msgdef_type *type,
                           const struct entry *from, size_t n, struct entry *to)
{
    size_t *next = et_arena_array(j->arena, type->n_fields + 1, sizeof *next);
    if (!next)
        return fail_memory(j);
    for (size_t i = 0; i < n; i++)
        next[from[i].i_field + 1]++;
    for (size_t i = 0; i < type->n_fields; i++)
        next[i + 1] += next[i];
    for (size_t i = 0; i < n; i++)
        to[next[from[i].i_field]++] = from[i];
    return ET_OK;
}

static enum et_status push(struct writing *j, const struct et_msgdef_type *type,
                           struct et_str bytes)
{
    struct level level = {.type = type, .mark = et_arena_mark(j->arena)};
    size_t n;
    if (type->is_missing)
        return et_fail(j->err, ET_ENOTFOUND, bytes.p - j->start,
                       "at byte %td: %.*s is defined nowhere", bytes.p - j->start,
                       ET_STR_ARG(type->name));
    if (j->depth == DEPTH_MAX)
        return et_fail(j->err, ET_ELIMIT, bytes.p - j->start,
                       "at byte %td: messages more than %d deep in each other", bytes.p - j->start,
                       DEPTH_MAX);
    enum et_status st = collect(j, type, bytes, NULL, &n);
    if (st != ET_OK)
        return st;
    struct entry *found = et_arena_array(j->arena, n, sizeof *found);
    level.entries = et_arena_array(j->arena, n, sizeof *level.entries);
    if (!found || !level.entries)
        return fail_memory(j);
    st = collect(j, type, bytes, found, &level.n_entries);
    if (st == ET_OK)
        st = sort(j, type, found, n, level.entries);
    if (st != ET_OK)
        return st;
    j->stack[j->depth++] = level;
    et_json_open_map(j->w);
    return ET_OK;
}

static void put_bits(struct et_json_writer *w, const struct et_msgdef_field *f, uint64_t bits)
{
    if (f->kind == ET_MSG_BOOL)
        et_json_bool(w, et__number_integer(f, bits) != 0);
    else if (f->kind == ET_MSG_FLOAT32 || f->kind == ET_MSG_FLOAT64)
        et_json_real(w, et__number_real(f, bits));
    else if (f->kind == ET_MSG_UINT64)
        et__json_unsigned(w, bits);
    else
        et_json_int(w, et__number_integer(f, bits));
}

static void put_bytes(struct et_json_writer *w, const struct et_msgdef_field *f,
                      struct et_str bytes)
{
    if (f->kind == ET_MSG_BYTES)
        et_json_bytes(w, bytes.p, bytes.n);
    else
        et_json_str(w, bytes);
}

/* One entry that is no message: a number, several packed into one, a text. */
static enum et_status put_entry(struct writing *j, const struct et_msgdef_field *f,
                                const struct et__wire_entry *e)
{
    if (!et__number_is(f)) {
        put_bytes(j->w, f, e->bytes);
        return ET_OK;
    }
    if (e->type != ET__WIRE_BYTES) {
        put_bits(j->w, f, e->value);
        return ET_OK;
    }
    struct et__wire wire = et__wire(j->start, e->bytes);
    enum et_status st = ET_OK;
    while (st == ET_OK && wire.p < wire.end && j->w->buf->status == ET_OK) {
        uint64_t bits;
        st = et__wire_number(&wire, et__number_type(f), &bits, j->err);
        if (st == ET_OK)
            put_bits(j->w, f, bits);
    }
    return st;
}

static void put_default(struct writing *j, const struct et_msgdef_field *f)
{
    const struct et_value *value = NULL;
    const struct et_arena_mark mark = et_arena_mark(j->arena);
    if (f->type)
        et_json_null(j->w);
    else if (!et__number_is(f))
        put_bytes(j->w, f, f->default_text.p ? f->default_text : ET_STR(""));
    else if (f->default_text.p && et_msgdef_literal(f->kind, ET_MSG_ONE, f->default_text, j->arena,
                                                    &value, NULL) == ET_OK)
        et_json_value(j->w, value);
    else
        put_bits(j->w, f, 0);
    et_arena_rewind(j->arena, mark);
}

/* A field that is not a list: its last entry counts. */
static enum et_status put_one(struct writing *j, const struct et_msgdef_field *f,
                              const struct entry *last)
{
    if (!last) {
        put_default(j, f);
        return ET_OK;
    }
    return f->type ? push(j, f->type, last->wire.bytes) : put_entry(j, f, &last->wire);
}

static enum et_status put_list(struct writing *j, const struct level *level,
                               const struct et_msgdef_field *f, size_t end)
{
    enum et_status st = ET_OK;
    et_json_open_list(j->w);
    for (size_t i = level->i_entry; i < end && st == ET_OK && j->w->buf->status == ET_OK; i++)
        st = put_entry(j, f, &level->entries[i].wire);
    et_json_close_list(j->w);
    return st;
}

static enum et_status put_field(struct writing *j, struct level *level)
{
    const struct et_msgdef_field *f = &level->type->fields[level->i_field];
    const size_t first = level->i_entry;
    size_t end = first;
    while (end < level->n_entries && level->entries[end].i_field == level->i_field)
        end++;
    et_json_key_str(j->w, f->name);
    if (f->array != ET_MSG_ONE && f->type) {
        et_json_open_list(j->w);
        level->is_in_list = true;
        return ET_OK;
    }
    enum et_status st = ET_OK;
    if (f->array != ET_MSG_ONE)
        st = put_list(j, level, f, end);
    level->i_field++;
    level->i_entry = end;
    return f->array != ET_MSG_ONE ? st
                                  : put_one(j, f, end > first ? &level->entries[end - 1] : NULL);
}

static enum et_status step_on(struct writing *j)
{
    struct level *level = &j->stack[j->depth - 1];
    if (level->is_in_list) {
        const struct entry *e = &level->entries[level->i_entry];
        if (level->i_entry < level->n_entries && e->i_field == level->i_field) {
            level->i_entry++;
            return push(j, level->type->fields[level->i_field].type, e->wire.bytes);
        }
        et_json_close_list(j->w);
        level->is_in_list = false;
        level->i_field++;
        return ET_OK;
    }
    if (level->i_field < level->type->n_fields)
        return put_field(j, level);
    et_json_close_map(j->w);
    et_arena_rewind(j->arena, level->mark);
    j->depth--;
    return ET_OK;
}

enum et_status et__protobuf_to_json(const struct et_msgdef *def, struct et_str bytes,
                                    struct et_json_writer *w, struct et_err *err)
{
    struct writing j = {.start = bytes.p, .w = w, .err = err};
    if (!bytes.p)
        bytes = ET_STR("");
    j.start = bytes.p;
    enum et_status st = et_arena_open(&j.arena, ET__JSON_ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    st = push(&j, def->root, bytes);
    while (st == ET_OK && j.depth > 0 && w->buf->status == ET_OK)
        st = step_on(&j);
    et_arena_close(j.arena);
    return st;
}
