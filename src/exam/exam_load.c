/* An exam's file, and its map in ledgers and diplomas. */
#include "etude/exam.h"

#include "etude/file.h"
#include "etude/world.h"
#include "etude/yaml.h"

#include <assert.h>
#include <math.h>

#define EXAM_BYTES_MAX ((size_t)64 << 10)
#define TARGET 1.5 // times what a person needs, where nothing is said

static const struct et_share_kind EXAMS = {.folder = "exams", .suffix = ".yaml", .what = "exam"};

static const char *const KINDS[] = {"optimal", "evidence", "ratio", NULL};

// clang-format off
static const struct et_schema VERSION = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1};
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema SKILLS = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_min = 1, .n_max = ET_EXAM_SKILLS_MAX};
static const struct et_schema WEIGHT = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0, .max = 1e6};
static const struct et_schema SHARE = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 1e-6, .max = 1 - 1e-6};
static const struct et_schema TRIALS = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = ET_EXAM_TRIALS_MAX};
static const struct et_schema TIMES = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.1, .max = 100};
static const struct et_schema LIMIT = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 1e-3, .max = 1e6};
static const struct et_schema KIND = {.type = ET_SCHEMA_STRING, .choices = KINDS};

static const struct et_schema_field TIERS_FIELDS[] = {
    {"controlled", &WEIGHT, false},
    {"displaced",  &WEIGHT, false},
    {"varied",     &WEIGHT, false},
    {"cluttered",  &WEIGHT, false},
    {"disturbed",  &WEIGHT, false},
    {NULL,         NULL,    false},
};
static const struct et_schema TIERS = {.type = ET_SCHEMA_MAP, .fields = TIERS_FIELDS};

static const struct et_schema_field RULE_FIELDS[] = {
    {"kind",   &KIND,   false},
    {"share",  &SHARE,  false},
    {"error",  &SHARE,  false},
    {"better", &SHARE,  false},
    {"miss",   &SHARE,  false},
    {"trials", &TRIALS, false},
    {NULL,     NULL,    false},
};
static const struct et_schema RULE = {.type = ET_SCHEMA_MAP, .fields = RULE_FIELDS};

static const struct et_schema_field TIME_FIELDS[] = {
    {"limit",  &TIMES, false},
    {"target", &TIMES, false},
    {"score",  &SHARE, false},
    {NULL,     NULL,   false},
};
static const struct et_schema TIME = {.type = ET_SCHEMA_MAP, .fields = TIME_FIELDS};

static const struct et_schema_field SAFETY_FIELDS[] = {
    {"hand_n",    &LIMIT, false},
    {"body_n",    &LIMIT, false},
    {"speed_m_s", &LIMIT, false},
    {NULL,        NULL,   false},
};
static const struct et_schema SAFETY = {.type = ET_SCHEMA_MAP, .fields = SAFETY_FIELDS};

static const struct et_schema_field EXAM_FIELDS[] = {
    {"exam",   &VERSION, true},
    {"title",  &TEXT,    true},
    {"text",   &TEXT,    false},
    {"skills", &SKILLS,  false},
    {"tiers",  &TIERS,   false},
    {"rule",   &RULE,    false},
    {"time",   &TIME,    false},
    {"safety", &SAFETY,  false},
    {NULL,     NULL,     false},
};
static const struct et_schema EXAM = {.type = ET_SCHEMA_MAP, .fields = EXAM_FIELDS};

// And as ledgers and diplomas have it.
static const struct et_schema NUMBER = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 1e-3, .max = 1e6};
static const struct et_schema_field SKILL_FIELDS[] = {
    {"id",      &TEXT,   true},
    {"digest",  &TEXT,   true},
    {"world",   &TEXT,   true},
    {"limit_s", &NUMBER, true},
    {"human_s", &NUMBER, true},
    {NULL,      NULL,    false},
};
static const struct et_schema SKILL = {.type = ET_SCHEMA_MAP, .fields = SKILL_FIELDS};
static const struct et_schema SKILL_MAPS = {
    .type = ET_SCHEMA_LIST, .items = &SKILL, .n_min = 1, .n_max = ET_EXAM_SKILLS_MAX};
