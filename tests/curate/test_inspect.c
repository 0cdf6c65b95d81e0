#include "etude/inspect.h"

#include "clean.h"
#include "tap.h"

#include "etude/value.h"

#include <stdlib.h>

static struct et_err err;
static struct et_arena *arena;
static struct et_inspection inspection;

static void inspect_with(const struct clean *clean, const struct et_inspect_settings *settings)
{
    CHECK_OK(et_inspect_episode(&clean->episode, settings, arena, &inspection, &err));
}

static size_t count(const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < inspection.findings.n; i++)
        n += strcmp(inspection.findings.items[i].kind, kind) == 0;
    return n;
}

/* The first finding of a kind; one of nothing, and a failed check, when there is none. */
static const struct et_finding *find(const char *kind)
{
    static const struct et_finding NOTHING = {
        .kind = "", .stream = "", .unit = "", .text = "", .value = (double)NAN};
    for (size_t i = 0; i < inspection.findings.n; i++)
        if (strcmp(inspection.findings.items[i].kind, kind) == 0)
            return &inspection.findings.items[i];
    CHECK(tap_is(NULL, kind)); // there is no finding of the kind
    return &NOTHING;
}

/* ---- the table and its settings ---- */

static void the_table_is_whole(void)
{
    size_t n = 0;
    const struct et_inspector *const *inspectors = et_inspectors(&n);
    CHECK(n >= 20);
    for (size_t i = 0; i < n; i++) {
        CHECK(et_inspector_find(inspectors[i]->kind) == inspectors[i]);
        CHECK(et_name_is_own(et_str(inspectors[i]->kind)));
        CHECK(strlen(inspectors[i]->text) > 10);
        for (const struct et_inspect_param *p = inspectors[i]->params; p->name; p++) {
            CHECK(et_name_is_own(et_str(p->name)));
            CHECK(isfinite(p->value) && strlen(p->unit) > 0 && strlen(p->text) > 10);
        }
    }
    CHECK(!et_inspector_find("no such inspector"));
    CHECK(!et_inspector_find(NULL));
}

static void settings_that_do_not_exist_are_refused(void)
{
    static const struct {
        struct et_inspect_setting item;
        const char *words;
    } CASES[] = {
        {{"jumps", "step_min", 1}, "no inspector \"jumps\""},
        {{"jump", "step", 1}, "\"jump\" has no parameter \"step\""},
        {{"jump", "step_min", (double)INFINITY}, "jump.step_min must be a finite number"},
    };
    struct clean clean;
    clean_open(&clean, NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_inspect_settings settings = {.items = &CASES[i].item, .n_items = 1};
        struct et_findings findings = {.arena = arena};
        const struct et_set_claims claims = {.n_episodes = -1};
        CHECK_EQ(et_inspect_episode(&clean.episode, &settings, arena, &inspection, &err), ET_EARG);
        CHECK_HAS(err.text, CASES[i].words);
        CHECK_EQ(et_inspect_set(&claims, NULL, 0, &settings, &findings, &err), ET_EARG);
    }
    const char *const off[] = {"blurr"};
    const struct et_inspect_settings settings = {.kinds_off = off, .n_kinds_off = 1};
    CHECK_EQ(et_inspect_episode(&clean.episode, &settings, arena, &inspection, &err), ET_EARG);
    CHECK_HAS(err.text, "no inspector \"blurr\"");
    clean_close(&clean);
}

static void an_inspector_that_is_off_is_silent(void)
{
    const char *const off[] = {"latency", "nonfinite"};
    const struct et_inspect_settings settings = {.kinds_off = off, .n_kinds_off = 2};
    struct clean clean;
    clean_open(&clean, NULL);
    clean.state[5] = (double)NAN;
    inspect_with(&clean, NULL);
    CHECK_EQ(count("latency"), 1);
    CHECK_EQ(count("nonfinite"), 1);
    CHECK_EQ(inspection.n_latencies, CLEAN_COMMAND);
    inspect_with(&clean, &settings);
    CHECK_EQ(count("latency"), 0);
    CHECK_EQ(count("nonfinite"), 0);
    CHECK(!inspection.latency.is_known);
    CHECK_STR(inspection.latency.why, "it was not measured");
    clean_close(&clean);
}

