/* Phases: what the trainer does, one after the other, and where it goes back to. */
#include "world/world__skill_reader.h"

#define WAIT_S 1.0 // for a phase's condition, where the file does not say

// clang-format off
static const struct et_schema ANY = {.type = ET_SCHEMA_ANY};
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema FLAG = {.type = ET_SCHEMA_BOOL};
static const struct et_schema WAIT = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.01, .max = 600};
static const struct et_schema ACTIONS = {
    .type = ET_SCHEMA_LIST, .items = &ANY, .n_min = 1, .n_max = ET__ACTIONS_MAX};

static const struct et_schema_field PHASE_FIELDS[] = {
    {"do",        &ACTIONS, false},
    {"until",     &TEXT,    false},
    {"else",      &TEXT,    false},
    {"timeout_s", &WAIT,    false},
    {"waist",     &FLAG,    false},
    {NULL,        NULL,     false},
};
static const struct et_schema PHASE = {.type = ET_SCHEMA_MAP, .fields = PHASE_FIELDS};
// clang-format on

static bool is_of_arm(const struct et__action *a)
{
    return a->verb != ET__POSTURE && a->verb != ET__GRIP && a->verb != ET__HOLD;
}

/* What two actions of a phase both want to move; NULL: they can begin together. */
static const char *find_clash(const struct et__action *a, const struct et__action *b)
{
    const bool is_same_side = a->side == ET__BOTH || b->side == ET__BOTH || a->side == b->side;
    if (is_of_arm(a) && is_of_arm(b) && is_same_side)
        return "this hand has a way to go";
    if (a->verb != b->verb)
        return NULL;
    if (a->verb == ET__POSTURE)
        return strcmp(a->posture.text, b->posture.text) == 0 ? "this joint has a place" : NULL;
    if (a->verb == ET__HOLD)
        return "there is a \"hold\"";
    return is_same_side ? "these fingers have a width" : NULL;
}

static struct et_place place_of(const struct et__action *a)
{
    return a->verb == ET__POSTURE ? a->posture.place : a->place;
}

/* All that a phase lists begins at once: of two ways for one hand the first would be lost. */
static enum et_status refuse_clashes(const struct et__skill_reader *r,
                                     const struct et__action *actions, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            const char *clash = find_clash(&actions[k], &actions[i]);
            if (clash)
                return et_yaml_fail(r->err, r->path, place_of(&actions[i]),
                                    "%s in this phase already (line %d), and all begins at once: "
                                    "make it a phase of its own",
                                    clash, actions[k].place.line);
        }
    return ET_OK;
}

static enum et_status read_actions(const struct et__skill_reader *r, const struct et_value *list,
                                   struct et__phase *phase)
{
    struct et__action actions[ET__ACTIONS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < et_value_count(list); i++) {
        const enum et_status st = et__read_action(r, et_value_at(list, i), actions, &n);
        if (st != ET_OK)
            return st;
    }
    const enum et_status st = refuse_clashes(r, actions, n);
    if (st != ET_OK)
        return st;
    phase->actions = et_arena_copy(r->arena, actions, n * sizeof *actions);
    phase->n_actions = n;
    return phase->actions ? ET_OK : et__skill_memory(r);
}

/* The number of the phase to go back to: one of those before, or this one. */
static enum et_status read_else(const struct et__skill_reader *r, const struct et_value *value,
                                const struct et__phase *phases, struct et__phase *phase)
{
    const char *names[ET__PHASES_MAX + 1] = {NULL};
    const struct et_str wanted = value->as.string;
    for (const struct et__phase *p = phases; p <= phase; p++) {
        names[p - phases] = p->name;
        if (et_str_is(wanted, p->name)) {
            phase->i_else = (int32_t)(p - phases);
            return ET_OK;
        }
    }
    return et_yaml_fail(r->err, r->path, et_value_place(value),
                        "\"%.48s\" is no phase up to here; the nearest is \"%s\"", wanted.p,
                        et_str_nearest(wanted, names));
}

