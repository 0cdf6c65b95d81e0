/* Training on a device with a memory of its own comes to what a processor comes to, goes from one
 * to the other, and says what it lacks. A GPU is one; where there is none, a processor that stands
 * in for it does the same launches, behind the same door. */
#include "lesson_set.h"

#include "../dataset/same_folder.h"
#include "learn/learn__cuda.h"
#include "support.h"
#include "tap.h"

#include "etude/file.h"

#include <math.h>
#include <stdlib.h>

#define STEPS 8

static struct et_err err;
static const struct lesson_set RICH = {.has_scene = true, .has_touch = true, .has_segment = true};
static const struct lesson_set FILMED = {.has_camera = true, .n_rows = 20};
static const struct lesson_set ROBOTS = {
    .has_scene = true, .has_touch = true, .has_robots = true, .garbage = 7};
static const char *const KINDS[] = {"mlp", "act", "flow"};
static char emulated[4200];

static struct et_train_settings settings_of(const char *policy)
{
    struct et_train_settings s = lesson_settings(policy);
    s.keypoints = 8;
    s.picture_px = 32;
    s.shift_px = 1;
    s.steps = STEPS;
    return s;
}

static enum et_status try_train(struct et_train **train, const struct et_dataset *dataset,
                                const struct et_train_settings *settings, const char *device)
{
    const struct et_train_options options = {.settings = *settings, .device = device};
    return et_train_open(train, dataset, &options, &err);
}

static struct et_train *open_train(const struct et_dataset *dataset,
                                   const struct et_train_settings *settings, const char *device)
{
    struct et_train *train;
    CHECK_OK(try_train(&train, dataset, settings, device));
    if (!train)
        exit(1);
    return train;
}

static void save(struct et_train *train, const char *name)
{
    CHECK_OK(et_path_remove(temp_path(name), &err));
    CHECK_OK(et_train_save(train, temp_path(name), &err));
}

static bool are_same(const char *a, const char *b)
{
    char one[2000], other[2000];
    (void)snprintf(one, sizeof one, "%s/checkpoints", temp_path(a));
    (void)snprintf(other, sizeof other, "%s/checkpoints", temp_path(b));
    return is_same_folder(one, other, NULL);
}

/* The losses of all steps, and of a look behind them. */
static void learn(const struct et_dataset *dataset, const struct et_train_settings *s,
                  const char *device, double losses[STEPS + 1])
{
    struct et_train *train = open_train(dataset, s, device);
    CHECK((et_train_facts(train)->device != NULL) == (device != NULL));
    for (int i = 0; i < STEPS; i++) {
        CHECK_OK(et_train_step(train, &err));
        losses[i] = et_train_state(train).loss;
    }
    CHECK_OK(et_train_look(train, &losses[STEPS], &err));
    et_train_close(train);
}

static void compare(const struct et_dataset *dataset, const struct et_train_settings *s)
{
    double want[STEPS + 1], got[STEPS + 1];
    learn(dataset, s, NULL, want);
    learn(dataset, s, "cuda", got);
    for (int i = 0; i <= STEPS; i++)
        CHECK_NEAR(got[i] / want[i], 1, 1e-3);
}

static void learn_all(const char *name, const struct lesson_set *set)
{
    struct et_dataset *dataset = lesson_open(name, set);
    for (size_t k = 0; k < 3; k++) {
        const struct et_train_settings s = settings_of(KINDS[k]);
        compare(dataset, &s);
    }
    et_dataset_close(dataset);
}

static void a_device_learns_what_a_processor_does(void)
{
    learn_all("rich", &RICH);
}

static void it_sees_pictures_too(void)
{
    learn_all("filmed", &FILMED);
}

static void what_a_robot_lacks_teaches_nothing_there_either(void)
{
    learn_all("robots", &ROBOTS);
}

static void a_stop_changes_no_bit(void)
{
    struct et_dataset *dataset = lesson_open("stop", &RICH);
    const struct et_train_settings s = settings_of("act");
    struct et_train *train = open_train(dataset, &s, "cuda");
    for (int i = 0; i < STEPS; i++)
        CHECK_OK(et_train_step(train, &err));
    save(train, "straight");
    et_train_close(train);
    for (int part = 0; part < 2; part++) {
        train = open_train(dataset, &s, "cuda");
        if (part)
            CHECK_OK(et_train_resume(train, temp_path("stopped"), &err));
        for (int i = 0; i < STEPS / 2; i++)
            CHECK_OK(et_train_step(train, &err));
        if (part == 0)
            save(train, "stopped");
        else
            CHECK_OK(et_train_save(train, temp_path("stopped"), &err));
        et_train_close(train);
    }
    CHECK(are_same("straight", "stopped"));
    et_dataset_close(dataset);
}

// Half of it on one, half on the other, both ways round; what is kept does not say where it was.
static void a_training_goes_on_elsewhere(void)
{
    struct et_dataset *dataset = lesson_open("elsewhere", &RICH);
    const struct et_train_settings s = settings_of("flow");
    double want[STEPS + 1], look;
    learn(dataset, &s, NULL, want);
    for (int first = 0; first < 2; first++) {
        for (int part = 0; part < 2; part++) {
            struct et_train *train = open_train(dataset, &s, part == first ? "cuda" : "cpu");
            if (part)
                CHECK_OK(et_train_resume(train, temp_path("half"), &err));
            for (int i = 0; i < STEPS / 2; i++) {
                CHECK_OK(et_train_step(train, &err));
                CHECK_NEAR(et_train_state(train).loss / want[part * STEPS / 2 + i], 1, 1e-3);
            }
            CHECK_OK(et_train_look(train, &look, &err));
            save(train, "half");
            et_train_close(train);
        }
        CHECK_NEAR(look / want[STEPS], 1, 1e-3);
    }
    et_dataset_close(dataset);
}

