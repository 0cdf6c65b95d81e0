#include "etude/finding.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

// A sentence longer than this is cut: findings are read by persons.
#define TEXT_BYTES_MAX 1024
#define FIRST_CAP 16
#define NS_PER_S 1e9
// Seconds whose nanoseconds an int64_t holds.
#define SECONDS_MAX 9.2e9

static const char *const SEVERITIES[ET_N_SEVERITIES] = {
    [ET_SEVERITY_INFO] = "info",
    [ET_SEVERITY_WARN] = "warn",
    [ET_SEVERITY_ERROR] = "error",
};

const char *et_severity_text(enum et_severity severity)
{
    assert((unsigned)severity < ET_N_SEVERITIES);
    return SEVERITIES[severity];
}

bool et_severity_parse(const char *text, enum et_severity *severity)
{
    assert(severity);
    for (size_t i = 0; text && i < ET_N_SEVERITIES; i++) {
        if (strcmp(text, SEVERITIES[i]) == 0) {
            *severity = (enum et_severity)i;
            return true;
        }
    }
    return false;
}

static enum et_status make_room(struct et_findings *list, struct et_err *err)
{
    if (list->n < list->cap)
        return ET_OK;
    const size_t cap = list->cap ? 2 * list->cap : FIRST_CAP;
    struct et_finding *items = et_arena_array(list->arena, cap, sizeof *items);
    if (!items)
        return et_arena_fail(list->arena, "the list of findings", err);
    if (list->n > 0)
        memcpy(items, list->items, list->n * sizeof *items);
    list->items = items;
    list->cap = cap;
    return ET_OK;
}

/* Bytes of a text that was cut at n, without a character's beginning whose rest was cut off. */
static size_t whole_characters(const char *text, size_t n)
{
    size_t i = n;
    while (i > 0 && n - i < 3 && ((unsigned char)text[i - 1] & 0xC0) == 0x80)
        i--;
    return i > 0 && (unsigned char)text[i - 1] >= 0xC0 ? i - 1 : n;
}

enum et_status et_findings_add(struct et_findings *list, const struct et_finding *finding,
                               struct et_err *err, const char *fmt, ...)
{
    assert(list && list->arena && finding && finding->kind && fmt);
    assert((unsigned)finding->severity < ET_N_SEVERITIES);
    if (list->n >= ET_FINDINGS_MAX) {
        list->n_dropped++;
        return ET_OK;
    }

