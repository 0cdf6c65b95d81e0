/* Pictures: those that stand in a dataset's rows, as files of their own ({bytes, path} in Parquet).
 *
 * So lie LeRobot's features of dtype "image", and so lies depth: 16-bit PNG, grey, in millimetres.
 * A camera's pictures of one episode are half a gigabyte; they are read one at a time, by row.
 * Going forward reads on; going back begins the row group anew.
 *
 * Units:   depth is millimetres, 0 where nothing was measured.
 * Threads: a handle belongs to one thread.
 * Memory:  a page of the file, and one picture. */
#ifndef ETUDE_PICTURES_H
#define ETUDE_PICTURES_H

#include "etude/dataset.h"
#include "etude/image.h"

/* Which pictures: those of a column in the rows first_row … first_row + n_rows − 1 of a file. */
struct et_pictures_range {
    const char *path;          // the data file
    const char *column;        // "observation.depth.head"
    int64_t first_row, n_rows; // n_rows −1: all from there
};

/* The pictures of a feature in episode i; the range's texts live in the arena. ET_EARG: there is no
 * such episode, or the feature's dtype is not "image". Otherwise as et_dataset_rows. */
ET_MUST_USE ET_API enum et_status et_dataset_pictures(const struct et_dataset *dataset, int64_t i,
                                                      const char *feature, struct et_arena *arena,
                                                      struct et_pictures_range *range,
                                                      struct et_err *err);

struct et_pictures;

/* Opens the file; the range is copied. ET_ECORRUPT: it has fewer rows, or no column of {bytes,
 * path} by that name. Otherwise as et_parquet_open. */
ET_MUST_USE ET_API enum et_status et_pictures_open(struct et_pictures **pictures,
                                                   const struct et_pictures_range *range,
                                                   struct et_err *err);
ET_API int64_t et_pictures_n_rows(const struct et_pictures *pictures);
ET_API void et_pictures_close(struct et_pictures *pictures); // NULL is allowed

/* One row's picture as it is stored, to the bit. Texts are valid until the next call. */
struct et_stored_picture {
    struct et_str bytes;             // PNG or JPEG; empty: none
    struct et_str path;              // its maker's name for it; empty: none
    uint8_t bytes_level, path_level; // of definition: 2 there, 1 null, 0 the whole cell is null
};

/* The picture of the k-th row of the range, 0 … n_rows − 1. Failures as et_parquet_cursor_next. */
ET_MUST_USE ET_API enum et_status et_pictures_get(struct et_pictures *pictures, int64_t k,
                                                  struct et_stored_picture *picture,
                                                  struct et_err *err);

/* The same, decoded: valid until the next call. ET_ECORRUPT: the row has no picture, or one that
 * does not decode; the text names file, column and row. */
ET_MUST_USE ET_API enum et_status et_pictures_image(struct et_pictures *pictures, int64_t k,
                                                    struct et_image *image, struct et_err *err);

#endif
