/* Shared files by name: which folder wins, and what is said of a name that is not there. */
#include "etude/share.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct et_share_kind THINGS = {.folder = "things", .suffix = ".yaml", .what = "thing"};

static struct et_err err;
static struct et_arena *arena;

static void begin(void)
{
    err = (struct et_err){0};
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    (void)mkdir(temp_path("share"), 0777);
    (void)mkdir(temp_path("share/things"), 0777);
    (void)mkdir(temp_path("share/things/folder.yaml"), 0777);
    write_file(temp_path("share/things/two.yaml"), "2", 1);
    write_file(temp_path("share/things/one.yaml"), "1", 1);
    write_file(temp_path("share/things/notes.txt"), "", 0);
    CHECK_EQ(setenv("ETUDE_SHARE", temp_path("share"), 1), 0);
}

static void lists_files_of_a_kind_by_name(void)
{
    const struct et_share_file *files;
    size_t n;
    begin();
    CHECK_OK(et_share_list(&THINGS, arena, &files, &n, &err));
    CHECK_EQ(n, 2);
    CHECK_STR(files[0].id, "one");
    CHECK_HAS(files[0].path, "share/things/one.yaml");
    CHECK_STR(files[1].id, "two");
    CHECK_EQ(setenv("ETUDE_SHARE", temp_path("nowhere"), 1), 0);
    CHECK_OK(et_share_list(&THINGS, arena, &files, &n, &err));
    CHECK_EQ(n, 0);
    et_arena_close(arena);
}

static void finds_one_or_says_which_there_are(void)
{
    static const char *const BAD[] = {"three", "", "../one", "Ünd", "folder", "/etc/passwd"};
    const char *path;
    begin();
    CHECK_OK(et_share_find(&THINGS, "two", arena, &path, &err));
    CHECK_HAS(path, "share/things/two.yaml");
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CHECK_EQ(et_share_find(&THINGS, BAD[i], arena, &path, &err), ET_ENOTFOUND);
        CHECK(path == NULL);
        CHECK_HAS(err.text, "no thing \"");
        CHECK_HAS(err.text, "share/things, ");
        CHECK_HAS(err.text, ": there are ");
        CHECK_HAS(err.text, "one, two");
    }
    et_arena_close(arena);
}

static void knows_kinds_whose_ids_are_folders(void)
{
    static const struct et_share_kind BOXES = {
        .folder = "boxes", .suffix = "/box.yaml", .what = "box"};
    static const char *const BAD[] = {"empty", "..", ".", "", "file", "full/", ".hidden"};
    const struct et_share_file *files;
    const char *path;
    size_t n;
    begin();
    static const char *const FOLDERS[] = {"share/boxes",       "share/boxes/full",
                                          "share/boxes/empty", "share/boxes/.hidden",
                                          "share/boxes/odd",   "share/boxes/odd/box.yaml"};
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        (void)mkdir(temp_path(FOLDERS[i]), 0777);
    write_file(temp_path("share/boxes/full/box.yaml"), "", 0);
    write_file(temp_path("share/boxes/.hidden/box.yaml"), "", 0);
    write_file(temp_path("share/boxes/file"), "", 0);
    write_file(temp_path("share/box.yaml"), "", 0);

    CHECK_OK(et_share_list(&BOXES, arena, &files, &n, &err));
    if (CHECK(n == 1)) {
        CHECK_STR(files[0].id, "full");
        CHECK_HAS(files[0].path, "share/boxes/full/box.yaml");
    }
    CHECK_OK(et_share_find(&BOXES, "full", arena, &path, &err));
    CHECK_HAS(path, "share/boxes/full/box.yaml");
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CHECK_EQ(et_share_find(&BOXES, BAD[i], arena, &path, &err), ET_ENOTFOUND);
        CHECK_HAS(err.text, "there are full");
    }
    et_arena_close(arena);
}

