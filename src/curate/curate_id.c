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

#define APART_CHARS 48 // behind the id, in a folder's name

/* What lies in a folder already, as far as is known. */
struct place {
    bool is_there;
    bool is_other_content;   // it is of other bytes
    bool is_of, is_of_other; // the devices, where both say some
};

static enum et_status look(const char *out, const char *name, const struct et_curated *curated,
                           struct place *place, struct et_err *err)
{
    struct et_arena *arena = NULL;
    const struct et_value *account;
    enum et_path_kind kind = ET_PATH_NONE;
    *place = (struct place){0};
    enum et_status st = et_arena_open(&arena, ARENA_BYTES, err);
    const char *folder = st == ET_OK ? et_path_join(arena, out, name) : NULL;
    if (st == ET_OK)
        st = folder ? et_path_kind(folder, &kind, err)
                    : et_arena_fail(arena, "a folder of episodes", err);
    const char *path = kind != ET_PATH_NONE ? et_path_join(arena, folder, "recording.json") : NULL;
    place->is_there = kind != ET_PATH_NONE;
    if (path && et_json_read(path, ACCOUNT_BYTES_MAX, NULL, arena, &account, NULL) == ET_OK) {
        const char *content = et_value_text(et_value_get(account, "content"), curated->content);
        const char *device = et_value_text(et_value_get(account, "device"), NULL);
        const bool has_both = device && curated->device;
        place->is_other_content = strcmp(content, curated->content) != 0;
        place->is_of = has_both && strcmp(device, curated->device) == 0;
        place->is_of_other = has_both && !place->is_of;
    }
    et_arena_close(arena);
    return st;
}

/* Names of devices as a part of a folder's name; what is left out of them is in a hash behind it.
 * NULL: the arena is full. */
static const char *apart_of(const char *devices, struct et_arena *arena)
{
    char text[APART_CHARS + 1];
    const size_t n = strlen(devices);
    bool is_whole = n > 0 && n <= APART_CHARS && !et_str_ends(et_str(devices), ET_FILE_PART_SUFFIX);
    size_t i = 0;
    for (; i < n && i < APART_CHARS; i++) {
        const char a = devices[i];
        const bool is_plain = (a >= 'a' && a <= 'z') || (a >= 'A' && a <= 'Z') ||
                              (a >= '0' && a <= '9') || strchr("._-@", a);
        text[i] = is_plain ? a : '-';
        if (a == ',')
            text[i] = '+';
        is_whole = is_whole && (is_plain || a == ',');
    }
    text[i] = '\0';
    return is_whole ? et_arena_printf(arena, ".%s", text)
                    : et_arena_printf(arena, ".%s-%08x", text,
                                      (unsigned)(et_hash64(devices, n) & 0xffffffff));
}

/* By which id: by that of the content where it was curated before recordings were known by the
 * recorder's; a copy that was changed says the recorder's of itself, and is another recording. */
static enum et_status choose_id(const char *own, const char *apart, const char *out,
                                struct et_arena *arena, struct et_curated *curated,
                                struct et_err *err)
{
    struct place place;
    curated->folder = et_arena_printf(arena, "%s%s", curated->content, apart);
    const char *by_own = own ? et_arena_printf(arena, "%s%s", own, apart) : curated->folder;
    memcpy(curated->id, curated->content, sizeof curated->id);
    if (!curated->folder || !by_own)
        return et_arena_fail(arena, "a folder of episodes", err);
    enum et_status st = look(out, curated->folder, curated, &place, err);
    if (st != ET_OK || !own || place.is_there)
        return st;
    st = look(out, by_own, curated, &place, err);
    if (st == ET_OK && !place.is_other_content) {
        memcpy(curated->id, own, sizeof curated->id);
        curated->folder = by_own;
    }
    return st;
}

/* What was curated before devices had folders of their own keeps the one that it has. */
static enum et_status mind_devices(const char *own, const char *out, struct et_arena *arena,
                                   struct et_curated *curated, const char **apart,
                                   struct et_err *err)
{
    const char *const ids[] = {curated->content, own};
    for (size_t i = 0; i < 2 && curated->device; i++) {
        struct place place = {0};
        const enum et_status st = ids[i] ? look(out, ids[i], curated, &place, err) : ET_OK;
        if (st != ET_OK)
            return st;
        if (place.is_there && !place.is_other_content && place.is_of)
            *apart = "";
        if (place.is_there && !place.is_other_content && place.is_of_other && !**apart)
            *apart = apart_of(curated->device, arena);
        if (!*apart)
            break;
    }
    return *apart ? ET_OK : et_arena_fail(arena, "a folder of episodes", err);
}

enum et_status et__curate_id(struct et_recording *recording, const char *out,
                             struct et_arena *arena, struct et_curated *curated, struct et_err *err)
{
    const char *own = own_id(et_recording_info(recording));
    const char *devices = et_recording_binding(recording)->apart;
    const char *apart = devices ? apart_of(devices, arena) : "";
    enum et_status st = apart ? et_recording_id(recording, curated->content, err)
                              : et_arena_fail(arena, "a folder of episodes", err);
    if (st == ET_OK)
        st = mind_devices(own, out, arena, curated, &apart, err);
    return st == ET_OK ? choose_id(own, apart, out, arena, curated, err) : st;
}
