/* What writing and reading a diploma share. */
#ifndef EXAM__DIPLOMA_H
#define EXAM__DIPLOMA_H

#include "etude/diploma.h"

#define ET__DIPLOMA_BODY_MAX ET_DIPLOMA_BYTES_MAX
#define ET__SIGNED_BYTES_MAX 256 // of the text that is signed

/* The text that is signed: the body's digest and the time. */
size_t et__diploma_signed(const struct et_digest *body, const char *signed_at,
                          char text[ET__SIGNED_BYTES_MAX]);

/* The digest of what a value means: of its canonical text, which is appended to `buf`. */
ET_MUST_USE enum et_status et__canonical_digest(const struct et_value *value, struct et_buf *buf,
                                                struct et_digest *digest, struct et_err *err);

#endif
