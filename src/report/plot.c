#include "report/report__svg.h"

#include <inttypes.h>
#include <math.h>

#define HEIGHT_PX 180
#define HEIGHT_MIN_PX 60
#define HEIGHT_MAX_PX 800
#define N_COLORS 8
#define PX_PER_Y_TICK 38.0
#define N_X_TICKS 9.0
#define Y_UNITS_PER_PX 10
#define TOLERANCE_UNITS 2 // a fifth of a pixel

static double x_at(const struct et_line *line, size_t i)
{
    return line->x ? line->x[i] : (double)i;
}

static double y_at(const struct et_line *line, size_t i)
{
    return line->y[i * (line->y_stride ? line->y_stride : 1)];
}

static size_t n_points(const struct et_line *line)
{
    return line->y ? line->n : 0;
}

/* What a plot shows of its lines, found in one pass. */
struct extent {
    struct et__range x, y;
    size_t n_broken; // values that are not finite
    bool has_x;      // a line has an x of its own
};

static void add_line(struct extent *extent, const struct et_line *line)
{
    extent->has_x |= line->x != NULL;
    for (size_t i = 0; i < n_points(line); i++) {
        const double x = x_at(line, i), y = y_at(line, i);
        et__range_add(&extent->x, x);
        et__range_add(&extent->y, y);
        extent->n_broken += !isfinite(x) || !isfinite(y);
    }
}

static bool is_forward(const struct et_line *line)
{
    double last = -HUGE_VAL;

    for (size_t i = 0; line->x && i < n_points(line); i++) {
        if (line->x[i] < last)
            return false;
        if (isfinite(line->x[i]))
            last = line->x[i];
    }
    return true;
}

struct point {
    int64_t x, y;
};

/* Writes the path of a line, run by run. A run is points without a break between them; one of a
 * single point would be invisible and belongs to the path of dots instead.
 *
 * A point is written only where the line would else leave one of its points by more than
 * TOLERANCE_UNITS: that is the case when the straight line from the last point written to a new one
 * lies outside of the slopes that come near to each point between them. */
struct pen {
    struct et_buf *buf;
    const struct et__axis *x_axis, *y_axis;
    double y_units;
    bool is_for_dots;
    struct point at;        // the last point written
    struct point last;      // the last point given
    struct point low, high; // the slopes that are allowed, as steps from `at`
    bool has_slopes;        // else `last` must be written: nothing may be left out behind it
    size_t n_in_run;        // points given
    size_t n_written;       // of them
    size_t n_dots;
};

static void write_point(struct pen *pen, struct point to)
{
    const int64_t dx = to.x - pen->at.x, dy = to.y - pen->at.y;

    // "M" and the first of a run's "l" are written; further points need only their numbers.
    if (!pen->is_for_dots && pen->n_written == 0)
        et_buf_printf(pen->buf, "M%" PRId64 " %" PRId64, to.x, to.y);
    else if (!pen->is_for_dots)
        et_buf_printf(pen->buf, "%s%" PRId64 "%s%" PRId64,
                      pen->n_written == 1 ? "l"
                      : dx < 0            ? ""
                                          : " ",
                      dx, dy < 0 ? "" : " ", dy);
    pen->at = to;
    pen->n_written++;
}

static void lift(struct pen *pen)
{
    if (pen->n_in_run == 1) {
        pen->n_dots++;
        if (pen->is_for_dots)
            et_buf_printf(pen->buf, "M%" PRId64 " %" PRId64 "h0", pen->at.x, pen->at.y);
    } else if (pen->n_in_run > 1) {
        write_point(pen, pen->last);
    }
    pen->n_in_run = 0;
    pen->n_written = 0;
}

// Whether the slope of `a` is that of `b` or more; both lead to the right.
static bool is_as_steep(struct point a, struct point b)
{
    return a.y * b.x >= b.y * a.x;
}

/* Whether a straight line to this point passes near all those since the last one written. */
static bool may_skip_last(const struct pen *pen, struct point to)
{
    const struct point step = {to.x - pen->at.x, to.y - pen->at.y};

    return pen->has_slopes && step.x > 0 && is_as_steep(step, pen->low) &&
           is_as_steep(pen->high, step);
}

