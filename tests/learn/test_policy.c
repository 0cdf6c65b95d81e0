/* A policy at work: what it was trained to, without memory; chunks blended as by hand; and a folder
 * that is damaged, cut or made up is told, whatever stands in it. Linked for fault loops. */
#include "lesson_set.h"

#include "fault.h"
#include "learn/learn__checkpoint.h"
#include "support.h"
#include "tap.h"

#include "etude/file.h"
#include "etude/policy.h"

#include <math.h>
#include <stdlib.h>

#define N_STEPS 4
#define TAUGHT_ROWS 41 // of the set that is learned without what was asked for before

static struct et_err err;
static struct et_arena *arena;
static const char *const KINDS[] = {"mlp", "act", "flow"};
static const struct lesson_set RICH = {.has_scene = true, .has_touch = true, .has_segment = true};

static struct et_policy *open_policy(const char *path, const struct et_policy_options *options)
{
    struct et_policy *policy = NULL;
    CHECK_OK(et_policy_open(&policy, path, options, &err));
    if (!policy)
        exit(1);
    return policy;
}

static const char *train(const char *name, const char *kind, const struct lesson_set *set,
                         int64_t n_steps)
{
    struct et_dataset *dataset = lesson_open("set", set);
    struct et_train_settings s = lesson_settings(kind);
    s.steps = n_steps;
    s.kl_weight = 0.1;
    s.sees_command = set->n_rows != TAUGHT_ROWS;
    const char *path = lesson_train(name, dataset, &s);
    et_dataset_close(dataset);
    return path;
}

/* What the robot of the lessons sees. */
struct sight {
    float state[LESSON_JOINTS], scene[LESSON_SCENE], touch[2];
};
static struct sight sight(double x)
{
    return (struct sight){{(float)x, (float)(x + 0.05), (float)(x - 0.05)},
                          {0.4F, 0.1F, 0.2F, 0, 0, 1, 0.04F},
                          {0, 0}};
}
static void views_of(const struct sight *s, struct et_policy_view views[3])
{
    views[0].values = s->state;
    views[1].values = s->scene;
    views[2].values = s->touch;
}

/* ---- what it says and does ---- */

static void says_what_it_is(void)
{
    const char *path = train("says", "act", &RICH, 2);
    struct et_policy *p = open_policy(path, NULL);
    const struct et_policy_info *i = et_policy_info(p);
    CHECK_STR(i->kind, "act");
    CHECK(i->robot == NULL && i->is_privileged);
    CHECK_HAS(i->dataset, "set");
    CHECK_EQ(i->n_inputs, 3);
    CHECK_STR(i->inputs[0].feature, "observation.state");
    CHECK_STR(i->inputs[0].names[1], "b");
    CHECK_STR(i->inputs[1].feature, "observation.environment_state");
    CHECK_EQ(i->inputs[1].n_values, LESSON_SCENE);
    CHECK_STR(i->inputs[1].names[6], "door.position");
    CHECK_STR(i->inputs[2].feature, "observation.touch.left_fingers");
    CHECK_EQ(i->inputs[2].n_values, 2);
    CHECK_EQ(i->n_joints, 3);
    CHECK_EQ(i->n_phases, 2);
    CHECK_STR(i->phases[1], "press");
    CHECK_EQ(i->n_tasks, 1);
    CHECK_STR(i->tasks[0], "Press it");
    CHECK(i->rate_hz == 25 && i->n_steps == 5 && i->n_trained == 2 && i->n_parameters > 1000);
    CHECK_NEAR(i->ensemble, 0.01, 0);
    CHECK_EQ(et_policy_phase(p), 0);
    et_policy_close(p);
    // The folder itself, a checkpoint's, or the training's.
    char inner[4300];
    (void)snprintf(inner, sizeof inner, "%s/checkpoints/000002", path);
    et_policy_close(open_policy(inner, NULL));
    (void)snprintf(inner, sizeof inner, "%s/checkpoints/last/pretrained_model", path);
    p = open_policy(inner, &(struct et_policy_options){.has_ensemble = true, .ensemble = -1});
    CHECK_NEAR(et_policy_info(p)->ensemble, -1, 0);
    et_policy_close(p);
    et_policy_close(NULL);
}

