#include "lesson_set.h"

#include "support.h"
#include "tap.h"

#include "etude/dataset_write.h"
#include "etude/file.h"
#include "etude/video.h"

#include <math.h>
#include <stdlib.h>

#define JOINTS_MAX 32

static struct et_err err;
static const char *const LETTERS[] = {"a", "b", "c", "d", "e", "f"};
static const char *const SCENE[LESSON_SCENE] = {"cup.x",  "cup.y",  "cup.z",        "cup.zx",
                                                "cup.zy", "cup.zz", "door.position"};
static const char *const SEGMENTS[] = {"reach", "press"};
static const char *const ROBOTS[] = {"left", "right"};
static const char TASK[] = "Press it";

/* The cells of an episode. */
struct cells {
    float *state, *action, *scene, *touch, *weight;
    uint8_t *segment, *robot;
    uint8_t *has_joints, *has_scene; // of several robots
    int64_t n;
};

static size_t joints_of(const struct lesson_set *set)
{
    return set->n_joints ? set->n_joints : LESSON_JOINTS;
}

static size_t actions_of(const struct lesson_set *set)
{
    return set->n_action ? set->n_action : joints_of(set);
}

static int64_t rows_of(const struct lesson_set *set, int i)
{
    return set->n_rows < 0 ? 1 + i % 2 : set->n_rows ? set->n_rows : 40;
}

static double wave(const struct lesson_set *set, int i, double row, size_t joint)
{
    const double turn =
        6.283 * row / (double)rows_of(set, i) + (set->is_in_step ? 0 : 0.4 * (double)joint);
    if (set->is_constant && joint + 1 == joints_of(set))
        return 0.25;
    return (set->home ? set->home[joint] : 0) + 0.2 * sin(turn) + 0.01 * (double)(i % 3);
}

// Where the thing lies that everything depends on, m.
static double thing_of(int i)
{
    return 0.4 + 0.02 * (double)(i % 4);
}

static double reach_of(const struct lesson_set *set, int i)
{
    return (set->has_scene ? 1 : set->has_camera ? 10 : 0) * (thing_of(i) - 0.43);
}

static struct cells make_cells(const struct lesson_set *set, int i)
{
    const size_t n_joints = joints_of(set), n_action = actions_of(set);
    struct cells c = {.n = rows_of(set, i)};
    const size_t n = (size_t)c.n;
    c.state = calloc(n * n_joints, sizeof(float));
    c.action = calloc(n * n_action, sizeof(float));
    c.scene = calloc(n * LESSON_SCENE, sizeof(float));
    c.touch = calloc(n * 2, sizeof(float));
    c.segment = calloc(n, 2);
    c.weight = calloc(n, sizeof(float));
    for (size_t row = 0; row < n; row++) {
        const double then = set->is_idle ? (double)(row / 2 * 2) : (double)row;
        const double x = thing_of(i);
        const float drift = (float)(set->drift_m * (double)row);
        const float scene[LESSON_SCENE] = {(float)x, 0.1F + drift,         0.2F, 0, 0,
                                           1,        (float)(0.1 * sin(x))};
        for (size_t k = 0; k < n_joints; k++)
            c.state[row * n_joints + k] = (float)wave(set, i, (double)row, k);
        for (size_t k = 0; k < n_action; k++)
            c.action[row * n_action + k] = (float)(wave(set, i, then + 2, k) + reach_of(set, i));
        memcpy(c.scene + row * LESSON_SCENE, scene, sizeof scene);
        c.weight[row] = i % 2 ? set->odd_weight : 1;
        c.touch[row * 2] = row > n / 2 ? 1.5F : 0.01F;
        c.segment[row * 2 + (row > n / 2)] = row % 10 != 9; // and now and then between two
    }
    return c;
}

// What the camera sees of it: a bright square on a dark ground, the same in all rows.
static void write_video(const char *path, const struct lesson_set *set, int i)
{
    static uint8_t rgb[LESSON_HEIGHT][LESSON_WIDTH][3];
    struct et_video_writer *writer = NULL;
    const struct et_video_options options = {.codec = ET_VIDEO_H264,
                                             .width_px = LESSON_WIDTH,
                                             .height_px = LESSON_HEIGHT,
                                             .fps = set->fps ? set->fps : 50};
    const int left = 4 + 10 * (i % 4);
    memset(rgb, 40, sizeof rgb);
    for (int row = 12; row < 20; row++)
        memset(rgb[row][left], 220, (size_t)8 * 3);
    CHECK_OK(et_path_remove(path, &err));
    CHECK_OK(et_video_create(&writer, path, &options, &err));
    for (int64_t row = 0; writer && row < rows_of(set, i); row++)
        CHECK_OK(et_video_write_rgb(writer, rgb[0][0], &err));
    if (writer)
        CHECK_OK(et_video_finish(writer, &err));
}

