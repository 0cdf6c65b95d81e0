/* Cut: where one recording's episodes begin and end, and what their parts are.
 *
 * A recording is one run of a station; an episode is one attempt. What says where it is cut, in
 * this order of trust: marks (events "episode.begin" and "episode.end", or the words that a topic
 * uses for them), the recording's own spans (a demonstration of several in one file), idle gaps.
 * Idle heads and tails are trimmed. Segments inside an episode come from the recording's own spans
 * where it names some, then from its marks "phase: NAME", else from what is measured: the hands
 * close and open, contact begins and ends, the arms stand still. doc/cut.md has the rules, and what
 * they find on public data.
 *
 * Sources: hysteresis and speed minima as in the design's reference on segmentation: a hand turns
 * by 40 % of its range (the width between 30 and 70 %) for at least 0.1 s, minima below 5 % of the
 * 90th percentile of speed for at least 0.15 s, boundaries nearer than 0.4 s to one another are
 * one, but for the two of a grasp, a release or a contact.
 *
 * Units:   nanoseconds on the centre's clock; speeds in the streams' units a second.
 * Threads: no state.
 * Memory:  results in the caller's arena, which is as it was after a failure; labels and the names
 *          of named segments stay the input's. Scratch is an arena of its own, given back before
 *          the call returns: about 32 bytes a hundredth of a second (beyond 5.8 hours: no more), 8
 *          a sample of a hand, 4 a sample of one track; 512 MiB at most, else ET_ELIMIT.
 * Time:    linear in the samples. */
#ifndef ETUDE_CUT_H
#define ETUDE_CUT_H

#include "etude/episode.h"
#include "etude/recording.h"

/* An event of the recording on the centre's clock. */
struct et_mark {
    int64_t t_ns;
    const char *text; // "episode.begin", "start", "1"
};

enum et_cut_by {
    ET_CUT_AUTO,  // the first of the others that finds anything, else WHOLE
    ET_CUT_MARKS, // begin and end marks
    ET_CUT_SPANS, // the recording's own
    ET_CUT_IDLE,  // gaps in which nothing moves
    ET_CUT_WHOLE, // one episode: all of it
    ET_N_CUT_BYS
};
ET_API const char *et_cut_by_text(enum et_cut_by by); // "auto", "marks" …
ET_API bool et_cut_by_parse(const char *text, enum et_cut_by *by);

/* Zeroed: the defaults. */
struct et_cut_options {
    enum et_cut_by by;
    // The words of marks, in any case; what follows behind a space or colon is the label. "0", "1",
    // "true", "false", "on", "off" are states: told again, they say nothing new. The same word for
    // both begins and ends in turn.
    const char *begin;    // NULL: "episode.begin", "begin", "start"
    const char *end;      // NULL: "episode.end", "end", "stop"
    double idle_gap_s;    // standing still that long parts episodes; 0: 3 s
    double idle_speed;    // below it a joint stands still, rad/s (a place: m/s); a hand below five
                          // times as many of its ranges a second; 0: 0.02
    double trim_keep_s;   // what is kept of an idle head and tail; 0: 0.3 s; negative: no trimming
    double episode_min_s; // shorter ones are left out (and counted); 0: 1 s
    int64_t episodes_max; // 0: 100,000
};

struct et_cut_episode {
    int64_t t_first_ns, t_last_ns;     // after trimming
    int64_t t_begin_ns, t_end_ns;      // as marked
    const char *label;                 // of the mark or span, "" none
    bool was_cut;                      // it has a begin and no end, or the recording ends in it
    const struct et_segment *segments; // ascending, they cover the episode; none when too short
    size_t n_segments;
};

struct et_cut {
    enum et_cut_by by; // what it was cut by (never AUTO)
    const struct et_cut_episode *episodes;
    size_t n_episodes;
    size_t n_too_short;         // left out
    const char *const *remarks; // an end without a begin, two begins …: sentences
    size_t n_remarks;
};

/* What is cut: tracks of the whole recording on the centre's clock (many rates), its marks and its
 * spans on the same clock. */
struct et_cut_input {
    const struct et_track *tracks;
    size_t n_tracks;
    const struct et_mark *marks;
    size_t n_marks;
    const struct et_span *spans;
    size_t n_spans;
    int64_t t_first_ns, t_last_ns; // of the recording
};

/* ET_OK: *cut is filled; a recording in which nothing moves has no episodes by IDLE, and a marked
 * episode in which nothing moves is not trimmed. ET_EARG: an option below 0 or not finite, a
 * recording that ends before it begins. ET_ELIMIT: more than episodes_max pieces (those that are
 * too short count), or the arena. options may be NULL. */
ET_MUST_USE ET_API enum et_status et_cut(const struct et_cut_input *input,
                                         const struct et_cut_options *options,
                                         struct et_arena *arena, struct et_cut *cut,
                                         struct et_err *err);

/* The segments of one stretch alone: "approach", "grasp", "carry", "release", "retreat" around what
 * a hand does (its side in front when both act: "left grasp", "both carry"), "contact" where a
 * wrench or a touch says so, "move" and "rest" where only speed tells. None for a stretch below
 * 0.4 s, or when no stream says how anything moves. ET_EARG: it ends before it begins. ET_ELIMIT:
 * the arena. */
ET_MUST_USE ET_API enum et_status et_cut_segments(const struct et_track *tracks, size_t n_tracks,
                                                  int64_t t_first_ns, int64_t t_last_ns,
                                                  struct et_arena *arena,
                                                  const struct et_segment **segments,
                                                  size_t *n_segments, struct et_err *err);

#endif
