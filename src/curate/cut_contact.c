/* Contact: a force that was not there before, or a finger that says so. */
#include "curate/curate__cut.h"

#include <math.h>

#define HOLD_S 0.1   // a contact lasts this long
#define FORCE_ON_N 5 // beside what the wrist carries
#define FORCE_OFF_N 2.5
#define OFF_SHARE 0.3 // of the most that was felt: what it carries may have turned meanwhile
#define SETTLE_S 0.3  // what it carries is found anew in this time
#define FOLLOW_S 1    // and followed this slowly, as the hand turns under its weight
#define TOUCH_OFF_N 0.25

/* One sensor as it is gone through. */
struct sense {
    const struct et__cut_feeling *feeling;
    double base[3]; // the force that it carries
    int64_t t_base_ns, t_last_ns;
    double n_base; // samples that the base is the mean of, while it settles; 0: none
    struct et__cut_felt felt;
    bool is_on;
};

static void turn_off(struct sense *sense)
{
    if (sense->is_on)
        sense->feeling->felt(sense->feeling->ctx, &sense->felt);
    sense->is_on = false;
}

static void tell(struct sense *sense, int64_t t_ns, double value, double on, double off)
{
    struct et__cut_felt *felt = &sense->felt;
    if (sense->is_on && value < fmax(off, OFF_SHARE * felt->most))
        turn_off(sense);
    if (!sense->is_on && value >= on) {
        sense->is_on = true;
        *felt = (struct et__cut_felt){.t_first_ns = t_ns};
    }
    felt->most = fmax(felt->most, value);
    felt->t_last_ns = sense->t_last_ns = t_ns;
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

void et__cut_feel_wrench(const struct et_track *track, const struct et__cut_feeling *feeling)
{
    const struct et__cut_grid *grid = feeling->grid;
    const size_t width = track->stream.n_values;
    struct sense sense = {.feeling = feeling};
    size_t first, end;
    et__cut_samples(track, grid->t_first_ns, grid->t_last_ns, &first, &end);
    for (size_t k = first; k < end; k++) {
        const double *force = &track->values[k * width];
        const int64_t t_ns = track->t_ns[k];
        if (!isfinite(force[0] + force[1] + force[2]))
            continue;
        if (feeling->doing[et__cut_cell(grid, t_ns)] & ET__CUT_ACTS) {
            turn_off(&sense);
            sense.n_base = 0;
            memset(sense.base, 0, sizeof sense.base);
            continue;
        }
        tell(&sense, t_ns, beside_base(&sense, t_ns, force), FORCE_ON_N, FORCE_OFF_N);
    }
    turn_off(&sense);
}

static void feel_touch(const struct et_track *track, unsigned holds,
                       const struct et__cut_feeling *feeling)
{
    const size_t width = track->stream.n_values;
    struct sense sense = {.feeling = feeling};
    size_t first, end;
    et__cut_samples(track, feeling->grid->t_first_ns, feeling->grid->t_last_ns, &first, &end);
    for (size_t k = first; k < end; k++) {
        const int64_t t_ns = track->t_ns[k];
        double most = 0;
        if (feeling->doing[et__cut_cell(feeling->grid, t_ns)] & (holds | ET__CUT_ACTS)) {
            turn_off(&sense);
            continue;
        }
        for (size_t i = 0; i < width; i++)
            if (track->values[k * width + i] > most)
                most = track->values[k * width + i];
        tell(&sense, t_ns, most, ET__CUT_TOUCH_ON_N, TOUCH_OFF_N);
    }
    turn_off(&sense);
}

unsigned et__cut_hands_of(enum et_part part)
{
    switch ((unsigned)part) {
    case ET_PART_LEFT_FINGERS:
    case ET_PART_LEFT_HAND:
    case ET_PART_LEFT_WRIST:
        return ET__CUT_HOLDS_LEFT;
    case ET_PART_RIGHT_FINGERS:
    case ET_PART_RIGHT_HAND:
    case ET_PART_RIGHT_WRIST:
        return ET__CUT_HOLDS_RIGHT;
    default:
        return ET__CUT_HOLDS_LEFT | ET__CUT_HOLDS_RIGHT;
    }
}

struct marking {
    const struct et__cut_grid *grid;
    uint8_t *contact;
};

static void mark(void *ctx, const struct et__cut_felt *felt)
{
    const struct marking *marking = ctx;
    if (et__cut_s(felt->t_first_ns, felt->t_last_ns) < HOLD_S)
        return;
    const size_t first = et__cut_cell(marking->grid, felt->t_first_ns);
    const size_t last = et__cut_cell(marking->grid, felt->t_last_ns);
    memset(&marking->contact[first], 1, last - first + 1);
}

void et__cut_contact(const struct et_track *tracks, size_t n_tracks,
                     const struct et__cut_grid *grid, const uint8_t *doing, uint8_t *contact)
{
    struct marking marking = {grid, contact};
    const struct et__cut_feeling feeling = {grid, doing, mark, &marking};
    for (size_t t = 0; t < n_tracks; t++) {
        const struct et_stream *stream = &tracks[t].stream;
        if (stream->is_command || tracks[t].n_samples < 2)
            continue;
        if (stream->quantity == ET_QUANTITY_WRENCH && stream->n_values >= 3)
            et__cut_feel_wrench(&tracks[t], &feeling);
        if (stream->quantity == ET_QUANTITY_TOUCH)
            feel_touch(&tracks[t], et__cut_hands_of(stream->part), &feeling);
    }
}
