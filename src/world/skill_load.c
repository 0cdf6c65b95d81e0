/* The folder of a skill, and the keys of its file; the sentences are read in the files beside. */
#include "etude/file.h"
#include "etude/hash.h"
#include "world/world__skill_reader.h"

#include <assert.h>

#define SKILL_BYTES_MAX ((size_t)256 << 10)
#define SCENE_BYTES_MAX (INT64_C(16) << 20)
#define SKILL_FILE "skill.yaml"
#define SCENE_FILE "scene.xml"

static const struct et_share_kind SKILLS = {
    .folder = "world/skills", .suffix = "/" SKILL_FILE, .what = "skill"};
static const struct et_share_kind SCENARIOS = {
    .folder = "world/scenarios", .suffix = ".xml", .what = "scenario"};

static const char *const TIERS[ET_N_TIERS] = {
    [ET_TIER_CONTROLLED] = "controlled", [ET_TIER_DISPLACED] = "displaced",
    [ET_TIER_VARIED] = "varied",         [ET_TIER_CLUTTERED] = "cluttered",
    [ET_TIER_DISTURBED] = "disturbed",
};

// clang-format off
static const struct et_schema ANY = {.type = ET_SCHEMA_ANY};
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema VERSION = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1};
static const struct et_schema SECONDS = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.1, .max = 3600};
static const struct et_schema SHARE = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0, .max = 1};
static const struct et_schema OBJECTS = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_min = 1, .n_max = ET__BODIES_MAX};
static const struct et_schema CLUTTER = {
    .type = ET_SCHEMA_LIST, .items = &TEXT, .n_max = ET__BODIES_MAX};
static const struct et_schema DRAWS = {.type = ET_SCHEMA_LIST, .items = &ANY};

static const struct et_schema PHASE = {.type = ET_SCHEMA_DICT, .items = &ANY};
static const struct et_schema PHASES = {
    .type = ET_SCHEMA_LIST, .items = &PHASE, .n_min = 1, .n_max = ET__PHASES_MAX};

static const struct et_schema_field INSTRUCTION_FIELDS[] = {
    {"en", &TEXT, true},
    {"fr", &TEXT, true},
    {"zh", &TEXT, true},
    {NULL, NULL,  false},
};
static const struct et_schema INSTRUCTION = {.type = ET_SCHEMA_MAP, .fields = INSTRUCTION_FIELDS};

static const struct et_schema_field RANDOM_FIELDS[] = {
    {"controlled", &DRAWS, false},
    {"displaced",  &DRAWS, false},
    {"varied",     &DRAWS, false},
    {"cluttered",  &DRAWS, false},
    {"disturbed",  &DRAWS, false},
    {NULL,         NULL,   false},
};
static const struct et_schema RANDOM = {.type = ET_SCHEMA_MAP, .fields = RANDOM_FIELDS};

static const struct et_schema_field SKILL_FIELDS[] = {
    {"skill",       &VERSION,     true},
    {"scenario",    &TEXT,        true},
    {"instruction", &INSTRUCTION, true},
    {"limit_s",     &SECONDS,     true},
    {"human_s",     &SECONDS,     true},
    {"expected",    &SHARE,       true},
    {"objects",     &OBJECTS,     true},
    {"clutter",     &CLUTTER,     false},
    {"random",      &RANDOM,      false},
    {"success",     &TEXT,        true},
    {"phases",      &PHASES,      true},
    {NULL,          NULL,         false},
};
static const struct et_schema SKILL = {.type = ET_SCHEMA_MAP, .fields = SKILL_FIELDS};
// clang-format on

const char *et_tier_name(enum et_tier tier)
{
    assert(tier >= 0 && tier < ET_N_TIERS);
    return TIERS[tier];
}

bool et_tier_find(const char *name, enum et_tier *tier)
{
    for (int i = 0; i < ET_N_TIERS; i++)
        if (strcmp(name, TIERS[i]) == 0) {
            *tier = (enum et_tier)i;
            return true;
        }
    return false;
}

/* ---- mistakes ---- */

enum et_status et__skill_memory(const struct et__skill_reader *r)
{
    return et_arena_fail(r->arena, "the skill", r->err);
}

/* ---- the file's keys ---- */

/* A scenario is a file's name without its end: never a way to another folder. */
static enum et_status read_scenario(const struct et__skill_reader *r, const struct et_value *value)
{
    const struct et_str name = value->as.string;
    if (!et_name_is_own(name) || memchr(name.p, '.', name.n))
        return et_yaml_fail(r->err, r->path, et_value_place(value),
                            "a scenario's name is 1 to 256 of a-z 0-9 _ -, is \"%.48s\"", name.p);
    r->skill->scenario = name.p;
    r->script->scenario_place = et_value_place(value);
    return ET_OK;
}

