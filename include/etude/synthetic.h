/* Synthetic: the streams of a station that is not there, to test a recorder with.
 *
 * As much, as often and about as compressible as a humanoid with two hands sends it, each message
 * with its number, so that what a recording lacks can be counted. Never mistaken for data: its
 * recordings say "synthetic" where others name their robot.
 *
 *     /joint_states      500 Hz   29 × position, velocity, effort
 *     /joint_commands    500 Hz   29 × position, velocity, effort, two gains
 *     /left_wrist/wrench, /right_wrist/wrench    1 kHz   6
 *     /left_hand/touch, /right_hand/touch        100 Hz  1000 pads
 *     /imu               200 Hz   10
 *     /camera/head, /camera/left_wrist, /camera/right_wrist   30 Hz, 2 Mbit/s each
 *
 * Numbers are float32 (std_msgs/Float32MultiArray), pads uint16, pictures of
 * foxglove_msgs/CompressedVideo are noise behind a start code.
 *
 * Threads: one belongs to its feed's thread.
 * Memory:  2.5 MB, shared by all that are opened of one `pool`. */
#ifndef ETUDE_SYNTHETIC_H
#define ETUDE_SYNTHETIC_H

#include "etude/feed.h"

#define ET_SYNTHETIC_STREAMS 10

/* One second of everything, made once. */
struct et_synthetic_pool;
ET_MUST_USE ET_API enum et_status et_synthetic_pool_open(struct et_synthetic_pool **pool,
                                                         uint64_t seed, struct et_err *err);
ET_API void et_synthetic_pool_close(struct et_synthetic_pool *pool); // NULL is allowed

struct et_synthetic;

/* Announces the streams on the feed; both must outlive it. Streams begin at t_ns, each a little
 * later than the one before. ET_ENOMEM, ET_ENOTFOUND: share/msg lacks their types. */
ET_MUST_USE ET_API enum et_status et_synthetic_open(struct et_synthetic **synthetic,
                                                    struct et_synthetic_pool *pool,
                                                    struct et_feed *feed, int64_t t_ns,
                                                    struct et_err *err);
ET_API void et_synthetic_close(struct et_synthetic *synthetic); // NULL is allowed

/* Puts all that is due until t_ns, and returns when the next is. */
ET_API int64_t et_synthetic_put(struct et_synthetic *synthetic, int64_t t_ns);

/* What recordings of one station have of one stream. */
struct et_synthetic_stream {
    uint64_t n;         // messages
    uint64_t first;     // number of the first one
    uint64_t n_missing; // between the first and the last
    uint64_t n_wrong;   // out of order, twice, or with other bytes
};

/* Goes through a recording, on from what was found in the part before it (zeroed: the first one).
 * ET_ENOTFOUND, ET_EIO, ET_ECORRUPT as et_mcap_open. */
ET_MUST_USE ET_API enum et_status
et_synthetic_check(struct et_synthetic_pool *pool, const char *path,
                   struct et_synthetic_stream streams[ET_SYNTHETIC_STREAMS], struct et_err *err);
ET_API const char *et_synthetic_topic(size_t i);

/* What a folder's recordings have of one robot, since its streams began at number 0. */
struct et_synthetic_found {
    struct et_synthetic_stream streams[ET_SYNTHETIC_STREAMS];
    size_t n_recordings; // that were gone through
    size_t n_left_out;   // older ones of that station, of streams before these
};

/* Goes through the finished recordings of a station, whichever recorder made them: one that was
 * killed, and the one after it, too. Pictures that a later one has again, from the last key frame
 * on, are counted once. ET_ENOTFOUND: no such folder. ET_EIO, ET_ECORRUPT, ET_ENOMEM. */
ET_MUST_USE ET_API enum et_status et_synthetic_check_folder(struct et_synthetic_pool *pool,
                                                            const char *folder, const char *station,
                                                            struct et_synthetic_found *found,
                                                            struct et_err *err);

#endif
