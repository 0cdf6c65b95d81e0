/* Whole messages as JSON. */
#include "message__json.h"
#include "message__path.h"
#include "message__walk.h"

#include <stdio.h>

#define PADDING_MAX 3 // bytes, at the end of a message in CDR

/* JSON's readers hold signed numbers of 64 bits. */
void et__json_unsigned(struct et_json_writer *w, uint64_t value)
{
    char digits[24];
    if (value <= INT64_MAX) {
        et_json_int(w, (int64_t)value);
        return;
    }
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    et_json_text(w, digits);
}

/* A time by its two fields, as the definition calls them. */
static void put_time(const struct et__walk *walk, const struct et__item *item, size_t i,
                     struct et_json_writer *w)
{
    const struct et_msgdef_type *type = item->field->type;
    et_json_open_map(w);
    for (size_t k = 0; k < 2; k++) {
        const struct et__item part = {.field = &type->fields[k], .p = item->p + 8 * i + 4 * k};
        et_json_key_str(w, part.field->name);
        et_json_int(w, et__item_integer(walk, &part, 0));
    }
    et_json_close_map(w);
}

static void put_number(const struct et__walk *walk, const struct et__item *item, size_t i,
                       struct et_json_writer *w)
{
    switch (item->field->kind) {
    case ET_MSG_BOOL:
        et_json_bool(w, et__item_integer(walk, item, i) != 0);
        return;
    case ET_MSG_FLOAT32:
    case ET_MSG_FLOAT64:
        et_json_real(w, et__item_real(walk, item, i));
        return;
    case ET_MSG_UINT64:
        et__json_unsigned(w, (uint64_t)et__item_integer(walk, item, i));
        return;
    case ET_MSG_TIME:
    case ET_MSG_DURATION:
        put_time(walk, item, i, w);
        return;
    case ET_MSG_INT8:
    case ET_MSG_UINT8:
    case ET_MSG_INT16:
    case ET_MSG_UINT16:
    case ET_MSG_INT32:
    case ET_MSG_UINT32:
    case ET_MSG_INT64:
        et_json_int(w, et__item_integer(walk, item, i));
        return;
    case ET_MSG_STRING:
    case ET_MSG_WSTRING:
    case ET_MSG_BYTES:
    case ET_MSG_NESTED:
        return;
    }
}

static void put_numbers(const struct et__walk *walk, const struct et__item *item,
                        struct et_json_writer *w)
{
    if (!item->is_list) {
        put_number(walk, item, 0, w);
        return;
    }
    if (et__is_byte_array(item->field)) {
        et_json_bytes(w, item->p, item->n);
        return;
    }
    et_json_open_list(w);
    for (size_t i = 0; i < item->n && w->buf->status == ET_OK; i++)
        put_number(walk, item, i, w);
    et_json_close_list(w);
}

static void put_item(const struct et__walk *walk, const struct et__item *item,
                     struct et_json_writer *w)
{
    const bool is_end = item->kind == ET__ITEM_CLOSE || item->kind == ET__ITEM_CLOSE_LIST;
    if (!is_end && item->field && !item->is_element)
        et_json_key_str(w, item->field->name);
    switch (item->kind) {
    case ET__ITEM_OPEN:
        et_json_open_map(w);
        return;
    case ET__ITEM_CLOSE:
        et_json_close_map(w);
        return;
    case ET__ITEM_OPEN_LIST:
        et_json_open_list(w);
        return;
    case ET__ITEM_CLOSE_LIST:
        et_json_close_list(w);
        return;
    case ET__ITEM_NUMBERS:
        put_numbers(walk, item, w);
        return;
    case ET__ITEM_TEXT:
        et_json_str(w, (struct et_str){item->p, item->n});
        return;
    }
}

static enum et_status walk_to_json(const struct et_message_def *message, struct et_str bytes,
                                   struct et_json_writer *w, struct et_err *err)
{
    struct et__walk walk;
    struct et__item item;
    enum et_status st = et__walk_open(&walk, message, bytes, err);
    if (st != ET_OK)
        return st;
    while ((st = et__walk_next(&walk, &item)) == ET_OK && w->buf->status == ET_OK)
        put_item(&walk, &item, w);
    return st == ET_END ? ET_OK : st;
}

static enum et_status json_to_json(struct et_str bytes, struct et_json_writer *w,
                                   struct et_err *err)
{
    static const struct et_json_options OPTIONS = {.allow_nan = true};
    const struct et_value *value;
    struct et_arena *arena;
    enum et_status st = et_arena_open(&arena, ET__JSON_ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    st = et_json_parse(bytes, &OPTIONS, arena, &value, err);
    if (st == ET_OK)
        et_json_value(w, value);
    et_arena_close(arena);
    return st;
}

enum et_status et_message_to_json(const struct et_message_def *message, struct et_str bytes,
                                  struct et_json_writer *w, struct et_err *err)
{
    enum et_status st = ET_EARG;
    switch (message->encoding) {
    case ET_MESSAGE_CDR:
    case ET_MESSAGE_ROS1:
        st = walk_to_json(message, bytes, w, err);
        break;
    case ET_MESSAGE_PROTOBUF:
        st = et__protobuf_to_json(message->def, bytes, w, err);
        break;
    case ET_MESSAGE_JSON:
        st = json_to_json(bytes, w, err);
        break;
    case ET_MESSAGE_N_ENCODINGS:
        return et_fail(err, ET_EARG, -1, "no encoding");
    }
    return st == ET_OK ? et_buf_check(w->buf, "a message as JSON", err) : st;
}

enum et_status et_message_left_over(const struct et_message_def *message, struct et_str bytes,
                                    size_t *n_left, struct et_err *err)
{
    struct et__walk walk;
    struct et__item item;

    *n_left = 0;
    if (message->encoding != ET_MESSAGE_CDR && message->encoding != ET_MESSAGE_ROS1)
        return ET_OK;
    enum et_status st = et__walk_open(&walk, message, bytes, err);
    while (st == ET_OK)
        st = et__walk_next(&walk, &item);
    if (st != ET_END)
        return st;
    *n_left = bytes.n - walk.pos;
    if (walk.layout.is_cdr && *n_left <= PADDING_MAX + walk.n_slack)
        *n_left = 0;
    return ET_OK;
}
