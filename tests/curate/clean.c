#include "clean.h"

#include "etude/video.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define ARENA_BYTES ((size_t)64 << 20)
#define VIA_MAX 64
#define ENCODER_STEP_RAD 1e-4
#define HAND_STEP 1e-3
#define STILL_AT_END_S 0.8

/* What one joint does: from via point to via point, each reached at its time, with rests between.
 */
struct motion {
    size_t n;
    double start_s[VIA_MAX], end_s[VIA_MAX]; // of the move to point k
    double at[VIA_MAX + 1];
};

// Minimum jerk from 0 to 1 (Flash and Hogan 1985, J. Neurosci. 5(7), 1688).
static double minimum_jerk(double u)
{
    if (u <= 0)
        return 0;
    if (u >= 1)
        return 1;
    return u * u * u * (10 + u * (-15 + 6 * u));
}

static double motion_at(const struct motion *m, double t_s)
{
    double x = m->at[0];
    for (size_t k = 0; k < m->n && t_s > m->start_s[k]; k++)
        x = m->at[k] + (m->at[k + 1] - m->at[k]) *
                           minimum_jerk((t_s - m->start_s[k]) / (m->end_s[k] - m->start_s[k]));
    return x;
}

static struct motion motion_make(struct rng *rng, double duration_s, double lower, double upper,
                                 double speed)
{
    struct motion m = {0};
    double t_s = 0.2 + 0.3 * rng_uniform(rng);
    m.at[0] = lower + (upper - lower) * rng_uniform(rng);
    while (m.n < VIA_MAX) {
        const double next = lower + (upper - lower) * rng_uniform(rng);
        const double move_s = 0.7 + fabs(next - m.at[m.n]) / speed;
        if (t_s + move_s > duration_s - STILL_AT_END_S)
            break;
        m.start_s[m.n] = t_s;
        m.end_s[m.n] = t_s + move_s;
        m.at[++m.n] = next;
        t_s += move_s + 0.25 * rng_uniform(rng);
    }
    return m;
}

static double quantised(double x, double step)
{
    return step * round(x / step);
}

/* ---- the arrays ---- */

static void *take(struct et_arena *arena, size_t n, size_t size)
{
    void *p = et_arena_array(arena, n, size);
    if (!p)
        abort();
    return p;
}

static const char *const NAMES[CLEAN_N_TRACKS] = {
    "left_arm.position",          "left_hand.position",          "right_arm.position",
    "right_hand.position",        "command.left_arm.position",   "command.left_hand.position",
    "command.right_arm.position", "command.right_hand.position",
};

static bool is_hand(int track)
{
    return track % 2 == 1;
}

static void fill_value(struct clean *clean, const struct clean_options *o, struct rng *rng,
                       int track, size_t i)
{
    const bool hand = is_hand(track);
    const size_t width = hand ? CLEAN_HAND_JOINTS : CLEAN_ARM_JOINTS;
    const struct motion m = hand ? motion_make(rng, o->duration_s, 0.05, 0.95, 1.5 * o->speed)
                                 : motion_make(rng, o->duration_s, -1, 1, 1.2 * o->speed);
    for (size_t k = 0; k < clean->n; k++) {
        const double t_s = (double)k / o->rate_hz;
        double *state = &clean->values[track][k * width + i];
        double *command = &clean->values[track + CLEAN_COMMAND][k * width + i];
        *command = motion_at(&m, t_s);
        *state = motion_at(&m, t_s - o->lag_s);
        *state = hand ? quantised(*state, HAND_STEP)
                      : quantised(*state + o->noise_rad * rng_gaussian(rng), ENCODER_STEP_RAD);
    }
}

static void open_track(struct clean *clean, const struct clean_options *o, int t)
{
    const bool hand = is_hand(t);
    const size_t width = hand ? CLEAN_HAND_JOINTS : CLEAN_ARM_JOINTS;
    double *limits = take(clean->arena, 3 * width, sizeof *limits);
    for (size_t i = 0; i < width; i++) {
        limits[i] = hand ? 0 : -1.5;
        limits[width + i] = hand ? 1 : 1.5;
        limits[2 * width + i] = hand ? (double)NAN : 6;
    }
    struct et_track *track = &clean->tracks[t];
    bool is_command = false;
    track->stream = (struct et_stream){
        .name = NAMES[t],
        .unit = hand ? "fraction" : "rad",
        .n_values = width,
        .lower = limits,
        .upper = limits + width,
        .speed = limits + 2 * width,
        .rate_hz = o->rate_hz,
    };
    (void)et_stream_parse(NAMES[t], &track->stream.part, &track->stream.quantity, &is_command);
    track->stream.is_command = is_command;
    clean->values[t] = take(clean->arena, clean->n * width, sizeof(double));
    track->values = clean->values[t];
    track->n_samples = clean->n;
    track->t_ns = clean->t_ns;
}

