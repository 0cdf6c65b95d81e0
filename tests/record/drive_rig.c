#include "drive_rig.h"

#include "etude/clock.h"
#include "etude/profile.h"
#include "etude/yaml.h"
#include "record/record__recorder.h"
#include "support.h"
#include "tap.h"
#include "xr_hands.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAME_NS (ET_NS_PER_S / 90)
#define FEED_BYTES ((size_t)1 << 24)

static const char *const ARM[RIG_JOINTS_MAX / 2] = {
    "shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow",
    "wrist_roll",     "wrist_pitch",   "wrist_yaw"};

/* ---- models ---- */

static void put_g1_arm(FILE *f, const char *side, double y)
{
    static const char *const AXES[] = {"0 1 0", "1 0 0", "0 0 1", "0 1 0",
                                       "1 0 0", "0 1 0", "0 0 1"};
    static const char *const PLACES[] = {"0 0 0",  "0 0 0",   "0 0 -.1", "0 0 -.15",
                                         ".1 0 0", ".05 0 0", ".05 0 0"};
    for (int i = 0; i < 7; i++)
        (void)fprintf(f,
                      "<body name=\"%s_%s_link\" pos=\"%s\"><joint name=\"%s_%s_joint\" "
                      "axis=\"%s\"/><geom type=\"sphere\" size=\".03\"/>",
                      side, ARM[i], i == 0 ? (y > 0 ? "0 .15 .3" : "0 -.15 .3") : PLACES[i], side,
                      ARM[i], AXES[i]);
    for (int i = 0; i < 7; i++)
        (void)fputs("</body>", f);
}

static void put_chain(FILE *f, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        (void)fprintf(f,
                      "<body pos=\"0 0 -.05\"><joint name=\"%s\" axis=\"0 1 0\"/>"
                      "<geom type=\"sphere\" size=\".01\" contype=\"0\" conaffinity=\"0\"/>",
                      names[i]);
    for (int i = 0; i < n; i++)
        (void)fputs("</body>", f);
}

static void write_g1(const char *path)
{
    static const char *const LEGS[2][6] = {{"left_hip_pitch", "left_hip_roll", "left_hip_yaw",
                                            "left_knee", "left_ankle_pitch", "left_ankle_roll"},
                                           {"right_hip_pitch", "right_hip_roll", "right_hip_yaw",
                                            "right_knee", "right_ankle_pitch", "right_ankle_roll"}};
    FILE *f = fopen(path, "w");
    (void)fputs("<mujoco><compiler angle=\"radian\"/><worldbody><body name=\"pelvis\" "
                "pos=\"0 0 .8\"><freejoint/><geom type=\"sphere\" size=\".05\"/>",
                f);
    put_chain(f, LEGS[0], 6);
    put_chain(f, LEGS[1], 6);
    (void)fputs("<body><joint name=\"waist_yaw\" axis=\"0 0 1\"/><geom type=\"sphere\" "
                "size=\".01\"/><body><joint name=\"waist_roll\" axis=\"1 0 0\"/><geom "
                "type=\"sphere\" size=\".01\"/><body name=\"torso\"><joint name=\"waist_pitch\" "
                "axis=\"0 1 0\"/><geom type=\"box\" size=\".06 .08 .15\" pos=\"0 0 .2\"/>",
                f);
    put_g1_arm(f, "left", 1);
    put_g1_arm(f, "right", -1);
    (void)fputs("</body></body></body></body></worldbody></mujoco>", f);
    (void)fclose(f);
}

static void write_fr3(const char *path)
{
    static const char *const AXES[] = {"0 0 1", "0 1 0",  "0 0 1", "0 -1 0",
                                       "0 0 1", "0 -1 0", "0 0 -1"};
    static const char *const PLACES[] = {"0 0 .33",    "0 0 0", "0 0 .32", ".08 0 0",
                                         "-.08 0 .38", "0 0 0", ".09 0 0"};
    FILE *f = fopen(path, "w");
    (void)fputs("<mujoco><compiler angle=\"radian\"/><worldbody><body name=\"base\">", f);
    for (int i = 0; i < 7; i++)
        (void)fprintf(f,
                      "<body pos=\"%s\"><joint name=\"fr3_joint%d\" axis=\"%s\"/>"
                      "<geom type=\"sphere\" size=\".03\"/>",
                      PLACES[i], i + 1, AXES[i]);
    for (int i = 0; i < 8; i++)
        (void)fputs("</body>", f);
    (void)fputs("</worldbody></mujoco>", f);
    (void)fclose(f);
}

/* ---- profiles ---- */

