#include "report/report__svg.h"

#include <math.h>

#define LANE_PX 24
#define BAR_PX 6
#define N_X_TICKS 8.0

static struct et__range extent_of(double x_first, double x_last, const struct et_lane *lanes,
                                  size_t n_lanes)
{
    struct et__range range = ET__RANGE_EMPTY;

    if (isfinite(x_first) && isfinite(x_last) && x_first < x_last) {
        et__range_add(&range, x_first);
        et__range_add(&range, x_last);
        return range;
    }
    for (size_t i = 0; i < n_lanes; i++) {
        for (size_t j = 0; j < lanes[i].n_bands; j++) {
            et__range_add(&range, lanes[i].bands[j].first);
            et__range_add(&range, lanes[i].bands[j].last);
        }
    }
    return range;
}

// "elbow: critical 1, warning 3": what a reader who does not see the lane is told.
static void put_summary(struct et_buf *buf, const struct et_lane *lane)
{
    static const enum et_mark BY_WEIGHT[] = {ET_MARK_CRIT, ET_MARK_WARN, ET_MARK_INFO,
                                             ET_MARK_OK,   ET_MARK_IDLE, ET_MARK_NONE};
    const char *separator = ": ";

    et__put_text(buf, lane->name);
    for (size_t i = 0; i < sizeof BY_WEIGHT / sizeof *BY_WEIGHT; i++) {
        size_t n = 0;
        for (size_t j = 0; j < lane->n_bands; j++)
            n += et__look(lane->bands[j].mark) == et__look(BY_WEIGHT[i]);
        if (n == 0)
            continue;
        const char *word = et__look(BY_WEIGHT[i])->word;
        et_buf_printf(buf, "%s%s %zu", separator, *word ? word : "unmarked", n);
        separator = ", ";
    }
    if (lane->n_bands == 0)
        et_buf_puts(buf, ": nothing");
}

static void put_grid(struct et_buf *buf, const struct et__axis *axis)
{
    et_buf_printf(buf, "<path class=\"gr\" d=\"M0 %dH%d", LANE_PX / 2, ET__X_UNITS);
    for (size_t i = 0; i < axis->n_ticks; i++)
        et_buf_printf(buf, "M%lld 0V%d",
                      llround(et__axis_share(axis, et__axis_tick(axis, i)) * ET__X_UNITS), LANE_PX);
    et_buf_puts(buf, "\"/>");
}

static void put_lane(struct et_buf *buf, const struct et_lane *lane, const struct et__axis *axis)
{
    struct et__bands bands = {lane->bands, lane->n_bands, axis, (LANE_PX - BAR_PX) / 2, BAR_PX};

    et_buf_puts(buf, "<div class=\"l\"><span>");
    et__put_text(buf, lane->name);
    et_buf_printf(buf, "</span><svg height=\"%d\" role=\"img\" aria-label=\"", LANE_PX);
    put_summary(buf, lane);
    et_buf_printf(buf, "\"><svg class=\"in\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">",
                  ET__X_UNITS, LANE_PX);
    put_grid(buf, axis);
    et__put_bands(buf, &bands);
    et_buf_puts(buf, "</svg>");
    bands.y = LANE_PX / 2;
    et__put_signs(buf, &bands, true);
    et_buf_puts(buf, "</svg></div>\n");
}

void et_page_lanes(struct et_page *page, const char *title, double x_first, double x_last,
                   const char *x_label, const struct et_lane *lanes, size_t n_lanes)
{
    struct et_buf *buf = page->buf;
    const struct et__axis axis =
        et__axis(extent_of(x_first, x_last, lanes, n_lanes), 0, N_X_TICKS, -400);

    et__page_settle(page);
    et_buf_puts(buf, "<figure class=\"ln\"><figcaption>");
    et__put_text(buf, title);
    et_buf_puts(buf, "</figcaption>\n");
    for (size_t i = 0; i < n_lanes; i++)
        put_lane(buf, &lanes[i], &axis);
    et_buf_puts(buf, "<div class=\"l\"><span></span><svg height=\"32\" aria-hidden=\"true\">");
    et__put_x_labels(buf, &axis, x_label, 14);
    et_buf_puts(buf, "</svg></div></figure>\n");
}