// Takes `to` into the slopes; they are unlimited when it is the first since the last one written.
static void narrow(struct pen *pen, struct point to, bool is_first)
{
    const struct point low = {to.x - pen->at.x, to.y - pen->at.y - TOLERANCE_UNITS};
    const struct point high = {low.x, low.y + 2 * TOLERANCE_UNITS};

    pen->has_slopes = low.x > 0;
    if (is_first || is_as_steep(low, pen->low))
        pen->low = low;
    if (is_first || is_as_steep(pen->high, high))
        pen->high = high;
}

static void draw_to(struct pen *pen, double x, double y)
{
    const struct point to = {llround(et__axis_share(pen->x_axis, x) * ET__X_UNITS),
                             llround((1 - et__axis_share(pen->y_axis, y)) * pen->y_units)};
    bool is_first = pen->n_in_run == 1;

    pen->n_in_run++;
    if (pen->n_in_run == 1) {
        write_point(pen, to);
    } else {
        if (!is_first && !may_skip_last(pen, to)) {
            write_point(pen, pen->last);
            is_first = true;
        }
        narrow(pen, to, is_first);
    }
    pen->last = to;
}

/* The points of one column: its lowest, its highest, and whether the line breaks in it. */
struct column {
    size_t at;
    size_t n;
    size_t i_min, i_max;
    double min, max;
    bool is_broken_before, is_broken_after;
};

static void add_point(struct column *column, const struct et_line *line, size_t i)
{
    const double y = y_at(line, i);

    if (!isfinite(y) || !isfinite(x_at(line, i))) {
        column->is_broken_before |= column->n == 0;
        column->is_broken_after |= column->n > 0;
        return;
    }
    if (column->n == 0 || y < column->min) {
        column->min = y;
        column->i_min = i;
    }
    if (column->n == 0 || y > column->max) {
        column->max = y;
        column->i_max = i;
    }
    column->n++;
}

static void draw_column(struct pen *pen, const struct et_line *line, const struct column *column)
{
    if (column->is_broken_before)
        lift(pen);
    if (column->n > 0) {
        const bool is_rising = column->i_min <= column->i_max;
        const size_t first = is_rising ? column->i_min : column->i_max;
        const size_t last = is_rising ? column->i_max : column->i_min;
        draw_to(pen, x_at(line, first), y_at(line, first));
        if (last != first)
            draw_to(pen, x_at(line, last), y_at(line, last));
    }
    if (column->is_broken_after)
        lift(pen);
}

static size_t column_of(const struct pen *pen, const struct et_line *line, size_t i, bool by_x)
{
    if (n_points(line) <= 2 * ET__N_COLS)
        return i;
    if (!by_x)
        return (size_t)((double)i / (double)n_points(line) * ET__N_COLS);
    return (size_t)(et__axis_share(pen->x_axis, x_at(line, i)) * ET__N_COLS);
}

static void draw_line(struct pen *pen, const struct et_line *line)
{
    const bool by_x = is_forward(line);
    struct column column = {0};

    for (size_t i = 0; line->is_points && i < n_points(line); i++) {
        if (isfinite(x_at(line, i)) && isfinite(y_at(line, i)))
            draw_to(pen, x_at(line, i), y_at(line, i));
        lift(pen);
    }
    if (line->is_points)
        return;
    for (size_t i = 0; i < n_points(line); i++) {
        // A stamp that is not finite has no column of its own.
        const size_t at =
            by_x && !isfinite(x_at(line, i)) ? column.at : column_of(pen, line, i, by_x);
        if (at != column.at) {
            draw_column(pen, line, &column);
            column = (struct column){.at = at};
        }
        add_point(&column, line, i);
    }
    draw_column(pen, line, &column);
    lift(pen);
}

/* The color of each line: the next of the palette, but a dashed line takes that of a solid one
 * before it. */
static int next_color(const struct et_plot *plot, size_t i, int last_color)
{
    const bool is_pair = i > 0 && plot->lines[i].is_dashed && !plot->lines[i - 1].is_dashed;
    return is_pair ? last_color : (last_color + 1) % N_COLORS;
}

