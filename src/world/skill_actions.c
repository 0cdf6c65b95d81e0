/* Actions: a verb, what it cannot do without, in order, and what it may have, in any order. */
#include "world/world__skill_reader.h"

#include <math.h>
#include <stdio.h>

#define PARALLEL 0.99 // cosine between two directions that are one for a hand

#define SIDES_TEXT "a side (left, right, both)"
static const char *const SIDES[] = {"left", "right", "both", NULL};
static const char *const POSTURES[] = {"lift",     "waist_yaw", "waist_pitch",
                                       "head_pan", "head_tilt", NULL};

/* ---- what a verb may have ---- */

enum option_kind { FLAG, NUMBER, ANGLE, TRIPLE, SITE, AXES };

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset; // in struct et__action
    const struct et__range *range;
};

static const struct et__range HEIGHT = {"a height in m", -2, 2};
static const struct et__range SHARE = {"a share of the turn", 0, 1};
static const struct et__range SPEED = {"a speed in m/s", 0.001, 5};

// clang-format off
#define AT(field) offsetof(struct et__action, field)
static const struct option OPTIONS[] = {
    {"off",     TRIPLE, AT(off),         &et__metres},
    {"by",      TRIPLE, AT(by),          &et__metres},
    {"rel",     FLAG,   AT(is_relative), NULL},
    {"dir",     AXES,   0,               NULL},
    {"yaw",     ANGLE,  AT(yaw_rad),     &et__degrees},
    {"pitch",   ANGLE,  AT(pitch_rad),   &et__degrees},
    {"holding", SITE,   AT(holding),     NULL},
    {"to",      SITE,   AT(holding),     NULL},
    {"via",     NUMBER, AT(via),         &HEIGHT},
    {"turn",    NUMBER, AT(turn),        &SHARE},
    {"speed",   NUMBER, AT(speed),       &SPEED},
};
#define N_OPTIONS (sizeof OPTIONS / sizeof *OPTIONS)

/* `words` are what must stand there: a side, b body, s site, h site or "here", j joint, v a joint's
 * position, w width, p postures, t seconds, m metres, f newtons. */
static const struct {
    const char *words;
    const char *const *options;
} VERBS[ET__N_VERBS] = {
    [ET__GRIP]    = {"aw",  (const char *const[]){NULL}},
    [ET__POSTURE] = {"p",   (const char *const[]){NULL}},
    [ET__MOVE]    = {"ah",  (const char *const[]){"off", "rel", "dir", "yaw", "pitch", "holding",
                                                  "via", "speed", NULL}},
    [ET__FOLLOW]  = {"ajv", (const char *const[]){"turn", "speed", NULL}},
    [ET__CARRY]   = {"b",   (const char *const[]){"to", "off", "by", "yaw", "speed", NULL}},
    [ET__HOLD]    = {"t",   (const char *const[]){NULL}},
    [ET__RETREAT] = {"am",  (const char *const[]){"speed", NULL}},
    [ET__TUCK]    = {"a",   (const char *const[]){NULL}},
    [ET__PRESS]   = {"asf", (const char *const[]){"dir", NULL}},
};
// clang-format on

static const char *const VERB_NAMES[] = {
    [ET__GRIP] = "grip",       [ET__POSTURE] = "posture", [ET__MOVE] = "move",
    [ET__FOLLOW] = "follow",   [ET__CARRY] = "carry",     [ET__HOLD] = "hold",
    [ET__RETREAT] = "retreat", [ET__TUCK] = "tuck",       [ET__PRESS] = "press",
    [ET__N_VERBS] = NULL,
};

/* What has been read of a line. */
struct sentence {
    struct et__line line;
    struct et__action *action;
    bool has[N_OPTIONS];
};

static double length_of(const double v[3])
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

/* "+x", "y", "-z". */
static bool read_axis(struct et_str text, double v[3])
{
    const bool has_sign = text.n == 2 && (text.p[0] == '+' || text.p[0] == '-');
    const char axis = text.n == 1 || has_sign ? text.p[text.n - 1] : 0;
    if (axis < 'x' || axis > 'z')
        return false;
    v[0] = v[1] = v[2] = 0;
    v[axis - 'x'] = text.p[0] == '-' ? -1 : 1;
    return true;
}