static enum et_status read_instruction(const struct et__skill_reader *r,
                                       const struct et_value *instruction, const char *language,
                                       const char **text)
{
    const struct et_value *value = et_value_get(instruction, language);
    struct et_err inner = {0};
    *text = value->as.string.p;
    if (et_name_check(value->as.string, "an instruction", &inner) == ET_OK)
        return ET_OK;
    return et_yaml_fail(r->err, r->path, et_value_place(value), "%s", inner.text);
}

/* Names of bodies, each once. */
static enum et_status read_bodies(const struct et__skill_reader *r, const struct et_value *list,
                                  const struct et__name **names, size_t *n)
{
    struct et__name *all = et_arena_array(r->arena, et_value_count(list), sizeof *all);
    if (!all)
        return et__skill_memory(r);
    for (size_t i = 0; i < et_value_count(list); i++) {
        const struct et_value *value = et_value_at(list, i);
        if (!et__is_scene_name(value->as.string))
            return et_yaml_fail(r->err, r->path, et_value_place(value),
                                "a body's name is a letter, then a-z 0-9 _ . -, is \"%.48s\"",
                                value->as.string.p);
        for (size_t k = 0; k < i; k++)
            if (strcmp(all[k].text, value->as.string.p) == 0)
                return et_yaml_fail(r->err, r->path, et_value_place(value), "%s stands here again",
                                    all[k].text);
        all[i] = (struct et__name){value->as.string.p, et_value_place(value)};
    }
    *names = all;
    *n = et_value_count(list);
    return ET_OK;
}

static enum et_status read_objects(const struct et__skill_reader *r, const struct et_value *list)
{
    struct et_skill *skill = r->skill;
    const enum et_status st = read_bodies(r, list, &r->script->objects, &skill->n_objects);
    if (st != ET_OK)
        return st;
    const char **objects = et_arena_array(r->arena, skill->n_objects, sizeof *objects);
    if (!objects)
        return et__skill_memory(r);
    for (size_t i = 0; i < skill->n_objects; i++)
        objects[i] = r->script->objects[i].text;
    skill->objects = objects;
    return ET_OK;
}

static enum et_status read_document(const struct et__skill_reader *r, const struct et_value *doc)
{
    struct et_skill *skill = r->skill;
    enum et_status st = et_schema_check(doc, &SKILL, r->path, r->err);
    if (st != ET_OK)
        return st;
    const struct et_value *instruction = et_value_get(doc, "instruction");
    skill->limit_s = et_value_real(et_value_get(doc, "limit_s"), 0);
    skill->human_s = et_value_real(et_value_get(doc, "human_s"), 0);
    skill->expected = et_value_real(et_value_get(doc, "expected"), 0);
    if ((st = read_scenario(r, et_value_get(doc, "scenario"))) != ET_OK ||
        (st = read_instruction(r, instruction, "en", &skill->instruction_en)) != ET_OK ||
        (st = read_instruction(r, instruction, "fr", &skill->instruction_fr)) != ET_OK ||
        (st = read_instruction(r, instruction, "zh", &skill->instruction_zh)) != ET_OK ||
        (st = read_objects(r, et_value_get(doc, "objects"))) != ET_OK ||
        (st = read_bodies(r, et_value_get(doc, "clutter"), &r->script->clutter,
                          &r->script->n_clutter)) != ET_OK ||
        (st = et__read_draws(r, et_value_get(doc, "random"))) != ET_OK ||
        (st = et__read_condition(r, et_value_get(doc, "success"), &r->script->success)) != ET_OK)
        return st;
    return et__read_phases(r, et_value_get(doc, "phases"));
}

static bool find_lines(struct et__skill_reader *r)
{
    size_t n = 1;
    for (size_t i = 0; i < r->text.n; i++)
        n += r->text.p[i] == '\n';
    size_t *lines = et_arena_array(r->arena, n, sizeof *lines);
    if (!lines)
        return false;
    for (size_t i = 0; i < r->text.n; i++)
        if (r->text.p[i] == '\n')
            lines[++r->n_lines] = i + 1;
    r->n_lines++;
    r->lines = lines;
    return true;
}

enum et_status et__skill_parse(const char *path, struct et_str text, struct et_arena *arena,
                               struct et_skill **skill, struct et_err *err)
{
    struct et__skill_reader r = {.path = path, .text = text, .arena = arena, .err = err};
    const struct et_value *doc = NULL;

    *skill = NULL;
    enum et_status st = et_yaml_parse(text, path, arena, &doc, err);
    if (st != ET_OK)
        return st;
    r.skill = et_arena_alloc(arena, sizeof *r.skill);
    r.script = et_arena_alloc(arena, sizeof *r.script);
    if (!r.skill || !r.script || !find_lines(&r))
        return et__skill_memory(&r);
    r.skill->script = r.script;
    st = read_document(&r, doc);
    if (st == ET_OK)
        *skill = r.skill;
    return st;
}

/* ---- the folder ---- */

