#include "etude/log.h"

#include "base/base__text.h"

#define LINE_BYTES 1024

void et_logf(const struct et_log *log, enum et_log_level level, const char *fmt, ...)
{
    if (!log || !log->write || level < log->level)
        return;
    char text[LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    et__text_format(text, sizeof text, fmt, args);
    va_end(args);
    log->write(log->ctx, level, text);
}