static void a_setting_moves_a_threshold(void)
{
    const struct et_inspect_setting items[] = {{"latency", "warn_s", 0.1},
                                               {"latency", "warn_s", 0.05}};
    const struct et_inspect_settings settings = {.items = items, .n_items = 2};
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.lag_s = 0.07});
    inspect_with(&clean, NULL);
    CHECK_EQ(find("latency")->severity, ET_SEVERITY_INFO);
    inspect_with(&clean, &settings); // the last setting of a parameter counts
    CHECK_EQ(find("latency")->severity, ET_SEVERITY_WARN);
    CHECK_NEAR(find("latency")->threshold, 0.05, 0);
    clean_close(&clean);
}

/* ---- lists that stay short ---- */

static void many_hits_make_a_short_list_that_counts_them_all(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.duration_s = 60});
    for (size_t k = 30; k + 30 < clean.n; k += 30)
        *clean_at(&clean, CLEAN_LEFT_ARM, k, 0) += 1;
    const size_t n_spikes = (clean.n - 60 + 29) / 30;
    inspect_with(&clean, NULL);
    CHECK_EQ(count("jump"), 9);
    const struct et_finding *last = NULL;
    for (size_t i = 0; i < inspection.findings.n; i++)
        if (strcmp(inspection.findings.items[i].kind, "jump") == 0)
            last = &inspection.findings.items[i];
    char words[40];
    (void)snprintf(words, sizeof words, "%zu more such places", n_spikes - 8);
    if (!CHECK(last))
        return;
    CHECK_HAS(last->text, words);
    CHECK_NEAR((double)last->t_first_ns * 1e-9, 9, 0.1);
    CHECK_NEAR((double)last->t_last_ns * 1e-9, 58, 1.1);
    clean_close(&clean);
}

/* ---- what truth does not cover ---- */

static void a_hand_that_holds_something_is_not_frozen(void)
{
    const int hand = CLEAN_LEFT_HAND, command = CLEAN_LEFT_HAND + CLEAN_COMMAND;
    struct clean clean;
    clean_open(&clean, NULL);
    for (size_t k = 60; k < 150; k++) { // closes on, from 0.5 to 0.2; the fingers stay at 0.5
        *clean_at(&clean, hand, k, 1) = 0.5;
        *clean_at(&clean, command, k, 1) = k < 100 ? 0.5 : 0.2;
    }
    inspect_with(&clean, NULL);
    CHECK_EQ(count("frozen_encoder"), 0);

    for (size_t k = 120; k < 150; k++) // opens to 0.8, and the reading stays
        *clean_at(&clean, command, k, 1) = 0.8;
    inspect_with(&clean, NULL);
    CHECK_EQ(count("frozen_encoder"), 1);
    clean_close(&clean);
}

static void a_joint_that_outruns_its_limit_jumps_even_among_its_like(void)
{
    struct clean clean;
    clean_open(&clean, NULL);
    for (size_t k = 90; k < 120; k++)
        *clean_at(&clean, CLEAN_LEFT_ARM, k, 4) = k % 2 ? -0.4 : 0.4;
    inspect_with(&clean, NULL);
    CHECK(count("jump") >= 1);
    CHECK_NEAR(find("jump")->threshold, 0.6, 1e-9); // 3 × 6 rad/s at 30 Hz
    CHECK_NEAR((double)find("jump")->t_last_ns * 1e-9, 4, 0.05);
    clean_close(&clean);
}

static void a_hand_that_opens_to_zero_does_not_drop_out(void)
{
    struct clean clean;
    clean_open(&clean, NULL);
    for (size_t k = 90; k < 150; k++)
        *clean_at(&clean, CLEAN_LEFT_HAND, k, 0) = k < 100 ? 0.9 : k < 110 ? 0 : 0.2;
    inspect_with(&clean, NULL);
    CHECK_EQ(count("dropout"), 0);
    for (size_t k = 110; k < 150; k++)
        *clean_at(&clean, CLEAN_LEFT_HAND, k, 0) = 0.8;
    inspect_with(&clean, NULL);
    CHECK_EQ(count("dropout"), 1);
    clean_close(&clean);
}

