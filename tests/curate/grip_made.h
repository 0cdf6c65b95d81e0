/* A grasp, made: an arm reaches, its gripper closes about a thing at 2 s, carries it from 3 s to
 * 5 s, stands, and lets go at 6 s; with what its pads and its wrist feel. On demand something goes
 * wrong. One track at 500 Hz (the wrench), the others at 100. */
#ifndef TESTS_CURATE_GRIP_MADE_H
#define TESTS_CURATE_GRIP_MADE_H

#include "etude/episode.h"

#include "support.h"

#define GRIP_S 8
#define GRIP_HZ 100
#define GRIP_WRENCH_HZ 500
#define GRIP_TRACKS 6

enum grip_track {
    GRIP_ARM,
    GRIP_HAND,
    GRIP_TOUCH,
    GRIP_WRENCH,
    GRIP_ARM_COMMAND,
    GRIP_HAND_COMMAND,
};

/* Zeroed: all goes well. */
struct grip_story {
    double width_m;       // of the thing; 0: 0.04; below 0: there is none
    double weight_n;      // of the thing; 0: 6
    double felt_s;        // where there is none: the pads feel something so long, from 2.3 s on
    double lost_s;        // it falls out of the hand then; 0: never
    double slides_s;      // it slides then, for 60 ms; 0: never
    double shakes_n;      // what it holds rubs on something: so much more and less, every 10 ms
    double dips_s;        // the pads hardly feel it then, for 10 ms; 0: never
    double open_s;        // the hand is told to open; 0: 6
    double speed_rad_s;   // of the arm, all along; 0: it moves from 3 s to 5 s
    double hit_n;         // the open hand meets something with this at 1 s, for 60 ms
    double hit_s;         // and not at 1 s, but then
    bool is_closed_first; // the hand is a fist at 0.3 s
};

struct grip_made {
    struct et_arena *arena;
    struct et_episode episode;
    struct et_track tracks[GRIP_TRACKS];
    double *values[GRIP_TRACKS];
};

void grip_open(struct grip_made *made, const struct grip_story *story);
void grip_close(struct grip_made *made);

/* The same in an arena that is the caller's. */
void grip_fill(struct grip_made *made, struct et_arena *arena, const struct grip_story *story);

#endif
