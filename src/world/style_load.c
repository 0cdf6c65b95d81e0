#include "etude/file.h"
#include "etude/share.h"
#include "etude/trainer.h"
#include "etude/yaml.h"

#include <assert.h>

#define STYLE_BYTES_MAX ((size_t)64 << 10)

static const struct et_share_kind STYLES = {
    .folder = "world/trainers", .suffix = ".yaml", .what = "trainer"};

// clang-format off
static const struct et_schema VERSION = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1};
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema SPEED = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.1, .max = 5};
static const struct et_schema SPREAD = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0, .max = 0.9};
static const struct et_schema METRES = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0, .max = 0.1};
static const struct et_schema SHARE = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0, .max = 1};
static const struct et_schema SECONDS = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0, .max = 10};
static const struct et_schema COUNT = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = 100};

static const struct et_schema_field STYLE_FIELDS[] = {
    {"trainer",      &VERSION, true},
    {"text",         &TEXT,    false},
    {"speed",        &SPEED,   true},
    {"speed_spread", &SPREAD,  true},
    {"aim_m",        &METRES,  true},
    {"drift_m",      &METRES,  true},
    {"tremor_m",     &METRES,  true},
    {"curve",        &SHARE,   true},
    {"pause_s",      &SECONDS, true},
    {"hesitation",   &SHARE,   true},
    {"correction",   &SHARE,   true},
    {"patience",     &COUNT,   true},
    {NULL,           NULL,     false},
};
static const struct et_schema STYLE = {.type = ET_SCHEMA_MAP, .fields = STYLE_FIELDS};
// clang-format on

/* "careful" of "share/world/trainers/careful.yaml". */
static const char *id_of(const char *path, struct et_arena *arena)
{
    struct et_str base = et_str(et_path_base(path));
    if (et_str_ends(base, STYLES.suffix))
        base.n -= strlen(STYLES.suffix);
    return et_arena_copy(arena, base.p, base.n);
}

static double number(const struct et_value *doc, const char *key)
{
    return et_value_real(et_value_get(doc, key), 0);
}

static enum et_status read_file(const char *path, struct et_arena *arena,
                                struct et_trainer_style *style, struct et_err *err)
{
    const struct et_value *doc = NULL;
    enum et_status st = et_yaml_read(path, STYLE_BYTES_MAX, arena, &doc, err);
    if (st != ET_OK)
        return st;
    st = et_schema_check(doc, &STYLE, path, err);
    if (st != ET_OK)
        return st;
    *style = (struct et_trainer_style){
        .id = id_of(path, arena),
        .speed = number(doc, "speed"),
        .speed_spread = number(doc, "speed_spread"),
        .aim_m = number(doc, "aim_m"),
        .drift_m = number(doc, "drift_m"),
        .tremor_m = number(doc, "tremor_m"),
        .curve = number(doc, "curve"),
        .pause_s = number(doc, "pause_s"),
        .hesitation = number(doc, "hesitation"),
        .correction = number(doc, "correction"),
        .patience = number(doc, "patience"),
    };
    return style->id ? ET_OK : et_arena_fail(arena, "the trainer", err);
}

enum et_status et_trainer_style_load(const char *wanted, struct et_arena *arena,
                                     const struct et_trainer_style **style, struct et_err *err)
{
    assert(wanted && arena && style);
    const struct et_arena_mark mark = et_arena_mark(arena);
    const bool is_path = strchr(wanted, '/') || et_str_ends(et_str(wanted), STYLES.suffix);
    const char *path = wanted;

    *style = NULL;
    struct et_trainer_style *read = et_arena_alloc(arena, sizeof *read);
    enum et_status st = read ? ET_OK : et_arena_fail(arena, "the trainer", err);
    if (st == ET_OK && !is_path)
        st = et_share_find(&STYLES, wanted, arena, &path, err);
    if (st == ET_OK)
        st = read_file(path, arena, read, err);
    if (st == ET_OK)
        *style = read;
    else
        et_arena_rewind(arena, mark);
    return st;
}
