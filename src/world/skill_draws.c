/* What chance decides, tier by tier: "body cup x -.02 .02 yaw -180 180", "mass cup .5 2". */
#include "world/world__skill_reader.h"

static const char *const KINDS[] = {
    [ET__DRAW_BODY] = "body",         [ET__DRAW_JOINT] = "joint", [ET__DRAW_MASS] = "mass",
    [ET__DRAW_FRICTION] = "friction", [ET__DRAW_SIZE] = "size",   [ET__N_DRAWS] = NULL,
};

static const char *const AXES[] = {"x", "y", "z", "roll", "pitch", "yaw", NULL};
#define FIRST_ANGLE 3

static const struct et__range FACTOR = {"a factor", 0.01, 100};

/* Two numbers, the first not above the second. */
static enum et_status read_limits(struct et__line *line, const struct et__range *range,
                                  double *least, double *most)
{
    const struct et__word word = et__line_peek(line);
    enum et_status st = et__line_number(line, range, least);
    if (st == ET_OK)
        st = et__line_number(line, range, most);
    if (st == ET_OK && *least > *most)
        st = et_yaml_fail(line->r->err, line->r->path, word.place,
                          "the least, %g, is above the most, %g", *least, *most);
    return st;
}

static enum et_status read_axes(struct et__line *line, struct et__draw *draw)
{
    bool has_axis[6] = {false};
    do {
        const struct et__word word = et__line_peek(line);
        size_t i = 0;
        enum et_status st = et__line_choice(line, "x, y, z, roll, pitch or yaw", AXES, &i);
        if (st != ET_OK)
            return st;
        if (has_axis[i])
            return et_yaml_fail(line->r->err, line->r->path, word.place, "\"%s\" stands here again",
                                AXES[i]);
        has_axis[i] = true;
        st = read_limits(line, i < FIRST_ANGLE ? &et__metres : &et__degrees, &draw->least[i],
                         &draw->most[i]);
        if (st != ET_OK)
            return st;
    } while (et__line_peek(line).text.n > 0);
    for (size_t i = FIRST_ANGLE; i < 6; i++) {
        draw->least[i] *= ET__RADIANS_PER_DEGREE;
        draw->most[i] *= ET__RADIANS_PER_DEGREE;
    }
    return ET_OK;
}

static enum et_status read_draw(const struct et__skill_reader *r, const struct et_value *value,
                                struct et__draw *draw)
{
    struct et__line line;
    size_t kind = 0;

    enum et_status st = et__line_open(&line, r, value, "what is drawn by chance");
    if (st == ET_OK)
        st = et__line_choice(&line, "body, joint, mass, friction or size", KINDS, &kind);
    if (st != ET_OK)
        return st;
    draw->kind = (enum et__draw_kind)kind;
    st = et__line_name(&line, draw->kind == ET__DRAW_JOINT ? "a joint" : "a body", NULL,
                       &draw->name);
    if (st == ET_OK && draw->kind == ET__DRAW_BODY)
        return read_axes(&line, draw);
    if (st == ET_OK)
        st = read_limits(&line, draw->kind == ET__DRAW_JOINT ? &et__position : &FACTOR,
                         &draw->least[0], &draw->most[0]);
    return st == ET_OK ? et__line_end(&line) : st;
}

/* A tier says one thing about one thing. */
static enum et_status refuse_second(const struct et__skill_reader *r, const struct et__draw *draws,
                                    size_t n)
{
    const struct et__draw *last = &draws[n - 1];
    for (const struct et__draw *d = draws; d < last; d++)
        if (d->kind == last->kind && d->tier == last->tier &&
            strcmp(d->name.text, last->name.text) == 0)
            return et_yaml_fail(r->err, r->path, last->name.place,
                                "%s %s is drawn twice in tier %s", KINDS[d->kind], d->name.text,
                                et_tier_name(d->tier));
    return ET_OK;
}

enum et_status et__read_draws(const struct et__skill_reader *r, const struct et_value *tiers)
{
    struct et__draw *draws = et_arena_array(r->arena, ET__DRAWS_MAX, sizeof *draws);
    size_t n = 0;

    if (!draws)
        return et__skill_memory(r);
    for (int tier = 0; tier < ET_N_TIERS; tier++) {
        const struct et_value *list = et_value_get(tiers, et_tier_name((enum et_tier)tier));
        for (size_t i = 0; i < et_value_count(list); i++) {
            const struct et_value *value = et_value_at(list, i);
            if (n == ET__DRAWS_MAX)
                return et_yaml_fail(r->err, r->path, et_value_place(value),
                                    "a skill has at most %d draws", ET__DRAWS_MAX);
            draws[n].tier = (enum et_tier)tier;
            enum et_status st = read_draw(r, value, &draws[n++]);
            if (st == ET_OK)
                st = refuse_second(r, draws, n);
            if (st != ET_OK)
                return st;
        }
    }
    r->script->draws = draws;
    r->script->n_draws = n;
    return ET_OK;
}
