#include "etude/share.h"

#include "etude/file.h"
#include "etude/str.h"

#include <stdlib.h>

enum { N_FOLDERS_MAX = 2 };

static size_t list_folders(const struct et_share_kind *kind, struct et_arena *arena,
                           const char *folders[N_FOLDERS_MAX])
{
    const char *share = getenv("ETUDE_SHARE");
    size_t n = 0;
    if (share && *share)
        folders[n++] = et_path_join(arena, share, kind->folder);
    folders[n++] = et_path_join(arena, ET_SHARE_DIR, kind->folder);
    return n;
}

static bool is_listed(const struct et_share_file *files, size_t n, struct et_str id)
{
    for (size_t i = 0; i < n; i++)
        if (et_str_eq(et_str(files[i].id), id))
            return true;
    return false;
}

/* Appends the files of one folder to *n of them; `files` has room. */
static enum et_status take(const struct et_share_kind *kind, const char *folder,
                           const char *const *names, size_t n_names, struct et_arena *arena,
                           struct et_share_file *files, size_t *n)
{
    const size_t n_before = *n;
    for (size_t i = 0; i < n_names; i++) {
        struct et_str id = et_str(names[i]);
        if (!et_str_ends(id, kind->suffix))
            continue;
        id.n -= strlen(kind->suffix);
        if (is_listed(files, n_before, id))
            continue;
        enum et_path_kind found = ET_PATH_NONE;
        files[*n].id = et_arena_copy(arena, id.p, id.n);
        files[*n].path = et_path_join(arena, folder, names[i]);
        if (!files[*n].id || !files[*n].path)
            return ET_ENOMEM;
        *n += et_path_kind(files[*n].path, &found, NULL) == ET_OK && found == ET_PATH_FILE;
    }
    return ET_OK;
}

enum et_status et_share_list(const struct et_share_kind *kind, struct et_arena *arena,
                             const struct et_share_file **files, size_t *n_files,
                             struct et_err *err)
{
    const char *folders[N_FOLDERS_MAX];
    const char *const *names[N_FOLDERS_MAX] = {NULL};
    size_t n_names[N_FOLDERS_MAX] = {0}, n_all = 0;

    *files = NULL;
    *n_files = 0;
    const size_t n_folders = list_folders(kind, arena, folders);
    for (size_t f = 0; f < n_folders; f++) {
        const enum et_status st =
            folders[f] ? et_dir_list(folders[f], arena, &names[f], &n_names[f], err) : ET_ENOMEM;
        if (st == ET_ENOMEM)
            return et_arena_fail(arena, kind->folder, err);
        if (st == ET_ENOTFOUND)
            n_names[f] = 0;
        else if (st != ET_OK)
            return st;
        n_all += n_names[f];
    }
    struct et_share_file *list = et_arena_array(arena, n_all, sizeof *list);
    if (!list)
        return et_arena_fail(arena, kind->folder, err);
    for (size_t f = 0; f < n_folders; f++)
        if (take(kind, folders[f], names[f], n_names[f], arena, list, n_files) != ET_OK)
            return et_arena_fail(arena, kind->folder, err);
    *files = list;
    return ET_OK;
}

// "no profile "x" in /usr/share/etude/profiles: there are generic, unitree-g1".
static enum et_status fail_unknown(const struct et_share_kind *kind, const char *id,
                                   const char *folder, struct et_arena *arena, struct et_err *err)
{
    struct et_buf ids = et_buf(ET_ERR_TEXT_BYTES);
    const struct et_share_file *files;
    size_t n;
    if (et_share_list(kind, arena, &files, &n, NULL) != ET_OK)
        n = 0;
    for (size_t i = 0; i < n; i++)
        et_buf_printf(&ids, "%s%s", i ? ", " : "", files[i].id);
    ids.status = ET_OK; // a list that is too long is cut
    const enum et_status st =
        et_fail(err, ET_ENOTFOUND, -1, "no %s \"%.64s\" in %.96s: there are %s", kind->what, id,
                folder, ids.n ? et_buf_text(&ids) : "none");
    et_buf_free(&ids);
    return st;
}

enum et_status et_share_find(const struct et_share_kind *kind, const char *id,
                             struct et_arena *arena, const char **path, struct et_err *err)
{
    const char *folders[N_FOLDERS_MAX];
    const size_t n = list_folders(kind, arena, folders);

    *path = NULL;
    for (size_t f = 0; f < n; f++) {
        enum et_path_kind found = ET_PATH_NONE;
        // An id is one name, never a way out of the folder.
        const char *file = folders[f] && et_name_is_own(et_str(id))
                               ? et_arena_printf(arena, "%s/%s%s", folders[f], id, kind->suffix)
                               : NULL;
        if (!folders[f] || (!file && et_name_is_own(et_str(id))))
            return et_arena_fail(arena, kind->folder, err);
        if (file && et_path_kind(file, &found, NULL) == ET_OK && found == ET_PATH_FILE) {
            *path = file;
            return ET_OK;
        }
    }
    return fail_unknown(kind, id, folders[0], arena, err);
}
