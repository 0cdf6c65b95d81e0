/* Shared files: profiles, gradings and other data that users may edit, found by name.
 *
 * A file of a kind lies in <folder>/<kind>/<id><suffix>, or, where the suffix begins with a '/', in
 * a folder of its own: <folder>/<kind>/<id>/skill.yaml. The folders are those of $ETUDE_SHARE, in
 * its order (separated by ':', empty ones left out), and then the installed share/etude. A file
 * hides those of the same name in folders behind it, so that what is shipped can be changed one by
 * one. The program puts the folder that it was shipped with behind the user's.
 *
 * Threads: any; the environment is read.
 * Memory:  names and paths go to the caller's arena. */
#ifndef ETUDE_SHARE_H
#define ETUDE_SHARE_H

#include "etude/arena.h"

/* What is looked for, and what messages call it. */
struct et_share_kind {
    const char *folder; // "profiles"
    const char *suffix; // ".yaml", "/skill.yaml"
    const char *what;   // "profile"
};

struct et_share_file {
    const char *id; // without the suffix
    const char *path;
};

/* Every file of a kind, folder by folder, sorted by name in each. A folder that is not there has
 * none. ET_EIO: a folder cannot be read. ET_ELIMIT: the arena is full. */
ET_MUST_USE ET_API enum et_status et_share_list(const struct et_share_kind *kind,
                                                struct et_arena *arena,
                                                const struct et_share_file **files, size_t *n_files,
                                                struct et_err *err);

/* The path of one. ET_ENOTFOUND: there is none of that id, or the id is no plain name; err->text
 * says where was looked, and what to write instead: the nearest id, or which there are. ET_ELIMIT:
 * the arena is full. */
ET_MUST_USE ET_API enum et_status et_share_find(const struct et_share_kind *kind, const char *id,
                                                struct et_arena *arena, const char **path,
                                                struct et_err *err);

#endif
