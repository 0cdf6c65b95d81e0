#include "etude/share.h"

#include "etude/file.h"
#include "etude/str.h"

#include <assert.h>
#include <stdlib.h>

#define PLACES_BYTES 160  // of the folders that a message names
#define ID_BYTES 64       // of the id that is not there
#define IDS_MORE_BYTES 24 // ", " and " and 1234 more"
#define CONTEXT_BYTES 32  // what is said before and behind the message

/* Where files of the kind are looked for: n folders; NULL when the arena is full. */
static const char *const *list_folders(const struct et_share_kind *kind, struct et_arena *arena,
                                       size_t *n)
{
    const char *own = getenv("ETUDE_SHARE");
    const size_t n_own_max = own ? strlen(own) / 2 + 1 : 0;
    const char **folders = et_arena_array(arena, n_own_max + 1, sizeof *folders);

    *n = 0;
    while (folders && own && *own) {
        const size_t length = strcspn(own, ":");
        const char *share = et_arena_copy(arena, own, length);
        if (length > 0 && (!share || !(folders[(*n)++] = et_path_join(arena, share, kind->folder))))
            return NULL;
        own += length + (own[length] == ':');
    }
    if (!folders || !(folders[*n] = et_path_join(arena, ET_SHARE_DIR, kind->folder)))
        return NULL;
    // An installed program has named its own already.
    if (*n == 0 || strcmp(folders[*n], folders[*n - 1]) != 0)
        (*n)++;
    return folders;
}

/* An id is one name, never a way out of the folder. */
static bool is_id(struct et_str id)
{
    return et_name_is_own(id) && id.p[0] != '.';
}

static bool is_listed(const struct et_share_file *files, size_t n, struct et_str id)
{
    for (size_t i = 0; i < n; i++)
        if (et_str_eq(et_str(files[i].id), id))
            return true;
    return false;
}

/* The id of what lies in a kind's folder by this name: without the suffix, or the whole name where
 * the id is a folder. False: it is of another kind. */
static bool id_of(const struct et_share_kind *kind, const char *name, struct et_str *id)
{
    *id = et_str(name);
    if (kind->suffix[0] == '/')
        return is_id(*id);
    if (!et_str_ends(*id, kind->suffix))
        return false;
    id->n -= strlen(kind->suffix);
    return true;
}

static const char *path_of(const struct et_share_kind *kind, const char *folder, struct et_str id,
                           struct et_arena *arena)
{
    return et_arena_printf(arena, "%s/%.*s%s", folder, ET_STR_ARG(id), kind->suffix);
}

/* What lies in a folder. */
struct listing {
    const char *const *names;
    size_t n;
};

