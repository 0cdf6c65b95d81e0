/* From a recording to episodes on the disk. */
#include "etude/curate.h"

#include "../recording/made.h"
#include "etude/episode_file.h"
#include "etude/file.h"
#include "etude/frames.h"
#include "support.h"
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct et_err err;
static struct et_arena *arena;
static struct et_curated curated;
static const char *profile;

#define T0 (INT64_C(1700000000) * SEC)
#define PI 3.14159265358979323846

static const char *const PROFILE =
    "profile: 1\nmaker: M\nmodel: T\nparts:\n"
    "  left_arm:\n    unit: rad\n    joints:\n"
    "      - {name: a, lower: null, upper: null}\n      - {name: b, lower: null, upper: null}\n"
    "  right_arm:\n    unit: rad\n    joints:\n"
    "      - {name: c, lower: null, upper: null}\n"
    "cameras:\n  head: in the head\nrules:\n"
    "  - {stream: left_arm.position, topic: /j, names: [a, b]}\n"
    "  - {stream: left_arm.velocity, topic: /j, names: [a, b]}\n"
    "  - {stream: right_arm.position, topic: /j, names: [c]}\n"
    "  - {stream: head.image, topic: /c, stamp: none, optional: true}\n"
    "  - {stream: scene.event, topic: /e, optional: true}\n";

/* A run: an arm at 500 Hz with a clock of its own, another publisher of the same topic in another
 * phase and as often, a camera, marks. */
struct run {
    double duration_s;
    double marks_s[8]; // start, stop, start, stop …; 0: no more
    bool has_camera;
    bool is_shuffled; // every tenth message of the arm comes behind the next
    bool is_still;
    const char *id; // that it says of itself
};

#define DEVICE_OFFSET (-3600 * SEC)

/* The arm's clock: an hour behind, 40 ppm fast. */
static int64_t device_of(int64_t t_ns)
{
    return t_ns + DEVICE_OFFSET + (t_ns - T0) / 25000 + (t_ns - T0) / (2 * MS) * 7919 % 997;
}

static int64_t true_of(int64_t device_ns)
{
    const double passed = (double)(device_ns - DEVICE_OFFSET - T0);
    return T0 + (int64_t)llround(passed / (1 + 1.0 / 25000));
}

static double place(int64_t t_ns)
{
    return sin(2 * PI * 0.4 * (double)(t_ns - T0) * 1e-9);
}

static void put_arm(struct made *m, uint16_t channel, int64_t t, struct rng *rng, bool is_still)
{
    const double x = is_still ? 0.25 : place(t), q[2] = {x, 0.5 * x};
    const int64_t delay = 200000 + (int64_t)(rng_uniform(rng) * 300000);
    made_joints(m, channel, t + delay, device_of(t), "a b", q, 2);
}

static void make(const char *path, const struct run *run)
{
    struct made m;
    struct rng rng = {7};
    made_open(&m, path);
    const uint16_t one = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t two = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t camera = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    const uint16_t marks = made_channel(&m, "/e", "std_msgs/msg/String");
    const int64_t n = (int64_t)(run->duration_s * 500);
    size_t i_mark = 0;
    struct et_buf jpeg = made_jpeg(100);
    if (run->id)
        CHECK_OK(et_mcap_write_metadata(
            m.writer,
            &(struct et_mcap_metadata){.name = ET_STR("etude.run"),
                                       .pairs =
                                           &(struct et_mcap_pair){ET_STR("id"), et_str(run->id)},
                                       .n_pairs = 1},
            &err));
    for (int64_t i = 0; i < n; i++) {
        const int64_t t = T0 + i * 2 * MS;
        const double q = run->is_still ? 0 : 0.3 * place(t);
        const bool is_late = run->is_shuffled && i % 10 == 3 && i + 1 < n;
        if (i_mark < 8 && run->marks_s[i_mark] > 0 &&
            t >= T0 + (int64_t)(run->marks_s[i_mark] * 1e9)) {
            made_string(&m, marks, t, i_mark % 2 ? "stop" : "start lift");
            i_mark++;
        }
        if (run->is_shuffled && i % 10 == 4) { // this one first, then the one before it
            const double x = place(t), y = place(t - 2 * MS);
            made_joints(&m, one, t + 300000, device_of(t), "a b", (double[]){x, 0.5 * x}, 2);
            made_joints(&m, one, t + 400000, device_of(t - 2 * MS), "a b", (double[]){y, 0.5 * y},
                        2);
        } else if (!is_late) {
            put_arm(&m, one, t, &rng, run->is_still);
        }
        made_joints(&m, two, t + 1200000, t + MS, "c", &q, 1);
        if (run->has_camera && i % 50 == 0)
            made_compressed(&m, camera, t + 5 * MS, "jpeg", (struct et_str){jpeg.p, jpeg.n});
    }
    et_buf_free(&jpeg);
    made_finish(&m);
}

