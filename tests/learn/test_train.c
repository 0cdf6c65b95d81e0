/* Training: the same bits whatever works on it and however often it stops, a loss that falls, and
 * what cannot be learned from is named. */
#include "lesson_set.h"

#include "../dataset/same_folder.h"
#include "../dataset/tiny_set.h"
#include "learn/learn__checkpoint.h"
#include "support.h"
#include "tap.h"

#include "etude/episode.h"
#include "etude/file.h"
#include "etude/policy.h"
#include "etude/train_log.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static struct et_err err;
static const struct lesson_set RICH = {.has_scene = true, .has_touch = true, .has_segment = true};
static const char *const KINDS[] = {"mlp", "act", "flow"};

static struct et_train *open_train(const struct et_dataset *dataset,
                                   const struct et_train_settings *settings, struct et_pool *pool)
{
    struct et_train *train = NULL;
    const struct et_train_options options = {.settings = *settings, .pool = pool};
    CHECK_OK(et_train_open(&train, dataset, &options, &err));
    if (!train)
        exit(1);
    return train;
}

static void steps(struct et_train *train, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        CHECK_OK(et_train_step(train, &err));
}

static bool are_same_checkpoints(const char *a, const char *b)
{
    char one[4300], other[4300];
    (void)snprintf(one, sizeof one, "%s/checkpoints", a);
    (void)snprintf(other, sizeof other, "%s/checkpoints", b);
    return is_same_folder(one, other, NULL);
}

/* ---- the same bits ---- */

static void threads_change_no_bit(void)
{
    struct et_dataset *dataset = lesson_open("threads", &RICH);
    for (size_t k = 0; k < 3; k++) {
        struct et_train_settings s = lesson_settings(KINDS[k]);
        const char *const folders[] = {"threads0", "threads1", "threads2"};
        s.steps = 12;
        for (unsigned n = 0; n < 3; n++) {
            struct et_pool *pool = NULL;
            double look;
            if (n)
                CHECK_OK(et_pool_open(&pool, n, &err));
            struct et_train *train = open_train(dataset, &s, pool);
            steps(train, s.steps);
            CHECK(et_train_state(train).is_finished);
            CHECK_OK(et_train_look(train, &look, &err));
            CHECK(look > 0 && isfinite(look));
            CHECK_OK(et_path_remove(temp_path(folders[n]), &err));
            CHECK_OK(et_train_save(train, temp_path(folders[n]), &err));
            et_train_close(train);
            et_pool_close(pool);
            if (!CHECK(are_same_checkpoints(temp_path("threads0"), temp_path(folders[n]))))
                printf("#   %s with %u threads\n", KINDS[k], n);
        }
    }
    et_dataset_close(dataset);
}

static void a_stop_changes_no_bit(void)
{
    struct et_dataset *dataset = lesson_open("stop", &RICH);
    for (size_t k = 0; k < 3; k++) {
        struct et_train_settings s = lesson_settings(KINDS[k]);
        double look, again;
        s.steps = 14;
        CHECK_OK(et_path_remove(temp_path("stopped"), &err));
        CHECK_OK(et_path_remove(temp_path("straight"), &err));
        struct et_train *train = open_train(dataset, &s, NULL);
        steps(train, 14);
        CHECK_OK(et_train_save(train, temp_path("straight"), &err));
        CHECK_OK(et_train_look(train, &look, &err));
        et_train_close(train);
        for (int part = 0; part < 2; part++) { // seven steps each
            train = open_train(dataset, &s, NULL);
            if (part)
                CHECK_OK(et_train_resume(train, temp_path("stopped"), &err));
            CHECK_EQ(et_train_state(train).step, 7 * part);
            CHECK_OK(et_train_look(train, &again, &err)); // to look changes nothing
            steps(train, 7);
            CHECK_OK(et_train_save(train, temp_path("stopped"), &err));
            CHECK_OK(et_train_look(train, &again, &err));
            et_train_close(train);
        }
        CHECK(memcmp(&look, &again, sizeof look) == 0);
        CHECK(are_same_checkpoints(temp_path("straight"), temp_path("stopped")));
        train = open_train(dataset, &s, NULL); // one that is at its end stays there
        CHECK_OK(et_train_resume(train, temp_path("stopped"), &err));
        CHECK(et_train_state(train).is_finished);
        et_train_close(train);
    }
    et_dataset_close(dataset);
}

