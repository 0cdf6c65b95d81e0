/* Contact: a force that was not there before, or a finger that says so. */
#include "curate/curate__cut.h"

#include <math.h>

#define HOLD_S 0.1   // a contact lasts this long
#define FORCE_ON_N 5 // beside what the wrist carries
#define FORCE_OFF_N 2.5
#define OFF_SHARE 0.3 // of the most that was felt: what it carries may have turned meanwhile
#define SETTLE_S 0.3  // what it carries is found anew in this time
#define FOLLOW_S 1    // and followed this slowly, as the hand turns under its weight
#define TOUCH_ON_N 0.5
#define TOUCH_OFF_N 0.25

/* One sensor as it is gone through. */
struct sense {
    const struct et__cut_grid *grid;
    uint8_t *contact;
    double base[3]; // the force that it carries
    int64_t t_base_ns, t_on_ns, t_last_ns;
    double n_base; // samples that the base is the mean of, while it settles; 0: none
    double most;   // felt in this contact
    bool is_on;
};

static void mark(const struct sense *sense)
{
    if (!sense->is_on || et__cut_s(sense->t_on_ns, sense->t_last_ns) < HOLD_S)
        return;
    const size_t first = et__cut_cell(sense->grid, sense->t_on_ns);
    const size_t last = et__cut_cell(sense->grid, sense->t_last_ns);
    memset(&sense->contact[first], 1, last - first + 1);
}

static void turn_off(struct sense *sense)
{
    mark(sense);
    sense->is_on = false;
}

static void tell(struct sense *sense, int64_t t_ns, double value, double on, double off)
{
    if (sense->is_on && value < fmax(off, OFF_SHARE * sense->most))
        turn_off(sense);
    if (!sense->is_on && value >= on) {
        sense->is_on = true;
        sense->t_on_ns = t_ns;
        sense->most = 0;
    }
    sense->most = fmax(sense->most, value);
    sense->t_last_ns = t_ns;
}

/* The force beside the base; the base follows while there is no contact. */
static double beside_base(struct sense *sense, int64_t t_ns, const double *force)
{
    double sum = 0;
    if (sense->n_base == 0)
        sense->t_base_ns = t_ns;
    const bool is_settling = et__cut_s(sense->t_base_ns, t_ns) < SETTLE_S;
    const double step_s = et__cut_s(sense->t_last_ns, t_ns);
    const double part = is_settling    ? 1 / ++sense->n_base
                        : sense->is_on ? 0
                                       : fmin(1, fmax(0, step_s) / FOLLOW_S);
    for (size_t i = 0; i < 3; i++) {
        const double d = force[i] - sense->base[i];
        sum += d * d;
        sense->base[i] += part * d;
    }
    return is_settling ? 0 : sqrt(sum);
}

static void feel_wrench(const struct et_track *track, const uint8_t *doing, struct sense *sense)
{
    const size_t width = track->stream.n_values;
    size_t first, end;
    et__cut_samples(track, sense->grid->t_first_ns, sense->grid->t_last_ns, &first, &end);
    for (size_t k = first; k < end; k++) {
        const double *force = &track->values[k * width];
        const int64_t t_ns = track->t_ns[k];
        if (!isfinite(force[0] + force[1] + force[2]))
            continue;
        if (doing[et__cut_cell(sense->grid, t_ns)] & ET__CUT_ACTS) {
            turn_off(sense);
            sense->n_base = 0;
            memset(sense->base, 0, sizeof sense->base);
            continue;
        }
        tell(sense, t_ns, beside_base(sense, t_ns, force), FORCE_ON_N, FORCE_OFF_N);
    }
    turn_off(sense);
}

static void feel_touch(const struct et_track *track, const uint8_t *doing, unsigned holds,
                       struct sense *sense)
{
    const size_t width = track->stream.n_values;
    size_t first, end;
    et__cut_samples(track, sense->grid->t_first_ns, sense->grid->t_last_ns, &first, &end);
    for (size_t k = first; k < end; k++) {
        const int64_t t_ns = track->t_ns[k];
        double most = 0;
        if (doing[et__cut_cell(sense->grid, t_ns)] & (holds | ET__CUT_ACTS)) {
            turn_off(sense);
            continue;
        }
        for (size_t i = 0; i < width; i++)
            if (track->values[k * width + i] > most)
                most = track->values[k * width + i];
        tell(sense, t_ns, most, TOUCH_ON_N, TOUCH_OFF_N);
    }
    turn_off(sense);
}

void et__cut_contact(const struct et_track *tracks, size_t n_tracks,
                     const struct et__cut_grid *grid, const uint8_t *doing, uint8_t *contact)
{
    for (size_t t = 0; t < n_tracks; t++) {
        const struct et_stream *stream = &tracks[t].stream;
        struct sense sense = {.grid = grid, .contact = contact};
        if (stream->is_command || tracks[t].n_samples < 2)
            continue;
        if (stream->quantity == ET_QUANTITY_WRENCH && stream->n_values >= 3)
            feel_wrench(&tracks[t], doing, &sense);
        if (stream->quantity != ET_QUANTITY_TOUCH)
            continue;
        const bool is_left = stream->part == ET_PART_LEFT_FINGERS ||
                             stream->part == ET_PART_LEFT_HAND ||
                             stream->part == ET_PART_LEFT_WRIST;
        const bool is_right = stream->part == ET_PART_RIGHT_FINGERS ||
                              stream->part == ET_PART_RIGHT_HAND ||
                              stream->part == ET_PART_RIGHT_WRIST;
        const unsigned holds = is_left    ? ET__CUT_HOLDS_LEFT
                               : is_right ? ET__CUT_HOLDS_RIGHT
                                          : ET__CUT_HOLDS_LEFT | ET__CUT_HOLDS_RIGHT;
        feel_touch(&tracks[t], doing, holds, &sense);
    }
}
