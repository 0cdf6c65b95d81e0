/* Numbers of protobuf, as a field's kind and wire say. */
#ifndef FORMAT_MESSAGE__PROTOBUF_H
#define FORMAT_MESSAGE__PROTOBUF_H

#include "etude/msgdef.h"
#include "message__wire.h"

/* How one number of a field is written. */
enum et__wire_type et__number_type(const struct et_msgdef_field *field);

/* True for what is a number or a bool. */
bool et__number_is(const struct et_msgdef_field *field);

/* The number that the bits of an entry stand for. A uint64 is given as its bits. */
int64_t et__number_integer(const struct et_msgdef_field *field, uint64_t bits);
double et__number_real(const struct et_msgdef_field *field, uint64_t bits);

/* The nanoseconds of a Timestamp or a Duration. */
enum et_status et__number_time(const char *start, struct et_str bytes, int64_t *ns,
                               struct et_err *err);

#endif
