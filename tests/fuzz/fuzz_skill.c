// A skill that anybody may have written. What was read is within the limits that it was read with.
#include "world/world__skill_reader.h"

#include <math.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void insist(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_condition(const struct et__condition *condition)
{
    insist(condition->n_terms <= ET__TERMS_MAX);
    for (size_t i = 0; i < condition->n_terms; i++) {
        const struct et__term *t = &condition->terms[i];
        insist(t->predicate && t->text[0] && isfinite(t->value) && t->side != ET__BOTH);
        insist(t->place.line > 0 && t->place.column > 0);
    }
}

static void check_phase(const struct et__phase *phase, size_t i_phase)
{
    insist(phase->name[0] && phase->n_actions <= ET__ACTIONS_MAX);
    insist(phase->i_else >= -1 && phase->i_else <= (int32_t)i_phase);
    check_condition(&phase->until);
    for (size_t i = 0; i < phase->n_actions; i++) {
        const struct et__action *a = &phase->actions[i];
        insist(a->verb < ET__N_VERBS && a->side <= ET__BOTH && a->place.line > 0);
        insist(isfinite(a->value) || a->verb == ET__GRIP);
        insist(fabs(a->off[0]) <= 1000 && fabs(a->by[2]) <= 1000 && a->turn >= 0 && a->turn <= 1);
        insist(!a->has_direction ||
               fabs(hypot(hypot(a->approach[0], a->approach[1]), a->approach[2]) - 1) < 1e-9);
    }
}

static void check_skill(const struct et_skill *skill)
{
    const struct et_skill_script *script = skill->script;
    insist(skill->n_phases > 0 && skill->n_phases <= ET__PHASES_MAX && skill->n_objects > 0);
    insist(script->success.n_terms > 0);
    check_condition(&script->success);
    for (size_t i = 0; i < skill->n_phases; i++)
        check_phase(&script->phases[i], i);
    for (size_t i = 0; i < script->n_draws; i++)
        for (size_t k = 0; k < 6; k++)
            insist(script->draws[i].least[k] <= script->draws[i].most[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_arena *arena = NULL;
    struct et_skill *skill = NULL;
    struct et_err err = {0};
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return 0;
    const struct et_str text = {(const char *)data, n};
    if (et__skill_parse("skill.yaml", text, arena, &skill, &err) == ET_OK)
        check_skill(skill);
    else
        insist(skill == NULL && err.text[0] != 0);
    et_arena_close(arena);
    return 0;
}
