#include "truth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define AT_S 4.0
#define JOINT 2
#define NOWHERE ((double)NAN)
#define NO_VALUE ((double)NAN)

static size_t row_at(const struct clean *clean, double t_s)
{
    return (size_t)lround(t_s * clean->episode.rate_hz);
}

static size_t rows_of(const struct clean *clean, double duration_s)
{
    return row_at(clean, duration_s);
}

/* ---- tables and metadata ---- */

static void declare_width(struct clean *clean, double n)
{
    clean->columns[0].n_declared = (size_t)n;
}

static void put_nan(struct clean *clean, double n)
{
    for (size_t k = 0; k < (size_t)n; k++)
        clean->state[(row_at(clean, AT_S) + k) * CLEAN_N_VALUES + JOINT] = (double)NAN;
}

static void claim_length(struct clean *clean, double n)
{
    clean->episode.n_rows_claimed = (int64_t)clean->n + (int64_t)n;
}

static void claim_maximum(struct clean *clean, double off)
{
    static double max[CLEAN_N_VALUES];
    static struct et_claim claim = {
        .stream_or_feature = "action", .n_values = CLEAN_N_VALUES, .max = max, .count = -1};
    for (size_t i = 0; i < CLEAN_N_VALUES; i++) {
        max[i] = -(double)INFINITY;
        for (size_t k = 0; k < clean->n; k++)
            max[i] = fmax(max[i], clean->action[k * CLEAN_N_VALUES + i]);
    }
    max[JOINT] += off;
    clean->episode.claims = &claim;
    clean->episode.n_claims = 1;
}

/* ---- time ---- */

static void set_stamps_back(struct clean *clean, double by_s)
{
    double *stamps = et_arena_array(clean->arena, clean->n, sizeof *stamps);
    if (!stamps)
        abort();
    for (size_t k = 0; k < clean->n; k++)
        stamps[k] = (double)k / clean->episode.rate_hz;
    const size_t at = row_at(clean, AT_S);
    stamps[at] = stamps[at - 1] - by_s;
    clean->episode.raw_stamps_s = stamps;
}

static void make_time_synthetic(struct clean *clean, double unused)
{
    (void)unused;
    clean->episode.time_kind = ET_TIME_SYNTHETIC;
}

static void take_stamps_away(struct clean *clean, double unused)
{
    (void)unused;
    clean->episode.time_kind = ET_TIME_MISSING;
}

static void delay_stamps(struct clean *clean, double periods)
{
    const size_t at = row_at(clean, AT_S);
    for (size_t k = at; k < clean->n; k++)
        clean->t_ns[k] += llround(periods / clean->episode.rate_hz * 1e9);
}

/* ---- joints ---- */

static void push_beyond_limit(struct clean *clean, double by)
{
    const size_t at = row_at(clean, AT_S);
    for (size_t k = at; k < at + 10; k++)
        *clean_at(clean, CLEAN_LEFT_ARM, k, JOINT) = 1.5 + by;
}

static void shift_from(struct clean *clean, double by)
{
    for (size_t k = row_at(clean, AT_S); k < clean->n; k++)
        *clean_at(clean, CLEAN_LEFT_ARM, k, JOINT) += by;
}

/* A reading that stands at `depth` and drops out for 0.2 s. */
static void drop_out(struct clean *clean, double depth)
{
    const size_t at = row_at(clean, AT_S);
    for (size_t k = at - 15; k < at + 15; k++)
        *clean_at(clean, CLEAN_LEFT_HAND, k, JOINT) = k >= at && k < at + 6 ? 0 : depth;
}

static void freeze_encoder(struct clean *clean, double duration_s)
{
    const size_t at = row_at(clean, 2.0);
    for (size_t k = at; k <= at + rows_of(clean, duration_s); k++)
        *clean_at(clean, CLEAN_LEFT_ARM, k, JOINT) = *clean_at(clean, CLEAN_LEFT_ARM, at, JOINT);
}

static void renew_seldom(struct clean *clean, double rows)
{
    const size_t every = (size_t)rows;
    for (size_t k = 0; k < clean->n; k++)
        for (size_t i = 0; i < CLEAN_ARM_JOINTS; i++)
            *clean_at(clean, CLEAN_LEFT_ARM, k, i) =
                *clean_at(clean, CLEAN_LEFT_ARM, k - k % every, i);
}

/* The whole robot follows later by this much more (the clean lag is 0.12 s). */
static void follow_later(struct clean *clean, double lag_s)
{
    const uint64_t seed = clean->seed;
    clean_close(clean);
    clean_open(clean, &(struct clean_options){.seed = seed, .lag_s = lag_s});
}

static void stay_off_command(struct clean *clean, double by)
{
    for (size_t k = 0; k < clean->n; k++)
        *clean_at(clean, CLEAN_LEFT_ARM, k, JOINT) += by;
}

static void command_to_limit(struct clean *clean, double duration_s)
{
    const size_t at = row_at(clean, AT_S);
    for (size_t k = at; k <= at + rows_of(clean, duration_s); k++)
        *clean_at(clean, CLEAN_LEFT_ARM + CLEAN_COMMAND, k, JOINT) = 1.5;
}

