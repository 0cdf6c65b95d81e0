#include "etude/status.h"

#include "base/base__text.h"

#include <stdio.h>
#include <string.h>

enum et_status et_fail(struct et_err *err, enum et_status status, int64_t at, const char *fmt, ...)
{
    if (!err)
        return status;

    // The arguments may point into err->text itself, so the new text is made beside it.
    char text[ET_ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    et__text_format(text, sizeof text, fmt, args);
    va_end(args);

    *err = (struct et_err){.status = status, .at = at};
    memcpy(err->text, text, sizeof text);
    return status;
}

enum et_status et_fail_sys(struct et_err *err, int sys, const char *fmt, ...)
{
    if (!err)
        return ET_EIO;

    char text[ET_ERR_TEXT_BYTES], reason[128];
    va_list args;
    va_start(args, fmt);
    et__text_format(text, sizeof text, fmt, args);
    va_end(args);

    const char *known = strerror_r(sys, reason, sizeof reason);
    (void)et_fail(err, ET_EIO, -1, "%s: %s", text, known);
    err->sys = sys;
    return ET_EIO;
}

enum et_status et_err_context(struct et_err *err, const char *fmt, ...)
{
    if (!err)
        return ET_OK;

    char context[ET_ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    et__text_format(context, sizeof context, fmt, args);
    va_end(args);

    const struct et_err inner = *err;
    (void)et_fail(err, inner.status, inner.at, "%s: %s", context, inner.text);
    err->sys = inner.sys;
    return inner.status;
}

const char *et_status_name(enum et_status status)
{
    switch (status) {
#define X(name, value, text) \
    case name:               \
        return #name;
        ET_STATUS_MAP(X)
#undef X
    }
    return "ET_?";
}

const char *et_status_text(enum et_status status)
{
    switch (status) {
#define X(name, value, text) \
    case name:               \
        return text;
        ET_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}
