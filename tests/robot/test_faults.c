// Every call into the system fails once: a failure is told, nothing is half done or leaked.
#include "etude/profile.h"

#include "fault.h"
#include "support.h"
#include "tap.h"

#define ARENA_BYTES ((size_t)8 << 20)

static struct et_err err;

static const char *const NAMES[] = {"left_elbow", "left_gripper"};
static const struct et_feature_view STATE = {"observation.state", false, 2, NAMES, NULL, false};

static void tells_of_every_failure_to_load_and_bind(void)
{
    const char *path = source_path("share/profiles/generic.yaml");
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        const struct et_profile *profile = NULL;
        struct et_binding binding;
        fault_arm(at);
        enum et_status st = et_arena_open(&arena, ARENA_BYTES, &err);
        if (st == ET_OK)
            st = et_profile_load(path, arena, &profile, &err);
        if (st == ET_OK)
            st = et_profile_bind(profile, &STATE, 1, arena, &binding, &err);
        const bool was_seen = fault_seen;
        fault_disarm();
        CHECK(was_seen || st == ET_OK);
        CHECK(st == ET_OK ? profile != NULL : err.text[0] != 0);
        et_arena_close(arena);
    }
}

static void tells_of_every_failure_to_guess(void)
{
    FOR_EACH_FAULT(at)
    {
        const struct et_guess_feature feature = {.view = STATE};
        struct et_buf yaml = et_buf(1 << 16);
        fault_arm(at);
        const enum et_status st = et_profile_guess("x", &feature, 1, NULL, 0, &yaml, &err);
        const bool was_seen = fault_seen;
        fault_disarm();
        CHECK(was_seen ? st == ET_ENOMEM : st == ET_OK);
        et_buf_free(&yaml);
    }
}

int main(void)
{
    RUN(tells_of_every_failure_to_load_and_bind);
    RUN(tells_of_every_failure_to_guess);
    return tap_end();
}