    char text[TEXT_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    const int n_wanted = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t n = n_wanted < 0 ? 0 : (size_t)n_wanted;
    if (n >= sizeof text)
        n = whole_characters(text, sizeof text - 1);

    const enum et_status st = make_room(list, err);
    if (st != ET_OK)
        return st;
    const char *kept = et_arena_copy(list->arena, text, n);
    if (!kept)
        return et_arena_fail(list->arena, "the text of a finding", err);
    list->items[list->n] = *finding;
    list->items[list->n].text = kept;
    if (!finding->unit)
        list->items[list->n].unit = "";
    list->n++;
    return ET_OK;
}

struct et_findings_count et_findings_count(const struct et_finding *findings, size_t n)
{
    struct et_findings_count count = {.worst = -1};
    for (size_t i = 0; i < n; i++) {
        const int severity = (int)findings[i].severity;
        count.n[severity]++;
        if (severity > count.worst)
            count.worst = severity;
    }
    return count;
}

static void put_time(struct et_json_writer *w, const char *key, int64_t t_ns, bool has_time)
{
    et_json_put_real(w, key, has_time ? (double)t_ns / NS_PER_S : (double)NAN);
}

void et_finding_json(struct et_json_writer *w, const struct et_finding *finding)
{
    const bool has_time = finding->t_first_ns != ET_FINDING_WHOLE;

    et_json_open_map(w);
    et_json_put_text(w, "kind", finding->kind);
    et_json_put_text(w, "severity", et_severity_text(finding->severity));
    et_json_put_text(w, "stream", finding->stream);
    put_time(w, "from_s", finding->t_first_ns, has_time);
    put_time(w, "to_s", finding->t_last_ns, has_time);
    et_json_put_real(w, "value", finding->value);
    et_json_put_real(w, "threshold", finding->threshold);
    et_json_put_text(w, "unit", finding->unit ? finding->unit : "");
    et_json_put_text(w, "text", finding->text);
    et_json_close_map(w);
}

/* What reading a finding's members needs, so that each member is one line. */
struct reader {
    const struct et_value *map;
    struct et_arena *arena;
    struct et_err *err;
};

static enum et_status bad_member(const struct reader *r, const struct et_value *member,
                                 const char *key, const char *wanted)
{
    const struct et_value *place = member ? member : r->map;
    const int64_t at = place->line > 0 ? place->line : -1;
    if (!member)
        return et_fail(r->err, ET_ECORRUPT, at, "a finding has no \"%s\"", key);
    return et_fail(r->err, ET_ECORRUPT, at, "\"%s\" of a finding must be %s, is %s", key, wanted,
                   et_value_kind_text(member->kind));
}

static enum et_status read_text(const struct reader *r, const char *key, bool may_be_null,
                                const char **text)
{
    const struct et_value *member = et_value_get(r->map, key);
    *text = NULL;
    if (member && member->kind == ET_VALUE_NULL && may_be_null)
        return ET_OK;
    if (!member || member->kind != ET_VALUE_STRING)
        return bad_member(r, member, key, may_be_null ? "a string or null" : "a string");
    *text = et_arena_copy(r->arena, member->as.string.p, member->as.string.n);
    return *text ? ET_OK : et_arena_fail(r->arena, "a finding", r->err);
}

static enum et_status read_real(const struct reader *r, const char *key, double *value)
{
    const struct et_value *member = et_value_get(r->map, key);
    *value = (double)NAN;
    if (member && member->kind == ET_VALUE_NULL)
        return ET_OK;
    if (!et_value_is_number(member))
        return bad_member(r, member, key, "a number or null");
    *value = et_value_real(member, (double)NAN);
    return ET_OK;
}

static enum et_status read_time(const struct reader *r, const char *key, int64_t *t_ns)
{
    double t_s = (double)NAN;
    const enum et_status st = read_real(r, key, &t_s);
    if (st != ET_OK)
        return st;
    if (fabs(t_s) > SECONDS_MAX)
        return et_fail(r->err, ET_ECORRUPT, -1, "\"%s\" of a finding is %g s, beyond any clock",
                       key, t_s);
    *t_ns = isnan(t_s) ? ET_FINDING_WHOLE : (int64_t)llround(t_s * NS_PER_S);
    return ET_OK;
}

enum et_status et_finding_from_json(const struct et_value *value, struct et_arena *arena,
                                    struct et_finding *finding, struct et_err *err)
{
    assert(value && arena && finding);
    const struct reader r = {value, arena, err};
    struct et_finding f = {0};
    const char *severity = NULL;
    enum et_status st;

    if (value->kind != ET_VALUE_MAP)
        return et_fail(err, ET_ECORRUPT, value->line > 0 ? value->line : -1,
                       "a finding must be a map, is %s", et_value_kind_text(value->kind));
    if ((st = read_text(&r, "kind", false, &f.kind)) != ET_OK ||
        (st = read_text(&r, "severity", false, &severity)) != ET_OK ||
        (st = read_text(&r, "stream", true, &f.stream)) != ET_OK ||
        (st = read_time(&r, "from_s", &f.t_first_ns)) != ET_OK ||
        (st = read_time(&r, "to_s", &f.t_last_ns)) != ET_OK ||
        (st = read_real(&r, "value", &f.value)) != ET_OK ||
        (st = read_real(&r, "threshold", &f.threshold)) != ET_OK ||
        (st = read_text(&r, "unit", false, &f.unit)) != ET_OK ||
        (st = read_text(&r, "text", false, &f.text)) != ET_OK)
        return st;
    if (!et_severity_parse(severity, &f.severity))
        return et_fail(err, ET_ECORRUPT, -1,
                       "\"severity\" of a finding is \"%.40s\", not info, warn or error", severity);
    *finding = f;
    return ET_OK;
}
