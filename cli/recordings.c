/* Recordings of a folder: which there are, and a page of them. */
#include "cli.h"

#include "etude/file.h"
#include "etude/recording.h"
#include "etude/rosbag2.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 16

enum et_status cli_recordings_add(struct cli_recordings *found, const char *path,
                                  struct et_err *err)
{
    if (found->n == found->cap) {
        const size_t cap = found->cap ? 2 * found->cap : 64;
        const char **items = et_arena_array(found->arena, cap, sizeof *items);
        if (!items)
            return et_arena_fail(found->arena, "the list of recordings", err);
        if (found->n > 0)
            memcpy(items, found->items, found->n * sizeof *items);
        found->items = items;
        found->cap = cap;
    }
    found->items[found->n++] = path;
    return ET_OK;
}

/* A folder of MCAP or SQLite files without metadata.yaml may be a bag whose recorder was killed, or
 * a folder that somebody put recordings into. Taken as one bag, strangers would be mixed. */
bool cli_is_one_recording(const char *path)
{
    char metadata[ET_PATH_BYTES_MAX];
    enum et_path_kind kind;
    if (!et_recording_knows(path))
        return false;
    if (et_path_kind(path, &kind, NULL) != ET_OK || kind != ET_PATH_DIR ||
        !et_rosbag2_is_recording(path))
        return true;
    const int n = snprintf(metadata, sizeof metadata, "%s/metadata.yaml", path);
    return n > 0 && (size_t)n < sizeof metadata && et_path_kind(metadata, &kind, NULL) == ET_OK &&
           kind == ET_PATH_FILE;
}

/* Files that are called recordings and are none are not passed over: opening them says why. */
static bool is_called_recording(const char *path)
{
    static const char *const ENDS[] = {".mcap", ".bag", ".db3", ".hdf5", ".h5"};
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++)
        if (et_str_ends(et_str(path), ENDS[i]))
            return true;
    return false;
}

static bool is_fatal(enum et_status status)
{
    return status == ET_ENOMEM || status == ET_ELIMIT;
}

/* A folder is searched level by level; one that is a recording itself is not gone into, and one
 * that cannot be read is told. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as folders are, DEPTH_MAX at most
static enum et_status search(const struct cli_args *args, const char *folder, int depth,
                             struct cli_recordings *found, struct et_err *err)
{
    const char *const *names;
    size_t n;
    enum et_status st = et_dir_list(folder, found->arena, &names, &n, err);
    if (st != ET_OK && !is_fatal(st)) {
        if (args)
            (void)cli_fail(args, err);
        found->n_failed++;
        return ET_OK;
    }
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        enum et_path_kind kind = ET_PATH_NONE;
        if (names[i][0] == '.' || et_str_ends(et_str(names[i]), ET_FILE_PART_SUFFIX))
            continue;
        const char *path = et_path_join(found->arena, folder, names[i]);
        if (!path)
            return et_arena_fail(found->arena, "the list of recordings", err);
        if (et_path_kind(path, &kind, NULL) != ET_OK)
            continue; // gone meanwhile
        if (cli_is_one_recording(path) || (kind == ET_PATH_FILE && is_called_recording(path)))
            st = cli_recordings_add(found, path, err);
        else if (depth < DEPTH_MAX && kind == ET_PATH_DIR)
            st = search(args, path, depth + 1, found, err);
    }
    return st;
}

enum et_status cli_recordings_find(const struct cli_args *args, const char *folder,
                                   struct cli_recordings *found, struct et_err *err)
{
    return search(args, folder, 1, found, err);
}

/* ---- a page of them ---- */

struct page {
    const struct cli_args *args;
    const char *folder;
    struct cli_table table;
    struct cli_json json;
    size_t n_failed;
};

static const char *under(const char *folder, const char *path)
{
    const size_t n = strlen(folder);
    if (strncmp(path, folder, n) != 0)
        return path;
    return path + n + strspn(path + n, "/");
}

static void put_row(struct page *page, const char *path, const struct et_recording_info *info)
{
    const double duration_s = (double)(info->end_ns - info->start_ns) * 1e-9;
    if (!page->args->is_json) {
        cli_cell(&page->table, "%s", under(page->folder, path));
        cli_cell(&page->table, "%s", info->format);
        cli_cell(&page->table, "%.1f", duration_s);
        cli_cell(&page->table, "%.1f", (double)info->n_bytes * 1e-6);
        return;
    }
    struct et_json_writer *w = &page->json.w;
    et_json_open_map(w);
    et_json_put_text(w, "path", path);
    et_json_put_text(w, "format", info->format);
    et_json_put_int(w, "bytes", info->n_bytes);
    et_json_put_int(w, "start_ns", info->start_ns);
    et_json_put_int(w, "end_ns", info->end_ns);
    et_json_put_text(w, "task", info->task);
    et_json_close_map(w);
}

static void put_recording(struct page *page, const char *path)
{
    struct et_err err = {0};
    struct et_recording *recording = NULL;
    if (et_recording_open(&recording, path, NULL, &err) == ET_OK) {
        put_row(page, path, et_recording_info(recording));
    } else {
        (void)cli_fail(page->args, &err);
        page->n_failed++;
    }
    et_recording_close(recording);
}

int cli_info_recordings(const struct cli_args *args, const struct cli_recordings *found,
                        const char *folder)
{
    struct page page = {.args = args, .folder = folder, .n_failed = found->n_failed};
    if (args->is_json) {
        cli_json_open(&page.json, "info");
        et_json_put_text(&page.json.w, "kind", "recordings");
        et_json_put_text(&page.json.w, "path", folder);
        et_json_key(&page.json.w, "recordings");
        et_json_open_list(&page.json.w);
    } else {
        cli_table_open(&page.table, found->arena, "recording|format|>seconds|>MB");
    }
    for (size_t i = 0; i < found->n; i++)
        put_recording(&page, found->items[i]);
    int code = page.n_failed ? CLI_FAILED : CLI_DONE;
    if (args->is_json) {
        et_json_close_list(&page.json.w);
        const int printed = cli_json_print(&page.json, args);
        return printed == CLI_DONE ? code : printed;
    }
    printf("%s: a folder of %zu recording%s\n\n", folder, found->n, cli_s(found->n));
    cli_table_print(&page.table);
    printf("\netude info on one of them shows its topics and streams\n");
    return code;
}
