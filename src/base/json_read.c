#include "etude/file.h"
#include "etude/json.h"

#include <assert.h>
#include <jansson.h>
#include <limits.h>
#include <locale.h>
#include <math.h>

/* jansson does the grammar. Around it stand the things it does not do: a depth that is checked
 * before it recurses, NaN and Infinity, and positions that point at the start of what is wrong.
 *
 * NaN and Infinity become strings of the same length in a copy of the text, so that every offset
 * stays true. A real string may hold the same characters, therefore the place of each one among the
 * document's strings (keys and values, in their order) is remembered, and not only its content. */

struct nan_mark {
    size_t i_string; // counts the strings before it
    size_t offset;
    double value;
};

struct nan_marks {
    struct nan_mark *items;
    size_t n;
};

struct scan {
    bool allow_nan;
    size_t n_values, n_values_max; // what begins behind a bracket, a comma or a colon
    int depth;
    size_t n_strings;
    size_t n_marks;
    struct nan_mark *marks; // NULL while they are only counted
    char *copy;             // NULL while they are only counted
};

// clang-format off
static const struct {
    const char *text;
    size_t n;
    double value;
} WORDS[] = {
    {"NaN",       3, (double)NAN},
    {"Infinity",  8, (double)INFINITY},
    {"-Infinity", 9, -(double)INFINITY},
};
// clang-format on

// The offset behind the string whose quote stands at i, or the text's end.
static size_t skip_string(struct et_str text, size_t i)
{
    for (i++; i < text.n && text.p[i] != '"'; i++)
        if (text.p[i] == '\\')
            i++;
    return i < text.n ? i + 1 : text.n;
}

/* Takes the word at i for a number that is none; returns its length, 0 when it is another word. */
static size_t take_word(struct et_str text, size_t i, struct scan *scan)
{
    if (!scan->allow_nan || (text.p[i] != 'N' && text.p[i] != 'I' && text.p[i] != '-'))
        return 0;
    for (size_t k = 0; k < sizeof WORDS / sizeof *WORDS; k++) {
        const size_t n = WORDS[k].n;
        if (text.n - i < n || memcmp(text.p + i, WORDS[k].text, n) != 0)
            continue;
        if (scan->marks) {
            scan->marks[scan->n_marks] = (struct nan_mark){scan->n_strings, i, WORDS[k].value};
            memset(scan->copy + i, 'n', n);
            scan->copy[i] = scan->copy[i + n - 1] = '"';
        }
        scan->n_marks++;
        scan->n_strings++;
        return n;
    }
    return 0;
}

/* Walks over the text outside of strings: finds words to replace, and a depth beyond the limit. */
static enum et_status scan_text(struct et_str text, struct scan *scan, struct et_err *err)
{
    for (size_t i = 0; i < text.n;) {
        const char c = text.p[i];
        if (c == '"') {
            i = skip_string(text, i);
            scan->n_strings++;
            continue;
        }
        if ((c == '[' || c == '{') && ++scan->depth > ET_JSON_DEPTH_MAX)
            return et_fail(err, ET_ELIMIT, (int64_t)i, "nested deeper than %d levels at byte %zu",
                           ET_JSON_DEPTH_MAX, i);
        scan->n_values += c == '[' || c == '{' || c == ',' || c == ':';
        if (scan->n_values_max && scan->n_values > scan->n_values_max)
            return et_fail(err, ET_ELIMIT, (int64_t)i, "more than %zu values, at byte %zu",
                           scan->n_values_max, i);
        if (c == ']' || c == '}')
            scan->depth--;
        const size_t n = take_word(text, i, scan);
        i += n > 0 ? n : 1;
    }
    return ET_OK;
}

/* Checks the depth and, when the text has NaN or Infinity and they are allowed, makes a copy in
 * which they are strings; *text then is the copy. */
static enum et_status prepare(struct et_str *text, const struct et_json_options *options,
                              struct et_arena *arena, struct nan_marks *marks, struct et_err *err)
{
    struct scan count = {.allow_nan = options && options->allow_nan,
                         .n_values_max = options ? options->n_values_max : 0};
    enum et_status st = scan_text(*text, &count, err);
    if (st != ET_OK || count.n_marks == 0)
        return st;

    struct scan fill = {.allow_nan = true};
    fill.copy = et_arena_copy(arena, text->p, text->n);
    fill.marks = fill.copy ? et_arena_array(arena, count.n_marks, sizeof *fill.marks) : NULL;
    if (!fill.marks)
        return et_arena_fail(arena, "a JSON document", err);
    st = scan_text(*text, &fill, err);
    assert(st == ET_OK && fill.n_marks == count.n_marks);
    text->p = fill.copy;
    *marks = (struct nan_marks){fill.marks, fill.n_marks};
    return st;
}

/* jansson tells where it stopped reading, which is behind the token that it refused. The offset
 * that helps is the start of that token; inside of a string it is the byte itself, which jansson
 * has taken when it ends a bad escape, and has not when it is a control character. */
