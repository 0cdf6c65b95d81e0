#include "record/record__dxl.h"

#include <assert.h>

#define HEAD_BYTES 7 // up to LEN
#define CRC_BYTES 2
#define LENGTH_MIN 3 // an instruction and the CRC

static const unsigned char HEADER[4] = {0xff, 0xff, 0xfd, 0x00};

uint16_t et__dxl_crc(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    unsigned crc = 0;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned)p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? (crc << 1) ^ 0x8005 : crc << 1;
    }
    return (uint16_t)crc;
}

// True when what lies before `end` looks like the beginning of a packet.
static bool is_mark(const unsigned char *begin, const unsigned char *end)
{
    return end - begin >= 3 && end[-3] == 0xff && end[-2] == 0xff && end[-1] == 0xfd;
}

size_t et__dxl_write(unsigned char *to, uint8_t id, uint8_t instruction, const void *params,
                     size_t n)
{
    const unsigned char *from = params;
    // The worst of stuffing adds a byte to every three.
    if (HEAD_BYTES + 1 + n + n / 3 + CRC_BYTES > ET__DXL_PACKET_BYTES_MAX)
        return 0;
    memcpy(to, HEADER, sizeof HEADER);
    to[4] = id;
    unsigned char *at = to + HEAD_BYTES;
    *at++ = instruction;
    for (size_t i = 0; i < n; i++) {
        *at++ = from[i];
        if (is_mark(to + HEAD_BYTES, at))
            *at++ = 0xfd;
    }
    const size_t length = (size_t)(at - to) - HEAD_BYTES + CRC_BYTES;
    to[5] = (unsigned char)length;
    to[6] = (unsigned char)(length >> 8);
    const uint16_t crc = et__dxl_crc(to, (size_t)(at - to));
    *at++ = (unsigned char)crc;
    *at++ = (unsigned char)(crc >> 8);
    return (size_t)(at - to);
}

unsigned char *et__dxl_room(struct et__dxl_stream *s, size_t *n)
{
    *n = sizeof s->bytes - s->n;
    return s->bytes + s->n;
}

void et__dxl_came(struct et__dxl_stream *s, size_t n)
{
    assert(n <= sizeof s->bytes - s->n);
    s->n += n;
}

static void drop(struct et__dxl_stream *s, size_t n)
{
    memmove(s->bytes, s->bytes + n, s->n - n);
    s->n -= n;
}

// Drops what lies before the next place at which a packet may begin.
static void seek(struct et__dxl_stream *s, size_t from)
{
    size_t at = from;
    for (; at < s->n; at++) {
        const size_t n = s->n - at < sizeof HEADER ? s->n - at : sizeof HEADER;
        if (memcmp(s->bytes + at, HEADER, n) == 0)
            break;
    }
    s->n_skipped += at;
    drop(s, at);
}

static size_t unstuff(const unsigned char *from, size_t n, unsigned char *to)
{
    size_t n_to = 0;
    for (size_t i = 0; i < n; i++) {
        to[n_to++] = from[i];
        if (is_mark(from, from + i + 1) && i + 1 < n && from[i + 1] == 0xfd)
            i++;
    }
    return n_to;
}

bool et__dxl_next(struct et__dxl_stream *s, struct et__dxl_packet *packet)
{
    seek(s, 0);
    while (s->n >= HEAD_BYTES) {
        const size_t length = (size_t)(s->bytes[5] | s->bytes[6] << 8);
        const size_t n = HEAD_BYTES + length;
        if (length < LENGTH_MIN || n > ET__DXL_PACKET_BYTES_MAX) {
            seek(s, 1);
            continue;
        }
        if (s->n < n)
            return false;
        const uint16_t crc = (uint16_t)(s->bytes[n - 2] | s->bytes[n - 1] << 8);
        if (crc != et__dxl_crc(s->bytes, n - CRC_BYTES)) {
            seek(s, 1);
            continue;
        }
        // The instruction cannot be a part of stuffing: it is never FF.
        *packet = (struct et__dxl_packet){
            .id = s->bytes[4],
            .instruction = s->bytes[HEAD_BYTES],
            .params = s->params,
            .n = unstuff(s->bytes + HEAD_BYTES + 1, length - 1 - CRC_BYTES, s->params)};
        drop(s, n);
        return true;
    }
    return false;
}

const char *et__dxl_error_text(uint8_t error)
{
    static const char *const TEXTS[] = {NULL,
                                        "the request failed",
                                        "an instruction that it does not know",
                                        "a request with a wrong CRC",
                                        "a value out of range",
                                        "a value of a wrong length",
                                        "a value beyond its limit",
                                        "an address that may not be read"};
    const uint8_t code = error & 0x7f;
    if (code == 0)
        return error & ET__DXL_ALERT ? "a hardware alert" : NULL;
    return code < sizeof TEXTS / sizeof TEXTS[0] ? TEXTS[code] : "an error that is not known";
}