static const char *in(const char *folder, const char *name)
{
    static char paths[8][4300];
    static int k;
    char path[4300];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    k = (k + 1) % 8;
    memcpy(paths[k], path, strlen(path) + 1);
    return paths[k];
}

static enum et_status curate(const char *path, const char *out, bool replace,
                             const struct et_curate_options *options)
{
    struct et_curate_options how = options ? *options : (struct et_curate_options){0};
    how.profile = how.profile ? how.profile : profile;
    et_arena_close(arena);
    CHECK_OK(et_arena_open(&arena, (size_t)256 << 20, &err));
    err = (struct et_err){0};
    return et_curate(path, out, replace, &how, arena, &curated, &err);
}

/* Names in a folder but for the recording's own. */
static size_t n_names(const char *folder)
{
    const char *const *names;
    size_t n = 0;
    struct et_arena *own = NULL;
    CHECK_OK(et_arena_open(&own, 1 << 20, &err));
    if (et_dir_list(folder, own, &names, &n, NULL) != ET_OK)
        n = 0;
    et_arena_close(own);
    return n;
}

static bool is_remarked(const char *words)
{
    for (size_t i = 0; i < curated.n_remarks; i++)
        if (strstr(curated.remarks[i].text, words))
            return true;
    return false;
}

static const struct run TWO = {.duration_s = 12, .marks_s = {1, 5, 6, 11}};

static void check_arm(const struct et_episode *e)
{
    const struct et_track *arm = et_episode_track(e, "left_arm.position");
    const struct et_track *other = et_episode_track(e, "right_arm.position");
    double worst = 0, worst_other = 0, worst_value = 0;
    if (!CHECK(arm && other && arm->t_device_ns && arm->n_samples > 1000))
        return;
    for (size_t i = 0; i < arm->n_samples; i++) {
        const int64_t t = true_of(arm->t_device_ns[i]);
        worst = fmax(worst, fabs((double)(arm->t_ns[i] - t)));
        worst_value = fmax(worst_value, fabs(arm->values[2 * i] - place(t)));
        CHECK(arm->t_arrival_ns[i] >= t);
    }
    for (size_t i = 0; i < other->n_samples; i++)
        worst_other = fmax(worst_other, fabs((double)(other->t_ns[i] - other->t_device_ns[i])));
    // The least delay stays in it: 0.2 ms. (The device's own jitter is below 1 µs.)
    if (!CHECK(worst < 0.3e6 && worst_other < 0.3e6 && worst_value < 1e-4))
        printf("#   %g, %g ns, %g\n", worst, worst_other, worst_value);
}

static void a_recorders_own_id_is_the_recordings(void)
{
    static const char *const OWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const char *path = temp_path("own.mcap"), *out = temp_path("own-out");
    struct run run = TWO;
    char content[ET_RECORDING_ID_CHARS + 1];
    run.id = OWN;
    run.duration_s = 12;
    make(path, &run);
    CHECK_OK(curate(path, out, false, NULL));
    CHECK_STR(curated.id, OWN);
    CHECK_EQ(strlen(curated.content), ET_RECORDING_ID_CHARS);
    CHECK(strcmp(curated.content, OWN) != 0);
    memcpy(content, curated.content, sizeof content);
    CHECK(file_exists(in(in(out, OWN), "recording.json")));
    CHECK_EQ(curate(path, out, false, NULL), ET_EEXISTS);
    CHECK_OK(curate(path, out, true, NULL));
    CHECK_EQ(n_names(out), 1);
    // A copy that was changed says the same id, and is not left out for it.
    run.duration_s = 11;
    make(temp_path("changed.mcap"), &run);
    CHECK_OK(curate(temp_path("changed.mcap"), out, false, NULL));
    CHECK_STR(curated.id, curated.content);
    CHECK_EQ(curate(temp_path("changed.mcap"), out, false, NULL), ET_EEXISTS);
    CHECK_EQ(n_names(out), 2);
    // What was curated by its content before is not taken in twice.
    const char *before = temp_path("before-out");
    CHECK_OK(et_dir_make(before, &err));
    CHECK_OK(et_file_rename(in(out, OWN), in(before, content), &err));
    CHECK_EQ(curate(path, before, false, NULL), ET_EEXISTS);
    CHECK_STR(curated.id, content);
    CHECK_OK(curate(path, before, true, NULL));
    CHECK_STR(curated.id, content);
    CHECK_EQ(n_names(before), 1);
    // What is no id is not one.
    run.id = "../../elsewhere/0123456789";
    make(temp_path("bad.mcap"), &run);
    CHECK_OK(curate(temp_path("bad.mcap"), out, false, NULL));
    CHECK_STR(curated.id, curated.content);
}