/* The columns as a dataset would store them. */
static void fill_columns(struct clean *clean)
{
    clean->state = take(clean->arena, clean->n * CLEAN_N_VALUES, sizeof(double));
    clean->action = take(clean->arena, clean->n * CLEAN_N_VALUES, sizeof(double));
    size_t at = 0;
    for (int t = 0; t < CLEAN_COMMAND; t++) {
        const size_t width = clean->tracks[t].stream.n_values;
        for (size_t k = 0; k < clean->n; k++)
            for (size_t i = 0; i < width; i++) {
                clean->state[k * CLEAN_N_VALUES + at + i] = *clean_at(clean, t, k, i);
                clean->action[k * CLEAN_N_VALUES + at + i] =
                    *clean_at(clean, t + CLEAN_COMMAND, k, i);
            }
        at += width;
    }
    clean->columns[0] =
        (struct et_raw_column){"observation.state", CLEAN_N_VALUES, CLEAN_N_VALUES, clean->state};
    clean->columns[1] =
        (struct et_raw_column){"action", CLEAN_N_VALUES, CLEAN_N_VALUES, clean->action};
}

void clean_open(struct clean *clean, const struct clean_options *options)
{
    struct clean_options o = options ? *options : (struct clean_options){0};
    o.rate_hz = o.rate_hz > 0 ? o.rate_hz : 30;
    o.duration_s = o.duration_s > 0 ? o.duration_s : 8;
    o.lag_s = o.lag_s > 0 ? o.lag_s : 0.12;
    o.noise_rad = o.noise_rad > 0 ? o.noise_rad : 0.0002;
    o.speed = o.speed > 0 ? o.speed : 1;

    *clean = (struct clean){.seed = o.seed};
    if (et_arena_open(&clean->arena, ARENA_BYTES, NULL) != ET_OK)
        abort();
    struct rng rng = {o.seed};
    clean->n = (size_t)lround(o.duration_s * o.rate_hz);
    clean->t_ns = take(clean->arena, clean->n, sizeof *clean->t_ns);
    for (size_t k = 0; k < clean->n; k++)
        clean->t_ns[k] = llround((double)k / o.rate_hz * 1e9);
    for (int t = 0; t < CLEAN_N_TRACKS; t++)
        open_track(clean, &o, t);
    for (int t = 0; t < CLEAN_COMMAND; t++)
        for (size_t i = 0; i < clean->tracks[t].stream.n_values; i++)
            fill_value(clean, &o, &rng, t, i);
    fill_columns(clean);
    clean->tasks[0] = "Put the yellow cup on the shelf";
    clean->episode = (struct et_episode){
        .id = "clean/0",
        .index = (int64_t)o.seed,
        .source = "clean",
        .robot = "clean",
        .rate_hz = o.rate_hz,
        .time_kind = ET_TIME_MEASURED,
        .n_rows = (int64_t)clean->n,
        .tracks = clean->tracks,
        .n_tracks = CLEAN_N_TRACKS,
        .columns = clean->columns,
        .n_columns = 2,
        .tasks = clean->tasks,
        .n_tasks = 1,
        .n_rows_claimed = (int64_t)clean->n,
    };
}

void clean_close(struct clean *clean)
{
    et_arena_close(clean->arena);
    *clean = (struct clean){0};
}

double *clean_at(struct clean *clean, int track, size_t row, size_t i)
{
    return &clean->values[track][row * clean->tracks[track].stream.n_values + i];
}

/* ---- pictures ---- */

/* A table with grain, and a hand with stripes that goes around over it. */
struct scene {
    uint8_t table[CLEAN_HEIGHT_PX][CLEAN_WIDTH_PX];
    int left, top; // of the hand
};

#define HAND_PX 30

static void scene_open(struct scene *scene, uint64_t seed)
{
    for (int y = 0; y < CLEAN_HEIGHT_PX; y++)
        for (int x = 0; x < CLEAN_WIDTH_PX; x++) {
            struct rng rng = {seed ^ ((uint64_t)(x / 2) << 32) ^ (uint64_t)(y / 2)};
            scene->table[y][x] = (uint8_t)(70 + 60 * rng_uniform(&rng) + 0.3 * x);
        }
}