static void does_what_it_was_taught(void)
{
    struct lesson_set set = RICH;
    set.n_rows = TAUGHT_ROWS;
    for (size_t k = 0; k < 3; k++) {
        struct et_policy *p =
            open_policy(train("taught", KINDS[k], &set, 400),
                        &(struct et_policy_options){.has_ensemble = true, .ensemble = -1});
        // Along the way of an episode that it saw: what was asked for then.
        double error = 0, still = 0;
        struct et_policy_view views[3];
        for (int row = 0; row < 36; row += 2) {
            struct sight s = sight(0);
            double action[LESSON_JOINTS];
            for (size_t j = 0; j < LESSON_JOINTS; j++)
                s.state[j] = (float)(0.2 * sin(6.283 * row / TAUGHT_ROWS + 0.4 * (double)j));
            s.touch[0] = row > 20 ? 1.5F : 0.01F;
            views_of(&s, views);
            CHECK_OK(et_policy_act(p, views, action, &err));
            for (size_t j = 0; j < LESSON_JOINTS; j++) {
                const double then = row + 2; // and two rows ahead of it
                const double wanted =
                    0.2 * sin(6.283 * (then + 2) / TAUGHT_ROWS + 0.4 * (double)j) + 0.4 - 0.43;
                error += fabs(action[j] - wanted) / (18 * LESSON_JOINTS);
                still += fabs((double)s.state[j] - wanted) / (18 * LESSON_JOINTS);
            }
        }
        printf("# %s: off by %.3f rad, to stand still by %.3f\n", KINDS[k], error, still);
        CHECK(error < 0.5 * still);
        et_policy_close(p);
    }
}

/* Along the way of an episode, whose joints move as one; how far off what is done is, on average.
 * In chunks: of which two steps are done before the next is asked for. */
static double follow(const char *path, bool in_chunks)
{
    struct et_policy *p = open_policy(
        path, &(struct et_policy_options){
                  .has_ensemble = true, .ensemble = -1, .n_open_loop = in_chunks ? 2 : 1});
    const size_t n_steps = et_policy_info(p)->n_steps;
    double actions[LESSON_JOINTS * 16], error = 0;
    CHECK(n_steps <= 16);
    for (int step = 0; step < 18; step += 1 + in_chunks) {
        const double now = 6.283 / TAUGHT_ROWS * 2 * step, then = now + 6.283 / TAUGHT_ROWS * 4;
        const float joint = (float)(0.2 * sin(now));
        struct sight s = sight(0);
        struct et_policy_view views[3];
        for (size_t i = 0; i < LESSON_JOINTS; i++)
            s.state[i] = joint;
        views_of(&s, views);
        CHECK_OK(in_chunks ? et_policy_chunk(p, views, actions, &err)
                           : et_policy_act(p, views, actions, &err));
        error += fabs(actions[0] - (0.2 * sin(then) - 0.03)) * (1 + in_chunks) / 18;
    }
    et_policy_close(p);
    return error;
}

static void history_says_where_joints_are_going(void)
{
    const struct lesson_set set = {.has_scene = true, .n_rows = TAUGHT_ROWS, .is_in_step = true};
    double errors[2][2];
    for (int k = 0; k < 2; k++) {
        struct et_dataset *dataset = lesson_open("step", &set);
        struct et_train_settings s = lesson_settings("mlp");
        s.steps = 400;
        s.sees_command = false;
        s.history = 2 * k;
        const char *path = lesson_train("history", dataset, &s);
        et_dataset_close(dataset);
        for (int in_chunks = 0; in_chunks < 2; in_chunks++)
            errors[k][in_chunks] = follow(path, in_chunks);
    }
    printf("# off by %.3f rad, with what was before %.3f, in chunks %.3f\n", errors[0][0],
           errors[1][0], errors[1][1]);
    CHECK(errors[1][0] < 0.4 * errors[0][0] && errors[1][1] < 0.4 * errors[0][1]);
}

