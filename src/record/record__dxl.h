/* Dynamixel protocol 2.0: packets as bytes, and packets found in a stream of bytes.
 *
 *     FF FF FD 00 · ID · LEN (2) · instruction · parameters · CRC (2)
 *
 * Numbers are little-endian. FF FF FD behind LEN is followed by another FD, which LEN counts; the
 * CRC (polynomial 0x8005, from 0 on) is of everything before it, as it is sent.
 *
 * Threads: as its owner. Memory: plain structs. */
#ifndef RECORD__DXL_H
#define RECORD__DXL_H

#include "etude/str.h"

#define ET__DXL_PACKET_BYTES_MAX 1024
#define ET__DXL_ID_MAX 252
#define ET__DXL_ALL 254 // whom a sync read is sent to, and who answers a fast one
#define ET__DXL_ALERT 0x80

enum et__dxl_instruction {
    ET__DXL_PING = 0x01,
    ET__DXL_STATUS = 0x55,
    ET__DXL_SYNC_READ = 0x82,
    ET__DXL_FAST_SYNC_READ = 0x8a,
};

uint16_t et__dxl_crc(const void *bytes, size_t n);

/* Writes a packet, stuffed and with its CRC, to ET__DXL_PACKET_BYTES_MAX bytes; its length, 0 when
 * it is too long. */
size_t et__dxl_write(unsigned char *to, uint8_t id, uint8_t instruction, const void *params,
                     size_t n);

struct et__dxl_packet {
    uint8_t id, instruction;
    const unsigned char *params; // without their stuffing; of a status the error byte is first
    size_t n;
};

/* A zeroed struct is ready. */
struct et__dxl_stream {
    unsigned char bytes[2 * ET__DXL_PACKET_BYTES_MAX];
    size_t n;
    unsigned char params[ET__DXL_PACKET_BYTES_MAX]; // of the packet given last
    uint64_t n_skipped;                             // bytes that were in no packet
};

/* Room for bytes that come, and that so many came. */
unsigned char *et__dxl_room(struct et__dxl_stream *stream, size_t *n);
void et__dxl_came(struct et__dxl_stream *stream, size_t n);

/* The next whole packet, valid until the next call; false: it has not come yet. */
bool et__dxl_next(struct et__dxl_stream *stream, struct et__dxl_packet *packet);

/* What an error byte says, for a person; NULL: nothing is wrong. */
const char *et__dxl_error_text(uint8_t error);

#endif
