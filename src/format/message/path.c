#include "message__path.h"

#include <stdarg.h>

#define PATH_SHOWN 120 // bytes of a path in a message
#define NAMES_SHOWN 160

static enum et_status fail(const struct et__path *path, enum et_status st, struct et_err *err,
                           const char *fmt, ...) ET_PRINTF(4, 5);
static enum et_status fail(const struct et__path *path, enum et_status st, struct et_err *err,
                           const char *fmt, ...)
{
    struct et_buf why = et_buf(ET_ERR_TEXT_BYTES);
    va_list args;
    va_start(args, fmt);
    et_buf_vprintf(&why, fmt, args);
    va_end(args);
    why.status = ET_OK;
    (void)et_fail(err, st, -1, "path \"%.*s\": %s", PATH_SHOWN, path->text, et_buf_text(&why));
    et_buf_free(&why);
    return st;
}

// ---- taking apart ----------------------------------------------------------------------------

/* "[]" or "[12]". */
static bool take_brackets(const char **at, struct et__step *step)
{
    const char *p = *at + 1;
    int64_t index = 0;
    const char *digits = p;
    while (*p >= '0' && *p <= '9' && index <= UINT32_MAX)
        index = 10 * index + (*p++ - '0');
    if (*p != ']' || index > UINT32_MAX)
        return false;
    step->index = p == digits ? ET__ALL : index;
    step->has_brackets = true;
    *at = p + 1;
    return true;
}

enum et_status et__path_parse(const char *text, struct et__path *path, struct et_err *err)
{
    *path = (struct et__path){.text = text, .n_values = -1};
    if (!text || strnlen(text, ET_MESSAGE_PATH_BYTES_MAX + 1) > ET_MESSAGE_PATH_BYTES_MAX)
        return et_fail(err, ET_EARG, -1, "a path of more than %d bytes, or none",
                       ET_MESSAGE_PATH_BYTES_MAX);
    for (const char *at = text;;) {
        if (path->n_steps == ET__STEPS_MAX)
            return fail(path, ET_EARG, err, "more than %d steps", ET__STEPS_MAX);
        struct et__step *step = &path->steps[path->n_steps++];
        const size_t n = strcspn(at, ".[]");
        *step = (struct et__step){.name = {at, n}, .index = ET__ALL};
        if (n == 0)
            return fail(path, ET_EARG, err, "a name is missing at character %td", at - text + 1);
        at += n;
        if (*at == '[' && !take_brackets(&at, step))
            return fail(path, ET_EARG, err, "\"[]\" or \"[number]\" is wanted at character %td",
                        at - text + 1);
        if (*at == '\0')
            return ET_OK;
        if (*at != '.')
            return fail(path, ET_EARG, err, "a '.' is wanted at character %td", at - text + 1);
        at++;
    }
}

// ---- looking up ------------------------------------------------------------------------------

/* "float64[9]", as a definition would have it. */
static void put_type(struct et_buf *buf, const struct et_msgdef_field *f)
{
    et_buf_putstr(buf, f->spelled);
    if (f->array == ET_MSG_FIXED)
        et_buf_printf(buf, "[%u]", f->n_array);
    if (f->array == ET_MSG_SEQUENCE && f->n_array > 0)
        et_buf_printf(buf, "[<=%u]", f->n_array);
    else if (f->array == ET_MSG_SEQUENCE)
        et_buf_puts(buf, "[]");
}

static enum et_status fail_field(const struct et__path *path, enum et_status st,
                                 const struct et_msgdef_field *f, const char *why,
                                 struct et_err *err)
{
    struct et_buf type = et_buf(ET_NAME_BYTES_MAX);
    put_type(&type, f);
    type.status = ET_OK;
    (void)fail(path, st, err, "%.*s is %s; %s", ET_STR_ARG(f->name), et_buf_text(&type), why);
    et_buf_free(&type);
    return st;
}

static void put_names(struct et_buf *buf, const struct et_msgdef_type *type)
{
    for (size_t i = 0; i < type->n_fields && buf->n < NAMES_SHOWN; i++)
        et_buf_printf(buf, "%s%.*s", i ? ", " : "", ET_STR_ARG(type->fields[i].name));
    if (type->n_fields == 0)
        et_buf_puts(buf, "no fields");
}

static enum et_status fail_name(const struct et__path *path, const struct et_msgdef_type *type,
                                struct et_str name, struct et_err *err)
{
    struct et_buf names = et_buf(2 * NAMES_SHOWN);
    put_names(&names, type);
    names.status = ET_OK;
    (void)fail(path, ET_EARG, err, "%.*s has no field %.*s; it has %s", ET_STR_ARG(type->name),
               ET_STR_ARG(name), et_buf_text(&names));
    et_buf_free(&names);
    return ET_EARG;
}

static enum et_status fail_message(const struct et__path *path, const struct et_msgdef_field *f,
                                   struct et_err *err)
{
    struct et_buf names = et_buf(2 * NAMES_SHOWN);
    put_names(&names, f->type);
    names.status = ET_OK;
    (void)fail(path, ET_EARG, err, "%.*s is a message, %.*s; name one of its fields: %s",
               ET_STR_ARG(f->name), ET_STR_ARG(f->type->name), et_buf_text(&names));
    et_buf_free(&names);
    return ET_EARG;
}