static void says_what_was_meant_or_whole_names(void)
{
    static const struct et_share_kind BOXES = {
        .folder = "boxes", .suffix = "/box.yaml", .what = "box"};
    char name[64];
    const char *path;
    begin();
    (void)mkdir(temp_path("share/boxes"), 0777);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "share/boxes/number-%02d", i);
        (void)mkdir(temp_path(name), 0777);
        (void)snprintf(name, sizeof name, "share/boxes/number-%02d/box.yaml", i);
        write_file(temp_path(name), "", 0);
    }
    CHECK_EQ(et_share_find(&BOXES, "nunber-17", arena, &path, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, ": the nearest is number-17");
    CHECK_EQ(et_share_find(&BOXES, "something-else", arena, &path, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "number-00, number-01");
    const char *more = strstr(err.text, " more");
    CHECK(more && more[5] == 0 && strlen(err.text) < ET_ERR_TEXT_BYTES - 1);

    CHECK_EQ(chdir(temp_path("share/boxes")), 0);
    CHECK_EQ(setenv("ETUDE_SHARE", temp_path("nowhere"), 1), 0);
    CHECK_EQ(et_share_find(&BOXES, "number-17", arena, &path, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, ": a folder needs a /: ./number-17");
    et_arena_close(arena);
}

static void looks_into_folders_in_their_order(void)
{
    const struct et_share_file *files;
    const char *path;
    size_t n;
    begin();
    (void)mkdir(temp_path("mine"), 0777);
    (void)mkdir(temp_path("mine/things"), 0777);
    write_file(temp_path("mine/things/two.yaml"), "22", 2);
    write_file(temp_path("mine/things/zero.yaml"), "0", 1);
    const char *mine = et_arena_printf(arena, "%s/", temp_path("mine"));
    const char *folders =
        et_arena_printf(arena, ":%s::%snowhere:%s:", mine, mine, temp_path("share"));
    CHECK_EQ(setenv("ETUDE_SHARE", folders, 1), 0);
    CHECK_EQ(et_share_find(&THINGS, "three", arena, &path, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "mine/things, ");
    CHECK_HAS(err.text, ": there are two, zero, one");
    CHECK_OK(et_share_find(&THINGS, "two", arena, &path, &err));
    CHECK_HAS(path, "mine/things/two.yaml");
    CHECK_OK(et_share_find(&THINGS, "one", arena, &path, &err));
    CHECK_HAS(path, "share/things/one.yaml");
    CHECK_OK(et_share_list(&THINGS, arena, &files, &n, &err));
    CHECK_EQ(n, 3);
    CHECK_HAS(files[0].path, "mine/things/two.yaml");
    CHECK_HAS(files[1].path, "mine/things/zero.yaml");
    CHECK_HAS(files[2].path, "share/things/one.yaml");
    for (size_t i = 0; i < 3; i++)
        CHECK(!strstr(files[i].path, "//"));
    et_arena_close(arena);
}

static void says_where_it_looked_without_an_environment(void)
{
    static const char *const VALUES[] = {NULL, "", ":", "::"};
    const char *path;
    begin();
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        CHECK_EQ(VALUES[i] ? setenv("ETUDE_SHARE", VALUES[i], 1) : unsetenv("ETUDE_SHARE"), 0);
        CHECK_EQ(et_share_find(&THINGS, "two", arena, &path, &err), ET_ENOTFOUND);
        CHECK_HAS(err.text, "no thing \"two\" in /");
        CHECK_HAS(err.text, "/things: there are none");
    }
    et_arena_close(arena);
}

static void says_when_a_folder_is_none(void)
{
    const struct et_share_file *files;
    size_t n;
    begin();
    (void)mkdir(temp_path("odd"), 0777);
    write_file(temp_path("odd/things"), "", 0);
    CHECK_EQ(setenv("ETUDE_SHARE", temp_path("odd"), 1), 0);
    CHECK_EQ(et_share_list(&THINGS, arena, &files, &n, &err), ET_EIO);
    CHECK_HAS(err.text, "odd/things");
    et_arena_close(arena);
}

static void says_when_memory_ends(void)
{
    const struct et_share_file *files;
    const char *path;
    size_t n;
    begin();
    et_arena_close(arena);
    // However little there is: a result, or the limit, never less.
    size_t n_limits = 0;
    for (size_t limit = 16; limit < 4096; limit += 16) {
        CHECK_OK(et_arena_open(&arena, limit, &err));
        const enum et_status listed = et_share_list(&THINGS, arena, &files, &n, &err);
        CHECK(listed == ET_ELIMIT || (listed == ET_OK && n == 2));
        et_arena_close(arena);
        CHECK_OK(et_arena_open(&arena, limit, &err));
        const enum et_status found = et_share_find(&THINGS, "two", arena, &path, &err);
        CHECK(found == ET_ELIMIT || found == ET_OK);
        n_limits += listed == ET_ELIMIT && found == ET_ELIMIT;
        et_arena_close(arena);
    }
    CHECK(n_limits > 0);
}

int main(void)
{
    RUN(lists_files_of_a_kind_by_name);
    RUN(finds_one_or_says_which_there_are);
    RUN(knows_kinds_whose_ids_are_folders);
    RUN(says_what_was_meant_or_whole_names);
    RUN(looks_into_folders_in_their_order);
    RUN(says_where_it_looked_without_an_environment);
    RUN(says_when_a_folder_is_none);
    RUN(says_when_memory_ends);
    return tap_end();
}
