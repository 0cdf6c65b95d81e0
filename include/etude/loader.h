/* Loader: batches of a dataset in any order, for those who train on it.
 *
 * A sample is a row of an episode, with what the caller asks for around it: for each column a
 * feature and a list of steps, in rows before (< 0) or behind it. {0} of "observation.state" is the
 * state, 0 … K − 1 of "action" the next K actions, {−6, −3, 0} a history. A step outside the
 * episode takes its first or last row, and says so (`padded`), as LeRobot's delta_timestamps do.
 *
 * Numbers become float; pictures (videos, and images in rows) are decoded to the very frame,
 * scaled, cropped, and given as bytes or as normalised floats.
 *
 * The order of an epoch is a function of (seed, epoch, number of samples) and of nothing else: not
 * of threads, caches, or what was asked before. A loader that begins in the middle of an epoch goes
 * on as one that came there.
 *
 * Units:   as stored; pictures RGB.
 * Threads: a loader belongs to one thread; n_threads others decode ahead for it.
 * Memory:  numbers of all samples (4 bytes each; beyond rows_bytes_max in a file without a name,
 *          which the system may page out), n_ahead + 1 batches, decoded pictures up to
 *          pictures_bytes_max, and what open videos hold: READERS of them a thread. */
#ifndef ETUDE_LOADER_H
#define ETUDE_LOADER_H

#include "etude/dataset.h"

#define ET_LOADER_COLUMNS_MAX 64
#define ET_LOADER_STEPS_MAX 4096
#define ET_LOADER_BATCH_MAX (1 << 20)

enum et_picture_layout {
    ET_PICTURE_BYTES,  // uint8, height × width × 3
    ET_PICTURE_FLOATS, // float, 3 × height × width: (value / 255 − mean) / deviation
};

/* What a batch holds of a feature. */
struct et_loader_column {
    const char *feature; // of numbers ("action", "timestamp"), or of pictures
    const int *steps;    // rows from the sample's own; NULL: {0}
    size_t n_steps;      // 0: 1
    // Of pictures. They are scaled to width × height, then cropped.
    int width_px, height_px;           // 0: as stored
    int crop_width_px, crop_height_px; // 0: not cropped
    bool is_crop_random;               // one place a sample and epoch; else the middle
    enum et_picture_layout layout;
    float mean[3], deviation[3]; // of floats; deviation 0: 1
};

struct et_loader_options {
    const struct et_loader_column *columns;
    size_t n_columns;
    const int64_t *episodes; // places in the dataset, in the order samples are numbered; NULL: all
    size_t n_episodes;
    size_t batch;              // samples
    bool is_in_order;          // not shuffled
    bool drops_rest;           // an epoch's last batch that is smaller is left out
    uint64_t seed;             // of the order and of crops
    unsigned n_threads;        // that work ahead; 0: et_loader_next does the work itself
    unsigned n_ahead;          // batches that may wait; 0: 2 a thread
    size_t rows_bytes_max;     // of numbers in memory; 0: 2 GiB
    size_t pictures_bytes_max; // of decoded pictures that are kept; 0: none
    const char *weight;        // a feature of one number: a sample's weight; NULL: 1
};

struct et_loader;

/* Reads the numbers of all episodes that are asked for. The dataset stays the caller's and open.
 * ET_ENOTFOUND: no such feature (the text has the nearest), an episode's data or video is absent.
 * ET_EARG: options out of range, no samples. ET_ECORRUPT: a file cannot be read, an episode's rows
 * or frames are not as many as its metadata says, a feature has another number of values in some
 * row, a value is not finite; each with the file, the feature and the row. ET_EUNSUPPORTED: a
 * feature of text; episodes that curation wrote. ET_ELIMIT, ET_ENOMEM, ET_EIO. */
ET_MUST_USE ET_API enum et_status et_loader_open(struct et_loader **loader,
                                                 const struct et_dataset *dataset,
                                                 const struct et_loader_options *options,
                                                 struct et_err *err);
ET_API void et_loader_close(struct et_loader *loader); // NULL is allowed

/* Samples that are loaded, and batches of an epoch. */
ET_API int64_t et_loader_n_samples(const struct et_loader *loader);
ET_API int64_t et_loader_n_batches(const struct et_loader *loader);

/* What a column came to. `names` as the feature's, or NULL. */
struct et_loader_shape {
    size_t n_steps;
    size_t n_values;         // of a step: numbers; of pictures height × width × 3
    int width_px, height_px; // of what comes out; 0: numbers
    enum et_picture_layout layout;
    const char *const *names;
};
ET_API struct et_loader_shape et_loader_shape(const struct et_loader *loader, size_t i_column);

/* Of a column of numbers, over all samples that are loaded, each row once: mean and standard
 * deviation (of the population) of value k, and its least and largest. */
struct et_loader_stats {
    double mean, deviation, min, max;
};
ET_API struct et_loader_stats et_loader_stats(const struct et_loader *loader, size_t i_column,
                                              size_t k);

/* n samples. Everything belongs to the loader, and is valid until the next call. */
struct et_batch {
    size_t n;
    int64_t epoch, i_batch;  // −1, −1: of et_loader_get
    const int64_t *samples;  // their numbers
    const int64_t *episodes; // their episodes' places in the dataset
    const int64_t *rows;     // within the episode
    const int64_t *tasks;    // task_index; −1: the dataset has none
    const float *weights;
    const void *const *columns;   // by column: n × n_steps × n_values floats, or bytes
    const uint8_t *const *padded; // by column: n × n_steps, 1: outside the episode
};

/* The next batch is i_batch of the epoch. A loader begins with 0, 0. ET_EARG: no such batch. */
ET_MUST_USE ET_API enum et_status et_loader_seek(struct et_loader *loader, int64_t epoch,
                                                 int64_t i_batch, struct et_err *err);

/* The next batch. ET_END: the epoch is over; the call after that begins the next. ET_ECORRUPT: a
 * picture cannot be decoded (file and frame in err); the next call goes on behind that batch. */
ET_MUST_USE ET_API enum et_status et_loader_next(struct et_loader *loader, struct et_batch *batch,
                                                 struct et_err *err);

#define ET_LOADER_MIDDLE (-1)

/* Samples by number, as they are asked for: n of them, at most `batch`. Crops are those of
 * `epoch`; ET_LOADER_MIDDLE: always the middle. What et_loader_next gives next does not change;
 * unless its threads work ahead, they share this work. */
ET_MUST_USE ET_API enum et_status et_loader_get(struct et_loader *loader, const int64_t *samples,
                                                size_t n, int64_t epoch, struct et_batch *batch,
                                                struct et_err *err);

#endif