static void episodes_are_where_the_marks_are(void)
{
    const char *path = temp_path("two.mcap"), *out = temp_path("out");
    const struct et_episode_place *places;
    struct et_episode e;
    struct et_episode_facts facts;
    size_t n;
    make(path, &TWO);
    CHECK_OK(curate(path, out, false, NULL));
    if (curated.n_streams == 0)
        return;
    CHECK_STR(curated.format, "MCAP");
    CHECK_STR(curated.path, path);
    CHECK_STR(curated.why, "");
    CHECK_EQ(strlen(curated.id), ET_RECORDING_ID_CHARS);
    CHECK(curated.cut_by == ET_CUT_MARKS && curated.n_episodes == 2 && curated.n_kept == 2);
    CHECK(curated.n_streams == 4 && curated.n_too_short == 0);
    CHECK_EQ(curated.n_samples, 6000 * 3 + 4);
    CHECK_NEAR(curated.streams[0].rate_hz, 500, 0.5);
    CHECK(curated.streams[0].clock && curated.streams[0].clock->n_runs == 1);
    CHECK_STR(curated.streams[0].recorded->stream.name, "left_arm.position");
    CHECK(file_exists(in(in(out, curated.id), "recording.json")));
    CHECK_EQ(n_names(out), 1);
    CHECK_EQ(n_names(in(out, curated.id)), 4); // two episodes, the account, the profile
    CHECK_OK(et_episode_list(out, arena, &places, &n, &err));
    CHECK_EQ(n, 2);
    for (size_t i = 0; i < n && i < 2; i++) {
        CHECK_OK(et_episode_read(places[i].folder, arena, &e, &facts, &err));
        CHECK(fabs((double)(et_episode_first_ns(&e) - T0) * 1e-9 - TWO.marks_s[2 * i]) < 0.004);
        CHECK(fabs((double)(et_episode_last_ns(&e) - T0) * 1e-9 - TWO.marks_s[2 * i + 1]) < 0.004);
        CHECK_EQ(e.n_tracks, 3);
        CHECK(e.time_kind == ET_TIME_MEASURED && !e.was_cut && e.n_remarks == 0);
        CHECK_STR(facts.recording_id, curated.id);
        CHECK_STR(facts.recording, path);
        CHECK_STR(facts.cut_by, "marks");
        CHECK_EQ(facts.n_findings, curated.episodes[i].n_findings);
        CHECK_HAS(places[i].folder, curated.episodes[i].folder);
        check_arm(&e);
    }
}

/* An arm and the events of a run that says what it is; begin, phase … at the seconds. */
struct told {
    double t_s;
    const char *kind, *text;
};

static const char *make_run(const char *name, const struct et_mcap_pair *pairs, size_t n_pairs,
                            const struct told *told)
{
    const char *path = temp_path(name);
    struct made m;
    struct rng rng = {7};
    made_open(&m, path);
    const uint16_t arm = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t events = made_channel(&m, "/e", "etude_msgs/msg/Event");
    for (int64_t i = 0; i < 12 * 500; i++) {
        const int64_t t = T0 + i * 2 * MS;
        for (; told->kind && t >= T0 + (int64_t)(told->t_s * 1e9); told++)
            made_event(&m, events, t, told->kind, told->text);
        put_arm(&m, arm, t, &rng, false);
    }
    if (n_pairs > 0)
        CHECK_OK(et_mcap_write_metadata(m.writer,
                                        &(struct et_mcap_metadata){.name = et_str("etude.run"),
                                                                   .pairs = pairs,
                                                                   .n_pairs = n_pairs},
                                        &err));
    made_finish(&m);
    return path;
}

/* The facts of episode i of what was curated last. */
static struct et_episode_facts facts_of(const char *out, size_t i, struct et_episode *episode)
{
    struct et_episode_facts facts = {0};
    *episode = (struct et_episode){0};
    if (CHECK(i < curated.n_episodes))
        CHECK_OK(
            et_episode_read(in(out, curated.episodes[i].folder), arena, episode, &facts, &err));
    return facts;
}

