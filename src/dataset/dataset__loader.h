/* The inside of a loader: numbers by sample, pictures by sample, and what joins them to batches.
 *
 * Samples are numbered through the episodes that were asked for, in their order; a row of one is
 * (span, row). What a thread needs for itself (decoders, a picture) is a desk: one a thread of the
 * pool, and one of the caller's. */
#ifndef DATASET_DATASET__LOADER_H
#define DATASET_DATASET__LOADER_H

#include "dataset/dataset__internal.h"

#include "etude/loader.h"
#include "etude/pictures.h"

#include <pthread.h>

#define ET__READERS 16 // open videos of a desk

/* Samples of one episode. */
struct et__span {
    int64_t place;         // of the episode, in the dataset
    int64_t first, n_rows; // its first sample's number
};

struct et__spans {
    struct et__span *items;
    size_t n;
    int64_t n_samples;
};

// Whose sample it is.
const struct et__span *et__span_of(const struct et__spans *spans, int64_t sample);

/* ---- numbers (loader_rows.c) ---- */

struct et__numbers {
    size_t i_feature, n_values;
    float *values;                 // n_samples × n_values
    struct et_loader_stats *stats; // n_values
};

struct et__rows_table {
    struct et__numbers *items; // each feature once
    size_t n;
    int64_t *tasks; // n_samples; NULL: the dataset has none
    void *memory;
    size_t n_bytes;
    bool is_mapped;
};

/* Reads the features into memory, or into a file without a name where they have more than bytes_max
 * bytes. The arena is the loader's. Failures as et_loader_open. */
ET_MUST_USE enum et_status et__rows_load(struct et__rows_table *table, const struct et_dataset *ds,
                                         const struct et__spans *spans, size_t bytes_max,
                                         struct et_arena *arena, struct et_err *err);
void et__rows_release(struct et__rows_table *table);

/* ---- pictures (loader_pictures.c) ---- */

/* Where an episode's pictures of a feature are. */
struct et__film {
    const char *path; // video; NULL: they stand in the rows
    int64_t first;    // frame in it
    struct et_pictures_range range;
};

/* Pictures of a feature at one size, decoded and scaled; and those that are kept. */
struct et__album {
    const struct et__spans *spans;
    size_t i_feature;
    int width_px, height_px;
    size_t n_bytes;         // of a picture
    struct et__film *films; // by span
    pthread_mutex_t lock;   // of what is below
    int32_t *slot_of;       // by sample; −1: not kept. NULL: nothing is
    int64_t *sample_in;     // by slot; −1: free
    uint8_t *was_used;      // by slot, since the hand passed
    uint8_t *kept;
    size_t n_slots, hand;
};

struct et__desk_reader {
    const char *path;
    struct et_video_reader *video;
    const struct et__film *film; // of pictures in rows
    struct et_pictures *pictures;
    uint64_t used;
};

struct et__desk {
    struct et__desk_reader readers[ET__READERS];
    uint64_t n_uses;
    struct et_buf picture, rgb; // as scaled; as stored, from rows
};
void et__desk_release(struct et__desk *desk);

/* Looks at where every episode's pictures are, and that there are enough. Sizes 0: as stored.
 * kept_bytes_max: of the pictures that are kept. Failures as et_loader_open. */
ET_MUST_USE enum et_status et__album_open(struct et__album *album, const struct et_dataset *ds,
                                          const struct et__spans *spans,
                                          const struct et_loader_column *column,
                                          size_t kept_bytes_max, struct et_arena *arena,
                                          struct et_err *err);
void et__album_release(struct et__album *album);

/* The picture of a sample: a view of the desk's, valid until its next one. Any thread, each with
 * its own desk. ET_ECORRUPT: it cannot be decoded. */
ET_MUST_USE enum et_status et__album_get(struct et__album *album, struct et__desk *desk,
                                         int64_t sample, const uint8_t **rgb, struct et_err *err);

#endif
