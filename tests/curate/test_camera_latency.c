#include "etude/camera_latency.h"

#include "curate/curate__flow.h"

#include "clean.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>

/* A made camera on made motion: joints at 500 Hz, pictures at 30 Hz, whose change is what the
 * joints do between two exposures. */
struct made {
    struct clean clean;
    struct et_camera_motion motion;
    int64_t *t_ns;
    double *change;
};

enum how {
    SUMS,      // the estimator's own model: weights times ways
    SATURATES, // and pictures differ no more where they have nothing in common
    TURNS,     // a camera that three joints turn together: their ways add up or cancel
    POINTS,    // points of a picture that go where all joints together bring them
};

struct made_options {
    uint64_t seed;
    double duration_s; // 0: 60
    double latency_s;
    double jitter_s; // of the stamps, uniform to both sides
    double noise;    // of the mean change
    double speed;    // 0: 1
    enum how how;
};

#define FRAMES_HZ 30.0
#define N_JOINTS ((size_t)(2 * CLEAN_ARM_JOINTS))
#define N_POINTS 6

static struct et_arena *arena;
static struct et_err err;

/* An arm goes from point to point, all its joints together, and rests between. */
#define MOVES_MAX 400
struct arm {
    size_t n;
    double start_s[MOVES_MAX], end_s[MOVES_MAX];
    double at[MOVES_MAX + 1][CLEAN_ARM_JOINTS];
};

static void open_arm(struct arm *arm, struct rng *rng, double duration_s, double speed)
{
    *arm = (struct arm){0};
    for (double t_s = 0.5 * rng_uniform(rng); t_s < duration_s && arm->n < MOVES_MAX; arm->n++) {
        arm->start_s[arm->n] = t_s;
        arm->end_s[arm->n] = t_s + (0.7 + 1.3 * rng_uniform(rng)) / speed;
        t_s = arm->end_s[arm->n] + 0.6 * rng_uniform(rng);
        for (size_t i = 0; i < CLEAN_ARM_JOINTS; i++)
            arm->at[arm->n + 1][i] = 2 * rng_uniform(rng) - 1;
    }
}

// Minimum jerk, as in clean.c.
static double arm_at(const struct arm *arm, size_t i, double t_s)
{
    size_t k = 0;
    while (k < arm->n && t_s > arm->end_s[k])
        k++;
    if (k == arm->n || t_s < arm->start_s[k])
        return arm->at[k][i];
    const double u = (t_s - arm->start_s[k]) / (arm->end_s[k] - arm->start_s[k]);
    return arm->at[k][i] +
           (arm->at[k + 1][i] - arm->at[k][i]) * u * u * u * (10 + u * (-15 + 6 * u));
}

static struct arm arms[2];

static double truly(size_t j, double t_s)
{
    return arm_at(&arms[j / CLEAN_ARM_JOINTS], j % CLEAN_ARM_JOINTS, t_s);
}

/* Encoders see the arms: 0.2 mrad of noise. */
static void measure(struct clean *clean, struct rng *rng)
{
    for (size_t k = 0; k < clean->n; k++)
        for (size_t j = 0; j < N_JOINTS; j++) {
            const int arm = j < CLEAN_ARM_JOINTS ? CLEAN_LEFT_ARM : CLEAN_RIGHT_ARM;
            *clean_at(clean, arm, k, j % CLEAN_ARM_JOINTS) =
                truly(j, (double)clean->t_ns[k] * 1e-9) + 0.0002 * rng_gaussian(rng);
        }
}

static double change_of(const double *ways, const double *weights, enum how how)
{
    double sum = 0;
    if (how == TURNS)
        return hypot(80 * ways[0] - 40 * ways[2], 60 * ways[1]);
    if (how != POINTS) {
        for (size_t j = 0; j < N_JOINTS; j++)
            sum += weights[j] * fabs(ways[j]);
        return how == SATURATES ? 8 * (1 - exp(-sum / 8)) : sum;
    }
    for (size_t point = 0; point < N_POINTS; point++) {
        double x = 0, y = 0;
        for (size_t j = 0; j < N_JOINTS; j++) {
            x += weights[j + N_JOINTS * point] * ways[j];
            y += weights[j + N_JOINTS * (point + N_POINTS)] * ways[j];
        }
        sum += hypot(x, y);
    }
    return sum;
}

