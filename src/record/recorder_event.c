/* Events, as they lie in a recording. */
#include "record/record__recorder.h"

#include "etude/cdr.h"

void et__event_put(struct et_buf *buf, const char *kind, const char *source, const char *text,
                   const char *value)
{
    struct et_cdr w = et_cdr_begin(buf);
    et_cdr_time(&w, 0);
    et_cdr_text(&w, ET_STR(""));
    et_cdr_text(&w, et_str(kind));
    et_cdr_text(&w, et_str(source));
    et_cdr_text(&w, et_str(text));
    et_cdr_text(&w, et_str(value));
}
