/* Report card: what an exam found, skill by skill, and what to teach next.
 *
 * Read from an exam's folder, whether it is over or not, without the policy and without a world:
 * lines and counts are checked as et_exam_run_resume checks them. A page for people (one file, no
 * script, no request) and a document for programs say the same. doc/exam.md explains the grades.
 *
 * Units:   SI.
 * Threads: any; a card is read-only.
 * Memory:  the caller's arena, some kilobytes a trial. */
#ifndef ETUDE_EXAM_CARD_H
#define ETUDE_EXAM_CARD_H

#include "etude/exam_run.h"
#include "etude/exam_times.h"

/* Where things stood when a trial began, as a part of all places: one of three equally full parts
 * of a number of the scene, or one of nine of two numbers of one thing. */
struct et_exam_cell {
    const char *names[2]; // "bottle.x", "bottle.y"; the second NULL: of one number alone
    double low[2], high[2];
    uint64_t n, n_failures;
    struct et_interval failures; // their share, by Wilson, 95 %
    double p; // chance of as many failures there, or more, if where it stood made no difference
    bool is_clear; // whatever else was looked at (Holm, all cells of the skill together, 5 %)
};
#define ET_EXAM_CELLS 8        // that are kept, the least p first
#define ET_EXAM_CELL_TRIALS 10 // least trials of a cell that is looked at

/* What went wrong in the same way. */
struct et_exam_failure {
    enum et_exam_code code;
    const char *detail, *phase; // of the first of them
    uint64_t n;
    size_t i_trial; // the first of them
};
#define ET_EXAM_FAILURES 12 // that are kept, the most frequent first

struct et_exam_tier_part {
    uint64_t n, n_hits;
    struct et_interval shares; // Wilson, 95 %
    double evidence;           // as et_exam_standing has it, of these trials alone
};

/* Of all trials that counted. NAN where there is none. */
struct et_exam_spread {
    double median, p95, most;
};

struct et_exam_card_part {
    struct et_exam_standing standing;
    struct et_exam_tier_part tiers[ET_N_TIERS];
    struct et_interval shares; // Wilson, 95 %: what most papers print
    double pace;               // success-weighted, against a person's time (et_timed_weighted)
    double median_s;           // of those that came off; NAN
    double per_hour;           // successes, failed trials' time counted, nothing between trials
    char efficiency, safety;   // 'A' … 'E'; '-': nothing can be said yet
    struct et_exam_spread hand_n, body_n, speed_m_s, way_m, smoothness;
    struct et_timed_step *curve; // of et_timed_curve, 95 %
    size_t n_curve;
    struct et_exam_failure failures[ET_EXAM_FAILURES];
    size_t n_failures; // kinds that are kept
    struct et_exam_cell cells[ET_EXAM_CELLS];
    size_t n_cells, n_looked; // kept; looked at
    const char *const *names; // of et_exam_trial's scene; NULL: the ledger does not say
    size_t n_names;
    const char *next; // what to teach next: a sentence or two
};

struct et_exam_card {
    const char *folder;
    const struct et_exam *exam;
    const char *robot, *program;
    const char *policy, *kind, *dataset; // a path or URL, the kind, what it was trained on; or ""
    const char *digest;                  // of the policy's files; NULL: behind a URL
    struct et_policy_options how;        // how it acted
    int64_t n_episodes;                  // that it was trained on; -1: it does not say
    enum et_exam_verdict verdict;
    bool is_over;
    const struct et_exam_card_part *parts; // the exam's skills
    const struct et_exam_trial *trials;    // in the ledger's order
    size_t n_trials;
};

/* ET_ENOTFOUND: no exam there. ET_ECORRUPT: the ledger was edited, with its line. ET_ELIMIT: the
 * arena is too small for its trials. */
#define ET_EXAM_CARD_ARENA_BYTES ((size_t)1 << 30)
ET_MUST_USE ET_API enum et_status et_exam_card_read(const char *folder, struct et_arena *arena,
                                                    const struct et_exam_card **card,
                                                    struct et_err *err);

/* The members of a JSON map that is open. */
ET_API void et_exam_card_put(struct et_json_writer *w, const struct et_exam_card *card);

/* A trial that was played again, for a page. */
struct et_exam_film {
    size_t i_trial;
    const char *path;         // of the MP4, below the exam's folder
    struct et_str mp4, still; // bytes; a JPEG of how it ended
    bool is_same;             // it moved as the ledger says, bit by bit
};

struct et_exam_page {
    const struct et_exam_film *films;
    size_t n_films;
    const char *without_films;                // why there are none; NULL: none were asked for
    const struct et_exam_card *const *others; // of the same skills, for the curve of learning
    size_t n_others;
};

/* Writes the page behind what `buf` holds; its failures are the buffer's. */
ET_API void et_exam_card_page(const struct et_exam_card *card, const struct et_exam_page *page,
                              struct et_buf *buf);

/* ---- films ---- */

struct et_exam_film_options {
    size_t n_most;              // of failures of each skill, one of each kind first; and a success
    bool (*is_cancelled)(void); // NULL: never
    void (*tell)(void *ctx, size_t i, size_t n); // before film i of n; NULL
    void *ctx;
};
#define ET_EXAM_FILM_WIDTH_PX 384
#define ET_EXAM_FILM_HEIGHT_PX 288
#define ET_EXAM_FILM_FPS 10

/* Plays trials again and films them, below <folder>/films, where films of the same name go.
 * ET_EARG: the exam is not over, or the policy is not what it was, or is behind a URL.
 * ET_ENOTFOUND: no OpenGL, or no policy there any more. ET_ECANCELLED. Others: as et_stage_open. */
ET_MUST_USE ET_API enum et_status et_exam_films(const struct et_exam_card *card,
                                                const struct et_exam_film_options *options,
                                                struct et_arena *arena,
                                                const struct et_exam_film **films, size_t *n_films,
                                                struct et_err *err);

#endif