static void open_made(struct made *made, const struct made_options *o)
{
    const struct clean_options motion = {.seed = o->seed,
                                         .rate_hz = 500,
                                         .duration_s = o->duration_s > 0 ? o->duration_s : 60,
                                         .speed = o->speed};
    struct rng rng = {o->seed ^ 77};
    double weights[2 * N_JOINTS * N_POINTS], before[N_JOINTS] = {0};
    clean_open(&made->clean, &motion);
    for (size_t arm = 0; arm < 2; arm++)
        open_arm(&arms[arm], &rng, motion.duration_s, o->speed > 0 ? o->speed : 1);
    measure(&made->clean, &rng);
    const size_t n = (size_t)(motion.duration_s * FRAMES_HZ);
    made->t_ns = malloc(n * sizeof *made->t_ns);
    made->change = malloc(n * sizeof *made->change);
    if (!made->t_ns || !made->change)
        abort();
    for (size_t i = 0; i < 2 * N_JOINTS * N_POINTS; i++)
        weights[i] = 60 * (o->how == POINTS ? rng_gaussian(&rng) / 3 : rng_uniform(&rng));
    double mean = 0;
    for (size_t k = 0; k < n; k++) {
        double ways[N_JOINTS];
        const double t_s = 0.004 + (double)k / FRAMES_HZ; // of the stamp, without its jitter
        for (size_t j = 0; j < N_JOINTS; j++) {
            const double q = truly(j, t_s - o->latency_s);
            ways[j] = q - before[j];
            before[j] = q;
        }
        made->t_ns[k] = llround(1e9 * (t_s + o->jitter_s * (2 * rng_uniform(&rng) - 1)));
        made->change[k] = k == 0 ? (double)NAN : 0.4 + change_of(ways, weights, o->how);
        mean += k == 0 ? 0 : made->change[k] / (double)n;
    }
    for (size_t k = 1; k < n; k++)
        made->change[k] = fmax(0, made->change[k] + o->noise * mean * rng_gaussian(&rng));
    made->motion = (struct et_camera_motion){.t_ns = made->t_ns, .change = made->change, .n = n};
}

static void close_made(struct made *made)
{
    free(made->t_ns);
    free(made->change);
    clean_close(&made->clean);
}

static struct et_latency estimate(const struct made *made)
{
    struct et_latency latency = {0};
    CHECK_OK(et_camera_latency_estimate(&made->motion, made->clean.tracks, CLEAN_N_TRACKS, NULL,
                                        arena, &latency, &err));
    CHECK_EQ(et_arena_used(arena), 0);
    return latency;
}

struct score {
    double rms_s, worst_s, sigmas; // worst error over its sigma
    double confidence;             // the least
    int n_refused;
};

static struct score score_of(struct made_options o)
{
    static const double latencies_s[] = {0, 0.03, 0.08};
    struct score score = {.confidence = 1};
    double sum = 0;
    int n = 0;
    const uint64_t n_seeds = 3; // the limits are of nine
    for (uint64_t seed = 1; seed <= n_seeds; seed++)
        for (size_t i = 0; i < 3; i++) {
            struct made made;
            o.seed = seed;
            o.latency_s = latencies_s[i];
            open_made(&made, &o);
            const struct et_latency latency = estimate(&made);
            close_made(&made);
            score.confidence = fmin(score.confidence, latency.confidence);
            score.n_refused += !latency.is_known;
            if (!latency.is_known)
                continue;
            const double off = latency.lag_s - o.latency_s;
            sum += off * off;
            n++;
            score.worst_s = fmax(score.worst_s, fabs(off));
            score.sigmas = fmax(score.sigmas, fabs(off) / latency.sigma_s);
        }
    score.rms_s = n > 0 ? sqrt(sum / n) : (double)NAN;
    return score;
}

