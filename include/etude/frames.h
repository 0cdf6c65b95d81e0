/* Frames: a camera's pictures out of a recording, decoded, by number.
 *
 * What an MP4 is to a dataset, a camera's stream is to a recording: episodes refer to it and copy
 * nothing. JPEG, PNG and raw pixels become RGB, depth becomes millimetres, and only those that are
 * asked for are decoded; going forward reads, going back begins anew.
 *
 * A camera that sends a video (H.264, H.265, VP9, AV1; see video_stream.h) is listed once, when its
 * first picture is asked for, from the key frame before the range to the range's end; then a
 * picture is decoded from the key frame before it, or on from where the decoder is. A message's
 * picture is the one of its own access unit, whatever the encoder reordered. Where a message was
 * lost or is damaged, there are no pictures until the next key frame.
 *
 * Threads: a handle belongs to one thread.
 * Memory:  the recording's reader, and one picture; of a video also its decoder, and 32 bytes for
 *          each message of the range (at most ET_VIDEO_FRAMES_MAX). */
#ifndef ETUDE_FRAMES_H
#define ETUDE_FRAMES_H

#include "etude/image.h"
#include "etude/recording.h"

/* Which pictures: those of a stream that arrived from the first to the last time, both included,
 * in the order of their arrival. Or, where t_arrival_ns is given, those that arrived at its times,
 * in its order; of several that arrived at once, the one with that stamp of the device, or else
 * those of the range in their order. */
struct et_frames_range {
    const char *path;              // of the recording
    const char *profile;           // path or id; NULL: the one that fits
    const char *device;            // of several; as et_recording_options
    const char *stream;            // "head.image"
    int64_t t_first_ns, t_last_ns; // where t_arrival_ns is given they are of no account
    const int64_t *t_arrival_ns;   // n_frames, or NULL; valid until closing, as is the next
    const int64_t *t_device_ns;    // n_frames, or NULL
    int64_t n_frames;
};

struct et_frames;

/* Opens the recording. ET_EARG: it has no such stream of pictures. Otherwise as et_recording_open,
 * et_recording_use_profile. */
ET_MUST_USE ET_API enum et_status
et_frames_open(struct et_frames **frames, const struct et_frames_range *range, struct et_err *err);
ET_API void et_frames_close(struct et_frames *frames); // NULL is allowed

/* Makes k (from 0) the picture at hand. ET_ECORRUPT: there are fewer; then none is at hand. */
ET_MUST_USE ET_API enum et_status et_frames_go_to(struct et_frames *frames, int64_t k,
                                                  struct et_err *err);

/* The picture at hand: 8-bit RGB, or for depth 16 bits in one channel, mm: whole millimetres as
 * they were recorded, metres rounded; 0 where nothing was measured or it is beyond 65.535 m. Valid
 * until the next call. ET_ECORRUPT: it cannot be decoded, or is of a video that cannot be decoded
 * there; the next may be. ET_ENOTFOUND: a message that holds no picture, but a video's parameters
 * alone. ET_EUNSUPPORTED: its coding or pixels. */
ET_MUST_USE ET_API enum et_status et_frames_image(struct et_frames *frames, struct et_image *image,
                                                  struct et_err *err);

/* What et_frames_image decoded last, where the recording has it as a 16-bit PNG of just those
 * pixels; else empty. Valid until the next et_frames_go_to. */
ET_API struct et_str et_frames_png(const struct et_frames *frames);

/* Pixels of all depth pictures so far that were beyond 65.535 m, and are 0. */
ET_API int64_t et_frames_n_beyond(const struct et_frames *frames);

/* The size of a sample's picture, by its message or its bytes. False: they do not say; of a video,
 * key frames alone do. */
ET_API bool et_picture_size(const struct et_picture *picture, int *width_px, int *height_px);

#endif
