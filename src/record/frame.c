#include "record/record__frame.h"

#include "etude/cdr.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define PATH_BYTES 512
#define STEPS_MAX 1000000 // through fields, whatever the definition says

struct level {
    const struct et_msgdef_type *type;
    size_t i_field, i, n; // of the elements of that field
    bool is_in_field;
    size_t n_path; // of the message's own
};

struct layout {
    struct et__frame *frame;
    const struct et__frame_text *paths;
    size_t n_paths;
    struct et_arena *arena;
    struct et_err *err;
    const uint8_t *aligns; // of the definition's types, in C
    struct et_buf buf;
    struct et_cdr cdr;
    size_t at_c;
    bool is_fixed;
    struct level stack[ET_MSGDEF_DEPTH_MAX + 2];
    size_t depth;
    char path[PATH_BYTES];
};

/* ---- what C makes of it ---- */

static size_t align_of_kind(enum et_msg_kind kind)
{
    return kind == ET_MSG_TIME || kind == ET_MSG_DURATION ? 4 : et_msg_kind_bytes(kind);
}

// Types contain no type that contains them: after as many rounds as they are deep nothing changes.
static const uint8_t *make_aligns(const struct et_msgdef *def, struct et_arena *arena)
{
    uint8_t *aligns = et_arena_alloc(arena, def->n_types + 1);
    for (size_t round = 0; aligns && round < ET_MSGDEF_DEPTH_MAX; round++)
        for (size_t i = 0; i < def->n_types; i++)
            for (size_t k = 0; k < def->types[i]->n_fields; k++) {
                const struct et_msgdef_field *f = &def->types[i]->fields[k];
                const size_t align = f->kind == ET_MSG_NESTED && f->type ? aligns[f->type->index]
                                                                         : align_of_kind(f->kind);
                if (align > aligns[i])
                    aligns[i] = (uint8_t)align;
            }
    return aligns;
}

static size_t round_up(size_t n, size_t align)
{
    return align > 1 ? (n + align - 1) / align * align : n;
}

/* ---- going through ---- */

static const struct et_msgdef_field *field_of(const struct level *level)
{
    return &level->type->fields[level->i_field];
}

static bool put_path(struct layout *l, const struct level *level, bool has_index)
{
    const struct et_str name = field_of(level)->name;
    const int n = has_index
                      ? snprintf(l->path + level->n_path, PATH_BYTES - level->n_path, "%s%.*s[%zu]",
                                 level->n_path ? "." : "", ET_STR_ARG(name), level->i)
                      : snprintf(l->path + level->n_path, PATH_BYTES - level->n_path, "%s%.*s",
                                 level->n_path ? "." : "", ET_STR_ARG(name));
    return n > 0 && (size_t)n < PATH_BYTES - level->n_path;
}

// One more than the largest place that the paths have in it.
static size_t n_wanted(const struct layout *l)
{
    const size_t n_path = strlen(l->path);
    size_t n = 0;
    for (size_t i = 0; i < l->n_paths; i++) {
        unsigned long k = 0;
        if (strncmp(l->paths[i].path, l->path, n_path) == 0 &&
            sscanf(l->paths[i].path + n_path, "[%lu]", &k) == 1 && k + 1 > n)
            n = k + 1;
    }
    return n;
}

static const char *text_of(const struct layout *l)
{
    for (size_t i = 0; i < l->n_paths; i++)
        if (l->paths[i].text && strcmp(l->paths[i].path, l->path) == 0)
            return l->paths[i].text;
    return "";
}

static enum et_status add_place(struct layout *l, enum et_msg_kind kind)
{
    struct et__frame *f = l->frame;
    const size_t n = align_of_kind(kind);
    if (f->n_places == ET__FRAME_PLACES_MAX)
        return et_fail(l->err, ET_ELIMIT, -1, "a message of more than %d numbers",
                       ET__FRAME_PLACES_MAX);
    l->at_c = round_up(l->at_c, n);
    struct et__frame_place *place = &f->places[f->n_places++];
    const size_t n_bytes = et_msg_kind_bytes(kind);
    static const unsigned char ZEROS[8];
    const size_t at = ET_CDR_HEADER_BYTES + round_up(l->buf.n - ET_CDR_HEADER_BYTES, n);
    et_buf_put(&l->buf, ZEROS, at - l->buf.n);
    et_buf_put(&l->buf, ZEROS, n_bytes);
    *place = (struct et__frame_place){.path = et_arena_copy(l->arena, l->path, strlen(l->path)),
                                      .kind = kind,
                                      .at = (uint32_t)at,
                                      .at_c = (uint32_t)l->at_c};
    l->at_c += n_bytes;
    return place->path ? ET_OK : et_arena_fail(l->arena, "a message's places", l->err);
}

