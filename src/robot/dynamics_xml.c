#include "robot/robot__xml.h"

#include <assert.h>

static enum et_status bad(const struct et__xml *xml, enum et_status st, const char *what,
                          struct et_err *err)
{
    return et_fail(err, st, xml->line, "line %lld: %s", (long long)xml->line, what);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Letters of any alphabet are fine: what is not punctuation is part of a name.
static bool is_name(char c)
{
    return (unsigned char)c > ' ' && !strchr("<>/=\"'&!?", c);
}

static bool has_more(const struct et__xml *xml)
{
    return xml->at < xml->text.n;
}

static char here(const struct et__xml *xml)
{
    return has_more(xml) ? xml->text.p[xml->at] : '\0';
}

static void step(struct et__xml *xml, size_t n)
{
    for (size_t i = 0; i < n; i++)
        xml->line += xml->text.p[xml->at + i] == '\n';
    xml->at += n;
}

static void skip_space(struct et__xml *xml)
{
    while (has_more(xml) && is_space(here(xml)))
        step(xml, 1);
}

static bool stands_here(const struct et__xml *xml, const char *words)
{
    const struct et_str rest = {xml->text.p + xml->at, xml->text.n - xml->at};
    return et_str_starts(rest, words);
}

// Goes behind the next `end`; false when there is none.
static bool skip_behind(struct et__xml *xml, const char *end)
{
    const size_t n = strlen(end);
    const char *from = xml->text.p + xml->at;
    const char *found = memmem(from, xml->text.n - xml->at, end, n);
    if (!found)
        return false;
    step(xml, (size_t)(found - from) + n);
    return true;
}

static struct et_str take_name(struct et__xml *xml)
{
    const size_t first = xml->at;
    while (has_more(xml) && is_name(here(xml)))
        xml->at++;
    return (struct et_str){xml->text.p + first, xml->at - first};
}

// Goes to the next '<' that begins or ends an element; at the text's end when there is none.
static enum et_status skip_to_tag(struct et__xml *xml, struct et_err *err)
{
    // clang-format off
    static const struct { const char *begin, *end, *unfinished; } skipped[] = {
        {"<!--",      "-->", "a comment without an end"},
        {"<![CDATA[", "]]>", "a CDATA section without an end"},
        {"<?",        "?>",  "a declaration without an end"},
    };
    // clang-format on
    while (has_more(xml)) {
        if (here(xml) != '<') {
            step(xml, 1);
            continue;
        }
        size_t i = 0;
        while (i < 3 && !stands_here(xml, skipped[i].begin))
            i++;
        if (i == 3)
            break;
        if (!skip_behind(xml, skipped[i].end))
            return bad(xml, ET_ECORRUPT, skipped[i].unfinished, err);
    }
    if (stands_here(xml, "<!"))
        return bad(xml, ET_EUNSUPPORTED, "a document type declaration is not read", err);
    return ET_OK;
}

static enum et_status take_attribute(struct et__xml *xml, struct et_err *err)
{
    struct et__xml_attribute attribute = {.name = take_name(xml)};
    if (attribute.name.n == 0)
        return bad(xml, ET_ECORRUPT, "an element's tag is wrong", err);
    skip_space(xml);
    if (here(xml) != '=')
        return bad(xml, ET_ECORRUPT, "an attribute without a value", err);
    step(xml, 1);
    skip_space(xml);
    const char quote = here(xml);
    if (quote != '"' && quote != '\'')
        return bad(xml, ET_ECORRUPT, "an attribute's value without quotes", err);
    step(xml, 1);
    const size_t first = xml->at;
    while (has_more(xml) && here(xml) != quote && here(xml) != '<')
        step(xml, 1);
    if (here(xml) != quote)
        return bad(xml, ET_ECORRUPT, "an attribute's value without an end", err);
    attribute.value = (struct et_str){xml->text.p + first, xml->at - first};
    step(xml, 1);
    if (xml->n_attributes == ET__XML_ATTRIBUTES_MAX)
        return bad(xml, ET_ELIMIT, "an element with more than 64 attributes", err);
    xml->attributes[xml->n_attributes++] = attribute;
    return ET_OK;
}

static enum et_status open_element(struct et__xml *xml, struct et_err *err)
{
    step(xml, 1);
    const struct et_str name = take_name(xml);
    if (name.n == 0)
        return bad(xml, ET_ECORRUPT, "a '<' that begins no element", err);
    if (xml->depth == 0 && xml->has_root)
        return bad(xml, ET_ECORRUPT, "a second element beside the root", err);
    if (xml->depth == ET__XML_DEPTH_MAX)
        return bad(xml, ET_ELIMIT, "elements are nested more than 64 deep", err);
    xml->open[xml->depth++] = name;
    xml->has_root = true;
    xml->n_attributes = 0;
    for (;;) {
        skip_space(xml);
        if (here(xml) == '>') {
            step(xml, 1);
            return ET_OK;
        }
        if (stands_here(xml, "/>")) {
            step(xml, 2);
            xml->is_closing = true;
            return ET_OK;
        }
        const enum et_status st = take_attribute(xml, err);
        if (st != ET_OK)
            return st;
    }
}

static enum et_status close_element(struct et__xml *xml, struct et_err *err)
{
    step(xml, 2);
    const struct et_str name = take_name(xml);
    skip_space(xml);
    if (here(xml) != '>' || xml->depth == 0 || !et_str_eq(name, xml->open[xml->depth - 1]))
        return bad(xml, ET_ECORRUPT, "an end that fits no open element", err);
    step(xml, 1);
    return ET_OK;
}

// The next event where no element closes by itself.
static enum et_status take_tag(struct et__xml *xml, enum et__xml_kind *kind, struct et_err *err)
{
    const enum et_status st = skip_to_tag(xml, err);
    if (st != ET_OK)
        return st;
    if (!has_more(xml)) {
        *kind = ET__XML_END;
        if (xml->depth > 0 || !xml->has_root)
            return bad(xml, ET_ECORRUPT, "the file ends before its root element does", err);
        return ET_OK;
    }
    if (stands_here(xml, "</")) {
        *kind = ET__XML_CLOSE;
        return close_element(xml, err);
    }
    *kind = ET__XML_OPEN;
    return open_element(xml, err);
}

enum et_status et__xml_next(struct et__xml *xml, enum et__xml_kind *kind, struct et_err *err)
{
    if (xml->has_closed) {
        assert(xml->depth > 0);
        xml->depth--; // until now it told of the element that had been closed
    }
    enum et_status st = ET_OK;
    if (xml->is_closing)
        *kind = ET__XML_CLOSE;
    else
        st = take_tag(xml, kind, err);
    xml->is_closing = *kind == ET__XML_OPEN && xml->is_closing;
    xml->has_closed = *kind == ET__XML_CLOSE;
    return st;
}

struct et_str et__xml_get(const struct et__xml *xml, const char *name)
{
    for (size_t i = 0; i < xml->n_attributes; i++)
        if (et_str_is(xml->attributes[i].name, name))
            return xml->attributes[i].value;
    return (struct et_str){NULL, 0};
}

bool et__xml_is_at(const struct et__xml *xml, const char *path)
{
    struct et_str rest = et_str(path), part;
    size_t depth = 0;
    while (et_str_cut(&rest, '/', &part)) {
        if (depth == xml->depth || !et_str_eq(part, xml->open[depth]))
            return false;
        depth++;
    }
    return depth == xml->depth;
}