/* Commands and states stand for a while, and then go on from where they stood. */
static void stand_still(struct clean *clean, double duration_s)
{
    const size_t at = row_at(clean, 1.0), n_still = rows_of(clean, duration_s);
    for (int t = 0; t < CLEAN_N_TRACKS; t++)
        for (size_t i = 0; i < clean->tracks[t].stream.n_values; i++)
            for (size_t k = clean->n - 1; k > at; k--)
                *clean_at(clean, t, k, i) =
                    *clean_at(clean, t, k > at + n_still ? k - n_still : at, i);
}

/* Ends the episode where the fastest joint has come to `share` of its peak speed. */
static void cut_while_moving(struct clean *clean, double share)
{
    double peak = 0, best = (double)INFINITY;
    size_t end = clean->n;
    double *speed = et_arena_array(clean->arena, clean->n, sizeof *speed);
    if (!speed)
        abort();
    for (size_t k = 4; k < clean->n; k++) {
        for (int arm = CLEAN_LEFT_ARM; arm <= CLEAN_RIGHT_ARM; arm += CLEAN_RIGHT_ARM)
            for (size_t i = 0; i < CLEAN_ARM_JOINTS; i++)
                speed[k] = fmax(
                    speed[k], fabs(*clean_at(clean, arm, k, i) - *clean_at(clean, arm, k - 4, i)));
        peak = fmax(peak, speed[k]);
    }
    for (size_t k = clean->n / 2; k < clean->n; k++) {
        const double off = fabs(fmax(speed[k], speed[k - 3]) - share * peak);
        if (off < best) {
            best = off;
            end = k + 1;
        }
    }
    clean->n = end;
    clean->episode.n_rows = clean->episode.n_rows_claimed = (int64_t)end;
    for (int t = 0; t < CLEAN_N_TRACKS; t++)
        clean->tracks[t].n_samples = end;
}

/* ---- cameras ---- */

static void miss_cameras(struct clean *clean, double n)
{
    static struct et_video_ref videos[3];
    static const char *const names[] = {"head.image", "left_wrist.image", "right_wrist.image"};
    for (size_t i = 0; i < (size_t)n; i++)
        videos[i] = (struct et_video_ref){
            .stream = {.name = names[i], .quantity = ET_QUANTITY_IMAGE},
            .trouble = "no such file",
        };
    clean->episode.videos = videos;
    clean->episode.n_videos = (size_t)n;
}

static void film(struct clean *clean, const struct clean_video_fault *fault)
{
    (void)remove(temp_path("truth.mp4"));
    clean_film(clean, temp_path("truth.mp4"), clean->n, fault);
}

static void lose_frames(struct clean *clean, double n)
{
    (void)remove(temp_path("truth.mp4"));
    clean_film(clean, temp_path("truth.mp4"), clean->n - (size_t)n, NULL);
}

static void cut_file(struct clean *clean, double share)
{
    size_t n = 0;
    film(clean, NULL);
    char *data = read_file(clean->video.path, &n);
    write_file(clean->video.path, data, (size_t)(share * (double)n));
    free(data);
}

static void freeze_camera(struct clean *clean, double duration_s)
{
    const size_t at = row_at(clean, 2.0);
    film(clean,
         &(struct clean_video_fault){CLEAN_FAULT_FREEZE, at, at + rows_of(clean, duration_s), 0});
}

static void darken(struct clean *clean, double n)
{
    const size_t at = row_at(clean, AT_S);
    film(clean, &(struct clean_video_fault){CLEAN_FAULT_DARK, at, at + (size_t)n - 1, 4});
}

static void dim(struct clean *clean, double level)
{
    const size_t at = row_at(clean, AT_S);
    film(clean, &(struct clean_video_fault){CLEAN_FAULT_DARK, at, at + 9, level});
}

static void over_expose(struct clean *clean, double n)
{
    const size_t at = row_at(clean, AT_S);
    film(clean, &(struct clean_video_fault){CLEAN_FAULT_BRIGHT, at, at + (size_t)n - 1, 252});
}

static void blur(struct clean *clean, double radius)
{
    const size_t at = row_at(clean, AT_S);
    film(clean, &(struct clean_video_fault){CLEAN_FAULT_BLUR, at, at + 30, radius});
}

static void face_a_wall(struct clean *clean, double level)
{
    const size_t at = row_at(clean, AT_S);
    film(clean, &(struct clean_video_fault){CLEAN_FAULT_PLAIN, at, at + 30, level});
}

/* ---- words ---- */

static const char *const WORDS[] = {
    "Take the cup with the other hand",
    "Take the cup with the right hand",
    "Put the yellow cup on the shelf ",
    "valid",
    "",
    "Put the yellow cup\xff on the shelf",
    "grasp",
};

