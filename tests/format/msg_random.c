#include "msg_random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static size_t below(struct rng *rng, size_t n)
{
    return (size_t)(rng_next(rng) % n);
}

// ---- definitions -----------------------------------------------------------------------------

static const char *const KINDS[] = {"bool",    "int8",    "uint8",  "byte",  "char",    "int16",
                                    "uint16",  "int32",   "uint32", "int64", "uint64",  "float32",
                                    "float64", "float64", "string", "time",  "duration"};

static void put_fields(struct rng *rng, enum msg_layout layout, size_t i_type, size_t n_types,
                       struct et_buf *text)
{
    const size_t n_fields = below(rng, 8) == 0 ? 0 : 1 + below(rng, 6);
    for (size_t i = 0; i < n_fields; i++) {
        if (i_type + 1 < n_types && below(rng, 3) == 0)
            et_buf_printf(text, "pkg/T%zu", i_type + 1 + below(rng, n_types - i_type - 1));
        else
            et_buf_puts(text, KINDS[below(rng, sizeof KINDS / sizeof *KINDS)]);
        const size_t array = below(rng, 5);
        if (array == 0)
            et_buf_printf(text, "[%zu]", below(rng, 12));
        else if (array == 1 && layout != MSG_ROS1)
            et_buf_printf(text, "[<=%zu]", 1 + below(rng, 4));
        else if (array <= 2)
            et_buf_puts(text, "[]");
        et_buf_printf(text, " f%zu\n", i);
    }
}

void random_definition(struct rng *rng, enum msg_layout layout, size_t n_types_max,
                       struct et_buf *text)
{
    const size_t n_types = 1 + below(rng, n_types_max);
    for (size_t i = 0; i < n_types; i++) {
        if (i > 0)
            et_buf_printf(text, "================\nMSG: pkg/T%zu\n", i);
        put_fields(rng, layout, i, n_types, text);
    }
}

// ---- messages --------------------------------------------------------------------------------

struct writing {
    struct rng *rng;
    struct et_buf *bytes;
    struct et_json_writer json;
    size_t origin, align_max;
    bool is_cdr, is_big, has_headers, is_delimited;
    size_t budget; // of elements, so that messages stay small
};

static void align(struct writing *w, size_t n)
{
    if (n > w->align_max)
        n = w->align_max;
    while ((w->bytes->n - w->origin) % n)
        et_buf_putc(w->bytes, '\0');
}

static void put_bits(struct writing *w, uint64_t bits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        et_buf_putc(w->bytes, (char)(bits >> (8 * (w->is_big ? n - 1 - i : i))));
}

static void put_u32(struct writing *w, uint32_t value)
{
    align(w, 4);
    put_bits(w, value, 4);
}

/* Room for a length in bytes that is known later. */
static size_t begin_length(struct writing *w)
{
    put_u32(w, 0);
    return w->bytes->n;
}

static void end_length(struct writing *w, size_t from)
{
    struct et_buf number = et_buf(4), *bytes = w->bytes;
    w->bytes = &number;
    put_bits(w, bytes->n - from, 4);
    w->bytes = bytes;
    memcpy(bytes->p + from - 4, number.p, 4);
    et_buf_free(&number);
}

static void put_float(struct writing *w, size_t n_bytes)
{
    static const double ODD[] = {0.0, -0.0, (double)NAN, (double)INFINITY, 1e-40, -1.5};
    double value = below(w->rng, 4) ? rng_gaussian(w->rng) * 100 : ODD[below(w->rng, 6)];
    uint64_t bits = 0;
    align(w, n_bytes);
    if (n_bytes == 4) {
        const float small = (float)value;
        memcpy(&bits, &small, 4);
        value = (double)small;
    } else {
        memcpy(&bits, &value, 8);
    }
    put_bits(w, bits, n_bytes);
    et_json_real(&w->json, value);
}

