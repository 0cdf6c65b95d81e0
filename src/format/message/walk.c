#include "message__walk.h"

#include <assert.h>

// ---- layouts ---------------------------------------------------------------------------------

static enum et_status fail_kind(unsigned kind, const char *name, struct et_err *err)
{
    return et_fail(err, ET_EUNSUPPORTED, 1, "a message in %s (kind %u of CDR), which is not read",
                   name, kind);
}

enum et_status et__layout_open(struct et__layout *layout, enum et_message_encoding encoding,
                               struct et_str bytes, struct et_err *err)
{
    *layout = (struct et__layout){.bytes = bytes.n ? bytes.p : "", .end = bytes.n, .align_max = 1};
    if (encoding == ET_MESSAGE_ROS1)
        return ET_OK;
    if (bytes.n < 4)
        return et_fail(err, ET_ECORRUPT, (int64_t)bytes.n,
                       "a CDR message of %zu bytes, where its "
                       "header has 4",
                       bytes.n);
    const unsigned kind = (uint8_t)bytes.p[1];
    if (bytes.p[0] != 0)
        return et_fail(err, ET_ECORRUPT, 0, "this is not the header of a CDR message");
    layout->is_cdr = true;
    layout->origin = 4;
    layout->is_swapped = kind % 2 == 0;
    layout->align_max = 8;
    switch (kind) {
    case 0x00:
    case 0x01:
        return ET_OK;
    case 0x06: // PLAIN_CDR2, by RTPS 2.5 and by XTypes 1.3
    case 0x07:
    case 0x10:
    case 0x11:
        layout->align_max = 4;
        layout->has_headers = true;
        return ET_OK;
    case 0x08: // DELIMITED_CDR2
    case 0x09:
    case 0x14:
    case 0x15:
        layout->align_max = 4;
        layout->has_headers = layout->is_delimited = true;
        return ET_OK;
    case 0x02:
    case 0x03:
        return fail_kind(kind, "PL_CDR", err);
    case 0x0a:
    case 0x0b:
    case 0x12:
    case 0x13:
        return fail_kind(kind, "PL_CDR2", err);
    default:
        return fail_kind(kind, "an unknown encoding", err);
    }
}

// ---- numbers ---------------------------------------------------------------------------------

uint64_t et__load_bits(const char *p, size_t n_bytes, bool is_swapped)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n_bytes; i++)
        bits |= (uint64_t)(uint8_t)p[is_swapped ? n_bytes - 1 - i : i] << (8 * i);
    return bits;
}

static int64_t sign_extended(uint64_t bits, size_t n_bytes)
{
    const unsigned shift = (unsigned)(64 - 8 * n_bytes);
    return (int64_t)(bits << shift) >> shift;
}

static int64_t time_at(const struct et__walk *w, const struct et_msgdef_field *f, const char *p)
{
    const struct et_msgdef_type *type = f->type;
    const uint64_t s = et__load_bits(p, 4, w->layout.is_swapped);
    const uint64_t ns = et__load_bits(p + 4, 4, w->layout.is_swapped);
    const bool is_signed_s = type->fields[0].kind == ET_MSG_INT32;
    const bool is_signed_ns = type->fields[1].kind == ET_MSG_INT32;
    return (is_signed_s ? sign_extended(s, 4) : (int64_t)s) * 1000000000 +
           (is_signed_ns ? sign_extended(ns, 4) : (int64_t)ns);
}

int64_t et__item_integer(const struct et__walk *w, const struct et__item *item, size_t i)
{
    const enum et_msg_kind kind = item->field->kind;
    const size_t n_bytes = et_msg_kind_bytes(kind);
    const char *p = item->p + i * n_bytes;
    if (kind == ET_MSG_TIME || kind == ET_MSG_DURATION)
        return time_at(w, item->field, p);
    const uint64_t bits = et__load_bits(p, n_bytes, w->layout.is_swapped);
    if (kind == ET_MSG_BOOL)
        return bits != 0;
    if (kind == ET_MSG_INT8 || kind == ET_MSG_INT16 || kind == ET_MSG_INT32)
        return sign_extended(bits, n_bytes);
    return (int64_t)bits;
}