static void the_arm_that_the_words_name_must_move(void)
{
    static const struct {
        const char *task;
        int still_arm;
        size_t n_findings;
    } CASES[] = {
        {"Wave with the left hand", CLEAN_LEFT_ARM, 1},
        {"Wave with the left hand", CLEAN_RIGHT_ARM, 0},
        {"Wave with the Right-Arm", CLEAN_RIGHT_ARM, 1},
        {"Wave with the left hand, then the right hand", CLEAN_RIGHT_ARM, 0},
        {"Put the cup to the left", CLEAN_LEFT_ARM, 0},
        {"Take the leftmost hand towel", CLEAN_LEFT_ARM, 0},
    };
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        struct clean clean;
        clean_open(&clean, NULL);
        clean.tasks[0] = CASES[c].task;
        for (size_t k = 0; k < clean.n; k++)
            for (size_t i = 0; i < CLEAN_ARM_JOINTS; i++)
                *clean_at(&clean, CASES[c].still_arm, k, i) *= 0.01;
        inspect_with(&clean, NULL);
        CHECK_EQ(count("label"), CASES[c].n_findings);
        clean_close(&clean);
    }
}

static void the_same_episodes_are_named_once(void)
{
    const struct et_episode_digest digests[] = {
        {.index = 3, .n_rows = 9, .content_hash = 7, .command_hash = 8},
        {.index = 5, .n_rows = 9, .content_hash = 7, .command_hash = 8},
        {.index = 6, .n_rows = 9, .content_hash = 1, .command_hash = 2},
        {.index = 7, .n_rows = 0, .content_hash = 1, .command_hash = 2},
    };
    const struct et_set_claims claims = {
        .n_episodes = -1, .n_rows = -1, .n_tasks = -1, .n_videos = -1, .split_last = -1};
    struct et_findings findings = {.arena = arena};
    CHECK_OK(et_inspect_set(&claims, digests, 4, NULL, &findings, &err));
    CHECK_EQ(findings.n, 1);
    CHECK_HAS(findings.items[0].text, "episodes 3, 5 hold the same numbers");
}

static void a_hands_command_beyond_its_stops_is_a_note(void)
{
    struct clean clean;
    clean_open(&clean, NULL);
    for (size_t k = 0; k < clean.n; k++)
        *clean_at(&clean, CLEAN_LEFT_HAND + CLEAN_COMMAND, k, 2) = 1.5;
    inspect_with(&clean, NULL);
    CHECK_EQ(count("limits"), 1);
    CHECK_EQ(find("limits")->severity, ET_SEVERITY_INFO);
    CHECK_NEAR(find("limits")->value, 0.5, 1e-9);
    clean_close(&clean);
}

static void a_pause_is_no_staleness(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.duration_s = 20});
    for (size_t k = 0; k < clean.n; k++) // 1 s of movement, renewed every second row; 1 s of rest
        for (size_t i = 0; i < CLEAN_ARM_JOINTS; i++)
            *clean_at(&clean, CLEAN_LEFT_ARM, k, i) =
                0.02 * (double)((k / 60) * 15 + (k % 60 < 30 ? k % 60 / 2 : 15));
    inspect_with(&clean, NULL);
    CHECK_EQ(count("stale"), 1);
    CHECK_NEAR(find("stale")->value, 2, 0.01);
    clean_close(&clean);
}

static void only_one_misspelt_word_makes_two_tasks_alike(void)
{
    const char *const tasks[] = {"Place the yellow bottle upright",
                                 "Place the yelow bottle upright",
                                 "Plate the yellow battle upright", "Place the yellow bottle 12345",
                                 "Place the yellow bottle 12346"};
    const struct et_set_claims claims = {.n_episodes = -1,
                                         .n_rows = -1,
                                         .n_tasks = -1,
                                         .n_videos = -1,
                                         .split_last = -1,
                                         .tasks = tasks,
                                         .n_tasks_listed = 5};
    struct et_findings findings = {.arena = arena};
    CHECK_OK(et_inspect_set(&claims, NULL, 0, NULL, &findings, &err));
    CHECK_EQ(findings.n, 1);
    CHECK_HAS(findings.items[0].text, "\"yellow\", \"yelow\"");
}

