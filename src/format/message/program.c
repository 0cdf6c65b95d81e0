/* The outside of field programs: opened, run, asked. */
#include "message__code.h"
#include "message__json.h"
#include "message__walk.h"

#include <stdio.h>
#include <stdlib.h>

#define BYTES_MAX_DEFAULT ((size_t)64 << 20)
#define ARENA_BYTES ((size_t)1 << 30) // of code, most of which is never reached
#define WANTS_MAX 65536

struct et_message_program {
    struct et_message_def message;
    struct et_arena *arena;
    struct et__slot *slots;
    const struct et__path **paths; // of the slots, for the slow way
    size_t n_slots;
    bool must_fit;
    struct et__code *code;  // CDR, ROS 1
    struct et__tree *tree;  // protobuf
    struct et_arena *trees; // JSON: of the last message
};

static const char *const NAMES[ET_MESSAGE_N_ENCODINGS] = {"cdr", "ros1", "protobuf", "json"};

const char *et_message_encoding_name(enum et_message_encoding encoding)
{
    return (unsigned)encoding < ET_MESSAGE_N_ENCODINGS ? NAMES[encoding] : "?";
}

bool et_message_encoding_find(struct et_str name, enum et_message_encoding *encoding)
{
    for (int i = 0; i < ET_MESSAGE_N_ENCODINGS; i++)
        if (et_str_is(name, NAMES[i])) {
            *encoding = (enum et_message_encoding)i;
            return true;
        }
    return false;
}

// ---- values ----------------------------------------------------------------------------------

void et__slot_put_integer(struct et__slot *slot, int64_t value)
{
    et_buf_put(&slot->buf, &value, sizeof value);
}

void et__slot_put_real(struct et__slot *slot, double value)
{
    et_buf_put(&slot->buf, &value, sizeof value);
}

void et__slot_put_view(struct et__slot *slot, struct et_str view)
{
    et_buf_put(&slot->buf, &view, sizeof view);
}

static void clear(struct et_message_program *p)
{
    for (size_t i = 0; i < p->n_slots; i++) {
        p->slots[i].buf.n = 0;
        p->slots[i].buf.status = ET_OK;
        p->slots[i].values = (struct et_message_values){0};
    }
}

static void publish(struct et__slot *slot)
{
    const void *p = slot->buf.p;
    struct et_message_values *v = &slot->values;
    v->n = slot->buf.n / 8;
    switch (slot->path.form) {
    case ET_MESSAGE_NUMBERS:
        v->numbers = p;
        return;
    case ET_MESSAGE_VIEWS:
        v->n = slot->buf.n / sizeof(struct et_str);
        v->views = p;
        return;
    case ET_MESSAGE_INTEGERS:
    case ET_MESSAGE_NATURAL:
        v->integers = p;
        return;
    }
}

