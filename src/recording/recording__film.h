/* A camera's video within a recording: what its messages are, and its decoder. */
#ifndef RECORDING_RECORDING__FILM_H
#define RECORDING_RECORDING__FILM_H

#include "etude/frames.h"
#include "etude/video_stream.h"

/* What is kept of a message. */
struct et__listed {
    int64_t t_arrival_ns, t_device_ns;
    uint32_t sequence;
    bool has_sequence;
    bool is_of_video; // of this film's coding
    bool has_picture;
    bool is_parameters; // alone
    bool is_start;      // decoding can begin at it: a key frame with its parameters, or those alone
    bool is_key;        // a key frame, with its parameters or without
    bool is_leading;
    bool is_behind_loss; // by the sender's count
};

struct et__film {
    struct et_recording *recording; // the handle's
    size_t i_stream;
    enum et_picture_coding coding;
    struct et_video_stream *stream;
    struct et_buf list; // of struct et__listed, by arrival
    size_t n;
    size_t n_before; // that are before the range
    // The decoder's place: the recording's query gives message i_next next.
    bool is_reading;
    size_t i_begun, i_next;
};

/* True for codings that are units of a video; then *codec is which. */
bool et__film_codec(enum et_picture_coding coding, enum et_unit_codec *codec);

/* Lists the stream of pictures; film holds recording, i_stream and coding, and is closed in any
 * case. It uses the recording's query. */
ET_MUST_USE enum et_status et__film_list(struct et__film *film, int64_t t_first_ns,
                                         int64_t t_last_ns, struct et_err *err);
static inline const struct et__listed *et__film_at(const struct et__film *film, size_t i)
{
    return &((const struct et__listed *)(const void *)film->list.p)[i];
}

ET_MUST_USE enum et_status et__film_open(struct et__film *film, const struct et_frames_range *range,
                                         struct et_err *err);
void et__film_close(struct et__film *film); // a zeroed struct is allowed

/* The place of the first message that did not arrive before a time; n: there is none. */
size_t et__film_find(const struct et__film *film, int64_t t_arrival_ns);

/* Makes message i of the list the recording's next sample. */
ET_MUST_USE enum et_status et__film_query(struct et__film *film, size_t i, struct et_err *err);

/* Decodes message i; its picture can then be had of film->stream. ET_ENOTFOUND: the message holds
 * parameters alone. ET_ECORRUPT: it cannot be decoded. */
ET_MUST_USE enum et_status et__film_decode(struct et__film *film, size_t i, struct et_frame *frame,
                                           struct et_err *err);

#endif
