#include "net/net__websocket.h"

#include "etude/base64.h"
#include "net/net__tls.h"

#include <assert.h>

#define KEY_BYTES 16
#define KEPT_BYTES ((size_t)64 << 10) // a buffer of this size is kept when it is empty

static uint64_t big_endian(const char *p, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | (unsigned char)p[i];
    return value;
}

static enum et_status check_head(unsigned first, const struct et__ws_frame *f, bool is_server,
                                 struct et_err *err)
{
    if (first & 0x70)
        return et_fail(err, ET_ECORRUPT, 0, "a frame of an extension that was not agreed on");
    if ((f->opcode > ET__WS_BINARY && f->opcode < ET__WS_CLOSE) || f->opcode > ET__WS_PONG)
        return et_fail(err, ET_ECORRUPT, 0, "a frame of kind %d", f->opcode);
    if (f->is_masked != is_server)
        return et_fail(err, ET_ECORRUPT, 1, "a frame %s",
                       is_server ? "without mask" : "with a mask");
    if (f->opcode >= ET__WS_CLOSE && (!f->is_last || f->n > ET__WS_CONTROL_BYTES_MAX))
        return et_fail(err, ET_ECORRUPT, 0, "a control frame that is long, or in pieces");
    return ET_OK;
}

enum et_status et__ws_read_head(const char *p, size_t n, bool is_server, struct et__ws_frame *frame,
                                struct et_err *err)
{
    if (n < 2)
        return ET_AGAIN;
    const unsigned first = (unsigned char)p[0], second = (unsigned char)p[1];
    *frame = (struct et__ws_frame){.is_last = first & 0x80,
                                   .is_masked = second & 0x80,
                                   .opcode = (int)(first & 15),
                                   .n = second & 0x7f};
    // What can be seen to be wrong is told at once, before the rest of the head is there.
    const enum et_status st = check_head(first, frame, is_server, err);
    if (st != ET_OK)
        return st;
    const size_t n_length = frame->n == 126 ? 2 : frame->n == 127 ? 8 : 0;
    frame->n_head = 2 + n_length + (frame->is_masked ? 4 : 0);
    if (n < frame->n_head)
        return ET_AGAIN;
    if (n_length) {
        frame->n = big_endian(p + 2, n_length);
        if (frame->n < (n_length == 2 ? 126u : 65536u) || frame->n >> 63)
            return et_fail(err, ET_ECORRUPT, 2, "a frame's length that is not the shortest");
    }
    if (frame->is_masked)
        memcpy(frame->mask, p + 2 + n_length, 4);
    return ET_OK;
}

size_t et__ws_put_head(unsigned char to[ET__WS_HEAD_BYTES_MAX], int opcode, size_t n,
                       const unsigned char mask[4])
{
    const size_t n_length = n < 126 ? 0 : n < 65536 ? 2 : 8;
    to[0] = (unsigned char)(0x80 | opcode);
    to[1] = (unsigned char)((mask ? 0x80 : 0) | (n_length == 0 ? n : n_length == 2 ? 126 : 127));
    for (size_t i = 0; i < n_length; i++)
        to[2 + i] = (unsigned char)((uint64_t)n >> (8 * (n_length - 1 - i)));
    if (mask)
        memcpy(to + 2 + n_length, mask, 4);
    return 2 + n_length + (mask ? 4 : 0);
}

void et__ws_mask_slow(char *p, size_t n, const unsigned char mask[4])
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)((unsigned char)p[i] ^ mask[i % 4]);
}

void et__ws_mask(char *p, size_t n, const unsigned char mask[4])
{
    unsigned char twice[8];
    uint64_t key, word;
    memcpy(twice, mask, 4);
    memcpy(twice + 4, mask, 4);
    memcpy(&key, twice, sizeof key);
    size_t i = 0;
    for (; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        word ^= key;
        memcpy(p + i, &word, sizeof word);
    }
    et__ws_mask_slow(p + i, n - i, mask); // i is a multiple of 4, where the mask begins anew
}