static void what_the_run_says_goes_into_its_episode(void)
{
    const struct et_mcap_pair pairs[] = {{et_str("skill"), et_str("press_button")},
                                         {et_str("scenario"), et_str("kitchen")},
                                         {et_str("trainer"), et_str("careful")},
                                         {et_str("station"), et_str("")},
                                         {et_str("outcome"), et_str("failure: on a b")}};
    static const struct told TOLD[] = {{1, "phase", "reach"},         {1, "episode.begin", "press"},
                                       {3, "phase", "press"},         {5, "failure", "on a b"},
                                       {5, "episode.end", "failure"}, {0, NULL, NULL}};
    const char *out = temp_path("run_out");
    struct et_episode e;
    const char *path = make_run("run.mcap", pairs, 5, TOLD);
    CHECK_OK(curate(path, out, false, NULL));
    const struct et_episode_facts facts = facts_of(out, 0, &e);
    CHECK_STR(facts.skill, "press_button");
    CHECK_STR(facts.scenario, "kitchen");
    CHECK_STR(facts.trainer, "careful");
    CHECK(!facts.station);
    CHECK_STR(e.outcome, "failure: on a b");
    bool is_found = false;
    for (size_t i = 0; i < facts.n_findings; i++)
        is_found |= strcmp(facts.findings[i].kind, "failure") == 0 &&
                    strcmp(facts.findings[i].text, "on a b: not done, the source says") == 0;
    CHECK(is_found);
    if (CHECK(e.n_segments == 2)) {
        CHECK_STR(e.segments[0].name, "reach");
        CHECK_STR(e.segments[1].name, "press");
    }
}

// A kill, or a full disk: the recorder was not there to say so.
static void an_attempt_that_its_recording_breaks_off_is_interrupted(void)
{
    const struct et_mcap_pair ours[] = {{et_str("run"), et_str("01JR")}};
    static const struct told TOLD[] = {
        {1, "begin", ""}, {3, "end", ""}, {5, "begin", ""}, {0, NULL, NULL}};
    static const struct told ALONE[] = {{1, "begin", ""}, {0, NULL, NULL}};
    const char *out = temp_path("broken_out"), *alone_out = temp_path("alone_out");
    struct et_episode e;
    CHECK_OK(curate(make_run("broken.mcap", ours, 1, TOLD), out, false, NULL));
    CHECK_EQ(curated.n_episodes, 2);
    (void)facts_of(out, 0, &e);
    CHECK(!e.outcome);
    (void)facts_of(out, 1, &e);
    CHECK_STR(e.outcome, "interrupted");
    CHECK_OK(curate(make_run("alone.mcap", ours, 1, ALONE), alone_out, false, NULL));
    (void)facts_of(alone_out, 0, &e);
    CHECK_STR(e.outcome, "interrupted");
}

static void events_say_how_each_episode_ended(void)
{
    const struct et_mcap_pair pairs[] = {{et_str("outcome"), et_str("success")}};
    static const struct told TOLD[] = {
        {1, "begin", ""},  {3, "failure", "in a b"}, {3, "end", ""},   {4, "begin", ""},
        {6, "end", ""},    {6.1, "success", ""},     {7, "begin", ""}, {9, "end", ""},
        {10, "begin", ""}, {11, "interrupted", ""},  {11, "end", ""},  {0, NULL, NULL}};
    const char *out = temp_path("ends_out");
    struct et_episode e;
    const char *path = make_run("ends.mcap", pairs, 1, TOLD);
    CHECK_OK(curate(path, out, false, NULL));
    CHECK_EQ(curated.n_episodes, 4);
    const struct et_episode_facts facts = facts_of(out, 3, &e);
    CHECK_STR(e.outcome, "interrupted");
    bool is_found = false;
    for (size_t i = 0; i < facts.n_findings; i++)
        is_found |= strcmp(facts.findings[i].kind, "failure") == 0;
    CHECK(is_found); // which the default grading rejects
    (void)facts_of(out, 0, &e);
    CHECK_STR(e.outcome, "failure: in a b");
    (void)facts_of(out, 1, &e);
    CHECK_STR(e.outcome, "success");
    (void)facts_of(out, 2, &e);
    CHECK(!e.outcome); // the run's is not the last one's
}

