/* What a format gives to a recording. A new format is one file source_<name>.c and one line in the
 * table: channels when it is opened, then messages in the order of arrival. */
#ifndef RECORDING_RECORDING__SOURCE_H
#define RECORDING_RECORDING__SOURCE_H

#include "etude/file.h"
#include "etude/recording.h"

// In the order in which they are asked.
#define ET__SOURCE_MAP(X) X(mcap) X(rosbag1) X(rosbag2) X(hdf5) X(unitree_json)

/* What openers may look at before they open anything. */
struct et__looked {
    const char *path;
    bool is_folder;
    struct et_str head; // the first bytes of a file, at most 64
};

/* A message as it lies in the source. */
struct et__raw {
    size_t i_channel;
    int64_t t_arrival_ns;
    int64_t t_publish_ns; // 0: the source has none
    uint32_t sequence;
    struct et_str bytes;       // by the channel's schema; empty for rows
    const double *values;      // rows of numbers: the channel's n_values
    struct et_picture picture; // rows of pictures
};

/* A stretch of a source's messages. */
struct et__range {
    const bool *is_wanted;  // one a channel
    int64_t from_ns, to_ns; // to_ns 0: no end
    bool in_file_order;
};

/* An opened source: its file's own struct begins with this one. Texts live in `arena`, which the
 * recording makes before opening and frees after closing. */
struct et__source {
    const struct et__source_ops *ops;
    struct et_arena *arena;
    struct et_recording_info info; // filled by open but for path; kept true while reading
    const char *robot;             // the model that the recording names; NULL: none
    struct et_str profile;         // its profile, where one is attached; else empty
};

struct et__source_ops {
    bool (*knows)(const struct et__looked *looked);
    /* Allocates *source with calloc; on failure everything is released and *source is NULL. */
    enum et_status (*open)(struct et__source **source, const char *path,
                           const struct et_recording_options *options, struct et_arena *arena,
                           struct et_err *err);
    void (*close)(struct et__source *source);
    /* Begins (again). */
    enum et_status (*query)(struct et__source *source, const struct et__range *range,
                            struct et_err *err);
    /* The next message that is wanted. Its bytes are valid until the next call. ET_END. */
    enum et_status (*next)(struct et__source *source, struct et__raw *raw, struct et_err *err);
};

#define X(name) extern const struct et__source_ops et__source_##name;
ET__SOURCE_MAP(X)
#undef X

#endif
