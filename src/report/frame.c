#include "report/report__svg.h"

/* Characters of the longest tick. Each is written at the page's end, measured, and taken back. */
static size_t widest_tick(struct et_buf *buf, const struct et__axis *axis)
{
    size_t widest = 0;

    for (size_t i = 0; i < axis->n_ticks; i++) {
        const size_t from = buf->n;
        size_t n_chars = 0;
        et__put_tick(buf, axis, i);
        for (size_t at = from; at < buf->n; at++)
            n_chars += ((unsigned char)buf->p[at] & 0xc0) != 0x80;
        buf->n = from;
        widest = n_chars > widest ? n_chars : widest;
    }
    return widest;
}

void et__put_plot_open(struct et_page *page, const struct et__axis *y, int height, bool has_signs,
                       bool has_x_label)
{
    // Most plots of a page get the same room for labels, so that their x axes are in line.
    const size_t widest = widest_tick(page->buf, y);
    const char *room = widest <= 6 ? "w0" : widest <= 9 ? "w1" : "w2";

    et_buf_printf(page->buf,
                  "<svg class=\"ax %s%s%s\" height=\"%d\" role=\"img\" aria-labelledby=\"P%d\" "
                  "aria-describedby=\"D%d\"><desc id=\"D%d\">",
                  room, has_signs ? " si" : "", has_x_label ? "" : " nx", height, page->n_plots,
                  page->n_plots, page->n_plots);
}

void et__put_y_labels(struct et_buf *buf, const struct et__axis *axis, int height)
{
    et_buf_puts(buf, "<g class=\"ty\">");
    for (size_t i = 0; i < axis->n_ticks; i++) {
        const double share = 1 - et__axis_share(axis, et__axis_tick(axis, i));
        et_buf_printf(buf, "<text x=\"-8\" y=\"%d\">", (int)(share * height + 4.5));
        et__put_tick(buf, axis, i);
        et_buf_puts(buf, "</text>");
    }
    et_buf_puts(buf, "</g>");
}

void et__put_x_labels(struct et_buf *buf, const struct et__axis *axis, const char *label, int y)
{
    // On a narrow screen every second label goes (class "o"): those that are no multiple of two
    // steps.
    const bool has_many = axis->n_ticks >= 5;

    et_buf_puts(buf, "<g class=\"tx\">");
    for (size_t i = 0; i < axis->n_ticks; i++) {
        const double share = et__axis_share(axis, et__axis_tick(axis, i));
        const bool is_odd = has_many && (axis->first_tick + (int64_t)i) % 2 != 0;
        et_buf_puts(buf, is_odd ? "<text class=\"o\" x=\"" : "<text x=\"");
        et__put_percent(buf, share);
        et_buf_printf(buf, "\" y=\"%d\">", y);
        et__put_tick(buf, axis, i);
        et_buf_puts(buf, "</text>");
    }
    if (label && *label) {
        et_buf_printf(buf, "<text class=\"xl\" x=\"100%%\" y=\"%d\">", y + 16);
        et__put_text(buf, label);
        et_buf_puts(buf, "</text>");
    }
    et_buf_puts(buf, "</g>");
}