static void efforts_are_held_against_their_limits(void)
{
    struct clean clean;
    struct et_track tracks[CLEAN_N_TRACKS + 1];
    double upper[2] = {20, (double)NAN}, lower[2] = {-20, (double)NAN};
    clean_open(&clean, NULL);
    double *effort = calloc(2 * clean.n, sizeof *effort);
    memcpy(tracks, clean.tracks, sizeof clean.tracks);
    tracks[CLEAN_N_TRACKS] = (struct et_track){.stream = {.name = "left_arm.effort",
                                                          .part = ET_PART_LEFT_ARM,
                                                          .quantity = ET_QUANTITY_EFFORT,
                                                          .unit = "N m",
                                                          .n_values = 2,
                                                          .lower = lower,
                                                          .upper = upper,
                                                          .rate_hz = 30},
                                               .n_samples = clean.n,
                                               .t_ns = clean.t_ns,
                                               .values = effort};
    clean.episode.tracks = tracks;
    clean.episode.n_tracks = CLEAN_N_TRACKS + 1;
    for (size_t k = 90; k < 99; k++)
        effort[2 * k] = -19.5;
    for (size_t k = 0; k < clean.n; k++)
        effort[2 * k + 1] = 1000; // its limit is not known
    inspect_with(&clean, NULL);
    CHECK_EQ(count("saturation"), 1);
    CHECK_NEAR(find("saturation")->value, 8.0 / 30, 1e-6);
    CHECK_STR(find("saturation")->stream, "left_arm.effort");
    free(effort);
    clean_close(&clean);
}

/* A command at 30 Hz with jittered stamps; a state at 100 Hz that begins 2 s later and follows 90
 * ms behind. Both are the first joint of the same motion. */
static void tracks_of_two_clocks_are_compared_in_time(void)
{
    const struct clean_options slow_options = {.seed = 11, .duration_s = 20};
    const struct clean_options fast_options = {.seed = 11, .rate_hz = 100, .duration_s = 20};
    const size_t n_late = 200, n_lag = 9;
    struct clean slow, fast;
    struct rng rng = {5};
    clean_open(&slow, &slow_options);
    clean_open(&fast, &fast_options);
    double *command = calloc(slow.n, sizeof *command), *state = calloc(fast.n, sizeof *state);
    for (size_t k = 0; k < slow.n; k++) {
        command[k] = *clean_at(&slow, CLEAN_LEFT_ARM + CLEAN_COMMAND, k, 0);
        slow.t_ns[k] += k > 0 ? (int64_t)(1e6 * rng_gaussian(&rng)) : 0;
    }
    for (size_t k = n_late; k < fast.n; k++)
        state[k - n_late] = *clean_at(&fast, CLEAN_LEFT_ARM + CLEAN_COMMAND, k - n_lag, 0);
    struct et_track tracks[] = {fast.tracks[CLEAN_LEFT_ARM],
                                slow.tracks[CLEAN_LEFT_ARM + CLEAN_COMMAND]};
    tracks[0].stream.n_values = tracks[1].stream.n_values = 1;
    tracks[0].values = state;
    tracks[0].n_samples = fast.n - n_late;
    tracks[0].t_ns = fast.t_ns + n_late;
    tracks[1].values = command;
    slow.episode.tracks = tracks;
    slow.episode.n_tracks = 2;
    slow.episode.rate_hz = 0;
    slow.episode.n_rows = 0;
    slow.episode.n_columns = 0;
    slow.episode.n_rows_claimed = -1;
    inspect_with(&slow, NULL);
    CHECK(inspection.latency.is_known);
    CHECK_NEAR(inspection.latency.lag_s, 0.09, 0.002);
    CHECK_EQ(count("tracking") + count("shape"), 0);
    free(state);
    free(command);
    clean_close(&slow);
    clean_close(&fast);
}