static const struct et_schema_field MAP_FIELDS[] = {
    {"exam",   &VERSION,    true},
    {"id",     &TEXT,       true},
    {"title",  &TEXT,       true},
    {"robot",  &TEXT,       true},
    {"skills", &SKILL_MAPS, true},
    {"tiers",  &TIERS,      true},
    {"rule",   &RULE,       true},
    {"time",   &TIME,       true},
    {"safety", &SAFETY,     true},
    {NULL,     NULL,        false},
};
static const struct et_schema MAP = {.type = ET_SCHEMA_MAP, .fields = MAP_FIELDS};
// clang-format on

/* ---- reading a map, of YAML or of JSON ---- */

static double number(const struct et_value *map, const char *key, double otherwise)
{
    return et_value_real(et_value_get(map, key), otherwise);
}

static void read_rule(const struct et_value *map, struct et_exam_rule_options *rule)
{
    const char *kind = et_value_text(et_value_get(map, "kind"), KINDS[0]);
    *rule = et_exam_rule_options();
    for (int i = 0; KINDS[i]; i++)
        if (strcmp(kind, KINDS[i]) == 0)
            rule->kind = (enum et_exam_rule_kind)i;
    rule->p0 = number(map, "share", rule->p0);
    rule->alpha = number(map, "error", rule->alpha);
    rule->p1 = number(map, "better", rule->p1);
    rule->beta = number(map, "miss", rule->beta);
    rule->trials_max = (int)et_value_int(et_value_get(map, "trials"), rule->trials_max);
}

/* False: no tier has any. */
static bool read_weights(const struct et_value *map, double weights[ET_N_TIERS])
{
    double sum = 0;
    for (int i = 0; i < ET_N_TIERS; i++) {
        weights[i] = map ? number(map, et_tier_name((enum et_tier)i), 0) : i == ET_TIER_CONTROLLED;
        sum += weights[i];
    }
    return sum > 0;
}

static const char *text_of(const struct et_value *map, const char *key, struct et_arena *arena)
{
    const char *text = et_value_text(et_value_get(map, key), NULL);
    return text ? et_arena_copy(arena, text, strlen(text)) : NULL;
}

static enum et_status read_skills(const struct et_value *list, struct et_arena *arena,
                                  struct et_exam *exam, struct et_err *err)
{
    const size_t n = et_value_count(list);
    const char **skills = et_arena_array(arena, n, sizeof *skills);
    exam->skills = skills;
    exam->n_skills = n;
    for (size_t i = 0; skills && i < n; i++) {
        const struct et_value *item = et_value_at(list, i);
        skills[i] =
            item->kind == ET_VALUE_MAP ? text_of(item, "id", arena) : et_value_text(item, NULL);
        for (size_t k = 0; skills[i] && k < i; k++)
            if (strcmp(skills[i], skills[k]) == 0)
                return et_fail(err, ET_ECORRUPT, item->line, "skill %.60s stands there twice",
                               skills[i]);
        if (!skills[i])
            return et_fail(err, ET_ECORRUPT, item->line, "skill %zu has no name", i);
    }
    return skills ? ET_OK : et_arena_fail(arena, "the exam's skills", err);
}