static void is_right_within_a_millisecond(void)
{
    static const struct {
        const char *text;
        struct made_options o;
        double rms_s; // that it must reach
    } rows[] = {
        {"60 s, 1 ms jitter,  2 % noise", {.jitter_s = 0.001, .noise = 0.02}, 0.0005},
        {"60 s, 2 ms jitter,  5 % noise", {.jitter_s = 0.002, .noise = 0.05}, 0.001},
        {"60 s, 4 ms jitter, 10 % noise", {.jitter_s = 0.004, .noise = 0.1}, 0.0013},
        {"60 s, 1 ms jitter,  5 %, saturating",
         {.jitter_s = 0.001, .noise = 0.05, .how = SATURATES},
         0.001},
        {"60 s, 1 ms jitter,  5 %, turned by three",
         {.jitter_s = 0.001, .noise = 0.05, .how = TURNS},
         0.001},
        {"60 s, 1 ms jitter,  5 %, points",
         {.jitter_s = 0.001, .noise = 0.05, .how = POINTS},
         0.0035},
        {"60 s, 1 ms jitter,  5 %, slow", {.jitter_s = 0.001, .noise = 0.05, .speed = 0.25}, 0.003},
        {"20 s, 1 ms jitter,  2 % noise",
         {.duration_s = 20, .jitter_s = 0.001, .noise = 0.02},
         0.002},
        {"20 s, 4 ms jitter, 10 % noise",
         {.duration_s = 20, .jitter_s = 0.004, .noise = 0.1},
         0.004},
        {"20 s, 4 ms jitter, 10 %, points",
         {.duration_s = 20, .jitter_s = 0.004, .noise = 0.1, .how = POINTS},
         0.008},
    };
    printf("# %-38s rms ms  worst ms  worst/sigma  confidence\n", "pictures at 30 Hz");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct score score = score_of(rows[i].o);
        printf("# %-38s %6.2f %9.2f %12.1f %11.2f\n", rows[i].text, 1e3 * score.rms_s,
               1e3 * score.worst_s, score.sigmas, score.confidence);
        CHECK_EQ(score.n_refused, 0);
        CHECK(score.rms_s <= rows[i].rms_s);
        CHECK(score.sigmas < 5);
    }
}

/* ---- scenes that are drawn ---- */

#define SCENE_WIDTH 160
#define SCENE_HEIGHT 120
#define SCENE_PX (SCENE_WIDTH * SCENE_HEIGHT)
#define TEXTURE 512 // to each side, which repeats

enum scene {
    MOVING_CAMERA, // on a wrist: pans, tilts, rolls and comes closer, by a posture's Jacobian
    STILL_CAMERA,  // sees two arms of two links each before a still ground
};

static float *make_texture(uint64_t seed)
{
    struct rng rng = {seed};
    float *texture = calloc((size_t)TEXTURE * TEXTURE, sizeof *texture);
    if (!texture)
        abort();
    // Patches of all sizes: what is coarse is strong, as in rooms.
    for (int size = 128; size >= 4; size /= 2)
        for (int y = 0; y < TEXTURE; y += size)
            for (int x = 0; x < TEXTURE; x += size) {
                const float level = (float)(rng_gaussian(&rng) * 3 * sqrt(size));
                for (int i = 0; i < size * size; i++)
                    texture[(y + i / size) * TEXTURE + x + i % size] += level;
            }
    return texture;
}

static float texture_at(const float *texture, double x, double y)
{
    const int left = (int)floor(x), top = (int)floor(y);
    const float u = (float)(x - left), v = (float)(y - top);
    const float *a = &texture[(top & (TEXTURE - 1)) * TEXTURE];
    const float *b = &texture[((top + 1) & (TEXTURE - 1)) * TEXTURE];
    const int l = left & (TEXTURE - 1), r = (left + 1) & (TEXTURE - 1);
    return (1 - v) * ((1 - u) * a[l] + u * a[r]) + v * ((1 - u) * b[l] + u * b[r]);
}

