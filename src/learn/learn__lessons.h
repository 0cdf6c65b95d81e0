/* Lessons: a dataset's rows as what a network sees and shall give, and batches of them.
 *
 * All rows are read once, and what is seen and given is worked out for each. A sample is a row and
 * the chunk behind it, `stride` rows a step; behind the episode's end the last row goes on. Which
 * samples a batch has, and what is drawn for them, is a function of the seed and the step.
 *
 * Threads: one thread's at a time.
 * Memory:  (n_in + n_out) floats a row that is used; decoded pictures, as many as the settings say.
 */
#ifndef LEARN__LESSONS_H
#define LEARN__LESSONS_H

#include "learn/learn__net.h"
#include "learn/learn__recipe.h"

/* How numbers of a robot are made alike: seen = (x − mean) · scale, held within ±ET__SEEN_MAX;
 * given = (y − mean) / deviation. */
#define ET__SEEN_MAX 6.0F

struct et__normal {
    float *in_mean, *in_scale;       // n_in
    float *out_mean, *out_deviation; // n_out
    float most;                      // that seen is held within; 0: as it is
};
ET_MUST_USE enum et_status et__normal_make(struct et__normal *normal, size_t n_in, size_t n_out,
                                           struct et_arena *arena, struct et_err *err);
/* Of each robot of a recipe, or of one that nobody knows. */
ET_MUST_USE enum et_status et__normals_make(struct et__normal *normals,
                                            const struct et__recipe *recipe, struct et_arena *arena,
                                            struct et_err *err);
void et__normal_see(const struct et__normal *normal, float *seen, size_t n_in);

/* A camera's picture as it comes (RGB) into 3 × seen height × seen width floats, normalised.
 * scaled: room for what it is scaled to. ET_ENOMEM. */
ET_MUST_USE enum et_status et__recipe_look(const struct et__recipe_pictures *pictures,
                                           size_t i_camera, const uint8_t *rgb, uint8_t *scaled,
                                           float *seen, struct et_err *err);

struct et__lessons;

/* Reads the dataset, which stays open where pictures are seen, and makes the recipe, whose texts
 * lie in the arena, of the settings (with a rate) and of what the dataset has. Errors as
 * et_train_open. */
ET_MUST_USE enum et_status et__lessons_open(struct et__lessons **lessons,
                                            const struct et_dataset *dataset,
                                            const struct et_train_options *options,
                                            struct et_arena *arena, struct et_err *err);
void et__lessons_close(struct et__lessons *lessons); // NULL is allowed

struct et__lessons_facts {
    const struct et__recipe *recipe;
    const struct et__normal *normal; // of each robot
    const char *dataset;
    const char *const *tasks;
    size_t n_tasks;
    int64_t n_episodes, n_validation, n_rows, n_used;
    uint64_t hash; // of all that is seen and given
    size_t memory_bytes;
    const char *const *remarks;
    size_t n_remarks;
};
const struct et__lessons_facts *et__lessons_facts(const struct et__lessons *lessons);

/* Room for a batch of n samples for a network. */
ET_MUST_USE enum et_status et__lessons_batch(const struct et__lessons *lessons,
                                             const struct et__net *net, size_t n,
                                             struct et_arena *arena, struct et__net_batch *batch,
                                             struct et_err *err);
/* Which part of a batch is filled: samples first … last − 1 of a step's; is_look: of validation's
 * rows, the same for every step. */
struct et__lessons_part {
    int64_t step;
    bool is_look;
    size_t first, last;
};
/* *n: how many samples the whole batch has (0: no validation). Pictures are valid until the next
 * call. ET_ECORRUPT: a picture cannot be decoded. */
ET_MUST_USE enum et_status et__lessons_fill(struct et__lessons *lessons, const struct et__net *net,
                                            const struct et__lessons_part *part,
                                            struct et_pool *pool, struct et__net_batch *batch,
                                            size_t *n, struct et_err *err);

#endif