static void device_clocks_are_looked_at(void)
{
    struct clean clean;
    clean_open(&clean, NULL);
    int64_t *device = et_arena_array(clean.arena, clean.n, sizeof *device);
    if (!CHECK(device))
        return;
    for (size_t k = 0; k < clean.n; k++)
        device[k] =
            (int64_t)k * 33333333 + (k >= 100 ? 500000000 : 0) - (k >= 200 ? 2000000000 : 0);
    clean.tracks[CLEAN_RIGHT_ARM].t_device_ns = device;
    inspect_with(&clean, NULL);
    CHECK_EQ(count("gap"), 1);
    CHECK_STR(find("gap")->stream, "right_arm.position");
    CHECK_NEAR(find("gap")->value, 0.533, 0.001);
    CHECK_EQ(count("stamps"), 1);
    CHECK_EQ(find("stamps")->severity, ET_SEVERITY_ERROR);
    CHECK_NEAR(find("stamps")->value, 1.967, 0.001);
    clean_close(&clean);
}

/* ---- videos ---- */

static void videos_are_not_decoded_when_not_wanted(void)
{
    const struct et_inspect_settings settings = {.skip_videos = true};
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.duration_s = 2});
    clean_film(&clean, temp_path("skip.mp4"), clean.n - 1, NULL);
    inspect_with(&clean, &settings);
    CHECK_EQ(inspection.n_frames_seen, 0);
    CHECK_EQ(count("frame_count"), 1); // presence and counts are still checked
    clean.video.stream.quantity = ET_QUANTITY_DEPTH;
    inspect_with(&clean, NULL);
    CHECK_EQ(inspection.n_frames_seen, 0);
    clean_close(&clean);
}

static void what_can_be_decoded_of_a_damaged_video_is_looked_at(void)
{
    struct clean clean;
    size_t n = 0;
    clean_open(&clean, &(struct clean_options){.duration_s = 4});
    clean_film(&clean, temp_path("damaged.mp4"), clean.n, NULL);
    char *data = read_file(clean.video.path, &n);
    memset(data + n / 2, 0xff, n / 2 - 10); // the index stands in front
    write_file(clean.video.path, data, n);
    inspect_with(&clean, NULL);
    CHECK(inspection.n_frames_seen > 10);
    CHECK(inspection.n_frames_seen < (int64_t)clean.n);
    CHECK_EQ(count("decode"), 1);
    CHECK_EQ(find("decode")->severity, ET_SEVERITY_ERROR);
    free(data);
    clean_close(&clean);
}

static void what_is_black_is_not_called_blurred(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.duration_s = 4});
    clean_film(&clean, temp_path("black.mp4"), clean.n,
               &(struct clean_video_fault){CLEAN_FAULT_DARK, 60, 90, 2});
    inspect_with(&clean, NULL);
    CHECK_EQ(count("exposure"), 1);
    CHECK_EQ(count("blur"), 0);
    clean_close(&clean);
}

static void a_file_that_is_no_video_is_a_finding(void)
{
    struct clean clean;
    clean_open(&clean, &(struct clean_options){.duration_s = 2});
    clean_film(&clean, temp_path("none.mp4"), clean.n, NULL);
    write_file(clean.video.path, "nothing of the kind", 19);
    inspect_with(&clean, NULL);
    CHECK_EQ(count("decode"), 1);
    CHECK_EQ(inspection.n_frames_seen, 0);
    clean_close(&clean);
}

/* ---- hostile episodes ---- */

static void fill(struct clean *clean, double value)
{
    for (int t = 0; t < CLEAN_N_TRACKS; t++)
        for (size_t k = 0; k < clean->n; k++)
            for (size_t i = 0; i < clean->tracks[t].stream.n_values; i++)
                *clean_at(clean, t, k, i) = value;
    for (size_t i = 0; i < clean->n * CLEAN_N_VALUES; i++)
        clean->state[i] = clean->action[i] = value;
}

