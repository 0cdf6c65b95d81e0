#include "exam/exam__policy.h"

#include "etude/file.h"
#include "etude/yaml.h"

#include <string.h>

#define ARENA_BYTES ((size_t)4 << 20)

/* A line "<digest>  <name>\n" a file, as b2sum writes them. */
static enum et_status add_file(struct et_blake2b *state, const char *path, const char *name,
                               struct et_err *err)
{
    struct et_digest digest;
    char text[2 * ET_BLAKE2B_BYTES + 1];
    const enum et_status st = et_blake2b_file(path, &digest, err);
    if (st != ET_OK)
        return st;
    et_digest_text(&digest, text);
    et_blake2b_add(state, text, strlen(text));
    et_blake2b_add(state, "  ", 2);
    et_blake2b_add(state, name, strlen(name));
    et_blake2b_add(state, "\n", 1);
    return ET_OK;
}

enum et_status et__policy_digest(const char *path, struct et_digest *digest, struct et_err *err)
{
    struct et_arena *arena = NULL;
    struct et_blake2b state;
    const char *const *names = NULL;
    size_t n = 0;
    enum et_status st = et_arena_open(&arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = et_dir_list(path, arena, &names, &n, err);
    et_blake2b_begin(&state);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        enum et_path_kind kind;
        const char *file = et_path_join(arena, path, names[i]);
        st = file ? et_path_kind(file, &kind, err) : et_arena_fail(arena, "a policy's files", err);
        if (st == ET_OK && kind == ET_PATH_FILE)
            st = add_file(&state, file, names[i], err);
    }
    *digest = et_blake2b_end(&state);
    et_arena_close(arena);
    return st;
}

/* ---- how it acts ---- */

void et__policy_how_put(struct et_json_writer *w, const struct et_policy_options *how,
                        bool is_remote)
{
    et_json_open_map(w);
    if (how->has_ensemble)
        et_json_put_real(w, "ensemble", how->ensemble);
    if (how->n_open_loop)
        et_json_put_int(w, "every", (int64_t)how->n_open_loop);
    if (is_remote && how->remote && how->remote->keys)
        et_json_put_text(w, "keys", how->remote->keys);
    if (is_remote && how->remote && how->remote->rate_hz > 0)
        et_json_put_real(w, "rate_hz", how->remote->rate_hz);
    et_json_close_map(w);
}

static const struct et_schema BLEND = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = -1, .max = 10};
static const struct et_schema STEPS = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1000};
static const struct et_schema KEYS = {.type = ET_SCHEMA_STRING};
static const struct et_schema RATE = {
    .type = ET_SCHEMA_REAL, .has_range = true, .min = 0.1, .max = 1000};
static const struct et_schema_field HOW_FIELDS[] = {
    {"ensemble", &BLEND, false}, {"every", &STEPS, false}, {"keys", &KEYS, false},
    {"rate_hz", &RATE, false},   {NULL, NULL, false},
};
static const struct et_schema HOW = {.type = ET_SCHEMA_MAP, .fields = HOW_FIELDS};

enum et_status et__policy_how_take(const struct et_value *map, struct et_arena *arena,
                                   struct et_policy_options *how, struct et_policy_remote *remote,
                                   struct et_err *err)
{
    const enum et_status st = map ? et_schema_check(map, &HOW, NULL, err) : ET_OK;
    if (st != ET_OK)
        return st;
    const char *keys = et_value_text(et_value_get(map, "keys"), NULL);
    *remote = how->remote ? *how->remote : (struct et_policy_remote){0};
    remote->keys = keys ? et_arena_copy(arena, keys, strlen(keys)) : NULL;
    remote->rate_hz = et_value_real(et_value_get(map, "rate_hz"), 0);
    how->remote = remote;
    how->has_ensemble = et_value_get(map, "ensemble") != NULL;
    how->ensemble = et_value_real(et_value_get(map, "ensemble"), 0);
    how->n_open_loop = (size_t)et_value_int(et_value_get(map, "every"), 0);
    return keys && !remote->keys ? et_arena_fail(arena, "a policy", err) : ET_OK;
}