static void see_from_wrist(const float *texture, const double *q, float *picture)
{
    // A hand's place on a bent arm: each joint's share depends on those before it.
    const double a = q[0] * 0.4, b = a + q[1] * 0.4, c = b + q[3] * 0.3;
    const double x = 80 * sin(a) + 60 * sin(b) + 30 * sin(c) + 20 * q[4];
    const double y = 80 * cos(a) + 60 * cos(b) + 30 * cos(c) + 20 * q[5];
    const double roll = 0.15 * q[6], zoom = 1 + 0.1 * q[2];
    for (int v = 0; v < SCENE_HEIGHT; v++)
        for (int u = 0; u < SCENE_WIDTH; u++) {
            const double right = (u - SCENE_WIDTH / 2) * zoom, down = (v - SCENE_HEIGHT / 2) * zoom;
            picture[v * SCENE_WIDTH + u] =
                texture_at(texture, x + right * cos(roll) - down * sin(roll),
                           y + right * sin(roll) + down * cos(roll));
        }
}

static void draw_link(const float *texture, const double from[2], double angle, double length,
                      float *picture)
{
    for (int v = 0; v < SCENE_HEIGHT; v++)
        for (int u = 0; u < SCENE_WIDTH; u++) {
            const double x = u - from[0], y = v - from[1];
            const double along = x * cos(angle) + y * sin(angle);
            const double beside = y * cos(angle) - x * sin(angle);
            const double off = fabs(beside) - 8 + fmax(0, fmax(-along, along - length));
            if (off < 1) {
                const float cover = (float)fmin(1, 1 - off);
                float *p = &picture[v * SCENE_WIDTH + u];
                *p += cover * (texture_at(texture, along + 77, beside + 99) + 30 - *p);
            }
        }
}

static void see_arms(const float *texture, const double *q, float *picture)
{
    for (int v = 0; v < SCENE_HEIGHT; v++)
        for (int u = 0; u < SCENE_WIDTH; u++)
            picture[v * SCENE_WIDTH + u] = texture_at(texture, u, v);
    for (int arm = 0; arm < 2; arm++, q += CLEAN_ARM_JOINTS) {
        const double angle = -1.57 + (arm ? -0.3 : 0.3) + 0.4 * q[0] + 0.1 * q[2];
        const double from[2] = {arm ? 110 : 50, 115};
        const double elbow[2] = {from[0] + 40 * cos(angle), from[1] + 40 * sin(angle)};
        draw_link(texture, from, angle, 40, picture);
        draw_link(texture, elbow, angle + 0.5 * q[3] + (arm ? -0.5 : 0.5), 30, picture);
    }
}

/* Takes the flows of a drawn scene, with the noise of a sensor, for what a made camera saw. */
static double *see(struct made *made, const struct made_options *o, enum scene scene)
{
    const struct et_arena_mark mark = et_arena_mark(arena);
    float *texture = make_texture(o->seed);
    float *pictures[2] = {calloc(SCENE_PX + ET__FLOW_PAD, sizeof(float)),
                          calloc(SCENE_PX + ET__FLOW_PAD, sizeof(float))};
    double *flows = calloc(made->motion.n * ET__N_FLOWS, sizeof *flows);
    struct et__flow flow;
    struct rng rng = {o->seed ^ 5};
    if (!pictures[0] || !pictures[1] || !flows ||
        !et__flow_open(&flow, SCENE_WIDTH, SCENE_HEIGHT, arena))
        abort();
    for (size_t k = 0; k < made->motion.n; k++) {
        double q[N_JOINTS];
        float *now = pictures[k % 2];
        for (size_t j = 0; j < N_JOINTS; j++)
            q[j] = truly(j, 0.004 + (double)k / FRAMES_HZ - o->latency_s);
        (scene == MOVING_CAMERA ? see_from_wrist : see_arms)(texture, q, now);
        for (size_t i = 0; i < SCENE_PX; i++)
            now[i] = roundf(now[i] + (float)(3 * rng_uniform(&rng) - 1.5));
        et__flow_next(&flow, now, k > 0 ? pictures[(k + 1) % 2] : NULL, &flows[k * ET__N_FLOWS]);
    }
    made->motion.flows = flows;
    made->motion.n_flows = ET__N_FLOWS;
    free(texture);
    free(pictures[0]);
    free(pictures[1]);
    et_arena_rewind(arena, mark);
    return flows;
}

