/* What the parts of cutting share: pieces of a recording, a grid of time, and what a hand does. */
#ifndef CURATE__CUT_H
#define CURATE__CUT_H

#include "etude/cut.h"

#define ET__CUT_STEP_NS 10000000     // of the grid
#define ET__CUT_CELLS_MAX (1U << 21) // beyond 5.8 hours the grid is coarser
#define ET__CUT_REMARKS_MAX 20       // then one that counts the rest

// A hand's readings come in steps: it moves when it goes through its range this many times faster
// than a joint that counts as moving.
#define ET__CUT_HAND_FACTOR 5

/* One cut while it is made. */
struct et__cutting {
    const struct et_cut_input *input;
    struct et_cut_options options; // defaults filled in
    struct et_arena *arena;        // results
    struct et_arena *scratch;      // given back at the end
    struct et_cut *cut;
    struct et_cut_episode *episodes; // room for `cap`
    size_t n, cap;
    const char **remarks; // room for ET__CUT_REMARKS_MAX + 1
    size_t n_remarks;     // also those that had no room
};

/* Times in equal cells: cell c begins at t_first_ns + c × step_ns. */
struct et__cut_grid {
    int64_t t_first_ns, t_last_ns, step_ns;
    size_t n;
};
struct et__cut_grid et__cut_grid(int64_t t_first_ns, int64_t t_last_ns);
int64_t et__cut_cell_ns(const struct et__cut_grid *grid, size_t cell);
size_t et__cut_cell(const struct et__cut_grid *grid, int64_t t_ns); // clamped

/* The samples first … end − 1 of a track that lie in t_first_ns … t_last_ns. */
void et__cut_samples(const struct et_track *track, int64_t t_first_ns, int64_t t_last_ns,
                     size_t *first, size_t *end);

/* Seconds from one time to a later one, whatever they are. */
double et__cut_s(int64_t from_ns, int64_t to_ns);
int64_t et__cut_add_s(int64_t t_ns, double s); // stops at the ends of int64_t

/* ---- pieces ---- */

/* Room for that many pieces, or as many as are allowed. */
ET_MUST_USE enum et_status et__cut_room(struct et__cutting *cutting, uint64_t n,
                                        struct et_err *err);
ET_MUST_USE enum et_status et__cut_add(struct et__cutting *cutting, int64_t t_begin_ns,
                                       int64_t t_end_ns, const char *label, bool was_cut,
                                       struct et_err *err);
ET_MUST_USE enum et_status et__cut_remark(struct et__cutting *cutting, struct et_err *err,
                                          const char *fmt, ...) ET_PRINTF(3, 4);

/* True when the text is the word, or begins with it and goes on behind a colon or white space;
 * *label is what follows. Case does not count. */
bool et__cut_says(const char *text, const char *word, const char **label);

ET_MUST_USE enum et_status et__cut_by_marks(struct et__cutting *cutting, struct et_err *err);
ET_MUST_USE enum et_status et__cut_by_spans(struct et__cutting *cutting, struct et_err *err);

/* ---- movement ---- */

/* Where anything moves, as runs of cells. */
struct et__cut_run {
    size_t first, end;
};
struct et__cut_moves {
    struct et__cut_grid grid;
    const struct et__cut_run *runs;
    size_t n_runs;
    double blur_s; // a run's ends are right to this
    bool is_known; // some track says how something moves
};
ET_MUST_USE enum et_status et__cut_moves(const struct et_cut_input *input, double idle_speed,
                                         struct et_arena *scratch, struct et__cut_moves *moves,
                                         struct et_err *err);
ET_MUST_USE enum et_status et__cut_by_idle(struct et__cutting *cutting,
                                           const struct et__cut_moves *moves, struct et_err *err);

/* Takes the idle head and tail off, but for keep_s. A piece in which nothing moves stays. */
void et__cut_trim(const struct et__cut_moves *moves, double keep_s, struct et_cut_episode *episode);

/* True when something moves in the last cells of the recording. */
bool et__cut_moves_at_end(const struct et__cut_moves *moves);

/* The largest speed of any joint (hands too when asked) at every cell, in what one idle_speed is
 * measured in. *is_known: there was a track. */
struct et__cut_speed_options {
    bool with_hands;
    double blur_s; // out: of the slowest track
    bool is_known; // out
};
ET_MUST_USE enum et_status et__cut_speed(const struct et_track *tracks, size_t n_tracks,
                                         const struct et__cut_grid *grid,
                                         struct et__cut_speed_options *options,
                                         struct et_arena *scratch, double **speed,
                                         struct et_err *err);

/* ---- hands ---- */

