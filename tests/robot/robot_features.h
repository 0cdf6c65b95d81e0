/* What a LeRobot folder's metadata says of its features, for tests on real data. */
#ifndef TESTS_ROBOT_FEATURES_H
#define TESTS_ROBOT_FEATURES_H

#include "etude/profile.h"

struct robot_features {
    const char *robot_type;
    struct et_guess_feature *items;
    struct et_feature_view *views; // the same, without ranges
    size_t n;
    struct et_guess_slice *slices; // of meta/modality.json's state and action
    size_t n_slices;
};

/* Reads meta/info.json, modality.json, and the ranges of stats.json or episodes_stats.jsonl. False
 * when the folder is not there. */
bool read_robot_features(const char *folder, struct et_arena *arena, struct robot_features *f);

#endif
