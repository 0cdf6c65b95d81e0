/* A robot that may say anything: what it says as its state, after which it is told to stay as it
 * stands. The first byte says which robot. No state that is taken may lead to a command that is no
 * number or beyond a limit. Nor may a definition of messages that anybody sent break the layout. */
#include "record/record__drive.h"

#include <math.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define ROBOTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static struct et__drive_robot *robots(void)
{
    static const char *const IDS[ROBOTS] = {"unitree-g1", "unitree-h1-2", "franka"};
    static struct et__drive_robot all[ROBOTS];
    static struct et_arena *arena;
    for (size_t i = 0; !all[ROBOTS - 1].drive && i < ROBOTS; i++) {
        const struct et_profile *profile = NULL;
        if (i == 0)
            require(et_arena_open(&arena, ARENA_BYTES, NULL) == ET_OK);
        require(et_profile_find(IDS[i], NULL, arena, &profile, NULL) == ET_OK);
        require(et__drive_robot_open(&all[i], profile, &profile->drives[0], NULL, NULL) == ET_OK);
    }
    return all;
}

static void hear(struct et__drive_robot *r, struct et_str bytes)
{
    if (!et__drive_robot_hear(r, bytes, 1))
        return;
    double joints[ET_DRIVE_JOINTS_MAX];
    for (size_t i = 0; i < r->drive->n_commanded; i++) {
        const struct et_drive_joint *joint = &r->drive->joints[i];
        require(isfinite(r->measured[i]));
        joints[i] = fmin(fmax(r->measured[i], joint->lower), joint->upper);
    }
    require(et__drive_robot_command(r, joints, 0.5) || r->drive->n_values > 0);
}

static void lay_out(struct et_str text)
{
    static const struct et__frame_text PATHS[] = {{"a[3]", NULL}, {"b[1].c[2]", NULL}};
    const struct et_msgdef_source source = {
        .name = ET_STR("f/F"), .text = text, .flavour = ET_MSGDEF_ROS2};
    const struct et_msgdef *def = NULL;
    struct et_arena *arena = NULL;
    struct et__frame frame;
    if (et_arena_open(&arena, ARENA_BYTES, NULL) != ET_OK)
        return;
    if (et_msgdef_parse(&source, arena, &def, NULL) == ET_OK)
        for (size_t n = 0; n <= 2; n += 2)
            if (et__frame_open(&frame, def, PATHS, n, arena, NULL) == ET_OK)
                for (size_t i = 0; i < frame.n_places; i++) {
                    require(frame.places[i].at + et_msg_kind_bytes(frame.places[i].kind) <=
                            frame.n_bytes);
                    require(et__frame_put(&frame, i, 1e10));
                }
    et_arena_close(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    const struct et_str rest = {(const char *)data + 1, n - 1};
    if (data[0] % (ROBOTS + 1) == ROBOTS)
        lay_out(rest);
    else
        hear(&robots()[data[0] % (ROBOTS + 1)], rest);
    return 0;
}