static void another_seed_is_another_training(void)
{
    struct et_dataset *dataset = lesson_open("seed", &RICH);
    struct et_train_settings s = lesson_settings("mlp");
    s.steps = 3;
    (void)lesson_train("seed1", dataset, &s);
    s.seed = 2;
    (void)lesson_train("seed2", dataset, &s);
    CHECK(!are_same_checkpoints(temp_path("seed1"), temp_path("seed2")));
    et_dataset_close(dataset);
}

/* ---- what is learned ---- */

static void the_loss_falls(void)
{
    struct et_dataset *dataset = lesson_open("falls", &RICH);
    for (size_t k = 0; k < 3; k++) {
        struct et_train_settings s = lesson_settings(KINDS[k]);
        s.steps = k == 0 ? 200 : 120;
        s.kl_weight = 0.1;
        struct et_train *train = open_train(dataset, &s, NULL);
        double first, last, begin = 0, end = 0;
        CHECK_OK(et_train_look(train, &first, &err));
        for (int64_t i = 0; i < s.steps; i++) {
            CHECK_OK(et_train_step(train, &err));
            begin += i < 10 ? et_train_state(train).loss : 0;
            end += i >= s.steps - 10 ? et_train_state(train).loss : 0;
        }
        CHECK_OK(et_train_look(train, &last, &err));
        printf("# %s: loss %.3f to %.3f, on what was not learned %.3f to %.3f\n", KINDS[k],
               begin / 10, end / 10, first, last);
        CHECK(end < 0.6 * begin);
        CHECK(last < 0.7 * first);
        et_train_close(train);
    }
    et_dataset_close(dataset);
}

static void facts_say_what_is_learned_from(void)
{
    struct et_dataset *dataset = lesson_open("facts", &RICH);
    struct et_train_settings s = lesson_settings("mlp");
    struct et_train *train = open_train(dataset, &s, NULL);
    const struct et_train_facts *f = et_train_facts(train);
    CHECK_EQ(f->n_episodes, 8);
    CHECK_EQ(f->n_validation, 2);
    CHECK_EQ(f->n_rows, 8 * 40);
    CHECK_EQ(f->n_used, 6 * 40); // none is idle
    CHECK_EQ((long)f->settings->steps, 60);
    // Joints, the command's distance, touch, time, two phases; around: one pose, one number.
    CHECK_EQ(f->n_in, 3 + 3 + 2 + 1 + 2 + LESSON_SCENE);
    CHECK_EQ(f->n_out, 3 + 2);
    CHECK_EQ(f->n_parameters, (18 + 1) * 32 + (32 + 1) * 32 + (32 + 1) * 25);
    CHECK(f->memory_bytes > 320 * (18 + 5) * sizeof(float) && f->memory_bytes < 16 << 20);
    CHECK_EQ(f->n_remarks, 0);
    et_train_close(train);
    s.sees_command = s.sees_touch = s.sees_scene = s.knows_phase = false;
    s.validation = 0;
    train = open_train(dataset, &s, NULL);
    double look = 0;
    CHECK_EQ(et_train_facts(train)->n_in, 3);
    CHECK_EQ(et_train_facts(train)->n_out, 3);
    CHECK_EQ(et_train_facts(train)->n_used, 8 * 40);
    CHECK_OK(et_train_look(train, &look, &err));
    CHECK(isnan(look)); // there is nothing to look at
    et_train_close(train);
    et_dataset_close(dataset);
}

static void rows_in_which_nothing_is_asked_for_are_left_out(void)
{
    struct et_dataset *dataset = lesson_open("idle", &(struct lesson_set){.is_idle = true});
    struct et_train_settings s = lesson_settings("mlp");
    s.validation = 0;
    s.knows_phase = false;
    struct et_train *train = open_train(dataset, &s, NULL);
    CHECK_EQ(et_train_facts(train)->n_used, 8 * (20 + 1)); // the last row of each, too
    et_train_close(train);
    s.skips_idle = false;
    train = open_train(dataset, &s, NULL);
    CHECK_EQ(et_train_facts(train)->n_used, 8 * 40);
    et_train_close(train);
    et_dataset_close(dataset);
}

static void while_things_move_it_is_them_that_is_waited_for(void)
{
    static const double DRIFTS_M[] = {0.0004, 0.002};
    for (int i = 0; i < 2; i++) {
        struct et_dataset *dataset = lesson_open(
            "waiting",
            &(struct lesson_set){.has_scene = true, .is_idle = true, .drift_m = DRIFTS_M[i]});
        struct et_train_settings s = lesson_settings("mlp");
        s.validation = 0;
        struct et_train *train = open_train(dataset, &s, NULL);
        CHECK_EQ(et_train_facts(train)->n_used, 8 * (i ? 40 : 20 + 1));
        et_train_close(train);
        et_dataset_close(dataset);
    }
}

