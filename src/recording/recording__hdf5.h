/* HDF5 as a source: layouts describe what is a channel (a lane) and when its rows were; reading is
 * the same for all of them. */
#ifndef RECORDING_RECORDING__HDF5_H
#define RECORDING_RECORDING__HDF5_H

#include "etude/hdf5.h"
#include "recording/recording__rows.h"

#define ET__HDF5_JSON_BYTES_MAX ((size_t)64 << 20) // of task_info, of env_args
#define ET__HDF5_BAD_ROWS_MAX 1000                 // of a lane, before it is given up

#define ET__HDF5_NO_TIME INT64_MIN

enum et__lane_kind {
    ET__LANE_NUMBERS,
    ET__LANE_PIXELS, // rows of pixels
    ET__LANE_PADDED, // coded pictures, padded with zeros to one length
    ET__LANE_BLOBS,  // coded pictures, each of its length
    ET__LANE_FRAMES, // of a video file
};

/* A channel. */
struct et__lane_of_rows {
    const char *topic; // the dataset's path behind its part's
    enum et__lane_kind kind;
    size_t n_values;    // NUMBERS
    size_t row_bytes;   // as it is kept while reading
    int64_t chunk_rows; // rows that are best read together
    struct et_str pixels;
    int width_px, height_px;
    const char *video;     // FRAMES
    const int64_t *frames; // the stamp of each row; NULL: row i has stamp i
    int64_t n_messages;
    int64_t told_to; // part << 32 + row behind the last bad row that was remarked
    size_t i_channel;
};

/* The rows of a lane in a part. */
struct et__part_rows {
    struct et__lane_of_rows *lane;
    int64_t n_rows;
};

/* An episode of the file; the only one has the prefix "". */
struct et__part {
    const char *prefix;
    struct et__part_rows *rows;
    size_t n_rows, cap_rows;
    int64_t t_first_ns;
    int64_t n_steps; // most rows of a lane
};

/* Where a lane is read. */
struct et__cursor {
    struct et__lane_of_rows *lane;
    int64_t n_rows, i_row; // in the part
    int64_t t_ns;          // of row i_row
    char *path;            // malloc
    void *block;           // rows first … first + n_block − 1; malloc
    size_t block_cap;
    size_t padded_bytes; // of a row of this part; PADDED
    int64_t first, n_block;
    int64_t alone_until; // rows before this one are read one by one
    int64_t n_bad;       // in this part
    struct et_buf blob;
};

struct et__hdf5_source {
    struct et__rows rows; // first
    struct et_hdf5 *file;
    size_t memory_bytes;
    struct et__lane_of_rows **lanes; // by topic
    size_t n_lanes, cap_lanes;
    struct et__part *parts;
    size_t n_parts, cap_parts;
    double rate_hz;
    int64_t *stamps; // malloc; NULL: times are row numbers. ET__HDF5_NO_TIME: left out
    int64_t n_stamps;

    struct et__cursor *cursors; // malloc; one a lane
    size_t i_part;
    size_t block_bytes;
    bool *is_wanted;
    int64_t from_ns, to_ns;
};

/* Layouts. */
enum et_status et__hdf5_open_aloha(struct et__hdf5_source *s, struct et_err *err);
enum et_status et__hdf5_open_robomimic(struct et__hdf5_source *s, struct et_err *err);
enum et_status et__hdf5_open_agibot(struct et__hdf5_source *s, const char *path,
                                    struct et_err *err);

/* A new part. */
ET_MUST_USE enum et_status et__hdf5_add_part(struct et__hdf5_source *s, const char *prefix,
                                             struct et__part **part, struct et_err *err);

/* Adds all datasets below `group` (a path in the part, "" all) to the part as lanes. `takes` says
 * which; NULL: all. What cannot be a lane is remarked; what is empty is not. */
struct et__walk {
    const char *group;
    bool (*takes)(const char *topic, const struct et_hdf5_object *object, void *ctx);
    void *ctx;
};
ET_MUST_USE enum et_status et__hdf5_walk(struct et__hdf5_source *s, struct et__part *part,
                                         const struct et__walk *walk, struct et_err *err);

/* Adds a lane's rows to a part. The lane is made when its topic is new; one of another shape is
 * left out with a remark. *added may be NULL. */
ET_MUST_USE enum et_status et__hdf5_add_lane(struct et__hdf5_source *s, struct et__part *part,
                                             const struct et__lane_of_rows *lane, int64_t n_rows,
                                             struct et__lane_of_rows **added, struct et_err *err);

/* Rows of a topic in a part; NULL: it has none. */
struct et__part_rows *et__hdf5_find(struct et__part *part, const char *topic);

/* Remarks lanes that have fewer or more rows than the part's steps by its lane `of`. */
ET_MUST_USE enum et_status et__hdf5_check_rows(struct et__hdf5_source *s, struct et__part *part,
                                               const char *of, struct et_err *err);

/* All attributes as metadata, their names behind `prefix`. */
ET_MUST_USE enum et_status et__hdf5_take_attributes(struct et__hdf5_source *s, const char *path,
                                                    const char *prefix, struct et_err *err);

/* After all parts: channels by topic, counts, beginning and end. */
ET_MUST_USE enum et_status et__hdf5_finish(struct et__hdf5_source *s, struct et_err *err);

/* The time of a row. */
int64_t et__hdf5_time(const struct et__hdf5_source *s, const struct et__part *part,
                      const struct et__lane_of_rows *lane, int64_t row);

/* "prefix/name", "name" where the prefix is empty; in the arena. */
ET_MUST_USE const char *et__hdf5_join(struct et_arena *arena, const char *prefix, const char *name);

ET_MUST_USE enum et_status et__hdf5_query(struct et__source *source, const struct et__range *range,
                                          struct et_err *err);
ET_MUST_USE enum et_status et__hdf5_next(struct et__source *source, struct et__raw *raw,
                                         struct et_err *err);
void et__hdf5_read_close(struct et__hdf5_source *s);

#endif
