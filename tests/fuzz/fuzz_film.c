/* Any bytes as messages of films: a unit that is found lies within them, and what is kept of them
 * stays within its bounds. The first byte says of which type, and how long the pieces are that make
 * messages. */
#include "record/record__keep.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct et_feed_stream STREAMS[] = {
    {.topic = "/v", .type = "foxglove_msgs/msg/CompressedVideo", .message_encoding = "cdr"},
    {.topic = "/v", .type = "foxglove.CompressedVideo", .message_encoding = "protobuf"},
    {.topic = "/v", .type = "sensor_msgs/msg/CompressedImage", .message_encoding = "cdr"},
    {.topic = "/v", .type = "x_msgs/msg/FFMPEGPacket", .message_encoding = "cdr"}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et__keep keep = {0};
    size_t n_all = 0;
    if (size < 2)
        return 0;
    const struct et_feed_stream *stream = &STREAMS[data[0] & 3];
    const size_t n_piece = data[0] & 4 ? 64 : size;
    int64_t t_ns = 0;
    for (size_t at = 1; at < size; at += n_piece) {
        const size_t n = size - at < n_piece ? size - at : n_piece;
        const struct et_str bytes = {(const char *)data + at, n};
        struct et_str unit;
        enum et_unit_codec codec;
        if (et__film_unit(stream, bytes, &codec, &unit) &&
            (unit.p < bytes.p || unit.p + unit.n > bytes.p + bytes.n))
            abort();
        et__keep_put(&keep, stream,
                     &(struct et_feed_sample){
                         .t_arrival_ns = t_ns, .n_bytes = (uint32_t)n, .bytes = bytes.p},
                     &n_all);
        t_ns += data[0] & 8 ? ET__FILM_NS_MAX / 2 : 1;
        if (keep.n_bytes != n_all || (keep.n == 0) != (keep.oldest == NULL) ||
            (keep.n == 0) != (keep.newest == NULL))
            abort();
    }
    et__keep_close(&keep, &n_all);
    if (n_all != 0)
        abort();
    return 0;
}