/* Neither the values in the places of what a robot lacks, nor that it lacks them, are learned. */
static void what_is_not_there_teaches_nothing(void)
{
    struct lesson_set set = RICH;
    set.has_robots = true;
    for (size_t k = 0; k < 3; k++) {
        const char *const names[] = {"garbage0", "garbage1"};
        struct et_train_settings s = lesson_settings(KINDS[k]);
        s.steps = 10;
        for (size_t i = 0; i < 2; i++) {
            set.garbage = i ? 7 : -0.5F;
            struct et_dataset *dataset = lesson_open("garbage", &set);
            (void)lesson_train(names[i], dataset, &s);
            et_dataset_close(dataset);
        }
        CHECK(are_same_checkpoints(temp_path(names[0]), temp_path(names[1])));
    }
}

static void changes_are_learned_as_places_are(void)
{
    struct et_dataset *dataset = lesson_open("changes", &RICH);
    for (size_t k = 0; k < 3; k++) {
        struct et_train_settings s = lesson_settings(KINDS[k]);
        s.steps = 120;
        s.kl_weight = 0.1;
        s.gives_changes = true;
        struct et_train *train = open_train(dataset, &s, NULL);
        double first, last;
        CHECK_OK(et_train_look(train, &first, &err));
        steps(train, s.steps);
        CHECK_OK(et_train_look(train, &last, &err));
        printf("# %s: on what was not learned %.3f to %.3f\n", KINDS[k], first, last);
        CHECK(last < 0.8 * first);
        et_train_close(train);
    }
    et_dataset_close(dataset);
}

static void only_the_episodes_that_are_asked_for_are_read(void)
{
    static const int64_t THREE[] = {6, 0, 3};
    struct et_dataset *dataset = lesson_open("only", &(struct lesson_set){0});
    struct et_train *train = NULL;
    struct et_train_options options = {
        .settings = lesson_settings("mlp"), .episodes = THREE, .n_episodes = 3};
    CHECK_OK(et_train_open(&train, dataset, &options, &err));
    CHECK_EQ(et_train_facts(train)->n_rows, 3 * 40);
    CHECK_EQ(et_train_facts(train)->n_remarks, 1); // there are no segments
    CHECK_HAS(et_train_facts(train)->remarks[0], "knows no phases");
    et_train_close(train);
    et_dataset_close(dataset);
}

/* ---- what is odd, and goes ---- */

static void short_episodes_and_still_columns_are_learned_from(void)
{
    static const struct lesson_set ODD[] = {{.n_rows = -1, .n_episodes = 5},
                                            {.n_rows = 1, .n_episodes = 1},
                                            {.is_constant = true},
                                            {.n_joints = 1}};
    for (size_t i = 0; i < sizeof ODD / sizeof *ODD; i++)
        for (size_t k = 0; k < 3; k++) {
            struct et_dataset *dataset = lesson_open("odd", &ODD[i]);
            struct et_train_settings s = lesson_settings(KINDS[k]);
            struct et_policy *policy = NULL;
            s.steps = 3;
            CHECK_OK(et_policy_open(&policy, lesson_train("odd-trained", dataset, &s), NULL, &err));
            float state[LESSON_JOINTS] = {0.1F, 0.2F, 0.25F};
            double action[LESSON_JOINTS];
            const struct et_policy_view view = {.values = state};
            if (policy)
                CHECK_OK(et_policy_act(policy, &view, action, &err));
            if (policy && ODD[i].is_constant) {
                double other[LESSON_JOINTS];
                CHECK_NEAR(action[2], 0.25, 0.15); // it stays about where it always was
                et_policy_begin(policy, 0, 0);
                state[2] = 3; // and what it never told is not listened to
                CHECK_OK(et_policy_act(policy, &view, other, &err));
                if (!s.sees_command)
                    CHECK(memcmp(action, other, sizeof action) == 0);
            }
            et_policy_close(policy);
            et_dataset_close(dataset);
        }
}

static void a_robot_that_nobody_knows_has_no_hands(void)
{
    struct et_dataset *dataset =
        lesson_open("unknown", &(struct lesson_set){.robot = "no_such_robot", .has_segment = true});
    const struct et_train_settings s = lesson_settings("mlp");
    struct et_train *train = open_train(dataset, &s, NULL);
    CHECK_EQ(et_train_facts(train)->n_remarks, 1);
    CHECK_HAS(et_train_facts(train)->remarks[0], "hands are not known");
    CHECK_EQ(et_train_facts(train)->n_out, 3 + 2);
    et_train_close(train);
    et_dataset_close(dataset);
}

