/* MuJoCo behind a wall: its errors come back as a status, its warnings go nowhere. */
#ifndef ROBOT_MUJOCO_GUARD_H
#define ROBOT_MUJOCO_GUARD_H

#include "etude/str.h"

struct mjModel_;

/* Runs `call` such that an error of MuJoCo inside it ends it and returns ET_ECORRUPT with MuJoCo's
 * words. What `call` had allocated by itself is lost then, so it allocates nothing but MuJoCo's
 * own results. */
ET_MUST_USE enum et_status et__mujoco_guard(void (*call)(void *context), void *context,
                                            struct et_err *err);

struct et__mujoco_file {
    const char *name; // without folders: how others include it
    struct et_str text;
};

/* The model of the first file (URDF or MJCF), which may include the others, and none beside them;
 * released by mj_deleteModel. Loads happen one after the other: MuJoCo keeps the last one in a
 * global. ET_ECORRUPT: MuJoCo's words; ET_ENOMEM. */
ET_MUST_USE enum et_status et__mujoco_load(const struct et__mujoco_file *files, size_t n_files,
                                           struct mjModel_ **model, struct et_err *err);

/* The same for a file of the user's, which may name others beside it: meshes. */
ET_MUST_USE enum et_status et__mujoco_load_path(const char *path, struct mjModel_ **model,
                                                struct et_err *err);

#endif