static void changes_are_done_from_where_the_joints_are(void)
{
    struct lesson_set set = RICH;
    set.n_rows = TAUGHT_ROWS;
    struct et_dataset *dataset = lesson_open("set", &set);
    struct et_train_settings s = lesson_settings("mlp");
    s.steps = 400;
    s.sees_command = false;
    s.gives_changes = true;
    struct et_policy *p = open_policy(lesson_train("changes", dataset, &s), NULL);
    double error = 0;
    for (int row = 0; row < 36; row += 2) {
        struct et_policy_view views[3];
        struct sight seen = sight(0);
        double action[LESSON_JOINTS];
        for (size_t j = 0; j < LESSON_JOINTS; j++)
            seen.state[j] = (float)(0.2 * sin(6.283 * row / TAUGHT_ROWS + 0.4 * (double)j));
        seen.touch[0] = row > 20 ? 1.5F : 0.01F;
        views_of(&seen, views);
        CHECK_OK(et_policy_act(p, views, action, &err));
        for (size_t j = 0; j < LESSON_JOINTS; j++) {
            const double turn = 6.283 * (double)(row + 4) / TAUGHT_ROWS + 0.4 * (double)j;
            error += fabs(action[j] - (0.2 * sin(turn) + 0.4 - 0.43)) / (18 * LESSON_JOINTS);
        }
    }
    printf("# off by %.3f rad\n", error);
    CHECK(error < 0.05);
    et_policy_close(p);
    et_dataset_close(dataset);
}

static void a_policy_of_two_robots_moves_one_of_them(void)
{
    struct lesson_set set = RICH;
    set.has_robots = true;
    const char *path = train("robots", "mlp", &set, 20);
    double actions[2][LESSON_JOINTS];
    for (size_t i = 0; i < 2; i++) {
        const struct et_policy_options options = {.robot = i ? "right" : "left"};
        struct et_policy *p = open_policy(path, &options);
        struct et_policy_view views[3];
        struct sight s = sight(0);
        const struct et_policy_info *info = et_policy_info(p);
        CHECK(info->n_robots == 2 && info->inputs[1].has_gaps && !info->inputs[0].has_gaps);
        CHECK_STR(info->robots[0], "left");
        CHECK_STR(info->robots[1], "right");
        CHECK_STR(info->robot, options.robot);
        if (i)
            s.scene[6] = NAN; // there is no door
        views_of(&s, views);
        CHECK_OK(et_policy_act(p, views, actions[i], &err));
        et_policy_begin(p, 0, 0);
        double again[LESSON_JOINTS];
        s.state[2] += 0.5F; // a joint that "right" lacks is nothing to it
        CHECK_OK(et_policy_act(p, views, again, &err));
        CHECK((memcmp(again, actions[i], sizeof again) == 0) == (i == 1));
        s.state[0] = NAN;
        CHECK_EQ(et_policy_act(p, views, again, &err), ET_ECORRUPT);
        et_policy_close(p);
    }
    CHECK(actions[1][2] == 0 && actions[0][2] != 0 && actions[0][0] != actions[1][0]);
    struct et_policy *p = NULL;
    CHECK_EQ(et_policy_open(&p, path, &(struct et_policy_options){.robot = "third"}, &err),
             ET_ENOTFOUND);
    CHECK_HAS(err.text, "it has not learned to move third");
}

