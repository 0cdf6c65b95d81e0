/* Provenance of an operation: which datasets went in, by digest. */
#include "dataset/dataset__ops.h"

#include "etude/hash.h"

#include <stdio.h>

/* One file of an input: of metadata the content counts, of data and videos the name and the size,
 * so that a digest does not take longer than the operation. */
static enum et_status add_file(struct et_blake2b *state, const char *root, const char *path,
                               int64_t *n_bytes, struct et_err *err)
{
    const char *below = path + strlen(root);
    struct et_file *file = NULL;
    struct et_digest digest;
    char text[64];

    enum et_status st = et_file_open(&file, path, ET_FILE_READ, err);
    int64_t n = 0;
    if (st == ET_OK)
        st = et_file_size(file, &n, err);
    et_file_close(file);
    if (st != ET_OK)
        return st;
    *n_bytes += n;
    (void)snprintf(text, sizeof text, "%lld", (long long)n);
    et_blake2b_add(state, below, strlen(below) + 1);
    et_blake2b_add(state, text, strlen(text) + 1);
    if (strncmp(below, "/meta/", 6) != 0)
        return ET_OK;
    st = et_blake2b_file(path, &digest, err);
    if (st == ET_OK)
        et_blake2b_add(state, digest.bytes, sizeof digest.bytes);
    return st;
}

static enum et_status add_input(const char *root, struct et_arena *arena,
                                struct et_provenance_input *input, struct et_err *err)
{
    struct et_blake2b state;
    const char *const *paths;
    size_t n_paths = 0;
    const struct et_arena_mark mark = et_arena_mark(arena);

    et_blake2b_begin(&state);
    enum et_status st = et__files_below(root, 4, NULL, arena, &paths, &n_paths, err);
    for (size_t i = 0; st == ET_OK && i < n_paths; i++)
        st = add_file(&state, root, paths[i], &input->n_bytes, err);
    et_arena_rewind(arena, mark);
    if (st != ET_OK)
        return st;
    const struct et_digest digest = et_blake2b_end(&state);
    char *text = et_arena_alloc(arena, 2 * ET_BLAKE2B_BYTES + 1);
    if (!text)
        return et_arena_fail(arena, "the provenance", err);
    et_digest_text(&digest, text);
    input->path = root;
    input->digest = text;
    return ET_OK;
}

enum et_status et__provenance_make(const struct et__run *run, const char *action,
                                   const char *settings, struct et_arena *arena,
                                   const struct et_provenance **provenance, struct et_err *err)
{
    struct et_provenance *made = et_arena_alloc(arena, sizeof *made);
    struct et_provenance_input *inputs = et_arena_array(arena, run->n_picks, sizeof *inputs);
    if (!made || !inputs)
        return et_arena_fail(arena, "the provenance", err);
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && i < run->n_picks; i++)
        st = add_input(et_dataset_info(run->picks[i].dataset)->path, arena, &inputs[i], err);
    *made = (struct et_provenance){
        .action = action, .settings = settings, .inputs = inputs, .n_inputs = run->n_picks};
    *provenance = made;
    return st;
}
