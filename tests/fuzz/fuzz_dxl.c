/* Bytes of a bus, which come in pieces: the first byte says how long each is. What is found in them
 * is a packet that is written again as it came, or was stuffed for no reason. */
#include "record/record__dxl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct et__dxl_stream stream;
    struct et__dxl_packet packet;
    if (n == 0)
        return 0;
    stream.n = 0;
    stream.n_skipped = 0;
    for (size_t at = 1; at < n;) {
        size_t room;
        unsigned char *to = et__dxl_room(&stream, &room);
        require(room > 0);
        size_t take = (size_t)data[0] + 1 < n - at ? (size_t)data[0] + 1 : n - at;
        take = take < room ? take : room;
        memcpy(to, data + at, take);
        et__dxl_came(&stream, take);
        at += take;
        while (et__dxl_next(&stream, &packet)) {
            unsigned char again[ET__DXL_PACKET_BYTES_MAX];
            require(packet.n <= ET__DXL_PACKET_BYTES_MAX);
            (void)et__dxl_write(again, packet.id, packet.instruction, packet.params, packet.n);
            (void)et__dxl_error_text(packet.n ? packet.params[0] : 0);
        }
        require(stream.n_skipped <= n);
    }
    return 0;
}
