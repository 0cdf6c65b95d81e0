#include "world/world__skill_reader.h"

#include <math.h>

#define WORD_BYTES 48 // of a word in a message

const struct et__range et__metres = {"a distance in m", -10, 10};
const struct et__range et__degrees = {"an angle in degrees", -360, 360};
const struct et__range et__position = {"a joint's position (m or rad)", -1000, 1000};

/* ---- side by side with the file ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One byte of the file. Columns count characters, as the YAML reader's do. */
static void skip_source(struct et__line *line)
{
    const unsigned char c = (unsigned char)line->source.p[0];
    if (c == '\n') {
        line->place.line++;
        line->place.column = 1;
    } else if ((c & 0xc0) != 0x80) {
        line->place.column++;
    }
    line->source.p++;
    line->source.n--;
}

static void skip_source_blanks(struct et__line *line)
{
    while (line->source.n > 0 && is_blank(line->source.p[0]))
        skip_source(line);
}

/* The file's bytes from a place on; empty when there is no such place. */
static struct et_str source_at(const struct et__skill_reader *r, struct et_place place)
{
    if (place.line < 1 || (size_t)place.line > r->n_lines)
        return (struct et_str){NULL, 0};
    size_t at = r->lines[place.line - 1];
    for (int32_t column = 1; column < place.column && at < r->text.n; column++) {
        at++;
        while (at < r->text.n && ((unsigned char)r->text.p[at] & 0xc0) == 0x80)
            at++;
    }
    return (struct et_str){r->text.p + at, r->text.n - at};
}

/* A text in quotes begins behind them; a folded one in the line below its '>' or '|'. */
static void skip_style(struct et__line *line)
{
    const char c = line->source.n > 0 ? line->source.p[0] : 0;
    if (c == '"' || c == '\'')
        skip_source(line);
    while ((c == '>' || c == '|') && line->source.n > 0 && line->source.p[0] != '\n')
        skip_source(line);
    if (c == '>' || c == '|')
        skip_source_blanks(line);
}

enum et_status et__line_open(struct et__line *line, const struct et__skill_reader *r,
                             const struct et_value *value, const char *what)
{
    const struct et_place place = et_value_place(value);
    *line = (struct et__line){.r = r, .place = place, .source = source_at(r, place)};
    if (value->kind != ET_VALUE_STRING)
        return et_yaml_fail(r->err, r->path, place, "%s is expected, not %s%s", what,
                            et_value_kind_text(value->kind),
                            et_value_is_number(value)
                                ? "; within [ ] a comma ends a text: put it into quotes"
                                : "");
    line->rest = value->as.string;
    skip_style(line);
    return ET_OK;
}

/* One byte of the text, and what it is in the file: a blank may be a new line there. Where the two
 * differ (an escape in quotes), the place stays behind. */
static void skip(struct et__line *line)
{
    const char c = line->rest.p[0];
    line->rest.p++;
    line->rest.n--;
    if (is_blank(c))
        return;
    skip_source_blanks(line);
    if (line->source.n > 0 && line->source.p[0] == c)
        skip_source(line);
    else
        line->source.n = 0;
}

/* ---- words ---- */

struct et__word et__line_next(struct et__line *line)
{
    while (line->rest.n > 0 && is_blank(line->rest.p[0]))
        skip(line);
    struct et__word word = {{line->rest.p, 0}, line->place};
    if (line->rest.n == 0)
        return word;
    skip_source_blanks(line);
    word.place = line->place;
    while (line->rest.n > 0 && !is_blank(line->rest.p[0])) {
        skip(line);
        word.text.n++;
    }
    return word;
}

struct et__word et__line_peek(const struct et__line *line)
{
    struct et__line ahead = *line;
    return et__line_next(&ahead);
}

const char *et__line_between(const struct et__line *line, struct et__word first,
                             struct et__word behind)
{
    const struct et_str text = {first.text.p, (size_t)(behind.text.p - first.text.p)};
    const struct et_str trimmed = et_str_trim(text);
    return et_arena_copy(line->r->arena, trimmed.p, trimmed.n);
}

static struct et_str cut(struct et_str text)
{
    return (struct et_str){text.p, text.n > WORD_BYTES ? WORD_BYTES : text.n};
}

enum et_status et__line_bad(const struct et__line *line, struct et__word word, const char *what,
                            const char *const *words)
{
    const char *nearest = words ? et_str_nearest(word.text, words) : NULL;
    if (word.text.n == 0)
        return et_yaml_fail(line->r->err, line->r->path, word.place,
                            "%s is expected, here the line ends", what);
    return et_yaml_fail(line->r->err, line->r->path, word.place,
                        "%s is expected, not \"%.*s\"%s%s%s", what, ET_STR_ARG(cut(word.text)),
                        nearest ? "; the nearest is \"" : "", nearest ? nearest : "",
                        nearest ? "\"" : "");
}

enum et_status et__line_choice(struct et__line *line, const char *what, const char *const *words,
                               size_t *i)
{
    const struct et__word word = et__line_next(line);
    for (*i = 0; words[*i]; ++*i)
        if (et_str_is(word.text, words[*i]))
            return ET_OK;
    return et__line_bad(line, word, what, words);
}

enum et_status et__line_number(struct et__line *line, const struct et__range *range, double *value)
{
    const struct et__word word = et__line_next(line);
    const bool is_number = et_str_to_double(word.text, value);
    if (is_number && *value >= range->least && *value <= range->most)
        return ET_OK;
    if (!is_number || !isfinite(*value))
        return et__line_bad(line, word, range->what, NULL);
    return et_yaml_fail(line->r->err, line->r->path, word.place,
                        "%s must be between %g and %g, is %g", range->what, range->least,
                        range->most, *value);
}

bool et__is_scene_name(struct et_str name)
{
    return et_name_is_own(name) && name.p[0] >= 'a' && name.p[0] <= 'z';
}

enum et_status et__line_name(struct et__line *line, const char *what, const char *const *words,
                             struct et__name *name)
{
    const struct et__word word = et__line_next(line);
    bool is_word = false;
    for (; words && *words; words++)
        is_word = is_word || et_str_is(word.text, *words);
    if (!et__is_scene_name(word.text) || is_word)
        return et__line_bad(line, word, what, NULL);
    name->text = et_arena_copy(line->r->arena, word.text.p, word.text.n);
    name->place = word.place;
    return name->text ? ET_OK : et__skill_memory(line->r);
}

enum et_status et__line_end(struct et__line *line)
{
    const struct et__word word = et__line_next(line);
    if (word.text.n == 0)
        return ET_OK;
    return et_yaml_fail(line->r->err, line->r->path, word.place,
                        "the line should end before \"%.*s\"", ET_STR_ARG(cut(word.text)));
}
