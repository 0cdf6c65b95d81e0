/* Files: what the system offers, with failures that name the path and keep what was there.
 *
 * Threads: a handle belongs to one thread at a time, except et_file_read_at, which may be called
 *          from any number of threads on one handle.
 * Memory:  a handle is one small allocation; contents go to the caller's arena or buffer. */
#ifndef ETUDE_FILE_H
#define ETUDE_FILE_H

#include "etude/arena.h"
#include "etude/str.h"

#define ET_PATH_BYTES_MAX 4096

/* What is being written is called so until it is whole; lists pass over it. */
#define ET_FILE_PART_SUFFIX ".part"

enum et_file_mode {
    ET_FILE_READ,   // must exist
    ET_FILE_CREATE, // must not exist; opened for writing
    ET_FILE_UPDATE, // must exist; opened for reading and writing
};

struct et_file;

/* Opens a regular file. ET_ENOTFOUND: it does not exist (READ, UPDATE). ET_EEXISTS: it does
 * (CREATE). ET_EIO: the system refused, or it is not a regular file. err->text names the path. */
ET_MUST_USE ET_API enum et_status et_file_open(struct et_file **file, const char *path,
                                               enum et_file_mode mode, struct et_err *err);

/* Closes without a sync; NULL is allowed. A failed close after unsynced writes is reported by
 * et_file_sync only, so whoever needs the bytes syncs first. */
ET_API void et_file_close(struct et_file *file);

/* The path as it was given, and the size now (ET_EIO when the system will not say). */
ET_API const char *et_file_path(const struct et_file *file);
ET_MUST_USE ET_API enum et_status et_file_size(struct et_file *file, int64_t *n_bytes,
                                               struct et_err *err);

/* Reads up to n bytes at offset; *got < n only at the end of the file. ET_EARG: no file reaches so
 * far (an offset may come from a file's own header). ET_EIO: err->at is the offset that failed. */
ET_MUST_USE ET_API enum et_status et_file_read_at(struct et_file *file, int64_t offset, void *to,
                                                  size_t n, size_t *got, struct et_err *err);

/* Reads exactly n bytes at offset; ET_ECORRUPT with err->at = the file's end when it is shorter. */
ET_MUST_USE ET_API enum et_status et_file_read_exact(struct et_file *file, int64_t offset, void *to,
                                                     size_t n, struct et_err *err);

/* Writes all n bytes at offset, or fails with ET_EIO (a full disk says so). ET_EARG as above. */
ET_MUST_USE ET_API enum et_status et_file_write_at(struct et_file *file, int64_t offset,
                                                   const void *from, size_t n, struct et_err *err);
ET_MUST_USE ET_API enum et_status et_file_truncate(struct et_file *file, int64_t n_bytes,
                                                   struct et_err *err);
ET_MUST_USE ET_API enum et_status et_file_sync(struct et_file *file, struct et_err *err);

/* The whole file into the arena, NUL-terminated (the NUL does not count). ET_ELIMIT when it is
 * longer than limit_bytes or the arena is full; ET_ENOTFOUND and ET_EIO as et_file_open. */
ET_MUST_USE ET_API enum et_status et_file_read(const char *path, size_t limit_bytes,
                                               struct et_arena *arena, struct et_str *content,
                                               struct et_err *err);

/* Replaces the file at path by n bytes, or creates it: written beside it with the permissions of
 * the old one, synced, renamed. ET_EIO: whatever failed, the old content stays whole. ET_OK: the
 * new content is in place and on the disk; where the folder could not be synced, a power cut may
 * bring the old content back, whole. A link at path is replaced, not followed. */
ET_MUST_USE ET_API enum et_status et_file_replace(const char *path, const void *data, size_t n,
                                                  struct et_err *err);

/* Renames within one file system, then syncs the folder. An existing target is replaced.
 * ET_ENOTFOUND: nothing is at `from`. ET_EIO: not renamed, or (the text says so) renamed and the
 * folder not synced. */
ET_MUST_USE ET_API enum et_status et_file_rename(const char *from, const char *to,
                                                 struct et_err *err);

/* Removes a file or a link. ET_ENOTFOUND: nothing is there. ET_EIO: the system refused. */
ET_MUST_USE ET_API enum et_status et_file_remove(const char *path, struct et_err *err);

enum et_path_kind { ET_PATH_NONE, ET_PATH_FILE, ET_PATH_DIR, ET_PATH_OTHER };

/* What stands at path (links followed). ET_EIO when the system will not say (permission). */
ET_MUST_USE ET_API enum et_status et_path_kind(const char *path, enum et_path_kind *kind,
                                               struct et_err *err);

/* "a/b" from "a" and "b" in the arena ("b" alone when it is absolute or a is empty); NULL when the
 * arena is full. */
ET_MUST_USE ET_API const char *et_path_join(struct et_arena *arena, const char *a, const char *b);

/* The part after the last '/', and the part before it ("." when there is none; in the arena). */
ET_API const char *et_path_base(const char *path);
ET_MUST_USE ET_API const char *et_path_dir(struct et_arena *arena, const char *path);

/* Makes the folder and those above it; one that exists already is fine. ET_EIO: the system refused,
 * or something that is no folder stands in the way. */
ET_MUST_USE ET_API enum et_status et_dir_make(const char *path, struct et_err *err);

/* Makes the names in a folder outlast a power cut. */
ET_MUST_USE ET_API enum et_status et_dir_sync(const char *path, struct et_err *err);

/* Takes the folder for this process, until et_dir_unlock or its end; whoever does not ask is not
 * kept out. ET_EEXISTS: another holds it. ET_ENOTFOUND: no such folder. Where the file system knows
 * no locks, nobody is kept out. *lock: −1 on failure, which et_dir_unlock takes, too. */
ET_MUST_USE ET_API enum et_status et_dir_lock(const char *path, int *lock, struct et_err *err);
ET_API void et_dir_unlock(int lock);

/* Names in a folder (without "." and ".."), sorted by bytes, into the arena. ET_ENOTFOUND: no such
 * folder. ET_EIO: it cannot be read. ET_ELIMIT: more than ET_DIR_ENTRIES_MAX. */
#define ET_DIR_ENTRIES_MAX 10000000
ET_MUST_USE ET_API enum et_status et_dir_list(const char *path, struct et_arena *arena,
                                              const char *const **names, size_t *n_names,
                                              struct et_err *err);

/* Removes a file, or a folder and all it holds (links are removed, never followed). A path that
 * does not exist is fine. ET_EIO: the system refused; what was removed before stays removed. */
ET_MUST_USE ET_API enum et_status et_path_remove(const char *path, struct et_err *err);

#endif