static size_t start_of_wrong(struct et_str text, size_t end)
{
    size_t start = 0;
    bool is_in_word = false;

    for (size_t i = 0; i < end;) {
        const char c = text.p[i];
        if (c == '"') {
            const size_t next = skip_string(text, i);
            if (next > end) {
                return (unsigned char)text.p[end] < 0x20 ? end : end - 1;
            }
            start = i;
            i = next;
            is_in_word = false;
            continue;
        }
        const bool is_space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        const bool is_mark = c == '[' || c == ']' || c == '{' || c == '}' || c == ':' || c == ',';
        if (!is_space && (is_mark || !is_in_word))
            start = i;
        is_in_word = !is_space && !is_mark;
        i++;
    }
    return start;
}

static enum et_status fail_at(struct et_str text, size_t at, const char *reason, struct et_err *err)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < text.n; i++) {
        if (text.p[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.p[i] & 0xc0) != 0x80) { // a character's first byte
            column++;
        }
    }
    return et_fail(err, ET_ECORRUPT, (int64_t)at, "line %zu, column %zu (byte %zu): %s", line,
                   column, at, reason);
}

static bool is_mark_at(const struct nan_marks *marks, size_t offset)
{
    for (size_t i = 0; i < marks->n; i++)
        if (marks->items[i].offset == offset)
            return true;
    return false;
}

static enum et_status fail_parse(struct et_str text, const struct nan_marks *marks,
                                 const json_error_t *why, struct et_err *err)
{
    const enum json_error_code code = json_error_code(why);
    const size_t end = why->position < 0 ? 0 : (size_t)why->position;

    if (why->text[0] == 0 || code == json_error_out_of_memory)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a JSON document");
    if (et_str_trim(text).n == 0)
        return fail_at(text, text.n, "there is no value", err);

    // To jansson a NUL outside of strings is an end, and an escape that is cut is a wrong one.
    const bool is_cut_escape =
        end == text.n && strncmp(why->text, "invalid escape", 14) == 0 && text.p[end - 1] == '\\';
    if (code == json_error_premature_end_of_input || end > text.n || is_cut_escape) {
        const char *nul = memchr(text.p, 0, text.n);
        if (nul)
            return fail_at(text, (size_t)(nul - text.p), "a NUL byte", err);
        return fail_at(text, text.n, "the text ends inside a value", err);
    }
    if (code == json_error_invalid_utf8) // here alone it stops before what it refuses
        return fail_at(text, end, why->text, err);

    const size_t at = start_of_wrong(text, end);
    if (code == json_error_null_character || code == json_error_null_byte_in_key)
        return fail_at(text, at, "a string holds the character U+0000", err);
    if (is_mark_at(marks, at)) // its text would show the string that stands for it
        return fail_at(text, at, "a number may not stand here", err);
    return fail_at(text, at, why->text, err);
}

/* The conversion's stack: the containers whose members are being made. */
struct level {
    json_t *from;
    void *iter; // of a map
    struct et_value *to;
    size_t i;
};

struct convert {
    struct et_str text;
    struct nan_marks marks;
    size_t n_strings;
    size_t i_mark;
    struct et_arena *arena;
    struct et_err *err;
    int depth;
    struct level levels[ET_JSON_DEPTH_MAX];
};

// Counts one string of the document; the mark when it stands for NaN or Infinity, else NULL.
static const struct nan_mark *next_string(struct convert *c)
{
    const size_t i_string = c->n_strings++;
    if (c->i_mark == c->marks.n || c->marks.items[c->i_mark].i_string != i_string)
        return NULL;
    return &c->marks.items[c->i_mark++];
}

static enum et_status copy_text(struct convert *c, const char *p, size_t n, struct et_str *copy)
{
    *copy = (struct et_str){et_arena_copy(c->arena, p, n), n};
    return copy->p ? ET_OK : et_arena_fail(c->arena, "a JSON document", c->err);
}

static enum et_status convert_string(struct convert *c, json_t *from, struct et_value *to)
{
    const struct nan_mark *mark = next_string(c);
    if (mark) {
        to->kind = ET_VALUE_REAL;
        to->as.real = mark->value;
        return ET_OK;
    }
    to->kind = ET_VALUE_STRING;
    return copy_text(c, json_string_value(from), json_string_length(from), &to->as.string);
}

/* Makes room for the members and puts the container on the stack. */
static enum et_status convert_container(struct convert *c, json_t *from, struct et_value *to)
{
    const bool is_map = json_is_object(from);
    const size_t n = is_map ? json_object_size(from) : json_array_size(from);