/* The first and the number of the dashed lines that share a name with line i, which is one. */
static size_t find_companions(const struct et_plot *plot, size_t i, size_t *first)
{
    const struct et_line *lines = plot->lines;
    size_t n = 0;

    for (size_t k = plot->n_lines; k-- > 0;) {
        if (!lines[k].is_dashed || !lines[k].name || strcmp(lines[k].name, lines[i].name) != 0)
            continue;
        *first = k;
        n++;
    }
    return n;
}

/* Dashed companions of several lines that share a name are listed once, behind all, in no line's
 * colour. Every entry keeps its place, by which the style finds the line that it is for. */
static void put_entry(struct et_buf *buf, const struct et_plot *plot, size_t i, int color)
{
    const struct et_line *line = &plot->lines[i];
    size_t first = i;

    if (!line->is_dashed || !line->name || find_companions(plot, i, &first) < 2)
        et_buf_printf(buf, "<li class=\"c%d\">", color);
    else if (first == i)
        et_buf_puts(buf, "<li class=\"all\">");
    else
        et_buf_puts(buf, "<li class=\"no\">");
    if (first == i) {
        et_buf_puts(buf, line->is_dashed ? "<i class=\"da\"></i>" : "<i></i>");
        et__put_text(buf, line->name);
    }
    et_buf_puts(buf, "</li>");
}

static void put_legend(struct et_buf *buf, const struct et_plot *plot)
{
    int color = -1;

    if (plot->n_lines == 0 || (plot->n_lines == 1 && !plot->lines[0].name))
        return;
    et_buf_puts(buf, "<ul class=\"lg\">");
    for (size_t i = 0; i < plot->n_lines; i++) {
        color = next_color(plot, i, color);
        put_entry(buf, plot, i, color);
    }
    et_buf_puts(buf, "</ul>");
}

static void put_lines(const struct et_plot *plot, const struct pen *fresh)
{
    struct et_buf *buf = fresh->buf;
    int color = -1;

    et_buf_puts(buf, "<g class=\"sr\">");
    for (size_t i = 0; i < plot->n_lines; i++) {
        const struct et_line *line = &plot->lines[i];
        struct pen pen = *fresh;
        color = next_color(plot, i, color);
        et_buf_printf(buf, "<g class=\"c%d%s\"><title>", color, line->is_dashed ? " da" : "");
        et__put_text(buf, line->name);
        et_buf_puts(buf, "</title><path d=\"");
        draw_line(&pen, line);
        et_buf_puts(buf, "\"/>");
        if (pen.n_dots > 0) {
            pen = *fresh;
            pen.is_for_dots = true;
            et_buf_puts(buf, "<path class=\"dot\" d=\"");
            draw_line(&pen, line);
            et_buf_puts(buf, "\"/>");
        }
        et_buf_puts(buf, "</g>");
    }
    et_buf_puts(buf, "</g>");
}

static void put_grid(struct et_buf *buf, const struct et__axis *x, const struct et__axis *y,
                     int y_units)
{
    et_buf_puts(buf, "<path class=\"gr\" d=\"");
    for (size_t i = 0; i < y->n_ticks; i++)
        et_buf_printf(buf, "M0 %lldH%d",
                      llround((1 - et__axis_share(y, et__axis_tick(y, i))) * y_units), ET__X_UNITS);
    for (size_t i = 0; i < x->n_ticks; i++)
        et_buf_printf(buf, "M%lld 0V%d",
                      llround(et__axis_share(x, et__axis_tick(x, i)) * ET__X_UNITS), y_units);
    et_buf_puts(buf, "\"/>");
}

