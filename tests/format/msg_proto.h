/* Protobuf written by hand: just enough for descriptors and messages of tests. */
#ifndef TESTS_MSG_PROTO_H
#define TESTS_MSG_PROTO_H

#include "etude/str.h"

static inline void proto_varint(struct et_buf *buf, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        et_buf_putc(buf, (char)(value | 0x80));
    et_buf_putc(buf, (char)value);
}

static inline void proto_number(struct et_buf *buf, unsigned number, uint64_t value)
{
    proto_varint(buf, number << 3);
    proto_varint(buf, value);
}

static inline void proto_bytes(struct et_buf *buf, unsigned number, struct et_str bytes)
{
    proto_varint(buf, number << 3 | 2);
    proto_varint(buf, bytes.n);
    et_buf_putstr(buf, bytes);
}

static inline void proto_double(struct et_buf *buf, unsigned number, double value)
{
    proto_varint(buf, number << 3 | 1);
    et_buf_put(buf, &value, sizeof value);
}

static inline void proto_float(struct et_buf *buf, unsigned number, float value)
{
    proto_varint(buf, number << 3 | 5);
    et_buf_put(buf, &value, sizeof value);
}

/* A message of what `inside` holds, which is emptied. */
static inline void proto_message(struct et_buf *buf, unsigned number, struct et_buf *inside)
{
    proto_bytes(buf, number, et_buf_str(inside));
    et_buf_clear(inside);
}

/* A FieldDescriptorProto; type_name and standard may be NULL. */
static inline void proto_field(struct et_buf *message, const char *name, unsigned number,
                               unsigned type, bool is_list, const char *type_name,
                               const char *standard)
{
    struct et_buf field = et_buf(1 << 16);
    proto_bytes(&field, 1, et_str(name));
    proto_number(&field, 3, number);
    proto_number(&field, 4, is_list ? 3 : 1);
    proto_number(&field, 5, type);
    if (type_name)
        proto_bytes(&field, 6, et_str(type_name));
    if (standard)
        proto_bytes(&field, 7, et_str(standard));
    proto_message(message, 2, &field);
    et_buf_free(&field);
}

enum {
    PROTO_DOUBLE = 1,
    PROTO_FLOAT,
    PROTO_INT64,
    PROTO_UINT64,
    PROTO_INT32,
    PROTO_FIXED64,
    PROTO_FIXED32,
    PROTO_BOOL,
    PROTO_STRING,
    PROTO_GROUP,
    PROTO_MESSAGE,
    PROTO_BYTES,
    PROTO_UINT32,
    PROTO_ENUM,
    PROTO_SFIXED32,
    PROTO_SFIXED64,
    PROTO_SINT32,
    PROTO_SINT64
};

/* The definition of robot.State: every kind of field, a message within it, a list of messages, one
 * that contains itself, a Timestamp. */
