#include "world/world__skill.h"

static const struct et__predicate PREDICATES[] = {
#define X(id, name, words) {name, words, ET__##id},
    ET__PREDICATE_MAP(X)
#undef X
};

static const char *const NAMES[] = {
#define X(id, name, words) name,
    ET__PREDICATE_MAP(X)
#undef X
        NULL};

const struct et__predicate *et__predicate_find(struct et_str name)
{
    for (size_t i = 0; i < ET__N_PREDICATES; i++)
        if (et_str_eq(name, et_str(PREDICATES[i].name)))
            return &PREDICATES[i];
    return NULL;
}

const char *const *et__predicate_names(void)
{
    return NAMES;
}
