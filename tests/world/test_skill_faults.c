// Every call into the system fails once: a failure is told, nothing is half done or leaked.
#include "etude/trainer.h"

#include "fault.h"
#include "skill_made.h"
#include "support.h"
#include "tap.h"

#define ARENA_BYTES ((size_t)8 << 20)

static struct et_err err;

static void tells_of_every_failure_to_load_a_skill(void)
{
    const char *folder = made_skill("cup-on-tray", SKILL_TEXT, SKILL_BYTES);
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        const struct et_skill *skill = NULL;
        fault_arm(at);
        enum et_status st = et_arena_open(&arena, ARENA_BYTES, &err);
        if (st == ET_OK)
            st = et_skill_load(folder, arena, &skill, &err);
        const bool was_seen = fault_seen;
        fault_disarm();
        CHECK(was_seen || st == ET_OK);
        CHECK(st == ET_OK ? skill != NULL : skill == NULL && err.text[0] != 0);
        et_arena_close(arena);
    }
}

static void tells_of_every_failure_to_load_a_style(void)
{
    const char *path = source_path("share/world/trainers/careful.yaml");
    FOR_EACH_FAULT(at)
    {
        struct et_arena *arena = NULL;
        const struct et_trainer_style *style = NULL;
        fault_arm(at);
        enum et_status st = et_arena_open(&arena, ARENA_BYTES, &err);
        if (st == ET_OK)
            st = et_trainer_style_load(path, arena, &style, &err);
        const bool was_seen = fault_seen;
        fault_disarm();
        CHECK(was_seen || st == ET_OK);
        CHECK(st == ET_OK ? style != NULL : style == NULL && err.text[0] != 0);
        et_arena_close(arena);
    }
}

int main(void)
{
    RUN(tells_of_every_failure_to_load_a_skill);
    RUN(tells_of_every_failure_to_load_a_style);
    return tap_end();
}
