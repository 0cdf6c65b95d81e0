#include "etude/grading.h"

#include "etude/file.h"
#include "etude/hash.h"
#include "etude/share.h"
#include "etude/yaml.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SUFFIX ".yaml"
#define DEFAULT_NAME "default"
#define GRADING_BYTES_MAX ((size_t)1 << 20)
#define RULES_MAX 1000
#define ANY_KIND "*"
#define REASON_BYTES 400

/* ---- the schema ---- */

// clang-format off
static const char *const SEVERITIES[] = {"info", "warn", "error", NULL};
static const char *const VERDICTS[] = {"keep", "warn", "reject", NULL};

static const struct et_schema VERSION = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1};
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema FLAG = {.type = ET_SCHEMA_BOOL};
static const struct et_schema NUMBER = {.type = ET_SCHEMA_REAL};
static const struct et_schema COUNT = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1e6};
static const struct et_schema SEVERITY = {.type = ET_SCHEMA_STRING, .choices = SEVERITIES};
static const struct et_schema VERDICT = {.type = ET_SCHEMA_STRING, .choices = VERDICTS};
static const struct et_schema KINDS = {.type = ET_SCHEMA_LIST, .items = &TEXT};
static const struct et_schema PARAMETERS_OF = {.type = ET_SCHEMA_DICT, .items = &NUMBER};
static const struct et_schema PARAMETERS = {.type = ET_SCHEMA_DICT, .items = &PARAMETERS_OF};

static const struct et_schema_field INSPECT_FIELDS[] = {
    {"off",        &KINDS,      false},
    {"videos",     &FLAG,       false},
    {"parameters", &PARAMETERS, false},
    {NULL,         NULL,        false},
};
static const struct et_schema INSPECT = {.type = ET_SCHEMA_MAP, .fields = INSPECT_FIELDS};

static const struct et_schema_field RULE_FIELDS[] = {
    {"kind",     &TEXT,     true},
    {"severity", &SEVERITY, false},
    {"above",    &NUMBER,   false},
    {"count",    &COUNT,    false},
    {"verdict",  &VERDICT,  true},
    {NULL,       NULL,      false},
};
static const struct et_schema RULE = {.type = ET_SCHEMA_MAP, .fields = RULE_FIELDS};
static const struct et_schema RULES = {.type = ET_SCHEMA_LIST, .items = &RULE, .n_max = RULES_MAX};

static const struct et_schema_field GRADING_FIELDS[] = {
    {"grading",  &VERSION, true},
    {"name",    &TEXT,    true},
    {"text",    &TEXT,    false},
    {"inspect", &INSPECT, false},
    {"rules",   &RULES,   true},
    {NULL,      NULL,     false},
};
static const struct et_schema GRADING = {.type = ET_SCHEMA_MAP, .fields = GRADING_FIELDS};
// clang-format on

/* ---- reading ---- */

struct reader {
    const char *path;
    struct et_arena *arena;
    struct et_grading *grading;
    struct et_err *err;
};

static enum et_status out_of_memory(const struct reader *r)
{
    return et_arena_fail(r->arena, "the grading", r->err);
}

/* The inspector that a text names; its kind is a static string, which outlives any grading. */
static enum et_status read_kind(const struct reader *r, const struct et_value *value,
                                const char *name, const char **kind)
{
    const struct et_inspector *inspector = et_inspector_find(name);
    if (!inspector)
        return et_yaml_fail(r->err, r->path, et_value_place(value),
                            "no inspector is called \"%.64s\"", name);
    *kind = inspector->kind;
    return ET_OK;
}

static enum et_status read_off(const struct reader *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    const char **kinds = et_arena_array(r->arena, n, sizeof *kinds);
    enum et_status st = kinds ? ET_OK : out_of_memory(r);
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        const struct et_value *value = et_value_at(list, i);
        st = read_kind(r, value, et_value_text(value, ""), &kinds[i]);
    }
    r->grading->settings.kinds_off = kinds;
    r->grading->settings.n_kinds_off = n;
    return st;
}

