/* Report: self-contained HTML pages with SVG plots, in the console's visual language.
 *
 * One file, no script, no request to anywhere: it can be mailed and opened in ten years. Dark and
 * light by the reader's setting (or by data-theme="dark" or "light" on <html>), readable on a phone
 * and on paper. This room knows nothing of robots; it draws numbers. The same calls give the same
 * bytes, in every locale. doc/report.md shows what each part looks like.
 *
 * Order:   et_page_open, any parts, et_page_close. A part that was left open (a table, a row of
 *          cards, a fold) is closed by the next part that cannot stand in it.
 * Text:    UTF-8, NULL is empty; every text is escaped, bytes that are not UTF-8 become U+FFFD.
 * Anchors: own identifiers (et_name_is_own); other bytes become '-', in links too.
 * Threads: a page belongs to one thread.
 * Memory:  everything goes into the caller's buffer, whose limit is the page's limit. Texts and
 *          numbers given here are copied out at once. */
#ifndef ETUDE_REPORT_H
#define ETUDE_REPORT_H

#include "etude/str.h"

/* What is open in a page besides its section and its fold. */
enum et_page_group { ET_GROUP_NONE, ET_GROUP_CARDS, ET_GROUP_TABLE, ET_GROUP_PICTURES };

/* A page being written into buf. Failures are the buffer's (sticky): check once, in the end. The
 * caller sets buf and leaves the rest, which et_page_open fills. */
struct et_page {
    struct et_buf *buf;
    int n_plots;    // for ids
    int n_sections; // for ids
    size_t nav_at;  // where in buf the next link to a section goes
    bool has_section, has_fold;
    enum et_page_group group;
    size_t n_cols;       // of the open table
    uint64_t right_cols; // a bit for each column that is right-aligned
};

/* How a thing stands; gives colour and sign (never colour alone). */
enum et_mark { ET_MARK_NONE, ET_MARK_OK, ET_MARK_INFO, ET_MARK_WARN, ET_MARK_CRIT, ET_MARK_IDLE };

ET_API void et_page_open(struct et_page *page, const char *title, const char *subtitle);
ET_API void et_page_close(struct et_page *page);

/* A section with a heading and an anchor (own identifier, may be NULL); ends at the next one. The
 * first ET_PAGE_LINKS_MAX sections are linked from the bar at the top. */
#define ET_PAGE_LINKS_MAX 64
ET_API void et_page_section(struct et_page *page, const char *anchor, const char *heading);

/* A part that can be folded; the summary line carries a mark. Folds do not nest. A link to its
 * anchor unfolds it. */
ET_API void et_page_fold_open(struct et_page *page, const char *anchor, const char *summary,
                              enum et_mark mark, bool is_unfolded);
ET_API void et_page_fold_close(struct et_page *page);

/* A paragraph, and one that stands out: with a sign, a word and a colour. */
ET_API void et_page_text(struct et_page *page, const char *text);
ET_API void et_page_marked(struct et_page *page, enum et_mark mark, const char *text);

/* Big numbers in a row of cards: open, any number of cards, close. */
ET_API void et_page_cards_open(struct et_page *page);
ET_API void et_page_card(struct et_page *page, const char *value, const char *label,
                         enum et_mark mark);
ET_API void et_page_cards_close(struct et_page *page);

/* A table: heads ("|"-separated; the column of a head that begins with '>' is right-aligned), then
 * rows of as many cells (missing ones are empty, surplus ones are left out). The first cell is its
 * row's head. A cell may carry a mark and a link to an anchor of the page; a marked cell without
 * text shows the mark's word. */
struct et_cell {
    const char *text;
    enum et_mark mark;
    const char *anchor;
};
ET_API void et_page_table_open(struct et_page *page, const char *heads);
ET_API void et_page_row(struct et_page *page, const struct et_cell *cells, size_t n_cells);
ET_API void et_page_table_close(struct et_page *page);

/* One line of a plot: n points; x NULL means 0, 1, 2 …; a value that is not finite breaks it. A
 * dashed line that follows a solid one shares its colour: a command and what was measured. Dashed
 * lines of one name share an entry of the legend. */
struct et_line {
    const char *name;
    const double *x;
    const double *y;
    size_t n;
    size_t y_stride; // elements from one y to the next; 0 means 1
    bool is_dashed;
    bool is_points; // a dot each, and nothing between them
};

/* A stretch of the x axis that is shaded, with a mark and a word. Infinite ends mean the axis' own;
 * one with an end that is NaN is left out. */
struct et_band {
    double first, last;
    enum et_mark mark;
    const char *text; // a tooltip; may be NULL
};

struct et_plot {
    const char *title;
    const char *x_label, *y_label;
    const struct et_line *lines;
    size_t n_lines;
    const struct et_band *bands;
    size_t n_bands;
    double height_px; // 0: 180; held within 60 and 800
};

/* Lines over a common x axis, as SVG with axes, ticks and a legend. More points than the plot has
 * columns are drawn as the minimum and maximum of each column, so no spike is lost (columns of x
 * where x does not run backwards, of the index where it does). A point that the line passes within
 * a fifth of a pixel anyway is left out. The bands are held within the axis that the lines give. */
ET_API void et_page_plot(struct et_page *page, const struct et_plot *plot);

/* A histogram of n values in n_bins bars (0: 30; at most 400). Values that are not finite are left
 * out and counted in a note. */
ET_API void et_page_histogram(struct et_page *page, const char *title, const char *x_label,
                              const double *values, size_t n, size_t n_bins);

/* Lanes over one time axis, each with its bands: what was found when. Where x_first and x_last span
 * nothing, the bands' own ends make the axis. */
struct et_lane {
    const char *name;
    const struct et_band *bands;
    size_t n_bands;
};
ET_API void et_page_lanes(struct et_page *page, const char *title, double x_first, double x_last,
                          const char *x_label, const struct et_lane *lanes, size_t n_lanes);

/* Pictures in a row: open, any number of pictures (JPEG or PNG bytes, embedded), close. No bytes,
 * or bytes of neither kind, show as an empty frame that says so. */
ET_API void et_page_pictures_open(struct et_page *page);
ET_API void et_page_picture(struct et_page *page, struct et_str bytes, const char *caption);
ET_API void et_page_pictures_close(struct et_page *page);

/* A film among pictures: the bytes of an MP4, embedded, which plays when it is asked to; until then
 * it shows `poster` (a JPEG's or PNG's bytes; none: the first frame). What is no MP4 shows as an
 * empty frame that says so. */
ET_API void et_page_film(struct et_page *page, struct et_str bytes, struct et_str poster,
                         const char *caption);

/* Appends text with & < > " ' escaped, fit for content and for quoted attributes. Control
 * characters and those that turn the direction of text become spaces; bytes that are not UTF-8
 * become U+FFFD. */
ET_API void et_html_escape(struct et_buf *buf, struct et_str text);

#endif
