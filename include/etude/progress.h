/* Progress: one line with rate and time left.
 *
 * A pure formatter: the caller owns the clock and the screen (a line rewritten on a terminal, plain
 * lines now and then in a log).
 *
 * Units:   t_ns is any clock that never steps back. */
#ifndef ETUDE_PROGRESS_H
#define ETUDE_PROGRESS_H

#include "etude/status.h"

#include <stddef.h>

struct et_progress {
    const char *title; // "inspect"
    const char *unit;  // "episodes"
    int64_t n_total;   // 0 when unknown
    int64_t t_start_ns;
    const char *note; // what else there is to tell, behind the rest; NULL: nothing
};

/* "inspect  42 of 100 episodes · 12.5 MB/s · 3 s left": at most n_columns characters, written to
 * text (NUL-terminated). n_bytes 0 shows items a second instead of bytes. */
ET_API void et_progress_text(const struct et_progress *progress, int64_t n_done, int64_t n_bytes,
                             int64_t t_now_ns, size_t n_columns, char *text, size_t cap);

#endif