// Ramps that a test can wait for, and patience, for a machine that may be busy.
static void put_patient(FILE *f, const char *text, size_t n)
{
    static const char *const FROM[] = {"take_s: 5", "release_s: 5", "take_s: 2", "    rate_hz: 250",
                                       "    rate_hz: 50"};
    static const char *const TO[] = {"take_s: .4", "release_s: .4", "take_s: .4",
                                     "    stale_ms: 800\n    rate_hz: 250",
                                     "    stale_ms: 800\n    rate_hz: 50"};
    for (const char *at = text, *end = text + n; at < end;) {
        size_t i = 0;
        while (i < 5 && strncmp(at, FROM[i], strlen(FROM[i])) != 0)
            i++;
        if (i < 5) {
            at += strlen(FROM[i]);
            (void)fputs(TO[i], f);
        } else
            (void)fputc(*at++, f);
    }
}

static void write_g1_profile(const char *path)
{
    size_t n;
    char *text = read_file(source_path("share/profiles/unitree-g1.yaml"), &n);
    FILE *f = fopen(path, "w");
    if (text)
        put_patient(f, text, n);
    (void)fclose(f);
    free(text);
}

// The shipped one, with two more ways for the same joints.
static void write_fr3_profile(const char *path)
{
    static const char RULES[] =
        "rules:\n"
        "  - {stream: command.right_arm.position, topic: /forward/commands, field: data,"
        " range: [0, 7]}\n";
    static const char WAYS[] =
        "  - name: array\n"
        "    source: a test\n"
        "    rate_hz: 100\n"
        "    stale_ms: 800\n"
        "    state:   {topic: /joint_states, type: sensor_msgs/msg/JointState, names: name}\n"
        "    command: {topic: /forward/commands, type: std_msgs/msg/Float64MultiArray}\n"
        "    parts: [right_arm]\n"
        "  - name: joints\n"
        "    source: a test\n"
        "    rate_hz: 100\n"
        "    stale_ms: 800\n"
        "    state:   {topic: /joint_states, type: sensor_msgs/msg/JointState, names: name}\n"
        "    command: {topic: /joint_commands, type: sensor_msgs/msg/JointState, names: name}\n"
        "    parts: [right_arm]\n";
    size_t n;
    char *text = read_file(source_path("share/profiles/franka.yaml"), &n);
    char *rules = text ? strstr(text, "rules:\n") : NULL;
    FILE *f = fopen(path, "w");
    if (rules) {
        (void)fprintf(f, "%.*s%s", (int)(rules - text), text, RULES);
        rules += strlen("rules:\n");
        put_patient(f, rules, strlen(rules));
        (void)fputs(WAYS, f);
    }
    (void)fclose(f);
    free(text);
}

/* ---- the robot ---- */

