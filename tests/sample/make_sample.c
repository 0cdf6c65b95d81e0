/* Writes a small LeRobot v2.1 dataset whose truths are known: a two-armed robot with hands (the
 * layout of a Unitree G1 with Inspire hands), smooth motions, a command that leads the state by
 * 150 ms, and faults planted on purpose.
 *
 *     make_sample OUTPUT [EPISODES [SECONDS [WITH_VIDEO]]]
 *
 * Planted (when there are at least 8 episodes): 3: values that are not numbers; 4: a jump of the
 * left elbow; 5: a right shoulder encoder that freezes; 6: no video file; 7: cut while moving. */
#include "../support.h"

#include "etude/dataset_write.h"
#include "etude/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_VALUES 26
#define FPS 30
#define LAG_S 0.150
#define WIDTH 160
#define HEIGHT 120
#define CAMERA "observation.images.cam_high"

static const char *const NAMES[N_VALUES] = {
    "kLeftShoulderPitch",  "kLeftShoulderRoll",      "kLeftShoulderYaw",   "kLeftElbow",
    "kLeftWristRoll",      "kLeftWristPitch",        "kLeftWristYaw",      "kRightShoulderPitch",
    "kRightShoulderRoll",  "kRightShoulderYaw",      "kRightElbow",        "kRightWristRoll",
    "kRightWristPitch",    "kRightWristYaw",         "kLeftHandPinky",     "kLeftHandRing",
    "kLeftHandMiddle",     "kLeftHandIndex",         "kLeftHandThumbBend", "kLeftHandThumbRotation",
    "kRightHandPinky",     "kRightHandRing",         "kRightHandMiddle",   "kRightHandIndex",
    "kRightHandThumbBend", "kRightHandThumbRotation"};

// One value's motion: a sum of smooth reaches (minimum jerk: Flash and Hogan 1985) there and back.
struct reach {
    double t_s, duration_s, by;
};
struct motion {
    double start;
    struct reach reaches[8];
    size_t n;
};

static double at(const struct motion *m, double t_s)
{
    double x = m->start;
    for (size_t i = 0; i < m->n; i++) {
        const struct reach *r = &m->reaches[i];
        const double u = fmin(fmax((t_s - r->t_s) / r->duration_s, 0), 1);
        x += r->by * u * u * u * (10 + u * (6 * u - 15));
    }
    return x;
}

static struct motion make_motion(struct rng *rng, size_t k, double seconds, double jitter_s)
{
    const bool is_hand = k >= 14;
    struct motion m = {.start = is_hand ? 0.35 + 0.3 * rng_uniform(rng) : 0.4 * rng_uniform(rng)};
    if (k == 3 || k == 10)
        m.start += 0.6; // elbows stay clear of their stops
    const double size = is_hand ? 0.25 : 0.45;
    for (m.n = 0; m.n < 6; m.n++) {
        const double by = size * (0.5 + 0.5 * rng_uniform(rng)) * (m.n % 2 ? -1 : 1);
        m.reaches[m.n] = (struct reach){.t_s = seconds * (0.04 + 0.14 * (double)m.n) +
                                               jitter_s * rng_uniform(rng),
                                        .duration_s = seconds * 0.11,
                                        .by = by * (k % 2 ? 1 : 0.8)};
    }
    return m;
}

struct table {
    float *state, *action; // n_rows × N_VALUES
    int64_t n_rows;
};

static void fill(struct table *table, int64_t episode, double seconds)
{
    struct rng rng = {.state = 1000 + (uint64_t)episode};
    for (size_t k = 0; k < N_VALUES; k++) {
        const struct motion m = make_motion(&rng, k, seconds, episode == 7 ? 0 : 0.2);
        for (int64_t i = 0; i < table->n_rows; i++) {
            const double t_s = (double)i / FPS;
            // Encoders count in steps of 0.1 mrad and shake a little; commands are clean.
            const double q = at(&m, t_s - LAG_S) + 3e-4 * rng_gaussian(&rng);
            table->state[i * N_VALUES + (int64_t)k] = (float)(round(q * 1e4) / 1e4);
            table->action[i * N_VALUES + (int64_t)k] = (float)at(&m, t_s);
        }
    }
}

static void plant(struct table *table, int64_t episode)
{
    const int64_t n = table->n_rows, middle = n / 2;
    if (episode == 3)
        for (int64_t i = middle; i < middle + 5; i++)
            table->state[i * N_VALUES + 2] = NAN;
    if (episode == 4)
        table->state[middle * N_VALUES + 3] += 1.5f;
    if (episode == 5)
        for (int64_t i = n / 8; i < n; i++)
            table->state[i * N_VALUES + 7] = table->state[n / 8 * N_VALUES + 7];
}

// A textured room in which two boxes move, one with each arm.
static void paint(uint8_t *rgb, const float *q, int64_t i)
{
    double centre[2][2] = {{20, 20}, {60, 20}};
    for (size_t k = 0; k < 7; k++) {
        centre[0][k % 2] += 14 * (double)q[k];
        centre[1][k % 2] += 14 * (double)q[7 + k];
    }
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *p = rgb + 3 * (y * WIDTH + x);
            const int grain = ((x * 7) ^ (y * 13)) & 31;
            p[0] = (uint8_t)(90 + grain + x / 4);
            p[1] = (uint8_t)(100 + grain);
            p[2] = (uint8_t)(110 + y / 3 + grain / 2);
            for (size_t arm = 0; arm < 2; arm++)
                if (fabs(x - centre[arm][0]) < 14 && fabs(y - centre[arm][1]) < 18) {
                    p[0] = (uint8_t)(arm ? 230 : 60);
                    p[1] = (uint8_t)(150 + ((x + y + (int)i) & 31));
                    p[2] = (uint8_t)(arm ? 40 : 210);
                }
        }
}

