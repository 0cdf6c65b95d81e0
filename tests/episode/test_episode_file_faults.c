/* An episode's folder under a system that fails: every call, one after the other. */
#include "episode_made.h"
#include "etude/file.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

static struct et_err err;

static enum et_status read_it(const char *folder, struct et_episode *episode)
{
    struct et_arena *arena = NULL;
    struct et_episode_facts facts;
    enum et_status st = et_arena_open(&arena, (size_t)16 << 20, &err);
    if (st == ET_OK)
        st = et_episode_read(folder, arena, episode, &facts, &err);
    et_arena_close(arena);
    return st;
}

static void a_folder_is_there_whole_or_not_at_all(void)
{
    const char *folder = temp_path("fault"), *part = temp_path("fault.part");
    struct et_episode episode;
    int n_failed = 0;
    FOR_EACH_FAULT(at)
    {
        err = (struct et_err){0};
        fault_arm(at);
        const enum et_status st = et_episode_write(folder, made_episode(), made_facts(), &err);
        fault_disarm();
        CHECK(st == ET_OK || (err.status == st && err.text[0]));
        n_failed += st != ET_OK;
        // The last step may be done and its sync fail.
        if (st == ET_OK || file_exists(folder)) {
            CHECK_OK(read_it(folder, &episode));
            CHECK_EQ(episode.n_remarks, 1);
            CHECK_OK(et_path_remove(folder, &err));
        }
    }
    CHECK(n_failed > 10);
    CHECK_OK(et_path_remove(part, &err));
}

static void a_full_disk_leaves_nothing(void)
{
    const char *folder = temp_path("full"), *part = temp_path("full.part");
    for (int i = 1; i < 6; i++) {
        fault_only = "pwrite write";
        fault_arm(i);
        const enum et_status st = et_episode_write(folder, made_episode(), made_facts(), &err);
        fault_disarm();
        fault_only = NULL;
        CHECK_EQ(st, ET_EIO);
        CHECK_HAS(err.text, "No space left");
        CHECK(!file_exists(folder) && !file_exists(part));
    }
}

static void reading_is_whole_or_says_why_not(void)
{
    const char *folder = temp_path("read");
    struct et_episode episode;
    CHECK_OK(et_episode_write(folder, made_episode(), made_facts(), &err));
    FOR_EACH_FAULT(at)
    {
        err = (struct et_err){0};
        fault_arm(at);
        const enum et_status st = read_it(folder, &episode);
        fault_disarm();
        // A file that cannot be read is a remark; a close that fails has nothing to tell.
        CHECK(st == ET_OK ? episode.n_remarks >= 1 : err.text[0] != 0);
    }
    CHECK_EQ(episode.n_remarks, 1);
}

int main(void)
{
    RUN(a_folder_is_there_whole_or_not_at_all);
    RUN(a_full_disk_leaves_nothing);
    RUN(reading_is_whole_or_says_why_not);
    return tap_end();
}
