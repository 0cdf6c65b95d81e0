/* Any text either fails with its line, or gives a tree that a schema can be held against. */
#include "etude/yaml.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// clang-format off
static const char *const WORDS[] = {"one", "two", NULL};
static const struct et_schema REAL = {
    .type = ET_SCHEMA_REAL, .may_be_null = true, .has_range = true, .min = -1, .max = 1};
static const struct et_schema INT = {.type = ET_SCHEMA_INT};
static const struct et_schema WORD = {.type = ET_SCHEMA_STRING, .choices = WORDS};
static const struct et_schema_field FIELDS[] = {
    {"name", &WORD, true}, {"real", &REAL, false}, {"int", &INT, false}, {NULL, NULL, false}};
static const struct et_schema MAP = {.type = ET_SCHEMA_MAP, .fields = FIELDS};
static const struct et_schema LIST = {
    .type = ET_SCHEMA_LIST, .items = &MAP, .n_min = 1, .n_max = 5};
static const struct et_schema DICT = {.type = ET_SCHEMA_DICT, .items = &LIST};
// clang-format on

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct et_str text = {(const char *)data, size};
    const struct et_value *value = NULL;
    struct et_arena *arena = NULL;
    struct et_err err = {0};

    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return 0;
    const enum et_status st = et_yaml_parse(text, NULL, arena, &value, &err);
    if (st == ET_OK) {
        (void)!et_schema_check(value, &MAP, NULL, &err);
        if (et_schema_check(value, &DICT, NULL, &err) != ET_OK)
            require(err.text[0] != 0 && err.at >= 1);
    } else {
        require(value == NULL && et_arena_used(arena) == 0 && err.text[0] != 0);
        require(st != ET_ECORRUPT || err.at >= 1);
    }
    et_arena_close(arena);
    return 0;
}
