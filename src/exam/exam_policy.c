#include "exam/exam__policy.h"

#include "etude/file.h"

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