static void acts_without_memory_and_the_same_each_time(void)
{
    for (size_t k = 0; k < 3; k++) {
        struct et_policy *p = open_policy(train("memory", KINDS[k], &RICH, 2), NULL);
        double first[20][LESSON_JOINTS], again[20][LESSON_JOINTS];
        struct et_policy_view views[3];
        for (int turn = 0; turn < 3; turn++) {
            double(*to)[LESSON_JOINTS] = turn == 0 ? first : again;
            fault_arm(0);
            et_policy_begin(p, turn == 2 ? 8 : 7, 0);
            for (int i = 0; i < 20; i++) {
                const struct sight s = sight(0.1 * sin(0.3 * i));
                views_of(&s, views);
                if (et_policy_act(p, views, to[i], &err) != ET_OK)
                    CHECK(false);
            }
            fault_disarm();
            CHECK_EQ(fault_count, 0);
            // Chance is the seed's, where there is any.
            const bool is_same = memcmp(first, again, sizeof first) == 0;
            if (turn == 1)
                CHECK(is_same);
            if (turn == 2)
                CHECK(is_same == (strcmp(KINDS[k], "flow") != 0));
        }
        et_policy_close(p);
    }
}

static void what_is_no_number_is_refused_and_it_goes_on(void)
{
    struct et_policy *p = open_policy(train("refuses", "mlp", &RICH, 2), NULL);
    struct et_policy *other = open_policy(temp_path("refuses"), NULL);
    struct et_policy_view views[3];
    double a[LESSON_JOINTS], b[LESSON_JOINTS];
    for (int i = 0; i < 8; i++) {
        struct sight s = sight(0.01 * i), spoilt = s;
        const char *const words[] = {"observation.state", "observation.environment_state",
                                     "observation.touch.left_fingers"};
        float *const places[] = {&spoilt.state[2], &spoilt.scene[0], &spoilt.touch[1]};
        for (size_t k = 0; k < 3; k++) {
            double kept[LESSON_JOINTS] = {0};
            spoilt = s;
            *places[k] = k == 1 ? INFINITY : NAN;
            views_of(&spoilt, views);
            CHECK(et_policy_act(p, views, kept, &err) == ET_ECORRUPT);
            CHECK_HAS(err.text, words[k]);
            if (i > 0) // as it was before it
                for (size_t j = 0; j < LESSON_JOINTS; j++)
                    CHECK_NEAR(kept[j], a[j], 1e-6);
            CHECK(et_policy_chunk(p, views, kept, &err) == ET_ECORRUPT);
        }
        views_of(&s, views);
        CHECK_OK(et_policy_act(p, views, a, &err));
        CHECK_OK(et_policy_act(other, views, b, &err));
        CHECK(memcmp(a, b, sizeof a) == 0);
    }
    et_policy_close(p);
    et_policy_close(other);
}

/* ---- chunks by hand ---- */

static const char *const ONE[] = {"a"};

/* A policy that says the same whatever it sees: `chunk`, for a joint. */
static const char *made_policy(const char *name, const float chunk[N_STEPS], double ensemble)
{
    struct et__saved saved = {.step = 3, .recipe = {.joints = ONE, .n_joints = 1, .n_tasks = 0}};
    struct et__net net;
    CHECK_OK(et_train_settings("mlp", &saved.settings, &err));
    saved.settings.chunk = N_STEPS;
    saved.settings.rate_hz = 25;
    saved.settings.width = 2;
    saved.settings.layers = 1;
    saved.settings.ensemble = ensemble;
    CHECK_OK(et__recipe_make(&saved.recipe, arena, &err));
    CHECK_OK(et__normal_make(saved.normal, 1, 1, arena, &err));
    saved.normal->in_scale[0] = saved.normal->out_deviation[0] = 1;
    CHECK_OK(et__net_make(&net, &(struct et__net_shape){.n_own = 1, .n_out = 1, .n_steps = N_STEPS},
                          &saved.settings, arena, &err));
    float *values = et_arena_array(arena, net.params.n_values, sizeof *values);
    memcpy(values + et__param_find(&net.params, "model.action_head.bias")->at, chunk,
           N_STEPS * sizeof *chunk);
    CHECK_OK(et_dir_make(temp_path(name), &err));
    CHECK_OK(et__policy_write(temp_path(name), &saved, &net, values, &err));
    return temp_path(name);
}

