// Who leads a robot is read from the station's file, and each mistake is told with its place.
#include "etude/live.h"
#include "record/record__operator_input.h"
#include "support.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static struct et_err err;

static const struct et__operator_robot ROBOT = {
    .names = {{"left_shoulder", "left_elbow", "left_wrist"}, {"right_shoulder", "right_elbow"}},
    .n = {3, 2}};

// What stands beside the robot in every file here: lines 3 to 9.
#define BESIDE                                                             \
    "station: a\nsources:\n"                                               \
    "  suit: {kind: vmc}\n"                                                \
    "  mvn: {kind: xsens}\n"                                               \
    "  arms: {kind: dynamixel, port: /dev/null, joints: [{id: 1, name: "   \
    "l1}, {id: 2, name: l2}, {id: 3, name: r1}]}\n"                        \
    "  pad: {kind: gamepad}\n"                                             \
    "  pedal: {kind: keys, device: x, mark: {KEY_A: clutch, KEY_B: go}}\n" \
    "  bare: {kind: keys, device: x, mark: {KEY_B: go}}\n"                 \
    "  glasses: {kind: webxr}\n"

struct read {
    struct et_arena *arena;
    const struct et_station_file *file;
    struct et_source_options options; // of the robot
    struct et__operator_how how;
};

// The robot is the last source. Its settings are on line 10 of the file.
static enum et_status read_text(struct read *r, const char *text)
{
    const char *path = temp_path("station.yaml");
    write_file(path, text, strlen(text));
    CHECK_OK(et_arena_open(&r->arena, 1 << 22, &err));
    CHECK_OK(et_station_file_read(path, r->arena, &r->file, &err));
    const struct et_live_source *robot = &r->file->sources[r->file->n_sources - 1];
    r->options = (struct et_source_options){.device = robot->device,
                                            .settings = robot->settings,
                                            .path = path,
                                            .station = r->file->sources,
                                            .n_station = r->file->n_sources};
    return et__operator_read(&r->how, &r->options, &ROBOT, &err);
}

static enum et_status read_robot(struct read *r, const char *settings)
{
    char text[2000];
    (void)snprintf(text, sizeof text, BESIDE "  robot: {kind: world, skill: x%s}\n", settings);
    return read_text(r, text);
}

static void reads_who_leads(void)
{
    struct read r;
    CHECK_OK(read_robot(&r, ""));
    CHECK(!r.how.device);
    et_arena_close(r.arena);

    CHECK_OK(read_robot(&r, ", operator: glasses"));
    CHECK_EQ(r.how.kind, ET__OPERATOR_HEADSET);
    CHECK_STR(r.how.device, "glasses");
    CHECK(!r.how.clutch && !r.how.buttons[0]);
    et_arena_close(r.arena);

    CHECK_OK(read_robot(&r, ", operator: mvn, clutch: pad, grip: triggers"));
    CHECK_EQ(r.how.kind, ET__OPERATOR_MOTION);
    CHECK_STR(r.how.clutch, "pad");
    CHECK_STR(r.how.buttons[0], "left_shoulder");
    CHECK_STR(r.how.buttons[1], "right_shoulder");
    CHECK(r.how.grips_by_trigger);
    et_arena_close(r.arena);

    CHECK_OK(read_robot(&r, ", operator: suit, clutch: pedal"));
    CHECK_STR(r.how.buttons[0], "KEY_A");
    CHECK_STR(r.how.buttons[1], "KEY_A");
    et_arena_close(r.arena);

    CHECK_OK(read_robot(&r, ", operator: suit, clutch: {source: bare, left: KEY_B, right: KEY_B}"));
    CHECK_STR(r.how.buttons[1], "KEY_B");
    et_arena_close(r.arena);

    CHECK_OK(read_robot(&r, ", operator: pad, pad: {m_s: 0.1, turn: mode}"));
    CHECK_EQ(r.how.kind, ET__OPERATOR_PAD);
    CHECK(!r.how.clutch);
    CHECK_STR(r.how.buttons[1], "right_shoulder");
    CHECK_STR(r.how.turn, "mode");
    CHECK_NEAR(r.how.m_s, 0.1, 0);
    CHECK_NEAR(r.how.rad_s, 0.8, 0);
    et_arena_close(r.arena);

    CHECK_OK(read_robot(&r, ", operator: pad, clutch: {source: pad, left: south}"));
    CHECK(!r.how.clutch);
    CHECK_STR(r.how.buttons[0], "south");
    et_arena_close(r.arena);

    CHECK_OK(read_robot(&r, ", operator: arms, clutch: pedal, joints: [{from: l1, to: left_elbow, "
                            "sign: -1, scale: 0.5}, {from: r1, to: right_shoulder}, {from: l2, "
                            "grip: left, open: 0.1, closed: 1}]"));
    CHECK_EQ(r.how.kind, ET__OPERATOR_JOINTS);
    CHECK_EQ(r.how.n_joints, 3);
    CHECK_STR(r.how.joints[0].from, "l1");
    CHECK(r.how.joints[0].side == ET_OPERATOR_LEFT && r.how.joints[0].i == 1);
    CHECK_NEAR(r.how.joints[0].scale, -0.5, 0);
    CHECK(r.how.joints[1].side == ET_OPERATOR_RIGHT && r.how.joints[1].i == 0);
    CHECK(r.how.joints[2].is_grip && r.how.joints[2].side == ET_OPERATOR_LEFT);
    et_arena_close(r.arena);
}