static void say(struct clean *clean, double i)
{
    clean->tasks[0] = WORDS[(size_t)i];
    // Only the left arm moves.
    for (size_t k = 0; k < clean->n; k++)
        for (size_t j = 0; j < CLEAN_ARM_JOINTS; j++) {
            *clean_at(clean, CLEAN_RIGHT_ARM, k, j) *= 0.01;
            *clean_at(clean, CLEAN_RIGHT_ARM + CLEAN_COMMAND, k, j) *= 0.01;
        }
}

static void end_with(struct clean *clean, double i)
{
    static const char *const OUTCOMES[] = {"success", "failure", "failure: on bottle tray",
                                           "discard"};
    clean->episode.outcome = OUTCOMES[(size_t)i];
}

static void lose(struct clean *clean, double i)
{
    static const struct et_loss LOSSES[] = {
        {0, true, "12 samples of /joint_states: the recorder did not keep up"},
        {0, false, "3 samples of /imu: they never came here"}};
    clean->episode.losses = LOSSES;
    clean->episode.n_losses = (size_t)i;
}

static void say_twice(struct truth_set *set, double i)
{
    static const char *const PAIRS[][2] = {
        {"Put the cup on the shelf", "Put the cap on the shelf"},
        {"Put the cup on the shelf", "put the cup  on the shelf."},
        {"Put the yellow cup on the shelf", "Put the yelow cup on the shelf"},
        {"Put the cup on the shelf",
         "\xe6\x8a\x8a\xe6\x9d\xaf\xe5\xad\x90\xe6\x94\xbe\xe5\xa5\xbd"},
    };
    set->tasks[0] = PAIRS[(size_t)i][0];
    set->tasks[1] = PAIRS[(size_t)i][1];
    set->claims.tasks = set->tasks;
    set->claims.n_tasks_listed = 2;
}

/* ---- sets ---- */

static void claim_rows(struct truth_set *set, double off)
{
    set->claims.n_rows = set->claims.n_rows_found + (int64_t)off;
}

static void claim_splits(struct truth_set *set, double last)
{
    set->claims.splits = "train 0:300";
    set->claims.split_last = (int64_t)last;
}

static void repeat_episode(struct truth_set *set, double n)
{
    for (size_t i = 1; i < (size_t)n; i++) {
        set->digests[i].content_hash = set->digests[0].content_hash;
        set->digests[i].command_hash = set->digests[0].command_hash;
    }
}

static void replay_episode(struct truth_set *set, double n)
{
    for (size_t i = 1; i < (size_t)n; i++)
        set->digests[i].command_hash = set->digests[0].command_hash;
}

#define INFO ET_SEVERITY_INFO
#define WARN ET_SEVERITY_WARN
#define ERROR ET_SEVERITY_ERROR