static const float CHUNK[N_STEPS] = {1, 2, 4, 8};

static void act_7(const char *path, const struct et_policy_options *options, const double *wanted)
{
    struct et_policy *p = open_policy(path, options);
    const float state = 0;
    const struct et_policy_view view = {.values = &state};
    for (int begin = 0; begin < 2; begin++, et_policy_begin(p, 1, 0))
        for (int i = 0; i < 7; i++) {
            double action = -1;
            CHECK_OK(et_policy_act(p, &view, &action, &err));
            CHECK_NEAR(action, wanted[i], 1e-6);
        }
    et_policy_close(p);
}

static void chunks_are_blended_as_by_hand(void)
{
    const char *path = made_policy("blend", CHUNK, 0);
    // All the same: of step i the mean of what the newest says of its first, the one before of its
    // second …
    const double mean[] = {1, 1.5, 7.0 / 3, 3.75, 3.75, 3.75, 3.75};
    act_7(path, NULL, mean);
    // The oldest counts most: 1, 1/2, 1/4, 1/8 from the oldest on.
    const double half = log(2);
    const double w2 = (2 + 0.5 * 1) / 1.5, w3 = (4 + 0.5 * 2 + 0.25 * 1) / 1.75;
    const double w4 = (8 + 0.5 * 4 + 0.25 * 2 + 0.125 * 1) / 1.875;
    act_7(path, &(struct et_policy_options){.has_ensemble = true, .ensemble = half},
          (const double[]){1, w2, w3, w4, w4, w4, w4});
    act_7(made_policy("blend2", CHUNK, half), NULL, (const double[]){1, w2, w3, w4, w4, w4, w4});
    // The newest alone.
    act_7(path, &(struct et_policy_options){.has_ensemble = true, .ensemble = -1},
          (const double[]){1, 1, 1, 1, 1, 1, 1});
}

static void a_chunk_is_followed_for_as_long_as_is_asked(void)
{
    const char *path = made_policy("open", CHUNK, -1);
    act_7(path, &(struct et_policy_options){.n_open_loop = 2},
          (const double[]){1, 2, 1, 2, 1, 2, 1});
    act_7(path, &(struct et_policy_options){.n_open_loop = N_STEPS},
          (const double[]){1, 2, 4, 8, 1, 2, 4});
    act_7(path, &(struct et_policy_options){.n_open_loop = 100}, // there is no more of it
          (const double[]){1, 2, 4, 8, 1, 2, 4});
    // Blended, too: at the third step there are the third of the first and the first of the second.
    act_7(path, &(struct et_policy_options){.n_open_loop = 2, .has_ensemble = true, .ensemble = 0},
          (const double[]){1, 2, 2.5, 5, 2.5, 5, 2.5});
}

static void a_chunk_comes_as_it_is(void)
{
    struct et_policy *p = open_policy(made_policy("chunk", CHUNK, 0), NULL);
    const float state = 0;
    const struct et_policy_view view = {.values = &state};
    double chunk[N_STEPS], action;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(et_policy_chunk(p, &view, chunk, &err));
        for (size_t k = 0; k < N_STEPS; k++)
            CHECK_NEAR(chunk[k], (double)CHUNK[k], 1e-6);
    }
    et_policy_begin(p, 0, 0); // what was kept to be blended stays
    CHECK_OK(et_policy_act(p, &view, &action, &err));
    CHECK_OK(et_policy_chunk(p, &view, chunk, &err));
    CHECK_OK(et_policy_act(p, &view, &action, &err));
    CHECK_NEAR(action, (4 + 1) / 2.0, 1e-6); // the third of the first, and its own first
    et_policy_close(p);
}

/* ---- files ---- */

static const char *small_policy(void)
{
    return made_policy("small", CHUNK, 0);
}

static void put(const char *file, const char *text)
{
    char path[4400];
    (void)snprintf(path, sizeof path, "%s/%s", temp_path("small"), file);
    write_file(path, text, strlen(text));
}

