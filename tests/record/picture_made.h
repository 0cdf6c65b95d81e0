/* Raw pictures as messages, whatever they say of themselves. */
#ifndef TESTS_RECORD_PICTURE_MADE_H
#define TESTS_RECORD_PICTURE_MADE_H

#include "etude/cdr.h"

#include <stdlib.h>
#include <string.h>

struct raw {
    const char *encoding;
    uint32_t width, height, step, n_bytes; // as it says
    bool is_big_endian;
    const void *data;  // NULL: n_bytes of 90
    const char *frame; // NULL: "head"
};

/* A sensor_msgs/msg/Image; its stamp makes no sense, and is to be kept all the same. */
static inline void put_raw_picture(struct et_buf *buf, const struct raw *raw)
{
    struct et_cdr w = et_cdr_begin(buf);
    et_cdr_i32(&w, -5);
    et_cdr_u32(&w, 4000000000u);
    et_cdr_text(&w, et_str(raw->frame ? raw->frame : "head"));
    et_cdr_u32(&w, raw->height);
    et_cdr_u32(&w, raw->width);
    et_cdr_text(&w, et_str(raw->encoding));
    et_cdr_u8(&w, raw->is_big_endian);
    et_cdr_u32(&w, raw->step);
    void *own = raw->data ? NULL : memset(malloc(raw->n_bytes + 1), 90, raw->n_bytes + 1);
    et_cdr_bytes(&w, raw->data ? raw->data : own, raw->n_bytes);
    free(own);
}

#endif
