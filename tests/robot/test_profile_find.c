#include "etude/profile.h"

#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>

#define ARENA_BYTES ((size_t)8 << 20)

static struct et_err err;

static void write_profile(const char *name, const char *robot_types)
{
    char path[600], text[400];
    const int n = snprintf(
        text, sizeof text,
        "{profile: 1, maker: a, model: b, robot_types: [%s], parts: {}, rules: []}\n", robot_types);
    (void)snprintf(path, sizeof path, "%s/%s", temp_path("share/profiles"), name);
    write_file(path, text, (size_t)n);
}

/* A folder of three profiles, and something that is none. */
static void make_folder(void)
{
    (void)mkdir(temp_path("share"), 0777);
    (void)mkdir(temp_path("share/profiles"), 0777);
    write_profile("acme-one.yaml", "acme_one, acme_1");
    write_profile("acme-two.yaml", "acme_two");
    write_profile("generic.yaml", "");
    write_profile("notes.txt", "acme_notes");
    CHECK_EQ(setenv("ETUDE_SHARE", temp_path("share"), 1), 0);
}

static enum et_status find(const char *wanted, const char *robot_type, char id[64])
{
    struct et_arena *arena;
    const struct et_profile *profile = NULL;
    err = (struct et_err){0};
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    const enum et_status st = et_profile_find(wanted, robot_type, arena, &profile, &err);
    CHECK((st == ET_OK) == (profile != NULL));
    (void)snprintf(id, 64, "%s", profile ? profile->id : "");
    et_arena_close(arena);
    return st;
}

static void finds_by_robot_type_and_else_the_generic_one(void)
{
    char id[64];
    make_folder();
    CHECK_OK(find(NULL, "acme_two", id));
    CHECK_STR(id, "acme-two");
    CHECK_OK(find(NULL, "acme_1", id));
    CHECK_STR(id, "acme-one");
    CHECK_OK(find(NULL, "Acme_1", id));
    CHECK_STR(id, "generic");
    CHECK_OK(find(NULL, "acme_notes", id));
    CHECK_STR(id, "generic");
    CHECK_OK(find(NULL, NULL, id));
    CHECK_STR(id, "generic");
}

static void finds_what_is_wanted_whatever_the_robot_type(void)
{
    char id[64], path[600];
    make_folder();
    CHECK_OK(find("acme-one", "acme_two", id));
    CHECK_STR(id, "acme-one");
    (void)snprintf(path, sizeof path, "%s/acme-two.yaml", temp_path("share/profiles"));
    CHECK_OK(find(path, NULL, id));
    CHECK_STR(id, "acme-two");
}

static void lists_what_there_is_when_the_wanted_is_not(void)
{
    char id[64];
    make_folder();
    CHECK_EQ(find("acme-three", NULL, id), ET_ENOTFOUND);
    CHECK_HAS(err.text, "no profile \"acme-three\"");
    CHECK_HAS(err.text, "acme-one, acme-two, generic");
    CHECK_EQ(find("Über Robot", NULL, id), ET_ENOTFOUND);
    CHECK_EQ(find("", NULL, id), ET_ENOTFOUND);
    CHECK_EQ(find("./nowhere.yaml", NULL, id), ET_ENOTFOUND);
    CHECK_HAS(err.text, "nowhere.yaml");
}

static void names_a_broken_profile_that_stands_in_the_way(void)
{
    char id[64], path[600];
    make_folder();
    (void)snprintf(path, sizeof path, "%s/aaa.yaml", temp_path("share/profiles"));
    write_file(path, "profile: 1\n", 11);
    CHECK_EQ(find(NULL, "acme_two", id), ET_ECORRUPT);
    CHECK_HAS(err.text, "aaa.yaml:1:1: ");
    CHECK_EQ(remove(path), 0);
}

static void says_when_there_is_no_folder(void)
{
    char id[64];
    CHECK_EQ(setenv("ETUDE_SHARE", temp_path("nowhere"), 1), 0);
    const enum et_status st = find(NULL, "acme_two", id);
    // An installed share/etude/profiles may have a generic one.
    CHECK(st == ET_ENOTFOUND || (st == ET_OK && strcmp(id, "generic") == 0));
    if (st == ET_ENOTFOUND)
        CHECK_HAS(err.text, "there are none");
}

int main(void)
{
    RUN(finds_by_robot_type_and_else_the_generic_one);
    RUN(finds_what_is_wanted_whatever_the_robot_type);
    RUN(lists_what_there_is_when_the_wanted_is_not);
    RUN(names_a_broken_profile_that_stands_in_the_way);
    RUN(says_when_there_is_no_folder);
    return tap_end();
}