static void tells_how_sure_it_is_of_drawn_scenes(void)
{
    static const struct {
        const char *text;
        enum scene scene;
        struct made_options o;
        double worst_s; // that it must reach; 0: it has to be refused
    } rows[] = {
        {"a camera on a wrist", MOVING_CAMERA, {.speed = 1}, 0.005},
        {"a camera on a wrist, slow", MOVING_CAMERA, {.speed = 0.4}, 0},
        {"a camera on a wrist, 4 ms jitter", MOVING_CAMERA, {.speed = 1, .jitter_s = 0.004}, 0.006},
        {"a still camera, two arms", STILL_CAMERA, {.speed = 1}, 0},
        {"a still camera, two arms, slow", STILL_CAMERA, {.speed = 0.4}, 0},
    };
    printf("# %-36s worst ms  worst/sigma  confidence\n", "drawn pictures, 30 s at 30 Hz");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double worst_s = 0, sigmas = 0, confidence = 1;
        for (uint64_t seed = 1; seed <= 1; seed++) {
            struct made made;
            struct made_options o = rows[i].o;
            o.seed = seed + 40;
            o.duration_s = 30;
            o.latency_s = 0.03;
            open_made(&made, &o);
            double *flows = see(&made, &o, rows[i].scene);
            for (size_t k = 1; k < made.motion.n; k++)
                made.change[k] = 1; // only the way counts
            const struct et_latency latency = estimate(&made);
            CHECK(latency.is_known == (rows[i].worst_s > 0));
            worst_s = fmax(worst_s, fabs(latency.lag_s - o.latency_s));
            sigmas = fmax(sigmas, fabs(latency.lag_s - o.latency_s) / latency.sigma_s);
            confidence = fmin(confidence, latency.confidence);
            free(flows);
            close_made(&made);
        }
        printf("# %-36s %8.2f %12.1f %11.2f\n", rows[i].text, 1e3 * worst_s, sigmas, confidence);
        CHECK(worst_s <= rows[i].worst_s);
        CHECK(sigmas < 3);
    }
}

/* A made camera on made motion, by what another's flows are: no lag can be told. */
static void refuses_flows_of_something_else(void)
{
    double most = 0;
    int n_known = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct made made;
        struct rng rng = {seed};
        open_made(&made, &(struct made_options){.seed = seed, .duration_s = 40});
        double *flows = calloc(made.motion.n * 2, sizeof *flows);
        double *of_arm = calloc(CLEAN_ARM_JOINTS, sizeof *of_arm);
        if (!flows || !of_arm)
            abort();
        open_arm(&arms[0], &rng, 40, 1);
        for (size_t k = 0; k < made.motion.n; k++) {
            made.change[k] = 1;
            for (size_t j = 0; j < CLEAN_ARM_JOINTS; j++) {
                const double q = arm_at(&arms[0], j, (double)k / FRAMES_HZ);
                flows[2 * k + j % 2] += 30 * (q - of_arm[j]);
                of_arm[j] = q;
            }
        }
        made.motion.flows = flows;
        made.motion.n_flows = 2;
        const struct et_latency latency = estimate(&made);
        n_known += latency.is_known;
        most = fmax(most, latency.confidence);
        free(flows);
        free(of_arm);
        close_made(&made);
    }
    printf("# flows of something else: %d of 12 taken, confidence up to %.2f\n", n_known, most);
    CHECK_EQ(n_known, 0);
}

static void expect_refusal(struct made *made, const char *why)
{
    const struct et_latency latency = estimate(made);
    CHECK(!latency.is_known);
    CHECK(isnan(latency.lag_s));
    CHECK_STR(latency.why, why);
    if (latency.is_known)
        printf("#   %.1f ms, confidence %.2f\n", 1e3 * latency.lag_s, latency.confidence);
    close_made(made);
}