static void what_was_lost_is_a_finding_and_a_discarded_one_fails(void)
{
    const struct et_mcap_pair pairs[] = {{et_str("outcome"), et_str("success")}};
    static const struct told TOLD[] = {{1, "episode.begin", ""},
                                       {2, "dropped", "12 samples of /a: the disk"},
                                       {4.5, "lost", "3 samples of /b: the link"},
                                       {4, "episode.end", ""},
                                       {7, "dropped", "too late to be of it"},
                                       {0, NULL, NULL}};
    const char *out = temp_path("lost_out"), *discarded = temp_path("discarded_out");
    struct et_episode e;
    const char *path = make_run("lost.mcap", pairs, 1, TOLD);
    CHECK_OK(curate(path, out, false, NULL));
    struct et_episode_facts facts = facts_of(out, 0, &e);
    if (CHECK(e.n_losses == 2)) {
        CHECK(e.losses[0].is_dropped && !e.losses[1].is_dropped);
        CHECK_STR(e.losses[0].text, "12 samples of /a: the disk");
    }
    size_t n_lost = 0;
    for (size_t i = 0; i < facts.n_findings; i++)
        n_lost += strcmp(facts.findings[i].kind, "lost") == 0;
    CHECK_EQ(n_lost, 2);
    CHECK_STR(e.outcome, "success");
    // The page beside it says that it is not to be used.
    static const char PAGE[] = "{\"etude\": \"recording\", \"discarded_by\": \"t07\"}";
    write_file(temp_path("lost.json"), PAGE, sizeof PAGE - 1);
    CHECK_OK(curate(path, discarded, false, NULL));
    (void)facts_of(discarded, 0, &e);
    CHECK_STR(e.outcome, "discard");
    // Or how it went, as was said later: in place of what the recording says.
    static const char JUDGED[] =
        "{\"etude\": \"recording\", \"outcome\": \"failure: it fell\", \"judged_by\": \"t07\"}";
    write_file(temp_path("lost.json"), JUDGED, sizeof JUDGED - 1);
    CHECK_OK(curate(path, temp_path("judged_out"), false, NULL));
    (void)facts_of(temp_path("judged_out"), 0, &e);
    CHECK_STR(e.outcome, "failure: it fell");
    // What is no page says nothing.
    write_file(temp_path("lost.json"), "[1, 2", 5);
    CHECK_OK(curate(path, temp_path("page_out"), false, NULL));
}

static void the_account_is_json(void)
{
    const char *out = temp_path("out"), *path = in(in(out, curated.id), "recording.json");
    const struct et_value *json = NULL;
    char id[64];
    (void)snprintf(id, sizeof id, "%s", curated.id);
    CHECK_OK(et_json_read(path, 1 << 24, NULL, arena, &json, &err));
    CHECK_STR(et_value_text(et_value_get(json, "id"), NULL), id);
    CHECK_STR(et_value_text(et_value_get(json, "cut_by"), NULL), "marks");
    CHECK_EQ(et_value_count(et_value_get(json, "episodes")), 2);
    const struct et_value *streams = et_value_get(json, "streams");
    CHECK_EQ(et_value_count(streams), 4);
    const struct et_value *first = et_value_at(streams, 0);
    CHECK_STR(et_value_text(et_value_get(first, "field"), NULL), "position");
    CHECK_STR(et_value_text(et_value_get(first, "stamp"), NULL), "header.stamp");
    CHECK(et_value_get(first, "clock") != NULL);
    // The caller's copy can still be written when the recording is closed.
    struct et_buf text = et_buf(1 << 20);
    struct et_json_writer w = {.buf = &text};
    et_json_open_map(&w);
    et_curated_json(&w, &curated);
    et_json_close_map(&w);
    CHECK(text.status == ET_OK && strstr(et_buf_text(&text), "left_arm.position"));
    et_buf_free(&text);
}

static void same_file(const char *a, const char *b, const char *name)
{
    size_t n = 0, m = 0;
    char *x = read_file(in(a, name), &n), *y = read_file(in(b, name), &m);
    if (!CHECK(x && y && n == m && memcmp(x, y, n) == 0))
        printf("#   %s\n", name);
    free(x);
    free(y);
}

static void the_same_recording_is_the_same_bytes(void)
{
    static const char *const FILES[] = {"recording.json",
                                        "000/episode.json",
                                        "001/episode.json",
                                        "000/tracks/left_arm.position.parquet",
                                        "001/tracks/left_arm.velocity.parquet",
                                        "001/tracks/right_arm.position.parquet"};
    const char *path = temp_path("two.mcap"), *out = temp_path("again");
    CHECK_OK(curate(path, out, false, NULL));
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        same_file(in(temp_path("out"), curated.id), in(out, curated.id), FILES[i]);
}

static void what_is_there_stays_unless_it_is_replaced(void)
{
    const char *path = temp_path("two.mcap"), *out = temp_path("out");
    CHECK_EQ(curate(path, out, false, NULL), ET_EEXISTS);
    CHECK_HAS(err.text, "two.mcap");
    CHECK(file_exists(in(in(out, curated.id), "000/episode.json")));
    CHECK_OK(curate(path, out, true,
                    &(struct et_curate_options){.cut = {.by = ET_CUT_WHOLE}, .task = "wipe"}));
    CHECK(curated.n_episodes == 1 && curated.cut_by == ET_CUT_WHOLE);
    CHECK(!file_exists(in(in(out, curated.id), "001/episode.json")));
    CHECK_EQ(n_names(out), 1);
    struct et_episode e;
    struct et_episode_facts facts;
    CHECK_OK(et_episode_read(in(in(out, curated.id), "000"), arena, &e, &facts, &err));
    CHECK(e.n_tasks == 1 && tap_is(e.tasks[0], "wipe"));
}