static void put_integer(struct writing *w, size_t n_bytes, bool is_signed)
{
    uint64_t bits = below(w->rng, 3) ? rng_next(w->rng) : below(w->rng, 3) - 1;
    char digits[32];
    align(w, n_bytes);
    if (n_bytes < 8)
        bits &= (UINT64_C(1) << (8 * n_bytes)) - 1;
    put_bits(w, bits, n_bytes);
    if (is_signed) {
        const unsigned shift = (unsigned)(64 - 8 * n_bytes);
        et_json_int(&w->json, (int64_t)(bits << shift) >> shift);
    } else if (bits > INT64_MAX) {
        (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)bits);
        et_json_text(&w->json, digits);
    } else {
        et_json_int(&w->json, (int64_t)bits);
    }
}

static void put_text(struct writing *w)
{
    char text[12];
    const size_t n = below(w->rng, sizeof text);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + below(w->rng, 26));
    const bool has_nul = w->is_cdr && (n > 0 || below(w->rng, 2));
    put_u32(w, (uint32_t)(n + has_nul));
    et_buf_put(w->bytes, text, n);
    if (has_nul)
        et_buf_putc(w->bytes, '\0');
    et_json_str(&w->json, (struct et_str){text, n});
}

static void put_time(struct writing *w, const struct et_msgdef_type *type)
{
    const size_t from = w->is_delimited ? begin_length(w) : 0;
    et_json_open_map(&w->json);
    for (size_t i = 0; i < 2; i++) {
        et_json_key_str(&w->json, type->fields[i].name);
        put_integer(w, 4, type->fields[i].kind == ET_MSG_INT32);
    }
    et_json_close_map(&w->json);
    if (w->is_delimited)
        end_length(w, from);
}

static void put_message(struct writing *w, const struct et_msgdef_type *type);

static void put_one(struct writing *w, const struct et_msgdef_field *f)
{
    const size_t n_bytes = et_msg_kind_bytes(f->kind);
    switch (f->kind) {
    case ET_MSG_BOOL:
        et_buf_putc(w->bytes, (char)below(w->rng, 2));
        et_json_bool(&w->json, w->bytes->p[w->bytes->n - 1] != 0);
        return;
    case ET_MSG_FLOAT32:
    case ET_MSG_FLOAT64:
        put_float(w, n_bytes);
        return;
    case ET_MSG_INT8:
    case ET_MSG_INT16:
    case ET_MSG_INT32:
    case ET_MSG_INT64:
        put_integer(w, n_bytes, true);
        return;
    case ET_MSG_UINT8:
    case ET_MSG_UINT16:
    case ET_MSG_UINT32:
    case ET_MSG_UINT64:
        put_integer(w, n_bytes, false);
        return;
    case ET_MSG_STRING:
        put_text(w);
        return;
    case ET_MSG_TIME:
    case ET_MSG_DURATION:
        put_time(w, f->type);
        return;
    case ET_MSG_NESTED:
        put_message(w, f->type);
        return;
    case ET_MSG_WSTRING:
    case ET_MSG_BYTES:
        abort();
    }
}

static bool is_bytes(const struct et_msgdef_field *f)
{
    return et_str_is(f->spelled, "uint8") || et_str_is(f->spelled, "byte") ||
           et_str_is(f->spelled, "char");
}

static void put_array(struct writing *w, const struct et_msgdef_field *f)
{
    const bool is_number = et_msg_kind_bytes(f->kind) > 0 && !f->type;
    const bool has_header = w->has_headers && !is_number;
    const size_t header = has_header ? begin_length(w) : 0;
    const size_t limit = f->n_array && f->n_array < 5 ? f->n_array + 1 : 5;
    size_t n = f->array == ET_MSG_FIXED ? f->n_array : below(w->rng, limit);
    if (f->array == ET_MSG_SEQUENCE && n > w->budget)
        n = 0;
    w->budget -= n < w->budget ? n : w->budget;
    if (f->array == ET_MSG_SEQUENCE)
        put_u32(w, (uint32_t)n);
    if (is_bytes(f)) {
        char bytes[16];
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)rng_next(w->rng);
        et_buf_put(w->bytes, bytes, n);
        et_json_bytes(&w->json, bytes, n);
        return;
    }
    et_json_open_list(&w->json);
    for (size_t i = 0; i < n; i++)
        put_one(w, f);
    et_json_close_list(&w->json);
    if (has_header)
        end_length(w, header);
}