static enum et_status read_parameter(const struct reader *r, const struct et_value *value,
                                     const struct et_inspector *inspector, struct et_str key,
                                     struct et_inspect_setting *item)
{
    for (const struct et_inspect_param *p = inspector->params; p->name; p++) {
        if (!et_str_is(key, p->name))
            continue;
        *item = (struct et_inspect_setting){inspector->kind, p->name,
                                            et_value_real(value, (double)NAN)};
        if (isfinite(item->value))
            return ET_OK;
        return et_yaml_fail(r->err, r->path, et_value_place(value), "%s.%s must be a finite number",
                            inspector->kind, p->name);
    }
    return et_yaml_fail(r->err, r->path, et_value_place(value),
                        "the inspector \"%s\" has no parameter \"%.64s\"", inspector->kind, key.p);
}

static enum et_status read_parameters(const struct reader *r, const struct et_value *dict)
{
    size_t n = 0, used = 0;
    for (size_t i = 0; i < et_value_count(dict); i++)
        n += et_value_count(et_value_at(dict, i));
    struct et_inspect_setting *items = et_arena_array(r->arena, n, sizeof *items);
    enum et_status st = items ? ET_OK : out_of_memory(r);

    for (size_t i = 0; i < et_value_count(dict) && st == ET_OK; i++) {
        const struct et_value *of = et_value_at(dict, i);
        const char *kind = NULL;
        st = read_kind(r, of, dict->as.many.keys[i].p, &kind);
        for (size_t k = 0; k < et_value_count(of) && st == ET_OK; k++)
            st = read_parameter(r, et_value_at(of, k), et_inspector_find(kind), of->as.many.keys[k],
                                &items[used++]);
    }
    r->grading->settings.items = items;
    r->grading->settings.n_items = used;
    return st;
}

static enum et_verdict verdict_of(const char *text)
{
    size_t i = 0;
    while (VERDICTS[i] && strcmp(VERDICTS[i], text) != 0)
        i++;
    assert(VERDICTS[i]); // the schema allows no other
    return (enum et_verdict)i;
}

static enum et_status read_rule(const struct reader *r, const struct et_value *value,
                                struct et_grading_rule *rule)
{
    const struct et_value *kind = et_value_get(value, "kind");
    *rule = (struct et_grading_rule){
        .kind = ANY_KIND,
        .above = et_value_real(et_value_get(value, "above"), (double)NAN),
        .count = (size_t)et_value_int(et_value_get(value, "count"), 1),
        .verdict = verdict_of(et_value_text(et_value_get(value, "verdict"), "")),
        .line = value->line,
    };
    (void)et_severity_parse(et_value_text(et_value_get(value, "severity"), "info"),
                            &rule->severity);
    const char *name = et_value_text(kind, "");
    return strcmp(name, ANY_KIND) == 0 ? ET_OK : read_kind(r, kind, name, &rule->kind);
}

static enum et_status read_rules(const struct reader *r, const struct et_value *list)
{
    const size_t n = et_value_count(list);
    struct et_grading_rule *rules = et_arena_array(r->arena, n, sizeof *rules);
    enum et_status st = rules ? ET_OK : out_of_memory(r);
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = read_rule(r, et_value_at(list, i), &rules[i]);
    r->grading->rules = rules;
    r->grading->n_rules = n;
    return st;
}

static enum et_status read_document(const struct reader *r, const struct et_value *doc)
{
    struct et_err inner = {0};
    enum et_status st = et_schema_check(doc, &GRADING, r->path, r->err);
    if (st != ET_OK)
        return st;

    const struct et_value *inspect = et_value_get(doc, "inspect");
    const struct et_value *name = et_value_get(doc, "name");
    if (et_name_check(name->as.string, "a grading's name", &inner) != ET_OK)
        return et_yaml_fail(r->err, r->path, et_value_place(name), "%s", inner.text);
    r->grading->name = et_value_text(name, "");
    r->grading->settings.skip_videos = !et_value_bool(et_value_get(inspect, "videos"), true);
    st = read_off(r, et_value_get(inspect, "off"));
    if (st == ET_OK)
        st = read_parameters(r, et_value_get(inspect, "parameters"));
    return st == ET_OK ? read_rules(r, et_value_get(doc, "rules")) : st;
}

