/* What a hand does: it closes and opens, whichever end of its range that is. */
#include "curate/curate__cut.h"

#include <math.h>

#define HOLD_S 0.1     // what lasts shorter is no state
#define TURN 0.4       // of the range: the width between 30 and 70 %
#define LOW 0.3        // ends of the range, where it is at one of its ends
#define HIGH 0.7       //
#define RANGE_MIN 0.15 // of what the limits allow: a hand that moves less does nothing
#define FINGER_MIN 0.2 // a finger that follows the widest one less than this does not count
#define STANDS 0.03    // of the range in STANDS_S: the hand has stopped
#define STANDS_S 0.2   //
#define EDGE 0.05      // of a movement: where it begins, and what is left where it ends
#define MARGIN 0.1     // one end of the range is nearer to its limits than the other, by this
#define MEDIAN_FROM_HZ 25

/* ---- one number for a hand ---- */

static size_t rank_of(const struct et_track *track, unsigned side)
{
    const struct et_stream *stream = &track->stream;
    const enum et_part hand = side == 1 ? ET_PART_LEFT_HAND : ET_PART_RIGHT_HAND;
    const enum et_part fingers = side == 1 ? ET_PART_LEFT_FINGERS : ET_PART_RIGHT_FINGERS;
    if (stream->quantity != ET_QUANTITY_POSITION || track->n_samples < 2 || stream->n_values == 0)
        return 0;
    if (stream->part != hand && stream->part != fingers)
        return 0;
    return (stream->is_command ? 1U : 3U) + (stream->part == hand);
}

/* Means and covariances with the value that varies most, in shares of what limits allow. */
static void weigh(const struct et_track *track, double *mean, double *weight)
{
    const size_t width = track->stream.n_values;
    double most = 0;
    size_t widest = 0;
    for (size_t i = 0; i < width; i++) {
        const double span = et__cut_value_span(&track->stream, i);
        double n = 0, m = 0, m2 = 0; // Welford 1962
        for (size_t k = 0; k < track->n_samples; k++) {
            const double x = track->values[k * width + i] / span;
            if (!isfinite(x))
                continue;
            const double d = x - m;
            m += d / ++n;
            m2 += d * (x - m);
        }
        mean[i] = m;
        weight[i] = 0;
        if (n > 0 && m2 / n > most) {
            most = m2 / n;
            widest = i;
        }
    }
    if (!(most > 0) || !isfinite(most))
        return;
    const double span = et__cut_value_span(&track->stream, widest);
    double sum = 0;
    for (size_t i = 0; i < width; i++) {
        const double own = et__cut_value_span(&track->stream, i);
        double together = 0, n = 0;
        for (size_t k = 0; k < track->n_samples; k++) {
            const double *row = &track->values[k * width];
            const double part = (row[i] / own - mean[i]) * (row[widest] / span - mean[widest]);
            if (!isfinite(part))
                continue;
            together += part;
            n++;
        }
        const double w = n > 0 ? together / n / most : 0;
        weight[i] = fabs(w) < FINGER_MIN ? 0 : fmax(-1, fmin(1, w));
        sum += fabs(weight[i]);
    }
    for (size_t i = 0; i < width && sum > 0; i++)
        weight[i] /= sum;
}

/* Every value keeps its last finite reading; before the first it has its mean. */
static void go_along(const struct et_track *track, const double *mean, const double *weight,
                     double *last, double *along)
{
    const size_t width = track->stream.n_values;
    memcpy(last, mean, width * sizeof *last);
    for (size_t k = 0; k < track->n_samples; k++) {
        double sum = 0;
        for (size_t i = 0; i < width; i++) {
            const double x = track->values[k * width + i] / et__cut_value_span(&track->stream, i);
            if (isfinite(x))
                last[i] = x;
            sum += weight[i] * last[i];
        }
        along[k] = sum;
    }
}

static double median5(const double *x)
{
    double v[5];
    memcpy(v, x, sizeof v);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = i + 1; k < 5; k++)
            if (v[k] < v[i]) {
                const double other = v[i];
                v[i] = v[k];
                v[k] = other;
            }
    return v[2];
}

