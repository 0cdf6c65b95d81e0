/* A LeRobot dataset of three short episodes, written by hand in any of the three layouts: JSON as
 * text, rows through the Parquet writer, pictures through the video writer. It is right in every
 * respect unless a test asks for something else, before it is written (the hooks) or after (the
 * edits).
 *
 * Episodes have 9, 8 and 7 rows at 10 frames a second. In v3.0 the first two share data and video
 * file 0, the third is in file 1. */
#ifndef TESTS_DATASET_TINY_SET_H
#define TESTS_DATASET_TINY_SET_H

#include "etude/dataset.h"

#define TINY_FPS 10
#define TINY_EPISODES 3
#define TINY_ROWS 24
#define TINY_VALUES 2
#define TINY_CAMERA "observation.images.front"
#define TINY_WIDTH 64
#define TINY_HEIGHT 48

extern const int64_t TINY_LENGTHS[TINY_EPISODES];

/* Every row of the set, in order. */
struct tiny_rows {
    int64_t episode_index[TINY_ROWS], index[TINY_ROWS], frame_index[TINY_ROWS];
    int64_t task_index[TINY_ROWS];
    float timestamp[TINY_ROWS];
    float state[TINY_ROWS * TINY_VALUES], action[TINY_ROWS * TINY_VALUES];
};

/* What the metadata says of one episode. */
struct tiny_episode {
    int64_t index, length, chunk, file, from, to;
    int64_t video_chunk, video_file;
    double from_s, to_s;
    const char *tasks[2];
    int n_tasks;
    double max_of_state; // added to the true one, in this episode's statistics
    int64_t count;       // added to the true one
};

/* What differs from a right set. A zeroed struct but for the layout is a right one without video.
 */
struct tiny {
    enum et_layout layout;
    bool has_video;
    void (*rows)(struct tiny_rows *rows);
    void (*episodes)(struct tiny_episode *episodes);
    size_t state_values;             // 0: TINY_VALUES
    enum et_parquet_type stamp_type; // 0: FLOAT
    const char *without_column;
    const char *extra_column;
    bool without_pandas;
    bool without_footer; // v3: the last data file is left as a kill would
    int frames_missing;  // of the second episode's pictures
    int video_fps;       // 0: TINY_FPS
    int video_width;     // 0: TINY_WIDTH
    bool is_sloped;      // pictures are brighter on the right
    int64_t task_first;  // task_index of the first task
    bool without_episode_stats;
};

/* Writes the set into the test's own folder and returns its path. */
const char *tiny_build(const char *name, const struct tiny *tiny);

/* Replaces the first `old` in <set>/<file> by `new`; the text must be there. */
void tiny_edit(const char *set, const char *file, const char *old, const char *new);

/* Appends to, removes, or overwrites <set>/<file>. */
void tiny_append(const char *set, const char *file, const char *text);
void tiny_remove(const char *set, const char *file);
void tiny_write(const char *set, const char *file, const char *text);
void tiny_copy(const char *set, const char *from, const char *to);

#endif
