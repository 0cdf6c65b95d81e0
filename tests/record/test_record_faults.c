// Every call into the system fails once: a failure is told, and no half recording is left.
#include "etude/file.h"
#include "etude/world_record.h"

#include "fault.h"
#include "support.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEPS 3
#define JOINTS_MAX 64

static struct et_err err;

static enum et_status record(struct et_world *world, const char *path)
{
    static const struct et_world_outcome FAILED = {false, "on block mat"};
    static const struct et_world_fault TWICE = {ET_FAULT_REPEATED, 0.5};
    struct et_world_record *r;
    const struct et_world_record_options options = {.seed = 1, .faults = &TWICE, .n_faults = 1};
    double action[JOINTS_MAX] = {0};
    enum et_status st = et_world_record_open(&r, path, world, &options, &err);
    if (st != ET_OK)
        return st;
    st = et_world_record_phase(r, 0, &err);
    for (size_t i = 0; i < STEPS && st == ET_OK; i++) {
        st = et_world_record_step(r, &err);
        if (st == ET_OK)
            st = et_world_step(world, action, &err);
    }
    if (st == ET_OK)
        return et_world_record_finish(r, &FAILED, &err);
    et_world_record_abandon(r);
    return st;
}

static void a_recording_is_whole_or_not_there(void)
{
    const struct et_world_options options = {.skill = "take_block"};
    struct et_world *world;
    const char *path = temp_path("one.mcap"), *truth = temp_path("one.truth.json");
    const char *part = temp_path("one.mcap" ET_FILE_PART_SUFFIX);
    CHECK_OK(et_world_open(&world, &options, &err));
    FOR_EACH_FAULT(at)
    {
        CHECK_OK(et_world_reset(world, 1, ET_TIER_CONTROLLED, &err));
        err = (struct et_err){0};
        fault_only = "malloc calloc realloc open64 read write pwrite64 fsync rename mkdir";
        fault_arm(at);
        const enum et_status st = record(world, path);
        const bool was_seen = fault_seen;
        fault_disarm();
        fault_seen = was_seen;
        CHECK(was_seen || st == ET_OK);
        CHECK(st == ET_OK || err.text[0] != 0);
        CHECK_EQ(file_exists(path), st == ET_OK);
        CHECK_EQ(file_exists(truth), st == ET_OK);
        CHECK(!file_exists(part));
        (void)unlink(path);
        (void)unlink(truth);
    }
    et_world_close(world);
}

int main(void)
{
    use_test_skills();
    RUN(a_recording_is_whole_or_not_there);
    return tap_end();
}
