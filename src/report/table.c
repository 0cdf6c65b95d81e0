#include "report/report__html.h"

// A text longer than this may break into lines; a shorter one (a number, a name) stays on one.
#define LONG_TEXT_BYTES 44
// The first column stays in sight while the others scroll, so on a phone it must not be wide.
#define LONG_NAME_BYTES 24

static void put_heads(struct et_page *page, const char *heads)
{
    struct et_str rest = et_str(heads), head;

    page->n_cols = 0;
    page->right_cols = 0;
    while (et_str_cut(&rest, '|', &head)) {
        const bool is_right = et_str_starts(head, ">");
        if (is_right)
            head = (struct et_str){head.p + 1, head.n - 1};
        if (is_right && page->n_cols < 64)
            page->right_cols |= UINT64_C(1) << page->n_cols;
        page->n_cols++;
        et_buf_puts(page->buf, is_right ? "<th scope=\"col\" class=\"r\">" : "<th scope=\"col\">");
        et_html_escape(page->buf, head);
        et_buf_puts(page->buf, "</th>");
    }
}

// The heads as a sentence: ": Episode, Task, Length".
static void put_names(struct et_buf *buf, const char *heads)
{
    struct et_str rest = et_str(heads), head;

    for (const char *before = ": "; et_str_cut(&rest, '|', &head); before = ", ") {
        et_buf_puts(buf, before);
        et_html_escape(buf,
                       et_str_starts(head, ">") ? (struct et_str){head.p + 1, head.n - 1} : head);
    }
}

void et_page_table_open(struct et_page *page, const char *heads)
{
    et__page_settle(page);
    page->group = ET_GROUP_TABLE;
    // A box that scrolls must be reachable by keys, and then needs a name.
    et_buf_puts(page->buf, "<div class=\"box\" role=\"group\" tabindex=\"0\" aria-label=\"Table");
    put_names(page->buf, heads);
    et_buf_puts(page->buf, "\"><table><thead><tr>");
    put_heads(page, heads);
    et_buf_puts(page->buf, "</tr></thead><tbody>\n");
}

static void put_cell_content(struct et_buf *buf, const struct et_cell *cell)
{
    const bool has_text = cell->text && *cell->text;
    const bool has_link = cell->anchor && *cell->anchor;
    const struct et__look *look = et__look(cell->mark);

    if (has_link) {
        et_buf_puts(buf, "<a href=\"#");
        et__put_anchor(buf, cell->anchor);
        et_buf_puts(buf, "\">");
    }
    if (look->weight > 0)
        et_buf_printf(buf, "<span class=\"st %s\">", look->name);
    if (has_text)
        et__put_sign(buf, cell->mark);
    else if (look->weight > 0)
        et_buf_printf(buf, "<span class=\"sg\" aria-hidden=\"true\">%s</span>%s", look->sign,
                      look->word);
    et__put_text(buf, cell->text);
    if (look->weight > 0)
        et_buf_puts(buf, "</span>");
    if (has_link)
        et_buf_puts(buf, "</a>");
}

static void put_cell(struct et_page *page, size_t i, const struct et_cell *cell)
{
    const bool is_right = i < 64 && (page->right_cols >> i & 1) != 0;
    const size_t n_bytes = cell->text ? strlen(cell->text) : 0;

    et_buf_puts(page->buf, i == 0 ? "<th scope=\"row\"" : "<td");
    if (i == 0 && n_bytes > LONG_NAME_BYTES)
        et_buf_puts(page->buf, " class=\"n\"");
    else if (is_right)
        et_buf_puts(page->buf, " class=\"r\"");
    else if (i > 0 && n_bytes > LONG_TEXT_BYTES)
        et_buf_puts(page->buf, " class=\"w\"");
    et_buf_putc(page->buf, '>');
    put_cell_content(page->buf, cell);
    et_buf_puts(page->buf, i == 0 ? "</th>" : "</td>");
}

void et_page_row(struct et_page *page, const struct et_cell *cells, size_t n_cells)
{
    static const struct et_cell EMPTY;

    if (page->group != ET_GROUP_TABLE)
        et_page_table_open(page, "");
    et_buf_puts(page->buf, "<tr>");
    // A table without heads takes the cells as they come.
    const size_t n_cols = page->n_cols ? page->n_cols : n_cells;
    for (size_t i = 0; i < n_cols; i++)
        put_cell(page, i, i < n_cells ? &cells[i] : &EMPTY);
    et_buf_puts(page->buf, "</tr>\n");
}

void et_page_table_close(struct et_page *page)
{
    if (page->group == ET_GROUP_TABLE)
        et__page_settle(page);
}