/* Single readings that are wrong go; edges stay where they are. */
static void smooth(const struct et_track *track, double *along)
{
    const size_t n = track->n_samples;
    const double span_s = et__cut_s(track->t_ns[0], track->t_ns[n - 1]);
    if (n < 5 || (double)(n - 1) < MEDIAN_FROM_HZ * span_s)
        return;
    double window[5];
    memcpy(window, along, sizeof window);
    for (size_t k = 2; k + 2 < n; k++) {
        window[4] = along[k + 2];
        along[k] = median5(window);
        memmove(window, window + 1, 4 * sizeof *window);
    }
}

static enum et_status hand_open(const struct et_track *track, struct et_arena *scratch,
                                struct et__cut_hand *hand, struct et_err *err)
{
    const size_t width = track->stream.n_values;
    double *numbers = et_arena_array(scratch, width, 3 * sizeof *numbers);
    double *along = et_arena_array(scratch, track->n_samples, sizeof *along);
    if (!numbers || !along)
        return et_arena_fail(scratch, "a hand's movement", err);
    double *mean = numbers, *weight = numbers + width, *last = weight + width;
    weigh(track, mean, weight);
    go_along(track, mean, weight, last, along);
    smooth(track, along);
    hand->track = track;
    hand->weight = weight;
    hand->along = along;
    return ET_OK;
}

enum et_status et__cut_hands_open(const struct et_track *tracks, size_t n_tracks,
                                  struct et_arena *scratch,
                                  struct et__cut_hand hands[ET__CUT_N_HANDS], struct et_err *err)
{
    enum et_status st = ET_OK;
    for (unsigned h = 0; h < ET__CUT_N_HANDS && st == ET_OK; h++) {
        const struct et_track *best = NULL;
        size_t most = 0;
        hands[h] = (struct et__cut_hand){0};
        for (size_t t = 0; t < n_tracks; t++)
            if (rank_of(&tracks[t], h + 1) > most) {
                most = rank_of(&tracks[t], h + 1);
                best = &tracks[t];
            }
        if (best)
            st = hand_open(best, scratch, &hands[h], err);
    }
    return st;
}

/* ---- a stretch of it ---- */

struct look {
    const int64_t *t_ns;
    const double *along;
    size_t first, end;
    double low, range;
};

/* The lowest level that it stayed below, and the highest that it stayed above, for HOLD_S: what is
 * there for a moment only is no end of the range. False when there is none. */
static bool find_range(const int64_t *t_ns, const double *x, size_t stride, size_t n, double *low,
                       double *high)
{
    *low = (double)INFINITY;
    *high = -(double)INFINITY;
    for (size_t k = 0; k < n;) {
        const size_t from = k;
        double least = (double)INFINITY, most = -least;
        for (; k < n && (k < from + 2 || et__cut_s(t_ns[from], t_ns[k]) <= HOLD_S); k++) {
            least = fmin(least, x[k * stride]);
            most = fmax(most, x[k * stride]);
        }
        if (isfinite(least) && isfinite(most)) {
            *low = fmin(*low, most);
            *high = fmax(*high, least);
        }
    }
    return isfinite(*high - *low);
}

static bool look_at(const struct et__cut_hand *hand, int64_t t_first_ns, int64_t t_last_ns,
                    struct look *look)
{
    if (!hand->track)
        return false;
    *look = (struct look){.t_ns = hand->track->t_ns, .along = hand->along};
    et__cut_samples(hand->track, t_first_ns, t_last_ns, &look->first, &look->end);
    if (look->end - look->first < 2)
        return false;
    double high;
    if (!find_range(&look->t_ns[look->first], &look->along[look->first], 1, look->end - look->first,
                    &look->low, &high))
        return false;
    look->range = high - look->low;
    return look->range >= RANGE_MIN;
}

/* Place of a sample in the range, 0 to 1. */
static double place(const struct look *look, size_t k)
{
    return fmax(0, fmin(1, (look->along[k] - look->low) / look->range));
}

