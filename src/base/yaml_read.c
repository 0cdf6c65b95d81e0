#include "etude/file.h"
#include "etude/yaml.h"

#include <assert.h>
#include <stdlib.h>
#include <yaml.h>

/* libyaml gives events; a stack of finished nodes turns them into a tree. When a list or a map
 * ends, its members are the nodes on top of the stack: they move into the arena in one piece, and
 * the container takes their place. */

struct node {
    struct et_str key; // {NULL, 0} in a list
    struct et_place key_place;
    struct et_value value;
};

struct frame {
    bool is_map;
    bool has_key; // the next node is the value of `key`
    struct et_str key;
    struct et_place key_place;
    struct et_place start;
    size_t i_first; // of its members on the stack of nodes
};

struct reader {
    yaml_parser_t yaml;
    const char *path; // for messages; NULL when there is none
    struct et_str text;
    struct et_arena *arena;
    struct et_err *err;
    struct et_buf nodes; // of struct node
    size_t n_documents;
    size_t depth;
    struct frame frames[ET_YAML_DEPTH_MAX];
};

static struct node *nodes_of(const struct reader *r)
{
    return (struct node *)(void *)r->nodes.p;
}

static size_t count_nodes(const struct reader *r)
{
    return r->nodes.n / sizeof(struct node);
}

static struct et_place place_of(yaml_mark_t mark)
{
    return (struct et_place){(int32_t)(mark.line + 1), (int32_t)(mark.column + 1)};
}

static enum et_status fail_in(struct et_err *err, enum et_status st, const char *path,
                              struct et_place place, const char *fmt, va_list args) ET_PRINTF(5, 0);
static enum et_status fail_in(struct et_err *err, enum et_status st, const char *path,
                              struct et_place place, const char *fmt, va_list args)
{
    char reason[ET_ERR_TEXT_BYTES];
    (void)vsnprintf(reason, sizeof reason, fmt, args);
    return et_fail(err, st, place.line, "%.200s%s%d:%d: %s", path ? path : "", path ? ":" : "",
                   place.line, place.column, reason);
}

static enum et_status fail_at(const struct reader *r, enum et_status st, struct et_place place,
                              const char *fmt, ...) ET_PRINTF(4, 5);
static enum et_status fail_at(const struct reader *r, enum et_status st, struct et_place place,
                              const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fail_in(r->err, st, r->path, place, fmt, args);
    va_end(args);
    return st;
}

enum et_status et_yaml_fail(struct et_err *err, const char *path, struct et_place place,
                            const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fail_in(err, ET_ECORRUPT, path, place, fmt, args);
    va_end(args);
    return ET_ECORRUPT;
}

// For a failure that has no place in the text.
static enum et_status with_path(const struct reader *r, enum et_status st)
{
    if (r->path && st != ET_OK)
        (void)et_err_context(r->err, "%.200s", r->path);
    return st;
}

static enum et_status fail_memory(const struct reader *r)
{
    return with_path(r, et_arena_fail(r->arena, "a YAML document", r->err));
}