static void survives_any_numbers(void)
{
    static const double values[] = {(double)NAN, (double)INFINITY, -1e308, 1e308, 0, 1e-320};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        struct clean clean;
        clean_open(&clean, NULL);
        fill(&clean, values[v]);
        inspect_with(&clean, NULL);
        CHECK(!inspection.latency.is_known);
        for (size_t k = 0; k < clean.n; k += 2) // and every second row alive
            for (int t = 0; t < CLEAN_N_TRACKS; t++)
                *clean_at(&clean, t, k, 0) = sin((double)k);
        inspect_with(&clean, NULL);
        clean_close(&clean);
    }
}

static void survives_any_length(void)
{
    for (size_t n = 0; n < 60; n++) {
        struct clean clean;
        clean_open(&clean, NULL);
        for (int t = 0; t < CLEAN_N_TRACKS; t++)
            clean.tracks[t].n_samples = n;
        clean.episode.n_rows = clean.episode.n_rows_claimed = (int64_t)n;
        inspect_with(&clean, NULL);
        CHECK_EQ(count("shape"), n == 0);
        clean_close(&clean);
    }
}

static void survives_what_is_not_there(void)
{
    struct clean clean;
    clean_open(&clean, NULL);
    for (int t = 0; t < CLEAN_N_TRACKS; t++) {
        clean.tracks[t].stream.lower = clean.tracks[t].stream.upper = NULL;
        clean.tracks[t].stream.speed = NULL;
        clean.tracks[t].stream.rate_hz = 0;
        clean.tracks[t].stream.unit = t % 2 ? NULL : clean.tracks[t].stream.unit;
    }
    clean.columns[0].values = NULL;
    clean.episode.rate_hz = 0;
    clean.episode.n_tasks = 0;
    inspect_with(&clean, NULL);
    CHECK(inspection.latency.is_known);
    CHECK_EQ(count("label"), 1);

    for (int t = 0; t < CLEAN_N_TRACKS; t++)
        clean.tracks[t].stream.n_values = 0;
    inspect_with(&clean, NULL);
    for (size_t k = 0; k < clean.n; k++)
        clean.t_ns[k] = 0; // time stands still
    inspect_with(&clean, NULL);
    for (size_t k = 0; k < clean.n; k++)
        clean.t_ns[k] = k < clean.n / 2 ? INT64_MIN + 1 : INT64_MAX;
    inspect_with(&clean, NULL);

    clean.episode = (struct et_episode){.n_rows_claimed = -1};
    inspect_with(&clean, NULL);
    CHECK_EQ(count("shape"), 1);
    clean_close(&clean);
}

static void tracks_of_different_lengths_are_a_finding(void)
{
    struct clean clean;
    clean_open(&clean, NULL);
    clean.tracks[CLEAN_LEFT_ARM].n_samples = clean.n - 7;
    clean.tracks[CLEAN_RIGHT_ARM + CLEAN_COMMAND].n_samples = 1;
    inspect_with(&clean, NULL);
    CHECK_EQ(count("shape"), 2);
    CHECK_STR(find("shape")->stream, "left_arm.position");
    CHECK_NEAR(find("shape")->value, (double)clean.n - 7, 0);
    clean_close(&clean);
}