/* ---- what does not go ---- */

static void refuse(const struct lesson_set *set, const struct et_train_settings *settings,
                   enum et_status wanted, const char *words)
{
    struct et_dataset *dataset = lesson_open("refused", set);
    const struct et_train_options options = {.settings = *settings};
    struct et_train *train = (struct et_train *)&err;
    if (!CHECK(et_train_open(&train, dataset, &options, &err) == wanted))
        printf("#   wanted: %s\n", words);
    CHECK(!train);
    CHECK_HAS(err.text, words);
    et_dataset_close(dataset);
}

static void what_cannot_be_learned_from_is_named(void)
{
    static const char *const OTHERS[] = {"a", "elbow", "c"};
    struct et_train_settings s = lesson_settings("mlp");
    refuse(&(struct lesson_set){.without_action = true}, &s, ET_EUNSUPPORTED,
           "has no feature action");
    refuse(&(struct lesson_set){.n_action = 2}, &s, ET_EUNSUPPORTED,
           "observation.state has 3 values, action 2");
    refuse(&(struct lesson_set){.action_names = OTHERS}, &s, ET_EUNSUPPORTED,
           "value 1 is b in observation.state, and elbow in action");
    s.rate_hz = 25;
    refuse(&(struct lesson_set){.fps = 30}, &s, ET_EARG, "30 rows a second, which 25 actions");
    refuse(&(struct lesson_set){.fps = 10}, &s, ET_EARG, "10 rows a second");
    s.rate_hz = 12.5;
    struct et_dataset *dataset = lesson_open("rate", &(struct lesson_set){0});
    et_train_close(open_train(dataset, &s, NULL)); // every fourth
    et_dataset_close(dataset);
    s = lesson_settings("act");
    s.heads = 5;
    refuse(&(struct lesson_set){0}, &s, ET_EARG, "a width of 32 is no multiple of 5 heads");
    s.policy = "wizard";
    dataset = lesson_open("wizard", &(struct lesson_set){0});
    struct et_train *train = NULL;
    CHECK(et_train_open(&train, dataset, &(struct et_train_options){.settings = s}, &err) ==
          ET_ENOTFOUND);
    CHECK_HAS(err.text, "there is no policy \"wizard\"");
    et_dataset_close(dataset);
}

static void spoil(struct tiny_rows *rows)
{
    rows->action[(9 + 4) * TINY_VALUES + 1] = NAN; // row 4 of episode 1
}

/* Of a dataset of any rate: what divides it and is next to 25. */
static void a_rate_is_chosen(void)
{
    static const double RATES[][2] = {{10, 10},  {15, 15},  {20, 20},  {24, 24},   {25, 25},
                                      {30, 30},  {50, 25},  {60, 30},  {90, 22.5}, {100, 25},
                                      {120, 24}, {200, 25}, {500, 25}, {1000, 25}};
    for (size_t i = 0; i < sizeof RATES / sizeof *RATES; i++) {
        struct et_train_settings s = lesson_settings("mlp");
        s.rate_hz = 0;
        struct et_dataset *dataset =
            lesson_open("rates", &(struct lesson_set){.fps = (int)RATES[i][0]});
        struct et_train *train = open_train(dataset, &s, NULL);
        CHECK_NEAR(et_train_facts(train)->settings->rate_hz, RATES[i][1], 1e-9);
        et_train_close(train);
        et_dataset_close(dataset);
    }
}

static void of_five_episodes_one_is_looked_at(void)
{
    static const int WANTED[][2] = {{4, 0}, {5, 1}, {12, 1}, {13, 1}, {38, 2}};
    for (size_t i = 0; i < sizeof WANTED / sizeof *WANTED; i++) {
        struct et_train_settings s = lesson_settings("mlp");
        struct et_dataset *dataset =
            lesson_open("looked", &(struct lesson_set){.n_episodes = WANTED[i][0], .n_rows = 3});
        for (int k = 0; k < 2; k++) {
            s.validation = k ? 0 : 0.04;
            struct et_train *train = open_train(dataset, &s, NULL);
            CHECK_EQ((long)et_train_facts(train)->n_validation, k ? 0 : WANTED[i][1]);
            et_train_close(train);
        }
        et_dataset_close(dataset);
    }
}

