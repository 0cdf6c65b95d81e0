/* The whole text of a definition: the root, then what it depends on, between lines of '='. */
#include "message__def.h"

struct section {
    struct et_str name, text;
    int32_t line; // of its first line
};

static bool is_heading(struct et_str line)
{
    return et_str_starts(et_str_trim(line), "==");
}

/* Takes the lines up to the next heading. */
static void take_section(struct et_str *rest, int32_t *line, struct section *section)
{
    struct et_str part;
    section->text = (struct et_str){rest->n ? rest->p : "", 0};
    section->line = *line;
    while (et_str_cut(rest, '\n', &part)) {
        (*line)++;
        if (is_heading(part))
            return;
        section->text.n = (size_t)(part.p + part.n - section->text.p);
    }
}

static enum et_status fail_heading(const struct section *section, enum et_status st,
                                   const char *why, struct et_err *err)
{
    return et_fail(err, st, section->line, "line %d, column 1: %s", section->line, why);
}

/* Takes the line "MSG: package/Name" off a section; an empty name: nothing follows the heading. */
static enum et_status take_name(struct section *section, struct et_err *err)
{
    struct et_str part = {NULL, 0};
    section->name = (struct et_str){NULL, 0};
    while (part.n == 0 && et_str_cut(&section->text, '\n', &part)) {
        part = et_str_trim(part);
        section->line += part.n == 0;
    }
    if (part.n == 0)
        return ET_OK;
    if (et_str_starts(part, "IDL:"))
        return fail_heading(section, ET_EUNSUPPORTED, "definitions in IDL are not read", err);
    if (!et_str_starts(part, "MSG:"))
        return fail_heading(section, ET_ECORRUPT, "\"MSG: package/Name\" is missing here", err);
    section->name = et_str_trim((struct et_str){part.p + 4, part.n - 4});
    if (et_name_check(section->name, "a type's name", NULL) != ET_OK)
        return fail_heading(section, ET_ECORRUPT, "the name behind \"MSG:\" is no name", err);
    if (!section->text.p)
        section->text = ET_STR("");
    section->line++;
    return ET_OK;
}

static enum et_status parse_section(struct et__maker *m, const struct section *section,
                                    bool *is_service)
{
    const enum et_status st =
        et__maker_parse_service(m, section->name, section->text, section->line, is_service);
    if (st != ET_OK || *is_service)
        return st;
    return et__maker_parse(m, section->name, section->text, section->line);
}

enum et_status et__maker_parse_all(struct et__maker *m, struct et_str name, struct et_str text,
                                   bool *is_service)
{
    struct section section;
    bool is_other_service;
    int32_t line = 1;

    take_section(&text, &line, &section);
    section.name = name;
    enum et_status st = parse_section(m, &section, is_service);
    while (st == ET_OK && text.n > 0) {
        take_section(&text, &line, &section);
        st = take_name(&section, m->err);
        if (st == ET_OK && section.name.n > 0)
            st = parse_section(m, &section, &is_other_service);
    }
    return st;
}

static enum et_status check_source(const struct et_msgdef_source *source, struct et_err *err)
{
    if (source->flavour != ET_MSGDEF_ROS1 && source->flavour != ET_MSGDEF_ROS2)
        return et_fail(err, ET_EUNSUPPORTED, -1, "protobuf has no definitions as text here");
    if (source->text.n > ET_MSGDEF_TEXT_BYTES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "a definition of %zu bytes, where %zu are read",
                       source->text.n, ET_MSGDEF_TEXT_BYTES_MAX);
    return et_name_check(source->name, "a type's name", err);
}

enum et_status et_msgdef_parse(const struct et_msgdef_source *source, struct et_arena *arena,
                               const struct et_msgdef **def, struct et_err *err)
{
    struct et__maker m = {
        .arena = arena, .err = err, .flavour = source->flavour, .use_store = source->use_store};
    const struct et_arena_mark mark = et_arena_mark(arena);
    bool is_service = false;

    *def = NULL;
    enum et_status st = check_source(source, err);
    if (st != ET_OK)
        return st;
    const struct et_str text = {et_arena_copy(arena, source->text.p, source->text.n),
                                source->text.n};
    st = text.p ? et__maker_parse_all(&m, source->name, text, &is_service)
                : et_arena_fail(arena, "a message definition", err);
    if (st == ET_OK)
        st = et__maker_resolve(&m);
    if (st == ET_OK)
        st = et__maker_finish(&m, source->name, def);
    if (st == ET_ENOTFOUND && is_service)
        st = et_fail(err, ET_ENOTFOUND, -1, "%.*s is a service or an action; its messages are %s",
                     ET_STR_ARG(source->name),
                     "X_Request, X_Response, X_Event, X_Goal, X_Result, X_FeedbackMessage");
    if (st != ET_OK)
        et_arena_rewind(arena, mark);
    return st;
}
