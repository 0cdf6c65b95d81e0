/* Base64: bytes as text (RFC 4648, section 4: the standard alphabet, padded).
 *
 * Threads: no state.
 * Memory:  the caller's. */
#ifndef ETUDE_BASE64_H
#define ETUDE_BASE64_H

#include "etude/str.h"

/* Appends the text of n bytes, 4 characters for every 3 begun. Failures are the buffer's. */
ET_API void et_base64_put(struct et_buf *buf, const void *bytes, size_t n);

/* Most bytes that a text of n characters stands for. */
#define ET_BASE64_BYTES(n) ((n) / 4 * 3)

/* The bytes of a text, to a place of ET_BASE64_BYTES(text.n); how many goes to *n. False when it is
 * not whole groups of the alphabet, padded at the end and with unused bits 0: every text that is
 * taken is the text that et_base64_put makes of its bytes. */
ET_MUST_USE ET_API bool et_base64_get(struct et_str text, void *bytes, size_t *n);

#endif
