/* Strings: views of text, and a bounded buffer to build text and bytes in.
 *
 * A view is not NUL-terminated: text from a file is looked at where it lies. A buffer is made with
 * its limit; the first failed append makes it fail for good, so that a writer checks once, at the
 * end, instead of after every piece.
 *
 * Threads: a buffer belongs to one thread; views are plain values.
 * Memory:  a buffer grows by realloc up to its limit and is released by et_buf_free. */
#ifndef ETUDE_STR_H
#define ETUDE_STR_H

#include "etude/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A view of n bytes at p. {NULL, 0} is the empty view. The bytes belong to somebody else. */
struct et_str {
    const char *p;
    size_t n;
};

/* A view of a literal, and of a NUL-terminated string (NULL gives the empty view). */
#define ET_STR(literal) ((struct et_str){(literal), sizeof(literal) - 1})
static inline struct et_str et_str(const char *z)
{
    return (struct et_str){z, z ? strlen(z) : 0};
}

/* For printf: "%.*s" takes ET_STR_ARG(view). */
#define ET_STR_ARG(view) (int)(view).n, (view).p ? (view).p : ""

/* Equal by bytes; begins or ends with. The empty view equals "". */
ET_API bool et_str_eq(struct et_str a, struct et_str b);
ET_API bool et_str_is(struct et_str a, const char *z);
ET_API bool et_str_starts(struct et_str a, const char *prefix);
ET_API bool et_str_ends(struct et_str a, const char *suffix);

/* <0, 0, >0 by bytes, a shorter one first. */
ET_API int et_str_cmp(struct et_str a, struct et_str b);

/* Without white space (space, tab, CR, LF) at both ends. */
ET_API struct et_str et_str_trim(struct et_str a);

/* Cuts *rest at the next `separator`: *part is what stands before it, *rest what stands after.
 * False when nothing is left. "a,,b" gives "a", "", "b"; "a," gives "a"; "" gives nothing. */
ET_API bool et_str_cut(struct et_str *rest, char separator, struct et_str *part);

/* The whole view as a number. False, and *value untouched, when it is anything else (empty, white
 * space, a tail, out of range). Doubles take what strtod takes, less hexadecimal and the tail of
 * "nan(…)", in at most ET_DOUBLE_TEXT_MAX bytes; independent of the locale. */
#define ET_DOUBLE_TEXT_MAX 1000
ET_API bool et_str_to_int64(struct et_str a, int64_t *value);
ET_API bool et_str_to_double(struct et_str a, double *value);

/* True for well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
ET_API bool et_str_is_utf8(struct et_str a);

/* Checks a name that comes from outside: 1 to 256 bytes of UTF-8 without control characters.
 * ET_ECORRUPT otherwise, with what is wrong; `what` names it in the message ("a feature's name").
 */
#define ET_NAME_BYTES_MAX 256
ET_MUST_USE ET_API enum et_status et_name_check(struct et_str name, const char *what,
                                                struct et_err *err);

/* True for our own identifiers: 1 to 256 of [a-z0-9_.-]. */
ET_API bool et_name_is_own(struct et_str name);

/* What was meant by a word that nobody knows: the one of `words` (ended by NULL) with the fewest
 * letters to change, put in or take out (Levenshtein's distance, of the first 48 bytes); the first
 * of several; NULL when there are no words. */
ET_API const char *et_str_nearest(struct et_str word, const char *const *words);
ET_API size_t et_str_distance(struct et_str a, struct et_str b);

/* A bounded, growing buffer. A zeroed struct with a limit is empty and valid. */
struct et_buf {
    char *p;               // owned; not NUL-terminated, see et_buf_text
    size_t n;              // bytes used
    size_t cap;            // bytes allocated
    size_t limit;          // bytes it may ever hold
    enum et_status status; // ET_OK, or why an append failed (ET_ELIMIT, ET_ENOMEM); sticky
};

static inline struct et_buf et_buf(size_t limit)
{
    return (struct et_buf){NULL, 0, 0, limit, ET_OK};
}
ET_API void et_buf_free(struct et_buf *buf);

/* Empties the buffer and clears its failure; the memory is kept. */
ET_API void et_buf_clear(struct et_buf *buf);

/* Append. After a failure they do nothing. */
ET_API void et_buf_put(struct et_buf *buf, const void *p, size_t n);
ET_API void et_buf_putc(struct et_buf *buf, char c);
ET_API void et_buf_puts(struct et_buf *buf, const char *z);
ET_API void et_buf_putstr(struct et_buf *buf, struct et_str s);
ET_API void et_buf_printf(struct et_buf *buf, const char *fmt, ...) ET_PRINTF(2, 3);
ET_API void et_buf_vprintf(struct et_buf *buf, const char *fmt, va_list args) ET_PRINTF(2, 0);

/* Makes room for n bytes and returns where they go, without counting them; the caller adds what it
 * used to buf->n. NULL on failure. */
ET_MUST_USE ET_API void *et_buf_reserve(struct et_buf *buf, size_t n);

/* NUL-terminated view of the content ("" when empty or failed); valid until the next append. */
ET_API const char *et_buf_text(struct et_buf *buf);
static inline struct et_str et_buf_str(const struct et_buf *buf)
{
    return (struct et_str){buf->p, buf->n};
}

/* ET_OK, or the sticky failure with a message that names `what`. */
ET_MUST_USE ET_API enum et_status et_buf_check(const struct et_buf *buf, const char *what,
                                               struct et_err *err);

#endif