/* ---- what is lacking ---- */

static void what_a_device_lacks_is_told(void)
{
    struct et_dataset *dataset = lesson_open("lacks", &RICH);
    const struct et_train_settings s = settings_of("mlp");
    struct et_train *train;
    (void)setenv("ETUDE_CUDA", "libetude_cuda.so.none", 1);
    CHECK_EQ(try_train(&train, dataset, &s, "cuda"), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "CUDA cannot be loaded: libetude_cuda.so.none");
    CHECK(!train);
    (void)setenv("ETUDE_CUDA", "libm.so.6", 1);
    CHECK_EQ(try_train(&train, dataset, &s, "cuda"), ET_EUNSUPPORTED);
    CHECK_STR(err.text, "libm.so.6 was built for another version");
    (void)setenv("ETUDE_CUDA", emulated, 1);
    (void)setenv("EMULATED_VERSION", "0.0.7", 1);
    CHECK_EQ(try_train(&train, dataset, &s, "cuda"), ET_EUNSUPPORTED);
    CHECK_HAS(err.text, "was built for another version");
    (void)unsetenv("EMULATED_VERSION");
    (void)setenv("EMULATED_NONE", "1", 1);
    CHECK_EQ(try_train(&train, dataset, &s, "cuda"), ET_EUNSUPPORTED);
    CHECK_STR(err.text, "no GPU: none is emulated");
    (void)unsetenv("EMULATED_NONE");
    CHECK_EQ(try_train(&train, dataset, &s, "abacus"), ET_EARG);
    CHECK_HAS(err.text, "nothing is trained on \"abacus\"");
    et_dataset_close(dataset);
}

static void put_number(const char *name, int n)
{
    char text[20];
    (void)snprintf(text, sizeof text, "%d", n);
    (void)setenv(name, text, 1);
}

static void too_little_memory_is_told_whatever_it_is_for(void)
{
    struct et_dataset *dataset = lesson_open("little", &FILMED);
    const struct et_train_settings s = settings_of("act");
    struct et_train *train = NULL;
    int n = 0;
    for (; n < 40 && !train; n++) {
        put_number("EMULATED_TAKES", n);
        const enum et_status st = try_train(&train, dataset, &s, "cuda");
        CHECK_EQ(st, train ? ET_OK : ET_ENOMEM);
        if (!train)
            CHECK_HAS(err.text, "on the GPU");
    }
    CHECK(n > 12 && n < 40); // state, gradients, a step's space and a batch's parts
    (void)unsetenv("EMULATED_TAKES");
    et_train_close(train);
    et_dataset_close(dataset);
}

// A device that failed is told by each call, and nothing that it has is kept.
static void a_device_that_fails_ends_the_training(void)
{
    struct et_dataset *dataset = lesson_open("fails", &RICH);
    const struct et_train_settings s = settings_of("mlp");
    int n_failed = 0;
    CHECK_OK(et_path_remove(temp_path("failed"), &err));
    for (int n = 1; n < 20; n++) {
        struct et_train *train;
        put_number("EMULATED_FINISHES", n);
        CHECK_OK(try_train(&train, dataset, &s, "cuda"));
        enum et_status st = et_train_step(train, &err);
        if (st == ET_OK)
            st = et_train_save(train, temp_path("failed"), &err);
        if (st != ET_OK) {
            CHECK_EQ(st, ET_EIO);
            CHECK_STR(err.text, "the GPU failed: as it was asked to");
            CHECK_EQ(et_train_save(train, temp_path("failed"), &err), ET_EIO);
            CHECK_EQ(et_train_step(train, &err), ET_EIO);
            n_failed++;
        }
        et_train_close(train);
    }
    CHECK(n_failed >= 3);
    (void)unsetenv("EMULATED_FINISHES");
    et_dataset_close(dataset);
}

static void judge(const char *name)
{
#define JUDGE(test)                                               \
    do {                                                          \
        char text[160];                                           \
        (void)snprintf(text, sizeof text, #test ", on %s", name); \
        test();                                                   \
        tap_result(text);                                         \
    } while (0)
    JUDGE(a_device_learns_what_a_processor_does);
    JUDGE(it_sees_pictures_too);
    JUDGE(what_a_robot_lacks_teaches_nothing_there_either);
    JUDGE(a_stop_changes_no_bit);
    JUDGE(a_training_goes_on_elsewhere);
}

int main(void)
{
    struct et__cuda cuda;
    (void)snprintf(emulated, sizeof emulated, "%s/tests/learn/libetude_emulated.so",
                   getenv("ETUDE_BUILD"));
    (void)setenv("ETUDE_CUDA", emulated, 1);
    judge("a processor that stands in for it");
    RUN(what_a_device_lacks_is_told);
    RUN(too_little_memory_is_told_whatever_it_is_for);
    RUN(a_device_that_fails_ends_the_training);
    (void)unsetenv("ETUDE_CUDA");
    if (et__cuda_open(&cuda, 0, &err) == ET_OK) {
        et__cuda_close(&cuda);
        judge("a GPU");
    } else {
        printf("# %s\n", err.text);
        tap_skip("no GPU");
        tap_result("a GPU learns what a processor does");
    }
    return tap_end();
}
