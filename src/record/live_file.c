/* A station's file. */
#include "etude/live.h"

#include "etude/clock.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

// clang-format off
static const struct et_schema ANY = {.type = ET_SCHEMA_ANY};
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const char *const RUNS[] = {"attempt", "session", NULL};
static const struct et_schema RUN = {.type = ET_SCHEMA_STRING, .choices = RUNS};
static const char *const COMPRESSIONS[] = {"zstd", "lz4", "none", NULL};
static const struct et_schema COMPRESSION = {.type = ET_SCHEMA_STRING, .choices = COMPRESSIONS};
#define REAL(lo, hi) {.type = ET_SCHEMA_REAL, .has_range = true, .min = (lo), .max = (hi)}
static const struct et_schema COMMIT_MS = REAL(5, 10000);
static const struct et_schema KEEP_FREE_GB = REAL(0, 1e6);
static const struct et_schema PART_MINUTES = REAL(0.01, 1440);
static const struct et_schema PART_GB = REAL(0.001, 1e4);
static const struct et_schema BEFORE_S = REAL(0, 60);
static const struct et_schema LEVEL = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 19};

static const struct et_schema_field ROBOT_FIELDS[] = {
    {"model",  &TEXT, true},
    {"serial", &TEXT, false},
    {NULL,     NULL,  false},
};
static const struct et_schema ROBOT = {.type = ET_SCHEMA_MAP, .fields = ROBOT_FIELDS};

static const struct et_schema_field RECORDING_FIELDS[] = {
    {"commit_ms",    &COMMIT_MS,    false},
    {"keep_free_gb", &KEEP_FREE_GB, false},
    {"part_minutes", &PART_MINUTES, false},
    {"part_gb",      &PART_GB,      false},
    {"before_s",     &BEFORE_S,     false},
    {"compression",  &COMPRESSION,  false},
    {"level",        &LEVEL,        false},
    {NULL,           NULL,          false},
};
static const struct et_schema RECORDING = {.type = ET_SCHEMA_MAP, .fields = RECORDING_FIELDS};

static const struct et_schema TEXTS = {.type = ET_SCHEMA_LIST, .items = &TEXT, .n_max = 8};
static const struct et_schema_field FOXGLOVE_FIELDS[] = {
    {"address", &TEXT,  true},
    {"tls",     &TEXT,  false},
    {"token",   &TEXT,  false},
    {"origins", &TEXTS, false},
    {NULL,      NULL,   false},
};
static const struct et_schema FOXGLOVE = {.type = ET_SCHEMA_MAP, .fields = FOXGLOVE_FIELDS};

static const struct et_schema SOURCES = {.type = ET_SCHEMA_DICT, .items = &ANY};
static const struct et_schema_field STATION_FIELDS[] = {
    {"station",     &TEXT,      true},
    {"robot",       &ROBOT,     false},
    {"trainer",     &TEXT,      false},
    {"programme",   &TEXT,      false},
    {"scenario",    &TEXT,      false},
    {"skill",       &TEXT,      false},
    {"instruction", &TEXT,      false},
    {"objects",     &TEXT,      false},
    {"folder",      &TEXT,      false},
    {"run",         &RUN,       false},
    {"recording",   &RECORDING, false},
    {"foxglove",    &ANY,       false},
    {"sources",     &SOURCES,   true},
    {NULL,          NULL,       false},
};
static const struct et_schema STATION = {.type = ET_SCHEMA_MAP, .fields = STATION_FIELDS};
// clang-format on

struct reading {
    const char *path;
    struct et_arena *arena;
    struct et_err *err;
};

static enum et_status full(const struct reading *r)
{
    return et_arena_fail(r->arena, "a station's file", r->err);
}

// 0 stays "as usual": what is said to be nothing is less than 0.
static int64_t scaled(const struct et_value *map, const char *key, double unit)
{
    const struct et_value *value = et_value_get(map, key);
    const double x = et_value_real(value, 0) * unit;
    return !value ? 0 : x == 0 ? -1 : (int64_t)x;
}

static void read_recording(const struct et_value *map, struct et_recorder_options *o)
{
    const char *compression = et_value_text(et_value_get(map, "compression"), "zstd");
    o->commit_ns = scaled(map, "commit_ms", 1e6);
    o->keep_free_bytes = scaled(map, "keep_free_gb", 1e9);
    o->part_ns = scaled(map, "part_minutes", 60e9);
    o->part_bytes = scaled(map, "part_gb", 1e9);
    o->before_ns = scaled(map, "before_s", 1e9);
    o->level = (int)et_value_int(et_value_get(map, "level"), 0);
    o->compression = strcmp(compression, "lz4") == 0    ? ET_MCAP_LZ4
                     : strcmp(compression, "none") == 0 ? ET_MCAP_NONE
                                                        : ET_MCAP_ZSTD;
}

// A map without its key `kind`.
static const struct et_value *without_kind(const struct reading *r, const struct et_value *map)
{
    const size_t n = et_value_count(map);
    struct et_value *rest = et_arena_alloc(r->arena, sizeof *rest);
    struct et_value *items = et_arena_array(r->arena, n, sizeof *items);
    struct et_str *keys = et_arena_array(r->arena, n, sizeof *keys);
    struct et_place *places = et_arena_array(r->arena, n, sizeof *places);
    if (!rest || !items || !keys || !places)
        return NULL;
    *rest = *map;
    rest->as.many.items = items;
    rest->as.many.keys = keys;
    rest->as.many.places = map->as.many.places ? places : NULL;
    rest->as.many.n_items = 0;
    for (size_t i = 0; i < n; i++) {
        if (et_str_is(map->as.many.keys[i], "kind"))
            continue;
        const size_t to = rest->as.many.n_items++;
        items[to] = map->as.many.items[i];
        keys[to] = map->as.many.keys[i];
        if (map->as.many.places)
            places[to] = map->as.many.places[i];
    }
    return rest;
}

