/* Log: how the library speaks of what is not a result and not a failure.
 *
 * The library never prints. What a caller wants to hear it takes through a callback; a NULL log is
 * silent. Nothing that matters only goes to the log: what was skipped or clipped is also in
 * results.
 *
 * Threads: `write` may be called from any thread the call it was given to uses, one at a time. */
#ifndef ETUDE_LOG_H
#define ETUDE_LOG_H

#include "etude/status.h"

enum et_log_level { ET_LOG_DEBUG, ET_LOG_INFO, ET_LOG_WARN };

struct et_log {
    enum et_log_level level; // below it nothing is written
    void (*write)(void *ctx, enum et_log_level level, const char *text);
    void *ctx;
};

ET_API void et_logf(const struct et_log *log, enum et_log_level level, const char *fmt, ...)
    ET_PRINTF(3, 4);

#endif