/* The first slot that was full, or whose memory could not be had. */
static enum et_status check_room(const struct et_message_program *p, struct et_err *err)
{
    char what[ET_MESSAGE_PATH_BYTES_MAX + 32];
    for (size_t i = 0; i < p->n_slots; i++) {
        (void)snprintf(what, sizeof what, "the values of path \"%.*s\"", 120,
                       p->slots[i].path.text);
        const enum et_status st = et_buf_check(&p->slots[i].buf, what, err);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

// ---- opening ---------------------------------------------------------------------------------

static enum et_status open_slot(struct et_message_program *p, const struct et_message_want *want,
                                struct et__slot *slot, size_t bytes_max, struct et_err *err)
{
    enum et_status st = et__path_parse(want->path, &slot->path, err);
    if (st != ET_OK)
        return st;
    const char *text = et_arena_copy(p->arena, want->path, strlen(want->path));
    if (!text)
        return et_arena_fail(p->arena, "a field program", err);
    st = et__path_parse(text, &slot->path, err); // its names are in the copy
    slot->path.form = want->form;
    if (st == ET_OK && p->message.encoding != ET_MESSAGE_JSON)
        st = et__path_resolve(&slot->path, p->message.def->root, want->form, err);
    slot->buf = et_buf(bytes_max);
    slot->told =
        (struct et_message_path){text, slot->path.kind, slot->path.form, slot->path.n_values};
    return st;
}

static enum et_status open_slots(struct et_message_program *p, const struct et_message_want *wants,
                                 size_t n_wants, size_t bytes_max, struct et_err *err)
{
    if (n_wants > WANTS_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d paths", WANTS_MAX);
    if (p->message.encoding != ET_MESSAGE_JSON && !p->message.def)
        return et_fail(err, ET_EARG, -1, "no definition");
    p->slots = et_arena_array(p->arena, n_wants, sizeof *p->slots);
    p->paths = et_arena_array(p->arena, n_wants, sizeof(const struct et__path *));
    if (!p->slots || !p->paths)
        return et_arena_fail(p->arena, "a field program", err);
    for (; p->n_slots < n_wants; p->n_slots++) {
        struct et__slot *slot = &p->slots[p->n_slots];
        const enum et_status st = open_slot(p, &wants[p->n_slots], slot, bytes_max, err);
        if (st != ET_OK)
            return st;
        p->paths[p->n_slots] = &slot->path;
    }
    return ET_OK;
}

static enum et_status compile(struct et_message_program *p, struct et_err *err)
{
    switch (p->message.encoding) {
    case ET_MESSAGE_CDR:
    case ET_MESSAGE_ROS1:
        return et__code_compile(&p->message, p->slots, p->n_slots, p->must_fit, p->arena, &p->code,
                                err);
    case ET_MESSAGE_PROTOBUF:
        return et__protobuf_compile(p->slots, p->n_slots, p->arena, &p->tree, err);
    case ET_MESSAGE_JSON:
        return et_arena_open(&p->trees, ET__JSON_ARENA_BYTES, err);
    case ET_MESSAGE_N_ENCODINGS:
        break;
    }
    return et_fail(err, ET_EARG, -1, "no encoding");
}

enum et_status et_message_program_open(struct et_message_program **program,
                                       const struct et_message_def *message,
                                       const struct et_message_want *wants, size_t n_wants,
                                       const struct et_message_options *options, struct et_err *err)
{
    const size_t bytes_max = options && options->bytes_max ? options->bytes_max : BYTES_MAX_DEFAULT;
    struct et_message_program *p = calloc(1, sizeof *p);

    *program = NULL;
    if (!p)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a field program");
    p->message = *message;
    p->must_fit = options && options->must_fit;
    enum et_status st = et_arena_open(&p->arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = open_slots(p, wants, n_wants, bytes_max, err);
    if (st == ET_OK)
        st = compile(p, err);
    if (st == ET_OK)
        *program = p;
    else
        et_message_program_close(p);
    return st;
}

void et_message_program_close(struct et_message_program *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_slots; i++)
        et_buf_free(&p->slots[i].buf);
    et_arena_close(p->trees);
    et_arena_close(p->arena);
    free(p);
}

// ---- running ---------------------------------------------------------------------------------

static void take(void *ctx, const struct et__found *found)
{
    struct et_message_program *p = ctx;
    struct et__slot *slot = &p->slots[found->i_path];
    if (found->form == ET_MESSAGE_NUMBERS)
        et__slot_put_real(slot, found->real);
    else if (found->form == ET_MESSAGE_INTEGERS)
        et__slot_put_integer(slot, found->integer);
    else
        et__slot_put_view(slot, found->view);
}

static void take_nothing(void *ctx, const struct et__found *found)
{
    (void)ctx;
    (void)found;
}

/* The program only knows that a message ends too soon; the walk finds the field and the place. */
static enum et_status find_fault(const struct et_message_program *p, struct et_str bytes,
                                 enum et_status st, struct et_err *err)
{
    const enum et_status found =
        et__reference_run(&p->message, bytes, NULL, 0, take_nothing, NULL, err);
    if (found != ET_OK)
        return found;
    return et_fail(err, st, (int64_t)bytes.n, "the message ends before what is wanted of it");
}

static enum et_status run_ros(struct et_message_program *p, struct et_str bytes, struct et_err *err)
{
    struct et__layout layout;
    enum et_status st = et__layout_open(&layout, p->message.encoding, bytes, err);
    if (st != ET_OK)
        return st;
    if (layout.is_swapped || layout.has_headers)
        return et__reference_run(&p->message, bytes, p->paths, p->n_slots, take, p, err);
    st = et__code_run(p->code, layout.bytes + layout.origin, layout.end - layout.origin, p->slots);
    if (st == ET_ECORRUPT || st == ET_ELIMIT)
        return find_fault(p, bytes, st, err);
    return ET_OK; // or out of room, which the slots tell
}

static enum et_status run(struct et_message_program *p, struct et_str bytes, struct et_err *err)
{
    switch (p->message.encoding) {
    case ET_MESSAGE_CDR:
    case ET_MESSAGE_ROS1:
        return run_ros(p, bytes, err);
    case ET_MESSAGE_PROTOBUF:
        return et__protobuf_run(p->tree, bytes, p->slots, err);
    case ET_MESSAGE_JSON:
        return et__json_run(bytes, p->trees, p->slots, p->n_slots, err);
    case ET_MESSAGE_N_ENCODINGS:
        break;
    }
    return et_fail(err, ET_EARG, -1, "no encoding");
}

enum et_status et_message_run(struct et_message_program *p, struct et_str bytes, struct et_err *err)
{
    bool is_full = false;
    clear(p);
    enum et_status st = run(p, bytes, err);
    for (size_t i = 0; i < p->n_slots; i++)
        is_full |= p->slots[i].buf.status != ET_OK;
    if (st == ET_OK && is_full)
        st = check_room(p, err);
    if (st != ET_OK) {
        clear(p);
        return st;
    }
    for (size_t i = 0; i < p->n_slots; i++)
        publish(&p->slots[i]);
    return ET_OK;
}

const struct et_message_path *et_message_program_path(const struct et_message_program *p, size_t i)
{
    return i < p->n_slots ? &p->slots[i].told : NULL;
}

const struct et_message_values *et_message_values(const struct et_message_program *p, size_t i)
{
    return i < p->n_slots ? &p->slots[i].values : NULL;
}
