#include "report/report__svg.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#define HEIGHT_PX 150
#define N_BINS 30
#define N_BINS_MAX 400
#define N_BINS_APART 60 // bars of more bins are too thin for a line between them
#define N_X_TICKS 7.0
#define N_Y_TICKS 4.0

struct bins {
    struct et__range range; // of the finite values
    double first, width;
    size_t n_bins;
    uint64_t counts[N_BINS_MAX];
    uint64_t count_max;
    size_t n_finite;
};

static void fill(struct bins *bins, const double *values, size_t n, size_t n_bins)
{
    *bins = (struct bins){.range = ET__RANGE_EMPTY};
    bins->n_bins = n_bins == 0 ? N_BINS : n_bins < N_BINS_MAX ? n_bins : N_BINS_MAX;
    for (size_t i = 0; i < n; i++)
        et__range_add(&bins->range, values[i]);

    // The axis of a range without extent has some; the bins then share it.
    const struct et__axis axis = et__axis(bins->range, 0, N_X_TICKS, -400);
    bins->first = axis.first;
    bins->width = (axis.last - axis.first) / (double)bins->n_bins;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        const size_t at = (size_t)(et__axis_share(&axis, values[i]) * (double)bins->n_bins);
        uint64_t *count = &bins->counts[at < bins->n_bins ? at : bins->n_bins - 1];
        bins->n_finite++;
        if (++*count > bins->count_max)
            bins->count_max = *count;
    }
}

static void put_bar(struct et_buf *buf, const struct bins *bins, size_t i,
                    const struct et__axis *y_axis)
{
    const double n_bins = (double)bins->n_bins;
    const double top = 1 - et__axis_share(y_axis, (double)bins->counts[i]);

    et_buf_puts(buf, "<rect class=\"bar\" x=\"");
    et__put_percent(buf, (double)i / n_bins);
    et_buf_puts(buf, "\" width=\"");
    et__put_percent(buf, (double)(i + 1) / n_bins - (double)i / n_bins);
    et_buf_puts(buf, "\" y=\"");
    et__put_percent(buf, top);
    et_buf_puts(buf, "\" height=\"");
    et__put_percent(buf, 1 - top);
    et_buf_puts(buf, "\"><title>");
    et__put_number(buf, bins->first + (double)i * bins->width, 4);
    et_buf_puts(buf, " to ");
    et__put_number(buf, bins->first + (double)(i + 1) * bins->width, 4);
    et_buf_printf(buf, ": %" PRIu64 "</title></rect>", bins->counts[i]);
}

static void put_caption(struct et_page *page, const char *title, size_t n_left_out)
{
    struct et_buf *buf = page->buf;

    et_buf_printf(buf, "<figure class=\"pl half\"><figcaption id=\"P%d\">", page->n_plots);
    et__put_text(buf, title);
    if (n_left_out > 0)
        et_buf_printf(buf, " <span>%zu %s left out: not finite</span>", n_left_out,
                      n_left_out == 1 ? "value" : "values");
    et_buf_puts(buf, "</figcaption>");
}

static void put_description(struct et_buf *buf, const struct bins *bins, const char *x_label)
{
    et_buf_printf(buf, "Histogram of %zu values", bins->n_finite);
    if (bins->n_finite > 0) {
        et_buf_puts(buf, " from ");
        et__put_number(buf, bins->range.first, 4);
        et_buf_puts(buf, " to ");
        et__put_number(buf, bins->range.last, 4);
        et_buf_puts(buf, x_label && *x_label ? " " : "");
        et__put_text(buf, x_label);
        et_buf_printf(buf, "; the highest bar has %" PRIu64, bins->count_max);
    }
    et_buf_puts(buf, "</desc>");
}

static void put_grid(struct et_buf *buf, const struct et__axis *y)
{
    for (size_t i = 0; i < y->n_ticks; i++) {
        et_buf_puts(buf, "<line class=\"gr\" x1=\"0\" x2=\"100%\" y1=\"");
        et__put_percent(buf, 1 - et__axis_share(y, et__axis_tick(y, i)));
        et_buf_puts(buf, "\" y2=\"");
        et__put_percent(buf, 1 - et__axis_share(y, et__axis_tick(y, i)));
        et_buf_puts(buf, "\"/>");
    }
}

void et_page_histogram(struct et_page *page, const char *title, const char *x_label,
                       const double *values, size_t n, size_t n_bins)
{
    struct et_buf *buf = page->buf;
    struct bins bins;

    fill(&bins, values, values ? n : 0, n_bins);
    const struct et__range counts = {0, fmax(1, (double)bins.count_max * 1.05)};
    const struct et__axis x = et__axis(bins.range, 0, N_X_TICKS, -400);
    const struct et__axis y = et__axis(counts, 0, N_Y_TICKS, 0);

    et__page_settle(page);
    page->n_plots++;
    put_caption(page, title, n - bins.n_finite);
    et__put_plot_open(page, &y, HEIGHT_PX, false, x_label && *x_label);
    put_description(buf, &bins, x_label);
    put_grid(buf, &y);
    et_buf_puts(buf, bins.n_bins <= N_BINS_APART ? "<g class=\"gap\">" : "<g>");
    for (size_t i = 0; i < bins.n_bins; i++) {
        if (bins.counts[i] > 0)
            put_bar(buf, &bins, i, &y);
    }
    et_buf_puts(buf, "</g>");
    et__put_y_labels(buf, &y, HEIGHT_PX);
    et__put_x_labels(buf, &x, x_label, HEIGHT_PX + 16);
    if (bins.n_finite == 0)
        et_buf_printf(buf, "<text class=\"no\" x=\"50%%\" y=\"%d\">no finite values</text>",
                      HEIGHT_PX / 2 + 4);
    et_buf_puts(buf, "</svg></figure>\n");
}