/* Every other episode is of the robot that lacks something. */
static void make_gaps(struct cells *c, const struct lesson_set *set, int i)
{
    const size_t n = (size_t)c->n, n_joints = joints_of(set), last = n_joints - 1;
    const bool lacks = i % 2;
    c->robot = calloc(n, 2);
    c->has_joints = malloc(n * n_joints);
    c->has_scene = malloc(n * LESSON_SCENE);
    memset(c->has_joints, 1, n * n_joints);
    memset(c->has_scene, 1, n * LESSON_SCENE);
    for (size_t row = 0; row < n; row++) {
        c->robot[row * 2 + lacks] = 1;
        if (!lacks)
            continue;
        c->state[row * n_joints + last] = c->action[row * n_joints + last] = set->garbage;
        c->scene[row * LESSON_SCENE + LESSON_SCENE - 1] = set->garbage;
        c->has_joints[row * n_joints + last] = 0;
        c->has_scene[row * LESSON_SCENE + LESSON_SCENE - 1] = 0;
    }
}

/* They stand behind the others. */
static size_t add_gaps(struct et_column *columns, size_t n, const struct lesson_set *set,
                       const struct cells *c)
{
    const struct et_column more[] = {
        {.name = "etude.robot", .n_values = 2, .values = c->robot},
        {.name = "etude.valid.observation.state",
         .n_values = joints_of(set),
         .values = c->has_joints},
        {.name = "etude.valid.action", .n_values = joints_of(set), .values = c->has_joints},
        {.name = "etude.valid.observation.environment_state",
         .n_values = LESSON_SCENE,
         .values = c->has_scene}};
    for (size_t i = 0; set->has_robots && i < (set->has_scene ? 4 : 3); i++) {
        columns[n] = more[i];
        columns[n].is_rectangular = true;
        columns[n++].type = ET_PARQUET_BOOL;
    }
    return n;
}

static struct et_column column(const char *name, enum et_parquet_type type, size_t n,
                               const void *values)
{
    return (struct et_column){
        .name = name, .is_rectangular = true, .type = type, .n_values = n, .values = values};
}

static void add_episode(struct et_dataset_writer *writer, const struct lesson_set *set, int i)
{
    struct cells c = make_cells(set, i);
    if (set->has_robots)
        make_gaps(&c, set, i);
    const char *task = TASK;
    struct et_column columns[10] = {
        column("observation.state", ET_PARQUET_FLOAT, joints_of(set), c.state)};
    size_t n = 1;
    if (!set->without_action)
        columns[n++] = column("action", ET_PARQUET_FLOAT, actions_of(set), c.action);
    if (set->has_scene)
        columns[n++] =
            column("observation.environment_state", ET_PARQUET_FLOAT, LESSON_SCENE, c.scene);
    if (set->has_touch)
        columns[n++] = column("observation.touch.left_fingers", ET_PARQUET_FLOAT, 2, c.touch);
    if (set->has_segment)
        columns[n++] = column("etude.segment", ET_PARQUET_BOOL, 2, c.segment);
    if (set->has_weight)
        columns[n++] = column("weight", ET_PARQUET_FLOAT, 1, c.weight);
    n = add_gaps(columns, n, set, &c);
    const struct et_new_video video = {
        .i_feature = n, .path = temp_path("lesson.mp4"), .n_frames = c.n, .must_encode = true};
    if (set->has_camera)
        write_video(video.path, set, i);
    const struct et_new_episode episode = {.n_rows = c.n,
                                           .columns = columns,
                                           .n_columns = n,
                                           .tasks = &task,
                                           .n_tasks = 1,
                                           .videos = &video,
                                           .n_videos = set->has_camera};
    CHECK_OK(et_dataset_add(writer, &episode, &err));
    free(c.state);
    free(c.action);
    free(c.scene);
    free(c.touch);
    free(c.segment);
    free(c.weight);
    free(c.robot);
    free(c.has_joints);
    free(c.has_scene);
}