static int fail(const struct et_err *err)
{
    fprintf(stderr, "make_sample: %s\n", err->text);
    return 3;
}

static enum et_status film(const char *path, const struct table *table, struct et_err *err)
{
    const struct et_video_options options = {
        .codec = ET_VIDEO_AV1, .width_px = WIDTH, .height_px = HEIGHT, .fps = FPS};
    static uint8_t rgb[3 * WIDTH * HEIGHT];
    struct et_video_writer *writer;
    enum et_status st = et_video_create(&writer, path, &options, err);
    for (int64_t i = 0; st == ET_OK && i < table->n_rows; i++) {
        paint(rgb, table->state + i * N_VALUES, i);
        st = et_video_write_rgb(writer, rgb, err);
    }
    if (st == ET_OK)
        return et_video_finish(writer, err);
    et_video_writer_close(writer);
    return st;
}

static enum et_status add(struct et_dataset_writer *writer, const struct table *table,
                          const char *video, struct et_err *err)
{
    static const char *const TASK[] = {"Put the yellow box on the shelf."};
    const struct et_column columns[] = {
        {.name = "observation.state",
         .is_rectangular = true,
         .type = ET_PARQUET_FLOAT,
         .n_values = N_VALUES,
         .values = table->state},
        {.name = "action",
         .is_rectangular = true,
         .type = ET_PARQUET_FLOAT,
         .n_values = N_VALUES,
         .values = table->action},
    };
    const struct et_new_video videos[] = {
        {.i_feature = 2, .path = video, .n_frames = table->n_rows}};
    const struct et_new_episode episode = {
        .n_rows = table->n_rows,
        .columns = columns,
        .n_columns = 2,
        .tasks = TASK,
        .n_tasks = 1,
        .videos = videos,
        .n_videos = video ? 1 : 0,
    };
    return et_dataset_add(writer, &episode, err);
}

static enum et_status make(const char *path, int64_t n_episodes, double seconds, bool with_video,
                           struct et_err *err)
{
    static const int64_t SHAPE[] = {N_VALUES}, PICTURE[] = {HEIGHT, WIDTH, 3};
    static const char *const PICTURE_NAMES[] = {"height", "width", "channel"};
    const struct et_feature features[] = {
        {.name = "observation.state",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = SHAPE,
         .n_dims = 1,
         .n_values = N_VALUES,
         .names = NAMES},
        {.name = "action",
         .dtype = ET_DTYPE_FLOAT32,
         .shape = SHAPE,
         .n_dims = 1,
         .n_values = N_VALUES,
         .names = NAMES},
        {.name = CAMERA,
         .dtype = ET_DTYPE_VIDEO,
         .shape = PICTURE,
         .n_dims = 3,
         .names = PICTURE_NAMES},
    };
    const struct et_dataset_spec spec = {
        .layout = ET_LAYOUT_V21,
        .robot_type = "Unitree_G1_Inspire",
        .fps = FPS,
        .features = features,
        .n_features = with_video ? 3 : 2,
    };
    struct et_dataset_writer *writer;
    enum et_status st = et_dataset_create(&writer, path, &spec, err);
    if (st != ET_OK)
        return st;
    char video[4096];
    (void)snprintf(video, sizeof video, "%s.mp4", path);
    for (int64_t e = 0; st == ET_OK && e < n_episodes; e++) {
        struct table table = {.n_rows = (int64_t)(seconds * FPS) + e % 7};
        if (e == 7)
            table.n_rows = (int64_t)((seconds * 0.515 + LAG_S) * FPS); // in the middle of a reach
        const size_t n = (size_t)table.n_rows * N_VALUES;
        table.state = calloc(n, sizeof(float));
        table.action = calloc(n, sizeof(float));
        if (!table.state || !table.action)
            abort();
        fill(&table, e, seconds);
        if (with_video)
            st = film(video, &table, err);
        plant(&table, n_episodes >= 8 ? e : -1);
        if (st == ET_OK)
            st = add(writer, &table, with_video ? video : NULL, err);
        free(table.state);
        free(table.action);
        (void)remove(video);
    }
    if (st != ET_OK) {
        et_dataset_writer_close(writer);
        return st;
    }
    st = et_dataset_finish(writer, NULL, NULL, err);
    if (st == ET_OK && with_video && n_episodes >= 8) {
        (void)snprintf(video, sizeof video, "%s/videos/chunk-000/" CAMERA "/episode_000006.mp4",
                       path);
        st = et_file_remove(video, err);
    }
    return st;
}

int main(int argc, char **argv)
{
    struct et_err err = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: make_sample OUTPUT [EPISODES [SECONDS [WITH_VIDEO]]]\n");
        return 2;
    }
    const int64_t n_episodes = argc > 2 ? strtoll(argv[2], NULL, 10) : 12;
    const double seconds = argc > 3 ? strtod(argv[3], NULL) : 10;
    const bool with_video = argc <= 4 || strcmp(argv[4], "0") != 0;
    return make(argv[1], n_episodes, seconds, with_video, &err) == ET_OK ? 0 : fail(&err);
}