static bool is_close_code(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static enum et_status read_close(struct et__ws_event *event, int *code, struct et_err *err)
{
    event->code = ET_WEBSOCKET_NO_CODE;
    if (event->n == 0)
        return ET_OK;
    *code = ET_WEBSOCKET_PROTOCOL;
    if (event->n == 1)
        return et_fail(err, ET_ECORRUPT, 0, "half a code to close with");
    event->code = (int)big_endian(event->p, 2);
    event->p += 2;
    event->n -= 2;
    if (!is_close_code(event->code))
        return et_fail(err, ET_ECORRUPT, 0, "closing with %d, which is no code", event->code);
    if (et_str_is_utf8((struct et_str){event->p, event->n}))
        return ET_OK;
    *code = ET_WEBSOCKET_NOT_UTF8;
    return et_fail(err, ET_ECORRUPT, 2, "a reason that is not UTF-8");
}

// A frame of a message. ET_OK: the message is whole. ET_AGAIN: it goes on.
static enum et_status add_frame(struct et__ws_reader *r, const struct et__ws_frame *f, char *p,
                                struct et__ws_event *event, int *code, struct et_err *err)
{
    const bool is_first = f->opcode != ET__WS_MORE;
    *code = ET_WEBSOCKET_PROTOCOL;
    if (is_first == (r->opcode != 0))
        return et_fail(err, ET_ECORRUPT, 0, "%s",
                       is_first ? "a message within a message" : "a piece of no message");
    const int kind = is_first ? f->opcode : r->opcode;
    *event = (struct et__ws_event){.kind = kind, .p = p, .n = (size_t)f->n};
    if (!is_first || !f->is_last) {
        r->opcode = kind;
        et_buf_put(&r->buf, p, (size_t)f->n);
        if (r->buf.status != ET_OK) {
            *code = r->buf.status == ET_ELIMIT ? ET_WEBSOCKET_TOO_BIG : ET_WEBSOCKET_INTERNAL;
            return et_buf_check(&r->buf, "a message", err);
        }
        event->p = r->buf.p;
        event->n = r->buf.n;
    }
    if (!f->is_last)
        return ET_AGAIN;
    r->opcode = 0;
    if (kind == ET__WS_TEXT && !et_str_is_utf8((struct et_str){event->p, event->n})) {
        *code = ET_WEBSOCKET_NOT_UTF8;
        return et_fail(err, ET_ECORRUPT, 0, "a text that is not UTF-8");
    }
    return ET_OK;
}

enum et_status et__ws_next(struct et__ws_reader *r, char *p, size_t n, size_t *n_used,
                           struct et__ws_event *event, int *code, struct et_err *err)
{
    *n_used = 0;
    if (r->opcode == 0) { // the message that was given last is done with
        et_buf_clear(&r->buf);
        if (r->buf.cap > KEPT_BYTES)
            et_buf_free(&r->buf);
    }
    for (;;) {
        struct et__ws_frame f;
        char *at = p + *n_used;
        *code = ET_WEBSOCKET_PROTOCOL;
        enum et_status st = et__ws_read_head(at, n - *n_used, r->is_server, &f, err);
        if (st != ET_OK)
            return st;
        if (f.n > r->buf.limit) {
            *code = ET_WEBSOCKET_TOO_BIG;
            return et_fail(err, ET_ELIMIT, 0, "a message of %llu bytes, where %zu may be",
                           (unsigned long long)f.n, r->buf.limit);
        }
        if (n - *n_used - f.n_head < f.n)
            return ET_AGAIN;
        at += f.n_head;
        *n_used += f.n_head + (size_t)f.n;
        if (f.is_masked)
            et__ws_mask(at, (size_t)f.n, f.mask);
        if (f.opcode >= ET__WS_CLOSE) {
            *event = (struct et__ws_event){.kind = f.opcode, .p = at, .n = (size_t)f.n};
            return f.opcode == ET__WS_CLOSE ? read_close(event, code, err) : ET_OK;
        }
        st = add_frame(r, &f, at, event, code, err);
        if (st != ET_AGAIN)
            return st;
    }
}

bool et__ws_accept_of(struct et_str key, char accept[ET__WS_ACCEPT_CHARS + 1])
{
    static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3
    unsigned char bytes[ET_BASE64_BYTES(ET__WS_KEY_CHARS)];
    uint8_t digest[ET__SHA1_BYTES];
    char text[ET__WS_KEY_CHARS + sizeof GUID];
    size_t n;
    if (key.n != ET__WS_KEY_CHARS || !et_base64_get(key, bytes, &n) || n != KEY_BYTES)
        return false;
    memcpy(text, key.p, key.n);
    memcpy(text + key.n, GUID, sizeof GUID);
    struct et_buf buf = et_buf(ET__WS_ACCEPT_CHARS);
    if (et__sha1(text, key.n + sizeof GUID - 1, digest))
        et_base64_put(&buf, digest, sizeof digest);
    const bool is_made = buf.status == ET_OK && buf.n == ET__WS_ACCEPT_CHARS;
    if (is_made)
        memcpy(accept, buf.p, buf.n);
    accept[is_made ? ET__WS_ACCEPT_CHARS : 0] = 0;
    et_buf_free(&buf);
    return is_made;
}