static void an_arena_that_is_too_small_is_said(void)
{
    struct clean clean;
    size_t n_refused = 0;
    clean_open(&clean, &(struct clean_options){.duration_s = 3});
    clean_film(&clean, temp_path("small.mp4"), clean.n, NULL);
    for (size_t limit = 0; limit < (size_t)1 << 20; limit += 1 + limit / 7) {
        struct et_arena *small = NULL;
        struct et_inspection result;
        CHECK_OK(et_arena_open(&small, limit, &err));
        const enum et_status st = et_inspect_episode(&clean.episode, NULL, small, &result, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        n_refused += st == ET_ELIMIT;
        et_arena_close(small);
    }
    CHECK(n_refused > 20);
    clean_close(&clean);
}

/* ---- results ---- */

static void put_json(struct et_buf *buf)
{
    struct et_json_writer w = {.buf = buf};
    et_buf_clear(buf);
    et_json_open_map(&w);
    et_inspection_json(&w, &inspection);
    et_json_close_map(&w);
}

static void results_are_json_and_the_same_every_time(void)
{
    struct et_buf first = et_buf(1 << 20), second = et_buf(1 << 20);
    const struct et_value *value = NULL;
    struct clean clean;
    clean_open(&clean, NULL);
    *clean_at(&clean, CLEAN_LEFT_ARM, 100, 3) += 1;
    inspect_with(&clean, NULL);
    put_json(&first);
    inspect_with(&clean, NULL);
    put_json(&second);
    CHECK_STR(et_buf_text(&first), et_buf_text(&second));
    CHECK_OK(et_json_parse(et_buf_str(&first), NULL, arena, &value, &err));
    CHECK_EQ(et_value_count(et_value_get(value, "findings")), inspection.findings.n);
    CHECK_EQ(et_value_count(et_value_get(value, "latencies")), CLEAN_COMMAND);
    CHECK_NEAR(et_value_real(et_value_get(et_value_get(value, "latency"), "lag_s"), 0), 0.12,
               0.001);
    CHECK(et_value_is_number(et_value_get(value, "idle_fraction")));
    et_buf_free(&first);
    et_buf_free(&second);
    clean_close(&clean);
}

static void findings_stand_in_the_order_of_inspectors_and_time(void)
{
    struct clean clean;
    clean_open(&clean, NULL);
    *clean_at(&clean, CLEAN_LEFT_ARM, 60, 3) += 3;
    *clean_at(&clean, CLEAN_LEFT_ARM, 180, 3) += 3;
    clean.episode.time_kind = ET_TIME_SYNTHETIC;
    inspect_with(&clean, NULL);
    size_t n = 0;
    int last = -1;
    const struct et_inspector *const *inspectors = et_inspectors(&n);
    for (size_t i = 0; i < inspection.findings.n; i++) {
        int at = 0;
        while (strcmp(inspectors[at]->kind, inspection.findings.items[i].kind) != 0)
            at++;
        CHECK(at >= last);
        last = at;
    }
    CHECK_EQ(count("limits"), 2);
    CHECK_NEAR((double)find("limits")->t_first_ns * 1e-9, 2, 1e-6);
    clean_close(&clean);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)1 << 30, NULL) != ET_OK)
        return 99;
    RUN(the_table_is_whole);
    RUN(settings_that_do_not_exist_are_refused);
    RUN(an_inspector_that_is_off_is_silent);
    RUN(a_setting_moves_a_threshold);
    RUN(many_hits_make_a_short_list_that_counts_them_all);
    RUN(a_hand_that_holds_something_is_not_frozen);
    RUN(a_joint_that_outruns_its_limit_jumps_even_among_its_like);
    RUN(a_hand_that_opens_to_zero_does_not_drop_out);
    RUN(the_arm_that_the_words_name_must_move);
    RUN(the_same_episodes_are_named_once);
    RUN(a_hands_command_beyond_its_stops_is_a_note);
    RUN(a_pause_is_no_staleness);
    RUN(only_one_misspelt_word_makes_two_tasks_alike);
    RUN(efforts_are_held_against_their_limits);
    RUN(tracks_of_two_clocks_are_compared_in_time);
    RUN(device_clocks_are_looked_at);
    RUN(videos_are_not_decoded_when_not_wanted);
    RUN(what_can_be_decoded_of_a_damaged_video_is_looked_at);
    RUN(what_is_black_is_not_called_blurred);
    RUN(a_file_that_is_no_video_is_a_finding);
    RUN(survives_any_numbers);
    RUN(survives_any_length);
    RUN(survives_what_is_not_there);
    RUN(tracks_of_different_lengths_are_a_finding);
    RUN(an_arena_that_is_too_small_is_said);
    RUN(results_are_json_and_the_same_every_time);
    RUN(findings_stand_in_the_order_of_inspectors_and_time);
    et_arena_close(arena);
    return tap_end();
}
