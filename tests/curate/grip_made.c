#include "grip_made.h"

#include <math.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define OPEN_M 0.08
#define SQUEEZE_M (-0.02)
#define RAMP_S 0.25 // a hand opens or closes in this time
#define CLOSE_S 2.0
#define CARRY_S 3.0
#define PLACE_S 5.0
#define LOAD_N 20.0
#define OWN_N 4.4 // what the wrist bears of the hand itself
#define SLIDE_S 0.06
#define HIT_S 0.06

static double ramp(double t_s, double from_s, double span_s)
{
    return fmax(0, fmin(1, (t_s - from_s) / span_s));
}

static double open_at(const struct grip_story *s)
{
    return s->open_s > 0 ? s->open_s : 6;
}

static double width(const struct grip_story *s)
{
    return s->width_m > 0 ? s->width_m : s->width_m < 0 ? 0 : 0.04;
}

static double commanded_m(const struct grip_story *s, double t_s)
{
    const double closed = ramp(t_s, s->is_closed_first ? 0.3 : CLOSE_S, RAMP_S);
    const double opened = ramp(t_s, open_at(s), RAMP_S);
    return OPEN_M + (SQUEEZE_M - OPEN_M) * (closed - opened);
}

/* True while the thing is between the pads. */
static bool is_held(const struct grip_story *s, double t_s)
{
    const bool is_lost = s->lost_s > 0 && t_s >= s->lost_s;
    return s->width_m >= 0 && !is_lost && t_s > CLOSE_S && commanded_m(s, t_s) < width(s);
}

static double opening_m(const struct grip_story *s, double t_s)
{
    return fmax(commanded_m(s, t_s), is_held(s, t_s) ? width(s) : 0);
}

static double load_n(const struct grip_story *s, double t_s)
{
    const bool is_felt = s->width_m < 0 && t_s >= 2.3 && t_s < 2.3 + s->felt_s;
    if (s->dips_s > 0 && t_s >= s->dips_s && t_s < s->dips_s + 0.01)
        return 0.5;
    return is_held(s, t_s) || is_felt ? LOAD_N : 0;
}

static double force_n(const struct grip_story *s, double t_s)
{
    const double weight = s->weight_n > 0 ? s->weight_n : 6;
    const bool is_carried = is_held(s, t_s) && t_s >= CARRY_S && t_s < PLACE_S;
    const double slides = s->slides_s > 0 ? t_s - s->slides_s : -1;
    double force = OWN_N + (is_carried ? weight : 0);
    if (is_carried && slides >= 0 && slides < SLIDE_S)
        force = OWN_N;
    else if (is_carried && slides >= SLIDE_S && slides < SLIDE_S + 0.03)
        force += weight;
    else if (is_carried)
        force += (int)(t_s * GRIP_HZ) % 2 ? s->shakes_n : -s->shakes_n;
    const double hit_s = s->hit_s > 0 ? s->hit_s : 1;
    if (t_s >= hit_s && t_s < hit_s + HIT_S)
        force += s->hit_n;
    return force;
}

static double arm_rad(const struct grip_story *s, double t_s)
{
    return s->speed_rad_s > 0 ? s->speed_rad_s * t_s : 0.8 * ramp(t_s, CARRY_S, PLACE_S - CARRY_S);
}

static double value_of(const struct grip_story *s, int track, size_t i, double t_s)
{
    switch (track) {
    case GRIP_ARM:
    case GRIP_ARM_COMMAND:
        return i == 0 ? arm_rad(s, t_s) : 0;
    case GRIP_HAND:
        return opening_m(s, t_s);
    case GRIP_HAND_COMMAND:
        return commanded_m(s, t_s);
    case GRIP_TOUCH:
        return load_n(s, t_s);
    default:
        return i == 2 ? -force_n(s, t_s) : 0;
    }
}

static void *take(struct et_arena *arena, size_t n, size_t size)
{
    void *p = et_arena_array(arena, n, size);
    if (!p)
        abort();
    return p;
}

static void fill_track(struct grip_made *made, struct et_arena *arena,
                       const struct grip_story *story, int t)
{
    static const struct {
        const char *name, *unit;
        size_t n_values;
        double lower, upper;
    } STREAMS[GRIP_TRACKS] = {
        [GRIP_ARM] = {"right_arm.position", "rad", 7, -3, 9},
        [GRIP_HAND] = {"right_hand.position", "m", 1, -0.02, 0.09},
        [GRIP_TOUCH] = {"right_fingers.touch", "N", 2, 0, 1000},
        [GRIP_WRENCH] = {"right_wrist.wrench", "N", 6, 0, 0},
        [GRIP_ARM_COMMAND] = {"command.right_arm.position", "rad", 7, -3, 9},
        [GRIP_HAND_COMMAND] = {"command.right_hand.position", "m", 1, -0.02, 0.09},
    };
    const double rate_hz = t == GRIP_WRENCH ? GRIP_WRENCH_HZ : GRIP_HZ;
    const size_t n = (size_t)(GRIP_S * rate_hz), width_n = STREAMS[t].n_values;
    int64_t *t_ns = take(arena, n, sizeof *t_ns);
    double *limits = take(arena, 2 * width_n, sizeof *limits);
    for (size_t i = 0; i < width_n; i++) {
        limits[i] = STREAMS[t].lower;
        limits[width_n + i] = STREAMS[t].upper;
    }
    struct et_track *track = &made->tracks[t];
    *track = (struct et_track){
        .stream = {.name = STREAMS[t].name,
                   .unit = STREAMS[t].unit,
                   .n_values = width_n,
                   .lower = STREAMS[t].upper > STREAMS[t].lower ? limits : NULL,
                   .upper = STREAMS[t].upper > STREAMS[t].lower ? limits + width_n : NULL,
                   .rate_hz = rate_hz},
        .n_samples = n,
        .t_ns = t_ns,
    };
    (void)et_stream_parse(STREAMS[t].name, &track->stream.part, &track->stream.quantity,
                          &track->stream.is_command);
    made->values[t] = take(arena, n * width_n, sizeof(double));
    track->values = made->values[t];
    for (size_t k = 0; k < n; k++) {
        t_ns[k] = llround(1e9 * (double)k / rate_hz);
        for (size_t i = 0; i < width_n; i++)
            made->values[t][k * width_n + i] = value_of(story, t, i, (double)k / rate_hz);
    }
}

void grip_fill(struct grip_made *made, struct et_arena *arena, const struct grip_story *story)
{
    static const char *const TASKS[] = {"Put the block in the box"};
    *made = (struct grip_made){0};
    for (int t = 0; t < GRIP_TRACKS; t++)
        fill_track(made, arena, story, t);
    made->episode = (struct et_episode){
        .id = "made/0",
        .source = "made",
        .time_kind = ET_TIME_MEASURED,
        .tracks = made->tracks,
        .n_tracks = GRIP_TRACKS,
        .tasks = TASKS,
        .n_tasks = 1,
        .n_rows_claimed = -1,
    };
}

void grip_open(struct grip_made *made, const struct grip_story *story)
{
    struct et_arena *arena = NULL;
    if (et_arena_open(&arena, ARENA_BYTES, NULL) != ET_OK)
        abort();
    grip_fill(made, arena, story);
    made->arena = arena;
}

void grip_close(struct grip_made *made)
{
    et_arena_close(made->arena);
    *made = (struct grip_made){0};
}