/* Appends the files of one folder to *n of them; `files` has room. */
static enum et_status take(const struct et_share_kind *kind, const char *folder,
                           const struct listing *listing, struct et_arena *arena,
                           struct et_share_file *files, size_t *n)
{
    const size_t n_before = *n;
    for (size_t i = 0; i < listing->n; i++) {
        struct et_str id;
        if (!id_of(kind, listing->names[i], &id) || is_listed(files, n_before, id))
            continue;
        enum et_path_kind found = ET_PATH_NONE;
        files[*n].id = et_arena_copy(arena, id.p, id.n);
        files[*n].path = path_of(kind, folder, id, arena);
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
    size_t n_folders, n_all = 0;

    *files = NULL;
    *n_files = 0;
    const char *const *folders = list_folders(kind, arena, &n_folders);
    struct listing *listings = et_arena_array(arena, n_folders, sizeof *listings);
    if (!folders || !listings)
        return et_arena_fail(arena, kind->folder, err);
    for (size_t f = 0; f < n_folders; f++) {
        struct listing *l = &listings[f];
        const enum et_status st = et_dir_list(folders[f], arena, &l->names, &l->n, err);
        if (st == ET_ENOTFOUND)
            l->n = 0;
        else if (st != ET_OK)
            return st;
        n_all += l->n;
    }
    struct et_share_file *list = et_arena_array(arena, n_all, sizeof *list);
    if (!list)
        return et_arena_fail(arena, kind->folder, err);
    for (size_t f = 0; f < n_folders; f++)
        if (take(kind, folders[f], &listings[f], arena, list, n_files) != ET_OK)
            return et_arena_fail(arena, kind->folder, err);
    *files = list;
    return ET_OK;
}

/* The id that was meant, where a quarter of its letters at most are others. */
static const char *find_meant(const char *id, const struct et_share_file *files, size_t n)
{
    const char *meant = NULL;
    size_t least = strlen(id) / 4 + 1;
    for (size_t i = 0; i < n && is_id(et_str(id)); i++) {
        const size_t distance = et_str_distance(et_str(id), et_str(files[i].id));
        if (distance < least) {
            least = distance;
            meant = files[i].id;
        }
    }
    return meant;
}

/* "there are a, b, c and 28 more": whole ids, as many as have room. */
static void put_ids(struct et_buf *text, const struct et_share_file *files, size_t n,
                    size_t n_bytes)
{
    size_t i = 0;
    et_buf_puts(text, n ? "there are " : "there are none");
    for (; i < n && text->n + strlen(files[i].id) + IDS_MORE_BYTES <= n_bytes; i++)
        et_buf_printf(text, "%s%s", i ? ", " : "", files[i].id);
    if (i < n)
        et_buf_printf(text, "%s%zu%s", i ? " and " : "", n - i, i ? " more" : "");
}

/* What to do instead: the folder, the id that was meant, or those there are. */
static void put_advice(struct et_buf *text, const struct et_share_kind *kind, const char *id,
                       struct et_arena *arena, size_t n_bytes)
{
    enum et_path_kind found = ET_PATH_NONE;
    const struct et_share_file *files;
    size_t n;
    const bool can_be_folder = kind->suffix[0] == '/' && is_id(et_str(id));
    const char *file = can_be_folder ? path_of(kind, ".", et_str(id), arena) : NULL;
    if (file && et_path_kind(file, &found, NULL) == ET_OK && found == ET_PATH_FILE) {
        et_buf_printf(text, "a folder needs a /: ./%s", id);
        return;
    }
    if (et_share_list(kind, arena, &files, &n, NULL) != ET_OK)
        n = 0;
    const char *meant = find_meant(id, files, n);
    if (meant)
        et_buf_printf(text, "the nearest is %s", meant);
    else
        put_ids(text, files, n, n_bytes);
}

// "no profile "x" in mine/profiles, /usr/share/etude/profiles: there are generic, unitree-g1".
static enum et_status fail_unknown(const struct et_share_kind *kind, const char *id,
                                   const char *const *folders, size_t n_folders,
                                   struct et_arena *arena, struct et_err *err)
{
    struct et_buf advice = et_buf(ET_ERR_TEXT_BYTES), places = et_buf(ET_ERR_TEXT_BYTES);

    for (size_t f = 0; f < n_folders; f++)
        et_buf_printf(&places, "%s%s", f ? ", " : "", folders[f]);
    places.status = ET_OK; // a list that is too long is cut
    const size_t n_places = places.n < PLACES_BYTES ? places.n : PLACES_BYTES;
    const size_t n_id = strlen(id) < ID_BYTES ? strlen(id) : ID_BYTES;
    put_advice(&advice, kind, id, arena,
               ET_ERR_TEXT_BYTES - strlen("no  \"\" in …: ") - strlen(kind->what) - n_id -
                   n_places - CONTEXT_BYTES);
    const enum et_status st =
        et_fail(err, ET_ENOTFOUND, -1, "no %s \"%.*s\" in %.*s%s: %s", kind->what, ID_BYTES, id,
                PLACES_BYTES, places.n ? et_buf_text(&places) : "",
                places.n > PLACES_BYTES ? "…" : "", et_buf_text(&advice));
    et_buf_free(&advice);
    et_buf_free(&places);
    return st;
}

enum et_status et_share_find(const struct et_share_kind *kind, const char *id,
                             struct et_arena *arena, const char **path, struct et_err *err)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    size_t n;

    assert(kind && id && arena && path);
    *path = NULL;
    const char *const *folders = list_folders(kind, arena, &n);
    if (!folders)
        return et_arena_fail(arena, kind->folder, err);
    for (size_t f = 0; f < n && is_id(et_str(id)); f++) {
        enum et_path_kind found = ET_PATH_NONE;
        const char *file = path_of(kind, folders[f], et_str(id), arena);
        if (!file)
            return et_arena_fail(arena, kind->folder, err);
        if (et_path_kind(file, &found, NULL) == ET_OK && found == ET_PATH_FILE) {
            *path = file;
            return ET_OK;
        }
    }
    const enum et_status st = fail_unknown(kind, id, folders, n, arena, err);
    et_arena_rewind(arena, mark);
    return st;
}
