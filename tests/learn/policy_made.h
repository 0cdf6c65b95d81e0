/* Policies that were never trained: folders with numbers by chance, for what is done with them. */
#ifndef TESTS_LEARN_POLICY_MADE_H
#define TESTS_LEARN_POLICY_MADE_H

#include <stdbool.h>
#include <stddef.h>

struct made_policy {
    const char *kind;         // "mlp", "act", "flow"
    size_t n_joints, n_scene; // scene 0: it sees none
    size_t n_tasks;           // instructions "task 0" …
    bool is_derived;          // sees what was asked for, and knows phases "p0" … "p2"
    size_t n_cameras;         // observation.images.head, …left_wrist: each of 24 × 16
    bool is_resnet;           // ResNet-18 looks at them
    int picture_px, shift_px; // as in the settings; 0: as they come
};
/* Writes it into the folder, which is made. false: it could not. */
bool make_policy(const char *folder, const struct made_policy *made);

#define MADE_CHUNK 6
#define MADE_PHASES 3
#define MADE_WIDTH 24
#define MADE_HEIGHT 16

#endif
