#include "report/report__html.h"

#include <assert.h>

// No script runs and nothing is fetched, whatever a text in the page tries.
static const char HEAD[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; media-src data:; base-uri 'none'; form-action "
    "'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"dark light\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n<title>";

void et_page_open(struct et_page *page, const char *title, const char *subtitle)
{
    assert(page && page->buf);
    struct et_buf *buf = page->buf;
    *page = (struct et_page){.buf = buf};

    et_buf_puts(buf, HEAD);
    et__put_text(buf, title);
    et_buf_puts(buf, "</title>\n<style>\n");
    et__put_style(buf);
    et_buf_puts(buf, "</style>\n</head>\n<body>\n"
                     "<a class=\"skip\" href=\"#Main\">Skip to the content</a>\n");
    et__put_shapes(buf);
    et_buf_puts(buf, "<header class=\"top\"><h1>");
    et__put_text(buf, title);
    et_buf_puts(buf, "</h1>");
    if (subtitle && *subtitle) {
        et_buf_puts(buf, "<p>");
        et__put_text(buf, subtitle);
        et_buf_puts(buf, "</p>");
    }
    et_buf_puts(buf, "</header>\n<nav aria-label=\"Sections\">");
    page->nav_at = buf->n;
    et_buf_puts(buf, "</nav>\n<main id=\"Main\" class=\"flow\" tabindex=\"-1\">\n");
}

void et_page_close(struct et_page *page)
{
    et_page_fold_close(page);
    if (page->has_section)
        et_buf_puts(page->buf, "</section>\n");
    page->has_section = false;
    et_buf_puts(page->buf, "</main>\n</body>\n</html>\n");
}

void et__page_settle(struct et_page *page)
{
    switch (page->group) {
    case ET_GROUP_CARDS:
        et_buf_puts(page->buf, "</dl>\n");
        break;
    case ET_GROUP_TABLE:
        et_buf_puts(page->buf, "</tbody></table></div>\n");
        break;
    case ET_GROUP_PICTURES:
        et_buf_puts(page->buf, "</div>\n");
        break;
    case ET_GROUP_NONE:
    default:
        break;
    }
    page->group = ET_GROUP_NONE;
}

/* Moves what was appended since `from` to the end of the bar at the top. The bar stands before
 * everything that is still written, so a reader's first screen has it, without a second pass. */
static void move_to_nav(struct et_page *page, size_t from)
{
    struct et_buf *buf = page->buf;
    if (buf->status != ET_OK)
        return;
    assert(page->nav_at <= from && from <= buf->n);
    const size_t n = buf->n - from;
    char *spare = et_buf_reserve(buf, n);
    if (!spare)
        return;
    memcpy(spare, buf->p + from, n);
    memmove(buf->p + page->nav_at + n, buf->p + page->nav_at, from - page->nav_at);
    memcpy(buf->p + page->nav_at, spare, n);
    page->nav_at += n;
}

// Ids of our own begin with a capital letter, which no anchor has.
static void put_section_id(struct et_page *page, const char *anchor)
{
    if (anchor && *anchor)
        et__put_anchor(page->buf, anchor);
    else
        et_buf_printf(page->buf, "S%d", page->n_sections);
}

void et_page_section(struct et_page *page, const char *anchor, const char *heading)
{
    struct et_buf *buf = page->buf;

    et_page_fold_close(page);
    if (page->has_section)
        et_buf_puts(buf, "</section>\n");
    page->has_section = true;
    page->n_sections++;
    if (page->n_sections <= ET_PAGE_LINKS_MAX) {
        const size_t from = buf->n;
        et_buf_puts(buf, "<a href=\"#");
        put_section_id(page, anchor);
        et_buf_puts(buf, "\">");
        et__put_text(buf, heading);
        et_buf_puts(buf, "</a>");
        move_to_nav(page, from);
    }
    et_buf_puts(buf, "<section id=\"");
    put_section_id(page, anchor);
    et_buf_printf(buf, "\" class=\"flow\" aria-labelledby=\"H%d\"><h2 id=\"H%d\">",
                  page->n_sections, page->n_sections);
    et__put_text(buf, heading);
    et_buf_puts(buf, "</h2>\n");
}

void et_page_fold_open(struct et_page *page, const char *anchor, const char *summary,
                       enum et_mark mark, bool is_unfolded)
{
    struct et_buf *buf = page->buf;

    et_page_fold_close(page);
    page->has_fold = true;
    et_buf_puts(buf, is_unfolded ? "<details open><summary>" : "<details><summary>");
    et__put_sign(buf, mark);
    et_buf_puts(buf, "<span>");
    et__put_text(buf, summary);
    et_buf_puts(buf, "</span></summary><div class=\"flow\">");
    // The anchor stands inside: a browser unfolds what holds the target of a link.
    if (anchor && *anchor) {
        et_buf_puts(buf, "<span class=\"here\" id=\"");
        et__put_anchor(buf, anchor);
        et_buf_puts(buf, "\"></span>");
    }
    et_buf_putc(buf, '\n');
}

void et_page_fold_close(struct et_page *page)
{
    et__page_settle(page);
    if (page->has_fold)
        et_buf_puts(page->buf, "</div></details>\n");
    page->has_fold = false;
}

void et_page_text(struct et_page *page, const char *text)
{
    et__page_settle(page);
    et_buf_puts(page->buf, "<p>");
    et__put_text(page->buf, text);
    et_buf_puts(page->buf, "</p>\n");
}

void et_page_marked(struct et_page *page, enum et_mark mark, const char *text)
{
    et__page_settle(page);
    et_buf_printf(page->buf, "<p class=\"mk %s\">", et__look(mark)->name);
    et__put_sign(page->buf, mark);
    et_buf_puts(page->buf, "<span>");
    et__put_text(page->buf, text);
    et_buf_puts(page->buf, "</span></p>\n");
}

void et_page_cards_open(struct et_page *page)
{
    et__page_settle(page);
    page->group = ET_GROUP_CARDS;
    et_buf_puts(page->buf, "<dl class=\"cards\">\n");
}

void et_page_card(struct et_page *page, const char *value, const char *label, enum et_mark mark)
{
    struct et_buf *buf = page->buf;

    if (page->group != ET_GROUP_CARDS)
        et_page_cards_open(page);
    et_buf_printf(buf, "<div class=\"cd %s\"><dt>", et__look(mark)->name);
    et__put_sign(buf, mark);
    et__put_text(buf, label);
    et_buf_puts(buf, "</dt><dd>");
    et__put_text(buf, value);
    et_buf_puts(buf, "</dd></div>\n");
}

void et_page_cards_close(struct et_page *page)
{
    if (page->group == ET_GROUP_CARDS)
        et__page_settle(page);
}