static enum et_status read_condition(const struct et__skill_reader *r, const struct et_value *map,
                                     const struct et__phase *phases, struct et__phase *phase)
{
    static const char *const NEEDS_UNTIL[] = {"else", "timeout_s"};
    const struct et_value *until = et_value_get(map, "until");
    const struct et_value *back = et_value_get(map, "else");
    for (size_t i = 0; i < 2 && !until; i++) {
        const struct et_value *value = et_value_get(map, NEEDS_UNTIL[i]);
        if (value)
            return et_yaml_fail(r->err, r->path, et_value_place(value), "\"%s\" needs an \"until\"",
                                NEEDS_UNTIL[i]);
    }
    if (!until)
        return ET_OK;
    const enum et_status st = et__read_condition(r, until, &phase->until);
    return st == ET_OK && back ? read_else(r, back, phases, phase) : st;
}

static enum et_status read_name(const struct et__skill_reader *r, const struct et_value *item,
                                const struct et__phase *phases, struct et__phase *phase)
{
    if (et_value_count(item) != 1)
        return et_yaml_fail(r->err, r->path, et_value_place(item),
                            "a phase is its name, a colon, and its actions; here are %zu names",
                            et_value_count(item));
    const struct et_str name = item->as.many.keys[0];
    const struct et_place place = item->as.many.places[0];
    if (!et_name_is_own(name))
        return et_yaml_fail(r->err, r->path, place,
                            "a phase's name is 1 to 256 of a-z 0-9 _ . -, is \"%.48s\"", name.p);
    for (const struct et__phase *p = phases; p < phase; p++)
        if (et_str_is(name, p->name))
            return et_yaml_fail(r->err, r->path, place, "a phase %s stands here again", p->name);
    phase->name = name.p;
    return ET_OK;
}

static enum et_status read_phase(const struct et__skill_reader *r, const struct et_value *item,
                                 const struct et__phase *phases, struct et__phase *phase)
{
    *phase = (struct et__phase){.i_else = -1, .timeout_s = WAIT_S, .has_waist = true};
    enum et_status st = read_name(r, item, phases, phase);
    if (st != ET_OK)
        return st;
    const struct et_value *value = et_value_at(item, 0);
    if (value->kind == ET_VALUE_LIST) {
        st = et_schema_check(value, &ACTIONS, r->path, r->err);
        return st == ET_OK ? read_actions(r, value, phase) : st;
    }
    if (value->kind != ET_VALUE_MAP)
        return et_yaml_fail(r->err, r->path, et_value_place(value),
                            "a list of actions, or a map of do, until …, is expected, not %s",
                            et_value_kind_text(value->kind));
    st = et_schema_check(value, &PHASE, r->path, r->err);
    if (st != ET_OK)
        return st;
    const struct et_value *actions = et_value_get(value, "do");
    if (!actions && !et_value_get(value, "until"))
        return et_yaml_fail(r->err, r->path, et_value_place(value),
                            "a phase needs a \"do\" or an \"until\"");
    phase->timeout_s = et_value_real(et_value_get(value, "timeout_s"), WAIT_S);
    phase->has_waist = et_value_bool(et_value_get(value, "waist"), true);
    st = read_actions(r, actions, phase);
    return st == ET_OK ? read_condition(r, value, phases, phase) : st;
}

enum et_status et__read_phases(const struct et__skill_reader *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    struct et__phase *phases = et_arena_array(r->arena, n, sizeof *phases);
    struct et_skill_phase *names = et_arena_array(r->arena, n, sizeof *names);
    if (!phases || !names)
        return et__skill_memory(r);
    for (size_t i = 0; i < n; i++) {
        const enum et_status st = read_phase(r, et_value_at(list, i), phases, &phases[i]);
        if (st != ET_OK)
            return st;
        names[i].name = phases[i].name;
    }
    r->script->phases = phases;
    r->skill->phases = names;
    r->skill->n_phases = n;
    return ET_OK;
}
