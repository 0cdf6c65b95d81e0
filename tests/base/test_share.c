/* Shared files by name: which folder wins, and what is said of a name that is not there. */
#include "etude/share.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>

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
        CHECK_HAS(err.text, "share/things: there are ");
        CHECK_HAS(err.text, "one, two");
    }
    et_arena_close(arena);
}

static void says_when_memory_ends(void)
{
    const struct et_share_file *files;
    const char *path;
    size_t n;
    begin();
    et_arena_close(arena);
    CHECK_OK(et_arena_open(&arena, 64, &err));
    CHECK_EQ(et_share_list(&THINGS, arena, &files, &n, &err), ET_ELIMIT);
    CHECK_EQ(et_share_find(&THINGS, "two", arena, &path, &err), ET_ELIMIT);
    et_arena_close(arena);
}

int main(void)
{
    RUN(lists_files_of_a_kind_by_name);
    RUN(finds_one_or_says_which_there_are);
    RUN(says_when_memory_ends);
    return tap_end();
}