// Where byte `offset` stands; the reader's errors know no line.
static struct et_place place_at(struct et_str text, size_t offset)
{
    struct et_place place = {1, 1};
    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static enum et_status fail_yaml(const struct reader *r)
{
    const yaml_parser_t *yaml = &r->yaml;
    switch (yaml->error) {
    case YAML_READER_ERROR:
        return fail_at(r, ET_ECORRUPT, place_at(r->text, yaml->problem_offset), "%s (byte %zu)",
                       yaml->problem, yaml->problem_offset);
    case YAML_SCANNER_ERROR:
    case YAML_PARSER_ERROR:
        return fail_at(r, ET_ECORRUPT, place_of(yaml->problem_mark), "%s%s%s", yaml->problem,
                       yaml->context ? " " : "", yaml->context ? yaml->context : "");
    case YAML_NO_ERROR:
    case YAML_MEMORY_ERROR:
    case YAML_COMPOSER_ERROR:
    case YAML_WRITER_ERROR:
    case YAML_EMITTER_ERROR:
        break;
    }
    return with_path(r, et_fail(r->err, ET_ENOMEM, -1, "no memory for a YAML document"));
}

// Digits of base 8 or 16 behind "0o" or "0x".
static bool based_integer(struct et_str s, int64_t *value)
{
    const bool is_octal = et_str_starts(s, "0o"), is_hex = et_str_starts(s, "0x");
    if (s.n < 3 || !(is_octal || is_hex))
        return false;
    int64_t sum = 0;
    for (size_t i = 2; i < s.n; i++) {
        const char c = s.p[i];
        int digit = 99;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        if (digit >= (is_octal ? 8 : 16) || __builtin_mul_overflow(sum, is_octal ? 8 : 16, &sum) ||
            __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *value = sum;
    return true;
}

static bool is_one_of(struct et_str s, const char *const *words)
{
    for (; *words; words++)
        if (et_str_is(s, *words))
            return true;
    return false;
}

// [-+]?[0-9]+ of the core schema: an integer, however long.
static bool is_integer(struct et_str s)
{
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    if (i == s.n)
        return false;
    for (; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

// The core schema's reals; ".inf" and ".nan" are its words for what strtod calls otherwise.
static bool to_real(struct et_str s, double *value)
{
    static const char *const NANS[] = {".nan", ".NaN", ".NAN", NULL};
    static const char *const INFS[] = {".inf", ".Inf", ".INF", NULL};
    if (is_one_of(s, NANS))
        return et_str_to_double(ET_STR("nan"), value);

    const bool has_sign = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    const struct et_str rest = {s.p + has_sign, s.n - has_sign};
    if (is_one_of(rest, INFS))
        return et_str_to_double(s.p[0] == '-' ? ET_STR("-inf") : ET_STR("inf"), value);
    const bool is_digit_first = rest.n > 0 && rest.p[0] >= '0' && rest.p[0] <= '9';
    const bool is_point_first =
        rest.n > 1 && rest.p[0] == '.' && rest.p[1] >= '0' && rest.p[1] <= '9';
    return (is_digit_first || is_point_first) && et_str_to_double(s, value);
}

/* YAML 1.2 core schema, section 10.3.2: what a plain scalar is. */
static enum et_status resolve(const struct reader *r, struct et_str s, struct et_value *value)
{
    static const char *const NULLS[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const TRUES[] = {"true", "True", "TRUE", NULL};
    static const char *const FALSES[] = {"false", "False", "FALSE", NULL};

    if (is_one_of(s, NULLS)) {
        value->kind = ET_VALUE_NULL;
    } else if (is_one_of(s, TRUES) || is_one_of(s, FALSES)) {
        value->kind = ET_VALUE_BOOL;
        value->as.boolean = is_one_of(s, TRUES);
    } else if (et_str_to_int64(s, &value->as.integer) || based_integer(s, &value->as.integer)) {
        value->kind = ET_VALUE_INT;
    } else if (is_integer(s)) {
        const struct et_place place = {value->line, value->column};
        return fail_at(r, ET_ECORRUPT, place, "the integer %.*s does not fit into 64 bits",
                       s.n > 40 ? 40 : (int)s.n, s.p);
    } else if (to_real(s, &value->as.real)) {
        value->kind = ET_VALUE_REAL;
    } else {
        value->kind = ET_VALUE_STRING;
        value->as.string = s;
    }
    return ET_OK;
}

// Puts a finished value where the innermost container wants it.
static enum et_status push(struct reader *r, const struct et_value *value)
{
    struct node node = {.value = *value};
    if (r->depth > 0 && r->frames[r->depth - 1].is_map) {
        struct frame *frame = &r->frames[r->depth - 1];
        assert(frame->has_key);
        node.key = frame->key;
        node.key_place = frame->key_place;
        frame->has_key = false;
    }
    et_buf_put(&r->nodes, &node, sizeof node);
    return with_path(r, et_buf_check(&r->nodes, "a YAML document", r->err));
}

static bool is_key_next(const struct reader *r)
{
    return r->depth > 0 && r->frames[r->depth - 1].is_map && !r->frames[r->depth - 1].has_key;
}

static enum et_status on_scalar(struct reader *r, const yaml_event_t *event)
{
    const struct et_place place = place_of(event->start_mark);
    const size_t n = event->data.scalar.length;
    const char *p = et_arena_copy(r->arena, event->data.scalar.value, n);
    if (!p)
        return fail_memory(r);

    const struct et_str s = {p, n};
    if (is_key_next(r)) {
        struct frame *frame = &r->frames[r->depth - 1];
        if (n == 0)
            return fail_at(r, ET_ECORRUPT, place, "a key is empty");
        frame->key = s;
        frame->key_place = place;
        frame->has_key = true;
        return ET_OK;
    }
    struct et_value value = {.kind = ET_VALUE_STRING, .line = place.line, .column = place.column};
    value.as.string = s;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        const enum et_status st = resolve(r, s, &value);
        if (st != ET_OK)
            return st;
    }
    return push(r, &value);
}

static enum et_status on_start(struct reader *r, struct et_place place, bool is_map)
{
    if (is_key_next(r))
        return fail_at(r, ET_ECORRUPT, place, "a key must be a text, not a %s",
                       is_map ? "map" : "list");
    if (r->depth == ET_YAML_DEPTH_MAX)
        return fail_at(r, ET_ELIMIT, place, "nested deeper than %d levels", ET_YAML_DEPTH_MAX);
    r->frames[r->depth++] =
        (struct frame){.is_map = is_map, .start = place, .i_first = count_nodes(r)};
    return ET_OK;
}

struct entry {
    const struct node *node;
};

// By key, then in the document's order.
static int by_key(const void *a, const void *b)
{
    const struct node *x = ((const struct entry *)a)->node, *y = ((const struct entry *)b)->node;
    const int order = et_str_cmp(x->key, y->key);
    return order != 0 ? order : (x > y) - (x < y);
}

/* Sorting keeps this fast for a map of a million keys, which somebody may write on purpose. */
static enum et_status refuse_duplicates(const struct reader *r, const struct node *nodes, size_t n)
{
    enum et_status st = ET_OK;
    struct et_buf sorted_buf = et_buf(n * sizeof(struct entry));
    struct entry *sorted = et_buf_reserve(&sorted_buf, n * sizeof *sorted);
    if (!sorted)
        return with_path(r, et_buf_check(&sorted_buf, "the keys of a YAML map", r->err));

    for (size_t i = 0; i < n; i++)
        sorted[i].node = &nodes[i];
    qsort(sorted, n, sizeof *sorted, by_key);
    const struct node *second = NULL; // the first of the document's second ones
    for (size_t i = 1; i < n; i++)
        if (et_str_eq(sorted[i - 1].node->key, sorted[i].node->key) &&
            (!second || sorted[i].node < second))
            second = sorted[i].node;
    if (second)
        st = fail_at(r, ET_ECORRUPT, second->key_place, "the key \"%.*s\" stands here again",
                     second->key.n > 100 ? 100 : (int)second->key.n, second->key.p);
    et_buf_free(&sorted_buf);
    return st;
}

// Moves the members from the stack of nodes into the arena.
static enum et_status gather(const struct reader *r, const struct node *nodes, size_t n,
                             struct et_value *value)
{
    const bool is_map = value->kind == ET_VALUE_MAP;
    struct et_value *items = et_arena_array(r->arena, n, sizeof *items);
    struct et_str *keys = NULL;
    struct et_place *places = NULL;
    if (items && is_map)
        keys = et_arena_array(r->arena, n, sizeof *keys);
    if (keys)
        places = et_arena_array(r->arena, n, sizeof *places);
    if (!items || (is_map && !places))
        return fail_memory(r);

    for (size_t i = 0; i < n; i++) {
        items[i] = nodes[i].value;
        if (!is_map)
            continue;
        keys[i] = nodes[i].key;
        places[i] = nodes[i].key_place;
    }
    value->as.many.items = items;
    value->as.many.keys = keys;
    value->as.many.places = places;
    value->as.many.n_items = n;
    return ET_OK;
}

static enum et_status on_end(struct reader *r)
{
    assert(r->depth > 0);
    const struct frame *frame = &r->frames[r->depth - 1];
    const size_t i_first = frame->i_first, n = count_nodes(r) - i_first;
    const struct node *nodes = n > 0 ? nodes_of(r) + i_first : NULL;
    struct et_value value = {
        .kind = frame->is_map ? ET_VALUE_MAP : ET_VALUE_LIST,
        .line = frame->start.line,
        .column = frame->start.column,
    };

    enum et_status st = ET_OK;
    if (frame->is_map && n > 1)
        st = refuse_duplicates(r, nodes, n);
    if (st == ET_OK)
        st = gather(r, nodes, n, &value);
    if (st != ET_OK)
        return st;
    r->nodes.n = i_first * sizeof(struct node);
    r->depth--;
    return push(r, &value);
}

static enum et_status refuse(const struct reader *r, const yaml_event_t *event, const char *what)
{
    return fail_at(r, ET_ECORRUPT, place_of(event->start_mark), "%s", what);
}

static enum et_status on_event(struct reader *r, const yaml_event_t *event)
{
    const struct et_place place = place_of(event->start_mark);
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor)
        return refuse(r, event, "anchors (&name) are not used here");
    if (tag)
        return refuse(r, event, "tags (!name) are not used here");

    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->n_documents++ > 0)
            return refuse(r, event, "a second document begins; one file holds one");
        return ET_OK;
    case YAML_ALIAS_EVENT:
        return refuse(r, event, "aliases (*name) are not used here");
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(r, place, false);
    case YAML_MAPPING_START_EVENT:
        return on_start(r, place, true);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(r);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return ET_OK;
    }
    return ET_OK;
}

static enum et_status read_events(struct reader *r)
{
    bool is_end = false;
    while (!is_end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->yaml, &event))
            return fail_yaml(r);
        const enum et_status st = on_event(r, &event);
        is_end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

enum et_status et_yaml_parse(struct et_str text, const char *path, struct et_arena *arena,
                             const struct et_value **value, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct reader r = {.path = path, .text = text, .arena = arena, .err = err};
    struct et_value *root;

    // Each node takes a byte of the text at least, but for the last of "a: " and its like.
    if (text.n > INT32_MAX)
        return et_fail(err, ET_ELIMIT, -1, "a YAML text of %zu bytes is too long", text.n);
    r.nodes = et_buf((text.n + 2) * sizeof(struct node));
    if (!yaml_parser_initialize(&r.yaml))
        return et_fail(err, ET_ENOMEM, -1, "no memory for a YAML document");
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)(text.n ? text.p : ""), text.n);

    enum et_status st = read_events(&r);
    if (st != ET_OK)
        goto out;
    assert(r.depth == 0 && count_nodes(&r) <= 1);
    root = et_arena_alloc(arena, sizeof *root);
    if (!root) {
        st = fail_memory(&r);
        goto out;
    }
    *root = (struct et_value){.kind = ET_VALUE_NULL, .line = 1, .column = 1};
    if (count_nodes(&r) == 1)
        *root = nodes_of(&r)[0].value;
    *value = root;
out:
    yaml_parser_delete(&r.yaml);
    et_buf_free(&r.nodes);
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    return st;
}

enum et_status et_yaml_read(const char *path, size_t limit_bytes, struct et_arena *arena,
                            const struct et_value **value, struct et_err *err)
{
    struct et_str text;
    const struct et_arena_mark mark = et_arena_mark(arena);

    enum et_status st = et_file_read(path, limit_bytes, arena, &text, err);
    if (st != ET_OK)
        return st;
    st = et_yaml_parse(text, path, arena, value, err);
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    return st;
}
