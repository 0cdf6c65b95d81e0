/* Any frames: events or a code to close with, the same in one piece and byte by byte; texts are
 * UTF-8, nothing is longer than its limit. The first byte says which side reads. */
#include "net/net__websocket.h"

#include <stdlib.h>

#define LIMIT 1000
#define CAP ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void note(const struct et__ws_event *e, struct et_buf *events)
{
    if (e->kind == ET__WS_TEXT)
        require(et_str_is_utf8((struct et_str){e->p, e->n}));
    require(e->n <= (e->kind < ET__WS_CLOSE ? LIMIT : ET__WS_CONTROL_BYTES_MAX));
    et_buf_printf(events, "%d %d %zu ", e->kind, e->kind == ET__WS_CLOSE ? e->code : 0, e->n);
    et_buf_put(events, e->p, e->n);
}

// Gives the bytes on in pieces. Returns the code that it ended with; 0: none.
static int read_all(const char *p, size_t n, size_t n_piece, bool is_server, struct et_buf *events)
{
    struct et__ws_reader reader = {.is_server = is_server, .buf = et_buf(LIMIT)};
    char *lies = malloc(n + 1);
    size_t n_lies = 0;
    int ended = 0;
    for (size_t at = 0; at < n && !ended; at += n_piece) {
        const size_t n_new = n - at < n_piece ? n - at : n_piece;
        memcpy(lies + n_lies, p + at, n_new);
        n_lies += n_new;
        size_t used = 0;
        for (enum et_status st = ET_OK; st == ET_OK;) {
            struct et__ws_event e;
            size_t step;
            int code;
            st = et__ws_next(&reader, lies + used, n_lies - used, &step, &e, &code, NULL);
            used += step;
            require(used <= n_lies);
            if (st == ET_OK)
                note(&e, events);
            else if (st < 0)
                ended = code;
        }
        memmove(lies, lies + used, n_lies - used);
        n_lies -= used;
    }
    free(lies);
    et_buf_free(&reader.buf);
    return ended;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et_buf whole = et_buf(8 * CAP), slow = et_buf(8 * CAP);
    if (size < 2 || size > CAP)
        return 0;
    const char *p = (const char *)data + 1;
    const bool is_server = data[0] & 1;
    const int a = read_all(p, size - 1, size - 1, is_server, &whole);
    const int b = read_all(p, size - 1, 1, is_server, &slow);
    require(a == b && et_str_eq(et_buf_str(&whole), et_buf_str(&slow)));
    et_buf_free(&whole);
    et_buf_free(&slow);
    char accept[ET__WS_ACCEPT_CHARS + 1];
    if (et__ws_accept_of((struct et_str){p, size - 1}, accept))
        require(strlen(accept) == ET__WS_ACCEPT_CHARS);
    return 0;
}