static void put_message(struct writing *w, const struct et_msgdef_type *type)
{
    const size_t from = w->is_delimited ? begin_length(w) : 0;
    et_json_open_map(&w->json);
    if (type->n_fields == 0 && w->is_cdr)
        et_buf_putc(w->bytes, '\0');
    for (size_t i = 0; i < type->n_fields; i++) {
        et_json_key_str(&w->json, type->fields[i].name);
        if (type->fields[i].array == ET_MSG_ONE)
            put_one(w, &type->fields[i]);
        else
            put_array(w, &type->fields[i]);
    }
    et_json_close_map(&w->json);
    if (w->is_delimited)
        end_length(w, from);
}

void random_message(struct rng *rng, const struct et_msgdef *def, enum msg_layout layout,
                    struct et_buf *bytes, struct et_buf *json)
{
    static const uint8_t KIND[MSG_N_LAYOUTS] = {0, 1, 0, 7, 0x10, 9, 0x14};
    struct writing w = {
        .rng = rng,
        .bytes = bytes,
        .json = {.buf = json},
        .align_max = layout == MSG_ROS1   ? 1
                     : layout < MSG_XCDR2 ? 8
                                          : 4,
        .is_cdr = layout != MSG_ROS1,
        .is_big = layout == MSG_XCDR1_BIG || layout == MSG_XCDR2_BIG || layout == MSG_DELIMITED_BIG,
        .has_headers = layout >= MSG_XCDR2,
        .is_delimited = layout >= MSG_DELIMITED,
        .budget = 200,
    };
    if (w.is_cdr) {
        const uint8_t header[4] = {0, KIND[layout], 0, 0};
        et_buf_put(bytes, header, sizeof header);
    }
    w.origin = bytes->n;
    put_message(&w, def->root);
}

struct et_message_def message_of(const struct et_msgdef *def, enum msg_layout layout)
{
    return (struct et_message_def){
        .encoding = layout == MSG_ROS1 ? ET_MESSAGE_ROS1 : ET_MESSAGE_CDR,
        .def = def,
    };
}

// ---- comparing -------------------------------------------------------------------------------

static bool are_same(const struct et_message_values *a, const struct et_message_values *b)
{
    if (a->n != b->n || !a->numbers != !b->numbers || !a->integers != !b->integers ||
        !a->views != !b->views)
        return a->n == 0 && b->n == 0;
    if (a->numbers)
        return memcmp(a->numbers, b->numbers, a->n * sizeof *a->numbers) == 0;
    if (a->integers)
        return memcmp(a->integers, b->integers, a->n * sizeof *a->integers) == 0;
    for (size_t i = 0; i < a->n; i++)
        if (a->views[i].p != b->views[i].p || a->views[i].n != b->views[i].n)
            return false;
    return true;
}

/* Such a message may end before its last fields. */
static bool is_delimited(const struct et_message_def *message, struct et_str bytes)
{
    return message->encoding == ET_MESSAGE_CDR && bytes.n > 1 &&
           memchr("\x08\x09\x14\x15", bytes.p[1], 4);
}

