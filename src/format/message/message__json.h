/* What the parts that write JSON share. */
#ifndef FORMAT_MESSAGE__JSON_H
#define FORMAT_MESSAGE__JSON_H

#include "etude/message.h"

#define ET__JSON_ARENA_BYTES ((size_t)256 << 20) // the tree of one message

void et__json_unsigned(struct et_json_writer *w, uint64_t value);

enum et_status et__protobuf_to_json(const struct et_msgdef *def, struct et_str bytes,
                                    struct et_json_writer *w, struct et_err *err);

#endif