static char *take(const char *file)
{
    char path[4400];
    size_t n;
    (void)snprintf(path, sizeof path, "%s/%s", temp_path("small"), file);
    return read_file(path, &n);
}

// Replaces `old` in etude.json by `new`, and opens.
static enum et_status open_changed(const char *old, const char *new)
{
    struct et_policy *p = NULL;
    char *text = take("etude.json");
    char *at = text ? strstr(text, old) : NULL;
    if (!CHECK(at != NULL)) {
        printf("#   %s\n", old);
        free(text);
        return ET_OK;
    }
    struct et_buf buf = et_buf(1 << 22);
    et_buf_put(&buf, text, (size_t)(at - text));
    et_buf_puts(&buf, new);
    et_buf_puts(&buf, at + strlen(old));
    put("etude.json", et_buf_text(&buf));
    memset(&err, 0, sizeof err);
    const enum et_status st = et_policy_open(&p, temp_path("small"), NULL, &err);
    CHECK(st == ET_OK || (err.text[0] && !p));
    et_policy_close(p);
    put("etude.json", text);
    et_buf_free(&buf);
    free(text);
    return st;
}

#define CAMERAS(names, side) \
    "\"cameras\": [" names "],\n  \"picture_width\": " side ",\n  \"picture_height\": " side

static void a_hostile_recipe_is_refused(void)
{
    static const struct {
        const char *old, *new;
        enum et_status st;
        const char *words;
    } WRONG[] = {
        {"\"etude_policy\": 1", "\"etude_policy\": 2", ET_EUNSUPPORTED, "another version"},
        {"\"etude_policy\": 1", "\"other\": 1", ET_EUNSUPPORTED, "another version"},
        {"\"policy\": \"mlp\"", "\"policy\": \"wizard\"", ET_ENOTFOUND, "there is no policy"},
        {"\"policy\": \"mlp\"", "\"policy\": 7", ET_ENOTFOUND, "there is no policy"},
        {"\"a\"", "", ET_ECORRUPT, "there are no joints"},
        {"\"a\"", "7", ET_ECORRUPT, "a name is no text"},
        {"\"a\"", "\"a\", \"b\"", ET_ECORRUPT, "is not 2 numbers"},
        {"\"chunk\": 4", "\"chunk\": 5", ET_ECORRUPT, "model.action_head.weight"},
        {"\"chunk\": 4", "\"chunk\": 0", ET_ECORRUPT, "chunk"},
        {"\"chunk\": 4", "\"chunk\": -1", ET_ECORRUPT, "chunk"},
        {"\"chunk\": 4", "\"chunk\": 1e300", ET_ECORRUPT, "chunk"},
        {"\"chunk\": 4", "\"chunk\": 1000", ET_ECORRUPT, "model.action_head.weight"},
        {"\"history\": 0", "\"history\": -1", ET_ECORRUPT, "history"},
        {"\"history\": 0", "\"history\": 1", ET_ECORRUPT, "is not"},
        {"\"width\": 2", "\"width\": 8192", ET_ECORRUPT, "model.layers.0.weight"},
        {"\"width\": 2", "\"width\": 0", ET_EARG, "without layers"},
        {"\"layers\": 1", "\"layers\": 16", ET_ECORRUPT, "has no model.layers.1.weight"},
        {"\"layers\": 1", "\"layers\": 17", ET_ECORRUPT, "layers"},
        {"\"rate_hz\": 25", "\"rate_hz\": 0", ET_ECORRUPT, "rate_hz"},
        {"\"policy\": \"mlp\"", "\"policy\": \"act\"", ET_EARG, "no multiple of 4 heads"},
        {"\"heads\": 4", "\"heads\": 0", ET_ECORRUPT, "heads"},
        {"\"knows_phase\": false", "\"knows_phase\": true", ET_ECORRUPT, "first_phase"},
        {"\"first_phase\": 0", "\"first_phase\": -1", ET_ECORRUPT, "first_phase"},
        {"\"touches\": []", "\"touches\": [{\"feature\": \"t\", \"n\": 9000000000}]", ET_ECORRUPT,
         "has no name, or no size"},
        {"\"touches\": []", "\"touches\": [{\"n\": 1}]", ET_ECORRUPT, "has no name, or no size"},
        {"\"touches\": []", "\"touches\": [1,2,3,4,5,6,7,8,9]", ET_ECORRUPT, "too many"},
        {"\"robots\": []", "\"robots\": [{\"joints\": [1]}]", ET_ECORRUPT, "a robot's joints"},
        {"\"robots\": []", "\"robots\": [{\"joints\": [-1]}]", ET_ECORRUPT, "a robot's joints"},
        {"\"robots\": []", "\"robots\": [{\"joints\": [0, 0]}]", ET_ECORRUPT, "in their order"},
        {"\"robots\": []", "\"robots\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", ET_ECORRUPT,
         "too many robots"},
        {"\"scene\": []", "\"scene\": [\"x\"]", ET_ECORRUPT, "environment_state.mean is not 1"},
        {"\"knows_hands\": false", "\"knows_hands\": true", ET_ECORRUPT, "is not"},
        {CAMERAS("", "0"), CAMERAS("\"head\"", "16"), ET_ECORRUPT,
         "a camera's feature does not begin with observation.images."},
        {CAMERAS("", "0"), CAMERAS("\"observation.images.head\"", "0"), ET_ECORRUPT,
         "pictures of no such size"},
        {CAMERAS("", "0"), CAMERAS("\"observation.images.head\"", "16"), ET_ECORRUPT,
         "has no model.backbone."},
    };
    (void)small_policy();
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        if (!CHECK(open_changed(WRONG[i].old, WRONG[i].new) == WRONG[i].st))
            printf("#   %s: %s\n", WRONG[i].new, err.text);
        CHECK_HAS(err.text, WRONG[i].words);
    }
    // A list that never ends.
    struct et_buf many = et_buf(1 << 22);
    for (int i = 0; i < 100001; i++)
        et_buf_puts(&many, i ? ",\"a\"" : "\"a\"");
    CHECK(open_changed("\"a\"", et_buf_text(&many)) == ET_ECORRUPT);
    CHECK_HAS(err.text, "a list is too long");
    et_buf_free(&many);
}

