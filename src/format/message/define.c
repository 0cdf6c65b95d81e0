/* Which definition a recording's messages are read by. */
#include "message__def.h"
#include "message__walk.h"

struct choice {
    const struct et_message_schema *schema;
    struct et_str sample;
    struct et_arena *arena;
    struct et_message_def *found;
    struct et_err *err;
    enum et_msgdef_flavour flavour;
};

/* NULL when a definition fits the sample, else why it does not; in the arena, or a plain word. */
static const char *misfit(const struct choice *c, const struct et_msgdef *def)
{
    const struct et_message_def message = {.encoding = c->found->encoding, .def = def};
    struct et_err why = {0};
    const char *text;
    size_t n_left = 0;
    if (c->sample.n == 0)
        return NULL;
    if (et_message_left_over(&message, c->sample, &n_left, &why) != ET_OK)
        text = et_arena_printf(c->arena, "does not fit its messages: %s", why.text);
    else if (n_left > 0)
        text = et_arena_printf(c->arena, "leaves %zu bytes of a message over", n_left);
    else
        return NULL;
    return text ? text : "does not fit";
}

static enum et_status set(const struct choice *c, const struct et_msgdef *def, bool is_from_store,
                          const char *remark)
{
    c->found->def = def;
    c->found->is_from_store = is_from_store;
    c->found->remark = remark;
    return ET_OK;
}

static enum et_status fail_memory(const struct choice *c)
{
    return et_arena_fail(c->arena, "a message definition", c->err);
}

/* Our own definition: of its editions, newest first, the one that fits the sample, else the newest.
 * *why as misfit. ET_ENOTFOUND and the like: there is none. */
static enum et_status load_own(const struct choice *c, const struct et_msgdef **def,
                               const char **why, struct et_err *err)
{
    const struct et_msgdef *older;
    enum et_status st = et__store_load(c->schema->name, c->flavour, ET__NEWEST, c->arena, def, err);
    *why = st == ET_OK ? misfit(c, *def) : NULL;
    for (int i = ET__NEWEST + 1; st == ET_OK && *why && i < ET__N_EDITIONS; i++) {
        if (et__store_load(c->schema->name, c->flavour, (enum et__edition)i, c->arena, &older,
                           NULL) != ET_OK ||
            misfit(c, older))
            continue;
        *def = older;
        *why = NULL;
    }
    return st;
}

/* Whether a failure says nothing about definitions, and has to be passed on. */
static bool is_of_the_machine(enum et_status st)
{
    return st == ET_ENOMEM || st == ET_EIO || st == ET_ELIMIT;
}

static enum et_status pass_on(const struct choice *c, enum et_status st, const struct et_err *err)
{
    if (c->err)
        *c->err = *err;
    return st;
}

/* The file's own definition cannot be had, for the reason in *reason. */
static enum et_status fall_back(const struct choice *c, enum et_status st,
                                const struct et_err *reason)
{
    const struct et_msgdef *def;
    const char *why;
    struct et_err err = {0};
    const enum et_status st_own = load_own(c, &def, &why, &err);
    if (st_own != ET_OK)
        return is_of_the_machine(st_own) ? pass_on(c, st_own, &err) : pass_on(c, st, reason);
    const char *remark = et_arena_printf(
        c->arena, "the file's definition of %.*s is not used, but our own%s%s: %s",
        ET_STR_ARG(c->schema->name), why ? ", which " : "", why ? why : "", reason->text);
    return remark ? set(c, def, true, remark) : fail_memory(c);
}

