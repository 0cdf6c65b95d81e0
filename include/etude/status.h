/* Status and error: how every call that can fail says so.
 *
 * A call returns `enum et_status`, gives its results through pointers, and takes `struct et_err
 * *err` last, which may be NULL. 0 is success, positive values are expected ends, negative values
 * are failures. A failure carries the place (a byte offset, a row, a line) because for a data
 * product "corrupt" without a position is useless.
 *
 * Threads: everything here may be called from any thread; one et_err belongs to one thread.
 * Memory:  an et_err is a plain value owned by the caller; nothing is allocated. */
#ifndef ETUDE_STATUS_H
#define ETUDE_STATUS_H

#include <stdarg.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ET_API __attribute__((visibility("default")))
#define ET_MUST_USE __attribute__((warn_unused_result))
#define ET_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define ET_API
#define ET_MUST_USE
#define ET_PRINTF(fmt, args)
#endif

// clang-format off
#define ET_STATUS_MAP(X)                                  \
    X(ET_OK,            0, "ok")                          \
    X(ET_END,           1, "end of data")                 \
    X(ET_AGAIN,         2, "nothing yet, try again")      \
    X(ET_EARG,         -1, "invalid argument")            \
    X(ET_ENOMEM,       -2, "out of memory")               \
    X(ET_EIO,          -3, "input/output failure")        \
    X(ET_ECORRUPT,     -4, "data is corrupt")             \
    X(ET_ELIMIT,       -5, "limit exceeded")              \
    X(ET_EUNSUPPORTED, -6, "not supported")               \
    X(ET_EEXISTS,      -7, "exists already")              \
    X(ET_ENOTFOUND,    -8, "not found")                   \
    X(ET_ECANCELLED,   -9, "cancelled")
// clang-format on

enum et_status {
#define X(name, value, text) name = (value),
    ET_STATUS_MAP(X)
#undef X
};

#define ET_ERR_TEXT_BYTES 384

/* What failed. A zeroed struct is valid and means no error. */
struct et_err {
    enum et_status status;
    int sys;                      // errno at the failure, 0 if the kernel had no part in it
    int64_t at;                   // byte offset, row or line that text speaks of, -1 if none
    char text[ET_ERR_TEXT_BYTES]; // one sentence for a person, without a newline
};

/* Fills *err (if not NULL) and returns status, so that a failure is one line at the call site.
 * `at` is the offset, row or line that the text speaks of, -1 if none. A text that is too long is
 * cut. err->sys is set to 0. */
ET_API enum et_status et_fail(struct et_err *err, enum et_status status, int64_t at,
                              const char *fmt, ...) ET_PRINTF(4, 5);

/* As et_fail with status ET_EIO, and appends the kernel's reason for `sys` (an errno value). */
ET_API enum et_status et_fail_sys(struct et_err *err, int sys, const char *fmt, ...)
    ET_PRINTF(3, 4);

/* Puts "<context>: " in front of err->text, once, where the context (usually a path) is known.
 * Returns err->status, or ET_OK when err is NULL; the status and the place stay as they are. */
ET_API enum et_status et_err_context(struct et_err *err, const char *fmt, ...) ET_PRINTF(2, 3);

/* The name of a status ("ET_ECORRUPT") and its meaning ("data is corrupt"); never NULL. */
ET_API const char *et_status_name(enum et_status status);
ET_API const char *et_status_text(enum et_status status);

#endif