static void what_is_missing_is_named(void)
{
    static const char *const FILES[] = {
        "model.safetensors", "policy_preprocessor_step_3_normalizer_processor.safetensors",
        "etude.json", "config.json"};
    struct et_policy *p = NULL;
    for (size_t i = 0; i < 4; i++) {
        char path[4400];
        (void)small_policy();
        (void)snprintf(path, sizeof path, "%s/%s", temp_path("small"), FILES[i]);
        CHECK_OK(et_file_remove(path, &err));
        CHECK(et_policy_open(&p, temp_path("small"), NULL, &err) == ET_ENOTFOUND && !p);
        CHECK_HAS(err.text, FILES[i]);
    }
    CHECK(et_policy_open(&p, temp_path("nowhere"), NULL, &err) == ET_ENOTFOUND);
    write_file(temp_path("file"), "x", 1);
    CHECK(et_policy_open(&p, temp_path("file"), NULL, &err) == ET_ENOTFOUND);
    CHECK_OK(et_dir_make(temp_path("empty"), &err));
    CHECK(et_policy_open(&p, temp_path("empty"), NULL, &err) == ET_ENOTFOUND);
    CHECK_HAS(err.text, "holds no policy");
}

static void open_damaged(const char *path, size_t at, void *ctx)
{
    int *n_opened = ctx;
    struct et_policy *p = NULL;
    (void)path, (void)at;
    memset(&err, 0, sizeof err);
    const enum et_status st = et_policy_open(&p, temp_path("small"), NULL, &err);
    *n_opened += st == ET_OK;
    if (st != ET_OK)
        CHECK(err.text[0] != 0 && !p);
    const float state = 0.5F;
    double action[8];
    const struct et_policy_view view = {.values = &state};
    if (p && et_policy_info(p)->n_joints == 1 && et_policy_info(p)->n_inputs == 1)
        for (int i = 0; i < 3; i++)
            if (et_policy_act(p, &view, action, &err) == ET_OK)
                CHECK(isfinite(action[0]));
    et_policy_close(p);
}