static void scene_at(struct scene *scene, size_t frame)
{
    const double turn = 2 * PI * (double)frame / 70;
    scene->left = (int)((CLEAN_WIDTH_PX - HAND_PX) / 2 + 50 * cos(turn));
    scene->top = (int)((CLEAN_HEIGHT_PX - HAND_PX) / 2 + 35 * sin(turn));
}

static uint8_t clean_pixel(const struct scene *scene, int x, int y)
{
    const int dx = x - scene->left, dy = y - scene->top;
    if (dx >= 0 && dx < HAND_PX && dy >= 0 && dy < HAND_PX)
        return dx / 3 % 2 ? 220 : 40;
    return scene->table[y][x];
}

static uint8_t blurred_pixel(const struct scene *scene, int x, int y, int radius)
{
    int sum = 0, n = 0;
    for (int py = y - radius; py <= y + radius; py++)
        for (int px = x - radius; px <= x + radius; px++) {
            if (px < 0 || py < 0 || px >= CLEAN_WIDTH_PX || py >= CLEAN_HEIGHT_PX)
                continue;
            sum += clean_pixel(scene, px, py);
            n++;
        }
    return (uint8_t)(sum / n);
}

static uint8_t pixel(const struct scene *scene, enum clean_fault fault, double amount, int x, int y)
{
    switch (fault) {
    case CLEAN_FAULT_DARK:
    case CLEAN_FAULT_BRIGHT:
        return (uint8_t)amount;
    case CLEAN_FAULT_BLUR:
        return blurred_pixel(scene, x, y, (int)amount);
    case CLEAN_FAULT_PLAIN: // a wall, lit from one side
        return (uint8_t)((int)amount + x / 16);
    case CLEAN_FAULT_NONE:
    case CLEAN_FAULT_FREEZE:
        break;
    }
    return clean_pixel(scene, x, y);
}

static void draw(struct scene *scene, const struct clean_video_fault *fault, size_t frame,
                 uint8_t *rgb)
{
    const bool is_bad = fault && frame >= fault->first && frame <= fault->last;
    const enum clean_fault kind = is_bad ? fault->fault : CLEAN_FAULT_NONE;
    scene_at(scene, kind == CLEAN_FAULT_FREEZE ? fault->first : frame);
    for (int y = 0; y < CLEAN_HEIGHT_PX; y++)
        for (int x = 0; x < CLEAN_WIDTH_PX; x++, rgb += 3)
            memset(rgb, pixel(scene, kind, is_bad ? fault->amount : 0, x, y), 3);
}

static void must(enum et_status st, const struct et_err *err)
{
    if (st == ET_OK)
        return;
    (void)fprintf(stderr, "%s\n", err->text);
    abort();
}

void clean_film(struct clean *clean, const char *path, size_t n_frames,
                const struct clean_video_fault *fault)
{
    const struct et_video_options options = {
        .codec = ET_VIDEO_H264,
        .width_px = CLEAN_WIDTH_PX,
        .height_px = CLEAN_HEIGHT_PX,
        .fps = (int)lround(clean->episode.rate_hz),
        .gop = 10,
    };
    static struct scene scene;
    static uint8_t rgb[3 * CLEAN_WIDTH_PX * CLEAN_HEIGHT_PX];
    struct et_video_writer *writer = NULL;
    struct et_err err = {0};

    must(et_video_create(&writer, path, &options, &err), &err);
    scene_open(&scene, clean->seed);
    for (size_t k = 0; k < n_frames; k++) {
        draw(&scene, fault, k, rgb);
        must(et_video_write_rgb(writer, rgb, &err), &err);
    }
    must(et_video_finish(writer, &err), &err);
    clean->video = (struct et_video_ref){
        .stream = {.name = "head.image", .part = ET_PART_HEAD, .quantity = ET_QUANTITY_IMAGE},
        .source = "observation.images.head",
        .path = path,
        .is_present = true,
        .n_frames = (int64_t)n_frames,
        .width_px = CLEAN_WIDTH_PX,
        .height_px = CLEAN_HEIGHT_PX,
        .rate_hz = clean->episode.rate_hz,
    };
    clean->episode.videos = &clean->video;
    clean->episode.n_videos = 1;
}
