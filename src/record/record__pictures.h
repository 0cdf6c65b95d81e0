/* Pictures that come raw, on their way to being coded: colour and grey become H.264, depth of 16
 * bits RVL, which loses nothing. A camera of 640 × 480 in colour fills 27 MB a second as it comes.
 *
 * Coding takes milliseconds, which nobody may wait for who hears other devices, too. So each camera
 * has a worker, whose slots bound what is under way, and what is coded is taken back and put into
 * the feed by the thread that puts, in the order in which it came, with the times at which it came.
 *
 *     et__pictures_put  →  a slot  →  worker: H.264, RVL  →  et__pictures_take  →  feed
 *
 * What cannot be coded (other pixels, odd sides, no picture at all) is put as it came, on the
 * camera's own topic, and told once; where all slots are taken, a picture is lost and counted.
 *
 * Settings: H.264 by x264, preset veryfast, one quantizer (qp, 23), a start every 2 s, no pictures
 *           from the future; a new size or kind of pixels begins with a start.
 * Threads:  all calls belong to whoever puts into the feed (several threads with a lock around
 *           them are one); each camera's worker has its own.
 * Memory:   a handle; of each camera ET__PICTURES_SLOTS pictures and what they become, all of them
 *           together bounded by options.bytes_max. */
#ifndef ETUDE_RECORD__PICTURES_H
#define ETUDE_RECORD__PICTURES_H

#include "etude/feed.h"
#include "etude/video_stream.h"

#define ET__PICTURES_SLOTS 8
#define ET__PICTURES_CAMERAS_MAX 64
#define ET__PICTURE_BYTES_MAX ((size_t)64 << 20) // of one; larger ones are put as they come

/* ---- one picture ---- */

/* A picture as it lies in somebody's memory. */
struct et__picture {
    int32_t stamp_s; // of its header, as it was
    uint32_t stamp_ns;
    struct et_str frame_id;
    const char *encoding;        // as image_encodings.h calls its pixels; a literal
    bool is_depth;               // 16 bits a pixel
    bool is_big_endian;          // of depth
    enum et_video_pixels pixels; // of all else
    int width_px, height_px;
    struct et_str data; // height_px rows, step_bytes from one to the next
    size_t step_bytes;
};

/* Reads a sensor_msgs/msg/Image in CDR; any bytes are allowed. ET_ECORRUPT: it is none, or its data
 * are fewer than it says. ET_EUNSUPPORTED: it is one, of pixels or a size that are not coded here.
 * The text is for a person. */
ET_MUST_USE enum et_status et__picture_read(struct et_str message, struct et__picture *picture,
                                            struct et_err *err);

/* A stream of such messages, whose samples come again and again: what is latched is kept as it
 * comes, since a picture that is repeated must be whole by itself. */
bool et__picture_is_raw(const struct et_feed_stream *stream);

/* Appends the message that a depth picture becomes: sensor_msgs/msg/CompressedImage, as
 * compressed_depth_image_transport writes it. `values` has room for all pixels. */
void et__picture_put_depth(struct et_buf *message, const struct et__picture *picture,
                           uint16_t *values);

/* ---- all pictures of a source ---- */

/* What sources call it in their settings: "coded", as usual, or "raw"; ended by NULL. */
extern const char *const ET__PICTURES_HOW[];

struct et__pictures;

struct et__pictures_options {
    struct et_feed *feed;
    const char *device; // who speaks in events; outlives the handle
    int qp;             // 0: 23
    size_t bytes_max;   // 0: 512 MiB
};

/* ET_ENOMEM; ET_EIO: no descriptor. */
ET_MUST_USE enum et_status et__pictures_open(struct et__pictures **pictures,
                                             const struct et__pictures_options *options,
                                             struct et_err *err);
/* Waits for what is under way and puts it into the feed, for 1 s at most; what is left then counts
 * as lost. NULL is allowed. */
void et__pictures_close(struct et__pictures *pictures);

/* Whose pictures they are. */
struct et__pictures_camera {
    /* The stream of those that are put as they come, announced when there is one; copied. topic
     * NULL: they come from a device, and none is put so. Coded ones go to <topic>/video and
     * <topic>/compressedDepth, each announced with its first. */
    struct et_feed_stream raw;
    const char *topic; // of which coded ones' are made; NULL: raw.topic
    const char *place; // behind coded topics: "@192.168.123.161"; NULL: nothing
    uint16_t coded;    // of a device: the stream that was announced for it
    int fps;           // that is expected; 0: 30
};

/* A camera's number: that of an equal one where there is one. ET_ECORRUPT: its topic has no name.
 * ET_ELIMIT: too many, or too long a definition. ET_ENOMEM, ET_EIO: no thread. */
ET_MUST_USE enum et_status et__pictures_add(struct et__pictures *pictures,
                                            const struct et__pictures_camera *camera, size_t *i,
                                            struct et_err *err);

/* A message of a camera, which is copied: coded or put as it is. t_arrival_ns is known. */
void et__pictures_put(struct et__pictures *pictures, size_t camera, struct et_str message,
                      int64_t t_arrival_ns, int64_t t_device_ns);

/* The same of a device's picture, whose data are copied and whose frame_id lasts. ET_AGAIN: all
 * slots are taken. ET_ELIMIT, ET_ENOMEM: there is no room for it. Nothing is counted then. */
ET_MUST_USE enum et_status et__pictures_put_shot(struct et__pictures *pictures, size_t camera,
                                                 const struct et__picture *picture,
                                                 int64_t t_arrival_ns, int64_t t_device_ns,
                                                 struct et_err *err);

/* n of its pictures were lost on their way here. */
void et__pictures_lost(struct et__pictures *pictures, size_t camera, uint64_t n);

/* Puts what is coded into the feed. Failures are those of coding a device's pictures; what the
 * others' become is told by an event, and they are put as they come. */
ET_MUST_USE enum et_status et__pictures_take(struct et__pictures *pictures, struct et_err *err);

size_t et__pictures_n_under_way(const struct et__pictures *pictures);

/* Readable while there is something to take, or another descriptor is that was added: so that a
 * source has one. A descriptor leaves by being closed. ET_EIO: the system refuses. */
int et__pictures_fd(const struct et__pictures *pictures);
ET_MUST_USE enum et_status et__pictures_watch(struct et__pictures *pictures, int fd,
                                              struct et_err *err);

#endif