bool et__is_byte_array(const struct et_msgdef_field *f)
{
    return f->array != ET_MSG_ONE && (f->kind == ET_MSG_UINT8 || f->kind == ET_MSG_INT8) &&
           !et_str_is(f->spelled, "int8");
}

enum et_message_form et__form_of(const struct et_msgdef_field *f)
{
    if (f->kind == ET_MSG_STRING || f->kind == ET_MSG_BYTES || et__is_byte_array(f))
        return ET_MESSAGE_VIEWS;
    return f->kind == ET_MSG_FLOAT32 || f->kind == ET_MSG_FLOAT64 ? ET_MESSAGE_NUMBERS
                                                                  : ET_MESSAGE_INTEGERS;
}

static bool can_be(const struct et_msgdef_field *f, const struct et__step *step,
                   enum et_message_form form)
{
    const bool is_float = f->kind == ET_MSG_FLOAT32 || f->kind == ET_MSG_FLOAT64;
    const bool is_text = f->kind == ET_MSG_STRING || f->kind == ET_MSG_BYTES;
    const bool is_time = f->kind == ET_MSG_TIME || f->kind == ET_MSG_DURATION;
    if (form == ET_MESSAGE_VIEWS)
        return is_text || (f->array != ET_MSG_ONE && step->index == ET__ALL &&
                           et_msg_kind_bytes(f->kind) == 1);
    if (form == ET_MESSAGE_INTEGERS)
        return !is_text && !is_float;
    return !is_text && !is_time;
}

static enum et_status settle_form(struct et__path *path, enum et_message_form form,
                                  struct et_err *err)
{
    const struct et__step *last = &path->steps[path->n_steps - 1];
    const struct et_msgdef_field *f = last->field;
    const bool is_one_byte = et__is_byte_array(f) && last->index != ET__ALL;

    if (f->kind == ET_MSG_NESTED)
        return f->type->is_missing
                   ? fail_field(path, ET_ENOTFOUND, f, "which is defined nowhere", err)
                   : fail_message(path, f, err);
    if (f->kind == ET_MSG_WSTRING)
        return fail_field(path, ET_EUNSUPPORTED, f, "its bytes depend on the writer", err);
    if (form == ET_MESSAGE_NATURAL)
        form = is_one_byte ? ET_MESSAGE_INTEGERS : et__form_of(f);
    if (!can_be(f, last, form))
        return fail_field(path, ET_EARG, f,
                          form == ET_MESSAGE_VIEWS     ? "it cannot be had as a view"
                          : form == ET_MESSAGE_NUMBERS ? "it cannot be had as real numbers"
                                                       : "it cannot be had as integers",
                          err);
    path->kind = f->kind;
    path->form = form;
    path->is_byte_array = form == ET_MESSAGE_VIEWS && et_msg_kind_bytes(f->kind) == 1;
    return ET_OK;
}

/* How many values a step stands for: 1, those of a fixed array, or -1. */
static int64_t values_of(const struct et__path *path, const struct et__step *step)
{
    const struct et_msgdef_field *f = step->field;
    const bool is_last = step == &path->steps[path->n_steps - 1];
    if (f->array == ET_MSG_ONE || (is_last && path->is_byte_array))
        return 1;
    if (f->array == ET_MSG_SEQUENCE)
        return -1;
    return step->index == ET__ALL ? f->n_array : 1;
}

static void count_values(struct et__path *path)
{
    int64_t n = 1;
    for (size_t i = 0; i < path->n_steps && n >= 0; i++) {
        const int64_t of_step = values_of(path, &path->steps[i]);
        n = of_step < 0 || (of_step > 0 && n > INT32_MAX / of_step) ? -1 : n * of_step;
    }
    path->n_values = n;
}

static enum et_status resolve_step(struct et__path *path, size_t i,
                                   const struct et_msgdef_type *type, struct et_err *err)
{
    struct et__step *step = &path->steps[i];
    const struct et_msgdef_field *f = et_msgdef_field(type, step->name);
    const bool is_last = i + 1 == path->n_steps;
    step->field = f;
    if (!f)
        return fail_name(path, type, step->name, err);
    if (f->array == ET_MSG_ONE && step->has_brackets)
        return fail_field(path, ET_EARG, f, "not an array", err);
    if (f->array == ET_MSG_FIXED && (f->n_array == 0 || step->index >= (int64_t)f->n_array))
        return fail_field(path, ET_EARG, f, "it has no such element", err);
    if (is_last)
        return ET_OK;
    if (!f->type)
        return fail_field(path, ET_EARG, f, "it has no fields", err);
    if (f->type->is_missing)
        return fail_field(path, ET_ENOTFOUND, f, "which is defined nowhere", err);
    if (f->array != ET_MSG_ONE && !step->has_brackets)
        return fail_field(path, ET_EARG, f, "say which of them: [] for all, or [0], [1] …", err);
    return ET_OK;
}

enum et_status et__path_resolve(struct et__path *path, const struct et_msgdef_type *root,
                                enum et_message_form form, struct et_err *err)
{
    const struct et_msgdef_type *type = root;
    for (size_t i = 0; i < path->n_steps; i++) {
        const enum et_status st = resolve_step(path, i, type, err);
        if (st != ET_OK)
            return st;
        type = path->steps[i].field->type;
    }
    const enum et_status st = settle_form(path, form, err);
    if (st == ET_OK)
        count_values(path);
    return st;
}