static enum et_status load_file(const char *path, struct et_arena *arena,
                                const struct et_grading **grading, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    const struct et_value *doc = NULL;
    struct reader r = {.path = path, .arena = arena, .err = err};
    struct et_str text;

    enum et_status st = et_file_read(path, GRADING_BYTES_MAX, arena, &text, err);
    if (st == ET_OK)
        st = et_yaml_parse(text, path, arena, &doc, err);
    if (st == ET_OK) {
        r.grading = et_arena_alloc(arena, sizeof *r.grading);
        if (!r.grading || !(r.grading->path = et_arena_copy(arena, path, strlen(path))))
            st = out_of_memory(&r);
    }
    if (st == ET_OK) {
        const struct et_digest digest = et_blake2b(text.p, text.n);
        memcpy(r.grading->digest, digest.bytes, sizeof r.grading->digest);
        st = read_document(&r, doc);
    }
    if (st != ET_OK) {
        et_arena_rewind(arena, mark);
        return st;
    }
    *grading = r.grading;
    return ET_OK;
}

/* ---- finding ---- */

enum et_status et_grading_load(const char *wanted, struct et_arena *arena,
                               const struct et_grading **grading, struct et_err *err)
{
    static const struct et_share_kind GRADINGS = {
        .folder = "grading", .suffix = SUFFIX, .what = "grading"};

    assert(arena && grading);
    *grading = NULL;
    wanted = wanted ? wanted : DEFAULT_NAME;
    if (strchr(wanted, '/') || et_str_ends(et_str(wanted), SUFFIX))
        return load_file(wanted, arena, grading, err);
    const char *path;
    const enum et_status st = et_share_find(&GRADINGS, wanted, arena, &path, err);
    return st == ET_OK ? load_file(path, arena, grading, err) : st;
}

/* ---- grading ---- */

static bool matches(const struct et_grading_rule *rule, const struct et_finding *finding)
{
    if (strcmp(rule->kind, ANY_KIND) != 0 && strcmp(rule->kind, finding->kind) != 0)
        return false;
    if (finding->severity < rule->severity)
        return false;
    return isnan(rule->above) || finding->value >= rule->above;
}

/* The first rule that matches a finding, of those that match as many findings as they ask for. */
static enum et_verdict verdict_on(const struct et_grading *grading, const size_t *n_matches,
                                  const struct et_finding *finding)
{
    for (size_t i = 0; i < grading->n_rules; i++)
        if (n_matches[i] >= grading->rules[i].count && matches(&grading->rules[i], finding))
            return grading->rules[i].verdict;
    return ET_VERDICT_KEEP;
}

static const char *reason_of(const struct et_finding *findings, const size_t *i_findings, size_t n,
                             struct et_arena *arena)
{
    const struct et_finding *first = &findings[i_findings[0]];
    const char *text = first->text ? first->text : "";
    if (n == 1)
        return et_arena_printf(arena, "%s: %.*s", first->kind, REASON_BYTES, text);
    return et_arena_printf(arena, "%s: %.*s; and %zu more", first->kind, REASON_BYTES, text, n - 1);
}

enum et_status et_grading_apply(const struct et_grading *grading, const struct et_finding *findings,
                                size_t n_findings, struct et_arena *arena, struct et_grade *grade,
                                struct et_err *err)
{
    assert(grading && arena && grade && (findings || n_findings == 0));
    size_t *n_matches = et_arena_array(arena, grading->n_rules, sizeof *n_matches);
    size_t *i_findings = et_arena_array(arena, n_findings, sizeof *i_findings);
    if (!n_matches || !i_findings)
        return et_arena_fail(arena, "a grade", err);

    for (size_t r = 0; r < grading->n_rules; r++)
        for (size_t i = 0; i < n_findings; i++)
            n_matches[r] += matches(&grading->rules[r], &findings[i]);
    *grade = (struct et_grade){.grading = grading->name, .i_findings = i_findings, .reason = ""};
    for (size_t i = 0; i < n_findings; i++) {
        const enum et_verdict verdict = verdict_on(grading, n_matches, &findings[i]);
        if (verdict == ET_VERDICT_KEEP || verdict < grade->verdict)
            continue;
        if (verdict > grade->verdict) {
            grade->verdict = verdict;
            grade->n_findings = 0;
        }
        i_findings[grade->n_findings++] = i;
    }
    if (grade->n_findings > 0)
        grade->reason = reason_of(findings, i_findings, grade->n_findings, arena);
    return grade->reason ? ET_OK : et_arena_fail(arena, "a grade's reason", err);
}
