/* Frames: a camera's pictures out of a recording, decoded, by number.
 *
 * What an MP4 is to a dataset, a camera's stream is to a recording: episodes refer to it and copy
 * nothing. Pictures are read in the order of their arrival; going forward reads, going back begins
 * anew. Only those that are asked for are decoded: JPEG, PNG and raw pixels to RGB, depth to
 * millimetres. H.264 and H.265 in messages are not decoded here (ET_EUNSUPPORTED).
 *
 * Threads: a handle belongs to one thread.
 * Memory:  the recording's reader, and one picture. */
#ifndef ETUDE_FRAMES_H
#define ETUDE_FRAMES_H

#include "etude/image.h"
#include "etude/recording.h"

/* Which pictures: those of a stream that arrived from the first to the last time, both included. */
struct et_frames_range {
    const char *path;    // of the recording
    const char *profile; // path or id; NULL: the one that fits
    const char *stream;  // "head.image"
    int64_t t_first_ns, t_last_ns;
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
 * until the next call. ET_ECORRUPT: it cannot be decoded; the next may be. ET_EUNSUPPORTED: its
 * coding or pixels.
 */
ET_MUST_USE ET_API enum et_status et_frames_image(struct et_frames *frames, struct et_image *image,
                                                  struct et_err *err);

/* Pixels of all depth pictures so far that were beyond 65.535 m, and are 0. */
ET_API int64_t et_frames_n_beyond(const struct et_frames *frames);

#endif