static void tells_where_it_is_wrong(void)
{
    static const struct {
        const char *settings, *want;
    } CASES[] = {
        {", operator: sut", ":10:44: this station has no source \"sut\"; did you mean suit?"},
        {", operator: robot", ":10:44: robot is of the kind world"},
        {", operator: pedal", "pedal is of the kind keys: it has no hands"},
        {", operator: suit", ":10:44: suit has no clutch of its own: write `clutch: NAME`"},
        {", operator: mvn", "mvn has no clutch of its own"},
        {", operator: suit, clutch: pda", ":10:58: this station has no source \"pda\"; did you"},
        {", operator: suit, clutch: glasses", ":10:58: glasses is of the kind webxr: a clutch is"},
        {", operator: suit, clutch: bare", "bare has no clutch among its keys"},
        {", operator: suit, clutch: {source: pedal, left: KEY_C}",
         ":10:80: pedal: `mark` has no key \"KEY_C\""},
        {", operator: suit, clutch: {source: pad, left: soth}", "no button is called \"soth\""},
        {", operator: suit, clutch: {sorce: pad}", "sorce"},
        {", operator: suit, clutch: 3", "must be a map"},
        {", operator: arms, clutch: pedal", ":10:44: say which joint of arms leads which"},
        {", operator: suit, clutch: pad, joints: [{from: l1, to: left_elbow}]",
         "suit has no joints that lead"},
        {", operator: suit, clutch: pad, pad: {m_s: 1}", "suit is no gamepad"},
        {", operator: arms, clutch: pad, joints: [{from: l9, to: left_elbow}]",
         ":10:79: arms has no joint \"l9\"; did you mean l1?"},
        {", operator: arms, clutch: pad, joints: [{from: l1, to: left_elbo}]",
         ":10:87: the robot's arms have no joint \"left_elbo\"; did you mean left_elbow?"},
        {", operator: arms, clutch: pad, joints: [{from: l1}]", "a joint leads one thing"},
        {", operator: arms, clutch: pad, joints: [{from: l1, to: left_elbow, grip: left}]",
         "a joint leads one thing"},
        {", operator: arms, clutch: pad, joints: [{from: l1, to: left_elbow, scale: 0}]",
         ":10:106: with scale 0 it leads nothing"},
        {", operator: arms, clutch: pad, joints: [{from: l1, to: left_elbow, sign: 0}]",
         "with sign 0 it leads nothing"},
        {", operator: arms, clutch: pad, joints: [{from: l1, grip: left, open: 1}]",
         "a grip says where it is `open` and where `closed`"},
        {", operator: arms, clutch: pad, joints: [{from: l1, grip: left, open: 1, closed: 1}]",
         "closed elsewhere"},
        {", operator: arms, clutch: pad, joints: [{from: l1, to: left_elbow}, {from: l2, to: "
         "left_elbow}]",
         "left_elbow is led already, by l1"},
        {", clutch: pad", ":10:42: clutch: nobody leads this robot (operator: NAME)"},
        {", pad: {m_s: 1}", "pad: nobody leads this robot"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct read r;
        CHECK_EQ(read_robot(&r, CASES[i].settings), ET_ECORRUPT);
        CHECK_HAS(err.text, "station.yaml:10:");
        CHECK_HAS(err.text, CASES[i].want);
        et_arena_close(r.arena);
    }
}

static void devices_of_other_machines_may_lead(void)
{
    struct read r;
    CHECK_OK(read_text(&r, "station: a\nsources:\n  hall: {kind: link}\n"
                           "  robot: {kind: world, skill: x, operator: headset}\n"));
    CHECK_EQ(r.how.kind, ET__OPERATOR_HEADSET);
    CHECK_STR(r.how.device, "headset");
    et_arena_close(r.arena);
    CHECK_OK(read_text(&r, "station: a\nsources:\n  old: {kind: replay, path: x}\n"
                           "  pad: {kind: gamepad}\n"
                           "  robot: {kind: world, skill: x, operator: leaders, clutch: pad, "
                           "joints: [{from: any, to: left_wrist}]}\n"));
    CHECK_EQ(r.how.kind, ET__OPERATOR_JOINTS);
    et_arena_close(r.arena);
}

static void a_device_knows_whether_it_leads(void)
{
    static const struct {
        const char *device;
        bool leads;
    } CASES[] = {{"suit", true}, {"pad", true}, {"mvn", false}, {"pedal", false}, {"robot", false}};
    struct read r;
    CHECK_OK(read_robot(&r, ", operator: suit, clutch: {source: pad}"));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        r.options.device = CASES[i].device;
        CHECK_EQ(et__operator_leads(&r.options), CASES[i].leads);
    }
    CHECK(!et__operator_leads(&(struct et_source_options){.device = "suit"}));
    et_arena_close(r.arena);
}

int main(void)
{
    RUN(reads_who_leads);
    RUN(tells_where_it_is_wrong);
    RUN(devices_of_other_machines_may_lead);
    RUN(a_device_knows_whether_it_leads);
    return tap_end();
}