/* Runs the wants together against the reference. */
static void compare(const struct et_message_def *message, const struct et_message_want *wants,
                    size_t n, struct et_str bytes, struct et_arena *arena, char why[512])
{
    static const struct et_message_options OPTIONS = {.must_fit = true};
    struct et_message_program *program;
    struct et_message_values values;
    struct et_err err = {0}, other = {0};
    if (et_message_program_open(&program, message, wants, n, &OPTIONS, &err) != ET_OK) {
        (void)snprintf(why, 512, "opening: %s", err.text);
        return;
    }
    const enum et_status st = et_message_run(program, bytes, &err);
    for (size_t i = 0; i < n && !why[0]; i++) {
        const enum et_status st_walk =
            et_message_walk(message, &wants[i], bytes, arena, &values, &other);
        if ((st == ET_OK) != (st_walk == ET_OK))
            (void)snprintf(why, 512, "%.60s: %s (%.150s), the walk %s (%.150s)", wants[i].path,
                           et_status_name(st), err.text, et_status_name(st_walk), other.text);
        else if (st == ET_OK && !are_same(et_message_values(program, i), &values))
            (void)snprintf(why, 512, "%s: %zu values and %zu", wants[i].path,
                           et_message_values(program, i)->n, values.n);
        else if (st == ET_OK && !is_delimited(message, bytes) &&
                 et_message_program_path(program, i)->n_values >= 0 &&
                 (size_t)et_message_program_path(program, i)->n_values != values.n)
            (void)snprintf(why, 512, "%s: %zu values, told %lld", wants[i].path, values.n,
                           (long long)et_message_program_path(program, i)->n_values);
    }
    et_message_program_close(program);
}

void compare_with_reference(const struct et_message_def *message,
                            const struct et_message_want *wants, size_t n_wants,
                            struct et_str bytes, char why[512])
{
    struct et_arena *arena;
    why[0] = '\0';
    if (et_arena_open(&arena, (size_t)1 << 28, NULL) != ET_OK)
        abort();
    compare(message, wants, n_wants, bytes, arena, why);
    for (size_t i = 0; i < n_wants && i < 40 && !why[0]; i++)
        compare(message, &wants[i], 1, bytes, arena, why);
    et_arena_close(arena);
}

struct et_message_want *wants_of(struct rng *rng, const struct et_message_def *message,
                                 struct et_arena *arena, size_t *n_wants)
{
    const struct et_message_path *paths;
    size_t n;
    if (et_message_paths(message, arena, &paths, &n, NULL) != ET_OK)
        abort();
    struct et_message_want *wants = et_arena_array(arena, n + 1, 2 * sizeof *wants);
    *n_wants = 0;
    for (size_t i = 0; i < n; i++) {
        const bool is_number = paths[i].form != ET_MESSAGE_VIEWS && paths[i].kind != ET_MSG_TIME &&
                               paths[i].kind != ET_MSG_DURATION;
        wants[(*n_wants)++] = (struct et_message_want){
            paths[i].path,
            is_number && below(rng, 3) == 0 ? ET_MESSAGE_NUMBERS : ET_MESSAGE_NATURAL};
        // The same path with an index where it says "[]", here and there; and a part of a time.
        char *copy = et_arena_printf(arena, "%s", paths[i].path);
        for (char *at = copy; (at = strstr(at, "[]")) != NULL; at++)
            if (below(rng, 2))
                copy = et_arena_printf(arena, "%.*s[%zu]%s", (int)(at - copy), copy, below(rng, 3),
                                       at + 2);
        if (paths[i].kind == ET_MSG_TIME && paths[i].n_values == 1)
            copy = et_arena_printf(arena, "%s.%s", copy,
                                   message->def->flavour == ET_MSGDEF_ROS1 ? "nsecs" : "nanosec");
        struct et_message_program *program;
        const struct et_message_want want = {copy, ET_MESSAGE_NATURAL};
        if (et_message_program_open(&program, message, &want, 1, NULL, NULL) == ET_OK) {
            wants[(*n_wants)++] = want; // else a fixed array without such an element
            et_message_program_close(program);
        }
    }
    return wants;
}