/* Cancels at the n-th call. */
struct patience {
    int n_left, n_calls;
    int64_t last;
};

static bool told(void *ctx, int64_t done, int64_t total, size_t n_episodes)
{
    struct patience *p = ctx;
    (void)n_episodes;
    CHECK(done >= p->last && done <= total);
    p->last = done;
    p->n_calls++;
    return p->n_left-- > 0;
}

static void it_can_be_cancelled_anywhere_and_leaves_nothing(void)
{
    const char *path = temp_path("two.mcap"), *out = temp_path("cancelled");
    struct patience p = {.n_left = 1000};
    const struct et_curate_options options = {.progress = told, .progress_ctx = &p};
    CHECK_OK(curate(path, out, false, &options));
    CHECK(p.n_calls >= 4);
    const int n = p.n_calls;
    for (int k = 0; k < n; k++) {
        p = (struct patience){.n_left = k};
        CHECK_EQ(curate(path, out, true, &options), ET_ECANCELLED);
        CHECK_EQ(n_names(out), 1); // what was there before
        CHECK_EQ(n_names(in(out, curated.id)), 4);
    }
}

/* ---- what is not worth an episode ---- */

static void no_episodes_is_said_why(void)
{
    const char *path = temp_path("short.mcap"), *out = temp_path("none");
    make(path, &(struct run){.duration_s = 0.5});
    CHECK_OK(curate(path, out, false, NULL));
    CHECK(curated.n_episodes == 0);
    CHECK_HAS(curated.why, "too short");
    CHECK(file_exists(in(in(out, curated.id), "recording.json")));
    CHECK_OK(curate(path, out, true, &(struct et_curate_options){.profile = "leju-kuavo"}));
    CHECK(curated.n_episodes == 0 && curated.n_streams == 0);
    CHECK_HAS(curated.why, "profile leju-kuavo takes none of its topics (/j of sensor_msgs");
    CHECK(is_remarked("is taken by no rule"));
    make(path, &(struct run){.duration_s = 8, .is_still = true});
    CHECK_OK(curate(path, out, false, &(struct et_curate_options){.cut = {.by = ET_CUT_IDLE}}));
    CHECK(curated.n_episodes == 0);
    CHECK_HAS(curated.why, "nothing moves");
    CHECK_EQ(curate(temp_path("nothing.mcap"), out, false, NULL), ET_ENOTFOUND);
    CHECK_EQ(curate(path, out, false, &(struct et_curate_options){.profile = "nobody"}),
             ET_ENOTFOUND);
    CHECK_EQ(n_names(out), 2);
}

static void an_episode_too_long_for_memory_is_told_and_the_others_go_on(void)
{
    const char *path = temp_path("long.mcap"), *out = temp_path("long");
    make(path, &(struct run){.duration_s = 24, .marks_s = {0.5, 2.5, 3, 21, 21.5, 23.5}});
    CHECK_OK(curate(path, out, false, &(struct et_curate_options){.episode_bytes = 1 << 20}));
    CHECK_EQ(curated.n_episodes, 2);
    CHECK(is_remarked("001 lasts 18 s"));
    CHECK(n_names(in(out, curated.id)) == 4 && !file_exists(in(in(out, curated.id), "001")));
    CHECK_OK(curate(path, out, true, &(struct et_curate_options){.episode_bytes = 1000}));
    CHECK_EQ(curated.n_episodes, 0);
    CHECK_HAS(curated.why, "too long for memory");
}

/* Messages before the clock of a simulation ticks have the time 0; a computer that has not asked
 * for the time has any. */
static void strays_in_time_are_left_out(void)
{
    static const int64_t ODD[] = {0, INT64_C(2140000000) * SEC, INT64_MAX / 4, INT64_MAX - 1};
    const char *path = temp_path("strays.mcap"), *out = temp_path("strays");
    for (size_t i = 0; i < sizeof ODD / sizeof *ODD; i++) {
        struct made m;
        made_open(&m, path);
        const uint16_t j = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
        for (int k = 0; k < 200; k++) {
            const int64_t t = T0 + k * 20 * MS;
            const double q[3] = {place(t), 0.5 * place(t), place(t)};
            made_joints(&m, j, k == 100 || k == 0 ? ODD[i] : t, t, "a b c", q, 3);
        }
        made_finish(&m);
        CHECK_OK(curate(path, out, true, NULL));
        CHECK_EQ(curated.n_episodes, 1);
        CHECK(curated.n_episodes == 1 && curated.episodes[0].t_first_ns > T0 - SEC &&
              curated.episodes[0].t_last_ns < T0 + 5 * SEC);
        CHECK(curated.n_streams == 3 && curated.streams[0].n_samples == 198);
        CHECK_NEAR(curated.streams[0].rate_hz, 50, 1);
        CHECK(is_remarked("6 samples were recorded more than a week"));
    }
}