static void a_value_that_is_no_number_is_named_with_its_row(void)
{
    struct et_dataset *dataset = NULL;
    struct et_train *train = NULL;
    struct et_train_options options = {.settings = lesson_settings("mlp")};
    options.settings.rate_hz = TINY_FPS;
    CHECK_OK(et_dataset_open(
        &dataset, tiny_build("nan", &(struct tiny){.layout = ET_LAYOUT_V30, .rows = spoil}), &err));
    CHECK(et_train_open(&train, dataset, &options, &err) == ET_ECORRUPT);
    CHECK_HAS(err.text, "action");
    CHECK_HAS(err.text, "row 4");
    printf("# %s\n", err.text);
    et_dataset_close(dataset);
}

static void nothing_is_not_enough(void)
{
    static const int64_t NONE[] = {99};
    struct et_dataset *dataset = lesson_open("nothing", &(struct lesson_set){0});
    struct et_train *train = NULL;
    struct et_train_options options = {
        .settings = lesson_settings("mlp"), .episodes = NONE, .n_episodes = 1};
    CHECK(et_train_open(&train, dataset, &options, &err) < 0 && !train);
    CHECK(err.text[0] != 0);
    et_dataset_close(dataset);
    // All that there is may not go to where it is only looked at.
    dataset = lesson_open("one", &(struct lesson_set){.n_episodes = 1});
    options = (struct et_train_options){.settings = lesson_settings("mlp")};
    options.settings.validation = 0.5;
    CHECK(et_train_open(&train, dataset, &options, &err) == ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "no rows to learn from");
    et_dataset_close(dataset);
}

/* ---- going on ---- */

static void goes_on_for_longer(void)
{
    struct et_dataset *dataset = lesson_open("longer", &RICH);
    struct et_train_settings s = lesson_settings("act"), then = {0};
    struct et_arena *arena = NULL;
    s.steps = 4;
    s.width = 64;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 20, &err));
    const char *folder = lesson_train("longer-run", dataset, &s);
    CHECK_OK(et_train_settings_saved(folder, arena, &then, &err));
    CHECK_STR(then.policy, "act");
    CHECK(then.steps == 4 && then.width == 64 && then.rate_hz > 0);
    then.steps = 6;
    struct et_train *train = open_train(dataset, &then, NULL);
    CHECK_OK(et_train_resume(train, folder, &err));
    CHECK_EQ((long)et_train_state(train).step, 4);
    steps(train, 2);
    CHECK(et_train_state(train).is_finished);
    CHECK_OK(et_train_save(train, folder, &err));
    et_train_close(train);
    then.steps = 5; // than what it is by now
    train = open_train(dataset, &then, NULL);
    CHECK(et_train_resume(train, folder, &err) == ET_EARG);
    CHECK_HAS(err.text, "was trained with steps: 6, not 5");
    et_train_close(train);
    CHECK(et_train_settings_saved(temp_path("nowhere"), arena, &then, &err) == ET_ENOTFOUND);
    et_arena_close(arena);
    et_dataset_close(dataset);
}

static void goes_on_with_the_same_only(void)
{
    struct et_dataset *dataset = lesson_open("same", &RICH);
    struct et_dataset *other = lesson_open(
        "others", &(struct lesson_set){
                      .has_segment = true, .has_touch = true, .has_scene = true, .n_episodes = 7});
    struct et_train_settings s = lesson_settings("mlp");
    struct et_train *train = open_train(dataset, &s, NULL);
    CHECK(et_train_resume(train, temp_path("nowhere"), &err) == ET_ENOTFOUND);
    CHECK_HAS(err.text, "no checkpoint to go on from");
    steps(train, 2);
    CHECK_OK(et_train_save(train, temp_path("kept"), &err));
    et_train_close(train);
    train = open_train(other, &s, NULL);
    CHECK(et_train_resume(train, temp_path("kept"), &err) == ET_EARG);
    CHECK_HAS(err.text, "trained on other data");
    et_train_close(train);
    s.rate = 2e-3;
    train = open_train(dataset, &s, NULL);
    CHECK(et_train_resume(train, temp_path("kept"), &err) == ET_EARG);
    CHECK_HAS(err.text, "was trained with rate: 0.001, not 0.002");
    et_train_close(train);
    s = lesson_settings("mlp");
    s.sees_command = false;
    train = open_train(dataset, &s, NULL);
    CHECK(et_train_resume(train, temp_path("kept"), &err) == ET_EARG);
    CHECK_HAS(err.text, "sees_command: true, not false");
    et_train_close(train);
    s = lesson_settings("flow");
    train = open_train(dataset, &s, NULL);
    CHECK(et_train_resume(train, temp_path("kept"), &err) == ET_EARG);
    CHECK_HAS(err.text, "policy: mlp, not flow");
    et_train_close(train);
    et_dataset_close(dataset);
    et_dataset_close(other);
}