/* "1,0,-.35", of any length but 0; becomes a unit vector. */
static bool read_vector(struct et_str text, double v[3])
{
    struct et_str part;
    for (size_t i = 0; i < 3; i++)
        if (!et_str_cut(&text, ',', &part) || !et_str_to_double(part, &v[i]) ||
            !(fabs(v[i]) <= 1000))
            return false;
    const double length = length_of(v);
    if (text.n > 0 || length < 1e-3)
        return false;
    for (size_t i = 0; i < 3; i++)
        v[i] /= length;
    return true;
}

static enum et_status read_direction(struct sentence *s, double v[3])
{
    const struct et__word word = et__line_next(&s->line);
    if (read_axis(word.text, v) || read_vector(word.text, v))
        return ET_OK;
    return et__line_bad(&s->line, word, "a direction (+x, -y, z or 1,0,-.5)", NULL);
}

static enum et_status read_axes(struct sentence *s)
{
    struct et__action *a = s->action;
    enum et_status st = read_direction(s, a->approach);
    if (st != ET_OK)
        return st;
    const struct et__word word = et__line_peek(&s->line);
    st = read_direction(s, a->closing);
    if (st != ET_OK)
        return st;
    a->has_direction = true;
    const double cosine = a->approach[0] * a->closing[0] + a->approach[1] * a->closing[1] +
                          a->approach[2] * a->closing[2];
    if (fabs(cosine) > PARALLEL)
        return et_yaml_fail(s->line.r->err, s->line.r->path, word.place,
                            "fingers cannot close along the way in which they point");
    return ET_OK;
}

static enum et_status read_option(struct sentence *s, const struct option *option)
{
    char *field = (char *)s->action + option->offset;
    double *number = (double *)(void *)field;
    enum et_status st = ET_OK;

    switch (option->kind) {
    case FLAG:
        *(bool *)field = true;
        return ET_OK;
    case SITE:
        return et__line_name(&s->line, "a site", VERBS[s->action->verb].options,
                             (struct et__name *)(void *)field);
    case AXES:
        return read_axes(s);
    case NUMBER:
    case ANGLE:
    case TRIPLE:
        break;
    }
    for (int i = 0; i < (option->kind == TRIPLE ? 3 : 1) && st == ET_OK; i++)
        st = et__line_number(&s->line, option->range, &number[i]);
    if (option->kind == ANGLE)
        *number *= ET__RADIANS_PER_DEGREE;
    return st;
}

static enum et_status read_options(struct sentence *s)
{
    const char *const *names = VERBS[s->action->verb].options;
    const char *verb = VERB_NAMES[s->action->verb];
    char what[64];

