/* Policies that learn from a dataset's pictures. */
#include "etude/train.h"

#include "lesson_set.h"

#include "../dataset/same_folder.h"
#include "support.h"
#include "tap.h"

#include "etude/file.h"

#include <math.h>
#include <stdlib.h>

static struct et_err err;
static const struct lesson_set FILMED = {.has_camera = true, .n_rows = 20};
static const char *const KINDS[] = {"mlp", "act", "flow"};

static struct et_train_settings settings_of(const char *policy)
{
    struct et_train_settings s = lesson_settings(policy);
    s.keypoints = 8;
    s.picture_px = 32;
    s.shift_px = 1;
    return s;
}

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

// Nothing but the picture tells how far to go.
static void what_only_the_camera_sees_is_learned(void)
{
    struct et_dataset *dataset = lesson_open("filmed", &FILMED);
    for (size_t k = 0; k < 3; k++) {
        double loss[2];
        for (int sees = 0; sees < 2; sees++) {
            struct et_train_settings s = settings_of(KINDS[k]);
            s.steps = 150;
            s.rate = 3e-3;
            s.kl_weight = 0.1;
            s.sees_pictures = sees;
            s.knows_phase = s.sees_command = false; // both would tell
            struct et_train *train = open_train(dataset, &s, NULL);
            steps(train, s.steps);
            CHECK_OK(et_train_look(train, &loss[sees], &err));
            et_train_close(train);
        }
        printf("# %s: loss %.3f blind, %.3f seeing\n", KINDS[k], loss[0], loss[1]);
        CHECK(loss[1] < 0.6 * loss[0]);
    }
    et_dataset_close(dataset);
}

static void save(struct et_train *train, const char *name)
{
    CHECK_OK(et_path_remove(temp_path(name), &err));
    CHECK_OK(et_train_save(train, temp_path(name), &err));
}

static void neither_threads_nor_a_stop_change_a_bit(void)
{
    struct et_dataset *dataset = lesson_open("same", &FILMED);
    for (size_t k = 0; k < 3; k++) {
        struct et_train_settings s = settings_of(KINDS[k]);
        struct et_pool *pool = NULL;
        s.steps = 6;
        CHECK_OK(et_pool_open(&pool, 2, &err));
        struct et_train *train = open_train(dataset, &s, NULL);
        steps(train, 6);
        save(train, "straight");
        et_train_close(train);
        train = open_train(dataset, &s, pool);
        steps(train, 3);
        save(train, "stopped");
        et_train_close(train);
        train = open_train(dataset, &s, pool);
        CHECK_OK(et_train_resume(train, temp_path("stopped"), &err));
        steps(train, 3);
        save(train, "stopped");
        et_train_close(train);
        et_pool_close(pool);
        char one[4300], other[4300];
        (void)snprintf(one, sizeof one, "%s/checkpoints", temp_path("straight"));
        (void)snprintf(other, sizeof other, "%s/checkpoints", temp_path("stopped"));
        CHECK(is_same_folder(one, other, NULL));
    }
    et_dataset_close(dataset);
}

/* ---- what is no picture ---- */

static void replace(const char *path, const char *was, const char *is)
{
    size_t n;
    char *text = read_file(path, &n), *at = text ? strstr(text, was) : NULL;
    if (CHECK(at)) {
        struct et_buf changed = et_buf(1 << 20);
        et_buf_printf(&changed, "%.*s%s%s", (int)(at - text), text, is, at + strlen(was));
        CHECK(changed.status == ET_OK);
        write_file(path, changed.p, changed.n);
        et_buf_free(&changed);
    }
    free(text);
}

static void refuse(const char *sides)
{
    static const char WAS[] = "32,\n                48,";
    const char *path = lesson_build("odd", &FILMED);
    char file[4300];
    (void)snprintf(file, sizeof file, "%s/meta/info.json", path);
    replace(file, WAS, sides);
    struct et_dataset *dataset = NULL;
    enum et_status st = et_dataset_open(&dataset, path, &err);
    if (st == ET_OK) {
        struct et_train *train = NULL;
        const struct et_train_options options = {.settings = settings_of("mlp")};
        st = et_train_open(&train, dataset, &options, &err);
        et_train_close(train);
    }
    CHECK_EQ(st, ET_ECORRUPT);
    if (!CHECK(strstr(err.text, LESSON_CAMERA)))
        printf("#   [%s]: %s\n", sides, err.text);
    et_dataset_close(dataset);
}

static void pictures_of_absurd_sizes_are_refused(void)
{
    refuse("8193,48,");
    refuse("32,100000,");
}

static void films_that_are_not_there_are_named_and_done_without(void)
{
    struct et_dataset *dataset = lesson_open("lost", &FILMED);
    struct et_train *train = NULL;
    struct et_train_options options = {.settings = settings_of("mlp")};
    CHECK_OK(et_path_remove(temp_path("lost/videos"), &err));
    CHECK_EQ(et_train_open(&train, dataset, &options, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "lost/videos/");
    CHECK_HAS(err.text, "sees_pictures: false");
    options.settings.sees_pictures = false;
    CHECK_OK(et_train_open(&train, dataset, &options, &err));
    et_train_close(train);
    et_dataset_close(dataset);
}

int main(void)
{
    RUN(what_only_the_camera_sees_is_learned);
    RUN(neither_threads_nor_a_stop_change_a_bit);
    RUN(pictures_of_absurd_sizes_are_refused);
    RUN(films_that_are_not_there_are_named_and_done_without);
    return tap_end();
}