struct damage {
    struct et_train *train;
    int n_refused, n_taken;
};

static void resume_damaged(const char *path, size_t at, void *ctx)
{
    struct damage *d = ctx;
    (void)path, (void)at;
    struct et_train_settings then;
    struct et_arena *arena = NULL;
    CHECK_OK(et_arena_open(&arena, (size_t)1 << 24, &err));
    memset(&err, 0, sizeof err);
    if (et_train_settings_saved(temp_path("damaged"), arena, &then, &err) == ET_OK)
        CHECK(then.rate_hz > 0 && then.steps > 0);
    else
        CHECK(err.text[0] != 0);
    et_arena_close(arena);
    memset(&err, 0, sizeof err);
    const enum et_status st = et_train_resume(d->train, temp_path("damaged"), &err);
    *(st == ET_OK ? &d->n_taken : &d->n_refused) += 1;
    if (st != ET_OK)
        CHECK(err.text[0] != 0);
}

static void a_damaged_checkpoint_is_told(void)
{
    static const char *const FILES[] = {"training_step.json", "optimizer_state.safetensors"};
    struct et_dataset *dataset = lesson_open("damage", &(struct lesson_set){0});
    struct et_train_settings s = lesson_settings("mlp");
    s.width = 4;
    s.layers = 1;
    struct et_train *train = open_train(dataset, &s, NULL);
    steps(train, 1);
    for (size_t k = 0; k < 2; k++) {
        char path[4400];
        size_t n = 0;
        struct damage damage = {.train = train};
        CHECK_OK(et_train_save(train, temp_path("damaged"), &err));
        (void)snprintf(path, sizeof path, "%s/checkpoints/last/training_state/%s",
                       temp_path("damaged"), FILES[k]);
        void *whole = read_file(path, &n);
        const size_t every = k ? 61 : 1;
        cut_at_every_byte(whole, n - 2, every, path, resume_damaged, &damage);
        CHECK_EQ(damage.n_taken, 0);
        (void)flip_every_byte(whole, n, every, path, resume_damaged, &damage);
        write_file(path, whole, n);
        CHECK_OK(et_train_resume(train, temp_path("damaged"), &err));
        CHECK_EQ(et_train_state(train).step, 1);
        free(whole);
    }
    et_train_close(train);
    et_dataset_close(dataset);
}

static void a_checkpoint_is_whole_and_alone(void)
{
    struct et_dataset *dataset = lesson_open("alone", &(struct lesson_set){0});
    const struct et_train_settings s = lesson_settings("mlp");
    struct et_train *train = open_train(dataset, &s, NULL);
    struct et_arena *arena = NULL;
    const char *const *names;
    size_t n = 0;
    char link[64] = "", folder[4300];
    // What a kill left is cleared away.
    (void)snprintf(folder, sizeof folder, "%s/checkpoints/000002.part", temp_path("whole"));
    CHECK_OK(et_dir_make(folder, &err));
    steps(train, 1);
    CHECK_OK(et_train_save(train, temp_path("whole"), &err));
    steps(train, 1);
    CHECK_OK(et_train_save(train, temp_path("whole"), &err));
    CHECK_OK(et_train_save(train, temp_path("whole"), &err)); // the same once more
    (void)snprintf(folder, sizeof folder, "%s/checkpoints", temp_path("whole"));
    CHECK_OK(et_arena_open(&arena, 1 << 20, &err));
    CHECK_OK(et_dir_list(folder, arena, &names, &n, &err));
    CHECK_EQ(n, 2);
    if (n == 2) {
        CHECK_STR(names[0], "000002");
        CHECK_STR(names[1], "last");
    }
    (void)snprintf(folder, sizeof folder, "%s/checkpoints/last", temp_path("whole"));
    CHECK(readlink(folder, link, sizeof link - 1) == 6);
    CHECK_STR(link, "000002");
    et_arena_close(arena);
    et_train_close(train);
    et_dataset_close(dataset);
}

