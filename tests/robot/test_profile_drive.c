// How a robot is driven, as profiles say it.
#include "etude/profile.h"

#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct et_err err;
static struct et_arena *arena;

/* A profile that has everything once, and is right; its lines are counted by what is wrong. */
static const char WHOLE[] =
    "profile: 1\n"
    "maker: Acme\n"
    "model: One\n"
    "parts:\n"
    "  waist:\n"
    "    unit: rad\n"
    "    joints: [{name: waist, lower: -1, upper: 1, source: x}]\n"
    "  left_arm:\n"
    "    unit: rad\n"
    "    source: manual\n"
    "    joints:\n"
    "      - {name: left_elbow, maker: J1, lower: -1, upper: 2.5, speed: 3}\n"
    "      - {name: left_wrist, maker: J2, lower: -1, upper: 1}\n"
    "  left_hand:\n"
    "    unit: fraction\n"
    "    joints: [{name: left_grip, lower: 0, upper: 1, source: x}]\n"
    "  legs:\n"
    "    unit: rad\n"
    "    joints: [{name: knee}]\n"
    "rules:\n"
    "  - {stream: left_arm.position, topic: /state, field: position, names: maker, unit: deg}\n"
    "  - {stream: left_hand.position, topic: /state, field: grip, indices: [3]}\n"
    "  - {stream: waist.position, topic: /state, field: \"m[].q\", range: [5, 6]}\n"
    "  - {stream: legs.position, topic: /state, field: \"m[].q\", range: [6, 7]}\n"
    "  - {stream: command.left_arm.position, topic: /cmd, field: \"m[].q\", range: [2, 4],"
    " signs: [1, -1]}\n"
    "  - {stream: command.left_hand.position, topic: /cmd, field: grip, indices: [1],"
    " invert: true}\n"
    "  - {stream: command.waist.position, topic: /cmd, field: \"m[].q\", range: [0, 1]}\n"
    "drive:\n"
    "  - name: one\n"
    "    source: a test\n"
    "    rate_hz: 200\n"
    "    stale_ms: 50\n"
    "    take_s: 1\n"
    "    release_s: 2\n"
    "    state: {topic: /state, type: p/msg/State, names: name}\n"
    "    command: {topic: /cmd, type: p/msg/Cmd, checksum: unitree}\n"
    "    parts: [left_arm, left_hand]\n"
    "    hold: [waist]\n"
    "    set:\n"
    "      - {field: mode, value: 3}\n"
    "      - {field: \"m[].kp\", value: 60, released: 0, joints: [left_elbow]}\n"
    "      - {field: machine, from: machine}\n"
    "    left: {grip: left_grip, open: 1, closed: 0, body: palm, point: [0, 0, 0.1]}\n"
    "    base: torso\n";

static enum et_status load(const char *text, const struct et_profile **profile)
{
    err = (struct et_err){0};
    CHECK_OK(et_arena_open(&arena, (size_t)32 << 20, &err));
    write_file(temp_path("robot.yaml"), text, strlen(text));
    return et_profile_load(temp_path("robot.yaml"), arena, profile, &err);
}

static void turns_its_rules_round(void)
{
    const struct et_profile *p = NULL;
    CHECK_OK(load(WHOLE, &p));
    if (!p)
        return;
    CHECK_EQ(p->n_drives, 1);
    const struct et_drive *d = &p->drives[0];
    CHECK_STR(d->name, "one");
    CHECK_NEAR(d->stale_s, 0.05, 1e-12);
    CHECK_EQ(d->command.checksum, ET_DRIVE_UNITREE);
    CHECK_EQ(d->n_commanded, 4);
    CHECK_EQ(d->n_joints, 5); // the knee is seen, and not asked
    CHECK_STR(d->joints[0].name, "waist");
    CHECK(!d->joints[0].follows && d->joints[1].follows);
    CHECK_STR(d->joints[0].command, "m[0].q");
    CHECK_EQ(d->joints[0].i_state, 5);
    CHECK_STR(d->joints[2].command, "m[3].q");
    CHECK_STR(d->joints[2].state_name, "J2");
    CHECK_NEAR(d->joints[2].command_scale, -1, 0);
    CHECK_NEAR(d->joints[2].state_scale, 0.017453292519943295, 1e-15);
    CHECK_STR(d->joints[3].command, "grip[1]");
    CHECK_NEAR(d->joints[3].command_scale, -1, 0);
    CHECK_NEAR(d->joints[3].command_offset, 1, 0);
    CHECK(d->joints[4].command == NULL);
    CHECK_EQ(d->arms[0].first_joint, 1);
    CHECK_EQ(d->arms[0].n_joints, 2);
    CHECK_EQ(d->arms[0].i_hand, 3);
    CHECK_NEAR(d->arms[0].point[2], 0.1, 0);
    CHECK_EQ(d->arms[1].n_joints, 0);
    CHECK_EQ(d->n_values, 3);
    CHECK(isnan(d->values[0].released));
    CHECK_EQ(d->values[1].joints[0], 1);
    CHECK_STR(d->values[2].from, "machine");
    CHECK_STR(d->base, "torso");
    et_arena_close(arena);
}

