/* A robot's model from a file that a user has: MJCF, or a URDF made clean as etude/dynamics.h says.
 *
 * An MJCF may name other files (meshes), which MuJoCo reads from where they lie. Of a URDF there
 * are links and joints only, without shapes. */
#ifndef ROBOT_ROBOT_MODEL_H
#define ROBOT_ROBOT_MODEL_H

#include "etude/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct mjModel_;

struct et__robot_model {
    struct mjModel_ *model;         // mj_deleteModel releases it
    const char *const *link_names;  // of a URDF, whose link i is the body "b<i>"; NULL: of an MJCF
    const char *const *joint_names; // the same, "j<i>"
    size_t n_links, n_joints;
};

/* Names are in the arena. ET_ENOTFOUND: no such file. ET_ECORRUPT: not a robot; the text has the
 * path, and MuJoCo's words or the line. ET_ELIMIT, ET_ENOMEM. */
ET_MUST_USE enum et_status et__robot_model_load(const char *path, struct et_arena *arena,
                                                struct et__robot_model *model, struct et_err *err);

/* The joint or body of that name in the file, by MuJoCo's number; −1: there is none. */
int et__robot_model_joint(const struct et__robot_model *model, const char *name);
int et__robot_model_body(const struct et__robot_model *model, const char *name);

#endif