/* The file's own definition does not fit the sample, says `why`; ours may. */
static enum et_status prefer(const struct choice *c, const struct et_msgdef *own, const char *why)
{
    const struct et_msgdef *def;
    const char *why_not;
    struct et_err err = {0};
    const enum et_status st = load_own(c, &def, &why_not, &err);
    const bool is_better = st == ET_OK && !why_not;
    if (is_of_the_machine(st))
        return pass_on(c, st, &err);
    const char *remark =
        et_arena_printf(c->arena, "the file's definition of %.*s %s%s", ET_STR_ARG(c->schema->name),
                        why, is_better ? "; our own is used, which fits" : "");
    if (!remark)
        return fail_memory(c);
    return is_better ? set(c, def, true, remark) : set(c, own, false, remark);
}

static enum et_status define_from_store(const struct choice *c)
{
    const struct et_msgdef *def;
    const char *why, *remark = NULL;
    const enum et_status st = load_own(c, &def, &why, c->err);
    if (st != ET_OK)
        return st;
    if (why && !(remark = et_arena_printf(c->arena, "our own definition of %.*s %s",
                                          ET_STR_ARG(c->schema->name), why)))
        return fail_memory(c);
    return set(c, def, true, remark);
}

static enum et_status define_ros(const struct choice *c)
{
    const struct et_msgdef_source source = {
        .name = c->schema->name, .text = c->schema->data, .flavour = c->flavour, .use_store = true};
    const struct et_msgdef *def;
    struct et_err reason = {0};

    // Few messages have no fields; many writers have no definition at hand.
    if (c->schema->data.n == 0) {
        const enum et_status st_own = define_from_store(c);
        if (st_own == ET_OK || is_of_the_machine(st_own))
            return st_own;
    }
    const enum et_status st = et_msgdef_parse(&source, c->arena, &def, &reason);
    if (is_of_the_machine(st))
        return pass_on(c, st, &reason);
    if (st != ET_OK)
        return fall_back(c, st, &reason);
    const char *why = misfit(c, def);
    return why ? prefer(c, def, why) : set(c, def, false, NULL);
}

static enum et_status define_protobuf(const struct choice *c)
{
    const struct et_msgdef *def;
    if (!et_str_is(c->schema->encoding, "protobuf"))
        return et_fail(c->err, ET_EUNSUPPORTED, -1,
                       "messages in protobuf whose definition is in \"%.*s\"",
                       ET_STR_ARG(c->schema->encoding));
    const enum et_status st =
        et_msgdef_parse_protobuf(c->schema->data, c->schema->name, c->arena, &def, c->err);
    return st == ET_OK ? set(c, def, false, NULL) : st;
}

enum et_status et_message_define(const struct et_message_schema *schema, struct et_str sample,
                                 struct et_arena *arena, struct et_message_def *found,
                                 struct et_err *err)
{
    struct choice c = {schema, sample, arena, found, err, ET_MSGDEF_ROS2};

    *found = (struct et_message_def){0};
    if (!et_message_encoding_find(schema->message_encoding, &found->encoding))
        return et_fail(err, ET_EUNSUPPORTED, -1, "messages encoded as \"%.*s\" are not read",
                       ET_STR_ARG(schema->message_encoding));
    if (found->encoding == ET_MESSAGE_JSON)
        return ET_OK;
    if (found->encoding == ET_MESSAGE_PROTOBUF)
        return define_protobuf(&c);
    const bool is_1 = et_str_is(schema->encoding, "ros1msg") ||
                      (schema->encoding.n == 0 && found->encoding == ET_MESSAGE_ROS1);
    c.flavour = is_1 ? ET_MSGDEF_ROS1 : ET_MSGDEF_ROS2;
    if (et_str_is(schema->encoding, "ros1msg") || et_str_is(schema->encoding, "ros2msg"))
        return define_ros(&c);
    if (schema->encoding.n == 0 && schema->data.n == 0)
        return define_from_store(&c);
    // IDL and the like; the name alone may be enough.
    struct et_err reason = {0};
    const enum et_status st =
        et_fail(&reason, ET_EUNSUPPORTED, -1, "definitions in \"%.*s\" are not read",
                ET_STR_ARG(schema->encoding));
    return fall_back(&c, st, &reason);
}