static void a_profile_without_it_is_one_all_the_same(void)
{
    const struct et_profile *p = NULL;
    char *text = strdup(WHOLE);
    *strstr(text, "drive:\n") = 0;
    CHECK_OK(load(text, &p));
    CHECK(p && p->n_drives == 0);
    et_arena_close(arena);
    free(text);
}

// The first place of `from` is made `to`.
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(WHOLE, from);
    char *text = malloc(sizeof WHOLE + strlen(to));
    if (!CHECK(at != NULL))
        exit(tap_end());
    (void)snprintf(text, sizeof WHOLE + strlen(to), "%.*s%s%s", (int)(at - WHOLE), WHOLE, to,
                   at + strlen(from));
    return text;
}

static void mistakes_are_told_with_their_place(void)
{
    static const struct {
        const char *from, *to, *place, *words;
    } WRONG[] = {
        {"rate_hz: 200", "rate_hz: 0", ":31:", "rate_hz"},
        {"    rate_hz: 200\n", "", ":", "rate_hz"},
        {"    base: torso", "    bass: torso", ":44:", "base"},
        {"name: one", "name: One Way", ":29:11:", "a way's name"},
        {"type: p/msg/State", "type: State", ":35:34:", "no type"},
        {"parts: [left_arm, left_hand]", "parts: [left_hand]", ":37:", "left_arm or right_arm"},
        {"parts: [left_arm, left_hand]", "parts: [left_arm, right_arm]",
         ":37:23:", "no part \"right_arm\""},
        {"parts: [left_arm, left_hand]", "parts: [waist]", ":37:", "parts"},
        {"hold: [waist]", "hold: [left_arm]", ":38:12:", "cannot follow and stay"},
        {"hold: [waist]", "hold: [legs]", ":36:", "command.legs.position"},
        {"state: {topic: /state,", "state: {topic: /other,", ":35:", "where waist is measured"},
        {", names: name}", "}", ":35:", "line 21 goes by names"},
        {"command: {topic: /cmd,", "command: {topic: /other,",
         ":36:", "no rule with a field leads from /other"},
        {"J2, lower: -1, upper: 1", "J2, lower: -1", ":37:", "left_wrist has no limits"},
        {"{field: mode, value: 3}", "{field: mode}", ":40:9:", "one of the two"},
        {"{field: mode, value: 3}", "{field: mode, value: 3, joints: [waist]}",
         ":40:41:", "with [] in it"},
        {"joints: [left_elbow]", "joints: [knee]", ":41:", "no joint \"knee\" is commanded"},
        {"from: machine", "from: machine, released: 0", ":42:", "is not released"},
        {"grip: left_grip", "grip: nothing", ":43:18:", "no joint \"nothing\""},
        {"open: 1, ", "", ":43:", "`open` and `closed`"},
        {"checksum: unitree", "checksum: md5", ":36:", "checksum"},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        const struct et_profile *p = NULL;
        char *text = changed(WRONG[i].from, WRONG[i].to);
        CHECK_EQ(load(text, &p), ET_ECORRUPT);
        CHECK_HAS(err.text, "robot.yaml:");
        CHECK_HAS(err.text, WRONG[i].place);
        CHECK_HAS(err.text, WRONG[i].words);
        et_arena_close(arena);
        free(text);
    }
}

static void two_ways_have_two_names(void)
{
    const struct et_profile *p = NULL;
    const char *way = strstr(WHOLE, "  - name: one");
    char *text = malloc(2 * sizeof WHOLE);
    (void)snprintf(text, 2 * sizeof WHOLE, "%s%s", WHOLE, way);
    CHECK_EQ(load(text, &p), ET_ECORRUPT);
    CHECK_HAS(err.text, "two ways called one");
    et_arena_close(arena);
    free(text);
}

static void shipped_robots_are_driven_as_their_makers_say(void)
{
    static const struct {
        const char *id, *way;
        size_t n_commanded, i_first;
    } ROBOTS[] = {{"unitree-g1", "arm_sdk", 17, 12},
                  {"unitree-g1", "lowcmd", 29, 12},
                  {"unitree-h1-2", "arm_sdk", 15, 12},
                  {"franka", "joint_trajectory", 7, 0}};
    for (size_t i = 0; i < sizeof ROBOTS / sizeof *ROBOTS; i++) {
        const struct et_profile *p = NULL;
        const struct et_drive *d = NULL;
        CHECK_OK(et_arena_open(&arena, (size_t)32 << 20, &err));
        CHECK_OK(et_profile_find(ROBOTS[i].id, NULL, arena, &p, &err));
        for (size_t k = 0; p && k < p->n_drives; k++)
            if (strcmp(p->drives[k].name, ROBOTS[i].way) == 0)
                d = &p->drives[k];
        if (CHECK(d != NULL)) {
            CHECK_EQ(d->n_commanded, ROBOTS[i].n_commanded);
            CHECK_EQ(d->joints[0].i_command, ROBOTS[i].i_first);
        }
        et_arena_close(arena);
    }
}

int main(void)
{
    RUN(turns_its_rules_round);
    RUN(a_profile_without_it_is_one_all_the_same);
    RUN(mistakes_are_told_with_their_place);
    RUN(two_ways_have_two_names);
    RUN(shipped_robots_are_driven_as_their_makers_say);
    return tap_end();
}
