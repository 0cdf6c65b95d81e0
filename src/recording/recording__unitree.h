/* Unitree's JSON as a source: a folder of episodes, each with a data.json and pictures beside it.
 * One episode's tree is in memory at a time. */
#ifndef RECORDING_RECORDING__UNITREE_H
#define RECORDING_RECORDING__UNITREE_H

#include "etude/value.h"
#include "recording/recording__rows.h"

#define ET__UNITREE_FILE_BYTES_MAX ((size_t)256 << 20)   // of a data.json
#define ET__UNITREE_PICTURE_BYTES_MAX ((size_t)64 << 20) // of a picture's file
#define ET__UNITREE_ROWS_MAX 10000000                    // of an episode
#define ET__UNITREE_EPISODES_MAX 100000

/* A channel: row[group][part][field], or row[group][part] where field is "". */
struct et__unitree_lane {
    const char *topic, *group, *part, *field;
    size_t n_values; // 0: pictures
    const char *const *names;
    int64_t n_messages;
    int64_t n_good, n_seen; // rows of the episode that is looked at
    int64_t told_to;        // episode << 32 + row behind the last bad picture that was remarked
};

struct et__unitree_episode {
    const char *folder, *name;
    int64_t t_first_ns, n_rows;
    double rate_hz;
};

struct et__unitree_source {
    struct et__rows rows;  // first
    struct et_arena *tree; // of the episode that is loaded
    size_t tree_bytes;
    size_t i_loaded; // SIZE_MAX: none
    const struct et_value *data;
    struct et__unitree_episode *episodes;
    size_t n_episodes, cap_episodes;
    struct et__unitree_lane **lanes; // by topic
    size_t n_lanes, cap_lanes;

    bool *is_wanted;
    int64_t from_ns, to_ns;
    size_t i_episode, i_lane;
    int64_t i_row;
    double *values; // ET__ROWS_VALUES_MAX
    struct et_buf picture;
};

/* Parses the data.json of a folder into s->tree, in place of what was there. */
ET_MUST_USE enum et_status et__unitree_load(struct et__unitree_source *s, const char *folder,
                                            const struct et_value **root, struct et_err *err);

/* Adds the lanes of an episode's rows and counts them. */
ET_MUST_USE enum et_status et__unitree_look(struct et__unitree_source *s,
                                            const struct et_value *root,
                                            const struct et__unitree_episode *episode,
                                            struct et_err *err);

/* A lane's numbers of a row, to `values` (NULL: only looks). False: it has none, or others. */
bool et__unitree_numbers(const struct et__unitree_lane *lane, const struct et_value *row,
                         double *values);
/* A lane's picture in a row: a path within the episode's folder; NULL: it has none. */
const char *et__unitree_picture(const struct et__unitree_lane *lane, const struct et_value *row);

#endif