static void refuses_what_does_not_move(void)
{
    struct made made;
    open_made(&made, &(struct made_options){.seed = 3, .noise = 0.02});
    for (int t = 0; t < CLEAN_N_TRACKS; t++)
        for (size_t k = 0; k < made.clean.n; k++)
            for (size_t i = 0; i < made.clean.tracks[t].stream.n_values; i++)
                *clean_at(&made.clean, t, k, i) *= 0.01;
    expect_refusal(&made, "the motion is too slow");
}

static void refuses_pictures_that_do_not_change(void)
{
    struct made made;
    open_made(&made, &(struct made_options){.seed = 4});
    for (size_t k = 0; k < made.motion.n; k++)
        made.change[k] = 0;
    expect_refusal(&made, "the pictures do not change");
    open_made(&made, &(struct made_options){.seed = 4, .noise = 0.05});
    struct rng rng = {9};
    for (size_t k = 0; k < made.motion.n; k++)
        made.change[k] = 1 + 0.1 * rng_uniform(&rng); // the noise of a sensor before a wall
    expect_refusal(&made, "the pictures do not change as the joints move");
}

static void refuses_pictures_of_something_else(void)
{
    const uint64_t n_seeds = has_sanitizer() ? 8 : 24;
    int n_known = 0;
    double most = 0;
    for (uint64_t seed = 1; seed <= n_seeds; seed++) {
        const double duration_s = seed % 2 ? 60 : 20;
        struct made made, other;
        open_made(&made, &(struct made_options){.seed = seed, .duration_s = duration_s});
        open_made(&other,
                  &(struct made_options){
                      .seed = seed + 100, .duration_s = duration_s, .noise = 0.02, .how = SUMS});
        made.motion.change = other.change;
        const struct et_latency latency = estimate(&made);
        n_known += latency.is_known;
        most = fmax(most, latency.confidence);
        if (!latency.is_known)
            CHECK(strlen(latency.why) > 0);
        close_made(&made);
        close_made(&other);
    }
    printf("# pictures of something else: %d of %d taken, confidence up to %.2f\n", n_known,
           (int)n_seeds, most);
    CHECK_EQ(n_known, 0);
}

static void forgives_copies_drops_and_a_freeze(void)
{
    struct made made;
    open_made(&made, &(struct made_options){
                         .seed = 5, .latency_s = 0.05, .jitter_s = 0.001, .noise = 0.03});
    // Every second picture is stored twice: what the one between would have shown is lost.
    for (size_t k = 1; k + 1 < made.motion.n; k += 2) {
        made.change[k + 1] += made.change[k];
        made.change[k] = 0;
    }
    struct et_latency latency = estimate(&made);
    CHECK(latency.is_known);
    CHECK_NEAR(latency.lag_s, 0.05, 0.003);
    close_made(&made);

    open_made(&made, &(struct made_options){
                         .seed = 6, .latency_s = 0.05, .jitter_s = 0.001, .noise = 0.03});
    for (size_t k = 600; k < 900; k++) // 10 s frozen
        made.change[k] = 0;
    made.change[900] = 30;
    for (size_t k = 0; k < 40; k++) // and pictures that cannot be decoded
        made.change[1000 + 7 * k] = (double)NAN;
    latency = estimate(&made);
    CHECK(latency.is_known);
    CHECK_NEAR(latency.lag_s, 0.05, 0.002);
    close_made(&made);
}

static void forgives_holes_in_the_joints(void)
{
    struct made made;
    open_made(&made, &(struct made_options){
                         .seed = 7, .latency_s = 0.03, .jitter_s = 0.001, .noise = 0.03});
    for (size_t k = 0; k < 500; k++)
        *clean_at(&made.clean, CLEAN_LEFT_ARM, 5000 + k, 2) = (double)NAN;
    for (size_t k = 15000; k < made.clean.n; k++) // two seconds without a sample
        made.clean.t_ns[k] += 2000000000;
    for (size_t k = 0; k < made.motion.n; k++)
        if (made.t_ns[k] > INT64_C(30000000000) + 30000000)
            made.t_ns[k] += 2000000000;
    const struct et_latency latency = estimate(&made);
    CHECK(latency.is_known);
    CHECK_NEAR(latency.lag_s, 0.03, 0.001);
    close_made(&made);
}