static void what_diverges_stops_with_its_step_and_changes_nothing(void)
{
    struct et_dataset *dataset = lesson_open("diverges", &(struct lesson_set){0});
    struct et_train_settings s = lesson_settings("act"); // whose variances are exponentials
    s.rate = 10;
    s.warmup = 0;
    s.clip = s.average = 0;
    s.kl_weight = 1000;
    s.steps = 1000;
    struct et_train *train = open_train(dataset, &s, NULL);
    struct et_policy *policy = NULL;
    enum et_status st = et_train_step(train, &err);
    CHECK_OK(st);
    CHECK_OK(et_train_save(train, temp_path("good"), &err));
    for (int i = 0; st == ET_OK && i < 900; i++)
        st = et_train_step(train, &err);
    CHECK_EQ(st, ET_ECORRUPT);
    printf("# %s\n", err.text);
    char step[40];
    (void)snprintf(step, sizeof step, "step %lld", (long long)et_train_state(train).step + 1);
    CHECK_HAS(err.text, step);
    // What was before it can be kept, and what was kept before it is as it was.
    CHECK_OK(et_policy_open(&policy, temp_path("good"), NULL, &err));
    et_policy_close(policy);
    CHECK_OK(et_train_save(train, temp_path("before"), &err));
    CHECK_OK(et_policy_open(&policy, temp_path("before"), NULL, &err));
    et_policy_close(policy);
    et_train_close(train);
    et_dataset_close(dataset);
}

/* ---- settings ---- */

static enum et_status load(const char *text, const char *policy, struct et_train_settings *s)
{
    static struct et_arena *arena;
    if (!arena)
        CHECK_OK(et_arena_open(&arena, (size_t)16 << 20, &err));
    write_file(temp_path("settings.yaml"), text, strlen(text));
    return et_train_settings_load(temp_path("settings.yaml"), policy, arena, s, &err);
}

static void settings_are_as_the_file_says_and_else_as_the_table(void)
{
    struct et_train_settings s, plain;
    char words[ET__DIFFERENCE_BYTES];
    CHECK_OK(load("training: 1\ntext: any\npolicy: act\nsteps: 77\nsees_touch: false\n", NULL, &s));
    CHECK_OK(et_train_settings("act", &plain, &err));
    CHECK_STR(s.policy, "act");
    CHECK(s.steps == 77 && !s.sees_touch);
    s.steps = plain.steps;
    s.sees_touch = true;
    CHECK(et__train_settings_fit(&s, &plain, words));
    CHECK_OK(load("training: 1\nwidth: 96\n", "flow", &s));
    CHECK_STR(s.policy, "flow");
    CHECK(s.width == 96 && s.between == 4 * 96);
    CHECK_OK(load("training: 1\n", NULL, &s));
    CHECK_STR(s.policy, "mlp");
    CHECK(s.width == 512 && s.layers == 3);
    CHECK(et_train_settings("wizard", &s, &err) == ET_ENOTFOUND);
    CHECK_HAS(err.text, "there are mlp, act, flow");
}

static void settings_that_are_none_are_refused_with_their_place(void)
{
    static const struct {
        const char *text, *policy, *words;
    } WRONG[] = {
        {"training: 2\n", NULL, "settings.yaml:1"},
        {"policy: mlp\n", NULL, "training"},
        {"training: 1\nbatsh: 3\n", NULL, "batch"},
        {"training: 1\nbatch: 0\n", NULL, "settings.yaml:2"},
        {"training: 1\nbatch: 1.5\n", NULL, "settings.yaml:2"},
        {"training: 1\nrate: 1e9\n", NULL, "settings.yaml:2"},
        {"training: 1\nsees_touch: 1\n", NULL, "settings.yaml:2"},
        {"training: 1\npolicy: act\n", "mlp", "the policy is act, not mlp"},
        {"training: 1\npolicy: wizard\n", NULL, "there is no policy \"wizard\""},
        {"training: [1\n", NULL, "settings.yaml"},
        {"", NULL, "settings.yaml"},
    };
    struct et_train_settings s;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        CHECK(load(WRONG[i].text, WRONG[i].policy, &s) != ET_OK);
        CHECK_HAS(err.text, WRONG[i].words);
    }
}

static void the_examples_are_settings(void)
{
    static const char *const FILES[] = {"share/training/mlp.yaml", "share/training/act.yaml",
                                        "share/training/flow.yaml"};
    struct et_arena *arena = NULL;
    CHECK_OK(et_arena_open(&arena, (size_t)16 << 20, &err));
    for (size_t i = 0; i < 3; i++) {
        struct et_train_settings s;
        CHECK_OK(et_train_settings_load(source_path(FILES[i]), NULL, arena, &s, &err));
        CHECK_STR(s.policy, KINDS[i]);
        CHECK_OK(et_train_settings_load(source_path(FILES[i]), KINDS[i], arena, &s, &err));
    }
    et_arena_close(arena);
}

/* ---- the log ---- */

static void add(struct et_train_log *log, int64_t step, double validation)
{
    const struct et_train_point p = {.step = step,
                                     .loss = 1.0 / (double)step,
                                     .validation = validation,
                                     .rate = 1e-3,
                                     .grad_norm = 2,
                                     .seconds = (double)step};
    CHECK_OK(et_train_log_add(log, &p, &err));
}

