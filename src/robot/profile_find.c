#include "robot/robot__profile.h"

#include "etude/share.h"

#include <assert.h>

#define GENERIC "generic"

static const struct et_share_kind PROFILES = {
    .folder = "profiles", .suffix = ".yaml", .what = "profile"};

static bool is_for(const struct et_profile *profile, const char *robot_type)
{
    for (size_t i = 0; i < profile->n_robot_types; i++)
        if (strcmp(profile->robot_types[i], robot_type) == 0)
            return true;
    return false;
}

/* The first profile that names the robot type; *profile is NULL when none does. */
static enum et_status find_for(const char *robot_type, struct et_arena *arena,
                               const struct et_profile **profile, struct et_err *err)
{
    const struct et_share_file *files;
    size_t n;
    enum et_status st = et_share_list(&PROFILES, arena, &files, &n, err);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        const struct et_arena_mark mark = et_arena_mark(arena);
        st = et_profile_load(files[i].path, arena, profile, err);
        if (st == ET_OK && is_for(*profile, robot_type))
            return ET_OK;
        *profile = NULL;
        et_arena_rewind(arena, mark);
    }
    return st;
}

enum et_status et_profile_list(struct et_arena *arena, const struct et_share_file **files,
                               size_t *n_files, struct et_err *err)
{
    return et_share_list(&PROFILES, arena, files, n_files, err);
}

enum et_status et_profile_find(const char *wanted, const char *robot_type, struct et_arena *arena,
                               const struct et_profile **profile, struct et_err *err)
{
    const char *path;

    assert(arena && profile);
    *profile = NULL;
    if (wanted && (strchr(wanted, '/') || et_str_ends(et_str(wanted), PROFILES.suffix)))
        return et_profile_load(wanted, arena, profile, err);
    if (!wanted && robot_type) {
        const enum et_status st = find_for(robot_type, arena, profile, err);
        if (st != ET_OK || *profile)
            return st;
    }
    const enum et_status st =
        et_share_find(&PROFILES, wanted ? wanted : GENERIC, arena, &path, err);
    return st == ET_OK ? et_profile_load(path, arena, profile, err) : st;
}
