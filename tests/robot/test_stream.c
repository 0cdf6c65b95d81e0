#include "etude/stream.h"

#include "support.h"
#include "tap.h"

#include <stdlib.h>

static void takes_canonical_names_apart(void)
{
    // clang-format off
    static const struct {
        const char *name;
        enum et_part part;
        enum et_quantity quantity;
        bool is_command;
    } cases[] = {
        {"left_arm.position",          ET_PART_LEFT_ARM,     ET_QUANTITY_POSITION, false},
        {"command.left_arm.position",  ET_PART_LEFT_ARM,     ET_QUANTITY_POSITION, true},
        {"command.base.twist",         ET_PART_BASE,         ET_QUANTITY_TWIST,    true},
        {"left_wrist.wrench",          ET_PART_LEFT_WRIST,   ET_QUANTITY_WRENCH,   false},
        {"left_fingers.touch",         ET_PART_LEFT_FINGERS, ET_QUANTITY_TOUCH,    false},
        {"head.image",                 ET_PART_HEAD,         ET_QUANTITY_IMAGE,    false},
        {"overhead.image",             ET_PART_SCENE,        ET_QUANTITY_IMAGE,    false},
        {"cam_2-left.depth",           ET_PART_SCENE,        ET_QUANTITY_DEPTH,    false},
        {"kitchen.audio",              ET_PART_SCENE,        ET_QUANTITY_AUDIO,    false},
        {"body.velocity",              ET_PART_BODY,         ET_QUANTITY_VELOCITY, false},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum et_part part;
        enum et_quantity quantity;
        bool is_command;
        if (!CHECK(et_stream_parse(cases[i].name, &part, &quantity, &is_command)))
            continue;
        CHECK_EQ(part, cases[i].part);
        CHECK_EQ(quantity, cases[i].quantity);
        CHECK_EQ(is_command, cases[i].is_command);
    }
}

static void refuses_other_names_and_touches_nothing(void)
{
    static const char *const names[] = {
        "",
        ".",
        "left_arm",
        "left_arm.",
        "position",
        ".position",
        "command.",
        "third_arm.position",
        "left_arm.speed",
        "left_arm.position.x",
        "command",
        "command.image",
        "Head.Position",
        "Over Head.image",
        "a.b.image",
        "command.command.left_arm.position",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        enum et_part part = ET_PART_WAIST;
        enum et_quantity quantity = ET_QUANTITY_IMU;
        bool is_command = true;
        CHECK(!et_stream_parse(names[i], &part, &quantity, &is_command));
        CHECK(part == ET_PART_WAIST && quantity == ET_QUANTITY_IMU && is_command);
    }
}

static void names_every_part_and_quantity_both_ways(void)
{
    for (size_t i = 0; i < ET_N_PARTS; i++) {
        enum et_part part = ET_N_PARTS;
        CHECK(et_part_parse(et_str(et_part_text((enum et_part)i)), &part));
        CHECK_EQ(part, i);
    }
    for (size_t i = 0; i < ET_N_QUANTITIES; i++) {
        char name[64];
        enum et_part part;
        enum et_quantity quantity = ET_N_QUANTITIES;
        bool is_command;
        (void)snprintf(name, sizeof name, "head.%s", et_quantity_text((enum et_quantity)i));
        CHECK(et_stream_parse(name, &part, &quantity, &is_command));
        CHECK_EQ(quantity, i);
        CHECK(et_quantity_unit(quantity)[0] != 0);
    }
    CHECK_EQ(et_quantity_values(ET_QUANTITY_POSE), 7);
    CHECK_EQ(et_quantity_values(ET_QUANTITY_POSITION), 0);
    CHECK(et_part_has_joints(ET_PART_LEGS) && et_part_has_joints(ET_PART_BODY));
    CHECK(!et_part_has_joints(ET_PART_LEFT_WRIST) && !et_part_has_joints(ET_PART_SCENE));
}

static void sorts_measured_before_commands_and_by_part(void)
{
    static const char *const want[] = {
        "head.image",
        "waist.position",
        "left_arm.position",
        "left_arm.velocity",
        "left_hand.position",
        "legs.position",
        "left_wrist.image",
        "a.image",
        "b.image",
        "command.waist.position",
        "command.left_arm.position",
    };
    enum { N = sizeof want / sizeof *want };
    struct et_stream streams[N];
    for (size_t i = 0; i < N; i++) {
        struct et_stream *s = &streams[(i * 7) % N]; // 7 and 11 have no common divisor
        *s = (struct et_stream){.name = want[i]};
        CHECK(et_stream_parse(want[i], &s->part, &s->quantity, &s->is_command));
    }
    qsort(streams, N, sizeof *streams, et_stream_compare);
    for (size_t i = 0; i < N; i++)
        CHECK_STR(streams[i].name, want[i]);
}

int main(void)
{
    RUN(takes_canonical_names_apart);
    RUN(refuses_other_names_and_touches_nothing);
    RUN(names_every_part_and_quantity_both_ways);
    RUN(sorts_measured_before_commands_and_by_part);
    return tap_end();
}
