/* Services and actions: definitions in several parts, between lines of "---".
 *
 * What goes over the wire are messages that the middleware makes of them; rosbag2 records the
 * events of services, and the feedback of actions. Those that no file spells out are made here as
 * text, and parsed like any other. */
#include "message__def.h"

#define PARTS_MAX 3

struct parts {
    struct et_str text[PARTS_MAX];
    int32_t line[PARTS_MAX];
    size_t n;
};

static enum et_status split(struct et__maker *m, struct et_str text, int32_t line,
                            struct parts *parts)
{
    struct et_str rest = text, part;
    *parts = (struct parts){.text = {text}, .line = {line}, .n = 1};
    parts->text[0].n = 0;
    for (int32_t number = line; et_str_cut(&rest, '\n', &part); number++) {
        struct et_str *last = &parts->text[parts->n - 1];
        if (!et_str_is(et_str_trim(part), "---")) {
            last->n = (size_t)(part.p + part.n - last->p);
            continue;
        }
        if (parts->n == PARTS_MAX)
            return et_fail(m->err, ET_ECORRUPT, number,
                           "line %d, column 1: a definition of more than %d parts", number,
                           PARTS_MAX);
        parts->line[parts->n] = number + 1;
        parts->text[parts->n++] = (struct et_str){part.p + part.n, 0};
        if (rest.n > 0) // behind the line's end; a part that is empty lies nowhere
            parts->text[parts->n - 1].p = rest.p;
    }
    return ET_OK;
}

/* "pkg/AddTwoInts" from "pkg/srv/AddTwoInts_Event". */
static struct et_str base_name(struct et__maker *m, struct et_str name)
{
    static const char *const SUFFIXES[] = {"_SendGoal_Request",
                                           "_SendGoal_Response",
                                           "_SendGoal_Event",
                                           "_GetResult_Request",
                                           "_GetResult_Response",
                                           "_GetResult_Event",
                                           "_FeedbackMessage",
                                           "_Feedback",
                                           "_Goal",
                                           "_Result",
                                           "_Request",
                                           "_Response",
                                           "_Event"};
    struct et_str base = et__name_short(name, m->arena);
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof *SUFFIXES; i++)
        if (base.p && et_str_ends(base, SUFFIXES[i])) {
            base.n -= strlen(SUFFIXES[i]);
            break;
        }
    return base;
}

/* One message of the service or action: its name is the base's and a suffix. */
static enum et_status put(struct et__maker *m, struct et_str base, const char *suffix,
                          struct et_str text, int32_t line)
{
    const char *name = et_arena_printf(m->arena, "%.*s%s", ET_STR_ARG(base), suffix);
    if (!name || !text.p)
        return et_arena_fail(m->arena, "a message definition", m->err);
    return et__maker_parse(m, et_str(name), text, line);
}

/* What is made here has no line. */
static enum et_status put_made(struct et__maker *m, struct et_str base, const char *suffix,
                               const char *text)
{
    const size_t first = m->n_types;
    const enum et_status st = put(m, base, suffix, et_str(text), 0);
    for (size_t i = first; st == ET_OK && i < m->n_types; i++)
        for (size_t k = 0; k < m->types[i]->type.n_fields; k++)
            m->types[i]->fields[k].line = 0;
    return st;
}

static enum et_status put_event(struct et__maker *m, struct et_str base, const char *middle)
{
    const char *suffix = et_arena_printf(m->arena, "%s_Event", middle);
    const char *text =
        et_arena_printf(m->arena,
                        "service_msgs/ServiceEventInfo info\n"
                        "%.*s%s_Request[<=1] request\n%.*s%s_Response[<=1] response\n",
                        ET_STR_ARG(base), middle, ET_STR_ARG(base), middle);
    if (!suffix || !text)
        return et_arena_fail(m->arena, "a message definition", m->err);
    return put_made(m, base, suffix, text);
}

/* The messages of an action that carry its goal, result and feedback. */
static enum et_status put_action(struct et__maker *m, struct et_str base)
{
    static const struct {
        const char *suffix, *before, *inner, *name;
    } MESSAGES[] = {
        {"_SendGoal_Request", "unique_identifier_msgs/UUID goal_id\n", "_Goal", "goal"},
        {"_SendGoal_Response", "bool accepted\nbuiltin_interfaces/Time stamp\n", NULL, NULL},
        {"_GetResult_Request", "unique_identifier_msgs/UUID goal_id\n", NULL, NULL},
        {"_GetResult_Response", "int8 status\n", "_Result", "result"},
        {"_FeedbackMessage", "unique_identifier_msgs/UUID goal_id\n", "_Feedback", "feedback"},
    };
    enum et_status st = ET_OK;
    for (size_t i = 0; i < sizeof MESSAGES / sizeof *MESSAGES && st == ET_OK; i++) {
        const char *text = MESSAGES[i].before;
        if (MESSAGES[i].inner)
            text = et_arena_printf(m->arena, "%s%.*s%s %s\n", text, ET_STR_ARG(base),
                                   MESSAGES[i].inner, MESSAGES[i].name);
        st = put_made(m, base, MESSAGES[i].suffix, text);
    }
    if (st == ET_OK)
        st = put_event(m, base, "_SendGoal");
    return st == ET_OK ? put_event(m, base, "_GetResult") : st;
}

enum et_status et__maker_parse_service(struct et__maker *m, struct et_str name, struct et_str text,
                                       int32_t line, bool *is_service)
{
    static const char *const OF_SERVICE[] = {"_Request", "_Response"};
    static const char *const OF_ACTION[] = {"_Goal", "_Result", "_Feedback"};
    struct parts parts;

    enum et_status st = split(m, text, line, &parts);
    *is_service = st == ET_OK && parts.n > 1;
    if (!*is_service)
        return st;
    const struct et_str base = base_name(m, name);
    if (!base.p)
        return et_arena_fail(m->arena, "a message definition", m->err);
    const char *const *suffixes = parts.n == 2 ? OF_SERVICE : OF_ACTION;
    for (size_t i = 0; i < parts.n && st == ET_OK; i++)
        st = put(m, base, suffixes[i], parts.text[i], parts.line[i]);
    if (st != ET_OK || m->flavour != ET_MSGDEF_ROS2)
        return st; // only ROS 2 adds messages
    return parts.n == 2 ? put_event(m, base, "") : put_action(m, base);
}