static enum et_status put_leaf(struct layout *l, const struct et_msgdef_field *field)
{
    if (field->kind == ET_MSG_WSTRING)
        return et_fail(l->err, ET_EUNSUPPORTED, -1, "%.200s: a wstring cannot be written", l->path);
    if (field->kind != ET_MSG_STRING)
        return add_place(l, field->kind);
    l->is_fixed = false;
    et_cdr_text(&l->cdr, et_str(text_of(l)));
    return ET_OK;
}

static enum et_status push(struct layout *l, const struct et_msgdef_type *type)
{
    if (type->is_missing)
        return et_fail(l->err, ET_ENOTFOUND, -1, "%.*s is defined nowhere", ET_STR_ARG(type->name));
    if (l->depth == sizeof l->stack / sizeof *l->stack)
        return et_fail(l->err, ET_ELIMIT, -1, "a message too deep");
    if (type->n_fields == 0)
        et_cdr_empty(&l->cdr);
    l->at_c = round_up(l->at_c, l->aligns[type->index]);
    l->stack[l->depth++] = (struct level){.type = type, .n_path = strlen(l->path)};
    return ET_OK;
}

static enum et_status enter_field(struct layout *l, struct level *level)
{
    const struct et_msgdef_field *f = field_of(level);
    level->is_in_field = true;
    level->i = 0;
    if (!put_path(l, level, false))
        return et_fail(l->err, ET_ELIMIT, -1, "a path too long");
    level->n = f->array == ET_MSG_ONE ? 1 : f->array == ET_MSG_FIXED ? f->n_array : n_wanted(l);
    if (f->array != ET_MSG_SEQUENCE)
        return ET_OK;
    l->is_fixed = false;
    if (level->n > ET__FRAME_PLACES_MAX || (f->n_array > 0 && level->n > f->n_array))
        return et_fail(l->err, ET_ELIMIT, -1, "%.200s has no place %zu", l->path, level->n - 1);
    et_cdr_count(&l->cdr, level->n);
    return ET_OK;
}

static enum et_status step(struct layout *l)
{
    struct level *level = &l->stack[l->depth - 1];
    if (level->i_field == level->type->n_fields) {
        l->at_c = round_up(l->at_c, l->aligns[level->type->index]);
        l->depth--;
        return ET_OK;
    }
    if (!level->is_in_field)
        return enter_field(l, level);
    const struct et_msgdef_field *f = field_of(level);
    if (level->i == level->n) {
        level->i_field++;
        level->is_in_field = false;
        return ET_OK;
    }
    if (!put_path(l, level, f->array != ET_MSG_ONE))
        return et_fail(l->err, ET_ELIMIT, -1, "a path too long");
    level->i++;
    return f->kind == ET_MSG_NESTED ? push(l, f->type) : put_leaf(l, f);
}

static enum et_status check_paths(const struct layout *l)
{
    for (size_t i = 0; i < l->n_paths; i++)
        if (!l->paths[i].text && et__frame_find(l->frame, l->paths[i].path) == SIZE_MAX)
            return et_fail(l->err, ET_ECORRUPT, -1, "the message has no number \"%.200s\"",
                           l->paths[i].path);
    return ET_OK;
}

enum et_status et__frame_open(struct et__frame *frame, const struct et_msgdef *def,
                              const struct et__frame_text *paths, size_t n_paths,
                              struct et_arena *arena, struct et_err *err)
{
    struct layout l = {.frame = frame,
                       .paths = paths,
                       .n_paths = n_paths,
                       .arena = arena,
                       .err = err,
                       .buf = et_buf(ET__FRAME_BYTES_MAX),
                       .is_fixed = true};
    *frame = (struct et__frame){0};
    l.aligns = make_aligns(def, arena);
    frame->places = et_arena_array(arena, ET__FRAME_PLACES_MAX, sizeof *frame->places);
    l.cdr = et_cdr_begin(&l.buf);
    enum et_status st =
        l.aligns && frame->places ? push(&l, def->root) : et_arena_fail(arena, "a message", err);
    for (size_t i = 0; st == ET_OK && l.depth > 0; i++)
        st = i < STEPS_MAX && l.buf.status == ET_OK
                 ? step(&l)
                 : et_fail(err, ET_ELIMIT, -1, "a message too long");
    if (st == ET_OK)
        st = et_buf_check(&l.buf, "a message", err);
    if (st == ET_OK)
        st = check_paths(&l);
    if (st == ET_OK) {
        frame->n_bytes = l.buf.n;
        frame->n_c_bytes = l.is_fixed ? l.at_c : 0;
        frame->i_crc = et__frame_find(frame, "crc");
        frame->bytes = et_arena_copy(arena, l.buf.p, l.buf.n);
        st = frame->bytes ? ET_OK : et_arena_fail(arena, "a message", err);
    }
    et_buf_free(&l.buf);
    return st;
}