static enum et_status read_exam(const struct et_value *doc, struct et_arena *arena,
                                struct et_exam *exam, struct et_err *err)
{
    const struct et_value *time = et_value_get(doc, "time");
    const struct et_value *safety = et_value_get(doc, "safety");
    exam->title = text_of(doc, "title", arena);
    exam->text = text_of(doc, "text", arena);
    exam->limit = number(time, "limit", 0);
    exam->target = number(time, "target", TARGET);
    exam->score = number(time, "score", 0);
    exam->safety = (struct et_exam_safety){
        .hand_n = number(safety, "hand_n", (double)INFINITY),
        .body_n = number(safety, "body_n", (double)INFINITY),
        .speed_m_s = number(safety, "speed_m_s", (double)INFINITY),
    };
    read_rule(et_value_get(doc, "rule"), &exam->rule);
    if (!exam->title)
        return et_arena_fail(arena, "the exam", err);
    const enum et_status named = et_name_check(et_str(exam->title), "an exam's title", err);
    if (named != ET_OK)
        return named;
    if (!read_weights(et_value_get(doc, "tiers"), exam->weights))
        return et_fail(err, ET_ECORRUPT, -1, "no tier has any weight");
    enum et_status st = et_exam_rule_check(&exam->rule, err);
    if (st == ET_EARG)
        st = et_fail(err, ET_ECORRUPT, -1, "rule: %s", err ? err->text : "");
    if (st == ET_OK)
        st = read_skills(et_value_get(doc, "skills"), arena, exam, err);
    return st;
}

/* ---- files ---- */

static const char *id_of(const char *path, struct et_arena *arena)
{
    struct et_str base = et_str(et_path_base(path));
    if (et_str_ends(base, EXAMS.suffix))
        base.n -= strlen(EXAMS.suffix);
    return et_arena_copy(arena, base.p, base.n);
}

static enum et_status read_file(const char *path, struct et_arena *arena, struct et_exam *exam,
                                struct et_err *err)
{
    const struct et_value *doc = NULL;
    struct et_err why = {0};
    enum et_status st = et_yaml_read(path, EXAM_BYTES_MAX, arena, &doc, err);
    if (st == ET_OK)
        st = et_schema_check(doc, &EXAM, path, err);
    if (st != ET_OK)
        return st;
    exam->path = et_arena_copy(arena, path, strlen(path));
    exam->id = id_of(path, arena);
    if (!exam->path || !exam->id)
        return et_arena_fail(arena, "the exam", err);
    st = read_exam(doc, arena, exam, &why);
    if (st != ET_OK && why.at > 0)
        return et_fail(err, st, why.at, "%s:%lld: %s", path, (long long)why.at, why.text);
    return st == ET_OK ? ET_OK : et_fail(err, st, -1, "%s: %s", path, why.text);
}

enum et_status et_exam_load(const char *wanted, struct et_arena *arena, const struct et_exam **exam,
                            struct et_err *err)
{
    assert(wanted && arena && exam);
    const struct et_arena_mark mark = et_arena_mark(arena);
    const bool is_path = strchr(wanted, '/') || et_str_ends(et_str(wanted), EXAMS.suffix);
    const char *path = wanted;
    *exam = NULL;
    struct et_exam *read = et_arena_alloc(arena, sizeof *read);
    enum et_status st = read ? ET_OK : et_arena_fail(arena, "the exam", err);
    if (st == ET_OK && !is_path)
        st = et_share_find(&EXAMS, wanted, arena, &path, err);
    if (st == ET_OK)
        st = read_file(path, arena, read, err);
    if (st == ET_OK)
        *exam = read;
    else
        et_arena_rewind(arena, mark);
    return st;
}

enum et_status et_exam_list(struct et_arena *arena, const struct et_share_file **exams,
                            size_t *n_exams, struct et_err *err)
{
    return et_share_list(&EXAMS, arena, exams, n_exams, err);
}

/* ---- maps ---- */

static void put_limit(struct et_json_writer *w, const char *key, double value)
{
    if (isfinite(value) && value > 0)
        et_json_put_real(w, key, value);
}

