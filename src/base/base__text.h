/* Text for persons, as errors, logs and progress lines need it: formatted into a fixed buffer, cut
 * between characters, free of what would steer a terminal. */
#ifndef BASE_BASE__TEXT_H
#define BASE_BASE__TEXT_H

#include "etude/status.h"

#include <stddef.h>
#include <stdint.h>

/* Formats into text (cap ≥ 1 bytes, always NUL-terminated). What does not fit is cut off, never in
 * the middle of a UTF-8 character. Control characters become '?': names from files stand in these
 * texts. */
void et__text_format(char *text, size_t cap, const char *fmt, va_list args) ET_PRINTF(3, 0);

/* The length (1 to 4) of the well-formed UTF-8 character at p, where n ≥ 1 bytes are left; 0 when
 * there is none. */
size_t et__utf8_length(const char *p, size_t n);

#endif