/* The end that it is at for HOLD_S, first of all: +1, −1; 0 at none. */
static int first_end(const struct look *look)
{
    size_t since = look->first;
    int side = 0;
    for (size_t k = look->first; k < look->end; k++) {
        const double x = place(look, k);
        const int now = x >= HIGH ? 1 : x <= LOW ? -1 : 0;
        if (now != side)
            since = k;
        side = now;
        if (side != 0 && et__cut_s(look->t_ns[since], look->t_ns[k]) >= HOLD_S)
            return side;
    }
    return 0;
}

int et__cut_hand_vote(const struct et__cut_hand *hand, int64_t t_first_ns, int64_t t_last_ns)
{
    struct look look;
    return look_at(hand, t_first_ns, t_last_ns, &look) ? first_end(&look) : 0;
}

/* A hand opens until its limits stop it, and closes until what it holds does: the end at which more
 * of its values are near their limits is the open one. 0: they do not say. */
static int end_by_limits(const struct et__cut_hand *hand)
{
    const struct et_track *track = hand->track;
    const struct et_stream *stream = &track->stream;
    int votes = 0;
    for (size_t i = 0; i < stream->n_values && stream->lower && stream->upper; i++) {
        double low, high;
        if (hand->weight[i] == 0 || !find_range(track->t_ns, &track->values[i], stream->n_values,
                                                track->n_samples, &low, &high))
            continue;
        const double span = et__cut_value_span(stream, i);
        const double nearer = ((low - stream->lower[i]) - (stream->upper[i] - high)) / span;
        if (!(high - low >= MARGIN * span) || !(fabs(nearer) >= MARGIN))
            continue;
        votes += (nearer > 0) == (hand->weight[i] > 0) ? 1 : -1;
    }
    return (votes > 0) - (votes < 0);
}

void et__cut_hand_decide(struct et__cut_hand *hand)
{
    if (!hand->track)
        return;
    // What is told in metres is the way between fingers.
    const char *unit = hand->track->stream.unit;
    hand->open = unit && strcmp(unit, "m") == 0 ? 1 : end_by_limits(hand);
    if (hand->open == 0)
        hand->open = hand->votes >= 0 ? 1 : -1;
}

/* ---- events ---- */

/* Signed so that a movement rises. */
static double rise(const struct look *look, size_t k, int way)
{
    return way * place(look, k);
}

/* From sample k back to where the movement began, not before `bound`. `far` follows k at a distance
 * of STANDS_S, so that each sample is looked at twice. */
static size_t walk_back(const struct look *look, size_t k, size_t bound, int way)
{
    size_t far = k;
    for (; k > bound; k--) {
        while (far > bound && (far + 2 > k || et__cut_s(look->t_ns[far], look->t_ns[k]) < STANDS_S))
            far--;
        if (rise(look, k, way) - rise(look, far, way) < STANDS)
            break;
    }
    return k;
}

static size_t walk_on(const struct look *look, size_t k, int way)
{
    size_t far = k;
    for (; k + 1 < look->end; k++) {
        while (far + 1 < look->end &&
               (far < k + 2 || et__cut_s(look->t_ns[k], look->t_ns[far]) < STANDS_S))
            far++;
        if (rise(look, far, way) - rise(look, k, way) < STANDS)
            break;
    }
    return k;
}

/* When the movement between two samples passes a level, by a straight line between samples. */
static int64_t passes(const struct look *look, size_t from, size_t to, int way, double level)
{
    size_t k = from;
    while (k < to && rise(look, k, way) < level)
        k++;
    if (k == from)
        return look->t_ns[from];
    const double a = rise(look, k - 1, way), b = rise(look, k, way);
    const double part = b > a ? fmax(0, fmin(1, (level - a) / (b - a))) : 1;
    const double step_s = et__cut_s(look->t_ns[k - 1], look->t_ns[k]);
    return et__cut_add_s(look->t_ns[k - 1], part * step_s);
}

