/* What plots, lanes and histograms share: axes with their ticks, numbers as text, bands and signs.
 *
 * How a plot scales: the outer SVG has no viewBox, so its texts keep their size in pixels on every
 * screen and stand at per cents of its width. Only the inner SVG, which holds lines and shades, has
 * one; it is stretched without regard to its shape, and strokes do not scale.
 *
 * Coordinates are written as whole numbers, so no locale and no rounding mode shows in the page. */
#ifndef REPORT__SVG_H
#define REPORT__SVG_H

#include "report/report__html.h"

// Columns of a plot's minimum and maximum, and units of the stretched SVG: ten a column.
#define ET__N_COLS 1000
#define ET__X_UNITS 10000

/* Values are held within this, so that no difference of two overflows. */
#define ET__VALUE_MAX 1e300

/* An interval that grows by what is put into it; empty while first > last. */
struct et__range {
    double first, last;
};
#define ET__RANGE_EMPTY ((struct et__range){HUGE_VAL, -HUGE_VAL})
void et__range_add(struct et__range *range, double value); // what is not finite is left out

/* The part of the number line that a plot shows, with ticks at whole multiples of a step that is 1,
 * 2 or 5 times a power of ten. */
struct et__axis {
    double first, last;  // finite, first < last
    int mantissa, power; // the step is mantissa × 10^power
    int64_t first_tick;  // in steps
    size_t n_ticks;
};

/* Makes an axis of about n_ticks ticks for a range, with `margin` (a share of the range) at both
 * ends. An empty range gives 0 to 1; one without extent gets some. Steps are no smaller than
 * 10^power_min. */
struct et__axis et__axis(struct et__range range, double margin, double n_ticks, int power_min);

double et__axis_tick(const struct et__axis *axis, size_t i);
double et__axis_share(const struct et__axis *axis, double value); // 0 at first, 1 at last; held
void et__put_tick(struct et_buf *buf, const struct et__axis *axis, size_t i);

/* mantissa × 10^power for a person: "−0.25", "12 000", "1.5e−9". */
void et__put_decimal(struct et_buf *buf, int64_t mantissa, int power);

/* A value with that many significant digits; zeros at the end of a fraction are left out. */
void et__put_number(struct et_buf *buf, double value, int n_digits);

/* A share as "12.34%". */
void et__put_percent(struct et_buf *buf, double share);

/* Opens the SVG of a plot, up to and with its <desc>, which the caller fills and closes. */
void et__put_plot_open(struct et_page *page, const struct et__axis *y, int height, bool has_signs,
                       bool has_x_label);

/* The labels beside a y axis of that height in px. */
void et__put_y_labels(struct et_buf *buf, const struct et__axis *axis, int height);

/* The labels below an x axis at y px, and the axis' own label below them. */
void et__put_x_labels(struct et_buf *buf, const struct et__axis *axis, const char *label, int y);

/* Shades for bands, in a stretched SVG, from y over h. More than ET__BANDS_MAX are merged column by
 * column, so that a page stays bounded. */
#define ET__BANDS_MAX 400
struct et__bands {
    const struct et_band *bands;
    size_t n_bands;
    const struct et__axis *axis;
    int y, h;
};
void et__put_bands(struct et_buf *buf, const struct et__bands *bands);

/* The ends of a band on an axis. False when it has none there. */
bool et__band_ends(const struct et_band *band, const struct et__axis *axis, struct et__range *ends);

/* The signs of bands at y px, at their middles or their beginnings; where signs would overlap, the
 * heaviest is shown. */
void et__put_signs(struct et_buf *buf, const struct et__bands *bands, bool is_at_first);

#endif