    to->kind = is_map ? ET_VALUE_MAP : ET_VALUE_LIST;
    to->as.many.n_items = n;
    to->as.many.items = et_arena_array(c->arena, n, sizeof *to->as.many.items);
    if (is_map && to->as.many.items)
        to->as.many.keys = et_arena_array(c->arena, n, sizeof *to->as.many.keys);
    if (!to->as.many.items || (is_map && !to->as.many.keys))
        return et_arena_fail(c->arena, "a JSON document", c->err);

    assert(c->depth < ET_JSON_DEPTH_MAX); // the scan has seen to it
    c->levels[c->depth++] = (struct level){from, is_map ? json_object_iter(from) : NULL, to, 0};
    return ET_OK;
}

static enum et_status convert_one(struct convert *c, json_t *from, struct et_value *to)
{
    switch (json_typeof(from)) {
    case JSON_NULL:
        to->kind = ET_VALUE_NULL;
        return ET_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        to->kind = ET_VALUE_BOOL;
        to->as.boolean = json_is_true(from);
        return ET_OK;
    case JSON_INTEGER:
        to->kind = ET_VALUE_INT;
        to->as.integer = json_integer_value(from);
        return ET_OK;
    case JSON_REAL:
        to->kind = ET_VALUE_REAL;
        to->as.real = json_real_value(from);
        return ET_OK;
    case JSON_STRING:
        return convert_string(c, from, to);
    case JSON_ARRAY:
    case JSON_OBJECT:
        return convert_container(c, from, to);
    }
    return et_fail(c->err, ET_EUNSUPPORTED, -1, "a JSON value of an unknown kind");
}

// Steps to the next member of the innermost container; *from is that member.
static enum et_status next_member(struct convert *c, struct level *level, json_t **from)
{
    if (!level->iter) {
        *from = json_array_get(level->from, level->i);
        return ET_OK;
    }
    const char *key = json_object_iter_key(level->iter);
    const struct nan_mark *mark = next_string(c);
    if (mark)
        return fail_at(c->text, mark->offset, "a key must be a string", c->err);
    *from = json_object_iter_value(level->iter);
    const enum et_status st = copy_text(c, key, json_object_iter_key_len(level->iter),
                                        &level->to->as.many.keys[level->i]);
    level->iter = json_object_iter_next(level->from, level->iter);
    return st;
}

static enum et_status convert_tree(struct convert *c, json_t *root, struct et_value *value)
{
    enum et_status st = convert_one(c, root, value);
    while (st == ET_OK && c->depth > 0) {
        struct level *level = &c->levels[c->depth - 1];
        if (level->i == level->to->as.many.n_items) {
            c->depth--;
            continue;
        }
        json_t *from = NULL;
        st = next_member(c, level, &from);
        if (st != ET_OK)
            return st;
        assert(from); // the index and the iterator are within jansson's own counts
        st = convert_one(c, from, &level->to->as.many.items[level->i++]);
    }
    return st;
}

/* In the C locale, for this thread and this call: jansson reads numbers through strtod, and aborts
 * where the locale's decimal point takes several bytes. NULL with *why, which is left empty when
 * there is no memory. */
static json_t *load(struct et_str text, json_error_t *why)
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return NULL;
    const locale_t before = uselocale(plain);
    json_t *root =
        json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, why);
    (void)uselocale(before);
    freelocale(plain);
    return root;
}

enum et_status et_json_parse(struct et_str text, const struct et_json_options *options,
                             struct et_arena *arena, const struct et_value **value,
                             struct et_err *err)
{
    assert(arena && value);
    const struct et_arena_mark mark = et_arena_mark(arena);
    struct convert c = {.text = text, .arena = arena, .err = err};
    struct et_value *made = NULL;
    json_error_t why = {0};
    json_t *root = NULL;

    if (text.n > INT_MAX) // jansson counts in int
        return et_fail(err, ET_ELIMIT, -1, "a JSON text of %zu bytes is too long", text.n);

    struct et_str prepared = text;
    enum et_status st = prepare(&prepared, options, arena, &c.marks, err);
    if (st != ET_OK)
        goto out;
    root = load(prepared, &why);
    if (!root) {
        st = fail_parse(text, &c.marks, &why, err);
        goto out;
    }
    made = et_arena_alloc(arena, sizeof *made);
    st = made ? convert_tree(&c, root, made) : et_arena_fail(arena, "a JSON document", err);
    if (st == ET_OK)
        *value = made;
out:
    json_decref(root);
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    return st;
}

enum et_status et_json_read(const char *path, size_t limit_bytes,
                            const struct et_json_options *options, struct et_arena *arena,
                            const struct et_value **value, struct et_err *err)
{
    struct et_str text;
    const struct et_arena_mark mark = et_arena_mark(arena);

    enum et_status st = et_file_read(path, limit_bytes, arena, &text, err);
    if (st != ET_OK)
        return st;
    st = et_json_parse(text, options, arena, value, err);
    if (st != ET_OK) {
        (void)et_err_context(err, "%.200s", path);
        et_arena_rewind(arena, mark);
    }
    return st;
}