static void a_full_disk_leaves_nothing(void)
{
    const char *path = temp_path("two.mcap"), *out = temp_path("full");
    struct rlimit old;
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (rlim_t room = 0; room < 500000; room += 100000) {
        const struct rlimit small = {room, old.rlim_max};
        CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
        const enum et_status st = curate(path, out, false, NULL);
        CHECK_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
        CHECK_EQ(st, ET_EIO);
        CHECK(err.text[0] && n_names(out) == 0);
    }
}

/* ---- times ---- */

static void messages_out_of_order_are_put_in_order(void)
{
    const char *path = temp_path("shuffled.mcap"), *out = temp_path("shuffled");
    struct et_episode e;
    struct et_episode_facts facts;
    make(path, &(struct run){.duration_s = 6, .marks_s = {1, 5}, .is_shuffled = true});
    CHECK_OK(curate(path, out, false, NULL));
    CHECK_EQ(curated.n_episodes, 1);
    CHECK_OK(et_episode_read(in(in(out, curated.id), "000"), arena, &e, &facts, &err));
    CHECK_EQ(e.n_remarks, 0);
    const struct et_track *arm = et_episode_track(&e, "left_arm.position");
    CHECK(arm && arm->n_samples > 1990);
    for (size_t i = 1; arm && i < arm->n_samples; i++)
        CHECK(arm->t_ns[i] >= arm->t_ns[i - 1]);
    check_arm(&e);
}

static void cameras_refer_to_the_recording(void)
{
    const char *path = temp_path("camera.mcap"), *out = temp_path("camera");
    struct et_episode e;
    struct et_episode_facts facts;
    struct et_frames *frames = NULL;
    struct et_image image;
    make(path, &(struct run){.duration_s = 6, .marks_s = {1, 5}, .has_camera = true});
    CHECK_OK(curate(path, out, false, NULL));
    CHECK_OK(et_episode_read(in(in(out, curated.id), "000"), arena, &e, &facts, &err));
    if (!CHECK(e.n_videos == 1))
        return;
    const struct et_video_ref *video = &e.videos[0];
    CHECK(video->is_recorded && video->is_present && video->n_frames == 40);
    CHECK(video->first_frame == 10 && video->width_px == MADE_WIDTH);
    CHECK_STR(video->path, path);
    CHECK_STR(video->source, "/c");
    const struct et_frames_range range = {.path = video->path,
                                          .profile = profile,
                                          .stream = video->stream.name,
                                          .t_first_ns = video->t_arrival_ns[0],
                                          .t_last_ns = video->t_arrival_ns[39]};
    CHECK_OK(et_frames_open(&frames, &range, &err));
    CHECK_OK(et_frames_go_to(frames, 39, &err));
    CHECK_OK(et_frames_image(frames, &image, &err));
    CHECK_EQ(et_frames_go_to(frames, 40, &err), ET_ECORRUPT);
    et_frames_close(frames);
}

/* When the k-th picture that is sent was taken: of ten, the second was taken before the first. */
static int64_t taken_ns(int k)
{
    return T0 + k * 20 * MS + (k % 10 == 0 ? 19 * MS : k % 10 == 1 ? -3 * MS : -MS);
}

/* Pictures that come in another order than they were taken are in the order they were taken. */
static void pictures_out_of_order_are_put_in_order(void)
{
    const char *path = temp_path("swapped.mcap"), *out = temp_path("swapped");
    struct et_episode e;
    struct et_episode_facts facts;
    struct et_frames *frames = NULL;
    struct et_image image;
    struct made m;
    made_open(&m, path);
    const uint16_t j = made_channel(&m, "/j", "sensor_msgs/msg/JointState");
    const uint16_t c = made_channel(&m, "/c", "sensor_msgs/msg/CompressedImage");
    for (int k = 0; k < 200; k++) {
        const int64_t t = T0 + k * 20 * MS;
        const double q[3] = {place(t), 0.5 * place(t), place(t)};
        m.t_publish_ns = 0;
        made_joints(&m, j, t, t, "a b c", q, 3);
        struct et_buf png = made_png(k);
        m.t_publish_ns = taken_ns(k);
        made_compressed(&m, c, t, "png", et_buf_str(&png));
        et_buf_free(&png);
    }
    made_finish(&m);
    CHECK_OK(curate(path, out, true, NULL));
    if (!CHECK(curated.n_episodes == 1))
        return;
    CHECK_OK(et_episode_read(in(in(out, curated.id), "000"), arena, &e, &facts, &err));
    if (!CHECK(e.n_videos == 1 && e.videos[0].t_device_ns && e.videos[0].t_arrival_ns))
        return;
    const struct et_video_ref *video = &e.videos[0];
    const struct et_frames_range range = {.path = video->path,
                                          .profile = profile,
                                          .stream = video->stream.name,
                                          .t_arrival_ns = video->t_arrival_ns,
                                          .t_device_ns = video->t_device_ns,
                                          .n_frames = video->n_frames};
    size_t n_swapped = 0;
    CHECK_OK(et_frames_open(&frames, &range, &err));
    for (int64_t k = 0; k < video->n_frames; k++) {
        CHECK(k == 0 || video->t_ns[k] > video->t_ns[k - 1]);
        n_swapped += k > 0 && video->t_arrival_ns[k] < video->t_arrival_ns[k - 1];
        CHECK_OK(et_frames_go_to(frames, k, &err));
        CHECK_OK(et_frames_image(frames, &image, &err));
        CHECK_EQ(taken_ns(*(const uint8_t *)image.pixels), video->t_device_ns[k]);
    }
    CHECK(n_swapped > 10);
    et_frames_close(frames);
}