static inline void proto_robot(struct et_buf *set)
{
    struct et_buf file = et_buf(1 << 20), message = et_buf(1 << 20), inner = et_buf(1 << 20);
    proto_bytes(&file, 1, ET_STR("robot.proto"));
    proto_bytes(&file, 2, ET_STR("robot"));
    proto_bytes(&message, 1, ET_STR("State"));
    proto_field(&message, "stamp", 1, PROTO_MESSAGE, false, ".google.protobuf.Timestamp", NULL);
    proto_field(&message, "name", 2, PROTO_STRING, false, NULL, NULL);
    proto_field(&message, "q", 3, PROTO_DOUBLE, true, NULL, NULL);
    proto_field(&message, "joints", 4, PROTO_MESSAGE, true, ".robot.State.Joint", NULL);
    proto_field(&message, "image", 5, PROTO_BYTES, false, NULL, NULL);
    proto_field(&message, "parent", 6, PROTO_MESSAGE, false, ".robot.State", NULL);
    proto_field(&message, "u64", 7, PROTO_UINT64, false, NULL, NULL);
    proto_field(&message, "s32", 8, PROTO_SINT32, true, NULL, NULL);
    proto_field(&message, "i32", 9, PROTO_INT32, false, NULL, NULL);
    proto_field(&message, "mode", 10, PROTO_ENUM, false, ".robot.Mode", NULL);
    proto_field(&message, "on", 11, PROTO_BOOL, false, NULL, "true");
    proto_field(&message, "f32", 16, PROTO_FIXED32, false, NULL, NULL);
    proto_field(&message, "sf64", 17, PROTO_SFIXED64, false, NULL, "-5");
    proto_field(&message, "half", 18, PROTO_FLOAT, false, NULL, "0.5");
    proto_field(&message, "word", 19, PROTO_STRING, false, NULL, "none");
    proto_field(&message, "parts", 20, PROTO_BYTES, true, NULL, NULL);
    proto_field(&message, "old", 21, PROTO_GROUP, false, ".robot.State.Old", NULL);
    proto_bytes(&inner, 1, ET_STR("Joint"));
    proto_field(&inner, "name", 1, PROTO_STRING, false, NULL, NULL);
    proto_field(&inner, "q", 2, PROTO_DOUBLE, false, NULL, NULL);
    proto_field(&inner, "v", 3, PROTO_FLOAT, true, NULL, NULL);
    proto_message(&message, 3, &inner);
    proto_message(&file, 4, &message);
    proto_message(set, 1, &file);

    proto_bytes(&file, 2, ET_STR("google.protobuf"));
    proto_bytes(&message, 1, ET_STR("Timestamp"));
    proto_field(&message, "seconds", 1, PROTO_INT64, false, NULL, NULL);
    proto_field(&message, "nanos", 2, PROTO_INT32, false, NULL, NULL);
    proto_message(&file, 4, &message);
    proto_message(set, 1, &file);
    et_buf_free(&file);
    et_buf_free(&message);
    et_buf_free(&inner);
}

/* A message of robot.State. */
static inline void proto_state(struct et_buf *state)
{
    struct et_buf part = et_buf(1 << 16), list = et_buf(1 << 16);
    const double q[2] = {0.25, -1};
    const float v[2] = {1.5F, 2.5F};
    proto_number(&part, 1, 5);
    proto_number(&part, 2, 7);
    proto_message(state, 1, &part);
    proto_bytes(state, 2, ET_STR("first"));
    proto_bytes(state, 2, ET_STR("last"));                             // of two, the last counts
    proto_bytes(state, 3, (struct et_str){(const char *)q, sizeof q}); // packed
    proto_double(state, 3, 3);                                         // and one by one
    for (int i = 0; i < 3; i++) {
        if (i < 2)
            proto_bytes(&part, 1, i ? ET_STR("b") : ET_STR("a"));
        if (i != 1)
            proto_double(&part, 2, 1.5 + i);
        if (i == 1)
            proto_bytes(&part, 3, (struct et_str){(const char *)v, sizeof v});
        proto_message(state, 4, &part);
    }
    proto_bytes(state, 5, ET_STR("JPEG"));
    proto_bytes(&part, 2, ET_STR("up"));
    proto_message(state, 6, &part);
    proto_number(state, 7, UINT64_MAX);
    proto_varint(&list, 1); // −1
    proto_varint(&list, 4); // 2
    proto_message(state, 8, &list);
    proto_number(state, 9, (uint64_t)-3);
    proto_number(state, 10, 2);
    proto_varint(state, 16 << 3 | 5);
    et_buf_put(state, "\x05\0\0\0", 4);
    proto_bytes(state, 20, ET_STR("x"));
    proto_bytes(state, 20, ET_STR("yz"));
    proto_varint(state, 21 << 3 | 3); // a group, and a field that nobody knows
    proto_number(state, 1, 1);
    proto_varint(state, 21 << 3 | 4);
    proto_bytes(state, 99, ET_STR("new"));
    et_buf_free(&part);
    et_buf_free(&list);
}

#endif
