/* A small LeRobot dataset to learn from: what is asked for next follows from where the joints are
 * and from where a thing lies, by a rule that a small network finds in a hundred steps. */
#ifndef TESTS_LEARN_LESSON_SET_H
#define TESTS_LEARN_LESSON_SET_H

#include "etude/dataset.h"
#include "etude/train.h"

#define LESSON_JOINTS 3
#define LESSON_SCENE 7 // "cup.x" … "cup.zz", "door.position"
#define LESSON_CAMERA "observation.images.head"
#define LESSON_WIDTH 48
#define LESSON_HEIGHT 32

/* What a set is. A zeroed struct: eight episodes of 40 rows, 50 a second, three joints, no more. */
struct lesson_set {
    const char *robot;
    size_t n_joints;                                 // 0: LESSON_JOINTS
    const char *const *joints, *const *action_names; // NULL: "a", "b" …; as the joints
    const double *home;                              // around which they move; NULL: 0
    size_t n_action;                                 // 0: as the joints
    int fps, n_episodes, n_rows; // 0: 50, 8, 40; n_rows −1: alternately 1 and 2
    bool has_scene, has_touch, has_segment, without_action;
    bool has_camera; // sees a bright thing; where it is is also how far joints are asked to go
    /* Robots "left" and "right" take turns; "right" has no last joint, and there is no door. What
     * stands in the places of these is garbage. */
    bool has_robots;
    float garbage;
    bool has_weight; // "weight" of a row: 1, in every other episode odd_weight
    float odd_weight;
    bool is_constant; // the last joint never moves
    bool is_in_step;  // all joints move as one: where they are does not say where they go
    bool is_idle;     // every second row asks for what the one before did
    double drift_m;   // what the thing goes from row to row
};

/* Writes the set into the test's own folder, and returns its path. */
const char *lesson_build(const char *name, const struct lesson_set *set);
/* And opens it; the program ends where that fails. */
struct et_dataset *lesson_open(const char *name, const struct lesson_set *set);

/* Settings that train fast: a narrow network, 60 steps of 32 samples. */
struct et_train_settings lesson_settings(const char *policy);

/* Trains on the set to the end and saves into the folder of that name; its path. */
const char *lesson_train(const char *name, const struct et_dataset *dataset,
                         const struct et_train_settings *settings);

#endif