static bool start(struct rig *rig, const char *kind)
{
    static const struct {
        const char *kind, *state, *command;
    } TOPICS[] = {{"unitree", "rt/lowstate", "rt/arm_sdk"},
                  {"lowcmd", "rt/lowstate", "rt/lowcmd"},
                  {"other", "rt/joint_states", "rt/forward/commands"}, // than what it is taken for
                  {"trajectory", "rt/joint_states", "rt/fr3_arm_controller/joint_trajectory"},
                  {"array", "rt/joint_states", "rt/forward/commands"},
                  {"joints", "rt/joint_states", "rt/joint_commands"}};
    int orders[2], answers[2];
    char program[4096], domain[16];
    const char *build = getenv("ETUDE_BUILD");
    size_t i = 0;
    while (strcmp(TOPICS[i].kind, kind) != 0)
        i++;
    (void)snprintf(program, sizeof program, "%s/tests/record/drive_sim", build ? build : ".");
    (void)snprintf(domain, sizeof domain, "%u", rig->domain);
    if (access(program, X_OK) != 0 || pipe(orders) != 0 || pipe(answers) != 0)
        return false;
    (void)signal(SIGPIPE, SIG_IGN);
    rig->pid = fork();
    if (rig->pid == 0) {
        (void)dup2(orders[0], STDIN_FILENO);
        (void)dup2(answers[1], STDOUT_FILENO);
        for (int k = 0; k < 2; k++) {
            (void)close(orders[k]);
            (void)close(answers[k]);
        }
        (void)execl(program, program, domain, strcmp(kind, "other") == 0 ? "unitree" : kind,
                    TOPICS[i].state, TOPICS[i].command, (char *)NULL);
        _exit(127);
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    rig->orders = fdopen(orders[1], "w");
    rig->answers = fdopen(answers[0], "r");
    return rig->pid > 0 && rig->orders && rig->answers;
}

void rig_order(struct rig *rig, const char *fmt, ...)
{
    char answer[64];
    va_list args;
    va_start(args, fmt);
    (void)vfprintf(rig->orders, fmt, args);
    va_end(args);
    (void)fputc('\n', rig->orders);
    (void)fflush(rig->orders);
    CHECK(fgets(answer, sizeof answer, rig->answers) != NULL);
}

static double next_number(char **at)
{
    return strtod(*at, at);
}

struct drive_seen rig_see(struct rig *rig)
{
    char line[4096] = "";
    (void)fputs("get\n", rig->orders);
    (void)fflush(rig->orders);
    CHECK(fgets(line, sizeof line, rig->answers) != NULL);
    char *at = line;
    struct drive_seen seen = {.n_commands = (unsigned)next_number(&at)};
    seen.n_wrong_crc = (unsigned)next_number(&at);
    seen.n_wrong = (unsigned)next_number(&at);
    seen.first_jump = next_number(&at);
    seen.most_step = next_number(&at);
    seen.most_weight_step = next_number(&at);
    seen.weight = next_number(&at);
    seen.kp = next_number(&at);
    seen.mode_machine = (int)next_number(&at);
    seen.since_last_s = next_number(&at);
    seen.t_first_s = next_number(&at);
    seen.most_speed = next_number(&at);
    seen.n_legs = (int)next_number(&at);
    seen.legs_moved = next_number(&at);
    for (size_t i = 0; i < rig->n_joints; i++) {
        seen.q[i] = next_number(&at);
        seen.told[i] = next_number(&at);
    }
    return seen;
}

static void open_arms(struct rig *rig)
{
    struct et_world_arms_joint joints[RIG_JOINTS_MAX];
    static char names[RIG_JOINTS_MAX][32];
    struct et_err err = {0};
    for (size_t i = 0; i < rig->n_joints; i++) {
        if (rig->is_g1)
            (void)snprintf(names[i], sizeof names[i], "%s_%s", i < 7 ? "left" : "right",
                           ARM[i % 7]);
        else
            (void)snprintf(names[i], sizeof names[i], "fr3_joint%zu", i + 1);
        joints[i] = (struct et_world_arms_joint){.name = names[i], .lower = -4, .upper = 4};
    }
    struct et_world_arms_model model = {.path = temp_path(rig->is_g1 ? "g1.xml" : "fr3.xml"),
                                        .joints = joints,
                                        .n_joints = rig->n_joints};
    model.hands[0].i_hand = model.hands[1].i_hand = SIZE_MAX;
    model.hands[ET_RIGHT].n_joints = 7;
    model.hands[ET_RIGHT].first_joint = rig->n_joints - 7;
    model.hands[ET_LEFT].n_joints = rig->is_g1 ? 7 : 0;
    CHECK_OK(et_world_arms_open_model(&rig->arms, &model, &err));
}

struct et_vec3 rig_hand(struct rig *rig, enum et_side side)
{
    const struct drive_seen seen = rig_see(rig);
    return et_world_arm_pose(rig->arms, seen.q, side).position;
}

bool rig_open(struct rig *rig, const char *kind)
{
    *rig = (struct rig){.is_g1 = strcmp(kind, "unitree") == 0 || strcmp(kind, "lowcmd") == 0};
    rig->n_joints = rig->is_g1 ? 14 : 7;
    rig->domain = 1 + (unsigned)getpid() % 100; // see dds_robots.c
    for (int i = 0; i < 2; i++)
        rig->hands[i] = (struct et_pose){{0.35, i == 0 ? 0.2 : -0.2, 1.2}, {0, 0, 0, 1}};
    write_g1(temp_path("g1.xml"));
    write_fr3(temp_path("fr3.xml"));
    write_g1_profile(temp_path("g1.yaml"));
    write_fr3_profile(temp_path("fr3.yaml"));
    if (!start(rig, kind))
        return false;
    open_arms(rig);
    return rig->arms != NULL;
}

void rig_close(struct rig *rig)
{
    rig_stop_driving(rig);
    et_world_arms_close(rig->arms);
    if (rig->orders)
        (void)fclose(rig->orders);
    if (rig->answers)
        (void)fclose(rig->answers);
    if (rig->pid > 0)
        (void)waitpid(rig->pid, NULL, 0);
    *rig = (struct rig){0};
}

/* ---- the source ---- */

static void hear(void *ctx, const struct et_feed_sample *sample)
{
    struct rig *rig = ctx;
    et_source_hear(rig->source, et_feed_stream(rig->operator, sample->stream), sample);
}

enum et_status rig_drive(struct rig *rig, const char *more, struct et_err *why)
{
    struct et_err err = {0};
    char yaml[2048];
    const struct et_value *settings;
    const struct et_feed_options how = {.n_bytes = FEED_BYTES};
    const struct et_feed_listener listener = {hear, rig};
    (void)snprintf(yaml, sizeof yaml,
                   "profile: %s.yaml\nmodel: %s.xml\ndomain: %u\ninterface: %s\noperator: "
                   "headset\n%s",
                   rig->is_g1 ? "g1" : "fr3", rig->is_g1 ? "g1" : "fr3", rig->domain,
                   rig->interface ? rig->interface : "lo", more);
    CHECK_OK(et_feed_open(&rig->feed, &how, &err));
    CHECK_OK(et_feed_open(&rig->operator, & how, &err));
    CHECK_OK(et_feed_listen(rig->operator, & listener, &err));
    CHECK_OK(et__webxr_streams_open(&rig->streams, rig->operator, "headset", "floor", 90, &err));
    enum et_status st = et_arena_open(&rig->settings, (size_t)1 << 20, why);
    if (st == ET_OK)
        st = et_yaml_parse(et_str(yaml), "station.yaml", rig->settings, &settings, why);
    if (st == ET_OK)
        st = et_source_open(&rig->source, et_source_kind("drive"),
                            &(struct et_source_options){.device = "robot",
                                                        .settings = settings,
                                                        .path = temp_path("station.yaml")},
                            rig->feed, why);
    return st;
}

void rig_stop_driving(struct rig *rig)
{
    et_source_close(rig->source);
    rig->source = NULL;
    et_arena_close(rig->settings);
    rig->settings = NULL;
    if (rig->operator)
        et__webxr_streams_close(&rig->streams);
    et_feed_close(rig->operator);
    et_feed_close(rig->feed);
    rig->operator= rig->feed = NULL;
}

static void drain(struct rig *rig)
{
    struct et_feed_sample sample;
    struct et__event event;
    while (et_feed_next(rig->feed, &sample)) {
        const size_t n = strlen(rig->words);
        if (sample.stream != ET_FEED_EVENTS) {
            rig->n_commands++;
            rig->n_command_bytes = sample.n_bytes;
        } else if (et__event_parse((struct et_str){sample.bytes, sample.n_bytes}, &event))
            (void)snprintf(rig->words + n, sizeof rig->words - n, "%.*s %.*s; ",
                           ET_STR_ARG(event.kind), ET_STR_ARG(event.text));
        et_feed_done(rig->feed);
    }
}

static void speak(struct rig *rig)
{
    const double grip[2] = {rig->grip, rig->grip};
    const struct et__webxr_frame frame = xr_hands(++rig->seq, rig->hands, grip, rig->is_clutched);
    et__webxr_put_frame(&rig->streams, &frame, NULL, et_clock_monotonic_ns());
    struct et_feed_sample sample;
    while (et_feed_next(rig->operator, & sample))
        et_feed_done(rig->operator);
}

void rig_run(struct rig *rig, double seconds, struct et_vec3 by)
{
    const int64_t t_end_ns = et_clock_monotonic_ns() + (int64_t)(seconds * 1e9);
    int64_t t_frame_ns = et_clock_monotonic_ns();
    struct et_err err = {0};
    for (int64_t t_ns = t_frame_ns; t_ns < t_end_ns; t_ns = et_clock_monotonic_ns()) {
        if (t_ns >= rig->t_next_ns)
            rig->st = et_source_poll(rig->source, &rig->t_next_ns, &err);
        if (t_ns >= t_frame_ns) {
            const double share = (double)FRAME_NS / 1e9 / seconds;
            for (int side = 0; side < 2; side++)
                rig->hands[side].position =
                    et_vec3_add(rig->hands[side].position, et_vec3_scale(by, share));
            if (!rig->is_away)
                speak(rig);
            t_frame_ns += FRAME_NS;
        }
        drain(rig);
        const int64_t t_wake_ns = rig->t_next_ns < t_frame_ns ? rig->t_next_ns : t_frame_ns;
        et_clock_wait_until(t_wake_ns < t_end_ns ? t_wake_ns : t_end_ns);
    }
}

bool rig_until(struct rig *rig, const char *word)
{
    for (int i = 0; i < 200; i++) {
        if (strstr(rig->words, word))
            return true;
        rig_wait(rig, 0.05);
    }
    printf("# waited for \"%s\" in vain: %s\n", word, rig->words);
    return false;
}

void rig_forget(struct rig *rig)
{
    drain(rig);
    rig->words[0] = 0;
}

bool rig_take_over(struct rig *rig)
{
    rig->is_clutched = false;
    if (!rig_until(rig, "drive ready"))
        return false;
    rig_wait(rig, 0.3); // readers and writers find each other
    rig->is_clutched = true;
    if (!rig_until(rig, "drive driving"))
        return false;
    rig->is_clutched = false;
    rig_wait(rig, 0.2);
    rig->is_clutched = true;
    rig_wait(rig, 0.1);
    return true;
}