/* The folder, without a '/' at its end, and its name. */
static enum et_status name_folder(const char *folder, struct et_arena *arena,
                                  struct et_skill *skill, struct et_err *err)
{
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    skill->folder = et_arena_copy(arena, folder, n);
    if (!skill->folder)
        return et_arena_fail(arena, "the skill", err);
    skill->id = et_path_base(skill->folder);
    if (!et_name_is_own(et_str(skill->id)) || skill->id[0] == '.')
        return et_fail(err, ET_ECORRUPT, -1,
                       "%.160s: a skill's folder is named with a-z 0-9 _ . -, not \"%.48s\"",
                       skill->folder, skill->id);
    skill->path = et_path_join(arena, skill->folder, SKILL_FILE);
    return skill->path ? ET_OK : et_arena_fail(arena, "the skill", err);
}

static enum et_status check_scenario(const char *path, const struct et_skill *skill,
                                     struct et_arena *arena, struct et_err *err)
{
    const struct et_share_file *files;
    const char *found, *nearest = NULL;
    size_t n, least = SIZE_MAX;
    enum et_status st = et_share_find(&SCENARIOS, skill->scenario, arena, &found, err);
    if (st != ET_ENOTFOUND)
        return st;
    st = et_share_list(&SCENARIOS, arena, &files, &n, err);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < n; i++) {
        const size_t distance = et_str_distance(et_str(skill->scenario), et_str(files[i].id));
        if (distance < least) {
            least = distance;
            nearest = files[i].id;
        }
    }
    return et_yaml_fail(err, path, skill->script->scenario_place, "no scenario '%.60s'%s%.60s%s",
                        skill->scenario, nearest ? "; the nearest is \"" : "",
                        nearest ? nearest : "", nearest ? "\"" : "");
}

/* Adds the scene beside the skill, read in pieces: nobody needs it whole here. */
static enum et_status add_scene(const char *folder, struct et_arena *arena,
                                struct et_blake2b *state, struct et_err *err)
{
    const char *path = et_path_join(arena, folder, SCENE_FILE);
    struct et_file *file;
    char piece[4096];
    size_t got = sizeof piece;
    if (!path)
        return et_arena_fail(arena, "the skill", err);
    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    if (st == ET_ENOTFOUND)
        return et_fail(err, ET_ECORRUPT, -1, "%.160s: a skill has a scene; %s is not there", folder,
                       SCENE_FILE);
    if (st != ET_OK)
        return st;
    for (int64_t at = 0; st == ET_OK && got == sizeof piece; at += (int64_t)got) {
        st = at > SCENE_BYTES_MAX ? et_fail(err, ET_ELIMIT, at, "%.160s has more than %lld bytes",
                                            path, (long long)SCENE_BYTES_MAX)
                                  : et_file_read_at(file, at, piece, sizeof piece, &got, err);
        if (st == ET_OK)
            et_blake2b_add(state, piece, got);
    }
    et_file_close(file);
    return st;
}

static enum et_status load(const char *folder, struct et_arena *arena, struct et_skill **skill,
                           struct et_err *err)
{
    struct et_skill named = {0};
    struct et_blake2b state;
    struct et_str text;

    enum et_status st = name_folder(folder, arena, &named, err);
    if (st == ET_OK)
        st = et_file_read(named.path, SKILL_BYTES_MAX, arena, &text, err);
    if (st == ET_OK)
        st = et__skill_parse(named.path, text, arena, skill, err);
    if (st == ET_OK)
        st = check_scenario(named.path, *skill, arena, err);
    if (st != ET_OK)
        return st;
    et_blake2b_begin(&state);
    et_blake2b_add(&state, text.p, text.n);
    et_blake2b_add(&state, "", 1);
    st = add_scene(named.folder, arena, &state, err);
    const struct et_digest digest = et_blake2b_end(&state);
    (*skill)->path = named.path;
    (*skill)->folder = named.folder;
    (*skill)->id = named.id;
    memcpy((*skill)->digest, digest.bytes, sizeof digest.bytes);
    return st;
}

enum et_status et_skill_load(const char *wanted, struct et_arena *arena,
                             const struct et_skill **skill, struct et_err *err)
{
    assert(wanted && arena && skill);
    const struct et_arena_mark mark = et_arena_mark(arena);
    const char *folder = wanted, *path = NULL;
    struct et_skill *loaded = NULL;
    enum et_status st = ET_OK;

    *skill = NULL;
    if (!strchr(wanted, '/')) {
        st = et_share_find(&SKILLS, wanted, arena, &path, err);
        folder = st == ET_OK ? et_path_dir(arena, path) : NULL;
        if (st == ET_OK && !folder)
            st = et_arena_fail(arena, "the skill", err);
    }
    if (st == ET_OK)
        st = load(folder, arena, &loaded, err);
    if (st == ET_OK)
        *skill = loaded;
    else
        et_arena_rewind(arena, mark);
    return st;
}

enum et_status et_skill_list(struct et_arena *arena, const struct et_share_file **skills,
                             size_t *n_skills, struct et_err *err)
{
    assert(arena && skills && n_skills);
    return et_share_list(&SKILLS, arena, skills, n_skills, err);
}
