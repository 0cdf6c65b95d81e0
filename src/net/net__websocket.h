/* WebSocket frames, as functions over bytes: heads, masks, and messages put together from them. */
#ifndef ETUDE_NET_WEBSOCKET_H
#define ETUDE_NET_WEBSOCKET_H

#include "etude/websocket.h"

enum {
    ET__WS_MORE = 0,
    ET__WS_TEXT = 1,
    ET__WS_BINARY = 2,
    ET__WS_CLOSE = 8,
    ET__WS_PING = 9,
    ET__WS_PONG = 10,
};

#define ET__WS_CONTROL_BYTES_MAX 125
#define ET__WS_HEAD_BYTES_MAX 14

struct et__ws_frame {
    bool is_last, is_masked;
    int opcode;
    unsigned char mask[4];
    size_t n_head;
    uint64_t n;
};

/* Reads a frame's head. ET_OK; ET_AGAIN: it goes on; ET_ECORRUPT: it breaks the rules (1002). */
ET_MUST_USE enum et_status et__ws_read_head(const char *p, size_t n, bool is_server,
                                            struct et__ws_frame *frame, struct et_err *err);

/* Writes a frame's head to `to`; mask NULL: without. Returns its length. */
size_t et__ws_put_head(unsigned char to[ET__WS_HEAD_BYTES_MAX], int opcode, size_t n,
                       const unsigned char mask[4]);

/* Masks or unmasks in place, 8 bytes at a time; and the slow one that it is compared with. */
void et__ws_mask(char *p, size_t n, const unsigned char mask[4]);
void et__ws_mask_slow(char *p, size_t n, const unsigned char mask[4]);

/* What puts messages together. A zeroed struct with `buf` and its limit begins. */
struct et__ws_reader {
    bool is_server;
    int opcode;        // of the message that is under way; 0: none is
    struct et_buf buf; // its frames so far; its limit is that of messages
};

/* Whole messages and control frames. `kind`: ET__WS_… but MORE; code: of a close. */
struct et__ws_event {
    int kind, code;
    char *p;
    size_t n;
};

/* Takes the next event from n bytes at p, which it unmasks where they lie; *n_used of them are used
 * up. ET_OK: *event; its bytes lie in p or in the reader until the next call. ET_AGAIN: all whole
 * frames are used up, no event is complete. Failed: *code is what to close with. */
ET_MUST_USE enum et_status et__ws_next(struct et__ws_reader *reader, char *p, size_t n,
                                       size_t *n_used, struct et__ws_event *event, int *code,
                                       struct et_err *err);

/* The answer to a Sec-WebSocket-Key. False: it is none. */
#define ET__WS_KEY_CHARS 24
#define ET__WS_ACCEPT_CHARS 28
bool et__ws_accept_of(struct et_str key, char accept[ET__WS_ACCEPT_CHARS + 1]);

#endif
