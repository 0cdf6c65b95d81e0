/* Lessons' rows: what lessons.c reads and works out, and lessons_batch.c takes batches of. */
#ifndef LEARN__LESSONS_ROWS_H
#define LEARN__LESSONS_ROWS_H

#include "etude/loader.h"
#include "learn/learn__lessons.h"

#define ET__REMARKS_MAX 16

// What chance is drawn for.
enum { ET__FOR_ORDER = 1, ET__FOR_VALIDATION, ET__FOR_LOOK };

struct et__lessons {
    struct et_arena *arena; // the caller's
    const struct et_train_options *options;
    struct et_train_settings settings;
    struct et__recipe recipe;
    struct et__normal normal[ET__RECIPE_ROBOTS_MAX];
    struct et__lessons_facts facts;
    const char *remarks[ET__REMARKS_MAX];
    struct et__recipe_robot *robots;               // the recipe's
    struct et__body bodies[ET__RECIPE_ROBOTS_MAX]; // theirs, while it opens
    float *seen, *given;                           // of used rows: n_in, n_out each
    float *here;                                   // n_out each, where changes are given; else NULL
    bool has_gaps;                                 // not everything is given always
    size_t *last;                                  // of used rows: the last one of its episode
    float *weights;                                // of used rows; NULL: all are alike
    uint8_t *robot_of;                             // of used rows: whose they are
    int64_t *rows;                                 // of used rows: their numbers in the dataset
    struct et_loader *pictures;                    // NULL: none are seen
    int64_t *samples;                              // of a batch, for it
    size_t n_samples;
    size_t n_used, stride;
    size_t *train, *look; // used rows that samples begin at
    size_t n_train, n_look;
};

/* The goal of step k of the chunk behind a used row, n_out, in units. */
void et__lessons_goal(const struct et__lessons *lessons, size_t row, size_t k, float *goal);

#endif