double et__item_real(const struct et__walk *w, const struct et__item *item, size_t i)
{
    const enum et_msg_kind kind = item->field->kind;
    const size_t n_bytes = et_msg_kind_bytes(kind);
    const uint64_t bits = et__load_bits(item->p + i * n_bytes, n_bytes, w->layout.is_swapped);
    if (kind == ET_MSG_FLOAT64) {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    if (kind == ET_MSG_FLOAT32) {
        const uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        return (double)value;
    }
    return kind == ET_MSG_UINT64 ? (double)bits : (double)et__item_integer(w, item, i);
}

// ---- places and failures ---------------------------------------------------------------------

void et__walk_path(const struct et__walk *w, struct et_buf *path)
{
    for (size_t k = 0; k < w->depth; k++) {
        const struct et__frame *frame = &w->stack[k];
        if (frame->i == 0)
            continue;
        if (frame->list_field)
            et_buf_printf(path, "[%zu]", frame->i - 1);
        else
            et_buf_printf(path, "%s%.*s", path->n ? "." : "",
                          ET_STR_ARG(frame->type->fields[frame->i - 1].name));
    }
}

static enum et_status fail(const struct et__walk *w, enum et_status st, size_t at, const char *fmt,
                           ...) ET_PRINTF(4, 5);
static enum et_status fail(const struct et__walk *w, enum et_status st, size_t at, const char *fmt,
                           ...)
{
    struct et_buf path = et_buf(200), why = et_buf(200);
    va_list args;
    et__walk_path(w, &path);
    va_start(args, fmt);
    et_buf_vprintf(&why, fmt, args);
    va_end(args);
    path.status = why.status = ET_OK; // a path that is too long is left out
    (void)et_fail(w->err, st, (int64_t)at, "%s%sat byte %zu: %s", et_buf_text(&path),
                  path.n ? " " : "", at, et_buf_text(&why));
    et_buf_free(&path);
    et_buf_free(&why);
    return st;
}

static struct et__frame *top(struct et__walk *w)
{
    assert(w->depth > 0);
    return &w->stack[w->depth - 1];
}

static size_t end_of(const struct et__walk *w)
{
    return w->depth ? w->stack[w->depth - 1].end : w->layout.end;
}

// ---- reading ---------------------------------------------------------------------------------

static void align(struct et__walk *w, size_t n_bytes)
{
    const size_t to = n_bytes < w->layout.align_max ? n_bytes : w->layout.align_max;
    const size_t past = (w->pos - w->layout.origin) & (to - 1);
    w->pos += past ? to - past : 0;
}

static size_t left(const struct et__walk *w)
{
    const size_t end = end_of(w);
    return w->pos < end ? end - w->pos : 0;
}

static enum et_status read_u32(struct et__walk *w, const char *what, uint32_t *value)
{
    align(w, 4);
    if (left(w) < 4)
        return fail(w, ET_ECORRUPT, w->pos, "the message ends before %s", what);
    *value = (uint32_t)et__load_bits(w->layout.bytes + w->pos, 4, w->layout.is_swapped);
    w->pos += 4;
    return ET_OK;
}

static enum et_status read_text(struct et__walk *w, struct et__item *item)
{
    uint32_t n;
    const enum et_status st = read_u32(w, "the length of a text", &n);
    if (st != ET_OK)
        return st;
    if (n > left(w))
        return fail(w, ET_ECORRUPT, w->pos - 4, "a text of %u bytes, where %zu are left", n,
                    left(w));
    item->kind = ET__ITEM_TEXT;
    item->p = w->layout.bytes + w->pos;
    item->n = n;
    if (w->layout.is_cdr && n > 0 && item->p[n - 1] == '\0')
        item->n--;
    w->pos += n;
    return ET_OK;
}

static enum et_status read_numbers(struct et__walk *w, struct et__item *item, size_t n)
{
    const enum et_msg_kind kind = item->field->kind;
    const size_t n_bytes = et_msg_kind_bytes(kind);
    const size_t aligned = item->field->type ? 4 : n_bytes;
    if (n > 0)
        align(w, aligned);
    else if (item->field->array == ET_MSG_SEQUENCE && w->layout.is_cdr)
        w->n_slack += -(w->pos - w->layout.origin + w->n_slack) &
                      ((aligned < w->layout.align_max ? aligned : w->layout.align_max) - 1);
    if (n > left(w) / n_bytes)
        return fail(w, ET_ECORRUPT, w->pos, "%zu × %s, where %zu bytes are left", n,
                    et_msg_kind_text(kind), left(w));
    item->kind = ET__ITEM_NUMBERS;
    item->p = w->layout.bytes + w->pos;
    item->n = n;
    w->pos += n * n_bytes;
    return ET_OK;
}

/* The number of elements of an array: in the definition, or in the message. */
static enum et_status read_count(struct et__walk *w, const struct et_msgdef_field *field, size_t *n)
{
    uint32_t count;
    *n = field->n_array;
    if (field->array == ET_MSG_FIXED)
        return ET_OK;
    const enum et_status st = read_u32(w, "the count of a list", &count);
    *n = count;
    return st;
}

/* Every element that a list claims takes bytes, which must be there; those that take none are
 * counted, or a few bytes could keep a reader busy for hours. */
static enum et_status check_count(struct et__walk *w, const struct et_msgdef_field *field, size_t n)
{
    const size_t least = field->type ? field->type->least_bytes : 4;
    if (least > 0 && n > left(w) / least)
        return fail(w, ET_ECORRUPT, w->pos, "a list of %zu × %.*s, where %zu bytes are left", n,
                    ET_STR_ARG(field->spelled), left(w));
    if (least > 0)
        return ET_OK;
    w->n_empty += n;
    if (n > ET__EMPTY_MAX || w->n_empty > ET__EMPTY_MAX)
        return fail(w, ET_ELIMIT, w->pos, "more than %zu messages without bytes", ET__EMPTY_MAX);
    return ET_OK;
}

static enum et_status push_message(struct et__walk *w, const struct et_msgdef_type *type)
{
    struct et__frame frame = {.type = type, .n = type->n_fields, .end = end_of(w)};
    if (type->is_missing)
        return fail(w, ET_ENOTFOUND, w->pos, "%.*s is defined nowhere", ET_STR_ARG(type->name));
    if (w->layout.is_delimited) {
        uint32_t n;
        const enum et_status st = read_u32(w, "the length of a message", &n);
        if (st != ET_OK)
            return st;
        if (n > left(w))
            return fail(w, ET_ECORRUPT, w->pos - 4, "a message of %u bytes, where %zu are left", n,
                        left(w));
        frame.end = w->pos + n;
    }
    // ROS 2 gives a message without fields one of a byte; the whole of one may lack it.
    if (type->n_fields == 0 && w->layout.is_cdr) {
        if (left(w) == 0 && w->depth > 0)
            return fail(w, ET_ECORRUPT, w->pos, "the message ends before an empty message");
        w->pos += left(w) > 0;
    }
    assert(w->depth < ET__WALK_DEPTH);
    w->stack[w->depth++] = frame;
    return ET_OK;
}

static enum et_status push_list(struct et__walk *w, const struct et_msgdef_field *field,
                                struct et__item *item)
{
    uint32_t n_bytes = 0;
    size_t n = 0;
    enum et_status st =
        w->layout.has_headers ? read_u32(w, "the length of a list", &n_bytes) : ET_OK;
    if (st == ET_OK && n_bytes > left(w))
        st = fail(w, ET_ECORRUPT, w->pos - 4, "a list of %u bytes, where %zu are left", n_bytes,
                  left(w));
    if (st == ET_OK)
        st = read_count(w, field, &n);
    if (st == ET_OK)
        st = check_count(w, field, n);
    if (st != ET_OK)
        return st;
    item->kind = ET__ITEM_OPEN_LIST;
    item->n = n;
    assert(w->depth < ET__WALK_DEPTH);
    const size_t end = end_of(w);
    w->stack[w->depth++] = (struct et__frame){.list_field = field, .n = n, .end = end};
    return ET_OK;
}

/* A time is a message of its own where messages say their length. */
static enum et_status read_delimited_time(struct et__walk *w, struct et__item *item)
{
    uint32_t n_bytes;
    enum et_status st = read_u32(w, "the length of a time", &n_bytes);
    const size_t behind = w->pos;
    if (st == ET_OK && (n_bytes < 8 || n_bytes > left(w)))
        st = fail(w, ET_ECORRUPT, w->pos - 4, "a time of %u bytes", n_bytes);
    if (st == ET_OK)
        st = read_numbers(w, item, 1);
    w->pos = st == ET_OK ? behind + n_bytes : w->pos;
    return st;
}

static bool is_time(const struct et_msgdef_field *field)
{
    return field->kind == ET_MSG_TIME || field->kind == ET_MSG_DURATION;
}

static enum et_status read_array(struct et__walk *w, const struct et_msgdef_field *field,
                                 struct et__item *item)
{
    const bool is_numbers = et_msg_kind_bytes(field->kind) > 0;
    uint32_t n_bytes;
    size_t n = 0;
    if (!is_numbers || (is_time(field) && w->layout.is_delimited))
        return push_list(w, field, item);
    enum et_status st = is_time(field) && w->layout.has_headers
                            ? read_u32(w, "the length of a list", &n_bytes)
                            : ET_OK;
    if (st == ET_OK)
        st = read_count(w, field, &n);
    item->is_list = true;
    return st == ET_OK ? read_numbers(w, item, n) : st;
}

/* One value of a field that is no array, or one element of a list. */
static enum et_status read_one(struct et__walk *w, const struct et_msgdef_field *field,
                               struct et__item *item)
{
    if (field->kind == ET_MSG_STRING)
        return read_text(w, item);
    if (field->kind == ET_MSG_WSTRING)
        return fail(w, ET_EUNSUPPORTED, w->pos, "a wstring, whose bytes depend on the writer");
    if (field->kind == ET_MSG_NESTED) {
        item->kind = ET__ITEM_OPEN;
        return push_message(w, field->type);
    }
    if (is_time(field) && w->layout.is_delimited)
        return read_delimited_time(w, item);
    return read_numbers(w, item, 1);
}

enum et_status et__walk_open(struct et__walk *w, const struct et_message_def *message,
                             struct et_str bytes, struct et_err *err)
{
    w->root = message->def->root;
    w->depth = w->n_empty = w->n_slack = 0;
    w->is_begun = false;
    w->err = err;
    const enum et_status st = et__layout_open(&w->layout, message->encoding, bytes, err);
    w->pos = w->layout.origin;
    return st;
}

static enum et_status close_top(struct et__walk *w, struct et__item *item)
{
    const struct et__frame frame = *top(w);
    item->kind = frame.list_field ? ET__ITEM_CLOSE_LIST : ET__ITEM_CLOSE;
    w->depth--;
    if (w->layout.is_delimited && !frame.list_field)
        w->pos = frame.end; // over what a later version of the type has added
    return ET_OK;
}

/* A delimited message of an earlier version of its type may lack the last fields. */
static bool is_short(const struct et__walk *w, const struct et__frame *frame)
{
    if (!w->layout.is_delimited || frame->list_field || left(w) > 0)
        return false;
    const struct et_msgdef_field *next = &frame->type->fields[frame->i];
    return next->array != ET_MSG_FIXED || next->n_array > 0; // else it takes no bytes anyway
}

enum et_status et__walk_next(struct et__walk *w, struct et__item *item)
{
    *item = (struct et__item){0};
    if (!w->is_begun) {
        w->is_begun = true;
        item->kind = ET__ITEM_OPEN;
        return push_message(w, w->root);
    }
    if (w->depth == 0)
        return ET_END;
    struct et__frame *frame = top(w);
    if (frame->i == frame->n || is_short(w, frame))
        return close_top(w, item);
    item->is_element = frame->list_field != NULL;
    item->field = frame->list_field ? frame->list_field : &frame->type->fields[frame->i];
    frame->i++;
    return item->is_element || item->field->array == ET_MSG_ONE ? read_one(w, item->field, item)
                                                                : read_array(w, item->field, item);
}
