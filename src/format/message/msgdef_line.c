/* One line of a definition: a field, a constant, or nothing.
 *
 * field    := type array? blanks name [blanks default] [comment]
 * constant := primitive blanks name '=' value [comment] */
#include "message__def.h"

struct scan {
    struct et_str text;
    size_t at;
    int32_t number;
    struct et_err *err;
};

static enum et_status fail(const struct scan *s, size_t at, const char *why)
{
    return et_fail(s->err, ET_ECORRUPT, s->number, "line %d, column %zu: %s", s->number, at + 1,
                   why);
}

static char now(const struct scan *s)
{
    return s->at < s->text.n ? s->text.p[s->at] : '\0';
}

static bool is_at_end(const struct scan *s)
{
    return s->at >= s->text.n;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct scan *s)
{
    while (is_blank(now(s)))
        s->at++;
}

static bool take(struct scan *s, const char *words)
{
    const size_t n = strlen(words);
    if (s->text.n - s->at < n || memcmp(s->text.p + s->at, words, n) != 0)
        return false;
    s->at += n;
    return true;
}

/* A word of letters and digits, which begins with a letter; with slashes in the name of a type. */
static struct et_str take_word(struct scan *s, bool with_slash)
{
    const size_t from = s->at;
    if (is_letter(now(s)))
        while (is_letter(now(s)) || is_digit(now(s)) || (with_slash && now(s) == '/'))
            s->at++;
    return (struct et_str){s->text.p + from, s->at - from};
}

static enum et_status take_count(struct scan *s, uint32_t *count)
{
    const size_t from = s->at;
    uint64_t value = 0;
    while (is_digit(now(s)) && value <= UINT32_MAX)
        value = 10 * value + (uint64_t)(s->text.p[s->at++] - '0');
    if (s->at == from)
        return fail(s, from, "a number is missing here");
    if (value > UINT32_MAX)
        return fail(s, from, "a number beyond 32 bits");
    *count = (uint32_t)value;
    return ET_OK;
}

enum et_msg_kind et__kind_find(struct et_str name, enum et_msgdef_flavour flavour)
{
    for (int kind = 0; kind < ET_MSG_WSTRING; kind++)
        if (et_str_is(name, et_msg_kind_text((enum et_msg_kind)kind)))
            return (enum et_msg_kind)kind;
    if (et_str_is(name, "char"))
        return ET_MSG_UINT8;
    if (et_str_is(name, "byte"))
        return flavour == ET_MSGDEF_ROS1 ? ET_MSG_INT8 : ET_MSG_UINT8;
    if (et_str_is(name, "wstring") && flavour == ET_MSGDEF_ROS2)
        return ET_MSG_WSTRING;
    return ET_MSG_NESTED;
}

static enum et_status take_array(struct scan *s, enum et_msgdef_flavour flavour,
                                 struct et__line *line)
{
    const size_t from = s->at;
    if (!take(s, "["))
        return ET_OK;
    line->array = ET_MSG_SEQUENCE;
    if (take(s, "]"))
        return ET_OK;
    if (!take(s, "<="))
        line->array = ET_MSG_FIXED;
    else if (flavour == ET_MSGDEF_ROS1)
        return fail(s, from, "ROS 1 has no bounded arrays");
    enum et_status st = take_count(s, &line->n_array);
    if (st == ET_OK && !take(s, "]"))
        st = fail(s, s->at, "']' is missing here");
    if (st == ET_OK && line->array == ET_MSG_SEQUENCE && line->n_array == 0)
        st = fail(s, from, "an array of at most 0 elements");
    return st;
}

static enum et_status take_type(struct scan *s, enum et_msgdef_flavour flavour,
                                struct et__line *line)
{
    const size_t from = s->at;
    line->spelled = take_word(s, true);
    if (line->spelled.n == 0)
        return fail(s, from, "a type is missing here");
    if (line->spelled.p[line->spelled.n - 1] == '/')
        return fail(s, s->at, "the name of a type ends with '/'");
    line->kind = et__kind_find(line->spelled, flavour);
    if (take(s, "<=")) {
        if ((line->kind != ET_MSG_STRING && line->kind != ET_MSG_WSTRING) ||
            flavour == ET_MSGDEF_ROS1)
            return fail(s, from, "only strings of ROS 2 have a greatest length");
        const enum et_status st = take_count(s, &line->text_bytes_max);
        if (st != ET_OK)
            return st;
    }
    return take_array(s, flavour, line);
}

/* Where a value ends: before a comment that is not within quotes. */
static size_t value_end(struct et_str text)
{
    char quote = '\0', before = '\0'; // before: the last character that is no blank
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (quote && c == '\\')
            i++;
        else if (quote && c == quote)
            quote = '\0';
        else if (!quote && c == '#')
            return i;
        else if (!quote && (c == '"' || c == '\'') &&
                 (before == '\0' || before == '[' || before == ','))
            quote = c;
        if (!is_blank(c))
            before = c;
    }
    return text.n;
}

static struct et_str take_value(struct scan *s, bool with_comment)
{
    struct et_str rest = {s->text.p + s->at, s->text.n - s->at};
    if (!with_comment)
        rest.n = value_end(rest);
    s->at = s->text.n;
    return et_str_trim(rest);
}

static enum et_status take_constant(struct scan *s, enum et_msgdef_flavour flavour,
                                    struct et__line *line)
{
    const size_t from = s->at;
    line->what = ET__LINE_CONSTANT;
    if (line->array != ET_MSG_ONE)
        return fail(s, from, "a constant cannot be an array");
    if (line->kind == ET_MSG_NESTED)
        return fail(s, from, "a constant must be of a primitive type");
    s->at++;
    // A '#' belongs to a text of ROS 1, as everything up to the end of the line.
    line->value = take_value(s, flavour == ET_MSGDEF_ROS1 && line->kind == ET_MSG_STRING);
    if (line->value.n == 0 && line->kind != ET_MSG_STRING)
        return fail(s, from + 1, "a constant without a value");
    return ET_OK;
}

enum et_status et__line_parse(struct et_str text, int32_t number, enum et_msgdef_flavour flavour,
                              struct et__line *line, struct et_err *err)
{
    struct scan s = {.text = text, .number = number, .err = err};

    *line = (struct et__line){.what = ET__LINE_NOTHING};
    while (s.text.n > 0 && is_blank(s.text.p[s.text.n - 1]))
        s.text.n--;
    skip_blanks(&s);
    if (is_at_end(&s) || now(&s) == '#')
        return ET_OK;

    enum et_status st = take_type(&s, flavour, line);
    if (st != ET_OK)
        return st;
    const size_t type_end = s.at;
    skip_blanks(&s);
    if (s.at == type_end && !is_at_end(&s))
        return fail(&s, s.at, "a blank is missing between type and name");
    const size_t name_at = s.at;
    line->name = take_word(&s, false);
    if (line->name.n == 0)
        return fail(&s, name_at, "a name is missing here");
    const size_t name_end = s.at;
    skip_blanks(&s);
    if (now(&s) == '=')
        return take_constant(&s, flavour, line);

    line->what = ET__LINE_FIELD;
    if (is_at_end(&s) || now(&s) == '#')
        return ET_OK;
    if (s.at == name_end || flavour == ET_MSGDEF_ROS1)
        return fail(&s, s.at, "neither a comment nor the end of the line follows the name");
    line->value = take_value(&s, false);
    return ET_OK;
}