const struct truth_case TRUTH_CASES[] = {
    // kind, injected, amount, corrupt, corrupt_set, is_found, severity, value, tolerance, at_s
    {"shape", "the state is declared %g wide, it is 26", 26, declare_width, NULL, false, ERROR,
     NO_VALUE, 0, NOWHERE},
    {"shape", "the state is declared %g wide, it is 26", 27, declare_width, NULL, true, ERROR, 26,
     0, NOWHERE},
    {"shape", "the state is declared %g wide, it is 26", 14, declare_width, NULL, true, ERROR, 26,
     0, NOWHERE},
    {"shape", "the state is declared %g wide, it is 26", 52, declare_width, NULL, true, ERROR, 26,
     0, NOWHERE},

    {"nonfinite", "%g NaN in the state at 4 s", 0, put_nan, NULL, false, ERROR, NO_VALUE, 0,
     NOWHERE},
    {"nonfinite", "%g NaN in the state at 4 s", 1, put_nan, NULL, true, ERROR, 1, 0, 4},
    {"nonfinite", "%g NaN in the state at 4 s", 10, put_nan, NULL, true, ERROR, 10, 0, 4},
    {"nonfinite", "%g NaN in the state at 4 s", 100, put_nan, NULL, true, ERROR, 100, 0, 4},

    {"metadata", "%g rows more are claimed than there are", 0, claim_length, NULL, false, ERROR,
     NO_VALUE, 0, NOWHERE},
    {"metadata", "%g rows more are claimed than there are", 1, claim_length, NULL, true, ERROR, 240,
     0, NOWHERE},
    {"metadata", "%g rows more are claimed than there are", 10, claim_length, NULL, true, ERROR,
     240, 0, NOWHERE},
    {"metadata", "%g rows more are claimed than there are", 100, claim_length, NULL, true, ERROR,
     240, 0, NOWHERE},
    {"metadata", "a maximum is claimed %g rad too high", 0.0005, claim_maximum, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"metadata", "a maximum is claimed %g rad too high", 0.01, claim_maximum, NULL, true, WARN,
     0.01, 1e-9, NOWHERE},
    {"metadata", "a maximum is claimed %g rad too high", 0.1, claim_maximum, NULL, true, WARN, 0.1,
     1e-9, NOWHERE},
    {"metadata", "a maximum is claimed %g rad too high", 1, claim_maximum, NULL, true, WARN, 1,
     1e-9, NOWHERE},

    {"stamps", "stamps are row / 30 Hz", 0, make_time_synthetic, NULL, true, INFO, NO_VALUE, 0,
     NOWHERE},
    {"stamps", "there are no stamps", 0, take_stamps_away, NULL, true, WARN, NO_VALUE, 0, NOWHERE},
    {"stamps", "every stamp is later than the one before", -0.001, set_stamps_back, NULL, false,
     ERROR, NO_VALUE, 0, NOWHERE},
    {"stamps", "a stamp is %g s before the one before", 0, set_stamps_back, NULL, true, WARN, 0, 0,
     4},
    {"stamps", "a stamp is %g s before the one before", 0.001, set_stamps_back, NULL, true, ERROR,
     0.001, 1e-9, 4},
    {"stamps", "a stamp is %g s before the one before", 0.02, set_stamps_back, NULL, true, ERROR,
     0.02, 1e-9, 4},
    {"stamps", "a stamp is %g s before the one before", 1, set_stamps_back, NULL, true, ERROR, 1,
     1e-9, 4},

    {"gap", "the stamps are %g periods late from 4 s on", 0.4, delay_stamps, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"gap", "the stamps are %g periods late from 4 s on", 1, delay_stamps, NULL, true, WARN,
     2.0 / 30, 1e-6, 119.0 / 30},
    {"gap", "the stamps are %g periods late from 4 s on", 4, delay_stamps, NULL, true, WARN,
     5.0 / 30, 1e-6, 119.0 / 30},
    {"gap", "the stamps are %g periods late from 4 s on", 30, delay_stamps, NULL, true, ERROR,
     31.0 / 30, 1e-6, 119.0 / 30},

    {"gap", "%g samples of 300 a second are lost at 4 s, the ticks are of 1 ms", 0,
     truth_drop_coarse, NULL, false, WARN, NO_VALUE, 0, NOWHERE},
    {"gap", "%g samples of 300 a second are lost at 4 s, the ticks are of 1 ms", 1,
     truth_drop_coarse, NULL, true, INFO, 2.0 / 300, 0.0005, 4},
    {"gap", "%g samples of 300 a second are lost at 4 s, the ticks are of 1 ms", 20,
     truth_drop_coarse, NULL, true, WARN, 21.0 / 300, 0.0005, 4},
    {"gap", "%g samples of 300 a second are lost at 4 s, the ticks are of 1 ms", 200,
     truth_drop_coarse, NULL, true, ERROR, 201.0 / 300, 0.0005, 4},
    {"gap", "without stamps, what is sent within %g s from 4 s on arrives at once", 0.3,
     truth_burst, NULL, false, WARN, NO_VALUE, 0, NOWHERE},

    {"clock_source", "stamps are multiples of %g ms, 300 a second", 0.05, truth_tick, NULL, false,
     INFO, NO_VALUE, 0, NOWHERE},
    {"clock_source", "stamps are multiples of %g ms, 300 a second", 0.5, truth_tick, NULL, true,
     INFO, 0.0005, 1e-9, NOWHERE},
    {"clock_source", "stamps are multiples of %g ms, 300 a second", 1, truth_tick, NULL, true, INFO,
     0.001, 1e-9, NOWHERE},
    {"clock_source", "stamps are multiples of %g ms, 300 a second", 10, truth_tick, NULL, true,
     INFO, 0.01, 1e-9, NOWHERE},
    {"clock_source", "no stamps of the device", 0, truth_no_stamps, NULL, true, INFO, NO_VALUE, 0,
     NOWHERE},

    {"clock_offset", "the device's clock is %g s before the recorder's", 0.02, truth_offset, NULL,
     false, INFO, NO_VALUE, 0, NOWHERE},
    {"clock_offset", "the device's clock is %g s before the recorder's", 0.1, truth_offset, NULL,
     true, INFO, -0.1, 0.002, NOWHERE},
    {"clock_offset", "the device's clock is %g s before the recorder's", -3600, truth_offset, NULL,
     true, INFO, 3600, 0.002, NOWHERE},
    {"clock_offset", "it counts from its start, %g s before the recorder's", -1e9, truth_offset,
     NULL, false, INFO, NO_VALUE, 0, NOWHERE},

    {"clock_reset", "the device's clock jumps by %g s at 4 s", 0, truth_reset, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"clock_reset", "the device's clock jumps by %g s at 4 s", 0.02, truth_reset, NULL, true, WARN,
     0.02, 0.002, 4},
    {"clock_reset", "the device's clock jumps by %g s at 4 s", 1, truth_reset, NULL, true, WARN, 1,
     0.002, 4},
    {"clock_reset", "the device's clock jumps by %g s at 4 s", -900, truth_reset, NULL, true, WARN,
     900, 0.002, 4},

    {"clock_drift", "the device's clock is %g ppm slow", 50, truth_drift, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"clock_drift", "the device's clock is %g ppm slow", 300, truth_drift, NULL, true, WARN, 300,
     20, NOWHERE},
    {"clock_drift", "the device's clock is %g ppm slow", 1000, truth_drift, NULL, true, WARN, 1000,
     20, NOWHERE},
    {"clock_drift", "the device's clock is %g ppm slow", -5000, truth_drift, NULL, true, WARN,
     -5000, 30, NOWHERE},
    {"clock_drift", "its rate changes by %g ppm at 4 s", 3000, truth_bend, NULL, true, WARN, 3000,
     300, NOWHERE},

    {"late", "nothing arrives for %g s from 4 s on", 0.03, truth_stall, NULL, false, WARN, NO_VALUE,
     0, NOWHERE},
    {"late", "nothing arrives for %g s from 4 s on", 0.1, truth_stall, NULL, true, INFO, 0.1, 0.002,
     4},
    {"late", "nothing arrives for %g s from 4 s on", 0.5, truth_stall, NULL, true, INFO, 0.5, 0.002,
     4},
    {"late", "nothing arrives for %g s from 4 s on", 2, truth_stall, NULL, true, WARN, 2, 0.002, 4},

    {"rate", "a stream of nominally 30 Hz runs at %g Hz", 30.5, truth_rate, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"rate", "a stream of nominally 30 Hz runs at %g Hz", 25, truth_rate, NULL, true, WARN, 25,
     0.01, NOWHERE},
    {"rate", "a stream of nominally 30 Hz runs at %g Hz", 100, truth_rate, NULL, true, WARN, 100,
     0.01, NOWHERE},
    {"rate", "from 4 s on it runs at %g of its rate", 0.7, truth_rate_change, NULL, true, WARN, 21,
     0.1, 4},
    {"rate", "4 and 6 ms take turns, from 5 s on at %g of that rate", 1, truth_turns, NULL, false,
     WARN, NO_VALUE, 0, NOWHERE},
    {"rate", "4 and 6 ms take turns, from 5 s on at %g of that rate", 0.7, truth_turns, NULL, true,
     WARN, 140, 3, 5},

    {"jitter", "samples are up to %g periods early or late", 0.15, truth_jitter, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"jitter", "samples are up to %g periods early or late", 0.3, truth_jitter, NULL, true, WARN,
     NO_VALUE, 0, NOWHERE},
    {"jitter", "samples are up to %g periods early or late", 0.4, truth_jitter, NULL, true, WARN,
     NO_VALUE, 0, NOWHERE},
    {"jitter", "samples are up to %g periods early or late", 0.49, truth_jitter, NULL, true, WARN,
     NO_VALUE, 0, NOWHERE},

    {"jitter", "no stamps, 500 samples a second", 0, truth_no_stamps, NULL, true, INFO, NO_VALUE, 0,
     NOWHERE},

    {"skew", "the state is silent for %g s from 4 s on, the camera is not", 0, truth_silence, NULL,
     false, WARN, NO_VALUE, 0, NOWHERE},
    {"skew", "the state is silent for %g s from 4 s on, the camera is not", 0.1, truth_silence,
     NULL, true, WARN, 0.06, 0.02, 4},
    {"skew", "the state is silent for %g s from 4 s on, the camera is not", 0.5, truth_silence,
     NULL, true, WARN, 0.26, 0.02, 4},
    {"skew", "the state is silent for %g s from 4 s on, the camera is not", 2, truth_silence, NULL,
     true, ERROR, 1.01, 0.02, 4},
    {"skew", "the camera begins %g s after the others", 1, truth_late_camera, NULL, true, WARN, 1,
     0.02, 1},

    {"limits", "a joint reads %g rad over its limit at 4 s", 0.03, push_beyond_limit, NULL, false,
     WARN, NO_VALUE, 0, NOWHERE},
    {"limits", "a joint reads %g rad over its limit at 4 s", 0.05, push_beyond_limit, NULL, true,
     WARN, 0.05, 1e-9, 4},
    {"limits", "a joint reads %g rad over its limit at 4 s", 0.2, push_beyond_limit, NULL, true,
     WARN, 0.2, 1e-9, 4},
    {"limits", "a joint reads %g rad over its limit at 4 s", 0.6, push_beyond_limit, NULL, true,
     ERROR, 0.6, 1e-9, 4},

    {"jump", "a joint's readings are shifted by %g rad from 4 s on", 0.06, shift_from, NULL, false,
     WARN, NO_VALUE, 0, NOWHERE},
    {"jump", "a joint's readings are shifted by %g rad from 4 s on", 0.2, shift_from, NULL, true,
     WARN, 0.2, 0.03, 4},
    {"jump", "a joint's readings are shifted by %g rad from 4 s on", 0.5, shift_from, NULL, true,
     WARN, 0.5, 0.03, 4},
    {"jump", "a joint's readings are shifted by %g rad from 4 s on", 1, shift_from, NULL, true,
     WARN, 1, 0.03, 4},

    {"dropout", "a finger at %g reads 0 for 0.2 s at 4 s", 0.04, drop_out, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"dropout", "a finger at %g reads 0 for 0.2 s at 4 s", 0.1, drop_out, NULL, true, WARN, 0.1,
     1e-9, 4},
    {"dropout", "a finger at %g reads 0 for 0.2 s at 4 s", 0.3, drop_out, NULL, true, WARN, 0.3,
     1e-9, 4},
    {"dropout", "a finger at %g reads 0 for 0.2 s at 4 s", 0.9, drop_out, NULL, true, WARN, 0.9,
     1e-9, 4},

    {"frozen_encoder", "a reading stands for %g s from 2 s on", 0.4, freeze_encoder, NULL, false,
     WARN, NO_VALUE, 0, NOWHERE},
    {"frozen_encoder", "a reading stands for %g s from 2 s on", 0.7, freeze_encoder, NULL, true,
     WARN, NO_VALUE, 0, 2},
    {"frozen_encoder", "a reading stands for %g s from 2 s on", 1.5, freeze_encoder, NULL, true,
     WARN, NO_VALUE, 0, 2},
    {"frozen_encoder", "a reading stands for %g s from 2 s on", 4, freeze_encoder, NULL, true, WARN,
     NO_VALUE, 0, 2},

    {"stale", "an arm is renewed every %g rows", 1, renew_seldom, NULL, false, INFO, NO_VALUE, 0,
     NOWHERE},
    {"stale", "an arm is renewed every %g rows", 2, renew_seldom, NULL, true, INFO, 2, 0.1,
     NOWHERE},
    {"stale", "an arm is renewed every %g rows", 3, renew_seldom, NULL, true, INFO, 3, 0.1,
     NOWHERE},
    {"stale", "an arm is renewed every %g rows", 6, renew_seldom, NULL, true, INFO, 6, 0.1,
     NOWHERE},

    {"latency", "the robot follows %g s later", 0.05, follow_later, NULL, true, INFO, 0.05, 0.001,
     NOWHERE},
    {"latency", "the robot follows %g s later", 0.15, follow_later, NULL, true, INFO, 0.15, 0.001,
     NOWHERE},
    {"latency", "the robot follows %g s later", 0.3, follow_later, NULL, true, WARN, 0.3, 0.001,
     NOWHERE},
    {"latency", "the robot follows %g s later", 0.45, follow_later, NULL, true, WARN, 0.45, 0.001,
     NOWHERE},

    {"tracking", "a joint stays %g rad off its command", 0.2, stay_off_command, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"tracking", "a joint stays %g rad off its command", 0.3, stay_off_command, NULL, true, WARN,
     0.3, 0.01, NOWHERE},
    {"tracking", "a joint stays %g rad off its command", 0.5, stay_off_command, NULL, true, WARN,
     0.5, 0.01, NOWHERE},
    {"tracking", "a joint stays %g rad off its command", 1, stay_off_command, NULL, true, WARN, 1,
     0.01, NOWHERE},

    {"saturation", "a command is at its limit for %g s from 4 s on", 0.2, command_to_limit, NULL,
     false, WARN, NO_VALUE, 0, NOWHERE},
    {"saturation", "a command is at its limit for %g s from 4 s on", 0.5, command_to_limit, NULL,
     true, WARN, 0.5, 0.01, 4},
    {"saturation", "a command is at its limit for %g s from 4 s on", 1, command_to_limit, NULL,
     true, WARN, 1, 0.01, 4},
    {"saturation", "a command is at its limit for %g s from 4 s on", 3, command_to_limit, NULL,
     true, WARN, 3, 0.01, 4},

    {"idle", "everything stands for %g s from 1 s on", 0.7, stand_still, NULL, false, INFO,
     NO_VALUE, 0, NOWHERE},
    {"idle", "everything stands for %g s from 1 s on", 1.5, stand_still, NULL, true, INFO, 1.5,
     0.25, 1},
    {"idle", "everything stands for %g s from 1 s on", 3, stand_still, NULL, true, INFO, 3, 0.25,
     1},
    {"idle", "everything stands for %g s from 1 s on", 5, stand_still, NULL, true, INFO, 5, 0.25,
     1},

    {"truncation", "the episode ends at %g of its peak speed", 0.04, cut_while_moving, NULL, false,
     INFO, NO_VALUE, 0, NOWHERE},
    {"truncation", "the episode ends at %g of its peak speed", 0.25, cut_while_moving, NULL, true,
     INFO, NO_VALUE, 0, NO_VALUE},
    {"truncation", "the episode ends at %g of its peak speed", 0.6, cut_while_moving, NULL, true,
     WARN, NO_VALUE, 0, NO_VALUE},
    {"truncation", "the episode ends at %g of its peak speed", 0.9, cut_while_moving, NULL, true,
     WARN, NO_VALUE, 0, NO_VALUE},

    {"missed_grasp", "pads close on nothing, and feel something for %g s", 0.4, truth_miss, NULL,
     false, WARN, NO_VALUE, 0, NOWHERE},
    {"missed_grasp", "pads close on nothing, and feel something for %g s", 0.1, truth_miss, NULL,
     true, WARN, 20, 1e-6, 2},
    {"missed_grasp", "pads close on nothing, and feel something for %g s", 0, truth_miss, NULL,
     true, WARN, 0, 1e-6, 2},

    {"slip", "a thing of %g N slides in the hand for 60 ms at 4 s", 2, truth_slip, NULL, false,
     WARN, NO_VALUE, 0, NOWHERE},
    {"slip", "a thing of %g N slides in the hand for 60 ms at 4 s", 4, truth_slip, NULL, true, WARN,
     4, 0.5, 4},
    {"slip", "a thing of %g N slides in the hand for 60 ms at 4 s", 10, truth_slip, NULL, true,
     WARN, 10, 0.5, 4},

    {"drop", "a thing of %g mm falls out of the hand at 4 s", 1, truth_drop, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"drop", "a thing of %g mm falls out of the hand at 4 s", 5, truth_drop, NULL, true, WARN,
     5 / 110.0, 0.01, 4},
    {"drop", "a thing of %g mm falls out of the hand at 4 s", 50, truth_drop, NULL, true, WARN,
     50 / 110.0, 0.01, 4},

    {"early_release", "the arm moves at %g rad/s when the hand opens at 6 s", 0.05, truth_release,
     NULL, false, WARN, NO_VALUE, 0, NOWHERE},
    {"early_release", "the arm moves at %g rad/s when the hand opens at 6 s", 0.1, truth_release,
     NULL, true, INFO, 0.1, 0.01, 6},
    {"early_release", "the arm moves at %g rad/s when the hand opens at 6 s", 0.5, truth_release,
     NULL, true, WARN, 0.5, 0.02, 6},

    {"collision", "an open, empty hand meets %g N at 0.8 s", 8, truth_hit, NULL, false, INFO,
     NO_VALUE, 0, NOWHERE},
    {"collision", "an open, empty hand meets %g N at 0.8 s", 30, truth_hit, NULL, true, INFO, 30, 1,
     0.8},
    {"collision", "an open, empty hand meets %g N at 0.8 s", 150, truth_hit, NULL, true, WARN, 150,
     1, 0.8},

    {"absent_video", "%g cameras have no file", 0, miss_cameras, NULL, false, WARN, NO_VALUE, 0,
     NOWHERE},
    {"absent_video", "%g cameras have no file", 1, miss_cameras, NULL, true, WARN, NO_VALUE, 0,
     NOWHERE},
    {"absent_video", "%g cameras have no file", 2, miss_cameras, NULL, true, WARN, NO_VALUE, 0,
     NOWHERE},
    {"absent_video", "%g cameras have no file", 3, miss_cameras, NULL, true, WARN, NO_VALUE, 0,
     NOWHERE},

    {"frame_count", "%g frames are missing", 0, lose_frames, NULL, false, WARN, NO_VALUE, 0,
     NOWHERE},
    {"frame_count", "%g frames are missing", 1, lose_frames, NULL, true, WARN, 239, 0, NOWHERE},
    {"frame_count", "%g frames are missing", 5, lose_frames, NULL, true, ERROR, 235, 0, NOWHERE},
    {"frame_count", "%g frames are missing", 100, lose_frames, NULL, true, ERROR, 140, 0, NOWHERE},

    {"decode", "%g of the video's file is left", 1, cut_file, NULL, false, ERROR, NO_VALUE, 0,
     NOWHERE},
    {"decode", "%g of the video's file is left", 0.9, cut_file, NULL, true, ERROR, NO_VALUE, 0,
     NOWHERE},
    {"decode", "%g of the video's file is left", 0.5, cut_file, NULL, true, ERROR, NO_VALUE, 0,
     NOWHERE},
    {"decode", "%g of the video's file is left", 0.01, cut_file, NULL, true, ERROR, NO_VALUE, 0,
     NOWHERE},

    {"frozen_camera", "the picture stands for %g s from 2 s on", 0.4, freeze_camera, NULL, false,
     WARN, NO_VALUE, 0, NOWHERE},
    {"frozen_camera", "the picture stands for %g s from 2 s on", 0.7, freeze_camera, NULL, true,
     WARN, 0.7, 0.1, 2},
    {"frozen_camera", "the picture stands for %g s from 2 s on", 1.5, freeze_camera, NULL, true,
     WARN, 1.5, 0.04, 2},
    {"frozen_camera", "the picture stands for %g s from 2 s on", 4, freeze_camera, NULL, true,
     ERROR, 4, 0.04, 2},

    {"exposure", "10 frames at level %g from 4 s on", 20, dim, NULL, false, WARN, NO_VALUE, 0,
     NOWHERE},
    {"exposure", "%g frames are black from 4 s on", 1, darken, NULL, true, WARN, 4, 2, 4},
    {"exposure", "%g frames are black from 4 s on", 10, darken, NULL, true, WARN, 4, 2, 4},
    {"exposure", "%g frames are over-exposed from 4 s on", 60, over_expose, NULL, true, WARN, 252,
     2, 4},

    {"blur", "1 s is blurred over %g pixels to each side from 4 s on", 0, blur, NULL, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"blur", "1 s shows nothing but a wall of level %g from 4 s on", 120, face_a_wall, NULL, false,
     WARN, NO_VALUE, 0, NOWHERE},
    {"blur", "1 s is blurred over %g pixels to each side from 4 s on", 1, blur, NULL, true, WARN,
     NO_VALUE, 0, 4},
    {"blur", "1 s is blurred over %g pixels to each side from 4 s on", 2, blur, NULL, true, WARN,
     NO_VALUE, 0, 4},
    {"blur", "1 s is blurred over %g pixels to each side from 4 s on", 4, blur, NULL, true, WARN,
     NO_VALUE, 0, 4},

    {"camera_latency", "pictures are %g s old", 0.03, truth_old_pictures, NULL, true, INFO, 0.03,
     0.004, NOWHERE},
    {"camera_latency", "pictures are %g s old", 0.08, truth_old_pictures, NULL, true, INFO, 0.08,
     0.004, NOWHERE},
    {"camera_latency", "pictures are %g s old", 0.15, truth_old_pictures, NULL, true, WARN, 0.15,
     0.004, NOWHERE},

    {"failure", "the source says \"success\"", 0, end_with, NULL, false, WARN, NO_VALUE, 0,
     NOWHERE},
    {"failure", "the source says \"failure\"", 1, end_with, NULL, true, WARN, NO_VALUE, 0, NOWHERE},
    {"failure", "the source says \"failure: on bottle tray\"", 2, end_with, NULL, true, WARN,
     NO_VALUE, 0, NOWHERE},
    {"failure", "the source says \"discard\"", 3, end_with, NULL, true, WARN, NO_VALUE, 0, NOWHERE},

    {"lost", "nothing was lost", 0, lose, NULL, false, WARN, NO_VALUE, 0, NOWHERE},
    {"lost", "the recorder dropped samples", 1, lose, NULL, true, WARN, NO_VALUE, 0, NOWHERE},
    {"lost", "and a link lost some", 2, lose, NULL, true, WARN, NO_VALUE, 0, NOWHERE},

    {"label", "\"Take the cup with the other hand\"", 0, say, NULL, false, WARN, NO_VALUE, 0,
     NOWHERE},
    {"label", "\"Take the cup with the right hand\", the left arm moves", 1, say, NULL, true, WARN,
     NO_VALUE, 0, NOWHERE},
    {"label", "\"Put the yellow cup on the shelf \"", 2, say, NULL, true, WARN, NO_VALUE, 0,
     NOWHERE},
    {"label", "\"valid\"", 3, say, NULL, true, WARN, NO_VALUE, 0, NOWHERE},
    {"label", "an empty instruction", 4, say, NULL, true, WARN, NO_VALUE, 0, NOWHERE},
    {"label", "bytes that are not UTF-8", 5, say, NULL, true, ERROR, NO_VALUE, 0, NOWHERE},
    {"label", "\"grasp\"", 6, say, NULL, true, INFO, NO_VALUE, 0, NOWHERE},

    {"totals", "%g rows more are claimed than were found", 0, NULL, claim_rows, false, ERROR,
     NO_VALUE, 0, NOWHERE},
    {"totals", "%g rows more are claimed than were found", 1, NULL, claim_rows, true, ERROR, 1000,
     0, NOWHERE},
    {"totals", "%g rows more are claimed than were found", 100, NULL, claim_rows, true, ERROR, 1000,
     0, NOWHERE},
    {"totals", "a split goes to episode %g of 200", 300, NULL, claim_splits, true, WARN, 300, 0,
     NOWHERE},

    {"duplicate", "%g episodes with the same numbers", 1, NULL, repeat_episode, false, WARN,
     NO_VALUE, 0, NOWHERE},
    {"duplicate", "%g episodes with the same numbers", 2, NULL, repeat_episode, true, WARN, 2, 0,
     NOWHERE},
    {"duplicate", "%g episodes with the same numbers", 50, NULL, repeat_episode, true, WARN, 50, 0,
     NOWHERE},
    {"duplicate", "%g episodes with the same commands", 3, NULL, replay_episode, true, WARN, 3, 0,
     NOWHERE},

    {"label_set", "\"… cup …\" and \"… cap …\"", 0, NULL, say_twice, false, WARN, NO_VALUE, 0,
     NOWHERE},
    {"label_set", "\"Put the cup on the shelf\" and \"put the cup  on the shelf.\"", 1, NULL,
     say_twice, true, WARN, NO_VALUE, 0, NOWHERE},
    {"label_set", "\"… yellow …\" and \"… yelow …\"", 2, NULL, say_twice, true, INFO, NO_VALUE, 0,
     NOWHERE},
    {"label_set", "one instruction in English, one in Chinese", 3, NULL, say_twice, true, WARN,
     NO_VALUE, 0, NOWHERE},
};
const size_t TRUTH_N_CASES = sizeof TRUTH_CASES / sizeof *TRUTH_CASES;
