/* Clean episodes, made: two arms and two hands that move as a trainer moves them (minimum jerk from
 * point to point, pauses, a stand at the end), commands that lead the state by a known lag, encoder
 * noise and steps, and, where wanted, a camera's video. Tests corrupt them and look what is found.
 */
#ifndef TESTS_CURATE_CLEAN_H
#define TESTS_CURATE_CLEAN_H

#include "etude/episode.h"

#include "support.h"

enum clean_track {
    CLEAN_LEFT_ARM,
    CLEAN_LEFT_HAND,
    CLEAN_RIGHT_ARM,
    CLEAN_RIGHT_HAND,
    CLEAN_COMMAND, // added to one of the above
    CLEAN_N_TRACKS = 2 * CLEAN_COMMAND,
};

#define CLEAN_ARM_JOINTS 7
#define CLEAN_HAND_JOINTS 6
#define CLEAN_N_VALUES (2 * (CLEAN_ARM_JOINTS + CLEAN_HAND_JOINTS))
#define CLEAN_WIDTH_PX 160
#define CLEAN_HEIGHT_PX 120

struct clean_options {
    uint64_t seed;
    double rate_hz;    // 0: 30
    double duration_s; // 0: 8
    double lag_s;      // 0: 0.12
    double noise_rad;  // of the encoders; 0: 0.0002
    double speed;      // of all movement; 0: 1
};

struct clean {
    struct et_arena *arena;
    struct et_episode episode;
    size_t n;
    double *values[CLEAN_N_TRACKS]; // what the tracks point to
    int64_t *t_ns;
    struct et_track tracks[CLEAN_N_TRACKS];
    struct et_raw_column columns[2];
    double *state, *action; // what the columns point to
    struct et_video_ref video;
    const char *tasks[1];
    uint64_t seed;
};

void clean_open(struct clean *clean, const struct clean_options *options);
void clean_close(struct clean *clean);

/* One value of a track. */
double *clean_at(struct clean *clean, int track, size_t row, size_t i);

/* What a video shows instead of its clean pictures, from frame first to last. */
enum clean_fault {
    CLEAN_FAULT_NONE,
    CLEAN_FAULT_FREEZE,
    CLEAN_FAULT_DARK,
    CLEAN_FAULT_BRIGHT,
    CLEAN_FAULT_BLUR,
    CLEAN_FAULT_PLAIN
};
struct clean_video_fault {
    enum clean_fault fault;
    size_t first, last;
    double amount; // DARK and BRIGHT: levels; BLUR: radius in pixels; PLAIN: the wall's level
};

/* Encodes a video of `n_frames` frames for the episode and refers to it. fault may be NULL. */
void clean_film(struct clean *clean, const char *path, size_t n_frames,
                const struct clean_video_fault *fault);

#endif
