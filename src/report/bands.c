#include "report/report__svg.h"

#include <inttypes.h>
#include <math.h>

#define N_MARKS 6
// Places for signs along an axis, and how near two may be: none overlaps its neighbour on a phone.
#define N_SLOTS 20
#define NEAR (0.9 / N_SLOTS)

bool et__band_ends(const struct et_band *band, const struct et__axis *axis, struct et__range *ends)
{
    if (isnan(band->first) || isnan(band->last))
        return false;
    const double first = fmin(band->first, band->last);
    const double last = fmax(band->first, band->last);
    if (last < axis->first || first > axis->last)
        return false;
    *ends = (struct et__range){et__axis_share(axis, fmax(first, axis->first)),
                               et__axis_share(axis, fmin(last, axis->last))};
    return true;
}

// What is shown when the pointer rests on a band.
static void put_tooltip(struct et_buf *buf, const struct et_band *band)
{
    const struct et__look *look = et__look(band->mark);

    et_buf_puts(buf, "<title>");
    if (look->weight > 0)
        et_buf_printf(buf, "%s %s: ", look->sign, look->word);
    et__put_text(buf, band->text);
    if (band->text && *band->text)
        et_buf_puts(buf, ", ");
    et__put_number(buf, band->first, 5);
    if (band->last != band->first) {
        et_buf_puts(buf, " to ");
        et__put_number(buf, band->last, 5);
    }
    et_buf_puts(buf, "</title>");
}

static void put_rect(struct et_buf *buf, const struct et__bands *bands, enum et_mark mark,
                     struct et__range ends)
{
    const int64_t x = llround(ends.first * ET__X_UNITS);
    const int64_t w = llround(ends.last * ET__X_UNITS) - x;

    et_buf_printf(buf,
                  "<rect class=\"bd %s\" x=\"%" PRId64 "\" y=\"%d\" width=\"%" PRId64
                  "\" height=\"%d\">",
                  et__look(mark)->name, x, bands->y, w > 0 ? w : 1, bands->h);
}

/* Of very many bands, one for each run of columns that any band of the same mark touches. */
static void put_merged(struct et_buf *buf, const struct et__bands *bands, enum et_mark mark)
{
    bool is_touched[ET__N_COLS + 1] = {false}; // the last one ends the last run

    for (size_t i = 0; i < bands->n_bands; i++) {
        struct et__range ends;
        if (bands->bands[i].mark != mark || !et__band_ends(&bands->bands[i], bands->axis, &ends))
            continue;
        const size_t last = (size_t)(ends.last * (ET__N_COLS - 1));
        for (size_t at = (size_t)(ends.first * (ET__N_COLS - 1)); at <= last; at++)
            is_touched[at] = true;
    }
    for (size_t at = 0, first = 0; at <= ET__N_COLS; at++) {
        if (is_touched[at])
            continue;
        if (at > first) {
            const struct et__range ends = {(double)first / ET__N_COLS, (double)at / ET__N_COLS};
            put_rect(buf, bands, mark, ends);
            et_buf_printf(buf, "<title>%s %s</title></rect>", et__look(mark)->sign,
                          et__look(mark)->word);
        }
        first = at + 1;
    }
}

void et__put_bands(struct et_buf *buf, const struct et__bands *bands)
{
    if (bands->n_bands > ET__BANDS_MAX) {
        for (int mark = 0; mark < N_MARKS; mark++)
            put_merged(buf, bands, (enum et_mark)mark);
        return;
    }
    for (size_t i = 0; i < bands->n_bands; i++) {
        struct et__range ends;
        if (!et__band_ends(&bands->bands[i], bands->axis, &ends))
            continue;
        put_rect(buf, bands, bands->bands[i].mark, ends);
        put_tooltip(buf, &bands->bands[i]);
        et_buf_puts(buf, "</rect>");
    }
}

void et__put_signs(struct et_buf *buf, const struct et__bands *bands, bool is_at_first)
{
    struct slot {
        enum et_mark mark;
        double share;
    } slots[N_SLOTS] = {{ET_MARK_NONE, 0}};

    for (size_t i = 0; i < bands->n_bands; i++) {
        struct et__range ends;
        const enum et_mark mark = bands->bands[i].mark;
        if (!et__band_ends(&bands->bands[i], bands->axis, &ends))
            continue;
        const double share = is_at_first ? ends.first : (ends.first + ends.last) / 2;
        struct slot *slot = &slots[(size_t)(share * (N_SLOTS - 1) + 0.5)];
        if (et__look(mark)->weight > et__look(slot->mark)->weight)
            *slot = (struct slot){mark, share};
    }
    double last_share = -1;
    for (size_t i = 0; i < N_SLOTS; i++) {
        if (et__look(slots[i].mark)->weight == 0)
            continue;
        // Two neighbours may still be too near each other: then the heavier one stays.
        const bool is_near = slots[i].share - last_share < NEAR;
        const bool is_outdone =
            i + 1 < N_SLOTS && slots[i + 1].share - slots[i].share < NEAR &&
            et__look(slots[i + 1].mark)->weight > et__look(slots[i].mark)->weight;
        if (is_near || is_outdone)
            continue;
        last_share = slots[i].share;
        et_buf_printf(buf, "<use href=\"#S%s\" class=\"%s\" x=\"", et__look(slots[i].mark)->name,
                      et__look(slots[i].mark)->name);
        et__put_percent(buf, slots[i].share);
        et_buf_printf(buf, "\" y=\"%d\"/>", bands->y);
    }
}
