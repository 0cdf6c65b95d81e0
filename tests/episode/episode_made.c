#include "episode_made.h"

#include <math.h>

enum { N = 50, N_JOINTS = 3, N_FRAMES = 7 };

static int64_t t[N], device[N], arrival[N], frames[N_FRAMES];
static double joints[N * N_JOINTS], hand[N];

static void make_samples(void)
{
    for (int i = 0; i < N; i++) {
        t[i] = MADE_T0 + i * INT64_C(2000001);
        device[i] = i + 1;
        arrival[i] = t[i] + 500;
        hand[i] = 0.1 * i;
        for (int k = 0; k < N_JOINTS; k++)
            joints[i * N_JOINTS + k] = sin(i + k) * 1e-3;
    }
    joints[4] = (double)NAN;
    joints[5] = -0.0;
    for (int i = 0; i < N_FRAMES; i++)
        frames[i] = MADE_T0 + i * INT64_C(33333333);
}

static const struct et_track *make_tracks(void)
{
    static const double LOWER[] = {-1.5, -2, -1}, UPPER[] = {1.5, 2, 1}, SPEED[] = {1, 2, 3};
    static const char *const NAMES[] = {"a", "b", "c"};
    static struct et_track tracks[3];
    tracks[0] = (struct et_track){.stream = {.name = "left_arm.position",
                                             .part = ET_PART_LEFT_ARM,
                                             .quantity = ET_QUANTITY_POSITION,
                                             .unit = "rad",
                                             .n_values = N_JOINTS,
                                             .names = NAMES,
                                             .lower = LOWER,
                                             .upper = UPPER,
                                             .speed = SPEED,
                                             .rate_hz = 499.75},
                                  .n_samples = N,
                                  .t_ns = t,
                                  .t_device_ns = device,
                                  .t_arrival_ns = arrival,
                                  .values = joints};
    tracks[1] = (struct et_track){.stream = {.name = "left_hand.position",
                                             .part = ET_PART_LEFT_HAND,
                                             .quantity = ET_QUANTITY_POSITION,
                                             .unit = "fraction",
                                             .n_values = 1},
                                  .n_samples = N,
                                  .t_ns = t,
                                  .values = hand};
    tracks[2] = tracks[1]; // without samples
    tracks[2].stream.name = "command.left_hand.position";
    tracks[2].stream.is_command = true;
    tracks[2].n_samples = 0;
    return tracks;
}

static const struct et_video_ref *make_videos(void)
{
    static struct et_video_ref videos[2];
    videos[0] = (struct et_video_ref){
        .stream = {.name = "head.image", .quantity = ET_QUANTITY_IMAGE, .unit = ""},
        .source = "/cam/compressed",
        .path = "run.mcap",
        .is_present = true,
        .first_frame = 12,
        .n_frames = N_FRAMES,
        .width_px = 640,
        .height_px = 480,
        .rate_hz = 30,
        .is_recorded = true,
        .t_ns = frames,
        .t_arrival_ns = frames};
    videos[1] = (struct et_video_ref){
        .stream = {.name = "left_wrist.depth", .quantity = ET_QUANTITY_DEPTH, .unit = "mm"},
        .trouble = "no such file"};
    return videos;
}

const struct et_episode *made_episode(void)
{
    static const char *const TASKS[] = {"lift \"the\" bottle", "\u653e\u4e0b"};
    static const struct et_segment SEGMENTS[] = {{"reach", MADE_T0, MADE_T0 + 100},
                                                 {"left grasp", MADE_T0 + 100, MADE_T0 + 900}};
    static const struct et_remark REMARKS[] = {{ET_SEVERITY_INFO, "somewhere", "something"}};
    static struct et_episode episode;
    make_samples();
    episode = (struct et_episode){.id = "ABC/003",
                                  .index = 3,
                                  .source = "run.mcap",
                                  .robot = "test-robot",
                                  .time_kind = ET_TIME_MEASURED,
                                  .tracks = make_tracks(),
                                  .n_tracks = 3,
                                  .videos = make_videos(),
                                  .n_videos = 2,
                                  .tasks = TASKS,
                                  .n_tasks = 2,
                                  .segments = SEGMENTS,
                                  .n_segments = 2,
                                  .n_rows_claimed = -1,
                                  .remarks = REMARKS,
                                  .n_remarks = 1,
                                  .was_cut = true,
                                  .outcome = "failure: in cup box"};
    return &episode;
}

const struct et_episode_facts *made_facts(void)
{
    static const size_t WHICH[] = {1};
    static struct et_finding findings[2];
    static struct et_stream_lag lags[2];
    static struct et_episode_facts facts;
    findings[0] = (struct et_finding){.kind = "idle",
                                      .severity = ET_SEVERITY_INFO,
                                      .t_first_ns = ET_FINDING_WHOLE,
                                      .t_last_ns = ET_FINDING_WHOLE,
                                      .value = (double)NAN,
                                      .threshold = (double)NAN,
                                      .unit = "",
                                      .text = "nothing happens"};
    findings[1] = (struct et_finding){.kind = "jump",
                                      .severity = ET_SEVERITY_ERROR,
                                      .stream = "left_arm.position",
                                      .t_first_ns = MADE_T0 + 5,
                                      .t_last_ns = MADE_T0 + 6,
                                      .value = 0.3,
                                      .threshold = 0.1,
                                      .unit = "rad",
                                      .text = "it jumps"};
    lags[0] = (struct et_stream_lag){.command = "command.left_arm.position",
                                     .state = "left_arm.position",
                                     .lag_s = 0.125,
                                     .sigma_s = 0.001,
                                     .confidence = 0.9,
                                     .is_known = true};
    lags[1] = (struct et_stream_lag){.state = "head.image"};
    facts = (struct et_episode_facts){
        .recording_id = "ABC",
        .recording = "run.mcap",
        .format = "MCAP",
        .profile = "test-robot",
        .profile_digest = "00ff",
        .cut_by = "marks",
        .trainer = "t-17",
        .findings = findings,
        .n_findings = 2,
        .grade = {.verdict = ET_VERDICT_WARN,
                  .grading = "default",
                  .i_findings = WHICH,
                  .n_findings = 1,
                  .reason = "it jumps"},
        .lags = lags,
        .n_lags = 2,
        .latency = {.is_known = true, .lag_s = 0.25, .sigma_s = 0.002, .confidence = 0.75}};
    return &facts;
}