/* ---- numbers ---- */

size_t et__frame_find(const struct et__frame *frame, const char *path)
{
    for (size_t i = 0; i < frame->n_places; i++)
        if (strcmp(frame->places[i].path, path) == 0)
            return i;
    return SIZE_MAX;
}

static double within(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

static void put_integer(unsigned char *to, enum et_msg_kind kind, double value)
{
    const size_t n = et_msg_kind_bytes(kind);
    const bool is_signed =
        kind == ET_MSG_INT8 || kind == ET_MSG_INT16 || kind == ET_MSG_INT32 || kind == ET_MSG_INT64;
    const double top = ldexp(1, (int)(8 * n) - is_signed);
    // Of 64 bits a double has no largest; the one below it will do.
    const double most = n == 8 ? nextafter(top, 0) : top - 1;
    const double whole = within(nearbyint(value), is_signed ? -top : 0, most);
    if (is_signed) {
        const int64_t x = (int64_t)whole;
        memcpy(to, &x, n); // little-endian, as the message is
    } else {
        const uint64_t x = (uint64_t)whole;
        memcpy(to, &x, n);
    }
}

static void put_time(unsigned char *to, double value)
{
    const double s = within(floor(value), INT32_MIN, INT32_MAX);
    const int32_t whole = (int32_t)s;
    const uint32_t ns = (uint32_t)within(nearbyint((value - s) * 1e9), 0, 999999999);
    memcpy(to, &whole, 4);
    memcpy(to + 4, &ns, 4);
}

bool et__frame_put(struct et__frame *frame, size_t i_place, double value)
{
    assert(i_place < frame->n_places);
    const struct et__frame_place *place = &frame->places[i_place];
    unsigned char *to = frame->bytes + place->at;
    if (!isfinite(value))
        return false;
    const float single = (float)within(value, -3.4e38, 3.4e38);
    if (place->kind == ET_MSG_FLOAT64)
        memcpy(to, &value, sizeof value);
    else if (place->kind == ET_MSG_FLOAT32)
        memcpy(to, &single, sizeof single);
    else if (place->kind == ET_MSG_TIME || place->kind == ET_MSG_DURATION)
        put_time(to, value);
    else if (place->kind == ET_MSG_BOOL)
        *to = value != 0;
    else
        put_integer(to, place->kind, value);
    return true;
}

/* ---- checksums ---- */

uint32_t et__unitree_crc(const void *words, size_t n_words)
{
    // Of four bits at a time: what they leave of the polynomial.
    static const uint32_t LEFT[16] = {0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9,
                                      0x130476dc, 0x17c56b6b, 0x1a864db2, 0x1e475005,
                                      0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
                                      0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd};
    const unsigned char *p = words;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n_words; i++) {
        uint32_t word;
        memcpy(&word, p + 4 * i, sizeof word);
        crc ^= word;
        for (int k = 0; k < 8; k++)
            crc = crc << 4 ^ LEFT[crc >> 28];
    }
    return crc;
}

uint32_t et__frame_crc(const struct et__frame *frame, const unsigned char *bytes,
                       unsigned char *c_bytes)
{
    if (frame->i_crc == SIZE_MAX || frame->n_c_bytes == 0)
        return 0;
    memset(c_bytes, 0, frame->n_c_bytes);
    for (size_t i = 0; i < frame->n_places; i++)
        memcpy(c_bytes + frame->places[i].at_c, bytes + frame->places[i].at,
               et_msg_kind_bytes(frame->places[i].kind));
    return et__unitree_crc(c_bytes, frame->places[frame->i_crc].at_c / 4);
}