static void names_of_any_kind_become_json(void)
{
    const char *path = temp_path("odd \"name\".mcap"), *out = temp_path("odd");
    const struct et_value *json = NULL;
    struct made m;
    static const double Q[] = {1, 2};
    made_open(&m, path);
    const uint16_t a = made_channel(&m, "/a\"\n\\\x01", "odd/\"\n/Type");
    made_bytes(&m, a, SEC, "x", 1);
    made_joints(&m, made_channel(&m, "/j", "sensor_msgs/msg/JointState"), SEC, SEC, "a b", Q, 2);
    made_finish(&m);
    CHECK_OK(curate(path, out, false, NULL));
    CHECK_OK(
        et_json_read(in(in(out, curated.id), "recording.json"), 1 << 20, NULL, arena, &json, &err));
    CHECK_STR(et_value_text(et_value_get(json, "path"), NULL), path);
}

/* ---- memory ---- */

/* The most memory that a child of ours has taken, MB. */
static double peak_mb(const char *path, const char *out)
{
    struct rusage usage = {0};
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        static const struct et_curate_options OPTIONS = {0};
        struct et_curate_options how = OPTIONS;
        how.profile = profile;
        how.memory_bytes = 16 << 20;
        struct et_arena *own = NULL;
        if (!path)
            _exit(0);
        if (et_arena_open(&own, (size_t)256 << 20, &err) != ET_OK ||
            et_curate(path, out, false, &how, own, &curated, &err) != ET_OK)
            _exit(1);
        _exit(curated.n_episodes == 4 ? 0 : 2);
    }
    CHECK(child > 0 && wait4(child, &status, 0, &usage) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return (double)usage.ru_maxrss / 1024;
}

static void memory_is_bounded_by_an_episode_and_a_clock(void)
{
    if (has_sanitizer()) {
        tap_skip("a sanitizer takes memory of its own");
        return;
    }
    const char *path = temp_path("minutes.mcap"), *out = temp_path("minutes");
    make(path, &(struct run){.duration_s = 600, .marks_s = {1, 100, 150, 250, 300, 400, 450, 550}});
    const double before = peak_mb(NULL, NULL), after = peak_mb(path, out);
    // 900,000 samples: 7 MB of times, 24 MB for a clock, an episode of 50,000 rows.
    printf("# 10 minutes at 500 Hz, 3 streams: %.0f MB beyond %.0f MB\n", after - before, before);
    CHECK(after - before < 150);
}

int main(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    profile = made_file("robot.yaml", PROFILE);
    RUN(episodes_are_where_the_marks_are);
    RUN(the_account_is_json);
    RUN(what_was_lost_is_a_finding_and_a_discarded_one_fails);
    RUN(what_the_run_says_goes_into_its_episode);
    RUN(an_attempt_that_its_recording_breaks_off_is_interrupted);
    RUN(events_say_how_each_episode_ended);
    RUN(the_same_recording_is_the_same_bytes);
    RUN(what_is_there_stays_unless_it_is_replaced);
    RUN(it_can_be_cancelled_anywhere_and_leaves_nothing);
    RUN(no_episodes_is_said_why);
    RUN(an_episode_too_long_for_memory_is_told_and_the_others_go_on);
    RUN(strays_in_time_are_left_out);
    RUN(a_full_disk_leaves_nothing);
    RUN(messages_out_of_order_are_put_in_order);
    RUN(cameras_refer_to_the_recording);
    RUN(pictures_out_of_order_are_put_in_order);
    RUN(names_of_any_kind_become_json);
    RUN(memory_is_bounded_by_an_episode_and_a_clock);
    RUN(a_recorders_own_id_is_the_recordings);
    et_arena_close(arena);
    return tap_end();
}