    if (!names[0])
        return et__line_end(&s->line);
    while (et__line_peek(&s->line).text.n > 0) {
        const struct et__word word = et__line_peek(&s->line);
        size_t i = 0, k = 0;
        (void)snprintf(what, sizeof what, "a word of \"%s\"", verb);
        enum et_status st = et__line_choice(&s->line, what, names, &i);
        if (st != ET_OK)
            return st;
        while (strcmp(OPTIONS[k].name, names[i]) != 0)
            k++;
        if (s->has[k])
            return et_yaml_fail(s->line.r->err, s->line.r->path, word.place,
                                "\"%s\" stands here again", names[i]);
        s->has[k] = true;
        st = read_option(s, &OPTIONS[k]);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static bool has(const struct sentence *s, const char *option)
{
    size_t k = 0;
    while (strcmp(OPTIONS[k].name, option) != 0)
        k++;
    return s->has[k];
}

/* ---- what a verb cannot do without ---- */

static enum et_status read_width(struct sentence *s)
{
    static const struct et__range WIDTH = {"open, close or a width in m", 0, 0.5};
    const struct et__word word = et__line_peek(&s->line);
    if (et_str_is(word.text, "open"))
        s->action->value = (double)NAN;
    else if (et_str_is(word.text, "close"))
        s->action->value = -1;
    else
        return et__line_number(&s->line, &WIDTH, &s->action->value);
    (void)et__line_next(&s->line);
    return ET_OK;
}

static enum et_status read_target(struct sentence *s, const char *what, bool is_here_allowed)
{
    const char *const *options = VERBS[s->action->verb].options;
    if (!is_here_allowed || !et_str_is(et__line_peek(&s->line).text, "here"))
        return et__line_name(&s->line, what, options, &s->action->target);
    s->action->target.place = et__line_next(&s->line).place;
    return ET_OK;
}

static enum et_status read_word(struct sentence *s, char kind)
{
    static const struct et__range SECONDS = {"a time in s", 0, 600};
    static const struct et__range METRES = {"a distance in m", 0, 5};
    static const struct et__range NEWTONS = {"a force in N", 0.1, 1000};
    double *value = &s->action->value;
    enum et_status st;
    size_t i = 0;

    switch (kind) {
    case 'a':
        st = et__line_choice(&s->line, SIDES_TEXT, SIDES, &i);
        s->action->side = (enum et__side)i;
        return st;
    case 'b':
        return read_target(s, "a body", false);
    case 's':
        return read_target(s, "a site", false);
    case 'h':
        return read_target(s, "a site or \"here\"", true);
    case 'j':
        return read_target(s, "a joint", false);
    case 'w':
        return read_width(s);
    case 't':
        return et__line_number(&s->line, &SECONDS, value);
    case 'm':
        return et__line_number(&s->line, &METRES, value);
    case 'f':
        return et__line_number(&s->line, &NEWTONS, value);
    default:
        return et__line_number(&s->line, &et__position, value);
    }
}

/* What single words cannot tell. */
static enum et_status check(struct sentence *s, struct et__word verb)
{
    const struct et__action *a = s->action;
    const struct et__skill_reader *r = s->line.r;
    if (a->verb == ET__MOVE && a->side == ET__BOTH && a->target.text)
        return et_yaml_fail(r->err, r->path, a->target.place, "both hands cannot be at one place");
    if (a->verb == ET__MOVE && (has(s, "yaw") || has(s, "pitch")) && !a->has_direction)
        return et_yaml_fail(r->err, r->path, verb.place,
                            "yaw and pitch turn a \"dir\", and there is none");
    if (a->verb == ET__CARRY && has(s, "off") && !has(s, "to"))
        return et_yaml_fail(r->err, r->path, verb.place,
                            "\"off\" is from a site, and there is no \"to\"");
    if (a->verb == ET__CARRY && !has(s, "to") && !has(s, "by") && !has(s, "yaw"))
        return et_yaml_fail(r->err, r->path, et__line_peek(&s->line).place,
                            "to, by or yaw is expected, here the line ends");
    return ET_OK;
}

/* ---- a line ---- */

static enum et_status fail_too_many(const struct et__skill_reader *r, struct et_place place)
{
    return et_yaml_fail(r->err, r->path, place, "a phase has at most %d actions", ET__ACTIONS_MAX);
}

/* JOINT VALUE [JOINT VALUE]...: an action each. */
static enum et_status read_postures(struct sentence *s, struct et__action *actions,
                                    size_t *n_actions)
{
    const struct et__action first = *s->action;
    do {
        const struct et__word word = et__line_peek(&s->line);
        size_t i = 0;
        if (*n_actions == ET__ACTIONS_MAX)
            return fail_too_many(s->line.r, word.place);
        struct et__action *a = &actions[(*n_actions)++];
        *a = first;
        enum et_status st = et__line_choice(
            &s->line, "lift, waist_yaw, waist_pitch, head_pan or head_tilt", POSTURES, &i);
        if (st == ET_OK)
            st = et__line_number(&s->line, &et__position, &a->value);
        if (st != ET_OK)
            return st;
        a->posture = (struct et__name){POSTURES[i], word.place};
    } while (et__line_peek(&s->line).text.n > 0);
    return ET_OK;
}

enum et_status et__read_action(const struct et__skill_reader *r, const struct et_value *value,
                               struct et__action *actions, size_t *n_actions)
{
    struct et__action action = {.side = ET__BOTH, .turn = 1};
    struct sentence s = {.action = &action};
    size_t verb = 0;

    enum et_status st = et__line_open(&s.line, r, value, "an action");
    if (st != ET_OK)
        return st;
    const struct et__word first = et__line_peek(&s.line);
    st = et__line_choice(&s.line, "an action", VERB_NAMES, &verb);
    if (st != ET_OK)
        return st;
    action.verb = (enum et__verb)verb;
    action.place = first.place;
    if (action.verb == ET__POSTURE)
        return read_postures(&s, actions, n_actions);

    for (const char *kind = VERBS[verb].words; *kind && st == ET_OK; kind++)
        st = read_word(&s, *kind);
    if (st == ET_OK)
        st = read_options(&s);
    if (st == ET_OK)
        st = check(&s, first);
    if (st != ET_OK)
        return st;
    if (*n_actions == ET__ACTIONS_MAX)
        return fail_too_many(r, first.place);
    actions[(*n_actions)++] = action;
    return ET_OK;
}