static struct et_feature feature(const char *name, enum et_dtype dtype, const int64_t *n,
                                 const char *const *names)
{
    return (struct et_feature){.name = name,
                               .dtype = dtype,
                               .shape = n,
                               .n_dims = 1,
                               .n_values = (size_t)*n,
                               .names = names};
}

const char *lesson_build(const char *name, const struct lesson_set *set)
{
    const int64_t n_joints = (int64_t)joints_of(set), n_action = (int64_t)actions_of(set);
    const int64_t n_scene = LESSON_SCENE, one = 1, two = 2;
    static const int64_t SHAPE[] = {LESSON_HEIGHT, LESSON_WIDTH, 3};
    const char *const *joints = set->joints ? set->joints : LETTERS;
    const char *const *actions = set->action_names ? set->action_names : joints;
    struct et_feature features[11] = {
        feature("observation.state", ET_DTYPE_FLOAT32, &n_joints, joints)};
    size_t n = 1;
    if (!set->without_action)
        features[n++] = feature("action", ET_DTYPE_FLOAT32, &n_action, actions);
    if (set->has_scene)
        features[n++] = feature("observation.environment_state", ET_DTYPE_FLOAT32, &n_scene, SCENE);
    if (set->has_touch)
        features[n++] = feature("observation.touch.left_fingers", ET_DTYPE_FLOAT32, &two, NULL);
    if (set->has_segment)
        features[n++] = feature("etude.segment", ET_DTYPE_BOOL, &two, SEGMENTS);
    if (set->has_weight)
        features[n++] = feature("weight", ET_DTYPE_FLOAT32, &one, NULL);
    if (set->has_robots) {
        features[n++] = feature("etude.robot", ET_DTYPE_BOOL, &two, ROBOTS);
        features[n++] = feature("etude.valid.observation.state", ET_DTYPE_BOOL, &n_joints, joints);
        features[n++] = feature("etude.valid.action", ET_DTYPE_BOOL, &n_joints, joints);
    }
    if (set->has_robots && set->has_scene)
        features[n++] =
            feature("etude.valid.observation.environment_state", ET_DTYPE_BOOL, &n_scene, SCENE);
    if (set->has_camera)
        features[n++] = (struct et_feature){.name = LESSON_CAMERA,
                                            .dtype = ET_DTYPE_VIDEO,
                                            .shape = SHAPE,
                                            .n_dims = 3,
                                            .n_values = (size_t)LESSON_HEIGHT * LESSON_WIDTH * 3};
    const struct et_dataset_spec spec = {.layout = ET_LAYOUT_V30,
                                         .robot_type = set->robot,
                                         .fps = set->fps ? set->fps : 50,
                                         .features = features,
                                         .n_features = n,
                                         .video.codec = ET_VIDEO_H264};
    struct et_dataset_writer *writer = NULL;
    CHECK_OK(et_path_remove(temp_path(name), &err));
    CHECK_OK(et_dataset_create(&writer, temp_path(name), &spec, &err));
    for (int i = 0; writer && i < (set->n_episodes ? set->n_episodes : 8); i++)
        add_episode(writer, set, i);
    if (writer)
        CHECK_OK(et_dataset_finish(writer, NULL, NULL, &err));
    return temp_path(name);
}

struct et_dataset *lesson_open(const char *name, const struct lesson_set *set)
{
    struct et_dataset *dataset = NULL;
    CHECK_OK(et_dataset_open(&dataset, lesson_build(name, set), &err));
    if (!dataset)
        exit(1);
    return dataset;
}

struct et_train_settings lesson_settings(const char *policy)
{
    struct et_train_settings s;
    CHECK_OK(et_train_settings(policy, &s, &err));
    s.width = 32;
    s.layers = 2;
    s.between = 48;
    s.vae_layers = 1;
    s.latent = 4;
    s.chunk = 5;
    s.batch = 32;
    s.steps = 60;
    s.warmup = 5;
    s.average = 0.9;
    s.validation = 0.25;
    return s;
}

const char *lesson_train(const char *name, const struct et_dataset *dataset,
                         const struct et_train_settings *settings)
{
    struct et_train *train = NULL;
    const struct et_train_options options = {.settings = *settings};
    CHECK_OK(et_path_remove(temp_path(name), &err));
    CHECK_OK(et_train_open(&train, dataset, &options, &err));
    if (!train)
        exit(1);
    while (!et_train_state(train).is_finished)
        if (!CHECK(et_train_step(train, &err) == ET_OK))
            break;
    CHECK_OK(et_train_save(train, temp_path(name), &err));
    et_train_close(train);
    return temp_path(name);
}