static void damage_is_told_or_does_no_harm(void)
{
    static const char *const FILES[] = {
        "model.safetensors", "policy_preprocessor_step_3_normalizer_processor.safetensors",
        "etude.json"};
    for (size_t i = 0; i < 3; i++) {
        char path[4400];
        size_t n = 0;
        int n_opened = 0;
        (void)small_policy();
        (void)snprintf(path, sizeof path, "%s/%s", temp_path("small"), FILES[i]);
        void *whole = read_file(path, &n);
        cut_at_every_byte(whole, n - 2, 1, path, open_damaged, &n_opened);
        CHECK_EQ(n_opened, 0);
        (void)flip_every_byte(whole, n, 1, path, open_damaged, &n_opened);
        free(whole);
    }
    // config.json is LeRobot's: that it is there says that this is a policy, and no more.
    (void)small_policy();
    put("config.json", "{\"type\": 7, ");
    et_policy_close(open_policy(temp_path("small"), NULL));
}

static void a_failing_system_is_told(void)
{
    const char *path = small_policy();
    FOR_EACH_FAULT(at)
    {
        struct et_policy *p = NULL;
        memset(&err, 0, sizeof err);
        fault_arm(at);
        const enum et_status st = et_policy_open(&p, path, NULL, &err);
        fault_disarm();
        if (fault_seen && st != ET_OK)
            CHECK(err.text[0] != 0 && !p);
        if (!fault_seen)
            CHECK(st == ET_OK);
        et_policy_close(p);
    }
}

static void a_training_on_a_failing_system_is_told(void)
{
    struct et_dataset *dataset = lesson_open("faults", &RICH);
    struct et_train_settings s = lesson_settings("mlp");
    s.width = 4;
    s.layers = 1;
    s.batch = 4;
    s.steps = 2;
    const char *path = lesson_train("faulty", dataset, &s);
    FOR_EACH_FAULT(at)
    {
        struct et_train *t = NULL;
        struct et_policy *p = NULL;
        memset(&err, 0, sizeof err);
        fault_arm(at);
        enum et_status st =
            et_train_open(&t, dataset, &(struct et_train_options){.settings = s}, &err);
        for (int i = 0; st == ET_OK && i < 2; i++)
            st = et_train_step(t, &err);
        if (st == ET_OK)
            st = et_train_save(t, path, &err);
        fault_disarm();
        if (st != ET_OK)
            CHECK(err.text[0] != 0 && fault_seen);
        et_train_close(t);
        // Whatever failed: the last checkpoint, this one or the one before, is whole.
        CHECK_OK(et_policy_open(&p, path, NULL, &err));
        et_policy_close(p);
    }
    et_dataset_close(dataset);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, (size_t)64 << 20, &err));
    RUN(says_what_it_is);
    RUN(does_what_it_was_taught);
    RUN(history_says_where_joints_are_going);
    RUN(changes_are_done_from_where_the_joints_are);
    RUN(a_policy_of_two_robots_moves_one_of_them);
    RUN(acts_without_memory_and_the_same_each_time);
    RUN(what_is_no_number_is_refused_and_it_goes_on);
    RUN(chunks_are_blended_as_by_hand);
    RUN(a_chunk_is_followed_for_as_long_as_is_asked);
    RUN(a_chunk_comes_as_it_is);
    RUN(a_hostile_recipe_is_refused);
    RUN(what_is_missing_is_named);
    RUN(damage_is_told_or_does_no_harm);
    RUN(a_failing_system_is_told);
    RUN(a_training_on_a_failing_system_is_told);
    et_arena_close(arena);
    return tap_end();
}
