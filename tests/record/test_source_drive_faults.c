// Every call into the system fails once while a robot is made ready to be driven.
#include "drive_rig.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

#include "etude/yaml.h"

static struct et_err err;

static void tells_of_every_failure_to_open(void)
{
    static const char SETTINGS[] =
        "{profile: g1.yaml, model: g1.xml, operator: headset, domain: 7, peers: [10.0.0.7]}";
    struct et_arena *arena;
    const struct et_value *settings;
    struct rig rig;
    if (!CHECK(rig_open(&rig, "unitree"))) // writes the files
        return;
    rig_close(&rig);
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    CHECK_OK(et_yaml_parse(et_str(SETTINGS), "station.yaml", arena, &settings, &err));
    const struct et_source_options how = {.device = "robot",
                                          .settings = settings,
                                          .path = temp_path("station.yaml"),
                                          .only_look = true};
    int n_failed = 0;
    FOR_EACH_FAULT(at)
    {
        struct et_feed *feed = NULL;
        struct et_source *source = NULL;
        err = (struct et_err){0};
        CHECK_OK(et_feed_open(&feed, &(struct et_feed_options){.n_bytes = 4096}, &err));
        fault_arm(at);
        const enum et_status st =
            et_source_open(&source, et_source_kind("drive"), &how, feed, &err);
        const bool was_seen = fault_seen;
        fault_disarm();
        CHECK(was_seen || st == ET_OK);
        CHECK(st == ET_OK ? source != NULL : !source && err.text[0]);
        n_failed += st != ET_OK;
        et_source_close(source);
        et_feed_close(feed);
    }
    CHECK(n_failed > 20);
    et_arena_close(arena);
}

int main(void)
{
    RUN(tells_of_every_failure_to_open);
    return tap_end();
}
