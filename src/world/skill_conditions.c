/* Conditions: predicates joined by '&', each with `not` in front or without. */
#include "world/world__skill_reader.h"

#define NOT "not"
#define AND "&"

static const char *const SIDES[] = {"left", "right", NULL};
static const char *const SIGNS[] = {"<", ">", NULL};

static const struct et__range LEAN = {"an angle in degrees", 0, 180};
static const struct et__range DISTANCE = {"a distance in m", 0, 10};
static const struct et__range BODIES = {"a number of bodies", 1, 1000};
static const struct et__range SITES = {"a number of sites", 1, 1000};

/* What each predicate's number is, and what it can be. */
static const struct et__range *const NUMBERS[ET__N_PREDICATES] = {
    [ET__JOINT] = &et__position,   [ET__HEIGHT] = &et__metres, [ET__UPRIGHT] = &LEAN,
    [ET__NEAR] = &DISTANCE,        [ET__COUNT] = &BODIES,      [ET__WIPED] = &SITES,
    [ET__PRESSED] = &et__position,
};

static const char *what_of(char kind)
{
    switch (kind) {
    case 'b':
        return "a body";
    case 's':
        return "a site";
    case 'j':
        return "a joint";
    default:
        return "the beginning of names";
    }
}

/* One of what a predicate asks for; *n_names counts names. */
static enum et_status read_word(struct et__line *line, char kind, struct et__term *term,
                                size_t *n_names)
{
    const struct et__range *range = NUMBERS[term->predicate->kind];
    enum et_status st;
    size_t i = 0;

    switch (kind) {
    case 'a':
        st = et__line_choice(line, "a side (left, right)", SIDES, &i);
        term->side = i == 0 ? ET__LEFT : ET__RIGHT;
        return st;
    case 'c':
        st = et__line_choice(line, "a comparison (< or >)", SIGNS, &i);
        term->is_less = i == 0;
        return st == ET_OK ? et__line_number(line, range, &term->value) : st;
    case 'n':
        return et__line_number(line, range, &term->value);
    default:
        break;
    }
    return et__line_name(line, what_of(kind), NULL, &term->names[(*n_names)++]);
}

static enum et_status read_term(struct et__line *line, struct et__term *term)
{
    const struct et__word first = et__line_peek(line);
    struct et__word word = et__line_next(line);
    size_t n_names = 0;

    *term = (struct et__term){.place = first.place};
    term->is_negated = et_str_is(word.text, NOT);
    if (term->is_negated)
        word = et__line_next(line);
    term->predicate = et__predicate_find(word.text);
    if (!term->predicate)
        return et__line_bad(line, word, "a condition", et__predicate_names());
    for (const char *kind = term->predicate->words; *kind; kind++) {
        const enum et_status st = read_word(line, *kind, term, &n_names);
        if (st != ET_OK)
            return st;
    }
    term->text = et__line_between(line, first, et__line_peek(line));
    return term->text ? ET_OK : et__skill_memory(line->r);
}

enum et_status et__read_condition(const struct et__skill_reader *r, const struct et_value *value,
                                  struct et__condition *condition)
{
    struct et__term terms[ET__TERMS_MAX];
    struct et__line line;
    size_t n = 0;

    enum et_status st = et__line_open(&line, r, value, "a condition");
    for (bool is_more = true; st == ET_OK && is_more;) {
        if (n == ET__TERMS_MAX)
            return et_yaml_fail(r->err, r->path, et__line_peek(&line).place,
                                "a condition has at most %d terms", ET__TERMS_MAX);
        st = read_term(&line, &terms[n++]);
        is_more = st == ET_OK && et__line_peek(&line).text.n > 0;
        const struct et__word word = is_more ? et__line_next(&line) : (struct et__word){0};
        if (is_more && !et_str_is(word.text, AND))
            return et__line_bad(&line, word, "'&' or the line's end", NULL);
    }
    if (st != ET_OK)
        return st;
    condition->terms = et_arena_copy(r->arena, terms, n * sizeof *terms);
    condition->n_terms = n;
    return condition->terms ? ET_OK : et__skill_memory(r);
}