/* Goes through a stretch from turn to turn. */
struct turns {
    struct look look;
    size_t next;      // sample to go on from
    size_t bound;     // the last movement ended here
    double low, high; // extremes since the last turn
    int way;          // of the last movement; 0 before the first
    size_t doubted;   // up to here it is known that no turn is kept
};

/* True when the hand keeps beyond a turn for HOLD_S from sample k on. Otherwise it does not from
 * any sample before the one that it came back at either: those need no look. */
static bool keeps(struct turns *turns, size_t k, int way)
{
    const struct look *look = &turns->look;
    const int64_t t_ns = look->t_ns[k];
    if (k < turns->doubted)
        return false;
    for (; k < look->end; k++) {
        const bool is_beyond =
            way > 0 ? place(look, k) >= turns->low + TURN : place(look, k) <= turns->high - TURN;
        if (!is_beyond)
            break;
        if (et__cut_s(t_ns, look->t_ns[k]) >= HOLD_S)
            return true;
    }
    turns->doubted = k;
    return false;
}

/* The next movement; false at the end of the stretch. */
static bool next_turn(struct turns *turns, size_t *first, size_t *last)
{
    const struct look *look = &turns->look;
    for (size_t k = turns->next; k < look->end; k++) {
        const double x = place(look, k);
        turns->low = fmin(turns->low, x);
        turns->high = fmax(turns->high, x);
        int way = 0;
        if (turns->way <= 0 && x >= turns->low + TURN && keeps(turns, k, 1))
            way = 1;
        else if (turns->way >= 0 && x <= turns->high - TURN && keeps(turns, k, -1))
            way = -1;
        if (way == 0)
            continue;
        *first = walk_back(look, k, turns->bound, way);
        *last = walk_on(look, k, way);
        turns->way = way;
        turns->next = k;
        turns->bound = *last;
        turns->low = turns->high = x;
        return true;
    }
    turns->next = look->end;
    return false;
}

static struct et__cut_event event_of(const struct turns *turns, size_t first, size_t last,
                                     unsigned side, bool is_grasp)
{
    const struct look *look = &turns->look;
    const double from = rise(look, first, turns->way), to = rise(look, last, turns->way);
    const double edge = EDGE * (to - from);
    return (struct et__cut_event){
        .t_first_ns = passes(look, first, last, turns->way, from + edge),
        .t_last_ns = passes(look, first, last, turns->way, to - edge),
        .hands = side,
        .is_grasp = is_grasp,
    };
}

/* Counts the events of a stretch, or fills them in. A hand that does not begin open is at rest: to
 * open first is to get ready, and to close for the last time, after a release, to go back to rest.
 */
static size_t find_events(struct turns turns, int open, unsigned side, struct et__cut_event *events)
{
    const double begins = place(&turns.look, turns.look.first);
    const bool rests_closed = open > 0 ? begins < HIGH : begins > LOW;
    size_t first, last, n = 0;
    bool holds = false;
    while (next_turn(&turns, &first, &last)) {
        const bool is_grasp = turns.way != open;
        if (!is_grasp && !holds)
            continue;
        holds = is_grasp;
        if (events)
            events[n] = event_of(&turns, first, last, side, is_grasp);
        n++;
    }
    return rests_closed && holds && n > 1 ? n - 1 : n;
}

enum et_status et__cut_hand_events(const struct et__cut_hand *hand, unsigned side,
                                   int64_t t_first_ns, int64_t t_last_ns, struct et_arena *scratch,
                                   struct et__cut_event **events, size_t *n_events,
                                   struct et_err *err)
{
    struct turns turns = {.way = 0};
    *events = NULL;
    *n_events = 0;
    if (!look_at(hand, t_first_ns, t_last_ns, &turns.look))
        return ET_OK;
    turns.next = turns.bound = turns.look.first;
    turns.low = turns.high = place(&turns.look, turns.look.first);
    *n_events = find_events(turns, hand->open, side, NULL);
    *events = et_arena_array(scratch, *n_events + 1, sizeof **events); // the last may not count
    if (!*events)
        return et_arena_fail(scratch, "what a hand does", err);
    (void)find_events(turns, hand->open, side, *events);
    return ET_OK;
}
