/* Field programs for protobuf: wanted paths are a tree, and a message is gone through once.
 *
 * A field that is absent has its default, as protobuf's own accessors say; one below a message that
 * is absent has no value. Of one that occurs twice where one is meant, the last counts. */
#include "message__program.h"
#include "message__protobuf.h"

#include <assert.h>

#define NONE UINT32_MAX
#define NODES_MAX ((size_t)1 << 20)

struct node {
    const struct et_msgdef_field *field;
    int64_t index;     // of a list: ET__ALL, or the element that is meant
    uint32_t i_child;  // the first; NONE
    uint32_t i_next;   // sibling; NONE
    uint32_t i_slot;   // of a leaf, else NONE
    uint64_t standard; // the default's bits: of an int64, or of a double
    size_t n_seen;     // in the message that is gone through
};

struct frame {
    uint32_t i_node;
    struct et__wire wire;
};

struct et__tree {
    struct node *nodes; // the first is the message itself
    size_t n_nodes;
    struct frame *stack; // each node is on it once at most
    size_t depth;
    const char *start; // of the message
    struct et__slot *slots;
    struct et_err *err;
};

// ---- the tree --------------------------------------------------------------------------------

static uint64_t bits_of_default(const struct et_msgdef_field *f, enum et_message_form form,
                                struct et_arena *arena)
{
    const struct et_value *value = NULL;
    uint64_t bits = 0;
    double real = 0;
    if (!f->default_text.p || !et__number_is(f) ||
        et_msgdef_literal(f->kind, ET_MSG_ONE, f->default_text, arena, &value, NULL) != ET_OK)
        return 0; // the first of an enumeration, whose names are not kept
    if (form == ET_MESSAGE_INTEGERS)
        return f->kind == ET_MSG_BOOL ? et_value_bool(value, false)
                                      : (uint64_t)et_value_int(value, 0);
    real = f->kind == ET_MSG_BOOL ? et_value_bool(value, false) : et_value_real(value, 0);
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

/* The child of a node for a step; made when there is none. Every path has a leaf of its own. */
static uint32_t child_of(struct et__tree *t, uint32_t i_node, const struct et__step *step,
                         bool is_leaf)
{
    struct node *parent = &t->nodes[i_node];
    for (uint32_t i = parent->i_child; i != NONE && !is_leaf; i = t->nodes[i].i_next)
        if (t->nodes[i].field == step->field && t->nodes[i].index == step->index &&
            t->nodes[i].i_slot == NONE)
            return i;
    const uint32_t made = (uint32_t)t->n_nodes++;
    t->nodes[made] = (struct node){.field = step->field,
                                   .index = step->index,
                                   .i_child = NONE,
                                   .i_next = parent->i_child,
                                   .i_slot = NONE};
    parent->i_child = made;
    return made;
}

enum et_status et__protobuf_compile(const struct et__slot *slots, size_t n_slots,
                                    struct et_arena *arena, struct et__tree **tree,
                                    struct et_err *err)
{
    size_t n_max = 1;
    for (size_t i = 0; i < n_slots; i++)
        n_max += slots[i].path.n_steps;
    if (n_max > NODES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "a field program of %zu steps", n_max);
    struct et__tree *t = et_arena_alloc(arena, sizeof *t);
    if (t)
        t->nodes = et_arena_array(arena, n_max, sizeof *t->nodes);
    if (t && t->nodes)
        t->stack = et_arena_array(arena, n_max, sizeof *t->stack);
    if (!t || !t->nodes || !t->stack)
        return et_arena_fail(arena, "a field program", err);
    t->nodes[t->n_nodes++] = (struct node){.i_child = NONE, .i_next = NONE, .i_slot = NONE};
    for (uint32_t i = 0; i < n_slots; i++) {
        const struct et__path *path = &slots[i].path;
        uint32_t i_node = 0;
        for (size_t k = 0; k < path->n_steps; k++)
            i_node = child_of(t, i_node, &path->steps[k], k + 1 == path->n_steps);
        t->nodes[i_node].i_slot = i;
        t->nodes[i_node].standard = bits_of_default(t->nodes[i_node].field, path->form, arena);
    }
    *tree = t;
    return ET_OK;
}

// ---- values ----------------------------------------------------------------------------------

/* Counts a value of the node. False: it is an element that is not meant. */
static bool is_meant(struct node *node)
{
    const size_t i = node->n_seen++;
    return node->field->array == ET_MSG_ONE || node->index == ET__ALL || (int64_t)i == node->index;
}

/* Where only one is meant, a later value takes the place of an earlier one. */
static void make_place(const struct node *node, struct et__slot *slot)
{
    const size_t size = slot->path.form == ET_MESSAGE_VIEWS ? sizeof(struct et_str) : 8;
    if (node->field->array == ET_MSG_ONE && node->n_seen > 1 && slot->buf.n >= size)
        slot->buf.n -= size;
}

static void put_number(struct et__tree *t, struct node *node, uint64_t bits)
{
    struct et__slot *slot = &t->slots[node->i_slot];
    if (!is_meant(node))
        return;
    make_place(node, slot);
    if (slot->path.form == ET_MESSAGE_NUMBERS)
        et__slot_put_real(slot, et__number_real(node->field, bits));
    else
        et__slot_put_integer(slot, et__number_integer(node->field, bits));
}

static enum et_status put_packed(struct et__tree *t, struct node *node, struct et_str bytes)
{
    struct et__wire wire = et__wire(t->start, bytes);
    const enum et__wire_type type = et__number_type(node->field);
    while (wire.p < wire.end && t->slots[node->i_slot].buf.status == ET_OK) {
        uint64_t bits;
        const enum et_status st = et__wire_number(&wire, type, &bits, t->err);
        if (st != ET_OK)
            return st;
        put_number(t, node, bits);
    }
    return ET_OK;
}

static enum et_status put_leaf(struct et__tree *t, struct node *node,
                               const struct et__wire_entry *e)
{
    struct et__slot *slot = &t->slots[node->i_slot];
    const struct et_msgdef_field *f = node->field;
    if (et__number_is(f)) {
        if (e->type == et__number_type(f))
            put_number(t, node, e->value);
        else if (e->type == ET__WIRE_BYTES && f->array != ET_MSG_ONE)
            return put_packed(t, node, e->bytes);
        return ET_OK; // another type: not this field, as protobuf sees it
    }
    if (e->type != ET__WIRE_BYTES || !is_meant(node))
        return ET_OK;
    make_place(node, slot);
    if (slot->path.form == ET_MESSAGE_VIEWS) {
        et__slot_put_view(slot, e->bytes);
        return ET_OK;
    }
    int64_t ns;
    const enum et_status st = et__number_time(t->start, e->bytes, &ns, t->err);
    if (st == ET_OK)
        et__slot_put_integer(slot, ns);
    return st;
}

/* What a message that is over did not say. */
static void put_default(struct et__tree *t, struct node *node)
{
    struct et__slot *slot = &t->slots[node->i_slot];
    const struct et_str text = node->field->default_text;
    if (node->field->array != ET_MSG_ONE || node->field->type || node->n_seen > 0)
        return;
    node->n_seen++;
    if (slot->path.form == ET_MESSAGE_VIEWS)
        et__slot_put_view(slot, text.p ? text : ET_STR(""));
    else
        et_buf_put(&slot->buf, &node->standard, sizeof node->standard);
}

// ---- messages --------------------------------------------------------------------------------

static void push(struct et__tree *t, uint32_t i_node, struct et_str bytes, bool is_first)
{
    struct node *node = &t->nodes[i_node];
    for (uint32_t i = node->i_child; i != NONE && is_first; i = t->nodes[i].i_next)
        t->nodes[i].n_seen = 0;
    assert(t->depth < t->n_nodes);
    t->stack[t->depth++] = (struct frame){i_node, et__wire(t->start, bytes)};
}

static enum et_status put_entry(struct et__tree *t, uint32_t i_child,
                                const struct et__wire_entry *e)
{
    struct node *child = &t->nodes[i_child];
    if (child->i_slot != NONE)
        return put_leaf(t, child, e);
    if (e->type != ET__WIRE_BYTES || !is_meant(child))
        return ET_OK;
    // Two of a message where one is meant are one, in two parts.
    push(t, i_child, e->bytes, child->field->array != ET_MSG_ONE || child->n_seen == 1);
    return ET_OK;
}

static enum et_status step_on(struct et__tree *t)
{
    struct frame *frame = &t->stack[t->depth - 1];
    const uint32_t i_first = t->nodes[frame->i_node].i_child;
    struct et__wire_entry e;
    enum et_status st = et__wire_next(&frame->wire, &e, t->err);
    if (st == ET_END) {
        for (uint32_t i = i_first; i != NONE; i = t->nodes[i].i_next)
            if (t->nodes[i].i_slot != NONE)
                put_default(t, &t->nodes[i]);
        t->depth--;
        return ET_OK;
    }
    for (uint32_t i = i_first; i != NONE && st == ET_OK; i = t->nodes[i].i_next)
        if (t->nodes[i].field->number == e.number)
            st = put_entry(t, i, &e);
    return st;
}

enum et_status et__protobuf_run(struct et__tree *t, struct et_str bytes, struct et__slot *slots,
                                struct et_err *err)
{
    if (!bytes.p)
        bytes = ET_STR("");
    t->start = bytes.p;
    t->slots = slots;
    t->err = err;
    t->depth = 0;
    push(t, 0, bytes, true);
    enum et_status st = ET_OK;
    while (st == ET_OK && t->depth > 0)
        st = step_on(t);
    return st;
}