#define ET__CUT_N_HANDS 2 // left, right

/* A hand as one number a sample: how far it is along the way that its fingers go together, in
 * shares of what their limits allow. */
struct et__cut_hand {
    const struct et_track *track; // NULL: there is none that ever moves
    const double *along;          // track->n_samples, finite
    const double *weight;         // of each value in it
    int votes;                    // of stretches: + when the large end came first
    int open;                     // +1: the large end is the open one; −1: the small one
};

/* A hand closes or opens. */
struct et__cut_event {
    int64_t t_first_ns, t_last_ns;
    unsigned hands; // 1 left, 2 right
    bool is_grasp;
};

/* What limits allow a value of a hand's track to move by. */
double et__cut_value_span(const struct et_stream *stream, size_t i);
bool et__cut_is_hand(const struct et_stream *stream);

ET_MUST_USE enum et_status et__cut_hands_open(const struct et_track *tracks, size_t n_tracks,
                                              struct et_arena *scratch,
                                              struct et__cut_hand hands[ET__CUT_N_HANDS],
                                              struct et_err *err);

/* Which end comes first in a stretch: +1, −1, or 0 when the hand does nothing there. */
int et__cut_hand_vote(const struct et__cut_hand *hand, int64_t t_first_ns, int64_t t_last_ns);
void et__cut_hand_decide(struct et__cut_hand *hand);

/* The events of one hand in a stretch, ascending: a grasp, a release, a grasp … */
ET_MUST_USE enum et_status et__cut_hand_events(const struct et__cut_hand *hand, unsigned side,
                                               int64_t t_first_ns, int64_t t_last_ns,
                                               struct et_arena *scratch,
                                               struct et__cut_event **events, size_t *n_events,
                                               struct et_err *err);

/* ---- contact ---- */

/* What hands do at a cell. */
#define ET__CUT_HOLDS_LEFT 1
#define ET__CUT_HOLDS_RIGHT 2
#define ET__CUT_ACTS 4 // a hand closes or opens

// A touch from here on is one: what rests on a finger is heavier.
#define ET__CUT_TOUCH_ON_N 0.5

/* The hands (ET__CUT_HOLDS_…) that a sensor of that part is at; both, where it does not say. */
unsigned et__cut_hands_of(enum et_part part);

/* A contact, as one sensor felt it, and who is told of it when it is over. */
struct et__cut_felt {
    int64_t t_first_ns, t_last_ns;
    double most; // beside what it felt before
};
struct et__cut_feeling {
    const struct et__cut_grid *grid;
    const uint8_t *doing; // what is felt in cells of ET__CUT_ACTS is no contact
    void (*felt)(void *ctx, const struct et__cut_felt *felt);
    void *ctx;
};

/* Tells of every time that a wrist bears 5 N more than what it carried before, however short. A
 * track of at least 3 values. */
void et__cut_feel_wrench(const struct et_track *track, const struct et__cut_feeling *feeling);

/* Marks the cells in which a wrench or a touch says contact. What a hand holds touches it, and
 * closing loads the wrist: neither is news. */
void et__cut_contact(const struct et_track *tracks, size_t n_tracks,
                     const struct et__cut_grid *grid, const uint8_t *doing, uint8_t *contact);

/* ---- segments ---- */

struct et__cut_stretch {
    const struct et_track *tracks;
    size_t n_tracks;
    const struct et__cut_hand *hands;
    int64_t t_first_ns, t_last_ns;
};
ET_MUST_USE enum et_status et__cut_stretch(const struct et__cut_stretch *stretch,
                                           struct et_arena *scratch, struct et_arena *arena,
                                           const struct et_segment **segments, size_t *n_segments,
                                           struct et_err *err);

/* The segments that the recording itself names in a piece; none when it names none. */
ET_MUST_USE enum et_status et__cut_named_segments(const struct et_span *spans, size_t n_spans,
                                                  struct et_arena *arena,
                                                  struct et_cut_episode *episode, size_t *next,
                                                  struct et_err *err);

/* What marks name: "phase: reach" lasts until the next phase, success, failure or end. Sorted, in
 * scratch; names are the marks'. */
ET_MUST_USE enum et_status et__cut_phases(struct et__cutting *cutting, struct et_span **spans,
                                          size_t *n_spans, struct et_err *err);

/* The spans of one kind, sorted, none over another; *n_bad of them had no length. */
ET_MUST_USE enum et_status et__cut_sorted_spans(const struct et_cut_input *input, bool episodes,
                                                struct et_arena *scratch, struct et_span **spans,
                                                size_t *n_spans, size_t *n_bad, size_t *n_over,
                                                struct et_err *err);

#endif
