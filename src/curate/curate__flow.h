/* Which way a picture went from one frame to the next.
 *
 * A picture is cut into tiles, and each tile is followed from frame to frame: coarse ones first, in
 * a picture that was made small, then finer ones from where those went. Both frames are moved, by
 * half the way each, so that a tile's way is that of the moment between them. What is told is the
 * mean way of all tiles, those that stand still too: an object that moves over a still ground moves
 * the mean by its speed times its area, wherever it is.
 *
 * Units:   pixels of the picture, right and down.
 * Threads: one a flow.
 * Memory:  the arena's, when it is opened. */
#ifndef CURATE__FLOW_H
#define CURATE__FLOW_H

#include "etude/arena.h"

#include <stdbool.h>

// Means over tiles (exact where a camera moves), right and down, and where tiles hold more than one
// motion over their quarters (better where objects move before a camera that stands).
#define ET__N_FLOWS 4

#define ET__FLOW_LEVELS 3
struct et__flow {
    int width_px[ET__FLOW_LEVELS], height_px[ET__FLOW_LEVELS]; // each half of the one before
    float *now[ET__FLOW_LEVELS], *before[ET__FLOW_LEVELS];     // [0] is the caller's
    float *ways[2]; // right and down, a tile: those of a pass, and of the one before
};

// Values behind a picture that may be read, and do not count.
#define ET__FLOW_PAD 4

/* Makes room for pictures of a size; false: the arena is full. */
bool et__flow_open(struct et__flow *flow, int width_px, int height_px, struct et_arena *arena);

/* Takes the next picture (width × height levels, row by row, and ET__FLOW_PAD more values).
 * `before` is the picture that was taken with the call before, and NULL with the first. Ways are
 * NaN with the first, and where the picture is too small for a tile. */
void et__flow_next(struct et__flow *flow, float *now, float *before, double way_px[ET__N_FLOWS]);

#endif
