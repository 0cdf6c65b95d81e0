/* What hands hold: how far each is open, what it was told, and what its fingers feel, on one grid
 * of time. Inspectors of what bodies do (missed_grasp, slip, drop, early_release, collision) share
 * it.
 *
 * Units: openings in shares of what the hand's limits allow, larger is more open. NaN: not known.
 */
#ifndef CURATE__GRIP_H
#define CURATE__GRIP_H

#include "curate/curate__cut.h"
#include "curate/curate__inspect.h"

// Defaults that all of them have.
#define ET__CLOSE_SHARE 0.2 // of its range: a command that goes further closes a hand, or opens it
#define ET__HOLD_S 0.25     // what fingers feel for less time was not held

// The first parameters of those that look at what closed hands hold.
enum { ET__CLOSED_SHARE, ET__CLOSED_TOUCH_N, ET__CLOSED_HOLD_S, ET__N_CLOSED_PARAMS };
// clang-format off
#define ET__CLOSED_PARAMS                                                                   \
    [ET__CLOSED_SHARE] = {"close_share", ET__CLOSE_SHARE, "fraction",                       \
        "a hand that is told to close by more than this share of its range is to hold"},    \
    [ET__CLOSED_TOUCH_N] = {"touch_n", ET__CUT_TOUCH_ON_N, "N",                             \
        "what two fingers must feel of a thing that is held"},                              \
    [ET__CLOSED_HOLD_S] = {"hold_s", ET__HOLD_S, "s", "what is felt for less time was not held"}
// clang-format on

/* A hand that has a command, a reading and fingers that feel. Arrays have one value a cell. */
struct et__grip {
    const char *side;              // "left", "right"
    const struct et_track *hand;   // its reading
    const struct et_track *touch;  // of its fingers
    const struct et_track *wrench; // of its wrist; NULL: there is none
    struct et__cut_grid grid;      // of the episode
    const double *opening;
    const double *command; // of the opening
    const double *load;    // what the second of its fingers feels: one finger holds nothing
    const double *speed;   // of the fastest joint of its arm and the waist, rad/s
    const double *force;   // cells × 3, N, of its wrist; NULL: no wrench
    double empty_n;        // what its wrist bears when nothing is held; NaN: not known
};

/* Fills look->grips, at the first call: the hands of the episode that can be looked at. */
ET_MUST_USE enum et_status et__grips(struct et__look *look, struct et_err *err);

/* From when a hand is told to close on to when it is told to open again, in cells. */
struct et__closed {
    size_t first, end; // end: grid.n when it never is
    bool is_opened;
};

/* Calls `inspect` for each time that a hand of the episode is, until it fails; a command that moves
 * by less than `share` neither closes nor opens. */
ET_MUST_USE enum et_status
et__each_closed(struct et__look *look, double share,
                enum et_status (*inspect)(struct et__look *look, const struct et__grip *grip,
                                          const struct et__closed *closed, struct et_err *err),
                struct et_err *err);

/* The next one of a hand from cell `from` on. False: there is none. */
bool et__grip_next(const struct et__grip *grip, double share, size_t from,
                   struct et__closed *closed);

/* The first stretch in first … end − 1 in which the load is at least `level` for `hold_s`. */
struct et__held {
    size_t first, end;
};
bool et__grip_held(const struct et__grip *grip, size_t first, size_t end, double level,
                   double hold_s, struct et__held *held);

/* A duration in cells, at least 1. */
size_t et__grip_cells(const struct et__grip *grip, double s);

/* How much its wrist bears, N. */
double et__grip_force(const struct et__grip *grip, size_t cell);

/* The mean of values first … end − 1 that are known; NaN: none is. */
double et__grip_mean(const double *values, size_t first, size_t end);

/* A finding about cells first … last of a hand. */
struct et_finding et__grip_finding(const struct et__look *look, const struct et__grip *grip,
                                   size_t first, size_t last, enum et_severity severity);

#endif
