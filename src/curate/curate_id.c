/* The id of a recording that is curated: the recorder's own, so that a person finds the file by it.
 */
#include "curate/curate__align.h"
#include "curate/curate__cut.h"

#include "etude/file.h"
#include "etude/hash.h"
#include "etude/json.h"

#define ACCOUNT_BYTES_MAX ((size_t)64 << 20)
#define ARENA_BYTES ((size_t)1 << 30)

static const char *own_id(const struct et_recording_info *info)
{
    for (size_t i = 0; i < info->n_metadata; i++)
        if (strcmp(info->metadata[i].key, "etude.run.id") == 0 && et_id_is(info->metadata[i].value))
            return info->metadata[i].value;
    return NULL;
}

// What was curated under that id has these bytes, as far as is known.
static bool is_same(const char *folder, const char *content)
{
    struct et_arena *arena = NULL;
    const struct et_value *account;
    bool is_same_content = true;
    if (et_arena_open(&arena, ARENA_BYTES, NULL) != ET_OK)
        return true;
    const char *path = et_path_join(arena, folder, "recording.json");
    if (path && et_json_read(path, ACCOUNT_BYTES_MAX, NULL, arena, &account, NULL) == ET_OK)
        is_same_content =
            strcmp(et_value_text(et_value_get(account, "content"), content), content) == 0;
    et_arena_close(arena);
    return is_same_content;
}

static enum et_status is_there(const char *out, const char *id, struct et_arena *arena,
                               const char **folder, bool *answer, struct et_err *err)
{
    enum et_path_kind kind = ET_PATH_NONE;
    *folder = et_path_join(arena, out, id);
    if (!*folder)
        return et_arena_fail(arena, "a folder of episodes", err);
    const enum et_status st = et_path_kind(*folder, &kind, err);
    *answer = kind != ET_PATH_NONE;
    return st;
}

enum et_status et__curate_id(struct et_recording *recording, const char *out,
                             struct et_arena *arena, struct et_curated *curated, struct et_err *err)
{
    const char *folder, *own = own_id(et_recording_info(recording));
    bool has_content = false, has_own = false;
    enum et_status st = et_recording_id(recording, curated->content, err);
    memcpy(curated->id, curated->content, sizeof curated->id);
    if (st == ET_OK)
        st = is_there(out, curated->content, arena, &folder, &has_content, err);
    // Curated before recordings were known by the recorder's id: it keeps the one that it has.
    if (st != ET_OK || !own || has_content)
        return st;
    st = is_there(out, own, arena, &folder, &has_own, err);
    // A copy that was changed says the same of itself, and is another recording.
    if (st == ET_OK && (!has_own || is_same(folder, curated->content)))
        memcpy(curated->id, own, sizeof curated->id);
    return st;
}