static void put_settings(struct et_json_writer *w, const struct et_exam *exam)
{
    et_json_put_int(w, "exam", 1);
    et_json_put_text(w, "id", exam->id);
    et_json_put_text(w, "title", exam->title);
    et_json_key(w, "tiers");
    et_json_open_map(w);
    for (int i = 0; i < ET_N_TIERS; i++)
        put_limit(w, et_tier_name((enum et_tier)i), exam->weights[i]);
    et_json_close_map(w);
    et_json_key(w, "rule");
    et_json_open_map(w);
    et_json_put_text(w, "kind", KINDS[exam->rule.kind]);
    et_json_put_real(w, "share", exam->rule.p0);
    et_json_put_real(w, "error", exam->rule.alpha);
    et_json_put_real(w, "better", exam->rule.p1);
    et_json_put_real(w, "miss", exam->rule.beta);
    et_json_put_int(w, "trials", exam->rule.trials_max);
    et_json_close_map(w);
    et_json_key(w, "time");
    et_json_open_map(w);
    put_limit(w, "limit", exam->limit);
    put_limit(w, "target", exam->target);
    put_limit(w, "score", exam->score);
    et_json_close_map(w);
    et_json_key(w, "safety");
    et_json_open_map(w);
    put_limit(w, "hand_n", exam->safety.hand_n);
    put_limit(w, "body_n", exam->safety.body_n);
    put_limit(w, "speed_m_s", exam->safety.speed_m_s);
    et_json_close_map(w);
}

enum et_status et_exam_put(struct et_json_writer *w, const struct et_exam *exam, const char *robot,
                           struct et_err *err)
{
    struct et_arena *arena = NULL;
    enum et_status st = et_arena_open(&arena, (size_t)64 << 20, err);
    et_json_open_map(w);
    put_settings(w, exam);
    et_json_put_text(w, "robot", robot);
    et_json_key(w, "skills");
    et_json_open_list(w);
    for (size_t i = 0; st == ET_OK && i < exam->n_skills; i++) {
        const struct et_skill *skill = NULL;
        struct et_digest digest, world;
        char text[2 * ET_BLAKE2B_BYTES + 1];
        st = et_skill_load(exam->skills[i], arena, &skill, err);
        if (st == ET_OK)
            st = et_world_digest(
                &(struct et_world_options){.skill = exam->skills[i], .robot = robot}, &world, err);
        if (st != ET_OK)
            break;
        memcpy(digest.bytes, skill->digest, sizeof digest.bytes);
        et_digest_text(&digest, text);
        et_json_open_map(w);
        et_json_put_text(w, "id", skill->id);
        et_json_put_text(w, "digest", text);
        et_digest_text(&world, text);
        et_json_put_text(w, "world", text);
        et_json_put_real(w, "limit_s", skill->limit_s);
        et_json_put_real(w, "human_s", skill->human_s);
        et_json_close_map(w);
    }
    et_json_close_list(w);
    et_json_close_map(w);
    et_arena_close(arena);
    return st;
}

enum et_status et_exam_take(const struct et_value *map, struct et_arena *arena,
                            const struct et_exam **exam, struct et_err *err)
{
    *exam = NULL;
    enum et_status st = et_schema_check(map, &MAP, NULL, err);
    struct et_exam *read = st == ET_OK ? et_arena_alloc(arena, sizeof *read) : NULL;
    if (st == ET_OK && !read)
        return et_arena_fail(arena, "the exam", err);
    if (st == ET_OK)
        st = read_exam(map, arena, read, err);
    if (st != ET_OK)
        return st;
    read->id = text_of(map, "id", arena);
    const char *robot = text_of(map, "robot", arena);
    if (!read->id || !robot)
        return et_arena_fail(arena, "the exam", err);
    st = et_name_check(et_str(read->id), "an exam's id", err);
    if (st == ET_OK)
        st = et_name_check(et_str(robot), "a robot's name", err);
    if (st != ET_OK)
        return st;
    double *human_s = et_arena_array(arena, read->n_skills, sizeof *human_s);
    if (!read->id || !human_s)
        return et_arena_fail(arena, "the exam", err);
    for (size_t i = 0; i < read->n_skills; i++)
        human_s[i] = number(et_value_at(et_value_get(map, "skills"), i), "human_s", 0);
    read->human_s = human_s;
    *exam = read;
    return ET_OK;
}
