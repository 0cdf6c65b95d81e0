/* What writing and reading an episode's folder share. */
#ifndef EPISODE_EPISODE__FILE_H
#define EPISODE_EPISODE__FILE_H

#include "etude/episode_file.h"
#include "etude/file.h"

#define ET__EPISODE_VERSION 1
#define ET__EPISODE_JSON_BYTES_MAX ((size_t)64 << 20)

/* "<folder>/<name>"; name NULL: the folder's place while it is written, "<folder>.part". */
ET_MUST_USE enum et_status et__episode_path(char path[ET_PATH_BYTES_MAX], const char *folder,
                                            const char *name, struct et_err *err);

/* "<folder>/tracks/<stream>.parquet". */
ET_MUST_USE enum et_status et__track_path(char path[ET_PATH_BYTES_MAX], const char *folder,
                                          const char *stream, struct et_err *err);

/* "measured", "synthetic", "missing"; and back (false when it is none). */
const char *et__time_kind_text(enum et_time_kind kind);
bool et__time_kind_parse(const char *text, enum et_time_kind *kind);

#endif
