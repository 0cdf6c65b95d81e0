/* What a world is made of, told by a hash. */
#include "world/world__robot.h"

#include "etude/file.h"
#include "etude/world.h"

#include <string.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define FILE_BYTES_MAX ((size_t)4 << 20)
#define ROBOT "etude-one"

/* A file's place in the hash is its name there; where it lies does not matter. */
static enum et_status add_file(struct et_blake2b *state, const char *name, const char *path,
                               struct et_arena *arena, struct et_err *err)
{
    struct et_str text;
    const struct et_arena_mark mark = et_arena_mark(arena);
    const enum et_status st = et_file_read(path, FILE_BYTES_MAX, arena, &text, err);
    if (st != ET_OK)
        return st;
    const struct et_digest digest = et_blake2b(text.p, text.n);
    et_blake2b_add(state, name, strlen(name) + 1);
    et_blake2b_add(state, digest.bytes, sizeof digest.bytes);
    et_arena_rewind(arena, mark);
    return ET_OK;
}

static enum et_status add_shared(struct et_blake2b *state, const char *folder, const char *id,
                                 struct et_arena *arena, struct et_err *err)
{
    const struct et_share_kind kind = {folder, ".xml", "scenario"};
    const char *path = NULL;
    const enum et_status st = et_share_find(&kind, id, arena, &path, err);
    return st == ET_OK ? add_file(state, id, path, arena, err) : st;
}

static enum et_status add_all(struct et_blake2b *state, const struct et_world_options *options,
                              struct et_arena *arena, struct et_err *err)
{
    const struct et_skill *skill = NULL;
    const struct et__robot *robot = NULL;
    enum et_status st = et_skill_load(options->skill, arena, &skill, err);
    if (st == ET_OK)
        st = et__robot_load(options->robot ? options->robot : ROBOT, arena, &robot, err);
    if (st != ET_OK)
        return st;
    et_blake2b_add(state, skill->digest, sizeof skill->digest);
    st = add_file(state, "robot.yaml", robot->path, arena, err);
    if (st == ET_OK)
        st = add_file(state, "robot.xml", robot->mjcf, arena, err);
    if (st == ET_OK)
        st = add_shared(state, "world/scenarios", skill->scenario, arena, err);
    if (st == ET_OK)
        st = add_shared(state, "world", "common", arena, err);
    return st == ET_OK ? add_shared(state, "world", "litter", arena, err) : st;
}

enum et_status et_world_digest(const struct et_world_options *options, struct et_digest *digest,
                               struct et_err *err)
{
    struct et_arena *arena = NULL;
    struct et_blake2b state;
    et_blake2b_begin(&state);
    enum et_status st = et_arena_open(&arena, ARENA_BYTES, err);
    if (st == ET_OK)
        st = add_all(&state, options, arena, err);
    *digest = et_blake2b_end(&state);
    et_arena_close(arena);
    return st;
}
