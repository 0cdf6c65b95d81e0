#include "robot/robot__profile.h"

#include "etude/file.h"
#include "robot/robot__folder.h"

#include <assert.h>
#include <stdlib.h>

#define SUFFIX ".yaml"
#define GENERIC "generic"
enum { N_FOLDERS_MAX = 2 };

/* Where profiles are looked for, in this order. */
struct folders {
    const char *paths[N_FOLDERS_MAX];
    size_t n;
};

static enum et_status list_folders(struct et_arena *arena, struct folders *folders,
                                   struct et_err *err)
{
    const char *share = getenv("ETUDE_SHARE");
    folders->n = 0;
    if (share && *share) {
        const char *path = et_path_join(arena, share, "profiles");
        if (!path)
            return et_arena_fail(arena, "the folder of profiles", err);
        folders->paths[folders->n++] = path;
    }
    folders->paths[folders->n++] = ET__PROFILE_FOLDER;
    return ET_OK;
}

/* Names of files in a folder of profiles; none when there is no such folder. */
static enum et_status list_names(const char *folder, struct et_arena *arena,
                                 const char *const **names, size_t *n, struct et_err *err)
{
    *names = NULL;
    *n = 0;
    const enum et_status st = et_dir_list(folder, arena, names, n, err);
    return st == ET_ENOTFOUND ? ET_OK : st;
}

static bool is_profile_name(const char *name)
{
    return et_str_ends(et_str(name), SUFFIX);
}

/* Loads folder/id.yaml; ET_ENOTFOUND when no folder has it. */
static enum et_status load_by_id(const struct folders *folders, const char *id,
                                 struct et_arena *arena, const struct et_profile **profile,
                                 struct et_err *err)
{
    for (size_t i = 0; i < folders->n; i++) {
        const char *path = et_arena_printf(arena, "%s/%s%s", folders->paths[i], id, SUFFIX);
        if (!path)
            return et_arena_fail(arena, "a profile's path", err);
        const enum et_status st = et_profile_load(path, arena, profile, err);
        if (st != ET_ENOTFOUND)
            return st;
    }
    return ET_ENOTFOUND;
}

static bool is_for(const struct et_profile *profile, const char *robot_type)
{
    for (size_t i = 0; i < profile->n_robot_types; i++)
        if (strcmp(profile->robot_types[i], robot_type) == 0)
            return true;
    return false;
}

/* The first profile of a folder that names the robot type; *profile is NULL when none does. */
static enum et_status search_folder(const char *folder, const char *robot_type,
                                    struct et_arena *arena, const struct et_profile **profile,
                                    struct et_err *err)
{
    const char *const *names;
    size_t n;
    enum et_status st = list_names(folder, arena, &names, &n, err);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        if (!is_profile_name(names[i]))
            continue;
        const struct et_arena_mark mark = et_arena_mark(arena);
        const char *path = et_path_join(arena, folder, names[i]);
        if (!path)
            return et_arena_fail(arena, "a profile's path", err);
        st = et_profile_load(path, arena, profile, err);
        if (st == ET_OK && is_for(*profile, robot_type))
            return ET_OK;
        *profile = NULL;
        et_arena_rewind(arena, mark);
    }
    return st;
}

/* A folder hides the profiles of the same name in the folders behind it. */
static bool is_hidden(const struct folders *folders, size_t i_folder, const char *name,
                      struct et_arena *arena)
{
    for (size_t i = 0; i < i_folder; i++) {
        enum et_path_kind kind = ET_PATH_NONE;
        const char *path = et_path_join(arena, folders->paths[i], name);
        if (path && et_path_kind(path, &kind, NULL) == ET_OK && kind == ET_PATH_FILE)
            return true;
    }
    return false;
}

/* "no profile "x": there are generic, unitree-g1". */
static enum et_status fail_unknown(const struct folders *folders, const char *wanted,
                                   struct et_arena *arena, struct et_err *err)
{
    struct et_buf ids = et_buf(ET_ERR_TEXT_BYTES);
    for (size_t f = 0; f < folders->n; f++) {
        const char *const *names;
        size_t n;
        if (list_names(folders->paths[f], arena, &names, &n, NULL) != ET_OK)
            continue;
        for (size_t i = 0; i < n; i++)
            if (is_profile_name(names[i]) && !is_hidden(folders, f, names[i], arena))
                et_buf_printf(&ids, "%s%.*s", ids.n ? ", " : "",
                              (int)(strlen(names[i]) - strlen(SUFFIX)), names[i]);
    }
    ids.status = ET_OK; // a list that is too long is cut
    const enum et_status st =
        et_fail(err, ET_ENOTFOUND, -1, "no profile \"%.64s\" in %.96s: there are %s", wanted,
                folders->paths[0], ids.n ? et_buf_text(&ids) : "none");
    et_buf_free(&ids);
    return st;
}

enum et_status et_profile_find(const char *wanted, const char *robot_type, struct et_arena *arena,
                               const struct et_profile **profile, struct et_err *err)
{
    assert(arena && profile);
    struct folders folders = {0};
    *profile = NULL;
    if (wanted && (strchr(wanted, '/') || is_profile_name(wanted)))
        return et_profile_load(wanted, arena, profile, err);

    enum et_status st = list_folders(arena, &folders, err);
    if (st != ET_OK)
        return st;
    if (!wanted && robot_type) {
        for (size_t i = 0; i < folders.n && !*profile; i++)
            if ((st = search_folder(folders.paths[i], robot_type, arena, profile, err)) != ET_OK)
                return st;
        if (*profile)
            return ET_OK;
    }
    const char *id = wanted ? wanted : GENERIC;
    st = et_name_is_own(et_str(id)) ? load_by_id(&folders, id, arena, profile, err) : ET_ENOTFOUND;
    return st == ET_ENOTFOUND ? fail_unknown(&folders, id, arena, err) : st;
}
