/* Any frame, text or binary by the first byte: read or refused. A text that is read and written
 * again reads as the same. */
#include "record/record__foxglove.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static bool put(struct et_buf *buf, const struct et__foxglove_text *text)
{
    if (text->op == ET__FOXGLOVE_ADVERTISE)
        et__foxglove_put_advertise(buf, text->channels, text->n);
    else if (text->op == ET__FOXGLOVE_SUBSCRIBE)
        et__foxglove_put_subscribe(buf, text->subscriptions, text->n);
    else if (text->op == ET__FOXGLOVE_UNSUBSCRIBE)
        et__foxglove_put_unsubscribe(buf, text->ids, text->n);
    else if (text->op == ET__FOXGLOVE_STATUS)
        et__foxglove_put_status(buf, text->level, text->text);
    else
        return false;
    return true;
}

static void compare_channels(const struct et__foxglove_text *a, const struct et__foxglove_text *b)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct et__foxglove_channel *x = &a->channels[i], *y = &b->channels[i];
        require(x->id == y->id && strcmp(x->topic, y->topic) == 0 &&
                strcmp(x->type, y->type) == 0 && strcmp(x->encoding, y->encoding) == 0 &&
                et_str_eq(x->schema, y->schema));
    }
}

static void read_text(struct et_str json, struct et_arena *arena)
{
    struct et__foxglove_text text, again;
    struct et_buf first = et_buf(ARENA_BYTES);
    if (et__foxglove_read_text(json, arena, &text, NULL) == ET_OK && put(&first, &text)) {
        require(first.status == ET_OK);
        require(et__foxglove_read_text(et_buf_str(&first), arena, &again, NULL) == ET_OK);
        require(again.op == text.op && again.n == text.n);
        if (text.op == ET__FOXGLOVE_ADVERTISE)
            compare_channels(&text, &again);
    }
    et_buf_free(&first);
}

static void read_data(struct et_str frame)
{
    struct et__foxglove_data data;
    unsigned char head[ET__FOXGLOVE_HEAD_BYTES];
    if (et__foxglove_read_data(frame, &data, NULL) != ET_OK)
        return;
    require(data.bytes.p + data.bytes.n == frame.p + frame.n && data.t_ns >= 0);
    if (data.is_time)
        return;
    et__foxglove_put_head(head, data.subscription, data.t_ns);
    require(memcmp(head, frame.p, sizeof head) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et_arena *arena;
    if (size < 1 || et_arena_open(&arena, ARENA_BYTES, NULL) != ET_OK)
        return 0;
    const struct et_str frame = {(const char *)data + 1, size - 1};
    if (data[0] & 1)
        read_text(frame, arena);
    else
        read_data(frame);
    et_arena_close(arena);
    return 0;
}