// What a reader who does not see the plot is told.
static void put_description(struct et_buf *buf, const struct et_plot *plot,
                            const struct extent *extent)
{
    et_buf_printf(buf, "%zu %s", plot->n_lines, plot->n_lines == 1 ? "line" : "lines");
    if (extent->y.first <= extent->y.last) {
        et_buf_puts(buf, "; x from ");
        et__put_number(buf, extent->x.first, 4);
        et_buf_puts(buf, " to ");
        et__put_number(buf, extent->x.last, 4);
        et_buf_puts(buf, plot->x_label && *plot->x_label ? " " : "");
        et__put_text(buf, plot->x_label);
        et_buf_puts(buf, "; y from ");
        et__put_number(buf, extent->y.first, 4);
        et_buf_puts(buf, " to ");
        et__put_number(buf, extent->y.last, 4);
        et_buf_puts(buf, plot->y_label && *plot->y_label ? " " : "");
        et__put_text(buf, plot->y_label);
    }
    if (extent->n_broken > 0)
        et_buf_printf(buf, "; %zu values are not finite", extent->n_broken);
    for (size_t i = 0; i < plot->n_bands && i < 8; i++) {
        et_buf_printf(buf, "; %s ", et__look(plot->bands[i].mark)->word);
        et__put_text(buf, plot->bands[i].text);
        et_buf_puts(buf, " at ");
        et__put_number(buf, plot->bands[i].first, 4);
    }
    if (plot->n_bands > 8)
        et_buf_printf(buf, "; %zu more marked stretches", plot->n_bands - 8);
}

static void put_caption(struct et_page *page, const struct et_plot *plot)
{
    struct et_buf *buf = page->buf;

    et_buf_printf(buf, "<figure class=\"pl\"><figcaption id=\"P%d\">", page->n_plots);
    et__put_text(buf, plot->title);
    et_buf_puts(buf, "</figcaption>");
    put_legend(buf, plot);
    if (plot->y_label && *plot->y_label) {
        et_buf_puts(buf, "<div class=\"yl\" aria-hidden=\"true\">");
        et__put_text(buf, plot->y_label);
        et_buf_puts(buf, "</div>");
    }
}

static struct extent extent_of(const struct et_plot *plot)
{
    struct extent extent = {ET__RANGE_EMPTY, ET__RANGE_EMPTY, 0, plot->n_lines == 0};

    for (size_t i = 0; i < plot->n_lines; i++)
        add_line(&extent, &plot->lines[i]);
    // Without a line the bands have the axis to themselves.
    for (size_t i = 0; extent.x.first > extent.x.last && i < plot->n_bands; i++) {
        struct et__range *x = &extent.x;
        et__range_add(x, plot->bands[i].first);
        et__range_add(x, plot->bands[i].last);
    }
    return extent;
}

void et_page_plot(struct et_page *page, const struct et_plot *plot)
{
    struct et_buf *buf = page->buf;
    const struct extent extent = extent_of(plot);
    const double wanted_px = plot->height_px > 0 ? plot->height_px : HEIGHT_PX;
    const int height = (int)fmin(fmax(wanted_px, HEIGHT_MIN_PX), HEIGHT_MAX_PX);
    const int y_units = height * Y_UNITS_PER_PX;
    // Where x is an index it has no fractions.
    const struct et__axis x = et__axis(extent.x, 0, N_X_TICKS, extent.has_x ? -400 : 0);
    const struct et__axis y = et__axis(extent.y, 0.05, height / PX_PER_Y_TICK, -400);
    struct et__bands bands = {plot->bands, plot->n_bands, &x, 0, y_units};

    et__page_settle(page);
    page->n_plots++;
    put_caption(page, plot);
    et__put_plot_open(page, &y, height, plot->n_bands > 0, plot->x_label && *plot->x_label);
    put_description(buf, plot, &extent);
    et_buf_printf(buf,
                  "</desc><svg class=\"in\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">",
                  ET__X_UNITS, y_units);
    et__put_bands(buf, &bands);
    put_grid(buf, &x, &y, y_units);
    put_lines(plot, &(struct pen){.buf = buf, .x_axis = &x, .y_axis = &y, .y_units = y_units});
    et_buf_puts(buf, "</svg>");
    et__put_y_labels(buf, &y, height);
    et__put_x_labels(buf, &x, plot->x_label, height + 16);
    bands.y = -8;
    et__put_signs(buf, &bands, false);
    if (extent.y.first > extent.y.last)
        et_buf_printf(buf, "<text class=\"no\" x=\"50%%\" y=\"%d\">no finite values</text>",
                      height / 2 + 4);
    et_buf_puts(buf, "</svg></figure>\n");
}
