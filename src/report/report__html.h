/* What the parts of a page share: escaped text, signs, anchors, the open parts, the style. */
#ifndef REPORT__HTML_H
#define REPORT__HTML_H

#include "etude/report.h"

/* How a mark looks: never by colour alone. */
struct et__look {
    const char *name; // class of HTML, "S" and it are the SVG symbol's id
    const char *sign; // one character
    const char *word;
    int weight; // of two marks in one place the heavier is shown
};

/* Never NULL; a value outside the enum looks like ET_MARK_NONE. */
const struct et__look *et__look(enum et_mark mark);

/* et_html_escape for a NUL-terminated text or NULL. */
void et__put_text(struct et_buf *buf, const char *text);

/* A text as an id: [a-z0-9_.-] stay, capitals become small, everything else becomes '-'. */
void et__put_anchor(struct et_buf *buf, const char *anchor);

/* The sign for the eye and the word for a screen reader; nothing for ET_MARK_NONE. */
void et__put_sign(struct et_buf *buf, enum et_mark mark);

/* Closes a table, a row of cards or of pictures that is still open: a new part begins. */
void et__page_settle(struct et_page *page);

/* The style sheet, and the shapes that SVGs use by id. */
void et__put_style(struct et_buf *buf);
void et__put_shapes(struct et_buf *buf);

#endif