static void refuses_a_lag_beyond_the_range(void)
{
    struct made made;
    open_made(&made, &(struct made_options){.seed = 8, .latency_s = 0.4, .noise = 0.02});
    struct et_latency latency;
    const struct et_camera_latency_options o = {.lag_max_s = 0.2};
    CHECK_OK(et_camera_latency_estimate(&made.motion, made.clean.tracks, CLEAN_N_TRACKS, &o, arena,
                                        &latency, &err));
    CHECK(!latency.is_known);
    CHECK_STR(latency.why, "the best lag lies beyond the range that was searched");
    latency = estimate(&made);
    CHECK(latency.is_known);
    CHECK_NEAR(latency.lag_s, 0.4, 0.001);
    close_made(&made);
}

static void refuses_what_is_too_short(void)
{
    for (size_t n = 0; n < 100; n += 7) {
        struct made made;
        open_made(&made, &(struct made_options){.seed = 9, .duration_s = 5});
        made.motion.n = n;
        expect_refusal(&made, "there are too few pictures while the joints are known");
    }
    struct made made;
    struct et_latency latency;
    open_made(&made, &(struct made_options){.seed = 9, .duration_s = 5});
    CHECK_OK(et_camera_latency_estimate(&made.motion, NULL, 0, NULL, arena, &latency, &err));
    CHECK_STR(latency.why, "the motion is too slow");
    close_made(&made);
}

static void survives_stamps_that_no_clock_has(void)
{
    static const int64_t far[] = {INT64_MIN, INT64_MAX, INT64_MAX - 1000000000, INT64_MIN + 5};
    for (size_t i = 0; i < 4; i++) {
        struct made made;
        open_made(&made, &(struct made_options){.seed = 10, .duration_s = 8});
        for (size_t k = i % 2 ? 100 : 0; k < made.motion.n - (i > 1 ? 20 : 0); k++)
            made.t_ns[k] = far[i];
        (void)estimate(&made);
        made.clean.t_ns[i % 2 ? made.clean.n - 1 : 0] = far[i];
        (void)estimate(&made);
        close_made(&made);
    }
}

static void says_when_its_room_is_too_small(void)
{
    struct made made;
    struct et_latency latency;
    struct et_arena *small = NULL;
    open_made(&made, &(struct made_options){.seed = 11, .duration_s = 20});
    for (size_t n_bytes = 1024; n_bytes < 20000; n_bytes += 1024) {
        CHECK_OK(et_arena_open(&small, n_bytes, &err));
        CHECK_EQ(et_camera_latency_estimate(&made.motion, made.clean.tracks, CLEAN_N_TRACKS, NULL,
                                            small, &latency, &err),
                 ET_ELIMIT);
        CHECK_EQ(et_arena_used(small), 0);
        et_arena_close(small);
    }
    close_made(&made);
}

int main(void)
{
    if (et_arena_open(&arena, (size_t)64 << 20, NULL) != ET_OK)
        return 99;
    RUN(tells_how_sure_it_is_of_drawn_scenes);
    RUN(refuses_flows_of_something_else);
    RUN(is_right_within_a_millisecond);
    RUN(refuses_what_does_not_move);
    RUN(refuses_pictures_that_do_not_change);
    RUN(refuses_pictures_of_something_else);
    RUN(forgives_copies_drops_and_a_freeze);
    RUN(forgives_holes_in_the_joints);
    RUN(refuses_a_lag_beyond_the_range);
    RUN(refuses_what_is_too_short);
    RUN(survives_stamps_that_no_clock_has);
    RUN(says_when_its_room_is_too_small);
    et_arena_close(arena);
    return tap_end();
}
