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

struct parsing {
    struct et_str bytes;
    size_t at; // behind the header
};

static bool take_text(struct parsing *p, struct et_str *text)
{
    const size_t at = (p->at + 3) / 4 * 4;
    uint32_t n;
    if (p->bytes.n < ET_CDR_HEADER_BYTES + at + 4)
        return false;
    memcpy(&n, p->bytes.p + ET_CDR_HEADER_BYTES + at, 4);
    p->at = at + 4;
    if (n > p->bytes.n - ET_CDR_HEADER_BYTES - p->at)
        return false;
    *text = (struct et_str){p->bytes.p + ET_CDR_HEADER_BYTES + p->at, n > 0 ? n - 1 : 0};
    p->at += n;
    return true;
}

bool et__event_parse(struct et_str bytes, struct et__event *event)
{
    struct parsing p = {bytes, 8}; // the stamp
    struct et_str frame;
    return bytes.n >= ET_CDR_HEADER_BYTES && bytes.p[1] == 1 && take_text(&p, &frame) &&
           take_text(&p, &event->kind) && take_text(&p, &event->source) &&
           take_text(&p, &event->text);
}