static void a_log_keeps_what_was_before_the_checkpoint(void)
{
    const char *folder = temp_path("log"), *table = temp_path("log/metrics.csv");
    struct et_train_log *log = NULL;
    CHECK_OK(et_dir_make(folder, &err));
    CHECK_OK(et_train_log_open(&log, folder, 0, &err));
    CHECK_EQ(et_train_log_last(log).step, 0);
    add(log, 20, 0.5);
    add(log, 40, (double)NAN);
    add(log, 60, 0.25);
    CHECK_NEAR(et_train_log_last(log).validation, 0.25, 0);
    et_train_log_close(log);
    CHECK_OK(et_train_log_open(&log, folder, 40, &err)); // what came behind is forgotten
    CHECK_EQ(et_train_log_last(log).step, 40);
    CHECK_NEAR(et_train_log_last(log).validation, 0.5, 0);
    add(log, 60, (double)NAN);
    CHECK_NEAR(et_train_log_last(log).seconds, 40 + 60, 1e-9); // of training, in all
    const struct et_train_settings s = lesson_settings("act");
    static const char *const REMARKS[] = {"a <remark>"};
    static const char *const ROBOTS[] = {"etude-one", NULL};
    const struct et_train_facts facts = {.settings = &s,
                                         .dataset = "sets/<buttons>",
                                         .robots = ROBOTS,
                                         .n_robots = 2,
                                         .n_episodes = 8,
                                         .remarks = REMARKS,
                                         .n_remarks = 1};
    CHECK_OK(et_train_log_write(log, &facts, &err));
    et_train_log_close(log);
    size_t n;
    char *text = read_file(table, &n), *page = read_file(temp_path("log/index.html"), &n);
    CHECK_STR(text, "step,loss,validation,rate,grad_norm,seconds\n"
                    "20,0.05,0.5,0.001,2,20.000\n40,0.025,,0.001,2,40.000\n"
                    "60,0.0166666667,,0.001,2,100.000\n");
    CHECK_HAS(page, "kl_weight");
    CHECK_HAS(page, "a &lt;remark&gt;");
    CHECK_HAS(page, "sets/&lt;buttons&gt;");
    CHECK_HAS(page, "etude-one, one that nobody knows");
    CHECK_HAS(page, et_version());
    // A line that a kill cut is of no use; one that is none of ours in the middle is told.
    write_file(table, text, strlen(text) - 9);
    CHECK_OK(et_train_log_open(&log, folder, 60, &err));
    CHECK_EQ(et_train_log_last(log).step, 40);
    et_train_log_close(log);
    text[60] = 'x';
    write_file(table, text, strlen(text));
    CHECK(et_train_log_open(&log, folder, 60, &err) == ET_ECORRUPT && !log);
    CHECK_HAS(err.text, "no line of metrics");
    CHECK(et_train_log_open(&log, temp_path("log/none"), 0, &err) < 0);
    free(text);
    free(page);
}

int main(void)
{
    RUN(threads_change_no_bit);
    RUN(a_stop_changes_no_bit);
    RUN(another_seed_is_another_training);
    RUN(the_loss_falls);
    RUN(facts_say_what_is_learned_from);
    RUN(rows_in_which_nothing_is_asked_for_are_left_out);
    RUN(while_things_move_it_is_them_that_is_waited_for);
    RUN(what_is_not_there_teaches_nothing);
    RUN(changes_are_learned_as_places_are);
    RUN(only_the_episodes_that_are_asked_for_are_read);
    RUN(short_episodes_and_still_columns_are_learned_from);
    RUN(a_robot_that_nobody_knows_has_no_hands);
    RUN(what_cannot_be_learned_from_is_named);
    RUN(a_rate_is_chosen);
    RUN(of_five_episodes_one_is_looked_at);
    RUN(a_value_that_is_no_number_is_named_with_its_row);
    RUN(nothing_is_not_enough);
    RUN(goes_on_for_longer);
    RUN(goes_on_with_the_same_only);
    RUN(a_damaged_checkpoint_is_told);
    RUN(a_checkpoint_is_whole_and_alone);
    RUN(what_diverges_stops_with_its_step_and_changes_nothing);
    RUN(settings_are_as_the_file_says_and_else_as_the_table);
    RUN(settings_that_are_none_are_refused_with_their_place);
    RUN(the_examples_are_settings);
    RUN(a_log_keeps_what_was_before_the_checkpoint);
    return tap_end();
}
