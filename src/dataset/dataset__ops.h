/* What copying and building share: the run over episodes, remarks, and provenance.
 *
 * Episodes are read on the pool's threads, a few ahead of the one that is being written, and
 * written in order on the calling thread, so the bytes do not depend on the threads. */
#ifndef DATASET_DATASET__OPS_H
#define DATASET_DATASET__OPS_H

#include "dataset/dataset__write.h"

/* An episode that was picked. */
struct et__item {
    size_t i_pick;
    size_t i_in_pick; // 0 for the pick's first episode
    int64_t place;    // in its dataset
};

enum et__outcome {
    ET__ADD,
    ET__REJECT,   // judged, and listed
    ET__LEAVE_OUT // cannot be taken over; listed with `trouble`
};

/* An episode on its way through the pool. All of it lives in the slot's arena. */
struct et__slot {
    struct et_arena *arena;
    struct et_arena_mark start; // of the arena, empty
    enum et__outcome outcome;
    struct et_new_episode episode;
    struct et__prepared prepared;
    struct et_rejected_episode rejected;
    struct et_err trouble;
    int64_t n_bytes_in;
    bool has_other_times; // timestamps were not frame / fps and are made anew
    bool has_other_tasks; // a row's task number names no task
    /* Recorded pictures may prove undecodable only when they are written. Then the episode is made
     * again, carefully: every picture is tried first. */
    bool is_careful;         // for make: do so
    bool could_be_careful;   // by make: it was not, and it might help
    const char *substitutes; // by make: which rows have another picture than theirs; NULL: none
};

struct et__run {
    const struct et_pick *picks;
    size_t n_picks;
    struct et__item *items;
    size_t n_items;
    double *bytes_per_row; // of each pick, without videos

    const char *path; // of the output
    const struct et_dataset_spec *spec;
    const struct et_provenance *provenance;
    struct et_pool *pool;
    et_dataset_progress progress;
    void *progress_ctx;

    /* Reads item i into the slot, on any thread. Not ET_OK: the run ends. */
    enum et_status (*make)(void *ctx, size_t i, const struct et__spec *spec, struct et__slot *slot,
                           struct et_err *err);
    /* Called on the calling thread when the folder was made; may be NULL. */
    enum et_status (*begun)(void *ctx, const char *path, struct et_err *err);
    void *ctx;

    struct et__remarks remarks; // its arena is set by the caller
    struct et_dataset_writer *writer;
    struct et__slot *slots;
    size_t n_slots;
    int64_t n_bytes_in;
    int64_t n_done;
    int64_t n_other_times, n_other_tasks;
};

/* All picked episodes, in order. ET_EARG: a pick names an episode that is not there. */
ET_MUST_USE enum et_status et__items_make(struct et__run *run, struct et_arena *arena,
                                          struct et_err *err);

/* Creates the output, takes every item through it, and finishes it. */
ET_MUST_USE enum et_status et__run_all(struct et__run *run, struct et_ops_result *result,
                                       struct et_err *err);

/* Place of a text in a list of *n texts; it is appended when it is not there. */
int64_t et__place_of_task(const char **tasks, size_t *n, const char *text);

/* A remark on the operation; where is copied. */
void et__note(struct et__remarks *remarks, enum et_severity severity, const char *where,
              const char *fmt, ...) ET_PRINTF(4, 5);

int64_t et__episode_bytes(const struct et__run *run, const struct et__item *item,
                          const struct et_new_episode *episode);

/* "<set>/<index>" in the arena; NULL when it is full. */
const char *et__source_id(const struct et_dataset *dataset, int64_t index, struct et_arena *arena);

/* What an operation was made from: each input's digest over the content of meta/ and the names and
 * sizes of all other files. `settings` is one JSON object. */
ET_MUST_USE enum et_status et__provenance_make(const struct et__run *run, const char *action,
                                               const char *settings, struct et_arena *arena,
                                               const struct et_provenance **provenance,
                                               struct et_err *err);

/* Statistics of pictures that a dataset's metadata has for an episode, as a tree; NULL when there
 * are none. */
const struct et_value *et__stored_picture_stats(const struct et_dataset *dataset, int64_t place,
                                                const char *feature, struct et_arena *arena);

/* modality.json (groot.c): from a source's own, without videos that are not kept; or from the
 * streams that its profile finds. In the arena; NULL when it is full. */
const char *et__modality_filter(const struct et_value *modality, const struct et_feature *features,
                                size_t n_features, struct et_arena *arena);
const char *et__modality_make(const struct et_dataset *dataset, const struct et_feature *features,
                              size_t n_features, struct et_arena *arena);

#endif
