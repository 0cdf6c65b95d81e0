/* What every file of a station begins with again: of a topic that is latched (ROS 2: transient
 * local) its last samples, which come once and hold; of a film what has come since its last key
 * frame, so that the first frames of a file can be decoded.
 *
 * Memory: of a stream LATCHED_MAX samples of LATCHED_BYTES_MAX together, or a film's
 * FILM_BYTES_MAX; of a station KEEP_BYTES_MAX, by the counter that its streams share. */
#ifndef ETUDE_RECORD_KEEP_H
#define ETUDE_RECORD_KEEP_H

#include "etude/feed.h"
#include "etude/video_stream.h"

#define ET__LATCHED_MAX 32
#define ET__LATCHED_BYTES_MAX ((size_t)8 << 20)
#define ET__FILM_BYTES_MAX ((size_t)16 << 20)
#define ET__FILM_FRAMES_MAX 4096
#define ET__FILM_NS_MAX INT64_C(20000000000) // from key frame to key frame
#define ET__KEEP_BYTES_MAX ((size_t)256 << 20)

struct et__keep_sample {
    struct et__keep_sample *next;
    int64_t t_arrival_ns, t_device_ns;
    uint64_t number;    // as it came
    bool is_parameters; // of a film: no picture
    uint32_t n;
    char bytes[];
};

enum et__keep_how { ET__KEEP_UNKNOWN, ET__KEEP_NOTHING, ET__KEEP_LATCHED, ET__KEEP_FILM };

/* Of one stream; zeroed: it is not known yet what it is. */
struct et__keep {
    enum et__keep_how how;
    struct et__keep_sample *oldest, *newest;
    size_t n, n_bytes;
};

enum et__keep_how et__keep_how(struct et__keep *keep, const struct et_feed_stream *stream);

/* A sample has come. What there is no room or memory for is not kept; of a film nothing is, then,
 * until its next key frame. */
void et__keep_put(struct et__keep *keep, const struct et_feed_stream *stream,
                  const struct et_feed_sample *sample, size_t *n_bytes_all);
/* A latched sample with these bytes is kept. */
bool et__keep_has(const struct et__keep *keep, struct et_str bytes);
void et__keep_close(struct et__keep *keep, size_t *n_bytes_all);

/* By the profiles that its writers offer, as rosbag2 writes them, or by its name: /tf_static and
 * /robot_description are latched everywhere. */
bool et__is_latched(const struct et_feed_stream *stream);

/* The unit of a film's message; false: it is none. Any bytes are allowed. */
bool et__film_unit(const struct et_feed_stream *stream, struct et_str bytes,
                   enum et_unit_codec *codec, struct et_str *unit);

#endif