static enum et_status no_such_kind(const struct reading *r, const struct et_value *kind,
                                   const char *name)
{
    const char *names[ET_LIVE_SOURCES_MAX] = {NULL};
    const struct et_source_kind *const *kinds = et_source_kinds();
    for (size_t i = 0; kinds[i] && i + 1 < ET_LIVE_SOURCES_MAX; i++)
        names[i] = kinds[i]->name;
    const char *nearest = et_str_nearest(et_str(name), names);
    return et_yaml_fail(r->err, r->path, et_value_place(kind),
                        "this build has no source \"%.60s\"; did you mean %s? "
                        "(etude record --sources lists them)",
                        name, nearest ? nearest : "another");
}

static enum et_status read_source(const struct reading *r, struct et_str device,
                                  const struct et_value *map, struct et_live_source *source)
{
    const struct et_value *kind = et_value_get(map, "kind");
    const char *name = et_value_text(kind, NULL);
    if (!et_name_is_own(device))
        return et_yaml_fail(r->err, r->path, et_value_place(map),
                            "a source's name is of a-z, 0-9, _ . and -: \"%.*s\"",
                            ET_STR_ARG(device));
    if (!name)
        return et_yaml_fail(r->err, r->path, et_value_place(map),
                            "%.*s: say its kind (etude record --sources lists them)",
                            ET_STR_ARG(device));
    source->device = device.p;
    source->kind = et_source_kind(name);
    if (!source->kind)
        return no_such_kind(r, kind, name);
    source->settings = without_kind(r, map);
    if (!source->settings)
        return full(r);
    return et_schema_check(source->settings, source->kind->settings, r->path, r->err);
}

static enum et_status read_sources(const struct reading *r, const struct et_value *map,
                                   struct et_station_file *file)
{
    const size_t n = et_value_count(map);
    if (n > ET_LIVE_SOURCES_MAX)
        return et_yaml_fail(r->err, r->path, et_value_place(map), "more than %d sources",
                            ET_LIVE_SOURCES_MAX);
    struct et_live_source *sources = et_arena_array(r->arena, n, sizeof *sources);
    if (!sources)
        return full(r);
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = read_source(r, map->as.many.keys[i], et_value_at(map, i), &sources[i]);
    file->sources = sources;
    file->n_sources = n;
    return st;
}

static const char *text(const struct et_value *map, const char *key)
{
    return et_value_text(et_value_get(map, key), NULL);
}

// An address, or a map with one.
static enum et_status read_foxglove(const struct reading *r, const struct et_value *value,
                                    struct et_station_foxglove *foxglove)
{
    if (!value)
        return ET_OK;
    foxglove->address = et_value_text(value, NULL);
    if (foxglove->address)
        return ET_OK;
    const enum et_status st = et_schema_check(value, &FOXGLOVE, r->path, r->err);
    if (st != ET_OK)
        return st;
    const struct et_value *list = et_value_get(value, "origins");
    const size_t n = et_value_count(list);
    const char **origins = et_arena_array(r->arena, n + 1, sizeof *origins);
    if (!origins)
        return full(r);
    for (size_t i = 0; i < n; i++)
        origins[i] = et_value_text(et_value_at(list, i), "");
    *foxglove = (struct et_station_foxglove){.address = text(value, "address"),
                                             .tls = text(value, "tls"),
                                             .token = text(value, "token"),
                                             .origins = origins};
    return ET_OK;
}

enum et_status et_station_file_read(const char *path, struct et_arena *arena,
                                    const struct et_station_file **file, struct et_err *err)
{
    const struct reading r = {path, arena, err};
    const struct et_value *doc;
    *file = NULL;
    enum et_status st = et_yaml_read(path, FILE_BYTES_MAX, arena, &doc, err);
    if (st == ET_OK)
        st = et_schema_check(doc, &STATION, path, err);
    if (st != ET_OK)
        return st;
    struct et_station_file *f = et_arena_alloc(arena, sizeof *f);
    if (!f)
        return full(&r);
    const struct et_value *robot = et_value_get(doc, "robot");
    const char *mode = et_value_text(et_value_get(doc, "run"), "attempt");
    *f = (struct et_station_file){.path = path,
                                  .name = text(doc, "station"),
                                  .robot = text(robot, "model"),
                                  .serial = text(robot, "serial"),
                                  .trainer = text(doc, "trainer"),
                                  .programme = text(doc, "programme"),
                                  .scenario = text(doc, "scenario"),
                                  .skill = text(doc, "skill"),
                                  .instruction = text(doc, "instruction"),
                                  .objects = text(doc, "objects"),
                                  .folder = text(doc, "folder"),
                                  .mode = strcmp(mode, "session") == 0 ? ET_LIVE_SESSION
                                                                       : ET_LIVE_ATTEMPT};
    if (!et_name_is_own(et_str(f->name)))
        return et_yaml_fail(err, path, et_value_place(et_value_get(doc, "station")),
                            "a station's name is of a-z, 0-9, _ . and -: \"%.60s\"", f->name);
    read_recording(et_value_get(doc, "recording"), &f->recorder);
    st = read_foxglove(&r, et_value_get(doc, "foxglove"), &f->foxglove);
    if (st == ET_OK)
        st = read_sources(&r, et_value_get(doc, "sources"), f);
    if (st == ET_OK)
        *file = f;
    return st;
}
